/* What DKIM and ARC share: parsed signatures, hashes over header fields, public keys. */
#ifndef MAIL_DKIM_INTERNAL_H
#define MAIL_DKIM_INTERNAL_H

#include "mail/dkim.h"
#include "mail/header.h"
#include "mail/taglist.h"

#include <openssl/evp.h>

#define DKIM_HEADER_NAMES_MAX 1024u /* names in one h= */

enum dkim_kind { DKIM_SIGNATURE, DKIM_ARC_MESSAGE, DKIM_ARC_SEAL };

/* The tags of one signature field. */
struct dkim_signature {
	enum dkim_kind kind;
	enum dkim_alg alg;
	enum dkim_canon header_canon, body_canon;
	struct slice domain, selector, identity; /* normal form; as written; i= or "@" d= */
	struct slice headers; /* h= */
	struct slice signature; /* b=, decoded */
	struct slice signature_raw; /* b= as it stands in the field: what the hash leaves out */
	uint8_t body_hash[DKIM_HASH_SIZE]; /* bh= */
	uint64_t limit; /* l=, or UINT64_MAX */
	bool limited; /* l= was given */
};

/* Why a signature is not even tried. */
struct dkim_refusal {
	enum dkim_result result;
	const char *reason;
};

/* Parses the tags of a signature field's value. LL_ERR_SYNTAX with *ret_refusal, LL_ERR_NOMEM. What
 * was read before the error is in *ret. */
int dkim_signature_parse(enum dkim_kind kind, const struct taglist *tags, int64_t now,
	struct arena *arena, struct dkim_signature *ret, struct dkim_refusal *ret_refusal) CHECKED;

/* All fields of a header, in order. */
struct dkim_fields {
	struct header_field *at;
	size_t count;
};
int dkim_fields_read(struct slice header, struct arena *arena, struct dkim_fields *ret) CHECKED;

/* SHA-256 over canonicalised fields. */
struct dkim_header_hash {
	EVP_MD_CTX *hash;
	enum dkim_canon canon;
	struct buf field;
	bool failed;
};
int dkim_header_hash_init(struct dkim_header_hash *h, enum dkim_canon canon) CHECKED;
void dkim_header_hash_done(struct dkim_header_hash *h);
void dkim_header_hash_field(struct dkim_header_hash *h, struct slice raw);
/* The signature field itself: without the value of b= and without its line end. */
void dkim_header_hash_self(struct dkim_header_hash *h, struct slice raw, struct slice b_raw);
int dkim_header_hash_final(struct dkim_header_hash *h, uint8_t *ret) CHECKED;

/* The hash of section 3.7 for a signature that is fields->at[self]. LL_ERR_NOMEM, LL_ERR_CRYPTO. */
int dkim_signature_hash(const struct dkim_signature *s, const struct dkim_fields *fields,
	size_t self, struct arena *arena, uint8_t *ret) CHECKED;

/* Body hashes, one for each canonicalisation and limit that the signatures of a message use. */
#define DKIM_BODIES_MAX 8u

struct dkim_bodies {
	struct dkim_body_hash {
		struct dkim_body *stream;
		enum dkim_canon canon;
		uint64_t limit, length;
		uint8_t hash[DKIM_HASH_SIZE];
	} at[DKIM_BODIES_MAX];
	size_t count;
	bool ended;
};

void dkim_bodies_done(struct dkim_bodies *b);
/* The index of the hash for a signature; LL_ERR_NOMEM, LL_ERR_LIMIT. */
int dkim_bodies_share(struct dkim_bodies *b, const struct dkim_signature *s, size_t *ret) CHECKED;
int dkim_bodies_update(struct dkim_bodies *b, struct slice piece) CHECKED;
int dkim_bodies_end(struct dkim_bodies *b) CHECKED;
/* NULL when the ended body is the one that was signed, else the reason. */
const char *dkim_bodies_compare(
	const struct dkim_bodies *b, size_t index, const struct dkim_signature *s);

/* What the key said. */
struct dkim_check {
	enum dkim_result result;
	const char *reason;
	unsigned key_bits;
	bool testing, secure;
};

/* Asks for the key: LL_OK when its answer is there, LL_ERR_AGAIN, LL_ERR_NOMEM. */
int dkim_signature_ask(
	const struct dkim_signature *s, struct dns_memo *memo, struct arena *arena) CHECKED;
/* Fetches the key and verifies. LL_ERR_AGAIN, LL_ERR_NOMEM. */
int dkim_signature_check(const struct dkim_signature *s, const uint8_t *hash, struct dns_memo *memo,
	struct arena *arena, struct dkim_check *ret) CHECKED;

#endif
