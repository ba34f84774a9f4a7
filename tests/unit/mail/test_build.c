/* What the server writes: fields and delivery reports, read back by our own readers. */
#include "base/error.h"
#include "base/text.h"
#include "mail/build.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/meta.h"
#include "mail/search_text.h"
#include "mail/transfer.h"
#include "t.h"

static void
fields(void)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{"short", "X: short\r\n"},
		{"", "X:\r\n"},
		{"a\r\nBcc: evil\r\n\r\nbody", "X: a Bcc: evil body\r\n"},
		{"  two  words ", "X: two words\r\n"},
		{"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 x",
			"X: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n"
			" 0123456789 x\r\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
		CHECK_INT(build_field(&b, "X", slice_str(cases[i].value)), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
	}
}

static void
other_fields(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

	CHECK_INT(build_field_text(&b, "Subject",
			  S("Gr\xc3\xbc\xc3\x9f"
			    "e")),
		0);
	CHECK_INT(build_field_address(&b, "To", S("J\xc3\xbcrgen"), S("j@x.example")), 0);
	CHECK_INT(build_field_address(&b, "To", S("L., Ada"), S("a@x.example")), 0);
	CHECK_INT(build_field_address(&b, "To", SLICE_NONE, S("a@x.example")), 0);
	CHECK_INT(build_field_date(&b, "Date", 1795299183), 0);
	CHECK_INT(build_message_id(&b, S("0123456789abcdef"), S("X.Example")), 0);
	CHECK_SLICE(buf_slice(&b),
		S("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
		  "To: =?utf-8?B?SsO8cmdlbg==?= <j@x.example>\r\n"
		  "To: \"L., Ada\" <a@x.example>\r\n"
		  "To: a@x.example\r\n"
		  "Date: Sat, 21 Nov 2026 22:13:03 +0000\r\n"
		  "<60rk4csm6mv3ee1sc5h66s35cr@x.example>"));
}

static struct report_recipient recipients[] = {
	{.action = REPORT_FAILED,
		.status = {(const uint8_t *)"5.1.1", 5},
		.final = {(const uint8_t *)"bo@y.example", 12},
		.original = {(const uint8_t *)"rfc822;Bo@y.example", 19},
		.diagnostic = {(const uint8_t *)"550 5.1.1 No\r\nsuch user", 23},
		.remote = {(const uint8_t *)"mx.y.example", 12},
		.last_attempt = 1795299183},
	{.action = REPORT_DELAYED,
		.status = {(const uint8_t *)"4.4.1", 5},
		.final = {(const uint8_t *)"j\xc3\xbc@z.example", 13},
		.will_retry_until = 1795731183},
};

static struct report
report_new(void)
{
	return (struct report){.reporting_host = S("mx.x.example"),
		.sender = S("ada@x.example"),
		.message_id = S("<r1@x.example>"),
		.boundary = S("report-b1"),
		.in_reply_to = S("<m1@x.example>"),
		.envelope_id = S("QQ314159"),
		.arrival = 1795299100,
		.now = 1795299200,
		.recipients = recipients,
		.recipients_len = ARRAY_SIZE(recipients),
		.returned = S("Subject: hello\r\nFrom: ada@x.example\r\n\r\nbody\r\n")};
}

/* The body of part n of a message. */
static struct slice
part_body(struct slice message, const struct message_meta *m, uint32_t n)
{
	struct meta_part p = {0};

	CHECK_INT(meta_part_find(m, &n, 1, &p), 0);
	return slice_sub(message, p.body_start, p.body_end - p.body_start);
}

static void
meta_of(struct buf *bytes, struct slice message, struct message_meta *m)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);

	buf_reset(bytes);
	CHECK_INT(message_meta_make(bytes, message, NULL, &a), 0);
	CHECK_INT(message_meta_decode(buf_slice(bytes), m), 0);
	CHECK(!(m->flags & META_DAMAGED));
	CHECK_INT(m->parts.count >= 4, 1);
}

static void
report(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(META_BYTES_MAX);
	struct report r = report_new();
	struct message_meta m;
	struct slice all, rest;

	CHECK_INT(build_report(&b, &r), 0);
	all = rest = buf_slice(&b);
	CHECK(is_ascii(all));
	while (rest.len)
		CHECK(slice_line(&rest).len <= 998);
	meta_of(&bytes, all, &m);
	CHECK_SLICE(m.envelope.subject, S("Your message could not be delivered"));
	CHECK_SLICE(m.id, S("r1@x.example"));
	CHECK_SLICE(part_body(all, &m, 2),
		S("Reporting-MTA: dns; mx.x.example\r\n"
		  "Original-Envelope-Id: QQ314159\r\n"
		  "Arrival-Date: Sat, 21 Nov 2026 22:11:40 +0000\r\n"
		  "\r\n"
		  "Original-Recipient: rfc822;Bo@y.example\r\n"
		  "Final-Recipient: rfc822; bo@y.example\r\n"
		  "Action: failed\r\n"
		  "Status: 5.1.1\r\n"
		  "Remote-MTA: dns; mx.y.example\r\n"
		  "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
		  "Last-Attempt-Date: Sat, 21 Nov 2026 22:13:03 +0000\r\n"
		  "\r\n"
		  "Final-Recipient: utf-8; j\\x{FC}@z.example\r\n"
		  "Action: delayed\r\n"
		  "Status: 4.4.1\r\n"
		  "Will-Retry-Until: Thu, 26 Nov 2026 22:13:03 +0000\r\n"));
	CHECK_SLICE(part_body(all, &m, 3), S("Subject: hello\r\nFrom: ada@x.example\r\n\r\n"));
	CHECK(slice_find(part_body(all, &m, 1), S("mx.y.example said: 550 5.1.1 No  such user")) !=
		SLICE_NPOS);
}

