/* Where mail goes and what DANE asks for there: RFC 5321, 7505, 7672, 6698. */
#include "mail/dane.h"
#include "zone.h"

#include <openssl/evp.h>

#define SHA256_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GOOD "3 1 1 " SHA256_HEX

static const struct zone_record zone[] = {
	{"plain.example", "MX", "20 b.example"},
	{"plain.example", "MX", "10 a.example"},
	{"plain.example", "MX", "20 c.example"},
	{"plain.example", "MX", "5 d.example"},
	{"null.example", "MX", "0 ."},
	{"nullmix.example", "MX", "0 ."},
	{"nullmix.example", "MX", "10 a.example"},
	{"implicit.example", "A", "192.0.2.1"},
	{"fail.example", "FAIL", ""},
	{"bogus.example", "BOGUS", ""},
	{"alias.example", "CNAME", "plain.example"},
	/* Hosts, by what they are good for. */
	{"good.example", "A", "192.0.2.1"},
	{"good.example", "AAAA", "2001:db8::1"},
	{"_25._tcp.good.example", "TLSA", GOOD},
	{"_25._tcp.good.example", "TLSA", "0 1 1 " SHA256_HEX},
	{"_24._tcp.good.example", "TLSA", "2 0 1 " SHA256_HEX},
	{"bare.example", "A", "192.0.2.2"},
	{"unusable.example", "A", "192.0.2.3"},
	{"_25._tcp.unusable.example", "TLSA", "1 1 1 " SHA256_HEX},
	{"_25._tcp.unusable.example", "TLSA", "3 1 1 0011"},
	{"tlsafail.example", "A", "192.0.2.4"},
	{"_25._tcp.tlsafail.example", "FAIL", ""},
	{"tlsabogus.example", "A", "192.0.2.4"},
	{"_25._tcp.tlsabogus.example", "BOGUS", ""},
	{"cname.example", "CNAME", "good.example"},
	{"cname2.example", "CNAME", "bare.example"},
	{"_25._tcp.cname2.example", "TLSA", GOOD},
	{"leaving.example", "CNAME", "insecure.example"},
	{"_25._tcp.leaving.example", "TLSA", GOOD},
	{"insecure.example", "A", "192.0.2.5"},
	{"_25._tcp.insecure.example", "TLSA", GOOD},
	{"tlsacname.example", "A", "192.0.2.6"},
	{"_25._tcp.tlsacname.example", "CNAME", "_25._tcp.good.example"},
};

static struct dns_memo *
ask_route(struct zone *z, const char *domain, struct arena *a, struct mx_route *ret)
{
	struct dns_memo *memo = dns_memo_new();
	int r;

	do {
		r = mx_route_find(slice_str(domain), memo, a, ret);
	} while (r == LL_ERR_AGAIN && zone_serve(z, memo));
	CHECK_INT(r, 0);
	return memo;
}

