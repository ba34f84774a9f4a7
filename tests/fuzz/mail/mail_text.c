/* Transfer decoders, charsets, HTML, folding and encoded words. The first bytes choose. Properties:
 * the same result however the input is cut; valid UTF-8 out; folding is idempotent; what is encoded
 * decodes to itself. */
#include "base/text.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/html.h"
#include "mail/subject.h"
#include "mail/transfer.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(cond) ((cond) ? (void)0 : abort())
#define OUT_MAX ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stage {
	struct transfer_decoder transfer;
	struct charset *charset;
	struct html_text html;
	struct fold fold;
};

/* One stage over one chunk; last ends it. */
static void
run_transfer(struct stage *s, struct slice in, bool last, struct buf *out)
{
	CHECK(transfer_decode(&s->transfer, in, out) == 0);
	CHECK(!last || transfer_decode_end(&s->transfer, out) == 0);
}

static void
run_charset(struct stage *s, struct slice in, bool last, struct buf *out)
{
	CHECK(charset_convert(s->charset, in, last, out) == 0);
}

static void
run_html(struct stage *s, struct slice in, bool last, struct buf *out)
{
	CHECK(html_text(&s->html, in, out) == 0);
	CHECK(!last || html_text_end(&s->html, out) == 0);
}

static void
run_fold(struct stage *s, struct slice in, bool last, struct buf *out)
{
	CHECK(fold_text(&s->fold, in, out) == 0);
	CHECK(!last || fold_end(&s->fold, out) == 0);
}

static const char *const charsets[] = {"utf-8", "", "iso-8859-1", "koi8-r", "iso-2022-jp",
	"gb18030", "shift_jis", "utf-7", "utf-16", "big5", "x-unknown"};

static void (*const runs[])(struct stage *, struct slice, bool, struct buf *) = {
	run_transfer, run_charset, run_html, run_fold};

/* Runs a stage over pieces of n bytes. */
static void
run_pieces(unsigned which, unsigned how, struct slice in, size_t n, struct buf *out)
{
	struct stage s = {0};

	transfer_decoder_init(&s.transfer, (enum transfer_encoding)(how % (TRANSFER_UNKNOWN + 1)));
	s.charset = charset_new(slice_str(charsets[how % ARRAY_SIZE(charsets)]));
	CHECK(s.charset);
	do {
		runs[which](&s, slice_sub(in, 0, n), in.len <= n, out);
		in = slice_skip(in, n);
	} while (in.len);
	charset_free(s.charset);
}

static void
check_stages(unsigned which, unsigned how, struct slice in)
{
	CLEANUP(buf_done) struct buf whole = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf pieces = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf twice = BUF_INIT(OUT_MAX);

	run_pieces(which, how, in, in.len + 1, &whole);
	run_pieces(which, how, in, 1 + how % 7, &pieces);
	CHECK(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	CHECK(which != 0 || whole.len <= in.len);
	CHECK((which != 1 && which != 3) || utf8_valid(buf_slice(&whole)));
	if (which == 3) {
		run_pieces(3, how, buf_slice(&whole), whole.len + 1, &twice);
		CHECK(slice_eq(buf_slice(&whole), buf_slice(&twice)));
	}
}

static void
check_words(struct slice in)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf base = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf words = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf back = BUF_INIT(OUT_MAX);

	CHECK(encoded_word_decode(&text, in) == 0);
	CHECK(utf8_valid(buf_slice(&text)));
	CHECK(slice_find_byte(buf_slice(&text), '\n') == SLICE_NPOS);
	CHECK(subject_base(&base, in, NULL) == 0);
	CHECK(base.len <= text.len && utf8_valid(buf_slice(&base)));
	/* White space at the ends is no part of a value. */
	CHECK(encoded_word_encode(&words, slice_trim(buf_slice(&text))) == 0);
	CHECK(is_ascii(buf_slice(&words)));
	CHECK(encoded_word_decode(&back, buf_slice(&words)) == 0);
	CHECK(slice_eq(buf_slice(&back), slice_trim(buf_slice(&text))));
}

static void
check_encoders(struct slice in)
{
	CLEANUP(buf_done) struct buf encoded = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf back = BUF_INIT(OUT_MAX);

	CHECK(transfer_encode_base64(&encoded, in) == 0);
	run_pieces(0, TRANSFER_BASE64, buf_slice(&encoded), 61, &back);
	CHECK(slice_eq(buf_slice(&back), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_new(data, size);

	if (size < 2 || size > 65536)
		return 0;
	if (data[0] % 6 < ARRAY_SIZE(runs))
		check_stages(data[0] % 6, data[1], slice_skip(in, 2));
	else if (data[0] % 6 == 4)
		check_words(slice_skip(in, 2));
	else
		check_encoders(slice_skip(in, 2));
	return 0;
}
