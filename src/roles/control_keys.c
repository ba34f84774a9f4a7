/* Changes of an account's keys. Their owner's client makes and signs them; what is stored is what a
 * manifest says that the identity key signed and that follows from the one known here. */
#include "base/error.h"
#include "base/log.h"
#include "keys/kdf.h"
#include "keys/verifier.h"
#include "roles/control.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t)120 << 10) /* of one store commit; STORE_COMMIT_MAX is the most */
#define BATCH_OPS 256

/* --- staging --- */

void
control_unstage(struct control *c)
{
	key_changes_done(&c->staged);
	c->staged_bytes = 0;
}

static bool
is_key(struct slice key, const char *prefix, size_t rest)
{
	struct slice p = slice_str(prefix);

	return slice_starts(key, p) && key.len == p.len + rest;
}

/* Only the records of keys, each in its one form; verifiers are sealed by auth itself. */
static bool
may_change(const struct control_change *m)
{
	bool manifest = is_key(m->key, ACCOUNT_MANIFEST_PREFIX, 8);

	if (m->kind == KEY_PUT_NEW)
		return manifest && m->value.len;
	if (m->kind == KEY_DELETE && (m->value.len || manifest))
		return false;
	if (m->kind == KEY_DELETE && is_key(m->key, ACCOUNT_VERIFIER_PREFIX, RECORD_ID_LEN))
		return true;
	return (m->kind == KEY_PUT ? m->value.len > 0 : m->kind == KEY_DELETE) &&
		(is_key(m->key, ACCOUNT_ANCHOR_PREFIX, RECORD_ID_LEN) ||
			is_key(m->key, ACCOUNT_GRANT_PREFIX,
				RECORD_ID_LEN + 1 + 4 + MANIFEST_TAG_LEN) ||
			is_key(m->key, ACCOUNT_KEYRING_PREFIX, RECORD_ID_LEN) ||
			is_key(m->key, ACCOUNT_UNLOCK_PREFIX, RECORD_ID_LEN));
}

static int
stage(struct control *c, const struct control_change *m)
{
	struct key_change change = {.kind = (enum key_change_kind)m->kind};

	if (!may_change(m))
		return LL_ERR_SYNTAX;
	if (c->staged_bytes + m->key.len + m->value.len > CONTROL_STAGED_MAX)
		return control_fail(c, LL_ERR_LIMIT, "too many changes at once");
	change.mem = malloc(m->key.len + m->value.len);
	if (!change.mem)
		return LL_ERR_NOMEM;
	memcpy(change.mem, m->key.ptr, m->key.len);
	if (m->value.len)
		memcpy(change.mem + m->key.len, m->value.ptr, m->value.len);
	change.key = slice_new(change.mem, m->key.len);
	change.value = slice_new(change.mem + m->key.len, m->value.len);
	if (VEC_PUSH(&c->staged.v, change)) {
		free(change.mem);
		return LL_ERR_NOMEM;
	}
	c->staged_bytes += m->key.len + m->value.len;
	return LL_OK;
}

int
control_keys_stage(struct control *c, struct slice body)
{
	struct control_items m;
	struct control_change change;
	struct reader rd;
	struct slice item;
	int r = control_items_get(body, &m);

	if (r == LL_OK && !c->began && !c->owner.proved)
		r = LL_ERR_STATE;
	if (r)
		return r;
	rd = reader_new(m.items);
	while (r == LL_OK && control_items_next(&rd, &item)) {
		r = control_change_get(item, &change);
		if (r == LL_OK)
			r = stage(c, &change);
	}
	return r ? r : rd.err;
}

/* --- checking --- */

struct checked {
	struct control *c;
	const struct control_keys *k;
	struct manifest *m; /* the new one */
	struct account_pin pin; /* of it */
	struct store_id partition;
	VEC(struct verifier) verifiers;
};

static void
checked_done(struct checked *ch)
{
	manifest_free(ch->m);
	VEC_DONE(&ch->verifiers);
}

static const struct key_change *
staged_put(const struct control *c, const struct account_key *key)
{
	for (size_t i = 0; i < c->staged.v.len; i++)
		if (c->staged.v.at[i].kind != KEY_DELETE &&
			slice_eq(c->staged.v.at[i].key, account_key_slice(key)))
			return &c->staged.v.at[i];
	return NULL;
}

/* The one manifest among the changes. */
static const struct key_change *
staged_manifest(const struct control *c)
{
	const struct key_change *found = NULL;

	for (size_t i = 0; i < c->staged.v.len; i++) {
		if (c->staged.v.at[i].kind != KEY_PUT_NEW)
			continue;
		if (found)
			return NULL;
		found = &c->staged.v.at[i];
	}
	return found;
}

