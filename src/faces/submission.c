/* The checks rest on one rule: what a reader will see as the author must be an address of the one
 * who signed in. So there is exactly one From field, everybody in it is permitted, and a Sender is
 * too. */
#include "faces/submission.h"
#include "base/error.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/auth_results.h"
#include "mail/build.h"
#include "mail/header.h"

#define SEPARATOR '+'

/* ---- Rights ---- */

static bool
has_key(const struct submission_rights *rights, struct slice key)
{
	for (size_t i = 0; i < rights->count; i++)
		if (slice_eq(rights->keys[i], key))
			return true;
	return false;
}

static bool
has_address(const struct submission_rights *rights, struct slice local, struct slice domain)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(ADDRESS_KEY_MAX);

	return address_key(&key, local, domain) == LL_OK && has_key(rights, buf_slice(&key));
}

static int
has_domain(const struct submission_rights *rights, struct slice domain, bool *ret)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(ADDRESS_KEY_MAX);
	int err;

	buf_putc(&key, '@');
	err = address_domain_ascii(&key, domain);
	if (!err)
		*ret = has_key(rights, buf_slice(&key));
	return err;
}

int
submission_may_use(const struct submission_rights *rights, struct slice local, struct slice domain,
	uint8_t separator)
{
	struct slice user, detail = SLICE_NONE;
	bool whole_domain;
	int err;

	if (!local.len || !domain.len)
		return LL_ERR_SYNTAX;
	err = has_domain(rights, domain, &whole_domain);
	if (err)
		return err;
	if (whole_domain || has_address(rights, local, domain))
		return LL_OK;
	if (separator)
		address_subaddress(local, separator, &user, &detail);
	return detail.ptr && has_address(rights, user, domain) ? LL_OK : LL_ERR_DENIED;
}

/* ---- The header as it came ---- */

struct seen {
	struct slice from, sender;
	unsigned froms, senders, dates, message_ids;
	bool malformed, utf8;
};

/* Not sent on: Bcc is nobody's business (RFC 6409 section 8 leaves it, RFC 5322 section 3.6.3 asks
 * for it), and Return-Path is the last host's to write (RFC 5321 section 4.4). */
static bool
is_dropped(struct slice name)
{
	static const struct slice names[] = {S("Bcc"), S("Resent-Bcc"), S("Return-Path")};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ieq(name, names[i]))
			return true;
	return false;
}

static void
look_at_field(struct seen *seen, const struct header_field *f)
{
	if (slice_ieq(f->name, S("From"))) {
		seen->froms++;
		seen->from = f->value;
	} else if (slice_ieq(f->name, S("Sender"))) {
		seen->senders++;
		seen->sender = f->value;
	} else if (slice_ieq(f->name, S("Date"))) {
		seen->dates++;
	} else if (slice_ieq(f->name, S("Message-ID"))) {
		seen->message_ids++;
	}
	if (!f->name.len)
		seen->malformed = true;
}

static struct seen
look_at_header(struct slice header)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;
	struct seen seen = {.utf8 = !is_ascii(header)};
	size_t end = 0;

	while (header_next(&it, &f)) {
		look_at_field(&seen, &f);
		end = f.offset + f.raw.len;
	}
	/* More fields than the iterator gives out would go unchecked. */
	if (slice_trim(slice_skip(header, end)).len)
		seen.malformed = true;
	return seen;
}

/* ---- Checks ---- */

static int
refuse(struct submission_result *ret, enum smtp_verdict verdict, const char *why)
{
	ret->verdict = verdict;
	ret->why = why;
	return LL_OK;
}

/* Everybody in the field is permitted; the first mailbox is returned. */
static int
check_list(const struct submission_options *o, struct slice value, struct arena *arena,
	struct submission_result *ret, const struct address **ret_first)
{
	struct address_list list;
	int err = address_list_parse(value, arena, &list);

	if (err)
		return err;
	*ret_first = NULL;
	if (list.damaged || list.truncated)
		return refuse(
			ret, SMTP_MALFORMED, "The From or Sender field is not a list of addresses");
	for (size_t i = 0; i < list.len; i++) {
		const struct address *a = &list.at[i];
		if (a->kind != ADDRESS_MAILBOX)
			return refuse(ret, SMTP_MALFORMED, "From and Sender take no groups");
		if (submission_may_use(o->rights, a->local, a->domain, SEPARATOR))
			return refuse(
				ret, SMTP_SENDER_DENIED, "The From or Sender address is not yours");
		if (!*ret_first)
			*ret_first = a;
	}
	if (!*ret_first)
		return refuse(ret, SMTP_MALFORMED, "The From or Sender field has no address");
	return LL_OK;
}

