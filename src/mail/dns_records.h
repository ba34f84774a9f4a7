/* Every DNS record a mail domain needs, for `letterlock domain dns`. */
#ifndef MAIL_DNS_RECORDS_H
#define MAIL_DNS_RECORDS_H

#include "base/arena.h"
#include "base/slice.h"
#include "mail/dkim.h"

#define DNS_RECORDS_COUNT_MAX 24u

struct dns_records_dkim {
	struct slice selector;
	enum dkim_alg alg;
	struct slice record; /* text of dkim_key_record */
};

struct dns_records_options {
	struct slice domain; /* example.org */
	struct slice host; /* mail.example.org */
	const struct dns_records_dkim *dkim;
	size_t dkim_count;
	struct slice spki; /* DER SubjectPublicKeyInfo of the host's certificate; empty: no TLSA */
	struct slice mtasts_id; /* letters and digits, at most 32; empty: no MTA-STS */
	bool https; /* the host answers HTTPS, the Web Key Directory above all */
	struct slice report_to; /* address for DMARC and TLS reports; empty: none */
	enum { DNS_RECORDS_P_NONE, DNS_RECORDS_P_QUARANTINE, DNS_RECORDS_P_REJECT } dmarc;
};

struct dns_records_entry {
	struct slice name; /* without the last dot */
	const char *type; /* "MX", "TXT", ... */
	struct slice value; /* zone file form; TXT in quoted strings of at most 255 bytes */
	const char *why;
	bool required; /* mail suffers without it */
};

struct dns_records {
	struct dns_records_entry entries[DNS_RECORDS_COUNT_MAX];
	size_t count;
};

/* Slices are of the arena or static. LL_ERR_NOMEM, LL_ERR_CRYPTO. */
int dns_records_make(const struct dns_records_options *options, struct arena *arena,
	struct dns_records *ret) CHECKED;

#endif
