/* The REFERENCES algorithm of RFC 5256 section 3, step by step. */
#include "account/thread_build.h"

#include <stdlib.h>

/* Map values: node index + 1, so that 0 is none. */
static uint32_t
node_get(const struct map *ids, struct slice id)
{
	uintptr_t v = (uintptr_t)map_get(ids, id);

	return v ? (uint32_t)(v - 1) : THREAD_NONE;
}

static int
node_set(struct map *ids, struct slice id, uint32_t node)
{
	return map_set(ids, id, (void *)((uintptr_t)node + 1), NULL);
}

/* ---- Links ---- */

static void
unlink_child(struct thread_build *t, uint32_t child)
{
	uint32_t parent = t->at[child].parent, *p;

	if (parent == THREAD_NONE)
		return;
	for (p = &t->at[parent].child; *p != child;)
		p = &t->at[*p].next;
	*p = t->at[child].next;
	t->at[child].parent = t->at[child].next = THREAD_NONE;
}

static void
link_child(struct thread_build *t, uint32_t parent, uint32_t child)
{
	t->at[child].parent = parent;
	t->at[child].next = t->at[parent].child;
	t->at[parent].child = child;
}

/* Whether making parent the parent of child would close a loop. */
static bool
would_loop(const struct thread_build *t, uint32_t parent, uint32_t child)
{
	if (parent == child)
		return true;
	if (t->at[child].child == THREAD_NONE)
		return false;
	for (; parent != THREAD_NONE; parent = t->at[parent].parent)
		if (parent == child)
			return true;
	return false;
}

/* ---- Step 1: link by ids ---- */

static int
ref_node(struct thread_build *t, struct map *ids, struct slice id, uint32_t *ret)
{
	int err;

	*ret = node_get(ids, id);
	if (*ret != THREAD_NONE)
		return LL_OK;
	err = thread_build_node(t, NULL, ret);
	return err ? err : node_set(ids, id, *ret);
}

/* The node of a message: the dummy that waited for it, or a new one; a second message with the same
 * id stands for itself. */
static int
own_node(struct thread_build *t, struct map *ids, struct thread_item *item)
{
	uint32_t node = item->id.len ? node_get(ids, item->id) : THREAD_NONE;
	int err;

	if (node != THREAD_NONE && !t->at[node].uid) {
		t->at[node].uid = t->at[node].order_uid = item->uid;
		t->at[node].date = item->date;
		t->at[node].item = (uint32_t)(item - t->items);
		item->node = node;
		return LL_OK;
	}
	err = thread_build_node(t, item, &item->node);
	if (err || !item->id.len || node != THREAD_NONE)
		return err;
	return node_set(ids, item->id, item->node);
}

static int
link_item(struct thread_build *t, struct map *ids, struct thread_item *item)
{
	uint32_t last = THREAD_NONE, node;
	int err = own_node(t, ids, item);

	for (uint32_t i = 0; i < item->n_refs && !err; i++) {
		err = ref_node(t, ids, item->refs[i], &node);
		if (err)
			break;
		if (last != THREAD_NONE && t->at[node].parent == THREAD_NONE &&
			!would_loop(t, last, node))
			link_child(t, last, node);
		last = node;
	}
	if (err || last == THREAD_NONE || t->at[item->node].parent == last)
		return err;
	if (!would_loop(t, last, item->node)) {
		unlink_child(t, item->node);
		link_child(t, last, item->node);
	}
	return LL_OK;
}

/* ---- Steps 2 and 3: roots, without dummies that are of no use ---- */

static void
roots_collect(struct thread_build *t)
{
	t->first = THREAD_NONE;
	for (size_t i = t->len; i-- > 0;)
		if (t->at[i].parent == THREAD_NONE) {
			t->at[i].next = t->first;
			t->first = (uint32_t)i;
		}
}

/* Replaces the node at *p by its children, which get its parent. Returns where the walk goes on. */
static uint32_t *
promote(struct thread_build *t, uint32_t *p)
{
	uint32_t node = *p, parent = t->at[node].parent, *tail;

	*p = t->at[node].child;
	for (tail = p; *tail != THREAD_NONE; tail = &t->at[*tail].next)
		t->at[*tail].parent = parent;
	*tail = t->at[node].next;
	t->at[node].child = t->at[node].next = t->at[node].parent = THREAD_NONE;
	return p;
}

/* Dummies below a node go, their children move up. Promoted ones are looked at in turn. */
static void
prune_children(struct thread_build *t, uint32_t node)
{
	for (uint32_t *p = &t->at[node].child; *p != THREAD_NONE;) {
		if (!t->at[*p].uid)
			p = promote(t, p);
		else
			p = &t->at[*p].next;
	}
}

