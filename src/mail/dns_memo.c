/* The DNS memo: answers by (type, name), and the list of what is still to be asked. Everything
 * lives in one arena with a hard cap, as names and records are chosen by strangers. */
#include "mail/dns_memo.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/text.h"
#include "base/vec.h"

#include <string.h>

#define NAME_TEXT_MAX (DNS_NAME_MAX * 4)
#define LABEL_MAX 63

struct entry {
	struct dns_query query;
	bool taken, answered;
	struct dns_answer answer;
};

struct dns_memo {
	struct arena arena;
	struct map *entries;
	VEC(struct entry *) order;
	size_t next, pending;
};

struct memo_key {
	uint8_t bytes[2 + NAME_TEXT_MAX];
	size_t len;
};

static const struct dns_answer servfail = {.status = DNS_SERVFAIL};
static const struct dns_answer nxdomain = {.status = DNS_NXDOMAIN};

struct dns_memo *
dns_memo_new(void)
{
	struct dns_memo *memo = calloc(1, sizeof(*memo));

	if (!memo)
		return NULL;
	memo->arena = ARENA_INIT(DNS_MEMO_BYTES_MAX);
	memo->entries = map_new();
	if (!memo->entries) {
		free(memo);
		return NULL;
	}
	return memo;
}

void
dns_memo_free(struct dns_memo *memo)
{
	if (!memo)
		return;
	map_free(memo->entries, NULL);
	VEC_DONE(&memo->order);
	arena_done(&memo->arena);
	free(memo);
}

static void
key_putc(struct memo_key *key, uint8_t c)
{
	bool plain = c > 0x20 && c < 0x7f && c != '\\';

	if (plain) {
		key->bytes[key->len++] = to_lower(c);
		return;
	}
	key->bytes[key->len++] = '\\';
	key->bytes[key->len++] = (uint8_t)('0' + c / 100);
	key->bytes[key->len++] = (uint8_t)('0' + c / 10 % 10);
	key->bytes[key->len++] = (uint8_t)('0' + c % 10);
}

/* The type, then the name in presentation form. */
static int
key_make(struct memo_key *key, struct slice name, enum dns_type type)
{
	size_t label = 0;

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	if (!name.len || name.len > DNS_NAME_MAX || name.ptr[name.len - 1] == '.')
		return LL_ERR_SYNTAX;
	key->bytes[0] = (uint8_t)(type >> 8);
	key->bytes[1] = (uint8_t)type;
	key->len = 2;
	for (size_t i = 0; i < name.len; i++) {
		bool dot = name.ptr[i] == '.';

		if (dot ? !label : label == LABEL_MAX)
			return LL_ERR_SYNTAX;
		label = dot ? 0 : label + 1;
		key_putc(key, name.ptr[i]);
	}
	return LL_OK;
}

static struct slice
key_slice(const struct memo_key *key)
{
	return slice_new(key->bytes, key->len);
}

/* A new entry that has no answer yet, or NULL at the caps. */
static struct entry *
entry_add(struct dns_memo *memo, const struct memo_key *key, enum dns_type type)
{
	struct entry *e;

	if (memo->order.len >= DNS_MEMO_QUERIES_MAX)
		return NULL;
	e = ARENA_NEW(&memo->arena, struct entry);
	if (!e)
		return NULL;
	e->query.type = type;
	e->query.name = arena_dup(&memo->arena, slice_skip(key_slice(key), 2));
	if (!e->query.name.ptr || VEC_RESERVE(&memo->order, memo->order.len + 1))
		return NULL;
	if (map_set(memo->entries, key_slice(key), e, NULL))
		return NULL;
	memo->order.at[memo->order.len++] = e;
	memo->pending++;
	return e;
}

const struct dns_answer *
dns_memo_get(struct dns_memo *memo, struct slice name, enum dns_type type)
{
	struct memo_key key;
	struct entry *e;

	if (key_make(&key, name, type))
		return &nxdomain;
	e = map_get(memo->entries, key_slice(&key));
	if (!e && !entry_add(memo, &key, type))
		return &servfail;
	return e && e->answered ? &e->answer : NULL;
}

