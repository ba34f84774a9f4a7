/* The model: making steps, and comparing a store with it. */
#include "model.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)1 << 20)

/* splitmix64 */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t state = a * 0x2545f4914f6cdd1du + b;

	next(&state);
	return next(&state);
}

static size_t
below(uint64_t *state, size_t n)
{
	return (size_t)(next(state) % n);
}

static void
fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (; n >= 8; n -= 8, p += 8)
		be64_put(p, next(&seed));
	for (uint64_t last = next(&seed); n; n--, last >>= 8)
		*p++ = (uint8_t)last;
}

static struct slice
add_bytes(struct buf *b, size_t n, uint64_t seed)
{
	uint8_t *p = buf_room(b, n);

	if (!p)
		abort();
	fill(p, n, seed);
	buf_grow(b, n);
	return slice_new(p, n);
}

static struct slice
add_text(struct buf *b, const char *what, size_t number)
{
	size_t at = b->len;

	if (buf_printf(b, "%s%05zu", what, number))
		abort();
	return slice_new(b->ptr + at, b->len - at);
}

static struct store_id
make_id(uint64_t a, uint64_t b)
{
	struct store_id id;
	uint64_t seed = mix(a, b);

	be64_put(id.b, next(&seed));
	be64_put(id.b + 8, next(&seed));
	return id;
}

void
model_init(struct model_group *g, unsigned number, uint64_t seed)
{
	*g = (struct model_group){.number = number, .seed = mix(seed, number)};
	g->side[0].id = make_id(g->seed, 1);
	g->side[1].id = make_id(g->seed, 2);
}

void
model_blob_bytes(struct store_id id, size_t len, struct buf *out)
{
	buf_reset(out);
	add_bytes(out, len, be64_get(id.b));
}

size_t
model_blob_count(const struct model_group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < MODEL_BLOBS; i++)
		n += g->blobs[i].in[0] || g->blobs[i].in[1];
	return n;
}

/* --- making steps --- */

struct maker {
	struct model_group *g;
	struct model_side *side;
	struct step *s;
	uint64_t rng;
};

static void
add_op(struct maker *m, struct store_op op)
{
	if (m->s->n == MODEL_OPS)
		abort();
	m->s->ops[m->s->n++] = op;
}

static void
make_records(struct maker *m)
{
	size_t n = 1 + below(&m->rng, 4);

	for (size_t i = 0; i < n; i++) {
		size_t k = below(&m->rng, MODEL_KEYS);
		struct model_record *r = &m->side->records[k];
		struct store_op op = {.kind = STORE_DEL, .key = add_text(&m->s->bytes, "k", k)};
		r->present = below(&m->rng, 4) != 0;
		if (r->present) {
			r->seed = next(&m->rng);
			r->len = below(&m->rng, 300);
			op.kind = STORE_PUT;
			op.value = add_bytes(&m->s->bytes, r->len, r->seed);
		}
		add_op(m, op);
	}
}

static void
make_bulk(struct maker *m)
{
	for (size_t i = 0; i < MODEL_BULK; i++) {
		struct slice key =
			add_text(&m->s->bytes, "b", m->side->bulk * (size_t)MODEL_BULK + i);
		add_op(m, (struct store_op){.kind = STORE_PUT, .key = key, .value = key});
	}
	m->side->bulk++;
}

static struct model_blob *
free_blob(struct maker *m)
{
	for (size_t i = 0; i < MODEL_BLOBS; i++) {
		struct model_blob *b = &m->g->blobs[i];
		if (b->in[0] || b->in[1])
			continue;
		b->id = make_id(next(&m->rng), next(&m->rng));
		return b;
	}
	return NULL;
}

static void
make_blob_new(struct maker *m)
{
	struct model_blob *b = free_blob(m);
	struct store_op op = {.kind = STORE_BLOB_NEW};

	if (!b)
		return;
	b->len = below(&m->rng, 8) ? below(&m->rng, 3000) : below(&m->rng, 30000);
	b->in[m->s->side] = true;
	op.blob = b->id;
	op.value = add_bytes(&m->s->bytes, b->len, be64_get(b->id.b));
	add_op(m, op);
}

static void
make_staged(struct maker *m)
{
	struct model_blob *b = free_blob(m);

	if (!b)
		return;
	b->len = below(&m->rng, 2) ? below(&m->rng, MODEL_LARGE)
				   : MODEL_LARGE + below(&m->rng, 60000);
	b->in[m->s->side] = true;
	m->s->stage = true;
	m->s->staged = b->id;
	m->s->staged_len = b->len;
	add_op(m, (struct store_op){.kind = STORE_BLOB_REF, .blob = b->id});
}

