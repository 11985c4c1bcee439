/* SPDX-License-Identifier: Apache-2.0 */
/* Samples: windows of one side with the class that a task gives them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

static const char *const task_names[] = {
    [FR_TASK_SUBJECT] = "subject",
    [FR_TASK_ACTIVITY] = "activity",
    [FR_TASK_LABELS] = "labels",
    [FR_TASK_GESTURE] = "gesture",
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
  static const size_t offsets[] = {
      [FR_TASK_SUBJECT] = offsetof(fr_dataset, subjects),
      [FR_TASK_ACTIVITY] = offsetof(fr_dataset, activities),
      [FR_TASK_LABELS] = offsetof(fr_dataset, labels),
      [FR_TASK_GESTURE] = offsetof(fr_dataset, activities),
  };
  return (const fr_names *)((const char *)data + offsets[task]);
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

/* What window i says to each label: 0, 1 or -1; NULL where the data has no labels. */
static const int8_t *labels_of(const fr_windows *windows, size_t i) {
  const fr_dataset *data = windows->data;
  return data->label == NULL
             ? NULL
             : data->label + (size_t)windows->at[i].record * data->labels.count;
}

/* The same of labels: those that are told as yes and as no. How many are. */
static size_t mark_labels(const fr_windows *windows, const fr_split *split,
                          enum fr_side side, bool *marked) {
  size_t found = 0;
  for (size_t n = 0; n < windows->data->labels.count; n++) {
    bool told[2] = {false, false};
    for (size_t i = 0; i < windows->count && !(told[0] && told[1]); i++) {
      const int8_t *label = labels_of(windows, i);
      if (label != NULL && label[n] >= 0 &&
          (side == FR_SIDE_NONE || split->side[i] == side))
        told[label[n] != 0] = true;
    }
    marked[n] = told[0] && told[1];
    found += marked[n];
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
  const size_t found = task == FR_TASK_LABELS
                           ? mark_labels(windows, split, side, marked)
                           : mark_names(windows, split, side, task, marked);
  if (found == 0)
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

/* ---- short windows: zeros to the full length ---- */

/* Room for the short windows of that side. */
static enum fr_status reserve_short(fr_samples *samples, const fr_windows *windows,
                                    const fr_split *split, enum fr_side side,
                                    fr_error *err) {
  size_t shorter = 0, values = 0;
  for (size_t i = 0; i < windows->count; i++)
    shorter += split->side[i] == side && fr_window_steps(windows, i) < windows->length;
  if (shorter == 0)
    return FR_OK;
  if (__builtin_mul_overflow(samples->steps, samples->channels, &values))
    return fr__fail_memory(err, "short windows");
  samples->padded = calloc(shorter, values * sizeof *samples->padded);
  samples->length = calloc(split->count[side], sizeof *samples->length);
  return samples->padded == NULL || samples->length == NULL
             ? fr__fail_memory(err, "short windows")
             : FR_OK;
}

/* Window i as the next sample; *shorter counts the short ones. */
static void add_sample(fr_samples *samples, const fr_windows *windows, size_t i,
                       size_t *shorter) {
  const size_t width = samples->steps * samples->channels, n = samples->count++;
  const size_t steps = fr_window_steps(windows, i);
  samples->x[n] = fr_window_values(windows, i);
  samples->window[n] = (uint32_t)i;
  if (samples->length == NULL)
    return;
  samples->length[n] = (uint32_t)steps;
  if (steps == samples->steps)
    return;
  float *to = samples->padded + (*shorter)++ * width;
  memcpy(to, samples->x[n], steps * samples->channels * sizeof *to);
  samples->x[n] = to;
}

static size_t fill_samples(fr_samples *samples, const fr_windows *windows,
                           const fr_split *split, enum fr_side side, enum fr_task task,
                           const uint32_t *map) {
  size_t unknown = 0, shorter = 0;
  for (size_t i = 0; i < windows->count; i++) {
    if (split->side[i] != side)
      continue;
    const uint32_t name = name_of(windows, i, task);
    const uint32_t label = name == FR_NONE ? FR_NONE : map[name];
    if (label == FR_NONE) {
      unknown++;
      continue;
    }
    samples->label[samples->count] = label;
    add_sample(samples, windows, i, &shorter);
  }
  return unknown;
}

/* A value for each class, NaN where the window does not tell; false where it tells none.
 */
static bool fill_values(const fr_windows *windows, size_t i, const uint32_t *map,
                        size_t classes, float *value) {
  const int8_t *label = labels_of(windows, i);
  bool known = false;
  for (size_t k = 0; k < classes; k++)
    value[k] = NAN;
  for (size_t n = 0; label != NULL && n < windows->data->labels.count; n++)
    if (map[n] != FR_NONE && label[n] >= 0) {
      value[map[n]] = label[n] != 0 ? 1.0f : 0.0f;
      known = true;
    }
  return known;
}

static size_t fill_labelled(fr_samples *samples, const fr_windows *windows,
                            const fr_split *split, enum fr_side side,
                            const uint32_t *map) {
  size_t unknown = 0, shorter = 0;
  for (size_t i = 0; i < windows->count; i++) {
    if (split->side[i] != side)
      continue;
    float *value = samples->value + samples->count * samples->values;
    if (fill_values(windows, i, map, samples->values, value))
      add_sample(samples, windows, i, &shorter);
    else
      unknown++;
  }
  return unknown;
}

/* Room for what the task tells of `most` windows. */
static bool reserve_targets(fr_samples *samples, enum fr_task task, size_t most,
                            size_t classes) {
  samples->x = calloc(most, sizeof *samples->x);
  samples->window = calloc(most, sizeof *samples->window);
  if (task == FR_TASK_LABELS) {
    samples->values = classes;
    samples->value = calloc(most, (classes + 1) * sizeof *samples->value);
  } else {
    samples->label = calloc(most, sizeof *samples->label);
  }
  return samples->x != NULL && samples->window != NULL &&
         (samples->label != NULL || samples->value != NULL);
}

enum fr_status fr_samples_init(fr_samples *samples, const fr_windows *windows,
                               const fr_split *split, enum fr_side side,
                               enum fr_task task, const fr_names *classes,
                               size_t *unknown, fr_error *err) {
  const size_t most = split->count[side] + 1; /* calloc(0) may be NULL */
  fr_samples made = {.steps = windows->length, .channels = windows->data->channels.count};
  uint32_t *map = map_classes(names_of(windows->data, task), classes);
  enum fr_status status = reserve_short(&made, windows, split, side, err);
  if (!reserve_targets(&made, task, most, classes->count) || !map)
    status = fr__fail_memory(err, "samples");
  if (status != FR_OK) {
    free(map);
    fr_samples_release(&made);
    return status;
  }
  const size_t left_out = task == FR_TASK_LABELS
                              ? fill_labelled(&made, windows, split, side, map)
                              : fill_samples(&made, windows, split, side, task, map);
  free(map);
  if (unknown)
    *unknown = left_out;
  *samples = made;
  return FR_OK;
}

/* ---- samples that are each normalised by themselves ---- */

static enum fr_status copy_size(const fr_samples *samples, size_t *values,
                                fr_error *err) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(samples->steps, samples->channels, values) ||
      __builtin_mul_overflow(*values, samples->count, values) ||
      __builtin_mul_overflow(*values, sizeof(float), &bytes) ||
      bytes > FR_SAMPLES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT,
                    "normalising by window keeps a copy of each: %zu of %zu steps take "
                    "more than %zu MiB; windows that lie farther apart take less",
                    samples->count, samples->steps, FR_SAMPLES_CEILING >> 20);
  return FR_OK;
}

enum fr_status fr_samples_normalize(fr_samples *samples, const fr_normalizer *normalizer,
                                    fr_error *err) {
  const size_t width = samples->steps * samples->channels;
  size_t values = 0;
  if (normalizer->channels != samples->channels)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a normaliser of %zu channels met samples of %zu",
                    normalizer->channels, samples->channels);
  const enum fr_status status = copy_size(samples, &values, err);
  if (status != FR_OK)
    return status;
  float *own = malloc(values * sizeof *own + 1); /* malloc(0) may be NULL */
  if (own == NULL)
    return fr__fail_memory(err, "normalised windows");
  for (size_t i = 0; i < samples->count; i++) {
    float *x = own + i * width;
    memcpy(x, samples->x[i], width * sizeof *x);
    fr_normalizer_apply(normalizer, x,
                        samples->length != NULL ? samples->length[i] : samples->steps);
    samples->x[i] = x;
  }
  free(samples->padded);
  samples->padded = own;
  return FR_OK;
}

void fr_samples_release(fr_samples *samples) {
  free(samples->x);
  free(samples->padded);
  free(samples->window);
  free(samples->label);
  free(samples->value);
  free(samples->length);
  *samples = (fr_samples){0};
}
