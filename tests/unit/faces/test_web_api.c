/* JSON to forms and back: each endpoint, limits, and what is refused. */
#include "base/error.h"
#include "faces/web_api.h"
#include "ipc/web.h"
#include "t.h"

static int
request(const char *command, const char *json, struct buf *body)
{
	const char *why = NULL;

	buf_reset(body);
	return web_api_request(web_api_find(slice_str(command)), slice_str(json), body, &why);
}

static void
reads_every_kind_of_member(void)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct web_login_start login;
	struct web_stage stage;
	struct control_change change;
	struct web_page page;
	struct reader items;
	struct slice item;

	CHECK_INT(
		request("login-start",
			"{\"device\":\"B\\u00fcro\",\"remember\":true,\"address\":\"a@b\",\"ke1\":"
			"\"AQL_\"}",
			&body),
		LL_OK);
	CHECK_INT(web_login_start_get(buf_slice(&body), &login), LL_OK);
	CHECK_SLICE(login.address, S("a@b"));
	CHECK_SLICE(login.ke1, S("\x01\x02\xff"));
	CHECK_SLICE(login.device, S("B\xc3\xbcro"));
	CHECK_INT(login.remember, 1);
	CHECK_INT(request("keys-read", "{\"skip\":9007199254740991}", &body), LL_OK);
	CHECK_INT(web_page_get(buf_slice(&body), &page), LL_OK);
	CHECK(page.skip == 9007199254740991u);
	/* A list of forms, in the encoding of the operator's commands. */
	CHECK_INT(
		request("keys-stage",
			"{\"handle\":\"AAECAwQFBgcICQoLDA0ODw\",\"changes\":[{\"kind\":\"delete\","
			"\"key\":\"ay8\"},{\"kind\":\"put-new\",\"key\":\"ay8\",\"value\":\"AA\"}]"
			"}",
			&body),
		LL_OK);
	CHECK_INT(web_stage_get(buf_slice(&body), &stage), LL_OK);
	CHECK_INT(stage.handle[15], 15);
	items = reader_new(stage.changes);
	CHECK(control_items_next(&items, &item));
	CHECK_INT(control_change_get(item, &change), LL_OK);
	CHECK_INT(change.kind, 2);
	CHECK_SLICE(change.key, S("k/"));
	CHECK(control_items_next(&items, &item));
	CHECK_INT(control_change_get(item, &change), LL_OK);
	CHECK_SLICE(change.value, S("\0"));
	CHECK(!control_items_next(&items, &item));
}

static void
what_is_left_out_counts_as_nothing(void)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(4096), none = BUF_INIT(4096);

	CHECK_INT(request("login-start", "", &none), LL_OK);
	CHECK_INT(request("login-start", "{}", &body), LL_OK);
	CHECK_SLICE(buf_slice(&body), buf_slice(&none));
	CHECK_INT(request("login-start", "{\"address\":\"\",\"remember\":false}", &body), LL_OK);
	CHECK_SLICE(buf_slice(&body), buf_slice(&none));
}

static void
refuses(void)
{
	static const struct {
		const char *command, *json;
		int err;
	} cases[] = {
		{"login-start", "[]", LL_ERR_SYNTAX},
		{"login-start", "null", LL_ERR_SYNTAX},
		{"login-start", "{", LL_ERR_SYNTAX},
		{"login-start", "{} {}", LL_ERR_SYNTAX},
		{"login-start", "{\"address\":\"a\",\"address\":\"b\"}", LL_ERR_SYNTAX},
		{"login-start", "{\"adress\":\"a\"}", LL_ERR_SYNTAX},
		{"login-start", "{\"address\":null}", LL_ERR_SYNTAX},
		{"login-start", "{\"address\":\"\\u0000\"}", LL_ERR_SYNTAX},
		{"login-start", "{\"address\":\"\xff\"}", LL_ERR_SYNTAX},
		{"login-start", "{\"remember\":1}", LL_ERR_SYNTAX},
		{"login-start", "{\"ke1\":\"AQ==\"}", LL_ERR_SYNTAX},
		{"login-start", "{\"ke1\":\"+/8\"}", LL_ERR_SYNTAX},
		{"login-password", "{\"handle\":\"AA\"}", LL_ERR_SYNTAX},
		{"login-password", "{\"handle\":7}", LL_ERR_SYNTAX},
		{"keys-read", "{\"skip\":-1}", LL_ERR_SYNTAX},
		{"keys-read", "{\"skip\":1.0}", LL_ERR_SYNTAX},
		{"keys-read", "{\"skip\":9007199254740992}", LL_ERR_SYNTAX},
		{"keys-read", "{\"skip\":99999999999999999999}", LL_ERR_SYNTAX},
		{"keys-stage", "{\"changes\":{}}", LL_ERR_SYNTAX},
		{"keys-stage", "{\"changes\":[1]}", LL_ERR_SYNTAX},
		{"keys-stage", "{\"changes\":[{\"kind\":\"burn\"}]}", LL_ERR_SYNTAX},
		{"keys-update", "{\"verifiers\":[[[[[]]]]]}", LL_ERR_SYNTAX},
		{"login-totp", "{\"code\":\"12345678901234567\"}", LL_ERR_LIMIT},
		{"account-begin", "{\"nonce\":\"AAAAAAAAAAAA\"}", LL_ERR_LIMIT},
	};
	CLEANUP(buf_done) struct buf body = BUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = request(cases[i].command, cases[i].json, &body);
		if (r != cases[i].err || body.len)
			fprintf(stderr, "%s\n", cases[i].json);
		CHECK_INT(r, cases[i].err);
		CHECK_INT(body.len, 0);
	}
	CHECK(!web_api_find(S("login")) && !web_api_find(S("")) && !web_api_find(S("unlock")));
}

