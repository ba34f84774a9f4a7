/* Search: what is found where, and that signatures never deny it. */
#include "base/text.h"
#include "mail/fold.h"
#include "mail/search_text.h"
#include "t.h"

#include <sodium.h>
#include <time.h>

static const uint8_t key[SEARCH_KEY_BYTES] = {1, 2, 3};

static const char letter[] =
	"Received: by mx.example with ESMTP id 4711\r\n"
	"DKIM-Signature: v=1; b=QUJDREVGR0g=\r\n"
	"From: =?iso-8859-1?q?J=FCrgen?= <j@x.example>\r\n"
	"Subject: The\r\n Engine\r\n"
	"Content-Type: multipart/mixed; boundary=b\r\n"
	"\r\n"
	"--b\r\n"
	"Content-Type: text/plain; charset=koi8-r\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"\r\n"
	"8NLJ18XUIPfJy9TP0tXby8E=\r\n"
	"--b\r\n"
	"Content-Type: text/html; charset=utf-8\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n"
	"\r\n"
	"<script>hidden</script>Caf=C3=A9 <b>cr=\r\neme</b> &uuml;ber<br>brew\r\n"
	"--b\r\n"
	"Content-Type: application/pdf; name=\"=?utf-8?q?Gr=C3=BC=C3=9Fe?=.pdf\"\r\n"
	"Content-Description: the drawing\r\n"
	"\r\n"
	"opaque bytes\r\n"
	"--b\r\n"
	"Content-Type: message/rfc822\r\n"
	"\r\n"
	"Subject: Nested matter\r\n"
	"\r\n"
	"deep inside\r\n"
	"--b--\r\n";

struct fixture {
	struct buf meta_bytes, signature;
	struct message_meta meta;
	struct slice message;
};

static struct fixture
fixture_new(struct signature_builder *b, struct slice message)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	struct fixture f = {BUF_INIT(META_BYTES_MAX), BUF_INIT(SIGNATURE_BYTES_MAX)};

	f.message = message;
	CHECK_INT(message_meta_make(&f.meta_bytes, message, NULL, &a), 0);
	CHECK_INT(message_meta_decode(buf_slice(&f.meta_bytes), &f.meta), 0);
	CHECK_INT(signature_make(b, &f.signature, message, &f.meta, key), 0);
	return f;
}

static void
fixture_done(struct fixture *f)
{
	buf_done(&f->meta_bytes);
	buf_done(&f->signature);
}

static void
scopes(void)
{
	static const struct {
		const char *query, *field;
		bool text, body, header;
	} cases[] = {
		/* query, field name for HEADER, found in TEXT, BODY, HEADER */
		{"engine", "Subject", true, false, true},
		{"THE  ENGINE", "subject", true, false, true},
		{"jurgen", "From", true, false, true},
		{"J\xc3\xbcrgen <j@x", "From", true, false, true},
		{"engine", "From", true, false, false},
		{"esmtp id", "Received", true, false, true},
		{"received: by", "Received", true, false, false},
		{"QUJDREV", "DKIM-Signature", false, false, true},
		{"\xd0\x92\xd0\xb8\xd0\xba\xd1\x82\xd0\xbe\xd1\x80", "Subject", true, true, false},
		{"cafe creme", "Subject", true, true, false},
		{"uber brew", "Subject", true, true, false},
		{"hidden", "Subject", false, false, false},
		{"grusse.pdf", "Subject", true, true, false},
		{"drawing", "Subject", true, true, false},
		{"opaque", "Subject", false, false, false},
		{"nested matter", "Subject", true, true, false},
		{"deep inside", "Subject", true, true, false},
		{"brewopaque", "Subject", false, false, false},
		{"", "Subject", true, true, true},
		{"", "X-None", true, true, false},
		{"xy", "Subject", false, false, false},
		{"e", "Subject", true, true, true},
	};
	struct signature_builder *b = signature_builder_new();
	CLEANUP(fixture_done) struct fixture f = fixture_new(b, slice_str(letter));

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(search_query_freep) struct search_query *q = NULL;
		struct slice name = slice_str(cases[i].field);
		bool text, may;
		CHECK_INT(search_query_new(slice_str(cases[i].query), &q), 0);
		text = search_message(q, SEARCH_TEXT, SLICE_NONE, f.message, &f.meta);
		if (text != cases[i].text)
			fprintf(stderr, "query \"%s\"\n", cases[i].query);
		CHECK_INT(text, cases[i].text);
		CHECK_INT(search_message(q, SEARCH_BODY, SLICE_NONE, f.message, &f.meta),
			cases[i].body);
		CHECK_INT(search_message(q, SEARCH_HEADER, name, f.message, &f.meta),
			cases[i].header);
		may = signature_may_contain(buf_slice(&f.signature), q, key);
		CHECK(may || !text);
		CHECK_INT(search_query_bind(q, key, true), 0);
		CHECK_INT(signature_may_contain_bound(buf_slice(&f.signature), q), may);
		CHECK_INT(search_query_bind(q, key, false), 0);
		CHECK(!may || signature_may_contain_bound(buf_slice(&f.signature), q));
	}
	signature_builder_free(b);
}

