/* SPDX-License-Identifier: Apache-2.0 */
/* Samples: windows of one side with the class that a task gives them. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

static const char *const task_names[] = {
    [FR_TASK_SUBJECT] = "subject",
    [FR_TASK_ACTIVITY] = "activity",
};

bool fr_task_parse(const char *name, enum fr_task *out) {
  for (size_t i = 0; i < sizeof task_names / sizeof *task_names; i++) {
    if (strcmp(name, task_names[i]) != 0)
      continue;
    *out = (enum fr_task)i;
    return true;
  }
  return false;
}

const char *fr_task_name(enum fr_task task) { return task_names[task]; }

static const fr_names *names_of(const fr_dataset *data, enum fr_task task) {
  return task == FR_TASK_SUBJECT ? &data->subjects : &data->activities;
}

/* Into names_of(task); FR_NONE where it is not told. */
static uint32_t name_of(const fr_windows *windows, size_t i, enum fr_task task) {
  const fr_record *r = &windows->data->record[windows->at[i].record];
  return task == FR_TASK_SUBJECT ? r->subject : r->activity;
}

static int compare_names(const void *a, const void *b) {
  return fr__natural_compare(*(char *const *)a, *(char *const *)b);
}

/* Which names occur on `side`, or on any where it is FR_SIDE_NONE. How many windows do.
 */
static size_t mark_names(const fr_windows *windows, const fr_split *split,
                         enum fr_side side, enum fr_task task, bool *marked) {
  size_t found = 0;
  for (size_t i = 0; i < windows->count; i++) {
    const uint32_t name = name_of(windows, i, task);
    if (name == FR_NONE || (side != FR_SIDE_NONE && split->side[i] != side))
      continue;
    marked[name] = true;
    found++;
  }
  return found;
}

static enum fr_status collect_names(const fr_names *from, const bool *marked,
                                    fr_names *to, fr_error *err) {
  for (size_t n = 0; n < from->count; n++) {
    uint32_t index;
    if (!marked[n])
      continue;
    const enum fr_status status =
        fr__names_add(to, from->name[n], strlen(from->name[n]), &index, err);
    if (status != FR_OK)
      return status;
  }
  qsort(to->name, to->count, sizeof *to->name, compare_names);
  return FR_OK;
}

enum fr_status fr_classes_init(fr_names *classes, const fr_windows *windows,
                               const fr_split *split, enum fr_task task, fr_error *err) {
  const fr_names *names = names_of(windows->data, task);
  const enum fr_side side =
      split->count[FR_SIDE_TRAIN] > 0 ? FR_SIDE_TRAIN : FR_SIDE_NONE;
  fr_names made = {0};
  bool *marked = calloc(names->count + 1, sizeof *marked);
  if (!marked)
    return fr__fail_memory(err, "classes");
  enum fr_status status = FR_OK;
  if (mark_names(windows, split, side, task, marked) == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "'%s' does not tell the %s of a window",
                      windows->data->spec, fr_task_name(task));
  else
    status = collect_names(names, marked, &made, err);
  free(marked);
  if (status == FR_OK)
    *classes = made;
  else
    fr_names_release(&made);
  return status;
}

/* The class of each name of the data, FR_NONE for names that are none; free it. */
static uint32_t *map_classes(const fr_names *names, const fr_names *classes) {
  uint32_t *map = malloc((names->count + 1) * sizeof *map);
  for (size_t n = 0; map && n < names->count; n++)
    map[n] = fr__names_find(classes, names->name[n], strlen(names->name[n]));
  return map;
}

static size_t fill_samples(fr_samples *samples, const fr_windows *windows,
                           const fr_split *split, enum fr_side side, enum fr_task task,
                           const uint32_t *map) {
  size_t unknown = 0;
  for (size_t i = 0; i < windows->count; i++) {
    if (split->side[i] != side)
      continue;
    const uint32_t name = name_of(windows, i, task);
    const uint32_t label = name == FR_NONE ? FR_NONE : map[name];
    if (label == FR_NONE) {
      unknown++;
      continue;
    }
    samples->x[samples->count] = fr_window_values(windows, i);
    samples->label[samples->count++] = label;
  }
  return unknown;
}

enum fr_status fr_samples_init(fr_samples *samples, const fr_windows *windows,
                               const fr_split *split, enum fr_side side,
                               enum fr_task task, const fr_names *classes,
                               size_t *unknown, fr_error *err) {
  const size_t most = split->count[side] + 1; /* calloc(0) may be NULL */
  fr_samples made = {.steps = windows->length, .channels = windows->data->channels.count};
  made.x = calloc(most, sizeof *made.x);
  made.label = calloc(most, sizeof *made.label);
  uint32_t *map = map_classes(names_of(windows->data, task), classes);
  if (!made.x || !made.label || !map) {
    free(map);
    fr_samples_release(&made);
    return fr__fail_memory(err, "samples");
  }
  const size_t left_out = fill_samples(&made, windows, split, side, task, map);
  free(map);
  if (unknown)
    *unknown = left_out;
  *samples = made;
  return FR_OK;
}

void fr_samples_release(fr_samples *samples) {
  free(samples->x);
  free(samples->label);
  free(samples->value);
  free(samples->length);
  *samples = (fr_samples){0};
}
