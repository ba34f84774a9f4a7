/* Text: transfer encodings, charsets, encoded words, folding, HTML, base subjects. */
#include "t.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/html.h"
#include "mail/subject.h"
#include "mail/transfer.h"

/* Decodes in pieces of n bytes. */
static void
decode_pieces(struct buf *out, enum transfer_encoding e, struct slice in, size_t n)
{
	struct transfer_decoder d;

	transfer_decoder_init(&d, e);
	for (; in.len; in = slice_skip(in, n))
		CHECK_INT(transfer_decode(&d, slice_sub(in, 0, n), out), 0);
	CHECK_INT(transfer_decode_end(&d, out), 0);
}

static void
transfers(void)
{
	static const struct {
		enum transfer_encoding encoding;
		const char *in, *want;
	} cases[] = {
		{TRANSFER_BASE64, "SGVsbG8=", "Hello"},
		{TRANSFER_BASE64, "SGVs\r\nbG8=\r\n", "Hello"},
		{TRANSFER_BASE64, "SGVsbG8", "Hello"},
		{TRANSFER_BASE64, "SGVsbG8=SGVsbG8=", "HelloHello"},
		{TRANSFER_BASE64, "SGVs*bG8=", "Hello"},
		{TRANSFER_BASE64, "S", ""},
		{TRANSFER_BASE64, "SG==VsbG8=", "HV\xc6\xc6"},
		{TRANSFER_BASE64, "====", ""},
		{TRANSFER_QP, "a=20b=3D", "a b="},
		{TRANSFER_QP, "soft=\r\nbreak=\nhere=  \r\nend", "softbreakhereend"},
		{TRANSFER_QP, "trailing \t \r\nnext  \n", "trailing\r\nnext\n"},
		{TRANSFER_QP, "at end  ", "at end"},
		{TRANSFER_QP, "keep  these\tspaces", "keep  these\tspaces"},
		{TRANSFER_QP, "=c3=Bc", "\xc3\xbc"},
		{TRANSFER_QP, "=zz =4", "=zz =4"},
		{TRANSFER_QP, "100% = all =x =4x", "100% = all =x =4x"},
		{TRANSFER_QP, "a=", "a"},
		{TRANSFER_QP, "==41", "=A"},
		{TRANSFER_QP, "=4=41", "=4A"},
		{TRANSFER_QP, "cr\rin", "cr\rin"},
		{TRANSFER_QP, "= \rx", "= \rx"},
		{TRANSFER_QP, " \r\r\n", " \r\r\n"},
		{TRANSFER_UUENCODE, "begin 644 x\r\n%2&5L;&\\\r\n`\r\nend\r\n", "Hello"},
		{TRANSFER_UUENCODE, "junk\n%2&5L;&\\\n", ""},
		{TRANSFER_8BIT, "a=20\xff", "a=20\xff"},
		{TRANSFER_UNKNOWN, "a=20", "a=20"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		for (size_t n = 1; n <= in.len + 1; n++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
			decode_pieces(&b, cases[i].encoding, in, n);
			CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
		}
	}
}

/* A run of white space longer than what is held before a line end. */
static void
long_space(void)
{
	for (size_t n = 60; n < 200; n += 7) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(1000);
		CLEANUP(buf_done) struct buf whole = BUF_INIT(1000);
		buf_puts(&in, "a");
		buf_put_fill(&in, ' ', n);
		buf_puts(&in, "b\r\n");
		decode_pieces(&whole, TRANSFER_QP, buf_slice(&in), 1000);
		CHECK_SLICE(buf_slice(&whole), buf_slice(&in));
	}
}

static void
encoders(void)
{
	CLEANUP(buf_done) struct buf in = BUF_INIT(10000);

	for (unsigned i = 0; i < 700; i++)
		buf_putc(&in, (uint8_t)(i * 7919 >> 3));
	for (size_t n = 0; n <= in.len; n += 13) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
		CLEANUP(buf_done) struct buf back = BUF_INIT(10000);
		struct slice rest;
		CHECK_INT(transfer_encode_base64(&b, slice_new(in.ptr, n)), 0);
		decode_pieces(&back, TRANSFER_BASE64, buf_slice(&b), 1000);
		CHECK_SLICE(buf_slice(&back), slice_new(in.ptr, n));
		rest = buf_slice(&b);
		while (rest.len)
			CHECK(slice_line(&rest).len <= 76);
	}
}

