/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the networks share: networks at hand and numbers to feed them. */
#ifndef FR_TESTS_NN_MADE_H
#define FR_TESTS_NN_MADE_H

#include "../test.h"

#include "base/rng.h"
#include "frugal/nn.h"

/* A network with initial weights and room for a batch in training. */
static inline fr_net *made_net(const char *arch, fr_shape input, size_t classes,
                               size_t batch, size_t first) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(arch, input, classes, &net, err));
  fr_net_init(net, 7, 0);
  ASSERT_OK(fr_net_reserve(net, batch, true, first, err));
  return net;
}

/* Uniform numbers in [low, high). */
static inline void made_numbers(fr__rng *rng, double low, double high, float *x,
                                size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = (float)(low + (high - low) * fr__rng_uniform(rng));
}

/* The tensor of that name; it must be there. */
static inline const fr_tensor *made_tensor(const fr_net *net, const char *name) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(tensor[i].name, name) == 0)
      return &tensor[i];
  fail_msg("no tensor '%s' in '%s'", name, fr_net_text(net));
  return NULL;
}

/* The plain loss against labels. */
static inline double made_loss(enum fr_loss kind, const float *output,
                               const uint32_t *label, size_t batch, size_t classes,
                               float *d_output) {
  const fr_loss_options options = {.kind = kind};
  const fr_targets targets = {.label = label};
  return fr_loss_compute(&options, output, &targets, batch, classes, d_output);
}

static inline void assert_near(double got, double wanted, double tolerance,
                               const char *what) {
  const double difference = got > wanted ? got - wanted : wanted - got;
  if (!(difference <= tolerance))
    fail_msg("%s: %.9g where %.9g was wanted (tolerance %g)", what, got, wanted,
             tolerance);
}

#endif
