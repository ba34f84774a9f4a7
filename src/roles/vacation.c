/* Vacation notices, as auth keeps them: the one text of its owner that the server must be able to
 * read while that owner is away. Who was told is kept as keyed hashes of their addresses.
 *
 * Settings of the directory: "vacation", the notice; "told", a list of hash:8 and time:8. */
#include "base/error.h"
#include "base/log.h"
#include "os/clock.h"
#include "roles/auth.h"
#include "roles/language.h"

#include <string.h>

#define NOTICE "vacation"
#define TOLD "told"
#define TOLD_HASH 8u
#define TOLD_LEN (TOLD_HASH + 8u)
#define TOLD_MAX 3000u /* the oldest are forgotten */
#define TOLD_AGAIN ((int64_t)7 * 86400) /* RFC 5230 section 4.1: a week unless said otherwise */

struct notice {
	bool on;
	int64_t start, end; /* Unix seconds; 0: open */
	struct slice subject, text, html;
};

static int
notice_decode(struct slice value, struct notice *ret)
{
	struct reader r = reader_new(value);
	struct notice n = {.on = reader_u8(&r) != 0};

	n.start = (int64_t)reader_be64(&r);
	n.end = (int64_t)reader_be64(&r);
	n.subject = reader_blob(&r);
	n.text = reader_blob(&r);
	n.html = reader_blob(&r);
	if (reader_end(&r))
		return LL_ERR_CORRUPT;
	*ret = n;
	return LL_OK;
}

bool
vacation_exists(const uint8_t account[RECORD_ID_LEN])
{
	return directory_has_setting(auth.directory, account, NOTICE);
}

int
vacation_set(const uint8_t account[RECORD_ID_LEN], const struct msg_session_vacation *m)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(DIRECTORY_SETTING_MAX);
	int r;

	if (m->start > INT64_MAX || m->end > INT64_MAX)
		return LL_ERR_RANGE;
	if (m->on) {
		buf_putc(&value, 1);
		buf_put_be64(&value, m->start);
		buf_put_be64(&value, m->end);
		buf_put_blob(&value, m->subject);
		buf_put_blob(&value, m->text);
		r = buf_put_blob(&value, m->html);
		if (r)
			return r;
	}
	/* Another absence: whoever was told of the last one hears of this one too. */
	r = directory_setting_put(auth.directory, account, TOLD, SLICE_NONE);
	return r ? r : directory_setting_put(auth.directory, account, NOTICE, buf_slice(&value));
}

/* --- who was told --- */

static void
sender_hash(const uint8_t account[RECORD_ID_LEN], struct slice sender, uint8_t ret[TOLD_HASH])
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	uint8_t hash[32];

	buf_put(&name, slice_new(account, RECORD_ID_LEN));
	if (directory_key(sender, &name))
		buf_put(&name, sender);
	directory_name(auth.keys, "vacation", buf_slice(&name), hash);
	memcpy(ret, hash, TOLD_HASH);
}

/* The list without what is too old, and without this sender; false when it was told lately. */
static bool
keep_others(struct slice old, const uint8_t hash[TOLD_HASH], int64_t now, struct buf *ret)
{
	size_t n = old.len / TOLD_LEN;

	for (size_t i = n > TOLD_MAX ? n - TOLD_MAX : 0; i < n; i++) {
		struct slice row = slice_sub(old, i * TOLD_LEN, TOLD_LEN);
		int64_t at = (int64_t)be64_get(row.ptr + TOLD_HASH);
		if (at + TOLD_AGAIN <= now)
			continue;
		if (memcmp(row.ptr, hash, TOLD_HASH) == 0)
			return false;
		buf_put(ret, row);
	}
	return true;
}

/* LL_ERR_EXISTS: told lately. */
static int
tell(const uint8_t account[RECORD_ID_LEN], struct slice sender, int64_t now)
{
	CLEANUP(buf_done)
	struct buf old = BUF_INIT(DIRECTORY_SETTING_MAX), list = BUF_INIT(DIRECTORY_SETTING_MAX);
	uint8_t hash[TOLD_HASH];
	int r = directory_setting(auth.directory, account, TOLD, &old);

	if (r && r != LL_ERR_NOTFOUND)
		return r;
	sender_hash(account, sender, hash);
	if (!keep_others(buf_slice(&old), hash, now, &list))
		return LL_ERR_EXISTS;
	buf_put(&list, SLICE_OF(hash));
	r = buf_put_be64(&list, (uint64_t)now);
	return r ? r : directory_setting_put(auth.directory, account, TOLD, buf_slice(&list));
}

void
vacation_query(struct ipc_channel *delivery, const struct msg_vacation_query *m)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(DIRECTORY_SETTING_MAX);
	struct msg_vacation_reply reply = {.id = m->id};
	struct notice n = {0};
	int64_t now = clock_unix();
	int r = directory_setting(auth.directory, m->account, NOTICE, &value);

	if (r == LL_OK)
		r = notice_decode(buf_slice(&value), &n);
	if (r == LL_OK && n.on && (!n.start || n.start <= now) && (!n.end || now < n.end)) {
		r = tell(m->account, m->sender, now);
		reply.due = r == LL_OK;
		reply.language = (uint8_t)language_of_id(m->account);
		reply.subject = n.subject;
		reply.text = n.text;
		reply.html = n.html;
	}
	if (r && r != LL_ERR_NOTFOUND && r != LL_ERR_EXISTS)
		log_warn("vacation", "error=%s", log_quote(slice_str(ll_strerror(r))));
	(void)ipc_send_vacation_reply(delivery, &reply, -1);
}
