/* What the account engine itself takes, over a real store in a temporary directory: opening,
 * walking, reading, searching, flags, appending, admission. One line per figure.
 *
 *	bench_engine [messages [directory [bytes of a message]]] */
#include "../unit/tree.h"
#include "account/account.h"
#include "account/deliver.h"
#include "account/email.h"
#include "account/find.h"
#include "account/mailbox.h"
#include "account/message.h"
#include "store/embedded.h"

#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static const char *const words[] = {"letter", "paper", "seal", "wax", "quill", "desk", "candle",
	"harbour", "ship", "winter", "garden", "meeting", "invoice", "schedule", "project",
	"review", "question", "answer", "morning", "evening", "train", "ticket", "summary", "draft",
	"version", "change", "request", "order", "delivery", "number", "account", "balance"};

static uint64_t rng = 88172645463325252ULL;

static size_t
below(size_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (size_t)(rng % n);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t
now(void *ctx)
{
	return (int64_t)time(NULL);
}

static int
randomness(void *ctx, void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? LL_OK : LL_ERR_IO;
}

static void
must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, ll_strerror(err));
	exit(1);
}

/* A language of VOCABULARY made-up words behind those above, few of them usual and most rare, as in
 * any language: a word's frequency falls with its rank. */
enum { VOCABULARY = 20000, WORD_MAX = 14 };
static char vocabulary[VOCABULARY][WORD_MAX + 1];
static double cumulative[VOCABULARY];

static void
make_vocabulary(void)
{
	static const char *const syllables[] = {"ba", "ber", "con", "da", "en", "fi", "gel", "ha",
		"in", "ker", "lo", "ment", "na", "or", "per", "qui", "re", "sta", "ti", "un", "ver",
		"wo", "ya", "zen"};
	double sum = 0;

	for (size_t i = 0; i < VOCABULARY; i++) {
		size_t n = i < 60 ? 1 : i < 2000 ? 2 + below(2) : 3 + below(2);
		if (i >= 20 && i - 20 < 32)
			snprintf(vocabulary[i], sizeof(vocabulary[i]), "%s", words[i - 20]);
		else
			for (size_t k = 0; k < n; k++)
				strncat(vocabulary[i], syllables[below(24)], 4);
		sum += 1 / (double)(i + 5);
		cumulative[i] = sum;
	}
}

