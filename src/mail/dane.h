/* Where mail for a domain goes, and what DANE asks of the connection: RFC 5321 section 5.1, RFC
 * 7505, RFC 7672. Pure functions over the DNS memo; the certificate check itself is OpenSSL's
 * SSL_dane_*. */
#ifndef MAIL_DANE_H
#define MAIL_DANE_H

#include "base/arena.h"
#include "mail/dns_memo.h"
#include "mail/ip.h"

#define MX_HOSTS_MAX 32u
#define DANE_TLSA_MAX 32u
#define MX_ADDRESSES_MAX 16u

struct mx_host {
	uint16_t preference;
	struct slice host;
};

enum mx_status {
	MX_FOUND,
	MX_IMPLICIT, /* no MX: the domain itself is the one host */
	MX_NULL, /* "MX 0 .": takes no mail, permanent (5.1.10) */
	MX_NO_DOMAIN, /* the domain does not exist, permanent (5.1.2) */
	MX_TEMPORARY, /* DNS fails now, or is bogus */
};

struct mx_route {
	enum mx_status status;
	bool secure; /* the MX answer (or its denial) was validated */
	struct mx_host
		hosts[MX_HOSTS_MAX]; /* by preference, equal ones in the order of the answer */
	size_t count;
	struct slice domain; /* next-hop domain after secure CNAMEs: a reference name too */
};

/* LL_ERR_AGAIN, LL_ERR_NOMEM. The caller shuffles hosts of equal preference. */
int mx_route_find(struct slice domain, struct dns_memo *memo, struct arena *arena,
	struct mx_route *ret) CHECKED;

enum dane_state {
	DANE_NONE, /* DANE says nothing: MTA-STS or opportunistic TLS */
	DANE_ENCRYPT, /* secure records, none usable: TLS is a must, the certificate is not checked
		       */
	DANE_VERIFY, /* TLS is a must and the chain must match one of the records */
	DANE_DEFER, /* DNS failed or is bogus: leave this host alone for now */
};

/* One usable record. */
struct dane_record {
	uint8_t usage, selector, matching; /* usage 2 or 3 */
	struct slice data;
};

struct dane_host {
	enum dane_state state;
	const char *reason; /* static text for the log and TLSRPT; NULL when none */
	struct ip_addr addresses[MX_ADDRESSES_MAX];
	size_t address_count; /* 0: no such host, or DANE_DEFER */
	struct slice base; /* TLSA base domain: the SNI, and the first reference name */
	/* Reference names for usage 2, RFC 7672 section 3.2.2; usage 3 needs none. */
	struct slice names[4];
	size_t name_count;
	struct dane_record records[DANE_TLSA_MAX];
	size_t record_count; /* 0 unless DANE_VERIFY */
	size_t unusable_count;
};

/* Addresses and DANE state of one MX host. `route` gives the security of the MX answer and the
 * next-hop name. LL_ERR_AGAIN, LL_ERR_NOMEM. */
int dane_host_find(const struct mx_route *route, struct slice host, uint16_t port,
	struct dns_memo *memo, struct arena *arena, struct dane_host *ret) CHECKED;

/* Whether a TLSA record can be used for SMTP: usage 2 or 3, selector 0 or 1, matching 0 to 2, and
 * data of the right length (RFC 7672 section 3.1, RFC 6698 section 2.1). */
bool dane_record_usable(const struct dns_tlsa *record);
/* Whether a usable record matches one certificate (DER) or its SubjectPublicKeyInfo (DER). */
bool dane_record_matches(
	const struct dane_record *record, struct slice certificate, struct slice spki);

#endif
