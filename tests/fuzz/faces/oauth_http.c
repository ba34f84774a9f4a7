/* What strangers write to the authorization server. The first line says which: "c" a client_id, "q"
 * the query of a request, "r" a registration, any other a redirect URI. A client_id that is taken
 * is made again from what was read; nothing is sent to a URI that a browser could take for script
 * or for this server; what is registered can be used. */
#include "../must.h"
#include "base/text.h"
#include "faces/oauth.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice own = S("mail.example.org:8443");

static void
redirect(struct slice uri)
{
	struct oauth_redirect to;
	struct slice rest = uri, scheme = slice_split(&rest, ':');

	if (oauth_redirect_check(uri, own, &to))
		return;
	must(uri.len <= OAUTH_URI_MAX && is_ascii(uri) && !has_controls(uri));
	must(slice_find_byte(uri, '#') == SLICE_NPOS && slice_find_byte(uri, ' ') == SLICE_NPOS);
	must(slice_find(uri, to.target) != SLICE_NPOS);
	if (to.kind == OAUTH_PROGRAM) {
		must(slice_find_byte(scheme, '.') != SLICE_NPOS);
		return;
	}
	must(slice_find_byte(to.target, '@') == SLICE_NPOS);
	must(!slice_ieq(to.target, S("mail.example.org")));
	must(slice_starts(rest, S("//")) && slice_starts(slice_skip(rest, 2), to.target));
	must(slice_eq(scheme, to.kind == OAUTH_SITE ? S("https") : S("http")));
}

static void
client(struct slice id)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(8192), again = BUF_INIT(8192);
	struct oauth_client c;

	if (oauth_client_parse(id, own, &text, &c))
		return;
	must(c.n > 0 && c.n <= OAUTH_REDIRECTS_MAX && utf8_valid(c.name) && !has_controls(c.name));
	for (unsigned i = 0; i < c.n; i++) {
		must(oauth_client_has(&c, c.redirects[i]));
		redirect(c.redirects[i]);
	}
	must(!oauth_client_put(&again, &c) && slice_eq(buf_slice(&again), id));
}

static void
registration(struct slice json)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	unsigned status = oauth_register(json, own, &out);
	struct slice start = S("{\"client_id\":\""), rest = buf_slice(&out);

	must((status == 201) == slice_starts(rest, start) && !buf_err(&out));
	must(status == 201 || (status == 400 && slice_starts(rest, S("{\"error\":\""))));
	rest = slice_skip(rest, start.len);
	if (status == 201) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(8192);
		struct oauth_client c;
		struct slice id = slice_split(&rest, '"');
		must(!oauth_client_parse(id, own, &text, &c));
		client(id);
	}
}

static void
request(struct slice query)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536), out = BUF_INIT(65536);
	struct oauth_params p;
	unsigned status = oauth_request(query, own, &out);

	must((status == 200 || status == 400) && !buf_err(&out) && utf8_valid(buf_slice(&out)));
	if (oauth_params_parse(query, &text, &p)) {
		must(status == 400);
		return;
	}
	must(text.len <= query.len && p.state.len <= query.len && !has_controls(p.state));
	must(p.n_resources <= OAUTH_RESOURCES_MAX);
	for (unsigned i = 0; oauth_params_resources_good(&p, own) && i < p.n_resources; i++)
		must(slice_istarts(p.resources[i], S("https://mail.example.org:8443")) &&
			slice_find_byte(p.resources[i], '@') == SLICE_NPOS);
	if (status == 200)
		redirect(p.redirect_uri);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_new(data, size), what = slice_split(&rest, '\n');

	if (slice_eq(what, S("c")))
		client(rest);
	else if (slice_eq(what, S("q")))
		request(rest);
	else if (slice_eq(what, S("r")))
		registration(rest);
	else
		redirect(rest);
	return 0;
}
