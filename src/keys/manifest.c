/* The manifest's one encoding. Body, all numbers big-endian:
 *
 *	version:1 previous:32 identity:32 created:8 floor:3 root-version:4 root-tag:8
 *	keyring-rev:8 keyring-hash:32 salt:16 iterations:4
 *	areas:1   { area:1 version:4 seal-key:1216 hashes of earlier seal keys: (version-1) * 32 }
 *	unlockers:1     { id:16 type:1 scope:11 created:8 hash of pk_U:32 }    ascending by id
 *	fingerprints:1  { length:1 bytes }
 *	devices:1       { id:16 certificate-hash:32 }                          ascending by id
 *
 * Every area is there, in the order of its number. Account and seq stand in the record's header. */
#include "keys/manifest.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "keys/wire.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)60 << 10)

void
manifest_free(struct manifest *m)
{
	free(m);
}

void
manifest_cleanup(struct manifest **m)
{
	manifest_free(*m);
}

static void
put_area(struct buf *b, enum record_area number, const struct manifest_area *a)
{
	(void)buf_putc(b, (uint8_t)number);
	(void)buf_put_be32(b, a->version);
	(void)buf_put(b, SLICE_OF(a->seal_public));
	(void)buf_put(b, slice_new(a->seal_hash, (a->version - 1) * sizeof(a->seal_hash[0])));
}

static void
put_unlocker(struct buf *b, const struct manifest_unlocker *u)
{
	(void)buf_put(b, SLICE_OF(u->id));
	(void)buf_putc(b, (uint8_t)u->type);
	wire_put_scope(b, &u->scope);
	(void)buf_put_be64(b, (uint64_t)u->created);
	(void)buf_put(b, SLICE_OF(u->public_hash));
}

static void
put_lists(struct buf *b, const struct manifest *m)
{
	(void)buf_putc(b, (uint8_t)m->n_unlockers);
	for (size_t i = 0; i < m->n_unlockers; i++)
		put_unlocker(b, &m->unlockers[i]);
	(void)buf_putc(b, (uint8_t)m->n_fingerprints);
	for (size_t i = 0; i < m->n_fingerprints; i++) {
		(void)buf_putc(b, m->fingerprints[i].len);
		(void)buf_put(b, slice_new(m->fingerprints[i].bytes, m->fingerprints[i].len));
	}
	(void)buf_putc(b, (uint8_t)m->n_devices);
	for (size_t i = 0; i < m->n_devices; i++) {
		(void)buf_put(b, SLICE_OF(m->devices[i].id));
		(void)buf_put(b, SLICE_OF(m->devices[i].certificate_hash));
	}
}

static bool
unlockers_valid(const struct manifest *m)
{
	if (m->n_unlockers > MANIFEST_UNLOCKERS_MAX)
		return false;
	for (size_t i = 0; i < m->n_unlockers; i++) {
		const struct manifest_unlocker *u = &m->unlockers[i];

		if (!wire_scope_valid(u->type, &u->scope) || u->created < 0)
			return false;
		if (i && memcmp(u[-1].id, u->id, RECORD_ID_LEN) >= 0)
			return false;
	}
	return true;
}

static bool
devices_valid(const struct manifest *m)
{
	if (m->n_devices > MANIFEST_DEVICES_MAX || m->n_fingerprints > MANIFEST_FINGERPRINTS_MAX)
		return false;
	for (size_t i = 1; i < m->n_devices; i++)
		if (memcmp(m->devices[i - 1].id, m->devices[i].id, RECORD_ID_LEN) >= 0)
			return false;
	for (size_t i = 0; i < m->n_fingerprints; i++)
		if (m->fingerprints[i].len != 20 && m->fingerprints[i].len != 32)
			return false;
	return true;
}

static bool
manifest_valid(const struct manifest *m)
{
	for (int a = RECORD_AREA_MAIL; a < RECORD_AREAS; a++)
		if (m->areas[a].version < 1 || m->areas[a].version > MANIFEST_VERSIONS_MAX)
			return false;
	return m->created >= 0 && m->root_version >= 1 && m->keyring_rev >= 1 &&
		m->iterations >= SCRAM_ITERATIONS && m->iterations <= SCRAM_ITERATIONS_MAX &&
		unlockers_valid(m) && devices_valid(m);
}

