/* One table for the frontend, which sends these fields, and for manifests, which promise them. */
#include "faces/web_policy.h"

const struct web_header web_policy_common[] = {
	{S("cross-origin-opener-policy"), S("same-origin")},
	{S("cross-origin-resource-policy"), S("same-origin")},
	{S("permissions-policy"),
		S("camera=(self), microphone=(self), display-capture=(self), geolocation=(), "
		  "payment=(), usb=()")},
	{S("referrer-policy"), S("no-referrer")},
	{S("x-content-type-options"), S("nosniff")},
};
const size_t n_web_policy_common = ARRAY_SIZE(web_policy_common);

const struct slice web_policy_page =
	S("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
	  "media-src blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src "
	  "'self'; "
	  "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
	  "require-trusted-types-for 'script'; trusted-types dompurify ProseMirrorClipboard app");

#define NO_CACHE S("no-cache")
#define FOR_EVER S("public, max-age=31536000, immutable")

static const struct {
	struct slice cache, csp; /* csp: empty for that of pages */
	bool integrity; /* scripts must have it */
	bool everyone; /* the letter's page has an origin of its own, and loads it from here */
} classes[WEB_PACK_CLASSES] = {
	[WEB_PACK_PAGE] = {NO_CACHE, {NULL, 0}, true, false},
	[WEB_PACK_ASSET] = {FOR_EVER,
		S("default-src 'none'; script-src 'self'; connect-src 'self'"), false, true},
	[WEB_PACK_WASM_WORKER] = {FOR_EVER,
		S("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"),
		false, true},
	[WEB_PACK_MAIL_FRAME] = {NO_CACHE,
		S("default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
		  "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
		  "sandbox allow-popups allow-popups-to-escape-sandbox"),
		false, false},
	[WEB_PACK_SERVICE_WORKER] = {NO_CACHE,
		S("default-src 'none'; script-src 'self'; connect-src 'self'"), false, false},
	[WEB_PACK_OTHER] = {NO_CACHE, S("default-src 'none'"), false, false},
	[WEB_PACK_LETTER] = {NO_CACHE,
		S("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
		  "img-src data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' "
		  "blob:; "
		  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
		  "sandbox allow-scripts allow-downloads allow-forms"),
		true, false},
};

unsigned
web_policy_entry(const struct web_pack_entry *e, struct web_header out[WEB_POLICY_FIELDS_MAX])
{
	struct slice csp = e->csp.len	    ? e->csp
		: classes[e->class].csp.len ? classes[e->class].csp
					    : web_policy_page;
	unsigned n = 0;

	if (classes[e->class].everyone)
		out[n++] = (struct web_header){S("access-control-allow-origin"), S("*")};
	out[n++] = (struct web_header){S("cache-control"), classes[e->class].cache};
	out[n++] = (struct web_header){S("content-security-policy"), csp};
	out[n++] = (struct web_header){S("content-type"), e->type};
	if (classes[e->class].integrity)
		out[n++] = (struct web_header){
			S("integrity-policy"), S("blocked-destinations=(script)")};
	return n;
}

bool
web_policy_is_webkit(struct slice agent)
{
	return slice_find(agent, S("AppleWebKit/")) != SLICE_NPOS &&
		slice_find(agent, S("Chrome/")) == SLICE_NPOS &&
		slice_find(agent, S("Chromium/")) == SLICE_NPOS;
}

bool
web_policy_not_for_webkit(struct slice name)
{
	return slice_eq(name, S("integrity-policy"));
}
