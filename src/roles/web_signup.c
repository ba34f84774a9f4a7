/* Making an account without the operator: with an invitation, or by work where a domain is open. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "mail/address.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/invitation.h"
#include "roles/language.h"
#include "roles/web.h"

#include <stdio.h>
#include <string.h>

static struct web_work *work;

static struct web_work *
the_work(void)
{
	uint8_t key[32];

	if (work)
		return work;
	directory_name(auth.keys, "work", SLICE_NONE, key);
	work = web_work_new(key);
	secret_wipe(key, sizeof(key));
	return work;
}

/* The domain of an address, as it is written in the directory. */
static int
domain_of(struct slice address, struct slice *ret_local, struct buf *ret_domain)
{
	size_t at = slice_rfind_byte(address, '@');

	if (at == SLICE_NPOS || at == 0)
		return LL_ERR_SYNTAX;
	*ret_local = slice_sub(address, 0, at);
	return address_domain_ascii(ret_domain, slice_skip(address, at + 1));
}

/* --- what is possible --- */

int
web_signup_domains(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(1 << 20), items = BUF_INIT(CONTROL_ITEMS_MAX);
	const struct web_place p = web_place();
	struct slice rest;
	int r = directory_domains(auth.directory, &lines);

	rest = buf_slice(&lines);
	while (r == LL_OK && rest.len) {
		CLEANUP(buf_done) struct buf item = BUF_INIT(1024);
		struct web_domain m = {.name = slice_line(&rest)};
		struct registration g;
		r = registration_get(&p, m.name, &g);
		if (r || g.mode == WEB_CLOSED)
			continue;
		m.registration = (uint8_t)g.mode;
		r = web_domain_put(&item, &m);
		if (r == LL_OK)
			r = control_items_add(&items, buf_slice(&item));
	}
	return r ? r
		 : web_domains_put(&c->answer, &(struct web_domains){.domains = buf_slice(&items)});
}

int
web_signup_work(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(4096);
	uint8_t challenge[WEB_WORK_CHALLENGE_LEN];
	struct web_work_form answer = {.memory = WEB_WORK_MEMORY_KIB, .passes = WEB_WORK_PASSES};
	struct web_address m;
	int r = web_address_get(body, &m);

	if (r == LL_OK)
		r = directory_key(m.address, &key);
	if (r || !the_work())
		return r ? r : LL_ERR_NOMEM;
	web_work_challenge(the_work(), buf_slice(&key), clock_unix(), challenge, &answer.bits);
	answer.challenge = SLICE_OF(challenge);
	return web_work_form_put(&c->answer, &answer);
}

/* --- beginning --- */

static int
invited(struct web_call *c, const struct web_begin *m, struct slice domain, struct web_flow *f)
{
	const struct web_place p = web_place();
	struct invitation v;
	int r = invitation_find(&p, m->invitation, &v);

	if (r == LL_ERR_NOTFOUND ||
		(r == LL_OK &&
			((v.expires && v.expires < clock_unix()) ||
				!slice_eq(slice_str(v.domain), domain))))
		return web_fail(c, LL_ERR_DENIED, "denied", "This invitation is not valid here.");
	if (r)
		return r;
	snprintf(f->invitation, sizeof(f->invitation), "%s", v.code);
	f->quota = v.quota;
	return LL_OK;
}

static int
worked(struct web_call *c, const struct web_begin *m, struct web_flow *f)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(4096);
	int r = directory_key(m->address, &key);

	if (r || !the_work())
		return r ? r : LL_ERR_NOMEM;
	r = web_work_check(the_work(), buf_slice(&key), clock_unix(), m->challenge, m->nonce);
	return r == LL_ERR_DENIED
		? web_fail(c, r, "denied", "The proof of work is not right, or not valid any more.")
		: r;
}

static int
may_register(struct web_call *c, const struct web_begin *m, struct web_flow *f)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(1024);
	const struct web_place p = web_place();
	struct registration g;
	struct slice local;
	int r = domain_of(m->address, &local, &domain);

	if (r == LL_OK)
		r = registration_get(&p, buf_slice(&domain), &g);
	if (r)
		return r;
	f->quota = g.quota;
	if (g.mode == WEB_CLOSED)
		return web_fail(c, LL_ERR_DENIED, "denied", "Nobody can register there.");
	if (reserved_name(local))
		return web_fail(c, LL_ERR_DENIED, "reserved", "This name is reserved.");
	if (m->invitation.len || g.mode == WEB_INVITATION)
		return invited(c, m, buf_slice(&domain), f);
	return worked(c, m, f);
}

