/* Addresses: of messages, of SMTP, and the forms they are looked up under. */
#include "base/error.h"
#include "mail/address.h"
#include "t.h"

/* [name|route|local|domain] with "-" for what is missing; {group; } for groups; ! damaged. */
static void
show(struct buf *b, const struct address_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		const struct address *a = &l->at[i];
		const struct slice parts[] = {a->name, a->route, a->local, a->domain};
		if (a->kind == ADDRESS_GROUP_END)
			buf_puts(b, "}");
		if (a->kind == ADDRESS_GROUP)
			buf_printf(b, "{%.*s:", SLICE_ARG(a->name));
		if (a->kind != ADDRESS_MAILBOX)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
			buf_puts(b, k ? "|" : "[");
			buf_put(b, parts[k].ptr ? parts[k] : S("-"));
		}
		buf_puts(b, "]");
	}
	if (l->damaged)
		buf_puts(b, "!");
}

static void
lists(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"", ""},
		{"a@b.example", "[-|-|a|b.example]"},
		{" <a@b.example> ", "[-|-|a|b.example]"},
		{"Ada Lovelace <ada@x.example>", "[Ada Lovelace|-|ada|x.example]"},
		{"\"Ada, L.\" <ada@x.example>, bo@y.example",
			"[Ada, L.|-|ada|x.example][-|-|bo|y.example]"},
		{"John Q. Public <j@x.example>", "[John Q. Public|-|j|x.example]"},
		{"\"\" <a@b.example>", "[|-|a|b.example]"},
		{"\"q\\\"u\\\\o\" <a@b.example>", "[q\"u\\o|-|a|b.example]"},
		{"a@b.example (Ada (the) First)", "[Ada (the) First|-|a|b.example]"},
		{"a@b.example (x)@c", "[x|-|a|b.example][-|-||c]!"},
		{"<a@b.example c d>", "[-|-|a|b.example]!"},
		{"(x) a (y) @ (z) b . example (w)", "[w|-|a|b.example]"},
		{"\"john doe\"@x.example", "[-|-|john doe|x.example]"},
		{"john . doe @ x . example", "[-|-|john.doe|x.example]"},
		{"<@r1.example,@r2.example:a@b.example>",
			"[-|@r1.example,@r2.example|a|b.example]"},
		{"a@[192.0.2.1]", "[-|-|a|[192.0.2.1]]"},
		{"a@[IPv6:2001:db8::1]", "[-|-|a|[IPv6:2001:db8::1]]"},
		{"Friends: a@b.example, Bo <bo@c.example>;, d@e.example",
			"{Friends:[-|-|a|b.example][Bo|-|bo|c.example]}[-|-|d|e.example]"},
		{"undisclosed-recipients:;", "{undisclosed-recipients:}"},
		{"G:a@b.example", "{G:[-|-|a|b.example]}!"},
		{"root", "[-|-|root|-]!"},
		{"<root>", "[-|-|root|-]"},
		{"<>", "[-|-||]!"},
		{",,a@b.example,,", "[-|-|a|b.example]"},
		{"a@b.example c@d.example", "[-|-|a|b.example][-|-|c|d.example]!"},
		{"a@b.example Joe, c@d.example", "[-|-|a|b.example][-|-|c|d.example]!"},
		{"<a@b.example> <c@d.example>", "[-|-|a|b.example][-|-|c|d.example]"},
		{"X <a@b.example> Y, c@d.example", "[X|-|a|b.example][-|-|c|d.example]!"},
		{"a@b.example <c@d.example>", "[a@b.example|-|c|d.example]!"},
		{"<a@b@c.example>", "[-|-|a@b|c.example]!"},
		{"<a@b.example", "[-|-|a|b.example]!"},
		{"\"broken <a@b.example>", "[broken|-|a|b.example]!"},
		{"(broken <a@b.example>", "[broken|-|a|b.example]!"},
		{"[SPAM] x <a@b.example>", "[[SPAM] x|-|a|b.example]"},
		{"=?utf-8?q?J=C3=BCrgen?= <j@b.example>",
			"[=?utf-8?q?J=C3=BCrgen?=|-|j|b.example]"},
		{"J\xc3\xbcrgen <j\xc3\xbc@b\xc3\xbc.example>",
			"[J\xc3\xbcrgen|-|j\xc3\xbc|b\xc3\xbc.example]"},
		{"A\r\n B <a@b.example>", "[A B|-|a|b.example]"},
		{"\"A\r\n B\" <a@b.example>", "[A B|-|a|b.example]"},
		{"a@b.example;", "[-|-|a|b.example]"},
		{"@", "[-|-||]!"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
		CLEANUP(arena_done) struct arena a = ARENA_INIT(100000);
		struct address_list l;
		CHECK_INT(address_list_parse(slice_str(cases[i].in), &a, &l), 0);
		show(&b, &l);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
	}
}

