/* SPDX-License-Identifier: Apache-2.0 */
/* A small problem that a network must learn: two crescents, interleaved. */
#ifndef TESTS_TRAIN_TOY_H
#define TESTS_TRAIN_TOY_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "frugal/train.h"

enum { TOY_COUNT = 150, TOY_CHANNELS = 2, TOY_CLASSES = 2 };

typedef struct toy {
  float value[TOY_COUNT][TOY_CHANNELS];
  const float *x[TOY_COUNT];
  uint32_t label[TOY_COUNT];
} toy;

/* Borrows `t`, which must stay where it is. */
static inline fr_samples toy_samples(toy *t, uint64_t seed) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 99);
  for (size_t i = 0; i < TOY_COUNT; i++) {
    const double turn = 3.14159265 * fr__rng_uniform(&rng), side = i % 2 == 0 ? 1 : -1;
    t->value[i][0] = (float)(side * (cos(turn) - 0.5) + 0.1 * fr__rng_normal(&rng));
    t->value[i][1] = (float)(side * (sin(turn) - 0.25) + 0.1 * fr__rng_normal(&rng));
    t->x[i] = t->value[i];
    t->label[i] = i % 2;
  }
  return (fr_samples){.count = TOY_COUNT,
                      .steps = 1,
                      .channels = TOY_CHANNELS,
                      .x = t->x,
                      .label = t->label};
}

static inline fr_net *toy_net(const char *arch, uint64_t seed) {
  fr_net *net = NULL;
  fr_error err = {.text = ""};
  const fr_shape input = {.steps = 1, .channels = TOY_CHANNELS};
  fr_net_new(arch, input, TOY_CLASSES, &net, &err);
  assert_string_equal(err.text, "");
  fr_net_init(net, seed, 0);
  return net;
}

static inline void toy_assert_same_layers(const fr_net *a, const fr_net *b,
                                          size_t layers) {
  size_t count, other;
  const fr_tensor *x = fr_net_tensors(a, &count), *y = fr_net_tensors(b, &other);
  for (size_t i = 0; i < count && x[i].layer < layers; i++) {
    assert_true(i < other && x[i].count == y[i].count);
    assert_memory_equal(x[i].value, y[i].value, x[i].count * sizeof(float));
  }
}

static inline bool toy_same_weights(const fr_net *a, const fr_net *b) {
  size_t count, other;
  const fr_tensor *x = fr_net_tensors(a, &count), *y = fr_net_tensors(b, &other);
  for (size_t i = 0; i < count; i++)
    if (memcmp(x[i].value, y[i].value, x[i].count * sizeof(float)) != 0)
      return false;
  return count == other;
}

#endif
