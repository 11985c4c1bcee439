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

/* Mean and deviation of what is there of `rows` values, `stride` apart. */
static void window_moments(const float *x, size_t rows, size_t stride, double *mean,
                           double *deviation) {
  double count = 0, total = 0, squares = 0;
  for (size_t r = 0; r < rows; r++)
    if (isfinite(x[r * stride])) {
      count += 1;
      total += x[r * stride];
    }
  *mean = count > 0 ? total / count : 0;
  for (size_t r = 0; r < rows; r++)
    if (isfinite(x[r * stride])) {
      const double d = x[r * stride] - *mean;
      squares += d * d;
    }
  *deviation = count > 0 ? sqrt(squares / count) : 0;
}

static void apply_window(const fr_normalizer *n, float *values, size_t rows) {
  for (size_t c = 0; c < n->channels; c++) {
    double mean, deviation;
    window_moments(values + c, rows, n->channels, &mean, &deviation);
    const double most = n->scale[c];
    const double factor = deviation * most > 1 ? 1 / deviation : most;
    for (size_t r = 0; r < rows; r++) {
      float *x = values + r * n->channels + c;
      *x = finite_or_zero((float)((*x - mean) * factor));
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
