/* SPDX-License-Identifier: Apache-2.0 */
/* Augmentations of samples made by hand, and the channels that they are told of. */
#ifndef FR_TESTS_DATA_AUGMENTED_H
#define FR_TESTS_DATA_AUGMENTED_H

#include <math.h>

#include "../test.h"
#include "frugal/data.h"

static inline fr_augment augmented_parse(const char *text) {
  fr_augment augment = {0};
  ASSERT_OK(fr_augment_parse(text, &augment, err));
  return augment;
}

/* `name` (count), with a normaliser of the given numbers (NULL: 0 and 1). */
static inline enum fr_status augmented_bind(fr_augment *augment, const char *const *name,
                                            size_t count, const float *shift,
                                            const float *scale, enum fr_normalize how,
                                            fr_error *err) {
  const fr_names names = {.count = count, .name = (char **)(uintptr_t)name};
  float *zeros = calloc(count + 1, sizeof *zeros),
        *ones = calloc(count + 1, sizeof *ones);
  for (size_t i = 0; i < count; i++)
    ones[i] = 1;
  const fr_normalizer n = {.channels = count,
                           .shift = shift != NULL ? (float *)(uintptr_t)shift : zeros,
                           .scale = scale != NULL ? (float *)(uintptr_t)scale : ones,
                           .how = how};
  const enum fr_status status = fr_augment_bind(augment, &names, &n, err);
  free(zeros);
  free(ones);
  return status;
}

static inline void augmented_apply(const fr_augment *augment, size_t sample, float *x,
                                   size_t steps, size_t channels) {
  float *work = malloc((fr_augment_room(augment, steps, channels) + 1) * sizeof *work);
  fr_augment_apply(augment, 1, 1, sample, x, steps, channels, work);
  free(work);
}

#endif
