/* The account's records lie in a vector and are replaced in place, as a store that keeps no order
 * between its commits would do. */
#include "world.h"

#include "base/error.h"
#include "t.h"

#include <sodium.h>

struct key_record *
records_find(struct key_records *s, struct slice key)
{
	for (size_t i = 0; i < s->v.len; i++)
		if (slice_eq(s->v.at[i].key, key))
			return &s->v.at[i];
	return NULL;
}

void
records_del(struct key_records *s, struct slice key)
{
	struct key_record *r = records_find(s, key);

	if (!r)
		return;
	free(r->mem);
	VEC_REMOVE(&s->v, (size_t)(r - s->v.at));
}

void
records_put(struct key_records *s, struct slice key, struct slice value)
{
	struct key_records fresh = {.v = {0}};

	CHECK_INT(key_records_row(&fresh, key, value), 0);
	records_del(s, fresh.v.at[0].key);
	CHECK_INT(VEC_PUSH(&s->v, fresh.v.at[0]), 0);
	VEC_DONE(&fresh.v);
}

void
records_copy(struct key_records *to, const struct key_records *from)
{
	key_records_done(to);
	for (size_t i = 0; i < from->v.len; i++)
		CHECK_INT(key_records_row(to, from->v.at[i].key, from->v.at[i].value), 0);
}

int
records_apply(struct key_records *s, const struct key_changes *c)
{
	for (size_t i = 0; i < c->v.len; i++) {
		const struct key_change *k = &c->v.at[i];

		if (k->kind == KEY_PUT_NEW && records_find(s, k->key))
			return LL_ERR_EXISTS;
		if (k->kind == KEY_DELETE)
			records_del(s, k->key);
		else
			records_put(s, k->key, k->value);
	}
	return LL_OK;
}

void
world_done(struct world *w)
{
	account_owner_free(w->owner);
	key_records_done(&w->store);
}

void
fake_registration(uint8_t record[OPAQUE_RECORD_LEN], uint8_t export_key[OPAQUE_HASH_LEN])
{
	randombytes_buf(record, OPAQUE_RECORD_LEN);
	crypto_core_ristretto255_random(record);
	randombytes_buf(export_key, OPAQUE_HASH_LEN);
}

int
world_commit(struct world *w)
{
	struct key_changes c = {.v = {0}};
	int err = account_owner_commit(w->owner, NOW, &c, &w->pin);

	if (!err)
		err = records_apply(&w->store, &c);
	key_changes_done(&c);
	return err;
}

void
world_init(struct world *w)
{
	const struct scope mail = {MAIL, SCOPE_IMAP | SCOPE_SMTP, 0};
	const struct scope both = {MAIL | CALENDAR, SCOPE_IMAP | SCOPE_DAV, NOW + 1000};
	const struct scope send = {0, SCOPE_SMTP, 0};

	memset(w, 0, sizeof(*w));
	randombytes_buf(w->account, sizeof(w->account));
	fake_registration(w->record, w->export_key);
	CHECK_INT(account_owner_new(w->account, NOW, &w->owner), 0);
	CHECK_INT(account_owner_add_password(
			  w->owner, w->record, w->export_key, false, NOW, &w->password),
		0);
	CHECK_INT(account_owner_add_recovery(w->owner, NOW, &w->recovery_code, &w->recovery), 0);
	CHECK_INT(account_owner_add_app(
			  w->owner, &mail, S("telephone"), NOW, &w->mail_text, &w->mail),
		0);
	CHECK_INT(
		account_owner_add_app(w->owner, &both, S("desk"), NOW, &w->both_text, &w->both), 0);
	CHECK_INT(
		account_owner_add_app(w->owner, &send, S("printer"), NOW, &w->send_text, &w->send),
		0);
	CHECK_INT(world_commit(w), 0);
}

struct account_open
world_open(const struct world *w, const struct verifier *v, struct slice secret)
{
	struct account_open o = {.type = v->type,
		.secret = secret,
		.records = &w->store,
		.pin = &w->pin,
		.now = NOW};

	memcpy(o.account, w->account, RECORD_ID_LEN);
	memcpy(o.unlocker, v->id, RECORD_ID_LEN);
	return o;
}

int
world_unlock_in(const struct world *w, const struct key_records *records,
	const struct account_pin *pin, const struct verifier *v, const struct app_password *text,
	struct account_unlocked **ret)
{
	struct scram_account a = {SLICE_OF(v->salt), v->iterations, &v->scram, 1};
	uint8_t client_key[SCRAM_KEY_LEN];
	struct account_open o;
	size_t index;

	CHECK_INT(scram_check_password(&a, app_password_slice(text), &index, client_key), 0);
	o = world_open(w, v, SLICE_OF(client_key));
	o.records = records;
	o.pin = pin;
	return account_unlock(&o, ret);
}

int
world_unlock(const struct world *w, const struct verifier *v, const struct app_password *text)
{
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;

	return world_unlock_in(w, &w->store, &w->pin, v, text, &u);
}
