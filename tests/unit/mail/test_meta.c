/* Metadata: making, strict reading, IMAP's views, section numbers, previews. */
#include "base/error.h"
#include "mail/meta.h"
#include "t.h"

#include <time.h>

static const char letter[] =
	"Received: from mx.example by here.example; Sat, 21 Nov 2026 22:13:05 +0000\r\n"
	"Date: Sat, 21 Nov 2026 23:13:03 +0100\r\n"
	"From: \"Ada \\\"Countess\\\" Lovelace\" <ada@x.example>\r\n"
	"To: Friends: bo@y.example, =?utf-8?q?J=C3=BCrgen?= <j@z.example>;,\r\n"
	" postmaster\r\n"
	"Cc: J\xc3\xbcrgen <ju@z.example>\r\n"
	"Subject: Re: The engine,\r\n"
	"\tnote \"G\"\r\n"
	"Message-ID: <3@x.example>\r\n"
	"In-Reply-To: <2@y.example>\r\n"
	"References: <1@x.example>\r\n"
	" <2@y.\r\n example>\r\n"
	"List-Id: Engines <engines.LISTS.example>\r\n"
	"MIME-Version: 1.0\r\n"
	"Content-Type: multipart/mixed; boundary=b1\r\n"
	"\r\n"
	"--b1\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n"
	"\r\n"
	"> You wrote something\r\n"
	"\r\n"
	"Dear Bo,\r\n"
	"the engine weaves =C3=A4lgebraic patterns.\r\n"
	"--b1\r\n"
	"Content-Type: message/rfc822\r\n"
	"Content-Description: the one before\r\n"
	"\r\n"
	"Subject: The engine\r\n"
	"From: bo@y.example\r\n"
	"Content-Type: multipart/alternative; boundary=b2\r\n"
	"\r\n"
	"--b2\r\n"
	"\r\n"
	"plain\r\n"
	"--b2\r\n"
	"Content-Type: text/html\r\n"
	"\r\n"
	"<p>html</p>\r\n"
	"--b2--\r\n"
	"--b1\r\n"
	"Content-Type: application/pdf; name=\"plan.pdf\"\r\n"
	"Content-Disposition: attachment; filename=\"plan.pdf\"\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"Content-ID: <p@x>\r\n"
	"Content-MD5: Q2hlY2s=\r\n"
	"Content-Language: en, de\r\n"
	"Content-Location: plan\r\n"
	"\r\n"
	"JVBERi0=\r\n"
	"--b1--\r\n";

/* Makes and decodes; the bytes stay in b. */
static struct message_meta
meta_of(struct buf *b, struct slice message)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	struct message_meta m = {0};

	CHECK_INT(message_meta_make(b, message, NULL, &a), 0);
	CHECK_INT(message_meta_decode(buf_slice(b), &m), 0);
	return m;
}

static void
fields(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	struct message_meta m = meta_of(&b, slice_str(letter));
	struct slice s;

	CHECK_INT(m.size, sizeof(letter) - 1);
	CHECK_INT(m.date, 1795299183);
	CHECK_INT(m.zone, 60);
	CHECK_INT(m.flags, META_HAS_ATTACHMENT | META_UTF8_HEADER | META_HAS_DATE);
	CHECK_SLICE(m.envelope.subject, S("Re: The engine,\tnote \"G\""));
	CHECK_SLICE(m.id, S("3@x.example"));
	CHECK_INT(m.references.count, 2);
	CHECK(meta_string_next(&m.references, &s));
	CHECK_SLICE(s, S("1@x.example"));
	CHECK(meta_string_next(&m.references, &s));
	CHECK_SLICE(s, S("2@y.example"));
	CHECK(!meta_string_next(&m.references, &s));
	CHECK_INT(m.in_reply_to.count, 1);
	CHECK_SLICE(m.list_id, S("engines.lists.example"));
	CHECK_SLICE(m.preview, S("Dear Bo, the engine weaves \xc3\xa4lgebraic patterns."));
	CHECK_INT(m.parts.count, 7);
}

