/* The command line: a table of commands, options and help. */
#include "cli/cli.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cli_priv.h"
#include "cli/client.h"
#include "keys/suites.h"

#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/letterlock/letterlock.conf"

static const struct cli_option global_options[] = {
	{"config", "FILE", "the configuration file; default $LETTERLOCK_CONFIG or " DEFAULT_CONFIG},
	{"json", NULL, "write JSON, for scripts"},
	{"help", NULL, "say how the command is used"},
	{0},
};

/* --- options --- */

const char *
cli_option_next(const struct cli *cli, const char *name, int *at)
{
	while (*at < cli->n_options) {
		int i = (*at)++;
		if (strcmp(cli->options[i].name, name) == 0)
			return cli->options[i].value;
	}
	return NULL;
}

const char *
cli_option(const struct cli *cli, const char *name)
{
	int at = 0;

	return cli_option_next(cli, name, &at);
}

/* --- speaking --- */

static void PRINTF_LIKE(2, 0) speak(struct cli *cli, const char *format, va_list args)
{
	char text[sizeof(cli->error)];

	vsnprintf(text, sizeof(text), format, args);
	fprintf(stderr, "letterlock: %s\n", text);
	if (cli->json) {
		CLEANUP(json_done) struct json j = JSON_INIT;
		json_open_object(&j, NULL);
		json_text(&j, "error", text);
		json_object_end(&j);
		printf("%.*s\n", SLICE_ARG(buf_slice(&j.out)));
	}
}

int
cli_fail(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	speak(cli, format, args);
	va_end(args);
	return CLI_FAILED;
}

int
cli_failed(struct cli *cli)
{
	return cli_fail(cli, "%s", cli->error);
}

int
cli_usage(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	speak(cli, format, args);
	va_end(args);
	if (cli->command)
		fprintf(stderr, "usage: letterlock %s %s\nletterlock help %s says more.\n",
			cli->command->words, cli->command->arguments, cli->command->words);
	else
		fprintf(stderr, "letterlock help lists the commands.\n");
	return CLI_USAGE;
}

int
cli_print_json(struct cli *cli, struct json *j)
{
	if (buf_err(&j->out))
		return cli_fail(cli, "%s", ll_strerror(j->out.err));
	fwrite(j->out.ptr, 1, j->out.len, stdout);
	putchar('\n');
	return CLI_OK;
}

int
cli_done(struct cli *cli, const char *what)
{
	CLEANUP(json_done) struct json j = JSON_INIT;

	if (!cli->json) {
		printf("%s\n", what);
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_bool(&j, "ok", true);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

#define TEXTS 8
#define TEXT_MAX 1100

static char *
next_text(void)
{
	static char texts[TEXTS][TEXT_MAX];
	static unsigned next;

	return texts[next++ % TEXTS];
}

const char *
cli_safe(struct slice s)
{
	char *text = next_text();
	size_t n = MIN(s.len, (size_t)TEXT_MAX - 1);

	for (size_t i = 0; i < n; i++)
		text[i] = s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? '?' : (char)s.ptr[i];
	text[n] = 0;
	/* C1 controls are two bytes of UTF-8. */
	for (size_t i = 0; i + 1 < n; i++)
		if ((uint8_t)text[i] == 0xc2 && (uint8_t)text[i + 1] < 0xa0)
			text[i] = text[i + 1] = '?';
	return text;
}

const char *
cli_time(uint64_t unix_seconds)
{
	CLEANUP(buf_done) struct buf date = BUF_INIT(64);
	char *text = next_text();

	if (unix_seconds == 0)
		return "never";
	date_put_rfc3339(&date, (int64_t)MIN(unix_seconds, (uint64_t)253402300799));
	if (buf_err(&date) || date.len < 16)
		return "?";
	snprintf(text, TEXT_MAX, "%.10s %.5s", (char *)date.ptr, (char *)date.ptr + 11);
	return text;
}

const char *
cli_size(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	char *text = next_text();
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		unit++;
	}
	snprintf(text, TEXT_MAX, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
	return text;
}

int
cli_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	struct slice s = slice_str(text);
	const char *unit = s.len ? strchr(units, to_upper(s.ptr[s.len - 1])) : NULL;
	unsigned shift = unit && *unit ? 10 * (unsigned)(unit - units + 1) : 0;
	uint64_t n;

	if (slice_ieq(s, S("none"))) {
		*ret = 0;
		return LL_OK;
	}
	if (slice_u64(slice_sub(s, 0, s.len - (shift != 0)), (uint64_t)INT64_MAX >> shift, &n))
		return LL_ERR_SYNTAX;
	*ret = n << shift;
	return LL_OK;
}

bool
cli_config(struct cli *cli)
{
	char why[256];

	if (cli->config.hostname[0])
		return true;
	if (config_load(cli->config_path, &cli->config, NULL, why, sizeof(why)) == LL_OK)
		return true;
	cli->config.hostname[0] = 0;
	(void)cli_fail(cli, "%s: %s", cli->config_path, why);
	return false;
}

/* --- help --- */

static void
print_option(const struct cli_option *o)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
		o->value ? o->value : "");
	printf("  %-26s %s\n", left, o->help);
}

