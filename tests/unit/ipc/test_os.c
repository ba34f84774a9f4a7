/* os: the loop's timers and watches, streams, configuration. */
#include "base/error.h"
#include "os/clock.h"
#include "os/config.h"
#include "os/loop.h"
#include "os/stream.h"
#include "t.h"

#include <netinet/in.h>
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
	CHECK_INT(c.n_listeners, 3);
	CHECK_INT(c.listeners[1].service, SERVICE_SMTP);
	CHECK_INT(c.listeners[1].addr.ss_family, AF_INET6);
	CHECK_INT(c.message_size, 1000);
	CHECK_INT(config_parse(S("[server]\nhostnam = x\n"), &c, error, sizeof(error)),
		LL_ERR_SYNTAX);
	CHECK_SLICE(slice_str(error), S("line 2: no such setting"));
	CHECK_INT(config_parse(S("[listen]\nsmtp = 127.0.0.1\n"), &c, error, sizeof(error)),
		LL_ERR_SYNTAX);
	CHECK_INT(config_parse(S("[server]\nhostname = x\n"), &c, error, sizeof(error)),
		LL_ERR_SYNTAX);
}

T_MAIN(T(timers), T(streams), T(configuration))
