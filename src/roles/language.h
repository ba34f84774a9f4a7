/* In which language the server writes to the owner of an account: one code, which is all it knows
 * of that. Who chose none has their domain's; else it is English. */
#ifndef ROLES_LANGUAGE_H
#define ROLES_LANGUAGE_H

#include "base/language.h"
#include "roles/directory.h"

/* What the account has of its own, or has by its domain; never LANGUAGE_NONE. */
enum language language_of(const struct directory_account *a);
/* The same of the account with that id; LANGUAGE_NONE when there is none. */
enum language language_of_id(const uint8_t account[RECORD_ID_LEN]);
/* What is set for the account, or the domain (A-labels, lower case); LANGUAGE_NONE: nothing. */
enum language language_account(const struct directory_account *a);
enum language language_domain(struct slice domain);
int language_account_set(const struct directory_account *a, enum language language) CHECKED;
int language_domain_set(struct slice domain, enum language language) CHECKED;

#endif
