/* SOCK_SEQPACKET: the kernel keeps message borders, so that a descriptor belongs to exactly one
 * message. */
#include "ipc/channel.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "ipc/pairs.h"
#include "os/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IPC_BACKLOG_MAX ((size_t)64 << 20)
#define IPC_READS_PER_ROUND 32

struct packet {
	struct packet *next;
	int fd;
	size_t len;
	uint8_t bytes[];
};

struct ipc_channel {
	struct loop *loop;
	struct loop_watch watch;
	int fd;
	struct ipc_options o;
	struct packet *head, **tail;
	size_t backlog;
	bool *freed; /* set when the channel is freed inside one of its own callbacks */
	bool broken; /* an answer did not come in time: what comes now is no answer to anything */
};

/* One receiving buffer for all channels of the process: a packet is handled before the next is
 * read, but a handler may pump another channel, so each nesting level takes its own. */
#define RX_DEPTH 4
static uint8_t *rx[RX_DEPTH];
static unsigned rx_depth;
static struct buf tx = {.max = IPC_PACKET_MAX, .secret = true}; /* keys and passwords go this way */

static void on_io(void *ctx, unsigned events);

int
ipc_socketpair(int ret_fds[2])
{
	static const int size = 212992;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return LL_ERR_IO;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return LL_OK;
}

struct ipc_channel *
ipc_new(struct loop *loop, int fd, const struct ipc_options *o)
{
	struct ipc_channel *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	*c = (struct ipc_channel){.loop = loop, .watch = LOOP_WATCH_NONE, .fd = fd, .o = *o};
	c->tail = &c->head;
	if (loop && loop_watch(loop, &c->watch, fd, LOOP_READ, on_io, c)) {
		ipc_free(c);
		return NULL;
	}
	return c;
}

static void
packet_free(struct packet *p)
{
	fd_close(&p->fd);
	secret_wipe(p->bytes, p->len);
	free(p);
}

void
ipc_free(struct ipc_channel *c)
{
	if (!c)
		return;
	if (c->loop)
		loop_unwatch(c->loop, &c->watch);
	for (struct packet *p = c->head, *next; p; p = next) {
		next = p->next;
		packet_free(p);
	}
	if (c->freed)
		*c->freed = true;
	close(c->fd);
	free(c);
}

int
ipc_fd(const struct ipc_channel *c)
{
	return c->fd;
}

void *
ipc_ctx(const struct ipc_channel *c)
{
	return c->o.ctx;
}

void
ipc_set_ctx(struct ipc_channel *c, void *ctx)
{
	c->o.ctx = ctx;
}

size_t
ipc_backlog(const struct ipc_channel *c)
{
	return c->backlog;
}

