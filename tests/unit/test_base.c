/* base: slices, buffers, arenas, maps, secrets, encodings. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/vec.h"
#include "t.h"

static void
slices(void)
{
	struct slice s = S("a: b\r\nc");
	uint64_t v = 7;

	CHECK_SLICE(slice_line(&s), S("a: b"));
	CHECK_SLICE(slice_line(&s), S("c"));
	CHECK_INT(s.len, 0);
	CHECK_INT(slice_find(S("hello"), S("lo")), 3);
	CHECK_INT(slice_ifind(S("heLLo"), S("LL")), 2);
	CHECK(slice_find(S("hello"), S("x")) == SLICE_NPOS);
	CHECK(slice_iends(S("x.ORG"), S(".org")));
	CHECK_SLICE(slice_trim(S(" \t x y\r\n")), S("x y"));
	CHECK_INT(slice_u64(S("18446744073709551615"), UINT64_MAX, &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_INT(slice_u64(S("18446744073709551616"), UINT64_MAX, &v), LL_ERR_RANGE);
	CHECK_INT(slice_u64(S("12x"), 99, &v), LL_ERR_SYNTAX);
	CHECK_INT(slice_u64(S("100"), 99, &v), LL_ERR_RANGE);
	CHECK_INT(slice_u64(S(""), 99, &v), LL_ERR_SYNTAX);
}

static void
buffers(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(16);
	struct reader r;

	CHECK_INT(buf_puts(&b, "0123456789"), 0);
	CHECK_INT(buf_puts(&b, "0123456789"), LL_ERR_LIMIT);
	CHECK_INT(buf_putc(&b, 'x'), LL_ERR_LIMIT);
	CHECK_INT(b.len, 10);
	buf_reset(&b);
	CHECK_INT(buf_put_varint(&b, 300), 0);
	CHECK_INT(buf_put_blob(&b, S("ab")), 0);
	CHECK_INT(buf_put_be64(&b, 1), 0);
	r = reader_new(buf_slice(&b));
	CHECK_INT(reader_varint(&r), 300);
	CHECK_SLICE(reader_blob(&r), S("ab"));
	CHECK_INT(reader_be64(&r), 1);
	CHECK_INT(reader_end(&r), 0);
	r = reader_new(S("\x80\x00"));
	CHECK_INT(reader_varint(&r), 0);
	CHECK_INT(r.err, LL_ERR_SYNTAX);
}

/* What a secret buffer no longer holds stands nowhere in its storage. */
static void
secret_buffers(void)
{
	CLEANUP(buf_done) struct buf b = BUF_SECRET(600);
	static const uint8_t none[600];

	CHECK_INT(buf_puts(&b, "correct horse"), 0);
	buf_consume(&b, 8);
	CHECK_SLICE(buf_slice(&b), S("horse"));
	CHECK_SLICE(slice_new(b.ptr + 5, 8), slice_new(none, 8));
	CHECK_INT(buf_put_fill(&b, 'x', 300), 0); /* into other storage */
	CHECK_SLICE(slice_sub(buf_slice(&b), 0, 7), S("horsexx"));
	CHECK_INT(buf_put_fill(&b, 'x', 300), LL_ERR_LIMIT);
	buf_truncate(&b, 2);
	CHECK_SLICE(slice_new(b.ptr + 2, 303), slice_new(none, 303));
	buf_reset(&b);
	CHECK_SLICE(slice_new(b.ptr, 305), slice_new(none, 305));
	CHECK_INT(buf_err(&b), 0);
	buf_done(&b);
	CHECK(b.secret && b.max == 600);
}

static void
copies_out(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(20);
	uint8_t to[4] = "....";
	struct reader r;

	CHECK_INT(buf_puts(&b, "ab"), 0);
	CHECK_INT(buf_put_blob(&b, S("cde")), 0);
	CHECK_INT(buf_put_blob(&b, S("")), 0);
	r = reader_new(buf_slice(&b));
	reader_copy(&r, to, 2);
	CHECK_SLICE(SLICE_OF(to), slice_new((const uint8_t *)"ab..", 4));
	CHECK_INT(reader_blob_copy(&r, to, 3), 3);
	CHECK_SLICE(SLICE_OF(to), slice_new((const uint8_t *)"cde.", 4));
	CHECK_INT(reader_blob_copy(&r, to, 0), 0);
	CHECK_INT(reader_end(&r), 0);
	r = reader_new(slice_skip(buf_slice(&b), 2));
	memset(to, '.', sizeof(to));
	CHECK_INT(reader_blob_copy(&r, to, 2), 0);
	CHECK_INT(r.err, LL_ERR_SYNTAX);
	r = reader_new(S("xyz"));
	reader_copy(&r, to, 4);
	CHECK_INT(r.err, LL_ERR_SYNTAX);
	CHECK_SLICE(SLICE_OF(to), S("...."));
}

