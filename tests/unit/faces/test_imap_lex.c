/* The lexer's tokens and the framing of commands. */
#include "base/buf.h"
#include "faces/imap_frame.h"
#include "faces/imap_lex.h"
#include "t.h"

typedef bool (*string_fn)(struct imap_lex *l, struct slice *ret);

static const struct {
	const char *what;
	string_fn fn;
	struct slice in;
	struct slice want; /* ptr NULL: must not match */
	size_t left;
} strings[] = {
	{"tag", imap_lex_tag, S("a1 x"), S("a1"), 2},
	{"tag with ]", imap_lex_tag, S("a] x"), S("a]"), 2},
	{"tag stops at +", imap_lex_tag, S("a+b"), S("a"), 2},
	{"no tag", imap_lex_tag, S("+ x"), SLICE_NONE, 0},
	{"atom", imap_lex_atom, S("in-box)"), S("in-box"), 1},
	{"atom stops at ]", imap_lex_atom, S("a]b"), S("a"), 2},
	{"empty atom", imap_lex_atom, S(""), SLICE_NONE, 0},
	{"8-bit atom", imap_lex_atom, S("\xc3\xa9"), SLICE_NONE, 0},
	{"astring atom", imap_lex_astring, S("a]b c"), S("a]b"), 2},
	{"astring quoted", imap_lex_astring, S("\"a b\" c"), S("a b"), 2},
	{"empty quoted", imap_lex_astring, S("\"\""), S(""), 0},
	{"escapes", imap_lex_astring, S("\"a\\\"b\\\\c\""), S("a\"b\\c"), 0},
	{"bad escape", imap_lex_astring, S("\"a\\nb\""), SLICE_NONE, 0},
	{"escape at the end", imap_lex_astring, S("\"a\\"), SLICE_NONE, 0},
	{"unfinished", imap_lex_astring, S("\"abc"), SLICE_NONE, 0},
	{"CR inside", imap_lex_astring, S("\"a\rb\""), SLICE_NONE, 0},
	{"NUL inside", imap_lex_astring, S("\"a\0b\""), SLICE_NONE, 0},
	{"UTF-8 inside", imap_lex_astring, S("\"\xc3\xa9\""), S("\xc3\xa9"), 0},
	{"bad UTF-8 inside", imap_lex_astring, S("\"\xc3\""), SLICE_NONE, 0},
	{"literal", imap_lex_astring, S("{3}\r\na\r\n x"), S("a\r\n"), 2},
	{"literal+", imap_lex_astring, S("{3+}\r\nabc"), S("abc"), 0},
	{"empty literal", imap_lex_astring, S("{0}\r\n"), S(""), 0},
	{"literal with NUL", imap_lex_astring, S("{1}\r\n\0"), SLICE_NONE, 0},
	{"short literal", imap_lex_astring, S("{4}\r\nabc"), SLICE_NONE, 0},
	{"literal without digits", imap_lex_astring, S("{}\r\n"), SLICE_NONE, 0},
	{"literal beyond 63 bits", imap_lex_astring, S("{9223372036854775808}\r\n"), SLICE_NONE, 0},
	{"literal and LF only", imap_lex_astring, S("{1}\na"), SLICE_NONE, 0},
	{"atom is no string", imap_lex_string, S("abc"), SLICE_NONE, 0},
	{"list wildcards", imap_lex_list_mailbox, S("a/%* x"), S("a/%*"), 2},
	{"wildcard is no astring", imap_lex_astring, S("%"), SLICE_NONE, 0},
	{"system flag", imap_lex_flag, S("\\Seen)"), S("\\Seen"), 1},
	{"keyword", imap_lex_flag, S("$Work)"), S("$Work"), 1},
	{"backslash only", imap_lex_flag, S("\\ "), SLICE_NONE, 0},
	{"name", imap_lex_name, S("BODY[1]"), S("BODY"), 3},
};

