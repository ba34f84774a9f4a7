/* Logs of releases, as a server sends them: what is accepted is a chain of whole entries that were
 * signed, each beginning of it is a log, too, and one more entry can follow if its key is known. */
#include "cli/web_log.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of the seeds. */
static const uint8_t seed[ED25519_SEED_LEN] = {1};

static void
check_beginning(const struct web_log *l, const struct web_release *e)
{
	struct web_log *part = NULL;
	const char *why;

	if (web_log_new(e->text, &part, &why) || web_log_len(part) != e->number ||
		web_log_common(l, part) != e->number || !web_log_vouches(l, e->signer))
		abort();
	web_log_free(part);
}

static void
check_next(const struct web_log *l, struct slice text)
{
	CLEANUP(buf_done) struct buf longer = BUF_INIT(WEB_LOG_MAX * 2);
	const struct web_release *e = web_log_newest(l);
	struct web_log *after = NULL;
	struct ed25519_key key;
	const char *why;
	int r;

	ed25519_key_init(&key, seed);
	buf_put(&longer, text);
	r = web_log_append(&longer, l, e->version, e->date, e->manifest, &key, key.public);
	if ((r == 0) != (memcmp(key.public, e->next, ED25519_PUBLIC_LEN) == 0))
		abort();
	if (r == 0 &&
		(web_log_new(buf_slice(&longer), &after, &why) ||
			web_log_common(l, after) != web_log_len(l)))
		abort();
	web_log_free(after);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_new(data, size);
	struct web_log *l = NULL;
	const char *why = NULL;

	if (sodium_init() < 0)
		abort();
	if (web_log_new(text, &l, &why)) {
		if (l || !why)
			abort();
		return 0;
	}
	for (size_t i = 0; i < web_log_len(l); i++) {
		const struct web_release *e = web_log_at(l, i);
		if (e->number != i + 1 || e->text.ptr != data || !web_log_is_date(e->date))
			abort();
		check_beginning(l, e);
	}
	if (web_log_newest(l)->text.len != size)
		abort();
	check_next(l, text);
	web_log_free(l);
	return 0;
}
