/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: places in records, so that none can cross a person, a trial or an activity. */
#include <stdlib.h>

#include "base/error.h"
#include "frugal/data.h"

/* Windows of `w` in a record of that many steps. */
static size_t windows_in(const fr_windows *w, size_t steps) {
  if (steps < w->length)
    return w->shortest > 0 && steps >= w->shortest;
  return (steps - w->length) / w->step + 1;
}

static enum fr_status count_windows(const fr_windows *w, size_t *out, fr_error *err) {
  const fr_dataset *data = w->data;
  if (data->count >= FR_NONE)
    return fr__fail(err, FR_ERR_LIMIT, "%zu records are more than %u", data->count,
                    FR_NONE - 1);
  size_t count = 0;
  for (size_t r = 0; r < data->count; r++) {
    if (data->record[r].steps > UINT32_MAX)
      return fr__fail(err, FR_ERR_LIMIT, "record %zu has %zu steps, more than %u", r,
                      data->record[r].steps, UINT32_MAX);
    count += windows_in(w, data->record[r].steps);
  }
  if (count == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "no record of '%s' is as long as a window of %zu steps", data->spec,
                    w->shortest > 0 && w->shortest < w->length ? w->shortest : w->length);
  *out = count;
  return FR_OK;
}

static void place_windows(fr_windows *windows) {
  size_t n = 0;
  for (size_t r = 0; r < windows->data->count; r++) {
    const size_t here = windows_in(windows, windows->data->record[r].steps);
    for (size_t i = 0; i < here; i++)
      windows->at[n++] = (fr_window){(uint32_t)r, (uint32_t)(i * windows->step)};
  }
}

enum fr_status fr_windows_init(fr_windows *windows, const fr_dataset *data, size_t length,
                               size_t step, fr_error *err) {
  return fr_windows_init_short(windows, data, length, step, 0, err);
}

enum fr_status fr_windows_init_short(fr_windows *windows, const fr_dataset *data,
                                     size_t length, size_t step, size_t shortest,
                                     fr_error *err) {
  const bool vectors = data->rate_hz <= 0;
  fr_windows made = {.data = data,
                     .length = vectors ? 1 : length,
                     .step = vectors ? 1 : step,
                     .shortest = vectors ? 0 : shortest};
  if (made.length == 0 || made.step == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a window needs a length and a step of at least 1");
  const enum fr_status status = count_windows(&made, &made.count, err);
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

size_t fr_window_steps(const fr_windows *windows, size_t i) {
  const fr_window at = windows->at[i];
  const size_t left = windows->data->record[at.record].steps - at.start;
  return left < windows->length ? left : windows->length;
}

const float *fr_window_values(const fr_windows *windows, size_t i) {
  const fr_window at = windows->at[i];
  return windows->data->record[at.record].values +
         at.start * windows->data->channels.count;
}
