/* The dialogues' configurations and how one is run. */
#include "smtp_dialogue.h"

#include "t.h"

const struct smtp_server_config mx = {
	.service = SMTP_SERVICE_MX,
	.hostname = S("mx.example.net"),
	.starttls = true,
	.ask_mail = true,
	.max_size = 1000,
	.max_rcpts = 5,
	.max_errors = 8,
	.max_unknown = 20,
};
const struct smtp_server_config submission = {
	.service = SMTP_SERVICE_SUBMISSION,
	.hostname = S("mx.example.net"),
	.starttls = true,
	.ask_mail = true,
	.auth = SMTP_AUTH_PLAIN,
};
const struct smtp_server_config submissions = {
	.service = SMTP_SERVICE_SUBMISSIONS,
	.hostname = S("mx.example.net"),
	.ask_mail = true,
	.auth = SMTP_AUTH_PLAIN | SMTP_AUTH_SCRAM_SHA_256,
};

void
reply_codes(struct slice out, struct buf *ret)
{
	while (out.len) {
		struct slice line = slice_line(&out), text = slice_skip(line, 4);
		struct slice word = slice_split(&text, ' ');

		if (line.len < 4)
			abort();
		if (line.ptr[3] == '-')
			continue;
		if (ret->len)
			buf_putc(ret, ' ');
		buf_put(ret, slice_sub(line, 0, 3));
		if (word.len >= 5 && is_digit(word.ptr[0]) && word.ptr[1] == '.') {
			buf_putc(ret, ':');
			buf_put(ret, word);
		}
	}
}

void
run_dialogue(const struct dialogue *d, size_t step, bool late)
{
	struct peer p = peer_new(d->config, late);
	CLEANUP(buf_done) struct buf codes = BUF_INIT(1 << 20);
	int before = t_failed;

	peer_feed(&p, d->in, step);
	reply_codes(buf_slice(&p.out), &codes);
	CHECK_SLICE(buf_slice(&codes), slice_trim(slice_str(d->codes)));
	if (d->body.ptr)
		CHECK_SLICE(buf_slice(&p.messages), d->body);
	if (d->log)
		CHECK(slice_find(buf_slice(&p.log), slice_str(d->log)) != SLICE_NPOS);
	if (t_failed != before)
		fprintf(stderr, "in \"%s\", step %zu, %s; log:\n%.*s", d->name, step,
			late ? "late" : "at once", SLICE_ARG(buf_slice(&p.log)));
	peer_done(&p);
}

void
run_dialogues(const struct dialogue *d, size_t n)
{
	static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
			run_dialogue(&d[i], steps[k], false);
			run_dialogue(&d[i], steps[k], true);
		}
}
