/* A caller of the SMTP client dialogue for tests and fuzz targets: sends its messages one after the
 * other and writes down what became of them. */
#ifndef TESTS_SMTP_SENDER_H
#define TESTS_SMTP_SENDER_H

#include "base/buf.h"
#include "base/error.h"
#include "faces/smtp_client.h"

#include <stdlib.h>

#define SENDER_MAX ((size_t)256 << 20)

struct sender {
	struct smtp_client *c;
	const struct smtp_client_message *messages;
	const struct slice *bodies;
	size_t count, next;
	size_t given; /* octets of the body of messages[next - 1] */
	unsigned stuck;
	size_t piece; /* most octets of a body given at once */
	struct buf log;
	bool tls, closed;
};

static inline void
sender_done(struct sender *s)
{
	smtp_client_free(s->c);
	buf_done(&s->log);
}

static inline void
sender_note(struct sender *s, const struct smtp_client_result *r)
{
	static const char *const names[] = {"sent", "temporary", "permanent", "untried"};

	buf_printf(&s->log, "%s %u %u.%u.%u%s ", names[r->outcome], r->code, r->enhanced[0],
		r->enhanced[1], r->enhanced[2], r->local ? " local" : "");
	buf_put(&s->log, r->text);
	buf_putc(&s->log, '\n');
}

static inline void
sender_must(int err)
{
	if (err)
		abort();
}

static inline void
sender_ready(struct sender *s)
{
	const struct smtp_client_caps *caps = smtp_client_caps(s->c);

	s->given = 0;
	if (s->tls && !caps->tls && caps->flags & SMTP_CAP_STARTTLS)
		sender_must(smtp_client_starttls(s->c));
	else if (s->next < s->count)
		sender_must(smtp_client_send(s->c, &s->messages[s->next++]));
	else
		sender_must(smtp_client_quit(s->c));
}

static inline bool
sender_body(struct sender *s)
{
	struct slice body = slice_skip(s->bodies[s->next - 1], s->given);
	size_t n = smtp_client_body(s->c, slice_sub(body, 0, s->piece));

	s->given += n;
	return n > 0;
}

static inline void
sender_results(struct sender *s)
{
	for (uint32_t i = 0; i < s->messages[s->next - 1].rcpt_count; i++)
		sender_note(s, smtp_client_result(s->c, i));
}

/* Goes on until the client needs input or its output written. */
static inline void
sender_run(struct sender *s)
{
	while (!s->closed) {
		switch (smtp_client_step(s->c)) {
		case SMTP_CLIENT_NONE:
			return;
		case SMTP_CLIENT_READY:
			sender_ready(s);
			break;
		case SMTP_CLIENT_STARTTLS:
			buf_puts(&s->log, "starttls\n");
			return; /* the test says when it is done */
		case SMTP_CLIENT_BODY:
			/* Nothing is taken only when the body was found unfit. */
			if (!sender_body(s) && ++s->stuck > 1)
				abort();
			break;
		case SMTP_CLIENT_DONE:
			sender_results(s);
			break;
		case SMTP_CLIENT_CLOSED:
			buf_puts(&s->log, "closed: ");
			sender_note(s, smtp_client_error(s->c));
			s->closed = true;
			break;
		}
	}
}

#endif