/* Gives up some references, or all: keeps the collector busy. */
static void
make_drops(struct maker *m)
{
	bool many = below(&m->rng, 20) == 0;
	size_t n = 0;

	for (size_t i = 0; i < MODEL_BLOBS && n < 6; i++) {
		struct model_blob *b = &m->g->blobs[i];
		if (!b->in[m->s->side] || (!many && below(&m->rng, 12)))
			continue;
		b->in[m->s->side] = false;
		add_op(m, (struct store_op){.kind = STORE_BLOB_DROP, .blob = b->id});
		n++;
	}
}

static void
make_shares(struct maker *m)
{
	for (size_t i = 0, n = 0; i < MODEL_BLOBS && n < 4; i++) {
		struct model_blob *b = &m->g->blobs[i];
		if (!b->in[!m->s->side] || below(&m->rng, 4))
			continue;
		b->in[m->s->side] = true;
		add_op(m, (struct store_op){.kind = STORE_BLOB_REF, .blob = b->id});
		n++;
	}
}

/* A commit that fails after it has done a good part of its work. */
static void
make_refused(struct maker *m)
{
	struct step *s = m->s;
	struct store_id fresh = make_id(next(&m->rng), 1), nobody = make_id(next(&m->rng), 2);

	s->refused_ops[0] = (struct store_op){
		.kind = STORE_PUT, .key = S("k00001"), .value = S("must not be seen")};
	s->refused_ops[1] = (struct store_op){.kind = STORE_BLOB_NEW,
		.blob = fresh,
		.value = add_bytes(&s->bytes, below(&m->rng, 2000), next(&m->rng))};
	s->refused_ops[2] = (struct store_op){.kind = STORE_DEL, .key = S("head")};
	s->refused_ops[3] = (struct store_op){.kind = STORE_BLOB_REF, .blob = nobody};
	s->refused_n = 4;
	s->refused = LL_ERR_NOTFOUND;
	s->refused_expect = STORE_ANY_VERSION;
	if (below(&m->rng, 2)) {
		s->refused = LL_ERR_CONFLICT;
		s->refused_expect = m->side->version + 1000;
	}
}

static void
make_drop(struct maker *m)
{
	struct store_id id = m->side->id;

	m->s->kind = STEP_DROP;
	m->s->alone = true;
	for (size_t i = 0; i < MODEL_BLOBS; i++)
		m->g->blobs[i].in[m->s->side] = false;
	*m->side = (struct model_side){.id = id};
}

static void
make_commit(struct maker *m)
{
	struct step *s = m->s;

	if (below(&m->rng, 6) == 0)
		make_refused(m);
	s->expect = STORE_ANY_VERSION;
	if (below(&m->rng, 3))
		s->expect = m->side->version++;
	make_drops(m);
	make_records(m);
	if (s->side == 1) {
		make_shares(m);
		if (below(&m->rng, 6) == 0)
			make_bulk(m);
	}
	if (below(&m->rng, 5) == 0)
		make_staged(m);
	else if (below(&m->rng, 3))
		make_blob_new(m);
	m->side->head = m->g->steps + 1;
	add_op(m,
		(struct store_op){.kind = STORE_PUT,
			.key = S("head"),
			.value = add_text(&s->bytes, "", (size_t)m->side->head)});
}

void
model_step(struct model_group *g, struct step *out)
{
	static struct step scratch = {.bytes = {.max = BYTES_MAX}};
	struct maker m = {.g = g, .s = out ? out : &scratch};
	struct buf bytes = m.s->bytes;
	size_t kind;

	bytes.max = BYTES_MAX;
	buf_reset(&bytes);
	if (!buf_room(&bytes, BYTES_MAX)) /* at once: the ops point into it */
		abort();
	*m.s = (struct step){.bytes = bytes};
	m.rng = mix(mix(g->seed, g->steps), g->generation);
	kind = below(&m.rng, 40);
	m.s->side = kind < 8;
	m.s->alone = m.s->side == 1;
	m.side = &g->side[m.s->side];
	if (kind == 0)
		make_drop(&m);
	else
		make_commit(&m);
	g->steps++;
}

/* --- comparing --- */

struct compare {
	const struct model_side *side;
	size_t rows;
	struct buf *why;
};

static int
complain(struct buf *why, const char *what, size_t number)
{
	if (!why->len)
		buf_printf(why, "%s %zu", what, number);
	return -1;
}

