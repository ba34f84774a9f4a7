/* The exact match: a folded query looked for in the stream of folded text. */
#include "base/error.h"
#include "base/text.h"
#include "mail/fold.h"
#include "mail/header.h"
#include "mail/search_code.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX ((size_t)16 << 20)

int
search_query_new(struct slice utf8, struct search_query **ret)
{
	struct search_query *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return LL_ERR_NOMEM;
	q->folded = BUF_INIT(SEARCH_QUERY_MAX);
	q->window = BUF_INIT(WINDOW_MAX);
	scan_init(&q->scan, &q->sink);
	err = fold_all(utf8, &q->folded);
	if (err) {
		search_query_free(q);
		return err;
	}
	*ret = q;
	return LL_OK;
}

void
search_query_free(struct search_query *q)
{
	if (!q)
		return;
	scan_done(&q->scan);
	buf_done(&q->folded);
	buf_done(&q->window);
	free(q->hashes);
	free(q);
}

void
search_query_freep(struct search_query **q)
{
	search_query_free(*q);
	*q = NULL;
}

bool
search_query_in(struct search_query *q, struct slice utf8)
{
	buf_reset(&q->window);
	if (fold_all(utf8, &q->window))
		return true; /* longer than we look: do not deny it */
	return slice_find(buf_slice(&q->window), buf_slice(&q->folded)) != SLICE_NPOS;
}

/* ---- the sink ---- */

static struct search_query *
query_of(struct scan_sink *sink)
{
	return CONTAINER_OF(sink, struct search_query, sink);
}

/* The window holds the end of what came before, too short to match, and the new piece. */
static void
match_text(struct scan_sink *sink, struct slice folded)
{
	struct search_query *q = query_of(sink);
	size_t keep = q->folded.len - 1;

	if (buf_put(&q->window, folded) ||
		slice_find(buf_slice(&q->window), buf_slice(&q->folded)) != SLICE_NPOS)
		sink->done = true;
	if (q->window.len > keep)
		buf_consume(&q->window, q->window.len - keep);
}

static void
match_end(struct scan_sink *sink)
{
	buf_reset(&query_of(sink)->window);
}

static void
match_start(struct search_query *q)
{
	q->sink = (struct scan_sink){.text = match_text, .end = match_end};
	buf_reset(&q->window);
}

/* ---- messages ---- */

/* What an empty query asks of a header. */
static bool
field_present(struct slice header, struct slice name)
{
	struct header_field f;

	return !name.len || header_find(header, name, &f);
}

bool
search_header(
	struct search_query *q, enum search_scope scope, struct slice name, struct slice header)
{
	if (!q->folded.len)
		return scope != SEARCH_HEADER || field_present(header, name);
	if (scope == SEARCH_BODY)
		return false;
	match_start(q);
	if (scope == SEARCH_TEXT)
		scan_header(&q->scan, header);
	else
		scan_fields(&q->scan, header, name);
	return q->sink.done;
}

bool
search_part(
	struct search_query *q, const struct meta_part *p, struct slice header, struct slice body)
{
	if (!q->folded.len)
		return true;
	match_start(q);
	scan_part(&q->scan, p, header, body);
	return q->sink.done;
}

bool
search_message(struct search_query *q, enum search_scope scope, struct slice name,
	struct slice message, const struct message_meta *m)
{
	if (scope == SEARCH_HEADER)
		return search_header(q, scope, name, slice_sub(message, 0, m->header_size));
	if (!q->folded.len)
		return true;
	match_start(q);
	scan_message(&q->scan, message, m, scope == SEARCH_TEXT);
	return q->sink.done;
}
