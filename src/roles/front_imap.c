/* IMAP in the frontend: the dialogue before sign-in, then a pipe between the client and its
 * session. */
#include "base/error.h"
#include "base/log.h"
#include "faces/imap_preauth.h"
#include "roles/front.h"
#include "roles/tls_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREAUTH_TIMEOUT 60
#define SESSION_TIMEOUT (31 * 60) /* RFC 9051 section 5.4: at least 30 minutes */
#define FIRST_WORD_TIMEOUT 60 /* a session opens its account and greets; longer and it hangs */
#define PIPE_HIGH ((size_t)256 << 10)
#define TAIL_MAX 128

struct imap_state {
	struct imap_preauth *preauth;
	struct stream *inner; /* to the session */
	bool heard; /* the session has said something */
	uint8_t tail[TAIL_MAX]; /* the last it said */
	size_t tail_len;
	char tag[256];
};

static void run(struct front_conn *c);

static void
send_output(struct front_conn *c, struct imap_state *s)
{
	struct buf *out = imap_preauth_output(s->preauth);

	if (out->len && stream_send(c->stream, buf_slice(out)))
		front_close(c);
	buf_consume(out, out->len);
}

/* --- after sign-in --- */

static void
keep_tail(struct imap_state *s, struct slice in)
{
	if (in.len >= TAIL_MAX) {
		memcpy(s->tail, in.ptr + in.len - TAIL_MAX, TAIL_MAX);
		s->tail_len = TAIL_MAX;
		return;
	}
	if (s->tail_len + in.len > TAIL_MAX) {
		size_t drop = s->tail_len + in.len - TAIL_MAX;
		memmove(s->tail, s->tail + drop, s->tail_len - drop);
		s->tail_len -= drop;
	}
	memcpy(s->tail + s->tail_len, in.ptr, in.len);
	s->tail_len += in.len;
}

static size_t
inner_input(void *ctx, struct slice in)
{
	struct front_conn *c = ctx;
	struct imap_state *s = c->state;

	if (!s->heard)
		front_timeout(c, SESSION_TIMEOUT);
	s->heard = true;
	keep_tail(s, in);
	if (stream_send(c->stream, in)) {
		front_close(c);
		return in.len;
	}
	if (stream_queued(c->stream) > PIPE_HIGH)
		stream_pause(s->inner);
	return in.len;
}

static void
inner_drained(void *ctx)
{
	struct front_conn *c = ctx;

	stream_resume(c->stream);
}

static void
say_unavailable(struct front_conn *c, const struct imap_state *s)
{
	char line[400];
	int n = snprintf(line, sizeof(line),
		"%s NO [UNAVAILABLE] The mailbox cannot be opened now\r\n", s->tag);

	(void)stream_send(c->stream, slice_new(line, (size_t)n));
}

/* The session is over. One that ended without a word of it died: say so where a line may stand. */
static void
inner_closed(void *ctx, int err)
{
	static const char bye[] = "* BYE [UNAVAILABLE] The session ended, please connect again\r\n";
	struct front_conn *c = ctx;
	struct imap_state *s = c->state;
	struct slice tail = slice_new(s->tail, s->tail_len);

	if (!s->heard)
		say_unavailable(c, s);
	if (!s->heard ||
		(slice_find(tail, S("* BYE")) == SLICE_NPOS && slice_ends(tail, S("\r\n"))))
		(void)stream_send(c->stream, slice_str(bye));
	if (!c->closing)
		front_finish(c);
}

static const struct stream_ops inner_ops = {inner_input, inner_drained, NULL, inner_closed};

/* Makes the pipe and gives its far end to auth for the session. */
static bool
attach(struct front_conn *c, const struct imap_handover *h, int far)
{
	struct ipc_channel *auth = role_peer(c->env, ROLE_AUTH, 0);
	struct msg_attach m = {.id = c->id,
		.service = (uint8_t)c->service,
		.tag = h->tag,
		.peer = slice_new(c->ip, 16)};

	memcpy(m.ticket, c->ticket, sizeof(m.ticket));
	return auth && ipc_send_attach(auth, &m, far) == LL_OK;
}

static void
hand_over(struct front_conn *c, struct imap_state *s)
{
	static const int size = 212992; /* what Linux lets everybody have; it takes twice that */
	struct imap_handover h;
	bool ok;
	int fds[2];

	imap_preauth_handover(s->preauth, &h);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
		imap_preauth_handover_failed(s->preauth);
		run(c);
		return;
	}
	(void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	snprintf(s->tag, sizeof(s->tag), "%.*s", SLICE_ARG(h.tag));
	ok = attach(c, &h, fds[1]);
	close(fds[1]);
	if (ok)
		s->inner = stream_new(c->env->loop, fds[0], &inner_ops, c);
	else
		close(fds[0]);
	if (!s->inner) {
		imap_preauth_handover_failed(s->preauth);
		run(c);
		return;
	}
	if (stream_send(s->inner, h.rest))
		front_close(c);
	imap_preauth_free(TAKE(s->preauth));
	front_timeout(c, FIRST_WORD_TIMEOUT);
	stream_resume(c->stream);
}

/* --- before sign-in --- */

static void
request(struct front_conn *c, struct imap_state *s, const struct imap_auth_request *q)
{
	enum sasl_mechanism m = strcmp(q->mechanism, "PLAIN") == 0 ? SASL_PLAIN
		: strcmp(q->mechanism, "SCRAM-SHA-256") == 0	   ? SASL_SCRAM_SHA_256
		: strcmp(q->mechanism, "OAUTHBEARER") == 0	   ? SASL_OAUTHBEARER
		: strcmp(q->mechanism, "XOAUTH2") == 0		   ? SASL_XOAUTH2
								   : SASL_SCRAM_SHA_256_PLUS;

	if (!front_login(c, m, q->data, q->first))
		imap_preauth_reject(s->preauth, IMAP_AUTH_TEMPORARY);
}

