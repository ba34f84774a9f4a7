/* domain ... and alias ... */
#include "cli/domain.h"
#include "base/error.h"
#include "cli/certificate.h"
#include "cli/client.h"
#include "mail/address.h"

#include <stdio.h>
#include <string.h>

struct listing {
	struct cli *cli;
	struct json *j;
	uint64_t n;
};

int
cli_domain_add(struct cli *cli)
{
	if (!client_open(cli))
		return CLI_FAILED;
	if (client_call_name(cli, "domain-add", cli->args[0]))
		return cli_failed(cli);
	return cli_done(cli,
		"Added, with DKIM keys. letterlock domain dns DOMAIN shows the records "
		"that its zone needs.");
}

static int
show_domain(void *ctx, struct slice item)
{
	struct listing *l = ctx;
	struct control_name m;
	int r = control_name_get(item, &m);

	if (r)
		return r;
	l->n++;
	if (l->cli->json)
		json_put_string(l->j, NULL, m.name);
	else
		printf("%s\n", cli_safe(m.name));
	return LL_OK;
}

static int
list(struct cli *cli, const char *command, client_item *show, const char *none)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct listing l = {cli, &j, 0};

	if (!client_open(cli))
		return CLI_FAILED;
	json_open_array(&j, NULL);
	if (client_each(cli, command, show, &l))
		return cli_failed(cli);
	json_array_end(&j);
	if (cli->json)
		return cli_print_json(cli, &j);
	if (l.n == 0)
		printf("%s\n", none);
	return CLI_OK;
}

int
cli_domain_list(struct cli *cli)
{
	return list(cli, "domain-list", show_domain,
		"There is no domain yet: letterlock domain add DOMAIN");
}

/* --- dns --- */

#define DNS_ARENA ((size_t)256 << 10)
#define DKIM_MAX 16

void
domain_records_done(struct domain_records *d)
{
	arena_done(&d->arena);
}

struct dkim_found {
	struct domain_records *d;
	struct dns_records_dkim keys[DKIM_MAX];
	size_t n;
};

static int
take_dkim(void *ctx, struct slice item)
{
	struct dkim_found *f = ctx;
	struct dns_records_dkim *k = &f->keys[f->n];
	struct control_dkim m;
	int r = control_dkim_get(item, &m);

	if (r || f->n == DKIM_MAX)
		return r;
	k->alg = (enum dkim_alg)m.algorithm;
	k->selector = arena_dup(&f->d->arena, m.selector);
	k->record = arena_dup(&f->d->arena, m.record);
	if (!k->selector.ptr || !k->record.ptr)
		return LL_ERR_NOMEM;
	f->n++;
	return LL_OK;
}

static int
ask_dkim(struct cli *cli, const char *domain, struct dkim_found *f)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct slice answer;
	int r = control_name_put(&body, &(struct control_name){.name = slice_str(domain)});

	if (r == LL_OK)
		r = client_call(cli, "domain-info", buf_slice(&body), &answer);
	else
		snprintf(cli->error, sizeof(cli->error), "the name is too long");
	if (r)
		return r;
	r = client_items(answer, take_dkim, f);
	if (r)
		snprintf(cli->error, sizeof(cli->error), "the server's answer: %s", ll_strerror(r));
	return r;
}

/* The id of the policy; empty where there is none. */
static int
ask_policy(struct cli *cli, const char *domain, struct domain_records *d, struct slice *ret_id)
{
	struct control_sts m;
	int r = domain_sts_ask(cli, domain, &m);

	if (r || m.text.len == 0)
		return r;
	*ret_id = arena_printf(&d->arena, "%llu", (unsigned long long)m.changed);
	return ret_id->ptr ? LL_OK : LL_ERR_NOMEM;
}

static bool
has_https(const struct config *c)
{
	for (unsigned i = 0; i < c->n_listeners; i++)
		if (c->listeners[i].service == SERVICE_HTTPS)
			return true;
	return false;
}

int
domain_records(struct cli *cli, const char *domain, struct dns_records_options *o,
	struct domain_records *ret)
{
	CLEANUP(certificate_info_done) struct certificate_info cert = {.spki = BUF_INIT(0)};
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	struct dkim_found f = {.d = ret};
	int r;

