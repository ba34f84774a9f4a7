/* Messages that are there already, imports as they are stored, and where their folders go. */
#include "fixture.h"

#include "account/email.h"
#include "account/importing.h"
#include "account/twin.h"

#define HEADER "From: a@x\r\nMessage-ID: <1@x>\r\nSubject: Hello\r\n"
#define CONTENT "line one\r\nline two\r\n"

static int
twin(struct account *a, const char *message)
{
	uint32_t email = 0;
	int err = twin_find(a, slice_str(message), &email);

	CHECK(err || email);
	return err;
}

static int
listed(struct account *a, const char *header, uint64_t size)
{
	uint32_t email = 0;
	int err = twin_find_listed(a, slice_str(header), size, &email);

	CHECK(err || email);
	return err;
}

static void
test_twins(void)
{
	static const char whole[] = HEADER "\r\n" CONTENT;
	struct fixture f;

	fixture_init(&f);
	CHECK_INT(twin(f.a, whole), LL_ERR_NOTFOUND);
	CHECK(fixture_append(fixture_box(f.a, "INBOX"), S(HEADER "\r\n" CONTENT), 0));
	fixture_reopen(&f);
	CHECK_INT(twin(f.a, whole), 0);
	/* By way of an mbox file: fields more, a line end less. */
	CHECK_INT(twin(f.a, "X-Status: RO\r\n" HEADER "\r\nline one\r\nline two"), 0);
	/* Another letter under the same id, and as long. */
	CHECK_INT(twin(f.a, HEADER "\r\nline one\r\nline TWO\r\n"), LL_ERR_NOTFOUND);
	CHECK_INT(twin(f.a, HEADER "\r\nline one\r\n"), LL_ERR_NOTFOUND);
	CHECK_INT(
		twin(f.a, "Message-ID: <2@x>\r\nSubject: Hello\r\n\r\n" CONTENT), LL_ERR_NOTFOUND);
	CHECK_INT(listed(f.a, "Subject: Hello\r\nMessage-ID: <1@x>\r\n\r\n", strlen(whole)), 0);
	CHECK_INT(listed(f.a, "Subject: Hello\r\nMessage-ID: <1@x>\r\n\r\n", strlen(whole) + 1),
		LL_ERR_NOTFOUND);
	CHECK_INT(listed(f.a, "Subject: Hello\r\nMessage-ID: <2@x>\r\n\r\n", strlen(whole)),
		LL_ERR_NOTFOUND);
	CHECK_INT(listed(f.a, "\r\n", strlen(whole)), LL_ERR_NOTFOUND);
	fixture_done(&f);
}

/* Without a Message-ID only the very same octets count. */
static void
test_twins_without_id(void)
{
	static const char plain[] = "Subject: x\r\n\r\n" CONTENT;
	struct fixture f;
	uint64_t key = 0, again = 1;

	fixture_init(&f);
	CHECK(fixture_append(fixture_box(f.a, "INBOX"), S("Subject: x\r\n\r\n" CONTENT), 0));
	CHECK_INT(twin(f.a, plain), 0);
	CHECK_INT(twin(f.a, "Subject: y\r\n\r\n" CONTENT), LL_ERR_NOTFOUND);
	CHECK_INT(twin_key(f.a, slice_str(plain), &key), 0);
	CHECK_INT(twin_key(f.a, slice_str(plain), &again), 0);
	CHECK(key == again);
	CHECK_INT(twin_key(f.a, S("Subject: y\r\n\r\n" CONTENT), &again), 0);
	CHECK(key != again);
	CHECK_INT(twin_key(f.a, S(HEADER "\r\n" CONTENT), &key), 0);
	CHECK_INT(twin_key(f.a, S("X: y\r\n" HEADER "\r\n"), &again), 0);
	CHECK(key == again);
	fixture_done(&f);
}

