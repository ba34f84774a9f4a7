/* What the operator does with the queue: letterlock queue list, retry, drop. */
#include "base/error.h"
#include "base/map.h"
#include "base/text.h"
#include "os/clock.h"
#include "roles/relay.h"

static void
list_entry(const struct entry *en, struct buf *out)
{
	static const char *const states[QUEUE_STATES] = {"waiting", "sent", "failed"};

	buf_puts(out, out->len > 1 ? ",{\"id\":\"" : "{\"id\":\"");
	(void)hex_encode(out, SLICE_OF(en->id));
	buf_puts(out, "\",\"sender\":");
	json_text_put(out, en->e.sender);
	buf_printf(out,
		",\"size\":%llu,\"arrived\":%lld,\"next_attempt\":%lld,\"tries\":%u,\"active\":%s,"
		"\"recipients\":[",
		(unsigned long long)en->e.size, (long long)en->e.arrived,
		(long long)en->e.next_attempt, en->e.tries, en->busy ? "true" : "false");
	for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
		const struct queue_rcpt *r = &en->e.rcpts[i];
		buf_puts(out, i ? ",{\"address\":" : "{\"address\":");
		json_text_put(out, r->address);
		buf_printf(out, ",\"state\":\"%s\",\"code\":%u,\"status\":\"%u.%u.%u\",\"text\":",
			states[r->state], r->code, r->enhanced[0], r->enhanced[1], r->enhanced[2]);
		json_text_put(out, r->text);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

static int
list(struct buf *out)
{
	size_t pos = 0;
	void *value;

	buf_putc(out, '[');
	while (map_next(rl.entries, &pos, NULL, &value)) {
		size_t before = out->len;
		list_entry(value, out);
		if (buf_err(out) ||
			out->len >
				IPC_PAYLOAD_MAX - 64) { /* the rest does not fit: an honest end */
			out->err = 0;
			buf_truncate(out, before);
			break;
		}
	}
	return buf_putc(out, ']');
}

static int
for_entries(struct slice which, void (*act)(struct entry *))
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(RECORD_ID_LEN);
	bool all = slice_eq(which, S("all"));
	size_t pos = 0, n = 0;
	void *value;

	if (!all && hex_decode(&id, which))
		return LL_ERR_SYNTAX;
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
		r = list(&json);
	else if (slice_eq(m->command, S("retry")))
		r = for_entries(m->argument, retry_now);
	else if (slice_eq(m->command, S("drop")))
		r = slice_eq(m->argument, S("all")) ? LL_ERR_SYNTAX
						    : for_entries(m->argument, drop);
	(void)ipc_send_queue_reply(c,
		&(struct msg_queue_reply){
			.id = m->id, .err = (uint8_t)-r, .json = buf_slice(&json)},
		-1);
}
