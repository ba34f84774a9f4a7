/* The grammar of SPF records, RFC 7208 sections 4.6, 5, 6 and 12. The whole record is parsed before
 * anything is evaluated, as an error anywhere in it is a permerror. */
#include "base/error.h"
#include "base/text.h"
#include "mail/spf_internal.h"

#include <arpa/inet.h>
#include <string.h>

struct term {
	struct slice name, rest; /* rest begins with the separator, if there is one */
	enum spf_result result;
	bool qualified, modifier;
};

enum argument {
	ARG_NONE,
	ARG_DOMAIN, /* ":" domain-spec */
	ARG_DOMAIN_OPTIONAL,
	ARG_DOMAIN_CIDR, /* [":" domain-spec] [dual-cidr-length] */
	ARG_NETWORK4,
	ARG_NETWORK6,
};

static const struct {
	const char *name;
	enum spf_kind kind;
	enum argument argument;
} mechanisms[] = {
	{"all", SPF_ALL, ARG_NONE},
	{"include", SPF_INCLUDE, ARG_DOMAIN},
	{"a", SPF_A, ARG_DOMAIN_CIDR},
	{"mx", SPF_MX, ARG_DOMAIN_CIDR},
	{"ptr", SPF_PTR, ARG_DOMAIN_OPTIONAL},
	{"ip4", SPF_IP4, ARG_NETWORK4},
	{"ip6", SPF_IP6, ARG_NETWORK6},
	{"exists", SPF_EXISTS, ARG_DOMAIN},
};

bool
spf_record_is(struct slice text)
{
	return slice_istarts(text, S("v=spf1")) && (text.len == 6 || text.ptr[6] == ' ');
}

static bool
qualifier_get(uint8_t c, enum spf_result *ret)
{
	static const struct {
		uint8_t c;
		enum spf_result result;
	} table[] = {{'+', SPF_PASS}, {'-', SPF_FAIL}, {'~', SPF_SOFTFAIL}, {'?', SPF_NEUTRAL}};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].c == c) {
			*ret = table[i].result;
			return true;
		}
	return false;
}

/* Qualifier, name, and what follows the name. */
static int
term_split(struct slice text, struct term *ret)
{
	struct term t = {.result = SPF_PASS};
	size_t n = 0;

	t.qualified = qualifier_get(text.ptr[0], &t.result);
	if (t.qualified)
		text = slice_skip(text, 1);
	while (n < text.len &&
		(is_alpha(text.ptr[n]) ||
			(n && (is_digit(text.ptr[n]) || memchr("-_.", text.ptr[n], 3)))))
		n++;
	t.name = slice_sub(text, 0, n);
	t.rest = slice_skip(text, n);
	t.modifier = t.rest.len && t.rest.ptr[0] == '=';
	if (!n || (t.modifier && t.qualified))
		return LL_ERR_SYNTAX;
	*ret = t;
	return LL_OK;
}

/* A prefix length: no leading zero, at most max. */
static int
bits_parse(struct slice digits, unsigned max, unsigned *ret)
{
	uint64_t v;
	int r = slice_u64(digits, max, &v);

	if (r || (digits.len > 1 && digits.ptr[0] == '0'))
		return LL_ERR_SYNTAX;
	*ret = (unsigned)v;
	return LL_OK;
}

/* Takes "/digits" off the end of *text; false when it does not end so. */
static bool
take_slash(struct slice *text, struct slice *ret_digits)
{
	size_t n = text->len;

	while (n && is_digit(text->ptr[n - 1]))
		n--;
	if (!n || n == text->len || text->ptr[n - 1] != '/')
		return false;
	*ret_digits = slice_skip(*text, n);
	text->len = n - 1;
	return true;
}

/* Takes a dual-cidr-length off the end: "/24", "//64" or "/24//64". */
static int
take_cidr(struct slice *text, struct spf_directive *d)
{
	struct slice digits;

	d->bits4 = 32;
	d->bits6 = 128;
	if (!take_slash(text, &digits))
		return LL_OK;
	if (!text->len || text->ptr[text->len - 1] != '/')
		return bits_parse(digits, 32, &d->bits4);
	text->len--;
	if (bits_parse(digits, 128, &d->bits6))
		return LL_ERR_SYNTAX;
	return take_slash(text, &digits) ? bits_parse(digits, 32, &d->bits4) : LL_OK;
}

