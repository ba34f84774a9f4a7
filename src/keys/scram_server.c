/* The server's side of SCRAM. Whatever is wrong with a name or a proof shows in the last message
 * only. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "keys/scram_core.h"

#include <stdlib.h>
#include <string.h>

#define BINDINGS_MAX 4
#define BINDING_TYPE_MAX 32
#define SALT_MAX 64
/* client-first-bare, server-first and client-final-without-proof with two commas. */
#define AUTH_MESSAGE_MAX (3 * SCRAM_MESSAGE_MAX + 2)

enum server_state { SERVER_NEW, SERVER_FIRST, SERVER_CHALLENGED, SERVER_ENDED };

struct binding {
	char type[BINDING_TYPE_MAX];
	size_t type_len, data_len;
	uint8_t data[SCRAM_BINDING_MAX];
};

struct scram_server {
	enum server_state state;
	bool plus, plus_offered;
	size_t n_bindings;
	struct binding bindings[BINDINGS_MAX];
	const struct binding *binding; /* the one the client chose */
	struct buf own_nonce, nonce, gs2, name, auth;
	size_t n;
	struct scram_verifier *verifiers;
};

void
scram_server_free(struct scram_server *s)
{
	if (!s)
		return;
	buf_done(&s->own_nonce);
	buf_done(&s->nonce);
	buf_done(&s->gs2);
	buf_done(&s->name);
	buf_done(&s->auth);
	if (s->verifiers)
		secret_wipe(s->verifiers, s->n * sizeof(*s->verifiers));
	free(s->verifiers);
	secret_wipe(s, sizeof(*s));
	free(s);
}

void
scram_server_cleanup(struct scram_server **s)
{
	scram_server_free(*s);
}

static int
add_binding(struct scram_server *s, const struct scram_binding *b)
{
	struct binding *to = &s->bindings[s->n_bindings];

	if (b->type.len > sizeof(to->type) || b->data.len > sizeof(to->data))
		return LL_ERR_LIMIT;
	memcpy(to->type, b->type.ptr, b->type.len);
	memcpy(to->data, b->data.ptr, b->data.len);
	to->type_len = b->type.len;
	to->data_len = b->data.len;
	s->n_bindings++;
	return LL_OK;
}

static int
server_setup(struct scram_server *s, const struct scram_server_options *o)
{
	int err = LL_OK;

	if (o->n_bindings > BINDINGS_MAX)
		return LL_ERR_LIMIT;
	for (size_t i = 0; i < o->n_bindings && !err; i++)
		err = add_binding(s, &o->bindings[i]);
	if (err)
		return err;
	if (o->nonce.len)
		(void)buf_put(&s->own_nonce, o->nonce);
	else
		scram_nonce_make(&s->own_nonce);
	if (!scram_nonce_valid(buf_slice(&s->own_nonce)))
		return LL_ERR_SYNTAX;
	return buf_err(&s->own_nonce);
}

int
scram_server_new(const struct scram_server_options *o, struct scram_server **ret)
{
	CLEANUP(scram_server_cleanup) struct scram_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return LL_ERR_NOMEM;
	s->plus = o->plus;
	s->plus_offered = o->plus_offered;
	s->own_nonce = s->nonce = BUF_INIT(2 * SCRAM_NONCE_MAX);
	s->gs2 = BUF_INIT(SCRAM_MESSAGE_MAX);
	s->name = BUF_INIT(SCRAM_NAME_MAX);
	s->auth = BUF_INIT(AUTH_MESSAGE_MAX);
	err = server_setup(s, o);
	if (err)
		return err;
	*ret = TAKE(s);
	return LL_OK;
}

/* saslname: =2C and =3D stand for comma and equals sign; no other use of an equals sign is valid.
 */
static int
decode_name(struct slice s, struct buf *out)
{
	if (s.len == 0 || !utf8_valid(s) || slice_find_byte(s, 0) != SLICE_NPOS)
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		struct slice three = slice_sub(s, i, 3);

		if (s.ptr[i] != '=') {
			(void)buf_putc(out, s.ptr[i]);
			continue;
		}
		if (slice_eq(three, S("=2C")))
			(void)buf_putc(out, ',');
		else if (slice_eq(three, S("=3D")))
			(void)buf_putc(out, '=');
		else
			return LL_ERR_SYNTAX;
		i += 2;
	}
	return buf_err(out);
}

static const struct binding *
find_binding(const struct scram_server *s, struct slice type)
{
	for (size_t i = 0; i < s->n_bindings; i++)
		if (slice_eq(type, slice_new(s->bindings[i].type, s->bindings[i].type_len)))
			return &s->bindings[i];
	return NULL;
}

/* gs2-cbind-flag (RFC 5802 section 6). */
static int
check_flag(struct scram_server *s, struct slice flag)
{
	if (slice_starts(flag, S("p="))) {
		if (!s->plus)
			return LL_ERR_SYNTAX;
		s->binding = find_binding(s, slice_skip(flag, 2));
		return s->binding ? LL_OK : LL_ERR_UNSUPPORTED;
	}
	if (s->plus)
		return LL_ERR_SYNTAX;
	if (slice_eq(flag, S("n")))
		return LL_OK;
	if (!slice_eq(flag, S("y")))
		return LL_ERR_SYNTAX;
	/* The client can bind and believes that we cannot: somebody hid the mechanism from it. */
	return s->plus_offered ? LL_ERR_AUTH : LL_OK;
}

