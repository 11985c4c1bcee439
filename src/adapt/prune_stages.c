/* SPDX-License-Identifier: Apache-2.0 */
/* The order of pruning and training, of units and of single weights. */
#include <math.h>
#include <stdlib.h>

#include "adapt/prune_graph.h"
#include "adapt/prune_mask.h"
#include "adapt/prune_run.h"
#include "base/error.h"

double fr_prune_schedule(double amount, size_t step, size_t steps) {
  const double left = step < steps ? 1 - (double)step / (double)steps : 0;
  return amount * (1 - left * left * left);
}

size_t fr__prune_rounds(const fr_prune_options *prune) {
  if (prune->how == FR_PRUNE_ONE_SHOT)
    return 1;
  if (prune->rounds > 0)
    return prune->rounds;
  return prune->how == FR_PRUNE_GRADUAL ? 3 : 1;
}

/* Gone after a round: rewinding takes the same share of what is left each time (Frankle
 * and Carbin 2019, strategy 1). */
static double gone_after(const fr_prune_options *prune, double amount, size_t round) {
  const size_t rounds = fr__prune_rounds(prune);
  if (rounds == 1)
    return amount;
  if (prune->how == FR_PRUNE_REWIND)
    return 1 - pow(1 - amount, (double)round / (double)rounds);
  return fr_prune_schedule(amount, round, rounds);
}

double fr__prune_share(const fr_prune_options *prune, double amount, size_t round) {
  if (fr__prune_rounds(prune) == 1)
    return amount;
  const double before = round > 1 ? gone_after(prune, amount, round - 1) : 0;
  return 1 - (1 - gone_after(prune, amount, round)) / (1 - before);
}

static float refine_rate(const fr__pruning *p) {
  return p->prune->refine > 0 ? p->prune->refine : 0.5f;
}

/* Gradual pruning trains half of its epochs on the way. */
static size_t epochs_on_the_way(const fr__pruning *p, size_t pieces) {
  const size_t half = fr__prune_epochs(p) / 2;
  return pieces > 0 && half / pieces > 0 ? half / pieces : 1;
}

static enum fr_status refine(fr__pruning *p, fr_net *net, const fr_train_hold *hold,
                             fr_error *err) {
  const size_t epochs = fr__prune_epochs(p);
  const bool gradual = p->prune->how == FR_PRUNE_GRADUAL;
  if (!fr__prune_may_go_on(p))
    return FR_OK;
  const fr__prune_stage_of stage = {.epochs = gradual ? (epochs + 1) / 2 : epochs,
                                    .rate = refine_rate(p),
                                    .validated = true,
                                    .hold = hold};
  return fr__prune_stage(p, net, &stage, err);
}

/* All of it, as it was trained first. */
static enum fr_status train_again(fr__pruning *p, fr_net *net, const fr_train_hold *hold,
                                  fr_error *err) {
  const fr__prune_stage_of stage = {
      .epochs = p->options->epochs, .rate = 1, .validated = true, .hold = hold};
  return fr__prune_stage(p, net, &stage, err);
}

/* ---- units ---- */

typedef struct unit_scores {
  const fr__prune_graph *graph;
  double *sum, *score; /* (units) */
} unit_scores;

/* The gradients are the copy's: the axes are of the same text. */
static void add_units(void *self, fr_net *net, size_t step) {
  const unit_scores *s = self;
  fr__prune_graph graph = *s->graph;
  (void)step;
  graph.net = net;
  fr__prune_add_taylor(&graph, s->sum, s->score);
}

enum fr_status fr__prune_score_units(fr__pruning *p, const fr__prune_graph *graph,
                                     const fr_net *net, double *score, fr_error *err) {
  if (p->prune->criterion != FR_PRUNE_TAYLOR)
    return fr__prune_magnitudes(graph, p->prune->criterion, score, err);
  unit_scores s = {graph, calloc(graph->units + 1, sizeof(double)), score};
  const fr_train_hold hold = {&s, add_units, 2 * fr_net_parameters(net)};
  const enum fr_status status = s.sum != NULL
                                    ? fr__prune_score(p, net, &hold, err)
                                    : fr__fail_memory(err, "the scores of units");
  free(s.sum);
  return status;
}

static void replace(fr_net **net, fr_net *new) {
  fr_net_free(*net);
  *net = new;
}

/* What is at hand while units are chosen. */
typedef struct choice {
  fr__prune_graph graph;
  double *score; /* (units), owned */
  bool *gone;    /* (units), owned */
} choice;

static enum fr_status choice_init(choice *c, fr__pruning *p, const fr_net *net,
                                  fr_error *err) {
  *c = (choice){0};
  const enum fr_status status = fr__prune_graph_init(&c->graph, net, err);
  if (status != FR_OK)
    return status;
  c->score = calloc(c->graph.units + 1, sizeof *c->score);
  c->gone = calloc(c->graph.units + 1, sizeof *c->gone);
  if (c->score == NULL || c->gone == NULL)
    return fr__fail_memory(err, "the choice of units");
  return fr__prune_score_units(p, &c->graph, net, c->score, err);
}

