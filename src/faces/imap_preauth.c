/* A stranger's IMAP dialogue ends here until somebody vouched for it: this is the only IMAP code
 * that reads bytes of people who have not signed in, so it is small and knows few commands. */
#include "faces/imap_preauth.h"

#include "base/error.h"
#include "base/text.h"
#include "faces/imap_preauth_priv.h"

#include <stdlib.h>

#define MAX_LINE ((size_t)8192)
#define MAX_LITERAL ((uint64_t)1024)
#define MAX_BUFFERED ((size_t)65536)
#define MAX_ARENA ((size_t)65536)
#define DEFAULT_FAILURES 5
#define DEFAULT_COMMANDS 100

void
imap_preauth_bye(struct imap_preauth *p, const char *why)
{
	if (p->state == CLOSING || p->state == SIGNED_IN)
		return;
	buf_puts(&p->out, "* BYE ");
	buf_puts(&p->out, why);
	buf_puts(&p->out, "\r\n");
	p->state = CLOSING;
}

static void
on_literal(struct imap_preauth *p, struct slice so_far)
{
	struct imap_lex l = imap_lex_new(so_far, &p->arena);

	if (p->frame.literal_size <= MAX_LITERAL && so_far.len <= MAX_LINE) {
		if (p->frame.literal_sync)
			buf_puts(&p->out, "+ Go on\r\n");
		if (imap_frame_accept(&p->frame) != LL_OK)
			imap_preauth_bye(p, "Out of memory");
		return;
	}
	preauth_take_tag(p, &l);
	preauth_bad(p, "Literal too large before sign-in");
	imap_frame_refuse(&p->frame);
}

static void
on_too_long(struct imap_preauth *p, struct slice start)
{
	struct imap_lex l = imap_lex_new(start, &p->arena);

	preauth_take_tag(p, &l);
	preauth_bad(p, "Line too long");
	imap_preauth_bye(p, "Line too long");
}

/* One step of READY; false when more input is needed. */
static bool
read_command(struct imap_preauth *p)
{
	struct slice text;

	switch (imap_frame_command(&p->frame, &text)) {
	case IMAP_FRAME_MORE:
		return false;
	case IMAP_FRAME_LITERAL:
		on_literal(p, text);
		return true;
	case IMAP_FRAME_TOO_LONG:
		on_too_long(p, text);
		return true;
	case IMAP_FRAME_BARE_LF:
		p->tag_len = 0;
		preauth_bad(p, "Lines end with CR LF");
		break;
	case IMAP_FRAME_COMMAND:
		preauth_run(p, text);
		break;
	}
	arena_reset(&p->arena);
	imap_frame_next_wipe(&p->frame);
	return true;
}

static void
sasl_answer(struct imap_preauth *p, struct slice line)
{
	p->state = READY;
	if (slice_eq(line, S("*")))
		preauth_bad(p, "Cancelled");
	else if (preauth_take_data(p, line))
		p->state = NEED_AUTH;
}

static void
final_answer(struct imap_preauth *p, struct slice line)
{
	p->state = line.len ? READY : SIGNED_IN;
	if (line.len)
		preauth_bad(p, "Expected an empty line");
}

/* One step of SASL_LINE and FINAL_LINE. */
static bool
read_answer(struct imap_preauth *p)
{
	enum preauth_state was = p->state;
	struct slice line;

	switch (imap_frame_line(&p->frame, &line)) {
	case IMAP_FRAME_MORE:
		return false;
	case IMAP_FRAME_TOO_LONG:
		imap_preauth_bye(p, "Line too long");
		return true;
	case IMAP_FRAME_COMMAND:
		if (was == SASL_LINE)
			sasl_answer(p, line);
		else
			final_answer(p, line);
		break;
	default:
		p->state = READY;
		preauth_bad(p, "Lines end with CR LF");
		break;
	}
	imap_frame_next_wipe(&p->frame);
	return true;
}

enum imap_preauth_event
imap_preauth_next(struct imap_preauth *p, struct imap_auth_request *ret)
{
	for (;;) {
		switch (p->state) {
		case READY:
			if (!read_command(p))
				return IMAP_PREAUTH_MORE;
			break;
		case SASL_LINE:
		case FINAL_LINE:
			if (!read_answer(p))
				return IMAP_PREAUTH_MORE;
			break;
		case NEED_AUTH:
			p->state = ASKING;
			*ret = p->request;
			ret->data = buf_slice(&p->data);
			return IMAP_PREAUTH_AUTH;
		case ASKING:
			return IMAP_PREAUTH_MORE;
		case STARTING_TLS:
			return IMAP_PREAUTH_STARTTLS;
		case SIGNED_IN:
			return IMAP_PREAUTH_SIGNED_IN;
		case CLOSING:
			return IMAP_PREAUTH_CLOSE;
		}
	}
}

