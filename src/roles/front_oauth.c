/* OAuth by HTTP (docs/api/oauth.md): documents and registration are answered here, tokens by auth.
 */
#include "base/error.h"
#include "base/log.h"
#include "faces/oauth.h"
#include "ipc/web.h"
#include "roles/front_web.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)32 << 10)

enum endpoint { REGISTER, TOKEN, REVOKE };

struct asking {
	enum endpoint endpoint;
	bool asked;
};

static void
answer_json(struct front_task *t, unsigned status, const struct buf *json)
{
	struct front_head h = {.status = (uint16_t)status};

	front_task_answer(t, &h, "application/json", buf_slice(json));
}

static void
answer_error(struct front_task *t, unsigned status, const char *error, const char *why)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(1024);

	oauth_error(error, why, &json);
	answer_json(t, status, &json);
}

/* --- documents --- */

void
front_oauth_server(struct front_task *t)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(ANSWER_MAX);

	oauth_server_metadata(t->host, &json);
	answer_json(t, 200, &json);
}

/* The whole server, or what the path of the resource after that of the document names: JMAP. */
void
front_oauth_resource(struct front_task *t, struct slice path)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(ANSWER_MAX);

	if (path.len && !oauth_is_resource(path)) {
		front_task_problem(t, 404, "not-found", "There is nothing here.", 0);
		return;
	}
	oauth_resource_metadata(t->host, path, &json);
	answer_json(t, 200, &json);
}

void
front_oauth_request(struct front_task *t)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(ANSWER_MAX);
	unsigned status = oauth_request(t->query, t->host, &json);

	answer_json(t, status, &json);
}

/* --- what auth is asked --- */

/* The command and its body; the name of an error when there is none. */
static const char *
token_command(const struct oauth_params *p, struct buf *body, const char **ret_command)
{
	struct web_oauth_code code = {p->client_id, p->redirect_uri, p->code, p->code_verifier};
	struct web_oauth_token token = {p->client_id, p->refresh_token};

	if (slice_eq(p->grant_type, S("authorization_code"))) {
		*ret_command = "oauth-code";
		return p->client_id.len && p->redirect_uri.len && p->code.len &&
				p->code_verifier.len && !web_oauth_code_put(body, &code)
			? NULL
			: "invalid_request";
	}
	if (slice_eq(p->grant_type, S("refresh_token"))) {
		*ret_command = "oauth-refresh";
		return p->client_id.len && p->refresh_token.len &&
				!web_oauth_token_put(body, &token)
			? NULL
			: "invalid_request";
	}
	return p->grant_type.len ? "unsupported_grant_type" : "invalid_request";
}

static const char *
revoke_command(const struct oauth_params *p, struct buf *body, const char **ret_command)
{
	struct web_oauth_token token = {p->client_id, p->token};

	*ret_command = "oauth-revoke";
	return p->client_id.len && p->token.len && !web_oauth_token_put(body, &token)
		? NULL
		: "invalid_request";
}

static void
unavailable(struct front_task *t)
{
	answer_error(t, 503, "temporarily_unavailable", "Please try again.");
}

static void
ask(struct front_task *t, struct asking *k)
{
	struct ipc_channel *auth = role_peer(t->c->env, ROLE_AUTH, 0);
	CLEANUP(buf_done) struct buf text = BUF_SECRET(2 * OAUTH_BODY_MAX);
	CLEANUP(buf_done) struct buf body = BUF_SECRET(OAUTH_BODY_MAX);
	struct msg_web_command m = {.id = t->id, .peer = slice_new(t->c->ip, 16)};
	const char *error = "invalid_request", *command = "";
	struct oauth_params p;

	if (oauth_params_parse(buf_slice(&t->gathered), &text, &p) == LL_OK)
		error = k->endpoint == TOKEN ? token_command(&p, &body, &command)
					     : revoke_command(&p, &body, &command);
	if (!error && !oauth_params_resources_good(&p, t->host)) {
		answer_error(t, 400, "invalid_target", "This resource is not here.");
		return;
	}
	if (error) {
		answer_error(t, 400, error, "The request is malformed.");
		return;
	}
	m.command = slice_str(command);
	m.body = buf_slice(&body);
	k->asked = auth && ipc_send_web_command(auth, &m, -1) == LL_OK;
	if (!k->asked)
		unavailable(t);
}

