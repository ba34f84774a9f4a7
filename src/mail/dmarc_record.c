/* DMARC policy records, RFC 9989 section 4.7: lenient after the version, as the RFC asks. */
#include "base/error.h"
#include "mail/dmarc.h"

struct pair {
	struct slice name, value;
};

static struct pair
pair_take(struct slice *rest)
{
	struct slice value = slice_split(rest, ';');
	size_t equals = slice_find_byte(value, '=');
	struct pair p = {0};

	if (equals == SLICE_NPOS)
		return p;
	p.name = slice_trim(slice_sub(value, 0, equals));
	p.value = slice_trim(slice_skip(value, equals + 1));
	return p;
}

/* An unknown policy is as good as none given. */
static void
set_policy(struct slice v, bool *has, enum dmarc_policy *ret)
{
	static const enum dmarc_policy all[] = {
		DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT};

	for (size_t i = 0; i < ARRAY_SIZE(all) && !*has; i++)
		if (slice_ieq(v, slice_str(dmarc_policy_name(all[i])))) {
			*has = true;
			*ret = all[i];
		}
}

static void
set_p(struct dmarc_record *r, struct slice v)
{
	set_policy(v, &r->has_p, &r->p);
}

static void
set_sp(struct dmarc_record *r, struct slice v)
{
	set_policy(v, &r->has_sp, &r->sp);
}

static void
set_np(struct dmarc_record *r, struct slice v)
{
	set_policy(v, &r->has_np, &r->np);
}

static void
set_adkim(struct dmarc_record *r, struct slice v)
{
	r->strict_dkim = slice_ieq(v, S("s"));
}

static void
set_aspf(struct dmarc_record *r, struct slice v)
{
	r->strict_spf = slice_ieq(v, S("s"));
}

static void
set_t(struct dmarc_record *r, struct slice v)
{
	r->testing = slice_ieq(v, S("y"));
}

static void
set_psd(struct dmarc_record *r, struct slice v)
{
	if (slice_ieq(v, S("y")))
		r->psd = DMARC_PSD_YES;
	else if (slice_ieq(v, S("n")))
		r->psd = DMARC_PSD_NO;
}

static void
set_rua(struct dmarc_record *r, struct slice v)
{
	r->rua = v;
}

static void
set_ruf(struct dmarc_record *r, struct slice v)
{
	r->ruf = v;
}

static void
set_fo(struct dmarc_record *r, struct slice v)
{
	r->fo = v;
}

static const struct {
	const char *name;
	void (*set)(struct dmarc_record *, struct slice);
} tags[] = {
	{"p", set_p},
	{"sp", set_sp},
	{"np", set_np},
	{"adkim", set_adkim},
	{"aspf", set_aspf},
	{"t", set_t},
	{"psd", set_psd},
	{"rua", set_rua},
	{"ruf", set_ruf},
	{"fo", set_fo},
};

int
dmarc_record_parse(struct slice text, struct dmarc_record *ret)
{
	struct dmarc_record record = {0};
	struct pair p = pair_take(&text);
	unsigned seen = 0;

	if (!slice_ieq(p.name, S("v")) || !slice_eq(p.value, S("DMARC1")))
		return LL_ERR_SYNTAX;
	while (text.len) {
		p = pair_take(&text);
		for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
			if (!slice_ieq(p.name, slice_str(tags[i].name)) || seen & 1u << i)
				continue;
			seen |= 1u << i; /* the first of a kind counts */
			tags[i].set(&record, p.value);
		}
	}
	*ret = record;
	return LL_OK;
}

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	static const char *const names[] = {
		[DMARC_POLICY_NONE] = "none",
		[DMARC_POLICY_QUARANTINE] = "quarantine",
		[DMARC_POLICY_REJECT] = "reject",
	};

	return policy < ARRAY_SIZE(names) ? names[policy] : "none";
}
