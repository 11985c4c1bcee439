/* SPDX-License-Identifier: Apache-2.0 */
/* extend: a trained network learns more classes and keeps those that it has. */
#ifndef FRUGAL_EXTEND_H
#define FRUGAL_EXTEND_H

#include "frugal/train.h"

#define FR_EXTEND_ALL SIZE_MAX /* replay: every sample of the old classes */
#define FR_EXTEND_AUTO SIZE_MAX

typedef struct fr_extend_options {
  size_t replay; /* samples of each old class that are trained on, chosen by herding
                    (Rebuffi et al. 2017, iCaRL, algorithm 4); 0: none */
  size_t shots;  /* samples of each new class that are trained on, the first so many; the
                    validation side's are then left out, too; 0: all */
  const size_t *limits; /* (classes) samples of each that may be looked at, the first so
                           many: of old classes that were learned of a few shots; 0 and
                           NULL: all; borrowed */
  float distill; /* [0, 1) share of the old network's answers in the loss (Li and Hoiem
                    2016), over the old classes alone; 0: none */
  float temperature;    /* of both softmaxes there; 0: 1 */
  float refine;         /* learning rate below the head, relative to the head's, in the
                           second stage; 0: there is none */
  size_t refine_epochs; /* of it, at most */
  size_t refine_from;   /* layers before are never trained; FR_EXTEND_AUTO: those before
                           the second one with a matrix */
  float worth; /* a second stage is begun where the first one's validation loss is so much
                  above what the old network had on the old classes (nat), and is kept
                  where it lowers that loss by more; 0: it is always begun. Without a
                  validation side it is begun and kept */
  bool align;  /* the new rows of the head are at last scaled to the old ones' mean length
                  (Zhao et al. 2020, weight aligning) */
} fr_extend_options;

/* What docs/adapt.md found. */
fr_extend_options fr_extend_default_options(void);

/* One of the stages. */
typedef struct fr_extend_stage {
  size_t first_trained; /* layer */
  size_t epochs;
  double loss, accuracy; /* of the validation side behind it; NaN: there is none */
  uint64_t operations;
  bool kept; /* its weights are those of the result */
} fr_extend_stage;

enum { FR_EXTEND_HEAD, FR_EXTEND_REFINE, FR_EXTEND_STAGES };

typedef struct fr_extend_result {
  fr_train_result trained; /* all stages behind each other; `operations` with those of
                              choosing and imprinting */
  fr_extend_stage stage[FR_EXTEND_STAGES]; /* epochs 0: it was not run */
  size_t old_classes, new_classes;
  size_t replayed;        /* samples of old classes that were trained on */
  size_t fresh;           /* of new ones */
  double before_loss;     /* the old network's, of the validation side's old classes */
  double before_accuracy; /* NaN: there are none */
} fr_extend_result;

void fr_extend_result_release(fr_extend_result *result);

/*
 * The layer whose rows are the classes: the last dense one; what follows it has no
 * parameters. SIZE_MAX, with the reason in *err, where there is none.
 */
size_t fr_extend_head(const fr_net *old, fr_error *err);

/*
 * `old` with an output for each of `classes`: its own, found by name among `old_classes`,
 * keep weights and biases bit for bit, the others are 0. Every old class must be among
 * `classes`, once, in any order. *out is the caller's.
 */
enum fr_status fr_extend_grow(const fr_net *old, const fr_names *old_classes,
                              const fr_names *classes, fr_net **out, fr_error *err);

/*
 * Which `want` of `count` points (rows of `width`) to keep for their class: one after the
 * other, always that with which the mean of those chosen comes closest to the mean of
 * all, rows being scaled to length 1. `chosen` (want) are told in that order; the first
 * of two that are as close. want <= count.
 */
enum fr_status fr_extend_herd(const float *points, size_t count, size_t width,
                              size_t want, size_t *chosen, fr_error *err);

/*
 * Grows `old`, whose outputs are `old_classes`, to `classes` (fr_extend_grow) and trains
 * it on `train` and `validate` (may be NULL), whose labels are indices into `classes`.
 * Samples of old classes in `train` are what replay chooses from. Classes that are new
 * begin with rows made of the mean of their samples' features (Qi et al. 2018, weight
 * imprinting). Then two stages:
 *
 *   head     the head alone, on features that the other layers gave once a sample, every
 *            class drawn equally often
 *   refine   the layers from refine_from on, where that is worth it (`worth`)
 *
 * Phases: features, choose, head/..., refine/..., with fr_train's own inside. Of
 * `options` it sets balanced, teacher, loss.distill, loss.temperature, first_trained,
 * unfreeze and, unless it is there, rate_scale; `augment` holds for the second stage, if
 * refine_from is 0, and checkpoints are of the second stage, too: the first is done again
 * by a run that is taken up, to the same bits. A budget that ends the first stage leaves
 * out the second. *out is the caller's; *result is filled where the call succeeds;
 * release it. FR_ERR_ARGUMENT where no class is new, an old one is missing, or a new one
 * has no training sample.
 */
enum fr_status fr_extend_train(const fr_net *old, const fr_names *old_classes,
                               const fr_names *classes, const fr_samples *train,
                               const fr_samples *validate,
                               const fr_train_options *options,
                               const fr_extend_options *extend,
                               const fr_observer *observer, const fr_budget *budget,
                               fr_net **out, fr_extend_result *result, fr_error *err);

#endif
