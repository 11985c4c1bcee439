/* SPDX-License-Identifier: Apache-2.0 */
/* A cell's network: watched while it is made, built, trained. */
#include "study/cell.h"

#include "base/error.h"
#include "frugal/model.h"

#include <math.h>
#include <stdlib.h>

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

/* Reads the meter, so that the energy to any accuracy can be told later. */
static void on_epoch(void *self, const fr_epoch *epoch) {
  fr__job *j = self;
  fr_meter_report now = {0};
  if (epoch->epoch == 0 || epoch->epoch > j->options.epochs ||
      fr__gauge_read(j->plan->gauge, &now, NULL) != FR_OK)
    return;
  fr__point *p = &j->points[epoch->epoch - 1];
  p->epoch = *epoch;
  p->program_j += value_or_nan(fr__measure_difference(now.program, j->before.program));
  p->energy_j += value_or_nan(fr__measure_difference(now.energy, j->before.energy));
  p->core_s +=
      value_or_nan(fr__measure_difference(now.core_seconds, j->before.core_seconds));
  j->plan->now_done = (double)epoch->epoch / (double)j->options.epochs;
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

enum fr_status fr__job_load(const fr__job *j, size_t cell, fr_model *model,
                            fr_error *err) {
  const fr__study_run *run = fr__plan_needed(j->plan, j->repeat * j->plan->cells, cell);
  char *path = fr__plan_model(j->plan, run->key);
  if (path == NULL)
    return fr__fail_memory(err, "a path");
  const enum fr_status status = fr_model_load(model, path, err);
  free(path);
  return status;
}

enum fr_status fr__job_equip(fr__job *j, fr_error *err) {
  if (j->recipe.augment_text != NULL)
    j->options.augment = &j->recipe.augment;
  if (j->cell->teacher == SIZE_MAX)
    return FR_OK;
  const enum fr_status status = fr__job_load(j, j->cell->teacher, &j->teacher, err);
  if (status == FR_OK)
    j->options.teacher = j->teacher.net;
  return status;
}

static enum fr_status set_rates(fr__job *j, const fr_transfer_options *options,
                                fr_error *err) {
  free(j->rates);
  j->rates = calloc(fr_net_layer_count(j->net), sizeof *j->rates);
  if (j->rates == NULL)
    return fr__fail_memory(err, "learning rates");
  fr_transfer_rates(j->net, j->kept, options, j->rates);
  j->options.rate_scale = j->rates;
  return FR_OK;
}

static enum fr_status build_transfer(fr__job *j, uint64_t seed, fr_error *err) {
  const fr_transfer_options options = j->recipe.transfer;
  fr_model source = {0};
  enum fr_status status = fr__job_load(j, j->cell->source, &source, err);
  if (status != FR_OK)
    return status;
  j->kept = fr_transfer_kept(source.net, &options);
  status = fr_transfer_new(source.net, &options, j->data->classes.count, seed, &j->net,
                           &j->options.first_trained, err);
  if (status == FR_OK)
    status = set_rates(j, &options, err);
  fr_model_release(&source);
  return status;
}

static enum fr_status build(fr__job *j, fr_error *err) {
  const uint64_t seed = (uint64_t)j->plan->study->seed + j->repeat;
  fr_net_free(j->net);
  j->net = NULL;
  j->options.seed = seed;
  return j->cell->source == SIZE_MAX ? build_scratch(j, seed, err)
                                     : build_transfer(j, seed, err);
}

/* ---- measuring ---- */

static enum fr_status train_once(fr__job *j, fr__bill *tally, fr_train_result *result,
                                 fr_error *err) {
  fr_meter_report after = {0};
  enum fr_status status = build(j, err);
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &j->before, err);
  if (status == FR_OK)
    status = fr_train(j->net, &j->data->train, &j->data->validate, &j->options,
                      &j->observer, &j->budget, result, err);
  if (status == FR_OK && result->stop == FR_STOP_BUDGET)
    status = fr__job_cancelled(err);
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &after, err);
  if (status == FR_OK)
    fr__bill_add(tally, &j->before, &after, 1);
  fr_meter_report_release(&after);
  fr_meter_report_release(&j->before);
  return status;
}

/* The same seed gives the same network every time: only the cost is measured again. */
enum fr_status fr__job_train(fr__job *j, fr__bill *tally, fr_train_result *result,
                             fr_error *err) {
  enum fr_status status = FR_OK;
  while (status == FR_OK && !fr__bill_enough(tally)) {
    fr_train_result_release(result);
    *result = (fr_train_result){0};
    status = train_once(j, tally, result, err);
  }
  return status;
}
