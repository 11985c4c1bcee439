/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals of figures that have no closed one: the bootstrap over test samples (Efron
 * and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13: percentiles). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "frugal/nn.h"

enum { RESAMPLES = 400, DRAWS_MOST = 20000000 };

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The middle 95 % of the sorted x, and what was found itself. */
static void bound(double *x, size_t n, double found, double *low, double *high) {
  qsort(x, n, sizeof *x, compare);
  const size_t cut = n / 40;
  *low = fmin(x[cut], found);
  *high = fmax(x[n - 1 - cut], found);
}

/* Which cell of the matrix each sample is in. */
static void spread(const fr_metrics *m, uint32_t *cell) {
  size_t at = 0;
  for (size_t i = 0; i < m->classes * m->classes; i++)
    for (uint64_t k = 0; k < m->confusion[i]; k++)
      cell[at++] = (uint32_t)i;
}

typedef struct work {
  fr_metrics drawn;
  uint32_t *cell;      /* (samples) */
  double *f1, *recall; /* (resamples) */
} work;

static void resample(const fr_metrics *m, work *w, fr__rng *rng, size_t i) {
  memset(w->drawn.confusion, 0, m->classes * m->classes * sizeof *w->drawn.confusion);
  for (size_t k = 0; k < m->samples; k++)
    w->drawn.confusion[w->cell[fr__rng_below(rng, m->samples)]]++;
  w->drawn.samples = m->samples;
  fr_metrics_finish(&w->drawn);
  w->f1[i] = w->drawn.macro_f1;
  w->recall[i] = w->drawn.balanced_accuracy;
}

enum fr_status fr_metrics_intervals(const fr_metrics *metrics, uint64_t seed,
                                    fr_metrics_bounds *out, fr_error *err) {
  const fr_metrics *m = metrics;
  if (m->samples == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "nothing was tested");
  const size_t fit = DRAWS_MOST / m->samples;
  const size_t n = fit < 40 ? 40 : fit < RESAMPLES ? fit : RESAMPLES;
  work w = {.cell = malloc(m->samples * sizeof *w.cell),
            .f1 = malloc(n * sizeof *w.f1),
            .recall = malloc(n * sizeof *w.recall)};
  enum fr_status status = fr_metrics_init(&w.drawn, m->classes, err);
  if (status == FR_OK && (w.cell == NULL || w.f1 == NULL || w.recall == NULL))
    status = fr__fail_memory(err, "the intervals of metrics");
  if (status == FR_OK) {
    fr__rng rng;
    fr__rng_init(&rng, seed, 0);
    spread(m, w.cell);
    for (size_t i = 0; i < n; i++)
      resample(m, &w, &rng, i);
    bound(w.f1, n, m->macro_f1, &out->macro_f1_low, &out->macro_f1_high);
    bound(w.recall, n, m->balanced_accuracy, &out->balanced_accuracy_low,
          &out->balanced_accuracy_high);
  }
  fr_metrics_release(&w.drawn);
  free(w.cell);
  free(w.f1);
  free(w.recall);
  return status;
}
