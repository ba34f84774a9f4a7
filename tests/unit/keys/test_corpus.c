/* The corpus that this code and the web client share: tests/corpus/keys. Every record opens, and
 * none with a header byte changed, nor when the changed header is what was asked for. */
#include "t.h"

#include "base/error.h"
#include "json.h"
#include "keys/account_keys.h"

#include <stdlib.h>

#define FILE_MAX ((size_t)4 << 20)
#define ARENA_MAX ((size_t)16 << 20)

static const char *folder;

static int
open_sym(const uint8_t *key, const struct record_want *want, struct slice record, struct buf *out)
{
	return record_sym_open(key, want, record, NULL, out);
}

static int
open_kem(const uint8_t *key, const struct record_want *want, struct slice record, struct buf *out)
{
	struct record_opener *o = NULL;
	int err = record_opener_new(key, &o);

	if (!err)
		err = record_kem_open(o, want, record, NULL, out);
	record_opener_free(o);
	return err;
}

static int
open_sig(const uint8_t *key, const struct record_want *want, struct slice record, struct buf *out)
{
	struct slice body;
	int err = record_sig_open(key, want, record, NULL, &body);

	return err ? err : buf_put(out, body);
}

static const struct form {
	const char *name, *key;
	int (*open)(const uint8_t *key, const struct record_want *want, struct slice record,
		struct buf *out);
} forms[] = {
	{"sym", "secret", open_sym},
	{"kem", "secret", open_kem},
	{"sig", "public", open_sig},
};

static const struct form *
form_of(const struct json *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (slice_eq(json_text(r, "form"), slice_str(forms[i].name)))
			return &forms[i];
	return NULL;
}

static int
try_open(const struct form *f, const uint8_t *key, const struct record_header *asked,
	struct slice record, struct slice plain)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(FILE_MAX);
	struct record_want want = {*asked, 0};
	int err = f->open(key, &want, record, &out);

	if (!err)
		CHECK(slice_eq(buf_slice(&out), plain));
	return err;
}

static void
check_record(struct arena *a, const struct json *r)
{
	const struct form *f = form_of(r);
	struct slice record = json_hex(a, r, "record"), plain = json_hex(a, r, "plain");
	uint8_t *bad = arena_alloc(a, record.len);
	struct record_header h, other;
	struct slice key;

	CHECK(f != NULL && bad != NULL && record.len > RECORD_HEADER_LEN);
	if (!f || !bad)
		return;
	key = json_hex(a, r, f->key);
	CHECK_INT(key.len, 32);
	CHECK_INT(record_parse(record, &h), 0);
	CHECK(slice_eq(slice_str(record_kind_name(h.kind)), json_text(r, "kind")));
	CHECK_INT(try_open(f, key.ptr, &h, record, plain), 0);
	for (size_t i = 0; i < RECORD_HEADER_LEN; i++) {
		memcpy(bad, record.ptr, record.len);
		bad[i] ^= 1;
		CHECK(try_open(f, key.ptr, &h, slice_new(bad, record.len), plain) != 0);
		if (record_parse(slice_new(bad, record.len), &other) == LL_OK)
			CHECK(try_open(f, key.ptr, &other, slice_new(bad, record.len), plain) != 0);
	}
}

static void
check_areas(struct arena *a, const struct json *account, const struct account_unlocked *u)
{
	size_t i = 0;

	JSON_EACH(area, json_get(account, "areas"))
	{
		const struct area_secret *s;

		CHECK(i < account_unlocked_len(u));
		if (i >= account_unlocked_len(u))
			return;
		s = account_unlocked_at(u, i++);
		CHECK_INT(s->area, json_number(area, "area"));
		CHECK_INT(s->version, json_number(area, "version"));
		CHECK(slice_eq(SLICE_OF(s->key), json_hex(a, area, "key")));
	}
	CHECK_INT(account_unlocked_len(u), i);
}

static void
take(struct arena *a, const struct json *from, const char *name, uint8_t *ret, size_t n)
{
	struct slice s = json_hex(a, from, name);

	CHECK_INT(s.len, n);
	if (s.len == n)
		memcpy(ret, s.ptr, n);
}

static void
check_account(struct arena *a, const struct json *account)
{
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = NULL;
	struct key_records records = {.v = {0}};
	struct account_pin pin = {.seq = json_number(account, "seq")};
	struct account_open open = {.type = (enum unlock_type)json_number(account, "type"),
		.secret = json_hex(a, account, "secret"),
		.records = &records,
		.pin = &pin,
		.now = (int64_t)json_number(account, "now")};

	take(a, account, "account", open.account, sizeof(open.account));
	take(a, account, "unlocker", open.unlocker, sizeof(open.unlocker));
	take(a, account, "identity", pin.identity, sizeof(pin.identity));
	take(a, account, "hash", pin.hash, sizeof(pin.hash));
	JSON_EACH(r, json_get(account, "records"))
	CHECK_INT(key_records_row(&records, json_hex(a, r, "key"), json_hex(a, r, "value")), 0);
	CHECK_INT(account_unlock(&open, &u), 0);
	if (u)
		check_areas(a, account, u);
	key_records_done(&records);
}

static struct slice
read_file(struct arena *a, const char *name)
{
	struct slice path = arena_printf(a, "%s/%s", folder, name);
	FILE *f = fopen(arena_str(a, path), "rb");
	uint8_t *at = arena_alloc(a, FILE_MAX);
	size_t n = f && at ? fread(at, 1, FILE_MAX, f) : 0;

	if (f)
		fclose(f);
	return slice_new(at, n);
}

static void
check_corpus(const char *name)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_MAX);
	struct json *corpus = json_parse(&a, read_file(&a, name));
	size_t n = 0;

	CHECK(corpus != NULL);
	JSON_EACH(r, corpus ? json_get(corpus, "records") : NULL)
	{
		check_record(&a, r);
		n++;
	}
	CHECK_INT(n, RECORD_KINDS - 1);
	if (corpus)
		check_account(&a, json_get(corpus, "account"));
}

static void
made_here(void)
{
	check_corpus("c.json");
}

static void
made_by_the_web_client(void)
{
	check_corpus("typescript.json");
}

int
main(int argc, char **argv)
{
	static const struct t_case cases[] = {T(made_here), T(made_by_the_web_client)};

	folder = argc > 1 ? argv[1] : "tests/corpus/keys";
	return t_main(cases, ARRAY_SIZE(cases));
}
