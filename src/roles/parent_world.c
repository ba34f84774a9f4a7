/* The parent's doors: the sockets that the frontends accept on, and the operator's socket, whose
 * connections go to auth unread. */
#include "base/error.h"
#include "base/log.h"
#include "roles/parent_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the operator's socket --- */

static void
on_control(void *ctx, unsigned events)
{
	CLEANUP(fd_close) int fd = accept4(ps.control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct child *auth = parent_child(ROLE_AUTH, 0);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (fd < 0 || !auth || !auth->channel ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	if (cred.uid != 0 && cred.uid != geteuid())
		return;
	(void)ipc_send_control_conn(auth->channel, &(struct msg_control_conn){.uid = cred.uid}, fd);
}

int
parent_bind_control(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(ps.config.control) >= sizeof(un.sun_path))
		return LL_ERR_LIMIT;
	memcpy(un.sun_path, ps.config.control, strlen(ps.config.control));
	unlink(un.sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return LL_ERR_IO;
	umask(0177);
	ps.control =
		bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 && listen(fd, 16) == 0 ? fd : -1;
	umask(0077);
	if (ps.control < 0) {
		log_error("control", "path=%s error=%s", log_quote(slice_str(un.sun_path)),
			log_quote(slice_str(strerror(errno))));
		close(fd);
		return LL_ERR_IO;
	}
	return loop_watch(ps.loop, &ps.control_watch, ps.control, LOOP_READ, on_control, NULL);
}

/* --- listeners --- */

static int
bind_listener(const struct config_listener *l)
{
	static const int on = 1;
	int fd = socket(l->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return LL_ERR_IO;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (l->addr.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&l->addr, l->addr_len) == 0 && listen(fd, 1024) == 0)
		return fd;
	log_error("listen", "service=%s address=%s error=%s", service_name(l->service), l->text,
		log_quote(slice_str(strerror(errno))));
	close(fd);
	return LL_ERR_IO;
}

int
parent_bind_listeners(void)
{
	for (unsigned i = 0; i < ps.config.n_listeners; i++)
		if ((ps.listeners[i] = bind_listener(&ps.config.listeners[i])) < 0)
			return LL_ERR_IO;
	return LL_OK;
}
