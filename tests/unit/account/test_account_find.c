/* Search, sort and thread against what RFC 9051 and RFC 5256 say, on a small mailbox. */
#include "fixture.h"

#include "account/email.h"
#include "base/text.h"

static const char *const letters[] = {
	/* 1 */ "From: Zoe <zoe@a.example>\r\nTo: team@b.example\r\nSubject: Plan\r\n"
		"Date: Mon, 01 Jan 2024 10:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\n"
		"The quick brown fox\r\n",
	/* 2 */
	"From: Anna <anna@a.example>\r\nTo: zoe@a.example\r\nCc: Bob <bob@b.example>\r\n"
	"Subject: Re: plan\r\nDate: Tue, 02 Jan 2024 23:30:00 -0500\r\nMessage-ID: <2@x>\r\n"
	"References: <1@x>\r\nX-Mood: cheerful\r\n\r\njumps over\r\n",
	/* 3 */
	"From: =?utf-8?q?J=C3=BCrgen?= <j@c.example>\r\nTo: team@b.example\r\n"
	"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nDate: Wed, 03 Jan 2024 10:00:00 +0000\r\n"
	"Message-ID: <3@x>\r\nContent-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\nZGVyIGZhdWxlIEh1bmQ=\r\n",
	/* 4: its parent is not here */
	"From: Bob <bob@b.example>\r\nSubject: Other\r\nDate: Thu, 04 Jan 2024 10:00:00 +0000\r\n"
	"Message-ID: <4@x>\r\nReferences: <gone@x>\r\n\r\nno To here\r\n",
	/* 5 */
	"From: carl@d.example\r\nSubject: Another\r\nDate: Fri, 05 Jan 2024 10:00:00 +0000\r\n"
	"Message-ID: <5@x>\r\nReferences: <gone@x>\r\n\r\nlazy dog\r\n",
	/* 6: same subject as 1, no ids in common */
	"From: Dora <dora@a.example>\r\nSubject: Fwd: PLAN\r\nDate: Sat, 06 Jan 2024 10:00:00 "
	"+0000\r\n"
	"Message-ID: <6@x>\r\n\r\nlast words\r\n",
};
#define N ARRAY_SIZE(letters)

static struct mailbox *
filled(struct fixture *f)
{
	struct mailbox *in;

	fixture_init(f);
	in = fixture_box(f->a, "INBOX");
	for (size_t i = 0; i < N; i++)
		CHECK_INT(fixture_append(in, slice_str(letters[i]), i == 3 ? FLAG_FLAGGED : 0),
			i + 1);
	fixture_reopen(f);
	in = fixture_box(f->a, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	return in;
}

static void
check_uids(int line, const struct uid_list *got, const char *want)
{
	char text[256];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < got->len; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i ? " " : "", got->at[i]);
	if (strcmp(text, want) != 0) {
		fprintf(stderr, "%s:%d: \"%s\", not \"%s\"\n", __FILE__, line, text, want);
		t_failed++;
	}
}

static void
find_one(int line, struct mailbox *mb, struct find_node node, const char *want)
{
	struct uid_list got = {0};

	CHECK_INT(mailbox_find(mb, &node, &got), 0);
	check_uids(line, &got, want);
	uid_list_done(&got);
}
#define FIND(want, ...) find_one(__LINE__, in, (struct find_node){__VA_ARGS__}, want)

