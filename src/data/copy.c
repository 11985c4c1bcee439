/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

/* memcpy of `size` bytes into new storage; NULL stays NULL. False out of memory. */
static bool clone(const void *from, size_t size, void **to) {
  *to = NULL;
  if (from == NULL || size == 0)
    return true;
  *to = malloc(size);
  if (*to != NULL)
    memcpy(*to, from, size);
  return *to != NULL;
}

static bool clone_text(const char *from, void **to) {
  return clone(from, from != NULL ? strlen(from) + 1 : 0, to);
}

static size_t value_count(const fr_dataset *data) {
  size_t steps = 0;
  for (size_t i = 0; i < data->count; i++)
    steps += data->record[i].steps;
  return steps * data->channels.count;
}

static enum fr_status copy_names(const fr_dataset *from, fr_dataset *to, fr_error *err) {
  const struct {
    const fr_names *from;
    fr_names *to;
  } all[] = {{&from->channels, &to->channels},
             {&from->subjects, &to->subjects},
             {&from->activities, &to->activities},
             {&from->trials, &to->trials},
             {&from->labels, &to->labels}};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < sizeof all / sizeof *all && status == FR_OK; i++)
    status = fr__names_copy(all[i].from, all[i].to, err);
  return status;
}

enum fr_status fr_dataset_copy(const fr_dataset *data, fr_dataset **out, fr_error *err) {
  fr_dataset *copy = malloc(sizeof *copy);
  if (copy == NULL)
    return fr__fail_memory(err, "a copy of the data");
  *copy = *data;
  copy->channels = copy->subjects = copy->activities = copy->trials = copy->labels =
      (fr_names){0};
  void *spec = NULL, *frames = NULL, *record = NULL, *label = NULL, *values = NULL;
  bool whole = clone_text(data->spec, &spec);
  whole = clone_text(data->frames, &frames) && whole;
  whole = clone(data->record, data->count * sizeof *data->record, &record) && whole;
  whole = clone(data->label, data->count * data->labels.count, &label) && whole;
  whole = clone(data->values, value_count(data) * sizeof(float), &values) && whole;
  copy->spec = spec;
  copy->frames = frames;
  copy->record = record;
  copy->label = label;
  copy->values = values;
  enum fr_status status =
      whole ? copy_names(data, copy, err) : fr__fail_memory(err, "a copy of the data");
  if (status != FR_OK) {
    fr_data_free(copy);
    return status;
  }
  for (size_t i = 0; i < copy->count; i++)
    copy->record[i].values = copy->values + (data->record[i].values - data->values);
  *out = copy;
  return FR_OK;
}
