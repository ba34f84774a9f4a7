/* Messages of the other server into the account: what is here already only gets its mailbox, the
 * rest comes in batches, each with a note of how far the work has come. */
#include "account/twin.h"
#include "faces/import_priv.h"

#include <string.h>

static struct mailbox *
target(const struct import_run *r)
{
	return account_mailbox_by_id(r->o.account, r->target);
}

/* ---- Counting ---- */

static void
count_added(struct import_run *r, uint32_t n)
{
	r->folder->added += n;
	r->folder->late_added += n;
}

/* What came before a break is found after it, and is counted already. */
static void
count_found(struct import_run *r)
{
	if (r->again) {
		r->again--;
		return;
	}
	r->folder->found++;
	r->folder->late_found++;
}

static void
count_skipped(struct import_run *r)
{
	r->folder->skipped++;
	r->folder->late_skipped++;
}

/* ---- What is here already ---- */

/* All mail is no place to be in: what lies elsewhere stays there. */
static int
note_found(struct import_run *r, uint32_t email)
{
	struct import_found *f = &r->found[r->n_found];
	struct mailbox *mb = target(r);
	const struct email_place *p;
	size_t n;

	count_found(r);
	if (!mb || (r->folder->bits & IMPORT_FOLDER_ALL) ||
		email_in_mailbox(r->o.account, email, mb))
		return LL_OK;
	for (size_t i = 0; i < r->n_found; i++)
		if (r->found[i].email == email)
			return LL_OK;
	if (r->n_found == IMPORT_CHUNK) /* told of more than it was asked for */
		return LL_OK;
	f->email = email;
	f->boxes[0] = r->target;
	f->n_boxes = 1;
	p = email_places(r->o.account, email, &n);
	for (size_t i = 0; i < n && f->n_boxes < EMAIL_MAILBOXES_MAX; i++)
		if (!i || p[i].mb != p[i - 1].mb)
			f->boxes[f->n_boxes++] = mailbox_info(p[i].mb)->id;
	r->n_found++;
	return LL_OK;
}

static int
commit_found(struct import_run *r)
{
	struct email_change changes[IMPORT_CHUNK];
	size_t n = r->n_found;

	r->n_found = 0;
	if (!n)
		return LL_OK;
	for (size_t i = 0; i < n; i++)
		changes[i] = (struct email_change){.email = r->found[i].email,
			.mailboxes = r->found[i].boxes,
			.n_mailboxes = r->found[i].n_boxes};
	return emails_change(r->o.account, changes, n);
}

int
import_scan(struct import_run *r, const struct imap_client_message *m)
{
	uint32_t email;
	int err;

	if (m->flags & FLAG_DELETED || m->size > r->o.message_max) {
		count_skipped(r);
		return LL_OK;
	}
	if ((r->folder->bits & IMPORT_FOLDER_ALL) && m->labels.ptr &&
		import_labelled(r, m->labels)) {
		count_found(r);
		return LL_OK;
	}
	err = twin_find_listed(r->o.account, m->header, m->size, &email);
	if (!err)
		return note_found(r, email);
	if (err != LL_ERR_NOTFOUND)
		return err;
	if (r->n_wanted < IMPORT_CHUNK)
		r->wanted[r->n_wanted++] = m->uid;
	return LL_OK;
}

/* ---- What is new ---- */

static int
commit_staged(struct import_run *r)
{
	struct append_item items[IMPORT_BATCH];
	struct mailbox *mb = target(r);
	size_t n = r->n_staged;
	int err = LL_OK;

	if (!n)
		return LL_OK;
	if (!mb) /* its owner has deleted it meanwhile */
		err = import_target(r->o.account, r->folder, &mb);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct append_item){r->staged[i].message, r->staged[i].flags};
	if (!err)
		err = mailbox_append(mb, items, n, NULL);
	for (size_t i = 0; i < n; i++)
		staged_message_free(r->staged[i].message);
	r->n_staged = r->staged_bytes = 0;
	if (!err)
		count_added(r, (uint32_t)n);
	return err;
}

int
import_flush(struct import_run *r, uint32_t uid_done)
{
	struct import_folder *f = r->folder;
	int err = commit_staged(r);

	if (!err)
		err = commit_found(r);
	if (!err && uid_done) {
		f->uid_done = uid_done;
		f->late_added = f->late_found = f->late_skipped = 0;
		r->again = 0;
	}
	return err ? err : import_store(r->o.account, r->o.id, &r->job);
}

/* Flags and keywords for the mailbox here; a keyword that finds no room is left out. */
static int
flags_for(struct import_run *r, const struct imap_client_message *m, uint64_t *ret)
{
	struct mailbox *mb = target(r);
	uint64_t bits = 0;
	int err = LL_OK;

	if (mb && m->n_keywords)
		err = mailbox_keywords_add(mb, m->keywords, m->n_keywords, &bits);
	if (err && err != LL_ERR_LIMIT && err != LL_ERR_SYNTAX)
		return err;
	*ret = (err ? 0 : bits) | (m->flags & FLAGS_SYSTEM & ~FLAG_DELETED);
	return LL_OK;
}

static bool
key_staged(const struct import_run *r, uint64_t key)
{
	for (size_t i = 0; i < r->n_staged; i++)
		if (r->staged[i].key == key)
			return true;
	return false;
}

static int
stage(struct import_run *r, const struct imap_client_message *m, uint64_t key)
{
	struct import_staged *s = &r->staged[r->n_staged];
	int err = flags_for(r, m, &s->flags);

	if (!err)
		err = message_stage(r->o.account, m->body, m->internal_date, &s->message);
	if (err == LL_ERR_LIMIT) {
		count_skipped(r);
		return LL_OK;
	}
	if (err)
		return err;
	s->key = key;
	r->n_staged++;
	r->staged_bytes += m->body.len;
	return r->n_staged == IMPORT_BATCH || r->staged_bytes >= IMPORT_BATCH_BYTES
		? import_flush(r, 0)
		: LL_OK;
}

int
import_take(struct import_run *r, const struct imap_client_message *m)
{
	uint64_t key;
	uint32_t email;
	int err;

	if (m->too_large || !m->body.len) {
		count_skipped(r);
		return LL_OK;
	}
	err = twin_key(r->o.account, m->body, &key);
	if (!err && key_staged(r, key))
		err = import_flush(r, 0);
	if (!err)
		err = twin_find(r->o.account, m->body, &email);
	if (!err)
		return note_found(r, email);
	return err == LL_ERR_NOTFOUND ? stage(r, m, key) : err;
}
