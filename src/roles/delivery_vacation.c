/* Vacation notices: once a letter is in its mailbox, auth is asked whether its sender is to be told
 * that nobody is there; the notice is a letter of its own, with the null return path. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "mail/autoreply.h"
#include "mail/build.h"
#include "mail/header.h"
#include "os/clock.h"
#include "roles/delivery.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 1000
#define HEADER_MAX ((size_t)64 << 10)
#define NOTICE_MAX ((size_t)256 << 10)

/* What the notice needs of a letter that is gone by the time auth answers. */
struct pending {
	struct arena arena;
	struct slice header, from, to;
};

static struct map *pending; /* id -> struct pending */
static uint64_t next_id;

static void
pending_free(void *value)
{
	struct pending *p = value;

	if (!p)
		return;
	arena_done(&p->arena);
	free(p);
}

static struct pending *
remember(const struct job *j, const struct target *t, struct slice header)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->arena = ARENA_INIT(HEADER_MAX + 4096);
	p->header = arena_dup(&p->arena, header);
	p->from = arena_dup(&p->arena, j->envelope.rcpts[t->rcpt].address);
	p->to = arena_dup(&p->arena, j->envelope.from);
	if (p->header.ptr && p->from.ptr && p->to.ptr)
		return p;
	pending_free(p);
	return NULL;
}

static void
ask(const struct job *j, const struct target *t, struct slice header)
{
	struct ipc_channel *authp = role_peer(dv.env, ROLE_AUTH, 0);
	struct msg_vacation_query m = {.id = ++next_id, .sender = j->envelope.from};
	struct slice key = slice_new(&m.id, sizeof(m.id));
	struct pending *p;

	if (!pending && !(pending = map_new()))
		return;
	p = authp && map_len(pending) < PENDING_MAX ? remember(j, t, header) : NULL;
	memcpy(m.account, t->account.b, sizeof(m.account));
	if (p && map_set(pending, key, p, NULL) == LL_OK &&
		ipc_send_vacation_query(authp, &m, -1) == LL_OK)
		return;
	if (p)
		(void)map_del(pending, key);
	pending_free(p);
}

void
vacation_delivered(const struct job *j)
{
	struct slice header = slice_sub(j->body, 0, MIN(header_length(j->body), HEADER_MAX));

	VEC_EACH (t, &j->targets)
		if (t->local && t->vacation &&
			autoreply_allowed(
				header, j->envelope.from, j->envelope.rcpts[t->rcpt].address))
			ask(j, t, header);
}

static int
send_notice(const struct pending *p, const struct msg_vacation_reply *m)
{
	CLEANUP(buf_done)
	struct buf id = BUF_INIT(512), boundary = BUF_INIT(64), out = BUF_INIT(NOTICE_MAX);
	size_t at = slice_rfind_byte(p->from, '@');
	struct autoreply a = {.header = p->header,
		.from = p->from,
		.to = p->to,
		.language = m->language < LANGUAGES ? m->language : LANGUAGE_NONE,
		.subject = m->subject,
		.text = m->text,
		.html = m->html,
		.now = clock_unix()};
	uint8_t random[16];
	int r;

	randombytes_buf(random, sizeof(random));
	r = build_message_id(&id, SLICE_OF(random), slice_skip(p->from, at + 1));
	randombytes_buf(random, sizeof(random));
	buf_puts(&boundary, "notice-");
	if (r == LL_OK)
		r = hex_encode(&boundary, SLICE_OF(random));
	a.message_id = buf_slice(&id);
	a.boundary = buf_slice(&boundary);
	if (r == LL_OK)
		r = autoreply_build(&out, &a);
	return r ? r
		 : job_start_own(p->to, buf_slice(&out), !is_ascii(p->from) || !is_ascii(p->to));
}

void
vacation_reply(const struct msg_vacation_reply *m)
{
	struct pending *p = pending ? map_del(pending, slice_new(&m->id, sizeof(m->id))) : NULL;
	int r = p && m->due ? send_notice(p, m) : LL_OK;

	if (r)
		log_warn("vacation", "error=%s", log_quote(slice_str(ll_strerror(r))));
	pending_free(p);
}

void
vacation_lost(void)
{
	map_free(TAKE(pending), pending_free);
}
