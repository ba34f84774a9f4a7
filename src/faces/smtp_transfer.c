/* The body of a message, by DATA (RFC 5321 section 4.1.1.4) or by BDAT (RFC 3030). Whatever is
 * wrong with it, its octets are read to their true end before the reply, so that no octet of a
 * message is ever taken for a command. Only a peer that goes on far beyond the limit is hung up on.
 */
#include "base/text.h"
#include "faces/smtp_server_priv.h"

/* So many times the size limit is drained from a peer before we hang up. */
#define DRAIN_FACTOR 4u

static const struct smtp_text no_recipients = {554, "5.5.1", "No valid recipients"};
static const struct smtp_text bad_sequence = {503, "5.5.1", "This command is not for now"};
static const struct smtp_text binary_data = {503, "5.5.1", "BINARYMIME needs BDAT"};
static const struct smtp_text bad_chunk = {501, "5.5.4", "Syntax: BDAT octets [LAST]"};
static const struct smtp_text too_big = {552, "5.3.4", "The message is too big"};
static const struct smtp_text bare = {
	550, "5.6.0", "The message has a CR or LF that is no line end"};
static const struct smtp_text nul = {550, "5.6.0", "The message has NUL octets"};
static const struct smtp_text long_line = {554, "5.6.0", "The message has a line that is too long"};

static uint64_t
drain_max(const struct smtp_server *s)
{
	return s->config.max_size > UINT64_MAX / DRAIN_FACTOR ? UINT64_MAX
							      : s->config.max_size * DRAIN_FACTOR;
}

static const struct smtp_text *
fault(const struct smtp_server *s)
{
	if (s->data.size > s->config.max_size)
		return &too_big;
	if (s->envelope.body == SMTP_BODY_BINARYMIME)
		return NULL;
	if (s->data.faults & SMTP_DATA_BARE)
		return &bare;
	if (s->data.faults & SMTP_DATA_NUL)
		return &nul;
	return s->data.faults & SMTP_DATA_LONG ? &long_line : NULL;
}

/* The body is lost: the caller may forget it at once, the peer hears of it at the end. why: a
 * reason that lies not in the octets, or NULL; what the octets have wrong is told by all of them
 * together, so that the reply does not depend on how they came. */
static void
lose_body(struct smtp_server *s, const struct smtp_text *why)
{
	if (!s->refusal)
		s->refusal = why;
	s->lost = true;
	if (s->transaction)
		s->abort_due = true;
	s->transaction = false;
}

static const struct smtp_text *
why_lost(const struct smtp_server *s)
{
	return s->refusal ? s->refusal : fault(s);
}

static enum smtp_turn
give_piece(struct smtp_server *s, struct slice piece)
{
	if (!s->lost && fault(s))
		lose_body(s, NULL);
	if (!s->lost) {
		s->event = (struct smtp_server_event){
			.kind = SMTP_SERVER_BODY, .data = piece, .envelope = &s->envelope};
		return SMTP_TURN_EVENT;
	}
	if (s->data.size > drain_max(s))
		smtp_server_close(s, &too_big);
	return SMTP_TURN_ON;
}

/* All of the body is there. */
static enum smtp_turn
ask_message(struct smtp_server *s)
{
	s->messages++;
	s->envelope.size = s->data.size;
	s->envelope.eight_bit = s->data.eight_bit;
	return smtp_server_ask(s, SMTP_SERVER_MESSAGE);
}

void
smtp_message_answered(struct smtp_server *s, enum smtp_verdict verdict, struct slice text)
{
	if (smtp_say_verdict(s, SMTP_SERVER_MESSAGE, verdict, text))
		s->closing = true;
	if (verdict == SMTP_OK)
		s->commands = 0;
}

/* ---- DATA ---- */

enum smtp_turn
smtp_data_command(struct smtp_server *s, struct slice args)
{
	if (s->envelope.body == SMTP_BODY_BINARYMIME)
		return smtp_server_refuse(s, &binary_data);
	if (!s->envelope.rcpt_accepted) {
		smtp_say_text(s, &no_recipients);
		smtp_server_drop(s);
		return SMTP_TURN_ON;
	}
	return smtp_server_ask(s, SMTP_SERVER_DATA);
}

enum smtp_turn
smtp_data_turn(struct smtp_server *s)
{
	struct slice in = smtp_server_unread(s), rest = in, piece = SLICE_NONE;
	enum smtp_data_result r = smtp_data_next(&s->data, &rest, &piece);

	smtp_server_take(s, in.len - rest.len);
	if (r == SMTP_DATA_MORE)
		return SMTP_TURN_WAIT;
	if (r == SMTP_DATA_PIECE)
		return give_piece(s, piece);
	s->mode = SMTP_MODE_COMMAND;
	if (!s->lost)
		return ask_message(s);
	smtp_server_refuse(s, why_lost(s));
	smtp_server_drop(s);
	return SMTP_TURN_ON;
}