/* Parts one by one give what the whole message gives. */
static void
by_parts(void)
{
	struct signature_builder *b = signature_builder_new();
	CLEANUP(fixture_done) struct fixture f = fixture_new(b, slice_str(letter));
	CLEANUP(search_query_freep) struct search_query *q = NULL;
	struct meta_walk w = meta_walk_new(&f.meta);
	struct meta_part p;
	uint32_t found = 0;

	CHECK_INT(search_query_new(S("nested"), &q), 0);
	CHECK(!search_header(
		q, SEARCH_TEXT, SLICE_NONE, slice_sub(f.message, 0, f.meta.header_size)));
	while (meta_walk_next(&w, &p))
		if (search_part(q, &p,
			    slice_sub(f.message, p.header_start, p.body_start - p.header_start),
			    slice_sub(f.message, p.body_start, p.body_end - p.body_start)))
			found = p.index;
	CHECK_INT(found, 5);
	signature_builder_free(b);
}

/* Every piece of a long text is in its signature and is matched, wherever chunks end. */
static void
no_false_negatives(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(1 << 20);
	struct signature_builder *b = signature_builder_new();
	uint32_t x = 1;
	size_t start;

	buf_puts(&in, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	start = in.len;
	while (in.len < 70000) {
		x = x * 1664525 + 1013904223;
		if (x >> 28 == 0)
			buf_puts(&in, "\xc3\x9c ");
		else if (x >> 28 == 1)
			buf_puts(&in, "\r\n");
		else
			buf_putc(&in, (uint8_t)('A' + (x >> 16) % 26));
	}
	CLEANUP(fixture_done) struct fixture f = fixture_new(b, buf_slice(&in));
	for (size_t at = start; at + 40 < in.len; at += 97) {
		CLEANUP(search_query_freep) struct search_query *q = NULL;
		struct slice piece = slice_sub(buf_slice(&in), at, 3 + at % 37);
		while (piece.len && (piece.ptr[0] & 0xc0) == 0x80)
			piece = slice_skip(piece, 1);
		if (piece.len && piece.ptr[piece.len - 1] >= 0xc0)
			piece.len--;
		CHECK_INT(search_query_new(piece, &q), 0);
		CHECK(search_message(q, SEARCH_BODY, SLICE_NONE, f.message, &f.meta));
		CHECK(signature_may_contain(buf_slice(&f.signature), q, key));
	}
	signature_builder_free(b);
}

static void
signatures_are_keyed(void)
{
	static const uint8_t other[SEARCH_KEY_BYTES] = {9};
	struct signature_builder *b = signature_builder_new();
	CLEANUP(fixture_done) struct fixture f = fixture_new(b, slice_str(letter));
	CLEANUP(buf_done) struct buf again = BUF_INIT(SIGNATURE_BYTES_MAX);
	CLEANUP(search_query_freep) struct search_query *q = NULL;

	CHECK_INT(search_query_new(S("the engine"), &q), 0);
	CHECK(!signature_may_contain(buf_slice(&f.signature), q, other));
	CHECK_INT(signature_make(b, &again, f.message, &f.meta, key), 0);
	CHECK_SLICE(buf_slice(&again), buf_slice(&f.signature));
	/* Missing and damaged ones deny nothing. */
	CHECK(signature_may_contain(SLICE_NONE, q, other));
	CHECK(signature_may_contain(slice_sub(buf_slice(&again), 0, again.len - 1), q, other));
	again.ptr[0] = 63;
	CHECK(signature_may_contain(buf_slice(&again), q, other));
	signature_builder_free(b);
}

/* What a signature was before it knew junctions. */
static struct buf
old_form(const struct buf *signature)
{
	struct buf old = BUF_INIT(SIGNATURE_BYTES_MAX);
	uint8_t log = signature->ptr[0] & 0x7f;

	CHECK_INT(buf_putc(&old, log), 0);
	CHECK_INT(buf_put(&old, slice_new(signature->ptr + 1, (size_t)1 << (log - 3))), 0);
	return old;
}

/* All words are there; which of them follows which is told apart, wherever a query begins and ends,
 * but not by a signature from before. */
static void
junctions(void)
{
	static const struct {
		const char *query;
		bool may;
	} cases[] = {
		{"thank you for your letter", true},
		{"ank you for yo", true},
		{"hank you ", true},
		{"your letter of winter", true},
		{"winter thank of", true},
		{"letter for you", false},
		{"you for your thank", false},
		/* Each two are there, or too little of a word to be told. */
		{"thank your letter", true},
		{"letter o", true},
		{"r thank", true},
		{"of thank", true},
	};
	struct signature_builder *b = signature_builder_new();
	CLEANUP(fixture_done)
	struct fixture f = fixture_new(b,
		S("Subject: winter\n\nI thank  you for\r\nyour\tletter of winter thank of "
		  "thank you letter or thank thank nu\0ll byte\n"));
	CLEANUP(buf_done) struct buf old = old_form(&f.signature);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(search_query_freep) struct search_query *q = NULL;
		CHECK_INT(search_query_new(slice_str(cases[i].query), &q), 0);
		CHECK_INT(signature_may_contain(buf_slice(&f.signature), q, key), cases[i].may);
		CHECK(signature_may_contain(buf_slice(&old), q, key));
		CHECK_INT(search_query_bind(q, key, true), 0);
		CHECK(signature_may_contain_bound(buf_slice(&old), q));
		CHECK_INT(search_query_bind(q, key, false), 0);
		CHECK(signature_may_contain_bound(buf_slice(&f.signature), q));
	}
	CLEANUP(search_query_freep) struct search_query *nul = NULL, *q = NULL;
	CHECK_INT(search_query_new(S("\0ll byte"), &nul), 0);
	CHECK(search_message(nul, SEARCH_BODY, SLICE_NONE, f.message, &f.meta));
	CHECK(signature_may_contain(buf_slice(&f.signature), nul, key));
	/* Cut anywhere it denies nothing. */
	CHECK_INT(search_query_new(S("letter for you"), &q), 0);
	for (size_t len = 0; len < f.signature.len; len++)
		CHECK(signature_may_contain(slice_sub(buf_slice(&f.signature), 0, len), q, key));
	signature_builder_free(b);
}

