/* SPDX-License-Identifier: Apache-2.0 */
/* Records gathered into one array, put into an order that does not depend on the input's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

#define VALUES_CEILING ((size_t)1 << 32) /* floats: 16 GiB */

enum fr_status fr__builder_init(fr__builder *builder, const char *kind, const char *split,
                                const char *spec, double rate_hz, fr_error *err) {
  *builder = (fr__builder){.data = calloc(1, sizeof *builder->data)};
  if (builder->data == NULL)
    return fr__fail_memory(err, "a data set");
  builder->data->kind = kind;
  builder->data->split = split;
  builder->data->rate_hz = rate_hz;
  builder->data->spec = strdup(spec);
  if (builder->data->spec == NULL) {
    fr__builder_release(builder);
    return fr__fail_memory(err, "a data set");
  }
  return FR_OK;
}

void fr__builder_release(fr__builder *builder) {
  fr_data_free(builder->data);
  *builder = (fr__builder){0};
}

float *fr__builder_room(fr__builder *builder, size_t steps, fr_error *err) {
  size_t want = 0;
  if (__builtin_mul_overflow(steps, builder->data->channels.count, &want) ||
      __builtin_add_overflow(want, builder->value_count, &want) ||
      want > VALUES_CEILING) {
    fr__fail(err, FR_ERR_MEMORY, "more than %zu values", VALUES_CEILING);
    return NULL;
  }
  if (want > builder->value_capacity || builder->data->values == NULL) {
    size_t capacity = builder->value_capacity + builder->value_capacity / 2;
    if (capacity < want)
      capacity = want;
    float *const values = realloc(builder->data->values, (capacity + 1) * sizeof *values);
    if (values == NULL) {
      fr__fail_memory(err, "values");
      return NULL;
    }
    builder->data->values = values;
    builder->value_capacity = capacity;
  }
  return builder->data->values + builder->value_count;
}

static enum fr_status grow_records(fr__builder *builder, fr_error *err) {
  fr_dataset *const data = builder->data;
  if (data->count < builder->record_capacity)
    return FR_OK;
  if (data->count >= FR_NONE / 2)
    return fr__fail(err, FR_ERR_LIMIT, "more than %u records", FR_NONE / 2);
  const size_t capacity = data->count == 0 ? 64 : 2 * data->count;
  fr_record *const record = realloc(data->record, capacity * sizeof *record);
  if (record == NULL)
    return fr__fail_memory(err, "records");
  data->record = record;
  if (data->labels.count > 0) {
    int8_t *const label = realloc(data->label, capacity * data->labels.count);
    if (label == NULL)
      return fr__fail_memory(err, "labels");
    data->label = label;
  }
  builder->record_capacity = capacity;
  return FR_OK;
}

enum fr_status fr__builder_add(fr__builder *builder, const fr_record *about,
                               const int8_t *label, fr_error *err) {
  fr_dataset *const data = builder->data;
  const enum fr_status status = grow_records(builder, err);
  if (status != FR_OK)
    return status;
  if (data->label != NULL) {
    int8_t *const to = data->label + data->count * data->labels.count;
    if (label != NULL)
      memcpy(to, label, data->labels.count);
    else
      memset(to, -1, data->labels.count);
  }
  data->record[data->count++] = *about;
  builder->value_count += about->steps * data->channels.count;
  return FR_OK;
}

/* ---- order ---- */

typedef struct named {
  char *name;
  uint32_t was;
} named;

static int by_name(const void *a, const void *b) {
  return fr__natural_compare(((const named *)a)->name, ((const named *)b)->name);
}

