/* Each operation of the engine over the real store, seen again after reopening. */
#include "fixture.h"

static size_t
row_count(struct mailbox *mb)
{
	size_t n;

	mailbox_rows(mb, &n);
	return n;
}

static void
create_has_default_mailboxes(void)
{
	static const char *const names[] = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"};
	struct fixture f;
	struct mailbox *const *boxes;
	size_t n;

	fixture_init(&f);
	CHECK_INT(account_create(&f.env), LL_ERR_EXISTS);
	boxes = account_mailboxes(f.a, &n);
	CHECK_INT(n, 6);
	for (size_t i = 0; i < n && i < 6; i++) {
		CHECK_SLICE(mailbox_info(boxes[i])->name, slice_str(names[i]));
		CHECK(mailbox_info(boxes[i])->subscribed);
		CHECK(mailbox_info(boxes[i])->uidvalidity != 0);
	}
	CHECK(account_mailbox_by_role(f.a, MAILBOX_TRASH) == fixture_box(f.a, "Trash"));
	fixture_done(&f);
}

static void
append_and_read(void)
{
	struct fixture f;
	struct slice m = fixture_message("Hello", "a@x", NULL, "first body");
	struct buf out = BUF_INIT(1 << 20);
	struct message msg;
	struct mailbox *in;
	const struct message_row *row;

	fixture_init(&f);
	in = fixture_box(f.a, "inbox");
	CHECK_INT(fixture_append(in, m, FLAG_SEEN), 1);
	CHECK_INT(fixture_append(in, fixture_message("Re: Hello", "b@x", "a@x", "second"), 0), 2);
	CHECK(f.heard & ACCOUNT_MESSAGES);
	for (int round = 0; round < 2; round++) {
		in = fixture_box(f.a, "INBOX");
		CHECK_INT(mailbox_info(in)->exists, 2);
		CHECK_INT(mailbox_info(in)->unseen, 1);
		CHECK_INT(mailbox_info(in)->uidnext, 3);
		CHECK_INT(mailbox_open(in), 0);
		CHECK_INT(row_count(in), 2);
		row = mailbox_row(in, 1);
		CHECK(row && row->flags == FLAG_SEEN && row->size == m.len);
		CHECK_INT(message_get(f.a, row->email, &msg), 0);
		CHECK_SLICE(msg.meta.envelope.subject, S("Hello"));
		CHECK_INT(msg.thread, row->email);
		buf_reset(&out);
		CHECK_INT(message_read(f.a, row->email, 0, UINT64_MAX, &out), 0);
		CHECK_SLICE(buf_slice(&out), m);
		buf_reset(&out);
		CHECK_INT(message_read(f.a, row->email, 6, 5, &out), 0);
		CHECK_SLICE(buf_slice(&out), S("Alice"));
		CHECK_INT(message_get(f.a, mailbox_row(in, 2)->email, &msg), 0);
		CHECK_INT(msg.thread, row->email);
		mailbox_close(in);
		fixture_restart(&f);
	}
	buf_done(&out);
	fixture_done(&f);
}