static void
put_ideographs(struct buf *in, size_t n)
{
	uint64_t x = 1;

	buf_puts(in, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		buf_putc(in, 0xe4 + (uint8_t)((x >> 60) % 5));
		buf_putc(in, 0x80 + (uint8_t)((x >> 50) % 64));
		buf_putc(in, 0x80 + (uint8_t)((x >> 40) % 64));
	}
}

/* Signatures are stored: those of all texts, of few trigrams, many and too many, are what they
 * were, whatever text was before. */
static void
signatures_stay(void)
{
	static const size_t lens[] = {0, 3, 2000, 200000, 3000000, 500, 0};
	CLEANUP(buf_done) struct buf all = BUF_INIT((size_t)1 << 20);
	CLEANUP(buf_done) struct buf before = BUF_INIT((size_t)1 << 20);
	struct signature_builder *b = signature_builder_new();
	uint8_t digest[8];

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(64 << 20);
		if (lens[i])
			put_ideographs(&in, lens[i]);
		else
			buf_puts(&in, letter);
		CLEANUP(fixture_done) struct fixture f = fixture_new(b, buf_slice(&in));
		CLEANUP(buf_done) struct buf old = old_form(&f.signature);
		CHECK_INT(buf_put(&all, buf_slice(&f.signature)), 0);
		CHECK_INT(buf_put(&before, buf_slice(&old)), 0);
	}
	crypto_shorthash(digest, before.ptr, before.len, key);
	CHECK_INT(before.len, 70951);
	CHECK(be64_get(digest) == UINT64_C(0x180f6977dfd011a3));
	crypto_shorthash(digest, all.ptr, all.len, key);
	CHECK_INT(all.len, 71014);
	CHECK(be64_get(digest) == UINT64_C(0xc3f5c8199a86c5a3));
	signature_builder_free(b);
}

