/* Email/query and SEARCH: random questions about random mail, asked for a few results at a time while
 * mail changes, against one who reads every letter for every question. */
#include "fixture.h"

#include "account/email.h"
#include "account/engine.h"

#include <stdlib.h>
#include <time.h>

/* All of it. */
static struct email_found
query_all(struct account *a, const struct email_query *q)
{
	struct email_found r = {.n = 0};

	while (!r.all)
		CHECK_INT(emails_query(a, q, SIZE_MAX, &r), 0);
	return r;
}

static void
queries_are_exact(void)
{
	struct fixture f;
	struct email_found r;
	struct email_order newest = {.key = EMAIL_BY_RECEIVED, .descending = true};
	struct email_order subject = {.key = EMAIL_BY_SUBJECT};
	struct email_query q = {.order = &newest, .n_order = 1, .key = S("all")};
	struct email_filter seen = {.op = EMAIL_HAS_KEYWORD, .text = S("$seen")};
	struct email_filter none = {.op = EMAIL_NOT, .kids = &seen};
	struct email_filter some = {.op = EMAIL_SOME_IN_THREAD, .text = S("$seen")};
	struct mailbox *in;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	fixture_append(in, fixture_message("b", "1@x", NULL, "one"), FLAG_SEEN);
	fixture_append(in, fixture_message("c", "2@x", NULL, "two"), 0);
	fixture_append(in, fixture_message("Re: b", "3@x", "1@x", "three"), 0);
	r = query_all(f.a, &q);
	CHECK_INT(r.n, 3);
	CHECK(r.n == 3 && r.at[0] > r.at[1] && r.at[1] > r.at[2]);
	q.collapse = true;
	q.key = S("collapsed");
	CHECK_INT(query_all(f.a, &q).n, 2);
	q.filter = &seen;
	q.key = S("seen");
	CHECK_INT(query_all(f.a, &q).n, 1);
	q.filter = &none;
	q.collapse = false;
	q.key = S("none");
	CHECK_INT(query_all(f.a, &q).n, 2);
	q.filter = &some;
	q.key = S("some");
	CHECK_INT(query_all(f.a, &q).n, 2);
	q.filter = NULL;
	q.order = &subject;
	q.key = S("by subject");
	r = query_all(f.a, &q);
	CHECK(r.n == 3 && r.at[2] - r.at[0] == 1);
	fixture_done(&f);
}

/* ---- The model ---- */

#define MAIL_MAX 600
#define BOXES 3
#define KIDS_MAX 3
static const char *const words[] = {
	"paper", "pa", "harbour", "arbo", "winter", "candle", "invoice", "voice"};

struct letter {
	uint32_t email;
	char subject[64], body[256];
	char flat[256]; /* the body as it is searched: white space is one space */
};
struct world {
	struct fixture f;
	struct mailbox *box[BOXES];
	struct letter mail[MAIL_MAX];
	size_t n;
};

static const char *
a_word(struct world *w)
{
	/* The first are in nearly every letter. */
	size_t most = 1 + fixture_below(&w->f, ARRAY_SIZE(words));

	return words[fixture_below(&w->f, most)];
}

static void
flatten(struct letter *l)
{
	size_t n = 0;

	for (const char *p = l->body; *p; p++)
		if (*p != '\r')
			l->flat[n++] = *p == '\n' ? ' ' : *p;
	if (!n)
		l->flat[n++] = ' ';
	l->flat[n] = '\0';
}

