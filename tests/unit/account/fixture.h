/* A fresh account over a real embedded store in a temporary directory. */
#ifndef TESTS_UNIT_ACCOUNT_FIXTURE_H
#define TESTS_UNIT_ACCOUNT_FIXTURE_H

#include "account/account.h"
#include "account/deliver.h"
#include "account/find.h"
#include "account/mailbox.h"
#include "account/message.h"
#include "store/embedded.h"
#include "t.h"

struct fixture {
	char dir[64];
	struct store *store;
	struct area_secret secrets[3];
	struct account_env env;
	int64_t clock; /* advances by one with each question */
	struct account *a;
	uint64_t rng;
	unsigned heard; /* events since it was last cleared */
	struct account_listener listener;
};

void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f);
/* Closes and opens the account; the second form the store as well. */
void fixture_reopen(struct fixture *f);
void fixture_restart(struct fixture *f);
/* Opens both again after they were closed, or left. */
void fixture_open(struct fixture *f);
/* A second engine over the same store. */
struct account *fixture_second(struct fixture *f);

/* Lets the account do all the work that it has put off. */
void fixture_work(struct fixture *f);
/* How many blobs the store keeps for the account. */
uint64_t fixture_blobs(struct fixture *f);

uint64_t fixture_random(struct fixture *f);
/* A number below n. */
size_t fixture_below(struct fixture *f, size_t n);

/* A small message. body may be empty; refs: a message id or NULL. Views until 8 more calls. */
struct slice fixture_message(
	const char *subject, const char *id, const char *refs, const char *body);
struct mailbox *fixture_box(struct account *a, const char *name);
/* Appends one message; its UID, or 0. */
uint32_t fixture_append(struct mailbox *mb, struct slice message, uint64_t flags);
/* Delivers to the account as the delivery process does. */
int fixture_deliver(struct fixture *f, struct slice message, const struct delivery_recipient *rcpt,
	struct record_sender **sender);

#endif
