/* The log of releases: what keys may do, and that no bit of it can be other than it was signed. */
#include "base/error.h"
#include "base/text.h"
#include "cli/web_log.h"
#include "t.h"

#include <sodium.h>

static struct ed25519_key one, two, evil;
static const uint8_t build_a[WEB_HASH_LEN] = {1}, build_b[WEB_HASH_LEN] = {2},
		     build_c[WEB_HASH_LEN] = {3};

static struct web_log *
parse(const struct buf *b)
{
	struct web_log *l = NULL;
	const char *why = NULL;
	int r = web_log_new(buf_slice(b), &l, &why);

	CHECK_INT(r, LL_OK);
	if (r)
		fprintf(stderr, "%s\n", why);
	return l;
}

static int
try(struct slice text)
{
	struct web_log *l = NULL;
	const char *why = NULL;
	int r = web_log_new(text, &l, &why);

	CHECK((r == LL_OK) == (l != NULL) && why != NULL);
	web_log_free(l);
	return r;
}

static int
add(struct buf *b, const char *version, const char *date, const uint8_t *build,
	const struct ed25519_key *key, const struct ed25519_key *next)
{
	struct web_log *before = b->len ? parse(b) : NULL;
	int r = web_log_append(
		b, before, slice_str(version), slice_str(date), build, key, next->public);

	web_log_free(before);
	return r;
}

/* Three releases; the key changes after the second. */
static void
make(struct buf *b)
{
	CHECK_INT(add(b, "1.0", "2026-11-20", build_a, &one, &one), 0);
	CHECK_INT(add(b, "1.1", "2026-11-21", build_b, &one, &two), 0);
	CHECK_INT(add(b, "1.2", "2026-11-21", build_c, &two, &two), 0);
}

static void
releases(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	const struct web_release *e;
	struct web_log *l;

	make(&b);
	l = parse(&b);
	if (!l)
		return;
	CHECK_INT(web_log_len(l), 3);
	e = web_log_newest(l);
	CHECK(e == web_log_at(l, 2) && web_log_at(l, 3) == NULL);
	CHECK_INT(e->number, 3);
	CHECK_SLICE(e->version, S("1.2"));
	CHECK_SLICE(e->date, S("2026-11-21"));
	CHECK(memcmp(e->manifest, build_c, WEB_HASH_LEN) == 0);
	CHECK(memcmp(e->previous, web_log_at(l, 1)->hash, WEB_HASH_LEN) == 0);
	CHECK_INT(e->text.len, b.len);
	CHECK(web_log_vouches(l, one.public) && web_log_vouches(l, two.public));
	CHECK(!web_log_vouches(l, evil.public));
	web_log_free(l);
}

static void
every_bit_counts(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	make(&b);
	for (size_t i = 0; i < b.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			int r;
			b.ptr[i] ^= (uint8_t)(1u << bit);
			r = try(buf_slice(&b));
			if (r == LL_OK)
				fprintf(stderr, "bit %u of byte %zu\n", bit, i);
			CHECK(r == LL_ERR_SYNTAX || r == LL_ERR_AUTH);
			b.ptr[i] ^= (uint8_t)(1u << bit);
		}
	CHECK_INT(try(buf_slice(&b)), LL_OK);
}

static void
only_whole_releases_end_it(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct web_log *l;
	unsigned whole = 0;

	make(&b);
	l = parse(&b);
	for (size_t n = 0; l && n < b.len; n++) {
		bool end = n == web_log_at(l, 0)->text.len || n == web_log_at(l, 1)->text.len;
		int r = try(slice_sub(buf_slice(&b), 0, n));
		CHECK_INT(r, end ? LL_OK : LL_ERR_SYNTAX);
		whole += r == LL_OK;
	}
	CHECK_INT(whole, 2);
	web_log_free(l);
	buf_puts(&b, "\n");
	CHECK_INT(try(buf_slice(&b)), LL_ERR_SYNTAX);
	CHECK_INT(try(SLICE_NONE), LL_ERR_SYNTAX);
	CHECK_INT(try(S("letterlock web log 1\n")), LL_ERR_SYNTAX);
}

static void
who_may_sign(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536), own = BUF_INIT(65536);
	struct web_log *l;
	size_t len;

	make(&b);
	len = b.len;
	CHECK_INT(add(&b, "1.3", "2026-11-22", build_a, &one, &one), LL_ERR_DENIED);
	CHECK_INT(add(&b, "1.3", "2026-11-22", build_a, &evil, &evil), LL_ERR_DENIED);
	CHECK_INT(add(&b, "1.3", "2026-11-20", build_a, &two, &two), LL_ERR_SYNTAX);
	CHECK_INT(add(&b, "1 3", "2026-11-22", build_a, &two, &two), LL_ERR_SYNTAX);
	CHECK_INT(add(&b, "1.3", "2026-11-32", build_a, &two, &two), LL_ERR_SYNTAX);
	CHECK_INT(add(&b, "1.3", "22.11.2026", build_a, &two, &two), LL_ERR_SYNTAX);
	CHECK_INT(b.len, len);
	/* Whoever names the release key in a log of their own has not its word for it. */
	CHECK_INT(add(&own, "1.3", "2026-11-20", build_a, &evil, &one), 0);
	l = parse(&own);
	CHECK(l && !web_log_vouches(l, one.public));
	web_log_free(l);
	/* An entry of one log does not fit into another. */
	l = parse(&b);
	buf_put(&own, slice_skip(web_log_at(l, 1)->text, web_log_at(l, 0)->text.len));
	CHECK_INT(try(buf_slice(&own)), LL_ERR_SYNTAX);
	/* Nor twice, nor without the one before it. */
	len = b.len;
	buf_put(&b, slice_skip(web_log_at(l, 2)->text, web_log_at(l, 1)->text.len));
	CHECK_INT(try(buf_slice(&b)), LL_ERR_SYNTAX);
	web_log_free(l);
}

