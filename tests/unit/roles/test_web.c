/* What auth keeps for the web, over a real store: factors, sessions and tokens, invitations; limits
 * on attempts; proof of work. */
#include "base/error.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "roles/invitation.h"
#include "roles/web_account.h"
#include "roles/web_limit.h"
#include "roles/web_work.h"
#include "store/embedded.h"
#include "t.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

static struct directory_keys keys;
static struct web_place place;
static const uint8_t alice[WEB_ID] = {1}, bob[WEB_ID] = {2};

static void
set_up(void)
{
	static const uint8_t boot[BOOT_SECRET_LEN] = {7};
	static char dir[256];
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/letterlock-web-XXXXXX", tmp ? tmp : "/tmp");
	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(server_keys_directory(boot, &keys), 0);
	CHECK_INT(store_embedded_open(dir, NULL, &place.store), 0);
	place.keys = &keys;
}

static struct web_account *
load(const uint8_t id[WEB_ID])
{
	struct web_account *a = NULL;

	CHECK_INT(web_account_load(&place, id, &a), LL_OK);
	return a;
}

static void
add_session(struct web_account *a, uint8_t number, uint8_t token[WEB_TOKEN_LEN])
{
	struct web_session s = {.fresh = true, .seen = 1000, .created = 900, .device = "D"};

	memset(token, number, WEB_TOKEN_LEN);
	memset(s.id, number, sizeof(s.id));
	hash_sha256(slice_new(token, WEB_TOKEN_LEN), s.hash);
	CHECK_INT(VEC_PUSH(&a->sessions, s), LL_OK);
}

static void
an_account_without_a_record(void)
{
	struct web_account *a = load(alice);

	CHECK(a->alerts && a->factors.len == 0 && a->sessions.len == 0);
	CHECK(memcmp(a->id, alice, WEB_ID) == 0);
	web_account_free(a);
}

static void
factors_are_kept(void)
{
	struct web_account *a = load(alice);
	struct web_factor totp = {.kind = WEB_FACTOR_TOTP, .id = {3}, .name = "phone", .step = 77},
			  key = {.kind = WEB_FACTOR_PASSKEY,
				  .id = {4},
				  .counter = 9,
				  .credential_len = WEBAUTHN_ID_MAX,
				  .key_len = WEBAUTHN_KEY_MAX,
				  .unlocker = {5}};

	totp.secret[19] = 0xaa;
	key.credential[WEBAUTHN_ID_MAX - 1] = 0xbb;
	CHECK_INT(VEC_PUSH(&a->factors, totp), LL_OK);
	for (uint8_t i = 0; i < WEB_PASSKEYS_MAX; i++) {
		key.id[0] = (uint8_t)(4 + i);
		key.credential[0] = i;
		CHECK_INT(VEC_PUSH(&a->factors, key), LL_OK);
	}
	a->alerts = false;
	CHECK_INT(web_account_save(&place, a), LL_OK);
	web_account_free(a);
	a = load(alice);
	CHECK_INT(a->factors.len, 1 + WEB_PASSKEYS_MAX);
	CHECK(!a->alerts && web_has_passkey(a));
	CHECK_INT(web_factor_totp(a)->step, 77);
	CHECK_INT(web_factor_totp(a)->secret[19], 0xaa);
	CHECK_INT(web_factor_find(a, key.id)->unlocker[0], 5);
	CHECK(web_factor_passkey(a, SLICE_OF(key.credential)) != NULL);
	CHECK(web_factor_passkey(a, S("x")) == NULL);
	web_account_free(a);
	a = load(bob);
	CHECK(a->factors.len == 0 && a->alerts);
	web_account_free(a);
}

static void
tokens_are_found_by_their_hash(void)
{
	uint8_t one[WEB_TOKEN_LEN], two[WEB_TOKEN_LEN], account[WEB_ID], session[WEB_ID];
	struct web_account *a = load(bob);

	add_session(a, 11, one);
	add_session(a, 12, two);
	CHECK_INT(web_token_find(&place, SLICE_OF(one), account, session), LL_ERR_NOTFOUND);
	CHECK_INT(web_account_save(&place, a), LL_OK);
	CHECK_INT(web_token_find(&place, SLICE_OF(one), account, session), LL_OK);
	CHECK(memcmp(account, bob, WEB_ID) == 0);
	CHECK_INT(session[0], 11);
	CHECK_INT(web_token_find(&place, slice_new(one, 31), account, session), LL_ERR_NOTFOUND);
	one[0] ^= 1;
	CHECK_INT(web_token_find(&place, SLICE_OF(one), account, session), LL_ERR_NOTFOUND);
	one[0] ^= 1;
	memset(session, 11, sizeof(session));
	CHECK_INT(web_session_remove(a, session), LL_OK);
	CHECK_INT(web_session_remove(a, session), LL_ERR_NOTFOUND);
	CHECK_INT(web_account_save(&place, a), LL_OK);
	CHECK_INT(web_token_find(&place, SLICE_OF(one), account, session), LL_ERR_NOTFOUND);
	CHECK_INT(web_token_find(&place, SLICE_OF(two), account, session), LL_OK);
	CHECK(web_session_find(a, session) != NULL);
	web_account_free(a);
	CHECK_INT(web_account_drop(&place, bob), LL_OK);
	CHECK_INT(web_token_find(&place, SLICE_OF(two), account, session), LL_ERR_NOTFOUND);
	a = load(bob);
	CHECK_INT(a->sessions.len, 0);
	web_account_free(a);
}

