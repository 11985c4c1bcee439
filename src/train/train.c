/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "train/cost.h"
#include "train/evaluate.h"
#include "train/feed.h"
#include "train/snapshot.h"
#include "train/watch.h"

#define EPOCHS_CEILING ((size_t)1 << 20)

/* The shuffle of epoch e is stream SHUFFLE_STREAM + e of the seed: it depends on nothing
 * that came before, so that a run can be taken up at any epoch. */
#define SHUFFLE_STREAM ((uint64_t)1 << 32)

/* Everything that one run needs; allocated before its first step. */
typedef struct run {
  fr_net *net;
  const fr_train_options *options;
  const fr_observer *observer;
  const fr_budget *budget;
  size_t
      first; /* the first layer that is trained, and that `train` and `validate` feed */
  size_t layers;
  fr__feed train, validate;
  fr__batch batch;
  size_t *order; /* (train.count), owned */
  fr_optimizer *optimizer;
  fr__snapshot best;
  fr__cost cost;
  size_t epoch; /* that is going on */
  fr_train_result result;
} run;

const char *fr_stop_name(enum fr_stop stop) {
  switch (stop) {
  case FR_STOP_EPOCHS: return "epochs";
  case FR_STOP_PATIENCE: return "patience";
  case FR_STOP_TARGET: return "target";
  case FR_STOP_BUDGET: return "budget";
  case FR_STOP_INTERRUPTED: return "interrupted";
  }
  return "unknown";
}

fr_train_options fr_train_default_options(void) {
  fr_optimizer_options optimizer = fr_optimizer_default_options();
  /* 0.4 points of macro-F1 on held-out training trials of MotionSense, three seeds. */
  optimizer.weight_decay = 0.1f;
  return (fr_train_options){.epochs = 60,
                            .batch = 64,
                            .patience = 8,
                            .seed = 1,
                            .loss = {.kind = FR_LOSS_CROSS_ENTROPY},
                            .optimizer = optimizer};
}

void fr_train_result_release(fr_train_result *result) {
  free(result->history);
  *result = (fr_train_result){0};
}

/* ---- before the loop ---- */

static enum fr_status check_options(const fr_net *net, const fr_samples *train,
                                    const fr_train_options *options, fr_error *err) {
  if (train->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "there are no samples to train on");
  if (options->batch == 0 || options->epochs == 0 || options->epochs > EPOCHS_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu epochs of batches of %zu samples cannot be trained",
                    options->epochs, options->batch);
  if (options->augment != NULL && options->first_trained > 0)
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "augmentation and frozen layers exclude each other: their outputs are "
        "computed once a sample");
  if (options->first_trained >= fr_net_layer_count(net))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "training from layer %zu leaves nothing to train in a network of %zu",
                    options->first_trained, fr_net_layer_count(net));
  return FR_OK;
}

static bool has_tensors(const fr_net *net, size_t layer) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].layer == layer)
      return true;
  return false;
}

/*
 * Layers without parameters behind the frozen ones give the same output in every epoch,
 * too: they are run once a sample with them. Dropout is not, for its output changes.
 */
static size_t skip_constant_layers(const fr_net *net, size_t first) {
  if (first == 0)
    return 0;
  const size_t last = fr_net_layer_count(net) - 1;
  while (first < last && !has_tensors(net, first) && !fr_net_layer_is_random(net, first))
    first++;
  return first;
}

/* Runs the frozen layers over one feed and lets it hand out their outputs from now on. */
static enum fr_status freeze_feed(run *r, fr__feed *feed, fr_error *err) {
  float *flat;
  size_t width;
  if (feed->count == 0)
    return FR_OK;
  const enum fr_status status =
      fr__feed_reserve_flat(feed, r->net, r->first, &flat, &width, err);
  if (status != FR_OK)
    return status;
  fr__phase_begin(r->observer, "frozen");
  for (size_t at = 0; at < feed->count; at += r->batch.size) {
    const size_t left = feed->count - at, n = left < r->batch.size ? left : r->batch.size;
    fr__feed_gather(feed, NULL, at, n, &r->batch, r->net);
    const float *output = fr_net_forward(r->net, r->batch.x, n, 0, r->first, false);
    memcpy(flat + at * width, output, n * width * sizeof *flat);
  }
  fr__phase_end(r->observer);
  r->result.operations += r->cost.frozen * feed->count;
  feed->flat = flat;
  feed->width = width;
  return FR_OK;
}

static enum fr_status freeze_feeds(run *r, fr_error *err) {
  if (r->first == 0)
    return FR_OK;
  fr__phase_begin(r->observer, "train");
  enum fr_status status = freeze_feed(r, &r->train, err);
  if (status == FR_OK)
    status = freeze_feed(r, &r->validate, err);
  fr__phase_end(r->observer);
  return status;
}

static enum fr_status init_feeds(run *r, const fr_samples *train,
                                 const fr_samples *validate, fr_error *err) {
  const enum fr_status status = fr__feed_init(&r->train, r->net, train, "training", err);
  if (status != FR_OK || validate == NULL)
    return status;
  return fr__feed_init(&r->validate, r->net, validate, "validation", err);
}

