/* A date is read as tokens (numbers, words, zone), not by a fixed grammar, because real mail keeps
 * to none. */
#include "mail/date.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/header.h"

#define DATE_TEXT_MAX 256 /* without comments; what is behind is not read */
#define DATE_TOKENS_MAX 16
#define DATE_DAY_SECONDS 86400
#define ZONE_MAX (14 * 60) /* Line Islands, the farthest there is; the other side has -12 */

/* Tokens of a date without white space, commas and comments. */
struct date_tokens {
	struct slice at[DATE_TOKENS_MAX];
	size_t len, next;
};

struct date_fields {
	int day, month, year, hour, minute, second, zone;
	bool has_time, has_year;
};

static bool
is_gap(uint8_t c)
{
	return c <= ' ' || c == ',' || c == ';' || c == 0x7f;
}

/* A copy with comments and runs of white space made one space, and none around colons, where the
 * obsolete form allows them. */
static struct slice
flatten(struct slice s, uint8_t flat[DATE_TEXT_MAX])
{
	size_t n = 0;

	while (s.len && n < DATE_TEXT_MAX) {
		uint8_t c = s.ptr[0];
		bool gap = is_gap(c) || c == '(';
		size_t skip = c == '(' ? header_comment_length(s) : 1;
		s = slice_skip(s, skip ? skip : s.len);
		if (gap && (!n || flat[n - 1] == ' ' || flat[n - 1] == ':'))
			continue;
		if (c == ':' && n && flat[n - 1] == ' ')
			n--;
		flat[n++] = gap ? ' ' : c;
	}
	return slice_new(flat, n);
}

static void
tokens_read(struct slice flat, struct date_tokens *t)
{
	while (flat.len && t->len < DATE_TOKENS_MAX) {
		t->at[t->len] = slice_split(&flat, ' ');
		t->len += t->at[t->len].len > 0;
	}
}

static struct slice
token(const struct date_tokens *t)
{
	return t->next < t->len ? t->at[t->next] : SLICE_NONE;
}

static bool
all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.ptr[i]))
			return false;
	return s.len > 0;
}

static int
number(struct slice s)
{
	uint64_t v;

	return slice_u64(s, 9999, &v) ? -1 : (int)v;
}

/* "Sat", "Saturday", "Sat." before the date proper; its value is not looked at. */
static void
skip_weekday(struct date_tokens *t)
{
	struct slice s = token(t);

	if (s.len >= 3 && is_alpha(s.ptr[0]) && !date_month(slice_sub(s, 0, 3)))
		t->next++;
}

/* Years of two and three digits: RFC 5322 section 4.3. */
static int
year_value(struct slice s)
{
	int y = all_digits(s) ? number(s) : -1;

	if (y < 0)
		return -1;
	if (s.len == 2)
		return y < 50 ? 2000 + y : 1900 + y;
	return s.len == 3 ? 1900 + y : y;
}

/* "21-Nov-2026" in one token, as IMAP and old mailers write it. */
static bool
read_dashed(struct date_tokens *t, struct date_fields *f)
{
	struct slice s = token(t), day = slice_split(&s, '-'), month = slice_split(&s, '-');

	if (!all_digits(day) || !date_month(month))
		return false;
	f->day = number(day);
	f->month = date_month(month);
	f->year = year_value(s);
	f->has_year = true;
	t->next++;
	return f->year >= 0;
}

static struct slice
month_word(struct slice s)
{
	return slice_sub(s, 0, 3);
}

/* "21 Nov", or "Nov 21" in asctime's order. */
static bool
read_day_month(struct date_tokens *t, struct date_fields *f)
{
	struct slice a = token(t), b;

	t->next++;
	b = token(t);
	t->next++;
	if (all_digits(b) && date_month(month_word(a))) {
		f->month = date_month(month_word(a));
		f->day = number(b);
		return true;
	}
	f->month = date_month(month_word(b));
	f->day = all_digits(a) ? number(a) : -1;
	return f->month && f->day >= 0;
}

/* "22:13", "22:13:03", "22.13.03", "22:13:03.123". */
static bool
read_time(struct date_tokens *t, struct date_fields *f)
{
	struct slice s = token(t), part;
	uint8_t sep = slice_find_byte(s, ':') != SLICE_NPOS ? ':' : '.';

	if (slice_find_byte(s, sep) == SLICE_NPOS)
		return false;
	part = slice_split(&s, sep);
	f->hour = all_digits(part) && part.len <= 2 ? number(part) : -1;
	part = slice_split(&s, sep);
	f->minute = all_digits(part) && part.len <= 2 ? number(part) : -1;
	part = slice_split(&s, '.');
	f->second = part.len == 0 ? 0 : all_digits(part) && part.len <= 2 ? number(part) : -1;
	t->next++;
	f->has_time = true;
	return f->hour >= 0 && f->minute >= 0 && f->second >= 0;
}

