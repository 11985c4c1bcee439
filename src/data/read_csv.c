/* SPDX-License-Identifier: Apache-2.0 */
/* Any CSV file: which columns say what is told by the spec. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/files.h"
#include "data/reader.h"

#define GAP 4.0   /* steps without a row that end a record */
#define DIGITS 12 /* bytes of a column's number as text */

typedef struct row {
  uint32_t subject, activity, trial;
  double time_s;
} row;

typedef struct reading {
  const char *label_name, *subject_name, *trial_name,
      *time_name;           /* NULL: no such column */
  const char *channel_list; /* NULL: all others */
  double rate_hz;           /* 0: not told */
  bool headless;            /* the first row is data; columns are called 1, 2, ... */
  char *numbers; /* those names, (columns, DIGITS) of the present file; owned */
  fr__builder builder;
  uint32_t label, subject, trial, time; /* columns of the present file; FR_NONE: none */
  uint32_t *channel;                    /* (channels); owned */
  row *at;                              /* (rows) of the present file; owned */
  size_t rows;
  double next_s; /* where time is only counted: of the next row */
} reading;

/* ---- columns ---- */

static enum fr_status find_column(const fr__csv *csv, const char *name, uint32_t *out,
                                  fr_error *err) {
  *out = FR_NONE;
  if (name == NULL)
    return FR_OK;
  *out = fr__csv_find(csv, name);
  if (*out == FR_NONE)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column '%s' is missing", csv->name,
                    csv->line, name);
  for (uint32_t i = *out + 1; i < csv->header_count; i++)
    if (csv->header[i].length == strlen(name) &&
        memcmp(csv->header[i].text, name, strlen(name)) == 0)
      return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column %u: the name '%s' occurs twice",
                      csv->name, csv->line, i + 1, name);
  return FR_OK;
}

/* Channels by the spec, else by the header of the first file: columns with no other use.
 */
static enum fr_status name_channels(reading *r, const fr__csv *csv, fr_error *err) {
  fr_names *const channels = &r->builder.data->channels;
  const char *list = r->channel_list, *item = NULL;
  size_t length = 0;
  enum fr_status status = FR_OK;
  while (list != NULL && status == FR_OK && fr__list_next(&list, &item, &length))
    status = fr__names_add(channels, item, length, NULL, err);
  for (uint32_t i = 0; list == NULL && i < csv->count && status == FR_OK; i++) {
    const fr__csv_field *const field = &csv->header[i];
    if (i == r->label || i == r->subject || i == r->trial || i == r->time)
      continue;
    const size_t before = channels->count;
    status = fr__names_add(channels, field->text, field->length, NULL, err);
    if (status == FR_OK && channels->count == before)
      status =
          fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column %u: the name '%.*s' occurs twice",
                   csv->name, csv->line, i + 1, (int)field->length, field->text);
  }
  if (status != FR_OK)
    return status;
  if (channels->count == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: no column is left for values", csv->name,
                    csv->line);
  r->channel = calloc(channels->count, sizeof *r->channel);
  return r->channel != NULL ? FR_OK : fr__fail_memory(err, "columns");
}

/* The header gets the columns' numbers for names; the row last read stays, for it is
 * data. */
static enum fr_status number_columns(reading *r, fr__csv *csv, fr_error *err) {
  free(r->numbers);
  r->numbers = calloc(csv->header_count + 1, DIGITS);
  if (r->numbers == NULL)
    return fr__fail_memory(err, "columns");
  for (size_t i = 0; i < csv->header_count; i++) {
    char *const text = r->numbers + i * DIGITS;
    const int length = snprintf(text, DIGITS, "%zu", i + 1);
    csv->header[i] = (fr__csv_field){text, (size_t)length};
  }
  return FR_OK;
}

static enum fr_status read_header(reading *r, fr__csv *csv, fr_error *err) {
  bool more = false;
  enum fr_status status = fr__csv_next(csv, &more, err);
  if (status == FR_OK && !more)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: no %s", csv->name,
                      r->headless ? "rows" : "header");
  if (status == FR_OK)
    status = fr__csv_keep_header(csv, err);
  if (status == FR_OK && r->headless)
    status = number_columns(r, csv, err);
  if (status == FR_OK)
    status = find_column(csv, r->label_name, &r->label, err);
  if (status == FR_OK)
    status = find_column(csv, r->subject_name, &r->subject, err);
  if (status == FR_OK)
    status = find_column(csv, r->trial_name, &r->trial, err);
  if (status == FR_OK)
    status = find_column(csv, r->time_name, &r->time, err);
  if (status == FR_OK && r->channel == NULL)
    status = name_channels(r, csv, err);
  const fr_names *const channels = &r->builder.data->channels;
  for (size_t i = 0; i < channels->count && status == FR_OK; i++)
    status = find_column(csv, channels->name[i], &r->channel[i], err);
  return status;
}

