/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: smaller networks out of trained ones (Hoefler et al. 2021 survey the field).
 *
 * Structured: neurons, channels and LSTM or GRU units are taken out, and all that only
 * they fed; the result is a network like any other, with a shorter text. Unstructured:
 * single weights become 0 and stay so; the network keeps its shapes, its file and, where
 * a sparse kernel is faster, its passes leave them out (docs/prune.md).
 */
#ifndef FRUGAL_PRUNE_H
#define FRUGAL_PRUNE_H

#include "frugal/train.h"

enum fr_prune_kind { FR_PRUNE_STRUCTURED, FR_PRUNE_UNSTRUCTURED };

enum fr_prune_how {
  FR_PRUNE_ONE_SHOT, /* all at once, then refined */
  FR_PRUNE_GRADUAL,  /* more and more while training (Zhu and Gupta 2017, equation 1) */
  FR_PRUNE_REWIND    /* what is left starts again from an early epoch's weights (Frankle
                        and Carbin 2019; Frankle et al. 2020), in rounds */
};

/* What a unit, or a weight w, is worth; the least go. */
enum fr_prune_criterion {
  FR_PRUNE_L1,    /* sum of |w| that make the unit (Li et al. 2017); |w| */
  FR_PRUNE_L2,    /* root of the sum of w^2; |w| */
  FR_PRUNE_TAYLOR /* (sum of w dL/dw)^2 over the weights that read the unit: by how much
                     the loss changes without it, to the first order (Molchanov et al.
                     2019, equation 8); mean over one pass of training samples */
};

typedef struct fr_prune_options {
  enum fr_prune_kind kind;
  double amount; /* (0, 1): share of the units, or of the weights of products, that go */
  bool operations; /* of structured pruning: the amount is of the operations of a sample:
                      as few units go as take it */
  enum fr_prune_how how;
  enum fr_prune_criterion criterion;
  bool global;   /* the least of the whole network (of units the magnitudes are divided by
                    their mean in the layer: Li et al. 2017 compare within one alone);
                    else that share of each layer */
  double until;  /* > 0: `amount` is found instead: the greatest whose refined validation
                    accuracy falls by at most so many points (hundredths) */
  size_t epochs; /* of refinement, of each amount that is tried; 0: 20, or what
                    fr_train_options has where that is less. Gradual: half of them on the
                    way. Not rewind's, which trains as it was trained first */
  size_t rewind; /* epoch whose weights are gone back to; 0: the initial ones */
  size_t rounds; /* of pruning and training, gradual (structured) and rewind; 0: 3 */
  size_t align;  /* units that stay of a layer, where they are more than so many, are the
                    nearest multiple of it: products work on whole vectors; 0: 16; 1: as
                    the amount says */
  float taught;  /* [0, 1]: share of the unpruned network's answers in the loss of
                    refinement (Hinton et al. 2015, at temperature 2), where it is
                    cross-entropy and has no teacher already; 0: none */
  float refine;  /* learning rate of refinement, relative to training; 0: 0.5 */
} fr_prune_options;

/* Structured, half, one-shot, by Taylor, per layer. */
fr_prune_options fr_prune_default_options(void);
/* Taylor for units; for single weights their size, which their gradient tells less of. */
enum fr_prune_criterion fr_prune_usual_criterion(enum fr_prune_kind kind);

/* "structured(0.5)", "unstructured(0.9,gradual)", "structured(0.5,rewind,global,l1)":
 * kind, amount or until=POINTS, and in any order one-shot|gradual|rewind[=EPOCH],
 * units|operations, global|per-layer, l1|l2|taylor, epochs=N, rounds=N, align=N,
 * taught[=SHARE] (0.5), refine=RATE. */
enum fr_status fr_prune_parse(const char *text, fr_prune_options *out, fr_error *err);
/* The same as text, with all that was not said: what a study identifies a run by. */
void fr_prune_text(const fr_prune_options *options, char *text, size_t size);

