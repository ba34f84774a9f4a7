/* The suites beyond their published vectors: strictness, boundaries, and that what was altered does
 * not open. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/cobblestone.h"
#include "keys/ed25519.h"
#include "keys/hpke.h"
#include "keys/kdf.h"
#include "keys/keccak.h"
#include "keys/mlkem.h"
#include "t.h"

#include <openssl/evp.h>

#define OUT_MAX ((size_t)4 << 20)

/* A repeatable stream of bytes for inputs. */
static uint32_t
next_random(void)
{
	static uint64_t state = 0x243f6a8885a308d3;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33);
}

static void
fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next_random();
}

static struct slice
hex(struct buf *b, const char *digits)
{
	buf_reset(b);
	CHECK_INT(hex_decode(b, slice_str(digits)), 0);
	return buf_slice(b);
}

static void
evp_digest(const char *name, struct slice data, uint8_t *out, size_t len)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	CHECK(EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, data.ptr, data.len));
	if (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF)
		CHECK(EVP_DigestFinalXOF(ctx, out, len));
	else
		CHECK(EVP_DigestFinal_ex(ctx, out, NULL));
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
}

/* Our Keccak against libcrypto's for every length around the rates, split at every kind of place.
 */
static void
test_sha3(void)
{
	uint8_t data[300], got[300], want[300];

	fill(data, sizeof(data));
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct slice all = slice_new(data, len), a = slice_sub(all, 0, len / 3);
		struct slice rest = slice_skip(all, len / 3);

		sha3_256(a, rest, got);
		evp_digest("SHA3-256", all, want, 32);
		CHECK(memcmp(got, want, 32) == 0);
		sha3_512(a, rest, got);
		evp_digest("SHA3-512", all, want, 64);
		CHECK(memcmp(got, want, 64) == 0);
		shake256(a, rest, got, len);
		evp_digest("SHAKE256", all, want, len);
		CHECK(memcmp(got, want, len) == 0);
	}
}

static void
test_shake_x4(void)
{
	uint8_t data[4][64], blocks[4][3 * SHAKE128_RATE], want[3 * SHAKE128_RATE];
	const uint8_t *const in[4] = {data[0], data[1], data[2], data[3]};

	for (size_t len = 0; len <= 64; len++) {
		struct shake_x4 k;

		fill(data[0], sizeof(data));
		shake_x4_init(&k, SHAKE128_RATE, in, len);
		for (size_t i = 0; i < sizeof(want); i += SHAKE128_RATE)
			shake_x4_block(&k,
				(uint8_t *[4]){blocks[0] + i, blocks[1] + i, blocks[2] + i,
					blocks[3] + i});
		for (size_t i = 0; i < 4; i++) {
			evp_digest("SHAKE128", slice_new(data[i], len), want, sizeof(want));
			CHECK(memcmp(blocks[i], want, sizeof(want)) == 0);
		}
	}
}

static void
test_hash_split(void)
{
	uint8_t data[500], whole[HASH_MAX_LEN], split[HASH_MAX_LEN];

	fill(data, sizeof(data));
	for (int kind = HASH_SHA256; kind <= HASH_SHA512; kind++)
		for (size_t at = 0; at <= sizeof(data); at += 13) {
			struct hash h, branch;

			hash_init(&h, (enum hash_kind)kind);
			hash_put(&h, slice_sub(SLICE_OF(data), 0, at));
			branch = h;
			hash_put(&branch, S("another end"));
			hash_put(&h, slice_skip(SLICE_OF(data), at));
			hash_end(&h, split);
			evp_digest(kind == HASH_SHA256 ? "SHA256" : "SHA512", SLICE_OF(data), whole,
				0);
			CHECK(memcmp(whole, split, hash_len((enum hash_kind)kind)) == 0);
			hash_end(&branch, whole);
			CHECK(memcmp(whole, split, hash_len((enum hash_kind)kind)) != 0);
		}
}

static void
test_kdf_labels(void)
{
	uint8_t secret[32] = {7}, a[64], b[64], c[64];
	struct slice info = S("kem");

	kdf_derive(secret, "kem", a, 64);
	CHECK_INT(hkdf_expand(HASH_SHA256, SLICE_OF(secret), &info, 1, b, 64), LL_OK);
	kdf_derive(secret, "auth", c, 64);
	CHECK(memcmp(a, b, 64) == 0);
	CHECK(memcmp(a, c, 64) != 0);
}

