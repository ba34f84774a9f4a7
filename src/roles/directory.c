/* Domains, accounts and addresses of the directory. Its records:
 *	dom/  HMAC("domain", name)     name
 *	addr/ HMAC("address", key)     kind:u8, then account id or targets; the address, for lists
 *	acct/ account id               the account
 *	set/  account id, name         what else is kept of it: directory_setting.c
 *	wkd/  HMAC("wkd", hash@domain) account id: where a published key is found */
#include "roles/directory.h"
#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "mail/address.h"
#include "roles/directory_priv.h"
#include "store/service.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX ((size_t)60000)

enum { ADDRESS_IS_ACCOUNT = 1, ADDRESS_IS_ALIAS = 2 };

static struct directory_record
account_record_key(const uint8_t id[RECORD_ID_LEN])
{
	struct directory_record k = {.len = 5 + RECORD_ID_LEN};

	memcpy(k.bytes, "acct/", 5);
	memcpy(k.bytes + 5, id, RECORD_ID_LEN);
	return k;
}

struct directory *
directory_new(struct store *s, const struct directory_keys *keys)
{
	struct directory *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	*d = (struct directory){.store = s, .keys = keys, .cache = map_new()};
	if (d->cache)
		return d;
	free(d);
	return NULL;
}

void
directory_free(struct directory *d)
{
	if (!d)
		return;
	map_free(d->cache, free);
	directory_own_forget(d);
	free(d);
}

void
directory_set_store(struct directory *d, struct store *s)
{
	d->store = s;
}

/* --- names --- */

int
directory_domain_name(struct slice domain, struct buf *ret)
{
	return domain.len == 0 || domain.ptr[0] == '[' ? LL_ERR_SYNTAX
						       : address_domain_ascii(ret, domain);
}

static void
split_address(struct slice address, struct slice *ret_local, struct slice *ret_domain)
{
	size_t at = slice_rfind_byte(address, '@');

	*ret_local = slice_sub(address, 0, at);
	*ret_domain = at == SLICE_NPOS ? SLICE_NONE : slice_skip(address, at + 1);
}

int
directory_key(struct slice address, struct buf *ret)
{
	struct slice local, domain;

	split_address(address, &local, &domain);
	if (local.len == 0) { /* a catch-all */
		buf_putc(ret, '@');
		return directory_domain_name(domain, ret);
	}
	return domain.len ? address_key(ret, local, domain) : LL_ERR_SYNTAX;
}

static int
address_record_key(struct directory *d, struct slice address, struct directory_record *ret)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(ADDRESS_KEY_MAX);
	int r = directory_key(address, &key);

	if (r == LL_OK)
		*ret = directory_name_key(d, "addr/", "address", buf_slice(&key));
	return r;
}

/* --- domains --- */

int
directory_domain(struct directory *d, struct slice domain)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024), value = BUF_INIT(VALUE_MAX);
	struct directory_record k;
	int r = directory_domain_name(domain, &name);

	if (r)
		return r;
	k = directory_name_key(d, "dom/", "domain", buf_slice(&name));
	return directory_get(d, &k, &value);
}

int
directory_domain_add(struct directory *d, struct slice domain)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024), sealed = BUF_INIT(STORE_VALUE_MAX);
	struct directory_record k;
	struct store_op op;
	int r = address_domain_check(domain, ADDRESS_UTF8);

	if (r == LL_OK)
		r = directory_domain_name(domain, &name);
	if (r)
		return r;
	k = directory_name_key(d, "dom/", "domain", buf_slice(&name));
	r = directory_add_put(d, &k, true, buf_slice(&name), &sealed, &op);
	directory_own_forget(d);
	return r ? r : directory_commit(d, &op, 1);
}

struct rows {
	struct directory *d;
	struct buf *lines;
	directory_row *row;
	void *ctx;
};

static int
domain_row(void *ctx, struct slice key, struct slice value)
{
	struct rows *rows = ctx;
	int r = directory_record_open(rows->d, key, value, rows->lines);

	return r ? r : buf_putc(rows->lines, '\n');
}

int
directory_domains(struct directory *d, struct buf *ret_lines)
{
	struct rows rows = {.d = d, .lines = ret_lines};

	return d->store ? store_each(d->store, store_directory, S("dom/"), domain_row, &rows)
			: LL_ERR_CLOSED;
}

/* --- accounts --- */

