/* Dialogues before sign-in, whole and one byte at a time. */
#include "base/buf.h"
#include "base/text.h"
#include "faces/imap_preauth.h"
#include "t.h"

#define CAPS "CAPABILITY IMAP4rev2 IMAP4rev1 LITERAL+ SASL-IR ENABLE ID"
#define TLS_CAPS CAPS " AUTH=SCRAM-SHA-256 AUTH=PLAIN"
#define GREETING "* OK [" TLS_CAPS "] Letterlock is ready\r\n"

/* The judge of the tests: PLAIN with password "good" passes, "busy" fails for now, "old" expired;
 * SCRAM answers "n" with challenge "s", "c" with success and the final message "v". */
static void
judge(struct imap_preauth *p, const struct imap_auth_request *r, struct buf *log)
{
	struct slice d = r->data;

	buf_printf(log, "[%s%s ", r->mechanism, r->first ? "" : "...");
	for (size_t i = 0; i < d.len; i++)
		buf_putc(log, d.ptr[i] ? d.ptr[i] : '|');
	buf_puts(log, "]");
	if (slice_ends(d, S("\0good")))
		imap_preauth_accept(p, SLICE_NONE);
	else if (slice_ends(d, S("\0busy")))
		imap_preauth_reject(p, IMAP_AUTH_TEMPORARY);
	else if (slice_ends(d, S("\0old")))
		imap_preauth_reject(p, IMAP_AUTH_EXPIRED);
	else if (slice_eq(d, S("n")))
		imap_preauth_challenge(p, S("s"));
	else if (slice_eq(d, S("c")))
		imap_preauth_accept(p, S("v"));
	else
		imap_preauth_reject(p, IMAP_AUTH_WRONG);
}

static void
signed_in(struct imap_preauth *p, struct buf *log)
{
	struct imap_handover h;

	imap_preauth_handover(p, &h);
	buf_puts(log, "HANDOVER ");
	buf_put(log, h.tag);
	buf_puts(log, " ");
	buf_put(log, h.client_id);
}

/* Runs a dialogue in steps of `step` bytes. Returns what was sent and asked; after a hand-over the
 * rest of the input is what the session would get. */
static void
run(const struct imap_preauth_options *o, struct slice in, size_t step, struct buf *log)
{
	struct imap_preauth *p = imap_preauth_new(o);
	size_t at = 0;

	for (;;) {
		struct imap_auth_request r;
		enum imap_preauth_event e = imap_preauth_next(p, &r);

		buf_put(log, buf_slice(imap_preauth_output(p)));
		buf_reset(imap_preauth_output(p));
		if (e == IMAP_PREAUTH_AUTH) {
			judge(p, &r, log);
		} else if (e == IMAP_PREAUTH_SIGNED_IN) {
			struct imap_handover h;
			signed_in(p, log);
			imap_preauth_handover(p, &h);
			buf_puts(log, " + ");
			buf_put(log, h.rest);
			buf_put(log, slice_skip(in, at));
			break;
		} else if (e == IMAP_PREAUTH_STARTTLS) {
			buf_puts(log, "[TLS]");
			imap_preauth_tls_started(p, true);
		} else if (e == IMAP_PREAUTH_CLOSE) {
			buf_puts(log, "[CLOSE]");
			break;
		} else if (at < in.len) {
			CHECK(imap_preauth_wants_input(p));
			CHECK_INT(imap_preauth_input(p, slice_sub(in, at, step)), 0);
			at = MIN(at + step, in.len);
		} else {
			break;
		}
	}
	imap_preauth_free(p);
}

#define WRONG "NO [AUTHENTICATIONFAILED] Wrong address or app password\r\n"

