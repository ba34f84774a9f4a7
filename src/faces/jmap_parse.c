/* Email/parse (RFC 8621 section 4.9) and SearchSnippet/get (section 5). */
#include "faces/jmap_email.h"

#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/search_text.h"

#include <stdlib.h>

/* ---- Email/parse ---- */

struct parsing {
	struct buf missing, damaged;
	struct json_out missing_out, damaged_out;
};

static int
parse_one(struct jmap_call *c, struct slice id, const struct jmap_email_want *w, struct parsing *x)
{
	CLEANUP(buf_done) struct buf raw = BUF_SECRET(MESSAGE_SIZE_MAX);
	struct slice real = jmap_id(c, id);
	struct jmap_email e;
	int err = jmap_blob_read(c->a, real, &raw, NULL);

	if (err == LL_ERR_NOTFOUND) {
		jo_slice(&x->missing_out, id);
		return LL_OK;
	}
	if (err)
		return err;
	if (!raw.len || jmap_email_parse(c->a, buf_slice(&raw), real, &e)) {
		jo_slice(&x->damaged_out, id);
		return LL_OK;
	}
	jo_key_slice(&c->o, id);
	err = jmap_email_put(c, &e, w);
	jmap_email_done(&e);
	return err;
}

enum jmap_error
jmap_email_parse_method(struct jmap_call *c)
{
	json_t *ids = json_member(c->args, "blobIds");
	struct parsing x = {
		.missing = BUF_INIT(JMAP_REQUEST_MAX), .damaged = BUF_INIT(JMAP_REQUEST_MAX)};
	struct jmap_email_want w;
	enum jmap_error e = jmap_email_want_read(c, true, &w);
	int err = LL_OK;

	if (!e && (!ids || !jmap_ids_ok(ids)))
		e = jmap_bad(c, "blobIds");
	if (!e && json_array_size(ids) > JMAP_GET_MAX)
		e = JMAP_REQUEST_TOO_LARGE;
	if (e)
		return e;
	x.missing_out.b = &x.missing;
	x.damaged_out.b = &x.damaged;
	jmap_reply_open(c);
	jo_key(&c->o, "parsed");
	jo_open(&c->o, '{');
	for (size_t i = 0; i < json_array_size(ids) && !err; i++)
		if (!jmap_id_seen(ids, i))
			err = parse_one(c, json_slice(json_array_get(ids, i)), &w, &x);
	jo_close(&c->o, '}');
	jmap_list_put(&c->o, "notParsable", &x.damaged);
	jmap_list_put(&c->o, "notFound", &x.missing);
	jo_close(&c->o, '}');
	buf_done(&x.missing);
	buf_done(&x.damaged);
	return err ? jmap_failed(c, err) : JMAP_OK;
}

/* ---- SearchSnippet/get ---- */

#define SNIPPET_TEXT_MAX ((size_t)256 << 10)
#define SNIPPET_BEFORE 60 /* bytes shown in front of the first word found */
#define SNIPPET_MAX 200
#define WORDS_MAX 16

/* A text folded as the search folds it; where each folded byte comes from. */
struct folded {
	struct buf text;
	VEC(uint32_t) from;
};

static int
folded_make(struct slice text, struct folded *ret)
{
	struct fold f = {0};
	size_t at = 0, len;
	int err = LL_OK;

	*ret = (struct folded){.text = BUF_SECRET(8 * SNIPPET_TEXT_MAX)};
	while (at < text.len && !err) {
		uint8_t c = text.ptr[at];
		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		err = fold_text(&f, slice_sub(text, at, len), &ret->text);
		while (ret->from.len < ret->text.len && !err)
			err = VEC_PUSH(&ret->from, (uint32_t)at);
		at += len;
	}
	if (!err)
		err = VEC_PUSH(&ret->from, (uint32_t)text.len);
	return err;
}

static void
folded_done(struct folded *f)
{
	buf_done(&f->text);
	VEC_DONE(&f->from);
}

/* The next place of any word from `at` on; *ret_end behind it. SIZE_MAX: none. */
static size_t
folded_find(const struct folded *f, size_t at, const struct buf *words, size_t n, size_t *ret_end)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t k = words[i].len
			? slice_find(slice_skip(buf_slice(&f->text), at), buf_slice(&words[i]))
			: SLICE_NPOS;
		if (k != SLICE_NPOS && at + k < best) {
			best = at + k;
			*ret_end = best + words[i].len;
		}
	}
	return best;
}

static void
put_escaped(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '<')
			buf_puts(out, "&lt;");
		else if (s.ptr[i] == '>')
			buf_puts(out, "&gt;");
		else if (s.ptr[i] == '&')
			buf_puts(out, "&amp;");
		else
			buf_putc(out, s.ptr[i] < ' ' ? ' ' : s.ptr[i]);
}

