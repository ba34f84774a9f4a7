/* OAuth in auth: codes, and the tokens that they are turned into (docs/api/oauth.md). A token
 * stands for an app password that the page has made for one program, so that what holds for app
 * passwords holds for it: scope, expiry, the list of programs, revocation.
 *
 * Codes are in memory, and so short-lived that a restart may forget them. Of a refresh token one
 * row is kept: the present one and the one that follows it.
 *
 *	oauth/ account id, unlocker id      nonce, next nonce */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "faces/oauth.h"
#include "keys/account_keys.h"
#include "keys/kdf.h"
#include "keys/oauth_token.h"
#include "keys/verifier.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/web.h"
#include "roles/web_row.h"
#include "store/service.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define USED_S 600 /* a code that comes again is known for that long */
#define CODES_MAX 4096
#define CODES_OF_ACCOUNT 8

static_assert((int)OAUTH_IMAP == SCOPE_IMAP && (int)OAUTH_POP == SCOPE_POP &&
		(int)OAUTH_SMTP == SCOPE_SMTP && (int)OAUTH_JMAP == SCOPE_JMAP &&
		OAUTH_MAIL == SCOPE_AREA(RECORD_AREA_MAIL),
	"the same bits");
static_assert(OAUTH_TOKEN_MAX == WEB_OAUTH_TOKEN_MAX, "the form has room for a token");

struct code {
	uint8_t hash[OAUTH_HASH_LEN], binding[OAUTH_HASH_LEN];
	uint8_t account[WEB_ID], unlocker[WEB_ID];
	uint8_t sealed[OAUTH_SEALED_LEN];
	int64_t until; /* clock_unix */
	bool used;
};

static struct map *codes; /* hash -> struct code */
static struct loop_timer sweep_timer; /* for the code whose time is over next */

/* --- app passwords --- */

struct search {
	const uint8_t *id;
	struct verifier *to;
	bool found;
};

static int
look_at(void *ctx, const struct verifier *v)
{
	struct search *s = ctx;

	if (v->type == UNLOCK_APP && memcmp(v->id, s->id, WEB_ID) == 0) {
		*s->to = *v;
		s->found = true;
	}
	return LL_OK;
}

/* LL_ERR_NOTFOUND: revoked, or over. */
static int
find_password(const uint8_t account[WEB_ID], const uint8_t unlocker[WEB_ID], struct verifier *ret)
{
	struct search s = {.id = unlocker, .to = ret};
	int r = login_verifiers(account, look_at, &s);

	if (r)
		return r;
	return s.found && (ret->scope.expires == 0 || ret->scope.expires > clock_unix())
		? LL_OK
		: LL_ERR_NOTFOUND;
}

static struct web_row_key
row_key(const uint8_t account[WEB_ID], const uint8_t unlocker[WEB_ID])
{
	return web_row_key("oauth/", slice_new(account, WEB_ID), slice_new(unlocker, WEB_ID));
}

