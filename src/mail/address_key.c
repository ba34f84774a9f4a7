/* The forms under which addresses are compared and looked up. */
#include "mail/address.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/icu.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#define DOMAIN_TEXT_MAX 1020 /* bytes of a U-label domain before it is converted */
#define LOCAL_UNITS 1024

static int
put_lower(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_putc(out, to_lower(s.ptr[i]));
	return buf_err(out);
}

static bool
is_literal(struct slice domain)
{
	return domain.len > 1 && domain.ptr[0] == '[' && domain.ptr[domain.len - 1] == ']';
}

static int
put_idn(struct buf *out, char *converted, int rc)
{
	int err = rc == IDN2_OK ? LL_OK : rc == IDN2_MALLOC ? LL_ERR_NOMEM : LL_ERR_SYNTAX;

	if (!err)
		err = buf_puts(out, converted);
	idn2_free(converted);
	return err;
}

static bool
domain_text(struct slice domain, char text[DOMAIN_TEXT_MAX + 1])
{
	if (!domain.len || domain.len > DOMAIN_TEXT_MAX || slice_find_byte(domain, 0) != SLICE_NPOS)
		return false;
	memcpy(text, domain.ptr, domain.len);
	text[domain.len] = '\0';
	return true;
}

/* A-labels of other people may be broken; ASCII is checked by IDNA only where it claims to be one.
 */
static bool
has_idna_label(struct slice domain)
{
	return !is_ascii(domain) || slice_istarts(domain, S("xn--")) ||
		slice_ifind(domain, S(".xn--")) != SLICE_NPOS;
}

int
address_domain_ascii(struct buf *out, struct slice domain)
{
	char text[DOMAIN_TEXT_MAX + 1], *converted = NULL;
	int rc;

	if (is_literal(domain))
		return put_lower(out, domain);
	if (!domain_text(domain, text))
		return LL_ERR_SYNTAX;
	if (!has_idna_label(domain)) {
		int err = address_domain_check(domain, 0);
		return err ? err : put_lower(out, domain);
	}
	rc = idn2_to_ascii_8z(text, &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc == IDN2_OK && address_domain_check(slice_str(converted), 0)) {
		idn2_free(converted);
		return LL_ERR_SYNTAX;
	}
	return put_idn(out, converted, rc);
}

int
address_domain_unicode(struct buf *out, struct slice domain)
{
	CLEANUP(buf_done) struct buf ascii = BUF_INIT(ADDRESS_DOMAIN_MAX + 1);
	char *converted = NULL;
	int err = address_domain_ascii(&ascii, domain), rc;

	if (err)
		return err;
	if (!has_idna_label(buf_slice(&ascii)))
		return buf_put(out, buf_slice(&ascii));
	if (buf_putc(&ascii, '\0'))
		return buf_err(&ascii);
	rc = idn2_to_unicode_8z8z((const char *)ascii.ptr, &converted, 0);
	return put_idn(out, converted, rc);
}

static int
put_folded(struct buf *out, struct slice s)
{
	UChar in[LOCAL_UNITS], folded[LOCAL_UNITS];
	char utf8[3 * LOCAL_UNITS];
	UErrorCode err = U_ZERO_ERROR;
	const UNormalizer2 *n;
	int32_t len = 0;

	mail_icu_init();
	n = unorm2_getNFKCCasefoldInstance(&err);
	u_strFromUTF8(in, LOCAL_UNITS, &len, (const char *)s.ptr, (int32_t)s.len, &err);
	len = unorm2_normalize(n, in, len, folded, LOCAL_UNITS, &err);
	u_strToUTF8(utf8, sizeof(utf8), &len, folded, len, &err);
	return U_SUCCESS(err) ? buf_put(out, slice_new(utf8, (size_t)len)) : LL_ERR_SYNTAX;
}

static int
address_local_fold(struct buf *out, struct slice local)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(LOCAL_UNITS);

	if (address_local_unquote(&plain, local))
		return LL_ERR_SYNTAX;
	if (!plain.len)
		return LL_ERR_SYNTAX;
	return is_ascii(buf_slice(&plain)) ? put_lower(out, buf_slice(&plain))
					   : put_folded(out, buf_slice(&plain));
}

int
address_key(struct buf *out, struct slice local, struct slice domain)
{
	size_t before = out->len;
	int err = address_local_fold(out, local);

	err = err ? err : buf_putc(out, '@');
	err = err ? err : address_domain_ascii(out, domain);
	if (err)
		buf_truncate(out, before);
	return err;
}

void
address_subaddress(
	struct slice local, uint8_t separator, struct slice *ret_user, struct slice *ret_detail)
{
	size_t n = slice_find_byte(local, separator);

	if (n == SLICE_NPOS || n == 0) {
		*ret_user = local;
		*ret_detail = SLICE_NONE;
		return;
	}
	*ret_user = slice_sub(local, 0, n);
	*ret_detail = slice_new(local.ptr + n + 1, local.len - n - 1);
}
