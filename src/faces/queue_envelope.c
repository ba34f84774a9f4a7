/* The record of a queued message. Varints and counted strings, one version octet; enumerations and
 * flags are checked on the way in and out, so that a record either is one of ours or is refused
 * whole. */
#include "faces/queue_envelope.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include <string.h>

#define VERSION 1
#define ADDRESS_MAX SMTP_PATH_MAX
#define REMOTE_MAX ((size_t)255)

#define FLAG_EIGHT_BIT 1u
#define FLAG_BINARY 2u
#define FLAG_SMTPUTF8 4u
#define FLAG_HEADER_UTF8 8u
#define FLAG_REQUIRE_TLS 16u
#define FLAG_AUTHENTICATED 32u
#define FLAG_HELD 64u
#define LANGUAGE_SHIFT 7
#define FLAGS_MAX ((LANGUAGES << LANGUAGE_SHIFT) - 1u)

#define RCPT_DSN_PASSED 1u
/* The least octets of an encoded recipient: no count makes us allocate for nothing. */
#define RCPT_LEAST 13u

#define NOTIFY_KNOWN                                                                               \
	(SMTP_NOTIFY_NEVER | SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY)
#define TOLD_KNOWN (QUEUE_TOLD_DELAY | QUEUE_TOLD_END)

/* ---- What an envelope may be ---- */

static bool
good_text(struct slice s, size_t max)
{
	return s.len <= max && !has_controls(s);
}

static bool
good_rcpt(const struct queue_rcpt *r)
{
	if (!r->address.len || !good_text(r->address, ADDRESS_MAX) ||
		!good_text(r->orcpt, SMTP_ORCPT_MAX) || !good_text(r->text, QUEUE_TEXT_MAX) ||
		!good_text(r->remote, REMOTE_MAX))
		return false;
	if (r->notify & ~NOTIFY_KNOWN ||
		(r->notify & SMTP_NOTIFY_NEVER && r->notify != SMTP_NOTIFY_NEVER))
		return false;
	if ((unsigned)r->state >= QUEUE_STATES || r->told & ~TOLD_KNOWN || r->code > 599)
		return false;
	return r->enhanced[0] <= 5 && r->enhanced[1] <= 999 && r->enhanced[2] <= 999;
}

static bool
good_envelope(const struct queue_envelope *e)
{
	if (!good_text(e->sender, ADDRESS_MAX) || !good_text(e->envid, SMTP_ENVID_MAX))
		return false;
	if ((unsigned)e->ret > SMTP_RET_HDRS || e->arrived < 0 || e->next_attempt < 0 ||
		e->last_attempt < 0)
		return false;
	if ((unsigned)e->language >= LANGUAGES)
		return false;
	return e->rcpt_count >= 1 && e->rcpt_count <= QUEUE_RCPTS_MAX;
}

/* ---- Out ---- */

static unsigned
flags_of(const struct queue_envelope *e)
{
	return (e->eight_bit ? FLAG_EIGHT_BIT : 0) | (e->binary ? FLAG_BINARY : 0) |
		(e->smtputf8 ? FLAG_SMTPUTF8 : 0) | (e->header_utf8 ? FLAG_HEADER_UTF8 : 0) |
		(e->require_tls ? FLAG_REQUIRE_TLS : 0) |
		(e->authenticated ? FLAG_AUTHENTICATED : 0) | (e->held ? FLAG_HELD : 0) |
		(unsigned)e->language << LANGUAGE_SHIFT;
}

static void
encode_rcpt(const struct queue_rcpt *r, struct buf *out)
{
	buf_put_blob(out, r->address);
	buf_put_blob(out, r->orcpt);
	buf_putc(out, (uint8_t)r->notify);
	buf_putc(out, (uint8_t)r->state);
	buf_putc(out, (uint8_t)r->told);
	buf_putc(out, r->dsn_passed ? RCPT_DSN_PASSED : 0);
	buf_put_varint(out, r->code);
	for (size_t i = 0; i < 3; i++)
		buf_put_varint(out, r->enhanced[i]);
	buf_put_blob(out, r->text);
	buf_put_blob(out, r->remote);
}

int
queue_encode(const struct queue_envelope *e, struct buf *out)
{
	if (!good_envelope(e))
		return e->rcpt_count > QUEUE_RCPTS_MAX ? LL_ERR_LIMIT : LL_ERR_RANGE;
	for (uint32_t i = 0; i < e->rcpt_count; i++)
		if (!good_rcpt(&e->rcpts[i]))
			return LL_ERR_RANGE;
	buf_putc(out, VERSION);
	buf_put_varint(out, flags_of(e));
	buf_putc(out, (uint8_t)e->ret);
	buf_put_blob(out, e->sender);
	buf_put_blob(out, e->envid);
	buf_put_varint(out, (uint64_t)e->arrived);
	buf_put_varint(out, (uint64_t)e->next_attempt);
	buf_put_varint(out, (uint64_t)e->last_attempt);
	buf_put_varint(out, e->tries);
	buf_put_varint(out, e->size);
	buf_put(out, SLICE_OF(e->blob));
	buf_put(out, SLICE_OF(e->key));
	if (e->held) {
		buf_put(out, SLICE_OF(e->held_account));
		buf_put(out, SLICE_OF(e->held_id));
	}
	buf_put_varint(out, e->rcpt_count);
	for (uint32_t i = 0; i < e->rcpt_count; i++)
		encode_rcpt(&e->rcpts[i], out);
	return out->err;
}

/* ---- In ---- */