static void
test_strings(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		CLEANUP(arena_done) struct arena arena = ARENA_INIT(4096);
		struct imap_lex l = imap_lex_new(strings[i].in, &arena);
		struct slice got = SLICE_NONE;
		bool ok = strings[i].fn(&l, &got);

		if (ok != (strings[i].want.ptr != NULL)) {
			fprintf(stderr, "%s\n", strings[i].what);
			CHECK_INT(ok, !ok);
			continue;
		}
		CHECK(ok || l.bad);
		if (ok) {
			CHECK_SLICE(got, strings[i].want);
			CHECK_INT(l.end - l.at, strings[i].left);
		}
		/* No prefix may read past its end (the sanitizers look on). */
		for (size_t n = 0; n < strings[i].in.len; n++) {
			uint8_t *copy = malloc(n ? n : 1);
			if (n)
				memcpy(copy, strings[i].in.ptr, n);
			l = imap_lex_new(slice_new(copy, n), &arena);
			(void)strings[i].fn(&l, &got);
			CHECK(l.at <= l.end);
			free(copy);
		}
	}
}

static const struct {
	struct slice in;
	int64_t want; /* -1: refused */
} dates[] = {
	{S("1-Feb-1994"), 8797},
	{S("01-Feb-1994"), 8797},
	{S("\"1-feb-1994\""), 8797},
	{S("1-Jan-1970"), 0},
	{S("29-Feb-2000"), 11016},
	{S("31-Apr-2000"), -1},
	{S("0-Jan-2000"), -1},
	{S("1-Foo-2000"), -1},
	{S("1-Jan-00"), -1},
	{S("\"1-Jan-2000"), -1},
};

static const struct {
	struct slice in;
	int64_t want;
} times[] = {
	{S("\"17-Jul-1996 02:44:25 -0700\""), 837596665},
	{S("\" 1-Jan-1970 01:00:00 +0100\""), 0},
	{S("\" 1-Jan-1970 00:00:00 +0000\""), 0},
	{S("\"01-Jan-1970 00:00:60 +0000\""), 60},
	{S("\"1-Jan-1970 00:00:00 +0000\""), -1},
	{S("\"01-Jan-1970 24:00:00 +0000\""), -1},
	{S("\"01-Jan-1970 00:00:00 0000\""), -1},
	{S("\"01-Jan-1970 00:00:00 +2400\""), -1},
	{S("\"01-Jan-1970 00:00:00 +0000"), -1},
};

static void
test_dates(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		struct imap_lex l = imap_lex_new(dates[i].in, NULL);
		int64_t got = -1;
		CHECK_INT(imap_lex_date(&l, &got), dates[i].want >= 0);
		CHECK_INT(got, dates[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct imap_lex l = imap_lex_new(times[i].in, NULL);
		int64_t got = -1;
		CHECK_INT(imap_lex_date_time(&l, &got), times[i].want >= 0);
		CHECK_INT(got, times[i].want);
	}
}

static void
test_numbers(void)
{
	struct imap_lex l = imap_lex_new(S("4294967295 "), NULL);
	uint32_t v = 0;
	uint64_t w = 0;

	CHECK(imap_lex_u32(&l, &v) && v == UINT32_MAX);
	l = imap_lex_new(S("4294967296"), NULL);
	CHECK(!imap_lex_u32(&l, &v));
	l = imap_lex_new(S("0"), NULL);
	CHECK(!imap_lex_nz_u32(&l, &v));
	l = imap_lex_new(S("9223372036854775807"), NULL);
	CHECK(imap_lex_u63(&l, &w) && w == INT64_MAX);
	l = imap_lex_new(S("9223372036854775808"), NULL);
	CHECK(!imap_lex_u63(&l, &w));
	l = imap_lex_new(S("-1"), NULL);
	CHECK(!imap_lex_u32(&l, &v));
}

/* Frames: the input, what happens to literals over 10 bytes, and the events as text:
 * C(command) L(literal) T(oo long) B(are LF). */
static const struct {
	struct slice in;
	struct slice want;
} frames[] = {
	{S("a NOOP\r\nb NOOP\r\n"), S("C<a NOOP>C<b NOOP>")},
	{S("a X {3}\r\nabc d\r\n"), S("L3C<a X {3}\r\nabc d>")},
	{S("a X {3+}\r\nabc {2+}\r\nzz\r\n"), S("L3L2C<a X {3+}\r\nabc {2+}\r\nzz>")},
	{S("a X {3+}\r\n\r\n\n\r\nb\r\n"), S("L3C<a X {3+}\r\n\r\n\n>C<b>")},
	{S("a X {0}\r\n\r\n"), S("L0C<a X {0}\r\n>")},
	{S("a X {99}\r\nb NOOP\r\n"), S("L99C<b NOOP>")},
	{S("a X {11+}\r\n12345678901 {2+}\r\nab z\r\nb NOOP\r\n"), S("L11C<b NOOP>")},
	{S("a X {11+}\r\n12345678901 {2}\r\nb NOOP\r\n"), S("L11C<b NOOP>")},
	{S("a X {99999999999999999999+}\r\nb NOOP\r\n"), S("L9223372036854775807")},
	{S("a X ~{3+}\r\na\0b\r\n"), S("L3C<a X ~{3+}\r\na\0b>")},
	{S("a {+}\r\n"), S("C<a {+}>")},
	{S("a }\r\n"), S("C<a }>")},
	{S("a 3}\r\n"), S("C<a 3}>")},
	{S("a\nb\r\n"), S("BC<b>")},
	{S("a\rb\r\n"), S("C<a\rb>")},
	{S("\r\nb\r\n"), S("C<>C<b>")},
	{S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nb\r"
	   "\n"),
		S("TC<b>")},
	{S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa {4+}\r\n"
	   "x\r\ny\r\nb\r\n"),
		S("TC<b>")},
	{S("a aaaaaaaaaaaaaaaaaaaa {1+}\r\nx aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nb\r\n"),
		S("L1TC<b>")},
};

