/* SPDX-License-Identifier: Apache-2.0 */
/* In which order an epoch takes its samples: drawn by seed and epoch alone, so that a run
 * can be taken up at any place. */
#ifndef FR_TRAIN_ORDER_H
#define FR_TRAIN_ORDER_H

#include "frugal/base.h"

typedef struct fr__order {
  size_t *sample; /* (count) owned */
  size_t count;
  /* Balanced only. */
  size_t *member; /* (count) samples, class by class; owned */
  size_t *dealt;  /* (count) the same, shuffled within each class; owned */
  size_t *begin;  /* (classes + 1) where each class begins there; owned */
  size_t classes; /* that occur */
} fr__order;

/* `label` (count), each below `classes`, for balanced orders; NULL: every sample once an
 * epoch. Release it in every case. */
enum fr_status fr__order_init(fr__order *order, size_t count, const uint32_t *label,
                              size_t classes, fr_error *err);
void fr__order_release(fr__order *order);

/* Fills `sample` for epoch `epoch`, the first being 1. */
void fr__order_draw(fr__order *order, uint64_t seed, size_t epoch);

#endif
