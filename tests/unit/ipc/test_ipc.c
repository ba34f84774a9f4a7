/* ipc: the codec, descriptors, rights, and a peer that misbehaves. */
#include "base/error.h"
#include "ipc/channel.h"
#include "ipc/pairs.h"
#include "os/clock.h"
#include "t.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
	unsigned messages;
	enum msg_kind kind;
	uint64_t id;
	char text[64];
	int fd, gone;
};

static void
on_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct seen *s = ctx;

	s->messages++;
	s->kind = m->kind;
	s->fd = fd;
	if (m->kind == MSG_KIND_RCPT_QUERY) {
		s->id = m->rcpt_query.id;
		snprintf(s->text, sizeof(s->text), "%.*s", SLICE_ARG(m->rcpt_query.address));
	}
}

static void
on_gone(void *ctx, struct ipc_channel *c, int err)
{
	struct seen *s = ctx;

	s->gone = err;
	ipc_free(c);
}

static void
codec(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(IPC_PACKET_MAX);
	struct msg m;

	CHECK_INT(
		msg_rcpt_query_encode(&b, &(struct msg_rcpt_query){.id = 5, .address = S("a@b.c")}),
		0);
	CHECK_INT(msg_decode(buf_slice(&b), false, &m), 0);
	CHECK_INT(m.kind, MSG_KIND_RCPT_QUERY);
	CHECK_INT(m.rcpt_query.id, 5);
	CHECK_SLICE(m.rcpt_query.address, S("a@b.c"));
	CHECK_INT(msg_decode(buf_slice(&b), true, &m), LL_ERR_SYNTAX);
	for (size_t n = 0; n < b.len; n++)
		CHECK_INT(msg_decode(slice_new(b.ptr, n), false, &m), LL_ERR_SYNTAX);
	buf_putc(&b, 0);
	CHECK_INT(msg_decode(buf_slice(&b), false, &m), LL_ERR_SYNTAX);
	buf_reset(&b);
	buf_put_fill(&b, 'x', IPC_ADDRESS_MAX + 1);
	{
		CLEANUP(buf_done) struct buf out = BUF_INIT(IPC_PACKET_MAX);
		CHECK_INT(msg_rcpt_query_encode(
				  &out, &(struct msg_rcpt_query){.address = buf_slice(&b)}),
			LL_ERR_LIMIT);
	}
}

static void
every_kind_has_rights(void)
{
	for (unsigned k = 0; k < MSG_KINDS; k++) {
		unsigned senders = 0;
		for (unsigned f = 0; f <= ROLES; f++)
			for (unsigned t = 0; t < ROLES + 1; t++)
				senders +=
					ipc_permitted((enum msg_kind)k, (enum role)f, (enum role)t);
		if (!senders)
			fprintf(stderr, "%s has no sender\n", msg_name((enum msg_kind)k));
		CHECK(senders > 0);
	}
	CHECK(!ipc_permitted(MSG_KIND_ST_OPEN, ROLE_SESSION, ROLE_STORE));
	CHECK(!ipc_permitted(MSG_KIND_ST_GET, ROLE_FRONTEND, ROLE_STORE));
	CHECK(!ipc_permitted(MSG_KIND_SIGN, ROLE_SESSION, ROLE_TLSKEY));
}

static void
messages_and_descriptors(void)
{
	struct seen a = {.fd = -1}, b = {.fd = -1};
	struct loop *l = loop_new();
	int fds[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ipc_channel *ca;

	CHECK_INT(ipc_socketpair(fds), 0);
	ca = ipc_new(l, fds[0],
		&(struct ipc_options){ROLE_FRONTEND, ROLE_AUTH, on_message, on_gone, &a});
	CHECK(ipc_new(l, fds[1],
		      &(struct ipc_options){ROLE_AUTH, ROLE_FRONTEND, on_message, on_gone, &b}) !=
		NULL);
	for (unsigned i = 0; i < 5000; i++) /* far more than a socket buffer holds */
		CHECK_INT(ipc_send_rcpt_query(
				  ca, &(struct msg_rcpt_query){.id = i, .address = S("x@y")}, -1),
			0);
	CHECK_INT(ipc_send_attach(ca, &(struct msg_attach){.tag = S("a1")}, file), 0);
	for (int i = 0; i < 2000 && b.messages < 5001; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK_INT(b.messages, 5001);
	CHECK_INT(b.id, 4999);
	CHECK_INT(b.kind, MSG_KIND_ATTACH);
	CHECK(b.fd >= 0);
	fd_close(&b.fd);
	/* A message that this sender may not send drops the sender, and nothing else happens. */
	CHECK_INT(ipc_send_st_drop(ca, &(struct msg_st_drop){.id = 1}, -1), 0);
	for (int i = 0; i < 10 && !b.gone; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK_INT(b.gone, LL_ERR_DENIED);
	CHECK_INT(b.messages, 5001);
	for (int i = 0; i < 10 && !a.gone; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK_INT(a.gone, LL_ERR_CLOSED);
	close(file);
	loop_free(l);
}

static void
garbage(void)
{
	struct seen b = {.fd = -1};
	struct loop *l = loop_new();
	int fds[2];

	CHECK_INT(ipc_socketpair(fds), 0);
	CHECK(ipc_new(l, fds[1],
		      &(struct ipc_options){ROLE_AUTH, ROLE_FRONTEND, on_message, on_gone, &b}) !=
		NULL);
	CHECK(send(fds[0], "\xff\xff garbage", 10, 0) == 10);
	CHECK_INT(loop_round(l, 100), 0);
	CHECK_INT(b.gone, LL_ERR_SYNTAX);
	close(fds[0]);
	loop_free(l);
}

static unsigned
open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* A packet with two descriptors, where the space for one has padding that would hold the other. */
static void
two_descriptors(void)
{
	static const uint8_t packet[] = {MSG_KIND_ATTACH >> 8, MSG_KIND_ATTACH & 0xff};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)packet, sizeof(packet)};
	struct msghdr mh = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&mh);
	struct seen b = {.fd = -1};
	struct loop *l = loop_new();
	int fds[2], two[2] = {STDIN_FILENO, STDOUT_FILENO};
	unsigned before;

	CHECK_INT(ipc_socketpair(fds), 0);
	CHECK(ipc_new(l, fds[1],
		      &(struct ipc_options){ROLE_AUTH, ROLE_FRONTEND, on_message, on_gone, &b}) !=
		NULL);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(two));
	memcpy(CMSG_DATA(h), two, sizeof(two));
	before = open_files();
	CHECK_INT(sendmsg(fds[0], &mh, 0), sizeof(packet));
	CHECK_INT(loop_round(l, 100), 0);
	CHECK_INT(b.gone, LL_ERR_SYNTAX);
	CHECK_INT(b.messages, 0);
	CHECK_INT(open_files(), before - 1); /* the channel's own */
	close(fds[0]);
	loop_free(l);
}

