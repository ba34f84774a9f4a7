/* The configuration file: a table of settings over inih. */
#include "os/config.h"
#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, NUMBER32, NUMBER64, PORT };

static const struct {
	const char *section, *name;
	enum kind kind;
	size_t offset, size;
} settings[] = {
#define AT(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)
	{"server", "hostname", TEXT, AT(hostname)},
	{"server", "web_host", TEXT, AT(web_host)},
	{"server", "data", TEXT, AT(data)},
	{"server", "boot_secret", TEXT, AT(boot_secret)},
	{"server", "control", TEXT, AT(control)},
	{"server", "user_base", NUMBER32, AT(user_base)},
	{"server", "frontends", NUMBER32, AT(frontends)},
	{"server", "deliveries", NUMBER32, AT(deliveries)},
	{"limits", "message_size", NUMBER64, AT(message_size)},
	{"limits", "session_memory", NUMBER32, AT(session_memory)},
	{"limits", "session_linger", NUMBER32, AT(session_linger)},
	{"limits", "hang", NUMBER32, AT(hang)},
	{"limits", "access_token", NUMBER32, AT(access_token)},
	{"limits", "authorization_code", NUMBER32, AT(oauth_code)},
	{"server", "web", TEXT, AT(web)},
	{"server", "web_log", TEXT, AT(web_log)},
	{"server", "places", TEXT, AT(places)},
	{"server", "key_server", TEXT, AT(key_server)},
	{"tls", "certificate", TEXT, AT(certificate)},
	{"tls", "key", TEXT, AT(key)},
	{"tls", "ca_file", TEXT, AT(ca_file)},
	{"dns", "forward", TEXT, AT(dns_forward)},
	{"dns", "stub", TEXT, AT(dns_stub)},
	{"dns", "trust_anchor", TEXT, AT(dns_anchor)},
	{"relay", "port", PORT, AT(relay_port)},
	{"relay", "https_port", PORT, AT(https_port)},
	{"import", "ports", TEXT, AT(import_ports)},
	{"relay", "private_fetch", NUMBER32, AT(private_fetch)},
};

static const char *const services[SERVICES] = {
	[SERVICE_SMTP] = "smtp",
	[SERVICE_SUBMISSION] = "submission",
	[SERVICE_SUBMISSIONS] = "submissions",
	[SERVICE_IMAPS] = "imaps",
	[SERVICE_IMAP_LOOPBACK] = "imap_loopback",
	[SERVICE_HTTPS] = "https",
	[SERVICE_INTERNAL] = "",
	[SERVICE_SESSION] = "",
	[SERVICE_RELEASED] = "",
};

struct parse {
	struct config *config;
	const char *reason;
};

const char *
service_name(enum service s)
{
	return (unsigned)s < SERVICES ? services[s] : "unknown";
}

