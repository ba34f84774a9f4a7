/* Sockets with buffers, TLS by OpenSSL on the socket itself. */
#include "os/stream.h"
#include "base/error.h"
#include "base/secret.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK ((size_t)64 << 10)
#define TLS_CHUNK ((size_t)16 << 10)
#define READ_ROUNDS 4
#define KEEP_MAX ((size_t)1 << 20) /* input left by the owner at most */
#define IDLE_CAP ((size_t)4096) /* an empty buffer larger than this is given back */

struct stream {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer again; /* offers kept input after a resume */
	int fd;
	SSL *ssl;
	bool handshaking, server, paused, finishing, high, dead;
	bool waits; /* something was queued, and `drained` has not told that it is gone */
	bool hung; /* hung up while paused: out of the loop until somebody reads on */
	bool deaf; /* the far end takes nothing more; what it sent may still be read */
	bool want_write; /* TLS needs the socket writable to go on reading */
	struct buf in, out;
	size_t out_at; /* sent bytes at the front of out */
	const struct stream_ops *ops;
	void *ctx;
	bool *freed;
	char tls_error[128];
};

static void on_io(void *ctx, unsigned events);

static void
update(struct stream *s)
{
	unsigned want = s->paused || s->finishing ? 0 : LOOP_READ;

	if (s->handshaking)
		want |= LOOP_READ;
	if (s->want_write || s->out.len > s->out_at)
		want |= LOOP_WRITE;
	loop_want(s->loop, &s->watch, want);
}

int
stream_dial(struct slice ip, uint16_t port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool v6 = ip.len == sizeof(in6.sin6_addr);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -1;
	if (v6)
		memcpy(&in6.sin6_addr, ip.ptr, sizeof(in6.sin6_addr));
	else
		memcpy(&in.sin_addr, ip.ptr, sizeof(in.sin_addr));
	r = v6 ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
	       : connect(fd, (struct sockaddr *)&in, sizeof(in));
	if (r < 0 && errno != EINPROGRESS) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

int
stream_dial_error(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

struct stream *
stream_new(struct loop *l, int fd, const struct stream_ops *ops, void *ctx)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return NULL;
	}
	*s = (struct stream){.loop = l,
		.watch = LOOP_WATCH_NONE,
		.fd = fd,
		.ops = ops,
		.ctx = ctx,
		.in = BUF_SECRET(KEEP_MAX + READ_CHUNK),
		.out = BUF_SECRET(STREAM_SEND_MAX + STREAM_LOW)};
	if (loop_watch(l, &s->watch, fd, LOOP_READ, on_io, s)) {
		stream_free(s);
		return NULL;
	}
	return s;
}

void
stream_free(struct stream *s)
{
	if (!s)
		return;
	loop_unwatch(s->loop, &s->watch);
	loop_timer_stop(s->loop, &s->again);
	if (s->ssl) {
		SSL_free(s->ssl);
		ERR_clear_error();
	}
	close(s->fd);
	buf_done(&s->in); /* sign-in commands pass through */
	buf_done(&s->out);
	if (s->freed)
		*s->freed = true;
	free(s);
}

SSL *
stream_tls(const struct stream *s)
{
	return s->ssl;
}

const char *
stream_tls_error(const struct stream *s)
{
	return s->tls_error;
}

size_t
stream_queued(const struct stream *s)
{
	return s->out.len - s->out_at;
}

static void
note_tls_error(struct stream *s)
{
	unsigned long e = ERR_peek_last_error();

	if (e)
		ERR_error_string_n(e, s->tls_error, sizeof(s->tls_error));
	ERR_clear_error();
}

/* Result of an SSL call: LL_ERR_AGAIN with the wants noted, or LL_ERR_CLOSED. */
static int
tls_result(struct stream *s, int r)
{
	int e = SSL_get_error(s->ssl, r);

	if (e == SSL_ERROR_WANT_READ)
		return LL_ERR_AGAIN;
	if (e == SSL_ERROR_WANT_WRITE) {
		s->want_write = true;
		return LL_ERR_AGAIN;
	}
	note_tls_error(s);
	return LL_ERR_CLOSED;
}

static ssize_t
socket_result(ssize_t n)
{
	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? LL_ERR_AGAIN : LL_ERR_CLOSED;
}

static ssize_t
read_some(struct stream *s, uint8_t *p, size_t n)
{
	int r;

	if (!s->ssl)
		return socket_result(recv(s->fd, p, n, MSG_DONTWAIT));
	s->want_write = false;
	ERR_clear_error();
	r = SSL_read(s->ssl, p, (int)n);
	return r > 0 ? r : tls_result(s, r);
}