static void
letter_arrives(struct world *w)
{
	struct letter *l = &w->mail[w->n];
	struct mailbox *mb = w->box[fixture_below(&w->f, BOXES)];
	size_t thread = fixture_below(&w->f, 40), n = fixture_below(&w->f, 12);
	struct append_item item = {.flags = fixture_below(&w->f, 2) ? FLAG_SEEN : 0};
	char id[32], refs[32];
	struct uid_list uids = {0};

	if (w->n == MAIL_MAX)
		return;
	snprintf(l->subject, sizeof(l->subject), "%s %zu", a_word(w), thread);
	l->body[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		strcat(l->body, a_word(w));
		strcat(l->body, i % 5 ? " " : "\r\n");
	}
	flatten(l);
	snprintf(id, sizeof(id), "%zu@x", w->n);
	snprintf(refs, sizeof(refs), "t%zu@x", thread);
	CHECK_INT(message_stage(w->f.a, fixture_message(l->subject, id, refs, l->body),
			  (int64_t)(1000 + fixture_below(&w->f, 300)), &item.message),
		0);
	CHECK_INT(mailbox_append(mb, &item, 1, &uids), 0);
	staged_message_free(item.message);
	if (uids.len == 1) {
		l->email = mailbox_row(mb, uids.at[0])->email;
		w->n++;
	}
	uid_list_done(&uids);
}

/* One that is there. */
static struct mailbox *
some_row(struct world *w, uint32_t *ret_uid)
{
	size_t n;
	struct mailbox *mb = w->box[fixture_below(&w->f, BOXES)];
	const struct message_row *rows = mailbox_rows(mb, &n);

	if (!n)
		return NULL;
	*ret_uid = rows[fixture_below(&w->f, n)].uid;
	return mb;
}

static void
something_changes(struct world *w)
{
	struct flags_change c = {FLAGS_ADD, FLAG_SEEN, UINT64_MAX};
	struct flags_result flags;
	uint32_t uid;
	struct mailbox *mb = some_row(w, &uid);

	if (!mb || fixture_below(&w->f, 3) == 0) {
		letter_arrives(w);
	} else if (fixture_below(&w->f, 3)) {
		c.how = fixture_below(&w->f, 2) ? FLAGS_ADD : FLAGS_REMOVE;
		CHECK_INT(mailbox_store(mb, &uid, 1, &c, &flags), 0);
		flags_result_done(&flags);
	} else {
		CHECK_INT(mailbox_remove(mb, &uid, 1, NULL), 0);
	}
}

/* ---- A question, and the plain answer ---- */

struct question {
	struct email_filter nodes[40];
	struct find_node finds[40];
	char phrases[40][64];
	struct store_id boxes[40];
	size_t n;
	struct email_order order[2];
	struct email_query q;
	char key[32];
};

/* A piece of what stands in some letter, wherever its ends are, or two words side by side that may
 * stand nowhere. */
static struct slice
a_phrase(struct world *w, char text[64])
{
	struct slice flat = slice_str(w->mail[fixture_below(&w->f, w->n)].flat);
	size_t from = fixture_below(&w->f, flat.len), len = 6 + fixture_below(&w->f, 40);

	if (flat.len - from < 6)
		snprintf(text, 64, "%s %s", a_word(w), a_word(w));
	else
		snprintf(text, 64, "%.*s", (int)MIN(len, flat.len - from), flat.ptr + from);
	return slice_str(text);
}

static void
make_text(struct world *w, struct question *x, size_t i)
{
	static const enum find_op ops[] = {FIND_TEXT, FIND_TEXT, FIND_BODY, FIND_SUBJECT};

	x->finds[i] = (struct find_node){.op = ops[fixture_below(&w->f, 4)],
		.text = fixture_below(&w->f, 3) ? slice_str(a_word(w))
						: a_phrase(w, x->phrases[i])};
}

/* Words that must all be there are one condition, as the face makes it. */
static void
make_words(struct world *w, struct question *x, struct email_filter *f)
{
	make_text(w, x, x->n - 1);
	f->op = EMAIL_FIND;
	f->find = (struct find_node){.op = FIND_AND, .kids = &x->finds[x->n - 1]};
}

