/* A store that lies: records swapped, forged, cut and flipped must not open. */
#include "base/error.h"
#include "t.h"
#include "world.h"

#include <sodium.h>

/* Against altered records, without and with the pin: both must say the same. */
static int
unlock_altered(const struct world *w, const struct key_records *records)
{
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL, *p = NULL;
	int err = world_unlock_in(w, records, NULL, &w->both, &w->both_text, &u);

	CHECK_INT(world_unlock_in(w, records, &w->pin, &w->both, &w->both_text, &p) == 0, err == 0);
	return err;
}

static void
swap_values(struct key_records *s, struct account_key one, struct account_key two)
{
	struct key_record *a = records_find(s, account_key_slice(&one));
	struct key_record *b = records_find(s, account_key_slice(&two));
	struct slice value;

	CHECK(a && b);
	if (!a || !b)
		return;
	value = a->value;
	a->value = b->value;
	b->value = value;
}

static struct account_key
grant_key(const struct world *w, const struct verifier *v, enum record_area area, uint32_t version)
{
	return account_key_grant(
		v->id, area, version, manifest_grant_tag(w->owner->m, area, version));
}

/* A store that hands out the right records at the wrong places. */
static void
swapped_records(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(world_done) struct world other;
	CLEANUP(key_records_done) struct key_records s = {.v = {0}};
	struct account_key key;

	world_init(&w);
	world_init(&other);
	/* Between areas. */
	records_copy(&s, &w.store);
	swap_values(&s, grant_key(&w, &w.both, RECORD_AREA_MAIL, 1),
		grant_key(&w, &w.both, RECORD_AREA_CALENDAR, 1));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_AUTH);
	/* Between unlockers. */
	records_copy(&s, &w.store);
	swap_values(&s, grant_key(&w, &w.both, RECORD_AREA_MAIL, 1),
		grant_key(&w, &w.mail, RECORD_AREA_MAIL, 1));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_AUTH);
	records_copy(&s, &w.store);
	swap_values(&s, account_key_anchor(w.both.id), account_key_anchor(w.mail.id));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_AUTH);
	/* Between accounts. */
	key = account_key_manifest(0);
	records_copy(&s, &w.store);
	records_put(&s, account_key_slice(&key),
		key_records_get(&other.store, account_key_slice(&key)));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_AUTH);
	/* Left out. */
	records_copy(&s, &w.store);
	records_del(&s, account_key_slice(&key));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_NOTFOUND);
	key = grant_key(&w, &w.both, RECORD_AREA_CALENDAR, 1);
	records_copy(&s, &w.store);
	records_del(&s, account_key_slice(&key));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_NOTFOUND);
}

/* A grant of a key that the server chose, to the right public key, by a wrong identity or none. */
static void
foreign_grants(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(buf_done) struct buf record = BUF_INIT(4096);
	CLEANUP(key_records_done) struct key_records s = {.v = {0}};
	struct account_key public_key, at;
	struct record_sender *to = NULL;
	struct ed25519_key evil;
	struct grant g = {.area = RECORD_AREA_MAIL, .version = 1};
	uint8_t seed[32], chosen[RECORD_KEY_LEN] = {1};

	world_init(&w);
	randombytes_buf(seed, sizeof(seed));
	ed25519_key_init(&evil, seed);
	memcpy(g.account, w.account, RECORD_ID_LEN);
	memcpy(g.unlocker, w.both.id, RECORD_ID_LEN);
	public_key = account_key_unlock(w.both.id);
	at = grant_key(&w, &w.both, RECORD_AREA_MAIL, 1);
	CHECK_INT(record_sender_new(
			  key_records_get(&w.store, account_key_slice(&public_key)).ptr, 0, &to),
		0);
	CHECK_INT(grant_seal(to, &evil, &g, chosen, &record), 0);
	records_copy(&s, &w.store);
	records_put(&s, account_key_slice(&at), buf_slice(&record));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_AUTH);
	/* Even signed by the owner, a key that the manifest does not have is refused. */
	buf_reset(&record);
	CHECK_INT(grant_seal(to, &w.owner->secrets->identity, &g, chosen, &record), 0);
	records_put(&s, account_key_slice(&at), buf_slice(&record));
	CHECK_INT(unlock_altered(&w, &s), LL_ERR_AUTH);
	record_sender_free(to);
}

/* Signs an altered copy of the newest manifest and stores it. */
static int
unlock_resigned(const struct world *w, const struct manifest *m, const struct ed25519_key *key)
{
	CLEANUP(key_records_done) struct key_records s = {.v = {0}};
	CLEANUP(buf_done) struct buf record = BUF_INIT(65536);
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	struct account_key at = account_key_manifest(m->seq);

	CHECK_INT(manifest_sign(m, key, &record), 0);
	records_copy(&s, &w->store);
	records_put(&s, account_key_slice(&at), buf_slice(&record));
	/* Without the pin, which would refuse any other manifest of this seq. */
	CHECK(world_unlock_in(w, &s, &w->pin, &w->both, &w->both_text, &u) != 0);
	return world_unlock_in(w, &s, NULL, &w->both, &w->both_text, &u);
}

