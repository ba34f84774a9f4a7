/* A caller of the SMTP server dialogue for tests and fuzz targets: it answers every question by a
 * fixed rule and writes down what happened, at once or as late as it may. */
#ifndef TESTS_SMTP_PEER_H
#define TESTS_SMTP_PEER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "base/vec.h"
#include "faces/smtp_server.h"

#define PEER_MAX ((size_t)256 << 20)

struct peer_question {
	uint32_t rcpt;
	enum smtp_verdict verdict;
};

struct peer {
	struct smtp_server *s;
	struct buf out; /* all that was replied */
	struct buf log; /* events and envelopes, one to a line */
	struct buf body; /* of the transaction that is open */
	struct buf messages; /* bodies of those that were accepted, with a line between them */
	bool late; /* RCPT answers are given in reverse order, when nothing else goes on */
	bool closed, no_drain;
	uint32_t accepted, most_open;
	VEC(struct peer_question) open;
};

static inline struct peer
peer_new(const struct smtp_server_config *config, bool late)
{
	struct peer p = {.s = smtp_server_new(config), .late = late};

	p.out = p.log = p.body = p.messages = BUF_INIT(PEER_MAX);
	return p;
}

static inline void
peer_done(struct peer *p)
{
	smtp_server_free(p->s);
	buf_done(&p->out);
	buf_done(&p->log);
	buf_done(&p->body);
	buf_done(&p->messages);
	VEC_DONE(&p->open);
}

