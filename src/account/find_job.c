/* A search through one mailbox, in slices; and how any search has bodies come before it opens them. */
#include "account/find.h"

#include "account/engine.h"
#include "account/message.h"

#include <stdlib.h>

/* ---- Looking ahead ---- */

#define FIND_FAR 512 /* messages */

int
find_ahead(struct find_ahead *h, size_t at, size_t end, find_look *look, void *ctx)
{
	bool opens;

	while (h->n && h->due[h->first] < at) {
		h->first = (h->first + 1) % FIND_AHEAD;
		h->n--;
	}
	/* Many at a time: the store wakes once for all of them. */
	if (h->n > FIND_AHEAD / 2)
		return LL_OK;
	for (h->next = MAX(h->next, at);
		h->n < FIND_AHEAD && h->next < end && h->next - at < FIND_FAR; h->next++) {
		int err = look(ctx, h->next, &opens);
		if (err)
			return err;
		if (opens)
			h->due[(h->first + h->n++) % FIND_AHEAD] = h->next;
	}
	return LL_OK;
}

/* ---- Running ---- */

struct find_job {
	struct mailbox *mb;
	struct finder *finder;
	uint32_t next; /* UID to go on with */
};

void
find_job_free(struct find_job *j)
{
	if (!j)
		return;
	finder_free(j->finder);
	if (j->mb)
		mailbox_close(j->mb);
	free(j);
}

int
find_job_new(struct mailbox *mb, const struct find_node *root, struct find_job **ret)
{
	struct find_job *j = calloc(1, sizeof(*j));
	int err = j ? finder_new(mb->account, root, &j->finder) : LL_ERR_NOMEM;

	if (!err)
		err = mailbox_open(mb);
	if (err) {
		find_job_free(j);
		return err;
	}
	j->mb = mb;
	*ret = j;
	return LL_OK;
}

static int
job_look(void *ctx, size_t i, bool *ret_opens)
{
	struct find_job *j = ctx;
	const struct message_row *row = &j->mb->rows.at[i];
	enum find_answer said;
	int err;

	j->mb->account->spent += SPENT_ROW;
	err = finder_guess(j->finder, row, &said);
	*ret_opens = !err && said == ANSWER_UNKNOWN;
	if (*ret_opens)
		message_expect(j->mb->account, row->email);
	return err;
}

static int
job_ask(struct find_job *j, const struct message_row *row, struct uid_list *ret)
{
	bool match;
	int err = finder_ask(j->finder, row, &match);

	return !err && match ? VEC_PUSH(ret, row->uid) : err;
}

int
find_job_step(struct find_job *j, struct uid_list *ret, bool *ret_done)
{
	struct account *a = j->mb->account;
	uint64_t until = a->spent + SLICE_NS;
	size_t i = mailbox_lower_bound(j->mb, j->next);
	struct find_ahead ahead = {.next = i};
	int err = LL_OK;

	finder_bind(j->finder, verdicts_now(a));
	for (; i < j->mb->rows.len && !err && a->spent < until; i++) {
		const struct message_row *row = &j->mb->rows.at[i];
		j->next = row->uid + 1;
		a->spent += SPENT_ROW;
		if (finder_reads(j->finder))
			err = find_ahead(&ahead, i, j->mb->rows.len, job_look, j);
		if (!err)
			err = job_ask(j, row, ret);
	}
	*ret_done = i == j->mb->rows.len || !j->next;
	return err;
}

int
mailbox_find(struct mailbox *mb, const struct find_node *root, struct uid_list *ret)
{
	struct find_job *j;
	size_t before = ret->len;
	bool done = false;
	int err = find_job_new(mb, root, &j);

	if (err)
		return err;
	while (!err && !done)
		err = find_job_step(j, ret, &done);
	find_job_free(j);
	if (err)
		ret->len = before;
	return err;
}
