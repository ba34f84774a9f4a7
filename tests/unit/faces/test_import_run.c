/* Imports against a server that is a table: what comes, what is found, Gmail's labels, and how it
 * goes on after the connection was cut anywhere. */
#include "../account/fixture.h"

#include "account/email.h"
#include "account/importing.h"
#include "faces/import_run.h"

struct letter {
	const char *folder;
	uint32_t uid;
	const char *flags, *labels; /* labels NULL: no Gmail */
	const char *text;
};
struct place {
	const char *name, *attributes;
};
struct server {
	const struct place *places;
	size_t n_places;
	const struct letter *letters;
	size_t n_letters;
	const char *caps;
	const char *open; /* name of the folder that was examined */
	uint32_t uidvalidity;
};

#define TEXT(id, subject, body) "Message-ID: <" id "@x>\r\nSubject: " subject "\r\n\r\n" body "\r\n"

static bool
within(struct slice set, uint32_t uid)
{
	while (set.len) {
		struct slice range = slice_split(&set, ','), from = slice_split(&range, ':');
		uint64_t a = 0, b = 0;
		CHECK_INT(slice_u64(from, UINT32_MAX, &a), 0);
		b = a;
		if (range.len && !slice_eq(range, S("*")))
			CHECK_INT(slice_u64(range, UINT32_MAX, &b), 0);
		else if (range.len)
			b = UINT32_MAX;
		if (uid >= a && uid <= b)
			return true;
	}
	return false;
}

static bool
is_open(const struct server *s, const struct letter *l)
{
	return s->open && !strcmp(s->open, l->folder);
}

static void
fetch(const struct server *s, struct slice set, bool body, struct buf *out)
{
	for (size_t i = 0; i < s->n_letters; i++) {
		const struct letter *l = &s->letters[i];
		size_t size = strlen(l->text);
		struct slice rest = slice_str(l->text);
		size_t end = slice_find(rest, S("\r\n\r\n"));
		size_t header = end == SLICE_NPOS ? size : end + 4;
		if (!is_open(s, l) || !within(set, l->uid))
			continue;
		buf_printf(out, "* %zu FETCH (UID %u FLAGS (%s) ", i + 1, l->uid, l->flags);
		if (l->labels && !body)
			buf_printf(out, "X-GM-LABELS (%s) ", l->labels);
		if (body)
			buf_printf(out,
				"INTERNALDATE \"01-Nov-2020 10:00:00 +0000\" BODY[] {%zu}\r\n%s)",
				size, l->text);
		else
			buf_printf(out,
				"RFC822.SIZE %zu BODY[HEADER.FIELDS (MESSAGE-ID SUBJECT)] "
				"{%zu}\r\n%.*s)",
				size, header, (int)header, l->text);
		buf_puts(out, "\r\n");
	}
}

static struct slice
quoted(struct slice s)
{
	(void)slice_split(&s, '"');
	return slice_split(&s, '"');
}

static void
examine(struct server *s, struct slice name, struct buf *out)
{
	size_t n = 0;

	s->open = NULL;
	for (size_t i = 0; i < s->n_places; i++)
		if (slice_eq(name, slice_str(s->places[i].name)))
			s->open = s->places[i].name;
	for (size_t i = 0; i < s->n_letters; i++)
		n += is_open(s, &s->letters[i]);
	buf_printf(out, "* %zu EXISTS\r\n* OK [UIDVALIDITY %u] x\r\n", n, s->uidvalidity);
}

/* One command; its answer. */
static void
answer(struct server *s, struct slice line, struct buf *out)
{
	struct slice tag = slice_split(&line, ' '), set;

	if (slice_starts(line, S("AUTHENTICATE"))) {
		buf_printf(
			out, "%.*s OK [CAPABILITY IMAP4rev1 %s] in\r\n", SLICE_ARG(tag), s->caps);
		return;
	}
	if (slice_starts(line, S("LIST")))
		for (size_t i = 0; i < s->n_places; i++)
			buf_printf(out, "* LIST (%s) \"/\" \"%s\"\r\n", s->places[i].attributes,
				s->places[i].name);
	if (slice_starts(line, S("STATUS")))
		buf_printf(out, "* STATUS \"%.*s\" (MESSAGES 7)\r\n", SLICE_ARG(quoted(line)));
	if (slice_starts(line, S("EXAMINE")))
		examine(s, quoted(line), out);
	if (slice_starts(line, S("UID SEARCH"))) {
		set = slice_skip(line, strlen("UID SEARCH UID "));
		buf_puts(out, "* SEARCH");
		for (size_t i = 0; i < s->n_letters; i++)
			if (is_open(s, &s->letters[i]) && within(set, s->letters[i].uid))
				buf_printf(out, " %u", s->letters[i].uid);
		buf_puts(out, "\r\n");
	}
	if (slice_starts(line, S("UID FETCH"))) {
		bool body = slice_find(line, S("BODY.PEEK[]")) != SLICE_NPOS;
		set = slice_skip(line, strlen("UID FETCH "));
		fetch(s, slice_split(&set, ' '), body, out);
	}
	CHECK(!slice_starts(line, S("SELECT")) && !slice_starts(line, S("STORE")));
	buf_printf(out, "%.*s OK done\r\n", SLICE_ARG(tag));
}

