/* Walking the packets of an OpenPGP key: lengths are checked, order is checked, and what does not
 * belong in a public key is refused. */
#include "mail/pgp_key.h"
#include "base/error.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <string.h>

#define PACKETS_MAX 2000

enum pgp_tag {
	TAG_SIGNATURE = 2,
	TAG_SECRET_KEY = 5,
	TAG_PUBLIC_KEY = 6,
	TAG_SECRET_SUBKEY = 7,
	TAG_MARKER = 10,
	TAG_TRUST = 12,
	TAG_USER_ID = 13,
	TAG_PUBLIC_SUBKEY = 14,
	TAG_USER_ATTRIBUTE = 17,
	TAG_PADDING = 21
};

struct packet {
	unsigned tag;
	struct slice raw, body; /* with and without its header */
};

/* --- packets (RFC 9580 section 4.2) --- */

/* A length in the present format; partial ones are for data, not for keys. */
static size_t
new_length(struct reader *r)
{
	uint8_t first = reader_u8(r);

	if (first < 192)
		return first;
	if (first < 224)
		return ((size_t)(first - 192) << 8) + reader_u8(r) + 192;
	if (first == 255)
		return reader_be32(r);
	r->err = LL_ERR_SYNTAX;
	return 0;
}

static size_t
old_length(struct reader *r, unsigned type)
{
	switch (type) {
	case 0:
		return reader_u8(r);
	case 1:
		return reader_be16(r);
	case 2:
		return reader_be32(r);
	default:
		r->err = LL_ERR_SYNTAX;
		return 0;
	}
}

/* False at the end, and when it is malformed: then r->err is set. */
static bool
next_packet(struct reader *r, struct packet *ret)
{
	struct slice at = r->rest;
	uint8_t head;
	size_t len;

	if (r->err || !r->rest.len)
		return false;
	head = reader_u8(r);
	if (!(head & 0x80)) {
		r->err = LL_ERR_SYNTAX;
		return false;
	}
	ret->tag = head & 0x40 ? head & 0x3fu : (head >> 2) & 0x0fu;
	len = head & 0x40 ? new_length(r) : old_length(r, head & 3u);
	ret->body = reader_bytes(r, len);
	ret->raw = slice_sub(at, 0, at.len - r->rest.len);
	return !r->err;
}

/* --- reading --- */

/* A version 4 key counts its length in two octets, a version 6 key in four (section 5.5.4). */
static int
set_fingerprint(struct slice body, struct pgp_key *ret)
{
	uint8_t head[5] = {ret->version == 6 ? 0x9b : 0x99};
	size_t head_len = ret->version == 6 ? 5 : 3;
	const EVP_MD *md = ret->version == 6 ? EVP_sha256() : EVP_sha1();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned len = 0;
	bool good;

	for (size_t i = 1; i < head_len; i++)
		head[i] = (uint8_t)(body.len >> (8 * (head_len - 1 - i)));
	good = ctx && EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, head, head_len) &&
		EVP_DigestUpdate(ctx, body.ptr, body.len) &&
		EVP_DigestFinal_ex(ctx, ret->fingerprint, &len);
	EVP_MD_CTX_free(ctx);
	ret->fingerprint_len = len;
	return good ? LL_OK : LL_ERR_CRYPTO;
}

static int
read_primary(const struct packet *p, struct pgp_key *ret)
{
	struct reader r = reader_new(p->body);

	if (p->tag == TAG_SECRET_KEY)
		return LL_ERR_DENIED;
	if (p->tag != TAG_PUBLIC_KEY)
		return LL_ERR_SYNTAX;
	ret->version = reader_u8(&r);
	ret->created = reader_be32(&r);
	(void)reader_u8(&r); /* algorithm */
	if (r.err || (ret->version == 4 && p->body.len > UINT16_MAX))
		return LL_ERR_SYNTAX;
	return ret->version == 4 || ret->version == 6 ? set_fingerprint(p->body, ret)
						      : LL_ERR_UNSUPPORTED;
}

