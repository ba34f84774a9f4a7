/* Proves that no acknowledged commit is lost and that no other one is half there.
 *
 *   fault kill N     a worker is killed -9 at N random moments, also while it recovers
 *   fault power N    the power fails at N random points of what workers did to their disk: what was
 *                    not synced is gone, or partly there
 *   fault error N    the disk begins to fail syncs with EIO at N random points: nothing may be
 *                    acknowledged from then on
 *   fault control N  the same with disks that do not sync what they are told to: each kind of loss
 *                    must be noticed, else this test could not see it
 *
 * After each the store is opened again and compared with the model byte for byte, every count is
 * recomputed, and the work goes on from there. An optional last argument is the seed. */
#include "fault.h"
#include "../unit/tree.h"
#include "base/error.h"
#include "base/macros.h"
#include "disk.h"
#include "model.h"
#include "store/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CUTS_PER_RUN 4
struct fault fault = {.last_words = -1};
static uint64_t rng;
static char base_dir[200];
static size_t gave_up, aborted; /* workers on failing disks */

static size_t
below(size_t n)
{
	return (size_t)(mix(rng++, 7) % n);
}

/* --- the judge --- */

/* What a worker told brings the judge's knowledge up to date. */
static bool
learn(struct world *w, const struct message *m)
{
	if (m->kind == MSG_VERIFIED) {
		for (unsigned i = 0; i < MODEL_GROUPS; i++) {
			while (w->groups[i].steps < m->steps[i])
				model_step(&w->groups[i], NULL);
			w->groups[i].generation++;
		}
	} else if (m->kind == MSG_ACK) {
		while (w->groups[m->group].steps < m->steps[0])
			model_step(&w->groups[m->group], NULL);
	}
	return m->kind != MSG_ERROR;
}

/* Reads what the worker tells; kills it after so many acknowledgements and microseconds. False when
 * it found something wrong. */
static bool
watch_worker(struct world *w, pid_t pid, int fd, size_t acks, size_t micros)
{
	struct message m;
	bool good = true, killed = false;
	int status;

	while (true) {
		if (!acks && !killed) {
			usleep((useconds_t)micros);
			kill(pid, SIGKILL);
			killed = true;
		}
		if (read(fd, &m, sizeof(m)) != (ssize_t)sizeof(m))
			break;
		good &= learn(w, &m);
		if (m.kind == MSG_ACK && acks)
			acks--;
	}
	close(fd);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL) {
		if (!fault.quiet)
			fprintf(stderr, "the worker ended with status %#x\n", (unsigned)status);
		good = false;
	}
	return good;
}

static void
make_paths(char dir[256], char cut[256])
{
	snprintf(dir, 256, "%s/store", base_dir);
	snprintf(cut, 256, "%s/cut", base_dir);
}

static uint64_t
acknowledged(const struct world *w)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < MODEL_GROUPS; i++)
		n += w->groups[i].steps;
	return n;
}

static int
run_kill(struct world *w, size_t times)
{
	char dir[256], cut[256];
	int fd;

	make_paths(dir, cut);
	for (size_t i = 0; i <= times; i++) {
		bool early = below(8) == 0; /* while it opens or compares */
		size_t acks = early ? 0 : 1 + below(below(10) ? 60 : 300);
		pid_t pid = fault_worker(w, dir, false, mix(rng, i), i < times ? SIZE_MAX : 0, &fd);
		if (i == times)
			acks = SIZE_MAX; /* the last one only compares */
		if (!watch_worker(w, pid, fd, acks, early ? below(20000) : below(3000))) {
			printf("FAILED at kill %zu\n", i);
			return 1;
		}
	}
	printf("%zu kills, %zu steps acknowledged, none lost, none torn\n", times,
		(size_t)acknowledged(w));
	return 0;
}

