/* Verification of ARC chains, RFC 8617 section 5.2. Message signatures are DKIM signatures by
 * another name; seals cover the ARC fields only. */
#include "mail/arc.h"

#include "base/error.h"
#include "mail/dkim_internal.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)4 << 20)

enum arc_field { ARC_RESULTS, ARC_MESSAGE, ARC_SEAL, ARC_FIELDS };

static const char *const field_names[ARC_FIELDS] = {
	[ARC_RESULTS] = "ARC-Authentication-Results",
	[ARC_MESSAGE] = "ARC-Message-Signature",
	[ARC_SEAL] = "ARC-Seal",
};

struct arc_set {
	size_t at[ARC_FIELDS]; /* index among the fields, plus 1; 0 when missing */
	struct dkim_signature message, seal;
	uint8_t message_hash[DKIM_HASH_SIZE], seal_hash[DKIM_HASH_SIZE];
	size_t body;
	bool message_usable; /* parsed, hashed, has a body hash */
	bool message_holds; /* after the check */
};

struct arc_verifier {
	struct arena arena, scratch;
	struct dkim_fields fields;
	struct arc_set sets[ARC_INSTANCES_MAX];
	struct dkim_bodies bodies;
	struct arc_verdict verdict;
	int64_t now;
	bool settled;
};

static void
settle(struct arc_verifier *v, enum arc_result result, const char *reason)
{
	v->verdict.result = result;
	v->verdict.reason = reason;
	v->settled = true;
}

/* The number of "i=N" at the start of a field, or 0. */
static unsigned
instance_of(enum arc_field kind, struct slice value)
{
	struct taglist tags;
	struct slice i = SLICE_NONE;
	uint64_t n;

	if (kind == ARC_RESULTS)
		value = slice_split(&value, ';');
	if (!taglist_parse(value, &tags))
		i = taglist_get(&tags, "i");
	return slice_u64(i, ARC_INSTANCES_MAX, &n) ? 0 : (unsigned)n;
}

/* Sorts the ARC fields into their sets. NULL, or what is wrong. */
static const char *
sets_collect(struct arc_verifier *v)
{
	for (size_t f = 0; f < v->fields.count; f++)
		for (unsigned kind = 0; kind < ARC_FIELDS; kind++) {
			unsigned i;

			if (!slice_ieq(v->fields.at[f].name, slice_str(field_names[kind])))
				continue;
			i = instance_of(kind, v->fields.at[f].value);
			if (!i)
				return "malformed instance";
			if (v->sets[i - 1].at[kind])
				return "duplicate field in a set";
			v->sets[i - 1].at[kind] = f + 1;
			v->verdict.instances = MAX(v->verdict.instances, i);
		}
	for (unsigned i = 0; i < v->verdict.instances; i++)
		for (unsigned kind = 0; kind < ARC_FIELDS; kind++)
			if (!v->sets[i].at[kind])
				return "incomplete set";
	return NULL;
}

/* Step 6: the seal of instance i covers all fields of sets 1 to i. */
static int
seal_hash(struct arc_verifier *v, unsigned i)
{
	CLEANUP(dkim_header_hash_done) struct dkim_header_hash h;
	int r = dkim_header_hash_init(&h, DKIM_RELAXED);

	if (r)
		return r;
	for (unsigned n = 0; n <= i; n++)
		for (unsigned kind = 0; kind < ARC_FIELDS; kind++) {
			struct slice raw = v->fields.at[v->sets[n].at[kind] - 1].raw;

			if (n == i && kind == ARC_SEAL)
				dkim_header_hash_self(&h, raw, v->sets[i].seal.signature_raw);
			else
				dkim_header_hash_field(&h, raw);
		}
	return dkim_header_hash_final(&h, v->sets[i].seal_hash);
}

/* Steps 2 and 3: the cv= of the chain. */
static const char *
seal_refused(struct arc_verifier *v, unsigned i, const struct taglist *tags)
{
	struct slice cv = taglist_get(tags, "cv");

	if (slice_ieq(cv, i ? S("pass") : S("none")))
		return NULL;
	if (slice_ieq(cv, S("fail")))
		return "chain was broken before";
	return "wrong cv= in a seal";
}

static int
seal_read(struct arc_verifier *v, unsigned i)
{
	struct arc_set *set = &v->sets[i];
	struct dkim_refusal refusal;
	struct taglist tags;
	const char *refused;
	int r = taglist_parse(v->fields.at[set->at[ARC_SEAL] - 1].value, &tags);

	refused = r ? "malformed seal" : seal_refused(v, i, &tags);
	if (!refused) {
		r = dkim_signature_parse(
			DKIM_ARC_SEAL, &tags, v->now, &v->arena, &set->seal, &refusal);
		if (r == LL_ERR_SYNTAX)
			refused = refusal.reason;
		else if (r)
			return r;
	}
	if (!refused)
		return seal_hash(v, i);
	settle(v, ARC_FAIL, refused);
	return LL_OK;
}

/* Only the last message signature must hold; an older one that cannot be read just does not. */
static int
message_read(struct arc_verifier *v, unsigned i)
{
	struct arc_set *set = &v->sets[i];
	size_t at = set->at[ARC_MESSAGE] - 1;
	struct dkim_refusal refusal = {DKIM_NEUTRAL, "malformed message signature"};
	struct taglist tags;
	int r = taglist_parse(v->fields.at[at].value, &tags);

	if (!r)
		r = dkim_signature_parse(
			DKIM_ARC_MESSAGE, &tags, v->now, &v->arena, &set->message, &refusal);
	if (!r)
		r = dkim_signature_hash(
			&set->message, &v->fields, at, &v->arena, set->message_hash);
	if (!r)
		r = dkim_bodies_share(&v->bodies, &set->message, &set->body);
	if (r == LL_ERR_NOMEM || r == LL_ERR_CRYPTO)
		return r;
	set->message_usable = !r;
	if (r && i + 1 == v->verdict.instances)
		settle(v, ARC_FAIL, refusal.reason);
	return LL_OK;
}

