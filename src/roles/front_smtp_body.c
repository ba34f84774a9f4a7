/* A message that comes by SMTP: kept while it comes, small ones in memory, large ones in a memory
 * file, and handed to delivery with its envelope. */
#include "base/error.h"
#include "base/text.h"
#include "faces/smtp_received.h"
#include "os/clock.h"
#include "os/memfile.h"
#include "roles/deliver_send.h"
#include "roles/delivery_envelope.h"
#include "roles/front_smtp.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MEMORY_MAX ((size_t)64 << 10)

void
front_smtp_begin(struct smtp_state *s)
{
	s->file = -1;
	s->body = BUF_INIT(BODY_MEMORY_MAX);
}

void
front_smtp_forget(struct smtp_state *s)
{
	front_bodies -= s->body_len;
	s->body_len = 0;
	s->body_failed = false;
	buf_done(&s->body);
	fd_close(&s->file);
}

static bool
spill(struct smtp_state *s)
{
	s->file = memfile_new("message");
	if (s->file < 0 || memfile_write(s->file, buf_slice(&s->body)))
		return false;
	buf_done(&s->body);
	return true;
}

void
front_smtp_add(struct smtp_state *s, struct slice data)
{
	s->body_len += data.len;
	front_bodies += data.len;
	if (s->body_failed)
		return;
	if (s->file < 0 && s->body.len + data.len > BODY_MEMORY_MAX && !spill(s))
		s->body_failed = true;
	if (s->file >= 0)
		s->body_failed = s->body_failed || memfile_write(s->file, data);
	else
		s->body_failed = s->body_failed || buf_put(&s->body, data);
	if (front_bodies > FRONT_BODIES_MAX)
		s->body_failed = true;
}

static void
received_field(
	struct front_conn *c, struct smtp_state *s, const struct smtp_envelope *e, struct buf *out)
{
	SSL *ssl = stream_tls(c->stream);
	uint8_t random[9];
	char ip[46], id[32] = "";
	CLEANUP(buf_done) struct buf text = BUF_INIT(sizeof(id));
	struct smtp_received r = {
		.service = s->config.service,
		.esmtp = smtp_server_is_esmtp(s->server),
		.tls = ssl != NULL,
		.authenticated = smtp_server_is_authenticated(s->server),
		.smtputf8 = e->smtputf8,
		.helo = smtp_server_helo(s->server),
		.client_ip = slice_str(front_ip_text(c, ip)),
		.hostname = slice_str(c->env->config.hostname),
		.time = clock_unix(),
	};

	randombytes_buf(random, sizeof(random));
	(void)base64url_encode(&text, SLICE_OF(random));
	r.id = buf_slice(&text);
	if (ssl) {
		r.tls_version = slice_str(SSL_get_version(ssl));
		r.tls_cipher = slice_str(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
	}
	for (uint32_t i = 0; e->rcpt_accepted == 1 && i < e->rcpt_count; i++)
		if (e->rcpts[i].accepted)
			r.rcpt = e->rcpts[i].path.text;
	(void)smtp_received_put(out, &r);
}

static int
encode_envelope(
	struct front_conn *c, struct smtp_state *s, const struct smtp_envelope *e, struct buf *out)
{
	CLEANUP(buf_done) struct buf received = BUF_INIT(4096);
	struct delivery_envelope d = {
		.service = c->service,
		.tls = stream_tls(c->stream) != NULL,
		.smtputf8 = e->smtputf8,
		.eight_bit = e->eight_bit,
		.body = e->body,
		.ret = e->ret,
		.helo = smtp_server_helo(s->server),
		.from = e->from.text,
		.envid = e->envid,
	};
	int r;

	received_field(c, s, e, &received);
	d.received = buf_slice(&received);
	memcpy(d.client_ip, c->ip, sizeof(d.client_ip));
	memcpy(d.ticket, c->ticket, sizeof(d.ticket));
	d.rcpts = calloc(MAX(e->rcpt_count, 1u), sizeof(*d.rcpts));
	for (uint32_t i = 0; d.rcpts && i < e->rcpt_count; i++)
		if (e->rcpts[i].accepted)
			d.rcpts[d.n_rcpts++] = (struct envelope_rcpt){
				e->rcpts[i].path.text, e->rcpts[i].orcpt, e->rcpts[i].notify};
	r = d.rcpts ? delivery_envelope_encode(out, &d) : LL_ERR_NOMEM;
	free(d.rcpts);
	return r;
}

int
front_smtp_deliver(struct front_conn *c, struct smtp_state *s, const struct smtp_envelope *e)
{
	CLEANUP(buf_done) struct buf envelope = BUF_INIT(ENVELOPE_MAX);
	struct ipc_channel *delivery = role_peer(c->env, ROLE_DELIVERY, (unsigned)c->id);
	struct msg_deliver m = {.id = c->id, .body_len = s->body_len};
	int r = encode_envelope(c, s, e, &envelope);

	if (r || !delivery || s->body_failed)
		return r ? r : LL_ERR_AGAIN;
	s->delivery = delivery;
	if (s->file >= 0)
		return deliver_send_file(delivery, &m, s->file, buf_slice(&envelope));
	return deliver_send(delivery, &m, buf_slice(&envelope), buf_slice(&s->body));
}
