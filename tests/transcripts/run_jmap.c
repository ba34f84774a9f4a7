/* Runs JMAP transcripts in process, against the real engine over the real store. See README.md. */
#include "jmap_match.h"
#include "world.h"

#include "account/mailbox.h"
#include "account/snooze.h"
#include "base/error.h"
#include "base/text.h"
#include "faces/jmap.h"
#include "faces/push_list.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MAX_BYTES ((size_t)64 << 20)

struct run {
	const char *file;
	struct slice text;
	struct world world;
	struct jmap *jmap;
	json_t *vars, *messages;
	json_t *reply; /* to the last request */
	unsigned status;
	uint64_t quota;
	size_t line;
	bool failed;
	struct outbound outbound;
	struct jmap_push push;
	uint8_t held[16][OUTBOUND_HOLD_ID_LEN];
	size_t n_held;
	unsigned sent;
	int64_t away_until;
	struct buf aliases; /* lines */
	bool aliases_known;
};

static void
fail(struct run *r, const char *what, const char *detail)
{
	fprintf(stderr, "%s:%zu: %s: %s\n", r->file, r->line, what, detail);
	r->failed = true;
}

/* ---- Variables ---- */

/* "%{name}" within a text becomes the variable's value. */
static void
expand(struct run *r, struct slice in, struct buf *out)
{
	size_t at;

	while ((at = slice_find(in, S("%{"))) != SLICE_NPOS) {
		char name[100];
		size_t end = slice_find_byte(slice_skip(in, at), '}');
		struct slice key = slice_sub(in, at + 2, end - 2);
		buf_put(out, slice_sub(in, 0, at));
		snprintf(name, sizeof(name), "%.*s", SLICE_ARG(key));
		if (end == SLICE_NPOS || !json_object_get(r->vars, name))
			fail(r, "unknown variable", name);
		else
			buf_puts(out, json_string_value(json_object_get(r->vars, name)));
		in = slice_skip(in, at + (end == SLICE_NPOS ? in.len : end + 1));
	}
	buf_put(out, in);
}

/* ---- Steps ---- */

static int64_t
run_now(void *ctx)
{
	return ((struct run *)ctx)->world.clock;
}

/* The way out as a session has it, but for the letters going anywhere: what matters here is what a
 * client is told; the last letter is kept as the message "out", its envelope as %{from} and %{to}.
 * tests/system sends for real. */
static int
out_send(void *ctx, const struct outbound_letter *l, struct outbound_answer *ret)
{
	struct run *r = ctx;

	*ret = (struct outbound_answer){.code = 250};
	for (uint32_t i = 0; i < l->n_rcpts; i++)
		if (slice_starts(l->rcpts[i].address, S("nobody@"))) {
			ret->code = 550;
			snprintf(ret->text, sizeof(ret->text), "%.*s",
				SLICE_ARG(l->rcpts[i].address));
		}
	if (l->from.len && !slice_ends(l->from, S("@letterlock.test")))
		ret->code = 555;
	if (ret->code != 250)
		return LL_OK;
	json_object_set_new(
		r->messages, "out", json_stringn((const char *)l->message.ptr, l->message.len));
	json_object_set_new(r->vars, "from", json_stringn((const char *)l->from.ptr, l->from.len));
	json_object_set_new(r->vars, "to",
		json_stringn((const char *)l->rcpts[0].address.ptr, l->rcpts[0].address.len));
	r->sent += l->n_rcpts;
	if (l->hold_until && r->n_held < ARRAY_SIZE(r->held))
		memcpy(r->held[r->n_held++], l->hold_id, OUTBOUND_HOLD_ID_LEN);
	return LL_OK;
}

