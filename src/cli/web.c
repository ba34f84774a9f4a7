/* invitation ..., domain registration, account factors: what the operator decides about the web. */
#include "ipc/web.h"
#include "base/error.h"
#include "cli/client.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const modes[] = {WEB_WORDS_REGISTRATION};

struct listing {
	struct cli *cli;
	struct json *j;
	uint64_t n;
};

/* --- invitation --- */

static int
number_option(struct cli *cli, const char *name, uint64_t max, uint64_t usual, uint64_t *ret)
{
	const char *text = cli_option(cli, name);

	*ret = usual;
	if (text && (slice_u64(slice_str(text), max, ret) || *ret == 0))
		return cli_usage(
			cli, "--%s is a number from 1 to %llu", name, (unsigned long long)max);
	return CLI_OK;
}

static int
read_invite(struct cli *cli, struct control_invite *ret)
{
	const char *quota = cli_option(cli, "quota");
	uint64_t days = 0, uses = 1;
	int r = number_option(cli, "days", 3650, 14, &days);

	if (r == CLI_OK)
		r = number_option(cli, "uses", 1000000, 1, &uses);
	if (r)
		return r;
	*ret = (struct control_invite){.name = slice_str(cli->args[0]),
		.quota = (uint64_t)10 << 30,
		.expires = (uint64_t)time(NULL) + days * 86400,
		.uses = (uint32_t)uses};
	if (quota && cli_parse_size(quota, &ret->quota))
		return cli_usage(cli, "--quota is a size like 500M or 10G, or none");
	return CLI_OK;
}

static void
show_made(struct cli *cli, struct slice code, const struct control_invite *m)
{
	printf("%s\nIt makes %u account%s of %s, until %s. Give it to whom you invite.\n",
		cli_safe(code), m->uses, m->uses == 1 ? "" : "s", cli_safe(m->name),
		cli_time(m->expires));
}

