/* A whole connection of a signed-in client over a real account, made once with two messages in it
 * and put back to that state for each input. For one input in four the connection is made twice and
 * gets the input in pieces the second time: it must answer the same, byte for byte. Where answers are
 * compressed, that is what they say: how often they are flushed depends on when the input came. */
#include "faces/imap_conn.h"
#include "../cut.h"
#include "account/mailbox.h"
#include "base/error.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_INPUT ((size_t)8192)
#define PRELUDE                                                                                    \
	"p1 APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {57+}\r\n"                        \
	"From: a@example.org\r\nSubject: one\r\n\r\nThe first message.\r\n"                        \
	" {158+}\r\nFrom: b@example.org\r\nSubject: two\r\nMIME-Version: 1.0\r\n"                  \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\n"             \
	"Content-Type: text/html\r\n\r\n<p>x\r\n--b--\r\n\r\n"

static struct world world;
static int started;

#define COMPRESSED S("OK Compressed from here on\r\n")

/* What the client gets to read. */
struct client {
	struct buf *log;
	z_stream inflater; /* raw, once answers are compressed */
	bool compressed;
};

/* The bytes up to where compression begins: its announcement is the last that goes out as it is. */
static size_t
plain_part(struct slice out)
{
	size_t at = 0, n;

	while ((n = slice_find(slice_skip(out, at), COMPRESSED)) != SLICE_NPOS)
		at += n + COMPRESSED.len;
	return at;
}

static void
put_inflated(struct client *cl, struct slice wire)
{
	uint8_t plain[4096];
	int r;

	/* zlib does not write through next_in; its type lacks the const. */
	memcpy(&cl->inflater.next_in, &wire.ptr, sizeof(wire.ptr));
	cl->inflater.avail_in = (uInt)wire.len;
	do {
		cl->inflater.next_out = plain;
		cl->inflater.avail_out = sizeof(plain);
		r = inflate(&cl->inflater, Z_SYNC_FLUSH);
		if (r != Z_OK && r != Z_BUF_ERROR)
			abort();
		buf_put(cl->log, slice_new(plain, sizeof(plain) - cl->inflater.avail_out));
	} while (cl->inflater.avail_out == 0);
	if (cl->inflater.avail_in)
		abort();
}

static void
put_output(struct imap_conn *c, struct client *cl)
{
	struct slice out = imap_conn_output(c);
	size_t plain = !c->deflate ? out.len : cl->compressed ? 0 : plain_part(out);

	buf_put(cl->log, slice_sub(out, 0, plain));
	if (c->deflate && !cl->compressed)
		cl->compressed = inflateInit2(&cl->inflater, -15) == Z_OK;
	if (c->deflate)
		put_inflated(cl, slice_skip(out, plain));
	imap_conn_sent(c, out.len);
}

static void
feed(struct imap_conn *c, struct slice in, bool whole, struct buf *log)
{
	struct client client = {.log = log};
	uint32_t hash = fuzz_hash(in);
	size_t at = 0, n;

	for (;;) {
		enum imap_conn_wants wants = imap_conn_run(c);

		put_output(c, &client);
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
	if (client.compressed)
		inflateEnd(&client.inflater);
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
	if (size < 2 || size > MOST_INPUT)
		return 0;
	drive(in, true, &whole);
	if (!fuzz_twice(in))
		return 0;
	drive(in, false, &split);
	if (!slice_eq(buf_slice(&whole), buf_slice(&split)))
		abort();
	return 0;
}
