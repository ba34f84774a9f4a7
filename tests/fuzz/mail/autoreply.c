/* Any bytes as the header of a letter that is answered in its owner's absence: whatever it says,
 * the answer is a letter of our form. One sender, one recipient, marked as automatic, no field that
 * the stranger's header could slip in, and it is itself never answered. */
#include "mail/autoreply.h"
#include "../must.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ME S("anna@example.org")
#define SENDER S("bob@x.example")
#define LINE_MAX_OCTETS 998 /* RFC 5322 section 2.1.1 */

static bool
ours(struct slice name)
{
	static const char *const names[] = {"Date", "From", "To", "Subject", "Message-ID",
		"In-Reply-To", "References", "Auto-Submitted", "MIME-Version", "Content-Type",
		"Content-Transfer-Encoding", "Content-Language"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_eq(name, slice_str(names[i])))
			return true;
	return false;
}

static void
lines(struct slice message)
{
	while (message.len) {
		size_t end = slice_find(message, S("\r\n"));
		must(end != SLICE_NPOS && end <= LINE_MAX_OCTETS);
		for (size_t i = 0; i < end; i++)
			must(message.ptr[i] != '\r' && message.ptr[i] != '\n' && message.ptr[i]);
		message = slice_skip(message, end + 2);
	}
}

static void
fields(struct slice message)
{
	struct header_iter it = header_iter_new(message);
	struct header_field f;
	size_t n = 0, from = 0, to = 0;

	for (; header_next(&it, &f); n++) {
		must(ours(f.name));
		from += slice_eq(f.name, S("From"));
		to += slice_eq(f.name, S("To"));
	}
	must(from == 1 && to == 1 && n >= 9 && n <= 12);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)1 << 20);
	struct autoreply a = {.header = slice_new(data, size),
		.from = ME,
		.to = SENDER,
		.language = size % LANGUAGES,
		.text = size / LANGUAGES & 1 ? SLICE_NONE : S("Away.\r\n"),
		.message_id = S("<n@example.org>"),
		.boundary = S("notice-1"),
		.now = 1795299183};

	if (size > ((size_t)1 << 16))
		return 0;
	(void)autoreply_allowed(a.header, SENDER, ME);
	must(!autoreply_build(&out, &a));
	lines(buf_slice(&out));
	fields(buf_slice(&out));
	must(!autoreply_allowed(buf_slice(&out), ME, SENDER));
	return 0;
}
