/* What a transcript wants of an answer. See README.md. */
#include "jmap_match.h"

#include <stdio.h>
#include <string.h>

static bool
variable(json_t *vars, const json_t *want, const json_t *got, bool *ret)
{
	const char *s = json_string_value(want);
	char name[100];
	size_t len = s ? strlen(s) : 0;
	json_t *known;

	if (len < 4 || strncmp(s, "%{", 2) || s[len - 1] != '}' || strchr(s, '}') != s + len - 1)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(len - 3), s + 2);
	known = json_object_get(vars, name);
	*ret = true;
	if (!strcmp(name, "_"))
		return true;
	if (known)
		*ret = json_equal(known, got);
	else
		json_object_set_new(vars, name, json_deep_copy(got));
	return true;
}

static bool
matches_object(json_t *vars, json_t *want, json_t *got)
{
	bool open = json_object_get(want, "...") != NULL;
	const char *key;
	json_t *v;

	if (!json_is_object(got))
		return false;
	json_object_foreach(want, key, v)
	{
		const char *member = key;
		char name[200] = "";
		if (!strcmp(key, "..."))
			continue;
		if (!strncmp(key, "%{", 2)) {
			json_t *known;
			snprintf(name, sizeof(name), "%.*s", (int)strlen(key) - 3, key + 2);
			known = json_object_get(vars, name);
			if (!known)
				return false;
			snprintf(name, sizeof(name), "%s", json_string_value(known));
			member = name;
		}
		if (!json_object_get(got, member) ||
			!jmap_matches(vars, v, json_object_get(got, member)))
			return false;
	}
	return open || json_object_size(want) == json_object_size(got) ||
		(json_object_get(got, "accountId") && !json_object_get(want, "accountId") &&
			json_object_size(want) + 1 == json_object_size(got));
}

static bool
matches_array(json_t *vars, json_t *want, json_t *got)
{
	size_t n = json_array_size(want);
	bool open = n &&
		!strcmp("...",
			json_string_value(json_array_get(want, n - 1))
				? json_string_value(json_array_get(want, n - 1))
				: "");

	n -= open;
	if (!json_is_array(got) || (open ? json_array_size(got) < n : json_array_size(got) != n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!jmap_matches(vars, json_array_get(want, i), json_array_get(got, i)))
			return false;
	return true;
}

bool
jmap_matches(json_t *vars, json_t *want, json_t *got)
{
	bool is;

	if (json_is_string(want) && variable(vars, want, got, &is))
		return is;
	if (json_is_object(want))
		return matches_object(vars, want, got);
	if (json_is_array(want))
		return matches_array(vars, want, got);
	return json_equal(want, got);
}
