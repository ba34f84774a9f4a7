/* Unlockers and rotation. A key is granted to a public key, so that its secret need not be at hand.
 */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "keys/owner_priv.h"
#include "keys/wire.h"

#include <sodium.h>
#include <string.h>

#define GRANT_MAX ((size_t)4096)

/* A sender that is renewed when its burst is used up. */
struct granter {
	struct record_sender *sender;
};

static void
granter_done(struct granter *g)
{
	record_sender_free(g->sender);
}

/* The age of an encapsulation does not matter here: all grants of one call go to one recipient. */
#define NO_TIME 0

static int
granter_ready(struct granter *g, const uint8_t *public)
{
	if (!g->sender)
		return record_sender_new(public, NO_TIME, &g->sender);
	return record_sender_fresh(g->sender, NO_TIME) ? LL_OK
						       : record_sender_renew(g->sender, NO_TIME);
}

int
owner_grant(struct account_owner *o, struct record_sender *to, const uint8_t *unlocker,
	enum record_area area, uint32_t version, const uint8_t key[RECORD_KEY_LEN])
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(GRANT_MAX);
	struct account_key at =
		account_key_grant(unlocker, area, version, manifest_grant_tag(o->m, area, version));
	struct grant g = {.area = area, .version = version};
	int err;

	memcpy(g.account, o->m->account, RECORD_ID_LEN);
	memcpy(g.unlocker, unlocker, RECORD_ID_LEN);
	err = grant_seal(to, &o->secrets->identity, &g, key, &record);
	return err ? err : key_changes_add(&o->puts, KEY_PUT, &at, buf_slice(&record));
}

/* All that an unlocker's scope says: Root, or every version of its areas. */
static int
grant_scope(struct account_owner *o, const struct manifest_unlocker *u, const uint8_t *public)
{
	CLEANUP(granter_done) struct granter g = {NULL};
	int err = LL_OK;

	if (u->scope.areas == SCOPE_ROOT) {
		err = granter_ready(&g, public);
		return err ? err
			   : owner_grant(o, g.sender, u->id, RECORD_AREA_NONE, o->m->root_version,
				     o->secrets->root);
	}
	for (size_t i = 0; i < o->keyring.secrets.v.len && !err; i++) {
		const struct area_secret *s = o->keyring.secrets.v.at[i];

		if (!(u->scope.areas & SCOPE_AREA(s->area)))
			continue;
		err = granter_ready(&g, public);
		if (!err)
			err = owner_grant(o, g.sender, u->id, s->area, s->version, s->key);
	}
	return err;
}

static int
put_anchor(struct account_owner *o, const struct manifest_unlocker *u, const uint8_t *anchor_key)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(GRANT_MAX);
	struct account_key at = account_key_anchor(u->id);
	struct anchor a = {
		.type = u->type, .scope = u->scope, .floor_seq = o->m->seq, .floor = o->m->floor};
	int err;

	memcpy(a.account, o->m->account, RECORD_ID_LEN);
	memcpy(a.unlocker, u->id, RECORD_ID_LEN);
	memcpy(a.identity, o->m->identity, ED25519_PUBLIC_LEN);
	err = anchor_seal(anchor_key, &a, &record);
	return err ? err : key_changes_add(&o->puts, KEY_PUT, &at, buf_slice(&record));
}

static int
put_public(struct account_owner *o, const struct manifest_unlocker *u, const uint8_t *public)
{
	struct account_key at = account_key_unlock(u->id);

	return key_changes_add(&o->puts, KEY_PUT, &at, slice_new(public, XWING_PUBLIC_LEN));
}

static void
list_name(struct keyring *k, const uint8_t id[RECORD_ID_LEN], struct slice name)
{
	size_t at = 0;

	while (at < k->n_names && memcmp(k->names[at].id, id, RECORD_ID_LEN) < 0)
		at++;
	memmove(k->names + at + 1, k->names + at, (k->n_names - at) * sizeof(*k->names));
	memset(&k->names[at], 0, sizeof(k->names[at]));
	memcpy(k->names[at].id, id, RECORD_ID_LEN);
	if (name.len)
		memcpy(k->names[at].text, name.ptr, name.len);
	k->n_names++;
}

