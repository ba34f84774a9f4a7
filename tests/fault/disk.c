/* Recording. The calls below have the C library's names and do what it does by the raw system call,
 * then note it. One lock makes a single order of everything, as a disk would. Nothing is really
 * synced, which also makes it fast. */
/* The names without and with 64 are both defined here. */
#undef _FILE_OFFSET_BITS

#include "disk.h"
#include "base/buf.h"
#include "disk_log.h"
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define DISK_REAL
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DISK_REAL
#endif
#endif

#define FDS_MAX 4096
#define LOG_BYTES ((size_t)512 << 20) /* reserved, not used up */
#define EXPORTED __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool recording, failing;
static size_t fail_at;
static char root[PATH_MAX];
static uint32_t fds[FDS_MAX]; /* inode of a descriptor, 0: not ours */
struct disk_names disk_names;
struct disk_log *disk_log;

/* --- the log --- */

static void
log_add(enum disk_op op, uint32_t ino, uint64_t at, const void *a, size_t a_len, const void *b,
	size_t b_len)
{
	struct disk_entry e = {
		.op = op, .ino = ino, .at = at, .a_len = (uint32_t)a_len, .b_len = (uint32_t)b_len};
	size_t need = sizeof(e) + a_len + b_len;

	if (disk_log->used + need > LOG_BYTES - sizeof(*disk_log))
		_exit(99);
	memcpy(disk_log->bytes + disk_log->used, &e, sizeof(e));
	if (a_len)
		memcpy(disk_log->bytes + disk_log->used + sizeof(e), a, a_len);
	if (b_len)
		memcpy(disk_log->bytes + disk_log->used + sizeof(e) + a_len, b, b_len);
	disk_log->used += need;
	disk_log->entries++;
}

void
disk_mark(uint32_t kind, const void *data, size_t len)
{
	pthread_mutex_lock(&lock);
	log_add(DISK_MARK, kind, 0, data, len, NULL, 0);
	pthread_mutex_unlock(&lock);
}

/* --- names --- */

#ifndef DISK_REAL
/* The path below the root, without doubled slashes; NULL: not below it. */
static const char *
below_root(int dir_fd, const char *path, char out[DISK_PATH_MAX])
{
	char whole[2 * PATH_MAX];
	size_t n = 0, len = strlen(root);

	if (!recording)
		return NULL;
	if (path[0] == '/' || dir_fd == AT_FDCWD) {
		snprintf(whole, sizeof(whole), "%s", path);
	} else {
		const struct disk_name *dir = dir_fd >= 0 && dir_fd < FDS_MAX && fds[dir_fd]
			? disk_name_of(&disk_names, fds[dir_fd])
			: NULL;
		if (!dir)
			return NULL;
		snprintf(whole, sizeof(whole), "%s/%s/%s", root, dir->path, path);
	}
	if (strncmp(whole, root, len) != 0 || (whole[len] && whole[len] != '/'))
		return NULL;
	for (const char *p = whole + len; *p && n < DISK_PATH_MAX - 1; p++) {
		if (*p == '/' && (!n || out[n - 1] == '/'))
			continue;
		if (*p == '.' && (!n || out[n - 1] == '/') && (!p[1] || p[1] == '/'))
			continue;
		out[n++] = *p;
	}
	while (n && out[n - 1] == '/')
		n--;
	out[n] = '\0';
	return out;
}

static uint32_t
fd_ino(int fd)
{
	return recording && fd >= 0 && fd < FDS_MAX ? fds[fd] : 0;
}

static bool
ino_is_dir(uint32_t ino)
{
	const struct disk_name *n = disk_name_of(&disk_names, ino);

	return n && n->dir;
}

static uint32_t
name_create(const char *path, bool dir)
{
	uint32_t ino = disk_names_add(&disk_names, path, 0, dir);

	log_add(dir ? DISK_MKDIR : DISK_CREATE, ino, 0, path, strlen(path), NULL, 0);
	return ino;
}
#endif

/* --- the calls --- */

#ifdef DISK_REAL /* the thread sanitizer must see the real ones */
bool
disk_works(void)
{
	return false;
}
#else
bool
disk_works(void)
{
	return true;
}

