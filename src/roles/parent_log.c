/* The log: each process writes to a pipe of its own, and the parent adds the time. A process that
 * was taken over can neither fill the log nor write a line that seems to be another's. */
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/pairs.h"
#include "os/clock.h"
#include "roles/parent_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_LINE ((size_t)4096)
#define READS_PER_ROUND 16 /* 64 KiB, what the pipe holds */
/* What one role may write: a busy relay has some 80 lines in a second to say, a report of a
 * sanitizer is some 20 KiB at once, and a disk lasts for years of 8 KiB in every second. */
#define BYTES_AT_ONCE ((int64_t)512 << 10)
#define BYTES_PER_SECOND ((int64_t)8 << 10)
#define LINE_COST 64 /* what a line costs besides its bytes: the time, the role */
#define REPORT_EVERY_MS 10000

struct log_source {
	struct log_source *next;
	struct child *child; /* NULL: the parent */
	int fd;
	struct loop_watch watch;
	struct buf line;
	bool cut; /* the rest of a line that was too long is skipped */
};

static struct log_source *sources;
static struct loop_timer report_timer;

static const char *
name_of(const struct log_source *s)
{
	return s->child ? role_name(s->child->role) : "parent";
}

/* --- what may be written --- */

static bool
affordable(struct child *c, size_t len)
{
	int64_t now = clock_ms(), cost = (int64_t)len + LINE_COST;

	c->log_bytes = c->log_filled
		? c->log_bytes + (now - c->log_filled) * BYTES_PER_SECOND / 1000
		: BYTES_AT_ONCE;
	c->log_bytes = MIN(c->log_bytes, BYTES_AT_ONCE);
	c->log_filled = now;
	if (c->log_bytes < cost)
		return false;
	c->log_bytes -= cost;
	return true;
}

static void
report_suppressed(void *ctx)
{
	for (unsigned i = 0; i < ps.n_children; i++) {
		struct child *c = &ps.children[i];
		if (c->log_suppressed)
			log_warn("log-suppressed", "role=%s index=%u lines=%llu",
				role_name(c->role), c->index, c->log_suppressed);
		c->log_suppressed = 0;
	}
}

static void
suppress(struct child *c)
{
	c->log_suppressed++;
	if (!report_timer.slot &&
		loop_timer_set(ps.loop, &report_timer, REPORT_EVERY_MS, report_suppressed, NULL))
		report_suppressed(NULL);
}

/* --- lines --- */

/* "level role event ...", with the role that it comes from. */
static bool
well_formed(struct slice line, const char *role)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	struct slice level = slice_split(&line, ' '), from = slice_split(&line, ' ');

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (slice_eq(level, slice_str(levels[i])))
			return slice_eq(from, slice_str(role));
	return false;
}

static void
write_line(struct log_source *s, struct slice line)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(LOG_LINE + 128);

	if (s->child && !affordable(s->child, line.len)) {
		suppress(s->child);
		return;
	}
	date_put_rfc3339(&out, clock_unix());
	buf_putc(&out, ' ');
	if (!well_formed(line, name_of(s)))
		buf_printf(&out, "error %s output ", name_of(s));
	for (size_t i = 0; i < line.len; i++) /* no control characters reach a terminal */
		buf_putc(&out, line.ptr[i] < 0x20 || line.ptr[i] >= 0x7f ? '?' : line.ptr[i]);
	buf_putc(&out, '\n');
	if (buf_err(&out) == LL_OK)
		(void)!write(STDERR_FILENO, out.ptr, out.len);
}

static void
take_lines(struct log_source *s)
{
	size_t at;

	while ((at = slice_find_byte(buf_slice(&s->line), '\n')) != SLICE_NPOS) {
		if (!s->cut)
			write_line(s, slice_new(s->line.ptr, at));
		s->cut = false;
		buf_consume(&s->line, at + 1);
	}
	if (s->line.len < LOG_LINE)
		return;
	if (!s->cut)
		write_line(s, buf_slice(&s->line));
	s->cut = true;
	buf_reset(&s->line);
}

/* --- pipes --- */

static void
source_free(struct log_source *s)
{
	struct log_source **at = &sources;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (s->line.len && !s->cut) /* the last words of one that died in the middle of a line */
		write_line(s, buf_slice(&s->line));
	loop_unwatch(ps.loop, &s->watch);
	close(s->fd);
	buf_done(&s->line);
	free(s);
}

static void
on_log(void *ctx, unsigned events)
{
	struct log_source *s = ctx;

	for (int i = 0; i < READS_PER_ROUND; i++) {
		uint8_t *p = buf_room(&s->line, LOG_LINE - s->line.len);
		ssize_t n = p ? read(s->fd, p, LOG_LINE - s->line.len) : -1;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			source_free(s);
			return;
		}
		buf_grow(&s->line, (size_t)n);
		take_lines(s);
	}
}

int
parent_log_open(struct child *c)
{
	struct log_source *s = calloc(1, sizeof(*s));
	int fds[2];

	if (!s || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(s);
		return LL_ERR_IO;
	}
	*s = (struct log_source){.next = sources,
		.child = c,
		.fd = fds[0],
		.watch = LOOP_WATCH_NONE,
		.line = BUF_INIT(LOG_LINE)};
	sources = s;
	if (loop_watch(ps.loop, &s->watch, fds[0], LOOP_READ, on_log, s)) {
		source_free(s);
		close(fds[1]);
		return LL_ERR_IO;
	}
	return fds[1];
}

void
parent_log_drain(void)
{
	report_suppressed(NULL);
	for (struct log_source *s = sources, *next; s; s = next) {
		next = s->next;
		on_log(s, LOOP_READ);
	}
}
