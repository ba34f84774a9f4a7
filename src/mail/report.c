/* Delivery status notifications: a multipart/report (RFC 6522) of a text for people, the fields of
 * RFC 3464, and the message they are about; in the forms of RFC 6533 where UTF-8 comes in. */
#include "base/error.h"
#include "base/text.h"
#include "mail/build.h"
#include "mail/header.h"
#include "mail/transfer.h"
#include "mail/wording.h"

#include <string.h>

#define BOUNDARY_MAX 70
#define REPORT_TEXT_MAX ((size_t)1 << 20)

#define LINE_TEXT_MAX 76 /* RFC 3676 section 4.2 */

static const char *const actions[REPORT_ACTIONS] = {
	"failed", "delayed", "delivered", "relayed", "expanded"};

/* ---- text for 7-bit fields ---- */

/* RFC 6533 section 3: other characters as \x{HEX} (utf-8-addr-unitext). */
static int
put_unitext(struct buf *out, struct slice utf8)
{
	size_t n;

	for (; utf8.len; utf8 = slice_skip(utf8, n)) {
		uint32_t c = utf8_get(utf8, &n);
		if (c < 0x80)
			buf_putc(out, (uint8_t)c);
		else
			buf_printf(out, "\\x{%X}", c);
	}
	return buf_err(out);
}

/* "type; value", in 7 bits unless the report may hold UTF-8. Nothing for an empty value. */
static int
put_typed(struct buf *out, const char *name, const char *type, struct slice value, bool utf8)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(REPORT_TEXT_MAX);

	if (!value.len)
		return buf_err(out);
	if (type)
		buf_printf(&b, "%s; ", type);
	if (utf8 && utf8_valid(value))
		buf_put(&b, value);
	else
		put_unitext(&b, value);
	return buf_err(&b) ? buf_err(&b) : build_field(out, name, buf_slice(&b));
}

/* ---- the parts ---- */

static bool
is_ascii_report(const struct report *r)
{
	bool ascii = is_ascii(r->envelope_id);

	for (size_t i = 0; i < r->recipients_len; i++)
		ascii = ascii && is_ascii(r->recipients[i].final) &&
			is_ascii(r->recipients[i].original) &&
			is_ascii(r->recipients[i].diagnostic);
	return ascii;
}

/* The first that occurs speaks for the report. */
static enum report_action
first_action(const struct report *r)
{
	enum report_action first = REPORT_EXPANDED;

	for (size_t i = 0; i < r->recipients_len; i++)
		first = MIN(first, r->recipients[i].action);
	return first;
}

static void
put_separator(struct buf *out, const struct report *r, const char *end)
{
	buf_puts(out, "\r\n--");
	buf_put(out, r->boundary);
	buf_puts(out, end);
}

static void
put_header(struct buf *out, const struct report *r)
{
	CLEANUP(buf_done) struct buf from = BUF_INIT(1024);
	const struct wording *w = wording(r->language);
	const char *subject = w->reports[first_action(r)].subject;

	buf_puts(&from, "postmaster@");
	buf_put(&from, r->reporting_host);
	build_field_address(out, "From", slice_str(w->report_from), buf_slice(&from));
	build_field(out, "To", r->sender);
	build_field_text(out, "Subject", r->subject.len ? r->subject : slice_str(subject));
	build_field_date(out, "Date", r->now);
	build_field(out, "Message-ID", r->message_id);
	build_field_ids(out, "In-Reply-To", r->in_reply_to);
	build_field_ids(out, "References", r->in_reply_to);
	build_field(out, "Auto-Submitted", S("auto-replied"));
	build_field(out, "MIME-Version", S("1.0"));
	buf_puts(out,
		"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"");
	buf_put(out, r->boundary);
	buf_puts(out, "\"\r\n");
}

/* Untrusted text of other hosts on one line. */
static void
put_line(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_putc(out, s.ptr[i] < ' ' || s.ptr[i] == 0x7f ? ' ' : s.ptr[i]);
}

static void
put_person_recipient(struct buf *out, const struct report_recipient *p, const struct wording *w)
{
	buf_puts(out, "\r\n  <");
	put_line(out, p->final);
	buf_puts(out, ">\r\n");
	if (p->diagnostic.len) {
		buf_puts(out, "    ");
		if (p->remote.len) {
			put_line(out, p->remote);
			buf_puts(out, w->report_said);
		}
		put_line(out, p->diagnostic);
		buf_puts(out, "\r\n");
	}
	if (p->action == REPORT_DELAYED && p->will_retry_until) {
		buf_printf(out, "    %s", w->report_until);
		date_put_rfc5322(out, p->will_retry_until);
		buf_puts(out, "\r\n");
	}
}

static void
put_person_text(struct buf *out, const struct report *r, const struct wording *w)
{
	buf_puts(out, w->report_host);
	put_line(out, r->reporting_host);
	buf_puts(out, ".\r\n");
	for (size_t a = 0; a < ARRAY_SIZE(actions); a++) {
		bool said = false;
		for (size_t i = 0; i < r->recipients_len; i++) {
			if ((size_t)r->recipients[i].action != a)
				continue;
			if (!said) {
				buf_puts(out, "\r\n");
				buf_puts(out, w->reports[a].text);
			}
			said = true;
			put_person_recipient(out, &r->recipients[i], w);
		}
	}
}

/* In the sender's language; one after the other in all, where nobody knows it (RFC 3282 for their
 * list). */
static void
put_person_texts(struct buf *out, struct buf *codes, const struct report *r)
{
	enum language first = r->language ? r->language : LANGUAGE_ENGLISH,
		      last = r->language ? r->language : LANGUAGES - 1;

	for (enum language l = first; l <= last; l++) {
		for (unsigned i = 0; l != first && i < LINE_TEXT_MAX; i++)
			buf_puts(out, i ? "-" : "\r\n-");
		buf_puts(out, l == first ? "" : "\r\n\r\n");
		buf_printf(codes, "%s%s", l == first ? "" : ", ", language_code(l));
		put_person_text(out, r, wording(l));
	}
}

static int
put_person_part(struct buf *out, const struct report *r)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(REPORT_TEXT_MAX), codes = BUF_INIT(64);
	bool ascii;

	put_person_texts(&text, &codes, r);
	if (buf_err(&text))
		return buf_err(&text);
	ascii = is_ascii(buf_slice(&text));
	put_separator(out, r, "\r\n");
	build_field(out, "Content-Type", S("text/plain; charset=utf-8"));
	build_field(out, "Content-Language", buf_slice(&codes));
	build_field(out, "Content-Transfer-Encoding", ascii ? S("7bit") : S("quoted-printable"));
	buf_puts(out, "\r\n");
	return ascii ? buf_put(out, buf_slice(&text)) : transfer_encode_qp(out, buf_slice(&text));
}

