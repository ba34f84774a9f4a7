/* Transfer decoders, charsets, HTML, folding and encoded words. The first bytes choose. Properties:
 * the same result however the input is cut; valid UTF-8 out; folding is idempotent; what is encoded
 * decodes to itself. */
#include "../must.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/html.h"
#include "mail/subject.h"
#include "mail/transfer.h"

#include <string.h>

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
	must(transfer_decode(&s->transfer, in, out) == 0);
	must(!last || transfer_decode_end(&s->transfer, out) == 0);
}

static void
run_charset(struct stage *s, struct slice in, bool last, struct buf *out)
{
	must(charset_convert(s->charset, in, last, out) == 0);
}

static void
run_html(struct stage *s, struct slice in, bool last, struct buf *out)
{
	must(html_text(&s->html, in, out) == 0);
	must(!last || html_text_end(&s->html, out) == 0);
}

static void
run_fold(struct stage *s, struct slice in, bool last, struct buf *out)
{
	must(fold_text(&s->fold, in, out) == 0);
	must(!last || fold_end(&s->fold, out) == 0);
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
	must(s.charset);
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
	must(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	must(which != 0 || whole.len <= in.len);
	must((which != 1 && which != 3) || utf8_valid(buf_slice(&whole)));
	if (which == 3) {
		run_pieces(3, how, buf_slice(&whole), whole.len + 1, &twice);
		must(slice_eq(buf_slice(&whole), buf_slice(&twice)));
	}
}

static void
check_words(struct slice in)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf base = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf words = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf back = BUF_INIT(OUT_MAX);

	must(encoded_word_decode(&text, in) == 0);
	must(utf8_valid(buf_slice(&text)));
	must(slice_find_byte(buf_slice(&text), '\n') == SLICE_NPOS);
	must(subject_base(&base, in, NULL) == 0);
	must(base.len <= text.len && utf8_valid(buf_slice(&base)));
	/* White space at the ends is no part of a value. */
	must(encoded_word_encode(&words, slice_trim(buf_slice(&text))) == 0);
	must(is_ascii(buf_slice(&words)));
	must(encoded_word_decode(&back, buf_slice(&words)) == 0);
	must(slice_eq(buf_slice(&back), slice_trim(buf_slice(&text))));
}

static void
check_encoders(struct slice in)
{
	CLEANUP(buf_done) struct buf encoded = BUF_INIT(OUT_MAX);
	CLEANUP(buf_done) struct buf back = BUF_INIT(OUT_MAX);

	must(transfer_encode_base64(&encoded, in) == 0);
	run_pieces(0, TRANSFER_BASE64, buf_slice(&encoded), 61, &back);
	must(slice_eq(buf_slice(&back), in));
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
