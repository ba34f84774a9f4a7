/* Grants, one input in four under a valid signature, so that what is behind it is reached, too. The
 * input is the record without signature; the one grant that may open is the one whose context is
 * asked for. */
#include "keys/grant.h"
#include "../cut.h"
#include "bodies.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t identity_seed[ED25519_SEED_LEN] = {1},
			     unlock_seed[XWING_SEED_LEN] = {2};
	static const uint8_t granted[RECORD_KEY_LEN] = {3};
	static struct record_opener *opener;
	static struct ed25519_key identity;
	struct grant g = {.account = {4}, .unlocker = {5}, .area = RECORD_AREA_MAIL, .version = 6};
	struct buf record = BUF_INIT(8192);
	uint8_t key[RECORD_KEY_LEN] = {0};

	if (!opener) {
		body_require(record_opener_new(unlock_seed, &opener) == 0);
		ed25519_key_init(&identity, identity_seed);
	}
	if (buf_put(&record, slice_new(data, size)) != 0)
		return 0;
	/* As it is, only a grant that was really made opens: a corpus file has one with its
	 * signature. */
	if (grant_open(opener, identity.public, &g, buf_slice(&record), key) == 0)
		body_require(memcmp(key, granted, sizeof(key)) == 0);
	/* With a signature it goes as far as decapsulation, which takes nearly all the time. */
	if (fuzz_hash(slice_new(data, size)) % 4 == 0) {
		body_require(record_sign(&identity, RECORD_GRANT, &record, 0) == 0);
		if (grant_open(opener, identity.public, &g, buf_slice(&record), key) == 0)
			body_require(memcmp(key, granted, sizeof(key)) == 0);
	}
	g.version = 60;
	body_require(grant_open(opener, identity.public, &g, buf_slice(&record), key) != 0);
	buf_done(&record);
	return 0;
}
