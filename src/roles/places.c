/* A binary search in the file as it is. */
#include "roles/places.h"
#include "base/buf.h"
#include "mail/ip.h"

#include <string.h>

#define V4_LEN 4
#define V6_LEN 8

static bool
is_country(const uint8_t *c)
{
	return (c[0] == 0 && c[1] == 0) ||
		(c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z');
}

/* Whether starts ascend and every country is one. */
static bool
is_table(struct slice t, size_t start_len)
{
	size_t step = start_len + PLACE_COUNTRY_LEN;

	for (size_t i = 0; i < t.len; i += step)
		if (!is_country(t.ptr + i + start_len) ||
			(i && memcmp(t.ptr + i - step, t.ptr + i, start_len) >= 0))
			return false;
	return true;
}

int
places_open(struct slice file, struct places *ret)
{
	struct reader r = reader_new(file);
	struct slice magic = reader_bytes(&r, 8);
	size_t n4 = reader_be32(&r), n6 = reader_be32(&r);
	struct places p;

	p.v4 = reader_bytes(&r, n4 * (V4_LEN + PLACE_COUNTRY_LEN));
	p.v6 = reader_bytes(&r, n6 * (V6_LEN + PLACE_COUNTRY_LEN));
	if (reader_end(&r) || !slice_eq(magic, S("LLPLACE1")) || !is_table(p.v4, V4_LEN) ||
		!is_table(p.v6, V6_LEN))
		return LL_ERR_CORRUPT;
	*ret = p;
	return LL_OK;
}

/* The country of the last range that does not start beyond the address. */
static struct slice
find(struct slice t, const uint8_t *address, size_t start_len)
{
	size_t step = start_len + PLACE_COUNTRY_LEN, low = 0, high = t.len / step;
	const uint8_t *country;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (memcmp(t.ptr + mid * step, address, start_len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return SLICE_NONE;
	country = t.ptr + (low - 1) * step + start_len;
	return country[0] ? slice_new(country, PLACE_COUNTRY_LEN) : SLICE_NONE;
}

struct slice
places_find(const struct places *p, const uint8_t address[16])
{
	struct ip_addr ip = ip_addr_new(slice_new(address, 16));

	return ip.version == 4 ? find(p->v4, ip.bytes, V4_LEN) : find(p->v6, ip.bytes, V6_LEN);
}
