/* App passwords and recovery codes are 26 random characters; the last group of five is one longer.
 */
#include "keys/app_password.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include <sodium.h>
#include <string.h>

#define GROUP 5
#define GROUPS 5

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
app_password_make(struct app_password *ret)
{
	uint8_t random[APP_PASSWORD_LEN];

	randombytes_buf(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		ret->text[i] = alphabet[random[i] % 32];
	ret->text[APP_PASSWORD_LEN] = '\0';
	secret_wipe(random, sizeof(random));
}

/* The character of the alphabet that was meant, 0 for one that is skipped, or -1. */
static int
normal_char(uint8_t typed)
{
	uint8_t c = to_upper(typed);

	if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return 0;
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c && memchr(alphabet, c, sizeof(alphabet) - 1) ? c : -1;
}

int
app_password_parse(struct slice typed, struct app_password *ret)
{
	struct app_password p;
	size_t n = 0;
	int err = typed.len <= APP_PASSWORD_INPUT_MAX ? LL_OK : LL_ERR_SYNTAX;

	for (size_t i = 0; i < typed.len && !err; i++) {
		int c = normal_char(typed.ptr[i]);

		if (c < 0 || (c > 0 && n == APP_PASSWORD_LEN))
			err = LL_ERR_SYNTAX;
		else if (c > 0)
			p.text[n++] = (char)c;
	}
	if (!err && n != APP_PASSWORD_LEN)
		err = LL_ERR_SYNTAX;
	if (!err) {
		p.text[n] = '\0';
		*ret = p;
	}
	secret_wipe(&p, sizeof(p));
	return err;
}

void
app_password_group(const struct app_password *p, char ret_text[APP_PASSWORD_GROUPED_LEN + 1])
{
	size_t at = 0;

	for (size_t i = 0; i < APP_PASSWORD_LEN; i++) {
		if (i && i % GROUP == 0 && i / GROUP < GROUPS)
			ret_text[at++] = '-';
		ret_text[at++] = p->text[i];
	}
	ret_text[at] = '\0';
}

bool
app_password_matches(const struct app_password *p, struct slice typed)
{
	struct app_password q;
	bool same = app_password_parse(typed, &q) == LL_OK &&
		secret_eq(p->text, q.text, APP_PASSWORD_LEN);

	secret_wipe(&q, sizeof(q));
	return same;
}

struct slice
app_password_slice(const struct app_password *p)
{
	return slice_new(p->text, APP_PASSWORD_LEN);
}
