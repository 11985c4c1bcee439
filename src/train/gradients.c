/* SPDX-License-Identifier: Apache-2.0 */
#include "train/gradients.h"

#include <stdlib.h>

#include "base/error.h"

enum fr_status fr__gradients_init(fr__gradients *gradients, const fr_net *net,
                                  fr_error *err) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  *gradients = (fr__gradients){0};
  for (size_t i = 0; i < count; i++)
    gradients->count += tensor[i].gradient != NULL ? tensor[i].count : 0;
  gradients->sum = calloc(gradients->count + 1, sizeof *gradients->sum);
  return gradients->sum == NULL ? fr__fail_memory(err, "the sum of gradients") : FR_OK;
}

void fr__gradients_release(fr__gradients *gradients) {
  free(gradients->sum);
  *gradients = (fr__gradients){0};
}

void fr__gradients_add(fr__gradients *gradients, const fr_net *net, double weight) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  float *sum = gradients->sum;
  const float factor = (float)weight;
  /* What was there before the first is of the step before, and may be anything. */
  const bool anew = gradients->weight == 0;
  for (size_t i = 0; i < count; i++) {
    const float *gradient = tensor[i].gradient;
    if (gradient == NULL)
      continue;
    for (size_t k = 0; k < tensor[i].count; k++)
      sum[k] = (anew ? 0.0f : sum[k]) + factor * gradient[k];
    sum += tensor[i].count;
  }
  gradients->weight += weight;
}

void fr__gradients_finish(fr__gradients *gradients, const fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  const float *sum = gradients->sum;
  const float share = gradients->weight > 0 ? (float)(1 / gradients->weight) : 0.0f;
  for (size_t i = 0; i < count; i++) {
    if (tensor[i].gradient == NULL)
      continue;
    for (size_t k = 0; k < tensor[i].count; k++)
      tensor[i].gradient[k] = sum[k] * share;
    sum += tensor[i].count;
  }
  gradients->weight = 0;
}
