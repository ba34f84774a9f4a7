/* Any attestation object, and any authenticator data: what a registration gives lies in the object,
 * is within its limits and is the same again; no assertion of a stranger is accepted. The first
 * byte picks one of them. */
#include "keys/webauthn.h"
#include "keys/cbor.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t challenge[WEBAUTHN_CHALLENGE_LEN];
static const struct webauthn_expect expect = {S("example.org"), challenge};
#define CLIENT(type)                                                                               \
	S("{\"type\":\"webauthn." type                                                             \
	  "\",\"challenge\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                            \
	  "AAA\",\"origin\":\"https://example.org\",\"crossOrigin\":false}")

static bool
within(struct slice part, struct slice whole)
{
	return part.ptr >= whole.ptr && part.len <= whole.len &&
		part.ptr + part.len <= whole.ptr + whole.len;
}

static void
registration(struct slice object)
{
	struct webauthn_credential c, again;

	if (webauthn_register(&expect, CLIENT("create"), object, &c))
		return;
	if (!within(c.id, object) || !within(c.key, object) || c.id.len == 0 ||
		c.id.len > WEBAUTHN_ID_MAX || c.key.len > WEBAUTHN_KEY_MAX ||
		webauthn_register(&expect, CLIENT("create"), object, &again) ||
		!slice_eq(c.key, again.key))
		abort();
}

static void
assertion(struct slice in)
{
	/* The generator of P-256, whose private key is 1: nobody else's signature fits to 64 zeros.
	 */
	static const uint8_t key[] = {0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32, 0x6b, 0x17,
		0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
		0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
		0xc2, 0x96, 0x22, 0x58, 32, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e,
		0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e,
		0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
	uint8_t zeros[64] = {0};
	uint32_t counter;

	if (webauthn_assert(
		    &expect, SLICE_OF(key), 0, CLIENT("get"), in, SLICE_OF(zeros), &counter) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_new(data, size);

	if (size == 0)
		return 0;
	if (data[0] & 1)
		assertion(slice_skip(in, 1));
	else
		registration(slice_skip(in, 1));
	return 0;
}
