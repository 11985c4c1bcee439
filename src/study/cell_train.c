/* SPDX-License-Identifier: Apache-2.0 */
/* A cell's network: watched while it is made, built, trained. */
#include "study/cell.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- watching ---- */

static void on_phase_begin(void *self, const char *name) {
  fr__gauge_phase_begin(((fr__job *)self)->plan->gauge, name);
}

static void on_phase_end(void *self) {
  fr__gauge_phase_end(((fr__job *)self)->plan->gauge);
}

static double value_or_nan(fr_measure m) {
  return fr_measure_known(m) ? m.value : (double)NAN;
}

/* The place of the epoch that ends now; NULL without memory. */
static fr__point *next_point(fr__job *j) {
  if (j->epochs == j->room) {
    const size_t room = j->room != 0 ? 2 * j->room : 64;
    fr__point *more = realloc(j->points, room * sizeof *more);
    if (more == NULL)
      return NULL;
    memset(more + j->room, 0, (room - j->room) * sizeof *more);
    j->points = more;
    j->room = room;
  }
  return &j->points[j->epochs++];
}

/* Reads the meter, so that the energy to any accuracy can be told later. */
static void on_epoch(void *self, const fr_epoch *epoch) {
  fr__job *j = self;
  fr_meter_report now = {0};
  if (fr__gauge_read(j->plan->gauge, &now, NULL) != FR_OK)
    return;
  fr__point *p = next_point(j);
  if (p != NULL) {
    p->epoch = *epoch;
    p->stage = j->stage;
    p->program_j += value_or_nan(fr__measure_difference(now.program, j->before.program));
    p->energy_j += value_or_nan(fr__measure_difference(now.energy, j->before.energy));
    p->core_s +=
        value_or_nan(fr__measure_difference(now.core_seconds, j->before.core_seconds));
  }
  const double done = (double)j->epochs / (double)j->options.epochs;
  j->plan->now_done = done < 1.0 ? done : 1.0;
  fr_meter_report_release(&now);
}

static bool on_step(void *self, const fr_epoch *epoch) {
  (void)epoch;
  return fr__plan_go_on(((fr__job *)self)->plan);
}

void fr__job_watch(fr__job *j) {
  j->observer = (fr_observer){.self = j,
                              .phase_begin = on_phase_begin,
                              .phase_end = on_phase_end,
                              .epoch_done = on_epoch};
  j->budget = (fr_budget){.self = j, .may_go_on = on_step};
}

enum fr_status fr__job_cancelled(fr_error *err) {
  return fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
}

/* ---- building ---- */

static enum fr_status build_scratch(fr__job *j, uint64_t seed, fr_error *err) {
  const fr_samples *samples = &j->data->train;
  const fr_shape shape = {samples->steps, samples->channels};
  const enum fr_status status =
      fr_net_new(j->recipe.arch, shape, j->data->classes.count, &j->net, err);
  if (status == FR_OK)
    fr_net_init(j->net, seed, 0);
  return status;
}

static enum fr_status build_transfer(fr__job *j, uint64_t seed, fr_error *err) {
  size_t first;
  return fr_transfer_new(j->source.net, &j->recipe.transfer, j->data->classes.count, seed,
                         &j->net, &first, err);
}

static enum fr_status build(fr__job *j, fr_error *err) {
  fr_net_free(j->net);
  fr_quantized_free(j->quantized);
  j->net = NULL;
  j->quantized = NULL;
  return j->cell->source == SIZE_MAX ? build_scratch(j, j->options.seed, err)
                                     : build_transfer(j, j->options.seed, err);
}

/* ---- what is there before ---- */

/* The network of another cell's run. */
static enum fr_status load(const fr__job *j, size_t cell, fr_model *model,
                           fr_error *err) {
  const fr__study_run *run = fr__plan_needed(j->plan, j->repeat * j->plan->cells, cell);
  char *path = fr__plan_model(j->plan, run->key);
  if (path == NULL)
    return fr__fail_memory(err, "a path");
  const enum fr_status status = fr_model_load(model, path, err);
  free(path);
  return status;
}

/* What choosing a depth looks at: operations are counted, so that the same seed chooses
 * the same. */
static enum fr_status hold(fr__job *j, fr_error *err) {
  const char *name = fr__study_task(&j->plan->study->data[j->cell->data]);
  enum fr_task task = FR_TASK_SUBJECT;
  if (j->recipe.transfer.freeze != FR_FREEZE_AUTO)
    return FR_OK;
  (void)fr_task_parse(name, &task); /* the study was checked */
  const enum fr_status status = fr_transfer_hold(j->data, task, &j->held, NULL, err);
  j->recipe.transfer.choice.held = j->held;
  return status;
}

