/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the weights, so that training can go back to its best epoch. */
#ifndef FR_TRAIN_SNAPSHOT_H
#define FR_TRAIN_SNAPSHOT_H

#include "frugal/nn.h"

typedef struct fr__snapshot {
  float
      *value; /* every tensor of layers from `first` on, running statistics too; owned */
  size_t count;
  size_t first;
} fr__snapshot;

/* Room for, and a copy of, the tensors of layers from `first` on. */
enum fr_status fr__snapshot_init(fr__snapshot *snapshot, const fr_net *net, size_t first,
                                 fr_error *err);
void fr__snapshot_release(fr__snapshot *snapshot);

/* Takes the weights over; false, and keeps the older ones, where one is not finite. */
bool fr__snapshot_take(fr__snapshot *snapshot, const fr_net *net);
void fr__snapshot_restore(const fr__snapshot *snapshot, fr_net *net);

#endif