static void
envelope(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
	struct message_meta m = meta_of(&b, slice_str(letter));

	CHECK_INT(meta_imap_envelope(&out, &m, 0), 0);
	CHECK_SLICE(buf_slice(&out),
		S("(\"Sat, 21 Nov 2026 23:13:03 +0100\" \"Re: The engine,\tnote \\\"G\\\"\" "
		  "((\"Ada \\\"Countess\\\" Lovelace\" NIL \"ada\" \"x.example\")) "
		  "((\"Ada \\\"Countess\\\" Lovelace\" NIL \"ada\" \"x.example\")) "
		  "((\"Ada \\\"Countess\\\" Lovelace\" NIL \"ada\" \"x.example\")) "
		  "((NIL NIL \"Friends\" NIL)(NIL NIL \"bo\" \"y.example\")"
		  "(\"=?utf-8?q?J=C3=BCrgen?=\" NIL \"j\" \"z.example\")(NIL NIL NIL NIL)"
		  "(NIL NIL \"postmaster\" \"\")) "
		  "(({7}\r\nJ\xc3\xbcrgen NIL \"ju\" \"z.example\")) NIL "
		  "\"<2@y.example>\" \"<3@x.example>\")"));
	buf_reset(&out);
	CHECK_INT(meta_imap_envelope(&out, &m, META_IMAP_UTF8), 0);
	CHECK(slice_find(buf_slice(&out), S("((\"J\xc3\xbcrgen\" NIL")) != SLICE_NPOS);
}

static void
structures(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
	struct message_meta m = meta_of(&b, slice_str(letter));

	CHECK_INT(meta_imap_bodystructure(&out, &m, 0), 0);
	CHECK_SLICE(buf_slice(&out),
		S("((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 77 4 "
		  "NIL NIL NIL NIL)"
		  "(\"message\" \"rfc822\" NIL NIL \"the one before\" \"7bit\" 160 "
		  "(NIL \"The engine\" ((NIL NIL \"bo\" \"y.example\")) "
		  "((NIL NIL \"bo\" \"y.example\")) ((NIL NIL \"bo\" \"y.example\")) "
		  "NIL NIL NIL NIL NIL) "
		  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1 "
		  "NIL NIL NIL NIL)"
		  "(\"text\" \"html\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 11 1 "
		  "NIL NIL NIL NIL) \"alternative\" (\"boundary\" \"b2\") NIL NIL NIL) 12 "
		  "NIL NIL NIL NIL)"
		  "(\"application\" \"pdf\" (\"name\" \"plan.pdf\") \"<p@x>\" NIL \"base64\" 8 "
		  "\"Q2hlY2s=\" (\"attachment\" (\"filename\" \"plan.pdf\")) (\"en\" \"de\") "
		  "\"plan\") "
		  "\"mixed\" (\"boundary\" \"b1\") NIL NIL NIL)"));
	buf_reset(&out);
	CHECK_INT(meta_imap_body(&out, &m, 0), 0);
	CHECK_SLICE(buf_slice(&out),
		S("((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 77 4)"
		  "(\"message\" \"rfc822\" NIL NIL \"the one before\" \"7bit\" 160 "
		  "(NIL \"The engine\" ((NIL NIL \"bo\" \"y.example\")) "
		  "((NIL NIL \"bo\" \"y.example\")) ((NIL NIL \"bo\" \"y.example\")) "
		  "NIL NIL NIL NIL NIL) "
		  "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1)"
		  "(\"text\" \"html\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 11 1) "
		  "\"alternative\") 12)"
		  "(\"application\" \"pdf\" (\"name\" \"plan.pdf\") \"<p@x>\" NIL \"base64\" 8) "
		  "\"mixed\")"));
}

static void
odd_structures(void)
{
	static const struct {
		const char *message, *want;
		unsigned flags;
	} cases[] = {
		{"Content-Type: multipart/mixed\r\n\r\nlost\r\n",
			"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1) "
			"\"mixed\")",
			0},
		{"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==",
			"(\"message\" \"rfc822\" NIL NIL NIL \"base64\" 4 "
			"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
			"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"base64\" 4 1) 1)",
			0},
		{"Content-Type: message/global\r\n\r\nA: b\r\n\r\nc",
			"(\"message\" \"global\" NIL NIL NIL \"7bit\" 9)", 0},
		{"Content-Type: message/global\r\n\r\nA: b\r\n\r\nc",
			"(\"message\" \"global\" NIL NIL NIL \"7bit\" 9 "
			"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
			"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1) 3)",
			META_IMAP_UTF8},
		{"Content-Type: text/x-\"; a=\"\"\r\nContent-Transfer-Encoding: X-Y\"Z\r\n\r\n",
			"(\"text\" \"x-\" (\"a\" \"\") NIL NIL \"X-Y\\\"Z\" 0 0)", 0},
		{"", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
		CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
		struct message_meta m = meta_of(&b, slice_str(cases[i].message));
		CHECK_INT(meta_imap_body(&out, &m, cases[i].flags), 0);
		CHECK_SLICE(buf_slice(&out), slice_str(cases[i].want));
	}
}

static void
sections(void)
{
	static const struct {
		uint32_t path[4];
		size_t n;
		int index; /* -1: none */
	} cases[] = {
		{{0}, 0, 0},
		{{1}, 1, 1},
		{{2}, 1, 2},
		{{2, 1}, 2, 4},
		{{2, 2}, 2, 5},
		{{2, 3}, 2, -1},
		{{2, 1, 1}, 3, -1},
		{{3}, 1, 6},
		{{4}, 1, -1},
		{{0}, 1, -1},
		{{1, 1}, 2, -1},
		{{UINT32_MAX}, 1, -1},
	};
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	struct message_meta m = meta_of(&b, slice_str(letter));
	struct meta_part p, inner;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = meta_part_find(&m, cases[i].path, cases[i].n, &p);
		CHECK_INT(err ? -1 : (int)p.index, cases[i].index);
	}
	CHECK_INT(meta_part_find(&m, (uint32_t[]){2}, 1, &p), 0);
	CHECK_INT(meta_part_inner(&m, &p, &inner), 0);
	CHECK_INT(inner.index, 3);
	CHECK(inner.message_root);
	CHECK_INT(inner.header_start, p.body_start);
	CHECK_INT(meta_part_inner(&m, &inner, &p), LL_ERR_NOTFOUND);
}

