/* What the store must hold after so many steps. Everything is derived from a seed, so the process
 * that is killed and the one that judges agree without talking. Plain data: copied by assignment
 * and inherited over fork.
 *
 * A group is a linear history over two partitions, of which some steps share blobs. Up to
 * MODEL_AHEAD steps of a group may be under way at a time; a step that touches both partitions or
 * drops one waits for the others and they for it. */
#ifndef TESTS_FAULT_MODEL_H
#define TESTS_FAULT_MODEL_H

#include "store/store.h"

#define MODEL_GROUPS 6
#define MODEL_AHEAD 4
#define MODEL_KEYS 32
#define MODEL_BLOBS 40
#define MODEL_BULK 400 /* records of a bulk step */
#define MODEL_OPS (MODEL_BULK + 24)
#define MODEL_LARGE ((size_t)32 << 10) /* staged blobs above this get their own file */

struct model_record {
	bool present;
	uint64_t seed;
	size_t len;
};

struct model_blob {
	struct store_id id;
	size_t len;
	bool in[2]; /* which partition refers to it */
};

struct model_side {
	struct store_id id;
	uint64_t version, head; /* head: the last step here, in its record "head"; 0: none */
	unsigned bulk;
	struct model_record records[MODEL_KEYS];
};

struct model_group {
	unsigned number;
	uint64_t seed, steps;
	uint64_t generation; /* part of the randomness: a step is not repeated after a crash */
	struct model_side side[2];
	struct model_blob blobs[MODEL_BLOBS];
};

enum step_kind { STEP_COMMIT, STEP_DROP };

/* What to ask of the store for one step. */
struct step {
	enum step_kind kind;
	bool alone;
	unsigned side;
	uint64_t expect;
	size_t n;
	struct store_op ops[MODEL_OPS];
	bool stage; /* first stage this blob */
	struct store_id staged;
	size_t staged_len;
	int refused; /* not 0: first commit this, which must fail so */
	uint64_t refused_expect;
	struct store_op refused_ops[4];
	size_t refused_n;
	struct buf bytes; /* what the ops point to */
};

void model_init(struct model_group *g, unsigned number, uint64_t seed);
/* The next step: advances the model. out->bytes is reused. out may be NULL. */
void model_step(struct model_group *g, struct step *out);
/* The bytes of a blob. */
void model_blob_bytes(struct store_id id, size_t len, struct buf *out);
/* Finds the step in [g->steps, g->steps + MODEL_AHEAD] at which the store is, advances the model to
 * it, and compares everything byte for byte. 0, or -1 with the reason in why. */
int model_check(struct model_group *g, struct store *s, struct buf *why);
/* Blobs of the group that somebody refers to. */
size_t model_blob_count(const struct model_group *g);

uint64_t mix(uint64_t a, uint64_t b);

#endif
