/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hash.h"
#include "frugal/train.h"

static void add_number(fr__hash *hash, uint64_t number) {
  fr__hash_add(hash, &number, sizeof number);
}

uint64_t fr_prepared_protocol(const fr_prepared *prepared, const fr_dataset *data,
                              enum fr_task task) {
  const fr_windows *windows = &prepared->windows;
  const char *name = fr_task_name(task);
  const double rate_hz = prepared->data->rate_hz;
  fr__hash hash;
  fr__hash_init(&hash, 0);
  add_number(&hash, data->digest);
  fr__hash_add(&hash, name, strlen(name) + 1);
  fr__hash_add(&hash, &rate_hz, sizeof rate_hz);
  for (size_t i = 0; i < windows->count; i++) {
    if (prepared->split.side[i] != FR_SIDE_TEST)
      continue;
    add_number(&hash, windows->at[i].record);
    add_number(&hash, windows->at[i].start);
    add_number(&hash, fr_window_steps(windows, i));
  }
  return fr__hash_value(&hash);
}
