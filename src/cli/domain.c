/* domain ... and alias ... */
#include "cli/client.h"

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
		json_string(l->j, NULL, m.name);
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
	json_array(&j, NULL);
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
	json_object(l->j, NULL);
	json_string(l->j, "alias", m.name);
	json_string(l->j, "target", m.other);
	json_object_end(l->j);
	return LL_OK;
}

int
cli_alias_list(struct cli *cli)
{
	return list(cli, "alias-list", show_alias,
		"There is no alias: letterlock alias add ALIAS TARGET");
}
