/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of an epoch: copied together, changed, mixed. What is drawn depends on seed,
 * epoch and sample alone. */
#include <string.h>

#include "base/rng.h"
#include "data/augment.h"
#include "train/run.h"

/* What stands for the sample at `place` of the epoch: its number, but its place where a
 * balanced epoch may draw it twice, so that it is changed in two ways. */
static size_t number_of(const fr__run *r, size_t place) {
  return r->options->balanced ? place : r->order.sample[place];
}

static size_t length_of(const fr__run *r, size_t sample) {
  return r->train.length != NULL ? r->train.length[sample] : fr_net_input(r->net).steps;
}

/* Target := λ target + (1 - λ) the partner's; a value that one of them lacks is missing.
 */
static void mix_targets(const fr__run *r, fr__batch *batch, size_t i, size_t partner,
                        float share) {
  const size_t values = r->train.values;
  batch->share[i] = share;
  if (r->train.label != NULL)
    batch->other[i] = r->train.label[partner];
  if (r->train.value == NULL)
    return;
  float *const to = batch->value + i * values;
  for (size_t k = 0; k < values; k++)
    to[k] = share * to[k] + (1.0f - share) * r->train.value[partner * values + k];
}

/*
 * Zhang et al. 2018: x := λ x + (1 - λ) x', targets alike, λ ~ Beta(α, α). x' is any
 * sample of this epoch as its own changes in front of the mixup leave it. Returns the
 * steps that the mixture has: those of the longer one.
 */
static size_t mix(const fr__run *r, size_t epoch, float alpha, size_t mixup, fr__rng *rng,
                  fr__batch *batch, size_t i, size_t steps) {
  const fr_augment *augment = r->options->augment;
  const fr_shape shape = fr_net_input(r->net);
  const size_t width = shape.steps * shape.channels;
  const float share = fr__augment_share(rng, (double)alpha);
  const size_t place = fr__rng_below(rng, r->train.count);
  const size_t sample = r->order.sample[place], length = length_of(r, sample);
  float *const x = batch->x + i * width, *const other = batch->partner;
  fr__rng own;
  memcpy(other, r->train.x[sample], width * sizeof *other);
  fr__augment_seed(&own, r->options->seed, epoch, number_of(r, place));
  fr__augment_run(augment, 0, mixup, &own, other, length, shape.channels, batch->work);
  for (size_t k = 0; k < width; k++)
    x[k] = share * x[k] + (1.0f - share) * other[k];
  mix_targets(r, batch, i, sample, share);
  return length > steps ? length : steps;
}

void fr__run_augment(const fr__run *r, size_t epoch, size_t at, size_t n,
                     fr__batch *batch) {
  const fr_augment *augment = r->options->augment;
  const fr_shape shape = fr_net_input(r->net);
  const size_t mixup = fr__augment_mixup_at(augment);
  for (size_t i = 0; i < n; i++) {
    float *const x = batch->x + i * shape.steps * shape.channels;
    /* behind a sample's end there is nothing to change */
    size_t steps = length_of(r, r->order.sample[at + i]);
    fr__rng rng;
    fr__augment_seed(&rng, r->options->seed, epoch, number_of(r, at + i));
    fr__augment_run(augment, 0, mixup, &rng, x, steps, shape.channels, batch->work);
    if (mixup == augment->count)
      continue;
    steps = mix(r, epoch, augment->item[mixup].value[0], mixup, &rng, batch, i, steps);
    fr__augment_run(augment, mixup + 1, augment->count, &rng, x, steps, shape.channels,
                    batch->work);
    if (r->train.length != NULL)
      batch->length[i] = (uint32_t)steps;
  }
}

void fr__run_fill(const fr__run *r, size_t epoch, size_t at, size_t n, fr__batch *batch) {
  fr__feed_copy(&r->train, r->order.sample + at, 0, n, batch, fr_net_classes(r->net));
  if (r->options->augment != NULL)
    fr__run_augment(r, epoch, at, n, batch);
}
