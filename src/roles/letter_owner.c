/* Letters under a password, for who writes them: made in pieces, published, listed, extended,
 * withdrawn. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "faces/outbound.h"
#include "os/clock.h"
#include "roles/letter.h"
#include "roles/web.h"

#include <string.h>

#define PAGE 10u /* letters of one answer: each may have a note */

static void
note(const char *what, const struct letter *l)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(64);

	(void)hex_encode(&id, slice_new(l->id, 4)); /* enough to find it again */
	log_info("letter", "what=%s id=%.*s", what, SLICE_ARG(id));
}

/* --- new ones --- */

struct tally {
	size_t n;
	uint64_t bytes;
};

static int
add(void *ctx, const uint8_t id[WEB_ID], uint64_t size)
{
	struct tally *t = ctx;

	t->n++;
	t->bytes += size;
	return LL_OK;
}

/* Letters count against the account's quota together with its mail. */
static int
check_room(struct web_call *c, uint64_t size)
{
	const struct web_place p = web_place();
	struct tally t = {0};
	struct store_stat st;
	struct store_id partition;
	int r = letter_each(&p, c->owner.id, add, &t);

	if (r)
		return r;
	if (t.n >= LETTERS_MAX)
		return web_fail(c, LL_ERR_LIMIT, "limit", "There are too many letters already.");
	memcpy(partition.b, c->owner.id, sizeof(partition.b));
	r = store_stat(p.store, partition, &st);
	if (r == LL_OK && c->owner.quota && st.blob_bytes + t.bytes + size > c->owner.quota)
		r = web_fail(c, LL_ERR_QUOTA, "quota", "There is no room for this letter.");
	return r;
}

static int
read_parts(struct slice list, struct letter *l)
{
	struct reader items = reader_new(list);
	struct web_letter_size size;
	uint64_t sum = 0;
	struct slice item;

	while (control_items_next(&items, &item)) {
		if (l->n_parts == LETTER_PARTS_MAX)
			return LL_ERR_LIMIT;
		if (web_letter_size_get(item, &size) || size.size == 0)
			return LL_ERR_SYNTAX;
		if (size.size > LETTER_SIZE_MAX || (sum += size.size) > LETTER_SIZE_MAX)
			return LL_ERR_LIMIT;
		l->parts[l->n_parts++] = size.size;
	}
	return items.err || l->n_parts < 2 ? LL_ERR_SYNTAX : LL_OK;
}

/* "<left@right>" of characters that can stand in a header field as they are. */
static bool
is_message_id(struct slice s)
{
	if (s.len < 5 || s.ptr[0] != '<' || s.ptr[s.len - 1] != '>' ||
		slice_find_byte(s, '@') == SLICE_NPOS)
		return false;
	for (size_t i = 1; i + 1 < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '<' || s.ptr[i] == '>')
			return false;
	return true;
}

/* It waits no longer than mail is held, and lasts from when its reader is told of it. */
static bool
are_times(const struct web_letter_new *m, int64_t now)
{
	uint64_t told = MAX((uint64_t)now, m->send_at);

	return m->send_at <= (uint64_t)(now + OUTBOUND_HOLD_MAX) && m->expires > told &&
		m->expires <= told + (uint64_t)LETTER_LIFE_MAX;
}

static int
read_new(const struct web_letter_new *m, int64_t now, struct letter *ret)
{
	static const uint8_t none[WEB_ID];

	if (memcmp(m->id, none, WEB_ID) == 0 || m->access_hash.len != sizeof(ret->access_hash) ||
		!are_times(m, now) || has_controls(m->to) ||
		(m->message_id.len && !is_message_id(m->message_id)))
		return LL_ERR_SYNTAX;
	*ret = (struct letter){.state = WEB_LETTER_DRAFT,
		.created = now,
		.expires = (int64_t)m->expires,
		.send_at = (int64_t)m->send_at,
		.max_opens = m->max_opens,
		.note_len = m->note.len};
	memcpy(ret->id, m->id, WEB_ID);
	memcpy(ret->access_hash, m->access_hash.ptr, sizeof(ret->access_hash));
	if (m->to.len)
		memcpy(ret->to, m->to.ptr, m->to.len);
	if (m->message_id.len)
		memcpy(ret->message_id, m->message_id.ptr, m->message_id.len);
	if (m->note.len)
		memcpy(ret->note, m->note.ptr, m->note.len);
	return read_parts(m->parts, ret);
}

