/* SMTP TLS reporting, RFC 8460. */
#include "mail/tlsrpt.h"

#include "base/error.h"
#include "mail/taglist.h"
#include "mail/txt_record.h"

int
tlsrpt_record_parse(struct slice text, struct tlsrpt_record *ret)
{
	struct tlsrpt_record record = {0};
	struct taglist tags;
	struct slice rua;

	if (!txt_record_is(text, S("TLSRPTv1")) || taglist_parse(text, &tags))
		return LL_ERR_SYNTAX;
	rua = taglist_get(&tags, "rua");
	while (rua.len) {
		struct slice uri = slice_trim(slice_split(&rua, ','));

		if (!slice_istarts(uri, S("mailto:")) && !slice_istarts(uri, S("https:")))
			continue;
		if (record.count < TLSRPT_URIS_MAX)
			record.uris[record.count++] = uri;
	}
	if (!record.count)
		return LL_ERR_SYNTAX;
	*ret = record;
	return LL_OK;
}

int
tlsrpt_record_find(struct slice domain, struct dns_memo *memo, struct tlsrpt_record *ret)
{
	struct slice record;
	int r = txt_record_find(memo, S("_smtp._tls"), domain, S("TLSRPTv1"), &record);

	if (!r && tlsrpt_record_parse(record, ret))
		r = LL_ERR_NOTFOUND;
	return r;
}

void
tlsrpt_count_success(struct tlsrpt_counters *c, enum tlsrpt_policy policy)
{
	c->success[policy]++;
}

void
tlsrpt_count_failure(
	struct tlsrpt_counters *c, enum tlsrpt_policy policy, enum tlsrpt_failure failure)
{
	c->failure[policy][failure]++;
}

void
tlsrpt_counters_add(struct tlsrpt_counters *to, const struct tlsrpt_counters *from)
{
	for (size_t p = 0; p < TLSRPT_POLICIES; p++) {
		to->success[p] += from->success[p];
		for (size_t f = 0; f < TLSRPT_FAILURES; f++)
			to->failure[p][f] += from->failure[p][f];
	}
}

const char *
tlsrpt_failure_name(enum tlsrpt_failure failure)
{
	static const char *const names[TLSRPT_FAILURES] = {
		[TLSRPT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
		[TLSRPT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
		[TLSRPT_CERTIFICATE_EXPIRED] = "certificate-expired",
		[TLSRPT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
		[TLSRPT_VALIDATION_FAILURE] = "validation-failure",
		[TLSRPT_TLSA_INVALID] = "tlsa-invalid",
		[TLSRPT_DNSSEC_INVALID] = "dnssec-invalid",
		[TLSRPT_DANE_REQUIRED] = "dane-required",
		[TLSRPT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
		[TLSRPT_STS_POLICY_INVALID] = "sts-policy-invalid",
		[TLSRPT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
	};

	return failure < TLSRPT_FAILURES ? names[failure] : "validation-failure";
}

const char *
tlsrpt_policy_name(enum tlsrpt_policy policy)
{
	static const char *const names[TLSRPT_POLICIES] = {
		[TLSRPT_POLICY_TLSA] = "tlsa",
		[TLSRPT_POLICY_STS] = "sts",
		[TLSRPT_POLICY_NONE] = "no-policy-found",
	};

	return policy < TLSRPT_POLICIES ? names[policy] : "no-policy-found";
}
