/* What auth answers by HTTP: the commands of the auth API, and the policies that domains publish.
 * JSON is read and written here; auth sees forms only. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "faces/web_api.h"
#include "ipc/web.h"
#include "roles/front_web.h"

#include <stdlib.h>
#include <string.h>

struct command {
	const struct web_api_endpoint *endpoint;
	char name[64];
	char agent[257];
	bool asked;
};

static size_t
command_body(struct front_task *t, struct slice piece)
{
	if (t->gathered.len + piece.len > WEB_API_REQUEST_MAX || buf_put(&t->gathered, piece))
		front_task_problem(t, 413, "too-large", "The request is too large.", 0);
	return piece.len;
}

static void
command_end(struct front_task *t)
{
	struct command *k = t->state;
	struct ipc_channel *auth = role_peer(t->c->env, ROLE_AUTH, 0);
	CLEANUP(buf_done) struct buf form = BUF_SECRET(IPC_PAYLOAD_MAX);
	const char *why = "The request is not understood.";
	struct msg_web_command m = {.id = t->id,
		.peer = slice_new(t->c->ip, 16),
		.token = slice_new(t->token, t->has_token ? sizeof(t->token) : 0),
		.agent = slice_str(k->agent),
		.command = slice_str(k->name)};

	if (t->head_sent)
		return;
	if (web_api_request(k->endpoint, buf_slice(&t->gathered), &form, &why)) {
		front_task_problem(t, 400, "request", why, 0);
		return;
	}
	m.body = buf_slice(&form);
	k->asked = auth && ipc_send_web_command(auth, &m, -1) == LL_OK;
	if (!k->asked)
		front_task_problem(
			t, 503, "unavailable", "Sign-in is not possible now, please try again.", 5);
}

static void
command_gone(struct front_task *t)
{
	free(TAKE(t->state));
}

static const struct front_task_ops command_ops = {
	command_body, command_end, NULL, NULL, command_gone};

static bool
is_json(const struct front_task *t, struct slice type)
{
	struct slice main = slice_trim(slice_split(&type, ';'));

	/* A page of another origin would have to ask first whether it may say JSON. */
	return slice_ieq(main, S("application/json")) ||
		(t->everyone && slice_ieq(main, S("text/plain")));
}

void
front_command_begin(struct front_task *t, struct slice command, const struct http_request *q)
{
	const struct web_api_endpoint *e = web_api_find(command);
	struct command *k;

	if (!e || command.len >= sizeof(k->name)) {
		front_task_problem(t, 404, "unknown-command", "There is no such command.", 0);
	} else if (q->length && !is_json(t, http_request_header(q, "content-type"))) {
		front_task_problem(t, 415, "media-type", "Commands are sent as JSON.", 0);
	} else if (q->length != WEB_LENGTH_UNKNOWN && q->length > WEB_API_REQUEST_MAX) {
		front_task_problem(t, 413, "too-large", "The request is too large.", 0);
	} else if (!(k = calloc(1, sizeof(*k)))) {
		front_task_problem(t, 503, "busy", "The server is busy, please try again.", 5);
	} else {
		k->endpoint = e;
		snprintf(k->name, sizeof(k->name), "%.*s", SLICE_ARG(command));
		snprintf(k->agent, sizeof(k->agent), "%.*s",
			SLICE_ARG(slice_sub(http_request_header(q, "user-agent"), 0, 256)));
		t->state = k;
		t->ops = &command_ops;
	}
}

static void
put_cookie(struct buf *out, const struct msg_web_reply *m)
{
	buf_puts(out, "__Host-letterlock=");
	if (m->cookie == WEB_COOKIE_SET)
		base64url_encode(out, m->token);
	buf_puts(out, "; Path=/; Secure; HttpOnly; SameSite=Strict");
	if (m->cookie == WEB_COOKIE_CLEAR)
		buf_puts(out, "; Max-Age=0");
	else if (m->max_age)
		buf_printf(out, "; Max-Age=%u", m->max_age);
}

void
front_command_reply(const struct msg_web_reply *m)
{
	struct front_task *t = front_task_find(m->id);
	struct command *k = t && t->ops == &command_ops ? t->state : NULL;
	CLEANUP(buf_done) struct buf json = BUF_SECRET(WEB_API_REPLY_MAX);
	CLEANUP(buf_done) struct buf cookie = BUF_SECRET(512);
	struct front_head h = {.status = 200};
	char seconds[16];
	uint32_t retry = 0;

	if (!k || !k->asked || t->over || t->head_sent)
		return;
	if (m->err) {
		h.status = (uint16_t)web_api_problem(-(int)m->err, m->body, &json, &retry);
	} else if (web_api_reply(k->endpoint, m->body, &json)) {
		log_error("web-reply", "command=%s error=%s", k->name, "malformed");
		front_task_problem(t, 500, "internal", "Something went wrong here.", 0);
		return;
	}
	snprintf(seconds, sizeof(seconds), "%u", retry);
	if (retry)
		h.extra[h.n++] = (struct web_header){S("retry-after"), slice_str(seconds)};
	if (m->cookie == WEB_COOKIE_CLEAR ||
		(m->cookie == WEB_COOKIE_SET && m->token.len == WEB_TOKEN_LEN)) {
		put_cookie(&cookie, m);
		h.extra[h.n++] = (struct web_header){S("set-cookie"), buf_slice(&cookie)};
	}
	front_task_answer(
		t, &h, m->err ? "application/problem+json" : "application/json", buf_slice(&json));
}

void
front_command_auth_lost(void)
{
	struct front_task *t;
	size_t pos = 0;

	while ((t = front_task_next(&pos))) {
		struct command *k = t->ops == &command_ops ? t->state : NULL;
		if (k && k->asked && !t->over)
			front_task_problem(t, 503, "unavailable",
				"Sign-in is not possible now, please try again.", 5);
	}
}
