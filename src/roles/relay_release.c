/* Messages that were held: when their time has come they go back to delivery, which knows the ways
 * to everybody, here and elsewhere; until then their author may take them back. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "roles/deliver_send.h"
#include "roles/delivery_envelope.h"
#include "roles/relay.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* --- releasing --- */

/* Some recipients of a held message in delivery's hands. */
struct release {
	struct ipc_channel *delivery;
	struct attempt *attempt;
};

static struct map *releases; /* id -> struct release */

static int
encode(const struct attempt *a, struct buf *out)
{
	const struct queue_envelope *e = &a->entry->e;
	struct envelope_rcpt rcpts[RELAY_RCPTS_MAX];
	struct delivery_envelope env = {.service = SERVICE_RELEASED,
		.smtputf8 = e->smtputf8,
		.eight_bit = e->eight_bit,
		.body = e->binary ? SMTP_BODY_BINARYMIME : SMTP_BODY_8BITMIME,
		.ret = e->ret,
		.from = e->sender,
		.language = e->language,
		.envid = e->envid,
		.n_rcpts = a->n,
		.rcpts = rcpts};

	for (uint32_t i = 0; i < a->n; i++)
		rcpts[i] = (struct envelope_rcpt){.address = e->rcpts[a->rcpts[i]].address,
			.orcpt = e->rcpts[a->rcpts[i]].orcpt,
			.notify = e->rcpts[a->rcpts[i]].notify};
	return delivery_envelope_encode(out, &env);
}

static int
send_off(struct attempt *a, struct release *rel)
{
	CLEANUP(buf_done) struct buf envelope = BUF_INIT(IPC_PAYLOAD_MAX);
	CLEANUP(buf_done) struct buf body = BUF_INIT(STORE_BLOB_MAX);
	struct msg_deliver m;
	int r = relay_entry_body(a->entry, &body);

	if (r == LL_OK)
		r = encode(a, &envelope);
	rel->delivery = role_peer(rl.env, ROLE_DELIVERY, 0);
	if (r == LL_OK && !rel->delivery)
		r = LL_ERR_CLOSED;
	if (r)
		return r;
	m = (struct msg_deliver){0};
	randombytes_buf(&m.id, sizeof(m.id));
	if (!releases && !(releases = map_new()))
		return LL_ERR_NOMEM;
	r = map_set(releases, slice_new(&m.id, sizeof(m.id)), rel, NULL);
	if (r == LL_OK &&
		(r = deliver_send(rel->delivery, &m, buf_slice(&envelope), buf_slice(&body))))
		(void)map_del(releases, slice_new(&m.id, sizeof(m.id)));
	return r;
}

void
relay_release(struct attempt *a)
{
	struct release *rel = calloc(1, sizeof(*rel));
	int r = LL_ERR_NOMEM;

	if (rel) {
		rel->attempt = a;
		r = send_off(a, rel);
	}
	if (r == LL_OK)
		return;
	free(rel);
	log_error("release", "error=%s", log_quote(slice_str(ll_strerror(r))));
	if (relay_body_spoilt(r))
		relay_attempt_fail(
			a, true, "5.3.0", "the message was damaged while it waited", SLICE_NONE);
	else
		relay_attempt_unready(a);
}

bool
relay_release_done(const struct msg_deliver_result *m)
{
	struct release *rel = releases ? map_del(releases, slice_new(&m->id, sizeof(m->id))) : NULL;
	struct slice host = slice_str(rl.env->config.hostname);
	struct smtp_client_result r = {.outcome = m->code == 250 ? SMTP_OUTCOME_SENT
			: m->code / 100 == 5			 ? SMTP_OUTCOME_PERMANENT
								 : SMTP_OUTCOME_TEMPORARY,
		.local = true,
		.enhanced = {(uint16_t)(m->code == 250 ? 2 : m->code / 100), 0, 0},
		.text = m->code == 550 ? S("no such recipient") : m->text};
	struct attempt *a;

	if (!rel)
		return false;
	a = rel->attempt;
	/* Delivery tells the sender of success where that was asked for: so it counts as one that
	 * reports itself. */
	for (uint32_t i = 0; i < a->n; i++)
		if (queue_note(&a->entry->e, a->rcpts[i], &r, host, true, &a->entry->arena))
			log_warn("queue-note", "error=%s", "failed");
	free(rel);
	relay_attempt_done(a);
	return true;
}

void
relay_release_lost(const struct ipc_channel *delivery)
{
	struct release *rel;
	size_t pos = 0;
	struct slice key;
	void *value;

	while (releases && map_next(releases, &pos, &key, &value)) {
		rel = value;
		if (rel->delivery != delivery)
			continue;
		(void)map_del(releases, key);
		relay_attempt_unready(rel->attempt);
		free(rel);
		pos = 0;
	}
}

/* --- taking back --- */

/* One request of an author; answered when the deletion of the last entry is durable. */
struct held_cancel {
	struct ipc_channel *delivery; /* NULL once it is gone */
	uint64_t id;
	unsigned entries;
	struct held_cancel *next;
};

static struct held_cancel *pending;

static void
answer(struct ipc_channel *delivery, uint64_t id, int err)
{
	if (delivery)
		(void)ipc_send_held_cancelled(
			delivery, &(struct msg_held_cancelled){.id = id, .err = (uint8_t)-err}, -1);
}

static bool
is_named(const struct entry *en, const struct msg_held_cancel *m)
{
	return en->e.held && memcmp(en->e.held_account, m->account, sizeof(m->account)) == 0 &&
		memcmp(en->e.held_id, m->hold, sizeof(m->hold)) == 0;
}

/* What has begun to leave cannot be had back, and half of it is of no use. */
static int
may_cancel(const struct msg_held_cancel *m)
{
	size_t pos = 0;
	unsigned n = 0;
	void *value;

	while (map_next(rl.entries, &pos, NULL, &value)) {
		const struct entry *en = value;
		if (!is_named(en, m))
			continue;
		if (en->busy || en->gone || en->cancel || en->e.tries || en->unready)
			return LL_ERR_STATE;
		n++;
	}
	return n ? LL_OK : LL_ERR_NOTFOUND;
}

void
relay_held_cancel(struct ipc_channel *delivery, const struct msg_held_cancel *m)
{
	struct held_cancel *k;
	size_t pos = 0;
	void *value;
	int r = may_cancel(m);

	if (r == LL_ERR_NOTFOUND) {
		relay_queue_scan(false); /* it may have been queued this instant */
		r = may_cancel(m);
	}
	k = r == LL_OK ? calloc(1, sizeof(*k)) : NULL;
	if (!k) {
		answer(delivery, m->id, r ? r : LL_ERR_NOMEM);
		return;
	}
	*k = (struct held_cancel){.delivery = delivery, .id = m->id, .next = pending};
	pending = k;
	while (map_next(rl.entries, &pos, NULL, &value)) {
		struct entry *en = value;
		if (!is_named(en, m))
			continue;
		k->entries++;
		en->cancel = k;
		en->dropped = true;
		relay_entry_wake(en, 0);
	}
}

void
relay_held_gone(struct held_cancel *k)
{
	struct held_cancel **at = &pending;

	if (--k->entries)
		return;
	answer(k->delivery, k->id, LL_OK);
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	free(k);
}

void
relay_held_lost(const struct ipc_channel *delivery)
{
	for (struct held_cancel *k = pending; k; k = k->next)
		if (k->delivery == delivery)
			k->delivery = NULL;
}
