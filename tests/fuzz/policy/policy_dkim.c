/* DKIM. The input is a body of a message behind two bytes: where it is cut, and the limit. The
 * streamed canonicaliser agrees with one that rewrites the whole body in the plainest way; header
 * canonicalisation is the same when done twice. */
#include "answers.h"
#include "mail/dkim.h"

#include <openssl/evp.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* One line without its end: white space runs to one space, none at the end. */
static void
plain_line(struct buf *out, struct slice line, bool relaxed)
{
	if (!relaxed) {
		buf_put(out, line);
		return;
	}
	while (line.len && is_wsp(line.ptr[line.len - 1]))
		line.len--;
	for (size_t i = 0; i < line.len; i++) {
		if (!is_wsp(line.ptr[i]))
			buf_putc(out, line.ptr[i]);
		else if (i == 0 || !is_wsp(line.ptr[i - 1]))
			buf_putc(out, ' ');
	}
}

static void
plain_canon(struct buf *out, struct slice body, bool relaxed)
{
	while (body.len) {
		size_t end = slice_find(body, S("\r\n"));

		plain_line(out, slice_sub(body, 0, end), relaxed);
		buf_puts(out, "\r\n");
		body = end == SLICE_NPOS ? SLICE_NONE : slice_skip(body, end + 2);
	}
	while (out->len >= 4 && slice_ends(buf_slice(out), S("\r\n\r\n")))
		buf_truncate(out, out->len - 2);
	if (out->len == 2)
		buf_reset(out);
	if (!out->len && !relaxed)
		buf_puts(out, "\r\n");
}

static void
check_body(struct slice body, size_t cut, uint64_t limit, enum dkim_canon canon)
{
	CLEANUP(buf_done) struct buf want = BUF_INIT(body.len * 2 + 16);
	uint8_t digest[EVP_MAX_MD_SIZE], got[DKIM_HASH_SIZE];
	struct dkim_body *b = dkim_body_new(canon, limit);
	uint64_t length;

	MUST(b);
	MUST(!dkim_body_update(b, slice_sub(body, 0, cut)));
	MUST(!dkim_body_update(b, slice_sub(body, cut, 1)));
	MUST(!dkim_body_update(b, slice_skip(body, cut + 1)));
	MUST(!dkim_body_final(b, got, &length));
	dkim_body_free(b);
	plain_canon(&want, body, canon == DKIM_RELAXED);
	MUST(!buf_err(&want));
	MUST(length == want.len);
	MUST(EVP_Digest(want.len ? want.ptr : got, MIN(limit, want.len), digest, NULL, EVP_sha256(),
		     NULL) == 1);
	MUST(!memcmp(got, digest, sizeof(got)));
}

static void
check_header(struct slice field)
{
	CLEANUP(buf_done) struct buf once = BUF_INIT(field.len * 2 + 16);
	CLEANUP(buf_done) struct buf twice = BUF_INIT(field.len * 2 + 16);

	MUST(!dkim_header_canon(&once, DKIM_RELAXED, field));
	MUST(!dkim_header_canon(&twice, DKIM_RELAXED, buf_slice(&once)));
	MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
	MUST(once.len <= field.len + 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = slice_skip(slice_new(data, size), 2);
	size_t cut = size > 2 ? data[0] % (body.len + 1) : 0;
	uint64_t limit = size > 1 && data[1] & 1 ? data[1] : UINT64_MAX;

	check_body(body, cut, limit, DKIM_SIMPLE);
	check_body(body, cut, limit, DKIM_RELAXED);
	check_header(body);
	return 0;
}