static int
compare_row(void *ctx, struct slice key, struct slice value)
{
	struct compare *c = ctx;
	const struct model_record *r;
	uint8_t want[300];
	uint64_t n;

	c->rows++;
	if (slice_eq(key, S("head")))
		return 0; /* was compared already */
	if (key.len != 6 || slice_u64(slice_skip(key, 1), 99999, &n))
		return complain(c->why, "a strange key of length", key.len);
	if (key.ptr[0] == 'b')
		return n < c->side->bulk * (uint64_t)MODEL_BULK && slice_eq(key, value)
			? 0
			: complain(c->why, "bulk record", (size_t)n);
	r = n < MODEL_KEYS ? &c->side->records[n] : NULL;
	if (!r || !r->present || value.len != r->len)
		return complain(c->why, "record", (size_t)n);
	fill(want, r->len, r->seed);
	return memcmp(want, value.ptr, r->len) ? complain(c->why, "record's bytes", (size_t)n) : 0;
}

static int
compare_records(const struct model_side *side, struct store *s, struct buf *why)
{
	struct compare c = {.side = side, .why = why};
	size_t want = (side->head != 0) + side->bulk * (size_t)MODEL_BULK;
	int r = store_each(s, side->id, SLICE_NONE, compare_row, &c);

	for (size_t i = 0; i < MODEL_KEYS; i++)
		want += side->records[i].present;
	if (r)
		return complain(why, "reading the records:", (size_t)-r);
	return c.rows == want ? 0 : complain(why, "number of records", c.rows);
}

static int
compare_blob(const struct model_group *g, size_t i, unsigned side, struct store *s, struct buf *why)
{
	static struct buf got = {.max = BYTES_MAX}, want = {.max = BYTES_MAX};
	const struct model_blob *b = &g->blobs[i];
	uint64_t size;
	int r;

	buf_reset(&got);
	r = store_blob_read(s, g->side[side].id, b->id, 0, BYTES_MAX, &got);
	if (!b->in[side])
		return r == LL_ERR_NOTFOUND ? 0 : complain(why, "a dropped blob is there:", i);
	if (r)
		return complain(why, "unreadable blob", i);
	model_blob_bytes(b->id, b->len, &want);
	if (!slice_eq(buf_slice(&got), buf_slice(&want)))
		return complain(why, "blob's bytes", i);
	if (store_blob_size(s, g->side[side].id, b->id, &size) || size != b->len)
		return complain(why, "blob's size", i);
	return 0;
}

static int
compare_side(const struct model_group *g, unsigned side, struct store *s, struct buf *why)
{
	const struct model_side *m = &g->side[side];
	struct store_stat stat;
	uint64_t bytes = 0, blobs = 0;

	if (compare_records(m, s, why))
		return -1;
	for (size_t i = 0; i < MODEL_BLOBS; i++) {
		if (compare_blob(g, i, side, s, why))
			return -1;
		blobs += g->blobs[i].in[side];
		bytes += g->blobs[i].in[side] ? g->blobs[i].len : 0;
	}
	if (store_stat(s, m->id, &stat))
		return complain(why, "stat", side);
	if (stat.version != m->version)
		return complain(why, "version", (size_t)stat.version);
	if (stat.blobs != blobs || stat.blob_bytes != bytes)
		return complain(why, "number of blobs", (size_t)stat.blobs);
	return 0;
}

static bool
head_is(struct store *s, const struct model_side *side)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100);
	uint64_t head = 0;
	int r = store_get(s, side->id, S("head"), &b);

	if (r == LL_ERR_NOTFOUND)
		return side->head == 0;
	return !r && !slice_u64(buf_slice(&b), UINT64_MAX, &head) && head == side->head;
}

int
model_check(struct model_group *g, struct store *s, struct buf *why)
{
	size_t acked = (size_t)g->steps;

	for (unsigned ahead = 0; !head_is(s, &g->side[0]) || !head_is(s, &g->side[1]); ahead++) {
		if (ahead == MODEL_AHEAD) {
			buf_printf(why, "group %u is not at step %zu or soon after: ", g->number,
				acked);
			return -1;
		}
		model_step(g, NULL);
	}
	for (unsigned side = 0; side < 2; side++)
		if (compare_side(g, side, s, why)) {
			buf_printf(why, " (group %u, side %u, step %zu, acknowledged %zu)",
				g->number, side, (size_t)g->steps, acked);
			return -1;
		}
	return 0;
}
