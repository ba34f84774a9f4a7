/* OPAQUE against the vectors of RFC 9807, and its failures. */
#include "t.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "keys/opaque.h"
#include "opaque_vectors.h"

#include <sodium.h>

/* Decoded fields live until the next test. */
static struct buf pool[32];
static size_t pool_used;

static struct slice
un(const char *hex)
{
	struct buf *b = &pool[pool_used++ % ARRAY_SIZE(pool)];

	if (!hex)
		return SLICE_NONE;
	buf_done(b);
	*b = BUF_INIT(4096);
	CHECK_INT(hex_decode(b, slice_str(hex)), 0);
	return buf_slice(b);
}

static void
fill(uint8_t *to, size_t len, const char *hex)
{
	struct slice s = un(hex);

	if (!hex)
		return;
	CHECK_INT(s.len, len);
	memcpy(to, s.ptr, len);
}

static int
ksf_identity(const uint8_t in[OPAQUE_HASH_LEN], uint8_t ret[OPAQUE_HASH_LEN])
{
	memcpy(ret, in, OPAQUE_HASH_LEN);
	return LL_OK;
}

static bool
same(const uint8_t *got, const char *want)
{
	struct slice w = un(want);

	return memcmp(got, w.ptr, w.len) == 0;
}

static struct opaque_server
vector_server(const struct opaque_vector *v)
{
	struct opaque_server s = {0};

	fill(s.oprf_seed, sizeof(s.oprf_seed), v->oprf_seed);
	fill(s.private_key, sizeof(s.private_key), v->server_private_key);
	fill(s.public_key, sizeof(s.public_key), v->server_public_key);
	return s;
}

static void
vector_register(const struct opaque_vector *v, const struct opaque_params *p,
	const struct opaque_server *s, uint8_t record[OPAQUE_RECORD_LEN])
{
	uint8_t request[OPAQUE_REQUEST_LEN], response[OPAQUE_RESPONSE_LEN];
	uint8_t export_key[OPAQUE_HASH_LEN];
	struct opaque_coins coins = {0};
	struct opaque_client *c = NULL;

	fill(coins.blind, sizeof(coins.blind), v->blind_registration);
	fill(coins.envelope_nonce, sizeof(coins.envelope_nonce), v->envelope_nonce);
	CHECK_INT(opaque_client_new(p, un(v->password), &c), 0);
	CHECK_INT(opaque_client_register_start(c, &coins, request), 0);
	CHECK(same(request, v->registration_request));
	CHECK_INT(opaque_server_register(
			  s, un(v->credential_identifier), SLICE_OF(request), response),
		0);
	CHECK(same(response, v->registration_response));
	CHECK_INT(opaque_client_register_finish(c, SLICE_OF(response), &coins, record, export_key),
		0);
	CHECK(same(record, v->registration_upload));
	CHECK(same(export_key, v->export_key));
	CHECK_INT(opaque_record_check(slice_new(record, OPAQUE_RECORD_LEN)), 0);
	opaque_client_free(c);
}

static struct opaque_coins
server_coins(const struct opaque_vector *v)
{
	struct opaque_coins c = {0};

	fill(c.nonce, sizeof(c.nonce), v->server_nonce);
	fill(c.keyshare_seed, sizeof(c.keyshare_seed), v->server_keyshare_seed);
	fill(c.masking_nonce, sizeof(c.masking_nonce), v->masking_nonce);
	return c;
}

