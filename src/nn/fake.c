/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights that are rounded to bytes while a pass runs, and are what they were while they
 * are updated: gradients reach them as if nothing had been rounded (Jacob et al. 2018,
 * section 3.1).
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "nn/net.h"
#include "nn/round.h"

/* Numbers kept of narrowed tensors, then the scales of the widest. */
static void lay_out(const fr_net *net, fr__arena *arena, float **kept, float **scale) {
  size_t count = 0, columns = 0;
  for (size_t i = 0; i < net->tensor_count; i++) {
    const fr_tensor *t = &net->tensor[i];
    const size_t last = fr__is_narrowed(t) ? t->shape[t->rank - 1] : 0;
    count += last > 0 ? t->count : 0;
    columns = last > columns ? last : columns;
  }
  *kept = fr__arena_take(arena, count, sizeof(float));
  *scale = fr__arena_take(arena, columns, sizeof(float));
}

enum fr_status fr__net_fake(fr_net *net, fr_error *err) {
  fr__arena measure = {0};
  lay_out(net, &measure, &net->fake.kept, &net->fake.scale);
  const enum fr_status status =
      fr__arena_init(&net->fake.arena, measure.used > 0 ? measure.used : 1, err);
  if (status == FR_OK)
    lay_out(net, &net->fake.arena, &net->fake.kept, &net->fake.scale);
  net->fake.on = status == FR_OK;
  return status;
}

static void round_rows(const fr_tensor *t, float *scale) {
  const size_t columns = t->shape[t->rank - 1];
  memset(scale, 0, columns * sizeof *scale);
  for (size_t r = 0; r < t->count; r += columns)
    for (size_t c = 0; c < columns; c++) {
      const float size = fabsf(t->value[r + c]);
      scale[c] = size > scale[c] ? size : scale[c];
    }
  for (size_t c = 0; c < columns; c++)
    scale[c] = scale[c] / 127 >= FLT_MIN ? scale[c] / 127 : 1;
  for (size_t r = 0; r < t->count; r += columns)
    for (size_t c = 0; c < columns; c++)
      t->value[r + c] = rintf(t->value[r + c] / scale[c]) * scale[c];
}

void fr__fake_begin(fr_net *net) {
  if (!net->fake.on || net->fake.rounded)
    return;
  float *to = net->fake.kept;
  for (size_t i = 0; i < net->tensor_count; i++) {
    const fr_tensor *t = &net->tensor[i];
    if (!fr__is_narrowed(t))
      continue;
    memcpy(to, t->value, t->count * sizeof *to);
    round_rows(t, net->fake.scale);
    to += t->count;
  }
  net->fake.rounded = true;
}

void fr__fake_end(fr_net *net) {
  if (!net->fake.rounded)
    return;
  const float *from = net->fake.kept;
  for (size_t i = 0; i < net->tensor_count; i++) {
    const fr_tensor *t = &net->tensor[i];
    if (!fr__is_narrowed(t))
      continue;
    memcpy(t->value, from, t->count * sizeof *from);
    from += t->count;
  }
  net->fake.rounded = false;
}
