/* Imports as they are stored, and where their folders go (importing.h). */
#include "account/importing.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define IMPORT_VERSION 2

/* ---- Checks ---- */

static bool
text_ok(struct slice s, size_t max)
{
	return s.len <= max && utf8_valid(s) && !has_controls(s);
}

/* A name of the DNS; numbers alone would be an address. */
static bool
host_ok(struct slice s)
{
	bool letter = false;

	if (s.len > IMPORT_HOST_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.' && c != '_')
			return false;
		letter |= is_alpha(c);
	}
	return !s.len || (letter && s.ptr[0] != '.' && s.ptr[0] != '-');
}

const char *
import_check(const struct import_job *j)
{
	if (!host_ok(j->host))
		return "host";
	if (!j->user.len || !text_ok(j->user, IMPORT_USER_MAX))
		return "user";
	if (!j->port)
		return "port";
	if (j->n_folders > IMPORT_FOLDERS_MAX)
		return "folders";
	return NULL;
}

/* ---- Stored form ---- */

static void
folder_encode(const struct import_folder *f, struct buf *out)
{
	buf_put_blob(out, f->wire);
	buf_put_blob(out, f->name);
	buf_putc(out, (uint8_t)f->role);
	buf_putc(out, (uint8_t)f->bits);
	buf_put(out, SLICE_OF(f->target.b));
	buf_put_varint(out, f->uidvalidity);
	buf_put_varint(out, f->uid_done);
	buf_put_varint(out, f->total);
	buf_put_varint(out, f->added);
	buf_put_varint(out, f->found);
	buf_put_varint(out, f->skipped);
	buf_put_varint(out, f->late_added);
	buf_put_varint(out, f->late_found);
	buf_put_varint(out, f->late_skipped);
}

int
import_encode(const struct import_job *j, struct buf *out)
{
	if (import_check(j) || !text_ok(j->words, IMPORT_WORDS_MAX))
		return LL_ERR_LIMIT;
	buf_putc(out, IMPORT_VERSION);
	buf_putc(out, (uint8_t)j->phase);
	buf_putc(out, (uint8_t)j->error);
	buf_putc(out, j->starttls);
	buf_put_be16(out, j->port);
	buf_put_be64(out, (uint64_t)j->created);
	buf_put_blob(out, j->host);
	buf_put_blob(out, j->user);
	buf_put_blob(out, j->words);
	buf_put_varint(out, j->n_folders);
	for (size_t i = 0; i < j->n_folders; i++)
		folder_encode(&j->folders[i], out);
	return buf_err(out);
}

static uint32_t
number_read(struct reader *r)
{
	uint64_t n = reader_varint(r);

	if (n > UINT32_MAX)
		r->err = LL_ERR_CORRUPT;
	return (uint32_t)n;
}

static void
folder_read(struct reader *r, struct import_folder *f)
{
	f->wire = reader_blob(r);
	f->name = reader_blob(r);
	f->role = (enum mailbox_role)reader_u8(r);
	f->bits = reader_u8(r);
	reader_copy(r, f->target.b, STORE_ID_LEN);
	f->uidvalidity = number_read(r);
	f->uid_done = number_read(r);
	f->total = number_read(r);
	f->added = number_read(r);
	f->found = number_read(r);
	f->skipped = number_read(r);
	f->late_added = number_read(r);
	f->late_found = number_read(r);
	f->late_skipped = number_read(r);
	if (f->role >= MAILBOX_ROLES || (f->bits & ~(unsigned)IMPORT_FOLDER_BITS) ||
		f->late_found > f->found || f->late_skipped > f->skipped ||
		!text_ok(f->name, 2 * IMPORT_NAME_MAX) || f->wire.len > IMPORT_NAME_MAX)
		r->err = LL_ERR_CORRUPT;
}

