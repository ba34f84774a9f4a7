/* Letters under a password, for who reads them: nobody is signed in here. Whoever knows the link
 * and the password can prove it; the pieces are given to nobody else, so that a password can be
 * guessed only here, slowly, and not at home. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "keys/unlock.h"
#include "os/clock.h"
#include "roles/letter.h"
#include "roles/web.h"

#include <string.h>

static int
over(struct web_call *c, enum web_letter_stage state)
{
	return state == WEB_LETTER_WITHDRAWN
		? web_fail(c, LL_ERR_NOTFOUND, "withdrawn", "The letter was withdrawn.")
		: web_fail(c, LL_ERR_NOTFOUND, "expired", "The letter has expired.");
}

/* A letter that can be read at this moment. Drafts are not there yet. */
static int
find(struct web_call *c, const uint8_t id[WEB_ID], struct letter *ret)
{
	const struct web_place p = web_place();
	int r = web_take_network(c, WEB_RULE_LETTER_NETWORK);

	if (r == LL_OK)
		r = letter_load(&p, id, ret);
	if (r == LL_OK && ret->state == WEB_LETTER_DRAFT)
		r = LL_ERR_NOTFOUND;
	if (r == LL_OK && ret->state != WEB_LETTER_OPEN)
		r = over(c, ret->state);
	if (r == LL_OK && ret->expires <= clock_unix())
		r = over(c, WEB_LETTER_EXPIRED);
	return r;
}

/* Whoever guesses is counted by letter, from wherever it comes. */
static int
prove(struct web_call *c, struct slice access, const struct letter *l)
{
	uint8_t hash[32];
	int r;

	if (access.len != UNLOCK_KEY_LEN)
		return LL_ERR_SYNTAX;
	r = web_take(c, WEB_RULE_LETTER, SLICE_OF(l->id));
	if (r)
		return r;
	unlock_auth_hash(access.ptr, hash);
	if (!secret_eq(hash, l->access_hash, sizeof(hash)))
		return web_fail(c, LL_ERR_AUTH, "refused", "This is not the right password.");
	web_limits_give(web_limits(), WEB_RULE_LETTER, SLICE_OF(l->id), clock_ms());
	return LL_OK;
}

static int
find_proved(struct web_call *c, const uint8_t id[WEB_ID], struct slice access, struct letter *ret)
{
	int r = find(c, id, ret);

	return r ? r : prove(c, access, ret);
}

static uint32_t
opens_left(const struct letter *l)
{
	return l->max_opens > l->opens ? l->max_opens - l->opens : 0;
}

/* Where openings are counted, one lasts an hour. */
static int
check_opened(struct web_call *c, const struct letter *l)
{
	return !l->max_opens || clock_unix() - l->last_opened < LETTER_SETTLED
		? LL_OK
		: web_fail(c, LL_ERR_STATE, "state", "The letter must be opened first.");
}

int
web_letter_state(struct web_call *c, struct slice body)
{
	struct web_letter_state answer = {.state = WEB_LETTER_OPEN};
	struct web_ref m;
	struct letter l;
	int r = web_ref_get(body, &m);

	if (r == LL_OK)
		r = find(c, m.id, &l);
	if (r == LL_OK && l.max_opens && !opens_left(&l))
		r = web_fail(c, LL_ERR_DENIED, "used",
			"The letter has been opened as often as it may be.");
	if (r)
		return r;
	answer.expires = (uint64_t)l.expires;
	return web_letter_state_put(&c->answer, &answer);
}

static int
put_opened(const struct letter *l, struct buf *out)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(CONTROL_ITEMS_MAX);
	struct web_letter_opened answer = {
		.expires = (uint64_t)l->expires, .opens_left = opens_left(l)};
	int r = LL_OK;

	for (uint32_t i = 0; i < l->n_parts && r == LL_OK; i++) {
		CLEANUP(buf_done) struct buf item = BUF_INIT(64);
		struct web_letter_size size = {l->parts[i]};
		r = web_letter_size_put(&item, &size);
		if (r == LL_OK)
			r = control_items_add(&items, buf_slice(&item));
	}
	answer.parts = buf_slice(&items);
	return r ? r : web_letter_opened_put(out, &answer);
}