static void
vector_login(const struct opaque_vector *v, const struct opaque_params *p,
	const struct opaque_server *s, const uint8_t record[OPAQUE_RECORD_LEN])
{
	uint8_t ke1[OPAQUE_KE1_LEN], ke2[OPAQUE_KE2_LEN], ke3[OPAQUE_KE3_LEN];
	uint8_t export_key[OPAQUE_HASH_LEN], session_key[OPAQUE_HASH_LEN];
	struct opaque_coins coins = {0}, answer = server_coins(v);
	struct opaque_client *c = NULL;
	struct opaque_login login;

	fill(coins.blind, sizeof(coins.blind), v->blind_login);
	fill(coins.nonce, sizeof(coins.nonce), v->client_nonce);
	fill(coins.keyshare_seed, sizeof(coins.keyshare_seed), v->client_keyshare_seed);
	CHECK_INT(opaque_client_new(p, un(v->password), &c), 0);
	CHECK_INT(opaque_client_login_start(c, &coins, ke1), 0);
	CHECK(same(ke1, v->ke1));
	CHECK_INT(
		opaque_server_login(s, p, un(v->credential_identifier),
			slice_new(record, OPAQUE_RECORD_LEN), SLICE_OF(ke1), &answer, &login, ke2),
		0);
	CHECK(same(ke2, v->ke2));
	CHECK_INT(opaque_client_login_finish(c, SLICE_OF(ke2), ke3, export_key, session_key), 0);
	CHECK(same(ke3, v->ke3));
	CHECK(same(export_key, v->export_key));
	CHECK(same(session_key, v->session_key));
	CHECK_INT(opaque_server_finish(&login, SLICE_OF(ke3)), 0);
	CHECK(same(login.session_key, v->session_key));
	opaque_client_free(c);
}

static struct opaque_params
vector_params(const struct opaque_vector *v)
{
	return (struct opaque_params){.context = un(v->context),
		.client_identity = un(v->client_identity),
		.server_identity = un(v->server_identity),
		.ksf = ksf_identity};
}

static void
rfc_real(void)
{
	for (size_t i = 0; i < 2; i++) {
		const struct opaque_vector *v = &opaque_vectors[i];
		struct opaque_server s = vector_server(v);
		uint8_t record[OPAQUE_RECORD_LEN] = {0};
		struct opaque_params p;

		p = vector_params(v);
		vector_register(v, &p, &s, record);
		p = vector_params(v);
		vector_login(v, &p, &s, record);
	}
}

static void
rfc_fake(void)
{
	const struct opaque_vector *v = &opaque_vectors[2];
	struct opaque_server s = vector_server(v);
	struct opaque_coins answer = server_coins(v);
	struct opaque_params p = vector_params(v);
	uint8_t record[OPAQUE_RECORD_LEN] = {0}, ke2[OPAQUE_KE2_LEN];
	struct opaque_login login;

	fill(record, OPAQUE_KEY_LEN, v->client_public_key);
	fill(record + OPAQUE_KEY_LEN, OPAQUE_HASH_LEN, v->masking_key);
	CHECK_INT(opaque_server_login(&s, &p, un(v->credential_identifier), SLICE_OF(record),
			  un(v->ke1), &answer, &login, ke2),
		0);
	CHECK(same(ke2, v->ke2));
}

static struct opaque_server
fresh_server(void)
{
	struct opaque_server s;
	uint8_t seed[OPAQUE_SEED_LEN];

	randombytes_buf(&s, sizeof(s));
	randombytes_buf(seed, sizeof(seed));
	CHECK_INT(opaque_server_keypair(&s, seed), 0);
	return s;
}

static void
enroll(const struct opaque_params *p, const struct opaque_server *s, struct slice id,
	const char *password, uint8_t record[OPAQUE_RECORD_LEN],
	uint8_t export_key[OPAQUE_HASH_LEN])
{
	uint8_t request[OPAQUE_REQUEST_LEN], response[OPAQUE_RESPONSE_LEN];
	struct opaque_client *c = NULL;

	CHECK_INT(opaque_client_new(p, slice_str(password), &c), 0);
	CHECK_INT(opaque_client_register_start(c, NULL, request), 0);
	CHECK_INT(opaque_server_register(s, id, SLICE_OF(request), response), 0);
	CHECK_INT(
		opaque_client_register_finish(c, SLICE_OF(response), NULL, record, export_key), 0);
	opaque_client_free(c);
}

struct attempt {
	const char *password;
	struct slice id, record;
	size_t flip; /* bit of KE2 that is flipped, plus one */
	size_t flip3; /* the same of KE3 */
};

