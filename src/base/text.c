/* Encodings and small text helpers. */
#include "base/text.h"
#include "base/error.h"

#include <string.h>

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char b32_crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char month_names[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

int
hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hex_encode(struct buf *out, struct slice in)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p = in.len > SIZE_MAX / 2 ? NULL : buf_room(out, in.len * 2);

	if (!p)
		return out->err ? out->err : LL_ERR_LIMIT;
	for (size_t i = 0; i < in.len; i++) {
		*p++ = (uint8_t)digits[in.ptr[i] >> 4];
		*p++ = (uint8_t)digits[in.ptr[i] & 15];
	}
	buf_grow(out, in.len * 2);
	return LL_OK;
}

int
hex_decode(struct buf *out, struct slice in)
{
	if (in.len % 2)
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < in.len; i += 2) {
		int hi = hex_value(in.ptr[i]), lo = hex_value(in.ptr[i + 1]);
		if (hi < 0 || lo < 0)
			return LL_ERR_SYNTAX;
		buf_putc(out, (uint8_t)(hi << 4 | lo));
	}
	return buf_err(out);
}

static int
base64_put(struct buf *out, struct slice in, const char *alphabet, bool pad)
{
	size_t i = 0, n = in.len / 3 * 4 + (in.len % 3 ? (pad ? 4 : in.len % 3 + 1) : 0);
	uint8_t *p = buf_room(out, n);

	if (!p)
		return out->err;
	for (; i + 3 <= in.len; i += 3) {
		uint32_t v =
			(uint32_t)in.ptr[i] << 16 | (uint32_t)in.ptr[i + 1] << 8 | in.ptr[i + 2];
		*p++ = (uint8_t)alphabet[v >> 18];
		*p++ = (uint8_t)alphabet[v >> 12 & 63];
		*p++ = (uint8_t)alphabet[v >> 6 & 63];
		*p++ = (uint8_t)alphabet[v & 63];
	}
	if (i < in.len) {
		bool two = in.len - i == 2;
		uint32_t v = (uint32_t)in.ptr[i] << 16 | (two ? (uint32_t)in.ptr[i + 1] << 8 : 0);
		*p++ = (uint8_t)alphabet[v >> 18];
		*p++ = (uint8_t)alphabet[v >> 12 & 63];
		if (two)
			*p++ = (uint8_t)alphabet[v >> 6 & 63];
		else if (pad)
			*p++ = '=';
		if (pad)
			*p++ = '=';
	}
	buf_grow(out, n);
	return LL_OK;
}

int
base64_encode(struct buf *out, struct slice in)
{
	return base64_put(out, in, b64_std, true);
}

int
base64url_encode(struct buf *out, struct slice in)
{
	return base64_put(out, in, b64_url, false);
}

/* Regroups digits of `bits` bits into bytes. Left-over bits must be zero and fewer than a digit. */
struct regroup {
	uint32_t acc;
	unsigned have, bits;
};

static void
regroup_put(struct regroup *g, struct buf *out, unsigned digit)
{
	g->acc = g->acc << g->bits | digit;
	g->have += g->bits;
	if (g->have >= 8) {
		g->have -= 8;
		buf_putc(out, (uint8_t)(g->acc >> g->have));
	}
	g->acc &= (1u << g->have) - 1;
}

static int
regroup_end(const struct regroup *g, const struct buf *out)
{
	if (g->have >= g->bits || g->acc)
		return LL_ERR_SYNTAX;
	return buf_err(out);
}

static int
digit_of(const char *alphabet, size_t n, uint8_t c)
{
	const char *p = memchr(alphabet, c, n);

	return p ? (int)(p - alphabet) : -1;
}

static int
base64_get(struct buf *out, struct slice in, const char *alphabet)
{
	struct regroup g = {.bits = 6};

	for (size_t i = 0; i < in.len; i++) {
		int d = digit_of(alphabet, 64, in.ptr[i]);
		if (d < 0)
			return LL_ERR_SYNTAX;
		regroup_put(&g, out, (unsigned)d);
	}
	return regroup_end(&g, out);
}

int
base64_decode(struct buf *out, struct slice in)
{
	if (in.len % 4)
		return LL_ERR_SYNTAX;
	for (int pads = 0; pads < 2 && in.len && in.ptr[in.len - 1] == '='; pads++)
		in.len--;
	return base64_get(out, in, b64_std);
}

int
base64url_decode(struct buf *out, struct slice in)
{
	return base64_get(out, in, b64_url);
}

