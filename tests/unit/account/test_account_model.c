/* Random operations by two engines over one store, compared after each with a simple model; changes
 * since earlier points are enumerated as QRESYNC does and compared with what the model remembers.
 */
#include "fixture.h"

#define BOXES 3
#define ROWS_MAX 3000
#define POINTS 4

static const char *const box_names[BOXES] = {"INBOX", "Archive", "deep/er"};

struct model_row {
	uint32_t uid, content;
	uint64_t flags; /* system flags; keywords by name index above bit 8 */
};

struct model_box {
	struct model_row rows[ROWS_MAX];
	size_t n;
	uint32_t uidnext;
};

/* What a client knew at some time. */
struct point {
	uint64_t modseq;
	struct model_box box[BOXES];
};

struct run {
	struct fixture f;
	struct account *b; /* the second engine */
	struct model_box box[BOXES];
	struct point *points;
	uint32_t contents; /* made so far; content i is email emails[i] */
	uint32_t emails[20000];
	struct record_sender *sender;
	struct mailbox *open[2][BOXES];
};

static const struct slice keywords[] = {
	{(const uint8_t *)"$One", 4}, {(const uint8_t *)"two", 3}, {(const uint8_t *)"Three", 5}};

static struct slice
content_text(uint32_t content)
{
	char subject[32], id[32], body[64];

	snprintf(subject, sizeof(subject), "content %u", content);
	snprintf(id, sizeof(id), "%u@model", content);
	snprintf(body, sizeof(body), "body of %u", content);
	return fixture_message(subject, id, NULL, body);
}

/* The model's keyword bits as the mailbox has them; adds the names. */
static uint64_t
real_flags(struct mailbox *mb, uint64_t flags)
{
	uint64_t out = flags & FLAGS_SYSTEM, bit = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (flags & FLAG_KEYWORD(i)) {
			CHECK_INT(mailbox_keywords_add(mb, &keywords[i], 1, &bit), 0);
			out |= bit;
		}
	return out;
}

static uint64_t
model_flags(const struct mailbox *mb, uint64_t flags)
{
	uint64_t out = flags & FLAGS_SYSTEM, bit;

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		mailbox_keyword(mb, keywords[i], &bit);
		if (flags & bit)
			out |= FLAG_KEYWORD(i);
	}
	return out;
}

static uint64_t
random_flags(struct run *r)
{
	return fixture_random(&r->f) &
		(FLAGS_SYSTEM | FLAG_KEYWORD(0) | FLAG_KEYWORD(1) | FLAG_KEYWORD(2)) &
		fixture_random(&r->f);
}

/* ---- Model operations ---- */

static void
model_add(struct model_box *b, uint32_t content, uint64_t flags)
{
	CHECK(b->n < ROWS_MAX);
	b->rows[b->n++] = (struct model_row){b->uidnext++, content, flags};
}

static void
model_del(struct model_box *b, uint32_t uid)
{
	size_t to = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].uid != uid)
			b->rows[to++] = b->rows[i];
	b->n = to;
}

/* Some UIDs of a box, ascending, with one now and then that is not there. */
static size_t
some_uids(struct run *r, const struct model_box *b, uint32_t *out)
{
	size_t n = 0, one_in = 1 + fixture_below(&r->f, 20);

	for (uint32_t uid = 1; uid < b->uidnext; uid++)
		if (!fixture_below(&r->f, one_in) && fixture_below(&r->f, 3))
			out[n++] = uid;
	return n;
}

static struct model_row *
model_find(struct model_box *b, uint32_t uid)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].uid == uid)
			return &b->rows[i];
	return NULL;
}

/* ---- Operations on both ---- */

static void
op_append(struct run *r, struct mailbox *mb, size_t box)
{
	size_t n = 1 + fixture_below(&r->f, fixture_below(&r->f, 8) ? 3 : 90);
	struct append_item items[90];
	struct uid_list uids = {0};
	uint64_t flags[90];

	for (size_t i = 0; i < n; i++) {
		flags[i] = random_flags(r);
		items[i].flags = real_flags(mb, flags[i]);
		CHECK_INT(message_stage(mailbox_account(mb),
				  content_text(r->contents + (uint32_t)i), 5, &items[i].message),
			0);
	}
	CHECK_INT(mailbox_append(mb, items, n, &uids), 0);
	CHECK_INT(uids.len, n);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(uids.at[i], r->box[box].uidnext);
		model_add(&r->box[box], r->contents++, flags[i]);
		staged_message_free(items[i].message);
	}
	uid_list_done(&uids);
}

