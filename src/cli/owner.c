/* Sign-up and changes of keys, as a client of auth. */
#include "cli/owner.h"
#include "base/secret.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

void
owner_done(struct owner *o)
{
	account_owner_free(o->keys);
	o->keys = NULL;
	buf_done(&o->verifiers);
}

/* An error of our own; those of the server have their sentence already. */
static int
failed(struct owner *o, int err)
{
	if (err)
		snprintf(o->cli->error, sizeof(o->cli->error), "%s", ll_strerror(err));
	return err;
}

static int
add_verifier(struct owner *o, const struct verifier *v)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(VERIFIER_MAX);
	int r = verifier_encode(v, &item);

	return failed(o, r ? r : control_items_add(&o->verifiers, buf_slice(&item)));
}

static int
call_opaque(struct owner *o, const char *command, struct slice data, struct slice *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_opaque m = {.data = data};
	struct slice answer;
	int r = control_opaque_put(&body, &m);

	if (r)
		return failed(o, r);
	r = client_call(o->cli, command, buf_slice(&body), &answer);
	if (r)
		return r;
	r = control_opaque_get(answer, &m);
	*ret = m.data;
	return failed(o, r);
}

/* --- a new account --- */

int
owner_begin(struct owner *o, struct cli *cli, const char *address)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_id id;
	struct slice answer;
	int r;

	*o = (struct owner){
		.cli = cli, .address = address, .verifiers = BUF_INIT(CONTROL_ITEMS_MAX)};
	r = control_name_put(&body, &(struct control_name){.name = slice_str(address)});
	if (r)
		return failed(o, r);
	r = client_call(cli, "account-begin", buf_slice(&body), &answer);
	if (r)
		return r;
	r = control_id_get(answer, &id);
	return failed(o, r ? r : account_owner_new(id.id, clock_unix(), &o->keys));
}

int
owner_set_password(struct owner *o, struct slice password, bool rotate)
{
	const struct opaque_params params = OPAQUE_SUITE;
	CLEANUP(opaque_client_cleanup) struct opaque_client *client = NULL;
	bool is_new = account_owner_manifest(o->keys)->seq == 0;
	uint8_t request[OPAQUE_REQUEST_LEN], record[OPAQUE_RECORD_LEN];
	uint8_t export_key[OPAQUE_HASH_LEN];
	struct slice response;
	struct verifier v;
	int r = opaque_client_new(&params, password, &client);

	if (r == LL_OK)
		r = opaque_client_register_start(client, NULL, request);
	if (r)
		return failed(o, r);
	r = call_opaque(
		o, is_new ? "account-register" : "login-register", SLICE_OF(request), &response);
	if (r)
		return r;
	r = opaque_client_register_finish(client, response, NULL, record, export_key);
	if (r == LL_OK)
		r = account_owner_add_password(
			o->keys, record, export_key, rotate, clock_unix(), &v);
	secret_wipe(export_key, sizeof(export_key));
	return r ? failed(o, r) : add_verifier(o, &v);
}

int
owner_add_recovery(struct owner *o, struct app_password *ret_code)
{
	struct verifier v;
	int r = account_owner_add_recovery(o->keys, clock_unix(), ret_code, &v);

	return r ? failed(o, r) : add_verifier(o, &v);
}

int
owner_add_app(struct owner *o, const struct scope *scope, const char *name,
	const struct app_password *given, struct app_password *ret_password,
	uint8_t ret_id[RECORD_ID_LEN])
{
	struct verifier v;
	int r;

	if (given)
		*ret_password = *given;
	r = given ? account_owner_add_app_text(
			    o->keys, scope, slice_str(name), clock_unix(), given, &v)
		  : account_owner_add_app(
			    o->keys, scope, slice_str(name), clock_unix(), ret_password, &v);
	if (r == LL_ERR_LIMIT)
		snprintf(o->cli->error, sizeof(o->cli->error),
			"an account has at most %d unlockers; revoke one first",
			MANIFEST_UNLOCKERS_MAX);
	else if (r)
		return failed(o, r);
	if (r)
		return r;
	memcpy(ret_id, v.id, sizeof(v.id));
	return add_verifier(o, &v);
}

/* --- storing --- */

static int
send_staged(struct owner *o, struct buf *items)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct slice answer;
	int r;

	if (items->len == 0)
		return LL_OK;
	r = control_items_put(&body, &(struct control_items){.items = buf_slice(items)});
	buf_reset(items);
	return r ? failed(o, r) : client_call(o->cli, "keys-stage", buf_slice(&body), &answer);
}

static int
stage(struct owner *o, const struct key_changes *changes)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(CONTROL_ITEMS_MAX);
	int r = LL_OK;

	for (size_t i = 0; i < changes->v.len && r == LL_OK; i++) {
		CLEANUP(buf_done) struct buf item = BUF_INIT(CONTROL_ITEMS_MAX);
		const struct key_change *k = &changes->v.at[i];

		r = failed(o,
			control_change_put(&item,
				&(struct control_change){.kind = (uint8_t)k->kind,
					.key = k->key,
					.value = k->value}));
		if (r == LL_OK && control_items_add(&items, buf_slice(&item))) {
			r = send_staged(o, &items);
			if (r == LL_OK)
				r = failed(o, control_items_add(&items, buf_slice(&item)));
		}
	}
	return r ? r : send_staged(o, &items);
}

static int
commit(struct owner *o)
{
	struct key_changes changes = {.v = {0}};
	struct account_pin pin;
	int r = failed(o, account_owner_commit(o->keys, clock_unix(), &changes, &pin));

	if (r == LL_OK)
		r = stage(o, &changes);
	key_changes_done(&changes);
	return r;
}