static int
open_at(int dir_fd, const char *path, int flags, mode_t mode)
{
	char name[DISK_PATH_MAX];
	const char *below;
	struct disk_name *n;
	uint32_t ino = 0;
	int fd;

	if (!recording)
		return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	pthread_mutex_lock(&lock);
	fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	below = fd >= 0 && fd < FDS_MAX ? below_root(dir_fd, path, name) : NULL;
	if (below) {
		n = disk_name_find(&disk_names, below);
		if (n)
			ino = n->ino;
		else if (flags & O_CREAT)
			ino = name_create(below, false);
		if (n && (flags & O_TRUNC))
			log_add(DISK_TRUNCATE, ino, 0, NULL, 0, NULL, 0);
	}
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd] = ino;
	pthread_mutex_unlock(&lock);
	return fd;
}

#define OPEN_MODE                                                                                  \
	mode_t mode = 0;                                                                           \
	if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
		va_list ap;                                                                        \
		va_start(ap, flags);                                                               \
		mode = va_arg(ap, mode_t);                                                         \
		va_end(ap);                                                                        \
	}

EXPORTED int
open(const char *path, int flags, ...)
{
	OPEN_MODE
	return open_at(AT_FDCWD, path, flags, mode);
}

EXPORTED int
open64(const char *path, int flags, ...)
{
	OPEN_MODE
	return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

EXPORTED int
openat(int dir_fd, const char *path, int flags, ...)
{
	OPEN_MODE
	return open_at(dir_fd, path, flags, mode);
}

EXPORTED int
openat64(int dir_fd, const char *path, int flags, ...)
{
	OPEN_MODE
	return open_at(dir_fd, path, flags | O_LARGEFILE, mode);
}

/* What the fortified headers make of calls without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir_fd, const char *path, int flags);
int __openat64_2(int dir_fd, const char *path, int flags);

EXPORTED int
__open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

EXPORTED int
__open64_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags | O_LARGEFILE, 0);
}

EXPORTED int
__openat_2(int dir_fd, const char *path, int flags)
{
	return open_at(dir_fd, path, flags, 0);
}

EXPORTED int
__openat64_2(int dir_fd, const char *path, int flags)
{
	return open_at(dir_fd, path, flags | O_LARGEFILE, 0);
}

EXPORTED int
close(int fd)
{
	int r;

	if (!recording)
		return (int)syscall(SYS_close, fd);
	pthread_mutex_lock(&lock);
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd] = 0;
	r = (int)syscall(SYS_close, fd);
	pthread_mutex_unlock(&lock);
	return r;
}

/* Notes n bytes of an iovec that were written at an offset. */
static void
log_iov(uint32_t ino, uint64_t at, const struct iovec *iov, int count, size_t n)
{
	for (int i = 0; i < count && n; i++) {
		size_t len = MIN(n, iov[i].iov_len);
		log_add(DISK_WRITE, ino, at, iov[i].iov_base, len, NULL, 0);
		at += len;
		n -= len;
	}
}

/* offset -1: at the file's position. */
static ssize_t
write_at(int fd, const struct iovec *iov, int count, off_t offset)
{
	uint32_t ino;
	ssize_t n;

	if (!fd_ino(fd))
		return offset < 0 ? syscall(SYS_writev, fd, iov, count)
				  : syscall(SYS_pwritev, fd, iov, count, offset, 0);
	pthread_mutex_lock(&lock);
	n = offset < 0 ? syscall(SYS_writev, fd, iov, count)
		       : syscall(SYS_pwritev, fd, iov, count, offset, 0);
	ino = fd_ino(fd);
	if (n > 0 && ino && !ino_is_dir(ino)) {
		if (offset < 0)
			offset = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) - n;
		log_iov(ino, (uint64_t)offset, iov, count, (size_t)n);
	}
	pthread_mutex_unlock(&lock);
	return n;
}

EXPORTED ssize_t
write(int fd, const void *p, size_t n)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};

	return write_at(fd, &iov, 1, -1);
}

EXPORTED ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	return write_at(fd, iov, count, -1);
}

EXPORTED ssize_t
pwrite(int fd, const void *p, size_t n, off_t offset)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};

	return write_at(fd, &iov, 1, offset);
}

EXPORTED ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	return pwrite(fd, p, n, offset);
}