static const struct {
	const char *what;
	struct slice in, want; /* want without the greeting */
} dialogues[] = {
	{"capability", S("a CAPABILITY\r\n"), S("* " TLS_CAPS "\r\na OK Done\r\n")},
	{"noop, logout", S("a NOOP\r\nb LOGOUT\r\nc NOOP\r\n"),
		S("a OK Done\r\n* BYE Good bye\r\nb OK Done\r\n[CLOSE]")},
	{"id", S("a ID (\"name\" \"x y\" \"os\" NIL)\r\nb LOGIN u good\r\n"),
		S("* ID (\"name\" \"Letterlock\" \"version\" \"" LETTERLOCK_VERSION
		  "\")\r\na OK Done\r\n[PLAIN |u|good]HANDOVER b (\"name\" \"x y\" \"os\" NIL) "
		  "+ ")},
	{"bad id", S("a ID x\r\n"), S("a BAD Expected \"(\"\r\n")},
	{"login", S("a login alice good\r\nb SELECT INBOX\r\n"),
		S("[PLAIN |alice|good]HANDOVER a  + b SELECT INBOX\r\n")},
	{"login quoted", S("a LOGIN \"al\\\"ice\" \"good\"\r\n"),
		S("[PLAIN |al\"ice|good]HANDOVER a  + ")},
	{"login literals", S("a LOGIN {5}\r\nalice {4}\r\ngood\r\n"),
		S("+ Go on\r\n+ Go on\r\n[PLAIN |alice|good]HANDOVER a  + ")},
	{"login literal+", S("a LOGIN {5+}\r\nalice {4+}\r\ngood\r\nrest"),
		S("[PLAIN |alice|good]HANDOVER a  + rest")},
	{"login big literal", S("a LOGIN {1025}\r\nb NOOP\r\n"),
		S("a BAD Literal too large before sign-in\r\nb OK Done\r\n")},
	{"login without password", S("a LOGIN x\r\n"),
		S("a BAD Expected one space and an argument\r\n")},
	{"wrong then right",
		S("a LOGIN x y\r\nb LOGIN x busy\r\nc LOGIN x old\r\nd LOGIN x good\r\n"),
		S("[PLAIN |x|y]a " WRONG "[PLAIN |x|busy]"
		  "b NO [UNAVAILABLE] Sign-in does not work now; try again later\r\n"
		  "[PLAIN |x|old]c NO [EXPIRED] This app password has expired\r\n"
		  "[PLAIN |x|good]HANDOVER d  + ")},
	{"too many failures", S("a LOGIN x y\r\nb LOGIN x y\r\nc LOGIN x y\r\nd NOOP\r\n"),
		S("[PLAIN |x|y]a " WRONG "[PLAIN |x|y]b " WRONG "[PLAIN |x|y]c " WRONG
		  "* BYE Too many failed sign-ins\r\n[CLOSE]")},
	{"plain with initial response", S("a AUTHENTICATE PLAIN AHgAZ29vZA==\r\n"),
		S("[PLAIN |x|good]HANDOVER a  + ")},
	{"plain without", S("a AUTHENTICATE plain\r\nAHgAZ29vZA==\r\n"),
		S("+ \r\n[PLAIN |x|good]HANDOVER a  + ")},
	{"empty initial response", S("a AUTHENTICATE PLAIN =\r\n"), S("[PLAIN ]a " WRONG)},
	{"cancel", S("a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n"),
		S("+ \r\na BAD Cancelled\r\nb OK Done\r\n")},
	{"not base64", S("a AUTHENTICATE PLAIN !!!!\r\nb AUTHENTICATE PLAIN\r\n!!!\r\n"),
		S("a BAD Not base64\r\n+ \r\nb BAD Not base64\r\n")},
	{"unknown mechanism", S("a AUTHENTICATE GSSAPI\r\n"),
		S("a NO [CANNOT] Mechanism not offered\r\n")},
	{"PLUS without binding", S("a AUTHENTICATE SCRAM-SHA-256-PLUS bg==\r\n"),
		S("a NO [CANNOT] Mechanism not offered\r\n")},
	{"scram", S("a AUTHENTICATE SCRAM-SHA-256 bg==\r\nYw==\r\n\r\nb X\r\n"),
		S("[SCRAM-SHA-256 n]+ cw==\r\n[SCRAM-SHA-256... c]+ dg==\r\nHANDOVER a  + b "
		  "X\r\n")},
	{"scram wrong", S("a AUTHENTICATE SCRAM-SHA-256\r\nbg==\r\neA==\r\nb NOOP\r\n"),
		S("+ \r\n[SCRAM-SHA-256 n]+ cw==\r\n[SCRAM-SHA-256... x]a " WRONG "b OK Done\r\n")},
	{"scram with text after the end",
		S("a AUTHENTICATE SCRAM-SHA-256 bg==\r\nYw==\r\neA==\r\n"),
		S("[SCRAM-SHA-256 n]+ cw==\r\n[SCRAM-SHA-256... c]+ dg==\r\n"
		  "a BAD Expected an empty line\r\n")},
	{"bad commands",
		S("\r\na\r\na \r\na b\r\n* NOOP\r\n+ NOOP\r\na SELECT INBOX\r\na NOOP x\r\na\nb "
		  "NOOP\r\n"),
		S("* BAD Expected a tag\r\na BAD Expected one space and an argument\r\n"
		  "a BAD Expected a word\r\n"
		  "a BAD Unknown command, or one that needs a sign-in first\r\n"
		  "* BAD Expected a tag\r\n* BAD Expected a tag\r\n"
		  "a BAD Unknown command, or one that needs a sign-in first\r\n"
		  "a BAD Unexpected text after the command\r\n"
		  "* BAD Lines end with CR LF\r\nb OK Done\r\n")},
	{"a web browser",
		S("GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\nI: j\r\nK: l\r\nM: n\r\n"
		  "O: p\r\nQ: r\r\nS: t\r\n"),
		S("GET BAD Expected a word\r\nA: BAD Unknown command, or one that needs a sign-in "
		  "first\r\nC: BAD Unknown command, or one that needs a sign-in first\r\nE: BAD "
		  "Unknown "
		  "command, or one that needs a sign-in first\r\nG: BAD Unknown command, or one "
		  "that "
		  "needs a sign-in first\r\nI: BAD Unknown command, or one that needs a sign-in "
		  "first\r\nK: BAD Unknown command, or one that needs a sign-in first\r\nM: BAD "
		  "Unknown "
		  "command, or one that needs a sign-in first\r\nO: BAD Unknown command, or one "
		  "that "
		  "needs a sign-in first\r\nQ: BAD Unknown command, or one that needs a sign-in "
		  "first\r\n* BYE Too many bad commands\r\n[CLOSE]")},
	{"starttls inside tls", S("a STARTTLS\r\n"), S("a BAD TLS is on already\r\n")},
};

