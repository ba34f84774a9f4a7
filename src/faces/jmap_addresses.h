/* The addresses that the account may write as, and that each has an identity (RFC 8621 section 6).
 */
#ifndef FACES_JMAP_ADDRESSES_H
#define FACES_JMAP_ADDRESSES_H

#include "faces/jmap_stored.h"

/* How many identities an address has. */
size_t jmap_identities_of(struct account *a, struct slice email);
/* Stores a new one; v is its JSON. */
int jmap_identity_new(struct jmap_call *c, const json_t *v, struct store_id *ret) CHECKED;
/* Reads the objects, learns which addresses there are at present, and sees to it that each has an
 * identity and that none is left of an address that was taken away; what was set for that one comes
 * back with it. */
int jmap_identities_ready(struct jmap_call *c) CHECKED;

#endif
