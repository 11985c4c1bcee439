/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many layers of a trained network stay frozen: each depth is trained for a few
 * epochs, and the cheapest that is as accurate as the best, within its uncertainty, is
 * taken. docs/adapt.md has the rule.
 */
#include <math.h>
#include <stdlib.h>

#include "adapt/subset.h"
#include "adapt/transfer.h"
#include "base/error.h"
#include "train/thaw.h"

enum {
  DEPTHS = 8,      /* ceiling of candidates */
  EPOCHS = 6,      /* of each, at most */
  PATIENCE = 3,    /* of each, at most */
  DISAPPOINTED = 2 /* candidates in a row that are not worth more end the search */
};

#define TOLERANCE 0.01 /* of accuracy that is not worth more energy */

typedef struct search {
  const fr_net *net;
  size_t kept;
  fr_samples train,
      held; /* subsets: their arrays are owned, what these point to is not */
  const fr_samples *validate; /* what shows the accuracy */
  fr_train_options options;
  const fr_transfer_options *transfer;
  fr_observer observer;
  const fr_budget *budget;
  fr_transfer_result *result;
} search;

/* ---- one candidate ---- */

static enum fr_status twin_of(const fr_net *net, fr_net **out, fr_error *err) {
  enum fr_status status =
      fr_net_new(fr_net_text(net), fr_net_input(net), fr_net_classes(net), out, err);
  if (status == FR_OK)
    status = fr_net_copy(*out, net, fr_net_layer_count(net), err);
  return status;
}

static double spent(const search *s) {
  const fr_transfer_choice *choice = &s->transfer->choice;
  return choice->spent != NULL ? choice->spent(choice->self) : 0;
}

static void fill(const search *s, const fr_train_result *trained, double cost,
                 fr_transfer_depth *depth) {
  const double p = trained->best_validate_accuracy, n = (double)s->validate->count;
  depth->epochs = trained->epochs;
  depth->accuracy = p;
  depth->deviation = sqrt(p * (1 - p) / n);
  depth->operations = trained->operations;
  depth->cost = s->transfer->choice.spent != NULL ? cost : (double)trained->operations;
}

/* Trains a twin of the network that far down. A loss that is not finite is a finding.
 * *cut: the budget said no. */
static enum fr_status try_depth(const search *s, fr_transfer_depth *depth, bool *cut,
                                fr_error *err) {
  fr_transfer_options transfer = *s->transfer;
  fr_train_options options = s->options;
  fr_train_result trained = {0};
  fr_net *net = NULL;
  float *rates = calloc(fr_net_layer_count(s->net), sizeof *rates);
  const double before = spent(s);
  enum fr_status status =
      rates == NULL ? fr__fail_memory(err, "learning rates") : twin_of(s->net, &net, err);
  if (status == FR_OK) {
    transfer.freeze = options.first_trained = depth->freeze;
    fr_transfer_rates(net, s->kept, &transfer, rates);
    options.rate_scale = s->options.rate_scale != NULL ? s->options.rate_scale : rates;
    status = fr_train(net, &s->train, s->validate, &options, &s->observer, s->budget,
                      &trained, err);
  }
  depth->accuracy = NAN;
  *cut = status == FR_OK &&
         (trained.stop == FR_STOP_BUDGET || trained.stop == FR_STOP_INTERRUPTED);
  if (status == FR_OK)
    fill(s, &trained, spent(s) - before, depth);
  fr_train_result_release(&trained);
  fr_net_free(net);
  free(rates);
  return status == FR_ERR_NUMERIC ? FR_OK : status;
}

/* ---- the choice ---- */

static size_t most_accurate(const fr_transfer_result *r) {
  size_t best = 0;
  for (size_t i = 1; i < r->depths; i++)
    if (!(r->depth[i].accuracy <= r->depth[best].accuracy) &&
        !isnan(r->depth[i].accuracy))
      best = i;
  return best;
}

/* What is not worth more energy. */
static double slack(const fr_transfer_depth *depth) {
  return depth->deviation > TOLERANCE ? depth->deviation : TOLERANCE;
}

/* Of those within the tolerance of the best, or its standard error, the cheapest. */
static size_t cheapest_good(const fr_transfer_result *r) {
  const fr_transfer_depth *top = &r->depth[most_accurate(r)];
  size_t chosen = most_accurate(r);
  for (size_t i = 0; i < r->depths; i++)
    if (r->depth[i].accuracy >= top->accuracy - slack(top) &&
        r->depth[i].cost < r->depth[chosen].cost)
      chosen = i;
  return chosen;
}

