/* BODY[...] and BINARY[...]: which bytes of the sealed body a section is, and their way to the
 * client in pieces, so that a large part costs no memory. */
#include "faces/imap_fetch.h"

#include "base/text.h"
#include "mail/header.h"

#include <string.h>

#define PIECE ((uint64_t)64 * 1024)
#define HEADER_MAX ((size_t)16 << 20)

struct range {
	uint64_t from, to;
	enum transfer_encoding encoding;
	bool composite;
};

/* LL_ERR_NOTFOUND: no such part; its value is NIL. */
static int
find_range(const struct message_meta *m, const struct fetch_item *item, struct range *ret)
{
	struct meta_part p, inner;
	int err;

	if (!item->n_path && item->text != SECTION_ALL) {
		bool text = item->text == SECTION_TEXT;
		*ret = (struct range){
			.from = text ? m->header_size : 0, .to = text ? m->size : m->header_size};
		return LL_OK;
	}
	err = meta_part_find(m, item->path, item->n_path, &p);
	if (err != LL_OK)
		return err;
	*ret = (struct range){.from = p.body_start,
		.to = p.body_end,
		.encoding = (enum transfer_encoding)p.encoding,
		.composite = p.kind != MIME_LEAF};
	if (!item->n_path)
		*ret = (struct range){.from = 0, .to = m->size};
	if (item->text == SECTION_ALL)
		return LL_OK;
	if (item->text == SECTION_MIME) {
		*ret = (struct range){.from = p.header_start, .to = p.body_start};
		return LL_OK;
	}
	err = meta_part_inner(m, &p, &inner);
	if (err != LL_OK)
		return err;
	*ret = item->text == SECTION_TEXT
		? (struct range){.from = inner.body_start, .to = inner.body_end}
		: (struct range){.from = inner.header_start, .to = inner.body_start};
	return LL_OK;
}

int
imap_fetch_message(struct imap_conn *c, struct fetch_work *w)
{
	int err;

	if (w->have_message)
		return LL_OK;
	err = message_get(c->account, w->row.email, &w->message);
	w->have_message = err == LL_OK;
	return err;
}

void
imap_fetch_label(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	if (!w->first)
		buf_putc(&c->out, ' ');
	w->first = false;
	buf_put(&c->out, item->label);
	buf_putc(&c->out, ' ');
}

/* Label and "{n}" for size bytes of which the item may want a part; says what to drop and send. */
static void
start_literal(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item,
	uint64_t size, bool literal8)
{
	struct fetch_stream *s = &w->stream;

	s->skip = item->partial ? MIN((uint64_t)item->offset, size) : 0;
	s->left = item->partial ? MIN((uint64_t)item->length, size - s->skip) : size;
	imap_fetch_label(c, w, item);
	if (!s->left) {
		buf_puts(&c->out, "\"\"");
		return;
	}
	buf_puts(&c->out, literal8 ? "~{" : "{");
	buf_put_u64dec(&c->out, s->left);
	buf_puts(&c->out, "}\r\n");
	s->active = true;
}

/* ---- HEADER.FIELDS ---- */

static bool
field_wanted(const struct fetch_item *item, struct slice name)
{
	bool named = false;

	for (size_t i = 0; i < item->n_fields && !named; i++)
		named = slice_ieq(name, item->fields[i]);
	return named == (item->text == SECTION_FIELDS);
}

static int
start_fields(
	struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item, struct range r)
{
	CLEANUP(buf_done) struct buf header = BUF_INIT(HEADER_MAX), picked = BUF_INIT(HEADER_MAX);
	struct header_field f;
	struct header_iter it;
	int err = message_read(c->account, w->row.email, r.from, r.to - r.from, &header);

	w->have_message = false;
	if (err != LL_OK)
		return err;
	it = header_iter_new(buf_slice(&header));
	while (header_next(&it, &f))
		if (field_wanted(item, f.name))
			buf_put(&picked, f.raw);
	buf_puts(&picked, "\r\n");
	if (buf_err(&picked))
		return buf_err(&picked);
	start_literal(c, w, item, picked.len, false);
	if (w->stream.active)
		buf_put(&c->out,
			slice_sub(buf_slice(&picked), (size_t)w->stream.skip,
				(size_t)w->stream.left));
	w->stream.active = false;
	return LL_OK;
}

/* ---- BINARY (RFC 3516) ---- */

struct count {
	uint64_t size;
	bool nul;
};

