/* OpenPGP keys that owners publish here. They are public; what is checked is that they are keys,
 * that their owner has signed for the fingerprint, and that they tell nothing but the address asked
 * for. */
#include "base/error.h"
#include "base/log.h"
#include "mail/pgp_key.h"
#include "roles/auth.h"

#include <string.h>

#define PUBLISHED "openpgp"

static struct slice
domain_of(struct slice address)
{
	size_t at = slice_rfind_byte(address, '@');

	return at == SLICE_NPOS ? SLICE_NONE : slice_skip(address, at + 1);
}

static struct slice
local_of(struct slice address)
{
	return slice_sub(address, 0, slice_rfind_byte(address, '@'));
}

/* --- publishing --- */

static bool
lists(const struct manifest *m, const struct pgp_key *k)
{
	for (size_t i = 0; i < m->n_fingerprints; i++)
		if (m->fingerprints[i].len == k->fingerprint_len &&
			memcmp(m->fingerprints[i].bytes, k->fingerprint, k->fingerprint_len) == 0)
			return true;
	return false;
}

static int
check_manifest(const struct directory_account *a, const struct pgp_key *k)
{
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	struct key_records records = {0};
	struct account_pin pin;
	int r = login_manifests(a->id, &a->pin, &records);

	if (r == LL_OK)
		r = account_manifest(a->id, &a->pin, &records, &m, &pin);
	key_records_done(&records);
	return r ? r : lists(m, k) ? LL_OK : LL_ERR_DENIED;
}

static int
check_key(const struct directory_account *a, struct slice key)
{
	CLEANUP(buf_done) struct buf one = BUF_INIT(PGP_KEY_MAX);
	struct pgp_key k;
	int r = pgp_key_read(key, &k);

	if (r == LL_OK)
		r = pgp_key_for_address(key, slice_str(a->address), &one);
	return r ? r : check_manifest(a, &k);
}

int
pgp_publish(const uint8_t account[RECORD_ID_LEN], struct slice key)
{
	char hash[PGP_WKD_HASH_LEN + 1];
	struct directory_account a;
	struct slice address;
	int r = directory_account(auth.directory, account, &a);

	if (r == LL_OK && key.len)
		r = check_key(&a, key);
	address = slice_str(a.address);
	if (r == LL_OK)
		r = pgp_wkd_hash(local_of(address), hash);
	if (r == LL_OK)
		r = directory_setting_put(auth.directory, account, PUBLISHED, key);
	return r ? r
		 : directory_wkd_put(auth.directory, domain_of(address), slice_str(hash),
			   key.len ? account : NULL);
}

/* --- being asked --- */

struct found {
	uint8_t account[RECORD_ID_LEN];
	unsigned n;
};

static int
on_found(void *ctx, const struct directory_account *a, struct slice outside)
{
	struct found *f = ctx;

	f->n++;
	if (a)
		memcpy(f->account, a->id, RECORD_ID_LEN);
	else
		f->n++; /* it leaves this server: nobody's key here is right */
	return LL_OK;
}

/* The key of the one account that the address leads to. A group has none. */
static int
key_by_address(struct slice address, struct buf *out)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(DIRECTORY_SETTING_MAX);
	struct found f = {.n = 0};
	int r = directory_resolve(auth.directory, address, on_found, &f);

	if (r == LL_OK && f.n != 1)
		r = LL_ERR_NOTFOUND;
	if (r == LL_OK)
		r = directory_setting(auth.directory, f.account, PUBLISHED, &key);
	return r ? r : pgp_key_for_address(buf_slice(&key), address, out);
}

static int
key_by_hash(struct slice domain, struct slice hash, struct buf *out)
{
	struct directory_account a;
	uint8_t account[RECORD_ID_LEN];
	int r = directory_wkd(auth.directory, domain, hash, account);

	if (r == LL_OK)
		r = directory_account(auth.directory, account, &a);
	return r ? r : key_by_address(slice_str(a.address), out);
}

void
pgp_query(struct ipc_channel *frontend, const struct msg_pgp_query *m)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(PGP_KEY_MAX);
	struct msg_pgp_reply reply = {.id = m->id};
	struct slice domain = domain_of(m->address);
	int r = directory_domain(auth.directory, domain);

	reply.local = r == LL_OK;
	if (r == LL_OK)
		r = m->hash.len ? key_by_hash(domain, m->hash, &key)
				: key_by_address(m->address, &key);
	if (r && r != LL_ERR_NOTFOUND && r != LL_ERR_SYNTAX && r != LL_ERR_DENIED)
		log_warn("pgp-query", "error=%s", log_quote(slice_str(ll_strerror(r))));
	reply.err = (uint8_t)-r;
	if (r == LL_OK)
		reply.key = buf_slice(&key);
	(void)ipc_send_pgp_reply(frontend, &reply, -1);
}
