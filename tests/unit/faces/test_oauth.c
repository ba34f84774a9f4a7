/* OAuth's texts: redirect URIs, client ids, parameters, scopes, and what is answered. */
#include "t.h"

#include "base/error.h"
#include "faces/oauth.h"
#include "ipc/web.h"

static const struct slice own = S("mail.example.org:8443");

static void
redirects(void)
{
	static const struct {
		const char *uri, *target; /* NULL: refused */
		enum oauth_target_kind kind;
	} rows[] = {
		{"https://app.example/back?x=1", "app.example", OAUTH_SITE},
		{"https://app.example", "app.example", OAUTH_SITE},
		{"https://app.example:8443/back", "app.example", OAUTH_SITE},
		{"http://127.0.0.1/back", "127.0.0.1", OAUTH_LOOPBACK},
		{"http://127.0.0.1:51004/back", "127.0.0.1", OAUTH_LOOPBACK},
		{"http://[::1]:51004/", "[::1]", OAUTH_LOOPBACK},
		{"com.example.app:/back", "com.example.app", OAUTH_PROGRAM},
		{"com.example.app://back", "com.example.app", OAUTH_PROGRAM},
		{"", NULL, 0},
		{"app.example", NULL, 0},
		{"https:", NULL, 0},
		{"https://", NULL, 0},
		{"https:///back", NULL, 0},
		{"https:app.example", NULL, 0},
		{"HTTPS://app.example/", NULL, 0},
		{"https://user@app.example/", NULL, 0},
		{"https://app.example:0/", NULL, 0},
		{"https://app.example:99999/", NULL, 0},
		{"https://app.example:/", NULL, 0},
		{"https://app.example\\@evil.example/", NULL, 0},
		{"https://app.example/#x", NULL, 0},
		{"https://app.example/ x", NULL, 0},
		{"https://app.example/\r\nX: y", NULL, 0},
		{"https://\xc3\xa4pp.example/", NULL, 0},
		{"https://[::1]/", NULL, 0},
		{"https://.app.example/", NULL, 0},
		{"https://mail.example.org/x", NULL, 0},
		{"https://MAIL.example.org:1/x", NULL, 0},
		{"https://mail.example.org./x", NULL, 0},
		{"http://app.example/", NULL, 0},
		{"http://localhost/", NULL, 0},
		{"http://127.0.0.1.example/", NULL, 0},
		{"http://127.0.0.1@evil.example/", NULL, 0},
		{"http://127.1/", NULL, 0},
		{"http:127.0.0.1/", NULL, 0},
		{"javascript:alert(1)", NULL, 0},
		{"data:text/html,x", NULL, 0},
		{"file:///etc/passwd", NULL, 0},
		{"blob:https://app.example/x", NULL, 0},
		{"mailto:a@b.c", NULL, 0},
		{"myapp:/back", NULL, 0},
		{"com.example.:/back", NULL, 0},
		{".com:/back", NULL, 0},
		{"com.example.app:", NULL, 0},
	};
	char longest[OAUTH_URI_MAX + 2] = "https://a.example/";
	struct oauth_redirect got;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = oauth_redirect_check(slice_str(rows[i].uri), own, &got);
		if ((r == LL_OK) != (rows[i].target != NULL))
			fprintf(stderr, "%s\n", rows[i].uri);
		CHECK_INT(r, rows[i].target ? LL_OK : LL_ERR_SYNTAX);
		if (r)
			continue;
		CHECK_SLICE(got.target, slice_str(rows[i].target));
		CHECK_INT(got.kind, rows[i].kind);
	}
	memset(longest + 18, 'x', sizeof(longest) - 18);
	CHECK_INT(oauth_redirect_check(slice_new(longest, OAUTH_URI_MAX), own, &got), LL_OK);
	CHECK_INT(oauth_redirect_check(slice_new(longest, OAUTH_URI_MAX + 1), own, &got),
		LL_ERR_SYNTAX);
}

static void
clients(void)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(4096), text = BUF_INIT(4096);
	struct oauth_client c = {S("Test"), 2, {S("http://127.0.0.1/x?y"), S("a.b:/z")}}, got;

	CHECK_INT(oauth_client_put(&id, &c), LL_OK);
	CHECK_INT(oauth_client_parse(buf_slice(&id), own, &text, &got), LL_OK);
	CHECK_SLICE(got.name, c.name);
	CHECK_INT(got.n, 2);
	CHECK(oauth_client_has(&got, S("a.b:/z")));
	CHECK(oauth_client_has(&got, S("http://127.0.0.1/x?y")));
	CHECK(oauth_client_has(&got, S("http://127.0.0.1:5/x?y")));
	CHECK(!oauth_client_has(&got, S("http://127.0.0.1:5/x?z")));
	CHECK(!oauth_client_has(&got, S("http://127.0.0.1:5/x")));
	CHECK(!oauth_client_has(&got, S("http://[::1]:5/x?y")));
	CHECK(!oauth_client_has(&got, S("https://127.0.0.1/x?y")));
	CHECK(!oauth_client_has(&got, S("a.b:/z/")));
	CHECK(!oauth_client_has(&got, S("")));
}