static const char *
some_word(void)
{
	double at = cumulative[VOCABULARY - 1] * (double)below(1 << 30) / (1 << 30);
	size_t lo = 0, hi = VOCABULARY - 1;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (cumulative[mid] < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return vocabulary[lo];
}

/* A letter of about len bytes; every 500th holds the needle. */
static struct slice
letter(size_t i, size_t len)
{
	static char text[1 << 20];
	size_t n = (size_t)snprintf(text, sizeof(text),
		"Received: from mx.example (mx.example [192.0.2.%zu])\r\n"
		"From: \"%s %s\" <%s%zu@example.org>\r\nTo: bob@letterlock.test\r\n"
		"Subject: %s%s %s %zu\r\nDate: Sat, 21 Nov 2026 10:%02zu:00 +0000\r\n"
		"Message-ID: <%zu.%zu@example.org>\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n",
		i % 250, words[below(32)], words[below(32)], words[below(32)], below(400),
		i % 3 ? "Re: " : "", words[below(32)], words[below(32)], below(1000), i % 60, i, i);

	for (size_t column = 0; n < len;) {
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%s%c", some_word(), column > 60 ? '\n' : ' ');
		column = column > 60 ? 0 : column + 7;
	}
	if (i % 500 == 77)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\nxylophone quartet\r\n");
	return slice_new(text, n);
}

struct bench {
	char dir[256];
	struct store *store;
	struct area_secret secret;
	struct account_env env;
	struct account *a;
	struct mailbox *in;
	size_t n, average; /* messages, bytes of one */
};

/* Wall time, CPU time of the process since the last report, and a rate or count. */
static void
report(const char *what, double took, double per, const char *unit)
{
	static double before;
	struct timespec t;
	double cpu;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	cpu = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	printf("%-44s %10.2f ms %10.2f ms cpu %10.1f %s\n", what, took * 1e3, (cpu - before) * 1e3,
		per, unit);
	before = cpu;
	fflush(stdout);
}

static void
open_account(struct bench *b)
{
	must(account_open(&b->env, &b->a), "open");
	must(account_mailbox(b->a, S("INBOX"), &b->in), "INBOX");
}

static void
fill(struct bench *b)
{
	double t = seconds();
	uint64_t bytes = 0;

	for (size_t i = 0; i < b->n;) {
		struct append_item items[20];
		size_t k = 0;
		for (; k < 20 && i < b->n; k++, i++) {
			struct slice m = letter(i, 1000 + below(b->average * 2 - 2000));
			bytes += m.len;
			items[k].flags = i % 2 ? FLAG_SEEN : 0;
			must(message_stage(b->a, m, 0, &items[k].message), "stage");
		}
		must(mailbox_append(b->in, items, k, NULL), "append");
		for (size_t j = 0; j < k; j++)
			staged_message_free(items[j].message);
		for (bool more = true; more;)
			must(account_work(b->a, &more), "work");
	}
	t = seconds() - t;
	report("fill, MULTIAPPEND of 20", t, (double)b->n / t, "messages/s");
	printf("%-44s %10.1f MB\n", "bodies", (double)bytes / 1e6);
}

static void
bench_open(struct bench *b)
{
	double t;
	size_t n;

	account_close(b->a);
	t = seconds();
	open_account(b);
	report("open account", seconds() - t, 0, "");
	t = seconds();
	must(mailbox_open(b->in), "open mailbox");
	mailbox_rows(b->in, &n);
	report("open mailbox (rows)", seconds() - t, (double)n, "rows");
}

static void
bench_walk(struct bench *b, const char *name)
{
	size_t n, bytes = 0;
	const struct message_row *rows = mailbox_rows(b->in, &n);
	struct buf out = BUF_INIT((size_t)64 << 20);
	double t = seconds();

	for (size_t i = 0; i < n; i++) {
		struct message m;
		must(message_get(b->a, rows[i].email, &m), "get");
		must(meta_imap_envelope(&out, &m.meta, 0), "envelope");
		bytes += out.len;
		buf_reset(&out);
	}
	t = seconds() - t;
	report(name, t, (double)bytes / 1e6, "MB of ENVELOPE");
	buf_done(&out);
}

static void
bench_bodies(struct bench *b, const char *name)
{
	size_t n, bytes = 0;
	const struct message_row *rows = mailbox_rows(b->in, &n);
	struct buf out = BUF_INIT((size_t)64 << 20);
	double t = seconds();

	for (size_t i = 0; i < n; i++) {
		buf_reset(&out);
		must(message_read(b->a, rows[i].email, 0, UINT64_MAX, &out), "read");
		bytes += out.len;
	}
	t = seconds() - t;
	report(name, t, (double)bytes / t / 1e6, "MB/s");
	buf_done(&out);
}

/* Writes a file out and has the kernel forget it. */
static int
forget_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		exit(1);
	close(fd);
	return 0;
}

/* As after a restart of the machine. */
static void
bench_cold(struct bench *b)
{
	for (int round = 0; round < 6; round++) {
		mailbox_close(b->in);
		account_close(b->a);
		store_free(b->store);
		nftw(b->dir, forget_file, 16, FTW_PHYS);
		must(store_embedded_open(b->dir, NULL, &b->store), "store");
		b->env.store = b->store;
		b->env.secrets = &b->secret;
		open_account(b);
		must(mailbox_open(b->in), "open mailbox");
		if (round % 2)
			bench_walk(b, "envelopes, cold");
		else
			bench_bodies(b, "bodies, cold");
	}
}