/* ---- rows ---- */

/* The name in a column; FR_NONE where there is no such column or, if allowed, nothing in
 * it. */
static enum fr_status read_name(const fr__csv *csv, uint32_t column, bool empty,
                                fr_names *names, uint32_t *out, fr_error *err) {
  *out = FR_NONE;
  if (column == FR_NONE)
    return FR_OK;
  const fr__csv_field *const field = &csv->field[column];
  if (field->length == 0)
    return empty ? FR_OK : fr__csv_fail(csv, column, "is no name", err);
  if (memchr(field->text, '\0', field->length) != NULL)
    return fr__csv_fail(csv, column, "is no text", err);
  return fr__names_add(names, field->text, field->length, out, err);
}

static enum fr_status read_row(reading *r, const fr__csv *csv, float *room,
                               fr_error *err) {
  fr_dataset *const data = r->builder.data;
  const size_t channels = data->channels.count;
  row *const at = &r->at[r->rows];
  if (csv->count != csv->header_count)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu columns in place of %zu", csv->name,
                    csv->line, csv->count, csv->header_count);
  enum fr_status status =
      read_name(csv, r->subject, false, &data->subjects, &at->subject, err);
  if (status == FR_OK && r->subject == FR_NONE)
    status = fr__names_add(&data->subjects, "1", 1, &at->subject, err);
  if (status == FR_OK)
    status = read_name(csv, r->trial, false, &data->trials, &at->trial, err);
  if (status == FR_OK)
    status = read_name(csv, r->label, true, &data->activities, &at->activity, err);
  if (status == FR_OK && r->time != FR_NONE)
    status = fr__csv_number(csv, r->time, &at->time_s, err);
  for (size_t i = 0; i < channels && status == FR_OK; i++) {
    double value = 0;
    status = fr__csv_number(csv, r->channel[i], &value, err);
    if (status == FR_OK && fabs(value) > FLT_MAX)
      status = fr__csv_fail(csv, r->channel[i], "is too large", err);
    if (status == FR_OK)
      room[r->rows * channels + i] = (float)value;
  }
  r->rows += status == FR_OK;
  return status;
}

/* From the cursor on, and the row that it is behind. */
static size_t rows_at_most(const fr__csv *csv) {
  size_t lines = 2;
  const char *p = csv->text + csv->at, *const end = csv->text + csv->size;
  for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
    lines++;
  const size_t fit = (csv->size - csv->at) / csv->header_count + 2;
  return lines < fit ? lines : fit;
}

