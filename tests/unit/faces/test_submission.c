/* Submission: what is refused, added and taken out; and the trace fields. */
#include "t.h"

#include "base/error.h"
#include "faces/submission.h"

static const struct slice keys[] = {
	S("alice@example.org"), S("info@example.org"), S("@own.example")};
static const struct submission_rights rights = {keys, ARRAY_SIZE(keys)};
static const struct smtp_received received = {
	.service = SMTP_SERVICE_SUBMISSIONS,
	.esmtp = true,
	.tls = true,
	.authenticated = true,
	.helo = S("[192.168.7.7]"),
	.client_ip = S("203.0.113.9"),
	.client_name = S("home.isp.example"),
	.tls_version = S("TLSv1.3"),
	.tls_cipher = S("TLS_AES_256_GCM_SHA384"),
	.hostname = S("mx.example.org"),
	.id = S("Q1"),
	.time = 1795299183,
};
#define TRACE                                                                                      \
	"Received: from submission\r\n\tby mx.example.org with ESMTPSA id Q1\r\n"                  \
	"\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3);\r\n\tSat, 21 Nov 2026 22:13:03 +0000\r\n"
#define DATE "Date: Sat, 21 Nov 2026 22:13:03 +0000\r\n"

static struct submission_options
options(void)
{
	return (struct submission_options){.rights = &rights,
		.received = &received,
		.random = S("\x10\x20\x30\x30\x30\x30\x30\x40\x48\x91\x10\x20\x30\x30\x30\x30"),
		.now = received.time};
}

static void
accepted(void)
{
	static const struct {
		struct slice in;
		struct slice out; /* behind the trace */
		struct slice body;
	} t[] = {
		{S("From: alice@example.org\r\nDate: x\r\nMessage-ID: <a@b>\r\n\r\nbody\r\n"),
			S("From: alice@example.org\r\nDate: x\r\nMessage-ID: <a@b>\r\n\r\n"),
			S("body\r\n")},
		{S("From: alice@example.org\r\nmessage-id: <a@b>\r\n\r\n"),
			S("From: alice@example.org\r\nmessage-id: <a@b>\r\n" DATE "\r\n"), S("")},
		{S("From: A <ALICE@Example.ORG>\r\nBcc: x@y.z,\r\n\ta@b.c\r\nTo: b@c.d\r\nBCC:\r\n"
		   "Date: x\r\nMessage-ID: <a@b>\r\nReturn-Path: <x@y.z>\r\nResent-Bcc: "
		   "q\r\n\r\n.\r\n"),
			S("From: A <ALICE@Example.ORG>\r\nTo: b@c.d\r\nDate: x\r\n"
			  "Message-ID: <a@b>\r\n\r\n"),
			S(".\r\n")},
		{S("From: alice+lists@example.org\r\nSender: info@example.org\r\nDate: x\r\n"
		   "Message-ID: <a@b>\r\n\r\n"),
			S("From: alice+lists@example.org\r\nSender: info@example.org\r\nDate: x\r\n"
			  "Message-ID: <a@b>\r\n\r\n"),
			S("")},
		{S("From: anybody@own.example\r\nDate: x\r\nMessage-ID: <a@b>"),
			S("From: anybody@own.example\r\nDate: x\r\nMessage-ID: <a@b>\r\n\r\n"),
			S("")},
		{S("From: =?utf-8?q?a=2C?= <info@example.org>,\r\n alice@example.org\r\nDate: x\r\n"
		   "Message-ID: <a@b>\r\n\r\nBcc: not a field\r\n"),
			S("From: =?utf-8?q?a=2C?= <info@example.org>,\r\n alice@example.org\r\n"
			  "Date: x\r\nMessage-ID: <a@b>\r\n\r\n"),
			S("Bcc: not a field\r\n")},
		{S("From: alice@example.org\r\nAuthentication-Results: MX.example.org;\r\n"
		   " dmarc=pass\r\nAuthentication-Results: mx.other.example; none\r\nDate: x\r\n"
		   "Message-ID: <a@b>\r\nAuthentication-Results: \"mx.example.org\"; auth=pass\r\n"
		   "\r\n"),
			S("From: alice@example.org\r\n"
			  "Authentication-Results: mx.other.example; none\r\nDate: x\r\n"
			  "Message-ID: <a@b>\r\n\r\n"),
			S("")},
	};
	struct submission_options o = options();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
		CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
		struct submission_result r = {.body = 0};
		CHECK_INT(submission_prepare(&o, t[i].in, &arena, &out, &r), 0);
		CHECK_INT(r.verdict, SMTP_OK);
		CHECK(slice_starts(buf_slice(&out), S(TRACE)));
		CHECK_SLICE(slice_skip(buf_slice(&out), sizeof(TRACE) - 1), t[i].out);
		CHECK_SLICE(slice_skip(t[i].in, r.body), t[i].body);
		CHECK(!r.header_utf8);
	}
}