/* Runs one connection; cut: after so many octets from the server. */
static enum import_run_end
connect(struct fixture *f, struct server *s, size_t cut)
{
	const struct import_run_options o = {
		.account = f->a, .id = {{7}}, .secret = S("secret"), .message_max = 4096};
	CLEANUP(buf_done) struct buf in = BUF_INIT(1 << 20);
	enum import_run_end end;
	struct import_run *r;

	CHECK_INT(import_run_new(&o, &r), 0);
	buf_puts(&in, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\r\n");
	while (import_run_wants(r) == IMPORT_RUN_INPUT) {
		struct slice said, more = slice_sub(buf_slice(&in), 0, cut);
		size_t n = import_run_input(r, more);
		buf_consume(&in, n);
		cut -= MIN(cut, n);
		said = import_run_output(r);
		while (said.len)
			answer(s, slice_line(&said), &in);
		import_run_sent(r, import_run_output(r).len);
		if (import_run_wants(r) == IMPORT_RUN_INPUT && (!cut || !in.len))
			import_run_fail(r, IMPORT_CONNECTION_LOST, SLICE_NONE);
	}
	end = import_run_end(r);
	import_run_free(r);
	return end;
}

static void
job_new(struct fixture *f)
{
	const struct import_job job = {
		.host = S("imap.example.org"), .user = S("anna"), .port = 993};

	CHECK_INT(import_store(f->a, (struct store_id){{7}}, &job), 0);
}

/* As its owner would: what is proposed, from now on. */
static void
job_go(struct fixture *f)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct store_id id = {{7}};
	struct import_job job;

	CHECK_INT(import_load(f->a, id, &arena, &job), 0);
	job.phase = IMPORT_ACTIVE;
	for (size_t i = 0; i < job.n_folders; i++)
		job.folders[i].bits &= ~(unsigned)IMPORT_FOLDER_DONE;
	CHECK_INT(import_store(f->a, id, &job), 0);
}

/* "name added/found/skipped ..." of what is chosen. */
static void
check_counts(struct fixture *f, const char *want)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	CLEANUP(buf_done) struct buf got = BUF_INIT(65536);
	struct import_job job;

	CHECK_INT(import_load(f->a, (struct store_id){{7}}, &arena, &job), 0);
	CHECK_INT(job.phase, IMPORT_FINISHED);
	for (size_t i = 0; i < job.n_folders; i++) {
		const struct import_folder *x = &job.folders[i];
		if (x->bits & IMPORT_FOLDER_CHOSEN)
			buf_printf(&got, "%s%.*s %u/%u/%u", got.len ? ", " : "", SLICE_ARG(x->name),
				x->added, x->found, x->skipped);
	}
	CHECK_SLICE(buf_slice(&got), slice_str(want));
}

static void
check_box(struct fixture *f, const char *name, size_t want)
{
	struct mailbox *mb = NULL;

	CHECK_INT(account_mailbox(f->a, slice_str(name), &mb), 0);
	if (mb)
		CHECK_INT(mailbox_info(mb)->exists, want);
}

static size_t
emails(struct fixture *f)
{
	size_t n;

	CHECK_INT(emails_load(f->a), 0);
	(void)emails_all(f->a, &n);
	return n;
}

/* A new account with a job whose folders are known. */
static void
folders_read(struct fixture *f, struct server *s)
{
	fixture_init(f);
	job_new(f);
	CHECK_INT(connect(f, s, SIZE_MAX), IMPORT_RUN_DONE);
}

/* Everything comes over in one connection. */
static void
brought_over(struct fixture *f, struct server *s)
{
	job_go(f);
	CHECK_INT(connect(f, s, SIZE_MAX), IMPORT_RUN_DONE);
}

