/* What the suites need done once. */
#ifndef KEYS_SUITES_H
#define KEYS_SUITES_H

#include "base/macros.h"

/* Call once per process, before its sandbox is entered: libcrypto reads files when it loads its
 * algorithms. Harmless when repeated. LL_ERR_CRYPTO. */
int suites_init(void) CHECKED;

#endif