/* The text for people of a report in that language. */
static void
person_text(enum language language, struct buf *ret)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(META_BYTES_MAX);
	struct report r = report_new();
	struct transfer_decoder d;
	struct message_meta m;

	r.language = language;
	CHECK_INT(build_report(&b, &r), 0);
	CHECK(is_ascii(buf_slice(&b)));
	meta_of(&bytes, buf_slice(&b), &m);
	CHECK_INT(encoded_word_decode(ret, m.envelope.subject), 0);
	buf_puts(ret, "\r\n");
	transfer_decoder_init(&d, TRANSFER_QP);
	CHECK_INT(transfer_decode(&d, part_body(buf_slice(&b), &m, 1), ret), 0);
	CHECK_INT(transfer_decode_end(&d, ret), 0);
	CHECK(slice_find(buf_slice(&b), S("\r\nAction: failed\r\n")) != SLICE_NPOS);
}

static void
report_languages(void)
{
	static const struct {
		const char *subject, *host, *said;
	} rows[LANGUAGES] = {
		[LANGUAGE_ENGLISH] = {"Your message could not be delivered\r\n",
			"This is the mail system of mx.x.example.\r\n", "mx.y.example said: 550"},
		[LANGUAGE_GERMAN] = {"Ihre Nachricht konnte nicht zugestellt werden\r\n",
			"Hier ist das Mail-System von mx.x.example.\r\n",
			"mx.y.example antwortete: 550"},
		[LANGUAGE_FRENCH] = {"Votre message n’a pas pu être remis\r\n",
			"Ici le système de messagerie de mx.x.example.\r\n",
			"mx.y.example a répondu : 550"},
	};

	for (enum language l = LANGUAGE_NONE; l < LANGUAGES; l++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(100000);
		enum language subject = l ? l : LANGUAGE_ENGLISH;
		person_text(l, &text);
		CHECK(slice_starts(buf_slice(&text), slice_str(rows[subject].subject)));
		for (enum language other = LANGUAGE_ENGLISH; other < LANGUAGES; other++) {
			bool in = !l || other == l;
			CHECK(in ==
				(slice_find(buf_slice(&text), slice_str(rows[other].host)) !=
					SLICE_NPOS));
			CHECK(in ==
				(slice_find(buf_slice(&text), slice_str(rows[other].said)) !=
					SLICE_NPOS));
		}
	}
}

static void
report_says_its_language(void)
{
	static const char *const said[LANGUAGES] = {"en, de, fr", "en", "de", "fr"};

	for (enum language l = LANGUAGE_NONE; l <= LANGUAGES; l++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(100000), field = BUF_INIT(100);
		struct report r = report_new();
		r.language = l;
		CHECK_INT(build_report(&b, &r), l < LANGUAGES ? 0 : LL_ERR_SYNTAX);
		if (l == LANGUAGES)
			continue;
		buf_printf(&field, "\r\nContent-Language: %s\r\n", said[l]);
		CHECK(slice_find(buf_slice(&b), buf_slice(&field)) != SLICE_NPOS);
	}
}

static void
report_utf8(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(META_BYTES_MAX);
	struct report r = report_new();
	struct message_meta m;

	r.utf8 = true;
	r.how = REPORT_RETURN_FULL;
	r.returned = S("Subject: h\xc3\xa9llo\r\n\r\nbody\r\n");
	CHECK_INT(build_report(&b, &r), 0);
	meta_of(&bytes, buf_slice(&b), &m);
	CHECK(slice_find(buf_slice(&b), S("Final-Recipient: utf-8; j\xc3\xbc@z.example")) !=
		SLICE_NPOS);
	CHECK(slice_find(buf_slice(&b), S("message/global-delivery-status")) != SLICE_NPOS);
	CHECK(slice_find(buf_slice(&b), S("Content-Type: message/global\r\n")) != SLICE_NPOS);
	CHECK_SLICE(part_body(buf_slice(&b), &m, 3), r.returned);
	/* To a side that takes no UTF-8 the same goes in base64. */
	r.utf8 = false;
	buf_reset(&b);
	CHECK_INT(build_report(&b, &r), 0);
	CHECK(is_ascii(buf_slice(&b)));
	meta_of(&bytes, buf_slice(&b), &m);
}

static void
report_refused(void)
{
	static const char *const boundaries[] = {"", "a b", "body", "x\"y", "Bo@y", "such"};

	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
		struct report r = report_new();
		r.boundary = slice_str(boundaries[i]);
		CHECK_INT(build_report(&b, &r), LL_ERR_SYNTAX);
		CHECK_INT(b.len, 0);
	}
	for (int i = 0; i < 3; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(i == 2 ? 500 : 100000);
		struct report r = report_new();
		if (i == 0)
			r.sender = SLICE_NONE;
		if (i == 1)
			r.sender = S("\xc3\xbc@x.example");
		CHECK_INT(build_report(&b, &r), i == 2 ? LL_ERR_LIMIT : LL_ERR_SYNTAX);
	}
}

T_MAIN(T(fields), T(other_fields), T(report), T(report_languages), T(report_says_its_language),
	T(report_utf8), T(report_refused))
