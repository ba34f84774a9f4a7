/* RocksDB's options, and the store's format: checked on every open, migrated forward when old. */
#include "base/error.h"
#include "store/engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SMALL_BLOCK ((size_t)16 << 10)
#define SMALL_WINDOW 4096 /* rows of which half deletions are worth a compaction */

/* One step from a format to the next. It must be safe to run again after a crash in its middle. */
struct migration {
	uint32_t from;
	int (*run)(struct engine *e);
};

/* Opening has made the column family, and no row names what is in it yet. */
static int
small_begin(struct engine *e)
{
	return LL_OK;
}

static const struct migration migrations[] = {
	{1, small_begin}, {ROWS_FORMAT, NULL}, /* the newest: nothing to do */
};

bool
database_error(char **err)
{
	bool failed = *err != NULL;

	rocksdb_free(*err);
	*err = NULL;
	return failed;
}

int
database_result(char **err)
{
	bool corrupt = *err && slice_starts(slice_str(*err), S("Corruption"));

	return database_error(err) ? corrupt ? LL_ERR_CORRUPT : LL_ERR_IO : LL_OK;
}

static void
set_table_options(struct engine *e, rocksdb_options_t *o)
{
	rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();

	e->cache = rocksdb_cache_create_lru(e->opt.cache_bytes);
	rocksdb_block_based_options_set_block_cache(t, e->cache);
	rocksdb_block_based_options_set_filter_policy(
		t, rocksdb_filterpolicy_create_bloom_full(10));
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(t, 1);
	rocksdb_options_set_block_based_table_factory(o, t);
	rocksdb_block_based_options_destroy(t);
}

static rocksdb_options_t *
make_options(struct engine *e)
{
	rocksdb_options_t *o = rocksdb_options_create();

	rocksdb_options_set_create_if_missing(o, 1);
	rocksdb_options_set_create_missing_column_families(o, 1);
	rocksdb_options_set_paranoid_checks(o, 1);
	rocksdb_options_set_compression(o, rocksdb_no_compression); /* it is all ciphertext */
	rocksdb_options_set_write_buffer_size(o, e->opt.write_buffer);
	rocksdb_options_set_max_write_buffer_number(o, 3);
	/* Most names that are looked up for a commit are new ones. */
	rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, 0.05);
	rocksdb_options_set_memtable_whole_key_filtering(o, 1);
	rocksdb_options_set_max_total_wal_size(o, (uint64_t)512 << 20);
	rocksdb_options_set_bytes_per_sync(o, (uint64_t)1 << 20);
	rocksdb_options_set_max_background_jobs(o, 2);
	rocksdb_options_set_max_open_files(o, 512);
	/* Mail is read in the order it came: the kernel sees that and reads ahead. */
	rocksdb_options_set_advise_random_on_open(o, 0);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
	/* No diary worth the name: its own log is short, its timers are off. */
	rocksdb_options_set_info_log_level(o, 2);
	rocksdb_options_set_max_log_file_size(o, (size_t)1 << 20);
	rocksdb_options_set_keep_log_file_num(o, 2);
	rocksdb_options_set_stats_dump_period_sec(o, 0);
	rocksdb_options_set_stats_persist_period_sec(o, 0);
	/* Both column families together. */
	rocksdb_options_set_db_write_buffer_size(o, 3 * e->opt.write_buffer);
	set_table_options(e, o);
	return o;
}

/* Of the small blobs: nothing is looked up in vain, the kernel's cache serves them, and tables that
 * are mostly deletions give their space back. */
static rocksdb_options_t *
make_small_options(struct engine *e)
{
	rocksdb_options_t *o = rocksdb_options_create();
	rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();

	rocksdb_options_set_compression(o, rocksdb_no_compression);
	rocksdb_options_set_write_buffer_size(o, e->opt.write_buffer);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
	rocksdb_options_add_compact_on_deletion_collector_factory(
		o, SMALL_WINDOW, SMALL_WINDOW / 2);
	rocksdb_block_based_options_set_no_block_cache(t, 1);
	rocksdb_block_based_options_set_block_size(t, SMALL_BLOCK);
	rocksdb_options_set_block_based_table_factory(o, t);
	rocksdb_block_based_options_destroy(t);
	return o;
}

