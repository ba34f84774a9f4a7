/* The messages of OAUTHBEARER and XOAUTH2 and the token in them. What is taken for a token can be put into a
 * message again and is read as the same; no token opens that was not made here, and no verifier is
 * taken that RFC 7636 does not allow. */
#include "../must.h"
#include "base/text.h"
#include "keys/oauth_token.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
verifier(struct slice text)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(64);

	if (oauth_challenge(text, &out))
		must(out.len == 0);
	else
		must(text.len >= 43 && text.len <= 128 && is_ascii(text) && out.len == 43);
}

/* One way to write it: what was read makes the same message again. */
static void
xoauth2(struct slice in)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(65536);
	struct oauth_bearer b;

	if (in.len > 16384 || oauth_xoauth2_parse(in, &b))
		return;
	must(b.user.len && !has_controls(b.user) && b.token.len && is_ascii(b.token));
	buf_puts(&again, "user=");
	buf_put(&again, b.user);
	buf_puts(&again, "\1auth=Bearer ");
	buf_put(&again, b.token);
	buf_puts(&again, "\1\1");
	must(slice_ieq(buf_slice(&again), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct directory_keys keys = {.value = {7}};
	CLEANUP(buf_done) struct buf message = BUF_INIT(65536), user = BUF_INIT(65536);
	struct oauth_bearer b, again;
	struct oauth_token t;

	verifier(slice_new(data, size));
	xoauth2(slice_new(data, size));
	must(oauth_token_open(&keys, OAUTH_REFRESH, slice_new(data, size), &t));
	if (size > 16384 || oauth_bearer_parse(slice_new(data, size), &b))
		return 0;
	must(b.token.len && is_ascii(b.token) && !has_controls(b.token));
	must(slice_find_byte(b.token, ' ') == SLICE_NPOS);
	must(!oauth_bearer_put(&message, b.token));
	must(!oauth_bearer_parse(buf_slice(&message), &again) && slice_eq(again.token, b.token));
	must(again.user.len == 0);
	must(oauth_token_open(&keys, OAUTH_ACCESS, b.token, &t));
	if (!oauth_bearer_user(&b, &user))
		must(user.len <= b.user.len);
	return 0;
}