/* Whether the newest is better than all before by more than the tolerance. */
static bool is_worth_more(const fr_transfer_result *r) {
  const size_t newest = r->depths - 1;
  for (size_t i = 0; i < newest; i++)
    if (!(r->depth[newest].accuracy > r->depth[i].accuracy + slack(&r->depth[i])) &&
        !isnan(r->depth[i].accuracy))
      return false;
  return true;
}

/* *whole becomes false where the budget ends it. */
static enum fr_status try_all(search *s, bool *whole, fr_error *err) {
  fr_transfer_result *r = s->result;
  size_t freeze = s->kept, vain = 0;
  bool cut = false;
  enum fr_status status = FR_OK;
  while (status == FR_OK && !cut && freeze != SIZE_MAX && r->depths < DEPTHS &&
         vain < DISAPPOINTED) {
    fr_transfer_depth *depth = &r->depth[r->depths];
    depth->freeze = freeze;
    status = try_depth(s, depth, &cut, err);
    r->operations += depth->operations;
    r->depths += status == FR_OK && !cut;
    vain = r->depths > 0 && is_worth_more(r) ? 0 : vain + 1;
    freeze = fr__thaw_below(s->net, freeze, 0);
  }
  *whole = !cut;
  return status;
}

static void phase(const fr_observer *observer, const char *name) {
  if (observer == NULL)
    return;
  if (name != NULL && observer->phase_begin != NULL)
    observer->phase_begin(observer->self, name);
  if (name == NULL && observer->phase_end != NULL)
    observer->phase_end(observer->self);
}

static enum fr_status init_search(search *s, const fr_samples *train,
                                  const fr_samples *validate, fr_error *err) {
  const bool *held = s->transfer->choice.held;
  fr_train_options *o = &s->options;
  o->epochs = o->epochs < EPOCHS ? o->epochs : EPOCHS;
  o->patience = o->patience > 0 && o->patience < PATIENCE ? o->patience : PATIENCE;
  o->checkpoint = NULL;
  o->target_accuracy = 0;
  o->unfreeze = 0;
  s->validate = validate;
  s->train = *train;
  if (held == NULL)
    return validate != NULL && validate->count > 0
               ? FR_OK
               : fr__fail(err, FR_ERR_ARGUMENT,
                          "without a validation side nothing shows how many layers are "
                          "to stay frozen");
  s->validate = &s->held;
  fr_samples rest;
  enum fr_status status = fr__subset_init(&s->held, train, held, true, err);
  if (status == FR_OK)
    status = fr__subset_init(&rest, train, held, false, err);
  if (status == FR_OK)
    s->train = rest;
  if (status == FR_OK && (rest.count == 0 || s->held.count == 0))
    status = fr__fail(err, FR_ERR_ARGUMENT,
                      "of %zu training samples %zu are held back: nothing is left",
                      train->count, s->held.count);
  return status;
}

enum fr_status fr__transfer_choose(const fr_net *net, size_t kept,
                                   const fr_samples *train, const fr_samples *validate,
                                   const fr_train_options *options,
                                   fr_transfer_options *transfer,
                                   const fr_observer *observer, const fr_budget *budget,
                                   fr_transfer_result *result, bool *whole,
                                   fr_error *err) {
  search s = {.net = net,
              .kept = kept,
              .options = *options,
              .transfer = transfer,
              .budget = budget,
              .result = result};
  if (observer != NULL) /* these are no epochs of the run */
    s.observer = (fr_observer){.self = observer->self,
                               .phase_begin = observer->phase_begin,
                               .phase_end = observer->phase_end};
  const double before = spent(&s);
  phase(observer, "choose");
  result->depth = calloc(DEPTHS, sizeof *result->depth);
  enum fr_status status = result->depth == NULL
                              ? fr__fail_memory(err, "the depths to try")
                              : init_search(&s, train, validate, err);
  if (status == FR_OK)
    status = try_all(&s, whole, err);
  phase(observer, NULL);
  if (status == FR_OK) {
    result->samples = s.validate->count;
    result->cost = spent(&s) - before;
    transfer->freeze =
        result->depths > 0 ? result->depth[cheapest_good(result)].freeze : kept;
  }
  if (transfer->choice.held != NULL) {
    if (s.train.x != train->x)
      fr__subset_release(&s.train);
    fr__subset_release(&s.held);
  }
  return status;
}
