/* What releasing the web client and verifying it share: its own pack, the keys' files, hashes as
 * people read them. */
#ifndef CLI_RELEASE_H
#define CLI_RELEASE_H

#include "cli/cli_priv.h"
#include "cli/web_log.h"

/* --- files --- */

/* Reads a whole file of at most out's maximum. LL_ERR_NOTFOUND, LL_ERR_LIMIT, LL_ERR_IO. */
int release_file_read(const char *path, struct buf *out) CHECKED;
/* Replaces a file, or makes it: all of the new text or all of the old. LL_ERR_IO (errno). */
int release_file_write(const char *path, struct slice text, unsigned mode) CHECKED;

/* --- the client that was built here --- */

/* The path of --pack, or of web.pack beside the program, where the server takes it from. */
const char *release_pack_path(const struct cli *cli, char *space, size_t size);
/* Appends the manifest of that pack. */
int release_manifest_own(const char *pack_path, struct buf *out) CHECKED;

/* --- keys --- */

/* 64 hexadecimal digits, or a file that `manifest keygen` made. LL_ERR_SYNTAX and what reading it
 * says. */
int release_key_public(const char *text, uint8_t ret[ED25519_PUBLIC_LEN]) CHECKED;
/* The key of the project's releases that is built into this program; false: there is none. */
bool release_key_builtin(uint8_t ret[ED25519_PUBLIC_LEN]);
/* A secret key's file. LL_ERR_DENIED: others can read it. */
int release_key_secret(const char *path, struct ed25519_key *ret) CHECKED;
/* Texts of both files. */
int release_key_put(const struct ed25519_key *key, struct buf *secret, struct buf *public) CHECKED;

#endif
