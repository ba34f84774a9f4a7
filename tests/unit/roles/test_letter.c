/* Letters under a password, over a real store: their records and rows, their pieces, what is due,
 * and what is left when they are over. */
#include "base/error.h"
#include "base/text.h"
#include "roles/letter.h"
#include "store/embedded.h"
#include "t.h"

#include <stdlib.h>
#include <unistd.h>

static struct directory_keys keys;
static struct web_place place;

static void
set_up(void)
{
	static const uint8_t boot[BOOT_SECRET_LEN] = {7};
	static char dir[256];
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/letterlock-letter-XXXXXX", tmp ? tmp : "/tmp");
	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(server_keys_directory(boot, &keys), 0);
	CHECK_INT(store_embedded_open(dir, NULL, &place.store), 0);
	place.keys = &keys;
}

static struct letter
make(uint8_t number, uint8_t account, int64_t created)
{
	struct letter l = {.state = WEB_LETTER_DRAFT,
		.created = created,
		.expires = created + 1000,
		.n_parts = 2,
		.parts = {100, WEB_PIECE_LEN + 1},
		.to = "anna@elsewhere.example",
		.message_id = "<1@here.example>",
		.note = {5},
		.note_len = 1};

	memset(l.id, number, sizeof(l.id));
	memset(l.account, account, sizeof(l.account));
	l.access_hash[31] = 9;
	return l;
}

static void
a_record_comes_back(void)
{
	struct letter l = make(1, 1, 5000), got;

	l.max_opens = 3;
	l.send_at = 5500;
	CHECK_INT(letter_load(&place, l.id, &got), LL_ERR_NOTFOUND);
	CHECK_INT(letter_save(&place, &l, true), LL_OK);
	CHECK_INT(letter_save(&place, &l, true), LL_ERR_EXISTS);
	CHECK_INT(letter_load(&place, l.id, &got), LL_OK);
	CHECK(memcmp(got.account, l.account, WEB_ID) == 0 && got.access_hash[31] == 9);
	CHECK(got.created == 5000 && got.expires == 6000 && got.max_opens == 3);
	CHECK(got.send_at == 5500 && letter_last(&got) == 5500 + LETTER_LIFE_MAX);
	CHECK(strcmp(got.to, l.to) == 0 && strcmp(got.message_id, l.message_id) == 0);
	CHECK(got.note_len == 1 && got.note[0] == 5 && got.n_parts == 2);
	CHECK_INT(got.parts[1], WEB_PIECE_LEN + 1);
	CHECK_INT(letter_size(&got), 100 + WEB_PIECE_LEN + 1);
	CHECK_INT(letter_pieces(got.parts[1]), 2);
	CHECK_INT(letter_pieces(WEB_PIECE_LEN), 1);
	CHECK_INT(letter_delete(&place, &got), LL_OK);
	CHECK_INT(letter_load(&place, l.id, &got), LL_ERR_NOTFOUND);
}

static size_t
due(int64_t now)
{
	uint8_t ids[8][WEB_ID];
	size_t n = 99;

	CHECK_INT(letter_due_now(&place, now, 8, ids, &n), LL_OK);
	return n;
}

static void
what_is_due_follows_its_state(void)
{
	struct letter l = make(2, 1, 5000);

	CHECK_INT(letter_save(&place, &l, true), LL_OK);
	CHECK_INT(due(5000 + LETTER_DRAFT_LIFE - 1), 0);
	CHECK_INT(due(5000 + LETTER_DRAFT_LIFE), 1);
	l.state = WEB_LETTER_OPEN;
	CHECK_INT(letter_save(&place, &l, false), LL_OK);
	CHECK_INT(due(5999), 0);
	CHECK_INT(due(6000), 1);
	l.expires = 7000;
	CHECK_INT(letter_save(&place, &l, false), LL_OK);
	CHECK_INT(due(6999), 0);
	l.state = WEB_LETTER_EXPIRED;
	l.ended = 7001;
	CHECK_INT(letter_save(&place, &l, false), LL_OK);
	CHECK_INT(letter_size(&l), 0);
	CHECK_INT(due(7001 + LETTER_FORGET_AFTER - 1), 0);
	CHECK_INT(due(7001 + LETTER_FORGET_AFTER), 1);
	CHECK_INT(letter_delete(&place, &l), LL_OK);
	CHECK_INT(due(INT64_MAX - 1), 0);
}

static int
add(void *ctx, const uint8_t id[WEB_ID], uint64_t size)
{
	*(uint64_t *)ctx += size;
	return LL_OK;
}

static void
a_list_is_of_one_account(void)
{
	struct letter a = make(3, 1, 1), b = make(4, 1, 1), c = make(5, 2, 1);
	uint64_t sum = 0;

	CHECK_INT(letter_save(&place, &a, true), LL_OK);
	CHECK_INT(letter_save(&place, &b, true), LL_OK);
	CHECK_INT(letter_save(&place, &c, true), LL_OK);
	CHECK_INT(letter_each(&place, a.account, add, &sum), LL_OK);
	CHECK_INT(sum, letter_size(&a) + letter_size(&b));
	CHECK_INT(letter_delete(&place, &a), LL_OK);
	CHECK_INT(letter_delete(&place, &b), LL_OK);
	CHECK_INT(letter_delete(&place, &c), LL_OK);
}

static uint64_t
stored(const struct letter *l)
{
	struct store_stat st = {0};

	CHECK_INT(store_stat(place.store, letter_partition(&place, l->id), &st), LL_OK);
	return st.blob_bytes;
}

