/* The records that domains need, asked for as the world would, with DNSSEC. All questions go out at
 * once, and there is one deadline for all: an unreachable network must not take minutes. */
#include "base/text.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/domain.h"
#include "os/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unbound.h>

#define DEADLINE_MS 15000
#define QUESTIONS_MAX 2000
#define ROOT_ANCHOR "/usr/share/dns/root.key"

enum {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_TLSA = 52
};

struct dns {
	struct doctor *d;
	struct ub_ctx *ub;
	VEC(struct question *) questions;
	size_t open;
};

struct question {
	struct dns *dns;
	struct dns_records_entry want;
	int type;
	bool answered;
	struct ub_result *result; /* NULL: failed */
};

/* --- resolver --- */

static void
set_stubs(struct ub_ctx *ub, const char *list)
{
	struct slice rest = slice_str(list);

	while (rest.len) {
		struct slice server = slice_trim(slice_split(&rest, ',')),
			     zone = slice_split(&server, ' ');
		char z[256], s[256];

		snprintf(z, sizeof(z), "%.*s", SLICE_ARG(zone));
		snprintf(s, sizeof(s), "%.*s", SLICE_ARG(slice_trim(server)));
		if (zone.len)
			(void)ub_ctx_set_stub(ub, z, s, 0);
	}
}

static struct ub_ctx *
resolver(const struct config *c)
{
	struct ub_ctx *ub = ub_ctx_create();

	if (!ub)
		return NULL;
	(void)ub_ctx_set_option(ub, "module-config:", "validator iterator");
	(void)ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
	(void)ub_ctx_set_option(ub, "use-syslog:", "no");
	if (c->dns_forward[0])
		(void)ub_ctx_set_fwd(ub, c->dns_forward);
	set_stubs(ub, c->dns_stub);
	(void)ub_ctx_add_ta_file(ub, c->dns_anchor[0] ? c->dns_anchor : ROOT_ANCHOR);
	(void)ub_ctx_async(ub, 1);
	return ub;
}

static void
on_answer(void *ctx, int err, struct ub_result *r)
{
	struct question *q = ctx;

	q->answered = true;
	q->dns->open--;
	if (err == 0)
		q->result = r;
	else
		ub_resolve_free(r);
}

static void
ask(struct dns *dns, const struct dns_records_entry *want, int type)
{
	struct question *q = ARENA_NEW(&dns->d->arena, struct question);
	const char *name = q ? arena_str(&dns->d->arena, want->name) : NULL;

	if (!name || dns->questions.len == QUESTIONS_MAX)
		return;
	*q = (struct question){.dns = dns, .want = *want, .type = type};
	q->want.name = slice_str(name);
	q->want.value = arena_dup(&dns->d->arena, want->value);
	if (VEC_PUSH(&dns->questions, q))
		return;
	dns->open++;
	if (ub_resolve_async(dns->ub, name, type, 1, q, on_answer, NULL)) {
		dns->open--;
		q->answered = true;
	}
}

static void
wait_for_answers(struct dns *dns)
{
	int64_t end = clock_ms() + DEADLINE_MS;

	while (dns->open) {
		struct pollfd p = {.fd = ub_fd(dns->ub), .events = POLLIN};
		int64_t left = end - clock_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return;
		(void)ub_process(dns->ub);
	}
}

/* --- rdata in zone file form --- */

static void
put_wire_name(struct buf *out, struct slice wire)
{
	struct reader r = reader_new(wire);
	uint8_t n;

	while ((n = reader_u8(&r)) > 0 && n < 64 && !r.err) {
		buf_put(out, reader_bytes(&r, n));
		buf_putc(out, '.');
	}
}

/* The strings of a TXT record, joined. */
static void
put_txt(struct buf *out, struct slice wire)
{
	struct reader r = reader_new(wire);

	while (r.rest.len && !r.err)
		buf_put(out, reader_bytes(&r, reader_u8(&r)));
}