static struct import_folder folders[] = {
	{.wire = S("INBOX"), .name = S("INBOX"), .role = MAILBOX_INBOX, .bits = 3, .total = 7},
	{.wire = S("a&AOk-"),
		.name = S("a\xc3\xa9"),
		.uidvalidity = UINT32_MAX,
		.uid_done = 9,
		.added = 1,
		.found = 2,
		.skipped = 3},
};
static const struct import_job job = {.host = S("imap.example.org"),
	.user = S("j\xc3\xb6rg@example.org"),
	.port = 993,
	.phase = IMPORT_ACTIVE,
	.error = IMPORT_QUOTA,
	.words = S("full"),
	.created = 1234567,
	.folders = folders,
	.n_folders = ARRAY_SIZE(folders)};

static void
check_same(const struct import_job *x, const struct import_job *y)
{
	CLEANUP(buf_done) struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);

	CHECK_INT(import_encode(x, &a), 0);
	CHECK_INT(import_encode(y, &b), 0);
	CHECK_SLICE(buf_slice(&a), buf_slice(&b));
}

static void
test_stored(void)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct store_id id = {{1}};
	struct import_job back;
	struct fixture f;

	fixture_init(&f);
	CHECK_INT(import_load(f.a, id, &arena, &back), LL_ERR_NOTFOUND);
	CHECK_INT(import_store(f.a, id, &job), 0);
	fixture_reopen(&f);
	CHECK_INT(import_load(f.a, id, &arena, &back), 0);
	check_same(&job, &back);
	CHECK_SLICE(back.folders[1].name, S("a\xc3\xa9"));
	CHECK_INT(back.folders[1].uidvalidity, UINT32_MAX);
	fixture_done(&f);
}

/* Cut off and flipped: an error, or something that passes every check. */
static void
test_damaged(void)
{
	CLEANUP(buf_done) struct buf good = BUF_INIT(65536);
	struct import_job back;

	CHECK_INT(import_encode(&job, &good), 0);
	for (size_t i = 0; i < good.len * 8; i++) {
		CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
		CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
		if (i < good.len)
			CHECK(import_decode(slice_sub(buf_slice(&good), 0, i), &arena, &back) != 0);
		good.ptr[i / 8] ^= (uint8_t)(1 << (i % 8));
		if (!import_decode(buf_slice(&good), &arena, &back))
			CHECK_INT(import_encode(&back, &b), 0);
		good.ptr[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
}

static void
test_checks(void)
{
	static const struct {
		const char *host, *user, *wrong;
	} cases[] = {{"imap.example.org", "a", NULL}, {"", "a", NULL}, {"127.0.0.1", "a", "host"},
		{"a b", "a", "host"}, {".x", "a", "host"}, {"[::1]", "a", "host"},
		{"x", "", "user"}, {"x", "a\nb", "user"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct import_job j = {.host = slice_str(cases[i].host),
			.user = slice_str(cases[i].user),
			.port = 993};
		CHECK_SLICE(slice_str(import_check(&j)), slice_str(cases[i].wrong));
	}
}

static void
test_targets(void)
{
	static const struct {
		struct import_folder folder;
		const char *name;
	} cases[] = {{{.name = S("INBOX"), .role = MAILBOX_INBOX}, "INBOX"},
		{{.name = S("Gesendet"), .role = MAILBOX_SENT}, "Sent"},
		{{.name = S("All Mail"), .role = MAILBOX_ALL}, "Archive"},
		{{.name = S("Work/2026")}, "Work/2026"}, {{.name = S("a//b")}, "Imported"},
		{{.name = S("Starred"), .role = MAILBOX_FLAGGED}, "Starred"}};
	struct mailbox *mb, *again;
	struct fixture f;

	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct import_folder folder = cases[i].folder;
		CHECK_INT(import_target(f.a, &folder, &mb), 0);
		CHECK_SLICE(mailbox_info(mb)->name, slice_str(cases[i].name));
		CHECK_INT(import_target(f.a, &folder, &again), 0);
		CHECK(mb == again);
	}
	CHECK_INT(import_role_of_name(S("sent items")), MAILBOX_SENT);
	CHECK_INT(import_role_of_name(S("sent items/x")), MAILBOX_NO_ROLE);
	fixture_done(&f);
}

T_MAIN(T(test_twins), T(test_twins_without_id), T(test_stored), T(test_damaged), T(test_checks),
	T(test_targets))