int
owner_create(struct owner *o, uint64_t quota)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct control_create m = {.quota = quota, .items = buf_slice(&o->verifiers)};
	struct slice answer;
	int r = commit(o);

	if (r)
		return r;
	m.identity = SLICE_OF(account_owner_manifest(o->keys)->identity);
	r = control_create_put(&body, &m);
	return r ? failed(o, r) : client_call(o->cli, "account-create", buf_slice(&body), &answer);
}

int
owner_update(struct owner *o)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct control_verifiers m = {.items = buf_slice(&o->verifiers)};
	struct slice answer;
	int r = commit(o);

	if (r)
		return r;
	r = control_verifiers_put(&body, &m);
	return r ? failed(o, r) : client_call(o->cli, "keys-update", buf_slice(&body), &answer);
}

/* --- an existing account --- */

static int
login_call(struct owner *o, const char *command, struct buf *body, struct control_login *ret)
{
	struct slice answer;
	int r = buf_err(body);

	if (r)
		return failed(o, r);
	r = client_call(o->cli, command, buf_slice(body), &answer);
	return r ? r : failed(o, control_login_get(answer, ret));
}

static int
start(struct owner *o, struct slice ke1, struct control_login *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	int r = control_opaque_name_put(
		&body, &(struct control_opaque_name){.name = slice_str(o->address), .data = ke1});

	return r ? failed(o, r) : login_call(o, "login-start", &body, ret);
}

static int
finish(struct owner *o, const char *command, struct slice proof, struct control_login *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	int r = control_opaque_put(&body, &(struct control_opaque){.data = proof});

	return r ? failed(o, r) : login_call(o, command, &body, ret);
}

/* export_key: S_U of the password unlocker. */
static int
login_password(struct owner *o, struct slice password, uint8_t export_key[OPAQUE_HASH_LEN],
	struct control_login *ret)
{
	const struct opaque_params params = OPAQUE_SUITE;
	CLEANUP(opaque_client_cleanup) struct opaque_client *client = NULL;
	uint8_t ke1[OPAQUE_KE1_LEN], ke3[OPAQUE_KE3_LEN];
	int r = opaque_client_new(&params, password, &client);

	if (r == LL_OK)
		r = opaque_client_login_start(client, NULL, ke1);
	if (r)
		return failed(o, r);
	r = start(o, SLICE_OF(ke1), ret);
	if (r)
		return r;
	r = opaque_client_login_finish(client, ret->data, ke3, export_key, NULL);
	if (r == LL_ERR_AUTH) {
		snprintf(o->cli->error, sizeof(o->cli->error),
			"this is not the password of %s, or it has none", o->address);
		return r;
	}
	return r ? failed(o, r) : finish(o, "login-password", SLICE_OF(ke3), ret);
}

static int
login_recovery(struct owner *o, const struct app_password *code, struct control_login *ret)
{
	struct unlock_keys *keys = SECRET_NEW(struct unlock_keys);
	int r = keys ? start(o, SLICE_NONE, ret) : failed(o, LL_ERR_NOMEM);

	if (r == LL_OK)
		r = failed(o,
			unlock_derive(UNLOCK_RECOVERY, app_password_slice(code), ret->account,
				ret->unlocker, keys));
	if (r == LL_OK)
		r = finish(o, "login-recovery", SLICE_OF(keys->auth), ret);
	if (keys)
		SECRET_FREE(keys);
	return r;
}

static int
add_record(void *ctx, struct slice item)
{
	struct control_change m;
	int r = control_change_get(item, &m);

	return r ? r : key_records_row(ctx, m.key, m.value);
}

/* Reads the account's records and opens them with the unlock secret. The pin that the server
 * remembers is all there is: this client has no memory of its own. */
static int
open_keys(
	struct owner *o, enum unlock_type type, struct slice secret, const struct control_login *l)
{
	struct key_records records = {.v = {0}};
	struct account_pin pin = {.seq = l->seq};
	struct account_open open = {.type = type,
		.secret = secret,
		.records = &records,
		.pin = &pin,
		.now = clock_unix()};
	int r;

	if (l->identity.len != sizeof(pin.identity) || l->hash.len != sizeof(pin.hash))
		return failed(o, LL_ERR_SYNTAX);
	memcpy(pin.identity, l->identity.ptr, sizeof(pin.identity));
	memcpy(pin.hash, l->hash.ptr, sizeof(pin.hash));
	memcpy(open.account, l->account, sizeof(open.account));
	memcpy(open.unlocker, l->unlocker, sizeof(open.unlocker));
	r = client_each(o->cli, "keys-read", add_record, &records);
	if (r == LL_OK)
		r = failed(o, account_owner_open(&open, &o->keys));
	key_records_done(&records);
	return r;
}

int
owner_open(struct owner *o, struct cli *cli, const char *address, struct slice password,
	const struct app_password *code)
{
	uint8_t *export_key = secret_alloc(OPAQUE_HASH_LEN);
	struct control_login l;
	int r;

	*o = (struct owner){
		.cli = cli, .address = address, .verifiers = BUF_INIT(CONTROL_ITEMS_MAX)};
	if (!export_key)
		return failed(o, LL_ERR_NOMEM);
	r = code ? login_recovery(o, code, &l) : login_password(o, password, export_key, &l);
	if (r == LL_OK)
		r = open_keys(o, code ? UNLOCK_RECOVERY : UNLOCK_PASSWORD,
			code ? app_password_slice(code) : slice_new(export_key, OPAQUE_HASH_LEN),
			&l);
	secret_free(export_key, OPAQUE_HASH_LEN);
	return r;
}
