/* Records: the bytes of each form as KEYS.md writes them, and that nothing opens which is altered,
 * cut, or not what was asked for. */
#include "base/error.h"
#include "keys/hpke.h"
#include "keys/kdf.h"
#include "keys/record.h"
#include "t.h"

#define OUT_MAX ((size_t)1 << 20)
#define ANY (RECORD_ANY_KEYVER | RECORD_ANY_REV | RECORD_ANY_AUTHOR | RECORD_ANY_PART)

static const uint8_t sym_key[32] = {0x11};
static const uint8_t kem_seed[32] = {0x22};
static const uint8_t sig_seed[32] = {0x33};
static struct record_sender *sender;
static struct record_opener *opener;
static struct ed25519_key signer;

static struct record_header
header(enum record_kind kind)
{
	struct record_header h = {.kind = kind,
		.area = RECORD_AREA_MAIL,
		.part = 0x0102,
		.keyver = 0x03040506,
		.rev = 0x0708090a0b0c0d0e};

	memset(h.account, 0xa1, sizeof(h.account));
	memset(h.collection, 0xc2, sizeof(h.collection));
	memset(h.object, 0xb3, sizeof(h.object));
	memset(h.author, 0xd4, sizeof(h.author));
	return h;
}

static enum record_suite
suite_of(enum record_kind kind)
{
	switch (kind) {
	case RECORD_GRANT:
	case RECORD_DELIVERED:
	case RECORD_SHARE:
		return RECORD_KEM;
	case RECORD_MANIFEST:
	case RECORD_DEVICE:
		return RECORD_SIG;
	default:
		return RECORD_SYM;
	}
}

static int
seal(const struct record_header *h, struct slice plain, struct buf *out)
{
	switch (suite_of(h->kind)) {
	case RECORD_KEM:
		if (!record_sender_fresh(sender, 0))
			CHECK_INT(record_sender_renew(sender, 0), LL_OK);
		return record_kem_seal(sender, h, plain, out);
	case RECORD_SIG:
		return record_sig_seal(&signer, h, plain, out);
	default:
		return record_sym_seal(sym_key, h, plain, out);
	}
}

/* Opens by the suite that `kind` has, whatever the record itself says. */
static int
open_as(enum record_kind kind, const struct record_want *want, struct slice record, struct buf *out)
{
	struct slice body;
	int err;

	switch (suite_of(kind)) {
	case RECORD_KEM:
		return record_kem_open(opener, want, record, NULL, out);
	case RECORD_SIG:
		err = record_sig_open(signer.public, want, record, NULL, &body);
		return err ? err : buf_put(out, body);
	default:
		return record_sym_open(sym_key, want, record, NULL, out);
	}
}

static void
check_refused(enum record_kind kind, const struct record_want *want, struct slice record)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);

	CHECK(open_as(kind, want, record, &out) < 0);
	CHECK_INT(out.len, 0);
}

static void
test_round_trip(void)
{
	for (int kind = RECORD_ANCHOR; kind < RECORD_KINDS; kind++) {
		CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
		struct record_want want = {header((enum record_kind)kind), 0};
		struct record_header got;

		CHECK(record_kind_name(want.header.kind) != NULL);
		CHECK_INT(seal(&want.header, S("plain text"), &record), LL_OK);
		CHECK_INT(record_parse(buf_slice(&record), &got), LL_OK);
		CHECK_INT(got.suite, suite_of(want.header.kind));
		CHECK_INT(record_match(&got, &want), LL_OK);
		CHECK_INT(open_as(want.header.kind, &want, buf_slice(&record), &out), LL_OK);
		CHECK_SLICE(buf_slice(&out), S("plain text"));
	}
	CHECK(!record_kind_name((enum record_kind)0) && !record_kind_name(RECORD_KINDS));
}

/* Every bit of the header, three times: with what was asked for fixed, with every freedom a caller
 * can give, and with a caller so careless as to ask for whatever the record says it is. */
