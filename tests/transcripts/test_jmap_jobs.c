/* JMAP requests that take several slices: others are answered in between, mail changes meanwhile,
 * and the answer is the same as if it had been given at once. */
#include "faces/jmap.h"
#include "world.h"

#include "base/error.h"
#include "unit/t.h"

#include <jansson.h>

#define LETTERS 300

static struct world world;
static struct jmap *jmap;
static char account[JMAP_ACCOUNT_ID_LEN + 1];

static int64_t
now(void *ctx)
{
	return 1790000000;
}

static int
randomness(void *ctx, void *p, size_t n)
{
	memset(p, 7, n);
	return LL_OK;
}

static void
begin(void)
{
	struct jmap_env env = {.now = now, .random = randomness, .message_max = 1 << 20};

	CHECK_INT(world_open_memory(&world), 0);
	CHECK_INT(world_account(&world, 0), 0);
	for (int i = 0; i < LETTERS; i++) {
		char text[300];
		snprintf(text, sizeof(text),
			"From: a@b.example\r\nMessage-ID: <%d@b.example>\r\nSubject: %d\r\n\r\n"
			"We sail to the harbour%s.\r\n",
			i, i, i % 3 ? "" : " in winter");
		CHECK_INT(world_deliver(&world, slice_str(text)), 0);
	}
	env.account = world.account;
	jmap = jmap_new(&env);
	jmap_account_id(account_id(env.account), account);
}

static void
end(void)
{
	jmap_free(TAKE(jmap));
	world_account_close(&world);
	world_close(&world);
}

/* calls with %A for the account. */
static struct slice
request(struct buf *out, const char *type, const char *calls)
{
	buf_printf(out,
		"{%s\"using\":[\"urn:ietf:params:jmap:core\",\"urn:ietf:params:jmap:mail\"],"
		"\"methodCalls\":",
		type);
	for (const char *p = calls; *p; p++) {
		if (p[0] == '%' && p[1] == 'A') {
			buf_printf(out, "\"accountId\":\"%s\"", account);
			p++;
		} else {
			buf_putc(out, (uint8_t)*p);
		}
	}
	buf_putc(out, '}');
	return buf_slice(out);
}

/* The arguments of the answer to a call, borrowed from reply. */
static json_t *
answer_of(json_t *reply, size_t i, const char *method)
{
	json_t *r = json_array_get(json_object_get(reply, "methodResponses"), i);

	CHECK_SLICE(slice_str(json_string_value(json_array_get(r, 0))), slice_str(method));
	return json_array_get(r, 1);
}

static json_t *
reply_read(const struct buf *out)
{
	json_t *reply = json_loadb((const char *)out->ptr, out->len, JSON_REJECT_DUPLICATES, NULL);

	CHECK(reply != NULL);
	return reply;
}

static json_int_t
total_of(json_t *reply, size_t i)
{
	return json_integer_value(json_object_get(answer_of(reply, i, "Email/query"), "total"));
}

static const char search[] =
	"[[\"Mailbox/get\",{%A,\"ids\":null,\"properties\":[\"role\"]},\"a\"],"
	"[\"Email/query\",{%A,\"filter\":{\"text\":\"harbour\"},\"limit\":2,"
	"\"calculateTotal\":true,\"sort\":[{\"property\":\"subject\"}]},\"b\"],"
	"[\"Email/get\",{%A,\"#ids\":{\"resultOf\":\"b\",\"name\":\"Email/query\","
	"\"path\":\"/ids\"},\"properties\":[\"subject\"]},\"c\"]]";
static const char first_page[] =
	"[[\"Email/query\",{%A,\"filter\":{\"text\":\"harbour\"},\"limit\":2},\"b\"]]";
static const char other_word[] =
	"[[\"Email/query\",{%A,\"filter\":{\"text\":\"winter\"},\"calculateTotal\":true},\"b\"]]";

static void
others_are_answered_in_between(void)
{
	CLEANUP(buf_done) struct buf q = BUF_INIT(1 << 16), out = BUF_INIT(1 << 20);
	CLEANUP(buf_done) struct buf q2 = BUF_INIT(1 << 16), out2 = BUF_INIT(1 << 20);
	struct jmap_job *job;
	unsigned steps = 1;
	json_t *reply, *list;

	begin();
	job = jmap_job_new(jmap, request(&q, "", search), &out);
	CHECK_INT(jmap_job_step(job), 0);
	CHECK_INT(jmap_api(jmap, request(&q2, "", first_page), &out2), 200);
	reply = reply_read(&out2);
	CHECK_INT(json_array_size(json_object_get(answer_of(reply, 0, "Email/query"), "ids")), 2);
	json_decref(reply);
	CHECK_INT(jmap_job_step(job), 0);
	/* What was found out about the others is not lost, and this one counts as well. */
	CHECK_INT(world_deliver(&world, S("Subject: 0\r\n\r\nOne more harbour.\r\n")), 0);
	while (!jmap_job_step(job))
		steps++;
	CHECK(steps > 2 && steps < 20);
	CHECK_INT(jmap_job_step(job), 200);
	reply = reply_read(&out);
	CHECK_INT(total_of(reply, 1), LETTERS + 1);
	list = json_object_get(answer_of(reply, 2, "Email/get"), "list");
	CHECK_INT(json_array_size(list), 2);
	CHECK_SLICE(
		slice_str(json_string_value(json_object_get(json_array_get(list, 1), "subject"))),
		S("0"));
	CHECK_INT(json_array_size(json_object_get(reply, "methodResponses")), 3);
	json_decref(reply);
	jmap_job_free(job);
	end();
}

