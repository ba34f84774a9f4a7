/* What kind of message a tree is: attachments, signatures, encryption, invitations. */
#include "mail/meta_code.h"

static bool
type_is(const struct mime_part *p, const char *type, const char *subtype)
{
	return slice_ieq(p->content.type, slice_str(type)) &&
		(!subtype || slice_ieq(p->content.subtype, slice_str(subtype)));
}

static bool
has_name(const struct mime_part *p)
{
	static const char *const names[] = {"filename", "filename*", "filename*0", "filename*0*"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (mime_param_raw(&p->disposition.params, slice_str(names[i])).ptr)
			return true;
	return mime_param_raw(&p->content.params, S("name")).ptr != NULL;
}

/* Signatures and the parts of encrypted messages are no files to a person. */
static bool
is_machinery(const struct mime_part *p)
{
	static const char *const subtypes[] = {"pgp-signature", "pkcs7-signature",
		"x-pkcs7-signature", "pkcs7-mime", "x-pkcs7-mime", "pgp-encrypted"};

	for (size_t i = 0; i < ARRAY_SIZE(subtypes); i++)
		if (type_is(p, "application", subtypes[i]))
			return true;
	return false;
}

static bool
is_attachment(const struct mime_tree *t, const struct mime_part *p)
{
	const struct mime_part *up = &t->parts[p->parent];

	if (p->kind == MIME_MULTIPART || is_machinery(p) || type_is(up, "multipart", "encrypted"))
		return false;
	if (p->kind == MIME_MESSAGE || slice_ieq(p->disposition.type, S("attachment")))
		return true;
	if (type_is(up, "multipart", "related") && (p->id.ptr || type_is(p, "image", NULL)))
		return false;
	return !type_is(p, "text", NULL) || has_name(p);
}

static uint32_t
root_flags(const struct mime_part *root)
{
	struct slice smime = mime_param_raw(&root->content.params, S("smime-type"));
	bool pkcs7 = type_is(root, "application", "pkcs7-mime") ||
		type_is(root, "application", "x-pkcs7-mime");

	if (type_is(root, "multipart", "encrypted") ||
		(pkcs7 && !slice_ieq(smime, S("signed-data"))))
		return META_ENCRYPTED;
	return pkcs7 || type_is(root, "multipart", "signed") ? META_SIGNED : 0;
}

uint32_t
meta_tree_flags(const struct mime_tree *t)
{
	uint32_t flags = root_flags(&t->parts[0]);

	flags |= t->damaged ? META_DAMAGED : 0u;
	flags |= t->truncated ? META_TRUNCATED : 0u;
	for (uint32_t i = 0; i < t->len; i++) {
		flags |= is_attachment(t, &t->parts[i]) ? META_HAS_ATTACHMENT : 0u;
		flags |= type_is(&t->parts[i], "text", "calendar") ? META_HAS_CALENDAR : 0u;
	}
	return flags;
}