static void
large_body_by_ranges(void)
{
	struct fixture f;
	size_t len = 5000000;
	char *text = malloc(len);
	struct buf out = BUF_INIT(8 << 20);
	struct mailbox *in;
	uint32_t email;
	size_t at;

	fixture_init(&f);
	memset(text, 'x', len);
	memcpy(text, "Subject: big\r\n\r\n", 16);
	for (size_t i = 16; i < len; i += 64)
		snprintf(text + i, 64 < len - i ? 64 : len - i, "line %zu", i);
	in = fixture_box(f.a, "INBOX");
	fixture_append(in, slice_new(text, len), 0);
	fixture_reopen(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	email = mailbox_rows(in, &at)[0].email;
	for (int i = 0; i < 200; i++) {
		size_t from = fixture_below(&f, len), n = fixture_below(&f, 100000);
		buf_reset(&out);
		CHECK_INT(message_read(f.a, email, from, n, &out), 0);
		CHECK(slice_eq(buf_slice(&out), slice_sub(slice_new(text, len), from, n)));
	}
	buf_reset(&out);
	CHECK_INT(message_read(f.a, email, 0, len, &out), 0);
	CHECK(slice_eq(buf_slice(&out), slice_new(text, len)));
	mailbox_close(in);
	free(text);
	buf_done(&out);
	fixture_done(&f);
}

static void
store_flags(void)
{
	struct fixture f;
	struct mailbox *in;
	struct flags_result r;
	struct flags_change add = {FLAGS_ADD, FLAG_SEEN | FLAG_DELETED, UINT64_MAX};
	struct slice names[] = {S("$Label1"), S("work")};
	uint32_t uids[] = {1, 2, 9};
	uint64_t before, kw;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (int i = 0; i < 3; i++)
		fixture_append(in, fixture_message("s", "id", NULL, "b"), 0);
	before = mailbox_info(in)->highestmodseq;
	CHECK_INT(mailbox_store(in, uids, 3, &add, &r), 0);
	CHECK_INT(r.changed, 2);
	CHECK_INT(r.missing.len, 1);
	CHECK(r.modseq > before && mailbox_info(in)->highestmodseq == r.modseq);
	flags_result_done(&r);
	CHECK_INT(mailbox_info(in)->unseen, 1);
	CHECK_INT(mailbox_info(in)->deleted, 2);
	/* Nothing changes: no new modseq. */
	before = mailbox_info(in)->highestmodseq;
	CHECK_INT(mailbox_store(in, uids, 2, &add, &r), 0);
	CHECK_INT(r.changed, 0);
	CHECK_INT(mailbox_info(in)->highestmodseq, before);
	flags_result_done(&r);
	/* UNCHANGEDSINCE */
	add.flags = FLAG_FLAGGED;
	add.unchanged_since = before - 1;
	uids[2] = 3;
	CHECK_INT(mailbox_store(in, uids, 3, &add, &r), 0);
	CHECK_INT(r.failed.len, 2);
	CHECK_INT(r.changed, 1);
	flags_result_done(&r);
	/* Keywords */
	CHECK_INT(mailbox_keywords_add(in, names, 2, &kw), 0);
	CHECK_INT(kw, FLAG_KEYWORD(0) | FLAG_KEYWORD(1));
	mailbox_keyword(in, S("WORK"), &kw);
	CHECK_INT(kw, FLAG_KEYWORD(1));
	names[0] = S("bad keyword");
	CHECK_INT(mailbox_keywords_add(in, names, 1, &kw), LL_ERR_SYNTAX);
	add = (struct flags_change){FLAGS_REPLACE, FLAG_KEYWORD(1) | FLAG_DRAFT, UINT64_MAX};
	CHECK_INT(mailbox_store(in, uids, 1, &add, &r), 0);
	flags_result_done(&r);
	fixture_restart(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	CHECK_INT(mailbox_row(in, 1)->flags, FLAG_KEYWORD(1) | FLAG_DRAFT);
	CHECK_INT(mailbox_row(in, 2)->flags, FLAG_SEEN | FLAG_DELETED);
	CHECK_INT(mailbox_row(in, 3)->flags, FLAG_FLAGGED);
	CHECK_SLICE(mailbox_keyword_name(in, 1), S("work"));
	CHECK_INT(mailbox_info(in)->deleted, 1);
	mailbox_close(in);
	fixture_done(&f);
}

static void
keywords_run_out_and_are_reused(void)
{
	struct fixture f;
	struct mailbox *in;
	uint64_t bit;
	struct flags_change set = {FLAGS_REPLACE, 0, UINT64_MAX};
	struct flags_result r;
	uint32_t uid = 1;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	fixture_append(in, fixture_message("s", "id", NULL, "b"), 0);
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		char name[16];
		struct slice s = slice_new(name, (size_t)snprintf(name, sizeof(name), "kw%d", i));
		CHECK_INT(mailbox_keywords_add(in, &s, 1, &bit), 0);
		set.flags |= bit;
	}
	CHECK_INT(mailbox_store(in, &uid, 1, &set, &r), 0);
	flags_result_done(&r);
	CHECK_INT(mailbox_keywords_add(in, &S("more"), 1, &bit), LL_ERR_LIMIT);
	set.flags &= ~FLAG_KEYWORD(7);
	CHECK_INT(mailbox_store(in, &uid, 1, &set, &r), 0);
	flags_result_done(&r);
	CHECK_INT(mailbox_keywords_add(in, &S("more"), 1, &bit), 0);
	CHECK_INT(bit, FLAG_KEYWORD(7));
	mailbox_keyword(in, S("kw7"), &bit);
	CHECK_INT(bit, 0);
	fixture_done(&f);
}

static void
expunge_and_vanished(void)
{
	struct fixture f;
	struct mailbox *in;
	struct flags_change del = {FLAGS_ADD, FLAG_DELETED, UINT64_MAX};
	struct flags_result r;
	struct uid_list gone = {0};
	uint32_t uids[] = {2, 4}, only[] = {1, 2};
	uint64_t since;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (int i = 0; i < 5; i++)
		fixture_append(in, fixture_message("s", "id", NULL, "b"), 0);
	since = account_modseq(f.a);
	CHECK_INT(mailbox_store(in, uids, 2, &del, &r), 0);
	flags_result_done(&r);
	CHECK_INT(mailbox_expunge(in, only, 2, &gone), 0);
	CHECK_INT(gone.len, 1);
	CHECK_INT(gone.at[0], 2);
	gone.len = 0;
	CHECK_INT(mailbox_expunge(in, NULL, 0, &gone), 0);
	CHECK(gone.len == 1 && gone.at[0] == 4);
	CHECK_INT(mailbox_info(in)->exists, 3);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 3);
	fixture_restart(&f);
	in = fixture_box(f.a, "INBOX");
	gone.len = 0;
	CHECK_INT(mailbox_vanished(in, since, &gone), 0);
	CHECK(gone.len == 2 && gone.at[0] == 2 && gone.at[1] == 4);
	gone.len = 0;
	CHECK_INT(mailbox_vanished(in, account_modseq(f.a), &gone), 0);
	CHECK_INT(gone.len, 0);
	CHECK_INT(mailbox_info(in)->uidnext, 6);
	uid_list_done(&gone);
	fixture_done(&f);
}

