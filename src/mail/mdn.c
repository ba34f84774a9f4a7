/* Notifications tell a stranger that somebody reads here, and when: so a letter must ask for one in
 * the right form, and the answer says what its reader let be said and no more. */
#include "mail/mdn.h"
#include "base/error.h"
#include "base/text.h"
#include "mail/build.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/transfer.h"
#include "mail/wording.h"

#define SUBJECT_MAX ((size_t)4096)
#define VALUE_MAX ((size_t)65536)
#define NAME_MAX_LEN 76

const char *const mdn_actions[] = {"manual-action", "automatic-action"};
const char *const mdn_sendings[] = {"mdn-sent-manually", "mdn-sent-automatically"};
const char *const mdn_types[] = {"deleted", "dispatched", "displayed", "processed"};

/* ---- What a letter asks for ---- */

static bool
same_address(const struct address *a, const struct address *b)
{
	return a->domain.len && slice_eq(a->local, b->local) && slice_ieq(a->domain, b->domain);
}

/* A notification or a delivery report. */
static bool
is_report(struct slice header, struct arena *a)
{
	struct header_field f;
	struct mime_content type;

	return header_find(header, S("Content-Type"), &f) &&
		!mime_content_parse(f.value, a, &type) && slice_ieq(type.type, S("multipart")) &&
		slice_ieq(type.subtype, S("report"));
}

static struct slice
unfolded(struct slice header, const char *name, struct arena *a)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct header_field f;

	if (!header_find(header, slice_str(name), &f) || header_unfold(&value, f.value))
		return SLICE_NONE;
	return arena_dup(a, buf_slice(&value));
}

static struct slice
subject_of(struct slice header, struct arena *a)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(SUBJECT_MAX);
	struct header_field f;

	if (!header_find(header, S("Subject"), &f) || encoded_word_decode(&text, f.value))
		return SLICE_NONE;
	return arena_dup(a, buf_slice(&text));
}

/* Every address is one that can be written to, and there is one. */
static bool
can_be_answered(const struct address_list *to)
{
	for (size_t i = 0; i < to->len; i++)
		if (to->at[i].kind != ADDRESS_MAILBOX || !to->at[i].local.len ||
			!to->at[i].domain.len)
			return false;
	return to->len > 0 && !to->damaged;
}

int
mdn_requested(struct slice header, struct arena *a, struct mdn_request *ret)
{
	struct address_list path = {0};
	struct mdn_request q = {.plain = false};
	struct header_field f;
	int r;

	if (!header_find(header, S("Disposition-Notification-To"), &f) || is_report(header, a))
		return LL_ERR_NOTFOUND;
	r = address_list_parse(f.value, a, &q.to);
	if (r)
		return r;
	if (!can_be_answered(&q.to))
		return LL_ERR_NOTFOUND;
	if (header_find(header, S("Return-Path"), &f))
		r = address_list_parse(f.value, a, &path);
	if (r)
		return r;
	q.plain = q.to.len == 1 && path.len == 1 && same_address(&q.to.at[0], &path.at[0]);
	q.message_id = unfolded(header, "Message-ID", a);
	q.original_recipient = unfolded(header, "Original-Recipient", a);
	q.subject = subject_of(header, a);
	*ret = q;
	return LL_OK;
}

/* ---- Making one ---- */

bool
mdn_extension_ok(struct slice name)
{
	static const char *const ours[] = {"Reporting-UA", "MDN-Gateway", "Original-Recipient",
		"Final-Recipient", "Original-Message-ID", "Disposition", "Error"};

	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || name.ptr[i] == ':')
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (slice_ieq(name, slice_str(ours[i])))
			return false;
	return name.len && name.len <= NAME_MAX_LEN;
}

static void
put_to(struct buf *out, const struct address_list *to)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(VALUE_MAX);

	for (size_t i = 0; i < to->len; i++) {
		struct address bare = {.local = to->at[i].local, .domain = to->at[i].domain};
		if (i)
			buf_puts(&list, ", ");
		(void)address_put(&list, &bare);
	}
	build_field(out, "To", buf_slice(&list));
}

static void
put_subject(struct buf *out, const struct mdn_letter *l)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(2 * SUBJECT_MAX);

	if (!l->mdn->subject.ptr) {
		buf_puts(&text, wording(l->language)->receipts[l->mdn->type].subject);
		buf_put(&text, l->request->subject);
	} else {
		buf_put(&text, l->mdn->subject);
	}
	build_field_text(out, "Subject", buf_slice(&text));
}

