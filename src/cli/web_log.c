/* The log of releases:
 *
 *	letterlock web log 1
 *	                                an empty line before each entry
 *	release 1
 *	version 0.1.0
 *	date 2026-11-22
 *	manifest (SHA-384 of the manifest, base64)
 *	previous (SHA-384 of the entry before, base64; - in the first)
 *	signer (Ed25519 public key, hex)
 *	next (the key that signs the following entry, hex)
 *	signature (base64)
 *
 * Signed is "letterlock/1/web-manifest", a zero byte, and the entry up to the line "next"; hashed
 * is all of the entry. There is one way to write an entry, and nothing else is accepted. */
#include "cli/web_log.h"
#include "base/text.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXT "letterlock/1/web-manifest"
#define VERSION_MAX_LEN 64
#define RELEASES_MAX 100000

struct web_log {
	VEC(struct web_release) entries;
};

/* --- words --- */

static bool
is_version(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] > 0x7e)
			return false;
	return s.len > 0 && s.len <= VERSION_MAX_LEN;
}

bool
web_log_is_date(struct slice s)
{
	uint64_t y, m, d;
	static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (s.len != WEB_LOG_DATE_LEN || s.ptr[4] != '-' || s.ptr[7] != '-' ||
		slice_u64(slice_sub(s, 0, 4), 9999, &y) || slice_u64(slice_sub(s, 5, 2), 12, &m) ||
		slice_u64(slice_sub(s, 8, 2), 31, &d) || y < 2000 || m < 1 || d < 1)
		return false;
	return d <= days[m - 1];
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* "word value\n" */
static bool
take(struct slice *text, struct slice word, struct slice *ret)
{
	struct slice line;

	if (slice_find_byte(*text, '\n') == SLICE_NPOS)
		return false;
	line = slice_split(text, '\n');
	if (!slice_starts(line, word) || !slice_starts(slice_skip(line, word.len), S(" ")))
		return false;
	*ret = slice_skip(line, word.len + 1);
	return true;
}

typedef int decoder(struct buf *out, struct slice in);

static bool
take_bytes(struct slice *text, struct slice word, decoder *decode, uint8_t *to, size_t n)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(128);
	struct slice value;

	if (!take(text, word, &value) || decode(&raw, value) || raw.len != n)
		return false;
	memcpy(to, raw.ptr, n);
	return true;
}

/* --- one entry --- */

static void
put_unsigned(struct buf *out, const struct web_release *e)
{
	buf_printf(out, "release %llu\nversion ", (unsigned long long)e->number);
	buf_put(out, e->version);
	buf_puts(out, "\ndate ");
	buf_put(out, e->date);
	buf_puts(out, "\nmanifest ");
	base64_encode(out, SLICE_OF(e->manifest));
	buf_puts(out, "\nprevious ");
	if (all_zero(e->previous, sizeof(e->previous)))
		buf_putc(out, '-');
	else
		base64_encode(out, SLICE_OF(e->previous));
	buf_puts(out, "\nsigner ");
	hex_encode(out, SLICE_OF(e->signer));
	buf_puts(out, "\nnext ");
	hex_encode(out, SLICE_OF(e->next));
	buf_putc(out, '\n');
}

/* What is signed, and where the entry's own text begins in it. */
static size_t
put_message(struct buf *out, const struct web_release *e)
{
	size_t at;

	buf_put(out, slice_new(CONTEXT, sizeof(CONTEXT)));
	at = out->len;
	put_unsigned(out, e);
	return at;
}

/* The lines of an entry, in their order. */
static bool
read_lines(struct slice *text, struct web_release *e)
{
	struct slice number, previous;
	struct slice rest;

	if (!take(text, S("release"), &number) || slice_u64(number, RELEASES_MAX, &e->number) ||
		!take(text, S("version"), &e->version) || !is_version(e->version) ||
		!take(text, S("date"), &e->date) || !web_log_is_date(e->date) ||
		!take_bytes(text, S("manifest"), base64_decode, e->manifest, WEB_HASH_LEN))
		return false;
	rest = *text;
	if (!take(&rest, S("previous"), &previous))
		return false;
	if (slice_eq(previous, S("-")))
		*text = rest;
	else if (!take_bytes(text, S("previous"), base64_decode, e->previous, WEB_HASH_LEN))
		return false;
	return take_bytes(text, S("signer"), hex_decode, e->signer, ED25519_PUBLIC_LEN) &&
		take_bytes(text, S("next"), hex_decode, e->next, ED25519_PUBLIC_LEN) &&
		take_bytes(text, S("signature"), base64_decode, e->signature, ED25519_SIG_LEN);
}

/* Whether the entry may follow the one before it; NULL, or why not. */
static const char *
follows(const struct web_release *e, const struct web_release *before)
{
	static const uint8_t none[WEB_HASH_LEN];

	if (e->number != (before ? before->number + 1 : 1))
		return "the releases are not counted one by one";
	if (memcmp(e->previous, before ? before->hash : none, WEB_HASH_LEN) != 0)
		return "a release does not name the one before it";
	if (before && slice_cmp(e->date, before->date) < 0)
		return "a release is older than the one before it";
	if (before && memcmp(e->signer, before->next, ED25519_PUBLIC_LEN) != 0)
		return "a release is signed by a key that the one before it does not name";
	if (ed25519_public_check(e->signer) || ed25519_public_check(e->next))
		return "a key is not possible";
	return NULL;
}

