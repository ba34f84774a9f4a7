/* What all types have in common: ids, states, Foo/get and Foo/changes (RFC 8620 section 5). */
#include "faces/jmap_priv.h"

#include "base/text.h"

#include <stdio.h>

/* ---- Ids and states ---- */

static void
hex_id(const uint8_t *b, size_t n, char letter, char *out)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = letter;
	for (size_t i = 0; i < n; i++) {
		*out++ = digits[b[i] >> 4];
		*out++ = digits[b[i] & 15];
	}
	*out = '\0';
}

void
jmap_account_id(struct store_id id, char ret_text[JMAP_ACCOUNT_ID_LEN + 1])
{
	hex_id(id.b, sizeof(id.b), 'A', ret_text);
}

/* First letters of ids, by type. */
static const char letters[CHANGE_TYPES] = {[CHANGE_MAILBOX] = 'F',
	[CHANGE_EMAIL] = 'M',
	[CHANGE_THREAD] = 'T',
	[CHANGE_IDENTITY] = 'I',
	[CHANGE_VACATION] = 'V',
	[CHANGE_SUBMISSION] = 'S',
	[CHANGE_PUSH] = 'P',
	[CHANGE_RULES] = 'R',
	[CHANGE_SETTINGS] = 'C',
	[CHANGE_UPLOAD] = 'U',
	[CHANGE_IMPORT] = 'J'};

void
jmap_id_put(enum change_type type, struct store_id id, char ret_text[40])
{
	bool number = type == CHANGE_EMAIL || type == CHANGE_THREAD;

	if (type == CHANGE_VACATION)
		snprintf(ret_text, 40, "singleton");
	else
		hex_id(id.b, number ? 4 : sizeof(id.b), letters[type], ret_text);
}

void
jmap_put_id(struct json_out *out, enum change_type type, struct store_id id)
{
	char text[40];

	jmap_id_put(type, id, text);
	jo_str(out, text);
}

bool
jmap_hex_id(struct slice text, uint8_t letter, struct store_id *ret)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);

	if (text.len != 33 || text.ptr[0] != letter || hex_decode(&b, slice_skip(text, 1)))
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')
			return false;
	memcpy(ret->b, b.ptr, sizeof(ret->b));
	return true;
}

bool
jmap_id_parse(enum change_type type, struct slice text, struct store_id *ret)
{
	uint32_t number;

	*ret = (struct store_id){{0}};
	if (type == CHANGE_VACATION)
		return slice_eq(text, S("singleton"));
	if (type != CHANGE_EMAIL && type != CHANGE_THREAD)
		return jmap_hex_id(text, (uint8_t)letters[type], ret);
	if (type == CHANGE_EMAIL ? !message_email_id_parse(text, &number)
				 : !message_thread_id_parse(text, &number))
		return false;
	be32_put(ret->b, number);
	return true;
}

struct mailbox *
jmap_mailbox(const struct jmap_call *c, struct slice id)
{
	struct store_id at;

	return jmap_id_parse(CHANGE_MAILBOX, jmap_id(c, id), &at) ? account_mailbox_by_id(c->a, at)
								  : NULL;
}

void
jmap_put_state(struct json_out *o, uint64_t state)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)state);
	jo_str(o, text);
}

/* "modseq", or "modseq-id": everything up to there, and at that modseq up to this id. */
bool
jmap_state_parse(struct slice s, uint64_t *ret, struct store_id *ret_after, bool *ret_part)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);
	struct slice number = slice_split(&s, '-');

	*ret_part = s.len != 0;
	if (slice_u64(number, UINT64_MAX / 2, ret) || (number.len > 1 && number.ptr[0] == '0'))
		return false;
	if (!s.len)
		return true;
	if (s.len != 2 * sizeof(ret_after->b) || hex_decode(&b, s) || !*ret)
		return false;
	memcpy(ret_after->b, b.ptr, sizeof(ret_after->b));
	return true;
}

