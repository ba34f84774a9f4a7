/* The client dialogue against scripted peers, and against our own server with random messages. */
#include "t.h"

#include "faces/smtp_data.h"
#include "faces/smtp_peer.h"
#include "faces/smtp_reply.h"
#include "faces/smtp_sender.h"

#include <time.h>

#define BODY "Subject: x\r\n\r\n.dot\r\nend\r\n"
#define BODY_OCTETS 25

static const struct smtp_client_rcpt two[] = {
	{.address = S("b@c.d"), .notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY},
	{.address = S("e@f.g"), .orcpt = S("rfc822;x@y.z")},
};
static const struct smtp_client_message plain = {
	.from = S("a@b.c"), .rcpts = two, .rcpt_count = 2, .size = BODY_OCTETS};
static const struct slice bodies[] = {S(BODY), S(BODY), S(BODY)};

struct turn {
	const char *server; /* what the peer says; "(tls)": the handshake is done, "(eof)" */
	const char *client; /* what the client has to say then */
};

struct script {
	const char *name;
	struct smtp_client_message messages[2];
	size_t count;
	bool tls;
	struct turn turns[12];
	const char *log; /* results, see struct sender */
};

static void
say_to(struct sender *s, const char *text, bool bytewise)
{
	struct slice in = slice_str(text);

	if (!strcmp(text, "(tls)")) {
		sender_must(smtp_client_tls_done(s->c));
	} else if (!strcmp(text, "(eof)")) {
		smtp_client_eof(s->c);
	} else {
		for (size_t n; in.len; in = slice_skip(in, n)) {
			n = bytewise ? 1 : in.len;
			smtp_client_feed(s->c, slice_sub(in, 0, n));
			if (n < in.len)
				sender_run(s);
		}
	}
	sender_run(s);
}

static void
run_script(const struct script *t, bool bytewise)
{
	struct smtp_client_config config = {.hostname = S("out.example")};
	struct sender s = {
		.c = smtp_client_new(&config), .messages = t->messages, .bodies = bodies};
	int before = t_failed;

	s.count = t->count;
	s.tls = t->tls;
	s.piece = bytewise ? 1 : SIZE_MAX;
	s.log = BUF_INIT(SENDER_MAX);
	for (const struct turn *turn = t->turns; turn->server; turn++) {
		say_to(&s, turn->server, bytewise);
		CHECK_SLICE(smtp_client_output(s.c), slice_str(turn->client));
		smtp_client_sent(s.c, smtp_client_output(s.c).len);
		sender_run(&s);
	}
	CHECK_SLICE(buf_slice(&s.log), slice_str(t->log));
	if (t_failed != before)
		fprintf(stderr, "in \"%s\"%s\n", t->name, bytewise ? ", octet by octet" : "");
	sender_done(&s);
}

static void
run_scripts(const struct script *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		run_script(&t[i], false);
		run_script(&t[i], true);
	}
}

#define EHLO_ALL                                                                                   \
	"250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"            \
	"250-DSN\r\n250-STARTTLS\r\n250 CHUNKING\r\n"
#define EHLO_DATA "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
#define ENVELOPE_ALL                                                                               \
	"MAIL FROM:<a@b.c> SIZE=25\r\nRCPT TO:<b@c.d> NOTIFY=SUCCESS,DELAY\r\n"                    \
	"RCPT TO:<e@f.g> ORCPT=rfc822;x@y.z\r\n"
#define ENVELOPE "MAIL FROM:<a@b.c>\r\nRCPT TO:<b@c.d>\r\nRCPT TO:<e@f.g>\r\n"
#define STUFFED "Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n"
#define START                                                                                      \
	{                                                                                          \
		"220 hi\r\n", "EHLO out.example\r\n"                                               \
	}
#define BYE                                                                                        \
	{                                                                                          \
		"221 bye\r\n", ""                                                                  \
	}
#define CLEAN "closed: sent 221 2.0.0 bye\n"

