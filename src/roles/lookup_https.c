/* HTTPS by libcurl, driven by our loop. What is fetched: MTA-STS policies (RFC 8461 section 3.3).
 */
#include "base/error.h"
#include "base/log.h"
#include "mail/dns_memo.h"
#include "roles/lookup.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"
#define PAGE_MAX ((size_t)65536)
#define CA_MAX ((size_t)4 << 20)
#define HTTPS_TIMEOUT 60L
#define ADDRESSES_MAX 1024

struct fetch {
	uint64_t id;
	char url[2049], host[256];
	char addresses[ADDRESSES_MAX]; /* "host:port:a,b", for curl */
	unsigned waiting; /* for A and AAAA */
	CURL *easy;
	struct curl_slist *resolve;
	struct buf body;
};

struct https_socket {
	struct loop_watch watch;
	curl_socket_t fd;
};

static struct {
	CURLM *multi;
	struct buf cas;
	struct loop_timer timer;
} hs;

static void
answer(struct fetch *f, long status, const char *type)
{
	struct ipc_channel *c = role_peer(lk.env, ROLE_RELAY, 0);
	bool ok = status > 0 && status < 1000;

	if (c)
		(void)ipc_send_https_reply(c,
			&(struct msg_https_reply){.id = f->id,
				.status = ok ? (uint16_t)status : 0,
				.type = slice_sub(slice_str(type), 0, 128),
				.body = ok ? buf_slice(&f->body) : SLICE_NONE},
			-1);
	if (f->easy) {
		curl_multi_remove_handle(hs.multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	curl_slist_free_all(f->resolve);
	buf_done(&f->body);
	free(f);
}

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct fetch *f = ctx;

	return buf_put(&f->body, slice_new(p, size * n)) ? 0 : size * n;
}

static void
perform(struct fetch *f)
{
	struct curl_blob cas = {hs.cas.ptr, hs.cas.len, CURL_BLOB_NOCOPY};

	f->easy = curl_easy_init();
	f->resolve = curl_slist_append(NULL, f->addresses);
	if (!f->easy || !f->resolve) {
		answer(f, 0, "");
		return;
	}
	lk.fetches++;
	curl_easy_setopt(f->easy, CURLOPT_URL, f->url);
	curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f);
	curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(f->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(f->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(f->easy, CURLOPT_TIMEOUT, HTTPS_TIMEOUT);
	curl_easy_setopt(f->easy, CURLOPT_MAXFILESIZE, (long)PAGE_MAX);
	curl_easy_setopt(f->easy, CURLOPT_RESOLVE, f->resolve);
	curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(f->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(f->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(f->easy, CURLOPT_CAINFO_BLOB, &cas);
	curl_easy_setopt(f->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_multi_add_handle(hs.multi, f->easy);
}

static void
add_addresses(struct fetch *f, const struct msg_dns_answer *m)
{
	struct reader r = reader_new(m->rdata);

	while (m->status == DNS_OK && r.rest.len && !r.err) {
		struct slice ip = reader_bytes(&r, reader_be16(&r));
		size_t n = strlen(f->addresses);
		char text[INET6_ADDRSTRLEN + 2];
		int family = ip.len == 4 ? AF_INET : AF_INET6;
		if ((ip.len != 4 && ip.len != 16) || !inet_ntop(family, ip.ptr, text, sizeof(text)))
			continue;
		snprintf(f->addresses + n, sizeof(f->addresses) - n, "%s%s%s%s",
			f->addresses[n - 1] == ':' ? "" : ",", ip.len == 16 ? "[" : "", text,
			ip.len == 16 ? "]" : "");
	}
}

static void
on_addresses(void *ctx, const struct msg_dns_answer *m)
{
	struct fetch *f = ctx;

	add_addresses(f, m);
	if (--f->waiting)
		return;
	if (f->addresses[strlen(f->addresses) - 1] == ':')
		answer(f, 0, "");
	else
		perform(f);
}

void
https_get(uint64_t id, struct slice url)
{
	struct fetch *f = calloc(1, sizeof(*f));
	struct slice rest = slice_skip(url, sizeof("https://") - 1), host = slice_split(&rest, '/');

	if (!f)
		return;
	*f = (struct fetch){.id = id, .body = BUF_INIT(PAGE_MAX)};
	if (!slice_starts(url, S("https://")) || host.len == 0 || host.len >= sizeof(f->host) ||
		slice_find_byte(host, ':') != SLICE_NPOS ||
		slice_find_byte(host, '@') != SLICE_NPOS) {
		answer(f, 0, "");
		return;
	}
	snprintf(f->host, sizeof(f->host), "%.*s", SLICE_ARG(host));
	snprintf(f->url, sizeof(f->url), "https://%s:%u/%.*s", f->host, lk.env->config.https_port,
		SLICE_ARG(rest));
	snprintf(f->addresses, sizeof(f->addresses), "%s:%u:", f->host, lk.env->config.https_port);
	f->waiting = 2;
	lookup_ask(host, DNS_A, on_addresses, f);
	lookup_ask(host, DNS_AAAA, on_addresses, f);
}

/* --- curl and the loop --- */

static void
finish_done(void)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(hs.multi, &left))) {
		struct fetch *f = NULL;
		char *type = NULL;
		long status = 0;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(m->easy_handle, CURLINFO_CONTENT_TYPE, &type);
		answer(f, m->data.result == CURLE_OK ? status : 0, type ? type : "");
	}
}

static void
on_ready(void *ctx, unsigned events)
{
	struct https_socket *s = ctx;
	int running,
		bits = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		(events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
		(events & LOOP_HANGUP ? CURL_CSELECT_ERR : 0);

	curl_multi_socket_action(hs.multi, s->fd, bits, &running);
	finish_done();
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
	if (loop_watch(lk.env->loop, &s->watch, fd, want, on_ready, s)) {
		free(s);
		return -1;
	}
	curl_multi_assign(hs.multi, fd, s);
	return 0;
}

static void
on_timer(void *ctx)
{
	int running;

	curl_multi_socket_action(hs.multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_done();
}

static int
set_timer(CURLM *multi, long ms, void *ctx)
{
	if (ms < 0) {
		loop_timer_stop(lk.env->loop, &hs.timer);
		return 0;
	}
	return loop_timer_set(lk.env->loop, &hs.timer, ms, on_timer, NULL) ? -1 : 0;
}

int
https_start(struct role_env *env)
{
	const char *path = env->config.ca_file[0] ? env->config.ca_file : SYSTEM_CAS;
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *p;
	ssize_t n;

	hs.cas = BUF_INIT(CA_MAX);
	p = buf_room(&hs.cas, CA_MAX);
	n = fd >= 0 && p ? read(fd, p, CA_MAX) : -1;
	if (n > 0)
		buf_grow(&hs.cas, (size_t)n);
	else
		log_warn("https", "ca_file=%s error=%s", log_quote(slice_str(path)),
			"unreadable: MTA-STS policies cannot be fetched");
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? LL_OK : LL_ERR_CRYPTO;
}

int
https_begin(void)
{
	hs.multi = curl_multi_init();
	if (!hs.multi)
		return LL_ERR_NOMEM;
	curl_multi_setopt(hs.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(hs.multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(hs.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 16L);
	return LL_OK;
}
