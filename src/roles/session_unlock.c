/* /api/v1/session: whether the account is open in this session process. */
#include "base/text.h"
#include "roles/session.h"
#include "roles/session_web.h"

static void
on_state(struct web_exchange *x, struct slice body)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(4096);

	buf_printf(
		&json, "{\"state\":\"%s\",\"accountId\":\"", session_account() ? "open" : "locked");
	base64url_encode(&json, slice_new(session_account_id(), WEB_ID_LEN));
	buf_puts(&json, "\",\"address\":");
	json_text_put(&json, slice_str(session_address()));
	buf_putc(&json, '}');
	web_exchange_answer(x, 200, "application/json", buf_slice(&json));
}

static const struct web_handler state = {.ready = on_state};

const struct web_route session_api_routes[] = {
	{"/api/v1/session", 1u << WEB_GET, WEB_ROUTE_LOCKED, 0, &state},
};
const size_t n_session_api_routes = ARRAY_SIZE(session_api_routes);
