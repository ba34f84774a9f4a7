/* MAIL and RCPT lines are read here once and strictly; nothing else looks at their text. */
#include "faces/smtp_param.h"
#include "base/error.h"
#include "base/text.h"
#include "mail/address.h"

#define SMTP_AUTH_PARAM_MAX ((size_t)500) /* RFC 4954 section 5 */

static const struct smtp_text bad_sender = {501, "5.1.7", "That is not a sender address"};
static const struct smtp_text bad_recipient = {501, "5.1.3", "That is not a recipient address"};
static const struct smtp_text bad_value = {501, "5.5.4", "Bad value of a parameter"};
static const struct smtp_text twice = {501, "5.5.4", "A parameter stands there twice"};
static const struct smtp_text unknown = {555, "5.5.4", "Unknown parameter"};
static const struct smtp_text not_utf8 = {
	553, "5.6.7", "This address needs SMTPUTF8 on the MAIL command"};

/* ---- xtext ---- */

static bool
xtext_step(struct slice *s, bool utf8, uint8_t *ret)
{
	uint8_t c = s->ptr[0];

	if (c == '+') {
		int hi = s->len > 2 ? hex_value(s->ptr[1]) : -1;
		int lo = s->len > 2 ? hex_value(s->ptr[2]) : -1;
		if (hi < 0 || lo < 0)
			return false;
		*ret = (uint8_t)(hi << 4 | lo);
		*s = slice_skip(*s, 3);
		return true;
	}
	if (c <= ' ' || c == '=' || c == 127 || (c > 127 && !utf8))
		return false;
	*ret = c;
	*s = slice_skip(*s, 1);
	return true;
}

bool
smtp_xtext_valid(struct slice s, bool utf8)
{
	uint8_t c;

	if (!utf8_valid(s))
		return false;
	while (s.len)
		if (!xtext_step(&s, utf8, &c))
			return false;
	return true;
}

int
smtp_xtext_decode(struct buf *out, struct slice xtext)
{
	uint8_t c;

	while (xtext.len) {
		if (!xtext_step(&xtext, true, &c))
			return LL_ERR_SYNTAX;
		buf_putc(out, c);
	}
	return out->err;
}

/* ---- Parameters ---- */

/* One parameter: its name and how its value is taken; ret is the args struct of its command. */
struct param {
	struct slice name;
	const struct smtp_text *(*take)(struct slice value, bool has_value, void *ret);
};

static const struct smtp_text *
take_size(struct slice value, bool has_value, void *ret)
{
	struct smtp_mail_args *m = ret;

	/* RFC 1870 section 6.1: up to 20 digits. */
	if (value.len > 20 || slice_u64(value, UINT64_MAX, &m->size))
		return &bad_value;
	return NULL;
}

static const struct smtp_text *
take_body(struct slice value, bool has_value, void *ret)
{
	static const struct slice names[] = {
		[SMTP_BODY_7BIT] = S("7BIT"),
		[SMTP_BODY_8BITMIME] = S("8BITMIME"),
		[SMTP_BODY_BINARYMIME] = S("BINARYMIME"),
	};
	struct smtp_mail_args *m = ret;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ieq(value, names[i])) {
			m->body = (enum smtp_body)i;
			return NULL;
		}
	return &bad_value;
}

static const struct smtp_text *
take_smtputf8(struct slice value, bool has_value, void *ret)
{
	struct smtp_mail_args *m = ret;

	m->smtputf8 = true;
	return has_value ? &bad_value : NULL;
}

static const struct smtp_text *
take_ret(struct slice value, bool has_value, void *ret)
{
	struct smtp_mail_args *m = ret;

	if (slice_ieq(value, S("FULL")))
		m->ret = SMTP_RET_FULL;
	else if (slice_ieq(value, S("HDRS")))
		m->ret = SMTP_RET_HDRS;
	else
		return &bad_value;
	return NULL;
}

static const struct smtp_text *
take_envid(struct slice value, bool has_value, void *ret)
{
	struct smtp_mail_args *m = ret;

	if (!value.len || value.len > SMTP_ENVID_MAX || !smtp_xtext_valid(value, false))
		return &bad_value;
	m->envid = value;
	return NULL;
}

static const struct smtp_text *
take_auth(struct slice value, bool has_value, void *ret)
{
	struct smtp_mail_args *m = ret;

	if (!value.len || value.len > SMTP_AUTH_PARAM_MAX || !smtp_xtext_valid(value, true))
		return &bad_value;
	m->auth = value;
	return NULL;
}

