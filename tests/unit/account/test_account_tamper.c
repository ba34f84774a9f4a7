/* A store that lies: every record is flipped, swapped with others and rolled back, and the engine
 * must refuse each time or be none the wiser; never show something else. Also damage at the wrong
 * moment: half-finished MULTIAPPENDs, and the end of the expunge log. */
#include "fixture.h"

#include "account/object.h"

#include "base/vec.h"

struct copy {
	uint8_t key[STORE_KEY_MAX];
	size_t key_len;
	uint8_t *value;
	size_t len;
};
struct copies {
	VEC(struct copy) v;
};

static int
copy_row(void *ctx, struct slice key, struct slice value)
{
	struct copies *c = ctx;
	struct copy one = {.key_len = key.len, .value = malloc(value.len + 1), .len = value.len};

	memcpy(one.key, key.ptr, key.len);
	memcpy(one.value, value.ptr, value.len);
	return VEC_PUSH(&c->v, one);
}

static void
copies_take(struct fixture *f, struct copies *c)
{
	CHECK_INT(store_each(f->store, f->env.id, S("m/"), copy_row, c), 0);
}

static void
copies_done(struct copies *c)
{
	VEC_EACH (one, &c->v)
		free(one->value);
	VEC_DONE(&c->v);
}

/* Written behind the engine's back, as only a store can. */
static void
put(struct fixture *f, const struct copy *key, const struct copy *value)
{
	struct store_op op = {.kind = value ? STORE_PUT : STORE_DEL,
		.key = slice_new(key->key, key->key_len),
		.value = value ? slice_new(value->value, value->len) : SLICE_NONE};
	struct store_commit c = {f->env.id, STORE_ANY_VERSION, &op, 1, 0};

	CHECK_INT(store_commit_sync(f->store, &c, NULL), 0);
}

/* Everything a client could see, as one text; *ret_err the first error. */
static void
dump_box(struct account *a, struct mailbox *mb, struct buf *out, int *ret_err)
{
	const struct mailbox_info *i = mailbox_info(mb);
	const struct message_row *rows;
	struct uid_list gone = {0};
	size_t n;

	buf_put(out, i->name);
	buf_printf(out, " %u %u %u %llu\n", i->exists, i->unseen, i->uidnext,
		(unsigned long long)i->highestmodseq);
	*ret_err = mailbox_open(mb);
	if (*ret_err)
		return;
	rows = mailbox_rows(mb, &n);
	for (size_t k = 0; k < n && !*ret_err; k++) {
		struct message m;
		buf_printf(out, "%u %llx ", rows[k].uid, (unsigned long long)rows[k].flags);
		*ret_err = message_get(a, rows[k].email, &m);
		if (!*ret_err) {
			buf_put(out, m.meta.envelope.subject);
			buf_printf(out, " T%u\n", m.thread);
			*ret_err = message_read(a, rows[k].email, 0, UINT64_MAX, out);
		}
	}
	if (!*ret_err)
		*ret_err = mailbox_vanished(mb, 0, &gone);
	VEC_EACH (uid, &gone)
		buf_printf(out, "gone %u\n", *uid);
	uid_list_done(&gone);
	mailbox_close(mb);
}

/* The log of the whole account, and its objects. */
static int
dump_changes(struct account *a, struct buf *out)
{
	const struct object *o;
	size_t pos = 0;
	int err = account_objects_load(a);

	while (!err && (o = account_object_next(a, CHANGE_IDENTITY, &pos)) != NULL) {
		buf_printf(out, "object %llu ", (unsigned long long)o->modseq);
		buf_put(out, o->value);
	}
	for (int type = 0; type < CHANGE_TYPES && !err; type++) {
		struct changes c = {0};
		err = account_changes(a, (enum change_type)type, 0, &c);
		VEC_EACH (one, &c)
			buf_printf(out, "%d %d %llu %08x\n", type, one->kind,
				(unsigned long long)one->modseq, change_number(one));
		changes_done(&c);
	}
	return err;
}