/* Sorts `names`; (*is)[i] is where name i went; the caller's (free). */
static enum fr_status sort_names(fr_names *names, uint32_t **is, fr_error *err) {
  const size_t n = names->count;
  named *const sorted = malloc((n + 1) * sizeof *sorted);
  *is = malloc((n + 1) * sizeof **is);
  if (sorted == NULL || *is == NULL) {
    free(sorted);
    return fr__fail_memory(err, "sorting names");
  }
  for (size_t i = 0; i < n; i++)
    sorted[i] = (named){names->name[i], (uint32_t)i};
  qsort(sorted, n, sizeof *sorted, by_name);
  for (size_t i = 0; i < n; i++) {
    names->name[i] = sorted[i].name;
    (*is)[sorted[i].was] = (uint32_t)i;
  }
  free(sorted);
  return FR_OK;
}

static enum fr_status order_names(fr_dataset *data, fr_error *err) {
  uint32_t *subject = NULL, *activity = NULL, *trial = NULL;
  enum fr_status status = sort_names(&data->subjects, &subject, err);
  if (status == FR_OK)
    status = sort_names(&data->activities, &activity, err);
  if (status == FR_OK)
    status = sort_names(&data->trials, &trial, err);
  for (size_t i = 0; status == FR_OK && i < data->count; i++) {
    fr_record *const r = &data->record[i];
    r->subject = subject[r->subject];
    r->activity = r->activity == FR_NONE ? FR_NONE : activity[r->activity];
    r->trial = r->trial == FR_NONE ? FR_NONE : trial[r->trial];
  }
  free(subject);
  free(activity);
  free(trial);
  return status;
}

typedef struct placed {
  fr_record record;
  size_t was;
} placed;

static int compare_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int by_place(const void *first, const void *second) {
  const placed *const a = first, *const b = second;
  int order = compare_u64(a->record.subject, b->record.subject);
  if (order == 0)
    order = compare_u64(a->record.trial, b->record.trial);
  if (order == 0)
    order =
        (a->record.start_s > b->record.start_s) - (a->record.start_s < b->record.start_s);
  if (order == 0)
    order = compare_u64(a->record.activity, b->record.activity);
  return order != 0 ? order : compare_u64(a->was, b->was);
}

static enum fr_status order_records(fr_dataset *data, fr_error *err) {
  const size_t labels = data->label != NULL ? data->labels.count : 0;
  placed *const sorted = malloc(data->count * sizeof *sorted);
  int8_t *const label = malloc(data->count * labels + 1);
  enum fr_status status = FR_OK;
  if (sorted == NULL || label == NULL) {
    status = fr__fail_memory(err, "sorting records");
    goto done;
  }
  for (size_t i = 0; i < data->count; i++)
    sorted[i] = (placed){data->record[i], i};
  qsort(sorted, data->count, sizeof *sorted, by_place);
  for (size_t i = 0; i < data->count; i++) {
    data->record[i] = sorted[i].record;
    if (labels > 0)
      memcpy(label + i * labels, data->label + sorted[i].was * labels, labels);
  }
  if (labels > 0)
    memcpy(data->label, label, data->count * labels);
done:
  free(sorted);
  free(label);
  return status;
}

/* Gives back what was reserved too much, and lets each record point to its rows. */
static void settle_values(fr__builder *builder) {
  fr_dataset *const data = builder->data;
  float *const values =
      realloc(data->values, (builder->value_count + 1) * sizeof *data->values);
  if (values != NULL)
    data->values = values;
  size_t at = 0;
  for (size_t i = 0; i < data->count; i++) {
    data->record[i].values = data->values + at;
    at += data->record[i].steps * data->channels.count;
  }
}

enum fr_status fr__builder_finish(fr__builder *builder, fr_dataset **out, fr_error *err) {
  fr_dataset *const data = builder->data;
  if (data->count == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "'%s' holds no such recording", data->spec);
  settle_values(builder);
  enum fr_status status = order_names(data, err);
  if (status == FR_OK)
    status = order_records(data, err);
  if (status != FR_OK)
    return status;
  data->digest = fr__dataset_digest(data);
  builder->data = NULL;
  *out = data;
  return FR_OK;
}
