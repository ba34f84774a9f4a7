/* Reading the boot secret, and the table of what comes from it. */
#include "roles/boot_secret.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/xwing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
boot_secret_load(const char *source, uint8_t ret[BOOT_SECRET_LEN])
{
	static const char credential[] = "credential:";
	uint8_t bytes[BOOT_SECRET_LEN + 1];
	CLEANUP(fd_close) int fd = -1;
	char path[4096];
	struct stat st;
	ssize_t n;

	if (strncmp(source, credential, sizeof(credential) - 1) == 0) {
		const char *dir = getenv("CREDENTIALS_DIRECTORY");
		snprintf(path, sizeof(path), "%s/%s", dir ? dir : "",
			source + sizeof(credential) - 1);
	} else {
		snprintf(path, sizeof(path), "%s", source);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return LL_ERR_IO;
	if (st.st_mode & 0077)
		return LL_ERR_DENIED;
	n = read(fd, bytes, sizeof(bytes));
	if (n == BOOT_SECRET_LEN)
		memcpy(ret, bytes, BOOT_SECRET_LEN);
	secret_wipe(bytes, sizeof(bytes));
	return n == BOOT_SECRET_LEN ? LL_OK : LL_ERR_SYNTAX;
}

static size_t
derive_opaque(const uint8_t boot[BOOT_SECRET_LEN], uint8_t *ret)
{
	struct opaque_server keys;

	_Static_assert(sizeof(keys) <= SERVER_SECRET_MAX, "room");
	if (server_keys_opaque(boot, &keys))
		return 0;
	memcpy(ret, &keys, sizeof(keys));
	secret_wipe(&keys, sizeof(keys));
	return sizeof(keys);
}

static size_t
derive_directory(const uint8_t boot[BOOT_SECRET_LEN], uint8_t *ret)
{
	struct directory_keys keys;

	_Static_assert(sizeof(keys) <= SERVER_SECRET_MAX, "room");
	if (server_keys_directory(boot, &keys))
		return 0;
	memcpy(ret, &keys, sizeof(keys));
	secret_wipe(&keys, sizeof(keys));
	return sizeof(keys);
}

static size_t
derive_queue(const uint8_t boot[BOOT_SECRET_LEN], uint8_t *ret)
{
	return server_keys_queue(boot, ret) ? 0 : XWING_SEED_LEN;
}

static size_t
derive_dkim(const uint8_t boot[BOOT_SECRET_LEN], uint8_t *ret)
{
	return server_keys_dkim(boot, ret) ? 0 : 32;
}

#define BIT(r) (1u << (r))

const struct server_secret server_secrets[] = {
	{"opaque", BIT(ROLE_AUTH), derive_opaque},
	{"directory", BIT(ROLE_AUTH), derive_directory},
	{"queue", BIT(ROLE_RELAY), derive_queue},
	{"dkim", BIT(ROLE_AUTH) | BIT(ROLE_RELAY), derive_dkim},
};
const unsigned n_server_secrets = ARRAY_SIZE(server_secrets);
