/* Domain names as text. Kept apart from the DNS memo, which knows queries only. */
#include "mail/domain.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/dns_memo.h"

#include <idn2.h>
#include <string.h>

/* Lower-cased copy; ptr NULL when memory is short. */
static struct slice
domain_lower(struct arena *arena, struct slice name)
{
	uint8_t *copy = arena_alloc(arena, name.len + 1);

	if (!copy)
		return SLICE_NONE;
	for (size_t i = 0; i < name.len; i++)
		copy[i] = to_lower(name.ptr[i]);
	return slice_new(copy, name.len);
}

static int
domain_check(struct slice name)
{
	struct slice rest = name;

	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= 0x20 || name.ptr[i] == 0x7f)
			return LL_ERR_SYNTAX;
	if (!name.len || name.len > DNS_NAME_MAX || name.ptr[name.len - 1] == '.')
		return LL_ERR_SYNTAX;
	while (rest.len) {
		struct slice label = slice_split(&rest, '.');

		if (!label.len || label.len > 63)
			return LL_ERR_SYNTAX;
	}
	return LL_OK;
}

static int
domain_from_unicode(struct arena *arena, struct slice name, struct slice *ret)
{
	char *text = arena_str(arena, name), *ascii = NULL;
	int r;

	if (!text)
		return LL_ERR_NOMEM;
	if (!utf8_valid(name) || slice_find_byte(name, 0) != SLICE_NPOS)
		return LL_ERR_SYNTAX;
	r = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK)
		return r == IDN2_MALLOC ? LL_ERR_NOMEM : LL_ERR_SYNTAX;
	*ret = domain_lower(arena, slice_str(ascii));
	idn2_free(ascii);
	return ret->ptr ? LL_OK : LL_ERR_NOMEM;
}

int
domain_normal(struct arena *arena, struct slice name, struct slice *ret)
{
	struct slice normal = SLICE_NONE;
	int r = LL_OK;

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len > DNS_NAME_MAX * 4)
		return LL_ERR_SYNTAX;
	if (is_ascii(name))
		normal = domain_lower(arena, name);
	else
		r = domain_from_unicode(arena, name, &normal);
	if (!r && !normal.ptr)
		r = LL_ERR_NOMEM;
	if (!r)
		r = domain_check(normal);
	if (!r)
		*ret = normal;
	return r;
}

size_t
domain_labels(struct slice name)
{
	size_t n = name.len ? 1 : 0;

	for (size_t i = 0; i < name.len; i++)
		n += name.ptr[i] == '.';
	return n;
}

struct slice
domain_tail(struct slice name, size_t n)
{
	for (size_t have = domain_labels(name); have > n; have--)
		name = domain_parent(name);
	return name;
}

struct slice
domain_parent(struct slice name)
{
	slice_split(&name, '.');
	return name;
}

bool
domain_within(struct slice name, struct slice zone)
{
	if (!zone.len || !slice_iends(name, zone))
		return false;
	return name.len == zone.len || name.ptr[name.len - zone.len - 1] == '.';
}
