/* SPDX-License-Identifier: Apache-2.0 */
/* 1/2 Σ (y - t)² of a sample, t one-hot or the values; d = y - t. What is missing adds
 * nothing; a sample counts as one, unless all of it is missing. */
#include "nn/loss.h"

static double weight(const fr_loss_options *options, const fr__loss_sample *s) {
  (void)options;
  for (size_t k = 0; k < s->classes; k++)
    if (!isnan(fr__loss_target(s, k)))
      return 1;
  return 0;
}

static double compute(const fr_loss_options *options, const fr__loss_sample *s,
                      float share) {
  (void)options;
  double sum = 0;
  for (size_t k = 0; k < s->classes; k++) {
    const float target = fr__loss_target(s, k);
    const float difference = isnan(target) ? 0 : s->output[k] - target;
    sum += 0.5 * (double)difference * (double)difference;
    if (s->d)
      s->d[k] = difference * share;
  }
  return sum;
}

const fr__loss_ops fr__loss_squared = {
    .name = "squared", .weight = weight, .compute = compute};
