/* account ...: making accounts, and what the operator may do with them. */
#include "base/secret.h"
#include "base/text.h"
#include "cli/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_QUOTA ((uint64_t)10 << 30)
#define BATCH_MAX ((size_t)64 << 20)

static const struct scope mail_scope = {.areas = SCOPE_AREA(RECORD_AREA_MAIL),
	.protocols = SCOPE_IMAP | SCOPE_SMTP | SCOPE_POP | SCOPE_JMAP};

/* --- add --- */

struct adding {
	const char *app_name; /* NULL: no app password */
	bool with_password;
	uint64_t quota;
	const char *language; /* NULL: its domain's */
};

/* One account and what is shown of it, once. */
struct added {
	const char *address;
	struct app_password code, app;
	bool has_app;
	uint8_t app_id[RECORD_ID_LEN];
};

static void
print_app(const struct app_password *p)
{
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];

	app_password_group(p, grouped);
	printf("  %s\n  to read: %s\n", p->text, grouped);
	secret_wipe(grouped, sizeof(grouped));
}

static void
put_added(struct json *j, const struct adding *how, const struct added *a)
{
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];

	json_open_object(j, NULL);
	json_text(j, "address", a->address);
	app_password_group(&a->code, grouped);
	json_text(j, "recovery_code", grouped);
	if (a->has_app) {
		json_open_object(j, "app_password");
		json_hex(j, "id", SLICE_OF(a->app_id));
		json_text(j, "name", how->app_name);
		json_text(j, "password", a->app.text);
		json_object_end(j);
	}
	json_object_end(j);
	secret_wipe(grouped, sizeof(grouped));
}

/* The owner proves that the recovery code is kept before anything depends on it. */
static bool
confirm_code(struct cli *cli, const struct app_password *code)
{
	CLEANUP(prompt_free) struct prompt_secret *typed = NULL;
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];
	bool same;

	app_password_group(code, grouped);
	printf("Recovery code: %s\n"
	       "It is the only way back in when the password is lost. Write it down now.\n",
		grouped);
	fflush(stdout);
	secret_wipe(grouped, sizeof(grouped));
	if (!prompt_answer(cli, "Type the recovery code", &typed))
		return false;
	same = app_password_matches(code, prompt_slice(typed));
	if (!same)
		(void)cli_fail(cli, "this is not the recovery code; no account was made");
	return same;
}

/* Makes the keys of one account and stores them. password: empty for none; confirm: ask for the
 * recovery code. LL_OK, or an error that was said when it was confirm's (LL_ERR_DENIED). */
static int
add_one(struct cli *cli, const struct adding *how, struct slice password, bool confirm,
	const struct app_password *given, struct added *a)
{
	CLEANUP(owner_done) struct owner o;
	int r = owner_begin(&o, cli, a->address);

	if (r == LL_OK && password.len)
		r = owner_set_password(&o, password, false);
	if (r == LL_OK)
		r = owner_add_recovery(&o, &a->code);
	if (r == LL_OK && confirm && !confirm_code(cli, &a->code))
		return LL_ERR_DENIED;
	a->has_app = how->app_name != NULL;
	if (r == LL_OK && a->has_app)
		r = owner_add_app(&o, &mail_scope, how->app_name, given, &a->app, a->app_id);
	if (r == LL_OK)
		r = owner_create(&o, how->quota);
	/* What it shows now is not shown again: no later failure may hide that. */
	if (r == LL_OK && how->language && cli_language_call(cli, a->address, how->language, NULL))
		fprintf(stderr, "%s: its language was not set: %s\n", a->address, cli->error);
	return r;
}

static void
show_added(struct cli *cli, const struct adding *how, const struct added *a, bool code_shown)
{
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];

	printf("%s is ready to receive mail.\n", a->address);
	app_password_group(&a->code, grouped);
	if (!code_shown)
		printf("Recovery code (shown once; the only way back in): %s\n", grouped);
	secret_wipe(grouped, sizeof(grouped));
	if (!a->has_app)
		return;
	printf("App password \"%s\" for a mail program (shown once):\n", how->app_name);
	print_app(&a->app);
}

/* The text of an app password from standard input. */
static bool
given_app(struct cli *cli, struct app_password *ret)
{
	CLEANUP(prompt_free) struct prompt_secret *line = NULL;

	if (!prompt_line(cli, "app password", &line))
		return false;
	if (app_password_parse(prompt_slice(line), ret) == LL_OK)
		return true;
	(void)cli_fail(
		cli, "an app password is 26 characters of Crockford base32 (130 random bits)");
	return false;
}

