/* The head of the change log, and the set MACs that bind the revisions of mutable records to it. */
#include "account/engine.h"

#include "keys/kdf.h"

#define HEAD_VERSION 2
#define HEAD_VERSION_OLD 1 /* before there was a log of the whole account */

int
head_encode(const struct head *h, struct buf *out)
{
	buf_putc(out, HEAD_VERSION);
	buf_put_varint(out, h->rev);
	buf_put_varint(out, h->modseq);
	buf_put_varint(out, h->next_page);
	buf_put_varint(out, h->uidvalidity);
	buf_put_varint(out, h->boxes);
	buf_put_varint(out, h->refs);
	buf_put_varint(out, h->gcs);
	buf_put_varint(out, h->gc_next);
	buf_put_varint(out, h->subs_rev);
	buf_put(out, SLICE_OF(h->set_key));
	buf_put(out, SLICE_OF(h->set_box));
	buf_put(out, SLICE_OF(h->set_ref));
	buf_put(out, SLICE_OF(h->set_gc));
	buf_put_varint(out, h->n_pack);
	for (uint32_t i = 0; i < h->n_pack; i++)
		buf_put_varint(out, h->pack[i]);
	buf_put_varint(out, h->log_first);
	buf_put_varint(out, h->log_next);
	buf_put_varint(out, h->log_floor);
	buf_put_varint(out, h->log_rev);
	buf_put_varint(out, h->objects);
	buf_put(out, SLICE_OF(h->set_log));
	buf_put(out, SLICE_OF(h->set_obj));
	buf_put_varint(out, CHANGE_TYPES);
	for (size_t i = 0; i < CHANGE_TYPES; i++)
		buf_put_varint(out, h->states[i]);
	return buf_err(out);
}

static void
read_bytes(struct reader *r, uint8_t *p, size_t n)
{
	struct slice s = reader_bytes(r, n);

	if (s.len == n)
		memcpy(p, s.ptr, n);
}

static uint32_t
read_u32(struct reader *r)
{
	uint64_t v = reader_varint(r);

	if (v > UINT32_MAX)
		r->err = LL_ERR_SYNTAX;
	return (uint32_t)v;
}

/* Types that this program does not know yet are passed over: none of them can be in a head that it
 * wrote. */
static void
read_log(struct reader *r, struct head *h)
{
	uint64_t n;

	h->log_first = read_u32(r);
	h->log_next = read_u32(r);
	h->log_floor = reader_varint(r);
	h->log_rev = reader_varint(r);
	h->objects = read_u32(r);
	read_bytes(r, h->set_log, SET_LEN);
	read_bytes(r, h->set_obj, SET_LEN);
	n = reader_varint(r);
	for (uint64_t i = 0; i < n && !r->err; i++) {
		uint64_t v = reader_varint(r);
		if (i < CHANGE_TYPES)
			h->states[i] = v;
	}
	if (h->log_first > h->log_next)
		r->err = LL_ERR_SYNTAX;
}

/* Nothing is known of what went before. */
static void
start_log(struct head *h)
{
	h->log_floor = h->modseq;
	for (size_t i = 0; i < CHANGE_TYPES; i++)
		h->states[i] = h->modseq;
}

int
head_decode(struct slice plain, struct head *ret)
{
	struct reader r = reader_new(plain);
	struct head h = {0};
	uint8_t version = reader_u8(&r);

	if (version != HEAD_VERSION && version != HEAD_VERSION_OLD)
		return LL_ERR_UNSUPPORTED;
	h.rev = reader_varint(&r);
	h.modseq = reader_varint(&r);
	h.next_page = read_u32(&r);
	h.uidvalidity = read_u32(&r);
	h.boxes = read_u32(&r);
	h.refs = read_u32(&r);
	h.gcs = read_u32(&r);
	h.gc_next = reader_varint(&r);
	h.subs_rev = reader_varint(&r);
	read_bytes(&r, h.set_key, sizeof(h.set_key));
	read_bytes(&r, h.set_box, SET_LEN);
	read_bytes(&r, h.set_ref, SET_LEN);
	read_bytes(&r, h.set_gc, SET_LEN);
	h.n_pack = read_u32(&r);
	if (h.n_pack > PACK_LIST_MAX)
		return LL_ERR_CORRUPT;
	for (uint32_t i = 0; i < h.n_pack; i++)
		h.pack[i] = read_u32(&r);
	if (version == HEAD_VERSION)
		read_log(&r, &h);
	else
		start_log(&h);
	if (reader_end(&r))
		return LL_ERR_CORRUPT;
	*ret = h;
	return LL_OK;
}

void
set_toggle(const struct head *h, uint8_t set[SET_LEN], const struct rec_id *id, uint64_t rev)
{
	uint8_t msg[1 + STORE_ID_LEN + 8 + 8], mac[HASH_MAX_LEN];

	if (!rev)
		return;
	msg[0] = (uint8_t)id->type;
	memcpy(msg + 1, id->box.b, STORE_ID_LEN);
	be64_put(msg + 1 + STORE_ID_LEN, id->number);
	be64_put(msg + 9 + STORE_ID_LEN, rev);
	hmac_once(HASH_SHA256, SLICE_OF(h->set_key), SLICE_OF(msg), mac);
	for (size_t i = 0; i < SET_LEN; i++)
		set[i] ^= mac[i];
}
