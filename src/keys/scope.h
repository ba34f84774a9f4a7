/* What an unlocker may open: areas times protocols, until it expires. */
#ifndef KEYS_SCOPE_H
#define KEYS_SCOPE_H

#include "keys/record.h"

/* Bits of scope.areas: SCOPE_AREA(RECORD_AREA_MAIL) ... A Root unlocker has SCOPE_ROOT and no
 * other; app passwords never have it. */
#define SCOPE_AREA(area) (1u << (area))
#define SCOPE_ROOT SCOPE_AREA(RECORD_AREA_NONE)
#define SCOPE_AREAS_ALL ((1u << RECORD_AREAS) - 2u)

/* Bits of scope.protocols. Stable numbers: they stand in manifests. */
enum scope_protocol {
	SCOPE_IMAP = 1,
	SCOPE_POP = 2,
	SCOPE_SMTP = 4,
	SCOPE_DAV = 8,
	SCOPE_EAS = 16,
	SCOPE_JMAP = 32,
	SCOPE_SIEVE = 64,
};
#define SCOPE_PROTOCOLS_ALL 127u

struct scope {
	unsigned areas, protocols;
	int64_t expires; /* seconds since 1970; 0: never */
};

/* 0, or LL_ERR_DENIED: expired, or the protocol is not in the scope. */
int scope_check(const struct scope *s, enum scope_protocol protocol, int64_t now) CHECKED;
/* "imap", "pop", "smtp", "dav", "eas", "jmap", "sieve"; NULL for a bit that is none. */
const char *scope_protocol_name(unsigned protocol);
/* "mail", "calendar", "contacts", "files", "archive"; NULL for an area that is none. */
const char *scope_area_name(unsigned area);

#endif
