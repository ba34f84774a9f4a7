/* Authenticated Received Chain, RFC 8617: verification of the chain. */
#ifndef MAIL_ARC_H
#define MAIL_ARC_H

#include "base/arena.h"
#include "mail/dns_memo.h"

#define ARC_INSTANCES_MAX 50u /* section 4.2.1 */

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };

struct arc_verdict {
	enum arc_result result;
	const char *reason; /* static text; NULL for none and pass */
	unsigned instances; /* of the chain */
	unsigned
		oldest_pass; /* RFC 8617 section 5.2 step 5: 0 when every message signature holds */
	struct slice domain; /* d= of the last seal; empty for none */
};

struct arc_verifier;
/* Same rules as dkim_verifier_new. NULL when memory is short. */
struct arc_verifier *arc_verifier_new(struct slice header, int64_t now);
void arc_verifier_free(struct arc_verifier *v);
int arc_verifier_body(struct arc_verifier *v, struct slice piece) CHECKED;
int arc_verifier_body_end(struct arc_verifier *v) CHECKED;
/* LL_ERR_AGAIN until the keys are there and the body has ended. */
int arc_verifier_step(struct arc_verifier *v, struct dns_memo *memo) CHECKED;
/* Valid as long as the verifier. */
const struct arc_verdict *arc_verifier_verdict(const struct arc_verifier *v);

const char *arc_result_name(enum arc_result result);

#endif
