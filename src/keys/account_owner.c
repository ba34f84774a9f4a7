/* The owner's account as a whole: making it, opening it, and turning changes into records. */
#include "keys/account_owner.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "keys/owner_priv.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX ((size_t)64 << 10)

void
key_changes_done(struct key_changes *c)
{
	VEC_EACH (p, &c->v)
		free(p->mem);
	VEC_DONE(&c->v);
}

int
key_changes_add(struct key_changes *c, enum key_change_kind kind, const struct account_key *key,
	struct slice value)
{
	uint8_t *mem = malloc(key->len + value.len);
	struct key_change change;

	if (!mem)
		return LL_ERR_NOMEM;
	memcpy(mem, key->bytes, key->len);
	if (value.len)
		memcpy(mem + key->len, value.ptr, value.len);
	change = (struct key_change){
		kind, mem, slice_new(mem, key->len), slice_new(mem + key->len, value.len)};
	if (VEC_PUSH(&c->v, change) != LL_OK) {
		free(mem);
		return LL_ERR_NOMEM;
	}
	return LL_OK;
}

int
key_changes_delete(struct key_changes *c, struct account_key key)
{
	return key_changes_add(c, KEY_DELETE, &key, SLICE_NONE);
}

/* Hands all of from on to the end of to. */
static int
key_changes_move(struct key_changes *to, struct key_changes *from)
{
	if (VEC_RESERVE(&to->v, to->v.len + from->v.len) != LL_OK)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < from->v.len; i++)
		to->v.at[to->v.len++] = from->v.at[i];
	from->v.len = 0;
	return LL_OK;
}

void
account_owner_free(struct account_owner *o)
{
	if (!o)
		return;
	manifest_free(o->m);
	if (o->secrets)
		SECRET_FREE(o->secrets);
	keyring_done(&o->keyring);
	key_changes_done(&o->puts);
	key_changes_done(&o->deletions);
	free(o);
}

void
account_owner_cleanup(struct account_owner **o)
{
	account_owner_free(*o);
}

static int
owner_alloc(struct account_owner **ret)
{
	CLEANUP(account_owner_cleanup) struct account_owner *o = calloc(1, sizeof(*o));

	if (!o)
		return LL_ERR_NOMEM;
	o->secrets = SECRET_NEW(struct owner_secrets);
	if (!o->secrets)
		return LL_ERR_NOMEM;
	*ret = TAKE(o);
	return LL_OK;
}

int
owner_publish(struct account_owner *o, const struct area_secret *secret)
{
	struct manifest_area *a = &o->m->areas[secret->area];
	int err = area_seal_public(secret, a->seal_public);

	if (err)
		return err;
	a->version = secret->version;
	hash_sha256(SLICE_OF(a->seal_public), a->seal_hash[secret->version - 1]);
	return LL_OK;
}

static int
first_areas(struct account_owner *o)
{
	int err = LL_OK;

	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS && !err; a++) {
		const struct area_secret *secret;

		err = area_secrets_next(&o->keyring.secrets, a, 1, &secret);
		if (!err)
			err = owner_publish(o, secret);
	}
	return err;
}

int
account_owner_new(const uint8_t account[RECORD_ID_LEN], int64_t now, struct account_owner **ret)
{
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	int err = owner_alloc(&o);

	if (!err)
		err = keyring_init(&o->keyring);
	if (err)
		return err;
	o->m = calloc(1, sizeof(*o->m));
	if (!o->m)
		return LL_ERR_NOMEM;
	randombytes_buf(o->secrets->root, sizeof(o->secrets->root));
	randombytes_buf(o->keyring.identity_seed, ED25519_SEED_LEN);
	ed25519_key_init(&o->secrets->identity, o->keyring.identity_seed);
	memcpy(o->m->account, account, RECORD_ID_LEN);
	memcpy(o->m->identity, o->secrets->identity.public, ED25519_PUBLIC_LEN);
	o->m->created = now;
	o->m->floor = SUITE_FLOOR_NOW;
	o->m->root_version = 1;
	randombytes_buf(o->m->root_tag, sizeof(o->m->root_tag));
	o->m->iterations = SCRAM_ITERATIONS;
	randombytes_buf(o->m->salt, sizeof(o->m->salt));
	err = first_areas(o);
	if (err)
		return err;
	o->changed = true;
	*ret = TAKE(o);
	return LL_OK;
}

/* pk_U of a listed unlocker, against the manifest: new keys are granted to no other. */
static int
load_public(struct account_owner *o, size_t i, const struct key_records *records)
{
	const struct manifest_unlocker *u = &o->m->unlockers[i];
	struct account_key key = account_key_unlock(u->id);
	struct slice public = key_records_get(records, account_key_slice(&key));
	uint8_t hash[MANIFEST_HASH_LEN];

	if (public.len == 0)
		return LL_ERR_NOTFOUND;
	hash_sha256(public, hash);
	if (public.len != XWING_PUBLIC_LEN || memcmp(hash, u->public_hash, sizeof(hash)) != 0)
		return LL_ERR_AUTH;
	memcpy(o->publics[i].bytes, public.ptr, public.len);
	return LL_OK;
}

/* An app password whose records are gone was revoked by the administrator
 * (account_forget_unlocker): the next manifest says so. ret_areas: what it could open. */
