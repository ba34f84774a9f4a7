/* A store handle over a channel to the store process. */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "ipc/channel.h"
#include "store/store.h"

/* Takes over fd. `self` is the role of this process. Bells and commit callbacks come from the loop;
 * reading calls block for their answer. lost is called from the loop when the store is gone: every
 * later call is LL_ERR_CLOSED, pending commits have been told LL_ERR_CLOSED, and the owner frees
 * the handle. NULL on failure (fd closed). */
struct store *store_client_new(
	struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx);

/* The same over a channel that the role skeleton owns (peers made by the parent): the channel is
 * not freed with the handle, and its messages are handed in with store_client_message. */
struct store *store_client_over(struct loop *l, struct ipc_channel *c);
/* True if the message was an answer for this handle. */
bool store_client_message(struct store *s, const struct msg *m, int fd);
/* The channel has gone: pending commits are told LL_ERR_CLOSED. */
void store_client_closed(struct store *s);

/* Gives back memory of the transfer window while idle. */
void store_client_trim(struct store *s);

#endif