enum fr_status fr__job_equip(fr__job *j, fr_error *err) {
  enum fr_status status = FR_OK;
  if (j->recipe.augment.count > 0) {
    status = fr_augment_bind(&j->recipe.augment, &j->data->data->channels,
                             &j->data->normalizer, err);
    j->options.augment = &j->recipe.augment;
  }
  if (status == FR_OK && j->cell->source != SIZE_MAX) {
    status = load(j, j->cell->source, &j->source, err);
    if (status == FR_OK)
      status = hold(j, err);
  }
  if (j->cell->teacher != SIZE_MAX && status == FR_OK)
    status = load(j, j->cell->teacher, &j->teacher, err);
  j->options.teacher = j->teacher.net;
  j->options.seed = (uint64_t)j->plan->study->seed + j->repeat;
  return status;
}

void fr__job_release(fr__job *j) {
  fr_quantized_free(j->quantized);
  fr_net_free(j->net);
  fr_augment_release(&j->recipe.augment);
  fr_model_release(&j->source);
  fr_model_release(&j->teacher);
  fr_train_result_release(&j->trained);
  fr_transfer_result_release(&j->choice);
  free(j->held);
  free(j->points);
}

/* ---- stages ---- */

static enum fr_status transfer(fr__job *j, fr_error *err) {
  const enum fr_status status = fr_transfer_adjust(
      j->net, j->source.net, &j->data->train, &j->data->validate, &j->options,
      &j->recipe.transfer, &j->observer, &j->budget, &j->choice, err);
  j->trained = j->choice.trained;
  j->choice.trained = (fr_train_result){0};
  return status;
}

static enum fr_status train(fr__job *j, fr_error *err) {
  const enum fr_status status =
      j->cell->source != SIZE_MAX
          ? transfer(j, err)
          : fr_train(j->net, &j->data->train, &j->data->validate, &j->options,
                     &j->observer, &j->budget, &j->trained, err);
  return status == FR_OK && j->trained.stop == FR_STOP_BUDGET ? fr__job_cancelled(err)
                                                              : status;
}

/* Adds what was spent since *last, which becomes now, to the stage. */
static enum fr_status note(fr__job *j, fr_meter_report *last, fr_error *err) {
  fr_meter_report now = {0};
  const enum fr_status status = fr__gauge_read(j->plan->gauge, &now, err);
  if (status != FR_OK)
    return status;
  j->spent[j->stage].done = true;
  j->spent[j->stage].program_j +=
      value_or_nan(fr__measure_difference(now.program, last->program));
  j->spent[j->stage].energy_j +=
      value_or_nan(fr__measure_difference(now.energy, last->energy));
  j->spent[j->stage].core_s +=
      value_or_nan(fr__measure_difference(now.core_seconds, last->core_seconds));
  fr_meter_report_release(last);
  *last = now;
  return FR_OK;
}

static enum fr_status prune(fr__job *j, fr_error *err) {
  return fr_prune_train(&j->net, &j->data->train, &j->data->validate, &j->options,
                        &j->recipe.prune, &j->observer, &j->budget, &j->pruned, err);
}

static enum fr_status quantize(fr__job *j, fr_error *err) {
  const fr_train_options options = fr_quantize_options(&j->options);
  return fr_quantize(j->net, j->recipe.scheme, &j->data->train, &j->data->validate,
                     &options, &j->observer, &j->budget, &j->quantized, err);
}

/* One after another, each with what it took. */
static enum fr_status run_stages(fr__job *j, fr_meter_report *last, fr_error *err) {
  static const struct {
    enum fr__sets where; /* 0: always */
    enum fr_status (*run)(fr__job *j, fr_error *err);
  } stages[FR__STAGES] = {
      {0, train}, {FR__SETS_PRUNE, prune}, {FR__SETS_QUANTIZE, quantize}};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < FR__STAGES && status == FR_OK; i++) {
    if (stages[i].where != 0 && (j->recipe.sets & stages[i].where) == 0)
      continue;
    j->stage = (enum fr__stage)i;
    status = stages[i].run(j, err);
    if (status == FR_OK && !fr__plan_go_on(j->plan)) /* it may have been cut short */
      status = fr__job_cancelled(err);
    if (status == FR_OK)
      status = note(j, last, err);
  }
  return status;
}

/* ---- measuring ---- */

static enum fr_status train_once(fr__job *j, fr__bill *tally, fr_error *err) {
  fr_meter_report after = {0};
  fr_train_result_release(&j->trained);
  fr_transfer_result_release(&j->choice);
  j->trained = (fr_train_result){0};
  j->epochs = 0;
  enum fr_status status = build(j, err);
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &j->before, err);
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &after, err);
  if (status == FR_OK)
    status = run_stages(j, &after, err);
  if (status == FR_OK)
    fr__bill_add(tally, &j->before, &after, 1);
  fr_meter_report_release(&after);
  fr_meter_report_release(&j->before);
  return status;
}

/* The same seed gives the same network every time: only the cost is measured again. */
enum fr_status fr__job_train(fr__job *j, fr__bill *tally, fr_error *err) {
  enum fr_status status = FR_OK;
  while (status == FR_OK && !fr__bill_enough(tally))
    status = train_once(j, tally, err);
  return status;
}
