/* SPDX-License-Identifier: Apache-2.0 */
/* One repeat of a cell while it runs: what its files share. */
#ifndef FR_STUDY_CELL_H
#define FR_STUDY_CELL_H

#include "frugal/model.h"
#include "study/mechanism.h"
#include "study/study.h"

enum fr__stage { FR__STAGE_TRAIN, FR__STAGE_PRUNE, FR__STAGE_QUANTIZE, FR__STAGES };

typedef struct fr__point { /* at the end of an epoch, cumulated; sums over repetitions */
  fr_epoch epoch;
  enum fr__stage stage;
  double program_j, energy_j, core_s;
} fr__point;

typedef struct fr__job {
  fr__plan *plan;
  const fr__study_cell *cell;
  size_t repeat;
  fr__study_run *run;
  const fr__samples *samples;
  const fr_prepared *data; /* of the samples */
  fr__recipe recipe;
  fr_train_options options; /* the recipe's, and what equipping adds */
  size_t test_batch;        /* the study's: a mechanism's batch is of training */
  fr_observer observer;
  fr_budget budget;
  fr_model source, teacher; /* owned; net NULL: none */
  bool *held;               /* owned; of choosing how many layers stay frozen */
  fr_net *net;              /* owned */
  fr_quantized *quantized;  /* owned; NULL: the network runs as it was trained */

  /* of the training measured last */
  fr_meter_report before;    /* the reading before it */
  fr_train_result trained;   /* owned */
  fr_transfer_result choice; /* but its `trained`; owned */
  fr_prune_result pruned;
  enum fr__stage stage;
  size_t epochs; /* of all stages */

  /* of all measurements */
  fr__point *points; /* (room) owned */
  size_t room;
  struct {
    bool done;
    double program_j, energy_j, core_s; /* sums */
  } spent[FR__STAGES];
} fr__job;

/* Observer and budget that tell `j` of phases, epochs and wishes to stop. */
void fr__job_watch(fr__job *j);
enum fr_status fr__job_cancelled(fr_error *err);
/* What training needs beside the data: source, teacher, augmentation. */
enum fr_status fr__job_equip(fr__job *j, fr_error *err);
void fr__job_release(fr__job *j);
/* Builds and trains until the cost is known. */
enum fr_status fr__job_train(fr__job *j, fr__bill *tally, fr_error *err);
/* The network in the form that it has in the end; as fr_test. */
enum fr_status fr__job_test_once(fr__job *j, const fr_samples *samples,
                                 const fr_observer *observer, fr_metrics *metrics,
                                 fr_error *err);
/* Tests the test side until the cost is known. */
enum fr_status fr__job_test(fr__job *j, fr__bill *tally, fr_error *err);

/* ---- what came out ---- */

/* Accuracy and its kin of `samples`, outside of what is metered. */
enum fr_status fr__job_write_metrics(fr__job *j, const fr_samples *samples, json_t *to,
                                     fr_error *err);
void fr__job_write_training(const fr__job *j, const fr__bill *tally, json_t *to);
void fr__job_write_testing(const fr__job *j, const fr__bill *tally, json_t *to);
/* What training the source and the teacher took. */
void fr__job_write_needed(const fr__job *j, json_t *to);
void fr__job_write_identity(const fr__job *j, json_t *to);

#endif
