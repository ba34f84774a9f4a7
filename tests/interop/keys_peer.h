/* A command and its results. */
#ifndef TESTS_INTEROP_KEYS_PEER_H
#define TESTS_INTEROP_KEYS_PEER_H

#include "base/buf.h"

#include <stdbool.h>

#define ARGS_MAX 12
#define OUT_MAX ((size_t)8 << 20)

struct args {
	size_t n;
	struct buf v[ARGS_MAX]; /* decoded; numbers as they stand in text */
	const char *text[ARGS_MAX];
};

/* An argument as bytes, or nothing. */
struct slice arg(const struct args *a, size_t i);
/* An argument as a number, or 0. */
uint64_t number(const struct args *a, size_t i);
/* An argument of exactly n bytes, or zeros: a test that sends less sees its own mistake. */
const uint8_t *fixed(const struct args *a, size_t i, size_t n);

/* Results, one after the other. They only count when the command succeeds. */
void put(struct slice s);
void put_number(uint64_t n);

struct command {
	const char *name;
	int (*run)(const struct args *a);
	bool (*ready)(void); /* NULL: always */
};

struct command_family {
	const struct command *commands;
	size_t n;
	void (*done)(void); /* frees what lived from one command to the next; or NULL */
};

extern const struct command_family peer_formats, peer_opaque, peer_account;

#endif
