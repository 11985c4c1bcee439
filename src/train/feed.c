/* SPDX-License-Identifier: Apache-2.0 */
#include "train/feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/augment.h"

static float *new_floats(size_t rows, size_t columns) {
  if (columns != 0 && rows > SIZE_MAX / sizeof(float) / columns)
    return NULL;
  return malloc(rows * columns * sizeof(float));
}

enum fr_status fr__batch_init(fr__batch *batch, size_t size, size_t width, size_t classes,
                              bool train, fr_error *err) {
  *batch = (fr__batch){.size = size,
                       .x = new_floats(size, width),
                       .label = calloc(size, sizeof *batch->label),
                       .value = new_floats(size, classes),
                       .length = calloc(size, sizeof *batch->length),
                       .d_output = train ? new_floats(size, classes) : NULL};
  if (batch->x == NULL || batch->label == NULL || batch->value == NULL ||
      batch->length == NULL || (train && batch->d_output == NULL)) {
    fr__batch_release(batch);
    return fr__fail_memory(err, "the arrays of one batch");
  }
  return FR_OK;
}

enum fr_status fr__batch_reserve_teacher(fr__batch *batch, size_t classes,
                                         fr_error *err) {
  batch->teacher = new_floats(batch->size, classes);
  return batch->teacher == NULL ? fr__fail_memory(err, "the teacher's logits") : FR_OK;
}

enum fr_status fr__batch_reserve_augment(fr__batch *batch, const fr_augment *augment,
                                         fr_shape input, fr_error *err) {
  const bool mixes = fr__augment_mixup_at(augment) < augment->count;
  batch->work = new_floats(fr_augment_room(augment, input.steps, input.channels) + 1, 1);
  bool room = batch->work != NULL;
  if (mixes) {
    batch->partner = new_floats(input.steps, input.channels);
    batch->other = calloc(batch->size, sizeof *batch->other);
    batch->share = new_floats(batch->size, 1);
    room = room && batch->partner != NULL && batch->other != NULL && batch->share != NULL;
  }
  return room ? FR_OK : fr__fail_memory(err, "the work area of augmentation");
}

void fr__batch_set_teacher(fr__batch *batch, const float *logits, size_t n,
                           size_t classes) {
  memcpy(batch->teacher, logits, n * classes * sizeof *logits);
}

void fr__batch_release(fr__batch *batch) {
  free(batch->work);
  free(batch->partner);
  free(batch->other);
  free(batch->share);
  free(batch->teacher);
  free(batch->x);
  free(batch->label);
  free(batch->value);
  free(batch->length);
  free(batch->d_output);
  *batch = (fr__batch){0};
}

/* Every label is one of the network's classes, or there is a value for each output. */
static enum fr_status check_targets(const fr_net *net, const fr_samples *samples,
                                    const char *what, fr_error *err) {
  const size_t classes = fr_net_classes(net);
  if (samples->count > 0 && samples->value == NULL && samples->label == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "%s samples have neither labels nor values",
                    what);
  if (samples->value != NULL && samples->values != classes)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%s samples with %zu values do not fit a network of %zu outputs",
                    what, samples->values, classes);
  for (size_t i = 0; samples->label != NULL && i < samples->count; i++)
    if (samples->label[i] >= classes)
      return fr__fail(
          err, FR_ERR_ARGUMENT,
          "the label %u of %s sample %zu is none of the network's %zu classes",
          (unsigned)samples->label[i], what, i, classes);
  return FR_OK;
}

enum fr_status fr__feed_init(fr__feed *feed, const fr_net *net, const fr_samples *samples,
                             const char *what, fr_error *err) {
  const fr_shape input = fr_net_input(net);
  if (samples->count > 0 &&
      (samples->steps != input.steps || samples->channels != input.channels))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%s samples of shape (%zu, %zu) do not fit a network that takes "
                    "(%zu, %zu)",
                    what, samples->steps, samples->channels, input.steps, input.channels);
  const enum fr_status status = check_targets(net, samples, what, err);
  if (status != FR_OK)
    return status;
  *feed = (fr__feed){.count = samples->count,
                     .width = input.steps * input.channels,
                     .x = (const float *const *)samples->x,
                     .label = samples->label,
                     .values = samples->values,
                     .value = samples->value,
                     .length = samples->length};
  return FR_OK;
}

void fr__feed_release(fr__feed *feed) {
  fr__keep_release(&feed->kept);
  free(feed->logits);
  *feed = (fr__feed){0};
}

void fr__feed_set_lengths(const fr__feed *feed, const fr__batch *batch, fr_net *net) {
  fr_net_set_lengths(net, feed->length == NULL ? NULL : batch->length);
}

/* Sample k's targets, to place i of the batch. */
static void gather_targets(const fr__feed *feed, size_t k, fr__batch *batch, size_t i,
                           size_t classes) {
  if (feed->label != NULL)
    batch->label[i] = feed->label[k];
  if (feed->value != NULL)
    memcpy(batch->value + i * feed->values, feed->value + k * feed->values,
           feed->values * sizeof *feed->value);
  if (feed->logits != NULL)
    memcpy(batch->teacher + i * classes, feed->logits + k * classes,
           classes * sizeof *feed->logits);
}

void fr__feed_copy(const fr__feed *feed, const size_t *order, size_t at, size_t n,
                   fr__batch *batch, size_t classes) {
  assert(order != NULL || at + n <= feed->count);
  for (size_t i = 0; i < n; i++) {
    const size_t k = order == NULL ? at + i : order[i];
    const float *from = feed->flat == NULL ? feed->x[k] : feed->flat + k * feed->width;
    memcpy(batch->x + i * feed->width, from, feed->width * sizeof *from);
    gather_targets(feed, k, batch, i, classes);
    if (feed->length != NULL)
      batch->length[i] = feed->length[k];
  }
}

void fr__feed_gather(const fr__feed *feed, const size_t *order, size_t at, size_t n,
                     fr__batch *batch, fr_net *net) {
  fr__feed_copy(feed, order, at, n, batch, fr_net_classes(net));
  fr__feed_set_lengths(feed, batch, net);
}

fr_targets fr__feed_targets(const fr__feed *feed, const fr__batch *batch, bool train) {
  return (fr_targets){.label = feed->label == NULL ? NULL : batch->label,
                      .value = feed->value == NULL ? NULL : batch->value,
                      .other = train ? batch->other : NULL,
                      .share = train ? batch->share : NULL,
                      .teacher = train ? batch->teacher : NULL};
}

enum fr_status fr__feed_reserve_logits(const fr__feed *feed, size_t classes,
                                       float **logits, fr_error *err) {
  *logits = new_floats(feed->count, classes);
  return *logits == NULL ? fr__fail_memory(err, "the teacher's logits") : FR_OK;
}
