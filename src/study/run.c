/* SPDX-License-Identifier: Apache-2.0 */
/* The study from end to end: plan, run what is missing, aggregate, store. */
#include "study/study.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS 9 /* of a number in JSON */

/* A run of ours; the strings stay the plan's. */
static fr_run describe(fr__plan *plan, const char *command, const char *name,
                       const char *key) {
  return (fr_run){.parent = plan->parent,
                  .command = (char *)(uintptr_t)command,
                  .name = (char *)(uintptr_t)name,
                  .key = (char *)(uintptr_t)key,
                  .argv = (char *)(uintptr_t)plan->options->argv,
                  .version = (char *)(uintptr_t)FR_VERSION,
                  .host = plan->host,
                  .cpu = plan->cpu.cpu};
}

static enum fr_status store_figures(fr_store *store, int64_t id, const json_t *result,
                                    fr_error *err) {
  static const char *const parts[] = {"train", "test"};
  static const char *const names[] = {"program",  "energy",   "core_seconds",
                                      "accuracy", "macro_f1", "balanced_accuracy"};
  static const enum fr_unit units[] = {FR_UNIT_JOULE, FR_UNIT_JOULE, FR_UNIT_CORE_SECOND,
                                       FR_UNIT_NONE,  FR_UNIT_NONE,  FR_UNIT_NONE};
  enum fr_status status = FR_OK;
  for (size_t p = 0; p < 2; p++)
    for (size_t n = 0; n < 6 && status == FR_OK; n++) {
      const json_t *part = json_object_get(result, parts[p]);
      fr_measure m;
      char name[64];
      if (!fr__json_measure_read(json_object_get(part, names[n]), &m))
        m = fr_measure_absent(units[n]);
      snprintf(name, sizeof name, "%s/%s", parts[p], names[n]);
      status = fr_store_figure(store, id, name, m, err);
    }
  return status;
}

/* Ends a run with its JSON; without one it has failed. */
static enum fr_status end_run(fr_store *store, int64_t id, const json_t *result,
                              fr_error *err) {
  if (result == NULL)
    return fr_store_run_end(store, id, "failed", NULL, err);
  char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
  if (text == NULL)
    return fr__fail_memory(err, "a result");
  const enum fr_status status = fr_store_run_end(store, id, "done", text, err);
  free(text);
  return status;
}

/* As the store gives it back, so that a resumed study aggregates the same numbers. */
static json_t *rounded(json_t *result) {
  char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
  json_t *read = text != NULL ? json_loads(text, 0, NULL) : NULL;
  free(text);
  if (read == NULL)
    return result;
  json_decref(result);
  return read;
}

static enum fr_status keep_result(fr__plan *plan, fr__study_run *run,
                                  const json_t *result, fr_error *err) {
  fr_store *store = plan->options->store;
  enum fr_status status = store_figures(store, run->id, result, err);
  if (status == FR_OK)
    status = fr__gauge_flush(plan->gauge, store, run->id, err);
  if (status == FR_OK)
    status = end_run(store, run->id, result, err);
  return status;
}

static enum fr_status run_one(fr__plan *plan, size_t i, fr_error *err) {
  fr__study_run *run = &plan->run[i];
  fr__study_cell *cell = &plan->cell[i % plan->cells];
  fr_store *store = plan->options->store;
  json_t *result = NULL;
  char name[48], title[160];
  fr__cell_name(plan->study, 'R', cell->data, cell->net, name);
  snprintf(title, sizeof title, "%s %s", name + 1, fr__cell_mechanism(plan->study, cell));
  plan->now = i;
  plan->now_done = 0.0;
  fr__plan_label(plan, i);
  const uint64_t started = fr__clock_ns();
  const fr_run asked = describe(plan, "cell", title, run->key);
  enum fr_status status = fr_store_run_begin(store, &asked, &run->id, err);
  if (status != FR_OK)
    return status;
  status = fr__cell_run(plan, i, &result, err);
  if (status == FR_OK)
    status = keep_result(plan, run, result, err);
  if (status != FR_OK) {
    end_run(store, run->id, NULL, NULL);
    json_decref(result);
    return status;
  }
  run->result = rounded(result);
  cell->seconds = (double)(fr__clock_ns() - started) * 1e-9;
  plan->done++;
  return FR_OK;
}

static enum fr_status run_all(fr__plan *plan, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < plan->cells * plan->study->repeats && status == FR_OK; i++) {
    if (!fr__plan_go_on(plan))
      return fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
    if (plan->run[i].result == NULL)
      status = run_one(plan, i, err);
  }
  plan->told_ns = 0;
  plan->now = SIZE_MAX;
  plan->now_done = 0.0;
  fr__plan_go_on(plan); /* tells the end; nothing is left to stop */
  return status;
}

static enum fr_status run_plan(fr__plan *plan, fr_error *err) {
  json_t *result = NULL;
  enum fr_status status = fr__plan_open(plan, err);
  if (status == FR_OK) /* what reading took belongs to the study itself */
    status = fr__gauge_flush(plan->gauge, plan->options->store, plan->parent, err);
  if (status == FR_OK)
    status = run_all(plan, err);
  if (status == FR_OK)
    status = fr__aggregate(plan, &result, err);
  if (status == FR_OK)
    status = end_run(plan->options->store, plan->parent, result, err);
  if (status != FR_OK)
    end_run(plan->options->store, plan->parent, NULL, NULL);
  json_decref(result);
  return status;
}

enum fr_status fr_study_run(const fr_study *study, const fr_study_options *options,
                            int64_t *run, fr_error *err) {
  fr__plan plan = {.study = study, .options = options, .now = SIZE_MAX};
  gethostname(plan.host, sizeof plan.host - 1);
  enum fr_status status = fr__plan_cells(&plan, err);
  if (status == FR_OK)
    status = fr_cpu_power_find(NULL, &plan.cpu, err);
  if (status == FR_OK && options->cpu != NULL)
    plan.cpu = *options->cpu;
  if (status == FR_OK)
    status = fr__gauge_new(options->cpu, &plan.gauge, err);
  if (status == FR_OK) {
    const fr_run asked = describe(&plan, "study", study->name, "");
    status = fr_store_run_begin(options->store, &asked, &plan.parent, err);
  }
  if (status == FR_OK) {
    *run = plan.parent;
    status = run_plan(&plan, err);
  }
  fr__plan_release(&plan);
  return status;
}
