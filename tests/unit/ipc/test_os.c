/* os: the loop's timers and watches, streams, configuration. */
#include "base/error.h"
#include "os/clock.h"
#include "os/config.h"
#include "os/loop.h"
#include "os/memfile.h"
#include "os/stream.h"
#include "t.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned order[64], n_order;

struct numbered {
	struct loop_timer timer;
	unsigned number;
};

static void
note(void *ctx)
{
	order[n_order++] = ((struct numbered *)ctx)->number;
}

static void
timers(void)
{
	struct loop *l = loop_new();
	struct numbered t[40] = {0};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		t[i].number = (i * 17) % 40;
		CHECK_INT(loop_timer_set(l, &t[i].timer, t[i].number * 2, note, &t[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		if (t[i].number % 3 == 0)
			loop_timer_stop(l, &t[i].timer);
	CHECK_INT(loop_run(l), 0);
	CHECK_INT(n_order, 26);
	for (unsigned i = 1; i < n_order; i++)
		CHECK(order[i] > order[i - 1] && order[i] % 3);
	loop_free(l);
}

struct side {
	struct stream *stream;
	struct buf got;
	bool slow, closed;
};

static size_t
on_input(void *ctx, struct slice in)
{
	struct side *s = ctx;
	size_t n = s->slow ? MIN(in.len, (size_t)1000) : in.len;

	buf_put(&s->got, slice_new(in.ptr, n));
	return n;
}

static void
on_closed(void *ctx, int err)
{
	struct side *s = ctx;

	stream_free(TAKE(s->stream));
	s->closed = true;
}

static const struct stream_ops ops = {.input = on_input, .closed = on_closed};

static void
streams(void)
{
	for (int slow = 0; slow < 2; slow++) {
		struct loop *l = loop_new();
		struct side a = {.got = BUF_INIT(10 << 20)},
			    b = {.got = BUF_INIT(10 << 20), .slow = slow};
		CLEANUP(buf_done) struct buf data = BUF_INIT(8 << 20);
		int fds[2];
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		a.stream = stream_new(l, fds[0], &ops, &a);
		b.stream = stream_new(l, fds[1], &ops, &b);
		for (unsigned i = 0; i < 3000000; i++)
			buf_putc(&data, (uint8_t)(i * 7 >> 3));
		CHECK_INT(stream_send(a.stream, buf_slice(&data)), 0);
		stream_pause(b.stream);
		for (int i = 0; i < 5; i++)
			CHECK_INT(loop_round(l, 1), 0);
		CHECK_INT(b.got.len, 0);
		stream_resume(b.stream);
		stream_finish(a.stream);
		for (int i = 0; i < 20000 && !b.closed; i++)
			CHECK_INT(loop_round(l, 10), 0);
		CHECK(b.closed && a.closed);
		CHECK(slice_eq(buf_slice(&b.got), buf_slice(&data)));
		buf_done(&a.got);
		buf_done(&b.got);
		loop_free(l);
	}
}

static void
configuration(void)
{
	static const char good[] =
		"[server]\nhostname = mail.example\ndata=/d\nboot_secret=/b\ncontrol=/c\n"
		"[listen]\nsmtp = 127.0.0.1:25, "
		"[::1]:25\nimaps=127.0.0.1:993\n[limits]\nmessage_size = 1000\n";
	struct config c;
	char error[256];

	CHECK_INT(config_parse(slice_str(good), &c, error, sizeof(error)), 0);
	CHECK_SLICE(slice_str(c.web_host), S("mail.example"));
	CHECK_INT(c.n_listeners, 3);
	CHECK_INT(c.listeners[1].service, SERVICE_SMTP);
	CHECK_INT(c.listeners[1].addr.ss_family, AF_INET6);
	CHECK_INT(c.message_size, 1000);
	CHECK_INT(config_parse(S("[server]\nhostname = mail.example\nweb_host = web.example\n"
				 "data=/d\nboot_secret=/b\ncontrol=/c\n"),
			  &c, error, sizeof(error)),
		0);
	CHECK_SLICE(slice_str(c.web_host), S("web.example"));
	CHECK_INT(config_parse(S("[server]\nhostnam = x\n"), &c, error, sizeof(error)),
		LL_ERR_SYNTAX);
	CHECK_SLICE(slice_str(error), S("line 2: no such setting"));
	CHECK_INT(config_parse(S("[listen]\nsmtp = 127.0.0.1\n"), &c, error, sizeof(error)),
		LL_ERR_SYNTAX);
	CHECK_INT(config_parse(S("[server]\nhostname = x\n"), &c, error, sizeof(error)),
		LL_ERR_SYNTAX);
}

/* The far end sends, and hangs up while nobody reads here: the bytes wait, the end follows them. */
static void
hung_up_while_paused(void)
{
	struct loop *l = loop_new();
	struct side s = {.got = BUF_INIT(1 << 20)};
	CLEANUP(buf_done) struct buf data = BUF_INIT(1 << 20);
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	s.stream = stream_new(l, fds[0], &ops, &s);
	stream_pause(s.stream);
	CHECK_INT(stream_send(s.stream, S("never read")), 0);
	buf_put_fill(&data, 'x', 100000);
	CHECK_INT(write(fds[1], data.ptr, data.len), 100000);
	close(fds[1]);
	for (int i = 0; i < 5; i++)
		CHECK_INT(loop_round(l, 1), 0);
	CHECK(!s.closed && s.got.len == 0);
	CHECK_INT(stream_send(s.stream, S("more")), LL_ERR_CLOSED);
	stream_resume(s.stream);
	for (int i = 0; i < 20 && !s.closed; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK(s.closed);
	CHECK(slice_eq(buf_slice(&s.got), buf_slice(&data)));
	buf_done(&s.got);
	loop_free(l);
}

/* An owner that does not free its stream in closed() is not called again. */
static unsigned ends;

static void
on_end(void *ctx, int err)
{
	ends++;
}

static void
closed_once(void)
{
	static const struct stream_ops lazy = {.input = on_input, .closed = on_end};
	struct loop *l = loop_new();
	struct side s = {.got = BUF_INIT(1 << 10)};
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	s.stream = stream_new(l, fds[0], &lazy, &s);
	close(fds[1]);
	for (int i = 0; i < 5; i++)
		CHECK_INT(loop_round(l, 1), 0);
	CHECK_INT(ends, 1);
	stream_resume(s.stream);
	CHECK_INT(stream_send(s.stream, S("x")), LL_ERR_CLOSED);
	CHECK_INT(loop_round(l, 1), 0);
	CHECK_INT(ends, 1);
	stream_free(s.stream);
	loop_free(l);
}

static SSL_CTX *
server_context(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	CHECK(X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0);
	CHECK(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

static void
rounds_until(struct loop *l, const bool *done)
{
	for (int i = 0; i < 2000 && !*done; i++)
		CHECK_INT(loop_round(l, 10), 0);
	CHECK(*done);
}

/* A handshake, a megabyte through it to a slow reader, and an orderly end. */
static void
tls(void)
{
	SSL_CTX *sctx = server_context(), *cctx = SSL_CTX_new(TLS_client_method());
	struct loop *l = loop_new();
	struct side a = {.got = BUF_INIT(2 << 20)}, b = {.got = BUF_INIT(2 << 20), .slow = true};
	CLEANUP(buf_done) struct buf data = BUF_INIT(2 << 20);
	int fds[2];

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL, as every process knows */
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	a.stream = stream_new(l, fds[0], &ops, &a);
	b.stream = stream_new(l, fds[1], &ops, &b);
	CHECK_INT(stream_start_tls(a.stream, SSL_new(sctx), true), 0);
	CHECK_INT(stream_start_tls(b.stream, SSL_new(cctx), false), 0);
	for (unsigned i = 0; i < 1000000; i++)
		buf_putc(&data, (uint8_t)(i * 13 >> 4));
	CHECK_INT(stream_send(a.stream, buf_slice(&data)), 0); /* waits for the handshake */
	stream_finish(a.stream);
	rounds_until(l, &b.closed);
	CHECK(slice_eq(buf_slice(&b.got), buf_slice(&data)));
	rounds_until(l, &a.closed);
	buf_done(&a.got);
	buf_done(&b.got);
	SSL_CTX_free(sctx);
	SSL_CTX_free(cctx);
	loop_free(l);
}

/* What is no handshake, and one that breaks off after any number of bytes, ends the stream, and
 * leaves no error behind for the next one. */
static void
tls_that_fails(void)
{
	static const uint8_t hello[] = {22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3};
	SSL_CTX *ctx = server_context();

	for (size_t n = 0; n <= sizeof(hello) + 1; n++) {
		struct loop *l = loop_new();
		struct side s = {.got = BUF_INIT(1 << 10)};
		int fds[2];
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		s.stream = stream_new(l, fds[0], &ops, &s);
		CHECK_INT(stream_start_tls(s.stream, SSL_new(ctx), true), 0);
		if (n <= sizeof(hello))
			CHECK_INT(write(fds[1], hello, n), (ssize_t)n);
		else
			CHECK_INT(write(fds[1], "EHLO plain text\r\n", 17), 17);
		CHECK_INT(loop_round(l, 1), 0);
		close(fds[1]);
		rounds_until(l, &s.closed);
		CHECK_INT(s.got.len, 0);
		CHECK(ERR_peek_error() == 0);
		loop_free(l);
	}
	SSL_CTX_free(ctx);
}

/* Only what cannot change under its reader may be mapped. */
static void
memory_files(void)
{
	int pipe_fds[2], fd = memfile_new("test");

	CHECK_INT(pipe(pipe_fds), 0);
	CHECK_INT(memfile_check(pipe_fds[0], 0, true), LL_ERR_DENIED); /* has no seals at all */
	CHECK_INT(memfile_check(STDERR_FILENO, 0, true), LL_ERR_DENIED);
	CHECK_INT(memfile_write(fd, S("twelve bytes")), 0);
	CHECK_INT(memfile_check(fd, 12, false), LL_ERR_DENIED);
	CHECK_INT(memfile_seal(fd), 0);
	CHECK_INT(memfile_check(fd, 12, true), 0);
	CHECK_INT(memfile_check(fd, 13, true), LL_ERR_DENIED);
	CHECK_INT(memfile_write(fd, S("x")), LL_ERR_NOMEM);
	close(fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* A socket of this machine that listens, or one that is bound and does not. */
static int
bound(int family, bool listens, uint16_t *ret_port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *a = family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t len = family == AF_INET ? sizeof(in) : sizeof(in6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, a, len) || (listens && listen(fd, 1)) || getsockname(fd, a, &len)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*ret_port = ntohs(family == AF_INET ? in.sin_port : in6.sin6_port);
	return fd;
}

static int
dialled(struct slice ip, uint16_t port)
{
	struct pollfd p = {.fd = stream_dial(ip, port), .events = POLLOUT};
	int err;

	if (p.fd < 0)
		return errno;
	CHECK_INT(poll(&p, 1, 5000), 1);
	err = stream_dial_error(p.fd);
	close(p.fd);
	return err;
}

static void
dials(void)
{
	static const uint8_t v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
	uint16_t port = 0;
	int fd = bound(AF_INET, true, &port);

	CHECK(fd >= 0);
	CHECK_INT(dialled(SLICE_OF(v4), port), 0);
	close(fd);
	fd = bound(AF_INET, false, &port);
	CHECK_INT(dialled(SLICE_OF(v4), port), ECONNREFUSED);
	close(fd);
	fd = bound(AF_INET6, true, &port);
	if (fd < 0)
		return; /* a machine without IPv6 */
	CHECK_INT(dialled(SLICE_OF(v6), port), 0);
	close(fd);
}

T_MAIN(T(timers), T(streams), T(hung_up_while_paused), T(closed_once), T(tls), T(tls_that_fails),
	T(memory_files), T(dials), T(configuration))
