/* The MIME tree: offsets, nesting, damage and limits. */
#include "base/error.h"
#include "mail/mime.h"
#include "t.h"

static const char mixed[] = "From: a@b.example\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: multipart/mixed; boundary=\"outer\"\r\n"
			    "\r\n"
			    "preamble\r\n"
			    "--outer\r\n"
			    "Content-Type: multipart/alternative; boundary=outer-inner\r\n"
			    "\r\n"
			    "--outer-inner\r\n"
			    "\r\n"
			    "plain\r\n"
			    "--outer-inner\r\n"
			    "Content-Type: text/html; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n"
			    "\r\n"
			    "<p>html\r\n"
			    "two\r\n"
			    "\r\n"
			    "--outer-inner--\r\n"
			    "--outer  \r\n"
			    "Content-Type: message/rfc822\r\n"
			    "\r\n"
			    "Subject: inner\r\n"
			    "\r\n"
			    "inner body\r\n"
			    "--outer\r\n"
			    "Content-Disposition: attachment; filename=\"a b.pdf\"\r\n"
			    "Content-Type: application/pdf\r\n"
			    "Content-Language: en, de\r\n"
			    "Content-ID: <id@x>\r\n"
			    "\r\n"
			    "--outer--\r\n"
			    "epilogue\r\n";

/* "0 multipart/mixed 3 [header|body lines]" a part. */
static void
show(struct buf *b, const struct mime_tree *t)
{
	for (uint32_t i = 0; i < t->len; i++) {
		const struct mime_part *p = &t->parts[i];
		buf_printf(b, "%.*s%.*s/%.*s %u %u-%u-%u %u,%u\n", (int)p->depth, "......",
			SLICE_ARG(p->content.type), SLICE_ARG(p->content.subtype), p->children,
			p->header_start, p->body_start, p->body_end, p->header_lines,
			p->body_lines);
	}
}

static struct slice
body_of(const struct mime_tree *t, uint32_t i)
{
	return slice_sub(
		t->message, t->parts[i].body_start, t->parts[i].body_end - t->parts[i].body_start);
}

static void
ordinary(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
	struct mime_tree t;

	CHECK_INT(mime_parse(slice_str(mixed), &a, &t), 0);
	show(&b, &t);
	CHECK_SLICE(buf_slice(&b),
		S("multipart/mixed 3 0-89-563 4,29\n"
		  ".multipart/alternative 2 108-169-326 2,11\n"
		  "..text/plain 0 184-186-191 1,1\n"
		  "..text/html 0 208-295-309 3,2\n"
		  ".message/rfc822 1 339-371-399 2,3\n"
		  "..text/plain 0 371-389-399 2,1\n"
		  ".application/pdf 0 410-542-542 5,0\n"));
	CHECK_SLICE(body_of(&t, 2), S("plain"));
	CHECK_SLICE(body_of(&t, 3), S("<p>html\r\ntwo\r\n"));
	CHECK_SLICE(body_of(&t, 5), S("inner body"));
	CHECK_INT(t.parts[1].next, 4);
	CHECK_INT(t.parts[4].next, 6);
	CHECK_INT(t.parts[3].encoding, TRANSFER_QP);
	CHECK_SLICE(mime_param_raw(&t.parts[6].disposition.params, S("FileName")), S("a b.pdf"));
	CHECK_INT(t.parts[6].languages, 2);
	CHECK_SLICE(t.parts[6].id, S("<id@x>"));
	CHECK(!t.damaged && !t.truncated);
}

/* All ranges are within the message and their parents, in order. */
static bool
sound(const struct mime_tree *t)
{
	for (uint32_t i = 0; i < t->len; i++) {
		const struct mime_part *p = &t->parts[i], *up = &t->parts[p->parent];
		if (p->header_start > p->body_start || p->body_start > p->body_end ||
			p->body_end > t->message.len)
			return false;
		if (i &&
			(p->parent >= i || p->header_start < up->body_start ||
				p->body_end > up->body_end || p->depth != up->depth + 1))
			return false;
		if (p->next &&
			(p->next <= i || p->next >= t->len ||
				t->parts[p->next].header_start < p->body_end))
			return false;
	}
	return t->len > 0;
}

static void
truncations(void)
{
	for (size_t n = 0; n < sizeof(mixed); n++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
		struct mime_tree t;
		CHECK_INT(mime_parse(slice_new(mixed, n), &a, &t), 0);
		CHECK(sound(&t));
	}
}

