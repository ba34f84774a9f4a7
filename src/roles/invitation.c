/* Registration and invitations: records, and the names that nobody can register. */
#include "roles/invitation.h"
#include "base/error.h"
#include "roles/web_row.h"
#include "store/service.h"

#include <string.h>

#define VALUE_MAX 1024

struct name_key {
	uint8_t bytes[4 + 32];
};

static struct name_key
key_of(const struct web_place *p, const char *prefix, const char *kind, struct slice name)
{
	struct name_key k;

	memcpy(k.bytes, prefix, 4);
	directory_name(p->keys, kind, name, k.bytes + 4);
	return k;
}

static int
write_value(const struct web_place *p, const struct name_key *k, struct slice value)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct store_op op = {.kind = value.len ? STORE_PUT : STORE_DEL, .key = SLICE_OF(k->bytes)};
	struct store_commit c = {
		.partition = store_directory, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};
	int r = value.len
		? directory_seal(p->keys, store_directory.b, SLICE_OF(k->bytes), value, &sealed)
		: LL_OK;

	op.value = buf_slice(&sealed);
	return r ? r : p->store ? store_commit_sync(p->store, &c, NULL) : LL_ERR_CLOSED;
}

/* --- domains --- */

int
registration_get(const struct web_place *p, struct slice domain, struct registration *ret)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct name_key k = key_of(p, "reg/", "registration", domain);
	struct reader rd;
	int r = web_row_get(p, SLICE_OF(k.bytes), &value);

	*ret = (struct registration){.mode = WEB_CLOSED};
	if (r)
		return r == LL_ERR_NOTFOUND ? LL_OK : r;
	rd = reader_new(buf_slice(&value));
	ret->mode = (enum web_registration)reader_u8(&rd);
	ret->quota = reader_be64(&rd);
	return reader_end(&rd) || ret->mode >= WEB_REGISTRATIONS ? LL_ERR_CORRUPT : LL_OK;
}

int
registration_set(const struct web_place *p, struct slice domain, const struct registration *g)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct name_key k = key_of(p, "reg/", "registration", domain);

	buf_putc(&value, (uint8_t)g->mode);
	buf_put_be64(&value, g->quota);
	return buf_err(&value) ? buf_err(&value) : write_value(p, &k, buf_slice(&value));
}

/* --- invitations --- */

static int
decode(struct slice in, struct invitation *ret)
{
	struct reader r = reader_new(in);
	struct slice code = reader_blob(&r), domain = reader_blob(&r);

	*ret = (struct invitation){.quota = reader_be64(&r)};
	ret->created = (int64_t)reader_be64(&r);
	ret->expires = (int64_t)reader_be64(&r);
	ret->uses = reader_be32(&r);
	if (reader_end(&r) || code.len != APP_PASSWORD_LEN || domain.len >= sizeof(ret->domain))
		return LL_ERR_CORRUPT;
	memcpy(ret->code, code.ptr, code.len);
	memcpy(ret->domain, domain.ptr, domain.len);
	return LL_OK;
}

int
invitation_find(const struct web_place *p, struct slice typed, struct invitation *ret)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct app_password code;
	struct name_key k;
	int r;

	if (typed.len > APP_PASSWORD_INPUT_MAX || app_password_parse(typed, &code))
		return LL_ERR_NOTFOUND;
	k = key_of(p, "inv/", "invitation", app_password_slice(&code));
	r = web_row_get(p, SLICE_OF(k.bytes), &value);
	return r ? r : decode(buf_slice(&value), ret);
}

int
invitation_put(const struct web_place *p, const struct invitation *v)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(VALUE_MAX);
	struct name_key k = key_of(p, "inv/", "invitation", slice_str(v->code));

	if (v->uses == 0)
		return write_value(p, &k, SLICE_NONE);
	buf_put_blob(&value, slice_str(v->code));
	buf_put_blob(&value, slice_str(v->domain));
	buf_put_be64(&value, v->quota);
	buf_put_be64(&value, (uint64_t)v->created);
	buf_put_be64(&value, (uint64_t)v->expires);
	buf_put_be32(&value, v->uses);
	return buf_err(&value) ? buf_err(&value) : write_value(p, &k, buf_slice(&value));
}

struct rows {
	const struct web_place *p;
	invitation_row *row;
	void *ctx;
};

static int
each_row(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(VALUE_MAX);
	struct rows *rows = ctx;
	struct invitation v;
	int r = directory_open(rows->p->keys, store_directory.b, key, value, &plain);

	if (r == LL_OK)
		r = decode(buf_slice(&plain), &v);
	return r ? r : rows->row(rows->ctx, &v);
}

int
invitation_each(const struct web_place *p, invitation_row *row, void *ctx)
{
	struct rows rows = {p, row, ctx};

	return p->store ? store_each(p->store, store_directory, S("inv/"), each_row, &rows)
			: LL_ERR_CLOSED;
}

/* --- names --- */

bool
reserved_name(struct slice local)
{
	static const char *const names[] = {/* RFC 2142, RFC 5321, RFC 7489's usual addresses */
		"abuse", "noc", "security", "postmaster", "hostmaster", "usenet", "news",
		"webmaster", "www", "uucp", "ftp", "info", "marketing", "sales", "support",
		"mailer-daemon", "dmarc", "dmarc-reports", "tlsrpt", "tls-reports", "certmaster",
		/* addresses that certificate authorities ask, and those of the system */
		"admin", "administrator", "root", "sysadmin", "system", "operator", "daemon",
		"ssladmin", "ssladministrator", "sslwebmaster", "is", "it", "mis",
		/* what people would trust */
		"help", "helpdesk", "contact", "billing", "account", "accounts", "service",
		"moderator", "staff", "team", "official", "letterlock", "mail", "email", "webmail",
		"smtp", "imap", "noreply", "no-reply", "nobody", "null", "anonymous", "everyone",
		"all", "list", "lists", "password", "login", "signup", "privacy", "legal",
		"compliance", "autodiscover", "autoconfig", "mta-sts", "openpgpkey"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ieq(local, slice_str(names[i])))
			return true;
	/* "owner-", "-request" and their like belong to lists (RFC 2142 section 6). */
	return slice_iends(local, S("-request")) || slice_istarts(local, S("owner-"));
}