/* The judge's knowledge at a point of the disk's log. */
static void
learn_until(struct world *w, size_t entry)
{
	struct slice data;
	uint32_t kind;

	for (size_t i = 0; i < entry; i++) {
		struct message m;
		if (!disk_mark_at(i, &kind, &data))
			continue;
		memcpy(&m, data.ptr, sizeof(m));
		learn(w, &m);
	}
}

/* Makes the disk as after a cut and has a worker look at it. *w becomes what is known then. */
static bool
judge_cut(struct world *w, size_t entry, enum disk_loss loss, const char *cut)
{
	static struct world copy;
	pid_t pid;
	int fd;

	learn_until(w, entry);
	remove_tree(cut);
	disk_cut(entry, loss, rng++, cut);
	copy = *w;
	pid = fault_worker(w, cut, false, 0, 0, &fd);
	return watch_worker(&copy, pid, fd, SIZE_MAX, 0);
}

/* A worker that was expected to fail did so in another way than it should. */
static void
show_last_words(int status)
{
	char text[65536];
	ssize_t n = pread(fault.last_words, text, sizeof(text), 0);

	printf("the worker ended with status %#x and said:\n%.*s\n", (unsigned)status,
		(int)MAX(n, (ssize_t)0), text);
}

/* Lets a recorded worker run to its end. */
static bool
record_run(struct world *w, const char *dir)
{
	int fd, status;
	pid_t pid;

	disk_begin(dir);
	pid = fault_worker(w, dir, true, mix(rng, 5), 20 + below(180), &fd);
	close(fd);
	waitpid(pid, &status, 0);
	if (fault.fail_sync && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_GAVE_UP) {
		gave_up++;
		return true;
	}
	/* Debian's RocksDB aborts when its own sync fails, which is as good. */
	if (fault.fail_sync && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
		aborted++;
		return true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	show_last_words(status);
	return false;
}

/* Goes on from a proper cut of this run. */
static void
move_on(struct world *w, const char *dir, const char *cut)
{
	remove_tree(cut);
	disk_cut(disk_entries(), DISK_DROP, 0, cut);
	learn_until(w, disk_entries());
	remove_tree(dir);
	if (rename(cut, dir))
		abort();
	disk_end();
}

/* What happened on the disk. A test in which the collector never ran proves nothing about it. */
struct events {
	const char *name, *dir, *ending;
	size_t made, removed;
};

static void
count_events(struct events *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t made, removed;
		disk_count(events[i].dir, events[i].ending, &made, &removed);
		events[i].made += made;
		events[i].removed += removed;
	}
}

static int
show_events(const struct events *events, size_t n, bool must)
{
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		printf("%s: %zu made, %zu removed\n", events[i].name, events[i].made,
			events[i].removed);
		failed |= must && (!events[i].made || !events[i].removed);
	}
	return failed;
}

static int
run_power(struct world *w, size_t times)
{
	static struct world then;
	struct events events[] = {
		{"segments", "segments", ".seg", 0, 0},
		{"large blobs", "large", "", 0, 0},
		{"record tables", "records", ".sst", 0, 0},
		{"record logs", "records", ".log", 0, 0},
	};
	char dir[256], cut[256];
	size_t done = 0, entries = 0;

	make_paths(dir, cut);
	while (done < times) {
		if (!record_run(w, dir)) {
			printf("FAILED in the run after cut %zu\n", done);
			return 1;
		}
		entries += disk_entries();
		count_events(events, ARRAY_SIZE(events));
		for (size_t i = 0; i < CUTS_PER_RUN; i++, done++) {
			size_t at = below(disk_entries() + 1);
			enum disk_loss loss = below(2) ? DISK_DROP : DISK_TEAR;
			then = *w;
			if (!judge_cut(&then, at, loss, cut)) {
				printf("FAILED at cut %zu, entry %zu of %zu, loss %d\n", done, at,
					disk_entries(), (int)loss);
				return 1;
			}
		}
		/* The last cut's disk is where the next run begins. */
		remove_tree(dir);
		if (rename(cut, dir))
			abort();
		*w = then;
		disk_end();
	}
	printf("%zu power cuts in %zu disk operations, %zu steps acknowledged, none lost, none "
	       "torn\n",
		done, entries, (size_t)acknowledged(w));
	return show_events(events, ARRAY_SIZE(events), times >= 100);
}