static void
sessions_end(void)
{
	struct web_session s = {.seen = 1000000};

	CHECK(web_session_end_time(&s) == 1000000 + 12 * 3600);
	s.remember = true;
	CHECK(web_session_end_time(&s) == 1000000 + 30 * 86400);
}

static void
uses_and_devices(void)
{
	static const uint8_t here[16] = {0x20, 1}, there[16] = {0x20, 2};
	uint8_t unlocker[WEB_ID] = {1};
	struct web_account *a = load(bob);

	CHECK(web_use_last(a, unlocker) == 0);
	CHECK(web_use_note(a, unlocker, 86400 * 3 + 5));
	CHECK(!web_use_note(a, unlocker, 86400 * 4 - 1));
	CHECK(web_use_note(a, unlocker, 86400 * 4));
	CHECK(web_use_last(a, unlocker) == 86400 * 4);
	CHECK(web_device_note(a, S("Firefox"), here));
	CHECK(!web_device_note(a, S("Firefox"), here));
	CHECK(web_device_note(a, S("Firefox"), there));
	CHECK(web_device_note(a, S("Chrome"), here));
	for (uint8_t i = 0; i < 200; i++) {
		unlocker[0] = i;
		web_use_note(a, unlocker, 1);
		(void)web_device_note(a, slice_new(&i, 1), here);
	}
	CHECK_INT(a->uses.len, WEB_USES_MAX);
	CHECK_INT(a->devices.len, WEB_DEVICES_MAX);
	CHECK_INT(web_account_save(&place, a), LL_OK);
	web_account_free(a);
	a = load(bob);
	CHECK_INT(a->devices.len, WEB_DEVICES_MAX);
	CHECK(!web_device_note(a, S("\xc7"), here)); /* 199 */
	web_account_free(a);
}

static void
pictures_of_one_account(void)
{
	struct web_limits *l = web_limits_new();
	int64_t now = 5000000;
	unsigned n = 0;

	while (n < 100000 && web_limits_take(l, WEB_RULE_PICTURE, SLICE_OF(alice), now) == 0)
		n++;
	CHECK(n >= 1000 && n < 10000); /* enough to page through newsletters, and no more */
	CHECK_INT(web_limits_take(l, WEB_RULE_PICTURE, SLICE_OF(alice), now), 1);
	CHECK_INT(web_limits_take(l, WEB_RULE_PICTURE, SLICE_OF(bob), now), 0);
	CHECK_INT(web_limits_take(l, WEB_RULE_PICTURE, SLICE_OF(alice), now + 1000), 0);
	CHECK_INT(web_limits_take(l, WEB_RULE_PICTURE, SLICE_OF(alice), now + 1000), 1);
	web_limits_free(l);
}

static void
limits(void)
{
	struct web_limits *l = web_limits_new();
	int64_t now = 1000000;
	uint32_t wait;

	for (int i = 0; i < 10; i++)
		CHECK_INT(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now), 0);
	wait = web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now);
	CHECK_INT(wait, 60);
	CHECK_INT(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("b"), now), 0);
	CHECK_INT(web_limits_take(l, WEB_RULE_ADDRESS, S("a"), now), 0);
	CHECK(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now + 59000) > 0);
	CHECK_INT(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now + 60000), 0);
	CHECK(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now + 60000) > 0);
	web_limits_give(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now + 60000);
	CHECK_INT(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now + 60000), 0);
	/* It never holds more than the burst, however long nobody came. */
	now += (int64_t)1 << 50;
	for (int i = 0; i < 10; i++)
		CHECK_INT(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now), 0);
	CHECK(web_limits_take(l, WEB_RULE_ADDRESS_NETWORK, S("a"), now) > 0);
	web_limits_free(l);
}

/* --- proof of work, as a client does it --- */

