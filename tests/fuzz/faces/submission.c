/* A header that submission made is one that submission takes again, without adding to it; and
 * nothing that must not travel is in it. */
#include "faces/submission.h"
#include "mail/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice keys[] = {S("alice@example.org"), S("@own.example")};
static const struct submission_rights rights = {keys, 2};

static int
prepare(struct slice message, struct buf *out, struct submission_result *ret)
{
	static const struct smtp_received received = {
		.service = SMTP_SERVICE_SUBMISSION, .esmtp = true, .hostname = S("mx.example.org")};
	struct submission_options o = {
		.rights = &rights, .received = &received, .random = S("0123456789abcdef")};
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 24);

	return submission_prepare(&o, message, &arena, out, ret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf first = BUF_INIT(1 << 22), second = BUF_INIT(1 << 22);
	struct slice message = slice_new(data, size);
	struct submission_result r, again;
	struct header_field f;

	if (prepare(message, &first, &r))
		abort();
	if (r.body > size)
		abort();
	if (r.verdict != SMTP_OK)
		return 0;
	if (header_find(buf_slice(&first), S("Bcc"), &f) ||
		!header_find(buf_slice(&first), S("From"), &f))
		abort();
	if (header_length(buf_slice(&first)) != first.len)
		abort();
	if (prepare(buf_slice(&first), &second, &again))
		abort();
	if (again.verdict != SMTP_OK || again.added_date || again.added_message_id)
		abort();
	return 0;
}
