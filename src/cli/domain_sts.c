/* domain mta-sts: the policy by which other servers are told to deliver over verified TLS only. */
#include "base/error.h"
#include "cli/client.h"
#include "cli/domain.h"
#include "mail/mtasts.h"

#include <stdio.h>
#include <string.h>

#define AGE_ENFORCE 604800u
#define AGE_OTHER 86400u

int
domain_sts_ask(struct cli *cli, const char *domain, struct control_sts *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct slice answer;
	int r = control_name_put(&body, &(struct control_name){.name = slice_str(domain)});

	if (r == LL_OK)
		r = client_call(cli, "sts", buf_slice(&body), &answer);
	else
		snprintf(cli->error, sizeof(cli->error), "the name is too long");
	if (r == LL_OK && control_sts_get(answer, ret)) {
		snprintf(cli->error, sizeof(cli->error), "the server's answer is malformed");
		r = LL_ERR_SYNTAX;
	}
	return r;
}

static int
show(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct mtasts_policy p = {.mode = MTASTS_MODE_NONE};
	struct control_sts m;

	if (domain_sts_ask(cli, cli->args[0], &m))
		return cli_failed(cli);
	if (m.text.len && mtasts_policy_parse(m.text, &p))
		return cli_fail(cli, "the server's answer is malformed");
	if (!cli->json) {
		if (!m.text.len)
			printf("%s has no policy.\n", cli_safe(m.name));
		else
			printf("%s: %s for %u s, id %llu\n", cli_safe(m.name),
				mtasts_mode_name(p.mode), p.max_age, (unsigned long long)m.changed);
		for (size_t i = 0; i < p.mx_count; i++)
			printf("  %s\n", cli_safe(p.mx[i]));
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_text(&j, "mode", mtasts_mode_name(p.mode));
	json_number(&j, "id", m.changed);
	json_number(&j, "maxAge", p.max_age);
	json_open_array(&j, "mx");
	for (size_t i = 0; i < p.mx_count; i++)
		json_put_string(&j, NULL, p.mx[i]);
	json_array_end(&j);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

/* --mx a,b; without it this server. */
static int
take_mx(struct cli *cli, struct mtasts_policy *p)
{
	struct slice rest =
		slice_str(cli_option(cli, "mx") ? cli_option(cli, "mx") : cli->config.hostname);

	while (rest.len) {
		if (p->mx_count == MTASTS_MX_MAX)
			return cli_usage(cli, "there are too many MX names");
		p->mx[p->mx_count++] = slice_trim(slice_split(&rest, ','));
	}
	return CLI_OK;
}

static int
take_policy(struct cli *cli, struct mtasts_policy *p)
{
	const char *age = cli_option(cli, "max-age");
	uint64_t seconds;
	unsigned mode = 0;

	while (mode <= MTASTS_MODE_ENFORCE &&
		strcmp(mtasts_mode_name((enum mtasts_mode)mode), cli->args[1]) != 0)
		mode++;
	if (mode > MTASTS_MODE_ENFORCE)
		return cli_usage(cli, "a policy's mode is none, testing or enforce");
	*p = (struct mtasts_policy){.mode = (enum mtasts_mode)mode};
	seconds = p->mode == MTASTS_MODE_ENFORCE ? AGE_ENFORCE : AGE_OTHER;
	if (age && (slice_u64(slice_str(age), MTASTS_AGE_MAX, &seconds) || seconds == 0))
		return cli_usage(cli, "--max-age is a number of seconds, a year at most");
	p->max_age = (uint32_t)seconds;
	return p->mode == MTASTS_MODE_NONE ? CLI_OK : take_mx(cli, p);
}

int
cli_domain_mta_sts(struct cli *cli)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(16384), body = BUF_INIT(20000);
	struct control_sts m = {.name = slice_str(cli->args[0])};
	struct mtasts_policy p;
	struct slice ignored;

	if (!client_open(cli))
		return CLI_FAILED;
	if (cli->n_args < 2)
		return show(cli);
	if (take_policy(cli, &p))
		return CLI_USAGE;
	if (mtasts_policy_put(&text, &p))
		return cli_usage(cli, "--mx is a list of names like mx.example.org,*.example.net");
	m.text = buf_slice(&text);
	if (control_sts_put(&body, &m))
		return cli_usage(cli, "the name is too long");
	return client_call(cli, "sts-set", buf_slice(&body), &ignored)
		? cli_failed(cli)
		: cli_done(cli,
			  "Set. letterlock domain dns DOMAIN shows the record for it, which has "
			  "changed.");
}
