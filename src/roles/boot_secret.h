/* The boot secret: 32 random bytes kept outside the data directory, from which the server's own
 * keys are derived. */
#ifndef ROLES_BOOT_SECRET_H
#define ROLES_BOOT_SECRET_H

#include "keys/server_keys.h"
#include "os/roles.h"

/* source: the path of a file of exactly BOOT_SECRET_LEN bytes that only its owner can read, or
 * "credential:NAME" (systemd). LL_ERR_IO, LL_ERR_SYNTAX (wrong size), LL_ERR_DENIED (others can
 * read it). */
int boot_secret_load(const char *source, uint8_t ret[BOOT_SECRET_LEN]) CHECKED;

/* Which role is handed which derived key. */
#define SERVER_SECRET_MAX 512
struct server_secret {
	const char *name;
	unsigned roles; /* bits, 1 << role */
	/* Writes at most SERVER_SECRET_MAX bytes; returns how many, 0 on failure. */
	size_t (*derive)(const uint8_t boot[BOOT_SECRET_LEN], uint8_t *ret);
};
extern const struct server_secret server_secrets[];
extern const unsigned n_server_secrets;

#endif
