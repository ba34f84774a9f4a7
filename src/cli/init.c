/* init: a configuration file, the boot secret, the folders, and if wanted a certificate. Nothing
 * that exists is ever overwritten. */
#include "base/secret.h"
#include "cli/certificate.h"
#include "cli/cli_priv.h"
#include "keys/server_keys.h"
#include "mail/address.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_LEN 512

struct plan {
	char hostname[256];
	char config[PATH_LEN], data[PATH_LEN], boot_secret[PATH_LEN], control[PATH_LEN];
	char certificate[PATH_LEN], key[PATH_LEN], ca[PATH_LEN];
	bool self_signed;
	struct buf listen;
};

/* --- the plan --- */

/* The option, or the default; relative paths become absolute ones. */
static int
set_path(struct cli *cli, const char *option, const char *fallback, char ret[PATH_LEN])
{
	const char *value = option ? cli_option(cli, option) : NULL;
	char here[PATH_LEN] = "";
	int n;

	if (!value)
		value = fallback;
	if (value[0] != '/' && !getcwd(here, sizeof(here)))
		return cli_fail(cli, "the current folder: %s", strerror(errno));
	while (value[0] == '.' && value[1] == '/')
		value += 2;
	n = snprintf(ret, PATH_LEN, "%s%s%s", here, here[0] ? "/" : "", value);
	if (n < 0 || n >= PATH_LEN || strchr(ret, '\n') || strstr(ret, " ;"))
		return cli_fail(cli, "%s: this path cannot be used", value);
	return CLI_OK;
}

static const struct {
	const char *option;
	size_t offset;
	const char *system, *in_dir; /* defaults: of an installation; below --dir */
} paths[] = {
#define AT(member) offsetof(struct plan, member)
	{"config", AT(config), NULL, "letterlock.conf"},
	{"data", AT(data), "/var/lib/letterlock", "data"},
	{"boot-secret", AT(boot_secret), "/etc/letterlock/boot.secret", "boot.secret"},
	{"control", AT(control), "/run/letterlock/control", "control"},
	{"certificate", AT(certificate), "/etc/letterlock/tls/certificate.pem",
		"tls/certificate.pem"},
	{"key", AT(key), "/etc/letterlock/tls/key.pem", "tls/key.pem"},
	{NULL, AT(ca), "/etc/letterlock/tls/ca.pem", "tls/ca.pem"},
};

static int
plan_paths(struct cli *cli, struct plan *p)
{
	const char *dir = cli_option(cli, "dir");

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char below[PATH_LEN];
		const char *fallback = paths[i].system ? paths[i].system : cli->config_path;
		int r;

		if (dir) {
			snprintf(below, sizeof(below), "%s/%s", dir, paths[i].in_dir);
			fallback = below;
		}
		r = set_path(cli, paths[i].option, fallback, (char *)p + paths[i].offset);
		if (r)
			return r;
	}
	return CLI_OK;
}

static bool
is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static int
check_plan(struct cli *cli, const struct plan *p)
{
	struct sockaddr_un un;

	if (is_below(p->boot_secret, p->data))
		return cli_fail(cli,
			"the boot secret must not lie in the data folder: who takes the disk must "
			"not get both");
	if (strlen(p->control) >= sizeof(un.sun_path))
		return cli_fail(cli,
			"%s: a socket's path has at most %zu bytes; choose another with --control",
			p->control, sizeof(un.sun_path) - 1);
	return CLI_OK;
}

static int
plan_listen(struct cli *cli, struct plan *p)
{
	const char *one;
	int at = 0;

	p->listen = BUF_INIT(8192);
	while ((one = cli_option_next(cli, "listen", &at))) {
		struct slice value = slice_str(one), service = slice_split(&value, '=');
		if (!value.len || slice_find_byte(value, '\n') != SLICE_NPOS)
			return cli_usage(
				cli, "--listen is SERVICE=ADDRESS:PORT, like imaps=127.0.0.1:993");
		buf_printf(&p->listen, "%.*s = %.*s\n", SLICE_ARG(service), SLICE_ARG(value));
	}
	if (p->listen.len == 0)
		buf_puts(&p->listen,
			"smtp = 0.0.0.0:25, [::]:25\n"
			"submission = 0.0.0.0:587, [::]:587\n"
			"submissions = 0.0.0.0:465, [::]:465\n"
			"imaps = 0.0.0.0:993, [::]:993\n"
			"https = 0.0.0.0:443, [::]:443\n");
	return CLI_OK;
}

static int
make_plan(struct cli *cli, struct plan *p)
{
	const char *hostname = cli_option(cli, "hostname");
	char here[256] = "";
	int r;

	if (!hostname) {
		if (gethostname(here, sizeof(here) - 1) < 0 || !strchr(here, '.'))
			return cli_usage(cli,
				"--hostname NAME is needed: the full name of this machine, as it "
				"stands in its MX record and certificate");
		hostname = here;
	}
	if (strlen(hostname) > 253 || address_domain_check(slice_str(hostname), 0))
		return cli_usage(cli, "%s is not a host name", cli_safe(slice_str(hostname)));
	snprintf(p->hostname, sizeof(p->hostname), "%s", hostname);
	p->self_signed = cli_option(cli, "self-signed") != NULL;
	r = plan_paths(cli, p);
	if (r == CLI_OK)
		r = check_plan(cli, p);
	return r ? r : plan_listen(cli, p);
}

/* --- the configuration's text --- */

