/* What a sign-in reads of an account: its verifiers, its manifests, the records of its keys. */
#include "base/error.h"
#include "keys/verifier.h"
#include "roles/auth.h"

#include <string.h>

struct verifier_rows {
	const uint8_t *account;
	login_verifier *each;
	void *ctx;
};

static int
verifier_row(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(VERIFIER_MAX);
	struct verifier_rows *rows = ctx;
	struct verifier v;
	int r = directory_open(auth.keys, rows->account, key, value, &plain);

	if (r == LL_OK)
		r = verifier_decode(buf_slice(&plain), &v);
	return r ? r : rows->each(rows->ctx, &v);
}

int
login_verifiers(const uint8_t account[RECORD_ID_LEN], login_verifier *each, void *ctx)
{
	struct verifier_rows rows = {account, each, ctx};
	struct store_id id;

	memcpy(id.b, account, sizeof(id.b));
	return auth.store
		? store_each(auth.store, id, S(ACCOUNT_VERIFIER_PREFIX), verifier_row, &rows)
		: LL_ERR_CLOSED;
}

int
login_manifests(const uint8_t account[RECORD_ID_LEN], const struct account_pin *pin,
	struct key_records *ret)
{
	/* Newest first; the pinned one is the last that is wanted. */
	struct account_key end = account_key_manifest(pin->seq);
	size_t before = ret->v.len;
	bool more = true;
	struct store_id id;
	int r = auth.store ? LL_OK : LL_ERR_CLOSED;

	memcpy(id.b, account, sizeof(id.b));
	end.bytes[end.len++] = 0;
	while (r == LL_OK && more) {
		struct slice from = ret->v.len > before ? ret->v.at[ret->v.len - 1].key
							: S(ACCOUNT_MANIFEST_PREFIX);
		uint8_t next[ACCOUNT_KEY_MAX + 1] = {0};

		memcpy(next, from.ptr, from.len);
		r = store_range(auth.store, id, slice_new(next, from.len + (ret->v.len > before)),
			account_key_slice(&end), 0, key_records_row, ret, &more);
	}
	return r;
}

int
login_key_records(const uint8_t account[RECORD_ID_LEN], const struct account_pin *pin,
	struct key_records *ret)
{
	static const char *const prefixes[] = {ACCOUNT_ANCHOR_PREFIX, ACCOUNT_GRANT_PREFIX,
		ACCOUNT_KEYRING_PREFIX, ACCOUNT_UNLOCK_PREFIX};
	struct store_id id;
	int r = login_manifests(account, pin, ret);

	memcpy(id.b, account, sizeof(id.b));
	for (size_t i = 0; i < ARRAY_SIZE(prefixes) && r == LL_OK; i++)
		r = store_each(auth.store, id, slice_str(prefixes[i]), key_records_row, ret);
	return r;
}
