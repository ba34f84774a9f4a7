/* MTA-STS, RFC 8461. */
#include "mail/mtasts.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "mail/domain.h"
#include "mail/taglist.h"
#include "mail/txt_record.h"

#define ID_MAX 32u
/* A policy that is still good is fetched anew when this part of its life has passed. */
#define REFRESH_AFTER_PERCENT 80

static bool
id_valid(struct slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!is_alpha(id.ptr[i]) && !is_digit(id.ptr[i]))
			return false;
	return id.len && id.len <= ID_MAX;
}

int
mtasts_record_parse(struct slice text, struct slice *ret_id)
{
	struct taglist tags;
	struct slice id;

	if (!txt_record_is(text, S("STSv1")) || taglist_parse(text, &tags))
		return LL_ERR_SYNTAX;
	id = taglist_get(&tags, "id");
	if (!id_valid(id))
		return LL_ERR_SYNTAX;
	*ret_id = id;
	return LL_OK;
}

int
mtasts_record_find(struct slice domain, struct dns_memo *memo, struct slice *ret_id)
{
	struct slice record;
	int r = txt_record_find(memo, S("_mta-sts"), domain, S("STSv1"), &record);

	if (!r && mtasts_record_parse(record, ret_id))
		r = LL_ERR_NOTFOUND;
	return r;
}

/* ---- the policy file ---- */

static const char *const modes[] = {[MTASTS_MODE_NONE] = "none",
	[MTASTS_MODE_TESTING] = "testing",
	[MTASTS_MODE_ENFORCE] = "enforce"};

const char *
mtasts_mode_name(enum mtasts_mode mode)
{
	return modes[mode];
}

static int
set_mode(struct mtasts_policy *p, struct slice v)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (slice_eq(v, slice_str(modes[i]))) {
			p->mode = (enum mtasts_mode)i;
			return LL_OK;
		}
	return LL_ERR_SYNTAX;
}

static int
set_max_age(struct mtasts_policy *p, struct slice v)
{
	uint64_t age;
	int r = slice_u64(v, 9999999999, &age);

	if (r)
		return LL_ERR_SYNTAX;
	p->max_age = (uint32_t)MIN(age, (uint64_t)MTASTS_AGE_MAX);
	return LL_OK;
}

/* A host name, or "*." before one. */
static bool
pattern_valid(struct slice v)
{
	struct slice rest = slice_starts(v, S("*.")) ? slice_skip(v, 2) : v;

	if (!rest.len || v.len > DNS_NAME_MAX)
		return false;
	while (rest.len) {
		struct slice label = slice_split(&rest, '.');

		if (!label.len || label.len > 63)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_alpha(label.ptr[i]) && !is_digit(label.ptr[i]) &&
				label.ptr[i] != '-' && label.ptr[i] != '_')
				return false;
	}
	return v.ptr[v.len - 1] != '.';
}

static int
add_mx(struct mtasts_policy *p, struct slice v)
{
	if (!pattern_valid(v))
		return LL_ERR_SYNTAX;
	if (p->mx_count == MTASTS_MX_MAX)
		return LL_ERR_LIMIT;
	p->mx[p->mx_count++] = v;
	return LL_OK;
}

static int
set_version(struct mtasts_policy *p, struct slice v)
{
	return slice_eq(v, S("STSv1")) ? LL_OK : LL_ERR_SYNTAX;
}

enum { KEY_VERSION, KEY_MODE, KEY_MAX_AGE, KEY_MX };

static const struct {
	const char *name;
	int (*set)(struct mtasts_policy *, struct slice);
} keys[] = {
	[KEY_VERSION] = {"version", set_version},
	[KEY_MODE] = {"mode", set_mode},
	[KEY_MAX_AGE] = {"max_age", set_max_age},
	[KEY_MX] = {"mx", add_mx},
};

/* One "key: value" line. Of all but mx the first counts (section 3.2). */
static int
policy_line(struct mtasts_policy *p, struct slice line, unsigned *seen)
{
	struct slice name;

	line = slice_trim(line);
	if (!line.len)
		return LL_OK;
	if (slice_find_byte(line, ':') == SLICE_NPOS)
		return LL_ERR_SYNTAX;
	name = slice_trim(slice_split(&line, ':'));
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!slice_eq(name, slice_str(keys[i].name)))
			continue;
		if (i != KEY_MX && *seen & 1u << i)
			return LL_OK;
		*seen |= 1u << i;
		return keys[i].set(p, slice_trim(line));
	}
	return LL_OK; /* unknown keys are for later versions */
}

int
mtasts_policy_parse(struct slice text, struct mtasts_policy *ret)
{
	const unsigned all = 1u << KEY_VERSION | 1u << KEY_MODE | 1u << KEY_MAX_AGE;
	struct mtasts_policy policy = {0};
	unsigned seen = 0;

	if (text.len > MTASTS_POLICY_MAX)
		return LL_ERR_LIMIT;
	while (text.len) {
		int r = policy_line(&policy, slice_line(&text), &seen);

		if (r)
			return r;
	}
	if ((seen & all) != all || (policy.mode != MTASTS_MODE_NONE && !policy.mx_count))
		return LL_ERR_SYNTAX;
	*ret = policy;
	return LL_OK;
}

int
mtasts_policy_put(struct buf *out, const struct mtasts_policy *p)
{
	size_t at = out->len;
	struct mtasts_policy again;

	buf_printf(out, "version: STSv1\r\nmode: %s\r\n", modes[p->mode]);
	for (size_t i = 0; i < p->mx_count; i++)
		buf_printf(out, "mx: %.*s\r\n", SLICE_ARG(p->mx[i]));
	buf_printf(out, "max_age: %u\r\n", p->max_age);
	if (buf_err(out))
		return buf_err(out);
	if (mtasts_policy_parse(slice_skip(buf_slice(out), at), &again) ||
		again.mx_count != p->mx_count || again.max_age != p->max_age)
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < p->mx_count; i++)
		if (!slice_eq(again.mx[i], p->mx[i]))
			return LL_ERR_SYNTAX;
	return LL_OK;
}

bool
mtasts_mx_match(const struct mtasts_policy *policy, struct slice host)
{
	if (host.len && host.ptr[host.len - 1] == '.')
		host.len--;
	for (size_t i = 0; i < policy->mx_count; i++) {
		struct slice pattern = policy->mx[i];

		if (slice_starts(pattern, S("*.")) && host.len && host.ptr[0] != '.' &&
			slice_ieq(domain_parent(host), slice_skip(pattern, 2)))
			return true;
		if (slice_ieq(host, pattern))
			return true;
	}
	return false;
}

bool
mtasts_cached_valid(const struct mtasts_cached *cached, int64_t now)
{
	return cached->present && now >= cached->fetched &&
		now - cached->fetched < (int64_t)cached->max_age;
}

enum mtasts_action
mtasts_decide(const struct mtasts_cached *cached, int record, struct slice id, int64_t now)
{
	bool valid = mtasts_cached_valid(cached, now);

	if (record != LL_OK) /* vanished or not to be had: the cache stands as long as it may */
		return valid ? MTASTS_USE : MTASTS_IGNORE;
	if (!valid || !slice_eq(cached->id, id))
		return MTASTS_FETCH;
	if ((now - cached->fetched) * 100 >= (int64_t)cached->max_age * REFRESH_AFTER_PERCENT)
		return MTASTS_FETCH;
	return MTASTS_USE;
}