/* A new account's manifest is the first of its chain. */
static int
first_manifest(struct checked *ch, const struct key_change *change)
{
	static const uint8_t none[MANIFEST_HASH_LEN];
	struct account_key key = account_key_manifest(0);
	int r;

	if (!slice_eq(change->key, account_key_slice(&key)))
		return LL_ERR_SYNTAX;
	r = manifest_open(ch->k->account, ch->k->identity, change->value, &ch->m);
	if (r)
		return r;
	memcpy(ch->pin.identity, ch->k->identity, sizeof(ch->pin.identity));
	ch->pin.seq = 0;
	manifest_hash(change->value, ch->pin.hash);
	return ch->m->seq || memcmp(ch->m->previous, none, sizeof(none)) ? LL_ERR_AUTH : LL_OK;
}

/* A later one is linked to the one that is pinned, through those that are stored. */
static int
next_manifest(struct checked *ch, const struct key_change *change)
{
	struct key_records records = {.v = {0}};
	struct account_key key;
	int r = login_manifests(ch->k->account, ch->k->pin, &records);

	if (r == LL_OK)
		r = key_records_row(&records, change->key, change->value);
	if (r == LL_OK)
		r = account_manifest(ch->k->account, ch->k->pin, &records, &ch->m, &ch->pin);
	key_records_done(&records);
	if (r)
		return r;
	key = account_key_manifest(ch->pin.seq);
	/* Otherwise a newer one is stored already. */
	return slice_eq(change->key, account_key_slice(&key)) ? LL_OK : LL_ERR_EXISTS;
}

static bool
is_stored(struct checked *ch, const struct account_key *key)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);

	return store_get(auth.store, ch->partition, account_key_slice(key), &value) == LL_OK;
}

/* An unlocker that comes now brings its anchor and its public key; without them nobody could use
 * it, or grant to it. */
static int
check_new_unlocker(struct checked *ch, const struct manifest_unlocker *u)
{
	struct account_key anchor = account_key_anchor(u->id), public = account_key_unlock(u->id);
	const struct key_change *put = staged_put(ch->c, &public);
	uint8_t hash[MANIFEST_HASH_LEN];

	if (!put || !staged_put(ch->c, &anchor))
		return LL_ERR_SYNTAX;
	hash_sha256(put->value, hash);
	return memcmp(hash, u->public_hash, sizeof(hash)) ? LL_ERR_AUTH : LL_OK;
}

static int
check_verifier(struct checked *ch, const struct verifier *v)
{
	const struct manifest_unlocker *u = manifest_find(ch->m, v->id);

	if (!u || memcmp(v->account, ch->k->account, RECORD_ID_LEN) || u->type != v->type ||
		u->scope.areas != v->scope.areas || u->scope.protocols != v->scope.protocols ||
		u->scope.expires != v->scope.expires)
		return LL_ERR_AUTH;
	if (v->type == UNLOCK_APP &&
		(memcmp(v->salt, ch->m->salt, sizeof(v->salt)) ||
			v->iterations != ch->m->iterations))
		return LL_ERR_AUTH;
	VEC_EACH (other, &ch->verifiers)
		if (memcmp(other->id, v->id, RECORD_ID_LEN) == 0)
			return LL_ERR_SYNTAX;
	return check_new_unlocker(ch, u);
}

static int
check_verifiers(struct checked *ch)
{
	struct reader rd = reader_new(ch->k->verifiers);
	struct slice item;
	int r = LL_OK;

	while (r == LL_OK && control_items_next(&rd, &item)) {
		struct verifier v;
		r = verifier_decode(item, &v);
		if (r == LL_OK)
			r = check_verifier(ch, &v);
		if (r == LL_OK)
			r = VEC_PUSH(&ch->verifiers, v);
	}
	if (r || rd.err)
		return r ? r : rd.err;
	/* Every unlocker of a new account can sign in. */
	return ch->k->pin || ch->verifiers.len == ch->m->n_unlockers ? LL_OK : LL_ERR_SYNTAX;
}

/* Nothing goes that the new manifest stands on. */
static int
check_deletions(struct checked *ch)
{
	struct account_key keyring = account_key_keyring(ch->m->keyring_hash);
	const struct control *c = ch->c;

	for (size_t i = 0; i < c->staged.v.len; i++) {
		struct slice key = c->staged.v.at[i].key;

		if (c->staged.v.at[i].kind != KEY_DELETE ||
			slice_starts(key, S(ACCOUNT_GRANT_PREFIX)))
			continue;
		if (slice_eq(key, account_key_slice(&keyring)) ||
			(!slice_starts(key, S(ACCOUNT_KEYRING_PREFIX)) &&
				manifest_find(ch->m, key.ptr + key.len - RECORD_ID_LEN)))
			return LL_ERR_SYNTAX;
	}
	return staged_put(c, &keyring) || is_stored(ch, &keyring) ? LL_OK : LL_ERR_SYNTAX;
}

