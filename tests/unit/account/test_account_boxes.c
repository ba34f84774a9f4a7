/* Mailboxes: their names, how they come and go, and whole trees of them that are renamed. */
#include "account/object.h"
#include "fixture.h"

#include <sys/wait.h>
#include <unistd.h>

static void
names_are_normalised(void)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} t[] = {{"inbox", "INBOX"}, {"InBoX/sub", "INBOX/sub"}, {"a/inbox", "a/inbox"},
		{"a\xcc\x88", "\xc3\xa4"}, {"\xc3\xa4", "\xc3\xa4"}, {"", NULL}, {"/a", NULL},
		{"a/", NULL}, {"a//b", NULL}, {"a/../b", NULL}, {".", NULL}, {"a\nb", NULL},
		{"\xff", NULL}, {"\xe2\x80\xa8", NULL}, {"a.b/c d", "a.b/c d"},
		{"inboxes", "inboxes"}};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct buf out = BUF_INIT(MAILBOX_NAME_MAX);
		int err = mailbox_name_normalise(&out, slice_str(t[i].in));
		if (t[i].out)
			CHECK_SLICE(buf_slice(&out), slice_str(t[i].out));
		else
			CHECK_INT(err, LL_ERR_SYNTAX);
		buf_done(&out);
	}
}

static void
mailboxes_come_and_go(void)
{
	struct fixture f;
	struct mailbox *mb, *sub;
	const struct slice *orphans;
	size_t n;

	fixture_init(&f);
	CHECK_INT(account_mailbox_create(f.a, S("a/b/c"), MAILBOX_NO_ROLE, &mb), 0);
	CHECK_SLICE(mailbox_info(mb)->name, S("a/b/c"));
	CHECK_INT(account_mailbox_create(f.a, S("a/b"), MAILBOX_NO_ROLE, &sub), LL_ERR_EXISTS);
	CHECK_INT(account_mailbox_create(f.a, S("x"), MAILBOX_SENT, &sub), LL_ERR_DENIED);
	CHECK_INT(account_mailbox_create(f.a, S("x"), MAILBOX_FLAGGED, &sub), 0);
	fixture_append(mb, fixture_message("s", "id", NULL, "b"), 0);
	CHECK_INT(account_subscribe(f.a, S("a/b/c"), true), 0);
	CHECK_INT(account_subscribe(f.a, S("nowhere"), true), 0);
	CHECK_INT(account_mailbox_rename(f.a, S("a/b"), S("a/b/c/d")), LL_ERR_DENIED);
	CHECK_INT(account_mailbox_rename(f.a, S("a/b"), S("Sent")), LL_ERR_EXISTS);
	CHECK_INT(account_mailbox_rename(f.a, S("a/b"), S("new/top")), 0);
	fixture_reopen(&f);
	mb = fixture_box(f.a, "new/top/c");
	CHECK(mailbox_info(mb)->subscribed && mailbox_info(mb)->exists == 1);
	fixture_box(f.a, "new");
	CHECK_INT(account_mailbox(f.a, S("a/b/c"), &sub), LL_ERR_NOTFOUND);
	CHECK_INT(mailbox_open(mb), 0);
	CHECK_INT(account_mailbox_delete(f.a, mb), 0);
	CHECK(mailbox_gone(mb));
	mailbox_rows(mb, &n);
	CHECK_INT(n, 0);
	mailbox_close(mb);
	orphans = account_orphan_subscriptions(f.a, &n);
	CHECK_INT(n, 2);
	CHECK_SLICE(orphans[0], S("nowhere"));
	CHECK_SLICE(orphans[1], S("new/top/c"));
	CHECK_INT(account_mailbox_create(f.a, S("nowhere"), MAILBOX_NO_ROLE, &mb), 0);
	CHECK(mailbox_info(mb)->subscribed);
	CHECK_INT(account_subscribe(f.a, S("new/top/c"), false), 0);
	account_orphan_subscriptions(f.a, &n);
	CHECK_INT(n, 0);
	CHECK_INT(account_mailbox_delete(f.a, fixture_box(f.a, "INBOX")), LL_ERR_DENIED);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 0);
	fixture_reopen(&f);
	account_orphan_subscriptions(f.a, &n);
	CHECK_INT(n, 0);
	fixture_done(&f);
}

#define TREE 700 /* mailboxes, far more than one commit renames */

