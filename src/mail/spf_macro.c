/* SPF macros, RFC 7208 section 7: syntax check and expansion over one reader of macro tokens. */
#include "base/error.h"
#include "base/text.h"
#include "mail/spf_internal.h"

#include <string.h>

#define EXPANDED_MAX ((size_t)8192)
#define PARTS_MAX 256

struct macro_token {
	struct slice literal; /* ptr set: plain text */
	uint8_t letter; /* lower case */
	bool url, reverse;
	unsigned keep; /* parts kept at the right; 0 for all */
	struct slice delimiters;
};

static const char letters[] = "slodiphvcrt";
static const char letters_explanation[] = "crt";

static int
macro_body(struct slice body, struct macro_token *t)
{
	size_t i = 1;
	bool digits;

	if (!body.len || !strchr(letters, to_lower(body.ptr[0])) || !is_alpha(body.ptr[0]))
		return LL_ERR_SYNTAX;
	t->letter = to_lower(body.ptr[0]);
	t->url = t->letter != body.ptr[0];
	digits = i < body.len && is_digit(body.ptr[i]);
	for (; i < body.len && is_digit(body.ptr[i]); i++)
		t->keep = MIN(t->keep * 10 + (body.ptr[i] - '0'), (unsigned)PARTS_MAX);
	if (digits && !t->keep)
		return LL_ERR_SYNTAX;
	if (i < body.len && to_lower(body.ptr[i]) == 'r') {
		t->reverse = true;
		i++;
	}
	t->delimiters = slice_skip(body, i);
	for (; i < body.len; i++)
		if (!memchr(".-+,/_=", body.ptr[i], 7))
			return LL_ERR_SYNTAX;
	if (!t->delimiters.len)
		t->delimiters = S(".");
	return LL_OK;
}

/* What follows a percent sign. */
static int
macro_percent(struct slice *rest, struct macro_token *t)
{
	size_t end;

	if (rest->len < 2)
		return LL_ERR_SYNTAX;
	switch (rest->ptr[1]) {
	case '%':
		t->literal = S("%");
		break;
	case '_':
		t->literal = S(" ");
		break;
	case '-':
		t->literal = S("%20");
		break;
	case '{':
		end = slice_find_byte(*rest, '}');
		if (end == SLICE_NPOS || macro_body(slice_sub(*rest, 2, end - 2), t))
			return LL_ERR_SYNTAX;
		*rest = slice_skip(*rest, end + 1);
		return LL_OK;
	default:
		return LL_ERR_SYNTAX;
	}
	*rest = slice_skip(*rest, 2);
	return LL_OK;
}

/* Takes one token off the front of *rest, which is not empty. */
static int
macro_token(struct slice *rest, bool spaces, struct macro_token *ret)
{
	size_t n = 0;

	*ret = (struct macro_token){0};
	if (rest->ptr[0] == '%')
		return macro_percent(rest, ret);
	for (; n < rest->len && rest->ptr[n] != '%'; n++) {
		uint8_t c = rest->ptr[n];

		if (c < (spaces ? 0x20 : 0x21) || c > 0x7e)
			return LL_ERR_SYNTAX;
	}
	ret->literal = slice_sub(*rest, 0, n);
	*rest = slice_skip(*rest, n);
	return LL_OK;
}

/* domain-end of section 7.1: the text ends in a dot and a top label that is not all digits. */
static bool
ends_in_top_label(struct slice literal)
{
	size_t dot;
	struct slice label;
	bool digits = true;

	if (literal.len && literal.ptr[literal.len - 1] == '.')
		literal.len--;
	dot = slice_rfind_byte(literal, '.');
	if (dot == SLICE_NPOS)
		return false;
	label = slice_skip(literal, dot + 1);
	if (!label.len || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!is_alpha(label.ptr[i]) && !is_digit(label.ptr[i]) && label.ptr[i] != '-')
			return false;
		digits &= is_digit(label.ptr[i]);
	}
	return !digits;
}

int
spf_macro_check(struct slice text, enum spf_macro_use use, bool *ret_wants_p)
{
	struct macro_token t = {0};
	bool wants_p = false;

	if (!text.len && use == SPF_MACRO_DOMAIN)
		return LL_ERR_SYNTAX;
	while (text.len) {
		if (macro_token(&text, use == SPF_MACRO_EXPLANATION, &t))
			return LL_ERR_SYNTAX;
		if (t.literal.ptr)
			continue;
		wants_p |= t.letter == 'p';
		if (use == SPF_MACRO_DOMAIN && strchr(letters_explanation, t.letter))
			return LL_ERR_SYNTAX;
	}
	if (use == SPF_MACRO_DOMAIN && t.literal.ptr && !ends_in_top_label(t.literal))
		return LL_ERR_SYNTAX;
	*ret_wants_p = wants_p;
	return LL_OK;
}

