/* What a submission's message becomes before it is stored or sent (RFC 6409). */
#include "base/error.h"
#include "base/text.h"
#include "faces/submission.h"
#include "mail/mailauth.h"
#include "os/clock.h"
#include "roles/delivery.h"

#include <sodium.h>
#include <string.h>

static void
received_facts(struct job *j, const struct slice id, struct smtp_received *ret)
{
	const struct delivery_envelope *e = &j->envelope;

	*ret = (struct smtp_received){
		.service = e->service == SERVICE_SUBMISSIONS ? SMTP_SERVICE_SUBMISSIONS
							     : SMTP_SERVICE_SUBMISSION,
		.esmtp = e->service != SERVICE_SESSION,
		.http = e->service == SERVICE_SESSION,
		.tls = e->tls,
		.authenticated = true,
		.smtputf8 = e->smtputf8,
		.hostname = slice_str(dv.env->config.hostname),
		.id = id,
		.rcpt = e->n_rcpts == 1 ? e->rcpts[0].address : SLICE_NONE,
		.time = clock_unix(),
	};
}

int
job_complete_submission(struct job *j, struct buf *out, const char **ret_why)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(8 << 20);
	uint8_t random[SUBMISSION_RANDOM], id[9];
	CLEANUP(buf_done) struct buf text = BUF_INIT(64);
	struct submission_rights rights = {j->author_keys.at, j->author_keys.len};
	struct smtp_received received;
	struct submission_options o = {.rights = &rights,
		.received = &received,
		.random = SLICE_OF(random),
		.now = clock_unix()};
	struct submission_result result;
	int r;

	randombytes_buf(random, sizeof(random));
	randombytes_buf(id, sizeof(id));
	(void)base64url_encode(&text, SLICE_OF(id));
	received_facts(j, buf_slice(&text), &received);
	mailauth_submission_header(out, slice_str(dv.env->config.hostname), j->envelope.from);
	r = submission_prepare(&o, j->body, &arena, out, &result);
	if (r)
		return r;
	if (result.verdict != SMTP_OK) {
		*ret_why = result.why ? result.why : "";
		return result.verdict == SMTP_SENDER_DENIED ? LL_ERR_DENIED : LL_ERR_SYNTAX;
	}
	j->header_utf8 = result.header_utf8;
	return buf_put(out, slice_skip(j->body, result.body));
}
