/* The session's way out: a channel to a delivery process that auth has bound to its account. */
#ifndef ROLES_SESSION_OUT_H
#define ROLES_SESSION_OUT_H

#include "faces/outbound.h"
#include "ipc/channel.h"

/* Auth gives the channel, and a new one when the delivery process behind it has gone. Takes over
 * fd. */
void session_out_open(const struct msg_session_out *m, int fd);
/* For the faces; there while the process lives, and fails with LL_ERR_CLOSED until a channel came.
 */
extern const struct outbound session_outbound;

#endif