static int
count_decoded(struct imap_conn *c, uint32_t email, struct range r, struct count *ret)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * PIECE), plain = BUF_INIT(4 * PIECE);
	struct transfer_decoder d;
	int err;

	*ret = (struct count){0};
	transfer_decoder_init(&d, r.encoding);
	for (uint64_t pos = r.from; pos < r.to; pos += PIECE) {
		buf_reset(&raw);
		buf_reset(&plain);
		err = message_read(c->account, email, pos, MIN(PIECE, r.to - pos), &raw);
		if (err == LL_OK)
			err = transfer_decode(&d, buf_slice(&raw), &plain);
		if (err == LL_OK && pos + PIECE >= r.to)
			err = transfer_decode_end(&d, &plain);
		if (err != LL_OK)
			return err;
		ret->size += plain.len;
		ret->nul |= plain.len && memchr(plain.ptr, 0, plain.len);
	}
	return LL_OK;
}

static int
find_binary(
	struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item, struct range *ret)
{
	int err = imap_fetch_message(c, w);

	if (err == LL_OK)
		err = find_range(&w->message.meta, item, ret);
	if (err != LL_OK)
		return err;
	if (!item->n_path || ret->composite) /* nothing to decode as a whole */
		ret->encoding = TRANSFER_BINARY;
	return ret->encoding == TRANSFER_UNKNOWN ? LL_ERR_UNSUPPORTED : LL_OK;
}

int
imap_binary_size(
	struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item, uint64_t *ret)
{
	struct count n;
	struct range r;
	int err = find_binary(c, w, item, &r);

	if (err != LL_OK)
		return err;
	err = count_decoded(c, w->row.email, r, &n);
	w->have_message = false;
	if (err == LL_OK)
		*ret = n.size;
	return err;
}

static int
start_binary(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	struct count n;
	struct range r;
	int err = find_binary(c, w, item, &r);

	if (err != LL_OK)
		return err;
	err = count_decoded(c, w->row.email, r, &n);
	w->have_message = false;
	if (err != LL_OK)
		return err;
	w->stream = (struct fetch_stream){
		.email = w->row.email, .pos = r.from, .end = r.to, .decode = true};
	transfer_decoder_init(&w->stream.decoder, r.encoding);
	start_literal(c, w, item, n.size, n.nul);
	return LL_OK;
}

/* ---- Streams ---- */

static int
start_plain(
	struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item, struct range r)
{
	w->stream = (struct fetch_stream){.email = w->row.email, .end = r.to};
	start_literal(c, w, item, r.to - r.from, false);
	w->stream.pos = r.from + w->stream.skip;
	w->stream.skip = 0;
	w->stream.end = w->stream.pos + w->stream.left;
	return LL_OK;
}

int
imap_section_start(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	struct range r;
	int err;

	if (item->kind == FETCH_BINARY)
		return start_binary(c, w, item);
	err = imap_fetch_message(c, w);
	if (err == LL_OK)
		err = find_range(&w->message.meta, item, &r);
	if (err != LL_OK)
		return err;
	if (item->text == SECTION_FIELDS || item->text == SECTION_FIELDS_NOT)
		return start_fields(c, w, item, r);
	return start_plain(c, w, item, r);
}

/* A literal must not hold NUL (RFC 9051 section 4.3); BINARY is the way to have it. */
static void
replace_nul(uint8_t *p, size_t n)
{
	uint8_t *nul;

	while (n && (nul = memchr(p, 0, n))) {
		*nul = 0x80;
		n -= (size_t)(nul + 1 - p);
		p = nul + 1;
	}
}

static int
pump_plain(struct imap_conn *c, struct fetch_stream *s)
{
	uint64_t n = MIN(PIECE, s->left);
	size_t before = c->out.len;
	int err = message_read(c->account, s->email, s->pos, n, &c->out);

	if (err != LL_OK)
		return err;
	if (c->out.len - before != n)
		return LL_ERR_CORRUPT;
	replace_nul(c->out.ptr + before, (size_t)n);
	s->pos += n;
	s->left -= n;
	return LL_OK;
}

static int
pump_decoded(struct imap_conn *c, struct fetch_stream *s)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * PIECE), plain = BUF_INIT(4 * PIECE);
	uint64_t n = MIN(PIECE, s->end - s->pos), skip;
	int err;

	if (!n)
		return LL_ERR_CORRUPT;
	err = message_read(c->account, s->email, s->pos, n, &raw);
	if (err == LL_OK)
		err = transfer_decode(&s->decoder, buf_slice(&raw), &plain);
	s->pos += n;
	if (err == LL_OK && s->pos == s->end)
		err = transfer_decode_end(&s->decoder, &plain);
	if (err != LL_OK)
		return err;
	skip = MIN(s->skip, (uint64_t)plain.len);
	s->skip -= skip;
	n = MIN(s->left, plain.len - skip);
	s->left -= n;
	return buf_put(&c->out, slice_sub(buf_slice(&plain), (size_t)skip, (size_t)n));
}

int
imap_section_pump(struct imap_conn *c, struct fetch_stream *s)
{
	int err = s->decode ? pump_decoded(c, s) : pump_plain(c, s);

	s->active = err == LL_OK && s->left > 0;
	return err;
}
