/* One table of fields for each form and one of endpoints, both made from ipc/web.h, and a walk over
 * them in either direction. */
#include "faces/web_api.h"
#include "base/error.h"
#include "base/text.h"
#include "ipc/web.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define DEPTH_MAX 4
#define NAME_MAX_LEN 48
#define EXACT_MAX 9007199254740991u /* the largest whole number that every reader of JSON has */

enum field_kind { TEXT, BYTES, ID, FLAG, WORD, NUMBER32, NUMBER64, LIST, BLOBS };

struct form;
struct field {
	const char *name;
	enum field_kind kind;
	size_t max;
	const char *const *words; /* WORD; ends with NULL */
	const struct form *form; /* LIST */
};

struct form {
	const struct field *fields;
	size_t n;
};

#define WORDS(name) static const char *const words_##name[] = {WEB_WORDS_##name, NULL};
WORDS(CHANGE)
WORDS(NEXT)
WORDS(REGISTRATION)
WORDS(FACTOR)
WORDS(UNLOCKER)
WORDS(STATE)
WORDS(LETTER)
WORDS(LANGUAGE)

#define J_TEXT(n, most) {.name = #n, .kind = TEXT, .max = (most)},
#define J_BYTES(n, most) {.name = #n, .kind = BYTES, .max = (most)},
#define J_ID(n) {.name = #n, .kind = ID},
#define J_FLAG(n) {.name = #n, .kind = FLAG},
#define J_WORD(n, list) {.name = #n, .kind = WORD, .words = words_##list},
#define J_U32(n) {.name = #n, .kind = NUMBER32},
#define J_U64(n) {.name = #n, .kind = NUMBER64},
#define J_TIME(n) {.name = #n, .kind = NUMBER64},
#define J_LIST(n, of) {.name = #n, .kind = LIST, .form = &form_##of},
#define J_BLOBS(n) {.name = #n, .kind = BLOBS},

/* The last field has no name, so that a form without fields is an array, too. */
#define FORM(UPPER, lower)                                                                         \
	static const struct field fields_##lower[] = {WEB_##UPPER(J){.name = NULL}};               \
	static const struct form form_##lower                                                      \
		__attribute__((unused)) = {fields_##lower, ARRAY_SIZE(fields_##lower) - 1};
WEB_FORMS(FORM)

struct web_api_endpoint {
	const char *command;
	const struct form *request, *reply;
};

#define ENDPOINT(text, asks, answers) {text, &form_##asks, &form_##answers},
static const struct web_api_endpoint endpoints[] = {WEB_COMMANDS(ENDPOINT)};

const struct web_api_endpoint *
web_api_find(struct slice command)
{
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++)
		if (slice_eq(slice_str(endpoints[i].command), command))
			return &endpoints[i];
	return NULL;
}

/* ret_after becomes retAfter. */
static const char *
json_name(const char *name, char ret[NAME_MAX_LEN])
{
	size_t n = 0;

	for (; *name && n < NAME_MAX_LEN - 1; name++) {
		bool word = *name == '_' && name[1];
		if (word)
			name++;
		ret[n++] = word ? (char)to_upper((uint8_t)*name) : *name;
	}
	ret[n] = 0;
	return ret;
}

/* --- from JSON --- */

struct reading {
	const char *why;
};

static int
malformed(struct reading *rd, int err, const char *why)
{
	rd->why = why;
	return err;
}

static int
put_sized(struct buf *out, struct slice s)
{
	buf_put_be32(out, (uint32_t)s.len);
	return buf_put(out, s);
}

static struct slice
text_of(const json_t *v)
{
	return v ? slice_new(json_string_value(v), json_string_length(v)) : SLICE_NONE;
}

static int
read_text(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	if (v && !json_is_string(v))
		return malformed(rd, LL_ERR_SYNTAX, "A member that is a text is something else.");
	if (text_of(v).len > f->max)
		return malformed(rd, LL_ERR_LIMIT, "A text is too long.");
	return put_sized(out, text_of(v));
}

static int
decode(struct reading *rd, const json_t *v, struct buf *ret)
{
	int r = !v ? LL_OK : !json_is_string(v) ? LL_ERR_SYNTAX : base64url_decode(ret, text_of(v));

	return r == LL_ERR_LIMIT ? malformed(rd, r, "Bytes are too long.")
		: r ? malformed(rd, LL_ERR_SYNTAX, "Bytes are not base64url without padding.")
		    : LL_OK;
}

