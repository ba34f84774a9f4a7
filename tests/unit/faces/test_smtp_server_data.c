/* Where a line and a message end, and where they do not: line ends, smuggling, BDAT. */
#include "smtp_dialogue.h"
#include "t.h"

static void
line_ends(void)
{
	static const struct dialogue d[] = {
		{"bare lf", &mx, S("NOOP\nNOOP\r\n"), "220 500:5.5.2"},
		{"lf only", &mx, S("EHLO a\n"), "220 500:5.5.2"},
		{"bare cr", &mx, S("NOOP\rNOOP\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0"},
		{"cr cr lf", &mx, S("NOOP\r\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0"},
		{"nul", &mx, S("NOOP \0\r\nNOOP\r\n"), "220 500:5.5.2 250:2.0.0"},
		{"tab", &mx, S("NOOP\tx\r\n"), "220 500:5.5.2"},
		{"latin1", &mx, S("NOOP \xe4\r\n"), "220 500:5.5.2"},
		{"utf8", &mx, S("NOOP \xc3\xa4\r\n"), "220 250:2.0.0"},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

/* Every text of up to six of CR, LF, dot and a letter after a line of text, then CRLF . CRLF: the
 * message ends at the first CRLF . CRLF and nowhere else, as a model says that works octet by
 * octet. */
static size_t
model_end(struct slice text)
{
	for (size_t i = 0; i + 5 <= text.len; i++)
		if (!memcmp(text.ptr + i, "\r\n.\r\n", 5))
			return i + 5;
	return 0;
}

static bool
model_bare(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool cr = text.ptr[i] == '\r', lf = text.ptr[i] == '\n';
		if (cr && (i + 1 == text.len || text.ptr[i + 1] != '\n'))
			return true;
		if (lf && (!i || text.ptr[i - 1] != '\r'))
			return true;
	}
	return false;
}

/* Dots that start a line are dropped. text starts a line. */
static void
model_unstuff(struct slice text, struct buf *ret)
{
	for (size_t i = 0; i < text.len; i++) {
		bool start = !i || (i >= 2 && text.ptr[i - 1] == '\n' && text.ptr[i - 2] == '\r');
		if (!start || text.ptr[i] != '.')
			buf_putc(ret, text.ptr[i]);
	}
}

static void
smuggle_one(struct slice middle, size_t step)
{
	CLEANUP(buf_done)
	struct buf in = BUF_INIT(4096), want = BUF_INIT(4096), codes = BUF_INIT(4096);
	struct peer p = peer_new(&mx, false);
	struct slice text, body;
	size_t end;

	buf_puts(&in, "x\r\n"); /* stands for the line end before the text */
	buf_put(&in, middle);
	buf_puts(&in, "\r\n.\r\n");
	text = buf_slice(&in);
	end = model_end(slice_skip(text, 1)) + 1;
	body = slice_sub(text, 0, end - 3);
	model_unstuff(body, &want);
	buf_puts(&want, "----\n");
	peer_feed(&p, S(HELLO MAIL RCPT "DATA\r\n"), step);
	buf_reset(&p.out);
	peer_feed(&p, slice_sub(text, 0, end), step);
	reply_codes(buf_slice(&p.out), &codes);
	if (model_bare(body)) {
		CHECK_SLICE(buf_slice(&codes), S("550:5.6.0"));
		CHECK_INT(p.accepted, 0);
	} else {
		CHECK_SLICE(buf_slice(&codes), S("250:2.0.0"));
		CHECK_SLICE(buf_slice(&p.messages), buf_slice(&want));
	}
	buf_reset(&p.out);
	peer_feed(&p, S("NOOP\r\n"), step);
	CHECK(slice_starts(buf_slice(&p.out), S("250 2.0.0")));
	peer_done(&p);
}

static void
smuggling(void)
{
	static const char letters[] = "\r\n.x";
	uint8_t middle[6];

	for (unsigned n = 0; n <= 6; n++)
		for (unsigned code = 0; code < 1u << 2 * n; code++) {
			for (unsigned i = 0; i < n; i++)
				middle[i] = (uint8_t)letters[code >> 2 * i & 3];
			smuggle_one(slice_new(middle, n), SIZE_MAX);
			if (n <= 5)
				smuggle_one(slice_new(middle, n), 1);
		}
}

static void
smuggling_named(void)
{
	static const struct dialogue d[] = {
		{"lf dot lf", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\n.\nMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"lf dot crlf", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\n.\r\nMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"crlf dot lf", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\r\n.\nMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"cr dot cr", &mx,
			S(HELLO MAIL RCPT "DATA\r\nx\r.\rMAIL FROM:<evil@b.c>\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"crlf dot cr", &mx, S(HELLO MAIL RCPT "DATA\r\nx\r\n.\r.\r\n\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"nul", &mx, S(HELLO MAIL RCPT "DATA\r\nx\0y\r\n.\r\nNOOP\r\n"),
			READY_CODES "354 550:5.6.0 250:2.0.0", S("")},
		{"dots", &mx, S(HELLO MAIL RCPT "DATA\r\n..\r\n.x\r\n...\r\n.\r\n"),
			READY_CODES "354 250:2.0.0", S(".\r\nx\r\n..\r\n----\n")},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

static void
chunks(void)
{
	static const struct dialogue d[] = {
		{"one chunk", &mx, S(HELLO MAIL RCPT "BDAT 5 LAST\r\nx\r\n.yNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("x\r\n.y----\n")},
		{"three chunks", &mx,
			S(HELLO MAIL RCPT "BDAT 3\r\na\r\nBDAT 0\r\nbdat 4 last\r\n.\r\n\r"
					  "QUIT\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 550:5.6.0 221:2.0.0", S("")},
		{"split crlf", &mx, S(HELLO MAIL RCPT "BDAT 2\r\na\rBDAT 1 LAST\r\n\nNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 250:2.0.0", S("a\r\n----\n")},
		{"last is empty", &mx, S(HELLO MAIL RCPT "BDAT 3\r\na\r\nBDAT 0 LAST\r\nNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 250:2.0.0", S("a\r\n----\n")},
		{"nothing at all", &mx, S(HELLO MAIL RCPT "BDAT 0 LAST\r\nNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("----\n")},
		{"end of data inside", &mx,
			S(HELLO MAIL RCPT "BDAT 8 LAST\r\na\r\n.\r\nRSNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("a\r\n.\r\nRS----\n")},
		{"data after bdat", &mx,
			S(HELLO MAIL RCPT "BDAT 3\r\na\r\nDATA\r\n" RCPT MAIL "BDAT 0 LAST\r\n"),
			READY_CODES "250:2.0.0 503:5.5.1 503:5.5.1 503:5.5.1 250:2.0.0",
			S("a\r\n----\n")},
		{"rset between", &mx,
			S(HELLO MAIL RCPT "BDAT 3\r\na\r\nRSET\r\nBDAT 1 LAST\r\nxNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0 503:5.5.1 250:2.0.0", S(""), "abort"},
		{"no transaction", &mx, S(HELLO "BDAT 4 LAST\r\nQUITNOOP\r\n" MAIL),
			"220 250 503:5.5.1 250:2.0.0 250:2.1.0"},
		{"no ehlo", &mx, S("BDAT 4\r\nQUITNOOP\r\n"), "220 503:5.5.1 250:2.0.0"},
		{"no recipients", &mx, S(HELLO MAIL "BDAT 4\r\nQUITBDAT 4 LAST\r\nQUIT" MAIL),
			"220 250 250:2.1.0 554:5.5.1 503:5.5.1 250:2.1.0"},
		{"failed until rset", &mx,
			S(HELLO MAIL "BDAT 4\r\nQUIT" MAIL "BDAT 4\r\nQUITRSET\r\n" MAIL),
			"220 250 250:2.1.0 554:5.5.1 503:5.5.1 503:5.5.1 250:2.0.0 250:2.1.0"},
		{"storage", &mx,
			S(HELLO "MAIL FROM:<nospace@b.c>\r\n" RCPT "BDAT 4 LAST\r\nQUIT" MAIL),
			READY_CODES "452:4.3.1 250:2.1.0"},
		{"syntax", &mx, S(HELLO MAIL RCPT "BDAT x LAST\r\nQUIT\r\n"),
			READY_CODES "501:5.5.4"},
		{"syntax 2", &mx, S(HELLO MAIL RCPT "BDAT 4 FIRST\r\nQUIT"),
			READY_CODES "501:5.5.4"},
		{"syntax 3", &mx, S(HELLO MAIL RCPT "BDAT\r\nQUIT"), READY_CODES "501:5.5.4"},
		{"absurd", &mx, S(HELLO MAIL RCPT "BDAT 18446744073709551615 LAST\r\n" MAIL),
			READY_CODES "552:5.3.4", S(""), "abort"},
		{"binary", &mx,
			S(HELLO "MAIL FROM:<a@b.c> BODY=BINARYMIME\r\n" RCPT
				"BDAT 6 LAST\r\na\0\n\r.\xffNOOP\r\n"),
			READY_CODES "250:2.0.0 250:2.0.0", S("a\0\n\r.\xff----\n"), "body=2"},
		{"binary by data", &mx,
			S(HELLO "MAIL FROM:<a@b.c> BODY=BINARYMIME\r\n" RCPT "DATA\r\nNOOP\r\n"),
			READY_CODES "503:5.5.1 250:2.0.0"},
		{"text has bare lf", &mx, S(HELLO MAIL RCPT "BDAT 3 LAST\r\na\nbNOOP\r\n"),
			READY_CODES "550:5.6.0 250:2.0.0", S("")},
		{"cr then letter over chunks", &mx,
			S(HELLO MAIL RCPT "BDAT 2\r\na\rBDAT 1 LAST\r\nbNOOP\r\n"),
			READY_CODES "250:2.0.0 550:5.6.0 250:2.0.0", S("")},
	};

	run_dialogues(d, ARRAY_SIZE(d));
}

T_MAIN(T(line_ends), T(smuggling_named), T(smuggling), T(chunks))
