/* The life of an account's keys: what opens, what has to be refused after each change, and for how
 * long. */
#include "t.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "world.h"

#include <sodium.h>

static void
check_opened(const struct world *w, const struct account_unlocked *u, unsigned areas)
{
	size_t n = 0;

	for (size_t i = 0; i < account_unlocked_len(u); i++) {
		const struct area_secret *s = account_unlocked_at(u, i);
		const struct area_secret *own =
			area_secrets_find(&w->owner->keyring.secrets, s->area, s->version);

		CHECK(areas & SCOPE_AREA(s->area));
		CHECK(own && memcmp(own->key, s->key, sizeof(s->key)) == 0);
		n++;
	}
	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS; a++)
		if (areas & SCOPE_AREA(a))
			n -= account_unlocked_manifest(u)->areas[a].version;
	CHECK_INT(n, 0);
	CHECK(memcmp(account_unlocked_pin(u), &w->pin, sizeof(w->pin)) == 0);
}

static void
check_app(const struct world *w, const struct verifier *v, const struct app_password *text)
{
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;

	CHECK_INT(world_unlock_in(w, &w->store, &w->pin, v, text, &u), 0);
	if (u)
		check_opened(w, u, v->scope.areas);
	CHECK(!u || account_unlocked_scope(u)->protocols == v->scope.protocols);
}

static int
check_root(const struct world *w, const struct verifier *v, struct slice secret)
{
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	struct account_open open = world_open(w, v, secret);
	int err = account_unlock(&open, &u);

	if (!err)
		check_opened(w, u, SCOPE_AREAS_ALL);
	CHECK_INT(account_owner_open(&open, &o), err);
	if (!err) {
		CHECK(secret_eq(o->secrets->root, w->owner->secrets->root, RECORD_KEY_LEN));
		CHECK_SLICE(slice_str(account_owner_name(o, w->both.id)), S("desk"));
		CHECK_INT(o->m->n_unlockers, w->owner->m->n_unlockers);
	}
	return err;
}

static void
opens(void)
{
	CLEANUP(world_done) struct world w;

	world_init(&w);
	check_app(&w, &w.mail, &w.mail_text);
	check_app(&w, &w.both, &w.both_text);
	check_app(&w, &w.send, &w.send_text);
	CHECK_INT(check_root(&w, &w.password, SLICE_OF(w.export_key)), 0);
	CHECK_INT(check_root(&w, &w.recovery, app_password_slice(&w.recovery_code)), 0);
	/* Nothing changed: nothing to sign. */
	CHECK_INT(world_commit(&w), LL_ERR_STATE);
}

static void
wrong_secrets(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	uint8_t client_key[SCRAM_KEY_LEN];
	struct account_open open;

	world_init(&w);
	w.export_key[63] ^= 1;
	CHECK_INT(check_root(&w, &w.password, SLICE_OF(w.export_key)), LL_ERR_AUTH);
	w.export_key[63] ^= 1;
	/* The right secret for another unlocker, and as another type. */
	CHECK_INT(check_root(&w, &w.recovery, SLICE_OF(w.export_key)), LL_ERR_AUTH);
	w.password.type = UNLOCK_RECOVERY;
	CHECK_INT(check_root(&w, &w.password, SLICE_OF(w.export_key)), LL_ERR_AUTH);
	w.password.type = UNLOCK_PASSWORD;
	/* An app password is no owner. */
	CHECK_INT(scram_client_key(app_password_slice(&w.both_text), SLICE_OF(w.both.salt),
			  w.both.iterations, client_key),
		0);
	open = world_open(&w, &w.both, SLICE_OF(client_key));
	CHECK_INT(account_owner_open(&open, &o), LL_ERR_DENIED);
	CHECK_INT(account_unlock(&open, &u), 0);
	/* Expired to the second. */
	account_unlocked_free(TAKE(u));
	open.now = NOW + 999;
	CHECK_INT(account_unlock(&open, &u), 0);
	account_unlocked_free(TAKE(u));
	open.now = NOW + 1000;
	CHECK_INT(account_unlock(&open, &u), LL_ERR_DENIED);
	open.now = NOW;
	open.account[0] ^= 1;
	CHECK_INT(account_unlock(&open, &u), LL_ERR_AUTH);
	open.account[0] ^= 1;
	open.unlocker[0] ^= 1;
	CHECK_INT(account_unlock(&open, &u), LL_ERR_NOTFOUND);
}