static int
chain_read(struct arc_verifier *v, struct slice header)
{
	const char *wrong;
	int r = dkim_fields_read(header, &v->arena, &v->fields);

	if (r)
		return r;
	wrong = sets_collect(v);
	if (wrong)
		settle(v, ARC_FAIL, wrong);
	else if (!v->verdict.instances)
		settle(v, ARC_NONE, NULL);
	/* From the last on, so that the last body hash has its place. */
	for (unsigned i = v->verdict.instances; !r && !v->settled && i-- > 0;) {
		r = message_read(v, i);
		if (!r && !v->settled)
			r = seal_read(v, i);
	}
	if (!v->settled)
		v->verdict.domain = v->sets[v->verdict.instances - 1].seal.domain;
	return r;
}

struct arc_verifier *
arc_verifier_new(struct slice header, int64_t now)
{
	struct arc_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->arena = v->scratch = ARENA_INIT(ARENA_BYTES);
	v->now = now;
	if (!chain_read(v, header))
		return v;
	arc_verifier_free(v);
	return NULL;
}

void
arc_verifier_free(struct arc_verifier *v)
{
	if (!v)
		return;
	dkim_bodies_done(&v->bodies);
	arena_done(&v->arena);
	arena_done(&v->scratch);
	free(v);
}

int
arc_verifier_body(struct arc_verifier *v, struct slice piece)
{
	return v->settled ? LL_OK : dkim_bodies_update(&v->bodies, piece);
}

int
arc_verifier_body_end(struct arc_verifier *v)
{
	return v->settled ? LL_OK : dkim_bodies_end(&v->bodies);
}

/* Step 4 for one message signature: settles when it is the last and does not hold. */
static int
message_check(struct arc_verifier *v, unsigned i, struct dns_memo *memo)
{
	struct arc_set *set = &v->sets[i];
	bool last = i + 1 == v->verdict.instances;
	struct dkim_check check;
	const char *wrong;
	int r;

	set->message_holds = false;
	if (!set->message_usable)
		return LL_OK;
	wrong = dkim_bodies_compare(&v->bodies, set->body, &set->message);
	if (wrong) {
		if (last)
			settle(v, ARC_FAIL, wrong);
		return LL_OK;
	}
	r = dkim_signature_check(&set->message, set->message_hash, memo, &v->scratch, &check);
	if (r)
		return r;
	set->message_holds = check.result == DKIM_PASS;
	if (last && !set->message_holds)
		settle(v, check.result == DKIM_TEMPERROR ? ARC_TEMPERROR : ARC_FAIL, check.reason);
	return LL_OK;
}

static int
seal_check(struct arc_verifier *v, unsigned i, struct dns_memo *memo)
{
	struct arc_set *set = &v->sets[i];
	struct dkim_check check;
	int r = dkim_signature_check(&set->seal, set->seal_hash, memo, &v->scratch, &check);

	if (!r && check.result != DKIM_PASS)
		settle(v, check.result == DKIM_TEMPERROR ? ARC_TEMPERROR : ARC_FAIL, check.reason);
	return r;
}

/* Step 5: the oldest message signature below which none broke. */
static unsigned
oldest_pass(const struct arc_verifier *v)
{
	unsigned i = v->verdict.instances;

	while (i && v->sets[i - 1].message_holds)
		i--;
	return i ? i + 1 : 0;
}

/* LL_OK when the answers for all keys are there. */
static int
keys_ask(struct arc_verifier *v, struct dns_memo *memo)
{
	bool again = false;

	for (unsigned i = v->verdict.instances; i-- > 0;) {
		struct arc_set *set = &v->sets[i];
		int m = LL_OK, r = dkim_signature_ask(&set->seal, memo, &v->scratch);

		if (set->message_usable)
			m = dkim_signature_ask(&set->message, memo, &v->scratch);
		if ((r && r != LL_ERR_AGAIN) || (m && m != LL_ERR_AGAIN))
			return LL_ERR_NOMEM;
		again |= r || m;
	}
	return again ? LL_ERR_AGAIN : LL_OK;
}

int
arc_verifier_step(struct arc_verifier *v, struct dns_memo *memo)
{
	int r;

	if (v->settled)
		return LL_OK;
	arena_reset(&v->scratch);
	r = keys_ask(v, memo);
	if (r || !v->bodies.ended)
		return r ? r : LL_ERR_AGAIN;
	for (unsigned i = v->verdict.instances; i-- > 0 && !v->settled;) {
		r = message_check(v, i, memo);
		if (!r && !v->settled)
			r = seal_check(v, i, memo);
		if (r)
			return r;
	}
	if (v->settled)
		return LL_OK;
	v->verdict.oldest_pass = oldest_pass(v);
	settle(v, ARC_PASS, NULL);
	return LL_OK;
}

const struct arc_verdict *
arc_verifier_verdict(const struct arc_verifier *v)
{
	return &v->verdict;
}

const char *
arc_result_name(enum arc_result result)
{
	static const char *const names[] = {
		[ARC_NONE] = "none",
		[ARC_PASS] = "pass",
		[ARC_FAIL] = "fail",
		[ARC_TEMPERROR] = "temperror",
	};

	return result < ARRAY_SIZE(names) ? names[result] : "fail";
}