/* ---- BDAT ---- */

static int
parse_chunk(struct slice args, uint64_t *ret_size, bool *ret_last)
{
	struct slice size;

	args = slice_trim(args);
	size = slice_split(&args, ' ');
	if (args.len && !slice_ieq(args, S("LAST")))
		return LL_ERR_SYNTAX;
	*ret_last = args.len > 0;
	return slice_u64(size, UINT64_MAX, ret_size);
}

/* Why this chunk is read for nothing, or NULL. */
static const struct smtp_text *
check_chunk(const struct smtp_server *s)
{
	if (!(s->state & (SMTP_STATE_MAIL | SMTP_STATE_CHUNKS)))
		return &bad_sequence;
	if (!s->envelope.rcpt_accepted)
		return &no_recipients;
	if (s->chunk_left > s->config.max_size - s->data.size)
		return &too_big;
	return NULL;
}

enum smtp_turn
smtp_bdat_command(struct smtp_server *s, struct slice args)
{
	const struct smtp_text *bad;

	/* Without its length the octets that follow cannot be told from commands. */
	if (parse_chunk(args, &s->chunk_left, &s->chunk_last)) {
		smtp_server_close(s, &bad_chunk);
		return SMTP_TURN_ON;
	}
	if (s->chunk_left > drain_max(s)) {
		smtp_server_close(s, &too_big);
		return SMTP_TURN_ON;
	}
	s->chunk_size = s->chunk_left;
	s->mode = SMTP_MODE_CHUNK;
	bad = check_chunk(s);
	if (bad)
		lose_body(s, bad);
	if (bad || s->state == SMTP_STATE_CHUNKS)
		return SMTP_TURN_ON;
	return smtp_server_ask(s, SMTP_SERVER_DATA);
}

/* What the failure of a chunk leaves: after the last one the transaction is over, before it only
 * RSET helps, since the peer may have pipelined further chunks. */
static enum smtp_turn
chunk_failed(struct smtp_server *s)
{
	const struct smtp_text *why = why_lost(s);
	unsigned state = s->state;

	smtp_server_drop(s);
	if (state != SMTP_STATE_START && state != SMTP_STATE_READY && !s->chunk_last)
		s->state = SMTP_STATE_FAILED;
	if (why->code == 421)
		smtp_server_close(s, why);
	else
		smtp_server_refuse(s, why);
	return SMTP_TURN_ON;
}

static enum smtp_turn
chunk_done(struct smtp_server *s)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(64);

	s->mode = SMTP_MODE_COMMAND;
	if (s->chunk_last)
		smtp_data_check_end(&s->data);
	if (!s->lost && fault(s))
		lose_body(s, NULL);
	if (s->lost)
		return chunk_failed(s);
	if (s->chunk_last)
		return ask_message(s);
	s->state = SMTP_STATE_CHUNKS;
	buf_printf(&line, "%llu octets received", (unsigned long long)s->chunk_size);
	smtp_say(s, 250, "2.0.0", buf_slice(&line));
	return SMTP_TURN_ON;
}

enum smtp_turn
smtp_chunk_turn(struct smtp_server *s)
{
	struct slice in = smtp_server_unread(s);
	struct slice piece = slice_sub(in, 0, (size_t)MIN((uint64_t)in.len, s->chunk_left));

	if (!s->chunk_left)
		return chunk_done(s);
	if (!piece.len)
		return SMTP_TURN_WAIT;
	smtp_server_take(s, piece.len);
	s->chunk_left -= piece.len;
	smtp_data_check(&s->data, piece);
	return give_piece(s, piece);
}

/* ---- The answer to "a body comes" ---- */

void
smtp_data_answered(struct smtp_server *s, enum smtp_verdict verdict, struct slice text)
{
	bool chunk = s->mode == SMTP_MODE_CHUNK;

	if (verdict == SMTP_OK) {
		if (!chunk) {
			smtp_say_verdict(s, SMTP_SERVER_DATA, verdict, text);
			s->mode = SMTP_MODE_DATA;
		}
		return;
	}
	if (chunk) {
		lose_body(s, smtp_verdict_text(verdict));
		return;
	}
	if (smtp_say_verdict(s, SMTP_SERVER_DATA, verdict, text))
		s->closing = true;
	smtp_server_drop(s);
}
