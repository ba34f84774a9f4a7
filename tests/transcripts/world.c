/* The account of transcripts: the real engine over the real store, with a clock that stands still.
 */
#include "world.h"

#include "../unit/tree.h"
#include "account/deliver.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/record.h"
#include "memory_store.h"
#include "store/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define START INT64_C(1790000000) /* 2026-09-21 */

static int64_t
world_now(void *ctx)
{
	return ((struct world *)ctx)->clock;
}

static int
world_random(void *ctx, void *p, size_t n)
{
	struct world *w = ctx;
	uint8_t *out = p;

	if (w->seed) {
		for (size_t i = 0; i < n; i++) {
			w->seed = w->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			out[i] = (uint8_t)(w->seed >> 56);
		}
		return LL_OK;
	}
	return getrandom(p, n, 0) == (ssize_t)n ? LL_OK : LL_ERR_IO;
}

int
world_open(struct world *w)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char path[96];

	*w = (struct world){.clock = START};
	snprintf(w->dir, sizeof(w->dir), "%s/letterlock-XXXXXX", tmp);
	if (!mkdtemp(w->dir))
		return LL_ERR_IO;
	snprintf(path, sizeof(path), "%s/store", w->dir);
	return store_embedded_open(path, NULL, &w->store);
}

int
world_open_memory(struct world *w)
{
	*w = (struct world){.clock = START, .store = memory_store_new()};
	return w->store ? LL_OK : LL_ERR_NOMEM;
}

void
world_account_close(struct world *w)
{
	account_close(w->account);
	w->account = NULL;
}

void
world_close(struct world *w)
{
	world_account_close(w);
	SECRET_FREE(w->secret);
	store_free(w->store);
	if (w->dir[0])
		remove_tree(w->dir);
}

int
world_account(struct world *w, uint64_t quota)
{
	int err;

	world_account_close(w);
	if (!w->secret)
		w->secret = SECRET_NEW(struct area_secret);
	if (!w->secret || getrandom(w->secret->key, sizeof(w->secret->key), 0) < 0)
		return LL_ERR_NOMEM;
	w->secret->area = RECORD_AREA_MAIL;
	w->secret->version = 1;
	w->account_env = (struct account_env){.store = w->store,
		.secrets = w->secret,
		.n_secrets = 1,
		.quota = quota,
		.now = world_now,
		.random = world_random,
		.ctx = w};
	memset(&w->account_env.id, 0x41, sizeof(w->account_env.id));
	w->accounts++;
	memcpy(w->account_env.id.b, &w->accounts, sizeof(w->accounts));
	err = account_create(&w->account_env);
	if (err == LL_OK)
		err = account_open(&w->account_env, &w->account);
	w->imap = (struct imap_env){.account = w->account, .now = world_now, .ctx = w};
	return err;
}

int
world_mark(struct world *w)
{
	return memory_store_mark(w->store);
}

int
world_rewind(struct world *w)
{
	int err;

	world_account_close(w);
	err = memory_store_rewind(w->store);
	if (err == LL_OK) {
		w->clock = START;
		w->seed = 1;
		err = account_open(&w->account_env, &w->account);
	}
	w->imap = (struct imap_env){.account = w->account, .now = world_now, .ctx = w};
	return err;
}

static int
deliver_sealed(struct world *w, struct delivery *d)
{
	struct delivery_recipient rcpt = {.account = w->account_env.id,
		.keyver = 1,
		.address = S("alice@letterlock.test"),
		.role = MAILBOX_INBOX};
	struct delivery_record record = {0};
	struct record_sender *sender = NULL;
	uint8_t public[XWING_PUBLIC_LEN];
	int err = area_seal_public(w->secret, public);

	if (err == LL_OK)
		err = record_sender_new(public, (uint64_t)w->clock * 1000, &sender);
	if (err == LL_OK)
		err = delivery_seal(d, sender, &rcpt, &record);
	if (err == LL_OK) {
		struct store_commit commit = {.partition = rcpt.account,
			.expect = STORE_ANY_VERSION,
			.ops = record.ops,
			.n = record.n};
		err = store_commit_sync(w->store, &commit, NULL);
	}
	delivery_record_done(&record);
	record_sender_free(sender);
	return err;
}

int
world_deliver(struct world *w, struct slice message)
{
	struct delivery *d;
	int err = delivery_new(message, (uint64_t)w->clock * 1000, &d);

	if (err != LL_OK)
		return err;
	err = delivery_large(d) ? delivery_stage(d, w->store) : LL_OK;
	if (err == LL_OK)
		err = deliver_sealed(w, d);
	delivery_free(d);
	if (err == LL_OK)
		err = account_poll(w->account);
	return err;
}
