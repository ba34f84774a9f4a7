/* The record's encoding, and its place in the store. Auth is the only writer. */
#include "roles/web_account.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "mail/ip.h"
#include "roles/web_row.h"
#include "store/service.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_VERSION 1
#define RECORD_MAX ((size_t)60000)
#define REMEMBER_S (30 * 86400)
#define BRIEF_S (12 * 3600)
#define DAY_S 86400

static struct web_row_key
account_key(const uint8_t id[WEB_ID])
{
	return web_row_key("web/", slice_new(id, WEB_ID), SLICE_NONE);
}

static struct web_row_key
token_key(const uint8_t hash[WEB_HASH_LEN])
{
	return web_row_key("webt/", slice_new(hash, WEB_HASH_LEN), SLICE_NONE);
}

/* --- encoding --- */

static void
put_text(struct buf *out, const char *s)
{
	buf_put_blob(out, slice_str(s));
}

static void
put_factor(struct buf *out, const struct web_factor *f)
{
	buf_putc(out, (uint8_t)f->kind);
	buf_put(out, SLICE_OF(f->id));
	put_text(out, f->name);
	buf_put_be64(out, (uint64_t)f->created);
	buf_put_be64(out, (uint64_t)f->used);
	if (f->kind == WEB_FACTOR_TOTP) {
		buf_put(out, SLICE_OF(f->secret));
		buf_put_be64(out, f->step);
		return;
	}
	buf_put(out, SLICE_OF(f->unlocker));
	buf_put_be32(out, f->counter);
	buf_put_blob(out, slice_new(f->credential, f->credential_len));
	buf_put_blob(out, slice_new(f->key, f->key_len));
}

static void
put_session(struct buf *out, const struct web_session *s)
{
	buf_put(out, SLICE_OF(s->id));
	buf_put(out, SLICE_OF(s->hash));
	put_text(out, s->device);
	put_text(out, s->agent);
	buf_put(out, SLICE_OF(s->peer));
	buf_put_be64(out, (uint64_t)s->created);
	buf_put_be64(out, (uint64_t)s->seen);
	buf_put_be64(out, (uint64_t)s->confirmed);
	buf_putc(out, s->remember);
}

static int
encode(const struct web_account *a, struct buf *out)
{
	buf_putc(out, RECORD_VERSION);
	buf_putc(out, a->alerts);
	buf_put_varint(out, a->factors.len);
	VEC_EACH (f, &a->factors)
		put_factor(out, f);
	buf_put_varint(out, a->sessions.len);
	VEC_EACH (s, &a->sessions)
		put_session(out, s);
	buf_put_varint(out, a->uses.len);
	VEC_EACH (u, &a->uses) {
		buf_put(out, SLICE_OF(u->unlocker));
		buf_put_be32(out, u->day);
	}
	buf_put_varint(out, a->devices.len);
	VEC_EACH (d, &a->devices)
		buf_put(out, SLICE_OF(d->tag));
	return buf_err(out);
}

static void
get_text(struct reader *r, char *to, size_t max)
{
	to[reader_blob_copy(r, (uint8_t *)to, max)] = 0;
}

static void
get_factor(struct reader *r, struct web_factor *f)
{
	f->kind = (enum web_factor_kind)reader_u8(r);
	reader_copy(r, f->id, sizeof(f->id));
	get_text(r, f->name, WEB_NAME_MAX);
	f->created = (int64_t)reader_be64(r);
	f->used = (int64_t)reader_be64(r);
	if (f->kind == WEB_FACTOR_TOTP) {
		reader_copy(r, f->secret, sizeof(f->secret));
		f->step = reader_be64(r);
		return;
	}
	if (f->kind != WEB_FACTOR_PASSKEY)
		r->err = LL_ERR_SYNTAX;
	reader_copy(r, f->unlocker, sizeof(f->unlocker));
	f->counter = reader_be32(r);
	f->credential_len = (uint16_t)reader_blob_copy(r, f->credential, sizeof(f->credential));
	f->key_len = (uint16_t)reader_blob_copy(r, f->key, sizeof(f->key));
}

static void
get_session(struct reader *r, struct web_session *s)
{
	reader_copy(r, s->id, sizeof(s->id));
	reader_copy(r, s->hash, sizeof(s->hash));
	get_text(r, s->device, WEB_NAME_MAX);
	get_text(r, s->agent, WEB_AGENT_MAX);
	reader_copy(r, s->peer, sizeof(s->peer));
	s->created = (int64_t)reader_be64(r);
	s->seen = (int64_t)reader_be64(r);
	s->confirmed = (int64_t)reader_be64(r);
	s->remember = reader_u8(r);
}

