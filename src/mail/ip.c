/* Addresses for policy code: one small value type, so that SPF and the relay never touch sockaddrs.
 */
#include "mail/ip.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <string.h>

struct ip_addr
ip_addr_new(struct slice bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip_addr ip = {0};

	if (bytes.len == 16 && !memcmp(bytes.ptr, mapped, sizeof(mapped)))
		bytes = slice_skip(bytes, sizeof(mapped));
	if (bytes.len != 4 && bytes.len != 16)
		return ip;
	memcpy(ip.bytes, bytes.ptr, bytes.len);
	ip.version = bytes.len == 4 ? 4 : 6;
	return ip;
}

int
ip_addr_parse(struct slice text, struct ip_addr *ret)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	bool v6 = slice_find_byte(text, ':') != SLICE_NPOS;

	if (!text.len || text.len >= sizeof(copy) || slice_find_byte(text, 0) != SLICE_NPOS)
		return LL_ERR_SYNTAX;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, copy, bytes) != 1)
		return LL_ERR_SYNTAX;
	*ret = ip_addr_new(slice_new(bytes, v6 ? 16 : 4));
	return LL_OK;
}

int
ip_addr_put(struct buf *out, const struct ip_addr *ip)
{
	char text[INET6_ADDRSTRLEN];

	if (!ip->version)
		return buf_puts(out, "unknown");
	inet_ntop(ip->version == 4 ? AF_INET : AF_INET6, ip->bytes, text, sizeof(text));
	return buf_puts(out, text);
}

int
ip_addr_put_reverse(struct buf *out, const struct ip_addr *ip)
{
	if (ip->version == 4)
		return buf_printf(out, "%u.%u.%u.%u.in-addr.arpa", ip->bytes[3], ip->bytes[2],
			ip->bytes[1], ip->bytes[0]);
	for (int i = 15; i >= 0; i--)
		buf_printf(out, "%x.%x.", ip->bytes[i] & 15u, ip->bytes[i] >> 4);
	return buf_puts(out, "ip6.arpa");
}

bool
ip_addr_match(const struct ip_addr *a, const struct ip_addr *b, unsigned bits)
{
	unsigned all = a->version == 4 ? 32 : 128;
	unsigned whole, rest;

	if (!a->version || a->version != b->version)
		return false;
	bits = MIN(bits, all);
	whole = bits / 8;
	rest = bits % 8;
	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return !rest || !((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest));
}

bool
ip_is_loopback(const uint8_t bytes[16])
{
	static const uint8_t v4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}, v6[16] = {[15] = 1};

	return memcmp(bytes, v4, sizeof(v4)) == 0 || memcmp(bytes, v6, sizeof(v6)) == 0;
}

static bool
has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	return memcmp(bytes, prefix, whole) == 0 &&
		(!rest || ((bytes[whole] ^ prefix[whole]) & mask) == 0);
}

bool
ip_is_public(const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const struct {
		uint8_t prefix[4], bits;
	} v4[] = {{{0}, 8}, {{10}, 8}, {{100, 64}, 10}, {{127}, 8}, {{169, 254}, 16},
		{{172, 16}, 12}, {{192, 0, 0}, 24}, {{192, 0, 2}, 24}, {{192, 88, 99}, 24},
		{{192, 168}, 16}, {{198, 18}, 15}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24},
		{{224}, 3}};
	static const struct {
		uint8_t prefix[4], bits;
	} v6[] = {{{0x20, 0x01, 0x00}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16},
		{{0x3f, 0xff}, 20}};

	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(v4); i++)
			if (has_prefix(bytes + sizeof(mapped), v4[i].prefix, v4[i].bits))
				return false;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(v6); i++)
		if (has_prefix(bytes, v6[i].prefix, v6[i].bits))
			return false;
	return (bytes[0] & 0xe0) == 0x20; /* 2000::/3 is what is given out */
}

struct slice
ip_network(const uint8_t bytes[16])
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};

	return slice_new(bytes, memcmp(bytes, v4, sizeof(v4)) == 0 ? 16 : 8);
}
