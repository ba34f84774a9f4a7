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

/* --- what a request says of itself --- */

static int
hex(uint8_t c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

/* Appends the path with its escapes resolved. What would stand for another path to somebody else
 * is refused: control characters, and "." or ".." as a segment. */
static int
path_decode(struct slice in, struct buf *out)
{
	struct slice path, rest;
	size_t start = out->len;

	for (size_t i = 0; i < in.len; i++) {
		int c = in.ptr[i];
		if (c == '%') {
			if (i + 2 >= in.len || hex(in.ptr[i + 1]) < 0 || hex(in.ptr[i + 2]) < 0)
				return LL_ERR_SYNTAX;
			c = hex(in.ptr[i + 1]) << 4 | hex(in.ptr[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return LL_ERR_SYNTAX;
		buf_putc(out, (uint8_t)c);
	}
	path = slice_new(out->ptr + start, out->len - start);
	for (rest = path; rest.len;) {
		struct slice part = slice_split(&rest, '/');
		if (slice_eq(part, S(".")) || slice_eq(part, S("..")))
			return LL_ERR_SYNTAX;
	}
	return buf_err(out);
}

static struct slice
keep(struct buf *b, struct slice s)
{
	size_t at = b->len;

	(void)buf_put(b, s);
	return slice_new(b->ptr + at, s.len);
}

/* The strings outlive the request's head; the room is there beforehand, so they do not move. */
static int
keep_strings(struct front_task *t, const struct http_request *q)
{
	size_t at;

	if (!buf_room(&t->text, q->path.len + q->query.len + q->host.len + 1))
		return LL_ERR_NOMEM;
	t->host = keep(&t->text, q->host);
	t->query = keep(&t->text, q->query);
	at = t->text.len;
	if (path_decode(q->path, &t->text))
		return LL_ERR_SYNTAX;
	t->path = slice_new(t->text.ptr + at, t->text.len - at);
	return LL_OK;
}

/* Is `coding` acceptable by that Accept-Encoding? */
static bool
accepts(struct slice list, struct slice coding)
{
	while (list.len) {
		struct slice one = slice_split(&list, ','), name = slice_split(&one, ';');
		struct slice q = slice_trim(one);
		if (!slice_ieq(slice_trim(name), coding))
			continue;
		return !(slice_istarts(q, S("q=0")) &&
			slice_eq(slice_trim(slice_skip(q, 3)), slice_sub(S(".000"), 0, q.len - 3)));
	}
	return false;
}

static bool
read_cookie(const struct http_request *q, uint8_t token[32])
{
	for (unsigned i = 0; i < q->n_headers; i++) {
		struct slice rest = q->headers[i].value;
		if (!slice_eq(q->headers[i].name, S("cookie")))
			continue;
		while (rest.len) {
			CLEANUP(buf_done) struct buf raw = BUF_SECRET(64);
			struct slice one = slice_trim(slice_split(&rest, ';'));
			if (!slice_eq(slice_split(&one, '='), S("__Host-letterlock")))
				continue;
			if (one.len != 43 || base64url_decode(&raw, one) || raw.len != 32)
				return false;
			memcpy(token, raw.ptr, 32);
			return true;
		}
	}
	return false;
}

bool
front_own_origin(const struct http_request *q, bool must_be_there)
{
	struct slice origin = http_request_header(q, "origin"),
		     site = http_request_header(q, "sec-fetch-site");

	if (site.len && !slice_eq(site, S("same-origin")) && !slice_eq(site, S("none")))
		return false;
	if (origin.len == 0)
		return !must_be_there;
	return slice_istarts(origin, S("https://")) && slice_ieq(slice_skip(origin, 8), q->host);
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
	extra(&h, "vary", S("accept-encoding"));
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
	if (cond.len &&
		(http_list_has(cond, gzip ? slice_str(gzip_tag) : identity) ||
			slice_eq(cond, S("*")))) {
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

	if (!is_safe(t->method)) {
		front_task_problem(t, 405, "method", "Only GET is possible here.", 0);
	} else if (!pack) {
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

/* For the session process. */
static void
on_account(struct front_task *t, struct slice rest, const struct http_request *q)
{
	CLEANUP(buf_done) struct buf secret = BUF_SECRET(8192);

	t->bearer = slice_istarts(http_request_header(q, "authorization"), S("Bearer"));
	if (t->method == WEB_METHODS) {
		front_task_problem(t, 405, "method", "This method is not possible here.", 0);
	} else if (http_request_header(q, "authorization").len) {
		/* A browser that keeps the password sends it for every site's sake. */
		if (!front_own_origin(q, false))
			front_task_problem(
				t, 403, "forged", "This request came from elsewhere.", 0);
		else if (read_password(q, &secret))
			front_link_request(t, q, FRONT_LINK_PASSWORD, buf_slice(&secret));
		else if (read_token(q, &secret))
			front_link_request(t, q, FRONT_LINK_TOKEN, buf_slice(&secret));
		else
			front_task_problem(t, 401, "signed-out", "Please sign in.", 0);
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
	if (!is_safe(t->method) && forged(q))
		front_task_problem(t, 403, "forged", "This request came from elsewhere.", 0);
	else
		front_command_begin(t, rest, q);
}

static void
on_oauth(struct front_task *t, struct slice rest, const struct http_request *q)
{
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

	t->everyone = true;
	t->has_token = false;
	secret_wipe(t->token, sizeof(t->token));
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
	front_oauth_server(t);
}

static void
on_oauth_resource(struct front_task *t, struct slice rest, const struct http_request *q)
{
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

static const struct {
	const char *path; /* one that ends in '/' stands for all below it */
	void (*handle)(struct front_task *t, struct slice rest, const struct http_request *q);
	bool safe_only;
} routes[] = {
	{"/.well-known/jmap", on_jmap, true},
	{"/.well-known/change-password", on_change_password, true},
	{"/.well-known/security.txt", on_security_txt, true},
	{"/.well-known/mta-sts.txt", on_sts, true},
	{"/.well-known/oauth-authorization-server", on_oauth_server, true},
	{OAUTH_RESOURCE_PATH, on_oauth_resource, true},
	{OAUTH_RESOURCE_PATH "/", on_oauth_resource, true},
	{"/.well-known/letterlock/manifest", on_manifest, true},
	{"/.well-known/letterlock/log", on_releases, true},
	{"/.well-known/openpgpkey/", on_wkd, true},
	{"/.well-known/", on_nothing, false},
	{"/api/v1/keys/lookup", on_keys, true},
	{"/api/v1/keys/server", on_key_server, true},
	{"/api/v1/image", on_picture, true},
	{"/api/v1/unsubscribe", on_unsubscribe, false},
	{"/api/v1/auth/", on_command, false},
	{"/api/v1/oauth/request", on_oauth_request, true},
	{"/api/v1/letter/", on_letter, false},
	{"/api/v1/session", on_account, false},
	{"/api/v1/session/", on_account, false},
	{"/jmap/", on_account, false},
	{"/jmap", on_nothing, false},
	{"/api/", on_nothing, false},
	{"/oauth/", on_oauth, false},
	{"/", on_client, false},
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

static void
route(struct front_task *t, const struct http_request *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct slice path = slice_str(routes[i].path);
		if (!slice_eq(t->path, path) &&
			!(slice_ends(path, S("/")) && slice_starts(t->path, path)))
			continue;
		if (routes[i].safe_only && !is_safe(t->method))
			front_task_problem(t, 405, "method", "Only GET is possible here.", 0);
		else
			routes[i].handle(t, slice_skip(t->path, path.len), q);
		return;
	}
}

void
front_site_route(struct front_task *t, const struct http_request *q)
{
	t->browser = http_request_header(q, "sec-fetch-mode").len ||
		http_request_header(q, "x-letterlock").len;
	t->has_gzip = accepts(http_request_header(q, "accept-encoding"), S("gzip"));
	t->has_token = read_cookie(q, t->token);
	if (keep_strings(t, q))
		front_task_problem(t, 400, "path", "This path is not possible.", 0);
	else if (!is_our_host(t))
		front_task_problem(t, 421, "host", "This server does not have that name.", 0);
	else if (t->websocket && !slice_eq(t->path, S("/jmap/ws")))
		front_task_problem(t, 400, "not-a-websocket", "There is no WebSocket here.", 0);
	else
		route(t, q);
}