static const struct place gmail_places[] = {{"INBOX", ""}, {"[Gmail]", "\\Noselect"},
	{"[Gmail]/All Mail", "\\All"}, {"[Gmail]/Starred", "\\Flagged"}, {"[Gmail]/Spam", "\\Junk"},
	{"Work", ""}};
#define ONE TEXT("1", "one", "first")
#define TWO TEXT("2", "two", "second")
#define THREE TEXT("3", "three", "third")
#define FOUR TEXT("4", "four", "fourth")
static const struct letter gmail_letters[] = {
	{"INBOX", 1, "\\Seen", "\\Important", ONE},
	{"INBOX", 2, "", "Work", TWO},
	{"Work", 5, "", "\\Inbox", TWO},
	{"Work", 6, "\\Deleted", "", FOUR},
	{"[Gmail]/All Mail", 11, "\\Seen", "\\Inbox", ONE},
	{"[Gmail]/All Mail", 12, "", "\\Inbox Work", TWO},
	{"[Gmail]/All Mail", 13, "", "\\Starred", THREE},
	{"[Gmail]/Starred", 3, "", "", THREE},
	{"[Gmail]/Spam", 9, "", "", FOUR},
};

/* Each letter is one Email with all its mailboxes; the archive has what lies nowhere else. */
static void
test_gmail(void)
{
	struct server s = {gmail_places, ARRAY_SIZE(gmail_places), gmail_letters,
		ARRAY_SIZE(gmail_letters), "SPECIAL-USE X-GM-EXT-1", NULL, 3};
	struct fixture f;

	folders_read(&f, &s);
	brought_over(&f, &s);
	check_counts(&f, "INBOX 2/0/0, All Mail 1/2/0, Work 0/1/1");
	CHECK_INT(emails(&f), 3);
	check_box(&f, "INBOX", 2);
	check_box(&f, "Work", 1);
	check_box(&f, "Archive", 1);
	fixture_done(&f);
}

static const struct place places[] = {{"INBOX", ""}, {"Sent Items", ""}, {"a", ""}};
static const struct letter letters[] = {
	{"INBOX", 4, "\\Seen", NULL, ONE},
	{"INBOX", 7, "", NULL, TWO},
	{"INBOX", 9, "", NULL, TWO},
	{"Sent Items", 1, "\\Seen", NULL, THREE},
	{"a", 4000000000u, "x y $z", NULL, FOUR},
	{"a", 4000000001u, "", NULL, "\r\n"},
	{"a", 4000000002u, "", NULL, "Subject: without an id\r\n\r\nx\r\n"},
	{"a", 4000000003u, "", NULL, "Subject: without an id\r\n\r\nx\r\n"},
};
#define PLAIN                                                                                      \
	{                                                                                          \
		places, ARRAY_SIZE(places), letters, ARRAY_SIZE(letters), "X", NULL, 3             \
	}

static void
test_twice(void)
{
	struct server s = PLAIN;
	struct fixture f;

	folders_read(&f, &s);
	brought_over(&f, &s);
	check_counts(&f, "INBOX 2/1/0, Sent Items 1/0/0, a 3/1/0");
	check_box(&f, "Sent", 1);
	brought_over(&f, &s); /* nothing is new */
	check_counts(&f, "INBOX 2/1/0, Sent Items 1/0/0, a 3/1/0");
	s.uidvalidity++; /* all UIDs are others now */
	brought_over(&f, &s);
	CHECK_INT(emails(&f), 6);
	fixture_done(&f);
}

/* Cut off after each number of octets; then to the end. */
static void
test_cut(void)
{
	for (size_t cut = 60; cut < 2200; cut += 53) {
		struct server s = PLAIN;
		struct fixture f;
		folders_read(&f, &s);
		job_go(&f);
		if (connect(&f, &s, cut) != IMPORT_RUN_DONE) {
			fixture_reopen(&f);
			CHECK_INT(connect(&f, &s, SIZE_MAX), IMPORT_RUN_DONE);
		}
		check_counts(&f, "INBOX 2/1/0, Sent Items 1/0/0, a 3/1/0");
		CHECK_INT(emails(&f), 6);
		check_box(&f, "INBOX", 2);
		check_box(&f, "Sent", 1);
		check_box(&f, "a", 3);
		fixture_done(&f);
	}
}

T_MAIN(T(test_gmail), T(test_twice), T(test_cut))
