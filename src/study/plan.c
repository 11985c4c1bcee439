/* SPDX-License-Identifier: Apache-2.0 */
/* Which cells there are, opened for running, and how far they are. */
#include "study/next.h"
#include "study/plan.h"
#include "study/mechanism.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_CEILING 4096

/* ---- cells ---- */

static size_t find_cell(const fr__plan *plan, const fr__study_cell *cell) {
  for (size_t i = 0; i < plan->cells; i++) {
    const fr__study_cell *c = &plan->cell[i];
    if (c->data == cell->data && c->net == cell->net && c->mechanism == cell->mechanism &&
        c->source == cell->source && c->teacher == cell->teacher)
      return i;
  }
  return SIZE_MAX;
}

static fr__study_cell scratch(size_t data, size_t net) {
  return (fr__study_cell){.data = data,
                          .net = net,
                          .mechanism = SIZE_MAX,
                          .source = SIZE_MAX,
                          .teacher = SIZE_MAX,
                          .twin = SIZE_MAX};
}

static size_t find_scratch(const fr__plan *plan, size_t data, size_t net) {
  const fr__study_cell cell = scratch(data, net);
  return find_cell(plan, &cell);
}

size_t fr__plan_find(const fr__plan *plan, size_t data, size_t net, size_t mechanism,
                     size_t source_data) {
  fr__study_cell cell = scratch(data, net);
  if (mechanism == SIZE_MAX)
    return find_cell(plan, &cell);
  const fr__recipe recipe = fr__recipe_of(plan->study, mechanism, net);
  cell.mechanism = mechanism;
  if (recipe.sets & FR__SETS_TRANSFER)
    cell.source = find_scratch(plan, source_data, recipe.net);
  if (recipe.teacher != SIZE_MAX)
    cell.teacher = find_scratch(plan, data, recipe.teacher);
  return find_cell(plan, &cell);
}

/* The cell's index; SIZE_MAX where the ceiling is met. */
static size_t add_cell(fr__plan *plan, fr__study_cell cell) {
  const size_t old = find_cell(plan, &cell);
  if (old != SIZE_MAX || plan->cells == CELLS_CEILING)
    return old;
  plan->cell[plan->cells] = cell;
  return plan->cells++;
}

/* A cell whose network another one needs; SIZE_MAX where the ceiling is met. */
static size_t add_kept(fr__plan *plan, size_t data, size_t net) {
  const size_t cell = add_cell(plan, scratch(data, net));
  if (cell != SIZE_MAX)
    plan->cell[cell].is_source = true;
  return cell;
}

static void add_mechanism(fr__plan *plan, const fr__study_group *group, size_t data,
                          size_t net, size_t mechanism) {
  const fr__recipe recipe = fr__recipe_of(plan->study, mechanism, net);
  fr__study_cell cell = scratch(data, net);
  cell.mechanism = mechanism;
  if (!fr__recipe_applies(plan->study, mechanism, net))
    return;
  if (recipe.sets & FR__SETS_TRANSFER)
    cell.source = add_kept(plan, fr__study_source(plan->study, group, data), recipe.net);
  if (recipe.teacher != SIZE_MAX)
    cell.teacher = add_kept(plan, data, recipe.teacher);
  if (plan->cells < CELLS_CEILING)
    add_cell(plan, cell);
}

static void add_group(fr__plan *plan, const fr__study_group *group) {
  const fr_study *study = plan->study;
  for (size_t d = 0; d < group->data_count; d++)
    for (size_t n = 0; n < fr__study_group_nets(study, group); n++) {
      const size_t data = fr__study_find_data(study, group->data[d]);
      const size_t net = fr__study_group_net(study, group, n);
      add_cell(plan, scratch(data, net));
      for (size_t m = 0; m < group->mechanisms_count; m++)
        add_mechanism(plan, group, data, net,
                      fr__study_find_mechanism(study, group->mechanisms[m]));
    }
}

enum fr_status fr__plan_cells(fr__plan *plan, fr_error *err) {
  const fr_study *study = plan->study;
  plan->cell = calloc(CELLS_CEILING, sizeof *plan->cell);
  if (plan->cell == NULL)
    return fr__fail_memory(err, "the cells of a study");
  for (size_t g = 0; g < study->groups_count; g++)
    add_group(plan, &study->groups[g]);
  if (plan->cells == CELLS_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "study '%s' has more than %d cells", study->name,
                    CELLS_CEILING);
  plan->run = calloc(plan->cells * study->repeats, sizeof *plan->run);
  return plan->run != NULL ? FR_OK : fr__fail_memory(err, "the runs of a study");
}

void fr__plan_release(fr__plan *plan) {
  for (size_t i = 0; plan->run != NULL && i < plan->cells * plan->study->repeats; i++)
    json_decref(plan->run[i].result);
  fr__plan_release_sets(plan);
  free(plan->run);
  free(plan->cell);
  free(plan->models);
  free(plan->cores);
  fr__gauge_free(plan->gauge);
  *plan = (fr__plan){0};
}

const char *fr__cell_mechanism(const fr_study *study, const fr__study_cell *cell) {
  return cell->mechanism == SIZE_MAX ? FR__STUDY_SCRATCH
                                     : study->mechanisms[cell->mechanism].name;
}

void fr__cell_name(const fr_study *study, char phase, size_t data, size_t net,
                   char name[48]) {
  const char letter[] = {phase, '\0'};
  snprintf(name, 48, "%s%s%s", letter, study->data[data].code, study->networks[net].code);
}

fr__study_run *fr__plan_needed(const fr__plan *plan, size_t run, size_t cell) {
  return cell == SIZE_MAX ? NULL : &plan->run[run / plan->cells * plan->cells + cell];
}

