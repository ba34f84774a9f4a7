/* What is asked of the authorization server, and its documents. */
#include "faces/oauth.h"
#include "base/error.h"
#include "base/text.h"
#include "ipc/web.h"

#include <string.h>

#define PARAMS_MAX 40

bool
oauth_is_resource(struct slice path)
{
	return slice_eq(path, S("/jmap/session")) || slice_eq(path, S("/jmap/api"));
}

/* --- parameters --- */

/* One name or value, decoded into room that is there already. */
static int
decode(struct slice in, struct buf *text, struct slice *ret)
{
	size_t at = text->len;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.ptr[i] == '+' ? ' ' : in.ptr[i];
		if (c == '%') {
			int high = i + 2 < in.len ? hex_value(in.ptr[i + 1]) : -1,
			    low = i + 2 < in.len ? hex_value(in.ptr[i + 2]) : -1;
			if (high < 0 || low < 0)
				return LL_ERR_SYNTAX;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (c < ' ' || c == 0x7f)
			return LL_ERR_SYNTAX;
		buf_putc(text, c);
	}
	*ret = slice_new(text->ptr + at, text->len - at);
	return utf8_valid(*ret) ? buf_err(text) : LL_ERR_SYNTAX;
}

static struct slice *
param(struct oauth_params *p, struct slice name)
{
#define PARAM_FIND(n)                                                                              \
	if (slice_eq(name, S(#n)))                                                                 \
		return &p->n;
	OAUTH_PARAMS(PARAM_FIND)
#undef PARAM_FIND
	return NULL;
}

static int
add_resource(struct oauth_params *p, struct slice value)
{
	if (value.len == 0)
		return LL_OK;
	if (p->n_resources == OAUTH_RESOURCES_MAX)
		return LL_ERR_LIMIT;
	p->resources[p->n_resources++] = value;
	return LL_OK;
}

/* The same host: the port that https stands for may be left out. */
static bool
same_host(struct slice a, struct slice b)
{
	if (slice_ends(a, S(":443")))
		a.len -= 4;
	if (slice_ends(b, S(":443")))
		b.len -= 4;
	return slice_ieq(a, b);
}

bool
oauth_params_resources_good(const struct oauth_params *p, struct slice host)
{
	for (unsigned i = 0; i < p->n_resources; i++) {
		struct slice rest = p->resources[i], authority;
		if (!slice_istarts(rest, S("https://")))
			return false;
		rest = slice_skip(rest, 8);
		authority = slice_sub(rest, 0, slice_find_byte(rest, '/'));
		rest = slice_skip(rest, authority.len);
		if (!same_host(authority, host) ||
			(rest.len && !slice_eq(rest, S("/")) && !oauth_is_resource(rest)))
			return false;
	}
	return true;
}

int
oauth_params_parse(struct slice in, struct buf *text, struct oauth_params *ret)
{
	struct oauth_params p = {}, seen = {};
	struct slice rest = in, name, value;
	unsigned n = 0;

	if (in.len > OAUTH_BODY_MAX || !buf_room(text, in.len + 1))
		return LL_ERR_LIMIT;
	while (rest.len) {
		struct slice pair = slice_split(&rest, '&'), left = slice_split(&pair, '='), *to;
		if (++n > PARAMS_MAX)
			return LL_ERR_LIMIT;
		if (decode(left, text, &name) || decode(pair, text, &value))
			return LL_ERR_SYNTAX;
		if (slice_eq(name, S("resource")) && add_resource(&p, value))
			return LL_ERR_LIMIT;
		to = param(&seen, name);
		if (to && to->len)
			return LL_ERR_SYNTAX;
		if (!to)
			continue;
		*to = name;
		if (value.len)
			*param(&p, name) = value;
	}
	*ret = p;
	return LL_OK;
}

/* --- scopes --- */

/* The larger ones first: what one of them includes is not named again. */
static const struct {
	const char *name;
	struct oauth_scope is;
} scopes[] = {
	{"urn:ietf:params:oauth:scope:mail",
		{OAUTH_MAIL, OAUTH_IMAP | OAUTH_POP | OAUTH_SMTP | OAUTH_JMAP}},
	{"urn:letterlock:scope:jmap", {OAUTH_MAIL, OAUTH_JMAP}},
	{"urn:letterlock:scope:imap", {OAUTH_MAIL, OAUTH_IMAP}},
	{"urn:letterlock:scope:send", {0, OAUTH_SMTP}},
};

int
oauth_scope_parse(struct slice text, struct oauth_scope *ret)
{
	struct oauth_scope s = {};
	struct slice rest = text;

	if (text.len == 0)
		s = scopes[0].is;
	while (rest.len) {
		struct slice one = slice_split(&rest, ' ');
		for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
			if (slice_eq(one, slice_str(scopes[i].name))) {
				s.areas |= scopes[i].is.areas;
				s.protocols |= scopes[i].is.protocols;
			}
	}
	if (s.protocols == 0)
		return LL_ERR_NOTFOUND;
	*ret = s;
	return LL_OK;
}

void
oauth_scope_put(struct buf *out, const struct oauth_scope *s)
{
	unsigned named = 0;

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		const struct oauth_scope *is = &scopes[i].is;
		if ((is->areas & ~s->areas) || (is->protocols & ~s->protocols) ||
			!(is->protocols & ~named))
			continue;
		if (named)
			buf_putc(out, ' ');
		named |= is->protocols;
		buf_puts(out, scopes[i].name);
	}
}

/* --- the request --- */

void
oauth_error(const char *error, const char *why, struct buf *ret_json)
{
	buf_printf(ret_json, "{\"error\":\"%s\",\"error_description\":", error);
	json_text_put(ret_json, slice_str(why));
	buf_puts(ret_json, "}\n");
}

static bool
is_challenge(struct slice s)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(64);

	return s.len == 43 && base64url_decode(&raw, s) == LL_OK;
}

/* What the program itself is told, at its redirect URI; "": nothing is wrong. */
static const char *
request_error(const struct oauth_params *p, struct slice host, struct oauth_scope *ret_scope)
{
	if (!slice_eq(p->response_type, S("code")))
		return p->response_type.len ? "unsupported_response_type" : "invalid_request";
	if (!is_challenge(p->code_challenge) || !slice_eq(p->code_challenge_method, S("S256")))
		return "invalid_request";
	if (!oauth_params_resources_good(p, host))
		return "invalid_target";
	return oauth_scope_parse(p->scope, ret_scope) ? "invalid_scope" : "";
}

static void
put_member(struct buf *out, const char *name, struct slice value)
{
	buf_printf(out, ",\"%s\":", name);
	json_text_put(out, value);
}

static void
put_request(struct buf *out, const struct oauth_params *p, struct slice host,
	const struct oauth_client *c, const struct oauth_redirect *to)
{
	static const char *const targets[] = {"site", "loopback", "program"};
	struct oauth_scope scope = {};
	const char *error = request_error(p, host, &scope);

	buf_puts(out, "{\"name\":");
	json_text_put(out, c->name);
	put_member(out, "kind", slice_str(targets[to->kind]));
	put_member(out, "target", to->target);
	put_member(out, "error", slice_str(error));
	put_member(out, "clientId", p->client_id);
	put_member(out, "redirectUri", p->redirect_uri);
	put_member(out, "challenge", p->code_challenge);
	put_member(out, "state", p->state);
	buf_printf(out, ",\"areas\":%u,\"protocols\":%u}\n", scope.areas, scope.protocols);
}

unsigned
oauth_request(struct slice query, struct slice host, struct buf *ret_json)
{
	CLEANUP(buf_done)
	struct buf text = BUF_INIT(2 * OAUTH_BODY_MAX), lines = BUF_INIT(OAUTH_CLIENT_ID_MAX);
	struct oauth_client c;
	struct oauth_params p;
	struct oauth_redirect to;

	if (oauth_params_parse(query, &text, &p) || p.state.len > OAUTH_STATE_MAX)
		oauth_error("invalid_request", "The request is malformed.", ret_json);
	else if (oauth_client_parse(p.client_id, host, &lines, &c))
		oauth_error("invalid_client", "This client_id is not known.", ret_json);
	else if (oauth_redirect_check(p.redirect_uri, host, &to) ||
		!oauth_client_has(&c, p.redirect_uri))
		oauth_error("invalid_request", "The redirect_uri is not one of the program's.",
			ret_json);
	else {
		put_request(ret_json, &p, host, &c, &to);
		return 200;
	}
	return 400;
}

/* --- documents --- */

static void
put_url(struct buf *out, const char *name, struct slice host, const char *path)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(1024);

	buf_puts(&url, "https://");
	buf_put(&url, host);
	buf_puts(&url, path);
	put_member(out, name, buf_slice(&url));
}

