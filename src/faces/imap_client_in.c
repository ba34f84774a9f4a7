/* Cuts what an IMAP server says into responses: lines with the literals in them. Content (BODY[])
 * goes into a buffer of its own, and beyond the limit nowhere; the numbers of a SEARCH are taken
 * out as they come. So one response never holds more than CLIENT_RESPONSE_MAX. */
#include "faces/imap_client_priv.h"

#include <string.h>

#define LINE_PIECE ((size_t)16 << 10)

/* Responses in which a literal may stand; in the text of others "{5}" is just text. */
static bool
has_literals(struct slice line)
{
	static const struct slice texts[] = {
		S("OK"), S("NO"), S("BAD"), S("BYE"), S("PREAUTH"), S("CAPABILITY")};
	struct slice word;

	if (!slice_starts(line, S("* ")))
		return false;
	line = slice_skip(line, 2);
	word = slice_split(&line, ' ');
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (slice_ieq(word, texts[i]))
			return false;
	return true;
}

/* "{12}" at the end of the line (before its CRLF): where it begins, or SLICE_NPOS. */
static size_t
literal_at(struct slice line, uint64_t *ret_len)
{
	size_t open = slice_rfind_byte(line, '{');
	struct slice digits = slice_skip(line, open == SLICE_NPOS ? line.len : open + 1);

	if (!slice_ends(digits, S("}")) || !has_literals(line))
		return SLICE_NPOS;
	digits.len--;
	if (slice_ends(digits, S("+")))
		digits.len--;
	return slice_u64(digits, UINT32_MAX, ret_len) ? SLICE_NPOS : open;
}

static void
literal_begin(struct imap_client *c, size_t at, uint64_t len)
{
	struct slice before = slice_sub(buf_slice(&c->response), 0, at);

	if (slice_iends(before, S("BODY[] ")) && !c->has_body) {
		c->has_body = true;
		c->too_large = len > c->config.body_max;
		buf_truncate(&c->response, at);
		buf_puts(&c->response, "\"\""); /* what stands for it */
		c->framing = FRAME_BODY;
	} else {
		buf_puts(&c->response, "\r\n");
		c->framing = FRAME_LITERAL;
		if (len > CLIENT_LITERAL_MAX)
			client_fail(c, IMAP_ERROR_LIMIT);
	}
	c->left = len;
}

static void
response_reset(struct imap_client *c)
{
	buf_reset(&c->response);
	arena_reset(&c->arena);
	if (c->body.cap > (size_t)4 << 20)
		buf_done(&c->body);
	buf_reset(&c->body);
	c->has_body = c->too_large = c->searching = false;
}

/* A line is complete but for its LF, which was not put there. */
static void
line_end(struct imap_client *c)
{
	struct slice line;
	uint64_t len;
	size_t at;

	if (c->response.len && c->response.ptr[c->response.len - 1] == '\r')
		buf_truncate(&c->response, c->response.len - 1);
	line = buf_slice(&c->response);
	at = literal_at(line, &len);
	if (at != SLICE_NPOS) {
		literal_begin(c, at, len);
		return;
	}
	if (c->searching)
		client_search(c, true);
	else
		client_response(c, line);
	if (c->event != IMAP_CLIENT_NONE || c->state == CLIENT_CLOSED)
		return; /* what it shows stays until the next call */
	response_reset(c);
}

static size_t
take_line(struct imap_client *c, struct slice in)
{
	/* Piece by piece: what a SEARCH says is taken out in between. */
	size_t end = slice_find_byte(slice_sub(in, 0, LINE_PIECE), '\n');
	size_t n = end == SLICE_NPOS ? MIN(in.len, LINE_PIECE) : end;

	buf_put(&c->response, slice_sub(in, 0, n));
	if (!c->searching && c->response.len >= 9)
		c->searching = slice_istarts(buf_slice(&c->response), S("* SEARCH "));
	if (c->searching)
		client_search(c, false);
	if (buf_err(&c->response))
		client_fail(c,
			buf_err(&c->response) == LL_ERR_NOMEM ? IMAP_ERROR_MEMORY
							      : IMAP_ERROR_LIMIT);
	else if (end != SLICE_NPOS && c->state != CLIENT_CLOSED)
		line_end(c);
	return end == SLICE_NPOS ? n : n + 1;
}

static size_t
take_literal(struct imap_client *c, struct slice in)
{
	struct buf *to = c->framing == FRAME_BODY ? &c->body : &c->response;
	struct slice piece = slice_sub(in, 0, (size_t)MIN(c->left, (uint64_t)in.len));

	if ((c->framing == FRAME_LITERAL || !c->too_large) && buf_put(to, piece))
		client_fail(c, buf_err(to) == LL_ERR_NOMEM ? IMAP_ERROR_MEMORY : IMAP_ERROR_LIMIT);
	c->left -= piece.len;
	if (!c->left)
		c->framing = FRAME_LINE;
	return piece.len;
}

size_t
imap_client_feed(struct imap_client *c, struct slice in)
{
	size_t used = 0;

	if (c->event != IMAP_CLIENT_NONE)
		return 0;
	if (c->state == CLIENT_CLOSED)
		return in.len;
	/* After a response was shown: its bytes may go. */
	if (c->framing == FRAME_LINE && c->shown)
		response_reset(c);
	c->shown = false;
	/* Nothing may come in clear behind the answer to STARTTLS. */
	if (c->state == CLIENT_HANDSHAKE && in.len)
		client_fail(c, IMAP_ERROR_PROTOCOL);
	while (used < in.len && c->event == IMAP_CLIENT_NONE && c->state != CLIENT_CLOSED) {
		struct slice rest = slice_skip(in, used);
		used += c->framing == FRAME_LINE ? take_line(c, rest) : take_literal(c, rest);
	}
	c->shown = c->event != IMAP_CLIENT_NONE;
	return used;
}