/* The same tree from bare LF, with offsets of its own. */
static void
bare_lf(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
	struct mime_tree t, u;

	for (const char *p = mixed; *p; p++)
		if (*p != '\r')
			buf_putc(&b, (uint8_t)*p);
	CHECK_INT(mime_parse(slice_str(mixed), &a, &t), 0);
	CHECK_INT(mime_parse(buf_slice(&b), &a, &u), 0);
	CHECK_INT(t.len, u.len);
	for (uint32_t i = 0; i < t.len && i < u.len; i++) {
		CHECK_INT(t.parts[i].body_lines, u.parts[i].body_lines);
		CHECK_INT(t.parts[i].header_lines, u.parts[i].header_lines);
		CHECK_INT(t.parts[i].kind, u.parts[i].kind);
	}
	CHECK_SLICE(body_of(&u, 3), S("<p>html\ntwo\n"));
}

static void
damage(void)
{
	static const struct {
		const char *what, *in, *want;
		bool damaged;
	} cases[] = {
		{"no boundary parameter", "Content-Type: multipart/mixed\n\n--x\n\na\n",
			"multipart/mixed 0 0-31-38 2,3\n", true},
		{"no closing boundary", "Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n",
			"multipart/mixed 1 0-43-50 2,3\n.text/plain 0 47-48-50 1,1\n", true},
		{"inner never closed",
			"Content-Type: multipart/mixed; boundary=x\n\n--x\n"
			"Content-Type: multipart/mixed; boundary=y\n\n--y\n\na\n--x\n\nb\n--x--\n",
			"multipart/mixed 2 0-43-110 2,10\n.multipart/mixed 1 47-90-96 2,3\n"
			"..text/plain 0 94-95-96 1,1\n.text/plain 0 101-102-103 1,1\n",
			true},
		{"header cut off by a boundary",
			"Content-Type: multipart/mixed; boundary=x\n\n--x\nX: y\n--x--\n",
			"multipart/mixed 1 0-43-58 2,3\n.text/plain 0 47-52-52 1,0\n", false},
		{"boundary directly after boundary",
			"Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\n\n--x--\n",
			"multipart/mixed 2 0-43-58 2,4\n.text/plain 0 47-47-47 0,0\n"
			".text/plain 0 51-52-52 1,0\n",
			false},
		{"a longer line is no boundary",
			"Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--xy\n--x-- "
			"z\n--x--\n",
			"multipart/mixed 1 0-43-67 2,5\n.text/plain 0 47-48-60 1,2\n", false},
		{"a type without a slash is text/plain", "Content-Type: foo\n\na\n",
			"text/plain 0 0-19-21 2,1\n", false},
		{"encoded message is a leaf",
			"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQQ==\n",
			"message/rfc822 0 0-64-69 3,1\n", false},
		{"digest",
			"Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: "
			"a\n\nb\n--x--\n",
			"multipart/digest 1 0-44-69 2,6\n.message/rfc822 1 48-49-62 1,3\n"
			"..text/plain 0 49-61-62 2,1\n",
			false},
		{"inner header cut off by a boundary",
			"Content-Type: multipart/mixed; boundary=x\n\n--x\n"
			"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n--x--\n",
			"multipart/mixed 1 0-43-112 2,5\n.message/rfc822 1 47-77-105 2,1\n"
			"..message/rfc822 1 77-105-105 1,0\n...text/plain 0 105-105-105 0,0\n",
			false},
		{"empty", "", "text/plain 0 0-0-0 0,0\n", false},
		{"only a header", "A: b", "text/plain 0 0-4-4 0,0\n", false},
		{"nothing but a line end", "\r\n", "text/plain 0 0-2-2 1,0\n", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
		CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
		struct mime_tree t;
		CHECK_INT(mime_parse(slice_str(cases[i].in), &a, &t), 0);
		show(&b, &t);
		if (!slice_eq(buf_slice(&b), slice_str(cases[i].want)))
			fprintf(stderr, "case: %s\n", cases[i].what);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
		CHECK_INT(t.damaged, cases[i].damaged);
		CHECK(sound(&t));
	}
}

static void
too_many_parts(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	CLEANUP(buf_done) struct buf b = BUF_INIT(4 << 20);
	struct mime_tree t;

	buf_puts(&b, "Content-Type: multipart/mixed; boundary=x\n\n");
	for (size_t i = 0; i < 100000; i++)
		buf_puts(&b, "--x\n\na\n");
	buf_puts(&b, "--x--\n");
	CHECK_INT(mime_parse(buf_slice(&b), &a, &t), 0);
	CHECK_INT(t.len, MIME_PARTS_MAX);
	CHECK(t.truncated && sound(&t));
	CHECK(a.used < (4 << 20));
}

/* Nested multiparts, all with one boundary name, and messages in messages. */
static void
too_deep(void)
{
	static const char *const levels[] = {
		"Content-Type: multipart/mixed; boundary=x%zu\n\n--x%zu\n",
		"Content-Type: message/rfc822\n\n",
	};

	for (size_t k = 0; k < ARRAY_SIZE(levels); k++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
		CLEANUP(buf_done) struct buf b = BUF_INIT(4 << 20);
		struct mime_tree t;
		for (size_t i = 0; i < 10000; i++) {
			if (k)
				buf_puts(&b, "Content-Type: message/rfc822\n\n");
			else
				buf_printf(&b,
					"Content-Type: multipart/mixed; boundary=x%zu\n\n--x%zu\n",
					i, i);
		}
		CHECK_INT(mime_parse(buf_slice(&b), &a, &t), 0);
		CHECK_INT(t.len, MIME_DEPTH_MAX + 1);
		CHECK(t.truncated && sound(&t));
	}
}

static void
contents(void)
{
	static const struct {
		const char *in, *type, *subtype, *name, *value;
	} cases[] = {
		/* value, type, subtype, parameter, its decoded value */
		{"text/plain; charset=utf-8", "text", "plain", "charset", "utf-8"},
		{"text/plain; charset=\"utf-8\"; format=flowed", "text", "plain", "format",
			"flowed"},
		{" Text / Plain (c) ; (d) charset = us-ascii (e)", "Text", "Plain", "charset",
			"us-ascii"},
		{"text/plain charset=utf-8", "text", "plain", "charset", "utf-8"},
		{"text/plain; charset=utf-8 format=flowed", "text", "plain", "format", "flowed"},
		{"text/plain;;; charset=a;", "text", "plain", "charset", "a"},
		{"a/b; name=two words.txt; x=y", "a", "b", "name", "two words.txt"},
		{"a/b; name=\"a;b\\\"c\"", "a", "b", "name", "a;b\"c"},
		{"a/b; name=\"open", "a", "b", "name", "open"},
		{"a/b; name=\"\"", "a", "b", "name", ""},
		{"a/b; boundary=----=_Part_1", "a", "b", "boundary", "----=_Part_1"},
		{"a/b; name*=utf-8'en'J%C3%BCrgen.pdf", "a", "b", "name", "J\xc3\xbcrgen.pdf"},
		{"a/b; name*=iso-8859-1''J%FCrgen.pdf; name=old", "a", "b", "name",
			"J\xc3\xbcrgen.pdf"},
		{"a/b; name*1=\"two.txt\"; name*0=\"one \"", "a", "b", "name", "one two.txt"},
		{"a/b; name*0*=utf-8''%C3; name*1*=%BC; name*2=\"%41\"", "a", "b", "name",
			"\xc3\xbc%41"},
		{"a/b; name*0=\"=?utf-8?q?=C3=\"; name*1=\"BC?=\"", "a", "b", "name", "\xc3\xbc"},
		{"a/b; name=\"=?utf-8?b?w7w=?=.txt\"", "a", "b", "name", "\xc3\xbc.txt"},
		{"a/b; name*=nothing", "a", "b", "name", "nothing"},
		{"a/b; x=y", "a", "b", "name", NULL},
		{"a/b; name*99999999999=x", "a", "b", "name", NULL},
		{"attachment", "attachment", NULL, "filename", NULL},
		{"attachment; filename=x", "attachment", NULL, "filename", "x"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(100000);
		CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
		struct mime_content c;
		CHECK_INT(mime_content_parse(slice_str(cases[i].in), &a, &c), 0);
		CHECK_SLICE(c.type, slice_str(cases[i].type));
		CHECK_SLICE(c.subtype, slice_str(cases[i].subtype));
		CHECK_INT(mime_param_decode(&b, &c.params, slice_str(cases[i].name)),
			cases[i].value ? 0 : LL_ERR_NOTFOUND);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].value));
	}
}

static void
param_limit(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct mime_content c;

	buf_puts(&b, "a/b");
	for (size_t i = 0; i < 1000; i++)
		buf_printf(&b, ";p%zu=%zu", i, i);
	CHECK_INT(mime_content_parse(buf_slice(&b), &a, &c), 0);
	CHECK_INT(c.params.len, MIME_PARAMS_MAX);
}

T_MAIN(T(ordinary), T(truncations), T(bare_lf), T(damage), T(too_many_parts), T(too_deep),
	T(contents), T(param_limit))