static int
run_control(struct world *w, size_t times)
{
	static const struct {
		enum disk_loss loss;
		const char *name;
	} kinds[] = {
		{DISK_NO_SYNC, "no sync at all"},
		{DISK_NO_BLOB_SYNC, "blobs not synced"},
		{DISK_NO_RECORD_SYNC, "records not synced"},
		{DISK_NO_NAME_SYNC, "names not synced"},
	};
	static struct world then;
	size_t seen[ARRAY_SIZE(kinds)] = {0}, done = 0;
	char dir[256], cut[256];
	int failed = 0;

	make_paths(dir, cut);
	for (; done < times; done++) {
		if (!record_run(w, dir))
			return 1;
		fault.quiet = true;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			then = *w;
			seen[i] += !judge_cut(&then, disk_entries(), kinds[i].loss, cut);
		}
		fault.quiet = false;
		move_on(w, dir, cut);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		printf("%s: noticed in %zu of %zu cuts\n", kinds[i].name, seen[i], done);
		failed |= seen[i] < done / 2 + 1;
	}
	return failed;
}

static int
run_error(struct world *w, size_t times)
{
	static struct world then;
	char dir[256], cut[256];

	make_paths(dir, cut);
	for (size_t i = 0; i < times; i++) {
		bool good;
		fault.fail_sync = 1 + below(below(2) ? 60 : 400);
		fault.quiet = true; /* RocksDB's last words */
		good = record_run(w, dir);
		fault.quiet = false;
		fault.fail_sync = 0;
		then = *w;
		if (!good || !judge_cut(&then, disk_entries(), DISK_DROP, cut)) {
			printf("FAILED at error %zu\n", i);
			return 1;
		}
		move_on(w, dir, cut);
	}
	printf("%zu failing disks (the store shut %zu times, RocksDB aborted %zu times), %zu steps "
	       "acknowledged, none lost, none torn\n",
		times, gave_up, aborted, (size_t)acknowledged(w));
	return times >= 20 && !gave_up;
}

static const struct {
	const char *name;
	int (*run)(struct world *w, size_t times);
} modes[] = {
	{"kill", run_kill},
	{"power", run_power},
	{"error", run_error},
	{"control", run_control},
};

/* Where files are cheap: nothing here rests on the disk itself. */
static void
make_base_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp)
		tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(base_dir, sizeof(base_dir), "%s/letterlock-fault-XXXXXX", tmp);
	if (!mkdtemp(base_dir))
		abort();
}

int
main(int argc, char **argv)
{
	static struct world w;
	char dir[256], cut[256];
	uint64_t times = 0, seed = (uint64_t)time(NULL);
	int r = 2;

	if (argc < 3 || slice_u64(slice_str(argv[2]), 10000000, &times) ||
		(argc > 3 && slice_u64(slice_str(argv[3]), UINT64_MAX, &seed))) {
		fprintf(stderr, "usage: fault kill|power|error|control times [seed]\n");
		return 2;
	}
	if (strcmp(argv[1], "kill") != 0 && !disk_works())
		return 77; /* Meson: skipped */
	printf("seed %llu\n", (unsigned long long)seed);
	rng = mix(seed, 1);
	for (unsigned i = 0; i < MODEL_GROUPS; i++)
		model_init(&w.groups[i], i, seed);
	fault.last_words = memfd_create("last words", MFD_CLOEXEC);
	if (fault.last_words < 0)
		abort();
	make_base_dir();
	make_paths(dir, cut);
	if (mkdir(dir, 0700))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			r = modes[i].run(&w, (size_t)times);
	if (!r)
		remove_tree(base_dir);
	else
		printf("left for inspection: %s\n", base_dir);
	return r;
}