bool
dns_memo_wanted(struct dns_memo *memo, struct dns_query *ret)
{
	for (; memo->next < memo->order.len; memo->next++) {
		struct entry *e = memo->order.at[memo->next];

		if (e->taken || e->answered)
			continue;
		e->taken = true;
		*ret = e->query;
		return true;
	}
	return false;
}

size_t
dns_memo_pending(const struct dns_memo *memo)
{
	return memo->pending;
}

static int
parse_address(struct arena *arena, struct slice rdata, size_t len, struct slice *ret)
{
	if (rdata.len != len)
		return LL_ERR_SYNTAX;
	*ret = arena_dup(arena, rdata);
	return ret->ptr ? LL_OK : LL_ERR_NOMEM;
}

static bool
label_plain(struct slice label)
{
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = label.ptr[i];

		if (c <= 0x20 || c >= 0x7f || c == '.' || c == '\\')
			return false;
	}
	return true;
}

/* An uncompressed name that fills all of rdata. Names with bytes no host name has are refused:
 * nothing that a policy looks at is called so. */
static int
parse_name(struct arena *arena, struct slice rdata, struct slice *ret)
{
	struct reader r = reader_new(rdata);
	uint8_t text[DNS_NAME_MAX + 1];
	size_t len = 0;

	for (;;) {
		uint8_t n = reader_u8(&r);
		struct slice label = reader_bytes(&r, n);

		if (r.err || n > LABEL_MAX || !label_plain(label))
			return LL_ERR_SYNTAX;
		if (!n)
			break;
		if (len + (len != 0) + n > DNS_NAME_MAX)
			return LL_ERR_SYNTAX;
		if (len)
			text[len++] = '.';
		for (size_t i = 0; i < n; i++)
			text[len++] = to_lower(label.ptr[i]);
	}
	if (reader_end(&r))
		return LL_ERR_SYNTAX;
	*ret = len ? arena_dup(arena, slice_new(text, len)) : SLICE_NONE;
	return len && !ret->ptr ? LL_ERR_NOMEM : LL_OK;
}

static int
parse_text(struct arena *arena, struct slice rdata, struct slice *ret)
{
	struct reader r = reader_new(rdata);
	uint8_t *text;
	size_t len = 0;

	if (!rdata.len)
		return LL_ERR_SYNTAX;
	text = arena_alloc(arena, rdata.len);
	if (!text)
		return LL_ERR_NOMEM;
	while (r.rest.len && !r.err) {
		struct slice part = reader_bytes(&r, reader_u8(&r));

		if (part.len)
			memcpy(text + len, part.ptr, part.len);
		len += part.len;
	}
	*ret = slice_new(text, len);
	return r.err;
}

static int
parse_a(struct arena *arena, struct slice rdata, struct dns_record *ret)
{
	return parse_address(arena, rdata, 4, &ret->ip);
}

static int
parse_aaaa(struct arena *arena, struct slice rdata, struct dns_record *ret)
{
	return parse_address(arena, rdata, 16, &ret->ip);
}

static int
parse_host(struct arena *arena, struct slice rdata, struct dns_record *ret)
{
	int r = parse_name(arena, rdata, &ret->name);

	return r ? r : (ret->name.len ? LL_OK : LL_ERR_SYNTAX);
}

static int
parse_txt(struct arena *arena, struct slice rdata, struct dns_record *ret)
{
	return parse_text(arena, rdata, &ret->text);
}

static int
parse_mx(struct arena *arena, struct slice rdata, struct dns_record *ret)
{
	struct reader r = reader_new(rdata);

	ret->mx.preference = reader_be16(&r);
	return r.err ? r.err : parse_name(arena, r.rest, &ret->mx.host);
}

/* A record too short to be one is kept as an unusable one: for DANE its being there matters
 * (RFC 7672 section 2.2). */