static size_t
oauth_body(struct front_task *t, struct slice piece)
{
	if (t->gathered.len + piece.len > OAUTH_BODY_MAX || buf_put(&t->gathered, piece))
		answer_error(t, 413, "invalid_request", "The request is too large.");
	return piece.len;
}

static void
oauth_end(struct front_task *t)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(ANSWER_MAX);
	struct asking *k = t->state;
	unsigned status;

	if (t->head_sent)
		return;
	if (k->endpoint != REGISTER) {
		ask(t, k);
		return;
	}
	status = oauth_register(buf_slice(&t->gathered), t->host, &json);
	answer_json(t, status, &json);
}

static void
oauth_gone(struct front_task *t)
{
	free(TAKE(t->state));
}

static const struct front_task_ops oauth_ops = {oauth_body, oauth_end, NULL, NULL, oauth_gone};

static const struct {
	const char *path, *type;
} endpoints[] = {
	[REGISTER] = {"register", "application/json"},
	[TOKEN] = {"token", "application/x-www-form-urlencoded"},
	[REVOKE] = {"revoke", "application/x-www-form-urlencoded"},
};

void
front_oauth_begin(struct front_task *t, struct slice path, const struct http_request *q)
{
	struct slice type = http_request_header(q, "content-type");
	struct asking *k;
	size_t i = 0;

	while (i < ARRAY_SIZE(endpoints) && !slice_eq(path, slice_str(endpoints[i].path)))
		i++;
	if (i == ARRAY_SIZE(endpoints)) {
		front_task_problem(t, 404, "not-found", "There is nothing here.", 0);
	} else if (!slice_ieq(slice_trim(slice_split(&type, ';')), slice_str(endpoints[i].type))) {
		answer_error(t, 415, "invalid_request", "The body has the wrong type.");
	} else if (!(k = calloc(1, sizeof(*k)))) {
		unavailable(t);
	} else {
		k->endpoint = (enum endpoint)i;
		t->state = k;
		t->ops = &oauth_ops;
	}
}

/* --- what auth says --- */

/* Auth's problem in the words of RFC 6749, section 5.2. */
static void
answer_problem(struct front_task *t, const struct msg_web_reply *m)
{
	struct web_problem p;

	if (web_problem_get(m->body, &p))
		unavailable(t);
	else if (slice_eq(p.code, S("invalid_grant")))
		answer_error(t, 400, "invalid_grant", "This is not valid, or not valid any more.");
	else if (slice_eq(p.code, S("rate")))
		answer_error(t, 429, "slow_down", "There were too many attempts; wait a while.");
	else if (slice_eq(p.code, S("malformed")) || slice_eq(p.code, S("too-large")))
		answer_error(t, 400, "invalid_request", "The request is malformed.");
	else
		unavailable(t);
}

void
front_oauth_reply(const struct msg_web_reply *m)
{
	CLEANUP(buf_done) struct buf json = BUF_SECRET(ANSWER_MAX);
	struct front_task *t = front_task_find(m->id);
	struct asking *k = t && t->ops == &oauth_ops ? t->state : NULL;
	struct web_oauth_tokens tokens;

	if (!k || !k->asked || t->over || t->head_sent)
		return;
	if (m->err) {
		answer_problem(t, m);
	} else if (k->endpoint == REVOKE) {
		buf_puts(&json, "{}\n");
		answer_json(t, 200, &json);
	} else if (web_oauth_tokens_get(m->body, &tokens)) {
		log_error("web-reply", "command=%s error=%s", "oauth", "malformed");
		unavailable(t);
	} else {
		oauth_tokens(&tokens, &json);
		answer_json(t, 200, &json);
	}
}

void
front_oauth_auth_lost(void)
{
	struct front_task *t;
	size_t pos = 0;

	while ((t = front_task_next(&pos))) {
		struct asking *k = t->ops == &oauth_ops ? t->state : NULL;
		if (k && k->asked && !t->over && !t->head_sent)
			unavailable(t);
	}
}
