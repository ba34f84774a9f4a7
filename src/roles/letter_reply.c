/* What becomes of letters under a password by themselves: replies go to delivery as messages to
 * their author's mailbox, until it has taken them; what is over is deleted. Everything that is to
 * be done stands in the directory, so that a restart loses none of it. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "faces/smtp_param.h"
#include "mail/build.h"
#include "os/clock.h"
#include "os/memfile.h"
#include "roles/deliver_send.h"
#include "roles/delivery_envelope.h"
#include "roles/letter.h"
#include "roles/web.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_MS 5000
#define SWEEP_LETTERS 100u
#define RETRY_MS 60000 /* replies that delivery has not taken */
#define PATIENCE_MS 600000 /* with a delivery that says nothing */
#define HEAD_MAX ((size_t)8 << 10)
#define ID_BIT ((uint64_t)1 << 63) /* in the ids of messages that are replies */

struct sent {
	uint8_t id[WEB_ID];
	uint16_t reply;
	int64_t until; /* clock_ms */
};

static struct {
	struct map *sent; /* id of the message -> struct sent */
	uint64_t next;
	struct loop_timer timer;
	int64_t tried; /* clock_ms */
} rp;

static struct web_place
place(void)
{
	return (struct web_place){auth.store, auth.keys};
}

/* --- the message --- */

/* The same however often it is sent. */
static int
put_message_id(const struct letter *l, uint16_t reply, struct buf *out)
{
	uint8_t name[WEB_ID + 2], hash[32];

	memcpy(name, l->id, WEB_ID);
	name[WEB_ID] = (uint8_t)(reply >> 8);
	name[WEB_ID + 1] = (uint8_t)reply;
	directory_name(auth.keys, "letter-reply", SLICE_OF(name), hash);
	return build_message_id(out, slice_new(hash, 16), slice_str(auth.env->config.hostname));
}

static int
put_head(const struct letter *l, uint16_t reply, const char *to, struct buf *out)
{
	CLEANUP(buf_done) struct buf from = BUF_INIT(512), id = BUF_INIT(512), who = BUF_INIT(512);
	struct slice local = l->to[0] ? slice_str(l->to) : S("Reply");

	buf_printf(&from, "postmaster@%s", auth.env->config.hostname);
	/* An address as a name would look as if somebody pretended to be its owner. */
	buf_put(&who, slice_split(&local, '@'));
	buf_puts(&who, " (protected letter)");
	if (put_message_id(l, reply, &id))
		return LL_ERR_LIMIT;
	build_field_address(out, "From", buf_slice(&who), buf_slice(&from));
	build_field_address(out, "To", SLICE_NONE, slice_str(to));
	if (l->to[0])
		build_field_address(out, "Reply-To", SLICE_NONE, slice_str(l->to));
	/* As any encrypted message has it (RFC 9788), so that it joins its conversation. */
	build_field_text(out, "Subject", S("[...]"));
	build_field_date(out, "Date", clock_unix());
	build_field(out, "Message-ID", buf_slice(&id));
	if (l->message_id[0]) {
		build_field(out, "In-Reply-To", slice_str(l->message_id));
		build_field(out, "References", slice_str(l->message_id));
	}
	return buf_puts(out,
		"X-Letterlock-Letter: reply\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n"
		" boundary=\"letter-reply\"\r\n\r\n"
		"--letter-reply\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: "
		"1\r\n\r\n"
		"--letter-reply\r\nContent-Type: application/octet-stream; "
		"name=\"encrypted.asc\"\r\n"
		"Content-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n"
		"-----BEGIN PGP MESSAGE-----\r\n\r\n");
}

static int
write_counted(int fd, const struct buf *b, uint64_t *len)
{
	int r = buf_err(b);

	if (r == LL_OK)
		r = memfile_write(fd, buf_slice(b));
	*len += b->len;
	return r;
}

