/* An IPv4 or IPv6 address as policy code sees it. IPv4-mapped IPv6 addresses become IPv4
 * (RFC 7208 section 5). */
#ifndef MAIL_IP_H
#define MAIL_IP_H

#include "base/buf.h"
#include "base/slice.h"

struct ip_addr {
	uint8_t bytes[16]; /* network order; the first four for IPv4 */
	uint8_t version; /* 4 or 6; 0 when there is none */
};

/* From 4 or 16 network-order bytes; any other length gives version 0. */
struct ip_addr ip_addr_new(struct slice bytes);
/* Its 16 bytes, or 4 of IPv4. A view. */
static inline struct slice
ip_addr_bytes(const struct ip_addr *ip)
{
	return slice_new(ip->bytes, ip->version == 6 ? 16 : 4);
}
/* Whether 16 bytes (IPv4 as ::ffff:a.b.c.d) are an address of this machine itself: 127/8 or ::1. */
bool ip_is_loopback(const uint8_t bytes[16]);
/* Whether such 16 bytes are an address of the public Internet: neither private, local, multicast,
 * documentation, nor one that stands for another (RFC 6890; 6to4, Teredo, NAT64 included). */
bool ip_is_public(const uint8_t bytes[16]);
/* The part of such 16 bytes that stands for one customer, to count by: an IPv4 address, or the
 * first 64 bits of an IPv6 one. A view. */
struct slice ip_network(const uint8_t bytes[16]);
/* From text without brackets, port or zone. LL_ERR_SYNTAX. */
int ip_addr_parse(struct slice text, struct ip_addr *ret) CHECKED;
/* Appends the address in text; IPv6 as RFC 5952. */
int ip_addr_put(struct buf *out, const struct ip_addr *ip);
/* Appends the name whose PTR record names the address, "1.2.0.192.in-addr.arpa". */
int ip_addr_put_reverse(struct buf *out, const struct ip_addr *ip);
/* Whether the first `bits` bits agree; never across versions. bits beyond the address's length
 * count as all. */
bool ip_addr_match(const struct ip_addr *a, const struct ip_addr *b, unsigned bits);

#endif
