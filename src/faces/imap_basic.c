/* Commands that touch no message: CAPABILITY, NOOP, CHECK, ID, LOGOUT, ENABLE, NAMESPACE, IDLE,
 * COMPRESS and the quota commands (RFC 9208). */
#include "faces/imap_caps.h"
#include "faces/imap_conn.h"

void
imap_run_capability(struct imap_conn *c, struct imap_lex *l)
{
	if (!imap_take_end(c, l))
		return;
	buf_puts(&c->out, "* CAPABILITY ");
	imap_caps_put_session(&c->out, c->env->append_limit, !c->deflate);
	buf_puts(&c->out, "\r\n");
	imap_done(c, "OK Done");
}

void
imap_run_noop(struct imap_conn *c, struct imap_lex *l)
{
	if (imap_take_end(c, l))
		imap_done(c, "OK Done");
}

void
imap_run_logout(struct imap_conn *c, struct imap_lex *l)
{
	if (!imap_take_end(c, l))
		return;
	buf_puts(&c->out, "* BYE Good bye\r\n");
	imap_done(c, "OK Done");
	c->closing = true;
}

void
imap_run_id(struct imap_conn *c, struct imap_lex *l)
{
	if (!imap_caps_take_id(l)) {
		imap_syntax(c, l);
		return;
	}
	imap_caps_put_id(&c->out);
	imap_done(c, "OK Done");
}

/* ---- ENABLE (RFC 5161) ---- */

static const struct {
	struct slice name;
	unsigned turns_on;
} extensions[] = {
	{S("IMAP4rev2"), IMAP_REV2},
	{S("CONDSTORE"), IMAP_CONDSTORE},
	{S("QRESYNC"), IMAP_QRESYNC | IMAP_CONDSTORE},
	{S("UTF8=ACCEPT"), IMAP_UTF8},
};

/* Names nobody knows are passed over, as the RFC wants it. */
static unsigned
extension_index(struct slice name)
{
	unsigned i = 0;

	while (i < ARRAY_SIZE(extensions) && !slice_ieq(name, extensions[i].name))
		i++;
	return i;
}

/* ret: a bit per extension named. */
static bool
parse_enable(struct imap_lex *l, unsigned *ret)
{
	struct slice name;

	*ret = 0;
	do {
		if (!imap_lex_sp(l) || !imap_lex_atom(l, &name))
			return false;
		*ret |= 1U << extension_index(name);
	} while (imap_lex_peek(l) == ' ');
	return imap_lex_end(l);
}

void
imap_run_enable(struct imap_conn *c, struct imap_lex *l)
{
	unsigned named, before = c->enabled;

	if (!parse_enable(l, &named)) {
		imap_syntax(c, l);
		return;
	}
	buf_puts(&c->out, "* ENABLED");
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (!(named & 1U << i) || !(extensions[i].turns_on & ~before))
			continue;
		c->enabled |= extensions[i].turns_on;
		buf_putc(&c->out, ' ');
		buf_put(&c->out, extensions[i].name);
	}
	buf_puts(&c->out, "\r\n");
	imap_done(c, "OK Done");
}

void
imap_run_namespace(struct imap_conn *c, struct imap_lex *l)
{
	if (!imap_take_end(c, l))
		return;
	buf_puts(&c->out, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	imap_done(c, "OK Done");
}

/* ---- IDLE (RFC 2177) ---- */

void
imap_run_idle(struct imap_conn *c, struct imap_lex *l)
{
	if (!imap_take_end(c, l))
		return;
	buf_puts(&c->out, "+ Idling\r\n");
	c->idling = true;
}

void
imap_idle_line(struct imap_conn *c, struct slice line)
{
	c->idling = false;
	if (slice_ieq(line, S("DONE")))
		imap_done(c, "OK Done");
	else
		imap_bad(c, "Expected DONE");
}

/* ---- COMPRESS (RFC 4978) ---- */

void
imap_run_compress(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_deflate *d;
	struct slice name, rest;

	if (!imap_lex_sp(l) || !imap_lex_name(l, &name) || !imap_lex_end(l)) {
		imap_syntax(c, l);
		return;
	}
	if (!slice_ieq(name, S("DEFLATE"))) {
		imap_bad(c, "Unknown compression");
		return;
	}
	if (c->deflate) {
		imap_done(c, "NO [COMPRESSIONACTIVE] Compression is on already");
		return;
	}
	rest = imap_frame_rest(&c->frame);
	d = imap_deflate_new();
	if (!d || imap_deflate_input(d, rest) != LL_OK) {
		imap_deflate_free(d);
		imap_error(c, LL_ERR_NOMEM);
		return;
	}
	imap_frame_cut_rest(&c->frame);
	imap_done(c, "OK Compressed from here on");
	/* What is said up to here goes out as it is. */
	buf_put(imap_deflate_wire(d), slice_skip(buf_slice(&c->out), c->out_sent));
	c->out.len = c->out_sent = 0;
	c->deflate = d;
}

/* ---- Quota: one root, "", for the whole account ---- */

static bool
put_quota(struct imap_conn *c)
{
	struct account_quota q;
	int err = account_quota(c->account, &q);

	if (err != LL_OK) {
		imap_error(c, err);
		return false;
	}
	buf_puts(&c->out, "* QUOTA \"\" (");
	if (q.limit)
		buf_printf(&c->out, "STORAGE %llu %llu",
			(unsigned long long)((q.bytes + 1023) / 1024),
			(unsigned long long)(q.limit / 1024));
	buf_puts(&c->out, ")\r\n");
	return true;
}

void
imap_run_getquota(struct imap_conn *c, struct imap_lex *l)
{
	struct slice root;

	if (!imap_lex_sp(l) || !imap_lex_astring(l, &root) || !imap_lex_end(l)) {
		imap_syntax(c, l);
		return;
	}
	if (root.len)
		imap_done(c, "NO [NONEXISTENT] No such quota root");
	else if (put_quota(c))
		imap_done(c, "OK Done");
}

void
imap_run_getquotaroot(struct imap_conn *c, struct imap_lex *l)
{
	struct slice name;
	struct mailbox *mb;

	if (!imap_take_mailbox(c, l, &name) || !imap_take_end(c, l))
		return;
	mb = imap_find_mailbox(c, name);
	if (!mb)
		return;
	buf_puts(&c->out, "* QUOTAROOT ");
	imap_put_mailbox(c, mailbox_info(mb)->name);
	buf_puts(&c->out, " \"\"\r\n");
	if (put_quota(c))
		imap_done(c, "OK Done");
}
