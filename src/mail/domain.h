/* Domain names as text, for policy code. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/arena.h"

/* Lower-case A-label form without the dot at the end: U-labels are converted (RFC 5891), anything
 * else is kept as it is. LL_ERR_SYNTAX for an empty name, empty or overlong labels, a name over 253
 * characters, spaces and control characters, or text that IDNA refuses; LL_ERR_NOMEM. */
int domain_normal(struct arena *arena, struct slice name, struct slice *ret) CHECKED;
size_t domain_labels(struct slice name);
/* The last n labels (all when there are fewer). */
struct slice domain_tail(struct slice name, size_t n);
/* What follows the first label; empty for a single label. */
struct slice domain_parent(struct slice name);
/* Whether name is zone or lies under it; ASCII case does not matter. */
bool domain_within(struct slice name, struct slice zone);

#endif