static int
write_pieces(
	const struct web_place *p, const struct letter *l, uint16_t reply, int fd, uint64_t *len)
{
	CLEANUP(buf_done)
	struct buf piece = BUF_INIT(WEB_PIECE_LEN), lines = BUF_INIT(2 * WEB_PIECE_LEN);
	int r = LL_OK;

	for (uint32_t n = 0; r == LL_OK; n++) {
		struct letter_piece at = {LETTER_PIECE_REPLY, reply, n};
		buf_reset(&piece);
		buf_reset(&lines);
		r = letter_piece_get(p, l->id, at, &piece);
		if (r == LL_ERR_NOTFOUND && n)
			return LL_OK; /* that was all */
		if (r == LL_OK)
			r = letter_armor(buf_slice(&piece), &lines);
		if (r == LL_OK)
			r = write_counted(fd, &lines, len);
	}
	return r;
}

static int
write_message(const struct web_place *p, const struct letter *l, uint16_t reply, const char *to,
	int fd, uint64_t *len)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(HEAD_MAX);
	int r = put_head(l, reply, to, &text);

	if (r == LL_OK)
		r = write_counted(fd, &text, len);
	if (r == LL_OK)
		r = write_pieces(p, l, reply, fd, len);
	buf_reset(&text);
	buf_puts(&text, "-----END PGP MESSAGE-----\r\n\r\n--letter-reply--\r\n");
	return r ? r : write_counted(fd, &text, len);
}

static int
hand_over(const char *to, uint64_t number, int fd, uint64_t len)
{
	CLEANUP(buf_done) struct buf envelope = BUF_INIT(IPC_PAYLOAD_MAX);
	struct ipc_channel *delivery = role_peer(auth.env, ROLE_DELIVERY, 0);
	struct envelope_rcpt rcpt = {.address = slice_str(to), .notify = SMTP_NOTIFY_NEVER};
	struct delivery_envelope env = {.service = SERVICE_INTERNAL,
		.n_rcpts = 1,
		.rcpts = &rcpt,
		.smtputf8 = !is_ascii(slice_str(to))};
	struct msg_deliver m = {.id = number, .body_len = len};
	int r = delivery ? delivery_envelope_encode(&envelope, &env) : LL_ERR_CLOSED;

	return r ? r : deliver_send_file(delivery, &m, fd, buf_slice(&envelope));
}

/* --- on their way --- */

static bool
is_sent(const uint8_t id[WEB_ID], uint16_t reply)
{
	size_t pos = 0;
	void *value;

	while (rp.sent && map_next(rp.sent, &pos, NULL, &value)) {
		const struct sent *s = value;
		if (s->reply == reply && memcmp(s->id, id, WEB_ID) == 0)
			return s->until > clock_ms();
	}
	return false;
}

static int
remember(const uint8_t id[WEB_ID], uint16_t reply, uint64_t number)
{
	struct sent *s = calloc(1, sizeof(*s));

	if (!rp.sent)
		rp.sent = map_new();
	if (s) {
		*s = (struct sent){.reply = reply, .until = clock_ms() + PATIENCE_MS};
		memcpy(s->id, id, WEB_ID);
	}
	if (s && rp.sent && map_set(rp.sent, slice_new(&number, sizeof(number)), s, NULL) == LL_OK)
		return LL_OK;
	free(s);
	return LL_ERR_NOMEM;
}

static int
deliver(const uint8_t id[WEB_ID], uint16_t reply)
{
	const struct web_place p = place();
	CLEANUP(fd_close) int fd = memfile_new("reply");
	struct directory_account owner;
	uint64_t number = ++rp.next | ID_BIT, len = 0;
	struct letter l;
	int r = fd < 0 ? LL_ERR_NOMEM : letter_load(&p, id, &l);

	if (r == LL_OK)
		r = directory_account(auth.directory, l.account, &owner);
	if (r == LL_OK)
		r = write_message(&p, &l, reply, owner.address, fd, &len);
	if (r == LL_OK)
		r = remember(id, reply, number);
	if (r == LL_OK && (r = hand_over(owner.address, number, fd, len)) != LL_OK)
		free(map_del(rp.sent, slice_new(&number, sizeof(number))));
	return r;
}

