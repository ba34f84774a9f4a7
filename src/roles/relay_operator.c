/* What the operator does with the queue: letterlock queue list, retry, drop. */
#include "base/error.h"
#include "base/map.h"
#include "base/text.h"
#include "base/vec.h"
#include "ipc/control.h"
#include "os/clock.h"
#include "roles/relay.h"

#include <stdlib.h>
#include <string.h>

/* How much of an entry is said: what does not fit into one answer loses the texts of its recipients
 * first, then the recipients. */
enum detail { WITH_TEXTS, WITH_RECIPIENTS, ALONE, DETAILS };

static void
list_recipient(const struct queue_rcpt *r, enum detail detail, struct buf *out)
{
	static const char *const states[QUEUE_STATES] = {"waiting", "sent", "failed"};

	buf_puts(out, "{\"address\":");
	json_text_put(out, r->address);
	buf_printf(out,
		",\"state\":\"%s\",\"code\":%u,\"status\":\"%u.%u.%u\",\"text\":", states[r->state],
		r->code, r->enhanced[0], r->enhanced[1], r->enhanced[2]);
	json_text_put(out, detail == WITH_TEXTS ? r->text : SLICE_NONE);
	buf_putc(out, '}');
}

static void
list_entry(const struct entry *en, enum detail detail, struct buf *out)
{
	buf_puts(out, out->len > 1 ? ",{\"id\":\"" : "{\"id\":\"");
	(void)hex_encode(out, SLICE_OF(en->id));
	buf_puts(out, "\",\"sender\":");
	json_text_put(out, en->e.sender);
	buf_printf(out,
		",\"size\":%llu,\"arrived\":%lld,\"next_attempt\":%lld,\"tries\":%u,\"active\":%s,"
		"\"recipients\":[",
		(unsigned long long)en->e.size, (long long)en->e.arrived,
		(long long)en->e.next_attempt, en->e.tries, en->busy ? "true" : "false");
	for (uint32_t i = 0; i < en->e.rcpt_count && detail != ALONE; i++) {
		if (i)
			buf_putc(out, ',');
		list_recipient(&en->e.rcpts[i], detail, out);
	}
	buf_puts(out, "]}");
}

/* The order of the list: it stays the same while entries come and go between two pages. */
struct cursor {
	int64_t arrived;
	uint8_t id[RECORD_ID_LEN];
};

static int
compare_cursors(const struct cursor *a, const struct cursor *b)
{
	if (a->arrived != b->arrived)
		return a->arrived < b->arrived ? -1 : 1;
	return memcmp(a->id, b->id, sizeof(a->id));
}

static struct cursor
cursor_of(const struct entry *en)
{
	struct cursor c = {.arrived = en->e.arrived};

	memcpy(c.id, en->id, sizeof(c.id));
	return c;
}

static int
compare_entries(const void *a, const void *b)
{
	struct cursor x = cursor_of(*(struct entry *const *)a),
		      y = cursor_of(*(struct entry *const *)b);

	return compare_cursors(&x, &y);
}

/* "" for the first page, else "ARRIVED ID" of the last entry that was had. */
static int
parse_cursor(struct slice text, struct cursor *ret)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(RECORD_ID_LEN);
	uint64_t arrived;

	if (slice_u64(slice_split(&text, ' '), INT64_MAX, &arrived) || hex_decode(&id, text) ||
		id.len != RECORD_ID_LEN)
		return LL_ERR_SYNTAX;
	ret->arrived = (int64_t)arrived;
	memcpy(ret->id, id.ptr, RECORD_ID_LEN);
	return LL_OK;
}

/* False, and nothing written, when the entry does not fit. The first of a page always does. */
static bool
entry_fits(const struct entry *en, struct buf *out)
{
	bool first = out->len == 1;
	size_t before = out->len;

	for (enum detail d = WITH_TEXTS; d < DETAILS; d++) {
		list_entry(en, d, out);
		if (!buf_err(out) && out->len <= CONTROL_TEXT_MAX - 64)
			return true;
		out->err = LL_OK;
		buf_truncate(out, before);
		if (!first)
			return false;
	}
	return false;
}

/* One page; an empty one is the end. */
static int
list(struct slice after, struct buf *out)
{
	VEC(struct entry *) entries = {0};
	struct cursor from = {0};
	size_t pos = 0;
	void *value;
	int r = after.len ? parse_cursor(after, &from) : LL_OK;

	while (r == LL_OK && map_next(rl.entries, &pos, NULL, &value)) {
		struct entry *en = value;
		struct cursor here = cursor_of(en);
		if (!after.len || compare_cursors(&here, &from) > 0)
			r = VEC_PUSH(&entries, en);
	}
	if (entries.len)
		qsort(entries.at, entries.len, sizeof(*entries.at), compare_entries);
	buf_putc(out, '[');
	for (size_t i = 0; r == LL_OK && i < entries.len && entry_fits(entries.at[i], out); i++)
		;
	VEC_DONE(&entries);
	return r ? r : buf_putc(out, ']');
}

static int
for_entries(struct slice which, void (*act)(struct entry *))
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(RECORD_ID_LEN);
	bool all = slice_eq(which, S("all"));
	size_t pos = 0, n = 0;
	void *value;

	if (!all && hex_decode(&id, which))
		return LL_ERR_NOTFOUND;
	while (map_next(rl.entries, &pos, NULL, &value)) {
		struct entry *en = value;
		if (!all && !slice_eq(SLICE_OF(en->id), buf_slice(&id)))
			continue;
		act(en);
		n++;
	}
	return n || all ? LL_OK : LL_ERR_NOTFOUND;
}

static void
retry_now(struct entry *en)
{
	if (en->busy || en->gone)
		return;
	en->e.next_attempt = clock_unix();
	relay_entry_wake(en, 0);
}

static void
drop(struct entry *en)
{
	en->dropped = true;
	if (!en->busy)
		relay_entry_wake(en, 0);
}

void
relay_queue_command(struct ipc_channel *c, const struct msg_queue_command *m)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(IPC_PAYLOAD_MAX);
	int r = LL_ERR_UNSUPPORTED;

	if (slice_eq(m->command, S("list")))
		r = list(m->argument, &json);
	else if (slice_eq(m->command, S("retry")))
		r = for_entries(m->argument, retry_now);
	else if (slice_eq(m->command, S("drop")))
		r = slice_eq(m->argument, S("all")) ? LL_ERR_NOTFOUND
						    : for_entries(m->argument, drop);
	if (r == LL_ERR_NOTFOUND)
		buf_puts(&json, "no message in the queue has this id");
	(void)ipc_send_queue_reply(c,
		&(struct msg_queue_reply){
			.id = m->id, .err = (uint8_t)-r, .json = buf_slice(&json)},
		-1);
}
