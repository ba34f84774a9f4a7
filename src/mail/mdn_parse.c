/* Reading notifications, as other people's programs make them. */
#include "base/error.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/mdn.h"
#include "mail/mime.h"
#include "mail/transfer.h"

#define TEXT_MAX ((size_t)256 << 10)
#define VALUE_MAX ((size_t)65536)

/* ---- Parts ---- */

static bool
is_type(const struct mime_part *p, const char *type, const char *subtype)
{
	return slice_ieq(p->content.type, slice_str(type)) &&
		slice_ieq(p->content.subtype, slice_str(subtype));
}

/* Children of part 0: the index of the next one, 0 at the end. */
static uint32_t
next_child(const struct mime_tree *t, uint32_t at)
{
	return at ? t->parts[at].next : t->parts[0].children ? 1 : 0;
}

/* A part's body without its transfer encoding. */
static int
decoded(const struct mime_tree *t, uint32_t part, struct buf *out)
{
	const struct mime_part *p = &t->parts[part];
	struct slice body = slice_sub(t->message, p->body_start, p->body_end - p->body_start);
	struct transfer_decoder d;

	transfer_decoder_init(&d, (enum transfer_encoding)p->encoding);
	(void)transfer_decode(&d, slice_sub(body, 0, TEXT_MAX), out);
	return transfer_decode_end(&d, out);
}

static struct slice
keep(struct arena *a, const struct buf *b)
{
	return b->len ? arena_dup(a, buf_slice(b)) : S("");
}

static int
take_text(const struct mime_tree *t, uint32_t part, struct arena *a, struct mdn *ret)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * TEXT_MAX);
	CLEANUP(buf_done) struct buf charset = BUF_INIT(256);
	CLEANUP(buf_done) struct buf text = BUF_INIT(8 * TEXT_MAX);
	int r = decoded(t, part, &raw);

	if (mime_param_decode(&charset, &t->parts[part].content.params, S("charset")))
		buf_reset(&charset);
	if (r == LL_OK)
		r = charset_to_utf8(buf_slice(&charset), buf_slice(&raw), &text);
	if (r)
		return r;
	ret->text = keep(a, &text);
	return ret->text.ptr ? LL_OK : LL_ERR_NOMEM;
}

/* ---- Fields ---- */

/* One of the names, without regard to case; n when it is none. */
static unsigned
one_of(struct slice s, const char *const *names, unsigned n)
{
	unsigned i;

	for (i = 0; i < n && !slice_ieq(s, slice_str(names[i])); i++)
		;
	return i;
}

/* action-mode "/" sending-mode ";" type [ "/" modifiers ] (section 3.2.6). */
static bool
take_disposition(struct slice value, struct mdn *m)
{
	struct slice mode = slice_split(&value, ';');
	struct slice action = slice_trim(slice_split(&mode, '/'));
	struct slice type = slice_trim(slice_split(&value, '/'));
	unsigned a = one_of(action, mdn_actions, MDN_ACTIONS);
	unsigned s = one_of(slice_trim(mode), mdn_sendings, MDN_SENDINGS);
	unsigned t = one_of(type, mdn_types, MDN_TYPES);

	if (a == MDN_ACTIONS || s == MDN_SENDINGS || t == MDN_TYPES)
		return false;
	m->action = (enum mdn_action)a;
	m->sending = (enum mdn_sending)s;
	m->type = (enum mdn_type)t;
	return true;
}

static struct slice *
known_field(struct mdn *m, struct slice name)
{
	const struct {
		const char *name;
		struct slice *at;
	} known[] = {
		{"Reporting-UA", &m->reporting_ua},
		{"MDN-Gateway", &m->gateway},
		{"Original-Recipient", &m->original_recipient},
		{"Final-Recipient", &m->final_recipient},
		{"Original-Message-ID", &m->original_message_id},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (slice_ieq(name, slice_str(known[i].name)))
			return known[i].at;
	if (slice_ieq(name, S("Error")))
		return m->n_errors < MDN_FIELDS_MAX ? &m->errors[m->n_errors++] : NULL;
	return NULL;
}

/* name: in the arena. */
static void
put_extension(struct mdn *m, struct slice name, struct slice value)
{
	for (size_t i = 0; i < m->n_extensions; i++)
		if (slice_ieq(m->extensions[i].name, name))
			return; /* the first counts */
	if (m->n_extensions < MDN_FIELDS_MAX && mdn_extension_ok(name))
		m->extensions[m->n_extensions++] = (struct mdn_field){name, value};
}

static int
take_field(struct arena *a, const struct header_field *f, struct mdn *m, bool *disposed)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(VALUE_MAX), utf8 = BUF_INIT(4 * VALUE_MAX);
	struct slice value, name, *at;

	if (header_unfold(&b, f->value) || charset_scrub_utf8(buf_slice(&b), &utf8))
		return LL_OK; /* longer than anything that makes sense */
	value = keep(a, &utf8);
	name = arena_dup(a, f->name);
	if (!value.ptr || !name.ptr)
		return LL_ERR_NOMEM;
	if (slice_ieq(name, S("Disposition"))) {
		*disposed = *disposed || take_disposition(value, m);
		return LL_OK;
	}
	at = known_field(m, name);
	if (at && !at->ptr)
		*at = value;
	else if (!at)
		put_extension(m, name, value);
	return LL_OK;
}

/* Final-Recipient and Disposition must be there (section 3.1). */
static int
take_fields(const struct mime_tree *t, uint32_t part, struct arena *a, struct mdn *ret)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * TEXT_MAX);
	struct header_iter it;
	struct header_field f;
	bool disposed = false;
	int r = decoded(t, part, &raw);

	it = header_iter_new(buf_slice(&raw));
	while (r == LL_OK && header_next(&it, &f))
		if (f.name.len)
			r = take_field(a, &f, ret, &disposed);
	if (r)
		return r;
	return disposed && ret->final_recipient.len ? LL_OK : LL_ERR_SYNTAX;
}

static int
take_subject(struct slice message, struct arena *a, struct mdn *ret)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(VALUE_MAX);
	struct header_field f;

	if (!header_find(message, S("Subject"), &f) || encoded_word_decode(&text, f.value))
		return LL_OK;
	ret->subject = keep(a, &text);
	return ret->subject.ptr ? LL_OK : LL_ERR_NOMEM;
}

int
mdn_parse(struct slice message, struct arena *a, struct mdn *ret)
{
	struct mime_tree t;
	struct mdn m = {.action = MDN_MANUAL_ACTION};
	bool found = false;
	int r = mime_parse(message, a, &t);

	if (r == LL_OK && !is_type(&t.parts[0], "multipart", "report"))
		r = LL_ERR_SYNTAX;
	if (r == LL_OK)
		r = take_subject(message, a, &m);
	for (uint32_t i = 0; r == LL_OK && (i = next_child(&t, i)) != 0;) {
		const struct mime_part *p = &t.parts[i];
		if (!found &&
			(is_type(p, "message", "disposition-notification") ||
				is_type(p, "message", "global-disposition-notification"))) {
			r = take_fields(&t, i, a, &m);
			found = r == LL_OK;
		} else if (!m.text.ptr && is_type(p, "text", "plain")) {
			r = take_text(&t, i, a, &m);
		} else if (found) {
			m.returns_original = m.returns_original || p->kind == MIME_MESSAGE;
		}
	}
	if (r)
		return r;
	if (!found)
		return LL_ERR_SYNTAX;
	*ret = m;
	return LL_OK;
}
