/* SPDX-License-Identifier: Apache-2.0 */
/* What happens once a run: arrays, optimizer, the teacher's pass, the frozen layers'. */
#include "train/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/thaw.h"
#include "train/watch.h"

size_t fr__run_stride(const fr__run *r) {
  const size_t size = r->batch.size, count = r->train.count;
  const size_t batches = r->options->accumulate > 1 ? r->options->accumulate : 1;
  return batches > count / size ? count : batches * size;
}

size_t fr__run_steps_per_epoch(const fr__run *r) {
  const size_t stride = fr__run_stride(r);
  return (r->train.count - 1) / stride + 1;
}

static enum fr_status init_feeds(fr__run *r, const fr_samples *train,
                                 const fr_samples *validate, fr_error *err) {
  const enum fr_status status = fr__feed_init(&r->train, r->net, train, "training", err);
  if (status != FR_OK || validate == NULL)
    return status;
  return fr__feed_init(&r->validate, r->net, validate, "validation", err);
}

/* The batch must hold what the first layer takes and what each takes that is ever the
 * first trained one. */
static size_t batch_width(const fr__run *r) {
  size_t most = r->train.width;
  for (size_t layer = r->options->unfreeze > 0 ? 0 : r->first; layer <= r->first;
       layer++) {
    const fr_shape shape =
        layer > 0 ? fr_net_layer_shape(r->net, layer - 1) : fr_net_input(r->net);
    const size_t width = shape.steps * shape.channels;
    most = width > most ? width : most;
  }
  return most;
}

static enum fr_status init_arrays(fr__run *r, fr_error *err) {
  const size_t count = r->train.count, classes = fr_net_classes(r->net);
  const size_t size = r->options->batch < count ? r->options->batch : count;
  r->result.history = calloc(r->options->epochs, sizeof *r->result.history);
  if (r->result.history == NULL)
    return fr__fail_memory(err, "the history of training");
  const enum fr_status status = fr__order_init(
      &r->order, count, r->options->balanced ? r->train.label : NULL, classes, err);
  if (status != FR_OK)
    return status;
  enum fr_status made =
      fr__batch_init(&r->batch, size, batch_width(r), classes, true, err);
  if (made == FR_OK && r->options->augment != NULL)
    made = fr__batch_reserve_augment(&r->batch, r->options->augment, fr_net_input(r->net),
                                     err);
  return made;
}

/* Classes that are drawn equally often count the same in validation, too: else the
 * weights that are kept would be the best for the classes with many samples. */
static enum fr_status init_validate_loss(fr__run *r, fr_error *err) {
  const size_t classes = fr_net_classes(r->net);
  r->validate_loss = r->options->loss;
  if (!r->options->balanced || r->options->loss.class_weight != NULL ||
      r->options->loss.kind != FR_LOSS_CROSS_ENTROPY)
    return FR_OK;
  r->balance = calloc(classes, sizeof *r->balance);
  if (r->balance == NULL)
    return fr__fail_memory(err, "class weights");
  r->validate_loss.class_weight = r->balance;
  return fr_loss_balanced_weights(r->train.label, r->train.count, classes, r->balance,
                                  err);
}

/* Of all layers that are ever trained. */
static enum fr_status init_optimizer(fr__run *r, fr_error *err) {
  const bool thaws = r->options->unfreeze > 0;
  const size_t lowest = thaws ? r->options->unfreeze_to : r->first;
  enum fr_status status = fr_optimizer_new(r->net, lowest, &r->options->optimizer,
                                           r->options->rate_scale, &r->optimizer, err);
  if (status == FR_OK)
    status = fr__snapshot_init(&r->best, r->net, lowest, err);
  return status;
}

static enum fr_status init_network(fr__run *r, fr_error *err) {
  const size_t threads = r->options->threads > 0 ? r->options->threads : 1;
  enum fr_status status = fr_net_set_threads(r->net, threads, err);
  if (status == FR_OK)
    status = init_optimizer(r, err);
  if (status == FR_OK)
    status = fr__thaw_init(r, err);
  if (status != FR_OK)
    return status;
  if (r->cost.update == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "no layer from %zu on has weights to train",
                    r->options->first_trained);
  fr_net_seed(r->net, r->options->seed);
  return FR_OK;
}

