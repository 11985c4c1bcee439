/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: the loop. Tests, adjusts, stops; the outside watches through an observer and is
 * asked for permission through a budget, so that meter, store and terminal are never
 * named here.
 */
#ifndef FRUGAL_TRAIN_H
#define FRUGAL_TRAIN_H

#include "frugal/data.h"
#include "frugal/nn.h"

/* ---- from a data set to what a network is trained and tested on ---- */

typedef struct fr_prepare_options {
  enum fr_task task;
  size_t window, step; /* samples; 0: the data set's own and half of it, else 128, 64 */
  bool keep_short; /* records shorter than a window, of FR_WINDOW_SHORTEST steps or more,
                      as one sample each, padded; else they are dropped */
  double rate_hz;  /* 0: as recorded */
  const char *split;    /* NULL: the data set's own */
  const char *validate; /* NULL: "0.1" */
  size_t fold;          /* of subject:loo, kfold:K, blocks:K, folds:DIR; the first is 0 */
  uint64_t seed;        /* of random splits */
  enum fr_normalize normalize;     /* how; 0: z-score */
  const fr_normalizer *normalizer; /* a trained model's, whatever `normalize` says; NULL:
                                      fitted on training data */
  const fr_names *classes;         /* a trained model's; NULL: the training side's */
} fr_prepare_options;

typedef struct fr_prepared {
  fr_dataset *data; /* a copy, normalised; owned like all below */
  fr_windows windows;
  fr_split split;
  fr_normalizer normalizer;
  fr_names classes;
  fr_samples train, validate, test;
  size_t unknown; /* test samples of classes that are not in `classes`, left out */
} fr_prepared;

struct fr_observer;

/* Resamples, cuts, splits, normalises a copy of `data`. Phase: normalize. */
enum fr_status fr_prepared_init(fr_prepared *prepared, const fr_dataset *data,
                                const fr_prepare_options *options,
                                const struct fr_observer *observer, fr_error *err);
void fr_prepared_release(fr_prepared *prepared);

/*
 * What a test is a test of: XXH64 over the digest of `data` (what `prepared` was made
 * of), task, rate, and each window of the test side. Neither network nor seed nor the
 * words of the split are in it, nor how the rest was trained on: two tests with one
 * number look at the same samples.
 */
uint64_t fr_prepared_protocol(const fr_prepared *prepared, const fr_dataset *data,
                              enum fr_task task);

/* ---- the loop ---- */

typedef struct fr_epoch {
  size_t epoch; /* the first is 1 */
  size_t epochs;
  size_t step; /* steps done in this run */
  double train_loss;
  double validate_loss;     /* NaN where nothing is held back */
  double validate_accuracy; /* NaN likewise; of binary targets: share of right answers */
  bool best;                /* the best so far */
  double rate;              /* learning rate of its last step */
} fr_epoch;

/* What the outside learns. Every function may be NULL; all are called on the training
 * thread. */
typedef struct fr_observer {
  void *self;
  void (*phase_begin)(void *self, const char *name); /* nested: "train", then "forward" */
  void (*phase_end)(void *self);
  void (*step_done)(void *self, size_t step, double loss);
  void (*epoch_done)(void *self, const fr_epoch *epoch);
  void (*progress)(void *self, const char *what, double done); /* 0 to 1 */
  /* In the last step of an epoch, before its update: weights and gradients of `net` are
   * those of step `step`, to be read only. */
  void (*inspect)(void *self, const fr_net *net, size_t step);
  /* What went wrong without ending the run: a sentence as in fr_error. */
  void (*warning)(void *self, const char *text);
} fr_observer;

/* Asked after every step, and by a run that is taken up before its first. Both functions
 * may be NULL. A run that ends so can be taken up again from its checkpoint. */
typedef struct fr_budget {
  void *self;
  bool (*may_go_on)(void *self, const fr_epoch *epoch); /* false: FR_STOP_BUDGET */
  bool (*interrupted)(void *self); /* true: FR_STOP_INTERRUPTED; asked first */
} fr_budget;

enum fr_stop {
  FR_STOP_EPOCHS,     /* all epochs done */
  FR_STOP_PATIENCE,   /* no better validation for `patience` epochs */
  FR_STOP_TARGET,     /* target_accuracy reached */
  FR_STOP_BUDGET,     /* the budget said no */
  FR_STOP_INTERRUPTED /* somebody wants it to end now */
};
const char *fr_stop_name(enum fr_stop stop);

