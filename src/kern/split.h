/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How work is cut for the pool. A piece writes elements that no other piece writes, and
 * an element is the same operations in the same order in every piece that it may fall
 * into: so neither the number of pieces nor who does them shows in the result.
 */
#ifndef FR_KERN_SPLIT_H
#define FR_KERN_SPLIT_H

#include "kern/kern.h"

/* Pieces for each thread, so that one that wakes late or shares its core takes fewer. */
#define FR__PIECES_A_THREAD ((size_t)2)

/* How many pieces `work` is worth, of at least `least` each; 1 without threads. */
size_t fr__split_pieces(const fr__kern *kern, double work, double least);

typedef struct fr__range {
  size_t first, count;
} fr__range;

/* Piece `index` of `pieces` of `total`, cut at multiples of `grain`; it may be empty. */
fr__range fr__split_range(size_t total, size_t grain, size_t pieces, size_t index);

/* The scratch of thread `worker` of the kern's pool. */
float *fr__split_scratch(const fr__kern *kern, size_t worker);

/* fr__gemm_run in about `pieces` pieces, whatever the size. */
void fr__gemm_pieces(const fr__kern *kern, const fr__gemm *gemm, size_t pieces);

#endif
