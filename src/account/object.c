/* Objects (m/obj/): one record each, all read when the first is asked for; few and small. */
#include "account/object.h"

#include "account/txn.h"

#include <stdlib.h>

#define OBJECT_VERSION 1

struct stored_object {
	struct object o;
	uint64_t rev;
	uint8_t bytes[]; /* o.value */
};

void
objects_done(struct object_store *s)
{
	VEC_EACH (o, &s->v)
		free(*o);
	VEC_DONE(&s->v);
	s->loaded = false;
}

static struct stored_object *
stored_new(const struct object *o, uint64_t rev)
{
	struct stored_object *s = malloc(sizeof(*s) + o->value.len);

	if (!s)
		return NULL;
	s->o = *o;
	s->rev = rev;
	if (o->value.len)
		memcpy(s->bytes, o->value.ptr, o->value.len);
	s->o.value = slice_new(s->bytes, o->value.len);
	return s;
}

static struct rec_id
object_rec(enum change_type type, struct store_id id)
{
	return (struct rec_id){.type = REC_OBJ, .box = id, .number = type};
}

/* ---- Reading ---- */

struct load {
	struct account *a;
	uint8_t set[SET_LEN];
};

static int
load_object(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct load *l = ctx;
	struct reader r = reader_new(plain);
	struct object o = {.type = (enum change_type)id->number, .id = id->box};
	struct stored_object *s;

	set_toggle(&l->a->head, l->set, id, rev);
	if (reader_u8(&r) != OBJECT_VERSION)
		return LL_ERR_UNSUPPORTED;
	o.created = reader_varint(&r);
	o.modseq = reader_varint(&r);
	o.value = r.rest;
	if (r.err)
		return LL_ERR_CORRUPT;
	s = stored_new(&o, rev);
	if (!s || VEC_PUSH(&l->a->objects.v, s)) {
		free(s);
		return LL_ERR_NOMEM;
	}
	return LL_OK;
}

static int
stored_cmp(const void *a, const void *b)
{
	const struct stored_object *x = *(struct stored_object *const *)a;
	const struct stored_object *y = *(struct stored_object *const *)b;

	if (x->o.created != y->o.created)
		return x->o.created < y->o.created ? -1 : 1;
	return memcmp(x->o.id.b, y->o.id.b, sizeof(x->o.id.b));
}

static void
objects_sort(struct object_store *s)
{
	if (s->v.len > 1)
		qsort(s->v.at, s->v.len, sizeof(s->v.at[0]), stored_cmp);
}

static int
objects_read(struct account *a)
{
	struct load l = {.a = a};
	int err = LL_OK;

	objects_done(&a->objects);
	if (a->head.objects)
		err = rec_each(a, REC_OBJ, (struct store_id){{0}}, 0, UINT64_MAX, load_object, &l);
	if (!err &&
		(memcmp(l.set, a->head.set_obj, SET_LEN) != 0 ||
			a->objects.v.len != a->head.objects))
		err = LL_ERR_AUTH;
	if (err) {
		objects_done(&a->objects);
		return err;
	}
	objects_sort(&a->objects);
	a->objects.loaded = true;
	return LL_OK;
}

int
account_objects_load(struct account *a)
{
	int err = a->objects.loaded ? LL_OK : objects_read(a);

	for (int i = 0; i < 4 && err == LL_ERR_AUTH && account_stale(a); i++) {
		err = account_reload(a);
		if (!err)
			err = objects_read(a);
	}
	return err;
}

static struct stored_object *
object_find(const struct account *a, enum change_type type, struct store_id id)
{
	VEC_EACH (s, &a->objects.v)
		if ((*s)->o.type == type && !memcmp((*s)->o.id.b, id.b, sizeof(id.b)))
			return *s;
	return NULL;
}

const struct object *
account_object(const struct account *a, enum change_type type, struct store_id id)
{
	const struct stored_object *s = object_find(a, type, id);

	return s ? &s->o : NULL;
}

const struct object *
account_object_next(const struct account *a, enum change_type type, size_t *pos)
{
	while (*pos < a->objects.v.len) {
		const struct object *o = &a->objects.v.at[(*pos)++]->o;
		if (o->type == type)
			return o;
	}
	return NULL;
}

size_t
account_object_count(const struct account *a, enum change_type type)
{
	size_t pos = 0, n = 0;

	while (account_object_next(a, type, &pos))
		n++;
	return n;
}

/* ---- Changing ---- */

struct changing {
	const struct object_change *at;
	size_t n;
	struct stored_object **fresh; /* one for each that is not destroyed */
};

