/* Header fields that the server writes: folded, and never able to start a field of their own. */
#include "mail/build.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/encoded_word.h"

#define FIELD_LINE 78 /* RFC 5322 section 2.1.1 */
#define FIELD_VALUE_MAX ((size_t)1 << 20)
#define MESSAGE_ID_RANDOM 16 /* least bytes */
#define MESSAGE_ID_MAX 900 /* with the name of its field within a line of 998 */

static bool
is_break(uint8_t c)
{
	return c == ' ' || c == '\r' || c == '\n' || c == 0;
}

int
build_field(struct buf *out, const char *name, struct slice value)
{
	size_t column = slice_str(name).len + 1, n;

	buf_puts(out, name);
	buf_putc(out, ':');
	for (;;) {
		while (value.len && is_break(value.ptr[0]))
			value = slice_skip(value, 1);
		if (!value.len)
			return buf_puts(out, "\r\n");
		for (n = 0; n < value.len && !is_break(value.ptr[n]); n++)
			;
		/* A word too long for any line is not helped by a line of its own. */
		if (column + 1 + n > FIELD_LINE && n < FIELD_LINE) {
			buf_puts(out, "\r\n");
			column = 0;
		}
		buf_putc(out, ' ');
		buf_put(out, slice_sub(value, 0, n));
		column += 1 + n;
		value = slice_skip(value, n);
	}
}

int
build_field_text(struct buf *out, const char *name, struct slice utf8)
{
	CLEANUP(buf_done) struct buf words = BUF_INIT(FIELD_VALUE_MAX);

	if (encoded_word_encode(&words, utf8))
		return buf_err(&words);
	return build_field(out, name, buf_slice(&words));
}

int
build_field_address(struct buf *out, const char *name, struct slice display, struct slice addr)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(FIELD_VALUE_MAX);

	if (display.len) {
		if (is_ascii(display) && slice_find(display, S("=?")) == SLICE_NPOS)
			address_put_phrase(&value, display);
		else
			encoded_word_encode(&value, display);
		buf_puts(&value, " <");
	}
	buf_put(&value, addr);
	if (display.len)
		buf_putc(&value, '>');
	return buf_err(&value) ? buf_err(&value) : build_field(out, name, buf_slice(&value));
}

static bool
is_message_id(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
			return false;
	return s.len > 2 && s.len <= MESSAGE_ID_MAX && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>';
}

int
build_field_ids(struct buf *out, const char *name, struct slice value)
{
	CLEANUP(buf_done) struct buf ids = BUF_INIT(FIELD_VALUE_MAX);

	while (value.len) {
		size_t n;
		for (n = 0; n < value.len && value.ptr[n] > ' '; n++)
			;
		if (is_message_id(slice_sub(value, 0, n))) {
			if (ids.len)
				buf_putc(&ids, ' ');
			buf_put(&ids, slice_sub(value, 0, n));
		}
		value = slice_skip(value, n + 1);
	}
	if (buf_err(&ids))
		return buf_err(&ids);
	return ids.len ? build_field(out, name, buf_slice(&ids)) : LL_OK;
}

int
build_field_date(struct buf *out, const char *name, int64_t unix_seconds)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(64);

	if (mail_date_put(&value, unix_seconds, 0))
		return buf_err(&value);
	return build_field(out, name, buf_slice(&value));
}

int
build_message_id(struct buf *out, struct slice random, struct slice domain)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(256);

	assert(random.len >= MESSAGE_ID_RANDOM);
	if (crockford_encode(&id, random))
		return buf_err(&id);
	buf_putc(out, '<');
	for (size_t i = 0; i < id.len; i++)
		buf_putc(out, to_lower(id.ptr[i]));
	buf_putc(out, '@');
	if (buf_err(out))
		return buf_err(out);
	if (address_domain_ascii(out, domain))
		return buf_err(out) ? buf_err(out) : LL_ERR_SYNTAX;
	return buf_putc(out, '>');
}
