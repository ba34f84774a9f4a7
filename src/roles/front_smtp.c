/* SMTP in the frontend: the dialogue's questions go to auth, complete messages to delivery. `250`
 * waits for delivery's word that the message is durable. */
#include "roles/front_smtp.h"
#include "base/error.h"
#include "base/log.h"
#include "roles/tls_server.h"

#include <stdlib.h>
#include <string.h>

static void run(struct front_conn *c);

static bool
is_submission(const struct front_conn *c)
{
	return c->service != SERVICE_SMTP;
}

/* --- events of the dialogue --- */

static void
answer(struct smtp_state *s, enum smtp_verdict v)
{
	if (smtp_server_answer(s->server, v, SLICE_NONE))
		log_debug("smtp-answer", "verdict=%d", (int)v);
}

static void
on_connect(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	answer(s, SMTP_OK);
}

static void
login_step(struct front_conn *c, struct smtp_state *s, enum sasl_mechanism m, struct slice data,
	bool first)
{
	s->challenged = false;
	if (front_login(c, m, data, first))
		s->asked = ASKED_LOGIN;
	else
		answer(s, SMTP_AUTH_TEMPORARY);
}

static enum sasl_mechanism
mechanism_of(const struct smtp_server_event *e)
{
	switch (e->mechanism) {
	case SMTP_AUTH_PLAIN:
		return SASL_PLAIN;
	case SMTP_AUTH_SCRAM_SHA_256:
		return SASL_SCRAM_SHA_256;
	case SMTP_AUTH_OAUTHBEARER:
		return SASL_OAUTHBEARER;
	case SMTP_AUTH_XOAUTH2:
		return SASL_XOAUTH2;
	default:
		return SASL_SCRAM_SHA_256_PLUS;
	}
}

static void
on_auth(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	enum sasl_mechanism m = mechanism_of(e);

	s->accepted = s->orphaned = false;
	if (!e->has_data) {
		/* The client waits for the first, empty challenge (RFC 4954 section 4). */
		s->awaiting = true;
		if (smtp_server_auth_continue(s->server, SLICE_NONE))
			answer(s, SMTP_AUTH_TEMPORARY);
		return;
	}
	login_step(c, s, m, e->data, true);
}

static void
on_auth_data(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	enum sasl_mechanism m = mechanism_of(e);
	bool first = s->awaiting;

	if (s->accepted) {
		s->accepted = false;
		answer(s, e->data.len ? SMTP_AUTH_FAILED : SMTP_OK);
		return;
	}
	s->awaiting = false;
	if (s->orphaned)
		answer(s, SMTP_AUTH_TEMPORARY);
	else
		login_step(c, s, m, e->data, first);
	s->orphaned = false;
}

static void
on_mail(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	struct ipc_channel *auth = role_peer(c->env, ROLE_AUTH, 0);
	struct msg_sender_query m = {.id = c->id, .address = e->envelope->from.text};

	memcpy(m.ticket, c->ticket, sizeof(m.ticket));
	if (!auth || ipc_send_sender_query(auth, &m, -1))
		answer(s, SMTP_TEMPORARY);
	else
		s->asked = ASKED_SENDER;
}

static void
on_rcpt(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	struct ipc_channel *auth = role_peer(c->env, ROLE_AUTH, 0);
	struct msg_rcpt_query m = {.id = c->id << 16 | (e->rcpt & 0xffff),
		.address = e->envelope->rcpts[e->rcpt].path.text};

	s->rcpts_asked = MAX(s->rcpts_asked, e->rcpt + 1);
	if ((!auth || ipc_send_rcpt_query(auth, &m, -1)) &&
		smtp_server_answer_rcpt(s->server, e->rcpt, SMTP_TEMPORARY, SLICE_NONE))
		log_debug("smtp-rcpt", "index=%u", e->rcpt);
}

static void
on_data(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	front_smtp_forget(s);
	s->rcpts_asked = 0;
	answer(s, front_bodies > FRONT_BODIES_MAX ? SMTP_STORAGE : SMTP_OK);
}

