/* The engine's inside: state of an account and of its mailboxes, and what its files share. Nothing
 * outside this folder includes it. */
#ifndef ACCOUNT_ENGINE_H
#define ACCOUNT_ENGINE_H

#include "account/account.h"
#include "account/changes.h"
#include "account/layout.h"
#include "account/mailbox.h"
#include "base/map.h"
#include "keys/account_keys.h"
#include "mail/meta.h"
#include "mail/search_text.h"

#include <string.h>

/* ---- Keys (vault.c) ---- */

#define VAULT_VERSIONS_MAX 12

/* In secret memory. */
struct vault_version {
	uint32_t version;
	bool ready; /* collection and mask are known */
	struct area_keys area;
	uint8_t collection[RECORD_KEY_LEN];
	uint8_t mask[RECORD_KEY_LEN];
};
struct vault {
	size_t n; /* ascending; the last one seals */
	struct vault_version at[VAULT_VERSIONS_MAX];
};

int vault_new(const struct account_env *env, struct vault **ret) CHECKED;
void vault_free(struct vault *v);
/* Reads the collection keys, making that of the newest version if it is not there yet. */
int vault_load(struct account *a) CHECKED;
/* Commits a collection key for the newest version. */
int vault_start(struct account *a) CHECKED;
/* The m/key/ record of the newest version, with a new collection key. */
int vault_make_key(struct vault *v, const struct account_env *env, struct rec_key *ret_key,
	struct buf *out) CHECKED;
/* Seals under the newest version. */
int vault_seal(const struct vault *v, struct store_id account, const struct rec_id *id,
	uint64_t rev, struct slice plain, struct buf *out) CHECKED;
#define REV_ANY UINT64_MAX
/* rev: the one it must have, or REV_ANY. ret_rev may be NULL. */
int vault_open(const struct vault *v, struct store_id account, const struct rec_id *id,
	uint64_t rev, struct slice sealed, uint64_t *ret_rev, struct buf *out) CHECKED;
/* Masks or unmasks a data key for a blob. The version is the one that the entry names. */
int vault_mask(const struct vault *v, uint32_t version, struct store_id blob,
	const uint8_t in[RECORD_KEY_LEN], uint8_t out[RECORD_KEY_LEN]) CHECKED;
uint32_t vault_current(const struct vault *v);

/* ---- Head, set MACs (head.c) ---- */

#define PACK_LIST_MAX 32

struct head {
	uint64_t rev; /* of every record written by a commit */
	uint64_t modseq;
	uint32_t next_page;
	uint32_t uidvalidity; /* last one given */
	uint32_t boxes, refs, gcs; /* numbers of such records */
	uint64_t gc_next;
	uint64_t subs_rev; /* 0: no m/subs */
	uint8_t set_key[32];
	uint8_t set_box[SET_LEN], set_ref[SET_LEN], set_gc[SET_LEN];
	uint32_t n_pack; /* full pages that wait for packing */
	uint32_t pack[PACK_LIST_MAX];
	uint32_t log_first, log_next; /* pages of the account's log [first, next) */
	uint64_t log_floor; /* events at or below this modseq are forgotten */
	uint64_t log_rev; /* of the last page */
	uint32_t objects; /* m/obj/ records */
	uint8_t set_log[SET_LEN], set_obj[SET_LEN];
	uint64_t states[CHANGE_TYPES]; /* modseq of the last change of each type */
};

int head_encode(const struct head *h, struct buf *out) CHECKED;
int head_decode(struct slice plain, struct head *ret) CHECKED;
/* Adds (type, box, number, rev) to the set or takes it out. rev 0: nothing. */
void set_toggle(const struct head *h, uint8_t set[SET_LEN], const struct rec_id *id, uint64_t rev);

/* ---- Mailboxes (box.c) ---- */

/* One allocation; never changed once made. */
struct keyword_list {
	size_t n;
	struct slice at[];
};
struct keyword_list *keyword_list_new(const struct slice *names, size_t n);

struct box_state {
	struct mailbox_info info; /* name points to `name` of the mailbox */
	struct keyword_list *keywords; /* NULL: none */
	uint64_t rev; /* of the stored record; 0: not stored yet */
	uint32_t page, page_used, page_bytes; /* the page being filled; used 0: none yet */
	uint8_t set_row[SET_LEN], set_gone[SET_LEN];
	uint32_t gone_first, gone_next; /* expunge log pages [first, next) */
	uint64_t gone_floor; /* expunges at or below this modseq are forgotten */
	uint64_t gone_rev; /* of the last page */
};

struct row_page {
	uint32_t page;
	uint64_t rev;
};