enum fr_status fr__run_init(fr__run *r, const fr_samples *train,
                            const fr_samples *validate, fr_error *err) {
  enum fr_status status = init_feeds(r, train, validate, err);
  if (status == FR_OK)
    status = init_arrays(r, err);
  if (status == FR_OK)
    status = init_validate_loss(r, err);
  if (status == FR_OK)
    status = init_network(r, err);
  return status;
}

void fr__run_release(fr__run *r) {
  fr__ahead_free(r->ahead);
  fr_net_set_lengths(r->net, NULL); /* they were the batch's */
  if (r->options->teacher != NULL)
    fr_net_set_lengths(r->options->teacher, NULL);
  fr__checkpoints_release(&r->checkpoints);
  fr__snapshot_release(&r->best);
  fr__gradients_release(&r->gradients);
  fr_optimizer_free(r->optimizer);
  fr__batch_release(&r->batch);
  fr__order_release(&r->order);
  free(r->balance);
  fr__feed_release(&r->validate);
  fr__feed_release(&r->train);
}

/* ---- passes that are needed once ---- */

/* The teacher's logits for every training sample as it is, into the feed. */
static enum fr_status teach_feed(fr__run *r, fr_error *err) {
  fr__feed *feed = &r->train;
  fr_net *teacher = r->options->teacher;
  const size_t classes = fr_net_classes(r->net);
  float *logits;
  const enum fr_status status = fr__feed_reserve_logits(feed, classes, &logits, err);
  if (status != FR_OK)
    return status;
  fr__phase_begin(r->observer, "teacher");
  for (size_t at = 0; at < feed->count; at += r->batch.size) {
    const size_t left = feed->count - at, n = left < r->batch.size ? left : r->batch.size;
    fr__feed_gather(feed, NULL, at, n, &r->batch, teacher);
    const float *output =
        fr_net_forward(teacher, r->batch.x, n, 0, fr_net_layer_count(teacher), false);
    memcpy(logits + at * classes, output, n * classes * sizeof *logits);
  }
  fr__phase_end(r->observer);
  feed->logits = logits;
  r->result.operations += fr_net_operations(teacher) * feed->count;
  return FR_OK;
}

/* Augmented samples are new in every epoch: their logits come batch by batch. */
static enum fr_status prepare_teacher(fr__run *r, fr_error *err) {
  fr_net *teacher = r->options->teacher;
  if (teacher == NULL)
    return FR_OK;
  const size_t threads = r->options->threads > 0 ? r->options->threads : 1;
  enum fr_status status = fr_net_set_threads(teacher, threads, err);
  if (status == FR_OK)
    status = fr_net_reserve(teacher, r->batch.size, false, 0, err);
  if (status == FR_OK)
    status = fr__batch_reserve_teacher(&r->batch, fr_net_classes(r->net), err);
  if (status == FR_OK && r->options->augment == NULL)
    status = teach_feed(r, err);
  return status;
}

static enum fr_status prepare_passes(fr__run *r, fr_error *err) {
  if (r->first == 0 && r->options->teacher == NULL)
    return FR_OK;
  const uint64_t operations = r->result.operations;
  const bool resumed = r->result.resumed_from > 0;
  fr__phase_begin(r->observer, "train");
  enum fr_status status = prepare_teacher(r, err);
  if (resumed) /* they are in the sum already */
    r->result.operations = operations;
  if (status == FR_OK)
    status = resumed ? fr__thaw_resume(r, err) : fr__thaw_feed(r, err);
  fr__phase_end(r->observer);
  return status;
}

enum fr_status fr__run_prepare(fr__run *r, fr_error *err) {
  const enum fr_status status = prepare_passes(r, err);
  return status == FR_OK ? fr__ahead_new(r, &r->ahead, err) : status;
}
