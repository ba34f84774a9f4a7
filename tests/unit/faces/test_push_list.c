/* Push subscriptions on their way from a session to auth, which believes none of it. */
#include "t.h"

#include "faces/push_list.h"

#include <string.h>

static const uint8_t key[PUSH_KEY_LEN] = {4, 1, 2, 3}, auth[PUSH_AUTH_LEN] = {9};

static struct push_subscription
sample(const char *url)
{
	return (struct push_subscription){.id = {7, 8},
		.url = slice_str(url),
		.key = SLICE_OF(key),
		.auth = SLICE_OF(auth),
		.expires = 1795000000,
		.types = 0x80000001,
		.verified = true};
}

static void
addresses(void)
{
	static const struct {
		const char *url;
		bool ok;
	} rows[] = {
		{"https://push.example/x", true},
		{"https://push.example", true},
		{"https://push.example:8443/x?y=z", true},
		{"http://push.example/x", false},
		{"HTTPS://push.example/x", false},
		{"https://[2001:db8::1]/x", true},
		{"https://[2001:db8::1]:443/x", true},
		{"https://push.example:65535/", true},
		{"https://push.example:65536/", false},
		{"https://push.example:0/", false},
		{"https://push.example:/", false},
		{"https://push.example:80a/", false},
		{"https://push.example:80:80/", false},
		{"https://:443/", false},
		{"https://[2001:db8::1/x", false},
		{"https://", false},
		{"https:///x", false},
		{"https://user@push.example/", false},
		{"https://push.example?x", false}, /* the host must be plain to see */
		{"https://push.example/a b", false},
		{"https://push.example/\r\nX: y", false},
		{"https://push.example/\"", false},
		{"https://push.example/#f", false},
		{"https://push.example/\xc3\xa4", false},
	};
	CLEANUP(buf_done) struct buf longest = BUF_INIT(PUSH_URL_MAX + 1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(push_url_ok(slice_str(rows[i].url)), rows[i].ok);
	buf_puts(&longest, "https://p/");
	while (longest.len < PUSH_URL_MAX)
		buf_putc(&longest, 'x');
	CHECK(push_url_ok(buf_slice(&longest)));
	buf_putc(&longest, 'x');
	CHECK(!push_url_ok(buf_slice(&longest)));
}

static void
there_and_back(void)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(PUSH_LIST_MAX);
	struct push_subscription a = sample("https://push.example/a"), got;
	struct push_subscription b = {.url = S("https://push.example/b")};
	struct slice rest;

	CHECK_INT(push_list_put(&a, &list), 0);
	CHECK_INT(push_list_put(&b, &list), 0);
	CHECK(push_list_ok(buf_slice(&list)));
	rest = buf_slice(&list);
	CHECK(push_list_next(&rest, &got));
	CHECK(!memcmp(got.id, a.id, sizeof(a.id)) && got.verified && got.types == a.types);
	CHECK(got.expires == a.expires);
	CHECK_SLICE(got.url, a.url);
	CHECK_SLICE(got.key, a.key);
	CHECK_SLICE(got.auth, a.auth);
	CHECK(push_list_next(&rest, &got));
	CHECK(!got.verified && !got.key.len && !got.auth.len);
	CHECK_SLICE(got.url, b.url);
	CHECK(!push_list_next(&rest, &got) && !rest.len);
	for (size_t n = 1; n < list.len; n++) /* only at the end of one is it whole */
		CHECK_INT(push_list_ok(slice_sub(buf_slice(&list), 0, n)),
			n ==
				PUSH_ID_LEN + 1 + a.url.len + 1 + PUSH_KEY_LEN + 1 + PUSH_AUTH_LEN +
					13);
}

static void
refused(void)
{
	static const struct {
		size_t key_len, auth_len;
	} lengths[] = {{PUSH_KEY_LEN, 0}, {0, PUSH_AUTH_LEN}, {PUSH_KEY_LEN - 1, PUSH_AUTH_LEN},
		{PUSH_KEY_LEN, PUSH_AUTH_LEN - 1}};
	CLEANUP(buf_done) struct buf list = BUF_INIT(PUSH_LIST_MAX);
	struct push_subscription s = sample("https://push.example/a"), got;
	struct slice rest;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		buf_reset(&list);
		s.key = slice_new(key, lengths[i].key_len);
		s.auth = slice_new(auth, lengths[i].auth_len);
		CHECK_INT(push_list_put(&s, &list), 0);
		rest = buf_slice(&list);
		CHECK(!push_list_next(&rest, &got) && rest.len == list.len);
	}
	s = sample("https://user@push.example/");
	buf_reset(&list);
	CHECK_INT(push_list_put(&s, &list), 0);
	CHECK(!push_list_ok(buf_slice(&list)));
	s = sample("https://push.example/");
	buf_reset(&list);
	CHECK_INT(push_list_put(&s, &list), 0);
	list.ptr[list.len - 1] = 2; /* neither verified nor not */
	CHECK(!push_list_ok(buf_slice(&list)));
}

static void
at_most(void)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(PUSH_LIST_MAX);
	struct push_subscription s = sample("https://push.example/a");

	for (size_t i = 0; i < PUSH_SUBSCRIPTIONS_MAX; i++)
		CHECK_INT(push_list_put(&s, &list), 0);
	CHECK(push_list_ok(buf_slice(&list)));
	CHECK_INT(push_list_put(&s, &list), 0);
	CHECK(!push_list_ok(buf_slice(&list)));
	CHECK(push_list_ok(SLICE_NONE));
}

T_MAIN(T(addresses), T(there_and_back), T(refused), T(at_most))
