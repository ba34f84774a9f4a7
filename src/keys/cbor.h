/* Just enough of CBOR (RFC 8949) to read what authenticators send: definite lengths only, whole
 * numbers of 32 bits, no floating point. Errors stick, as in struct reader. */
#ifndef KEYS_CBOR_H
#define KEYS_CBOR_H

#include "base/slice.h"

enum cbor_type { CBOR_UINT, CBOR_NINT, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP };

struct cbor {
	struct slice rest;
	int err; /* LL_ERR_SYNTAX */
};

struct cbor cbor_new(struct slice s);
/* A whole number, negative ones too; 0 after an error. */
int64_t cbor_int(struct cbor *c);
/* A byte string, or a text: views. */
struct slice cbor_bytes(struct cbor *c);
struct slice cbor_text(struct cbor *c);
/* The number of pairs of a map that begins here. */
uint32_t cbor_map(struct cbor *c);
/* Passes over one item of any type, nested at most 8 deep. */
void cbor_skip(struct cbor *c);
/* Whether the next item is of that type. */
bool cbor_is(const struct cbor *c, enum cbor_type type);

#endif