/* Every number a part has leads back to it. */
static void
numbers(void)
{
	static const char *const messages[] = {letter, "a: b\r\n\r\nc",
		"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nA: "
		"b\r\n\r\nc",
		"Content-Type: multipart/mixed\r\n\r\nbroken"};
	static const char *const want[] = {"-,1,2,-,2.1,2.2,3,", "1,", "1,1.1,1.1.1,", "1,"};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
		CLEANUP(buf_done) struct buf all = BUF_INIT(1000);
		struct message_meta m = meta_of(&b, slice_str(messages[i]));
		for (uint32_t k = 0; k < m.parts.count; k++) {
			if (meta_part_number(&all, &m, k))
				buf_putc(&all, '-');
			buf_putc(&all, ',');
		}
		CHECK_SLICE(buf_slice(&all), slice_str(want[i]));
		CHECK_INT(meta_part_number(&all, &m, m.parts.count), LL_ERR_NOTFOUND);
	}
}

static void
file_names(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	CLEANUP(buf_done) struct buf name = BUF_INIT(100);
	struct message_meta m = meta_of(&b, slice_str(letter));
	struct meta_part p;

	CHECK_INT(meta_part_at(&m, 6, &p), 0);
	CHECK_INT(meta_part_filename(&name, &p), 0);
	CHECK_SLICE(buf_slice(&name), S("plan.pdf"));
	CHECK_INT(meta_part_at(&m, 1, &p), 0);
	CHECK_INT(meta_part_filename(&name, &p), LL_ERR_NOTFOUND);
	CHECK_INT(meta_part_at(&m, 7, &p), LL_ERR_NOTFOUND);
}