static void
unlist_name(struct keyring *k, const uint8_t id[RECORD_ID_LEN])
{
	for (size_t i = 0; i < k->n_names; i++) {
		if (memcmp(k->names[i].id, id, RECORD_ID_LEN) != 0)
			continue;
		k->n_names--;
		memmove(k->names + i, k->names + i + 1, (k->n_names - i) * sizeof(*k->names));
		return;
	}
}

static void
list(struct account_owner *o, const struct manifest_unlocker *u, const uint8_t *public,
	struct slice name)
{
	struct manifest *m = o->m;
	size_t at = 0, after;

	while (at < m->n_unlockers && memcmp(m->unlockers[at].id, u->id, RECORD_ID_LEN) < 0)
		at++;
	after = m->n_unlockers - at;
	memmove(m->unlockers + at + 1, m->unlockers + at, after * sizeof(*m->unlockers));
	memmove(o->publics + at + 1, o->publics + at, after * sizeof(*o->publics));
	m->unlockers[at] = *u;
	memcpy(o->publics[at].bytes, public, XWING_PUBLIC_LEN);
	m->n_unlockers++;
	list_name(&o->keyring, u->id, name);
	o->changed = true;
}

static void
unlist(struct account_owner *o, size_t at)
{
	struct manifest *m = o->m;
	size_t after = m->n_unlockers - at - 1;

	unlist_name(&o->keyring, m->unlockers[at].id);
	memmove(m->unlockers + at, m->unlockers + at + 1, after * sizeof(*m->unlockers));
	memmove(o->publics + at, o->publics + at + 1, after * sizeof(*o->publics));
	m->n_unlockers--;
	o->changed = true;
}

static int
add_with_keys(struct account_owner *o, struct manifest_unlocker *u, const struct unlock_keys *keys,
	struct slice name)
{
	struct xwing_key *key;
	const uint8_t *public;
	int err = xwing_key_new(keys->kem, &key);

	if (err)
		return err;
	public = xwing_key_public(key);
	hash_sha256(slice_new(public, XWING_PUBLIC_LEN), u->public_hash);
	err = put_anchor(o, u, keys->anchor);
	if (!err)
		err = put_public(o, u, public);
	if (!err)
		err = grant_scope(o, u, public);
	if (!err)
		list(o, u, public, name);
	xwing_key_free(key);
	return err;
}

/* Adds the unlocker that v describes (type, id, scope, created, name) with this secret, and fills
 * in what is the same for all types. On failure records that nothing lists may be left among the
 * puts; they do no harm. */
static int
add(struct account_owner *o, struct verifier *v, struct slice secret)
{
	struct manifest_unlocker u = {.type = v->type, .scope = v->scope, .created = v->created};
	struct unlock_keys *keys;
	int err;

	if (o->m->n_unlockers >= MANIFEST_UNLOCKERS_MAX)
		return LL_ERR_LIMIT;
	keys = SECRET_NEW(struct unlock_keys);
	if (!keys)
		return LL_ERR_NOMEM;
	memcpy(u.id, v->id, sizeof(u.id));
	memcpy(v->account, o->m->account, sizeof(v->account));
	err = unlock_derive(v->type, secret, o->m->account, v->id, keys);
	if (!err)
		err = add_with_keys(o, &u, keys, slice_str(v->name));
	if (!err)
		unlock_auth_hash(keys->auth, v->auth_hash);
	SECRET_FREE(keys);
	return err;
}

static struct verifier
verifier_begin(enum unlock_type type, int64_t now)
{
	struct verifier v = {.type = type, .scope = {.areas = SCOPE_ROOT}, .created = now};

	randombytes_buf(v.id, sizeof(v.id));
	return v;
}

