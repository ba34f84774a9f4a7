/* One account, driven by IMAP and by JMAP at once with random operations. A JMAP client that only
 * follows changes (and a query that only follows queryChanges) must know at all times what a fresh
 * look shows, and IMAP's own view of every mailbox must say the same. JMAP_IMAP_STEPS: how long. */
#include "faces/jmap.h"
#include "world.h"

#include "base/error.h"
#include "unit/t.h"

#include <jansson.h>
#include <stdarg.h>

static struct world world;
static struct jmap *jmap;
static struct imap_conn *imap;
static uint64_t rng = 88172645463325252u;
static char account[JMAP_ACCOUNT_ID_LEN + 1];

static size_t
below(size_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return n ? rng % n : 0;
}

/* ---- Speaking ---- */

static void
drain(struct buf *got)
{
	for (;;) {
		enum imap_conn_wants wants = imap_conn_run(imap);
		struct slice out = imap_conn_output(imap);
		if (got)
			buf_put(got, out);
		imap_conn_sent(imap, out.len);
		if (!out.len && wants != IMAP_CONN_DRAIN && wants != IMAP_CONN_AGAIN)
			return;
	}
}

static void PRINTF_LIKE(2, 3) say(struct buf *got, const char *fmt, ...)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(1 << 20);
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_puts(&line, text);
	buf_puts(&line, "\r\n");
	drain(NULL);
	CHECK_INT(imap_conn_input(imap, buf_slice(&line)), LL_OK);
	drain(got);
}

/* One call; its arguments are taken over. The reply's arguments, to be given back. */
static json_t *
call(const char *method, json_t *args)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(16 << 20);
	json_t *q, *reply, *got;
	char *text;

	json_object_set_new(args, "accountId", json_string(account));
	q = json_pack("{s:[s,s], s:[[s,o,s]]}", "using", "urn:ietf:params:jmap:core",
		"urn:ietf:params:jmap:mail", "methodCalls", method, args, "x");
	text = json_dumps(q, JSON_COMPACT);
	CHECK_INT(jmap_api(jmap, slice_str(text), &out), 200);
	reply = json_loadb((const char *)out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
	got = json_incref(
		json_array_get(json_array_get(json_object_get(reply, "methodResponses"), 0), 1));
	if (strcmp(json_string_value(json_array_get(
			   json_array_get(json_object_get(reply, "methodResponses"), 0), 0)),
		    method)) {
		fprintf(stderr, "%s\n%.*s\n", text, SLICE_ARG(buf_slice(&out)));
		t_failed++;
	}
	free(text);
	json_decref(q);
	json_decref(reply);
	return got;
}

/* ---- A client that follows changes ---- */

static struct {
	const char *type;
	json_t *state, *known; /* id -> object */
} follow[] = {{"Mailbox", NULL, NULL}, {"Email", NULL, NULL}, {"Thread", NULL, NULL}};

static const char *const properties[] = {
	("[\"name\",\"parentId\",\"role\",\"totalEmails\",\"unreadEmails\",\"totalThreads\","
	 "\"unreadThreads\",\"isSubscribed\"]"),
	"[\"mailboxIds\",\"keywords\",\"threadId\",\"size\",\"receivedAt\",\"subject\"]",
	"[\"emailIds\"]"};

static void
fetch(size_t i, json_t *ids, json_t *into)
{
	char name[32];
	json_t *r, *one;
	size_t k;

	if (!json_array_size(ids))
		return;
	snprintf(name, sizeof(name), "%s/get", follow[i].type);
	r = call(name,
		json_pack("{s:O, s:o}", "ids", ids, "properties",
			json_loads(properties[i], 0, NULL)));
	CHECK_INT(json_array_size(json_object_get(r, "notFound")), 0);
	json_array_foreach(json_object_get(r, "list"), k, one)
		json_object_set(into, json_string_value(json_object_get(one, "id")), one);
	json_decref(r);
}

static bool
follow_page(size_t i)
{
	char name[32];
	json_t *r, *id;
	size_t k;
	bool more;

	snprintf(name, sizeof(name), "%s/changes", follow[i].type);
	r = call(name,
		json_pack("{s:O, s:i}", "sinceState", follow[i].state, "maxChanges",
			(int)(1 + below(6))));
	json_array_foreach(json_object_get(r, "created"), k, id)
		CHECK(!json_object_get(follow[i].known, json_string_value(id)));
	json_array_foreach(json_object_get(r, "updated"), k, id)
		CHECK(json_object_get(follow[i].known, json_string_value(id)) != NULL);
	fetch(i, json_object_get(r, "created"), follow[i].known);
	fetch(i, json_object_get(r, "updated"), follow[i].known);
	json_array_foreach(json_object_get(r, "destroyed"), k, id)
		json_object_del(follow[i].known, json_string_value(id));
	json_decref(follow[i].state);
	follow[i].state = json_incref(json_object_get(r, "newState"));
	more = json_is_true(json_object_get(r, "hasMoreChanges"));
	json_decref(r);
	return more;
}