/* The address as %{i}: IPv6 as dotted nibbles. */
static void
put_dotted(struct buf *out, const struct ip_addr *ip)
{
	if (ip->version != 6) {
		ip_addr_put(out, ip);
		return;
	}
	for (int i = 0; i < 16; i++)
		buf_printf(out, "%s%x.%x", i ? "." : "", ip->bytes[i] >> 4, ip->bytes[i] & 15u);
}

static void
macro_value(struct buf *out, uint8_t letter, const struct spf_macros *m)
{
	switch (letter) {
	case 's':
		buf_put(out, m->local);
		buf_putc(out, '@');
		buf_put(out, m->sender_domain);
		break;
	case 'l':
		buf_put(out, m->local);
		break;
	case 'o':
		buf_put(out, m->sender_domain);
		break;
	case 'd':
		buf_put(out, m->domain);
		break;
	case 'i':
		put_dotted(out, &m->ip);
		break;
	case 'p':
		buf_put(out, m->validated.ptr ? m->validated : S("unknown"));
		break;
	case 'h':
		buf_put(out, m->helo);
		break;
	case 'v':
		buf_puts(out, m->ip.version == 6 ? "ip6" : "in-addr");
		break;
	case 'c':
		ip_addr_put(out, &m->ip);
		break;
	case 'r':
		buf_put(out, m->receiver.len ? m->receiver : S("unknown"));
		break;
	case 't':
		buf_printf(out, "%lld", (long long)m->now);
		break;
	default:
		break;
	}
}

static void
put_part(struct buf *out, struct slice part, bool url)
{
	for (size_t i = 0; i < part.len; i++) {
		uint8_t c = part.ptr[i];

		if (!url || is_alpha(c) || is_digit(c) || (c && strchr("-._~", c)))
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* Splits at the delimiters, reverses, keeps parts at the right, joins with dots. */
static void
put_transformed(struct buf *out, struct slice value, const struct macro_token *t)
{
	struct slice parts[PARTS_MAX];
	size_t count = 0, start = 0, skip;

	for (size_t i = 0; i <= value.len && count < PARTS_MAX; i++) {
		if (i < value.len && !memchr(t->delimiters.ptr, value.ptr[i], t->delimiters.len))
			continue;
		parts[count++] = slice_sub(value, start, i - start);
		start = i + 1;
	}
	skip = t->keep && t->keep < count ? count - t->keep : 0;
	for (size_t i = skip; i < count; i++) {
		if (i > skip)
			buf_putc(out, '.');
		put_part(out, parts[t->reverse ? count - 1 - i : i], t->url);
	}
}

static struct slice
cut_domain(struct slice name)
{
	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	while (name.len > DNS_NAME_MAX) {
		size_t dot = slice_find_byte(name, '.');

		if (dot == SLICE_NPOS)
			break;
		name = slice_skip(name, dot + 1);
	}
	return name;
}

int
spf_macro_expand(struct slice text, enum spf_macro_use use, const struct spf_macros *macros,
	struct arena *arena, struct slice *ret)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(EXPANDED_MAX);
	CLEANUP(buf_done) struct buf value = BUF_INIT(EXPANDED_MAX);
	struct slice done;

	while (text.len) {
		struct macro_token t;

		if (macro_token(&text, use == SPF_MACRO_EXPLANATION, &t))
			return LL_ERR_SYNTAX;
		if (t.literal.ptr) {
			buf_put(&out, t.literal);
			continue;
		}
		buf_reset(&value);
		macro_value(&value, t.letter, macros);
		if (buf_err(&value))
			return buf_err(&value);
		put_transformed(&out, buf_slice(&value), &t);
	}
	if (buf_err(&out))
		return buf_err(&out);
	done = buf_slice(&out);
	if (use == SPF_MACRO_DOMAIN)
		done = cut_domain(done);
	done = arena_dup(arena, done);
	if (!done.ptr)
		return LL_ERR_NOMEM;
	*ret = done;
	return LL_OK;
}
