/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of new classes from the means of their features (Qi et al. 2018, section 3), for a
 * head with lengths and biases: the row of class c points from the mean of the old
 * classes to c's own, m to μ_c, is as long as the old ones are in the mean, and its bias
 * lets c answer at μ_c as the old classes do at their means:
 *
 *   w_c = ρ (μ_c - m) / |μ_c - m|,  b_c = a - w_c·μ_c
 */
#include <math.h>
#include <stdlib.h>

#include "adapt/extend.h"
#include "base/error.h"

typedef struct means {
  const fr__extend_rows *rows;
  const uint32_t *from;
  double *mean;   /* (classes, inputs) */
  double *center; /* (inputs) of the old classes' means; 0 where none is known */
  size_t *count;  /* (classes) */
} means;

static bool is_old(const means *m, size_t k) { return m->from[k] != FR_NONE; }

static void add_up(means *m, const fr_samples *seen) {
  const size_t inputs = m->rows->inputs, classes = m->rows->classes;
  size_t known = 0;
  for (size_t i = 0; i < seen->count; i++) {
    m->count[seen->label[i]]++;
    for (size_t d = 0; d < inputs; d++)
      m->mean[seen->label[i] * inputs + d] += (double)seen->x[i][d];
  }
  for (size_t k = 0; k < classes; k++) {
    known += is_old(m, k) && m->count[k] > 0;
    for (size_t d = 0; d < inputs && m->count[k] > 0; d++)
      m->mean[k * inputs + d] /= (double)m->count[k];
  }
  for (size_t k = 0; k < classes; k++)
    for (size_t d = 0; d < inputs && is_old(m, k) && m->count[k] > 0; d++)
      m->center[d] += m->mean[k * inputs + d] / (double)known;
}

/* ---- of rows ---- */

static double length_of(const fr__extend_rows *rows, size_t k) {
  double square = 0;
  for (size_t i = 0; i < rows->inputs; i++) {
    const double w = (double)rows->weight[i * rows->classes + k];
    square += w * w;
  }
  return sqrt(square);
}

/* Mean over the rows of old classes, or of new ones. */
static double mean_length(const fr__extend_rows *rows, const uint32_t *from, bool old) {
  double sum = 0;
  size_t n = 0;
  for (size_t k = 0; k < rows->classes; k++)
    if ((from[k] != FR_NONE) == old) {
      sum += length_of(rows, k);
      n++;
    }
  return n > 0 ? sum / (double)n : 0;
}

static double answer(const fr__extend_rows *rows, size_t k, const double *x) {
  double sum = (double)rows->bias[k];
  for (size_t i = 0; i < rows->inputs; i++)
    sum += (double)rows->weight[i * rows->classes + k] * x[i];
  return sum;
}

/* What old classes answer at their own means; where those are not known, the most that
 * any answers at the mean of a new one. */
static double usual_answer(const means *m) {
  double own = 0, others = 0;
  size_t olds = 0, news = 0;
  for (size_t k = 0; k < m->rows->classes; k++) {
    const double *x = m->mean + k * m->rows->inputs;
    if (m->count[k] == 0)
      continue;
    if (is_old(m, k)) {
      own += answer(m->rows, k, x);
      olds++;
      continue;
    }
    double most = -INFINITY;
    for (size_t j = 0; j < m->rows->classes; j++)
      if (is_old(m, j))
        most = fmax(most, answer(m->rows, j, x));
    others += isfinite(most) ? most : 0;
    news++;
  }
  return olds > 0 ? own / (double)olds : news > 0 ? others / (double)news : 0;
}

static void set_row(const means *m, size_t k, double length, double usual) {
  const fr__extend_rows *rows = m->rows;
  const double *mean = m->mean + k * rows->inputs;
  double square = 0, dot = 0;
  for (size_t i = 0; i < rows->inputs; i++)
    square += (mean[i] - m->center[i]) * (mean[i] - m->center[i]);
  const double scale = square > 0 ? length / sqrt(square) : 0;
  for (size_t i = 0; i < rows->inputs; i++) {
    const double w = scale * (mean[i] - m->center[i]);
    rows->weight[i * rows->classes + k] = (float)w;
    dot += w * mean[i];
  }
  rows->bias[k] = (float)(usual - dot);
}

enum fr_status fr__extend_imprint(const fr__extend_rows *rows, const uint32_t *from,
                                  const fr_samples *seen, fr_error *err) {
  means m = {.rows = rows,
             .from = from,
             .mean = calloc(rows->classes + 1, rows->inputs * sizeof *m.mean),
             .center = calloc(rows->inputs + 1, sizeof *m.center),
             .count = calloc(rows->classes + 1, sizeof *m.count)};
  const bool room = m.mean != NULL && m.center != NULL && m.count != NULL;
  if (room) {
    add_up(&m, seen);
    const double length = mean_length(rows, from, true), usual = usual_answer(&m);
    for (size_t k = 0; k < rows->classes; k++)
      if (!is_old(&m, k))
        set_row(&m, k, length, usual);
  }
  free(m.mean);
  free(m.center);
  free(m.count);
  return room ? FR_OK : fr__fail_memory(err, "the means of the classes");
}

void fr__extend_align(const fr__extend_rows *rows, const uint32_t *from) {
  const double old = mean_length(rows, from, true),
               fresh = mean_length(rows, from, false);
  if (!(fresh > 0))
    return;
  for (size_t k = 0; k < rows->classes; k++)
    for (size_t i = 0; i < rows->inputs && from[k] == FR_NONE; i++)
      rows->weight[i * rows->classes + k] *= (float)(old / fresh);
}