static void
follow_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(follow); i++)
		while (follow_page(i) && !t_failed)
			;
}

/* ---- A query that follows queryChanges ---- */

static const char *const queries[] = {
	"{\"sort\":[{\"property\":\"receivedAt\",\"isAscending\":false}],\"collapseThreads\":true}",
	"{\"filter\":{\"notKeyword\":\"$seen\"},\"sort\":[{\"property\":\"subject\"}]}",
	("{\"filter\":{\"someInThreadHaveKeyword\":\"$flagged\"},\"sort\":[{\"property\":"
	 "\"allInThreadHaveKeyword\",\"keyword\":\"$seen\"},{\"property\":\"size\"}]}")};
static struct {
	json_t *state, *ids;
} list[ARRAY_SIZE(queries)];

static json_t *
query_fresh(size_t i, json_t **ret_state)
{
	json_t *r = call("Email/query", json_loads(queries[i], 0, NULL));
	json_t *ids = json_incref(json_object_get(r, "ids"));

	*ret_state = json_incref(json_object_get(r, "queryState"));
	json_decref(r);
	return ids;
}

static void
query_apply(json_t *ids, const json_t *r)
{
	json_t *id, *added;
	size_t k;

	json_array_foreach(json_object_get(r, "removed"), k,
		id) for (size_t at = json_array_size(ids); at;
			 at--) if (json_equal(json_array_get(ids, at - 1), id))
		json_array_remove(ids, at - 1);
	json_array_foreach(json_object_get(r, "added"), k, added)
		json_array_insert(ids, (size_t)json_integer_value(json_object_get(added, "index")),
			json_object_get(added, "id"));
}

static void
query_follow(size_t i)
{
	json_t *args = json_loads(queries[i], 0, NULL), *r, *fresh, *state;

	json_object_set(args, "sinceQueryState", list[i].state);
	r = call("Email/queryChanges", args);
	query_apply(list[i].ids, r);
	fresh = query_fresh(i, &state);
	if (!json_equal(fresh, list[i].ids))
		fprintf(stderr, "%s: %s\n not %s\n%s\n", queries[i], json_dumps(list[i].ids, 0),
			json_dumps(fresh, 0), json_dumps(r, 0));
	CHECK(json_equal(fresh, list[i].ids));
	CHECK(json_equal(state, json_object_get(r, "newQueryState")));
	json_decref(list[i].state);
	list[i].state = state;
	json_decref(fresh);
	json_decref(r);
}

/* ---- The truth ---- */

static json_t *
all_emails(void)
{
	json_t *out = json_object(), *state, *ids = query_fresh(0, &state), *r;

	json_decref(ids);
	json_decref(state);
	r = call("Email/query", json_object());
	fetch(1, json_object_get(r, "ids"), out);
	json_decref(r);
	return out;
}

static json_t *
all_mailboxes(void)
{
	json_t *out = json_object(), *r = call("Mailbox/query", json_object());

	fetch(0, json_object_get(r, "ids"), out);
	json_decref(r);
	return out;
}

static void
check_known(size_t i, json_t *truth)
{
	const char *id;
	json_t *one;

	json_object_foreach(truth, id, one)
	{
		json_t *known = json_object_get(follow[i].known, id);
		char *a, *b;
		if (json_equal(one, known))
			continue;
		a = json_dumps(known, 0);
		b = json_dumps(one, 0);
		fprintf(stderr, "%s, not %s\n", a ? a : "nothing", b);
		free(a);
		free(b);
		t_failed++;
	}
	CHECK_INT(json_object_size(follow[i].known), json_object_size(truth));
}

static void
check_client(void)
{
	json_t *emails = all_emails(), *boxes = all_mailboxes(), *e;
	const char *id;

	check_known(1, emails);
	check_known(0, boxes);
	json_object_foreach(emails, id, e)
	{
		json_t *t = json_object_get(
			follow[2].known, json_string_value(json_object_get(e, "threadId")));
		CHECK(t != NULL);
	}
	json_decref(emails);
	json_decref(boxes);
}