static uint64_t
get_count(struct reader *r, uint64_t max)
{
	uint64_t n = reader_varint(r);

	if (n > max)
		r->err = LL_ERR_SYNTAX;
	return r->err ? 0 : n;
}

static int
decode(struct slice in, struct web_account *a)
{
	struct reader r = reader_new(in);
	uint64_t n;
	int e = LL_OK;

	if (reader_u8(&r) != RECORD_VERSION)
		return LL_ERR_CORRUPT;
	a->alerts = reader_u8(&r);
	n = get_count(&r, WEB_PASSKEYS_MAX + 1);
	for (uint64_t i = 0; i < n && !e && !r.err; i++) {
		struct web_factor f = {0};
		get_factor(&r, &f);
		e = VEC_PUSH(&a->factors, f);
		secret_wipe(&f, sizeof(f));
	}
	n = get_count(&r, WEB_SESSIONS_MAX);
	for (uint64_t i = 0; i < n && !e && !r.err; i++) {
		struct web_session s = {0};
		get_session(&r, &s);
		e = VEC_PUSH(&a->sessions, s);
	}
	n = get_count(&r, WEB_USES_MAX);
	for (uint64_t i = 0; i < n && !e && !r.err; i++) {
		struct web_use u = {0};
		reader_copy(&r, u.unlocker, sizeof(u.unlocker));
		u.day = reader_be32(&r);
		e = VEC_PUSH(&a->uses, u);
	}
	n = get_count(&r, WEB_DEVICES_MAX);
	for (uint64_t i = 0; i < n && !e && !r.err; i++) {
		struct web_device d = {0};
		reader_copy(&r, d.tag, sizeof(d.tag));
		e = VEC_PUSH(&a->devices, d);
	}
	return e ? e : reader_end(&r) ? LL_ERR_CORRUPT : LL_OK;
}

/* --- in the store --- */

void
web_account_free(struct web_account *a)
{
	if (!a)
		return;
	if (a->factors.at)
		secret_wipe(a->factors.at, a->factors.cap * sizeof(*a->factors.at));
	VEC_DONE(&a->factors);
	VEC_DONE(&a->sessions);
	VEC_DONE(&a->uses);
	VEC_DONE(&a->devices);
	VEC_DONE(&a->gone);
	free(a);
}

void
web_account_cleanup(struct web_account **a)
{
	web_account_free(*a);
}

int
web_account_load(const struct web_place *p, const uint8_t id[WEB_ID], struct web_account **ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(RECORD_MAX);
	CLEANUP(web_account_cleanup) struct web_account *a = calloc(1, sizeof(*a));
	struct web_row_key k = account_key(id);
	int r = a ? web_row_get(p, web_row_slice(&k), &plain) : LL_ERR_NOMEM;

	if (r == LL_OK)
		r = decode(buf_slice(&plain), a);
	else if (r == LL_ERR_NOTFOUND) {
		a->alerts = true;
		r = LL_OK;
	}
	if (r)
		return r;
	memcpy(a->id, id, WEB_ID);
	*ret = TAKE(a);
	return LL_OK;
}

static void
add_token(struct web_rows *w, const struct web_account *a, const struct web_session *s)
{
	uint8_t value[2 * WEB_ID];

	memcpy(value, a->id, WEB_ID);
	memcpy(value + WEB_ID, s->id, WEB_ID);
	web_rows_put(w, STORE_PUT, token_key(s->hash), SLICE_OF(value));
}

int
web_account_save(const struct web_place *p, struct web_account *a)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(RECORD_MAX);
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(p);
	int r = encode(a, &plain);

	if (r == LL_OK && (a->gone.len > WEB_SESSIONS_MAX || a->sessions.len > WEB_SESSIONS_MAX))
		r = LL_ERR_LIMIT;
	if (r)
		return r;
	web_rows_put(&w, STORE_PUT, account_key(a->id), buf_slice(&plain));
	VEC_EACH (s, &a->sessions)
		if (s->fresh)
			add_token(&w, a, s);
	VEC_EACH (g, &a->gone)
		web_rows_delete(&w, token_key(g->b));
	r = web_rows_commit(&w);
	if (r)
		return r;
	a->gone.len = 0;
	VEC_EACH (s, &a->sessions)
		s->fresh = false;
	return LL_OK;
}

int
web_account_drop(const struct web_place *p, const uint8_t id[WEB_ID])
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	CLEANUP(web_rows_done) struct web_rows w = WEB_ROWS_INIT(p);
	int r = web_account_load(p, id, &a);

	if (r)
		return r;
	web_rows_delete(&w, account_key(id));
	VEC_EACH (s, &a->sessions)
		web_rows_delete(&w, token_key(s->hash));
	return web_rows_commit(&w);
}