static void
control_characters(void)
{
	CHECK(!has_controls(S("")) && !has_controls(S(" ~\xc3\xa4\x80\xff")));
	CHECK(has_controls(S("a\n")) &&
		has_controls(S("\x1f"
			       "a")) &&
		has_controls(S("a\x7f")));
	CHECK(has_controls(slice_new((const uint8_t *)"a\0b", 3)));
}

static void
signed_varints(void)
{
	static const int64_t values[] = {0, 1, -1, 63, -64, 64, -65, INT64_MAX, INT64_MIN};
	CLEANUP(buf_done) struct buf b = BUF_INIT(200);
	struct reader r;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		CHECK_INT(buf_put_svarint(&b, values[i]), 0);
	r = reader_new(buf_slice(&b));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		CHECK(reader_svarint(&r) == values[i]);
	CHECK_INT(reader_end(&r), 0);
	CHECK_SLICE(slice_sub(buf_slice(&b), 0, 5), S("\x00\x02\x01\x7e\x7f"));
}

static void
arenas(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(10000);

	for (int i = 0; i < 3; i++) {
		CHECK_SLICE(arena_printf(&a, "%d-%s", 5, "x"), S("5-x"));
		CHECK(arena_alloc(&a, 9000) != NULL);
		CHECK(arena_alloc(&a, 2000) == NULL);
		CHECK(arena_calloc(&a, SIZE_MAX, 2) == NULL);
		arena_reset(&a);
	}
}

static void
maps(void)
{
	struct map *m = map_new();
	static char value[2000];
	void *old;

	for (int i = 0; i < 2000; i++)
		CHECK_INT(map_set(m, slice_new(&i, sizeof(i)), &value[i], NULL), 0);
	for (int i = 0; i < 2000; i += 2)
		CHECK(map_del(m, slice_new(&i, sizeof(i))) == &value[i]);
	CHECK_INT(map_len(m), 1000);
	for (int i = 0; i < 2000; i++)
		CHECK(map_get(m, slice_new(&i, sizeof(i))) == (i % 2 ? &value[i] : NULL));
	CHECK_INT(map_set(m, S("k"), &value[1], &old), 0);
	CHECK(old == NULL);
	CHECK_INT(map_set(m, S("k"), &value[2], &old), 0);
	CHECK(old == &value[1]);
	map_free(m, NULL);
}

static void
secrets(void)
{
	uint8_t *p[3000];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = secret_alloc(100);
		CHECK(p[i] && p[i][99] == 0);
		memset(p[i], 0xaa, 100);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		secret_free(p[i], 100);
	p[0] = secret_alloc(SECRET_MAX);
	CHECK(p[0] && p[0][0] == 0 && p[0][SECRET_MAX - 1] == 0);
	secret_free(p[0], SECRET_MAX);
	CHECK(secret_alloc(SECRET_MAX + 1) == NULL);
	CHECK(strcmp(secret_kind(), "plain") != 0);
}