static int
add_interactive(struct cli *cli, const struct adding *how)
{
	CLEANUP(prompt_free) struct prompt_secret *password = NULL;
	CLEANUP(json_done) struct json j = JSON_INIT;
	bool confirm = !cli_option(cli, "no-confirm") && !cli->json && how->with_password;
	bool give = cli_option(cli, "app-password-stdin") != NULL;
	struct added a = {.address = cli->args[0]};
	struct app_password given;
	int r;

	if (!client_open(cli) || (how->with_password && !prompt_new_password(cli, &password)) ||
		(give && !given_app(cli, &given)))
		return CLI_FAILED;
	r = add_one(cli, how, password ? prompt_slice(password) : SLICE_NONE, confirm,
		give ? &given : NULL, &a);
	if (r == LL_OK && cli->json)
		put_added(&j, how, &a);
	else if (r == LL_OK)
		show_added(cli, how, &a, confirm);
	secret_wipe(&given, sizeof(given));
	secret_wipe(&a, sizeof(a));
	if (r == LL_ERR_DENIED && !cli->error[0])
		return CLI_FAILED;
	return r ? cli_failed(cli) : cli->json ? cli_print_json(cli, &j) : CLI_OK;
}

/* --- many at once --- */

static int
read_batch(struct cli *cli, const char *name, struct buf *text)
{
	bool standard = strcmp(name, "-") == 0;
	CLEANUP(fd_close) int fd = standard ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		uint8_t *p = buf_room(text, 65536);
		n = p ? read(fd, p, 65536) : -1;
		if (n > 0)
			buf_grow(text, (size_t)n);
	}
	return n < 0 ? cli_fail(cli, "%s: %s", name, buf_err(text) ? "too long" : strerror(errno))
		     : CLI_OK;
}

/* "ADDRESS" or "ADDRESS APP-PASSWORD". */
static int
add_line(struct cli *cli, const struct adding *how, struct slice line, struct json *j)
{
	struct slice given = line, address = slice_trim(slice_split(&given, ' '));
	char text[CONTROL_NAME_MAX + 1];
	struct app_password app;
	struct added a = {.address = text};
	int r = LL_OK;

	given = slice_trim(given);
	if (address.len > CONTROL_NAME_MAX)
		return cli_fail(cli, "an address is too long");
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(address));
	if (given.len && (!how->app_name || app_password_parse(given, &app)))
		return cli_fail(cli,
			"%s: what follows the address must be an app password, "
			"with --app-password NAME",
			text);
	r = add_one(cli, how, SLICE_NONE, false, given.len ? &app : NULL, &a);
	if (r == LL_OK && j)
		put_added(j, how, &a);
	else if (r == LL_OK) {
		char grouped[APP_PASSWORD_GROUPED_LEN + 1];
		app_password_group(&a.code, grouped);
		printf("%s\t%s\t%s\n", text, grouped, a.has_app ? a.app.text : "");
		secret_wipe(grouped, sizeof(grouped));
	}
	secret_wipe(&app, sizeof(app));
	secret_wipe(&a, sizeof(a));
	return r ? cli_fail(cli, "%s: %s", text, cli->error) : CLI_OK;
}

/* Goes on after a line that fails, and says so at the end. */
static int
add_batch(struct cli *cli, const struct adding *how, const char *name)
{
	CLEANUP(buf_done) struct buf text = BUF_SECRET(BATCH_MAX);
	CLEANUP(json_done) struct json j = JSON_INIT;
	bool as_json = cli->json;
	struct slice rest;
	int status = CLI_OK;

	if (!client_open(cli) || read_batch(cli, name, &text))
		return CLI_FAILED;
	/* One document: failures of single lines go to standard error only. */
	cli->json = false;
	json_open_array(&j, NULL);
	for (rest = buf_slice(&text); rest.len;) {
		struct slice line = slice_trim(slice_line(&rest));
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (add_line(cli, how, line, as_json ? &j : NULL))
			status = CLI_FAILED;
	}
	json_array_end(&j);
	cli->json = as_json;
	if (!cli->json)
		return status;
	return cli_print_json(cli, &j) ? CLI_FAILED : status;
}