static void
flip_header(enum record_kind kind, struct buf *record)
{
	struct record_want want = {header(kind), 0};

	for (size_t i = 0; i < (size_t)RECORD_HEADER_LEN * 8; i++) {
		struct record_want careless;

		record->ptr[i / 8] ^= (uint8_t)(1 << i % 8);
		want.any = 0;
		check_refused(kind, &want, buf_slice(record));
		want.any = ANY;
		check_refused(kind, &want, buf_slice(record));
		if (record_parse(buf_slice(record), &careless.header) == LL_OK) {
			careless.any = 0;
			check_refused(kind, &careless, buf_slice(record));
		}
		record->ptr[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
test_flipped_header(void)
{
	for (int kind = RECORD_ANCHOR; kind < RECORD_KINDS; kind++) {
		CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX);
		struct record_header h = header((enum record_kind)kind);

		CHECK_INT(seal(&h, S("plain text"), &record), LL_OK);
		flip_header(h.kind, &record);
	}
}

static void
test_flipped_body(void)
{
	for (int kind = RECORD_ANCHOR; kind < RECORD_KINDS; kind++) {
		CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX);
		struct record_want want = {header((enum record_kind)kind), 0};

		CHECK_INT(seal(&want.header, S("plain text"), &record), LL_OK);
		for (size_t i = RECORD_HEADER_LEN; i < record.len; i++) {
			record.ptr[i] ^= 0x80;
			check_refused(want.header.kind, &want, buf_slice(&record));
			record.ptr[i] ^= 0x80;
		}
	}
}

static void
test_cut_and_trailing(void)
{
	for (int kind = RECORD_ANCHOR; kind < RECORD_KINDS; kind++) {
		CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX);
		struct record_want want = {header((enum record_kind)kind), 0};

		CHECK_INT(seal(&want.header, S("plain text"), &record), LL_OK);
		for (size_t len = 0; len < record.len; len++)
			check_refused(
				want.header.kind, &want, slice_sub(buf_slice(&record), 0, len));
		buf_putc(&record, 0);
		check_refused(want.header.kind, &want, buf_slice(&record));
	}
}

/* A genuine record in another's place. Each row changes one field of what is asked for. */
static void
test_misplaced(void)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	const struct record_header h = header(RECORD_OBJECT);
	struct record_want wants[10];

	CHECK_INT(seal(&h, S("x"), &record), LL_OK);
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		wants[i] = (struct record_want){h, 0};
	wants[0].header.kind = RECORD_FILE;
	wants[1].header.area = RECORD_AREA_FILES;
	wants[2].header.part++;
	wants[3].header.keyver++;
	wants[4].header.rev--;
	wants[5].header.account[15] ^= 1;
	wants[6].header.collection[0] ^= 1;
	wants[7].header.object[7] ^= 1;
	wants[8].header.author[7] ^= 1;
	wants[9].header.rev++;
	wants[9].any = RECORD_REV_FLOOR;
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		CHECK_INT(record_sym_open(sym_key, &wants[i], buf_slice(&record), NULL, &out),
			LL_ERR_AUTH);
	CHECK_INT(out.len, 0);
	wants[4].any = RECORD_REV_FLOOR;
	CHECK_INT(open_as(h.kind, &wants[4], buf_slice(&record), &out), LL_OK);
	wants[3].any = RECORD_ANY_KEYVER;
	CHECK_INT(open_as(h.kind, &wants[3], buf_slice(&record), &out), LL_OK);
	wants[2].any = RECORD_ANY_PART;
	CHECK_INT(open_as(h.kind, &wants[2], buf_slice(&record), &out), LL_OK);
	wants[8].any = RECORD_ANY_AUTHOR;
	CHECK_INT(open_as(h.kind, &wants[8], buf_slice(&record), &out), LL_OK);
}

/* The 87 bytes, field by field; the other implementation has the same table. */
static void
test_header_bytes(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bytes[] = {
		{0, 'L'}, {1, 'L'}, {2, '1'}, {3, 0}, /* magic */
		{4, RECORD_OBJECT}, {5, RECORD_SYM}, {6, 0}, {7, 0}, /* kind, suite, flags */
		{8, 0xa1}, {23, 0xa1}, {24, RECORD_AREA_MAIL}, {25, 0xc2}, {40, 0xc2}, {41, 0xb3},
		{56, 0xb3}, {57, 1}, {58, 2}, /* part */
		{59, 3}, {60, 4}, {61, 5}, {62, 6}, /* keyver */
		{63, 7}, {64, 8}, {70, 0xe}, {71, 0xd4}, {86, 0xd4}, /* rev, author */
	};
	CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX);
	const struct record_header h = header(RECORD_OBJECT);

	CHECK_INT(seal(&h, SLICE_NONE, &record), LL_OK);
	CHECK_INT(record.len, RECORD_HEADER_LEN + cobblestone_sealed_len(0));
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		CHECK_INT(record.ptr[bytes[i].at], bytes[i].value);
}