static int
check_fields(const struct submission_options *o, const struct seen *seen, struct arena *arena,
	struct submission_result *ret)
{
	CLEANUP(buf_done) struct buf spec = BUF_INIT(ADDRESS_KEY_MAX);
	const struct address *from, *sender;
	int err;

	if (seen->malformed)
		return refuse(ret, SMTP_MALFORMED, "The header has a line that is no field");
	if (!seen->froms)
		return refuse(ret, SMTP_MALFORMED, "The message has no From field");
	if (seen->froms > 1 || seen->senders > 1)
		return refuse(ret, SMTP_MALFORMED, "The message has two From or Sender fields");
	err = check_list(o, seen->from, arena, ret, &from);
	if (err || ret->verdict != SMTP_OK)
		return err;
	if (address_put_spec(&spec, from->local, from->domain))
		return spec.err == LL_ERR_LIMIT
			? refuse(ret, SMTP_MALFORMED, "The From address is too long")
			: spec.err;
	ret->from = arena_dup(arena, buf_slice(&spec));
	if (!ret->from.ptr)
		return LL_ERR_NOMEM;
	return seen->senders ? check_list(o, seen->sender, arena, ret, &sender) : LL_OK;
}

/* ---- The header to use ---- */

/* Nobody but this server says what it has found out (RFC 8601 section 5). */
static int
put_fields(struct slice header, struct slice hostname, struct buf *out)
{
	struct auth_results_ranges forged = {0};
	int err = auth_results_forged(header, hostname, &forged);
	struct header_iter it = header_iter_new(header);
	struct header_field f;
	size_t n = 0;

	while (!err && header_next(&it, &f)) {
		if (n < forged.len && forged.at[n].offset == f.offset)
			n++;
		else if (!is_dropped(f.name)) {
			buf_put(out, f.raw);
			if (!slice_ends(f.raw, S("\n")))
				buf_put(out, S("\r\n"));
		}
	}
	VEC_DONE(&forged);
	return err;
}

static int
put_message_id(const struct submission_options *o, struct slice from, struct buf *out)
{
	struct slice domain = slice_skip(from, slice_rfind_byte(from, '@') + 1);

	buf_puts(out, "Message-ID: ");
	if (build_message_id(out, slice_sub(o->random, 0, SUBMISSION_RANDOM), domain))
		return LL_ERR_INTERNAL; /* the domain was read by check_list */
	return buf_put(out, S("\r\n"));
}

static int
put_header(const struct submission_options *o, struct slice header, struct buf *out,
	struct submission_result *ret)
{
	smtp_received_put(out, o->received);
	if (put_fields(header, o->received->hostname, out))
		return LL_ERR_NOMEM;
	if (ret->added_date) {
		buf_puts(out, "Date: ");
		date_put_rfc5322(out, o->now);
		buf_put(out, S("\r\n"));
	}
	if (ret->added_message_id && put_message_id(o, ret->from, out))
		return out->err ? out->err : LL_ERR_INTERNAL;
	return buf_put(out, S("\r\n"));
}

int
submission_prepare(const struct submission_options *options, struct slice message,
	struct arena *arena, struct buf *out, struct submission_result *ret)
{
	struct submission_result r = {.verdict = SMTP_OK, .body = header_length(message)};
	struct slice header = slice_sub(message, 0, r.body);
	struct seen seen;
	int err = LL_OK;

	assert(options->random.len >= SUBMISSION_RANDOM);
	assert(options->received->service != SMTP_SERVICE_MX);
	if (r.body > SUBMISSION_HEADER_MAX) {
		refuse(&r, SMTP_MALFORMED, "The header is too long");
	} else {
		seen = look_at_header(header);
		r.header_utf8 = seen.utf8;
		r.added_date = !seen.dates;
		r.added_message_id = !seen.message_ids;
		err = check_fields(options, &seen, arena, &r);
	}
	if (!err && r.verdict == SMTP_OK)
		err = put_header(options, header, out, &r);
	if (!err)
		*ret = r;
	return err;
}
