/* The server dialogue gives the same replies, events and messages however its input is cut and
 * however late its questions are answered; and each reply line is a reply line. First octet: which
 * service, how it is cut. */
#include "../../unit/faces/smtp_peer.h"
#include "../cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_replies(struct slice out)
{
	while (out.len) {
		size_t lf = slice_find_byte(out, '\n');
		if (lf == SLICE_NPOS || lf < 5 || lf > 600 || out.ptr[lf - 1] != '\r')
			abort();
		if (slice_find_byte(slice_sub(out, 0, lf - 1), '\r') != SLICE_NPOS)
			abort();
		if (!is_digit(out.ptr[0]) || !is_digit(out.ptr[1]) || !is_digit(out.ptr[2]))
			abort();
		out = slice_skip(out, lf + 1);
	}
}

static void
feed_pieces(struct peer *p, struct slice in)
{
	uint32_t hash = fuzz_hash(in);
	size_t at = 0, n;

	peer_run(p);
	for (; at < in.len && !p->closed; at += n) {
		n = fuzz_piece(hash, at, in.len);
		peer_feed(p, slice_sub(in, at, n), SIZE_MAX);
	}
}

static void
check_same(struct slice a, struct slice b)
{
	if (!slice_eq(a, b))
		abort();
}

static void
check_pieces(const struct smtp_server_config *config, struct slice in, const struct peer *whole)
{
	struct peer p = peer_new(config, true);

	feed_pieces(&p, in);
	check_replies(buf_slice(&p.out));
	/* What stands behind STARTTLS is dropped, how much of it there is depends on the cuts. */
	if (!config->starttls) {
		check_same(buf_slice(&whole->out), buf_slice(&p.out));
		check_same(buf_slice(&whole->log), buf_slice(&p.log));
		check_same(buf_slice(&whole->messages), buf_slice(&p.messages));
	}
	peer_done(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_server_config config = {.hostname = S("mx.example"),
		.auth = SMTP_AUTH_PLAIN | SMTP_AUTH_SCRAM_SHA_256,
		.ask_mail = true,
		.max_size = 2000,
		.max_rcpts = 20,
		.max_messages = 10,
		.max_unknown = 10,
		.max_commands = 100};
	struct slice in;
	struct peer whole;

	if (!size)
		return 0;
	in = slice_new(data + 1, size - 1);
	config.service = (enum smtp_service)(data[0] % 3);
	config.starttls = data[0] & 128;
	whole = peer_new(&config, false);
	peer_feed(&whole, in, SIZE_MAX);
	check_replies(buf_slice(&whole.out));
	if (fuzz_twice(in))
		check_pieces(&config, in, &whole);
	peer_done(&whole);
	return 0;
}