static struct email_filter *
make_filter(struct world *w, struct question *x, unsigned depth)
{
	struct email_filter *f = &x->nodes[x->n++];
	size_t kind = fixture_below(&w->f, depth ? 8 : 5), kids = fixture_below(&w->f, KIDS_MAX);
	const struct email_filter *first = NULL;

	*f = (struct email_filter){.op = EMAIL_HAS_KEYWORD, .text = S("$seen")};
	if (kind == 1)
		f->op = EMAIL_SOME_IN_THREAD;
	if (kind == 2) {
		x->boxes[x->n - 1] = mailbox_info(w->box[fixture_below(&w->f, BOXES)])->id;
		f->op = fixture_below(&w->f, 2) ? EMAIL_IN_MAILBOX : EMAIL_IN_OTHER_THAN;
		f->mailboxes = &x->boxes[x->n - 1];
		f->n_mailboxes = 1;
	}
	if (kind == 3 || kind == 4)
		make_words(w, x, f);
	if (kind < 5)
		return f;
	f->op = kind == 5 ? EMAIL_AND : kind == 6 ? EMAIL_OR : EMAIL_NOT;
	for (size_t i = 0; i <= kids; i++) {
		struct email_filter *k = make_filter(w, x, depth - 1);
		k->next = first;
		first = k;
	}
	f->kids = first;
	return f;
}

static void
make_question(struct world *w, struct question *x, size_t number)
{
	static const enum email_sort_key keys[] = {EMAIL_BY_RECEIVED, EMAIL_BY_RECEIVED,
		EMAIL_BY_SUBJECT, EMAIL_BY_KEYWORD, EMAIL_BY_SIZE};

	*x = (struct question){.n = 0};
	for (size_t i = 0; i < 2; i++)
		x->order[i] = (struct email_order){
			keys[fixture_below(&w->f, 5)], fixture_below(&w->f, 2), S("$seen")};
	snprintf(x->key, sizeof(x->key), "%zu", number);
	x->q = (struct email_query){.filter = make_filter(w, x, 2),
		.order = x->order,
		.n_order = fixture_below(&w->f, 3),
		.collapse = fixture_below(&w->f, 2),
		.key = slice_str(x->key)};
}

static const struct letter *
letter_of(const struct world *w, uint32_t email)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->mail[i].email == email)
			return &w->mail[i];
	return NULL;
}

static bool
plain_find(const struct world *w, const struct find_node *n, uint32_t email)
{
	const struct letter *l = letter_of(w, email);
	char field[80]; /* TEXT looks at names of fields, too */

	snprintf(field, sizeof(field), "%s%s", n->op == FIND_TEXT ? "subject: " : "", l->subject);
	return (n->op != FIND_BODY && slice_find(slice_str(field), n->text) != SLICE_NPOS) ||
		(n->op != FIND_SUBJECT && slice_find(slice_str(l->flat), n->text) != SLICE_NPOS);
}

static bool
plain_thread(struct account *a, const struct email_info *info)
{
	size_t n;
	const struct email_info *const *e = thread_emails(a, info->thread, &n);

	for (size_t i = 0; i < n; i++)
		if (email_flags(a, e[i]->email) & FLAG_SEEN)
			return true;
	return false;
}

static bool
plain_box(const struct world *w, const struct email_filter *f, uint32_t email)
{
	for (size_t i = 0; i < BOXES; i++) {
		bool named = !memcmp(mailbox_info(w->box[i])->id.b, f->mailboxes->b, STORE_ID_LEN);
		if (named == (f->op == EMAIL_IN_MAILBOX) &&
			email_in_mailbox(w->f.a, email, w->box[i]))
			return true;
	}
	return false;
}

static bool
plain_match(const struct world *w, const struct email_filter *f, const struct email_info *info)
{
	size_t n = 0, yes = 0;

	switch (f->op) {
	case EMAIL_HAS_KEYWORD:
		return email_flags(w->f.a, info->email) & FLAG_SEEN;
	case EMAIL_SOME_IN_THREAD:
		return plain_thread(w->f.a, info);
	case EMAIL_IN_MAILBOX:
	case EMAIL_IN_OTHER_THAN:
		return plain_box(w, f, info->email);
	case EMAIL_FIND:
		return plain_find(w, f->find.kids, info->email);
	default:
		for (const struct email_filter *k = f->kids; k; k = k->next, n++)
			yes += plain_match(w, k, info);
		return f->op == EMAIL_AND ? yes == n : f->op == EMAIL_OR ? yes != 0 : yes == 0;
	}
}

