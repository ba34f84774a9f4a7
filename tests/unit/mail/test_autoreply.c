/* Who gets a vacation notice, and what it says. */
#include "t.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/autoreply.h"
#include "mail/header.h"
#include "mail/transfer.h"

#define ME S("anna@example.org")
#define TO_ME "To: Anna <ANNA@example.org>\r\n"

static void
wrong(const char *a, const char *b)
{
	printf("%s %s\n", a, b);
	t_failed++;
}

static void
allowed(void)
{
	static const struct {
		const char *header, *from;
		bool yes;
	} rows[] = {
		{TO_ME "Subject: hi\r\n\r\n", "bob@x.example", true},
		{"Cc: \"A, B\" <b@c.d>,\r\n anna@example.org\r\n\r\n", "bob@x.example", true},
		{"Resent-To: anna@example.org\r\n\r\n", "bob@x.example", true},
		{TO_ME "Auto-Submitted: no\r\n\r\n", "bob@x.example", true},
		{TO_ME "Precedence: first-class\r\n\r\n", "bob@x.example", true},
		/* not named */
		{"To: list@example.org\r\n\r\n", "bob@x.example", false},
		{"Subject: anna@example.org\r\n\r\n", "bob@x.example", false},
		{"Subject: hi\r\n\r\nTo: anna@example.org\r\n", "bob@x.example", false},
		/* robots */
		{TO_ME "\r\n", "", false},
		{TO_ME "\r\n", "nobody", false},
		{TO_ME "\r\n", "MAILER-DAEMON@x.example", false},
		{TO_ME "\r\n", "owner-list@x.example", false},
		{TO_ME "\r\n", "list-request@x.example", false},
		{TO_ME "\r\n", "No-Reply@x.example", false},
		{TO_ME "\r\n", "bounces+17=anna@x.example", false},
		{TO_ME "\r\n", "ANNA@example.org", false},
		/* marks */
		{TO_ME "Auto-Submitted: auto-generated; x=y\r\n\r\n", "bob@x.example", false},
		{TO_ME "auto-submitted: auto-replied\r\n\r\n", "bob@x.example", false},
		{TO_ME "List-Id: <l.example>\r\n\r\n", "bob@x.example", false},
		{TO_ME "List-Unsubscribe: <mailto:x@y>\r\n\r\n", "bob@x.example", false},
		{TO_ME "Precedence: Bulk\r\n\r\n", "bob@x.example", false},
		{TO_ME "X-Auto-Response-Suppress: OOF, DR\r\n\r\n", "bob@x.example", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (autoreply_allowed(slice_str(rows[i].header), slice_str(rows[i].from), ME) !=
			rows[i].yes)
			wrong(rows[i].header, rows[i].from);
}

static struct autoreply
sample(void)
{
	return (struct autoreply){
		.header = S("From: b@x.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
			    "Message-ID: <2@x>\r\nReferences: <0@x>\r\n <1@x>\r\n\r\n"),
		.from = ME,
		.to = S("b@x.example"),
		.text = S("Ich bin w\xc3\xa4hrend der Woche nicht da."),
		.message_id = S("<n@example.org>"),
		.boundary = S("notice-1"),
		.now = 1795299183};
}

static void
has(const struct buf *out, const char *what)
{
	if (slice_find(buf_slice(out), slice_str(what)) == SLICE_NPOS)
		wrong(what, "");
}

static void
reply(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	struct autoreply a = sample();
	struct header_field f;

	CHECK_INT(autoreply_build(&out, &a), 0);
	has(&out, "\r\nFrom: anna@example.org\r\n");
	has(&out, "\r\nTo: b@x.example\r\n");
	has(&out, "\r\nSubject: =?utf-8?B?QXV0bzogR3LDvMOfZQ==?=\r\n");
	has(&out, "\r\nIn-Reply-To: <2@x>\r\n");
	has(&out, "\r\nReferences: <0@x> <1@x> <2@x>\r\n");
	has(&out, "\r\nAuto-Submitted: auto-replied\r\n");
	CHECK(header_find(buf_slice(&out), S("Content-Type"), &f));
	CHECK(!autoreply_allowed(
		buf_slice(&out), ME, S("b@x.example"))); /* never answered itself */
}

static void
two_forms(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	struct autoreply a = sample();

	a.subject = S("Away\r\nBcc: x@y.z");
	a.html = S("<p>away");
	CHECK_INT(autoreply_build(&out, &a), 0);
	has(&out, "multipart/alternative; boundary=\"notice-1\"");
	has(&out, "PHA+YXdheQ==\r\n--notice-1--\r\n");
	CHECK(slice_find(buf_slice(&out), S("\nBcc:")) == SLICE_NPOS);
	CHECK(slice_find(buf_slice(&out), S("Content-Language")) == SLICE_NPOS);
}

/* What its owner has left out is in the owner's language, and says so. */
static void
left_out(void)
{
	static const struct {
		enum language language;
		const char *subject, *code, *text; /* as they are encoded */
	} rows[] = {
		{LANGUAGE_NONE, "=?utf-8?B?QXV0bzogR3LDvMOfZQ==?=", "en",
			"I am away and will read your message later.\r\n"},
		{LANGUAGE_GERMAN, "=?utf-8?B?QXV0b21hdGlzY2hlIEFudHdvcnQ6IEdyw7zDn2U=?=", "de",
			"Ich bin nicht da und lese Ihre Nachricht später.\r\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(65536), text = BUF_INIT(4096);
		struct autoreply a = sample();
		struct header_field f;
		struct transfer_decoder d;
		a.language = rows[i].language;
		a.text = SLICE_NONE;
		CHECK_INT(autoreply_build(&out, &a), 0);
		CHECK(header_find(buf_slice(&out), S("Subject"), &f));
		CHECK_SLICE(slice_trim(f.value), slice_str(rows[i].subject));
		CHECK(header_find(buf_slice(&out), S("Content-Language"), &f));
		CHECK_SLICE(slice_trim(f.value), slice_str(rows[i].code));
		transfer_decoder_init(&d, TRANSFER_BASE64);
		CHECK_INT(
			transfer_decode(&d,
				slice_skip(buf_slice(&out), header_length(buf_slice(&out))), &text),
			0);
		CHECK_SLICE(buf_slice(&text), slice_str(rows[i].text));
	}
}

/* What a stranger's header says of ids goes into ours only as ids. */
static void
ids(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	struct autoreply a = sample();

	a.header =
		S("Message-ID: <2@x>\r\nReferences: <0@x>\r\n\t<1@x> bob <\xc3\xa4@x> <>\r\n\r\n");
	CHECK_INT(autoreply_build(&out, &a), 0);
	has(&out, "\r\nReferences: <0@x> <1@x> <2@x>\r\n");
	buf_reset(&out);
	a.header = S("Message-ID: nonsense\r\nReferences: more\r\n\r\n");
	CHECK_INT(autoreply_build(&out, &a), 0);
	CHECK(slice_find(buf_slice(&out), S("In-Reply-To:")) == SLICE_NPOS);
	CHECK(slice_find(buf_slice(&out), S("References:")) == SLICE_NPOS);
}

T_MAIN(T(allowed), T(reply), T(two_forms), T(left_out), T(ids))