static int
load_publics(struct account_owner *o, const struct key_records *records, unsigned *ret_areas)
{
	unsigned areas = 0;

	for (size_t i = 0; i < o->m->n_unlockers;) {
		const struct manifest_unlocker *u = &o->m->unlockers[i];
		int err = load_public(o, i, records);

		if (!err) {
			i++;
			continue;
		}
		if (err != LL_ERR_NOTFOUND || u->type != UNLOCK_APP)
			return err;
		areas |= u->scope.areas;
		err = owner_remove(o, i);
		if (err)
			return err;
	}
	*ret_areas = areas;
	return LL_OK;
}

int
account_owner_open(const struct account_open *open, struct account_owner **ret)
{
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	CLEANUP(account_entry_done) struct account_entry e = {.manifest = NULL};
	unsigned areas = 0;
	int err = owner_alloc(&o);

	if (!err)
		err = account_enter(open, &e);
	if (!err)
		err = account_open_keyring(&e, open->records, o->secrets->root, &o->keyring);
	if (err)
		return err;
	ed25519_key_init(&o->secrets->identity, o->keyring.identity_seed);
	o->m = TAKE(e.manifest);
	o->pin = e.pin;
	o->exists = true;
	o->m->seq++;
	err = load_publics(o, open->records, &areas);
	if (!err && areas)
		err = account_owner_rotate(o, areas);
	/* With all versions used up, the revocation counts without a rotation. */
	if (err && err != LL_ERR_LIMIT)
		return err;
	*ret = TAKE(o);
	return LL_OK;
}

const struct manifest *
account_owner_manifest(const struct account_owner *o)
{
	return o->m;
}

const char *
account_owner_name(const struct account_owner *o, const uint8_t id[RECORD_ID_LEN])
{
	for (size_t i = 0; i < o->keyring.n_names; i++)
		if (memcmp(o->keyring.names[i].id, id, RECORD_ID_LEN) == 0)
			return o->keyring.names[i].text;
	return "";
}

int
account_owner_add_openpgp(struct account_owner *o, struct slice secret, struct slice fingerprint)
{
	struct manifest_fingerprint f = {.len = (uint8_t)fingerprint.len};
	int err;

	if (fingerprint.len != 20 && fingerprint.len != sizeof(f.bytes))
		return LL_ERR_SYNTAX;
	if (o->m->n_fingerprints >= MANIFEST_FINGERPRINTS_MAX)
		return LL_ERR_LIMIT;
	err = keyring_add_openpgp(&o->keyring, secret);
	if (err)
		return err;
	memcpy(f.bytes, fingerprint.ptr, fingerprint.len);
	o->m->fingerprints[o->m->n_fingerprints++] = f;
	o->changed = true;
	return LL_OK;
}

size_t
owner_root_unlockers(const struct manifest *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_unlockers; i++)
		n += m->unlockers[i].scope.areas == SCOPE_ROOT;
	return n;
}

static int
seal_keyring(struct account_owner *o, struct manifest *m, struct key_changes *ret)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(RECORD_MAX);
	struct account_key key;
	int err;

	m->keyring_rev++;
	o->keyring.floor_seq = m->seq;
	o->keyring.floor = m->floor;
	err = keyring_seal(&o->keyring, o->secrets->root, m->account, m->root_version,
		m->keyring_rev, &record);
	if (err)
		return err;
	hash_sha256(buf_slice(&record), m->keyring_hash);
	key = account_key_keyring(m->keyring_hash);
	return key_changes_add(ret, KEY_PUT, &key, buf_slice(&record));
}

static int
sign_manifest(struct account_owner *o, const struct manifest *m, struct key_changes *ret,
	struct account_pin *ret_pin)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(RECORD_MAX);
	struct account_key key = account_key_manifest(m->seq);
	int err = manifest_sign(m, &o->secrets->identity, &record);

	if (err)
		return err;
	memcpy(ret_pin->identity, m->identity, sizeof(ret_pin->identity));
	ret_pin->seq = m->seq;
	manifest_hash(buf_slice(&record), ret_pin->hash);
	return key_changes_add(ret, KEY_PUT_NEW, &key, buf_slice(&record));
}

/* Keyring, manifest, then what nothing refers to any more. m is changed to what was signed. */
static int
make_changes(struct account_owner *o, struct manifest *m, struct key_changes *ret,
	struct account_pin *ret_pin)
{
	struct account_key old_keyring = account_key_keyring(m->keyring_hash);
	int err = key_changes_move(ret, &o->puts);

	if (!err)
		err = seal_keyring(o, m, ret);
	if (!err)
		err = sign_manifest(o, m, ret, ret_pin);
	if (!err)
		err = key_changes_move(ret, &o->deletions);
	if (!err && m->keyring_rev > 1)
		err = key_changes_delete(ret, old_keyring);
	return err;
}

int
account_owner_commit(
	struct account_owner *o, int64_t now, struct key_changes *ret, struct account_pin *ret_pin)
{
	struct key_changes made = {.v = {0}};
	struct account_pin pin;
	int err;

	if (!o->changed || owner_root_unlockers(o->m) == 0)
		return LL_ERR_STATE;
	o->m->created = now;
	if (o->exists)
		memcpy(o->m->previous, o->pin.hash, sizeof(o->m->previous));
	err = make_changes(o, o->m, &made, &pin);
	if (err) {
		key_changes_done(&made);
		return err;
	}
	o->pin = *ret_pin = pin;
	o->exists = true;
	o->changed = false;
	o->m->seq++;
	*ret = made;
	return LL_OK;
}