/* Any bytes give balanced groups and bounded lists. */
static void
list_limits(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
	CLEANUP(arena_done) struct arena a = ARENA_INIT(8 << 20);
	struct address_list l;

	buf_puts(&b, "g:");
	for (size_t i = 0; i < ADDRESS_LIST_MAX + 100; i++)
		buf_puts(&b, "a@b,");
	CHECK_INT(address_list_parse(buf_slice(&b), &a, &l), 0);
	CHECK(l.truncated && l.len <= ADDRESS_LIST_MAX + 2);
	CHECK_INT(l.at[l.len - 1].kind, ADDRESS_GROUP_END);
	buf_reset(&b);
	buf_put_fill(&b, '(', 200000);
	CHECK_INT(address_list_parse(buf_slice(&b), &a, &l), 0);
	buf_reset(&b);
	for (size_t i = 0; i < 100000; i++)
		buf_puts(&b, "\\\"");
	CHECK_INT(address_list_parse(buf_slice(&b), &a, &l), 0);
	a.cap = 10;
	CHECK_INT(address_list_parse(buf_slice(&b), &a, &l), LL_ERR_NOMEM);
}

static void
written(void)
{
	static const struct {
		struct address a;
		const char *want;
	} cases[] = {
		{{.name = {(const uint8_t *)"Ada L", 5},
			 .local = {(const uint8_t *)"a", 1},
			 .domain = {(const uint8_t *)"b", 1}},
			"Ada L <a@b>"},
		{{.name = {(const uint8_t *)"L., \"A\"", 7},
			 .local = {(const uint8_t *)"a b", 3},
			 .domain = {(const uint8_t *)"b", 1}},
			"\"L., \\\"A\\\"\" <\"a b\"@b>"},
		{{.local = {(const uint8_t *)"a..b", 4}, .domain = {(const uint8_t *)"b", 1}},
			"\"a..b\"@b"},
		{{.kind = ADDRESS_GROUP, .name = {(const uint8_t *)"g", 1}}, "g:"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(100);
		CHECK_INT(address_put(&b, &cases[i].a), 0);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
	}
}

static void
smtp_paths(void)
{
	static const struct {
		const char *in;
		unsigned flags;
		int err;
		const char *local, *domain, *rest;
	} cases[] = {
		{"<a@b.example>", 0, 0, "a", "b.example", ""},
		{"<a@b.example> SIZE=1", 0, 0, "a", "b.example", " SIZE=1"},
		{"<@r.example,@s.example:a@b.example>", 0, 0, "a", "b.example", ""},
		{"<\"a b\\\"\"@b.example>", 0, 0, "\"a b\\\"\"", "b.example", ""},
		{"<\"a>b\"@b.example>", ADDRESS_NULL | ADDRESS_POSTMASTER, 0, "\"a>b\"",
			"b.example", ""},
		{"<a@[192.0.2.1]>", 0, 0, "a", "[192.0.2.1]", ""},
		{"<a@[IPv6:2001:db8::1]>", 0, 0, "a", "[IPv6:2001:db8::1]", ""},
		{"<>", ADDRESS_NULL, 0, "", "", ""},
		{"<>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<PostMaster>", ADDRESS_POSTMASTER, 0, "PostMaster", "", ""},
		{"<postmaster>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<j\xc3\xbc@b.example>", ADDRESS_UTF8, 0, "j\xc3\xbc", "b.example", ""},
		{"<j\xc3\xbc@b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<j\xc3@b.example>", ADDRESS_UTF8, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"a@b.example", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@b.example", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"< a@b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@b.example >", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<@b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<.a@b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a.@b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a..b@b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@b..example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@-b.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@b.example.>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@b_c.example>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@[300.0.2.1]>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@[IPv6:zz]>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<a@b@c>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<\"a\nb\"@c>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
		{"<@a:>", 0, LL_ERR_SYNTAX, NULL, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		struct address_smtp a;
		int err = address_smtp_path(&in, cases[i].flags, &a);
		if (err != cases[i].err)
			fprintf(stderr, "path %s\n", cases[i].in);
		CHECK_INT(err, cases[i].err);
		if (err) {
			CHECK_SLICE(in, slice_str(cases[i].in));
			continue;
		}
		CHECK_SLICE(a.local, slice_str(cases[i].local));
		CHECK_SLICE(a.domain, slice_str(cases[i].domain));
		CHECK_SLICE(in, slice_str(cases[i].rest));
	}
}

static int
mailbox_of(size_t local, size_t label, size_t labels)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(2000);
	struct address_smtp a;

	buf_put_fill(&b, 'a', local);
	for (size_t i = 0; i < labels; i++) {
		buf_putc(&b, i ? '.' : '@');
		buf_put_fill(&b, 'b', label);
	}
	return address_smtp_mailbox(buf_slice(&b), 0, &a);
}

static void
smtp_limits(void)
{
	CHECK_INT(mailbox_of(64, 63, 3), 0);
	CHECK_INT(mailbox_of(ADDRESS_LOCAL_MAX, 63, 1), 0);
	CHECK_INT(mailbox_of(ADDRESS_LOCAL_MAX + 1, 63, 1), LL_ERR_LIMIT);
	CHECK_INT(mailbox_of(1, 64, 1), LL_ERR_SYNTAX);
	CHECK_INT(mailbox_of(1, 63, 4), 0); /* 4 * 63 + 3 = 255 */
	CHECK_INT(mailbox_of(1, 50, 6), LL_ERR_LIMIT);
}

static void
keys(void)
{
	static const struct {
		const char *local, *domain, *want;
	} cases[] = {
		{"Ada", "X.Example", "ada@x.example"},
		{"\"A.da\"", "x.example", "a.da@x.example"},
		{"\"a\\ da\"", "x.example", "a da@x.example"},
		{"J\xc3\x9cRGEN", "b\xc3\xbc\x63her.example",
			"j\xc3\xbcrgen@xn--bcher-kva.example"},
		{"Ju\xcc\x88rgen", "XN--BCHER-KVA.example", "j\xc3\xbcrgen@xn--bcher-kva.example"},
		{"stra\xc3\x9f"
		 "e",
			"x.example", "strasse@x.example"},
		{"a", "[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]"},
		{"a", "xn--a.example", NULL},
		{"a", "-x.example", NULL},
		{"a", "", NULL},
		{"", "x.example", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(ADDRESS_KEY_MAX);
		int err = address_key(&b, slice_str(cases[i].local), slice_str(cases[i].domain));
		CHECK_INT(err != 0, cases[i].want == NULL);
		CHECK_SLICE(buf_slice(&b), slice_str(cases[i].want));
	}
}

static void
domains(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(500);

	CHECK_INT(address_domain_unicode(&b, S("XN--bcher-kva.Example")), 0);
	CHECK_SLICE(buf_slice(&b),
		S("b\xc3\xbc"
		  "cher.example"));
	buf_reset(&b);
	CHECK_INT(address_domain_ascii(&b, S("fa\xc3\x9f.example")), 0);
	CHECK_SLICE(buf_slice(&b), S("xn--fa-hia.example"));
}

static void
subaddresses(void)
{
	struct slice user, detail;

	address_subaddress(S("ada+news+x"), '+', &user, &detail);
	CHECK_SLICE(user, S("ada"));
	CHECK_SLICE(detail, S("news+x"));
	address_subaddress(S("ada+"), '+', &user, &detail);
	CHECK_SLICE(user, S("ada"));
	CHECK(detail.len == 0 && detail.ptr);
	address_subaddress(S("+ada"), '+', &user, &detail);
	CHECK_SLICE(user, S("+ada"));
	CHECK(!detail.ptr);
}

T_MAIN(T(lists), T(list_limits), T(written), T(smtp_paths), T(smtp_limits), T(keys), T(domains),
	T(subaddresses))