static void choice_release(choice *c) {
  free(c->score);
  free(c->gone);
  fr__prune_graph_release(&c->graph);
}

/* *net without that share of its units: *small is the caller's. */
static enum fr_status take_share(choice *c, const fr_prune_options *options,
                                 const fr_net *net, fr_net **small, fr_error *err) {
  const enum fr_status status =
      fr__prune_choose(&c->graph, options, c->score, c->gone, err);
  return status == FR_OK ? fr__prune_without(&c->graph, net, c->gone, small, err)
                         : status;
}

#define HALVINGS 12 /* of the shares that may take an amount of operations */

/* options->amount becomes the least share that leaves at most `target` operations. */
static enum fr_status find_share(choice *c, fr_prune_options *options, const fr_net *net,
                                 uint64_t target, fr_error *err) {
  double low = 0, high = 0.999;
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < HALVINGS && status == FR_OK; i++) {
    fr_net *small = NULL;
    options->amount = (low + high) / 2;
    status = take_share(c, options, net, &small, err);
    if (status == FR_OK)
      *(fr_net_operations(small) > target ? &low : &high) = options->amount;
    fr_net_free(small);
  }
  options->amount = high;
  return status;
}

/* The units of *net that go in a round go; of *early, where it is not NULL, the same. */
static enum fr_status shrink(fr__pruning *p, double amount, size_t round, fr_net **net,
                             fr_net **early, fr_error *err) {
  const bool last = round == fr__prune_rounds(p->prune);
  fr_prune_options options = *p->prune;
  fr_net *small = NULL, *small_early = NULL;
  choice c;
  options.amount = fr__prune_share(p->prune, amount, round);
  options.align = last ? options.align : 1; /* lest rounds go further than they say */
  enum fr_status status = choice_init(&c, p, *net, err);
  if (status == FR_OK && options.operations)
    status = find_share(
        &c, &options, *net,
        (uint64_t)((double)p->whole * (1 - gone_after(p->prune, amount, round))), err);
  if (status == FR_OK)
    status = take_share(&c, &options, *net, &small, err);
  if (status == FR_OK && *early != NULL)
    status = fr__prune_without(&c.graph, *early, c.gone, &small_early, err);
  choice_release(&c);
  if (status != FR_OK) {
    fr_net_free(small);
    return status;
  }
  fr_net_set_precision(small, fr_net_precision(*net));
  replace(net, small);
  if (*early != NULL)
    replace(early, small_early);
  return FR_OK;
}

/* One round; *early is NULL unless it is gone back to. */
static enum fr_status shrink_and_train(fr__pruning *p, double amount, size_t round,
                                       fr_net **net, fr_net **early, fr_error *err) {
  const size_t rounds = fr__prune_rounds(p->prune);
  enum fr_status status = shrink(p, amount, round, net, early, err);
  if (status != FR_OK)
    return status;
  if (*early != NULL) {
    fr_net *again = NULL;
    status = fr__prune_clone(*early, &again, err);
    if (status != FR_OK)
      return status;
    replace(net, again);
    return train_again(p, *net, NULL, err);
  }
  const fr__prune_stage_of stage = {.epochs = epochs_on_the_way(p, rounds - 1),
                                    .rate = refine_rate(p)};
  return round < rounds ? fr__prune_stage(p, *net, &stage, err) : FR_OK;
}

enum fr_status fr__prune_structured(fr__pruning *p, double amount, fr_net **out,
                                    fr_error *err) {
  fr_net *net = NULL, *early = NULL;
  enum fr_status status = fr__prune_clone(p->net, &net, err);
  p->whole = status == FR_OK ? fr_net_operations(net) : 0;
  if (status == FR_OK && p->prune->how == FR_PRUNE_REWIND)
    status = fr__prune_early(p, p->net, &early, err);
  for (size_t i = 1; i <= fr__prune_rounds(p->prune) && status == FR_OK; i++)
    status = shrink_and_train(p, amount, i, &net, &early, err);
  if (status == FR_OK && p->prune->how != FR_PRUNE_REWIND)
    status = refine(p, net, NULL, err);
  fr_net_free(early);
  if (status == FR_OK)
    *out = net;
  else
    fr_net_free(net);
  return status;
}

/* ---- single weights ---- */

typedef struct held {
  fr__prune_mask mask;
  bool global;
  double amount;
  size_t steps, every; /* of the way to `amount`; 0: it is there */
} held;

static void hold_weights(void *self, fr_net *net, size_t step) {
  held *h = self;
  if (h->steps > 0 && (step % h->every == 0 || step == h->steps))
    fr__prune_mask_choose(&h->mask, net, fr_prune_schedule(h->amount, step, h->steps),
                          h->global);
  fr__prune_mask_apply(&h->mask, net);
}