/* A varint that must fit below max; else the reader's error. */
static uint64_t
take(struct reader *r, uint64_t max)
{
	uint64_t v = reader_varint(r);

	if (v <= max)
		return v;
	r->err = LL_ERR_SYNTAX;
	return 0;
}

static void
take_octets(struct reader *r, uint8_t *to, size_t n)
{
	struct slice s = reader_bytes(r, n);

	if (s.len == n)
		memcpy(to, s.ptr, n);
}

static void
decode_flags(struct reader *r, struct queue_envelope *e)
{
	unsigned flags = (unsigned)take(r, FLAGS_MAX);

	e->eight_bit = flags & FLAG_EIGHT_BIT;
	e->binary = flags & FLAG_BINARY;
	e->smtputf8 = flags & FLAG_SMTPUTF8;
	e->header_utf8 = flags & FLAG_HEADER_UTF8;
	e->require_tls = flags & FLAG_REQUIRE_TLS;
	e->authenticated = flags & FLAG_AUTHENTICATED;
	e->held = flags & FLAG_HELD;
	e->language = (enum language)(flags >> LANGUAGE_SHIFT);
}

static bool
decode_rcpt(struct reader *r, struct queue_rcpt *rcpt)
{
	uint8_t flags;

	rcpt->address = reader_blob(r);
	rcpt->orcpt = reader_blob(r);
	rcpt->notify = reader_u8(r);
	rcpt->state = (enum queue_state)reader_u8(r);
	rcpt->told = reader_u8(r);
	flags = reader_u8(r);
	rcpt->dsn_passed = flags & RCPT_DSN_PASSED;
	rcpt->code = (uint16_t)take(r, UINT16_MAX);
	for (size_t i = 0; i < 3; i++)
		rcpt->enhanced[i] = (uint16_t)take(r, UINT16_MAX);
	rcpt->text = reader_blob(r);
	rcpt->remote = reader_blob(r);
	return !r->err && !(flags & ~RCPT_DSN_PASSED) && good_rcpt(rcpt);
}

static void
decode_head(struct reader *r, struct queue_envelope *e)
{
	decode_flags(r, e);
	e->ret = (enum smtp_ret)reader_u8(r);
	e->sender = reader_blob(r);
	e->envid = reader_blob(r);
	e->arrived = (int64_t)take(r, INT64_MAX);
	e->next_attempt = (int64_t)take(r, INT64_MAX);
	e->last_attempt = (int64_t)take(r, INT64_MAX);
	e->tries = (uint32_t)take(r, UINT32_MAX);
	e->size = reader_varint(r);
	take_octets(r, e->blob, sizeof(e->blob));
	take_octets(r, e->key, sizeof(e->key));
	if (e->held) {
		take_octets(r, e->held_account, sizeof(e->held_account));
		take_octets(r, e->held_id, sizeof(e->held_id));
	}
	e->rcpt_count = (uint32_t)take(r, MIN((uint64_t)QUEUE_RCPTS_MAX, r->rest.len / RCPT_LEAST));
}

static int
decode_all(struct reader *r, struct arena *arena, struct queue_envelope *e)
{
	if (reader_u8(r) != VERSION)
		return LL_ERR_CORRUPT;
	decode_head(r, e);
	if (r->err || !good_envelope(e))
		return LL_ERR_CORRUPT;
	e->rcpts = ARENA_ARRAY(arena, struct queue_rcpt, e->rcpt_count);
	if (!e->rcpts)
		return LL_ERR_NOMEM;
	for (uint32_t i = 0; i < e->rcpt_count; i++)
		if (!decode_rcpt(r, &e->rcpts[i]))
			return LL_ERR_CORRUPT;
	return reader_end(r) ? LL_ERR_CORRUPT : LL_OK;
}

int
queue_decode(struct slice record, struct arena *arena, struct queue_envelope *ret)
{
	struct queue_envelope e = {.tries = 0};
	struct reader r = reader_new(record);
	int err = record.len > QUEUE_RECORD_MAX ? LL_ERR_CORRUPT : decode_all(&r, arena, &e);

	if (!err)
		*ret = e;
	queue_wipe(&e);
	return err;
}

void
queue_wipe(struct queue_envelope *e)
{
	secret_wipe(e->key, sizeof(e->key));
}

/* ---- From a transaction ---- */

int
queue_from_smtp(const struct smtp_envelope *from, bool authenticated, int64_t now,
	struct arena *arena, struct queue_envelope *ret)
{
	struct queue_envelope e = {
		.sender = from->from.text,
		.envid = from->envid,
		.ret = from->ret,
		.eight_bit = from->eight_bit,
		.binary = from->body == SMTP_BODY_BINARYMIME,
		.smtputf8 = from->smtputf8,
		.authenticated = authenticated,
		.arrived = now,
		.next_attempt = now,
		.size = from->size,
	};

	if (!from->rcpt_accepted)
		return LL_ERR_RANGE;
	e.rcpts = ARENA_ARRAY(arena, struct queue_rcpt, from->rcpt_accepted);
	if (!e.rcpts)
		return LL_ERR_NOMEM;
	for (uint32_t i = 0; i < from->rcpt_count && e.rcpt_count < from->rcpt_accepted; i++)
		if (from->rcpts[i].accepted)
			e.rcpts[e.rcpt_count++] =
				(struct queue_rcpt){.address = from->rcpts[i].path.text,
					.orcpt = from->rcpts[i].orcpt,
					.notify = from->rcpts[i].notify};
	*ret = e;
	return LL_OK;
}