static int
begin(struct web_call *c, const struct web_begin *m, struct web_flow *f)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	struct web_begun answer;
	struct control_id id;
	int r = may_register(c, m, f);

	if (r == LL_OK)
		r = control_name_put(&name, &(struct control_name){.name = m->address});
	if (r == LL_OK)
		r = web_control(c, f, control_account_begin, buf_slice(&name));
	if (r == LL_OK)
		r = control_id_get(buf_slice(&f->control.answer), &id);
	if (r)
		return r;
	memcpy(answer.handle, f->id, sizeof(answer.handle));
	memcpy(answer.account, id.id, sizeof(answer.account));
	return web_begun_put(&c->answer, &answer);
}

int
web_account_begin(struct web_call *c, struct slice body)
{
	struct web_begin m;
	struct web_flow *f;
	int r = web_begin_get(body, &m);

	if (r == LL_OK)
		r = web_take_network(c, WEB_RULE_SIGNUP);
	if (r == LL_OK)
		r = web_flow_new(c, FLOW_SIGNUP, &f);
	if (r)
		return r;
	r = begin(c, &m, f);
	if (r)
		web_flow_free(f);
	return r;
}

/* --- going on --- */

int
web_account_register(struct web_call *c, struct slice body)
{
	struct web_register m;
	struct web_flow *f;
	int r = web_register_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_SIGNUP, &f);
	return r ? r : web_register_with(c, f, control_account_register, m.request);
}

/* Takes one use of the invitation; it must still have one. */
static int
use_invitation(struct web_call *c, const struct web_flow *f)
{
	const struct web_place p = web_place();
	struct invitation v;
	int r = invitation_find(&p, slice_str(f->invitation), &v);

	if (r == LL_ERR_NOTFOUND)
		return web_fail(c, LL_ERR_DENIED, "denied", "The invitation was used up.");
	if (r)
		return r;
	v.uses--;
	return invitation_put(&p, &v);
}

static void
give_back(const struct web_flow *f, const struct invitation *before)
{
	const struct web_place p = web_place();
	struct invitation v;
	int r = invitation_find(&p, slice_str(f->invitation), &v);

	if (r == LL_ERR_NOTFOUND) {
		v = *before;
		v.uses = 0;
		r = LL_OK;
	}
	v.uses++;
	if (r == LL_OK)
		r = invitation_put(&p, &v);
	if (r)
		log_error("invitation", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

static int
create(struct web_call *c, struct web_flow *f, const struct web_create *m)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct control_create create = {
		.quota = f->quota, .identity = m->identity, .items = m->verifiers};
	const struct web_place p = web_place();
	struct invitation before = {0};
	int r = control_create_put(&body, &create);

	if (r == LL_OK && f->invitation[0])
		(void)!invitation_find(&p, slice_str(f->invitation), &before);
	if (r == LL_OK && f->invitation[0])
		r = use_invitation(c, f);
	if (r)
		return r;
	r = web_control(c, f, control_account_create, buf_slice(&body));
	if (r && f->invitation[0])
		give_back(f, &before);
	return r;
}

/* The account is made and stays, whatever comes of this. */
static void
set_language(const struct web_flow *f, uint8_t language)
{
	struct directory_account a;
	int r = directory_account(auth.directory, f->control.new_account, &a);

	if (r == LL_OK && language && language < LANGUAGES)
		r = language_account_set(&a, (enum language)language);
	if (r)
		log_warn("language", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

int
web_account_create(struct web_call *c, struct slice body)
{
	struct web_create m;
	struct web_flow *f;
	int r = web_create_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_SIGNUP, &f);
	if (r)
		return r;
	r = create(c, f, &m);
	if (r) {
		web_flow_free(f);
		return r;
	}
	set_language(f, m.language);
	f->remember = m.remember;
	if (m.device.len)
		memcpy(f->device, m.device.ptr, m.device.len);
	return web_sign_in(c, f);
}
