/* The DNS records of a mail domain, each with the reason a person may want to read. */
#include "mail/dns_records.h"

#include "base/error.h"

#include <openssl/evp.h>

#define STRING_MAX 255u /* of one character-string in a TXT record */

struct make {
	const struct dns_records_options *o;
	struct arena *arena;
	struct dns_records *out;
	int err;
};

static void
put_entry(struct make *m, struct slice name, const char *type, struct slice value, const char *why,
	bool required)
{
	if (m->err)
		return;
	if (!name.ptr || !value.ptr) {
		m->err = LL_ERR_NOMEM;
		return;
	}
	if (m->out->count == DNS_RECORDS_COUNT_MAX) {
		m->err = LL_ERR_LIMIT;
		return;
	}
	m->out->entries[m->out->count++] =
		(struct dns_records_entry){name, type, value, why, required};
}

/* Text as quoted strings, cut where a string is full. */
static struct slice
quoted(struct make *m, struct slice text)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)16 * 1024);

	do {
		struct slice part = slice_sub(text, 0, STRING_MAX);

		text = slice_skip(text, part.len);
		buf_putc(&out, '"');
		for (size_t i = 0; i < part.len; i++) {
			if (part.ptr[i] == '"' || part.ptr[i] == '\\')
				buf_putc(&out, '\\');
			buf_putc(&out, part.ptr[i]);
		}
		buf_puts(&out, text.len ? "\" " : "\"");
	} while (text.len);
	return buf_err(&out) ? SLICE_NONE : arena_dup(m->arena, buf_slice(&out));
}

static void
put_txt(struct make *m, struct slice name, struct slice text, const char *why, bool required)
{
	put_entry(m, name, "TXT", text.ptr ? quoted(m, text) : SLICE_NONE, why, required);
}

/* "label.DOMAIN" */
static struct slice
below(struct make *m, const char *label, struct slice domain)
{
	return arena_printf(m->arena, "%s.%.*s", label, SLICE_ARG(domain));
}

static void
put_route(struct make *m)
{
	put_entry(m, m->o->domain, "MX", arena_printf(m->arena, "10 %.*s.", SLICE_ARG(m->o->host)),
		"mail for the domain is delivered to this host", true);
	put_txt(m, m->o->domain, S("v=spf1 mx -all"),
		"only the hosts in the MX record send mail for the domain", true);
	if (!slice_ieq(m->o->host, m->o->domain))
		put_txt(m, m->o->host, S("v=spf1 a -all"),
			"the host's own name in HELO is checked as well, for bounces above all",
			false);
}

static void
put_dkim(struct make *m)
{
	for (size_t i = 0; i < m->o->dkim_count; i++) {
		const struct dns_records_dkim *d = &m->o->dkim[i];

		put_txt(m,
			arena_printf(m->arena, "%.*s._domainkey.%.*s", SLICE_ARG(d->selector),
				SLICE_ARG(m->o->domain)),
			d->record,
			d->alg == DKIM_RSA_SHA256
				? "public key of the signatures (RSA: every receiver knows it)"
				: "public key of the signatures (Ed25519: short and strong)",
			true);
	}
}

static void
put_dmarc(struct make *m)
{
	static const char *const policies[] = {
		[DNS_RECORDS_P_NONE] = "none",
		[DNS_RECORDS_P_QUARANTINE] = "quarantine",
		[DNS_RECORDS_P_REJECT] = "reject",
	};
	const char *p = policies[m->o->dmarc];
	struct slice text = m->o->report_to.len
		? arena_printf(m->arena, "v=DMARC1; p=%s; rua=mailto:%.*s", p,
			  SLICE_ARG(m->o->report_to))
		: arena_printf(m->arena, "v=DMARC1; p=%s", p);

	put_txt(m, below(m, "_dmarc", m->o->domain), text,
		"what receivers do with mail in the domain's name that is neither SPF nor DKIM "
		"aligned",
		true);
}

/* DANE-EE, SPKI, SHA-256: the form RFC 7672 section 3.1.1 recommends; outlives certificates as long
 * as the key stays. */
static void
put_tlsa(struct make *m)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[65];

	if (!m->o->spki.len)
		return;
	if (EVP_Digest(m->o->spki.ptr, m->o->spki.len, digest, NULL, EVP_sha256(), NULL) != 1) {
		m->err = LL_ERR_CRYPTO;
		return;
	}
	for (size_t i = 0; i < 32; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	hex[64] = 0;
	put_entry(m, below(m, "_25._tcp", m->o->host), "TLSA",
		arena_printf(m->arena, "3 1 1 %s", hex),
		"pins the host's TLS key for other mail servers (DANE); needs DNSSEC on the "
		"host's zone; publish the new key's record before the key changes",
		false);
}

/* A name that leads to the host's HTTPS. */
static void
put_https_name(struct make *m, const char *label, const char *why)
{
	put_entry(m, below(m, label, m->o->domain), "CNAME",
		arena_printf(m->arena, "%.*s.", SLICE_ARG(m->o->host)), why, false);
}

static void
put_mtasts(struct make *m)
{
	const struct dns_records_options *o = m->o;

	if (!o->mtasts_id.len)
		return;
	put_txt(m, below(m, "_mta-sts", o->domain),
		arena_printf(m->arena, "v=STSv1; id=%.*s", SLICE_ARG(o->mtasts_id)),
		"other servers deliver over verified TLS only (MTA-STS); the id changes with the "
		"policy",
		false);
	put_https_name(m, "mta-sts",
		"where the MTA-STS policy is fetched by HTTPS; the certificate must have this "
		"name, too");
}

static void
put_tlsrpt(struct make *m)
{
	if (m->o->report_to.len)
		put_txt(m, below(m, "_smtp._tls", m->o->domain),
			arena_printf(m->arena, "v=TLSRPTv1; rua=mailto:%.*s",
				SLICE_ARG(m->o->report_to)),
			"other servers report failed TLS connections to this address", false);
}

/* How programs find the server: RFC 6186, RFC 8314, and the Web Key Directory. */
static void
put_clients(struct make *m)
{
	static const struct {
		const char *service;
		unsigned port;
		const char *why;
	} services[] = {
		{"_imaps._tcp", 993, "mail programs find IMAP over TLS"},
		{"_submissions._tcp", 465, "mail programs find submission over TLS"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		put_entry(m, below(m, services[i].service, m->o->domain), "SRV",
			arena_printf(
				m->arena, "0 1 %u %.*s.", services[i].port, SLICE_ARG(m->o->host)),
			services[i].why, false);
	if (m->o->https)
		put_https_name(m, "openpgpkey",
			"where OpenPGP keys of the domain are found (WKD); the certificate must "
			"have this name, too");
}

int
dns_records_make(
	const struct dns_records_options *options, struct arena *arena, struct dns_records *ret)
{
	static void (*const steps[])(struct make *) = {
		put_route, put_dkim, put_dmarc, put_tlsa, put_mtasts, put_tlsrpt, put_clients};
	struct dns_records records = {0};
	struct make m = {options, arena, &records, LL_OK};

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !m.err; i++)
		steps[i](&m);
	if (!m.err)
		*ret = records;
	return m.err;
}