static void
run(struct front_conn *c)
{
	struct imap_state *s = c->state;
	struct imap_auth_request q;

	while (!c->closing && s->preauth) {
		enum imap_preauth_event e = imap_preauth_next(s->preauth, &q);
		send_output(c, s);
		if (e == IMAP_PREAUTH_MORE)
			return;
		if (e == IMAP_PREAUTH_AUTH) {
			request(c, s, &q);
		} else if (e == IMAP_PREAUTH_SIGNED_IN) {
			hand_over(c, s);
			return;
		} else if (e == IMAP_PREAUTH_STARTTLS) {
			if (!front_start_tls(c))
				front_close(c);
			return;
		} else {
			front_finish(c);
		}
	}
}

static void
imap_start(struct front_conn *c)
{
	struct imap_state *s = calloc(1, sizeof(*s));
	SSL *ssl = stream_tls(c->stream);
	uint8_t binding[32];
	/* Without TLS there is the service for this machine's own programs only. */
	struct imap_preauth_options o = {.tls = true,
		.channel_binding = ssl && tls_exporter_binding(ssl, binding),
		.tokens = front_has_tokens(c)};

	c->state = s;
	if (s)
		s->preauth = imap_preauth_new(&o);
	if (!s || !s->preauth) {
		front_close(c);
		return;
	}
	front_timeout(c, PREAUTH_TIMEOUT);
	run(c);
}

static void
imap_secured(struct front_conn *c)
{
	struct imap_state *s = c->state;
	uint8_t binding[32];

	if (!s) {
		imap_start(c);
		return;
	}
	imap_preauth_tls_started(s->preauth, tls_exporter_binding(stream_tls(c->stream), binding));
	front_timeout(c, PREAUTH_TIMEOUT);
	run(c);
}

static size_t
imap_input(struct front_conn *c, struct slice in)
{
	struct imap_state *s = c->state;

	if (s->inner) {
		if (s->heard)
			front_timeout(c, SESSION_TIMEOUT);
		/* A session that is ending takes no more, but its last words are still to come. */
		if (stream_send(s->inner, in) == LL_ERR_LIMIT)
			front_close(c);
		else if (stream_queued(s->inner) > PIPE_HIGH)
			stream_pause(c->stream);
		return in.len;
	}
	if (!imap_preauth_wants_input(s->preauth)) {
		stream_pause(c->stream);
		return 0;
	}
	if (imap_preauth_input(s->preauth, in))
		front_close(c);
	else
		run(c);
	return in.len;
}

static void
imap_drained(struct front_conn *c)
{
	struct imap_state *s = c->state;

	if (s && s->inner)
		stream_resume(s->inner);
}

static void
go_on(struct front_conn *c)
{
	run(c);
	if (!c->closing)
		stream_resume(c->stream);
}

static void
imap_challenge(struct front_conn *c, const struct msg_login_challenge *m)
{
	struct imap_state *s = c->state;

	if (!s->preauth)
		return;
	imap_preauth_challenge(s->preauth, m->data);
	go_on(c);
}

static void
imap_result(struct front_conn *c, const struct msg_login_result *m)
{
	static const enum imap_auth_failure failures[] = {
		[LOGIN_REFUSED] = IMAP_AUTH_WRONG,
		[LOGIN_TEMPORARY] = IMAP_AUTH_TEMPORARY,
		[LOGIN_DISABLED] = IMAP_AUTH_DISABLED,
		[LOGIN_NOT_PERMITTED] = IMAP_AUTH_DISABLED,
	};
	struct imap_state *s = c->state;

	if (!s->preauth)
		return;
	if (m->result == LOGIN_OK)
		imap_preauth_accept(s->preauth, m->data);
	else
		imap_preauth_reject(s->preauth,
			m->result < ARRAY_SIZE(failures) ? failures[m->result]
							 : IMAP_AUTH_TEMPORARY);
	go_on(c);
}

static void
imap_bye(struct front_conn *c, const char *why)
{
	struct imap_state *s = c->state;

	if (s && s->preauth) {
		imap_preauth_bye(s->preauth, why);
		run(c);
		return;
	}
	if (s && !s->heard) {
		say_unavailable(c, s);
		(void)stream_send(c->stream, S("* BYE [UNAVAILABLE] Please connect again\r\n"));
	} else if (s) {
		(void)stream_send(c->stream, S("* BYE Autologout; idle for too long\r\n"));
	}
	front_finish(c);
}

static void
imap_timeout(struct front_conn *c)
{
	imap_bye(c, "Idle for too long");
}

static void
imap_lost(struct front_conn *c, enum role role, const struct ipc_channel *ch)
{
	struct imap_state *s = c->state;

	if (!s || !s->preauth)
		return;
	if (role == ROLE_PARENT)
		imap_bye(c, "The server is stopping");
	else if (role == ROLE_AUTH)
		imap_bye(c, "Sign-in is not possible now, please try again");
}

static void
imap_free(struct front_conn *c)
{
	struct imap_state *s = c->state;

	if (!s)
		return;
	imap_preauth_free(s->preauth);
	stream_free(s->inner);
	free(s);
}

const struct front_face front_imap = {
	.start = imap_start,
	.input = imap_input,
	.drained = imap_drained,
	.secured = imap_secured,
	.timeout = imap_timeout,
	.free = imap_free,
	.login_challenge = imap_challenge,
	.login_result = imap_result,
	.lost = imap_lost,
};
