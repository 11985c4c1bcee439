/* SPDX-License-Identifier: Apache-2.0 */
/* A 64-bit checksum for caches, digests of data and identities of cells: not for secrets.
 */
#ifndef FR_BASE_HASH_H
#define FR_BASE_HASH_H

#include "frugal/base.h"

typedef struct fr__hash {
  uint64_t lane[4];
  uint64_t length;
  unsigned char tail[32];
} fr__hash;

/* XXH64 (Yann Collet, xxHash specification 0.1.1), fed in pieces. */
void fr__hash_init(fr__hash *hash, uint64_t seed);
void fr__hash_add(fr__hash *hash, const void *bytes, size_t count);
uint64_t fr__hash_value(const fr__hash *hash);
uint64_t fr__hash_bytes(const void *bytes, size_t count);

#endif
