/* What an IMAP server's responses say, as far as an import needs it. Lenient where that harms
 * nobody: items of a FETCH that are not known are passed over, a mailbox whose name is not valid is
 * left out. */
#include "account/types.h"
#include "base/text.h"
#include "faces/imap_client_priv.h"
#include "faces/imap_conn.h"

#include <string.h>

#define NESTING_MAX 16

/* ---- Status responses ---- */

/* "[CODE arguments] text" -> code, its arguments, text. */
static struct slice
take_code(struct slice *text, struct slice *ret_args)
{
	struct slice code;
	size_t end = slice_find_byte(*text, ']');

	*ret_args = SLICE_NONE;
	if (!slice_starts(*text, S("[")) || end == SLICE_NPOS)
		return SLICE_NONE;
	*ret_args = slice_sub(*text, 1, end - 1);
	*text = slice_trim(slice_skip(*text, end + 1));
	code = slice_split(ret_args, ' ');
	return code;
}

static void
use_code(struct imap_client *c, struct slice code, struct slice args)
{
	uint64_t n;

	if (slice_ieq(code, S("CAPABILITY")))
		client_capability(c, args);
	else if (slice_ieq(code, S("UIDVALIDITY")) && !slice_u64(args, UINT32_MAX, &n))
		c->mailbox.uidvalidity = (uint32_t)n;
	else if (slice_ieq(code, S("UIDNEXT")) && !slice_u64(args, UINT32_MAX, &n))
		c->mailbox.uidnext = (uint32_t)n;
}

static bool
result_of(struct slice word, enum imap_client_result *ret)
{
	static const struct slice words[] = {S("OK"), S("NO"), S("BAD")};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (slice_ieq(word, words[i])) {
			*ret = (enum imap_client_result)i;
			return true;
		}
	return false;
}

/* The greeting is OK; PREAUTH would be somebody else's sign-in, BYE is a refusal. */
static void
greeting(struct imap_client *c, struct slice word, struct slice text)
{
	struct slice args, code = take_code(&text, &args);

	if (slice_ieq(word, S("OK"))) {
		use_code(c, code, args);
		client_greeted(c);
		return;
	}
	client_said(c, text);
	client_fail(c, slice_ieq(word, S("BYE")) ? IMAP_ERROR_UNAVAILABLE : IMAP_ERROR_PROTOCOL);
}

static void
tagged(struct imap_client *c, struct slice tag, struct slice rest)
{
	struct slice word = slice_split(&rest, ' '), args, code;
	enum imap_client_result result;
	uint64_t n;

	if (tag.len < 2 || tag.ptr[0] != 'L' || slice_u64(slice_skip(tag, 1), UINT32_MAX, &n) ||
		!result_of(word, &result)) {
		client_fail(c, IMAP_ERROR_PROTOCOL);
		return;
	}
	code = take_code(&rest, &args);
	use_code(c, code, args);
	client_tagged(c, (uint32_t)n, result, code, rest);
}

/* ---- LIST and STATUS ---- */

static bool
folder_name(struct imap_client *c, struct slice wire)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(8192);

	for (size_t i = 0; i < wire.len; i++)
		if (!wire.ptr[i] || wire.ptr[i] == '\r' || wire.ptr[i] == '\n')
			return false;
	if (mutf7_decode(&name, wire)) {
		buf_reset(&name);
		if (!utf8_valid(wire) || buf_put(&name, wire))
			return false;
	}
	c->folder.wire = wire;
	c->folder.name = arena_dup(&c->arena, buf_slice(&name));
	return wire.len && wire.len <= 1000 && c->folder.name.ptr;
}

