/* The text of app passwords and recovery codes: 130 random bits as 26 Crockford base32 characters.
 *
 * The normal form is 26 upper-case characters without hyphens and spaces; keys are always derived
 * from it. A mail program that uses SCRAM derives from what its user typed, and no server can undo
 * that: so what a user is told to paste is the normal form, and groups are for reading and for
 * paper. With PLAIN and HTTP Basic the server normalises, and either form works. */
#ifndef KEYS_APP_PASSWORD_H
#define KEYS_APP_PASSWORD_H

#include "base/slice.h"

#define APP_PASSWORD_LEN 26
#define APP_PASSWORD_GROUPED_LEN (APP_PASSWORD_LEN + 4)
/* Longest input that is looked at. */
#define APP_PASSWORD_INPUT_MAX 128

struct app_password {
	char text[APP_PASSWORD_LEN + 1]; /* normal form, NUL-terminated; wipe after use */
};

void app_password_make(struct app_password *ret);
/* Normal form of what was typed: either case, I and L as 1, O as 0, hyphens and spaces left out.
 * LL_ERR_SYNTAX when it is no such password. */
int app_password_parse(struct slice typed, struct app_password *ret) CHECKED;
/* XXXXX-XXXXX-XXXXX-XXXXX-XXXXXX, NUL-terminated, to be read. */
void app_password_group(const struct app_password *p, char ret_text[APP_PASSWORD_GROUPED_LEN + 1]);
/* Whether what was typed back is this password; constant time. */
bool app_password_matches(const struct app_password *p, struct slice typed);
struct slice app_password_slice(const struct app_password *p);

#endif
