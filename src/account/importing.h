/* Bringing mail over from another server (CHANGE_IMPORT): what is to be done, and how far it has
 * come, so that it goes on where it was. The password is no part of it: that is in the memory of
 * the session process only, as long as the work lasts. */
#ifndef ACCOUNT_IMPORTING_H
#define ACCOUNT_IMPORTING_H

#include "account/object.h"
#include "base/arena.h"

#define IMPORTS_MAX 8 /* in one account */
#define IMPORT_FOLDERS_MAX 400
#define IMPORT_HOST_MAX 255
#define IMPORT_USER_MAX 320
#define IMPORT_NAME_MAX 1000
#define IMPORT_WORDS_MAX 200

/* Stored numbers. */
enum import_phase {
	IMPORT_NEW, /* the folders are not known yet */
	IMPORT_CHOOSING, /* they are, and it waits for a choice */
	IMPORT_ACTIVE,
	IMPORT_PAUSED,
	IMPORT_FINISHED,
	IMPORT_PHASES
};

enum import_error {
	IMPORT_NO_ERROR,
	IMPORT_NO_SERVER, /* no server was found for the address */
	IMPORT_NO_NAME, /* the server's name does not exist */
	IMPORT_PRIVATE, /* it is an address within a private network */
	IMPORT_CONNECTION_REFUSED,
	IMPORT_TIMEOUT,
	IMPORT_CONNECTION_LOST,
	IMPORT_CERTIFICATE, /* not valid for this name */
	IMPORT_NO_TLS,
	IMPORT_NOT_IMAP,
	IMPORT_PASSWORD, /* the server refuses user name or password */
	IMPORT_NO_SIGN_IN, /* the server takes no passwords */
	IMPORT_UNAVAILABLE, /* the server is there, but not for this account now */
	IMPORT_QUOTA, /* the account here is full */
	IMPORT_TOO_MANY, /* folders or messages */
	IMPORT_FAILED, /* on our side */
	IMPORT_ERRORS
};

enum import_folder_bits {
	IMPORT_FOLDER_CHOSEN = 1,
	IMPORT_FOLDER_DONE = 2,
	IMPORT_FOLDER_ALL = 4, /* it holds what the others hold, too */
	IMPORT_FOLDER_BITS = 7
};

struct import_folder {
	struct slice wire, name; /* as the server spells it, and in UTF-8 with '/' between levels */
	enum mailbox_role role; /* what it is for, as far as is known */
	unsigned bits; /* enum import_folder_bits */
	struct store_id target; /* a mailbox here; all zero: none yet */
	uint32_t uidvalidity, uid_done; /* every message up to uid_done has been seen to */
	uint32_t total; /* messages, when it was looked at last */
	uint32_t added, found, skipped; /* new here, here already, not taken */
	/* Of these, those behind uid_done: they are gone through again after a break. */
	uint32_t late_added, late_found, late_skipped;
};

struct import_job {
	struct slice host, user; /* host empty: not known yet */
	uint16_t port;
	bool starttls; /* else TLS from the start */
	enum import_phase phase;
	enum import_error error;
	struct slice words; /* the server's own, of the error */
	int64_t created; /* Unix seconds */
	struct import_folder *folders;
	size_t n_folders;
};

/* NULL, or the name of the member that is wrong. */
const char *import_check(const struct import_job *j);
int import_encode(const struct import_job *j, struct buf *out) CHECKED;
/* Folders are of the arena, texts are views of value. LL_ERR_CORRUPT, LL_ERR_UNSUPPORTED. */
int import_decode(struct slice value, struct arena *arena, struct import_job *ret) CHECKED;

/* Reads one from the account, with copies of all its texts. LL_ERR_NOTFOUND. */
int import_load(
	struct account *a, struct store_id id, struct arena *arena, struct import_job *ret) CHECKED;
int import_store(struct account *a, struct store_id id, const struct import_job *j) CHECKED;

/* What a folder is for, where its server does not say so: by a usual name of a first level. */
enum mailbox_role import_role_of_name(struct slice name);
/* The mailbox here for a folder: by its role, else by its name, made where there is none. */
int import_target(struct account *a, const struct import_folder *f, struct mailbox **ret) CHECKED;

#endif
