/* A non-blocking byte stream over a socket, in clear or through TLS, with bounded buffers both
 * ways.
 *
 * Bytes that arrive are offered to the owner, who says how many it took; what is left waits, and
 * while it is paused nothing more is read. Bytes to send are queued; `drained` tells when the queue
 * has fallen low. */
#ifndef OS_STREAM_H
#define OS_STREAM_H

#include "base/buf.h"
#include "os/loop.h"

#include <openssl/ssl.h>

struct stream;

struct stream_ops {
	/* Bytes arrived; returns how many of `in` were used. The rest is offered again with more,
	 * or after stream_resume. */
	size_t (*input)(void *ctx, struct slice in);
	/* The send queue fell below STREAM_LOW after having been above it, or is empty. May be
	 * NULL. */
	void (*drained)(void *ctx);
	/* TLS is up. May be NULL. */
	void (*secured)(void *ctx);
	/* End of input (err 0: orderly) or failure; the owner frees the stream. */
	void (*closed)(void *ctx, int err);
};

#define STREAM_LOW ((size_t)64 << 10)
#define STREAM_SEND_MAX ((size_t)8 << 20)

/* A non-blocking TCP socket that begins to connect to an address of 16 bytes (IPv6) or 4 (IPv4);
 * -1 with errno. It can be written to when the attempt is over. */
int stream_dial(struct slice ip, uint16_t port);
/* 0 when the socket has connected, or the errno why it has not. */
int stream_dial_error(int fd);

/* Takes over a connected socket. NULL on failure (fd closed). */
struct stream *stream_new(struct loop *l, int fd, const struct stream_ops *ops, void *ctx);
/* Closes at once; what is queued is lost unless stream_finish came first. NULL is accepted. */
void stream_free(struct stream *s);

/* Starts TLS on what follows: as a server (accept) or a client. Input not yet taken must be empty
 * on the server: what came in clear after the command is refused by the dialogue (no injection).
 * The SSL is the stream's from here on. */
int stream_start_tls(struct stream *s, SSL *ssl, bool server) CHECKED;
/* The TLS state, or NULL. */
SSL *stream_tls(const struct stream *s);
/* Why TLS failed, for logs; never NULL. */
const char *stream_tls_error(const struct stream *s);

/* Queues bytes and sends what the socket takes. LL_ERR_LIMIT, LL_ERR_CLOSED. */
int stream_send(struct stream *s, struct slice bytes);
size_t stream_queued(const struct stream *s);
/* Stops and restarts reading. Resuming offers again at once what was left, from the loop. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/* Sends what is queued, then closes orderly, then reports closed(0). Nothing more is read. */
void stream_finish(struct stream *s);

#endif
