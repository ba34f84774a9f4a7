/* In which country a network address is used, roughly: a table that comes with the web client, so
 * that nobody outside is asked. The file: "LLPLACE1", two counts of 32 bits, then the starts of
 * IPv4 ranges (4 bytes each, followed by a country) and of IPv6 ranges by their first 64 bits (8
 * bytes and a country), both ascending; numbers are big endian. A country has two letters of ISO
 * 3166, or two zeros where nobody is known to be. */
#ifndef ROLES_PLACES_H
#define ROLES_PLACES_H

#include "base/error.h"
#include "base/slice.h"

#define PLACE_COUNTRY_LEN 2

struct places {
	struct slice v4, v6; /* views of the file */
};

/* Checks a file, which must live as long as the table. LL_ERR_CORRUPT. */
int places_open(struct slice file, struct places *ret) CHECKED;
/* The country of 16 bytes (IPv4 as ::ffff:a.b.c.d); empty if it is not known. A view. */
struct slice places_find(const struct places *p, const uint8_t address[16]);

#endif
