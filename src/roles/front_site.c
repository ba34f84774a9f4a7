/* Who answers which path, and what the frontend answers by itself: the web client's files and
 * /.well-known. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "faces/web_manifest.h"
#include "keys/oauth_token.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/front_fetch.h"

#include <string.h>

#define SECURITY_TXT_DAYS 180
#define OAUTH_RESOURCE_PATH "/.well-known/oauth-protected-resource"

static struct web_pack *pack;
static struct buf manifest; /* of the pack */
static struct slice releases; /* the signed log of them */
static const char *hostname, *web_host;

void
front_site_init(struct role_env *env)
{
	struct slice file = role_file(env, "web");
	int r = file.len ? web_pack_new(file, &pack) : LL_ERR_NOTFOUND;

	hostname = env->config.hostname;
	web_host = env->config.web_host;
	if (r && r != LL_ERR_NOTFOUND)
		log_error("web-pack", "error=%s", log_quote(slice_str(ll_strerror(r))));
	releases = role_file(env, "web-log");
	if (releases.len == 0)
		releases = S(WEB_LOG_HEAD);
	manifest = BUF_INIT(WEB_MANIFEST_MAX);
	r = pack ? web_manifest_put(&manifest, pack, S(LETTERLOCK_VERSION)) : LL_OK;
	if (r) {
		log_error("web-manifest", "error=%s", log_quote(slice_str(ll_strerror(r))));
		buf_done(&manifest);
	}
}

static bool
is_safe(enum web_method m)
{
	return m == WEB_GET || m == WEB_HEAD;
}

/* Another site's page can make a browser send the cookie only where SameSite is not known; it can
 * never add this header without asking first. */
static bool
forged(const struct http_request *q)
{
	if (!front_own_origin(q, q->websocket))
		return true;
	return !is_safe(q->method) && http_request_header(q, "x-letterlock").len == 0;
}

/* --- the client's files --- */

static void
extra(struct front_head *h, const char *name, struct slice value)
{
	if (h->n < FRONT_EXTRA_HEADERS_MAX)
		h->extra[h->n++] = (struct web_header){slice_str(name), value};
}

static struct front_head
entry_head(const struct web_pack_entry *e, struct slice etag)
{
	struct front_head h = {.status = 200, .entry = e};

	extra(&h, "etag", etag);
	extra(&h, "vary",
		e->class == WEB_PACK_PAGE || e->class == WEB_PACK_LETTER
			? S("accept-encoding, user-agent")
			: S("accept-encoding"));
	return h;
}

static void
send_range(struct front_task *t, struct front_head *h, struct slice body, size_t first, size_t n)
{
	char range[80];

	snprintf(range, sizeof(range), "bytes %zu-%zu/%zu", first, first + n - 1, body.len);
	extra(h, "content-range", slice_str(range));
	h->status = 206;
	h->length = n;
	front_task_file(t, h, slice_sub(body, first, n));
}

static void
send_entry(struct front_task *t, const struct http_request *q, const struct web_pack_entry *e)
{
	struct slice identity = slice_new(e->etag, WEB_PACK_ETAG_LEN);
	struct slice range = http_request_header(q, "range"), cond;
	char gzip_tag[WEB_PACK_ETAG_LEN + 4];
	bool gzip = e->gzip.len && t->has_gzip && range.len == 0;
	struct front_head h;
	size_t first, n;

	snprintf(gzip_tag, sizeof(gzip_tag), "%.*s-z\"", WEB_PACK_ETAG_LEN - 1, e->etag);
	h = entry_head(e, gzip ? slice_str(gzip_tag) : identity);
	cond = http_request_header(q, "if-none-match");
	if (http_tags_have(cond, gzip ? slice_str(gzip_tag) : identity)) {
		h.status = 304;
		h.length = 0;
		front_task_file(t, &h, SLICE_NONE);
		return;
	}
	cond = http_request_header(q, "if-range");
	if (range.len && (cond.len == 0 || slice_eq(cond, identity)) &&
		web_range_parse(range, e->identity.len, &first, &n) == WEB_RANGE_PART) {
		send_range(t, &h, e->identity, first, n);
		return;
	}
	if (gzip)
		extra(&h, "content-encoding", S("gzip"));
	else
		extra(&h, "accept-ranges", S("bytes"));
	h.length = gzip ? e->gzip.len : e->identity.len;
	front_task_file(t, &h, gzip ? e->gzip : e->identity);
}

