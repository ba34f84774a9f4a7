#include "fixture.h"

#include "keys/account_keys.h"
#include "tree.h"

#include <stdarg.h>
#include <sys/random.h>
#include <unistd.h>

static int64_t
clock_now(void *ctx)
{
	struct fixture *f = ctx;

	return f->clock++;
}

static int
true_random(void *ctx, void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? LL_OK : LL_ERR_IO;
}

static void
heard(struct account_listener *l, struct mailbox *mb, unsigned events)
{
	CONTAINER_OF(l, struct fixture, listener)->heard |= events;
}

static void
open_account(struct fixture *f)
{
	int err = account_open(&f->env, &f->a);

	CHECK_INT(err, 0);
	if (err)
		exit(1);
	account_listen(f->a, &f->listener);
}

static void
open_store(struct fixture *f)
{
	static const struct store_embedded_options options = {
		.cache_bytes = 8 << 20, .write_buffer = 4 << 20, .segment_bytes = 16 << 20};

	if (store_embedded_open(f->dir, &options, &f->store))
		exit(1);
	f->env.store = f->store;
}

void
fixture_init(struct fixture *f)
{
	*f = (struct fixture){.clock = 1700000000, .rng = 88172645463325252ULL};
	snprintf(f->dir, sizeof(f->dir), "%s/ll-account-XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(f->dir))
		exit(1);
	open_store(f);
	for (uint32_t i = 0; i < ARRAY_SIZE(f->secrets); i++) {
		f->secrets[i].area = RECORD_AREA_MAIL;
		f->secrets[i].version = i + 1;
		memset(f->secrets[i].key, (int)(0x11 * (i + 1)), sizeof(f->secrets[i].key));
	}
	f->env = (struct account_env){.store = f->store,
		.id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		.secrets = f->secrets,
		.n_secrets = 1,
		.now = clock_now,
		.random = true_random,
		.ctx = f};
	f->listener.changed = heard;
	CHECK_INT(account_create(&f->env), 0);
	open_account(f);
}

void
fixture_done(struct fixture *f)
{
	account_close(f->a);
	store_free(f->store);
	remove_tree(f->dir);
}

void
fixture_reopen(struct fixture *f)
{
	account_close(f->a);
	open_account(f);
}

void
fixture_restart(struct fixture *f)
{
	account_close(f->a);
	store_free(f->store);
	fixture_open(f);
}

void
fixture_open(struct fixture *f)
{
	open_store(f);
	open_account(f);
}

struct account *
fixture_second(struct fixture *f)
{
	struct account *a = NULL;

	CHECK_INT(account_open(&f->env, &a), 0);
	return a;
}

void
fixture_work(struct fixture *f)
{
	bool more = true;
	int steps = 0;

	while (more && steps++ < 1000)
		CHECK_INT(account_work(f->a, &more), 0);
	CHECK(!more);
}

uint64_t
fixture_blobs(struct fixture *f)
{
	struct store_stat st = {0};

	CHECK_INT(store_stat(f->store, f->env.id, &st), 0);
	return st.blobs;
}

uint64_t
fixture_random(struct fixture *f)
{
	f->rng ^= f->rng << 13;
	f->rng ^= f->rng >> 7;
	f->rng ^= f->rng << 17;
	return f->rng;
}

size_t
fixture_below(struct fixture *f, size_t n)
{
	return (size_t)(fixture_random(f) % n);
}

struct slice
fixture_message(const char *subject, const char *id, const char *refs, const char *body)
{
	static char text[8][4096];
	static unsigned at;
	char *p = text[at++ % 8];
	int n = snprintf(p, 4096,
		"From: Alice <alice@letterlock.test>\r\nTo: bob@letterlock.test\r\n"
		"Date: Sat, 21 Nov 2026 10:00:00 +0100\r\nSubject: %s\r\nMessage-ID: <%s>\r\n"
		"%s%s%s\r\n%s\r\n",
		subject, id, refs ? "References: <" : "", refs ? refs : "", refs ? ">\r\n" : "",
		body);

	return slice_new(p, (size_t)n);
}

struct mailbox *
fixture_box(struct account *a, const char *name)
{
	struct mailbox *mb = NULL;

	CHECK_INT(account_mailbox(a, slice_str(name), &mb), 0);
	if (!mb)
		exit(1);
	return mb;
}

uint32_t
fixture_append(struct mailbox *mb, struct slice message, uint64_t flags)
{
	struct append_item item = {.flags = flags};
	struct uid_list uids = {0};
	uint32_t uid = 0;
	int err = message_stage(mailbox_account(mb), message, 0, &item.message);

	if (!err)
		err = mailbox_append(mb, &item, 1, &uids);
	CHECK_INT(err, 0);
	if (!err)
		uid = uids.at[0];
	staged_message_free(item.message);
	uid_list_done(&uids);
	return uid;
}

int
fixture_deliver(struct fixture *f, struct slice message, const struct delivery_recipient *rcpt,
	struct record_sender **sender)
{
	const uint64_t ms = 1700000000000; /* all in one moment: they keep their order */
	struct delivery *d = NULL;
	struct delivery_record rec = {.n = 0};
	struct store_commit c = {.partition = f->env.id, .expect = STORE_ANY_VERSION};
	uint8_t public[XWING_PUBLIC_LEN];
	int err = delivery_new(message, ms, &d);

	if (!err && !*sender)
		err = area_seal_public(&f->secrets[rcpt->keyver - 1], public);
	if (!err && !*sender)
		err = record_sender_new(public, ms, sender);
	if (!err && !record_sender_fresh(*sender, ms))
		err = record_sender_renew(*sender, ms);
	if (!err && delivery_large(d))
		err = delivery_stage(d, f->store);
	if (!err)
		err = delivery_seal(d, *sender, rcpt, &rec);
	c.ops = rec.ops;
	c.n = rec.n;
	if (!err)
		err = store_commit_sync(f->store, &c, NULL);
	delivery_record_done(&rec);
	delivery_free(d);
	return err;
}
