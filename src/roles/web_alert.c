/* Mail that auth writes to the account itself: it goes to delivery like a report, and is sealed
 * like any letter. */
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "faces/smtp_param.h"
#include "keys/verifier.h"
#include "mail/build.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/deliver_send.h"
#include "roles/delivery_envelope.h"
#include "roles/language.h"
#include "roles/web.h"

#include <sodium.h>
#include <string.h>

#define LETTER_MAX ((size_t)16 << 10)

static uint64_t next_letter;

static int
build(struct buf *out, const struct directory_account *a, enum alert which, struct slice facts)
{
	enum language language = language_of(a);
	const struct wording *w = wording(language);
	struct slice host = slice_str(auth.env->config.hostname);
	CLEANUP(buf_done) struct buf from = BUF_INIT(512), id = BUF_INIT(512);
	uint8_t random[16];

	randombytes_buf(random, sizeof(random));
	buf_puts(&from, "postmaster@");
	buf_put(&from, host);
	build_message_id(&id, SLICE_OF(random), host);
	build_field_address(out, "From", S("Letterlock"), buf_slice(&from));
	build_field_address(out, "To", SLICE_NONE, slice_str(a->address));
	build_field_text(out, "Subject", slice_str(w->alerts[which].subject));
	build_field_date(out, "Date", clock_unix());
	build_field(out, "Message-ID", buf_slice(&id));
	buf_puts(out,
		"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n");
	buf_printf(out, "Content-Language: %s\r\n\r\n%s\r\n", language_code(language),
		w->alerts[which].what);
	if (facts.len) {
		buf_put(out, facts);
		buf_puts(out, "\r\n");
	}
	buf_puts(out, w->alerts[which].advice);
	return buf_err(out);
}

static int
hand_over(const struct directory_account *a, struct slice letter)
{
	CLEANUP(buf_done) struct buf envelope = BUF_INIT(IPC_PAYLOAD_MAX);
	struct ipc_channel *delivery = role_peer(auth.env, ROLE_DELIVERY, 0);
	struct envelope_rcpt rcpt = {.address = slice_str(a->address), .notify = SMTP_NOTIFY_NEVER};
	struct delivery_envelope env = {.service = SERVICE_INTERNAL,
		.n_rcpts = 1,
		.rcpts = &rcpt,
		.eight_bit = true,
		.smtputf8 = !is_ascii(slice_str(a->address))};
	struct msg_deliver m = {.id = ++next_letter};
	int r = delivery ? delivery_envelope_encode(&envelope, &env) : LL_ERR_CLOSED;

	return r ? r : deliver_send(delivery, &m, buf_slice(&envelope), letter);
}

static void
send_letter(const struct directory_account *a, enum alert which, struct slice facts)
{
	CLEANUP(buf_done) struct buf letter = BUF_INIT(LETTER_MAX);
	int r = build(&letter, a, which, facts);

	if (r == LL_OK)
		r = hand_over(a, buf_slice(&letter));
	if (r)
		log_warn("alert", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* What a client says of itself stands in a letter: nothing but text, on one line. */
static void
put_line(struct buf *out, const char *what, const char *text)
{
	buf_printf(out, "%s: ", what);
	for (const char *p = text; *p; p++)
		buf_putc(out, (uint8_t)*p < 0x20 || *p == 0x7f ? ' ' : (uint8_t)*p);
	buf_puts(out, "\r\n");
}

/* "2026-11-22 08:15 UTC": the same in every language, and nobody takes the day for the month. */
static void
put_time(struct buf *out, const struct wording *w, int64_t when)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);
	struct slice s;

	date_put_rfc3339(&b, when);
	s = buf_slice(&b);
	buf_printf(out, "%s: %.*s %.*s UTC\r\n", w->facts[FACT_TIME],
		SLICE_ARG(slice_sub(s, 0, 10)), SLICE_ARG(slice_sub(s, 11, 5)));
}

/* Who it was, as far as the session tells. */
static void
put_session(struct buf *out, const struct wording *w, const struct web_session *s,
	const uint8_t peer[16])
{
	CLEANUP(buf_done) struct buf ip = BUF_INIT(64);
	struct ip_addr addr = ip_addr_new(slice_new(peer, 16));
	struct slice country = places_find(&auth.places, peer);

	ip_addr_put(&ip, &addr);
	buf_putc(&ip, 0);
	if (buf_err(&ip))
		return;
	put_line(out, w->facts[FACT_ADDRESS], (const char *)ip.ptr);
	if (country.len)
		buf_printf(out, "%s: %.*s (%s)\r\n", w->facts[FACT_COUNTRY], SLICE_ARG(country),
			w->fact_roughly);
	put_line(out, w->facts[FACT_DEVICE], s->device[0] ? s->device : w->fact_untold);
	put_line(out, w->facts[FACT_PROGRAM], s->agent[0] ? s->agent : w->fact_untold);
}

static void
alert(const struct directory_account *a, enum alert which, const char *name,
	const struct web_session *s, const uint8_t *peer)
{
	CLEANUP(buf_done) struct buf facts = BUF_INIT(LETTER_MAX);
	const struct wording *w = wording(language_of(a));

	put_time(&facts, w, clock_unix());
	if (name && *name)
		put_line(&facts, w->facts[FACT_NAME], name);
	if (s)
		put_session(&facts, w, s, peer);
	if (buf_err(&facts) == LL_OK)
		send_letter(a, which, buf_slice(&facts));
}

void
web_alert(const struct directory_account *a, enum alert which)
{
	alert(a, which, NULL, NULL, NULL);
}

void
web_alert_done(const struct web_call *c, enum alert which, const char *name)
{
	alert(&c->owner, which, name, c->session, c->m->peer.ptr);
}

void
web_alert_sign_in(const struct directory_account *a, const struct web_session *s, bool recovery)
{
	alert(a, recovery ? ALERT_RECOVERY_CODE : ALERT_NEW_DEVICE, NULL, s, s->peer);
}

/* A passkey that opens the keys is told of where it becomes one. */
void
web_alert_unlockers(
	const struct directory_account *a, const struct web_call *c, struct slice verifiers)
{
	static const enum alert alerts[] = {[UNLOCK_PASSWORD] = ALERT_PASSWORD,
		[UNLOCK_RECOVERY] = ALERT_RECOVERY_RENEWED,
		[UNLOCK_APP] = ALERT_APP_PASSWORD};
	struct reader rd = reader_new(verifiers);
	struct slice item;
	struct verifier v;

	while (control_items_next(&rd, &item))
		if (verifier_decode(item, &v) == LL_OK && v.type != UNLOCK_WEBAUTHN)
			alert(a, alerts[v.type], v.type == UNLOCK_APP ? v.name : NULL,
				c ? c->session : NULL, c ? c->m->peer.ptr : NULL);
}