static enum fr_status read_rows(reading *r, fr__csv *csv, fr_error *err) {
  const size_t most = rows_at_most(csv);
  free(r->at);
  r->rows = 0;
  r->at = calloc(most + 1, sizeof *r->at);
  if (r->at == NULL)
    return fr__fail_memory(err, "rows");
  float *const room = fr__builder_room(&r->builder, most, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  enum fr_status status = r->headless ? read_row(r, csv, room, err) : FR_OK;
  bool more = true;
  while (more && status == FR_OK) {
    status = fr__csv_next(csv, &more, err);
    if (status == FR_OK && more)
      status = read_row(r, csv, room, err);
  }
  if (status == FR_OK && r->rows == 0)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: no rows behind the header", csv->name);
  return status;
}

/* ---- records ---- */

static bool same_record(const row *a, const row *b) {
  return a->subject == b->subject && a->activity == b->activity && a->trial == b->trial;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median time from one row to the next of a record; 0 where no two follow each other.
 */
static enum fr_status typical_step(const reading *r, double *step_s, fr_error *err) {
  double *const steps = malloc((r->rows + 1) * sizeof *steps);
  if (steps == NULL)
    return fr__fail_memory(err, "times");
  size_t n = 0;
  for (size_t i = 1; i < r->rows; i++)
    if (same_record(&r->at[i - 1], &r->at[i]) && r->at[i].time_s > r->at[i - 1].time_s)
      steps[n++] = r->at[i].time_s - r->at[i - 1].time_s;
  if (n > 0)
    qsort(steps, n, sizeof *steps, by_value);
  *step_s = n > 0 ? steps[n / 2] : 0;
  free(steps);
  return FR_OK;
}

/* The end of the record that begins at row `from`: where who, which or what changes, or
 * time goes back or leaps. */
static size_t record_end(const reading *r, size_t from, double step_s) {
  size_t to = from + 1;
  if (step_s == 0)
    return to;
  for (; to < r->rows && same_record(&r->at[from], &r->at[to]); to++) {
    const double passed = r->at[to].time_s - r->at[to - 1].time_s;
    if (r->time != FR_NONE && !(passed > 0 && passed <= GAP * step_s))
      break;
  }
  return to;
}

/* Rows [from, to) as a record that begins at `start_s`. */
static enum fr_status add_record(reading *r, size_t from, size_t to, double start_s,
                                 double step_s, fr_error *err) {
  const fr_record about = {.subject = r->at[from].subject,
                           .activity = r->at[from].activity,
                           .trial = r->at[from].trial,
                           .start_s = start_s,
                           .span_s = r->time != FR_NONE
                                         ? r->at[to - 1].time_s - start_s + step_s
                                         : (double)(to - from) * step_s,
                           .steps = to - from};
  return fr__builder_add(&r->builder, &about, NULL, err);
}

static enum fr_status cut_records(reading *r, const char *name, fr_error *err) {
  double step_s = r->rate_hz > 0 ? 1 / r->rate_hz : 0;
  if (r->time != FR_NONE && r->rate_hz == 0) {
    const enum fr_status status = typical_step(r, &step_s, err);
    if (status != FR_OK)
      return status;
    if (step_s == 0)
      return fr__fail(err, FR_ERR_FORMAT, "%s: no time passes in column '%s'", name,
                      r->time_name);
    if (r->builder.data->rate_hz == 0)
      r->builder.data->rate_hz = 1 / step_s;
  }
  for (size_t from = 0, to = 0; from < r->rows; from = to) {
    to = record_end(r, from, step_s);
    /* without times and rate each row takes a second of its own, so that none share
     * signal */
    const double each_s = step_s > 0 ? step_s : 1;
    const double start_s = r->time != FR_NONE ? r->at[from].time_s : r->next_s;
    const enum fr_status status = add_record(r, from, to, start_s, each_s, err);
    if (status != FR_OK)
      return status;
    r->next_s += (double)(to - from) * each_s;
  }
  return FR_OK;
}

static enum fr_status read_file(void *self, const char *name, char *text, size_t size,
                                fr_error *err) {
  reading *const r = self;
  fr__csv csv;
  fr__csv_init(&csv, name, text, size, ',');
  enum fr_status status = read_header(r, &csv, err);
  if (status == FR_OK)
    status = read_rows(r, &csv, err);
  if (status == FR_OK)
    status = cut_records(r, name, err);
  fr__csv_release(&csv);
  return status;
}

static bool is_csv(void *self, const char *name) {
  (void)self;
  const size_t n = strlen(name);
  return (n > 4 && strcmp(name + n - 4, ".csv") == 0) ||
         (n > 7 && strcmp(name + n - 7, ".csv.gz") == 0);
}

static enum fr_status read_headless(const fr__spec *spec, bool *headless, fr_error *err) {
  const char *const header = fr__spec_value(spec, "header");
  *headless = header != NULL && strcmp(header, "no") == 0;
  if (header != NULL && !*headless && strcmp(header, "yes") != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "header: '%s' is not yes or no", header);
  return FR_OK;
}

static enum fr_status read_csv(const fr__spec *spec, const fr_data_options *options,
                               fr_dataset **out, fr_error *err) {
  reading r = {.label_name = fr__spec_value(spec, "label"),
               .subject_name = fr__spec_value(spec, "subject"),
               .trial_name = fr__spec_value(spec, "trial"),
               .time_name = fr__spec_value(spec, "time"),
               .channel_list = fr__spec_value(spec, "channels")};
  const fr__visitor visitor = {.self = &r, .wanted = is_csv, .file = read_file};
  enum fr_status status = fr__spec_number(spec, "rate", 1e-6, 1e6, 0, &r.rate_hz, err);
  if (status == FR_OK)
    status = read_headless(spec, &r.headless, err);
  const char *const split = r.trial_name != NULL                   ? "trial"
                            : r.time_name != NULL || r.rate_hz > 0 ? "time:0.7"
                                                                   : "random:0.75";
  if (status == FR_OK)
    status = fr__builder_init(&r.builder, "csv", split, spec->whole, r.rate_hz, err);
  if (status == FR_OK)
    status = fr__files_each(spec->path, &visitor, options, err);
  if (status == FR_OK)
    status = fr__builder_finish(&r.builder, out, err);
  fr__builder_release(&r.builder);
  free(r.channel);
  free(r.numbers);
  free(r.at);
  return status;
}

static const char *const keys[] = {"label", "subject",  "trial",  "time",
                                   "rate",  "channels", "header", NULL};

const fr__reader fr__reader_csv = {
    .kind = "csv", .keys = keys, .path = true, .read = read_csv, .wanted = is_csv};
