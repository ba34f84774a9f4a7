/* Rules: their stored form, what they match, and that a message arrives exactly once where they put
 * it, with another engine that changes rules and mailboxes in between. */
#include "fixture.h"

#include "account/object.h"
#include "account/rule.h"

static const struct store_id ids[4] = {{{1}}, {{2}}, {{3}}, {{4}}};

static void
put_rule(struct account *a, size_t i, const struct rule *r)
{
	struct buf value = BUF_INIT(OBJECT_VALUE_MAX);
	struct object_change c = {.type = CHANGE_RULES, .id = ids[i]};

	CHECK_INT(rule_encode(r, &value), 0);
	c.value = buf_slice(&value);
	CHECK_INT(account_objects_change(a, &c, 1), 0);
	buf_done(&value);
}

static struct rule
one_condition(enum rule_field field, enum rule_match match, const char *name, const char *text,
	uint64_t size)
{
	struct rule r = {.enabled = true, .all = true, .n_conditions = 1};

	r.conditions[0] =
		(struct rule_condition){field, match, slice_str(name), slice_str(text), size};
	return r;
}

static void
deliver(struct fixture *f, const char *text, enum mailbox_role role)
{
	static struct record_sender *sender;
	struct delivery_recipient rcpt = {.account = f->env.id,
		.keyver = 1,
		.address = S("bob+shop@Letterlock.test"),
		.role = role};

	sender = NULL;
	CHECK_INT(fixture_deliver(f, slice_str(text), &rcpt, &sender), 0);
	record_sender_free(sender);
}

static const char letter[] =
	"From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@mail.Example.ORG>\r\n"
	"To: Team <team@example.net>\r\nCc: other@example.com\r\nSubject: The "
	"=?utf-8?q?Stra=C3=9Fe?="
	"\r\n is long\r\nList-Id: All <ALL.example.net>\r\nX-Thing: first\r\nX-Thing: "
	"=?utf-8?q?zw=C3=B6lf?="
	"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\n\r\nHello.\r\n--b\r\nContent-Type: application/pdf\r\n"
	"Content-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n";

/* ---- Stored form ---- */

static void
stored_form(void)
{
	struct buf once = BUF_INIT(OBJECT_VALUE_MAX), twice = BUF_INIT(OBJECT_VALUE_MAX);
	struct rule r = one_condition(RULE_HEADER, RULE_IS, "X-A", "b", 0), got;

	r.name = S("N\xc3\xa4me");
	r.order = 77;
	r.move = r.trash = r.stop = r.seen = r.flagged = true;
	r.mailbox = ids[3];
	r.keywords[r.n_keywords++] = S("$One");
	r.conditions[r.n_conditions++] =
		(struct rule_condition){.field = RULE_SIZE_BELOW, .size = 9};
	CHECK_INT(rule_encode(&r, &once), 0);
	CHECK_INT(rule_decode(buf_slice(&once), &got), 0);
	CHECK_INT(rule_encode(&got, &twice), 0);
	CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
	CHECK(got.order == 77 && got.move && got.stop && got.n_conditions == 2);
	for (size_t n = 0; n < once.len; n++)
		CHECK(rule_decode(slice_sub(buf_slice(&once), 0, n), &got) < 0);
	once.ptr[0]++;
	CHECK_INT(rule_decode(buf_slice(&once), &got), LL_ERR_UNSUPPORTED);
	buf_done(&once);
	buf_done(&twice);
}

static void
what_is_no_rule(void)
{
	struct rule bad[] = {one_condition(RULE_SUBJECT, RULE_DOMAIN, "", "x", 0),
		one_condition(RULE_FROM, RULE_CONTAINS, "", "", 0),
		one_condition(RULE_FROM, RULE_CONTAINS, "X", "y", 0),
		one_condition(RULE_HEADER, RULE_IS, "A:B", "y", 0),
		one_condition(RULE_ATTACHMENT, RULE_CONTAINS, "", "y", 0),
		one_condition(RULE_SUBJECT, RULE_IS, "", "a\nb", 0),
		one_condition(RULE_SUBJECT, RULE_IS, "", "\xff", 0), {.n_conditions = 0}};
	struct rule good = one_condition(RULE_HEADER, RULE_CONTAINS, "X-Seen", "", 0);
	struct buf out = BUF_INIT(OBJECT_VALUE_MAX);

	CHECK(rule_check(&good) == NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(rule_check(&bad[i]) != NULL);
		CHECK_INT(rule_encode(&bad[i], &out), LL_ERR_LIMIT);
	}
	CHECK_INT(out.len, 0);
}

