/* Accounts. Their keys are made by the command line; here they are checked and stored. */
#include "base/error.h"
#include "base/log.h"
#include "mail/address.h"
#include "os/clock.h"
#include "roles/control.h"

#include <sodium.h>
#include <string.h>

int
control_find(struct control *c, struct slice address, struct directory_account *ret)
{
	CLEANUP(buf_done) struct buf asked = BUF_INIT(2048), has = BUF_INIT(2048);
	static struct directory_alias alias;
	bool is_account = false;
	int r = directory_find(auth.directory, address, &is_account, ret, &alias);

	/* Not by its subaddress or a catch-all: who deletes must name what is deleted. */
	if (r == LL_OK && is_account && directory_key(address, &asked) == LL_OK &&
		directory_key(slice_str(ret->address), &has) == LL_OK &&
		slice_eq(buf_slice(&asked), buf_slice(&has)))
		return LL_OK;
	if (r == LL_OK || r == LL_ERR_NOTFOUND || r == LL_ERR_DENIED || r == LL_ERR_SYNTAX)
		return control_fail(c, LL_ERR_NOTFOUND, "there is no such account");
	return r;
}

int
control_find_named(struct control *c, struct slice body, struct directory_account *ret)
{
	struct control_name m;
	int r = control_name_get(body, &m);

	return r ? r : control_find(c, m.name, ret);
}

/* --- making one --- */

/* Whether the address could be a new account's. */
static int
check_address(struct control *c, struct slice address)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(2048), has = BUF_INIT(2048);
	static struct directory_alias alias;
	struct directory_account account;
	struct address_smtp parsed;
	bool is_account = false;
	int r;

	if (address.len >= DIRECTORY_ADDRESS_MAX ||
		address_smtp_mailbox(address, ADDRESS_UTF8, &parsed) || parsed.literal ||
		directory_key(address, &key))
		return control_fail(c, LL_ERR_SYNTAX, "this is not an address");
	if (slice_find_byte(parsed.local, '+') != SLICE_NPOS)
		return control_fail(c, LL_ERR_SYNTAX,
			"what follows a + is a subaddress: it cannot be an account's own");
	r = directory_find(auth.directory, address, &is_account, &account, &alias);
	if (r == LL_ERR_DENIED)
		return control_fail(
			c, LL_ERR_DENIED, "its domain is not one of ours: letterlock domain add");
	if (r == LL_ERR_NOTFOUND)
		return LL_OK;
	if (r)
		return r;
	if (is_account && directory_key(slice_str(account.address), &has) == LL_OK &&
		slice_eq(buf_slice(&key), buf_slice(&has)))
		return control_fail(c, LL_ERR_EXISTS, "the account is here already");
	return LL_OK; /* an alias of that very name is found when the account is stored */
}

int
control_account_begin(struct control *c, struct slice body)
{
	struct directory_account there;
	struct control_id reply;
	struct control_name m;
	int r = control_name_get(body, &m);

	if (r == LL_OK)
		r = check_address(c, m.name);
	if (r)
		return r;
	control_unstage(c);
	do {
		randombytes_buf(c->new_account, sizeof(c->new_account));
		r = directory_account(auth.directory, c->new_account, &there);
	} while (r == LL_OK);
	if (r != LL_ERR_NOTFOUND)
		return r;
	memcpy(c->new_address, m.name.ptr, m.name.len);
	c->new_address[m.name.len] = 0;
	c->began = true;
	memcpy(reply.id, c->new_account, sizeof(reply.id));
	return control_id_put(&c->answer, &reply);
}

int
control_account_register(struct control *c, struct slice body)
{
	uint8_t response[OPAQUE_RESPONSE_LEN];
	struct control_opaque m;
	int r = control_opaque_get(body, &m);

	if (r)
		return r;
	if (!c->began)
		return LL_ERR_STATE;
	r = opaque_server_register(auth.opaque, SLICE_OF(c->new_account), m.data, response);
	return r ? r
		 : control_opaque_put(
			   &c->answer, &(struct control_opaque){.data = SLICE_OF(response)});
}

void
control_set_keys(
	struct directory_account *a, const struct manifest *m, const struct account_pin *pin)
{
	const struct manifest_area *mail = &m->areas[RECORD_AREA_MAIL];

	a->pin = *pin;
	a->seal_version = mail->version;
	memcpy(a->seal_public, mail->seal_public, sizeof(a->seal_public));
}

