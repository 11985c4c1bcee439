/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -v t log p - (1 - t) log (1 - p) of each output, p = sigmoid(z) and v its positive
 * weight, times its class weight; what is missing adds nothing. The mean is over values,
 * not over weights (as PyTorch's BCEWithLogitsLoss with `weight` and `pos_weight` has
 * it).
 */
#include "nn/loss.h"

static double weight(const fr_loss_options *options, const fr__loss_sample *s) {
  (void)options;
  size_t told = 0;
  for (size_t k = 0; k < s->classes; k++)
    told += isnan(fr__loss_target(s, k)) ? 0 : 1;
  return (double)told;
}

/* Of one output: the loss and its derivative by z. */
typedef struct point {
  double loss, slope;
} point;

/* log (1 + e^z) - t z = max(z, 0) + log (1 + e^-|z|) - t z, so that no exp overflows;
 * the slope is p - t. To that what a yes weighs beyond 1: -(v - 1) t log p. */
static point entropy(double z, double t, double v) {
  const double e = exp(-fabs(z)), more = (v - 1) * t;
  const double p = (z < 0 ? e : 1) / (1 + e), q = (z < 0 ? 1 : e) / (1 + e);
  const point plain = {.loss = fmax(z, 0) + log1p(e) - t * z, .slope = p - t};
  return (point){.loss = plain.loss + more * (fmax(-z, 0) + log1p(e)),
                 .slope = plain.slope - more * q};
}

/*
 * Lin et al. 2017, equation 4: u^γ times the loss L, u = 1 - p_t = p (1 - t) + (1 - p) t;
 * the slope is u^γ L' + L γ u^(γ-1) u', u' = (1 - 2t) p (1 - p). p (1 - p) <= u, so that
 * u^γ (p (1 - p) / u) is bounded where u^(γ-1) is not.
 */
static point focus(point plain, double z, double t, double gamma) {
  const double e = exp(-fabs(z)), sum = 1 + e;
  const double p = (z < 0 ? e : 1) / sum, q = (z < 0 ? 1 : e) / sum;
  const double u = p * (1 - t) + q * t;
  const double factor = pow(u, gamma), ratio = u > 0 ? p * q / u : 0;
  return (point){.loss = factor * plain.loss,
                 .slope =
                     factor * (plain.slope + plain.loss * gamma * (1 - 2 * t) * ratio)};
}

static double compute(const fr_loss_options *options, const fr__loss_sample *s,
                      float share) {
  double sum = 0;
  for (size_t k = 0; k < s->classes; k++) {
    const double z = (double)s->output[k], t = (double)fr__loss_target(s, k);
    point at = {0, 0};
    if (!isnan(t)) {
      at = entropy(z, t,
                   options->positive_weight ? (double)options->positive_weight[k] : 1);
      if (options->focal > 0)
        at = focus(at, z, t, (double)options->focal);
    }
    const double w = options->class_weight ? (double)options->class_weight[k] : 1;
    sum += w * at.loss;
    if (s->d)
      s->d[k] = (float)(w * at.slope * (double)share);
  }
  return sum;
}

const fr__loss_ops fr__loss_binary = {.name = "binary",
                                      .focuses = true,
                                      .weighs = true,
                                      .lifts = true,
                                      .weight = weight,
                                      .compute = compute};