static int
plain_key(const struct world *w, const struct email_order *o, const struct email_info *x,
	const struct email_info *y)
{
	int64_t a = 0, b = 0;

	if (o->key == EMAIL_BY_SUBJECT)
		return slice_icmp(slice_str(letter_of(w, x->email)->subject),
			slice_str(letter_of(w, y->email)->subject));
	if (o->key == EMAIL_BY_RECEIVED)
		a = x->received, b = y->received;
	if (o->key == EMAIL_BY_SIZE)
		a = x->size, b = y->size;
	if (o->key == EMAIL_BY_KEYWORD)
		a = (email_flags(w->f.a, x->email) & FLAG_SEEN) != 0,
		b = (email_flags(w->f.a, y->email) & FLAG_SEEN) != 0;
	return a < b ? -1 : a > b;
}

struct plain {
	const struct world *w;
	const struct email_query *q;
};

static int
plain_cmp(const void *a, const void *b, void *ctx)
{
	const struct email_info *x = *(const struct email_info *const *)a;
	const struct email_info *y = *(const struct email_info *const *)b;
	const struct plain *p = ctx;

	for (size_t i = 0; i < p->q->n_order; i++) {
		int c = plain_key(p->w, &p->q->order[i], x, y);
		if (c)
			return p->q->order[i].descending ? -c : c;
	}
	return x->email < y->email ? -1 : 1;
}

static size_t
plain_query(const struct world *w, const struct email_query *q, uint32_t ret[MAIL_MAX])
{
	const struct email_info *hits[MAIL_MAX];
	size_t all, n = 0, kept = 0;
	const struct email_info *info = emails_all(w->f.a, &all);
	struct plain p = {w, q};

	for (size_t i = 0; i < all; i++)
		if (plain_match(w, q->filter, &info[i]))
			hits[n++] = &info[i];
	qsort_r(hits, n, sizeof(hits[0]), plain_cmp, &p);
	for (size_t i = 0; i < n; i++) {
		bool told = false;
		for (size_t k = 0; k < kept && q->collapse; k++)
			told |= email_find(w->f.a, ret[k])->thread == hits[i]->thread;
		if (!told)
			ret[kept++] = hits[i]->email;
	}
	return kept;
}

static void
check_found(const struct world *w, const struct email_query *q, const struct email_found *r)
{
	uint32_t plain[MAIL_MAX];
	size_t n = plain_query(w, q, plain);

	CHECK(r->n <= n && (!r->all || r->n == n));
	CHECK(r->n > n || !r->n || !memcmp(r->at, plain, r->n * sizeof(plain[0])));
}

static void
ask_question(struct world *w, struct question *x)
{
	struct email_found r = {.n = 0};

	while (!r.all) {
		size_t want = r.n + 1 + fixture_below(&w->f, 30);
		CHECK_INT(emails_query(w->f.a, &x->q, want, &r), 0);
		check_found(w, &x->q, &r);
		if (fixture_below(&w->f, 20) == 0) {
			something_changes(w);
			r = (struct email_found){.n = 0};
		}
	}
}

/* ---- The same of one mailbox, as IMAP asks ---- */

static struct find_node *
make_program(struct world *w, struct question *x, unsigned depth)
{
	struct find_node *n = &x->finds[x->n];
	size_t kind = fixture_below(&w->f, depth ? 7 : 4), kids = fixture_below(&w->f, KIDS_MAX);
	const struct find_node *first = NULL;

	if (kind && kind < 4)
		make_text(w, x, x->n);
	else
		*n = (struct find_node){.op = FIND_FLAGS, .mask = FLAG_SEEN, .bits = FLAG_SEEN};
	x->n++;
	if (kind < 4)
		return n;
	n->op = kind == 4 ? FIND_AND : kind == 5 ? FIND_OR : FIND_NOT;
	for (size_t i = 0; i <= kids; i++) {
		struct find_node *k = make_program(w, x, depth - 1);
		k->next = first;
		first = k;
	}
	n->kids = first;
	return n;
}