static void
copy_and_move(void)
{
	struct fixture f;
	struct mailbox *in, *to;
	struct copy_result r;
	struct slice kw = S("tag");
	struct slice body = fixture_message("moved", "m@x", NULL, "payload");
	struct buf out = BUF_INIT(4096);
	uint64_t bit, bit2;
	uint32_t uids[] = {1, 2, 7}, email;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	to = fixture_box(f.a, "Archive");
	CHECK_INT(mailbox_keywords_add(to, &S("other"), 1, &bit), 0);
	CHECK_INT(mailbox_keywords_add(in, &kw, 1, &bit), 0);
	fixture_append(in, body, FLAG_SEEN | bit);
	fixture_append(in, fixture_message("second", "n@x", NULL, "b"), 0);
	CHECK_INT(mailbox_open(in), 0);
	email = mailbox_row(in, 1)->email;
	CHECK_INT(mailbox_copy(in, uids, 3, to, &r), 0);
	CHECK(r.from.len == 2 && r.to.len == 2 && r.to.at[1] == 2);
	copy_result_done(&r);
	CHECK_INT(mailbox_open(to), 0);
	mailbox_keyword(to, kw, &bit2);
	CHECK(bit2 && bit2 != bit);
	CHECK_INT(mailbox_row(to, 1)->flags, FLAG_SEEN | bit2);
	CHECK_INT(mailbox_row(to, 1)->email, email);
	CHECK_INT(fixture_blobs(&f), 2);
	/* The copy keeps the body alive. */
	CHECK_INT(mailbox_remove(in, uids, 1, NULL), 0);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 2);
	CHECK_INT(message_read(f.a, email, 0, UINT64_MAX, &out), 0);
	CHECK_SLICE(buf_slice(&out), body);
	/* A move back, then the last one goes. */
	CHECK_INT(mailbox_move(to, uids, 1, in, &r), 0);
	CHECK(r.from.len == 1 && r.to.at[0] == 3);
	copy_result_done(&r);
	CHECK(!mailbox_row(to, 1) && mailbox_row(in, 3));
	CHECK_INT(mailbox_row(in, 3)->flags, FLAG_SEEN | bit);
	uids[0] = 3;
	CHECK_INT(mailbox_remove(in, uids, 1, NULL), 0);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 1);
	/* Within one mailbox. */
	uids[0] = 2;
	CHECK_INT(mailbox_copy(in, uids, 1, in, &r), 0);
	copy_result_done(&r);
	CHECK_INT(mailbox_move(in, uids, 1, in, &r), 0);
	copy_result_done(&r);
	CHECK(!mailbox_row(in, 2) && mailbox_row(in, 4) && mailbox_row(in, 5));
	mailbox_close(in);
	mailbox_close(to);
	buf_done(&out);
	fixture_done(&f);
}

static void
multiappend_is_atomic(void)
{
	struct fixture f;
	struct mailbox *in;
	struct append_item items[300];
	struct uid_list uids = {0};
	struct message msg;
	char body[3000];
	size_t n;
	const struct message_row *rows;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		char subject[32], id[32];
		for (size_t k = 0; k < sizeof(body) - 1; k++)
			body[k] = k % 70 == 69 ? '\n' : (char)('a' + fixture_below(&f, 26));
		body[sizeof(body) - 1] = '\0';
		snprintf(subject, sizeof(subject), "number %zu", i);
		snprintf(id, sizeof(id), "n%zu@x", i);
		CHECK_INT(message_stage(f.a, fixture_message(subject, id, NULL, body),
				  1000 + (int64_t)i, &items[i].message),
			0);
		items[i].flags = FLAG_SEEN;
	}
	CHECK_INT(mailbox_append(in, items, ARRAY_SIZE(items), &uids), 0);
	CHECK_INT(uids.len, 300);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		staged_message_free(items[i].message);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 300);
	fixture_restart(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	rows = mailbox_rows(in, &n);
	CHECK_INT(n, 300);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(message_get(f.a, rows[i].email, &msg), 0);
		CHECK_INT(msg.internal_date, 1000 + (int64_t)i);
	}
	mailbox_close(in);
	uid_list_done(&uids);
	fixture_done(&f);
}

