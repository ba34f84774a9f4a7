/* What transcripts cannot show: output in slices, memory that is given back, clients that vanish.
 */
#include "faces/imap_caps.h"
#include "world.h"

#include "base/error.h"
#include "unit/t.h"

static struct world world;

static struct imap_conn *
sign_in(void)
{
	static const struct imap_handover handover = {.tag = S("in")};
	struct imap_conn *c = imap_conn_new(&world.imap, &handover);

	CHECK(c != NULL);
	return c;
}

/* Runs until input is wanted, sending at most `step` bytes at a time. Returns the largest output
 * that waited. */
static size_t
drain(struct imap_conn *c, size_t step, struct buf *got)
{
	size_t most = 0;

	for (;;) {
		enum imap_conn_wants wants = imap_conn_run(c);
		struct slice out = imap_conn_output(c);

		most = MAX(most, out.len);
		out = slice_sub(out, 0, step);
		buf_put(got, out);
		imap_conn_sent(c, out.len);
		if (!out.len && wants != IMAP_CONN_DRAIN && wants != IMAP_CONN_AGAIN)
			return most;
	}
}

static void
say(struct imap_conn *c, struct slice text, struct buf *got)
{
	drain(c, SIZE_MAX, got);
	CHECK_INT(imap_conn_input(c, text), LL_OK);
	drain(c, SIZE_MAX, got);
}

static void
append(struct imap_conn *c, size_t size)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64 << 20), got = BUF_INIT(1 << 20);

	buf_printf(&b, "a APPEND INBOX {%zu+}\r\nSubject: x\r\n\r\n", size);
	for (size_t i = 14; i < size; i++)
		buf_putc(&b, (uint8_t)('a' + i % 26));
	buf_puts(&b, "\r\n");
	say(c, buf_slice(&b), &got);
	CHECK(slice_find(buf_slice(&got), S("a OK [APPENDUID ")) != SLICE_NPOS);
}

#define BIG ((size_t)3 << 20)

/* A large body is never in the output as a whole, and arrives whole. */
static void
test_slices(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(64 << 20);
	struct imap_conn *c;
	size_t at;

	CHECK_INT(world_account(&world, 0), LL_OK);
	c = sign_in();
	append(c, BIG);
	say(c, S("b SELECT INBOX\r\n"), &got);
	buf_reset(&got);
	CHECK_INT(imap_conn_input(c, S("c FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n")), LL_OK);
	CHECK(drain(c, 5000, &got) < IMAP_CONN_SLICE + 128 * 1024);
	CHECK(!imap_conn_idling(c));
	at = slice_find(buf_slice(&got), S("{3145728}\r\n"));
	CHECK(at != SLICE_NPOS &&
		got.len == at + 11 + BIG + sizeof(")\r\nc OK Done\r\nd OK Done\r\n") - 1);
	for (size_t i = 14; i < BIG && at != SLICE_NPOS; i++)
		if (got.ptr[at + 11 + i] != 'a' + i % 26) {
			CHECK_INT(got.ptr[at + 11 + i], 'a' + i % 26);
			break;
		}
	imap_conn_free(c);
}

/* A client that does not read is not read from, and goes in the middle of a FETCH. */
static void
test_back_pressure(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(64 << 20);
	struct imap_conn *c;

	CHECK_INT(world_account(&world, 0), LL_OK);
	c = sign_in();
	append(c, BIG);
	say(c, S("b SELECT INBOX\r\n"), &got);
	CHECK(imap_conn_wants_input(c));
	CHECK_INT(imap_conn_input(c, S("c FETCH 1 BODY.PEEK[]\r\n")), LL_OK);
	CHECK_INT(imap_conn_run(c), IMAP_CONN_DRAIN);
	CHECK(!imap_conn_wants_input(c));
	CHECK_INT(imap_conn_input(c, S("x")), LL_ERR_STATE);
	CHECK_INT(imap_conn_run(c), IMAP_CONN_DRAIN);
	CHECK(imap_conn_output(c).len < IMAP_CONN_SLICE + 128 * 1024);
	imap_conn_free(c);
}

/* The message goes while its body is on the way: the reply is finished or the connection is closed,
 * never a wrong body. */
