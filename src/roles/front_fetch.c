/* What a signed-in reader has fetched from elsewhere: pictures of a letter, through lookup, so that
 * their host learns neither who reads nor where; leaving a list; and what front_keys.c looks for.
 * Auth is asked each time whether the cookie is still good. */
#include "roles/front_fetch.h"
#include "base/error.h"
#include "base/text.h"
#include "faces/web_api.h"
#include "os/memfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PICTURE_CACHE "private, max-age=86400, immutable"

/* --- only for who is signed in --- */

void
front_fetch_begin(struct front_task *t, const struct http_request *q, const char *command,
	const struct front_task_ops *ops, void (*go)(struct front_task *t), size_t state_size)
{
	struct ipc_channel *auth = role_peer(t->c->env, ROLE_AUTH, 0);
	struct msg_web_command m = {.id = t->id,
		.peer = slice_new(t->c->ip, 16),
		.token = slice_new(t->token, sizeof(t->token)),
		.command = slice_str(command)};
	struct front_fetch *f;

	if (!t->has_token) {
		front_task_problem(t, 401, "signed-out", "Please sign in.", 0);
		return;
	}
	if (!front_own_origin(q, false)) {
		front_task_problem(t, 403, "forged", "This request came from elsewhere.", 0);
		return;
	}
	f = calloc(1, state_size);
	if (!f || !auth || ipc_send_web_command(auth, &m, -1)) {
		free(f);
		front_task_problem(t, 503, "unavailable", "Please try again.", 5);
		return;
	}
	f->go = go;
	t->state = f;
	t->ops = ops;
}

/* Nobody is signed in, or the account has used up what it may. */
static void
refuse(struct front_task *t, const struct msg_web_reply *m)
{
	CLEANUP(buf_done) struct buf ignored = BUF_INIT(WEB_API_REPLY_MAX);
	uint32_t retry = 0;

	if (web_api_problem(-(int)m->err, m->body, &ignored, &retry) == 429)
		front_task_problem(
			t, 429, "rate", "Too many pictures at once; wait a while.", retry);
	else
		front_task_problem(t, 401, "signed-out", "Please sign in.", 0);
}

void
front_fetch_signed(const struct msg_web_reply *m)
{
	struct front_task *t = front_task_find(m->id);
	struct front_fetch *f = t && front_is_fetch(t) ? t->state : NULL;

	if (!f || !f->go || t->over)
		return;
	if (m->err)
		refuse(t, m);
	else
		TAKE(f->go)(t);
}

/* --- pictures --- */

struct picture {
	struct front_fetch fetch;
	char url[2048];
	void *mapped;
	size_t len;
};

static void
picture_gone(struct front_task *t)
{
	struct picture *p = TAKE(t->state);

	if (p->mapped)
		munmap(p->mapped, p->len);
	free(p);
}

static const struct front_task_ops picture_ops = {.gone = picture_gone};

static void
picture_go(struct front_task *t)
{
	struct ipc_channel *lookup = role_peer(t->c->env, ROLE_LOOKUP, 0);
	struct picture *p = t->state;
	struct msg_https_get m = {.id = t->id, .kind = FETCH_PICTURE, .url = slice_str(p->url)};

	if (!lookup || ipc_send_https_get(lookup, &m, -1))
		front_task_problem(t, 503, "unavailable", "Please try again.", 5);
}

void
front_picture_begin(struct front_task *t, const struct http_request *q)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(sizeof(((struct picture *)0)->url) - 1);
	struct picture *p;

	if (web_query_value(t->query, "url", &url) || url.len == 0) {
		front_task_problem(t, 400, "request", "The address of a picture is missing.", 0);
		return;
	}
	front_fetch_begin(t, q, "picture", &picture_ops, picture_go, sizeof(*p));
	if (t->ops != &picture_ops)
		return;
	p = t->state;
	memcpy(p->url, url.ptr, url.len);
}

