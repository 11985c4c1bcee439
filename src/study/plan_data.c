/* SPDX-License-Identifier: Apache-2.0 */
/* The data sets of a study: opened once, prepared fold by fold. */
#include "study/plan.h"

#include "base/error.h"

#include <stdio.h>

static void on_read(void *self, double done) {
  fr__plan *plan = self;
  plan->now_done = done;
  fr__plan_go_on(plan);
}

enum fr_status fr__plan_open_set(fr__plan *plan, size_t i, fr_error *err) {
  const fr__study_data *data = &plan->study->data[i];
  fr__study_set *set = &plan->set[i];
  const fr_data_options options = {
      .cache = plan->options->cache, .progress = on_read, .self = plan};
  snprintf(plan->label, sizeof plan->label, "reading %.100s", data->name);
  fr__gauge_phase_begin(plan->gauge, "read");
  enum fr_status status = fr_data_open(data->open, &options, &set->data, err);
  fr__gauge_phase_end(plan->gauge);
  set->folds = 1;
  set->fold = SIZE_MAX;
  if (status == FR_OK && !fr__plan_go_on(plan))
    status = fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
  if (status == FR_OK)
    status = fr__plan_prepare(plan, i, 0, err);
  if (status == FR_OK)
    status = fr_split_folds(&set->prepared.windows,
                            data->split != NULL ? data->split : set->data->split,
                            &set->folds, err);
  return status;
}

/* Where a data set has folds, repeat r tests fold r; each fold has its own statistics. */
enum fr_status fr__plan_prepare(fr__plan *plan, size_t data, size_t repeat,
                                fr_error *err) {
  const fr__study_data *asked = &plan->study->data[data];
  fr__study_set *set = &plan->set[data];
  const size_t fold = repeat % set->folds;
  if (fold == set->fold)
    return FR_OK;
  fr_prepare_options options = {.window = asked->window,
                                .step = asked->step,
                                .split = asked->split,
                                .validate = asked->validate,
                                .fold = fold,
                                .seed = plan->study->seed};
  fr_task_parse(asked->task != NULL ? asked->task : "subject", &options.task);
  const fr_observer observer = {.self = plan->gauge,
                                .phase_begin = fr__gauge_phase_begin,
                                .phase_end = fr__gauge_phase_end};
  fr_prepared_release(&set->prepared);
  set->fold = SIZE_MAX;
  const enum fr_status status =
      fr_prepared_init(&set->prepared, set->data, &options, &observer, err);
  if (status == FR_OK)
    set->fold = fold;
  return status;
}
