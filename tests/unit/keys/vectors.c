/* Runs every published vector set that a folder holds: once over the excerpts kept beside this
 * file, and, when LETTERLOCK_VECTORS names the folder of the whole sets, over all of them. */
#include "base/error.h"
#include "base/secret.h"
#include "json.h"
#include "keys/aead.h"
#include "keys/cobblestone.h"
#include "keys/hpke.h"
#include "keys/kdf.h"
#include "keys/mlkem.h"
#include "keys/record.h"
#include "keys/suites.h"
#include "t.h"

#include <zlib.h>

#define FILE_MAX ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)1 << 30)
#define SKIPPED 77

/* One case; g is its group. Returns false when the case is not for our suite. */
typedef bool case_fn(struct arena *a, const struct json *g, const struct json *t);

static bool
is_valid(const struct json *t)
{
	return slice_eq(json_text(t, "result"), S("valid"));
}

static bool
run_hmac(enum hash_kind kind, struct arena *a, const struct json *g, const struct json *t)
{
	uint8_t tag[HASH_MAX_LEN];
	struct slice want = json_hex(a, t, "tag");

	hmac_once(kind, json_hex(a, t, "key"), json_hex(a, t, "msg"), tag);
	CHECK_INT(want.len, json_number(g, "tagSize") / 8);
	CHECK(slice_eq(slice_new(tag, want.len), want) == is_valid(t));
	return true;
}

static bool
case_hmac_sha256(struct arena *a, const struct json *g, const struct json *t)
{
	return run_hmac(HASH_SHA256, a, g, t);
}

static bool
case_hmac_sha512(struct arena *a, const struct json *g, const struct json *t)
{
	return run_hmac(HASH_SHA512, a, g, t);
}

static bool
run_hkdf(enum hash_kind kind, struct arena *a, const struct json *t)
{
	uint8_t prk[HASH_MAX_LEN], *out;
	struct slice info = json_hex(a, t, "info"), want = json_hex(a, t, "okm");
	size_t size = (size_t)json_number(t, "size");
	int err;

	out = arena_alloc(a, size);
	hkdf_extract(kind, json_hex(a, t, "salt"), json_hex(a, t, "ikm"), prk);
	err = hkdf_expand(kind, slice_new(prk, hash_len(kind)), &info, 1, out, size);
	CHECK((err == LL_OK) == is_valid(t));
	if (is_valid(t))
		CHECK(slice_eq(slice_new(out, size), want));
	return true;
}

static bool
case_hkdf_sha256(struct arena *a, const struct json *g, const struct json *t)
{
	return run_hkdf(HASH_SHA256, a, t);
}

static bool
case_hkdf_sha512(struct arena *a, const struct json *g, const struct json *t)
{
	return run_hkdf(HASH_SHA512, a, t);
}

static bool
case_aes_gcm(struct arena *a, const struct json *g, const struct json *t)
{
	struct slice key = json_hex(a, t, "key"), iv = json_hex(a, t, "iv");
	struct slice msg = json_hex(a, t, "msg"), aad = json_hex(a, t, "aad");
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(FILE_MAX);
	struct aead *aead;
	uint8_t *out;

	if (key.len != AEAD_KEY_LEN || iv.len != AEAD_NONCE_LEN)
		return false;
	buf_put(&sealed, json_hex(a, t, "ct"));
	buf_put(&sealed, json_hex(a, t, "tag"));
	out = arena_alloc(a, sealed.len);
	aead = aead_new(AEAD_AES_256_GCM, false, key.ptr);
	CHECK((aead_open(aead, iv.ptr, aad, buf_slice(&sealed), out) == LL_OK) == is_valid(t));
	if (is_valid(t))
		CHECK(slice_eq(slice_new(out, msg.len), msg));
	aead_free(aead);
	aead = aead_new(AEAD_AES_256_GCM, true, key.ptr);
	CHECK_INT(aead_seal(aead, iv.ptr, aad, msg, out), LL_OK);
	CHECK(slice_eq(slice_new(out, sealed.len), buf_slice(&sealed)) == is_valid(t));
	aead_free(aead);
	return true;
}