int
web_letter_create(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_new m;
	struct letter l;
	int r = web_letter_new_get(body, &m);

	if (r == LL_OK)
		r = read_new(&m, clock_unix(), &l);
	if (r == LL_OK)
		r = web_take(c, WEB_RULE_LETTER_NEW, SLICE_OF(c->owner.id));
	if (r)
		return r;
	memcpy(l.account, c->owner.id, WEB_ID);
	r = check_room(c, letter_size(&l));
	return r ? r : letter_save(&p, &l, true);
}

/* A letter of who is signed in; another's is not there. */
static int
own_letter(struct web_call *c, const uint8_t id[WEB_ID], struct letter *ret)
{
	const struct web_place p = web_place();
	struct letter l;
	int r = letter_load(&p, id, &l);

	if (r == LL_OK && memcmp(l.account, c->owner.id, WEB_ID) != 0)
		r = LL_ERR_NOTFOUND;
	if (r == LL_OK)
		*ret = l;
	return r;
}

/* The same, of a body that names no more than the letter. */
static int
named_letter(struct web_call *c, struct slice body, struct letter *ret)
{
	struct web_ref m;
	int r = web_ref_get(body, &m);

	return r ? r : own_letter(c, m.id, ret);
}

static size_t
piece_len(uint64_t size, uint32_t piece)
{
	return (size_t)MIN((uint64_t)WEB_PIECE_LEN, size - (uint64_t)piece * WEB_PIECE_LEN);
}

int
web_letter_put(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_piece m;
	struct letter l;
	int r = web_letter_piece_get(body, &m);

	if (r == LL_OK)
		r = web_take(c, WEB_RULE_LETTER_PUT, SLICE_OF(c->owner.id));
	if (r == LL_OK)
		r = own_letter(c, m.id, &l);
	if (r)
		return r;
	if (l.state != WEB_LETTER_DRAFT)
		return LL_ERR_STATE;
	if (m.part >= l.n_parts || m.piece >= letter_pieces(l.parts[m.part]) ||
		m.data.len != piece_len(l.parts[m.part], m.piece))
		return LL_ERR_SYNTAX;
	return letter_piece_put(&p, l.id,
		(struct letter_piece){LETTER_PIECE_PART, (uint16_t)m.part, m.piece}, m.data);
}

static int
check_complete(const struct web_place *p, const struct letter *l)
{
	bool all = true;
	int r = LL_OK;

	for (uint32_t i = 0; i < l->n_parts && r == LL_OK && all; i++)
		r = letter_pieces_have(p, l->id, (uint16_t)i, letter_pieces(l->parts[i]), &all);
	return r ? r : all ? LL_OK : LL_ERR_STATE;
}

int
web_letter_publish(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct letter l;
	int r = named_letter(c, body, &l);

	if (r || l.state == WEB_LETTER_OPEN)
		return r;
	if (l.state != WEB_LETTER_DRAFT || l.expires <= clock_unix())
		return LL_ERR_STATE;
	r = check_complete(&p, &l);
	l.state = WEB_LETTER_OPEN;
	if (r == LL_OK)
		r = letter_save(&p, &l, false);
	if (r == LL_OK)
		note("published", &l);
	return r;
}

/* --- the list --- */

struct listing {
	const struct web_place *p;
	uint64_t skip;
	size_t n;
	bool more;
	struct buf *items;
};