static void
test_gone_meanwhile(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(64 << 20), other = BUF_INIT(1 << 20);
	struct imap_conn *a, *b;
	size_t at;
	bool more = true;

	CHECK_INT(world_account(&world, 0), LL_OK);
	a = sign_in();
	b = sign_in();
	append(a, BIG);
	say(a, S("s SELECT INBOX\r\n"), &got);
	say(b, S("s SELECT INBOX\r\n"), &other);
	buf_reset(&got);
	CHECK_INT(imap_conn_input(a, S("c FETCH 1 BODY.PEEK[]\r\n")), LL_OK);
	CHECK_INT(imap_conn_run(a), IMAP_CONN_DRAIN);
	say(b, S("t STORE 1 +FLAGS.SILENT (\\Deleted)\r\nu EXPUNGE\r\n"), &other);
	while (more)
		CHECK_INT(account_work(world.account, &more), LL_OK);
	account_trim(world.account);
	drain(a, SIZE_MAX, &got);
	at = slice_find(buf_slice(&got), S("{3145728}\r\n"));
	CHECK(at != SLICE_NPOS);
	for (size_t i = at + 11 + 14; i < MIN(got.len, at + 11 + BIG); i++)
		if (got.ptr[i] != 'a' + (i - at - 11) % 26) {
			CHECK_INT(got.ptr[i], 'a' + (i - at - 11) % 26);
			break;
		}
	CHECK(imap_conn_run(a) == IMAP_CONN_CLOSE || got.len > at + 11 + BIG);
	imap_conn_free(a);
	imap_conn_free(b);
}

/* Runs one connection until it lets others go first, once. */
static bool
one_slice(struct imap_conn *c, struct buf *got)
{
	enum imap_conn_wants wants = imap_conn_run(c);
	struct slice out = imap_conn_output(c);

	buf_put(got, out);
	imap_conn_sent(c, out.len);
	return wants == IMAP_CONN_AGAIN;
}

/* Long searches go in slices: others are answered in between, also when they change what is
 * searched, and a connection may end in the middle of one. The same is not looked for again. */
static void
test_search_yields(void)
{
	enum { N = 300 };
	static const char *const commands[] = {"b SEARCH BODY abc\r\n",
		"b SEARCH RETURN (COUNT SAVE) TEXT abc\r\n", "b SORT (SUBJECT) UTF-8 BODY bcd\r\n",
		"b THREAD REFERENCES UTF-8 BODY cde\r\n"};
	CLEANUP(buf_done) struct buf got = BUF_INIT(1 << 20), other = BUF_INIT(1 << 20);
	struct imap_conn *a, *b;

	CHECK_INT(world_account(&world, 0), LL_OK);
	b = sign_in();
	for (int i = 0; i < N; i++)
		append(b, 100);
	say(b, S("s SELECT INBOX\r\n"), &other);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char expunge[64];
		unsigned slices = 0;
		a = sign_in();
		say(a, S("s SELECT INBOX\r\n"), &got);
		buf_reset(&got);
		CHECK_INT(imap_conn_input(a, slice_str(commands[i])), LL_OK);
		snprintf(expunge, sizeof(expunge),
			"t STORE %zu +FLAGS.SILENT (\\Deleted)\r\nu EXPUNGE\r\n", N - 10 - i);
		while (one_slice(a, &got)) {
			CHECK_INT(got.len, 0);
			buf_reset(&other);
			if (!slices++)
				say(b, slice_str(expunge), &other);
			say(b, S("n NOOP\r\n"), &other);
			CHECK(slice_ends(buf_slice(&other), S("n OK Done\r\n")));
		}
		CHECK(slices > 1);
		CHECK(slice_ends(buf_slice(&got), S("b OK Done\r\n")));
		imap_conn_free(a);
	}
	a = sign_in();
	say(a, S("s SELECT INBOX\r\n"), &got);
	buf_reset(&got);
	/* What was looked for is known, by whatever command. */
	CHECK_INT(imap_conn_input(a, S("b SORT (ARRIVAL) UTF-8 BODY abc\r\n")), LL_OK);
	CHECK(!one_slice(a, &got));
	CHECK(slice_ends(buf_slice(&got), S("b OK Done\r\n")));
	buf_reset(&got);
	CHECK_INT(imap_conn_input(a, S("b SEARCH BODY def\r\n")), LL_OK);
	CHECK(one_slice(a, &got));
	imap_conn_bye(a, "Enough");
	drain(a, SIZE_MAX, &got);
	CHECK_SLICE(buf_slice(&got), S("* BYE Enough\r\n"));
	imap_conn_free(a);
	imap_conn_free(b);
}

