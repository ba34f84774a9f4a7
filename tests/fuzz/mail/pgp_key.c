/* Any bytes as an OpenPGP key: what is read is walked to its end, and what is published of it reads
 * as the same key with fewer names. */
#include "mail/pgp_key.h"
#include "../must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf one = BUF_INIT(PGP_KEY_MAX), again = BUF_INIT(PGP_KEY_MAX);
	struct slice in = slice_new(data, size), address = S("a@b.c");
	struct pgp_key k, of_one;

	if (pgp_key_read(in, &k))
		return 0;
	must(k.fingerprint_len == (k.version == 6 ? 32 : 20));
	if (pgp_key_for_address(in, address, &one))
		return 0;
	must(one.len <= size && pgp_key_read(buf_slice(&one), &of_one) == 0);
	must(of_one.user_ids >= 1 && of_one.user_ids <= k.user_ids);
	must(memcmp(of_one.fingerprint, k.fingerprint, k.fingerprint_len) == 0);
	must(pgp_key_for_address(buf_slice(&one), address, &again) == 0);
	must(slice_eq(buf_slice(&one), buf_slice(&again)));
	return 0;
}
