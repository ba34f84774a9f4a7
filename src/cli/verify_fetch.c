/* Fetching for verify, as different programs would. Redirections are not followed: a browser would
 * show what is behind one as this server's. */
#include "base/text.h"
#include "cli/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 60L
#define FIELDS_MAX 65536

static const struct {
	const char *agent, *language, *encoding, *accept;
	long version;
	bool browser;
} guises[VERIFY_GUISES] = {
	[VERIFY_PLAIN] = {"letterlock/" LETTERLOCK_VERSION, NULL, "identity", "*/*",
		CURL_HTTP_VERSION_1_1, false},
	[VERIFY_CHROMIUM] = {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
			     "Gecko) Chrome/142.0.0.0 Safari/537.36",
		"en-US,en;q=0.9", "gzip, deflate, br, zstd",
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/"
		"*;q=0.8",
		CURL_HTTP_VERSION_2TLS, true},
	[VERIFY_FIREFOX] = {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 "
			    "Firefox/145.0",
		"de,fr;q=0.7,en;q=0.3", "gzip, deflate, br", "*/*", CURL_HTTP_VERSION_2TLS, true},
	[VERIFY_SAFARI] = {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) "
			   "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 "
			   "Safari/604.1",
		"fr-FR,fr;q=0.9", "gzip, deflate, br",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		CURL_HTTP_VERSION_2TLS, true},
};

/* What a browser says of what it is going to do with an answer. */
static const struct {
	struct slice type;
	const char *dest, *mode;
} uses[] = {
	{S("text/html"), "document", "navigate"},
	{S("text/javascript"), "script", "cors"},
	{S("text/css"), "style", "cors"},
	{S("font/"), "font", "cors"},
	{S("image/"), "image", "no-cors"},
	{S("application/manifest"), "manifest", "cors"},
	{S(""), "empty", "cors"},
};

void
verify_fail(struct verify *v, const char *format, ...)
{
	va_list args;

	if (v->failure[0])
		return;
	va_start(args, format);
	vsnprintf(v->failure, sizeof(v->failure), format, args);
	va_end(args);
}

/* --- the address --- */

static bool
has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool is = curl_url_get(u, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return is;
}

static bool
is_loopback(const char *host)
{
	struct slice s = slice_str(host);

	return slice_ieq(s, S("localhost")) || slice_starts(s, S("127.")) ||
		slice_eq(s, S("[::1]"));
}

static bool
take_origin(struct verify *v, CURLU *u)
{
	char *host = NULL, *port = NULL, *path = NULL;
	bool good = curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK && !path[strspn(path, "/")];

	if (good) {
		for (char *c = host; *c; c++)
			*c = (char)to_lower((uint8_t)*c);
		good = strlen(host) < 256 && strpbrk(host, "/\\%") == NULL;
		snprintf(v->origin, sizeof(v->origin), "https://%.255s:%.5s", host, port);
		v->loopback = is_loopback(host);
	}
	curl_free(host);
	curl_free(port);
	curl_free(path);
	return good;
}

static bool
parse_url(struct verify *v, const char *url)
{
	CURLU *u = curl_url();
	bool good = u && slice_istarts(slice_str(url), S("https://")) &&
		curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		!has_part(u, CURLUPART_USER) && !has_part(u, CURLUPART_QUERY) &&
		!has_part(u, CURLUPART_FRAGMENT) && take_origin(v, u);

	curl_url_cleanup(u);
	return good;
}

/* --- answers --- */

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct verify_answer *a = ctx;

	a->longer = buf_put(&a->body, slice_new(p, size * n)) != LL_OK;
	return a->longer ? 0 : size * n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct slice line = slice_trim(slice_new(p, size * n)), name;
	struct verify_answer *a = ctx;

	if (slice_istarts(line, S("HTTP/"))) {
		a->interim = a->interim || a->fields.len || a->status;
		a->status = 1;
		return size * n;
	}
	if (line.len == 0)
		return size * n;
	name = slice_trim(slice_split(&line, ':'));
	for (size_t i = 0; i < name.len; i++)
		buf_putc(&a->fields, to_lower(name.ptr[i]));
	buf_puts(&a->fields, ": ");
	buf_put(&a->fields, slice_trim(line));
	return buf_putc(&a->fields, '\n') ? 0 : size * n;
}

