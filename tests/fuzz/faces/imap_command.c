/* Framing, tokens, names and FETCH items: the same commands however the bytes are split; what is
 * written from a parsed item parses to the same item; modified UTF-7 comes back as it was. */
#include "../cut.h"
#include "base/error.h"
#include "base/text.h"
#include "faces/imap_fetch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_INPUT ((size_t)65536)
#define MAX_LITERAL 300
#define TOKENS_MAX 200 /* it is quadratic */

/* Cuts into commands; each is logged with its kind. */
static void
cut(struct slice in, bool whole, struct buf *log)
{
	uint32_t hash = fuzz_hash(in);
	struct imap_frame f;
	struct slice s;
	size_t at = 0, n;

	imap_frame_init(&f, 1000);
	for (;;) {
		enum imap_frame_event e = imap_frame_command(&f, &s);

		if (e == IMAP_FRAME_MORE) {
			if (at >= in.len)
				break;
			n = whole ? in.len : fuzz_piece(hash, at, in.len);
			if (imap_frame_put(&f, slice_sub(in, at, n)) != LL_OK)
				abort();
			at = MIN(at + n, in.len);
			continue;
		}
		buf_putc(log, (uint8_t)('0' + (int)e));
		if (e == IMAP_FRAME_LITERAL) {
			buf_put_be64(log, f.literal_size);
			if (f.literal_size > MAX_LITERAL)
				imap_frame_refuse(&f);
			else if (imap_frame_accept(&f) != LL_OK)
				abort();
			continue;
		}
		/* Of a line that is too long only its start is promised. */
		buf_put_blob(log, slice_sub(s, 0, e == IMAP_FRAME_TOO_LONG ? 100 : SIZE_MAX));
		imap_frame_next(&f);
	}
	imap_frame_done(&f);
}

static void
check_mutf7(struct slice name)
{
	struct buf utf8 = BUF_INIT(1 << 20), wire = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);

	if (mutf7_decode(&utf8, name) == LL_OK) {
		if (!utf8_valid(buf_slice(&utf8)) || mutf7_encode(&wire, buf_slice(&utf8)) != LL_OK)
			abort();
		if (mutf7_decode(&again, buf_slice(&wire)) != LL_OK ||
			!slice_eq(buf_slice(&again), buf_slice(&utf8)))
			abort();
	}
	buf_done(&utf8);
	buf_done(&wire);
	buf_done(&again);
}

/* The label of a section is itself an item with that label. */
static void
check_label(struct imap_conn *c, const struct fetch_item *item)
{
	struct buf text = BUF_INIT(1 << 20);
	struct fetch_args args;
	struct imap_lex l;

	buf_puts(&text, " 1 ");
	buf_put(&text, item->label);
	if (item->partial) { /* "<3>" in the answer stands for "<3.n>" */
		buf_truncate(&text, text.len - 1);
		buf_printf(&text, ".%u>", item->length);
	}
	l = imap_lex_new(buf_slice(&text), &c->arena);
	if (!imap_fetch_parse(c, &l, &args) || args.n < 1 ||
		!slice_eq(args.items[0].label, item->label))
		abort();
	buf_done(&text);
}

static void
check_fetch(struct slice args)
{
	struct imap_conn *c = calloc(1, sizeof(*c));
	struct fetch_args parsed;
	struct imap_lex l;

	if (!c)
		abort();
	c->arena = ARENA_INIT(16 << 20);
	l = imap_lex_new(args, &c->arena);
	if (imap_fetch_parse(c, &l, &parsed)) {
		if (parsed.n > IMAP_FETCH_ITEMS || l.at != l.end)
			abort();
		for (size_t i = 0; i < parsed.n; i++)
			if (parsed.items[i].kind == FETCH_SECTION ||
				parsed.items[i].kind == FETCH_BINARY)
				check_label(c, &parsed.items[i]);
	} else if (!l.bad) {
		abort();
	}
	arena_done(&c->arena);
	free(c);
}

/* All token readers at every position of a part: none leaves the command. */
static void
check_tokens(struct slice text)
{
	struct arena arena = ARENA_INIT(16 << 20);
	struct imap_lex l = imap_lex_new(text, &arena);
	struct imap_flags flags;
	struct imap_set set;
	struct slice s;
	int64_t when;

	while (l.at < l.end) {
		struct imap_lex here = l, copy;

		if (imap_lex_astring(&here, &s))
			check_mutf7(s);
		copy = l;
		(void)imap_parse_flags(&copy, false, &flags);
		copy = l;
		(void)imap_set_parse(&copy, &set);
		copy = l;
		(void)imap_lex_date_time(&copy, &when);
		copy = l;
		(void)imap_lex_date(&copy, &when);
		if (here.at > l.end || copy.at > l.end)
			abort();
		l.at = here.at > l.at ? here.at : l.at + 1;
	}
	arena_done(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(1 << 24), split = BUF_INIT(1 << 24);
	struct slice in = slice_new(data, size);

	if (!size || size > MAX_INPUT)
		return 0;
	cut(in, true, &whole);
	cut(in, false, &split);
	if (buf_err(&whole) || !slice_eq(buf_slice(&whole), buf_slice(&split)))
		abort();
	buf_done(&whole);
	buf_done(&split);
	check_tokens(slice_sub(in, fuzz_hash(in) % size, TOKENS_MAX));
	check_fetch(in);
	check_mutf7(in);
	return 0;
}
