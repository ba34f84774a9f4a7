/* What the files of an import under way share. */
#ifndef FACES_IMPORT_PRIV_H
#define FACES_IMPORT_PRIV_H

#include "account/email.h"
#include "account/mailbox.h"
#include "account/message.h"
#include "faces/imap_client.h"
#include "faces/import_run.h"

#define IMPORT_ARENA_BYTES ((size_t)4 << 20)
#define IMPORT_CHUNK 100u /* messages looked at together */
#define IMPORT_BATCH 32u /* messages that come in one commit */
#define IMPORT_BATCH_BYTES ((size_t)4 << 20)

enum import_stage {
	IMPORT_LIST,
	IMPORT_STATUS,
	IMPORT_EXAMINE,
	IMPORT_SEARCH,
	IMPORT_SCAN,
	IMPORT_FETCH
};

struct import_staged {
	struct staged_message *message;
	uint64_t flags, key; /* key: of twins */
};
struct import_found {
	uint32_t email;
	struct store_id boxes[EMAIL_MAILBOXES_MAX];
	size_t n_boxes;
};

struct import_run {
	struct import_run_options o;
	struct imap_client *client;
	struct arena arena;
	struct import_job job;
	enum import_stage stage;
	enum import_run_wants wants;
	enum import_run_end end;
	bool signed_in, progress;

	size_t asked, answered; /* folders that STATUS was sent for, and done */
	struct import_folder *folder; /* the one that is open */
	struct store_id target; /* its mailbox here */
	uint32_t again; /* messages that came before a break and are still to be found */
	VEC(uint32_t) uids; /* that are left, ascending */
	size_t at; /* the chunk is [at, chunk_end) of them */
	size_t chunk_end;
	uint32_t wanted[IMPORT_CHUNK];
	size_t n_wanted;
	struct import_staged staged[IMPORT_BATCH];
	size_t n_staged, staged_bytes;
	struct import_found *found; /* IMPORT_CHUNK of them */
	size_t n_found;
};

/* import_folders.c: one more folder that the server has told of. LL_ERR_LIMIT: too many. */
int import_folder_add(struct import_run *r, const struct imap_client_folder *f, bool gmail) CHECKED;
struct import_folder *import_folder_find(struct import_run *r, struct slice wire);
/* What is to be brought next: the inbox first, what holds everything last. NULL: nothing. */
struct import_folder *import_folder_next(struct import_run *r);
/* Whether a message's labels say that it is in a folder that is brought anyhow. */
bool import_labelled(const struct import_run *r, struct slice labels);

/* import_take.c: messages into the account. Errors are the account's. */
/* Looks at what is known before the content is fetched, and puts it on the list of those wanted
 * where it is not here yet. */
int import_scan(struct import_run *r, const struct imap_client_message *m) CHECKED;
int import_take(struct import_run *r, const struct imap_client_message *m) CHECKED;
/* Commits what was taken, and how far it has come; uid_done: so far that everything up to there has
 * been seen to, or 0. */
int import_flush(struct import_run *r, uint32_t uid_done) CHECKED;

#endif
