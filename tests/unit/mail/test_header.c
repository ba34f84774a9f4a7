/* Header fields: names, values, offsets, folding, and everything that is no header. */
#include "mail/date.h"
#include "mail/header.h"
#include "t.h"

static void
fields_and_offsets(void)
{
	struct slice in = S("From x@y Sat Nov 21\n"
			    "Subject: one\r\n two\n\tthree\r\n"
			    "X-Empty:\r\n"
			    "no colon here\r\n"
			    "Odd Name: x\r\n"
			    "Spaced \t: y\r\n"
			    "\r\n"
			    "Body: not a field\r\n");
	static const struct {
		const char *name, *value;
		size_t offset, len;
	} want[] = {
		/* name, value, offset, length with line end */
		{"", "From x@y Sat Nov 21", 0, 20},
		{"Subject", " one\r\n two\n\tthree", 20, 27},
		{"X-Empty", "", 47, 10},
		{"", "no colon here", 57, 15},
		{"", "Odd Name: x", 72, 13},
		{"Spaced", " y", 85, 13},
	};
	struct header_iter it = header_iter_new(in);
	struct header_field f;
	size_t n = 0;

	for (; header_next(&it, &f) && n < ARRAY_SIZE(want); n++) {
		CHECK_SLICE(f.name, slice_str(want[n].name));
		CHECK_SLICE(f.value, slice_str(want[n].value));
		CHECK_INT(f.offset, want[n].offset);
		CHECK_INT(f.raw.len, want[n].len);
	}
	CHECK_INT(n, ARRAY_SIZE(want));
	CHECK(!header_next(&it, &f));
	CHECK_INT(header_length(in), 100);
	CHECK(header_find(in, S("x-empty"), &f) && f.value.len == 0);
	CHECK(!header_find(in, S("body"), &f));
}

/* Every field of every prefix lies within it, one behind the other. */
static void
truncations(void)
{
	struct slice in = S("A: b\r\n c\r\nD\r:\0e\n\xff: \x80\r\n\r\nbody");

	for (size_t len = 0; len <= in.len; len++) {
		struct slice part = slice_sub(in, 0, len);
		struct header_iter it = header_iter_new(part);
		struct header_field f;
		size_t end = 0;
		while (header_next(&it, &f)) {
			CHECK_INT(f.offset, end);
			CHECK(f.raw.len > 0 && f.offset + f.raw.len <= len);
			CHECK(f.value.ptr >= f.raw.ptr &&
				f.value.ptr + f.value.len <= f.raw.ptr + f.raw.len);
			end = f.offset + f.raw.len;
		}
		CHECK(header_length(part) >= end && header_length(part) <= len);
		CHECK(header_length(part) - end <= 2);
	}
}

static void
starts_with_empty_line(void)
{
	struct header_iter it = header_iter_new(S("\nA: b\n"));
	struct header_field f;

	CHECK(!header_next(&it, &f));
	CHECK_INT(header_length(S("\nA: b\n")), 1);
	CHECK_INT(header_length(S("\r\nA: b\n")), 2);
	CHECK_INT(header_length(SLICE_NONE), 0);
	CHECK_INT(header_length(S("\r")), 1);
}

static void
field_limit(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct header_iter it;
	struct header_field f;
	size_t n = 0;

	for (size_t i = 0; i < HEADER_FIELDS_MAX + 5; i++)
		buf_puts(&b, "A: b\n");
	buf_puts(&b, "\nbody");
	it = header_iter_new(buf_slice(&b));
	while (header_next(&it, &f))
		n++;
	CHECK_INT(n, HEADER_FIELDS_MAX);
	CHECK_INT(header_length(buf_slice(&b)), b.len - 4);
}

