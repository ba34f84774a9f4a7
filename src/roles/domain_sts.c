/* The MTA-STS policies that our domains publish (RFC 8461): kept with the directory, served by the
 * frontend. A record's value is the time of the last change, then the policy's text. */
#include "base/error.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/mtasts.h"
#include "os/clock.h"
#include "roles/control.h"
#include "store/service.h"

#include <string.h>

#define PREFIX "sts/"
#define KEY_LEN (sizeof(PREFIX) - 1 + 32)
#define TEXT_MAX ((size_t)16384)

/* One of our domains, as the directory writes it. */
static int
own_domain(struct slice name, struct buf *ret)
{
	int r = directory_domain(auth.directory, name);

	return r ? r : address_domain_ascii(ret, name);
}

static void
key_of(struct slice domain, uint8_t ret[KEY_LEN])
{
	memcpy(ret, PREFIX, sizeof(PREFIX) - 1);
	directory_name(auth.keys, "mta-sts", domain, ret + sizeof(PREFIX) - 1);
}

/* LL_ERR_NOTFOUND: the domain has none. */
static int
policy_get(struct slice domain, struct buf *ret_text, uint64_t *ret_changed)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	CLEANUP(buf_done) struct buf value = BUF_INIT(TEXT_MAX + 8);
	uint8_t key[KEY_LEN];
	struct reader rd;
	int r;

	key_of(domain, key);
	r = auth.store ? store_get(auth.store, store_directory, SLICE_OF(key), &sealed)
		       : LL_ERR_CLOSED;
	if (r == LL_OK)
		r = directory_open(
			auth.keys, store_directory.b, SLICE_OF(key), buf_slice(&sealed), &value);
	if (r)
		return r;
	rd = reader_new(buf_slice(&value));
	*ret_changed = reader_be64(&rd);
	return rd.err ? LL_ERR_CORRUPT : buf_put(ret_text, rd.rest);
}

static int
policy_set(struct slice domain, struct slice text, uint64_t changed)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	CLEANUP(buf_done) struct buf value = BUF_INIT(TEXT_MAX + 8);
	uint8_t key[KEY_LEN];
	struct store_op op = {.kind = STORE_PUT, .key = SLICE_OF(key)};
	struct store_commit c = {
		.partition = store_directory, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};
	int r;

	key_of(domain, key);
	buf_put_be64(&value, changed);
	r = buf_put(&value, text);
	if (r == LL_OK)
		r = directory_seal(
			auth.keys, store_directory.b, SLICE_OF(key), buf_slice(&value), &sealed);
	op.value = buf_slice(&sealed);
	return r ? r : auth.store ? store_commit_sync(auth.store, &c, NULL) : LL_ERR_CLOSED;
}

int
control_sts(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256), text = BUF_INIT(TEXT_MAX);
	struct control_sts answer = {.changed = 0};
	struct control_name m;
	int r = control_name_get(body, &m);

	if (r)
		return r;
	r = own_domain(m.name, &domain);
	if (r)
		return control_fail(c, r, "it is not one of our domains");
	r = policy_get(buf_slice(&domain), &text, &answer.changed);
	if (r && r != LL_ERR_NOTFOUND)
		return r;
	answer.name = buf_slice(&domain);
	answer.text = buf_slice(&text);
	return control_sts_put(&c->answer, &answer);
}

/* A policy that leaves this server out would keep mail away from it. */
static const char *
objection(struct slice text)
{
	struct mtasts_policy p;

	if (mtasts_policy_parse(text, &p))
		return "this is not a policy";
	if (p.mode != MTASTS_MODE_NONE &&
		!mtasts_mx_match(&p, slice_str(auth.env->config.hostname)))
		return "the policy does not name this server";
	return NULL;
}

/* The time is the policy's id: it must change with the text, and only then. */
int
control_sts_set(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256), old = BUF_INIT(TEXT_MAX);
	uint64_t before = 0, now = (uint64_t)clock_unix();
	struct control_sts m;
	int r = control_sts_get(body, &m);

	if (r)
		return r;
	if (objection(m.text))
		return control_fail(c, LL_ERR_SYNTAX, objection(m.text));
	r = own_domain(m.name, &domain);
	if (r)
		return control_fail(c, r, "it is not one of our domains");
	r = policy_get(buf_slice(&domain), &old, &before);
	if (r && r != LL_ERR_NOTFOUND)
		return r;
	if (r == LL_OK && slice_eq(buf_slice(&old), m.text))
		return LL_OK;
	r = policy_set(buf_slice(&domain), m.text, MAX(now, before + 1));
	if (r == LL_OK)
		log_info("mta-sts", "domain=%s", log_quote(buf_slice(&domain)));
	return r;
}

void
domain_sts_query(struct ipc_channel *frontend, const struct msg_sts_query *m)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256), text = BUF_INIT(TEXT_MAX);
	uint64_t changed;
	int r = own_domain(m->domain, &domain);

	if (r == LL_OK)
		r = policy_get(buf_slice(&domain), &text, &changed);
	(void)ipc_send_sts_reply(frontend,
		&(struct msg_sts_reply){
			.id = m->id, .err = (uint8_t)-r, .policy = buf_slice(&text)},
		-1);
}
