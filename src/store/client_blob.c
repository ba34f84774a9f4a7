/* Blobs on their way through shared memory: large ones come in a window, those that were asked for
 * ahead have places of their own in it. */
#include "base/error.h"
#include "os/clock.h"
#include "os/memfile.h"
#include "store/client_priv.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AT_ONCE ((size_t)512 << 10)
#define AHEAD_LEN ((size_t)64 << 10)
#define WINDOW_LEN (AT_ONCE + AHEAD_SLOTS * AHEAD_LEN)
#define SMALL_READ ((size_t)2 << 10)

static struct ahead *
ahead_by_blob(struct client *k, const struct store_id *blob, size_t len)
{
	for (size_t i = 0; i < AHEAD_SLOTS; i++)
		if (k->ahead[i].used && k->ahead[i].len == len &&
			memcmp(&k->ahead[i].blob, blob, sizeof(*blob)) == 0)
			return &k->ahead[i];
	return NULL;
}

static struct ahead *
ahead_by_id(struct client *k, uint64_t id)
{
	for (size_t i = 0; i < AHEAD_SLOTS; i++)
		if (k->ahead[i].used && k->ahead[i].id == id)
			return &k->ahead[i];
	return NULL;
}

bool
store_client_on_ahead(struct client *k, uint64_t id, int err, uint64_t got)
{
	struct ahead *a = ahead_by_id(k, id);

	if (!a)
		return false;
	a->err = err;
	a->got = MIN((size_t)got, a->len);
	a->done = true;
	return true;
}

static int
memory_file(struct slice data)
{
	int fd = memfile_new("blob");

	if (fd >= 0 && (memfile_write(fd, data) || memfile_seal(fd)))
		fd_close(&fd);
	return fd;
}

int
store_client_blob_put(struct store *s, struct store_id blob, struct slice data)
{
	struct client *k = client_of(s);
	struct msg_st_blob_put m = {.len = data.len};
	CLEANUP(fd_close) int fd = -1;

	if (data.len > STORE_BLOB_MAX)
		return LL_ERR_LIMIT;
	fd = memory_file(data);
	if (fd < 0)
		return LL_ERR_NOMEM;
	m.id = store_client_call_begin(k, NULL, WRITE_MS);
	memcpy(m.blob, blob.b, STORE_ID_LEN);
	return store_client_call_end(k, ipc_send_st_blob_put(k->c, &m, fd));
}

static void
make_window(struct client *k)
{
	CLEANUP(fd_close) int fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)WINDOW_LEN) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return;
	p = mmap(NULL, WINDOW_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return;
	if (ipc_send_st_window(k->c, &(struct msg_st_window){.len = WINDOW_LEN}, fd) == LL_OK)
		k->window = p;
	else
		munmap(p, WINDOW_LEN);
}

static int
read_part(struct client *k, const struct store_id *partition, const struct store_id *blob,
	uint64_t offset, size_t len, struct buf *out, size_t *ret_got)
{
	struct msg_st_blob_read m = {
		.id = store_client_call_begin(k, out, READ_MS), .offset = offset, .len = len};
	size_t before = out->len;
	int r;

	memcpy(m.partition, partition->b, STORE_ID_LEN);
	memcpy(m.blob, blob->b, STORE_ID_LEN);
	r = store_client_call_end(k, ipc_send_st_blob_read(k->c, &m, -1));
	if (r == LL_OK && len > SMALL_READ && k->window)
		r = buf_put(out, slice_new(k->window, MIN((size_t)k->call_numbers[0], AT_ONCE)));
	*ret_got = out->len - before;
	return r ? r : buf_err(out);
}

/* A free place, the first, so that few pages are in use; else that of the oldest answer for which
 * nobody came, or NULL. */
