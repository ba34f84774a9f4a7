/* Mailbox names and roles. */
#include "account/engine.h"

#include "base/text.h"

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

static const char *const role_attributes[MAILBOX_ROLES] = {
	[MAILBOX_DRAFTS] = "\\Drafts",
	[MAILBOX_SENT] = "\\Sent",
	[MAILBOX_ARCHIVE] = "\\Archive",
	[MAILBOX_JUNK] = "\\Junk",
	[MAILBOX_TRASH] = "\\Trash",
	[MAILBOX_ALL] = "\\All",
	[MAILBOX_FLAGGED] = "\\Flagged",
	[MAILBOX_IMPORTANT] = "\\Important",
	[MAILBOX_SNOOZED] = "\\Snoozed",
};

const char *
mailbox_role_attribute(enum mailbox_role role)
{
	return role < MAILBOX_ROLES ? role_attributes[role] : NULL;
}

/* Appends the NFC form of UTF-8 that is valid. */
static int
nfc_put(struct buf *out, struct slice s)
{
	UErrorCode u = U_ZERO_ERROR;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&u);
	UChar in[MAILBOX_NAME_MAX], norm[3 * MAILBOX_NAME_MAX];
	char text[3 * sizeof(norm) / sizeof(norm[0])];
	int32_t n, m, len;

	if (is_ascii(s))
		return buf_put(out, s);
	u_strFromUTF8(in, ARRAY_SIZE(in), &n, (const char *)s.ptr, (int32_t)s.len, &u);
	m = unorm2_normalize(nfc, in, n, norm, ARRAY_SIZE(norm), &u);
	u_strToUTF8(text, (int32_t)sizeof(text), &len, norm, m, &u);
	if (U_FAILURE(u) && u != U_STRING_NOT_TERMINATED_WARNING)
		return LL_ERR_SYNTAX;
	return buf_put(out, slice_new(text, (size_t)len));
}

static bool
level_ok(struct slice level)
{
	return level.len && !slice_eq(level, S(".")) && !slice_eq(level, S(".."));
}

/* No control characters, C1 included, no line or paragraph separators, no noncharacters. */
static bool
characters_ok(struct slice s)
{
	while (s.len) {
		size_t n;
		uint32_t c = utf8_get(s, &n);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
			(c & 0xfffe) == 0xfffe)
			return false;
		s = slice_skip(s, n);
	}
	return true;
}

static int
levels_check(struct slice name)
{
	size_t depth = 0;
	struct slice rest = name;

	if (!name.len || name.ptr[name.len - 1] == '/')
		return LL_ERR_SYNTAX;
	while (rest.len) {
		if (!level_ok(slice_split(&rest, '/')))
			return LL_ERR_SYNTAX;
		if (++depth > MAILBOX_DEPTH_MAX)
			return LL_ERR_LIMIT;
	}
	return LL_OK;
}

int
mailbox_name_normalise(struct buf *out, struct slice name)
{
	CLEANUP(buf_done) struct buf nfc = BUF_INIT((size_t)8 * MAILBOX_NAME_MAX);
	struct slice rest, first;
	int err;

	if (name.len > MAILBOX_NAME_MAX)
		return LL_ERR_LIMIT;
	if (!utf8_valid(name) || !characters_ok(name))
		return LL_ERR_SYNTAX;
	err = nfc_put(&nfc, name);
	if (!err)
		err = levels_check(buf_slice(&nfc));
	if (err)
		return err;
	if (nfc.len > MAILBOX_NAME_MAX)
		return LL_ERR_LIMIT;
	rest = buf_slice(&nfc);
	first = slice_split(&rest, '/');
	if (!slice_ieq(first, S("INBOX")))
		return buf_put(out, buf_slice(&nfc));
	buf_put(out, S("INBOX"));
	return buf_put(out, slice_skip(buf_slice(&nfc), first.len));
}
