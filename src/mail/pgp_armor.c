/* A block is a head line, header lines up to an empty one, lines of base64, perhaps a checksum, and
 * a tail line. Lines may end in CRLF or LF and in white space. */
#include "mail/pgp_armor.h"
#include "base/error.h"
#include "base/text.h"

#define HEAD S("-----BEGIN PGP PUBLIC KEY BLOCK-----")
#define TAIL S("-----END PGP PUBLIC KEY BLOCK-----")

static struct slice
next_line(struct slice *text)
{
	return slice_trim(slice_split(text, '\n'));
}

static int
skip_to(struct slice *text, struct slice line)
{
	while (text->len)
		if (slice_eq(next_line(text), line))
			return LL_OK;
	return LL_ERR_NOTFOUND;
}

/* Collects the lines of base64 up to the checksum or the tail. */
static int
collect(struct slice *text, struct buf *out)
{
	while (text->len) {
		struct slice line = next_line(text);
		if (slice_eq(line, TAIL))
			return LL_OK;
		if (line.len && line.ptr[0] == '=')
			return slice_eq(next_line(text), TAIL) ? LL_OK : LL_ERR_SYNTAX;
		buf_put(out, line);
	}
	return LL_ERR_SYNTAX;
}

int
pgp_armor_read(struct slice text, struct buf *out)
{
	CLEANUP(buf_done) struct buf base64 = BUF_INIT(text.len + 1);
	size_t start = out->len;
	int r = skip_to(&text, HEAD);

	if (r)
		return r;
	if (skip_to(&text, SLICE_NONE) || collect(&text, &base64))
		return LL_ERR_SYNTAX;
	r = buf_err(&base64);
	r = r ? r : base64_decode(out, buf_slice(&base64));
	if (r == LL_OK && out->len == start)
		r = LL_ERR_SYNTAX;
	if (r)
		buf_truncate(out, start);
	return r;
}
