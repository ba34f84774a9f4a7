/* Letters under a password: what auth keeps of them for people without any key. The server has
 * sealed pieces and, of the password, only the hash of a proof; who may read is decided by that
 * proof, what can be read by a secret that never leaves the link (docs/api/letters.md).
 *
 * Rows of the directory partition, sealed like all of it:
 *	ltr/  letter id                  struct letter
 *	ltra/ account id, letter id      its size: whose letters
 *	ltre/ time (8), letter id        when something is due: expiry, being forgotten
 *	ltrq/ letter id, reply (2)       a reply that delivery has not taken yet
 * Each letter has a partition of its own, so that nothing of it is left when that is dropped:
 *	p part (2) piece (4)             name of a blob, a piece of the letter
 *	r reply (2) piece (4)            name of a blob, a piece of a reply */
#ifndef ROLES_LETTER_H
#define ROLES_LETTER_H

#include "roles/web_account.h"

#define LETTER_PARTS_MAX 101u /* the link record and what it names */
#define LETTER_SIZE_MAX ((uint64_t)33 << 20) /* of all parts, sealed */
#define LETTER_LIFE_MAX ((int64_t)90 * 86400) /* from when its reader is told of it */
#define LETTER_DRAFT_LIFE ((int64_t)86400)
#define LETTER_FORGET_AFTER ((int64_t)30 * 86400) /* it has stood in the list as over */
#define LETTERS_MAX 500u /* of one account, with those that are over */
#define LETTER_REPLIES_MAX 20u
#define LETTER_REPLY_MAX ((uint64_t)16 << 20)
#define LETTER_SETTLED ((int64_t)3600) /* after an opening, where they are counted */

struct letter {
	uint8_t id[WEB_ID], account[WEB_ID];
	enum web_letter_stage state;
	uint8_t access_hash[32];
	int64_t created, expires, ended;
	int64_t send_at; /* when the mail with the link goes, if that waits; else 0 */
	int64_t first_opened, last_opened; /* 0: never */
	uint32_t opens, max_opens; /* max 0: any number */
	uint32_t n_parts;
	uint64_t parts[LETTER_PARTS_MAX]; /* their sizes */
	uint32_t replies; /* numbers given, sent or not */
	uint32_t reply; /* the one being written, 1 the first; 0: none */
	uint64_t reply_size, reply_got;
	char to[WEB_LETTER_TO_MAX + 1], message_id[WEB_LETTER_MESSAGE_ID_MAX + 1];
	uint8_t note[WEB_LETTER_NOTE_MAX]; /* sealed by its author, for the author */
	size_t note_len;
	int64_t due; /* as it stands in the store; 0: nowhere yet */
};

/* Calls block on the store. */

/* LL_ERR_NOTFOUND, LL_ERR_CORRUPT, errors of the store. */
int letter_load(const struct web_place *p, const uint8_t id[WEB_ID], struct letter *ret) CHECKED;
/* Writes the record and its index rows in one commit. New letters: LL_ERR_EXISTS when there is one.
 */
int letter_save(const struct web_place *p, struct letter *l, bool is_new) CHECKED;
/* Deletes the record and its index rows. Its partition is the caller's care. */
int letter_delete(const struct web_place *p, const struct letter *l) CHECKED;
/* When a sweep is to look at it: its own time, nobody sets it. */
int64_t letter_due(const struct letter *l);
/* The latest time at which it may expire. */
int64_t letter_last(const struct letter *l);
/* Bytes of all parts, 0 once they are gone. */
uint64_t letter_size(const struct letter *l);
uint32_t letter_pieces(uint64_t size);

/* Ids of an account's letters in order, after *after (NULL: from the start); calls row with each id
 * and size. A nonzero answer ends it and is returned. */
typedef int letter_row(void *ctx, const uint8_t id[WEB_ID], uint64_t size);
int letter_each(const struct web_place *p, const uint8_t account[WEB_ID], letter_row *row,
	void *ctx) CHECKED;
/* Ids of at most `max` letters for which something is due now. */
int letter_due_now(const struct web_place *p, int64_t now, size_t max, uint8_t (*ret_ids)[WEB_ID],
	size_t *ret_n) CHECKED;

/* --- letter_content.c: pieces, as blobs of the letter's partition --- */
enum letter_piece_kind { LETTER_PIECE_PART = 'p', LETTER_PIECE_REPLY = 'r' };
struct letter_piece {
	enum letter_piece_kind kind;
	uint16_t of; /* which part, which reply */
	uint32_t n;
};

struct store_id letter_partition(const struct web_place *p, const uint8_t id[WEB_ID]);
/* A piece again replaces it. LL_ERR_QUOTA: more than the letter and its replies may have. */
int letter_piece_put(const struct web_place *p, const uint8_t id[WEB_ID], struct letter_piece at,
	struct slice data) CHECKED;
/* LL_ERR_NOTFOUND. */
int letter_piece_get(const struct web_place *p, const uint8_t id[WEB_ID], struct letter_piece at,
	struct buf *ret) CHECKED;
/* Whether the first n pieces of a part are there. */
int letter_pieces_have(const struct web_place *p, const uint8_t id[WEB_ID], uint16_t part,
	uint32_t n, bool *ret) CHECKED;
/* Deletes all pieces of the letter, or of one reply. */
int letter_parts_delete(const struct web_place *p, const uint8_t id[WEB_ID]) CHECKED;
int letter_reply_delete(
	const struct web_place *p, const uint8_t id[WEB_ID], uint16_t reply) CHECKED;
/* Everything of it that is stored outside the directory. */
int letter_drop(const struct web_place *p, const uint8_t id[WEB_ID]) CHECKED;

/* --- replies on their way (letter_reply.c) --- */
/* Commits the record together with the note that this reply is to be delivered. */
int letter_reply_queue(const struct web_place *p, struct letter *l, uint16_t reply) CHECKED;
int letter_reply_done(const struct web_place *p, const uint8_t id[WEB_ID], uint16_t reply) CHECKED;
typedef int letter_waiting(void *ctx, const uint8_t id[WEB_ID], uint16_t reply);
/* Every reply that waits, of one letter or of all (NULL). */
int letter_replies(
	const struct web_place *p, const uint8_t *id, letter_waiting *each, void *ctx) CHECKED;

/* Tries to hand a queued reply to delivery; if it does not work now, the sweep tries again. */
void letter_reply_deliver(const uint8_t id[WEB_ID], uint16_t reply);
/* Delivery's answer; false: it was not about a reply. */
bool letter_reply_result(uint64_t number, unsigned code);
void letter_reply_lost(void);
/* The letter is over: nobody can read it from now on, and its text is deleted. */
int letter_end(const struct web_place *p, struct letter *l, enum web_letter_stage state) CHECKED;
/* Deletes what it says; a reply that delivery has not taken yet is kept. */
int letter_erase(const struct web_place *p, const uint8_t id[WEB_ID]) CHECKED;
/* Starts the sweep of what is over. */
void letters_begin(void);
/* The account is gone. */
void letters_forget(const uint8_t account[WEB_ID]);

/* Whether bytes may be the beginning of an OpenPGP message that is encrypted to a key: a
 * public-key-encrypted session key packet (RFC 9580 section 5.1) whose length fits. */
bool letter_is_encrypted(struct slice first);
/* Binary to base64 in lines of 64 characters, as armor has them; pieces but the last one have
 * WEB_PIECE_LEN bytes, which end on a line's end. */
int letter_armor(struct slice piece, struct buf *out) CHECKED;

#endif