static bool
case_mlkem_keygen(struct arena *a, const struct json *g, const struct json *t)
{
	struct slice seed = json_hex(a, t, "seed"), dk = json_hex(a, t, "dk");
	static struct mlkem_public public;
	struct mlkem_key key;
	uint8_t s[MLKEM_K * POLY_BYTES];

	if (seed.len != MLKEM_SEED_LEN) {
		CHECK(!is_valid(t));
		return true;
	}
	mlkem_keygen(&key, &public, seed.ptr);
	CHECK(slice_eq(SLICE_OF(public.encoded), json_hex(a, t, "ek")));
	for (size_t i = 0; i < MLKEM_K; i++) {
		poly_reduce(&key.s.p[i]);
		poly_encode(s + i * POLY_BYTES, &key.s.p[i]);
	}
	/* dk = s || ek || H(ek) || z */
	CHECK_INT(dk.len, sizeof(s) + MLKEM_PUBLIC_LEN + 64);
	CHECK(slice_eq(slice_sub(dk, 0, sizeof(s)), SLICE_OF(s)));
	CHECK(slice_eq(slice_sub(dk, sizeof(s) + MLKEM_PUBLIC_LEN, 32), SLICE_OF(public.hash)));
	CHECK(slice_eq(slice_skip(dk, dk.len - 32), SLICE_OF(key.z)));
	return true;
}

static bool
case_mlkem_encaps(struct arena *a, const struct json *g, const struct json *t)
{
	struct slice ek = json_hex(a, t, "ek"), m = json_hex(a, t, "m");
	uint8_t enc[MLKEM_ENC_LEN], secret[MLKEM_SECRET_LEN];
	static struct mlkem_public public;
	bool good = ek.len == MLKEM_PUBLIC_LEN && m.len == MLKEM_COINS_LEN &&
		mlkem_public_init(&public, ek.ptr) == LL_OK;

	CHECK(good == is_valid(t));
	if (!good)
		return true;
	mlkem_encaps(&public, m.ptr, enc, secret);
	CHECK(slice_eq(SLICE_OF(enc), json_hex(a, t, "c")));
	CHECK(slice_eq(SLICE_OF(secret), json_hex(a, t, "K")));
	return true;
}

static bool
case_mlkem_decaps(struct arena *a, const struct json *g, const struct json *t)
{
	struct slice seed = json_hex(a, t, "seed"), c = json_hex(a, t, "c");
	static struct mlkem_public public;
	struct mlkem_key key;
	uint8_t secret[MLKEM_SECRET_LEN];
	bool good = seed.len == MLKEM_SEED_LEN && c.len == MLKEM_ENC_LEN;

	CHECK(good == is_valid(t));
	if (!good)
		return true;
	mlkem_keygen(&key, &public, seed.ptr);
	CHECK(slice_eq(SLICE_OF(public.encoded), json_hex(a, t, "ek")));
	mlkem_decaps(&key, &public, c.ptr, secret);
	CHECK(slice_eq(SLICE_OF(secret), json_hex(a, t, "K")));
	return true;
}

/* Our keys are seeds, so a decapsulation key in the expanded form is taken apart here. */
static bool
mlkem_import(struct mlkem_key *key, struct mlkem_public *public, struct slice dk)
{
	const uint8_t *ek = dk.ptr + MLKEM_K * POLY_BYTES;

	if (dk.len != MLKEM_K * POLY_BYTES + MLKEM_PUBLIC_LEN + 64)
		return false;
	for (size_t i = 0; i < MLKEM_K; i++)
		if (!poly_decode(&key->s.p[i], dk.ptr + i * POLY_BYTES))
			return false;
	memcpy(key->z, dk.ptr + dk.len - 32, 32);
	return mlkem_public_init(public, ek) == LL_OK &&
		memcmp(public->hash, dk.ptr + dk.len - 64, 32) == 0;
}

static bool
case_mlkem_expanded(struct arena *a, const struct json *g, const struct json *t)
{
	struct slice c = json_hex(a, t, "c");
	static struct mlkem_public public;
	struct mlkem_key key;
	uint8_t secret[MLKEM_SECRET_LEN];
	bool good = mlkem_import(&key, &public, json_hex(a, t, "dk")) && c.len == MLKEM_ENC_LEN;

	CHECK(good == is_valid(t));
	if (!good)
		return true;
	mlkem_decaps(&key, &public, c.ptr, secret);
	CHECK(slice_eq(SLICE_OF(secret), json_hex(a, t, "K")));
	return true;
}

