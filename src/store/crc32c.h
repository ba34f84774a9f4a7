/* CRC-32C (Castagnoli), for telling damaged or torn blobs from whole ones; no protection against
 * people. */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include "base/slice.h"

/* Continues from an earlier result; start with 0. */
uint32_t crc32c(uint32_t crc, struct slice s);

#endif