static void
print_command_help(const struct cli_command *c)
{
	printf("letterlock %s%s%s\n\n%s\n", c->words, c->arguments[0] ? " " : "", c->arguments,
		c->summary);
	if (c->help)
		printf("\n%s\n", c->help);
	printf("\nOptions:\n");
	for (const struct cli_option *o = c->options; o && o->name; o++)
		print_option(o);
	for (const struct cli_option *o = global_options; o->name; o++)
		print_option(o);
	printf("\nExit status: 0 done, 1 failed, 2 wrong usage.\n");
}

static void
print_overview(void)
{
	printf("letterlock [--config FILE] [--json] COMMAND ...\n\n"
	       "Mail that is sealed to its owner before it touches a disk.\n\n");
	for (size_t i = 0; i < n_cli_commands; i++)
		printf("  %-22s %s\n", cli_commands[i].words, cli_commands[i].summary);
	printf("\nletterlock help COMMAND says how one is used.\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

/* How many of the words match the command's; 0: not this one. */
static int
words_match(const struct cli_command *c, char *const *words, int n)
{
	struct slice rest = slice_str(c->words);
	int i = 0;

	while (rest.len) {
		struct slice word = slice_split(&rest, ' ');
		if (i == n || !slice_eq(word, slice_str(words[i])))
			return 0;
		i++;
	}
	return i;
}

static const struct cli_command *
find_command(char *const *words, int n, int *ret_used)
{
	for (size_t i = 0; i < n_cli_commands; i++)
		if ((*ret_used = words_match(&cli_commands[i], words, n)))
			return &cli_commands[i];
	return NULL;
}

/* Commands whose first word this is: `letterlock help account`. */
static bool
print_group(const char *word)
{
	bool any = false;

	for (size_t i = 0; i < n_cli_commands; i++) {
		struct slice rest = slice_str(cli_commands[i].words);
		if (!slice_eq(slice_split(&rest, ' '), slice_str(word)))
			continue;
		any = true;
		printf("  letterlock %s%s%s\n      %s\n", cli_commands[i].words,
			cli_commands[i].arguments[0] ? " " : "", cli_commands[i].arguments,
			cli_commands[i].summary);
	}
	return any;
}

int
cli_help(struct cli *cli)
{
	char *words[CLI_ARGS_MAX];
	const struct cli_command *c;
	int used;

	if (cli->n_args == 0) {
		print_overview();
		return CLI_OK;
	}
	for (int i = 0; i < cli->n_args; i++)
		words[i] = (char *)(uintptr_t)cli->args[i];
	c = find_command(words, cli->n_args, &used);
	if (c && used == cli->n_args) {
		print_command_help(c);
		return CLI_OK;
	}
	if (cli->n_args == 1 && print_group(cli->args[0]))
		return CLI_OK;
	cli->command = NULL;
	return cli_usage(cli, "there is no command \"%s\"", cli_safe(slice_str(cli->args[0])));
}

int
cli_version(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;

	if (!cli->json) {
		printf("letterlock %s\n", LETTERLOCK_VERSION);
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_text(&j, "version", LETTERLOCK_VERSION);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

/* --- reading the line --- */

static const struct cli_option *
find_option(const struct cli_option *list, struct slice name)
{
	for (; list && list->name; list++)
		if (slice_eq(slice_str(list->name), name))
			return list;
	return NULL;
}

/* Takes "--name", "--name value" or "--name=value" at argv[*i]. */
static int
take_option(struct cli *cli, const struct cli_option *list, int argc, char **argv, int *i)
{
	struct slice value = slice_str(argv[*i] + 2), name = slice_split(&value, '=');
	bool has_value = name.len < strlen(argv[*i] + 2);
	const struct cli_option *o = find_option(list, name);

	if (!o)
		o = find_option(global_options, name);
	if (!o)
		return cli_usage(cli, "there is no option %s", cli_safe(slice_str(argv[*i])));
	if (!o->value && has_value)
		return cli_usage(cli, "--%s has no value", o->name);
	if (o->value && !has_value && *i + 1 >= argc)
		return cli_usage(cli, "--%s needs a value", o->name);
	if (cli->n_options == CLI_OPTIONS_MAX)
		return cli_usage(cli, "too many options");
	cli->options[cli->n_options].name = o->name;
	cli->options[cli->n_options++].value = !o->value ? ""
		: has_value				 ? (const char *)value.ptr
							 : argv[++*i];
	return CLI_OK;
}

/* "--help" and what must be known before anything is said. */
static void
take_globals(struct cli *cli)
{
	const char *config = cli_option(cli, "config"), *env = getenv("LETTERLOCK_CONFIG");

	cli->config_path = config ? config : env && *env ? env : DEFAULT_CONFIG;
	cli->json = cli_option(cli, "json") != NULL;
}

static void
count_arguments(const struct cli_command *c, int *ret_least, int *ret_most)
{
	struct slice rest = slice_str(c->arguments);

	*ret_least = *ret_most = 0;
	while (rest.len) {
		struct slice word = slice_split(&rest, ' ');
		if (slice_ends(word, S("...]")) || slice_ends(word, S("...")))
			*ret_most = CLI_ARGS_MAX;
		else
			++*ret_most;
		*ret_least += word.ptr[0] != '[';
	}
	*ret_most = MIN(*ret_most, CLI_ARGS_MAX);
}

static int
take_arguments(struct cli *cli, int argc, char **argv, int from)
{
	int least, most, r;
	bool only_arguments = false;

	count_arguments(cli->command, &least, &most);
	for (int i = from; i < argc; i++) {
		bool option = !only_arguments && argv[i][0] == '-' && argv[i][1] == '-';
		if (option && argv[i][2] == 0) {
			only_arguments = true;
		} else if (option) {
			if ((r = take_option(cli, cli->command->options, argc, argv, &i)))
				return r;
		} else if (cli->n_args == most) {
			return cli_usage(cli, "too many arguments");
		} else {
			cli->args[cli->n_args++] = argv[i];
		}
	}
	take_globals(cli);
	if (cli_option(cli, "help"))
		return CLI_OK;
	return cli->n_args < least ? cli_usage(cli, "an argument is missing") : CLI_OK;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	int i = 1, used = 0, r;
	bool help;

	while (i < argc && argv[i][0] == '-' && argv[i][1] == '-') {
		if ((r = take_option(cli, NULL, argc, argv, &i)))
			return r;
		i++;
	}
	take_globals(cli);
	if (i >= argc) {
		print_overview();
		return cli_option(cli, "help") ? CLI_OK : CLI_USAGE;
	}
	cli->command = find_command(argv + i, argc - i, &used);
	help = i + 1 < argc && strcmp(argv[i + 1], "--help") == 0;
	if (!cli->command && (i + 1 == argc || help) && print_group(argv[i]))
		return help ? CLI_OK : CLI_USAGE;
	if (!cli->command)
		return cli_usage(cli, "there is no command \"%s\"", cli_safe(slice_str(argv[i])));
	if ((r = take_arguments(cli, argc, argv, i + used)))
		return r;
	if (cli_option(cli, "help")) {
		print_command_help(cli->command);
		return CLI_OK;
	}
	return cli->command->run(cli);
}

int
cli_main(int argc, char **argv, int (*serve)(const char *config_path))
{
	struct cli cli = {.serve = serve};
	int r;

	signal(SIGPIPE, SIG_IGN);
	log_setup(STDERR_FILENO, "letterlock", LOG_LEVEL_WARN);
	if (sodium_init() < 0 || suites_init()) {
		fprintf(stderr, "letterlock: the cryptographic libraries do not start\n");
		return CLI_FAILED;
	}
	r = run(&cli, argc, argv);
	client_close(&cli);
	if (fflush(stdout) || ferror(stdout)) {
		perror("letterlock: standard output");
		return r ? r : CLI_FAILED;
	}
	return r;
}
