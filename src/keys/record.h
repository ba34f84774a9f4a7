/* Sealed records: every byte stored is one of three forms, each bound to its full context.
 *
 *	SYM = HDR || Cobblestone256(key, "letterlock/1/" kind "\0" HDR, plain)
 *	KEM = HDR || enc (1120) || payload         HPKE info = "letterlock/1/" kind "\0" HDR
 *	SIG = HDR || body || Ed25519 over "letterlock/1/sig/" kind "\0" SHA-256(all bytes before)
 *
 * A KEM record's payload is one HPKE message, except for DELIVERED: there it is Cobblestone256
 * under the key Export("letterlock/1/dek"), with the same context as SYM.
 *
 * Writing: fill a struct record_header (suite is set by the sealing call) and seal.
 * Reading: record_parse gives the header, from which the caller picks the key (keyver); then open
 * with a struct record_want that says what was asked for. The open calls compare the header with it
 * before any key is touched, and refuse unknown kinds, suites and flags, a suite that the kind does
 * not use, lengths over the kind's cap, and trailing bytes. */
#ifndef KEYS_RECORD_H
#define KEYS_RECORD_H

#include "base/buf.h"
#include "keys/cobblestone.h"
#include "keys/ed25519.h"
#include "keys/xwing.h"

#define RECORD_HEADER_LEN 87
#define RECORD_ID_LEN 16
#define RECORD_KEY_LEN 32
/* "letterlock/1/" + longest kind name + NUL + header fits. */
#define RECORD_CONTEXT_MAX 128
/* Length of a SYM record of n plaintext bytes is RECORD_HEADER_LEN + cobblestone_sealed_len(n). */

enum record_kind {
	RECORD_ANCHOR = 1,
	RECORD_GRANT,
	RECORD_KEYRING,
	RECORD_MANIFEST,
	RECORD_COLLECTION_KEY,
	RECORD_OBJECT,
	RECORD_DELIVERED,
	RECORD_FILE,
	RECORD_FOLDER,
	RECORD_INDEX,
	RECORD_JOURNAL,
	RECORD_LINK,
	RECORD_SHARE,
	RECORD_DOCUMENT_UPDATE,
	RECORD_DOCUMENT_SNAPSHOT,
	RECORD_DEVICE,
	RECORD_KINDS, /* one past the last */
};

enum record_suite { RECORD_SYM = 0x01, RECORD_KEM = 0x03, RECORD_SIG = 0x10 };

enum record_area {
	RECORD_AREA_NONE,
	RECORD_AREA_MAIL,
	RECORD_AREA_CALENDAR,
	RECORD_AREA_CONTACTS,
	RECORD_AREA_FILES,
	RECORD_AREA_ARCHIVE,
	RECORD_AREAS, /* one past the last */
};

struct record_header {
	enum record_kind kind;
	enum record_suite suite;
	uint16_t flags; /* none is defined yet: 0 */
	enum record_area area;
	uint16_t part;
	uint32_t keyver;
	uint64_t rev;
	uint8_t account[RECORD_ID_LEN];
	uint8_t collection[RECORD_ID_LEN];
	uint8_t object[RECORD_ID_LEN];
	uint8_t author[RECORD_ID_LEN];
};

/* What was asked for. Every field of the header must be equal, except those named in `any`. The
 * suite is that of the call. */
struct record_want {
	struct record_header header;
	unsigned any;
};
enum {
	RECORD_ANY_KEYVER = 1, /* the key was chosen by the record's own keyver */
	RECORD_ANY_REV = 2,
	RECORD_REV_FLOOR = 4, /* rev may be higher than asked, never lower */
	RECORD_ANY_AUTHOR = 8,
	RECORD_ANY_PART = 16,
};

/* "anchor" .. "device", or NULL when kind is unknown. */
const char *record_kind_name(enum record_kind kind);

/* Header of a stored record, checked as said above; LL_ERR_SYNTAX, LL_ERR_UNSUPPORTED (an unknown
 * kind, suite, flag or area), LL_ERR_LIMIT (too long for its kind). */
int record_parse(struct slice record, struct record_header *ret_header) CHECKED;
/* 0 or LL_ERR_AUTH: the record is not the one asked for. */
int record_match(const struct record_header *got, const struct record_want *want) CHECKED;

/* Appends a SYM record. LL_ERR_LIMIT, LL_ERR_NOMEM, LL_ERR_UNSUPPORTED (the kind is never SYM). */
int record_sym_seal(const uint8_t key[RECORD_KEY_LEN], const struct record_header *header,
	struct slice plain, struct buf *out) CHECKED;
