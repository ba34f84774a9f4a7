/* The server dialogue: every command, what it takes, and how it ends; each dialogue in one piece,
 * octet by octet, and with the answers given late and in reverse order. */
#include "smtp_dialogue.h"
#include "t.h"

static void
commands(void)
{
	static const struct dialogue d[] = {
		{"greeting", &mx, S(""), "220"},
		{"ehlo", &mx, S("EHLO a\r\n"), "220 250"},
		{"helo", &mx, S("helo a.b\r\nHELO [1.2.3.4]\r\nHELO [IPv6:::1]\r\n"),
			"220 250 250 250"},
		{"no name", &mx, S("EHLO\r\nHELO \r\nEHLO a b\r\nEHLO <a>\r\n"),
			"220 501 501 501 501"},
		{"one message", &mx, S(HELLO MAIL RCPT "DATA\r\nx\r\n.\r\nQUIT\r\n"),
			READY_CODES "354 250:2.0.0 221:2.0.0", S("x\r\n----\n"),
			"from=a@example.org\n envid=\n auth=\n rcpt=b@example.net\n"},
		{"helo message", &mx, S("HELO a\r\n" MAIL RCPT "DATA\r\nx\r\n.\r\nQUIT\r\n"),
			READY_CODES "354 250:2.0.0 221:2.0.0", S("x\r\n----\n")},
		{"empty message", &mx, S(HELLO MAIL RCPT "DATA\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", S("----\n")},
		{"two messages", &mx,
			S(HELLO MAIL RCPT "DATA\r\n1\r\n.\r\n" MAIL RCPT "DATA\r\n2\r\n.\r\n"),
			READY_CODES "354 250:2.0.0 250:2.1.0 250:2.1.5 354 250:2.0.0",
			S("1\r\n----\n2\r\n----\n")},
		{"no ehlo", &mx, S(MAIL RCPT "DATA\r\n"), "220 503:5.5.1 503:5.5.1 503:5.5.1"},
		{"no mail", &mx, S(HELLO RCPT "DATA\r\n"), "220 250 503:5.5.1 503:5.5.1"},
		{"no rcpt", &mx, S(HELLO MAIL "DATA\r\n" MAIL),
			"220 250 250:2.1.0 554:5.5.1 250:2.1.0", {0}, "abort"},
		{"nested mail", &mx, S(HELLO MAIL MAIL), "220 250 250:2.1.0 503:5.5.1"},
		{"rset", &mx, S(HELLO MAIL RCPT "RSET\r\nDATA\r\n" MAIL),
			READY_CODES "250:2.0.0 503:5.5.1 250:2.1.0", {0}, "abort"},
		{"ehlo resets", &mx, S(HELLO MAIL RCPT HELLO "DATA\r\n"),
			READY_CODES "250 503:5.5.1", {0}, "abort"},
		{"arguments", &mx, S("RSET x\r\nQUIT now\r\nNOOP x\r\nNOOP\r\nDATA x\r\n"),
			"220 501:5.5.4 501:5.5.4 250:2.0.0 250:2.0.0 501:5.5.4"},
		{"vrfy expn help", &mx, S("VRFY\r\nVRFY a\r\nEXPN a\r\nHELP\r\nHELP MAIL\r\n"),
			"220 501:5.5.4 252:2.0.0 502:5.5.1 214:2.0.0 214:2.0.0"},
		{"old", &mx, S("TURN\r\nETRN a\r\nSEND FROM:<a@b>\r\nSOML\r\nSAML\r\nATRN\r\n"),
			"220 502:5.5.1 502:5.5.1 502:5.5.1 502:5.5.1 502:5.5.1 502:5.5.1"},
		{"unknown", &mx, S("XYZZY\r\n\r\nMAILFROM:<a@b>\r\n RSET\r\n"),
			"220 500:5.5.1 500:5.5.1 500:5.5.1 500:5.5.1"},
		{"http", &mx, S("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO a\r\n"), "220 500:5.5.1"},
		{"auth on mx", &mx, S(HELLO "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"),
			"220 250 502:5.5.1"},
		{"too many errors", &mx, S("A\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nNOOP\r\n"),
			"220 500:5.5.1 500:5.5.1 500:5.5.1 500:5.5.1 500:5.5.1 500:5.5.1 "
			"500:5.5.1 500:5.5.1 421:4.7.0"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

static void
addresses(void)
{
	static const struct dialogue d[] = {
		{"null path", &mx, S(HELLO "MAIL FROM:<>\r\n" RCPT "DATA\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", {0}, "from=\n"},
		{"space and case", &mx, S(HELLO "mail from: <a@b.c>\r\nrcpt to:  <b@c.d> \r\n"),
			"220 250 250:2.1.0 250:2.1.5"},
		{"postmaster", &mx, S(HELLO MAIL "RCPT TO:<Postmaster>\r\n"), READY_CODES},
		{"route", &mx, S(HELLO MAIL "RCPT TO:<@x.y,@z.w:b@c.d>\r\nDATA\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", {0}, "rcpt=b@c.d\n"},
		{"quoted", &mx, S(HELLO MAIL "RCPT TO:<\"a b\"@c.d>\r\n"), READY_CODES},
		{"bad senders", &mx,
			S(HELLO "MAIL FROM:a@b.c\r\nMAIL FROM:<a@b.c\r\nMAIL FROM:<a>\r\n"
				"MAIL <a@b.c>\r\nMAIL\r\nMAIL FROM:<a@b.c>x\r\n"),
			"220 250 501:5.1.7 501:5.1.7 501:5.1.7 501:5.5.4 501:5.5.4 501:5.5.4"},
		{"bad recipients", &mx,
			S(HELLO MAIL "RCPT TO:<>\r\nRCPT TO:b@c.d\r\nRCPT TO:<b>\r\nRCPT b\r\n"),
			"220 250 250:2.1.0 501:5.1.3 501:5.1.3 501:5.1.3 501:5.5.4"},
		{"utf8 without its word", &mx,
			S(HELLO "MAIL FROM:<\xc3\xa4@b.c>\r\n" MAIL "RCPT TO:<\xc3\xa4@b.c>\r\n"),
			"220 250 553:5.6.7 250:2.1.0 553:5.6.7"},
		{"utf8", &mx,
			S(HELLO "MAIL FROM:<\xc3\xa4@b.c> SMTPUTF8\r\nRCPT TO:<\xc3\xb6@b.c>\r\n"
				"DATA\r\n\xc3\xa4\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", {0}, "utf8=1 8bit=1"},
		{"verdicts", &mx,
			S(HELLO MAIL "RCPT TO:<unknown@c.d>\r\nRCPT TO:<disabled@c.d>\r\n"
				     "RCPT TO:<full@c.d>\r\nRCPT TO:<relay@c.d>\r\n"
				     "RCPT TO:<temporary@c.d>\r\nDATA\r\n"),
			"220 250 250:2.1.0 550:5.1.1 550:5.2.1 452:4.2.2 550:5.7.1 451:4.3.0 "
			"554:5.5.1"},
		{"sender refused", &mx, S(HELLO "MAIL FROM:<denied@b.c>\r\n" RCPT MAIL),
			"220 250 550:5.7.1 503:5.5.1 250:2.1.0"},
		{"message refused", &mx,
			S(HELLO "MAIL FROM:<temporary2@b.c>\r\nRSET\r\nMAIL "
				"FROM:<nospace@b.c>\r\n" RCPT "DATA\r\n"),
			"220 250 250:2.1.0 250:2.0.0 250:2.1.0 250:2.1.5 452:4.3.1"},
		{"too many recipients", &mx,
			S(HELLO MAIL RCPT RCPT RCPT RCPT RCPT RCPT RCPT "DATA\r\nx\r\n.\r\n"),
			"220 250 250:2.1.0 250:2.1.5 250:2.1.5 250:2.1.5 250:2.1.5 250:2.1.5 "
			"452:4.5.3 452:4.5.3 354 250:2.0.0"},
		{"busy among recipients", &mx,
			S(HELLO MAIL RCPT "RCPT TO:<busy@c.d>\r\n" RCPT "DATA\r\n"),
			READY_CODES "421:4.3.2", {0}, "abort"},
		{"bad between good", &mx, S(HELLO MAIL RCPT RCPT "RCPT TO:<>\r\n" RCPT "RSET\r\n"),
			READY_CODES "250:2.1.5 501:5.1.3 250:2.1.5 250:2.0.0"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

static void
parameters(void)
{
	static const struct dialogue d[] = {
		{"all of MAIL", &mx,
			S(HELLO "MAIL FROM:<a@b.c> SIZE=999 BODY=8BITMIME SMTPUTF8 RET=HDRS "
				"ENVID=QQ+3D1\r\nRCPT TO:<b@c.d> NOTIFY=SUCCESS,FAILURE "
				"ORCPT=rfc822;B+2B@c.d\r\nDATA\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", {0},
			"body=1 ret=2 utf8=1 8bit=0 declared=999 size=0 from=a@b.c\n "
			"envid=QQ+3D1\n "
			"auth=\n rcpt=b@c.d\n  notify=6 orcpt=rfc822;B+2B@c.d\n"},
		{"declared too big", &mx, S(HELLO "MAIL FROM:<a@b.c> SIZE=1001\r\n" MAIL),
			"220 250 552:5.3.4 250:2.1.0"},
		{"bad values", &mx,
			S(HELLO "MAIL FROM:<a@b.c> SIZE=x\r\nMAIL FROM:<a@b.c> SIZE=1 SIZE=1\r\n"
				"MAIL FROM:<a@b.c> BODY=9BIT\r\nMAIL FROM:<a@b.c> RET=\r\n"
				"MAIL FROM:<a@b.c> ENVID=a=b\r\nMAIL FROM:<a@b.c> SMTPUTF8=1\r\n"),
			"220 250 501:5.5.4 501:5.5.4 501:5.5.4 501:5.5.4 501:5.5.4 501:5.5.4"},
		{"unknown ones", &mx,
			S(HELLO "MAIL FROM:<a@b.c> X=1\r\nMAIL FROM:<a@b.c> AUTH=<>\r\n"),
			"220 250 555:5.5.4 555:5.5.4"},
		{"notify", &mx,
			S(HELLO MAIL
				"RCPT TO:<b@c.d> NOTIFY=NEVER\r\nRCPT TO:<b@c.d> NOTIFY=DELAY\r\n"
				"RCPT TO:<b@c.d> NOTIFY=NEVER,DELAY\r\n"
				"RCPT TO:<b@c.d> NOTIFY=DELAY,DELAY\r\n"
				"RCPT TO:<b@c.d> NOTIFY=\r\nRCPT TO:<b@c.d> NOTIFY=DELAY,\r\n"),
			READY_CODES "250:2.1.5 501:5.5.4 501:5.5.4 501:5.5.4 501:5.5.4"},
		{"orcpt", &mx,
			S(HELLO MAIL "RCPT TO:<b@c.d> ORCPT=rfc822\r\nRCPT TO:<b@c.d> ORCPT=;x\r\n"
				     "RCPT TO:<b@c.d> ORCPT=rfc822;+4\r\n"
				     "RCPT TO:<b@c.d> SIZE=1\r\n"),
			"220 250 250:2.1.0 501:5.5.4 501:5.5.4 501:5.5.4 555:5.5.4"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

/* "\0alice\0secret", "more", "\0alice\0wrong" */
#define GOOD "AGFsaWNlAHNlY3JldA=="
#define MORE "bW9yZQ=="
#define WRONG "AGFsaWNlAHdyb25n"

static void
tls_and_auth(void)
{
	static const struct smtp_server_config tokens = {.service = SMTP_SERVICE_SUBMISSIONS,
		.hostname = S("mail.example"),
		.auth = SMTP_AUTH_PLAIN | SMTP_AUTH_OAUTHBEARER | SMTP_AUTH_XOAUTH2};
	static const struct dialogue d[] = {
		{"starttls", &mx, S(HELLO "STARTTLS\r\n"), "220 250 220:2.0.0", {0}, "starttls"},
		{"starttls needs ehlo", &mx, S("STARTTLS\r\n"), "220 503:5.5.1"},
		{"starttls in mail", &mx, S(HELLO MAIL "STARTTLS\r\n"),
			"220 250 250:2.1.0 503:5.5.1"},
		{"starttls argument", &mx, S(HELLO "STARTTLS x\r\n"), "220 250 501:5.5.4"},
		{"submission wants tls", &submission,
			S(HELLO "AUTH PLAIN " GOOD "\r\n" MAIL
				"RSET\r\nVRFY a\r\nNOOP\r\nDATA\r\n"),
			"220 250 530:5.7.0 530:5.7.0 530:5.7.0 530:5.7.0 250:2.0.0 530:5.7.0"},
		{"submissions has tls", &submissions, S(HELLO "STARTTLS\r\n" MAIL),
			"220 250 503:5.5.1 530:5.7.0"},
		{"plain", &submissions,
			S(HELLO "AUTH PLAIN " GOOD "\r\n" MAIL RCPT "DATA\r\nx\r\n.\r\n"),
			"220 250 235:2.7.0 250:2.1.0 250:2.1.5 354 250:2.0.0", S("x\r\n----\n")},
		{"plain, later", &submissions, S(HELLO "auth plain\r\n" GOOD "\r\n"),
			"220 250 334 235:2.7.0"},
		{"wrong", &submissions, S(HELLO "AUTH PLAIN " WRONG "\r\n" MAIL),
			"220 250 535:5.7.8 530:5.7.0"},
		{"empty response", &submissions, S(HELLO "AUTH PLAIN =\r\n"), "220 250 535:5.7.8"},
		{"steps", &submissions,
			S(HELLO "AUTH SCRAM-SHA-256 " MORE "\r\n" MORE "\r\n" GOOD "\r\n"),
			"220 250 334 334 235:2.7.0"},
		{"cancelled", &submissions, S(HELLO "AUTH PLAIN\r\n*\r\nNOOP\r\n"),
			"220 250 334 501:5.7.0 250:2.0.0"},
		{"not base64", &submissions, S(HELLO "AUTH PLAIN x\r\nAUTH PLAIN\r\n!\r\nNOOP\r\n"),
			"220 250 501:5.5.2 334 501:5.5.2 250:2.0.0"},
		{"mechanisms", &submissions,
			S(HELLO "AUTH LOGIN\r\nAUTH SCRAM-SHA-256-PLUS\r\nAUTH\r\n"),
			"220 250 504:5.5.4 504:5.5.4 504:5.5.4"},
		{"a token, where tokens are", &tokens,
			S(HELLO "AUTH OAUTHBEARER " MORE "\r\n" WRONG "\r\nAUTH OAUTHBEARER " GOOD
				"\r\n"),
			"220 250 334 535:5.7.8 235:2.7.0"},
		{"a token in the older form", &tokens,
			S(HELLO "AUTH XOAUTH2 " MORE "\r\n\r\nAUTH XOAUTH2\r\n" GOOD "\r\n"),
			"220 250 334 535:5.7.8 334 235:2.7.0"},
		{"a token, where none are", &submissions, S(HELLO "AUTH OAUTHBEARER " GOOD "\r\n"),
			"220 250 504:5.5.4"},
		{"twice", &submissions, S(HELLO "AUTH PLAIN " GOOD "\r\nAUTH PLAIN " GOOD "\r\n"),
			"220 250 235:2.7.0 503:5.5.1"},
		{"before ehlo", &submissions, S("AUTH PLAIN " GOOD "\r\n"), "220 503:5.5.1"},
		{"in mail", &submissions, S(HELLO "AUTH PLAIN " GOOD "\r\n" MAIL "AUTH PLAIN\r\n"),
			"220 250 235:2.7.0 250:2.1.0 503:5.5.1"},
		{"auth parameter", &submissions,
			S(HELLO "AUTH PLAIN " GOOD "\r\nMAIL FROM:<a@b.c> AUTH=<>\r\n"),
			"220 250 235:2.7.0 250:2.1.0"},
		{"guessing", &submissions,
			S(HELLO "AUTH PLAIN " WRONG "\r\nAUTH PLAIN " WRONG "\r\nAUTH PLAIN " WRONG
				"\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN " WRONG "\r\nNOOP\r\n"),
			"220 250 535:5.7.8 535:5.7.8 535:5.7.8 334 501:5.7.0 535:5.7.8 421:4.7.0"},
		{"bare lf in a response", &submissions, S(HELLO "AUTH PLAIN\r\n" GOOD "\n"),
			"220 250 334 500:5.5.2"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

/* What stands behind STARTTLS in the same packet is never obeyed, and noticed. */
static void
starttls_injection(void)
{
	struct peer p = peer_new(&submission, false);

	peer_feed(&p, S(HELLO "STARTTLS\r\nRSET\r\nNOOP\r\n"), SIZE_MAX);
	CHECK(smtp_server_is_tls(p.s));
	CHECK(smtp_server_is_hasty(p.s));
	CHECK_INT(smtp_server_helo(p.s).len, 0);
	buf_reset(&p.out);
	peer_feed(&p, S(MAIL HELLO "AUTH PLAIN " GOOD "\r\n"), SIZE_MAX);
	CHECK(slice_starts(buf_slice(&p.out), S("530 5.7.0")));
	CHECK(slice_find(buf_slice(&p.out),
		      S("250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN\r\n")) != SLICE_NPOS);
	CHECK(slice_find(buf_slice(&p.out), S("STARTTLS")) == SLICE_NPOS);
	CHECK(smtp_server_is_authenticated(p.s));
	peer_done(&p);
}

static void
ehlo_text(void)
{
	struct peer p = peer_new(&mx, false);

	peer_feed(&p, S("EHLO a\r\n"), SIZE_MAX);
	CHECK_SLICE(buf_slice(&p.out),
		S("220 mx.example.net ESMTP\r\n250-mx.example.net\r\n250-PIPELINING\r\n"
		  "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
		  "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-STARTTLS\r\n"
		  "250-LIMITS MAILMAX=1000 RCPTMAX=5\r\n250 SIZE 1000\r\n"));
	peer_done(&p);
}

/* The connection's end from outside, in every state. */
static void
endings(void)
{
	static const struct {
		struct slice in;
		bool aborts;
	} states[] = {
		{S(""), false},
		{S(HELLO), false},
		{S(HELLO MAIL), true},
		{S(HELLO MAIL RCPT), true},
		{S(HELLO MAIL RCPT "DATA\r\nx"), true},
		{S(HELLO MAIL RCPT "BDAT 4\r\nx"), true},
		{S(HELLO MAIL RCPT "BDAT 1\r\nx"), true},
		{S(HELLO "MAI"), false},
	};
	static void (*const ends[])(struct smtp_server *) = {
		smtp_server_timeout, smtp_server_shutdown, smtp_server_eof};
	static const char *const codes[] = {"421:4.4.2", "421:4.3.2", ""};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ends); k++) {
			CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
			struct peer p = peer_new(&mx, false);
			peer_feed(&p, states[i].in, SIZE_MAX);
			peer_run(&p);
			buf_reset(&p.out);
			buf_reset(&p.log);
			ends[k](p.s);
			ends[k](p.s); /* once is enough */
			peer_run(&p);
			CHECK(p.closed);
			CHECK_SLICE(buf_slice(&p.log), states[i].aborts ? S("abort\n") : S(""));
			reply_codes(buf_slice(&p.out), &got);
			CHECK_SLICE(buf_slice(&got), slice_str(codes[k]));
			CHECK_INT(smtp_server_feed(p.s, S("NOOP\r\n")), 0);
			CHECK_INT(smtp_server_answer(p.s, SMTP_OK, SLICE_NONE), LL_ERR_STATE);
			peer_done(&p);
		}
}

/* A message that is being made durable is answered before a shutdown. */
static void
shutdown_waits(void)
{
	struct smtp_server *s = smtp_server_new(&mx);
	struct smtp_server_event e;

	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_CONNECT);
	CHECK_INT(smtp_server_answer(s, SMTP_OK, SLICE_NONE), 0);
	CHECK(smtp_server_feed(s, S(HELLO MAIL RCPT "BDAT 1 LAST\r\nx")) > 0);
	while (smtp_server_step(s, &e) != SMTP_SERVER_MESSAGE) {
		if (e.kind == SMTP_SERVER_RCPT)
			CHECK_INT(smtp_server_answer_rcpt(s, e.rcpt, SMTP_OK, SLICE_NONE), 0);
		else if (e.kind != SMTP_SERVER_BODY)
			CHECK_INT(smtp_server_answer(s, SMTP_OK, SLICE_NONE), 0);
	}
	smtp_server_shutdown(s);
	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_NONE);
	CHECK_INT(smtp_server_answer(s, SMTP_OK, S("queued\r\nas 1\x01")), 0);
	CHECK(slice_ends(smtp_server_output(s),
		S("250 2.0.0 queued??as 1?\r\n421 4.3.2 Shutting down, please try again "
		  "later\r\n")));
	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_CLOSE);
	smtp_server_free(s);
}

/* Replies keep the order of the commands whatever the order of the answers. */
static void
answers_out_of_order(void)
{
	struct smtp_server *s = smtp_server_new(&mx);
	struct smtp_server_event e;
	uint32_t open = 0;

	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_CONNECT);
	CHECK_INT(smtp_server_answer(s, SMTP_OK, SLICE_NONE), 0);
	CHECK(smtp_server_feed(s, S(HELLO MAIL RCPT RCPT RCPT "RSET\r\n")) > 0);
	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_MAIL);
	CHECK_INT(smtp_server_answer(s, SMTP_OK, SLICE_NONE), 0);
	while (smtp_server_step(s, &e) == SMTP_SERVER_RCPT)
		CHECK_INT(e.rcpt, open++);
	CHECK_INT(open, 3);
	smtp_server_sent(s, smtp_server_output(s).len);
	CHECK_INT(smtp_server_answer_rcpt(s, 2, SMTP_RCPT_UNKNOWN, SLICE_NONE), 0);
	CHECK_INT(smtp_server_answer_rcpt(s, 1, SMTP_OK, S("fine")), 0);
	CHECK_INT(smtp_server_output(s).len, 0);
	CHECK_INT(smtp_server_answer_rcpt(s, 1, SMTP_OK, SLICE_NONE), LL_ERR_STATE);
	CHECK_INT(smtp_server_answer_rcpt(s, 3, SMTP_OK, SLICE_NONE), LL_ERR_STATE);
	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_NONE);
	CHECK_INT(smtp_server_answer_rcpt(s, 0, SMTP_RCPT_QUOTA, SLICE_NONE), 0);
	CHECK_SLICE(smtp_server_output(s),
		S("452 4.2.2 This mailbox is full\r\n250 2.1.5 fine\r\n"
		  "550 5.1.1 No such mailbox\r\n"));
	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_ABORT); /* the RSET */
	smtp_server_free(s);
}

static void
refused_greeting(void)
{
	struct smtp_server *s = smtp_server_new(&mx);
	struct smtp_server_event e;

	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_CONNECT);
	CHECK_INT(smtp_server_answer(s, SMTP_POLICY, SLICE_NONE), 0);
	CHECK_SLICE(smtp_server_output(s), S("554 5.7.1 Refused by policy\r\n"));
	CHECK_INT(smtp_server_step(s, &e), SMTP_SERVER_CLOSE);
	smtp_server_free(s);
}

T_MAIN(T(commands), T(addresses), T(parameters), T(tls_and_auth), T(starttls_injection),
	T(ehlo_text), T(endings), T(shutdown_waits), T(answers_out_of_order), T(refused_greeting))
