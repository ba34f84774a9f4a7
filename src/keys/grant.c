/* Grants: HPKE says who can read the key, the signature says that the owner gave it; both cover the
 * whole header, so a grant fits one account, unlocker, area and version only. */
#include "keys/grant.h"
#include "base/error.h"

#include <string.h>

static struct record_header
header_of(const struct grant *g)
{
	struct record_header h = {
		.kind = RECORD_GRANT, .suite = RECORD_KEM, .area = g->area, .keyver = g->version};

	memcpy(h.account, g->account, RECORD_ID_LEN);
	memcpy(h.object, g->unlocker, RECORD_ID_LEN);
	memcpy(h.author, g->account, RECORD_ID_LEN);
	return h;
}

int
grant_seal(struct record_sender *to, const struct ed25519_key *identity, const struct grant *g,
	const uint8_t key[RECORD_KEY_LEN], struct buf *ret)
{
	struct record_header h = header_of(g);
	const size_t from = ret->len;
	int err = record_kem_seal(to, &h, slice_new(key, RECORD_KEY_LEN), ret);

	if (!err)
		err = record_sign(identity, RECORD_GRANT, ret, from);
	if (err)
		buf_truncate(ret, from);
	return err;
}

int
grant_open(struct record_opener *opener, const uint8_t identity[ED25519_PUBLIC_LEN],
	const struct grant *g, struct slice record, uint8_t ret_key[RECORD_KEY_LEN])
{
	CLEANUP(buf_done) struct buf key = BUF_SECRET(RECORD_KEY_LEN * 4);
	struct record_want want = {header_of(g), 0};
	struct slice unsigned_record;
	int err = record_verify(identity, RECORD_GRANT, record, &unsigned_record);

	if (!err)
		err = record_kem_open(opener, &want, unsigned_record, NULL, &key);
	if (err)
		return err;
	if (key.len != RECORD_KEY_LEN)
		return LL_ERR_SYNTAX;
	memcpy(ret_key, key.ptr, RECORD_KEY_LEN);
	return LL_OK;
}
