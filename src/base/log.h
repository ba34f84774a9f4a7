/* Log lines: `role event key=value ...`. A sandboxed role writes them to a pipe of the parent,
 * which adds the time. Never message content, passwords, keys, or a full IP address beyond the
 * configured retention. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Where lines go (a descriptor that stays open) and who writes them. The default is standard error.
 */
void log_setup(int fd, const char *role, enum log_level least);

/* One line; fmt makes the key=value pairs, every untrusted value through log_quote. */
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)

/* The value in quotes, everything but printable ASCII as \xHH, at most 200 bytes of it. Lives until
 * eight more calls. */
const char *log_quote(struct slice value);

#endif