/* ---- What matches ---- */

static const struct {
	enum rule_field field;
	enum rule_match match;
	const char *name, *text;
	uint64_t size;
	bool holds;
} conditions[] = {
	{RULE_FROM, RULE_CONTAINS, "", "jorg mull", 0, true},
	{RULE_FROM, RULE_CONTAINS, "", "joerg@mail", 0, true},
	{RULE_FROM, RULE_CONTAINS, "", "team", 0, false},
	{RULE_FROM, RULE_IS, "", "JOERG@mail.example.org", 0, true},
	{RULE_FROM, RULE_IS, "", "J\xc3\xb6rg M\xc3\xbcller", 0, true},
	{RULE_FROM, RULE_IS, "", "joerg", 0, false},
	{RULE_FROM, RULE_DOMAIN, "", "example.org", 0, true},
	{RULE_FROM, RULE_DOMAIN, "", "mail.example.org", 0, true},
	{RULE_FROM, RULE_DOMAIN, "", "ample.org", 0, false},
	{RULE_FROM, RULE_DOMAIN, "", "a.mail.example.org", 0, false},
	{RULE_FROM, RULE_DOMAIN, "", "not a domain", 0, false},
	{RULE_TO, RULE_CONTAINS, "", "team", 0, true},
	{RULE_TO, RULE_IS, "", "other@example.com", 0, true},
	{RULE_TO, RULE_CONTAINS, "", "+shop@", 0, true},
	{RULE_TO, RULE_DOMAIN, "", "letterlock.test", 0, true},
	{RULE_TO, RULE_DOMAIN, "", "example.org", 0, false},
	{RULE_SUBJECT, RULE_CONTAINS, "", "STRASSE is", 0, true},
	{RULE_SUBJECT, RULE_IS, "",
		"the stra\xc3\x9f"
		"e is long",
		0, true},
	{RULE_SUBJECT, RULE_IS, "", "the", 0, false},
	{RULE_LIST_ID, RULE_IS, "", "all.example.net", 0, true},
	{RULE_LIST_ID, RULE_CONTAINS, "", "nobody", 0, false},
	{RULE_HEADER, RULE_IS, "x-thing", "ZW\xc3\x96LF", 0, true},
	{RULE_HEADER, RULE_IS, "x-thing", "zw", 0, false},
	{RULE_HEADER, RULE_CONTAINS, "X-Thing", "", 0, true},
	{RULE_HEADER, RULE_CONTAINS, "X-Other", "", 0, false},
	{RULE_ATTACHMENT, RULE_CONTAINS, "", "", 0, true},
	{RULE_SIZE_FROM, RULE_CONTAINS, "", "", sizeof(letter) - 1, true},
	{RULE_SIZE_FROM, RULE_CONTAINS, "", "", sizeof(letter), false},
	{RULE_SIZE_BELOW, RULE_CONTAINS, "", "", sizeof(letter), true},
	{RULE_SIZE_BELOW, RULE_CONTAINS, "", "", sizeof(letter) - 1, false},
};

static void
matches(void)
{
	struct fixture f;
	struct mailbox *inbox;

	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		struct rule r = one_condition(conditions[i].field, conditions[i].match,
			conditions[i].name, conditions[i].text, conditions[i].size);
		size_t n;
		r.flagged = true;
		put_rule(f.a, 0, &r);
		deliver(&f, letter, MAILBOX_NO_ROLE);
		CHECK_INT(account_poll(f.a), 0);
		inbox = fixture_box(f.a, "INBOX");
		CHECK_INT(mailbox_open(inbox), 0);
		CHECK(mailbox_rows(inbox, &n) != NULL);
		CHECK_INT(n, i + 1);
		if ((mailbox_rows(inbox, &n)[i].flags == FLAG_FLAGGED) != conditions[i].holds)
			CHECK_INT(i, -1);
		mailbox_close(inbox);
	}
	fixture_done(&f);
}

/* ---- Where it goes ---- */

static size_t
exists(struct account *a, const char *name)
{
	return mailbox_info(fixture_box(a, name))->exists;
}

