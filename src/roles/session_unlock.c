/* /api/v1/session: whether the account is open in this process; and the owner's keys, which come
 * sealed to a key that only this process has, so that no other sees them. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "faces/web_api.h"
#include "ipc/web.h"
#include "keys/account_keys.h"
#include "keys/hpke.h"
#include "roles/session.h"
#include "roles/session_web.h"

#include <sodium.h>
#include <string.h>

#define KEY_LEN 37 /* area, version, secret */
#define KEYS_MAX MANIFEST_VERSIONS_MAX /* of the mail key */
#define SEALED_MAX 8192
#define REQUEST_MAX 16384

_Static_assert(
	XWING_ENC_LEN + KEYS_MAX * KEY_LEN + 16 <= SEALED_MAX && SEALED_MAX * 4 / 3 < REQUEST_MAX,
	"as many keys as an account has may come");

/* The ephemeral key; NULL while none was asked for, and once it was used. */
static struct xwing_key *ephemeral;

static int
make_key(void)
{
	uint8_t *seed = ephemeral ? NULL : secret_alloc(XWING_SEED_LEN);
	int r;

	if (ephemeral)
		return LL_OK;
	if (!seed)
		return LL_ERR_NOMEM;
	randombytes_buf(seed, XWING_SEED_LEN);
	r = xwing_key_new(seed, &ephemeral);
	secret_free(seed, XWING_SEED_LEN);
	return r;
}

static void
forget_key(void)
{
	xwing_key_free(ephemeral);
	ephemeral = NULL;
}

static void
answer_state(struct web_exchange *x)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(16384);
	bool open = session_account() != NULL;
	struct web_unlock_state m = {
		.state = open ? WEB_UNLOCKED : WEB_LOCKED, .address = slice_str(session_address())};
	int r = open ? LL_OK : make_key();

	memcpy(m.account_id, session_account_id(), sizeof(m.account_id));
	if (r == LL_OK && !open)
		m.unlock_key = slice_new(xwing_key_public(ephemeral), XWING_PUBLIC_LEN);
	if (r == LL_OK)
		r = web_api_unlock_state(&m, &json);
	if (r)
		web_exchange_problem(x, 503, "unavailable", "Try again later.");
	else
		web_exchange_answer(x, 200, "application/json", buf_slice(&json));
}

static void
on_state(struct web_exchange *x, struct slice body)
{
	answer_state(x);
}

/* --- unlocking --- */

/* "letterlock/1/session-unlock\0" || account */
static int
open_sealed(struct slice sealed, struct buf *ret)
{
	static const char label[] = "letterlock/1/session-unlock"; /* with its NUL */
	CLEANUP(hpke_wipe) struct hpke h = {0};
	uint8_t info[sizeof(label) + IPC_ID_LEN];
	int r;

	memcpy(info, label, sizeof(label));
	memcpy(info + sizeof(label), session_account_id(), IPC_ID_LEN);
	if (sealed.len < XWING_ENC_LEN || !ephemeral)
		return LL_ERR_AUTH;
	r = hpke_receiver(&h, ephemeral, sealed.ptr, SLICE_OF(info));
	return r ? r : hpke_open(&h, SLICE_NONE, slice_skip(sealed, XWING_ENC_LEN), ret);
}

/* Whether the keys are those of the account: the present mail key is among them, with the public
 * half that mail is sealed to. An account that holds nothing yet has nothing else to tell by. */
static bool
is_ours(const struct area_secret *s)
{
	uint8_t public[XWING_PUBLIC_LEN];
	uint32_t version;
	struct slice seal = session_seal_key(&version);

	return s->area == RECORD_AREA_MAIL && s->version == version && seal.len == sizeof(public) &&
		area_seal_public(s, public) == LL_OK &&
		memcmp(public, seal.ptr, sizeof(public)) == 0;
}

static int
read_key(struct reader *rd, struct area_secret *ret)
{
	struct slice secret;

	ret->area = (enum record_area)reader_u8(rd);
	ret->version = reader_be32(rd);
	secret = reader_bytes(rd, sizeof(ret->key));
	if (rd->err)
		return LL_ERR_AUTH;
	memcpy(ret->key, secret.ptr, sizeof(ret->key));
	return LL_OK;
}

static int
take_keys(struct slice plain)
{
	struct area_secret *s = SECRET_NEW(struct area_secret);
	struct reader rd = reader_new(plain);
	bool ours = false;
	int r = s ? LL_OK : LL_ERR_NOMEM;

	while (r == LL_OK && rd.rest.len) {
		r = read_key(&rd, s);
		if (r == LL_OK && s->area == RECORD_AREA_MAIL) {
			ours = ours || is_ours(s);
			r = session_add_key((uint8_t)s->area, s->version, s->key);
		}
	}
	if (s)
		SECRET_FREE(s);
	return r ? r : ours ? LL_OK : LL_ERR_AUTH;
}

static int
unlock(struct slice json)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_MAX);
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(KEYS_MAX * KEY_LEN);
	int r = web_api_unlock(json, &sealed);

	if (r == LL_OK) {
		/* The room first: a buffer that grows leaves copies behind. */
		if (!buf_room(&plain, KEYS_MAX * KEY_LEN))
			return LL_ERR_NOMEM;
		r = open_sealed(buf_slice(&sealed), &plain);
	}
	if (r == LL_OK)
		r = take_keys(buf_slice(&plain));
	if (r == LL_OK)
		r = session_unlock();
	else
		session_forget_keys();
	forget_key();
	return r;
}

static void
on_unlock(struct web_exchange *x, struct slice body)
{
	int r = session_account() ? LL_OK : unlock(body);

	if (r)
		log_warn("unlock", "error=%s", log_quote(slice_str(ll_strerror(r))));
	if (r == LL_OK)
		answer_state(x);
	else if (r == LL_ERR_AUTH || r == LL_ERR_CRYPTO)
		web_exchange_problem(x, 401, "refused", "These keys do not open the account.");
	else if (r == LL_ERR_SYNTAX || r == LL_ERR_LIMIT)
		web_exchange_problem(x, 400, "malformed", "The request is malformed.");
	else
		web_exchange_problem(x, 503, "unavailable", "Try again later.");
}

static const struct web_handler state = {.ready = on_state};
static const struct web_handler unlocking = {.ready = on_unlock};

const struct web_route session_api_routes[] = {
	{"/api/v1/session", 1u << WEB_GET, WEB_ROUTE_LOCKED, 0, &state},
	{"/api/v1/session/unlock", 1u << WEB_POST, WEB_ROUTE_LOCKED, REQUEST_MAX, &unlocking},
};
const size_t n_session_api_routes = ARRAY_SIZE(session_api_routes);
