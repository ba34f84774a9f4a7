/* Mailboxes and paths as RFC 5321 section 4.1.2 has them, with RFC 6531 where asked for. Nothing is
 * repaired here: what is let in is relayed as it is. */
#include "mail/address.h"

#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX 63

static bool
is_atext(uint8_t c)
{
	return is_alpha(c) || is_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool
is_text_byte(uint8_t c, unsigned flags)
{
	return is_atext(c) || (c >= 0x80 && (flags & ADDRESS_UTF8));
}

/* Length of a Dot-string at the start; 0 when there is none. */
static size_t
dot_string(struct slice s, unsigned flags)
{
	size_t n = 0;

	while (n < s.len) {
		if (s.ptr[n] == '.' && n && s.ptr[n - 1] != '.')
			n++;
		else if (is_text_byte(s.ptr[n], flags))
			n++;
		else
			break;
	}
	return n && s.ptr[n - 1] == '.' ? 0 : n;
}

/* Length of a Quoted-string at the start with its quotes; 0 when it is none. */
static size_t
quoted_string(struct slice s, unsigned flags)
{
	for (size_t i = 1; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (c == '"')
			return i + 1;
		if (c == '\\' && (++i == s.len || s.ptr[i] < ' ' || s.ptr[i] > '~'))
			return 0;
		if (c < ' ' || c == 0x7f || (c >= 0x80 && !(flags & ADDRESS_UTF8)))
			return 0;
	}
	return 0;
}

/* A label of letters, digits and inner hyphens; of U-labels only the bytes are looked at. */
static bool
label_ok(struct slice s, unsigned flags)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (!is_alpha(c) && !is_digit(c) && c != '-' &&
			!(c >= 0x80 && (flags & ADDRESS_UTF8)))
			return false;
	}
	return s.len && s.len <= LABEL_MAX && s.ptr[0] != '-' && s.ptr[s.len - 1] != '-';
}

int
address_domain_check(struct slice domain, unsigned flags)
{
	struct slice rest = domain;

	if (!domain.len || domain.ptr[domain.len - 1] == '.')
		return LL_ERR_SYNTAX;
	if (domain.len > ADDRESS_DOMAIN_MAX)
		return LL_ERR_LIMIT;
	while (rest.len)
		if (!label_ok(slice_split(&rest, '.'), flags))
			return LL_ERR_SYNTAX;
	return utf8_valid(domain) ? LL_OK : LL_ERR_SYNTAX;
}

/* The inside of "[...]": IPv4, or "IPv6:" and an address. */
static bool
literal_ok(struct slice s)
{
	char text[INET6_ADDRSTRLEN] = {0};
	uint8_t addr[16];
	bool six = slice_istarts(s, S("IPv6:"));

	if (six)
		s = slice_skip(s, 5);
	if (!s.len || s.len >= sizeof(text) || slice_find_byte(s, 0) != SLICE_NPOS)
		return false;
	memcpy(text, s.ptr, s.len);
	return inet_pton(six ? AF_INET6 : AF_INET, text, addr) == 1;
}

static size_t
domain_length(struct slice s)
{
	size_t n = 0;

	while (n < s.len &&
		(is_alpha(s.ptr[n]) || is_digit(s.ptr[n]) || s.ptr[n] >= 0x80 || s.ptr[n] == '-' ||
			s.ptr[n] == '.'))
		n++;
	return n;
}

static int
read_domain(struct slice s, unsigned flags, struct address_smtp *a)
{
	size_t close;

	if (!s.len || s.ptr[0] != '[') {
		a->domain = slice_sub(s, 0, domain_length(s));
		return address_domain_check(a->domain, flags);
	}
	close = slice_find_byte(s, ']');
	if (close == SLICE_NPOS || !literal_ok(slice_sub(s, 1, close - 1)))
		return LL_ERR_SYNTAX;
	a->domain = slice_sub(s, 0, close + 1);
	a->literal = true;
	return LL_OK;
}

