/* SPDX-License-Identifier: Apache-2.0 */
/* A right-hand side that is mostly zeros: which numbers are left, column by column. */
#ifndef FR_KERN_SPARSE_H
#define FR_KERN_SPARSE_H

#include "kern/kern.h"

#define FR__SPARSE_ROWS ((size_t)64) /* of A that are turned round together */

struct fr__sparse {
  size_t period;         /* floats from one row of A to the next that it overlaps, or k */
  size_t reach;          /* rows that a row of A goes on into: (k - 1) / period */
  size_t numbers;        /* that are not 0 */
  const uint32_t *begin; /* (n + 1) of each column's */
  const uint32_t *place; /* (numbers) where a turned block of A has what it meets */
  const float *value;    /* (numbers) */
};

/* Numbers of B that are not 0. */
size_t fr__gemm_sparse_numbers(const fr__gemm *gemm);

/*
 * Whether B is met faster so, of `rows` rows of A together: `gemm` tells n, k, b, ldb and
 * lda. False in other formats than float32, where rows overlap otherwise than a
 * convolution's, or where a block does not fit the scratch.
 */
bool fr__gemm_sparse_pays(const fr__kern *kern, const fr__gemm *gemm, size_t rows,
                          size_t numbers);

/* Fills the arrays, whose room is fr__gemm_sparse_floats of 4 bytes, at `to`. */
size_t fr__gemm_sparse_floats(size_t n, size_t numbers);
void fr__gemm_sparse_fill(const fr__gemm *gemm, size_t numbers, void *to,
                          fr__sparse *sparse);

#endif