/* Errors of the client and of the server. */
static int
try_login(const struct opaque_params *p, const struct opaque_server *s, const struct attempt *a,
	uint8_t export_key[OPAQUE_HASH_LEN])
{
	uint8_t ke1[OPAQUE_KE1_LEN], ke2[OPAQUE_KE2_LEN], ke3[OPAQUE_KE3_LEN] = {0};
	struct opaque_client *c = NULL;
	struct opaque_login login;
	int err;

	CHECK_INT(opaque_client_new(p, slice_str(a->password), &c), 0);
	CHECK_INT(opaque_client_login_start(c, NULL, ke1), 0);
	CHECK_INT(opaque_server_login(s, p, a->id, a->record, SLICE_OF(ke1), NULL, &login, ke2), 0);
	if (a->flip)
		ke2[(a->flip - 1) / 8] ^= (uint8_t)(1u << ((a->flip - 1) % 8));
	err = opaque_client_login_finish(c, SLICE_OF(ke2), ke3, export_key, NULL);
	if (a->flip3)
		ke3[(a->flip3 - 1) / 8] ^= (uint8_t)(1u << ((a->flip3 - 1) % 8));
	if (err || a->flip3)
		CHECK_INT(opaque_server_finish(&login, SLICE_OF(ke3)), LL_ERR_AUTH);
	else
		CHECK_INT(opaque_server_finish(&login, SLICE_OF(ke3)), 0);
	opaque_client_free(c);
	return err;
}

static void
right_and_wrong(void)
{
	struct opaque_params p = {.ksf = ksf_identity};
	struct opaque_server s = fresh_server(), other = fresh_server();
	uint8_t record[OPAQUE_RECORD_LEN], want[OPAQUE_HASH_LEN], got[OPAQUE_HASH_LEN];
	struct attempt a = {"correct horse", S("account 1"), SLICE_OF(record), 0, 0};

	enroll(&p, &s, a.id, a.password, record, want);
	CHECK_INT(try_login(&p, &s, &a, got), 0);
	CHECK(memcmp(got, want, sizeof(got)) == 0);
	a.flip3 = 5;
	CHECK_INT(try_login(&p, &s, &a, got), 0);
	a.flip3 = 0;
	a.password = "correct horsf";
	CHECK_INT(try_login(&p, &s, &a, got), LL_ERR_AUTH);
	a.password = "correct horse";
	a.id = S("account 2");
	CHECK_INT(try_login(&p, &s, &a, got), LL_ERR_AUTH);
	a.id = S("account 1");
	memcpy(other.oprf_seed, s.oprf_seed, sizeof(s.oprf_seed));
	CHECK_INT(try_login(&p, &other, &a, got), LL_ERR_AUTH);
	a.record = SLICE_NONE;
	CHECK_INT(try_login(&p, &s, &a, got), LL_ERR_AUTH);
}

static void
every_flip_of_ke2(void)
{
	struct opaque_params p = {.ksf = ksf_identity};
	struct opaque_server s = fresh_server();
	uint8_t record[OPAQUE_RECORD_LEN], key[OPAQUE_HASH_LEN];
	struct attempt a = {"password", S("id"), SLICE_OF(record), 0, 0};

	enroll(&p, &s, a.id, a.password, record, key);
	for (a.flip = 1; a.flip <= OPAQUE_KE2_LEN * 8; a.flip += 3)
		CHECK(try_login(&p, &s, &a, key) != 0);
}

/* An unknown user is answered the same way each time: the same masked keys come out for the same
 * coins, and the lengths are those of a real answer. */
static void
fake_is_stable(void)
{
	struct opaque_params p = OPAQUE_SUITE;
	struct opaque_server s = fresh_server();
	uint8_t ke1[OPAQUE_KE1_LEN], one[OPAQUE_KE2_LEN], two[OPAQUE_KE2_LEN];
	struct opaque_coins coins;
	struct opaque_client *c = NULL;
	struct opaque_login login;

	randombytes_buf(&coins, sizeof(coins));
	CHECK_INT(opaque_client_new(&p, S("x"), &c), 0);
	CHECK_INT(opaque_client_login_start(c, NULL, ke1), 0);
	CHECK_INT(opaque_server_login(
			  &s, &p, S("nobody"), SLICE_NONE, SLICE_OF(ke1), &coins, &login, one),
		0);
	CHECK_INT(opaque_server_login(
			  &s, &p, S("nobody"), SLICE_NONE, SLICE_OF(ke1), &coins, &login, two),
		0);
	CHECK(memcmp(one, two, sizeof(one)) == 0);
	CHECK_INT(opaque_server_login(
			  &s, &p, S("nobody2"), SLICE_NONE, SLICE_OF(ke1), &coins, &login, two),
		0);
	CHECK(memcmp(one, two, 32) != 0);
	CHECK(memcmp(one + 64, two + 64, 128) != 0);
	opaque_client_free(c);
}

