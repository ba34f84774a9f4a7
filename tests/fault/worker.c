/* Works on a store in a process of its own, and tells what it knows of it; it may be killed at any
 * moment. */
#include "base/error.h"
#include "base/macros.h"
#include "disk.h"
#include "fault.h"
#include "store/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER_SECONDS 60 /* it hangs after that */

struct worker {
	struct world *w;
	struct store *s;
	int report_fd; /* -1: marks in the disk's log */
	unsigned under_way[MODEL_GROUPS];
	bool failed; /* it was told LL_ERR_IO, as it should be */
};

struct asked {
	struct worker *k;
	unsigned group;
	uint64_t step;
	int want;
};

static void
tell(struct worker *k, const struct message *m)
{
	if (k->report_fd < 0)
		disk_mark(m->kind, m, sizeof(*m));
	else if (write(k->report_fd, m, sizeof(*m)) != (ssize_t)sizeof(*m))
		_exit(3);
}

static void __attribute__((noreturn)) die(struct worker *k, const char *what, struct slice detail)
{
	struct message m = {.kind = MSG_ERROR};

	snprintf(m.text, sizeof(m.text), "%s %.*s", what, SLICE_ARG(detail));
	tell(k, &m);
	fprintf(stderr, "%s\n", m.text);
	_exit(2);
}

static void
commit_done(void *ctx, int err, uint64_t version)
{
	struct asked *a = ctx;
	struct message m = {.kind = MSG_ACK, .group = a->group, .steps = {a->step}};

	if (fault.fail_sync && err == LL_ERR_IO)
		a->k->failed = true;
	else if (err != a->want)
		die(a->k, "a commit gave", slice_str(ll_strerror(err)));
	if (a->step) {
		a->k->under_way[a->group]--;
		if (!a->k->failed)
			tell(a->k, &m);
		else if (!err)
			die(a->k, "acknowledged", S("after a failure"));
	}
	free(a);
}

/* step 0: it must be refused and is not told of. */
static struct asked *
asked_new(struct worker *k, unsigned group, uint64_t step, int want)
{
	struct asked *a = malloc(sizeof(*a));

	if (!a)
		abort();
	*a = (struct asked){k, group, step, want};
	return a;
}

/* The disk has failed: every other way in must be shut too. */
static void __attribute__((noreturn)) give_up(struct worker *k)
{
	struct store_id id = {{1}};

	if (store_blob_put(k->s, id, S("x")) != LL_ERR_IO || store_drop(k->s, id) != LL_ERR_IO ||
		store_wait(k->s) != LL_ERR_CLOSED || store_embedded_run(k->s) != LL_ERR_IO)
		die(k, "it goes on", S("after a failure"));
	store_free(k->s);
	_exit(EXIT_GAVE_UP);
}

static void
wait_some(struct worker *k)
{
	int r = store_wait(k->s);

	/* Every commit may have succeeded, and only what the store does behind them have failed. */
	if (r && fault.fail_sync)
		give_up(k);
	if (r)
		die(k, "the store", S("closed"));
}

static void
submit(struct worker *k, struct model_group *g, struct step *step)
{
	static struct buf bytes = {.max = 1 << 20};
	struct store_commit c = {.partition = g->side[step->side].id};
	struct message ack = {.kind = MSG_ACK, .group = g->number, .steps = {g->steps}};
	int r;

	if (step->kind == STEP_DROP) {
		if ((r = store_drop(k->s, c.partition)) == LL_ERR_IO && fault.fail_sync)
			give_up(k);
		if (r)
			die(k, "a drop gave", slice_str(ll_strerror(r)));
		tell(k, &ack);
		return;
	}
	if (step->refused) {
		c.expect = step->refused_expect;
		c.ops = step->refused_ops;
		c.n = step->refused_n;
		store_commit(k->s, &c, commit_done, asked_new(k, g->number, 0, step->refused));
	}
	if (step->stage) {
		model_blob_bytes(step->staged, step->staged_len, &bytes);
		if ((r = store_blob_put(k->s, step->staged, buf_slice(&bytes))) == LL_ERR_IO &&
			fault.fail_sync)
			_exit(0); /* commits may be under way: the others look at those */
		if (r)
			die(k, "staging gave", slice_str(ll_strerror(r)));
	}
	c.expect = step->expect;
	c.ops = step->ops;
	c.n = step->n;
	k->under_way[g->number]++;
	store_commit(k->s, &c, commit_done, asked_new(k, g->number, g->steps, LL_OK));
}

static void
work(struct worker *k, uint64_t seed, size_t steps)
{
	static struct step step;

	for (size_t i = 0; i < steps; i++) {
		unsigned n = (unsigned)(mix(seed, i) % MODEL_GROUPS);
		struct model_group *g = &k->w->groups[n];
		model_step(g, &step);
		while (k->under_way[n] >= (step.alone ? 1 : MODEL_AHEAD))
			wait_some(k);
		submit(k, g, &step);
		while (step.alone && k->under_way[n])
			wait_some(k);
	}
	for (unsigned n = 0; n < MODEL_GROUPS; n++)
		while (k->under_way[n])
			wait_some(k);
}

static void
verify(struct worker *k)
{
	struct store_embedded_report report;
	struct message m = {.kind = MSG_VERIFIED};
	struct buf why = BUF_INIT(1000);
	size_t blobs = 0;

	for (unsigned i = 0; i < MODEL_GROUPS; i++) {
		struct model_group *g = &k->w->groups[i];
		if (model_check(g, k->s, &why))
			die(k, "wrong:", buf_slice(&why));
		m.steps[i] = g->steps;
		g->generation++;
		blobs += model_blob_count(g);
	}
	if (store_embedded_verify(k->s, &report))
		die(k, "counts", S("or checksums are wrong"));
	if (report.blobs != blobs)
		die(k, "blobs", S("are left over"));
	tell(k, &m);
}

/* Opens the store, compares it, works on, in a process of its own. steps 0: only compares. */
static void __attribute__((noreturn))
worker_main(struct world *w, const char *dir, int report_fd, uint64_t seed, size_t steps)
{
	struct worker k = {.w = w, .report_fd = report_fd};
	struct buf why = BUF_INIT(500);
	struct store_embedded_options options = {
		.small_bytes = 1000, /* a third of the small ones */
		.segment_bytes = (uint64_t)128 << 10,
		.large_bytes = MODEL_LARGE,
		.write_buffer = (size_t)64 << 10,
		.cache_bytes = (size_t)1 << 20,
		.min_free = 1,
		.why = &why,
	};
	int r;

	alarm(WORKER_SECONDS);
	r = store_embedded_open(dir, &options, &k.s);
	if (r && fault.fail_sync)
		_exit(0);
	if (r)
		die(&k, "cannot open:", why.len ? buf_slice(&why) : slice_str(ll_strerror(r)));
	verify(&k);
	work(&k, seed, steps);
	if (mix(seed, 11) % 4 == 0)
		store_free(k.s);
	_exit(0);
}

pid_t
fault_worker(
	struct world *w, const char *dir, bool record, uint64_t seed, size_t steps, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		abort();
	fflush(stdout);
	if (fault.quiet &&
		(ftruncate(fault.last_words, 0) < 0 || lseek(fault.last_words, 0, SEEK_SET) < 0))
		abort();
	if ((pid = fork()) < 0)
		abort();
	if (pid == 0) {
		close(fds[0]);
		if (fault.quiet)
			dup2(fault.last_words, STDERR_FILENO);
		if (record) {
			disk_fail(fault.fail_sync);
			disk_record();
		}
		worker_main(w, dir, record ? -1 : fds[1], seed, steps);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}
