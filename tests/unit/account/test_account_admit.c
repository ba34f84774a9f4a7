/* What delivery leaves for an account becomes its messages. */
#include "fixture.h"

static unsigned bells;

static void
deliveries_are_admitted_once(void)
{
	struct fixture f;
	struct mailbox *in, *lists;
	struct record_sender *sender = NULL;
	struct slice kw = S("$Invited");
	struct delivery_recipient rcpt = {
		.account = {{0}}, .keyver = 1, .address = S("bob+x@letterlock.test")};
	struct message msg;
	size_t n;
	uint64_t bit;
	const struct message_row *rows;

	fixture_init(&f);
	rcpt.account = f.env.id;
	for (int i = 0; i < 200; i++) {
		char subject[32], id[32];
		snprintf(subject, sizeof(subject), "delivered %d", i);
		snprintf(id, sizeof(id), "%d@far", i);
		rcpt.mailbox = i % 10 == 3 ? S("Lists/dev") : SLICE_NONE;
		rcpt.role = i % 10 == 4 ? MAILBOX_JUNK : MAILBOX_NO_ROLE;
		rcpt.create = true;
		rcpt.flags = i % 2 ? FLAG_SEEN : 0;
		rcpt.keywords = &kw;
		rcpt.n_keywords = i % 5 == 0;
		CHECK_INT(fixture_deliver(
				  &f, fixture_message(subject, id, NULL, "hi"), &rcpt, &sender),
			0);
	}
	f.heard = 0;
	CHECK_INT(account_poll(f.a), 0);
	CHECK(f.heard & ACCOUNT_MESSAGES);
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(account_bad_deliveries(f.a), 0);
	in = fixture_box(f.a, "INBOX");
	lists = fixture_box(f.a, "Lists/dev");
	CHECK_INT(mailbox_info(in)->exists, 160);
	CHECK_INT(mailbox_info(lists)->exists, 20);
	CHECK_INT(mailbox_info(fixture_box(f.a, "Junk"))->exists, 20);
	CHECK_INT(mailbox_open(in), 0);
	rows = mailbox_rows(in, &n);
	CHECK_INT(message_get(f.a, rows[0].email, &msg), 0);
	CHECK_SLICE(msg.meta.envelope.subject, S("delivered 0"));
	CHECK_SLICE(msg.recipient, S("bob+x@letterlock.test"));
	mailbox_keyword(in, kw, &bit);
	CHECK(bit && rows[0].flags == bit);
	CHECK_INT(message_get(f.a, rows[159].email, &msg), 0);
	CHECK_SLICE(msg.meta.envelope.subject, S("delivered 199"));
	mailbox_close(in);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 200);
	record_sender_free(sender);
	fixture_done(&f);
}

static void
bad_deliveries_are_set_aside(void)
{
	struct fixture f;
	struct record_sender *sender = NULL;
	struct delivery_recipient rcpt = {.keyver = 1};
	struct store_op op = {
		.kind = STORE_PUT, .key = S("m/in/0000000000000000"), .value = S("junk")};
	struct store_commit c = {.expect = STORE_ANY_VERSION, .ops = &op, .n = 1};
	struct buf value = BUF_INIT(STORE_VALUE_MAX);

	fixture_init(&f);
	rcpt.account = c.partition = f.env.id;
	CHECK_INT(store_commit_sync(f.store, &c, NULL), 0);
	CHECK_INT(fixture_deliver(&f, fixture_message("ok", "i@x", NULL, "b"), &rcpt, &sender), 0);
	op.key = S("m/in/zz");
	CHECK_INT(store_commit_sync(f.store, &c, NULL), 0);
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(account_bad_deliveries(f.a), 2);
	CHECK_INT(mailbox_info(fixture_box(f.a, "INBOX"))->exists, 1);
	CHECK_INT(store_get(f.store, f.env.id, S("m/bad/zz"), &value), 0);
	CHECK_SLICE(buf_slice(&value), S("junk"));
	CHECK_INT(store_get(f.store, f.env.id, S("m/in/zz"), &value), LL_ERR_NOTFOUND);
	record_sender_free(sender);
	buf_done(&value);
	fixture_done(&f);
}

