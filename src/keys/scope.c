/* Scopes: what an unlocker may be used for. */
#include "keys/scope.h"
#include "base/error.h"

static const char *const areas[RECORD_AREAS] = {
	[RECORD_AREA_MAIL] = "mail",
	[RECORD_AREA_CALENDAR] = "calendar",
	[RECORD_AREA_CONTACTS] = "contacts",
	[RECORD_AREA_FILES] = "files",
	[RECORD_AREA_ARCHIVE] = "archive",
};

/* By bit. */
static const char *const protocols[] = {"imap", "pop", "smtp", "dav", "eas", "jmap", "sieve"};
static_assert(SCOPE_PROTOCOLS_ALL == (1u << ARRAY_SIZE(protocols)) - 1u, "a name for every bit");

int
scope_check(const struct scope *s, enum scope_protocol protocol, int64_t now)
{
	if (s->expires && now >= s->expires)
		return LL_ERR_DENIED;
	return s->protocols & protocol ? LL_OK : LL_ERR_DENIED;
}

const char *
scope_area_name(unsigned area)
{
	return area < ARRAY_SIZE(areas) ? areas[area] : NULL;
}

const char *
scope_protocol_name(unsigned protocol)
{
	for (unsigned i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocol == 1u << i)
			return protocols[i];
	return NULL;
}