static struct slice
context(struct buf *b, const char *name, struct slice record)
{
	buf_puts(b, "letterlock/1/");
	buf_puts(b, name);
	buf_putc(b, 0);
	buf_put(b, slice_sub(record, 0, RECORD_HEADER_LEN));
	return buf_slice(b);
}

/* Each form taken apart with nothing but its suite. */
static void
test_forms(void)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf c = BUF_INIT(OUT_MAX);
	struct record_header h = header(RECORD_COLLECTION_KEY);

	CHECK_INT(seal(&h, S("sym"), &record), LL_OK);
	CHECK_INT(cobblestone_open(sym_key, context(&c, "collection-key", buf_slice(&record)),
			  slice_skip(buf_slice(&record), RECORD_HEADER_LEN), &out),
		LL_OK);
	CHECK_SLICE(buf_slice(&out), S("sym"));
	buf_reset(&record);
	h = header(RECORD_MANIFEST);
	CHECK_INT(seal(&h, S("body"), &record), LL_OK);
	buf_reset(&c);
	buf_put(&c, S("letterlock/1/sig/manifest\0"));
	hash_sha256(slice_sub(buf_slice(&record), 0, record.len - 64), buf_room(&c, 32));
	buf_grow(&c, 32);
	CHECK_INT(
		ed25519_verify(signer.public, buf_slice(&c), record.ptr + record.len - 64), LL_OK);
}

