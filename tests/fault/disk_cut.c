/* Replaying: the folder as a power cut may leave it. A file's bytes are durable up to its last
 * sync, a name's change once its folder was synced. */
#include "disk.h"
#include "disk_log.h"
#include "model.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define FILE_BYTES_MAX ((size_t)256 << 20)

/* --- names --- */

struct disk_name *
disk_name_find(struct disk_names *n, const char *path)
{
	VEC_EACH (name, &n->all)
		if (strcmp(name->path, path) == 0)
			return name;
	return NULL;
}

struct disk_name *
disk_name_of(struct disk_names *n, uint32_t ino)
{
	VEC_EACH (name, &n->all)
		if (name->ino == ino)
			return name;
	return NULL;
}

uint32_t
disk_names_add(struct disk_names *n, const char *path, uint32_t ino, bool dir)
{
	struct disk_name name = {.ino = ino ? ino : n->next++, .dir = dir};

	snprintf(name.path, sizeof(name.path), "%s", path);
	if (VEC_PUSH(&n->all, name))
		abort();
	return name.ino;
}

void
disk_names_remove(struct disk_names *n, const char *path)
{
	struct disk_name *name = disk_name_find(n, path);

	if (name)
		VEC_REMOVE(&n->all, (size_t)(name - n->all.at));
}

void
disk_names_rename(struct disk_names *n, const char *from, const char *to)
{
	struct disk_name *name;

	disk_names_remove(n, to);
	if ((name = disk_name_find(n, from)))
		snprintf(name->path, sizeof(name->path), "%s", to);
}

static struct buf *
file_of(struct disk_names *n, uint32_t ino)
{
	while (n->files.len <= ino)
		if (VEC_PUSH(&n->files, BUF_INIT(FILE_BYTES_MAX)))
			abort();
	return &n->files.at[ino];
}

static void
load_file(struct disk_names *n, uint32_t ino, const char *path, size_t size)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf *b = file_of(n, ino);
	uint8_t *p = buf_room(b, size);

	if (fd < 0 || !p || read(fd, p, size) != (ssize_t)size)
		abort();
	buf_grow(b, size);
}

static void
load_dir(struct disk_names *n, const char *root, const char *below)
{
	char path[PATH_MAX], name[DISK_PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", root, below);
	if (!(d = opendir(path)))
		abort();
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "",
			    entry->d_name) >= (int)sizeof(name) ||
			snprintf(path, sizeof(path), "%s/%s", root, name) >= (int)sizeof(path) ||
			lstat(path, &st))
			abort();
		uint32_t ino = disk_names_add(n, name, 0, S_ISDIR(st.st_mode));
		if (S_ISDIR(st.st_mode))
			load_dir(n, root, name);
		else
			load_file(n, ino, path, (size_t)st.st_size);
	}
	closedir(d);
}

void
disk_names_free(struct disk_names *n)
{
	VEC_EACH (b, &n->files)
		buf_done(b);
	VEC_DONE(&n->files);
	VEC_DONE(&n->all);
	n->next = 0;
}

void
disk_names_load(struct disk_names *n, const char *root)
{
	disk_names_free(n);
	n->next = 1;
	disk_names_add(n, "", 0, true);
	load_dir(n, root, "");
}

/* --- the state at a point --- */

struct entry {
	struct disk_entry head;
	const uint8_t *a, *b;
};

struct cut {
	struct disk_names durable; /* names and bytes that survive */
	struct disk_names now; /* names as the program saw them, for the kind of an inode */
	VEC(struct entry) data; /* not synced yet, in order */
	VEC(struct entry) names;
	enum disk_loss loss;
	uint64_t rng;
};

static void
copy_names(struct disk_names *to, struct disk_names *from, bool bytes)
{
	*to = (struct disk_names){.next = from->next};
	VEC_EACH (name, &from->all)
		disk_names_add(to, name->path, name->ino, name->dir);
	for (uint32_t i = 0; bytes && i < from->files.len; i++) {
		struct buf *b = file_of(to, i);
		buf_put(b, buf_slice(&from->files.at[i]));
	}
}

