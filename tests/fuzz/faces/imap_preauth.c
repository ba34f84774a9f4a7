/* IMAP before sign-in: whatever comes, the answer is the same however the bytes are split, and is
 * bounded by the input. */
#include "faces/imap_preauth.h"
#include "../cut.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(struct imap_preauth *p, struct slice d)
{
	switch (d.len % 5) {
	case 0:
		imap_preauth_reject(p, IMAP_AUTH_WRONG);
		break;
	case 1:
		imap_preauth_challenge(p, S("more"));
		break;
	case 2:
		imap_preauth_accept(p, S("final"));
		break;
	case 3:
		imap_preauth_reject(p, IMAP_AUTH_TEMPORARY);
		break;
	default:
		imap_preauth_accept(p, SLICE_NONE);
	}
}

static void
drive(struct slice in, bool whole, struct buf *log)
{
	struct imap_preauth_options o = {.tls = true, .channel_binding = true};
	struct imap_preauth *p = imap_preauth_new(&o);
	struct imap_auth_request r;
	struct imap_handover h;
	uint32_t hash = fuzz_hash(in);
	size_t at = 0, n;

	if (!p)
		abort();
	for (;;) {
		enum imap_preauth_event e = imap_preauth_next(p, &r);

		buf_put(log, buf_slice(imap_preauth_output(p)));
		buf_reset(imap_preauth_output(p));
		if (e == IMAP_PREAUTH_AUTH) {
			buf_put(log, r.data);
			judge(p, r.data);
		} else if (e == IMAP_PREAUTH_MORE && at < in.len && imap_preauth_wants_input(p)) {
			n = whole ? in.len : fuzz_piece(hash, at, in.len);
			if (imap_preauth_input(p, slice_sub(in, at, n)) != 0)
				abort();
			at = MIN(at + n, in.len);
		} else {
			break;
		}
	}
	imap_preauth_handover(p, &h);
	buf_put(log, h.tag);
	buf_put(log, h.client_id);
	imap_preauth_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_new(data, size);
	struct buf whole = BUF_INIT(1 << 20), split = BUF_INIT(1 << 20);

	if (size > 60000)
		return 0;
	drive(in, true, &whole);
	if (fuzz_twice(in)) {
		drive(in, false, &split);
		if (!slice_eq(buf_slice(&whole), buf_slice(&split)))
			abort();
	}
	if (buf_err(&whole) || whole.len > 4096 + 64 * size)
		abort();
	buf_done(&whole);
	buf_done(&split);
	return 0;
}
