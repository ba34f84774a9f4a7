/* Replies steer what we tell our own users and what we send next, and they come from strangers:
 * only a reply of exact form is one. */
#include "faces/smtp_reply.h"
#include "base/text.h"

#include <string.h>

void
smtp_reply_init(struct smtp_reply *reply)
{
	*reply = (struct smtp_reply){.text = BUF_INIT(SMTP_REPLY_TEXT_MAX)};
}

void
smtp_reply_reset(struct smtp_reply *reply)
{
	struct buf text = reply->text;

	buf_reset(&text);
	*reply = (struct smtp_reply){.text = text};
}

void
smtp_reply_done(struct smtp_reply *reply)
{
	buf_done(&reply->text);
}

/* One number of an enhanced code: no leading zeros, at most three digits. */
static bool
take_number(struct slice *s, uint16_t *ret)
{
	uint16_t v = 0;
	size_t n = 0;

	while (n < s->len && is_digit(s->ptr[n]) && n < 4)
		v = (uint16_t)(v * 10 + (s->ptr[n++] - '0'));
	if (!n || n > 3 || (n > 1 && s->ptr[0] == '0'))
		return false;
	*s = slice_skip(*s, n);
	*ret = v;
	return true;
}

/* "5.1.1 text" without its code; RFC 2034: the class must be that of the reply. */
static struct slice
take_enhanced(struct slice text, uint16_t code, uint16_t ret[3])
{
	struct slice s = text;
	uint16_t e[3];

	for (size_t i = 0; i < 3; i++) {
		if (i && (!s.len || s.ptr[0] != '.'))
			return text;
		s = slice_skip(s, i ? 1 : 0);
		if (!take_number(&s, &e[i]))
			return text;
	}
	if ((s.len && s.ptr[0] != ' ') || e[0] != code / 100)
		return text;
	memcpy(ret, e, sizeof(e));
	return slice_skip(s, 1);
}

static void
put_text(struct smtp_reply *reply, struct slice line)
{
	bool utf8 = utf8_valid(line);
	size_t room = SMTP_REPLY_TEXT_MAX - reply->text.len;

	if (room < line.len + 1) /* enough said */
		return;
	if (reply->lines)
		buf_putc(&reply->text, '\n');
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.ptr[i];
		bool good = c >= ' ' && c != 127 && (c < 127 || utf8);
		buf_putc(&reply->text, good ? c : '?');
	}
}

/* The code and what follows it; *ret_last: no "-" after it. */
static const char *
take_line(struct smtp_reply *reply, struct slice line, bool *ret_last)
{
	uint16_t code, enhanced[3] = {0};

	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5' || !is_digit(line.ptr[1]) ||
		!is_digit(line.ptr[2]))
		return "a reply without a code";
	if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
		return "a reply without a space after its code";
	code = (uint16_t)((line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + line.ptr[2] - '0');
	if (reply->begun && code != reply->code)
		return "a reply with two codes";
	if (reply->lines >= SMTP_REPLY_LINES_MAX)
		return "a reply of too many lines";
	*ret_last = line.len == 3 || line.ptr[3] == ' ';
	line = take_enhanced(slice_skip(line, 4), code, enhanced);
	if (!reply->begun)
		memcpy(reply->enhanced, enhanced, sizeof(enhanced));
	reply->code = code;
	put_text(reply, line);
	reply->begun = true;
	reply->lines++;
	return NULL;
}

enum parse_result
smtp_reply_parse(struct smtp_reply *reply, struct slice *in, const char **ret_why)
{
	for (;;) {
		size_t lf = slice_find_byte(*in, '\n');
		struct slice line;
		bool last = false;

		*ret_why = "a line of a reply is too long";
		if (lf == SLICE_NPOS ? in->len >= SMTP_REPLY_LINE_MAX : lf >= SMTP_REPLY_LINE_MAX)
			return PARSE_BAD;
		if (lf == SLICE_NPOS)
			return PARSE_MORE;
		*ret_why = "a reply with a line end that is not CRLF";
		if (!lf || slice_find_byte(slice_sub(*in, 0, lf), '\r') != lf - 1)
			return PARSE_BAD;
		line = slice_sub(*in, 0, lf - 1);
		*ret_why = take_line(reply, line, &last);
		if (*ret_why)
			return PARSE_BAD;
		*in = slice_skip(*in, lf + 1);
		if (last)
			return PARSE_OK;
	}
}
