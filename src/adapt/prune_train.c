/* SPDX-License-Identifier: Apache-2.0 */
/* Pruning with training around it: scores, rounds, refinement, the search of an amount.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/prune_mask.h"
#include "adapt/prune_run.h"
#include "base/error.h"
#include "train/watch.h"

#define REFINE_EPOCHS 20

/* ---- pieces ---- */

enum fr_status fr__prune_clone(const fr_net *net, fr_net **out, fr_error *err) {
  fr_net *copy = NULL;
  enum fr_status status =
      fr_net_new(fr_net_text(net), fr_net_input(net), fr_net_classes(net), &copy, err);
  if (status == FR_OK)
    status = fr_net_copy(copy, net, fr_net_layer_count(net), err);
  if (status != FR_OK) {
    fr_net_free(copy);
    return status;
  }
  fr_net_set_precision(copy, fr_net_precision(net));
  *out = copy;
  return FR_OK;
}

static bool may_validate(const fr__pruning *p) {
  return p->validate != NULL && p->validate->count > 0;
}

enum fr_status fr__prune_validate(fr__pruning *p, fr_net *net, double *accuracy,
                                  fr_error *err) {
  fr_metrics metrics;
  *accuracy = NAN;
  if (!may_validate(p))
    return FR_OK;
  /* the phase is not "test": nothing of that side is looked at */
  fr__phase_begin(p->observer, "validate");
  const enum fr_status status = fr_test(net, p->validate, &p->options->loss,
                                        p->options->batch, NULL, &metrics, err);
  fr__phase_end(p->observer);
  if (status != FR_OK)
    return status;
  *accuracy = metrics.accuracy;
  p->result.operations += fr_net_operations(net) * p->validate->count;
  fr_metrics_release(&metrics);
  return FR_OK;
}

size_t fr__prune_epochs(const fr__pruning *p) {
  if (p->prune->epochs > 0)
    return p->prune->epochs;
  return p->options->epochs < REFINE_EPOCHS ? p->options->epochs : REFINE_EPOCHS;
}

enum fr_status fr__prune_stage(fr__pruning *p, fr_net *net, const fr__prune_stage_of *how,
                               fr_error *err) {
  fr_train_options o = *p->options;
  fr_train_result trained = {0};
  o.epochs = how->epochs;
  o.checkpoint = NULL;
  o.hold = how->hold;
  o.optimizer.learning_rate *= how->rate;
  if (how->epochs < p->options->epochs)
    o.schedule.warmup = 0; /* it was warmed up before */
  if (p->prune->taught > 0 && how->budget == NULL && o.teacher == NULL &&
      o.loss.kind == FR_LOSS_CROSS_ENTROPY) {
    o.teacher = p->net;
    o.loss.distill = p->prune->taught;
    o.loss.temperature = 2;
  }
  const enum fr_status status =
      fr_train(net, p->train, how->validated ? p->validate : NULL, &o, p->observer,
               how->budget != NULL ? how->budget : p->budget, &trained, err);
  if (status != FR_OK)
    return status;
  p->result.epochs += trained.epochs;
  p->result.operations += trained.operations;
  p->result.stop = trained.stop;
  fr_train_result_release(&trained);
  if (p->result.stop == FR_STOP_INTERRUPTED)
    return fr__fail(err, FR_ERR_CANCELLED,
                    "interrupted while pruning: the model stays as it was");
  return FR_OK;
}

bool fr__prune_may_go_on(const fr__pruning *p) {
  return p->result.stop != FR_STOP_BUDGET;
}

/* ---- scores by the gradient ---- */

/*
 * One pass over the training samples is an epoch at a learning rate of 0, of a copy:
 * dropout and bn work as in training, class weights and a teacher count, and nothing but
 * the copy's running statistics changes.
 */