static ssize_t
write_some(struct stream *s, const uint8_t *p, size_t n)
{
	int r;

	if (!s->ssl)
		return socket_result(send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL));
	ERR_clear_error();
	r = SSL_write(s->ssl, p, (int)MIN(n, (size_t)INT32_MAX));
	return r > 0 ? r : tls_result(s, r);
}

/* The far end takes nothing more. What it sent before is still to be read. */
static void
mute(struct stream *s)
{
	s->deaf = true;
	s->out_at = s->out.len;
}

static void
flush(struct stream *s)
{
	while (s->out.len > s->out_at && !s->handshaking) {
		ssize_t n = write_some(s, s->out.ptr + s->out_at, s->out.len - s->out_at);
		if (n == LL_ERR_AGAIN)
			return;
		if (n < 0)
			mute(s);
		else
			s->out_at += (size_t)n;
	}
	if (s->out_at == s->out.len) {
		s->out_at = 0;
		if (s->out.cap > IDLE_CAP)
			buf_done(&s->out);
		else
			buf_reset(&s->out);
	}
}

int
stream_send(struct stream *s, struct slice bytes)
{
	if (s->dead || s->deaf)
		return LL_ERR_CLOSED;
	if (stream_queued(s) == 0 && !s->handshaking) {
		/* The usual case: nothing waits, the socket takes it all, nothing is copied. */
		ssize_t n = bytes.len ? write_some(s, bytes.ptr, bytes.len) : 0;
		if (n < 0 && n != LL_ERR_AGAIN) {
			mute(s);
			return LL_ERR_CLOSED;
		}
		bytes = slice_skip(bytes, (size_t)MAX(n, 0));
	}
	if (bytes.len == 0)
		return LL_OK;
	if (s->out_at > STREAM_LOW) {
		buf_consume(&s->out, s->out_at);
		s->out_at = 0;
	}
	if (buf_put(&s->out, bytes))
		return LL_ERR_LIMIT;
	s->waits = true;
	s->high = s->high || stream_queued(s) > STREAM_LOW;
	update(s);
	return LL_OK;
}