int
cli_account_add(struct cli *cli)
{
	const char *batch = cli_option(cli, "batch"), *quota = cli_option(cli, "quota");
	struct adding how = {.app_name = cli_option(cli, "app-password"),
		.with_password = !cli_option(cli, "no-password"),
		.quota = DEFAULT_QUOTA,
		.language = cli_option(cli, "language")};

	if (how.language && !cli_language_known(how.language))
		return cli_usage(cli, "the languages are en, de and fr, or none");
	if (quota && cli_parse_size(quota, &how.quota))
		return cli_usage(cli, "a quota is a number of bytes, like 500M or 10G, or none");
	if (how.app_name && strlen(how.app_name) > UNLOCK_NAME_MAX)
		return cli_usage(
			cli, "the name of an app password has at most %d bytes", UNLOCK_NAME_MAX);
	if (cli_option(cli, "app-password-stdin") && !how.app_name)
		return cli_usage(cli, "--app-password-stdin needs --app-password NAME");
	if (!how.with_password && cli_option(cli, "password-stdin"))
		return cli_usage(cli, "--no-password and --password-stdin contradict each other");
	if (!batch)
		return cli->n_args == 1 ? add_interactive(cli, &how)
					: cli_usage(cli, "an address is missing");
	if (cli->n_args)
		return cli_usage(cli, "with --batch the addresses stand in the file");
	if (how.with_password)
		return cli_usage(cli, "--batch goes with --no-password");
	return add_batch(cli, &how, batch);
}

/* --- the others --- */

struct listing {
	struct cli *cli;
	struct json *j;
	uint64_t n;
};

static int
show_account(void *ctx, struct slice item)
{
	struct listing *l = ctx;
	struct control_account a;
	int r = control_account_get(item, &a);

	if (r)
		return r;
	l->n++;
	if (!l->cli->json) {
		printf("%-40s %-9s %10s of %-10s since %s\n", cli_safe(a.name),
			a.disabled ? "disabled" : "active", cli_size(a.used),
			a.quota ? cli_size(a.quota) : "any", cli_time(a.created));
		return LL_OK;
	}
	json_open_object(l->j, NULL);
	json_put_string(l->j, "address", a.name);
	json_hex(l->j, "account", SLICE_OF(a.id));
	json_bool(l->j, "disabled", a.disabled);
	json_number(l->j, "quota", a.quota);
	json_number(l->j, "used", a.used);
	json_number(l->j, "created", a.created);
	json_object_end(l->j);
	return LL_OK;
}

int
cli_account_list(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct listing l = {cli, &j, 0};

	if (!client_open(cli))
		return CLI_FAILED;
	json_open_array(&j, NULL);
	if (client_each(cli, "account-list", show_account, &l))
		return cli_failed(cli);
	json_array_end(&j);
	if (cli->json)
		return cli_print_json(cli, &j);
	if (l.n == 0)
		printf("There is no account yet: letterlock account add ADDRESS\n");
	return CLI_OK;
}

static int
set_state(struct cli *cli, bool disabled)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_flag m = {.name = slice_str(cli->args[0]), .on = disabled};
	struct slice ignored;

	if (!client_open(cli))
		return CLI_FAILED;
	if (control_flag_put(&body, &m))
		return cli_usage(cli, "the address is too long");
	if (client_call(cli, "account-state", buf_slice(&body), &ignored))
		return cli_failed(cli);
	return cli_done(cli,
		disabled ? "Disabled: no sign-in, and mail to it is refused. Nothing is deleted."
			 : "Enabled.");
}

int
cli_account_disable(struct cli *cli)
{
	return set_state(cli, true);
}

int
cli_account_enable(struct cli *cli)
{
	return set_state(cli, false);
}

int
cli_account_quota(struct cli *cli)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_number m = {.name = slice_str(cli->args[0])};
	struct slice ignored;

	if (cli_parse_size(cli->args[1], &m.number))
		return cli_usage(cli, "a quota is a number of bytes, like 500M or 10G, or none");
	if (!client_open(cli))
		return CLI_FAILED;
	if (control_number_put(&body, &m))
		return cli_usage(cli, "the address is too long");
	if (client_call(cli, "account-quota", buf_slice(&body), &ignored))
		return cli_failed(cli);
	return cli_done(cli, "Done.");
}

int
cli_account_delete(struct cli *cli)
{
	CLEANUP(prompt_free) struct prompt_secret *typed = NULL;

	if (!client_open(cli))
		return CLI_FAILED;
	if (!cli_option(cli, "yes")) {
		if (!prompt_answer(cli,
			    "All mail and keys of the account go, for good. Type its address",
			    &typed))
			return CLI_FAILED;
		if (!slice_ieq(prompt_slice(typed), slice_str(cli->args[0])))
			return cli_fail(cli, "nothing was deleted");
	}
	if (client_call_name(cli, "account-delete", cli->args[0]))
		return cli_failed(cli);
	return cli_done(cli, "Deleted.");
}
