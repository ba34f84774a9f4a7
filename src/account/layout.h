/* How an account's mail lies in its partition. All records are SYM records (keys/record.h) except
 * m/in/, and their keys reveal numbers and random ids only.
 *
 *	m/key/ ver:4            collection key of a version of the area secret, under its "object"
 *	                        key
 *	m/head                  change log head, under "journal": revision, modseq, next page,
 *	                        set MACs
 *	m/box/ box:16           a mailbox: name, role, counters, keywords, set MACs
 *	m/row/ box:16 uid>>9:4  up to 512 rows {uid, email, size, saved, flags, modseq}
 *	m/gone/ box:16 no:4     expunge log: events {modseq, (uid, email)...}; the oldest are
 *	                        dropped
 *	m/msg/ page:4 part:2    items {slot, entry}: the immutable entry of each email
 *	m/thr/ page:4 part:2    items {slot, thread, hashes of message ids}, under "index"
 *	m/sig/ page:4 part:2    items {slot, search signature}, under "index"
 *	m/ref/ email>>9:4       emails that have more than one row: {email, rows - 1}
 *	m/gc/ no:8              emails without a row, whose entries and bodies are still to be
 *	                        deleted
 *	m/subs                  subscribed names that no mailbox has
 *	m/log/ no:4             the account's change log: what came and went (log.c); the oldest
 *	                        are dropped
 *	m/obj/ id:16 type:4     small sealed objects of other types (object.h)
 *	m/in/ time:8 random:8   DELIVERED, made by the delivery process (deliver.h)
 *	m/bad/ time:8 random:8  those that did not open
 *
 * An email is the content of a message: one immutable entry, one sealed body, for the whole
 * account. Its number is page << 6 | slot; each mailbox fills pages of its own, so that a mailbox
 * reads as few pages as it can. Mailboxes hold rows that refer to emails: copying and moving write
 * rows only, EMAILID is the email's number and THREADID that of the thread's first email. Numbers
 * are never used twice.
 *
 * A page grows by parts, one for each commit that adds to it (part = first slot), and is packed
 * into few parts (from PART_PACKED on) when it is full. An item may be seen in two parts: they are
 * equal.
 *
 * What stops a store that lies (KEYS.md R1, R11). Each record's authenticated header has the
 * account, the mailbox (collection), the type and number (object: eight bytes of key prefix and the
 * number), the part and its rev, the head's revision when it was written; so a record opens in its
 * own place only. Roll-back of one record is seen because the revisions of all mutable records are
 * bound upwards by set MACs: the XOR over all (type, mailbox, number, rev) of HMAC-SHA-256 under a
 * random key of the head, cut to 16 bytes. m/row/ and m/gone/ are bound by their mailbox's record;
 * m/box/, m/ref/, m/gc/, m/log/ and m/obj/ by the head; m/subs has its rev in the head. Entries,
 * thread hashes and signatures never change and email numbers are never used again, so an older
 * page of them holds the same items, or lacks some, which is noticed when they are missed. What
 * remains is a roll-back of the whole account to a state that it had, which only the owner's memory
 * can tell.
 *
 * A body is a Cobblestone blob (record_blob_seal) under a random data key. The key stands in the
 * entry, masked with HMAC-SHA-256(mask key, blob id), so that caches of opened pages hold no key.
 * Metadata above META_INLINE_MAX or a signature above SIG_INLINE_MAX go into a second blob under
 * the same data key: the "side". */
#ifndef ACCOUNT_LAYOUT_H
#define ACCOUNT_LAYOUT_H

#include "base/buf.h"
#include "keys/record.h"
#include "store/store.h"

#define ROWS_PER_PAGE_LOG 9
#define SLOTS_LOG 6
#define SLOTS 64u
#define PAGES_MAX (UINT32_MAX >> SLOTS_LOG)
#define PAGE_BYTES 96000u /* a page is full from here: it must be rewritable in one commit */
#define PART_BYTES 48000u
#define PART_PACKED 0x100
#define META_INLINE_MAX 24000u
#define SIG_INLINE_MAX 16000u
#define GONE_PAGE_BYTES 12000u
#define GONE_PAGES 8u
#define LOG_PAGE_BYTES 6000u
#define LOG_PAGES 48u
#define LOG_EVENT_MAX ((size_t)32 << 10)
#define SET_LEN 16

enum rec_type {
	REC_KEY,
	REC_HEAD,
	REC_BOX,
	REC_ROW,
	REC_GONE,
	REC_MSG,
	REC_THR,
	REC_SIG,
	REC_REF,
	REC_GC,
	REC_SUBS,
	REC_LOG,
	REC_OBJ,
	REC_TYPES,
};

struct rec_id {
	enum rec_type type;
	struct store_id box; /* zero where the type has none */
	uint64_t number;
	uint16_t part;
};

struct rec_key {
	uint8_t b[48];
	size_t len;
};

struct rec_key rec_key_make(const struct rec_id *id);
static inline struct slice
rec_key_slice(const struct rec_key *k)
{
	return slice_new(k->b, k->len);
}
struct slice rec_prefix(enum rec_type type);
/* The keys from <= number < to of a type (and mailbox); all records of REC_BOX. */
void rec_key_range(enum rec_type type, struct store_id box, uint64_t from, uint64_t to,
	struct rec_key *ret_from, struct rec_key *ret_to);
/* LL_ERR_CORRUPT when key is not one of that type. */
int rec_key_parse(struct slice key, enum rec_type type, struct rec_id *ret) CHECKED;

/* Header fields of a record; keyver and rev as given. */
struct record_header rec_header(
	struct store_id account, const struct rec_id *id, uint32_t keyver, uint64_t rev);

#define IN_PREFIX "m/in/"
#define BAD_PREFIX "m/bad/"
#define IN_KEY_LEN 21

#endif