/* Multiplication by the NTT against the definition: (sum a_i X^i)(sum b_j X^j) mod X^256 + 1. */
static void
test_ntt(void)
{
	struct poly a[MLKEM_K], product;
	struct poly_vec b, twisted;
	int32_t want[MLKEM_N] = {0};

	for (size_t k = 0; k < MLKEM_K; k++)
		for (size_t i = 0; i < MLKEM_N; i++) {
			a[k].c[i] = (int16_t)(next_random() % MLKEM_Q);
			b.p[k].c[i] = (int16_t)((int)(next_random() % 5) - 2);
		}
	for (size_t k = 0; k < MLKEM_K; k++)
		for (size_t i = 0; i < MLKEM_N; i++)
			for (size_t j = 0; j < MLKEM_N; j++) {
				int32_t p = a[k].c[i] * b.p[k].c[j];

				want[(i + j) % MLKEM_N] += i + j < MLKEM_N ? p : -p;
			}
	for (size_t k = 0; k < MLKEM_K; k++) {
		poly_ntt(&a[k]);
		poly_ntt(&b.p[k]);
	}
	vec_twist(&twisted, &b);
	vec_dot(&product, a, 1, &b, &twisted);
	poly_ntt_inverse(&product);
	poly_reduce(&product);
	for (size_t i = 0; i < MLKEM_N; i++)
		CHECK_INT(product.c[i], (want[i] % MLKEM_Q + MLKEM_Q) % MLKEM_Q);
}

/* The extremes that the range analysis in the comments speaks of. */
static void
test_ntt_range(void)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct poly p, q;

		for (size_t i = 0; i < MLKEM_N; i++)
			p.c[i] = q.c[i] = (int16_t)(sign * MLKEM_Q);
		poly_ntt(&p);
		poly_ntt_inverse(&q);
		poly_reduce(&p);
		poly_reduce(&q);
		for (size_t i = 0; i < MLKEM_N; i++)
			CHECK(p.c[i] == 0 && q.c[i] == 0);
	}
}

static unsigned
rounded(unsigned c, unsigned bits)
{
	return ((c << (bits + 1)) + MLKEM_Q) / (2 * MLKEM_Q) % (1u << bits);
}

/* Compression without division is exact for every coefficient. */
static void
test_compress(void)
{
	for (unsigned c = 0; c < MLKEM_Q; c++) {
		uint8_t du[POLY_DU_BYTES], dv[POLY_DV_BYTES], m[32];
		struct poly p = {0}, back;

		p.c[0] = (int16_t)c;
		poly_compress10(du, &p);
		poly_compress4(dv, &p);
		poly_to_message(m, &p);
		CHECK_INT(du[0] | (du[1] & 3) << 8, rounded(c, 10));
		CHECK_INT(dv[0] & 0xf, rounded(c, 4));
		CHECK_INT(m[0] & 1, rounded(c, 1));
		poly_decompress10(&back, du);
		CHECK_INT(back.c[0], (rounded(c, 10) * MLKEM_Q * 2 + 1024) / 2048);
		poly_decompress4(&back, dv);
		CHECK_INT(back.c[0], (rounded(c, 4) * MLKEM_Q * 2 + 16) / 32);
	}
}

