/* SPDX-License-Identifier: Apache-2.0 */
#include "adapt/prune_mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

bool fr__prune_is_product(const fr_tensor *tensor) {
  return tensor->trained && tensor->rank > 1;
}

size_t fr__prune_weights(const fr_net *net, size_t *zeros) {
  size_t count, weights = 0, none = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; fr__prune_is_product(&tensor[i]) && k < tensor[i].count;
         k++, weights++)
      none += tensor[i].value[k] == 0;
  if (zeros != NULL)
    *zeros = none;
  return weights;
}

enum fr_status fr__prune_mask_init(fr__prune_mask *mask, const fr_net *net, bool scored,
                                   fr_error *err) {
  const size_t weights = fr__prune_weights(net, NULL);
  *mask = (fr__prune_mask){.weights = weights,
                           .keep = calloc(weights + 1, sizeof(float)),
                           .score = scored ? calloc(weights + 1, sizeof(float)) : NULL,
                           .room = calloc(weights + 1, sizeof(float))};
  if (mask->keep == NULL || mask->room == NULL || (scored && mask->score == NULL))
    return fr__fail_memory(err, "the mask of weights");
  for (size_t i = 0; i < weights; i++)
    mask->keep[i] = 1;
  return FR_OK;
}

void fr__prune_mask_release(fr__prune_mask *mask) {
  free(mask->keep);
  free(mask->score);
  free(mask->room);
  *mask = (fr__prune_mask){0};
}

static void swap(float *a, float *b) {
  const float x = *a;
  *a = *b;
  *b = x;
}

/* The value at place `at` of x in order (Hoare 1961, algorithm 65, as Wirth 1976 has
 * it); moves x about. */
static float in_order(float *x, size_t count, size_t at) {
  ptrdiff_t low = 0, high = (ptrdiff_t)count - 1;
  const ptrdiff_t place = (ptrdiff_t)at;
  while (low < high) {
    const float pivot = x[place];
    ptrdiff_t i = low, j = high;
    do {
      while (x[i] < pivot)
        i++;
      while (pivot < x[j])
        j--;
      if (i <= j)
        swap(&x[i++], &x[j--]);
    } while (i <= j);
    if (j < place)
      low = i;
    if (place < i)
      high = j;
  }
  return x[place];
}

/* The least `drop` of `count` worths go, of equal ones the first. `keep` may be the array
 * of the worths. */
static void drop_least(const float *worth, size_t count, size_t drop, float *room,
                       float *keep) {
  if (drop == 0) {
    for (size_t i = 0; i < count; i++)
      keep[i] = 1;
    return;
  }
  memcpy(room, worth, count * sizeof *room);
  const float last = in_order(room, count, drop - 1);
  size_t below = 0;
  for (size_t i = 0; i < count; i++)
    below += worth[i] < last;
  for (size_t i = 0, equal = drop - below; i < count; i++) {
    const bool goes = worth[i] < last || (worth[i] == last && equal > 0);
    equal -= goes && worth[i] == last;
    keep[i] = goes ? 0.0f : 1.0f;
  }
}

static size_t share_of(size_t count, double amount) {
  const size_t drop = (size_t)((double)count * amount + 1e-9);
  return drop < count ? drop : count - 1; /* one stays */
}

static void fill_sizes(const fr_tensor *tensor, float *worth) {
  for (size_t k = 0; k < tensor->count; k++)
    worth[k] = fabsf(tensor->value[k]);
}

void fr__prune_mask_choose(fr__prune_mask *mask, const fr_net *net, double amount,
                           bool global) {
  size_t count, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  float *worth = mask->score != NULL ? mask->score : mask->keep; /* read, then written */
  for (size_t i = 0; i < count; i++) {
    if (!fr__prune_is_product(&tensor[i]))
      continue;
    if (mask->score == NULL)
      fill_sizes(&tensor[i], worth + at);
    if (!global)
      drop_least(worth + at, tensor[i].count, share_of(tensor[i].count, amount),
                 mask->room + at, mask->keep + at);
    at += tensor[i].count;
  }
  if (global && at > 0)
    drop_least(worth, at, share_of(at, amount), mask->room, mask->keep);
}

void fr__prune_mask_apply(const fr__prune_mask *mask, fr_net *net) {
  size_t count, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; fr__prune_is_product(&tensor[i]) && k < tensor[i].count; k++, at++)
      tensor[i].value[k] = mask->keep[at] != 0 ? tensor[i].value[k] : 0; /* never -0 */
}

void fr__prune_mask_add_taylor(fr__prune_mask *mask, const fr_net *net) {
  size_t count, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; fr__prune_is_product(&tensor[i]) && k < tensor[i].count;
         k++, at++) {
      const float change =
          tensor[i].gradient != NULL ? tensor[i].value[k] * tensor[i].gradient[k] : 0;
      mask->score[at] += change * change;
    }
}
