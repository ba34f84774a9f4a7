/* The delivery process's half of delivery; see deliver.h. It holds public keys only. */
#include "account/deliver.h"

#include "account/delivered.h"
#include "account/parcel.h"
#include "base/secret.h"

#include <stdlib.h>
#include <sys/random.h>

#define INLINE_BODY_MAX ((size_t)48 << 10)
#define TEXT_MAX 2048 /* of addresses, names and keywords in a record */

struct delivery {
	struct parcel p;
	uint64_t now_ms;
	uint64_t order; /* time in the key: as now_ms, but never the same twice in this process */
};

static int
system_random(void *ctx, void *p, size_t n)
{
	uint8_t *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0)
			return LL_ERR_IO;
		at += got;
		n -= (size_t)got;
	}
	return LL_OK;
}

/* It says nothing of one message to the next: one for the process. */
static struct signature_builder *
signer_shared(void)
{
	static struct signature_builder *signer;

	if (!signer)
		signer = signature_builder_new();
	return signer;
}

int
delivery_new(struct slice message, uint64_t now_ms, struct delivery **ret)
{
	static uint64_t last;
	struct delivery *d = calloc(1, sizeof(*d));
	struct signature_builder *signer = signer_shared();
	int err = LL_ERR_NOMEM;

	if (d && signer)
		err = parcel_make(message, signer, system_random, NULL, &d->p);
	if (err) {
		free(d);
		return err;
	}
	d->now_ms = now_ms;
	d->order = last = MAX(now_ms, last + 1);
	*ret = d;
	return LL_OK;
}

void
delivery_free(struct delivery *d)
{
	if (!d)
		return;
	parcel_done(&d->p);
	free(d);
}

bool
delivery_large(const struct delivery *d)
{
	return d->p.body_sealed.len > INLINE_BODY_MAX || parcel_has_side(&d->p);
}

int
delivery_stage(struct delivery *d, struct store *s)
{
	return parcel_stage(&d->p, s);
}

void
delivery_record_done(struct delivery_record *r)
{
	buf_done(&r->value);
}

/* ---- What the record says ---- */

static size_t
text_len(const struct delivery_recipient *rcpt)
{
	size_t n = rcpt->address.len + rcpt->mailbox.len;

	for (size_t i = 0; i < rcpt->n_keywords; i++)
		n += rcpt->keywords[i].len;
	return n;
}

int
delivered_encode(const struct delivered *d, struct buf *out)
{
	buf_putc(out, DELIVERED_VERSION);
	buf_put_varint(out, d->size);
	buf_put_be64(out, (uint64_t)d->internal_date);
	buf_put(out, SLICE_OF(d->key));
	buf_put(out, SLICE_OF(d->blob.b));
	buf_put(out, SLICE_OF(d->side.b));
	buf_put_varint(out, d->side_meta);
	buf_put_varint(out, d->side_sig);
	buf_put_varint(out, d->role);
	buf_put_varint(out, d->create);
	buf_put_varint(out, d->flags);
	buf_put_blob(out, d->recipient);
	buf_put_blob(out, d->mailbox);
	buf_put_varint(out, d->n_keywords);
	for (size_t i = 0; i < d->n_keywords; i++)
		buf_put_blob(out, d->keywords[i]);
	buf_put_blob(out, d->meta);
	buf_put_blob(out, d->sig);
	return buf_err(out);
}

static uint32_t
small(struct reader *r)
{
	uint64_t v = reader_varint(r);

	if (v > UINT32_MAX)
		r->err = LL_ERR_SYNTAX;
	return (uint32_t)v;
}

static void
bytes(struct reader *r, uint8_t *p, size_t n)
{
	struct slice s = reader_bytes(r, n);

	if (s.len == n)
		memcpy(p, s.ptr, n);
}

