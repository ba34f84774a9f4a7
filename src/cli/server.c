/* serve and status. */
#include "base/text.h"
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STATUS_ARENA ((size_t)8 << 20)

/* The folder of the control socket may lie on a file system that a restart empties (/run). */
static void
make_control_folder(const char *control)
{
	char path[CONFIG_VALUE_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", control);
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	*slash = 0;
	(void)mkdir(path, 0755); /* when that fails, binding the socket says why */
}

int
cli_serve(struct cli *cli)
{
	if (!cli_config(cli))
		return CLI_FAILED;
	make_control_folder(cli->config.control);
	return cli->serve(cli->config_path) ? CLI_FAILED : CLI_OK;
}

/* --- status --- */

/* "name=value" lines as pairs in one indented line. */
static void
print_counters(struct slice lines)
{
	size_t column = 0;

	while (lines.len) {
		const char *pair = cli_safe(slice_trim(slice_line(&lines)));
		if (!*pair)
			continue;
		if (column == 0 || column + strlen(pair) > 96) {
			printf("%s           ", column ? "\n" : "");
			column = 11;
		}
		column += (size_t)printf(" %s", pair);
	}
	if (column)
		putchar('\n');
}

static const char *
text_of(const struct json_value *process, const char *key)
{
	return cli_safe(json_get_text(process, key));
}

static void
print_process(const struct json_value *p)
{
	const struct json_value *ready = json_get(p, "ready");
	uint64_t kib = 0;

	(void)!slice_u64(json_get_text(p, "memory_kib"), UINT64_MAX >> 10, &kib);
	printf("%-9s %5s  pid %-8s %-8s %10s  restarts %-4s", text_of(p, "role"),
		text_of(p, "index"), text_of(p, "pid"),
		ready && ready->type == JSON_TRUE ? "ready" : "starting", cli_size(kib << 10),
		text_of(p, "restarts"));
	printf(" sandbox %s, keys in memory: %s\n", text_of(p, "sandbox"), text_of(p, "secrets"));
	print_counters(json_get_text(p, "counters"));
}

/* Counters become numbers with names. */
static void
put_counters(struct json *j, struct slice lines)
{
	json_open_object(j, "counters");
	while (lines.len) {
		struct slice value = slice_trim(slice_line(&lines)),
			     name = slice_split(&value, '=');
		char key[128];
		uint64_t n;
		if (name.len == 0 || name.len >= sizeof(key) || slice_u64(value, INT64_MAX, &n))
			continue;
		memcpy(key, name.ptr, name.len);
		key[name.len] = 0;
		json_number(j, key, n);
	}
	json_object_end(j);
}

static void
put_process(struct json *j, const struct json_value *p)
{
	static const char *const numbers[] = {"index", "pid", "restarts", "memory_kib"};
	const struct json_value *ready = json_get(p, "ready");

	json_open_object(j, NULL);
	json_put_string(j, "role", json_get_text(p, "role"));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t n = 0;
		(void)!slice_u64(json_get_text(p, numbers[i]), INT64_MAX, &n);
		json_number(j, numbers[i], n);
	}
	json_bool(j, "ready", ready && ready->type == JSON_TRUE);
	json_put_string(j, "sandbox", json_get_text(p, "sandbox"));
	json_put_string(j, "secrets", json_get_text(p, "secrets"));
	put_counters(j, json_get_text(p, "counters"));
	json_object_end(j);
}

int
cli_status(struct cli *cli)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(STATUS_ARENA);
	CLEANUP(json_done) struct json j = JSON_INIT;
	const struct json_value *all;
	struct control_text m;
	struct slice answer;

	if (!client_open(cli))
		return CLI_FAILED;
	if (client_call(cli, "status", SLICE_NONE, &answer))
		return cli_failed(cli);
	if (control_text_get(answer, &m) || json_parse(m.text, &arena, &all) ||
		all->type != JSON_ARRAY)
		return cli_fail(cli, "the server's answer makes no sense");
	json_open_array(&j, NULL);
	for (const struct json_value *p = all->first; p; p = p->next) {
		if (cli->json)
			put_process(&j, p);
		else
			print_process(p);
	}
	json_array_end(&j);
	return cli->json ? cli_print_json(cli, &j) : CLI_OK;
}