EXPORTED ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	return write_at(fd, iov, count, offset);
}

EXPORTED ssize_t
pwritev64(int fd, const struct iovec *iov, int count, off64_t offset)
{
	return write_at(fd, iov, count, offset);
}

static int
logged_call(int fd, enum disk_op op, uint64_t at, long result)
{
	uint32_t ino = fd_ino(fd);

	if (result == 0 && ino)
		log_add(op, ino, at, NULL, 0, NULL, 0);
	return (int)result;
}

EXPORTED int
ftruncate(int fd, off_t size)
{
	int r;

	pthread_mutex_lock(&lock);
	r = logged_call(fd, DISK_TRUNCATE, (uint64_t)size, syscall(SYS_ftruncate, fd, size));
	pthread_mutex_unlock(&lock);
	return r;
}

EXPORTED int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

EXPORTED int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	long r;

	pthread_mutex_lock(&lock);
	r = syscall(SYS_fallocate, fd, mode, offset, len);
	if (!mode)
		logged_call(fd, DISK_EXTEND, (uint64_t)(offset + len), r);
	pthread_mutex_unlock(&lock);
	return (int)r;
}

EXPORTED int
fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
	return fallocate(fd, mode, offset, len);
}

static int
sync_fd(int fd, long call)
{
	int r;

	if (!fd_ino(fd))
		return (int)syscall(call, fd);
	pthread_mutex_lock(&lock);
	failing = failing || (fail_at && --fail_at == 0);
	r = failing ? -1 : logged_call(fd, DISK_SYNC, 0, 0);
	pthread_mutex_unlock(&lock);
	if (r)
		errno = EIO;
	return r;
}

EXPORTED int
fsync(int fd)
{
	return sync_fd(fd, SYS_fsync);
}

EXPORTED int
fdatasync(int fd)
{
	return sync_fd(fd, SYS_fdatasync);
}

/* Promises nothing about metadata, so it counts for nothing. */
EXPORTED int
sync_file_range(int fd, off64_t offset, off64_t n, unsigned flags)
{
	return 0;
}

EXPORTED int
rename(const char *from, const char *to)
{
	char a[DISK_PATH_MAX], b[DISK_PATH_MAX];
	long r;

	pthread_mutex_lock(&lock);
	r = syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
	if (!r && below_root(AT_FDCWD, from, a) && below_root(AT_FDCWD, to, b) &&
		disk_name_find(&disk_names, a)) {
		log_add(DISK_RENAME, 0, 0, a, strlen(a), b, strlen(b));
		disk_names_rename(&disk_names, a, b);
	}
	pthread_mutex_unlock(&lock);
	return (int)r;
}

EXPORTED int
unlinkat(int dir_fd, const char *path, int flags)
{
	char name[DISK_PATH_MAX];
	long r;

	pthread_mutex_lock(&lock);
	r = syscall(SYS_unlinkat, dir_fd, path, flags);
	if (!r && below_root(dir_fd, path, name) && disk_name_find(&disk_names, name)) {
		log_add(DISK_UNLINK, 0, 0, name, strlen(name), NULL, 0);
		disk_names_remove(&disk_names, name);
	}
	pthread_mutex_unlock(&lock);
	return (int)r;
}

EXPORTED int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORTED int
mkdirat(int dir_fd, const char *path, mode_t mode)
{
	char name[DISK_PATH_MAX];
	long r;

	pthread_mutex_lock(&lock);
	r = syscall(SYS_mkdirat, dir_fd, path, mode);
	if (!r && below_root(dir_fd, path, name))
		name_create(name, true);
	pthread_mutex_unlock(&lock);
	return (int)r;
}

EXPORTED int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

#endif

/* --- beginning --- */

void
disk_begin(const char *folder)
{
	snprintf(root, sizeof(root), "%s", folder);
	memset(fds, 0, sizeof(fds));
	disk_names_load(&disk_names, folder);
	if (!disk_log) {
		disk_log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (disk_log == MAP_FAILED)
			abort();
	}
	disk_log->used = disk_log->entries = 0;
}

void
disk_fail(size_t syncs)
{
	fail_at = syncs;
}

void
disk_record(void)
{
	recording = true;
}
