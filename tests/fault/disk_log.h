/* What recording and replaying share. */
#ifndef TESTS_FAULT_DISK_LOG_H
#define TESTS_FAULT_DISK_LOG_H

#include "base/buf.h"
#include "base/vec.h"

#define DISK_PATH_MAX 128

enum disk_op {
	DISK_CREATE, /* ino, path */
	DISK_MKDIR,
	DISK_WRITE, /* ino, at, bytes */
	DISK_TRUNCATE, /* ino, at: the size */
	DISK_EXTEND, /* ino, at: at least this size */
	DISK_SYNC, /* ino: a file or a folder */
	DISK_RENAME, /* path, path */
	DISK_UNLINK, /* path */
	DISK_MARK, /* ino: the mark's kind; bytes */
};

struct disk_entry {
	enum disk_op op;
	uint32_t ino;
	uint64_t at;
	uint32_t a_len, b_len; /* that many bytes follow */
};

struct disk_log {
	size_t used, entries;
	uint8_t bytes[];
};

struct disk_name {
	char path[DISK_PATH_MAX]; /* below the root, which is "" */
	uint32_t ino;
	bool dir;
};

struct disk_names {
	VEC(struct disk_name) all;
	VEC(struct buf) files; /* by inode: the bytes at the beginning */
	uint32_t next;
};

extern struct disk_names disk_names;
extern struct disk_log *disk_log;

/* Reads a folder: names and bytes. */
void disk_names_load(struct disk_names *n, const char *root);
void disk_names_free(struct disk_names *n);
/* ino 0: a new one. */
uint32_t disk_names_add(struct disk_names *n, const char *path, uint32_t ino, bool dir);
void disk_names_remove(struct disk_names *n, const char *path);
void disk_names_rename(struct disk_names *n, const char *from, const char *to);
struct disk_name *disk_name_find(struct disk_names *n, const char *path);
struct disk_name *disk_name_of(struct disk_names *n, uint32_t ino);

#endif
