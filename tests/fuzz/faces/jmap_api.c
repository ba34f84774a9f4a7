/* A whole JMAP request over a real account with a few messages and a job that brings mail over.
 * Whatever it is, the answer is a JSON object of the right kind, and what goes out keeps its
 * limits: letters, the list of push subscriptions, their messages. The account is made once and put
 * back when a request has changed it. */
#include "../must.h"
#include "account/importing.h"
#include "account/mailbox.h"
#include "base/error.h"
#include "base/text.h"
#include "faces/jmap.h"
#include "faces/jmap_json.h"
#include "faces/push_list.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_INPUT ((size_t)16384)

static struct world world;
static struct jmap *jmap;
static int started;
static uint64_t made;
static uint8_t drawn;
static bool working; /* the job has its password */

static const char *const messages[] = {
	"From: Bob <bob@example.org>\r\nTo: alice@letterlock.test\r\nSubject: one\r\n"
	"Message-ID: <1@x>\r\nDate: Mon, 21 Sep 2026 10:00:00 +0000\r\n\r\nThe first message.\r\n",
	"From: c@example.org\r\nSubject: Re: one\r\nIn-Reply-To: <1@x>\r\nMessage-ID: <2@x>\r\n"
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n"
	"--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b\r\nContent-Type: message/rfc822\r\n"
	"\r\nSubject: in\r\n\r\nin\r\n--b\r\nContent-Type: image/png\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n",
	"Return-Path: <bob@example.org>\r\nFrom: bob@example.org\r\nTo: alice@letterlock.test\r\n"
	"Subject: asks\r\nMessage-ID: <3@x>\r\nDisposition-Notification-To: bob@example.org\r\n"
	"\r\nSay that you have read this.\r\n",
	"From: bob@example.org\r\nTo: alice@letterlock.test\r\nSubject: read\r\nMIME-Version: "
	"1.0\r\n"
	"Content-Type: multipart/report; report-type=disposition-notification; boundary=r\r\n\r\n"
	"--r\r\n\r\nSeen.\r\n--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
	"Reporting-UA: a; b\r\nFinal-Recipient: rfc822; bob@example.org\r\n"
	"Original-Message-ID: <1@x>\r\n"
	"Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--r--\r\n",
};

static int64_t
fuzz_now(void *ctx)
{
	return world.clock;
}

static int
fuzz_random(void *ctx, void *p, size_t n)
{
	memset(p, ++drawn, n);
	return LL_OK;
}

/* ---- What goes out ---- */

static int
fuzz_send(void *ctx, const struct outbound_letter *l, struct outbound_answer *ret)
{
	must(l->message.len && l->n_rcpts >= 1 && l->n_rcpts <= OUTBOUND_RCPTS_MAX);
	must(l->hold_until <= world.clock + OUTBOUND_HOLD_MAX);
	for (uint32_t i = 0; i < l->n_rcpts; i++)
		must(l->rcpts[i].address.len);
	*ret = (struct outbound_answer){.code = l->message.len % 5 ? 250 : 554};
	return LL_OK;
}

static int
fuzz_cancel(void *ctx, const uint8_t hold_id[OUTBOUND_HOLD_ID_LEN])
{
	return hold_id[0] % 2 ? LL_OK : LL_ERR_NOTFOUND;
}

static int
fuzz_vacation(void *ctx, const struct outbound_vacation *notice)
{
	must(utf8_valid(notice->subject) && utf8_valid(notice->text) && utf8_valid(notice->html));
	return notice->text.len > OUTBOUND_VACATION_TEXT_MAX ? LL_ERR_LIMIT : LL_OK;
}

static int
fuzz_push_store(void *ctx, struct slice list)
{
	must(push_list_ok(list));
	return LL_OK;
}

static void
fuzz_push_send(void *ctx, const uint8_t id[16], struct slice body)
{
	json_t *v = json_read(body);

	must(json_is_object(v));
	json_decref(v);
}

static bool
fuzz_key_ok(struct slice key)
{
	return key.len && key.ptr[0] == 4;
}

static void
fuzz_import_changed(void *ctx, struct store_id id)
{
}

static int
fuzz_import_secret(void *ctx, struct store_id id, struct slice secret)
{
	working = true;
	return LL_OK;
}

static enum jmap_import_state
fuzz_import_state(void *ctx, struct store_id id)
{
	return working ? JMAP_IMPORT_RUNNING : JMAP_IMPORT_IDLE;
}