static void
put_recipient(struct buf *out, const struct report_recipient *p, bool utf8)
{
	const char *type = is_ascii(p->final) ? "rfc822" : "utf-8";

	buf_puts(out, "\r\n");
	put_typed(out, "Original-Recipient", NULL, p->original, utf8);
	put_typed(out, "Final-Recipient", type, p->final, utf8);
	build_field(out, "Action", slice_str(actions[p->action]));
	build_field(out, "Status", p->status);
	put_typed(out, "Remote-MTA", "dns", p->remote, utf8);
	put_typed(out, "Diagnostic-Code", "smtp", p->diagnostic, utf8);
	if (p->last_attempt)
		build_field_date(out, "Last-Attempt-Date", p->last_attempt);
	if (p->will_retry_until && p->action == REPORT_DELAYED)
		build_field_date(out, "Will-Retry-Until", p->will_retry_until);
}

static void
put_machine_part(struct buf *out, const struct report *r)
{
	bool global = r->utf8 && !is_ascii_report(r);

	put_separator(out, r, "\r\n");
	build_field(out, "Content-Type",
		global ? S("message/global-delivery-status") : S("message/delivery-status"));
	if (global)
		build_field(out, "Content-Transfer-Encoding", S("8bit"));
	buf_puts(out, "\r\n");
	put_typed(out, "Reporting-MTA", "dns", r->reporting_host, false);
	put_typed(out, "Original-Envelope-Id", NULL, r->envelope_id, global);
	if (r->arrival)
		build_field_date(out, "Arrival-Date", r->arrival);
	for (size_t i = 0; i < r->recipients_len; i++)
		put_recipient(out, &r->recipients[i], global);
}

/* ---- the returned message ---- */

/* All of it, unless it holds what only a binary body may. */
static bool
returns_full(const struct report *r)
{
	return r->how == REPORT_RETURN_FULL && slice_find_byte(r->returned, 0) == SLICE_NPOS;
}

static void
put_returned_part(struct buf *out, const struct report *r)
{
	static const char *const types[2][2] = {{"text/rfc822-headers", "message/rfc822"},
		{"message/global-headers", "message/global"}};
	bool full = returns_full(r);
	struct slice header = slice_sub(r->returned, 0, header_length(r->returned));
	struct slice body = full ? r->returned : header;
	bool global = !is_ascii(header), encode = global && !r->utf8;

	put_separator(out, r, "\r\n");
	build_field(out, "Content-Type", slice_str(types[global][full]));
	build_field(out, "Content-Transfer-Encoding",
		encode			 ? S("base64")
			: is_ascii(body) ? S("7bit")
					 : S("8bit"));
	buf_puts(out, "\r\n");
	if (encode)
		transfer_encode_base64(out, body);
	else
		buf_put(out, body);
}

/* ---- the whole ---- */

static bool
boundary_ok(struct slice b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!is_alpha(b.ptr[i]) && !is_digit(b.ptr[i]) &&
			(!b.ptr[i] || !strchr("'()+_,-./:=?", b.ptr[i])))
			return false;
	return b.len && b.len <= BOUNDARY_MAX;
}

/* Whether any text that goes into the report holds the boundary. */
static bool
boundary_occurs(const struct report *r)
{
	bool found = slice_find(r->returned, r->boundary) != SLICE_NPOS ||
		slice_find(r->envelope_id, r->boundary) != SLICE_NPOS;

	for (size_t i = 0; i < r->recipients_len; i++)
		found = found ||
			slice_find(r->recipients[i].diagnostic, r->boundary) != SLICE_NPOS ||
			slice_find(r->recipients[i].original, r->boundary) != SLICE_NPOS ||
			slice_find(r->recipients[i].final, r->boundary) != SLICE_NPOS;
	return found;
}

int
build_report(struct buf *out, const struct report *r)
{
	int err;

	if ((unsigned)r->language >= LANGUAGES || !boundary_ok(r->boundary) || boundary_occurs(r) ||
		!r->sender.len || !r->recipients_len || (!r->utf8 && !is_ascii(r->sender)))
		return LL_ERR_SYNTAX;
	put_header(out, r);
	err = put_person_part(out, r);
	if (err)
		return err;
	put_machine_part(out, r);
	put_returned_part(out, r);
	put_separator(out, r, "--\r\n");
	return buf_err(out);
}
