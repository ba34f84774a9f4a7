/* The skeleton of every process but the parent: it is set up over one socket by the parent, then
 * locks itself in, then serves.
 *
 * A role file holds its message table, its rights and its state; the work lives in the layers
 * below. */
#ifndef ROLES_ROLE_H
#define ROLES_ROLE_H

#include "ipc/channel.h"
#include "os/config.h"
#include "os/loop.h"
#include "os/roles.h"
#include "os/sandbox.h"

#define ROLE_PEERS_MAX 64 /* of one kind */
#define ROLE_SERVERS_MAX 64 /* frontends, or deliveries */
#define ROLE_SECRETS_MAX 16 /* handed over by the parent */
#define ROLE_FILES_MAX 2
#define ROLE_LISTENERS_MAX CONFIG_LISTENERS_MAX

struct role_listener {
	enum service service;
	uint16_t port;
	int fd;
};

struct role_secret {
	char name[64];
	void *bytes; /* secret memory of `size`; the first `len` are the value */
	size_t len, size;
};

/* What is handed over and is no secret: certificates, for one. */
struct role_data {
	char name[64];
	struct buf value;
};

/* A file that is handed over, mapped. */
struct role_file {
	char name[64];
	const uint8_t *ptr;
	size_t len;
};

struct role_def;

struct role_env {
	const struct role_def *def;
	struct loop *loop;
	struct config config;
	struct ipc_channel *parent;
	struct ipc_channel *peers[ROLES][ROLE_PEERS_MAX]; /* NULL where none is there now */
	uint32_t links[ROLES][ROLE_PEERS_MAX]; /* the parent's numbers of these */
	struct role_secret secrets[ROLE_SECRETS_MAX];
	unsigned n_secrets;
	struct role_data data[ROLE_SECRETS_MAX];
	unsigned n_data;
	struct role_file files[ROLE_FILES_MAX]; /* frontends have two, auth has one */
	unsigned n_files;
	struct role_listener listeners[ROLE_LISTENERS_MAX];
	unsigned n_listeners;
	bool started;
};

/* One message a role takes: from whom is checked by the channel already (ipc/pairs.h). */
struct role_message {
	enum msg_kind kind;
	void (*handle)(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd);
};

struct role_def {
	enum role role;
	/* Fills in what depends on the configuration (paths, ports); the strings must stay. */
	void (*profile)(const struct role_env *env, struct sandbox_profile *ret);
	/* Before the sandbox: loads what it needs from the outside. Peers are connected. LL_OK or
	 * fatal. */
	int (*start)(struct role_env *env);
	/* Inside the sandbox, before the first message. May be NULL. */
	int (*begin)(struct role_env *env);
	/* A peer came (again) after the start, or is gone: then it is no longer in env->peers. May
	 * be NULL. */
	void (*peer)(struct role_env *env, enum role role, unsigned index, struct ipc_channel *c,
		bool gone);
	/* `name=value` counters for status, one per line. May be NULL. */
	void (*counters)(struct role_env *env, struct buf *out);
	/* Before leaving in good order. May be NULL. */
	void (*stop)(struct role_env *env);
	const struct role_message *messages;
	size_t n_messages;
};

/* Runs a role until the parent stops it; the process's exit status. */
int role_main(const struct role_def *def);

/* The value handed over under that name, or the empty slice. Stays until role_forget. */
struct slice role_secret(const struct role_env *env, const char *name);
struct slice role_data(const struct role_env *env, const char *name);
struct slice role_file(const struct role_env *env, const char *name);
/* Wipes all secrets that were handed over. */
void role_forget(struct role_env *env);

/* A peer of that kind, another one for each `turn` as far as there are several; NULL when none is
 * there. */
struct ipc_channel *role_peer(struct role_env *env, enum role role, unsigned turn);

extern const struct role_def role_store, role_tlskey, role_lookup, role_session, role_auth,
	role_relay, role_delivery, role_frontend;

#endif
