/* Emails that are put off: where they go, that they come back once, and what is left when the
 * process dies in between. */
#include "fixture.h"

#include "account/email.h"
#include "account/object.h"
#include "account/snooze.h"

static struct store_id
box_id(struct account *a, const char *name)
{
	return mailbox_info(fixture_box(a, name))->id;
}

static uint32_t
some_email(struct account *a, const char *name)
{
	struct mailbox *mb = fixture_box(a, name);
	uint32_t uid = fixture_append(mb, fixture_message(name, "s@x", NULL, "text"), FLAG_SEEN);
	uint32_t email;

	CHECK_INT(mailbox_open(mb), 0);
	email = mailbox_row(mb, uid)->email;
	mailbox_close(mb);
	return email;
}

static void
put_off(struct account *a, uint32_t email, int64_t until)
{
	struct store_id boxes[EMAIL_MAILBOXES_MAX];
	struct email_change c = {.email = email, .mailboxes = boxes};

	CHECK_INT(snooze_begin(a, email, until, boxes, &c.n_mailboxes), 0);
	CHECK_INT(emails_change(a, &c, 1), 0);
	CHECK_INT(c.err, 0);
}

static bool
lies_in(struct account *a, uint32_t email, const char *name)
{
	size_t n;

	CHECK_INT(emails_load(a), 0);
	CHECK(email_places(a, email, &n) != NULL);
	return n == 1 && email_in_mailbox(a, email, fixture_box(a, name));
}

static size_t
objects(struct account *a)
{
	size_t pos = 0, n = 0;

	CHECK_INT(account_objects_load(a), 0);
	while (account_object_next(a, CHANGE_SNOOZE, &pos))
		n++;
	return n;
}

static int64_t
wake(struct account *a, int64_t now)
{
	int64_t next = -1;

	CHECK_INT(snooze_wake(a, now, &next), 0);
	return next;
}

static void
comes_back(void)
{
	struct fixture f;
	uint32_t one, two;
	int64_t until = 0, received;

	fixture_init(&f);
	CHECK_INT(wake(f.a, 100), 0);
	one = some_email(f.a, "INBOX");
	two = some_email(f.a, "Archive");
	CHECK_INT(emails_load(f.a), 0);
	received = email_find(f.a, one)->received;
	put_off(f.a, one, 1000);
	put_off(f.a, two, 2000);
	CHECK(lies_in(f.a, one, "Snoozed"));
	CHECK(account_mailbox_by_role(f.a, MAILBOX_SNOOZED) == fixture_box(f.a, "Snoozed"));
	CHECK(email_snoozed(f.a, one, &until));
	CHECK_INT(until, 1000);
	CHECK_INT(wake(f.a, 999), 1000);
	CHECK(lies_in(f.a, one, "Snoozed"));
	put_off(f.a, two, 1500); /* once more: it remembers where it came from at first */
	fixture_restart(&f);
	CHECK_INT(wake(f.a, 1000), 1500);
	CHECK(lies_in(f.a, one, "INBOX"));
	CHECK_INT(email_flags(f.a, one) & FLAG_SEEN, 0);
	CHECK_INT(email_find(f.a, one)->received, received);
	CHECK(lies_in(f.a, two, "Snoozed"));
	CHECK(email_flags(f.a, two) & FLAG_SEEN);
	CHECK_INT(objects(f.a), 1);
	CHECK_INT(wake(f.a, 1500), 0);
	CHECK(lies_in(f.a, two, "Archive"));
	CHECK_INT(objects(f.a), 0);
	fixture_done(&f);
}

static void
others_move_and_delete(void)
{
	struct fixture f;
	struct mailbox *made;
	struct email_change c = {.n_mailboxes = 1};
	struct store_id trash;
	uint32_t one, two, three;

	fixture_init(&f);
	trash = box_id(f.a, "Trash");
	CHECK_INT(account_mailbox_create(f.a, S("Short"), MAILBOX_NO_ROLE, &made), 0);
	one = some_email(f.a, "INBOX");
	two = some_email(f.a, "Short");
	three = some_email(f.a, "INBOX");
	put_off(f.a, one, 10);
	put_off(f.a, two, 10);
	put_off(f.a, three, 10);
	c.email = one; /* thrown away meanwhile: it stays there */
	c.mailboxes = &trash;
	CHECK_INT(emails_change(f.a, &c, 1), 0);
	CHECK_INT(account_mailbox_delete(f.a, fixture_box(f.a, "Short")), 0);
	c = (struct email_change){.email = three, .destroy = true};
	CHECK_INT(emails_change(f.a, &c, 1), 0);
	CHECK_INT(wake(f.a, 10), 0);
	CHECK(lies_in(f.a, one, "Trash"));
	CHECK(lies_in(f.a, two, "INBOX")); /* where it was is no more */
	CHECK_INT(objects(f.a), 0);
	fixture_done(&f);
}

static void
survives_a_crash(void)
{
	struct fixture f;
	struct store_id boxes[EMAIL_MAILBOXES_MAX];
	struct email_change c = {.mailboxes = boxes};
	int64_t until;
	size_t n;
	uint32_t one;

	fixture_init(&f);
	one = some_email(f.a, "Archive");
	/* Before it went: it is not snoozed. */
	CHECK_INT(snooze_begin(f.a, one, 10, boxes, &n), 0);
	fixture_restart(&f);
	CHECK_INT(account_objects_load(f.a), 0);
	CHECK_INT(objects(f.a), 1);
	CHECK(lies_in(f.a, one, "Archive"));
	CHECK(!email_snoozed(f.a, one, &until));
	CHECK_INT(snooze_tidy(f.a), 0);
	CHECK_INT(objects(f.a), 0);
	/* After it came back, before that was written down: it comes back once only. */
	put_off(f.a, one, 10);
	CHECK_INT(snooze_back(f.a, one, boxes, &c.n_mailboxes), 0);
	CHECK_INT(c.n_mailboxes, 1);
	c.email = one;
	CHECK_INT(emails_change(f.a, &c, 1), 0);
	fixture_restart(&f);
	CHECK_INT(wake(f.a, 10), 0);
	CHECK(lies_in(f.a, one, "Archive"));
	CHECK(email_flags(f.a, one) & FLAG_SEEN);
	fixture_done(&f);
}

static void
takes_a_mailbox_of_that_name(void)
{
	struct fixture f;
	struct mailbox *mb;
	uint32_t one;

	fixture_init(&f);
	one = some_email(f.a, "INBOX");
	CHECK_INT(account_mailbox_create(f.a, S("Snoozed"), MAILBOX_NO_ROLE, &mb), 0);
	put_off(f.a, one, 10);
	CHECK(lies_in(f.a, one, "Snoozed"));
	CHECK_INT(wake(f.a, 10), 0);
	CHECK_INT(account_mailbox_set_role(f.a, fixture_box(f.a, "Snoozed"), MAILBOX_IMPORTANT), 0);
	put_off(f.a, one, 20);
	CHECK(lies_in(f.a, one, "Snoozed 2"));
	fixture_done(&f);
}

T_MAIN(T(comes_back), T(others_move_and_delete), T(survives_a_crash),
	T(takes_a_mailbox_of_that_name))