static int
read_bytes(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	CLEANUP(buf_done) struct buf bytes = BUF_SECRET(f->max);
	int r = decode(rd, v, &bytes);

	return r ? r : put_sized(out, buf_slice(&bytes));
}

static int
read_id(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(IPC_ID_LEN);
	int r;

	if (!v || json_is_null(v))
		return buf_put_fill(out, 0, IPC_ID_LEN);
	r = decode(rd, v, &bytes);
	if (r || bytes.len != IPC_ID_LEN)
		return malformed(rd, LL_ERR_SYNTAX, "An id is not 16 bytes in base64url.");
	return buf_put(out, buf_slice(&bytes));
}

static int
read_flag(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	if (v && !json_is_boolean(v))
		return malformed(rd, LL_ERR_SYNTAX, "A member is neither true nor false.");
	return buf_putc(out, v && json_is_true(v));
}

static int
read_word(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	size_t i = 0;

	if (!v)
		return buf_putc(out, 0);
	while (f->words[i] && !(json_is_string(v) && slice_eq(slice_str(f->words[i]), text_of(v))))
		i++;
	if (!f->words[i])
		return malformed(rd, LL_ERR_SYNTAX, "A member is none of the words for it.");
	return buf_putc(out, (uint8_t)i);
}

static int
read_number(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	json_int_t n = v ? json_integer_value(v) : 0;
	uint64_t max = f->kind == NUMBER32 ? UINT32_MAX : EXACT_MAX;

	if ((v && !json_is_integer(v)) || n < 0 || (uint64_t)n > max)
		return malformed(
			rd, LL_ERR_SYNTAX, "A number is not a whole one, or out of range.");
	return f->kind == NUMBER32 ? buf_put_be32(out, (uint32_t)n)
				   : buf_put_be64(out, (uint64_t)n);
}

static int read_form(struct reading *rd, const struct form *f, const json_t *v, struct buf *out);

static int
read_item(struct reading *rd, const struct field *f, const json_t *v, struct buf *items)
{
	CLEANUP(buf_done) struct buf item = BUF_SECRET(CONTROL_ITEMS_MAX);
	int r = f->kind == LIST ? read_form(rd, f->form, v, &item) : decode(rd, v, &item);

	if (r == LL_OK && control_items_add(items, buf_slice(&item)))
		return malformed(rd, LL_ERR_LIMIT, "A list is too long.");
	return r ? r : buf_err(items);
}

static int
read_list(struct reading *rd, const struct field *f, const json_t *v, struct buf *out)
{
	CLEANUP(buf_done) struct buf items = BUF_SECRET(CONTROL_ITEMS_MAX);
	int r = LL_OK;

	if (v && !json_is_array(v))
		return malformed(rd, LL_ERR_SYNTAX, "A member that is a list is something else.");
	for (size_t i = 0; r == LL_OK && i < json_array_size(v); i++)
		r = read_item(rd, f, json_array_get(v, i), &items);
	return r ? r : put_sized(out, buf_slice(&items));
}

typedef int read_field(struct reading *rd, const struct field *f, const json_t *v, struct buf *out);
static read_field *const readers[] = {
	[TEXT] = read_text,
	[BYTES] = read_bytes,
	[ID] = read_id,
	[FLAG] = read_flag,
	[WORD] = read_word,
	[NUMBER32] = read_number,
	[NUMBER64] = read_number,
	[LIST] = read_list,
	[BLOBS] = read_list,
};

static int
read_form(struct reading *rd, const struct form *f, const json_t *v, struct buf *out)
{
	char name[NAME_MAX_LEN];
	size_t known = 0;
	int r = LL_OK;

	if (!json_is_object(v))
		return malformed(rd, LL_ERR_SYNTAX, "This is not an object.");
	for (size_t i = 0; i < f->n && r == LL_OK; i++) {
		const json_t *member = json_object_get(v, json_name(f->fields[i].name, name));
		known += member != NULL;
		r = readers[f->fields[i].kind](rd, &f->fields[i], member, out);
	}
	if (r == LL_OK && known != json_object_size(v))
		return malformed(rd, LL_ERR_SYNTAX, "There is a member that does not belong here.");
	return r ? r : buf_err(out);
}