static void
put_scopes(struct buf *out)
{
	buf_puts(out, ",\"scopes_supported\":[");
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		buf_printf(out, "%s\"%s\"", i ? "," : "", scopes[i].name);
	buf_putc(out, ']');
}

void
oauth_server_metadata(struct slice host, struct buf *ret_json)
{
	buf_puts(ret_json, "{\"response_types_supported\":[\"code\"]");
	put_url(ret_json, "issuer", host, "");
	put_url(ret_json, "authorization_endpoint", host, "/authorize");
	put_url(ret_json, "token_endpoint", host, "/oauth/token");
	put_url(ret_json, "registration_endpoint", host, "/oauth/register");
	put_url(ret_json, "revocation_endpoint", host, "/oauth/revoke");
	put_scopes(ret_json);
	buf_puts(ret_json,
		",\"response_modes_supported\":[\"query\"],"
		"\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"],"
		"\"token_endpoint_auth_methods_supported\":[\"none\"],"
		"\"revocation_endpoint_auth_methods_supported\":[\"none\"],"
		"\"code_challenge_methods_supported\":[\"S256\"],"
		"\"authorization_response_iss_parameter_supported\":true}\n");
}

void
oauth_resource_metadata(struct slice host, struct slice path, struct buf *ret_json)
{
	CLEANUP(buf_done) struct buf resource = BUF_INIT(1024);

	buf_puts(&resource, "https://");
	buf_put(&resource, host);
	buf_put(&resource, path);
	buf_puts(ret_json, "{\"resource\":");
	json_text_put(ret_json, buf_slice(&resource));
	buf_puts(ret_json, ",\"authorization_servers\":[");
	buf_truncate(&resource, strlen("https://") + host.len);
	json_text_put(ret_json, buf_slice(&resource));
	buf_putc(ret_json, ']');
	put_scopes(ret_json);
	buf_puts(ret_json, ",\"bearer_methods_supported\":[\"header\"]}\n");
}

void
oauth_tokens(const struct web_oauth_tokens *t, struct buf *ret_json)
{
	CLEANUP(buf_done) struct buf scope = BUF_INIT(512);

	oauth_scope_put(&scope, &(struct oauth_scope){t->areas, t->protocols});
	buf_puts(ret_json, "{\"token_type\":\"Bearer\"");
	put_member(ret_json, "access_token", t->access);
	put_member(ret_json, "refresh_token", t->refresh);
	put_member(ret_json, "scope", buf_slice(&scope));
	buf_printf(ret_json, ",\"expires_in\":%u}\n", t->expires_in);
}
