/* Any text as JSON: what parses, written again and parsed again, gives the same text. */
#include "cli/json.h"
#include "base/error.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_value(struct json *j, const char *key, const struct json_value *v)
{
	switch (v->type) {
	case JSON_NULL:
		json_put_null(j, key);
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		json_bool(j, key, v->type == JSON_TRUE);
		break;
	case JSON_NUMBER:
		json_raw(j, key, v->text);
		break;
	case JSON_STRING:
		json_put_string(j, key, v->text);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		v->type == JSON_ARRAY ? json_open_array(j, key) : json_open_object(j, key);
		for (const struct json_value *m = v->first; m; m = m->next)
			write_value(j, v->type == JSON_OBJECT ? (const char *)m->key.ptr : NULL, m);
		v->type == JSON_ARRAY ? json_array_end(j) : json_object_end(j);
		break;
	}
}

static int
again(struct slice text, struct arena *a, struct json *out)
{
	const struct json_value *v;
	int r = json_parse(text, a, &v);

	if (r == LL_OK)
		write_value(out, NULL, v);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(16 << 20), b = ARENA_INIT(64 << 20);
	CLEANUP(json_done) struct json once = JSON_INIT, twice = JSON_INIT;

	if (size > 65536 || again(slice_new(data, size), &a, &once))
		return 0;
	if (buf_err(&once.out) || again(buf_slice(&once.out), &b, &twice) ||
		!slice_eq(buf_slice(&once.out), buf_slice(&twice.out)))
		abort();
	return 0;
}