static void
set_size(struct buf *b, size_t size)
{
	if (b->len < size)
		buf_put_fill(b, 0, size - b->len);
	buf_truncate(b, size);
}

static void
put_at(struct buf *b, size_t at, const uint8_t *p, size_t n)
{
	if (b->len < at + n)
		set_size(b, at + n);
	if (buf_err(b))
		abort();
	memcpy(b->ptr + at, p, n);
}

static void
apply_data(struct cut *c, const struct entry *e)
{
	struct buf *b = file_of(&c->durable, e->head.ino);

	if (e->head.op == DISK_WRITE)
		put_at(b, e->head.at, e->a, e->head.a_len);
	else if (e->head.op == DISK_TRUNCATE)
		set_size(b, e->head.at);
	else if (b->len < e->head.at)
		set_size(b, e->head.at);
}

static void
entry_paths(const struct entry *e, char a[DISK_PATH_MAX], char b[DISK_PATH_MAX])
{
	snprintf(a, DISK_PATH_MAX, "%.*s", (int)e->head.a_len, (const char *)e->a);
	snprintf(b, DISK_PATH_MAX, "%.*s", (int)e->head.b_len, (const char *)e->b);
}

static void
apply_name(struct disk_names *n, const struct entry *e)
{
	char a[DISK_PATH_MAX], b[DISK_PATH_MAX];

	entry_paths(e, a, b);
	if (e->head.op == DISK_RENAME)
		disk_names_rename(n, a, b);
	else if (e->head.op == DISK_UNLINK)
		disk_names_remove(n, a);
	else {
		disk_names_remove(n, a); /* of a file whose unlinking was not synced */
		disk_names_add(n, a, e->head.ino, e->head.op == DISK_MKDIR);
	}
}

/* Whether the path lies directly in the folder. */
static bool
in_dir(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	return strlen(dir) == n && strncmp(path, dir, n) == 0;
}

static bool
sync_works(const struct cut *c, const struct disk_name *n)
{
	bool record = strncmp(n->path, "records", 7) == 0;

	return !(c->loss == DISK_NO_SYNC || (c->loss == DISK_NO_NAME_SYNC && n->dir) ||
		(c->loss == DISK_NO_BLOB_SYNC && !n->dir && !record) ||
		(c->loss == DISK_NO_RECORD_SYNC && !n->dir && record));
}

static void
sync_ino(struct cut *c, uint32_t ino)
{
	struct disk_name *n = disk_name_of(&c->now, ino);
	char a[DISK_PATH_MAX], b[DISK_PATH_MAX];
	size_t left = 0;

	if (!n || !sync_works(c, n))
		return;
	VEC_EACH (e, &c->data) {
		if (e->head.ino == ino)
			apply_data(c, e);
		else
			c->data.at[left++] = *e;
	}
	c->data.len = left;
	if (!n->dir)
		return;
	left = 0;
	VEC_EACH (e, &c->names) {
		entry_paths(e, a, b);
		if (in_dir(a, n->path) || (e->head.op == DISK_RENAME && in_dir(b, n->path)))
			apply_name(&c->durable, e);
		else
			c->names.at[left++] = *e;
	}
	c->names.len = left;
}

static void
replay(struct cut *c, const struct entry *e)
{
	switch (e->head.op) {
	case DISK_MARK:
		return;
	case DISK_SYNC:
		sync_ino(c, e->head.ino);
		return;
	case DISK_WRITE:
	case DISK_TRUNCATE:
	case DISK_EXTEND:
		if (VEC_PUSH(&c->data, *e))
			abort();
		return;
	default:
		apply_name(&c->now, e);
		if (VEC_PUSH(&c->names, *e))
			abort();
	}
}

