/* Every limit of the server dialogue, and the memory that it takes below them. */
#include "smtp_dialogue.h"
#include "t.h"

#include <malloc.h>

/* in + n octets of `fill` + tail */
static struct buf
long_input(const char *in, uint8_t fill, size_t n, const char *tail)
{
	struct buf b = BUF_INIT(PEER_MAX);

	buf_puts(&b, in);
	buf_put_fill(&b, fill, n);
	buf_puts(&b, tail);
	return b;
}

static void
check_long(const struct smtp_server_config *config, struct buf in, const char *codes)
{
	static const size_t steps[] = {SIZE_MAX, 4096, 1000, 1};

	for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
		struct dialogue d = {"long", config, buf_slice(&in), codes};
		if (in.len > 1 << 20 && steps[k] == 1)
			continue;
		run_dialogue(&d, steps[k], false);
	}
	buf_done(&in);
}

static void
size_limits(void)
{
	struct smtp_server_config big = mx;

	big.max_size = 200000;
	check_long(&mx, long_input(HELLO MAIL RCPT "DATA\r\n", 'x', 998, "\r\n.\r\nNOOP\r\n"),
		READY_CODES "354 250:2.0.0 250:2.0.0");
	check_long(&mx, long_input(HELLO MAIL RCPT "DATA\r\n", 'x', 999, "\r\n.\r\nNOOP\r\n"),
		READY_CODES "354 552:5.3.4 250:2.0.0");
	/* Four times the limit is read to its end; who goes on is hung up on. */
	check_long(&mx, long_input(HELLO MAIL RCPT "DATA\r\n", 'x', 3998, "\r\n.\r\nNOOP\r\n"),
		READY_CODES "354 552:5.3.4 250:2.0.0");
	check_long(&mx, long_input(HELLO MAIL RCPT "DATA\r\n", 'x', 1 << 20, "\r\n.\r\nNOOP\r\n"),
		READY_CODES "354 552:5.3.4");
	check_long(&mx, long_input(HELLO MAIL RCPT "BDAT 1000 LAST\r\n", 'x', 1000, "NOOP\r\n"),
		READY_CODES "250:2.0.0 250:2.0.0");
	check_long(&mx, long_input(HELLO MAIL RCPT "BDAT 1001 LAST\r\n", 'x', 1001, "NOOP\r\n"),
		READY_CODES "552:5.3.4 250:2.0.0");
	check_long(&mx,
		long_input(HELLO MAIL RCPT "BDAT 1\r\nxBDAT 1000\r\n", 'x', 1000, "NOOP\r\n"),
		READY_CODES "250:2.0.0 552:5.3.4 250:2.0.0");
	/* a text line of 65536 octets, and one more */
	check_long(&big, long_input(HELLO MAIL RCPT "DATA\r\n", 'x', 65534, "\r\n.\r\nNOOP\r\n"),
		READY_CODES "354 250:2.0.0 250:2.0.0");
	check_long(&big, long_input(HELLO MAIL RCPT "DATA\r\n", 'x', 65535, "\r\n.\r\nNOOP\r\n"),
		READY_CODES "354 554:5.6.0 250:2.0.0");
	check_long(&big, long_input(HELLO MAIL RCPT "BDAT 65537 LAST\r\n", 'x', 65537, "NOOP\r\n"),
		READY_CODES "554:5.6.0 250:2.0.0");
}