static int
account_encode(const struct directory_account *a, struct buf *out)
{
	buf_put(out, slice_new(a->id, sizeof(a->id)));
	buf_put_blob(out, slice_str(a->address));
	buf_putc(out, a->disabled);
	buf_put_be64(out, a->quota);
	buf_put_be64(out, (uint64_t)a->created);
	buf_put(out, slice_new(a->pin.identity, sizeof(a->pin.identity)));
	buf_put_be64(out, a->pin.seq);
	buf_put(out, slice_new(a->pin.hash, sizeof(a->pin.hash)));
	buf_put_be32(out, a->seal_version);
	buf_put(out, slice_new(a->seal_public, sizeof(a->seal_public)));
	return buf_err(out);
}

static void
read_fixed(struct reader *r, uint8_t *to, size_t n)
{
	struct slice s = reader_bytes(r, n);

	if (s.len)
		memcpy(to, s.ptr, n);
}

static int
account_decode(struct slice in, struct directory_account *ret)
{
	struct reader r = reader_new(in);
	struct slice address;

	read_fixed(&r, ret->id, sizeof(ret->id));
	address = reader_blob(&r);
	ret->disabled = reader_u8(&r);
	ret->quota = reader_be64(&r);
	ret->created = (int64_t)reader_be64(&r);
	read_fixed(&r, ret->pin.identity, sizeof(ret->pin.identity));
	ret->pin.seq = reader_be64(&r);
	read_fixed(&r, ret->pin.hash, sizeof(ret->pin.hash));
	ret->seal_version = reader_be32(&r);
	read_fixed(&r, ret->seal_public, sizeof(ret->seal_public));
	if (reader_end(&r) || address.len >= sizeof(ret->address))
		return LL_ERR_CORRUPT;
	memcpy(ret->address, address.ptr, address.len);
	ret->address[address.len] = 0;
	return LL_OK;
}

int
directory_account(
	struct directory *d, const uint8_t id[RECORD_ID_LEN], struct directory_account *ret)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct directory_record k = account_record_key(id);
	int r = directory_get(d, &k, &value);

	return r ? r : account_decode(buf_slice(&value), ret);
}

static int
account_row(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(VALUE_MAX);
	struct rows *rows = ctx;
	struct directory_account a;
	int r = directory_record_open(rows->d, key, value, &plain);

	if (r == LL_OK)
		r = account_decode(buf_slice(&plain), &a);
	return r ? r : rows->row(rows->ctx, &a);
}

int
directory_accounts(struct directory *d, directory_row *row, void *ctx)
{
	struct rows rows = {.d = d, .row = row, .ctx = ctx};

	return d->store ? store_each(d->store, store_directory, S("acct/"), account_row, &rows)
			: LL_ERR_CLOSED;
}

int
directory_account_put(struct directory *d, const struct directory_account *a)
{
	CLEANUP(buf_done)
	struct buf plain = BUF_INIT(VALUE_MAX), sealed = BUF_INIT(STORE_VALUE_MAX);
	struct directory_record k = account_record_key(a->id);
	struct store_op op;
	int r = account_encode(a, &plain);

	if (r == LL_OK)
		r = directory_add_put(d, &k, false, buf_slice(&plain), &sealed, &op);
	return r ? r : directory_commit(d, &op, 1);
}

int
directory_account_add(struct directory *d, const struct directory_account *a)
{
	CLEANUP(buf_done)
	struct buf plain = BUF_INIT(VALUE_MAX), sealed = BUF_INIT(STORE_VALUE_MAX);
	CLEANUP(buf_done)
	struct buf entry = BUF_INIT(VALUE_MAX), sealed_entry = BUF_INIT(STORE_VALUE_MAX);
	struct directory_record k = account_record_key(a->id), ak;
	struct slice local, domain;
	struct store_op ops[2];
	int r;

	split_address(slice_str(a->address), &local, &domain);
	if (local.len == 0)
		return LL_ERR_SYNTAX;
	r = directory_domain(d, domain);
	if (r)
		return r == LL_ERR_NOTFOUND ? LL_ERR_DENIED : r;
	buf_putc(&entry, ADDRESS_IS_ACCOUNT);
	buf_put_blob(&entry, slice_str(a->address));
	buf_put(&entry, slice_new(a->id, sizeof(a->id)));
	r = address_record_key(d, slice_str(a->address), &ak);
	if (r == LL_OK)
		r = account_encode(a, &plain);
	if (r == LL_OK)
		r = directory_add_put(d, &k, true, buf_slice(&plain), &sealed, &ops[0]);
	if (r == LL_OK)
		r = directory_add_put(d, &ak, true, buf_slice(&entry), &sealed_entry, &ops[1]);
	directory_own_forget(d);
	return r ? r : directory_commit(d, ops, 2);
}

