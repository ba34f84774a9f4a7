/* Every reply of the server is formatted here: one place decides how a line looks and that nothing
 * a caller passes can break out of it. */
#include "base/text.h"
#include "faces/smtp_server_priv.h"

#define REPLY_TEXT_MAX ((size_t)400) /* RFC 5321 section 4.5.3.1.5: a reply line has 512 */

/* CR and LF would end the line; other controls and, without SMTPUTF8, octets above 127 do not
 * belong into it (RFC 6531 section 3.7.4). */
static void
put_clean(struct smtp_server *s, struct slice text)
{
	text = slice_sub(text, 0, REPLY_TEXT_MAX);
	bool utf8 = s->envelope.smtputf8 && utf8_valid(text);

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		bool good = c >= ' ' && c != 127 && (c < 127 || utf8);
		buf_putc(&s->out, good ? c : '?');
	}
}

void
smtp_say_more(struct smtp_server *s, uint16_t code, bool last, struct slice text)
{
	buf_put_u64dec(&s->out, code);
	buf_putc(&s->out, last ? ' ' : '-');
	put_clean(s, text);
	buf_put(&s->out, S("\r\n"));
}

void
smtp_say(struct smtp_server *s, uint16_t code, const char *enhanced, struct slice text)
{
	buf_put_u64dec(&s->out, code);
	buf_putc(&s->out, ' ');
	if (enhanced) {
		buf_puts(&s->out, enhanced);
		buf_putc(&s->out, ' ');
	}
	put_clean(s, text);
	buf_put(&s->out, S("\r\n"));
}

void
smtp_say_text(struct smtp_server *s, const struct smtp_text *t)
{
	smtp_say(s, t->code, t->enhanced, slice_str(t->text));
}

/* What OK means for each question. */
static const struct smtp_text ok_texts[] = {
	[SMTP_SERVER_AUTH] = {235, "2.7.0", "Signed in"},
	[SMTP_SERVER_AUTH_DATA] = {235, "2.7.0", "Signed in"},
	[SMTP_SERVER_MAIL] = {250, "2.1.0", "Sender accepted"},
	[SMTP_SERVER_RCPT] = {250, "2.1.5", "Recipient accepted"},
	[SMTP_SERVER_DATA] = {354, NULL, "Send the message, end it with a line of one dot"},
	[SMTP_SERVER_MESSAGE] = {250, "2.0.0", "Message accepted"},
};

static const struct smtp_text verdict_texts[SMTP_VERDICTS] = {
	[SMTP_TEMPORARY] = {451, "4.3.0", "Something failed here, please try again later"},
	[SMTP_BUSY] = {421, "4.3.2", "Too busy, please try again later"},
	[SMTP_POLICY] = {550, "5.7.1", "Refused by policy"},
	[SMTP_POLICY_TEMPORARY] = {451, "4.7.1", "Not now by policy, please try again later"},
	[SMTP_RCPT_UNKNOWN] = {550, "5.1.1", "No such mailbox"},
	[SMTP_RCPT_DISABLED] = {550, "5.2.1", "This mailbox is disabled"},
	[SMTP_RCPT_INACTIVE] = {450, "4.2.1",
		"This mailbox is not active yet, please try again later"},
	[SMTP_RCPT_QUOTA] = {452, "4.2.2", "This mailbox is full"},
	[SMTP_RCPT_RELAY] = {550, "5.7.1", "Mail for this domain is not taken here"},
	[SMTP_RCPT_DOMAIN] = {550, "5.1.2", "No such domain"},
	[SMTP_SENDER_DENIED] = {550, "5.7.1", "You may not send with this address"},
	[SMTP_SENDER_DOMAIN] = {550, "5.1.8", "The sender's domain takes no mail"},
	[SMTP_STORAGE] = {452, "4.3.1", "Not enough storage here, please try again later"},
	[SMTP_TOO_BIG] = {552, "5.3.4", "The message is too big"},
	[SMTP_MALFORMED] = {554, "5.6.0", "This is not a well-formed message"},
	[SMTP_REJECTED] = {554, "5.7.1", "The message is refused for its content"},
	[SMTP_UNAUTHENTIC] = {550, "5.7.26",
		"The sender's domain asks to refuse what it did not send"},
	[SMTP_LOOP] = {554, "5.4.6", "The message has come through too many hosts"},
	[SMTP_RATE] = {450, "4.7.1", "Too much mail at once, please try again later"},
	[SMTP_AUTH_FAILED] = {535, "5.7.8", "Wrong user name or password"},
	[SMTP_AUTH_TEMPORARY] = {454, "4.7.0", "Signing in does not work now, try again later"},
	[SMTP_AUTH_MALFORMED] = {501, "5.5.2", "That is not a response of this mechanism"},
	[SMTP_AUTH_WEAK] = {534, "5.7.9", "This account needs a stronger mechanism"},
};

const struct smtp_text *
smtp_verdict_text(enum smtp_verdict verdict)
{
	return &verdict_texts[verdict];
}

bool
smtp_say_verdict(struct smtp_server *s, enum smtp_server_event_kind kind, enum smtp_verdict verdict,
	struct slice text)
{
	struct smtp_text t = verdict == SMTP_OK ? ok_texts[kind] : verdict_texts[verdict];

	/* RFC 5321 section 3.1: a refused greeting is 554, and codes are 2.x.x-5.x.x only after it.
	 */
	if (kind == SMTP_SERVER_CONNECT && t.code != 421)
		t.code = t.code < 500 ? 421 : 554;
	smtp_say(s, t.code, t.enhanced, text.len ? text : slice_str(t.text));
	return t.code == 421 || kind == SMTP_SERVER_CONNECT;
}
