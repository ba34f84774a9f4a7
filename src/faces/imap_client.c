/* The dialogue of the IMAP client: greeting, TLS, sign-in, commands and what they lead to. How
 * responses are cut out of the bytes stands in imap_client_in.c, what they say in
 * imap_client_parse.c. */
#include "base/secret.h"
#include "base/text.h"
#include "faces/imap_client_priv.h"

#include <stdlib.h>
#include <string.h>

struct imap_client *
imap_client_new(const struct imap_client_config *config)
{
	struct imap_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->out = BUF_SECRET(CLIENT_OUTPUT_MAX);
	c->response = BUF_SECRET(CLIENT_RESPONSE_MAX);
	c->body = BUF_SECRET((size_t)config->body_max + 1);
	c->arena = ARENA_INIT(CLIENT_ARENA_MAX);
	c->tag_first = c->tag_next = 1;
	return c;
}

void
imap_client_free(struct imap_client *c)
{
	if (!c)
		return;
	buf_done(&c->out);
	buf_done(&c->response);
	buf_done(&c->body);
	arena_done(&c->arena);
	VEC_DONE(&c->uids);
	free(c);
}

/* ---- The end ---- */

void
client_fail(struct imap_client *c, enum imap_client_error why)
{
	if (c->state == CLIENT_CLOSED)
		return;
	c->error = c->state == CLIENT_LOGOUT ? IMAP_ERROR_NONE : why;
	c->state = CLIENT_CLOSED;
	c->event = IMAP_CLIENT_CLOSED;
	c->config.user = c->config.secret = SLICE_NONE;
}

void
imap_client_eof(struct imap_client *c)
{
	client_fail(c, IMAP_ERROR_ENDED);
}

/* Keeps what may be shown to a person. */
void
client_said(struct imap_client *c, struct slice text)
{
	size_t n = 0, used;

	while (text.len) {
		uint32_t ch = utf8_get(text, &used);
		bool shown = ch != 0xfffd && ch >= ' ' && ch != 0x7f && !(ch >= 0x80 && ch < 0xa0);
		if (n + used > IMAP_CLIENT_TEXT_MAX)
			break;
		if (shown)
			memcpy(c->text + n, text.ptr, used);
		n += shown ? used : 0;
		text = slice_skip(text, used);
	}
	c->text[n] = '\0';
}

/* ---- Writing ---- */

static int
command(struct imap_client *c, const char *text)
{
	buf_printf(&c->out, "L%u ", (unsigned)c->tag_next);
	c->tag_next++;
	return buf_puts(&c->out, text);
}

static int
command_end(struct imap_client *c)
{
	buf_puts(&c->out, "\r\n");
	if (buf_err(&c->out))
		client_fail(c, IMAP_ERROR_LIMIT);
	return buf_err(&c->out);
}

static int
put_quoted(struct imap_client *c, struct slice s)
{
	buf_putc(&c->out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_putc(&c->out, '\\');
		buf_putc(&c->out, s.ptr[i]);
	}
	return buf_putc(&c->out, '"');
}

/* Whether it may stand between quotation marks. */
static bool
quotable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!s.ptr[i] || s.ptr[i] == '\r' || s.ptr[i] == '\n')
			return false;
	return s.len <= 1000;
}

struct slice
imap_client_output(const struct imap_client *c)
{
	return buf_slice(&c->out);
}

void
imap_client_sent(struct imap_client *c, size_t n)
{
	size_t before = c->out.len;

	buf_consume(&c->out, n);
	if (before)
		secret_wipe(c->out.ptr + c->out.len, before - c->out.len);
}

/* ---- Signing in ---- */

static void
ask_capability(struct imap_client *c, enum client_state state)
{
	c->state = state;
	(void)command(c, "CAPABILITY");
	(void)command_end(c);
}

static void
put_plain(struct imap_client *c)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(8192);

	buf_putc(&plain, 0);
	buf_put(&plain, c->config.user);
	buf_putc(&plain, 0);
	buf_put(&plain, c->config.secret);
	if (buf_err(&plain) || base64_encode(&c->out, buf_slice(&plain)))
		client_fail(c, IMAP_ERROR_LIMIT);
}

static void
sign_in_plain(struct imap_client *c)
{
	(void)command(c, "AUTHENTICATE PLAIN");
	c->continuation = !(c->caps & IMAP_CLIENT_SASL_IR);
	if (!c->continuation) {
		buf_putc(&c->out, ' ');
		put_plain(c);
	}
	(void)command_end(c);
}

static void
sign_in_login(struct imap_client *c)
{
	(void)command(c, "LOGIN ");
	put_quoted(c, c->config.user);
	buf_putc(&c->out, ' ');
	put_quoted(c, c->config.secret);
	(void)command_end(c);
}

