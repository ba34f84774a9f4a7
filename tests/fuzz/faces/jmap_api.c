/* A whole JMAP request over a real account with a few messages in it. Whatever it is, the answer is
 * a JSON object of the right kind. The
 * account is made once and put back when a request has changed it. */
#include "account/mailbox.h"
#include "base/error.h"
#include "faces/jmap.h"
#include "faces/jmap_json.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_INPUT ((size_t)16384)

static struct world world;
static struct jmap *jmap;
static int started;
static uint64_t made;

static const char *const messages[] = {
	"From: Bob <bob@example.org>\r\nTo: alice@letterlock.test\r\nSubject: one\r\n"
	"Message-ID: <1@x>\r\nDate: Mon, 21 Sep 2026 10:00:00 +0000\r\n\r\nThe first message.\r\n",
	"From: c@example.org\r\nSubject: Re: one\r\nIn-Reply-To: <1@x>\r\nMessage-ID: <2@x>\r\n"
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n"
	"--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b\r\nContent-Type: message/rfc822\r\n"
	"\r\nSubject: in\r\n\r\nin\r\n--b\r\nContent-Type: image/png\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n",
};

static int64_t
fuzz_now(void *ctx)
{
	return world.clock;
}

static int
fuzz_random(void *ctx, void *p, size_t n)
{
	memset(p, 7, n);
	return LL_OK;
}

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

static void
open_jmap(void)
{
	static const struct slice address = S("alice@letterlock.test");
	struct jmap_env env = {.account = world.account,
		.now = fuzz_now,
		.random = fuzz_random,
		.addresses = &address,
		.n_addresses = 1};

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
	uint32_t push = 0;

	if (size > MAX_INPUT)
		return 0;
	prepare();
	fill_in(slice_new(data, size), &request);
	check_answer(jmap_api(jmap, buf_slice(&request), &out), &out);
	buf_reset(&out);
	jmap_ws_message(jmap, buf_slice(&request), &push, &told, &out);
	buf_done(&request);
	buf_done(&out);
	return 0;
}
