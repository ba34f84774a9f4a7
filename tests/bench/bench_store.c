/* How many durable commits the embedded store makes: one blob and four small records each, one of
 * them the account's head, read, checked and rewritten; a random account of ten thousand; so many
 * under way at once. Not part of the test run: its figures are the disk's as much as ours.
 *
 *   bench_store DIR [commits] [in flight] [blob bytes]
 *
 * DIR must not exist; it is left for inspection. */
#include "base/error.h"
#include "store/embedded.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ACCOUNTS 10000
#define RECORD_BYTES 200

struct account {
	struct store_id id;
	uint64_t version;
	bool busy;
};

struct flight {
	struct bench *b;
	struct account *a;
	double start;
};

struct bench {
	struct store *s;
	struct account *accounts;
	struct flight *flights, **idle;
	size_t n_idle, started, done, conflicts;
	double *latency; /* seconds, by completion */
	uint8_t *blob;
	size_t blob_len;
	uint64_t rng;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t
next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
landed(void *ctx, int err, uint64_t version)
{
	struct flight *f = ctx;

	if (err) {
		fprintf(stderr, "commit: %s\n", ll_strerror(err));
		exit(1);
	}
	f->a->version = version;
	f->a->busy = false;
	f->b->latency[f->b->done++] = now() - f->start;
	f->b->idle[f->b->n_idle++] = f;
}

static struct account *
pick(struct bench *b)
{
	struct account *a;

	do
		a = &b->accounts[next(&b->rng) % ACCOUNTS];
	while (a->busy);
	a->busy = true;
	return a;
}

static void
start_one(struct bench *b)
{
	struct flight *f = b->idle[--b->n_idle];
	uint8_t keys[4][16] = {"head", "m/", "t/", "s/"}, value[RECORD_BYTES];
	struct store_op ops[5];
	struct store_commit c = {.ops = ops, .n = 5};
	CLEANUP(buf_done) struct buf head = BUF_INIT(RECORD_BYTES);
	int r;

	f->a = pick(b);
	f->start = now();
	r = store_get(b->s, f->a->id, S("head"), &head);
	if (r && r != LL_ERR_NOTFOUND)
		exit(1);
	memset(value, (int)(next(&b->rng) & 0xff), sizeof(value));
	for (size_t i = 0; i < 4; i++) {
		size_t len = 4;
		if (i) {
			be64_put(keys[i] + 2, f->a->version);
			len = 10;
		}
		ops[i] = (struct store_op){.kind = STORE_PUT,
			.key = slice_new(keys[i], len),
			.value = SLICE_OF(value)};
	}
	ops[4] =
		(struct store_op){.kind = STORE_BLOB_NEW, .value = slice_new(b->blob, b->blob_len)};
	for (size_t i = 0; i < sizeof(ops[4].blob.b); i += 8)
		be64_put(ops[4].blob.b + i, next(&b->rng));
	if (b->blob_len > STORE_INLINE_BLOB_MAX) {
		if (store_blob_put(b->s, ops[4].blob, ops[4].value))
			exit(1);
		ops[4].kind = STORE_BLOB_REF;
	}
	c.partition = f->a->id;
	c.expect = f->a->version;
	b->started++;
	store_commit(b->s, &c, landed, f);
}

static void
run(struct bench *b, size_t commits)
{
	struct pollfd fd = {.fd = store_embedded_fd(b->s), .events = POLLIN};

	while (b->done < commits) {
		while (b->n_idle && b->started < commits)
			start_one(b);
		if (poll(&fd, 1, -1) < 0 || store_embedded_run(b->s))
			exit(1);
	}
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static size_t
argument(int argc, char **argv, int i, size_t otherwise)
{
	uint64_t n;

	if (argc <= i)
		return otherwise;
	if (slice_u64(slice_str(argv[i]), 1u << 30, &n) || !n) {
		fprintf(stderr, "%s is no number\n", argv[i]);
		exit(2);
	}
	return (size_t)n;
}

static void *
need(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

int
main(int argc, char **argv)
{
	size_t commits = argument(argc, argv, 2, 60000), flights = argument(argc, argv, 3, 16);
	struct bench b = {.rng = 88172645463325252u, .blob_len = argument(argc, argv, 4, 20480)};
	double start, seconds, used;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_store DIR [commits] [in flight] [blob bytes]\n");
		return 2;
	}
	if (store_embedded_open(argv[1], NULL, &b.s)) {
		fprintf(stderr, "cannot open %s\n", argv[1]);
		return 1;
	}
	b.accounts = need(ACCOUNTS, sizeof(*b.accounts));
	b.flights = need(flights, sizeof(*b.flights));
	b.idle = need(flights, sizeof(struct flight *));
	b.latency = need(commits, sizeof(*b.latency));
	b.blob = need(b.blob_len, 1);
	for (size_t i = 0; i < b.blob_len; i++)
		b.blob[i] = (uint8_t)next(&b.rng);
	for (size_t i = 0; i < ACCOUNTS; i++)
		be64_put(b.accounts[i].id.b, next(&b.rng));
	for (size_t i = 0; i < flights; i++) {
		b.flights[i].b = &b;
		b.idle[b.n_idle++] = &b.flights[i];
	}
	used = cpu();
	start = now();
	run(&b, commits);
	seconds = now() - start;
	used = cpu() - used;
	qsort(b.latency, commits, sizeof(*b.latency), by_size);
	printf("%zu commits of a %zu byte blob and 4 records of %d bytes, %zu in flight\n", commits,
		b.blob_len, RECORD_BYTES, flights);
	printf("%.0f commits/s, %.1f MB/s, %.1f us CPU per commit\n", (double)commits / seconds,
		(double)(commits * (b.blob_len + 4 * RECORD_BYTES)) / seconds / 1e6,
		used / (double)commits * 1e6);
	printf("latency ms: p50 %.2f, p99 %.2f, p99.9 %.2f, most %.2f\n",
		b.latency[commits / 2] * 1e3, b.latency[commits * 99 / 100] * 1e3,
		b.latency[commits * 999 / 1000] * 1e3, b.latency[commits - 1] * 1e3);
	store_free(b.s);
	free(b.accounts);
	free(b.flights);
	free(b.idle);
	free(b.latency);
	free(b.blob);
	return 0;
}
