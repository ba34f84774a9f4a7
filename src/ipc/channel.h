/* One end of a socket between two processes: whole messages, in order, some with a descriptor.
 *
 * A packet that does not decode, or that this peer may not send (ipc_permitted), is never an
 * assert: the channel is closed and the owner told. */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "ipc/messages.h"
#include "os/loop.h"
#include "os/roles.h"

struct ipc_channel;

/* One message. fd is -1 or a descriptor that the handler now owns. The message's slices live until
 * it returns. */
typedef void ipc_handler(void *ctx, struct ipc_channel *c, const struct msg *m, int fd);
/* The peer is gone (LL_ERR_CLOSED) or was dropped for misbehaving (LL_ERR_SYNTAX, LL_ERR_DENIED).
 * The owner frees the channel. */
typedef void ipc_gone(void *ctx, struct ipc_channel *c, int err);

struct ipc_options {
	enum role self, peer;
	ipc_handler *handler;
	ipc_gone *gone;
	void *ctx;
};

/* Takes over fd (a SOCK_SEQPACKET socket). loop may be NULL for a channel used by ipc_call only.
 * NULL on failure (fd closed). */
struct ipc_channel *ipc_new(struct loop *loop, int fd, const struct ipc_options *o);
void ipc_free(struct ipc_channel *c);
int ipc_fd(const struct ipc_channel *c);
void *ipc_ctx(const struct ipc_channel *c);
void ipc_set_ctx(struct ipc_channel *c, void *ctx);

/* Queues one message; it goes out at once where the socket takes it. fd (-1 for none) is duplicated
 * by the kernel; the caller keeps its own. LL_ERR_CLOSED, LL_ERR_LIMIT (a field too long, or the
 * peer does not read). */
#define IPC_SENDER(NAME, name, carries)                                                            \
	int ipc_send_##name(struct ipc_channel *c, const struct msg_##name *m, int fd);
MSG_LIST(IPC_SENDER)

/* Bytes waiting to be sent; for back-pressure. */
size_t ipc_backlog(const struct ipc_channel *c);

/* Blocks until everything is sent and one message arrived; handles it with the channel's handler.
 * deadline: clock_ms, or IPC_NO_DEADLINE. LL_ERR_CLOSED; LL_ERR_AGAIN when the deadline passed: the
 * channel is then broken, so that a late answer is never taken for another's; nothing goes in or
 * out any more, and `gone` is called from the loop. */
#define IPC_NO_DEADLINE INT64_MAX
int ipc_pump(struct ipc_channel *c, int64_t deadline) CHECKED;

/* Handles what has arrived already, without waiting. LL_ERR_CLOSED and the like, as ipc_pump. */
int ipc_take(struct ipc_channel *c) CHECKED;

/* A connected pair of sockets as channels want them; 0 or LL_ERR_IO. */
int ipc_socketpair(int ret_fds[2]) CHECKED;

#endif
