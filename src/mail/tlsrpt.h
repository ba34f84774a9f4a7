/* SMTP TLS reporting, RFC 8460: the record that says where reports go, and the counters a report is
 * made of. */
#ifndef MAIL_TLSRPT_H
#define MAIL_TLSRPT_H

#include "base/slice.h"
#include "mail/dns_memo.h"

#define TLSRPT_URIS_MAX 8u

struct tlsrpt_record {
	struct slice uris[TLSRPT_URIS_MAX]; /* mailto: and https: only, as written */
	size_t count;
};

/* One TXT record at _smtp._tls.DOMAIN. LL_ERR_SYNTAX. */
int tlsrpt_record_parse(struct slice text, struct tlsrpt_record *ret) CHECKED;
/* LL_ERR_NOTFOUND (none, or several), LL_ERR_AGAIN, LL_ERR_IO. */
int tlsrpt_record_find(
	struct slice domain, struct dns_memo *memo, struct tlsrpt_record *ret) CHECKED;

/* Section 4.3. */
enum tlsrpt_failure {
	TLSRPT_STARTTLS_NOT_SUPPORTED,
	TLSRPT_CERTIFICATE_HOST_MISMATCH,
	TLSRPT_CERTIFICATE_EXPIRED,
	TLSRPT_CERTIFICATE_NOT_TRUSTED,
	TLSRPT_VALIDATION_FAILURE,
	TLSRPT_TLSA_INVALID,
	TLSRPT_DNSSEC_INVALID,
	TLSRPT_DANE_REQUIRED,
	TLSRPT_STS_POLICY_FETCH_ERROR,
	TLSRPT_STS_POLICY_INVALID,
	TLSRPT_STS_WEBPKI_INVALID,
	TLSRPT_FAILURES, /* how many kinds */
};

enum tlsrpt_policy { TLSRPT_POLICY_TLSA, TLSRPT_POLICY_STS, TLSRPT_POLICY_NONE, TLSRPT_POLICIES };

/* Sessions with one domain on one UTC day. */
struct tlsrpt_counters {
	uint64_t success[TLSRPT_POLICIES];
	uint64_t failure[TLSRPT_POLICIES][TLSRPT_FAILURES];
};

void tlsrpt_count_success(struct tlsrpt_counters *c, enum tlsrpt_policy policy);
void tlsrpt_count_failure(
	struct tlsrpt_counters *c, enum tlsrpt_policy policy, enum tlsrpt_failure failure);
void tlsrpt_counters_add(struct tlsrpt_counters *to, const struct tlsrpt_counters *from);
/* "certificate-expired", "tlsa", as in the report. */
const char *tlsrpt_failure_name(enum tlsrpt_failure failure);
const char *tlsrpt_policy_name(enum tlsrpt_policy policy);

#endif
