/* Keyring bodies. */
#include "keys/keyring.h"
#include "bodies.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT(KEYRING_BODY_MAX);
	struct keyring k;

	if (keyring_decode(slice_new(data, size), &k) != 0)
		return 0;
	/* The first version is read only. */
	if (data[0] == 2)
		body_same(keyring_encode(&k, &again), &again, data, size);
	else
		body_require(k.n_openpgp == 0);
	for (size_t i = 0; i < k.secrets.v.len; i++) {
		const struct area_secret *s = k.secrets.v.at[i];

		body_require(area_secrets_find(&k.secrets, s->area, s->version) == s);
	}
	keyring_done(&k);
	return 0;
}