static void
revocation_and_rotation(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(key_records_done) struct key_records before = {.v = {0}};
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	struct account_key old_manifest = account_key_manifest(0);
	struct account_key new_manifest = account_key_manifest(1);
	struct account_pin first;

	world_init(&w);
	first = w.pin;
	records_copy(&before, &w.store);
	CHECK_INT(account_owner_revoke(w.owner, w.mail.id, true), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK_INT(w.pin.seq, 1);
	CHECK_INT(w.owner->m->areas[RECORD_AREA_MAIL].version, 2);
	CHECK_INT(w.owner->m->areas[RECORD_AREA_CALENDAR].version, 1);
	/* The others go on, with the old and the new key, although nobody had their secrets. */
	check_app(&w, &w.both, &w.both_text);
	check_app(&w, &w.send, &w.send_text);
	CHECK_INT(check_root(&w, &w.password, SLICE_OF(w.export_key)), 0);
	/* Its records are gone; and given back by the store, they do not fit the new manifest. */
	CHECK_INT(world_unlock(&w, &w.mail, &w.mail_text), LL_ERR_NOTFOUND);
	records_put(&before, account_key_slice(&new_manifest),
		key_records_get(&w.store, account_key_slice(&new_manifest)));
	CHECK_INT(world_unlock_in(&w, &before, &w.pin, &w.mail, &w.mail_text, &u), LL_ERR_AUTH);
	CHECK_INT(world_unlock_in(&w, &before, NULL, &w.mail, &w.mail_text, &u), LL_ERR_AUTH);
	/* The old manifest alone, replayed to one who has seen the new one. */
	records_del(&before, account_key_slice(&new_manifest));
	CHECK_INT(world_unlock_in(&w, &before, &w.pin, &w.both, &w.both_text, &u), LL_ERR_AUTH);
	/* To one who has not, it still is what it was: the control of the line above. */
	CHECK_INT(world_unlock_in(&w, &before, &first, &w.both, &w.both_text, &u), 0);
	/* From the old pin the chain must be there, link by link. */
	account_unlocked_free(TAKE(u));
	CHECK_INT(world_unlock_in(&w, &w.store, &first, &w.both, &w.both_text, &u), 0);
	account_unlocked_free(TAKE(u));
	records_del(&w.store, account_key_slice(&old_manifest));
	CHECK_INT(world_unlock_in(&w, &w.store, &first, &w.both, &w.both_text, &u), LL_ERR_AUTH);
	CHECK_INT(world_unlock_in(&w, &w.store, &w.pin, &w.both, &w.both_text, &u), 0);
}

/* An unlocker refuses manifests older than itself even on a machine that never saw the account. */
static void
anchor_floor(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	const struct scope scope = {MAIL, SCOPE_IMAP, 0};
	struct account_key key = account_key_manifest(1);
	struct app_password text;
	struct verifier later;

	world_init(&w);
	CHECK_INT(account_owner_add_app(w.owner, &scope, S("later"), NOW, &text, &later), 0);
	CHECK_INT(world_commit(&w), 0);
	check_app(&w, &later, &text);
	records_del(&w.store, account_key_slice(&key));
	CHECK_INT(world_unlock_in(&w, &w.store, NULL, &later, &text, &u), LL_ERR_AUTH);
}

/* Two valid manifests with one seq: whoever saw one refuses the other. */
static void
fork_is_refused(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	CLEANUP(key_records_done) struct key_records s = {.v = {0}};
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	struct key_changes c = {.v = {0}};
	struct account_open open;
	struct account_pin pin;

	world_init(&w);
	open = world_open(&w, &w.password, SLICE_OF(w.export_key));
	CHECK_INT(account_owner_open(&open, &o), 0);
	records_copy(&s, &w.store);
	CHECK_INT(account_owner_rotate(o, MAIL), 0);
	CHECK_INT(account_owner_commit(o, NOW, &c, &pin), 0);
	CHECK_INT(records_apply(&s, &c), 0);
	key_changes_done(&c);
	CHECK_INT(account_owner_rotate(w.owner, MAIL), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK_INT(pin.seq, w.pin.seq);
	CHECK_INT(world_unlock_in(&w, &s, &pin, &w.both, &w.both_text, &u), 0);
	account_unlocked_free(TAKE(u));
	CHECK_INT(world_unlock_in(&w, &s, &w.pin, &w.both, &w.both_text, &u), LL_ERR_AUTH);
}

/* Two clients change the account at once, in one store: one wins, and nothing is damaged. */
static void
two_clients(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	struct key_changes c = {.v = {0}};
	struct account_open open;
	struct account_pin pin;

	world_init(&w);
	open = world_open(&w, &w.password, SLICE_OF(w.export_key));
	CHECK_INT(account_owner_open(&open, &o), 0);
	CHECK_INT(account_owner_rotate(o, SCOPE_ROOT | SCOPE_AREAS_ALL), 0);
	CHECK_INT(account_owner_rotate(w.owner, SCOPE_ROOT | SCOPE_AREAS_ALL), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK_INT(account_owner_commit(o, NOW, &c, &pin), 0);
	CHECK_INT(records_apply(&w.store, &c), LL_ERR_EXISTS);
	key_changes_done(&c);
	check_app(&w, &w.both, &w.both_text);
	check_app(&w, &w.mail, &w.mail_text);
	CHECK_INT(check_root(&w, &w.password, SLICE_OF(w.export_key)), 0);
	CHECK_INT(check_root(&w, &w.recovery, app_password_slice(&w.recovery_code)), 0);
}

static void
password_change(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(key_records_done) struct key_records before = {.v = {0}};
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	uint8_t record[OPAQUE_RECORD_LEN], export_key[OPAQUE_HASH_LEN], root[RECORD_KEY_LEN];
	struct account_open open;
	struct verifier changed;

	world_init(&w);
	records_copy(&before, &w.store);
	memcpy(root, w.owner->secrets->root, sizeof(root));
	fake_registration(record, export_key);
	CHECK_INT(account_owner_add_password(w.owner, record, export_key, true, NOW, &changed), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK(memcmp(root, w.owner->secrets->root, sizeof(root)) != 0);
	CHECK_INT(check_root(&w, &changed, SLICE_OF(export_key)), 0);
	CHECK_INT(check_root(&w, &w.recovery, app_password_slice(&w.recovery_code)), 0);
	CHECK_INT(check_root(&w, &w.password, SLICE_OF(w.export_key)), LL_ERR_NOTFOUND);
	check_app(&w, &w.mail, &w.mail_text);
	CHECK_INT(w.owner->m->n_unlockers, 5);
	/* Old records beside the new ones do not help the old password. */
	for (size_t i = 0; i < before.v.len; i++)
		if (!records_find(&w.store, before.v.at[i].key))
			records_put(&w.store, before.v.at[i].key, before.v.at[i].value);
	open = world_open(&w, &w.password, SLICE_OF(w.export_key));
	CHECK_INT(account_unlock(&open, &u), LL_ERR_AUTH);
	/* A second recovery code replaces the first. */
	CHECK_INT(account_owner_add_recovery(w.owner, NOW, &w.recovery_code, &w.recovery), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK_INT(w.owner->m->n_unlockers, 5);
	CHECK_INT(check_root(&w, &w.recovery, app_password_slice(&w.recovery_code)), 0);
}

static void
limits_and_refusals(void)
{
	CLEANUP(world_done) struct world w;
	struct app_password text;
	struct verifier v, other;
	struct scope scope = {SCOPE_ROOT, SCOPE_IMAP, 0};
	char name[UNLOCK_NAME_MAX + 2];

	world_init(&w);
	CHECK_INT(account_owner_add_app(w.owner, &scope, SLICE_NONE, NOW, &text, &v), LL_ERR_RANGE);
	scope = (struct scope){MAIL, 0, 0};
	CHECK_INT(account_owner_add_app(w.owner, &scope, SLICE_NONE, NOW, &text, &v), LL_ERR_RANGE);
	scope = (struct scope){1u << RECORD_AREAS, SCOPE_IMAP, 0};
	CHECK_INT(account_owner_add_app(w.owner, &scope, SLICE_NONE, NOW, &text, &v), LL_ERR_RANGE);
	scope = (struct scope){MAIL, SCOPE_PROTOCOLS_ALL + 1, 0};
	CHECK_INT(account_owner_add_app(w.owner, &scope, SLICE_NONE, NOW, &text, &v), LL_ERR_RANGE);
	scope = (struct scope){MAIL, SCOPE_IMAP, 0};
	memset(name, 'x', sizeof(name));
	CHECK_INT(account_owner_add_app(
			  w.owner, &scope, slice_new(name, UNLOCK_NAME_MAX + 1), NOW, &text, &v),
		LL_ERR_LIMIT);
	CHECK_INT(
		account_owner_add_app(w.owner, &scope, S("a\xff"), NOW, &text, &v), LL_ERR_SYNTAX);
	CHECK_INT(account_owner_rotate(w.owner, 0), LL_ERR_RANGE);
	CHECK_INT(account_owner_rotate(w.owner, 1u << RECORD_AREAS), LL_ERR_RANGE);
	CHECK_INT(account_owner_revoke(w.owner, w.account, true), LL_ERR_NOTFOUND);
	CHECK_INT(account_owner_revoke(w.owner, w.recovery.id, false), 0);
	CHECK_INT(account_owner_revoke(w.owner, w.password.id, false), LL_ERR_STATE);
	while (w.owner->m->n_unlockers < MANIFEST_UNLOCKERS_MAX)
		CHECK_INT(account_owner_add_app(w.owner, &scope, slice_new(name, UNLOCK_NAME_MAX),
				  NOW, &text, &v),
			0);
	CHECK_INT(account_owner_add_app(w.owner, &scope, SLICE_NONE, NOW, &text, &other),
		LL_ERR_LIMIT);
	/* A password can still be changed: the new one takes the old one's place. */
	CHECK_INT(
		account_owner_add_password(w.owner, w.record, w.export_key, true, NOW, &w.password),
		0);
	CHECK_INT(w.owner->m->n_unlockers, MANIFEST_UNLOCKERS_MAX);
	CHECK_INT(world_commit(&w), 0);
	check_app(&w, &v, &text);
}

/* The largest manifest and keyring still are one store value each. */
static void
many_versions(void)
{
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	uint8_t account[RECORD_ID_LEN] = {1}, record[OPAQUE_RECORD_LEN], key[OPAQUE_HASH_LEN];
	struct key_changes c = {.v = {0}};
	static uint8_t openpgp[KEYRING_OPENPGP_LEN_MAX];
	struct slice fingerprint = slice_new(openpgp, 20);
	struct account_pin pin;
	struct verifier v;

	randombytes_buf(openpgp, sizeof(openpgp));
	fake_registration(record, key);
	CHECK_INT(account_owner_new(account, NOW, &o), 0);
	CHECK_INT(account_owner_add_openpgp(o, SLICE_OF(openpgp), fingerprint), 0);
	CHECK_INT(account_owner_add_openpgp(o, slice_new(openpgp, 12 << 10), fingerprint), 0);
	CHECK_INT(account_owner_add_openpgp(o, slice_new(openpgp, 1), fingerprint), LL_ERR_LIMIT);
	CHECK_INT(account_owner_add_password(o, record, key, false, NOW, &v), 0);
	for (unsigned i = 1; i < MANIFEST_VERSIONS_MAX; i++)
		CHECK_INT(account_owner_rotate(o, SCOPE_AREAS_ALL), 0);
	CHECK_INT(account_owner_rotate(o, CALENDAR), LL_ERR_LIMIT);
	CHECK_INT(account_owner_commit(o, NOW, &c, &pin), 0);
	for (size_t i = 0; i < c.v.len; i++)
		CHECK(c.v.at[i].value.len <= 60000 && c.v.at[i].key.len <= ACCOUNT_KEY_MAX);
	key_changes_done(&c);
}

static void
forget(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	struct account_open open;
	struct account_key key;
	struct key_changes c = {.v = {0}};

	world_init(&w);
	CHECK_INT(account_forget_unlocker(w.owner->m, w.account, &c), LL_ERR_NOTFOUND);
	CHECK_INT(account_forget_unlocker(w.owner->m, w.password.id, &c), LL_ERR_DENIED);
	CHECK_INT(account_forget_unlocker(w.owner->m, w.mail.id, &c), 0);
	CHECK_INT(records_apply(&w.store, &c), 0);
	key_changes_done(&c);
	CHECK_INT(world_unlock(&w, &w.mail, &w.mail_text), LL_ERR_NOTFOUND);
	for (size_t i = 0; i < w.store.v.len; i++)
		CHECK(slice_find(w.store.v.at[i].key, SLICE_OF(w.mail.id)) == SLICE_NPOS);
	check_app(&w, &w.both, &w.both_text);
	/* The owner's next change takes it off the manifest and rotates what it could read. */
	account_owner_free(TAKE(w.owner));
	open = world_open(&w, &w.password, SLICE_OF(w.export_key));
	CHECK_INT(account_owner_open(&open, &w.owner), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK(manifest_find(w.owner->m, w.mail.id) == NULL);
	CHECK_INT(w.owner->m->areas[RECORD_AREA_MAIL].version, 2);
	CHECK_INT(w.owner->m->areas[RECORD_AREA_FILES].version, 1);
	check_app(&w, &w.both, &w.both_text);
	/* A store that loses the recovery code's public key is not taken for a revocation. */
	key = account_key_unlock(w.recovery.id);
	records_del(&w.store, account_key_slice(&key));
	open.pin = &w.pin;
	CHECK_INT(account_owner_open(&open, &o), LL_ERR_NOTFOUND);
}

/* A password that its owner has in a mail program already. */
static void
given_app_password(void)
{
	CLEANUP(world_done) struct world w;
	const struct scope mail = {MAIL, SCOPE_IMAP, 0};
	struct app_password text;
	struct verifier v;

	world_init(&w);
	CHECK_INT(app_password_parse(S("01234-56789-abcde-fghjk-mnpqrs"), &text), 0);
	CHECK_INT(account_owner_add_app_text(w.owner, &mail, S("moved"), NOW, &text, &v), 0);
	CHECK_INT(world_commit(&w), 0);
	CHECK_INT(world_unlock(&w, &v, &text), 0);
	CHECK_INT(strcmp(account_owner_name(w.owner, v.id), "moved"), 0);
}

/* A client that knows nothing of OpenPGP keeps the keys of one that does. */
static void
openpgp_keys(void)
{
	CLEANUP(world_done) struct world w;
	uint8_t secret[SECRET_MAX + 100], fingerprint[32];
	struct account_open open;
	const struct openpgp_secret *o;

	world_init(&w);
	randombytes_buf(secret, sizeof(secret));
	randombytes_buf(fingerprint, sizeof(fingerprint));
	CHECK_INT(account_owner_add_openpgp(w.owner, SLICE_OF(secret), slice_new(fingerprint, 20)),
		0);
	CHECK_INT(account_owner_add_openpgp(
			  w.owner, slice_new(secret, 700), slice_new(fingerprint, 32)),
		0);
	CHECK_INT(account_owner_add_openpgp(w.owner, SLICE_NONE, slice_new(fingerprint, 20)),
		LL_ERR_LIMIT);
	CHECK_INT(account_owner_add_openpgp(w.owner, SLICE_OF(secret), SLICE_OF(secret)),
		LL_ERR_SYNTAX);
	CHECK_INT(world_commit(&w), 0);
	account_owner_free(TAKE(w.owner));
	open = world_open(&w, &w.password, SLICE_OF(w.export_key));
	CHECK_INT(account_owner_open(&open, &w.owner), 0);
	CHECK_INT(w.owner->m->n_fingerprints, 2);
	CHECK_INT(w.owner->keyring.n_openpgp, 2);
	o = w.owner->keyring.openpgp;
	CHECK_INT(o[0].len, sizeof(secret));
	CHECK(memcmp(o[0].piece[0], secret, SECRET_MAX) == 0);
	CHECK(memcmp(o[0].piece[1], secret + SECRET_MAX, 100) == 0);
	CHECK_INT(o[1].len, 700);
	CHECK(memcmp(o[1].piece[0], secret, 700) == 0);
}

/* Computed with another program: HKDF-Expand of the bytes 0 to 31. */
static void
known_area_keys(void)
{
	static const char *const want[] = {
		"8c78f9cf91c31b4d28f758b815a84e18ec2e8bde0a17daae62390fe011c51a7d",
		"1c49f185d23717183aeba004299fc7c1053e86875285f22fc16f99038dec2087",
		"6a034093df735aa82b867cd4d1dd5464d325c8fb473335cc0f7151b758928048",
		"6a72820458497f6e4d406c401f23bac01554cf39e6b37cd91e803671af936cf9"};
	struct area_secret secret = {.area = RECORD_AREA_MAIL, .version = 1};
	struct area_keys keys;
	const uint8_t *got[] = {keys.seal, keys.object, keys.index, keys.journal};

	for (size_t i = 0; i < sizeof(secret.key); i++)
		secret.key[i] = (uint8_t)i;
	area_keys_derive(&secret, &keys);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(100);

		CHECK_INT(hex_encode(&b, slice_new(got[i], 32)), 0);
		CHECK(slice_ieq(buf_slice(&b), slice_str(want[i])));
	}
}

/* A stranger seals to the published key; the session's area keys open it. */
static void
delivery_to_the_published_key(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	CLEANUP(buf_done) struct buf record = BUF_INIT(4096), plain = BUF_INIT(4096);
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	struct record_header h = {.kind = RECORD_DELIVERED, .area = RECORD_AREA_MAIL};
	struct record_want want = {h, 0};
	struct record_sender *to = NULL;
	struct record_opener *opener = NULL;
	struct area_keys keys;
	struct account_pin pin;

	world_init(&w);
	memcpy(h.account, w.account, RECORD_ID_LEN);
	CHECK_INT(account_manifest(w.account, &w.pin, &w.store, &m, &pin), 0);
	h.keyver = m->areas[RECORD_AREA_MAIL].version;
	want.header = h;
	CHECK_INT(record_sender_new(m->areas[RECORD_AREA_MAIL].seal_public, 0, &to), 0);
	CHECK_INT(record_kem_seal(to, &h, S("a letter"), &record), 0);
	CHECK_INT(world_unlock_in(&w, &w.store, &w.pin, &w.mail, &w.mail_text, &u), 0);
	area_keys_derive(account_unlocked_at(u, 0), &keys);
	CHECK_INT(record_opener_new(keys.seal, &opener), 0);
	CHECK_INT(record_kem_open(opener, &want, buf_slice(&record), NULL, &plain), 0);
	CHECK_SLICE(buf_slice(&plain), S("a letter"));
	CHECK(memcmp(keys.seal, keys.object, 32) != 0 && memcmp(keys.object, keys.index, 32) != 0 &&
		memcmp(keys.index, keys.journal, 32) != 0);
	record_sender_free(to);
	record_opener_free(opener);
}

static void
verifiers(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(buf_done) struct buf b = BUF_INIT(VERIFIER_MAX), again = BUF_INIT(VERIFIER_MAX);
	struct verifier back;

	world_init(&w);
	const struct verifier *all[] = {&w.password, &w.recovery, &w.mail, &w.send};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		buf_reset(&b);
		buf_reset(&again);
		CHECK_INT(verifier_encode(all[i], &b), 0);
		CHECK_INT(verifier_decode(buf_slice(&b), &back), 0);
		CHECK_INT(verifier_encode(&back, &again), 0);
		CHECK(slice_eq(buf_slice(&b), buf_slice(&again)));
		for (size_t n = 0; n < b.len; n++)
			CHECK_INT(verifier_decode(slice_new(b.ptr, n), &back), LL_ERR_SYNTAX);
		CHECK_INT(buf_putc(&b, 0), 0);
		CHECK_INT(verifier_decode(buf_slice(&b), &back), LL_ERR_SYNTAX);
	}
	CHECK(!verifier_never_given(&w.mail));
	w.mail.scope.expires = w.mail.created + 1;
	CHECK(!verifier_never_given(&w.mail));
	w.mail.scope.expires = w.mail.created;
	CHECK(verifier_never_given(&w.mail));
	/* The recovery code's proof for a server that must not see the code. */
	struct unlock_keys k;
	CHECK_INT(unlock_derive(UNLOCK_RECOVERY, app_password_slice(&w.recovery_code), w.account,
			  w.recovery.id, &k),
		0);
	CHECK_INT(unlock_auth_check(SLICE_OF(k.auth), w.recovery.auth_hash), 0);
}

T_MAIN(T(opens), T(wrong_secrets), T(openpgp_keys), T(revocation_and_rotation), T(anchor_floor),
	T(fork_is_refused), T(two_clients), T(password_change), T(limits_and_refusals),
	T(many_versions), T(forget), T(given_app_password), T(known_area_keys),
	T(delivery_to_the_published_key), T(verifiers))
