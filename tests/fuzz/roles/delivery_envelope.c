/* Any bytes as an envelope: what decodes stays inside them, and decodes the same when it is encoded
 * again. (A varint may be written longer than needed, so the bytes themselves may differ.) */
#include "roles/delivery_envelope.h"
#include "../must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct envelope_rcpt rcpts[ENVELOPE_RCPTS_MAX], rcpts_again[ENVELOPE_RCPTS_MAX];

static void
same(const struct delivery_envelope *a, const struct delivery_envelope *b)
{
	must(a->service == b->service && a->tls == b->tls && a->smtputf8 == b->smtputf8 &&
		a->eight_bit == b->eight_bit && a->body == b->body && a->ret == b->ret);
	must(memcmp(a->client_ip, b->client_ip, sizeof(a->client_ip)) == 0);
	must(memcmp(a->ticket, b->ticket, sizeof(a->ticket)) == 0);
	must(a->hold_until == b->hold_until &&
		memcmp(a->hold_id, b->hold_id, sizeof(a->hold_id)) == 0);
	must(slice_eq(a->helo, b->helo) && slice_eq(a->received, b->received));
	must(slice_eq(a->from, b->from) && slice_eq(a->envid, b->envid));
	must(a->n_rcpts == b->n_rcpts);
	for (uint32_t i = 0; i < a->n_rcpts; i++)
		must(slice_eq(a->rcpts[i].address, b->rcpts[i].address) &&
			slice_eq(a->rcpts[i].orcpt, b->rcpts[i].orcpt) &&
			a->rcpts[i].notify == b->rcpts[i].notify);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(ENVELOPE_MAX);
	struct delivery_envelope e = {.rcpts = rcpts}, again = {.rcpts = rcpts_again};

	if (size > ENVELOPE_MAX || delivery_envelope_decode(slice_new(data, size), &e))
		return 0;
	must(e.n_rcpts <= ENVELOPE_RCPTS_MAX);
	must(delivery_envelope_encode(&bytes, &e) == 0 && bytes.len <= size);
	must(delivery_envelope_decode(buf_slice(&bytes), &again) == 0);
	same(&e, &again);
	return 0;
}