int
cli_invitation_add(struct cli *cli)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct control_invite m;
	struct control_text code;
	struct slice answer;
	int r = read_invite(cli, &m);

	if (r)
		return r;
	if (!client_open(cli))
		return CLI_FAILED;
	if (control_invite_put(&body, &m))
		return cli_usage(cli, "the name is too long");
	if (client_call(cli, "invitation-add", buf_slice(&body), &answer))
		return cli_failed(cli);
	if (control_text_get(answer, &code))
		return cli_fail(cli, "the server's answer is malformed");
	if (!cli->json) {
		show_made(cli, code.text, &m);
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_put_string(&j, "code", code.text);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

static int
show_invitation(void *ctx, struct slice item)
{
	struct listing *l = ctx;
	struct control_invitation m;
	int r = control_invitation_get(item, &m);

	if (r)
		return r;
	l->n++;
	if (!l->cli->json) {
		printf("%s  %-24s %9s  uses left: %u  until %s\n", cli_safe(m.code),
			cli_safe(m.name), m.quota ? cli_size(m.quota) : "no quota", m.uses,
			cli_time(m.expires));
		return LL_OK;
	}
	json_open_object(l->j, NULL);
	json_put_string(l->j, "code", m.code);
	json_put_string(l->j, "domain", m.name);
	json_number(l->j, "quota", m.quota);
	json_number(l->j, "created", m.created);
	json_number(l->j, "expires", m.expires);
	json_number(l->j, "uses", m.uses);
	json_object_end(l->j);
	return LL_OK;
}

int
cli_invitation_list(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct listing l = {cli, &j, 0};

	if (!client_open(cli))
		return CLI_FAILED;
	json_open_array(&j, NULL);
	if (client_each(cli, "invitation-list", show_invitation, &l))
		return cli_failed(cli);
	json_array_end(&j);
	if (cli->json)
		return cli_print_json(cli, &j);
	if (l.n == 0)
		printf("There is no invitation: letterlock invitation add DOMAIN\n");
	return CLI_OK;
}

int
cli_invitation_revoke(struct cli *cli)
{
	if (!client_open(cli))
		return CLI_FAILED;
	return client_call_name(cli, "invitation-revoke", cli->args[0]) ? cli_failed(cli)
									: cli_done(cli, "Revoked.");
}

/* --- domain registration --- */

static int
show_registration(struct cli *cli)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct control_registration m;
	struct slice answer;

	if (control_name_put(&body, &(struct control_name){.name = slice_str(cli->args[0])}))
		return cli_usage(cli, "the name is too long");
	if (client_call(cli, "registration", buf_slice(&body), &answer))
		return cli_failed(cli);
	if (control_registration_get(answer, &m) || m.mode >= ARRAY_SIZE(modes))
		return cli_fail(cli, "the server's answer is malformed");
	if (!cli->json) {
		printf("%s: %s%s%s\n", cli_safe(m.name), modes[m.mode],
			m.mode == WEB_OPEN ? ", quota " : "",
			m.mode != WEB_OPEN ? ""
				: m.quota  ? cli_size(m.quota)
					   : "none");
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_text(&j, "registration", modes[m.mode]);
	json_number(&j, "quota", m.quota);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

int
cli_domain_registration(struct cli *cli)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_registration m = {
		.name = slice_str(cli->args[0]), .quota = (uint64_t)1 << 30};
	const char *quota = cli_option(cli, "quota");
	struct slice ignored;

	while (cli->n_args > 1 && m.mode < ARRAY_SIZE(modes) &&
		strcmp(modes[m.mode], cli->args[1]) != 0)
		m.mode++;
	if (m.mode == ARRAY_SIZE(modes))
		return cli_usage(cli, "a domain is closed, invitation or open");
	if (quota && cli_parse_size(quota, &m.quota))
		return cli_usage(cli, "--quota is a size like 500M or 10G, or none");
	if (!client_open(cli))
		return CLI_FAILED;
	if (cli->n_args < 2)
		return show_registration(cli);
	if (control_registration_put(&body, &m))
		return cli_usage(cli, "the name is too long");
	return client_call(cli, "registration-set", buf_slice(&body), &ignored)
		? cli_failed(cli)
		: cli_done(cli, "Set.");
}

/* --- account factors --- */

int
cli_account_factors(struct cli *cli)
{
	if (strcmp(cli->args[1], "remove") != 0)
		return cli_usage(cli, "the operator can only remove second factors");
	if (!client_open(cli))
		return CLI_FAILED;
	return client_call_name(cli, "factors-remove", cli->args[0])
		? cli_failed(cli)
		: cli_done(cli, "Removed; its owner is told by mail.");
}

/* --- languages --- */

bool
cli_language_known(const char *code)
{
	static const char *const codes[] = {WEB_WORDS_LANGUAGE};

	for (size_t i = 1; i < ARRAY_SIZE(codes); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return strcmp(code, "none") == 0;
}

int
cli_language_call(struct cli *cli, const char *name, const char *code, struct slice *ret_code)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	struct control_pair m = {.name = slice_str(name), .other = slice_str(code)};
	struct control_text text;
	struct slice answer;
	int r = control_pair_put(&body, &m);

	if (r == LL_OK)
		r = client_call(cli, "language", buf_slice(&body), &answer);
	if (r == LL_OK)
		r = control_text_get(answer, &text);
	if (r == LL_OK && ret_code)
		*ret_code = text.text;
	return r;
}

int
cli_language(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	const char *wanted = cli->n_args > 1 ? cli->args[1] : "";
	struct slice code;

	if (*wanted && !cli_language_known(wanted))
		return cli_usage(cli, "the languages are en, de and fr, or none");
	if (!client_open(cli))
		return CLI_FAILED;
	if (cli_language_call(cli, cli->args[0], wanted, &code))
		return cli_failed(cli);
	if (!cli->json) {
		printf("%s: %s\n", cli->args[0], code.len ? cli_safe(code) : "none");
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_put_string(&j, "language", code);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}
