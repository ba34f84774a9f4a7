/* Records. The first byte chooses: hostile bytes to every parser, or a genuine record that is
 * then damaged, cut or misplaced.
 *
 * Properties: a header that parses is written again as the same bytes; what opens seals to the same
 * length; nothing damaged or misplaced opens; a refused record leaves the output as it was. */
#include "keys/record.h"
#include "../must.h"
#include "base/buf.h"
#include "base/error.h"

#include <string.h>

#define OUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t sym_key[RECORD_KEY_LEN] = "letterlock fuzzing key, 32 bytes";
static struct ed25519_key signer;
static struct record_opener *opener;
static struct record_sender *sender;

static void
set_up(void)
{
	if (opener)
		return;
	ed25519_key_init(&signer, sym_key);
	must(record_opener_new(sym_key, &opener) == 0);
	must(record_sender_new(record_opener_public(opener), 0, &sender) == 0);
}

static int
seal(const struct record_header *h, struct slice plain, struct buf *out)
{
	int err = record_sym_seal(sym_key, h, plain, out);

	if (err == LL_ERR_UNSUPPORTED)
		err = record_sig_seal(&signer, h, plain, out);
	if (err != LL_ERR_UNSUPPORTED)
		return err;
	if (!record_sender_fresh(sender, 0))
		must(record_sender_renew(sender, 0) == 0);
	return record_kem_seal(sender, h, plain, out);
}

/* By whichever of the three takes it. */
static int
open_any(const struct record_want *want, struct slice record, struct buf *out)
{
	struct record_header got;
	struct slice body;
	int sym = record_sym_open(sym_key, want, record, &got, out);
	int kem = sym ? record_kem_open(opener, want, record, &got, out) : LL_ERR_AUTH;
	int sig = sym && kem ? record_sig_open(signer.public, want, record, &got, &body)
			     : LL_ERR_AUTH;

	if (!sig)
		must(buf_put(out, body) == 0);
	if (sym && kem && sig)
		return LL_ERR_AUTH;
	must(record_match(&got, want) == 0);
	return LL_OK;
}

static void
hostile(struct slice in)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	struct record_want want = {0};

	if (record_parse(in, &want.header) != 0) {
		must(open_any(&want, in, &out) != 0 && out.len == 0);
		return;
	}
	must(in.len >= RECORD_HEADER_LEN);
	must(record_kind_name(want.header.kind));
	if (open_any(&want, in, &out) != 0)
		must(out.len == 0);
	must(seal(&want.header, buf_slice(&out), &again) == 0);
	must(memcmp(again.ptr, in.ptr, RECORD_HEADER_LEN) == 0);
	if (out.len)
		must(again.len == in.len);
}

static void
read_header(struct reader *r, struct record_header *h)
{
	struct slice ids = reader_bytes(r, (size_t)4 * RECORD_ID_LEN);

	h->kind = (enum record_kind)(1 + reader_u8(r) % (RECORD_KINDS - 1));
	h->area = (enum record_area)(reader_u8(r) % RECORD_AREAS);
	h->part = reader_be16(r);
	h->keyver = reader_be32(r);
	h->rev = reader_be64(r);
	if (ids.len < (size_t)4 * RECORD_ID_LEN)
		return;
	memcpy(h->account, ids.ptr, RECORD_ID_LEN);
	memcpy(h->collection, ids.ptr + RECORD_ID_LEN, RECORD_ID_LEN);
	memcpy(h->object, ids.ptr + (size_t)2 * RECORD_ID_LEN, RECORD_ID_LEN);
	memcpy(h->author, ids.ptr + (size_t)3 * RECORD_ID_LEN, RECORD_ID_LEN);
}

/* in: a position, the header's fields, then the plaintext. */
static void
genuine(struct slice in)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(2 * OUT_MAX), out = BUF_INIT(OUT_MAX);
	struct reader r = reader_new(in);
	struct record_want want = {0}, other;
	size_t at = reader_be16(&r);

	read_header(&r, &want.header);
	if (seal(&want.header, r.rest, &record) == LL_ERR_LIMIT)
		return;
	must(open_any(&want, buf_slice(&record), &out) == 0);
	must(slice_eq(buf_slice(&out), r.rest));
	buf_reset(&out);
	other = want;
	other.header.object[at % RECORD_ID_LEN] ^= 1;
	must(open_any(&other, buf_slice(&record), &out) != 0);
	must(open_any(&want, slice_sub(buf_slice(&record), 0, at % record.len), &out) != 0);
	record.ptr[at % record.len] ^= (uint8_t)(1 << at % 8);
	want.any = RECORD_ANY_KEYVER | RECORD_ANY_REV | RECORD_ANY_AUTHOR | RECORD_ANY_PART;
	must(open_any(&want, buf_slice(&record), &out) != 0);
	must(out.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	if (size && data[0] & 1)
		genuine(slice_new(data + 1, size - 1));
	else if (size)
		hostile(slice_new(data + 1, size - 1));
	return 0;
}
