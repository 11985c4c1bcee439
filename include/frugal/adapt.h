/* SPDX-License-Identifier: Apache-2.0 */
/* adapt: a new network from a trained one. */
#ifndef FRUGAL_ADAPT_H
#define FRUGAL_ADAPT_H

#include "frugal/train.h"

typedef enum fr_transfer_kind {
  FR_TRANSFER_APPEND, /* the poster's: keep network A whole, put layers behind it */
  FR_TRANSFER_REPLACE /* today's: cut A's last dense layer off, put a new head there */
} fr_transfer_kind;

#define FR_FREEZE_ALL SIZE_MAX        /* all layers that are kept */
#define FR_FREEZE_AUTO (SIZE_MAX - 1) /* as many as fr_transfer_adjust finds enough */

/* What the choice of a depth looks at; docs/adapt.md has its rule. */
typedef struct fr_transfer_choice {
  const bool *held; /* (training samples) those that show how accurate a depth is: of
                       people or trials that the others are not of (fr_transfer_hold);
                       borrowed; NULL: the validation side shows it */
  /* Joules that the process has spent so far, else its core-seconds: what a depth costs
   * is the difference of two calls. NULL: operations are counted. */
  double (*spent)(void *self);
  void *self;
} fr_transfer_choice;

typedef struct fr_transfer_options {
  fr_transfer_kind kind;
  const char *head; /* text of the new layers; NULL: "relu dense(classes)" behind append,
                       "dense(classes)" in place of the old head */
  size_t cut;       /* replace: how many layers of A are kept; 0: those before its last
                       dense one */
  size_t freeze; /* layers of A that are not trained, or FR_FREEZE_...; with `unfreeze`,
                    those that never thaw (FR_FREEZE_ALL: none of them) */
  float refine;  /* learning rate of kept layers that are trained, relative to the new
                    ones: above 0 where there are such layers, else 0 */
  float decay; /* (0, 1]: each kept layer with a matrix, and the norm behind it, learns at
                  so much of the rate of the one above, the highest at `refine` (Howard
                  and Ruder 2018, section 3.2, have 1 / 2.6); 0: 1 */
  size_t unfreeze; /* epochs after which the highest frozen layer with a matrix thaws,
                      again and again (their section 3.3); 0: never */
  fr_transfer_choice choice; /* FR_FREEZE_AUTO */
} fr_transfer_options;

/* Replace, the default head, everything kept frozen. */
fr_transfer_options fr_transfer_default_options(void);

/* How many layers of `source` are kept: all (append), `cut`, or those before the last
 * dense one (what stands behind it, such as a softmax, goes with it). SIZE_MAX where it
 * has no dense layer, or fewer layers than `cut`. */
size_t fr_transfer_kept(const fr_net *source, const fr_transfer_options *options);

/*
 * A network that starts with the layers of `source` (weights copied, running statistics
 * too) and ends in `classes` outputs. *first_trained says where training begins; the new
 * layers are initialised from `seed`. `source` is not changed. *out is the caller's.
 * FR_ERR_ARGUMENT where freeze exceeds what is kept, or refine, decay and unfreeze do not
 * fit it; a head that does not end in `classes` outputs fails as fr_net_new does. With
 * `unfreeze` and FR_FREEZE_AUTO *first_trained is that of the beginning: all are frozen.
 */
enum fr_status fr_transfer_new(const fr_net *source, const fr_transfer_options *options,
                               size_t classes, uint64_t seed, fr_net **out,
                               size_t *first_trained, fr_error *err);

/*
 * What fr_train_options.rate_scale takes: 0 for layers that are frozen for good, `refine`
 * times `decay` to the power of the layers with a matrix between for kept ones that are
 * trained, 1 for the new. `kept` is fr_transfer_kept of the source; rates is (layers of
 * net).
 */
void fr_transfer_rates(const fr_net *net, size_t kept, const fr_transfer_options *options,
                       float *rates);

/* Network A's layers with the default head of replace, all weights new: what a transfer
 * is compared with. *out is the caller's. */
enum fr_status fr_transfer_scratch(const fr_net *source, size_t classes, uint64_t seed,
                                   fr_net **out, fr_error *err);

/* ---- the whole of it ---- */

/* One candidate of FR_FREEZE_AUTO. */
typedef struct fr_transfer_depth {
  size_t freeze; /* layers */
  size_t epochs;
  double accuracy;     /* on what was held back; NAN: its training failed */
  double deviation;    /* standard error of it */
  double cost;         /* as `spent` tells; without it: operations */
  uint64_t operations; /* counted */
} fr_transfer_depth;

typedef struct fr_transfer_result {
  fr_train_result trained;  /* `operations` without the choice's */
  size_t kept;              /* layers of A */
  size_t frozen;            /* of them, that were not trained */
  fr_transfer_depth *depth; /* (depths) tried, all frozen first; owned */
  size_t depths;            /* 0: there was no choice */
  size_t samples;           /* that were held back for it */
  uint64_t operations;      /* of the choice */
  double cost;              /* of the choice, as `spent` tells */
} fr_transfer_result;

void fr_transfer_result_release(fr_transfer_result *result);

/*
 * Adjusts `net`, which fr_transfer_new made of `source` with the same options, to
 * `train`: chooses how many layers stay frozen where that is asked for (phase: choose),
 * then trains (fr_train, whose phases, errors and promises hold). Of `options` it sets
 * first_trained, unfreeze, unfreeze_to and, unless it is there already, rate_scale.
 * *result is filled where the call succeeds; release it.
 */
enum fr_status fr_transfer_adjust(fr_net *net, const fr_net *source,
                                  const fr_samples *train, const fr_samples *validate,
                                  const fr_train_options *options,
                                  const fr_transfer_options *transfer,
                                  const fr_observer *observer, const fr_budget *budget,
                                  fr_transfer_result *result, fr_error *err);

/* fr_transfer_new, its new layers from options->seed, and fr_transfer_adjust; *out is the
 * caller's. */
enum fr_status fr_transfer_train(const fr_net *source, size_t classes,
                                 const fr_samples *train, const fr_samples *validate,
                                 const fr_train_options *options,
                                 const fr_transfer_options *transfer,
                                 const fr_observer *observer, const fr_budget *budget,
                                 fr_net **out, fr_transfer_result *result, fr_error *err);

/*
 * Which training samples the choice of a depth is to hold back: every fourth person's,
 * where people are not the classes and there are four; else the last trial of each person
 * and activity that has two; else the last quarter of each person's records. *held
 * (prepared->train.count) is the caller's (free). *by_people may be NULL.
 */
enum fr_status fr_transfer_hold(const fr_prepared *prepared, enum fr_task task,
                                bool **held, bool *by_people, fr_error *err);

#endif
