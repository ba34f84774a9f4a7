/* Sealing of DKIM private keys; the record key is part of the context, so that no key can be put in
 * the place of another. */
#include "roles/dkim_store.h"
#include "base/error.h"
#include "keys/cobblestone.h"

#define VERSION 1
#define CONTEXT_MAX 256

static int
put_context(struct buf *b, struct slice record_key)
{
	(void)buf_put(b, S("letterlock/1/dkim\0"));
	return buf_put(b, record_key);
}

int
dkim_store_seal(const uint8_t secret[DKIM_STORE_KEY_LEN], struct slice record_key,
	const struct dkim_stored *d, struct buf *ret)
{
	CLEANUP(buf_done) struct buf context = BUF_INIT(CONTEXT_MAX);
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(DKIM_STORE_PLAIN_MAX);
	int r = put_context(&context, record_key);

	buf_putc(&plain, VERSION);
	buf_putc(&plain, (uint8_t)d->alg);
	buf_put_be64(&plain, (uint64_t)d->created);
	buf_put_blob(&plain, d->domain);
	buf_put_blob(&plain, d->selector);
	buf_put_blob(&plain, d->key);
	if (r == LL_OK)
		r = buf_err(&plain);
	return r ? r : cobblestone_seal(secret, buf_slice(&context), buf_slice(&plain), ret);
}

int
dkim_store_open(const uint8_t secret[DKIM_STORE_KEY_LEN], struct slice record_key,
	struct slice sealed, struct buf *plain, struct dkim_stored *ret)
{
	CLEANUP(buf_done) struct buf context = BUF_INIT(CONTEXT_MAX);
	struct dkim_stored d;
	struct reader r;
	uint8_t alg;
	int err = put_context(&context, record_key);

	if (!err)
		err = cobblestone_open(secret, buf_slice(&context), sealed, plain);
	if (err)
		return err;
	r = reader_new(buf_slice(plain));
	if (reader_u8(&r) != VERSION)
		return LL_ERR_SYNTAX;
	alg = reader_u8(&r);
	d.created = (int64_t)reader_be64(&r);
	d.domain = reader_blob(&r);
	d.selector = reader_blob(&r);
	d.key = reader_blob(&r);
	if (reader_end(&r) || alg > DKIM_ED25519_SHA256)
		return LL_ERR_SYNTAX;
	d.alg = (enum dkim_alg)alg;
	*ret = d;
	return LL_OK;
}
