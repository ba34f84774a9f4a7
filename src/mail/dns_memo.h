/* DNS answers as policy code sees them. Policy is pure: it asks the memo; an answer that is not
 * there yet is recorded as wanted, and the policy function returns LL_ERR_AGAIN and is simply run
 * again once the answers were put. The memo owns copies of everything and has hard caps: beyond
 * them every new question is answered SERVFAIL, so that a run always ends.
 *
 *	while ((r = mailauth_step(m, memo)) == LL_ERR_AGAIN)
 *		while (dns_memo_wanted(memo, &q))
 *			... ask lookup for q.name, q.type; dns_memo_put with what came back ...
 */
#ifndef MAIL_DNS_MEMO_H
#define MAIL_DNS_MEMO_H

#include "base/slice.h"

#define DNS_MEMO_QUERIES_MAX 256u
#define DNS_MEMO_BYTES_MAX ((size_t)512 * 1024)
#define DNS_RECORDS_MAX 256u /* of one answer; later ones are dropped */
#define DNS_NAME_MAX 253u /* characters, without the last dot */

/* The numbers of the DNS itself. */
enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
	DNS_OPENPGPKEY = 61,
};

enum dns_status {
	DNS_OK, /* at least one record */
	DNS_NXDOMAIN,
	DNS_NODATA,
	DNS_SERVFAIL, /* also timeouts and refusals */
	DNS_BOGUS, /* DNSSEC validation failed */
};

struct dns_mx {
	uint16_t preference;
	struct slice host; /* lower case; empty for "." (RFC 7505) */
};

struct dns_tlsa {
	uint8_t usage, selector, matching;
	struct slice data;
};

/* One parsed record; which member counts is told by the query's type. */
struct dns_record {
	union {
		struct slice ip; /* A, AAAA: 4 or 16 bytes */
		struct slice name; /* CNAME, PTR: lower case, no dot at the end */
		struct slice text; /* TXT: the strings of one record joined */
		struct dns_mx mx;
		struct dns_tlsa tlsa;
	};
};

struct dns_answer {
	enum dns_status status;
	bool secure; /* DNSSEC validated the answer, or the denial */
	uint32_t ttl; /* seconds */
	struct slice canonical; /* where CNAMEs led; the name asked for when there were none */
	const struct dns_record *records;
	size_t count; /* at least 1 when status is DNS_OK */
};

struct dns_query {
	struct slice name; /* presentation form, lower case, odd bytes as \DDD, no dot at the end */
	enum dns_type type;
};

struct dns_memo;

/* NULL when memory is short. */
struct dns_memo *dns_memo_new(void);
void dns_memo_free(struct dns_memo *memo);

/* The answer, valid as long as the memo; or NULL, and the query is now wanted. The name is raw
 * bytes between dots; a name that cannot be in the DNS (empty label, label over 63, over 253) is
 * answered NXDOMAIN here. */
const struct dns_answer *dns_memo_get(struct dns_memo *memo, struct slice name, enum dns_type type);

/* The next query that nobody has taken yet; false when there is none. Each is given once. */
bool dns_memo_wanted(struct dns_memo *memo, struct dns_query *ret);
/* Queries that were wanted and have no answer yet. */
size_t dns_memo_pending(const struct dns_memo *memo);

struct dns_reply {
	enum dns_status status;
	bool secure;
	uint32_t ttl;
	struct slice canonical; /* may be empty */
	const struct slice *rdata; /* wire format, names uncompressed, as libunbound gives them */
	size_t count;
};

/* Stores a reply under a query as dns_memo_wanted gave it (one that was not asked for is stored
 * too; the first answer stays). Records that do not parse are dropped; when none is left the
 * answer is NODATA. LL_ERR_NOMEM, LL_ERR_LIMIT (stored as SERVFAIL). */
int dns_memo_put(
	struct dns_memo *memo, const struct dns_query *query, const struct dns_reply *reply);

#endif
