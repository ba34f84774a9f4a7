/* The view of all Emails: random operations by mailbox (as IMAP does them) and by Email (as JMAP
 * does), with a client that follows account_changes only. It must always end with what a fresh look
 * shows, and so must a second engine that reads everything anew. */
#include "fixture.h"

#include "account/email.h"
#include "account/object.h"
#include "account/upload.h"

#include <time.h>

#define BOXES_MAX 12

/* ---- What there is, as text ---- */

static void
put_email(struct account *a, uint32_t email, struct buf *out)
{
	const struct email_info *info = email_find(a, email);
	size_t n;
	const struct email_place *p = email_places(a, email, &n);

	buf_printf(out, "%08x t%08x %u %02llx%s", email, info->thread, info->size,
		(unsigned long long)email_flags(a, email),
		email_has_keyword(a, email, S("work")) ? " work" : "");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, " %02x%02x", mailbox_info(p[i].mb)->id.b[0],
			mailbox_info(p[i].mb)->id.b[1]);
	buf_puts(out, "\n");
}

static void
put_thread(struct account *a, uint32_t thread, struct buf *out)
{
	size_t n;
	const struct email_info *const *e = thread_emails(a, thread, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%08x ", e[i]->email);
	CHECK(n > 0);
}

static void
put_mailbox(struct account *a, struct store_id id, struct buf *out)
{
	struct mailbox *mb = account_mailbox_by_id(a, id);
	struct email_counts c = {0};

	CHECK(mb != NULL);
	if (!mb)
		return;
	CHECK_INT(email_counts(a, mb, &c), 0);
	buf_put(out, mailbox_info(mb)->name);
	buf_printf(out, " %u %u %u %u %d", c.emails, c.unread, c.threads, c.unread_threads,
		mailbox_info(mb)->subscribed);
}

/* ---- A client ---- */

struct known {
	struct store_id id;
	char *text;
};
struct client {
	uint64_t state[3];
	VEC(struct known) known[3]; /* by type */
};

static void
client_text(struct account *a, int type, struct store_id id, struct buf *out)
{
	if (type == CHANGE_EMAIL)
		put_email(a, be32_get(id.b), out);
	else if (type == CHANGE_THREAD)
		put_thread(a, be32_get(id.b), out);
	else
		put_mailbox(a, id, out);
}

static char *
client_read(struct account *a, int type, struct store_id id)
{
	struct buf b = BUF_INIT(1 << 20);
	char *s;

	client_text(a, type, id, &b);
	s = strndup(b.len ? (const char *)b.ptr : "", b.len);
	buf_done(&b);
	return s;
}

static struct known *
client_find(struct client *c, int type, struct store_id id)
{
	VEC_EACH (k, &c->known[type])
		if (!memcmp(k->id.b, id.b, sizeof(id.b)))
			return k;
	return NULL;
}

static void
client_apply(struct account *a, struct client *c, int type, const struct change *change)
{
	struct known *k = client_find(c, type, change->id);
	struct known fresh = {.id = change->id};

	if (change->kind == CHANGE_CREATED) {
		CHECK(!k);
		fresh.text = client_read(a, type, change->id);
		CHECK_INT(VEC_PUSH(&c->known[type], fresh), 0);
		return;
	}
	CHECK(k != NULL);
	if (!k)
		return;
	free(k->text);
	k->text = NULL;
	if (change->kind == CHANGE_UPDATED)
		k->text = client_read(a, type, change->id);
	else
		VEC_REMOVE(&c->known[type], (size_t)(k - c->known[type].at));
}

static void
client_sync(struct account *a, struct client *c)
{
	for (int type = 0; type < 3; type++) {
		struct changes ch = {0};
		CHECK_INT(emails_load(a), 0);
		CHECK_INT(account_changes(a, (enum change_type)type, c->state[type], &ch), 0);
		VEC_EACH (one, &ch)
			client_apply(a, c, type, one);
		c->state[type] = account_state(a, (enum change_type)type);
		changes_done(&ch);
	}
}

static void
client_done(struct client *c)
{
	for (int type = 0; type < 3; type++) {
		VEC_EACH (k, &c->known[type])
			free(k->text);
		VEC_DONE(&c->known[type]);
	}
}

/* What the client knows is what is there. */
static void
client_check_type(struct account *a, struct client *c, int type, size_t n)
{
	CHECK_INT(c->known[type].len, n);
	VEC_EACH (k, &c->known[type]) {
		char *now = client_read(a, type, k->id);
		if (strcmp(now, k->text))
			fprintf(stderr, "type %d: %s, not %s\n", type, k->text, now);
		CHECK(!strcmp(now, k->text));
		free(now);
	}
}

static void
client_check(struct account *a, struct client *c)
{
	size_t n_emails, n_boxes, n_threads = 0;
	const struct email_info *e;
	struct email_counts counts;

	CHECK_INT(emails_load(a), 0);
	CHECK_INT(email_counts(a, account_mailboxes(a, &n_boxes)[0], &counts), 0);
	e = emails_all(a, &n_emails);
	for (size_t i = 0; i < n_emails; i++) {
		size_t n;
		const struct email_info *const *t = thread_emails(a, e[i].thread, &n);
		n_threads += n && t[0]->email == e[i].email;
	}
	client_check_type(a, c, CHANGE_MAILBOX, n_boxes);
	client_check_type(a, c, CHANGE_EMAIL, n_emails);
	client_check_type(a, c, CHANGE_THREAD, n_threads);
}

/* ---- Operations ---- */

static struct mailbox *
any_box(struct fixture *f)
{
	size_t n;
	struct mailbox *const *b = account_mailboxes(f->a, &n);

	return b[fixture_below(f, n)];
}

static uint32_t
any_email(struct fixture *f)
{
	size_t n;
	const struct email_info *e;

	CHECK_INT(emails_load(f->a), 0);
	e = emails_all(f->a, &n);
	return n ? e[fixture_below(f, n)].email : 0;
}

static void
op_append(struct fixture *f)
{
	static unsigned number;
	char id[32], ref[32];

	snprintf(id, sizeof(id), "%u@x", ++number);
	snprintf(ref, sizeof(ref), "%zu@x", fixture_below(f, number));
	fixture_append(any_box(f), fixture_message("subject", id, number % 3 ? ref : NULL, "text"),
		fixture_random(f) & FLAG_SEEN);
}

static uint32_t
some_uids(struct fixture *f, struct mailbox *mb, uint32_t uids[8])
{
	uint32_t n = 0;
	const struct message_row *rows;
	size_t len;

	CHECK_INT(mailbox_open(mb), 0);
	rows = mailbox_rows(mb, &len);
	for (size_t i = 0; i < len && n < 8; i++)
		if (fixture_below(f, 3) == 0)
			uids[n++] = rows[i].uid;
	mailbox_close(mb);
	return n;
}

static void
op_rows(struct fixture *f)
{
	struct mailbox *mb = any_box(f), *to = any_box(f);
	uint32_t uids[8], n = some_uids(f, mb, uids);
	struct copy_result copied = {0};
	struct flags_result r = {0};
	struct flags_change c = {
		(enum flags_how)fixture_below(f, 3), fixture_random(f) & FLAGS_SYSTEM, UINT64_MAX};

	switch (fixture_below(f, 4)) {
	case 0:
		CHECK_INT(mailbox_store(mb, uids, n, &c, &r), 0);
		flags_result_done(&r);
		break;
	case 1:
		CHECK_INT(mailbox_remove(mb, uids, n, NULL), 0);
		break;
	case 2:
		CHECK_INT(mailbox_copy(mb, uids, n, to, &copied), 0);
		copy_result_done(&copied);
		break;
	default:
		if (mb != to)
			CHECK_INT(mailbox_move(mb, uids, n, to, &copied), 0);
		copy_result_done(&copied);
	}
}

static void
op_emails(struct fixture *f)
{
	struct slice names[] = {S("$seen"), S("work"), S("$flagged"), S("other")};
	struct email_change c[6];
	struct store_id boxes[6][2];
	size_t n = 0;

	for (size_t i = 0; i < 6; i++) {
		uint32_t email = any_email(f);
		bool twice = false;
		for (size_t k = 0; k < n; k++)
			twice |= c[k].email == email;
		if (!email || twice)
			continue;
		c[n] = (struct email_change){.email = email, .destroy = fixture_below(f, 9) == 0};
		c[n].exact = fixture_below(f, 3) == 0;
		c[n].add = names + fixture_below(f, 3);
		c[n].n_add = fixture_below(f, 3) / 2 + (c[n].add == names);
		c[n].remove = c[n].exact ? NULL : names + 2;
		c[n].n_remove = c[n].exact || c[n].add >= names + 1 ? 0 : fixture_below(f, 3);
		boxes[n][0] = mailbox_info(any_box(f))->id;
		boxes[n][1] = mailbox_info(any_box(f))->id;
		c[n].mailboxes = boxes[n];
		c[n].n_mailboxes = c[n].destroy ? 0 : fixture_below(f, 3);
		if (c[n].n_mailboxes == 2 && !memcmp(&boxes[n][0], &boxes[n][1], STORE_ID_LEN))
			c[n].n_mailboxes = 1;
		n++;
	}
	CHECK_INT(emails_change(f->a, c, n), 0);
	for (size_t i = 0; i < n; i++) {
		bool there = email_find(f->a, c[i].email) != NULL;
		CHECK_INT(c[i].err, 0);
		CHECK_INT(there, !c[i].destroy);
		for (size_t k = 0; k < c[i].n_mailboxes; k++)
			CHECK(email_in_mailbox(
				f->a, c[i].email, account_mailbox_by_id(f->a, c[i].mailboxes[k])));
		for (size_t k = 0; k < c[i].n_add && there; k++)
			CHECK(email_has_keyword(f->a, c[i].email, c[i].add[k]));
		for (size_t k = 0; k < c[i].n_remove && there; k++)
			CHECK(!email_has_keyword(f->a, c[i].email, c[i].remove[k]));
	}
}

static void
op_boxes(struct fixture *f)
{
	static unsigned number;
	char name[32];
	struct mailbox *mb = any_box(f);
	size_t n;

	(void)account_mailboxes(f->a, &n);
	snprintf(name, sizeof(name), "box%u", ++number);
	if (n < BOXES_MAX && fixture_below(f, 2))
		CHECK_INT(account_mailbox_create(f->a, slice_str(name), MAILBOX_NO_ROLE, &mb), 0);
	else if (n > 4 && mailbox_info(mb)->role == MAILBOX_NO_ROLE)
		CHECK_INT(account_mailbox_delete(f->a, mb), 0);
	else
		CHECK_INT(account_subscribe(
				  f->a, mailbox_info(mb)->name, !mailbox_info(mb)->subscribed),
			0);
}

static void
op(struct fixture *f)
{
	size_t what = fixture_below(f, 20);
	struct delivery_recipient rcpt = {.role = MAILBOX_INBOX, .keyver = 1};
	struct record_sender *sender = NULL;

	if (what < 5)
		op_append(f);
	else if (what < 11)
		op_rows(f);
	else if (what < 16)
		op_emails(f);
	else if (what < 17)
		op_boxes(f);
	else if (what < 18)
		CHECK_INT(
			fixture_deliver(f, fixture_message("new", NULL, NULL, "x"), &rcpt, &sender),
			0);
	else if (what < 19)
		account_trim(f->a);
	if (what == 17)
		CHECK_INT(account_poll(f->a), 0);
	record_sender_free(sender);
}

static void
a_client_that_follows_changes_knows_all(void)
{
	struct fixture f;
	struct client c = {.state = {0}}, rare = {.state = {0}};
	const char *env = getenv("ACCOUNT_EMAIL_OPS");
	int ops = env ? (int)strtol(env, NULL, 10) : 600;

	fixture_init(&f);
	for (int i = 0; i < ops && !t_failed; i++) {
		op(&f);
		client_sync(f.a, &c);
		if (i % 37 == 0) {
			client_sync(f.a, &rare);
			client_check(f.a, &rare);
		}
		if (i % 11 == 0)
			client_check(f.a, &c);
		if (i % 100 == 99)
			fixture_reopen(&f);
	}
	client_check(f.a, &c);
	client_done(&c);
	client_done(&rare);
	fixture_done(&f);
}

/* How many of the changes since then are of this mailbox, and of this kind. */
static size_t
box_changes(struct account *a, uint64_t since, struct store_id id, enum change_kind kind)
{
	struct changes c = {0};
	size_t n = 0;

	CHECK_INT(account_changes(a, CHANGE_MAILBOX, since, &c), 0);
	VEC_EACH (one, &c)
		n += memcmp(one->id.b, id.b, sizeof(id.b)) == 0 && one->kind == kind;
	changes_done(&c);
	return n;
}

/* A mailbox whose superior comes or goes has another parent, and is told of as changed. */
static void
parents_come_and_go(void)
{
	struct fixture f;
	struct mailbox *top, *low;
	struct store_id id;
	uint64_t since;

	fixture_init(&f);
	CHECK_INT(account_mailbox_create(f.a, S("a/b/c"), MAILBOX_NO_ROLE, &low), 0);
	CHECK_INT(account_mailbox_create(f.a, S("ab"), MAILBOX_NO_ROLE, &top), 0);
	id = mailbox_info(low)->id;
	since = account_state(f.a, CHANGE_MAILBOX);
	CHECK_INT(account_mailbox_delete(f.a, top), 0); /* a name that only begins alike */
	CHECK_INT(box_changes(f.a, since, id, CHANGE_UPDATED), 0);
	since = account_state(f.a, CHANGE_MAILBOX);
	CHECK_INT(account_mailbox_delete(f.a, fixture_box(f.a, "a/b")), 0);
	CHECK_INT(box_changes(f.a, since, id, CHANGE_UPDATED), 1);
	since = account_state(f.a, CHANGE_MAILBOX);
	CHECK_INT(account_mailbox_create(f.a, S("a/b"), MAILBOX_NO_ROLE, NULL), 0);
	CHECK_INT(box_changes(f.a, since, id, CHANGE_UPDATED), 1);
	CHECK_INT(account_mailbox_delete(f.a, fixture_box(f.a, "a/b")), 0);
	CHECK_INT(account_mailbox_create(f.a, S("x"), MAILBOX_NO_ROLE, &top), 0);
	since = account_state(f.a, CHANGE_MAILBOX);
	CHECK_INT(account_mailbox_rename(f.a, S("x"), S("a/b")), 0);
	CHECK_INT(box_changes(f.a, since, id, CHANGE_UPDATED), 1);
	fixture_done(&f);
}

/* Told page by page: what a page has told as made, and is gone by the next one, is told as gone. */
static void
pages_of_changes_forget_nothing(void)
{
	static const char *const names[] = {"a/b/c", "a/b", "a"};
	struct change_place place = {0};
	struct changes c = {0};
	struct fixture f;
	uint64_t since;
	bool told = false;

	fixture_init(&f);
	since = account_state(f.a, CHANGE_MAILBOX);
	CHECK_INT(account_mailbox_create(f.a, S("a/b/c"), MAILBOX_NO_ROLE, NULL), 0);
	CHECK_INT(account_changes(f.a, CHANGE_MAILBOX, since, &c), 0);
	CHECK_INT(c.len, 3); /* of one commit */
	place = (struct change_place){c.at[1].modseq, c.at[1].id};
	changes_done(&c);
	CHECK_INT(account_changes_after(f.a, CHANGE_MAILBOX, &place, &c), 0);
	CHECK(c.len == 1 && c.at[0].kind == CHANGE_CREATED);
	changes_done(&c);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_INT(account_mailbox_delete(f.a, fixture_box(f.a, names[i])), 0);
	CHECK_INT(account_changes_after(f.a, CHANGE_MAILBOX, &place, &c), 0);
	CHECK_INT(c.len, 2); /* the third was never told of */
	VEC_EACH (one, &c)
		told |= one->kind == CHANGE_DESTROYED &&
			memcmp(one->id.b, place.id.b, sizeof(place.id.b)) == 0;
	CHECK(told);
	changes_done(&c);
	fixture_done(&f);
}

static void
the_log_forgets(void)
{
	struct fixture f;
	struct changes c;
	struct mailbox *in;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (int i = 0; i < 60; i++) {
		struct object_change many[400];
		for (uint32_t k = 0; k < 400; k++) {
			many[k] = (struct object_change){.type = CHANGE_SETTINGS, .value = S("x")};
			be32_put(many[k].id.b, k);
		}
		CHECK_INT(account_objects_change(f.a, many, 400), 0);
	}
	CHECK_INT(account_changes(f.a, CHANGE_SETTINGS, 1, &c), LL_ERR_RANGE);
	CHECK_INT(account_changes(f.a, CHANGE_SETTINGS, account_modseq(f.a) - 1, &c), 0);
	CHECK_INT(c.len, 400);
	changes_done(&c);
	fixture_reopen(&f);
	CHECK_INT(account_changes(f.a, CHANGE_SETTINGS, account_modseq(f.a) - 1, &c), 0);
	CHECK_INT(c.len, 400);
	changes_done(&c);
	CHECK_INT(account_changes(f.a, CHANGE_IDENTITY, 0, &c), 0);
	CHECK_INT(c.len, 0);
	CHECK_INT(account_changes(f.a, CHANGE_EMAIL, account_modseq(f.a) + 1, &c), LL_ERR_RANGE);
	in = fixture_box(f.a, "INBOX");
	CHECK(mailbox_info(in)->exists == 0);
	fixture_done(&f);
}

/* Each of its changes is made, and its rows are counted once. */
static void
an_email_that_is_named_twice(void)
{
	struct fixture f;
	struct slice seen = S("$seen"), flagged = S("$flagged");
	struct email_change c[3] = {{.add = &seen, .n_add = 1}, {.add = &flagged, .n_add = 1},
		{.add = &flagged, .n_add = 1}};
	struct mailbox *in;
	uint32_t uids[3];

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		uids[i] = fixture_append(in, fixture_message("s", NULL, NULL, "x"), 0);
	CHECK_INT(emails_load(f.a), 0);
	c[0].email = c[2].email = mailbox_row(in, uids[1])->email;
	c[1].email = mailbox_row(in, uids[0])->email;
	CHECK_INT(emails_change(f.a, c, 3), 0);
	CHECK_INT(emails_load(f.a), 0);
	CHECK(email_has_keyword(f.a, c[0].email, seen) &&
		email_has_keyword(f.a, c[0].email, flagged));
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		CHECK(mailbox_row(in, uids[i]) != NULL);
	CHECK_INT(mailbox_info(in)->exists, 3);
	c[0] = c[2] = (struct email_change){.email = c[0].email, .destroy = true};
	CHECK_INT(emails_change(f.a, c, 3), 0);
	CHECK_INT(emails_load(f.a), 0);
	CHECK_INT(c[0].err, 0);
	CHECK_INT(c[2].err, LL_ERR_NOTFOUND);
	CHECK_INT(mailbox_info(in)->exists, 2);
	CHECK(mailbox_row(in, uids[0]) && mailbox_row(in, uids[2]));
	fixture_reopen(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_info(in)->exists, 2);
	fixture_done(&f);
}

T_MAIN(T(an_email_that_is_named_twice), T(a_client_that_follows_changes_knows_all),
	T(the_log_forgets), T(parents_come_and_go), T(pages_of_changes_forget_nothing))