/* ---- Foo/get (section 5.1) ---- */

struct getting {
	const struct jmap_getter *g;
	const struct jmap_property *props[64];
	size_t n_props, given;
};

static bool
props_choose(struct jmap_call *c, struct getting *x)
{
	json_t *names = json_member(c->args, "properties"), *v;
	size_t i;

	for (const struct jmap_property *p = x->g->props; p->name && !names; p++)
		x->props[x->n_props++] = p;
	if (!names)
		return true;
	x->props[x->n_props++] = x->g->props; /* the id is always there */
	json_array_foreach(names, i, v)
	{
		const struct jmap_property *p = x->g->props;
		while (p->name && !slice_eq(json_slice(v), slice_str(p->name)))
			p++;
		if (!p->name)
			return false;
		for (size_t k = 0; k < x->n_props && p; k++)
			if (x->props[k] == p)
				p = NULL;
		if (p)
			x->props[x->n_props++] = p;
	}
	return json_is_array(names);
}

static void
give(struct jmap_call *c, const struct jmap_object *o, void *ctx)
{
	struct getting *x = ctx;

	x->given++;
	jo_open(&c->o, '{');
	for (size_t i = 0; i < x->n_props; i++) {
		jo_key(&c->o, x->props[i]->name);
		x->props[i]->put(c, o, &c->o);
	}
	jo_close(&c->o, '}');
}

bool
jmap_id_seen(const json_t *ids, size_t n)
{
	struct slice id = json_slice(json_array_get(ids, n));

	for (size_t i = 0; i < n; i++)
		if (slice_eq(json_slice(json_array_get(ids, i)), id))
			return true;
	return false;
}

static void
get_ids(struct jmap_call *c, struct getting *x, const json_t *ids, struct json_out *missing)
{
	for (size_t i = 0; i < json_array_size(ids); i++) {
		struct slice id = json_slice(json_array_get(ids, i));
		struct jmap_object o;
		if (jmap_id_seen(ids, i))
			continue;
		if (!x->g->find(c, jmap_id(c, id), &o)) {
			jo_slice(missing, id);
			continue;
		}
		give(c, &o, x);
		if (x->g->release)
			x->g->release(&o);
	}
}

bool
jmap_ids_ok(const json_t *ids)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (!json_is_string(json_array_get(ids, i)))
			return false;
	return !ids || json_is_array(ids);
}

void
jmap_list_end(struct jmap_call *c, const struct buf *missing)
{
	jo_close(&c->o, ']');
	jo_key(&c->o, "notFound");
	buf_putc(c->o.b, '[');
	buf_put(c->o.b, buf_slice(missing));
	jo_close(&c->o, ']');
	jo_close(&c->o, '}');
}

void
jmap_list_put(struct json_out *o, const char *name, const struct buf *items)
{
	jo_key(o, name);
	if (!items->len) {
		jo_null(o);
		return;
	}
	jo_open(o, '[');
	buf_put(o->b, buf_slice(items));
	jo_close(o, ']');
}

static void
absent_add(struct buf *list, struct slice id)
{
	struct json_out o = {.b = list, .comma = list->len > 0};

	jo_slice(&o, id);
}

int
jmap_absent_put(struct jmap_absent *x, struct slice id, int err)
{
	bool damaged = err == LL_ERR_AUTH || err == LL_ERR_CORRUPT;

	if (!damaged && err != LL_ERR_NOTFOUND)
		return err;
	absent_add(&x->missing, id);
	if (damaged)
		absent_add(&x->damaged, id);
	return LL_OK;
}

void
jmap_absent_end(struct jmap_call *c, struct jmap_absent *x)
{
	jo_close(&c->o, ']');
	if (x->damaged.len)
		jmap_list_put(&c->o, "urn:letterlock:damaged", &x->damaged);
	jo_key(&c->o, "notFound");
	jo_open(&c->o, '[');
	buf_put(c->o.b, buf_slice(&x->missing));
	jo_close(&c->o, ']');
	jo_close(&c->o, '}');
	buf_done(&x->missing);
	buf_done(&x->damaged);
}