static int
out_cancel(void *ctx, const uint8_t hold_id[OUTBOUND_HOLD_ID_LEN])
{
	struct run *r = ctx;

	for (size_t i = 0; i < r->n_held; i++)
		if (memcmp(r->held[i], hold_id, OUTBOUND_HOLD_ID_LEN) == 0) {
			memset(r->held[i], 0, OUTBOUND_HOLD_ID_LEN);
			return LL_OK;
		}
	return LL_ERR_NOTFOUND;
}

static int
out_vacation(void *ctx, const struct outbound_vacation *notice)
{
	return notice->text.len > OUTBOUND_VACATION_TEXT_MAX ? LL_ERR_LIMIT : LL_OK;
}

static int
run_random(void *ctx, void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? LL_OK : LL_ERR_IO;
}

/* ---- Push: what would go out is kept as %{pushed}, a code as %{code} ---- */

static int
push_store(void *ctx, struct slice list)
{
	return push_list_ok(list) ? LL_OK : LL_ERR_SYNTAX;
}

static void
push_send(void *ctx, const uint8_t id[16], struct slice body)
{
	struct run *r = ctx;
	json_t *v = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *code = json_object_get(v, "verificationCode");

	if (!v)
		fail(r, "push", "no JSON");
	if (code)
		json_object_set(r->vars, "code", code);
	else
		json_object_set_new(
			r->vars, "pushed", json_stringn((const char *)body.ptr, body.len));
	json_decref(v);
}

static bool
push_key_ok(struct slice key)
{
	return key.ptr[0] == 4;
}

static int
run_aliases(void *ctx, struct buf *ret_lines)
{
	struct run *r = ctx;

	return r->aliases_known ? buf_put(ret_lines, buf_slice(&r->aliases)) : LL_ERR_CLOSED;
}

/* aliases A B ...: what else the account may write as from now on; "?": nobody can be asked. */
static void
step_aliases(struct run *r, struct slice text)
{
	buf_reset(&r->aliases);
	r->aliases_known = !slice_eq(text, S("?"));
	while (text.len) {
		buf_put(&r->aliases, slice_split(&text, ' '));
		buf_putc(&r->aliases, '\n');
	}
}

/* The first record under a prefix, and whether it was found. */
struct victim {
	uint8_t key[STORE_KEY_MAX];
	size_t key_len;
	struct buf value;
};

static int
victim_row(void *ctx, struct slice key, struct slice value)
{
	struct victim *v = ctx;

	if (v->key_len)
		return LL_OK;
	v->key_len = key.len;
	memcpy(v->key, key.ptr, key.len);
	return buf_put(&v->value, value);
}

/* damage PREFIX: a bit of the first record with such a key is another one from now on. */
static void
step_damage(struct run *r, struct slice prefix)
{
	struct world *w = &r->world;
	struct store_id id = account_id(w->account);
	CLEANUP(buf_done) struct buf value = BUF_INIT(MAX_BYTES);
	struct victim v = {.value = value};
	struct store_op op = {.kind = STORE_PUT};
	struct store_commit c = {id, STORE_ANY_VERSION, &op, 1, 0};
	int err = store_each(w->store, id, prefix, victim_row, &v);

	value = v.value;
	if (err || !v.key_len || !value.len) {
		fail(r, "damage", "there is no such record");
		return;
	}
	value.ptr[value.len - 1] ^= 1;
	op.key = slice_new(v.key, v.key_len);
	op.value = buf_slice(&value);
	err = store_commit_sync(w->store, &c, NULL);
	if (err)
		fail(r, "damage", ll_strerror(err));
	account_trim(w->account);
}