int
manifest_encode(const struct manifest *m, struct buf *ret)
{
	if (!manifest_valid(m))
		return LL_ERR_SYNTAX;
	(void)buf_putc(ret, WIRE_VERSION);
	(void)buf_put(ret, SLICE_OF(m->previous));
	(void)buf_put(ret, SLICE_OF(m->identity));
	(void)buf_put_be64(ret, (uint64_t)m->created);
	wire_put_floor(ret, &m->floor);
	(void)buf_put_be32(ret, m->root_version);
	(void)buf_put(ret, SLICE_OF(m->root_tag));
	(void)buf_put_be64(ret, m->keyring_rev);
	(void)buf_put(ret, SLICE_OF(m->keyring_hash));
	(void)buf_put(ret, SLICE_OF(m->salt));
	(void)buf_put_be32(ret, m->iterations);
	(void)buf_putc(ret, RECORD_AREAS - 1);
	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS; a++)
		put_area(ret, a, &m->areas[a]);
	put_lists(ret, m);
	return buf_err(ret);
}

static void
get_area(struct reader *r, enum record_area number, struct manifest_area *a)
{
	if (reader_u8(r) != number)
		wire_fail(r);
	a->version = reader_be32(r);
	if (a->version < 1 || a->version > MANIFEST_VERSIONS_MAX) {
		wire_fail(r);
		return;
	}
	wire_get(r, a->seal_public, sizeof(a->seal_public));
	for (uint32_t v = 0; v + 1 < a->version; v++)
		wire_get(r, a->seal_hash[v], MANIFEST_HASH_LEN);
	hash_sha256(SLICE_OF(a->seal_public), a->seal_hash[a->version - 1]);
}

static size_t
get_count(struct reader *r, size_t max)
{
	size_t n = reader_u8(r);

	if (n <= max)
		return n;
	wire_fail(r);
	return 0;
}

static void
get_unlockers(struct reader *r, struct manifest *m)
{
	m->n_unlockers = get_count(r, MANIFEST_UNLOCKERS_MAX);
	for (size_t i = 0; i < m->n_unlockers; i++) {
		struct manifest_unlocker *u = &m->unlockers[i];

		wire_get(r, u->id, sizeof(u->id));
		u->type = (enum unlock_type)reader_u8(r);
		wire_get_scope(r, &u->scope);
		u->created = wire_get_time(r);
		wire_get(r, u->public_hash, sizeof(u->public_hash));
	}
}

static void
get_devices(struct reader *r, struct manifest *m)
{
	m->n_fingerprints = get_count(r, MANIFEST_FINGERPRINTS_MAX);
	for (size_t i = 0; i < m->n_fingerprints; i++) {
		struct manifest_fingerprint *f = &m->fingerprints[i];

		f->len = reader_u8(r);
		if (f->len > sizeof(f->bytes)) {
			wire_fail(r);
			return;
		}
		wire_get(r, f->bytes, f->len);
	}
	m->n_devices = get_count(r, MANIFEST_DEVICES_MAX);
	for (size_t i = 0; i < m->n_devices; i++) {
		wire_get(r, m->devices[i].id, RECORD_ID_LEN);
		wire_get(r, m->devices[i].certificate_hash, MANIFEST_HASH_LEN);
	}
}

