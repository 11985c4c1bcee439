/* SPDX-License-Identifier: Apache-2.0 */
/* What the training side says about each channel, and nothing else. */
#include "data/normalize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A spread below this share of the middle is rounding: the channel is constant. */
#define CONSTANT 1e-6
/* A window's deviation counts as at least this share of the training side's: what stands
 * still is not blown up to noise. */
#define STILL 0.01

bool fr__is_constant(double spread, double middle) {
  return spread <= CONSTANT * fabs(middle) || spread < 1e-30;
}

void fr__training_each(const fr__training *training,
                       void (*row)(void *self, const float *values), void *self) {
  const fr_windows *windows = training->windows;
  const size_t channels = windows->data->channels.count;
  uint32_t record = FR_NONE;
  size_t done = 0; /* steps of the record that were told already */
  for (size_t i = 0; i < windows->count; i++) { /* ordered by record and start */
    if (training->split->side[i] != FR_SIDE_TRAIN)
      continue;
    const fr_window at = windows->at[i];
    if (at.record != record)
      done = 0;
    record = at.record;
    const size_t end = at.start + fr_window_steps(windows, i);
    const float *values = windows->data->record[record].values;
    for (size_t t = at.start > done ? at.start : done; t < end; t++)
      row(self, values + t * channels);
    done = end;
  }
}

/* ---- moments ---- */

/* (channels) each, in double. */
typedef struct moments {
  size_t channels;
  double *count, *total; /* of values, then of squared distances from the mean */
  double *mean;          /* what is subtracted before squaring */
  bool second;           /* pass */
} moments;

static void add_moments(void *self, const float *values) {
  const moments *m = self;
  for (size_t c = 0; c < m->channels; c++) {
    if (!isfinite(values[c]))
      continue;
    const double d = m->second ? values[c] - m->mean[c] : values[c];
    m->count[c] += 1;
    m->total[c] += m->second ? d * d : d;
  }
}

static void find_mean(const fr__training *training, moments *m) {
  fr__training_each(training, add_moments, m);
  for (size_t c = 0; c < m->channels; c++)
    m->mean[c] = m->count[c] > 0 ? m->total[c] / m->count[c] : 0;
}

/* Into `total`. */
static void find_deviation(const fr__training *training, moments *m) {
  memset(m->count, 0, m->channels * sizeof *m->count);
  memset(m->total, 0, m->channels * sizeof *m->total);
  m->second = true;
  fr__training_each(training, add_moments, m);
  for (size_t c = 0; c < m->channels; c++)
    m->total[c] = m->count[c] > 0 ? sqrt(m->total[c] / m->count[c]) : 0;
}

/* A channel that training never saw says nothing: scale 0 keeps it silent. */
static float scale_of(double count, double spread, double middle, double wanted) {
  if (count <= 0)
    return 0;
  return fr__is_constant(spread, middle) ? 1 : (float)(wanted / spread);
}

static void fit_moments(fr_normalizer *n, const fr__training *training, double *work) {
  const size_t channels = n->channels;
  moments m = {channels, work, work + channels, work + 2 * channels, false};
  const bool window = n->how == FR_NORMALIZE_WINDOW;
  find_mean(training, &m);
  if (n->how != FR_NORMALIZE_NONE)
    find_deviation(training, &m);
  for (size_t c = 0; c < channels; c++) {
    n->shift[c] = window ? 0 : (float)m.mean[c];
    n->scale[c] =
        n->how == FR_NORMALIZE_NONE
            ? (m.count[c] > 0 ? 1.0f : 0.0f)
            : scale_of(m.count[c], m.total[c], m.mean[c], window ? 1 / STILL : 1);
  }
}

/* ---- the range ---- */

typedef struct ranges {
  size_t channels;
  double *least, *most; /* (channels) */
} ranges;

static void add_range(void *self, const float *values) {
  const ranges *r = self;
  for (size_t c = 0; c < r->channels; c++)
    if (isfinite(values[c])) {
      r->least[c] = values[c] < r->least[c] ? values[c] : r->least[c];
      r->most[c] = values[c] > r->most[c] ? values[c] : r->most[c];
    }
}

static void fit_range(fr_normalizer *n, const fr__training *training, double *work) {
  const ranges r = {n->channels, work, work + n->channels};
  for (size_t c = 0; c < n->channels; c++) {
    r.least[c] = INFINITY;
    r.most[c] = -INFINITY;
  }
  fr__training_each(training, add_range, (void *)(uintptr_t)&r);
  for (size_t c = 0; c < n->channels; c++) {
    const bool seen = r.least[c] <= r.most[c];
    const double middle = seen ? (r.least[c] + r.most[c]) / 2 : 0;
    n->shift[c] = (float)middle;
    n->scale[c] = scale_of(seen, r.most[c] - r.least[c], middle, 2);
  }
}

/* ---- quartiles ---- */

static enum fr_status fit_quartiles(fr_normalizer *n, const fr__training *training,
                                    double *work, fr_error *err) {
  const enum fr_status status = fr__quartiles(training, work, err);
  for (size_t c = 0; c < n->channels && status == FR_OK; c++) {
    const double *q = work + 3 * c;
    const bool seen = !isnan(q[1]);
    n->shift[c] = seen ? (float)q[1] : 0;
    n->scale[c] = scale_of(seen, q[2] - q[0], q[1], 1);
  }
  return status;
}

/* ---- all ---- */

/* `work` holds (3, channels) zeros. */
static enum fr_status fit(fr_normalizer *n, const fr__training *training, double *work,
                          fr_error *err) {
  switch (n->how) {
  case FR_NORMALIZE_MINMAX: fit_range(n, training, work); return FR_OK;
  case FR_NORMALIZE_ROBUST: return fit_quartiles(n, training, work, err);
  case FR_NORMALIZE_ZSCORE:
  case FR_NORMALIZE_WINDOW:
  case FR_NORMALIZE_NONE: break;
  }
  fit_moments(n, training, work);
  return FR_OK;
}

static enum fr_status check(enum fr_normalize how, const fr_windows *windows,
                            const fr_split *split, fr_error *err) {
  if (split->count[FR_SIDE_TRAIN] == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the split leaves no windows to train on, which normalising needs");
  if (how == FR_NORMALIZE_WINDOW && windows->length < 2)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a window of one step has no deviation of its own: '%s' cannot be "
                    "normalised by window",
                    windows->data->spec);
  return FR_OK;
}

enum fr_status fr_normalizer_fit(fr_normalizer *normalizer, enum fr_normalize how,
                                 const fr_windows *windows, const fr_split *split,
                                 fr_error *err) {
  const size_t channels = windows->data->channels.count;
  enum fr_status status = check(how, windows, split, err);
  if (status != FR_OK)
    return status;
  fr_normalizer made = {channels, calloc(channels, sizeof *made.shift),
                        calloc(channels, sizeof *made.scale), how};
  double *work = calloc(channels, 3 * sizeof *work);
  if (!made.shift || !made.scale || !work)
    status = fr__fail_memory(err, "a normaliser");
  const fr__training training = {windows, split};
  if (status == FR_OK)
    status = fit(&made, &training, work, err);
  free(work);
  if (status == FR_OK)
    *normalizer = made;
  else
    fr_normalizer_release(&made);
  return status;
}
