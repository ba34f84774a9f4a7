/* SPF macros by themselves (RFC 7208 section 7). */
#include "mail/spf_internal.h"
#include "spf_ask.h"

/* The examples of section 7.4. */
static void
macro_examples(void)
{
	static const struct {
		const char *macro, *ip, *want;
	} rows[] = {
		{"%{s}", V4, "strong-bad@email.example.com"},
		{"%{o}", V4, "email.example.com"},
		{"%{d}", V4, "email.example.com"},
		{"%{d4}", V4, "email.example.com"},
		{"%{d3}", V4, "email.example.com"},
		{"%{d2}", V4, "example.com"},
		{"%{d1}", V4, "com"},
		{"%{dr}", V4, "com.example.email"},
		{"%{d2r}", V4, "example.email"},
		{"%{l}", V4, "strong-bad"},
		{"%{l-}", V4, "strong.bad"},
		{"%{lr}", V4, "strong-bad"},
		{"%{lr-}", V4, "bad.strong"},
		{"%{l1r-}", V4, "strong"},
		{"%{ir}.%{v}._spf.%{d2}", V4, "3.2.0.192.in-addr._spf.example.com"},
		{"%{lr-}.lp._spf.%{d2}", V4, "bad.strong.lp._spf.example.com"},
		{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", V4,
			"bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
		{"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", V4,
			"3.2.0.192.in-addr.strong.lp._spf.example.com"},
		{"%{d2}.trusted-domains.example.net", V4,
			"example.com.trusted-domains.example.net"},
		{"%{ir}.%{v}._spf.%{d2}", V6,
			"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
			"ip6._spf.example.com"},
		{"%{S}", V4, "strong-bad%40email.example.com"},
		{"%{d-.}", V4, "email.example.com"},
		{"%%%_%-", V4, "% %20"},
	};
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct spf_macros m = {.local = S("strong-bad"),
		.sender_domain = S("email.example.com"),
		.domain = S("email.example.com")};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice got = SLICE_NONE;

		CHECK_INT(ip_addr_parse(slice_str(rows[i].ip), &m.ip), 0);
		CHECK_INT(
			spf_macro_expand(slice_str(rows[i].macro), SPF_MACRO_STRING, &m, &a, &got),
			0);
		CHECK_SLICE(got, slice_str(rows[i].want));
	}
}

/* Section 7.3: too long a name loses labels on the left, and no more than needed. */
static void
macro_cut(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct spf_macros m = {
		.local = S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")};
	struct slice got = SLICE_NONE;

	CHECK_INT(m.local.len, 60);
	CHECK_INT(spf_macro_expand(
			  S("%{l}.%{l}.%{l}.%{l}.%{l}.e.example"), SPF_MACRO_DOMAIN, &m, &a, &got),
		0);
	CHECK_INT(got.len, 253);
	CHECK_INT(spf_macro_expand(
			  S("%{l}.%{l}.%{l}.%{l}.%{l}.ex.example"), SPF_MACRO_DOMAIN, &m, &a, &got),
		0);
	CHECK_INT(got.len, 254 - 61);
}

T_MAIN(T(macro_examples), T(macro_cut))