static void
encodings(void)
{
	static const struct {
		const char *plain, *std, *url;
	} cases[] = {
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"\xfb\xff", "+/8=", "-_8"},
	};
	static const char *const bad[] = {"Zg=", "Zh==", "Z", "Zg==Zg==", "Z===", "====", "Zm 8"};
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_reset(&b);
		base64_encode(&b, slice_str(cases[i].plain));
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].std));
		buf_reset(&b);
		base64url_encode(&b, slice_str(cases[i].plain));
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].url));
		buf_reset(&b);
		CHECK_INT(base64_decode(&b, slice_str(cases[i].std)), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].plain));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(base64_decode(&b, slice_str(bad[i])), LL_ERR_SYNTAX);
	for (size_t n = 0; n < 40; n++) {
		uint8_t in[40];
		CLEANUP(buf_done) struct buf text = BUF_INIT(100), back = BUF_INIT(100);
		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)(i * 37 + n);
		crockford_encode(&text, slice_new(in, n));
		CHECK_INT(crockford_decode(&back, buf_slice(&text)), 0);
		CHECK_SLICE(buf_slice(&back), slice_new(in, n));
	}
	buf_reset(&b);
	CHECK_INT(crockford_decode(&b, S("c-s QG")), 0);
	CHECK_SLICE(buf_slice(&b), S("fo"));
	CHECK_INT(crockford_decode(&b, S("CU")), LL_ERR_SYNTAX);
}

static void
unicode(void)
{
	size_t n;

	CHECK(utf8_valid(S("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80")));
	CHECK(!utf8_valid(S("\xc0\x80")));
	CHECK(!utf8_valid(S("\xed\xa0\x80")));
	CHECK(!utf8_valid(S("\xf4\x90\x80\x80")));
	CHECK(!utf8_valid(S("\xe2\x82")));
	CHECK_INT(utf8_get(S("\xf0\x9f\x98\x80"), &n), 0x1f600);
	CHECK_INT(n, 4);
	CHECK_INT(utf8_get(S("\xff"), &n), 0xfffd);
	for (uint32_t c = 1; c < 0x110000; c += 17) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4);
		if (c >= 0xd800 && c < 0xe000)
			continue;
		utf8_put(&b, c);
		CHECK(utf8_get(buf_slice(&b), &n) == c && n == b.len);
	}
}

static void
dates(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100);

	CHECK_INT(date_days(1970, 1, 1), 0);
	CHECK_INT(date_days(2026, 11, 21), 20778);
	CHECK_INT(date_days(2000, 2, 29), 11016);
	date_put_rfc5322(&b, 1795299183);
	CHECK_SLICE(buf_slice(&b), S("Sat, 21 Nov 2026 22:13:03 +0000"));
	buf_reset(&b);
	date_put_imap(&b, 0);
	CHECK_SLICE(buf_slice(&b), S(" 1-Jan-1970 00:00:00 +0000"));
	CHECK_INT(date_month(S("dEC")), 12);
	CHECK_INT(date_month(S("foo")), 0);
}

/* Against the C library, over all years that are written. */
static void
dates_like_libc(void)
{
	for (int64_t t = -62135596800; t <= 253402300799; t += 86400 * 13 + 3607) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(100);
		time_t tt = (time_t)t;
		char want[64];
		struct tm tm;

		gmtime_r(&tt, &tm);
		strftime(want, sizeof(want), "%a, %e %b ", &tm);
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
			"%04d %02d:%02d:%02d +0000", tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
		if (want[5] == ' ')
			memmove(want + 5, want + 6, strlen(want + 5));
		date_put_rfc5322(&b, t);
		CHECK_SLICE(buf_slice(&b), slice_str(want));
	}
}

static void
json_text(void)
{
	static const struct {
		struct slice in, out;
	} cases[] = {
		{S(""), S("\"\"")},
		{S("a \"b\" \\c"), S("\"a \\\"b\\\" \\\\c\"")},
		{S("two\nlines\r"), S("\"two\\nlines\\u000d\"")},
		{S("\x1b[31m\x7f"), S("\"\\u001b[31m\\u007f\"")},
		{S("caf\xc3\xa9"), S("\"caf\xc3\xa9\"")},
		{S("\xc2\x9b \xe2\x80\xa8"), S("\"\\u009b \\u2028\"")}, /* C1, line separator */
		{S("\xff\xc3"), S("\"\xef\xbf\xbd\xef\xbf\xbd\"")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(256);
		CHECK_INT(json_text_put(&out, cases[i].in), 0);
		CHECK_SLICE(buf_slice(&out), cases[i].out);
	}
}

T_MAIN(T(slices), T(buffers), T(secret_buffers), T(copies_out), T(signed_varints),
	T(control_characters), T(arenas), T(maps), T(secrets), T(encodings), T(json_text),
	T(unicode), T(dates), T(dates_like_libc))
