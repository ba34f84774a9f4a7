/* Times the suites: the fastest of several rounds, since the machine is shared. */
#include "base/buf.h"
#include "base/secret.h"
#include "keys/hpke.h"
#include "keys/kdf.h"
#include "keys/mlkem.h"
#include "keys/record.h"
#include "keys/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7
#define ROUND_NS 60e6
#define LARGE ((size_t)16 << 20)

static struct bench {
	uint8_t seed[64], enc[XWING_ENC_LEN], secret[32], sig[ED25519_SIG_LEN];
	struct mlkem_key mlkem_key;
	struct mlkem_public mlkem_public;
	struct xwing_key *key;
	struct xwing_public *public;
	struct hpke hpke;
	struct ed25519_key ed;
	struct record_sender *sender;
	struct record_opener *opener;
	struct record_header header;
	struct buf out, sealed, record;
	uint8_t *plain;
	size_t len;
} b;

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
round_ns(void (*run)(void))
{
	double start = now_ns(), spent;
	unsigned n = 0;

	do {
		run();
		n++;
		spent = now_ns() - start;
	} while (spent < ROUND_NS);
	return spent / n;
}

static void
must(int err)
{
	if (err) {
		fprintf(stderr, "error %d\n", err);
		exit(1);
	}
}

static void
mlkem_keygen_once(void)
{
	mlkem_keygen(&b.mlkem_key, &b.mlkem_public, b.seed);
}

static void
mlkem_import_once(void)
{
	uint8_t encoded[MLKEM_PUBLIC_LEN];

	memcpy(encoded, b.mlkem_public.encoded, sizeof(encoded));
	must(mlkem_public_init(&b.mlkem_public, encoded));
}

static void
mlkem_encaps_once(void)
{
	mlkem_encaps(&b.mlkem_public, b.seed, b.enc, b.secret);
}

static void
mlkem_decaps_once(void)
{
	mlkem_decaps(&b.mlkem_key, &b.mlkem_public, b.enc, b.secret);
}

static void
xwing_keygen_once(void)
{
	xwing_key_free(b.key);
	must(xwing_key_new(b.seed, &b.key));
}

static void
xwing_import_once(void)
{
	xwing_public_free(b.public);
	must(xwing_public_new(xwing_key_public(b.key), &b.public));
}

static void
xwing_encaps_once(void)
{
	must(xwing_encaps(b.public, b.enc, b.secret));
}

static void
xwing_decaps_once(void)
{
	must(xwing_decaps(b.key, b.enc, b.secret));
}

static void
hpke_send_once(void)
{
	b.sealed.len = 0;
	must(hpke_sender(&b.hpke, b.public, S("info"), b.enc));
	must(hpke_seal(&b.hpke, SLICE_NONE, slice_new(b.plain, 64), &b.sealed));
}

static void
hpke_receive_once(void)
{
	b.out.len = 0;
	must(hpke_receiver(&b.hpke, b.key, b.enc, S("info")));
	must(hpke_open(&b.hpke, SLICE_NONE, buf_slice(&b.sealed), &b.out));
}

static void
seal_once(void)
{
	b.sealed.len = 0;
	must(cobblestone_seal(b.seed, S("context"), slice_new(b.plain, b.len), &b.sealed));
}

static void
open_once(void)
{
	b.out.len = 0;
	must(cobblestone_open(b.seed, S("context"), buf_slice(&b.sealed), &b.out));
}

static void
record_seal_once(void)
{
	b.record.len = 0;
	b.header.kind = RECORD_OBJECT;
	must(record_sym_seal(b.seed, &b.header, slice_new(b.plain, b.len), &b.record));
}

static void
record_open_once(void)
{
	const struct record_want want = {b.header, 0};

	b.out.len = 0;
	must(record_sym_open(b.seed, &want, buf_slice(&b.record), NULL, &b.out));
}

static void
deliver_once(void)
{
	if (!record_sender_fresh(b.sender, 0))
		must(record_sender_renew(b.sender, 0));
	b.record.len = 0;
	b.header.kind = RECORD_DELIVERED;
	must(record_kem_seal(b.sender, &b.header, slice_new(b.plain, b.len), &b.record));
}

static void
admit_once(void)
{
	const struct record_want want = {b.header, 0};

	b.out.len = 0;
	must(record_kem_open(b.opener, &want, buf_slice(&b.record), NULL, &b.out));
}

static void
ed25519_sign_once(void)
{
	ed25519_sign(&b.ed, slice_new(b.plain, 200), b.sig);
}

static void
ed25519_verify_once(void)
{
	must(ed25519_verify(b.ed.public, slice_new(b.plain, 200), b.sig));
}

static void
derive_once(void)
{
	kdf_derive(b.seed, "label", b.secret, 32);
}

static void
sha256_once(void)
{
	hash_sha256(slice_new(b.plain, b.len), b.secret);
}

static const struct measure {
	const char *name;
	void (*run)(void);
	size_t len; /* bytes of plaintext, where that matters */
} measures[] = {
	{"ML-KEM-768 keygen", mlkem_keygen_once, 0},
	{"ML-KEM-768 public key import", mlkem_import_once, 0},
	{"ML-KEM-768 encaps", mlkem_encaps_once, 0},
	{"ML-KEM-768 decaps", mlkem_decaps_once, 0},
	{"X-Wing key from seed", xwing_keygen_once, 0},
	{"X-Wing public key import", xwing_import_once, 0},
	{"X-Wing encaps", xwing_encaps_once, 0},
	{"X-Wing decaps", xwing_decaps_once, 0},
	{"HPKE send 64 bytes", hpke_send_once, 0},
	{"HPKE receive 64 bytes", hpke_receive_once, 0},
	{"Ed25519 sign 200 bytes", ed25519_sign_once, 0},
	{"Ed25519 verify 200 bytes", ed25519_verify_once, 0},
	{"HKDF-Expand to 32 bytes", derive_once, 0},
	{"SHA-256 of 1 MiB", sha256_once, (size_t)1 << 20},
	{"Cobblestone seal", seal_once, 200},
	{"Cobblestone open", open_once, 200},
	{"Cobblestone seal", seal_once, 16000},
	{"Cobblestone open", open_once, 16000},
	{"Cobblestone seal", seal_once, LARGE},
	{"Cobblestone open", open_once, LARGE},
	{"SYM record seal", record_seal_once, 200},
	{"SYM record open", record_open_once, 200},
	{"DELIVERED record seal, in bursts", deliver_once, 1500},
	{"DELIVERED record open, of a burst", admit_once, 1500},
};

int
main(void)
{
	b.out = b.sealed = b.record = BUF_INIT(2 * LARGE);
	b.plain = calloc(1, LARGE);
	must(b.plain ? suites_init() : -1);
	ed25519_key_init(&b.ed, b.seed);
	must(record_opener_new(b.seed, &b.opener));
	must(record_sender_new(record_opener_public(b.opener), 0, &b.sender));
	for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		const struct measure *m = &measures[i];
		double best = 1e18;

		b.len = m->len;
		for (int round = 0; round < ROUNDS; round++) {
			double ns = round_ns(m->run);

			best = ns < best ? ns : best;
		}
		printf("%-36s %8zu bytes %10.2f us", m->name, m->len, best / 1e3);
		if (m->len >= 1000)
			printf(" %8.2f GB/s", (double)m->len / best);
		putchar('\n');
	}
	return 0;
}