void
imap_preauth_tls_started(struct imap_preauth *p, bool channel_binding)
{
	if (p->state != STARTING_TLS)
		return;
	/* Nothing learnt before TLS is kept (RFC 9051 section 6.2.1). */
	imap_frame_done(&p->frame);
	imap_frame_init(&p->frame, MAX_SASL_LINE);
	buf_reset(&p->client_id);
	p->options.tls = true;
	p->options.channel_binding = channel_binding;
	p->state = READY;
}

static void
put_challenge(struct imap_preauth *p, struct slice data)
{
	buf_done(&p->data);
	buf_puts(&p->out, "+ ");
	base64_encode(&p->out, data);
	buf_puts(&p->out, "\r\n");
}

void
imap_preauth_challenge(struct imap_preauth *p, struct slice data)
{
	if (p->state != ASKING)
		return;
	put_challenge(p, data);
	p->request.first = false;
	p->state = SASL_LINE;
}

void
imap_preauth_accept(struct imap_preauth *p, struct slice final)
{
	if (p->state != ASKING)
		return;
	buf_done(&p->data);
	p->state = SIGNED_IN;
	if (final.len) {
		put_challenge(p, final);
		p->state = FINAL_LINE;
	}
}

void
imap_preauth_reject(struct imap_preauth *p, enum imap_auth_failure why)
{
	static const char *const texts[] = {
		[IMAP_AUTH_WRONG] = "NO [AUTHENTICATIONFAILED] Wrong address or app password",
		[IMAP_AUTH_DISABLED] = "NO [AUTHORIZATIONFAILED] This account may not sign in here",
		[IMAP_AUTH_EXPIRED] = "NO [EXPIRED] This app password has expired",
		[IMAP_AUTH_TEMPORARY] =
			"NO [UNAVAILABLE] Sign-in does not work now; try again later",
		[IMAP_AUTH_LIMIT] = "NO [LIMIT] Too many attempts or connections; try again later",
	};

	if (p->state != ASKING)
		return;
	buf_done(&p->data);
	preauth_reply(p, texts[why]);
	p->state = READY;
	if (why != IMAP_AUTH_TEMPORARY && ++p->failures >= p->options.max_failures)
		imap_preauth_bye(p, "Too many failed sign-ins");
}

void
imap_preauth_handover(const struct imap_preauth *p, struct imap_handover *ret)
{
	*ret = (struct imap_handover){.tag = preauth_tag(p),
		.rest = imap_frame_rest(&p->frame),
		.client_id = buf_slice(&p->client_id)};
}

void
imap_preauth_handover_failed(struct imap_preauth *p)
{
	if (p->state != SIGNED_IN)
		return;
	preauth_reply(p, "NO [UNAVAILABLE] The mailbox cannot be opened now; try again later");
	p->state = READY;
}

bool
imap_preauth_wants_input(const struct imap_preauth *p)
{
	switch (p->state) {
	case READY:
	case SASL_LINE:
	case FINAL_LINE:
		return p->frame.in.len < MAX_BUFFERED;
	default:
		return false;
	}
}

int
imap_preauth_input(struct imap_preauth *p, struct slice bytes)
{
	if (!imap_preauth_wants_input(p))
		return LL_ERR_STATE;
	return imap_frame_put(&p->frame, bytes);
}

struct buf *
imap_preauth_output(struct imap_preauth *p)
{
	return &p->out;
}

struct imap_preauth *
imap_preauth_new(const struct imap_preauth_options *options)
{
	struct imap_preauth *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->options = *options;
	if (!p->options.max_failures)
		p->options.max_failures = DEFAULT_FAILURES;
	if (!p->options.max_commands)
		p->options.max_commands = DEFAULT_COMMANDS;
	imap_frame_init(&p->frame, MAX_SASL_LINE);
	p->arena = ARENA_INIT(MAX_ARENA);
	p->out = BUF_INIT(MAX_BUFFERED);
	p->data = BUF_SECRET(2 * MAX_SASL_LINE);
	p->client_id = BUF_INIT(MAX_CLIENT_ID);
	buf_puts(&p->out, "* OK [");
	preauth_put_caps(p);
	buf_puts(&p->out, "] Letterlock is ready\r\n");
	return p;
}

void
imap_preauth_free(struct imap_preauth *p)
{
	if (!p)
		return;
	imap_frame_done(&p->frame);
	arena_done(&p->arena);
	buf_done(&p->out);
	buf_done(&p->data);
	buf_done(&p->client_id);
	free(p);
}