int
web_token_find(const struct web_place *p, struct slice token, uint8_t ret_account[WEB_ID],
	uint8_t ret_session[WEB_ID])
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(256);
	uint8_t hash[WEB_HASH_LEN];
	struct web_row_key k;
	int r;

	if (token.len != WEB_TOKEN_LEN)
		return LL_ERR_NOTFOUND;
	hash_sha256(token, hash);
	k = token_key(hash);
	r = web_row_get(p, web_row_slice(&k), &value);
	if (r || value.len != 2 * WEB_ID)
		return r ? r : LL_ERR_CORRUPT;
	memcpy(ret_account, value.ptr, WEB_ID);
	memcpy(ret_session, value.ptr + WEB_ID, WEB_ID);
	return LL_OK;
}

/* --- sessions --- */

struct web_session *
web_session_find(const struct web_account *a, const uint8_t id[WEB_ID])
{
	VEC_EACH (s, &a->sessions)
		if (memcmp(s->id, id, WEB_ID) == 0)
			return s;
	return NULL;
}

int64_t
web_session_end_time(const struct web_session *s)
{
	return s->seen + (s->remember ? REMEMBER_S : BRIEF_S);
}

int
web_session_remove(struct web_account *a, const uint8_t id[WEB_ID])
{
	for (size_t i = 0; i < a->sessions.len; i++) {
		struct web_hash g;
		if (memcmp(a->sessions.at[i].id, id, WEB_ID) != 0)
			continue;
		memcpy(g.b, a->sessions.at[i].hash, sizeof(g.b));
		if (VEC_PUSH(&a->gone, g))
			return LL_ERR_NOMEM;
		VEC_REMOVE(&a->sessions, i);
		return LL_OK;
	}
	return LL_ERR_NOTFOUND;
}

/* --- factors --- */

struct web_factor *
web_factor_find(const struct web_account *a, const uint8_t id[WEB_ID])
{
	VEC_EACH (f, &a->factors)
		if (memcmp(f->id, id, WEB_ID) == 0)
			return f;
	return NULL;
}

struct web_factor *
web_factor_totp(const struct web_account *a)
{
	VEC_EACH (f, &a->factors)
		if (f->kind == WEB_FACTOR_TOTP)
			return f;
	return NULL;
}

struct web_factor *
web_factor_passkey(const struct web_account *a, struct slice credential)
{
	VEC_EACH (f, &a->factors)
		if (f->kind == WEB_FACTOR_PASSKEY &&
			slice_eq(slice_new(f->credential, f->credential_len), credential))
			return f;
	return NULL;
}

bool
web_has_passkey(const struct web_account *a)
{
	VEC_EACH (f, &a->factors)
		if (f->kind == WEB_FACTOR_PASSKEY)
			return true;
	return false;
}

/* --- uses and devices --- */

bool
web_use_note(struct web_account *a, const uint8_t unlocker[WEB_ID], int64_t now)
{
	struct web_use fresh = {.day = (uint32_t)(now / DAY_S)};

	VEC_EACH (u, &a->uses) {
		bool news = u->day != fresh.day;
		if (memcmp(u->unlocker, unlocker, WEB_ID) != 0)
			continue;
		u->day = fresh.day;
		return news;
	}
	if (a->uses.len >= WEB_USES_MAX)
		VEC_REMOVE(&a->uses, 0);
	memcpy(fresh.unlocker, unlocker, WEB_ID);
	return VEC_PUSH(&a->uses, fresh) == LL_OK;
}

int64_t
web_use_last(const struct web_account *a, const uint8_t unlocker[WEB_ID])
{
	VEC_EACH (u, &a->uses)
		if (memcmp(u->unlocker, unlocker, WEB_ID) == 0)
			return (int64_t)u->day * DAY_S;
	return 0;
}

bool
web_device_note(struct web_account *a, struct slice agent, const uint8_t peer[16])
{
	uint8_t digest[HASH_SHA256_LEN];
	struct web_device d;
	struct hash h;

	hash_init(&h, HASH_SHA256);
	hash_put(&h, ip_network(peer));
	hash_put(&h, agent);
	hash_end(&h, digest);
	memcpy(d.tag, digest, sizeof(d.tag));
	VEC_EACH (known, &a->devices)
		if (memcmp(known->tag, d.tag, sizeof(d.tag)) == 0)
			return false;
	if (a->devices.len >= WEB_DEVICES_MAX)
		VEC_REMOVE(&a->devices, 0);
	return VEC_PUSH(&a->devices, d) == LL_OK;
}
