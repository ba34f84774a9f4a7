/* Parsing and sealing of one message; see parcel.h. */
#include "account/parcel.h"

#include "base/arena.h"
#include "base/secret.h"

#define PARSE_ARENA ((size_t)256 << 20)

void
parcel_done(struct parcel *p)
{
	secret_wipe(p->key, sizeof(p->key));
	buf_done(&p->meta);
	buf_done(&p->sig);
	buf_done(&p->body_sealed);
	buf_done(&p->side_sealed);
}

bool
parcel_has_side(const struct parcel *p)
{
	return p->side_meta || p->side_sig;
}

struct slice
parcel_inline_meta(const struct parcel *p)
{
	return p->side_meta ? SLICE_NONE : buf_slice(&p->meta);
}

struct slice
parcel_inline_sig(const struct parcel *p)
{
	return p->side_sig ? SLICE_NONE : buf_slice(&p->sig);
}

static int
parcel_parse(struct parcel *p, struct slice message, struct signature_builder *signer)
{
	struct arena arena = ARENA_INIT(PARSE_ARENA);
	struct message_meta m;
	int err = message_meta_make(&p->meta, message, NULL, &arena);

	arena_done(&arena);
	if (!err)
		err = buf_err(&p->meta);
	if (!err)
		err = message_meta_decode(buf_slice(&p->meta), &m);
	return err ? err : signature_make(signer, &p->sig, message, &m, signature_key);
}

static int
parcel_seal_side(struct parcel *p)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(META_BYTES_MAX + SIGNATURE_BYTES_MAX);

	p->side_meta = p->meta.len > META_INLINE_MAX ? (uint32_t)p->meta.len : 0;
	p->side_sig = p->sig.len > SIG_INLINE_MAX ? (uint32_t)p->sig.len : 0;
	if (!parcel_has_side(p))
		return LL_OK;
	if (p->side_meta)
		buf_put(&plain, buf_slice(&p->meta));
	if (p->side_sig)
		buf_put(&plain, buf_slice(&p->sig));
	if (buf_err(&plain))
		return buf_err(&plain);
	return record_blob_seal(p->key, p->side.b, buf_slice(&plain), &p->side_sealed);
}

static int
parcel_seal(struct parcel *p, struct slice message, random_fn *random, void *ctx)
{
	int err = random(ctx, p->key, sizeof(p->key));

	if (!err)
		err = random(ctx, p->blob.b, sizeof(p->blob.b));
	if (!err)
		err = random(ctx, p->side.b, sizeof(p->side.b));
	if (!err)
		err = record_blob_seal(p->key, p->blob.b, message, &p->body_sealed);
	return err ? err : parcel_seal_side(p);
}

int
parcel_make(struct slice message, struct signature_builder *signer, random_fn *random, void *ctx,
	struct parcel *ret)
{
	struct parcel p = {.size = message.len,
		.meta = BUF_SECRET(META_BYTES_MAX),
		.sig = BUF_SECRET(SIGNATURE_BYTES_MAX),
		.body_sealed = BUF_INIT(STORE_BLOB_MAX),
		.side_sealed = BUF_INIT(STORE_BLOB_MAX)};
	int err;

	if (message.len > MESSAGE_SIZE_MAX)
		return LL_ERR_LIMIT;
	err = parcel_parse(&p, message, signer);
	if (!err)
		err = parcel_seal(&p, message, random, ctx);
	if (err)
		parcel_done(&p);
	else
		*ret = p;
	return err;
}

int
parcel_stage(struct parcel *p, struct store *s)
{
	int err = LL_OK;

	if (!p->body_staged) {
		err = store_blob_put(s, p->blob, buf_slice(&p->body_sealed));
		p->body_staged = !err;
	}
	if (!err && parcel_has_side(p) && !p->side_staged) {
		err = store_blob_put(s, p->side, buf_slice(&p->side_sealed));
		p->side_staged = !err;
	}
	if (!err) {
		buf_done(&p->body_sealed);
		buf_done(&p->side_sealed);
	}
	return err;
}