static void
op_deliver(struct run *r, struct account *a)
{
	size_t n = 1 + fixture_below(&r->f, 100);

	for (size_t i = 0; i < n; i++) {
		size_t box = fixture_below(&r->f, BOXES);
		struct delivery_recipient rcpt = {.account = r->f.env.id,
			.keyver = 1,
			.mailbox = slice_str(box_names[box]),
			.flags = FLAG_FLAGGED,
			.keywords = keywords,
			.n_keywords = fixture_below(&r->f, 2)};
		CHECK_INT(fixture_deliver(&r->f, content_text(r->contents), &rcpt, &r->sender), 0);
		model_add(&r->box[box], r->contents++,
			FLAG_FLAGGED | (rcpt.n_keywords ? FLAG_KEYWORD(0) : 0));
	}
	CHECK_INT(account_poll(a), 0);
}

static void
op_store(struct run *r, struct mailbox *mb, size_t box)
{
	static uint32_t uids[20000];
	size_t n = some_uids(r, &r->box[box], uids), missing = 0;
	uint64_t flags = random_flags(r);
	struct flags_change c = {
		(enum flags_how)fixture_below(&r->f, 3), real_flags(mb, flags), UINT64_MAX};
	struct flags_result res;

	CHECK_INT(mailbox_store(mb, uids, n, &c, &res), 0);
	for (size_t i = 0; i < n; i++) {
		struct model_row *row = model_find(&r->box[box], uids[i]);
		if (!row)
			missing++;
		else if (c.how == FLAGS_ADD)
			row->flags |= flags;
		else if (c.how == FLAGS_REMOVE)
			row->flags &= ~flags;
		else
			row->flags = flags;
	}
	CHECK_INT(res.missing.len, missing);
	CHECK_INT(res.failed.len, 0);
	flags_result_done(&res);
}

static void
op_expunge(struct run *r, struct mailbox *mb, size_t box)
{
	static uint32_t uids[20000];
	bool all = !fixture_below(&r->f, 4);
	size_t n = some_uids(r, &r->box[box], uids), k = 0;
	struct uid_list gone = {0}, want = {0};

	for (size_t i = 0; i < r->box[box].n; i++) {
		const struct model_row *row = &r->box[box].rows[i];
		while (k < n && uids[k] < row->uid)
			k++;
		if ((row->flags & FLAG_DELETED) && (all || (k < n && uids[k] == row->uid)))
			CHECK_INT(VEC_PUSH(&want, row->uid), 0);
	}
	CHECK_INT(mailbox_expunge(mb, all ? NULL : uids, n, &gone), 0);
	CHECK_INT(gone.len, want.len);
	for (size_t i = 0; i < want.len; i++) {
		CHECK(i < gone.len && gone.at[i] == want.at[i]);
		model_del(&r->box[box], want.at[i]);
	}
	uid_list_done(&gone);
	uid_list_done(&want);
}

static void
op_copy(struct run *r, struct mailbox *from, size_t fb, struct mailbox *to, size_t tb, bool move)
{
	static uint32_t uids[20000];
	size_t n = some_uids(r, &r->box[fb], uids);
	struct copy_result res;

	if (r->box[tb].n + n > ROWS_MAX)
		return;
	CHECK_INT((move ? mailbox_move : mailbox_copy)(from, uids, n, to, &res), 0);
	for (size_t i = 0; i < res.from.len; i++) {
		struct model_row *row = model_find(&r->box[fb], res.from.at[i]);
		CHECK(row != NULL);
		CHECK_INT(res.to.at[i], r->box[tb].uidnext);
		if (row)
			model_add(&r->box[tb], row->content, row->flags);
	}
	for (size_t i = 0; i < res.from.len && move; i++)
		model_del(&r->box[fb], res.from.at[i]);
	copy_result_done(&res);
}

/* ---- Comparing ---- */