/* Takes a Mailbox off the front of *in. */
static int
read_mailbox(struct slice *in, unsigned flags, struct address_smtp *a)
{
	struct slice s = *in;
	size_t n;
	int err;

	a->quoted = s.len && s.ptr[0] == '"';
	n = a->quoted ? quoted_string(s, flags) : dot_string(s, flags);
	a->local = slice_sub(s, 0, n);
	s = slice_skip(s, n);
	if (!n || !s.len || s.ptr[0] != '@')
		return LL_ERR_SYNTAX;
	if (a->local.len > ADDRESS_LOCAL_MAX)
		return LL_ERR_LIMIT;
	err = read_domain(slice_skip(s, 1), flags, a);
	if (err)
		return err;
	a->spec = slice_sub(*in, 0, n + 1 + a->domain.len);
	a->utf8 = !is_ascii(a->spec);
	*in = slice_skip(*in, a->spec.len);
	return utf8_valid(a->spec) ? LL_OK : LL_ERR_SYNTAX;
}

/* A-d-l ":" of RFC 5321 appendix C; nothing happens without one. */
static int
skip_route(struct slice *s, unsigned flags)
{
	struct address_smtp hop;

	if (!s->len || s->ptr[0] != '@')
		return LL_OK;
	for (;;) {
		struct slice domain = slice_skip(*s, 1);
		if (read_domain(domain, flags, &hop))
			return LL_ERR_SYNTAX;
		*s = slice_skip(domain, hop.domain.len);
		if (slice_starts(*s, S(",@")))
			*s = slice_skip(*s, 1);
		else
			break;
	}
	if (!s->len || s->ptr[0] != ':')
		return LL_ERR_SYNTAX;
	*s = slice_skip(*s, 1);
	return LL_OK;
}

/* What may stand between the brackets instead of a mailbox. */
static bool
read_special(struct slice *s, unsigned flags, struct address_smtp *a)
{
	size_t n = slice_find_byte(*s, '>');
	struct slice inside = slice_sub(*s, 0, n);

	if (n == SLICE_NPOS)
		return false;
	if (!(n == 0 && (flags & ADDRESS_NULL)) &&
		!((flags & ADDRESS_POSTMASTER) && slice_ieq(inside, S("postmaster"))))
		return false;
	a->spec = a->local = inside;
	*s = slice_skip(*s, n);
	return true;
}

int
address_smtp_path(struct slice *in, unsigned flags, struct address_smtp *ret)
{
	struct address_smtp a = {0};
	struct slice s = *in;
	int err = LL_OK;

	if (!s.len || s.ptr[0] != '<')
		return LL_ERR_SYNTAX;
	s = slice_skip(s, 1);
	if (!read_special(&s, flags, &a)) {
		err = skip_route(&s, flags);
		err = err ? err : read_mailbox(&s, flags, &a);
	}
	if (err)
		return err;
	if (!s.len || s.ptr[0] != '>')
		return LL_ERR_SYNTAX;
	s = slice_skip(s, 1);
	if (in->len - s.len > ADDRESS_PATH_MAX)
		return LL_ERR_LIMIT;
	*in = s;
	*ret = a;
	return LL_OK;
}

int
address_smtp_mailbox(struct slice s, unsigned flags, struct address_smtp *ret)
{
	struct address_smtp a = {0};
	int err = read_mailbox(&s, flags, &a);

	if (err)
		return err;
	if (s.len)
		return LL_ERR_SYNTAX;
	*ret = a;
	return LL_OK;
}

int
address_local_unquote(struct buf *out, struct slice local)
{
	if (local.len < 2 || local.ptr[0] != '"' || local.ptr[local.len - 1] != '"')
		return buf_put(out, local);
	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.ptr[i] == '\\' && i + 2 < local.len)
			i++;
		buf_putc(out, local.ptr[i]);
	}
	return buf_err(out);
}
