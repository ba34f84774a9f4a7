/* Kept as settings of the directory, sealed like all of it: an account's under its id, a domain's
 * under what stands for one. */
#include "roles/language.h"
#include "base/error.h"
#include "mail/address.h"
#include "roles/auth.h"

#include <string.h>

#define SETTING "language"

static enum language
setting(const uint8_t id[RECORD_ID_LEN])
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(DIRECTORY_SETTING_MAX);
	enum language language = LANGUAGE_NONE;

	if (directory_setting(auth.directory, id, SETTING, &value) ||
		language_parse(buf_slice(&value), &language))
		return LANGUAGE_NONE;
	return language;
}

static int
setting_put(const uint8_t id[RECORD_ID_LEN], enum language language)
{
	int r = directory_setting_put(
		auth.directory, id, SETTING, slice_str(language_code(language)));

	if (r == LL_OK)
		session_owners_changed();
	return r;
}

static void
domain_id(struct slice domain, uint8_t ret[RECORD_ID_LEN])
{
	uint8_t name[32];

	directory_name(auth.keys, "language", domain, name);
	memcpy(ret, name, RECORD_ID_LEN);
}

enum language
language_account(const struct directory_account *a)
{
	return setting(a->id);
}

enum language
language_domain(struct slice domain)
{
	uint8_t id[RECORD_ID_LEN];

	domain_id(domain, id);
	return setting(id);
}

int
language_account_set(const struct directory_account *a, enum language language)
{
	return setting_put(a->id, language);
}

int
language_domain_set(struct slice domain, enum language language)
{
	uint8_t id[RECORD_ID_LEN];

	domain_id(domain, id);
	return setting_put(id, language);
}

enum language
language_of(const struct directory_account *a)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256);
	struct slice address = slice_str(a->address);
	enum language language = language_account(a);

	if (!language &&
		address_domain_ascii(
			&domain, slice_skip(address, slice_rfind_byte(address, '@') + 1)) == LL_OK)
		language = language_domain(buf_slice(&domain));
	return language ? language : LANGUAGE_ENGLISH;
}

enum language
language_of_id(const uint8_t account[RECORD_ID_LEN])
{
	struct directory_account a;

	return directory_account(auth.directory, account, &a) ? LANGUAGE_NONE : language_of(&a);
}
