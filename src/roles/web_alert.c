/* Mail that auth writes to the account itself: it goes to delivery like a report, and is sealed
 * like any letter. */
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "faces/smtp_param.h"
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
	enum web_language language = language_of(a);
	const struct alert_text *text = alert_text(language, which);
	struct slice host = slice_str(auth.env->config.hostname);
	CLEANUP(buf_done) struct buf from = BUF_INIT(512), id = BUF_INIT(512);
	uint8_t random[16];

	randombytes_buf(random, sizeof(random));
	buf_puts(&from, "postmaster@");
	buf_put(&from, host);
	build_message_id(&id, SLICE_OF(random), host);
	build_field_address(out, "From", S("Letterlock"), buf_slice(&from));
	build_field_address(out, "To", SLICE_NONE, slice_str(a->address));
	build_field_text(out, "Subject", slice_str(text->subject));
	build_field_date(out, "Date", clock_unix());
	build_field(out, "Message-ID", buf_slice(&id));
	buf_puts(out,
		"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n");
	buf_printf(out, "Content-Language: %s\r\n\r\n%s\r\n", language_code(language), text->what);
	if (facts.len) {
		buf_put(out, facts);
		buf_puts(out, "\r\n");
	}
	buf_puts(out, text->advice);
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

void
web_alert(const struct directory_account *a, enum alert which, struct slice facts)
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
put_time(struct buf *out, int64_t when)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);

	date_put_rfc3339(&b, when);
	buf_put(out, slice_sub(buf_slice(&b), 0, 10));
	buf_putc(out, ' ');
	buf_put(out, slice_sub(buf_slice(&b), 11, 5));
	buf_puts(out, " UTC");
	buf_putc(out, 0);
}

void
web_alert_sign_in(const struct web_call *c, const struct directory_account *a,
	const struct web_session *s, const struct web_flow *f)
{
	CLEANUP(buf_done)
	struct buf facts = BUF_INIT(LETTER_MAX), ip = BUF_INIT(64), when = BUF_INIT(64);
	enum web_language language = language_of(a);
	struct ip_addr addr = ip_addr_new(SLICE_OF(s->peer));
	struct slice country = places_find(&auth.places, s->peer);

	ip_addr_put(&ip, &addr);
	buf_putc(&ip, 0);
	put_time(&when, s->created);
	if (buf_err(&ip) || buf_err(&when))
		return;
	put_line(&facts, alert_fact(language, FACT_TIME), (const char *)when.ptr);
	put_line(&facts, alert_fact(language, FACT_ADDRESS), (const char *)ip.ptr);
	if (country.len)
		buf_printf(&facts, "%s: %.*s (%s)\r\n", alert_fact(language, FACT_COUNTRY),
			SLICE_ARG(country), alert_roughly(language));
	put_line(&facts, alert_fact(language, FACT_DEVICE),
		s->device[0] ? s->device : alert_untold(language));
	put_line(&facts, alert_fact(language, FACT_PROGRAM),
		s->agent[0] ? s->agent : alert_untold(language));
	if (buf_err(&facts) == LL_OK)
		web_alert(
			a, f->recovery ? ALERT_RECOVERY_CODE : ALERT_NEW_DEVICE, buf_slice(&facts));
}
