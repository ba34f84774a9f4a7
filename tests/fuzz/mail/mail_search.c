/* Search. The input is a query's length, a query, and a message. Properties: what is found is never
 * denied by the signature, neither the given query nor pieces of the folded text of any part; all
 * ways to ask agree. */
#include "../must.h"
#include "base/text.h"
#include "mail/fold.h"
#include "mail/search_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[SEARCH_KEY_BYTES] = {42};
static struct signature_builder *builder;

struct fixture {
	struct slice message;
	struct message_meta meta;
	struct buf meta_bytes, signature;
};

static void
check_query(const struct fixture *f, struct slice query)
{
	struct search_query *q;
	bool text, body, may;

	if (search_query_new(query, &q))
		return;
	text = search_message(q, SEARCH_TEXT, SLICE_NONE, f->message, &f->meta);
	body = search_message(q, SEARCH_BODY, SLICE_NONE, f->message, &f->meta);
	may = signature_may_contain(buf_slice(&f->signature), q, key);
	must(!body || text);
	must(!text || may);
	must(search_query_bind(q, key, false) == 0);
	must(signature_may_contain_bound(buf_slice(&f->signature), q) || !may);
	must(search_query_bind(q, key, true) == 0);
	must(signature_may_contain_bound(buf_slice(&f->signature), q) == may);
	if (search_message(q, SEARCH_HEADER, S("subject"), f->message, &f->meta))
		must(may);
	search_query_free(q);
}

/* Pieces of what a part's text is folded to are found, therefore not denied. */
static void
check_part(const struct fixture *f, const struct meta_part *p)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 24);
	CLEANUP(buf_done) struct buf folded = BUF_INIT(1 << 24);
	struct search_query *q;
	struct slice piece;

	must(search_part_text(&text, p,
		     slice_sub(f->message, p->body_start, p->body_end - p->body_start), 4096) == 0);
	must(utf8_valid(buf_slice(&text)));
	must(fold_all(buf_slice(&text), &folded) == 0);
	piece = slice_sub(buf_slice(&folded), folded.len / 3, 23);
	while (piece.len && (piece.ptr[0] & 0xc0) == 0x80)
		piece = slice_skip(piece, 1);
	while (piece.len && !utf8_valid(piece))
		piece.len--;
	if (!piece.len || search_query_new(piece, &q))
		return;
	must(search_query_in(q, buf_slice(&text)));
	must(search_message(q, SEARCH_BODY, SLICE_NONE, f->message, &f->meta));
	must(signature_may_contain(buf_slice(&f->signature), q, key));
	search_query_free(q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	CLEANUP(buf_done) struct buf meta_bytes = BUF_INIT(META_BYTES_MAX);
	CLEANUP(buf_done) struct buf signature = BUF_INIT(SIGNATURE_BYTES_MAX);
	struct slice in = slice_new(data, size), query;
	struct fixture f;
	struct meta_walk w;
	struct meta_part p;

	if (!builder)
		must((builder = signature_builder_new()));
	if (size < 1 || size > 100000)
		return 0;
	query = slice_sub(in, 1, data[0] % 32);
	f.message = slice_skip(in, 1 + query.len);
	must(message_meta_make(&meta_bytes, f.message, NULL, &a) == 0);
	must(message_meta_decode(buf_slice(&meta_bytes), &f.meta) == 0);
	must(signature_make(builder, &signature, f.message, &f.meta, key) == 0);
	f.signature = signature;
	check_query(&f, query);
	w = meta_walk_new(&f.meta);
	for (int i = 0; i < 8 && meta_walk_next(&w, &p); i++)
		check_part(&f, &p);
	return 0;
}