static void
routes(void)
{
	static const struct {
		const char *domain;
		enum mx_status status;
		const char *hosts; /* joined with spaces */
	} rows[] = {
		{"plain.example", MX_FOUND, "d.example a.example b.example c.example"},
		{"Plain.Example.", MX_FOUND, "d.example a.example b.example c.example"},
		{"alias.example", MX_FOUND, "d.example a.example b.example c.example"},
		{"null.example", MX_NULL, ""},
		{"nullmix.example", MX_FOUND, "a.example"},
		{"implicit.example", MX_IMPLICIT, "implicit.example"},
		{"nosuch.example", MX_NO_DOMAIN, ""},
		{"a..example", MX_NO_DOMAIN, ""},
		{"fail.example", MX_TEMPORARY, ""},
		{"bogus.example", MX_TEMPORARY, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
		CLEANUP(buf_done) struct buf hosts = BUF_INIT(1000);
		struct zone z = ZONE(zone);
		struct mx_route route;
		struct dns_memo *memo = ask_route(&z, rows[i].domain, &a, &route);

		CHECK_INT(route.status, rows[i].status);
		for (size_t n = 0; n < route.count; n++) {
			buf_puts(&hosts, n ? " " : "");
			buf_put(&hosts, route.hosts[n].host);
		}
		CHECK_SLICE(buf_slice(&hosts), slice_str(rows[i].hosts));
		CHECK(!route.secure);
		dns_memo_free(memo);
	}
}

/* More hosts than we keep: the best stay. */
static void
many_hosts(void)
{
	static struct zone_record many[40];
	static char values[40][32];
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct zone z = ZONE(many);
	struct mx_route route;
	struct dns_memo *memo;

	for (int i = 0; i < 40; i++) {
		snprintf(values[i], sizeof(values[i]), "%d h%d.example", 40 - i, i);
		many[i] = (struct zone_record){"many.example", "MX", values[i]};
	}
	memo = ask_route(&z, "many.example", &a, &route);
	CHECK_INT(route.count, MX_HOSTS_MAX);
	CHECK_INT(route.hosts[0].preference, 1);
	CHECK_INT(route.hosts[MX_HOSTS_MAX - 1].preference, MX_HOSTS_MAX);
	dns_memo_free(memo);
}

struct host_row {
	const char *host;
	bool secure; /* the MX answer, and everything but what follows */
	const char *insecure;
	unsigned port;
	enum dane_state state;
	const char *base;
	size_t records, unusable, addresses;
};

static const struct host_row host_rows[] = {
	{"good.example", true, NULL, 25, DANE_VERIFY, "good.example", 1, 1, 2},
	{"good.example", false, NULL, 25, DANE_NONE, "good.example", 0, 0, 2},
	{"good.example", true, "good.example", 25, DANE_NONE, "good.example", 0, 0, 2},
	{"good.example", true, "_25._tcp.good.example", 25, DANE_NONE, "good.example", 0, 0, 2},
	{"good.example", true, NULL, 24, DANE_VERIFY, "good.example", 1, 0, 2},
	{"good.example", true, NULL, 26, DANE_NONE, "good.example", 0, 0, 2},
	{"bare.example", true, NULL, 25, DANE_NONE, "bare.example", 0, 0, 1},
	{"unusable.example", true, NULL, 25, DANE_ENCRYPT, "unusable.example", 0, 2, 1},
	{"tlsafail.example", true, NULL, 25, DANE_DEFER, "tlsafail.example", 0, 0, 0},
	{"tlsabogus.example", true, NULL, 25, DANE_DEFER, "tlsabogus.example", 0, 0, 0},
	{"tlsabogus.example", false, NULL, 25, DANE_NONE, "tlsabogus.example", 0, 0, 1},
	{"fail.example", true, NULL, 25, DANE_DEFER, "fail.example", 0, 0, 0},
	{"bogus.example", false, NULL, 25, DANE_DEFER, "bogus.example", 0, 0, 0},
	{"nosuch.example", true, NULL, 25, DANE_NONE, "nosuch.example", 0, 0, 0},
	/* The expanded name goes first, then the name itself. */
	{"cname.example", true, NULL, 25, DANE_VERIFY, "good.example", 1, 1, 2},
	{"cname2.example", true, NULL, 25, DANE_VERIFY, "cname2.example", 1, 0, 1},
	/* A secure alias to an insecure zone: TLSA at the alias counts, not at its target. */
	{"leaving.example", true, "insecure.example", 25, DANE_VERIFY, "leaving.example", 1, 0, 1},
	{"insecure.example", true, "insecure.example", 25, DANE_NONE, "insecure.example", 0, 0, 1},
	{"tlsacname.example", true, NULL, 25, DANE_VERIFY, "tlsacname.example", 1, 1, 1},
};

static void
hosts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_rows); i++) {
		const struct host_row *row = &host_rows[i];
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
		struct mx_route route = {
			.status = MX_FOUND, .secure = row->secure, .domain = S("next.example")};
		struct dns_memo *memo = dns_memo_new();
		struct zone z = ZONE(zone);
		struct dane_host h = {0};
		int before = t_failed, r;

		z.secure = row->secure;
		z.insecure = row->insecure;
		do {
			r = dane_host_find(
				&route, slice_str(row->host), (uint16_t)row->port, memo, &a, &h);
		} while (r == LL_ERR_AGAIN && zone_serve(&z, memo));
		CHECK_INT(r, 0);
		CHECK_INT(h.state, row->state);
		CHECK_SLICE(h.base, slice_str(row->base));
		CHECK_INT(h.record_count, row->records);
		CHECK_INT(h.unusable_count, row->unusable);
		CHECK_INT(h.address_count, row->addresses);
		CHECK((h.reason != NULL) == (h.state == DANE_DEFER || h.state == DANE_ENCRYPT));
		if (h.state == DANE_VERIFY) {
			CHECK_SLICE(h.names[0], h.base);
			CHECK_SLICE(h.names[h.name_count - 1], S("next.example"));
		}
		if (t_failed != before)
			fprintf(stderr, "host row %zu: %s\n", i, row->host);
		dns_memo_free(memo);
	}
}

static void
records(void)
{
	static const struct {
		uint8_t usage, selector, matching;
		size_t length;
		bool usable;
	} rows[] = {
		{3, 1, 1, 32, true},
		{3, 0, 1, 32, true},
		{2, 1, 2, 64, true},
		{2, 0, 0, 700, true},
		{3, 1, 1, 31, false},
		{3, 1, 1, 33, false},
		{3, 1, 2, 32, false},
		{3, 1, 0, 0, false},
		{0, 1, 1, 32, false},
		{1, 1, 1, 32, false},
		{4, 1, 1, 32, false},
		{3, 2, 1, 32, false},
		{3, 1, 3, 32, false},
		{255, 255, 255, 0, false},
	};
	static const uint8_t data[700];
	uint8_t cert[] = "certificate", spki[] = "key", d256[32], d512[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_tlsa t = {rows[i].usage, rows[i].selector, rows[i].matching,
			slice_new(data, rows[i].length)};

		CHECK_INT(dane_record_usable(&t), rows[i].usable);
	}
	EVP_Digest(spki, sizeof(spki), d256, NULL, EVP_sha256(), NULL);
	EVP_Digest(cert, sizeof(cert), d512, NULL, EVP_sha512(), NULL);
	CHECK(dane_record_matches(
		&(struct dane_record){3, 1, 1, SLICE_OF(d256)}, SLICE_OF(cert), SLICE_OF(spki)));
	CHECK(!dane_record_matches(
		&(struct dane_record){3, 0, 1, SLICE_OF(d256)}, SLICE_OF(cert), SLICE_OF(spki)));
	CHECK(dane_record_matches(
		&(struct dane_record){3, 0, 2, SLICE_OF(d512)}, SLICE_OF(cert), SLICE_OF(spki)));
	CHECK(dane_record_matches(
		&(struct dane_record){2, 0, 0, SLICE_OF(cert)}, SLICE_OF(cert), SLICE_OF(spki)));
	d256[31] ^= 1;
	CHECK(!dane_record_matches(
		&(struct dane_record){3, 1, 1, SLICE_OF(d256)}, SLICE_OF(cert), SLICE_OF(spki)));
	CHECK(!dane_record_matches(
		&(struct dane_record){3, 1, 1, SLICE_OF(d256)}, SLICE_NONE, SLICE_NONE));
}

T_MAIN(T(routes), T(many_hosts), T(hosts), T(records))