/* Memory for large literals is limited over all connections and given back. */
static void
test_memory(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(1 << 20);
	struct imap_conn *a, *b;

	CHECK_INT(world_account(&world, 0), LL_OK);
	world.imap.memory_max = 1 << 20;
	a = sign_in();
	b = sign_in();
	say(a, S("a APPEND INBOX {900000}\r\n"), &got);
	CHECK(slice_ends(buf_slice(&got), S("+ Send the message\r\n")));
	CHECK_INT(world.imap.memory_used, 900000);
	buf_reset(&got);
	say(b, S("b APPEND INBOX {900000}\r\n"), &got);
	CHECK(slice_find(buf_slice(&got), S("b NO [LIMIT]")) != SLICE_NPOS);
	imap_conn_free(a); /* in the middle of its literal */
	CHECK_INT(world.imap.memory_used, 0);
	buf_reset(&got);
	say(b, S("c APPEND INBOX {900000}\r\n"), &got);
	CHECK(slice_ends(buf_slice(&got), S("+ Send the message\r\n")));
	imap_conn_free(b);
	CHECK_INT(world.imap.memory_used, 0);
}

static struct imap_conn *woken;

static void
on_wake(void *ctx, struct imap_conn *c)
{
	(void)ctx;
	woken = c;
}

/* The wake callback comes for an idling client, for no other one. */
static void
test_wake(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(1 << 20);
	struct imap_conn *a, *b;

	CHECK_INT(world_account(&world, 0), LL_OK);
	world.imap.wake = on_wake;
	a = sign_in();
	b = sign_in();
	say(a, S("s SELECT INBOX\r\n"), &got);
	say(b, S("s SELECT INBOX\r\n"), &got);
	say(a, S("i IDLE\r\n"), &got);
	CHECK(imap_conn_idling(a));
	CHECK_SLICE(slice_str(imap_conn_command(a)), S("IDLE"));
	woken = NULL;
	CHECK_INT(world_deliver(&world, S("Subject: x\r\n\r\nx\r\n")), LL_OK);
	CHECK(woken == a);
	buf_reset(&got);
	drain(a, SIZE_MAX, &got);
	CHECK_SLICE(buf_slice(&got), S("* 1 EXISTS\r\n* 1 RECENT\r\n"));
	buf_reset(&got);
	imap_conn_bye(a, "Shutting down");
	drain(a, SIZE_MAX, &got);
	CHECK_SLICE(buf_slice(&got), S("* BYE Shutting down\r\n"));
	CHECK_INT(imap_conn_run(a), IMAP_CONN_CLOSE);
	imap_conn_free(a);
	imap_conn_free(b);
	imap_conn_free(NULL);
}

/* Bytes that came with the sign-in are the session's first commands. */
static void
test_handover(void)
{
	static const struct imap_handover handover = {
		.tag = S("in1"), .rest = S("a NOOP\r\nb LOGOUT\r\n")};
	CLEANUP(buf_done) struct buf got = BUF_INIT(1 << 20);
	CLEANUP(buf_done) struct buf caps = BUF_INIT(4096);
	struct imap_conn *c;

	CHECK_INT(world_account(&world, 0), LL_OK);
	c = imap_conn_new(&world.imap, &handover);
	drain(c, SIZE_MAX, &got);
	buf_puts(&caps, "in1 OK [CAPABILITY ");
	imap_caps_put_session(&caps, (uint64_t)50 << 20, true);
	buf_puts(&caps, "] Signed in\r\na OK Done\r\n* BYE Good bye\r\nb OK Done\r\n");
	CHECK_SLICE(buf_slice(&got), buf_slice(&caps));
	imap_conn_free(c);
}

int
main(void)
{
	static const struct t_case cases[] = {T(test_slices), T(test_back_pressure),
		T(test_gone_meanwhile), T(test_search_yields), T(test_memory), T(test_wake),
		T(test_handover)};
	int failed;

	if (world_open(&world) != LL_OK)
		return 2;
	failed = t_main(cases, ARRAY_SIZE(cases));
	world_close(&world);
	return failed;
}