static void
goes_where_the_first_says(void)
{
	struct fixture f;
	struct rule first = one_condition(RULE_ATTACHMENT, RULE_CONTAINS, "", "", 0), r;

	fixture_init(&f);
	first.move = first.stop = true;
	first.mailbox = mailbox_info(fixture_box(f.a, "Archive"))->id;
	r = first;
	r.order = 1; /* asked later, though it is older; the other one stops */
	r.move = false;
	r.trash = r.seen = true;
	put_rule(f.a, 0, &r);
	put_rule(f.a, 1, &first);
	deliver(&f, letter, MAILBOX_NO_ROLE);
	deliver(&f, letter, MAILBOX_JUNK); /* put aside as forged: no rules */
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(exists(f.a, "Archive"), 1);
	CHECK_INT(mailbox_info(fixture_box(f.a, "Archive"))->unseen, 1);
	CHECK_INT(exists(f.a, "Junk"), 1);
	first.stop = false; /* the second one marks it, but the first has placed it */
	put_rule(f.a, 1, &first);
	deliver(&f, letter, MAILBOX_NO_ROLE);
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(exists(f.a, "Archive"), 2);
	CHECK_INT(mailbox_info(fixture_box(f.a, "Archive"))->unseen, 1);
	first.mailbox = ids[3]; /* is no more: now the other one places it */
	put_rule(f.a, 1, &first);
	deliver(&f, letter, MAILBOX_NO_ROLE);
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(exists(f.a, "Trash"), 1);
	CHECK_INT(exists(f.a, "INBOX"), 0);
	fixture_done(&f);
}

/* ---- Exactly once ---- */

static struct {
	struct fixture *f;
	struct account *other;
	void (*meddle)(void);
	int64_t (*now)(void *ctx);
} meddling;

/* The engine asks for the time while it builds the commit: then another one commits first. */
static int64_t
now_and_meddle(void *ctx)
{
	if (meddling.meddle)
		TAKE(meddling.meddle)();
	return meddling.now(ctx);
}

static void
meddle_rules(void)
{
	struct rule r = one_condition(RULE_FROM, RULE_CONTAINS, "", "joerg", 0);

	r.trash = true;
	put_rule(meddling.other, 0, &r);
}

static void
meddle_mailbox(void)
{
	CHECK_INT(
		account_mailbox_delete(meddling.other, fixture_box(meddling.other, "Archive")), 0);
}

static void
meddle_admit(void)
{
	CHECK_INT(account_poll(meddling.other), 0);
}

static size_t
everywhere(struct account *a)
{
	size_t n, sum = 0;
	struct mailbox *const *all = account_mailboxes(a, &n);

	for (size_t i = 0; i < n; i++)
		sum += mailbox_info(all[i])->exists;
	return sum;
}

static void
run_meddling(void (*meddle)(void), const char *ends_in, bool crash)
{
	struct fixture f;
	struct account_env env;
	struct account *a = NULL;
	struct rule r = one_condition(RULE_FROM, RULE_CONTAINS, "", "joerg", 0);

	fixture_init(&f);
	r.move = true;
	r.mailbox = mailbox_info(fixture_box(f.a, "Archive"))->id;
	r.keywords[r.n_keywords++] = S("ruled");
	put_rule(f.a, 0, &r);
	deliver(&f, letter, MAILBOX_NO_ROLE);
	if (crash) /* between delivery and admission */
		fixture_restart(&f);
	env = f.env;
	meddling.f = &f;
	meddling.other = f.a;
	meddling.now = env.now;
	env.now = now_and_meddle;
	CHECK_INT(account_open(&env, &a), 0);
	meddling.meddle = meddle;
	CHECK_INT(account_poll(a), 0);
	CHECK(meddling.meddle == NULL);
	CHECK_INT(exists(a, ends_in), 1);
	CHECK_INT(everywhere(a), 1);
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(everywhere(f.a), 1);
	CHECK_INT(account_bad_deliveries(a), 0);
	account_close(a);
	fixture_restart(&f);
	CHECK_INT(account_poll(f.a), 0);
	CHECK_INT(everywhere(f.a), 1);
	CHECK_INT(exists(f.a, ends_in), 1);
	fixture_done(&f);
}

static void
arrives_once(void)
{
	run_meddling(meddle_rules, "Trash", false);
	run_meddling(meddle_mailbox, "INBOX", false);
	run_meddling(meddle_admit, "Archive", false);
	run_meddling(meddle_rules, "Trash", true);
}

T_MAIN(T(stored_form), T(what_is_no_rule), T(matches), T(goes_where_the_first_says),
	T(arrives_once))
