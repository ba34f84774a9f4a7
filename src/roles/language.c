/* Kept as settings of the directory, sealed like all of it: an account's under its id, a domain's
 * under what stands for one. */
#include "roles/language.h"
#include "base/error.h"
#include "mail/address.h"
#include "roles/auth.h"

#include <string.h>

#define SETTING "language"

static const char *const codes[] = {WEB_WORDS_LANGUAGE};

int
language_parse(struct slice code, enum web_language *ret)
{
	if (slice_ieq(code, S("none")))
		code = S("");
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (slice_ieq(code, slice_str(codes[i]))) {
			*ret = (enum web_language)i;
			return LL_OK;
		}
	return LL_ERR_SYNTAX;
}

const char *
language_code(enum web_language language)
{
	return (size_t)language < ARRAY_SIZE(codes) ? codes[language] : "";
}

static enum web_language
setting(const uint8_t id[RECORD_ID_LEN])
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(DIRECTORY_SETTING_MAX);
	enum web_language language = WEB_LANGUAGE_NONE;

	if (directory_setting(auth.directory, id, SETTING, &value) ||
		language_parse(buf_slice(&value), &language))
		return WEB_LANGUAGE_NONE;
	return language;
}

static int
setting_put(const uint8_t id[RECORD_ID_LEN], enum web_language language)
{
	return directory_setting_put(
		auth.directory, id, SETTING, slice_str(language_code(language)));
}

static void
domain_id(struct slice domain, uint8_t ret[RECORD_ID_LEN])
{
	uint8_t name[32];

	directory_name(auth.keys, "language", domain, name);
	memcpy(ret, name, RECORD_ID_LEN);
}

enum web_language
language_account(const struct directory_account *a)
{
	return setting(a->id);
}

enum web_language
language_domain(struct slice domain)
{
	uint8_t id[RECORD_ID_LEN];

	domain_id(domain, id);
	return setting(id);
}

int
language_account_set(const struct directory_account *a, enum web_language language)
{
	return setting_put(a->id, language);
}

int
language_domain_set(struct slice domain, enum web_language language)
{
	uint8_t id[RECORD_ID_LEN];

	domain_id(domain, id);
	return setting_put(id, language);
}

enum web_language
language_of(const struct directory_account *a)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256);
	struct slice address = slice_str(a->address);
	enum web_language language = language_account(a);

	if (!language &&
		address_domain_ascii(
			&domain, slice_skip(address, slice_rfind_byte(address, '@') + 1)) == LL_OK)
		language = language_domain(buf_slice(&domain));
	return language ? language : WEB_ENGLISH;
}