/* The engine's word for a flag, as IMAP writes it. */
static bool
line_has(struct slice line, const char *flag)
{
	return slice_find(line, slice_str(flag)) != SLICE_NPOS;
}

/* IMAP's rows of one mailbox: each must be in the Email that JMAP shows, and its flags too. */
static size_t
check_imap_box(json_t *box, json_t *emails)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(16 << 20);
	const char *id = json_string_value(json_object_get(box, "id"));
	struct slice rest, line;
	size_t rows = 0;

	say(NULL, "s EXAMINE \"%s\"", json_string_value(json_object_get(box, "name")));
	say(&got, "f FETCH 1:* (EMAILID FLAGS)");
	rest = buf_slice(&got);
	while (rest.len) {
		size_t at;
		char email[16];
		json_t *e, *keywords;
		line = slice_line(&rest);
		at = slice_find(line, S("EMAILID ("));
		if (at == SLICE_NPOS)
			continue;
		snprintf(email, sizeof(email), "%.9s", (const char *)line.ptr + at + 9);
		e = json_object_get(emails, email);
		keywords = json_object_get(e, "keywords");
		CHECK(e != NULL);
		CHECK(json_object_get(json_object_get(e, "mailboxIds"), id) != NULL);
		CHECK(!line_has(line, "\\Seen") || json_object_get(keywords, "$seen"));
		CHECK(!line_has(line, "\\Flagged") || json_object_get(keywords, "$flagged"));
		CHECK(!line_has(line, "work") || json_object_get(keywords, "work"));
		rows++;
	}
	return rows;
}

static void
check_imap(void)
{
	json_t *emails = all_emails(), *boxes = all_mailboxes(), *box, *e;
	const char *id;
	size_t rows = 0, places = 0;

	json_object_foreach(boxes, id, box) rows += check_imap_box(box, emails);
	json_object_foreach(emails, id, e) places +=
		json_object_size(json_object_get(e, "mailboxIds"));
	CHECK(rows >= places); /* a mailbox may hold an Email twice */
	say(NULL, "u UNSELECT");
	json_decref(emails);
	json_decref(boxes);
}

/* ---- Operations ---- */

static json_t *
any(json_t *object)
{
	size_t n = below(json_object_size(object));
	const char *key;
	json_t *v;

	json_object_foreach(object, key, v) if (!n--) return v;
	return NULL;
}

static const char *
any_id(size_t type)
{
	return json_string_value(json_object_get(any(follow[type].known), "id"));
}

static const char *
any_name(void)
{
	return json_string_value(json_object_get(any(follow[0].known), "name"));
}

static void
imap_append(void)
{
	static unsigned n;
	char text[400];
	int len;

	n++;
	len = snprintf(text, sizeof(text),
		"Subject: subject %zu\r\nMessage-ID: <%u@x>\r\nIn-Reply-To: "
		"<%zu@x>\r\n\r\nText.\r\n",
		below(3), n, below(n + 1));
	say(NULL, "a APPEND \"%s\" (%s) {%d+}\r\n%s", any_name(), below(2) ? "\\Seen" : "", len,
		text);
}

static void
imap_step(void)
{
	static const char *const flags[] = {"\\Seen", "\\Flagged", "\\Deleted", "work", "\\Draft"};
	size_t a = 1 + below(8), b = a + below(4);

	say(NULL, "s SELECT \"%s\"", any_name());
	switch (below(6)) {
	case 0:
		imap_append();
		break;
	case 1:
	case 2:
		say(NULL, "t STORE %zu:%zu %cFLAGS (%s)", a, b, "+-"[below(2)],
			flags[below(ARRAY_SIZE(flags))]);
		break;
	case 3:
		say(NULL, "c COPY %zu:%zu \"%s\"", a, b, any_name());
		break;
	case 4:
		say(NULL, "m MOVE %zu:%zu \"%s\"", a, b, any_name());
		break;
	default:
		say(NULL, "e EXPUNGE");
	}
	say(NULL, "u UNSELECT");
}

static void
jmap_email_step(void)
{
	const char *keywords[] = {"keywords/$seen", "keywords/$flagged", "keywords/work"};
	const char *id = any_id(1), *box = any_id(0);
	json_t *patch = json_object();
	char path[80];

	if (!id) {
		json_decref(patch);
		return;
	}
	if (below(2))
		json_object_set_new(
			patch, keywords[below(3)], below(2) ? json_true() : json_null());
	if (below(3) == 0) {
		snprintf(path, sizeof(path), "mailboxIds/%s", box);
		json_object_set_new(patch, path, json_true());
	}
	if (below(5) == 0) {
		json_object_clear(patch);
		json_object_set_new(patch, "mailboxIds", json_pack("{s:b}", box, 1));
	}
	if (below(8) == 0) {
		json_decref(patch);
		json_decref(call("Email/set", json_pack("{s:[s]}", "destroy", id)));
		return;
	}
	json_decref(call("Email/set", json_pack("{s:{s:o}}", "update", id, patch)));
}