static int
put_letter(const struct letter *l, struct buf *items)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(16384);
	struct web_letter_form m = {.state = (uint8_t)l->state,
		.to = slice_str(l->to),
		.message_id = slice_str(l->message_id),
		.created = (uint64_t)l->created,
		.send_at = (uint64_t)l->send_at,
		.expires = (uint64_t)l->expires,
		.size = letter_size(l),
		.opens = l->opens,
		.max_opens = l->max_opens,
		.first_opened = (uint64_t)l->first_opened,
		.last_opened = (uint64_t)l->last_opened,
		.replies = l->replies - (l->reply != 0),
		.note = slice_new(l->note, l->note_len)};
	int r;

	/* It may be over before the sweep has seen it. */
	if (l->state == WEB_LETTER_OPEN && l->expires <= clock_unix())
		m.state = WEB_LETTER_EXPIRED;
	memcpy(m.id, l->id, WEB_ID);
	r = web_letter_form_put(&item, &m);
	return r ? r : control_items_add(items, buf_slice(&item));
}

static int
on_listed(void *ctx, const uint8_t id[WEB_ID], uint64_t size)
{
	struct listing *g = ctx;
	struct letter l;
	int r;

	if (g->skip) {
		g->skip--;
		return LL_OK;
	}
	if (g->n == PAGE) {
		g->more = true;
		return LL_ERR_LIMIT; /* enough */
	}
	r = letter_load(g->p, id, &l);
	if (r == LL_OK)
		r = put_letter(&l, g->items);
	g->n++;
	return r == LL_ERR_NOTFOUND ? LL_OK : r;
}

int
web_letters(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(CONTROL_ITEMS_MAX);
	const struct web_place p = web_place();
	struct listing g = {.p = &p, .items = &items};
	struct web_letters_form answer;
	struct web_page m;
	int r = web_page_get(body, &m);

	g.skip = m.skip;
	if (r == LL_OK)
		r = letter_each(&p, c->owner.id, on_listed, &g);
	if (r && !g.more)
		return r;
	answer = (struct web_letters_form){.more = g.more, .letters = buf_slice(&items)};
	return web_letters_form_put(&c->answer, &answer);
}

/* --- changes --- */

int
web_letter_change(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_letter_change m;
	int64_t now = clock_unix();
	struct letter l;
	int r = web_letter_change_get(body, &m);

	if (r == LL_OK)
		r = own_letter(c, m.id, &l);
	if (r)
		return r;
	if (l.state != WEB_LETTER_OPEN || l.expires <= now)
		return LL_ERR_STATE;
	if (m.expires > (uint64_t)letter_last(&l) || m.expires <= (uint64_t)now)
		return web_fail(c, LL_ERR_RANGE, "limit", "A letter lasts 90 days at most.");
	l.expires = (int64_t)m.expires;
	return letter_save(&p, &l, false);
}

int
letter_end(const struct web_place *p, struct letter *l, enum web_letter_stage state)
{
	int r;

	l->state = state;
	l->ended = clock_unix();
	l->reply = 0;
	secret_wipe(l->access_hash, sizeof(l->access_hash));
	r = letter_save(p, l, false);
	return r ? r : letter_erase(p, l->id);
}

int
web_letter_withdraw(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct letter l;
	int r = named_letter(c, body, &l);

	if (r || l.state == WEB_LETTER_WITHDRAWN)
		return r;
	if (l.state == WEB_LETTER_EXPIRED)
		return LL_ERR_STATE;
	r = letter_end(&p, &l, WEB_LETTER_WITHDRAWN);
	if (r == LL_OK)
		note("withdrawn", &l);
	return r;
}

int
web_letter_forget(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct letter l;
	int r = named_letter(c, body, &l);

	if (r)
		return r;
	if (l.state == WEB_LETTER_OPEN)
		return LL_ERR_STATE;
	r = letter_erase(&p, l.id);
	return r ? r : letter_delete(&p, &l);
}