/* The batch must hold what the first layer takes and what the first trained one takes. */
static size_t batch_width(const run *r) {
  if (r->first == 0)
    return r->train.width;
  const fr_shape shape = fr_net_layer_shape(r->net, r->first - 1);
  const size_t width = shape.steps * shape.channels;
  return width > r->train.width ? width : r->train.width;
}

static enum fr_status init_arrays(run *r, fr_error *err) {
  const size_t count = r->train.count;
  const size_t size = r->options->batch < count ? r->options->batch : count;
  r->order = calloc(count, sizeof *r->order);
  r->result.history = calloc(r->options->epochs, sizeof *r->result.history);
  if (r->order == NULL || r->result.history == NULL)
    return fr__fail_memory(err, "the order and history of training");
  return fr__batch_init(&r->batch, size, batch_width(r), fr_net_classes(r->net), true,
                        err);
}

static enum fr_status init_network(run *r, fr_error *err) {
  enum fr_status status = fr_net_reserve(r->net, r->batch.size, true, r->first, err);
  if (status == FR_OK)
    status = fr_optimizer_new(r->net, r->first, &r->options->optimizer,
                              r->options->rate_scale, &r->optimizer, err);
  if (status == FR_OK)
    status = fr__snapshot_init(&r->best, r->net, r->first, err);
  if (status != FR_OK)
    return status;
  r->cost = fr__cost_of(r->net, r->first, &r->options->optimizer);
  if (r->cost.update == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "no layer from %zu on has weights to train",
                    r->options->first_trained);
  fr_net_seed(r->net, r->options->seed);
  return FR_OK;
}

static enum fr_status init_run(run *r, const fr_samples *train,
                               const fr_samples *validate, fr_error *err) {
  enum fr_status status = init_feeds(r, train, validate, err);
  if (status == FR_OK)
    status = init_arrays(r, err);
  if (status == FR_OK)
    status = init_network(r, err);
  if (status == FR_OK)
    status = freeze_feeds(r, err);
  return status;
}

static void release_run(run *r) {
  fr__snapshot_release(&r->best);
  fr_optimizer_free(r->optimizer);
  fr__batch_release(&r->batch);
  fr__feed_release(&r->validate);
  fr__feed_release(&r->train);
  free(r->order);
}

/* ---- the loop ---- */

static void shuffle(run *r, size_t epoch) {
  fr__rng rng;
  fr__rng_init(&rng, r->options->seed, SHUFFLE_STREAM + epoch);
  for (size_t i = 0; i < r->train.count; i++)
    r->order[i] = i;
  fr__rng_shuffle(&rng, r->order, r->train.count);
}

/* Samples order[at .. at + n - 1] as they lie in the batch. */
static void augment(const run *r, size_t at, size_t n) {
  const fr_shape shape = fr_net_input(r->net);
  fr__phase_begin(r->observer, "augment");
  for (size_t i = 0; i < n; i++)
    fr_augment_apply(r->options->augment, r->options->seed, r->epoch, r->order[at + i],
                     r->batch.x + i * r->train.width, shape.steps, shape.channels);
  fr__phase_end(r->observer);
}

/* Tests, then adjusts, on n samples; the loss, which is not adjusted to where it is not
 * finite. */
static double step(run *r, size_t at, size_t n) {
  const size_t classes = fr_net_classes(r->net);
  const fr__batch *batch = &r->batch;
  fr__phase_begin(r->observer, "gather");
  fr__feed_gather(&r->train, r->order + at, 0, n, &r->batch, r->net);
  fr__phase_end(r->observer);

  if (r->options->augment != NULL)
    augment(r, at, n);
  fr__phase_begin(r->observer, "forward");
  const float *output = fr_net_forward(r->net, batch->x, n, r->first, r->layers, true);
  const fr_targets targets = fr__feed_targets(&r->train, batch);
  const double loss =
      fr_loss_compute(&r->options->loss, output, &targets, n, classes, batch->d_output);
  fr__phase_end(r->observer);
  r->result.operations += r->cost.forward * n;
  if (!isfinite(loss))
    return loss;

  fr__phase_begin(r->observer, "backward");
  fr_net_backward(r->net, batch->d_output, n);
  fr__phase_end(r->observer);
  fr__phase_begin(r->observer, "update");
  fr_optimizer_step(r->optimizer);
  fr__phase_end(r->observer);
  r->result.operations += r->cost.backward * n + r->cost.update;
  r->result.steps++;
  return loss;
}

