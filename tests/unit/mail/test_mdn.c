/* Read receipts: which letters ask for one, what goes out, what is read. */
#include "t.h"

#include "base/error.h"
#include "mail/header.h"
#include "mail/mdn.h"
#include "mail/mime.h"

#define ASKS "Disposition-Notification-To: "
#define PATH "Return-Path: <bob@x.example>\r\n"

static void
requests(void)
{
	static const struct {
		const char *header;
		int r;
		bool plain;
		size_t n;
	} rows[] = {
		{PATH ASKS "bob@x.example\r\n\r\n", LL_OK, true, 1},
		{PATH ASKS "Bob <bob@X.EXAMPLE>\r\n\r\n", LL_OK, true, 1},
		/* not without asking: section 2.1 */
		{ASKS "bob@x.example\r\n\r\n", LL_OK, false, 1},
		{PATH ASKS "eve@x.example\r\n\r\n", LL_OK, false, 1},
		{PATH ASKS "BOB@x.example\r\n\r\n", LL_OK, false, 1},
		{PATH ASKS "bob@x.example, eve@x.example\r\n\r\n", LL_OK, false, 2},
		{"Return-Path: <>\r\n" ASKS "bob@x.example\r\n\r\n", LL_OK, false, 1},
		/* not at all */
		{PATH "Subject: x\r\n\r\n" ASKS "bob@x.example\r\n", LL_ERR_NOTFOUND, false, 0},
		{PATH ASKS "\r\n\r\n", LL_ERR_NOTFOUND, false, 0},
		{PATH ASKS "bob\r\n\r\n", LL_ERR_NOTFOUND, false, 0},
		{PATH ASKS "friends: bob@x.example;\r\n\r\n", LL_ERR_NOTFOUND, false, 0},
		{PATH ASKS "bob@x.example\r\nContent-Type: multipart/report;\r\n "
			   "report-type=disposition-notification; boundary=b\r\n\r\n",
			LL_ERR_NOTFOUND, false, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
		struct mdn_request q = {.plain = false};
		CHECK_INT(mdn_requested(slice_str(rows[i].header), &a, &q), rows[i].r);
		CHECK_INT(q.plain, rows[i].plain);
		CHECK_INT(q.to.len, rows[i].n);
	}
}

#define LETTER                                                                                     \
	PATH ASKS                                                                                  \
		"Bob <bob@x.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"                  \
		"Message-ID: <1@x>\r\nOriginal-Recipient: rfc822; anna@old.example\r\n\r\nHi.\r\n"

static struct mdn
sample(void)
{
	return (struct mdn){.final_recipient = S("rfc822; anna@example.org"),
		.original_recipient = S("rfc822; anna@old.example"),
		.original_message_id = S("<1@x>"),
		.type = MDN_DISPLAYED};
}

static int
build_in(struct buf *out, const struct mdn *m, struct arena *a, struct slice original,
	enum language language)
{
	static struct mdn_request q;
	struct mdn_letter l = {.mdn = m,
		.request = &q,
		.from_name = S("Anna \xc3\x84"),
		.from = S("anna@example.org"),
		.original = original,
		.language = language,
		.message_id = S("<n@example.org>"),
		.boundary = S("receipt-1"),
		.now = 1795299183};

	CHECK_INT(mdn_requested(S(LETTER), a, &q), 0);
	return mdn_build(out, &l);
}

static int
build(struct buf *out, const struct mdn *m, struct arena *a, struct slice original)
{
	return build_in(out, m, a, original, LANGUAGE_NONE);
}

static void
has(const struct buf *out, const char *what)
{
	if (slice_find(buf_slice(out), slice_str(what)) == SLICE_NPOS) {
		printf("missing: %s\n", what);
		t_failed++;
	}
}

static void
there_and_back(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	struct mdn m = sample(), got;

	m.extensions[m.n_extensions++] = (struct mdn_field){S("X-Colour"), S("red")};
	m.text = S("Gelesen. \xc3\xa4\r\n--receipt-1--\r\n");
	CHECK_INT(build(&out, &m, &a, SLICE_NONE), 0);
	has(&out, "\r\nTo: bob@x.example\r\n");
	has(&out, "\r\nFrom: =?utf-8?");
	has(&out, "\r\nIn-Reply-To: <1@x>\r\n");
	has(&out, "report-type=disposition-notification");
	has(&out, "\r\nDisposition: manual-action/mdn-sent-manually; displayed\r\n");
	CHECK(slice_find(buf_slice(&out), S("Auto-Submitted")) == SLICE_NPOS);
	CHECK(slice_ifind(buf_slice(&out), S("Disposition-Notification-To")) == SLICE_NPOS);
	CHECK_INT(mdn_parse(buf_slice(&out), &a, &got), 0);
	CHECK_SLICE(got.subject, S("Read: Gr\xc3\xbc\xc3\x9f\x65"));
	CHECK_SLICE(got.text, m.text);
	CHECK_SLICE(got.final_recipient, m.final_recipient);
	CHECK_SLICE(got.original_recipient, m.original_recipient);
	CHECK_SLICE(got.original_message_id, m.original_message_id);
	CHECK(!got.reporting_ua.ptr && !got.gateway.ptr && !got.n_errors);
	CHECK_INT(got.type, MDN_DISPLAYED);
	CHECK_INT(got.n_extensions, 1);
	CHECK_SLICE(got.extensions[0].value, S("red"));
	CHECK(!got.returns_original);
}

/* What a client leaves to the server. */
static void
languages(void)
{
	static const struct {
		enum language language;
		enum mdn_type type;
		const char *subject, *code, *text;
	} rows[] = {
		{LANGUAGE_NONE, MDN_DISPLAYED, "Read: ", "en", "shown to its\r\nrecipient"},
		{LANGUAGE_GERMAN, MDN_DISPLAYED, "Gelesen: ", "de", "angezeigt wurde"},
		{LANGUAGE_GERMAN, MDN_DELETED, "Gelöscht: ", "de", "gelöscht wurde"},
		{LANGUAGE_FRENCH, MDN_PROCESSED, "Traité : ", "fr", "traité le message"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(65536), field = BUF_INIT(100);
		CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
		struct mdn m = sample(), got;
		m.type = rows[i].type;
		CHECK_INT(build_in(&out, &m, &a, SLICE_NONE, rows[i].language), 0);
		CHECK_INT(mdn_parse(buf_slice(&out), &a, &got), 0);
		CHECK(slice_starts(got.subject, slice_str(rows[i].subject)));
		CHECK(slice_find(got.text, slice_str(rows[i].text)) != SLICE_NPOS);
		buf_printf(&field, "\r\nContent-Language: %s\r\n", rows[i].code);
		CHECK(slice_find(buf_slice(&out), buf_slice(&field)) != SLICE_NPOS);
		/* A text of the client's is in a language that nobody here knows. */
		m.text = S("Seen.");
		buf_reset(&out);
		CHECK_INT(build_in(&out, &m, &a, SLICE_NONE, rows[i].language), 0);
		CHECK(slice_find(buf_slice(&out), S("Content-Language")) == SLICE_NPOS);
	}
}

static void
with_original(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	struct mdn m = sample(), got;
	struct mdn_request none;

	m.action = MDN_AUTOMATIC_ACTION;
	m.sending = MDN_SENT_AUTOMATICALLY;
	m.subject = S("Read\r\nBcc: x@y.z");
	m.final_recipient = S("utf-8; j\xc3\xbcrgen@example.org");
	CHECK_INT(build(&out, &m, &a, S(LETTER)), 0);
	has(&out, "message/global-disposition-notification");
	has(&out, "\r\nAuto-Submitted: auto-replied\r\n");
	CHECK(slice_find(buf_slice(&out), S("\nBcc:")) == SLICE_NPOS);
	CHECK_INT(mdn_parse(buf_slice(&out), &a, &got), 0);
	CHECK(got.returns_original);
	CHECK_INT(got.action, MDN_AUTOMATIC_ACTION);
	CHECK_SLICE(got.final_recipient, m.final_recipient);
	/* It is never answered itself. */
	CHECK_INT(mdn_requested(buf_slice(&out), &a, &none), LL_ERR_NOTFOUND);
	buf_reset(&out);
	CHECK_INT(build(&out, &m, &a, S("a: b\r\n\r\n--receipt-1\r\n")), LL_ERR_SYNTAX);
}

static void
extensions(void)
{
	static const char *const bad[] = {
		"", "a:b", "a b", "Disposition", "final-recipient", "X\r\nBcc", "\xc3\xa4"};
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	struct mdn m = sample();

	CHECK(mdn_extension_ok(S("X-Some-Thing")));
	m.n_extensions = 1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(!mdn_extension_ok(slice_str(bad[i])));
		m.extensions[0] = (struct mdn_field){slice_str(bad[i]), S("x")};
		CHECK_INT(build(&out, &m, &a, SLICE_NONE), LL_ERR_SYNTAX);
	}
}

#define REPORT                                                                                     \
	"Subject: Read\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nSeen.\r\n"  \
	"--b\r\nContent-Type: message/disposition-notification\r\n\r\n"

static void
foreign(void)
{
	static const struct {
		const char *fields;
		int r;
		enum mdn_type type;
	} rows[] = {
		{"Final-Recipient: rfc822;a@b\r\nDisposition: automatic-action/MDN-sent-"
		 "automatically ; Displayed/error\r\nError: one\r\nError: two\r\n",
			LL_OK, MDN_DISPLAYED},
		{"Final-Recipient: rfc822;a@b\r\nDisposition: manual-action/\r\n "
		 "MDN-sent-manually;deleted\r\n",
			LL_OK, MDN_DELETED},
		{"Final-Recipient: rfc822;a@b\r\n", LL_ERR_SYNTAX, 0},
		{"Disposition: manual-action/MDN-sent-manually; displayed\r\n", LL_ERR_SYNTAX, 0},
		{"Final-Recipient: a\r\nDisposition: by-magic/MDN-sent-manually; displayed\r\n",
			LL_ERR_SYNTAX, 0},
		{"Final-Recipient: a\r\nDisposition: displayed\r\n", LL_ERR_SYNTAX, 0},
		{"", LL_ERR_SYNTAX, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(4096);
		CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
		struct mdn got = {.n_errors = 0};
		buf_printf(&in, "%s%s\r\n--b--\r\n", REPORT, rows[i].fields);
		CHECK_INT(mdn_parse(buf_slice(&in), &a, &got), rows[i].r);
		CHECK_INT(got.type, rows[i].type);
		CHECK_INT(got.n_errors, i == 0 ? 2 : 0);
	}
}

T_MAIN(T(requests), T(there_and_back), T(languages), T(with_original), T(extensions), T(foreign))
