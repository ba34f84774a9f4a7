/* Addresses written as header fields and SMTP want them. */
#include "mail/address.h"

#include "base/text.h"

#include <string.h>

static bool
is_atext(uint8_t c)
{
	return is_alpha(c) || is_digit(c) || c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Words of atoms and single spaces. */
static bool
is_phrase(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_atext(s.ptr[i]) && (s.ptr[i] != ' ' || i == 0 || s.ptr[i - 1] == ' '))
			return false;
	return s.len && s.ptr[s.len - 1] != ' ';
}

static bool
is_dot_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_atext(s.ptr[i]) && (s.ptr[i] != '.' || i == 0 || s.ptr[i - 1] == '.'))
			return false;
	return s.len && s.ptr[s.len - 1] != '.';
}

static int
put_quoted(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, c == '\r' || c == '\n' || c == 0 ? ' ' : c);
	}
	return buf_putc(out, '"');
}

int
address_put_phrase(struct buf *out, struct slice phrase)
{
	return is_phrase(phrase) ? buf_put(out, phrase) : put_quoted(out, phrase);
}

int
address_put_spec(struct buf *out, struct slice local, struct slice domain)
{
	if (is_dot_atom(local))
		buf_put(out, local);
	else
		put_quoted(out, local);
	if (!domain.ptr)
		return buf_err(out);
	buf_putc(out, '@');
	return buf_put(out, domain);
}

int
address_put_bare(struct buf *out, const struct address *addr)
{
	buf_put(out, addr->local);
	if (addr->domain.ptr) {
		buf_putc(out, '@');
		buf_put(out, addr->domain);
	}
	return buf_err(out);
}

int
address_put(struct buf *out, const struct address *addr)
{
	if (addr->kind == ADDRESS_GROUP_END)
		return buf_putc(out, ';');
	if (addr->kind == ADDRESS_GROUP) {
		address_put_phrase(out, addr->name);
		return buf_putc(out, ':');
	}
	if (!addr->name.len)
		return address_put_spec(out, addr->local, addr->domain);
	address_put_phrase(out, addr->name);
	buf_puts(out, " <");
	address_put_spec(out, addr->local, addr->domain);
	return buf_putc(out, '>');
}