static void
drop_row(const uint8_t account[WEB_ID], const uint8_t unlocker[WEB_ID])
{
	const struct web_place p = web_place();
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(&p);
	int r;

	web_rows_delete(&w, row_key(account, unlocker));
	r = web_rows_commit(&w);
	if (r)
		log_warn("oauth-row", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* Only its owner can take an unlocker out of the signed manifest. Until then it stands in their
 * list as one that has ended, and opens nothing. One that was never given to anybody has ended when
 * it was made: it is not shown, and goes with the next one that the owner's page makes. */
static int
end_password(const uint8_t account[WEB_ID], const uint8_t unlocker[WEB_ID], bool given)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(VERIFIER_MAX);
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(VERIFIER_MAX + 256);
	struct account_key key = account_key_verifier(unlocker);
	struct store_op op = {.kind = STORE_PUT, .key = account_key_slice(&key)};
	struct store_commit commit = {.expect = STORE_ANY_VERSION, .ops = &op, .n = 1};
	struct verifier v;
	int r = find_password(account, unlocker, &v);

	if (r)
		return r == LL_ERR_NOTFOUND ? LL_OK : r;
	v.scope.expires = given ? clock_unix() : MAX(1, MIN(v.created, clock_unix()));
	memcpy(commit.partition.b, account, sizeof(commit.partition.b));
	r = verifier_encode(&v, &plain);
	if (r == LL_OK)
		r = directory_seal(auth.keys, account, op.key, buf_slice(&plain), &sealed);
	op.value = buf_slice(&sealed);
	if (r == LL_OK)
		r = store_commit_sync(auth.store, &commit, NULL);
	secret_wipe(&v, sizeof(v));
	if (r)
		return r;
	drop_row(account, unlocker);
	if (given)
		control_sign_out(account, unlocker);
	return LL_OK;
}

/* --- codes --- */

static void
code_free(struct code *c)
{
	(void)map_del(codes, SLICE_OF(c->hash));
	secret_wipe(c, sizeof(*c));
	free(c);
}

/* Nobody has the app password of a code that was not used in time. */
static void
give_up(const struct code *c)
{
	int r;

	if (c->used)
		return;
	log_info("oauth-code", "why=%s", "nobody-came");
	r = end_password(c->account, c->unlocker, false);
	if (r)
		log_warn("oauth-code", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

static void
on_sweep(void *ctx)
{
	web_oauth_sweep();
}

void
web_oauth_sweep(void)
{
	int64_t now = clock_unix(), next = INT64_MAX;
	size_t pos = 0;
	void *value;

	while (codes && map_next(codes, &pos, NULL, &value)) {
		struct code *c = value;
		if (c->until > now) {
			next = MIN(next, c->until);
			continue;
		}
		give_up(c);
		code_free(c);
	}
	if (next != INT64_MAX &&
		loop_timer_set(auth.env->loop, &sweep_timer, (next - now) * 1000, on_sweep, NULL))
		log_warn("oauth-code", "error=%s", log_quote(slice_str(ll_strerror(LL_ERR_NOMEM))));
}

static unsigned
codes_of(const uint8_t account[WEB_ID])
{
	unsigned n = 0;
	size_t pos = 0;
	void *value;

	while (map_next(codes, &pos, NULL, &value)) {
		const struct code *c = value;
		n += !c->used && memcmp(c->account, account, WEB_ID) == 0;
	}
	return n;
}

static int
code_new(const struct web_call *call, const struct web_oauth_grant *m)
{
	struct code *c;

	if (!codes && !(codes = map_new()))
		return LL_ERR_NOMEM;
	web_oauth_sweep();
	if (map_len(codes) >= CODES_MAX || codes_of(call->owner.id) >= CODES_OF_ACCOUNT)
		return LL_ERR_AGAIN;
	if (map_get(codes, m->code_hash))
		return LL_ERR_EXISTS;
	c = calloc(1, sizeof(*c));
	if (!c)
		return LL_ERR_NOMEM;
	memcpy(c->hash, m->code_hash.ptr, sizeof(c->hash));
	memcpy(c->account, call->owner.id, WEB_ID);
	memcpy(c->unlocker, m->unlocker, WEB_ID);
	memcpy(c->sealed, m->sealed.ptr, sizeof(c->sealed));
	oauth_binding(m->client_id, m->redirect_uri, m->challenge, c->binding);
	c->until = clock_unix() + auth.env->config.oauth_code;
	if (map_set(codes, SLICE_OF(c->hash), c, NULL)) {
		free(c);
		return LL_ERR_NOMEM;
	}
	web_oauth_sweep(); /* which sees to it that this one's time is not missed */
	return LL_OK;
}

struct row_id {
	uint8_t b[WEB_ID];
};
struct row_ids {
	VEC(struct row_id) v;
};

static int
add_row_id(void *ctx, struct slice key, struct slice value)
{
	struct row_ids *ids = ctx;
	struct row_id id;

	if (key.len < WEB_ID)
		return LL_ERR_CORRUPT;
	memcpy(id.b, key.ptr + key.len - WEB_ID, WEB_ID);
	return VEC_PUSH(&ids->v, id);
}

/* The rows of app passwords that their owner has revoked, or all. */
static void
drop_rows(const uint8_t account[WEB_ID], bool all)
{
	struct web_row_key prefix = web_row_key("oauth/", slice_new(account, WEB_ID), SLICE_NONE);
	struct row_ids ids = {.v = {0}};
	struct verifier v;
	int r = auth.store
		? store_each(auth.store, store_directory, web_row_slice(&prefix), add_row_id, &ids)
		: LL_ERR_CLOSED;

	if (r)
		log_warn("oauth-row", "error=%s", log_quote(slice_str(ll_strerror(r))));
	VEC_EACH (id, &ids.v)
		if (all || find_password(account, id->b, &v) == LL_ERR_NOTFOUND)
			drop_row(account, id->b);
	VEC_DONE(&ids.v);
}

void
web_oauth_forget(const uint8_t account[WEB_ID])
{
	drop_rows(account, true);
}

int
web_oauth_grant(struct web_call *c, struct slice body)
{
	struct web_oauth_grant m;
	struct verifier v;
	int r = web_oauth_grant_get(body, &m);

	if (r)
		return r;
	if (m.code_hash.len != OAUTH_HASH_LEN || m.sealed.len != OAUTH_SEALED_LEN ||
		m.challenge.len != OAUTH_CODE_LEN || m.client_id.len == 0 ||
		m.redirect_uri.len == 0)
		return LL_ERR_SYNTAX;
	r = find_password(c->owner.id, m.unlocker, &v);
	if (r)
		return r;
	drop_rows(c->owner.id, false);
	return code_new(c, &m);
}

/* --- tokens --- */

static int
refused(struct web_call *c, const char *why)
{
	log_info("oauth-refused", "why=%s", why);
	return web_fail(
		c, LL_ERR_AUTH, "invalid_grant", "This is not valid, or not valid any more.");
}

struct chain {
	uint8_t nonce[OAUTH_NONCE_LEN], next[OAUTH_NONCE_LEN];
};

static int
chain_load(const struct oauth_token *t, struct chain *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(sizeof(*ret));
	struct web_row_key key = row_key(t->account, t->unlocker);
	const struct web_place p = web_place();
	int r = web_row_get(&p, web_row_slice(&key), &plain);

	if (r)
		return r;
	if (plain.len != sizeof(*ret))
		return LL_ERR_CORRUPT;
	memcpy(ret, plain.ptr, sizeof(*ret));
	return LL_OK;
}

static int
chain_save(const struct oauth_token *t, const struct chain *chain)
{
	const struct web_place p = web_place();
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(&p);

	web_rows_put(
		&w, STORE_PUT, row_key(t->account, t->unlocker), slice_new(chain, sizeof(*chain)));
	return web_rows_commit(&w);
}

/* Both tokens for the app password in t, whose refresh token gets this nonce. */
static int
issue(struct web_call *c, struct oauth_token *t, const uint8_t nonce[OAUTH_NONCE_LEN],
	const struct scope *scope)
{
	CLEANUP(buf_done) struct buf access = BUF_SECRET(OAUTH_TOKEN_MAX);
	CLEANUP(buf_done) struct buf refresh = BUF_SECRET(OAUTH_TOKEN_MAX);
	int64_t now = clock_unix(), ends = now + auth.env->config.access_token;
	int r;

	if (scope->expires && scope->expires < ends)
		ends = scope->expires;
	memcpy(t->nonce, nonce, sizeof(t->nonce));
	t->expires = 0;
	r = oauth_token_seal(auth.keys, OAUTH_REFRESH, t, &refresh);
	memset(t->nonce, 0, sizeof(t->nonce));
	t->expires = ends;
	if (r == LL_OK)
		r = oauth_token_seal(auth.keys, OAUTH_ACCESS, t, &access);
	return r ? r
		 : web_oauth_tokens_put(&c->answer,
			   &(struct web_oauth_tokens){.access = buf_slice(&access),
				   .refresh = buf_slice(&refresh),
				   .expires_in = (uint32_t)(ends - now),
				   .areas = scope->areas,
				   .protocols = scope->protocols});
}

/* Nobody but its owner can know it, and its owner is there. */
static int
owner_is_active(const uint8_t account[WEB_ID])
{
	struct directory_account a;
	int r = directory_account(auth.directory, account, &a);

	return r ? r : a.disabled ? LL_ERR_NOTFOUND : LL_OK;
}

static int
open_code(struct code *k, const struct web_oauth_code *m, struct oauth_token *t)
{
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(64);
	uint8_t binding[OAUTH_HASH_LEN];

	if (oauth_challenge(m->verifier, &challenge))
		return LL_ERR_AUTH;
	oauth_binding(m->client_id, m->redirect_uri, buf_slice(&challenge), binding);
	if (!secret_eq(binding, k->binding, sizeof(binding)))
		return LL_ERR_AUTH;
	memcpy(t->account, k->account, WEB_ID);
	memcpy(t->unlocker, k->unlocker, WEB_ID);
	hash_sha256(m->client_id, t->client);
	return oauth_code_open(m->code, binding, SLICE_OF(k->sealed), &t->password);
}

static int
first_tokens(struct web_call *c, const struct code *k, struct oauth_token *t)
{
	struct chain chain = {};
	struct verifier v;
	int r = owner_is_active(k->account);

	if (r == LL_OK)
		r = find_password(k->account, k->unlocker, &v);
	randombytes_buf(chain.nonce, sizeof(chain.nonce));
	if (r == LL_OK)
		r = chain_save(t, &chain);
	if (r == LL_OK)
		r = issue(c, t, chain.nonce, &v.scope);
	return r == LL_ERR_NOTFOUND ? refused(c, "revoked") : r;
}

/* A code that comes with the wrong proof, or for a second time, has been stolen, and so may be what
 * it was turned into (RFC 9700, section 4.5): that ends. */
int
web_oauth_code(struct web_call *c, struct slice body)
{
	struct oauth_token t = {};
	uint8_t hash[OAUTH_HASH_LEN];
	struct web_oauth_code m;
	struct code *k;
	int r = web_oauth_code_get(body, &m);

	if (r == LL_OK)
		r = web_take_network(c, WEB_RULE_NETWORK);
	if (r)
		return r;
	web_oauth_sweep();
	oauth_code_hash(m.code, hash);
	k = codes ? map_get(codes, SLICE_OF(hash)) : NULL;
	if (!k)
		return refused(c, "code-unknown");
	r = k->used ? LL_ERR_AUTH : open_code(k, &m, &t);
	if (r) {
		r = end_password(k->account, k->unlocker, true);
		if (r == LL_OK)
			code_free(k);
		return r ? r : refused(c, "code-misused");
	}
	r = first_tokens(c, k, &t);
	secret_wipe(&t, sizeof(t));
	if (r)
		return r; /* it may be tried again until its time is over */
	k->used = true;
	k->until = clock_unix() + USED_S;
	secret_wipe(k->sealed, sizeof(k->sealed));
	web_limits_give(web_limits(), WEB_RULE_NETWORK, ip_network(c->m->peer.ptr), clock_ms());
	return LL_OK;
}

/* LL_ERR_AUTH: not one of this server for that program. */
static int
open_token(const struct web_oauth_token *m, enum oauth_kind kind, struct oauth_token *ret)
{
	uint8_t client[OAUTH_HASH_LEN];
	struct oauth_token t;
	int r = oauth_token_open(auth.keys, kind, m->token, &t);

	if (r)
		return r;
	hash_sha256(m->client_id, client);
	if (secret_eq(client, t.client, sizeof(client)))
		*ret = t;
	else
		r = LL_ERR_AUTH;
	secret_wipe(&t, sizeof(t));
	return r;
}

/* Each refresh token is followed by another (RFC 9700, section 4.14.2). The present one is good
 * until its follower is used, since the answer that brought that may have been lost. */
static int
advance(const struct oauth_token *t, struct chain *chain)
{
	static const uint8_t none[OAUTH_NONCE_LEN];
	int r = chain_load(t, chain);

	if (r)
		return r;
	if (secret_eq(t->nonce, chain->next, sizeof(none)) &&
		!secret_eq(t->nonce, none, sizeof(none)))
		memcpy(chain->nonce, chain->next, sizeof(chain->nonce));
	else if (!secret_eq(t->nonce, chain->nonce, sizeof(chain->nonce)))
		return LL_ERR_AUTH;
	randombytes_buf(chain->next, sizeof(chain->next));
	return chain_save(t, chain);
}

static int
next_tokens(struct web_call *c, struct oauth_token *t)
{
	struct chain chain;
	struct verifier v;
	int r = owner_is_active(t->account);

	if (r == LL_OK)
		r = find_password(t->account, t->unlocker, &v);
	if (r == LL_OK)
		r = advance(t, &chain);
	if (r == LL_ERR_AUTH) {
		r = end_password(t->account, t->unlocker, true);
		return r ? r : refused(c, "token-used-before");
	}
	if (r == LL_ERR_NOTFOUND)
		return refused(c, "revoked");
	return r ? r : issue(c, t, chain.next, &v.scope);
}

/* What a program brings; as many as its network may try. */
static int
take_token(struct web_call *c, struct slice body, struct web_oauth_token *ret)
{
	int r = web_oauth_token_get(body, ret);

	return r ? r : web_take_network(c, WEB_RULE_NETWORK);
}

int
web_oauth_refresh(struct web_call *c, struct slice body)
{
	struct web_oauth_token m;
	struct oauth_token t;
	int r = take_token(c, body, &m);

	if (r)
		return r;
	if (open_token(&m, OAUTH_REFRESH, &t))
		return refused(c, "token-unknown");
	r = next_tokens(c, &t);
	secret_wipe(&t, sizeof(t));
	if (r == LL_OK)
		web_limits_give(
			web_limits(), WEB_RULE_NETWORK, ip_network(c->m->peer.ptr), clock_ms());
	return r;
}

/* RFC 7009: either token ends all that was granted. One that is none is as good as revoked. */
int
web_oauth_revoke(struct web_call *c, struct slice body)
{
	struct web_oauth_token m;
	struct oauth_token t;
	int r = take_token(c, body, &m);

	if (r)
		return r;
	if (open_token(&m, OAUTH_REFRESH, &t) && open_token(&m, OAUTH_ACCESS, &t))
		return LL_OK;
	r = end_password(t.account, t.unlocker, true);
	secret_wipe(&t, sizeof(t));
	return r;
}