static void
test_dialogues(void)
{
	static const struct imap_preauth_options o = {.tls = true, .max_failures = 3};

	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
		CLEANUP(buf_done) struct buf want = BUF_INIT(65536);

		buf_puts(&want, GREETING);
		buf_put(&want, dialogues[i].want);
		for (size_t step = 1; step <= dialogues[i].in.len; step++) {
			CLEANUP(buf_done) struct buf log = BUF_INIT(65536);
			int before = t_failed;

			run(&o, dialogues[i].in, step, &log);
			CHECK_SLICE(buf_slice(&log), buf_slice(&want));
			if (t_failed != before) {
				fprintf(stderr, "in \"%s\", step %zu\n", dialogues[i].what, step);
				break;
			}
		}
	}
}

#define PLAIN_GREETING "* OK [" CAPS " STARTTLS LOGINDISABLED] Letterlock is ready\r\n"

static void
test_starttls(void)
{
	static const struct imap_preauth_options o = {.starttls = true};
	CLEANUP(buf_done) struct buf log = BUF_INIT(65536);

	/* One byte at a time: what follows comes after TLS has started. */
	run(&o,
		S("a LOGIN x good\r\nb AUTHENTICATE PLAIN\r\nc ID (\"x\" \"y\")\r\nd STARTTLS\r\n"
		  "e CAPABILITY\r\nf AUTHENTICATE SCRAM-SHA-256-PLUS bg==\r\nYw==\r\n\r\n"),
		1, &log);
	CHECK_SLICE(buf_slice(&log),
		S(PLAIN_GREETING
			"a NO [PRIVACYREQUIRED] Use TLS first\r\n"
			"b NO [PRIVACYREQUIRED] Use TLS first\r\n"
			"* ID (\"name\" \"Letterlock\" \"version\" \"" LETTERLOCK_VERSION
			"\")\r\nc OK Done\r\n"
			"d OK Begin TLS now\r\n[TLS]* " CAPS
			" AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN\r\ne OK Done\r\n"
			"[SCRAM-SHA-256-PLUS n]+ cw==\r\n[SCRAM-SHA-256-PLUS... c]+ dg==\r\n"
			"HANDOVER f  + "));
	buf_reset(&log);
	run(&o, S("a STARTTLS\r\nb NOOP\r\n"), 100, &log);
	CHECK_SLICE(buf_slice(&log), S(PLAIN_GREETING "* BYE Commands after STARTTLS\r\n[CLOSE]"));
}

