/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: places in records, so that none can cross a person, a trial or an activity. */
#include <stdlib.h>

#include "base/error.h"
#include "frugal/data.h"

static size_t windows_in(size_t steps, size_t length, size_t step) {
  return steps < length ? 0 : (steps - length) / step + 1;
}

static enum fr_status count_windows(const fr_dataset *data, size_t length, size_t step,
                                    size_t *out, fr_error *err) {
  if (data->count >= FR_NONE)
    return fr__fail(err, FR_ERR_LIMIT, "%zu records are more than %u", data->count,
                    FR_NONE - 1);
  size_t count = 0;
  for (size_t r = 0; r < data->count; r++) {
    if (data->record[r].steps > UINT32_MAX)
      return fr__fail(err, FR_ERR_LIMIT, "record %zu has %zu steps, more than %u", r,
                      data->record[r].steps, UINT32_MAX);
    count += windows_in(data->record[r].steps, length, step);
  }
  if (count == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "no record of '%s' is as long as a window of %zu steps", data->spec,
                    length);
  *out = count;
  return FR_OK;
}

static void place_windows(fr_windows *windows) {
  size_t n = 0;
  for (size_t r = 0; r < windows->data->count; r++) {
    const size_t here =
        windows_in(windows->data->record[r].steps, windows->length, windows->step);
    for (size_t i = 0; i < here; i++)
      windows->at[n++] = (fr_window){(uint32_t)r, (uint32_t)(i * windows->step)};
  }
}

enum fr_status fr_windows_init(fr_windows *windows, const fr_dataset *data, size_t length,
                               size_t step, fr_error *err) {
  const bool vectors = data->rate_hz <= 0;
  fr_windows made = {data, vectors ? 1 : length, vectors ? 1 : step, 0, NULL};
  if (made.length == 0 || made.step == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a window needs a length and a step of at least 1");
  const enum fr_status status =
      count_windows(data, made.length, made.step, &made.count, err);
  if (status != FR_OK)
    return status;
  made.at = malloc(made.count * sizeof *made.at);
  if (!made.at)
    return fr__fail_memory(err, "windows");
  place_windows(&made);
  *windows = made;
  return FR_OK;
}

void fr_windows_release(fr_windows *windows) {
  free(windows->at);
  *windows = (fr_windows){0};
}

const float *fr_window_values(const fr_windows *windows, size_t i) {
  const fr_window at = windows->at[i];
  return windows->data->record[at.record].values +
         at.start * windows->data->channels.count;
}