static void
new_area_version_seals_and_old_opens(void)
{
	struct fixture f;
	struct mailbox *in;
	struct record_sender *s1 = NULL, *s2 = NULL;
	struct delivery_recipient rcpt = {.keyver = 1};
	struct account *a = NULL;

	fixture_init(&f);
	rcpt.account = f.env.id;
	fixture_append(fixture_box(f.a, "INBOX"), fixture_message("1", "1@x", NULL, "b"), 0);
	CHECK_INT(fixture_deliver(&f, fixture_message("2", "2@x", NULL, "b"), &rcpt, &s1), 0);
	f.env.n_secrets = 2;
	fixture_reopen(&f);
	rcpt.keyver = 2;
	CHECK_INT(fixture_deliver(&f, fixture_message("3", "3@x", NULL, "b"), &rcpt, &s2), 0);
	CHECK_INT(account_poll(f.a), 0);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_info(in)->exists, 3);
	fixture_restart(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	for (uint32_t uid = 1; uid <= 3; uid++) {
		struct buf out = BUF_INIT(4096);
		CHECK_INT(message_read(f.a, mailbox_row(in, uid)->email, 0, 100, &out), 0);
		CHECK_INT(out.len, 100);
		buf_done(&out);
	}
	mailbox_close(in);
	/* Without the new version nothing opens. */
	f.env.n_secrets = 1;
	CHECK_INT(account_open(&f.env, &a), LL_ERR_AUTH);
	record_sender_free(s1);
	record_sender_free(s2);
	fixture_done(&f);
}

static void
poll_at_bell(void *ctx, struct store_id id)
{
	struct fixture *f = ctx;

	bells++;
	CHECK_INT(account_poll(f->a), 0);
}

static void
bell_within_a_commit(void)
{
	struct fixture f;
	struct record_sender *sender = NULL;
	struct delivery_recipient rcpt = {.keyver = 1};
	struct mailbox *in;

	fixture_init(&f);
	rcpt.account = f.env.id;
	CHECK_INT(store_watch(f.store, f.env.id, poll_at_bell, &f), 0);
	in = fixture_box(f.a, "INBOX");
	for (int i = 0; i < 20; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%d@x", i);
		CHECK_INT(fixture_deliver(&f, fixture_message("in", id, NULL, "b"), &rcpt, &sender),
			0);
		fixture_append(in, fixture_message("own", id, NULL, "b"), 0);
	}
	fixture_work(&f);
	CHECK_INT(account_poll(f.a), 0);
	CHECK(bells > 0);
	CHECK_INT(mailbox_info(in)->exists, 40);
	CHECK_INT(mailbox_info(in)->uidnext, 41);
	store_unwatch(f.store, f.env.id);
	record_sender_free(sender);
	fixture_done(&f);
}

static int
count_row(void *ctx, struct slice key, struct slice value)
{
	++*(size_t *)ctx;
	return 0;
}

static void
import_packs_by_itself(void)
{
	struct fixture f;
	struct mailbox *in;
	struct uid_list found = {0};
	struct find_node all = {.op = FIND_SUBJECT, .text = S("import")};
	size_t records = 0;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (int i = 0; i < 2000; i++) {
		char id[32];
		snprintf(id, sizeof(id), "%d@x", i);
		fixture_append(in, fixture_message("import", id, i ? "0@x" : NULL, "b"), 0);
	}
	CHECK_INT(store_each(f.store, f.env.id, S("m/msg/"), count_row, &records), 0);
	CHECK(records < 18 * 64);
	fixture_work(&f);
	records = 0;
	CHECK_INT(store_each(f.store, f.env.id, S("m/"), count_row, &records), 0);
	CHECK(records < 300);
	fixture_restart(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_find(in, &all, &found), 0);
	CHECK_INT(found.len, 2000);
	uid_list_done(&found);
	fixture_done(&f);
}

T_MAIN(T(deliveries_are_admitted_once), T(bad_deliveries_are_set_aside),
	T(new_area_version_seals_and_old_opens), T(import_packs_by_itself), T(bell_within_a_commit))
