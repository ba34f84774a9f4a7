/* Clients decide by these words what they dare to use, so each stands for something that a
 * transcript in tests/transcripts proves. */
#include "faces/imap_caps.h"

#define ID_FIELDS_MAX 30 /* RFC 2971 section 3.3 */

/* LITERAL+ and LITERAL- exclude each other (RFC 7888 section 5); IMAP4rev2 contains LITERAL-. */
#define CAPS_ALWAYS "IMAP4rev2 IMAP4rev1 LITERAL+ SASL-IR ENABLE ID"

void
imap_caps_put_preauth(struct buf *out, const struct imap_caps_preauth *c)
{
	buf_puts(out, CAPS_ALWAYS);
	if (!c->tls) {
		buf_puts(out, c->starttls ? " STARTTLS LOGINDISABLED" : " LOGINDISABLED");
		return;
	}
	if (c->channel_binding)
		buf_puts(out, " AUTH=SCRAM-SHA-256-PLUS");
	buf_puts(out, " AUTH=SCRAM-SHA-256 AUTH=PLAIN");
	if (c->tokens)
		buf_puts(out, " AUTH=OAUTHBEARER AUTH=XOAUTH2");
}

void
imap_caps_put_session(struct buf *out, uint64_t append_limit, bool compress)
{
	buf_puts(out,
		CAPS_ALWAYS
		" IDLE NAMESPACE UIDPLUS UNSELECT MOVE ESEARCH SEARCHRES LIST-EXTENDED LIST-STATUS"
		" SPECIAL-USE CREATE-SPECIAL-USE CHILDREN STATUS=SIZE CONDSTORE QRESYNC BINARY"
		" MULTIAPPEND WITHIN OBJECTID PREVIEW QUOTA QUOTA=RES-STORAGE UTF8=ACCEPT"
		" SORT SORT=DISPLAY THREAD=ORDEREDSUBJECT THREAD=REFERENCES SAVEDATE REPLACE");
	if (compress)
		buf_puts(out, " COMPRESS=DEFLATE");
	buf_puts(out, " APPENDLIMIT=");
	buf_put_u64dec(out, append_limit);
}

void
imap_caps_put_id(struct buf *out)
{
	buf_puts(out, "* ID (\"name\" \"Letterlock\" \"version\" \"" LETTERLOCK_VERSION "\")\r\n");
}

bool
imap_caps_take_id(struct imap_lex *l)
{
	struct slice s;
	unsigned n = 0;

	if (!imap_lex_sp(l))
		return false;
	if (imap_lex_try_word(l, S("NIL")))
		return imap_lex_end(l);
	if (!imap_lex_char(l, '('))
		return false;
	while (!imap_lex_try(l, ')')) {
		if ((n && !imap_lex_sp(l)) || !imap_lex_string(l, &s) || !imap_lex_sp(l) ||
			!imap_lex_nstring(l, &s))
			return false;
		if (++n > ID_FIELDS_MAX)
			return imap_lex_fail(l, "Too many fields");
	}
	return imap_lex_end(l);
}