static void
message_id(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct submission_options o = options();
	struct submission_result r = {.body = 0};
	struct slice id, rest;

	CHECK_INT(submission_prepare(
			  &o, S("From: \xc3\xa4 <alice@example.org>\r\n\r\n"), &arena, &out, &r),
		0);
	CHECK(r.added_message_id && r.added_date && r.header_utf8);
	CHECK_SLICE(r.from, S("alice@example.org"));
	rest = slice_skip(buf_slice(&out), slice_find(buf_slice(&out), S("Message-ID: <")) + 13);
	id = slice_split(&rest, '>');
	CHECK_INT(id.len, 26 + sizeof("@example.org") - 1);
	CHECK(slice_ends(id, S("@example.org")));
	CHECK_SLICE(rest, S("\r\n\r\n"));
}

static void
refused(void)
{
	static const struct {
		struct slice in;
		enum smtp_verdict verdict;
	} t[] = {
		{S(""), SMTP_MALFORMED},
		{S("\r\nbody"), SMTP_MALFORMED},
		{S("To: a@b.c\r\n\r\n"), SMTP_MALFORMED},
		{S("From: alice@example.org\r\nFrom: alice@example.org\r\n\r\n"), SMTP_MALFORMED},
		{S("From : alice@example.org\r\nfrom: mallory@example.org\r\n\r\n"),
			SMTP_MALFORMED},
		{S("From: alice@example.org\r\nSender: alice@example.org\r\nSender: a@b.c\r\n\r\n"),
			SMTP_MALFORMED},
		{S("From: mallory@example.org\r\n\r\n"), SMTP_SENDER_DENIED},
		{S("From: alice@example.com\r\n\r\n"), SMTP_SENDER_DENIED},
		{S("From: alice@sub.own.example\r\n\r\n"), SMTP_SENDER_DENIED},
		{S("From: alice@example.org, mallory@example.org\r\n\r\n"), SMTP_SENDER_DENIED},
		{S("From: alice@example.org\r\nSender: mallory@example.org\r\n\r\n"),
			SMTP_SENDER_DENIED},
		{S("From: alicex+alice@example.org\r\n\r\n"), SMTP_SENDER_DENIED},
		{S("From: alice\r\n\r\n"), SMTP_MALFORMED},
		{S("From: undisclosed:;\r\n\r\n"), SMTP_MALFORMED},
		{S("From:\r\n\r\n"), SMTP_MALFORMED},
		{S("From: <>\r\n\r\n"), SMTP_MALFORMED},
		{S("From alice@example.org Sat Nov 21\r\nFrom: alice@example.org\r\n\r\n"),
			SMTP_MALFORMED},
		{S("From: alice@example.org\r\nno field\r\n\r\n"), SMTP_MALFORMED},
		{S("From: alice@example.org\r\n: x\r\n\r\n"), SMTP_MALFORMED},
	};
	struct submission_options o = options();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
		CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
		struct submission_result r = {.verdict = SMTP_OK};
		int before = t_failed;
		CHECK_INT(submission_prepare(&o, t[i].in, &arena, &out, &r), 0);
		CHECK_INT(r.verdict, t[i].verdict);
		CHECK(r.why && *r.why);
		if (t_failed != before)
			fprintf(stderr, "in message %zu\n", i);
	}
}