static void
pieces(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(WEB_PIECE_LEN);
	struct letter l = make(6, 1, 1);
	struct letter_piece first = {LETTER_PIECE_PART, 1, 0}, second = {LETTER_PIECE_PART, 1, 1},
			    reply = {LETTER_PIECE_REPLY, 1, 0};
	bool all = true;

	CHECK_INT(letter_piece_put(&place, l.id, second, S("end")), LL_OK);
	CHECK_INT(letter_pieces_have(&place, l.id, 1, 2, &all), LL_OK);
	CHECK(!all);
	CHECK_INT(letter_piece_put(&place, l.id, first, S("other")), LL_OK);
	CHECK_INT(letter_piece_put(&place, l.id, first, S("begin")), LL_OK);
	CHECK_INT(letter_piece_put(&place, l.id, reply, S("answer")), LL_OK);
	CHECK_INT(letter_pieces_have(&place, l.id, 1, 2, &all), LL_OK);
	CHECK(all);
	CHECK_INT(stored(&l), strlen("begin") + strlen("end") + strlen("answer"));
	CHECK_INT(letter_piece_get(&place, l.id, first, &got), LL_OK);
	CHECK_SLICE(buf_slice(&got), S("begin"));
	first.of = 0;
	CHECK_INT(letter_piece_get(&place, l.id, first, &got), LL_ERR_NOTFOUND);
	CHECK_INT(letter_parts_delete(&place, l.id), LL_OK);
	CHECK_INT(stored(&l), strlen("answer"));
	CHECK_INT(letter_reply_delete(&place, l.id, 1), LL_OK);
	CHECK_INT(stored(&l), 0);
	CHECK_INT(letter_piece_get(&place, l.id, second, &got), LL_ERR_NOTFOUND);
}

static void
a_long_part_is_deleted_whole(void)
{
	struct letter l = make(7, 1, 1);

	for (uint32_t i = 0; i < 450; i++)
		CHECK_INT(letter_piece_put(&place, l.id,
				  (struct letter_piece){LETTER_PIECE_PART, 0xffff, i}, S("x")),
			LL_OK);
	CHECK_INT(stored(&l), 450);
	CHECK_INT(letter_parts_delete(&place, l.id), LL_OK);
	CHECK_INT(stored(&l), 0);
}

static int
count(void *ctx, const uint8_t id[WEB_ID], uint16_t reply)
{
	*(unsigned *)ctx += reply;
	return LL_OK;
}

static void
replies_wait(void)
{
	struct letter l = make(8, 1, 1), other = make(9, 1, 1);
	unsigned sum = 0;

	l.replies = 300;
	CHECK_INT(letter_save(&place, &l, true), LL_OK);
	CHECK_INT(letter_save(&place, &other, true), LL_OK);
	CHECK_INT(letter_reply_queue(&place, &l, 300), LL_OK);
	CHECK_INT(letter_reply_queue(&place, &other, 1), LL_OK);
	CHECK_INT(letter_replies(&place, l.id, count, &sum), LL_OK);
	CHECK_INT(sum, 300);
	CHECK_INT(letter_reply_done(&place, l.id, 300), LL_OK);
	sum = 0;
	CHECK_INT(letter_replies(&place, NULL, count, &sum), LL_OK);
	CHECK_INT(sum, 1);
	CHECK_INT(letter_reply_done(&place, other.id, 1), LL_OK);
	CHECK_INT(letter_delete(&place, &l), LL_OK);
	CHECK_INT(letter_delete(&place, &other), LL_OK);
}

static void
only_encrypted_replies(void)
{
	static const struct {
		struct slice bytes;
		bool yes;
	} cases[] = {
		{S("\xc1\x5e\x03rest"), true}, /* present format, version 3 */
		{S("\xc1\x5e\x06"), true},
		{S("\xc1\xc0\x01\x03"), true}, /* two octets of length */
		{S("\xc1\xff\0\0\x01\x00\x03"), true},
		{S("\x84\x5e\x03"), true}, /* older format */
		{S("\x85\x01\x0c\x03"), true},
		{S("\x86\0\0\x01\x0c\x03"), true},
		{S("\x87\x03"), false}, /* of no length */
		{S("\xc1\xe1\x03"), false}, /* partial */
		{S("\xc1\x5e\x02"), false},
		{S("\xcb\x10\x62text"), false}, /* literal data: readable */
		{S("\xd2\x10\x01"), false}, /* for nobody's key */
		{S("Hello"), false},
		{S("\xc1"), false},
		{S("\xc1\x5e"), false},
		{S(""), false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (letter_is_encrypted(cases[i].bytes) != cases[i].yes) {
			fprintf(stderr, "case %zu\n", i);
			t_failed++;
		}
}

static void
armor_is_base64_in_lines(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(200000), whole = BUF_INIT(200000);
	static uint8_t piece[WEB_PIECE_LEN];
	struct slice rest;

	CHECK_INT(letter_armor(SLICE_OF(piece), &out), LL_OK);
	CHECK_INT(letter_armor(S("ab"), &out), LL_OK);
	rest = buf_slice(&out);
	while (rest.len) {
		struct slice line = slice_line(&rest);
		CHECK(line.len <= 64 && (line.len == 64 || rest.len == 0));
		CHECK_INT(buf_put(&whole, line), LL_OK);
	}
	buf_reset(&out);
	CHECK_INT(base64_decode(&out, buf_slice(&whole)), LL_OK);
	CHECK_INT(out.len, WEB_PIECE_LEN + 2);
	CHECK_SLICE(slice_skip(buf_slice(&out), WEB_PIECE_LEN), S("ab"));
}

T_MAIN(T(set_up), T(a_record_comes_back), T(what_is_due_follows_its_state),
	T(a_list_is_of_one_account), T(pieces), T(a_long_part_is_deleted_whole), T(replies_wait),
	T(only_encrypted_replies), T(armor_is_base64_in_lines))
