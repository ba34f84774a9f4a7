/* Programs that ask for access. Anybody may register anything, so a registration proves nothing and
 * need not be kept: the client_id is the registration, as name and redirect URIs, each a line. */
#include "base/error.h"
#include "base/text.h"
#include "faces/oauth.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

static const struct slice id_prefix = S("c1.");

/* --- redirect URIs --- */

/* What may stand in a URI without a fragment (RFC 3986). */
static bool
is_uri_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f ||
			slice_find_byte(S("\"#<>\\^`{|}"), s.ptr[i]) != SLICE_NPOS)
			return false;
	return true;
}

static bool
is_scheme(struct slice s)
{
	if (s.len == 0 || !is_alpha(s.ptr[0]))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) &&
			slice_find_byte(S("+-."), s.ptr[i]) == SLICE_NPOS)
			return false;
	return true;
}

struct place {
	struct slice host, port, rest; /* rest: path and query */
};

/* "//host[:port]rest": no user, and a host that reads one way only. */
static int
take_place(struct slice s, struct place *ret)
{
	struct place p;
	size_t end = 0, colon;
	uint64_t port;

	if (!slice_starts(s, S("//")))
		return LL_ERR_SYNTAX;
	s = slice_skip(s, 2);
	while (end < s.len && s.ptr[end] != '/' && s.ptr[end] != '?')
		end++;
	p.rest = slice_skip(s, end);
	p.host = slice_sub(s, 0, end);
	colon = slice_rfind_byte(p.host, ':');
	p.port = SLICE_NONE;
	if (colon != SLICE_NPOS && !slice_ends(p.host, S("]"))) {
		p.port = slice_skip(p.host, colon + 1);
		p.host = slice_sub(p.host, 0, colon);
		if (slice_u64(p.port, 65535, &port) || port == 0)
			return LL_ERR_SYNTAX;
	}
	if (p.host.len == 0)
		return LL_ERR_SYNTAX;
	*ret = p;
	return LL_OK;
}

static bool
is_host(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '-' &&
			s.ptr[i] != '.')
			return false;
	return s.len > 0 && s.ptr[0] != '.';
}

static bool
is_loopback(struct slice host)
{
	return slice_eq(host, S("127.0.0.1")) || slice_eq(host, S("[::1]"));
}

/* The name without its port, and without the dot of the root. */
static struct slice
bare_name(struct slice host)
{
	size_t colon = slice_rfind_byte(host, ':');

	if (colon != SLICE_NPOS && !slice_ends(host, S("]")))
		host = slice_sub(host, 0, colon);
	return slice_ends(host, S(".")) ? slice_sub(host, 0, host.len - 1) : host;
}

static int
check_place(struct slice scheme, struct slice rest, struct slice own, struct oauth_redirect *ret)
{
	bool site = slice_eq(scheme, S("https"));
	struct place p;
	int r = take_place(rest, &p);

	if (r)
		return r;
	if (site ? !is_host(p.host) || slice_ieq(bare_name(p.host), bare_name(own))
		 : !is_loopback(p.host))
		return LL_ERR_SYNTAX;
	*ret = (struct oauth_redirect){site ? OAUTH_SITE : OAUTH_LOOPBACK, p.host};
	return LL_OK;
}

int
oauth_redirect_check(struct slice uri, struct slice own, struct oauth_redirect *ret)
{
	struct slice rest = uri, scheme = slice_split(&rest, ':');

	if (uri.len > OAUTH_URI_MAX || !is_uri_text(uri) || !is_scheme(scheme) || rest.len == 0)
		return LL_ERR_SYNTAX;
	if (slice_eq(scheme, S("https")) || slice_eq(scheme, S("http")))
		return check_place(scheme, rest, own, ret);
	/* Such as com.example.app (RFC 8252, section 7.1): nothing that browsers know has a dot. */
	if (slice_find_byte(scheme, '.') == SLICE_NPOS || slice_ends(scheme, S(".")))
		return LL_ERR_SYNTAX;
	*ret = (struct oauth_redirect){OAUTH_PROGRAM, scheme};
	return LL_OK;
}

/* Both to this machine, and alike but for the port. */
static bool
same_loopback(struct slice a, struct slice b)
{
	struct place x, y;

	if (!slice_starts(a, S("http:")) || !slice_starts(b, S("http:")) ||
		take_place(slice_skip(a, 5), &x) || take_place(slice_skip(b, 5), &y))
		return false;
	return is_loopback(x.host) && slice_eq(x.host, y.host) && slice_eq(x.rest, y.rest);
}

bool
oauth_client_has(const struct oauth_client *c, struct slice redirect_uri)
{
	for (unsigned i = 0; i < c->n; i++)
		if (slice_eq(c->redirects[i], redirect_uri) ||
			same_loopback(c->redirects[i], redirect_uri))
			return true;
	return false;
}

/* --- client_id --- */

/* Marks that turn the direction of what follows them have no place in a name that is shown beside
 * other words. */
