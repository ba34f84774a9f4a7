/* Sender Policy Framework, RFC 7208: may this address send for this domain? */
#ifndef MAIL_SPF_H
#define MAIL_SPF_H

#include "base/arena.h"
#include "mail/dns_memo.h"
#include "mail/ip.h"

#define SPF_LOOKUPS_MAX 10u /* section 4.6.4 */
#define SPF_VOID_MAX 2u
#define SPF_NAMES_MAX 10u /* MX hosts, PTR names */
#define SPF_RECORD_MAX 4096u /* bytes of a record that are looked at; longer is a permerror */

enum spf_result {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
};

enum spf_identity { SPF_MAILFROM, SPF_HELO };

struct spf_request {
	struct ip_addr ip;
	struct slice helo; /* as the client gave it */
	struct slice mail_from; /* without <>; empty for bounces: postmaster@HELO is checked then */
	struct slice receiver; /* our host name, for %{r}; may be empty */
	int64_t now; /* unix seconds, for %{t} */
	enum spf_identity identity; /* SPF_HELO checks the HELO name as postmaster@HELO */
};

struct spf_verdict {
	enum spf_result result;
	enum spf_identity identity; /* which name was checked */
	struct slice domain; /* the name checked */
	struct slice mechanism; /* the directive that matched; empty for a default result */
	struct slice explanation; /* expanded exp= text of a fail, printable ASCII; often empty */
	const char *problem; /* why temperror or permerror; else NULL */
	unsigned lookups, voids; /* spent */
};

/* check_host() for one identity. Slices of the verdict are views of the request, the memo or the
 * arena. LL_ERR_AGAIN: answers are wanted; run again when they are there. LL_ERR_NOMEM. */
int spf_check(const struct spf_request *request, struct dns_memo *memo, struct arena *arena,
	struct spf_verdict *ret) CHECKED;

/* "pass", "softfail", ... as in RFC 8601. */
const char *spf_result_name(enum spf_result result);

#endif