static void
qp_encoder(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"a=b\n", "a=3Db\r\n"},
		{"trailing \r\nx", "trailing=20\r\nx\r\n"},
		{"\xc3\xbc", "=C3=BC\r\n"},
		{"end\t", "end=09\r\n"},
		{"", ""},
	};
	CLEANUP(buf_done) struct buf in = BUF_INIT(1000);
	CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
	CLEANUP(buf_done) struct buf back = BUF_INIT(10000);
	struct slice rest;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_reset(&b);
		CHECK_INT(transfer_encode_qp(&b, slice_str(cases[i].in)), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
	}
	buf_reset(&b);
	buf_put_fill(&in, 'x', 300);
	buf_puts(&in, "\xc3\xbc\r\n");
	CHECK_INT(transfer_encode_qp(&b, buf_slice(&in)), 0);
	decode_pieces(&back, TRANSFER_QP, buf_slice(&b), 3);
	CHECK_SLICE(buf_slice(&back), buf_slice(&in));
	rest = buf_slice(&b);
	while (rest.len)
		CHECK(slice_line(&rest).len <= 76);
}

static void
encoding_names(void)
{
	static const struct {
		const char *in;
		enum transfer_encoding want;
	} cases[] = {
		{"base64", TRANSFER_BASE64},
		{" BASE64 (comment) ", TRANSFER_BASE64},
		{"Quoted-Printable;", TRANSFER_QP},
		{"\"8bit\"", TRANSFER_8BIT},
		{"", TRANSFER_7BIT},
		{"x-uuencode", TRANSFER_UUENCODE},
		{"base65", TRANSFER_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_INT(transfer_encoding_parse(slice_str(cases[i].in)), cases[i].want);
}

static void
charsets(void)
{
	static const struct {
		const char *name, *in, *want;
	} cases[] = {
		{"utf-8", "\xc3\xbc", "\xc3\xbc"},
		{"UTF8",
			"a\xff"
			"b",
			"a\xef\xbf\xbd"
			"b"},
		{"utf-8", "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"us-ascii", "\xc3\xbc \xfc", "\xc3\xbc \xc3\xbc"},
		{"", "\x93quoted\x94", "\xe2\x80\x9cquoted\xe2\x80\x9d"},
		{"x-no-such", "\xfc", "\xc3\xbc"},
		{"not a name!", "a", "a"},
		{"iso-8859-1", "\xc3\xbc", "\xc3\x83\xc2\xbc"},
		{"iso-8859-15", "\xa4", "\xe2\x82\xac"},
		{"koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4",
			"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
		{"iso-2022-jp", "\x1b$B$\"\x1b(B", "\xe3\x81\x82"},
		{"shift_jis", "\x82\xa0", "\xe3\x81\x82"},
		{"gb2312", "\xc4\xe3", "\xe4\xbd\xa0"},
		{"big5", "\xa7\x41", "\xe4\xbd\xa0"},
		{"euc-kr", "\xb0\xa1", "\xea\xb0\x80"},
		{"utf-7", "+AOQ-", "\xc3\xa4"},
		{"utf-16le", "\x41", "\xef\xbf\xbd"},
		{"windows-1251", "\xcf", "\xd0\x9f"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		for (size_t n = 1; n <= in.len; n++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
			CLEANUP(charset_freep)
			struct charset *c = charset_new(slice_str(cases[i].name));
			for (size_t at = 0; at < in.len; at += n)
				CHECK_INT(charset_convert(
						  c, slice_sub(in, at, n), at + n >= in.len, &b),
					0);
			CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
		}
	}
	CHECK(charset_known(S("UTF-8")) && charset_known(S("koi8-r")) &&
		charset_known(S("gb2312")));
	CHECK(!charset_known(S("x-no-such")) && !charset_known(S("")) && !charset_known(S("a b")));
}

static void
encoded_words(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"plain", "plain"},
		{"=?utf-8?q?J=C3=BCrgen?=", "J\xc3\xbcrgen"},
		{"=?UTF-8?B?SsO8cmdlbg==?=", "J\xc3\xbcrgen"},
		{"=?iso-8859-1*de?Q?a_b=FC?=", "a b\xc3\xbc"},
		{"a =?utf-8?q?b?= c", "a b c"},
		{"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
		{"=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"},
		{"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"},
		{"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "\xc3\xbc"},
		{"=?utf-8?b?ww==?= =?utf-8?b?vA==?=", "\xc3\xbc"},
		{"=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=", "\xc3\xbc\xc3\xbc"},
		{"=?utf-8?x?a?=", "=?utf-8?x?a?="},
		{"=?utf-8?q?open", "=?utf-8?q?open"},
		{"=??q?a?=", "=??q?a?="},
		{"=?=?=?=?utf-8?q?a?=", "=?=?=?a"},
		{"x=?utf-8?q?a?=y", "xay"},
		{"=?utf-8?q?a=0D=0AB=00?=", "a  B "},
		{"=?utf-8?q?\?=", ""},
		{"\xfc", "\xc3\xbc"},
		{"=?us-ascii?q?two words?=", "two words"},
		{" folded\r\n line ", "folded line"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
		CHECK_INT(encoded_word_decode(&b, slice_str(cases[i].in)), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
	}
}

/* Hostile values that invite quadratic work. */
static void
encoded_word_floods(void)
{
	static const char *const units[] = {
		"=?", "=?a?q?", "=?a?x?", "=?x =?x ", "?=", "=?a?b?=?="};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(4 << 20);
		CLEANUP(buf_done) struct buf b = BUF_INIT(16 << 20);
		for (size_t k = 0; k < 200000; k++)
			buf_puts(&in, units[i]);
		buf_puts(&in, " ?=");
		CHECK_INT(encoded_word_decode(&b, buf_slice(&in)), 0);
		CHECK(utf8_valid(buf_slice(&b)));
	}
}

static void
encoded_words_written(void)
{
	static const char *const cases[] = {"plain", "J\xc3\xbcrgen", "a =?b?= c", "", "tab\tin",
		"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc"
		"\xa2"
		"\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad"
		"\x97 x"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
		CLEANUP(buf_done) struct buf back = BUF_INIT(1000);
		struct slice rest;
		CHECK_INT(encoded_word_encode(&b, slice_str(cases[i])), 0);
		CHECK(is_ascii(buf_slice(&b)));
		CHECK_INT(encoded_word_decode(&back, buf_slice(&b)), 0);
		CHECK_SLICE(buf_slice(&back), slice_str(cases[i]));
		for (rest = buf_slice(&b); rest.len;)
			CHECK(slice_split(&rest, ' ').len <= 75);
	}
}

static void
folding(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"Hello  World\r\n\t!", "hello world !"},
		{" a", " a"},
		{"J\xc3\x9cRGEN", "jurgen"},
		{"Ju\xcc\x88rgen", "jurgen"},
		{"Stra\xc3\x9f"
		 "e",
			"strasse"},
		{"\xef\xac\x81n", "fin"}, /* fi ligature */
		{"\xef\xbc\xa1\xef\xbc\xa2", "ab"}, /* full width */
		{"\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83"}, /* final sigma */
		{"\xd0\x99", "\xd0\xb8"}, /* short i */
		{"\xc4\xb0", "i"}, /* I with dot */
		{"soft\xc2\xad"
		 "hyphen",
			"softhyphen"},
		{"a\xe2\x80\x8d"
		 "b",
			"ab"}, /* joiner */
		{"a\xc2\xa0\xe2\x80\x83"
		 "b",
			"a b"}, /* no-break and em space */
		{"\xe6\xbc\xa2", "\xe6\xbc\xa2"},
		{"\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"}, /* Hangul into letters */
		{"\xe3\x81\x8c", "\xe3\x81\x8b\xe3\x82\x99"}, /* ga: its mark stays */
		{"\xd8\xa8\xd9\x8e", "\xd8\xa8"}, /* Arabic vowel sign */
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"\xff", " "},
		{"a\xff\xfe\xc3z", "a z"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		for (size_t n = 1; n <= in.len; n++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
			struct fold f = {0};
			for (size_t at = 0; at < in.len; at += n)
				CHECK_INT(fold_text(&f, slice_sub(in, at, n), &b), 0);
			CHECK_INT(fold_end(&f, &b), 0);
			CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
		}
	}
}

/* Folding what is folded changes nothing; no character becomes a control. */
static void
folding_is_stable(void)
{
	for (uint32_t c = 1; c < 0x11000; c++) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(8);
		CLEANUP(buf_done) struct buf once = BUF_INIT(200);
		CLEANUP(buf_done) struct buf twice = BUF_INIT(200);
		utf8_put(&in, c);
		fold_all(buf_slice(&in), &once);
		fold_all(buf_slice(&once), &twice);
		CHECK_SLICE(buf_slice(&twice), buf_slice(&once));
		CHECK(utf8_valid(buf_slice(&once)));
		for (size_t i = 0; i < once.len; i++)
			CHECK(once.ptr[i] >= 0x20);
	}
}

static void
casemap(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100);

	CHECK_INT(fold_casemap(S("aB\xc3\xa4"), &b), 0);
	CHECK_SLICE(buf_slice(&b), S("ABA\xcc\x88"));
}

static void
html(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"a<b>b</b>c", "abc"},
		{"a<br>b<p>c</p>", "a\nb\nc\n"},
		{"<td>a</td><td>b</td>", " a  b "},
		{"<a href=\"x>y\" title='>'>t</a>", "t"},
		{"<a b=c\"d>t", "t"},
		{"x<!-- a > b -- c -->y", "xy"},
		{"x<!-->y", "xy"},
		{"x<!DOCTYPE html>y<?xml ?>z", "xyz"},
		{"x<script>if (a<b) '</p>';</script>y", "xy"},
		{"x<STYLE type=\"a\">p > q</Style >y", "xy"},
		{"x<style></stylex></style>y", "xy"},
		{"<scripty>a", "a"},
		{"a &lt; b &amp; c &copy; &uuml;&#252;&#xFC;&#xfc;",
			"a < b & c \xc2\xa9 \xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"},
		{"&#150;&#0;&#xd800;&#99999999;",
			"\xe2\x80\x93\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"AT&T &unknown; & &; &amp", "AT&T &unknown; & &; &"},
		{"&copy 2026", "\xc2\xa9 2026"},
		{"1 < 2 <3 << a", "1 < 2 <3 << a"},
		{"a\r\nb\tc", "a  b c"},
		{"a</>b</ x>c", "abc"},
		{"a<b", "a"},
		{"a<", "a<"},
		{"&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;",
			"&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		for (size_t n = 1; n <= in.len; n++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
			struct html_text h = {0};
			for (size_t at = 0; at < in.len; at += n)
				CHECK_INT(html_text(&h, slice_sub(in, at, n), &b), 0);
			CHECK_INT(html_text_end(&h, &b), 0);
			CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
		}
	}
}

static void
subjects(void)
{
	static const struct {
		const char *in, *want;
		bool reply;
	} cases[] = {
		{"Hello", "Hello", false},
		{"Re: Hello", "Hello", true},
		{"RE : re[2]: Hello", "Hello", true},
		{"Fwd: FW: Hello (fwd)", "Hello", true},
		{"[list] Re: [list] Hello", "Hello", true},
		{"Re: [list] Re: Hello", "Hello", true},
		{"[only]", "[only]", false},
		{"[fwd: Re: Hello]", "Hello", true},
		{"Re: [Fwd: [x] Hello (fwd)] (fwd)", "Hello", true},
		{"Hello (FWD)  (fwd)", "Hello", true},
		{"a\t b\r\n  c", "a b c", false},
		{"=?utf-8?q?Re:_J=C3=BCrgen?=", "J\xc3\xbcrgen", true},
		{"Regarding: x", "Regarding: x", false},
		{"re", "re", false},
		{"Re:", "", true},
		{"", "", false},
		{"[a[b] Re: c", "[a[b] Re: c", false},
		{"[a] [b] c", "c", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
		bool reply;
		CHECK_INT(subject_base(&b, slice_str(cases[i].in), &reply), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
		CHECK_INT(reply, cases[i].reply);
	}
}

T_MAIN(T(transfers), T(long_space), T(encoders), T(qp_encoder), T(encoding_names), T(charsets),
	T(encoded_words), T(encoded_word_floods), T(encoded_words_written), T(folding),
	T(folding_is_stable), T(casemap), T(html), T(subjects))