static void
altered_manifests(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	const struct ed25519_key *own;
	struct account_key at = account_key_manifest(0);
	struct manifest_unlocker *u;
	struct ed25519_key evil;
	struct manifest good;
	uint8_t seed[32];

	world_init(&w);
	own = &w.owner->secrets->identity;
	randombytes_buf(seed, sizeof(seed));
	ed25519_key_init(&evil, seed);
	CHECK_INT(manifest_open(w.account, w.pin.identity,
			  key_records_get(&w.store, account_key_slice(&at)), &m),
		0);
	good = *m;
	u = &m->unlockers[manifest_find(m, w.both.id) - m->unlockers];
	/* The control: another time, and it still opens. */
	m->created++;
	CHECK_INT(unlock_resigned(&w, m, own), 0);
	/* Another identity, with everything else right. */
	memcpy(m->identity, evil.public, sizeof(m->identity));
	CHECK_INT(unlock_resigned(&w, m, &evil), LL_ERR_AUTH);
	*m = good;
	/* A seal key that the secret does not give. */
	memcpy(m->areas[RECORD_AREA_CALENDAR].seal_public, good.areas[RECORD_AREA_MAIL].seal_public,
		XWING_PUBLIC_LEN);
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_NOTFOUND); /* its grant has another tag */
	*m = good;
	u->scope.areas = MAIL;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_AUTH);
	*m = good;
	u->scope.expires = 0;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_AUTH);
	*m = good;
	u->public_hash[0] ^= 1;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_AUTH);
	*m = good;
	u->id[15] ^= 1;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_AUTH);
	*m = good;
	m->floor.sym = 0;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_AUTH);
	*m = good;
	m->floor.kem++;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_UNSUPPORTED);
	*m = good;
	m->account[0] ^= 1;
	CHECK_INT(unlock_resigned(&w, m, own), LL_ERR_AUTH);
}

/* Every bit of an anchor, and a share of those of the others. */
static void
flipped_bits(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	struct account_key keys[3];
	static const size_t step[] = {1, 13, 149};

	world_init(&w);
	keys[0] = account_key_anchor(w.both.id);
	keys[1] = grant_key(&w, &w.both, RECORD_AREA_MAIL, 1);
	keys[2] = account_key_manifest(0);
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		struct key_record *r = records_find(&w.store, account_key_slice(&keys[k]));
		uint8_t *value = r->mem + r->key.len;

		for (size_t bit = 0; bit < r->value.len * 8;
			bit += bit < RECORD_HEADER_LEN * 8 ? 1 : step[k]) {
			value[bit / 8] ^= (uint8_t)(1u << bit % 8);
			CHECK(world_unlock_in(&w, &w.store, NULL, &w.both, &w.both_text, &u) != 0);
			value[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t cut = 0; cut < r->value.len; cut += step[k]) {
			size_t whole = r->value.len;

			r->value.len = cut;
			CHECK(world_unlock_in(&w, &w.store, NULL, &w.both, &w.both_text, &u) != 0);
			r->value.len = whole;
		}
	}
	CHECK_INT(world_unlock(&w, &w.both, &w.both_text), 0);
}

static void
flipped_keyring(void)
{
	CLEANUP(world_done) struct world w;
	CLEANUP(account_owner_cleanup) struct account_owner *o = NULL;
	struct account_open open;
	struct account_key key;
	struct key_record *r;

	world_init(&w);
	open = world_open(&w, &w.password, SLICE_OF(w.export_key));
	key = account_key_keyring(w.owner->m->keyring_hash);
	r = records_find(&w.store, account_key_slice(&key));
	for (size_t i = 0; i < r->value.len; i += 11) {
		r->mem[r->key.len + i] ^= 0x20;
		CHECK_INT(account_owner_open(&open, &o), LL_ERR_AUTH);
		r->mem[r->key.len + i] ^= 0x20;
	}
	/* A public key of the server's own, in the hope that the next rotation grants to it. */
	key = account_key_unlock(w.mail.id);
	r = records_find(&w.store, account_key_slice(&key));
	r->mem[r->key.len] ^= 1;
	CHECK_INT(account_owner_open(&open, &o), LL_ERR_AUTH);
	r->mem[r->key.len] ^= 1;
	CHECK_INT(account_owner_open(&open, &o), 0);
}

T_MAIN(T(swapped_records), T(foreign_grants), T(altered_manifests), T(flipped_bits),
	T(flipped_keyring))