static void
drain(struct imap_frame *f, struct buf *log)
{
	struct slice s;

	for (;;) {
		switch (imap_frame_command(f, &s)) {
		case IMAP_FRAME_MORE:
			return;
		case IMAP_FRAME_COMMAND:
			buf_puts(log, "C<");
			buf_put(log, s);
			buf_puts(log, ">");
			break;
		case IMAP_FRAME_LITERAL:
			buf_printf(log, "L%llu", (unsigned long long)f->literal_size);
			if (f->literal_size > 10)
				imap_frame_refuse(f);
			else
				CHECK_INT(imap_frame_accept(f), 0);
			continue;
		case IMAP_FRAME_TOO_LONG:
			buf_puts(log, "T");
			break;
		case IMAP_FRAME_BARE_LF:
			buf_puts(log, "B");
			break;
		}
		imap_frame_next(f);
	}
}

static void
test_frames(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		for (size_t step = 1; step <= frames[i].in.len; step++) {
			CLEANUP(imap_frame_done) struct imap_frame f;
			CLEANUP(buf_done) struct buf log = BUF_INIT(4096);

			imap_frame_init(&f, 64);
			for (size_t at = 0; at < frames[i].in.len; at += step) {
				CHECK_INT(imap_frame_put(&f, slice_sub(frames[i].in, at, step)), 0);
				drain(&f, &log);
			}
			CHECK_SLICE(buf_slice(&log), frames[i].want);
		}
	}
}

/* An endless line and an endless refused literal stay small. */
static void
test_flat_memory(void)
{
	CLEANUP(imap_frame_done) struct imap_frame f;
	CLEANUP(buf_done) struct buf log = BUF_INIT(4096);
	uint8_t block[1000];

	memset(block, 'x', sizeof(block));
	imap_frame_init(&f, 5000);
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(imap_frame_put(&f, SLICE_OF(block)), 0);
		drain(&f, &log);
		CHECK(f.in.cap < 32768);
	}
	CHECK_INT(imap_frame_put(&f, S("\r\na {1000000+}\r\n")), 0);
	drain(&f, &log);
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(imap_frame_put(&f, SLICE_OF(block)), 0);
		drain(&f, &log);
		CHECK(f.in.cap < 32768);
	}
	CHECK_INT(imap_frame_put(&f, S("\r\nb\r\n")), 0);
	drain(&f, &log);
	CHECK_SLICE(buf_slice(&log), S("TL1000000C<b>"));
}

T_MAIN(T(test_strings), T(test_dates), T(test_numbers), T(test_frames), T(test_flat_memory))
