/* SCRAM's keys (RFC 5802 section 3) and small pieces of its grammar. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "keys/scram_core.h"

#include <sodium.h>
#include <string.h>

#define NONCE_BYTES 18
#define SALT_MAX 64

void
scram_hmac(const uint8_t key[SCRAM_KEY_LEN], struct slice data, uint8_t ret[SCRAM_KEY_LEN])
{
	hmac_once(HASH_SHA256, slice_new(key, SCRAM_KEY_LEN), data, ret);
}

/* Hi(): PBKDF2-HMAC-SHA-256 with one block of output. */
static void
salted_password(
	struct slice password, struct slice salt, uint32_t iterations, uint8_t ret[SCRAM_KEY_LEN])
{
	static const uint8_t one[4] = {0, 0, 0, 1};
	uint8_t u[SCRAM_KEY_LEN];
	struct hmac keyed, m;

	hmac_init(&keyed, HASH_SHA256, password);
	m = keyed;
	hmac_put(&m, salt);
	hmac_put(&m, SLICE_OF(one));
	hmac_end(&m, u);
	memcpy(ret, u, sizeof(u));
	for (uint32_t i = 1; i < iterations; i++) {
		m = keyed;
		hmac_put(&m, SLICE_OF(u));
		hmac_end(&m, u);
		for (size_t k = 0; k < sizeof(u); k++)
			ret[k] ^= u[k];
	}
	secret_wipe(&keyed, sizeof(keyed));
	secret_wipe(u, sizeof(u));
}

int
scram_derive(struct slice password, struct slice salt, uint32_t iterations,
	uint8_t ret_client_key[SCRAM_KEY_LEN], struct scram_verifier *ret_verifier)
{
	uint8_t salted[SCRAM_KEY_LEN];

	if (iterations == 0 || iterations > SCRAM_ITERATIONS_MAX || salt.len == 0 ||
		salt.len > SALT_MAX)
		return LL_ERR_RANGE;
	salted_password(password, salt, iterations, salted);
	scram_hmac(salted, S("Client Key"), ret_client_key);
	if (ret_verifier) {
		hash_sha256(slice_new(ret_client_key, SCRAM_KEY_LEN), ret_verifier->stored_key);
		scram_hmac(salted, S("Server Key"), ret_verifier->server_key);
	}
	secret_wipe(salted, sizeof(salted));
	return LL_OK;
}

int
scram_client_key(struct slice password, struct slice salt, uint32_t iterations,
	uint8_t ret_client_key[SCRAM_KEY_LEN])
{
	return scram_derive(password, salt, iterations, ret_client_key, NULL);
}

int
scram_check_password(const struct scram_account *account, struct slice password, size_t *ret_index,
	uint8_t ret_client_key[SCRAM_KEY_LEN])
{
	uint8_t client_key[SCRAM_KEY_LEN], stored[SCRAM_KEY_LEN];
	size_t found = SIZE_MAX;
	int err = scram_client_key(password, account->salt, account->iterations, client_key);

	if (err)
		return err;
	hash_sha256(SLICE_OF(client_key), stored);
	for (size_t i = 0; i < account->n; i++)
		if (secret_eq(stored, account->verifiers[i].stored_key, sizeof(stored)))
			found = i;
	if (found != SIZE_MAX) {
		*ret_index = found;
		memcpy(ret_client_key, client_key, sizeof(client_key));
	}
	secret_wipe(client_key, sizeof(client_key));
	return found == SIZE_MAX ? LL_ERR_AUTH : LL_OK;
}

void
scram_fake_salt(
	const uint8_t server_secret[32], struct slice name, uint8_t ret_salt[SCRAM_SALT_LEN])
{
	uint8_t tag[HASH_SHA256_LEN];
	struct hmac m;

	hmac_init(&m, HASH_SHA256, slice_new(server_secret, 32));
	hmac_put(&m, S("letterlock/1/scram/fake-salt"));
	hmac_put(&m, name);
	hmac_end(&m, tag);
	memcpy(ret_salt, tag, SCRAM_SALT_LEN);
}

bool
scram_nonce_valid(struct slice nonce)
{
	for (size_t i = 0; i < nonce.len; i++)
		if (nonce.ptr[i] < 0x21 || nonce.ptr[i] > 0x7e || nonce.ptr[i] == ',')
			return false;
	return nonce.len > 0 && nonce.len <= SCRAM_NONCE_MAX;
}

void
scram_nonce_make(struct buf *out)
{
	uint8_t random[NONCE_BYTES];

	randombytes_buf(random, sizeof(random));
	(void)base64_encode(out, SLICE_OF(random));
}

bool
scram_take(struct slice *rest, char attribute, struct slice *ret_value, bool *ret_more)
{
	size_t comma;

	if (rest->len < 2 || rest->ptr[0] != (uint8_t)attribute || rest->ptr[1] != '=')
		return false;
	comma = slice_find_byte(*rest, ',');
	*ret_more = comma != SLICE_NPOS;
	*ret_value = slice_sub(*rest, 2, MIN(comma, rest->len) - 2);
	*rest = slice_skip(*rest, *ret_more ? comma + 1 : rest->len);
	return true;
}

bool
scram_extensions_valid(struct slice rest)
{
	struct slice value;
	bool more = true;

	while (more) {
		if (rest.len == 0 || !is_alpha(rest.ptr[0]))
			return false;
		if (!scram_take(&rest, (char)rest.ptr[0], &value, &more) || value.len == 0)
			return false;
	}
	return true;
}
