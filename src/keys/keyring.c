/* Body: version:1 identity-seed:32 floor-seq:8 floor:3
 *	secrets:2  { area:1 version:4 key:32 }      by area, then version, without gaps from 1
 *	names:1    { id:16 length:1 text }          ascending by id
 *	openpgp:1  { length:2 bytes }
 *
 * Version 1 had no openpgp list; it is read and never written. */
#include "keys/keyring.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "keys/wire.h"

#include <sodium.h>
#include <string.h>

#define VERSION 2
#define VERSION_WITHOUT_OPENPGP 1
#define SECRETS_MAX ((RECORD_AREAS - 1) * MANIFEST_VERSIONS_MAX)

void
area_secrets_done(struct area_secrets *s)
{
	for (size_t i = 0; i < s->v.len; i++)
		secret_free(s->v.at[i], sizeof(*s->v.at[i]));
	VEC_DONE(&s->v);
}

static int
insert(struct area_secrets *s, size_t at, struct area_secret *secret)
{
	if (VEC_RESERVE(&s->v, s->v.len + 1) != LL_OK) {
		SECRET_FREE(secret);
		return LL_ERR_NOMEM;
	}
	memmove(s->v.at + at + 1, s->v.at + at, (s->v.len - at) * sizeof(*s->v.at));
	s->v.at[at] = secret;
	s->v.len++;
	return LL_OK;
}

int
area_secrets_add(struct area_secrets *s, enum record_area area, uint32_t version,
	const uint8_t key[RECORD_KEY_LEN])
{
	struct area_secret *secret = SECRET_NEW(struct area_secret);

	if (!secret)
		return LL_ERR_NOMEM;
	secret->area = area;
	secret->version = version;
	memcpy(secret->key, key, RECORD_KEY_LEN);
	return insert(s, s->v.len, secret);
}

int
area_secrets_next(struct area_secrets *s, enum record_area area, uint32_t version,
	const struct area_secret **ret)
{
	struct area_secret *secret = SECRET_NEW(struct area_secret);
	size_t at = 0;
	int err;

	if (!secret)
		return LL_ERR_NOMEM;
	secret->area = area;
	secret->version = version;
	randombytes_buf(secret->key, sizeof(secret->key));
	while (at < s->v.len && s->v.at[at]->area <= area)
		at++;
	err = insert(s, at, secret);
	if (!err)
		*ret = secret;
	return err;
}

const struct area_secret *
area_secrets_find(const struct area_secrets *s, enum record_area area, uint32_t version)
{
	for (size_t i = 0; i < s->v.len; i++)
		if (s->v.at[i]->area == area && s->v.at[i]->version == version)
			return s->v.at[i];
	return NULL;
}

int
area_secrets_check(const struct area_secrets *s, const struct manifest *m, unsigned areas)
{
	uint8_t public[XWING_PUBLIC_LEN];
	size_t at = 0;

	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS; a++) {
		if (!(areas & SCOPE_AREA(a)))
			continue;
		for (uint32_t v = 1; v <= m->areas[a].version; v++, at++) {
			int err;

			if (at >= s->v.len || s->v.at[at]->area != a || s->v.at[at]->version != v)
				return LL_ERR_AUTH;
			err = area_seal_public(s->v.at[at], public);
			if (!err)
				err = manifest_check_seal(m, a, v, public);
			if (err)
				return err;
		}
	}
	return at == s->v.len ? LL_OK : LL_ERR_AUTH;
}

int
keyring_init(struct keyring *k)
{
	uint8_t *seed = secret_alloc(ED25519_SEED_LEN);

	if (!seed)
		return LL_ERR_NOMEM;
	memset(k, 0, sizeof(*k));
	k->identity_seed = seed;
	return LL_OK;
}

static void
openpgp_done(struct openpgp_secret *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(o->piece); i++)
		secret_free(o->piece[i], SECRET_MAX);
}

void
keyring_done(struct keyring *k)
{
	secret_free(k->identity_seed, ED25519_SEED_LEN);
	area_secrets_done(&k->secrets);
	for (size_t i = 0; i < k->n_openpgp; i++)
		openpgp_done(&k->openpgp[i]);
	memset(k, 0, sizeof(*k));
}