/* The port counts where it is not this machine's. */
static void
ports(void)
{
	struct oauth_client c = {S("Test"), 1, {S("https://a.example:1/")}};

	CHECK(oauth_client_has(&c, S("https://a.example:1/")));
	CHECK(!oauth_client_has(&c, S("https://a.example:2/")));
	CHECK(!oauth_client_has(&c, S("https://a.example/")));
}

static void
bad_clients(void)
{
	static const char *const rows[] = {"", "c1.", "c1.AAAA", "c2.VGVzdAphLmI6L3o",
		"c1.VGVzdA" /* no URI */, "c1.VGVzdAphLmI6L3oK" /* ends with a line feed */,
		"c1.CmEuYjoveg" /* no name */, "c1.VGVzdAphLmI6L3o=", "c1.VGVzdApmaWxlOi8vLw"};
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
	struct oauth_client got;

	CHECK_INT(oauth_client_parse(S("c1.VGVzdAphLmI6L3o"), own, &text, &got), LL_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(oauth_client_parse(slice_str(rows[i]), own, &text, &got), LL_ERR_SYNTAX);
}

static void
registration(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(8192);

	CHECK_INT(oauth_register(S("{\"redirect_uris\":[\"a.b:/z\"],\"client_name\":\" Test \"}"),
			  own, &out),
		201);
	CHECK(slice_find(buf_slice(&out), S("\"c1.VGVzdAphLmI6L3o\"")) != SLICE_NPOS);
	buf_reset(&out);
	CHECK_INT(
		oauth_register(S("{\"redirect_uris\":[\"https://a.example/\"]}"), own, &out), 201);
	CHECK(slice_find(buf_slice(&out), S("\"client_name\":\"a.example\"")) != SLICE_NPOS);
	CHECK_INT(
		oauth_register(S("{\"redirect_uris\":[\"a.b:/z\"],\"client_name\":\"a\\u0000b\"}"),
			own, &out),
		400);
	CHECK_INT(oauth_register(S("{\"redirect_uris\":[\"a.b:/z\",[]]}"), own, &out), 400);
	CHECK_INT(oauth_register(S("[]"), own, &out), 400);
	CHECK_INT(oauth_register(S(""), own, &out), 400);
}

static void
params(void)
{
	static const char *const bad[] = {"code=a&code=b", "code=%", "code=%0", "code=%zz",
		"code=%00", "code=a%0ab", "%63ode=a&code=b", "state=%ff", "code=a\nb"};
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
	struct oauth_params p;

	CHECK_INT(
		oauth_params_parse(S("code=a%2Bb+c&state=&x=1&x=2&&client_id"), &text, &p), LL_OK);
	CHECK_SLICE(p.code, S("a+b c"));
	CHECK_INT(p.state.len, 0);
	CHECK_INT(p.client_id.len, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		buf_reset(&text);
		CHECK_INT(oauth_params_parse(slice_str(bad[i]), &text, &p), LL_ERR_SYNTAX);
	}
}

static void
resources(void)
{
	static const struct {
		struct slice query;
		bool good;
	} rows[] = {
		{S("code=a"), true},
		{S("resource="), true},
		{S("resource=https%3A%2F%2Fmail.example.org%3A8443"), true},
		{S("resource=https://mail.example.org:8443/"), true},
		{S("resource=HTTPS://MAIL.example.org:8443/jmap/session"), true},
		{S("resource=https://mail.example.org:8443/jmap/api&resource=https://mail.example."
		   "org:8443"),
			true},
		{S("resource=https://mail.example.org:8443/jmap/api&resource=https://x.example/"),
			false},
		{S("resource=https://mail.example.org"), false},
		{S("resource=https://mail.example.org:8443.x.example/"), false},
		{S("resource=https://mail.example.org:8443@x.example/"), false},
		{S("resource=https://mail.example.org:8443/jmap/session%23x"), false},
		{S("resource=https://mail.example.org:8443/jmap/session/"), false},
		{S("resource=https://mail.example.org:8443/?x"), false},
		{S("resource=http://mail.example.org:8443/"), false},
		{S("resource=/jmap/session"), false},
		{S("resource=https:"), false},
	};
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
	struct oauth_params p;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&text);
		CHECK_INT(oauth_params_parse(rows[i].query, &text, &p), LL_OK);
		if (oauth_params_resources_good(&p, own) == rows[i].good)
			continue;
		t_failed++;
		fprintf(stderr, "%.*s\n", SLICE_ARG(rows[i].query));
	}
	buf_reset(&text);
	CHECK_INT(oauth_params_parse(S("resource=https://mail.example.org:443/"), &text, &p), 0);
	CHECK_INT(oauth_params_resources_good(&p, S("mail.example.org")), 1);
}