static void
plain(struct front_task *t, unsigned status, const char *text)
{
	struct front_head h = {.status = (uint16_t)status};

	front_task_answer(t, &h, "text/plain; charset=utf-8", slice_str(text));
}

/* Files are in /assets, or are names with a dot at the top; any other path is a view of the client,
 * whose parts may hold anything, such as the address that is searched for. */
static bool
is_file(struct slice path)
{
	return slice_starts(path, S("/assets/")) ||
		(slice_rfind_byte(path, '/') == 0 && slice_find_byte(path, '.') != SLICE_NPOS);
}

static void
on_client(struct front_task *t, struct slice rest, const struct http_request *q)
{
	const struct web_pack_entry *e = web_pack_find(pack, t->path);

	if (!pack) {
		plain(t, 503, "The web client is not installed on this server.\n");
	} else if (!e && is_file(t->path)) {
		plain(t, 404, "There is nothing here.\n");
	} else {
		e = e ? e : web_pack_find(pack, S("/index.html"));
		if (e)
			send_entry(t, q, e);
		else
			plain(t, 503, "The web client is not installed completely.\n");
	}
}

/* --- the API --- */

static bool
read_password(const struct http_request *q, struct buf *out)
{
	CLEANUP(buf_done) struct buf raw = BUF_SECRET(4096);
	struct slice value = http_request_header(q, "authorization"), user, password;

	if (!slice_istarts(value, S("Basic ")) ||
		base64_decode(&raw, slice_trim(slice_skip(value, 6))))
		return false;
	password = buf_slice(&raw);
	user = slice_split(&password, ':');
	if (user.len == 0 || password.len == 0 || slice_find_byte(buf_slice(&raw), 0) != SLICE_NPOS)
		return false;
	buf_put(out, user);
	buf_putc(out, 0);
	return buf_put(out, password) == LL_OK;
}

/* RFC 6750, section 2.1; as the message of OAUTHBEARER, so that one judge serves both. */
static bool
read_token(const struct http_request *q, struct buf *out)
{
	struct slice value = http_request_header(q, "authorization");

	return slice_istarts(value, S("Bearer ")) &&
		oauth_bearer_put(out, slice_trim(slice_skip(value, 7))) == LL_OK;
}

/* To a page that asks whether anybody is signed in with this browser, no is an answer like another:
 * browsers write each refusal down as an error of the page. */
static bool
asks_for_nobody(const struct front_task *t)
{
	return t->browser && !t->has_token && is_safe(t->method) &&
		slice_eq(t->path, S("/api/v1/session"));
}

/* For the session process. */
static void
on_account(struct front_task *t, struct slice rest, const struct http_request *q)
{
	CLEANUP(buf_done) struct buf secret = BUF_SECRET(8192);

	bool own = front_own_origin(q, false);

	t->bearer = slice_istarts(http_request_header(q, "authorization"), S("Bearer"));
	t->everyone = !t->has_token && slice_starts(t->path, S("/jmap/"));
	t->elsewhere = t->everyone && !own;
	if (http_request_header(q, "authorization").len) {
		/* A browser that keeps the password sends it for every site's sake; tokens only
		 * who has them. A cookie is never worth anything to pages of elsewhere. */
		if (!own && !(t->bearer && t->everyone))
			front_task_problem(
				t, 403, "forged", "This request came from elsewhere.", 0);
		else if (read_password(q, &secret))
			front_link_request(t, q, FRONT_LINK_PASSWORD, buf_slice(&secret));
		else if (read_token(q, &secret))
			front_link_request(t, q, FRONT_LINK_TOKEN, buf_slice(&secret));
		else
			front_task_problem(t, 401, "signed-out", "Please sign in.", 0);
	} else if (asks_for_nobody(t)) {
		struct front_head h = {.status = 200};
		front_task_answer(t, &h, "application/json", S("{\"state\":\"out\"}"));
	} else if (!t->has_token) {
		front_task_problem(t, 401, "signed-out", "Please sign in.", 0);
	} else if (forged(q)) {
		front_task_problem(t, 403, "forged", "This request came from elsewhere.", 0);
	} else {
		front_link_request(t, q, FRONT_LINK_COOKIE, SLICE_OF(t->token));
	}
}

static void
on_command(struct front_task *t, struct slice rest, const struct http_request *q)
{
	if (forged(q))
		front_task_problem(t, 403, "forged", "This request came from elsewhere.", 0);
	else
		front_command_begin(t, rest, q);
}

/* No cookie counts here: whoever uses this browser, the program's page may ask. */
static void
for_everyone(struct front_task *t)
{
	t->everyone = true;
	t->has_token = false;
	secret_wipe(t->token, sizeof(t->token));
}