static const struct {
	const char *seed, *public, *message, *sig;
} rfc8032[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
		"fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
		"85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
		"8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
		"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2"
		"192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b5890"
		"9351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

static void
test_ed25519_rfc8032(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(256), m = BUF_INIT(256);

	for (size_t i = 0; i < ARRAY_SIZE(rfc8032); i++) {
		CLEANUP(ed25519_key_wipe) struct ed25519_key key;
		uint8_t sig[ED25519_SIG_LEN];
		struct slice message = hex(&m, rfc8032[i].message);

		ed25519_key_init(&key, hex(&b, rfc8032[i].seed).ptr);
		CHECK(slice_eq(SLICE_OF(key.public), hex(&b, rfc8032[i].public)));
		ed25519_sign(&key, message, sig);
		CHECK(slice_eq(SLICE_OF(sig), hex(&b, rfc8032[i].sig)));
		CHECK_INT(ed25519_verify(key.public, message, sig), LL_OK);
		CHECK_INT(ed25519_public_check(key.public), LL_OK);
		for (size_t at = 0; at < sizeof(sig); at++) {
			sig[at] ^= 0x10;
			CHECK_INT(ed25519_verify(key.public, message, sig), LL_ERR_AUTH);
			sig[at] ^= 0x10;
		}
	}
}

/* S + L is the same scalar and must not be a second signature. */
static void
test_ed25519_malleable(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(256);
	struct slice order =
		hex(&b, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
	struct ed25519_key key;
	uint8_t sig[ED25519_SIG_LEN];
	unsigned carry = 0;

	ed25519_key_init(&key, (const uint8_t[32]){1});
	ed25519_sign(&key, S("once"), sig);
	for (size_t i = 0; i < 32; i++) {
		carry += sig[32 + i] + order.ptr[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	CHECK_INT(ed25519_verify(key.public, S("once"), sig), LL_ERR_AUTH);
}

/* The points of small order, and encodings of y = p + k, which are not canonical. Under a key of
 * small order the signature (R = identity, S = 0) would fit any message. */
static const char *const small_order[] = {
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

static void
test_ed25519_strict(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(256);
	uint8_t forged[ED25519_SIG_LEN] = {1}, key[ED25519_PUBLIC_LEN], message;

	for (size_t i = 0; i < ARRAY_SIZE(small_order); i++) {
		memcpy(key, hex(&b, small_order[i]).ptr, sizeof(key));
		CHECK_INT(ed25519_public_check(key), LL_ERR_SYNTAX);
		/* Eight messages: for one of them at least, a lax verifier says yes. */
		for (message = 0; message < 8; message++)
			CHECK_INT(ed25519_verify(key, slice_new(&message, 1), forged), LL_ERR_AUTH);
	}
	for (unsigned k = 0; k < 19; k++)
		for (unsigned sign = 0; sign <= 0x80; sign += 0x80) {
			memset(key, 0xff, sizeof(key));
			key[0] = (uint8_t)(0xed + k);
			key[31] = (uint8_t)(0x7f | sign);
			CHECK_INT(ed25519_public_check(key), LL_ERR_SYNTAX);
			CHECK_INT(ed25519_verify(key, S("m"), forged), LL_ERR_AUTH);
		}
}

static const size_t lengths[] = {
	0, 1, 15, 16, 17, 200, 16383, 16384, 16385, 32767, 32768, 32769, 49152, 100000};

static void
test_cobblestone_lengths(void)
{
	uint64_t plain_len;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		CHECK_INT(cobblestone_plain_len(cobblestone_sealed_len(lengths[i]), &plain_len), 0);
		CHECK_INT(plain_len, lengths[i]);
	}
	/* Of all sealed lengths around the first chunks, exactly the possible ones are accepted. */
	for (uint64_t sealed = 0, expect = 0; sealed < 40000; sealed++) {
		bool possible = cobblestone_sealed_len(expect) == sealed;

		CHECK((cobblestone_plain_len(sealed, &plain_len) == LL_OK) == possible);
		if (possible)
			CHECK_INT(plain_len, expect++);
	}
	CHECK_INT(cobblestone_plain_len(UINT64_MAX, &plain_len), LL_ERR_SYNTAX);
	CHECK_INT(cobblestone_plain_len(
			  cobblestone_sealed_len(COBBLESTONE_PLAIN_MAX - 1), &plain_len),
		LL_OK);
	CHECK_INT(cobblestone_plain_len(cobblestone_sealed_len(COBBLESTONE_PLAIN_MAX), &plain_len),
		LL_ERR_SYNTAX);
}

static void
check_range(const struct cobblestone_reader *r, struct slice sealed, struct slice plain,
	size_t from, size_t len)
{
	/* A buffer that holds the range exactly must do. */
	CLEANUP(buf_done) struct buf out = BUF_INIT(len);
	struct cobblestone_range range;

	CHECK_INT(cobblestone_reader_range(r, from, len, &range), LL_OK);
	CHECK(range.offset + range.len <= sealed.len);
	sealed = slice_sub(sealed, (size_t)range.offset, (size_t)range.len);
	CHECK_INT(cobblestone_reader_open(r, from, len, sealed, &out), LL_OK);
	CHECK(slice_eq(buf_slice(&out), slice_sub(plain, from, len)));
	CHECK_INT(cobblestone_reader_open(r, from, len, slice_sub(sealed, 0, sealed.len - 1), &out),
		LL_ERR_SYNTAX);
}

static void
test_cobblestone_ranges(void)
{
	static uint8_t plain[100000];
	const uint8_t key[32] = {9};

	fill(plain, sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		CLEANUP(buf_done) struct buf sealed = BUF_INIT(OUT_MAX);
		struct slice all = slice_new(plain, lengths[i]);
		struct cobblestone_reader *r = NULL;
		struct cobblestone_range range;

		CHECK_INT(cobblestone_seal(key, S("c"), all, &sealed), LL_OK);
		CHECK_INT(cobblestone_reader_new(key, S("c"),
				  slice_sub(buf_slice(&sealed), 0, COBBLESTONE_HEADER_LEN),
				  sealed.len, &r),
			LL_OK);
		CHECK_INT(cobblestone_reader_len(r), all.len);
		check_range(r, buf_slice(&sealed), all, 0, all.len);
		check_range(r, buf_slice(&sealed), all, all.len, 0);
		for (int n = 0; n < 60; n++) {
			size_t from = next_random() % (all.len + 1);
			size_t len = next_random() % (all.len - from + 1);

			check_range(r, buf_slice(&sealed), all, from, len);
		}
		CHECK_INT(cobblestone_reader_range(r, all.len, 1, &range), LL_ERR_RANGE);
		CHECK_INT(cobblestone_reader_range(r, UINT64_MAX, 1, &range), LL_ERR_RANGE);
		CHECK_INT(cobblestone_reader_range(r, 1, UINT64_MAX, &range), LL_ERR_RANGE);
		cobblestone_reader_free(r);
	}
}

static void
check_refused(const uint8_t *key, struct slice context, struct slice sealed)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);

	buf_puts(&out, "before");
	CHECK(cobblestone_open(key, context, sealed, &out) < 0);
	CHECK_SLICE(buf_slice(&out), S("before"));
}

static void
test_cobblestone_altered(void)
{
	const uint8_t key[32] = {1}, other[32] = {2};
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(OUT_MAX);

	CHECK_INT(cobblestone_seal(key, S("context"), S("a small record"), &sealed), LL_OK);
	for (size_t i = 0; i < sealed.len * 8; i++) {
		sealed.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
		check_refused(key, S("context"), buf_slice(&sealed));
		sealed.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t len = 0; len < sealed.len; len++)
		check_refused(key, S("context"), slice_sub(buf_slice(&sealed), 0, len));
	check_refused(key, S("contexu"), buf_slice(&sealed));
	check_refused(key, S(""), buf_slice(&sealed));
	check_refused(other, S("context"), buf_slice(&sealed));
	buf_putc(&sealed, 0);
	check_refused(key, S("context"), buf_slice(&sealed));
}

/* A longer sealed form cut at chunk borders, and one whose output buffer is too small. */
static void
test_cobblestone_cut(void)
{
	static const uint8_t plain[50000];
	const uint8_t key[32] = {1};
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(OUT_MAX), tight = BUF_INIT(49999);

	CHECK_INT(cobblestone_seal(key, S(""), SLICE_OF(plain), &sealed), LL_OK);
	for (size_t chunks = 0; chunks < 4; chunks++)
		for (size_t more = 0; more <= 16; more += 16)
			check_refused(key, S(""),
				slice_sub(buf_slice(&sealed), 0, 56 + chunks * 16400 + more));
	CHECK_INT(cobblestone_open(key, S(""), buf_slice(&sealed), &tight), LL_ERR_LIMIT);
	CHECK_INT(cobblestone_seal(key, S(""), SLICE_OF(plain), &tight), LL_ERR_LIMIT);
}

static void
test_xwing(void)
{
	uint8_t seed[XWING_SEED_LEN], enc[XWING_ENC_LEN], sent[32], received[32];
	uint8_t pk[XWING_PUBLIC_LEN];
	struct xwing_public *public = NULL, *none = NULL;
	struct xwing_key *key = NULL;

	fill(seed, sizeof(seed));
	CHECK_INT(xwing_key_new(seed, &key), LL_OK);
	memcpy(pk, xwing_key_public(key), sizeof(pk));
	CHECK_INT(xwing_public_new(pk, &public), LL_OK);
	CHECK_INT(xwing_encaps(public, enc, sent), LL_OK);
	CHECK_INT(xwing_decaps(key, enc, received), LL_OK);
	CHECK(memcmp(sent, received, 32) == 0);
	for (size_t i = 0; i < sizeof(enc); i += 7) {
		enc[i] ^= 1;
		CHECK_INT(xwing_decaps(key, enc, received), LL_OK);
		CHECK(memcmp(sent, received, 32) != 0);
		enc[i] ^= 1;
	}
	memset(enc + MLKEM_ENC_LEN, 0, 32);
	CHECK_INT(xwing_decaps(key, enc, received), LL_ERR_AUTH);
	xwing_public_free(public);
	memset(pk + MLKEM_PUBLIC_LEN, 0, 32);
	CHECK_INT(xwing_public_new(pk, &public), LL_OK);
	CHECK_INT(xwing_encaps(public, enc, sent), LL_ERR_CRYPTO);
	memset(pk, 0xff, 3);
	CHECK_INT(xwing_public_new(pk, &none), LL_ERR_SYNTAX);
	CHECK(!none);
	xwing_public_free(public);
	xwing_key_free(key);
}

static void
test_hpke(void)
{
	CLEANUP(buf_done) struct buf one = BUF_INIT(1024), two = BUF_INIT(1024);
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
	uint8_t seed[XWING_SEED_LEN] = {3}, enc[XWING_ENC_LEN], a[32], b[32];
	CLEANUP(hpke_wipe) struct hpke s = {0}, r = {0}, wrong = {0};
	struct xwing_public *public = NULL;
	struct xwing_key *key = NULL;

	CHECK_INT(xwing_key_new(seed, &key), LL_OK);
	CHECK_INT(xwing_public_new(xwing_key_public(key), &public), LL_OK);
	CHECK_INT(hpke_sender(&s, public, S("info"), enc), LL_OK);
	CHECK_INT(hpke_receiver(&r, key, enc, S("info")), LL_OK);
	CHECK_INT(hpke_receiver(&wrong, key, enc, S("info2")), LL_OK);
	CHECK_INT(hpke_seal(&s, S("aad"), S("first"), &one), LL_OK);
	CHECK_INT(hpke_seal(&s, S("aad"), S("second"), &two), LL_OK);
	CHECK_INT(hpke_open(&r, S("aad"), buf_slice(&two), &out), LL_ERR_AUTH);
	CHECK_INT(hpke_open(&r, S("dda"), buf_slice(&one), &out), LL_ERR_AUTH);
	CHECK_INT(hpke_open(&wrong, S("aad"), buf_slice(&one), &out), LL_ERR_AUTH);
	CHECK_INT(out.len, 0);
	CHECK_INT(hpke_open(&r, S("aad"), buf_slice(&one), &out), LL_OK);
	CHECK_INT(hpke_open(&r, S("aad"), buf_slice(&two), &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("firstsecond"));
	CHECK_INT(hpke_export(&s, S("x"), a, 32), LL_OK);
	CHECK_INT(hpke_export(&r, S("x"), b, 32), LL_OK);
	CHECK(memcmp(a, b, 32) == 0);
	CHECK_INT(hpke_export(&r, S("y"), b, 32), LL_OK);
	CHECK(memcmp(a, b, 32) != 0);
	CHECK_INT(hpke_export(&r, S("y"), b, 255 * 32 + 1), LL_ERR_RANGE);
	xwing_public_free(public);
	xwing_key_free(key);
}

T_MAIN(T(test_sha3), T(test_shake_x4), T(test_hash_split), T(test_kdf_labels), T(test_ntt),
	T(test_ntt_range), T(test_compress), T(test_ed25519_rfc8032), T(test_ed25519_malleable),
	T(test_ed25519_strict), T(test_cobblestone_lengths), T(test_cobblestone_ranges),
	T(test_cobblestone_altered), T(test_cobblestone_cut), T(test_xwing), T(test_hpke))
