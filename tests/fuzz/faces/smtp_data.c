/* Any text that is stuffed by our sender ends, for our receiver, exactly where it was ended; text
 * without faults comes back as it was; and the scanner finds the same however its input is cut. */
#include "faces/smtp_data.h"
#include "../cut.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
stuff(struct slice in, size_t room, struct buf *wire)
{
	struct smtp_stuffing st = {.begun = false};

	while (in.len) {
		size_t before = wire->len;
		if (smtp_data_stuff(&st, &in, wire, room) || wire->len - before > room)
			abort();
	}
	if (smtp_data_stuff_end(&st, wire))
		abort();
}

/* Feeds octets in pieces, keeping what the scanner leaves. Returns the octets used. */
static size_t
scan(struct slice wire, bool whole, struct smtp_data *d, struct buf *text)
{
	uint32_t hash = fuzz_hash(wire);
	struct slice piece, rest = SLICE_NONE;
	size_t fed = 0, n;

	for (;;) {
		enum smtp_data_result r = smtp_data_next(d, &rest, &piece);
		if (r == SMTP_DATA_END)
			return fed - rest.len;
		if (r == SMTP_DATA_PIECE) {
			buf_put(text, piece);
			continue;
		}
		if (rest.len > 2)
			abort();
		if (fed == wire.len)
			return SIZE_MAX;
		/* The next octets lie behind those that were left. */
		n = MIN(whole ? wire.len : fuzz_piece(hash, fed, wire.len), wire.len - fed);
		rest = slice_sub(wire, fed - rest.len, rest.len + n);
		fed += n;
	}
}

static void
check_raw(struct slice in)
{
	CLEANUP(buf_done) struct buf a = BUF_INIT(1 << 22), b = BUF_INIT(1 << 22);
	struct smtp_data da = {.size = 0}, db = {.size = 0};
	size_t end = scan(in, true, &da, &a);

	if (scan(in, false, &db, &b) != end)
		abort();
	if (!slice_eq(buf_slice(&a), buf_slice(&b)) || da.faults != db.faults ||
		da.size != db.size || da.eight_bit != db.eight_bit || a.len != da.size)
		abort();
}

static unsigned
check_faults(struct slice in, bool whole)
{
	struct smtp_data d = {.size = 0};
	uint32_t hash = fuzz_hash(in);

	for (size_t at = 0, n; at < in.len; at += n) {
		n = whole ? in.len : fuzz_piece(hash, at, in.len);
		smtp_data_check(&d, slice_sub(in, at, n));
	}
	smtp_data_check_end(&d);
	return d.faults;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(1 << 22), text = BUF_INIT(1 << 22);
	struct slice in = slice_new(data, size);
	struct smtp_data d = {.size = 0};
	unsigned faults = check_faults(in, true);

	check_raw(in);
	if (faults != check_faults(in, false))
		abort();
	stuff(in, size ? 2u + data[0] : 2u, &wire);
	if (scan(buf_slice(&wire), false, &d, &text) != wire.len)
		abort();
	if (faults & SMTP_DATA_BARE)
		return 0;
	if (size && !slice_ends(in, S("\r\n"))) /* the line end that DATA must add */
		buf_truncate(&text, text.len - 2);
	if (!slice_eq(buf_slice(&text), in) || d.faults != faults)
		abort();
	return 0;
}
