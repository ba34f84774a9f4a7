/* Just enough JSON to read published test vectors: the whole document becomes a tree in an arena.
 */
#ifndef TESTS_UNIT_KEYS_JSON_H
#define TESTS_UNIT_KEYS_JSON_H

#include "base/arena.h"
#include "base/buf.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	struct slice name; /* of a member */
	struct slice text; /* of a string (escapes are kept as they stand) or number */
	struct json *child, *next;
};

/* NULL when the document is malformed, nested more than 32 deep, or too large for the arena. */
struct json *json_parse(struct arena *a, struct slice text);
/* Member of an object, or NULL. */
const struct json *json_get(const struct json *object, const char *name);
/* Text of a member; empty when it is missing. */
struct slice json_text(const struct json *object, const char *name);
/* Number of a member; 0 when it is missing. */
uint64_t json_number(const struct json *object, const char *name);
/* Bytes of a hexadecimal member in the arena; ptr is NULL when it is missing or malformed. */
struct slice json_hex(struct arena *a, const struct json *object, const char *name);

#define JSON_EACH(item, parent)                                                                    \
	for (const struct json *item = (parent) ? (parent)->child : NULL; item; item = item->next)

#endif
