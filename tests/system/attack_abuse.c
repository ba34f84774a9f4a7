/* What a frontend and a session could ask for over the channels they rightly have: other people's
 * mail to be sent, cancelled or attached to, and more of lookup than they need. */
#include "attack_abuse.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/macros.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "mail/dns_memo.h"
#include "roles/delivery_envelope.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 60000
#define FLOOD 3000
#define HELD "held-by-victim!!" /* 16 bytes: the id of the victim's held letter */

static uint8_t space[IPC_PACKET_MAX];

/* --- one question, and its answer --- */

static int
send_packet(int sock, struct slice packet, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)packet.ptr, packet.len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct pollfd p = {.fd = sock, .events = POLLOUT};

	if (fd >= 0) {
		struct cmsghdr *h = &control.align;
		mh.msg_control = control.bytes;
		mh.msg_controllen = sizeof(control.bytes);
		*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	while (sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN)
			return -errno;
		(void)poll(&p, 1, WAIT_MS);
	}
	return 0;
}

/* The next message of that kind; others are passed over. -EPIPE, -ETIMEDOUT. */
static int
await(int sock, enum msg_kind kind, struct msg *ret)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};

	while (poll(&p, 1, WAIT_MS) > 0) {
		ssize_t n = recv(sock, space, sizeof(space), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return -EPIPE;
		if (n > 0 && msg_decode(slice_new(space, (size_t)n), false, ret) == LL_OK &&
			ret->kind == kind)
			return 0;
	}
	return -ETIMEDOUT;
}

static int
ask(int sock, struct buf *packet, int fd, enum msg_kind kind, struct msg *ret)
{
	int r = send_packet(sock, buf_slice(packet), fd);

	buf_reset(packet);
	return r ? r : await(sock, kind, ret);
}

/* --- letters --- */

struct letter {
	const char *name;
	enum service service;
	const char *from, *to;
	const uint8_t *ticket;
	int64_t hold_until;
};

static long
deliver(int sock, const struct letter *l)
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX), both = BUF_INIT(65536);
	struct envelope_rcpt rcpt = {.address = slice_str(l->to)};
	struct delivery_envelope e = {.service = l->service,
		.tls = true,
		.eight_bit = true,
		.body = SMTP_BODY_8BITMIME,
		.from = slice_str(l->from),
		.hold_until = l->hold_until,
		.n_rcpts = 1,
		.rcpts = &rcpt};
	struct msg_deliver m = {.id = 4711};
	struct msg answer;
	int r;

	memcpy(e.ticket, l->ticket, sizeof(e.ticket));
	memcpy(e.hold_id, HELD, sizeof(e.hold_id));
	if (delivery_envelope_encode(&both, &e))
		return -EINVAL;
	m.envelope_len = both.len;
	buf_printf(&both,
		"From: <%s>\r\nTo: <%s>\r\nSubject: abuse\r\n"
		"Date: Sun, 22 Nov 2026 00:00:00 +0000\r\n"
		"Message-ID: <%s@abuse.example>\r\n\r\nabuse-%s\r\n",
		l->from[0] ? l->from : l->to, l->to, l->name, l->name);
	m.body_len = both.len - m.envelope_len;
	m.payload = buf_slice(&both);
	if (msg_deliver_encode(&packet, &m))
		return -EINVAL;
	r = ask(sock, &packet, -1, MSG_KIND_DELIVER_RESULT, &answer);
	return r ? r : answer.deliver_result.code == 250 ? 0 : -EPERM;
}

static long
cancel(int sock)
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	struct msg_held_cancel m = {.id = 4712};
	struct msg answer;
	int r;

	memcpy(m.hold, HELD, sizeof(m.hold));
	r = msg_held_cancel_encode(&packet, &m)
		? -EINVAL
		: ask(sock, &packet, -1, MSG_KIND_HELD_CANCELLED, &answer);
	return r ? r : answer.held_cancelled.err ? -EPERM : 0;
}

/* --- a session --- */