static bool
openpgp_fits(const struct keyring *k, size_t len)
{
	size_t total = len;

	for (size_t i = 0; i < k->n_openpgp; i++)
		total += k->openpgp[i].len;
	return k->n_openpgp < KEYRING_OPENPGP_MAX && len > 0 && len <= KEYRING_OPENPGP_LEN_MAX &&
		total <= KEYRING_OPENPGP_BYTES_MAX;
}

int
keyring_add_openpgp(struct keyring *k, struct slice secret)
{
	struct openpgp_secret o = {.len = secret.len};

	if (!openpgp_fits(k, secret.len))
		return LL_ERR_LIMIT;
	for (size_t i = 0; secret.len; i++) {
		struct slice part = slice_sub(secret, 0, SECRET_MAX);

		o.piece[i] = secret_alloc(SECRET_MAX);
		if (!o.piece[i]) {
			openpgp_done(&o);
			return LL_ERR_NOMEM;
		}
		memcpy(o.piece[i], part.ptr, part.len);
		secret = slice_skip(secret, part.len);
	}
	k->openpgp[k->n_openpgp++] = o;
	return LL_OK;
}

static void
put_openpgp(const struct openpgp_secret *o, struct buf *ret)
{
	size_t left = o->len;

	(void)buf_put_be16(ret, (uint16_t)left);
	for (size_t i = 0; left; i++) {
		size_t n = MIN(left, SECRET_MAX);

		(void)buf_put(ret, slice_new(o->piece[i], n));
		left -= n;
	}
}

int
keyring_encode(const struct keyring *k, struct buf *ret)
{
	(void)buf_putc(ret, VERSION);
	(void)buf_put(ret, slice_new(k->identity_seed, ED25519_SEED_LEN));
	(void)buf_put_be64(ret, k->floor_seq);
	wire_put_floor(ret, &k->floor);
	(void)buf_put_be16(ret, (uint16_t)k->secrets.v.len);
	for (size_t i = 0; i < k->secrets.v.len; i++) {
		const struct area_secret *s = k->secrets.v.at[i];

		(void)buf_putc(ret, (uint8_t)s->area);
		(void)buf_put_be32(ret, s->version);
		(void)buf_put(ret, SLICE_OF(s->key));
	}
	(void)buf_putc(ret, (uint8_t)k->n_names);
	for (size_t i = 0; i < k->n_names; i++) {
		(void)buf_put(ret, SLICE_OF(k->names[i].id));
		(void)buf_putc(ret, (uint8_t)strlen(k->names[i].text));
		(void)buf_puts(ret, k->names[i].text);
	}
	(void)buf_putc(ret, (uint8_t)k->n_openpgp);
	for (size_t i = 0; i < k->n_openpgp; i++)
		put_openpgp(&k->openpgp[i], ret);
	return buf_err(ret);
}

/* Whether a secret may follow those that are there. */
static bool
in_order(const struct area_secrets *s, unsigned area, uint32_t version)
{
	const struct area_secret *last = s->v.len ? s->v.at[s->v.len - 1] : NULL;

	if (area < RECORD_AREA_MAIL || area >= RECORD_AREAS || version > MANIFEST_VERSIONS_MAX)
		return false;
	if (last && last->area == area)
		return version == last->version + 1;
	return version == 1 && (!last || last->area < area);
}

static int
get_secrets(struct reader *r, struct area_secrets *s)
{
	size_t n = reader_be16(r);
	uint8_t key[RECORD_KEY_LEN];
	int err = n <= SECRETS_MAX ? LL_OK : LL_ERR_SYNTAX;

	for (size_t i = 0; i < n && !err; i++) {
		unsigned area = reader_u8(r);
		uint32_t version = reader_be32(r);

		wire_get(r, key, sizeof(key));
		if (r->err || !in_order(s, area, version))
			err = LL_ERR_SYNTAX;
		else
			err = area_secrets_add(s, (enum record_area)area, version, key);
	}
	secret_wipe(key, sizeof(key));
	return err;
}