static int
check(struct checked *ch)
{
	const struct key_change *manifest = staged_manifest(ch->c);
	int r = !manifest    ? LL_ERR_SYNTAX
		: ch->k->pin ? next_manifest(ch, manifest)
			     : first_manifest(ch, manifest);

	if (r == LL_OK)
		r = check_verifiers(ch);
	return r ? r : check_deletions(ch);
}

/* --- storing --- */

struct batch {
	const struct checked *ch;
	struct store_op ops[BATCH_OPS];
	size_t n, bytes;
};

static int
batch_commit(struct batch *b)
{
	struct store_commit commit = {.partition = b->ch->partition,
		.expect = STORE_ANY_VERSION,
		.ops = b->ops,
		.n = b->n};
	int r = b->n ? store_commit_sync(auth.store, &commit, NULL) : LL_OK;

	b->n = b->bytes = 0;
	return r;
}

static int
batch_add(struct batch *b, enum store_op_kind kind, struct slice key, struct slice value)
{
	size_t bytes = key.len + value.len;
	int r = b->n == BATCH_OPS || b->bytes + bytes > BATCH_BYTES ? batch_commit(b) : LL_OK;

	b->ops[b->n++] = (struct store_op){.kind = kind, .key = key, .value = value};
	b->bytes += bytes;
	return r;
}

/* All records but the manifest. They are new ones: nothing is overwritten. What is left in the
 * batch goes with the manifest. */
static int
store_puts(struct batch *b)
{
	const struct control *c = b->ch->c;
	int r = LL_OK;

	for (size_t i = 0; i < c->staged.v.len && r == LL_OK; i++)
		if (c->staged.v.at[i].kind == KEY_PUT)
			r = batch_add(
				b, STORE_PUT_NEW, c->staged.v.at[i].key, c->staged.v.at[i].value);
	return r;
}

struct sealed_verifier {
	struct account_key key;
	struct buf value;
};

static int
seal_verifier(const struct checked *ch, const struct verifier *v, struct sealed_verifier *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(VERIFIER_MAX);
	int r = verifier_encode(v, &plain);

	ret->key = account_key_verifier(v->id);
	ret->value = BUF_INIT(VERIFIER_MAX + 256);
	return r ? r
		 : directory_seal(auth.keys, ch->k->account, account_key_slice(&ret->key),
			   buf_slice(&plain), &ret->value);
}

static void
sealed_free(struct sealed_verifier *sealed, size_t n)
{
	for (size_t i = 0; sealed && i < n; i++)
		buf_done(&sealed[i].value);
	free(sealed);
}

/* Begins a new commit unless this much more fits into the present one. */
static int
batch_reserve(struct batch *b, size_t n, size_t bytes)
{
	if (n > BATCH_OPS || bytes > BATCH_BYTES)
		return LL_ERR_LIMIT;
	return b->n + n > BATCH_OPS || b->bytes + bytes > BATCH_BYTES ? batch_commit(b) : LL_OK;
}

/* The manifest takes effect, and with it, in the same commit, the verifiers of new unlockers: a
 * password is never replaced by one that does not sign in. */
static int
store_manifest(struct batch *b)
{
	const struct checked *ch = b->ch;
	const struct key_change *manifest = staged_manifest(ch->c);
	size_t n = ch->verifiers.len, bytes = manifest->key.len + manifest->value.len;
	struct sealed_verifier *sealed = calloc(n + 1, sizeof(*sealed));
	int r = sealed ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; i < n && r == LL_OK; i++) {
		r = seal_verifier(ch, &ch->verifiers.at[i], &sealed[i]);
		bytes += sealed[i].key.len + sealed[i].value.len;
	}
	if (r == LL_OK)
		r = batch_reserve(b, n + 1, bytes);
	if (r == LL_OK)
		r = batch_add(b, STORE_PUT_NEW, manifest->key, manifest->value);
	for (size_t i = 0; i < n && r == LL_OK; i++)
		r = batch_add(b, STORE_PUT_NEW, account_key_slice(&sealed[i].key),
			buf_slice(&sealed[i].value));
	if (r == LL_OK)
		r = batch_commit(b);
	sealed_free(sealed, n);
	return r;
}