enum fr_status fr__prune_score(fr__pruning *p, const fr_net *net,
                               const fr_train_hold *hold, fr_error *err) {
  fr_net *copy = NULL;
  fr_train_options o = *p->options;
  fr_train_result trained = {0};
  o.epochs = 1;
  o.accumulate = 1;
  o.first_trained = 0;
  o.rate_scale = NULL;
  o.augment = NULL;
  o.checkpoint = NULL;
  o.hold = hold;
  o.schedule = (fr_schedule){0};
  o.target_accuracy = 0;
  o.precision = FR_TRAIN_F32;
  o.optimizer = fr_optimizer_usual_options(FR_OPTIMIZER_SGD);
  o.optimizer.learning_rate = o.optimizer.momentum = 0;
  enum fr_status status = fr__prune_clone(net, &copy, err);
  if (status == FR_OK) {
    fr__phase_begin(p->observer, "score");
    status = fr_train(copy, p->train, NULL, &o, NULL, p->budget, &trained, err);
    fr__phase_end(p->observer);
  }
  p->result.operations += trained.operations;
  if (status == FR_OK && trained.stop == FR_STOP_INTERRUPTED)
    status = fr__fail(err, FR_ERR_CANCELLED,
                      "interrupted while pruning: the model stays as it was");
  fr_train_result_release(&trained);
  fr_net_free(copy);
  return status;
}

/* ---- rewinding ---- */

typedef struct stop_at {
  const fr_budget *budget;
  size_t step;
} stop_at;

static bool goes_on(void *self, const fr_epoch *epoch) {
  const stop_at *s = self;
  return epoch->step < s->step && fr__may_go_on(s->budget, epoch);
}

static bool is_interrupted(void *self) {
  const stop_at *s = self;
  return fr__interrupted(s->budget);
}

static size_t steps_per_epoch(const fr__pruning *p) {
  const size_t count = p->train->count;
  const size_t size = p->options->batch < count ? p->options->batch : count;
  const size_t batches = p->options->accumulate > 1 ? p->options->accumulate : 1;
  const size_t stride = batches > count / size ? count : batches * size;
  return (count - 1) / stride + 1;
}

enum fr_status fr__prune_early(fr__pruning *p, const fr_net *net, fr_net **out,
                               fr_error *err) {
  stop_at stop = {p->budget, 0};
  const fr_budget budget = {&stop, goes_on, is_interrupted};
  fr_net *early = NULL;
  enum fr_status status = fr__prune_clone(net, &early, err);
  if (status == FR_OK) {
    fr_net_set_precision(early, FR_PRECISION_F32);
    fr_net_init(early, p->options->seed, p->options->first_trained);
  }
  if (status == FR_OK && p->prune->rewind > 0) {
    stop.step = p->prune->rewind * steps_per_epoch(p);
    const fr__prune_stage_of stage = {
        .epochs = p->options->epochs, .rate = 1, .budget = &budget};
    status = fr__prune_stage(p, early, &stage, err);
    p->result.stop = FR_STOP_EPOCHS;
  }
  if (status == FR_OK)
    *out = early;
  else
    fr_net_free(early);
  return status;
}

/* ---- one amount ---- */

/* A pruned and refined network from p->net, which stays: *out is the caller's. */
static enum fr_status prune_to(fr__pruning *p, double amount, fr_net **out,
                               fr_error *err) {
  fr__phase_begin(p->observer, "prune");
  const enum fr_status status = p->prune->kind == FR_PRUNE_STRUCTURED
                                    ? fr__prune_structured(p, amount, out, err)
                                    : fr__prune_unstructured(p, amount, out, err);
  fr__phase_end(p->observer);
  return status;
}

/* ---- the greatest amount ---- */

#define SEARCH_TRIES 5 /* to one part in 32 */

static enum fr_status try_amount(fr__pruning *p, double amount, fr_net **best,
                                 double *accuracy, bool *good, fr_error *err) {
  fr_net *net = NULL;
  double now = NAN;
  enum fr_status status = prune_to(p, amount, &net, err);
  if (status == FR_OK)
    status = fr__prune_validate(p, net, &now, err);
  p->result.tries++;
  *good =
      status == FR_OK && now >= p->result.validate_before - p->prune->until / 100 - 1e-12;
  if (*good) {
    fr_net_free(*best);
    *best = net;
    *accuracy = now;
    p->result.amount = amount;
  } else {
    fr_net_free(net);
  }
  return status;
}

