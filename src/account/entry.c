/* The immutable entry of an email: where its body is, its dates, thread and metadata. */
#include "account/engine.h"

#include "account/message.h"
#include "base/secret.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define ENTRY_VERSION 1

int
entry_encode(const struct entry *e, struct buf *out)
{
	buf_putc(out, ENTRY_VERSION);
	buf_put_varint(out, e->thread);
	buf_put_varint(out, e->keyver);
	buf_put_be64(out, (uint64_t)e->internal_date);
	buf_put_varint(out, e->size);
	buf_put(out, SLICE_OF(e->blob.b));
	buf_put(out, SLICE_OF(e->key));
	buf_put_varint(out, e->side_meta);
	buf_put_varint(out, e->side_sig);
	if (entry_has_side(e))
		buf_put(out, SLICE_OF(e->side.b));
	buf_put_blob(out, e->recipient);
	buf_put_blob(out, e->meta);
	return buf_err(out);
}

static uint32_t
entry_u32(struct reader *r)
{
	uint64_t v = reader_varint(r);

	if (v > UINT32_MAX)
		r->err = LL_ERR_SYNTAX;
	return (uint32_t)v;
}

static void
entry_bytes(struct reader *r, uint8_t *p, size_t n)
{
	struct slice s = reader_bytes(r, n);

	if (s.len == n)
		memcpy(p, s.ptr, n);
}

int
entry_decode(struct slice item, struct entry *ret)
{
	struct reader r = reader_new(item);
	struct entry e = {0};

	if (reader_u8(&r) != ENTRY_VERSION)
		return LL_ERR_UNSUPPORTED;
	e.thread = entry_u32(&r);
	e.keyver = entry_u32(&r);
	e.internal_date = (int64_t)reader_be64(&r);
	e.size = reader_varint(&r);
	entry_bytes(&r, e.blob.b, sizeof(e.blob.b));
	entry_bytes(&r, e.key, sizeof(e.key));
	e.side_meta = entry_u32(&r);
	e.side_sig = entry_u32(&r);
	if (entry_has_side(&e))
		entry_bytes(&r, e.side.b, sizeof(e.side.b));
	e.recipient = reader_blob(&r);
	e.meta = reader_blob(&r);
	if (reader_end(&r) || e.side_meta > META_BYTES_MAX || e.side_sig > SIGNATURE_BYTES_MAX ||
		e.size > MESSAGE_SIZE_MAX)
		return LL_ERR_CORRUPT;
	*ret = e;
	return LL_OK;
}

int
entry_get(struct account *a, uint32_t email, struct page **ret_page, struct entry *ret)
{
	struct slice item;
	int err = page_item(a, REC_MSG, email, ret_page, &item);

	return err ? err : entry_decode(item, ret);
}

/* ---- The second blob ---- */

int
entry_side(struct account *a, const struct entry *e, struct buf *out)
{
	uint8_t key[RECORD_KEY_LEN];
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_BLOB_MAX);
	size_t len = (size_t)e->side_meta + e->side_sig, start = out->len;
	int err = store_blob_read(
		a->env.store, a->env.id, e->side, 0, (size_t)cobblestone_sealed_len(len), &sealed);

	if (!err)
		err = vault_mask(a->vault, e->keyver, e->blob, e->key, key);
	if (err)
		return err;
	err = record_blob_open(key, e->side.b, buf_slice(&sealed), out);
	secret_wipe(key, sizeof(key));
	return err ? err : out->len - start == len ? LL_OK : LL_ERR_CORRUPT;
}

static int
page_side(
	struct account *a, struct page *p, uint32_t slot, const struct entry *e, struct slice *ret)
{
	struct buf *b = p->side[slot];

	if (!b) {
		int err;
		b = malloc(sizeof(*b));
		if (!b)
			return LL_ERR_NOMEM;
		*b = BUF_SECRET(META_BYTES_MAX + SIGNATURE_BYTES_MAX);
		err = entry_side(a, e, b);
		if (err) {
			buf_done(b);
			free(b);
			return err;
		}
		p->side[slot] = b;
		page_account(a, p, b->cap);
	}
	*ret = buf_slice(b);
	return LL_OK;
}