static void
on_body(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	front_smtp_add(s, e->data);
}

static void
on_message(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	s->delivering = front_smtp_deliver(c, s, e->envelope) == LL_OK;
	if (!s->delivering) {
		front_smtp_forget(s);
		answer(s, SMTP_TEMPORARY);
	}
}

static void
on_abort(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	front_smtp_forget(s);
}

static void
on_close(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	front_finish(c);
}

static void
on_starttls(struct front_conn *c, struct smtp_state *s, const struct smtp_server_event *e)
{
	if (!front_start_tls(c))
		front_close(c);
}

static void (*const events[])(
	struct front_conn *, struct smtp_state *, const struct smtp_server_event *) = {
	[SMTP_SERVER_CONNECT] = on_connect,
	[SMTP_SERVER_STARTTLS] = on_starttls,
	[SMTP_SERVER_AUTH] = on_auth,
	[SMTP_SERVER_AUTH_DATA] = on_auth_data,
	[SMTP_SERVER_MAIL] = on_mail,
	[SMTP_SERVER_RCPT] = on_rcpt,
	[SMTP_SERVER_DATA] = on_data,
	[SMTP_SERVER_BODY] = on_body,
	[SMTP_SERVER_MESSAGE] = on_message,
	[SMTP_SERVER_ABORT] = on_abort,
	[SMTP_SERVER_CLOSE] = on_close,
};

static void
send_output(struct front_conn *c, struct smtp_state *s)
{
	struct slice out = smtp_server_output(s->server);

	if (out.len && stream_send(c->stream, out))
		front_close(c);
	smtp_server_sent(s->server, out.len);
}

static void
run(struct front_conn *c)
{
	struct smtp_state *s = c->state;
	struct smtp_server_event e;

	while (!c->closing) {
		enum smtp_server_event_kind kind = smtp_server_step(s->server, &e);
		if (kind == SMTP_SERVER_NONE || kind == SMTP_SERVER_STARTTLS ||
			kind == SMTP_SERVER_CLOSE)
			send_output(c, s);
		if (kind == SMTP_SERVER_NONE)
			break;
		events[kind](c, s, &e);
		if (kind == SMTP_SERVER_STARTTLS)
			break;
	}
}

/* --- input and answers --- */

static size_t
smtp_input(struct front_conn *c, struct slice in)
{
	struct smtp_state *s = c->state;
	size_t used = 0, n;

	do {
		n = smtp_server_feed(s->server, slice_skip(in, used));
		used += n;
		run(c);
	} while (n && used < in.len && !c->closing);
	if (used < in.len && !c->closing)
		stream_pause(c->stream);
	if (!s->delivering && !c->closing)
		front_timeout(c, smtp_server_timeout_seconds(s->server));
	return c->closing ? in.len : used;
}

/* After an answer the dialogue moves, and kept input may fit again. */
static void
go_on(struct front_conn *c)
{
	struct smtp_state *s = c->state;

	run(c);
	if (c->closing)
		return;
	front_timeout(c, smtp_server_timeout_seconds(s->server));
	stream_resume(c->stream);
}

static unsigned
auth_offer(struct front_conn *c)
{
	SSL *ssl = stream_tls(c->stream);
	uint8_t binding[32];

	if (!ssl || !is_submission(c))
		return 0;
	return SMTP_AUTH_PLAIN | SMTP_AUTH_SCRAM_SHA_256 |
		(front_has_tokens(c) ? SMTP_AUTH_OAUTHBEARER | SMTP_AUTH_XOAUTH2 : 0u) |
		(tls_exporter_binding(ssl, binding) ? SMTP_AUTH_SCRAM_SHA_256_PLUS : 0u);
}

