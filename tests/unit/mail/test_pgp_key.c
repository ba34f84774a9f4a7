/* OpenPGP keys as the server walks them. The key was made with GnuPG, which also gave the
 * fingerprint and the directory's name. */
#include "t.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/pgp_armor.h"
#include "mail/pgp_key.h"

#include <string.h>

/* Anna Test <Anna@example.org>, Other <other@private.example>, and a subkey to encrypt to. */
static const char key_text[] =
	"mDMEawJNfhYJKwYBBAHaRw8BAQdA5sgONYZl79iftjzUTebN71xqt7VbhAGTFlV/LDv21lq0HEFu"
	"bmEgVGVzdCA8QW5uYUBleGFtcGxlLm9yZz6IkAQTFggAOBYhBDwgiGKmm2536GgO894M/oNO7pWY"
	"BQJrAk1+AhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEN4M/oNO7pWYBEoA/2LRZF5QsOEJ"
	"lzXxrfGs5GV+VA6Ossk9qWyo0dH9IahuAQDMMwevGgNUKXjqhx+I4OO1EAjf+SIROq9u6Qewq5A2"
	"DbQdT3RoZXIgPG90aGVyQHByaXZhdGUuZXhhbXBsZT6IkAQTFggAOBYhBDwgiGKmm2536GgO894M"
	"/oNO7pWYBQJrAk1+AhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEN4M/oNO7pWY31cA/iMX"
	"Okds0zPICB7mKwGdfGnV8yVF/V61kxbnhFmohkMxAQDqCNmdCrmy9ywk5MwWVlibF9iGZKMA2YCB"
	"MqR70Zq0Dbg4BGsCTX4SCisGAQQBl1UBBQEBB0DipyCYd9znzK3JbvBkctqXmrqrd5YgR5xkSDyz"
	"Gm0iRgMBCAeIeAQYFggAIBYhBDwgiGKmm2536GgO894M/oNO7pWYBQJrAk1+AhsMAAoJEN4M/oNO"
	"7pWYCIIA/jASItHiGIuhUIrSG+QvTMuuZ0nVDek56kLvZHMyTGq6AP4shvoUtEDgbhxHi37NdfbU"
	"krKO85LQDNL6HFrSl20WAQ==";

static void
load(struct buf *key)
{
	CHECK_INT(base64_decode(key, slice_str(key_text)), 0);
}

static void
reads(void)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(PGP_KEY_MAX), hex = BUF_INIT(128);
	struct pgp_key k;

	load(&key);
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), 0);
	CHECK_INT(k.version, 4);
	CHECK_INT(k.user_ids, 2);
	CHECK_INT(hex_encode(&hex, slice_new(k.fingerprint, k.fingerprint_len)), 0);
	CHECK_SLICE(buf_slice(&hex), S("3c208862a69b6e77e8680ef3de0cfe834eee9598"));
}

/* Cut anywhere it is no key any more, except between packets. */
static void
truncated(void)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(PGP_KEY_MAX);
	struct pgp_key k;
	size_t whole = 0;

	load(&key);
	for (size_t n = 0; n < key.len; n++)
		whole += pgp_key_read(slice_sub(buf_slice(&key), 0, n), &k) == LL_OK;
	CHECK_INT(whole, 6); /* key, two names with a signature each, subkey */
	buf_putc(&key, 0x99);
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), LL_ERR_SYNTAX);
}

static void
refused(void)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(PGP_KEY_MAX);
	struct pgp_key k;

	load(&key);
	key.ptr[0] = 0x80 | 5 << 2; /* a secret key with a one-octet length, like the public one */
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), LL_ERR_DENIED);
	key.ptr[0] = 0x80 | 2 << 2;
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), LL_ERR_SYNTAX);
	key.ptr[0] = 0x80 | 6 << 2;
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), LL_OK);
	key.ptr[2] = 3;
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), LL_ERR_UNSUPPORTED);
	CHECK_INT(pgp_key_read(S("-----BEGIN PGP PUBLIC KEY BLOCK-----"), &k), LL_ERR_SYNTAX);
	CHECK_INT(pgp_key_read(slice_new(key_text, 0), &k), LL_ERR_SYNTAX);
}

