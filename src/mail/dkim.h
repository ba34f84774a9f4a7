/* DomainKeys Identified Mail: RFC 6376 with RFC 8301 (no SHA-1, RSA keys of 1024 bits and more) and
 * RFC 8463 (Ed25519). Messages are given with CRLF line ends; header and body are handed in apart,
 * the body in pieces of any size. */
#ifndef MAIL_DKIM_H
#define MAIL_DKIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/dns_memo.h"

#define DKIM_SIGNATURES_MAX 8u /* looked at per message; further ones get DKIM_POLICY */
#define DKIM_RSA_BITS_MIN 1024
#define DKIM_RSA_BITS_MAX 8192
#define DKIM_CLOCK_SKEW 300 /* seconds a signature may come from the future */
#define DKIM_HASH_SIZE 32u

enum dkim_alg { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* Results of RFC 8601 section 2.7.1. */
enum dkim_result {
	DKIM_NONE,
	DKIM_PASS,
	DKIM_FAIL, /* the hash or the signature does not match */
	DKIM_POLICY, /* not acceptable here: SHA-1, short key, beyond the cap */
	DKIM_NEUTRAL, /* malformed signature */
	DKIM_TEMPERROR, /* the key could not be fetched now */
	DKIM_PERMERROR, /* no key, a revoked or unusable key, expired */
};

struct dkim_verdict {
	enum dkim_result result;
	const char *reason; /* static text; NULL for a plain pass */
	enum dkim_alg alg;
	unsigned key_bits; /* 0 when no key was seen */
	struct slice domain; /* d=, lower case */
	struct slice selector; /* s= */
	struct slice identity; /* i=, or "@" d= */
	struct slice signature; /* first characters of b=, for header.b (RFC 6008) */
	bool testing; /* t=y in the key record */
	bool key_secure; /* the key came with DNSSEC */
	bool body_partial; /* l= was less than the body: what follows is unsigned */
	uint64_t unsigned_bytes; /* canonicalised body bytes beyond l= */
};

/* Canonicalised body hash (SHA-256), streamed. limit is l=, UINT64_MAX for none. */
struct dkim_body;
struct dkim_body *dkim_body_new(enum dkim_canon canon, uint64_t limit);
void dkim_body_free(struct dkim_body *body);
int dkim_body_update(struct dkim_body *body, struct slice piece) CHECKED;
/* Ends the body. ret_hash has DKIM_HASH_SIZE bytes; ret_length (may be NULL) is the length of the
 * whole canonicalised body. LL_ERR_CRYPTO. */
int dkim_body_final(struct dkim_body *body, uint8_t *ret_hash, uint64_t *ret_length) CHECKED;

/* Appends one header field (with its CRLF) canonicalised (section 3.4.1, 3.4.2). */
int dkim_header_canon(struct buf *out, enum dkim_canon canon, struct slice field);

struct dkim_verifier;
/* header: every field with its CRLF, without the empty line; it must stay valid as long as the
 * verifier. now is for x= and t=. NULL when memory is short. */
struct dkim_verifier *dkim_verifier_new(struct slice header, int64_t now);
void dkim_verifier_free(struct dkim_verifier *v);
int dkim_verifier_body(struct dkim_verifier *v, struct slice piece) CHECKED;
int dkim_verifier_body_end(struct dkim_verifier *v) CHECKED;
/* Asks for the keys, checks what can be checked. LL_ERR_AGAIN until all keys are there and the body
 * has ended; may be called before that to have the keys asked for early. LL_ERR_NOMEM. */
int dkim_verifier_step(struct dkim_verifier *v, struct dns_memo *memo) CHECKED;
/* One verdict per signature, in the order of the header; valid as long as the verifier. */
const struct dkim_verdict *dkim_verifier_verdicts(const struct dkim_verifier *v, size_t *ret_count);

/* "pass", "permerror", ... */
const char *dkim_result_name(enum dkim_result result);
/* "rsa-sha256", "ed25519-sha256". */
const char *dkim_alg_name(enum dkim_alg alg);

/* ---- signing ---- */

struct dkim_key;
void dkim_key_free(struct dkim_key *key);
/* A new key: RSA of 2048 bits, or Ed25519. LL_ERR_CRYPTO. */
int dkim_key_generate(enum dkim_alg alg, struct dkim_key **ret) CHECKED;
/* From PKCS#8 DER; the algorithm is that of the key. LL_ERR_SYNTAX, LL_ERR_UNSUPPORTED. */
int dkim_key_import(struct slice der, struct dkim_key **ret) CHECKED;
/* Appends the private key as PKCS#8 DER: a secret (BUF_SECRET), to be sealed by the caller. */
int dkim_key_export(const struct dkim_key *key, struct buf *out) CHECKED;
enum dkim_alg dkim_key_alg(const struct dkim_key *key);
/* Appends the text of the TXT record at SELECTOR._domainkey.DOMAIN: "v=DKIM1; k=rsa; p=...". */
int dkim_key_record(const struct dkim_key *key, struct buf *out) CHECKED;

struct dkim_sign_options {
	struct slice domain, selector; /* d=, s= */
	int64_t now; /* t=; 0 leaves it out */
	int64_t expires; /* x=; 0 leaves it out */
	enum dkim_canon header_canon, body_canon;
	struct slice identity; /* i=; empty leaves it out */
};

/* Appends a whole DKIM-Signature field with its CRLF, to be put on top of the header. body_hash is
 * that of dkim_body_final with options->body_canon and no limit; so several keys share one. Signs
 * the usual fields that are present, and From, Subject, Date, To and others once more than they
 * occur, so that none can be added (section 8.15). LL_ERR_SYNTAX without a From field. */
int dkim_sign(const struct dkim_key *key, const struct dkim_sign_options *options,
	struct slice header, const uint8_t *body_hash, struct buf *out) CHECKED;

#endif