#define TOKENS " AUTH=OAUTHBEARER AUTH=XOAUTH2"
#define TOKENS_GREETING "* OK [" TLS_CAPS TOKENS "] Letterlock is ready\r\n"

/* A token that is not good: the client hears why, and answers before the sign-in fails (RFC 7628).
 */
static void
test_tokens(void)
{
	static const struct imap_preauth_options without = {.tls = true},
						 with = {.tls = true, .tokens = true};
	CLEANUP(buf_done) struct buf log = BUF_INIT(65536);

	run(&without, S("a AUTHENTICATE OAUTHBEARER bg==\r\nb AUTHENTICATE XOAUTH2\r\n"), 100,
		&log);
	CHECK_SLICE(buf_slice(&log),
		S(GREETING "a NO [CANNOT] Mechanism not offered\r\n"
			   "b NO [CANNOT] Mechanism not offered\r\n"));
	buf_reset(&log);
	run(&with, S("a CAPABILITY\r\nb AUTHENTICATE OAUTHBEARER bg==\r\nAQ==\r\n"), 1, &log);
	CHECK_SLICE(buf_slice(&log),
		S(TOKENS_GREETING "* " TLS_CAPS TOKENS "\r\na OK Done\r\n"
				  "[OAUTHBEARER n]+ cw==\r\n[OAUTHBEARER... \1]"
				  "b NO [AUTHENTICATIONFAILED] Wrong address or app password\r\n"));
	/* XOAUTH2 has an empty line for it. */
	buf_reset(&log);
	run(&with, S("a AUTHENTICATE xoauth2 bg==\r\n\r\n"), 1, &log);
	CHECK_SLICE(buf_slice(&log),
		S(TOKENS_GREETING "[XOAUTH2 n]+ cw==\r\n[XOAUTH2... ]"
				  "a NO [AUTHENTICATIONFAILED] Wrong address or app password\r\n"));
}

static void
test_limits(void)
{
	static const struct imap_preauth_options o = {.tls = true, .max_commands = 2};
	CLEANUP(buf_done) struct buf log = BUF_INIT(65536);
	CLEANUP(buf_done) struct buf in = BUF_INIT(65536);

	run(&o, S("a NOOP\r\nb NOOP\r\nc NOOP\r\nd NOOP\r\n"), 100, &log);
	CHECK_SLICE(buf_slice(&log),
		S(GREETING "a OK Done\r\nb OK Done\r\n* BYE Too many commands before "
			   "sign-in\r\n[CLOSE]"));
	buf_reset(&log);
	buf_puts(&in, "a LOGIN ");
	buf_put_fill(&in, 'x', 20000);
	run(&o, buf_slice(&in), 1000, &log);
	CHECK_SLICE(buf_slice(&log),
		S(GREETING "a BAD Line too long\r\n* BYE Line too long\r\n[CLOSE]"));
	buf_reset(&log);
	run(&o,
		S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		  "NOOP\r\n"),
		100, &log);
	CHECK_SLICE(buf_slice(&log), S(GREETING "* BAD Tag too long\r\n"));
}

static void
test_handover_failed(void)
{
	static const struct imap_preauth_options o = {.tls = true};
	struct imap_preauth *p = imap_preauth_new(&o);
	struct imap_auth_request r;

	CHECK_INT(imap_preauth_input(p, S("a LOGIN x good\r\nb NOOP\r\n")), 0);
	CHECK_INT(imap_preauth_next(p, &r), IMAP_PREAUTH_AUTH);
	CHECK(!imap_preauth_wants_input(p));
	CHECK(imap_preauth_input(p, S("x")) != 0);
	imap_preauth_accept(p, SLICE_NONE);
	CHECK_INT(imap_preauth_next(p, &r), IMAP_PREAUTH_SIGNED_IN);
	imap_preauth_handover_failed(p);
	CHECK_INT(imap_preauth_next(p, &r), IMAP_PREAUTH_MORE);
	CHECK(slice_ends(buf_slice(imap_preauth_output(p)),
		S("a NO [UNAVAILABLE] The mailbox cannot be opened now; try again later\r\n"
		  "b OK Done\r\n")));
	imap_preauth_free(p);
	imap_preauth_free(NULL);
}

T_MAIN(T(test_dialogues), T(test_starttls), T(test_tokens), T(test_limits), T(test_handover_failed))
