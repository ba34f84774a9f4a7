/* JSON (RFC 8259): a writer that puts the commas, and a reader for what the server answers. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "base/arena.h"
#include "base/buf.h"

#define JSON_DEPTH_MAX 16

struct json {
	struct buf out;
	bool follows; /* a value stands before: a comma is due */
};

#define JSON_INIT ((struct json){.out = BUF_INIT((size_t)256 << 20)})

void json_done(struct json *j);
/* Values; key NULL inside arrays and at the top. Errors stick in out. */
void json_open_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_open_array(struct json *j, const char *key);
void json_array_end(struct json *j);
/* Bytes that are no UTF-8 become U+FFFD. */
void json_put_string(struct json *j, const char *key, struct slice s);
void json_text(struct json *j, const char *key, const char *s);
void json_number(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool b);
void json_put_null(struct json *j, const char *key);
void json_hex(struct json *j, const char *key, struct slice bytes);
/* Text that is JSON already and was read by json_parse. */
void json_raw(struct json *j, const char *key, struct slice text);

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json_value {
	enum json_type type;
	struct slice key; /* inside an object */
	struct slice text; /* of a string, decoded; of a number, as written */
	const struct json_value *first; /* of an array or object */
	const struct json_value *next;
};

/* The whole of text is one value; it lives in the arena, strings without escapes in text.
 * LL_ERR_SYNTAX, LL_ERR_NOMEM, LL_ERR_LIMIT (nested deeper than JSON_DEPTH_MAX). */
int json_parse(struct slice text, struct arena *a, const struct json_value **ret) CHECKED;
/* A member of an object, or NULL. */
const struct json_value *json_get(const struct json_value *object, const char *key);
/* The text of a string or number member, or the empty slice. */
struct slice json_get_text(const struct json_value *object, const char *key);

#endif
