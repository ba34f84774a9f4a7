/* The IMAP connections of a session. */
#ifndef ROLES_SESSION_IMAP_H
#define ROLES_SESSION_IMAP_H

#include "faces/imap.h"

/* The account is open from now on. Copied; its wake is set here. */
void session_imap_start(const struct imap_env *env);
/* A connection that has been signed in, which answers the command with this tag. Takes over fd;
 * false: nothing came of it. */
bool session_imap_conn(struct slice tag, int fd);
/* Tells every client that the session ends, and why. */
void session_imap_bye(const char *why);
/* Whether there are any; whether one waits for news. */
bool session_imap_conns(void);
bool session_imap_idling(void);
/* Frees those that are over; true when the last one went. At the end of each round of the loop. */
bool session_imap_bury(void);

#endif
