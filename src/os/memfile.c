/* memfd_create and its seals. */
#include "os/memfile.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int
memfile_new(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? LL_ERR_NOMEM : fd;
}

int
memfile_write(int fd, struct slice data)
{
	while (data.len) {
		ssize_t n = write(fd, data.ptr, data.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return LL_ERR_NOMEM;
		data = slice_skip(data, (size_t)n);
	}
	return LL_OK;
}

int
memfile_seal(int fd)
{
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, all) < 0 ? LL_ERR_NOMEM : LL_OK;
}

int
memfile_check(int fd, uint64_t len, bool constant)
{
	const int wanted = F_SEAL_SHRINK | (constant ? F_SEAL_WRITE : 0);
	int seals = fcntl(fd, F_GET_SEALS); /* -1 for what is no memory file */
	struct stat st;

	if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &st) < 0 ||
		(uint64_t)st.st_size < len)
		return LL_ERR_DENIED;
	return LL_OK;
}
