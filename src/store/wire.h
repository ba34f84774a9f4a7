/* How commits and rows travel in messages. */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include "store/store.h"

/* Appends the operations. */
int store_wire_put_ops(struct buf *out, const struct store_op *ops, size_t n) CHECKED;
/* Decodes at most STORE_OPS_MAX operations; slices are views. ret has room for STORE_OPS_MAX.
 * LL_ERR_SYNTAX. */
int store_wire_get_ops(struct slice in, struct store_op *ret, size_t *ret_n) CHECKED;

int store_wire_put_row(struct buf *out, struct slice key, struct slice value) CHECKED;
/* Takes one row off *rows; LL_ERR_SYNTAX. */
int store_wire_get_row(struct slice *rows, struct slice *ret_key, struct slice *ret_value) CHECKED;

#endif
