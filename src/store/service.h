/* The store process's side of a channel: answers requests, within what the peer at its other end
 * may touch. */
#ifndef STORE_SERVICE_H
#define STORE_SERVICE_H

#include "ipc/channel.h"
#include "store/rights.h"
#include "store/store.h"

struct store_service;
struct store_peer;

struct store_service *store_service_new(struct loop *l, struct store *s);
void store_service_free(struct store_service *sv);

/* Starts serving a channel to `role`; bound (may be NULL) is the only partition it may touch. Owned
 * by the service until store_service_forget or the channel's end. */
struct store_peer *store_service_peer(struct store_service *sv, struct ipc_channel *c,
	enum role role, const struct store_id *bound);
void store_service_forget(struct store_service *sv, struct store_peer *p);

/* Answers one message of that peer (kinds st_*); true if it was one. fd is taken over when it was.
 */
bool store_service_handle(
	struct store_service *sv, struct store_peer *p, const struct msg *m, int fd);

/* `name=value` lines. */
void store_service_counters(const struct store_service *sv, struct buf *out);

#endif
