/* The base subject by the steps of RFC 5256 section 2.1, on a copy that shrinks at both ends. */
#include "mail/subject.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/encoded_word.h"

/* Step 1: tabs and runs of white space become one space. */
static void
squeeze(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++) {
		uint8_t c = b->ptr[i] == '\t' ? ' ' : b->ptr[i];
		if (c != ' ' || (n && b->ptr[n - 1] != ' '))
			b->ptr[n++] = c;
	}
	while (n && b->ptr[n - 1] == ' ')
		n--;
	buf_truncate(b, n);
}

static struct slice
skip_spaces(struct slice s)
{
	while (s.len && s.ptr[0] == ' ')
		s = slice_skip(s, 1);
	return s;
}

/* subj-blob: "[" text without brackets "]" *WSP. Gives what follows, or false. */
static bool
skip_blob(struct slice s, struct slice *ret)
{
	if (!s.len || s.ptr[0] != '[')
		return false;
	for (size_t i = 1; i < s.len && s.ptr[i] != '['; i++) {
		if (s.ptr[i] == ']') {
			*ret = skip_spaces(slice_skip(s, i + 1));
			return true;
		}
	}
	return false;
}

/* subj-refwd: ("re" / "fw" / "fwd") *WSP [blob] ":". */
static bool
skip_refwd(struct slice s, struct slice *ret)
{
	static const char *const words[] = {"re", "fwd", "fw"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct slice rest;
		if (!slice_istarts(s, slice_str(words[i])))
			continue;
		rest = skip_spaces(slice_skip(s, slice_str(words[i]).len));
		skip_blob(rest, &rest);
		if (rest.len && rest.ptr[0] == ':') {
			*ret = slice_skip(rest, 1);
			return true;
		}
	}
	return false;
}

/* Step 2: "(fwd)" and white space at the end. */
static struct slice
cut_trailers(struct slice s, bool *reply)
{
	for (;;) {
		s = slice_trim(s);
		if (!slice_iends(s, S("(fwd)")))
			return s;
		s.len -= 5;
		*reply = true;
	}
}

/* Step 3: *subj-blob subj-refwd. */
static bool
cut_leader(struct slice *s, bool *reply)
{
	struct slice rest = skip_spaces(*s);

	while (skip_blob(rest, &rest))
		;
	if (skip_refwd(rest, &rest)) {
		*s = skip_spaces(rest);
		*reply = true;
		return true;
	}
	return false;
}

/* Step 4: a blob, unless nothing would be left. */
static bool
cut_blob(struct slice *s)
{
	struct slice rest;

	if (!skip_blob(*s, &rest) || !rest.len)
		return false;
	*s = rest;
	return true;
}

/* Step 6: "[fwd: ... ]". */
static bool
cut_wrapper(struct slice *s, bool *reply)
{
	if (!slice_istarts(*s, S("[fwd:")) || !slice_ends(*s, S("]")))
		return false;
	*s = slice_sub(*s, 5, s->len - 6);
	*reply = true;
	return true;
}

int
subject_base(struct buf *out, struct slice value, bool *ret_reply)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(4 * value.len + 64);
	bool reply = false;
	struct slice s;

	if (encoded_word_decode(&text, value))
		return buf_err(&text);
	squeeze(&text);
	s = buf_slice(&text);
	do {
		s = skip_spaces(cut_trailers(s, &reply));
		while (cut_leader(&s, &reply) || cut_blob(&s))
			;
	} while (cut_wrapper(&s, &reply));
	if (ret_reply)
		*ret_reply = reply;
	return buf_put(out, s);
}
