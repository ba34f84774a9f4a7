/* In which language the server writes to the owner of an account: one code, which is all it knows
 * of that. Who chose none has their domain's; else it is English. */
#ifndef ROLES_LANGUAGE_H
#define ROLES_LANGUAGE_H

#include "ipc/web.h"
#include "roles/directory.h"

/* A code like "de", or "" and "none" for WEB_LANGUAGE_NONE. LL_ERR_SYNTAX. */
int language_parse(struct slice code, enum web_language *ret) CHECKED;
/* "" for WEB_LANGUAGE_NONE. */
const char *language_code(enum web_language language);

/* What the account has of its own, or has by its domain; never WEB_LANGUAGE_NONE. */
enum web_language language_of(const struct directory_account *a);
/* What is set for the account, or the domain (A-labels, lower case); WEB_LANGUAGE_NONE: nothing. */
enum web_language language_account(const struct directory_account *a);
enum web_language language_domain(struct slice domain);
int language_account_set(const struct directory_account *a, enum web_language language) CHECKED;
int language_domain_set(struct slice domain, enum web_language language) CHECKED;

#endif