static size_t
char_start(struct slice text, size_t at)
{
	while (at && at < text.len && (text.ptr[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/* The text with its words marked; around the first one when it is long. False: no word is in it. */
static bool
mark(struct slice text, const struct buf *words, size_t n, bool whole, struct buf *out)
{
	struct folded f;
	size_t end = 0, at, from = 0, to = text.len;
	bool found = false;

	if (folded_make(text, &f)) {
		folded_done(&f);
		return false;
	}
	at = folded_find(&f, 0, words, n, &end);
	if (at != SIZE_MAX && !whole) {
		from = f.from.at[at];
		from = char_start(text, from > SNIPPET_BEFORE ? from - SNIPPET_BEFORE : 0);
		to = char_start(text, MIN(text.len, from + SNIPPET_MAX));
	}
	while (at != SIZE_MAX && f.from.at[end] <= to) {
		found = true;
		put_escaped(out, slice_sub(text, from, f.from.at[at] - from));
		buf_puts(out, "<mark>");
		put_escaped(out, slice_sub(text, f.from.at[at], f.from.at[end] - f.from.at[at]));
		buf_puts(out, "</mark>");
		from = f.from.at[end];
		at = folded_find(&f, end, words, n, &end);
	}
	put_escaped(out, slice_sub(text, from, to > from ? to - from : 0));
	folded_done(&f);
	return found;
}

static void
put_marked(struct json_out *o, const char *name, struct slice text, const struct buf *words,
	size_t n, bool whole)
{
	CLEANUP(buf_done) struct buf out = BUF_SECRET(16 * SNIPPET_TEXT_MAX);

	jo_key(o, name);
	if (mark(text, words, n, whole, &out))
		jo_slice(o, buf_slice(&out));
	else
		jo_null(o);
}

/* The text of the parts that a reader sees. */
static void
body_text(struct jmap_email *e, struct buf *out)
{
	struct meta_walk w = meta_walk_new(&e->m);
	struct meta_part p;

	while (meta_walk_next(&w, &p) && out->len < SNIPPET_TEXT_MAX) {
		CLEANUP(buf_done) struct buf body = BUF_SECRET(MESSAGE_SIZE_MAX);
		if (p.kind != MIME_LEAF || !slice_ieq(p.type, S("text")) ||
			jmap_email_bytes(e, p.body_start, p.body_end - p.body_start, &body))
			continue;
		(void)!search_part_text(out, &p, buf_slice(&body), SNIPPET_TEXT_MAX - out->len);
		buf_putc(out, ' ');
	}
}

static int
snippet_one(struct jmap_call *c, uint32_t email, const struct buf *words, size_t n)
{
	CLEANUP(buf_done) struct buf subject = BUF_SECRET(SNIPPET_TEXT_MAX);
	CLEANUP(buf_done) struct buf text = BUF_SECRET(4 * SNIPPET_TEXT_MAX);
	char id[MESSAGE_ID_TEXT_MAX];
	struct jmap_email e;
	int err = jmap_email_open(c->a, email, &e);

	if (err)
		return err;
	if (e.m.envelope.subject.ptr)
		encoded_word_decode(&subject, e.m.envelope.subject);
	if (n)
		body_text(&e, &text);
	message_email_id(email, id);
	jo_open(&c->o, '{');
	jo_key(&c->o, "emailId");
	jo_str(&c->o, id);
	put_marked(&c->o, "subject", buf_slice(&subject), words, n, true);
	put_marked(&c->o, "preview", slice_trim(buf_slice(&text)), words, n, false);
	jo_close(&c->o, '}');
	jmap_email_done(&e);
	return LL_OK;
}

static enum jmap_error
snippets(struct jmap_call *c, const json_t *ids, const struct buf *words, size_t n)
{
	CLEANUP(buf_done) struct buf missing = BUF_INIT(JMAP_REQUEST_MAX);
	struct json_out m = {.b = &missing};
	int err = emails_load(c->a);

	jmap_reply_open(c);
	jo_key(&c->o, "list");
	jo_open(&c->o, '[');
	for (size_t i = 0; i < json_array_size(ids) && !err; i++) {
		struct slice id = json_slice(json_array_get(ids, i));
		uint32_t email;
		if (jmap_id_seen(ids, i))
			continue;
		if (message_email_id_parse(jmap_id(c, id), &email) && email_find(c->a, email))
			err = snippet_one(c, email, words, n);
		else
			jo_slice(&m, id);
	}
	jo_close(&c->o, ']');
	jmap_list_put(&c->o, "notFound", &missing);
	jo_close(&c->o, '}');
	return err ? jmap_failed(c, err) : JMAP_OK;
}

enum jmap_error
jmap_snippet_get(struct jmap_call *c)
{
	json_t *f = json_member(c->args, "filter"), *ids = json_member(c->args, "emailIds");
	struct arena mem = ARENA_INIT((size_t)32 << 20);
	const struct email_filter *filter = NULL;
	struct slice words[WORDS_MAX];
	struct buf folded[WORDS_MAX];
	enum jmap_error e = f ? jmap_filter_make(c, f, &mem, &filter) : JMAP_OK;
	size_t n = !e && filter ? jmap_filter_words(filter, words, WORDS_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		folded[i] = BUF_INIT(SEARCH_QUERY_MAX * 4);
		(void)!fold_all(words[i], &folded[i]);
	}
	if (!e && (!ids || !jmap_ids_ok(ids)))
		e = jmap_bad(c, "emailIds");
	if (!e && json_array_size(ids) > JMAP_GET_MAX)
		e = JMAP_REQUEST_TOO_LARGE;
	if (!e)
		e = snippets(c, ids, folded, n);
	for (size_t i = 0; i < n; i++)
		buf_done(&folded[i]);
	arena_done(&mem);
	return e;
}
