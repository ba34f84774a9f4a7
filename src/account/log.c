/* The log of the whole account (m/log/): which emails, mailboxes and objects came and went with
 * which commit. It grows at its last page; when it has too many, the oldest is dropped and the
 * floor rises. It is read whole when first asked for and then kept up with every commit. */
#include "account/txn.h"

#include <stdlib.h>

#define LOG_VERSION 1

void
log_done(struct change_log *l)
{
	VEC_DONE(&l->events);
	buf_done(&l->tail);
	l->loaded = false;
}

uint64_t
account_state(const struct account *a, enum change_type type)
{
	return a->head.states[type];
}

/* ---- Form ---- */

/* modseq, number of events, then for each: op, and what belongs to it. Emails as differences. */
static int
events_encode(const struct log_event *e, size_t n, uint64_t modseq, struct buf *out)
{
	uint32_t last = 0;

	buf_put_varint(out, modseq);
	buf_put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		buf_putc(out, e[i].op);
		if (e[i].op >= LOG_BOX_NEW) {
			buf_putc(out, e[i].type);
			buf_put(out, SLICE_OF(e[i].id.b));
		} else {
			buf_put_svarint(out, (int64_t)e[i].email - last);
			buf_put_svarint(out, (int64_t)e[i].thread - e[i].email);
			last = e[i].email;
		}
	}
	return buf_err(out);
}

static void
event_decode(struct reader *r, uint32_t *last, struct log_event *e)
{
	e->op = reader_u8(r);
	if (e->op >= LOG_OPS) {
		r->err = LL_ERR_SYNTAX;
	} else if (e->op >= LOG_BOX_NEW) {
		struct slice id;
		e->type = reader_u8(r);
		id = reader_bytes(r, sizeof(e->id.b));
		if (id.len == sizeof(e->id.b))
			memcpy(e->id.b, id.ptr, id.len);
	} else {
		*last = e->email = (uint32_t)(*last + reader_svarint(r));
		e->thread = (uint32_t)(*last + reader_svarint(r));
	}
}

/* Adds the events of a page to the list (may be NULL). */
static int
page_decode(struct change_log *l, struct slice plain, uint64_t *ret_last)
{
	struct reader r = reader_new(plain);
	int err = LL_OK;

	if (reader_u8(&r) != LOG_VERSION)
		return LL_ERR_UNSUPPORTED;
	while (!err && !r.err && r.rest.len) {
		uint64_t modseq = reader_varint(&r), n = reader_varint(&r);
		uint32_t last = 0;
		for (; n && !r.err && !err; n--) {
			struct log_event e = {.modseq = modseq};
			event_decode(&r, &last, &e);
			if (l && !r.err)
				err = VEC_PUSH(&l->events, e);
		}
		*ret_last = modseq;
	}
	return err ? err : r.err ? LL_ERR_CORRUPT : LL_OK;
}

/* ---- Reading ---- */

struct load {
	struct account *a;
	uint8_t set[SET_LEN];
};

static int
load_page(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct load *l = ctx;
	uint64_t last;

	set_toggle(&l->a->head, l->set, id, rev);
	return page_decode(&l->a->log, plain, &last);
}

static int
log_read(struct account *a)
{
	struct load l = {.a = a};
	int err = LL_OK;

	log_done(&a->log);
	if (a->head.log_first != a->head.log_next)
		err = rec_each(a, REC_LOG, (struct store_id){{0}}, a->head.log_first,
			a->head.log_next, load_page, &l);
	if (!err && memcmp(l.set, a->head.set_log, SET_LEN) != 0)
		err = LL_ERR_AUTH;
	if (err)
		log_done(&a->log);
	else
		a->log.loaded = true;
	return err;
}

int
log_load(struct account *a)
{
	int err = a->log.loaded ? LL_OK : log_read(a);

	for (int i = 0; i < 4 && err == LL_ERR_AUTH && account_stale(a); i++) {
		err = account_reload(a);
		if (!err)
			err = log_read(a);
	}
	return err;
}

int
log_since(struct account *a, uint64_t since, size_t *ret_first)
{
	size_t lo = 0, hi;
	int err = since < a->head.log_floor ? LL_ERR_RANGE : log_load(a);

	if (err)
		return err;
	hi = a->log.events.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (a->log.events.at[mid].modseq <= since)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_first = lo;
	return LL_OK;
}

/* ---- Writing ---- */

int
txn_log_email(struct txn *t, uint32_t email, uint32_t thread)
{
	struct log_event e = {
		.modseq = t->head.modseq, .op = LOG_EMAIL_NEW, .email = email, .thread = thread};

	return VEC_PUSH(&t->log, e);
}

