/* Encodings and small text helpers. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"
#include "base/slice.h"

#include <time.h>

static inline bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_alpha(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

static inline uint8_t
to_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline uint8_t
to_upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c & ~0x20) : c;
}

/* Value of a hexadecimal digit, or -1. */
int hex_value(uint8_t c);
int hex_encode(struct buf *out, struct slice in);
/* Even number of digits, either case; LL_ERR_SYNTAX. */
int hex_decode(struct buf *out, struct slice in) CHECKED;

/* RFC 4648. Standard alphabet with padding; URL alphabet without. */
int base64_encode(struct buf *out, struct slice in);
int base64url_encode(struct buf *out, struct slice in);
/* Strict: no white space, canonical padding (none for URL), no stray bits; LL_ERR_SYNTAX. */
int base64_decode(struct buf *out, struct slice in) CHECKED;
int base64url_decode(struct buf *out, struct slice in) CHECKED;

/* Crockford base32, upper case, most significant bits first, last digit padded with zero bits. */
int crockford_encode(struct buf *out, struct slice in);
/* Accepts either case, I L O as 1 1 0, and skips hyphens and spaces. LL_ERR_SYNTAX when a digit is
 * not of the alphabet or padding bits are not zero. */
int crockford_decode(struct buf *out, struct slice in) CHECKED;

/* RFC 3629: no surrogates, no overlong forms, at most U+10FFFF. */
bool utf8_valid(struct slice s);
bool is_ascii(struct slice s);
/* Whether a control character of ASCII is in it, such as one that would end a line. */
bool has_controls(struct slice s);
/* Decodes one character at the start of s: its value, *ret_len the bytes used; on bad input U+FFFD
 * and 1. s is not empty. */
uint32_t utf8_get(struct slice s, size_t *ret_len);
int utf8_put(struct buf *out, uint32_t c);

/* RFC 5322 date-time in UTC: "Sat, 21 Nov 2026 22:13:03 +0000". */
int date_put_rfc5322(struct buf *out, int64_t unix_seconds);
/* RFC 3339 in UTC: "2026-11-21T22:13:03Z". */
int date_put_rfc3339(struct buf *out, int64_t unix_seconds);
/* IMAP date-time in UTC (RFC 9051 section 9): " 1-Nov-2026 22:13:03 +0000", without quotes. */
int date_put_imap(struct buf *out, int64_t unix_seconds);
/* Days of the proleptic Gregorian calendar since 1970-01-01; month 1-12. */
int64_t date_days(int year, int month, int day);
/* 1-12 for "Jan".."Dec" (any case), or 0. */
int date_month(struct slice s);

/* Appends text as a JSON string with its quotes. What is no UTF-8 becomes U+FFFD, what could upset
 * a terminal or a script is escaped. */
int json_text_put(struct buf *out, struct slice s);

#endif
