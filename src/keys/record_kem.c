/* KEM records: sealed to a public key by somebody who could not open them again.
 *
 * One encapsulation may serve a burst of records: each has its own key schedule with its own header
 * as info, so their keys are independent, and the receiver decapsulates once per burst. */
#include "base/error.h"
#include "base/secret.h"
#include "keys/hpke.h"
#include "keys/record_priv.h"

#include <stdlib.h>
#include <string.h>

#define ENC_AT RECORD_HEADER_LEN
#define PAYLOAD_AT (RECORD_HEADER_LEN + XWING_ENC_LEN)
/* Bursts to one account interleave when several delivery processes write. */
#define CACHE_SLOTS 16
#define DEK_LABEL S("letterlock/1/dek")

struct record_sender {
	struct xwing_public *public;
	uint8_t *secret; /* XWING_SECRET_LEN, secret memory */
	uint8_t enc[XWING_ENC_LEN];
	uint64_t since_ms;
	unsigned used;
};

struct cached {
	uint8_t enc[XWING_ENC_LEN];
	bool filled;
};

struct record_opener {
	struct xwing_key *key;
	uint8_t *secrets; /* CACHE_SLOTS * XWING_SECRET_LEN, secret memory */
	struct cached cache[CACHE_SLOTS];
	size_t next;
};

int
record_sender_renew(struct record_sender *s, uint64_t now_ms)
{
	int err = xwing_encaps(s->public, s->enc, s->secret);

	s->since_ms = now_ms;
	s->used = err ? RECORD_BURST_MAX : 0;
	return err;
}

int
record_sender_new(
	const uint8_t public[XWING_PUBLIC_LEN], uint64_t now_ms, struct record_sender **ret_sender)
{
	struct record_sender *s = calloc(1, sizeof(*s));
	int err = LL_ERR_NOMEM;

	if (!s)
		return err;
	s->secret = secret_alloc(XWING_SECRET_LEN);
	if (s->secret)
		err = xwing_public_new(public, &s->public);
	if (!err)
		err = record_sender_renew(s, now_ms);
	if (err)
		record_sender_free(s);
	else
		*ret_sender = s;
	return err;
}

void
record_sender_free(struct record_sender *s)
{
	if (!s)
		return;
	secret_free(s->secret, XWING_SECRET_LEN);
	xwing_public_free(s->public);
	free(s);
}

bool
record_sender_fresh(const struct record_sender *s, uint64_t now_ms)
{
	return s->used < RECORD_BURST_MAX && now_ms - s->since_ms <= RECORD_BURST_MS;
}

static uint64_t
payload_len(enum record_kind kind, size_t plain_len)
{
	return kind == RECORD_DELIVERED ? cobblestone_sealed_len(plain_len)
					: (uint64_t)plain_len + HPKE_TAG_LEN;
}

/* The key that a DELIVERED record's payload is sealed under. */
static int
delivered_key(const struct hpke *h, uint8_t ret_key[RECORD_KEY_LEN])
{
	return hpke_export(h, DEK_LABEL, ret_key, RECORD_KEY_LEN);
}

static int
payload_seal(struct hpke *h, enum record_kind kind, struct slice context, struct slice plain,
	struct buf *out)
{
	uint8_t dek[RECORD_KEY_LEN];
	int err;

	if (kind != RECORD_DELIVERED)
		return hpke_seal(h, SLICE_NONE, plain, out);
	err = delivered_key(h, dek);
	if (!err)
		err = cobblestone_seal(dek, context, plain, out);
	secret_wipe(dek, sizeof(dek));
	return err;
}

static int
payload_open(struct hpke *h, enum record_kind kind, struct slice context, struct slice payload,
	struct buf *out)
{
	uint8_t dek[RECORD_KEY_LEN];
	int err;

	if (kind != RECORD_DELIVERED)
		return hpke_open(h, SLICE_NONE, payload, out);
	err = delivered_key(h, dek);
	if (!err)
		err = cobblestone_open(dek, context, payload, out);
	secret_wipe(dek, sizeof(dek));
	return err;
}