static void
a_request_has_a_limit(void)
{
	static char json[WEB_API_REQUEST_MAX + 2];
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	memset(json, ' ', sizeof(json) - 1);
	memcpy(json, "{}", 2);
	CHECK_INT(request("account", json, &body), LL_ERR_LIMIT);
	json[WEB_API_REQUEST_MAX] = 0;
	CHECK_INT(request("account", json, &body), LL_OK);
	/* Brackets in texts are not nesting. */
	CHECK_INT(request("login-start", "{\"address\":\"[[[[[{{{{\\\"[[\"}", &body), LL_OK);
}

static void
writes_answers(void)
{
	CLEANUP(buf_done)
	struct buf body = BUF_INIT(4096), json = BUF_INIT(4096), list = BUF_INIT(4096),
		   item = BUF_INIT(4096);
	struct web_session_form s = {.device = S("a\"b"), .created = 7, .current = 1};

	memset(s.id, 0xff, sizeof(s.id));
	CHECK_INT(web_session_form_put(&item, &s), LL_OK);
	CHECK_INT(control_items_add(&list, buf_slice(&item)), LL_OK);
	CHECK_INT(web_sessions_form_put(
			  &body, &(struct web_sessions_form){.sessions = buf_slice(&list)}),
		LL_OK);
	CHECK_INT(web_api_reply(web_api_find(S("sessions")), buf_slice(&body), &json), LL_OK);
	CHECK_SLICE(buf_slice(&json),
		S("{\"sessions\":[{\"id\":\"_____________________w\",\"device\":\"a\\\"b\","
		  "\"agent\":\"\",\"ip\":\"\",\"country\":\"\",\"created\":7,\"lastSeen\":0,"
		  "\"remember\":false,"
		  "\"current\":true}]}"));
	for (size_t n = 0; n < body.len; n++) {
		buf_reset(&json);
		CHECK_INT(web_api_reply(web_api_find(S("sessions")), slice_new(body.ptr, n), &json),
			LL_ERR_SYNTAX);
		CHECK_INT(json.len, 0);
	}
	buf_reset(&body);
	CHECK_INT(web_signed_put(&body, &(struct web_signed){.next = WEB_NEXT_FACTOR, .totp = 1}),
		LL_OK);
	CHECK_INT(web_api_reply(web_api_find(S("login-totp")), buf_slice(&body), &json), LL_OK);
	CHECK(slice_starts(buf_slice(&json),
		S("{\"next\":\"factor\",\"totp\":true,\"passkey\":"
		  "false,\"recovery\":null,\"rpId\":\"\"")));
	/* A number without a word is no answer. */
	body.ptr[0] = 3;
	buf_reset(&json);
	CHECK_INT(web_api_reply(web_api_find(S("login-totp")), buf_slice(&body), &json),
		LL_ERR_SYNTAX);
}

static void
problems(void)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(4096), json = BUF_INIT(4096);
	struct web_problem p = {.code = S("rate"), .retry_after = 30, .title = S("Wait.")};
	uint32_t retry = 0;

	CHECK_INT(web_problem_put(&body, &p), LL_OK);
	CHECK_INT(web_api_problem(LL_ERR_AGAIN, buf_slice(&body), &json, &retry), 429);
	CHECK_INT(retry, 30);
	CHECK_SLICE(buf_slice(&json),
		S("{\"type\":\"urn:letterlock:rate\",\"title\":\"Wait.\","
		  "\"status\":429,\"retryAfter\":30}"));
	buf_reset(&json);
	CHECK_INT(web_api_problem(LL_ERR_NOTFOUND, SLICE_NONE, &json, NULL), 404);
	buf_reset(&json);
	CHECK_INT(web_api_problem(-200, S("?"), &json, NULL), 500);
}

static void
unlocking(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(8192);
	struct web_unlock_state st = {.state = WEB_UNLOCKED, .address = S("a@b")};

	CHECK_INT(web_api_unlock(S("{\"sealed\":\"AQID\"}"), &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("\x01\x02\x03"));
	CHECK_INT(web_api_unlock(S("{\"sealed\":3}"), &out), LL_ERR_SYNTAX);
	buf_reset(&out);
	CHECK_INT(web_api_unlock_state(&st, &out), LL_OK);
	CHECK_SLICE(buf_slice(&out),
		S("{\"state\":\"open\",\"accountId\":null,\"address\":\"a@b\",\"unlockKey\":"
		  "\"\"}"));
}

T_MAIN(T(reads_every_kind_of_member), T(what_is_left_out_counts_as_nothing), T(refuses),
	T(a_request_has_a_limit), T(writes_answers), T(problems), T(unlocking))
