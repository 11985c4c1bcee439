/* SPDX-License-Identifier: Apache-2.0 */
/* A problem to be learned class by class: eight clouds around points of a circle. */
#ifndef TESTS_ADAPT_BLOBS_H
#define TESTS_ADAPT_BLOBS_H

#include <math.h>

#include "../test.h"
#include "base/rng.h"
#include "frugal/extend.h"

enum { BLOBS = 6, BLOB_OLD = 4, BLOB_EACH = 24, BLOB_COUNT = BLOBS * BLOB_EACH };

typedef struct blobs {
  float value[BLOB_COUNT][2];
  const float *x[BLOB_COUNT];
  uint32_t label[BLOB_COUNT];
} blobs;

/* The first `classes` of them; borrows `b`. */
static inline fr_samples blob_samples(blobs *b, size_t classes, uint64_t seed) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 5);
  const size_t count = classes * BLOB_EACH;
  for (size_t i = 0; i < count; i++) {
    const size_t k = i % classes;
    const double turn = 2 * 3.14159265 * (double)k / BLOBS;
    b->value[i][0] = (float)(2 * cos(turn) + 0.25 * fr__rng_normal(&rng));
    b->value[i][1] = (float)(2 * sin(turn) + 0.25 * fr__rng_normal(&rng));
    b->x[i] = b->value[i];
    b->label[i] = (uint32_t)k;
  }
  return (fr_samples){
      .count = count, .steps = 1, .channels = 2, .x = b->x, .label = b->label};
}

static char *const blob_names[] = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "b",
                                   (char *)(uintptr_t) "c", (char *)(uintptr_t) "d",
                                   (char *)(uintptr_t) "e", (char *)(uintptr_t) "f"};

/* The first `count` names. */
static inline fr_names blob_classes(size_t count) {
  return (fr_names){count, (char **)(uintptr_t)blob_names};
}

static inline fr_train_options blob_options(size_t epochs) {
  fr_train_options o = fr_train_default_options();
  o.epochs = epochs;
  o.batch = 16;
  o.ahead = false;
  o.optimizer.learning_rate = 0.01f;
  return o;
}

/* Trained on the first four. */
static inline fr_net *blob_old(void) {
  static blobs b;
  const fr_samples train = blob_samples(&b, BLOB_OLD, 1);
  const fr_train_options o = blob_options(30);
  const fr_shape input = {1, 2};
  fr_net *net = NULL;
  fr_train_result result;
  ASSERT_OK(fr_net_new("dense(24) relu dense(16) relu dense(classes)", input, BLOB_OLD,
                       &net, err));
  fr_net_init(net, 3, 0);
  ASSERT_OK(fr_train(net, &train, NULL, &o, NULL, NULL, &result, err));
  fr_train_result_release(&result);
  return net;
}

#endif