static void
scripts_good(void)
{
	const struct script t[] = {
		{"bdat", {plain}, 1, false,
			{START, {EHLO_ALL, ENVELOPE_ALL},
				{"250 2.1.0 s\r\n250 2.1.5 r\r\n250 r\r\n",
					"BDAT 25 LAST\r\n" BODY},
				{"250 2.0.0 as 7\r\n", "QUIT\r\n"}, BYE},
			"sent 250 2.0.0 as 7\nsent 250 2.0.0 as 7\n" CLEAN},
		{"pipelined data", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n250 r\r\n354 go\r\n", STUFFED},
				{"250 ok\r\n", "QUIT\r\n"}, BYE},
			"sent 250 2.0.0 ok\nsent 250 2.0.0 ok\n" CLEAN},
		{"nothing offered", {plain}, 1, false,
			{START, {"250 mx\r\n", "MAIL FROM:<a@b.c>\r\n"},
				{"250 s\r\n", "RCPT TO:<b@c.d>\r\n"},
				{"250 r\r\n", "RCPT TO:<e@f.g>\r\n"}, {"251 r\r\n", "DATA\r\n"},
				{"354 go\r\n", STUFFED}, {"250 ok\r\n", "QUIT\r\n"}, BYE},
			"sent 250 2.0.0 ok\nsent 250 2.0.0 ok\n" CLEAN},
		{"helo", {plain}, 1, false,
			{START, {"502 what\r\n", "HELO out.example\r\n"},
				{"250 mx\r\n", "MAIL FROM:<a@b.c>\r\n"}, {"(eof)", ""}},
			"temporary 0 4.4.2 local the peer closed the connection\n"
			"temporary 0 4.4.2 local the peer closed the connection\n"
			"closed: temporary 0 4.4.2 local the peer closed the connection\n"},
		{"two messages, one connection", {plain, plain}, 2, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n250 r\r\n354 go\r\n", STUFFED},
				{"250 ok\r\n", ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n250 r\r\n354 go\r\n", STUFFED},
				{"250 ok2\r\n", "QUIT\r\n"}, BYE},
			"sent 250 2.0.0 ok\nsent 250 2.0.0 ok\nsent 250 2.0.0 ok2\nsent 250 2.0.0 "
			"ok2\n" CLEAN},
		{"starttls", {plain}, 1, true,
			{START, {EHLO_ALL, "STARTTLS\r\n"}, {"220 go\r\n", ""},
				{"(tls)", "EHLO out.example\r\n"}, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"(eof)", ""}},
			"starttls\nstarttls\n"
			"temporary 0 4.4.2 local the peer closed the connection\n"
			"temporary 0 4.4.2 local the peer closed the connection\n"
			"closed: temporary 0 4.4.2 local the peer closed the connection\n"},
		{"starttls refused", {plain}, 1, true,
			{START, {EHLO_ALL, "STARTTLS\r\n"}, {"454 4.7.0 no\r\n", ENVELOPE_ALL}},
			""},
		{"multi-line greeting", {plain}, 1, false,
			{{"220-one\r\n220-two\r\n220\r\n", "EHLO out.example\r\n"}}, ""},
	};

	run_scripts(t, ARRAY_SIZE(t));
}