/* Fields beyond the reader's limit would be unseen Froms and Bccs. */
static void
many_fields(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(4 << 20), out = BUF_INIT(4 << 20);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct submission_options o = options();
	struct submission_result r = {.verdict = SMTP_OK};

	buf_puts(&in, "From: alice@example.org\r\n");
	for (unsigned i = 0; i < 10000; i++)
		buf_puts(&in, "X: y\r\n");
	buf_puts(&in, "From: mallory@example.org\r\n\r\n");
	CHECK_INT(submission_prepare(&o, buf_slice(&in), &arena, &out, &r), 0);
	CHECK_INT(r.verdict, SMTP_MALFORMED);
	buf_reset(&in);
	buf_puts(&in, "From: alice@example.org\r\nX: ");
	buf_put_fill(&in, 'x', SUBMISSION_HEADER_MAX);
	buf_puts(&in, "\r\n\r\n");
	CHECK_INT(submission_prepare(&o, buf_slice(&in), &arena, &out, &r), 0);
	CHECK_INT(r.verdict, SMTP_MALFORMED);
}

/* One of a domain that is ours may have any local part, but not of any length. */
static void
long_address(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct submission_options o = options();
	struct submission_result r = {.verdict = SMTP_OK};

	buf_puts(&in, "From: ");
	buf_put_fill(&in, 'x', 1100);
	buf_puts(&in, "@own.example\r\n\r\n");
	CHECK_INT(submission_prepare(&o, buf_slice(&in), &arena, &out, &r), 0);
	CHECK_INT(r.verdict, SMTP_MALFORMED);
}

static void
may_use(void)
{
	CHECK_INT(submission_may_use(&rights, S("alice"), S("example.org"), '+'), 0);
	CHECK_INT(submission_may_use(&rights, S("\"alice\""), S("EXAMPLE.org"), '+'), 0);
	CHECK_INT(submission_may_use(&rights, S("alice+x"), S("example.org"), '+'), 0);
	CHECK_INT(submission_may_use(&rights, S("alice+x"), S("example.org"), 0), LL_ERR_DENIED);
	CHECK_INT(submission_may_use(&rights, S("alice-x"), S("example.org"), '+'), LL_ERR_DENIED);
	CHECK_INT(submission_may_use(&rights, S("x"), S("own.example"), 0), 0);
	CHECK_INT(submission_may_use(&rights, S(""), S("own.example"), 0), LL_ERR_SYNTAX);
	CHECK_INT(submission_may_use(&rights, S("x"), S(""), 0), LL_ERR_SYNTAX);
}

static void
trace(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	struct smtp_received r = received;
	struct smtp_path path = {.text = S("a@b.c")};

	r.service = SMTP_SERVICE_MX;
	r.authenticated = false;
	r.smtputf8 = true;
	r.rcpt = S("bob@example.org");
	CHECK_INT(smtp_received_put(&out, &r), 0);
	CHECK_SLICE(buf_slice(&out),
		S("Received: from [192.168.7.7] (home.isp.example [203.0.113.9])\r\n"
		  "\tby mx.example.org with UTF8SMTPS id Q1\r\n\tfor <bob@example.org>\r\n"
		  "\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3);\r\n\tSat, 21 Nov 2026 22:13:03 "
		  "+0000\r\n"));
	buf_reset(&out);
	r = (struct smtp_received){
		.helo = S("a\r\nb(c)"), .client_ip = S("2001:db8::1"), .hostname = S("h")};
	CHECK_INT(smtp_received_put(&out, &r), 0);
	CHECK_SLICE(buf_slice(&out),
		S("Received: from a??b?c? ([IPv6:2001:db8::1])\r\n\tby h with SMTP;\r\n"
		  "\tThu, 1 Jan 1970 00:00:00 +0000\r\n"));
	buf_reset(&out);
	CHECK_INT(smtp_return_path_put(&out, &path), 0);
	path.text = S("");
	CHECK_INT(smtp_return_path_put(&out, &path), 0);
	CHECK_SLICE(buf_slice(&out), S("Return-Path: <a@b.c>\r\nReturn-Path: <>\r\n"));
}

T_MAIN(T(accepted), T(message_id), T(refused), T(many_fields), T(long_address), T(may_use),
	T(trace))
