/* The client dialogue with a peer that says anything: nothing is called sent before all of it was
 * given and the peer said yes; every recipient gets a result; and replies are the same however they
 * are cut. */
#include "../../unit/faces/smtp_sender.h"
#include "../cut.h"
#include "faces/smtp_reply.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct smtp_client_rcpt rcpts[] = {
	{.address = S("b@c.d"), .notify = SMTP_NOTIFY_FAILURE},
	{.address = S("\xc3\xa4@c.d")},
	{.address = S("e@f.g"), .orcpt = S("rfc822;e@f.g")},
};

static void
check_results(const struct sender *s)
{
	const struct smtp_client_message *m = &s->messages[s->next - 1];

	for (uint32_t i = 0; i < m->rcpt_count; i++) {
		const struct smtp_client_result *r = smtp_client_result(s->c, i);
		if (!r || r->enhanced[0] < 2 || r->enhanced[0] > 5)
			abort();
		if (r->outcome == SMTP_OUTCOME_SENT && (s->given != m->size || r->code / 100 != 2))
			abort();
		if (slice_find_byte(r->text, '\r') != SLICE_NPOS ||
			slice_find_byte(r->text, 0) != SLICE_NPOS)
			abort();
	}
	if (smtp_client_result(s->c, m->rcpt_count))
		abort();
}

/* Each way to cut the input gives the same sequence of replies, or the same failure. */
static void
reply_trace(struct slice in, bool whole, struct buf *trace)
{
	uint32_t hash = fuzz_hash(in);
	CLEANUP(buf_done) struct buf held = BUF_INIT(1 << 20);
	enum parse_result r = PARSE_MORE;
	struct smtp_reply reply;
	size_t at = 0, n;

	smtp_reply_init(&reply);
	for (; at < in.len && r != PARSE_BAD; at += n) {
		struct slice rest;
		const char *why;
		n = whole ? in.len : fuzz_piece(hash, at, in.len);
		buf_put(&held, slice_sub(in, at, n));
		rest = buf_slice(&held);
		while ((r = smtp_reply_parse(&reply, &rest, &why)) == PARSE_OK) {
			buf_printf(trace, "%u %u.%u.%u %u ", reply.code, reply.enhanced[0],
				reply.enhanced[1], reply.enhanced[2], reply.lines);
			buf_put(trace, buf_slice(&reply.text));
			buf_putc(trace, '\n');
			smtp_reply_reset(&reply);
		}
		buf_consume(&held, held.len - rest.len);
	}
	buf_puts(trace, r == PARSE_BAD ? "bad" : "");
	smtp_reply_done(&reply);
}

static void
check_reply_cuts(struct slice in)
{
	CLEANUP(buf_done) struct buf whole = BUF_INIT(1 << 22), cut = BUF_INIT(1 << 22);

	reply_trace(in, true, &whole);
	reply_trace(in, false, &cut);
	if (!slice_eq(buf_slice(&whole), buf_slice(&cut)))
		abort();
}

static void
run_client(struct sender *s)
{
	while (!s->closed) {
		switch (smtp_client_step(s->c)) {
		case SMTP_CLIENT_READY:
			sender_ready(s);
			break;
		case SMTP_CLIENT_STARTTLS:
			sender_must(smtp_client_tls_done(s->c));
			break;
		case SMTP_CLIENT_BODY:
			if (!sender_body(s) && ++s->stuck > 1)
				abort();
			break;
		case SMTP_CLIENT_DONE:
			check_results(s);
			break;
		case SMTP_CLIENT_CLOSED:
			s->closed = true;
			break;
		case SMTP_CLIENT_NONE:
			smtp_client_sent(s->c, smtp_client_output(s->c).len);
			if (smtp_client_step(s->c) == SMTP_CLIENT_NONE)
				return;
			abort(); /* writing commands out makes nothing happen by itself */
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_client_config config = {.hostname = S("out.example")};
	struct smtp_client_message m[3] = {{.from = S("a@b.c"), .rcpts = rcpts, .rcpt_count = 3}};
	struct slice in, bodies[3];
	struct sender s = {.messages = m, .bodies = bodies, .count = 3, .piece = 5};

	if (size < 2)
		return 0;
	m[2] = m[1] = m[0];
	m[1].binary = true;
	m[2].eight_bit = true;
	bodies[0] = bodies[2] = S("Subject: a\r\n\r\n.\r\n..\r\nb");
	bodies[1] = S("a\0\n.\n\r.\r");
	for (size_t i = 0; i < 3; i++)
		m[i].size = bodies[i].len;
	config.no_chunking = data[0] & 1;
	s.tls = data[0] & 2;
	s.c = smtp_client_new(&config);
	in = slice_new(data + 2, size - 2);
	check_reply_cuts(in);
	while (in.len && !s.closed) {
		size_t n = 1u + data[1];
		smtp_client_feed(s.c, slice_sub(in, 0, n));
		in = slice_skip(in, n);
		run_client(&s);
	}
	smtp_client_eof(s.c);
	run_client(&s);
	if (!s.closed)
		abort();
	sender_done(&s);
	return 0;
}