/* Entries that are well made and signed, but by another than the one before names, or of a day
 * before it. */
static void
not_by_a_stranger(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536), message = BUF_INIT(4096);
	static const struct {
		const struct ed25519_key *key;
		const char *date;
		int result;
	} cases[] = {{&one, "2026-11-20", LL_OK}, {&evil, "2026-11-20", LL_ERR_SYNTAX},
		{&one, "2026-11-19", LL_ERR_SYNTAX}};
	uint8_t signature[ED25519_SIG_LEN];
	struct web_log *l;
	size_t len, at;

	CHECK_INT(add(&b, "1.0", "2026-11-20", build_a, &one, &one), 0);
	len = b.len;
	l = parse(&b);
	for (size_t i = 0; l && i < ARRAY_SIZE(cases); i++) {
		buf_truncate(&b, len);
		buf_reset(&message);
		buf_put(&message, slice_new("letterlock/1/web-manifest", 26));
		at = message.len;
		buf_printf(&message, "release 2\nversion 1.1\ndate %s\nmanifest ", cases[i].date);
		base64_encode(&message, SLICE_OF(build_b));
		buf_puts(&message, "\nprevious ");
		base64_encode(&message, SLICE_OF(web_log_newest(l)->hash));
		buf_puts(&message, "\nsigner ");
		hex_encode(&message, SLICE_OF(cases[i].key->public));
		buf_puts(&message, "\nnext ");
		hex_encode(&message, SLICE_OF(cases[i].key->public));
		buf_puts(&message, "\n");
		ed25519_sign(cases[i].key, buf_slice(&message), signature);
		buf_puts(&b, "\n");
		buf_put(&b, slice_skip(buf_slice(&message), at));
		buf_puts(&b, "signature ");
		base64_encode(&b, SLICE_OF(signature));
		buf_puts(&b, "\n");
		CHECK_INT(try(buf_slice(&b)), cases[i].result);
	}
	web_log_free(l);
}

static void
histories(void)
{
	CLEANUP(buf_done)
	struct buf b = BUF_INIT(65536), other = BUF_INIT(65536), foreign = BUF_INIT(65536);
	struct web_log *l, *fork, *shorter, *strange;

	make(&b);
	CHECK_INT(add(&other, "1.0", "2026-11-20", build_a, &one, &one), 0);
	shorter = parse(&other);
	CHECK_INT(add(&other, "1.1", "2026-11-21", build_c, &one, &two), 0);
	fork = parse(&other);
	CHECK_INT(add(&foreign, "1.0", "2026-11-20", build_a, &evil, &evil), 0);
	strange = parse(&foreign);
	l = parse(&b);
	CHECK_INT(web_log_common(l, l), 3);
	CHECK_INT(web_log_common(l, shorter), 1);
	CHECK_INT(web_log_common(shorter, l), 1);
	CHECK_INT(web_log_common(l, fork), 1);
	CHECK_INT(web_log_common(l, strange), 0);
	CHECK(web_log_related(l, fork) && web_log_related(shorter, l));
	CHECK(!web_log_related(l, strange) && !web_log_related(strange, l));
	web_log_free(l);
	web_log_free(fork);
	web_log_free(shorter);
	web_log_free(strange);
}

static void
days(void)
{
	CHECK(web_log_is_date(S("2026-01-31")) && web_log_is_date(S("2028-02-29")));
	CHECK(!web_log_is_date(S("2026-02-30")) && !web_log_is_date(S("2026-13-01")));
	CHECK(!web_log_is_date(S("2026-00-01")) && !web_log_is_date(S("2026-01-00")));
	CHECK(!web_log_is_date(S("2026-1-01")) && !web_log_is_date(S("2026/01/01")));
	CHECK(!web_log_is_date(S("")) && !web_log_is_date(S("+026-01-01")));
}

int
main(void)
{
	static const struct t_case cases[] = {T(releases), T(every_bit_counts),
		T(only_whole_releases_end_it), T(who_may_sign), T(not_by_a_stranger), T(histories),
		T(days)};
	static const uint8_t seeds[3][ED25519_SEED_LEN] = {{1}, {2}, {3}};

	if (sodium_init() < 0)
		return 1;
	ed25519_key_init(&one, seeds[0]);
	ed25519_key_init(&two, seeds[1]);
	ed25519_key_init(&evil, seeds[2]);
	return t_main(cases, ARRAY_SIZE(cases));
}