static void
finds(void)
{
	struct fixture f;
	struct mailbox *in = filled(&f);
	static const uint32_t uids[] = {2, 4, 6, 8};
	struct find_node fox = {.op = FIND_TEXT, .text = S("FOX")};
	struct find_node dog = {.op = FIND_BODY, .text = S("dog"), .next = &fox};
	struct find_node flagged = {.op = FIND_FLAGS, .mask = FLAG_FLAGGED, .bits = FLAG_FLAGGED};

	FIND("1 2 3 4 5 6", .op = FIND_AND);
	FIND("", .op = FIND_OR);
	FIND("4", .op = FIND_FLAGS, .mask = FLAG_FLAGGED, .bits = FLAG_FLAGGED);
	FIND("1 2 3 5 6", .op = FIND_NOT, .kids = &flagged);
	FIND("2 4 6", .op = FIND_UIDS, .uids = uids, .n_uids = 4);
	FIND("1 2 6", .op = FIND_SUBJECT, .text = S("plan"));
	FIND("3", .op = FIND_SUBJECT, .text = S("gr\xc3\xbcsse"));
	FIND("3", .op = FIND_SUBJECT, .text = S("GRU"));
	FIND("1 2 3 4 5 6", .op = FIND_SUBJECT);
	FIND("3", .op = FIND_FROM, .text = S("j\xc3\xbcrgen"));
	FIND("1 2 6", .op = FIND_FROM, .text = S("a.example"));
	FIND("2", .op = FIND_TO, .text = S("zoe"));
	FIND("1 2 3", .op = FIND_TO);
	FIND("2", .op = FIND_CC, .text = S("bo"));
	FIND("", .op = FIND_BCC, .text = S("bob"));
	FIND("1", .op = FIND_TEXT, .text = S("quick brown"));
	FIND("3", .op = FIND_BODY, .text = S("faule hund"));
	FIND("", .op = FIND_BODY, .text = S("cheerful"));
	FIND("2", .op = FIND_TEXT, .text = S("cheerful"));
	FIND("2", .op = FIND_HEADER, .name = S("x-mood"), .text = S("cheer"));
	FIND("2", .op = FIND_HEADER, .name = S("X-Mood"));
	FIND("4 5", .op = FIND_HEADER, .name = S("References"), .text = S("gone@x"));
	FIND("1 5", .op = FIND_OR, .kids = &dog);
	FIND("", .op = FIND_AND, .kids = &dog);
	FIND("2 3 4 5 6", .op = FIND_NOT, .kids = &fox);
	/* The Date's own day, whatever the zone says in UTC. */
	FIND("2", .op = FIND_SENT, .min = date_days(2024, 1, 2), .max = date_days(2024, 1, 2));
	FIND("5 6", .op = FIND_SENT, .min = date_days(2024, 1, 5), .max = INT64_MAX);
	FIND("2", .op = FIND_SIZE, .min = (int64_t)strlen(letters[1]),
		.max = (int64_t)strlen(letters[1]));
	FIND("1 2", .op = FIND_THREAD, .min = mailbox_row(in, 1)->email);
	FIND("5", .op = FIND_EMAIL, .min = mailbox_row(in, 5)->email);
	FIND("1 2 3 4 5 6", .op = FIND_INTERNAL, .min = 1700000000, .max = INT64_MAX);
	FIND("", .op = FIND_SAVED, .min = 0, .max = 1600000000);
	FIND("6", .op = FIND_MODSEQ, .min = (int64_t)mailbox_row(in, 6)->modseq);
	FIND("", .op = FIND_HAS_ATTACHMENT);
	mailbox_close(in);
	fixture_done(&f);
}

static void
large_messages_are_searched_by_parts(void)
{
	struct fixture f;
	struct mailbox *in;
	size_t len = 6000000;
	char *text = malloc(len);
	size_t n;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	n = (size_t)snprintf(text, len,
		"Subject: big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
		"boundary=b\r\n\r\n"
		"--b\r\nContent-Type: text/plain\r\n\r\nthe needle is here\r\n"
		"--b\r\nContent-Type: application/x-thing; name=\"haystack.bin\"\r\n\r\nhidden "
		"pin ");
	while (n + 78 < len - 100) {
		memset(text + n, 'h', 76);
		memcpy(text + n + 76, "\r\n", 2);
		n += 78;
	}
	n += (size_t)snprintf(text + n, len - n, "--b--\r\n");
	fixture_append(in, slice_new(text, n), 0);
	CHECK_INT(mailbox_open(in), 0);
	FIND("1", .op = FIND_TEXT, .text = S("needle is"));
	FIND("1", .op = FIND_BODY, .text = S("needle is"));
	FIND("1", .op = FIND_TEXT, .text = S("haystack.bin"));
	FIND("", .op = FIND_BODY, .text = S("hidden pin"));
	FIND("1", .op = FIND_TEXT, .text = S("big"));
	FIND("1", .op = FIND_HAS_ATTACHMENT);
	mailbox_close(in);
	free(text);
	fixture_done(&f);
}

/* ---- How bodies come ---- */

/* A store that notes what it is asked for. */
static struct {
	const struct store_vtable *real;
	struct store_id due[32];
	size_t n, most, read, late;
} spy;