/* A text with more distinct trigrams than any signature can tell apart. */
static void
saturated(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(64 << 20);
	struct signature_builder *b = signature_builder_new();
	CLEANUP(search_query_freep) struct search_query *q = NULL;

	put_ideographs(&in, 3000000);
	CLEANUP(fixture_done) struct fixture f = fixture_new(b, buf_slice(&in));
	CHECK(f.signature.len <= SIGNATURE_BYTES_MAX);
	CHECK_INT(search_query_new(S("anything"), &q), 0);
	printf("   %zu bytes of signature for %zu of random ideographs\n", f.signature.len, in.len);
	signature_builder_free(b);
}

static void
query_limits(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(10000);
	struct search_query *q = NULL;

	buf_put_fill(&in, 'q', SEARCH_QUERY_MAX);
	CHECK_INT(search_query_new(buf_slice(&in), &q), 0);
	CHECK(search_query_in(q, buf_slice(&in)));
	CHECK(!search_query_in(q, S("q")));
	search_query_free(q);
	buf_putc(&in, 'q');
	CHECK(search_query_new(buf_slice(&in), &q) != 0);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Letters in a language of 4000 made-up words, of which few are common: speed, size, false
 * positives. */
enum { WORDS = 4000, WORD_MAX = 9 };
static char words[WORDS][WORD_MAX + 1];

static uint32_t
next_random(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static void
make_words(uint32_t *x)
{
	static const char letters[] = "eeeeetttaaaooiinnsshhrrddlluucmwfgypbvk";

	for (size_t i = 0; i < WORDS; i++) {
		size_t len = 2 + next_random(x) % (WORD_MAX - 1);
		for (size_t k = 0; k < len; k++)
			words[i][k] = letters[next_random(x) % (sizeof(letters) - 1)];
	}
}

static void
put_words(struct buf *b, uint32_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t limit = 1 + next_random(x) % WORDS;
		buf_puts(b, words[next_random(x) % limit]);
		buf_putc(b, i % 12 == 11 ? '\n' : ' ');
	}
}

enum { LETTERS = 200, QUERIES = 100 };

/* How often signatures are wrong about n words that stand beside each other in some letter, with
 * junctions and without. */
static void
ask_words(
	struct fixture f[LETTERS], struct buf text[LETTERS], uint32_t *x, unsigned n, double ret[2])
{
	size_t asked = 0, wrong[2] = {0};

	for (size_t k = 0; k < QUERIES; k++) {
		CLEANUP(search_query_freep) struct search_query *q = NULL;
		struct slice t = buf_slice(&text[next_random(x) % LETTERS]);
		size_t from, end;
		do {
			from = 100 + next_random(x) % (t.len - 300);
			while (t.ptr[from - 1] > ' ')
				from++;
			end = from;
			for (unsigned i = 0; i < n; i++)
				while (t.ptr[++end] > ' ')
					;
		} while (n == 1 && end - from < 6);
		CHECK_INT(search_query_new(slice_sub(t, from, end - from), &q), 0);
		for (size_t i = 0; i < LETTERS; i++) {
			bool does = search_message(
				q, SEARCH_TEXT, SLICE_NONE, f[i].message, &f[i].meta);
			asked += !does;
			for (int with = 0; with < 2; with++) {
				CHECK_INT(search_query_bind(q, key, with), 0);
				bool may =
					signature_may_contain_bound(buf_slice(&f[i].signature), q);
				CHECK(may || !does);
				wrong[with] += may && !does;
			}
		}
	}
	for (int with = 0; with < 2; with++)
		ret[with] = 100.0 * (double)wrong[with] / (double)asked;
	printf("   %u words: false positives %.2f %%, without junctions %.2f %%\n", n, ret[1],
		ret[0]);
}

static void
figures(void)
{
	struct signature_builder *b = signature_builder_new();
	struct fixture f[LETTERS];
	struct buf text[LETTERS];
	uint32_t x = 7;
	size_t bytes = 0, sigs = 0, old = 0;
	double start, spent = 0, wrong[2];

	make_words(&x);
	for (size_t i = 0; i < LETTERS; i++) {
		text[i] = BUF_INIT(1 << 20);
		buf_puts(&text[i], "From: a@b.example\nSubject: letter\n\n");
		put_words(&text[i], &x, 400 + i % 7 * 200);
		start = now();
		f[i] = fixture_new(b, buf_slice(&text[i]));
		spent += now() - start;
		bytes += text[i].len;
		sigs += f[i].signature.len;
		old += 1 + ((size_t)1 << ((f[i].signature.ptr[0] & 0x7f) - 3));
	}
	printf("   %zu KB of letters: signatures %zu KB, %zu KB without junctions, made with "
	       "metadata at %.0f MB/s\n",
		bytes / 1000, sigs / 1000, old / 1000, (double)bytes / spent / 1e6);
	ask_words(f, text, &x, 1, wrong);
	CHECK(wrong[0] < 10);
	ask_words(f, text, &x, 2, wrong);
	ask_words(f, text, &x, 3, wrong);
	CHECK(wrong[1] < 4 && wrong[1] <= wrong[0]);
	ask_words(f, text, &x, 5, wrong);
	CHECK(wrong[1] < 1 && wrong[1] <= wrong[0]);
	for (size_t i = 0; i < LETTERS; i++) {
		fixture_done(&f[i]);
		buf_done(&text[i]);
	}
	signature_builder_free(b);
}

static void
speed(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(64 << 20);
	struct signature_builder *b = signature_builder_new();
	CLEANUP(search_query_freep) struct search_query *q = NULL;
	CLEANUP(buf_done) struct buf sig = BUF_INIT(SIGNATURE_BYTES_MAX);
	uint32_t x = 3;
	double start, make, match;

	make_words(&x);
	buf_puts(&in, "Subject: long\n\n");
	put_words(&in, &x, 2000000);
	CLEANUP(fixture_done) struct fixture f = fixture_new(b, buf_slice(&in));
	start = now();
	CHECK_INT(signature_make(b, &sig, f.message, &f.meta, key), 0);
	make = now() - start;
	CHECK_INT(search_query_new(S("not to be found"), &q), 0);
	start = now();
	CHECK(!search_message(q, SEARCH_TEXT, SLICE_NONE, f.message, &f.meta));
	match = now() - start;
	printf("   %.1f MB: signature %.0f MB/s, match %.0f MB/s\n", (double)in.len / 1e6,
		(double)in.len / make / 1e6, (double)in.len / match / 1e6);
	signature_builder_free(b);
}

T_MAIN(T(scopes), T(by_parts), T(no_false_negatives), T(signatures_are_keyed), T(junctions),
	T(signatures_stay), T(saturated), T(query_limits), T(figures), T(speed))