static int
check_tag(unsigned tag)
{
	switch (tag) {
	case TAG_SIGNATURE:
	case TAG_USER_ID:
	case TAG_PUBLIC_SUBKEY:
	case TAG_USER_ATTRIBUTE:
	case TAG_MARKER:
	case TAG_TRUST:
	case TAG_PADDING:
		return LL_OK;
	case TAG_SECRET_KEY:
	case TAG_SECRET_SUBKEY:
		return LL_ERR_DENIED;
	default:
		return LL_ERR_SYNTAX;
	}
}

int
pgp_key_read(struct slice binary, struct pgp_key *ret)
{
	struct reader r = reader_new(binary);
	struct pgp_key k = {0};
	struct packet p;
	size_t n = 1;
	int err;

	if (binary.len > PGP_KEY_MAX)
		return LL_ERR_LIMIT;
	if (!next_packet(&r, &p))
		return LL_ERR_SYNTAX;
	err = read_primary(&p, &k);
	for (; err == LL_OK && next_packet(&r, &p); n++) {
		err = n < PACKETS_MAX ? check_tag(p.tag) : LL_ERR_LIMIT;
		k.user_ids += p.tag == TAG_USER_ID;
	}
	if (err == LL_OK && r.err)
		err = LL_ERR_SYNTAX;
	if (err == LL_OK)
		*ret = k;
	return err;
}

/* --- publishing --- */

/* "Name (comment) <a@b>", or "a@b" alone: the convention of section 5.11. */
static struct slice
user_id_address(struct slice id)
{
	size_t open = slice_rfind_byte(id, '<');

	if (open == SLICE_NPOS || !slice_ends(id, S(">")))
		return slice_trim(id);
	return slice_sub(id, open + 1, id.len - open - 2);
}

/* Signatures and what else follows a part belong to it. */
static bool
begins_part(unsigned tag)
{
	return tag == TAG_USER_ID || tag == TAG_USER_ATTRIBUTE || tag == TAG_PUBLIC_SUBKEY;
}

int
pgp_key_for_address(struct slice binary, struct slice address, struct buf *out)
{
	struct reader r = reader_new(binary);
	struct pgp_key k;
	struct packet p;
	size_t kept = 0;
	bool keep = true;
	int err = pgp_key_read(binary, &k);

	if (err)
		return err;
	while (next_packet(&r, &p)) {
		if (p.tag == TAG_USER_ID) {
			keep = slice_ieq(user_id_address(p.body), address);
			kept += keep;
		} else if (begins_part(p.tag)) {
			keep = p.tag == TAG_PUBLIC_SUBKEY;
		}
		if (keep && p.tag != TAG_MARKER && p.tag != TAG_TRUST && p.tag != TAG_PADDING)
			buf_put(out, p.raw);
	}
	return kept ? buf_err(out) : LL_ERR_NOTFOUND;
}

int
pgp_wkd_hash(struct slice local, char ret[PGP_WKD_HASH_LEN + 1])
{
	static const char alphabet[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
	CLEANUP(buf_done) struct buf lower = BUF_INIT(1024);
	uint8_t hash[20];
	unsigned len = 0;

	for (size_t i = 0; i < local.len; i++)
		buf_putc(&lower, to_lower(local.ptr[i]));
	if (buf_err(&lower) || !EVP_Digest(lower.ptr, lower.len, hash, &len, EVP_sha1(), NULL) ||
		len != 20)
		return LL_ERR_CRYPTO;
	/* 160 bits are 32 groups of five. */
	for (size_t i = 0; i < PGP_WKD_HASH_LEN; i++) {
		size_t bit = i * 5;
		unsigned two = (unsigned)hash[bit / 8] << 8 |
			(bit / 8 + 1 < sizeof(hash) ? hash[bit / 8 + 1] : 0u);
		ret[i] = alphabet[two >> (11 - bit % 8) & 31];
	}
	ret[PGP_WKD_HASH_LEN] = 0;
	return LL_OK;
}
