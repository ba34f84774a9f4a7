/* The owner's state. Only for account_*.c. */
#ifndef KEYS_OWNER_PRIV_H
#define KEYS_OWNER_PRIV_H

#include "keys/account_owner.h"
#include "keys/account_priv.h"
#include "keys/grant.h"

struct owner_secrets {
	uint8_t root[RECORD_KEY_LEN];
	struct ed25519_key identity;
};

/* An unlocker's public key, in the order of the manifest's list. */
struct owner_public {
	uint8_t bytes[XWING_PUBLIC_LEN];
};

struct account_owner {
	struct manifest *m; /* as it will be signed; m->seq is the next one's */
	struct account_pin pin; /* of the last one, when there was one */
	bool exists, changed;
	struct owner_secrets *secrets; /* in secret memory */
	struct keyring keyring;
	struct owner_public publics[MANIFEST_UNLOCKERS_MAX];
	struct key_changes puts, deletions;
};

/* Appends copies. */
int key_changes_add(struct key_changes *c, enum key_change_kind kind, const struct account_key *key,
	struct slice value) CHECKED;
int key_changes_delete(struct key_changes *c, struct account_key key) CHECKED;
/* Everything that the store holds of an unlocker. */
int owner_delete_records(const struct manifest *m, const struct manifest_unlocker *u,
	struct key_changes *ret) CHECKED;

/* Takes an unlocker off the lists and its records out of the store. */
int owner_remove(struct account_owner *o, size_t at) CHECKED;
/* Puts one grant into o->puts. */
int owner_grant(struct account_owner *o, struct record_sender *to, const uint8_t *unlocker,
	enum record_area area, uint32_t version, const uint8_t key[RECORD_KEY_LEN]) CHECKED;
/* The public key of an area's newest secret goes into the manifest. */
int owner_publish(struct account_owner *o, const struct area_secret *secret) CHECKED;
size_t owner_root_unlockers(const struct manifest *m);

#endif