static void
many_params(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(4096), text = BUF_INIT(65536);
	static uint8_t large[OAUTH_BODY_MAX + 1];
	struct oauth_params p;

	for (int i = 0; i < 40; i++)
		buf_puts(&in, "x=1&");
	CHECK_INT(oauth_params_parse(buf_slice(&in), &text, &p), LL_OK);
	buf_puts(&in, "x=1");
	buf_reset(&text);
	CHECK_INT(oauth_params_parse(buf_slice(&in), &text, &p), LL_ERR_LIMIT);
	buf_reset(&in);
	for (int i = 0; i <= OAUTH_RESOURCES_MAX; i++)
		buf_puts(&in, "&resource=a");
	buf_reset(&text);
	CHECK_INT(oauth_params_parse(buf_slice(&in), &text, &p), LL_ERR_LIMIT);
	memset(large, 'a', sizeof(large));
	buf_reset(&text);
	CHECK_INT(oauth_params_parse(SLICE_OF(large), &text, &p), LL_ERR_LIMIT);
}

static void
scopes(void)
{
	static const struct {
		const char *asked, *named; /* NULL: none is known */
	} rows[] = {
		{"", "urn:ietf:params:oauth:scope:mail"},
		{"urn:ietf:params:oauth:scope:mail offline_access",
			"urn:ietf:params:oauth:scope:mail"},
		{"urn:letterlock:scope:send", "urn:letterlock:scope:send"},
		{"urn:letterlock:scope:send urn:letterlock:scope:imap",
			"urn:letterlock:scope:imap urn:letterlock:scope:send"},
		{"urn:ietf:params:oauth:scope:mail urn:letterlock:scope:send",
			"urn:ietf:params:oauth:scope:mail"},
		{"urn:ietf:params:oauth:scope:contacts", NULL},
		{" ", NULL},
	};
	struct oauth_scope s;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(256);
		int r = oauth_scope_parse(slice_str(rows[i].asked), &s);
		CHECK_INT(r, rows[i].named ? LL_OK : LL_ERR_NOTFOUND);
		if (r)
			continue;
		oauth_scope_put(&out, &s);
		CHECK_SLICE(buf_slice(&out), slice_str(rows[i].named));
	}
	CHECK_INT(oauth_scope_parse(S("urn:letterlock:scope:send"), &s), LL_OK);
	CHECK_INT(s.areas, 0);
	CHECK_INT(s.protocols, OAUTH_SMTP);
}

#define QUERY                                                                                      \
	"client_id=c1.VGVzdAphLmI6L3o&redirect_uri=a.b:/z&response_type=code&code_challenge_"      \
	"method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static void
requests(void)
{
	static const struct {
		struct slice query;
		unsigned status;
		const char *says;
	} rows[] = {
		{S(QUERY "&state=%22%3Cx"), 200, "\"state\":\"\\\""},
		{S(QUERY), 200, "\"kind\":\"program\",\"target\":\"a.b\",\"error\":\"\""},
		{S(QUERY "&scope=x"), 200, "\"error\":\"invalid_scope\""},
		{S(QUERY "&resource=https://mail.example.org:8443"), 200, "\"error\":\"\""},
		{S(QUERY "&resource=https://x.example"), 200, "\"error\":\"invalid_target\""},
		{S(QUERY "&state=1&state=2"), 400, "invalid_request"},
		{S("client_id=c1.VGVzdAphLmI6L3o&redirect_uri=a.b:/z"), 200,
			"\"error\":\"invalid_request\""},
		{S("client_id=c1.VGVzdAphLmI6L3o&redirect_uri=a.c:/z"), 400, "redirect_uri"},
		{S("client_id=c1.VGVzdAphLmI6L3o"), 400, "redirect_uri"},
		{S("redirect_uri=a.b:/z"), 400, "invalid_client"},
		{S(""), 400, "invalid_client"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(8192);
		CHECK_INT(oauth_request(rows[i].query, own, &out), rows[i].status);
		if (slice_find(buf_slice(&out), slice_str(rows[i].says)) != SLICE_NPOS)
			continue;
		t_failed++;
		fprintf(stderr, "%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
	}
}

static void
token_answer(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(8192);

	oauth_tokens(
		&(struct web_oauth_tokens){S("lla1_a"), S("llr1_b"), 3600, 0, OAUTH_SMTP}, &out);
	CHECK_SLICE(buf_slice(&out),
		S("{\"token_type\":\"Bearer\",\"access_token\":\"lla1_a\",\"refresh_token\":"
		  "\"llr1_b\",\"scope\":\"urn:letterlock:scope:send\",\"expires_in\":3600}\n"));
}

T_MAIN(T(redirects), T(clients), T(ports), T(bad_clients), T(registration), T(params), T(resources),
	T(many_params), T(scopes), T(requests), T(token_answer))
