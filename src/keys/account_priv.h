/* What opening and owning an account share. Only for account_*.c. */
#ifndef KEYS_ACCOUNT_PRIV_H
#define KEYS_ACCOUNT_PRIV_H

#include "keys/account_keys.h"
#include "keys/anchor.h"
#include "keys/keyring.h"

/* account_manifest with the identity key from elsewhere; pin may be NULL. */
int account_manifest_under(const uint8_t account[RECORD_ID_LEN],
	const uint8_t identity[ED25519_PUBLIC_LEN], const struct account_pin *pin,
	const struct key_records *records, struct manifest **ret,
	struct account_pin *ret_pin) CHECKED;

/* An unlocker that has proved itself: anchor opened, manifest verified, entry and public key fit.
 */
struct account_entry {
	struct anchor anchor;
	struct manifest *manifest;
	struct account_pin pin;
	struct record_opener *opener; /* of U_kem */
};
void account_entry_done(struct account_entry *e);
/* ret is untouched on failure. */
int account_enter(const struct account_open *open, struct account_entry *ret) CHECKED;
/* Root from its grant and the keyring from Root, with the identity key derived again and every area
 * secret checked. LL_ERR_DENIED when the unlocker is not a Root unlocker. */
int account_open_keyring(const struct account_entry *e, const struct key_records *records,
	uint8_t ret_root[RECORD_KEY_LEN], struct keyring *ret) CHECKED;

#endif
