/* The server's keys code as a process that other implementations are tested against: a line with a
 * command and hexadecimal arguments in, "ok" with hexadecimal results or "err" and a name out. "-"
 * stands for nothing. Numbers are decimal. */
#include "keys_peer.h"

#include "base/error.h"
#include "base/text.h"
#include "keys/suites.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN ((size_t)4 << 20)

static const struct command_family *const families[] = {&peer_formats, &peer_opaque, &peer_account};

static struct buf out = {.max = OUT_MAX};

void
put(struct slice s)
{
	(void)buf_putc(&out, ' ');
	if (s.len)
		(void)hex_encode(&out, s);
	else
		(void)buf_putc(&out, '-');
}

void
put_number(uint64_t n)
{
	(void)buf_printf(&out, " %llu", (unsigned long long)n);
}

struct slice
arg(const struct args *a, size_t i)
{
	return i < a->n ? buf_slice(&a->v[i]) : SLICE_NONE;
}

uint64_t
number(const struct args *a, size_t i)
{
	return i < a->n ? strtoull(a->text[i], NULL, 10) : 0;
}

const uint8_t *
fixed(const struct args *a, size_t i, size_t n)
{
	static const uint8_t zeros[2048];

	return arg(a, i).len == n ? arg(a, i).ptr : zeros;
}

static const char *
error_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{LL_ERR_SYNTAX, "syntax"},
		{LL_ERR_AUTH, "auth"},
		{LL_ERR_LIMIT, "limit"},
		{LL_ERR_UNSUPPORTED, "unsupported"},
		{LL_ERR_NOTFOUND, "notfound"},
		{LL_ERR_DENIED, "denied"},
		{LL_ERR_STATE, "state"},
		{LL_ERR_RANGE, "range"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].err == err)
			return names[i].name;
	return ll_strerror(err);
}

static int
run(const char *name, const struct args *a)
{
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (size_t i = 0; i < families[f]->n; i++) {
			const struct command *c = &families[f]->commands[i];

			if (strcmp(c->name, name) == 0)
				return c->ready && !c->ready() ? LL_ERR_STATE : c->run(a);
		}
	return LL_ERR_UNSUPPORTED;
}

/* Arguments are kept as text and, where they are hexadecimal, as bytes. */
static void
split(char *line, const char **ret_name, struct args *ret)
{
	char *rest = NULL;

	*ret_name = strtok_r(line, " ", &rest);
	for (char *s; *ret_name && ret->n < ARGS_MAX && (s = strtok_r(NULL, " ", &rest));) {
		struct buf *b = &ret->v[ret->n];

		*b = BUF_INIT(LINE_MAX_LEN);
		ret->text[ret->n++] = s;
		if (hex_decode(b, slice_str(s)) != LL_OK)
			buf_reset(b);
	}
}

static void
answer(char *line)
{
	struct args a = {.n = 0};
	const char *name;
	int err;

	buf_reset(&out);
	split(line, &name, &a);
	err = name ? run(name, &a) : LL_ERR_SYNTAX;
	if (err)
		printf("err %s\n", error_name(err));
	else
		printf("ok%.*s\n", SLICE_ARG(buf_slice(&out)));
	fflush(stdout);
	for (size_t i = 0; i < a.n; i++)
		buf_done(&a.v[i]);
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (sodium_init() < 0 || suites_init() != LL_OK)
		return 1;
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		answer(line);
	}
	free(line);
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		if (families[f]->done)
			families[f]->done();
	buf_done(&out);
	return 0;
}