/* Truncated and altered metadata is refused, or is itself in canonical form. */
static void
damage(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	struct message_meta m = meta_of(&b, slice_str(letter));

	for (size_t n = 0; n < b.len; n++)
		CHECK(message_meta_decode(slice_new(b.ptr, n), &m) != 0);
	for (size_t i = 0; i < b.len * 8; i++) {
		CLEANUP(buf_done) struct buf again = BUF_INIT(META_BYTES_MAX);
		b.ptr[i / 8] ^= (uint8_t)(1u << i % 8);
		if (message_meta_decode(buf_slice(&b), &m) == 0) {
			CHECK_INT(message_meta_encode(&again, &m), 0);
			CHECK_SLICE(buf_slice(&again), buf_slice(&b));
		}
		b.ptr[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	b.ptr[0]++;
	CHECK_INT(message_meta_decode(buf_slice(&b), &m), LL_ERR_UNSUPPORTED);
	CHECK_INT(message_meta_decode(SLICE_NONE, &m), LL_ERR_CORRUPT);
}

/* Every prefix of a message has metadata. */
static void
truncations(void)
{
	for (size_t n = 0; n < sizeof(letter); n++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
		CLEANUP(buf_done) struct buf again = BUF_INIT(META_BYTES_MAX);
		struct message_meta m = meta_of(&b, slice_new(letter, n));
		CHECK_INT(message_meta_encode(&again, &m), 0);
		CHECK_SLICE(buf_slice(&again), buf_slice(&b));
	}
}

/* The fullest message still fits, with less of everything. */
static void
overlong(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(64 << 20);
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	struct message_meta m;

	for (size_t k = 0; k < 3; k++) {
		buf_puts(&in, k == 0 ? "To: " : k == 1 ? "\r\nSubject: " : "\r\nReferences: ");
		for (size_t i = 0; i < 5000; i++)
			buf_printf(&in, "<user%zu.%zu@host.example>,\r\n ", k, i);
	}
	buf_puts(&in, "\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (size_t i = 0; i < MIME_PARTS_MAX; i++) {
		buf_puts(&in, "--x\r\nContent-Description: ");
		buf_put_fill(&in, 'd', 5000);
		buf_puts(&in, "\r\nContent-Type: text/plain");
		for (size_t k = 0; k < 40; k++)
			buf_printf(&in, "; p%zu=\"a\\b%zu\"", k, k);
		buf_puts(&in, "\r\n\r\n");
	}
	m = meta_of(&b, buf_slice(&in));
	CHECK(m.flags & META_TRUNCATED);
	CHECK_INT(m.parts.count, MIME_PARTS_MAX);
	CHECK(m.envelope.lists[META_TO].count >= 20 && m.references.count >= 16);
	CHECK_INT(m.size, in.len);
}

static void
flags(void)
{
	static const struct {
		const char *message;
		uint32_t flags;
	} cases[] = {
		{"a: b\r\n\r\nx", 0},
		{"Content-Type: application/pdf\r\n\r\nx", META_HAS_ATTACHMENT},
		{"Content-Type: multipart/encrypted; boundary=x\r\n\r\n--x\r\n"
		 "Content-Type: application/pgp-encrypted\r\n\r\n--x\r\n"
		 "Content-Type: application/octet-stream\r\n\r\n--x--\r\n",
			META_ENCRYPTED},
		{"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x\r\n"
		 "Content-Type: application/pgp-signature\r\n\r\n--x--\r\n",
			META_SIGNED},
		{"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n",
			META_ENCRYPTED},
		{"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n",
			META_SIGNED},
		{"Content-Type: text/calendar; method=REQUEST\r\n\r\n", META_HAS_CALENDAR},
		{"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\n"
		 "Content-Type: text/html\r\n\r\n--x\r\n"
		 "Content-Type: image/png\r\nContent-ID: <a>\r\n\r\n--x--\r\n",
			0},
		{"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x\r\n"
		 "Content-Type: text/plain; name=a.txt\r\n\r\n",
			META_HAS_ATTACHMENT | META_DAMAGED},
		{"Date: never\r\n\r\n", 0},
		{"Date: 1 Jan 1970 00:00:00\r\n\r\n", META_HAS_DATE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
		struct message_meta m = meta_of(&b, slice_str(cases[i].message));
		CHECK_INT(m.flags, cases[i].flags);
	}
}

static void
previews(void)
{
	static const struct {
		const char *type, *body, *want;
	} cases[] = {
		{"text/plain", "  Hello\r\n\r\n  world \r\n-- \r\nAda", "Hello world"},
		{"text/plain", "> only\r\n> quoted\r\n", "> only > quoted"},
		{"text/plain", "-----\r\nText\r\n=====", "Text"},
		{"text/html",
			"<style>p{}</style><div>&zwnj;&nbsp;Dear <b>Bo</b>,</div><p>a &lt; b</p>",
			"Dear Bo, a < b"},
		{"text/plain; charset=iso-8859-1", "Gr\xfc\xdf e", "Gr\xc3\xbc\xc3\x9f e"},
		{"application/pdf", "Hello", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(10000);
		CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
		buf_printf(&in, "Content-Type: %s\r\n\r\n%s", cases[i].type, cases[i].body);
		CHECK_SLICE(meta_of(&b, buf_slice(&in)).preview, slice_str(cases[i].want));
	}
}

static void
preview_limit(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(10000);
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);

	buf_puts(&in, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	for (size_t i = 0; i < 500; i++)
		buf_puts(&in, "\xe6\xbc\xa2");
	CHECK_INT(meta_of(&b, buf_slice(&in)).preview.len, 3 * META_PREVIEW_CHARS);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Says how long a decode and both renderings take; fails only when that is absurd. */
static void
speed(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
	struct message_meta m = meta_of(&b, slice_str(letter));
	const int rounds = 20000;
	double start = now(), each;

	for (int i = 0; i < rounds; i++) {
		buf_reset(&out);
		CHECK_INT(message_meta_decode(buf_slice(&b), &m), 0);
		CHECK_INT(meta_imap_envelope(&out, &m, 0), 0);
		CHECK_INT(meta_imap_bodystructure(&out, &m, 0), 0);
	}
	each = (now() - start) / rounds * 1e6;
	printf("   %zu bytes of metadata for 7 parts; decode, envelope, structure: %.2f us\n",
		b.len, each);
	CHECK(each < 1000);
}

T_MAIN(T(fields), T(envelope), T(structures), T(odd_structures), T(sections), T(numbers),
	T(file_names), T(damage), T(truncations), T(overlong), T(flags), T(previews),
	T(preview_limit), T(speed))