static void
sign_in(struct imap_client *c)
{
	bool login = !(c->caps & IMAP_CLIENT_LOGINDISABLED) && quotable(c->config.user) &&
		quotable(c->config.secret);

	c->state = CLIENT_SIGN_IN;
	if (c->caps & IMAP_CLIENT_PLAIN)
		sign_in_plain(c);
	else if (login)
		sign_in_login(c);
	else
		client_fail(c, IMAP_ERROR_NO_SIGN_IN);
	c->caps = 0;
	c->caps_known = false;
}

static void
start_tls(struct imap_client *c)
{
	if (!(c->caps & IMAP_CLIENT_STARTTLS_CAP)) {
		client_fail(c, IMAP_ERROR_NO_TLS);
		return;
	}
	c->state = CLIENT_STARTTLS;
	(void)command(c, "STARTTLS");
	(void)command_end(c);
}

static void
ready(struct imap_client *c)
{
	c->state = CLIENT_READY;
	c->event = IMAP_CLIENT_READY;
	c->config.user = c->config.secret = SLICE_NONE;
}

/* Capabilities are known, at least by asking. */
static void
proceed(struct imap_client *c)
{
	if (c->config.starttls)
		start_tls(c);
	else
		sign_in(c);
}

void
client_greeted(struct imap_client *c)
{
	if (c->caps_known)
		proceed(c);
	else
		ask_capability(c, CLIENT_CAPABILITY);
}

void
client_continue(struct imap_client *c)
{
	if (!c->continuation) {
		client_fail(c, IMAP_ERROR_PROTOCOL);
		return;
	}
	c->continuation = false;
	put_plain(c);
	(void)command_end(c);
}

int
imap_client_tls_done(struct imap_client *c)
{
	if (c->state != CLIENT_HANDSHAKE)
		return LL_ERR_STATE;
	/* What was said in clear does not count (RFC 3501 section 6.2.1). */
	c->config.starttls = false;
	c->caps = 0;
	c->caps_known = false;
	ask_capability(c, CLIENT_CAPABILITY);
	return buf_err(&c->out);
}

void
client_capability(struct imap_client *c, struct slice words)
{
	static const struct {
		struct slice name;
		unsigned cap;
	} known[] = {{S("STARTTLS"), IMAP_CLIENT_STARTTLS_CAP},
		{S("AUTH=PLAIN"), IMAP_CLIENT_PLAIN}, {S("SASL-IR"), IMAP_CLIENT_SASL_IR},
		{S("LOGINDISABLED"), IMAP_CLIENT_LOGINDISABLED},
		{S("SPECIAL-USE"), IMAP_CLIENT_SPECIAL_USE},
		{S("LIST-EXTENDED"), IMAP_CLIENT_LIST_EXTENDED},
		{S("IMAP4rev2"),
			IMAP_CLIENT_LIST_EXTENDED | IMAP_CLIENT_SPECIAL_USE | IMAP_CLIENT_SASL_IR},
		{S("X-GM-EXT-1"), IMAP_CLIENT_GMAIL}};

	c->caps = 0;
	c->caps_known = true;
	while (words.len) {
		struct slice word = slice_split(&words, ' ');
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (slice_ieq(word, known[i].name))
				c->caps |= known[i].cap;
	}
}

/* ---- Answers ---- */

/* Without a code a refusal of the sign-in means the password; with one of these it does not
 * (RFC 5530). */
static bool
refused_for_now(struct slice code)
{
	static const struct slice codes[] = {
		S("UNAVAILABLE"), S("LIMIT"), S("INUSE"), S("SERVERBUG"), S("OVERQUOTA")};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (slice_ieq(code, codes[i]))
			return true;
	return false;
}

static void
signed_in(struct imap_client *c, enum imap_client_result result, struct slice code)
{
	c->continuation = false;
	if (result != IMAP_RESULT_OK)
		client_fail(c, refused_for_now(code) ? IMAP_ERROR_UNAVAILABLE : IMAP_ERROR_REFUSED);
	else if (c->caps_known)
		ready(c);
	else
		ask_capability(c, CLIENT_SIGNED_IN);
}

static void
setting_up(struct imap_client *c, enum imap_client_result result, struct slice code)
{
	bool ok = result == IMAP_RESULT_OK;

	if (c->state == CLIENT_CAPABILITY && ok)
		proceed(c);
	else if (c->state == CLIENT_SIGN_IN)
		signed_in(c, result, code);
	else if (c->state == CLIENT_SIGNED_IN)
		ready(c);
	else if (c->state == CLIENT_STARTTLS && ok) {
		c->state = CLIENT_HANDSHAKE;
		c->event = IMAP_CLIENT_STARTTLS;
	} else
		client_fail(c, IMAP_ERROR_PROTOCOL);
}