static void
on_oauth(struct front_task *t, struct slice rest, const struct http_request *q)
{
	for_everyone(t);
	front_oauth_begin(t, rest, q);
}

static void
on_oauth_request(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_oauth_request(t);
}

/* A reader of letters has no account, and its page an origin of its own: the cookie of whoever else
 * uses this browser is nothing to it. */
static void
on_letter(struct front_task *t, struct slice rest, const struct http_request *q)
{
	CLEANUP(buf_done) struct buf command = BUF_INIT(WEB_TARGET_MAX + 16);

	for_everyone(t);
	buf_puts(&command, "letter-");
	buf_put(&command, rest);
	front_command_begin(t, buf_slice(&command), q);
}

static void
on_nothing(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_task_problem(t, 404, "not-found", "There is nothing here.", 0);
}

/* --- /.well-known --- */

static void
redirect(struct front_task *t, unsigned status, const char *where)
{
	struct front_head h = {.status = (uint16_t)status};

	extra(&h, "location", slice_str(where));
	front_task_answer(t, &h, NULL, SLICE_NONE);
}

static void
on_jmap(struct front_task *t, struct slice rest, const struct http_request *q)
{
	for_everyone(t);
	redirect(t, 307, "/jmap/session");
}

static void
on_change_password(struct front_task *t, struct slice rest, const struct http_request *q)
{
	redirect(t, 302, "/settings/security");
}

/* RFC 8414 and RFC 9728. */
static void
on_oauth_server(struct front_task *t, struct slice rest, const struct http_request *q)
{
	for_everyone(t);
	front_oauth_server(t);
}

static void
on_oauth_resource(struct front_task *t, struct slice rest, const struct http_request *q)
{
	for_everyone(t);
	front_oauth_resource(t, slice_skip(t->path, strlen(OAUTH_RESOURCE_PATH)));
}

/* RFC 9116. */
static void
on_security_txt(struct front_task *t, struct slice rest, const struct http_request *q)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024);
	struct front_head h = {.status = 200, .cache = "max-age=86400"};
	int64_t day = clock_unix() / 86400;

	buf_printf(&text, "Contact: mailto:postmaster@%s\nExpires: ", hostname);
	date_put_rfc3339(&text, (day + SECURITY_TXT_DAYS) * 86400);
	buf_printf(&text,
		"\nPreferred-Languages: en, de, fr\nCanonical: https://%s"
		"/.well-known/security.txt\n",
		hostname);
	front_task_answer(t, &h, "text/plain; charset=utf-8", buf_slice(&text));
}

/* What was built, and who signed it: for whoever compares (docs/verify.md). */
static void
send_text(struct front_task *t, struct slice text)
{
	struct front_head h = {.status = 200, .cache = "no-cache", .length = text.len};

	if (text.len == 0) {
		on_nothing(t, SLICE_NONE, NULL);
		return;
	}
	extra(&h, "content-type", S("text/plain; charset=utf-8"));
	front_task_file(t, &h, text);
}

static void
on_manifest(struct front_task *t, struct slice rest, const struct http_request *q)
{
	send_text(t, buf_slice(&manifest));
}

static void
on_releases(struct front_task *t, struct slice rest, const struct http_request *q)
{
	send_text(t, releases);
}

static void
on_sts(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_sts_begin(t);
}

static void
on_wkd(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_wkd_begin(t, rest);
}

static void
on_keys(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_keys_begin(t, q);
}

static void
on_key_server(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_key_server_begin(t, q);
}

static void
on_picture(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_picture_begin(t, q);
}

static void
on_unsubscribe(struct front_task *t, struct slice rest, const struct http_request *q)
{
	front_unsubscribe_begin(t, q);
}

/* --- the table --- */

enum methods { READ, WRITE, BOTH };

static const char *const allow[] = {
	[READ] = "GET, HEAD, OPTIONS",
	[WRITE] = "POST, OPTIONS",
	[BOTH] = "GET, HEAD, POST, OPTIONS",
};