/* The sets store the chunked ciphertexts deflated. */
static bool
inflate_all(struct slice in, struct buf *out)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
	int rc = inflateInit(&z);

	while (rc == Z_OK) {
		z.next_out = buf_room(out, 65536);
		z.avail_out = 65536;
		if (!z.next_out)
			break;
		rc = inflate(&z, Z_NO_FLUSH);
		buf_grow(out, 65536 - z.avail_out);
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END;
}

static void
check_resealed(const uint8_t *key, struct slice ctx, struct slice sealed, struct slice plain)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(FILE_MAX);

	CHECK_INT(cobblestone_seal_salt(key, sealed.ptr, ctx, plain, &again), LL_OK);
	CHECK(slice_eq(buf_slice(&again), sealed));
	CHECK_INT(cobblestone_sealed_len(plain.len), sealed.len);
}

/* Invalid sets name the length and hash of the longest prefix that is genuine: parts may be read.
 */
static void
check_prefix(const uint8_t *key, const struct json *t, struct slice ctx, struct slice sealed,
	struct slice digest)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(FILE_MAX);
	struct cobblestone_reader *r = NULL;
	struct cobblestone_range range;
	uint64_t len = json_number(t, "msgLength");
	uint8_t got[HASH_SHA512_LEN];
	int err;

	if (!digest.ptr || cobblestone_reader_new(key, ctx, sealed, sealed.len, &r) != LL_OK)
		return;
	CHECK_INT(cobblestone_reader_range(r, 0, len, &range), LL_OK);
	err = cobblestone_reader_open(
		r, 0, len, slice_sub(sealed, (size_t)range.offset, (size_t)range.len), &out);
	/* What ends where the message claims to end is read with the final chunk, which is bad. */
	if (len == cobblestone_reader_len(r)) {
		CHECK_INT(err, LL_ERR_AUTH);
		cobblestone_reader_free(r);
		return;
	}
	CHECK_INT(err, LL_OK);
	hash_sha512(buf_slice(&out), got);
	CHECK(slice_eq(SLICE_OF(got), digest));
	cobblestone_reader_free(r);
}

static bool
case_cobblestone(struct arena *a, const struct json *g, const struct json *t)
{
	struct slice key = json_hex(a, t, "key"), ctx = json_hex(a, t, "ctx");
	struct slice digest = json_hex(a, t, "msgSha512");
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	uint8_t got[HASH_SHA512_LEN];
	int err;

	CHECK(inflate_all(json_hex(a, t, "ct"), &sealed));
	if (key.len != COBBLESTONE_KEY_LEN) {
		CHECK(!is_valid(t));
		return true;
	}
	err = cobblestone_open(key.ptr, ctx, buf_slice(&sealed), &out);
	CHECK((err == LL_OK) == is_valid(t));
	if (err) {
		CHECK_INT(out.len, 0);
		check_prefix(key.ptr, t, ctx, buf_slice(&sealed), digest);
		return true;
	}
	hash_sha512(buf_slice(&out), got);
	CHECK_INT(out.len, json_number(t, "msgLength"));
	CHECK(slice_eq(SLICE_OF(got), digest));
	check_resealed(key.ptr, ctx, buf_slice(&sealed), buf_slice(&out));
	return true;
}

/* The set has one list of cases without groups. */
static void
check_hpke_messages(
	struct arena *a, struct hpke *sender, struct hpke *receiver, const struct json *t)
{
	JSON_EACH(e, json_get(t, "encryptions"))
	{
		CLEANUP(buf_done) struct buf sealed = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
		struct slice aad = json_hex(a, e, "aad"), pt = json_hex(a, e, "pt");

		CHECK_INT(hpke_seal(sender, aad, pt, &sealed), LL_OK);
		CHECK(slice_eq(buf_slice(&sealed), json_hex(a, e, "ct")));
		CHECK_INT(hpke_open(receiver, aad, buf_slice(&sealed), &out), LL_OK);
		CHECK(slice_eq(buf_slice(&out), pt));
	}
	JSON_EACH(e, json_get(t, "exports"))
	{
		struct slice want = json_hex(a, e, "exported_value");
		uint8_t out[64];

		CHECK_INT(want.len, json_number(e, "L"));
		CHECK(want.len <= sizeof(out));
		CHECK_INT(hpke_export(receiver, json_hex(a, e, "exporter_context"), out, want.len),
			LL_OK);
		CHECK(slice_eq(slice_new(out, want.len), want));
	}
}

