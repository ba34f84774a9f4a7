/* The session's questions to auth (session_set_vacation and alike, of roles/session.h). */
#ifndef ROLES_SESSION_ASK_H
#define ROLES_SESSION_ASK_H

#include "ipc/channel.h"
#include "os/loop.h"

struct session_ask_env {
	struct ipc_channel *auth;
	struct loop *loop;
	/* Begins a connection that was put off. */
	void (*conn)(const struct msg_session_conn *m, int fd);
};

/* Once, before anything is asked. */
void session_ask_start(const struct session_ask_env *env);
/* While an answer is waited for no connection is begun: it is deferred, which takes over fd. */
bool session_ask_waits(void);
void session_ask_defer(const struct msg_session_conn *m, int fd);
/* Auth's answer; err: an error code without its sign. One that nobody waits for is passed over. */
void session_ask_answered(uint64_t id, uint8_t err);
/* The answer to session_own_addresses. */
void session_ask_owned(const struct msg_session_owned *m);

#endif