static const struct {
	const char *path; /* one that ends in '/' stands for all below it */
	void (*handle)(struct front_task *t, struct slice rest, const struct http_request *q);
	enum methods methods;
	bool everyone; /* pages of other origins may ask (CORS) */
} routes[] = {
	{"/.well-known/jmap", on_jmap, READ, true},
	{"/.well-known/change-password", on_change_password, READ, false},
	{"/.well-known/security.txt", on_security_txt, READ, false},
	{"/.well-known/mta-sts.txt", on_sts, READ, false},
	{"/.well-known/oauth-authorization-server", on_oauth_server, READ, true},
	{OAUTH_RESOURCE_PATH, on_oauth_resource, READ, true},
	{OAUTH_RESOURCE_PATH "/", on_oauth_resource, READ, true},
	{"/.well-known/letterlock/manifest", on_manifest, READ, false},
	{"/.well-known/letterlock/log", on_releases, READ, false},
	{"/.well-known/openpgpkey/", on_wkd, READ, false},
	{"/.well-known/", on_nothing, BOTH, false},
	{"/api/v1/keys/lookup", on_keys, READ, false},
	{"/api/v1/keys/server", on_key_server, READ, false},
	{"/api/v1/image", on_picture, READ, false},
	{"/api/v1/unsubscribe", on_unsubscribe, WRITE, false},
	{"/api/v1/auth/", on_command, WRITE, false},
	{"/api/v1/oauth/request", on_oauth_request, READ, false},
	{"/api/v1/letter/", on_letter, WRITE, true},
	{"/api/v1/session", on_account, READ, false},
	{"/api/v1/session/", on_account, WRITE, false},
	{"/jmap/api", on_account, WRITE, true},
	{"/jmap/upload/", on_account, WRITE, true},
	{"/jmap/", on_account, READ, true},
	{"/jmap", on_nothing, BOTH, false},
	{"/api/", on_nothing, BOTH, false},
	{"/oauth/", on_oauth, WRITE, true},
	{"/", on_client, READ, false},
};

/* The name without its port. */
static struct slice
host_name(struct slice host)
{
	size_t colon = slice_rfind_byte(host, ':');

	return colon == SLICE_NPOS || slice_ends(host, S("]")) ? host : slice_sub(host, 0, colon);
}

/* A page of another name that leads here would be a page of that name's origin. */
static bool
is_our_host(const struct front_task *t)
{
	struct slice name = host_name(t->host);

	if (slice_ieq(name, slice_str(hostname)) || slice_ieq(name, slice_str(web_host)) ||
		slice_starts(t->path, S("/.well-known/openpgpkey/")))
		return true; /* a directory of keys is no page, and belongs to many names */
	if (slice_eq(t->path, S("/.well-known/mta-sts.txt")) && front_sts_is_host(t->host))
		return true;
	return ip_is_loopback(t->c->ip) &&
		(slice_ieq(name, S("localhost")) || slice_starts(name, S("127.")) ||
			slice_eq(name, S("[::1]")));
}

static bool
is_allowed(enum methods m, enum web_method method)
{
	return is_safe(method) ? m != WRITE : method == WEB_POST && m != READ;
}

/* What may be asked here, and by a page of another origin with a token (the preflight of CORS). */
static void
on_options(struct front_task *t, bool everyone, const struct http_request *q)
{
	struct front_head h = {.status = 204};

	extra(&h, "allow", slice_str(t->allow));
	if (everyone && http_request_header(q, "access-control-request-method").len) {
		for_everyone(t);
		extra(&h, "access-control-allow-methods", slice_str(t->allow));
		extra(&h, "access-control-allow-headers",
			S("authorization, content-type, if-none-match, if-range, last-event-id, "
			  "range"));
		extra(&h, "access-control-max-age", S("7200"));
	}
	front_task_answer(t, &h, NULL, SLICE_NONE);
}

static void
route(struct front_task *t, const struct http_request *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct slice path = slice_str(routes[i].path);
		if (!slice_eq(t->path, path) &&
			!(slice_ends(path, S("/")) && slice_starts(t->path, path)))
			continue;
		t->allow = allow[routes[i].methods];
		if (slice_eq(q->method_name, S("OPTIONS")))
			on_options(t, routes[i].everyone, q);
		else if (!is_allowed(routes[i].methods, t->method))
			front_task_problem(
				t, 405, "method", "This method is not possible here.", 0);
		else
			routes[i].handle(t, slice_skip(t->path, path.len), q);
		return;
	}
}

void
front_site_route(struct front_task *t, const struct http_request *q)
{
	if (front_request_read(t, q))
		front_task_problem(t, 400, "path", "This path is not possible.", 0);
	else if (!is_our_host(t))
		front_task_problem(t, 421, "host", "This server does not have that name.", 0);
	else if (t->websocket && !slice_eq(t->path, S("/jmap/ws")))
		front_task_problem(t, 400, "not-a-websocket", "There is no WebSocket here.", 0);
	else
		route(t, q);
}