static void
prune(struct thread_build *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->at[i].uid || t->at[i].parent == THREAD_NONE)
			prune_children(t, (uint32_t)i);
	for (uint32_t *p = &t->first; *p != THREAD_NONE;) {
		const struct build_node *n = &t->at[*p];
		bool useless =
			!n->uid && (n->child == THREAD_NONE || t->at[n->child].next == THREAD_NONE);
		p = useless ? promote(t, p) : &t->at[*p].next;
	}
}

/* ---- Step 5: gather roots with one subject ---- */

/* The item whose subject stands for a root: its own, or its first child's. */
static const struct thread_item *
root_item(const struct thread_build *t, uint32_t root)
{
	const struct build_node *n = &t->at[root];

	if (!n->uid)
		n = &t->at[n->child];
	return &t->items[n->item];
}

static int
subject_table(struct thread_build *t, struct map *subjects)
{
	int err = LL_OK;

	for (uint32_t r = t->first; r != THREAD_NONE && !err; r = t->at[r].next) {
		const struct thread_item *item = root_item(t, r);
		uint32_t had;
		if (!item->subject.len)
			continue;
		had = node_get(subjects, item->subject);
		if (had == THREAD_NONE || (!t->at[r].uid && t->at[had].uid) ||
			(t->at[had].uid && root_item(t, had)->reply && !item->reply))
			err = node_set(subjects, item->subject, r);
	}
	return err;
}

static void
adopt_all(struct thread_build *t, uint32_t from, uint32_t to)
{
	while (t->at[from].child != THREAD_NONE) {
		uint32_t child = t->at[from].child;
		unlink_child(t, child);
		link_child(t, to, child);
	}
}

/* Root r, already off the root list, joins the one of the same subject; the result is what stands
 * in the table for it. */
static int
merge_roots(struct thread_build *t, uint32_t r, uint32_t had, uint32_t *ret)
{
	bool r_dummy = !t->at[r].uid, had_dummy = !t->at[had].uid;
	uint32_t dummy;
	int err;

	*ret = had;
	if (r_dummy && had_dummy) {
		adopt_all(t, r, had);
		return LL_OK;
	}
	if (had_dummy) {
		link_child(t, had, r);
		return LL_OK;
	}
	if (root_item(t, r)->reply && !root_item(t, had)->reply) {
		link_child(t, had, r);
		return LL_OK;
	}
	err = thread_build_node(t, NULL, &dummy);
	if (err)
		return err;
	link_child(t, dummy, r);
	*ret = dummy;
	return LL_OK;
}

/* Makes the new dummy take the place of its first member on the root list. */
static void
root_replace(struct thread_build *t, uint32_t old, uint32_t with)
{
	uint32_t *p = &t->first;

	while (*p != old)
		p = &t->at[*p].next;
	t->at[with].next = t->at[old].next;
	*p = with;
	t->at[old].next = THREAD_NONE;
	link_child(t, with, old);
}

static int
gather(struct thread_build *t, struct map *subjects)
{
	int err = LL_OK;

	for (uint32_t *p = &t->first; *p != THREAD_NONE && !err;) {
		uint32_t r = *p, had, now;
		const struct thread_item *item = root_item(t, r);
		had = item->subject.len ? node_get(subjects, item->subject) : r;
		if (had == r || had == THREAD_NONE) {
			p = &t->at[r].next;
			continue;
		}
		*p = t->at[r].next;
		t->at[r].next = THREAD_NONE;
		size_t at = p == &t->first
			? SIZE_MAX
			: (size_t)(CONTAINER_OF(p, struct build_node, next) - t->at);
		err = merge_roots(t, r, had, &now);
		p = at == SIZE_MAX ? &t->first : &t->at[at].next; /* the array may have moved */
		if (err || now == had)
			continue;
		root_replace(t, had, now);
		if (at == had)
			p = &t->at[now].next;
		err = node_set(subjects, item->subject, now);
	}
	return err;
}

int
thread_references(struct thread_build *t)
{
	struct map *ids = map_new(), *subjects = map_new();
	int err = ids && subjects ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; i < t->n_items && !err; i++)
		err = link_item(t, ids, &t->items[i]);
	if (!err) {
		roots_collect(t);
		prune(t);
		err = thread_build_sort(t); /* step 4: a dummy's first child is its earliest */
	}
	if (!err)
		err = subject_table(t, subjects);
	if (!err)
		err = gather(t, subjects);
	if (!err)
		err = thread_build_sort(t);
	map_free(ids, NULL);
	map_free(subjects, NULL);
	return err;
}