int
directory_account_delete(struct directory *d, const struct directory_account *a)
{
	struct directory_record k = account_record_key(a->id), ak;
	int r = address_record_key(d, slice_str(a->address), &ak);
	struct store_op ops[2] = {{.kind = STORE_DEL, .key = directory_record_slice(&k)},
		{.kind = STORE_DEL, .key = directory_record_slice(&ak)}};

	if (r == LL_OK)
		r = directory_settings_delete(d, a->id);
	directory_own_forget(d);
	return r ? r : directory_commit(d, ops, 2);
}

/* --- addresses --- */

static int
alias_decode(struct reader *r, struct directory_alias *ret)
{
	uint64_t n = reader_varint(r);

	if (n > DIRECTORY_TARGETS_MAX)
		return LL_ERR_CORRUPT;
	for (ret->n = 0; ret->n < n; ret->n++) {
		struct slice t = reader_blob(r);
		if (t.len >= DIRECTORY_ADDRESS_MAX)
			return LL_ERR_CORRUPT;
		if (t.len)
			memcpy(ret->targets[ret->n], t.ptr, t.len);
		ret->targets[ret->n][t.len] = 0;
	}
	return reader_end(r) ? LL_ERR_CORRUPT : LL_OK;
}

/* One exact name. */
static int
find_exact(struct directory *d, struct slice address, bool *ret_is_account,
	struct directory_account *ret_account, struct directory_alias *ret_alias)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct directory_record k;
	struct reader r;
	struct slice id;
	uint8_t kind;
	int e = address_record_key(d, address, &k);

	if (e == LL_OK)
		e = directory_get(d, &k, &value);
	if (e)
		return e;
	r = reader_new(buf_slice(&value));
	kind = reader_u8(&r);
	(void)reader_blob(&r);
	*ret_is_account = kind == ADDRESS_IS_ACCOUNT;
	if (!*ret_is_account)
		return alias_decode(&r, ret_alias);
	id = reader_bytes(&r, RECORD_ID_LEN);
	return reader_end(&r) ? LL_ERR_CORRUPT : directory_account(d, id.ptr, ret_account);
}

int
directory_find(struct directory *d, struct slice address, bool *ret_is_account,
	struct directory_account *ret_account, struct directory_alias *ret_alias)
{
	CLEANUP(buf_done) struct buf other = BUF_INIT(2048);
	struct slice local, domain, user, detail;
	int r;

	split_address(address, &local, &domain);
	r = domain.len ? directory_domain(d, domain) : LL_ERR_SYNTAX;
	if (r)
		return r == LL_ERR_NOTFOUND ? LL_ERR_DENIED : r;
	r = find_exact(d, address, ret_is_account, ret_account, ret_alias);
	address_subaddress(local, '+', &user, &detail);
	if (r == LL_ERR_NOTFOUND && detail.ptr) {
		buf_put(&other, user);
		buf_putc(&other, '@');
		buf_put(&other, domain);
		r = find_exact(d, buf_slice(&other), ret_is_account, ret_account, ret_alias);
	}
	if (r == LL_ERR_NOTFOUND) {
		buf_reset(&other);
		buf_putc(&other, '@');
		buf_put(&other, domain);
		r = find_exact(d, buf_slice(&other), ret_is_account, ret_account, ret_alias);
	}
	return r;
}

struct resolution {
	struct directory *d;
	directory_found *found;
	void *ctx;
	VEC(struct store_id) seen;
	struct map *aliases; /* lookup keys of those followed already */
	size_t n;
};

static int
resolved_account(struct resolution *res, const struct directory_account *a)
{
	struct store_id id;

	memcpy(id.b, a->id, sizeof(id.b));
	VEC_EACH (seen, &res->seen)
		if (memcmp(seen, &id, sizeof(id)) == 0)
			return LL_OK;
	res->n++;
	return VEC_PUSH(&res->seen, id) ? LL_ERR_NOMEM : res->found(res->ctx, a, SLICE_NONE);
}

/* Is this the first time that the address comes up? Aliases that name each other would else be
 * followed as often as there are ways through them. */
static int
first_time(struct resolution *res, struct slice address, bool *ret)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(ADDRESS_KEY_MAX);
	void *old = NULL;
	int r = directory_key(address, &key);

	if (r == LL_OK)
		r = map_set(res->aliases, buf_slice(&key), res, &old);
	*ret = r == LL_OK && !old;
	return r;
}

