/* The pieces of letters under a password and of replies to them: ciphertext of others, kept as
 * blobs of a partition that each letter has for itself. */
#include "base/error.h"
#include "base/text.h"
#include "roles/letter.h"

#include <sodium.h>
#include <string.h>

#define KEY_LEN 7u
#define BATCH 200u /* pieces that one commit deletes */
#define LINE 48u /* bytes of a line of armor */

_Static_assert(WEB_PIECE_LEN % LINE == 0, "pieces end on a line's end");
_Static_assert(WEB_PIECE_LEN <= STORE_INLINE_BLOB_MAX, "a piece is one blob");

struct piece_key {
	uint8_t b[KEY_LEN];
};

static struct piece_key
piece_key(struct letter_piece at)
{
	struct piece_key k = {{(uint8_t)at.kind, (uint8_t)(at.of >> 8), (uint8_t)at.of}};

	be32_put(k.b + 3, at.n);
	return k;
}

struct store_id
letter_partition(const struct web_place *p, const uint8_t id[WEB_ID])
{
	struct store_id s;
	uint8_t name[32];

	directory_name(p->keys, "letter", slice_new(id, WEB_ID), name);
	memcpy(s.b, name, sizeof(s.b));
	return s;
}

static int
blob_of(const struct web_place *p, struct store_id partition, const struct piece_key *k,
	struct store_id *ret)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(64);
	int r = p->store ? store_get(p->store, partition, SLICE_OF(k->b), &value) : LL_ERR_CLOSED;

	if (r == LL_OK && value.len != sizeof(ret->b))
		r = LL_ERR_CORRUPT;
	if (r == LL_OK)
		memcpy(ret->b, value.ptr, sizeof(ret->b));
	return r;
}

int
letter_piece_put(const struct web_place *p, const uint8_t id[WEB_ID], struct letter_piece at,
	struct slice data)
{
	struct store_id partition = letter_partition(p, id), blob, old;
	struct piece_key k = piece_key(at);
	struct store_op ops[3] = {{.kind = STORE_BLOB_NEW, .value = data},
		{.kind = STORE_PUT, .key = SLICE_OF(k.b), .value = SLICE_OF(blob.b)}};
	struct store_commit c = {.partition = partition,
		.expect = STORE_ANY_VERSION,
		.ops = ops,
		.n = 2,
		.quota = LETTER_SIZE_MAX + LETTER_REPLIES_MAX * LETTER_REPLY_MAX};
	int r = blob_of(p, partition, &k, &old);

	if (r && r != LL_ERR_NOTFOUND)
		return r;
	randombytes_buf(blob.b, sizeof(blob.b));
	ops[0].blob = blob;
	if (r == LL_OK)
		ops[c.n++] = (struct store_op){.kind = STORE_BLOB_DROP, .blob = old};
	return store_commit_sync(p->store, &c, NULL);
}

int
letter_piece_get(const struct web_place *p, const uint8_t id[WEB_ID], struct letter_piece at,
	struct buf *ret)
{
	struct store_id partition = letter_partition(p, id), blob;
	struct piece_key k = piece_key(at);
	int r = blob_of(p, partition, &k, &blob);

	return r ? r : store_blob_read(p->store, partition, blob, 0, WEB_PIECE_LEN, ret);
}

static int
count(void *ctx, struct slice key, struct slice value)
{
	++*(uint32_t *)ctx;
	return LL_OK;
}

/* Numbers of pieces are checked when they are put, so that n of them are the first n. */
int
letter_pieces_have(
	const struct web_place *p, const uint8_t id[WEB_ID], uint16_t part, uint32_t n, bool *ret)
{
	struct piece_key k = piece_key((struct letter_piece){LETTER_PIECE_PART, part, 0});
	uint32_t found = 0;
	int r = p->store
		? store_each(p->store, letter_partition(p, id), slice_new(k.b, 3), count, &found)
		: LL_ERR_CLOSED;

	if (r == LL_OK)
		*ret = found == n;
	return r;
}

/* --- deleting --- */

struct batch {
	struct piece_key keys[BATCH];
	struct store_op ops[2 * BATCH];
	size_t n;
};

static int
on_piece(void *ctx, struct slice key, struct slice value)
{
	struct batch *b = ctx;
	struct store_op *op = &b->ops[2 * b->n];

	if (key.len != KEY_LEN || value.len != STORE_ID_LEN)
		return LL_ERR_CORRUPT;
	memcpy(b->keys[b->n].b, key.ptr, KEY_LEN);
	op[0] = (struct store_op){.kind = STORE_DEL, .key = SLICE_OF(b->keys[b->n].b)};
	op[1] = (struct store_op){.kind = STORE_BLOB_DROP};
	memcpy(op[1].blob.b, value.ptr, STORE_ID_LEN);
	b->n++;
	return LL_OK;
}

/* Every piece whose key starts with the prefix, batch by batch. */
static int
delete_pieces(const struct web_place *p, const uint8_t id[WEB_ID], struct slice prefix)
{
	struct store_id partition = letter_partition(p, id);
	static struct batch b;
	uint8_t end[KEY_LEN];
	bool more = true;
	int r = p->store ? LL_OK : LL_ERR_CLOSED;

	memcpy(end, prefix.ptr, prefix.len);
	for (size_t i = prefix.len; i-- > 0 && ++end[i] == 0;)
		;
	while (r == LL_OK && more) {
		struct store_commit c = {
			.partition = partition, .expect = STORE_ANY_VERSION, .ops = b.ops};
		b.n = 0;
		r = store_range(p->store, partition, prefix, slice_new(end, prefix.len), BATCH,
			on_piece, &b, &more);
		c.n = 2 * b.n;
		if (r == LL_OK && c.n)
			r = store_commit_sync(p->store, &c, NULL);
	}
	return r;
}

int
letter_parts_delete(const struct web_place *p, const uint8_t id[WEB_ID])
{
	static const uint8_t kind = LETTER_PIECE_PART;

	return delete_pieces(p, id, slice_new(&kind, 1));
}

int
letter_reply_delete(const struct web_place *p, const uint8_t id[WEB_ID], uint16_t reply)
{
	struct piece_key k = piece_key((struct letter_piece){LETTER_PIECE_REPLY, reply, 0});

	return delete_pieces(p, id, slice_new(k.b, 3));
}

int
letter_drop(const struct web_place *p, const uint8_t id[WEB_ID])
{
	return p->store ? store_drop(p->store, letter_partition(p, id)) : LL_ERR_CLOSED;
}

/* --- OpenPGP --- */

bool
letter_is_encrypted(struct slice first)
{
	struct reader r = reader_new(first);
	uint8_t head = reader_u8(&r), len, version;

	if ((head & 0xc0) == 0xc0 && (head & 0x3f) == 1) {
		len = reader_u8(&r);
		if (len >= 192 && len < 224)
			(void)reader_u8(&r);
		else if (len == 255)
			(void)reader_be32(&r);
		else if (len >= 224)
			return false; /* partial lengths are for data only */
	} else if ((head & 0xfc) == 0x84 && (head & 3) < 3) {
		(void)reader_bytes(&r, (size_t)1 << (head & 3));
	} else {
		return false;
	}
	version = reader_u8(&r);
	return !r.err && (version == 3 || version == 6);
}

int
letter_armor(struct slice piece, struct buf *out)
{
	while (piece.len) {
		struct slice line = slice_sub(piece, 0, LINE);
		base64_encode(out, line);
		buf_puts(out, "\r\n");
		piece = slice_skip(piece, line.len);
	}
	return buf_err(out);
}
