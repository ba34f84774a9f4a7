/* The web client's file: read once by the parent, handed to every frontend as memory that nobody
 * can change. */
#include "base/error.h"
#include "base/log.h"
#include "os/memfile.h"
#include "roles/parent_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WEB_MAX ((uint64_t)256 << 20)

static bool
is_served(void)
{
	for (unsigned i = 0; i < ps.config.n_listeners; i++)
		if (ps.config.listeners[i].service == SERVICE_HTTPS)
			return true;
	return false;
}

/* What is configured, or web.pack beside the program. */
static void
web_path(char *out, size_t size)
{
	const char *slash = strrchr(ps.binary, '/');

	if (ps.config.web[0])
		snprintf(out, size, "%s", ps.config.web);
	else
		snprintf(out, size, "%.*sweb.pack", slash ? (int)(slash - ps.binary + 1) : 0,
			ps.binary);
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
		r = len > WEB_MAX ? LL_ERR_LIMIT : memfile_write(to, slice_new(space, (size_t)n));
	}
	if (r == LL_OK)
		*ret_len = len;
	return r ? r : memfile_seal(to);
}

int
parent_web_open(uint64_t *ret_len)
{
	char path[4200];
	CLEANUP(fd_close) int from = -1, to = -1;
	int r;

	if (!is_served())
		return LL_ERR_NOTFOUND;
	web_path(path, sizeof(path));
	from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0) {
		log_warn("web-client", "path=%s error=%s", log_quote(slice_str(path)),
			log_quote(slice_str(strerror(errno))));
		return LL_ERR_NOTFOUND;
	}
	to = memfile_new("web.pack");
	r = to < 0 ? LL_ERR_NOMEM : copy(from, to, ret_len);
	if (r) {
		log_error("web-client", "path=%s error=%s", log_quote(slice_str(path)),
			log_quote(slice_str(ll_strerror(r))));
		return r;
	}
	r = to;
	to = -1;
	return r;
}
