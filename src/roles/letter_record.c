/* The record of a letter under a password, and its rows. Auth is the only writer. */
#include "base/error.h"
#include "base/secret.h"
#include "roles/letter.h"
#include "roles/web_row.h"
#include "store/service.h"

#include <string.h>

#define RECORD_VERSION 2
#define RECORD_UNTIMED 1 /* of letters whose mail never waited: ends before send_at */
#define RECORD_MAX ((size_t)24 << 10)

static struct web_row_key
record_key(const uint8_t id[WEB_ID])
{
	return web_row_key("ltr/", slice_new(id, WEB_ID), SLICE_NONE);
}

static struct web_row_key
owner_key(const struct letter *l)
{
	return web_row_key("ltra/", SLICE_OF(l->account), SLICE_OF(l->id));
}

static struct web_row_key
due_key(int64_t due, const uint8_t id[WEB_ID])
{
	uint8_t at[8];

	be64_put(at, (uint64_t)due);
	return web_row_key("ltre/", SLICE_OF(at), slice_new(id, WEB_ID));
}

static struct web_row_key
reply_key(const uint8_t id[WEB_ID], uint16_t reply)
{
	uint8_t n[2] = {(uint8_t)(reply >> 8), (uint8_t)reply};

	return web_row_key("ltrq/", slice_new(id, WEB_ID), SLICE_OF(n));
}

int64_t
letter_due(const struct letter *l)
{
	return l->state == WEB_LETTER_DRAFT   ? l->created + LETTER_DRAFT_LIFE
		: l->state == WEB_LETTER_OPEN ? l->expires
					      : l->ended + LETTER_FORGET_AFTER;
}

int64_t
letter_last(const struct letter *l)
{
	return MAX(l->created, l->send_at) + LETTER_LIFE_MAX;
}

uint64_t
letter_size(const struct letter *l)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < l->n_parts; i++)
		sum += l->parts[i];
	return l->state == WEB_LETTER_DRAFT || l->state == WEB_LETTER_OPEN ? sum : 0;
}

uint32_t
letter_pieces(uint64_t size)
{
	return (uint32_t)((size + WEB_PIECE_LEN - 1) / WEB_PIECE_LEN);
}

/* --- encoding --- */

static int
encode(const struct letter *l, struct buf *out)
{
	buf_putc(out, RECORD_VERSION);
	buf_putc(out, (uint8_t)l->state);
	buf_put(out, SLICE_OF(l->account));
	buf_put(out, SLICE_OF(l->access_hash));
	buf_put_be64(out, (uint64_t)l->created);
	buf_put_be64(out, (uint64_t)l->expires);
	buf_put_be64(out, (uint64_t)l->ended);
	buf_put_be64(out, (uint64_t)l->first_opened);
	buf_put_be64(out, (uint64_t)l->last_opened);
	buf_put_be32(out, l->opens);
	buf_put_be32(out, l->max_opens);
	buf_put_be32(out, l->replies);
	buf_put_be32(out, l->reply);
	buf_put_be64(out, l->reply_size);
	buf_put_be64(out, l->reply_got);
	buf_put_be32(out, l->n_parts);
	for (uint32_t i = 0; i < l->n_parts; i++)
		buf_put_be64(out, l->parts[i]);
	buf_put_blob(out, slice_str(l->to));
	buf_put_blob(out, slice_str(l->message_id));
	buf_put_blob(out, slice_new(l->note, l->note_len));
	return buf_put_be64(out, (uint64_t)l->send_at);
}

static void
get_numbers(struct reader *r, struct letter *l)
{
	l->created = (int64_t)reader_be64(r);
	l->expires = (int64_t)reader_be64(r);
	l->ended = (int64_t)reader_be64(r);
	l->first_opened = (int64_t)reader_be64(r);
	l->last_opened = (int64_t)reader_be64(r);
	l->opens = reader_be32(r);
	l->max_opens = reader_be32(r);
	l->replies = reader_be32(r);
	l->reply = reader_be32(r);
	l->reply_size = reader_be64(r);
	l->reply_got = reader_be64(r);
	l->n_parts = reader_be32(r);
	if (l->n_parts > LETTER_PARTS_MAX)
		r->err = LL_ERR_SYNTAX;
	for (uint32_t i = 0; i < l->n_parts && !r->err; i++)
		l->parts[i] = reader_be64(r);
}

static int
decode(struct slice in, struct letter *l)
{
	struct reader r = reader_new(in);
	uint8_t version, state;

	version = reader_u8(&r);
	if (version != RECORD_VERSION && version != RECORD_UNTIMED)
		return LL_ERR_CORRUPT;
	state = reader_u8(&r);
	l->state = (enum web_letter_stage)state;
	reader_copy(&r, l->account, sizeof(l->account));
	reader_copy(&r, l->access_hash, sizeof(l->access_hash));
	get_numbers(&r, l);
	l->to[reader_blob_copy(&r, (uint8_t *)l->to, WEB_LETTER_TO_MAX)] = 0;
	l->message_id[reader_blob_copy(&r, (uint8_t *)l->message_id, WEB_LETTER_MESSAGE_ID_MAX)] =
		0;
	l->note_len = reader_blob_copy(&r, l->note, sizeof(l->note));
	if (version != RECORD_UNTIMED)
		l->send_at = (int64_t)reader_be64(&r);
	return reader_end(&r) || state >= WEB_LETTER_STATES ? LL_ERR_CORRUPT : LL_OK;
}

