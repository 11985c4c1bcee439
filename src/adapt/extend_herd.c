/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Herding (Welling 2009; Rebuffi et al. 2017, iCaRL, algorithm 4): p_k is that x for
 * which ||μ - (x + Σ_{j<k} p_j) / k|| is least, μ the mean of the class, all of length 1.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "frugal/extend.h"

typedef struct herd {
  const float *points; /* (count, width) */
  size_t count, width;
  double *inverse; /* (count) of the lengths; a point at 0 stays there */
  double *mean;    /* (width) */
  double *sum;     /* (width) of those chosen */
  bool *taken;     /* (count) */
} herd;

static void measure(herd *h) {
  for (size_t i = 0; i < h->count; i++) {
    const float *x = h->points + i * h->width;
    double square = 0;
    for (size_t d = 0; d < h->width; d++)
      square += (double)x[d] * (double)x[d];
    h->inverse[i] = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t d = 0; d < h->width; d++)
      h->mean[d] += (double)x[d] * h->inverse[i] / (double)h->count;
  }
}

/* The square of what is minimised, point i being the k-th. */
static double distance(const herd *h, size_t i, size_t k) {
  const float *x = h->points + i * h->width;
  double square = 0;
  for (size_t d = 0; d < h->width; d++) {
    const double off =
        h->mean[d] - ((double)x[d] * h->inverse[i] + h->sum[d]) / (double)k;
    square += off * off;
  }
  return square;
}

static size_t next(const herd *h, size_t k) {
  size_t best = SIZE_MAX;
  double least = INFINITY;
  for (size_t i = 0; i < h->count; i++) {
    const double d = h->taken[i] ? INFINITY : distance(h, i, k);
    if (best == SIZE_MAX ? !h->taken[i] : d < least) {
      best = i;
      least = d;
    }
  }
  return best;
}

static void take(herd *h, size_t i) {
  h->taken[i] = true;
  for (size_t d = 0; d < h->width; d++)
    h->sum[d] += (double)h->points[i * h->width + d] * h->inverse[i];
}

enum fr_status fr_extend_herd(const float *points, size_t count, size_t width,
                              size_t want, size_t *chosen, fr_error *err) {
  if (want > count)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu of %zu points cannot be chosen", want,
                    count);
  herd h = {.points = points,
            .count = count,
            .width = width,
            .inverse = calloc(count + 1, sizeof *h.inverse),
            .mean = calloc(width + 1, sizeof *h.mean),
            .sum = calloc(width + 1, sizeof *h.sum),
            .taken = calloc(count + 1, sizeof *h.taken)};
  const bool room =
      h.inverse != NULL && h.mean != NULL && h.sum != NULL && h.taken != NULL;
  if (room)
    measure(&h);
  for (size_t k = 0; room && k < want; k++) {
    chosen[k] = next(&h, k + 1);
    take(&h, chosen[k]);
  }
  free(h.inverse);
  free(h.mean);
  free(h.sum);
  free(h.taken);
  return room ? FR_OK : fr__fail_memory(err, "choosing what to replay");
}