int
crockford_encode(struct buf *out, struct slice in)
{
	uint32_t acc = 0;
	unsigned have = 0;

	for (size_t i = 0; i < in.len; i++) {
		acc = acc << 8 | in.ptr[i];
		for (have += 8; have >= 5; acc &= (1u << have) - 1) {
			have -= 5;
			buf_putc(out, (uint8_t)b32_crockford[acc >> have]);
		}
	}
	if (have)
		buf_putc(out, (uint8_t)b32_crockford[acc << (5 - have) & 31]);
	return buf_err(out);
}

int
crockford_decode(struct buf *out, struct slice in)
{
	struct regroup g = {.bits = 5};

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = to_upper(in.ptr[i]);
		int d;
		if (c == '-' || c == ' ')
			continue;
		c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
		d = digit_of(b32_crockford, 32, c);
		if (d < 0)
			return LL_ERR_SYNTAX;
		regroup_put(&g, out, (unsigned)d);
	}
	return regroup_end(&g, out);
}

/* Length of the well-formed character at p (n > 0 bytes left) and its value, or 0. RFC 3629
 * section 4. */
static size_t
utf8_step(const uint8_t *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1
		: p[0] < 0xc2	 ? 0
		: p[0] < 0xe0	 ? 2
		: p[0] < 0xf0	 ? 3
		: p[0] < 0xf5	 ? 4
				 : 0;
	uint32_t c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

bool
utf8_valid(struct slice s)
{
	uint32_t c;

	for (size_t i = 0, n; i < s.len; i += n) {
		n = utf8_step(s.ptr + i, s.len - i, &c);
		if (!n)
			return false;
	}
	return true;
}

bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

bool
has_controls(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return true;
	return false;
}

uint32_t
utf8_get(struct slice s, size_t *ret_len)
{
	uint32_t c = 0xfffd;
	size_t n = utf8_step(s.ptr, s.len, &c);

	*ret_len = n ? n : 1;
	return c;
}

int
utf8_put(struct buf *out, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80)
		return buf_putc(out, (uint8_t)c);
	if (c >= 0x10000) {
		buf_putc(out, (uint8_t)(0xf0 | c >> 18));
		buf_putc(out, (uint8_t)(0x80 | (c >> 12 & 63)));
	} else if (c >= 0x800) {
		buf_putc(out, (uint8_t)(0xe0 | c >> 12));
	}
	if (c >= 0x800)
		buf_putc(out, (uint8_t)(0x80 | (c >> 6 & 63)));
	else
		buf_putc(out, (uint8_t)(0xc0 | c >> 6));
	return buf_putc(out, (uint8_t)(0x80 | (c & 63)));
}

/* Not gmtime_r, which opens /etc/localtime: these run inside sandboxes. Years are counted from
 * March, so that the leap day is the last of its year. */
static struct tm
utc(int64_t t)
{
	int64_t seconds =
		MIN(MAX(t, (int64_t)-62135596800), (int64_t)253402300799); /* years 1 to 9999 */
	int64_t since = seconds + 719468 * (int64_t)86400; /* 1 March 0000 */
	int64_t days = since / 86400, rest = since % 86400;
	int64_t era = days / 146097, doe = days % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), month = (5 * doy + 2) / 153;

	return (struct tm){.tm_year = (int)(yoe + era * 400 + (month >= 10) - 1900),
		.tm_mon = (int)(month >= 10 ? month - 10 : month + 2),
		.tm_mday = (int)(doy - (153 * month + 2) / 5 + 1),
		.tm_hour = (int)(rest / 3600),
		.tm_min = (int)(rest / 60 % 60),
		.tm_sec = (int)(rest % 60),
		.tm_wday = (int)((days + 3) % 7)};
}

int
date_put_rfc5322(struct buf *out, int64_t unix_seconds)
{
	struct tm tm = utc(unix_seconds);

	return buf_printf(out, "%s, %d %s %04d %02d:%02d:%02d +0000", day_names[tm.tm_wday],
		tm.tm_mday, month_names[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec);
}

int
date_put_rfc3339(struct buf *out, int64_t unix_seconds)
{
	struct tm tm = utc(unix_seconds);

	return buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int
date_put_imap(struct buf *out, int64_t unix_seconds)
{
	struct tm tm = utc(unix_seconds);

	return buf_printf(out, "%2d-%s-%04d %02d:%02d:%02d +0000", tm.tm_mday,
		month_names[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int64_t
date_days(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int
date_month(struct slice s)
{
	for (int i = 0; i < 12; i++)
		if (slice_ieq(s, slice_new(month_names[i], 3)))
			return i + 1;
	return 0;
}

int
json_text_put(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	while (s.len) {
		size_t n;
		uint32_t c = utf8_get(s, &n);

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
			buf_printf(out, "\\u%04x", c);
		else
			utf8_put(out, c);
		s = slice_skip(s, n);
	}
	return buf_putc(out, '"');
}
