/* The folders of the other server: what they are for, how they are called here, which of them are
 * brought unless their owner says otherwise, and in which order. */
#include "faces/import_priv.h"

#include <string.h>

static enum mailbox_role
role_of(const struct imap_client_folder *f)
{
	static const struct {
		unsigned attribute;
		enum mailbox_role role;
	} roles[] = {{IMAP_ATTR_ALL, MAILBOX_ALL}, {IMAP_ATTR_ARCHIVE, MAILBOX_ARCHIVE},
		{IMAP_ATTR_DRAFTS, MAILBOX_DRAFTS}, {IMAP_ATTR_FLAGGED, MAILBOX_FLAGGED},
		{IMAP_ATTR_IMPORTANT, MAILBOX_IMPORTANT}, {IMAP_ATTR_JUNK, MAILBOX_JUNK},
		{IMAP_ATTR_SENT, MAILBOX_SENT}, {IMAP_ATTR_TRASH, MAILBOX_TRASH}};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (f->attributes & roles[i].attribute)
			return roles[i].role;
	return MAILBOX_NO_ROLE;
}

/* What stands before the names of folders without meaning anything. */
static struct slice
without_prefix(const struct imap_client_folder *f)
{
	static const struct slice prefixes[] = {S("INBOX"), S("[Gmail]"), S("[Google Mail]")};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		struct slice rest = slice_skip(f->name, prefixes[i].len);
		if (slice_istarts(f->name, prefixes[i]) && rest.len > 1 && f->delimiter &&
			rest.ptr[0] == (uint8_t)f->delimiter)
			return slice_skip(rest, 1);
	}
	return f->name;
}

/* With '/' between levels, whatever stands between them there. */
static struct slice
local_name(struct arena *arena, const struct imap_client_folder *f)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(8192);
	struct slice name = without_prefix(f);

	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		if (f->delimiter && c == (uint8_t)f->delimiter)
			c = '/';
		else if (c == '/' || c < ' ' || c == 0x7f)
			c = '-';
		buf_putc(&out, c);
	}
	return arena_dup(arena, buf_slice(&out));
}

static bool
role_taken(const struct import_run *r, enum mailbox_role role)
{
	for (size_t i = 0; i < r->job.n_folders; i++)
		if (r->job.folders[i].role == role)
			return true;
	return false;
}

/* Junk, what was thrown away, and views of what lies elsewhere are left where they are. At Gmail
 * everything has what was archived, and nothing else has it. */
static bool
brought(enum mailbox_role role, bool gmail)
{
	if (role == MAILBOX_ALL)
		return gmail;
	return role != MAILBOX_JUNK && role != MAILBOX_TRASH && role != MAILBOX_FLAGGED &&
		role != MAILBOX_IMPORTANT;
}

int
import_folder_add(struct import_run *r, const struct imap_client_folder *f, bool gmail)
{
	struct import_folder *to = &r->job.folders[r->job.n_folders];
	enum mailbox_role role = role_of(f);

	if (f->attributes & IMAP_ATTR_NOSELECT || import_folder_find(r, f->wire))
		return LL_OK;
	if (r->job.n_folders == IMPORT_FOLDERS_MAX)
		return LL_ERR_LIMIT;
	*to = (struct import_folder){
		.wire = arena_dup(&r->arena, f->wire), .name = local_name(&r->arena, f)};
	if (!to->wire.ptr || !to->name.ptr)
		return LL_ERR_LIMIT;
	if (role == MAILBOX_NO_ROLE)
		role = import_role_of_name(to->name);
	if (role != MAILBOX_NO_ROLE && !role_taken(r, role))
		to->role = role;
	to->bits = (brought(to->role, gmail) ? IMPORT_FOLDER_CHOSEN : 0u) |
		(to->role == MAILBOX_ALL ? IMPORT_FOLDER_ALL : 0u);
	r->job.n_folders++;
	return LL_OK;
}

struct import_folder *
import_folder_find(struct import_run *r, struct slice wire)
{
	for (size_t i = 0; i < r->job.n_folders; i++)
		if (slice_eq(r->job.folders[i].wire, wire))
			return &r->job.folders[i];
	return NULL;
}

static unsigned
rank(const struct import_folder *f)
{
	if (f->bits & IMPORT_FOLDER_ALL)
		return 3;
	return f->role == MAILBOX_INBOX ? 1 : 2;
}

struct import_folder *
import_folder_next(struct import_run *r)
{
	struct import_folder *best = NULL;

	for (size_t i = 0; i < r->job.n_folders; i++) {
		struct import_folder *f = &r->job.folders[i];
		bool open = (f->bits & IMPORT_FOLDER_CHOSEN) && !(f->bits & IMPORT_FOLDER_DONE);
		if (open && (!best || rank(f) < rank(best)))
			best = f;
	}
	return best;
}

/* ---- Gmail's labels ---- */

static bool
label_is(const struct import_folder *f, struct slice label)
{
	static const struct {
		struct slice label;
		enum mailbox_role role;
	} system[] = {{S("\\Inbox"), MAILBOX_INBOX}, {S("\\Sent"), MAILBOX_SENT},
		{S("\\Draft"), MAILBOX_DRAFTS}, {S("\\Drafts"), MAILBOX_DRAFTS},
		{S("\\Starred"), MAILBOX_FLAGGED}, {S("\\Important"), MAILBOX_IMPORTANT}};

	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		if (slice_ieq(label, system[i].label))
			return f->role == system[i].role;
	return slice_eq(label, f->name);
}

static bool
label_brought(const struct import_run *r, struct slice label)
{
	for (size_t i = 0; i < r->job.n_folders; i++) {
		const struct import_folder *f = &r->job.folders[i];
		if ((f->bits & IMPORT_FOLDER_CHOSEN) && !(f->bits & IMPORT_FOLDER_ALL) &&
			label_is(f, label))
			return true;
	}
	return false;
}

bool
import_labelled(const struct import_run *r, struct slice labels)
{
	CLEANUP(buf_done) struct buf label = BUF_INIT(8192);

	while (imap_client_label_next(&labels, &label))
		if (label_brought(r, buf_slice(&label)))
			return true;
	return false;
}