static void
smtp_start(struct front_conn *c)
{
	static const enum smtp_service services[] = {
		[SERVICE_SMTP] = SMTP_SERVICE_MX,
		[SERVICE_SUBMISSION] = SMTP_SERVICE_SUBMISSION,
		[SERVICE_SUBMISSIONS] = SMTP_SERVICE_SUBMISSIONS,
	};
	struct smtp_state *s = calloc(1, sizeof(*s));

	c->state = s;
	if (!s) {
		front_close(c);
		return;
	}
	front_smtp_begin(s);
	s->config = (struct smtp_server_config){
		.service = services[c->service],
		.hostname = slice_str(c->env->config.hostname),
		.starttls = c->service != SERVICE_SUBMISSIONS,
		.ask_mail = is_submission(c),
		.auth = auth_offer(c),
		.max_size = c->env->config.message_size,
	};
	s->server = smtp_server_new(&s->config);
	if (!s->server) {
		front_close(c);
		return;
	}
	front_timeout(c, smtp_server_timeout_seconds(s->server));
	run(c);
}

static void
smtp_secured(struct front_conn *c)
{
	struct smtp_state *s = c->state;

	if (!s)
		smtp_start(c);
	else if (smtp_server_tls_done(s->server, auth_offer(c)))
		front_close(c);
	else
		go_on(c);
}

static void
smtp_challenge(struct front_conn *c, const struct msg_login_challenge *m)
{
	struct smtp_state *s = c->state;

	if (s->asked != ASKED_LOGIN)
		return;
	s->asked = ASKED_NOTHING;
	s->challenged = true;
	if (smtp_server_auth_continue(s->server, m->data) == LL_OK)
		go_on(c);
}

static void
smtp_result(struct front_conn *c, const struct msg_login_result *m)
{
	static const enum smtp_verdict verdicts[] = {
		[LOGIN_OK] = SMTP_OK,
		[LOGIN_REFUSED] = SMTP_AUTH_FAILED,
		[LOGIN_TEMPORARY] = SMTP_AUTH_TEMPORARY,
		[LOGIN_DISABLED] = SMTP_AUTH_FAILED,
		[LOGIN_NOT_PERMITTED] = SMTP_AUTH_FAILED,
	};
	struct smtp_state *s = c->state;

	if (s->asked != ASKED_LOGIN)
		return;
	s->asked = ASKED_NOTHING;
	/* SMTP has no place for SCRAM's last message but one more challenge (RFC 4954 section 4).
	 */
	s->accepted = m->result == LOGIN_OK && m->data.len > 0 &&
		smtp_server_auth_continue(s->server, m->data) == LL_OK;
	if (!s->accepted)
		answer(s,
			m->result < ARRAY_SIZE(verdicts) ? verdicts[m->result]
							 : SMTP_AUTH_TEMPORARY);
	go_on(c);
}

static void
smtp_sender(struct front_conn *c, const struct msg_sender_reply *m)
{
	struct smtp_state *s = c->state;

	if (s->asked != ASKED_SENDER)
		return;
	s->asked = ASKED_NOTHING;
	answer(s,
		m->result == LOGIN_OK		       ? SMTP_OK
			: m->result == LOGIN_TEMPORARY ? SMTP_TEMPORARY
						       : SMTP_SENDER_DENIED);
	go_on(c);
}

static void
smtp_rcpt(struct front_conn *c, const struct msg_rcpt_reply *m)
{
	static const enum smtp_verdict verdicts[] = {
		[RCPT_LOCAL] = SMTP_OK,
		[RCPT_REMOTE] = SMTP_RCPT_RELAY,
		[RCPT_UNKNOWN] = SMTP_RCPT_UNKNOWN,
		[RCPT_DISABLED] = SMTP_RCPT_DISABLED,
		[RCPT_FULL] = SMTP_RCPT_QUOTA,
		[RCPT_TEMPORARY] = SMTP_TEMPORARY,
	};
	struct smtp_state *s = c->state;
	enum smtp_verdict v =
		m->result < ARRAY_SIZE(verdicts) ? verdicts[m->result] : SMTP_TEMPORARY;

	if (m->result == RCPT_REMOTE && is_submission(c))
		v = SMTP_OK;
	if (smtp_server_answer_rcpt(s->server, (uint32_t)(m->id & 0xffff), v, SLICE_NONE) == LL_OK)
		go_on(c);
}

