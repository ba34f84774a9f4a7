/* Queries over all Emails, and how long they take when there are many. */
#include "fixture.h"

#include "account/email.h"

#include <time.h>

static void
queries_are_exact(void)
{
	struct fixture f;
	const uint32_t *got;
	size_t n;
	struct email_order newest = {.key = EMAIL_BY_RECEIVED, .descending = true};
	struct email_order subject = {.key = EMAIL_BY_SUBJECT};
	struct email_query q = {.order = &newest, .n_order = 1};
	struct email_filter seen = {.op = EMAIL_HAS_KEYWORD, .text = S("$seen")};
	struct email_filter none = {.op = EMAIL_NOT, .kids = &seen};
	struct email_filter some = {.op = EMAIL_SOME_IN_THREAD, .text = S("$seen")};
	struct mailbox *in;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	fixture_append(in, fixture_message("b", "1@x", NULL, "one"), FLAG_SEEN);
	fixture_append(in, fixture_message("c", "2@x", NULL, "two"), 0);
	fixture_append(in, fixture_message("Re: b", "3@x", "1@x", "three"), 0);
	CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
	CHECK_INT(n, 3);
	CHECK(n == 3 && got[0] > got[1] && got[1] > got[2]);
	q.collapse = true;
	q.key = S("collapsed");
	CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
	CHECK_INT(n, 2);
	q.filter = &seen;
	q.key = SLICE_NONE;
	CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
	CHECK_INT(n, 1);
	q.filter = &none;
	q.collapse = false;
	CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
	CHECK_INT(n, 2);
	q.filter = &some;
	CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
	CHECK_INT(n, 2);
	q.filter = NULL;
	q.order = &subject;
	CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
	CHECK(n == 3 && got[2] - got[0] == 1);
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
	const uint32_t *got;
	size_t n;
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
		struct email_query q = {.order = &orders[i], .n_order = 1, .collapse = i == 1};
		CHECK_INT(emails_query(f.a, &q, &got, &n), 0);
		CHECK_INT(n, many);
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

T_MAIN(T(queries_are_exact), T(a_hundred_thousand))