struct gone_entry {
	uint64_t modseq;
	uint32_t uid, email;
};

struct mailbox {
	struct account *account;
	struct box_state s;
	char *name; /* of s.info.name */
	unsigned users;
	bool gone, loaded, seen;
	VEC(struct message_row) rows;
	VEC(struct row_page) pages;
	struct buf gone_tail; /* plaintext of the last page of the log; empty: not read */
};

int box_encode(const struct box_state *s, struct buf *out) CHECKED;
/* *ret_state.info.name is a view of plain; keywords are allocated. */
int box_decode(struct slice plain, struct box_state *ret) CHECKED;
void mailbox_free(struct mailbox *mb);
void mailbox_unload(struct mailbox *mb);
/* Gives back what an idle mailbox does not need; its rows too when nobody has it open. */
void mailbox_shrink(struct mailbox *mb);
/* Sorts the list by name. */
void boxes_sort(struct account *a);
/* Takes a deleted mailbox off the list; it is freed when its last user closes it. */
int box_retire(struct account *a, struct mailbox *mb) CHECKED;
int boxes_load(struct account *a) CHECKED;
struct mailbox *boxes_find(const struct account *a, struct slice name);

/* ---- Rows (row.c) ---- */

int rows_encode(const struct message_row *rows, size_t n, struct buf *out) CHECKED;
/* Loads the rows if they are not there. */
int mailbox_load(struct mailbox *mb) CHECKED;
void info_count(struct mailbox_info *info, const struct message_row *row, int sign);

/* ---- Pages of items (page.c) ---- */

struct page {
	enum rec_type type; /* REC_MSG, REC_SIG */
	uint32_t no;
	struct page *newer, *older; /* use */
	struct buf plain;
	size_t bytes; /* accounted for */
	struct slice item[SLOTS]; /* behind the slot byte; ptr NULL: not there */
	struct message_meta *meta[SLOTS]; /* decoded when first asked for */
	struct buf *side[SLOTS]; /* opened second blob */
};

struct page_cache {
	struct map *map; /* type, no -> page */
	struct page *newest, *oldest, *last[REC_TYPES];
	size_t bytes, count;
	uint32_t ahead_next[REC_TYPES]; /* a miss here continues a walk */
	unsigned ahead[REC_TYPES];
};

/* An item of a page; LL_ERR_NOTFOUND. */
int page_item(struct account *a, enum rec_type type, uint32_t email, struct page **ret_page,
	struct slice *ret_item) CHECKED;
void page_account(struct account *a, struct page *p, size_t bytes);
void page_cache_drop(struct account *a);

/* Adds an item to the plaintext of a part. */
int item_put(struct buf *part, uint8_t slot, struct slice item);
#define ITEM_OVERHEAD 6

/* ---- Entries (entry.c) ---- */

struct entry {
	uint32_t thread, keyver;
	int64_t internal_date;
	uint64_t size;
	struct store_id blob, side;
	uint32_t side_meta, side_sig; /* lengths within the side; 0: inline */
	uint8_t key[RECORD_KEY_LEN]; /* masked */
	struct slice recipient, meta;
};

int entry_encode(const struct entry *e, struct buf *out) CHECKED;
int entry_decode(struct slice item, struct entry *ret) CHECKED;
int entry_get(struct account *a, uint32_t email, struct page **ret_page, struct entry *ret) CHECKED;
static inline bool
entry_has_side(const struct entry *e)
{
	return e->side_meta || e->side_sig;
}
/* Its metadata, decoded once per page. */
int entry_meta(struct account *a, struct page *p, uint32_t email, const struct entry *e,
	const struct message_meta **ret) CHECKED;
/* The signature of an email; empty when there is none. View until pages are dropped. */
int entry_signature(struct account *a, uint32_t email, struct slice *ret) CHECKED;
/* Opens the side blob. */
int entry_side(struct account *a, const struct entry *e, struct buf *out) CHECKED;

/* ---- Briefs (brief.c) ---- */

struct brief_index;
void brief_index_free(struct brief_index *x);
size_t brief_index_bytes(const struct brief_index *x);
/* Drops it when most of it is of emails that have gone; messages: rows of the account. */
void brief_index_trim(struct account *a, size_t messages);
/* The text that SORT compares of an address, not folded yet. */
struct address;
int brief_address(const struct address *addr, bool display, struct buf *out) CHECKED;

/* ---- Bodies (body.c) ---- */