static void
test_kem_forms(void)
{
	CLEANUP(buf_done) struct buf record = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf c = BUF_INIT(OUT_MAX);
	const struct record_header grant = header(RECORD_GRANT), in = header(RECORD_DELIVERED);
	struct xwing_key *key = NULL;
	struct hpke hpke;
	struct slice payload;
	uint8_t dek[32];

	CHECK_INT(xwing_key_new(kem_seed, &key), LL_OK);
	CHECK_INT(seal(&grant, S("a key"), &record), LL_OK);
	payload = slice_skip(buf_slice(&record), RECORD_HEADER_LEN + XWING_ENC_LEN);
	CHECK_INT(hpke_receiver(&hpke, key, record.ptr + RECORD_HEADER_LEN,
			  context(&c, "grant", buf_slice(&record))),
		LL_OK);
	CHECK_INT(hpke_open(&hpke, SLICE_NONE, payload, &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("a key"));
	buf_reset(&record);
	buf_reset(&out);
	buf_reset(&c);
	CHECK_INT(seal(&in, S("a letter"), &record), LL_OK);
	payload = slice_skip(buf_slice(&record), RECORD_HEADER_LEN + XWING_ENC_LEN);
	CHECK_INT(hpke_receiver(&hpke, key, record.ptr + RECORD_HEADER_LEN,
			  context(&c, "delivered", buf_slice(&record))),
		LL_OK);
	CHECK_INT(hpke_export(&hpke, S("letterlock/1/dek"), dek, 32), LL_OK);
	CHECK_INT(cobblestone_open(dek, buf_slice(&c), payload, &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("a letter"));
	xwing_key_free(key);
}

/* A burst shares its encapsulation and nothing else: a payload does not open under another header.
 */
static void
test_burst(void)
{
	struct record_sender *s = NULL;
	CLEANUP(buf_done) struct buf first = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	struct record_want want = {header(RECORD_DELIVERED), 0};
	uint8_t enc[XWING_ENC_LEN];

	CHECK_INT(record_sender_new(record_opener_public(opener), 1000, &s), LL_OK);
	CHECK(record_sender_fresh(s, 1000) && record_sender_fresh(s, 3000));
	CHECK(!record_sender_fresh(s, 3001) && !record_sender_fresh(s, 999));
	CHECK_INT(record_kem_seal(s, &want.header, S("one"), &first), LL_OK);
	memcpy(enc, first.ptr + RECORD_HEADER_LEN, sizeof(enc));
	for (unsigned i = 1; i < RECORD_BURST_MAX; i++) {
		CLEANUP(buf_done) struct buf next = BUF_INIT(OUT_MAX);

		want.header.object[0] = (uint8_t)i;
		CHECK_INT(record_kem_seal(s, &want.header, S("two"), &next), LL_OK);
		CHECK(memcmp(next.ptr + RECORD_HEADER_LEN, enc, sizeof(enc)) == 0);
		CHECK_INT(open_as(RECORD_DELIVERED, &want, buf_slice(&next), &out), LL_OK);
		memcpy(next.ptr, first.ptr, RECORD_HEADER_LEN);
		want.header = header(RECORD_DELIVERED);
		check_refused(RECORD_DELIVERED, &want, buf_slice(&next));
	}
	CHECK(!record_sender_fresh(s, 1000));
	CHECK_INT(record_kem_seal(s, &want.header, S("late"), &out), LL_ERR_LIMIT);
	CHECK_INT(record_sender_renew(s, 5000), LL_OK);
	CHECK(record_sender_fresh(s, 5000));
	buf_reset(&first);
	CHECK_INT(record_kem_seal(s, &want.header, S("new"), &first), LL_OK);
	CHECK(memcmp(first.ptr + RECORD_HEADER_LEN, enc, sizeof(enc)) != 0);
	record_sender_free(s);
}

/* More bursts at once than the opener remembers. */
static void
test_many_bursts(void)
{
	enum { BURSTS = 40 };
	struct record_want want = {header(RECORD_DELIVERED), 0};
	struct buf records[BURSTS];
	struct record_sender *s = NULL;

	CHECK_INT(record_sender_new(record_opener_public(opener), 0, &s), LL_OK);
	for (size_t i = 0; i < BURSTS; i++) {
		records[i] = BUF_INIT(OUT_MAX);
		CHECK_INT(record_sender_renew(s, 0), LL_OK);
		CHECK_INT(record_kem_seal(s, &want.header, S("letter"), &records[i]), LL_OK);
	}
	for (size_t n = 0; n < 3 * (size_t)BURSTS; n++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);

		CHECK_INT(
			open_as(RECORD_DELIVERED, &want, buf_slice(&records[n * 7 % BURSTS]), &out),
			LL_OK);
		CHECK_SLICE(buf_slice(&out), S("letter"));
	}
	for (size_t i = 0; i < BURSTS; i++)
		buf_done(&records[i]);
	record_sender_free(s);
}

/* Refused before any key is used: kinds in the wrong form, flags, areas, lengths over the cap. */
static void
test_writer_rules(void)
{
	static const uint8_t large[8 << 10];
	CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX), tight = BUF_INIT(100);
	struct record_header h = header(RECORD_GRANT);

	CHECK_INT(record_sym_seal(sym_key, &h, S("x"), &out), LL_ERR_UNSUPPORTED);
	CHECK_INT(record_sig_seal(&signer, &h, S("x"), &out), LL_ERR_UNSUPPORTED);
	h = header(RECORD_ANCHOR);
	CHECK_INT(record_kem_seal(sender, &h, S("x"), &out), LL_ERR_UNSUPPORTED);
	CHECK_INT(record_sym_seal(sym_key, &h, SLICE_OF(large), &out), LL_ERR_LIMIT);
	h.flags = 1;
	CHECK_INT(record_sym_seal(sym_key, &h, S("x"), &out), LL_ERR_UNSUPPORTED);
	h = header(RECORD_OBJECT);
	h.area = RECORD_AREAS;
	CHECK_INT(record_sym_seal(sym_key, &h, S("x"), &out), LL_ERR_UNSUPPORTED);
	h = header(RECORD_KINDS);
	CHECK_INT(record_sym_seal(sym_key, &h, S("x"), &out), LL_ERR_UNSUPPORTED);
	CHECK_INT(record_sign(&signer, RECORD_KINDS, &out, 0), LL_ERR_UNSUPPORTED);
	CHECK_INT(out.len, 0);
	h = header(RECORD_OBJECT);
	CHECK_INT(record_sym_seal(sym_key, &h, S("x"), &tight), LL_ERR_LIMIT);
	CHECK_INT(tight.len, 0);
}

