/* HTTPS by libcurl, driven by our loop. What is fetched: MTA-STS policies (RFC 8461 section 3.3),
 * and for readers of mail OpenPGP keys and pictures. A letter's author chooses what those point at,
 * so they come from public addresses only, and a picture must begin like one. What is posted are
 * push messages (RFC 8030), and that a reader leaves a list (RFC 8058), to public addresses as
 * well; of their answers the status is all. */
#include "base/error.h"
#include "base/log.h"
#include "mail/dns_memo.h"
#include "mail/ip.h"
#include "os/memfile.h"
#include "roles/lookup.h"
#include "roles/trust.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKET_BODY_MAX ((size_t)65536)
#define ADDRESSES_MAX 1024
#define HOST_MAX 256
#define POST_MAX ((size_t)4096)
#define FETCHES_MAX 200 /* for readers, at once */

/* What may be fetched, by kind. */
static const struct rules {
	enum role asker;
	size_t body_max;
	long seconds;
	unsigned redirections;
	bool public_only, picture, post;
	const char *form; /* a body of our own to post; NULL: none */
} rules[FETCH_KINDS] = {
	[FETCH_POLICY] = {ROLE_RELAY, (size_t)65536, 60, 0, false, false, false, NULL},
	[FETCH_KEY] = {ROLE_FRONTEND, (size_t)65536, 15, 0, true, false, false, NULL},
	[FETCH_PICTURE] = {ROLE_FRONTEND, (size_t)8 << 20, 20, 4, true, true, false, NULL},
	[FETCH_PUSH] = {ROLE_AUTH, (size_t)16, 30, 0, true, false, true, NULL},
	/* No redirection (RFC 8058 section 3.1). */
	[FETCH_UNSUBSCRIBE] = {ROLE_FRONTEND, (size_t)65536, 20, 0, true, false, false,
		"List-Unsubscribe=One-Click"},
};

struct fetch {
	struct lookup_asker asker;
	uint64_t id;
	const struct rules *rules;
	unsigned redirected;
	char *url; /* curl's; complete, with the port */
	char host[HOST_MAX];
	char addresses[ADDRESSES_MAX]; /* "+host:port:a,b", for curl */
	unsigned waiting; /* for A and AAAA */
	CURL *easy;
	struct curl_slist *resolve, *headers;
	struct buf body, posted;
};

/* Fetches for readers have connections of their own: those who open letters with pictures from slow
 * hosts keep relay from no policy. */
struct pool {
	CURLM *multi;
	struct loop_timer timer;
};

struct https_socket {
	struct loop_watch watch;
	struct pool *pool;
	curl_socket_t fd;
};

static struct {
	struct pool policies, readers;
	struct slice cas;
	unsigned running; /* for readers */
} hs;

static struct pool *
pool_of(const struct fetch *f)
{
	return f->rules->public_only ? &hs.readers : &hs.policies;
}

/* --- answers --- */

