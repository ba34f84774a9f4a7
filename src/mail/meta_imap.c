/* ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 section 7.5.2) rendered from metadata. */
#include "base/error.h"
#include "base/text.h"
#include "mail/meta.h"

#include <string.h>

struct render {
	struct buf *out;
	unsigned flags;
	bool extended; /* BODYSTRUCTURE */
};

/* ---- strings ---- */

/* Whether a quoted string can hold it. */
static bool
is_quotable(struct slice s, unsigned flags)
{
	bool high = false;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (c == '\r' || c == '\n' || c == 0)
			return false;
		high |= c >= 0x80;
	}
	return !high || ((flags & META_IMAP_UTF8) && utf8_valid(s));
}

static int
put_literal(struct buf *out, struct slice s)
{
	buf_putc(out, '{');
	buf_put_u64dec(out, s.len);
	buf_puts(out, "}\r\n");
	return buf_put(out, s);
}

static int
put_escaped(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.ptr[i]);
	}
	return buf_putc(out, '"');
}

/* The common case in one pass: false when something in it stands against that. */
static bool
put_plain(struct buf *out, struct slice s)
{
	uint8_t *p = buf_room(out, s.len + 2);

	if (!p)
		return true;
	*p++ = '"';
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
		*p++ = c;
	}
	*p = '"';
	buf_grow(out, s.len + 2);
	return true;
}

int
meta_imap_string(struct buf *out, struct slice s, unsigned flags)
{
	if (!s.ptr)
		return buf_put(out, S("NIL"));
	if (put_plain(out, s))
		return buf_err(out);
	return is_quotable(s, flags) ? put_escaped(out, s) : put_literal(out, s);
}

static void
put_string(struct render *r, struct slice s)
{
	if (!s.ptr) {
		buf_put(r->out, S(" NIL"));
		return;
	}
	buf_putc(r->out, ' ');
	meta_imap_string(r->out, s, r->flags);
}

static void
put_number(struct render *r, uint32_t n)
{
	buf_putc(r->out, ' ');
	buf_put_u64dec(r->out, n);
}

/* ---- ENVELOPE ---- */

/* (name adl mailbox host). A group starts with its name as mailbox and no host, and ends with no
 * mailbox; a mailbox without a domain has the empty host. */
static void
put_address(struct render *r, const struct address *a)
{
	bool mailbox = a->kind == ADDRESS_MAILBOX;

	buf_putc(r->out, '(');
	meta_imap_string(r->out, mailbox ? a->name : SLICE_NONE, r->flags);
	put_string(r, a->route);
	put_string(r, mailbox ? a->local : a->kind == ADDRESS_GROUP ? a->name : SLICE_NONE);
	put_string(r, mailbox && !a->domain.ptr ? S("") : a->domain);
	buf_putc(r->out, ')');
}

static void
put_addresses(struct render *r, struct meta_list l)
{
	struct address a;

	buf_putc(r->out, ' ');
	if (!l.count) {
		buf_put(r->out, S("NIL"));
		return;
	}
	buf_putc(r->out, '(');
	while (meta_address_next(&l, &a))
		put_address(r, &a);
	buf_putc(r->out, ')');
}

static void
put_envelope(struct render *r, const struct meta_envelope *e)
{
	buf_putc(r->out, '(');
	meta_imap_string(r->out, e->date, r->flags);
	put_string(r, e->subject);
	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++) {
		bool from = (i == META_SENDER || i == META_REPLY_TO) && !e->lists[i].count;
		put_addresses(r, e->lists[from ? META_FROM : i]);
	}
	put_string(r, e->in_reply_to);
	put_string(r, e->message_id);
	buf_putc(r->out, ')');
}

int
meta_imap_envelope(struct buf *out, const struct message_meta *m, unsigned flags)
{
	struct render r = {.out = out, .flags = flags};

	put_envelope(&r, &m->envelope);
	return buf_err(out);
}

/* ---- BODY and BODYSTRUCTURE ---- */

static void
put_params(struct render *r, struct meta_list l, struct slice none)
{
	struct mime_param p;
	bool first = true;

	if (!l.count) {
		buf_put(r->out, none);
		return;
	}
	buf_put(r->out, S(" ("));
	while (meta_param_next(&l, &p)) {
		if (!first)
			buf_putc(r->out, ' ');
		meta_imap_string(r->out, p.name, r->flags);
		put_string(r, p.value);
		first = false;
	}
	buf_putc(r->out, ')');
}

static void
put_languages(struct render *r, struct meta_list l)
{
	struct slice s;
	bool first = true;

	if (!l.count) {
		buf_put(r->out, S(" NIL"));
		return;
	}
	buf_put(r->out, S(" ("));
	for (; meta_string_next(&l, &s); first = false) {
		if (!first)
			buf_putc(r->out, ' ');
		meta_imap_string(r->out, s, r->flags);
	}
	buf_putc(r->out, ')');
}