static void
put_rdata(struct buf *out, int type, struct slice wire)
{
	struct reader r = reader_new(wire);

	if (type == TYPE_TXT) {
		put_txt(out, wire);
	} else if (type == TYPE_MX) {
		buf_printf(out, "%u ", reader_be16(&r));
		put_wire_name(out, r.rest);
	} else if (type == TYPE_SRV) {
		unsigned priority = reader_be16(&r), weight = reader_be16(&r);
		buf_printf(out, "%u %u %u ", priority, weight, reader_be16(&r));
		put_wire_name(out, r.rest);
	} else if (type == TYPE_TLSA) {
		unsigned usage = reader_u8(&r), selector = reader_u8(&r);
		buf_printf(out, "%u %u %u ", usage, selector, reader_u8(&r));
		hex_encode(out, r.rest);
	} else {
		put_wire_name(out, wire);
	}
}

/* What `domain dns` prints: of TXT the quoted strings, joined. */
static void
put_wanted(struct buf *out, int type, struct slice value)
{
	bool inside = false;

	if (type != TYPE_TXT) {
		buf_put(out, value);
		return;
	}
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '"')
			inside = !inside;
		else if (value.ptr[i] == '\\' && i + 1 < value.len)
			buf_putc(out, value.ptr[++i]);
		else if (inside)
			buf_putc(out, value.ptr[i]);
	}
}

/* Of an MX the host counts, not the preference. */
static bool
fits(int type, struct slice got, struct slice want)
{
	if (type == TYPE_MX) {
		(void)slice_split(&got, ' ');
		(void)slice_split(&want, ' ');
	}
	return type == TYPE_TXT ? slice_eq(got, want) : slice_ieq(got, want);
}

/* --- judging --- */

static struct slice
rdata_at(const struct ub_result *r, int i)
{
	return slice_new(r->data[i], (size_t)r->len[i]);
}

/* Records of the same kind: other TXT records at a name are other people's business. */
static bool
same_kind(int type, struct slice got, struct slice want)
{
	size_t n = slice_find_byte(want, ';');
	struct slice tag = slice_sub(want, 0, MIN(n == SLICE_NPOS ? 7 : n, (size_t)7));

	return type != TYPE_TXT || slice_istarts(got, tag);
}

static bool
search(const struct question *q, struct slice want, struct buf *ret_other)
{
	for (int i = 0; q->result->data && q->result->data[i]; i++) {
		CLEANUP(buf_done) struct buf got = BUF_INIT((size_t)70000);

		put_rdata(&got, q->type, rdata_at(q->result, i));
		if (fits(q->type, buf_slice(&got), want))
			return true;
		if (same_kind(q->type, buf_slice(&got), want) && ret_other->len == 0)
			buf_put(ret_other, buf_slice(&got));
	}
	return false;
}

static void
missing(struct question *q, struct slice other)
{
	struct doctor *d = q->dns->d;
	struct slice advice = arena_printf(&d->arena, "add to the zone: %.*s. IN %s %.*s",
		SLICE_ARG(q->want.name), q->want.type, SLICE_ARG(q->want.value));
	/* A policy of one's own is as good: only its absence is reported as such. */
	enum finding_level level = !q->want.required ? FINDING_NOTE
		: other.len && q->type == TYPE_TXT   ? FINDING_WARNING
						     : FINDING_PROBLEM;

	if (other.len)
		doctor_say(d, level, "dns", (const char *)advice.ptr, "%s %s is %s: %s",
			cli_safe(q->want.name), q->want.type, cli_safe(other), q->want.why);
	else
		doctor_say(d, level, "dns", (const char *)advice.ptr, "%s has no %s: %s",
			cli_safe(q->want.name), q->want.type, q->want.why);
}

