/* What record.c and record_kem.c share. */
#ifndef KEYS_RECORD_PRIV_H
#define KEYS_RECORD_PRIV_H

#include "keys/record.h"

/* "letterlock/1/" kind NUL header: AEAD context and HPKE info of a record. */
struct record_context {
	uint8_t b[RECORD_CONTEXT_MAX];
	size_t len;
};

/* h has passed header_check. */
void record_context(struct record_context *ret, const struct record_header *h);
struct slice record_context_slice(const struct record_context *c);
/* The header as written, at the end of the context. */
struct slice record_context_header(const struct record_context *c);

/* For a writer: checks the header and the length to be, and makes the context. */
int record_begin(struct record_context *ret, const struct record_header *header,
	enum record_suite suite, uint64_t record_len) CHECKED;
/* For a reader: the header of a record of record_len bytes that begins with head, if it is of this
 * suite and what was asked for. */
int record_admit(struct slice head, uint64_t record_len, enum record_suite suite,
	const struct record_want *want, struct record_header *ret) CHECKED;

#endif
