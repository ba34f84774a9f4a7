/* Decodes, converts, strips and folds the texts of a message piece by piece. */
#include "mail/search_scan.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/header.h"
#include "mail/html.h"

#define SCAN_CHUNK ((size_t)16384)
#define SCAN_BUF ((size_t)8 << 20)
#define SCAN_FIELD_MAX ((size_t)1 << 20) /* bytes of a header field that are read */

/* A part's body on its way to text. */
struct text_pipe {
	struct transfer_decoder transfer;
	struct charset *charset;
	struct html_text html;
	bool is_html;
	struct scan *scan;
};

void
scan_init(struct scan *s, struct scan_sink *sink)
{
	s->sink = sink;
	s->decoded = s->utf8 = s->plain = s->folded = BUF_INIT(SCAN_BUF);
}

void
scan_done(struct scan *s)
{
	buf_done(&s->decoded);
	buf_done(&s->utf8);
	buf_done(&s->plain);
	buf_done(&s->folded);
}

/* ---- short texts ---- */

static void
give_folded(struct scan *s, struct fold *f, struct slice utf8, bool last)
{
	buf_reset(&s->folded);
	fold_text(f, utf8, &s->folded);
	if (last)
		fold_end(f, &s->folded);
	s->sink->text(s->sink, buf_slice(&s->folded));
}

/* One text: prefix (may be empty) and a value. */
static void
scan_text(struct scan *s, struct slice prefix, struct slice utf8)
{
	struct fold f = {0};

	give_folded(s, &f, prefix, false);
	if (prefix.len)
		give_folded(s, &f, S(": "), false);
	give_folded(s, &f, utf8, true);
	s->sink->end(s->sink);
}

static struct slice
decoded_value(struct scan *s, struct slice value)
{
	buf_reset(&s->utf8);
	encoded_word_decode(&s->utf8, slice_sub(value, 0, SCAN_FIELD_MAX));
	return buf_slice(&s->utf8);
}

/* ---- headers ---- */

bool
search_field_covered(struct slice name)
{
	static const char *const blobs[] = {"dkim-signature", "x-google-dkim-signature",
		"domainkey-signature", "arc-seal", "arc-message-signature", "x-gm-message-state",
		"autocrypt", "x-microsoft-antispam-message-info",
		"x-ms-exchange-antispam-messagedata-0", "face", "x-face"};

	for (size_t i = 0; i < ARRAY_SIZE(blobs); i++)
		if (slice_ieq(name, slice_str(blobs[i])))
			return false;
	return true;
}

void
scan_header(struct scan *s, struct slice header)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;

	while (!s->sink->done && header_next(&it, &f))
		if (search_field_covered(f.name))
			scan_text(
				s, slice_sub(f.name, 0, SCAN_FIELD_MAX), decoded_value(s, f.value));
}

void
scan_fields(struct scan *s, struct slice header, struct slice name)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;

	while (!s->sink->done && header_next(&it, &f)) {
		if (name.len ? !slice_ieq(f.name, name) : !search_field_covered(f.name))
			continue;
		scan_text(s, SLICE_NONE, decoded_value(s, f.value));
	}
}

/* ---- bodies ---- */

static bool
is_text_part(const struct meta_part *p)
{
	return p->kind == MIME_LEAF &&
		(slice_ieq(p->type, S("text")) || slice_ieq(p->type, S("message")));
}

static int
pipe_init(struct text_pipe *t, struct scan *s, const struct meta_part *p)
{
	struct slice charset = SLICE_NONE;

	if (meta_param_find(p->params, S("charset"), &charset))
		charset = SLICE_NONE;
	*t = (struct text_pipe){.scan = s, .charset = charset_new(charset)};
	t->is_html = slice_ieq(p->subtype, S("html"));
	transfer_decoder_init(&t->transfer, p->encoding);
	return t->charset ? LL_OK : LL_ERR_NOMEM;
}

/* A chunk as UTF-8 text; the slice lives until the next call. */
static struct slice
pipe_chunk(struct text_pipe *t, struct slice chunk, bool last)
{
	struct scan *s = t->scan;

	buf_reset(&s->decoded);
	buf_reset(&s->utf8);
	buf_reset(&s->plain);
	transfer_decode(&t->transfer, chunk, &s->decoded);
	if (last)
		transfer_decode_end(&t->transfer, &s->decoded);
	charset_convert(t->charset, buf_slice(&s->decoded), last, &s->utf8);
	if (!t->is_html)
		return buf_slice(&s->utf8);
	html_text(&t->html, buf_slice(&s->utf8), &s->plain);
	if (last)
		html_text_end(&t->html, &s->plain);
	return buf_slice(&s->plain);
}

static void
scan_body(struct scan *s, const struct meta_part *p, struct slice body)
{
	struct fold f = {0};
	struct text_pipe t;
	size_t given = 0;
	bool last = false;

	if (pipe_init(&t, s, p))
		return;
	while (!last && !s->sink->done && given < SEARCH_TEXT_MAX) {
		struct slice chunk = slice_sub(body, 0, SCAN_CHUNK);
		body = slice_skip(body, chunk.len);
		last = !body.len;
		give_folded(s, &f, pipe_chunk(&t, chunk, last), last);
		given += s->folded.len;
	}
	s->sink->end(s->sink);
	charset_free(t.charset);
}

void
scan_part(struct scan *s, const struct meta_part *p, struct slice header, struct slice body)
{
	buf_reset(&s->utf8);
	if (meta_part_filename(&s->utf8, p) == LL_OK)
		scan_text(s, SLICE_NONE, buf_slice(&s->utf8));
	if (p->description.len)
		scan_text(s, SLICE_NONE, decoded_value(s, p->description));
	if (p->message_root && p->index)
		scan_header(s, header);
	if (is_text_part(p) && !s->sink->done)
		scan_body(s, p, body);
}

void
scan_message(struct scan *s, struct slice message, const struct message_meta *m, bool header)
{
	struct meta_walk w = meta_walk_new(m);
	struct meta_part p;

	if (header)
		scan_header(s, slice_sub(message, 0, m->header_size));
	while (!s->sink->done && meta_walk_next(&w, &p))
		scan_part(s, &p, slice_sub(message, p.header_start, p.body_start - p.header_start),
			slice_sub(message, p.body_start, p.body_end - p.body_start));
}

int
search_part_text(struct buf *out, const struct meta_part *p, struct slice body, size_t max)
{
	struct scan s;
	struct text_pipe t;
	size_t start = out->len;
	bool last = false;
	int err;

	if (!is_text_part(p))
		return LL_OK;
	scan_init(&s, NULL);
	err = pipe_init(&t, &s, p);
	while (!err && !last && out->len - start < max) {
		struct slice chunk = slice_sub(body, 0, MIN(SCAN_CHUNK, MAX(max, (size_t)512)));
		body = slice_skip(body, chunk.len);
		last = !body.len;
		err = buf_put(out, pipe_chunk(&t, chunk, last));
	}
	charset_free(t.charset);
	scan_done(&s);
	return err;
}