/* "flag,[a=authzid],": leaves *message at client-first-message-bare. */
static int
parse_gs2(struct scram_server *s, struct slice *message, struct slice *ret_authzid)
{
	struct slice whole = *message, flag, authzid;
	int err;

	if (slice_find_byte(*message, ',') == SLICE_NPOS)
		return LL_ERR_SYNTAX;
	flag = slice_split(message, ',');
	if (slice_find_byte(*message, ',') == SLICE_NPOS)
		return LL_ERR_SYNTAX;
	authzid = slice_split(message, ',');
	err = check_flag(s, flag);
	if (err)
		return err;
	if (authzid.len && !slice_starts(authzid, S("a=")))
		return LL_ERR_SYNTAX;
	*ret_authzid = authzid;
	return buf_put(&s->gs2, slice_sub(whole, 0, (size_t)(message->ptr - whole.ptr)));
}

static int
parse_bare(struct scram_server *s, struct slice bare)
{
	struct slice name, nonce, rest = bare;
	bool more;
	int err;

	/* m= is a mandatory extension, and none is known. */
	if (!scram_take(&rest, 'n', &name, &more) || !more)
		return LL_ERR_SYNTAX;
	if (!scram_take(&rest, 'r', &nonce, &more) || !scram_nonce_valid(nonce))
		return LL_ERR_SYNTAX;
	if (more && !scram_extensions_valid(rest))
		return LL_ERR_SYNTAX;
	err = decode_name(name, &s->name);
	if (err)
		return err;
	(void)buf_put(&s->nonce, nonce);
	(void)buf_put(&s->auth, bare);
	return buf_err(&s->nonce) ? buf_err(&s->nonce) : buf_err(&s->auth);
}

static int
check_authzid(const struct scram_server *s, struct slice authzid)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(SCRAM_NAME_MAX);
	int err;

	if (authzid.len == 0)
		return LL_OK;
	err = decode_name(slice_skip(authzid, 2), &name);
	if (err)
		return err;
	return slice_eq(buf_slice(&name), buf_slice(&s->name)) ? LL_OK : LL_ERR_DENIED;
}

int
scram_server_first(struct scram_server *s, struct slice message, struct slice *ret_name)
{
	struct slice authzid;
	int err;

	if (s->state != SERVER_NEW)
		return LL_ERR_STATE;
	s->state = SERVER_ENDED;
	if (message.len > SCRAM_MESSAGE_MAX)
		return LL_ERR_LIMIT;
	err = parse_gs2(s, &message, &authzid);
	if (!err)
		err = parse_bare(s, message);
	if (!err)
		err = check_authzid(s, authzid);
	if (err)
		return err;
	s->state = SERVER_FIRST;
	*ret_name = buf_slice(&s->name);
	return LL_OK;
}

static int
copy_verifiers(struct scram_server *s, const struct scram_account *account)
{
	if (account->n > SCRAM_VERIFIERS_MAX)
		return LL_ERR_LIMIT;
	/* One of zeros stands for an account that has none; nothing hashes to it. */
	s->n = MAX(account->n, (size_t)1);
	s->verifiers = calloc(s->n, sizeof(*s->verifiers));
	if (!s->verifiers)
		return LL_ERR_NOMEM;
	if (account->n)
		memcpy(s->verifiers, account->verifiers, account->n * sizeof(*s->verifiers));
	return LL_OK;
}

int
scram_server_challenge(
	struct scram_server *s, const struct scram_account *account, struct buf *ret_message)
{
	CLEANUP(buf_done) struct buf m = BUF_INIT(SCRAM_MESSAGE_MAX);
	int err;

	if (s->state != SERVER_FIRST)
		return LL_ERR_STATE;
	s->state = SERVER_ENDED;
	if (account->salt.len == 0 || account->salt.len > SALT_MAX || account->iterations == 0)
		return LL_ERR_RANGE;
	err = copy_verifiers(s, account);
	if (err)
		return err;
	(void)buf_put(&s->nonce, buf_slice(&s->own_nonce));
	(void)buf_puts(&m, "r=");
	(void)buf_put(&m, buf_slice(&s->nonce));
	(void)buf_puts(&m, ",s=");
	(void)base64_encode(&m, account->salt);
	(void)buf_puts(&m, ",i=");
	(void)buf_put_u64dec(&m, account->iterations);
	(void)buf_putc(&s->auth, ',');
	(void)buf_put(&s->auth, buf_slice(&m));
	err = buf_err(&m) ? buf_err(&m) : buf_err(&s->auth);
	if (!err)
		err = buf_put(ret_message, buf_slice(&m));
	if (!err)
		s->state = SERVER_CHALLENGED;
	return err;
}

