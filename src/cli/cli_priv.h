/* What the parts of the command line share. */
#ifndef CLI_CLI_PRIV_H
#define CLI_CLI_PRIV_H

#include "base/buf.h"
#include "base/error.h"
#include "cli/json.h"
#include "os/config.h"

#define CLI_ARGS_MAX 8
#define CLI_OPTIONS_MAX 40

enum cli_status { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_option {
	const char *name; /* without the two hyphens */
	const char *value; /* what its value is called; NULL: it has none */
	const char *help;
};

struct cli;
struct cli_command {
	const char *words; /* "account add" */
	const char *arguments; /* "ADDRESS [NAME]"; optional ones in brackets */
	const char *summary; /* one line */
	const char *help; /* more, or NULL */
	int (*run)(struct cli *cli); /* enum cli_status */
	const struct cli_option *options; /* ends with name NULL; may be NULL */
};
extern const struct cli_command cli_commands[];
extern const size_t n_cli_commands;

struct client;
struct cli {
	const char *config_path;
	bool json;
	int (*serve)(const char *config_path);
	const struct cli_command *command;
	const char *args[CLI_ARGS_MAX];
	int n_args;
	struct {
		const char *name, *value;
	} options[CLI_OPTIONS_MAX];
	int n_options;
	struct config config; /* valid after cli_config */
	struct client *client; /* after client_open */
	char error[1024]; /* the last failure, for people */
};

/* The value of an option ("" when it has none), or NULL when it was not given. */
const char *cli_option(const struct cli *cli, const char *name);
/* The values of an option that may be repeated: start with *at = 0; NULL at the end. */
const char *cli_option_next(const struct cli *cli, const char *name, int *at);

/* Says what went wrong (on standard error, or as JSON) and returns the status. */
int cli_fail(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
int cli_usage(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* Says cli->error. */
int cli_failed(struct cli *cli);
/* Writes what was made as JSON, with a newline; CLI_OK, or the status of a failure. */
int cli_print_json(struct cli *cli, struct json *j);

/* For commands that have nothing else to show: what was done, or {"ok":true}. */
int cli_done(struct cli *cli, const char *what);

/* Loads the configuration file once; false after saying why not. */
bool cli_config(struct cli *cli);

/* Untrusted text for a terminal: controls become '?'. Lives until seven more calls. */
const char *cli_safe(struct slice s);
/* "2026-11-21 22:13" in UTC, "never" for 0. Lives until seven more calls. */
const char *cli_time(uint64_t unix_seconds);
/* "1.5 GiB". Lives until seven more calls. */
const char *cli_size(uint64_t bytes);
/* "500M", "2G", plain bytes, "none" (0). LL_ERR_SYNTAX. */
int cli_parse_size(const char *text, uint64_t *ret) CHECKED;

/* The commands. */
int cli_init(struct cli *cli);
int cli_serve(struct cli *cli);
int cli_status(struct cli *cli);
int cli_verify(struct cli *cli);
int cli_manifest_show(struct cli *cli);
int cli_manifest_keygen(struct cli *cli);
int cli_manifest_sign(struct cli *cli);
int cli_manifest_check(struct cli *cli);
int cli_version(struct cli *cli);
int cli_help(struct cli *cli);
int cli_domain_add(struct cli *cli);
int cli_domain_list(struct cli *cli);
int cli_domain_dns(struct cli *cli);
int cli_account_add(struct cli *cli);
int cli_account_list(struct cli *cli);
int cli_account_disable(struct cli *cli);
int cli_account_enable(struct cli *cli);
int cli_account_delete(struct cli *cli);
int cli_account_quota(struct cli *cli);
int cli_app_add(struct cli *cli);
int cli_app_list(struct cli *cli);
int cli_app_revoke(struct cli *cli);
int cli_password_set(struct cli *cli);
int cli_alias_add(struct cli *cli);
int cli_alias_list(struct cli *cli);
int cli_alias_remove(struct cli *cli);
int cli_domain_registration(struct cli *cli);
int cli_domain_mta_sts(struct cli *cli);
int cli_invitation_add(struct cli *cli);
int cli_invitation_list(struct cli *cli);
int cli_invitation_revoke(struct cli *cli);
int cli_account_factors(struct cli *cli);
/* Also `domain language`. */
int cli_language(struct cli *cli);
bool cli_language_known(const char *code);
/* Of an account, or a domain; ret_code may be NULL. Views the answer, as client_call does. */
int cli_language_call(
	struct cli *cli, const char *name, const char *code, struct slice *ret_code) CHECKED;
int cli_queue_list(struct cli *cli);
int cli_queue_retry(struct cli *cli);
int cli_queue_drop(struct cli *cli);
int cli_doctor(struct cli *cli);

#endif