static void
bench_find(struct bench *b, const char *name, enum find_op op, struct slice text)
{
	struct find_node node = {.op = op, .text = text};

	for (int round = 0; round < 2; round++) {
		struct uid_list got = {0};
		char line[64];
		double t = seconds();
		must(mailbox_find(b->in, &node, &got), "find");
		t = seconds() - t;
		snprintf(line, sizeof(line), "%s, %s", name, round ? "again" : "first");
		report(line, t, (double)got.len, "hits");
		uid_list_done(&got);
	}
}

/* A search of the web client: the newest first, one of each conversation; the first page of it, and
 * then all, to count them. */
static void
bench_query(struct bench *b, const char *word)
{
	struct email_order newest = {.key = EMAIL_BY_RECEIVED, .descending = true};
	struct email_filter f = {
		.op = EMAIL_FIND, .find = {.op = FIND_TEXT, .text = slice_str(word)}};
	struct email_query q = {.filter = &f,
		.order = &newest,
		.n_order = 1,
		.collapse = true,
		.key = slice_str(word)};
	struct email_found r = {.n = 0};
	double t = seconds(), longest = 0, last;
	char line[64];

	while (r.n < 50 && !r.all)
		must(emails_query(b->a, &q, 50, &r), "query");
	snprintf(line, sizeof(line), "Email/query %s, first page", word);
	report(line, seconds() - t, (double)r.n, "hits");
	t = seconds();
	while (!r.all) {
		last = seconds();
		must(emails_query(b->a, &q, SIZE_MAX, &r), "query");
		longest = MAX(longest, seconds() - last);
	}
	report("  all", seconds() - t, (double)r.n, "hits");
	printf("%-44s %10.2f ms\n", "  longest slice", longest * 1e3);
}

static void
bench_sort(struct bench *b, const char *name, struct sort_order order)
{
	size_t n;
	const struct message_row *rows = mailbox_rows(b->in, &n);
	uint32_t *uids = malloc((n + 1) * sizeof(*uids));

	for (int round = 0; round < 2; round++) {
		char line[64];
		double t;
		for (size_t i = 0; i < n; i++)
			uids[i] = rows[i].uid;
		t = seconds();
		must(mailbox_sort(b->in, &order, 1, uids, n), "sort");
		t = seconds() - t;
		snprintf(line, sizeof(line), "%s, %s", name, round ? "again" : "first");
		report(line, t, (double)n, "messages");
	}
	free(uids);
}

static void
bench_order(struct bench *b)
{
	struct thread_forest forest;
	size_t n;
	const struct message_row *rows = mailbox_rows(b->in, &n);
	uint32_t *uids = malloc((n + 1) * sizeof(*uids));
	double t;

	for (size_t i = 0; i < n; i++)
		uids[i] = rows[i].uid;
	t = seconds();
	must(mailbox_thread(b->in, THREAD_REFERENCES, uids, n, &forest), "thread");
	report("THREAD REFERENCES", seconds() - t, 0, "");
	thread_forest_done(&forest);
	free(uids);
	bench_sort(b, "SORT SUBJECT", (struct sort_order){SORT_SUBJECT, false});
	bench_sort(b, "SORT REVERSE ARRIVAL", (struct sort_order){SORT_ARRIVAL, true});
	bench_sort(b, "SORT DISPLAYFROM", (struct sort_order){SORT_DISPLAY_FROM, false});
	bench_sort(b, "SORT TO", (struct sort_order){SORT_TO, false});
}