int
stream_start_tls(struct stream *s, SSL *ssl, bool server)
{
	s->ssl = ssl;
	s->server = server;
	if (SSL_set_fd(ssl, s->fd) != 1)
		return LL_ERR_CRYPTO;
	SSL_set_mode(ssl,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	s->handshaking = true;
	if (!server)
		s->want_write = true; /* the client speaks first */
	update(s);
	return LL_OK;
}

static int
handshake(struct stream *s)
{
	int r;

	s->want_write = false;
	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	if (r != 1)
		return tls_result(s, r);
	s->handshaking = false;
	if (s->ops->secured)
		s->ops->secured(s->ctx);
	return LL_OK;
}

/* Offers bytes to the owner, who may pause, finish or free the stream meanwhile; what is left. */
static struct slice
offer_slice(struct stream *s, struct slice in, const bool *freed)
{
	while (in.len && !s->paused && !s->finishing) {
		size_t used = s->ops->input(s->ctx, in);
		if (*freed || used == 0)
			break;
		in = slice_skip(in, used);
	}
	return in;
}

/* Offers what is kept. */
static void
offer(struct stream *s, const bool *freed)
{
	struct slice left = offer_slice(s, buf_slice(&s->in), freed);

	if (*freed)
		return;
	buf_consume(&s->in, s->in.len - left.len);
	if (s->in.len == 0 && s->in.cap > IDLE_CAP)
		buf_done(&s->in);
}

/* One piece of space for all streams of the process: nearly always the owner takes what has come
 * at once, and nothing need be kept for it. */
static struct {
	uint8_t *space;
	bool lent; /* to a stream whose owner works on what is in it */
} common;

static ssize_t
take_common(struct stream *s, bool *freed)
{
	ssize_t n = read_some(s, common.space, s->ssl ? TLS_CHUNK : READ_CHUNK);
	struct slice left;
	int r = LL_OK;

	if (n < 0)
		return n;
	common.lent = true;
	left = offer_slice(s, slice_new(common.space, (size_t)n), freed);
	if (!*freed && left.len) {
		r = buf_put(&s->in, left);
		if (!s->paused)
			stream_resume(s); /* it may have been paused and resumed meanwhile */
	}
	secret_wipe(common.space, (size_t)n); /* sign-in commands pass through */
	common.lent = false;
	return r ? r : n;
}

static ssize_t
take_kept(struct stream *s, bool *freed)
{
	size_t room = s->ssl ? TLS_CHUNK : READ_CHUNK;
	uint8_t *p = s->in.len < KEEP_MAX ? buf_room(&s->in, room) : NULL;
	ssize_t n = p ? read_some(s, p, room) : LL_ERR_LIMIT;

	if (n < 0)
		return n;
	buf_grow(&s->in, (size_t)n);
	offer(s, freed);
	return n;
}

/* Reads until the socket is empty, the owner pauses, or it is others' turn. */
static int
take_input(struct stream *s, bool *freed)
{
	if (!common.space && !(common.space = malloc(READ_CHUNK)))
		return LL_ERR_NOMEM;
	/* A TLS handshake that the owner starts meanwhile is not SSL_read's to make. */
	for (int i = 0; i < READ_ROUNDS && !s->paused && !s->finishing && !s->handshaking; i++) {
		ssize_t n = s->in.len || common.lent ? take_kept(s, freed) : take_common(s, freed);
		if (n < 0 && n != LL_ERR_AGAIN)
			return (int)n;
		if (*freed)
			return LL_OK;
		if (n < 0 || (!s->ssl && (size_t)n < READ_CHUNK))
			break; /* that was all there is */
	}
	/* Decrypted bytes inside OpenSSL do not make the socket readable. */
	if (s->ssl && !s->handshaking && !s->paused && SSL_pending(s->ssl) > 0)
		stream_resume(s);
	return LL_OK;
}

static int
step(struct stream *s, unsigned events, bool *freed)
{
	int r = LL_OK;

	if (s->handshaking) {
		r = handshake(s);
		if (*freed || r)
			return r == LL_ERR_AGAIN ? LL_OK : r;
	}
	if ((events & LOOP_HANGUP) && s->paused)
		mute(s);
	flush(s);
	if (events & (LOOP_READ | LOOP_HANGUP) || s->want_write)
		r = take_input(s, freed);
	if (*freed || r)
		return r;
	if (s->finishing && stream_queued(s) == 0)
		return LL_ERR_CLOSED;
	if ((s->high && stream_queued(s) < STREAM_LOW) || (s->waits && !stream_queued(s))) {
		s->high = false;
		s->waits = stream_queued(s) > 0;
		if (s->ops->drained)
			s->ops->drained(s->ctx);
	}
	return LL_OK;
}

/* On the way out of a stream's callbacks: whether it is gone, which outer callers must know too.
 * (Inlined, gcc takes a stream that is gone for one that keeps the address of a local variable.) */
static bool __attribute__((noinline)) left(struct stream *s, bool freed, bool *outer)
{
	if (!freed)
		s->freed = outer;
	else if (outer)
		*outer = true;
	return freed;
}

/* Nothing more is heard of the socket; the owner is told once and frees the stream. */
static void
die(struct stream *s, int r)
{
	s->dead = true;
	loop_unwatch(s->loop, &s->watch);
	loop_timer_stop(s->loop, &s->again);
	if (s->ssl && s->finishing && !s->handshaking)
		(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
	s->ops->closed(s->ctx,
		s->finishing || r == LL_ERR_CLOSED ? (s->tls_error[0] ? LL_ERR_CRYPTO : 0) : r);
}

static void
on_io(void *ctx, unsigned events)
{
	struct stream *s = ctx;
	bool freed = false, *outer = s->freed;
	int r;

	if (s->dead)
		return;
	s->freed = &freed;
	r = step(s, events, &freed);
	if (left(s, freed, outer))
		return;
	if (r == LL_OK && ((events & LOOP_HANGUP) || s->deaf) && !s->handshaking) {
		if (s->finishing || (s->deaf && !s->paused)) {
			r = LL_ERR_CLOSED; /* nobody is left to read what is queued */
		} else if (s->paused) {
			loop_unwatch(s->loop, &s->watch);
			s->hung = true;
			return;
		}
	}
	if (r == LL_OK)
		update(s);
	else
		die(s, r);
}

void
stream_pause(struct stream *s)
{
	s->paused = true;
	update(s);
}

static void
on_again(void *ctx)
{
	struct stream *s = ctx;
	bool freed = false, *outer = s->freed;

	s->freed = &freed;
	offer(s, &freed);
	if (left(s, freed, outer))
		return;
	if (!s->paused)
		on_io(s, LOOP_READ);
}

/* A stream that hung up while paused comes back into the loop. */
static void
listen_again(struct stream *s)
{
	if (s->hung && loop_watch(s->loop, &s->watch, s->fd, LOOP_READ, on_io, s))
		s->dead = true;
	s->hung = false;
	update(s);
}

void
stream_resume(struct stream *s)
{
	s->paused = false;
	if (s->dead)
		return;
	listen_again(s);
	if ((s->in.len || (s->ssl && SSL_pending(s->ssl) > 0)) && !s->again.slot &&
		loop_timer_set(s->loop, &s->again, 0, on_again, s))
		s->dead = true;
}

void
stream_finish(struct stream *s)
{
	s->finishing = true;
	s->want_write = true; /* one more round, even when the queue is empty */
	listen_again(s);
}