static unsigned
attribute(struct slice word)
{
	static const struct {
		struct slice name;
		unsigned bit;
	} known[] = {{S("\\Noselect"), IMAP_ATTR_NOSELECT},
		{S("\\NonExistent"), IMAP_ATTR_NOSELECT}, {S("\\All"), IMAP_ATTR_ALL},
		{S("\\AllMail"), IMAP_ATTR_ALL}, {S("\\Archive"), IMAP_ATTR_ARCHIVE},
		{S("\\Drafts"), IMAP_ATTR_DRAFTS}, {S("\\Flagged"), IMAP_ATTR_FLAGGED},
		{S("\\Starred"), IMAP_ATTR_FLAGGED}, {S("\\Important"), IMAP_ATTR_IMPORTANT},
		{S("\\Junk"), IMAP_ATTR_JUNK}, {S("\\Spam"), IMAP_ATTR_JUNK},
		{S("\\Sent"), IMAP_ATTR_SENT}, {S("\\Trash"), IMAP_ATTR_TRASH}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (slice_ieq(word, known[i].name))
			return known[i].bit;
	return 0;
}

/* Words between brackets, without those: for lists that hold no strings. */
static bool
take_words(struct imap_lex *l, struct slice *ret)
{
	const uint8_t *end;

	if (!imap_lex_try(l, '('))
		return false;
	end = memchr(l->at, ')', (size_t)(l->end - l->at));
	if (!end)
		return false;
	*ret = slice_new(l->at, (size_t)(end - l->at));
	l->at = end + 1;
	return true;
}

static void
list(struct imap_client *c, struct imap_lex *l)
{
	struct slice words, delimiter = SLICE_NONE, wire;

	c->folder = (struct imap_client_folder){.delimiter = 0};
	if (!take_words(l, &words) || !imap_lex_sp(l) || !imap_lex_nstring(l, &delimiter) ||
		!imap_lex_sp(l) || !imap_lex_astring(l, &wire) || !folder_name(c, wire))
		return;
	while (words.len)
		c->folder.attributes |= attribute(slice_split(&words, ' '));
	if (delimiter.len == 1)
		c->folder.delimiter = (char)delimiter.ptr[0];
	c->event = IMAP_CLIENT_FOLDER;
}

static void
status(struct imap_client *c, struct imap_lex *l)
{
	struct slice wire, words;

	c->mailbox = (struct imap_client_mailbox){0};
	if (!imap_lex_astring(l, &wire) || !folder_name(c, wire) || !imap_lex_sp(l) ||
		!take_words(l, &words))
		return;
	while (words.len) {
		struct slice name = slice_split(&words, ' ');
		uint64_t n;
		if (slice_u64(slice_split(&words, ' '), UINT32_MAX, &n))
			return;
		if (slice_ieq(name, S("MESSAGES")))
			c->mailbox.exists = (uint32_t)n;
		else if (slice_ieq(name, S("UIDNEXT")))
			c->mailbox.uidnext = (uint32_t)n;
		else if (slice_ieq(name, S("UIDVALIDITY")))
			c->mailbox.uidvalidity = (uint32_t)n;
	}
	c->event = IMAP_CLIENT_STATUS;
}

/* ---- FETCH ---- */

/* A string or NIL; unlike those of clients, a literal may hold anything. */
static bool
take_string(struct imap_lex *l, struct slice *ret)
{
	struct slice rest = slice_new(l->at, (size_t)(l->end - l->at)), digits;
	uint64_t n;

	if (imap_lex_peek(l) != '{')
		return imap_lex_nstring(l, ret);
	rest = slice_skip(rest, 1);
	digits = slice_split(&rest, '}');
	if (slice_ends(digits, S("+")))
		digits.len--;
	if (slice_u64(digits, CLIENT_LITERAL_MAX, &n) || !slice_starts(rest, S("\r\n")) ||
		rest.len < n + 2)
		return false;
	*ret = slice_new(rest.ptr + 2, (size_t)n);
	l->at = ret->ptr + n;
	return true;
}

/* Passes over one value: an atom, a string, or a list of such. */
static bool
skip_value(struct imap_lex *l)
{
	unsigned depth = 0;
	struct slice s;

	do {
		int ch = imap_lex_peek(l);
		if (ch < 0 || depth > NESTING_MAX)
			return false;
		if (ch == '"' || ch == '{') {
			if (!take_string(l, &s))
				return false;
		} else {
			depth += ch == '(';
			if (ch == ')' && !depth)
				return false;
			depth -= ch == ')';
			l->at++;
		}
		ch = imap_lex_peek(l);
		if (!depth && (ch == ' ' || ch == ')'))
			return true;
	} while (l->at < l->end);
	return false;
}

static void
take_flag(struct imap_client_message *m, struct slice word)
{
	uint64_t bit;

	if (!word.len)
		return;
	if (word.ptr[0] == '\\') {
		if (imap_system_flag(word, &bit))
			m->flags |= bit;
		return;
	}
	for (size_t i = 0; i < word.len; i++)
		if (!imap_is_atom_char(word.ptr[i]))
			return;
	if (m->n_keywords < IMAP_CLIENT_KEYWORDS_MAX && word.len <= KEYWORD_LEN_MAX)
		m->keywords[m->n_keywords++] = word;
}

static bool
take_flags(struct imap_client *c, struct imap_lex *l)
{
	struct slice words;

	if (!take_words(l, &words))
		return false;
	while (words.len)
		take_flag(&c->message, slice_split(&words, ' '));
	return true;
}

static bool
take_uid(struct imap_client *c, struct imap_lex *l)
{
	return imap_lex_nz_u32(l, &c->message.uid);
}

static bool
take_size(struct imap_client *c, struct imap_lex *l)
{
	return imap_lex_u63(l, &c->message.size);
}

static bool
take_date(struct imap_client *c, struct imap_lex *l)
{
	const uint8_t *at = l->at;

	if (imap_lex_date_time(l, &c->message.internal_date))
		return true;
	l->at = at;
	l->bad = NULL;
	c->message.internal_date = 0;
	return skip_value(l);
}

static bool
take_labels(struct imap_client *c, struct imap_lex *l)
{
	const uint8_t *at = l->at;

	if (!skip_value(l))
		return false;
	c->message.labels = slice_new(at, (size_t)(l->at - at));
	return true;
}

static bool
take_content(struct imap_client *c, struct imap_lex *l)
{
	struct slice s;

	if (!imap_lex_nstring(l, &s))
		return false;
	if (c->has_body && !c->too_large)
		c->message.body = c->body.len ? buf_slice(&c->body) : S("");
	else if (!c->has_body && s.ptr)
		c->message.body = s; /* a quoted string */
	c->message.too_large = c->too_large;
	return true;
}

static bool
take_header(struct imap_client *c, struct imap_lex *l)
{
	const uint8_t *end = memchr(l->at, ']', (size_t)(l->end - l->at));

	if (!end)
		return false;
	l->at = end + 1;
	return imap_lex_sp(l) && take_string(l, &c->message.header);
}

static bool
take_item(struct imap_client *c, struct imap_lex *l)
{
	static const struct {
		struct slice name; /* with what follows it */
		bool (*take)(struct imap_client *c, struct imap_lex *l);
	} items[] = {{S("UID "), take_uid}, {S("FLAGS "), take_flags},
		{S("RFC822.SIZE "), take_size}, {S("INTERNALDATE "), take_date},
		{S("X-GM-LABELS "), take_labels}, {S("BODY[] "), take_content},
		{S("BODY[HEADER.FIELDS "), take_header}};
	struct slice rest = slice_new(l->at, (size_t)(l->end - l->at));

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		if (!slice_istarts(rest, items[i].name))
			continue;
		l->at += items[i].name.len;
		return items[i].take(c, l);
	}
	return skip_value(l) && imap_lex_sp(l) && skip_value(l);
}

