/* The course of an import: sign in, then either learn the folders, or go through those chosen, one
 * after the other, in chunks: which messages are there, which of them are not here yet, and their
 * content. A chunk that was cut off is gone through again; what it has brought is found then. */
#include "base/error.h"
#include "faces/import_priv.h"

#include <stdlib.h>
#include <string.h>

int
import_run_new(const struct import_run_options *o, struct import_run **ret)
{
	struct import_run *r = calloc(1, sizeof(*r));
	struct imap_client_config config = {.secret = o->secret, .body_max = o->message_max};
	struct import_folder *room;
	int err;

	if (!r)
		return LL_ERR_NOMEM;
	r->o = *o;
	r->arena = ARENA_INIT(IMPORT_ARENA_BYTES);
	r->found = calloc(IMPORT_CHUNK, sizeof(*r->found));
	err = r->found ? import_load(o->account, o->id, &r->arena, &r->job) : LL_ERR_NOMEM;
	room = ARENA_ARRAY(&r->arena, struct import_folder, IMPORT_FOLDERS_MAX + 1);
	config.starttls = r->job.starttls;
	config.user = r->job.user;
	r->client = err || !room ? NULL : imap_client_new(&config);
	if (!r->client) {
		import_run_free(r);
		return err ? err : LL_ERR_NOMEM;
	}
	if (r->job.n_folders)
		memcpy(room, r->job.folders, r->job.n_folders * sizeof(*room));
	r->job.folders = room;
	*ret = r;
	return LL_OK;
}

void
import_run_free(struct import_run *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_staged; i++)
		staged_message_free(r->staged[i].message);
	imap_client_free(r->client);
	VEC_DONE(&r->uids);
	arena_done(&r->arena);
	free(r->found);
	free(r);
}

/* ---- Ends ---- */

static bool
is_fatal(int err)
{
	return err == LL_ERR_AUTH || err == LL_ERR_CORRUPT || err == LL_ERR_CLOSED;
}

static void
over(struct import_run *r, enum import_run_end end)
{
	r->wants = IMPORT_RUN_OVER;
	r->end = end;
}

/* The job says what has happened. */
static void
stop(struct import_run *r, enum import_error why, struct slice words, enum import_run_end end)
{
	int err;

	if (r->wants == IMPORT_RUN_OVER)
		return;
	r->job.error = why;
	r->job.words = arena_dup(&r->arena, words);
	if (why == IMPORT_QUOTA && r->job.phase == IMPORT_ACTIVE)
		r->job.phase = IMPORT_PAUSED;
	err = import_store(r->o.account, r->o.id, &r->job);
	over(r, is_fatal(err) ? IMPORT_RUN_FATAL : end);
}

/* Something of ours failed. */
static void
failed(struct import_run *r, int err)
{
	if (is_fatal(err)) {
		over(r, IMPORT_RUN_FATAL);
		return;
	}
	stop(r,
		err == LL_ERR_QUOTA	      ? IMPORT_QUOTA
			: err == LL_ERR_LIMIT ? IMPORT_TOO_MANY
					      : IMPORT_FAILED,
		SLICE_NONE, IMPORT_RUN_STOPPED);
}

static void
check(struct import_run *r, int err)
{
	if (err && r->wants != IMPORT_RUN_OVER)
		failed(r, err);
}

void
import_run_fail(struct import_run *r, enum import_error why, struct slice words)
{
	bool again = why == IMPORT_CONNECTION_LOST || why == IMPORT_TIMEOUT ||
		why == IMPORT_CONNECTION_REFUSED || why == IMPORT_UNAVAILABLE;

	again = again && r->job.phase == IMPORT_ACTIVE;
	stop(r, why, words, again ? IMPORT_RUN_LOST : IMPORT_RUN_STOPPED);
}

static void
client_closed(struct import_run *r)
{
	static const enum import_error errors[] = {
		[IMAP_ERROR_NONE] = IMPORT_CONNECTION_LOST,
		[IMAP_ERROR_ENDED] = IMPORT_CONNECTION_LOST,
		[IMAP_ERROR_PROTOCOL] = IMPORT_NOT_IMAP,
		[IMAP_ERROR_LIMIT] = IMPORT_TOO_MANY,
		[IMAP_ERROR_NO_TLS] = IMPORT_NO_TLS,
		[IMAP_ERROR_NO_SIGN_IN] = IMPORT_NO_SIGN_IN,
		[IMAP_ERROR_REFUSED] = IMPORT_PASSWORD,
		[IMAP_ERROR_UNAVAILABLE] = IMPORT_UNAVAILABLE,
		[IMAP_ERROR_MEMORY] = IMPORT_FAILED,
	};

	import_run_fail(r, errors[imap_client_error(r->client)], imap_client_text(r->client));
}

