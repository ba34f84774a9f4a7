/* The server dialogue: every command, every limit, every arrangement of line ends; each dialogue in
 * one piece, octet by octet, and with the answers given late and in reverse order. */
#include "t.h"

#include "faces/smtp_peer.h"

#include <malloc.h>

#define HELLO "EHLO client.example\r\n"
#define MAIL "MAIL FROM:<a@example.org>\r\n"
#define RCPT "RCPT TO:<b@example.net>\r\n"
#define READY_CODES "220 250 250:2.1.0 250:2.1.5 "

static const struct smtp_server_config mx = {
	.service = SMTP_SERVICE_MX,
	.hostname = S("mx.example.net"),
	.starttls = true,
	.ask_mail = true,
	.max_size = 1000,
	.max_rcpts = 5,
	.max_errors = 8,
	.max_unknown = 20,
};
static const struct smtp_server_config submission = {
	.service = SMTP_SERVICE_SUBMISSION,
	.hostname = S("mx.example.net"),
	.starttls = true,
	.ask_mail = true,
	.auth = SMTP_AUTH_PLAIN,
};
static const struct smtp_server_config submissions = {
	.service = SMTP_SERVICE_SUBMISSIONS,
	.hostname = S("mx.example.net"),
	.ask_mail = true,
	.auth = SMTP_AUTH_PLAIN | SMTP_AUTH_SCRAM_SHA_256,
};

/* "220 250 250:2.1.0": the code of each reply with its enhanced code. */
static void
reply_codes(struct slice out, struct buf *ret)
{
	while (out.len) {
		struct slice line = slice_line(&out), text = slice_skip(line, 4);
		struct slice word = slice_split(&text, ' ');

		if (line.len < 4)
			abort();
		if (line.ptr[3] == '-')
			continue;
		if (ret->len)
			buf_putc(ret, ' ');
		buf_put(ret, slice_sub(line, 0, 3));
		if (word.len >= 5 && is_digit(word.ptr[0]) && word.ptr[1] == '.') {
			buf_putc(ret, ':');
			buf_put(ret, word);
		}
	}
}

struct dialogue {
	const char *name;
	const struct smtp_server_config *config;
	struct slice in;
	const char *codes;
	struct slice body; /* of accepted messages, see struct peer */
	const char *log; /* has to be found in the log, if given */
};

static void
run_dialogue(const struct dialogue *d, size_t step, bool late)
{
	struct peer p = peer_new(d->config, late);
	CLEANUP(buf_done) struct buf codes = BUF_INIT(1 << 20);
	int before = t_failed;

	peer_feed(&p, d->in, step);
	reply_codes(buf_slice(&p.out), &codes);
	CHECK_SLICE(buf_slice(&codes), slice_trim(slice_str(d->codes)));
	if (d->body.ptr)
		CHECK_SLICE(buf_slice(&p.messages), d->body);
	if (d->log)
		CHECK(slice_find(buf_slice(&p.log), slice_str(d->log)) != SLICE_NPOS);
	if (t_failed != before)
		fprintf(stderr, "in \"%s\", step %zu, %s; log:\n%.*s", d->name, step,
			late ? "late" : "at once", SLICE_ARG(buf_slice(&p.log)));
	peer_done(&p);
}

static void
run_dialogues(const struct dialogue *d, size_t n)
{
	static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
			run_dialogue(&d[i], steps[k], false);
			run_dialogue(&d[i], steps[k], true);
		}
}

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