static void
check_info(const struct mailbox_info *info, const struct model_box *m)
{
	uint32_t unseen = 0, deleted = 0;

	for (size_t i = 0; i < m->n; i++) {
		unseen += !(m->rows[i].flags & FLAG_SEEN);
		deleted += (m->rows[i].flags & FLAG_DELETED) != 0;
	}
	CHECK_INT(info->exists, m->n);
	CHECK_INT(info->unseen, unseen);
	CHECK_INT(info->deleted, deleted);
	CHECK_INT(info->uidnext, m->uidnext);
}

static void
check_box(struct run *r, struct account *a, size_t box)
{
	struct mailbox *mb = fixture_box(a, box_names[box]);
	const struct model_box *m = &r->box[box];
	const struct message_row *rows;
	uint64_t size = 0;
	size_t n;

	CHECK_INT(mailbox_open(mb), 0);
	rows = mailbox_rows(mb, &n);
	check_info(mailbox_info(mb), m);
	CHECK_INT(n, m->n);
	for (size_t i = 0; i < n && i < m->n; i++) {
		uint32_t *email = &r->emails[m->rows[i].content];
		CHECK_INT(rows[i].uid, m->rows[i].uid);
		CHECK_INT(model_flags(mb, rows[i].flags), m->rows[i].flags);
		if (!*email)
			*email = rows[i].email;
		CHECK_INT(rows[i].email, *email);
		CHECK(rows[i].modseq <= mailbox_info(mb)->highestmodseq);
		size += rows[i].size;
	}
	CHECK_INT(mailbox_info(mb)->size, size);
	for (int i = 0; i < 5 && n; i++) { /* some contents */
		size_t at = fixture_below(&r->f, n);
		struct buf out = BUF_INIT(1 << 16);
		struct message msg;
		CHECK_INT(message_read(a, rows[at].email, 0, UINT64_MAX, &out), 0);
		CHECK_SLICE(buf_slice(&out), content_text(m->rows[at].content));
		CHECK_INT(message_get(a, rows[at].email, &msg), 0);
		CHECK_INT(msg.size, out.len);
		buf_done(&out);
	}
	mailbox_close(mb);
}

/* From what was known at the point and what the engine says has changed, a client gets the present
 * state. */
static void
check_since(struct run *r, struct account *a, const struct point *p, size_t box)
{
	struct mailbox *mb = fixture_box(a, box_names[box]);
	struct model_box *then = malloc(sizeof(*then));
	struct uid_list gone = {0};
	const struct message_row *rows;
	size_t n;
	int err;

	*then = p->box[box];
	CHECK_INT(mailbox_open(mb), 0);
	err = mailbox_vanished(mb, p->modseq, &gone);
	CHECK(!err || err == LL_ERR_RANGE);
	rows = mailbox_rows(mb, &n);
	for (size_t i = 0; i < gone.len; i++) {
		CHECK(!i || gone.at[i] > gone.at[i - 1]);
		CHECK(!mailbox_row(mb, gone.at[i]));
		model_del(then, gone.at[i]);
	}
	for (size_t i = 0; i < n; i++) {
		struct model_row *row = model_find(then, rows[i].uid);
		if (rows[i].modseq <= p->modseq)
			continue;
		if (!row) { /* arrived since, at the end */
			CHECK(!then->n || rows[i].uid > then->rows[then->n - 1].uid);
			then->rows[then->n++] = (struct model_row){.uid = rows[i].uid};
			row = &then->rows[then->n - 1];
		}
		row->flags = model_flags(mb, rows[i].flags);
	}
	CHECK(err || then->n == r->box[box].n);
	for (size_t i = 0; i < then->n && !err; i++) {
		CHECK_INT(then->rows[i].uid, r->box[box].rows[i].uid);
		CHECK_INT(then->rows[i].flags, r->box[box].rows[i].flags);
	}
	mailbox_close(mb);
	uid_list_done(&gone);
	free(then);
}

static void
check_all(struct run *r)
{
	struct account *both[2] = {r->f.a, r->b};

	for (size_t k = 0; k < 2; k++) {
		CHECK_INT(account_poll(both[k]), 0);
		for (size_t box = 0; box < BOXES; box++) {
			check_box(r, both[k], box);
			check_since(r, both[k], &r->points[fixture_below(&r->f, POINTS)], box);
		}
	}
}