int
import_decode(struct slice value, struct arena *arena, struct import_job *ret)
{
	struct reader r = reader_new(value);
	struct import_job j;
	uint64_t n;

	if (reader_u8(&r) != IMPORT_VERSION)
		return LL_ERR_UNSUPPORTED;
	j = (struct import_job){.phase = (enum import_phase)reader_u8(&r)};
	j.error = (enum import_error)reader_u8(&r);
	j.starttls = reader_u8(&r);
	j.port = reader_be16(&r);
	j.created = (int64_t)reader_be64(&r);
	j.host = reader_blob(&r);
	j.user = reader_blob(&r);
	j.words = reader_blob(&r);
	n = reader_varint(&r);
	if (r.err || n > IMPORT_FOLDERS_MAX || j.phase >= IMPORT_PHASES || j.error >= IMPORT_ERRORS)
		return LL_ERR_CORRUPT;
	j.folders = ARENA_ARRAY(arena, struct import_folder, n + 1);
	if (!j.folders)
		return LL_ERR_NOMEM;
	for (; j.n_folders < n; j.n_folders++)
		folder_read(&r, &j.folders[j.n_folders]);
	if (reader_end(&r) || import_check(&j) || !text_ok(j.words, IMPORT_WORDS_MAX))
		return LL_ERR_CORRUPT;
	*ret = j;
	return LL_OK;
}

int
import_load(struct account *a, struct store_id id, struct arena *arena, struct import_job *ret)
{
	const struct object *o;
	struct slice copy;
	int err = account_objects_load(a);

	if (err)
		return err;
	o = account_object(a, CHANGE_IMPORT, id);
	if (!o)
		return LL_ERR_NOTFOUND;
	copy = arena_dup(arena, o->value);
	return copy.ptr ? import_decode(copy, arena, ret) : LL_ERR_NOMEM;
}

int
import_store(struct account *a, struct store_id id, const struct import_job *j)
{
	CLEANUP(buf_done) struct buf value = BUF_SECRET(OBJECT_VALUE_MAX);
	struct object_change c = {.type = CHANGE_IMPORT, .id = id};
	int err = import_encode(j, &value);

	c.value = buf_slice(&value);
	return err ? err : account_objects_change(a, &c, 1);
}

/* ---- Where folders go ---- */

enum mailbox_role
import_role_of_name(struct slice name)
{
	static const struct {
		struct slice name;
		enum mailbox_role role;
	} usual[] = {{S("INBOX"), MAILBOX_INBOX}, {S("Sent"), MAILBOX_SENT},
		{S("Sent Items"), MAILBOX_SENT}, {S("Sent Messages"), MAILBOX_SENT},
		{S("Sent Mail"), MAILBOX_SENT}, {S("Gesendet"), MAILBOX_SENT},
		{S("Gesendete Elemente"), MAILBOX_SENT}, {S("Drafts"), MAILBOX_DRAFTS},
		{S("Draft"), MAILBOX_DRAFTS}, {S("Entw\xc3\xbcrfe"), MAILBOX_DRAFTS},
		{S("Brouillons"), MAILBOX_DRAFTS}, {S("Trash"), MAILBOX_TRASH},
		{S("Deleted Items"), MAILBOX_TRASH}, {S("Deleted Messages"), MAILBOX_TRASH},
		{S("Papierkorb"), MAILBOX_TRASH}, {S("Corbeille"), MAILBOX_TRASH},
		{S("Junk"), MAILBOX_JUNK}, {S("Junk E-mail"), MAILBOX_JUNK},
		{S("Spam"), MAILBOX_JUNK}, {S("Archive"), MAILBOX_ARCHIVE},
		{S("Archiv"), MAILBOX_ARCHIVE}, {S("Archives"), MAILBOX_ARCHIVE}};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (slice_ieq(name, usual[i].name))
			return usual[i].role;
	return MAILBOX_NO_ROLE;
}

static int
target_by_name(struct account *a, struct slice name, struct mailbox **ret)
{
	int err = account_mailbox(a, name, ret);

	return err == LL_ERR_NOTFOUND ? account_mailbox_create(a, name, MAILBOX_NO_ROLE, ret) : err;
}

int
import_target(struct account *a, const struct import_folder *f, struct mailbox **ret)
{
	static const struct store_id none;
	enum mailbox_role role = f->role == MAILBOX_ALL ? MAILBOX_ARCHIVE : f->role;
	struct mailbox *mb = NULL;
	int err;

	if (memcmp(f->target.b, none.b, STORE_ID_LEN))
		mb = account_mailbox_by_id(a, f->target);
	if (!mb && role != MAILBOX_NO_ROLE)
		mb = account_mailbox_by_role(a, role);
	if (mb) {
		*ret = mb;
		return LL_OK;
	}
	err = target_by_name(a, f->name, ret);
	/* A name that cannot be had here. */
	return err == LL_ERR_SYNTAX || err == LL_ERR_LIMIT ? target_by_name(a, S("Imported"), ret)
							   : err;
}
