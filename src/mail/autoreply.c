/* Answering in someone's absence does harm where the other side is no person: loops, lists that get
 * it all, spammers who learn that an address is read. So most letters get no answer. */
#include "mail/autoreply.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/build.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/wording.h"

#define FIELDS_ARENA ((size_t)1 << 20)
#define LINE_OCTETS 57u /* make 76 characters of base64 */

/* --- may it be answered --- */

static bool
is_robot(struct slice local)
{
	static const char *const names[] = {"mailer-daemon", "listserv", "majordomo", "noreply",
		"no-reply", "donotreply", "do-not-reply", "bounce", "bounces"};
	static const char *const starts[] = {
		"owner-", "bounce-", "bounces-", "bounce+", "bounces+"};
	static const char *const ends[] = {
		"-request", "-owner", "-bounces", "-noreply", "-no-reply"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ieq(local, slice_str(names[i])))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct slice s = slice_str(starts[i]);
		if (local.len > s.len && slice_ieq(slice_sub(local, 0, s.len), s))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct slice s = slice_str(ends[i]);
		if (local.len > s.len && slice_ieq(slice_skip(local, local.len - s.len), s))
			return true;
	}
	return false;
}

/* The first word of a value, without parameters and comments. */
static struct slice
first_word(struct slice value)
{
	size_t n = 0;

	value = slice_trim(value);
	while (n < value.len && (is_alpha(value.ptr[n]) || value.ptr[n] == '-'))
		n++;
	return slice_sub(value, 0, n);
}

static bool
has_word(struct slice value, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(first_word(value), slice_str(words[i])))
			return true;
	return false;
}

/* A field by which a robot, a list or a bulk sender says what it is. */
static bool
is_mark(const struct header_field *f)
{
	static const char *const bulk[] = {"bulk", "list", "junk", "auto_reply"};
	static const char *const suppress[] = {"all", "oof", "autoreply"};

	if (slice_ieq(f->name, S("Auto-Submitted")))
		return !slice_ieq(first_word(f->value), S("no"));
	if (f->name.len > 5 && slice_ieq(slice_sub(f->name, 0, 5), S("List-")))
		return true;
	if (slice_ieq(f->name, S("Precedence")))
		return has_word(f->value, bulk, ARRAY_SIZE(bulk));
	if (slice_ieq(f->name, S("X-Auto-Response-Suppress")))
		return has_word(f->value, suppress, ARRAY_SIZE(suppress));
	return slice_ieq(f->name, S("Feedback-ID")) || slice_ieq(f->name, S("X-Loop"));
}

static bool
is_address_field(struct slice name)
{
	static const char *const names[] = {
		"To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ieq(name, slice_str(names[i])))
			return true;
	return false;
}

static bool
same_address(const struct address *a, struct slice spec)
{
	CLEANUP(buf_done) struct buf mine = BUF_INIT(1024);

	return a->kind == ADDRESS_MAILBOX &&
		address_put_spec(&mine, a->local, a->domain) == LL_OK &&
		slice_ieq(buf_slice(&mine), spec);
}

static bool
names_recipient(struct slice value, struct slice recipient)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(FIELDS_ARENA);
	struct address_list list = {0};

	if (address_list_parse(value, &arena, &list))
		return false;
	for (size_t i = 0; i < list.len; i++)
		if (same_address(&list.at[i], recipient))
			return true;
	return false;
}

bool
autoreply_allowed(struct slice header, struct slice return_path, struct slice recipient)
{
	size_t at = slice_rfind_byte(return_path, '@');
	struct header_iter it = header_iter_new(header);
	struct header_field f;
	bool named = false;

	if (at == SLICE_NPOS || is_robot(slice_sub(return_path, 0, at)) ||
		slice_ieq(return_path, recipient))
		return false;
	while (header_next(&it, &f)) {
		if (is_mark(&f))
			return false;
		named = named || (is_address_field(f.name) && names_recipient(f.value, recipient));
	}
	return named;
}

/* --- the reply --- */

static void
put_subject(struct buf *out, const struct autoreply *a)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(8192), text = BUF_INIT(8192);
	struct header_field f;

	if (a->subject.len) {
		build_field_text(out, "Subject", slice_sub(a->subject, 0, AUTOREPLY_SUBJECT_MAX));
		return;
	}
	buf_puts(&text, wording(a->language)->away_subject);
	if (header_find(a->header, S("Subject"), &f) && header_unfold(&raw, f.value) == LL_OK)
		(void)encoded_word_decode(&text, buf_slice(&raw));
	build_field_text(out, "Subject", buf_slice(&text));
}

/* In-Reply-To and References (RFC 5322 section 3.6.4). */
static void
put_thread(struct buf *out, const struct autoreply *a)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(1024), refs = BUF_INIT(AUTOREPLY_REFERENCES_MAX);
	struct header_field f;

	if (!header_find(a->header, S("Message-ID"), &f) || header_unfold(&id, f.value) || !id.len)
		return;
	build_field_ids(out, "In-Reply-To", buf_slice(&id));
	if (header_find(a->header, S("References"), &f) && header_unfold(&refs, f.value) == LL_OK &&
		refs.len)
		buf_putc(&refs, ' ');
	if (refs.err || buf_put(&refs, buf_slice(&id))) {
		buf_reset(&refs);
		(void)buf_put(&refs, buf_slice(&id));
	}
	build_field_ids(out, "References", buf_slice(&refs));
}

static void
put_part(struct buf *out, const char *subtype, struct slice text)
{
	buf_printf(out,
		"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		subtype);
	for (size_t at = 0; at < text.len; at += LINE_OCTETS) {
		(void)base64_encode(out, slice_sub(text, at, LINE_OCTETS));
		buf_puts(out, "\r\n");
	}
}

static void
put_body(struct buf *out, const struct autoreply *a)
{
	if (!a->html.len && !a->text.len) {
		enum language l = a->language ? a->language : LANGUAGE_ENGLISH;
		build_field(out, "Content-Language", slice_str(language_code(l)));
		put_part(out, "plain", slice_str(wording(l)->away_text));
		return;
	}
	if (!a->html.len || !a->text.len) {
		put_part(out, a->html.len ? "html" : "plain", a->html.len ? a->html : a->text);
		return;
	}
	buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%.*s\"\r\n\r\n",
		SLICE_ARG(a->boundary));
	buf_printf(out, "--%.*s\r\n", SLICE_ARG(a->boundary));
	put_part(out, "plain", a->text);
	buf_printf(out, "--%.*s\r\n", SLICE_ARG(a->boundary));
	put_part(out, "html", a->html);
	buf_printf(out, "--%.*s--\r\n", SLICE_ARG(a->boundary));
}

int
autoreply_build(struct buf *out, const struct autoreply *a)
{
	build_field_date(out, "Date", a->now);
	build_field_address(out, "From", SLICE_NONE, a->from);
	build_field_address(out, "To", SLICE_NONE, a->to);
	put_subject(out, a);
	build_field(out, "Message-ID", a->message_id);
	put_thread(out, a);
	buf_puts(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	put_body(out, a);
	return buf_err(out);
}
