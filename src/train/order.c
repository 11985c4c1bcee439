/* SPDX-License-Identifier: Apache-2.0 */
#include "train/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

/* Epoch e is stream SHUFFLE_STREAM + e of the seed. */
#define SHUFFLE_STREAM ((uint64_t)1 << 32)

/* Counting sort by class: `begin` of each that occurs, `member` behind it. `place` (K) is
 * scratch: counts, then where the next one goes. */
static void group(fr__order *order, const uint32_t *label, size_t classes,
                  size_t *place) {
  size_t begin = 0;
  for (size_t i = 0; i < order->count; i++)
    place[label[i]]++;
  for (size_t k = 0; k < classes; k++) {
    const size_t size = place[k];
    place[k] = begin;
    begin += size;
    if (size > 0)
      order->begin[++order->classes] = begin;
  }
  for (size_t i = 0; i < order->count; i++)
    order->member[place[label[i]]++] = i;
}

static enum fr_status init_balanced(fr__order *order, const uint32_t *label,
                                    size_t classes, fr_error *err) {
  size_t *place = calloc(classes, sizeof *place);
  order->member = calloc(order->count, sizeof *order->member);
  order->dealt = calloc(order->count, sizeof *order->dealt);
  order->begin = calloc(classes + 1, sizeof *order->begin);
  const bool room = place != NULL && order->member != NULL && order->dealt != NULL &&
                    order->begin != NULL;
  if (room)
    group(order, label, classes, place);
  free(place);
  return room ? FR_OK : fr__fail_memory(err, "the samples of each class");
}

enum fr_status fr__order_init(fr__order *order, size_t count, const uint32_t *label,
                              size_t classes, fr_error *err) {
  *order = (fr__order){.count = count, .sample = calloc(count, sizeof *order->sample)};
  if (order->sample == NULL)
    return fr__fail_memory(err, "the order of the samples");
  return label == NULL ? FR_OK : init_balanced(order, label, classes, err);
}

void fr__order_release(fr__order *order) {
  free(order->sample);
  free(order->member);
  free(order->dealt);
  free(order->begin);
  *order = (fr__order){0};
}

/*
 * The classes in turn, from one that is drawn, and of each its samples in turn, from the
 * first again when they are used up: neither two classes nor two samples of one class
 * differ by more than one in how often they occur.
 */
static void deal(fr__order *order, fr__rng *rng) {
  memcpy(order->dealt, order->member, order->count * sizeof *order->dealt);
  for (size_t k = 0; k < order->classes; k++)
    fr__rng_shuffle(rng, order->dealt + order->begin[k],
                    order->begin[k + 1] - order->begin[k]);
  const size_t start = fr__rng_below(rng, order->classes);
  for (size_t i = 0; i < order->count; i++) {
    const size_t k = (start + i) % order->classes, begin = order->begin[k];
    const size_t turn = i / order->classes % (order->begin[k + 1] - begin);
    order->sample[i] = order->dealt[begin + turn];
  }
}

void fr__order_draw(fr__order *order, uint64_t seed, size_t epoch) {
  fr__rng rng;
  fr__rng_init(&rng, seed, SHUFFLE_STREAM + epoch);
  if (order->classes > 0)
    deal(order, &rng);
  else
    for (size_t i = 0; i < order->count; i++)
      order->sample[i] = i;
  fr__rng_shuffle(&rng, order->sample, order->count);
}
