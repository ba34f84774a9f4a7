/* Cobblestone. The first byte chooses: hostile sealed bytes, or a genuine message that is read in
 * parts and then damaged.
 *
 * Properties: what opens is what sealing gives for that plaintext and salt, byte for byte; parts
 * are the same bytes as the whole; nothing damaged opens. */
#include "keys/cobblestone.h"
#include "../must.h"
#include "base/buf.h"

#include <string.h>

#define OUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[COBBLESTONE_KEY_LEN] = "letterlock fuzzing key, 32 bytes";

static void
check_part(struct slice sealed, struct slice plain, uint64_t from, uint64_t len)
{
	struct cobblestone_reader *r = NULL;
	struct cobblestone_range range;
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)len);

	must(cobblestone_reader_new(key, S("fuzz"), sealed, sealed.len, &r) == 0);
	must(cobblestone_reader_len(r) == plain.len);
	must(cobblestone_reader_range(r, from, len, &range) == 0);
	must(range.offset + range.len <= sealed.len);
	must(cobblestone_reader_open(r, from, len,
		     slice_sub(sealed, (size_t)range.offset, (size_t)range.len), &out) == 0);
	must(slice_eq(buf_slice(&out), slice_sub(plain, (size_t)from, (size_t)len)));
	cobblestone_reader_free(r);
}

static void
hostile(struct slice in)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX), again = BUF_INIT(2 * OUT_MAX);
	struct cobblestone_reader *r = NULL;
	uint64_t plain_len;

	if (cobblestone_open(key, S("fuzz"), in, &out) == 0) {
		must(cobblestone_seal_salt(key, in.ptr, S("fuzz"), buf_slice(&out), &again) == 0);
		must(slice_eq(in, buf_slice(&again)));
		check_part(in, buf_slice(&out), out.len / 2, out.len - out.len / 2);
		return;
	}
	must(out.len == 0);
	/* The reader believes the length, as it must, and then nothing that is beyond it. */
	if (cobblestone_reader_new(key, S("fuzz"), in, in.len, &r) == 0) {
		struct cobblestone_range range;

		must(cobblestone_plain_len(in.len, &plain_len) == 0);
		must(cobblestone_reader_range(r, plain_len, 1, &range) != 0);
		must(cobblestone_reader_open(
			     r, 0, plain_len, slice_skip(in, COBBLESTONE_HEADER_LEN), &out) != 0);
		must(out.len == 0);
	}
	cobblestone_reader_free(r);
}

/* in: 3 numbers of 4 bytes, then the plaintext; it is repeated to reach several chunks. */
static void
genuine(struct slice in)
{
	struct reader r = reader_new(in);
	uint32_t at = reader_be32(&r), from = reader_be32(&r), repeat = reader_be32(&r) % 64;
	CLEANUP(buf_done) struct buf plain = BUF_INIT(OUT_MAX), sealed = BUF_INIT(2 * OUT_MAX);
	CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);

	for (uint32_t i = 0; i <= repeat && plain.len + r.rest.len < OUT_MAX / 2; i++)
		buf_put(&plain, r.rest);
	from %= (uint32_t)plain.len + 1;
	must(cobblestone_seal(key, S("fuzz"), buf_slice(&plain), &sealed) == 0);
	must(sealed.len == cobblestone_sealed_len(plain.len));
	must(cobblestone_open(key, S("fuzz"), buf_slice(&sealed), &out) == 0);
	must(slice_eq(buf_slice(&out), buf_slice(&plain)));
	check_part(buf_slice(&sealed), buf_slice(&plain), from, at % (plain.len - from + 1));
	sealed.ptr[at % sealed.len] ^= (uint8_t)(1 << at % 8);
	buf_reset(&out);
	must(cobblestone_open(key, S("fuzz"), buf_slice(&sealed), &out) != 0);
	must(out.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] & 1)
		genuine(slice_new(data + 1, size - 1));
	else if (size)
		hostile(slice_new(data + 1, size - 1));
	return 0;
}