static void
judge(struct question *q)
{
	CLEANUP(buf_done) struct buf want = BUF_INIT(8192), other = BUF_INIT((size_t)70000);
	struct doctor *d = q->dns->d;

	if (!q->result || q->result->rcode == 2) {
		doctor_say(d, FINDING_WARNING, "dns", "look at the network, or try again",
			"%s %s: no answer", cli_safe(q->want.name), q->want.type);
		return;
	}
	if (q->result->bogus) {
		doctor_say(d, FINDING_PROBLEM, "dns", "repair the zone's DNSSEC", "%s %s: %s",
			cli_safe(q->want.name), q->want.type,
			q->result->why_bogus ? q->result->why_bogus : "DNSSEC validation failed");
		return;
	}
	put_wanted(&want, q->type, q->want.value);
	if (!search(q, buf_slice(&want), &other)) {
		missing(q, buf_slice(&other));
		return;
	}
	if (q->type == TYPE_TLSA && !q->result->secure)
		doctor_say(d, FINDING_WARNING, "dns", "sign the zone with DNSSEC",
			"%s TLSA is there, but without DNSSEC nobody believes it",
			cli_safe(q->want.name));
	else
		doctor_say(
			d, FINDING_OK, "dns", NULL, "%s %s", cli_safe(q->want.name), q->want.type);
}

static void
judge_host(struct question *v4, struct question *v6)
{
	struct doctor *d = v4->dns->d;
	const char *host = d->cli->config.hostname;

	if ((v4->result && v4->result->havedata) || (v6->result && v6->result->havedata))
		doctor_say(d, FINDING_OK, "dns", NULL, "%s has an address", host);
	else if (!v4->result && !v6->result)
		doctor_say(d, FINDING_WARNING, "dns", "look at the network, or try again",
			"%s: no answer about its addresses", host);
	else
		doctor_say(d, FINDING_PROBLEM, "dns",
			"an A or AAAA record for it, and its name in the reverse zone",
			"%s has no address", host);
}

/* --- all --- */

static int
type_of(const char *name)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {{"MX", TYPE_MX}, {"TXT", TYPE_TXT}, {"TLSA", TYPE_TLSA}, {"SRV", TYPE_SRV},
		{"CNAME", TYPE_CNAME}};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}

static int
ask_domain(void *ctx, struct slice item)
{
	CLEANUP(domain_records_done) struct domain_records records = {.arena = ARENA_INIT(0)};
	struct dns_records_options o = {.dmarc = DNS_RECORDS_P_NONE};
	struct dns *dns = ctx;
	struct control_name m;
	const char *domain;
	int r = control_name_get(item, &m);

	domain = r ? NULL : arena_str(&dns->d->arena, m.name);
	if (!domain)
		return r ? r : LL_ERR_NOMEM;
	r = domain_records(dns->d->cli, domain, &o, &records);
	for (size_t i = 0; r == LL_OK && i < records.records.count; i++)
		ask(dns, &records.records.entries[i], type_of(records.records.entries[i].type));
	return r;
}

static void
ask_all(struct dns *dns)
{
	struct doctor *d = dns->d;
	const struct dns_records_entry host = {
		.name = slice_str(d->cli->config.hostname), .type = "A", .why = ""};

	ask(dns, &host, TYPE_A);
	ask(dns, &host, TYPE_AAAA);
	if (!d->running)
		doctor_say(d, FINDING_NOTE, "dns", "run doctor again when the server runs",
			"the records of domains were not looked at");
	else if (client_each(d->cli, "domain-list", ask_domain, dns))
		doctor_say(d, FINDING_PROBLEM, "dns", "", "%s", d->cli->error);
}

void
doctor_dns(struct doctor *d)
{
	struct dns dns = {.d = d, .ub = resolver(&d->cli->config)};

	if (!dns.ub) {
		doctor_say(d, FINDING_PROBLEM, "dns", "", "no resolver could be made");
		return;
	}
	ask_all(&dns);
	wait_for_answers(&dns);
	if (dns.questions.len >= 2)
		judge_host(dns.questions.at[0], dns.questions.at[1]);
	for (size_t i = 2; i < dns.questions.len; i++)
		judge(dns.questions.at[i]);
	for (size_t i = 0; i < dns.questions.len; i++)
		ub_resolve_free(dns.questions.at[i]->result);
	VEC_DONE(&dns.questions);
	ub_ctx_delete(dns.ub);
}
