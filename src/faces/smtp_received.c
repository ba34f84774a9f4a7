/* Trace fields. What a stranger chose (HELO name, reverse name) is cut to the characters of a name,
 * so that it can neither end the field nor imitate its other clauses. */
#include "faces/smtp_received.h"
#include "base/text.h"

#include <string.h>

#define NAME_MAX_OCTETS ((size_t)255)

static void
put_name(struct buf *out, struct slice name)
{
	name = slice_sub(name, 0, NAME_MAX_OCTETS);
	if (!name.len)
		buf_puts(out, "unknown");
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		bool good = is_alpha(c) || is_digit(c) || (c && memchr("-._:[]%/", c, 8));
		buf_putc(out, good ? c : '?');
	}
}

/* RFC 5321 section 4.1.3: an IPv6 address literal says so. */
static void
put_literal(struct buf *out, struct slice ip)
{
	buf_puts(out, slice_find_byte(ip, ':') == SLICE_NPOS ? "[" : "[IPv6:");
	put_name(out, ip);
	buf_putc(out, ']');
}

static void
put_from(struct buf *out, const struct smtp_received *r)
{
	if (r->service != SMTP_SERVICE_MX) {
		buf_puts(out, "submission");
		return;
	}
	put_name(out, r->helo);
	if (!r->client_ip.len && !r->client_name.len)
		return;
	buf_puts(out, " (");
	if (r->client_name.len) {
		put_name(out, r->client_name);
		buf_putc(out, ' ');
	}
	put_literal(out, r->client_ip);
	buf_putc(out, ')');
}

/* RFC 3848, RFC 6531 section 4.3. */
static void
put_protocol(struct buf *out, const struct smtp_received *r)
{
	if (!r->esmtp) {
		buf_puts(out, r->http ? "HTTPS" : "SMTP");
		return;
	}
	buf_puts(out, r->smtputf8 ? "UTF8SMTP" : "ESMTP");
	buf_puts(out, r->tls ? "S" : "");
	buf_puts(out, r->authenticated ? "A" : "");
}

int
smtp_received_put(struct buf *out, const struct smtp_received *r)
{
	buf_puts(out, "Received: from ");
	put_from(out, r);
	buf_puts(out, "\r\n\tby ");
	put_name(out, r->hostname);
	buf_puts(out, " with ");
	put_protocol(out, r);
	if (r->id.len) {
		buf_puts(out, " id ");
		put_name(out, r->id);
	}
	if (r->rcpt.len) {
		buf_puts(out, "\r\n\tfor <");
		buf_put(out, r->rcpt);
		buf_putc(out, '>');
	}
	if (r->tls && r->tls_cipher.len) {
		buf_puts(out, "\r\n\ttls ");
		put_name(out, r->tls_cipher);
	}
	if (r->tls && r->tls_version.len) {
		buf_puts(out, " (");
		put_name(out, r->tls_version);
		buf_putc(out, ')');
	}
	buf_puts(out, ";\r\n\t");
	date_put_rfc5322(out, r->time);
	return buf_put(out, S("\r\n"));
}

int
smtp_return_path_put(struct buf *out, const struct smtp_path *from)
{
	buf_puts(out, "Return-Path: <");
	buf_put(out, from->text);
	return buf_put(out, S(">\r\n"));
}