static void
send_picture(struct front_task *t, const struct msg_https_reply *m, struct slice body)
{
	struct front_head h = {.status = 200, .cache = PICTURE_CACHE, .length = body.len};
	char type[129];

	snprintf(type, sizeof(type), "%.*s", SLICE_ARG(m->type));
	h.extra[h.n++] = (struct web_header){S("content-type"), slice_str(type)};
	front_task_file(t, &h, body);
}

static void
picture_reply(struct front_task *t, const struct msg_https_reply *m, int fd)
{
	struct picture *p = t->state;
	struct slice body = m->body;

	if (m->status != 200) {
		front_task_problem(t, m->status == 415 ? 415 : 502, "picture",
			m->status == 415 ? "This is no picture." : "The picture cannot be had.", 0);
		return;
	}
	if (fd >= 0) {
		p->len = (size_t)m->length;
		p->mapped = m->length && memfile_check(fd, m->length, true) == LL_OK
			? mmap(NULL, p->len, PROT_READ, MAP_PRIVATE, fd, 0)
			: MAP_FAILED;
		if (p->mapped == MAP_FAILED) {
			p->mapped = NULL;
			front_task_problem(t, 502, "picture", "The picture cannot be had.", 0);
			return;
		}
		body = slice_new(p->mapped, p->len);
	} else if (buf_put(&t->answer, body)) {
		front_task_reset(t);
		return;
	} else {
		body = buf_slice(&t->answer);
	}
	send_picture(t, m, body);
}

/* --- leaving a list --- */

struct leaving {
	struct front_fetch fetch;
	char url[2048];
};

static void
leaving_gone(struct front_task *t)
{
	free(TAKE(t->state));
}

static const struct front_task_ops leaving_ops = {.gone = leaving_gone};

static void
leaving_go(struct front_task *t)
{
	struct ipc_channel *lookup = role_peer(t->c->env, ROLE_LOOKUP, 0);
	struct leaving *l = t->state;
	struct msg_https_get m = {.id = t->id, .kind = FETCH_UNSUBSCRIBE, .url = slice_str(l->url)};

	if (!lookup || ipc_send_https_get(lookup, &m, -1))
		front_task_problem(t, 503, "unavailable", "Please try again.", 5);
}

void
front_unsubscribe_begin(struct front_task *t, const struct http_request *q)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(sizeof(((struct leaving *)0)->url) - 1);
	struct leaving *l;

	if (http_request_header(q, "x-letterlock").len == 0) {
		front_task_problem(t, 403, "forged", "This request came from elsewhere.", 0);
		return;
	}
	if (web_query_value(t->query, "url", &url) || url.len == 0) {
		front_task_problem(t, 400, "request", "The address of the list is missing.", 0);
		return;
	}
	front_fetch_begin(t, q, "account", &leaving_ops, leaving_go, sizeof(*l));
	if (t->ops != &leaving_ops)
		return;
	l = t->state;
	memcpy(l->url, url.ptr, url.len);
}

/* What the list says besides is nobody's business here. */
static void
leaving_reply(struct front_task *t, const struct msg_https_reply *m)
{
	struct front_head h = {.status = 204};

	if (m->status < 200 || m->status > 299)
		front_task_problem(t, 502, "unsubscribe", "The list did not take it.", 0);
	else
		front_task_file(t, &h, SLICE_NONE);
}

/* --- answers of other processes --- */

bool
front_is_fetch(const struct front_task *t)
{
	return t->ops == &picture_ops || t->ops == &leaving_ops || t->ops == &front_keys_ops;
}

void
front_fetch_reply(const struct msg_https_reply *m, int fd)
{
	struct front_task *t = front_task_find(m->id);

	if (!t || t->over || t->head_sent)
		return;
	if (t->ops == &picture_ops)
		picture_reply(t, m, fd);
	else if (t->ops == &leaving_ops)
		leaving_reply(t, m);
	else if (t->ops == &front_keys_ops)
		front_keys_https(t, m);
}

void
front_fetch_lost(void)
{
	struct front_task *t;
	size_t pos = 0;

	while ((t = front_task_next(&pos)))
		if (front_is_fetch(t) && !t->over && !t->head_sent)
			front_task_problem(t, 503, "unavailable", "Please try again.", 5);
}