static void
spy_ahead(struct store *s, struct store_id partition, struct store_id blob, size_t len)
{
	for (size_t i = 0; i < spy.n; i++)
		if (!memcmp(spy.due[i].b, blob.b, STORE_ID_LEN))
			return;
	CHECK(spy.n < ARRAY_SIZE(spy.due));
	if (spy.n < ARRAY_SIZE(spy.due))
		spy.due[spy.n++] = blob;
	spy.most = MAX(spy.most, spy.n);
}

static int
spy_read(struct store *s, struct store_id partition, struct store_id blob, uint64_t offset,
	size_t len, struct buf *ret)
{
	size_t i = 0;

	while (i < spy.n && memcmp(spy.due[i].b, blob.b, STORE_ID_LEN))
		i++;
	spy.read++;
	spy.late += i == spy.n;
	if (i < spy.n)
		spy.due[i] = spy.due[--spy.n];
	return spy.real->blob_read(s, partition, blob, offset, len, ret);
}

/* Letters that may match are asked for several at a time, those that surely do not never, and what
 * was found out is known to the other protocol. */
static void
bodies_come_ahead(void)
{
	enum { COUNT = 300 };
	static const char *const bodies[] = {"thank you for coming, your letter",
		"thank you for your letter", "your thank for letter you"};
	struct find_node phrase = {.op = FIND_TEXT, .text = S("for your letter")};
	struct find_node both = {.op = FIND_BODY, .text = S("nowhere"), .next = NULL};
	struct find_node thank = {.op = FIND_BODY, .text = S("thank"), .next = &both};
	struct find_node all = {.op = FIND_AND, .kids = &thank};
	struct email_filter f1 = {.op = EMAIL_FIND, .find = phrase};
	struct email_query q = {.filter = &f1, .key = S("1")};
	struct email_found r = {.n = 0};
	struct store_vtable v;
	struct uid_list got = {0};
	struct fixture f;
	struct mailbox *in;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (size_t i = 0; i < COUNT; i++)
		fixture_append(in, fixture_message("x", "a@b", NULL, bodies[i % 3]), 0);
	memset(&spy, 0, sizeof(spy));
	spy.real = f.store->v;
	v = *spy.real;
	v.blob_ahead = spy_ahead;
	v.blob_read = spy_read;
	f.store->v = &v;
	CHECK_INT(mailbox_find(in, &phrase, &got), 0);
	CHECK_INT(got.len, COUNT / 3);
	CHECK_INT(spy.read, COUNT / 3);
	CHECK_INT(spy.late, 0);
	CHECK(spy.most >= 8);
	CHECK_INT(spy.n, 0);
	while (!r.all)
		CHECK_INT(emails_query(f.a, &q, SIZE_MAX, &r), 0);
	CHECK_INT(r.n, COUNT / 3);
	CHECK_INT(spy.read, COUNT / 3);
	/* That one word is nowhere is known before a letter is opened for the other. */
	got.len = 0;
	CHECK_INT(mailbox_find(in, &all, &got), 0);
	CHECK_INT(got.len, 0);
	CHECK_INT(spy.read, COUNT / 3);
	f.store->v = spy.real;
	uid_list_done(&got);
	fixture_done(&f);
}

static void
sort_one(int line, struct mailbox *mb, enum sort_key key, bool reverse, const char *want)
{
	uint32_t uids[N];
	struct sort_order order = {key, reverse};
	struct uid_list got = {uids, N, N};

	for (uint32_t i = 0; i < N; i++)
		uids[i] = i + 1;
	CHECK_INT(mailbox_sort(mb, &order, 1, uids, N), 0);
	check_uids(line, &got, want);
}

static void
sorts(void)
{
	struct fixture f;
	struct mailbox *in = filled(&f);

	sort_one(__LINE__, in, SORT_SUBJECT, false, "5 3 4 1 2 6");
	sort_one(__LINE__, in, SORT_SUBJECT, true, "1 2 6 4 3 5");
	sort_one(__LINE__, in, SORT_FROM, false, "2 4 5 6 3 1");
	sort_one(__LINE__, in, SORT_DISPLAY_FROM, false, "2 4 5 6 3 1");
	sort_one(__LINE__, in, SORT_TO, false, "4 5 6 1 3 2");
	sort_one(__LINE__, in, SORT_CC, false, "1 3 4 5 6 2");
	sort_one(__LINE__, in, SORT_DATE, true, "6 5 4 3 2 1");
	sort_one(__LINE__, in, SORT_ARRIVAL, false, "1 2 3 4 5 6");
	sort_one(__LINE__, in, SORT_SIZE, false, "6 5 4 1 2 3");
	mailbox_close(in);
	fixture_done(&f);
}

