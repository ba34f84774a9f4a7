/* What a session tells the owner's push subscriptions, by way of auth (roles/push.c). */
#include "account/object.h"
#include "base/error.h"
#include "faces/jmap.h"
#include "ipc/messages.h"
#include "keys/webpush.h"
#include "roles/session.h"
#include "roles/session_web.h"

#include <string.h>

#define GATHER_MS 1000 /* several changes are one message */

static struct {
	struct account *account;
	struct account_listener listener;
	struct loop_timer timer;
	uint8_t key[WEBPUSH_PUBLIC_LEN];
} sp;

static int
push_store(void *ctx, struct slice list)
{
	return session_set_push(list);
}

static void
push_send(void *ctx, const uint8_t id[16], struct slice body)
{
	session_send_push(id, body);
}

struct jmap_push session_push = {
	.store = push_store, .send = push_send, .key_ok = webpush_public_ok};

void
session_push_key(struct slice key)
{
	if (key.len != sizeof(sp.key))
		return;
	memcpy(sp.key, key.ptr, key.len);
	session_push.key = SLICE_OF(sp.key);
}

static bool
subscribed(void)
{
	size_t pos = 0;

	return account_state(sp.account, CHANGE_PUSH) && !account_objects_load(sp.account) &&
		account_object_next(sp.account, CHANGE_PUSH, &pos);
}

static void
on_timer(void *ctx)
{
	struct jmap *j = subscribed() ? session_jmap() : NULL;

	if (j)
		jmap_push_changes(j);
}

static void
on_change(struct account_listener *l, struct mailbox *mb, unsigned events)
{
	if (!sp.timer.slot)
		(void)!loop_timer_set(session_loop(), &sp.timer, GATHER_MS, on_timer, NULL);
}

void
session_push_start(struct account *a)
{
	sp.account = a;
	sp.listener.changed = on_change;
	account_listen(a, &sp.listener);
	on_timer(NULL); /* notes the states of now */
}