/* How long others wait at most while a job runs, with nothing in any cache. */
static void
bench_slices(struct bench *b)
{
	const struct find_node node = {.op = FIND_BODY, .text = S("letter")};
	struct sort_order order = {SORT_SUBJECT, false};
	struct thread_forest forest = {.first = THREAD_NONE};
	struct uid_list got = {0};
	struct find_job *find = NULL;
	struct sort_job *sort = NULL;
	struct thread_job *thread = NULL;

	must(find_job_new(b->in, &node, &find), "find");
	for (int kind = 0; kind < 3; kind++) {
		static const char *const names[] = {
			"longest slice of SEARCH BODY", "of THREAD", "of SORT SUBJECT"};
		double longest = 0, last = 0;
		bool done = false;
		for (size_t i = 0; !done; i++) {
			double t = seconds();
			if (kind == 0)
				must(find_job_step(find, &got, &done), "find");
			else if (kind == 1)
				must(thread_job_step(thread, &forest, &done), "thread");
			else
				must(sort_job_step(sort, &done), "sort");
			last = seconds() - t;
			longest = MAX(longest, done ? 0 : last);
		}
		report(names[kind], longest, last * 1e3, "ms for the last");
		if (kind == 0)
			must(thread_job_new(b->in, THREAD_REFERENCES, got.at, got.len, &thread),
				"thread");
		if (kind == 1)
			must(sort_job_new(b->in, &order, 1, got.at, got.len, &sort), "sort");
	}
	find_job_free(find);
	sort_job_free(sort);
	thread_job_free(thread);
	thread_forest_done(&forest);
	uid_list_done(&got);
}

static void
bench_flags(struct bench *b)
{
	size_t n;
	const struct message_row *rows = mailbox_rows(b->in, &n);
	struct flags_change c = {FLAGS_ADD, FLAG_FLAGGED, UINT64_MAX};
	struct flags_result r;
	uint32_t *uids = malloc((n + 1) * sizeof(*uids));
	double t;

	for (size_t i = 0; i < n; i++)
		uids[i] = rows[i].uid;
	t = seconds();
	must(mailbox_store(b->in, uids, n, &c, &r), "store");
	report("STORE on all", seconds() - t, (double)r.changed, "changed");
	flags_result_done(&r);
	c.how = FLAGS_REMOVE;
	t = seconds();
	for (size_t i = 0; i < 500; i++) {
		must(mailbox_store(b->in, &uids[below(n)], 1, &c, &r), "store");
		flags_result_done(&r);
	}
	t = seconds() - t;
	report("STORE one at a time, 500", t, 500 / t, "/s");
	free(uids);
}

static void
bench_append(struct bench *b)
{
	double t = seconds();

	for (size_t i = 0; i < 500; i++) {
		struct append_item item = {.flags = 0};
		must(message_stage(b->a, letter(i, 2048), 0, &item.message), "stage");
		must(mailbox_append(b->in, &item, 1, NULL), "append");
		staged_message_free(item.message);
	}
	t = seconds() - t;
	report("APPEND 2 kB one at a time, 500", t, 500 / t, "/s");
}

static void
bench_delivery(struct bench *b)
{
	enum { COUNT = 1000 };
	uint8_t public[XWING_PUBLIC_LEN];
	struct record_sender *sender;
	struct delivery_recipient rcpt = {
		.account = b->env.id, .keyver = 1, .address = S("bob@letterlock.test")};
	uint64_t ms = 1;
	double t;

	must(area_seal_public(&b->secret, public), "public");
	must(record_sender_new(public, ms, &sender), "sender");
	t = seconds();
	for (size_t i = 0; i < COUNT; i++) {
		struct delivery *d;
		struct delivery_record rec;
		struct store_commit c = {.partition = b->env.id, .expect = STORE_ANY_VERSION};
		must(delivery_new(letter(i, 2048), ++ms, &d), "delivery");
		if (!record_sender_fresh(sender, ms))
			must(record_sender_renew(sender, ms), "renew");
		must(delivery_seal(d, sender, &rcpt, &rec), "seal");
		c.ops = rec.ops;
		c.n = rec.n;
		must(store_commit_sync(b->store, &c, NULL), "commit");
		delivery_record_done(&rec);
		delivery_free(d);
	}
	t = seconds() - t;
	report("deliver 2 kB (parse, seal, commit), 1000", t, COUNT / t, "/s");
	t = seconds();
	must(account_poll(b->a), "poll");
	t = seconds() - t;
	report("admit 1000", t, COUNT / t, "/s");
	record_sender_free(sender);
}

