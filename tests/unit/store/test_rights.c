/* Who may touch what in the store, as a table. */
#include "store/rights.h"
#include "t.h"

enum { R = STORE_MAY_READ, W = STORE_MAY_WRITE, A = STORE_MAY_APPEND };

static const struct store_id anyone = {"an account's id"};

static void
keys(void)
{
	static const struct {
		enum role role;
		const struct store_id *partition;
		const char *key;
		unsigned may;
	} cases[] = {
		{ROLE_AUTH, &store_directory, "acct/x", R | W},
		{ROLE_AUTH, &anyone, "k/x", R | W},
		{ROLE_AUTH, &store_queue, "q/x", 0},
		{ROLE_SESSION, &anyone, "m/x", R | W},
		{ROLE_SESSION, &anyone, "k/x", 0},
		{ROLE_SESSION, &anyone, "m", 0},
		{ROLE_SESSION, &store_directory, "m/x", 0},
		{ROLE_DELIVERY, &anyone, "m/in/x", A},
		{ROLE_DELIVERY, &anyone, "m/x", 0},
		{ROLE_DELIVERY, &store_queue, "q/x", A},
		{ROLE_DELIVERY, &store_directory, "dkim/x", 0},
		{ROLE_RELAY, &store_queue, "q/x", R | W},
		{ROLE_RELAY, &store_directory, "dkim/x", R},
		{ROLE_RELAY, &store_directory, "acct/x", 0},
		{ROLE_RELAY, &anyone, "m/x", 0},
		{ROLE_FRONTEND, &anyone, "m/x", 0},
		{ROLE_LOOKUP, &store_directory, "dom/x", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct store_holder h = {.role = cases[i].role};
		unsigned may = store_rights_on(&h, cases[i].partition, slice_str(cases[i].key));
		if (may != cases[i].may)
			fprintf(stderr, "case %zu\n", i);
		CHECK_INT(may, cases[i].may);
	}
}

static void
bound_to_one_account(void)
{
	static const struct store_id other = {"another account"};
	struct store_holder h = {.role = ROLE_SESSION, .has_bound = true, .bound = anyone};

	CHECK_INT(store_rights_on(&h, &anyone, S("m/x")), R | W);
	CHECK_INT(store_rights_on(&h, &other, S("m/x")), 0);
	CHECK_INT(store_rights_on(&h, &other, SLICE_NONE), 0);
	CHECK(store_range_permitted(&h, &anyone, S("m/"), S("m0")));
	CHECK(!store_range_permitted(&h, &other, S("m/"), S("m0")));
}

static void
ranges(void)
{
	static const struct {
		const char *from, *to;
		bool permitted;
	} cases[] = {
		{"m/", "m0", true},
		{"m/a", "m/b", true},
		{"m/", "m/", true}, /* empty */
		{"m/", "m1", false},
		{"m/", "n", false},
		{"m/", "", false},
		{"m", "m0", false},
		{"k/", "m0", false},
		{"", "m0", false},
	};
	struct store_holder h = {.role = ROLE_SESSION};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK(store_range_permitted(&h, &anyone, slice_str(cases[i].from),
			      slice_str(cases[i].to)) == cases[i].permitted);
}

static void
operations(void)
{
	struct store_holder delivery = {.role = ROLE_DELIVERY}, session = {.role = ROLE_SESSION};
	static const struct {
		struct store_op op;
		bool delivery, session;
	} cases[] = {
		{{.kind = STORE_PUT_NEW, .key = {(const uint8_t *)"m/in/x", 6}}, true, true},
		{{.kind = STORE_PUT, .key = {(const uint8_t *)"m/in/x", 6}}, false, true},
		{{.kind = STORE_DEL, .key = {(const uint8_t *)"m/in/x", 6}}, false, true},
		{{.kind = STORE_PUT_NEW, .key = {(const uint8_t *)"k/x", 3}}, false, false},
		{{.kind = STORE_PUT_NEW}, false, false}, /* the empty key */
		{{.kind = STORE_PUT}, false, false},
		{{.kind = STORE_BLOB_NEW}, true, true},
		{{.kind = STORE_BLOB_REF}, true, true},
		{{.kind = STORE_BLOB_DROP}, false, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(store_op_permitted(&delivery, &anyone, &cases[i].op) == cases[i].delivery);
		CHECK(store_op_permitted(&session, &anyone, &cases[i].op) == cases[i].session);
		CHECK(!store_op_permitted(&session, &store_queue, &cases[i].op));
	}
}

T_MAIN(T(keys), T(bound_to_one_account), T(ranges), T(operations))