static void
take_point(struct run *r)
{
	struct point *p = &r->points[fixture_below(&r->f, POINTS)];

	p->modseq = account_modseq(r->f.a);
	memcpy(p->box, r->box, sizeof(p->box));
}

static void
op_house(struct run *r, struct account *a)
{
	bool more = true;

	switch (fixture_below(&r->f, 5)) {
	case 0:
		account_trim(a);
		return;
	case 1:
		account_close(r->b);
		fixture_restart(&r->f);
		r->b = fixture_second(&r->f);
		return;
	case 2:
		fixture_reopen(&r->f);
		return;
	default:
		while (more && fixture_below(&r->f, 5))
			CHECK_INT(account_work(a, &more), 0);
	}
}

static void
step(struct run *r)
{
	struct account *a = fixture_below(&r->f, 3) ? r->f.a : r->b;
	size_t from = fixture_below(&r->f, BOXES), to = fixture_below(&r->f, BOXES);
	struct mailbox *mb = fixture_box(a, box_names[from]), *mb2 = fixture_box(a, box_names[to]);

	/* The actor's view may be old: it must find out by itself, except for which UIDs it names.
	 */
	switch (fixture_below(&r->f, 10)) {
	case 0:
	case 1:
		if (r->box[from].n < ROWS_MAX - 100)
			op_append(r, mb, from);
		break;
	case 2:
		if (MAX(r->box[0].n, MAX(r->box[1].n, r->box[2].n)) < ROWS_MAX - 100)
			op_deliver(r, a);
		break;
	case 3:
	case 4:
	case 5:
		CHECK_INT(account_poll(a), 0);
		op_store(r, mb, from);
		break;
	case 6:
		CHECK_INT(account_poll(a), 0);
		op_expunge(r, mb, from);
		break;
	case 7:
		CHECK_INT(account_poll(a), 0);
		op_copy(r, mb, from, mb2, to, false);
		break;
	case 8:
		CHECK_INT(account_poll(a), 0);
		op_copy(r, mb, from, mb2, to, true);
		break;
	default:
		op_house(r, a);
	}
}

/* Nothing is left of what was expunged. */
static void
check_garbage(struct run *r)
{
	bool *alive = calloc(r->contents + 1, sizeof(*alive));
	uint64_t n = 0;

	fixture_work(&r->f);
	for (size_t box = 0; box < BOXES; box++)
		for (size_t i = 0; i < r->box[box].n; i++)
			alive[r->box[box].rows[i].content] = true;
	for (uint32_t i = 0; i < r->contents; i++)
		n += alive[i];
	CHECK_INT(fixture_blobs(&r->f), n);
	free(alive);
}

static void
random_operations(void)
{
	const char *steps = getenv("MODEL_STEPS"), *seed = getenv("MODEL_SEED");
	int n = steps ? (int)strtol(steps, NULL, 10) : 250;
	struct run *r = calloc(1, sizeof(*r));

	fixture_init(&r->f);
	r->points = calloc(POINTS, sizeof(*r->points));
	if (seed)
		r->f.rng ^= strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15ULL;
	CHECK_INT(
		account_mailbox_create(r->f.a, slice_str(box_names[2]), MAILBOX_NO_ROLE, NULL), 0);
	r->b = fixture_second(&r->f);
	for (size_t i = 0; i < BOXES; i++)
		r->box[i].uidnext = 1;
	for (size_t i = 0; i < POINTS; i++) {
		r->points[i].modseq = account_modseq(r->f.a);
		memcpy(r->points[i].box, r->box, sizeof(r->box));
	}
	for (int i = 0; i < n && !t_failed && r->contents < 15000; i++) {
		step(r);
		if (!fixture_below(&r->f, 3))
			check_all(r);
		if (!fixture_below(&r->f, 10)) {
			check_all(r);
			take_point(r);
		}
		if (t_failed)
			fprintf(stderr, "at step %d\n", i);
	}
	check_all(r);
	check_garbage(r);
	record_sender_free(r->sender);
	account_close(r->b);
	fixture_done(&r->f);
	free(r->points);
	free(r);
}

T_MAIN(T(random_operations))
