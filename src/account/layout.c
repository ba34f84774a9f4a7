/* Keys and headers of the account's records, from one table (layout.h). */
#include "account/layout.h"

#include "base/error.h"

#include <string.h>

static const struct {
	const char *prefix;
	enum record_kind kind;
	uint8_t box, number, part; /* bytes of each behind the prefix */
} recs[REC_TYPES] = {
	[REC_KEY] = {"m/key/", RECORD_COLLECTION_KEY, 0, 4, 0},
	[REC_HEAD] = {"m/head", RECORD_JOURNAL, 0, 0, 0},
	[REC_BOX] = {"m/box/", RECORD_FOLDER, 16, 0, 0},
	[REC_ROW] = {"m/row/", RECORD_FOLDER, 16, 4, 0},
	[REC_GONE] = {"m/gone/", RECORD_FOLDER, 16, 4, 0},
	[REC_MSG] = {"m/msg/", RECORD_OBJECT, 0, 4, 2},
	[REC_THR] = {"m/thr/", RECORD_INDEX, 0, 4, 2},
	[REC_SIG] = {"m/sig/", RECORD_INDEX, 0, 4, 2},
	[REC_REF] = {"m/ref/", RECORD_OBJECT, 0, 4, 0},
	[REC_GC] = {"m/gc/", RECORD_OBJECT, 0, 8, 0},
	[REC_SUBS] = {"m/subs", RECORD_FOLDER, 0, 0, 0},
	[REC_LOG] = {"m/log/", RECORD_OBJECT, 0, 4, 0},
	[REC_OBJ] = {"m/obj/", RECORD_OBJECT, 16, 4, 0},
};

static void
key_put(struct rec_key *k, const void *p, size_t n)
{
	memcpy(k->b + k->len, p, n);
	k->len += n;
}

static struct rec_key
key_head(const struct rec_id *id)
{
	struct rec_key k = {.len = 0};
	uint8_t be[8];

	key_put(&k, recs[id->type].prefix, strlen(recs[id->type].prefix));
	key_put(&k, id->box.b, recs[id->type].box);
	be64_put(be, id->number);
	key_put(&k, be + 8 - recs[id->type].number, recs[id->type].number);
	return k;
}

struct rec_key
rec_key_make(const struct rec_id *id)
{
	struct rec_key k = key_head(id);
	uint8_t be[2] = {(uint8_t)(id->part >> 8), (uint8_t)id->part};

	key_put(&k, be, recs[id->type].part);
	return k;
}

struct slice
rec_prefix(enum rec_type type)
{
	return slice_str(recs[type].prefix);
}

void
rec_key_range(enum rec_type type, struct store_id box, uint64_t from, uint64_t to,
	struct rec_key *ret_from, struct rec_key *ret_to)
{
	struct rec_id id = {.type = type, .box = box, .number = from};
	uint64_t most = recs[type].number == 4 ? UINT32_MAX : UINT64_MAX;

	if (type == REC_BOX || type == REC_OBJ) { /* all of them */
		ret_from->len = ret_to->len = 0;
		key_put(ret_from, recs[type].prefix, 6);
		key_put(ret_to, recs[type].prefix, 5);
		key_put(ret_to, "0", 1);
		return;
	}
	*ret_from = key_head(&id);
	id.number = MIN(to, most);
	*ret_to = key_head(&id);
	if (to > most || to == UINT64_MAX) { /* behind the last number: a longer key than any */
		static const uint8_t ff[3] = {0xff, 0xff, 0xff};
		key_put(ret_to, ff, sizeof(ff));
	}
}

int
rec_key_parse(struct slice key, enum rec_type type, struct rec_id *ret)
{
	struct slice prefix = rec_prefix(type);
	struct rec_id id = {.type = type};
	struct reader r;

	if (!slice_starts(key, prefix))
		return LL_ERR_CORRUPT;
	r = reader_new(slice_skip(key, prefix.len));
	if (recs[type].box) {
		struct slice box = reader_bytes(&r, sizeof(id.box.b));
		if (box.len == sizeof(id.box.b))
			memcpy(id.box.b, box.ptr, box.len);
	}
	if (recs[type].number)
		id.number = recs[type].number == 4 ? reader_be32(&r) : reader_be64(&r);
	if (recs[type].part)
		id.part = reader_be16(&r);
	if (reader_end(&r))
		return LL_ERR_CORRUPT;
	*ret = id;
	return LL_OK;
}

struct record_header
rec_header(struct store_id account, const struct rec_id *id, uint32_t keyver, uint64_t rev)
{
	struct record_header h = {.kind = recs[id->type].kind,
		.area = RECORD_AREA_MAIL,
		.part = id->part,
		.keyver = keyver,
		.rev = rev};

	memcpy(h.account, account.b, sizeof(h.account));
	memcpy(h.collection, id->box.b, sizeof(h.collection));
	memcpy(h.object, recs[id->type].prefix, strnlen(recs[id->type].prefix, 8));
	be64_put(h.object + 8, id->number);
	return h;
}
