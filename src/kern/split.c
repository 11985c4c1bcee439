/* SPDX-License-Identifier: Apache-2.0 */
#include "kern/split.h"

#include "kern/ops.h"

size_t fr__split_pieces(const fr__kern *kern, double work, double least) {
  const size_t threads = fr__pool_threads(kern->pool);
  const double most = (double)(threads * FR__PIECES_A_THREAD);
  if (threads == 1 || work < 2.0 * least)
    return 1;
  const size_t pieces = (size_t)(work < most * least ? work / least : most);
  return pieces < threads ? pieces : pieces / threads * threads;
}

fr__range fr__split_range(size_t total, size_t grain, size_t pieces, size_t index) {
  const size_t grains = total / grain + (total % grain != 0);
  const size_t first = grains * index / pieces * grain;
  const size_t end = grains * (index + 1) / pieces * grain;
  return (fr__range){first, (end < total ? end : total) - first};
}

fr__kern fr__kern_of_thread(const fr__kern *kern, size_t worker) {
  fr__kern own = *kern;
  own.scratch = fr__split_scratch(kern, worker);
  own.pool = NULL;
  return own;
}

float *fr__split_scratch(const fr__kern *kern, size_t worker) {
  return kern->scratch + worker * FR__KERN_ROOM;
}
