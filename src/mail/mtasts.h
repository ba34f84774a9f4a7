/* SMTP MTA Strict Transport Security, RFC 8461: the TXT record, the policy file, matching of MX
 * names, and what to do with a cached policy. */
#ifndef MAIL_MTASTS_H
#define MAIL_MTASTS_H

#include "base/buf.h"
#include "base/slice.h"
#include "mail/dns_memo.h"

#define MTASTS_POLICY_MAX ((size_t)64 * 1024) /* bytes of a policy file, section 3.3 */
#define MTASTS_MX_MAX 64u
#define MTASTS_AGE_MAX 31557600u /* seconds, section 3.2 */

enum mtasts_mode { MTASTS_MODE_NONE, MTASTS_MODE_TESTING, MTASTS_MODE_ENFORCE };

struct mtasts_policy {
	enum mtasts_mode mode;
	uint32_t max_age;
	struct slice mx[MTASTS_MX_MAX]; /* patterns, views of the text */
	size_t mx_count;
};

/* The id of the policy from the text of one TXT record at _mta-sts.DOMAIN. LL_ERR_SYNTAX. */
int mtasts_record_parse(struct slice text, struct slice *ret_id) CHECKED;
/* Looks at all TXT records: LL_OK and the id; LL_ERR_NOTFOUND when the domain has no policy (none,
 * or more than one record); LL_ERR_AGAIN; LL_ERR_IO when DNS fails now. */
int mtasts_record_find(struct slice domain, struct dns_memo *memo, struct slice *ret_id) CHECKED;
/* The body of https://mta-sts.DOMAIN/.well-known/mta-sts.txt. LL_ERR_SYNTAX, LL_ERR_LIMIT. */
int mtasts_policy_parse(struct slice text, struct mtasts_policy *ret) CHECKED;
/* Appends such a body. LL_ERR_SYNTAX when it could not be read again: too many or no MX patterns,
 * or such as are no names. */
int mtasts_policy_put(struct buf *out, const struct mtasts_policy *p) CHECKED;
/* "none", "testing", "enforce" */
const char *mtasts_mode_name(enum mtasts_mode mode);
/* Section 4.1: "*.example.org" matches one label more. */
bool mtasts_mx_match(const struct mtasts_policy *policy, struct slice host);

enum mtasts_action {
	MTASTS_IGNORE, /* no policy applies */
	MTASTS_USE, /* the cached policy is good */
	MTASTS_FETCH, /* fetch; if that fails, the cached policy (if any and not expired) still
			 holds */
};

/* What we hold of a domain. */
struct mtasts_cached {
	bool present;
	struct slice id;
	int64_t fetched; /* unix seconds */
	uint32_t max_age;
};

/* record: result of mtasts_record_find (LL_OK, LL_ERR_NOTFOUND, LL_ERR_IO) with its id. Section
 * 3.1, 3.3, 5.1: a vanished record does not drop a cached policy before it expires. */
enum mtasts_action mtasts_decide(
	const struct mtasts_cached *cached, int record, struct slice id, int64_t now);
/* Whether the cached policy may still be applied. */
bool mtasts_cached_valid(const struct mtasts_cached *cached, int64_t now);

#endif