/* ":" domain-spec, or nothing where that is allowed. */
static int
domain_argument(struct slice rest, bool optional, struct slice *ret)
{
	bool wants_p;

	if (!rest.len)
		return optional ? LL_OK : LL_ERR_SYNTAX;
	if (rest.ptr[0] != ':')
		return LL_ERR_SYNTAX;
	*ret = slice_skip(rest, 1);
	return spf_macro_check(*ret, SPF_MACRO_DOMAIN, &wants_p);
}

/* IPv4-mapped IPv6 networks stay IPv6 here, so ip_addr_parse is not used: a client never has such
 * an address. */
static int
network_argument(struct slice rest, unsigned version, struct spf_directive *d)
{
	char text[INET6_ADDRSTRLEN];
	unsigned *bits = version == 4 ? &d->bits4 : &d->bits6;
	struct slice digits;

	if (!rest.len || rest.ptr[0] != ':')
		return LL_ERR_SYNTAX;
	rest = slice_skip(rest, 1);
	*bits = version == 4 ? 32 : 128;
	if (take_slash(&rest, &digits) && bits_parse(digits, *bits, bits))
		return LL_ERR_SYNTAX;
	if (!rest.len || rest.len >= sizeof(text))
		return LL_ERR_SYNTAX;
	memcpy(text, rest.ptr, rest.len);
	text[rest.len] = 0;
	if (inet_pton(version == 4 ? AF_INET : AF_INET6, text, d->network.bytes) != 1)
		return LL_ERR_SYNTAX;
	d->network.version = (uint8_t)version;
	return LL_OK;
}

static int
argument_parse(enum argument argument, struct slice rest, struct spf_directive *d)
{
	switch (argument) {
	case ARG_NONE:
		return rest.len ? LL_ERR_SYNTAX : LL_OK;
	case ARG_DOMAIN:
		return domain_argument(rest, false, &d->domain);
	case ARG_DOMAIN_OPTIONAL:
		return domain_argument(rest, true, &d->domain);
	case ARG_DOMAIN_CIDR:
		if (take_cidr(&rest, d))
			return LL_ERR_SYNTAX;
		return domain_argument(rest, true, &d->domain);
	case ARG_NETWORK4:
		return network_argument(rest, 4, d);
	case ARG_NETWORK6:
		return network_argument(rest, 6, d);
	}
	return LL_ERR_SYNTAX;
}

static int
directive_add(struct spf_record *record, const struct term *t, struct slice text)
{
	struct spf_directive *d = &record->directives[record->count];

	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++) {
		if (!slice_ieq(t->name, slice_str(mechanisms[i].name)))
			continue;
		*d = (struct spf_directive){
			.result = t->result, .kind = mechanisms[i].kind, .text = text};
		record->count++;
		record->has_all |= d->kind == SPF_ALL;
		return argument_parse(mechanisms[i].argument, t->rest, d);
	}
	return LL_ERR_SYNTAX;
}

static int
modifier_add(struct spf_record *record, const struct term *t)
{
	struct slice value = slice_skip(t->rest, 1), *where = NULL;
	bool wants_p;

	if (slice_ieq(t->name, S("redirect")))
		where = &record->redirect;
	else if (slice_ieq(t->name, S("exp")))
		where = &record->exp;
	if (!where)
		return spf_macro_check(value, SPF_MACRO_STRING, &wants_p);
	if (where->ptr)
		return LL_ERR_SYNTAX;
	*where = value;
	return spf_macro_check(value, SPF_MACRO_DOMAIN, &wants_p);
}

int
spf_record_parse(
	struct slice text, struct arena *arena, struct spf_record *ret, const char **ret_reason)
{
	struct spf_record record = {0};
	struct term t;

	*ret_reason = "record is too long";
	if (text.len > SPF_RECORD_MAX)
		return LL_ERR_SYNTAX;
	/* A term takes at least two bytes with its space. */
	record.directives = ARENA_ARRAY(arena, struct spf_directive, text.len / 2 + 1);
	if (!record.directives)
		return LL_ERR_NOMEM;
	text = slice_skip(text, 6);
	while (text.len) {
		struct slice word = slice_split(&text, ' ');

		if (!word.len)
			continue;
		*ret_reason = "malformed term";
		if (term_split(word, &t))
			return LL_ERR_SYNTAX;
		*ret_reason = t.modifier ? "malformed modifier" : "malformed or unknown mechanism";
		if (t.modifier ? modifier_add(&record, &t) : directive_add(&record, &t, word))
			return LL_ERR_SYNTAX;
	}
	*ret_reason = NULL;
	*ret = record;
	return LL_OK;
}