static int
resolve(struct resolution *res, struct slice address, unsigned depth)
{
	struct directory_account account;
	struct directory_alias *alias = malloc(sizeof(*alias));
	bool is_account = false, first = true;
	int r = alias ? directory_find(res->d, address, &is_account, &account, alias)
		      : LL_ERR_NOMEM;

	if (r == LL_OK && !is_account)
		r = first_time(res, address, &first);
	if (r == LL_ERR_DENIED && depth > 0) {
		res->n++;
		r = res->found(res->ctx, NULL, address);
	} else if (r == LL_OK && is_account) {
		r = resolved_account(res, &account);
	} else if (r == LL_OK && first && depth < DIRECTORY_ALIAS_DEPTH) {
		for (size_t i = 0; i < alias->n && r == LL_OK; i++) {
			r = resolve(res, slice_str(alias->targets[i]), depth + 1);
			r = r == LL_ERR_NOTFOUND ? LL_OK : r;
		}
	}
	free(alias);
	return r;
}

int
directory_resolve(struct directory *d, struct slice address, directory_found *found, void *ctx)
{
	struct resolution res = {.d = d, .found = found, .ctx = ctx, .aliases = map_new()};
	int r = res.aliases ? resolve(&res, address, 0) : LL_ERR_NOMEM;

	VEC_DONE(&res.seen);
	map_free(res.aliases, NULL);
	return r ? r : res.n ? LL_OK : LL_ERR_NOTFOUND;
}

static int
alias_value(struct slice address, const struct slice *targets, size_t n, struct buf *out)
{
	buf_putc(out, ADDRESS_IS_ALIAS);
	buf_put_blob(out, address);
	buf_put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		struct address_smtp checked;
		if (targets[i].len >= DIRECTORY_ADDRESS_MAX ||
			address_smtp_mailbox(targets[i], ADDRESS_UTF8, &checked))
			return LL_ERR_SYNTAX;
		buf_put_blob(out, targets[i]);
	}
	return buf_err(out);
}

int
directory_alias_set(
	struct directory *d, struct slice address, const struct slice *targets, size_t n)
{
	CLEANUP(buf_done)
	struct buf plain = BUF_INIT(VALUE_MAX), sealed = BUF_INIT(STORE_VALUE_MAX),
		   old = BUF_INIT(VALUE_MAX);
	struct slice local, domain;
	struct directory_record k;
	struct store_op op;
	int r;

	split_address(address, &local, &domain);
	directory_own_forget(d);
	r = n > DIRECTORY_TARGETS_MAX ? LL_ERR_LIMIT
		: domain.len	      ? directory_domain(d, domain)
				      : LL_ERR_SYNTAX;
	if (r)
		return r == LL_ERR_NOTFOUND ? LL_ERR_DENIED : r;
	r = address_record_key(d, address, &k);
	if (r)
		return r;
	r = directory_get(d, &k, &old);
	if (r == LL_OK && old.len && old.ptr[0] == ADDRESS_IS_ACCOUNT)
		return LL_ERR_EXISTS;
	if (r && r != LL_ERR_NOTFOUND)
		return r;
	if (n == 0) {
		op = (struct store_op){.kind = STORE_DEL, .key = directory_record_slice(&k)};
		return r == LL_ERR_NOTFOUND ? r : directory_commit(d, &op, 1);
	}
	r = alias_value(address, targets, n, &plain);
	if (r == LL_OK)
		r = directory_add_put(d, &k, false, buf_slice(&plain), &sealed, &op);
	return r ? r : directory_commit(d, &op, 1);
}

static int
alias_row(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(VALUE_MAX);
	struct rows *rows = ctx;
	struct slice address;
	struct reader rd;
	uint64_t n;
	int r = directory_record_open(rows->d, key, value, &plain);

	if (r || plain.len == 0 || plain.ptr[0] != ADDRESS_IS_ALIAS)
		return r;
	rd = reader_new(slice_skip(buf_slice(&plain), 1));
	address = reader_blob(&rd);
	n = reader_varint(&rd);
	for (uint64_t i = 0; i < n && !rd.err; i++) {
		buf_put(rows->lines, address);
		buf_putc(rows->lines, ' ');
		buf_put(rows->lines, reader_blob(&rd));
		buf_putc(rows->lines, '\n');
	}
	return rd.err ? LL_ERR_CORRUPT : buf_err(rows->lines);
}

int
directory_aliases(struct directory *d, struct buf *ret_lines)
{
	struct rows rows = {.d = d, .lines = ret_lines};

	return d->store ? store_each(d->store, store_directory, S("addr/"), alias_row, &rows)
			: LL_ERR_CLOSED;
}
