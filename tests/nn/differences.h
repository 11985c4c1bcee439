/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients against central differences: of a network's tensors, for the weighted sum of
 * its outputs. */
#ifndef FR_TESTS_NN_DIFFERENCES_H
#define FR_TESTS_NN_DIFFERENCES_H

#include <math.h>

#include "made.h"

typedef struct probe {
  fr_net *net;
  size_t batch, classes;
  float *x;
  float *weight; /* of the outputs, (B, K): the loss is their weighted sum */
  bool corners;  /* passes over numbers beside which the slope jumps */
  size_t checked, passed;
} probe;

static inline double probe_loss(const probe *p) {
  fr_net_seed(p->net, 5); /* the same units drop each time */
  const float *y =
      fr_net_forward(p->net, p->x, p->batch, 0, fr_net_layer_count(p->net), true);
  double sum = 0;
  for (size_t i = 0; i < p->batch * p->classes; i++)
    sum += (double)p->weight[i] * (double)y[i];
  return sum;
}

/* The loss with *value moved by `by`; *at is where it then is. */
static inline double probe_beside(const probe *p, float *value, double by, double *at) {
  const float kept = *value;
  *value = (float)((double)kept + by);
  *at = (double)*value;
  const double moved = probe_loss(p);
  *value = kept;
  return moved;
}

/* The slope at *value by central differences of widths h and 2h, extrapolated
 * (Richardson): error of fourth order. *jump: what the slope seems to change by at a
 * corner nearby; small where there is none. */
static inline double probe_slope(const probe *p, float *value, double h, double *jump) {
  double at[4], f[4], middle;
  for (int i = 0; i < 4; i++) /* -2h, -h, h, 2h */
    f[i] = probe_beside(p, value, (i < 2 ? i - 2 : i - 1) * h, &at[i]);
  const double here = probe_beside(p, value, 0, &middle);
  const double near = (f[2] - f[1]) / (at[2] - at[1]),
               far = (f[3] - f[0]) / (at[3] - at[0]);
  const double turn = (f[2] - here) / (at[2] - middle) - (here - f[1]) / (middle - at[1]);
  const double wide = (f[3] - here) / (at[3] - middle) - (here - f[0]) / (middle - at[0]);
  *jump = fmax(fabs(near - far), fabs(2 * turn - wide));
  return (4 * near - far) / 3;
}

static inline double probe_greatest(const float *x, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++)
    most = fmax(most, fabs((double)x[i]));
  return most;
}

/* One number of a tensor. */
static inline void probe_number(probe *p, const fr_tensor *tensor, size_t at,
                                double gradient, double h, double tolerance) {
  double jump;
  const double slope = probe_slope(p, tensor->value + at, h, &jump);
  char what[400];
  snprintf(what, sizeof what, "'%s' B=%zu %s[%zu]", fr_net_text(p->net), p->batch,
           tensor->name, at);
  p->checked++;
  if (p->corners && jump > tolerance / 2)
    p->passed++;
  else
    assert_near(gradient, slope, tolerance, what);
}

static inline void probe_tensor(probe *p, const fr_tensor *tensor, const float *gradient,
                                size_t most, double h, fr__rng *rng) {
  const size_t tries = tensor->count < most ? tensor->count : most;
  const double tolerance = 3e-3 * fmax(1, probe_greatest(gradient, tensor->count));
  for (size_t i = 0; i < tries; i++) {
    const size_t at = tries == tensor->count ? i : fr__rng_below(rng, tensor->count);
    probe_number(p, tensor, at, (double)gradient[at], h, tolerance);
  }
}

/* Up to `most` numbers of each tensor. */
static inline void probe_net(probe *p, size_t most, double h, fr__rng *rng) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(p->net, &count);
  float **gradient = calloc(count, sizeof *gradient);
  probe_loss(p);
  fr_net_backward(p->net, p->weight, p->batch);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].gradient) {
      gradient[i] = malloc(tensor[i].count * sizeof(float));
      memcpy(gradient[i], tensor[i].gradient, tensor[i].count * sizeof(float));
    }
  for (size_t i = 0; i < count; i++)
    if (gradient[i])
      probe_tensor(p, &tensor[i], gradient[i], most, h, rng);
  for (size_t i = 0; i < count; i++)
    free(gradient[i]);
  free(gradient);
}

/* Distinct numbers in [-2, 2], as far from one another and from 0 as there is room: no
 * step of a difference crosses the corner of a relu or of a maximum. */
static inline void probe_spread(fr__rng *rng, float *x, size_t n) {
  size_t *order = malloc(n * sizeof *order);
  for (size_t i = 0; i < n; i++)
    order[i] = i;
  fr__rng_shuffle(rng, order, n);
  for (size_t i = 0; i < n; i++)
    x[i] = (float)(4.0 * ((double)order[i] + 0.5) / (double)n - 2.0);
  if (n % 2 == 1)
    for (size_t i = 0; i < n; i++)
      x[i] += (float)(1.0 / (double)n);
  free(order);
}

/* Biases and the like, of layers from the second on, away from the values that they begin
 * with. */
static inline void probe_shake(const fr_net *net, fr__rng *rng) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].layer > 0 && tensor[i].rank == 1)
      made_numbers(rng, 0.5, 1.5, tensor[i].value, tensor[i].count);
}

#endif