static const struct outbound outbound = {fuzz_send, fuzz_cancel, fuzz_vacation, NULL};
static const struct jmap_push pushing = {
	S("key"), fuzz_key_ok, fuzz_push_store, fuzz_push_send, NULL};
static const struct jmap_import import = {
	fuzz_import_changed, fuzz_import_secret, fuzz_import_state, NULL};

/* ---- The account ---- */

static int
add(const char *text)
{
	struct staged_message *staged = NULL;
	struct append_item item = {.flags = 0};
	struct mailbox *mb = account_mailbox_by_role(world.account, MAILBOX_INBOX);
	int err = message_stage(world.account, slice_str(text), world.clock, &staged);

	item.message = staged;
	if (!err)
		err = mailbox_append(mb, &item, 1, NULL);
	staged_message_free(staged);
	return err;
}

/* A job whose folders are known. */
static int
add_job(void)
{
	struct import_folder folders[] = {
		{.wire = S("INBOX"), .name = S("INBOX"), .role = MAILBOX_INBOX, .total = 3},
		{.wire = S("Work"), .name = S("Work"), .total = 1}};
	const struct import_job job = {.host = S("imap.example.org"),
		.user = S("bob"),
		.port = 993,
		.phase = IMPORT_CHOOSING,
		.created = world.clock,
		.folders = folders,
		.n_folders = ARRAY_SIZE(folders)};
	struct store_id id;

	memset(&id, 0x11, sizeof(id));
	return import_store(world.account, id, &job);
}

static void
open_jmap(void)
{
	static const struct slice address = S("alice@letterlock.test");
	struct jmap_env env = {.account = world.account,
		.now = fuzz_now,
		.random = fuzz_random,
		.addresses = &address,
		.n_addresses = 1,
		.outbound = &outbound,
		.push = &pushing,
		.import = &import,
		.message_max = MAX_INPUT};

	jmap_free(jmap);
	jmap = jmap_new(&env);
	if (!jmap)
		abort();
	made = account_modseq(world.account);
}

static void
start(void)
{
	if (world_open_memory(&world) || world_account(&world, 0))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (add(messages[i]))
			abort();
	if (add_job())
		abort();
	if (world_mark(&world))
		abort();
	started = 1;
}

/* The account as it was made, also when the last request has changed it. */
static void
prepare(void)
{
	if (jmap && account_modseq(world.account) == made)
		return;
	if (!started)
		start();
	else if (world_rewind(&world))
		abort();
	open_jmap();
}

/* Seeds cannot know the account's id: "@" stands for it where an accountId may be. */
static void
fill_in(struct slice in, struct buf *out)
{
	char id[JMAP_ACCOUNT_ID_LEN + 1];
	size_t at;

	jmap_account_id(account_id(world.account), id);
	while ((at = slice_find(in, S("\"@\""))) != SLICE_NPOS) {
		buf_put(out, slice_sub(in, 0, at + 1));
		buf_puts(out, id);
		in = slice_skip(in, at + 2);
	}
	buf_put(out, in);
}

static void
check_answer(unsigned status, const struct buf *out)
{
	json_t *v = json_read(buf_slice(out));
	json_t *calls = json_object_get(v, "methodResponses");

	if (!json_is_object(v) || (status != 200 && status != 400))
		abort();
	if (status == 200 && !json_is_array(calls))
		abort();
	if (status == 400 && !json_is_string(json_object_get(v, "type")))
		abort();
	for (size_t i = 0; i < json_array_size(calls); i++)
		if (json_array_size(json_array_get(calls, i)) != 3 ||
			!json_is_object(json_array_get(json_array_get(calls, i), 1)))
			abort();
	json_decref(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf request = BUF_INIT(64 * MAX_INPUT), out = BUF_INIT((size_t)64 << 20);
	struct jmap_states told = {{0}};
	struct jmap_job *job;
	uint32_t push = 0;

	if (size > MAX_INPUT)
		return 0;
	prepare();
	drawn = 0;
	working = false;
	fill_in(slice_new(data, size), &request);
	check_answer(jmap_api(jmap, buf_slice(&request), &out), &out);
	buf_reset(&out);
	job = jmap_ws_message(jmap, buf_slice(&request), &push, &told, &out);
	while (job && !jmap_job_step(job))
		continue;
	jmap_job_free(job);
	jmap_push_changes(jmap);
	buf_done(&request);
	buf_done(&out);
	return 0;
}
