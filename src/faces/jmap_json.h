/* JSON for JMAP: a writer straight into the reply, and looks into what jansson has parsed. */
#ifndef FACES_JMAP_JSON_H
#define FACES_JMAP_JSON_H

#include "base/buf.h"

#include <jansson.h>

/* ---- Writing ---- */

struct json_out {
	struct buf *b;
	bool comma; /* before the next item */
};

void jo_open(struct json_out *o, char bracket);
void jo_close(struct json_out *o, char bracket);
void jo_key(struct json_out *o, const char *key);
void jo_key_slice(struct json_out *o, struct slice key);
void jo_null(struct json_out *o);
void jo_bool(struct json_out *o, bool v);
void jo_uint(struct json_out *o, uint64_t v);
void jo_str(struct json_out *o, const char *s);
void jo_slice(struct json_out *o, struct slice s);
/* A string, or null for ptr NULL. */
void jo_slice_or_null(struct json_out *o, struct slice s);
void jo_time(struct json_out *o, int64_t unix_seconds); /* UTCDate */
void jo_json(struct json_out *o, const json_t *v);
/* Bytes that are JSON already. */
void jo_raw(struct json_out *o, struct slice json);

/* ---- Reading ---- */

static inline struct slice
json_slice(const json_t *v)
{
	return json_is_string(v) ? slice_new(json_string_value(v), json_string_length(v))
				 : SLICE_NONE;
}
/* A member, or NULL when it is not there or null. */
json_t *json_member(const json_t *object, const char *key);
/* Whole number from 0 to 2^53 - 1. */
bool json_uint(const json_t *v, uint64_t *ret);
/* A Date (RFC 8620 section 1.4) as Unix seconds; a fraction of one is dropped. */
bool json_date(const json_t *v, int64_t *ret);
/* A UTCDate: a Date that ends in Z. */
bool json_utc_date(const json_t *v, int64_t *ret);
/* Whether s is an Id (section 1.2). */
bool json_id_ok(struct slice s);
/* Nesting of arrays and objects, without parsing; at most that of the text. */
size_t json_depth(struct slice text);
/* Parses strictly: I-JSON, no duplicate names. NULL. */
json_t *json_read(struct slice text);

/* ---- Pointers (RFC 6901, with the '*' of RFC 8620 section 3.7) ---- */

/* A new reference to what the path means, or NULL. */
json_t *json_pointer_get(json_t *root, struct slice path);

#endif
