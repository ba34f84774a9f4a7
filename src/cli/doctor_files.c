/* Files and permissions, certificate, room on the disk. */
#include "cli/certificate.h"
#include "cli/doctor.h"
#include "keys/server_keys.h"
#include "os/clock.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DAY 86400

/* Others may not write what decides about keys, nor read what is one. */
static bool
check_file(struct doctor *d, const char *what, const char *path, bool secret, struct stat *ret)
{
	char advice[600];

	if (stat(path, ret) < 0) {
		snprintf(advice, sizeof(advice),
			"letterlock init makes one; or correct its path in %s",
			d->cli->config_path);
		doctor_say(d, FINDING_PROBLEM, "files", advice, "%s %s: %s", what, path,
			strerror(errno));
		return false;
	}
	snprintf(advice, sizeof(advice), "chmod %s %s", secret ? "600" : "go-w", path);
	if (ret->st_mode & (secret ? 0077 : 0022)) {
		doctor_say(d, FINDING_PROBLEM, "files", advice, "%s %s can be %s by others", what,
			path, secret ? "read" : "changed");
		return false;
	}
	doctor_say(d, FINDING_OK, "files", NULL, "%s %s", what, path);
	return true;
}

static bool
is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static void
check_boot_secret(struct doctor *d, dev_t data_device)
{
	const char *path = d->cli->config.boot_secret;
	struct stat st;

	if (strncmp(path, "credential:", 11) == 0) {
		doctor_say(d, FINDING_OK, "files", NULL, "the boot secret is a systemd credential");
		return;
	}
	if (!check_file(d, "boot secret", path, true, &st))
		return;
	if (st.st_size != BOOT_SECRET_LEN)
		doctor_say(d, FINDING_PROBLEM, "files", "put the copy back that was kept",
			"the boot secret has %lld bytes, not %d", (long long)st.st_size,
			BOOT_SECRET_LEN);
	if (is_below(path, d->cli->config.data))
		doctor_say(d, FINDING_PROBLEM, "files",
			"move it elsewhere and change boot_secret in the configuration",
			"the boot secret lies inside the data folder: one theft takes both");
	else if (st.st_dev == data_device)
		doctor_say(d, FINDING_NOTE, "files",
			"a systemd credential sealed by the TPM (boot_secret = credential:NAME), "
			"or "
			"another disk",
			"boot secret and data are on one file system: who takes the disk may guess "
			"passwords and read who has an account; the mail stays sealed");
}

/* Who runs the server: who made its socket, or, before that, its configuration. */
static uid_t
server_user(const struct cli *cli)
{
	struct stat st;

	if (stat(cli->config.control, &st) == 0)
		return st.st_uid;
	return geteuid() == 0 && stat(cli->config_path, &st) == 0 ? st.st_uid : geteuid();
}

/* nftw takes no context. */
static struct {
	uid_t owner;
	uint64_t wrong;
	char first[512];
} owned;

static int
look_at_owner(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (ftw->level == 0 || type == FTW_NS || st->st_uid == owned.owner)
		return 0;
	if (!owned.wrong++)
		snprintf(owned.first, sizeof(owned.first), "%s", path);
	return 0;
}

/* The folder itself is given to the store at every start; what lies in it is not, and a store that
 * may not open its files starts again and again. */
static void
check_owners(struct doctor *d, uid_t owner)
{
	const char *data = d->cli->config.data;
	char advice[600];

	owned.owner = owner;
	owned.wrong = 0;
	if (nftw(data, look_at_owner, 16, FTW_PHYS) || !owned.wrong)
		return;
	snprintf(advice, sizeof(advice), "chown -R %u:%u %s", owner, owner, data);
	doctor_say(d, FINDING_PROBLEM, "files", advice,
		"%llu files in the data folder do not belong to user %u, the store's, as %s: the "
		"store cannot open them",
		(unsigned long long)owned.wrong, owner, owned.first);
}

static void
check_data(struct doctor *d, struct stat *st)
{
	const struct config *c = &d->cli->config;
	uid_t user = server_user(d->cli), owner = user ? user : c->user_base + (uid_t)ROLE_STORE;
	char advice[600];

	if (stat(c->data, st) < 0) {
		memset(st, 0, sizeof(*st));
		doctor_say(d, FINDING_NOTE, "files", NULL, "data folder %s: %s; serve makes it",
			c->data, strerror(errno));
		return;
	}
	snprintf(advice, sizeof(advice), "chown -R %u:%u %s", owner, owner, c->data);
	if (!S_ISDIR(st->st_mode) || (st->st_mode & 0077))
		doctor_say(d, FINDING_WARNING, "files", "chmod 700 the folder",
			"data folder %s is open to others; what it holds is sealed, but sizes and "
			"times are not",
			c->data);
	else if (st->st_uid != owner && user)
		doctor_say(d, FINDING_PROBLEM, "files", advice,
			"data folder %s belongs to user %u, not %u", c->data, st->st_uid, owner);
	else
		doctor_say(d, FINDING_OK, "files", NULL, "data folder %s", c->data);
	check_owners(d, owner);
}

