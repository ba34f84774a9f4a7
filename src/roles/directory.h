/* Who lives here: domains, addresses and accounts, as auth knows them. Stored in the directory
 * partition with HMACs for names and sealed values, so that the disk does not tell who has an
 * account. Auth is the only writer, so that its cache is never stale. Calls block on the store. */
#ifndef ROLES_DIRECTORY_H
#define ROLES_DIRECTORY_H

#include "keys/account_keys.h"
#include "keys/server_keys.h"
#include "store/store.h"

#define DIRECTORY_ADDRESS_MAX 512
#define DIRECTORY_TARGETS_MAX 100
#define DIRECTORY_ALIAS_DEPTH 8

struct directory_account {
	uint8_t id[RECORD_ID_LEN];
	char address[DIRECTORY_ADDRESS_MAX]; /* as it is shown; the lookup key is derived from it */
	bool disabled;
	uint64_t quota; /* bytes; 0: none */
	int64_t created;
	struct account_pin pin;
	uint32_t seal_version; /* of the mail area; 0: not known yet */
	uint8_t seal_public[XWING_PUBLIC_LEN];
};

/* An address: an account's, or an alias of other addresses. */
struct directory_alias {
	size_t n;
	char targets[DIRECTORY_TARGETS_MAX][DIRECTORY_ADDRESS_MAX];
};

struct directory;

/* Neither store nor keys are owned. NULL without memory. */
struct directory *directory_new(struct store *s, const struct directory_keys *keys);
void directory_free(struct directory *d);
/* The store handle changed (a new store process). */
void directory_set_store(struct directory *d, struct store *s);

/* LL_OK when the domain is ours; LL_ERR_NOTFOUND, LL_ERR_SYNTAX, errors of the store. */
int directory_domain(struct directory *d, struct slice domain) CHECKED;
int directory_domain_add(struct directory *d, struct slice domain) CHECKED; /* LL_ERR_EXISTS */
/* One A-label name per line, sorted. */
int directory_domains(struct directory *d, struct buf *ret_lines) CHECKED;

/* Finds what one address means: the address itself, without its subaddress, then the domain's
 * catch-all "@domain". Exactly one of ret_account (filled, *ret_is_account true) and ret_alias is
 * set. LL_ERR_NOTFOUND: ours but unknown; LL_ERR_DENIED: not one of our domains. */
int directory_find(struct directory *d, struct slice address, bool *ret_is_account,
	struct directory_account *ret_account, struct directory_alias *ret_alias) CHECKED;

/* Follows aliases to their ends: calls found for every local account (at most once each) and for
 * every outside address. LL_ERR_NOTFOUND when nothing is there; a target that does not exist is
 * passed over when others do. */
typedef int directory_found(
	void *ctx, const struct directory_account *account, struct slice outside);
int directory_resolve(
	struct directory *d, struct slice address, directory_found *found, void *ctx) CHECKED;

int directory_account(struct directory *d, const uint8_t id[RECORD_ID_LEN],
	struct directory_account *ret) CHECKED;
/* New account under its address; LL_ERR_EXISTS, LL_ERR_DENIED (not our domain). */
int directory_account_add(struct directory *d, const struct directory_account *a) CHECKED;
/* Rewrites state, quota, pin and seal key. LL_ERR_NOTFOUND. */
int directory_account_put(struct directory *d, const struct directory_account *a) CHECKED;
/* Deletes the account's entry and address. Its partition and aliases are the caller's care. */
int directory_account_delete(struct directory *d, const struct directory_account *a) CHECKED;
/* All accounts, in no order. */
typedef int directory_row(void *ctx, const struct directory_account *a);
int directory_accounts(struct directory *d, directory_row *row, void *ctx) CHECKED;

/* Makes or replaces an alias; address may be "@domain" (catch-all). LL_ERR_EXISTS when an account
 * has the address, LL_ERR_DENIED when the domain is not ours. n 0 removes it. */
int directory_alias_set(
	struct directory *d, struct slice address, const struct slice *targets, size_t n) CHECKED;
/* "alias target" lines. */
int directory_aliases(struct directory *d, struct buf *ret_lines) CHECKED;

/* What one account may write as besides its own address: every alias that its mail comes by, one a
 * line; "@domain" for a catch-all. At most DIRECTORY_OWN_MAX bytes of them. */
#define DIRECTORY_OWN_MAX ((size_t)32 << 10)
int directory_own(
	struct directory *d, const uint8_t account[RECORD_ID_LEN], struct buf *ret_lines) CHECKED;

/* What auth keeps of one account besides, sealed like everything here: values under short names
 * (letters), at most DIRECTORY_SETTING_MAX bytes. LL_ERR_NOTFOUND. An empty value removes it. */
#define DIRECTORY_SETTING_MAX ((size_t)60000)
int directory_setting(struct directory *d, const uint8_t account[RECORD_ID_LEN], const char *name,
	struct buf *ret) CHECKED;
bool directory_has_setting(
	struct directory *d, const uint8_t account[RECORD_ID_LEN], const char *name);
int directory_setting_put(struct directory *d, const uint8_t account[RECORD_ID_LEN],
	const char *name, struct slice value) CHECKED;

/* Whose key stands under a name of the domain's Web Key Directory (mail/pgp_key.h). account NULL
 * removes the entry. LL_ERR_NOTFOUND. */
int directory_wkd(struct directory *d, struct slice domain, struct slice hash,
	uint8_t ret_account[RECORD_ID_LEN]) CHECKED;
int directory_wkd_put(struct directory *d, struct slice domain, struct slice hash,
	const uint8_t *account) CHECKED;

/* A folded lookup key of an address, or LL_ERR_SYNTAX. */
int directory_key(struct slice address, struct buf *ret) CHECKED;

#endif
