/* Verification of the DKIM signatures of one message: parsed and hashed when the header is there,
 * body hashes shared between signatures while the body streams by, keys when the DNS has them. */
#include "base/error.h"
#include "mail/dkim_internal.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)4 << 20)
#define SIGNATURE_SHOWN 8u /* characters of b= in header.b, RFC 6008 */
#define VERDICTS_MAX 64u

struct signature {
	struct dkim_signature tags;
	uint8_t hash[DKIM_HASH_SIZE];
	size_t body; /* index of its body hash */
	bool settled; /* its verdict is final */
};

struct dkim_verifier {
	struct arena arena;
	struct arena scratch; /* of one step */
	struct signature signatures[DKIM_SIGNATURES_MAX];
	struct dkim_verdict verdicts[VERDICTS_MAX];
	size_t count; /* of verdicts; the first DKIM_SIGNATURES_MAX have a signature */
	struct dkim_bodies bodies;
};

static void
settle(struct dkim_verifier *v, size_t i, enum dkim_result result, const char *reason)
{
	v->verdicts[i].result = result;
	v->verdicts[i].reason = reason;
	if (i < DKIM_SIGNATURES_MAX)
		v->signatures[i].settled = true;
}

static struct slice
first_characters(struct slice b)
{
	return slice_sub(slice_trim(b), 0, SIGNATURE_SHOWN);
}

/* Reads signature number i, which is fields->at[at]. */
static int
signature_read(
	struct dkim_verifier *v, const struct dkim_fields *fields, size_t at, size_t i, int64_t now)
{
	struct signature *s = &v->signatures[i];
	struct dkim_verdict *verdict = &v->verdicts[i];
	struct dkim_refusal refusal;
	struct taglist tags;
	int r;

	if (taglist_parse(fields->at[at].value, &tags)) {
		settle(v, i, DKIM_NEUTRAL, "malformed signature");
		return LL_OK;
	}
	r = dkim_signature_parse(DKIM_SIGNATURE, &tags, now, &v->arena, &s->tags, &refusal);
	verdict->domain = s->tags.domain;
	verdict->selector = s->tags.selector;
	verdict->identity = s->tags.identity;
	verdict->alg = s->tags.alg;
	verdict->signature = first_characters(taglist_get(&tags, "b"));
	if (r == LL_ERR_SYNTAX) {
		settle(v, i, refusal.result, refusal.reason);
		return LL_OK;
	}
	if (!r)
		r = dkim_signature_hash(&s->tags, fields, at, &v->arena, s->hash);
	return r ? r : dkim_bodies_share(&v->bodies, &s->tags, &s->body);
}

static int
signatures_read(struct dkim_verifier *v, struct slice header, int64_t now)
{
	struct dkim_fields fields;
	int r = dkim_fields_read(header, &v->arena, &fields);

	for (size_t at = 0; !r && at < fields.count && v->count < VERDICTS_MAX; at++) {
		if (!slice_ieq(fields.at[at].name, S("DKIM-Signature")))
			continue;
		if (v->count < DKIM_SIGNATURES_MAX)
			r = signature_read(v, &fields, at, v->count, now);
		else
			settle(v, v->count, DKIM_POLICY, "too many signatures");
		v->count++;
	}
	return r;
}

struct dkim_verifier *
dkim_verifier_new(struct slice header, int64_t now)
{
	struct dkim_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->arena = ARENA_INIT(ARENA_BYTES);
	v->scratch = ARENA_INIT(ARENA_BYTES);
	if (!signatures_read(v, header, now))
		return v;
	dkim_verifier_free(v);
	return NULL;
}

void
dkim_verifier_free(struct dkim_verifier *v)
{
	if (!v)
		return;
	dkim_bodies_done(&v->bodies);
	arena_done(&v->arena);
	arena_done(&v->scratch);
	free(v);
}

int
dkim_verifier_body(struct dkim_verifier *v, struct slice piece)
{
	return dkim_bodies_update(&v->bodies, piece);
}

static void
body_compare(struct dkim_verifier *v, size_t i)
{
	const struct signature *s = &v->signatures[i];
	uint64_t length;
	const char *reason;

	if (s->settled)
		return;
	length = v->bodies.at[s->body].length;
	reason = dkim_bodies_compare(&v->bodies, s->body, &s->tags);
	if (reason)
		settle(v, i, DKIM_FAIL, reason);
	v->verdicts[i].body_partial = s->tags.limited && length > s->tags.limit;
	if (v->verdicts[i].body_partial)
		v->verdicts[i].unsigned_bytes = length - s->tags.limit;
}

int
dkim_verifier_body_end(struct dkim_verifier *v)
{
	int r = dkim_bodies_end(&v->bodies);

	for (size_t i = 0; !r && i < MIN(v->count, (size_t)DKIM_SIGNATURES_MAX); i++)
		body_compare(v, i);
	return r;
}

static int
signature_check(struct dkim_verifier *v, size_t i, struct dns_memo *memo)
{
	struct dkim_verdict *verdict = &v->verdicts[i];
	struct dkim_check check;
	int r;

	if (v->signatures[i].settled)
		return LL_OK;
	r = dkim_signature_check(
		&v->signatures[i].tags, v->signatures[i].hash, memo, &v->scratch, &check);
	if (r)
		return r;
	verdict->key_bits = check.key_bits;
	verdict->testing = check.testing;
	verdict->key_secure = check.secure;
	settle(v, i, check.result, check.reason);
	return LL_OK;
}

/* Asks for all keys; judges when they and the body are there, so that the verdicts do not depend on
 * which came first. */
int
dkim_verifier_step(struct dkim_verifier *v, struct dns_memo *memo)
{
	size_t n = MIN(v->count, (size_t)DKIM_SIGNATURES_MAX);
	bool again = !v->bodies.ended;
	int r = LL_OK;

	arena_reset(&v->scratch);
	for (size_t i = 0; i < n; i++) {
		if (v->signatures[i].settled)
			continue;
		r = dkim_signature_ask(&v->signatures[i].tags, memo, &v->scratch);
		if (r && r != LL_ERR_AGAIN)
			return r;
		again |= r == LL_ERR_AGAIN;
	}
	if (again)
		return LL_ERR_AGAIN;
	for (size_t i = 0; !r && i < n; i++)
		r = signature_check(v, i, memo);
	return r;
}

const struct dkim_verdict *
dkim_verifier_verdicts(const struct dkim_verifier *v, size_t *ret_count)
{
	*ret_count = v->count;
	return v->verdicts;
}

const char *
dkim_result_name(enum dkim_result result)
{
	static const char *const names[] = {
		[DKIM_NONE] = "none",
		[DKIM_PASS] = "pass",
		[DKIM_FAIL] = "fail",
		[DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral",
		[DKIM_TEMPERROR] = "temperror",
		[DKIM_PERMERROR] = "permerror",
	};

	return result < ARRAY_SIZE(names) ? names[result] : "permerror";
}

const char *
dkim_alg_name(enum dkim_alg alg)
{
	return alg == DKIM_ED25519_SHA256 ? "ed25519-sha256" : "rsa-sha256";
}
