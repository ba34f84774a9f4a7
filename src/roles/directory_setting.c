/* What the directory keeps of an account besides its entry: settings by name, and the index of the
 * Web Key Directory. */
#include "base/error.h"
#include "roles/directory.h"
#include "roles/directory_priv.h"
#include "store/service.h"

#include <string.h>

#define SETTING_PREFIX "set/"

static struct directory_record
setting_key(const uint8_t account[RECORD_ID_LEN], const char *name)
{
	struct directory_record k = {.len = sizeof(SETTING_PREFIX) - 1 + RECORD_ID_LEN};

	memcpy(k.bytes, SETTING_PREFIX, sizeof(SETTING_PREFIX) - 1);
	memcpy(k.bytes + sizeof(SETTING_PREFIX) - 1, account, RECORD_ID_LEN);
	while (*name && k.len < sizeof(k.bytes))
		k.bytes[k.len++] = (uint8_t)*name++;
	return k;
}

int
directory_setting(struct directory *d, const uint8_t account[RECORD_ID_LEN], const char *name,
	struct buf *ret)
{
	struct directory_record k = setting_key(account, name);

	return directory_get(d, &k, ret);
}

bool
directory_has_setting(struct directory *d, const uint8_t account[RECORD_ID_LEN], const char *name)
{
	CLEANUP(buf_done) struct buf value = BUF_SECRET(DIRECTORY_SETTING_MAX);

	return directory_setting(d, account, name, &value) == LL_OK;
}

int
directory_setting_put(struct directory *d, const uint8_t account[RECORD_ID_LEN], const char *name,
	struct slice value)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct directory_record k = setting_key(account, name);
	struct store_op op = {.kind = STORE_DEL, .key = directory_record_slice(&k)};
	int r = value.len > DIRECTORY_SETTING_MAX ? LL_ERR_LIMIT
		: value.len ? directory_add_put(d, &k, false, value, &sealed, &op)
			    : LL_OK;

	return r ? r : directory_commit(d, &op, 1);
}

static int
setting_delete(void *ctx, struct slice key, struct slice value)
{
	struct store_op op = {.kind = STORE_DEL, .key = key};

	return directory_commit(ctx, &op, 1);
}

int
directory_settings_delete(struct directory *d, const uint8_t account[RECORD_ID_LEN])
{
	struct directory_record k = setting_key(account, "");

	return d->store ? store_each(d->store, store_directory, directory_record_slice(&k),
				  setting_delete, d)
			: LL_ERR_CLOSED;
}

static int
wkd_key(struct directory *d, struct slice domain, struct slice hash, struct directory_record *ret)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	int r;

	buf_put(&name, hash);
	buf_putc(&name, '@');
	r = directory_domain_name(domain, &name);
	if (r == LL_OK)
		*ret = directory_name_key(d, "wkd/", "wkd", buf_slice(&name));
	return r;
}

int
directory_wkd(struct directory *d, struct slice domain, struct slice hash,
	uint8_t ret_account[RECORD_ID_LEN])
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(64);
	struct directory_record k;
	int r = wkd_key(d, domain, hash, &k);

	if (r == LL_OK)
		r = directory_get(d, &k, &value);
	if (r == LL_OK && value.len != RECORD_ID_LEN)
		r = LL_ERR_CORRUPT;
	if (r == LL_OK)
		memcpy(ret_account, value.ptr, RECORD_ID_LEN);
	return r;
}

int
directory_wkd_put(
	struct directory *d, struct slice domain, struct slice hash, const uint8_t *account)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct directory_record k;
	struct store_op op;
	int r = wkd_key(d, domain, hash, &k);

	if (r)
		return r;
	op = (struct store_op){.kind = STORE_DEL, .key = directory_record_slice(&k)};
	if (account)
		r = directory_add_put(
			d, &k, false, slice_new(account, RECORD_ID_LEN), &sealed, &op);
	return r ? r : directory_commit(d, &op, 1);
}