/*
 * Where a run keeps what it needs to be taken up again, bit for bit: after every epoch
 * and every `every_s` within one, as FOLDER/checkpoint-STEPS.safetensors, of which the
 * newest two stay. Checkpoints of other runs in the folder are removed once this run has
 * one of its own. While a run goes on the folder is its own: another one is refused
 * (FR_ERR_ARGUMENT). docs/train.md has the format.
 */
typedef struct fr_checkpoint_options {
  const char *folder;   /* made where it is missing */
  double every_s;       /* seconds; 0: 30; INFINITY: only after epochs */
  bool resume;          /* from the newest good one; anew where there is none; a finished
                           run is left as it is */
  const char *identity; /* what else must be the same for a run to be taken up, compared
                           as it is (commands, data); NULL: nothing */
  void *self;
  /* A text (UTF-8) of the caller's that each checkpoint keeps (joules so far), as it is
   * while the checkpoint is written; borrowed until the next call. NULL, or returning
   * NULL: "". */
  const char *(*note)(void *self);
  /* The run is taken up after `steps`; `note` is what was kept then. May be NULL. */
  void (*resumed)(void *self, size_t steps, const char *note);
} fr_checkpoint_options;

/* What a run computes its products in. */
enum fr_train_precision {
  FR_TRAIN_F32,
  FR_TRAIN_BF16,
  /* bf16 where this processor does it faster, and where a trial at the start, the first
   * steps in each from the same weights, ends within float32's interval on the validation
   * side; else float32 */
  FR_TRAIN_AUTO
};

/* "f32" (or "float32"), "bf16", "auto". */
bool fr_train_precision_parse(const char *name, enum fr_train_precision *out);
const char *fr_train_precision_name(enum fr_train_precision precision);

/* Where the outputs of frozen layers are kept. */
enum fr_keep {
  FR_KEEP_AUTO,   /* in memory up to the limit, else mapped */
  FR_KEEP_MEMORY, /* never in a file */
  FR_KEEP_MAPPED, /* in a file without a name in $TMPDIR, else /var/tmp: gone with the
                     run, however that ends */
  FR_KEEP_CACHE   /* in a file of `folder` that later runs with the same frozen layers and
                     samples read instead of computing it */
};

typedef struct fr_keep_options {
  enum fr_keep where;
  size_t limit;       /* bytes in memory; 0: a quarter of this machine's */
  const char *folder; /* of the cache; made where it is missing */
} fr_keep_options;

/* "auto", "memory", "mapped", "cache". */
bool fr_keep_parse(const char *name, enum fr_keep *out);
const char *fr_keep_name(enum fr_keep keep);

/* What became of it. */
typedef struct fr_kept {
  enum fr_keep where; /* FR_KEEP_AUTO: nothing was frozen */
  size_t bytes;       /* of training and validation side, at the deepest boundary */
  size_t reused;      /* bytes that an earlier run had computed */
} fr_kept;

/* What weights are held to: called after each update, on the training thread, and may
 * change their values in place (pruning holds some at 0). Allocates nothing. */
typedef struct fr_train_hold {
  void *self;
  void (*hold)(void *self, fr_net *net, size_t step); /* the first is 1 */
  uint64_t operations;                                /* that it executes each time */
} fr_train_hold;

