/* SPDX-License-Identifier: Apache-2.0 */
/* The two losses, means over the batch, and their gradients. */
#include <math.h>
#include <string.h>

#include "frugal/nn.h"

/*
 * -log softmax(z)[label] = log Σ exp(z_k - m) - (z_label - m), m the greatest logit, so
 * that no exp overflows; d = softmax(z) - t.
 */
static double cross_entropy(const float *z, uint32_t label, size_t classes, float *d,
                            float share) {
  float greatest = z[0];
  for (size_t k = 1; k < classes; k++)
    greatest = z[k] > greatest ? z[k] : greatest;
  double sum = 0;
  for (size_t k = 0; k < classes; k++) {
    const float e = expf(z[k] - greatest);
    sum += (double)e;
    if (d)
      d[k] = e;
  }
  if (d) {
    const float scale = share / (float)sum;
    for (size_t k = 0; k < classes; k++)
      d[k] *= scale;
    d[label] -= share;
  }
  return log(sum) - ((double)z[label] - (double)greatest);
}

/* 1/2 Σ (y - t)², t one-hot; d = y - t */
static double squared(const float *y, uint32_t label, size_t classes, float *d,
                      float share) {
  double sum = 0;
  for (size_t k = 0; k < classes; k++) {
    const float difference = y[k] - (k == label ? 1.0f : 0.0f);
    sum += 0.5 * (double)difference * (double)difference;
    if (d)
      d[k] = difference * share;
  }
  return sum;
}

typedef struct loss_entry {
  const char *name;
  double (*compute)(const float *, uint32_t, size_t, float *, float);
} loss_entry;

static const loss_entry losses[] = {
    [FR_LOSS_CROSS_ENTROPY] = {"cross-entropy", cross_entropy},
    [FR_LOSS_SQUARED] = {"squared", squared},
};

double fr_loss_compute(const fr_loss_options *options, const float *output,
                       const fr_targets *targets, size_t batch, size_t classes,
                       float *d_output) {
  const uint32_t *label = targets->label;
  double sum = 0;
  const float share = 1.0f / (float)batch;
  for (size_t b = 0; b < batch; b++) {
    float *d = d_output ? d_output + b * classes : NULL;
    if (label[b] < classes)
      sum += losses[options->kind].compute(output + b * classes, label[b], classes, d,
                                           share);
    else if (d) /* no class: nothing to learn from */
      memset(d, 0, classes * sizeof(float));
  }
  return sum / (double)batch;
}

bool fr_loss_parse(const char *name, enum fr_loss *out) {
  for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
    if (strcmp(losses[i].name, name) == 0) {
      *out = (enum fr_loss)i;
      return true;
    }
  return false;
}

const char *fr_loss_name(enum fr_loss loss) { return losses[loss].name; }
