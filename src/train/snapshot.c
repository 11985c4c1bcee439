/* SPDX-License-Identifier: Apache-2.0 */
#include "train/snapshot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static size_t total_count(const fr_net *net, size_t first) {
  size_t count, total = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    total += tensor[i].layer >= first ? tensor[i].count : 0;
  return total;
}

enum fr_status fr__snapshot_init(fr__snapshot *snapshot, const fr_net *net, size_t first,
                                 fr_error *err) {
  const size_t total = total_count(net, first);
  *snapshot = (fr__snapshot){
      .value = calloc(total + 1, sizeof(float)), .count = total, .first = first};
  if (snapshot->value == NULL)
    return fr__fail_memory(err, "a copy of the weights");
  if (fr__snapshot_take(snapshot, net))
    return FR_OK;
  fr__snapshot_release(snapshot);
  return fr__fail(err, FR_ERR_NUMERIC, "a weight is not finite before training");
}

void fr__snapshot_release(fr__snapshot *snapshot) {
  free(snapshot->value);
  *snapshot = (fr__snapshot){0};
}

static bool all_finite(const fr_tensor *tensor, size_t count, size_t first) {
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; tensor[i].layer >= first && k < tensor[i].count; k++)
      if (!isfinite(tensor[i].value[k]))
        return false;
  return true;
}

bool fr__snapshot_take(fr__snapshot *snapshot, const fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  if (!all_finite(tensor, count, snapshot->first))
    return false;
  float *to = snapshot->value;
  for (size_t i = 0; i < count; i++) {
    if (tensor[i].layer < snapshot->first)
      continue;
    memcpy(to, tensor[i].value, tensor[i].count * sizeof *to);
    to += tensor[i].count;
  }
  return true;
}

void fr__snapshot_restore(const fr__snapshot *snapshot, fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  const float *from = snapshot->value;
  for (size_t i = 0; i < count; i++) {
    if (tensor[i].layer < snapshot->first)
      continue;
    memcpy(tensor[i].value, from, tensor[i].count * sizeof *from);
    from += tensor[i].count;
  }
}
