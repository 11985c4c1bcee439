/* SPDX-License-Identifier: Apache-2.0 */
/* What one call of fr_prune_train needs, shared by its files. */
#ifndef FR_ADAPT_PRUNE_RUN_H
#define FR_ADAPT_PRUNE_RUN_H

#include "frugal/prune.h"

typedef struct fr__pruning {
  fr_net *net; /* the trained one, whose weights stay as they are */
  const fr_samples *train, *validate;
  const fr_train_options *options;
  const fr_prune_options *prune;
  const fr_observer *observer;
  const fr_budget *budget;
  uint64_t whole;         /* operations of a sample that leave nothing out */
  fr_prune_result result; /* filled on the way */
} fr__pruning;

/* One training of some epochs. */
typedef struct fr__prune_stage_of {
  size_t epochs;
  float rate;                /* relative to training's */
  bool validated;            /* ends early, and keeps the best; else the last weights */
  const fr_train_hold *hold; /* may be NULL, like the next */
  const fr_budget *budget;   /* in the place of the run's */
} fr__prune_stage_of;

enum fr_status fr__prune_stage(fr__pruning *p, fr_net *net, const fr__prune_stage_of *how,
                               fr_error *err);
/* False where a budget is spent: what there is, is the result. */
bool fr__prune_may_go_on(const fr__pruning *p);
/* Of refinement. */
size_t fr__prune_epochs(const fr__pruning *p);
/* The same network once more. */
enum fr_status fr__prune_clone(const fr_net *net, fr_net **out, fr_error *err);
/* NaN where nothing is held back. */
enum fr_status fr__prune_validate(fr__pruning *p, fr_net *net, double *accuracy,
                                  fr_error *err);
/* Calls hold with the gradients of each batch of one pass, the weights as they are. */
enum fr_status fr__prune_score(fr__pruning *p, const fr_net *net,
                               const fr_train_hold *hold, fr_error *err);
/* A network as `net` was after the epoch that is gone back to. */
enum fr_status fr__prune_early(fr__pruning *p, const fr_net *net, fr_net **out,
                               fr_error *err);

/* From p->net to *out, which is the caller's. */
enum fr_status fr__prune_structured(fr__pruning *p, double amount, fr_net **out,
                                    fr_error *err);
enum fr_status fr__prune_unstructured(fr__pruning *p, double amount, fr_net **out,
                                      fr_error *err);

/* What each unit of `net` is worth, by the criterion at hand: (units of graph). */
struct fr__prune_graph;
enum fr_status fr__prune_score_units(fr__pruning *p, const struct fr__prune_graph *graph,
                                     const fr_net *net, double *score, fr_error *err);

/* The same of single weights, into the mask's scores where it has them. */
struct fr__prune_mask;
enum fr_status fr__prune_score_weights(fr__pruning *p, struct fr__prune_mask *mask,
                                       const fr_net *net, fr_error *err);

/* Rounds of the kind of pruning at hand, and the share of what is left that goes in round
 * i (the first is 1): after all of them `amount` is gone. */
size_t fr__prune_rounds(const fr_prune_options *prune);
double fr__prune_share(const fr_prune_options *prune, double amount, size_t round);

#endif
