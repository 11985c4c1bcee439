/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals of figures that have no closed one: the bootstrap over test samples (Efron
 * and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13: percentiles). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "nn/metrics.h"

enum { RESAMPLES = 400, RESAMPLES_LEAST = 40, DRAWS_MOST = 20000000 };
enum { ANSWERS = FR__ANSWER_MISSING + 1 }; /* that an output may give */

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The middle 95 % of x, and what was found itself. Resamples in which no label had both
 * answers have no figure and are passed over. */
static void bound(double *x, size_t n, double found, double *low, double *high) {
  size_t known = 0;
  for (size_t i = 0; i < n; i++)
    if (!isnan(x[i]))
      x[known++] = x[i];
  *low = *high = found;
  if (isnan(found) || known == 0)
    return;
  qsort(x, known, sizeof *x, compare);
  const size_t cut = known / 40;
  *low = fmin(x[cut], found);
  *high = fmax(x[known - 1 - cut], found);
}

typedef struct work {
  const fr_metrics *found;
  fr_metrics drawn;
  uint32_t *cell;  /* (samples) of the confusion matrix; NULL where labels answer */
  uint64_t *tally; /* (labels, ANSWERS); NULL where classes are called */
  double *f1, *weighted, *recall; /* (resamples) */
} work;

/* ---- classes ---- */

/* Which cell of the matrix each sample is in. */
static void spread(const fr_metrics *m, uint32_t *cell) {
  size_t at = 0;
  for (size_t i = 0; i < m->classes * m->classes; i++)
    for (uint64_t k = 0; k < m->confusion[i]; k++)
      cell[at++] = (uint32_t)i;
}

static void draw_classes(work *w, fr__rng *rng) {
  const fr_metrics *m = w->found;
  memset(w->drawn.confusion, 0, m->classes * m->classes * sizeof *w->drawn.confusion);
  for (size_t k = 0; k < m->samples; k++)
    w->drawn.confusion[w->cell[fr__rng_below(rng, m->samples)]]++;
}

static enum fr_status init_classes(work *w, fr_error *err) {
  const fr_metrics *m = w->found;
  w->cell = malloc(m->samples * sizeof *w->cell);
  if (w->cell == NULL)
    return fr__fail_memory(err, "the intervals of metrics");
  spread(m, w->cell);
  return fr_metrics_init(&w->drawn, m->classes, err);
}

/* ---- labels ---- */

/* Samples are drawn with all their answers, which depend on each other. */
static void draw_labels(work *w, fr__rng *rng) {
  const fr_metrics *m = w->found;
  const size_t labels = m->classes;
  memset(w->tally, 0, labels * ANSWERS * sizeof *w->tally);
  for (size_t i = 0; i < m->samples; i++) {
    const uint8_t *answer = m->answer + fr__rng_below(rng, m->samples) * labels;
    for (size_t k = 0; k < labels; k++)
      w->tally[k * ANSWERS + answer[k]]++;
  }
  w->drawn.answers = 0;
  memset(w->drawn.label, 0, labels * sizeof *w->drawn.label);
  for (size_t k = 0; k < labels; k++)
    for (unsigned answer = 0; answer < FR__ANSWER_MISSING; answer++) {
      fr__label_counts_add(&w->drawn.label[k], answer, w->tally[k * ANSWERS + answer]);
      w->drawn.answers += w->tally[k * ANSWERS + answer];
    }
}

static enum fr_status init_labels(work *w, fr_error *err) {
  const fr_metrics *m = w->found;
  if (m->samples > m->room)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "there are no intervals: answers of %zu of %zu samples were kept",
                    m->room, m->samples);
  w->tally = malloc(m->classes * ANSWERS * sizeof *w->tally);
  if (w->tally == NULL)
    return fr__fail_memory(err, "the intervals of metrics");
  return fr_metrics_init_labels(&w->drawn, m->classes, 0, err);
}

/* ---- both ---- */

static size_t resamples(const fr_metrics *m) {
  const size_t width = m->label ? m->classes : 1;
  const size_t fit = DRAWS_MOST / width / m->samples;
  return fit < RESAMPLES_LEAST ? RESAMPLES_LEAST : fit < RESAMPLES ? fit : RESAMPLES;
}

static enum fr_status init(work *w, size_t n, fr_error *err) {
  w->f1 = malloc(n * sizeof *w->f1);
  w->weighted = malloc(n * sizeof *w->weighted);
  w->recall = malloc(n * sizeof *w->recall);
  if (w->f1 == NULL || w->weighted == NULL || w->recall == NULL)
    return fr__fail_memory(err, "the intervals of metrics");
  return w->found->label ? init_labels(w, err) : init_classes(w, err);
}

static void resample(work *w, fr__rng *rng, size_t i) {
  if (w->found->label)
    draw_labels(w, rng);
  else
    draw_classes(w, rng);
  w->drawn.samples = w->found->samples;
  fr_metrics_finish(&w->drawn);
  w->f1[i] = w->drawn.macro_f1;
  w->weighted[i] = w->drawn.weighted_f1;
  w->recall[i] = w->drawn.balanced_accuracy;
}

static void release(work *w) {
  fr_metrics_release(&w->drawn);
  free(w->cell);
  free(w->tally);
  free(w->f1);
  free(w->weighted);
  free(w->recall);
}

enum fr_status fr_metrics_intervals(const fr_metrics *metrics, uint64_t seed,
                                    fr_metrics_bounds *out, fr_error *err) {
  if (metrics->samples == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "nothing was tested");
  const size_t n = resamples(metrics);
  work w = {.found = metrics};
  const enum fr_status status = init(&w, n, err);
  if (status == FR_OK) {
    fr__rng rng;
    fr__rng_init(&rng, seed, 0);
    for (size_t i = 0; i < n; i++)
      resample(&w, &rng, i);
    bound(w.f1, n, metrics->macro_f1, &out->macro_f1_low, &out->macro_f1_high);
    bound(w.weighted, n, metrics->weighted_f1, &out->weighted_f1_low,
          &out->weighted_f1_high);
    bound(w.recall, n, metrics->balanced_accuracy, &out->balanced_accuracy_low,
          &out->balanced_accuracy_high);
  }
  release(&w);
  return status;
}
