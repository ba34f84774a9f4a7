/* Body: version:1 account:16 unlocker:16 identity:32 type:1 scope:11 floor-seq:8 floor:3 */
#include "keys/anchor.h"
#include "base/error.h"
#include "keys/wire.h"

#include <string.h>

static bool
anchor_valid(const struct anchor *a)
{
	return wire_scope_valid(a->type, &a->scope) && ed25519_public_check(a->identity) == LL_OK;
}

int
anchor_encode(const struct anchor *a, struct buf *ret)
{
	if (!anchor_valid(a))
		return LL_ERR_SYNTAX;
	(void)buf_putc(ret, WIRE_VERSION);
	(void)buf_put(ret, SLICE_OF(a->account));
	(void)buf_put(ret, SLICE_OF(a->unlocker));
	(void)buf_put(ret, SLICE_OF(a->identity));
	(void)buf_putc(ret, (uint8_t)a->type);
	wire_put_scope(ret, &a->scope);
	(void)buf_put_be64(ret, a->floor_seq);
	wire_put_floor(ret, &a->floor);
	return buf_err(ret);
}

int
anchor_decode(struct slice body, struct anchor *ret)
{
	struct reader r = reader_new(body);
	struct anchor a;

	if (reader_u8(&r) != WIRE_VERSION)
		return LL_ERR_SYNTAX;
	wire_get(&r, a.account, sizeof(a.account));
	wire_get(&r, a.unlocker, sizeof(a.unlocker));
	wire_get(&r, a.identity, sizeof(a.identity));
	a.type = (enum unlock_type)reader_u8(&r);
	wire_get_scope(&r, &a.scope);
	a.floor_seq = reader_be64(&r);
	wire_get_floor(&r, &a.floor);
	if (reader_end(&r) != LL_OK || !anchor_valid(&a))
		return LL_ERR_SYNTAX;
	*ret = a;
	return LL_OK;
}

static struct record_header
header_of(const uint8_t account[RECORD_ID_LEN], const uint8_t unlocker[RECORD_ID_LEN])
{
	struct record_header h = {.kind = RECORD_ANCHOR, .suite = RECORD_SYM};

	memcpy(h.account, account, RECORD_ID_LEN);
	memcpy(h.object, unlocker, RECORD_ID_LEN);
	memcpy(h.author, account, RECORD_ID_LEN);
	return h;
}

int
anchor_seal(const uint8_t key[UNLOCK_KEY_LEN], const struct anchor *a, struct buf *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_SECRET(ANCHOR_BODY_MAX);
	struct record_header h = header_of(a->account, a->unlocker);
	int err = anchor_encode(a, &body);

	return err ? err : record_sym_seal(key, &h, buf_slice(&body), ret);
}

int
anchor_open(const uint8_t key[UNLOCK_KEY_LEN], const uint8_t account[RECORD_ID_LEN],
	const uint8_t unlocker[RECORD_ID_LEN], struct slice record, struct anchor *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_SECRET(ANCHOR_BODY_MAX);
	struct record_want want = {header_of(account, unlocker), 0};
	struct anchor a;
	int err = record_sym_open(key, &want, record, NULL, &body);

	if (!err)
		err = anchor_decode(buf_slice(&body), &a);
	if (err)
		return err;
	/* The AEAD has said it already; the body says it again for readers that keep only the body.
	 */
	if (memcmp(a.account, account, RECORD_ID_LEN) != 0 ||
		memcmp(a.unlocker, unlocker, RECORD_ID_LEN) != 0)
		return LL_ERR_AUTH;
	*ret = a;
	return LL_OK;
}