static struct ahead *
ahead_place(struct client *k)
{
	struct ahead *oldest = NULL;

	for (size_t i = 0; i < AHEAD_SLOTS; i++) {
		struct ahead *a = &k->ahead[i];
		if (!a->used)
			return a;
		if (a->done && (!oldest || a->id < oldest->id))
			oldest = a;
	}
	return oldest;
}

static size_t
ahead_at(const struct client *k, const struct ahead *a)
{
	return AT_ONCE + (size_t)(a - k->ahead) * AHEAD_LEN;
}

void
store_client_blob_ahead(
	struct store *s, struct store_id partition, struct store_id blob, size_t len)
{
	struct client *k = client_of(s);
	struct ahead *a = ahead_place(k);
	/* What is small would come in the message itself if it were not asked for as more. */
	struct msg_st_blob_read m = {.len = MAX(len, SMALL_READ + 1)};

	if (!len || len > AHEAD_LEN || !a || k->closed || ahead_by_blob(k, &blob, len))
		return;
	if (!k->window)
		make_window(k);
	if (!k->window)
		return;
	m.id = ++k->next_id;
	m.at = (uint32_t)ahead_at(k, a);
	memcpy(m.partition, partition.b, STORE_ID_LEN);
	memcpy(m.blob, blob.b, STORE_ID_LEN);
	*a = (struct ahead){.blob = blob, .id = m.id, .len = len};
	a->used = ipc_send_st_blob_read(k->c, &m, -1) == LL_OK;
}

/* Takes a blob that was asked for ahead; false when it was not, or could not be read. */
static bool
take_ahead(struct client *k, const struct store_id *blob, size_t len, struct buf *out)
{
	struct ahead *a = ahead_by_blob(k, blob, len);
	const uint8_t *at;
	int r = LL_OK;

	if (!a)
		return false;
	at = k->window + ahead_at(k, a);
	k->in_call = true;
	k->call_deadline = clock_ms() + READ_MS;
	while (!a->done && !k->closed && r == LL_OK)
		r = ipc_pump(k->c, k->call_deadline);
	k->in_call = false;
	k->closed = k->closed || r;
	a->used = !a->done;
	return a->done && a->err == LL_OK && buf_put(out, slice_new(at, a->got)) == LL_OK;
}

int
store_client_blob_read(struct store *s, struct store_id partition, struct store_id blob,
	uint64_t offset, size_t len, struct buf *ret_data)
{
	struct client *k = client_of(s);
	size_t before = ret_data->len;

	if (len > SMALL_READ && !k->window)
		make_window(k);
	if (offset == 0 && take_ahead(k, &blob, len, ret_data))
		return LL_OK;
	while (len) {
		size_t want = MIN(len, k->window ? AT_ONCE : SMALL_READ), got;
		int r = read_part(k, &partition, &blob, offset, want, ret_data, &got);
		if (r) {
			buf_truncate(ret_data, before);
			return r;
		}
		if (got < want)
			break; /* the blob's end */
		offset += got;
		len -= got;
	}
	return LL_OK;
}

int
store_client_blob_size(
	struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret)
{
	struct client *k = client_of(s);
	struct msg_st_blob_size m = {.id = store_client_call_begin(k, NULL, READ_MS)};
	int r;

	memcpy(m.partition, partition.b, STORE_ID_LEN);
	memcpy(m.blob, blob.b, STORE_ID_LEN);
	r = store_client_call_end(k, ipc_send_st_blob_size(k->c, &m, -1));
	if (r == LL_OK)
		*ret = k->call_numbers[0];
	return r;
}

void
store_client_close_window(struct client *k)
{
	if (k->window)
		munmap(k->window, WINDOW_LEN);
}

void
store_client_trim(struct store *s)
{
	struct client *k = client_of(s);

	for (size_t i = 0; i < AHEAD_SLOTS; i++)
		k->ahead[i].used = k->ahead[i].used && !k->ahead[i].done;
	if (k->window)
		(void)madvise(k->window, WINDOW_LEN, MADV_REMOVE);
}