typedef struct fr_train_options {
  size_t epochs; /* at most */
  size_t batch;
  size_t accumulate; /* batches whose gradients are added before one update, as if they
                        were one batch (but for bn, which sees each alone); 0: 1 */
  size_t patience;   /* epochs without a better validation loss; 0: no early stopping */
  uint64_t seed;     /* shuffle and dropout; initial weights are the caller's */
  fr_loss_options loss;
  fr_optimizer_options optimizer;
  size_t first_trained;    /* layers before are frozen; their outputs are computed once a
                              sample */
  size_t unfreeze;         /* epochs after which the highest frozen layer with a matrix
                              thaws, again and again; 0: never */
  size_t unfreeze_to;      /* layers before never thaw */
  fr_keep_options keep;    /* where frozen outputs are kept */
  const float *rate_scale; /* (layers) learning rate per layer; NULL: 1 */
  double target_accuracy;  /* stop at this validation accuracy and keep the weights that
                              reached it; 0: never */
  const fr_augment *augment; /* of each training sample in each epoch, bound where it
                                needs to be (fr_augment_bind); NULL: none. Frozen layers
                                exclude it: their outputs are computed once */
  fr_schedule schedule;      /* of the learning rate */
  bool balanced;   /* every class that occurs is drawn equally often, to within one sample
                      an epoch, whatever its share of the samples; needs labels. An epoch
                      has as many samples as otherwise */
  fr_net *teacher; /* whose logits loss.distill compares with: of the same input and
                      classes, given room for a batch, otherwise left as it is. Run once a
                      sample, but on each batch where samples are augmented. NULL: none */
  size_t threads;  /* 0: 1 */
  bool ahead; /* one more thread copies and augments the next batch meanwhile, where a
                 processor is free for it and batches are large; to the same bits */
  enum fr_train_precision precision; /* of the products of `net`, which keeps it when the
                                        run is over (float32 where the final weights are
                                        more accurate so, and the choice was the run's);
                                        the teacher's stays as it is */
  const fr_checkpoint_options *checkpoint; /* NULL: none */
  const fr_train_hold
      *hold; /* NULL: none; not with checkpoints, which know nothing of it */
} fr_train_options;

/* 60 epochs, batch 64, patience 8, seed 1, cross-entropy, AdamW at 0.002 with weight
 * decay 0.1, everything trained, batches prepared ahead. */
fr_train_options fr_train_default_options(void);

typedef struct fr_precision_trial {
  size_t steps;          /* that each went; 0: there was no trial */
  double f32, low, high; /* its validation accuracy, with Wilson's 95 % interval */
  double bf16;           /* NaN: something was not finite */
} fr_precision_trial;

#define FR_TRAIN_REASON 128 /* bytes */

typedef struct fr_train_result {
  enum fr_stop stop;
  size_t epochs; /* run, one that the budget cut included */
  size_t steps;
  size_t best_epoch;             /* whose weights the network holds afterwards */
  double best_validate_accuracy; /* of that epoch; NaN where it was not validated */
  double best_validate_loss;
  uint64_t operations; /* FLOP executed, counted: frozen, forward, backward, update and
                          validation; docs/train.md says how */
  fr_epoch *history;   /* (epochs); owned */
  size_t resumed_from; /* steps of the checkpoint that it was taken up from; 0: none */
  enum fr_precision precision;            /* that was told, or chosen */
  char precision_reason[FR_TRAIN_REASON]; /* why FR_TRAIN_AUTO chose it; else "" */
  fr_precision_trial trial;
  fr_kept kept;         /* frozen outputs */
  size_t first_trained; /* layer, at the end */
} fr_train_result;

void fr_train_result_release(fr_train_result *result);

/*
 * Trains `net` on `train`, watching `validate` (may be NULL or empty: then it runs all
 * epochs and keeps the last weights). The network ends with the weights of the best
 * validation loss; a budget that ends a run before its first validation leaves the
 * latest. Layers before first_trained run once a sample, and so do layers without
 * parameters that follow them, but dropout. Phases: train/teacher, train/frozen,
 * train/gather, train/augment, train/forward (with the loss), train/backward,
 * train/update, train/checkpoint, validate. The same seed, samples and options give the
 * same bits, whatever the threads and however often the run was taken up. Memory is
 * allocated before the first step, between two epochs where a layer thaws, and to write a
 * checkpoint only.
 *
 * A loss, gradient or weight that is not finite ends the run with FR_ERR_NUMERIC naming
 * layer, epoch, step and the checkpoint that is left; the weights are then the best so
 * far. A checkpoint that cannot be written, or that is damaged, is a warning;
 * FR_ERR_ARGUMENT, with what differs, where the checkpoints are of another run.
 * `observer` and `budget` may be NULL. *result is filled where the call succeeds; release
 * it.
 */
enum fr_status fr_train(fr_net *net, const fr_samples *train, const fr_samples *validate,
                        const fr_train_options *options, const fr_observer *observer,
                        const fr_budget *budget, fr_train_result *result, fr_error *err);

/* Phase: test. *metrics is filled where the call succeeds; release it. */
enum fr_status fr_test(fr_net *net, const fr_samples *samples,
                       const fr_loss_options *loss, size_t batch,
                       const fr_observer *observer, fr_metrics *metrics, fr_error *err);

#endif
