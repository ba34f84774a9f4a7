/* Any bytes as a list of push subscriptions, as auth gets it from a session that may be anybody's:
 * what is taken is a place that may be pushed to, lies inside the bytes, and is the same when it is
 * written again. (A varint may be written longer than needed, so the bytes may differ.) */
#include "faces/push_list.h"
#include "../must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct slice part, struct slice all)
{
	must(!part.len || (part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len));
}

static void
sound(const struct push_subscription *s, struct slice all)
{
	inside(s->url, all);
	inside(s->key, all);
	inside(s->auth, all);
	must(push_url_ok(s->url) && s->url.len <= PUSH_URL_MAX);
	must(slice_starts(s->url, S("https://")) && slice_find_byte(s->url, '\r') == SLICE_NPOS);
	must((s->key.len == PUSH_KEY_LEN && s->auth.len == PUSH_AUTH_LEN) ||
		(!s->key.len && !s->auth.len));
}

static void
same(const struct push_subscription *a, const struct push_subscription *b)
{
	must(!memcmp(a->id, b->id, sizeof(a->id)) && slice_eq(a->url, b->url) &&
		slice_eq(a->key, b->key) && slice_eq(a->auth, b->auth) &&
		a->expires == b->expires && a->types == b->types && a->verified == b->verified);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_new(data, size), rest = all;
	struct push_subscription s, again;
	size_t n = 0, before = size;

	if (size > PUSH_LIST_MAX)
		return 0;
	for (; push_list_next(&rest, &s); n++) {
		CLEANUP(buf_done) struct buf bytes = BUF_INIT(PUSH_LIST_MAX);
		struct slice one;
		sound(&s, all);
		must(!push_list_put(&s, &bytes) && bytes.len <= before - rest.len);
		one = buf_slice(&bytes);
		must(push_list_next(&one, &again) && !one.len);
		same(&s, &again);
		before = rest.len;
	}
	must(rest.len == before); /* what is not taken stays */
	must(push_list_ok(all) == (!rest.len && n <= PUSH_SUBSCRIPTIONS_MAX));
	return 0;
}