/* Disposition, language, location: the end of every part's extension data. */
static void
put_extension(struct render *r, const struct meta_part *p)
{
	if (p->disposition.ptr) {
		buf_put(r->out, S(" ("));
		meta_imap_string(r->out, p->disposition, r->flags);
		put_params(r, p->disposition_params, S(" NIL"));
		buf_putc(r->out, ')');
	} else {
		buf_put(r->out, S(" NIL"));
	}
	put_languages(r, p->languages);
	put_string(r, p->location);
}

/* The canonical name, without comments, where there is one. */
static struct slice
encoding_name(const struct meta_part *p)
{
	static const char *const names[] = {[TRANSFER_7BIT] = "7bit",
		[TRANSFER_8BIT] = "8bit",
		[TRANSFER_BINARY] = "binary",
		[TRANSFER_BASE64] = "base64",
		[TRANSFER_QP] = "quoted-printable"};

	if (p->encoding < ARRAY_SIZE(names))
		return slice_str(names[p->encoding]);
	return p->encoding_name.ptr ? p->encoding_name : S("7bit");
}

static uint32_t
body_size(const struct meta_part *p)
{
	return p->body_end - p->body_start;
}

/* A body that stands for what could not be taken apart. */
static void
put_opaque(struct render *r, const struct meta_part *p)
{
	buf_put(r->out, S("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL"));
	put_string(r, encoding_name(p));
	put_number(r, body_size(p));
	put_number(r, p->body_lines);
	if (r->extended)
		buf_put(r->out, S(" NIL NIL NIL NIL"));
	buf_putc(r->out, ')');
}

static bool
is_text(const struct meta_part *p)
{
	return slice_ieq(p->type, S("text"));
}

static void
put_fields(struct render *r, const struct meta_part *p)
{
	meta_imap_string(r->out, p->type, r->flags);
	put_string(r, p->subtype);
	put_params(r, p->params, is_text(p) ? S(" (\"charset\" \"us-ascii\")") : S(" NIL"));
	put_string(r, p->id);
	put_string(r, p->description);
	put_string(r, encoding_name(p));
	put_number(r, body_size(p));
}

/* message/global has this form since IMAP4rev2; before, it was a basic part. */
static bool
shows_message(const struct render *r, const struct meta_part *p)
{
	return slice_ieq(p->type, S("message")) &&
		(slice_ieq(p->subtype, S("rfc822")) ||
			((r->flags & META_IMAP_UTF8) && slice_ieq(p->subtype, S("global"))));
}

static void put_part(struct render *r, struct meta_walk *w);

static void
put_single(struct render *r, struct meta_walk *w, const struct meta_part *p)
{
	static const struct meta_part none;
	struct meta_part skipped;

	put_fields(r, p);
	if (shows_message(r, p)) {
		buf_putc(r->out, ' ');
		put_envelope(r, p->kind == MIME_MESSAGE ? &p->envelope : &none.envelope);
		buf_putc(r->out, ' ');
		if (p->kind == MIME_MESSAGE)
			put_part(r, w);
		else
			put_opaque(r, p);
		put_number(r, p->body_lines);
	} else if (is_text(p)) {
		put_number(r, p->body_lines);
	}
	while (w->index < p->end && meta_walk_next(w, &skipped)) /* parts that are not shown */
		;
	if (r->extended) {
		put_string(r, p->md5);
		put_extension(r, p);
	}
}

static void
put_multipart(struct render *r, struct meta_walk *w, const struct meta_part *p)
{
	for (uint32_t i = 0; i < p->children; i++)
		put_part(r, w);
	if (!p->children)
		put_opaque(r, p);
	put_string(r, p->subtype);
	if (r->extended) {
		put_params(r, p->params, S(" NIL"));
		put_extension(r, p);
	}
}

/* Recursion is as deep as the tree, MIME_DEPTH_MAX at most. */
static void
put_part(struct render *r, struct meta_walk *w)
{
	struct meta_part p;

	if (!meta_walk_next(w, &p))
		return;
	buf_putc(r->out, '(');
	if (p.kind == MIME_MULTIPART)
		put_multipart(r, w, &p);
	else
		put_single(r, w, &p);
	buf_putc(r->out, ')');
}

int
meta_imap_body(struct buf *out, const struct message_meta *m, unsigned flags)
{
	struct render r = {.out = out, .flags = flags};
	struct meta_walk w = meta_walk_new(m);

	put_part(&r, &w);
	return buf_err(out);
}

int
meta_imap_bodystructure(struct buf *out, const struct message_meta *m, unsigned flags)
{
	struct render r = {.out = out, .flags = flags, .extended = true};
	struct meta_walk w = meta_walk_new(m);

	put_part(&r, &w);
	return buf_err(out);
}