static void
make_tree(struct fixture *f)
{
	char name[64];
	struct mailbox *mb;

	CHECK_INT(account_mailbox_create(f->a, S("tree"), MAILBOX_NO_ROLE, &mb), 0);
	fixture_append(mb, fixture_message("s", "id", NULL, "b"), 0);
	for (unsigned i = 1; i < TREE; i++) {
		snprintf(name, sizeof(name), "tree/%u/%u", i % 7, i);
		CHECK_INT(account_mailbox_create(f->a, slice_str(name), MAILBOX_NO_ROLE, &mb), 0);
	}
}

/* How many mailboxes have a name that begins so. */
static size_t
count_below(struct fixture *f, const char *prefix)
{
	struct mailbox *const *at;
	size_t n, found = 0;

	at = account_mailboxes(f->a, &n);
	for (size_t i = 0; i < n; i++)
		found += slice_starts(mailbox_info(at[i])->name, slice_str(prefix));
	return found;
}

static void
large_tree_is_renamed(void)
{
	struct fixture f;
	struct mailbox *mb;
	size_t n;

	fixture_init(&f);
	make_tree(&f);
	n = count_below(&f, "tree");
	CHECK(n >= TREE);
	CHECK_INT(account_mailbox_create(f.a, S("other/wood/3/10"), MAILBOX_NO_ROLE, &mb), 0);
	/* A name that is taken, far behind: nothing at all is renamed. */
	CHECK_INT(account_mailbox_rename(f.a, S("tree"), S("other/wood")), LL_ERR_EXISTS);
	CHECK_INT(count_below(&f, "tree"), n);
	CHECK_INT(account_mailbox_rename(f.a, S("tree"), S("new/wood")), 0);
	CHECK_INT(count_below(&f, "tree"), 0);
	CHECK_INT(count_below(&f, "new/wood"), n);
	fixture_restart(&f);
	CHECK_INT(count_below(&f, "new/wood"), n);
	CHECK_INT(mailbox_info(fixture_box(f.a, "new/wood"))->exists, 1);
	fixture_box(f.a, "new");
	fixture_box(f.a, "new/wood/6/699");
	CHECK_INT(account_objects_load(f.a), 0);
	n = 0;
	CHECK(!account_object_next(f.a, CHANGE_RENAME, &n));
	fixture_done(&f);
}

static unsigned commits_left;

static void
dies_at_last(struct account_listener *l, struct mailbox *mb, unsigned events)
{
	static uint64_t last;

	if (!mb || !(events & ACCOUNT_RENAMED) || account_modseq(mailbox_account(mb)) == last)
		return;
	last = account_modseq(mailbox_account(mb));
	if (!--commits_left)
		_exit(9); /* as kill -9 would: nothing is closed */
}

/* The process dies after some of the commits; whoever opens the account next sees all of them. */
static void
broken_rename_is_finished(void)
{
	for (unsigned after = 1; after <= 5; after += 2) {
		struct account_listener dying = {.changed = dies_at_last};
		struct fixture f;
		int status = 0;
		size_t n;
		pid_t pid;

		fixture_init(&f);
		make_tree(&f);
		n = count_below(&f, "tree");
		account_close(f.a);
		store_free(f.store);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			fixture_open(&f);
			account_listen(f.a, &dying);
			commits_left = after;
			(void)!account_mailbox_rename(f.a, S("tree"), S("new/wood"));
			_exit(0);
		}
		waitpid(pid, &status, 0);
		CHECK(WIFEXITED(status));
		CHECK_INT(WEXITSTATUS(status), 9);
		fixture_open(&f);
		CHECK_INT(count_below(&f, "tree"), 0);
		CHECK_INT(count_below(&f, "new/wood"), n);
		CHECK_INT(account_mailbox_rename(f.a, S("new/wood"), S("tree")), 0);
		CHECK_INT(count_below(&f, "tree"), n);
		fixture_done(&f);
	}
}

static void
rename_inbox_moves_messages(void)
{
	struct fixture f;
	struct mailbox *in, *to;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	fixture_append(in, fixture_message("s", "id", NULL, "b"), FLAG_FLAGGED);
	CHECK_INT(account_mailbox_rename(f.a, S("inbox"), S("old/mail")), 0);
	to = fixture_box(f.a, "old/mail");
	CHECK_INT(mailbox_info(in)->exists, 0);
	CHECK_INT(mailbox_info(to)->exists, 1);
	fixture_done(&f);
}

T_MAIN(T(names_are_normalised), T(mailboxes_come_and_go), T(large_tree_is_renamed),
	T(broken_rename_is_finished), T(rename_inbox_moves_messages))