/* "127.0.0.1:25" or "[::1]:25". */
static int
parse_address(struct slice text, struct config_listener *l)
{
	size_t colon = slice_rfind_byte(text, ':');
	struct slice host = slice_sub(text, 0, colon);
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&l->addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&l->addr;
	char name[64];
	uint64_t port;

	if (colon == SLICE_NPOS || slice_u64(slice_skip(text, colon + 1), 65535, &port))
		return LL_ERR_SYNTAX;
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = slice_sub(host, 1, host.len - 2);
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(host));
	if (inet_pton(AF_INET6, name, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		l->addr_len = sizeof(*in6);
	} else if (inet_pton(AF_INET, name, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		l->addr_len = sizeof(*in);
	} else {
		return LL_ERR_SYNTAX;
	}
	snprintf(l->text, sizeof(l->text), "%.*s", SLICE_ARG(text));
	return LL_OK;
}

static bool
is_loopback(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	if (addr->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static const char *
set_listeners(struct config *c, struct slice service, struct slice value)
{
	unsigned s = 0;

	while (s < SERVICES && !slice_eq(slice_str(services[s]), service))
		s++;
	if (s == SERVICES)
		return "no such service";
	while (value.len) {
		struct slice one = slice_trim(slice_split(&value, ','));
		struct config_listener l = {.service = (enum service)s};
		if (one.len == 0)
			continue;
		if (c->n_listeners == CONFIG_LISTENERS_MAX)
			return "too many listeners";
		if (parse_address(one, &l))
			return "not an address:port";
		if (l.service == SERVICE_IMAP_LOOPBACK && !is_loopback(&l.addr))
			return "only a loopback address may go without TLS";
		c->listeners[c->n_listeners++] = l;
	}
	return NULL;
}

static const char *
set_value(char *at, enum kind kind, size_t size, struct slice value)
{
	uint64_t n = 0;

	if (kind == TEXT) {
		if (value.len >= size)
			return "value too long";
		memcpy(at, value.ptr, value.len);
		at[value.len] = 0;
		return NULL;
	}
	if (slice_u64(value, kind == PORT ? 65535 : kind == NUMBER32 ? UINT32_MAX : INT64_MAX, &n))
		return "not a number in range";
	if (kind == PORT)
		*(uint16_t *)(void *)at = (uint16_t)n;
	else if (kind == NUMBER32)
		*(uint32_t *)(void *)at = (uint32_t)n;
	else
		*(uint64_t *)(void *)at = n;
	return NULL;
}

static int
on_setting(void *user, const char *section, const char *name, const char *value)
{
	struct parse *p = user;

	if (strcmp(section, "listen") == 0) {
		p->reason = set_listeners(p->config, slice_str(name), slice_str(value));
		return p->reason == NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i].section, section) || strcmp(settings[i].name, name))
			continue;
		p->reason = set_value((char *)p->config + settings[i].offset, settings[i].kind,
			settings[i].size, slice_str(value));
		return p->reason == NULL;
	}
	p->reason = "no such setting";
	return 0;
}

int
config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size)
{
	struct config c = {.user_base = 60600,
		.message_size = 50 << 20,
		.session_memory = 1024,
		.session_linger = 60,
		.hang = 60,
		.access_token = 3600,
		.oauth_code = 60,
		.relay_port = 25,
		.https_port = 443,
		.import_ports = "993, 143",
		.key_server = "keys.openpgp.org"};
	struct parse p = {.config = &c};
	char *copy;
	int line;

	if (text.len > CONFIG_TEXT_MAX || !(copy = strndup((const char *)text.ptr, text.len)))
		return LL_ERR_LIMIT;
	line = ini_parse_string(copy, on_setting, &p);
	free(copy);
	if (line) {
		snprintf(ret_error, error_size, "line %d: %s", line,
			p.reason ? p.reason : "not `name = value`");
		return LL_ERR_SYNTAX;
	}
	if (!c.hostname[0] || !c.data[0] || !c.boot_secret[0] || !c.control[0]) {
		snprintf(ret_error, error_size,
			"[server] needs hostname, data, boot_secret and control");
		return LL_ERR_SYNTAX;
	}
	if (!c.web_host[0])
		memcpy(c.web_host, c.hostname, sizeof(c.web_host));
	*ret = c;
	return LL_OK;
}

static int
read_file(const char *path, struct buf *out)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		uint8_t *p = buf_room(out, 4096);
		if (!p)
			return buf_err(out);
		n = read(fd, p, 4096);
		if (n > 0)
			buf_grow(out, (size_t)n);
	}
	return n < 0 ? LL_ERR_IO : LL_OK;
}

int
config_load(const char *path, struct config *ret, struct buf *ret_text, char *ret_error,
	size_t error_size)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(CONFIG_TEXT_MAX + 4096);
	int r = read_file(path, &text);

	if (r) {
		snprintf(ret_error, error_size, "%s",
			r == LL_ERR_IO ? strerror(errno) : ll_strerror(r));
		return r;
	}
	r = config_parse(buf_slice(&text), ret, ret_error, error_size);
	if (r == LL_OK && ret_text)
		r = buf_put(ret_text, buf_slice(&text));
	return r;
}