void
verify_answer_done(struct verify_answer *a)
{
	buf_done(&a->body);
	buf_done(&a->fields);
}

/* --- asking --- */

static bool
add(struct curl_slist **list, const char *name, const char *value)
{
	char line[512];
	struct curl_slist *longer;

	snprintf(line, sizeof(line), "%s: %s", name, value);
	longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

static struct curl_slist *
request_fields(enum verify_guise g, struct slice path, struct slice type)
{
	struct curl_slist *list = NULL;
	bool worker = slice_eq(path, S("/sw.js"));
	size_t use = 0;
	bool good;

	while (!slice_starts(type, uses[use].type))
		use++;
	good = add(&list, "Accept-Encoding", guises[g].encoding) &&
		add(&list, "Accept", guises[g].accept);
	if (guises[g].language)
		good = good && add(&list, "Accept-Language", guises[g].language);
	if (guises[g].browser)
		good = good && add(&list, "Sec-Fetch-Site", use == 0 ? "none" : "same-origin") &&
			add(&list, "Sec-Fetch-Mode", worker ? "same-origin" : uses[use].mode) &&
			add(&list, "Sec-Fetch-Dest", worker ? "serviceworker" : uses[use].dest);
	if (guises[g].browser && worker)
		good = good && add(&list, "Service-Worker", "script");
	if (good)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static bool
perform(struct verify *v, struct verify_answer *a)
{
	CURLcode r = curl_easy_perform(v->curl);

	a->garbled = r == CURLE_BAD_CONTENT_ENCODING;
	curl_easy_getinfo(v->curl, CURLINFO_RESPONSE_CODE, &a->status);
	if (r == CURLE_OK || a->garbled || (r == CURLE_WRITE_ERROR && a->longer))
		return true;
	verify_fail(v, "%s", curl_easy_strerror(r));
	return false;
}

bool
verify_fetch(struct verify *v, enum verify_guise g, struct slice path, struct slice type,
	size_t max, struct verify_answer *ret)
{
	struct curl_slist *fields = request_fields(g, path, type);
	CLEANUP(buf_done) struct buf url = BUF_INIT(4096);
	bool good;

	*ret = (struct verify_answer){.body = BUF_INIT(max), .fields = BUF_INIT(FIELDS_MAX)};
	buf_puts(&url, v->origin);
	buf_put(&url, path);
	if (buf_putc(&url, 0) || !fields) {
		curl_slist_free_all(fields);
		verify_fail(v, "no memory");
		return false;
	}
	curl_easy_setopt(v->curl, CURLOPT_URL, (char *)url.ptr);
	curl_easy_setopt(v->curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(v->curl, CURLOPT_USERAGENT, guises[g].agent);
	curl_easy_setopt(v->curl, CURLOPT_HTTP_VERSION, guises[g].version);
	/* Decoded is what was not asked for, too: a browser would. */
	curl_easy_setopt(v->curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(v->curl, CURLOPT_WRITEDATA, ret);
	curl_easy_setopt(v->curl, CURLOPT_HEADERDATA, ret);
	good = perform(v, ret);
	curl_easy_setopt(v->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(fields);
	return good;
}

static void
set_options(struct verify *v)
{
	const char *ca = cli_option(v->cli, "ca");

	curl_easy_setopt(v->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(v->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(v->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(v->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(v->curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(v->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(v->curl, CURLOPT_HEADERFUNCTION, on_header);
	if (ca)
		curl_easy_setopt(v->curl, CURLOPT_CAINFO, ca);
}

bool
verify_open(struct verify *v, const char *url)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(v->curl = curl_easy_init())) {
		verify_fail(v, "no memory");
		return false;
	}
	if (!parse_url(v, url)) {
		verify_fail(v, "the address is that of a server, like https://mail.example.org");
		return false;
	}
	set_options(v);
	return true;
}

void
verify_close(struct verify *v)
{
	curl_easy_cleanup(v->curl);
	curl_global_cleanup();
}
