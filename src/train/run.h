/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that one run of training needs, shared by the files of its loop. */
#ifndef FR_TRAIN_RUN_H
#define FR_TRAIN_RUN_H

#include "frugal/train.h"
#include "train/ahead.h"
#include "train/checkpoint.h"
#include "train/cost.h"
#include "train/feed.h"
#include "train/gradients.h"
#include "train/order.h"
#include "train/snapshot.h"

/* Allocated before the first step. What a checkpoint keeps is the network's weights and
 * random state, the optimizer's moments, `best`, and from `now` to `result`. */
typedef struct fr__run {
  fr_net *net;
  const fr_train_options *options;
  const fr_observer *observer;
  const fr_budget *budget;
  size_t
      first; /* the first layer that is trained, and that `train` and `validate` feed */
  size_t layers;
  fr__feed train, validate;
  fr__batch batch;
  fr__ahead *ahead;
  fr__order order;
  fr__gradients gradients;
  fr_optimizer *optimizer;
  fr__snapshot best;
  fr_loss_options validate_loss; /* the training loss, as balanced as the training */
  float *balance;                /* (K) class weights of it, owned; NULL: none */
  fr__cost cost;
  fr__checkpoints checkpoints;

  fr_epoch now;   /* the epoch that is going on */
  size_t at;      /* samples of it that are done; 0: between two epochs */
  double loss;    /* sum over these of a batch's weight times its mean loss */
  double weight;  /* sum of the weights (fr_loss_weight) */
  bool finished;  /* by result.stop: nothing is left to do */
  bool undecided; /* which precision: a trial must tell, or a checkpoint */
  fr_train_result result;
} fr__run;

/* Refuses what cannot be trained. */
enum fr_status fr__run_check(const fr_net *net, const fr_samples *train,
                             const fr_train_options *options, fr_error *err);

/* Arrays, optimizer and room for batches; r's first five members are set. Release it in
 * every case. */
enum fr_status fr__run_init(fr__run *r, const fr_samples *train,
                            const fr_samples *validate, fr_error *err);
void fr__run_release(fr__run *r);

/* The passes that are needed once: the teacher's, those of the frozen layers. */
enum fr_status fr__run_prepare(fr__run *r, fr_error *err);

/* Samples of one update, but for an epoch's last. */
size_t fr__run_stride(const fr__run *r);
size_t fr__run_steps_per_epoch(const fr__run *r);

/* Copies and augments samples [at, at + n) of the epoch's order into `batch`; reads of
 * the run what does not change within an epoch, so that another thread may. */
void fr__run_fill(const fr__run *r, size_t epoch, size_t at, size_t n, fr__batch *batch);

/* Changes them as they lie in `batch`, copied there. */
void fr__run_augment(const fr__run *r, size_t epoch, size_t at, size_t n,
                     fr__batch *batch);

/* Before the first step of the epoch behind those in r->result. */
void fr__run_begin_epoch(fr__run *r);

/* Tests, then adjusts, on the next samples of the epoch: their loss in *loss. */
enum fr_status fr__run_step(fr__run *r, double *loss, fr_error *err);

/* From where it is to its end. */
enum fr_status fr__run_epochs(fr__run *r, fr_error *err);

#endif