/* Orders by what the account keeps of each message agree with the plain text whenever messages
 * come, go, and caches are dropped. */
static void
sorts_as_it_grows(void)
{
	enum { MOST = 400 };
	struct fixture f;
	struct mailbox *in;
	struct sort_order order = {SORT_SUBJECT, false};
	char subject[MOST + 1][16];

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	CHECK_INT(mailbox_open(in), 0);
	for (uint32_t n = 1; n <= MOST; n++) {
		uint32_t uids[MOST], gone = n > 10 ? n - 7 : 0;
		snprintf(subject[n], sizeof(subject[n]), "s%03zu", fixture_below(&f, 150));
		CHECK_INT(fixture_append(in, fixture_message(subject[n], "a@b", NULL, "x"), 0), n);
		if (n % 37)
			continue;
		if (n % 2)
			account_trim(f.a);
		if (gone)
			CHECK_INT(mailbox_remove(in, &gone, 1, NULL), 0);
		for (uint32_t i = 0; i < n; i++)
			uids[i] = i + 1;
		CHECK_INT(mailbox_sort(in, &order, 1, uids, n), 0);
		for (uint32_t i = 1, absent = 0; i < n; i++) {
			uint32_t x = uids[i - 1], y = uids[i];
			int c = strcmp(subject[x], subject[y]);
			absent |= !mailbox_row(in, x);
			CHECK(absent ? !mailbox_row(in, y) && x < y
				     : !mailbox_row(in, y) || c < 0 || (!c && x < y));
		}
	}
	mailbox_close(in);
	fixture_done(&f);
}

static void
put_thread(struct buf *out, const struct thread_forest *f, uint32_t i)
{
	buf_putc(out, '(');
	if (f->at[i].uid)
		buf_put_u64dec(out, f->at[i].uid);
	for (uint32_t c = f->at[i].child; c != THREAD_NONE; c = f->at[c].next)
		put_thread(out, f, c);
	buf_putc(out, ')');
}

static void
thread_one(int line, struct mailbox *mb, enum thread_method method, size_t n, const char *want)
{
	uint32_t uids[32];
	struct thread_forest forest;
	struct buf out = BUF_INIT(4096);

	for (uint32_t i = 0; i < n; i++)
		uids[i] = i + 1;
	CHECK_INT(mailbox_thread(mb, method, uids, n, &forest), 0);
	for (uint32_t i = forest.first; i != THREAD_NONE; i = forest.at[i].next)
		put_thread(&out, &forest, i);
	if (!slice_eq(buf_slice(&out), slice_str(want))) {
		fprintf(stderr, "%s:%d: %.*s, not %s\n", __FILE__, line, SLICE_ARG(buf_slice(&out)),
			want);
		t_failed++;
	}
	thread_forest_done(&forest);
	buf_done(&out);
}

static void
threads(void)
{
	struct fixture f;
	struct mailbox *in = filled(&f);

	thread_one(__LINE__, in, THREAD_ORDEREDSUBJECT, N, "(1(2)(6))(3)(4)(5)");
	/* 6 is a forward of 1's subject; 4 and 5 share a parent that is not there. */
	thread_one(__LINE__, in, THREAD_REFERENCES, N, "(1(2)(6))(3)((4)(5))");
	mailbox_close(in);
	fixture_done(&f);
}

/* Ids, references and subjects in one line each; dates follow the order. */
struct line {
	const char *id, *refs, *subject;
};