static int
write_config(struct cli *cli, const struct plan *p, struct buf *out)
{
	struct config parsed;
	char why[256];

	buf_printf(out,
		"# Letterlock. Here stands only what must be known before the store opens; "
		"domains\n"
		"# and accounts are made with the letterlock command.\n\n"
		"[server]\n"
		"hostname = %s\n"
		"data = %s\n"
		"# The server's own keys come from these 32 bytes. Keep them off the disk that "
		"holds\n"
		"# the data, and keep a copy: without them nobody signs in.\n"
		"boot_secret = %s\n"
		"control = %s\n\n"
		"[tls]\n"
		"certificate = %s\n"
		"key = %s\n",
		p->hostname, p->data, p->boot_secret, p->control, p->certificate, p->key);
	buf_printf(out, "\n[listen]\n%.*s", SLICE_ARG(buf_slice(&p->listen)));
	if (buf_err(out) || config_parse(buf_slice(out), &parsed, why, sizeof(why)) ||
		strcmp(parsed.data, p->data) || strcmp(parsed.control, p->control) ||
		strcmp(parsed.boot_secret, p->boot_secret) || strcmp(parsed.key, p->key) ||
		strcmp(parsed.certificate, p->certificate))
		return cli_fail(cli,
			"a configuration with these values would not be understood: %s",
			why[0] ? why : "a path is too long or has characters with a meaning");
	return CLI_OK;
}

/* --- doing it --- */

/* Makes the folder of a file, and those above. */
static int
make_parents(struct cli *cli, const char *path)
{
	char part[PATH_LEN];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return cli_fail(cli, "%s: %s", part, strerror(errno));
		*slash = '/';
	}
	return CLI_OK;
}

static int
write_new(struct cli *cli, const char *path, struct slice content, mode_t mode)
{
	CLEANUP(fd_close) int fd = -1;
	int r = make_parents(cli, path);

	if (r)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return cli_fail(cli, "%s: %s", path, strerror(errno));
	while (content.len) {
		ssize_t n = write(fd, content.ptr, content.len);
		if (n < 0 && errno != EINTR)
			return cli_fail(cli, "%s: %s", path, strerror(errno));
		content = slice_skip(content, (size_t)MAX(n, (ssize_t)0));
	}
	return fsync(fd) < 0 ? cli_fail(cli, "%s: %s", path, strerror(errno)) : CLI_OK;
}

static int
write_boot_secret(struct cli *cli, const struct plan *p)
{
	uint8_t bytes[BOOT_SECRET_LEN];
	int r;

	randombytes_buf(bytes, sizeof(bytes));
	r = write_new(cli, p->boot_secret, SLICE_OF(bytes), 0600);
	secret_wipe(bytes, sizeof(bytes));
	return r;
}

static int
write_certificate(struct cli *cli, const struct plan *p)
{
	CLEANUP(certificate_done)
	struct certificate_made made = {BUF_INIT(0), BUF_INIT(0), BUF_INIT(0)};
	int r;

	if (!p->self_signed)
		return CLI_OK;
	if (certificate_make(p->hostname, &made))
		return cli_fail(cli, "no certificate could be made");
	r = write_new(cli, p->key, buf_slice(&made.key), 0600);
	if (r == CLI_OK)
		r = write_new(cli, p->certificate, buf_slice(&made.chain), 0644);
	return r ? r : write_new(cli, p->ca, buf_slice(&made.ca), 0644);
}

static int
refuse_existing(struct cli *cli, const struct plan *p)
{
	const char *files[] = {p->config, p->boot_secret, p->self_signed ? p->key : NULL,
		p->self_signed ? p->certificate : NULL, p->self_signed ? p->ca : NULL};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], F_OK) == 0)
			return cli_fail(cli, "%s is there already; nothing was changed", files[i]);
	return CLI_OK;
}

static int
make_data(struct cli *cli, const struct plan *p)
{
	int r = make_parents(cli, p->data);

	if (r)
		return r;
	/* The store's process gives it to its own user. */
	return mkdir(p->data, 0700) < 0 && errno != EEXIST
		? cli_fail(cli, "%s: %s", p->data, strerror(errno))
		: CLI_OK;
}

static int
report(struct cli *cli, const struct plan *p)
{
	CLEANUP(json_done) struct json j = JSON_INIT;

	if (!cli->json) {
		printf("Configuration  %s\nBoot secret    %s  (keep a copy elsewhere)\n"
		       "Data           %s\nCertificate    %s%s\n",
			p->config, p->boot_secret, p->data, p->certificate,
			p->self_signed ? "" : "  (put one here)");
		if (p->self_signed)
			printf("CA to trust    %s\n", p->ca);
		printf("\nNext: letterlock --config %s serve\n", p->config);
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_text(&j, "config", p->config);
	json_text(&j, "boot_secret", p->boot_secret);
	json_text(&j, "data", p->data);
	json_text(&j, "control", p->control);
	json_text(&j, "certificate", p->certificate);
	json_text(&j, "key", p->key);
	if (p->self_signed)
		json_text(&j, "ca", p->ca);
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

int
cli_init(struct cli *cli)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(CONFIG_TEXT_MAX);
	struct plan *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return cli_fail(cli, "out of memory");
	umask(0022);
	r = make_plan(cli, p);
	if (r == CLI_OK)
		r = write_config(cli, p, &text);
	if (r == CLI_OK)
		r = refuse_existing(cli, p);
	if (r == CLI_OK)
		r = make_data(cli, p);
	if (r == CLI_OK)
		r = write_boot_secret(cli, p);
	if (r == CLI_OK)
		r = write_certificate(cli, p);
	if (r == CLI_OK)
		r = write_new(cli, p->config, buf_slice(&text), 0644);
	if (r == CLI_OK)
		r = report(cli, p);
	buf_done(&p->listen);
	free(p);
	return r;
}