#define FR_PRUNE_NOTE 256 /* bytes */

typedef struct fr_prune_result {
  double amount;              /* that was asked for, or found by `until` */
  size_t units, units_before; /* that may go: neurons, channels, states; 0: no matter */
  size_t weights_before;      /* of products */
  size_t zeros;               /* of the weights of products that are left */
  size_t epochs;              /* of training in all: search, rounds, refinement */
  size_t tries;               /* amounts that `until` tried; 0: none */
  uint64_t operations;        /* FLOP executed, counted: all of it */
  double validate_before, validate_after; /* accuracy; NaN: nothing held back */
  size_t sparse_layers, product_layers; /* that run a sparse kernel in testing, of all */
  enum fr_stop stop;                    /* of the last training */
  char pinned[FR_PRUNE_NOTE]; /* layers whose units could not go, and why; "": none */
} fr_prune_result;

/*
 * Takes a trained network in *net and gives a pruned and refined one back in its place
 * (the old one is freed); on failure *net is as it was. `train` refines and scores,
 * `validate` (may be NULL: not with `until`) chooses the epoch and the amount. Of
 * `options` seed and what initialised the network matter to FR_PRUNE_REWIND, which trains
 * the first epochs anew to get at their weights; checkpoint is not used.
 * FR_ERR_CANCELLED where the budget or the user ends it: nothing is changed then. Phases:
 * prune/score, prune/… and those of fr_train.
 */
enum fr_status fr_prune_train(fr_net **net, const fr_samples *train,
                              const fr_samples *validate, const fr_train_options *options,
                              const fr_prune_options *prune, const fr_observer *observer,
                              const fr_budget *budget, fr_prune_result *result,
                              fr_error *err);

/*
 * What structured pruning alone does, without training: a new network, the caller's, of
 * what is left of `net` after `amount`. `score` (units, as fr_prune_units counts them)
 * tells what each is worth; NULL: by options->criterion, which must then be a magnitude.
 */
enum fr_status fr_prune_shrink(const fr_net *net, const fr_prune_options *options,
                               const double *score, fr_net **out, fr_error *err);

/* Units that may go; `pinned` (FR_PRUNE_NOTE bytes, may be NULL) says which layers' may
 * not. SIZE_MAX without memory. */
size_t fr_prune_units(const fr_net *net, char *pinned);

/* Sets the least weights of products to 0, by magnitude; how many of them are 0 then. */
enum fr_status fr_prune_zero(fr_net *net, const fr_prune_options *options, size_t *zeros,
                             fr_error *err);

/* Share at step `step` of `steps` on the way to `amount` (Zhu and Gupta 2017, equation 1,
 * from 0): amount (1 - (1 - step / steps)^3). */
double fr_prune_schedule(double amount, size_t step, size_t steps);

/* ---- sensitivity ---- */

/* How the validation accuracy falls when one layer alone (of weights: one tensor) is
 * pruned, without refinement. */
typedef struct fr_prune_scan {
  size_t layers; /* that have something to prune */
  size_t amounts;
  char **layer;        /* (layers) "3 conv1d(64,5)", "2.weight"; owned */
  double *amount;      /* (amounts); owned */
  double *accuracy;    /* (layers, amounts); owned */
  double before;       /* of the whole network */
  uint64_t operations; /* executed */
} fr_prune_scan;

/* By the kind and criterion of `prune`, at the given shares. `net` is given room for a
 * batch, and its weights stay. Phase: scan. Release *out where the call succeeds. */
enum fr_status
fr_prune_scan_run(fr_net *net, const fr_samples *train, const fr_samples *validate,
                  const fr_train_options *options, const fr_prune_options *prune,
                  const double *amount, size_t amounts, const fr_observer *observer,
                  const fr_budget *budget, fr_prune_scan *out, fr_error *err);
void fr_prune_scan_release(fr_prune_scan *scan);

#endif