static int
parse_tlsa(struct arena *arena, struct slice rdata, struct dns_record *ret)
{
	if (rdata.len < 3) {
		ret->tlsa = (struct dns_tlsa){255, 255, 255, SLICE_NONE};
		return LL_OK;
	}
	ret->tlsa = (struct dns_tlsa){rdata.ptr[0], rdata.ptr[1], rdata.ptr[2], SLICE_NONE};
	if (rdata.len > 3)
		ret->tlsa.data = arena_dup(arena, slice_skip(rdata, 3));
	return rdata.len > 3 && !ret->tlsa.data.ptr ? LL_ERR_NOMEM : LL_OK;
}

static const struct {
	enum dns_type type;
	int (*parse)(struct arena *, struct slice, struct dns_record *);
} parsers[] = {
	{DNS_A, parse_a},
	{DNS_AAAA, parse_aaaa},
	{DNS_CNAME, parse_host},
	{DNS_PTR, parse_host},
	{DNS_TXT, parse_txt},
	{DNS_MX, parse_mx},
	{DNS_TLSA, parse_tlsa},
};

static int
record_parse(struct arena *arena, enum dns_type type, struct slice rdata, struct dns_record *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++)
		if (parsers[i].type == type)
			return parsers[i].parse(arena, rdata, ret);
	return LL_ERR_UNSUPPORTED;
}

static int
records_parse(struct dns_memo *memo, enum dns_type type, const struct dns_reply *reply,
	struct dns_answer *answer)
{
	size_t n = MIN(reply->count, (size_t)DNS_RECORDS_MAX);
	struct dns_record *records;

	if (!n)
		return LL_OK;
	records = ARENA_ARRAY(&memo->arena, struct dns_record, n);
	if (!records)
		return LL_ERR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		int r = record_parse(&memo->arena, type, reply->rdata[i], &records[answer->count]);

		if (r == LL_ERR_NOMEM)
			return LL_ERR_LIMIT;
		if (r)
			memset(&records[answer->count], 0, sizeof(*records));
		else
			answer->count++;
	}
	answer->records = records;
	return LL_OK;
}

static int
answer_make(struct dns_memo *memo, const struct dns_query *query, const struct dns_reply *reply,
	struct dns_answer *ret)
{
	struct dns_answer answer = {
		.status = reply->status,
		.secure = reply->secure && reply->status < DNS_SERVFAIL,
		.ttl = reply->ttl,
		.canonical = query->name,
	};
	struct memo_key key;
	int r;

	if (reply->canonical.len && !key_make(&key, reply->canonical, query->type)) {
		answer.canonical = arena_dup(&memo->arena, slice_skip(key_slice(&key), 2));
		if (!answer.canonical.ptr)
			return LL_ERR_LIMIT;
	}
	r = answer.status == DNS_OK ? records_parse(memo, query->type, reply, &answer) : LL_OK;
	if (r)
		return r;
	if (answer.status == DNS_OK && !answer.count)
		answer.status = DNS_NODATA;
	*ret = answer;
	return LL_OK;
}

/* The name of a query is in presentation form already. */
static int
key_from_query(struct memo_key *key, const struct dns_query *query)
{
	struct slice name = query->name;

	if (name.len > NAME_TEXT_MAX)
		return LL_ERR_SYNTAX;
	key->bytes[0] = (uint8_t)(query->type >> 8);
	key->bytes[1] = (uint8_t)query->type;
	for (size_t i = 0; i < name.len; i++)
		key->bytes[2 + i] = to_lower(name.ptr[i]);
	key->len = 2 + name.len;
	return LL_OK;
}

int
dns_memo_put(struct dns_memo *memo, const struct dns_query *query, const struct dns_reply *reply)
{
	struct memo_key key;
	struct entry *e;
	int r;

	if (key_from_query(&key, query))
		return LL_ERR_SYNTAX;
	e = map_get(memo->entries, key_slice(&key));
	if (!e)
		e = entry_add(memo, &key, query->type);
	if (!e)
		return LL_ERR_LIMIT;
	if (e->answered)
		return LL_OK;
	r = answer_make(memo, &e->query, reply, &e->answer);
	if (r)
		e->answer = servfail;
	e->answered = true;
	memo->pending--;
	return r;
}
