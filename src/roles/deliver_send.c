/* Messages on their way to delivery, from the frontend and from relay. */
#include "roles/deliver_send.h"
#include "base/error.h"
#include "base/text.h"
#include "os/memfile.h"

#include <sodium.h>

int
deliver_send_file(
	struct ipc_channel *delivery, struct msg_deliver *m, int fd, struct slice envelope)
{
	m->envelope_len = envelope.len;
	if (memfile_write(fd, envelope) || memfile_seal(fd))
		return LL_ERR_NOMEM;
	return ipc_send_deliver(delivery, m, fd);
}

static int
send_inline(struct ipc_channel *delivery, struct msg_deliver *m, struct slice envelope,
	struct slice body)
{
	CLEANUP(buf_done) struct buf payload = BUF_INIT(DELIVER_INLINE_MAX);
	int r;

	buf_put(&payload, envelope);
	r = buf_put(&payload, body);
	m->envelope_len = envelope.len;
	m->payload = buf_slice(&payload);
	return r ? r : ipc_send_deliver(delivery, m, -1);
}

int
deliver_send(struct ipc_channel *delivery, struct msg_deliver *m, struct slice envelope,
	struct slice body)
{
	CLEANUP(fd_close) int fd = -1;

	m->body_len = body.len;
	if (envelope.len + body.len <= DELIVER_INLINE_MAX)
		return send_inline(delivery, m, envelope, body);
	fd = memfile_new("message");
	if (fd < 0 || memfile_write(fd, body))
		return LL_ERR_NOMEM;
	return deliver_send_file(delivery, m, fd, envelope);
}

int
deliver_report_build(struct buf *out, struct report *rep)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(512), boundary = BUF_INIT(128);
	uint8_t random[16];
	int r;

	randombytes_buf(random, sizeof(random));
	r = build_message_id(&id, SLICE_OF(random), rep->reporting_host);
	randombytes_buf(random, sizeof(random));
	buf_puts(&boundary, "report-");
	if (r == LL_OK)
		r = hex_encode(&boundary, SLICE_OF(random));
	rep->message_id = buf_slice(&id);
	rep->boundary = buf_slice(&boundary);
	r = r ? r : build_report(out, rep);
	rep->message_id = rep->boundary = SLICE_NONE;
	return r;
}