static void
replace_in_one_commit(void)
{
	struct fixture f;
	struct mailbox *in, *drafts;
	struct append_item item = {.flags = FLAG_DRAFT};
	uint32_t uid = 0;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	drafts = fixture_box(f.a, "Drafts");
	fixture_append(drafts, fixture_message("draft", "d1@x", NULL, "one"), FLAG_DRAFT);
	CHECK_INT(
		message_stage(f.a, fixture_message("draft", "d2@x", NULL, "two"), 0, &item.message),
		0);
	CHECK_INT(mailbox_replace(drafts, 1, drafts, &item, &uid), 0);
	CHECK_INT(uid, 2);
	CHECK_INT(mailbox_info(drafts)->exists, 1);
	staged_message_free(item.message);
	CHECK_INT(message_stage(
			  f.a, fixture_message("draft", "d3@x", NULL, "three"), 0, &item.message),
		0);
	CHECK_INT(mailbox_replace(drafts, 1, in, &item, &uid), LL_ERR_NOTFOUND);
	CHECK_INT(mailbox_replace(drafts, 2, in, &item, &uid), 0);
	CHECK_INT(mailbox_info(in)->exists, 1);
	CHECK_INT(mailbox_info(drafts)->exists, 0);
	staged_message_free(item.message);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 1);
	fixture_done(&f);
}

static void
two_engines_see_each_other(void)
{
	struct fixture f;
	struct account *b;
	struct mailbox *in, *in2;
	struct flags_change flag = {FLAGS_ADD, FLAG_FLAGGED, UINT64_MAX};
	struct flags_result r;
	uint32_t uid = 1;
	size_t n;

	fixture_init(&f);
	b = fixture_second(&f);
	in = fixture_box(f.a, "INBOX");
	in2 = fixture_box(b, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	CHECK_INT(mailbox_open(in2), 0);
	CHECK_INT(fixture_append(in, fixture_message("1", "1@x", NULL, "b"), 0), 1);
	/* b's knowledge is old: its append conflicts, reloads and gets the next UID. */
	CHECK_INT(fixture_append(in2, fixture_message("2", "2@x", "1@x", "b"), 0), 2);
	CHECK_INT(mailbox_store(in, &uid, 1, &flag, &r), 0);
	flags_result_done(&r);
	mailbox_rows(in, &n);
	CHECK_INT(n, 2);
	f.heard = 0;
	CHECK_INT(account_mailbox_create(b, S("made by b"), MAILBOX_NO_ROLE, NULL), 0);
	CHECK_INT(account_poll(f.a), 0);
	CHECK(f.heard & ACCOUNT_RELOADED);
	fixture_box(f.a, "made by b");
	CHECK_INT(account_mailbox_delete(f.a, fixture_box(f.a, "made by b")), 0);
	CHECK_INT(account_poll(b), 0);
	CHECK_INT(mailbox_row(in2, 1)->flags, FLAG_FLAGGED);
	CHECK_INT(account_mailbox(b, S("made by b"), &in2), LL_ERR_NOTFOUND);
	mailbox_close(fixture_box(b, "INBOX"));
	mailbox_close(in);
	account_close(b);
	fixture_done(&f);
}

static void
quota_holds_until_room_is_made(void)
{
	struct fixture f;
	struct mailbox *in;
	struct append_item item = {.flags = 0};
	struct account_quota q;
	static char big[3000];
	uint32_t uid = 1;

	fixture_init(&f);
	memset(big, 'q', sizeof(big) - 1);
	f.env.quota = 4000;
	fixture_reopen(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(fixture_append(in, fixture_message("1", "1@x", NULL, big), 0), 1);
	CHECK_INT(account_quota(f.a, &q), 0);
	CHECK(q.limit == 4000 && q.bytes > 3000 && q.messages == 1);
	CHECK_INT(message_stage(f.a, fixture_message("2", "2@x", NULL, big), 0, &item.message), 0);
	CHECK_INT(mailbox_append(in, &item, 1, NULL), LL_ERR_QUOTA);
	CHECK_INT(mailbox_remove(in, &uid, 1, NULL), 0);
	CHECK_INT(mailbox_append(in, &item, 1, NULL), 0);
	staged_message_free(item.message);
	fixture_done(&f);
}

T_MAIN(T(create_has_default_mailboxes), T(append_and_read), T(large_body_by_ranges), T(store_flags),
	T(keywords_run_out_and_are_reused), T(expunge_and_vanished), T(copy_and_move),
	T(multiappend_is_atomic), T(replace_in_one_commit), T(two_engines_see_each_other),
	T(quota_holds_until_room_is_made))
