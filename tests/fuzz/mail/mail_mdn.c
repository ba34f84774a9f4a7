/* Any bytes as a letter that may ask for a notification, and as a notification. Whatever is asked
 * for, the answer is a letter of ours that says what it was given, asks for nothing, and is read
 * back; whatever is read can be said again. */
#include "../must.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/mdn.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
header_is_ours(struct slice message)
{
	struct header_iter it = header_iter_new(message);
	struct header_field f;
	size_t to = 0, from = 0, n = 0;

	for (; header_next(&it, &f); n++) {
		must(f.name.len > 0 && !slice_ieq(f.name, S("Bcc")));
		from += slice_ieq(f.name, S("From"));
		to += slice_ieq(f.name, S("To"));
	}
	must(from == 1 && to == 1 && n <= 10);
}

static void
answer(const struct mdn_request *q, struct slice original, struct arena *a)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)4 << 20);
	struct mdn m = {.final_recipient = S("rfc822; anna@example.org"),
		.original_recipient = q->original_recipient,
		.original_message_id = q->message_id,
		.type = MDN_DISPLAYED};
	struct mdn_letter l = {.mdn = &m,
		.request = q,
		.language = original.len % LANGUAGES,
		.from = S("anna@example.org"),
		.original = original,
		.message_id = S("<n@example.org>"),
		.boundary = S("a-boundary-of-ours"),
		.now = 1795299183};
	struct mdn_request again;
	struct mdn got;

	if (mdn_build(&out, &l)) {
		must(slice_find(original, l.boundary) != SLICE_NPOS);
		return;
	}
	header_is_ours(buf_slice(&out));
	must(mdn_requested(buf_slice(&out), a, &again));
	must(!mdn_parse(buf_slice(&out), a, &got));
	must(slice_eq(got.final_recipient, m.final_recipient) && got.type == MDN_DISPLAYED);
}

static void
said(const struct mdn *m)
{
	must(m->final_recipient.len && m->n_extensions <= MDN_FIELDS_MAX &&
		m->n_errors <= MDN_FIELDS_MAX);
	must(utf8_valid(m->subject) && utf8_valid(m->text) && utf8_valid(m->final_recipient) &&
		utf8_valid(m->original_message_id));
	for (size_t i = 0; i < m->n_extensions; i++)
		must(mdn_extension_ok(m->extensions[i].name) && utf8_valid(m->extensions[i].value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	struct slice in = slice_new(data, size);
	struct mdn_request q;
	struct mdn m;

	if (size > ((size_t)1 << 16))
		return 0;
	if (!mdn_requested(in, &a, &q)) {
		answer(&q, SLICE_NONE, &a);
		answer(&q, in, &a);
	}
	if (!mdn_parse(in, &a, &m))
		said(&m);
	return 0;
}