static void
scripts_refused(void)
{
	const struct script t[] = {
		{"greeting", {plain}, 1, false, {{"554 5.7.1 go away\r\n", ""}},
			"closed: permanent 554 5.7.1 go away\n"},
		{"greeting 421", {plain}, 1, false, {{"421-a\r\n421 b\r\n", ""}},
			"closed: temporary 421 4.0.0 a\nb\n"},
		{"mail", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"550 5.7.1 no\r\n503 a\r\n503 b\r\n503 c\r\n", "QUIT\r\n"}, BYE},
			"permanent 550 5.7.1 no\npermanent 550 5.7.1 no\n" CLEAN},
		{"all recipients", {plain, plain}, 2, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n550 5.1.1 no\r\n450 later\r\n554 none\r\n",
					"RSET\r\n" ENVELOPE "DATA\r\n"},
				{"250 reset\r\n250 s\r\n250 r\r\n", ""}},
			"permanent 550 5.1.1 no\ntemporary 450 4.0.0 later\n"},
		{"all recipients, but 354", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n550 5.1.1 no\r\n450 later\r\n354 go\r\n", ".\r\n"},
				{"250 fine\r\n", "QUIT\r\n"}, BYE},
			"permanent 550 5.1.1 no\ntemporary 450 4.0.0 later\n" CLEAN},
		{"all recipients, chunking", {plain}, 1, false,
			{START, {EHLO_ALL, ENVELOPE_ALL},
				{"250 s\r\n550 5.1.1 no\r\n550 no\r\n", "QUIT\r\n"}, BYE},
			"permanent 550 5.1.1 no\npermanent 550 5.0.0 no\n" CLEAN},
		{"one recipient, data", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n550 5.1.1 no\r\n451 4.3.0 disk\r\n",
					"QUIT\r\n"},
				BYE},
			"temporary 451 4.3.0 disk\npermanent 550 5.1.1 no\n" CLEAN},
		{"end of data", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n550 5.1.1 no\r\n354 go\r\n", STUFFED},
				{"554 5.7.1 spam\r\n", "QUIT\r\n"}, BYE},
			"permanent 554 5.7.1 spam\npermanent 550 5.1.1 no\n" CLEAN},
		{"too many recipients", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n452 4.5.3 enough\r\n354 go\r\n", STUFFED},
				{"250 ok\r\n", "QUIT\r\n"}, BYE},
			"sent 250 2.0.0 ok\nuntried 452 4.5.3 enough\n" CLEAN},
		{"rcptmax", {plain}, 1, false,
			{START,
				{"250-mx\r\n250 LIMITS RCPTMAX=1 MAILMAX=5\r\n",
					"MAIL FROM:<a@b.c>\r\n"},
				{"250 s\r\n", "RCPT TO:<b@c.d>\r\n"}, {"250 r\r\n", "DATA\r\n"},
				{"354 go\r\n", STUFFED}, {"250 ok\r\n", "QUIT\r\n"}, BYE},
			"sent 250 2.0.0 ok\nuntried 0 4.5.3 local \n" CLEAN},
		{"421 among recipients", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n421 4.3.2 bye\r\n", ""}},
			"temporary 421 4.3.2 bye\ntemporary 421 4.3.2 bye\n"
			"closed: temporary 421 4.3.2 bye\n"},
		{"lost after the dot", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n550 5.1.1 no\r\n354 go\r\n", STUFFED},
				{"(eof)", ""}},
			"temporary 0 4.4.2 local the peer closed the connection\n"
			"permanent 550 5.1.1 no\n"
			"closed: temporary 0 4.4.2 local the peer closed the connection\n"},
		{"idle 421", {plain}, 0, false, {START, {"421 4.3.2 bye\r\n", ""}},
			"closed: temporary 421 4.3.2 bye\n"},
	};

	run_scripts(t, ARRAY_SIZE(t));
}

