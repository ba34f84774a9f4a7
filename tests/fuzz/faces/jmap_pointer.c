/* JSON pointers with '*': first line the path, the rest a document. What comes back is part of the
 * document, or made of its parts: never more values than it has, for each '*'. */
#include "faces/jmap_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
leaves(json_t *v)
{
	size_t n = 1, i;
	const char *key;
	json_t *one;

	json_array_foreach(v, i, one) n += leaves(one);
	json_object_foreach(v, key, one) n += leaves(one);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_new(data, size), path = slice_line(&text);
	json_t *root, *got;

	if (size > 8192 || json_depth(text) > 64)
		return 0;
	root = json_read(text);
	if (!root)
		return 0;
	got = json_pointer_get(root, path);
	if (got && leaves(got) > leaves(root) + 64)
		abort();
	if (got && !path.len && got != root)
		abort();
	json_decref(got);
	json_decref(root);
	return 0;
}