int
manifest_decode(struct slice body, struct manifest **ret)
{
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	struct reader r = reader_new(body);

	if (body.len > BODY_MAX || reader_u8(&r) != WIRE_VERSION)
		return LL_ERR_SYNTAX;
	m = calloc(1, sizeof(*m));
	if (!m)
		return LL_ERR_NOMEM;
	wire_get(&r, m->previous, sizeof(m->previous));
	wire_get(&r, m->identity, sizeof(m->identity));
	m->created = wire_get_time(&r);
	wire_get_floor(&r, &m->floor);
	m->root_version = reader_be32(&r);
	wire_get(&r, m->root_tag, sizeof(m->root_tag));
	m->keyring_rev = reader_be64(&r);
	wire_get(&r, m->keyring_hash, sizeof(m->keyring_hash));
	wire_get(&r, m->salt, sizeof(m->salt));
	m->iterations = reader_be32(&r);
	if (reader_u8(&r) != RECORD_AREAS - 1)
		wire_fail(&r);
	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS && !r.err; a++)
		get_area(&r, a, &m->areas[a]);
	get_unlockers(&r, m);
	get_devices(&r, m);
	if (reader_end(&r) != LL_OK || !manifest_valid(m))
		return LL_ERR_SYNTAX;
	*ret = TAKE(m);
	return LL_OK;
}

static struct record_header
header_of(const uint8_t account[RECORD_ID_LEN], uint64_t seq)
{
	struct record_header h = {.kind = RECORD_MANIFEST, .suite = RECORD_SIG, .rev = seq};

	memcpy(h.account, account, RECORD_ID_LEN);
	memcpy(h.author, account, RECORD_ID_LEN);
	return h;
}

static bool
first_or_linked(const struct manifest *m)
{
	static const uint8_t none[MANIFEST_HASH_LEN];

	return (m->seq == 0) == (memcmp(m->previous, none, sizeof(none)) == 0);
}

int
manifest_sign(const struct manifest *m, const struct ed25519_key *key, struct buf *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
	struct record_header h = header_of(m->account, m->seq);
	int err;

	if (memcmp(m->identity, key->public, ED25519_PUBLIC_LEN) != 0)
		return LL_ERR_AUTH;
	if (!first_or_linked(m))
		return LL_ERR_SYNTAX;
	err = manifest_encode(m, &body);
	return err ? err : record_sig_seal(key, &h, buf_slice(&body), ret);
}

int
manifest_open(const uint8_t account[RECORD_ID_LEN], const uint8_t identity[ED25519_PUBLIC_LEN],
	struct slice record, struct manifest **ret)
{
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	struct record_want want = {header_of(account, 0), RECORD_ANY_REV};
	static const struct suite_floor none;
	struct record_header h;
	struct slice body;
	int err = record_sig_open(identity, &want, record, &h, &body);

	if (!err)
		err = manifest_decode(body, &m);
	if (!err)
		err = wire_floor_check(&m->floor, &none);
	if (err)
		return err;
	memcpy(m->account, account, RECORD_ID_LEN);
	m->seq = h.rev;
	if (memcmp(m->identity, identity, ED25519_PUBLIC_LEN) != 0 || !first_or_linked(m))
		return LL_ERR_AUTH;
	*ret = TAKE(m);
	return LL_OK;
}

void
manifest_hash(struct slice record, uint8_t ret[MANIFEST_HASH_LEN])
{
	hash_sha256(record, ret);
}

const struct manifest_unlocker *
manifest_find(const struct manifest *m, const uint8_t id[RECORD_ID_LEN])
{
	for (size_t i = 0; i < m->n_unlockers; i++)
		if (memcmp(m->unlockers[i].id, id, RECORD_ID_LEN) == 0)
			return &m->unlockers[i];
	return NULL;
}

const uint8_t *
manifest_grant_tag(const struct manifest *m, enum record_area area, uint32_t version)
{
	if (area == RECORD_AREA_NONE)
		return m->root_tag;
	assert(area < RECORD_AREAS && version >= 1 && version <= m->areas[area].version);
	return m->areas[area].seal_hash[version - 1];
}

int
manifest_check_seal(const struct manifest *m, enum record_area area, uint32_t version,
	const uint8_t public[XWING_PUBLIC_LEN])
{
	uint8_t got[MANIFEST_HASH_LEN];

	if (area < RECORD_AREA_MAIL || area >= RECORD_AREAS || version < 1 ||
		version > m->areas[area].version)
		return LL_ERR_AUTH;
	hash_sha256(slice_new(public, XWING_PUBLIC_LEN), got);
	return memcmp(got, m->areas[area].seal_hash[version - 1], sizeof(got)) == 0 ? LL_OK
										    : LL_ERR_AUTH;
}
