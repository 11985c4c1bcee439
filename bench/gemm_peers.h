/* SPDX-License-Identifier: Apache-2.0 */
/* The products of other libraries, where they were found when this was built. */
#ifndef FR_BENCH_GEMM_PEERS_H
#define FR_BENCH_GEMM_PEERS_H

#include "kern/kern.h"

/* One library in one precision. Rows of A that overlap are none of theirs: there the
 * product is taken of rows that lie apart, as if copying them cost nothing. Arrays are of
 * floats for every precision: what the numbers are is not looked at. */
typedef struct gemm_peer {
  const char *name;
  /* What it keeps for that product, weights in the layout of its choice; NULL: it cannot.
   */
  void *(*prepare)(const fr__gemm *gemm);
  void (*run)(void *kept, const fr__gemm *gemm);
  void (*release)(void *kept);
} gemm_peer;

extern const gemm_peer *const gemm_peers[]; /* NULL behind the last */
void gemm_peers_print(void);                /* versions, and which were not found */

#endif
