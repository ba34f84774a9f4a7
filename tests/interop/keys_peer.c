/* The server's keys code as a process that other implementations are tested against: a line with a
 * command and hexadecimal arguments in, "ok" with hexadecimal results or "err" and a name out. "-"
 * stands for nothing. Numbers are decimal. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/account_owner.h"
#include "keys/keyring.h"
#include "keys/owner_priv.h"
#include "keys/suites.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 12
#define OUT_MAX ((size_t)8 << 20)
#define LINE_MAX_LEN ((size_t)4 << 20)

struct args {
	size_t n;
	struct buf v[ARGS_MAX]; /* decoded; numbers as they stand in text */
	const char *text[ARGS_MAX];
};

/* What lives from one command to the next. */
static struct {
	struct opaque_server server;
	struct opaque_login login;
	struct opaque_client *client;
	struct key_records records;
	struct account_owner *owner;
	struct app_password code;
} st;

static struct buf out = {.max = OUT_MAX};

static void
put(struct slice s)
{
	(void)buf_putc(&out, ' ');
	if (s.len)
		(void)hex_encode(&out, s);
	else
		(void)buf_putc(&out, '-');
}

static void
put_number(uint64_t n)
{
	(void)buf_printf(&out, " %llu", (unsigned long long)n);
}

static struct slice
arg(const struct args *a, size_t i)
{
	return i < a->n ? buf_slice(&a->v[i]) : SLICE_NONE;
}

static uint64_t
number(const struct args *a, size_t i)
{
	return i < a->n ? strtoull(a->text[i], NULL, 10) : 0;
}

/* An argument of exactly n bytes, or zeros: a test that sends less sees its own mistake. */
static const uint8_t *
fixed(const struct args *a, size_t i, size_t n)
{
	static const uint8_t zeros[2048];

	return arg(a, i).len == n ? arg(a, i).ptr : zeros;
}

/* --- records --- */

/* want's header comes as the 87 bytes that stand in a record. */
static int
want_of(const struct args *a, size_t i, struct record_want *ret)
{
	*ret = (struct record_want){.any = 0};
	return record_parse(arg(a, i), &ret->header);
}