static bool
start(struct run *r)
{
	static const struct slice addresses[] = {
		S("alice@letterlock.test"), S("a@letterlock.test")};
	const struct outbound outbound = {out_send, out_cancel, out_vacation, r};
	struct jmap_env env = {.now = run_now,
		.random = run_random,
		.aliases = run_aliases,
		.ctx = r,
		.addresses = addresses,
		.n_addresses = ARRAY_SIZE(addresses),
		.message_max = 100000};
	char id[JMAP_ACCOUNT_ID_LEN + 1];

	if (r->jmap)
		return true;
	if (world_open(&r->world) || world_account(&r->world, r->quota))
		return false;
	env.account = r->world.account;
	r->outbound = outbound;
	env.outbound = &r->outbound;
	r->push = (struct jmap_push){S("key"), push_key_ok, push_store, push_send, r};
	env.push = &r->push;
	r->jmap = jmap_new(&env);
	jmap_account_id(account_id(env.account), id);
	json_object_set_new(r->vars, "account", json_string(id));
	return r->jmap != NULL;
}

static const char using[] =
	"[\"urn:ietf:params:jmap:core\",\"urn:ietf:params:jmap:mail\","
	"\"urn:ietf:params:jmap:submission\","
	"\"urn:ietf:params:jmap:vacationresponse\","
	"\"urn:ietf:params:jmap:blob\",\"urn:ietf:params:jmap:quota\",\"urn:ietf:params:jmap:mdn\","
	"\"urn:letterlock:params:jmap:rules\",\"urn:letterlock:params:jmap:snooze\","
	"\"urn:letterlock:params:jmap:settings\"]";

/* Fills in the account where a call does not name one. */
static void
calls_complete(struct run *r, json_t *calls)
{
	size_t i;
	json_t *call;

	json_array_foreach(calls, i, call)
	{
		json_t *args = json_array_get(call, 1);
		const char *name = json_string_value(json_array_get(call, 0));
		if (name && strcmp(name, "Core/echo") && json_is_object(args) &&
			!json_object_get(args, "accountId"))
			json_object_set(args, "accountId", json_object_get(r->vars, "account"));
	}
}

