/* An IMAP server that says anything: what comes of it is the same however its bytes are cut, the
 * password is never said in clear where STARTTLS was asked for, and no message is longer than the
 * limit. */
#include "../../unit/faces/imap_puller.h"
#include "../cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 64

static void
pull(struct slice in, bool starttls, bool whole, struct buf *log)
{
	uint32_t hash = fuzz_hash(in);
	struct puller p;
	size_t at = 0, n;

	puller_new(&p, starttls, BODY_MAX);
	for (; at < in.len && !p.closed; at += n) {
		n = whole ? in.len : fuzz_piece(hash, at, in.len);
		puller_feed(&p, slice_sub(in, at, n));
		if (imap_client_message(p.c)->body.len > BODY_MAX + 65536)
			abort();
	}
	imap_client_eof(p.c);
	puller_run(&p);
	if (!p.closed)
		abort();
	if (starttls && slice_find(buf_slice(&p.sent), S("LOGIN")) != SLICE_NPOS)
		abort();
	if (starttls && slice_find(buf_slice(&p.sent), S("AUTHENTICATE")) != SLICE_NPOS)
		abort();
	buf_put(log, buf_slice(&p.log));
	buf_put(log, buf_slice(&p.sent));
	puller_done(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT((size_t)32 << 20), cut = BUF_INIT((size_t)32 << 20);
	struct slice in;

	if (size < 1)
		return 0;
	in = slice_new(data + 1, size - 1);
	pull(in, data[0] & 1, true, &whole);
	pull(in, data[0] & 1, false, &cut);
	if (!slice_eq(buf_slice(&whole), buf_slice(&cut)))
		abort();
	buf_done(&whole);
	buf_done(&cut);
	return 0;
}