enum jmap_error
jmap_get(struct jmap_call *c, const struct jmap_getter *g)
{
	struct getting x = {.g = g};
	json_t *ids = json_member(c->args, "ids");
	CLEANUP(buf_done) struct buf missing = BUF_INIT(JMAP_REQUEST_MAX);
	struct json_out m = {.b = &missing};

	if (!jmap_ids_ok(ids))
		return jmap_bad(c, "ids");
	if (!props_choose(c, &x))
		return jmap_bad(c, "properties");
	if (json_array_size(ids) > JMAP_GET_MAX || (!ids && !g->each))
		return JMAP_REQUEST_TOO_LARGE;
	jmap_reply_open(c);
	jo_key(&c->o, "state");
	if (g->state)
		jo_str(&c->o, g->state);
	else
		jmap_put_state(&c->o, account_state(c->a, g->type));
	jo_key(&c->o, "list");
	jo_open(&c->o, '[');
	if (ids)
		get_ids(c, &x, ids, &m);
	else
		g->each(c, give, &x);
	jmap_list_end(c, &missing);
	return JMAP_OK;
}

/* ---- Foo/changes (section 5.2) ---- */

static const char *const kind_names[] = {"created", "updated", "destroyed"};

static void
put_changes(struct jmap_call *c, enum change_type type, const struct change *at, size_t n)
{
	char id[40];

	for (int kind = 0; kind < 3; kind++) {
		jo_key(&c->o, kind_names[kind]);
		jo_open(&c->o, '[');
		for (size_t i = 0; i < n; i++) {
			if ((int)at[i].kind != kind)
				continue;
			jmap_id_put(type, at[i].id, id);
			jo_str(&c->o, id);
		}
		jo_close(&c->o, ']');
	}
}

static void
put_new_state(struct jmap_call *c, enum change_type type, const struct changes *ch, size_t end)
{
	char text[64], hex[40];

	jo_key(&c->o, "newState");
	if (end == ch->len) {
		jmap_put_state(&c->o, account_state(c->a, type));
		return;
	}
	hex_id(ch->at[end - 1].id.b, STORE_ID_LEN, '-', hex);
	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)ch->at[end - 1].modseq, hex);
	jo_str(&c->o, text);
}

enum jmap_error
jmap_changes(struct jmap_call *c, enum change_type type)
{
	struct slice text = json_slice(json_object_get(c->args, "sinceState"));
	struct changes ch = {0};
	struct change_place since = {0};
	uint64_t most = UINT64_MAX;
	bool part = false;
	size_t end;
	int err;

	if (!text.ptr || !jmap_arg_uint(c, "maxChanges", &most) || !most)
		return jmap_bad(c, text.ptr ? "maxChanges" : "sinceState");
	if (!jmap_state_parse(text, &since.modseq, &since.id, &part))
		return JMAP_CANNOT_CALCULATE;
	err = part ? account_changes_after(c->a, type, &since, &ch)
		   : account_changes(c->a, type, since.modseq, &ch);
	if (err)
		return jmap_failed(c, err);
	end = MIN(ch.len, most);
	jmap_reply_open(c);
	jo_key(&c->o, "oldState");
	jo_slice(&c->o, text);
	put_new_state(c, type, &ch, end);
	jo_key(&c->o, "hasMoreChanges");
	jo_bool(&c->o, end < ch.len);
	put_changes(c, type, ch.at, end);
	if (type == CHANGE_MAILBOX) {
		jo_key(&c->o, "updatedProperties");
		if (ch.only_counters)
			jo_raw(&c->o,
				S("[\"totalEmails\",\"unreadEmails\",\"totalThreads\","
				  "\"unreadThreads\"]"));
		else
			jo_null(&c->o);
	}
	jo_close(&c->o, '}');
	changes_done(&ch);
	return JMAP_OK;
}
