/* letterlock verify: is the web client that a server gives out the one that was built from this
 * source? The build is reproducible, so that anybody can make the same file and compare. What this
 * shows is what the server gave to this program now; to one victim it might give something else. */
#include "base/text.h"
#include "cli/cli_priv.h"
#include "faces/web_pack.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_S 60L

/* The own file, mapped; its bytes stay until the program ends. */
static int
map_pack(const char *path, struct slice *ret)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= 0 || (size_t)st.st_size > WEB_PACK_FILE_MAX)
		return LL_ERR_IO;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return LL_ERR_NOMEM;
	*ret = slice_new(at, (size_t)st.st_size);
	return LL_OK;
}

/* --- fetching --- */

struct fetched {
	struct buf body, csp;
	long status;
};

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct fetched *f = ctx;

	return buf_put(&f->body, slice_new(p, size * n)) ? 0 : size * n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct slice line = slice_new(p, size * n), name = slice_split(&line, ':');
	struct fetched *f = ctx;

	if (slice_ieq(name, S("content-security-policy")))
		(void)buf_put(&f->csp, slice_trim(line));
	return size * n;
}

static const char *
fetch(CURL *curl, const char *url, struct fetched *ret)
{
	CURLcode r;

	buf_reset(&ret->body);
	buf_reset(&ret->csp);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	r = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
	return r == CURLE_OK ? NULL : curl_easy_strerror(r);
}

/* --- comparing --- */

/* NULL when it is the same; else what differs. */
static const char *
compare(const struct web_pack_entry *e, const struct fetched *f)
{
	if (f->status != 200)
		return "missing";
	if (!slice_eq(buf_slice(&f->body), e->identity))
		return "content";
	if (e->csp.len && !slice_eq(buf_slice(&f->csp), e->csp))
		return "content-security-policy";
	return NULL;
}

struct verify {
	struct cli *cli;
	CURL *curl;
	const char *base;
	struct json json;
	size_t same, different;
	const char *failure;
};

static void
tell(struct verify *v, const struct web_pack_entry *e, const char *what)
{
	if (v->cli->json) {
		json_open_object(&v->json, NULL);
		json_put_string(&v->json, "path", e->path);
		json_text(&v->json, "what", what);
		json_object_end(&v->json);
		return;
	}
	printf("differs: %s (%s)\n", cli_safe(e->path), what);
}

static void
check_entry(struct verify *v, const struct web_pack_entry *e)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(4096);
	struct fetched f = {.body = BUF_INIT(WEB_PACK_FILE_MAX), .csp = BUF_INIT(65536)};
	const char *what;

	curl_easy_setopt(v->curl, CURLOPT_WRITEDATA, &f);
	curl_easy_setopt(v->curl, CURLOPT_HEADERDATA, &f);
	buf_printf(&url, "%s%.*s", v->base, SLICE_ARG(e->path));
	buf_putc(&url, 0);
	v->failure =
		buf_err(&url) ? "the address is too long" : fetch(v->curl, (char *)url.ptr, &f);
	what = v->failure ? NULL : compare(e, &f);
	if (what)
		tell(v, e, what);
	v->different += what != NULL;
	v->same += !what && !v->failure;
	buf_done(&f.body);
	buf_done(&f.csp);
}

/* web.pack beside the program, as the server takes it. */
static const char *
pack_path(const struct cli *cli, char *space, size_t size)
{
	const char *given = cli_option(cli, "pack");
	ssize_t n = given ? 0 : readlink("/proc/self/exe", space, size - sizeof("web.pack"));
	char *slash;

	if (given || n <= 0)
		return given ? given : "web.pack";
	space[n] = 0;
	slash = strrchr(space, '/');
	memcpy(slash ? slash + 1 : space, "web.pack", sizeof("web.pack"));
	return space;
}

static bool
set_up(struct verify *v)
{
	const char *ca = cli_option(v->cli, "ca");

	v->curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
	if (!v->curl)
		return false;
	curl_easy_setopt(v->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(v->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(v->curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(v->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(v->curl, CURLOPT_HEADERFUNCTION, on_header);
	if (ca)
		curl_easy_setopt(v->curl, CURLOPT_CAINFO, ca);
	return true;
}

static int
result(struct verify *v, size_t total)
{
	if (v->failure)
		return cli_fail(v->cli, "%s: %s", v->base, v->failure);
	if (v->cli->json) {
		json_array_end(&v->json);
		json_number(&v->json, "same", v->same);
		json_number(&v->json, "total", total);
		json_object_end(&v->json);
		if (cli_print_json(v->cli, &v->json))
			return CLI_FAILED;
	}
	cli_say(v->cli, "%zu of %zu files are the same", v->same, total);
	return v->different ? CLI_FAILED : CLI_OK;
}

int
cli_verify(struct cli *cli)
{
	struct verify v = {.cli = cli, .base = cli->args[0], .json = JSON_INIT};
	char space[4096], base[2048];
	const char *path = pack_path(cli, space, sizeof(space));
	struct web_pack *pack = NULL;
	struct slice file, url = slice_str(cli->args[0]);
	int status, r = map_pack(path, &file);

	if (!slice_starts(url, S("https://")) || url.len >= sizeof(base))
		return cli_usage(cli, "the address begins with https://");
	while (slice_ends(url, S("/")))
		url.len--;
	snprintf(base, sizeof(base), "%.*s", SLICE_ARG(url));
	v.base = base;
	r = r ? r : web_pack_new(file, &pack);
	if (r)
		return cli_fail(cli, "%s: %s", path, ll_strerror(r));
	if (!set_up(&v)) {
		web_pack_free(pack);
		return cli_fail(cli, "no memory");
	}
	json_open_object(&v.json, NULL);
	json_open_array(&v.json, "different");
	for (size_t i = 0; i < web_pack_len(pack) && !v.failure; i++)
		check_entry(&v, web_pack_at(pack, i));
	status = result(&v, web_pack_len(pack));
	json_done(&v.json);
	curl_easy_cleanup(v.curl);
	curl_global_cleanup();
	web_pack_free(pack);
	return status;
}