void
letter_reply_deliver(const uint8_t id[WEB_ID], uint16_t reply)
{
	int r = is_sent(id, reply) ? LL_OK : deliver(id, reply);

	if (r)
		log_warn("letter-reply", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

bool
letter_reply_result(uint64_t number, unsigned code)
{
	const struct web_place p = place();
	struct sent *s;
	int r = LL_OK;

	if (!(number & ID_BIT))
		return false;
	s = rp.sent ? map_del(rp.sent, slice_new(&number, sizeof(number))) : NULL;
	if (s && code == 250) {
		r = letter_reply_done(&p, s->id, s->reply);
		if (r == LL_OK)
			r = letter_reply_delete(&p, s->id, s->reply);
	}
	if (code != 250 || r)
		log_warn("letter-reply", "code=%u error=%s", code,
			log_quote(slice_str(ll_strerror(r))));
	free(s);
	return true;
}

/* Another delivery process knows nothing of what the last one was given. */
void
letter_reply_lost(void)
{
	map_free(TAKE(rp.sent), free);
	rp.tried = 0;
}

/* --- what is due --- */

static int
on_waiting(void *ctx, const uint8_t id[WEB_ID], uint16_t reply)
{
	letter_reply_deliver(id, reply);
	return LL_OK;
}

static int
count(void *ctx, const uint8_t id[WEB_ID], uint16_t reply)
{
	++*(unsigned *)ctx;
	return LL_OK;
}

/* Replies that were accepted are not lost with their letter: then its text alone goes now, and the
 * rest when it is forgotten. */
int
letter_erase(const struct web_place *p, const uint8_t id[WEB_ID])
{
	unsigned waiting = 0;
	int r = letter_replies(p, id, count, &waiting);

	if (r)
		return r;
	return waiting ? letter_parts_delete(p, id) : letter_drop(p, id);
}

static int
forget(const struct web_place *p, const struct letter *l)
{
	for (uint16_t i = 1; i <= l->replies; i++) {
		int r = letter_reply_done(p, l->id, i);
		if (r)
			return r;
	}
	return letter_delete(p, l);
}

static int
look_at(const struct web_place *p, const uint8_t id[WEB_ID])
{
	struct letter l;
	int r = letter_load(p, id, &l);

	if (r)
		return r;
	if (l.state == WEB_LETTER_OPEN)
		return letter_end(p, &l, WEB_LETTER_EXPIRED);
	r = letter_drop(p, id);
	return r ? r : forget(p, &l);
}

static void
sweep(void)
{
	const struct web_place p = place();
	uint8_t ids[SWEEP_LETTERS][WEB_ID];
	size_t n = 0;
	int r = letter_due_now(&p, clock_unix(), SWEEP_LETTERS, ids, &n);

	for (size_t i = 0; i < n && r == LL_OK; i++)
		r = look_at(&p, ids[i]);
	if (r == LL_OK && (!rp.tried || clock_ms() - rp.tried >= RETRY_MS)) {
		rp.tried = clock_ms();
		r = letter_replies(&p, NULL, on_waiting, NULL);
	}
	if (r && r != LL_ERR_CLOSED)
		log_warn("letter-sweep", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

static void
on_sweep(void *ctx)
{
	if (auth.store)
		sweep();
	letters_begin();
}

void
letters_begin(void)
{
	if (loop_timer_set(auth.env->loop, &rp.timer, SWEEP_MS, on_sweep, NULL))
		log_error("letter-sweep", "error=%s", "no-timer");
}

/* --- the account goes --- */

struct owned {
	size_t n;
	uint8_t ids[LETTERS_MAX][WEB_ID];
};

static int
on_owned(void *ctx, const uint8_t id[WEB_ID], uint64_t size)
{
	struct owned *o = ctx;

	if (o->n < LETTERS_MAX)
		memcpy(o->ids[o->n++], id, WEB_ID);
	return LL_OK;
}

void
letters_forget(const uint8_t account[WEB_ID])
{
	static struct owned o;
	const struct web_place p = place();
	struct letter l;
	int r;

	o.n = 0;
	r = letter_each(&p, account, on_owned, &o);
	for (size_t i = 0; i < o.n && r == LL_OK; i++) {
		r = letter_load(&p, o.ids[i], &l);
		if (r == LL_OK)
			r = letter_drop(&p, l.id);
		if (r == LL_OK)
			r = forget(&p, &l);
	}
	if (r)
		log_error("letters", "error=%s", log_quote(slice_str(ll_strerror(r))));
}
