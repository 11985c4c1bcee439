/* SPDX-License-Identifier: Apache-2.0 */
/* What each part of training costs in floating-point operations; docs/train.md has the
 * rules. */
#ifndef FR_TRAIN_COST_H
#define FR_TRAIN_COST_H

#include "frugal/nn.h"

typedef struct fr__cost {
  uint64_t frozen;   /* forward through layers [0, first), a sample */
  uint64_t forward;  /* forward through layers [first, end), a sample */
  uint64_t backward; /* a sample */
  uint64_t update;   /* a step, whatever the batch */
} fr__cost;

/* After fr_net_reserve(…, train true, first): a tensor with a gradient is one that is
 * updated. */
fr__cost fr__cost_of(const fr_net *net, size_t first,
                     const fr_optimizer_options *optimizer);

#endif