int
owner_delete_records(
	const struct manifest *m, const struct manifest_unlocker *u, struct key_changes *ret)
{
	int err = key_changes_delete(ret, account_key_verifier(u->id));

	if (!err)
		err = key_changes_delete(ret, account_key_anchor(u->id));
	if (!err)
		err = key_changes_delete(ret, account_key_unlock(u->id));
	if (!err && u->scope.areas == SCOPE_ROOT)
		err = key_changes_delete(ret,
			account_key_grant(u->id, RECORD_AREA_NONE, m->root_version, m->root_tag));
	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS; a++)
		for (uint32_t v = 1;
			!err && (u->scope.areas & SCOPE_AREA(a)) && v <= m->areas[a].version; v++)
			err = key_changes_delete(
				ret, account_key_grant(u->id, a, v, manifest_grant_tag(m, a, v)));
	return err;
}

int
owner_remove(struct account_owner *o, size_t at)
{
	int err = owner_delete_records(o->m, &o->m->unlockers[at], &o->deletions);

	if (!err)
		unlist(o, at);
	return err;
}

/* Removes every unlocker of a type, to make room for the one that replaces it. */
static int
remove_type(struct account_owner *o, enum unlock_type type)
{
	int err = LL_OK;

	for (size_t i = o->m->n_unlockers; i-- > 0 && !err;)
		if (o->m->unlockers[i].type == type)
			err = owner_remove(o, i);
	return err;
}

int
account_owner_add_password(struct account_owner *o, const uint8_t record[OPAQUE_RECORD_LEN],
	const uint8_t export_key[OPAQUE_HASH_LEN], bool rotate, int64_t now, struct verifier *ret)
{
	struct verifier v = verifier_begin(UNLOCK_PASSWORD, now);
	int err = opaque_record_check(slice_new(record, OPAQUE_RECORD_LEN));

	if (!err)
		err = remove_type(o, v.type);
	if (!err)
		err = add(o, &v, slice_new(export_key, OPAQUE_HASH_LEN));
	if (!err && rotate)
		err = account_owner_rotate(o, SCOPE_ROOT | SCOPE_AREAS_ALL);
	if (err)
		return err;
	memcpy(v.opaque, record, OPAQUE_RECORD_LEN);
	*ret = v;
	return LL_OK;
}

int
account_owner_add_recovery(
	struct account_owner *o, int64_t now, struct app_password *ret_code, struct verifier *ret)
{
	struct verifier v = verifier_begin(UNLOCK_RECOVERY, now);
	struct app_password code;
	int err;

	app_password_make(&code);
	err = remove_type(o, v.type);
	if (!err)
		err = add(o, &v, app_password_slice(&code));
	if (!err) {
		*ret_code = code;
		*ret = v;
	}
	secret_wipe(&code, sizeof(code));
	return err;
}

static int
add_app(struct account_owner *o, struct verifier *v, const struct app_password *password)
{
	uint8_t client_key[SCRAM_KEY_LEN];
	int err = scram_derive(app_password_slice(password), SLICE_OF(o->m->salt), o->m->iterations,
		client_key, &v->scram);

	if (!err)
		err = add(o, v, SLICE_OF(client_key));
	secret_wipe(client_key, sizeof(client_key));
	memcpy(v->salt, o->m->salt, sizeof(v->salt));
	v->iterations = o->m->iterations;
	return err;
}

int
account_owner_add_app_text(struct account_owner *o, const struct scope *scope, struct slice name,
	int64_t now, const struct app_password *password, struct verifier *ret)
{
	struct verifier v = verifier_begin(UNLOCK_APP, now);
	int err;

	if (!wire_scope_valid(UNLOCK_APP, scope))
		return LL_ERR_RANGE;
	if (name.len > UNLOCK_NAME_MAX)
		return LL_ERR_LIMIT;
	if (!utf8_valid(name) || slice_find_byte(name, 0) != SLICE_NPOS)
		return LL_ERR_SYNTAX;
	v.scope = *scope;
	if (name.len)
		memcpy(v.name, name.ptr, name.len);
	err = add_app(o, &v, password);
	if (!err)
		*ret = v;
	return err;
}

int
account_owner_add_app(struct account_owner *o, const struct scope *scope, struct slice name,
	int64_t now, struct app_password *ret_password, struct verifier *ret)
{
	struct app_password password;
	int err;

	app_password_make(&password);
	err = account_owner_add_app_text(o, scope, name, now, &password, ret);
	if (!err)
		*ret_password = password;
	secret_wipe(&password, sizeof(password));
	return err;
}