static bool
plain_program(const struct world *w, const struct find_node *n, const struct message_row *row)
{
	size_t all = 0, yes = 0;

	if (n->op == FIND_FLAGS)
		return row->flags & FLAG_SEEN;
	if (n->op > FIND_NOT)
		return plain_find(w, n, row->email);
	for (const struct find_node *k = n->kids; k; k = k->next, all++)
		yes += plain_program(w, k, row);
	return n->op == FIND_AND ? yes == all : n->op == FIND_OR ? yes != 0 : yes != all;
}

static void
check_program(const struct world *w, struct mailbox *mb, const struct find_node *root,
	const struct uid_list *got)
{
	size_t n, at = 0;
	const struct message_row *rows = mailbox_rows(mb, &n);

	for (size_t i = 0; i < n; i++) {
		bool has = at < got->len && got->at[at] == rows[i].uid;
		CHECK_INT(has, plain_program(w, root, &rows[i]));
		at += has;
	}
	CHECK_INT(at, got->len);
}

/* Two at a time, whose slices take turns, as those of two connections do. */
static void
ask_programs(struct world *w)
{
	static struct question x[2];
	struct find_node *root[2];
	struct mailbox *mb[2];
	struct find_job *job[2];
	struct uid_list got[2] = {0};
	bool done[2] = {false, false};

	for (size_t i = 0; i < 2; i++) {
		x[i].n = 0;
		root[i] = make_program(w, &x[i], 2);
		mb[i] = w->box[fixture_below(&w->f, BOXES)];
		CHECK_INT(find_job_new(mb[i], root[i], &job[i]), 0);
	}
	for (size_t i = 0; !done[0] || !done[1]; i = !i) {
		if (!done[i])
			CHECK_INT(find_job_step(job[i], &got[i], &done[i]), 0);
		if (fixture_below(&w->f, 30) == 0)
			account_trim(w->f.a);
	}
	for (size_t i = 0; i < 2; i++) {
		check_program(w, mb[i], root[i], &got[i]);
		find_job_free(job[i]);
		uid_list_done(&got[i]);
	}
}

static void
world_make(struct world *w)
{
	fixture_init(&w->f);
	w->box[0] = fixture_box(w->f.a, "INBOX");
	CHECK_INT(account_mailbox_create(w->f.a, S("Work"), MAILBOX_NO_ROLE, &w->box[1]), 0);
	CHECK_INT(account_mailbox_create(w->f.a, S("Home"), MAILBOX_NO_ROLE, &w->box[2]), 0);
	for (size_t i = 0; i < BOXES; i++)
		CHECK_INT(mailbox_open(w->box[i]), 0);
	for (size_t i = 0; i < 150; i++)
		letter_arrives(w);
}

static void
random_questions(void)
{
	struct world *w = calloc(1, sizeof(*w));
	static struct question x;

	world_make(w);
	CHECK_INT(emails_threads(w->f.a), 0);
	for (size_t i = 0; i < 700; i++) {
		make_question(w, &x, i);
		ask_question(w, &x);
		ask_programs(w);
		if (i % 100 == 99)
			account_trim(w->f.a);
		CHECK_INT(emails_threads(w->f.a), 0);
	}
	for (size_t i = 0; i < BOXES; i++)
		mailbox_close(w->box[i]);
	fixture_done(&w->f);
	free(w);
}

/* Only what is needed for the first results is read; the rest goes on from there, and what was read
 * is known to every other question and after every change. */
