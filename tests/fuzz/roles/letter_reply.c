/* Any bytes as a reply to a letter under a password. Whether they pass for an encrypted message is
 * decided by their first ten bytes alone; their armor is lines of base64 that give the same bytes,
 * and nothing else that could end the message's part. */
#include "../must.h"
#include "base/text.h"
#include "roles/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf armor = BUF_INIT((size_t)1 << 20);
	CLEANUP(buf_done)
	struct buf text = BUF_INIT((size_t)1 << 20), back = BUF_INIT((size_t)1 << 20);
	struct slice in = slice_new(data, size), rest;

	if (size > WEB_PIECE_LEN)
		return 0;
	must(letter_is_encrypted(in) == letter_is_encrypted(slice_sub(in, 0, 10)));
	must(!letter_is_encrypted(in) || (size > 2 && (data[0] & 0x80)));
	must(letter_armor(in, &armor) == 0);
	for (rest = buf_slice(&armor); rest.len;) {
		struct slice line = slice_line(&rest);
		must(line.len > 0 && line.len <= 64 && line.ptr[0] != '-');
		must(buf_put(&text, line) == 0);
	}
	must(base64_decode(&back, buf_slice(&text)) == 0 && slice_eq(buf_slice(&back), in));
	return 0;
}