/* What the peer cannot take is decided without asking it. */
static void
scripts_local(void)
{
	static const struct smtp_client_rcpt utf8[] = {
		{.address = S("\xc3\xa4@c.d")}, {.address = S("b@c.d")}};
	static const struct smtp_client_rcpt evil[] = {{.address = S("b@c.d>\r\nRSET")}};
	static const struct smtp_client_message eight = {
		.from = S("a@b.c"), .rcpts = two, .rcpt_count = 1, .size = 25, .eight_bit = true};
	static const struct smtp_client_message big = {
		.from = S("a@b.c"), .rcpts = two, .rcpt_count = 1, .size = 1001};
	static const struct smtp_client_message binary = {
		.from = S("a@b.c"), .rcpts = two, .rcpt_count = 1, .size = 25, .binary = true};
	static const struct smtp_client_message smtputf8 = {
		.from = S("a@b.c"), .rcpts = two, .rcpt_count = 1, .size = 25, .smtputf8 = true};
	static const struct smtp_client_message one_utf8 = {
		.from = S(""), .rcpts = utf8, .rcpt_count = 2, .size = 25};
	static const struct smtp_client_message injected = {
		.from = S("a@b.c"), .rcpts = evil, .rcpt_count = 1, .size = 25};
	const struct script t[] = {
		{"8 bit", {eight}, 1, false, {START, {"250 mx\r\n", "QUIT\r\n"}, BYE},
			"permanent 0 5.6.3 local the receiving host takes no 8BITMIME "
			"messages\n" CLEAN},
		{"8 bit taken", {eight}, 1, false,
			{START,
				{"250-mx\r\n250 8bitmime\r\n",
					"MAIL FROM:<a@b.c> BODY=8BITMIME\r\n"}},
			""},
		{"big", {big}, 1, false, {START, {EHLO_ALL, "QUIT\r\n"}, BYE},
			"permanent 0 5.3.4 local the message is bigger than the receiving host "
			"takes\n" CLEAN},
		{"binary", {binary}, 1, false, {START, {EHLO_ALL, "QUIT\r\n"}, BYE},
			"permanent 0 5.6.3 local the receiving host takes no BINARYMIME "
			"messages\n" CLEAN},
		{"smtputf8", {smtputf8}, 1, false, {START, {EHLO_DATA, "QUIT\r\n"}, BYE},
			"permanent 0 5.6.7 local the receiving host takes no SMTPUTF8 "
			"messages\n" CLEAN},
		{"one utf8 recipient", {one_utf8}, 1, false,
			{START, {EHLO_DATA, "MAIL FROM:<>\r\nRCPT TO:<b@c.d>\r\nDATA\r\n"},
				{"250 s\r\n250 r\r\n354 go\r\n", STUFFED},
				{"250 ok\r\n", "QUIT\r\n"}, BYE},
			"permanent 0 5.6.7 local the receiving host takes no SMTPUTF8 addresses\n"
			"sent 250 2.0.0 ok\n" CLEAN},
		{"utf8 recipient taken", {one_utf8}, 1, false,
			{START,
				{EHLO_ALL,
					"MAIL FROM:<> SIZE=25 SMTPUTF8\r\nRCPT "
					"TO:<\xc3\xa4@c.d>\r\n"
					"RCPT TO:<b@c.d>\r\n"}},
			""},
		{"injection", {injected}, 1, false, {START, {EHLO_ALL, "QUIT\r\n"}, BYE},
			"permanent 0 5.1.3 local bad recipient address\n" CLEAN},
	};

	run_scripts(t, ARRAY_SIZE(t));
}

static void
scripts_broken(void)
{
	const struct script t[] = {
		{"not smtp", {plain}, 1, false, {{"SSH-2.0\r\n", ""}},
			"closed: temporary 0 4.4.2 local a reply without a code\n"},
		{"lf", {plain}, 1, false, {{"220 hi\n", ""}},
			"closed: temporary 0 4.4.2 local a reply with a line end that is not "
			"CRLF\n"},
		{"two codes", {plain}, 1, false, {{"220-hi\r\n250 hi\r\n", ""}},
			"closed: temporary 0 4.4.2 local a reply with two codes\n"},
		{"354 to MAIL", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"}, {"354 go\r\n", ""}},
			"temporary 0 4.4.2 local the peer's replies are out of order\n"
			"temporary 0 4.4.2 local the peer's replies are out of order\n"
			"closed: temporary 0 4.4.2 local the peer's replies are out of order\n"},
		{"250 to DATA", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n250 r\r\n250 go\r\n", ""}},
			"temporary 0 4.4.2 local the peer's replies are out of order\n"
			"temporary 0 4.4.2 local the peer's replies are out of order\n"
			"closed: temporary 0 4.4.2 local the peer's replies are out of order\n"},
	};

	run_scripts(t, ARRAY_SIZE(t));
}

