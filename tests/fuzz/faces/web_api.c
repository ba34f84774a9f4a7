/* Any JSON for each endpoint of the sign-in API: what is accepted is a body of the command's form,
 * the same at every attempt. And any body as an answer: what comes out is JSON, of a size that the
 * body bounds. The first byte picks the endpoint, the second the direction. */
#include "faces/web_api.h"
#include "ipc/web.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DECODES(UPPER, lower)                                                                      \
	static bool __attribute__((unused)) is_##lower(struct slice body)                          \
	{                                                                                          \
		struct web_##lower form;                                                           \
		return web_##lower##_get(body, &form) == 0;                                        \
	}
WEB_FORMS(DECODES)

static const struct {
	const char *command;
	bool (*is_request)(struct slice body), (*is_reply)(struct slice body);
} endpoints[] = {
#define ROW(text, asks, answers) {text, is_##asks, is_##answers},
	WEB_COMMANDS(ROW)};

static void
as_request(unsigned at, struct slice json)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX), again = body;
	const struct web_api_endpoint *e = web_api_find(slice_str(endpoints[at].command));
	const char *why = NULL;

	if (web_api_request(e, json, &body, &why)) {
		if (!why || body.len)
			abort();
		return;
	}
	if (!endpoints[at].is_request(buf_slice(&body)) || web_api_request(e, json, &again, &why) ||
		!slice_eq(buf_slice(&body), buf_slice(&again)))
		abort();
}

static void
as_reply(unsigned at, struct slice body)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT((size_t)4 << 20);
	const struct web_api_endpoint *e = web_api_find(slice_str(endpoints[at].command));
	json_t *parsed;

	if (web_api_reply(e, body, &json))
		return;
	parsed = json_loadb(
		(const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	/* One byte of text is six of JSON at most; the least item has as many names as its form. */
	if (!parsed || !endpoints[at].is_reply(body) || json.len > 1024 + body.len * 128)
		abort();
	json_decref(parsed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_new(data, size);

	if (size < 2 || size > IPC_PAYLOAD_MAX)
		return 0;
	rest = slice_skip(rest, 2);
	if (data[1] & 1)
		as_reply(data[0] % ARRAY_SIZE(endpoints), rest);
	else
		as_request(data[0] % ARRAY_SIZE(endpoints), rest);
	return 0;
}