static void
send(struct run *r, struct slice request)
{
	struct buf out = BUF_INIT(MAX_BYTES);

	r->status = jmap_api(r->jmap, request, &out);
	json_decref(r->reply);
	r->reply = json_loadb((const char *)out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
	if (!r->reply)
		fail(r, "the reply is no JSON", out.len ? (const char *)out.ptr : "");
	buf_done(&out);
}

static void
step_calls(struct run *r, struct slice text)
{
	CLEANUP(buf_done) struct buf expanded = BUF_INIT(MAX_BYTES);
	CLEANUP(buf_done) struct buf request = BUF_INIT(MAX_BYTES);
	json_error_t e;
	json_t *calls;
	char *dump;

	expand(r, text, &expanded);
	calls = json_loadb((const char *)expanded.ptr, expanded.len, 0, &e);
	if (!calls) {
		fail(r, "no JSON", e.text);
		return;
	}
	calls_complete(r, calls);
	dump = json_dumps(calls, JSON_COMPACT);
	buf_printf(&request, "{\"using\":%s,\"methodCalls\":%s}", using, dump);
	send(r, buf_slice(&request));
	free(dump);
	json_decref(calls);
}

static void
step_raw(struct run *r, struct slice text)
{
	CLEANUP(buf_done) struct buf expanded = BUF_INIT(MAX_BYTES);

	expand(r, text, &expanded);
	send(r, buf_slice(&expanded));
}

static void
step_expect(struct run *r, struct slice text, bool raw)
{
	json_error_t e;
	json_t *want = json_loadb((const char *)text.ptr, text.len, 0, &e);
	json_t *got = raw ? r->reply : json_object_get(r->reply, "methodResponses");
	char *dump;

	if (!want) {
		fail(r, "no JSON", e.text);
		return;
	}
	if (!jmap_matches(r->vars, want, got)) {
		dump = json_dumps(got ? got : r->reply, JSON_INDENT(1) | JSON_ENCODE_ANY);
		fail(r, "the reply is", dump ? dump : "nothing");
		free(dump);
	}
	json_decref(want);
}

static struct slice
message_of(struct run *r, struct slice name)
{
	char text[100];
	json_t *v;

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
	v = json_object_get(r->messages, text);
	if (!v)
		fail(r, "unknown message", text);
	return slice_new(json_string_value(v), json_string_length(v));
}

/* append NAME MAILBOX [\Seen ...]: as an IMAP client would. */
static void
step_append(struct run *r, struct slice rest)
{
	struct slice name = slice_split(&rest, ' '), box = slice_split(&rest, ' ');
	struct staged_message *staged = NULL;
	struct append_item item = {.flags = slice_eq(rest, S("\\Seen")) ? FLAG_SEEN : 0};
	struct mailbox *mb;
	int err = account_mailbox(r->world.account, box, &mb);

	if (!err)
		err = message_stage(r->world.account, message_of(r, name), r->world.clock, &staged);
	item.message = staged;
	if (!err)
		err = mailbox_append(mb, &item, 1, NULL);
	staged_message_free(staged);
	if (err)
		fail(r, "append", ll_strerror(err));
}

/* upload NAME TYPE: the blob's id is kept as %{NAME}. */
static void
step_upload(struct run *r, struct slice rest)
{
	struct slice name = slice_split(&rest, ' ');
	struct buf out = BUF_INIT(MAX_BYTES);
	json_t *account = json_object_get(r->vars, "account"), *reply;
	char key[100];

	snprintf(key, sizeof(key), "%.*s", SLICE_ARG(name));
	r->status = jmap_upload(r->jmap,
		slice_new(json_string_value(account), json_string_length(account)), rest,
		message_of(r, name), &out);
	reply = json_loadb((const char *)out.ptr, out.len, 0, NULL);
	if (r->status != 201)
		fail(r, "upload", "refused");
	json_object_set(r->vars, key, json_object_get(reply, "blobId"));
	json_decref(reply);
	buf_done(&out);
}

/* download ID TYPE NAME: the blob is the message of that name. */
static void
step_download(struct run *r, struct slice rest)
{
	CLEANUP(buf_done) struct buf expanded = BUF_INIT(MAX_BYTES);
	CLEANUP(buf_done) struct buf out = BUF_INIT(MAX_BYTES);
	CLEANUP(buf_done) struct buf type = BUF_INIT(MAX_BYTES);
	json_t *account = json_object_get(r->vars, "account");
	struct slice id, want;

	expand(r, rest, &expanded);
	rest = buf_slice(&expanded);
	id = slice_split(&rest, ' ');
	want = slice_split(&rest, ' ');
	if (jmap_download(r->jmap,
		    slice_new(json_string_value(account), json_string_length(account)), id, &out,
		    &type))
		fail(r, "download", "there is no such blob");
	else if (!slice_eq(buf_slice(&type), want) ||
		!slice_eq(slice_trim(buf_slice(&out)), slice_trim(message_of(r, rest))))
		fail(r, "download", "something else came");
}

/* pushed TEXT: changes are told now, and are exactly that; nothing for an empty text. */
static void
step_pushed(struct run *r, struct slice text)
{
	json_t *a, *b;

	json_object_del(r->vars, "pushed");
	jmap_push_changes(r->jmap);
	b = json_object_get(r->vars, "pushed");
	a = json_loadb((const char *)text.ptr, text.len, 0, NULL);
	b = b ? json_loads(json_string_value(b), 0, NULL) : NULL;
	if (!a != !b || (a && !jmap_matches(r->vars, a, b)))
		fail(r, "pushed",
			b ? json_string_value(json_object_get(r->vars, "pushed")) : "nothing");
	json_decref(a);
	json_decref(b);
}

/* ---- The file ---- */

/* The rest of a step: lines up to the next that starts with a word at the margin. */
static struct slice
take_block(struct run *r, struct slice *rest, struct slice first)
{
	const uint8_t *start = first.len ? first.ptr : rest->ptr;
	const uint8_t *end = first.len ? start + first.len : start;

	while (rest->len && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t')) {
		struct slice line = slice_line(rest);
		r->line++;
		end = line.ptr + line.len;
	}
	return slice_new(start, (size_t)(end - start));
}

static void
take_message(struct run *r, struct slice *rest, struct slice name)
{
	struct buf b = BUF_INIT(MAX_BYTES);
	char key[100];

	while (rest->len) {
		struct slice line = slice_line(rest);
		r->line++;
		if (slice_eq(line, S(".")))
			break;
		buf_put(&b, line);
		buf_puts(&b, "\r\n");
	}
	snprintf(key, sizeof(key), "%.*s", SLICE_ARG(name));
	json_object_set_new(r->messages, key, json_stringn_nocheck((const char *)b.ptr, b.len));
	buf_done(&b);
}

static void
step(struct run *r, struct slice word, struct slice text)
{
	char detail[40];

	if (slice_eq(word, S(">")))
		step_calls(r, text);
	else if (slice_eq(word, S("<")))
		step_expect(r, text, false);
	else if (slice_eq(word, S(">>")))
		step_raw(r, text);
	else if (slice_eq(word, S("<<")))
		step_expect(r, text, true);
	else if (slice_eq(word, S("append")))
		step_append(r, text);
	else if (slice_eq(word, S("upload")))
		step_upload(r, text);
	else if (slice_eq(word, S("download")))
		step_download(r, text);
	else if (slice_eq(word, S("deliver"))) {
		if (world_deliver(&r->world, message_of(r, text)))
			fail(r, "deliver", "failed");
	} else if (slice_eq(word, S("clock")))
		r->world.clock += strtoll((const char *)text.ptr, NULL, 10);
	else if (slice_eq(word, S("pushed")))
		step_pushed(r, text);
	else if (slice_eq(word, S("damage")))
		step_damage(r, text);
	else if (slice_eq(word, S("aliases")))
		step_aliases(r, text);
	else if (slice_eq(word, S("wake"))) {
		int64_t next;
		if (snooze_wake(r->world.account, r->world.clock, &next))
			fail(r, "wake", "failed");
	} else {
		snprintf(detail, sizeof(detail), "%.*s", SLICE_ARG(word));
		fail(r, "unknown step", detail);
	}
}

static void
run_file(struct run *r)
{
	struct slice rest = r->text;

	while (rest.len && !r->failed) {
		struct slice line = slice_line(&rest), word;
		r->line++;
		if (!line.len || line.ptr[0] == '#')
			continue;
		word = slice_split(&line, ' ');
		if (slice_eq(word, S("message"))) {
			take_message(r, &rest, line);
		} else if (slice_eq(word, S("quota"))) {
			r->quota = strtoull((const char *)line.ptr, NULL, 10);
		} else if (!start(r)) {
			fail(r, "the account", "does not open");
		} else {
			line = take_block(r, &rest, line);
			step(r, word, line);
		}
	}
}

int
main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct run r = {.file = argv[i],
			.vars = json_object(),
			.messages = json_object(),
			.aliases = BUF_INIT(MAX_BYTES)};
		struct buf text = BUF_INIT(MAX_BYTES);
		FILE *f = fopen(argv[i], "rb");
		while (f && !feof(f)) {
			uint8_t *p = buf_room(&text, 65536);
			if (!p)
				break;
			buf_grow(&text, fread(p, 1, 65536, f));
		}
		r.text = buf_slice(&text);
		if (f)
			run_file(&r);
		bad |= !f || r.failed;
		printf("%s %s\n", !f || r.failed ? "FAILED" : "ok", argv[i]);
		jmap_free(r.jmap);
		if (r.jmap)
			world_close(&r.world);
		json_decref(r.vars);
		json_decref(r.messages);
		json_decref(r.reply);
		buf_done(&r.aliases);
		buf_done(&text);
		if (f)
			fclose(f);
	}
	return bad;
}
