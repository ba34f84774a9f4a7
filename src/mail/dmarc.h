/* DMARC as of RFC 9989: the policy is found by walking up the tree of the author's domain; psd=,
 * np= and t= are honoured, pct= is not. A record at a public suffix (libpsl, ICANN part) that says
 * nothing about psd= is taken as psd=y, so that an old record at a registry never makes its
 * customers one organisation. */
#ifndef MAIL_DMARC_H
#define MAIL_DMARC_H

#include "base/arena.h"
#include "mail/dns_memo.h"

#define DMARC_WALK_MAX 8u /* queries of one tree walk, section 4.10 */

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

/* A parsed record (section 4.7). */
struct dmarc_record {
	bool has_p, has_sp, has_np;
	enum dmarc_policy p, sp, np;
	bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
	bool testing; /* t=y */
	enum dmarc_psd psd;
	struct slice rua, ruf, fo; /* as written; views */
};

/* LL_ERR_SYNTAX when it is not a DMARC record (does not begin with v=DMARC1). Unknown tags and
 * values are ignored, section 4.7. */
int dmarc_record_parse(struct slice text, struct dmarc_record *ret) CHECKED;

enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR, DMARC_PERMERROR };

struct dmarc_input {
	struct slice author; /* domain of the From field; empty gives DMARC_NONE */
	struct slice spf_domain; /* of a MAIL FROM (or bounce's HELO) that passed; else empty */
	const struct slice *dkim_domains; /* d= of the signatures that passed */
	size_t dkim_count;
};

struct dmarc_verdict {
	enum dmarc_result result;
	const char *reason; /* static text; may be NULL */
	bool spf_aligned, dkim_aligned;
	enum dmarc_policy published; /* p=, sp= or np=, whichever governs */
	enum dmarc_policy disposition; /* what to do: published, lowered by t=y; none unless fail */
	bool testing;
	bool subdomain; /* the record was found above the author's domain */
	bool secure; /* the record came with DNSSEC */
	struct slice author; /* author's domain, lower case */
	struct slice policy_domain; /* where the record was found; empty for none */
	struct slice organization; /* organizational domain of the author's domain */
	struct slice rua; /* as published */
};

/* Slices of the verdict are views of the memo or the arena. LL_ERR_AGAIN, LL_ERR_NOMEM. */
int dmarc_check(const struct dmarc_input *input, struct dns_memo *memo, struct arena *arena,
	struct dmarc_verdict *ret) CHECKED;

/* The organizational domain of a name (section 4.10.2). LL_ERR_AGAIN, LL_ERR_NOMEM. */
int dmarc_organization(
	struct slice domain, struct dns_memo *memo, struct arena *arena, struct slice *ret) CHECKED;

const char *dmarc_result_name(enum dmarc_result result);
const char *dmarc_policy_name(enum dmarc_policy policy);

#endif
