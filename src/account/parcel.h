/* A message parsed and sealed, not yet anybody's: what staging and delivery have in common. */
#ifndef ACCOUNT_PARCEL_H
#define ACCOUNT_PARCEL_H

#include "account/engine.h"

struct parcel {
	uint64_t size;
	struct store_id blob, side;
	uint8_t key[RECORD_KEY_LEN]; /* data key in clear; parcel_done wipes it */
	struct buf meta, sig; /* encoded; kept here also when they are in the side */
	uint32_t side_meta, side_sig;
	struct buf body_sealed, side_sealed; /* empty once staged */
	bool body_staged, side_staged;
};

typedef int random_fn(void *ctx, void *p, size_t n);
/* signer makes the search signature. */
int parcel_make(struct slice message, struct signature_builder *signer, random_fn *random,
	void *ctx, struct parcel *ret) CHECKED;
void parcel_done(struct parcel *p);
bool parcel_has_side(const struct parcel *p);
/* Puts what is not yet there into the store as staged blobs. */
int parcel_stage(struct parcel *p, struct store *s) CHECKED;
/* What stands in the entry itself. */
struct slice parcel_inline_meta(const struct parcel *p);
struct slice parcel_inline_sig(const struct parcel *p);

#endif