/* A field that says it is longer than it may be: the last one's length is raised. */
static long
vacation(int auth, bool oversize)
{
	static const uint8_t text[] = "x";
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	struct msg_session_vacation m = {.id = 4713,
		.on = 1,
		.start = oversize ? 0 : UINT64_MAX,
		.html = slice_new(text, 1)};
	struct msg answer;
	int r;

	if (msg_session_vacation_encode(&packet, &m))
		return -EINVAL;
	if (oversize) {
		buf_truncate(&packet, packet.len - 5);
		buf_put_be32(&packet, 40000);
		for (unsigned i = 0; i < 40000; i++)
			buf_putc(&packet, 'x');
	}
	r = ask(auth, &packet, -1, MSG_KIND_SESSION_VACATION_DONE, &answer);
	return r ? r : answer.session_vacation_done.err ? -EPERM : 0;
}

void
attack_abuse_session(const struct attack_session *s, int delivery, int auth, attack_report *report)
{
	static const uint8_t forged[16] = {1};
	int64_t later = time(NULL) + 3600;
	const struct letter letters[] = {
		{"own", SERVICE_SESSION, s->own, s->victim, s->ticket, 0},
		{"as-victim", SERVICE_SESSION, s->victim, s->victim, s->ticket, 0},
		{"null-sender", SERVICE_SESSION, "", s->victim, s->ticket, 0},
		{"forged-ticket", SERVICE_SESSION, s->victim, s->victim, forged, 0},
		{"submission", SERVICE_SUBMISSION, s->own, s->victim, s->ticket, 0},
		{"submission-forged", SERVICE_SUBMISSIONS, s->victim, s->victim, forged, 0},
		{"smtp", SERVICE_SMTP, s->victim, s->victim, s->ticket, 0},
		{"smtp-as-anybody", SERVICE_SMTP, "someone@example.net", s->victim, forged, 0},
		{"internal", SERVICE_INTERNAL, "", s->victim, forged, 0},
		{"released", SERVICE_RELEASED, s->victim, s->victim, forged, 0},
	};
	const struct letter held = {
		"held", SERVICE_SESSION, s->victim, "later@example.net", s->ticket, later};

	if (s->is_victim) {
		report("session", "victim-holds", deliver(delivery, &held));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		report("session", letters[i].name, deliver(delivery, &letters[i]));
	report("session", "cancel-victims", cancel(delivery));
	report("session", "vacation-times", vacation(auth, false));
	report("session", "vacation-oversize", vacation(auth, true));
}

/* --- a frontend --- */

static long
query(int sock, uint16_t type, const char *name)
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	struct msg_dns_query m = {.id = 1, .type = type, .name = slice_str(name)};
	struct msg answer;
	int r = msg_dns_query_encode(&packet, &m)
		? -EINVAL
		: ask(sock, &packet, -1, MSG_KIND_DNS_ANSWER, &answer);

	if (r)
		return r;
	return answer.dns_answer.status == DNS_SERVFAIL && answer.dns_answer.rdata.len == 0 ? -EPERM
											    : 0;
}

static long
fetch(int sock, unsigned kind, const char *url)
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	struct msg_https_get m = {.id = 2, .kind = (uint8_t)kind, .url = slice_str(url)};
	struct msg answer;
	int r = msg_https_get_encode(&packet, &m)
		? -EINVAL
		: ask(sock, &packet, -1, MSG_KIND_HTTPS_REPLY, &answer);

	return r ? r : answer.https_reply.status == 0 ? -EPERM : 0;
}

static void
abuse_lookup(int sock, attack_report *report)
{
	static const struct {
		const char *name;
		unsigned kind;
		const char *url;
	} urls[] = {
		{"policy", FETCH_POLICY, "https://mta-sts.example.net/.well-known/mta-sts.txt"},
		{"unknown-kind", 200, "https://example.net/"},
		{"picture-loopback", FETCH_PICTURE, "https://127.0.0.1/a.png"},
		{"picture-localhost", FETCH_PICTURE, "https://localhost/a.png"},
		{"picture-file", FETCH_PICTURE, "file:///etc/passwd"},
		{"key-by-http", FETCH_KEY, "http://example.net/"},
		{"key-from-private", FETCH_KEY, "https://10.0.0.1/"},
		{"key-from-another-port", FETCH_KEY, "https://example.net:25/"},
		{"picture-gopher", FETCH_PICTURE, "gopher://example.net/"},
		{"leave-at-private", FETCH_UNSUBSCRIBE, "https://192.168.0.1/leave"},
		{"leave-by-http", FETCH_UNSUBSCRIBE, "http://example.net/leave"},
		{"push-as-frontend", FETCH_PUSH, "https://example.net/push"},
	};
	static const struct {
		const char *name;
		uint16_t type;
	} types[] = {
		{"dns-a", 1}, {"dns-mx", 15}, {"dns-txt", 16}, {"dns-tlsa", 52}, {"dns-any", 255}};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		report("frontend", types[i].name, query(sock, types[i].type, "localhost"));
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		report("frontend", urls[i].name, fetch(sock, urls[i].kind, urls[i].url));
}

