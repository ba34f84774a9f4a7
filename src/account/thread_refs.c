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

/* Turns a root into a dummy whose child is what the root was: its place on the list stays. */
static int
root_to_dummy(struct thread_build *t, uint32_t root)
{
	uint32_t moved, next = t->at[root].next;
	int err = thread_build_node(t, NULL, &moved);
	struct build_node dummy;

	if (err)
		return err;
	dummy = t->at[moved];
	t->at[moved] = t->at[root];
	t->at[root] = dummy;
	t->at[root].next = next;
	for (uint32_t c = t->at[moved].child; c != THREAD_NONE; c = t->at[c].next)
		t->at[c].parent = moved;
	link_child(t, root, moved);
	return LL_OK;
}

/* Root r, already off the root list, joins the one of the same subject. */
static int
merge_roots(struct thread_build *t, uint32_t r, uint32_t had)
{
	int err;

	if (!t->at[had].uid) {
		if (t->at[r].uid)
			link_child(t, had, r);
		else
			adopt_all(t, r, had);
		return LL_OK;
	}
	if (root_item(t, r)->reply && !root_item(t, had)->reply) {
		link_child(t, had, r);
		return LL_OK;
	}
	err = root_to_dummy(t, had);
	if (!err)
		link_child(t, had, r);
	return err;
}

static int
gather(struct thread_build *t, struct map *subjects)
{
	int err = LL_OK;

	for (uint32_t *p = &t->first; *p != THREAD_NONE && !err;) {
		uint32_t r = *p, had;
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
		err = merge_roots(t, r, had);
		p = at == SIZE_MAX ? &t->first : &t->at[at].next; /* the array may have moved */
	}
	return err;
}

int
thread_references_link(struct thread_build *t)
{
	if (!t->ids && !(t->ids = map_new()))
		return LL_ERR_NOMEM;
	return link_item(t, t->ids, &t->items[t->n_linked++]);
}

int
thread_references(struct thread_build *t)
{
	struct map *subjects = map_new();
	int err;

	if (!subjects)
		return LL_ERR_NOMEM;
	roots_collect(t);
	prune(t);
	err = thread_build_sort(t); /* step 4: a dummy's first child is its earliest */
	if (!err)
		err = subject_table(t, subjects);
	if (!err)
		err = gather(t, subjects);
	if (!err)
		err = thread_build_sort(t);
	map_free(subjects, NULL);
	return err;
}