static bool
is_name(struct slice s)
{
	if (s.len == 0 || s.len > OAUTH_NAME_MAX || !utf8_valid(s) || has_controls(s) ||
		slice_trim(s).len != s.len)
		return false;
	while (s.len) {
		size_t n;
		uint32_t c = utf8_get(s, &n);
		if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
			(c >= 0x2060 && c <= 0x206f) || c == 0x61c || c == 0xfeff)
			return false;
		s = slice_skip(s, n);
	}
	return true;
}

static int
check_client(const struct oauth_client *c, struct slice own)
{
	struct oauth_redirect ignored;

	if (!is_name(c->name) || c->n == 0)
		return LL_ERR_SYNTAX;
	for (unsigned i = 0; i < c->n; i++)
		if (oauth_redirect_check(c->redirects[i], own, &ignored))
			return LL_ERR_SYNTAX;
	return LL_OK;
}

int
oauth_client_put(struct buf *out, const struct oauth_client *c)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(OAUTH_CLIENT_ID_MAX);
	size_t before = out->len;
	int r;

	buf_put(&lines, c->name);
	for (unsigned i = 0; i < c->n; i++) {
		buf_putc(&lines, '\n');
		buf_put(&lines, c->redirects[i]);
	}
	buf_put(out, id_prefix);
	r = buf_err(&lines);
	if (r == LL_OK)
		r = base64url_encode(out, buf_slice(&lines));
	if (r == LL_OK && out->len - before > OAUTH_CLIENT_ID_MAX)
		r = LL_ERR_LIMIT;
	if (r)
		buf_truncate(out, before);
	return r;
}

int
oauth_client_parse(
	struct slice client_id, struct slice own, struct buf *text, struct oauth_client *ret)
{
	size_t at = text->len;
	struct oauth_client c = {};
	struct slice rest;

	if (client_id.len > OAUTH_CLIENT_ID_MAX || !slice_starts(client_id, id_prefix) ||
		base64url_decode(text, slice_skip(client_id, id_prefix.len)))
		return LL_ERR_SYNTAX;
	rest = slice_skip(buf_slice(text), at);
	if (slice_ends(rest, S("\n")))
		return LL_ERR_SYNTAX;
	c.name = slice_split(&rest, '\n');
	while (rest.len) {
		if (c.n == OAUTH_REDIRECTS_MAX)
			return LL_ERR_SYNTAX;
		c.redirects[c.n++] = slice_split(&rest, '\n');
	}
	if (check_client(&c, own))
		return LL_ERR_SYNTAX;
	*ret = c;
	return LL_OK;
}

/* --- registration --- */

static struct slice
text_of(const json_t *j)
{
	return json_is_string(j) ? slice_new(json_string_value(j), json_string_length(j))
				 : SLICE_NONE;
}

/* The error's name, or NULL. A program without a name is called as the place it is sent to. */
static const char *
read_client(const json_t *root, struct slice own, struct oauth_client *ret)
{
	const json_t *uris = json_object_get(root, "redirect_uris"),
		     *name = json_object_get(root, "client_name");
	struct oauth_redirect to = {};

	if (!json_is_array(uris) || json_array_size(uris) == 0 ||
		json_array_size(uris) > OAUTH_REDIRECTS_MAX)
		return "invalid_redirect_uri";
	for (size_t i = json_array_size(uris); i-- > 0;) {
		ret->redirects[i] = text_of(json_array_get(uris, i));
		if (oauth_redirect_check(ret->redirects[i], own, &to))
			return "invalid_redirect_uri";
	}
	ret->n = (unsigned)json_array_size(uris);
	ret->name = name ? slice_trim(text_of(name)) : slice_sub(to.target, 0, OAUTH_NAME_MAX);
	return is_name(ret->name) ? NULL : "invalid_client_metadata";
}

static void
put_registered(struct buf *out, struct slice id, const struct oauth_client *c)
{
	buf_puts(out, "{\"client_id\":");
	json_text_put(out, id);
	buf_puts(out, ",\"client_name\":");
	json_text_put(out, c->name);
	buf_puts(out, ",\"redirect_uris\":[");
	for (unsigned i = 0; i < c->n; i++) {
		if (i)
			buf_putc(out, ',');
		json_text_put(out, c->redirects[i]);
	}
	buf_puts(out,
		"],\"token_endpoint_auth_method\":\"none\",\"response_types\":[\"code\"],"
		"\"grant_types\":[\"authorization_code\",\"refresh_token\"]}\n");
}

unsigned
oauth_register(struct slice json, struct slice own, struct buf *ret_json)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(2 * OAUTH_CLIENT_ID_MAX);
	struct oauth_client c = {};
	const char *error = "invalid_client_metadata";
	json_t *root;

	json_object_seed(randombytes_random() | 1); /* jansson would open a file */
	root = json.len <= OAUTH_BODY_MAX
		? json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL)
		: NULL;
	if (json_is_object(root))
		error = read_client(root, own, &c);
	if (!error && oauth_client_put(&id, &c))
		error = "invalid_client_metadata";
	if (error)
		oauth_error(error, "This program cannot be registered here.", ret_json);
	else
		put_registered(ret_json, buf_slice(&id), &c);
	json_decref(root);
	return error ? 400 : 201;
}
