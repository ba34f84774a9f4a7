/* One account over a store of records that a test may alter, with the secrets of all its unlockers.
 */
#ifndef TESTS_UNIT_KEYS_WORLD_H
#define TESTS_UNIT_KEYS_WORLD_H

#include "keys/owner_priv.h"

#define NOW 1800000000
#define MAIL SCOPE_AREA(RECORD_AREA_MAIL)
#define CALENDAR SCOPE_AREA(RECORD_AREA_CALENDAR)

/* One account with its unlockers' secrets. */
struct world {
	uint8_t account[RECORD_ID_LEN];
	struct key_records store;
	struct account_pin pin;
	struct account_owner *owner;
	uint8_t export_key[OPAQUE_HASH_LEN], record[OPAQUE_RECORD_LEN];
	struct verifier password, recovery, mail, both, send;
	struct app_password recovery_code, mail_text, both_text, send_text;
};

void world_init(struct world *w);
void world_done(struct world *w);
/* Signs what the owner has changed, and puts it into the store. */
int world_commit(struct world *w);
/* What it takes to unlock with this secret of the unlocker. */
struct account_open world_open(
	const struct world *w, const struct verifier *v, struct slice secret);
/* Unlocks as auth does: the password finds its verifier, and the ClientKey opens. */
int world_unlock(const struct world *w, const struct verifier *v, const struct app_password *text);
/* The same with these records and this pin, which may be NULL. */
int world_unlock_in(const struct world *w, const struct key_records *records,
	const struct account_pin *pin, const struct verifier *v, const struct app_password *text,
	struct account_unlocked **ret);

/* What an OPAQUE registration leaves: any valid record will do here. */
void fake_registration(uint8_t record[OPAQUE_RECORD_LEN], uint8_t export_key[OPAQUE_HASH_LEN]);

/* A record by its key; NULL if there is none. */
struct key_record *records_find(struct key_records *s, struct slice key);
void records_del(struct key_records *s, struct slice key);
/* key and value may be views of what is replaced. */
void records_put(struct key_records *s, struct slice key, struct slice value);
void records_copy(struct key_records *to, const struct key_records *from);
/* The changes in order, each its own commit, as the worst case allows. */
int records_apply(struct key_records *s, const struct key_changes *c);

#endif