static int
cmd_sym_seal(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sym_seal(fixed(a, 0, RECORD_KEY_LEN), &want.header, arg(a, 2), &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_sym_open(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sym_open(fixed(a, 0, RECORD_KEY_LEN), &want, arg(a, 2), NULL, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_kem_seal(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_sender *s = NULL;
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sender_new(fixed(a, 0, XWING_PUBLIC_LEN), 0, &s);
	if (!err)
		err = record_kem_seal(s, &want.header, arg(a, 2), &b);
	record_sender_free(s);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_kem_open(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_opener *o = NULL;
	struct record_want want;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_opener_new(fixed(a, 0, XWING_SEED_LEN), &o);
	if (!err)
		err = record_kem_open(o, &want, arg(a, 2), NULL, &b);
	record_opener_free(o);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_sig_seal(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct record_want want;
	struct ed25519_key key;
	int err = want_of(a, 1, &want);

	ed25519_key_init(&key, fixed(a, 0, ED25519_SEED_LEN));
	if (!err)
		err = record_sig_seal(&key, &want.header, arg(a, 2), &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_sig_open(const struct args *a)
{
	struct record_want want;
	struct slice body;
	int err = want_of(a, 1, &want);

	if (!err)
		err = record_sig_open(
			fixed(a, 0, ED25519_PUBLIC_LEN), &want, arg(a, 2), NULL, &body);
	if (!err)
		put(body);
	return err;
}

static int
cmd_verify(const struct args *a)
{
	return ed25519_verify(
		fixed(a, 0, ED25519_PUBLIC_LEN), arg(a, 1), fixed(a, 2, ED25519_SIG_LEN));
}

static int
cmd_public_check(const struct args *a)
{
	return ed25519_public_check(fixed(a, 0, ED25519_PUBLIC_LEN));
}

/* --- unlockers --- */

static int
cmd_unlock_keys(const struct args *a)
{
	struct unlock_keys k;
	int err = unlock_derive((enum unlock_type)number(a, 0), arg(a, 1),
		fixed(a, 2, RECORD_ID_LEN), fixed(a, 3, RECORD_ID_LEN), &k);
	uint8_t hash[32];

	if (err)
		return err;
	unlock_auth_hash(k.auth, hash);
	put(SLICE_OF(k.auth));
	put(SLICE_OF(k.anchor));
	put(SLICE_OF(k.kem));
	put(SLICE_OF(hash));
	return LL_OK;
}

static int
cmd_scram(const struct args *a)
{
	uint8_t client[SCRAM_KEY_LEN];
	struct scram_verifier v;
	int err = scram_derive(arg(a, 0), arg(a, 1), (uint32_t)number(a, 2), client, &v);

	if (err)
		return err;
	put(SLICE_OF(client));
	put(SLICE_OF(v.stored_key));
	put(SLICE_OF(v.server_key));
	return LL_OK;
}

static int
cmd_code(const struct args *a)
{
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];
	struct app_password p;
	int err = app_password_parse(arg(a, 0), &p);

	if (err)
		return err;
	app_password_group(&p, grouped);
	put(app_password_slice(&p));
	put(slice_str(grouped));
	return LL_OK;
}

/* The verifier decoded and encoded again. */
static int
cmd_verifier(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(VERIFIER_MAX);
	struct verifier v;
	int err = verifier_decode(arg(a, 0), &v);

	if (!err)
		err = verifier_encode(&v, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

/* Bodies, decoded and encoded again. */

static int
cmd_anchor(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(ANCHOR_BODY_MAX);
	struct anchor anchor;
	int err = anchor_decode(arg(a, 0), &anchor);

	if (!err)
		err = anchor_encode(&anchor, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_manifest(const struct args *a)
{
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	int err = manifest_decode(arg(a, 0), &m);

	if (!err)
		err = manifest_encode(m, &b);
	if (!err)
		put(buf_slice(&b));
	return err;
}

static int
cmd_keyring(const struct args *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
	struct keyring k;
	int err = keyring_decode(arg(a, 0), &k);

	if (err)
		return err;
	err = keyring_encode(&k, &b);
	keyring_done(&k);
	if (!err)
		put(buf_slice(&b));
	return err;
}

/* --- OPAQUE --- */

static int
cmd_opaque_server(const struct args *a)
{
	memcpy(st.server.oprf_seed, fixed(a, 0, OPAQUE_OPRF_SEED_LEN), OPAQUE_OPRF_SEED_LEN);
	return opaque_server_keypair(&st.server, fixed(a, 1, OPAQUE_SEED_LEN));
}

static int
cmd_opaque_register(const struct args *a)
{
	uint8_t response[OPAQUE_RESPONSE_LEN];
	int err = opaque_server_register(&st.server, arg(a, 0), arg(a, 1), response);

	if (!err)
		put(SLICE_OF(response));
	return err;
}

static int
cmd_opaque_login(const struct args *a)
{
	const struct opaque_params p = OPAQUE_SUITE;
	uint8_t ke2[OPAQUE_KE2_LEN];
	int err = opaque_server_login(
		&st.server, &p, arg(a, 0), arg(a, 1), arg(a, 2), NULL, &st.login, ke2);

	if (!err)
		put(SLICE_OF(ke2));
	return err;
}

static int
cmd_opaque_finish(const struct args *a)
{
	int err = opaque_server_finish(&st.login, arg(a, 0));

	if (!err)
		put(SLICE_OF(st.login.session_key));
	return err;
}

static int
client_new(const struct args *a)
{
	const struct opaque_params p = OPAQUE_SUITE;

	opaque_client_free(TAKE(st.client));
	return opaque_client_new(&p, arg(a, 0), &st.client);
}

static int
cmd_client_register(const struct args *a)
{
	uint8_t request[OPAQUE_REQUEST_LEN];
	int err = client_new(a);

	if (!err)
		err = opaque_client_register_start(st.client, NULL, request);
	if (!err)
		put(SLICE_OF(request));
	return err;
}

static int
cmd_client_register_finish(const struct args *a)
{
	uint8_t record[OPAQUE_RECORD_LEN], key[OPAQUE_HASH_LEN];
	int err = st.client ? opaque_client_register_finish(st.client, arg(a, 0), NULL, record, key)
			    : LL_ERR_STATE;

	if (err)
		return err;
	put(SLICE_OF(record));
	put(SLICE_OF(key));
	return LL_OK;
}

static int
cmd_client_login(const struct args *a)
{
	uint8_t ke1[OPAQUE_KE1_LEN];
	int err = client_new(a);

	if (!err)
		err = opaque_client_login_start(st.client, NULL, ke1);
	if (!err)
		put(SLICE_OF(ke1));
	return err;
}

static int
cmd_client_login_finish(const struct args *a)
{
	uint8_t ke3[OPAQUE_KE3_LEN], key[OPAQUE_HASH_LEN], session[OPAQUE_HASH_LEN];
	int err = st.client ? opaque_client_login_finish(st.client, arg(a, 0), ke3, key, session)
			    : LL_ERR_STATE;

	if (err)
		return err;
	put(SLICE_OF(ke3));
	put(SLICE_OF(key));
	put(SLICE_OF(session));
	return LL_OK;
}

/* --- the account --- */

static int
cmd_record_put(const struct args *a)
{
	for (size_t i = 0; i < st.records.v.len; i++)
		if (slice_eq(st.records.v.at[i].key, arg(a, 0))) {
			free(st.records.v.at[i].mem);
			VEC_REMOVE(&st.records.v, i);
			break;
		}
	return key_records_row(&st.records, arg(a, 0), arg(a, 1));
}

static int
cmd_records_clear(const struct args *a)
{
	(void)a;
	key_records_done(&st.records);
	return LL_OK;
}

/* account unlocker type secret now [identity seq hash] */
static void
open_of(const struct args *a, struct account_pin *pin, struct account_open *ret)
{
	*ret = (struct account_open){.type = (enum unlock_type)number(a, 2),
		.secret = arg(a, 3),
		.records = &st.records,
		.now = (int64_t)number(a, 4)};
	memcpy(ret->account, fixed(a, 0, RECORD_ID_LEN), RECORD_ID_LEN);
	memcpy(ret->unlocker, fixed(a, 1, RECORD_ID_LEN), RECORD_ID_LEN);
	if (a->n < 8)
		return;
	memcpy(pin->identity, fixed(a, 5, ED25519_PUBLIC_LEN), ED25519_PUBLIC_LEN);
	pin->seq = number(a, 6);
	memcpy(pin->hash, fixed(a, 7, MANIFEST_HASH_LEN), MANIFEST_HASH_LEN);
	ret->pin = pin;
}

static void
put_secret(const struct area_secret *s)
{
	put_number((uint64_t)s->area);
	put_number(s->version);
	put(SLICE_OF(s->key));
}

/* Area secrets, three results each. */
static int
cmd_unlock(const struct args *a)
{
	struct account_unlocked *u = NULL;
	struct account_open open;
	struct account_pin pin;
	int err;

	open_of(a, &pin, &open);
	err = account_unlock(&open, &u);
	for (size_t i = 0; !err && i < account_unlocked_len(u); i++)
		put_secret(account_unlocked_at(u, i));
	account_unlocked_free(u);
	return err;
}

static int
cmd_owner_new(const struct args *a)
{
	account_owner_free(TAKE(st.owner));
	return account_owner_new(fixed(a, 0, RECORD_ID_LEN), (int64_t)number(a, 1), &st.owner);
}

static int
cmd_owner_open(const struct args *a)
{
	struct account_open open;
	struct account_pin pin;

	account_owner_free(TAKE(st.owner));
	open_of(a, &pin, &open);
	return account_owner_open(&open, &st.owner);
}

static int
put_verifier(const struct verifier *v)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(VERIFIER_MAX);
	int err = verifier_encode(v, &b);

	if (!err)
		put(buf_slice(&b));
	return err;
}

/* record export-key rotate now */
static int
cmd_owner_password(const struct args *a)
{
	struct verifier v;
	int err = account_owner_add_password(st.owner, fixed(a, 0, OPAQUE_RECORD_LEN),
		fixed(a, 1, OPAQUE_HASH_LEN), number(a, 2) != 0, (int64_t)number(a, 3), &v);

	return err ? err : put_verifier(&v);
}

static int
cmd_owner_recovery(const struct args *a)
{
	struct verifier v;
	int err = account_owner_add_recovery(st.owner, (int64_t)number(a, 0), &st.code, &v);

	if (!err)
		err = put_verifier(&v);
	if (!err)
		put(app_password_slice(&st.code));
	return err;
}

/* areas protocols expires name now */
static int
cmd_owner_app(const struct args *a)
{
	const struct scope scope = {
		(unsigned)number(a, 0), (unsigned)number(a, 1), (int64_t)number(a, 2)};
	struct verifier v;
	int err = account_owner_add_app(
		st.owner, &scope, arg(a, 3), (int64_t)number(a, 4), &st.code, &v);

	if (!err)
		err = put_verifier(&v);
	if (!err)
		put(app_password_slice(&st.code));
	return err;
}

static int
cmd_owner_revoke(const struct args *a)
{
	return account_owner_revoke(st.owner, fixed(a, 0, RECORD_ID_LEN), number(a, 1) != 0);
}

static int
cmd_owner_rotate(const struct args *a)
{
	return account_owner_rotate(st.owner, (unsigned)number(a, 0));
}

static int
cmd_owner_openpgp(const struct args *a)
{
	return account_owner_add_openpgp(st.owner, arg(a, 0), arg(a, 1));
}

/* identity seq hash, then kind key value of each change. */
static int
cmd_owner_commit(const struct args *a)
{
	struct key_changes c = {.v = {0}};
	struct account_pin pin;
	int err = account_owner_commit(st.owner, (int64_t)number(a, 0), &c, &pin);

	if (err)
		return err;
	put(SLICE_OF(pin.identity));
	put_number(pin.seq);
	put(SLICE_OF(pin.hash));
	for (size_t i = 0; i < c.v.len; i++) {
		put_number(c.v.at[i].kind);
		put(c.v.at[i].key);
		put(c.v.at[i].value);
	}
	key_changes_done(&c);
	return LL_OK;
}

/* The keyring's body. */
static int
cmd_owner_keyring(const struct args *a)
{
	CLEANUP(buf_wipe) struct buf b = BUF_INIT(KEYRING_BODY_MAX);
	int err = keyring_encode(&st.owner->keyring, &b);

	(void)a;
	if (!err)
		put(buf_slice(&b));
	return err;
}

static const struct command {
	const char *name;
	int (*run)(const struct args *a);
	bool needs_owner;
} commands[] = {
	{"sym-seal", cmd_sym_seal, false},
	{"sym-open", cmd_sym_open, false},
	{"kem-seal", cmd_kem_seal, false},
	{"kem-open", cmd_kem_open, false},
	{"sig-seal", cmd_sig_seal, false},
	{"sig-open", cmd_sig_open, false},
	{"verify", cmd_verify, false},
	{"public-check", cmd_public_check, false},
	{"unlock-keys", cmd_unlock_keys, false},
	{"scram", cmd_scram, false},
	{"code", cmd_code, false},
	{"verifier", cmd_verifier, false},
	{"anchor", cmd_anchor, false},
	{"manifest", cmd_manifest, false},
	{"keyring", cmd_keyring, false},
	{"opaque-server", cmd_opaque_server, false},
	{"opaque-register", cmd_opaque_register, false},
	{"opaque-login", cmd_opaque_login, false},
	{"opaque-finish", cmd_opaque_finish, false},
	{"client-register", cmd_client_register, false},
	{"client-register-finish", cmd_client_register_finish, false},
	{"client-login", cmd_client_login, false},
	{"client-login-finish", cmd_client_login_finish, false},
	{"record-put", cmd_record_put, false},
	{"records-clear", cmd_records_clear, false},
	{"unlock", cmd_unlock, false},
	{"owner-new", cmd_owner_new, false},
	{"owner-open", cmd_owner_open, false},
	{"owner-password", cmd_owner_password, true},
	{"owner-recovery", cmd_owner_recovery, true},
	{"owner-app", cmd_owner_app, true},
	{"owner-revoke", cmd_owner_revoke, true},
	{"owner-rotate", cmd_owner_rotate, true},
	{"owner-openpgp", cmd_owner_openpgp, true},
	{"owner-commit", cmd_owner_commit, true},
	{"owner-keyring", cmd_owner_keyring, true},
};

static const char *
error_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{LL_ERR_SYNTAX, "syntax"},
		{LL_ERR_AUTH, "auth"},
		{LL_ERR_LIMIT, "limit"},
		{LL_ERR_UNSUPPORTED, "unsupported"},
		{LL_ERR_NOTFOUND, "notfound"},
		{LL_ERR_DENIED, "denied"},
		{LL_ERR_STATE, "state"},
		{LL_ERR_RANGE, "range"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].err == err)
			return names[i].name;
	return ll_strerror(err);
}

static int
run(const char *name, const struct args *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].needs_owner && !st.owner ? LL_ERR_STATE
								    : commands[i].run(a);
	return LL_ERR_UNSUPPORTED;
}

/* Arguments are kept as text and, where they are hexadecimal, as bytes. */
static void
split(char *line, const char **ret_name, struct args *ret)
{
	char *rest = NULL;

	*ret_name = strtok_r(line, " ", &rest);
	for (char *s; *ret_name && ret->n < ARGS_MAX && (s = strtok_r(NULL, " ", &rest));) {
		struct buf *b = &ret->v[ret->n];

		*b = BUF_INIT(LINE_MAX_LEN);
		ret->text[ret->n++] = s;
		if (hex_decode(b, slice_str(s)) != LL_OK)
			buf_reset(b);
	}
}

static void
answer(char *line)
{
	struct args a = {.n = 0};
	const char *name;
	int err;

	buf_reset(&out);
	split(line, &name, &a);
	err = name ? run(name, &a) : LL_ERR_SYNTAX;
	if (err)
		printf("err %s\n", error_name(err));
	else
		printf("ok%.*s\n", SLICE_ARG(buf_slice(&out)));
	fflush(stdout);
	for (size_t i = 0; i < a.n; i++)
		buf_wipe(&a.v[i]);
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (sodium_init() < 0 || suites_init() != LL_OK)
		return 1;
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		answer(line);
	}
	free(line);
	account_owner_free(st.owner);
	opaque_client_free(st.client);
	key_records_done(&st.records);
	buf_wipe(&out);
	return 0;
}