static void
fetch_free(struct fetch *f)
{
	hs.running -= f->rules->public_only;
	if (f->easy) {
		curl_multi_remove_handle(pool_of(f)->multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	curl_slist_free_all(f->resolve);
	curl_slist_free_all(f->headers);
	curl_free(f->url);
	buf_done(&f->body);
	buf_done(&f->posted);
	free(f);
}

/* A body that does not fit a packet goes as a memory file. */
static int
send_reply(struct ipc_channel *c, struct msg_https_reply *m, struct slice body)
{
	CLEANUP(fd_close) int fd = -1;

	m->length = body.len;
	if (body.len <= PACKET_BODY_MAX) {
		m->body = body;
		return ipc_send_https_reply(c, m, -1);
	}
	fd = memfile_new("fetched");
	if (fd < 0 || memfile_write(fd, body) || memfile_seal(fd))
		return LL_ERR_NOMEM;
	return ipc_send_https_reply(c, m, fd);
}

/* status 0: nothing came of it. */
static void
answer(struct fetch *f, long status, const char *type)
{
	struct ipc_channel *c = lk.env->peers[f->asker.role][f->asker.index];
	bool ok = status > 0 && status < 1000;
	struct msg_https_reply m = {.id = f->id,
		.status = ok ? (uint16_t)status : 0,
		.type = slice_sub(slice_str(type), 0, 128)};

	if (c && send_reply(c, &m, ok ? buf_slice(&f->body) : SLICE_NONE))
		log_warn("https", "error=%s", "answer not sent");
	fetch_free(f);
}

/* The type that the first bytes speak for; what a server says of its pictures is not believed. No
 * SVG: it is a document with scripts and links of its own. NULL: no picture. */
static const char *
picture_type(struct slice body)
{
	static const struct {
		const char *magic;
		size_t at, len;
		const char *type;
	} known[] = {{"\x89PNG\r\n\x1a\n", 0, 8, "image/png"}, {"\xff\xd8\xff", 0, 3, "image/jpeg"},
		{"GIF87a", 0, 6, "image/gif"}, {"GIF89a", 0, 6, "image/gif"},
		{"WEBPVP8", 8, 7, "image/webp"}, {"ftypavif", 4, 8, "image/avif"},
		{"BM", 0, 2, "image/bmp"}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (body.len >= known[i].at + known[i].len &&
			memcmp(body.ptr + known[i].at, known[i].magic, known[i].len) == 0)
			return known[i].type;
	return NULL;
}

static void
answer_fetched(struct fetch *f, long status, const char *type)
{
	if (f->rules->picture && status == 200 && !(type = picture_type(buf_slice(&f->body)))) {
		buf_reset(&f->body);
		answer(f, 415, "");
		return;
	}
	answer(f, status, type ? type : "");
}

/* --- one fetch --- */

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct fetch *f = ctx;

	if (f->rules->post)
		return size * n;
	return buf_put(&f->body, slice_new(p, size * n)) ? 0 : size * n;
}

static bool
may_connect(const struct fetch *f, const uint8_t ip[16])
{
	return !f->rules->public_only || lk.env->config.private_fetch || ip_is_public(ip);
}

/* IPv4 as ::ffff:a.b.c.d. False for other families. */
static bool
ip_of(const struct sockaddr *sa, uint8_t ret[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (sa->sa_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
		return true;
	}
	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	return sa->sa_family == AF_INET;
}

/* The last word, whatever curl was told: no connection elsewhere. */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	uint8_t ip[16];

	if (!ip_of(&a->addr, ip) || !may_connect(ctx, ip))
		return CURL_SOCKET_BAD;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void
set_options(struct fetch *f)
{
	struct curl_blob cas = {(void *)(uintptr_t)hs.cas.ptr, hs.cas.len, CURL_BLOB_NOCOPY};

	curl_easy_setopt(f->easy, CURLOPT_URL, f->url);
	curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f);
	curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(f->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(f->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(f->easy, CURLOPT_TIMEOUT, f->rules->seconds);
	curl_easy_setopt(f->easy, CURLOPT_RESOLVE, f->resolve);
	curl_easy_setopt(f->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(f->easy, CURLOPT_OPENSOCKETDATA, f);
	curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(f->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(f->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(f->easy, CURLOPT_CAINFO_BLOB, &cas);
	curl_easy_setopt(f->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (f->rules->post) {
		curl_easy_setopt(f->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, (const char *)f->posted.ptr);
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE, (long)f->posted.len);
		curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	} else {
		/* What a push service has to say beyond its status is not read. */
		curl_easy_setopt(f->easy, CURLOPT_MAXFILESIZE, (long)f->rules->body_max);
	}
	/* Every reader looks the same to whoever counts them. */
	if (f->rules->picture)
		curl_easy_setopt(f->easy, CURLOPT_USERAGENT, "Mozilla/5.0");
	if (f->rules->form)
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, f->rules->form);
	/* A connection tells one reader's fetches together. */
	curl_easy_setopt(f->easy, CURLOPT_FORBID_REUSE, f->rules->public_only ? 1L : 0L);
}

static void
perform(struct fetch *f)
{
	f->easy = curl_easy_init();
	f->resolve = curl_slist_append(NULL, f->addresses);
	if (!f->easy || !f->resolve) {
		answer(f, 0, "");
		return;
	}
	lk.fetches++;
	set_options(f);
	curl_multi_add_handle(pool_of(f)->multi, f->easy);
}

static void
add_address(struct fetch *f, struct slice ip)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	size_t n = strlen(f->addresses);
	char text[INET6_ADDRSTRLEN + 2];
	uint8_t bytes[16];

	if (ip.len == 16)
		memcpy(&six.sin6_addr, ip.ptr, 16);
	else if (ip.len == 4)
		memcpy(&four.sin_addr, ip.ptr, 4);
	else
		return;
	if (!ip_of(ip.len == 16 ? (const void *)&six : (const void *)&four, bytes) ||
		!may_connect(f, bytes) ||
		!inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.ptr, text, sizeof(text)))
		return;
	snprintf(f->addresses + n, sizeof(f->addresses) - n, "%s%s%s%s",
		f->addresses[n - 1] == ':' ? "" : ",", ip.len == 16 ? "[" : "", text,
		ip.len == 16 ? "]" : "");
}

static void
on_addresses(void *ctx, const struct msg_dns_answer *m)
{
	struct reader r = reader_new(m->rdata);
	struct fetch *f = ctx;

	while (m->status == DNS_OK && r.rest.len && !r.err)
		add_address(f, reader_bytes(&r, reader_be16(&r)));
	if (--f->waiting)
		return;
	if (f->addresses[strlen(f->addresses) - 1] == ':')
		answer(f, 0, "");
	else
		perform(f);
}

static bool
part_is_absent(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	CURLUcode r = curl_url_get(u, part, &text, 0);

	curl_free(text);
	return r != CURLUE_OK;
}

/* None, or the one that is used anyway. */
static bool
is_usual_port(CURLU *u)
{
	char *text = NULL;
	bool usual = curl_url_get(u, CURLUPART_PORT, &text, 0) != CURLUE_OK ||
		strtoul(text, NULL, 10) == lk.env->config.https_port;

	curl_free(text);
	return usual;
}

static bool
is_literal(const char *host)
{
	uint8_t space[16];

	return host[0] == '[' || inet_pton(AF_INET, host, space) == 1;
}

/* Takes the URL apart: a host name, no port, no sign-in. A picture's "http:" is tried as "https:".
 */
static int
set_url(struct fetch *f, CURLU *u, const char *url)
{
	char *scheme = NULL, *host = NULL, port[8];
	bool good = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		(strcmp(scheme, "https") == 0 ||
			(f->rules->picture && strcmp(scheme, "http") == 0)) &&
		is_usual_port(u) && part_is_absent(u, CURLUPART_USER) &&
		part_is_absent(u, CURLUPART_PASSWORD) && host[0] && strlen(host) < HOST_MAX &&
		!is_literal(host);

	if (good) {
		snprintf(f->host, sizeof(f->host), "%s", host);
		snprintf(port, sizeof(port), "%u", lk.env->config.https_port);
		good = curl_url_set(u, CURLUPART_SCHEME, "https", 0) == CURLUE_OK &&
			curl_url_set(u, CURLUPART_PORT, port, 0) == CURLUE_OK &&
			curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
			curl_url_get(u, CURLUPART_URL, &f->url, 0) == CURLUE_OK;
	}
	curl_free(scheme);
	curl_free(host);
	return good ? LL_OK : LL_ERR_SYNTAX;
}

/* From the URL to a connection; also the next stop of a redirection. */
static void
begin(struct fetch *f, const char *url)
{
	CURLU *u = curl_url();
	int r = u ? set_url(f, u, url) : LL_ERR_NOMEM;

	curl_url_cleanup(u);
	if (r) {
		answer(f, 0, "");
		return;
	}
	/* "+": libcurl forgets it again after a while; else its memory grows with every host. */
	snprintf(f->addresses, sizeof(f->addresses), "+%s:%u:", f->host, lk.env->config.https_port);
	f->waiting = 2;
	lookup_ask(slice_str(f->host), DNS_A, on_addresses, f);
	lookup_ask(slice_str(f->host), DNS_AAAA, on_addresses, f);
}

/* False when the answer is no redirection that is to be followed. */
static bool
redirect(struct fetch *f, long status)
{
	char *to = NULL;

	if (status < 301 || status > 308 || f->redirected == f->rules->redirections)
		return false;
	curl_easy_getinfo(f->easy, CURLINFO_REDIRECT_URL, &to);
	to = to ? strdup(to) : NULL;
	if (!to)
		return false;
	f->redirected++;
	curl_multi_remove_handle(pool_of(f)->multi, f->easy);
	curl_easy_cleanup(TAKE(f->easy));
	curl_slist_free_all(TAKE(f->resolve));
	curl_free(TAKE(f->url));
	buf_reset(&f->body);
	begin(f, to);
	free(to);
	return true;
}

void
https_get(struct lookup_asker asker, const struct msg_https_get *m)
{
	struct fetch *f = calloc(1, sizeof(*f));
	char url[4097];

	if (!f)
		return;
	*f = (struct fetch){.asker = asker, .id = m->id, .rules = &rules[FETCH_POLICY]};
	if (m->kind < FETCH_KINDS)
		f->rules = &rules[m->kind];
	f->body = BUF_INIT(f->rules->body_max);
	hs.running += f->rules->public_only;
	snprintf(url, sizeof(url), "%.*s", SLICE_ARG(m->url));
	if (m->kind >= FETCH_KINDS || f->rules->post || f->rules->asker != asker.role ||
		hs.running > FETCHES_MAX || strlen(url) != m->url.len)
		answer(f, 0, "");
	else
		begin(f, url);
}

/* Adds the lines to what curl sends. */
static int
set_headers(struct fetch *f, struct slice lines)
{
	char line[2049];

	while (lines.len) {
		struct slice one = slice_split(&lines, '\n');
		struct curl_slist *more;
		snprintf(line, sizeof(line), "%.*s", SLICE_ARG(one));
		more = curl_slist_append(f->headers, line);
		if (!more)
			return LL_ERR_NOMEM;
		f->headers = more;
	}
	return LL_OK;
}

void
https_post(struct lookup_asker asker, const struct msg_https_post *m)
{
	struct fetch *f = calloc(1, sizeof(*f));
	char url[4097];

	if (!f)
		return;
	*f = (struct fetch){.asker = asker, .id = m->id, .rules = &rules[FETCH_PUSH]};
	f->body = BUF_INIT(f->rules->body_max);
	f->posted = BUF_INIT(POST_MAX);
	hs.running++;
	snprintf(url, sizeof(url), "%.*s", SLICE_ARG(m->url));
	if (f->rules->asker != asker.role || hs.running > FETCHES_MAX ||
		strlen(url) != m->url.len || buf_put(&f->posted, m->body) ||
		set_headers(f, m->headers))
		answer(f, 0, "");
	else
		begin(f, url);
}

/* --- curl and the loop --- */

static void
finish_done(struct pool *pool)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(pool->multi, &left))) {
		struct fetch *f = NULL;
		char *type = NULL;
		long status = 0;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(m->easy_handle, CURLINFO_CONTENT_TYPE, &type);
		if (m->data.result != CURLE_OK)
			answer(f, 0, "");
		else if (!redirect(f, status))
			answer_fetched(f, status, type);
	}
}

static void
on_ready(void *ctx, unsigned events)
{
	struct https_socket *s = ctx;
	struct pool *pool = s->pool; /* the socket may go meanwhile */
	int running,
		bits = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		(events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
		(events & LOOP_HANGUP ? CURL_CSELECT_ERR : 0);

	curl_multi_socket_action(pool->multi, s->fd, bits, &running);
	finish_done(pool);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct https_socket *s = socket_ctx;
	unsigned want =
		(what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u);

	if (what == CURL_POLL_REMOVE) {
		if (s)
			loop_unwatch(lk.env->loop, &s->watch);
		free(s);
		return 0;
	}
	if (s) {
		loop_want(lk.env->loop, &s->watch, want);
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	s->fd = fd;
	s->pool = ctx;
	if (loop_watch(lk.env->loop, &s->watch, fd, want, on_ready, s)) {
		free(s);
		return -1;
	}
	curl_multi_assign(s->pool->multi, fd, s);
	return 0;
}

static void
on_timer(void *ctx)
{
	struct pool *pool = ctx;
	int running;

	curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_done(pool);
}

static int
set_timer(CURLM *multi, long ms, void *ctx)
{
	struct pool *pool = ctx;

	if (ms < 0) {
		loop_timer_stop(lk.env->loop, &pool->timer);
		return 0;
	}
	return loop_timer_set(lk.env->loop, &pool->timer, ms, on_timer, pool) ? -1 : 0;
}

int
https_start(struct role_env *env)
{
	hs.cas = trust_read(env->config.ca_file, "https", "everything-over-https");
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? LL_OK : LL_ERR_CRYPTO;
}

static int
pool_begin(struct pool *pool)
{
	pool->multi = curl_multi_init();
	if (!pool->multi)
		return LL_ERR_NOMEM;
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 16L);
	return LL_OK;
}

int
https_begin(void)
{
	int r = pool_begin(&hs.policies);

	return r ? r : pool_begin(&hs.readers);
}
