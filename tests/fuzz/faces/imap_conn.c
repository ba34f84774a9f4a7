/* A whole connection of a signed-in client over a real account, made once with two messages in it
 * and put back to that state for each input. For one input in four the connection is made twice and
 * gets the input in pieces the second time: it must answer the same, byte for byte. */
#include "../cut.h"
#include "account/mailbox.h"
#include "base/error.h"
#include "faces/imap.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_INPUT ((size_t)8192)
#define PRELUDE                                                                                    \
	"p1 APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {57+}\r\n"                        \
	"From: a@example.org\r\nSubject: one\r\n\r\nThe first message.\r\n"                        \
	" {158+}\r\nFrom: b@example.org\r\nSubject: two\r\nMIME-Version: 1.0\r\n"                  \
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
feed(struct imap_conn *c, struct slice in, bool whole, struct buf *log)
{
	uint32_t hash = fuzz_hash(in);
	size_t at = 0, n;

	for (;;) {
		enum imap_conn_wants wants = imap_conn_run(c);

		put_output(c, log);
		if (wants == IMAP_CONN_CLOSE)
			break;
		if (wants == IMAP_CONN_DRAIN)
			continue;
		if (at >= in.len)
			break;
		n = whole ? in.len : fuzz_piece(hash, at, in.len);
		if (!imap_conn_wants_input(c) || imap_conn_input(c, slice_sub(in, at, n)) != LL_OK)
			abort();
		at = MIN(at + n, in.len);
	}
}

static struct imap_conn *
connect(void)
{
	static const struct imap_handover handover = {.tag = S("in")};
	struct imap_conn *c;

	world.imap.append_limit = 4096;
	c = imap_conn_new(&world.imap, &handover);
	if (!c)
		abort();
	return c;
}

static void
drive(struct slice in, bool whole, struct buf *log)
{
	struct imap_conn *c;

	if (world_rewind(&world) != LL_OK)
		abort();
	c = connect();
	feed(c, in, whole, log);
	imap_conn_free(c);
	if (buf_err(log))
		abort();
}

static void
stop(void)
{
	world_close(&world);
}

static void
start(void)
{
	CLEANUP(buf_done) struct buf log = BUF_INIT(1 << 20);
	struct imap_conn *c;

	if (world_open_memory(&world) != LL_OK || world_account(&world, 1 << 20) != LL_OK)
		abort();
	c = connect();
	feed(c, S(PRELUDE), true, &log);
	imap_conn_free(c);
	if (slice_find(buf_slice(&log), S("p1 OK")) == SLICE_NPOS || world_mark(&world) != LL_OK)
		abort();
	atexit(stop);
	started = 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf whole = BUF_INIT(64 << 20), split = BUF_INIT(64 << 20);
	struct slice in = slice_new(data, size);

	if (!started)
		start();
	if (size < 2 || size > MAX_INPUT)
		return 0;
	drive(in, true, &whole);
	if (!fuzz_twice(in))
		return 0;
	drive(in, false, &split);
	if (!slice_eq(buf_slice(&whole), buf_slice(&split)))
		abort();
	return 0;
}
