/* The kernel's protections, memory, clock, ports, and the server as it runs. */
#include "base/secret.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "os/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#define STATUS_ARENA ((size_t)8 << 20)
#define RELEASED 1795219200 /* 2026-11-21: no honest clock is before it */
#define SWAPS_MAX ((size_t)64 << 10)

static bool
read_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, size - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return n > 0;
}

/* --- kernel --- */

void
doctor_kernel(struct doctor *d)
{
	long abi = syscall(444 /* landlock_create_ruleset */, NULL, 0, 1);
	char actions[256];

	if (abi >= 1)
		doctor_say(d, FINDING_OK, "sandbox", NULL, "landlock, version %ld%s", abi,
			abi < 4 ? " (ports can be confined from version 4 on)" : "");
	else
		doctor_say(d, FINDING_WARNING, "sandbox",
			"a kernel with CONFIG_SECURITY_LANDLOCK, and landlock in its lsm= list",
			"no landlock: the store's process can reach other files of its user");
	if (read_text("/proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions)) &&
		strstr(actions, "trap"))
		doctor_say(d, FINDING_OK, "sandbox", NULL, "seccomp filters");
	else
		doctor_say(d, FINDING_PROBLEM, "sandbox", "a kernel with CONFIG_SECCOMP_FILTER",
			"no seccomp filters: the server does not start");
	if (geteuid() != 0)
		doctor_say(d, FINDING_NOTE, "sandbox",
			"start the server as root: each process then takes a user of its own",
			"not root: all processes share one user");
}

/* --- memory --- */

/* Whether every swap is in memory only (zram). */
static bool
swap_on_disk(void)
{
	char text[8192];
	struct slice rest, line;

	if (!read_text("/proc/swaps", text, sizeof(text)))
		return false;
	rest = slice_str(text);
	for ((void)slice_line(&rest); rest.len;) {
		line = slice_line(&rest);
		if (line.len && !slice_starts(line, S("/dev/zram")) &&
			!slice_starts(line, S("/dev/dm-")))
			return true;
	}
	return false;
}

void
doctor_memory(struct doctor *d)
{
	void *probe = secret_alloc(32);
	struct rlimit lock;

	secret_free(probe, 32);
	if (strcmp(secret_kind(), "memfd_secret") == 0)
		doctor_say(d, FINDING_OK, "memory", NULL,
			"keys are in memfd_secret, which other processes cannot read");
	else if (strcmp(secret_kind(), "locked") == 0)
		doctor_say(d, FINDING_NOTE, "memory",
			"kernel 6.5, or the boot parameter secretmem.enable=1",
			"no memfd_secret: keys are in locked memory that is never dumped");
	else
		doctor_say(d, FINDING_WARNING, "memory", "raise the limit on locked memory",
			"keys cannot be locked in memory");
	if (swap_on_disk())
		doctor_say(d, FINDING_NOTE, "memory",
			"encrypt the swap with a random key (crypttab: swap), or do without",
			"there is swap on a disk: keys never go there, but text of mail that a "
			"session has open may");
	else
		doctor_say(d, FINDING_OK, "memory", NULL, "no plain swap on a disk");
	if (geteuid() != 0 && getrlimit(RLIMIT_MEMLOCK, &lock) == 0 &&
		lock.rlim_cur < (rlim_t)1 << 20)
		doctor_say(d, FINDING_WARNING, "memory", "ulimit -l 8192",
			"only %llu KiB may be locked", (unsigned long long)lock.rlim_cur >> 10);
}

/* --- clock --- */

void
doctor_clock(struct doctor *d)
{
	struct timex t = {0};
	int64_t now = clock_unix();
	int state = adjtimex(&t);

	if (now < RELEASED)
		doctor_say(d, FINDING_PROBLEM, "clock", "set it, and keep it with NTP",
			"it shows %s: certificates and signatures will seem invalid",
			cli_time((uint64_t)now));
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		doctor_say(d, FINDING_NOTE, "clock", "apt-get install systemd-timesyncd, or chrony",
			"%s UTC; nothing keeps it in time", cli_time((uint64_t)now));
	else
		doctor_say(d, FINDING_OK, "clock", NULL, "%s UTC, kept in time",
			cli_time((uint64_t)now));
}

/* --- the server --- */

static void
check_process(struct doctor *d, const struct json_value *p)
{
	const struct json_value *ready = json_get(p, "ready");
	struct slice sandbox = json_get_text(p, "sandbox"), restarts = json_get_text(p, "restarts");
	const char *role = cli_safe(json_get_text(p, "role"));

	if (slice_eq(json_get_text(p, "role"), S("parent")))
		return;
	if (!ready || ready->type != JSON_TRUE)
		doctor_say(d, FINDING_PROBLEM, "server", "the server's log says why",
			"the process %s is not ready", role);
	else if (slice_find(sandbox, S("seccomp")) == SLICE_NPOS)
		doctor_say(d, FINDING_PROBLEM, "server", "the server's log says why",
			"the process %s has no sandbox", role);
	if (restarts.len && !slice_eq(restarts, S("0")))
		doctor_say(d, FINDING_WARNING, "server", "the server's log says why",
			"the process %s was restarted %s times", role, cli_safe(restarts));
}

static void
check_processes(struct doctor *d)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(STATUS_ARENA);
	const struct json_value *all;
	struct control_text m;
	struct slice answer;
	size_t before = d->findings.len;

	if (client_call(d->cli, "status", SLICE_NONE, &answer) || control_text_get(answer, &m) ||
		json_parse(m.text, &arena, &all) || all->type != JSON_ARRAY) {
		doctor_say(d, FINDING_PROBLEM, "server", "the server's log says why",
			"it does not say how its processes are");
		return;
	}
	for (const struct json_value *p = all->first; p; p = p->next)
		check_process(d, p);
	if (d->findings.len == before)
		doctor_say(d, FINDING_OK, "server", NULL,
			"all processes are ready and in their sandboxes");
}