/* All samples once, in a new order. *more becomes false where the budget ends the run. */
static enum fr_status run_epoch(run *r, fr_epoch *epoch, bool *more, fr_error *err) {
  const size_t count = r->train.count;
  double sum = 0;
  enum fr_status status = FR_OK;
  fr__phase_begin(r->observer, "train");
  r->epoch = epoch->epoch;
  shuffle(r, epoch->epoch);
  for (size_t at = 0; at < count && *more; at += r->batch.size) {
    const size_t n = count - at < r->batch.size ? count - at : r->batch.size;
    const double loss = step(r, at, n);
    if (!isfinite(loss)) {
      status = fr__fail(
          err, FR_ERR_NUMERIC,
          "the loss is not finite in epoch %zu, step %zu (learning rate %g)",
          epoch->epoch, r->result.steps + 1, (double)r->options->optimizer.learning_rate);
      break;
    }
    sum += loss * (double)n;
    epoch->step = r->result.steps;
    epoch->train_loss = sum / (double)(at + n);
    fr__step_done(r->observer, r->result.steps, loss);
    const double share = (double)(at + n) / (double)count;
    fr__progress(r->observer, "train",
                 ((double)(epoch->epoch - 1) + share) / (double)epoch->epochs);
    *more = fr__may_go_on(r->budget, epoch);
  }
  fr__phase_end(r->observer);
  return status;
}

static enum fr_status keep(run *r, fr_epoch *epoch, fr_error *err) {
  if (!fr__snapshot_take(&r->best, r->net))
    return fr__fail(err, FR_ERR_NUMERIC,
                    "a weight is not finite after epoch %zu, step %zu", epoch->epoch,
                    epoch->step);
  epoch->best = true;
  r->result.best_epoch = epoch->epoch;
  r->result.best_validate_loss = epoch->validate_loss;
  r->result.best_validate_accuracy = epoch->validate_accuracy;
  return FR_OK;
}

static bool reached_target(const run *r, const fr_epoch *epoch) {
  return r->options->target_accuracy > 0 &&
         epoch->validate_accuracy >=
             r->options->target_accuracy; /* false where it is NaN */
}

/* Looks at the validation side and keeps the weights where they are the best. Without
 * one, the latest are. */
static enum fr_status validate_epoch(run *r, fr_epoch *epoch, fr_error *err) {
  if (r->validate.count == 0)
    return keep(r, epoch, err);
  fr__phase_begin(r->observer, "validate");
  const fr__tally tally = fr__evaluate(r->net, &r->validate, r->first, &r->options->loss,
                                       &r->batch, NULL, NULL, NULL);
  fr__phase_end(r->observer);
  r->result.operations += r->cost.forward * r->validate.count;
  if (!isfinite(tally.loss))
    return fr__fail(err, FR_ERR_NUMERIC,
                    "the validation loss is not finite after epoch %zu, step %zu",
                    epoch->epoch, epoch->step);
  epoch->validate_loss = tally.loss;
  epoch->validate_accuracy = tally.accuracy;
  const bool better =
      r->result.best_epoch == 0 || tally.loss < r->result.best_validate_loss;
  return better || reached_target(r, epoch) ? keep(r, epoch, err) : FR_OK;
}

/* A run that its budget ends amid an epoch keeps its best validated weights, else the
 * latest. */
static enum fr_status cut_epoch(run *r, fr_epoch *epoch, fr_error *err) {
  if (r->validate.count > 0 && r->result.best_epoch > 0)
    return FR_OK;
  return keep(r, epoch, err);
}

static bool out_of_patience(const run *r, const fr_epoch *epoch) {
  return r->options->patience > 0 && r->validate.count > 0 &&
         epoch->epoch - r->result.best_epoch >= r->options->patience;
}

static enum fr_status run_epochs(run *r, fr_error *err) {
  fr_train_result *result = &r->result;
  enum fr_status status = FR_OK;
  bool more = true;
  result->stop = FR_STOP_EPOCHS;
  while (more && result->epochs < r->options->epochs) {
    fr_epoch *epoch = &result->history[result->epochs];
    *epoch = (fr_epoch){.epoch = result->epochs + 1,
                        .epochs = r->options->epochs,
                        .validate_loss = NAN,
                        .validate_accuracy = NAN};
    status = run_epoch(r, epoch, &more, err);
    if (status == FR_OK)
      status = more ? validate_epoch(r, epoch, err) : cut_epoch(r, epoch, err);
    if (status != FR_OK)
      break;
    result->epochs++;
    fr__epoch_done(r->observer, epoch);
    if (!more)
      result->stop = FR_STOP_BUDGET;
    else if (reached_target(r, epoch))
      result->stop = FR_STOP_TARGET;
    else if (out_of_patience(r, epoch))
      result->stop = FR_STOP_PATIENCE;
    more = result->stop == FR_STOP_EPOCHS;
  }
  fr__snapshot_restore(&r->best, r->net);
  return status;
}

enum fr_status fr_train(fr_net *net, const fr_samples *train, const fr_samples *validate,
                        const fr_train_options *options, const fr_observer *observer,
                        const fr_budget *budget, fr_train_result *result, fr_error *err) {
  enum fr_status status = check_options(net, train, options, err);
  if (status != FR_OK)
    return status;
  run r = {.net = net,
           .options = options,
           .observer = observer,
           .budget = budget,
           .first = skip_constant_layers(net, options->first_trained),
           .layers = fr_net_layer_count(net)};
  status = init_run(&r, train, validate, err);
  if (status == FR_OK)
    status = run_epochs(&r, err);
  if (status == FR_OK)
    *result = r.result;
  else
    fr_train_result_release(&r.result);
  release_run(&r);
  return status;
}