/* Whether brackets are nested deeper than any form is, before the parser recurses into them. */
static bool
too_deep(struct slice json)
{
	bool quoted = false;
	unsigned depth = 0;

	for (size_t i = 0; i < json.len; i++) {
		uint8_t c = json.ptr[i];
		if (c == '\\' && quoted)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '[') && ++depth > DEPTH_MAX)
			return true;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return false;
}

/* Left to itself, jansson opens a file for its seed, which no sandbox of ours permits. Only the
 * first call counts. */
static void
seed(void)
{
	json_object_seed(randombytes_random() | 1);
}

static int
read_json(struct reading *rd, const struct form *f, struct slice json, struct buf *out)
{
	size_t before = out->len;
	json_t *root;
	int r;

	seed();
	if (json.len > WEB_API_REQUEST_MAX)
		return malformed(rd, LL_ERR_LIMIT, "The request is too long.");
	if (too_deep(json))
		return malformed(rd, LL_ERR_SYNTAX, "The JSON is nested too deep.");
	root = json.len ? json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL)
			: json_object();
	if (!root)
		return malformed(rd, LL_ERR_SYNTAX, "This is not JSON.");
	r = read_form(rd, f, root, out);
	json_decref(root);
	if (r)
		buf_truncate(out, before);
	return r;
}

int
web_api_request(const struct web_api_endpoint *e, struct slice json, struct buf *ret_body,
	const char **ret_why)
{
	struct reading rd = {.why = "The request cannot be handled."};
	int r = read_json(&rd, e->request, json, ret_body);

	if (r)
		*ret_why = rd.why;
	return r;
}

/* --- to JSON --- */

static void
put_encoded(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	base64url_encode(out, s);
	buf_putc(out, '"');
}

static struct slice
read_sized(struct reader *r)
{
	return reader_bytes(r, reader_be32(r));
}

static void
put_text(const struct field *f, struct reader *r, struct buf *out)
{
	struct slice s = read_sized(r);

	if (s.len > f->max)
		r->err = LL_ERR_SYNTAX;
	if (f->kind == TEXT)
		json_text_put(out, s);
	else
		put_encoded(out, s);
}

static void
put_id(const struct field *f, struct reader *r, struct buf *out)
{
	static const uint8_t none[IPC_ID_LEN];
	struct slice s = reader_bytes(r, IPC_ID_LEN);

	if (slice_eq(s, SLICE_OF(none)))
		buf_puts(out, "null");
	else
		put_encoded(out, s);
}

static void
put_flag(const struct field *f, struct reader *r, struct buf *out)
{
	buf_puts(out, reader_u8(r) ? "true" : "false");
}

static void
put_word(const struct field *f, struct reader *r, struct buf *out)
{
	uint8_t n = reader_u8(r);

	for (unsigned i = 0; i <= n; i++)
		if (!f->words[i]) {
			r->err = LL_ERR_SYNTAX;
			return;
		}
	json_text_put(out, slice_str(f->words[n]));
}

static void
put_number(const struct field *f, struct reader *r, struct buf *out)
{
	uint64_t n = f->kind == NUMBER32 ? reader_be32(r) : reader_be64(r);

	buf_put_u64dec(out, MIN(n, EXACT_MAX));
}

static void put_form(const struct form *f, struct reader *r, struct buf *out);

static void
put_list(const struct field *f, struct reader *r, struct buf *out)
{
	struct slice list = read_sized(r), item;
	struct reader items = reader_new(list);
	const char *comma = "";

	if (list.len > CONTROL_ITEMS_MAX)
		r->err = LL_ERR_SYNTAX;
	buf_putc(out, '[');
	while (control_items_next(&items, &item)) {
		struct reader one = reader_new(item);
		buf_puts(out, comma);
		comma = ",";
		if (f->kind == BLOBS)
			put_encoded(out, item);
		else
			put_form(f->form, &one, out);
		if (f->kind == LIST && reader_end(&one))
			r->err = LL_ERR_SYNTAX;
	}
	if (items.err)
		r->err = items.err;
	buf_putc(out, ']');
}

typedef void put_field(const struct field *f, struct reader *r, struct buf *out);
static put_field *const writers[] = {
	[TEXT] = put_text,
	[BYTES] = put_text,
	[ID] = put_id,
	[FLAG] = put_flag,
	[WORD] = put_word,
	[NUMBER32] = put_number,
	[NUMBER64] = put_number,
	[LIST] = put_list,
	[BLOBS] = put_list,
};