void
doctor_server(struct doctor *d)
{
	struct control_text version;
	struct slice answer;

	if (!client_try(d->cli)) {
		doctor_say(d, FINDING_PROBLEM, "server", "letterlock serve; or its log says why",
			"it does not answer on %s: %s", d->cli->config.control, strerror(errno));
		return;
	}
	if (client_call(d->cli, "ping", SLICE_NONE, &answer) ||
		control_text_get(answer, &version)) {
		doctor_say(d, FINDING_PROBLEM, "server", "its log says why", "%s", d->cli->error);
		return;
	}
	d->running = true;
	if (slice_eq(version.text, S(LETTERLOCK_VERSION)))
		doctor_say(d, FINDING_OK, "server", NULL, "version %s", LETTERLOCK_VERSION);
	else
		doctor_say(d, FINDING_WARNING, "server", "start the server again",
			"version %s runs, %s is installed", cli_safe(version.text),
			LETTERLOCK_VERSION);
	check_processes(d);
}

/* --- addresses --- */

/* Every domain that takes mail has a postmaster (RFC 5321 section 4.5.1). */
static int
check_postmaster(void *ctx, struct slice item)
{
	struct doctor *d = ctx;
	struct control_name m;
	struct control_text state;
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	char address[CONTROL_NAME_MAX + 16], advice[CONTROL_NAME_MAX + 64];
	struct slice answer;
	int r = control_name_get(item, &m);

	if (r)
		return r;
	snprintf(address, sizeof(address), "postmaster@%.*s", SLICE_ARG(m.name));
	snprintf(advice, sizeof(advice), "letterlock alias add %s SOMEBODY", address);
	r = control_name_put(&body, &(struct control_name){.name = slice_str(address)});
	if (r == LL_OK)
		r = client_call(d->cli, "recipient", buf_slice(&body), &answer);
	if (r == LL_OK)
		r = control_text_get(answer, &state);
	if (r == LL_OK && slice_eq(state.text, S("local")))
		doctor_say(d, FINDING_OK, "addresses", NULL, "somebody reads %s", address);
	else if (r == LL_OK)
		doctor_say(d, FINDING_WARNING, "addresses", advice,
			"nobody reads %s, where other servers report faults", address);
	return r;
}

void
doctor_addresses(struct doctor *d)
{
	if (d->running && client_each(d->cli, "domain-list", check_postmaster, d))
		doctor_say(d, FINDING_PROBLEM, "addresses", "", "%s", d->cli->error);
}

/* --- ports --- */

/* Where a listener of all addresses can be reached from here. */
static void
reachable(struct sockaddr_storage *a)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a;
	struct sockaddr_in *in = (struct sockaddr_in *)a;

	if (a->ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY))
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (a->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
}

static void
check_port(struct doctor *d, const struct config_listener *l)
{
	struct sockaddr_storage a = l->addr;
	CLEANUP(fd_close) int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = 5};

	reachable(&a);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, l->addr_len) == 0)
		doctor_say(d, FINDING_OK, "ports", NULL, "%s on %s", service_name(l->service),
			l->text);
	else
		doctor_say(d, FINDING_PROBLEM, "ports", "the server's log, or a firewall",
			"%s on %s: %s", service_name(l->service), l->text, strerror(errno));
}

void
doctor_ports(struct doctor *d)
{
	const struct config *c = &d->cli->config;

	if (c->n_listeners == 0)
		doctor_say(d, FINDING_PROBLEM, "ports", "a [listen] section", "none is configured");
	for (unsigned i = 0; d->running && i < c->n_listeners; i++)
		check_port(d, &c->listeners[i]);
}
