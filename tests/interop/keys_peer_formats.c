/* Records, what unlocks, and the bodies of records. */
#include "base/error.h"
#include "keys/account_owner.h"
#include "keys/anchor.h"
#include "keys/keyring.h"
#include "keys/suites.h"
#include "keys_peer.h"

#include <string.h>

/* want's header comes as the 87 bytes that stand in a record. */
static int
want_of(const struct args *a, size_t i, struct record_want *ret)
{
	*ret = (struct record_want){.any = 0};
	return record_parse(arg(a, i), &ret->header);
}

static int
cmd_sym_seal(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sym_seal(fixed(a, 0, RECORD_KEY_LEN), &want.header, arg(a, 2), &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_sym_open(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sym_open(fixed(a, 0, RECORD_KEY_LEN), &want, arg(a, 2), NULL, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_kem_seal(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_sender *s = NULL;
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sender_new(fixed(a, 0, XWING_PUBLIC_LEN), 0, &s);
	if (!err)
		err = record_kem_seal(s, &want.header, arg(a, 2), &b);
	record_sender_free(s);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_kem_open(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_opener *o = NULL;
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_opener_new(fixed(a, 0, XWING_SEED_LEN), &o);
	if (!err)
		err = record_kem_open(o, &want, arg(a, 2), NULL, &b);
	record_opener_free(o);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_sig_seal(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_want want;
	struct ed25519_key key;
	int err = want_of(a, 1, &want);

	ed25519_key_init(&key, fixed(a, 0, ED25519_SEED_LEN));
	if (!err)
		err = record_sig_seal(&key, &want.header, arg(a, 2), &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_sig_open(const struct args *a)
{
	struct record_want want;
	struct slice body;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sig_open(
			fixed(a, 0, ED25519_PUBLIC_LEN), &want, arg(a, 2), NULL, &body);
	if (!err)
		put(body);
	return err;
}

static int
cmd_verify(const struct args *a)
{
	return ed25519_verify(
		fixed(a, 0, ED25519_PUBLIC_LEN), arg(a, 1), fixed(a, 2, ED25519_SIG_LEN));
}

static int
cmd_public_check(const struct args *a)
{
	return ed25519_public_check(fixed(a, 0, ED25519_PUBLIC_LEN));
}

/* --- unlockers --- */

static int
cmd_unlock_keys(const struct args *a)
{
	struct unlock_keys k;
	int err = unlock_derive((enum unlock_type)number(a, 0), arg(a, 1),
		fixed(a, 2, RECORD_ID_LEN), fixed(a, 3, RECORD_ID_LEN), &k);
	uint8_t hash[32];

	if (err)
		return err;
	unlock_auth_hash(k.auth, hash);
	put(SLICE_OF(k.auth));
	put(SLICE_OF(k.anchor));
	put(SLICE_OF(k.kem));
	put(SLICE_OF(hash));
	return LL_OK;
}

static int
cmd_scram(const struct args *a)
{
	uint8_t client[SCRAM_KEY_LEN];
	struct scram_verifier v;
	int err = scram_derive(arg(a, 0), arg(a, 1), (uint32_t)number(a, 2), client, &v);

	if (err)
		return err;
	put(SLICE_OF(client));
	put(SLICE_OF(v.stored_key));
	put(SLICE_OF(v.server_key));
	return LL_OK;
}

static int
cmd_code(const struct args *a)
{
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];
	struct app_password p;
	int err = app_password_parse(arg(a, 0), &p);

	if (err)
		return err;
	app_password_group(&p, grouped);
	put(app_password_slice(&p));
	put(slice_str(grouped));
	return LL_OK;
}

/* The verifier decoded and encoded again. */
static int
cmd_verifier(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(VERIFIER_MAX);
	struct verifier v;
	int err = verifier_decode(arg(a, 0), &v);

	if (!err)
		err = verifier_encode(&v, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

/* Bodies, decoded and encoded again. */

static int
cmd_anchor(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(ANCHOR_BODY_MAX);
	struct anchor anchor;
	int err = anchor_decode(arg(a, 0), &anchor);

	if (!err)
		err = anchor_encode(&anchor, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_manifest(const struct args *a)
{
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	int err = manifest_decode(arg(a, 0), &m);

	if (!err)
		err = manifest_encode(m, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_keyring(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct keyring k;
	int err = keyring_decode(arg(a, 0), &k);

	if (err)
		return err;
	err = keyring_encode(&k, &b);
	keyring_done(&k);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static const struct command commands[] = {
	{"sym-seal", cmd_sym_seal},
	{"sym-open", cmd_sym_open},
	{"kem-seal", cmd_kem_seal},
	{"kem-open", cmd_kem_open},
	{"sig-seal", cmd_sig_seal},
	{"sig-open", cmd_sig_open},
	{"verify", cmd_verify},
	{"public-check", cmd_public_check},
	{"unlock-keys", cmd_unlock_keys},
	{"scram", cmd_scram},
	{"code", cmd_code},
	{"verifier", cmd_verifier},
	{"anchor", cmd_anchor},
	{"manifest", cmd_manifest},
	{"keyring", cmd_keyring},
};

const struct command_family peer_formats = {commands, ARRAY_SIZE(commands)};
