/* Modified UTF-7 and message sets. */
#include "base/error.h"
#include "faces/imap_conn.h"
#include "t.h"

static const struct {
	struct slice utf8, mutf7;
} names[] = {
	{S("INBOX"), S("INBOX")},
	{S("a & b"), S("a &- b")},
	{S("&"), S("&-")},
	{S(""), S("")},
	{S("\xc3\xa4"), S("&AOQ-")},
	{S("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"),
		S("~peter/mail/&U,BTFw-/&ZeVnLIqe-")},
	{S("\xf0\x9f\x93\xb0"), S("&2D3c8A-")},
	{S("\xc3\xa4&\xc3\xa4"), S("&AOQ-&-&AOQ-")},
	{S("Entw\xc3\xbcrfe"), S("Entw&APw-rfe")},
};

static const struct slice bad_names[] = {
	S("&AOQ"), /* not ended */
	S("&A-"), /* less than one unit */
	S("&AOR-"), /* padding bits that are not zero */
	S("&AGE-"), /* "a" must stand for itself */
	S("&2D0-"), /* half of a pair */
	S("&3PA-"), /* the other half */
	S("&AAA-"), /* NUL */
	S("&AO Q-"),
	S("&AOQ=-"),
	S("&AO/-"), /* "," stands for "/" */
	S("\xc3\xa4"),
	S("a\tb"),
};

static void
test_mutf7(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(buf_done) struct buf wire = BUF_INIT(1000), back = BUF_INIT(1000);

		CHECK_INT(mutf7_encode(&wire, names[i].utf8), LL_OK);
		CHECK_SLICE(buf_slice(&wire), names[i].mutf7);
		CHECK_INT(mutf7_decode(&back, names[i].mutf7), LL_OK);
		CHECK_SLICE(buf_slice(&back), names[i].utf8);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++) {
		CLEANUP(buf_done) struct buf back = BUF_INIT(1000);
		CHECK_INT(mutf7_decode(&back, bad_names[i]), LL_ERR_SYNTAX);
	}
}

/* Sets over a view of UIDs 2, 4, 6, 8, 10: as positions, or "?" for an error. */
static const struct {
	struct slice text;
	bool uid;
	const char *want;
} sets[] = {
	{S("1"), false, "0-1 "},
	{S("1:5"), false, "0-5 "},
	{S("5:1"), false, "0-5 "},
	{S("*"), false, "4-5 "},
	{S("3:*"), false, "2-5 "},
	{S("*:3"), false, "2-5 "},
	{S("1,3,5"), false, "0-1 2-3 4-5 "},
	{S("5,1,3"), false, "0-1 2-3 4-5 "},
	{S("1:3,2:4"), false, "0-4 "},
	{S("1,2"), false, "0-2 "},
	{S("2,2,2"), false, "1-2 "},
	{S("6"), false, "?"},
	{S("5:6"), false, "?"},
	{S("4:8"), true, "1-4 "},
	{S("1"), true, ""},
	{S("1:3"), true, "0-1 "},
	{S("9:*"), true, "4-5 "},
	{S("99:*"), true, "4-5 "},
	{S("*"), true, "4-5 "},
	{S("4294967295"), true, ""},
	{S("1:4294967295"), true, "0-5 "},
	{S("$"), true, "1-2 3-4 "},
	{S("0"), true, "?"},
	{S("1:"), true, "?"},
	{S(",1"), true, "?"},
	{S("4294967296"), true, "?"},
	{S("x"), true, "?"},
};

static void
put_spans(struct imap_conn *c, const struct slice text, bool uid, struct buf *out)
{
	struct imap_lex l = imap_lex_new(text, &c->arena);
	struct imap_spans spans;
	struct imap_set set;

	if (!imap_set_parse(&l, &set) || l.at != l.end ||
		imap_set_resolve(c, &set, uid, &spans) != LL_OK) {
		buf_puts(out, "?");
		return;
	}
	for (size_t i = 0; i < spans.len; i++)
		buf_printf(out, "%u-%u ", spans.at[i].from, spans.at[i].to);
}

static void
test_sets(void)
{
	static uint32_t uids[] = {2, 4, 6, 8, 10}, saved[] = {4, 5, 8};
	struct imap_conn c = {.arena = ARENA_INIT(1 << 20)};

	c.view.uids.at = uids;
	c.view.uids.len = 5;
	c.saved = (struct uid_list){.at = saved, .len = 3};
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		CLEANUP(buf_done) struct buf got = BUF_INIT(1000);
		put_spans(&c, sets[i].text, sets[i].uid, &got);
		CHECK_SLICE(buf_slice(&got), slice_str(sets[i].want));
		arena_reset(&c.arena);
	}
	/* An empty mailbox: "*" and "1:*" name nothing, others are wrong. */
	c.view.uids.len = 0;
	for (int i = 0; i < 3; i++) {
		static const struct slice texts[] = {S("*"), S("1:*"), S("1")};
		CLEANUP(buf_done) struct buf got = BUF_INIT(1000);
		put_spans(&c, texts[i], false, &got);
		CHECK_SLICE(buf_slice(&got), i < 2 ? S("") : S("?"));
	}
	arena_done(&c.arena);
}

T_MAIN(T(test_mutf7), T(test_sets))