/* ---- Views ---- */

int
entry_meta(struct account *a, struct page *p, uint32_t email, const struct entry *e,
	const struct message_meta **ret)
{
	uint32_t slot = email & (SLOTS - 1);
	struct slice bytes = e->meta;
	struct message_meta *m = p->meta[slot];
	int err = LL_OK;

	if (m) {
		*ret = m;
		return LL_OK;
	}
	if (e->side_meta)
		err = page_side(a, p, slot, e, &bytes);
	if (err)
		return err;
	if (e->side_meta)
		bytes.len = e->side_meta;
	m = malloc(sizeof(*m));
	if (!m)
		return LL_ERR_NOMEM;
	a->spent += SPENT_META;
	err = message_meta_decode(bytes, m);
	if (err) {
		free(m);
		return err;
	}
	p->meta[slot] = m;
	page_account(a, p, sizeof(*m));
	*ret = m;
	return LL_OK;
}

int
entry_signature(struct account *a, uint32_t email, struct slice *ret)
{
	struct page *p;
	struct entry e;
	struct slice all;
	int err = page_item(a, REC_SIG, email, &p, ret);

	if (err != LL_ERR_NOTFOUND && (err || ret->len))
		return err;
	*ret = SLICE_NONE;
	err = entry_get(a, email, &p, &e);
	if (err || !e.side_sig)
		return err;
	err = page_side(a, p, email & (SLOTS - 1), &e, &all);
	if (!err)
		*ret = slice_skip(all, e.side_meta);
	return err;
}

int
message_get(struct account *a, uint32_t email, struct message *ret)
{
	struct page *p;
	struct entry e;
	const struct message_meta *m;
	int err = entry_get(a, email, &p, &e);

	if (!err)
		err = entry_meta(a, p, email, &e, &m);
	if (err)
		return err;
	ret->email = email;
	ret->thread = e.thread;
	ret->internal_date = e.internal_date;
	ret->size = e.size;
	ret->meta = *m;
	ret->recipient = e.recipient;
	return LL_OK;
}

int
message_read(struct account *a, uint32_t email, uint64_t offset, uint64_t len, struct buf *out)
{
	struct page *p;
	struct entry e;
	int err = entry_get(a, email, &p, &e);

	return err ? err : body_read(a, &e, offset, len, out);
}

void
message_expect(struct account *a, uint32_t email)
{
	struct page *p;
	struct entry e;

	if (entry_get(a, email, &p, &e) == LL_OK)
		body_expect(a, &e);
}

/* ---- Ids as text ---- */

void
message_email_id(uint32_t email, char ret_text[MESSAGE_ID_TEXT_MAX])
{
	snprintf(ret_text, MESSAGE_ID_TEXT_MAX, "M%08x", email);
}

void
message_thread_id(uint32_t thread, char ret_text[MESSAGE_ID_TEXT_MAX])
{
	snprintf(ret_text, MESSAGE_ID_TEXT_MAX, "T%08x", thread);
}

static bool
id_parse(struct slice s, uint8_t letter, uint32_t *ret)
{
	uint32_t v = 0;

	if (s.len != 9 || s.ptr[0] != letter)
		return false;
	for (size_t i = 1; i < s.len; i++) {
		int digit = s.ptr[i] >= 'A' && s.ptr[i] <= 'F' ? -1 : hex_value(s.ptr[i]);
		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
	}
	*ret = v;
	return v != 0;
}

bool
message_email_id_parse(struct slice s, uint32_t *ret_email)
{
	return id_parse(s, 'M', ret_email);
}

bool
message_thread_id_parse(struct slice s, uint32_t *ret_thread)
{
	return id_parse(s, 'T', ret_thread);
}

void
mailbox_id_text(struct store_id id, char ret_text[MAILBOX_ID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = ret_text;

	*p++ = 'F';
	for (size_t i = 0; i < sizeof(id.b); i++) {
		*p++ = digits[id.b[i] >> 4];
		*p++ = digits[id.b[i] & 15];
	}
	*p = '\0';
}