static void
fetch(struct imap_client *c, struct imap_lex *l)
{
	bool good = imap_lex_try(l, '(');

	c->message = (struct imap_client_message){.uid = 0};
	while (good && !imap_lex_try(l, ')')) {
		good = take_item(c, l);
		(void)imap_lex_try(l, ' ');
	}
	if (!good)
		client_fail(c, IMAP_ERROR_PROTOCOL);
	else if (c->message.uid)
		c->event = IMAP_CLIENT_MESSAGE;
}

/* ---- SEARCH ---- */

void
client_search(struct imap_client *c, bool complete)
{
	struct slice rest = slice_skip(buf_slice(&c->response), 9);
	uint64_t n;

	while (rest.len && c->state == CLIENT_READY) {
		size_t space = slice_find_byte(rest, ' ');
		struct slice word = slice_sub(rest, 0, space);
		if (space == SLICE_NPOS && !complete)
			break;
		if (!slice_u64(word, UINT32_MAX, &n) && n && c->uids.len >= IMAP_CLIENT_UIDS_MAX)
			client_fail(c, IMAP_ERROR_LIMIT);
		else if (!slice_u64(word, UINT32_MAX, &n) && n && VEC_PUSH(&c->uids, (uint32_t)n))
			client_fail(c, IMAP_ERROR_MEMORY);
		rest = slice_skip(rest, space == SLICE_NPOS ? rest.len : space + 1);
	}
	if (!complete && c->state == CLIENT_READY && rest.len < c->response.len - 9) {
		if (rest.len)
			memmove(c->response.ptr + 9, rest.ptr, rest.len);
		buf_truncate(&c->response, 9 + rest.len);
	}
}

