/* Files of releases. A key's file is one line that says what it is. */
#include "cli/release.h"
#include "base/secret.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLIC "letterlock web key "
#define SECRET "letterlock web secret key "
#define KEY_FILE_MAX 256

/* Where the project's own release key stands; "none" until there is one (share/release.key). */
#ifndef LETTERLOCK_RELEASE_KEY
#define LETTERLOCK_RELEASE_KEY "none"
#endif

/* --- files --- */

/* It may be a key: what it passes through is wiped. */
static int
read_all(int fd, struct buf *out)
{
	uint8_t space[16384];
	ssize_t n = 1;

	while (n && buf_err(out) == LL_OK) {
		n = read(fd, space, sizeof(space));
		if (n < 0 && errno != EINTR)
			return LL_ERR_IO;
		if (n > 0)
			(void)buf_put(out, slice_new(space, (size_t)n));
		secret_wipe(space, sizeof(space));
	}
	return buf_err(out);
}

int
release_file_read(const char *path, struct buf *out)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? LL_ERR_NOTFOUND : LL_ERR_IO;
	return read_all(fd, out);
}

static bool
write_all(int fd, struct slice text)
{
	while (text.len) {
		ssize_t n = write(fd, text.ptr, text.len);
		if (n < 0 && errno != EINTR)
			return false;
		text = slice_skip(text, (size_t)MAX(n, (ssize_t)0));
	}
	return fsync(fd) == 0;
}

int
release_file_write(const char *path, struct slice text, unsigned mode)
{
	CLEANUP(fd_close) int fd = -1;
	char beside[4096];
	int n = snprintf(beside, sizeof(beside), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(beside))
		return LL_ERR_IO;
	(void)unlink(beside); /* of one that was interrupted */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	if (fd < 0)
		return LL_ERR_IO;
	if (!write_all(fd, text) || rename(beside, path)) {
		int err = errno;
		(void)unlink(beside);
		errno = err;
		return LL_ERR_IO;
	}
	return LL_OK;
}

/* --- the client that was built here --- */

const char *
release_pack_path(const struct cli *cli, char *space, size_t size)
{
	const char *given = cli_option(cli, "pack");
	ssize_t n = given ? 0 : readlink("/proc/self/exe", space, size - sizeof("web.pack"));
	char *slash;

	if (given || n <= 0)
		return given ? given : "web.pack";
	space[n] = 0;
	slash = strrchr(space, '/');
	memcpy(slash ? slash + 1 : space, "web.pack", sizeof("web.pack"));
	return space;
}

int
release_manifest_own(const char *pack_path, struct buf *out)
{
	CLEANUP(fd_close) int fd = open(pack_path, O_RDONLY | O_CLOEXEC);
	struct web_pack *pack = NULL;
	struct stat st;
	void *at;
	int r;

	if (fd < 0)
		return errno == ENOENT ? LL_ERR_NOTFOUND : LL_ERR_IO;
	if (fstat(fd, &st) || st.st_size <= 0 || (size_t)st.st_size > WEB_PACK_FILE_MAX)
		return LL_ERR_SYNTAX;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return LL_ERR_NOMEM;
	r = web_pack_new(slice_new(at, (size_t)st.st_size), &pack);
	if (r == LL_OK)
		r = web_manifest_put(out, pack, S(LETTERLOCK_VERSION));
	web_pack_free(pack);
	(void)munmap(at, (size_t)st.st_size);
	return r;
}

/* --- keys --- */

static int
parse_public(struct slice hex, uint8_t ret[ED25519_PUBLIC_LEN])
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(ED25519_PUBLIC_LEN);

	if (hex_decode(&raw, hex) || raw.len != ED25519_PUBLIC_LEN || ed25519_public_check(raw.ptr))
		return LL_ERR_SYNTAX;
	memcpy(ret, raw.ptr, raw.len);
	return LL_OK;
}

int
release_key_public(const char *text, uint8_t ret[ED25519_PUBLIC_LEN])
{
	CLEANUP(buf_done) struct buf file = BUF_INIT(KEY_FILE_MAX);
	struct slice line;
	int r = parse_public(slice_str(text), ret);

	if (r == LL_OK)
		return r;
	r = release_file_read(text, &file);
	line = slice_trim(buf_slice(&file));
	if (r == LL_OK && !slice_starts(line, S(PUBLIC)))
		r = LL_ERR_SYNTAX;
	return r ? r : parse_public(slice_skip(line, sizeof(PUBLIC) - 1), ret);
}

bool
release_key_builtin(uint8_t ret[ED25519_PUBLIC_LEN])
{
	return parse_public(S(LETTERLOCK_RELEASE_KEY), ret) == LL_OK;
}

int
release_key_secret(const char *path, struct ed25519_key *ret)
{
	CLEANUP(buf_done) struct buf file = BUF_SECRET(KEY_FILE_MAX), seed = BUF_SECRET(64);
	struct slice line;
	struct stat st;
	int r = release_file_read(path, &file);

	line = slice_trim(buf_slice(&file));
	if (r)
		return r;
	if (stat(path, &st) || (st.st_mode & 077))
		return LL_ERR_DENIED;
	if (!slice_starts(line, S(SECRET)) ||
		base64_decode(&seed, slice_skip(line, sizeof(SECRET) - 1)) ||
		seed.len != ED25519_SEED_LEN)
		return LL_ERR_SYNTAX;
	ed25519_key_init(ret, seed.ptr);
	return LL_OK;
}

int
release_key_put(const struct ed25519_key *key, struct buf *secret, struct buf *public)
{
	buf_puts(secret, SECRET);
	base64_encode(secret, slice_new(key->secret, ED25519_SEED_LEN));
	buf_putc(secret, '\n');
	buf_puts(public, PUBLIC);
	hex_encode(public, SLICE_OF(key->public));
	buf_putc(public, '\n');
	return buf_err(secret) ? buf_err(secret) : buf_err(public);
}