static void
line_ends(void)
{
	static const struct dialogue d[] = {
		{"bare lf", &mx, S("NOOP\nNOOP\r\n"), "220 500:5.5.2"},
		{"lf only", &mx, S("EHLO a\n"), "220 500:5.5.2"},
		{"bare cr", &mx, S("NOOP\rNOOP\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0"},
		{"cr cr lf", &mx, S("NOOP\r\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0"},
		{"nul", &mx, S("NOOP \0\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0"},
		{"tab", &mx, S("NOOP\tx\r\n"), "220 500:5.5.2"},
		{"latin1", &mx, S("NOOP \xe4\r\n"), "220 500:5.5.2"},
		{"utf8", &mx, S("NOOP \xc3\xa4\r\n"), "220 250:2.0.0"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

/* Every text of up to six of CR, LF, dot and a letter after a line of text, then CRLF . CRLF: the
 * message ends at the first CRLF . CRLF and nowhere else, as a model says that works octet by
 * octet. */
static size_t
model_end(struct slice text)
{
	for (size_t i = 0; i + 5 <= text.len; i++)
		if (!memcmp(text.ptr + i, "\r\n.\r\n", 5))
			return i + 5;
	return 0;
}

static bool
model_bare(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool cr = text.ptr[i] == '\r', lf = text.ptr[i] == '\n';
		if (cr && (i + 1 == text.len || text.ptr[i + 1] != '\n'))
			return true;
		if (lf && (!i || text.ptr[i - 1] != '\r'))
			return true;
	}
	return false;
}

/* Dots that start a line are dropped. text starts a line. */
static void
model_unstuff(struct slice text, struct buf *ret)
{
	for (size_t i = 0; i < text.len; i++) {
		bool start = !i || (i >= 2 && text.ptr[i - 1] == '\n' && text.ptr[i - 2] == '\r');
		if (!start || text.ptr[i] != '.')
			buf_putc(ret, text.ptr[i]);
	}
}

static void
smuggle_one(struct slice middle, size_t step)
{
	CLEANUP(buf_done)
	struct buf in = BUF_INIT(4096), want = BUF_INIT(4096), codes = BUF_INIT(4096);
	struct peer p = peer_new(&mx, false);
	struct slice text, body;
	size_t end;

	buf_puts(&in, "x\r\n"); /* stands for the line end before the text */
	buf_put(&in, middle);
	buf_puts(&in, "\r\n.\r\n");
	text = buf_slice(&in);
	end = model_end(slice_skip(text, 1)) + 1;
	body = slice_sub(text, 0, end - 3);
	model_unstuff(body, &want);
	buf_puts(&want, "----\n");
	peer_feed(&p, S(HELLO MAIL RCPT "DATA\r\n"), step);
	buf_reset(&p.out);
	peer_feed(&p, slice_sub(text, 0, end), step);
	reply_codes(buf_slice(&p.out), &codes);
	if (model_bare(body)) {
		CHECK_SLICE(buf_slice(&codes), S("550:5.6.0"));
		CHECK_INT(p.accepted, 0);
	} else {
		CHECK_SLICE(buf_slice(&codes), S("250:2.0.0"));
		CHECK_SLICE(buf_slice(&p.messages), buf_slice(&want));
	}
	buf_reset(&p.out);
	peer_feed(&p, S("NOOP\r\n"), step);
	CHECK(slice_starts(buf_slice(&p.out), S("250 2.0.0")));
	peer_done(&p);
}

static void
smuggling(void)
{
	static const char letters[] = "\r\n.x";
	uint8_t middle[6];

	for (unsigned n = 0; n <= 6; n++)
		for (unsigned code = 0; code < 1u << 2 * n; code++) {
			for (unsigned i = 0; i < n; i++)
				middle[i] = (uint8_t)letters[code >> 2 * i & 3];
			smuggle_one(slice_new(middle, n), SIZE_MAX);
			if (n <= 5)
				smuggle_one(slice_new(middle, n), 1);
		}
}

static void
smuggling_named(void)
{
	static const struct dialogue d[] = {
		{"lf dot lf", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\n.\nMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"lf dot crlf", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\n.\r\nMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"crlf dot lf", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\r\n.\nMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"cr dot cr", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\r.\rMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"crlf dot cr", &mx, S(HELLO MAIL RCPT "DATA\r\nx\r\n.\r.\r\n\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"nul", &mx, S(HELLO MAIL RCPT "DATA\r\nx\0y\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"dots", &mx, S(HELLO MAIL RCPT "DATA\r\n..\r\n.x\r\n...\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", S(".\r\nx\r\n..\r\n----\n")},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

static void
chunks(void)
{
	static const struct dialogue d[] = {
		{"one chunk", &mx, S(HELLO MAIL RCPT "BDAT 5 LAST\r\nx\r\n.yNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("x\r\n.y----\n")},
		{"three chunks", &mx,
			S(HELLO MAIL RCPT "BDAT 3\r\na\r\nBDAT 0\r\nbdat 4 last\r\n.\r\n\r"
					  "QUIT\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 550:5.6.0 221:2.0.0", S("")},
		{"split crlf", &mx, S(HELLO MAIL RCPT "BDAT 2\r\na\rBDAT 1 LAST\r\n\nNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 250:2.0.0", S("a\r\n----\n")},
		{"last is empty", &mx, S(HELLO MAIL RCPT "BDAT 3\r\na\r\nBDAT 0 LAST\r\nNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 250:2.0.0", S("a\r\n----\n")},
		{"nothing at all", &mx, S(HELLO MAIL RCPT "BDAT 0 LAST\r\nNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("----\n")},
		{"end of data inside", &mx,
			S(HELLO MAIL RCPT "BDAT 8 LAST\r\na\r\n.\r\nRSNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("a\r\n.\r\nRS----\n")},
		{"data after bdat", &mx,
			S(HELLO MAIL RCPT "BDAT 3\r\na\r\nDATA\r\n" RCPT MAIL "BDAT 0 LAST\r\n"),
			READY_CODES "250:2.0.0 503:5.5.1 503:5.5.1 503:5.5.1 250:2.0.0",
			S("a\r\n----\n")},
		{"rset between", &mx,
			S(HELLO MAIL RCPT "BDAT 3\r\na\r\nRSET\r\nBDAT 1 LAST\r\nxNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 503:5.5.1 250:2.0.0", S(""), "abort"},
		{"no transaction", &mx, S(HELLO "BDAT 4 LAST\r\nQUITNOOP\r\n" MAIL),
			"220 250 503:5.5.1 250:2.0.0 250:2.1.0"},
		{"no ehlo", &mx, S("BDAT 4\r\nQUITNOOP\r\n"), "220 503:5.5.1 250:2.0.0"},
		{"no recipients", &mx, S(HELLO MAIL "BDAT 4\r\nQUITBDAT 4 LAST\r\nQUIT" MAIL),
			"220 250 250:2.1.0 554:5.5.1 503:5.5.1 250:2.1.0"},
		{"failed until rset", &mx,
			S(HELLO MAIL "BDAT 4\r\nQUIT" MAIL "BDAT 4\r\nQUITRSET\r\n" MAIL),
			"220 250 250:2.1.0 554:5.5.1 503:5.5.1 503:5.5.1 250:2.0.0 250:2.1.0"},
		{"storage", &mx,
			S(HELLO "MAIL FROM:<nospace@b.c>\r\n" RCPT "BDAT 4 LAST\r\nQUIT" MAIL),
			READY_CODES "452:4.3.1 250:2.1.0"},
		{"syntax", &mx, S(HELLO MAIL RCPT "BDAT x LAST\r\nQUIT\r\n"),
			READY_CODES "501:5.5.4"},
		{"syntax 2", &mx, S(HELLO MAIL RCPT "BDAT 4 FIRST\r\nQUIT"),
			READY_CODES "501:5.5.4"},
		{"syntax 3", &mx, S(HELLO MAIL RCPT "BDAT\r\nQUIT"), READY_CODES "501:5.5.4"},
		{"absurd", &mx, S(HELLO MAIL RCPT "BDAT 18446744073709551615 LAST\r\n" MAIL),
			READY_CODES "552:5.3.4", S(""), "abort"},
		{"binary", &mx,
			S(HELLO "MAIL FROM:<a@b.c> BODY=BINARYMIME\r\n" RCPT
				"BDAT 6 LAST\r\na\0\n\r.\xffNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("a\0\n\r.\xff----\n"), "body=2"},
		{"binary by data", &mx,
			S(HELLO "MAIL FROM:<a@b.c> BODY=BINARYMIME\r\n" RCPT "DATA\r\nNOOP\r\n"),
			READY_CODES "503:5.5.1 250:2.0.0"},
		{"text has bare lf", &mx, S(HELLO MAIL RCPT "BDAT 3 LAST\r\na\nbNOOP\r\n"),
			READY_CODES "550:5.6.0 250:2.0.0", S("")},
		{"cr then letter over chunks", &mx,
			S(HELLO MAIL RCPT "BDAT 2\r\na\rBDAT 1 LAST\r\nbNOOP\r\n"),
			READY_CODES "250:2.0.0 550:5.6.0 250:2.0.0", S("")},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

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
	T(ehlo_text), T(line_ends), T(smuggling_named), T(smuggling), T(chunks), T(size_limits),
	T(line_limits), T(endless_line), T(many_recipients), T(connection_limits), T(endings),
	T(shutdown_waits), T(answers_out_of_order), T(idle_memory), T(refused_greeting))
