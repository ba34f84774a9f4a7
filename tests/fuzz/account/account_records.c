/* The decoders of the engine's records, by the first byte: whatever they accept is encoded again to
 * something that decodes to the same. They see authenticated bytes only, but `delivered` comes from
 * another process. */
#include "account/delivered.h"
#include "account/engine.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
again_head(struct slice in, struct buf *out)
{
	struct head h;

	return head_decode(in, &h) || head_encode(&h, out);
}

static int
again_box(struct slice in, struct buf *out)
{
	struct box_state s;
	int err = box_decode(in, &s);

	if (err)
		return err;
	err = box_encode(&s, out);
	free(s.keywords);
	return err;
}

static int
again_entry(struct slice in, struct buf *out)
{
	struct entry e;

	return entry_decode(in, &e) || entry_encode(&e, out);
}

static int
again_delivered(struct slice in, struct buf *out)
{
	struct delivered d;

	return delivered_decode(in, &d) || delivered_encode(&d, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const again[])(struct slice, struct buf *) = {
		again_head, again_box, again_entry, again_delivered};
	CLEANUP(buf_done) struct buf once = BUF_INIT((size_t)16 << 20);
	CLEANUP(buf_done) struct buf twice = BUF_INIT((size_t)16 << 20);

	if (!size || again[data[0] & 3](slice_new(data + 1, size - 1), &once))
		return 0;
	if (again[data[0] & 3](buf_slice(&once), &twice) ||
		!slice_eq(buf_slice(&once), buf_slice(&twice)))
		abort();
	return 0;
}