int
txn_log_object(struct txn *t, enum log_op op, enum change_type type, struct store_id id)
{
	struct log_event e = {
		.modseq = t->head.modseq, .op = (uint8_t)op, .type = (uint8_t)type, .id = id};

	t->head.states[type] = t->head.modseq;
	return VEC_PUSH(&t->log, e);
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
listed(const struct uid_list *l, uint32_t v)
{
	return l->len && bsearch(&v, l->at, l->len, sizeof(v), u32_cmp);
}

/* Emails that got a row in this commit: what lost one as well has only moved. */
static int
list_moved(const struct txn *t, struct uid_list *ret)
{
	int err = LL_OK;

	VEC_EACH (b, &t->boxes)
		VEC_EACH (e, &b->edits)
			if (e->kind == EDIT_NEW && !err)
				err = VEC_PUSH(ret, e->row.email);
	if (ret->len)
		qsort(ret->at, ret->len, sizeof(ret->at[0]), u32_cmp);
	return err;
}

static int
log_lost(struct txn *t, uint32_t email)
{
	struct log_event e = {.modseq = t->head.modseq, .email = email};
	struct page *page;
	struct entry entry;
	int err = entry_get(t->a, email, &page, &entry);

	if (err)
		return err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : err;
	e.op = listed(&t->dead, email) ? LOG_EMAIL_GONE : LOG_EMAIL_LESS;
	e.thread = entry.thread;
	return VEC_PUSH(&t->log, e);
}

static int
log_rows(struct txn *t)
{
	struct uid_list moved = {0}, lost = {0};
	int err = list_moved(t, &moved);

	VEC_EACH (b, &t->boxes)
		VEC_EACH (e, &b->edits)
			if (e->kind == EDIT_DEL && !err && !listed(&moved, e->row.email))
				err = VEC_PUSH(&lost, e->row.email);
	if (lost.len)
		qsort(lost.at, lost.len, sizeof(lost.at[0]), u32_cmp);
	for (size_t i = 0; i < lost.len && !err; i++)
		if (!i || lost.at[i] != lost.at[i - 1])
			err = log_lost(t, lost.at[i]);
	uid_list_done(&moved);
	uid_list_done(&lost);
	return err;
}

/* The trash came or went: what counts as unread is different everywhere. */
static bool
trash_moves(const struct txn_box *b)
{
	bool was = !b->created && b->mb->s.info.role == MAILBOX_TRASH;
	bool is = !b->deleted && b->s.info.role == MAILBOX_TRASH;

	return was != is;
}

static bool
is_below(struct slice name, struct slice top)
{
	return name.len > top.len && slice_starts(name, top) && name.ptr[top.len] == '/';
}

/* Whether a name that is above this one comes or goes with this commit. */
static bool
superior_moves(const struct txn *t, struct slice name)
{
	VEC_EACH (b, &t->boxes) {
		struct slice old = b->created ? SLICE_NONE : b->mb->s.info.name;
		struct slice new = b->deleted ? SLICE_NONE : b->s.info.name;
		if (!slice_eq(old, new) &&
			((old.len && is_below(name, old)) || is_below(name, new)))
			return true;
	}
	return false;
}

static bool
names_move(const struct txn *t)
{
	VEC_EACH (b, &t->boxes)
		if (b->created || b->deleted || b->name)
			return true;
	return false;
}

static bool
in_commit(const struct txn *t, const struct mailbox *mb)
{
	VEC_EACH (b, &t->boxes)
		if (b->mb == mb)
			return true;
	return false;
}

/* IMAP's mailboxes have names, and those above need not exist; JMAP's have parents (RFC 8621
 * section 2). Who is below a mailbox that comes or goes has another parent and name from now on,
 * though nothing of its own changes. */
static int
log_inferiors(struct txn *t)
{
	struct log_event e = {.modseq = t->head.modseq, .op = LOG_BOX_SET};
	int err = LL_OK;

	for (size_t i = 0; names_move(t) && i < t->a->boxes.len && !err; i++) {
		const struct mailbox *mb = t->a->boxes.at[i];
		if (in_commit(t, mb) || !superior_moves(t, mb->s.info.name))
			continue;
		e.id = mb->s.info.id;
		t->head.states[CHANGE_MAILBOX] = t->head.modseq;
		err = VEC_PUSH(&t->log, e);
	}
	return err;
}

static int
log_boxes(struct txn *t)
{
	int err = LL_OK;

	VEC_EACH (b, &t->boxes) {
		struct log_event e = {.modseq = t->head.modseq, .id = b->s.info.id};
		if (b->edits.len)
			t->head.states[CHANGE_EMAIL] = t->head.states[CHANGE_MAILBOX] =
				t->head.modseq;
		if (!b->created && !b->deleted &&
			!(b->events & (ACCOUNT_RENAMED | ACCOUNT_SUBSCRIPTION)))
			continue;
		e.type = trash_moves(b) ? LOG_TRASH : 0;
		e.op = b->deleted ? LOG_BOX_GONE : b->created ? LOG_BOX_NEW : LOG_BOX_SET;
		t->head.states[CHANGE_MAILBOX] = t->head.modseq;
		if (!err)
			err = VEC_PUSH(&t->log, e);
	}
	return err;
}

static void
log_states(struct txn *t)
{
	VEC_EACH (e, &t->log)
		if (e->op == LOG_EMAIL_NEW || e->op == LOG_EMAIL_GONE)
			t->head.states[CHANGE_THREAD] = t->head.modseq;
	if (t->delivered)
		t->head.states[CHANGE_DELIVERY] = t->head.modseq;
}

/* The oldest page goes. */
static int
log_drop_first(struct txn *t)
{
	struct rec_id id = {.type = REC_LOG, .number = t->head.log_first};
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(STORE_VALUE_MAX);
	uint64_t rev, last = t->head.log_floor;
	int err = rec_get(t->a, &id, REV_ANY, &rev, &plain);

	if (!err)
		err = page_decode(NULL, buf_slice(&plain), &last);
	if (err)
		return err == LL_ERR_NOTFOUND ? LL_ERR_AUTH : err;
	set_toggle(&t->head, t->head.set_log, &id, rev);
	t->head.log_first++;
	t->head.log_floor = MAX(t->head.log_floor, last);
	return txn_del(t, &id);
}

/* The plaintext of the last page as it is now; empty when there is none. */
static int
log_tail(struct account *a, struct buf *out)
{
	struct rec_id id = {.type = REC_LOG, .number = a->head.log_next - 1};
	int err;

	if (a->head.log_first == a->head.log_next)
		return LL_OK;
	if (a->log.tail.len)
		return buf_put(out, buf_slice(&a->log.tail));
	err = rec_get(a, &id, a->head.log_rev, NULL, out);
	return err == LL_ERR_NOTFOUND ? LL_ERR_AUTH : err;
}

static int
log_append(struct txn *t, struct slice events)
{
	struct rec_id id = {.type = REC_LOG};
	struct buf *tail = &t->log_tail;
	int err;

	*tail = BUF_SECRET(STORE_VALUE_MAX);
	err = log_tail(t->a, tail);
	if (err)
		return err;
	if (!tail->len || tail->len + events.len > LOG_PAGE_BYTES) {
		buf_reset(tail);
		buf_putc(tail, LOG_VERSION);
		id.number = t->head.log_next++;
	} else {
		id.number = t->head.log_next - 1;
		set_toggle(&t->head, t->head.set_log, &id, t->head.log_rev);
	}
	t->head.log_rev = t->head.rev;
	set_toggle(&t->head, t->head.set_log, &id, t->head.log_rev);
	err = buf_put(tail, events);
	if (!err)
		err = txn_put(t, &id, buf_slice(tail));
	if (!err && t->head.log_next - t->head.log_first > LOG_PAGES)
		err = log_drop_first(t);
	return err;
}

int
txn_log_seal(struct txn *t)
{
	CLEANUP(buf_done) struct buf events = BUF_INIT(STORE_COMMIT_MAX);
	int err = t->silent ? LL_OK : log_rows(t);

	if (!err && !t->silent)
		err = log_boxes(t);
	if (!err && !t->silent)
		err = log_inferiors(t);
	if (err || t->silent || !t->log.len)
		return err;
	log_states(t);
	err = events_encode(t->log.at, t->log.len, t->head.modseq, &events);
	if (err == LL_ERR_LIMIT || events.len > LOG_EVENT_MAX) {
		t->head.log_floor = t->head.modseq; /* too much: whoever asks begins anew */
		return LL_OK;
	}
	return err ? err : log_append(t, buf_slice(&events));
}

void
txn_log_apply(struct txn *t)
{
	struct change_log *l = &t->a->log;

	if (!t->log_tail.max)
		return;
	buf_done(&l->tail);
	l->tail = t->log_tail;
	t->log_tail = BUF_INIT(0);
	for (size_t i = 0; i < t->log.len && l->loaded; i++)
		if (VEC_PUSH(&l->events, t->log.at[i]))
			l->loaded = false;
}