static void
line_limits(void)
{
	/* "NOOP " and CRLF are 7 of the 2048 octets. */
	check_long(&mx, long_input("NOOP ", 'x', 2041, "\r\nNOOP\r\n"), "220 250:2.0.0 250:2.0.0");
	check_long(&mx, long_input("NOOP ", 'x', 2042, "\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0");
	check_long(
		&mx, long_input("NOOP ", 'x', 100000, "\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0");
	check_long(&mx, long_input("NOOP ", 'x', 100000, "\nNOOP\r\n"), "220 500:5.5.2");
	check_long(&mx, long_input("", '\r', 100000, "\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0");
	check_long(&mx, long_input("NOOP ", 'x', 2 << 20, "\r\nNOOP\r\n"), "220 421:4.7.0");
	check_long(&submissions, long_input(HELLO "AUTH PLAIN ", 'A', 12272, "\r\nNOOP\r\n"),
		"220 250 535:5.7.8 250:2.0.0");
	check_long(&submissions, long_input(HELLO "AUTH PLAIN ", 'A', 12276, "\r\nNOOP\r\n"),
		"220 250 500:5.5.2 250:2.0.0");
	check_long(&submissions, long_input(HELLO "AUTH PLAIN\r\n", 'A', 12284, "\r\nNOOP\r\n"),
		"220 250 334 535:5.7.8 250:2.0.0");
	check_long(&submissions, long_input(HELLO "AUTH PLAIN\r\n", 'A', 12288, "\r\nNOOP\r\n"),
		"220 250 334 500:5.5.6");
}

/* A line that never ends, 1 GiB of it: the memory stays where it was. */
static void
endless_line(void)
{
	struct smtp_server_config config = mx;
	static uint8_t block[65536];
	struct peer p;
	size_t before;

	config.max_size = (uint64_t)1 << 40;
	memset(block, 'x', sizeof(block));
	p = peer_new(&config, false);
	peer_feed(&p, S(HELLO MAIL RCPT "DATA\r\n"), SIZE_MAX);
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < 1 << 14; i++) {
		peer_feed(&p, SLICE_OF(block), SIZE_MAX);
		buf_done(&p.body);
	}
	CHECK(mallinfo2().uordblks < before + 200000);
	buf_reset(&p.out);
	peer_feed(&p, S("\r\n.\r\nNOOP\r\n"), SIZE_MAX);
	CHECK(slice_starts(buf_slice(&p.out), S("554 5.6.0")));
	peer_done(&p);
}

static void
hundred_thousand(bool drain)
{
	struct smtp_server_config config = mx;
	CLEANUP(buf_done) struct buf in = BUF_INIT(PEER_MAX);
	struct peer p;
	size_t most = 0;

	config.max_rcpts = 1000;
	config.max_commands = 200000;
	buf_puts(&in, HELLO MAIL);
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&in, "RCPT TO:<user%u@example.net>\r\n", i);
	buf_puts(&in, "DATA\r\nx\r\n.\r\n");
	p = peer_new(&config, true);
	p.no_drain = !drain;
	peer_run(&p);
	for (struct slice rest = buf_slice(&in); rest.len;) {
		size_t n = smtp_server_feed(p.s, slice_sub(rest, 0, 65536));
		rest = slice_skip(rest, n);
		peer_run(&p);
		most = MAX(most, mallinfo2().uordblks);
		if (!n)
			break; /* it rests until its replies are taken */
	}
	CHECK(p.most_open > 100 && p.most_open <= 1000);
	CHECK(most < in.cap + p.out.cap + p.log.cap + ((size_t)4 << 20));
	if (drain) {
		CHECK_INT(p.accepted, 1);
		CHECK(slice_ends(buf_slice(&p.out), S("250 2.0.0 Message accepted\r\n")));
	} else {
		CHECK(smtp_server_output(p.s).len < 200000);
		CHECK_INT(p.accepted, 0);
	}
	peer_done(&p);
}

static void
many_recipients(void)
{
	hundred_thousand(true);
	hundred_thousand(false);
}

static void
connection_limits(void)
{
	struct smtp_server_config config = mx;

	config.max_messages = 1;
	config.max_commands = 6;
	config.max_unknown = 2;
	struct dialogue d[] = {
		{"messages", &config, S(HELLO MAIL RCPT "DATA\r\nx\r\n.\r\n" MAIL "NOOP\r\n"),
			READY_CODES "354 250:2.0.0 421:4.7.0"},
		{"commands", &config,
			S("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"),
			"220 250:2.0.0 250:2.0.0 250:2.0.0 250:2.0.0 250:2.0.0 250:2.0.0 "
			"421:4.7.0"},
		{"unknown", &config,
			S(HELLO MAIL "RCPT TO:<unknown@b.c>\r\nRCPT TO:<unknown@b.c>\r\nNOOP\r\n"),
			"220 250 250:2.1.0 550:5.1.1 550:5.1.1 421:4.7.0", {0}, "abort"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

/* An idle connection holds neither input nor output buffer. */
static void
idle_memory(void)
{
	size_t before = mallinfo2().uordblks;
	struct peer p = peer_new(&mx, false);

	peer_feed(&p, S(HELLO MAIL RCPT "DATA\r\nx\r\n.\r\n"), 100);
	buf_done(&p.out);
	buf_done(&p.log);
	buf_done(&p.body);
	buf_done(&p.messages);
	CHECK(mallinfo2().uordblks - before < 2048);
	peer_done(&p);
}

T_MAIN(T(size_limits), T(line_limits), T(endless_line), T(many_recipients), T(connection_limits),
	T(idle_memory))