static void
nothing_is_read_twice(void)
{
	struct fixture f;
	struct mailbox *in;
	struct email_found r;
	struct email_order newest = {.key = EMAIL_BY_RECEIVED, .descending = true};
	struct email_filter text = {
		.op = EMAIL_FIND, .find = {.op = FIND_TEXT, .text = S("harbour")}};
	struct email_filter both[2] = {{.op = EMAIL_NOT_KEYWORD, .text = S("$seen")}, text};
	struct email_filter unread = {.op = EMAIL_AND, .kids = both};
	struct email_query q = {
		.filter = &text, .order = &newest, .n_order = 1, .key = S("harbour")};
	uint64_t spent, first, all, again;

	both[0].next = &both[1];
	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (size_t i = 0; i < 300; i++)
		fixture_append(in, fixture_message("x", NULL, NULL, "the harbour"), 0);
	account_trim(f.a);
	CHECK_INT(emails_threads(f.a), 0);
	spent = f.a->spent;
	CHECK_INT(emails_query(f.a, &q, 10, &r), 0);
	CHECK(r.n == 10 && !r.all);
	first = f.a->spent - spent;
	CHECK_INT(query_all(f.a, &q).n, 300);
	all = f.a->spent - spent;
	CHECK(first < all / 10);
	spent = f.a->spent;
	fixture_append(in, fixture_message("x", NULL, NULL, "another harbour"), 0);
	CHECK_INT(query_all(f.a, &q).n, 301);
	q.filter = &unread;
	q.key = S("unread");
	CHECK_INT(query_all(f.a, &q).n, 301);
	again = f.a->spent - spent;
	CHECK(again < all / 10);
	fixture_done(&f);
}

static void
a_hundred_thousand(void)
{
	const char *env = getenv("ACCOUNT_EMAIL_MANY");
	size_t many = env ? strtoul(env, NULL, 10) : 2000;
	struct fixture f;
	struct mailbox *in;
	struct timespec t0, t1;
	struct email_found r = {.n = 0};
	struct email_counts counts;
	struct email_order orders[] = {{.key = EMAIL_BY_RECEIVED, .descending = true},
		{.key = EMAIL_BY_SUBJECT}, {.key = EMAIL_BY_SENT}};

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (size_t i = 0; i < many; i += 100) {
		struct append_item items[100];
		for (size_t k = 0; k < 100; k++) {
			char id[32];
			snprintf(id, sizeof(id), "%zu@x", i + k);
			items[k] = (struct append_item){.flags = k % 3 ? FLAG_SEEN : 0};
			CHECK_INT(message_stage(f.a, fixture_message("subject", id, NULL, "text"),
					  (int64_t)(1000 + i + k), &items[k].message),
				0);
		}
		CHECK_INT(mailbox_append(in, items, 100, NULL), 0);
		for (size_t k = 0; k < 100; k++)
			staged_message_free(items[k].message);
	}
	account_trim(f.a);
	clock_gettime(CLOCK_MONOTONIC, &t0);
#define LAP(what)                                                                                  \
	do {                                                                                       \
		clock_gettime(CLOCK_MONOTONIC, &t1);                                               \
		printf("%s: %.1f ms\n", what,                                                      \
			(double)(t1.tv_sec - t0.tv_sec) * 1e3 +                                    \
				(double)(t1.tv_nsec - t0.tv_nsec) / 1e6);                          \
		t0 = t1;                                                                           \
	} while (0)
	CHECK_INT(emails_load(f.a), 0);
	LAP("load");
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct email_query q = {.order = &orders[i],
			.n_order = 1,
			.collapse = i == 1,
			.key = slice_new(&"123"[i], 1)};
		r = query_all(f.a, &q);
		CHECK_INT(r.n, many);
		LAP("query");
	}
	CHECK_INT(email_counts(f.a, in, &counts), 0);
	CHECK_INT(counts.unread, (many / 100) * 34);
	LAP("counts");
	for (size_t i = 0; i < 100; i++)
		fixture_append(in, fixture_message("more", NULL, NULL, "x"), 0);
	LAP("100 appends");
	fixture_done(&f);
}

T_MAIN(T(queries_are_exact), T(random_questions), T(nothing_is_read_twice), T(a_hundred_thousand))