static int
dump(struct fixture *f, struct buf *out)
{
	struct account *a = NULL;
	struct find_node text = {.op = FIND_TEXT, .text = S("payload")};
	struct mailbox *const *boxes;
	const struct slice *orphans;
	size_t n;
	int err = account_open(&f->env, &a);

	buf_reset(out);
	if (err)
		return err;
	boxes = account_mailboxes(a, &n);
	for (size_t i = 0; i < n && !err; i++) {
		struct uid_list found = {0};
		dump_box(a, boxes[i], out, &err);
		if (!err)
			err = mailbox_find(boxes[i], &text, &found);
		VEC_EACH (uid, &found)
			buf_printf(out, "found %u\n", *uid);
		uid_list_done(&found);
	}
	orphans = account_orphan_subscriptions(a, &n);
	for (size_t i = 0; i < n; i++)
		buf_put(out, orphans[i]);
	if (!err)
		err = dump_changes(a, out);
	account_close(a);
	return err;
}

static void
put_identity(struct fixture *f, uint8_t id, const char *value)
{
	struct object_change c = {.type = CHANGE_IDENTITY, .id = {{id}}, .value = slice_str(value)};

	CHECK_INT(account_objects_change(f->a, &c, 1), 0);
}

/* An account with something in every kind of record. */
static void
furnish(struct fixture *f)
{
	struct mailbox *in = fixture_box(f->a, "INBOX"), *archive = fixture_box(f->a, "Archive");
	struct copy_result copied;
	uint32_t uids[] = {1, 2, 3}, one = 4;
	uint64_t bit;

	CHECK_INT(mailbox_keywords_add(in, &S("key"), 1, &bit), 0);
	for (int i = 0; i < 6; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%d@x", i);
		fixture_append(
			in, fixture_message("subject", id, i ? "0@x" : NULL, "payload"), bit);
	}
	fixture_append(archive, fixture_message("other", "o@x", NULL, "payload"), 0);
	CHECK_INT(mailbox_copy(in, uids, 3, archive, &copied), 0);
	copy_result_done(&copied);
	CHECK_INT(mailbox_remove(in, &one, 1, NULL), 0);
	CHECK_INT(account_subscribe(f->a, S("elsewhere"), true), 0);
	put_identity(f, 1, "first");
	put_identity(f, 2, "second");
}

/* More of the same, so that every record that can change has an older version. */
static void
change(struct fixture *f)
{
	struct mailbox *in = fixture_box(f->a, "INBOX"), *archive = fixture_box(f->a, "Archive");
	struct flags_change seen = {FLAGS_ADD, FLAG_SEEN, UINT64_MAX};
	struct flags_result r;
	struct copy_result copied;
	uint32_t uids[] = {1, 2}, one = 5, two = 1;

	CHECK_INT(mailbox_store(in, uids, 2, &seen, &r), 0);
	flags_result_done(&r);
	CHECK_INT(mailbox_store(archive, uids, 2, &seen, &r), 0);
	flags_result_done(&r);
	CHECK_INT(mailbox_copy(in, &one, 1, archive, &copied), 0);
	copy_result_done(&copied);
	CHECK_INT(mailbox_remove(in, &one, 1, NULL), 0);
	CHECK_INT(mailbox_remove(archive, &two, 1, NULL), 0);
	CHECK_INT(account_subscribe(f->a, S("elsewhere2"), true), 0);
	put_identity(f, 1, "altered");
}

static bool
starts(const struct copy *c, const char *prefix)
{
	return slice_starts(slice_new(c->key, c->key_len), slice_str(prefix));
}