static void
bench_expunge(struct bench *b)
{
	size_t n, steps = 0;
	const struct message_row *rows = mailbox_rows(b->in, &n);
	struct copy_result moved;
	struct mailbox *trash;
	uint32_t *uids = malloc((n + 1) * sizeof(*uids));
	double t;

	for (size_t i = 0; i < n; i++)
		uids[i] = rows[i].uid;
	must(account_mailbox(b->a, S("Trash"), &trash), "Trash");
	t = seconds();
	must(mailbox_move(b->in, uids, n, trash, &moved), "move");
	report("MOVE all", seconds() - t, (double)n, "messages");
	t = seconds();
	must(mailbox_remove(trash, moved.to.at, moved.to.len, NULL), "remove");
	report("expunge all", seconds() - t, (double)n, "messages");
	copy_result_done(&moved);
	t = seconds();
	for (bool more = true; more; steps++)
		must(account_work(b->a, &more), "work");
	report("deleting what they were", seconds() - t, (double)steps, "steps");
	free(uids);
}

static void
setup(struct bench *b, int argc, char **argv)
{
	b->n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	b->average = argc > 3 ? MAX(strtoul(argv[3], NULL, 10), 2000ul) : 25000;
	snprintf(b->dir, sizeof(b->dir), "%s/ll-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
	if (!mkdtemp(b->dir))
		exit(1);
	must(store_embedded_open(b->dir, NULL, &b->store), "store");
	b->secret = (struct area_secret){.area = RECORD_AREA_MAIL, .version = 1, .key = {1}};
	b->env = (struct account_env){.store = b->store,
		.id = {{7}},
		.secrets = &b->secret,
		.n_secrets = 1,
		.now = now,
		.random = randomness};
	must(account_create(&b->env), "create");
	open_account(b);
}

int
main(int argc, char **argv)
{
	struct bench b = {.n = 0};
	size_t held;

	make_vocabulary();
	setup(&b, argc, argv);
	fill(&b);
	bench_open(&b);
	bench_query(&b, "zeppelin");
	bench_query(&b, "xylophone");
	bench_query(&b, vocabulary[5000]);
	bench_query(&b, vocabulary[500]);
	bench_query(&b, "invoice");
	bench_walk(&b, "envelopes, first");
	bench_walk(&b, "envelopes, again");
	bench_bodies(&b, "bodies");
	bench_bodies(&b, "bodies, again");
	bench_cold(&b);
	bench_slices(&b);
	bench_find(&b, "SEARCH SUBJECT", FIND_SUBJECT, S("harbour ship"));
	bench_find(&b, "SEARCH FROM", FIND_FROM, S("candle"));
	bench_find(&b, "SEARCH TEXT", FIND_TEXT, S("xylophone"));
	bench_find(&b, "SEARCH TEXT absent", FIND_TEXT, S("zeppelin hangar"));
	bench_find(&b, "SEARCH BODY in every message", FIND_BODY, S("letter"));
	bench_order(&b);
	printf("%-44s %10.1f MB\n", "caches", (double)account_cached(b.a) / 1e6);
	account_trim(b.a);
	printf("%-44s %10.1f kB\n", "after account_trim", (double)account_cached(b.a) / 1e3);
	bench_flags(&b);
	bench_append(&b);
	bench_delivery(&b);
	bench_expunge(&b);
	account_trim(b.a);
	mailbox_close(b.in);
	held = mallinfo2().uordblks;
	account_close(b.a);
	printf("%-44s %10.1f kB\n", "heap of the idle account",
		(double)(held - mallinfo2().uordblks) / 1e3);
	store_free(b.store);
	remove_tree(b.dir);
	return 0;
}
