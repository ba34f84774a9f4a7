/* Command lines: CRLF ends them and nothing else does. A bare LF ends the connection instead, since
 * who sends one sees other lines than we do; a line that is too long is read to its end without
 * being kept. */
#include "base/text.h"
#include "faces/smtp_server_priv.h"

#include <string.h>

/* Octets of a line that is skipped for its length, before we hang up. */
#define SKIP_MAX ((size_t)1 << 20)

const struct smtp_text smtp_bare_lf = {500, "5.5.2", "Lines end in CRLF here, not in LF"};
static const struct smtp_text bare_cr = {500, "5.5.2", "CR inside a line"};
static const struct smtp_text controls = {500, "5.5.2", "Control characters in a command"};
static const struct smtp_text not_utf8 = {500, "5.5.2", "This is neither ASCII nor UTF-8"};
static const struct smtp_text too_long = {500, "5.5.2", "The line is too long"};
static const struct smtp_text endless = {421, "4.7.0", "The line does not end"};

enum smtp_line
smtp_line_next(struct smtp_server *s, size_t max, struct slice *ret)
{
	struct slice in = smtp_server_unread(s);
	size_t lf = slice_find_byte(slice_skip(in, s->scanned), '\n');

	lf = lf == SLICE_NPOS ? SLICE_NPOS : lf + s->scanned;
	if (lf == SLICE_NPOS ? in.len >= max : lf >= max)
		return SMTP_LINE_TOO_LONG;
	if (lf == SLICE_NPOS) {
		s->scanned = in.len;
		return SMTP_LINE_NONE;
	}
	if (!lf || in.ptr[lf - 1] != '\r')
		return SMTP_LINE_BARE_LF;
	*ret = slice_sub(in, 0, lf - 1);
	return SMTP_LINE_GOOD;
}

const struct smtp_text *
smtp_line_check(struct slice line)
{
	if (line.len && memchr(line.ptr, '\r', line.len))
		return &bare_cr;
	if (has_controls(line))
		return &controls;
	return utf8_valid(line) ? NULL : &not_utf8;
}

enum smtp_turn
smtp_line_skip(struct smtp_server *s, size_t max)
{
	smtp_server_take(s, max - 1);
	s->skipped = max - 1;
	s->mode = SMTP_MODE_SKIP;
	return SMTP_TURN_ON;
}

enum smtp_turn
smtp_skip_turn(struct smtp_server *s)
{
	struct slice in = smtp_server_unread(s);
	size_t lf = slice_find_byte(in, '\n');
	bool crlf = lf != SLICE_NPOS && lf && in.ptr[lf - 1] == '\r';
	size_t n = crlf ? lf - 1 : MIN(lf, in.len);

	if (lf == SLICE_NPOS && n && in.ptr[n - 1] == '\r')
		n--;
	s->skipped += n;
	if (s->skipped > SKIP_MAX) {
		smtp_server_close(s, &endless);
		return SMTP_TURN_ON;
	}
	smtp_server_take(s, n);
	if (lf == SLICE_NPOS)
		return SMTP_TURN_WAIT;
	if (!crlf) {
		smtp_server_close(s, &smtp_bare_lf);
		return SMTP_TURN_ON;
	}
	smtp_server_take(s, 2);
	s->mode = SMTP_MODE_COMMAND;
	s->commands++;
	return smtp_server_refuse(s, &too_long);
}
