/* All authentication of one incoming message in one place: iprev, SPF of HELO and MAIL FROM, DKIM,
 * ARC, DMARC; the verdicts, the header text, and what DMARC asks to do.
 *
 *	m = mailauth_new(&options);                 once the header is complete
 *	mailauth_body(m, piece); ... mailauth_body_end(m);
 *	mailauth_step(m, memo)                      LL_OK, or LL_ERR_AGAIN: see mail/dns_memo.h
 *
 * mailauth_step may be called before the body has ended, so that DNS is asked early. */
#ifndef MAIL_MAILAUTH_H
#define MAIL_MAILAUTH_H

#include "mail/arc.h"
#include "mail/auth_results.h"
#include "mail/dkim.h"
#include "mail/dmarc.h"
#include "mail/spf.h"

struct mailauth_options {
	struct ip_addr ip;
	struct slice helo; /* as given */
	struct slice mail_from; /* without <>; empty for a bounce */
	struct slice authserv_id; /* our host name */
	struct slice header; /* all fields with CRLF, without the empty line */
	int64_t now;
	bool iprev; /* look the client's name up as well */
	/* The client is this machine itself, for which no domain has published anything: SPF is
	 * "none" without asking, and DMARC judges only what carries a DKIM signature. */
	bool local;
};

enum mailauth_iprev { IPREV_SKIPPED, IPREV_PASS, IPREV_FAIL, IPREV_TEMPERROR, IPREV_PERMERROR };

struct mailauth_result {
	struct spf_verdict spf; /* MAIL FROM, or HELO for a bounce */
	struct spf_verdict spf_helo;
	const struct dkim_verdict *dkim;
	size_t dkim_count;
	struct arc_verdict arc;
	struct dmarc_verdict dmarc;
	enum mailauth_iprev iprev;
	struct slice client_name; /* confirmed name of the client, or empty */
	struct slice header; /* "Authentication-Results: ..." with CRLF, to be put on top */
	const struct auth_results_range *forged; /* byte ranges of options.header to drop first */
	size_t forged_count;
};

struct mailauth;

/* The slices of the options must stay valid as long as the mailauth. NULL when memory is short. */
struct mailauth *mailauth_new(const struct mailauth_options *options);
void mailauth_free(struct mailauth *m);
int mailauth_body(struct mailauth *m, struct slice piece) CHECKED;
int mailauth_body_end(struct mailauth *m) CHECKED;
/* LL_OK when everything is known; LL_ERR_AGAIN when answers are wanted or the body goes on. */
int mailauth_step(struct mailauth *m, struct dns_memo *memo) CHECKED;
/* After LL_OK; valid as long as mailauth and memo. NULL before. */
const struct mailauth_result *mailauth_result(const struct mailauth *m);

/* Writes the field for a message submitted by an authenticated user of ours:
 * "auth=pass smtp.mailfrom=ADDRESS". By which name they signed in is not said: who writes as an
 * alias may not want the account's own address known. Errors stick in out. */
void mailauth_submission_header(struct buf *out, struct slice authserv_id, struct slice mail_from);

#endif