static void
finish(struct import_run *r, enum import_phase phase)
{
	int err;

	r->job.phase = phase;
	r->job.error = IMPORT_NO_ERROR;
	r->job.words = SLICE_NONE;
	err = import_store(r->o.account, r->o.id, &r->job);
	check(r, err);
	if (err)
		return;
	over(r, IMPORT_RUN_DONE);
	(void)!imap_client_logout(r->client);
}

/* ---- Learning the folders ---- */

static void
ask_status(struct import_run *r)
{
	while (r->asked < r->job.n_folders && r->wants != IMPORT_RUN_OVER &&
		imap_client_busy(r->client) < IMAP_CLIENT_COMMANDS_MAX)
		check(r, imap_client_status(r->client, r->job.folders[r->asked++].wire));
	if (r->answered == r->job.n_folders && r->wants != IMPORT_RUN_OVER)
		finish(r, IMPORT_CHOOSING);
}

static void
on_folder(struct import_run *r)
{
	bool gmail = imap_client_caps(r->client) & IMAP_CLIENT_GMAIL;

	check(r, import_folder_add(r, imap_client_folder(r->client), gmail));
}

static void
on_status(struct import_run *r)
{
	struct import_folder *f = import_folder_find(r, imap_client_folder(r->client)->wire);

	if (f)
		f->total = imap_client_mailbox(r->client)->exists;
}

/* ---- One folder ---- */

static void
next_folder(struct import_run *r)
{
	r->folder = import_folder_next(r);
	if (!r->folder) {
		finish(r, IMPORT_FINISHED);
		return;
	}
	r->stage = IMPORT_EXAMINE;
	check(r, imap_client_examine(r->client, r->folder->wire));
}

static void
folder_done(struct import_run *r)
{
	r->folder->bits |= IMPORT_FOLDER_DONE;
	check(r, import_flush(r, 0));
	if (r->wants != IMPORT_RUN_OVER)
		next_folder(r);
}

/* What is behind uid_done is gone through (again). */
static void
count_again(struct import_run *r)
{
	struct import_folder *f = r->folder;

	r->again = f->late_added;
	f->found -= f->late_found;
	f->skipped -= f->late_skipped;
	f->late_found = f->late_skipped = 0;
}

static void
examined(struct import_run *r)
{
	const struct imap_client_mailbox *m = imap_client_mailbox(r->client);
	struct import_folder *f = r->folder;
	struct mailbox *mb;
	int err;

	if (imap_client_result(r->client) != IMAP_RESULT_OK) {
		folder_done(r); /* it may not be read, or is gone */
		return;
	}
	if (f->uidvalidity != m->uidvalidity)
		f->uid_done = 0;
	f->uidvalidity = m->uidvalidity;
	count_again(r);
	f->total = m->exists;
	err = import_target(r->o.account, f, &mb);
	if (!err) {
		r->target = f->target = mailbox_info(mb)->id;
		r->job.error = IMPORT_NO_ERROR;
		r->job.words = SLICE_NONE;
		err = import_store(r->o.account, r->o.id, &r->job);
	}
	r->stage = IMPORT_SEARCH;
	check(r,
		err ? err
			: f->uid_done == UINT32_MAX
			? LL_ERR_LIMIT
			: imap_client_search(r->client, f->uid_done + 1));
}

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
next_chunk(struct import_run *r)
{
	r->at = r->chunk_end;
	r->chunk_end = MIN(r->at + IMPORT_CHUNK, r->uids.len);
	r->n_wanted = 0;
	if (r->at == r->chunk_end) {
		folder_done(r);
		return;
	}
	r->stage = IMPORT_SCAN;
	check(r,
		imap_client_fetch(
			r->client, IMAP_FETCH_HEADER, r->uids.at + r->at, r->chunk_end - r->at));
}

/* "n:*" always has the last message, even below n. */
static void
searched(struct import_run *r)
{
	size_t n;
	const uint32_t *uids = imap_client_uids(r->client, &n);
	int err = LL_OK;

	r->uids.len = r->chunk_end = 0;
	for (size_t i = 0; i < n && !err; i++)
		if (uids[i] > r->folder->uid_done)
			err = VEC_PUSH(&r->uids, uids[i]);
	if (r->uids.len)
		qsort(r->uids.at, r->uids.len, sizeof(r->uids.at[0]), uid_cmp);
	check(r, err);
	if (r->wants != IMPORT_RUN_OVER)
		next_chunk(r);
}