/* Halves what is left of (0, 1) each time: what was too much is below it, what was not is
 * above. Where nothing is small enough the network stays as it was, amount 0. */
static enum fr_status search(fr__pruning *p, fr_net **out, fr_error *err) {
  double low = 0, high = 1, accuracy = p->result.validate_before;
  enum fr_status status = FR_OK;
  fr_net *best = NULL;
  p->result.amount = 0;
  for (size_t i = 0; i < SEARCH_TRIES && status == FR_OK && fr__prune_may_go_on(p); i++) {
    const double middle = (low + high) / 2;
    bool good;
    status = try_amount(p, middle, &best, &accuracy, &good, err);
    *(good ? &low : &high) = middle;
  }
  if (status == FR_OK && best == NULL)
    status = fr__prune_clone(p->net, &best, err);
  p->result.validate_after = accuracy;
  if (status == FR_OK)
    *out = best;
  else
    fr_net_free(best);
  return status;
}

/* ---- all of it ---- */

static enum fr_status check(const fr__pruning *p, fr_error *err) {
  const fr_prune_options *o = p->prune;
  if (o->until > 0 && !may_validate(p))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "how far the accuracy may fall needs a validation side");
  if (!(o->until > 0) && !(o->amount > 0 && o->amount < 1))
    return fr__fail(err, FR_ERR_ARGUMENT, "an amount of %g is not between 0 and 1",
                    o->amount);
  if (o->operations && o->kind != FR_PRUNE_STRUCTURED)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an amount of operations is of units, not of single weights");
  if (p->train == NULL || p->train->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "there are no samples to refine on");
  if (o->how == FR_PRUNE_REWIND && o->rewind >= p->options->epochs)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "epoch %zu cannot be gone back to in a training of %zu", o->rewind,
                    p->options->epochs);
  return FR_OK;
}

static void fill_result(fr__pruning *p, fr_net *net) {
  fr_prune_result *r = &p->result;
  r->units_before = fr_prune_units(p->net, r->pinned);
  r->units = fr_prune_units(net, NULL);
  r->weights_before = fr__prune_weights(p->net, NULL);
  (void)fr__prune_weights(net, &r->zeros);
  r->sparse_layers = fr_net_sparse_layers(net, &r->product_layers);
}

static enum fr_status run(fr__pruning *p, fr_net **out, fr_error *err) {
  enum fr_status status = check(p, err);
  if (status == FR_OK)
    status = fr__prune_validate(p, p->net, &p->result.validate_before, err);
  if (status != FR_OK)
    return status;
  if (p->prune->until > 0)
    return search(p, out, err);
  p->result.amount = p->prune->amount;
  status = prune_to(p, p->prune->amount, out, err);
  if (status == FR_OK)
    status = fr__prune_validate(p, *out, &p->result.validate_after, err);
  return status;
}

enum fr_status fr_prune_train(fr_net **net, const fr_samples *train,
                              const fr_samples *validate, const fr_train_options *options,
                              const fr_prune_options *prune, const fr_observer *observer,
                              const fr_budget *budget, fr_prune_result *result,
                              fr_error *err) {
  fr__pruning p = {.net = *net,
                   .train = train,
                   .validate = validate,
                   .options = options,
                   .prune = prune,
                   .observer = observer,
                   .budget = budget};
  fr_net *pruned = NULL;
  const enum fr_status status = run(&p, &pruned, err);
  if (status != FR_OK) {
    fr_net_free(pruned);
    return status;
  }
  fill_result(&p, pruned);
  *result = p.result;
  fr_net_free(*net);
  *net = pruned;
  return FR_OK;
}
