/* An account: its records, how it is unlocked, and what its owner changes. */
#include "base/error.h"
#include "keys/keyring.h"
#include "keys/owner_priv.h"
#include "keys_peer.h"

#include <string.h>

/* What lives from one command to the next. */
static struct {
	struct key_records records;
	struct account_owner *owner;
	struct app_password code;
} st;

static int
cmd_record_put(const struct args *a)
{
	for (size_t i = 0; i < st.records.v.len; i++)
		if (slice_eq(st.records.v.at[i].key, arg(a, 0))) {
			free(st.records.v.at[i].mem);
			VEC_REMOVE(&st.records.v, i);
			break;
		}
	return key_records_row(&st.records, arg(a, 0), arg(a, 1));
}

static int
cmd_records_clear(const struct args *a)
{
	(void)a;
	key_records_done(&st.records);
	return LL_OK;
}

/* account unlocker type secret now [identity seq hash] */
static void
open_of(const struct args *a, struct account_pin *pin, struct account_open *ret)
{
	*ret = (struct account_open){.type = (enum unlock_type)number(a, 2),
		.secret = arg(a, 3),
		.records = &st.records,
		.now = (int64_t)number(a, 4)};
	memcpy(ret->account, fixed(a, 0, RECORD_ID_LEN), RECORD_ID_LEN);
	memcpy(ret->unlocker, fixed(a, 1, RECORD_ID_LEN), RECORD_ID_LEN);
	if (a->n < 8)
		return;
	memcpy(pin->identity, fixed(a, 5, ED25519_PUBLIC_LEN), ED25519_PUBLIC_LEN);
	pin->seq = number(a, 6);
	memcpy(pin->hash, fixed(a, 7, MANIFEST_HASH_LEN), MANIFEST_HASH_LEN);
	ret->pin = pin;
}

static void
put_secret(const struct area_secret *s)
{
	put_number((uint64_t)s->area);
	put_number(s->version);
	put(SLICE_OF(s->key));
}

/* Area secrets, three results each. */
static int
cmd_unlock(const struct args *a)
{
	struct account_unlocked *u = NULL;
	struct account_open open;
	struct account_pin pin;
	int err;

	open_of(a, &pin, &open);
	err = account_unlock(&open, &u);
	for (size_t i = 0; !err && i < account_unlocked_len(u); i++)
		put_secret(account_unlocked_at(u, i));
	account_unlocked_free(u);
	return err;
}

static int
cmd_owner_new(const struct args *a)
{
	account_owner_free(TAKE(st.owner));
	return account_owner_new(fixed(a, 0, RECORD_ID_LEN), (int64_t)number(a, 1), &st.owner);
}

static int
cmd_owner_open(const struct args *a)
{
	struct account_open open;
	struct account_pin pin;

	account_owner_free(TAKE(st.owner));
	open_of(a, &pin, &open);
	return account_owner_open(&open, &st.owner);
}

static int
put_verifier(const struct verifier *v)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(VERIFIER_MAX);
	int err = verifier_encode(v, &b);

	if (!err)
		put(buf_slice(&b));
	return err;
}

/* record export-key rotate now */
static int
cmd_owner_password(const struct args *a)
{
	struct verifier v;
	int err = account_owner_add_password(st.owner, fixed(a, 0, OPAQUE_RECORD_LEN),
		fixed(a, 1, OPAQUE_HASH_LEN), number(a, 2) != 0, (int64_t)number(a, 3), &v);

	return err ? err : put_verifier(&v);
}

static int
cmd_owner_recovery(const struct args *a)
{
	struct verifier v;
	int err = account_owner_add_recovery(st.owner, (int64_t)number(a, 0), &st.code, &v);

	if (!err)
		err = put_verifier(&v);
	if (!err)
		put(app_password_slice(&st.code));
	return err;
}

/* areas protocols expires name now */
static int
cmd_owner_app(const struct args *a)
{
	const struct scope scope = {
		(unsigned)number(a, 0), (unsigned)number(a, 1), (int64_t)number(a, 2)};
	struct verifier v;
	int err = account_owner_add_app(
		st.owner, &scope, arg(a, 3), (int64_t)number(a, 4), &st.code, &v);

	if (!err)
		err = put_verifier(&v);
	if (!err)
		put(app_password_slice(&st.code));
	return err;
}

static int
cmd_owner_revoke(const struct args *a)
{
	return account_owner_revoke(st.owner, fixed(a, 0, RECORD_ID_LEN), number(a, 1) != 0);
}

static int
cmd_owner_rotate(const struct args *a)
{
	return account_owner_rotate(st.owner, (unsigned)number(a, 0));
}

static int
cmd_owner_openpgp(const struct args *a)
{
	return account_owner_add_openpgp(st.owner, arg(a, 0), arg(a, 1));
}

/* identity seq hash, then kind key value of each change. */
static int
cmd_owner_commit(const struct args *a)
{
	struct key_changes c = {.v = {0}};
	struct account_pin pin;
	int err = account_owner_commit(st.owner, (int64_t)number(a, 0), &c, &pin);

	if (err)
		return err;
	put(SLICE_OF(pin.identity));
	put_number(pin.seq);
	put(SLICE_OF(pin.hash));
	for (size_t i = 0; i < c.v.len; i++) {
		put_number(c.v.at[i].kind);
		put(c.v.at[i].key);
		put(c.v.at[i].value);
	}
	key_changes_done(&c);
	return LL_OK;
}

/* The keyring's body. */
static int
cmd_owner_keyring(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_SECRET(KEYRING_BODY_MAX);
	int err = keyring_encode(&st.owner->keyring, &b);

	(void)a;
	if (!err)
		put(buf_slice(&b));
	return err;
}

static bool
has_owner(void)
{
	return st.owner != NULL;
}

static const struct command commands[] = {
	{"record-put", cmd_record_put},
	{"records-clear", cmd_records_clear},
	{"unlock", cmd_unlock},
	{"owner-new", cmd_owner_new},
	{"owner-open", cmd_owner_open},
	{"owner-password", cmd_owner_password, has_owner},
	{"owner-recovery", cmd_owner_recovery, has_owner},
	{"owner-app", cmd_owner_app, has_owner},
	{"owner-revoke", cmd_owner_revoke, has_owner},
	{"owner-rotate", cmd_owner_rotate, has_owner},
	{"owner-openpgp", cmd_owner_openpgp, has_owner},
	{"owner-commit", cmd_owner_commit, has_owner},
	{"owner-keyring", cmd_owner_keyring, has_owner},
};

static void
done(void)
{
	account_owner_free(st.owner);
	key_records_done(&st.records);
}

const struct command_family peer_account = {commands, ARRAY_SIZE(commands), done};
