/* Pieces that several of the owner's record bodies have in common, and their strict checks. */
#ifndef KEYS_WIRE_H
#define KEYS_WIRE_H

#include "base/buf.h"
#include "keys/manifest.h"

/* The first byte of every body. */
#define WIRE_VERSION 1

/* Copies n bytes out of the input; zeros after an error. */
void wire_get(struct reader *r, uint8_t *ret, size_t n);
/* A time or 0; from 2^53 on LL_ERR_SYNTAX. */
int64_t wire_get_time(struct reader *r);
void wire_fail(struct reader *r);

/* areas:1 protocols:2 expires:8 */
void wire_put_scope(struct buf *b, const struct scope *s);
void wire_get_scope(struct reader *r, struct scope *ret);
/* Whether an unlocker of this type can have this scope: app passwords areas and at least one
 * protocol and never Root, all others Root alone. */
bool wire_scope_valid(enum unlock_type type, const struct scope *s);

/* sym:1 kem:1 sig:1 */
void wire_put_floor(struct buf *b, const struct suite_floor *f);
void wire_get_floor(struct reader *r, struct suite_floor *ret);
/* 0; LL_ERR_AUTH when got is lower than least; LL_ERR_UNSUPPORTED when this program has no suite
 * that high. */
int wire_floor_check(const struct suite_floor *got, const struct suite_floor *least) CHECKED;

#endif
