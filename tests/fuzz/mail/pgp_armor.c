/* Any text as an armored key: what is read, armored again, reads as the same bytes; what is not
 * read leaves nothing behind. */
#include "mail/pgp_armor.h"
#include "../must.h"
#include "base/text.h"

#define LINE 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
armor(struct slice binary, struct buf *out)
{
	CLEANUP(buf_done) struct buf base64 = BUF_INIT(2 * binary.len + 8);
	struct slice rest;

	must(base64_encode(&base64, binary) == 0);
	rest = buf_slice(&base64);
	buf_puts(out, "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: any\n\n");
	while (rest.len) {
		buf_put(out, slice_sub(rest, 0, LINE));
		buf_puts(out, "\r\n");
		rest = slice_skip(rest, LINE);
	}
	buf_puts(out, "=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n");
	must(buf_err(out) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf one = BUF_INIT(size + 1), again = BUF_INIT(size + 1);
	CLEANUP(buf_done) struct buf text = BUF_INIT(4 * size + 256);

	if (pgp_armor_read(slice_new(data, size), &one)) {
		must(one.len == 0);
		return 0;
	}
	must(one.len > 0 && one.len < size);
	armor(buf_slice(&one), &text);
	must(pgp_armor_read(buf_slice(&text), &again) == 0);
	must(slice_eq(buf_slice(&one), buf_slice(&again)));
	return 0;
}