static int
read_entry(struct slice *text, const struct web_release *before, struct web_release *e,
	const char **why)
{
	CLEANUP(buf_done) struct buf message = BUF_INIT(4096);
	struct slice begin, line;
	size_t at;

	*why = "it is malformed";
	if (!slice_starts(*text, S("\n")))
		return LL_ERR_SYNTAX;
	begin = line = slice_skip(*text, 1);
	if (!read_lines(&line, e))
		return LL_ERR_SYNTAX;
	at = put_message(&message, e);
	if (buf_err(&message))
		return buf_err(&message);
	/* Numbers, hex and base64 as they are written here, or not at all. */
	if (!slice_starts(begin, slice_skip(buf_slice(&message), at)))
		return LL_ERR_SYNTAX;
	*why = follows(e, before);
	if (*why)
		return LL_ERR_SYNTAX;
	*why = "a signature is wrong";
	if (ed25519_verify(e->signer, buf_slice(&message), e->signature))
		return LL_ERR_AUTH;
	*text = line;
	return web_hash(slice_sub(begin, 0, begin.len - line.len), e->hash);
}

/* --- the whole --- */

int
web_log_new(struct slice text, struct web_log **ret, const char **ret_why)
{
	struct web_log *l = calloc(1, sizeof(*l));
	struct slice rest = slice_skip(text, sizeof(WEB_LOG_HEAD) - 1);
	int r = LL_OK;

	*ret_why = "it is no log of releases";
	if (!l || text.len > WEB_LOG_MAX)
		r = l ? LL_ERR_LIMIT : LL_ERR_NOMEM;
	else if (!slice_starts(text, S(WEB_LOG_HEAD)) || rest.len == 0)
		r = LL_ERR_SYNTAX;
	while (r == LL_OK && rest.len) {
		const struct web_release *before = l->entries.len ? web_log_newest(l) : NULL;
		struct web_release e = {.number = 0};
		r = read_entry(&rest, before, &e, ret_why);
		e.text = slice_sub(text, 0, text.len - rest.len);
		r = r ? r : VEC_PUSH(&l->entries, e);
	}
	if (r) {
		web_log_free(l);
		return r;
	}
	*ret = l;
	return LL_OK;
}

void
web_log_free(struct web_log *l)
{
	if (!l)
		return;
	VEC_DONE(&l->entries);
	free(l);
}

size_t
web_log_len(const struct web_log *l)
{
	return l->entries.len;
}

const struct web_release *
web_log_at(const struct web_log *l, size_t i)
{
	return i < l->entries.len ? &l->entries.at[i] : NULL;
}

const struct web_release *
web_log_newest(const struct web_log *l)
{
	return &l->entries.at[l->entries.len - 1];
}

bool
web_log_vouches(const struct web_log *l, const uint8_t key[ED25519_PUBLIC_LEN])
{
	VEC_EACH (e, &l->entries)
		if (memcmp(e->signer, key, ED25519_PUBLIC_LEN) == 0)
			return true;
	return false;
}

bool
web_log_related(const struct web_log *a, const struct web_log *b)
{
	VEC_EACH (e, &a->entries)
		if (web_log_vouches(b, e->signer))
			return true;
	return false;
}

size_t
web_log_common(const struct web_log *a, const struct web_log *b)
{
	size_t n = MIN(a->entries.len, b->entries.len), i = 0;

	while (i < n && memcmp(a->entries.at[i].hash, b->entries.at[i].hash, WEB_HASH_LEN) == 0)
		i++;
	return i;
}

int
web_log_append(struct buf *out, const struct web_log *before, struct slice version,
	struct slice date, const uint8_t manifest[WEB_HASH_LEN], const struct ed25519_key *key,
	const uint8_t next[ED25519_PUBLIC_LEN])
{
	CLEANUP(buf_done) struct buf message = BUF_INIT(4096);
	const struct web_release *last = before ? web_log_newest(before) : NULL;
	struct web_release e = {
		.number = last ? last->number + 1 : 1, .version = version, .date = date};
	size_t at;

	if (last && memcmp(last->next, key->public, ED25519_PUBLIC_LEN) != 0)
		return LL_ERR_DENIED;
	if (!is_version(version) || !web_log_is_date(date) ||
		(last && slice_cmp(date, last->date) < 0))
		return LL_ERR_SYNTAX;
	memcpy(e.manifest, manifest, sizeof(e.manifest));
	memcpy(e.signer, key->public, sizeof(e.signer));
	memcpy(e.next, next, sizeof(e.next));
	if (last)
		memcpy(e.previous, last->hash, sizeof(e.previous));
	at = put_message(&message, &e);
	if (buf_err(&message))
		return buf_err(&message);
	ed25519_sign(key, buf_slice(&message), e.signature);
	if (out->len == 0)
		buf_puts(out, WEB_LOG_HEAD);
	buf_putc(out, '\n');
	buf_put(out, slice_skip(buf_slice(&message), at));
	buf_puts(out, "signature ");
	base64_encode(out, SLICE_OF(e.signature));
	buf_putc(out, '\n');
	return buf_err(out);
}