/* The mailbox with a role as the client knows it, or NULL. */
static const char *
role_id(const char *role)
{
	const char *id, *has;
	json_t *box;

	json_object_foreach(follow[0].known, id, box)
	{
		has = json_string_value(json_object_get(box, "role"));
		if (has && !strcmp(has, role))
			return id;
	}
	return NULL;
}

static void
jmap_box_step(void)
{
	static unsigned n;
	char name[32];
	const char *id = any_id(0);

	snprintf(name, sizeof(name), "Box %u", ++n);
	if (json_object_size(follow[0].known) < 10)
		json_decref(call(
			"Mailbox/set", json_pack("{s:{s:{s:s}}}", "create", "k", "name", name)));
	else if (below(4) == 0 && role_id("trash"))
		json_decref(call("Mailbox/set",
			json_pack("{s:{s:{s:n}}}", "update", role_id("trash"), "role")));
	else if (below(2) && !role_id("trash"))
		json_decref(call(
			"Mailbox/set", json_pack("{s:{s:{s:s}}}", "update", id, "role", "trash")));
	else if (below(2))
		json_decref(call("Mailbox/set",
			json_pack("{s:[s], s:b}", "destroy", id, "onDestroyRemoveEmails", 1)));
	else
		json_decref(call("Mailbox/set",
			json_pack("{s:{s:{s:b}}}", "update", id, "isSubscribed", (int)below(2))));
}

static void
jmap_create_step(void)
{
	json_decref(call("Email/set",
		json_pack("{s:{s:{s:{s:b}, s:s, s:[{s:s}], s:{s:{s:s}}}}}", "create", "k",
			"mailboxIds", any_id(0), 1, "subject", "made", "textBody", "partId", "1",
			"bodyValues", "1", "value", "Grüße\n")));
}

static void
step(void)
{
	size_t what = below(20);

	if (what < 9)
		imap_step();
	else if (what < 16)
		jmap_email_step();
	else if (what < 17)
		jmap_box_step();
	else if (what < 18)
		jmap_create_step();
	else if (what < 19)
		CHECK_INT(world_deliver(&world, S("Subject: new\r\n\r\nNew.\r\n")), LL_OK);
	else
		account_trim(world.account);
}

static int64_t
now(void *ctx)
{
	return world.clock;
}

static int
fill(void *ctx, void *p, size_t n)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)below(256);
	return LL_OK;
}

static void
both_see_the_same(void)
{
	static const struct imap_handover handover = {.tag = S("in")};
	static const struct slice address = S("alice@letterlock.test");
	struct jmap_env env = {.now = now, .random = fill, .addresses = &address, .n_addresses = 1};
	const char *steps = getenv("JMAP_IMAP_STEPS"), *seed = getenv("JMAP_IMAP_SEED");
	long n = steps ? strtol(steps, NULL, 10) : 400;

	rng ^= seed ? strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15u : 0;
	CHECK_INT(world_account(&world, 0), LL_OK);
	env.account = world.account;
	jmap = jmap_new(&env);
	imap = imap_conn_new(&world.imap, &handover);
	jmap_account_id(account_id(world.account), account);
	for (size_t i = 0; i < ARRAY_SIZE(follow); i++) {
		follow[i].state = json_string("0");
		follow[i].known = json_object();
	}
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		list[i].ids = query_fresh(i, &list[i].state);
	follow_all();
	for (long i = 0; i < n && !t_failed; i++) {
		step();
		if (below(3)) {
			follow_all();
			check_client();
		}
		query_follow(below(ARRAY_SIZE(queries)));
		if (i % 16 == 0)
			check_imap();
		if (t_failed)
			fprintf(stderr, "step %ld\n", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(follow); i++) {
		json_decref(follow[i].state);
		json_decref(follow[i].known);
	}
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		json_decref(list[i].state);
		json_decref(list[i].ids);
	}
	imap_conn_free(imap);
	jmap_free(jmap);
}

int
main(void)
{
	static const struct t_case cases[] = {T(both_see_the_same)};
	int r;

	if (world_open(&world))
		return 1;
	r = t_main(cases, ARRAY_SIZE(cases));
	world_close(&world);
	return r;
}