/* A reply while the body is still going out: a refusal counts, an acceptance cannot be true. */
static void
early_replies(void)
{
	const struct script t[] = {
		{"early 250", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n250 r\r\n354 go\r\n250 early\r\n", ""}},
			"temporary 0 4.4.2 local the peer's replies are out of order\n"
			"temporary 0 4.4.2 local the peer's replies are out of order\n"
			"closed: temporary 0 4.4.2 local the peer's replies are out of order\n"},
		{"early 552", {plain}, 1, false,
			{START, {EHLO_DATA, ENVELOPE "DATA\r\n"},
				{"250 s\r\n250 r\r\n250 r\r\n354 go\r\n552 5.3.4 big\r\n", ""}},
			"permanent 552 5.3.4 big\npermanent 552 5.3.4 big\n"
			"closed: permanent 552 5.3.4 big\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		run_script(&t[i], false);
}

static void
injected_behind_starttls(void)
{
	struct smtp_client_config config = {.hostname = S("out.example")};
	struct sender s = {.c = smtp_client_new(&config), .tls = true, .log = BUF_INIT(4096)};

	say_to(&s, "220 hi\r\n", false);
	say_to(&s, "250-mx\r\n250 STARTTLS\r\n", false);
	say_to(&s, "220 go\r\n250 evil\r\n", false);
	CHECK_SLICE(buf_slice(&s.log),
		S("closed: temporary 0 4.4.2 local the peer spoke in clear behind STARTTLS\n"));
	sender_done(&s);
}

/* A body with a bare LF that the envelope does not admit never gets its final dot. */
static void
bad_body(void)
{
	static const struct slice bad[] = {S("a\nb"), S("a\rb"), S("a\0b"), S("a\r\n\r")};
	static const struct smtp_client_message m = {
		.from = S("a@b.c"), .rcpts = two, .rcpt_count = 1, .size = 3};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct smtp_client_config config = {.hostname = S("out.example")};
		struct smtp_client_message message = m;
		struct sender s = {.c = smtp_client_new(&config),
			.messages = &message,
			.bodies = &bad[i],
			.count = 1,
			.piece = 1,
			.log = BUF_INIT(4096)};
		message.size = bad[i].len;
		say_to(&s, "220 hi\r\n", false);
		say_to(&s, "250-mx\r\n250 PIPELINING\r\n", false);
		say_to(&s, "250 s\r\n250 r\r\n354 go\r\n", false);
		CHECK(s.closed);
		CHECK_SLICE(slice_sub(buf_slice(&s.log), 0, 23), S("permanent 0 5.6.0 local"));
		CHECK(slice_find(smtp_client_output(s.c), S("\n.\r\n")) == SLICE_NPOS);
		sender_done(&s);
	}
}

static void
replies(void)
{
	static const struct {
		struct slice in;
		enum parse_result want;
		unsigned code, e0, e1, e2;
		struct slice text;
	} t[] = {
		{S("250 ok\r\n"), PARSE_OK, 250, 0, 0, 0, S("ok")},
		{S("250\r\n"), PARSE_OK, 250, 0, 0, 0, S("")},
		{S("250 \r\n"), PARSE_OK, 250, 0, 0, 0, S("")},
		{S("550 5.1.1 no\r\n"), PARSE_OK, 550, 5, 1, 1, S("no")},
		{S("550 5.1.1\r\n"), PARSE_OK, 550, 5, 1, 1, S("")},
		{S("550 4.1.1 no\r\n"), PARSE_OK, 550, 0, 0, 0, S("4.1.1 no")},
		{S("550 5.1.1x\r\n"), PARSE_OK, 550, 0, 0, 0, S("5.1.1x")},
		{S("550 5.01.1 x\r\n"), PARSE_OK, 550, 0, 0, 0, S("5.01.1 x")},
		{S("550 5.1000.1 x\r\n"), PARSE_OK, 550, 0, 0, 0, S("5.1000.1 x")},
		{S("550-5.7.26 a\r\n550 5.7.26 b\r\n"), PARSE_OK, 550, 5, 7, 26, S("a\nb")},
		{S("550 a\x01\tb\xff\r\n"), PARSE_OK, 550, 0, 0, 0, S("a??b?")},
		{S("550 \xc3\xa4\r\n"), PARSE_OK, 550, 0, 0, 0, S("\xc3\xa4")},
		{S("550-a\r\n"), PARSE_MORE, 550, 0, 0, 0, S("a")},
		{S("550 a"), PARSE_MORE, 0, 0, 0, 0, S("")},
		{S("550 a\r"), PARSE_MORE, 0, 0, 0, 0, S("")},
		{S("550 a\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("550 a\rb\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("650 a\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("150 a\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("25 a\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("2500 a\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
		{S("250_a\r\n"), PARSE_BAD, 0, 0, 0, 0, S("")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct smtp_reply r;
		struct slice in = t[i].in;
		const char *why = NULL;
		int before = t_failed;
		smtp_reply_init(&r);
		CHECK_INT(smtp_reply_parse(&r, &in, &why), t[i].want);
		CHECK((why == NULL) == (t[i].want == PARSE_OK) || t[i].want == PARSE_MORE);
		if (t[i].want != PARSE_BAD) {
			CHECK_INT(r.code, t[i].code);
			CHECK_INT(r.enhanced[0], t[i].e0);
			CHECK_INT(r.enhanced[1], t[i].e1);
			CHECK_INT(r.enhanced[2], t[i].e2);
			CHECK_SLICE(buf_slice(&r.text), t[i].text);
		}
		if (t_failed != before)
			fprintf(stderr, "in reply %zu\n", i);
		smtp_reply_done(&r);
	}
}

static void
reply_limits(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(1 << 20);
	struct smtp_reply r;
	struct slice s;
	const char *why;

	smtp_reply_init(&r);
	buf_puts(&in, "250 ");
	buf_put_fill(&in, 'x', SMTP_REPLY_LINE_MAX - 6);
	buf_puts(&in, "\r\n");
	s = buf_slice(&in);
	CHECK_INT(smtp_reply_parse(&r, &s, &why), PARSE_OK);
	buf_reset(&in);
	buf_put_fill(&in, '2', SMTP_REPLY_LINE_MAX);
	s = buf_slice(&in);
	smtp_reply_reset(&r);
	CHECK_INT(smtp_reply_parse(&r, &s, &why), PARSE_BAD);
	buf_reset(&in);
	for (unsigned i = 0; i < SMTP_REPLY_LINES_MAX; i++)
		buf_puts(&in, "250-x\r\n");
	s = buf_slice(&in);
	smtp_reply_reset(&r);
	CHECK_INT(smtp_reply_parse(&r, &s, &why), PARSE_MORE);
	buf_puts(&in, "250 x\r\n");
	s = buf_slice(&in);
	smtp_reply_reset(&r);
	CHECK_INT(smtp_reply_parse(&r, &s, &why), PARSE_BAD);
	smtp_reply_done(&r);
}

/* ---- Against our own server ---- */

static uint64_t random_state = 88172645463325252u;

static uint32_t
rnd(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % below;
}

/* Lines that like dots and line ends. */
static void
random_text(struct buf *out, size_t n, bool eight_bit)
{
	static const char likely[] = "....\r\r\r abc\t=";

	while (out->len < n) {
		uint8_t c = (uint8_t)likely[rnd(sizeof(likely) - 1)];
		if (eight_bit && !rnd(8))
			c = (uint8_t)(128 + rnd(128));
		if (c == '\r')
			buf_puts(out, "\r\n");
		else
			buf_putc(out, c);
	}
}

static void
random_octets(struct buf *out, size_t n)
{
	while (out->len < n)
		buf_putc(out, (uint8_t)(rnd(4) ? rnd(256) : (uint32_t) "\r\n.\0"[rnd(4)]));
}

/* Lets the two talk, in pieces of random size, until nothing moves. */
static void
talk(struct sender *s, struct peer *p)
{
	bool moved = true;

	while (moved) {
		struct slice out;
		peer_run(p);
		sender_run(s);
		out = slice_sub(buf_slice(&p->out), 0, 1 + rnd(200));
		moved = out.len > 0;
		smtp_client_feed(s->c, out);
		buf_consume(&p->out, out.len);
		sender_run(s);
		out = slice_sub(smtp_client_output(s->c), 0, 1 + rnd(20000));
		out.len = smtp_server_feed(p->s, out);
		moved |= out.len > 0;
		smtp_client_sent(s->c, out.len);
	}
}

static void
loopback_one(size_t size, bool eight_bit, bool binary, bool no_chunking)
{
	struct smtp_server_config server = {
		.service = SMTP_SERVICE_MX, .hostname = S("mx.example"), .max_size = 1 << 24};
	struct smtp_client_config client = {
		.hostname = S("out.example"), .no_chunking = no_chunking};
	CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 24), want = BUF_INIT(1 << 24);
	struct smtp_client_message m[2] = {plain, plain};
	struct slice texts[2];
	struct peer p = peer_new(&server, rnd(2));
	struct sender s = {
		.c = smtp_client_new(&client), .messages = m, .bodies = texts, .count = 2};

	s.log = BUF_INIT(1 << 20);
	s.piece = 1 + rnd(100000);
	if (binary)
		random_octets(&body, size);
	else
		random_text(&body, size, eight_bit);
	for (size_t i = 0; i < 2; i++) {
		texts[i] = slice_skip(buf_slice(&body), i);
		if (!binary && i && texts[i].len && texts[i].ptr[0] == '\n')
			texts[i] =
				slice_skip(texts[i], 1); /* a text starts with no half line end */
		m[i].size = texts[i].len;
		m[i].eight_bit = eight_bit;
		m[i].binary = binary;
		buf_put(&want, texts[i]);
		/* DATA cannot carry a text without a line end at its end: one is added. */
		if (no_chunking && !binary && texts[i].len && !slice_ends(texts[i], S("\r\n")))
			buf_puts(&want, "\r\n");
		buf_puts(&want, "----\n");
	}
	talk(&s, &p);
	CHECK(p.closed && s.closed);
	CHECK(slice_eq(buf_slice(&p.messages), buf_slice(&want)));
	CHECK_SLICE(buf_slice(&s.log),
		S("sent 250 2.0.0 Message accepted\nsent 250 2.0.0 Message accepted\n"
		  "sent 250 2.0.0 Message accepted\nsent 250 2.0.0 Message accepted\n"
		  "closed: sent 221 2.0.0 Goodbye\n"));
	sender_done(&s);
	peer_done(&p);
}

static void
loopback(void)
{
	for (unsigned i = 0; i < 300; i++) {
		size_t size = rnd(4) ? rnd(200) : rnd(40000);
		loopback_one(size, i & 1, false, i & 2);
		loopback_one(size, true, true, false);
	}
	loopback_one(3 << 20, true, false, true);
	loopback_one(3 << 20, true, false, false);
}

/* Not a test but a figure: octets per second of stuffing and of the server's scanner. */
static void
speed(void)
{
	static const char line[] =
		"The quick brown fox jumps over the lazy dog, and nobody minds it at all.\r\n";
	CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 24), wire = BUF_INIT(1 << 25);
	struct timespec a, b;
	struct smtp_stuffing st = {.begun = false};

	while (text.len < 8 << 20)
		buf_put(&text, slice_new(line, sizeof(line) - 1));
	buf_room(&wire, (size_t)17 << 20);
	for (unsigned part = 0; part < 2; part++) {
		double seconds;
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (unsigned i = 0; i < 16; i++) {
			struct slice in = part ? buf_slice(&wire) : buf_slice(&text), piece;
			struct smtp_data d = {.size = 0};
			if (!part) {
				buf_reset(&wire);
				CHECK_INT(smtp_data_stuff(&st, &in, &wire, SIZE_MAX), 0);
				CHECK_INT(smtp_data_stuff_end(&st, &wire), 0);
			} else {
				while (smtp_data_next(&d, &in, &piece) == SMTP_DATA_PIECE)
					;
				CHECK_INT(d.size, text.len);
				CHECK_INT(d.faults, 0);
			}
		}
		clock_gettime(CLOCK_MONOTONIC, &b);
		seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
		printf("%s %.1f GB/s\n", part ? "scan" : "stuff",
			16.0 * (double)text.len / seconds / 1e9);
	}
}

T_MAIN(T(replies), T(reply_limits), T(scripts_good), T(scripts_refused), T(scripts_local),
	T(scripts_broken), T(early_replies), T(injected_behind_starttls), T(bad_body), T(loopback),
	T(speed))