static void
chunk_done(struct import_run *r)
{
	r->progress = true;
	check(r, import_flush(r, r->uids.at[r->chunk_end - 1]));
	if (r->wants != IMPORT_RUN_OVER)
		next_chunk(r);
}

/* Several commands, so that the server never waits for us between them. */
static void
scanned(struct import_run *r)
{
	const size_t part = IMPORT_CHUNK / 4;

	if (!r->n_wanted) {
		chunk_done(r);
		return;
	}
	r->stage = IMPORT_FETCH;
	for (size_t i = 0; i < r->n_wanted && r->wants != IMPORT_RUN_OVER; i += part)
		check(r,
			imap_client_fetch(r->client, IMAP_FETCH_BODY, r->wanted + i,
				MIN(part, r->n_wanted - i)));
}

/* ---- Events ---- */

static bool
in_chunk(const struct import_run *r, uint32_t uid)
{
	return r->chunk_end > r->at && uid >= r->uids.at[r->at] &&
		uid <= r->uids.at[r->chunk_end - 1];
}

static void
on_message(struct import_run *r)
{
	const struct imap_client_message *m = imap_client_message(r->client);

	if (!in_chunk(r, m->uid))
		return;
	if (r->stage == IMPORT_SCAN && m->header.ptr)
		check(r, import_scan(r, m));
	else if (r->stage == IMPORT_FETCH && (m->body.ptr || m->too_large))
		check(r, import_take(r, m));
}

static void
on_done(struct import_run *r)
{
	bool ok = imap_client_result(r->client) == IMAP_RESULT_OK;

	if (r->stage == IMPORT_EXAMINE) {
		examined(r);
	} else if (r->stage == IMPORT_STATUS) {
		r->answered++;
		ask_status(r);
	} else if (!ok) {
		import_run_fail(r, IMPORT_UNAVAILABLE, imap_client_text(r->client));
	} else if (r->stage == IMPORT_LIST) {
		r->stage = IMPORT_STATUS;
		ask_status(r);
	} else if (r->stage == IMPORT_SEARCH) {
		searched(r);
	} else if (r->stage == IMPORT_SCAN) {
		scanned(r);
	} else if (!imap_client_busy(r->client)) {
		chunk_done(r);
	}
}

static void
on_ready(struct import_run *r)
{
	r->signed_in = true;
	if (r->job.phase == IMPORT_ACTIVE) {
		next_folder(r);
		return;
	}
	r->job.n_folders = 0;
	r->stage = IMPORT_LIST;
	check(r, imap_client_list(r->client));
}

static void
step(struct import_run *r)
{
	switch (imap_client_step(r->client)) {
	case IMAP_CLIENT_NONE:
		break;
	case IMAP_CLIENT_STARTTLS:
		r->wants = IMPORT_RUN_TLS;
		break;
	case IMAP_CLIENT_READY:
		on_ready(r);
		break;
	case IMAP_CLIENT_FOLDER:
		on_folder(r);
		break;
	case IMAP_CLIENT_STATUS:
		on_status(r);
		break;
	case IMAP_CLIENT_MESSAGE:
		on_message(r);
		break;
	case IMAP_CLIENT_DONE:
		on_done(r);
		break;
	case IMAP_CLIENT_CLOSED:
		client_closed(r);
		break;
	}
}

size_t
import_run_input(struct import_run *r, struct slice in)
{
	size_t used = 0;

	if (r->wants == IMPORT_RUN_OVER)
		return in.len;
	used = imap_client_feed(r->client, in);
	step(r);
	return used;
}

enum import_run_wants
import_run_wants(const struct import_run *r)
{
	return r->wants;
}

int
import_run_tls_done(struct import_run *r)
{
	r->wants = IMPORT_RUN_INPUT;
	return imap_client_tls_done(r->client);
}

struct slice
import_run_output(const struct import_run *r)
{
	return imap_client_output(r->client);
}

void
import_run_sent(struct import_run *r, size_t n)
{
	imap_client_sent(r->client, n);
}

enum import_run_end
import_run_end(const struct import_run *r)
{
	return r->end;
}

bool
import_run_signed_in(const struct import_run *r)
{
	return r->signed_in;
}

bool
import_run_progress(const struct import_run *r)
{
	return r->progress;
}