/* "+hhmm", "-hhmm", also "+hh:mm" and "+hh". */
static bool
zone_number(struct slice s, int *ret)
{
	struct slice digits = slice_skip(s, 1), hours = slice_sub(digits, 0, 2), minutes;
	int h, m, sign = s.len && s.ptr[0] == '-' ? -1 : 1;

	if (s.len < 3 || (s.ptr[0] != '+' && s.ptr[0] != '-') || !all_digits(hours))
		return false;
	minutes = slice_skip(digits, 2);
	if (minutes.len && minutes.ptr[0] == ':')
		minutes = slice_skip(minutes, 1);
	minutes = slice_sub(minutes, 0, 2);
	h = number(hours);
	m = minutes.len ? number(minutes) : 0;
	if (m < 0 || m > 59 || h * 60 + m > ZONE_MAX)
		return false;
	*ret = sign * (h * 60 + m);
	return true;
}

/* Names of RFC 5322 section 4.3 and others with one meaning; military letters mean nothing there.
 */
static int
zone_name(struct slice s)
{
	static const struct {
		char name[6];
		int16_t minutes;
	} zones[] = {{"UT", 0}, {"GMT", 0}, {"UTC", 0}, {"Z", 0}, {"EST", -300}, {"EDT", -240},
		{"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480},
		{"PDT", -420}, {"WET", 0}, {"WEST", 60}, {"BST", 60}, {"CET", 60}, {"CEST", 120},
		{"MET", 60}, {"MEST", 120}, {"EET", 120}, {"EEST", 180}, {"MSK", 180}, {"JST", 540},
		{"KST", 540}, {"NZST", 720}, {"NZDT", 780}, {"AKST", -540}, {"AKDT", -480},
		{"HST", -600}};

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
		if (slice_ieq(s, slice_str(zones[i].name)))
			return zones[i].minutes;
	return 0;
}

/* What follows the time, in any order: a year (asctime) and a zone; "GMT+0100" too. */
static void
read_rest(struct date_tokens *t, struct date_fields *f)
{
	bool zoned = false;

	for (; t->next < t->len; t->next++) {
		struct slice s = token(t);
		if (!f->has_year && all_digits(s) && s.len == 4) {
			f->year = year_value(s);
			f->has_year = true;
		} else if (zone_number(s, &f->zone)) {
			zoned = true;
		} else if (!zoned && is_alpha(s.ptr[0])) {
			if (!slice_istarts(s, S("GMT")) || !zone_number(slice_skip(s, 3), &f->zone))
				f->zone = zone_name(s);
			zoned = true;
		}
	}
}

static int
days_in_month(int year, int month)
{
	int next = month == 12 ? 1 : month + 1;

	return (int)(date_days(year + (month == 12), next, 1) - date_days(year, month, 1));
}

static int
fields_check(const struct date_fields *f)
{
	if (f->year < 1900 || f->year > 9999 || f->month < 1 || f->month > 12 || f->day < 1 ||
		f->day > days_in_month(f->year, f->month))
		return LL_ERR_RANGE;
	/* 60 is a leap second. */
	return f->hour > 23 || f->minute > 59 || f->second > 60 ? LL_ERR_RANGE : LL_OK;
}

static bool
fields_read(struct date_tokens *t, struct date_fields *f)
{
	skip_weekday(t);
	if (!read_dashed(t, f) && !read_day_month(t, f))
		return false;
	if (!f->has_year && all_digits(token(t))) {
		f->year = year_value(token(t));
		f->has_year = true;
		t->next++;
	}
	if (t->next < t->len && !read_time(t, f) && f->has_time)
		return false;
	read_rest(t, f);
	return f->has_year;
}

int
mail_date_parse(struct slice value, int64_t *ret_unix, int *ret_zone)
{
	struct date_tokens t = {0};
	struct date_fields f = {0};
	uint8_t flat[DATE_TEXT_MAX];
	int64_t local;
	int err;

	tokens_read(flatten(value, flat), &t);
	if (!fields_read(&t, &f))
		return LL_ERR_SYNTAX;
	err = fields_check(&f);
	if (err)
		return err;
	local = date_days(f.year, f.month, f.day) * DATE_DAY_SECONDS + f.hour * 3600 +
		f.minute * 60 + f.second;
	if (local >= date_days(10000, 1, 1) * DATE_DAY_SECONDS)
		return LL_ERR_RANGE; /* a leap second too many */
	*ret_unix = local - (int64_t)f.zone * 60;
	*ret_zone = f.zone;
	return LL_OK;
}

int
mail_date_put(struct buf *out, int64_t unix_seconds, int zone)
{
	int minutes = zone < 0 ? -zone : zone;

	if (date_put_rfc5322(out, unix_seconds + (int64_t)zone * 60))
		return buf_err(out);
	buf_truncate(out, out->len - 5); /* its "+0000" */
	return buf_printf(
		out, "%c%02d%02d", zone < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}
