/* The envelope as bytes. */
#include "roles/delivery_envelope.h"
#include "base/error.h"

#include <string.h>

#define FLAG_TLS 1
#define FLAG_SMTPUTF8 2
#define FLAG_EIGHT_BIT 4
#define LANGUAGE_SHIFT 3
#define FLAGS_MAX ((LANGUAGES << LANGUAGE_SHIFT) - 1)

int
delivery_envelope_encode(struct buf *out, const struct delivery_envelope *e)
{
	unsigned flags = (e->tls ? FLAG_TLS : 0u) | (e->smtputf8 ? FLAG_SMTPUTF8 : 0u) |
		(e->eight_bit ? FLAG_EIGHT_BIT : 0u) | (unsigned)e->language << LANGUAGE_SHIFT;

	buf_putc(out, (uint8_t)e->service);
	buf_put(out, slice_new(e->client_ip, sizeof(e->client_ip)));
	buf_putc(out, (uint8_t)flags);
	buf_putc(out, (uint8_t)e->body);
	buf_putc(out, (uint8_t)e->ret);
	buf_put(out, slice_new(e->ticket, sizeof(e->ticket)));
	buf_put_varint(out, (uint64_t)e->hold_until);
	buf_put(out, SLICE_OF(e->hold_id));
	buf_put_blob(out, e->helo);
	buf_put_blob(out, e->received);
	buf_put_blob(out, e->from);
	buf_put_blob(out, e->envid);
	buf_put_varint(out, e->n_rcpts);
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		buf_put_blob(out, e->rcpts[i].address);
		buf_put_blob(out, e->rcpts[i].orcpt);
		buf_putc(out, (uint8_t)e->rcpts[i].notify);
	}
	return buf_err(out);
}

int
delivery_envelope_decode(struct slice in, struct delivery_envelope *ret)
{
	struct reader r = reader_new(in);
	struct delivery_envelope e = {.rcpts = ret->rcpts};
	uint64_t n, hold;
	unsigned flags;

	e.service = (enum service)reader_u8(&r);
	reader_copy(&r, e.client_ip, sizeof(e.client_ip));
	flags = reader_u8(&r);
	e.tls = flags & FLAG_TLS;
	e.smtputf8 = flags & FLAG_SMTPUTF8;
	e.eight_bit = flags & FLAG_EIGHT_BIT;
	e.language = (enum language)(flags >> LANGUAGE_SHIFT);
	e.body = (enum smtp_body)reader_u8(&r);
	e.ret = (enum smtp_ret)reader_u8(&r);
	reader_copy(&r, e.ticket, sizeof(e.ticket));
	hold = reader_varint(&r);
	reader_copy(&r, e.hold_id, sizeof(e.hold_id));
	e.helo = reader_blob(&r);
	e.received = reader_blob(&r);
	e.from = reader_blob(&r);
	e.envid = reader_blob(&r);
	n = reader_varint(&r);
	if (n > ENVELOPE_RCPTS_MAX)
		return LL_ERR_LIMIT;
	for (e.n_rcpts = 0; e.n_rcpts < n && !r.err; e.n_rcpts++) {
		struct envelope_rcpt *rc = &e.rcpts[e.n_rcpts];
		rc->address = reader_blob(&r);
		rc->orcpt = reader_blob(&r);
		rc->notify = reader_u8(&r);
	}
	if (reader_end(&r) || e.service >= SERVICES || flags > FLAGS_MAX ||
		e.body > SMTP_BODY_BINARYMIME || e.ret > SMTP_RET_HDRS || hold > INT64_MAX)
		return LL_ERR_SYNTAX;
	e.hold_until = (int64_t)hold;
	*ret = e;
	return LL_OK;
}