/* Sends one packet: 0, LL_ERR_AGAIN, or LL_ERR_CLOSED. */
static int
send_packet(int sock, struct slice bytes, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *h;
		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		h = CMSG_FIRSTHDR(&mh);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	for (;;) {
		if (sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return LL_OK;
		if (errno != EINTR)
			return errno == EAGAIN || errno == ENOBUFS ? LL_ERR_AGAIN : LL_ERR_CLOSED;
	}
}

static int
enqueue(struct ipc_channel *c, struct slice bytes, int fd)
{
	struct packet *p;

	if (c->backlog + bytes.len > IPC_BACKLOG_MAX)
		return LL_ERR_LIMIT;
	p = malloc(sizeof(*p) + bytes.len);
	if (!p)
		return LL_ERR_NOMEM;
	*p = (struct packet){.fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1, .len = bytes.len};
	if (fd >= 0 && p->fd < 0) {
		free(p);
		return LL_ERR_LIMIT;
	}
	memcpy(p->bytes, bytes.ptr, bytes.len);
	*c->tail = p;
	c->tail = &p->next;
	c->backlog += bytes.len;
	if (c->loop)
		loop_want(c->loop, &c->watch, LOOP_READ | LOOP_WRITE);
	return LL_OK;
}

static int
transmit(struct ipc_channel *c, int fd)
{
	int r = c->broken ? LL_ERR_CLOSED
		: c->head ? LL_ERR_AGAIN
			  : send_packet(c->fd, buf_slice(&tx), fd);

	if (r == LL_ERR_AGAIN)
		r = enqueue(c, buf_slice(&tx), fd);
	buf_reset(&tx);
	return r;
}

#define SENDER(NAME, name, carries)                                                                \
	int ipc_send_##name(struct ipc_channel *c, const struct msg_##name *m, int fd)             \
	{                                                                                          \
		int r;                                                                             \
		buf_reset(&tx);                                                                    \
		assert(carries == 2 || (fd >= 0) == (carries == 1));                               \
		r = msg_##name##_encode(&tx, m);                                                   \
		return r ? r : transmit(c, fd);                                                    \
	}
MSG_LIST(SENDER)

static int
flush(struct ipc_channel *c)
{
	while (c->head) {
		struct packet *p = c->head;
		int r = send_packet(c->fd, slice_new(p->bytes, p->len), p->fd);
		if (r)
			return r;
		c->backlog -= p->len;
		c->head = p->next;
		if (!c->head)
			c->tail = &c->head;
		packet_free(p);
	}
	if (c->loop)
		loop_want(c->loop, &c->watch, LOOP_READ);
	return LL_OK;
}

static int
received_fd(struct msghdr *mh)
{
	int fd = -1;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(mh); h; h = CMSG_NXTHDR(mh, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	return fd;
}

/* Receives one packet into the buffer: its length, LL_ERR_AGAIN, LL_ERR_CLOSED or LL_ERR_SYNTAX. */
static ssize_t
receive(struct ipc_channel *c, uint8_t *space, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {space, IPC_PACKET_MAX};
	/* Room for one descriptor and no padding: the kernel would put a second one there, which
	 * nobody would close. */
	struct msghdr mh = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t n;

	if (c->broken)
		return LL_ERR_CLOSED;
	do
		n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return LL_ERR_AGAIN;
	if (n < 0)
		return LL_ERR_CLOSED;
	*ret_fd = received_fd(&mh);
	if (n > 0 && !(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n;
	fd_close(ret_fd);
	return n == 0 ? LL_ERR_CLOSED : LL_ERR_SYNTAX;
}

static int
dispatch(struct ipc_channel *c, struct slice packet, int fd)
{
	struct msg m;
	int r = msg_decode(packet, fd >= 0, &m);

	if (r == LL_OK && !ipc_permitted(m.kind, c->o.peer, c->o.self))
		r = LL_ERR_DENIED;
	if (r == LL_OK) {
		c->o.handler(c->o.ctx, c, &m, fd);
		return LL_OK;
	}
	log_error("peer-dropped", "peer=%s kind=%u error=%s", role_name(c->o.peer),
		packet.len >= 2 ? be16_get(packet.ptr) : 0u, ll_strerror(r));
	fd_close(&fd);
	return r;
}

/* Receives and handles one message: 1, or an error; *freed is set when the handler freed the
 * channel. */
static int
receive_one(struct ipc_channel *c, bool *freed)
{
	bool *outer = c->freed;
	uint8_t *space;
	int fd = -1, r;
	ssize_t n;

	assert(rx_depth < RX_DEPTH);
	if (!rx[rx_depth] && !(rx[rx_depth] = malloc(IPC_PACKET_MAX)))
		return LL_ERR_NOMEM;
	space = rx[rx_depth];
	n = receive(c, space, &fd);
	if (n < 0)
		return (int)n;
	rx_depth++;
	c->freed = freed;
	r = dispatch(c, slice_new(space, (size_t)n), fd);
	if (!*freed)
		c->freed = outer;
	else if (outer)
		*outer = true; /* a handler further up the stack uses it too */
	secret_wipe(space, (size_t)n);
	rx_depth--;
	return r ? r : 1;
}

static void
on_io(void *ctx, unsigned events)
{
	struct ipc_channel *c = ctx;
	bool freed = false;
	int r = LL_OK;

	if ((events & LOOP_WRITE) && (r = flush(c)) == LL_ERR_AGAIN)
		r = LL_OK;
	for (int i = 0; i < IPC_READS_PER_ROUND && (r == LL_OK || r == 1); i++) {
		r = receive_one(c, &freed);
		if (freed)
			return;
	}
	if (r < 0 && r != LL_ERR_AGAIN)
		c->o.gone(c->o.ctx, c, r);
}

/* LL_OK, LL_ERR_IO, or LL_ERR_AGAIN when the deadline has passed. */
static int
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline == IPC_NO_DEADLINE ? -1 : MAX(deadline - clock_ms(), 0);
		int n = poll(&p, 1, (int)MIN(left, (int64_t)INT_MAX));
		if (n == 0 && left == 0)
			return LL_ERR_AGAIN;
		if (n > 0)
			return LL_OK;
		if (n < 0 && errno != EINTR)
			return LL_ERR_IO;
	}
}

/* The peer reads the end of the channel, and so does the loop here. */
static int
give_up_on(struct ipc_channel *c)
{
	log_error("peer-silent", "peer=%s", role_name(c->o.peer));
	c->broken = true;
	(void)shutdown(c->fd, SHUT_RDWR);
	return LL_ERR_AGAIN;
}

int
ipc_pump(struct ipc_channel *c, int64_t deadline)
{
	bool freed = false;
	int r;

	while ((r = flush(c)) == LL_ERR_AGAIN)
		if ((r = wait_for(c->fd, POLLOUT, deadline)))
			return r == LL_ERR_AGAIN ? give_up_on(c) : r;
	if (r)
		return r;
	/* Who pumps has just asked: the answer is seldom there yet. */
	do
		if ((r = wait_for(c->fd, POLLIN, deadline)))
			return r == LL_ERR_AGAIN ? give_up_on(c) : r;
	while ((r = receive_one(c, &freed)) == LL_ERR_AGAIN);
	/* A peer that misbehaves is dropped at once; the loop, which has not seen it, then reads
	 * the channel's end. */
	if (r < 0 && !freed)
		(void)shutdown(c->fd, SHUT_RDWR);
	return r == 1 ? LL_OK : r;
}

int
ipc_take(struct ipc_channel *c)
{
	bool freed = false;
	int r;

	do
		r = receive_one(c, &freed);
	while (r == 1 && !freed);
	if (r < 0 && r != LL_ERR_AGAIN && !freed)
		(void)shutdown(c->fd, SHUT_RDWR);
	return r == 1 || r == LL_ERR_AGAIN ? LL_OK : r;
}