int
web_letter_open(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_access m;
	struct letter l;
	int r = web_letter_access_get(body, &m);

	if (r == LL_OK)
		r = find_proved(c, m.id, m.access, &l);
	if (r == LL_OK && l.max_opens && !opens_left(&l))
		r = web_fail(c, LL_ERR_DENIED, "used",
			"The letter has been opened as often as it may be.");
	if (r)
		return r;
	l.last_opened = clock_unix();
	l.first_opened = l.first_opened ? l.first_opened : l.last_opened;
	l.opens += l.opens < UINT32_MAX;
	r = letter_save(&p, &l, false);
	return r ? r : put_opened(&l, &c->answer);
}

int
web_letter_part(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf data = BUF_INIT(WEB_PIECE_LEN);
	const struct web_place p = web_place();
	struct web_letter_data answer;
	struct web_letter_fetch m;
	struct letter l;
	int r = web_letter_fetch_get(body, &m);

	if (r == LL_OK)
		r = find_proved(c, m.id, m.access, &l);
	if (r == LL_OK)
		r = check_opened(c, &l);
	if (r == LL_OK && (m.part >= l.n_parts || m.piece >= letter_pieces(l.parts[m.part])))
		r = LL_ERR_NOTFOUND;
	if (r == LL_OK)
		r = letter_piece_get(&p, l.id,
			(struct letter_piece){LETTER_PIECE_PART, (uint16_t)m.part, m.piece}, &data);
	answer.data = buf_slice(&data);
	return r ? r : web_letter_data_put(&c->answer, &answer);
}

/* --- replies --- */

/* One is written at a time; what was begun and not sent gives way to the next. */
int
web_letter_reply(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_number answer;
	struct web_letter_reply_new m;
	struct letter l;
	int r = web_letter_reply_new_get(body, &m);

	if (r == LL_OK)
		r = find_proved(c, m.id, m.access, &l);
	if (r)
		return r;
	if (m.size == 0 || m.size > LETTER_REPLY_MAX)
		return LL_ERR_LIMIT;
	if (l.reply)
		r = letter_reply_delete(&p, l.id, (uint16_t)l.reply);
	else if (l.replies >= LETTER_REPLIES_MAX)
		return web_fail(c, LL_ERR_LIMIT, "limit", "There are too many replies already.");
	else
		l.reply = ++l.replies;
	l.reply_size = m.size;
	l.reply_got = 0;
	if (r == LL_OK)
		r = letter_save(&p, &l, false);
	answer.reply = l.reply;
	return r ? r : web_letter_number_put(&c->answer, &answer);
}

/* Pieces come in order, so that their count is their sum. The last one again is fine. */
int
web_letter_reply_put(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_reply_piece m;
	struct letter l;
	uint64_t at;
	int r = web_letter_reply_piece_get(body, &m);

	if (r == LL_OK)
		r = find_proved(c, m.id, m.access, &l);
	if (r)
		return r;
	at = (uint64_t)m.piece * WEB_PIECE_LEN;
	if (!l.reply || m.reply != l.reply || at > l.reply_got)
		return LL_ERR_STATE;
	if (m.data.len == 0 || at + m.data.len > l.reply_size ||
		(m.data.len != WEB_PIECE_LEN && at + m.data.len != l.reply_size) ||
		(m.piece == 0 && !letter_is_encrypted(m.data)))
		return LL_ERR_SYNTAX;
	r = letter_piece_put(&p, l.id,
		(struct letter_piece){LETTER_PIECE_REPLY, (uint16_t)l.reply, m.piece}, m.data);
	l.reply_got = MAX(l.reply_got, at + m.data.len);
	return r ? r : letter_save(&p, &l, false);
}

int
web_letter_reply_send(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_reply_end m;
	uint16_t reply;
	struct letter l;
	int r = web_letter_reply_end_get(body, &m);

	if (r == LL_OK)
		r = find_proved(c, m.id, m.access, &l);
	if (r)
		return r;
	if (m.reply && m.reply <= l.replies && m.reply != l.reply)
		return LL_OK; /* it was sent already, and the answer was lost */
	if (!l.reply || m.reply != l.reply || l.reply_got != l.reply_size)
		return LL_ERR_STATE;
	reply = (uint16_t)l.reply;
	l.reply = 0;
	r = letter_reply_queue(&p, &l, reply);
	if (r == LL_OK)
		letter_reply_deliver(l.id, reply);
	return r;
}