/* --- in the store --- */

int
letter_load(const struct web_place *p, const uint8_t id[WEB_ID], struct letter *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(RECORD_MAX);
	struct web_row_key k = record_key(id);
	struct letter l = {0};
	int r = web_row_get(p, web_row_slice(&k), &plain);

	if (r == LL_OK)
		r = decode(buf_slice(&plain), &l);
	if (r)
		return r;
	memcpy(l.id, id, WEB_ID);
	l.due = letter_due(&l);
	*ret = l;
	return LL_OK;
}

static void
add_letter(struct web_rows *w, const struct letter *l, bool is_new)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(RECORD_MAX);
	int64_t due = letter_due(l);
	uint8_t size[8];

	be64_put(size, letter_size(l));
	w->err = encode(l, &plain);
	web_rows_put(w, is_new ? STORE_PUT_NEW : STORE_PUT, record_key(l->id), buf_slice(&plain));
	web_rows_put(w, STORE_PUT, owner_key(l), SLICE_OF(size));
	if (l->due && l->due != due)
		web_rows_delete(w, due_key(l->due, l->id));
	web_rows_put(w, STORE_PUT, due_key(due, l->id), SLICE_NONE);
}

/* What add_letter put there, and what was added to it. */
static int
commit_letter(const struct web_rows *w, struct letter *l)
{
	int r = web_rows_commit(w);

	if (r == LL_OK)
		l->due = letter_due(l);
	return r;
}

int
letter_save(const struct web_place *p, struct letter *l, bool is_new)
{
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(p);

	add_letter(&w, l, is_new);
	return commit_letter(&w, l);
}

int
letter_delete(const struct web_place *p, const struct letter *l)
{
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(p);

	web_rows_delete(&w, record_key(l->id));
	web_rows_delete(&w, owner_key(l));
	web_rows_delete(&w, due_key(l->due, l->id));
	return web_rows_commit(&w);
}

int
letter_reply_queue(const struct web_place *p, struct letter *l, uint16_t reply)
{
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(p);

	add_letter(&w, l, false);
	web_rows_put(&w, STORE_PUT, reply_key(l->id, reply), SLICE_NONE);
	return commit_letter(&w, l);
}

int
letter_reply_done(const struct web_place *p, const uint8_t id[WEB_ID], uint16_t reply)
{
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(p);

	web_rows_delete(&w, reply_key(id, reply));
	return web_rows_commit(&w);
}

/* --- lists --- */

struct walk {
	const struct web_place *p;
	letter_row *row;
	letter_waiting *waiting;
	void *ctx;
	size_t skip, max, n;
	uint8_t (*ids)[WEB_ID];
};

static int
on_owned(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf size = BUF_INIT(64);
	struct walk *w = ctx;
	int r = key.len != w->skip + WEB_ID
		? LL_ERR_CORRUPT
		: directory_open(w->p->keys, store_directory.b, key, value, &size);

	if (r == LL_OK && size.len != 8)
		r = LL_ERR_CORRUPT;
	return r ? r : w->row(w->ctx, key.ptr + w->skip, be64_get(size.ptr));
}

int
letter_each(const struct web_place *p, const uint8_t account[WEB_ID], letter_row *row, void *ctx)
{
	struct web_row_key prefix = web_row_key("ltra/", slice_new(account, WEB_ID), SLICE_NONE);
	struct walk w = {.p = p, .row = row, .ctx = ctx, .skip = prefix.len};

	return p->store
		? store_each(p->store, store_directory, web_row_slice(&prefix), on_owned, &w)
		: LL_ERR_CLOSED;
}

static int
on_due(void *ctx, struct slice key, struct slice value)
{
	struct walk *w = ctx;

	if (key.len != w->skip + 8 + WEB_ID)
		return LL_ERR_CORRUPT;
	if (w->n < w->max)
		memcpy(w->ids[w->n++], key.ptr + w->skip + 8, WEB_ID);
	return LL_OK;
}

int
letter_due_now(const struct web_place *p, int64_t now, size_t max, uint8_t (*ret_ids)[WEB_ID],
	size_t *ret_n)
{
	struct web_row_key from = web_row_key("ltre/", SLICE_NONE, SLICE_NONE);
	struct web_row_key to = due_key(now + 1, (const uint8_t[WEB_ID]){0});
	struct walk w = {.ids = ret_ids, .max = max, .skip = from.len};
	bool more;
	int r = p->store ? store_range(p->store, store_directory, web_row_slice(&from),
				   web_row_slice(&to), max, on_due, &w, &more)
			 : LL_ERR_CLOSED;

	if (r == LL_OK)
		*ret_n = w.n;
	return r;
}

static int
on_waiting(void *ctx, struct slice key, struct slice value)
{
	struct walk *w = ctx;

	if (key.len != w->skip + WEB_ID + 2)
		return LL_ERR_CORRUPT;
	return w->waiting(w->ctx, key.ptr + w->skip, be16_get(key.ptr + w->skip + WEB_ID));
}

int
letter_replies(const struct web_place *p, const uint8_t *id, letter_waiting *each, void *ctx)
{
	struct web_row_key prefix =
		web_row_key("ltrq/", slice_new(id, id ? WEB_ID : 0), SLICE_NONE);
	struct walk w = {.waiting = each, .ctx = ctx, .skip = strlen("ltrq/")};

	return p->store
		? store_each(p->store, store_directory, web_row_slice(&prefix), on_waiting, &w)
		: LL_ERR_CLOSED;
}