static void
one_address(void)
{
	CLEANUP(buf_done)
	struct buf key = BUF_INIT(PGP_KEY_MAX), one = BUF_INIT(PGP_KEY_MAX),
		   none = BUF_INIT(PGP_KEY_MAX);
	struct pgp_key k, of_one;

	load(&key);
	CHECK_INT(pgp_key_for_address(buf_slice(&key), S("anna@EXAMPLE.org"), &one), 0);
	CHECK_INT(pgp_key_read(buf_slice(&key), &k), 0);
	CHECK_INT(pgp_key_read(buf_slice(&one), &of_one), 0);
	CHECK_INT(of_one.user_ids, 1);
	CHECK(memcmp(of_one.fingerprint, k.fingerprint, 20) == 0);
	CHECK_INT(one.len, 409); /* as GnuPG filters it */
	CHECK(slice_find(buf_slice(&one), S("private.example")) == SLICE_NPOS);
	CHECK_INT(
		pgp_key_for_address(buf_slice(&key), S("bob@example.org"), &none), LL_ERR_NOTFOUND);
}

static void
directory_names(void)
{
	char name[PGP_WKD_HASH_LEN + 1];

	CHECK_INT(pgp_wkd_hash(S("Anna"), name), 0);
	CHECK_SLICE(slice_str(name), S("fxy63pyohfbm34b533z1nk4bhfhbkpsh"));
	CHECK_INT(pgp_wkd_hash(S("Joe.Doe"), name), 0);
	CHECK_SLICE(slice_str(name), S("iy9q119eutrkn8s1mk4r39qejnbu3n5q"));
}

#define ARMOR(HEADERS, BODY, END) "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" HEADERS BODY END
#define ARMOR_END "-----END PGP PUBLIC KEY BLOCK-----"

static void
armor(void)
{
	static const struct {
		const char *text;
		const char *bytes; /* NULL: refused */
		int err;
	} cases[] = {
		{ARMOR("\n", "TGV0dGVy\n", ARMOR_END), "Letter", 0},
		{ARMOR("Version: x\r\nComment: a: b\r\n\r\n", "TGV0\r\ndGVy\r\n",
			 "=abcd\r\n" ARMOR_END "\r\n"),
			"Letter", 0},
		{"before\n" ARMOR("\n", "TGV0dGVy  \n\n", "=abcd\n" ARMOR_END "\nafter"), "Letter",
			0},
		{ARMOR("\n", "TGV0dGVy\n", ""), NULL, LL_ERR_SYNTAX},
		{ARMOR("\n", "TGV0dGVy\n", "=abcd\nmore\n" ARMOR_END), NULL, LL_ERR_SYNTAX},
		{ARMOR("\n", "TGV0-GVy\n", ARMOR_END), NULL, LL_ERR_SYNTAX},
		{ARMOR("", "TGV0dGVy\n", ARMOR_END), NULL, LL_ERR_SYNTAX},
		{ARMOR("\n", "", ARMOR_END), NULL, LL_ERR_SYNTAX},
		{"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nTGV0\n" ARMOR_END, NULL,
			LL_ERR_NOTFOUND},
		{"", NULL, LL_ERR_NOTFOUND},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(256);
		buf_puts(&out, "kept ");
		CHECK_INT(pgp_armor_read(slice_str(cases[i].text), &out), cases[i].err);
		CHECK_INT(out.len, 5 + (cases[i].bytes ? strlen(cases[i].bytes) : 0));
		if (cases[i].bytes)
			CHECK(slice_eq(slice_skip(buf_slice(&out), 5), slice_str(cases[i].bytes)));
	}
}

T_MAIN(T(armor), T(reads), T(truncated), T(refused), T(one_address), T(directory_names))
