/* SPDX-License-Identifier: Apache-2.0 */
/* The data sets of a study: opened once, prepared fold by fold. */
#include "study/plan.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- samples ---- */

/* Where a data set has folds, repeat r tests fold r; each fold has its own statistics. */
static enum fr_status prepare(fr__plan *plan, size_t data, size_t fold,
                              enum fr_normalize how, fr__samples *to, fr_error *err) {
  const fr__study_data *asked = &plan->study->data[data];
  fr_prepare_options options = {.window = asked->window,
                                .step = asked->step,
                                .split = asked->split,
                                .validate = asked->validate,
                                .fold = fold,
                                .seed = plan->study->seed,
                                .normalize = how};
  fr_task_parse(fr__study_task(asked), &options.task);
  const fr_observer observer = {.self = plan->gauge,
                                .phase_begin = fr__gauge_phase_begin,
                                .phase_end = fr__gauge_phase_end};
  fr_prepared_release(&to->prepared);
  to->fold = SIZE_MAX;
  const enum fr_status status =
      fr_prepared_init(&to->prepared, plan->set[data].data, &options, &observer, err);
  if (status == FR_OK)
    to->fold = fold;
  return status;
}

static enum fr_status prepare_metered(fr__plan *plan, size_t data, size_t fold,
                                      enum fr_normalize how, fr__samples *to,
                                      fr_error *err) {
  fr_meter_report before = {0}, after = {0};
  enum fr_status status = fr__gauge_read(plan->gauge, &before, err);
  if (status == FR_OK)
    status = prepare(plan, data, fold, how, to, err);
  if (status == FR_OK)
    status = fr__gauge_read(plan->gauge, &after, err);
  if (status == FR_OK) {
    to->program = fr__measure_difference(after.program, before.program);
    to->energy = fr__measure_difference(after.energy, before.energy);
    to->core_seconds = fr__measure_difference(after.core_seconds, before.core_seconds);
  }
  fr_meter_report_release(&before);
  fr_meter_report_release(&after);
  return status;
}

/* ---- other normalisations ---- */

#define BYTES_CEILING ((size_t)256 << 20) /* that all of them together may take */

/* Of the records and, where each window has numbers of its own, of those. */
static size_t bytes_of(const fr__study_set *set, enum fr_normalize how) {
  const fr_dataset *data = set->data;
  const fr_windows *windows = &set->plain.prepared.windows;
  size_t steps = how == FR_NORMALIZE_WINDOW ? windows->count * windows->length : 0;
  for (size_t i = 0; i < data->count; i++)
    steps += data->record[i].steps;
  return steps * data->channels.count * sizeof *data->record->values;
}

static void drop(fr__normalized *n) {
  fr_prepared_release(&n->samples.prepared);
  *n = (fr__normalized){0};
}

/* A free place for `bytes` more: what was used least of late goes. */
static fr__normalized *make_room(fr__plan *plan, size_t bytes) {
  for (;;) {
    fr__normalized *oldest = NULL, *empty = NULL;
    size_t sum = bytes;
    for (size_t i = 0; i < FR__NORMALIZED; i++) {
      fr__normalized *n = &plan->normalized[i];
      sum += n->bytes;
      if (n->used == 0)
        empty = n;
      else if (oldest == NULL || n->used < oldest->used)
        oldest = n;
    }
    if (oldest == NULL || (empty != NULL && sum <= BYTES_CEILING))
      return empty;
    drop(oldest);
  }
}

static fr__normalized *find_normalized(fr__plan *plan, size_t data, size_t fold,
                                       enum fr_normalize how) {
  for (size_t i = 0; i < FR__NORMALIZED; i++) {
    fr__normalized *n = &plan->normalized[i];
    if (n->used != 0 && n->data == data && n->how == how && n->samples.fold == fold)
      return n;
  }
  return NULL;
}

static uint64_t latest(const fr__plan *plan) {
  uint64_t used = 0;
  for (size_t i = 0; i < FR__NORMALIZED; i++)
    used = plan->normalized[i].used > used ? plan->normalized[i].used : used;
  return used;
}

static enum fr_status prepare_other(fr__plan *plan, size_t data, size_t fold,
                                    enum fr_normalize how, const fr__samples **out,
                                    fr_error *err) {
  fr__normalized *n = find_normalized(plan, data, fold, how);
  enum fr_status status = FR_OK;
  if (n == NULL) {
    const size_t bytes = bytes_of(&plan->set[data], how);
    n = make_room(plan, bytes);
    *n = (fr__normalized){.data = data, .how = how, .bytes = bytes};
    status = prepare_metered(plan, data, fold, how, &n->samples, err);
  }
  if (status != FR_OK) {
    drop(n);
    return status;
  }
  n->used = latest(plan) + 1;
  *out = &n->samples;
  return FR_OK;
}

enum fr_status fr__plan_prepare(fr__plan *plan, size_t data, size_t repeat,
                                enum fr_normalize how, const fr__samples **out,
                                fr_error *err) {
  fr__study_set *set = &plan->set[data];
  const size_t fold = repeat % set->folds;
  if (how != FR_NORMALIZE_ZSCORE)
    return prepare_other(plan, data, fold, how, out, err);
  *out = &set->plain;
  return fold == set->plain.fold
             ? FR_OK
             : prepare_metered(plan, data, fold, how, &set->plain, err);
}

/* ---- opening ---- */

static void on_read(void *self, double done) {
  fr__plan *plan = self;
  plan->now_done = done;
  fr__plan_go_on(plan);
}

static void on_part(void *self, const char *name) {
  const fr__plan *plan = self;
  if (name != NULL)
    fr__gauge_phase_begin(plan->gauge, name);
  else
    fr__gauge_phase_end(plan->gauge);
}

enum fr_status fr__plan_open_set(fr__plan *plan, size_t i, fr_error *err) {
  const fr__study_data *data = &plan->study->data[i];
  fr__study_set *set = &plan->set[i];
  const fr_data_options options = {
      .cache = plan->options->cache, .progress = on_read, .self = plan, .phase = on_part};
  snprintf(plan->label, sizeof plan->label, "reading %.100s", data->name);
  fr__gauge_phase_begin(plan->gauge, "read");
  enum fr_status status = fr_data_open(data->open, &options, &set->data, err);
  fr__gauge_phase_end(plan->gauge);
  set->folds = 1;
  set->plain.fold = SIZE_MAX;
  if (status == FR_OK && !fr__plan_go_on(plan))
    status = fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
  if (status == FR_OK)
    status = prepare_metered(plan, i, 0, FR_NORMALIZE_ZSCORE, &set->plain, err);
  if (status == FR_OK)
    status = fr_split_folds(&set->plain.prepared.windows,
                            data->split != NULL ? data->split : set->data->split,
                            &set->folds, err);
  return status;
}

void fr__plan_release_sets(fr__plan *plan) {
  for (size_t i = 0; i < FR__NORMALIZED; i++)
    if (plan->normalized[i].used != 0)
      drop(&plan->normalized[i]);
  for (size_t i = 0; plan->set != NULL && i < plan->study->data_count; i++) {
    fr_prepared_release(&plan->set[i].plain.prepared);
    fr_data_free(plan->set[i].data);
  }
  free(plan->set);
}