static int
get_names(struct reader *r, struct keyring *k)
{
	k->n_names = reader_u8(r);
	if (k->n_names > MANIFEST_UNLOCKERS_MAX)
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < k->n_names; i++) {
		struct unlock_name *n = &k->names[i];
		struct slice text;

		wire_get(r, n->id, sizeof(n->id));
		text = reader_bytes(r, reader_u8(r));
		if (r->err || text.len > UNLOCK_NAME_MAX || !utf8_valid(text) ||
			slice_find_byte(text, 0) != SLICE_NPOS)
			return LL_ERR_SYNTAX;
		if (i && memcmp(n[-1].id, n->id, RECORD_ID_LEN) >= 0)
			return LL_ERR_SYNTAX;
		if (text.len)
			memcpy(n->text, text.ptr, text.len);
		n->text[text.len] = '\0';
	}
	return r->err;
}

static int
get_openpgp(struct reader *r, struct keyring *k)
{
	size_t n = reader_u8(r);

	for (size_t i = 0; i < n; i++) {
		struct slice secret = reader_bytes(r, reader_be16(r));
		int err = r->err ? LL_ERR_SYNTAX : keyring_add_openpgp(k, secret);

		if (err)
			return err == LL_ERR_LIMIT ? LL_ERR_SYNTAX : err;
	}
	return r->err;
}

int
keyring_decode(struct slice body, struct keyring *ret)
{
	struct reader r = reader_new(body);
	unsigned version = reader_u8(&r);
	struct keyring k;
	int err;

	if (body.len > KEYRING_BODY_MAX ||
		(version != VERSION && version != VERSION_WITHOUT_OPENPGP))
		return LL_ERR_SYNTAX;
	err = keyring_init(&k);
	if (err)
		return err;
	wire_get(&r, k.identity_seed, ED25519_SEED_LEN);
	k.floor_seq = reader_be64(&r);
	wire_get_floor(&r, &k.floor);
	err = get_secrets(&r, &k.secrets);
	if (!err)
		err = get_names(&r, &k);
	if (!err && version == VERSION)
		err = get_openpgp(&r, &k);
	if (!err)
		err = reader_end(&r);
	if (err)
		keyring_done(&k);
	else
		*ret = k;
	return err;
}

static struct record_header
header_of(const uint8_t account[RECORD_ID_LEN], uint32_t root_version, uint64_t rev)
{
	struct record_header h = {
		.kind = RECORD_KEYRING, .suite = RECORD_SYM, .keyver = root_version, .rev = rev};

	memcpy(h.account, account, RECORD_ID_LEN);
	memcpy(h.author, account, RECORD_ID_LEN);
	return h;
}

int
keyring_seal(const struct keyring *k, const uint8_t root[RECORD_KEY_LEN],
	const uint8_t account[RECORD_ID_LEN], uint32_t root_version, uint64_t rev, struct buf *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_SECRET(KEYRING_BODY_MAX);
	struct record_header h = header_of(account, root_version, rev);
	uint8_t key[RECORD_KEY_LEN];
	int err;

	/* At once, so that no smaller copy is left behind where the buffer grew. */
	if (!buf_room(&body, KEYRING_BODY_MAX))
		return LL_ERR_NOMEM;
	err = keyring_encode(k, &body);
	if (err)
		return err;
	kdf_derive(root, "keyring", key, sizeof(key));
	err = record_sym_seal(key, &h, buf_slice(&body), ret);
	secret_wipe(key, sizeof(key));
	return err;
}

int
keyring_open(const uint8_t root[RECORD_KEY_LEN], const struct manifest *m, struct slice record,
	struct keyring *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_SECRET(KEYRING_BODY_MAX);
	struct record_want want = {header_of(m->account, m->root_version, m->keyring_rev), 0};
	uint8_t key[RECORD_KEY_LEN], hash[MANIFEST_HASH_LEN];
	int err;

	hash_sha256(record, hash);
	if (memcmp(hash, m->keyring_hash, sizeof(hash)) != 0)
		return LL_ERR_AUTH;
	if (!buf_room(&body, KEYRING_BODY_MAX))
		return LL_ERR_NOMEM;
	kdf_derive(root, "keyring", key, sizeof(key));
	err = record_sym_open(key, &want, record, NULL, &body);
	secret_wipe(key, sizeof(key));
	return err ? err : keyring_decode(buf_slice(&body), ret);
}
