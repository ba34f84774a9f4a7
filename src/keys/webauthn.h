/* Passkeys: what the server checks of a WebAuthn registration and assertion (WebAuthn level 3,
 * sections 7.1 and 7.2). Attestation statements are not asked for and not looked at.
 *
 * The client data is compared as bytes, by the limited verification algorithm of section 5.8.1.2,
 * so that no JSON is parsed here. */
#ifndef KEYS_WEBAUTHN_H
#define KEYS_WEBAUTHN_H

#include "base/slice.h"

#define WEBAUTHN_CHALLENGE_LEN 32
#define WEBAUTHN_ID_MAX 1023
#define WEBAUTHN_KEY_MAX 600 /* a COSE key as it came: RSA with 4096 bits is the largest */

/* What a ceremony must be about. The origin is https, the host is rp_id, on any port. */
struct webauthn_expect {
	struct slice rp_id;
	const uint8_t *challenge;
};

struct webauthn_credential {
	struct slice id, key; /* views into the attestation object; key: COSE */
	uint32_t counter;
};

/* Registration. The user was verified, the key is an ES256, EdDSA (Ed25519) or RS256 key that can
 * be used. LL_ERR_SYNTAX (malformed), LL_ERR_AUTH (of another ceremony, user not verified),
 * LL_ERR_UNSUPPORTED (the key's algorithm). */
int webauthn_register(const struct webauthn_expect *e, struct slice client_data,
	struct slice attestation_object, struct webauthn_credential *ret) CHECKED;

/* Assertion with a registered key and the counter known of it; *ret_counter is to be remembered.
 * LL_ERR_AUTH also when the signature is wrong, or the counter did not rise: then a copy of the
 * authenticator is in use. */
int webauthn_assert(const struct webauthn_expect *e, struct slice key, uint32_t counter,
	struct slice client_data, struct slice authenticator_data, struct slice signature,
	uint32_t *ret_counter) CHECKED;

#endif