#define BODY_READERS 4
struct body_reader {
	struct store_id blob;
	struct cobblestone_reader *reader; /* NULL: free */
	uint64_t used;
};
void body_drop(struct account *a);
/* The body will be read soon. */
void body_expect(struct account *a, const struct entry *e);
int body_read(struct account *a, const struct entry *e, uint64_t offset, uint64_t len,
	struct buf *out) CHECKED;

/* ---- Threads (threads.c) ---- */

#define THREAD_HASHES_MAX 12
struct thread_hashes {
	uint64_t at[THREAD_HASHES_MAX]; /* the message's own id first */
	size_t n;
};
struct thread_index;
/* Hashes of the ids that a message carries, keyed by the account. */
int thread_hashes_make(
	struct account *a, const struct message_meta *m, struct thread_hashes *ret) CHECKED;
/* The thread of a message with these hashes, or own. Loads the index when first used. */
int thread_find(
	struct account *a, const struct thread_hashes *h, uint32_t own, uint32_t *ret) CHECKED;
/* Remembers them; a failure only drops the index. */
void thread_learn(struct account *a, const struct thread_hashes *h, uint32_t thread);
void thread_index_free(struct thread_index *t);
int thread_item_encode(const struct thread_hashes *h, uint32_t thread, struct buf *out) CHECKED;

/* ---- References (refs.c) ---- */

struct ref {
	uint32_t email, extra; /* rows beyond the first */
};
struct refs {
	bool loaded;
	VEC(struct ref) v; /* ascending by email */
	VEC(struct row_page) pages;
};
void refs_done(struct refs *r);

/* ---- Deletion queue (gc.c) ---- */

struct gc_list {
	uint64_t number, rev;
	struct uid_list emails; /* ascending */
};
struct gc {
	bool loaded;
	VEC(struct gc_list) v;
};
void gc_done(struct gc *g);
/* Pages to pack or emails to delete: one commit. */
int gc_step(struct account *a) CHECKED;
bool gc_pending(const struct account *a);
/* Packs when much waits for it, as in an import that leaves no idle time. */
void gc_keep_up(struct account *a);

/* ---- The account's log (log.c) ---- */

enum log_op {
	LOG_EMAIL_NEW, /* email, thread */
	LOG_EMAIL_LESS, /* one row less, but it is still there */
	LOG_EMAIL_GONE,
	LOG_BOX_NEW, /* id */
	LOG_BOX_SET, /* name, role or subscription */
	LOG_BOX_GONE,
	LOG_OBJECT_NEW, /* type, id */
	LOG_OBJECT_SET,
	LOG_OBJECT_GONE,
	LOG_OPS, /* one past the last */
};
#define LOG_TRASH 1 /* it became the trash, or is it no more */
struct log_event {
	uint64_t modseq;
	uint8_t op; /* enum log_op */
	uint8_t type; /* of an object: enum change_type; of a mailbox: LOG_TRASH or 0 */
	uint32_t email, thread;
	struct store_id id;
};
struct change_log {
	bool loaded;
	VEC(struct log_event) events; /* in the order they happened */
	struct buf tail; /* plaintext of the last page; empty: not read */
};
void log_done(struct change_log *l);
/* Reads the log if it is not there. */
int log_load(struct account *a) CHECKED;
/* The first event after since; LL_ERR_RANGE when it does not reach back so far. */
int log_since(struct account *a, uint64_t since, size_t *ret_first) CHECKED;

/* ---- Objects (object.c) ---- */

struct object_store {
	bool loaded;
	VEC(struct stored_object *) v;
};
void objects_done(struct object_store *s);

/* ---- Emails over all mailboxes (email.c) ---- */

struct email_view;
void email_view_free(struct email_view *v);
struct txn;
/* Brings the view up to what a commit did; drops it when memory fails. */
void email_view_apply(struct txn *t);
size_t email_view_bytes(const struct email_view *v);

/* ---- What is known of texts (verdict.c) ---- */

/* Also what two bits of a table say. */
enum find_answer { ANSWER_UNKNOWN, ANSWER_NO = 2, ANSWER_YES = 3 };
struct find_node;
struct verdict_store;
struct verdicts; /* of one condition */
void verdict_store_free(struct verdict_store *s);
size_t verdict_store_bytes(const struct verdict_store *s);
/* Leaves those used last, as far as they are small. */
void verdict_store_trim(struct verdict_store *s);
/* The moment before which tables may give way to others. */
uint64_t verdicts_now(const struct account *a);
/* Those of a condition on text; they stay until another is asked for or the account is trimmed.
 * NULL: nothing is remembered, since there is no memory or all were used after `since`. */