void
doctor_files(struct doctor *d)
{
	struct stat data, st;

	(void)check_file(d, "configuration", d->cli->config_path, false, &st);
	check_data(d, &data);
	check_boot_secret(d, data.st_dev);
	(void)check_file(d, "TLS key", d->cli->config.key, true, &st);
	(void)check_file(d, "certificate", d->cli->config.certificate, false, &st);
}

/* --- certificate --- */

static void
check_dates(struct doctor *d, const struct certificate_info *i)
{
	int64_t now = clock_unix(), left = (i->not_after - now) / DAY;
	const char *advice = "renew it, and start the server again";

	if (now < i->not_before)
		doctor_say(d, FINDING_PROBLEM, "certificate", "look at the clock",
			"it is valid from %s only", cli_time((uint64_t)i->not_before));
	else if (now >= i->not_after)
		doctor_say(d, FINDING_PROBLEM, "certificate", advice, "it expired at %s",
			cli_time((uint64_t)i->not_after));
	else
		doctor_say(d, left < 14 ? FINDING_WARNING : FINDING_OK, "certificate",
			left < 14 ? advice : NULL, "valid until %s (%lld days)",
			cli_time((uint64_t)i->not_after), (long long)left);
}

/* The web client may be opened under a name of its own. */
static void
check_web_host(struct doctor *d)
{
	CLEANUP(certificate_info_done) struct certificate_info i = {.spki = BUF_INIT(0)};
	const struct config *c = &d->cli->config;

	if (strcmp(c->web_host, c->hostname) == 0 ||
		certificate_read(c->certificate, c->key, c->web_host, &i))
		return;
	doctor_say(d, i.names_host ? FINDING_OK : FINDING_PROBLEM, "certificate",
		i.names_host ? NULL : "get one that has this name, too, or correct web_host",
		i.names_host ? "it is for %s" : "it is not for %s", c->web_host);
}

void
doctor_certificate(struct doctor *d)
{
	CLEANUP(certificate_info_done) struct certificate_info i = {.spki = BUF_INIT(0)};
	const struct config *c = &d->cli->config;
	int r = certificate_read(c->certificate, c->key, c->hostname, &i);

	if (r) {
		if (r != LL_ERR_IO)
			doctor_say(d, FINDING_PROBLEM, "certificate",
				"it must be PEM, the server's own certificate first", "%s: %s",
				c->certificate, ll_strerror(r));
		return; /* a missing file was said already */
	}
	check_dates(d, &i);
	doctor_say(d, i.names_host ? FINDING_OK : FINDING_PROBLEM, "certificate",
		i.names_host ? NULL
			     : "get one for this name, or correct hostname in the configuration",
		i.names_host ? "it is for %s" : "it is not for %s", c->hostname);
	check_web_host(d);
	if (!i.key_readable)
		doctor_say(d, FINDING_PROBLEM, "certificate",
			"it must be an unencrypted PEM private key", "%s cannot be read as a key",
			c->key);
	else if (!i.key_matches)
		doctor_say(d, FINDING_PROBLEM, "certificate", "put the two that belong together",
			"the key is not this certificate's");
	if (i.self_made)
		doctor_say(d, FINDING_NOTE, "certificate",
			"a public authority's certificate, unless every user trusts this one",
			"no authority that this system knows has signed it");
}

/* --- room --- */

void
doctor_space(struct doctor *d)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs(d->cli->config.data, &fs) < 0)
		return;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	doctor_say(d,
		room < (uint64_t)256 << 20	   ? FINDING_PROBLEM
			: room < (uint64_t)2 << 30 ? FINDING_WARNING
						   : FINDING_OK,
		"disk", room < (uint64_t)2 << 30 ? "make room before mail is deferred" : NULL,
		"%s free for the store", cli_size(room));
	if (fs.f_files && fs.f_favail < fs.f_files / 100)
		doctor_say(d, FINDING_WARNING, "disk", "large messages are a file each",
			"fewer than 1%% of the file system's inodes are free");
}