/* ---- Any response ---- */

static void
numbered(struct imap_client *c, uint64_t n, struct slice rest)
{
	struct imap_lex l;
	struct slice word = slice_split(&rest, ' ');

	if (slice_ieq(word, S("EXISTS"))) {
		c->mailbox.exists = (uint32_t)n;
	} else if (slice_ieq(word, S("FETCH")) && c->state == CLIENT_READY) {
		l = imap_lex_new(rest, &c->arena);
		fetch(c, &l);
	}
}

static void
untagged(struct imap_client *c, struct slice rest)
{
	struct slice word = slice_split(&rest, ' '), args, code;
	struct imap_lex l = imap_lex_new(rest, &c->arena);
	enum imap_client_result result;
	uint64_t n;

	if (c->state == CLIENT_GREETING) {
		greeting(c, word, rest);
	} else if (!slice_u64(word, UINT32_MAX, &n)) {
		numbered(c, n, rest);
	} else if (slice_ieq(word, S("CAPABILITY"))) {
		client_capability(c, rest);
	} else if (slice_ieq(word, S("BYE"))) {
		client_said(c, rest);
		client_fail(c, c->state < CLIENT_READY ? IMAP_ERROR_UNAVAILABLE : IMAP_ERROR_ENDED);
	} else if (result_of(word, &result)) {
		code = take_code(&rest, &args);
		use_code(c, code, args);
	} else if (c->state == CLIENT_READY &&
		(slice_ieq(word, S("LIST")) || slice_ieq(word, S("XLIST")))) {
		list(c, &l);
	} else if (c->state == CLIENT_READY && slice_ieq(word, S("STATUS"))) {
		status(c, &l);
	}
}

void
client_response(struct imap_client *c, struct slice line)
{
	struct slice rest = line, first = slice_split(&rest, ' ');

	if (slice_eq(first, S("*")))
		untagged(c, rest);
	else if (c->state == CLIENT_GREETING)
		client_fail(c, IMAP_ERROR_PROTOCOL);
	else if (slice_eq(first, S("+")))
		client_continue(c);
	else
		tagged(c, first, rest);
}

/* ---- Labels ---- */

bool
imap_client_label_next(struct slice *labels, struct buf *out)
{
	struct arena arena = ARENA_INIT(CLIENT_ARENA_MAX);
	struct imap_lex l = imap_lex_new(*labels, &arena);
	struct slice s = SLICE_NONE;
	bool found = false;

	while (imap_lex_try(&l, '(') || imap_lex_try(&l, ' '))
		;
	if (imap_lex_peek(&l) == '"' || imap_lex_peek(&l) == '{') {
		found = take_string(&l, &s);
	} else {
		const uint8_t *from = l.at;
		while (l.at < l.end && *l.at != ' ' && *l.at != ')')
			l.at++;
		s = slice_new(from, (size_t)(l.at - from));
		found = s.len;
	}
	buf_reset(out);
	if (found && mutf7_decode(out, s)) {
		buf_reset(out);
		buf_put(out, s);
	}
	*labels = slice_new(l.at, (size_t)(l.end - l.at));
	arena_done(&arena);
	return found && !buf_err(out);
}
