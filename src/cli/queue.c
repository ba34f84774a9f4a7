/* queue ...: mail on its way out, as relay keeps it. A page of the list is one answer; the argument
 * of the next request names the last entry that was had. */
#include "cli/client.h"

#include <stdio.h>

#define QUEUE_ARENA ((size_t)16 << 20)

static int
call(struct cli *cli, const char *command, const char *argument, struct slice *ret_json)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	struct control_pair m = {.name = slice_str(command), .other = slice_str(argument)};
	struct control_text text;
	struct slice answer;

	if (!client_open(cli))
		return CLI_FAILED;
	if (control_pair_put(&body, &m))
		return cli_usage(cli, "the argument is too long");
	if (client_call(cli, "queue", buf_slice(&body), &answer))
		return cli_failed(cli);
	if (control_text_get(answer, &text))
		return cli_fail(cli, "the server's answer makes no sense");
	*ret_json = text.text;
	return CLI_OK;
}

static uint64_t
number_of(const struct json_value *v, const char *key)
{
	uint64_t n = 0;

	(void)!slice_u64(json_get_text(v, key), INT64_MAX, &n);
	return n;
}

static void
print_message(const struct json_value *m)
{
	const struct json_value *rcpts = json_get(m, "recipients");
	struct slice sender = json_get_text(m, "sender");

	printf("%s  %s  since %s, tried %s times, next %s\n  from %s\n",
		cli_safe(json_get_text(m, "id")), cli_size(number_of(m, "size")),
		cli_time(number_of(m, "arrived")), cli_safe(json_get_text(m, "tries")),
		cli_time(number_of(m, "next_attempt")), sender.len ? cli_safe(sender) : "<>");
	for (const struct json_value *r = rcpts ? rcpts->first : NULL; r; r = r->next)
		printf("  to   %s: %s%s%s\n", cli_safe(json_get_text(r, "address")),
			cli_safe(json_get_text(r, "state")),
			json_get_text(r, "text").len ? ": " : "",
			cli_safe(json_get_text(r, "text")));
}

/* Asks for pages, each after the last entry of the one before, until an empty one. */
static int
page(struct cli *cli, char *after, size_t size, struct json *j, size_t *ret_n)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(QUEUE_ARENA);
	const struct json_value *all, *last = NULL;
	struct slice text;
	int r = call(cli, "list", after, &text);

	if (r)
		return r;
	if (json_parse(text, &arena, &all) || all->type != JSON_ARRAY)
		return cli_fail(cli, "the server's answer makes no sense");
	*ret_n = 0;
	for (const struct json_value *m = all->first; m; m = m->next) {
		if (!cli->json)
			print_message(m);
		last = m;
		++*ret_n;
	}
	if (!last)
		return CLI_OK;
	if (cli->json)
		json_raw(j, NULL, slice_sub(text, 1, text.len - 2));
	snprintf(after, size, "%.*s %.*s", SLICE_ARG(json_get_text(last, "arrived")),
		SLICE_ARG(json_get_text(last, "id")));
	return CLI_OK;
}

int
cli_queue_list(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	char after[64] = "";
	size_t total = 0, n = 1;
	int r = CLI_OK;

	json_open_array(&j, NULL);
	for (; r == CLI_OK && n; total += n)
		r = page(cli, after, sizeof(after), &j, &n);
	if (r)
		return r;
	json_array_end(&j);
	if (cli->json)
		return cli_print_json(cli, &j);
	if (!total)
		printf("Nothing is waiting.\n");
	return CLI_OK;
}

int
cli_queue_retry(struct cli *cli)
{
	struct slice text;
	int r = call(cli, "retry", cli->args[0], &text);

	return r ? r : cli_done(cli, "It is tried again now.");
}

int
cli_queue_drop(struct cli *cli)
{
	struct slice text;
	int r = call(cli, "drop", cli->args[0], &text);

	return r ? r : cli_done(cli, "Dropped; its sender is not told.");
}
