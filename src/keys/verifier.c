/* version:1 type:1 account:16 id:16 scope:11 created:8 name-length:1 name, then what the type
 * needs: app password: salt:16 iterations:4 stored:32 server:32; password: record:192; others:
 * hash:32 */
#include "keys/verifier.h"
#include "base/error.h"
#include "base/text.h"
#include "keys/wire.h"

#include <string.h>

static bool
verifier_valid(const struct verifier *v)
{
	struct slice name = slice_new(v->name, strnlen(v->name, sizeof(v->name)));

	if (!wire_scope_valid(v->type, &v->scope) || v->created < 0 || name.len > UNLOCK_NAME_MAX ||
		!utf8_valid(name))
		return false;
	if (v->type == UNLOCK_APP)
		return v->iterations >= SCRAM_ITERATIONS && v->iterations <= SCRAM_ITERATIONS_MAX;
	return v->type != UNLOCK_PASSWORD || opaque_record_check(SLICE_OF(v->opaque)) == LL_OK;
}

int
verifier_encode(const struct verifier *v, struct buf *ret)
{
	if (!verifier_valid(v))
		return LL_ERR_SYNTAX;
	(void)buf_putc(ret, WIRE_VERSION);
	(void)buf_putc(ret, (uint8_t)v->type);
	(void)buf_put(ret, SLICE_OF(v->account));
	(void)buf_put(ret, SLICE_OF(v->id));
	wire_put_scope(ret, &v->scope);
	(void)buf_put_be64(ret, (uint64_t)v->created);
	(void)buf_putc(ret, (uint8_t)strlen(v->name));
	(void)buf_puts(ret, v->name);
	if (v->type == UNLOCK_APP) {
		(void)buf_put(ret, SLICE_OF(v->salt));
		(void)buf_put_be32(ret, v->iterations);
		(void)buf_put(ret, SLICE_OF(v->scram.stored_key));
		(void)buf_put(ret, SLICE_OF(v->scram.server_key));
	} else if (v->type == UNLOCK_PASSWORD) {
		(void)buf_put(ret, SLICE_OF(v->opaque));
	} else {
		(void)buf_put(ret, SLICE_OF(v->auth_hash));
	}
	return buf_err(ret);
}

bool
verifier_never_given(const struct verifier *v)
{
	return v->type == UNLOCK_APP && v->scope.expires && v->scope.expires <= v->created;
}

static void
get_name(struct reader *r, char ret[UNLOCK_NAME_MAX + 1])
{
	struct slice name = reader_bytes(r, reader_u8(r));

	if (name.len > UNLOCK_NAME_MAX || slice_find_byte(name, 0) != SLICE_NPOS) {
		wire_fail(r);
		return;
	}
	if (name.len)
		memcpy(ret, name.ptr, name.len);
	ret[name.len] = '\0';
}

int
verifier_decode(struct slice s, struct verifier *ret)
{
	struct reader r = reader_new(s);
	struct verifier v = {0};

	if (reader_u8(&r) != WIRE_VERSION)
		return LL_ERR_SYNTAX;
	v.type = (enum unlock_type)reader_u8(&r);
	wire_get(&r, v.account, sizeof(v.account));
	wire_get(&r, v.id, sizeof(v.id));
	wire_get_scope(&r, &v.scope);
	v.created = wire_get_time(&r);
	get_name(&r, v.name);
	if (v.type == UNLOCK_APP) {
		wire_get(&r, v.salt, sizeof(v.salt));
		v.iterations = reader_be32(&r);
		wire_get(&r, v.scram.stored_key, sizeof(v.scram.stored_key));
		wire_get(&r, v.scram.server_key, sizeof(v.scram.server_key));
	} else if (v.type == UNLOCK_PASSWORD) {
		wire_get(&r, v.opaque, sizeof(v.opaque));
	} else {
		wire_get(&r, v.auth_hash, sizeof(v.auth_hash));
	}
	if (reader_end(&r) != LL_OK || !verifier_valid(&v))
		return LL_ERR_SYNTAX;
	*ret = v;
	return LL_OK;
}