static void
unfolding(void)
{
	static const struct {
		struct slice in;
		const char *out;
	} cases[] = {
		{{(const uint8_t *)" a\r\n b", 6}, "a b"},
		{{(const uint8_t *)"a\n\tb\r\n", 6}, "a\tb"},
		{{(const uint8_t *)"a\rb", 3}, "a b"},
		{{(const uint8_t *)"a\r\nb", 4}, "a  b"},
		{{(const uint8_t *)"a\0b", 3}, "a b"},
		{{(const uint8_t *)"  \r\n ", 5}, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(100);
		CHECK_INT(header_unfold(&b, cases[i].in), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].out));
	}
}

static void
dates(void)
{
	static const struct {
		const char *in;
		int64_t unix_seconds;
		int zone;
	} cases[] = {
		{"Sat, 21 Nov 2026 22:13:03 +0000", 1795299183, 0},
		{"Sat, 21 Nov 2026 23:13:03 +0100", 1795299183, 60},
		{"21 Nov 2026 17:13:03 EST", 1795299183, -300},
		{"21 Nov 2026 22:13:03", 1795299183, 0},
		{"Sat, 21 Nov 26 22:13:03 UT", 1795299183, 0},
		{"Sat,21 Nov 2026 22:13 -0000 (comment (nested))", 1795299180, 0},
		{" Sat ,\r\n 21 (the) Nov\r\n 2026 22 : 13 (x) : 03", 1795299183, 0},
		{"Sat Nov 21 22:13:03 2026", 1795299183, 0},
		{"Sat Nov 21 22:13:03 CET 2026", 1795295583, 60},
		{"21-Nov-2026 22:13:03 +0530", 1795279383, 330},
		{"Saturday, 21-Nov-26 22:13:03 GMT", 1795299183, 0},
		{"Sat, 21 November 2026 22:13:03 GMT+0200", 1795291983, 120},
		{"Thu, 1 Jan 1970 00:00:00 +0000", 0, 0},
		{"Thu, 1 Jan 70 00:00:00 Z", 0, 0},
		{"Wed, 31 Dec 1969 23:59:59 +0000", -1, 0},
		{"29 Feb 2024 12:00:00 +0000", 1709208000, 0},
		{"29 Feb 2023 12:00:00 +0000", 0, 9999},
		{"31 Dec 2016 23:59:60 +0000", 1483228800, 0},
		{"1 Jan 100 00:00:00 +0000", 946684800, 0},
		{"1 Jan 2026 24:00:00 +0000", 0, 9999},
		{"1 Jan 2026 00:00:00 +9999", 1767225600, 0},
		{"1 Jan 2026", 1767225600, 0},
		{"0 Jan 2026 00:00:00", 0, 9999},
		{"tomorrow", 0, 9999},
		{"", 0, 9999},
		{"(((((", 0, 9999},
		{"1 Foo 2026 00:00:00", 0, 9999},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t t = 0;
		int zone = 9999;
		int err = mail_date_parse(slice_str(cases[i].in), &t, &zone);
		if (t != cases[i].unix_seconds || zone != cases[i].zone)
			fprintf(stderr, "date \"%s\"\n", cases[i].in);
		CHECK_INT(t, cases[i].unix_seconds);
		CHECK_INT(zone, cases[i].zone);
		CHECK_INT(err != 0, cases[i].zone == 9999);
	}
}

static void
dates_written(void)
{
	static const int zones[] = {0, 60, -300, 330, -210, 840};

	for (int64_t t = -2000000000; t < 200000000000; t += 1234567891) {
		for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(100);
			int64_t back = 0;
			int zone = 0;
			CHECK_INT(mail_date_put(&b, t, zones[i]), 0);
			CHECK_INT(mail_date_parse(buf_slice(&b), &back, &zone), 0);
			CHECK_INT(back, t);
			CHECK_INT(zone, zones[i]);
		}
	}
}

T_MAIN(T(fields_and_offsets), T(truncations), T(starts_with_empty_line), T(field_limit),
	T(unfolding), T(dates), T(dates_written))