int
delivered_decode(struct slice plain, struct delivered *ret)
{
	struct reader r = reader_new(plain);
	struct delivered d = {0};

	if (reader_u8(&r) != DELIVERED_VERSION)
		return LL_ERR_UNSUPPORTED;
	d.size = reader_varint(&r);
	d.internal_date = (int64_t)reader_be64(&r);
	bytes(&r, d.key, sizeof(d.key));
	bytes(&r, d.blob.b, sizeof(d.blob.b));
	bytes(&r, d.side.b, sizeof(d.side.b));
	d.side_meta = small(&r);
	d.side_sig = small(&r);
	d.role = small(&r);
	d.create = small(&r) != 0;
	d.flags = reader_varint(&r);
	d.recipient = reader_blob(&r);
	d.mailbox = reader_blob(&r);
	d.n_keywords = small(&r);
	if (d.n_keywords > DELIVERY_KEYWORDS_MAX)
		return LL_ERR_CORRUPT;
	for (size_t i = 0; i < d.n_keywords; i++)
		d.keywords[i] = reader_blob(&r);
	d.meta = reader_blob(&r);
	d.sig = reader_blob(&r);
	if (reader_end(&r) || d.size > MESSAGE_SIZE_MAX || d.side_meta > META_BYTES_MAX ||
		d.side_sig > SIGNATURE_BYTES_MAX || d.role >= MAILBOX_ROLES)
		return LL_ERR_CORRUPT;
	*ret = d;
	return LL_OK;
}

struct record_header
delivered_header(struct store_id account, const uint8_t object[RECORD_ID_LEN], uint32_t keyver)
{
	struct record_header h = {
		.kind = RECORD_DELIVERED, .area = RECORD_AREA_MAIL, .keyver = keyver};

	memcpy(h.account, account.b, sizeof(h.account));
	memcpy(h.object, object, RECORD_ID_LEN);
	return h;
}

static void
delivered_fill(
	const struct delivery *d, const struct delivery_recipient *rcpt, struct delivered *out)
{
	*out = (struct delivered){.size = d->p.size,
		.internal_date = (int64_t)(d->now_ms / 1000),
		.blob = d->p.blob,
		.side = d->p.side,
		.side_meta = d->p.side_meta,
		.side_sig = d->p.side_sig,
		.role = rcpt->role,
		.create = rcpt->create,
		.flags = rcpt->flags & FLAGS_SYSTEM,
		.recipient = rcpt->address,
		.mailbox = rcpt->mailbox,
		.n_keywords = rcpt->n_keywords,
		.meta = parcel_inline_meta(&d->p),
		.sig = parcel_inline_sig(&d->p)};
	memcpy(out->key, d->p.key, sizeof(out->key));
	for (size_t i = 0; i < rcpt->n_keywords; i++)
		out->keywords[i] = rcpt->keywords[i];
}

static void
delivery_ops(const struct delivery *d, struct delivery_record *r)
{
	const struct parcel *p = &d->p;

	r->n = 0;
	r->ops[r->n++] = (struct store_op){.kind = p->body_staged ? STORE_BLOB_REF : STORE_BLOB_NEW,
		.value = buf_slice(&p->body_sealed),
		.blob = p->blob};
	if (parcel_has_side(p))
		r->ops[r->n++] = (struct store_op){.kind = STORE_BLOB_REF, .blob = p->side};
	r->ops[r->n++] = (struct store_op){
		.kind = STORE_PUT_NEW, .key = SLICE_OF(r->key), .value = buf_slice(&r->value)};
}

int
delivery_seal(struct delivery *d, struct record_sender *sender,
	const struct delivery_recipient *rcpt, struct delivery_record *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(STORE_VALUE_MAX);
	struct delivered out;
	struct record_header h;
	int err;

	if (rcpt->n_keywords > DELIVERY_KEYWORDS_MAX || text_len(rcpt) > TEXT_MAX ||
		(delivery_large(d) && !d->p.body_staged))
		return LL_ERR_LIMIT;
	ret->value = BUF_INIT(STORE_VALUE_MAX);
	memcpy(ret->key, IN_PREFIX, sizeof(IN_PREFIX) - 1);
	be64_put(ret->key + sizeof(IN_PREFIX) - 1, d->order);
	err = system_random(NULL, ret->key + DELIVERY_KEY_LEN - 8, 8);
	delivered_fill(d, rcpt, &out);
	if (!err)
		err = delivered_encode(&out, &plain);
	secret_wipe(out.key, sizeof(out.key));
	h = delivered_header(
		rcpt->account, ret->key + DELIVERY_KEY_LEN - RECORD_ID_LEN, rcpt->keyver);
	if (!err)
		err = record_kem_seal(sender, &h, buf_slice(&plain), &ret->value);
	if (err) {
		delivery_record_done(ret);
		return err;
	}
	delivery_ops(d, ret);
	return LL_OK;
}