static inline enum smtp_verdict
peer_verdict(struct slice local)
{
	static const struct {
		struct slice local;
		enum smtp_verdict verdict;
	} rules[] = {
		{S("temporary"), SMTP_TEMPORARY},
		{S("busy"), SMTP_BUSY},
		{S("unknown"), SMTP_RCPT_UNKNOWN},
		{S("disabled"), SMTP_RCPT_DISABLED},
		{S("inactive"), SMTP_RCPT_INACTIVE},
		{S("full"), SMTP_RCPT_QUOTA},
		{S("relay"), SMTP_RCPT_RELAY},
		{S("denied"), SMTP_SENDER_DENIED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (slice_eq(local, rules[i].local))
			return rules[i].verdict;
	return SMTP_OK;
}

static inline void
peer_note(struct peer *p, const char *word, struct slice what)
{
	buf_puts(&p->log, word);
	buf_put(&p->log, what);
	buf_putc(&p->log, '\n');
}

static inline void
peer_must(int err)
{
	if (err)
		abort();
}

static inline void
peer_auth(struct peer *p, const struct smtp_server_event *e)
{
	if (e->kind == SMTP_SERVER_AUTH && !e->has_data)
		peer_must(smtp_server_auth_continue(p->s, SLICE_NONE));
	else if (slice_eq(e->data, S("\0alice\0secret")))
		peer_must(smtp_server_answer(p->s, SMTP_OK, SLICE_NONE));
	else if (slice_starts(e->data, S("more")))
		peer_must(smtp_server_auth_continue(p->s, S("and then")));
	else
		peer_must(smtp_server_answer(p->s, SMTP_AUTH_FAILED, SLICE_NONE));
}

static inline void
peer_message(struct peer *p, const struct smtp_envelope *e)
{
	buf_printf(&p->log, "message body=%d ret=%d utf8=%d 8bit=%d declared=%llu size=%llu",
		e->body, e->ret, e->smtputf8, e->eight_bit, (unsigned long long)e->declared,
		(unsigned long long)e->size);
	peer_note(p, " from=", e->from.text);
	peer_note(p, " envid=", e->envid);
	peer_note(p, " auth=", e->auth);
	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		if (!e->rcpts[i].accepted)
			continue;
		peer_note(p, " rcpt=", e->rcpts[i].path.text);
		buf_printf(&p->log, "  notify=%u", e->rcpts[i].notify);
		peer_note(p, " orcpt=", e->rcpts[i].orcpt);
	}
	if (e->size != p->body.len || e->rcpt_accepted == 0)
		abort();
	if (peer_verdict(e->from.local) == SMTP_OK) {
		p->accepted++;
		buf_put(&p->messages, buf_slice(&p->body));
		buf_puts(&p->messages, "----\n");
	}
	buf_reset(&p->body);
	peer_must(smtp_server_answer(p->s, peer_verdict(e->from.local), SLICE_NONE));
}

static inline void
peer_rcpt(struct peer *p, const struct smtp_server_event *e)
{
	struct peer_question q = {e->rcpt, peer_verdict(e->envelope->rcpts[e->rcpt].path.local)};

	if (p->late)
		peer_must(VEC_PUSH(&p->open, q));
	else
		peer_must(smtp_server_answer_rcpt(p->s, q.rcpt, q.verdict, SLICE_NONE));
	if (p->open.len > p->most_open)
		p->most_open = (uint32_t)p->open.len;
}

static inline void
peer_data(struct peer *p, const struct smtp_server_event *e)
{
	bool refuse = slice_eq(e->envelope->from.local, S("nospace"));

	if (p->body.len)
		abort();
	peer_must(smtp_server_answer(p->s, refuse ? SMTP_STORAGE : SMTP_OK, SLICE_NONE));
}

static inline void
peer_event(struct peer *p, const struct smtp_server_event *e)
{
	switch (e->kind) {
	case SMTP_SERVER_CONNECT:
		peer_must(smtp_server_answer(p->s, SMTP_OK, SLICE_NONE));
		break;
	case SMTP_SERVER_STARTTLS:
		peer_note(p, "starttls", SLICE_NONE);
		peer_must(smtp_server_tls_done(p->s,
			SMTP_AUTH_PLAIN | SMTP_AUTH_SCRAM_SHA_256 | SMTP_AUTH_SCRAM_SHA_256_PLUS));
		break;
	case SMTP_SERVER_AUTH:
	case SMTP_SERVER_AUTH_DATA:
		peer_note(p, "auth ", e->data);
		peer_auth(p, e);
		break;
	case SMTP_SERVER_MAIL:
		peer_must(smtp_server_answer(
			p->s, peer_verdict(e->envelope->from.local), SLICE_NONE));
		break;
	case SMTP_SERVER_RCPT:
		peer_rcpt(p, e);
		break;
	case SMTP_SERVER_DATA:
		peer_data(p, e);
		break;
	case SMTP_SERVER_BODY:
		buf_put(&p->body, e->data);
		break;
	case SMTP_SERVER_MESSAGE:
		peer_message(p, e->envelope);
		break;
	case SMTP_SERVER_ABORT:
		peer_note(p, "abort", SLICE_NONE);
		buf_reset(&p->body);
		break;
	case SMTP_SERVER_CLOSE:
		p->closed = true;
		break;
	case SMTP_SERVER_NONE:
		break;
	}
}

/* False when there was nothing to write. */
static inline bool
peer_drain(struct peer *p)
{
	struct slice out = smtp_server_output(p->s);

	if (p->no_drain || !out.len)
		return false;
	buf_put(&p->out, out);
	smtp_server_sent(p->s, out.len);
	return true;
}

/* Goes on until nothing more happens. */
static inline void
peer_run(struct peer *p)
{
	struct smtp_server_event e;

	bool more = true;

	while (more && !p->closed) {
		while (smtp_server_step(p->s, &e) != SMTP_SERVER_NONE && !p->closed)
			peer_event(p, &e);
		more = peer_drain(p) || p->open.len;
		while (p->open.len) {
			struct peer_question q = p->open.at[--p->open.len];
			/* A 421 among the answers closes; those that come after it are late. */
			if (smtp_server_answer_rcpt(p->s, q.rcpt, q.verdict, SLICE_NONE))
				p->open.len = 0;
		}
	}
	peer_drain(p);
}

/* Feeds all of it in pieces of `step` octets. */
static inline void
peer_feed(struct peer *p, struct slice in, size_t step)
{
	peer_run(p);
	while (in.len && !p->closed) {
		size_t n = smtp_server_feed(p->s, slice_sub(in, 0, step));
		in = slice_skip(in, n);
		peer_run(p);
		if (!n && !p->closed)
			abort(); /* starved: the dialogue neither reads nor closes */
	}
}

#endif
