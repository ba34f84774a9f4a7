/* The encoding of metadata, shared by the files that write and read it.
 *
 * Numbers are LEB128; an optional string is 0, or its length + 1 and its bytes; a list is its
 * count, its length in bytes, and its items. version, flags, size, header size, date and zone
 * (zigzag), envelope: date, subject, in-reply-to, message-id; from, sender, reply-to, to, cc, bcc,
 *   id, in-reply-to ids, references, list-id, preview, list of parts
 * address: kind, then of a mailbox name, route, local, domain; of a group name.
 * part: presence bits, kind | encoding << 2, depth, index - parent, children, descendants,
 *   header start, header length, body length, header lines, body lines, type, subtype, what the
 *   presence bits say, and the envelope of a message. */
#ifndef MAIL_META_CODE_H
#define MAIL_META_CODE_H

#include "mail/meta.h"

enum meta_presence {
	META_PART_ID = 1,
	META_PART_DESCRIPTION = 2,
	META_PART_ENCODING = 4,
	META_PART_MD5 = 8,
	META_PART_LOCATION = 16,
	META_PART_DISPOSITION = 32, /* and its parameters */
	META_PART_PARAMS = 64,
	META_PART_LANGUAGES = 128,
};

#define META_FLAGS_ALL 255u

/* Writers; s.ptr NULL is the missing string. */
int meta_put_string(struct buf *out, struct slice s);
int meta_put_list(struct buf *out, struct meta_list l);
int meta_put_fixed(struct buf *out, const struct message_meta *m);

/* The flags that follow from the tree alone. meta_flags.c */
uint32_t meta_tree_flags(const struct mime_tree *t);

/* The preview of a message whose parts are known. preview.c */
int meta_preview(struct buf *out, struct slice message, const struct message_meta *m);

#endif
