/* Suite 0x03: HPKE base mode (RFC 9180) with X-Wing, HKDF-SHA256 and AES-256-GCM.
 *
 *	CLEANUP(hpke_wipe) struct hpke h;
 *	hpke_sender(&h, public, info, enc); hpke_seal(&h, aad, plain, out);      one side
 *	hpke_receiver(&h, key, enc, info);  hpke_open(&h, aad, sealed, out);     the other
 *
 * Messages of one context are sealed and opened in the same order. */
#ifndef KEYS_HPKE_H
#define KEYS_HPKE_H

#include "base/buf.h"
#include "keys/xwing.h"

#define HPKE_KEM_XWING 0x647a
#define HPKE_KDF_HKDF_SHA256 0x0001
#define HPKE_TAG_LEN 16

/* The suite uses AES-256-GCM alone; the other is there because the published vectors use it. */
enum hpke_aead { HPKE_AES_256_GCM = 0x0002, HPKE_CHACHA20_POLY1305 = 0x0003 };

/* On the stack with CLEANUP(hpke_wipe), or in secret memory. */
struct hpke {
	enum hpke_aead aead;
	uint8_t key[32], nonce[12], exporter[32];
	uint64_t seq;
};

void hpke_wipe(struct hpke *h);

/* A fresh encapsulation to public; enc is to be sent along. Errors of xwing_encaps. */
int hpke_sender(struct hpke *ret_h, const struct xwing_public *public, struct slice info,
	uint8_t ret_enc[XWING_ENC_LEN]) CHECKED;
/* Errors of xwing_decaps. A wrong enc or info shows only when a message fails to open. */
int hpke_receiver(struct hpke *ret_h, const struct xwing_key *key, const uint8_t enc[XWING_ENC_LEN],
	struct slice info) CHECKED;
/* The key schedule (RFC 9180 section 5.1) alone, for one encapsulation with several infos. */
void hpke_schedule(struct hpke *ret_h, enum hpke_aead aead,
	const uint8_t shared_secret[XWING_SECRET_LEN], struct slice info);

/* Appends ciphertext and tag. LL_ERR_NOMEM, LL_ERR_LIMIT, LL_ERR_CRYPTO. */
int hpke_seal(struct hpke *h, struct slice aad, struct slice plain, struct buf *out) CHECKED;
/* Appends the plaintext; on failure (LL_ERR_AUTH) out is as it was. */
int hpke_open(struct hpke *h, struct slice aad, struct slice sealed, struct buf *out) CHECKED;
/* RFC 9180 section 5.3; LL_ERR_RANGE above 255 * 32 bytes. */
int hpke_export(
	const struct hpke *h, struct slice context, uint8_t *ret_out, size_t out_len) CHECKED;

#endif