static int
change_blob(struct txn *t, const struct object_change *c)
{
	static const enum store_op_kind kinds[] = {[OBJECT_BLOB_NEW] = STORE_BLOB_NEW,
		[OBJECT_BLOB_STAGED] = STORE_BLOB_REF,
		[OBJECT_BLOB_DROP] = STORE_BLOB_DROP};

	if (c->how == OBJECT_NO_BLOB)
		return LL_OK;
	t->grows |= c->how != OBJECT_BLOB_DROP;
	return txn_blob(
		t, kinds[c->how], c->blob, c->how == OBJECT_BLOB_NEW ? c->sealed : SLICE_NONE);
}

static int
change_destroy(struct txn *t, const struct stored_object *old, const struct object_change *c)
{
	struct rec_id id = object_rec(c->type, c->id);
	int err;

	if (!old)
		return LL_ERR_NOTFOUND;
	set_toggle(&t->head, t->head.set_obj, &id, old->rev);
	t->head.objects--;
	err = txn_del(t, &id);
	return err ? err : txn_log_object(t, LOG_OBJECT_GONE, c->type, c->id);
}

static int
change_put(struct txn *t, const struct stored_object *old, const struct object_change *c,
	struct stored_object **ret)
{
	struct rec_id id = object_rec(c->type, c->id);
	struct object o = {.type = c->type,
		.id = c->id,
		.created = old ? old->o.created : t->head.modseq,
		.modseq = t->head.modseq,
		.value = c->value};
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(STORE_VALUE_MAX);
	int err;

	if (c->value.len > OBJECT_VALUE_MAX || t->head.objects >= OBJECT_COUNT_MAX)
		return LL_ERR_LIMIT;
	buf_putc(&plain, OBJECT_VERSION);
	buf_put_varint(&plain, o.created);
	buf_put_varint(&plain, o.modseq);
	buf_put(&plain, c->value);
	err = buf_err(&plain);
	if (!err)
		err = txn_put(t, &id, buf_slice(&plain));
	if (err)
		return err;
	set_toggle(&t->head, t->head.set_obj, &id, old ? old->rev : 0);
	set_toggle(&t->head, t->head.set_obj, &id, t->head.rev);
	t->head.objects += !old;
	free(*ret);
	*ret = stored_new(&o, t->head.rev);
	if (!*ret)
		return LL_ERR_NOMEM;
	return txn_log_object(t, old ? LOG_OBJECT_SET : LOG_OBJECT_NEW, c->type, c->id);
}

/* In memory, as the commit was; what fails is read again when needed. */
static void
change_applied(struct txn *t, void *ctx)
{
	struct changing *x = ctx;
	struct object_store *s = &t->a->objects;

	for (size_t i = 0; i < x->n; i++) {
		size_t k = 0;
		while (k < s->v.len &&
			!(s->v.at[k]->o.type == x->at[i].type &&
				!memcmp(s->v.at[k]->o.id.b, x->at[i].id.b, STORE_ID_LEN)))
			k++;
		if (k < s->v.len) {
			free(s->v.at[k]);
			VEC_REMOVE(&s->v, k);
		}
		if (x->fresh[i] && VEC_PUSH(&s->v, x->fresh[i]) == LL_OK)
			x->fresh[i] = NULL;
		else if (x->fresh[i])
			s->loaded = false;
	}
	objects_sort(s);
}

static int
change_build(struct txn *t, void *ctx)
{
	struct changing *x = ctx;
	int err = account_objects_load(t->a);

	for (size_t i = 0; i < x->n && !err; i++) {
		const struct object_change *c = &x->at[i];
		const struct stored_object *old = object_find(t->a, c->type, c->id);
		err = c->destroy ? change_destroy(t, old, c) : change_put(t, old, c, &x->fresh[i]);
		if (!err)
			err = change_blob(t, c);
	}
	t->applied = change_applied;
	t->ctx = x;
	return err;
}

int
account_objects_change(struct account *a, const struct object_change *changes, size_t n)
{
	struct changing x = {changes, n, calloc(n + 1, sizeof(*x.fresh))};
	int err = x.fresh ? account_objects_load(a) : LL_ERR_NOMEM;

	if (!err)
		err = txn_run(a, change_build, &x);
	if (!err)
		account_notify(a, NULL, ACCOUNT_OBJECTS);
	for (size_t i = 0; i < n && x.fresh; i++)
		free(x.fresh[i]);
	free(x.fresh);
	return err;
}
