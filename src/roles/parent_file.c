/* Files that come with the program, the web client, the log of its releases and the table of
 * countries: read once by the parent, handed to the roles that need them as memory that nobody can
 * change. */
#include "base/error.h"
#include "base/log.h"
#include "os/memfile.h"
#include "roles/parent_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((uint64_t)256 << 20)

static bool
is_served(void)
{
	for (unsigned i = 0; i < ps.config.n_listeners; i++)
		if (ps.config.listeners[i].service == SERVICE_HTTPS)
			return true;
	return false;
}

/* What is configured, or the file beside the program. */
static void
find_path(const char *configured, const char *name, char *out, size_t size)
{
	const char *slash = strrchr(ps.binary, '/');

	if (configured[0])
		snprintf(out, size, "%s", configured);
	else
		snprintf(out, size, "%.*s%s", slash ? (int)(slash - ps.binary + 1) : 0, ps.binary,
			name);
}

static int
copy(int from, int to, uint64_t *ret_len)
{
	static uint8_t space[65536];
	uint64_t len = 0;
	ssize_t n;
	int r = LL_OK;

	while (r == LL_OK && (n = read(from, space, sizeof(space))) != 0) {
		if (n < 0)
			return LL_ERR_IO;
		len += (uint64_t)n;
		r = len > FILE_MAX ? LL_ERR_LIMIT : memfile_write(to, slice_new(space, (size_t)n));
	}
	if (r == LL_OK)
		*ret_len = len;
	return r ? r : memfile_seal(to);
}

static int
read_file(const char *configured, const char *name, bool optional, uint64_t *ret_len)
{
	char path[4200];
	CLEANUP(fd_close) int from = -1, to = -1;
	int r;

	find_path(configured, name, path, sizeof(path));
	from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0 && optional && errno == ENOENT && !configured[0])
		return LL_ERR_NOTFOUND;
	if (from < 0) {
		log_warn("file", "path=%s error=%s", log_quote(slice_str(path)),
			log_quote(slice_str(strerror(errno))));
		return LL_ERR_NOTFOUND;
	}
	to = memfile_new(name);
	r = to < 0 ? LL_ERR_NOMEM : copy(from, to, ret_len);
	if (r) {
		log_error("file", "path=%s error=%s", log_quote(slice_str(path)),
			log_quote(slice_str(ll_strerror(r))));
		return r;
	}
	r = to;
	to = -1;
	return r;
}

void
parent_files_open(void)
{
	if (!is_served())
		return;
	for (unsigned i = 0; i < PARENT_FILES; i++) {
		struct parent_file *f = &ps.files[i];
		f->fd = read_file(f->configured, f->beside, f->optional, &f->len);
	}
}

void
parent_files_send(const struct child *c)
{
	for (unsigned i = 0; i < PARENT_FILES; i++) {
		const struct parent_file *f = &ps.files[i];
		if (f->role == c->role && f->fd >= 0)
			(void)ipc_send_setup_file(c->channel,
				&(struct msg_setup_file){.name = slice_str(f->name), .len = f->len},
				f->fd);
	}
}
