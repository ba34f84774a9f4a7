/* A whole connection of a signed-in client over a real account. Two accounts are made alike; one
 * gets the input at once, the other in small pieces: both must answer the same, byte for byte, and
 * end in the same state. */
#include "account/mailbox.h"
#include "base/error.h"
#include "faces/imap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_INPUT ((size_t)8192)
#define PRELUDE                                                                                    \
	"p1 APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {58+}\r\n"                        \
	"From: a@example.org\r\nSubject: one\r\n\r\nThe first message.\r\n"                        \
	" {149+}\r\nFrom: b@example.org\r\nSubject: two\r\nMIME-Version: 1.0\r\n"                  \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\n"             \
	"Content-Type: text/html\r\n\r\n<p>x\r\n--b--\r\n\r\n"

static struct world world;
static int started;

static void
put_output(struct imap_conn *c, struct buf *log)
{
	struct slice out = imap_conn_output(c);

	buf_put(log, out);
	imap_conn_sent(c, out.len);
}

static void
feed(struct imap_conn *c, struct slice in, size_t step, struct buf *log)
{
	size_t at = 0;

	for (;;) {
		enum imap_conn_wants wants = imap_conn_run(c);

		put_output(c, log);
		if (wants == IMAP_CONN_CLOSE)
			break;
		if (wants == IMAP_CONN_DRAIN)
			continue;
		if (at >= in.len)
			break;
		if (!imap_conn_wants_input(c) ||
			imap_conn_input(c, slice_sub(in, at, step)) != LL_OK)
			abort();
		at = MIN(at + step, in.len);
	}
}

/* Ids and UIDVALIDITY differ between accounts by design; the clock stands still. */
static void
hide_ids(struct buf *log)
{
	struct slice rest = buf_slice(log);

	for (;;) {
		size_t at = slice_find(rest, S("MAILBOXID (F"));
		if (at == SLICE_NPOS || rest.len < at + 12 + 32)
			return;
		memset(log->ptr + (rest.ptr - log->ptr) + at + 12, '?', 32);
		rest = slice_skip(rest, at + 44);
	}
}

static void
drive(struct slice in, size_t step, struct buf *log)
{
	static const struct imap_handover handover = {.tag = S("in")};
	struct imap_conn *c;

	world.clock = 1790000000;
	if (world_account(&world, 1 << 20) != LL_OK)
		abort();
	world.imap.append_limit = 4096;
	c = imap_conn_new(&world.imap, &handover);
	if (!c)
		abort();
	feed(c, S(PRELUDE), SIZE_MAX, log);
	buf_reset(log);
	feed(c, in, step, log);
	imap_conn_free(c);
	hide_ids(log);
}

static void
stop(void)
{
	world_close(&world);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(64 << 20), split = BUF_INIT(64 << 20);
	struct slice in = slice_new(data, size);

	if (!started) {
		if (world_open(&world) != LL_OK)
			abort();
		atexit(stop);
		started = 1;
	}
	if (size < 2 || size > MAX_INPUT)
		return 0;
	drive(in, size, &whole);
	drive(in, 1 + data[size - 1] % 7, &split);
	if (buf_err(&whole) || !slice_eq(buf_slice(&whole), buf_slice(&split)))
		abort();
	buf_done(&whole);
	buf_done(&split);
	return 0;
}
