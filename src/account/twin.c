/* Finding twins (twin.h): a keyed hash of Message-ID and base subject leads to the thread, where
 * few Emails are looked at closely. */
#include "account/twin.h"

#include "account/digest.h"
#include "account/email.h"
#include "account/engine.h"
#include "account/message.h"

#define LOOKED_AT_MAX 32 /* messages compared for one */

struct probe {
	struct arena arena;
	struct buf encoded;
	struct message_meta meta;
	uint64_t key; /* 0: no Message-ID */
	uint32_t thread; /* 0: none knows it */
};

static void
probe_done(struct probe *p)
{
	arena_done(&p->arena);
	buf_done(&p->encoded);
}

/* What stands before the first empty line, that one included. */
static struct slice
header_of(struct slice message)
{
	struct slice rest = message;

	while (rest.len)
		if (!slice_line(&rest).len)
			break;
	return slice_sub(message, 0, message.len - rest.len);
}

static int
probe_make(struct account *a, struct slice header, struct probe *ret)
{
	struct thread_hashes h;
	int err;

	*ret = (struct probe){
		.arena = ARENA_INIT(MIME_ARENA_BYTES), .encoded = BUF_SECRET(META_BYTES_MAX)};
	err = message_meta_make(&ret->encoded, header, NULL, &ret->arena);
	if (!err)
		err = message_meta_decode(buf_slice(&ret->encoded), &ret->meta);
	if (err || !ret->meta.id.len)
		return err;
	err = thread_hashes_make(a, &ret->meta, &h);
	if (err || !h.n)
		return err;
	ret->key = h.at[0];
	h.n = 1;
	return thread_find(a, &h, 0, &ret->thread);
}

static bool
same_id(const struct probe *p, const struct message *m)
{
	return slice_eq(p->meta.id, m->meta.id);
}

/* The next Email of the thread at or behind *pos that has the same Message-ID. */
static int
candidate_next(struct account *a, const struct probe *p, size_t *pos, struct message *ret)
{
	const struct email_info *all;
	size_t n;

	for (;; ++*pos) {
		int err;
		all = emails_all(a, &n);
		if (*pos >= n)
			return LL_ERR_NOTFOUND;
		if (all[*pos].thread != p->thread)
			continue;
		err = message_get(a, all[*pos].email, ret);
		if (err)
			return err;
		if (same_id(p, ret)) {
			++*pos;
			return LL_OK;
		}
	}
}

int
twin_find_listed(struct account *a, struct slice header, uint64_t size, uint32_t *ret_email)
{
	CLEANUP(probe_done) struct probe p = {.thread = 0};
	struct message m;
	size_t pos = 0;
	int err = emails_load(a);

	if (!err)
		err = probe_make(a, header, &p);
	if (!err && !p.thread)
		err = LL_ERR_NOTFOUND;
	while (!err) {
		err = candidate_next(a, &p, &pos, &m);
		if (!err && m.size == size) {
			*ret_email = m.email;
			return LL_OK;
		}
	}
	return err;
}

/* ---- Content ---- */

static struct slice
without_end(struct slice s)
{
	while (s.len && (s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n'))
		s.len--;
	return s;
}

/* Whether what a stored message says from `offset` on is `content`. */
static int
content_is(struct account *a, uint32_t email, uint64_t offset, uint64_t size, struct slice content,
	bool *ret)
{
	CLEANUP(buf_done) struct buf b = BUF_SECRET(MESSAGE_SIZE_MAX);
	uint64_t len = size > offset ? size - offset : 0;
	struct slice trimmed = without_end(content);
	int err;

	*ret = false;
	/* A few line ends more or less are no reason to read it. */
	if (len < trimmed.len || len > content.len + 16)
		return LL_OK;
	err = message_read(a, email, offset, len, &b);
	if (!err)
		*ret = slice_eq(without_end(buf_slice(&b)), trimmed);
	return err;
}

static int
find_by_id(struct account *a, const struct probe *p, struct slice content, uint32_t *ret_email)
{
	struct message m;
	size_t pos = 0;
	bool same = false;
	int err = p->thread ? LL_OK : LL_ERR_NOTFOUND;

	for (int i = 0; i < LOOKED_AT_MAX && !err && !same; i++) {
		err = candidate_next(a, p, &pos, &m);
		if (!err)
			err = content_is(a, m.email, m.meta.header_size, m.size, content, &same);
	}
	if (!err && !same)
		err = LL_ERR_NOTFOUND;
	if (!err)
		*ret_email = m.email;
	return err;
}

static int
find_by_size(struct account *a, struct slice message, uint32_t *ret_email)
{
	const struct email_info *all;
	size_t n, looked = 0;
	bool same = false;
	int err = LL_OK;

	all = emails_all(a, &n);
	for (size_t i = 0; i < n && !err && !same && looked < LOOKED_AT_MAX; i++) {
		if (all[i].size != message.len)
			continue;
		looked++;
		err = content_is(a, all[i].email, 0, all[i].size, message, &same);
		if (!err && same)
			*ret_email = all[i].email;
	}
	return err || same ? err : LL_ERR_NOTFOUND;
}

int
twin_find(struct account *a, struct slice message, uint32_t *ret_email)
{
	CLEANUP(probe_done) struct probe p = {.thread = 0};
	struct slice header = header_of(message);
	int err = emails_load(a);

	if (!err)
		err = probe_make(a, header, &p);
	if (err)
		return err;
	return p.key ? find_by_id(a, &p, slice_skip(message, header.len), ret_email)
		     : find_by_size(a, message, ret_email);
}

int
twin_key(struct account *a, struct slice message, uint64_t *ret_key)
{
	CLEANUP(probe_done) struct probe p = {.thread = 0};
	int err = probe_make(a, header_of(message), &p);
	uint8_t digest[DIGEST_MAX_LEN];

	if (err)
		return err;
	(void)account_digest(DIGEST_SHA256, message, digest);
	*ret_key = p.key ? p.key : be64_get(digest);
	return LL_OK;
}
