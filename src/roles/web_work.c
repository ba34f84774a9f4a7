/* challenge = expires:8 bits:1 random:8 tag:16, tag = HMAC(key, label, the bytes before, address)
 */
#include "roles/web_work.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/secret.h"
#include "keys/kdf.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SIGNED_LEN 17
#define USED_MAX 20000 /* then the proofs themselves are the limit */
#define EASY_PER_HOUR 30 /* each doubling of this asks for one bit more */

struct web_work {
	uint8_t key[32];
	struct map *used; /* challenges -> themselves */
	int64_t since;
	unsigned solved; /* in the hour since */
};

struct web_work *
web_work_new(const uint8_t key[32])
{
	struct web_work *w = calloc(1, sizeof(*w));

	if (w && (w->used = map_new())) {
		memcpy(w->key, key, sizeof(w->key));
		return w;
	}
	free(w);
	return NULL;
}

void
web_work_free(struct web_work *w)
{
	if (!w)
		return;
	map_free(w->used, NULL);
	secret_wipe(w, sizeof(*w));
	free(w);
}

static void
tag_of(const struct web_work *w, const uint8_t *challenge, struct slice address, uint8_t ret[16])
{
	uint8_t tag[HASH_SHA256_LEN];
	struct hmac m;

	hmac_init(&m, HASH_SHA256, SLICE_OF(w->key));
	hmac_put(&m, S("letterlock/1/work\0"));
	hmac_put(&m, slice_new(challenge, SIGNED_LEN));
	hmac_put(&m, address);
	hmac_end(&m, tag);
	memcpy(ret, tag, 16);
}

static uint8_t
bits_now(struct web_work *w, int64_t now)
{
	uint8_t bits = WEB_WORK_BITS;

	if (now - w->since > 3600) {
		w->since = now;
		w->solved = 0;
	}
	for (unsigned n = w->solved / EASY_PER_HOUR; n && bits < WEB_WORK_BITS_MAX; n /= 2)
		bits++;
	return bits;
}

void
web_work_challenge(struct web_work *w, struct slice address, int64_t now,
	uint8_t ret[WEB_WORK_CHALLENGE_LEN], uint32_t *ret_bits)
{
	be64_put(ret, (uint64_t)(now + WEB_WORK_S));
	ret[8] = bits_now(w, now);
	randombytes_buf(ret + 9, 8);
	tag_of(w, ret, address, ret + SIGNED_LEN);
	*ret_bits = ret[8];
}

static bool
zero_bits(const uint8_t *hash, unsigned bits)
{
	unsigned i = 0;

	while (i < bits && !(hash[i / 8] & 0x80u >> i % 8))
		i++;
	return i == bits;
}

static int
try(const uint8_t *challenge, struct slice nonce)
{
	uint8_t password[WEB_WORK_CHALLENGE_LEN + WEB_WORK_NONCE_LEN], salt[HASH_SHA256_LEN],
		out[32];

	memcpy(password, challenge, WEB_WORK_CHALLENGE_LEN);
	memcpy(password + WEB_WORK_CHALLENGE_LEN, nonce.ptr, WEB_WORK_NONCE_LEN);
	hash_sha256(slice_new(challenge, WEB_WORK_CHALLENGE_LEN), salt);
	if (crypto_pwhash(out, sizeof(out), (const char *)password, sizeof(password), salt,
		    WEB_WORK_PASSES, (size_t)WEB_WORK_MEMORY_KIB << 10,
		    crypto_pwhash_ALG_ARGON2ID13))
		return LL_ERR_NOMEM;
	return zero_bits(out, challenge[8]) ? LL_OK : LL_ERR_DENIED;
}

static void
forget_old(struct web_work *w, int64_t now)
{
	struct slice key;
	size_t pos = 0;

	while (map_next(w->used, &pos, &key, NULL))
		if ((int64_t)be64_get(key.ptr) < now)
			(void)map_del(w->used, key);
}

int
web_work_check(struct web_work *w, struct slice address, int64_t now, struct slice challenge,
	struct slice nonce)
{
	uint8_t tag[16];
	int64_t expires;
	int r;

	if (challenge.len != WEB_WORK_CHALLENGE_LEN || nonce.len != WEB_WORK_NONCE_LEN)
		return LL_ERR_DENIED;
	tag_of(w, challenge.ptr, address, tag);
	expires = (int64_t)be64_get(challenge.ptr);
	if (!secret_eq(tag, challenge.ptr + SIGNED_LEN, sizeof(tag)) || expires < now ||
		map_get(w->used, challenge))
		return LL_ERR_DENIED;
	if (map_len(w->used) >= USED_MAX)
		forget_old(w, now);
	if (map_len(w->used) >= USED_MAX)
		return LL_ERR_DENIED;
	/* Right or wrong: a challenge is tried once, so that each try here costs its work there. */
	r = map_set(w->used, challenge, w, NULL);
	if (r == LL_OK)
		r = try(challenge.ptr, nonce);
	w->solved += r == LL_OK;
	return r;
}
