/* The record forms: header, contexts, and the two that need one key each. KEM records are in
 * record_kem.c. */
#include "keys/record.h"
#include "base/error.h"
#include "keys/kdf.h"
#include "keys/record_priv.h"

#include <string.h>

#define MAGIC "LL1"
#define MAGIC_LEN 4 /* with its NUL */

/* Which form a kind has, and the longest record of it: read before anything is allocated. */
static const struct kind {
	const char *name;
	enum record_suite suite;
	uint64_t max;
} kinds[RECORD_KINDS] = {
	[RECORD_ANCHOR] = {"anchor", RECORD_SYM, 4 << 10},
	[RECORD_GRANT] = {"grant", RECORD_KEM, 4 << 10},
	[RECORD_KEYRING] = {"keyring", RECORD_SYM, 1 << 20},
	[RECORD_MANIFEST] = {"manifest", RECORD_SIG, 1 << 20},
	[RECORD_COLLECTION_KEY] = {"collection-key", RECORD_SYM, 4 << 10},
	[RECORD_OBJECT] = {"object", RECORD_SYM, 64 << 20},
	[RECORD_DELIVERED] = {"delivered", RECORD_KEM, 64 << 20},
	[RECORD_FILE] = {"file", RECORD_SYM, (uint64_t)1 << 46},
	[RECORD_FOLDER] = {"folder", RECORD_SYM, 16 << 20},
	[RECORD_INDEX] = {"index", RECORD_SYM, 256 << 20},
	[RECORD_JOURNAL] = {"journal", RECORD_SYM, 1 << 20},
	[RECORD_LINK] = {"link", RECORD_SYM, 64 << 10},
	[RECORD_SHARE] = {"share", RECORD_KEM, 64 << 10},
	[RECORD_DOCUMENT_UPDATE] = {"document-update", RECORD_SYM, 16 << 20},
	[RECORD_DOCUMENT_SNAPSHOT] = {"document-snapshot", RECORD_SYM, 256 << 20},
	[RECORD_DEVICE] = {"device", RECORD_SIG, 64 << 10},
};

static const struct kind *
kind_of(enum record_kind kind)
{
	return kind > 0 && kind < RECORD_KINDS ? &kinds[kind] : NULL;
}

const char *
record_kind_name(enum record_kind kind)
{
	const struct kind *k = kind_of(kind);

	return k ? k->name : NULL;
}

static void
put_bytes(uint8_t **at, const void *bytes, size_t n)
{
	memcpy(*at, bytes, n);
	*at += n;
}