static void
many_at_once(void)
{
	struct buf out[4];
	struct jmap_job *job[4];
	bool more = true;

	begin();
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(buf_done) struct buf q = BUF_INIT(1 << 16);
		out[i] = BUF_INIT(1 << 20);
		job[i] = jmap_job_new(jmap, request(&q, "", i % 2 ? search : other_word), &out[i]);
	}
	jmap_job_free(TAKE(job[3])); /* who asked has gone */
	while (more) {
		more = false;
		for (size_t i = 0; i < 3; i++)
			more |= !jmap_job_step(job[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		json_t *reply = reply_read(&out[i]);
		CHECK_INT(total_of(reply, i % 2), i % 2 ? LETTERS : LETTERS / 3);
		json_decref(reply);
		jmap_job_free(job[i]);
	}
	for (size_t i = 0; i < 4; i++)
		buf_done(&out[i]);
	end();
}

static void
too_many_are_refused(void)
{
	CLEANUP(buf_done) struct buf q = BUF_INIT(1 << 16), out = BUF_INIT(1 << 20);
	CLEANUP(buf_done) struct buf q2 = BUF_INIT(1 << 16), out2 = BUF_INIT(1 << 20);
	struct jmap_states told;
	uint32_t push = 0;
	struct jmap_job *job;

	begin();
	job = jmap_job_new(jmap, request(&q, "", search), &out);
	CHECK_INT(jmap_job_step(job), 0);
	CHECK_INT(jmap_job_refuse(job), 400);
	CHECK_INT(jmap_job_step(job), 400);
	CHECK(slice_find(buf_slice(&out), S("maxConcurrentRequests")) != SLICE_NPOS);
	CHECK(slice_starts(buf_slice(&out), S("{\"type\":\"urn:ietf:params:jmap:error:limit\"")));
	jmap_job_free(job);
	job = jmap_ws_message(jmap,
		request(&q2, "\"@type\":\"Request\",\"id\":\"R1\",", other_word), &push, &told,
		&out2);
	CHECK(job != NULL);
	CHECK_INT(jmap_job_step(job), 0);
	CHECK_INT(jmap_job_refuse(job), 400);
	CHECK(slice_starts(
		buf_slice(&out2), S("{\"@type\":\"RequestError\",\"requestId\":\"R1\",\"type\":")));
	jmap_job_free(job);
	end();
}

/* Only the call whose answer has no room is refused. */
static void
too_large_an_answer(void)
{
	CLEANUP(buf_done) struct buf q = BUF_INIT(1 << 16), out = BUF_INIT(2048);
	struct jmap_job *job;
	json_t *reply;

	begin();
	job = jmap_job_new(jmap,
		request(&q, "",
			"[[\"Core/echo\",{\"x\":1},\"a\"],[\"Email/query\",{%A},\"b\"],"
			"[\"Core/echo\",{\"y\":2},\"c\"]]"),
		&out);
	while (!jmap_job_step(job))
		continue;
	CHECK_INT(jmap_job_step(job), 200);
	reply = reply_read(&out);
	CHECK(json_object_get(answer_of(reply, 0, "Core/echo"), "x"));
	CHECK_SLICE(
		slice_str(json_string_value(json_object_get(answer_of(reply, 1, "error"), "type"))),
		S("requestTooLarge"));
	CHECK(json_object_get(answer_of(reply, 2, "Core/echo"), "y"));
	json_decref(reply);
	jmap_job_free(job);
	end();
}

/* RFC 8887, sections 4.3.2 and 4.3.5.2: members of the wrong type are no request, and change nothing. */
static void
messages_with_wrong_members(void)
{
	static const char *const wrong[] = {
		"{\"@type\":\"Request\",\"id\":5,\"using\":[],\"methodCalls\":[]}",
		"{\"@type\":\"Request\",\"id\":[],\"using\":[],\"methodCalls\":[]}",
		"{\"@type\":\"WebSocketPushEnable\",\"dataTypes\":5}",
		"{\"@type\":\"WebSocketPushEnable\",\"dataTypes\":\"Email\"}",
		"{\"@type\":\"WebSocketPushEnable\",\"dataTypes\":[5]}",
		"{\"@type\":\"WebSocketPushEnable\",\"pushState\":5}",
		"{\"@type\":[]}",
		"[]",
	};
	struct jmap_states told;
	uint32_t push = 7;

	begin();
	jmap_states_now(jmap, &told);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
		CHECK(!jmap_ws_message(jmap, slice_str(wrong[i]), &push, &told, &out));
		CHECK(slice_starts(buf_slice(&out), S("{\"@type\":\"RequestError\",")));
		CHECK(slice_find(buf_slice(&out), S("error:notRequest")) != SLICE_NPOS);
	}
	CHECK_INT(push, 7);
	end();
}

T_MAIN(T(others_are_answered_in_between), T(many_at_once), T(too_many_are_refused),
	T(too_large_an_answer), T(messages_with_wrong_members))