static void
check_xwing(struct arena *a, const struct json *t)
{
	struct slice seed = json_hex(a, t, "skRm"), pk = json_hex(a, t, "pkRm");
	struct slice enc = json_hex(a, t, "enc"), want = json_hex(a, t, "shared_secret");
	uint8_t got_enc[XWING_ENC_LEN], secret[XWING_SECRET_LEN];
	struct xwing_key *key = NULL;
	struct xwing_public *public = NULL;

	CHECK_INT(xwing_key_new(seed.ptr, &key), LL_OK);
	CHECK(slice_eq(slice_new(xwing_key_public(key), XWING_PUBLIC_LEN), pk));
	CHECK_INT(xwing_public_new(pk.ptr, &public), LL_OK);
	CHECK_INT(xwing_encaps_coins(public, json_hex(a, t, "ikmE").ptr, got_enc, secret), LL_OK);
	CHECK(slice_eq(SLICE_OF(got_enc), enc));
	CHECK(slice_eq(SLICE_OF(secret), want));
	memset(secret, 0, sizeof(secret));
	CHECK_INT(xwing_decaps(key, enc.ptr, secret), LL_OK);
	CHECK(slice_eq(SLICE_OF(secret), want));
	xwing_public_free(public);
	xwing_key_free(key);
}

static bool
case_hpke(struct arena *a, const struct json *g, const struct json *t)
{
	struct hpke sender, receiver;
	enum hpke_aead aead = (enum hpke_aead)json_number(t, "aead_id");

	if (json_number(t, "kem_id") != HPKE_KEM_XWING)
		return false;
	check_xwing(a, t);
	if (json_number(t, "kdf_id") != HPKE_KDF_HKDF_SHA256 ||
		(aead != HPKE_AES_256_GCM && aead != HPKE_CHACHA20_POLY1305))
		return true;
	hpke_schedule(&sender, aead, json_hex(a, t, "shared_secret").ptr, json_hex(a, t, "info"));
	receiver = sender;
	CHECK(slice_eq(SLICE_OF(sender.key), json_hex(a, t, "key")));
	CHECK(slice_eq(SLICE_OF(sender.nonce), json_hex(a, t, "base_nonce")));
	CHECK(slice_eq(SLICE_OF(sender.exporter), json_hex(a, t, "exporter_secret")));
	check_hpke_messages(a, &sender, &receiver, t);
	return true;
}

static struct record_want
record_of(struct arena *a, const struct json *t)
{
	struct record_want want = {.header = {
					   .kind = (enum record_kind)json_number(t, "kind"),
					   .area = (enum record_area)json_number(t, "area"),
					   .part = (uint16_t)json_number(t, "part"),
					   .keyver = (uint32_t)json_number(t, "keyver"),
					   .rev = json_number(t, "rev"),
				   }};

	memcpy(want.header.account, json_hex(a, t, "account").ptr, RECORD_ID_LEN);
	memcpy(want.header.collection, json_hex(a, t, "collection").ptr, RECORD_ID_LEN);
	memcpy(want.header.object, json_hex(a, t, "object").ptr, RECORD_ID_LEN);
	memcpy(want.header.author, json_hex(a, t, "author").ptr, RECORD_ID_LEN);
	return want;
}

static int
record_open(enum record_suite suite, const uint8_t *key, const struct record_want *want,
	struct slice record, struct buf *out)
{
	struct record_opener *opener = NULL;
	struct slice body;
	int err;