static void
thread_lines(int line, const struct line *l, size_t n, const char *want)
{
	struct fixture f;
	struct mailbox *in;
	char text[512];

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(text, sizeof(text),
			"Subject: %s\r\nDate: Mon, 01 Jan 2024 10:%02zu:00 "
			"+0000\r\n%s%s%s%s%s\r\n\r\nx\r\n",
			l[i].subject, i, l[i].id ? "Message-ID: " : "X: ", l[i].id ? l[i].id : "",
			l[i].refs ? "\r\nReferences: " : "", l[i].refs ? l[i].refs : "", "");
		fixture_append(in, slice_new(text, (size_t)len), 0);
	}
	CHECK_INT(mailbox_open(in), 0);
	thread_one(line, in, THREAD_REFERENCES, n, want);
	mailbox_close(in);
	fixture_done(&f);
}
#define LINES(want, ...)                                                                           \
	thread_lines(__LINE__, (const struct line[]){__VA_ARGS__},                                 \
		ARRAY_SIZE(((const struct line[]){__VA_ARGS__})), want)

static void
references_in_odd_forms(void)
{
	/* Children before parents. */
	LINES("(3(2(1)))", {"<c@x>", "<a@x> <b@x>", "s1"}, {"<b@x>", "<a@x>", "s2"},
		{"<a@x>", NULL, "s3"});
	/* A loop. */
	LINES("(1)(2)", {"<a@x>", "<a@x>", "s1"}, {"<b@x>", NULL, "s2"});
	LINES("(2(1))", {"<a@x>", "<b@x>", "s1"}, {"<b@x>", "<a@x>", "s2"});
	/* Two messages with one id. */
	LINES("(1)(2)", {"<a@x>", NULL, "s1"}, {"<a@x>", NULL, "s2"});
	/* No id at all. */
	LINES("(1)(2)", {NULL, NULL, "s1"}, {NULL, NULL, "s2"});
	/* A missing link between two that are there. */
	LINES("(1(2))", {"<a@x>", NULL, "s1"}, {"<c@x>", "<a@x> <b@x>", "s2"});
	/* One subject: a reply joins, two originals share a dummy, a second dummy's children join.
	 */
	LINES("(1(2))", {"<a@x>", NULL, "same"}, {"<b@x>", NULL, "Re: same"});
	LINES("((1)(2))", {"<a@x>", NULL, "same"}, {"<b@x>", NULL, "same"});
	LINES("((1)(2)(3))", {"<a@x>", NULL, "same"}, {"<b@x>", NULL, "same"},
		{"<c@x>", NULL, "same"});
	LINES("((1)(2)(3)(4))", {"<a@x>", "<p@x>", "same"}, {"<b@x>", "<p@x>", "q"},
		{"<c@x>", "<r@x>", "same"}, {"<d@x>", "<r@x>", "q"});
	LINES("(2(1))(3)", {"<a@x>", NULL, "Re: same"}, {"<b@x>", NULL, "same"},
		{"<c@x>", NULL, "other"});
	/* Empty subjects never join. */
	LINES("(1)(2)", {"<a@x>", NULL, ""}, {"<b@x>", NULL, "Re: "});
}

static void
long_chain_does_not_recurse(void)
{
	struct fixture f;
	struct mailbox *in;
	enum { LONG = 3000 };
	struct append_item *items = calloc(LONG, sizeof(*items));
	uint32_t *uids = calloc(LONG, sizeof(*uids)), depth = 0;
	struct thread_forest forest;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	for (uint32_t i = 0; i < LONG; i++) {
		char text[256];
		int n = snprintf(text, sizeof(text),
			"Subject: %u\r\nMessage-ID: <%u@x>\r\nIn-Reply-To: <%u@x>\r\n\r\n.\r\n", i,
			i, i + 1);
		CHECK_INT(message_stage(f.a, slice_new(text, (size_t)n), 0, &items[i].message), 0);
		uids[i] = i + 1;
	}
	CHECK_INT(mailbox_append(in, items, LONG, NULL), 0);
	CHECK_INT(mailbox_thread(in, THREAD_REFERENCES, uids, LONG, &forest), 0);
	for (uint32_t i = forest.first; i != THREAD_NONE; i = forest.at[i].child)
		depth++;
	CHECK_INT(depth, LONG);
	thread_forest_done(&forest);
	for (uint32_t i = 0; i < LONG; i++)
		staged_message_free(items[i].message);
	free(items);
	free(uids);
	fixture_done(&f);
}

T_MAIN(T(finds), T(large_messages_are_searched_by_parts), T(bodies_come_ahead), T(sorts),
	T(sorts_as_it_grows), T(threads), T(references_in_odd_forms),
	T(long_chain_does_not_recurse))