static void
malformed(void)
{
	struct opaque_params p = {.ksf = ksf_identity};
	struct opaque_server s = fresh_server();
	uint8_t bytes[OPAQUE_KE2_LEN] = {0}, out[OPAQUE_KE2_LEN];
	struct opaque_client *c = NULL;
	struct opaque_login login;

	/* The identity element, and a non-canonical encoding. */
	CHECK_INT(opaque_server_register(&s, S("i"), slice_new(bytes, 32), out), LL_ERR_SYNTAX);
	memset(bytes, 0xff, sizeof(bytes));
	CHECK_INT(opaque_server_register(&s, S("i"), slice_new(bytes, 32), out), LL_ERR_SYNTAX);
	CHECK_INT(opaque_server_register(&s, S("i"), slice_new(bytes, 31), out), LL_ERR_SYNTAX);
	CHECK_INT(opaque_record_check(slice_new(bytes, OPAQUE_RECORD_LEN)), LL_ERR_SYNTAX);
	CHECK_INT(opaque_record_check(slice_new(bytes, OPAQUE_RECORD_LEN - 1)), LL_ERR_SYNTAX);
	CHECK_INT(opaque_server_login(&s, &p, S("i"), SLICE_NONE, slice_new(bytes, OPAQUE_KE1_LEN),
			  NULL, &login, out),
		LL_ERR_SYNTAX);
	CHECK_INT(opaque_client_new(&p, SLICE_NONE, &c), LL_ERR_SYNTAX);
	CHECK_INT(opaque_client_new(&p, S("x"), &c), 0);
	CHECK_INT(opaque_client_login_finish(c, SLICE_OF(bytes), out, out, NULL), LL_ERR_STATE);
	CHECK_INT(opaque_client_login_start(c, NULL, out), 0);
	CHECK_INT(opaque_client_login_start(c, NULL, out), LL_ERR_STATE);
	CHECK(opaque_client_login_finish(c, SLICE_OF(bytes), out, out, NULL) != 0);
	opaque_client_free(c);
}

/* Argon2id of the bytes 0 to 63, salt of 16 zero bytes, 64 MiB, 3 passes, 1 lane: computed with
 * OpenSSL. */
static void
ksf_known(void)
{
	uint8_t in[OPAQUE_HASH_LEN], out[OPAQUE_HASH_LEN];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	CHECK_INT(opaque_ksf_argon2id(in, out), 0);
	CHECK(same(out,
		"97076ac1d2e29b8f16f2af338d9f0e63a0d078c2b3cce12024bc7ecdd3cbc2d4"
		"b4dcb53de561c257004dc2d756cd8abcac4efc7b764b385fd8f624d7aa447a22"));
}

/* The suite's own KSF, once on both sides; a client without it does not get in. */
static void
suite_login(void)
{
	struct opaque_params p = OPAQUE_SUITE;
	struct opaque_server s = fresh_server();
	uint8_t record[OPAQUE_RECORD_LEN], want[OPAQUE_HASH_LEN], got[OPAQUE_HASH_LEN];
	struct attempt a = {"pässwörd", S("account"), SLICE_OF(record), 0, 0};

	enroll(&p, &s, a.id, a.password, record, want);
	CHECK_INT(try_login(&p, &s, &a, got), 0);
	CHECK(memcmp(got, want, sizeof(got)) == 0);
	p.ksf = ksf_identity;
	CHECK_INT(try_login(&p, &s, &a, got), LL_ERR_AUTH);
}

T_MAIN(T(rfc_real), T(rfc_fake), T(right_and_wrong), T(every_flip_of_ke2), T(fake_is_stable),
	T(malformed), T(ksf_known), T(suite_login))