/* c= must be the header as it was sent, and the data of the channel that we see. */
static bool
binding_fits(const struct scram_server *s, struct slice encoded)
{
	CLEANUP(buf_done) struct buf want = BUF_INIT(SCRAM_MESSAGE_MAX + SCRAM_BINDING_MAX);
	CLEANUP(buf_done) struct buf got = BUF_INIT(SCRAM_MESSAGE_MAX + SCRAM_BINDING_MAX);

	(void)buf_put(&want, buf_slice(&s->gs2));
	if (s->binding)
		(void)buf_put(&want, slice_new(s->binding->data, s->binding->data_len));
	if (base64_decode(&got, encoded) != LL_OK || buf_err(&want))
		return false;
	return slice_eq(buf_slice(&want), buf_slice(&got));
}

struct final_message {
	struct slice binding, nonce, without_proof;
	uint8_t proof[SCRAM_KEY_LEN];
};

static int
parse_final(struct slice message, struct final_message *ret)
{
	CLEANUP(buf_done) struct buf proof = BUF_INIT(SCRAM_KEY_LEN + 2);
	struct slice rest;
	size_t comma = slice_rfind_byte(message, ',');
	bool more;

	if (comma == SLICE_NPOS || !slice_starts(slice_skip(message, comma + 1), S("p=")))
		return LL_ERR_SYNTAX;
	if (base64_decode(&proof, slice_skip(message, comma + 3)) != LL_OK ||
		proof.len != SCRAM_KEY_LEN)
		return LL_ERR_SYNTAX;
	rest = ret->without_proof = slice_sub(message, 0, comma);
	if (!scram_take(&rest, 'c', &ret->binding, &more) || !more)
		return LL_ERR_SYNTAX;
	if (!scram_take(&rest, 'r', &ret->nonce, &more))
		return LL_ERR_SYNTAX;
	if (more && !scram_extensions_valid(rest))
		return LL_ERR_SYNTAX;
	memcpy(ret->proof, proof.ptr, SCRAM_KEY_LEN);
	return LL_OK;
}

/* ClientKey = proof XOR HMAC(StoredKey, AuthMessage), and its hash is StoredKey again. All
 * verifiers are tried whatever fits, so that time does not tell which. */
static int
find_verifier(const struct scram_server *s, const uint8_t *proof, size_t *ret_index,
	uint8_t ret_client_key[SCRAM_KEY_LEN])
{
	uint8_t key[SCRAM_KEY_LEN], digest[SCRAM_KEY_LEN];
	int err = LL_ERR_AUTH;

	for (size_t i = 0; i < s->n; i++) {
		scram_hmac(s->verifiers[i].stored_key, buf_slice(&s->auth), key);
		for (size_t k = 0; k < sizeof(key); k++)
			key[k] ^= proof[k];
		hash_sha256(SLICE_OF(key), digest);
		if (!secret_eq(digest, s->verifiers[i].stored_key, sizeof(digest)))
			continue;
		memcpy(ret_client_key, key, sizeof(key));
		*ret_index = i;
		err = LL_OK;
	}
	secret_wipe(key, sizeof(key));
	return err;
}

static int
refuse(struct buf *out, const char *why, int err)
{
	(void)buf_puts(out, "e=");
	(void)buf_puts(out, why);
	return err;
}

static int
accept(struct scram_server *s, const struct final_message *m, struct buf *out, size_t *ret_index,
	uint8_t ret_client_key[SCRAM_KEY_LEN])
{
	uint8_t signature[SCRAM_KEY_LEN], key[SCRAM_KEY_LEN];
	size_t index;
	int err;

	(void)buf_putc(&s->auth, ',');
	if (buf_put(&s->auth, m->without_proof))
		return refuse(out, "other-error", LL_ERR_LIMIT);
	if (find_verifier(s, m->proof, &index, key) != LL_OK)
		return refuse(out, "invalid-proof", LL_ERR_AUTH);
	scram_hmac(s->verifiers[index].server_key, buf_slice(&s->auth), signature);
	(void)buf_puts(out, "v=");
	err = base64_encode(out, SLICE_OF(signature));
	if (!err) {
		*ret_index = index;
		memcpy(ret_client_key, key, sizeof(key));
	}
	secret_wipe(key, sizeof(key));
	return err;
}

int
scram_server_final(struct scram_server *s, struct slice message, struct buf *ret_message,
	size_t *ret_index, uint8_t ret_client_key[SCRAM_KEY_LEN])
{
	struct final_message m;

	if (s->state != SERVER_CHALLENGED)
		return LL_ERR_STATE;
	s->state = SERVER_ENDED;
	if (message.len > SCRAM_MESSAGE_MAX || parse_final(message, &m) != LL_OK)
		return refuse(ret_message, "invalid-encoding", LL_ERR_SYNTAX);
	if (!binding_fits(s, m.binding))
		return refuse(ret_message, "channel-bindings-dont-match", LL_ERR_AUTH);
	if (!slice_eq(m.nonce, buf_slice(&s->nonce)))
		return refuse(ret_message, "other-error", LL_ERR_AUTH);
	return accept(s, &m, ret_message, ret_index, ret_client_key);
}