static void
every_flip_is_refused(void)
{
	struct fixture f;
	struct copies now = {.v = {0}};
	struct buf good = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);

	fixture_init(&f);
	furnish(&f);
	CHECK_INT(dump(&f, &good), 0);
	copies_take(&f, &now);
	CHECK(now.v.len > 20);
	VEC_EACH (c, &now.v) {
		bool lazy = starts(c, "m/gc/") || starts(c, "m/ref/") || starts(c, "m/thr/");
		/* Every byte of the header, then here and there. */
		for (size_t at = 0; at < c->len; at += at < 160 ? 13 : c->len / 7 + 1) {
			int err;
			c->value[at] ^= 0x20;
			put(&f, c, c);
			err = dump(&f, &got);
			CHECK(err == LL_ERR_AUTH || err == LL_ERR_CORRUPT ||
				(lazy && !err && slice_eq(buf_slice(&got), buf_slice(&good))));
			c->value[at] ^= 0x20;
		}
		put(&f, c, c);
	}
	CHECK_INT(dump(&f, &got), 0);
	CHECK_SLICE(buf_slice(&got), buf_slice(&good));
	copies_done(&now);
	buf_done(&good);
	buf_done(&got);
	fixture_done(&f);
}

static void
no_record_opens_elsewhere(void)
{
	struct fixture f;
	struct copies now = {.v = {0}};
	struct buf good = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);

	fixture_init(&f);
	furnish(&f);
	CHECK_INT(dump(&f, &good), 0);
	copies_take(&f, &now);
	VEC_EACH (c, &now.v)
		VEC_EACH (other, &now.v) {
			bool lazy =
				starts(c, "m/gc/") || starts(c, "m/ref/") || starts(c, "m/thr/");
			int err;
			if (c == other)
				continue;
			put(&f, c, other);
			err = dump(&f, &got);
			CHECK(err == LL_ERR_AUTH || err == LL_ERR_CORRUPT ||
				(lazy && !err && slice_eq(buf_slice(&got), buf_slice(&good))));
			put(&f, c, c);
		}
	copies_done(&now);
	buf_done(&good);
	buf_done(&got);
	fixture_done(&f);
}

static struct copy *
copy_of(struct copies *c, const struct copy *key)
{
	VEC_EACH (one, &c->v)
		if (one->key_len == key->key_len && !memcmp(one->key, key->key, key->key_len))
			return one;
	return NULL;
}

static void
rollback_of_one_record_is_seen(void)
{
	struct fixture f;
	struct copies before = {.v = {0}}, now = {.v = {0}};
	struct buf good = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	size_t rolled = 0;

	fixture_init(&f);
	furnish(&f);
	copies_take(&f, &before);
	change(&f);
	CHECK_INT(dump(&f, &good), 0);
	copies_take(&f, &now);
	VEC_EACH (c, &now.v) {
		const struct copy *old = copy_of(&before, c);
		bool lazy = starts(c, "m/gc/") || starts(c, "m/ref/") || starts(c, "m/thr/");
		int err;
		if (old && old->len == c->len && !memcmp(old->value, c->value, c->len))
			continue;
		rolled++;
		put(&f, c, old); /* the older one, or none */
		err = dump(&f, &got);
		CHECK(err == LL_ERR_AUTH || err == LL_ERR_CORRUPT || err == LL_ERR_NOTFOUND ||
			(lazy && !err && slice_eq(buf_slice(&got), buf_slice(&good))));
		if (lazy && !starts(c, "m/thr/")) { /* seen when they are needed */
			bool more = true;
			uint32_t uid = 1;
			fixture_reopen(&f);
			err = account_work(f.a, &more);
			if (!err)
				err = mailbox_remove(fixture_box(f.a, "INBOX"), &uid, 1, NULL);
			CHECK_INT(err, LL_ERR_AUTH);
		}
		put(&f, c, c);
	}
	CHECK(rolled > 8);
	copies_done(&before);
	copies_done(&now);
	buf_done(&good);
	buf_done(&got);
	fixture_done(&f);
}

static int
fail_after(void *ctx, void *p, size_t n)
{
	return LL_ERR_IO;
}