/* A key that every unlocker with this area in its scope gets. */
static int
grant_to_all(struct account_owner *o, enum record_area area, uint32_t version,
	const uint8_t key[RECORD_KEY_LEN])
{
	int err = LL_OK;

	for (size_t i = 0; i < o->m->n_unlockers && !err; i++) {
		CLEANUP(granter_done) struct granter g = {NULL};

		if (!(o->m->unlockers[i].scope.areas & SCOPE_AREA(area)))
			continue;
		err = granter_ready(&g, o->publics[i].bytes);
		if (!err)
			err = owner_grant(o, g.sender, o->m->unlockers[i].id, area, version, key);
	}
	return err;
}

static int
rotate_area(struct account_owner *o, enum record_area area)
{
	uint32_t version = o->m->areas[area].version + 1;
	const struct area_secret *secret;
	int err;

	if (version > MANIFEST_VERSIONS_MAX)
		return LL_ERR_LIMIT;
	err = area_secrets_next(&o->keyring.secrets, area, version, &secret);
	if (!err)
		err = owner_publish(o, secret);
	return err ? err : grant_to_all(o, area, version, secret->key);
}

/* The keyring of the next commit is sealed under the new Root; grants of the old one go. */
static int
rotate_root(struct account_owner *o)
{
	uint32_t old = o->m->root_version;
	int err = LL_OK;

	if (old == UINT32_MAX)
		return LL_ERR_LIMIT;
	for (size_t i = 0; i < o->m->n_unlockers && !err; i++)
		if (o->m->unlockers[i].scope.areas == SCOPE_ROOT)
			err = key_changes_delete(&o->deletions,
				account_key_grant(o->m->unlockers[i].id, RECORD_AREA_NONE, old,
					o->m->root_tag));
	if (err)
		return err;
	o->m->root_version = old + 1;
	randombytes_buf(o->m->root_tag, sizeof(o->m->root_tag));
	randombytes_buf(o->secrets->root, sizeof(o->secrets->root));
	return grant_to_all(o, RECORD_AREA_NONE, old + 1, o->secrets->root);
}

int
account_owner_rotate(struct account_owner *o, unsigned areas)
{
	int err = LL_OK;

	if (areas == 0 || (areas & ~(SCOPE_ROOT | SCOPE_AREAS_ALL)))
		return LL_ERR_RANGE;
	o->changed = true;
	if (areas & SCOPE_ROOT)
		err = rotate_root(o);
	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS && !err; a++)
		if (areas & SCOPE_AREA(a))
			err = rotate_area(o, a);
	return err;
}

int
account_owner_revoke(struct account_owner *o, const uint8_t id[RECORD_ID_LEN], bool rotate)
{
	const struct manifest_unlocker *u = manifest_find(o->m, id);
	unsigned areas;
	int err;

	if (!u)
		return LL_ERR_NOTFOUND;
	areas = u->scope.areas == SCOPE_ROOT ? SCOPE_ROOT | SCOPE_AREAS_ALL : u->scope.areas;
	if (u->scope.areas == SCOPE_ROOT && owner_root_unlockers(o->m) == 1)
		return LL_ERR_STATE;
	err = owner_remove(o, (size_t)(u - o->m->unlockers));
	/* A send-only password had no area. */
	return err || !rotate || !areas ? err : account_owner_rotate(o, areas);
}

int
account_forget_unlocker(
	const struct manifest *m, const uint8_t id[RECORD_ID_LEN], struct key_changes *ret)
{
	const struct manifest_unlocker *u = manifest_find(m, id);
	struct key_changes made = {.v = {0}};
	int err;

	if (!u)
		return LL_ERR_NOTFOUND;
	if (u->type != UNLOCK_APP)
		return LL_ERR_DENIED;
	err = owner_delete_records(m, u, &made);
	if (err)
		key_changes_done(&made);
	else
		*ret = made;
	return err;
}
