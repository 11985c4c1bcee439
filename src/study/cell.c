/* SPDX-License-Identifier: Apache-2.0 */
/* One repeat of a cell: build, train, test, and what that cost. */
#include "study/cell.h"

#include "base/error.h"
#include "frugal/model.h"
#include "study/opening.h"

#include <stdlib.h>
#include <string.h>

static enum fr_status save_network(const fr__job *j, fr_error *err) {
  const fr__study_data *asked = &j->plan->study->data[j->cell->data];
  const fr_dataset *data = j->plan->set[j->cell->data].data;
  char none[] = "";
  char *path = fr__plan_model(j->plan, j->run->key);
  if (path == NULL)
    return fr__fail_memory(err, "a path");
  /* Borrows everything: it is not released. */
  const fr_model model = {.net = j->net,
                          .classes = j->data->classes,
                          .normalizer = j->data->normalizer,
                          .channels = data->channels,
                          .task = (char *)(uintptr_t)fr__study_task(asked),
                          .data = asked->spec,
                          .split = asked->split != NULL ? asked->split : none,
                          .validate = asked->validate != NULL ? asked->validate : none,
                          .frames = data->frames,
                          .window = j->data->windows.length,
                          .step = j->data->windows.step,
                          .fold = j->samples->fold,
                          .rate_hz = data->rate_hz,
                          .seed = j->options.seed};
  const enum fr_status status = fr_model_save(&model, path, err);
  free(path);
  return status;
}

/* For the log of openings, which the process that has the store writes. */
static json_t *opening_of(const fr__job *j) {
  const fr__study_data *asked = &j->plan->study->data[j->cell->data];
  const fr__study_set *set = &j->plan->set[j->cell->data];
  fr__opened opened = {.data = set->data, .prepared = j->data, .split = asked->split};
  (void)fr_task_parse(fr__study_task(asked), &opened.task); /* the study was checked */
  if (opened.split == NULL)
    opened.split = set->data->split;
  opened.fold = j->samples->fold;
  return fr__opening_json(&opened, j->net);
}

static enum fr_status work(fr__job *j, json_t *out, fr_error *err) {
  fr__bill training = {0}, testing = {0};
  json_t *train = json_object(), *test = json_object();
  enum fr_status status = fr__job_train(j, &training, err);
  if (status == FR_OK)
    status = fr__job_test(j, &testing, err);
  if (status == FR_OK)
    status = fr__job_write_metrics(j, &j->data->train, train, err);
  if (status == FR_OK)
    status = fr__job_write_metrics(j, &j->data->test, test, err);
  if (status == FR_OK && j->cell->is_source)
    status = save_network(j, err);
  if (status == FR_OK) {
    fr__job_write_identity(j, out);
    fr__job_write_training(j, &training, train);
    fr__job_write_testing(j, &testing, test);
    json_object_set_new(test, "opening", opening_of(j));
    fr__job_write_needed(j, out);
  }
  json_object_set_new(out, "train", train);
  json_object_set_new(out, "test", test);
  return status;
}

/* Samples and all else that the recipe needs. */
static enum fr_status begin(fr__job *j, fr_error *err) {
  fr__plan *plan = j->plan;
  j->recipe = fr__recipe_of(plan->study, j->cell->mechanism, j->cell->net);
  j->options = j->recipe.train;
  j->test_batch = fr__study_train_options(plan->study).batch;
  fr__job_watch(j);
  const enum fr_status status = fr__plan_prepare(plan, j->cell->data, j->repeat,
                                                 j->recipe.normalize, &j->samples, err);
  if (status != FR_OK)
    return status;
  j->data = &j->samples->prepared;
  return fr__job_equip(j, err);
}

enum fr_status fr__cell_run(fr__plan *plan, size_t run, json_t **out, fr_error *err) {
  fr__job j = {
      .plan = plan,
      .cell = &plan->cell[run % plan->cells],
      .repeat = run / plan->cells,
      .run = &plan->run[run],
  };
  fr_meter_report before = {0};
  json_t *result = json_object(), *spent = NULL;
  enum fr_status status =
      result != NULL ? FR_OK : fr__fail_memory(err, "a cell's result");
  if (status == FR_OK)
    status = fr__gauge_read(plan->gauge, &before, err);
  if (status == FR_OK)
    status = begin(&j, err);
  if (status == FR_OK)
    status = work(&j, result, err);
  if (status == FR_OK)
    status = fr__spent_since(plan->gauge, &before, &spent, err);
  if (status == FR_OK) {
    json_object_set_new(result, "spent", spent);
    *out = json_incref(result);
  }
  json_decref(result);
  fr_meter_report_release(&before);
  fr__job_release(&j);
  return status;
}
