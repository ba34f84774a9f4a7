/* Handing a message to delivery: in one packet when it is small, else in a memory file that is
 * sealed against change, so that delivery can rely on its size. */
#ifndef ROLES_DELIVER_SEND_H
#define ROLES_DELIVER_SEND_H

#include "ipc/channel.h"
#include "mail/build.h"

#define DELIVER_INLINE_MAX ((size_t)96 << 10) /* envelope and body together */

/* Sends a file that holds the body: the envelope goes behind it, the file is sealed. m has id and
 * body_len. The caller keeps fd. LL_ERR_NOMEM, errors of the channel. */
int deliver_send_file(
	struct ipc_channel *delivery, struct msg_deliver *m, int fd, struct slice envelope) CHECKED;
/* Sends envelope and body in whichever way fits; m has the id. */
int deliver_send(struct ipc_channel *delivery, struct msg_deliver *m, struct slice envelope,
	struct slice body) CHECKED;

/* Writes a report under a fresh Message-ID and boundary. Errors of build_report. */
int deliver_report_build(struct buf *out, struct report *rep) CHECKED;

#endif
