/* The records of a domain: each must be one that our own readers accept and find right. */
#include "mail/dane.h"
#include "mail/dmarc.h"
#include "mail/dns_records.h"
#include "mail/mtasts.h"
#include "mail/tlsrpt.h"
#include "zone.h"

#include <openssl/evp.h>

static struct dns_records_entry
find(const struct dns_records *r, const char *name, const char *type)
{
	for (size_t i = 0; i < r->count; i++)
		if (slice_eq(r->entries[i].name, slice_str(name)) &&
			!strcmp(r->entries[i].type, type))
			return r->entries[i];
	return (struct dns_records_entry){0};
}

/* What a name server makes of quoted strings. */
static struct slice
unquote(struct buf *out, struct slice value)
{
	bool inside = false;
	size_t length = 0;

	buf_reset(out);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c == '"') {
			inside = !inside;
			length = 0;
		} else if (inside) {
			buf_putc(out, c == '\\' ? value.ptr[++i] : c);
			CHECK(++length <= 255);
		}
	}
	CHECK(!inside);
	return buf_slice(out);
}

static void
all(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	CLEANUP(buf_done)
	struct buf text = BUF_INIT(10000),
		   want = BUF_INIT(10000), rsa_text = BUF_INIT(4096), ed_text = BUF_INIT(4096);
	struct dns_records_dkim dkim[2] = {
		{S("r1"), DKIM_RSA_SHA256, SLICE_NONE}, {S("e1"), DKIM_ED25519_SHA256, SLICE_NONE}};
	struct dkim_key *rsa = NULL, *ed = NULL;
	struct dns_records_options o = {.domain = S("example.org"),
		.host = S("mail.example.org"),
		.dkim = dkim,
		.dkim_count = 2,
		.spki = S("a public key"),
		.mtasts_id = S("20261121"),
		.https = true,
		.report_to = S("reports@example.org"),
		.dmarc = DNS_RECORDS_P_REJECT};
	struct dns_records r;
	struct dmarc_record dmarc;
	struct tlsrpt_record report;
	struct slice id;
	uint8_t digest[32];

	CHECK_INT(dkim_key_generate(DKIM_RSA_SHA256, &rsa), 0);
	CHECK_INT(dkim_key_generate(DKIM_ED25519_SHA256, &ed), 0);
	CHECK_INT(dkim_key_record(rsa, &rsa_text), 0);
	CHECK_INT(dkim_key_record(ed, &ed_text), 0);
	dkim[0].record = buf_slice(&rsa_text);
	dkim[1].record = buf_slice(&ed_text);
	CHECK_INT(dns_records_make(&o, &a, &r), 0);
	for (size_t i = 0; i < r.count; i++)
		CHECK(r.entries[i].why && r.entries[i].value.len);
	CHECK_SLICE(find(&r, "example.org", "MX").value, S("10 mail.example.org."));
	CHECK_SLICE(find(&r, "example.org", "TXT").value, S("\"v=spf1 mx -all\""));
	CHECK_SLICE(find(&r, "mail.example.org", "TXT").value, S("\"v=spf1 a -all\""));
	CHECK_SLICE(unquote(&text, find(&r, "r1._domainkey.example.org", "TXT").value),
		buf_slice(&rsa_text));
	CHECK_SLICE(unquote(&text, find(&r, "e1._domainkey.example.org", "TXT").value),
		buf_slice(&ed_text));
	CHECK_INT(dmarc_record_parse(
			  unquote(&text, find(&r, "_dmarc.example.org", "TXT").value), &dmarc),
		0);
	CHECK_INT(dmarc.p, DMARC_POLICY_REJECT);
	CHECK_SLICE(dmarc.rua, S("mailto:reports@example.org"));
	EVP_Digest("a public key", 12, digest, NULL, EVP_sha256(), NULL);
	buf_reset(&want);
	buf_puts(&want, "3 1 1 ");
	hex_encode(&want, SLICE_OF(digest));
	CHECK_SLICE(find(&r, "_25._tcp.mail.example.org", "TLSA").value, buf_slice(&want));
	CHECK_INT(mtasts_record_parse(
			  unquote(&text, find(&r, "_mta-sts.example.org", "TXT").value), &id),
		0);
	CHECK_SLICE(id, S("20261121"));
	CHECK_SLICE(find(&r, "mta-sts.example.org", "CNAME").value, S("mail.example.org."));
	CHECK_INT(tlsrpt_record_parse(
			  unquote(&text, find(&r, "_smtp._tls.example.org", "TXT").value), &report),
		0);
	CHECK_SLICE(report.uris[0], S("mailto:reports@example.org"));
	CHECK_SLICE(
		find(&r, "_imaps._tcp.example.org", "SRV").value, S("0 1 993 mail.example.org."));
	CHECK_SLICE(find(&r, "_submissions._tcp.example.org", "SRV").value,
		S("0 1 465 mail.example.org."));
	CHECK_SLICE(find(&r, "openpgpkey.example.org", "CNAME").value, S("mail.example.org."));
	dkim_key_free(rsa);
	dkim_key_free(ed);
}

/* Without certificate, MTA-STS, reports: those records are not there; nothing else changes. */
static void
least(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20), tiny = ARENA_INIT(20);
	struct dns_records_options o = {.domain = S("example.org"), .host = S("example.org")};
	struct dns_records r;

	CHECK_INT(dns_records_make(&o, &a, &r), 0);
	CHECK_INT(r.count, 5);
	CHECK(!find(&r, "openpgpkey.example.org", "CNAME").type);
	CHECK(!find(&r, "mta-sts.example.org", "CNAME").type);
	CHECK(!find(&r, "_25._tcp.example.org", "TLSA").type);
	CHECK_SLICE(find(&r, "_dmarc.example.org", "TXT").value, S("\"v=DMARC1; p=none\""));
	CHECK_INT(dns_records_make(&o, &tiny, &r), LL_ERR_NOMEM);
}

T_MAIN(T(all), T(least))