static bool
solves(const uint8_t challenge[WEB_WORK_CHALLENGE_LEN], uint64_t nonce, uint32_t bits)
{
	uint8_t password[WEB_WORK_CHALLENGE_LEN + 8], salt[32], out[32];
	uint32_t first;

	memcpy(password, challenge, WEB_WORK_CHALLENGE_LEN);
	be64_put(password + WEB_WORK_CHALLENGE_LEN, nonce);
	hash_sha256(slice_new(challenge, WEB_WORK_CHALLENGE_LEN), salt);
	CHECK_INT(crypto_pwhash(out, sizeof(out), (const char *)password, sizeof(password), salt,
			  WEB_WORK_PASSES, (size_t)WEB_WORK_MEMORY_KIB << 10,
			  crypto_pwhash_ALG_ARGON2ID13),
		0);
	first = be32_get(out);
	return first >> (32 - bits) == 0;
}

static void
work(void)
{
	static const uint8_t key[32] = {1};
	uint8_t challenge[WEB_WORK_CHALLENGE_LEN], nonce[8] = {0};
	struct web_work *w = web_work_new(key);
	uint64_t good = 0, bad = 0;
	uint32_t bits = 0;

#define TRY(at, who) web_work_check(w, S(who), at, SLICE_OF(challenge), SLICE_OF(nonce))
	web_work_challenge(w, S("a@b"), 5000, challenge, &bits);
	CHECK_INT(bits, WEB_WORK_BITS);
	while (!solves(challenge, good, bits))
		good++;
	be64_put(nonce, good);
	CHECK_INT(TRY(5000, "c@b"), LL_ERR_DENIED);
	CHECK_INT(TRY(5000 + WEB_WORK_S + 1, "a@b"), LL_ERR_DENIED);
	challenge[8] = 0; /* made easier by hand */
	CHECK_INT(TRY(5000, "a@b"), LL_ERR_DENIED);
	challenge[8] = (uint8_t)bits;
	CHECK_INT(TRY(5000, "a@b"), LL_OK);
	CHECK_INT(TRY(5000, "a@b"), LL_ERR_DENIED); /* once */
	web_work_challenge(w, S("a@b"), 5000, challenge, &bits);
	while (solves(challenge, bad, bits))
		bad++;
	be64_put(nonce, bad);
	CHECK_INT(TRY(5000, "a@b"), LL_ERR_DENIED);
	web_work_free(w);
}

/* --- registration --- */

static int
count(void *ctx, const struct invitation *v)
{
	++*(unsigned *)ctx;
	return LL_OK;
}

static void
invitations(void)
{
	struct invitation v = {.domain = "one.example", .quota = 5, .created = 1, .uses = 2}, got;
	char typed[64];
	struct app_password code;
	unsigned n = 0;

	app_password_make(&code);
	memcpy(v.code, code.text, sizeof(v.code));
	CHECK_INT(invitation_put(&place, &v), LL_OK);
	CHECK_INT(invitation_each(&place, count, &n), LL_OK);
	CHECK_INT(n, 1);
	app_password_group(&code, typed);
	CHECK_INT(invitation_find(&place, slice_str(typed), &got), LL_OK);
	CHECK(strcmp(got.domain, v.domain) == 0 && got.quota == 5 && got.uses == 2);
	got.uses = 0;
	CHECK_INT(invitation_put(&place, &got), LL_OK);
	CHECK_INT(invitation_find(&place, slice_str(typed), &got), LL_ERR_NOTFOUND);
	CHECK_INT(invitation_find(&place, S("no code"), &got), LL_ERR_NOTFOUND);
}

static void
registration(void)
{
	struct registration g = {.mode = WEB_OPEN, .quota = 7};

	CHECK_INT(registration_get(&place, S("one.example"), &g), LL_OK);
	CHECK(g.mode == WEB_CLOSED && g.quota == 0);
	g = (struct registration){WEB_OPEN, 7};
	CHECK_INT(registration_set(&place, S("one.example"), &g), LL_OK);
	CHECK_INT(registration_get(&place, S("one.example"), &g), LL_OK);
	CHECK(g.mode == WEB_OPEN && g.quota == 7);
	CHECK_INT(registration_get(&place, S("two.example"), &g), LL_OK);
	CHECK_INT(g.mode, WEB_CLOSED);
	CHECK(reserved_name(S("Postmaster")) && reserved_name(S("abuse")));
	CHECK(reserved_name(S("friends-request")) && reserved_name(S("owner-friends")));
	CHECK(!reserved_name(S("alice")) && !reserved_name(S("administrate")));
}

T_MAIN(T(set_up), T(an_account_without_a_record), T(factors_are_kept),
	T(tokens_are_found_by_their_hash), T(sessions_end), T(uses_and_devices), T(limits),
	T(pictures_of_one_account), T(work), T(invitations), T(registration))
