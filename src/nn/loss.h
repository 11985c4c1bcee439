/* SPDX-License-Identifier: Apache-2.0 */
/* What a loss is: one file, one descriptor, one line in the table of loss.c. */
#ifndef FR_NN_LOSS_H
#define FR_NN_LOSS_H

#include <math.h>

#include "frugal/nn.h"

/* One sample of a batch. */
typedef struct fr__loss_sample {
  size_t classes; /* K */
  uint32_t label; /* no class where `value` tells */
  uint32_t other; /* mixed with the label, which has `share`; the label: not mixed */
  float share;
  const float *value;   /* (K); NULL: `label` tells */
  const float *teacher; /* (K); NULL: none */
  const float *output;  /* (K) */
  float *d;             /* (K); NULL: not wanted */
} fr__loss_sample;

typedef struct fr__loss_ops {
  const char *name;
  bool smooths, focuses, weighs, lifts, distills; /* the options it knows */
  /* What the sample adds to the divisor of the mean; looks at the targets alone. */
  double (*weight)(const fr_loss_options *options, const fr__loss_sample *sample);
  /* Its loss, and `share` times the gradient into d: zeros where it is left out. */
  double (*compute)(const fr_loss_options *options, const fr__loss_sample *sample,
                    float share);
} fr__loss_ops;

/* What output k is compared with; NaN: with nothing. */
static inline float fr__loss_target(const fr__loss_sample *s, size_t k) {
  if (s->value)
    return s->value[k];
  if (s->label >= s->classes || s->other >= s->classes)
    return NAN;
  if (s->other == s->label)
    return k == s->label ? 1.0f : 0.0f;
  return k == s->label ? s->share : k == s->other ? 1.0f - s->share : 0.0f;
}

extern const fr__loss_ops fr__loss_cross_entropy, fr__loss_squared, fr__loss_binary;

#endif
