/* The owner's side of an account: sign-up, unlockers, rotation. Runs in the owner's client, here
 * the command line, never in a process of the server, because it holds Root and the identity
 * key.
 *
 *	account_owner_new or account_owner_open
 *	account_owner_add_... / _revoke / _rotate, in any number
 *	account_owner_commit -> changes to write -> account_owner_free
 *
 * Sign-up with a password: account_owner_new; opaque_client_register_start -> auth answers ->
 * opaque_client_register_finish -> account_owner_add_password; account_owner_add_recovery and let
 * the owner type the code back; account_owner_commit; verifiers go to auth. */
#ifndef KEYS_ACCOUNT_OWNER_H
#define KEYS_ACCOUNT_OWNER_H

#include "keys/account_keys.h"
#include "keys/app_password.h"
#include "keys/verifier.h"

struct account_owner;

/* Wipes; NULL is accepted. */
void account_owner_free(struct account_owner *o);
void account_owner_cleanup(struct account_owner **o);

/* A call below that fails with LL_ERR_NOMEM, _LIMIT or _CRYPTO may have done a part of its work:
 * free the owner then, and open again. */

/* A new account: Root, identity key and one key per area, all random. Nothing opens it until an
 * unlocker is added. */
int account_owner_new(
	const uint8_t account[RECORD_ID_LEN], int64_t now, struct account_owner **ret) CHECKED;
/* Opens an existing one through a Root unlocker; checks as account_unlock does, and further the
 * keyring against the manifest and every key in it against its public half. Needs all records under
 * "k/" except verifiers. App passwords that the administrator has deleted are taken off.
 * LL_ERR_DENIED when the unlocker is not a Root unlocker. */
int account_owner_open(const struct account_open *open, struct account_owner **ret) CHECKED;

/* The manifest as it stands, with changes made so far. */
const struct manifest *account_owner_manifest(const struct account_owner *o);
/* The name that an unlocker was given, or "". */
const char *account_owner_name(const struct account_owner *o, const uint8_t id[RECORD_ID_LEN]);

/* Keeps a further OpenPGP secret key (keyring.h) and lists its fingerprint of 20 or 32 bytes in the
 * manifest. LL_ERR_LIMIT, LL_ERR_SYNTAX. */
int account_owner_add_openpgp(
	struct account_owner *o, struct slice secret, struct slice fingerprint) CHECKED;

/* Each of the following gives the new unlocker a random id and fills a verifier for auth.
 * LL_ERR_LIMIT when there are MANIFEST_UNLOCKERS_MAX. */

/* A password, from its OPAQUE registration. Replaces every password unlocker there was; with rotate
 * new versions of Root and all areas are made, so that the old password with an old copy of the
 * disk opens nothing that comes later. */
int account_owner_add_password(struct account_owner *o, const uint8_t record[OPAQUE_RECORD_LEN],
	const uint8_t export_key[OPAQUE_HASH_LEN], bool rotate, int64_t now,
	struct verifier *ret) CHECKED;
/* A recovery code; replaces the one there was. Show app_password_group of it, and commit only after
 * app_password_matches what its owner typed back. */
int account_owner_add_recovery(struct account_owner *o, int64_t now, struct app_password *ret_code,
	struct verifier *ret) CHECKED;
/* An app password with a scope of areas (may be 0: send only, then it is granted nothing) and
 * protocols (not 0). name: at most UNLOCK_NAME_MAX bytes of UTF-8 for lists. LL_ERR_RANGE for a
 * scope that is none; Root is never possible. */
int account_owner_add_app(struct account_owner *o, const struct scope *scope, struct slice name,
	int64_t now, struct app_password *ret_password, struct verifier *ret) CHECKED;

/* The same with a given password, as app_password_parse gives it: for moving accounts here without
 * a change in their owners' mail programs, and for tests. Its 130 bits must have been random. */
int account_owner_add_app_text(struct account_owner *o, const struct scope *scope,
	struct slice name, int64_t now, const struct app_password *password,
	struct verifier *ret) CHECKED;

/* Removes an unlocker; the areas of its scope (for a Root unlocker: Root and all areas) are rotated
 * when asked for. LL_ERR_NOTFOUND; LL_ERR_STATE for the last Root unlocker. */
int account_owner_revoke(
	struct account_owner *o, const uint8_t id[RECORD_ID_LEN], bool rotate) CHECKED;
/* A new version of each named area's key (SCOPE_ROOT: of Root, too), granted to the public keys of
 * all unlockers that have it in scope. LL_ERR_LIMIT after MANIFEST_VERSIONS_MAX. */
int account_owner_rotate(struct account_owner *o, unsigned areas) CHECKED;

/* Writes to the account's partition, in this order and in as many store commits as their sizes
 * need: the manifest's, which is a STORE_PUT_NEW, is what takes effect; puts before it overwrite
 * nothing and are harmless without it, deletions after it may be repeated. LL_ERR_EXISTS from the
 * store means that another client was faster: free the owner and open again. */
enum key_change_kind { KEY_PUT, KEY_PUT_NEW, KEY_DELETE };
struct key_change {
	enum key_change_kind kind;
	uint8_t *mem;
	struct slice key, value;
};
struct key_changes {
	VEC(struct key_change) v;
};
void key_changes_done(struct key_changes *c);

/* Seals a new keyring, signs the next manifest. ret_pin is what auth and the client remember. The
 * owner may go on afterwards, provided that the changes were stored. LL_ERR_STATE when nothing
 * changed or no Root unlocker exists. */
int account_owner_commit(struct account_owner *o, int64_t now, struct key_changes *ret,
	struct account_pin *ret_pin) CHECKED;

/* Revocation of an app password by the administrator, without the owner: what to delete so that it
 * opens nothing more. The manifest lists it until its owner's next change, which account_owner_open
 * prepares: the unlocker is off the list and its areas are rotated. LL_ERR_NOTFOUND; LL_ERR_DENIED
 * for other types. */
int account_forget_unlocker(
	const struct manifest *m, const uint8_t id[RECORD_ID_LEN], struct key_changes *ret) CHECKED;

#endif