struct verdicts *verdicts_of(struct account *a, const struct find_node *n, uint64_t since);
/* NULL is accepted: nothing is known, nothing remembered. */
enum find_answer verdict_get(const struct verdicts *v, uint32_t email);
void verdict_put(struct verdicts *v, const struct account *a, uint32_t email, bool yes);

/* ---- Conditions asked of one message (find.c) ---- */

struct finder;
int finder_new(struct account *a, const struct find_node *root, struct finder **ret) CHECKED;
void finder_free(struct finder *f);
/* Takes up what is known. Before it asks, whenever others may have worked in between. since: see
 * verdicts_of. */
void finder_bind(struct finder *f, uint64_t since);
int finder_ask(struct finder *f, const struct message_row *row, bool *ret) CHECKED;
/* As far as it can be told without opening a body. */
int finder_guess(struct finder *f, const struct message_row *row, enum find_answer *ret) CHECKED;
/* Whether messages are read for it; what it says of one then never changes. */
bool finder_reads(const struct finder *f);

/* How a search looks ahead (find_job.c): bodies that it will open are asked for, several at once, before their
 * turn has come. Positions are those of the caller's list. */
#define FIND_AHEAD 16 /* bodies under way */
struct find_ahead {
	size_t next; /* not looked at yet */
	size_t due[FIND_AHEAD], first, n; /* those whose bodies are under way, ascending */
};
/* Guesses at position i; *ret_opens: its body will be opened, and was asked for. */
typedef int find_look(void *ctx, size_t i, bool *ret_opens);
/* To be called before the message at position `at`, which is less than `end`, is asked. */
int find_ahead(struct find_ahead *h, size_t at, size_t end, find_look *look, void *ctx) CHECKED;

/* ---- The account ---- */

struct account {
	struct account_env env;
	struct vault *vault;
	uint64_t version; /* of the partition, as far as we know */
	bool reloading;
	unsigned busy; /* commits under way; a bell that rings meanwhile is answered later */
	bool poll_again;
	bool stale; /* the last poll did not come to its end */
	struct head head;
	VEC(struct mailbox *) boxes;
	VEC(struct mailbox *) dead; /* deleted but still open */
	VEC(struct slice) orphans; /* m/subs, allocated */
	struct account_listener *listeners;
	struct page_cache cache;
	struct body_reader readers[BODY_READERS];
	uint64_t reader_clock;
	struct buf scratch; /* sealed bytes of bodies */
	struct store_id scratch_of; /* while scratch_whole: all of this one */
	bool scratch_whole;
	struct thread_index *threads;
	struct brief_index *briefs;
	uint64_t spent; /* by jobs in slices */
	struct refs refs;
	struct gc gc;
	struct change_log log;
	struct object_store objects;
	struct email_view *emails; /* NULL: not asked for yet */
	struct verdict_store *verdicts;
	struct signature_builder *signer;
	VEC(struct record_opener *) openers; /* by vault version, when needed */
	uint64_t bad;
};

/* Long work is cut into slices by what it should take, in nominal nanoseconds, so that it is cut
 * alike on every run. */
#define SLICE_NS UINT64_C(4000000)
enum spent {
	SPENT_ROW = 50,
	SPENT_META = 2000, /* metadata decoded, keys made */
	SPENT_LINK = 1000, /* into a thread */
	SPENT_CALL = 50000, /* of the store */
	SPENT_PAGE_BYTE = 3,
	SPENT_TEXT_BYTE = 20, /* opened and searched */
};

void account_notify(struct account *a, struct mailbox *mb, unsigned events);
/* Whether others have committed since we looked; then a record that seems altered may only be
 * newer.
 */
bool account_stale(struct account *a);
/* Reads again what others have changed. */
int account_reload(struct account *a) CHECKED;
int64_t account_now(const struct account *a);
int account_random(const struct account *a, void *p, size_t n) CHECKED;
int rec_get(struct account *a, const struct rec_id *id, uint64_t rev, uint64_t *ret_rev,
	struct buf *out) CHECKED;
/* Every opened record of a type (and mailbox); nonzero from row stops. */
typedef int rec_row(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain);
int rec_each(struct account *a, enum rec_type type, struct store_id box, uint64_t from, uint64_t to,
	rec_row *row, void *ctx) CHECKED;
int orphans_load(struct account *a) CHECKED;
/* Finishes the renaming of a tree that was broken off. */
int account_rename_resume(struct account *a) CHECKED;
void orphans_done(struct account *a);

/* The key of search signatures is the same everywhere: they are stored sealed, and the delivery
 * process makes them without any key of the account. */
extern const uint8_t signature_key[SEARCH_KEY_BYTES];

#endif
