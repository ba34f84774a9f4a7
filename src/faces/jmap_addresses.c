/* Which addresses have identities. An operator gives aliases and takes them away: auth is asked for
 * them whenever a client looks, and when it says that there are others. What an owner has set for
 * an alias is kept aside when the alias goes, for aliases that are moved or removed by mistake. */
#include "faces/jmap_addresses.h"
#include "base/error.h"

#define ALIASES_MAX ((size_t)64 << 10)
#define ALIASES_SURE ((size_t)31 << 10) /* a list longer than this may have been cut */
#define ALIASES_SHOWN 100 /* that have an identity without being asked for */

bool
jmap_address_own(const struct jmap *j, struct slice email)
{
	struct slice rest = buf_slice(&j->aliases);
	size_t at = slice_rfind_byte(email, '@');

	for (size_t i = 0; i < j->env.n_addresses; i++)
		if (slice_ieq(j->env.addresses[i], email))
			return true;
	while (rest.len && at && at != SLICE_NPOS) {
		struct slice line = slice_line(&rest);
		bool whole = slice_starts(line, S("@"));
		if (slice_ieq(line, whole ? slice_skip(email, at) : email))
			return true;
	}
	return false;
}

/* What is known stays where nobody can be asked. */
bool
jmap_aliases_read(struct jmap *j)
{
	struct buf fresh = BUF_INIT(ALIASES_MAX);

	if (!j->env.aliases || j->env.aliases(j->env.ctx, &fresh) || buf_err(&fresh)) {
		buf_done(&fresh);
		return false;
	}
	buf_done(&j->aliases);
	j->aliases = fresh;
	return fresh.len < ALIASES_SURE;
}

/* ---- Identities that are there ---- */

static bool
is_of(const struct object *o, struct slice email)
{
	json_t *v = jmap_stored_json(o);
	bool same = slice_ieq(json_slice(json_object_get(v, "email")), email);

	json_decref(v);
	return same;
}

size_t
jmap_identities_of(struct account *a, struct slice email)
{
	const struct object *o;
	size_t pos = 0, n = 0;

	while ((o = account_object_next(a, CHANGE_IDENTITY, &pos)) != NULL)
		n += is_of(o, email);
	return n;
}

int
jmap_identity_new(struct jmap_call *c, const json_t *v, struct store_id *ret)
{
	int err = c->j->env.random(c->j->env.ctx, ret->b, sizeof(ret->b));

	return err ? err : jmap_stored_put(c, CHANGE_IDENTITY, *ret, v);
}

static int
identity_needed(struct jmap_call *c, struct slice email)
{
	struct store_id id;
	json_t *v;
	int err;

	if (jmap_identities_of(c->a, email))
		return LL_OK;
	v = json_object();
	json_object_set_new(v, "email", json_stringn((const char *)email.ptr, email.len));
	err = v ? jmap_identity_new(c, v, &id) : LL_ERR_NOMEM;
	json_decref(v);
	return err;
}

/* ---- Aliases that come and go ---- */

/* Nothing was set that would be missed. */
static bool
is_bare(const json_t *identity)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)identity, key, v)
	{
		if (strcmp(key, "email") && !json_is_null(v) &&
			(json_string_length(v) || json_array_size(v)))
			return false;
	}
	return true;
}

/* One object of `from` becomes one of `to`, under another id, so that a client sees the one go and
 * the other come. */
static int
change_type(struct jmap_call *c, const struct object *o, enum change_type to)
{
	CLEANUP(buf_done) struct buf value = BUF_SECRET(OBJECT_VALUE_MAX);
	struct object_change changes[2] = {
		{.type = o->type, .id = o->id, .destroy = true}, {.type = to}};
	json_t *v = jmap_stored_json(o);
	size_t n = to == CHANGE_KEPT_IDENTITY && is_bare(v) ? 1 : 2;
	int err = c->j->env.random(c->j->env.ctx, changes[1].id.b, sizeof(changes[1].id.b));

	json_decref(v);
	if (!err)
		err = buf_put(&value, o->value);
	changes[1].value = buf_slice(&value);
	return err ? err : account_objects_change(c->a, changes, n);
}

/* The first of a type whose address is, or is not, the account's. */
static const struct object *
first_owned(struct jmap_call *c, enum change_type type, bool owned)
{
	const struct object *o;
	size_t pos = 0;

	while ((o = account_object_next(c->a, type, &pos)) != NULL) {
		json_t *v = jmap_stored_json(o);
		struct slice email = json_slice(json_object_get(v, "email"));
		bool own = jmap_address_own(c->j, email);
		json_decref(v);
		if (own == owned)
			return o;
	}
	return NULL;
}

static int
aliases_followed(struct jmap_call *c)
{
	const struct object *o;
	int err = LL_OK;

	while (!err && (o = first_owned(c, CHANGE_IDENTITY, false)))
		err = change_type(c, o, CHANGE_KEPT_IDENTITY);
	while (!err && (o = first_owned(c, CHANGE_KEPT_IDENTITY, true)))
		err = change_type(c, o, CHANGE_IDENTITY);
	return err;
}

/* For all of a domain there is none: its owner makes those that are wanted. */
static int
all_needed(struct jmap_call *c)
{
	struct slice rest = buf_slice(&c->j->aliases);
	int err = LL_OK;
	size_t n = 0;

	for (size_t i = 0; i < c->j->env.n_addresses && !err; i++)
		err = identity_needed(c, c->j->env.addresses[i]);
	for (; rest.len && !err && n < ALIASES_SHOWN; n++) {
		struct slice line = slice_line(&rest);
		if (!slice_starts(line, S("@")))
			err = identity_needed(c, line);
	}
	return err;
}

int
jmap_identities_ready(struct jmap_call *c)
{
	int err = account_objects_load(c->a);

	if (!err && jmap_aliases_read(c->j))
		err = aliases_followed(c);
	if (!err)
		err = all_needed(c);
	return err == LL_ERR_QUOTA ? LL_OK : err; /* a full mailbox shows what it has */
}

int
jmap_addresses_changed(struct jmap *j)
{
	struct jmap_call c = {.j = j, .a = j->env.account};

	return account_state(c.a, CHANGE_IDENTITY) ? jmap_identities_ready(&c) : LL_OK;
}