	*ret = (struct domain_records){.arena = ARENA_INIT(DNS_ARENA)};
	r = ask_dkim(cli, domain, &f);
	if (r == LL_OK)
		r = ask_policy(cli, domain, ret, &o->mtasts_id);
	if (r)
		return r;
	o->https = has_https(&cli->config);
	if (certificate_read(
		    cli->config.certificate, cli->config.key, cli->config.hostname, &cert) == LL_OK)
		o->spki = buf_slice(&cert.spki);
	r = address_domain_ascii(&name, slice_str(domain));
	o->domain = arena_dup(&ret->arena, buf_slice(&name));
	o->host = slice_str(cli->config.hostname);
	o->dkim = f.keys;
	o->dkim_count = f.n;
	if (r == LL_OK)
		r = o->domain.ptr ? dns_records_make(o, &ret->arena, &ret->records) : LL_ERR_NOMEM;
	if (r)
		snprintf(cli->error, sizeof(cli->error), "%s", ll_strerror(r));
	return r;
}

static void
print_record(const struct dns_records_entry *e)
{
	printf("; %s%s\n%s. IN %s %.*s\n", e->required ? "" : "(recommended) ", e->why,
		cli_safe(e->name), e->type, SLICE_ARG(e->value));
}

static void
put_record(struct json *j, const struct dns_records_entry *e)
{
	json_open_object(j, NULL);
	json_put_string(j, "name", e->name);
	json_text(j, "type", e->type);
	json_put_string(j, "value", e->value);
	json_text(j, "why", e->why);
	json_bool(j, "required", e->required);
	json_object_end(j);
}

static int
take_dns_options(struct cli *cli, struct dns_records_options *o)
{
	const char *dmarc = cli_option(cli, "dmarc"), *reports = cli_option(cli, "reports");
	struct address_smtp checked;

	*o = (struct dns_records_options){.dmarc = DNS_RECORDS_P_NONE};
	if (dmarc && strcmp(dmarc, "quarantine") == 0)
		o->dmarc = DNS_RECORDS_P_QUARANTINE;
	else if (dmarc && strcmp(dmarc, "reject") == 0)
		o->dmarc = DNS_RECORDS_P_REJECT;
	else if (dmarc && strcmp(dmarc, "none"))
		return cli_usage(cli, "--dmarc is none, quarantine or reject");
	if (reports && address_smtp_mailbox(slice_str(reports), 0, &checked))
		return cli_usage(cli, "--reports is an address");
	o->report_to = slice_str(reports);
	return CLI_OK;
}

int
cli_domain_dns(struct cli *cli)
{
	CLEANUP(domain_records_done) struct domain_records d = {.arena = ARENA_INIT(0)};
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct dns_records_options o;
	int r = take_dns_options(cli, &o);

	if (r)
		return r;
	if (!client_open(cli))
		return CLI_FAILED;
	if (domain_records(cli, cli->args[0], &o, &d))
		return cli_failed(cli);
	json_open_array(&j, NULL);
	for (size_t i = 0; i < d.records.count; i++) {
		if (cli->json)
			put_record(&j, &d.records.entries[i]);
		else
			print_record(&d.records.entries[i]);
	}
	json_array_end(&j);
	return cli->json ? cli_print_json(cli, &j) : CLI_OK;
}

/* --- alias --- */

static int
call_pair(struct cli *cli, const char *command, const char *name, const char *other)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	struct slice ignored;

	if (!client_open(cli))
		return CLI_FAILED;
	if (control_pair_put(&body,
		    &(struct control_pair){.name = slice_str(name), .other = slice_str(other)}))
		return cli_usage(cli, "an address is too long");
	return client_call(cli, command, buf_slice(&body), &ignored) ? cli_failed(cli) : CLI_OK;
}

int
cli_alias_add(struct cli *cli)
{
	int r = CLI_OK;

	for (int i = 1; i < cli->n_args && r == CLI_OK; i++)
		r = call_pair(cli, "alias-add", cli->args[0], cli->args[i]);
	return r ? r : cli_done(cli, "Added.");
}

int
cli_alias_remove(struct cli *cli)
{
	int r = call_pair(cli, "alias-remove", cli->args[0], cli->n_args > 1 ? cli->args[1] : "");

	return r ? r : cli_done(cli, "Removed.");
}

static int
show_alias(void *ctx, struct slice item)
{
	struct listing *l = ctx;
	struct control_pair m;
	int r = control_pair_get(item, &m);

	if (r)
		return r;
	l->n++;
	if (!l->cli->json) {
		printf("%-40s -> %s\n", cli_safe(m.name), cli_safe(m.other));
		return LL_OK;
	}
	json_open_object(l->j, NULL);
	json_put_string(l->j, "alias", m.name);
	json_put_string(l->j, "target", m.other);
	json_object_end(l->j);
	return LL_OK;
}

int
cli_alias_list(struct cli *cli)
{
	return list(cli, "alias-list", show_alias,
		"There is no alias: letterlock alias add ALIAS TARGET");
}