/* Its keys first, then the entry by which it is found; without that the keys are nobody's. */
static int
create(struct control *c, const struct control_create *m)
{
	struct directory_account a = {.quota = m->quota, .created = clock_unix()};
	struct control_keys keys = {
		.account = c->new_account, .identity = m->identity.ptr, .verifiers = m->items};
	struct account_pin pin;
	struct manifest *manifest = NULL;
	struct store_id partition;
	int r = control_keys_store(c, &keys, &manifest, &pin);

	if (r)
		return r;
	memcpy(a.id, c->new_account, sizeof(a.id));
	memcpy(partition.b, c->new_account, sizeof(partition.b));
	memcpy(a.address, c->new_address, sizeof(a.address));
	control_set_keys(&a, manifest, &pin);
	manifest_free(manifest);
	r = directory_account_add(auth.directory, &a);
	if (r && store_drop(auth.store, partition))
		log_error("account-create", "error=%s", "keys of no account are left");
	return r == LL_ERR_EXISTS ? control_fail(c, r, "an alias or account has this address") : r;
}

int
control_account_create(struct control *c, struct slice body)
{
	struct control_create m;
	int r = control_create_get(body, &m);

	if (r == LL_OK && (!c->began || m.identity.len != ED25519_PUBLIC_LEN))
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = create(c, &m);
	c->began = false;
	control_unstage(c);
	if (r == LL_OK)
		log_info("account-created", "address=%s", log_quote(slice_str(c->new_address)));
	return r;
}

/* --- those that are there --- */

static int
list_account(void *ctx, const struct directory_account *a)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096);
	struct control_list *list = ctx;
	struct control_account m = {.disabled = a->disabled,
		.quota = a->quota,
		.created = (uint64_t)a->created,
		.name = slice_str(a->address)};
	struct store_stat st = {0};
	struct store_id id;
	int r = LL_OK;

	memcpy(m.id, a->id, sizeof(m.id));
	memcpy(id.b, a->id, sizeof(id.b));
	if (list->skip == 0)
		r = store_stat(auth.store, id, &st);
	m.used = st.blob_bytes;
	if (r == LL_OK)
		r = control_account_put(&item, &m);
	return r ? r : control_list_add(list, buf_slice(&item));
}

int
control_account_list(struct control *c, struct slice body)
{
	CLEANUP(control_list_done) struct control_list list = {.items = BUF_INIT(0)};
	int r = control_list_begin(&list, body);

	if (r == LL_OK)
		r = directory_accounts(auth.directory, list_account, &list);
	return control_list_end(c, &list, r);
}

int
control_account_state(struct control *c, struct slice body)
{
	struct directory_account a;
	struct control_flag m;
	int r = control_flag_get(body, &m);

	if (r == LL_OK)
		r = m.on > 1 ? LL_ERR_SYNTAX : control_find(c, m.name, &a);
	if (r || a.disabled == m.on)
		return r;
	a.disabled = m.on;
	r = directory_account_put(auth.directory, &a);
	if (r == LL_OK && a.disabled) {
		control_sign_out(a.id, NULL);
		web_sign_out(a.id);
	}
	return r;
}

int
control_account_quota(struct control *c, struct slice body)
{
	struct directory_account a;
	struct control_number m;
	int r = control_number_get(body, &m);

	if (r == LL_OK)
		r = control_find(c, m.name, &a);
	if (r)
		return r;
	a.quota = m.number;
	r = directory_account_put(auth.directory, &a);
	if (r == LL_OK)
		session_end(a.id); /* it was told the old one */
	return r;
}

/* Disabled first: then nothing new comes while the partition goes, and the command can be repeated
 * until the entry is gone as well. */
int
control_account_delete(struct control *c, struct slice body)
{
	struct directory_account a;
	struct store_id partition;
	int r = control_find_named(c, body, &a);

	if (r)
		return r;
	a.disabled = true;
	memcpy(partition.b, a.id, sizeof(partition.b));
	r = directory_account_put(auth.directory, &a);
	if (r == LL_OK) {
		control_sign_out(a.id, NULL);
		web_forget(a.id);
	}
	if (r == LL_OK)
		r = store_drop(auth.store, partition);
	if (r == LL_OK)
		r = directory_account_delete(auth.directory, &a);
	if (r == LL_OK)
		log_info("account-deleted", "address=%s", log_quote(slice_str(a.address)));
	return r;
}
