/* The app passwords with which an account's running session was signed in to: not the passwords,
 * but what a key of this process makes of them. Each spares the 4096 rounds of the next PLAIN
 * sign-in. */
#include "roles/login_familiar.h"
#include "base/map.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "roles/auth.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIAR_MAX 8

struct familiar {
	size_t n, next;
	struct {
		uint8_t tag[SCRAM_KEY_LEN];
		uint8_t unlocker[RECORD_ID_LEN];
	} at[FAMILIAR_MAX];
};

static struct map *familiars; /* account -> struct familiar */
static uint8_t *familiar_key; /* secret memory */

static void
familiar_free(void *p)
{
	secret_wipe(p, sizeof(struct familiar));
	free(p);
}

void
login_session_over(const uint8_t account[RECORD_ID_LEN])
{
	struct familiar *f =
		familiars ? map_del(familiars, slice_new(account, RECORD_ID_LEN)) : NULL;

	if (f)
		familiar_free(f);
}

bool
login_familiar_tag(
	const uint8_t account[RECORD_ID_LEN], struct slice password, uint8_t ret[SCRAM_KEY_LEN])
{
	struct hmac m;

	if (!familiar_key) {
		familiar_key = secret_alloc(SCRAM_KEY_LEN);
		familiars = map_new();
		if (familiar_key)
			randombytes_buf(familiar_key, SCRAM_KEY_LEN);
	}
	if (!familiar_key || !familiars)
		return false;
	hmac_init(&m, HASH_SHA256, slice_new(familiar_key, SCRAM_KEY_LEN));
	hmac_put(&m, slice_new(account, RECORD_ID_LEN));
	hmac_put(&m, password);
	hmac_end(&m, ret);
	return true;
}

bool
login_familiar_find(const uint8_t account[RECORD_ID_LEN], const uint8_t tag[SCRAM_KEY_LEN],
	const struct verifier *verifiers, size_t n, size_t *ret_index)
{
	const struct familiar *f = map_get(familiars, slice_new(account, RECORD_ID_LEN));
	size_t found = SIZE_MAX;

	for (size_t i = 0; f && i < f->n; i++)
		for (size_t k = 0; k < n && secret_eq(tag, f->at[i].tag, SCRAM_KEY_LEN); k++)
			if (memcmp(verifiers[k].id, f->at[i].unlocker, RECORD_ID_LEN) == 0)
				found = k;
	if (found != SIZE_MAX)
		*ret_index = found;
	return found != SIZE_MAX;
}

void
login_familiar_keep(const uint8_t account[RECORD_ID_LEN], const uint8_t tag[SCRAM_KEY_LEN],
	const uint8_t unlocker[RECORD_ID_LEN])
{
	struct slice key = slice_new(account, RECORD_ID_LEN);
	struct familiar *f = map_get(familiars, key);
	size_t at;

	if (!f && ((f = calloc(1, sizeof(*f))) && map_set(familiars, key, f, NULL))) {
		free(f);
		return;
	}
	if (!f)
		return;
	at = f->next++ % FAMILIAR_MAX;
	f->n = MIN(f->n + 1, (size_t)FAMILIAR_MAX);
	memcpy(f->at[at].tag, tag, SCRAM_KEY_LEN);
	memcpy(f->at[at].unlocker, unlocker, RECORD_ID_LEN);
}