static void
smtp_delivered(
	struct front_conn *c, const struct ipc_channel *from, const struct msg_deliver_result *m)
{
	static const struct {
		uint16_t code;
		enum smtp_verdict verdict;
	} codes[] = {
		{250, SMTP_OK},
		{451, SMTP_TEMPORARY},
		{452, SMTP_STORAGE},
		{550, SMTP_UNAUTHENTIC},
		{552, SMTP_TOO_BIG},
		{554, SMTP_MALFORMED},
		{555, SMTP_SENDER_DENIED},
		{556, SMTP_LOOP},
	};
	struct smtp_state *s = c->state;
	enum smtp_verdict v = SMTP_TEMPORARY;

	/* Only the process that has the message may say what became of it. */
	if (!s->delivering || from != s->delivery)
		return;
	s->delivering = false;
	front_smtp_forget(s);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == m->code)
			v = codes[i].verdict;
	front_counters.messages += v == SMTP_OK;
	if (smtp_server_answer(s->server, v, m->text))
		log_debug("smtp-delivered", "code=%u", m->code);
	if (s->orphaned)
		smtp_server_shutdown(s->server);
	go_on(c);
}

static void
smtp_timeout(struct front_conn *c)
{
	struct smtp_state *s = c->state;

	if (s->delivering) {
		front_timeout(c, smtp_server_timeout_seconds(s->server));
		return;
	}
	smtp_server_timeout(s->server);
	run(c);
}

/* What waits for auth is told to try again. A finished sign-in was known to the auth that died
 * only: that client has to begin anew, once the message that it gave is answered. */
static void
auth_lost(struct front_conn *c, struct smtp_state *s)
{
	bool signed_in = s->accepted || smtp_server_is_authenticated(s->server);

	if (s->asked != ASKED_NOTHING)
		answer(s, s->asked == ASKED_LOGIN ? SMTP_AUTH_TEMPORARY : SMTP_TEMPORARY);
	s->asked = ASKED_NOTHING;
	for (uint32_t i = 0; i < s->rcpts_asked; i++)
		if (smtp_server_answer_rcpt(s->server, i, SMTP_TEMPORARY, SLICE_NONE) == LL_OK)
			log_debug("smtp-rcpt", "index=%u", i);
	s->orphaned = s->challenged || signed_in;
	if (signed_in && !s->delivering)
		smtp_server_shutdown(s->server);
	go_on(c);
}

/* Everything that waits for that process is told to try again. */
static void
smtp_lost(struct front_conn *c, enum role role, const struct ipc_channel *ch)
{
	struct smtp_state *s = c->state;

	if (!s || !s->server || c->closing)
		return;
	if (role == ROLE_DELIVERY && s->delivering && ch == s->delivery) {
		smtp_delivered(c, ch, &(struct msg_deliver_result){.code = 451});
	} else if (role == ROLE_AUTH) {
		auth_lost(c, s);
	} else if (role == ROLE_PARENT) {
		smtp_server_shutdown(s->server);
		run(c);
	}
}

static void
smtp_free(struct front_conn *c)
{
	struct smtp_state *s = c->state;

	if (!s)
		return;
	front_smtp_forget(s);
	smtp_server_free(s->server);
	free(s);
}

const struct front_face front_smtp = {
	.start = smtp_start,
	.input = smtp_input,
	.secured = smtp_secured,
	.timeout = smtp_timeout,
	.free = smtp_free,
	.login_challenge = smtp_challenge,
	.login_result = smtp_result,
	.sender_reply = smtp_sender,
	.rcpt_reply = smtp_rcpt,
	.deliver_result = smtp_delivered,
	.lost = smtp_lost,
};
