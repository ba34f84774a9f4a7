/* JSON out and in. */
#include "base/error.h"
#include "cli/json.h"
#include "t.h"

static void
writing(void)
{
	CLEANUP(json_done) struct json j = JSON_INIT;

	json_open_object(&j, NULL);
	json_text(&j, "a", "x\"\\\n\x01\x7f\xc3\xbc");
	json_open_array(&j, "list");
	json_number(&j, NULL, 18446744073709551615ull);
	json_bool(&j, NULL, false);
	json_put_null(&j, NULL);
	json_open_object(&j, NULL);
	json_object_end(&j);
	json_array_end(&j);
	json_hex(&j, "id", S("\x00\xff"));
	json_put_string(&j, "bad", S("\xff\xe2\x80\xa8"));
	json_object_end(&j);
	CHECK_INT(buf_err(&j.out), 0);
	CHECK_SLICE(buf_slice(&j.out),
		S("{\"a\":\"x\\\"\\\\\\n\\u0001\\u007f\xc3\xbc\","
		  "\"list\":[18446744073709551615,false,null,{}],\"id\":\"00ff\","
		  "\"bad\":\"\xef\xbf\xbd\\u2028\"}"));
}

static void
reading(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 16);
	const struct json_value *v, *list;

	CHECK_INT(json_parse(S(" {\"k\" : [1, -2.5e+3 ,\"\\u00e4\\ud83d\\ude00\\/\"], \"t\":true,"
			       "\"e\":{}, \"n\":null}\n"),
			  &a, &v),
		0);
	CHECK_INT(v->type, JSON_OBJECT);
	list = json_get(v, "k");
	CHECK(list && list->type == JSON_ARRAY);
	CHECK_SLICE(list->first->text, S("1"));
	CHECK_SLICE(list->first->next->text, S("-2.5e+3"));
	CHECK_SLICE(list->first->next->next->text, S("\xc3\xa4\xf0\x9f\x98\x80/"));
	CHECK(!list->first->next->next->next);
	CHECK_INT(json_get(v, "t")->type, JSON_TRUE);
	CHECK_INT(json_get(v, "e")->type, JSON_OBJECT);
	CHECK_INT(json_get(v, "n")->type, JSON_NULL);
	CHECK(!json_get(v, "x") && json_get_text(v, "x").len == 0);
}

static void
refusing(void)
{
	static const char *const bad[] = {"", "{", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}",
		"{a:1}", "{\"a\":1,}", "01", "1.", "1e", "-", "+1", ".5", "nul", "tru", "'a'",
		"\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
		"\"\n\"", "\"\xff\"", "1 1", "[1]]", "{\"a\":1}x"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 16);
		const struct json_value *v;
		if (json_parse(slice_str(bad[i]), &a, &v) == LL_OK) {
			fprintf(stderr, "accepted: %s\n", bad[i]);
			t_failed++;
		}
	}
}

static void
depth(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 16);
	char text[2 * JSON_DEPTH_MAX + 3];
	const struct json_value *v;

	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	CHECK_INT(json_parse(slice_new(text, (size_t)2 * JSON_DEPTH_MAX), &a, &v), 0);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	CHECK_INT(
		json_parse(slice_new(text, (size_t)2 * JSON_DEPTH_MAX + 2), &a, &v), LL_ERR_LIMIT);
}

T_MAIN(T(writing), T(reading), T(refusing), T(depth))