/* A GRANT is a KEM record with a signature behind it. */
static void
test_signed_record(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	const struct record_want want = {header(RECORD_GRANT), 0};
	struct slice record, none = SLICE_NONE;
	struct ed25519_key other;

	buf_puts(&b, "not part of it");
	CHECK_INT(seal(&want.header, S("key"), &b), LL_OK);
	CHECK_INT(record_sign(&signer, RECORD_GRANT, &b, 14), LL_OK);
	record = slice_skip(buf_slice(&b), 14);
	ed25519_key_init(&other, kem_seed);
	CHECK_INT(record_verify(other.public, RECORD_GRANT, record, &none), LL_ERR_AUTH);
	CHECK_INT(record_verify(signer.public, RECORD_SHARE, record, &none), LL_ERR_AUTH);
	CHECK_INT(record_verify(signer.public, RECORD_GRANT, slice_sub(record, 0, 63), &none),
		LL_ERR_SYNTAX);
	CHECK(!none.ptr);
	for (size_t i = 14; i < b.len; i++) {
		b.ptr[i] ^= 1;
		CHECK_INT(record_verify(signer.public, RECORD_GRANT, record, &none), LL_ERR_AUTH);
		b.ptr[i] ^= 1;
	}
	CHECK_INT(record_verify(signer.public, RECORD_GRANT, record, &record), LL_OK);
	CHECK_INT(open_as(RECORD_GRANT, &want, record, &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("key"));
}

static void
test_readers(void)
{
	static uint8_t plain[60000];
	CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	struct record_want want = {header(RECORD_FILE), 0};
	const uint8_t blob[16] = {5}, other[16] = {6};
	struct cobblestone_reader *r = NULL;
	struct cobblestone_range range;
	struct slice head;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 7 >> 3);
	CHECK_INT(seal(&want.header, SLICE_OF(plain), &b), LL_OK);
	head = slice_sub(buf_slice(&b), 0, RECORD_HEADER_LEN + COBBLESTONE_HEADER_LEN);
	CHECK_INT(record_sym_reader(sym_key, &want, slice_sub(head, 0, 100), b.len, &r),
		LL_ERR_SYNTAX);
	CHECK_INT(record_sym_reader(sym_key, &want, head, 50, &r), LL_ERR_SYNTAX);
	CHECK_INT(record_sym_reader(sym_key, &want, head, b.len, &r), LL_OK);
	CHECK_INT(cobblestone_reader_range(r, 20000, 20000, &range), LL_OK);
	CHECK_INT(cobblestone_reader_open(r, 20000, 20000,
			  slice_sub(buf_slice(&b), RECORD_HEADER_LEN + (size_t)range.offset,
				  (size_t)range.len),
			  &out),
		LL_OK);
	CHECK(slice_eq(buf_slice(&out), slice_new(plain + 20000, 20000)));
	cobblestone_reader_free(r);
	buf_reset(&b);
	buf_reset(&out);
	CHECK_INT(record_blob_seal(sym_key, blob, SLICE_OF(plain), &b), LL_OK);
	CHECK_INT(record_blob_open(sym_key, other, buf_slice(&b), &out), LL_ERR_AUTH);
	CHECK_INT(record_blob_reader(sym_key, other, buf_slice(&b), b.len, &r), LL_ERR_AUTH);
	CHECK_INT(record_blob_reader(sym_key, blob, buf_slice(&b), b.len, &r), LL_OK);
	CHECK_INT(cobblestone_reader_len(r), sizeof(plain));
	cobblestone_reader_free(r);
	CHECK_INT(record_blob_open(sym_key, blob, buf_slice(&b), &out), LL_OK);
	CHECK(slice_eq(buf_slice(&out), SLICE_OF(plain)));
}

static void
test_begin(void)
{
	ed25519_key_init(&signer, sig_seed);
	CHECK_INT(record_opener_new(kem_seed, &opener), LL_OK);
	CHECK_INT(record_sender_new(record_opener_public(opener), 0, &sender), LL_OK);
}

static void
test_end(void)
{
	record_sender_free(sender);
	record_opener_free(opener);
	ed25519_key_wipe(&signer);
}

T_MAIN(T(test_begin), T(test_round_trip), T(test_flipped_header), T(test_flipped_body),
	T(test_cut_and_trailing), T(test_misplaced), T(test_header_bytes), T(test_forms),
	T(test_kem_forms), T(test_burst), T(test_many_bursts), T(test_writer_rules),
	T(test_signed_record), T(test_readers), T(test_end))