static const struct smtp_text *
take_notify(struct slice value, bool has_value, void *ret)
{
	static const struct {
		struct slice name;
		unsigned flag;
	} names[] = {
		{S("NEVER"), SMTP_NOTIFY_NEVER},
		{S("SUCCESS"), SMTP_NOTIFY_SUCCESS},
		{S("FAILURE"), SMTP_NOTIFY_FAILURE},
		{S("DELAY"), SMTP_NOTIFY_DELAY},
	};
	struct smtp_rcpt_args *r = ret;
	unsigned commas = 0;

	for (size_t i = 0; i < value.len; i++)
		commas += value.ptr[i] == ',';
	if (commas >= ARRAY_SIZE(names))
		return &bad_value;
	for (unsigned left = commas + 1; left; left--) {
		struct slice word = slice_split(&value, ',');
		size_t i = 0;
		while (i < ARRAY_SIZE(names) && !slice_ieq(word, names[i].name))
			i++;
		if (i == ARRAY_SIZE(names) || r->notify & names[i].flag)
			return &bad_value;
		r->notify |= names[i].flag;
	}
	if (r->notify & SMTP_NOTIFY_NEVER && r->notify != SMTP_NOTIFY_NEVER)
		return &bad_value;
	return NULL;
}

static const struct smtp_text *
take_orcpt(struct slice value, bool has_value, void *ret)
{
	struct smtp_rcpt_args *r = ret;
	size_t semicolon = slice_find_byte(value, ';');

	if (value.len > SMTP_ORCPT_MAX || semicolon == SLICE_NPOS || !semicolon)
		return &bad_value;
	if (semicolon + 1 == value.len || !smtp_xtext_valid(value, true))
		return &bad_value;
	r->orcpt = value;
	return NULL;
}

static const struct param mail_params[] = {
	{S("SIZE"), take_size}, /* RFC 1870 */
	{S("BODY"), take_body}, /* RFC 6152, RFC 3030 */
	{S("SMTPUTF8"), take_smtputf8}, /* RFC 6531 */
	{S("RET"), take_ret}, /* RFC 3461 */
	{S("ENVID"), take_envid},
	{S("AUTH"), take_auth}, /* RFC 4954; the last one, see with_auth */
};

static const struct param rcpt_params[] = {
	{S("NOTIFY"), take_notify}, /* RFC 3461 */
	{S("ORCPT"), take_orcpt},
};

static const struct smtp_text *
take_one(struct slice word, const struct param *table, size_t n, unsigned *seen, void *ret)
{
	struct slice value = word, name;
	bool has_value;

	name = slice_split(&value, '=');
	has_value = name.len < word.len;
	for (size_t i = 0; i < n; i++) {
		if (!slice_ieq(name, table[i].name))
			continue;
		if (*seen & 1u << i)
			return &twice;
		*seen |= 1u << i;
		return table[i].take(value, has_value, ret);
	}
	return &unknown;
}

static const struct smtp_text *
take_all(struct slice args, const struct param *table, size_t n, void *ret)
{
	const struct smtp_text *bad = NULL;
	unsigned seen = 0;

	if (args.len && args.ptr[0] != ' ')
		return &bad_value;
	while (args.len && !bad) {
		struct slice word = slice_split(&args, ' ');
		if (word.len)
			bad = take_one(word, table, n, &seen, ret);
	}
	return bad;
}

/* A space between the colon and the path is common, wrong and harmless. */
static int
take_path(struct slice *args, unsigned flags, struct smtp_path *ret)
{
	struct address_smtp a;
	int err;

	while (args->len && args->ptr[0] == ' ')
		*args = slice_skip(*args, 1);
	err = address_smtp_path(args, flags | ADDRESS_UTF8, &a);
	if (err)
		return err;
	if (a.spec.len > SMTP_PATH_MAX)
		return LL_ERR_LIMIT;
	*ret = (struct smtp_path){a.spec, a.local, a.domain, a.utf8};
	return LL_OK;
}

const struct smtp_text *
smtp_mail_args_parse(struct slice args, bool with_auth, struct smtp_mail_args *ret)
{
	struct smtp_mail_args m = {.size = 0};
	const struct smtp_text *bad;

	if (take_path(&args, ADDRESS_NULL, &m.from))
		return &bad_sender;
	bad = take_all(args, mail_params, ARRAY_SIZE(mail_params) - !with_auth, &m);
	if (bad)
		return bad;
	if (m.from.utf8 && !m.smtputf8)
		return &not_utf8;
	*ret = m;
	return NULL;
}

const struct smtp_text *
smtp_rcpt_args_parse(struct slice args, bool smtputf8, struct smtp_rcpt_args *ret)
{
	struct smtp_rcpt_args r = {.notify = 0};
	const struct smtp_text *bad;

	if (take_path(&args, ADDRESS_POSTMASTER, &r.path))
		return &bad_recipient;
	bad = take_all(args, rcpt_params, ARRAY_SIZE(rcpt_params), &r);
	if (bad)
		return bad;
	if (r.path.utf8 && !smtputf8)
		return &not_utf8;
	*ret = r;
	return NULL;
}