bool fr__plan_is_ready(const fr__plan *plan, size_t run) {
  const fr__study_cell *cell = &plan->cell[run % plan->cells];
  const fr__study_run *source = fr__plan_needed(plan, run, cell->source);
  const fr__study_run *teacher = fr__plan_needed(plan, run, cell->teacher);
  return !fr__plan_twin_runs(plan, run) && (source == NULL || source->result != NULL) &&
         (teacher == NULL || teacher->result != NULL);
}

void fr__plan_label(fr__plan *plan, size_t run) {
  const fr__study_cell *cell = &plan->cell[run % plan->cells];
  char name[48];
  fr__cell_name(plan->study, 'R', cell->data, cell->net, name);
  snprintf(plan->label, sizeof plan->label, "%s %s, repeat %zu", name,
           fr__cell_mechanism(plan->study, cell), run / plan->cells + 1);
}

/* ---- opening ---- */

static enum fr_status check_shapes(const fr__plan *plan, fr_error *err) {
  for (size_t i = 0; i < plan->cells; i++) {
    const fr__study_cell *cell = &plan->cell[i];
    if (cell->source == SIZE_MAX)
      continue;
    const size_t from = plan->cell[cell->source].data;
    const fr_samples *a = &plan->set[cell->data].plain.prepared.train;
    const fr_samples *b = &plan->set[from].plain.prepared.train;
    if (a->steps != b->steps || a->channels != b->channels)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "a network of '%s' (%zu x %zu) does not fit '%s' (%zu x %zu)",
                      plan->study->data[from].name, b->steps, b->channels,
                      plan->study->data[cell->data].name, a->steps, a->channels);
  }
  return FR_OK;
}

static enum fr_status make_models_folder(fr__plan *plan, fr_error *err) {
  const char *store = fr_store_path(plan->options->store);
  const size_t size = strlen(store) + sizeof ".cells";
  plan->models = malloc(size);
  if (plan->models == NULL)
    return fr__fail_memory(err, "a path");
  snprintf(plan->models, size, "%s.cells", store);
  return fr__dir_make(plan->models, err);
}

enum fr_status fr__plan_open(fr__plan *plan, fr_error *err) {
  fr_meter_report meter = {0};
  plan->set = calloc(plan->study->data_count, sizeof *plan->set);
  if (plan->set == NULL)
    return fr__fail_memory(err, "the data of a study");
  enum fr_status status = make_models_folder(plan, err);
  for (size_t i = 0; i < plan->study->data_count && status == FR_OK; i++)
    status = fr__plan_open_set(plan, i, err);
  if (status == FR_OK)
    status = check_shapes(plan, err);
  if (status == FR_OK && fr__has_budget(plan))
    fr__budget_count(plan);
  if (status == FR_OK)
    status = fr__gauge_read(plan->gauge, &meter, err);
  plan->source = meter.energy.source;
  const size_t runs = plan->cells * plan->study->repeats;
  for (size_t i = 0; i < runs && status == FR_OK; i++)
    status = fr__plan_key(plan, i, meter.sensor, err);
  if (status == FR_OK)
    fr__plan_find_twins(plan);
  for (size_t i = 0; i < runs && status == FR_OK; i++) {
    if (plan->run[i].result == NULL)
      status = fr__plan_look_up(plan, i, err);
    if (plan->run[i].result != NULL)
      fr__plan_share(plan, i);
  }
  fr_meter_report_release(&meter);
  return status;
}

/* ---- progress ---- */

#define TELL_NS 50000000u /* progress is told at most every 50 ms */

/* Seconds that the remaining runs will take, by what their cells took; negative: not
 * known. */
static double time_left(const fr__plan *plan) {
  double known = 0.0, left = 0.0;
  size_t cells_known = 0, unknown = 0;
  for (size_t i = 0; i < plan->cells; i++) {
    known += plan->cell[i].seconds;
    cells_known += plan->cell[i].seconds > 0.0;
  }
  for (size_t i = 0; i < plan->cells * plan->study->repeats; i++) {
    const double seconds = plan->cell[i % plan->cells].seconds;
    const double share = i == plan->now ? 1.0 - plan->now_done : 1.0;
    if (plan->run[i].result == NULL && seconds > 0.0)
      left += seconds * share;
    else if (plan->run[i].result == NULL)
      unknown++;
  }
  if (cells_known == 0)
    return -1.0;
  left += (double)unknown * known / (double)cells_known;
  return plan->jobs > 1 ? left / (double)plan->jobs : left;
}

static fr_measure spent(const fr_power_sample *last, enum fr_source source) {
  /* Only for the eye while it runs: the bounds come with the result. */
  return (fr_measure){last->energy_j, last->energy_j, last->energy_j, FR_UNIT_JOULE,
                      source};
}

bool fr__plan_go_on(fr__plan *plan) {
  const fr_study_options *options = plan->options;
  const uint64_t now = fr__clock_ns();
  if (options->progress != NULL && now - plan->told_ns >= TELL_NS) {
    const fr_power_sample last = fr__gauge_last(plan->gauge);
    const fr_study_progress progress = {
        .done = plan->done,
        .cells = plan->cells * plan->study->repeats,
        .reused = plan->reused,
        .cell = plan->label,
        .cell_done = plan->now_done,
        .power_w = last.power_w,
        .energy = spent(&last, plan->source),
        .eta_s = fmin(time_left(plan), fr__budget_seconds_left(plan))};
    plan->told_ns = now;
    options->progress(options->self, &progress);
  }
  return options->may_go_on == NULL || options->may_go_on(options->self);
}