static void
abuse_delivery(int sock, const char *victim, attack_report *report)
{
	static const uint8_t forged[16] = {1};
	const struct letter letters[] = {
		{"smtp", SERVICE_SMTP, "someone@example.net", victim, forged, 0},
		{"session", SERVICE_SESSION, victim, victim, forged, 0},
		{"internal", SERVICE_INTERNAL, "", victim, forged, 0},
		{"released", SERVICE_RELEASED, victim, victim, forged, 0},
		{"submission-forged", SERVICE_SUBMISSION, victim, victim, forged, 0},
		{"smtp-held", SERVICE_SMTP, "someone@example.net", victim, forged,
			time(NULL) + 3600},
		{"submission-held", SERVICE_SUBMISSIONS, victim, victim, forged, time(NULL) + 3600},
	};

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		report("frontend", letters[i].name, deliver(sock, &letters[i]));
}

static long
attach(int sock, size_t token_len)
{
	static const uint8_t token[32] = {7};
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	struct msg_web_attach m = {.id = 3,
		.token = slice_new(token, token_len),
		.ticket = {9},
		.peer = slice_new(token, 16)};
	struct msg answer;
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -EIO;
	r = msg_web_attach_encode(&packet, &m)
		? -EINVAL
		: ask(sock, &packet, fds[1], MSG_KIND_WEB_ATTACHED, &answer);
	close(fds[0]);
	close(fds[1]);
	return r ? r : answer.web_attached.err ? -EPERM : 0;
}

static long
command(int sock, const char *name, size_t token_len)
{
	static const uint8_t token[32] = {7};
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	struct msg_web_command m = {.id = 5,
		.peer = slice_new(token, 16),
		.token = slice_new(token, token_len),
		.command = slice_str(name)};
	struct msg answer;
	int r = msg_web_command_encode(&packet, &m)
		? -EINVAL
		: ask(sock, &packet, -1, MSG_KIND_WEB_REPLY, &answer);

	return r ? r : answer.web_reply.err ? -EPERM : 0;
}

/* Without waiting for answers; they are thrown away. */
static long
flood(int sock, int (*encode)(struct buf *out, unsigned i))
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);

	for (unsigned i = 0; i < FLOOD; i++) {
		buf_reset(&packet);
		if (encode(&packet, i) || send_packet(sock, buf_slice(&packet), -1))
			return -EPIPE;
		while (recv(sock, space, sizeof(space), MSG_DONTWAIT) > 0)
			;
	}
	return 0;
}

static int
a_key(struct buf *out, unsigned i)
{
	return msg_pgp_query_encode(
		out, &(struct msg_pgp_query){.id = i, .address = S("nobody@letterlock.test")});
}

static int
a_command(struct buf *out, unsigned i)
{
	static const uint8_t peer[16] = {0x20, 0x01};

	return msg_web_command_encode(out,
		&(struct msg_web_command){
			.id = i, .peer = slice_new(peer, 16), .command = S("signup-domains")});
}

static void
abuse_auth(int sock, attack_report *report)
{
	static const char *const commands[] = {"account", "keys-read", "account-delete", "sessions",
		"totp-begin", "key-publish", "alerts", "nothing"};

	report("frontend", "attach-forged-token", attach(sock, 32));
	report("frontend", "attach-short-token", attach(sock, 5));
	report("frontend", "attach-forged-ticket", attach(sock, 0));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		report("frontend", commands[i], command(sock, commands[i], i % 2 ? 32 : 0));
	report("flood", "pgp-query", flood(sock, a_key));
	report("flood", "web-command", flood(sock, a_command));
}

void
attack_abuse_peer(enum role peer, int sock, const char *victim, attack_report *report)
{
	static unsigned done;

	if (done & (1u << peer))
		return;
	done |= 1u << peer;
	if (peer == ROLE_LOOKUP)
		abuse_lookup(sock, report);
	else if (peer == ROLE_DELIVERY)
		abuse_delivery(sock, victim, report);
	else if (peer == ROLE_AUTH)
		abuse_auth(sock, report);
}
