/* Messages that a role may send, with a content that is none of its business. */
#ifndef TESTS_SYSTEM_ATTACK_ABUSE_H
#define TESTS_SYSTEM_ATTACK_ABUSE_H

#include "attack.h"

struct attack_session {
	const uint8_t *ticket;
	const char *own, *victim; /* addresses */
	bool is_victim;
};

/* A frontend, to one peer. Sends and waits on the bare socket, before its loop runs. */
void attack_abuse_peer(enum role peer, int sock, const char *victim, attack_report *report);
/* A session that has just got its way to delivery; the victim's only sends a letter to be held. */
void attack_abuse_session(
	const struct attack_session *s, int delivery, int auth, attack_report *report);

#endif
