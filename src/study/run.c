/* SPDX-License-Identifier: Apache-2.0 */
/* The study from end to end: plan, run what is missing, aggregate, store. */
#include "study/jobs.h"
#include "study/next.h"
#include "study/plan.h"
#include "study/opening.h"

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

enum fr_status fr__run_begin(fr__plan *plan, size_t i, fr_error *err) {
  fr__study_run *run = &plan->run[i];
  const fr__study_cell *cell = &plan->cell[i % plan->cells];
  char name[48], title[160];
  fr__cell_name(plan->study, 'R', cell->data, cell->net, name);
  snprintf(title, sizeof title, "%s %s", name + 1, fr__cell_mechanism(plan->study, cell));
  run->started_ns = fr__clock_ns();
  run->running = true;
  const fr_run asked = describe(plan, "cell", title, run->key);
  return fr_store_run_begin(plan->options->store, &asked, &run->id, err);
}

enum fr_status fr__run_end(fr__plan *plan, size_t i, json_t *result,
                           const fr_store_sample *sample, size_t samples, fr_error *err) {
  fr__study_run *run = &plan->run[i];
  fr_store *store = plan->options->store;
  enum fr_status status = FR_OK;
  run->running = false;
  if (result != NULL)
    status = store_figures(store, run->id, result, err);
  if (result != NULL && status == FR_OK && samples > 0)
    status = fr_store_samples(store, run->id, sample, samples, err);
  if (result != NULL && status == FR_OK)
    fr__opening_of_cell(store, run->id, result);
  if (result != NULL && status == FR_OK)
    status = end_run(store, run->id, result, err);
  if (result == NULL || status != FR_OK) {
    end_run(store, run->id, NULL, NULL);
    json_decref(result);
    return status;
  }
  run->result = rounded(result);
  run->elsewhere = plan->jobs > 1;
  plan->cell[i % plan->cells].seconds = (double)(fr__clock_ns() - run->started_ns) * 1e-9;
  plan->done++;
  fr__plan_share(plan, i);
  return FR_OK;
}

static enum fr_status run_one(fr__plan *plan, size_t i, fr_error *err) {
  json_t *result = NULL;
  plan->now = i;
  plan->now_done = 0.0;
  fr__plan_label(plan, i);
  enum fr_status status = fr__run_begin(plan, i, err);
  if (status != FR_OK)
    return status;
  status = fr__cell_run(plan, i, &result, err);
  size_t samples = 0;
  fr_store_sample *sample =
      status == FR_OK ? fr__gauge_take(plan->gauge, &samples) : NULL;
  const enum fr_status kept = fr__run_end(plan, i, result, sample, samples, err);
  free(sample);
  return status == FR_OK ? kept : status;
}

static enum fr_status run_here(fr__plan *plan, fr_error *err) {
  const fr__running nobody = {0};
  enum fr_status status = FR_OK;
  for (size_t i; status == FR_OK && (i = fr__next_run(plan, &nobody)) != SIZE_MAX;)
    status = fr__plan_go_on(plan)
                 ? run_one(plan, i, err)
                 : fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
  return status;
}

static enum fr_status run_all(fr__plan *plan, fr_error *err) {
  const size_t left = plan->cells * plan->study->repeats - plan->done;
  if (plan->jobs > left)
    plan->jobs = left > 1 ? left : 1;
  const enum fr_status status =
      plan->jobs > 1 ? fr__jobs_run(plan, err) : run_here(plan, err);
  plan->told_ns = 0;
  plan->now = SIZE_MAX;
  plan->now_done = 0.0;
  if (status == FR_OK)
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

static enum fr_status choose_jobs(fr__plan *plan, size_t asked, fr_error *err) {
  plan->cores = calloc(FR__CORES, sizeof *plan->cores);
  if (plan->cores == NULL)
    return fr__fail_memory(err, "the cores of a study");
  plan->jobs = fr__jobs_count(asked, plan->cores, &plan->core_count);
  return FR_OK;
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
    status = choose_jobs(&plan, options->jobs, err);
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