/* Appends the plaintext. Errors of record_parse, LL_ERR_AUTH; on failure out keeps its length.
 * ret_header may be NULL. */
int record_sym_open(const uint8_t key[RECORD_KEY_LEN], const struct record_want *want,
	struct slice record, struct record_header *ret_header, struct buf *out) CHECKED;
/* A reader for parts of a large SYM record: head holds at least its first RECORD_HEADER_LEN +
 * COBBLESTONE_HEADER_LEN bytes, record_len is its whole length. Ranges of the reader count from
 * RECORD_HEADER_LEN. */
int record_sym_reader(const uint8_t key[RECORD_KEY_LEN], const struct record_want *want,
	struct slice head, uint64_t record_len, struct cobblestone_reader **ret_reader) CHECKED;

/* One encapsulation to one recipient's public key, good for a burst of records: the key schedule of
 * every record still has that record's own header in it. */
struct record_sender;
#define RECORD_BURST_MAX 64
#define RECORD_BURST_MS 2000
/* now_ms: any monotonic clock. LL_ERR_SYNTAX (bad public key), LL_ERR_NOMEM, LL_ERR_CRYPTO. */
int record_sender_new(const uint8_t public[XWING_PUBLIC_LEN], uint64_t now_ms,
	struct record_sender **ret_sender) CHECKED;
/* Wipes; NULL is accepted. */
void record_sender_free(struct record_sender *s);
/* False after RECORD_BURST_MAX records or RECORD_BURST_MS: call record_sender_renew. */
bool record_sender_fresh(const struct record_sender *s, uint64_t now_ms);
/* A new encapsulation to the same key, cheaper than a new sender. */
int record_sender_renew(struct record_sender *s, uint64_t now_ms) CHECKED;
/* Appends a KEM record. LL_ERR_LIMIT: over the kind's cap, or the burst is used up. */
int record_kem_seal(struct record_sender *s, const struct record_header *header, struct slice plain,
	struct buf *out) CHECKED;

/* A recipient's private key with the shared secrets of the last encapsulations it met, so that a
 * burst costs one decapsulation. */
struct record_opener;
int record_opener_new(
	const uint8_t seed[XWING_SEED_LEN], struct record_opener **ret_opener) CHECKED;
/* Wipes; NULL is accepted. */
void record_opener_free(struct record_opener *o);
/* XWING_PUBLIC_LEN bytes to publish, valid as long as the opener. */
const uint8_t *record_opener_public(const struct record_opener *o);
/* Appends the plaintext; as record_sym_open. */
int record_kem_open(struct record_opener *o, const struct record_want *want, struct slice record,
	struct record_header *ret_header, struct buf *out) CHECKED;

/* Appends a SIG record. */
int record_sig_seal(const struct ed25519_key *key, const struct record_header *header,
	struct slice body, struct buf *out) CHECKED;
/* *ret_body is a view into record. */
int record_sig_open(const uint8_t public[ED25519_PUBLIC_LEN], const struct record_want *want,
	struct slice record, struct record_header *ret_header, struct slice *ret_body) CHECKED;

/* A signature behind a record of another form, as a GRANT has: record_sign appends it for all bytes
 * of out from `from` on; record_verify checks it and gives the record without it. */
int record_sign(
	const struct ed25519_key *key, enum record_kind kind, struct buf *out, size_t from) CHECKED;
int record_verify(const uint8_t public[ED25519_PUBLIC_LEN], enum record_kind kind,
	struct slice with_sig, struct slice *ret_record) CHECKED;

/* Blobs hold one body for several accounts and carry no header: Cobblestone256 under a random data
 * key that stands in sealed metadata, with the context "letterlock/1/blob\0" || blob id. Open the
 * whole with record_blob_open or a part through record_blob_reader. */
int record_blob_seal(const uint8_t key[RECORD_KEY_LEN], const uint8_t blob[RECORD_ID_LEN],
	struct slice plain, struct buf *out) CHECKED;
int record_blob_open(const uint8_t key[RECORD_KEY_LEN], const uint8_t blob[RECORD_ID_LEN],
	struct slice sealed, struct buf *out) CHECKED;
int record_blob_reader(const uint8_t key[RECORD_KEY_LEN], const uint8_t blob[RECORD_ID_LEN],
	struct slice header, uint64_t sealed_len, struct cobblestone_reader **ret_reader) CHECKED;

#endif