static int
open_families(struct engine *e, const char *path)
{
	static const char *const names[] = {"default", "small"};
	rocksdb_column_family_handle_t *handles[2];
	const rocksdb_options_t *options[2];
	char *err = NULL;

	e->db_options = make_options(e);
	e->small_options = make_small_options(e);
	options[0] = e->db_options;
	options[1] = e->small_options;
	e->db = rocksdb_open_column_families(e->db_options, path, 2, names, options, handles, &err);
	if (err) {
		if (e->opt.why)
			buf_printf(e->opt.why, "%s: %s", e->dir, err);
		rocksdb_free(err);
		return LL_ERR_CORRUPT;
	}
	e->rows = handles[0];
	e->small = handles[1];
	return LL_OK;
}

/* Whether one of the blob folders holds something. */
static bool
has_files(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (!d) {
		fd_close(&fd);
		return true; /* assume the worst */
	}
	while ((entry = readdir(d)))
		found |= entry->d_name[0] != '.';
	closedir(d);
	return found;
}

static int
format_put(struct engine *e, uint32_t format)
{
	struct row_key k = row_key_kind(ROW_FORMAT);
	char *err = NULL;
	uint8_t be[4];

	be32_put(be, format);
	rocksdb_put(
		e->db, e->write_sync, (const char *)k.b, k.len, (const char *)be, sizeof(be), &err);
	return database_error(&err) ? engine_why(e, LL_ERR_IO, "cannot write") : LL_OK;
}

static int
format_get(struct engine *e, uint32_t *ret)
{
	struct row_key k = row_key_kind(ROW_FORMAT);
	rocksdb_pinnableslice_t *p;
	const char *value;
	size_t len;
	int r = engine_row(e, &k, NULL, &p);

	if (r)
		return engine_why(e, r, "cannot read the format");
	if (!p)
		return LL_ERR_NOTFOUND;
	value = rocksdb_pinnableslice_value(p, &len);
	if (len == 4)
		*ret = be32_get((const uint8_t *)value);
	else
		r = engine_why(e, LL_ERR_CORRUPT, "the format row is damaged");
	rocksdb_pinnableslice_destroy(p);
	return r;
}

static int
format_migrate(struct engine *e, uint32_t format)
{
	int r;

	if (format > ROWS_FORMAT)
		return engine_why(e, LL_ERR_UNSUPPORTED,
			"the store was written by a newer version of this program");
	for (size_t i = 0; i < ARRAY_SIZE(migrations); i++) {
		if (migrations[i].from != format || !migrations[i].run)
			continue;
		if ((r = migrations[i].run(e)) || (r = format_put(e, ++format)))
			return engine_why(e, r, "cannot bring the store to the present format");
	}
	return format == ROWS_FORMAT
		? LL_OK
		: engine_why(e, LL_ERR_UNSUPPORTED, "the store has an unknown format");
}

static int
format_check(struct engine *e)
{
	uint32_t format = 0;
	int r = format_get(e, &format);

	if (r != LL_ERR_NOTFOUND)
		return r ? r : format_migrate(e, format);
	/* A database without a format is new. Next to blobs it is a lost one, and going on would
	 * sweep them all. */
	if (has_files(e->segments_fd) || has_files(e->large_fd))
		return engine_why(e, LL_ERR_CORRUPT, "there are blobs, but no records");
	return format_put(e, ROWS_FORMAT);
}

int
database_open(struct engine *e)
{
	char *path = NULL;
	int r;

	if (asprintf(&path, "%s/records", e->dir) < 0)
		return LL_ERR_NOMEM;
	e->read = rocksdb_readoptions_create();
	e->write_sync = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(e->write_sync, 1);
	r = open_families(e, path);
	free(path);
	if (r)
		return r;
	if (fsync(e->dir_fd))
		return engine_why(e, LL_ERR_IO, "cannot sync");
	return format_check(e);
}

void
database_close(struct engine *e)
{
	if (e->rows)
		rocksdb_column_family_handle_destroy(e->rows);
	if (e->small)
		rocksdb_column_family_handle_destroy(e->small);
	if (e->db)
		rocksdb_close(e->db);
	if (e->db_options)
		rocksdb_options_destroy(e->db_options);
	if (e->small_options)
		rocksdb_options_destroy(e->small_options);
	if (e->read)
		rocksdb_readoptions_destroy(e->read);
	if (e->write_sync)
		rocksdb_writeoptions_destroy(e->write_sync);
	if (e->cache)
		rocksdb_cache_destroy(e->cache);
}
