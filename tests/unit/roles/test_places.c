/* The table of countries: ranges, gaps, both families, and files that are none. */
#include "roles/places.h"
#include "t.h"

#include <string.h>

/* 10.0.0.0 to 10.255.255.255 DE, nothing, 192.0.2.0 and all beyond FR; 2001:db8::/32 JP. */
static const char file[] = "LLPLACE1\0\0\0\3\0\0\0\2"
			   "\x0a\0\0\0DE"
			   "\x0b\0\0\0\0\0"
			   "\xc0\0\2\0FR"
			   "\x20\x01\x0d\xb8\0\0\0\0JP"
			   "\x20\x01\x0d\xb9\0\0\0\0\0\0";
static const struct slice whole = {(const uint8_t *)file, sizeof(file) - 1};

static struct slice
v4(const struct places *p, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	uint8_t address[16] = {[10] = 0xff, 0xff, a, b, c, d};

	return places_find(p, address);
}

static struct slice
v6(const struct places *p, uint8_t fourth, uint8_t last)
{
	uint8_t address[16] = {0x20, 0x01, 0x0d, fourth, [15] = last};

	return places_find(p, address);
}

static void
finds(void)
{
	struct places p;

	CHECK_INT(places_open(whole, &p), LL_OK);
	CHECK(slice_eq(v4(&p, 10, 0, 0, 0), S("DE")));
	CHECK(slice_eq(v4(&p, 10, 255, 255, 255), S("DE")));
	CHECK(slice_eq(v4(&p, 11, 0, 0, 0), SLICE_NONE));
	CHECK(slice_eq(v4(&p, 9, 255, 255, 255), SLICE_NONE));
	CHECK(slice_eq(v4(&p, 192, 0, 1, 255), SLICE_NONE));
	CHECK(slice_eq(v4(&p, 255, 255, 255, 255), S("FR")));
	CHECK(slice_eq(v6(&p, 0xb8, 9), S("JP")));
	CHECK(slice_eq(v6(&p, 0xb7, 9), SLICE_NONE));
	CHECK(slice_eq(v6(&p, 0xb9, 0), SLICE_NONE));
}

static void
an_empty_table_knows_nobody(void)
{
	struct places p;

	CHECK_INT(
		places_open(slice_new((const uint8_t *)"LLPLACE1\0\0\0\0\0\0\0\0", 16), &p), LL_OK);
	CHECK(slice_eq(v4(&p, 10, 0, 0, 1), SLICE_NONE));
}

static void
refuses_what_is_no_table(void)
{
	uint8_t bad[sizeof(file) - 1];
	struct places p = {.v4 = S("untouched")};

	for (size_t len = 0; len < whole.len; len++)
		CHECK_INT(places_open(slice_new(whole.ptr, len), &p), LL_ERR_CORRUPT);
	memcpy(bad, file, sizeof(bad));
	bad[16] = 0xc1; /* the first range is the last */
	CHECK_INT(places_open(SLICE_OF(bad), &p), LL_ERR_CORRUPT);
	memcpy(bad, file, sizeof(bad));
	bad[20] = '<'; /* no country */
	CHECK_INT(places_open(SLICE_OF(bad), &p), LL_ERR_CORRUPT);
	memcpy(bad, file, sizeof(bad));
	memset(bad + 8, 0xff, 8); /* counts beyond everything */
	CHECK_INT(places_open(SLICE_OF(bad), &p), LL_ERR_CORRUPT);
	CHECK(slice_eq(p.v4, S("untouched")));
}

T_MAIN(T(finds), T(an_empty_table_knows_nobody), T(refuses_what_is_no_table))