static void
unfinished_append_leaves_nothing(void)
{
	struct fixture f;
	struct append_item items[200];
	struct account_env env;
	struct account *late = NULL;
	static char body[2000];
	int err = LL_OK;

	fixture_init(&f);
	memset(body, 'b', sizeof(body) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		char id[16];
		snprintf(id, sizeof(id), "%zu@x", i);
		CHECK_INT(message_stage(
				  f.a, fixture_message("s", id, NULL, body), 0, &items[i].message),
			0);
		items[i].flags = 0;
	}
	/* The quota stops it after some commits of entries. */
	env = f.env;
	env.quota = 300000;
	CHECK_INT(account_open(&env, &late), 0);
	err = mailbox_append(fixture_box(late, "INBOX"), items, ARRAY_SIZE(items), NULL);
	CHECK_INT(err, LL_ERR_QUOTA);
	CHECK_INT(mailbox_info(fixture_box(late, "INBOX"))->exists, 0);
	CHECK(fixture_blobs(&f) > 0);
	account_close(late);
	fixture_reopen(&f);
	fixture_work(&f);
	CHECK_INT(fixture_blobs(&f), 0);
	CHECK_INT(mailbox_info(fixture_box(f.a, "INBOX"))->exists, 0);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		staged_message_free(items[i].message);
	/* Without random numbers nothing is staged. */
	env.random = fail_after;
	CHECK_INT(account_open(&env, &late), 0);
	CHECK_INT(message_stage(late, S("\r\nx"), 0, &items[0].message), LL_ERR_IO);
	account_close(late);
	fixture_done(&f);
}

static void
expunge_log_has_an_end(void)
{
	struct fixture f;
	struct mailbox *in;
	struct copy_result copied;
	struct uid_list gone = {0};
	uint64_t begin, points[60];
	uint32_t uid = 1, last = 1;
	int err, first_good = -1;

	fixture_init(&f);
	in = fixture_box(f.a, "INBOX");
	fixture_append(in, fixture_message("s", "1@x", NULL, "b"), 0);
	CHECK_INT(mailbox_open(in), 0);
	while (mailbox_info(in)->exists < 48000) { /* rows are cheap to multiply */
		uint32_t uids[4000];
		size_t n, k = 0;
		const struct message_row *rows = mailbox_rows(in, &n);
		for (; k < n && k < 4000; k++)
			uids[k] = rows[k].uid;
		CHECK_INT(mailbox_copy(in, uids, k, in, &copied), 0);
		copy_result_done(&copied);
	}
	begin = account_modseq(f.a);
	for (int i = 0; i < 60; i++) {
		uint32_t uids[800];
		size_t k = 0;
		points[i] = account_modseq(f.a);
		for (; k < 790; k++, uid++)
			uids[k] = uid;
		last = uids[k - 1];
		CHECK_INT(mailbox_remove(in, uids, k, NULL), 0);
		if (i % 2)
			account_trim(f.a);
	}
	CHECK_INT(mailbox_vanished(in, points[59], &gone), 0);
	CHECK(gone.len == 790 && gone.at[789] == last);
	gone.len = 0;
	for (int i = 0; i < 60; i++) {
		gone.len = 0;
		err = mailbox_vanished(in, points[i], &gone);
		CHECK(err == LL_OK || err == LL_ERR_RANGE);
		if (!err && first_good < 0)
			first_good = i;
		CHECK(err || gone.len == (size_t)(60 - i) * 790);
		CHECK(first_good < 0 || !err); /* once good, always good */
	}
	CHECK(first_good > 0); /* the beginning is forgotten */
	CHECK(begin == points[0]);
	mailbox_close(in);
	uid_list_done(&gone);
	fixture_done(&f);
}

T_MAIN(T(every_flip_is_refused), T(no_record_opens_elsewhere), T(rollback_of_one_record_is_seen),
	T(unfinished_append_leaves_nothing), T(expunge_log_has_an_end))