	if (suite == RECORD_SYM)
		return record_sym_open(key, want, record, NULL, out);
	if (suite == RECORD_SIG) {
		err = record_sig_open(key, want, record, NULL, &body);
		return err ? err : buf_put(out, body);
	}
	CHECK_INT(record_opener_new(key, &opener), LL_OK);
	err = record_kem_open(opener, want, record, NULL, out);
	record_opener_free(opener);
	return err;
}

/* Our own format, written once: what is stored today must open for ever, and in every language. The
 * fields are what is asked for; key is a symmetric key, an X-Wing seed or a public key. */
static bool
case_record(struct arena *a, const struct json *g, const struct json *t)
{
	const struct record_want want = record_of(a, t);
	CLEANUP(buf_done) struct buf out = BUF_INIT(FILE_MAX);
	int err = record_open((enum record_suite)json_number(t, "suite"), json_hex(a, t, "key").ptr,
		&want, json_hex(a, t, "record"), &out);

	CHECK_SLICE(slice_str(record_kind_name(want.header.kind)), json_text(t, "name"));
	CHECK((err == LL_OK) == is_valid(t));
	if (err)
		CHECK_INT(out.len, 0);
	else
		CHECK(slice_eq(buf_slice(&out), json_hex(a, t, "plain")));
	return true;
}

static const struct set {
	const char *file;
	case_fn *run;
	bool ours; /* stands only beside this file */
} sets[] = {
	{"letterlock/records.json", case_record, true},
	{"wycheproof/hmac_sha256_test.json", case_hmac_sha256},
	{"wycheproof/hmac_sha512_test.json", case_hmac_sha512},
	{"wycheproof/hkdf_sha256_test.json", case_hkdf_sha256},
	{"wycheproof/hkdf_sha512_test.json", case_hkdf_sha512},
	{"wycheproof/aes_gcm_test.json", case_aes_gcm},
	{"wycheproof/mlkem_768_keygen_seed_test.json", case_mlkem_keygen},
	{"wycheproof/mlkem_768_encaps_test.json", case_mlkem_encaps},
	{"wycheproof/mlkem_768_test.json", case_mlkem_decaps},
	{"wycheproof/mlkem_768_semi_expanded_decaps_test.json", case_mlkem_expanded},
	{"wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json", case_cobblestone},
	{"hpke/hpke-pq.json", case_hpke},
};

static bool
read_file(const char *folder, const char *file, struct buf *out)
{
	CLEANUP(buf_done) struct buf path = BUF_INIT(4096);
	FILE *f;
	size_t n = 0;

	buf_printf(&path, "%s/%s", folder, file);
	buf_putc(&path, 0);
	f = fopen((const char *)path.ptr, "rb");
	if (!f)
		return false;
	do {
		uint8_t *at = buf_room(out, 65536);

		n = at ? fread(at, 1, 65536, f) : 0;
		buf_grow(out, n);
	} while (n);
	fclose(f);
	return true;
}

/* Cases of a set that were for our suites. */
static unsigned
run_cases(struct arena *a, const struct set *set, const struct json *doc)
{
	const struct json *groups = json_get(doc, "testGroups");
	unsigned ran = 0;

	if (!groups) {
		JSON_EACH(t, doc)
		ran += set->run(a, NULL, t);
		return ran;
	}
	JSON_EACH(g, groups)
	JSON_EACH(t, json_get(g, "tests"))
	{
		int before = t_failed;

		ran += set->run(a, g, t);
		if (t_failed != before)
			fprintf(stderr, "in %s case %u\n", set->file,
				(unsigned)json_number(t, "tcId"));
	}
	return ran;
}

static void
run_set(const char *folder, const struct set *set)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_BYTES);
	struct json *doc =
		read_file(folder, set->file, &text) ? json_parse(&a, buf_slice(&text)) : NULL;
	unsigned ran = doc ? run_cases(&a, set, doc) : 0;

	CHECK(ran > 0);
	printf("%4u cases of %s\n", ran, set->file);
}

int
main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : getenv("LETTERLOCK_VECTORS");

	if (!folder || !*folder) {
		puts("LETTERLOCK_VECTORS does not name the folder of the published sets");
		return SKIPPED;
	}
	CHECK_INT(suites_init(), LL_OK);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (argc > 1 || !sets[i].ours)
			run_set(folder, &sets[i]);
	return t_failed != 0;
}
