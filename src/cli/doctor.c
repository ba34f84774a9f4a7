/* doctor: looks at everything around the server that must be right, and says what to do. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DOCTOR_ARENA ((size_t)16 << 20)

static const char *const levels[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_WARNING] = "warning",
	[FINDING_PROBLEM] = "problem",
};

void
doctor_say(struct doctor *d, enum finding_level level, const char *check, const char *advice,
	const char *format, ...)
{
	struct finding f = {.level = level, .check = check, .what = "", .advice = ""};
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	f.what = arena_str(&d->arena, slice_str(text));
	if (advice)
		f.advice = arena_str(&d->arena, slice_str(advice));
	if (f.what && f.advice)
		(void)!VEC_PUSH(&d->findings, f);
}

static void
print_finding(const struct finding *f)
{
	printf("%-8s %-12s %s\n", levels[f->level], f->check, cli_safe(slice_str(f->what)));
	if (f->advice[0])
		printf("%21s -> %s\n", "", cli_safe(slice_str(f->advice)));
}

static void
put_finding(struct json *j, const struct finding *f)
{
	json_open_object(j, NULL);
	json_text(j, "level", levels[f->level]);
	json_text(j, "check", f->check);
	json_text(j, "what", f->what);
	json_text(j, "do", f->advice);
	json_object_end(j);
}

static int
report(struct doctor *d)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	size_t count[ARRAY_SIZE(levels)] = {0};
	int r = CLI_OK;

	json_open_array(&j, NULL);
	VEC_EACH (f, &d->findings) {
		count[f->level]++;
		if (d->cli->json)
			put_finding(&j, f);
		else
			print_finding(f);
	}
	json_array_end(&j);
	if (d->cli->json)
		r = cli_print_json(d->cli, &j);
	else
		printf("\n%zu in order, %zu notes, %zu warnings, %zu problems\n", count[FINDING_OK],
			count[FINDING_NOTE], count[FINDING_WARNING], count[FINDING_PROBLEM]);
	return r || count[FINDING_PROBLEM] ? CLI_FAILED : CLI_OK;
}

int
cli_doctor(struct cli *cli)
{
	static void (*const checks[])(struct doctor *) = {doctor_files, doctor_certificate,
		doctor_space, doctor_kernel, doctor_memory, doctor_clock, doctor_server,
		doctor_addresses, doctor_ports};
	struct doctor d = {.cli = cli, .arena = ARENA_INIT(DOCTOR_ARENA)};
	int r;

	if (!cli_config(cli))
		return CLI_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](&d);
	if (!cli_option(cli, "no-dns"))
		doctor_dns(&d);
	r = report(&d);
	VEC_DONE(&d.findings);
	arena_done(&d.arena);
	return r;
}