/* What follows may be repeated and may be late; the manifest is in force. */
static int
store_deletions(struct batch *b)
{
	const struct control *c = b->ch->c;
	int r = LL_OK;

	for (size_t i = 0; i < c->staged.v.len && r == LL_OK; i++)
		if (c->staged.v.at[i].kind == KEY_DELETE)
			r = batch_add(b, STORE_DEL, c->staged.v.at[i].key, SLICE_NONE);
	return r ? r : batch_commit(b);
}

struct unlisted {
	const struct manifest *m;
	VEC(struct verifier) gone;
};

static int
find_unlisted(void *ctx, const struct verifier *v)
{
	struct unlisted *u = ctx;

	return manifest_find(u->m, v->id) ? LL_OK : VEC_PUSH(&u->gone, *v);
}

/* An unlocker that the manifest does not list signs nobody in, whatever its owner's client left
 * undeleted. */
static int
drop_unlisted(struct batch *b)
{
	struct unlisted u = {.m = b->ch->m};
	int r = login_verifiers(b->ch->k->account, find_unlisted, &u);

	VEC_EACH (v, &u.gone) {
		struct account_key key = account_key_verifier(v->id);
		if (r == LL_OK)
			r = batch_add(b, STORE_DEL, account_key_slice(&key), SLICE_NONE);
		if (r == LL_OK)
			r = batch_commit(b);
		if (!verifier_never_given(v))
			control_sign_out(b->ch->k->account, v->id);
	}
	VEC_DONE(&u.gone);
	return r;
}

static int
store_all(struct checked *ch)
{
	struct batch *b = calloc(1, sizeof(*b));
	int r = b ? LL_OK : LL_ERR_NOMEM, late;

	if (r == LL_OK) {
		b->ch = ch;
		r = store_puts(b);
	}
	if (r == LL_OK)
		r = store_manifest(b);
	if (r == LL_OK && ch->k->pin) {
		late = drop_unlisted(b);
		if (late == LL_OK)
			late = store_deletions(b);
		if (late)
			log_error("keys-update", "step=%s error=%s", "deletions",
				log_quote(slice_str(ll_strerror(late))));
	}
	free(b);
	return r;
}

int
control_keys_store(struct control *c, const struct control_keys *k, struct manifest **ret,
	struct account_pin *ret_pin)
{
	CLEANUP(checked_done) struct checked ch = {.c = c, .k = k};
	int r;

	memcpy(ch.partition.b, k->account, sizeof(ch.partition.b));
	r = check(&ch);
	if (r == LL_ERR_AUTH || r == LL_ERR_SYNTAX)
		c->why = "the keys do not fit together";
	if (r == LL_OK)
		r = store_all(&ch);
	if (r == LL_ERR_EXISTS)
		c->why = "somebody else changed the keys meanwhile; try again";
	if (r)
		return r;
	*ret_pin = ch.pin;
	*ret = TAKE(ch.m);
	return LL_OK;
}

/* --- an existing account's --- */

int
control_keys_update(struct control *c, struct slice body)
{
	struct directory_account a;
	struct control_verifiers m;
	struct control_keys keys;
	struct manifest *manifest = NULL;
	struct account_pin pin;
	bool rotated;
	int r = control_verifiers_get(body, &m);

	if (r == LL_OK && !c->owner.proved)
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = directory_account(auth.directory, c->owner.account, &a);
	if (r)
		return r;
	keys = (struct control_keys){.account = a.id, .pin = &a.pin, .verifiers = m.items};
	r = control_keys_store(c, &keys, &manifest, &pin);
	control_unstage(c);
	if (r)
		return r;
	rotated = a.seal_version != manifest->areas[RECORD_AREA_MAIL].version;
	control_set_keys(&a, manifest, &pin);
	manifest_free(manifest);
	r = directory_account_put(auth.directory, &a);
	if (rotated)
		control_sign_out(a.id, NULL);
	return r;
}

static int
list_record(struct control_list *list, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(CONTROL_ITEMS_MAX);
	struct control_change m = {.kind = KEY_PUT, .key = key, .value = value};
	int r = control_change_put(&item, &m);

	return r ? r : control_list_add(list, buf_slice(&item));
}

int
control_keys_read(struct control *c, struct slice body)
{
	CLEANUP(control_list_done) struct control_list list = {.items = BUF_INIT(0)};
	struct key_records records = {.v = {0}};
	struct directory_account a;
	int r = control_list_begin(&list, body);

	if (r == LL_OK && !c->owner.proved)
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = directory_account(auth.directory, c->owner.account, &a);
	if (r == LL_OK)
		r = login_key_records(a.id, &a.pin, &records);
	for (size_t i = 0; i < records.v.len && r == LL_OK; i++)
		r = list_record(&list, records.v.at[i].key, records.v.at[i].value);
	key_records_done(&records);
	return control_list_end(c, &list, r);
}