static void add_weights(void *self, fr_net *net, size_t step) {
  (void)step;
  fr__prune_mask_add_taylor(self, net);
}

enum fr_status fr__prune_score_weights(fr__pruning *p, fr__prune_mask *mask,
                                       const fr_net *net, fr_error *err) {
  const fr_train_hold hold = {mask, add_weights, 4 * mask->weights};
  if (mask->score == NULL)
    return FR_OK;
  for (size_t i = 0; i < mask->weights; i++)
    mask->score[i] = 0;
  return fr__prune_score(p, net, &hold, err);
}

/* Chooses by what the weights are worth in `net` now. */
static enum fr_status choose(fr__pruning *p, held *h, double amount, const fr_net *net,
                             fr_error *err) {
  const enum fr_status status = fr__prune_score_weights(p, &h->mask, net, err);
  if (status == FR_OK)
    fr__prune_mask_choose(&h->mask, net, amount, h->global);
  return status;
}

#define STEPS_OF_A_MASK 16 /* between two choices on the way */

/* Sizes alone tell on the way: what was held at 0 has no gradient that would. */
static enum fr_status gradually(fr__pruning *p, held *h, double amount, fr_net *net,
                                fr_error *err) {
  const size_t epochs = epochs_on_the_way(p, 1);
  const size_t batch = p->options->batch;
  const size_t steps = epochs * ((p->train->count - 1) / batch + 1);
  const fr_train_hold hold = {h, hold_weights, h->mask.weights};
  const fr__prune_stage_of stage = {
      .epochs = epochs, .rate = refine_rate(p), .hold = &hold};
  h->amount = amount;
  h->steps = steps;
  h->every = STEPS_OF_A_MASK;
  const enum fr_status status = fr__prune_stage(p, net, &stage, err);
  h->steps = 0;
  if (status == FR_OK)
    fr__prune_mask_choose(&h->mask, net, amount, h->global);
  return status;
}

static enum fr_status rewind_round(fr__pruning *p, held *h, double gone,
                                   const fr_net *early, fr_net *net, fr_error *err) {
  const fr_train_hold hold = {h, hold_weights, h->mask.weights};
  enum fr_status status = choose(p, h, gone, net, err);
  if (status == FR_OK)
    status = fr_net_copy(net, early, fr_net_layer_count(net), err);
  fr__prune_mask_apply(&h->mask, net);
  return status == FR_OK ? train_again(p, net, &hold, err) : status;
}

static enum fr_status rewind_weights(fr__pruning *p, held *h, double amount, fr_net *net,
                                     fr_error *err) {
  const size_t rounds = fr__prune_rounds(p->prune);
  fr_net *early = NULL;
  enum fr_status status = fr__prune_early(p, net, &early, err);
  for (size_t i = 1; i <= rounds && status == FR_OK; i++)
    status = rewind_round(p, h, gone_after(p->prune, amount, i), early, net, err);
  fr_net_free(early);
  return status;
}

static enum fr_status one_shot_or_gradual(fr__pruning *p, held *h, double amount,
                                          fr_net *net, fr_error *err) {
  const fr_train_hold hold = {h, hold_weights, h->mask.weights};
  enum fr_status status = p->prune->how == FR_PRUNE_GRADUAL
                              ? gradually(p, h, amount, net, err)
                              : choose(p, h, amount, net, err);
  if (status != FR_OK)
    return status;
  fr__prune_mask_apply(&h->mask, net);
  return refine(p, net, &hold, err);
}

enum fr_status fr__prune_unstructured(fr__pruning *p, double amount, fr_net **out,
                                      fr_error *err) {
  const bool scored =
      p->prune->criterion == FR_PRUNE_TAYLOR && p->prune->how != FR_PRUNE_GRADUAL;
  held h = {.global = p->prune->global};
  fr_net *net = NULL;
  enum fr_status status = fr__prune_clone(p->net, &net, err);
  if (status == FR_OK)
    status = fr__prune_mask_init(&h.mask, net, scored, err);
  if (status == FR_OK)
    status = p->prune->how == FR_PRUNE_REWIND
                 ? rewind_weights(p, &h, amount, net, err)
                 : one_shot_or_gradual(p, &h, amount, net, err);
  fr__prune_mask_release(&h.mask);
  if (status == FR_OK)
    *out = net;
  else
    fr_net_free(net);
  return status;
}

enum fr_status fr_prune_zero(fr_net *net, const fr_prune_options *options, size_t *zeros,
                             fr_error *err) {
  fr__prune_mask mask;
  const enum fr_status status = fr__prune_mask_init(&mask, net, false, err);
  if (status == FR_OK) {
    fr__net_forget(net);
    fr__prune_mask_choose(&mask, net, options->amount, options->global);
    fr__prune_mask_apply(&mask, net);
    (void)fr__prune_weights(net, zeros);
  }
  fr__prune_mask_release(&mask);
  return status;
}