/* Of a write that was not synced, each sector by itself may have reached the disk. */
static void
tear_write(struct cut *c, const struct entry *e)
{
	struct buf *b = file_of(&c->durable, e->head.ino);

	for (size_t at = 0; at < e->head.a_len;) {
		size_t sector = SECTOR - (e->head.at + at) % SECTOR;
		size_t n = MIN(sector, e->head.a_len - at);
		if (mix(c->rng++, 1) % 2)
			put_at(b, e->head.at + at, e->a + at, n);
		at += n;
	}
}

static void
tear(struct cut *c)
{
	size_t names = c->names.len ? mix(c->rng++, 2) % (c->names.len + 1) : 0;

	VEC_EACH (e, &c->data) {
		if (e->head.op == DISK_WRITE)
			tear_write(c, e);
		else if (mix(c->rng++, 3) % 2)
			apply_data(c, e);
	}
	for (size_t i = 0; i < names; i++)
		apply_name(&c->durable, &c->names.at[i]);
}

static size_t
read_entry(size_t at, struct entry *ret)
{
	memcpy(&ret->head, disk_log->bytes + at, sizeof(ret->head));
	ret->a = disk_log->bytes + at + sizeof(ret->head);
	ret->b = ret->a + ret->head.a_len;
	return at + sizeof(ret->head) + ret->head.a_len + ret->head.b_len;
}

static void
write_out(struct cut *c, const char *to)
{
	char path[PATH_MAX];

	if (mkdir(to, 0700))
		abort();
	VEC_EACH (n, &c->durable.all) {
		snprintf(path, sizeof(path), "%s/%s", to, n->path);
		if (n->dir && *n->path && mkdir(path, 0700))
			abort(); /* folders have but one level */
	}
	VEC_EACH (n, &c->durable.all) {
		struct slice bytes;
		if (n->dir)
			continue;
		snprintf(path, sizeof(path), "%s/%s", to, n->path);
		CLEANUP(fd_close)
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0) /* its folder did not survive */
			continue;
		bytes = buf_slice(file_of(&c->durable, n->ino));
		if (bytes.len && write(fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len)
			abort();
	}
}

void
disk_cut(size_t entry, enum disk_loss loss, uint64_t seed, const char *to)
{
	struct cut c = {.loss = loss, .rng = seed};
	struct entry e;

	copy_names(&c.durable, &disk_names, true);
	copy_names(&c.now, &disk_names, false);
	for (size_t i = 0, at = 0; i < entry && i < disk_log->entries; i++) {
		at = read_entry(at, &e);
		replay(&c, &e);
	}
	if (loss == DISK_TEAR)
		tear(&c);
	write_out(&c, to);
	disk_names_free(&c.durable);
	disk_names_free(&c.now);
	VEC_DONE(&c.data);
	VEC_DONE(&c.names);
}

void
disk_count(const char *dir, const char *ending, size_t *ret_made, size_t *ret_removed)
{
	char a[DISK_PATH_MAX], b[DISK_PATH_MAX];
	struct entry e;

	*ret_made = *ret_removed = 0;
	for (size_t i = 0, at = 0; i < disk_log->entries; i++) {
		at = read_entry(at, &e);
		if (e.head.op != DISK_CREATE && e.head.op != DISK_UNLINK)
			continue;
		entry_paths(&e, a, b);
		if (!in_dir(a, dir) || !slice_ends(slice_str(a), slice_str(ending)))
			continue;
		++*(e.head.op == DISK_CREATE ? ret_made : ret_removed);
	}
}

size_t
disk_entries(void)
{
	return disk_log->entries;
}

bool
disk_mark_at(size_t entry, uint32_t *ret_kind, struct slice *ret_data)
{
	static size_t last_entry, last_at; /* it is read in order */
	struct entry e;

	if (entry < last_entry || !entry)
		last_entry = last_at = 0;
	for (;; last_entry++) {
		size_t behind = read_entry(last_at, &e);
		if (last_entry == entry)
			break;
		last_at = behind;
	}
	if (e.head.op != DISK_MARK)
		return false;
	*ret_kind = e.head.ino;
	*ret_data = slice_new(e.a, e.head.a_len);
	return true;
}

void
disk_end(void)
{
	disk_names_free(&disk_names);
}
