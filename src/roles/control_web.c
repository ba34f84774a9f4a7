/* What the operator decides about the web: who may register, and help for who lost a second
 * factor. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "mail/address.h"
#include "os/clock.h"
#include "roles/control.h"
#include "roles/invitation.h"
#include "roles/language.h"
#include "roles/web.h"

#include <stdio.h>
#include <string.h>

/* One of our domains, as the directory writes it. */
static int
own_domain(struct control *c, struct slice name, struct buf *ret)
{
	int r = directory_domain(auth.directory, name);

	if (r == LL_OK)
		r = address_domain_ascii(ret, name);
	return r == LL_ERR_NOTFOUND || r == LL_ERR_SYNTAX
		? control_fail(c, LL_ERR_NOTFOUND, "it is not one of our domains")
		: r;
}

int
control_invitation_add(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256);
	const struct web_place p = web_place();
	struct app_password code;
	struct control_invite m;
	struct invitation v = {.created = clock_unix()};
	int r = control_invite_get(body, &m);

	if (r == LL_OK && (m.uses == 0 || m.expires > INT64_MAX))
		r = LL_ERR_SYNTAX;
	if (r == LL_OK)
		r = own_domain(c, m.name, &domain);
	if (r)
		return r;
	app_password_make(&code);
	memcpy(v.code, code.text, sizeof(v.code));
	snprintf(v.domain, sizeof(v.domain), "%.*s", SLICE_ARG(buf_slice(&domain)));
	v.quota = m.quota;
	v.expires = (int64_t)m.expires;
	v.uses = m.uses;
	r = invitation_put(&p, &v);
	return r ? r
		 : control_text_put(&c->answer, &(struct control_text){.text = slice_str(v.code)});
}

static int
list_invitation(void *ctx, const struct invitation *v)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096);
	struct control_invitation m = {.code = slice_str(v->code),
		.name = slice_str(v->domain),
		.quota = v->quota,
		.created = (uint64_t)v->created,
		.expires = (uint64_t)v->expires,
		.uses = v->uses};
	int r = control_invitation_put(&item, &m);

	return r ? r : control_list_add(ctx, buf_slice(&item));
}

int
control_invitation_list(struct control *c, struct slice body)
{
	CLEANUP(control_list_done) struct control_list list = {.items = BUF_INIT(0)};
	const struct web_place p = web_place();
	int r = control_list_begin(&list, body);

	if (r == LL_OK)
		r = invitation_each(&p, list_invitation, &list);
	return control_list_end(c, &list, r);
}

int
control_invitation_revoke(struct control *c, struct slice body)
{
	const struct web_place p = web_place();
	struct invitation v;
	struct control_name m;
	int r = control_name_get(body, &m);

	if (r == LL_OK)
		r = invitation_find(&p, m.name, &v);
	if (r == LL_ERR_NOTFOUND)
		return control_fail(c, r, "there is no such invitation");
	v.uses = 0;
	return r ? r : invitation_put(&p, &v);
}

int
control_registration(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256);
	const struct web_place p = web_place();
	struct registration g;
	struct control_name m;
	int r = control_name_get(body, &m);

	if (r == LL_OK)
		r = own_domain(c, m.name, &domain);
	if (r == LL_OK)
		r = registration_get(&p, buf_slice(&domain), &g);
	return r ? r
		 : control_registration_put(&c->answer,
			   &(struct control_registration){.name = buf_slice(&domain),
				   .mode = (uint8_t)g.mode,
				   .quota = g.quota});
}

int
control_registration_set(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256);
	const struct web_place p = web_place();
	struct control_registration m;
	struct registration g;
	int r = control_registration_get(body, &m);

	if (r == LL_OK && m.mode >= WEB_REGISTRATIONS)
		r = LL_ERR_SYNTAX;
	if (r == LL_OK)
		r = own_domain(c, m.name, &domain);
	if (r)
		return r;
	g = (struct registration){.mode = (enum web_registration)m.mode, .quota = m.quota};
	r = registration_set(&p, buf_slice(&domain), &g);
	if (r == LL_OK)
		log_info(
			"registration", "domain=%s mode=%d", log_quote(buf_slice(&domain)), m.mode);
	return r;
}

int
control_factors_remove(struct control *c, struct slice body)
{
	struct directory_account a;
	int r = control_find_named(c, body, &a);

	if (r)
		return r;
	r = web_factors_clear(&a);
	if (r == LL_ERR_NOTFOUND)
		return control_fail(c, r, "the account has no second factor");
	if (r == LL_OK)
		log_info("factors-removed", "address=%s", log_quote(slice_str(a.address)));
	return r;
}

/* --- an owner's keys --- */

/* Whoever changes how an account is opened, its owner hears of it, as after a change on the web. */
int
control_owner_update(struct control *c, struct slice body)
{
	struct control_verifiers m;
	struct directory_account a;
	int r = control_verifiers_get(body, &m);

	if (r == LL_OK)
		r = control_keys_update(c, body);
	if (r == LL_OK && directory_account(auth.directory, c->owner.account, &a) == LL_OK)
		web_alert_unlockers(&a, NULL, m.items);
	return r;
}

/* --- languages --- */

static int
account_language(struct control *c, const struct control_pair *m, enum language *l)
{
	struct directory_account a;
	int r = control_find(c, m->name, &a);

	if (r == LL_OK && m->other.len)
		return language_account_set(&a, *l);
	if (r == LL_OK)
		*l = language_account(&a);
	return r;
}

static int
domain_language(struct control *c, const struct control_pair *m, enum language *l)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(256);
	int r = own_domain(c, m->name, &domain);

	if (r == LL_OK && m->other.len)
		return language_domain_set(buf_slice(&domain), *l);
	if (r == LL_OK)
		*l = language_domain(buf_slice(&domain));
	return r;
}

int
control_language(struct control *c, struct slice body)
{
	enum language l = LANGUAGE_NONE;
	struct control_pair m;
	int r = control_pair_get(body, &m);

	if (r == LL_OK && language_parse(m.other, &l))
		return control_fail(c, LL_ERR_SYNTAX, "the languages are en, de and fr, or none");
	if (r == LL_OK)
		r = slice_find_byte(m.name, '@') == SLICE_NPOS ? domain_language(c, &m, &l)
							       : account_language(c, &m, &l);
	return r ? r
		 : control_text_put(
			   &c->answer, &(struct control_text){.text = slice_str(language_code(l))});
}
