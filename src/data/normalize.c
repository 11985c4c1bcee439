/* SPDX-License-Identifier: Apache-2.0 */
/* The normaliser: what the training side says about each channel, and nothing else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "frugal/data.h"

static const char *const names[FR_NORMALIZE_METHODS] = {
    [FR_NORMALIZE_ZSCORE] = "zscore", [FR_NORMALIZE_MINMAX] = "minmax",
    [FR_NORMALIZE_ROBUST] = "robust", [FR_NORMALIZE_WINDOW] = "window",
    [FR_NORMALIZE_NONE] = "none",
};

bool fr_normalize_parse(const char *name, enum fr_normalize *out) {
  for (size_t i = 0; i < FR_NORMALIZE_METHODS; i++) {
    if (strcmp(name, names[i]) != 0)
      continue;
    *out = (enum fr_normalize)i;
    return true;
  }
  return false;
}

const char *fr_normalize_name(enum fr_normalize how) { return names[how]; }

/* A deviation below this share of the mean is rounding: the channel is constant. */
#define CONSTANT 1e-6

/* Sums over training steps, in double: (channels) each. */
typedef struct sums {
  double *count;
  double *total;  /* of values, then of squared distances from the mean */
  double *center; /* what is subtracted before squaring; NULL in the first pass */
} sums;

static void add_row(const sums *s, const float *row, size_t channels) {
  for (size_t c = 0; c < channels; c++) {
    if (!isfinite(row[c]))
      continue;
    const double d = s->center ? row[c] - s->center[c] : row[c];
    s->count[c] += 1;
    s->total[c] += s->center ? d * d : d;
  }
}

/* Adds each step that training windows cover once: windows are ordered by record and
 * start. */
static void add_training(const sums *s, const fr_windows *windows,
                         const fr_split *split) {
  const size_t channels = windows->data->channels.count;
  uint32_t record = FR_NONE;
  size_t done = 0; /* steps of the record that are added already */
  for (size_t i = 0; i < windows->count; i++) {
    if (split->side[i] != FR_SIDE_TRAIN)
      continue;
    const fr_window at = windows->at[i];
    if (at.record != record)
      done = 0;
    record = at.record;
    const size_t end = at.start + fr_window_steps(windows, i);
    const float *values = windows->data->record[record].values;
    for (size_t t = at.start > done ? at.start : done; t < end; t++)
      add_row(s, values + t * channels, channels);
    done = end;
  }
}

static void set_channel(fr_normalizer *n, size_t c, double count, double mean,
                        double squares) {
  const double deviation = count > 0 ? sqrt(squares / count) : 0;
  n->shift[c] = (float)mean;
  /* A channel that training never saw says nothing: scale 0 keeps it silent. */
  if (count <= 0)
    n->scale[c] = 0;
  else if (deviation <= CONSTANT * fabs(mean) || deviation < 1e-30)
    n->scale[c] = 1;
  else
    n->scale[c] = (float)(1 / deviation);
}

/* `work` holds (4, channels) zeros: counts, sums, means, squares. */
static void fit(fr_normalizer *n, const fr_windows *windows, const fr_split *split,
                double *work) {
  const size_t channels = n->channels;
  const sums first = {work, work + channels, NULL};
  add_training(&first, windows, split);
  double *mean = work + 2 * channels;
  for (size_t c = 0; c < channels; c++)
    mean[c] = first.count[c] > 0 ? first.total[c] / first.count[c] : 0;
  memset(work, 0, channels * sizeof *work);
  const sums second = {work, work + 3 * channels, mean};
  add_training(&second, windows, split);
  for (size_t c = 0; c < channels; c++)
    set_channel(n, c, second.count[c], mean[c], second.total[c]);
}

enum fr_status fr_normalizer_fit(fr_normalizer *normalizer, enum fr_normalize how,
                                 const fr_windows *windows, const fr_split *split,
                                 fr_error *err) {
  if (how != FR_NORMALIZE_ZSCORE)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "normalising by '%s' is not there yet",
                    fr_normalize_name(how));
  if (split->count[FR_SIDE_TRAIN] == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the split leaves no windows to train on, which normalising needs");
  const size_t channels = windows->data->channels.count;
  fr_normalizer made = {channels, calloc(channels, sizeof *made.shift),
                        calloc(channels, sizeof *made.scale), how};
  double *work = calloc(4 * channels, sizeof *work);
  if (!made.shift || !made.scale || !work) {
    free(work);
    fr_normalizer_release(&made);
    return fr__fail_memory(err, "a normaliser");
  }
  fit(&made, windows, split, work);
  free(work);
  *normalizer = made;
  return FR_OK;
}

void fr_normalizer_release(fr_normalizer *normalizer) {
  free(normalizer->shift);
  free(normalizer->scale);
  *normalizer = (fr_normalizer){0};
}

void fr_normalizer_apply(const fr_normalizer *normalizer, float *values, size_t rows) {
  const size_t channels = normalizer->channels;
  for (size_t r = 0; r < rows; r++) {
    float *x = values + r * channels; /* (channels) */
    for (size_t c = 0; c < channels; c++) {
      const float y = (x[c] - normalizer->shift[c]) * normalizer->scale[c];
      x[c] = isfinite(y) ? y : 0;
    }
  }
}

enum fr_status fr_normalizer_apply_all(const fr_normalizer *normalizer, fr_dataset *data,
                                       fr_error *err) {
  if (normalizer->channels != data->channels.count)
    return fr__fail(err, FR_ERR_ARGUMENT, "a normaliser of %zu channels met %zu of '%s'",
                    normalizer->channels, data->channels.count, data->spec);
  for (size_t r = 0; r < data->count; r++)
    fr_normalizer_apply(normalizer, data->record[r].values, data->record[r].steps);
  return FR_OK;
}
