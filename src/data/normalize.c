/* SPDX-License-Identifier: Apache-2.0 */
/* The normaliser at work. */
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

void fr_normalizer_release(fr_normalizer *normalizer) {
  free(normalizer->shift);
  free(normalizer->scale);
  *normalizer = (fr_normalizer){0};
}

static float finite_or_zero(float y) { return isfinite(y) ? y : 0; }

static void apply_fixed(const fr_normalizer *n, float *values, size_t rows) {
  for (size_t r = 0; r < rows; r++) {
    float *x = values + r * n->channels; /* (channels) */
    for (size_t c = 0; c < n->channels; c++)
      x[c] = finite_or_zero((x[c] - n->shift[c]) * n->scale[c]);
  }
}

static void apply_none(const fr_normalizer *n, float *values, size_t rows) {
  for (size_t r = 0; r < rows; r++) {
    float *x = values + r * n->channels; /* (channels) */
    for (size_t c = 0; c < n->channels; c++)
      x[c] = (isfinite(x[c]) ? x[c] : n->shift[c]) * n->scale[c];
  }
}

/* ---- by window: steps outside, channels inside, so that sums do not wait for each other
 * ---- */

enum { TOGETHER = 32 }; /* channels */

typedef struct window_sums {
  size_t channels; /* up to TOGETHER */
  double count[TOGETHER], mean[TOGETHER], squares[TOGETHER], factor[TOGETHER];
} window_sums;

static void add_means(window_sums *w, const float *x) {
  for (size_t c = 0; c < w->channels; c++) {
    const bool there = isfinite(x[c]);
    w->count[c] += there ? 1 : 0;
    w->mean[c] += there ? x[c] : 0;
  }
}

static void add_squares(window_sums *w, const float *x) {
  for (size_t c = 0; c < w->channels; c++) {
    const double d = isfinite(x[c]) ? x[c] - w->mean[c] : 0;
    w->squares[c] += d * d;
  }
}

/* Of what is there of (rows, channels), rows `stride` apart. `most`: the factors'. */
static void measure_window(window_sums *w, const float *x, size_t rows, size_t stride,
                           const float *most) {
  for (size_t r = 0; r < rows; r++)
    add_means(w, x + r * stride);
  for (size_t c = 0; c < w->channels; c++)
    w->mean[c] = w->count[c] > 0 ? w->mean[c] / w->count[c] : 0;
  for (size_t r = 0; r < rows; r++)
    add_squares(w, x + r * stride);
  for (size_t c = 0; c < w->channels; c++) {
    const double deviation = w->count[c] > 0 ? sqrt(w->squares[c] / w->count[c]) : 0;
    w->factor[c] = deviation * most[c] > 1 ? 1 / deviation : most[c];
  }
}

static void apply_window(const fr_normalizer *n, float *values, size_t rows) {
  for (size_t first = 0; first < n->channels; first += TOGETHER) {
    const size_t left = n->channels - first;
    window_sums w = {.channels = left < TOGETHER ? left : TOGETHER};
    measure_window(&w, values + first, rows, n->channels, n->scale + first);
    for (size_t r = 0; r < rows; r++) {
      float *x = values + r * n->channels + first;
      for (size_t c = 0; c < w.channels; c++)
        x[c] = finite_or_zero((float)((x[c] - w.mean[c]) * w.factor[c]));
    }
  }
}

void fr_normalizer_apply(const fr_normalizer *normalizer, float *values, size_t rows) {
  switch (normalizer->how) {
  case FR_NORMALIZE_WINDOW: apply_window(normalizer, values, rows); break;
  case FR_NORMALIZE_NONE: apply_none(normalizer, values, rows); break;
  case FR_NORMALIZE_ZSCORE:
  case FR_NORMALIZE_MINMAX:
  case FR_NORMALIZE_ROBUST: apply_fixed(normalizer, values, rows); break;
  }
}

enum fr_status fr_normalizer_apply_all(const fr_normalizer *normalizer, fr_dataset *data,
                                       fr_error *err) {
  if (normalizer->channels != data->channels.count)
    return fr__fail(err, FR_ERR_ARGUMENT, "a normaliser of %zu channels met %zu of '%s'",
                    normalizer->channels, data->channels.count, data->spec);
  if (normalizer->how == FR_NORMALIZE_WINDOW)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "recordings are not normalised by window, but their samples are");
  for (size_t r = 0; r < data->count; r++)
    fr_normalizer_apply(normalizer, data->record[r].values, data->record[r].steps);
  return FR_OK;
}