int
record_kem_seal(struct record_sender *s, const struct record_header *header, struct slice plain,
	struct buf *out)
{
	const size_t from = out->len;
	CLEANUP(hpke_wipe) struct hpke h = {0};
	struct record_context c;
	int err = record_begin(
		&c, header, RECORD_KEM, PAYLOAD_AT + payload_len(header->kind, plain.len));

	if (!err && s->used >= RECORD_BURST_MAX)
		err = LL_ERR_LIMIT;
	if (err)
		return err;
	s->used++;
	hpke_schedule(&h, HPKE_AES_256_GCM, s->secret, record_context_slice(&c));
	err = buf_put(out, record_context_header(&c));
	if (!err)
		err = buf_put(out, SLICE_OF(s->enc));
	if (!err)
		err = payload_seal(&h, header->kind, record_context_slice(&c), plain, out);
	if (err)
		buf_truncate(out, from);
	return err;
}

int
record_opener_new(const uint8_t seed[XWING_SEED_LEN], struct record_opener **ret_opener)
{
	struct record_opener *o = calloc(1, sizeof(*o));
	int err = LL_ERR_NOMEM;

	if (!o)
		return err;
	o->secrets = secret_alloc((size_t)CACHE_SLOTS * XWING_SECRET_LEN);
	if (o->secrets)
		err = xwing_key_new(seed, &o->key);
	if (err)
		record_opener_free(o);
	else
		*ret_opener = o;
	return err;
}

void
record_opener_free(struct record_opener *o)
{
	if (!o)
		return;
	secret_free(o->secrets, (size_t)CACHE_SLOTS * XWING_SECRET_LEN);
	xwing_key_free(o->key);
	free(o);
}

const uint8_t *
record_opener_public(const struct record_opener *o)
{
	return xwing_key_public(o->key);
}

/* The shared secret of enc: of the cache, or decapsulated into its oldest slot. A forged enc takes
 * a slot too; that only costs a decapsulation later. */
static int
shared_secret(struct record_opener *o, const uint8_t *enc, const uint8_t **ret_secret)
{
	size_t slot = o->next;
	int err;

	for (size_t i = 0; i < CACHE_SLOTS; i++)
		if (o->cache[i].filled && memcmp(o->cache[i].enc, enc, XWING_ENC_LEN) == 0) {
			*ret_secret = o->secrets + i * XWING_SECRET_LEN;
			return LL_OK;
		}
	o->cache[slot].filled = false;
	err = xwing_decaps(o->key, enc, o->secrets + slot * XWING_SECRET_LEN);
	if (err)
		return err;
	memcpy(o->cache[slot].enc, enc, XWING_ENC_LEN);
	o->cache[slot].filled = true;
	o->next = (slot + 1) % CACHE_SLOTS;
	*ret_secret = o->secrets + slot * XWING_SECRET_LEN;
	return LL_OK;
}

int
record_kem_open(struct record_opener *o, const struct record_want *want, struct slice record,
	struct record_header *ret_header, struct buf *out)
{
	CLEANUP(hpke_wipe) struct hpke h = {0};
	struct record_header header;
	struct record_context c;
	const uint8_t *secret;
	int err = record_admit(record, record.len, RECORD_KEM, want, &header);

	if (!err && record.len < PAYLOAD_AT)
		err = LL_ERR_SYNTAX;
	if (!err)
		err = shared_secret(o, record.ptr + ENC_AT, &secret);
	if (err)
		return err;
	record_context(&c, &header);
	hpke_schedule(&h, HPKE_AES_256_GCM, secret, record_context_slice(&c));
	err = payload_open(
		&h, header.kind, record_context_slice(&c), slice_skip(record, PAYLOAD_AT), out);
	if (!err && ret_header)
		*ret_header = header;
	return err;
}