static void
put_number(uint8_t **at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(*at)[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	*at += n;
}

static void
header_encode(const struct record_header *h, enum record_suite suite, uint8_t *at)
{
	put_bytes(&at, MAGIC, MAGIC_LEN);
	put_number(&at, h->kind, 1);
	put_number(&at, suite, 1);
	put_number(&at, h->flags, 2);
	put_bytes(&at, h->account, RECORD_ID_LEN);
	put_number(&at, h->area, 1);
	put_bytes(&at, h->collection, RECORD_ID_LEN);
	put_bytes(&at, h->object, RECORD_ID_LEN);
	put_number(&at, h->part, 2);
	put_number(&at, h->keyver, 4);
	put_number(&at, h->rev, 8);
	put_bytes(&at, h->author, RECORD_ID_LEN);
}

static void
read_id(struct reader *r, uint8_t ret[RECORD_ID_LEN])
{
	struct slice id = reader_bytes(r, RECORD_ID_LEN);

	if (id.len == RECORD_ID_LEN)
		memcpy(ret, id.ptr, RECORD_ID_LEN);
}

static int
header_decode(struct slice record, struct record_header *ret)
{
	struct reader r = reader_new(record);
	struct slice magic = reader_bytes(&r, MAGIC_LEN);

	ret->kind = (enum record_kind)reader_u8(&r);
	ret->suite = (enum record_suite)reader_u8(&r);
	ret->flags = reader_be16(&r);
	read_id(&r, ret->account);
	ret->area = (enum record_area)reader_u8(&r);
	read_id(&r, ret->collection);
	read_id(&r, ret->object);
	ret->part = reader_be16(&r);
	ret->keyver = reader_be32(&r);
	ret->rev = reader_be64(&r);
	read_id(&r, ret->author);
	return r.err || memcmp(magic.ptr, MAGIC, MAGIC_LEN) != 0 ? LL_ERR_SYNTAX : LL_OK;
}

/* What both a writer's and a stored header must hold to. */
static int
header_check(const struct record_header *h, uint64_t record_len)
{
	const struct kind *k = kind_of(h->kind);

	if (!k || h->suite != k->suite || h->flags != 0 || h->area >= RECORD_AREAS)
		return LL_ERR_UNSUPPORTED;
	return record_len > k->max ? LL_ERR_LIMIT : LL_OK;
}

/* head is the record or its beginning; record_len its whole length. */
static int
parse(struct slice head, uint64_t record_len, struct record_header *ret)
{
	struct record_header h = {0};
	int err = header_decode(head, &h);

	if (!err)
		err = header_check(&h, record_len);
	if (!err)
		*ret = h;
	return err;
}

int
record_parse(struct slice record, struct record_header *ret_header)
{
	return parse(record, record.len, ret_header);
}

static bool
rev_matches(uint64_t got, const struct record_want *want)
{
	if (want->any & RECORD_ANY_REV)
		return true;
	if (want->any & RECORD_REV_FLOOR)
		return got >= want->header.rev;
	return got == want->header.rev;
}

static bool
ids_equal(const uint8_t a[RECORD_ID_LEN], const uint8_t b[RECORD_ID_LEN])
{
	return memcmp(a, b, RECORD_ID_LEN) == 0;
}

int
record_match(const struct record_header *got, const struct record_want *want)
{
	const struct record_header *h = &want->header;
	bool same = got->kind == h->kind && got->flags == h->flags && got->area == h->area &&
		ids_equal(got->account, h->account) && ids_equal(got->collection, h->collection) &&
		ids_equal(got->object, h->object) && rev_matches(got->rev, want);

	same = same && (want->any & RECORD_ANY_KEYVER || got->keyver == h->keyver);
	same = same && (want->any & RECORD_ANY_PART || got->part == h->part);
	same = same && (want->any & RECORD_ANY_AUTHOR || ids_equal(got->author, h->author));
	return same ? LL_OK : LL_ERR_AUTH;
}

/* Header checked against its own rules and against what was asked for. */
int
record_admit(struct slice head, uint64_t record_len, enum record_suite suite,
	const struct record_want *want, struct record_header *ret)
{
	struct record_header h;
	int err = parse(head, record_len, &h);

	if (!err && h.suite != suite)
		err = LL_ERR_UNSUPPORTED;
	if (!err)
		err = record_match(&h, want);
	if (!err)
		*ret = h;
	return err;
}

int
record_begin(struct record_context *ret, const struct record_header *header,
	enum record_suite suite, uint64_t record_len)
{
	struct record_header h = *header;
	int err;

	h.suite = suite;
	err = header_check(&h, record_len);
	if (!err)
		record_context(ret, &h);
	return err;
}

static void
put_text(struct record_context *c, const char *text, size_t n)
{
	assert(c->len + n <= sizeof(c->b));
	memcpy(c->b + c->len, text, n);
	c->len += n;
}

void
record_context(struct record_context *ret, const struct record_header *h)
{
	const char *name = kinds[h->kind].name;

	ret->len = 0;
	put_text(ret, "letterlock/1/", 13);
	put_text(ret, name, strlen(name) + 1);
	assert(ret->len + RECORD_HEADER_LEN <= sizeof(ret->b));
	header_encode(h, h->suite, ret->b + ret->len);
	ret->len += RECORD_HEADER_LEN;
}

struct slice
record_context_slice(const struct record_context *c)
{
	return slice_new(c->b, c->len);
}

struct slice
record_context_header(const struct record_context *c)
{
	return slice_new(c->b + c->len - RECORD_HEADER_LEN, RECORD_HEADER_LEN);
}

int
record_sym_seal(const uint8_t key[RECORD_KEY_LEN], const struct record_header *header,
	struct slice plain, struct buf *out)
{
	const size_t from = out->len;
	struct record_context c;
	int err = record_begin(
		&c, header, RECORD_SYM, RECORD_HEADER_LEN + cobblestone_sealed_len(plain.len));

	if (!err)
		err = buf_put(out, record_context_header(&c));
	if (!err)
		err = cobblestone_seal(key, record_context_slice(&c), plain, out);
	if (err)
		buf_truncate(out, from);
	return err;
}

int
record_sym_open(const uint8_t key[RECORD_KEY_LEN], const struct record_want *want,
	struct slice record, struct record_header *ret_header, struct buf *out)
{
	struct record_header h;
	struct record_context c;
	int err = record_admit(record, record.len, RECORD_SYM, want, &h);

	if (err)
		return err;
	record_context(&c, &h);
	err = cobblestone_open(
		key, record_context_slice(&c), slice_skip(record, RECORD_HEADER_LEN), out);
	if (!err && ret_header)
		*ret_header = h;
	return err;
}

int
record_sym_reader(const uint8_t key[RECORD_KEY_LEN], const struct record_want *want,
	struct slice head, uint64_t record_len, struct cobblestone_reader **ret_reader)
{
	struct record_header h;
	struct record_context c;
	int err = record_admit(head, record_len, RECORD_SYM, want, &h);

	if (!err && record_len < RECORD_HEADER_LEN)
		err = LL_ERR_SYNTAX;
	if (err)
		return err;
	record_context(&c, &h);
	return cobblestone_reader_new(key, record_context_slice(&c),
		slice_skip(head, RECORD_HEADER_LEN), record_len - RECORD_HEADER_LEN, ret_reader);
}

/* What a signature of this kind over these bytes signs. */
static struct slice
signed_text(struct slice bytes, enum record_kind kind, uint8_t text[RECORD_CONTEXT_MAX])
{
	const char *name = kinds[kind].name;
	size_t len = strlen(name) + 1;

	memcpy(text, "letterlock/1/sig/", 17);
	memcpy(text + 17, name, len);
	hash_sha256(bytes, text + 17 + len);
	return slice_new(text, 17 + len + HASH_SHA256_LEN);
}

int
record_sign(const struct ed25519_key *key, enum record_kind kind, struct buf *out, size_t from)
{
	uint8_t text[RECORD_CONTEXT_MAX], sig[ED25519_SIG_LEN];

	if (!kind_of(kind))
		return LL_ERR_UNSUPPORTED;
	if (buf_err(out))
		return buf_err(out);
	ed25519_sign(key, signed_text(slice_skip(buf_slice(out), from), kind, text), sig);
	return buf_put(out, SLICE_OF(sig));
}

int
record_verify(const uint8_t public[ED25519_PUBLIC_LEN], enum record_kind kind,
	struct slice with_sig, struct slice *ret_record)
{
	uint8_t text[RECORD_CONTEXT_MAX];
	struct slice body;
	int err;

	if (!kind_of(kind))
		return LL_ERR_UNSUPPORTED;
	if (with_sig.len < ED25519_SIG_LEN)
		return LL_ERR_SYNTAX;
	body = slice_sub(with_sig, 0, with_sig.len - ED25519_SIG_LEN);
	err = ed25519_verify(public, signed_text(body, kind, text), body.ptr + body.len);
	if (!err)
		*ret_record = body;
	return err;
}

int
record_sig_seal(const struct ed25519_key *key, const struct record_header *header,
	struct slice body, struct buf *out)
{
	const size_t from = out->len;
	struct record_context c;
	int err = record_begin(
		&c, header, RECORD_SIG, RECORD_HEADER_LEN + body.len + ED25519_SIG_LEN);

	if (!err)
		err = buf_put(out, record_context_header(&c));
	if (!err)
		err = buf_put(out, body);
	if (!err)
		err = record_sign(key, header->kind, out, from);
	if (err)
		buf_truncate(out, from);
	return err;
}

int
record_sig_open(const uint8_t public[ED25519_PUBLIC_LEN], const struct record_want *want,
	struct slice record, struct record_header *ret_header, struct slice *ret_body)
{
	struct record_header h;
	struct slice body;
	int err = record_admit(record, record.len, RECORD_SIG, want, &h);

	if (!err && record.len < RECORD_HEADER_LEN + ED25519_SIG_LEN)
		err = LL_ERR_SYNTAX;
	if (!err)
		err = record_verify(public, h.kind, record, &body);
	if (err)
		return err;
	if (ret_header)
		*ret_header = h;
	*ret_body = slice_skip(body, RECORD_HEADER_LEN);
	return LL_OK;
}

#define BLOB_LABEL "letterlock/1/blob" /* and its NUL */

struct blob_context {
	uint8_t b[sizeof(BLOB_LABEL) + RECORD_ID_LEN];
};

static struct slice
blob_context(struct blob_context *c, const uint8_t blob[RECORD_ID_LEN])
{
	memcpy(c->b, BLOB_LABEL, sizeof(BLOB_LABEL));
	memcpy(c->b + sizeof(BLOB_LABEL), blob, RECORD_ID_LEN);
	return SLICE_OF(c->b);
}

int
record_blob_seal(const uint8_t key[RECORD_KEY_LEN], const uint8_t blob[RECORD_ID_LEN],
	struct slice plain, struct buf *out)
{
	struct blob_context c;

	return cobblestone_seal(key, blob_context(&c, blob), plain, out);
}

int
record_blob_open(const uint8_t key[RECORD_KEY_LEN], const uint8_t blob[RECORD_ID_LEN],
	struct slice sealed, struct buf *out)
{
	struct blob_context c;

	return cobblestone_open(key, blob_context(&c, blob), sealed, out);
}

int
record_blob_reader(const uint8_t key[RECORD_KEY_LEN], const uint8_t blob[RECORD_ID_LEN],
	struct slice header, uint64_t sealed_len, struct cobblestone_reader **ret_reader)
{
	struct blob_context c;

	return cobblestone_reader_new(key, blob_context(&c, blob), header, sealed_len, ret_reader);
}
