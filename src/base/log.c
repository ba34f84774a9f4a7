/* Log lines with escaped values. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048
#define LOG_QUOTE_MAX 200
#define LOG_QUOTE_SLOTS 8

static struct {
	int fd;
	const char *role;
	enum log_level least;
} log_state = {STDERR_FILENO, "letterlock", LOG_LEVEL_INFO};

void
log_setup(int fd, const char *role, enum log_level least)
{
	log_state.fd = fd;
	log_state.role = role;
	log_state.least = least;
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	char line[LOG_LINE_MAX];
	va_list ap;
	size_t n;
	int r;

	if (level < log_state.least)
		return;
	r = snprintf(line, sizeof(line) - 1, "%s %s %s ", names[level], log_state.role, event);
	n = MIN((size_t)MAX(r, 0), sizeof(line) - 2);
	va_start(ap, fmt);
	r = vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	va_end(ap);
	n = MIN(n + (size_t)MAX(r, 0), sizeof(line) - 2);
	line[n++] = '\n';
	/* A full log pipe must not stop the service: a line that cannot be written is dropped. */
	(void)!write(log_state.fd, line, n);
}

const char *
log_quote(struct slice value)
{
	static char slots[LOG_QUOTE_SLOTS][LOG_QUOTE_MAX * 4 + 8];
	static unsigned next;
	static const char hex[] = "0123456789abcdef";
	char *out = slots[next++ % LOG_QUOTE_SLOTS], *p = out;

	*p++ = '"';
	for (size_t i = 0; i < MIN(value.len, (size_t)LOG_QUOTE_MAX); i++) {
		uint8_t c = value.ptr[i];
		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			*p++ = (char)c;
			continue;
		}
		*p++ = '\\';
		*p++ = 'x';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	if (value.len > LOG_QUOTE_MAX)
		p = stpcpy(p, "...");
	*p++ = '"';
	*p = 0;
	return out;
}