void
client_tagged(struct imap_client *c, uint32_t tag, enum imap_client_result result,
	struct slice code, struct slice text)
{
	if (tag != c->tag_first || tag >= c->tag_next) {
		client_fail(c, IMAP_ERROR_PROTOCOL);
		return;
	}
	c->tag_first++;
	if (result != IMAP_RESULT_OK)
		client_said(c, text);
	c->result = result;
	if (c->state < CLIENT_READY)
		setting_up(c, result, code);
	else if (c->state == CLIENT_LOGOUT)
		client_fail(c, IMAP_ERROR_NONE);
	else
		c->event = IMAP_CLIENT_DONE;
}

enum imap_client_event
imap_client_step(struct imap_client *c)
{
	enum imap_client_event event = c->event;

	c->event = IMAP_CLIENT_NONE;
	return event;
}

/* ---- Commands ---- */

static int
may_send(const struct imap_client *c, bool alone)
{
	if (c->state != CLIENT_READY)
		return LL_ERR_STATE;
	return imap_client_busy(c) >= (alone ? 1 : IMAP_CLIENT_COMMANDS_MAX) ? LL_ERR_LIMIT : LL_OK;
}

int
imap_client_list(struct imap_client *c)
{
	unsigned both = IMAP_CLIENT_SPECIAL_USE | IMAP_CLIENT_LIST_EXTENDED;
	int err = may_send(c, true);

	if (err)
		return err;
	(void)command(c, "LIST \"\" \"*\"");
	if ((c->caps & both) == both)
		buf_puts(&c->out, " RETURN (SPECIAL-USE)");
	return command_end(c);
}

int
imap_client_status(struct imap_client *c, struct slice wire)
{
	int err = may_send(c, false);

	if (err)
		return err;
	(void)command(c, "STATUS ");
	put_quoted(c, wire);
	buf_puts(&c->out, " (MESSAGES UIDNEXT UIDVALIDITY)");
	return command_end(c);
}

int
imap_client_examine(struct imap_client *c, struct slice wire)
{
	int err = may_send(c, true);

	if (err)
		return err;
	c->mailbox = (struct imap_client_mailbox){0};
	(void)command(c, "EXAMINE ");
	put_quoted(c, wire);
	return command_end(c);
}

int
imap_client_search(struct imap_client *c, uint32_t from)
{
	int err = may_send(c, true);

	if (err)
		return err;
	c->uids.len = 0;
	(void)command(c, "UID SEARCH UID ");
	buf_put_u64dec(&c->out, from);
	buf_puts(&c->out, ":*");
	return command_end(c);
}

/* Ascending numbers as a sequence set: neighbours as one range. */
static void
put_set(struct buf *out, const uint32_t *uids, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && uids[k] - uids[k - 1] == 1;)
			k++;
		buf_printf(out, "%s%u", i ? "," : "", (unsigned)uids[i]);
		if (k - i > 1)
			buf_printf(out, ":%u", (unsigned)uids[k - 1]);
	}
}

int
imap_client_fetch(
	struct imap_client *c, enum imap_client_fetch what, const uint32_t *uids, size_t n)
{
	int err = may_send(c, false);

	if (err)
		return err;
	(void)command(c, "UID FETCH ");
	put_set(&c->out, uids, n);
	if (what == IMAP_FETCH_BODY) {
		buf_puts(&c->out, " (UID FLAGS INTERNALDATE BODY.PEEK[])");
	} else {
		buf_puts(&c->out, " (UID FLAGS RFC822.SIZE");
		if (c->caps & IMAP_CLIENT_GMAIL)
			buf_puts(&c->out, " X-GM-LABELS");
		buf_puts(&c->out, " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID SUBJECT)])");
	}
	return command_end(c);
}

int
imap_client_logout(struct imap_client *c)
{
	int err = may_send(c, true);

	if (err)
		return err;
	c->state = CLIENT_LOGOUT;
	(void)command(c, "LOGOUT");
	return command_end(c);
}

size_t
imap_client_busy(const struct imap_client *c)
{
	return c->tag_next - c->tag_first;
}

/* ---- What is shown ---- */

const struct imap_client_folder *
imap_client_folder(const struct imap_client *c)
{
	return &c->folder;
}

const struct imap_client_message *
imap_client_message(const struct imap_client *c)
{
	return &c->message;
}

const struct imap_client_mailbox *
imap_client_mailbox(const struct imap_client *c)
{
	return &c->mailbox;
}

const uint32_t *
imap_client_uids(const struct imap_client *c, size_t *ret_n)
{
	*ret_n = c->uids.len;
	return c->uids.at;
}

enum imap_client_result
imap_client_result(const struct imap_client *c)
{
	return c->result;
}

enum imap_client_error
imap_client_error(const struct imap_client *c)
{
	return c->error;
}

struct slice
imap_client_text(const struct imap_client *c)
{
	return slice_str(c->text);
}

unsigned
imap_client_caps(const struct imap_client *c)
{
	return c->caps;
}
