/* The state of all processes: what the parent knows of each, and what each says of itself. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "ipc/pairs.h"
#include "roles/parent_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_WAIT_MS 2000

static uint64_t
resident_kib(pid_t pid)
{
	char path[64], text[128];
	unsigned long long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f)) {
		char *space = strchr(text, ' ');
		pages = space ? strtoull(space + 1, NULL, 10) : 0;
	}
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* What a child says of itself, when it answered. */
static void
put_text(struct buf *out, const struct child *c, const char *s)
{
	json_text_put(out, c->answered ? slice_str(s) : SLICE_NONE);
}

static void
status_answer(void *ctx)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(IPC_PAYLOAD_MAX);
	struct child *auth = parent_child(ROLE_AUTH, 0);

	buf_printf(&json,
		"[{\"role\":\"parent\",\"index\":0,\"pid\":%d,\"ready\":true,\"restarts\":0,"
		"\"memory_kib\":%llu,"
		"\"sandbox\":\"none\",\"secrets\":\"%s\",\"counters\":\"\"}",
		(int)getpid(), (unsigned long long)resident_kib(getpid()), secret_kind());
	for (unsigned i = 0; i < ps.n_children; i++) {
		struct child *c = &ps.children[i];
		buf_printf(&json,
			",{\"role\":\"%s\",\"index\":%u,\"pid\":%d,\"ready\":%s,\"restarts\":%u,"
			"\"memory_kib\":%llu",
			role_name(c->role), c->index, (int)c->pid, c->ready ? "true" : "false",
			c->restarts, (unsigned long long)resident_kib(c->pid));
		buf_puts(&json, ",\"sandbox\":");
		put_text(&json, c, c->sandbox);
		buf_puts(&json, ",\"secrets\":");
		put_text(&json, c, c->secrets);
		buf_puts(&json, ",\"counters\":");
		put_text(&json, c, c->counters);
		buf_putc(&json, '}');
	}
	buf_putc(&json, ']');
	if (buf_err(&json)) { /* some child says far too much */
		buf_reset(&json);
		buf_puts(&json, "[]");
	}
	if (auth && auth->channel)
		(void)ipc_send_processes_reply(auth->channel,
			&(struct msg_processes_reply){
				.id = ps.status_asked, .json = buf_slice(&json)},
			-1);
}

static void
keep(char *to, size_t size, struct slice s)
{
	snprintf(to, size, "%.*s", SLICE_ARG(s));
}

void
parent_status_reply(struct child *c, const struct msg_status_reply *m)
{
	c->answered = true;
	keep(c->sandbox, sizeof(c->sandbox), m->sandbox);
	keep(c->secrets, sizeof(c->secrets), m->secrets);
	keep(c->counters, sizeof(c->counters), m->counters);
	for (unsigned i = 0; i < ps.n_children; i++)
		if (ps.children[i].channel && !ps.children[i].answered)
			return;
	if (ps.status_timer.slot) {
		loop_timer_stop(ps.loop, &ps.status_timer);
		status_answer(NULL);
	}
}

void
parent_processes_query(uint32_t id)
{
	ps.status_asked = id;
	for (unsigned i = 0; i < ps.n_children; i++) {
		ps.children[i].answered = false;
		if (ps.children[i].channel)
			(void)ipc_send_status_query(ps.children[i].channel,
				&(struct msg_status_query){.id = ++ps.status_id}, -1);
	}
	if (loop_timer_set(ps.loop, &ps.status_timer, STATUS_WAIT_MS, status_answer, NULL))
		status_answer(NULL);
}