static void
put_form(const struct form *f, struct reader *r, struct buf *out)
{
	char name[NAME_MAX_LEN];

	buf_putc(out, '{');
	for (size_t i = 0; i < f->n; i++) {
		buf_printf(out, "%s\"%s\":", i ? "," : "", json_name(f->fields[i].name, name));
		writers[f->fields[i].kind](&f->fields[i], r, out);
	}
	buf_putc(out, '}');
}

static int
put_json(const struct form *f, struct slice body, struct buf *out)
{
	struct reader r = reader_new(body);
	size_t before = out->len;

	put_form(f, &r, out);
	if (reader_end(&r) == LL_OK)
		return buf_err(out);
	buf_truncate(out, before);
	return LL_ERR_SYNTAX;
}

int
web_api_reply(const struct web_api_endpoint *e, struct slice body, struct buf *ret_json)
{
	return put_json(e->reply, body, ret_json);
}

/* --- problems --- */

static const struct {
	const char *code;
	unsigned status;
} problems[] = {
	{"malformed", 400},
	{"refused", 401},
	{"signed-out", 401},
	{"confirm", 403},
	{"denied", 403},
	{"reserved", 403},
	{"not-found", 404},
	{"unknown-command", 404},
	{"exists", 409},
	{"conflict", 409},
	{"state", 409},
	{"limit", 409},
	{"expired", 410},
	{"withdrawn", 410},
	{"used", 410},
	{"too-large", 413},
	{"rate", 429},
	{"unavailable", 503},
	{"internal", 500},
	{"quota", 507},
};

static unsigned
status_of(struct slice code)
{
	for (size_t i = 0; i < ARRAY_SIZE(problems); i++)
		if (slice_eq(slice_str(problems[i].code), code))
			return problems[i].status;
	return 500;
}

/* Where nothing but the error's number came. */
static const char *
code_of(int err)
{
	static const char *const codes[] = {[-LL_ERR_LIMIT] = "too-large",
		[-LL_ERR_SYNTAX] = "malformed",
		[-LL_ERR_AUTH] = "refused",
		[-LL_ERR_DENIED] = "denied",
		[-LL_ERR_NOTFOUND] = "not-found",
		[-LL_ERR_EXISTS] = "exists",
		[-LL_ERR_CONFLICT] = "conflict",
		[-LL_ERR_AGAIN] = "unavailable",
		[-LL_ERR_STATE] = "state",
		[-LL_ERR_UNSUPPORTED] = "unknown-command",
		[-LL_ERR_CLOSED] = "unavailable"};
	const char *code = err < 0 && err > -(int)ARRAY_SIZE(codes) ? codes[-err] : NULL;

	return code ? code : "internal";
}

static void
problem(struct buf *out, unsigned status, struct slice code, struct slice title, uint32_t retry)
{
	CLEANUP(buf_done) struct buf type = BUF_INIT(WEB_CODE_MAX + 32);

	buf_puts(&type, "urn:letterlock:");
	buf_put(&type, code);
	buf_puts(out, "{\"type\":");
	json_text_put(out, buf_slice(&type));
	buf_puts(out, ",\"title\":");
	json_text_put(out, title);
	buf_printf(out, ",\"status\":%u", status);
	if (retry)
		buf_printf(out, ",\"retryAfter\":%u", retry);
	buf_putc(out, '}');
}

unsigned
web_api_problem(int err, struct slice body, struct buf *ret_json, uint32_t *ret_retry)
{
	struct web_problem p = {0};
	unsigned status;

	if (web_problem_get(body, &p) || p.code.len == 0)
		p = (struct web_problem){
			.code = slice_str(code_of(err)), .title = slice_str(ll_strerror(err))};
	status = status_of(p.code);
	problem(ret_json, status, p.code, p.title, p.retry_after);
	if (ret_retry)
		*ret_retry = p.retry_after;
	return status;
}

/* --- the session's own --- */

int
web_api_unlock_state(const struct web_unlock_state *m, struct buf *ret_json)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(4096);
	int r = web_unlock_state_put(&body, m);

	return r ? r : put_json(&form_unlock_state, buf_slice(&body), ret_json);
}

int
web_api_unlock(struct slice json, struct buf *ret_sealed)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(8192);
	struct reading rd = {0};
	struct web_unlock m;
	int r = read_json(&rd, &form_unlock, json, &body);

	if (r == LL_OK)
		r = web_unlock_get(buf_slice(&body), &m);
	return r ? r : buf_put(ret_sealed, m.sealed);
}