static void
put_header(struct buf *out, const struct mdn_letter *l)
{
	build_field_date(out, "Date", l->now);
	build_field_address(out, "From", l->from_name, l->from);
	put_to(out, &l->request->to);
	put_subject(out, l);
	build_field(out, "Message-ID", l->message_id);
	build_field_ids(out, "In-Reply-To", l->request->message_id);
	build_field_ids(out, "References", l->request->message_id);
	if (l->mdn->action == MDN_AUTOMATIC_ACTION)
		build_field(out, "Auto-Submitted", S("auto-replied"));
	build_field(out, "MIME-Version", S("1.0"));
	buf_puts(out,
		"Content-Type: multipart/report; report-type=disposition-notification;\r\n"
		" boundary=\"");
	buf_put(out, l->boundary);
	buf_puts(out, "\"\r\n");
}

static void
put_separator(struct buf *out, const struct mdn_letter *l, const char *end)
{
	buf_puts(out, "\r\n--");
	buf_put(out, l->boundary);
	buf_puts(out, end);
}

/* In base64, since it is anybody's text: no line of it can be a boundary. */
static void
put_text(struct buf *out, const struct mdn_letter *l)
{
	const char *usual = wording(l->language)->receipts[l->mdn->type].text;
	enum language language = l->language ? l->language : LANGUAGE_ENGLISH;
	bool own = l->mdn->text.ptr != NULL;

	put_separator(out, l, "\r\n");
	build_field(out, "Content-Type", S("text/plain; charset=utf-8"));
	if (!own)
		build_field(out, "Content-Language", slice_str(language_code(language)));
	buf_puts(out, "Content-Transfer-Encoding: base64\r\n\r\n");
	transfer_encode_base64(out, own ? l->mdn->text : slice_str(usual));
}

static void
put_value(struct buf *out, const char *name, struct slice value)
{
	if (value.len)
		build_field(out, name, value);
}

static bool
is_global(const struct mdn *m)
{
	bool ascii = is_ascii(m->reporting_ua) && is_ascii(m->original_recipient) &&
		is_ascii(m->final_recipient);

	for (size_t i = 0; i < m->n_extensions; i++)
		ascii = ascii && is_ascii(m->extensions[i].value);
	return !ascii;
}

static int
put_fields(struct buf *out, const struct mdn *m)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(256);

	put_value(out, "Reporting-UA", m->reporting_ua);
	put_value(out, "MDN-Gateway", m->gateway);
	put_value(out, "Original-Recipient", m->original_recipient);
	build_field(out, "Final-Recipient", m->final_recipient);
	build_field_ids(out, "Original-Message-ID", m->original_message_id);
	buf_printf(&b, "%s/%s; %s", mdn_actions[m->action], mdn_sendings[m->sending],
		mdn_types[m->type]);
	build_field(out, "Disposition", buf_slice(&b));
	for (size_t i = 0; i < m->n_errors; i++)
		put_value(out, "Error", m->errors[i]);
	for (size_t i = 0; i < m->n_extensions; i++) {
		if (!mdn_extension_ok(m->extensions[i].name))
			return LL_ERR_SYNTAX;
		buf_reset(&b);
		buf_put(&b, m->extensions[i].name);
		buf_putc(&b, 0);
		build_field(out, (const char *)b.ptr, m->extensions[i].value);
	}
	return buf_err(out);
}

static int
put_machine(struct buf *out, const struct mdn_letter *l)
{
	bool global = is_global(l->mdn);

	put_separator(out, l, "\r\n");
	build_field(out, "Content-Type",
		global ? S("message/global-disposition-notification")
		       : S("message/disposition-notification"));
	if (global)
		build_field(out, "Content-Transfer-Encoding", S("8bit"));
	buf_puts(out, "\r\n");
	return put_fields(out, l->mdn);
}

static void
put_original(struct buf *out, const struct mdn_letter *l)
{
	struct slice header = slice_sub(l->original, 0, header_length(l->original));

	put_separator(out, l, "\r\n");
	build_field(
		out, "Content-Type", is_ascii(header) ? S("message/rfc822") : S("message/global"));
	build_field(
		out, "Content-Transfer-Encoding", is_ascii(l->original) ? S("7bit") : S("8bit"));
	buf_puts(out, "\r\n");
	buf_put(out, l->original);
}

int
mdn_build(struct buf *out, const struct mdn_letter *l)
{
	int r;

	if (!l->boundary.len || slice_find(l->original, l->boundary) != SLICE_NPOS)
		return LL_ERR_SYNTAX;
	put_header(out, l);
	put_text(out, l);
	r = put_machine(out, l);
	if (r)
		return r;
	if (l->original.len)
		put_original(out, l);
	put_separator(out, l, "--\r\n");
	return buf_err(out);
}