/* A descriptor whose message has to wait may be closed by its owner, and still arrives. */
static void
descriptor_in_the_queue(void)
{
	struct seen a = {.fd = -1}, b = {.fd = -1};
	struct loop *l = loop_new();
	struct ipc_channel *ca, *cb;
	CLEANUP(buf_done) struct buf large = BUF_INIT(IPC_PAYLOAD_MAX);
	struct msg_deliver m = {.id = 1};
	int fds[2], file;

	CHECK_INT(ipc_socketpair(fds), 0);
	ca = ipc_new(l, fds[0],
		&(struct ipc_options){ROLE_FRONTEND, ROLE_DELIVERY, on_message, on_gone, &a});
	cb = ipc_new(l, fds[1],
		&(struct ipc_options){ROLE_DELIVERY, ROLE_FRONTEND, on_message, on_gone, &b});
	buf_put_fill(&large, 'x', 100000);
	m.payload = buf_slice(&large);
	while (!ipc_backlog(ca))
		CHECK_INT(ipc_send_deliver(ca, &m, -1), 0);
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	m.payload = SLICE_NONE;
	CHECK_INT(ipc_send_deliver(ca, &m, file), 0);
	close(file);
	for (int i = 0; i < 100 && b.fd < 0; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK(b.fd >= 0 && fcntl(b.fd, F_GETFD) >= 0);
	close(b.fd);
	CHECK_INT(ipc_backlog(ca), 0);
	ipc_free(ca);
	ipc_free(cb);
	loop_free(l);
}

/* An answer that comes after its time is nobody's: the channel is over, at both ends. */
static void
late_answer(void)
{
	struct seen a = {.fd = -1}, b = {.fd = -1};
	struct loop *l = loop_new();
	struct ipc_channel *ca, *cb;
	struct msg_rcpt_reply reply = {.id = 1};
	int fds[2];
	int64_t began = clock_ms();

	CHECK_INT(ipc_socketpair(fds), 0);
	ca = ipc_new(l, fds[0],
		&(struct ipc_options){ROLE_FRONTEND, ROLE_AUTH, on_message, on_gone, &a});
	cb = ipc_new(NULL, fds[1],
		&(struct ipc_options){ROLE_AUTH, ROLE_FRONTEND, on_message, on_gone, &b});
	CHECK_INT(ipc_pump(ca, began + 50), LL_ERR_AGAIN);
	CHECK(clock_ms() - began >= 50);
	/* Broken: neither what was sent before the peer noticed, nor what is sent now, goes
	 * through. */
	(void)ipc_send_rcpt_reply(cb, &reply, -1);
	CHECK_INT(ipc_send_rcpt_query(ca, &(struct msg_rcpt_query){.id = 2}, -1), LL_ERR_CLOSED);
	CHECK_INT(ipc_pump(ca, IPC_NO_DEADLINE), LL_ERR_CLOSED);
	for (int i = 0; i < 10 && !a.gone; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK_INT(a.gone, LL_ERR_CLOSED);
	CHECK_INT(a.messages, 0);
	CHECK_INT(ipc_pump(cb, clock_ms() + 1000), LL_ERR_CLOSED);
	CHECK_INT(b.messages, 0);
	ipc_free(cb);
	loop_free(l);
}

/* What is there already is taken, however little time is left. */
static void
answer_in_time(void)
{
	struct seen a = {.fd = -1}, b = {.fd = -1};
	struct ipc_channel *ca, *cb;
	int fds[2];

	CHECK_INT(ipc_socketpair(fds), 0);
	ca = ipc_new(NULL, fds[0],
		&(struct ipc_options){ROLE_FRONTEND, ROLE_AUTH, on_message, on_gone, &a});
	cb = ipc_new(NULL, fds[1],
		&(struct ipc_options){ROLE_AUTH, ROLE_FRONTEND, on_message, on_gone, &b});
	CHECK_INT(ipc_send_rcpt_reply(cb, &(struct msg_rcpt_reply){.id = 7}, -1), 0);
	CHECK_INT(ipc_pump(ca, clock_ms()), 0);
	CHECK_INT(a.messages, 1);
	CHECK_INT(a.kind, MSG_KIND_RCPT_REPLY);
	ipc_free(ca);
	ipc_free(cb);
}

T_MAIN(T(codec), T(every_kind_has_rights), T(messages_and_descriptors), T(garbage),
	T(two_descriptors), T(descriptor_in_the_queue), T(late_answer), T(answer_in_time))
