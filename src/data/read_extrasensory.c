/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExtraSensory (Vaizman et al. 2017, doi:10.1109/MPRV.2017.3971131): one
 * UUID.features_labels.csv.gz per person, one row a minute with features of 20 s of
 * sensors and labels that the person reported; empty and nan are missing.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/files.h"
#include "data/reader.h"

#define SUFFIX ".features_labels.csv"
#define LABEL "label:"
#define SPAN_S 20.0 /* of sensors behind each row */
#define POCKET "PHONE_IN_POCKET"
#define POCKET_MINUTES 200 /* of a person who makes a usable task */

/* Main activities, of which a minute has one or is of none. */
static const char *const mains[] = {"LYING_DOWN",  "SITTING",     "OR_standing",
                                    "FIX_walking", "FIX_running", "BICYCLING"};
#define MAINS (sizeof mains / sizeof *mains)

typedef struct minute {
  double start_s;
  uint32_t activity;
} minute;

typedef struct reading {
  const char *only_subjects; /* NULL: all */
  bool all_features;
  bool pocket;          /* only minutes with the phone in a pocket */
  int64_t least;        /* minutes of a person that is kept */
  fr__builder builder;  /* channels and labels are named by the first file */
  uint32_t main[MAINS]; /* into labels; FR_NONE: not there */
  uint32_t pocket_label;
  uint32_t time;     /* columns of the present file */
  uint32_t *channel; /* (channels); owned */
  uint32_t *label;   /* (labels); owned */
  minute *at;        /* (minutes) of the present file; owned */
  int8_t *told;      /* (minutes, labels); owned */
  size_t minutes;    /* kept so far */
} reading;

/* ---- files ---- */

/* The person in "UUID.features_labels.csv[.gz]"; length 0 where it is no such name. */
static size_t subject_of(const char *name, const char **subject) {
  const char *const slash = strrchr(name, '/');
  *subject = slash != NULL ? slash + 1 : name;
  const char *const suffix = strstr(*subject, SUFFIX);
  if (suffix == NULL)
    return 0;
  const char *const rest = suffix + strlen(SUFFIX);
  return *rest == '\0' || strcmp(rest, ".gz") == 0 ? (size_t)(suffix - *subject) : 0;
}

static bool is_recording(void *self, const char *name) {
  (void)self;
  const char *subject = NULL;
  return subject_of(name, &subject) > 0;
}

static bool is_wanted(void *self, const char *name) {
  const reading *const r = self;
  const char *subject = NULL;
  char id[128];
  const size_t length = subject_of(name, &subject);
  if (length == 0 || length >= sizeof id)
    return false;
  memcpy(id, subject, length);
  id[length] = '\0';
  return r->only_subjects == NULL || fr__list_has(r->only_subjects, id);
}

/* ---- columns ---- */

static bool starts_with(const fr__csv_field *field, const char *prefix) {
  const size_t n = strlen(prefix);
  return field->length >= n && memcmp(field->text, prefix, n) == 0;
}

static bool is_channel(const reading *r, const fr__csv_field *field) {
  if (starts_with(field, "raw_acc:") || starts_with(field, "proc_gyro:"))
    return true;
  return r->all_features && !starts_with(field, "label") &&
         !starts_with(field, "timestamp");
}

/* Channels and labels by the header of the first file. */
static enum fr_status name_columns(reading *r, const fr__csv *csv, fr_error *err) {
  fr_dataset *const data = r->builder.data;
  const size_t skip = strlen(LABEL);
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < csv->count && status == FR_OK; i++) {
    const fr__csv_field *const field = &csv->field[i];
    if (is_channel(r, field))
      status = fr__names_add(&data->channels, field->text, field->length, NULL, err);
    else if (starts_with(field, LABEL))
      status = fr__names_add(&data->labels, field->text + skip, field->length - skip,
                             NULL, err);
  }
  if (status != FR_OK)
    return status;
  if (data->channels.count == 0)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s:%zu: no column 'raw_acc:...' or 'proc_gyro:...'", csv->name,
                    csv->line);
  for (size_t i = 0; i < MAINS; i++)
    r->main[i] = fr__names_find(&data->labels, mains[i], strlen(mains[i]));
  r->pocket_label = fr__names_find(&data->labels, POCKET, strlen(POCKET));
  r->channel = calloc(data->channels.count, sizeof *r->channel);
  r->label = calloc(data->labels.count + 1, sizeof *r->label);
  return r->channel != NULL && r->label != NULL ? FR_OK : fr__fail_memory(err, "columns");
}

static enum fr_status find_column(const fr__csv *csv, const char *prefix,
                                  const char *name, uint32_t *out, fr_error *err) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s%s", prefix, name);
  *out = fr__csv_find(csv, whole);
  if (*out == FR_NONE)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column '%s' is missing", csv->name,
                    csv->line, whole);
  return FR_OK;
}

static enum fr_status find_columns(reading *r, const fr__csv *csv, fr_error *err) {
  const fr_dataset *const data = r->builder.data;
  enum fr_status status = find_column(csv, "", "timestamp", &r->time, err);
  for (size_t i = 0; i < data->channels.count && status == FR_OK; i++)
    status = find_column(csv, "", data->channels.name[i], &r->channel[i], err);
  for (size_t i = 0; i < data->labels.count && status == FR_OK; i++)
    status = find_column(csv, LABEL, data->labels.name[i], &r->label[i], err);
  if (status == FR_OK && r->pocket && r->pocket_label == FR_NONE)
    status = fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column '" LABEL POCKET "' is missing",
                      csv->name, csv->line);
  return status;
}

/* ---- rows ---- */

/* A feature; missing where it is empty or nan. */
static enum fr_status read_value(const fr__csv *csv, uint32_t column, float *out,
                                 fr_error *err) {
  const fr__csv_field *const field = &csv->field[column];
  double value = (double)NAN;
  if (field->length > 0 && !fr__parse_number(field->text, field->length, &value))
    return fr__csv_fail(csv, column, "is not a number", err);
  if (!isnan(value) && !(fabs(value) <= FLT_MAX))
    return fr__csv_fail(csv, column, "is too large", err);
  *out = isnan(value) ? (float)NAN : (float)value;
  return FR_OK;
}

static enum fr_status read_label(const fr__csv *csv, uint32_t column, int8_t *out,
                                 fr_error *err) {
  float value = 0;
  const enum fr_status status = read_value(csv, column, &value, err);
  if (status != FR_OK)
    return status;
  if (!isnan(value) && value != 0 && value != 1)
    return fr__csv_fail(csv, column, "is not 0, 1 or nothing", err);
  *out = isnan(value) ? -1 : value == 1;
  return FR_OK;
}

/* The main activity, where exactly one is told. */
static uint32_t activity_of(const reading *r, const int8_t *told) {
  uint32_t activity = FR_NONE;
  for (size_t i = 0; i < MAINS; i++) {
    if (r->main[i] == FR_NONE || told[r->main[i]] != 1)
      continue;
    if (activity != FR_NONE)
      return FR_NONE;
    activity = (uint32_t)i;
  }
  return activity;
}

/* The row last read, put behind the minutes that are kept where it is one of them. */
static enum fr_status read_minute(reading *r, const fr__csv *csv, float *room,
                                  fr_error *err) {
  const size_t channels = r->builder.data->channels.count;
  const size_t labels = r->builder.data->labels.count;
  int8_t *const told = r->told + r->minutes * labels;
  if (csv->count != csv->header_count)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu columns in place of %zu", csv->name,
                    csv->line, csv->count, csv->header_count);
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < labels && status == FR_OK; i++)
    status = read_label(csv, r->label[i], &told[i], err);
  if (status != FR_OK || (r->pocket && told[r->pocket_label] != 1))
    return status;
  status = fr__csv_number(csv, r->time, &r->at[r->minutes].start_s, err);
  for (size_t i = 0; i < channels && status == FR_OK; i++)
    status = read_value(csv, r->channel[i], &room[r->minutes * channels + i], err);
  if (status != FR_OK)
    return status;
  r->at[r->minutes].activity = activity_of(r, told);
  r->minutes++;
  return FR_OK;
}

/* Room for the minutes of one file. */
static enum fr_status make_room(reading *r, size_t most, float **room, fr_error *err) {
  size_t size = 0;
  free(r->at);
  free(r->told);
  r->minutes = 0;
  r->told = NULL;
  r->at = calloc(most + 1, sizeof *r->at);
  if (!__builtin_mul_overflow(most + 1, r->builder.data->labels.count + 1, &size))
    r->told = malloc(size);
  if (r->at == NULL || r->told == NULL)
    return fr__fail_memory(err, "minutes");
  *room = fr__builder_room(&r->builder, most, err);
  return *room != NULL ? FR_OK : FR_ERR_MEMORY;
}

/* The minutes of one person, where there are enough of them, as records. */
static enum fr_status add_minutes(reading *r, const char *name, fr_error *err) {
  fr_dataset *const data = r->builder.data;
  const char *subject = NULL;
  fr_record about = {.trial = FR_NONE, .span_s = SPAN_S, .steps = 1};
  if (r->minutes == 0 || (int64_t)r->minutes < r->least)
    return FR_OK;
  size_t length = subject_of(name, &subject);
  if (length == 0) /* a file alone may have any name */
    length = strcspn(subject, ".");
  enum fr_status status =
      fr__names_add(&data->subjects, subject, length, &about.subject, err);
  for (size_t i = 0; i < r->minutes && status == FR_OK; i++) {
    about.start_s = r->at[i].start_s;
    about.activity = FR_NONE;
    if (r->at[i].activity != FR_NONE) {
      const char *const main = mains[r->at[i].activity];
      status = fr__names_add(&data->activities, main, strlen(main), &about.activity, err);
    }
    if (status == FR_OK)
      status =
          fr__builder_add(&r->builder, &about, r->told + i * data->labels.count, err);
  }
  return status;
}

static enum fr_status read_header(reading *r, fr__csv *csv, fr_error *err) {
  bool more = false;
  enum fr_status status = fr__csv_next(csv, &more, err);
  if (status == FR_OK && !more)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: no header", csv->name);
  if (status == FR_OK)
    status = fr__csv_keep_header(csv, err);
  if (status == FR_OK && r->channel == NULL)
    status = name_columns(r, csv, err);
  return status == FR_OK ? find_columns(r, csv, err) : status;
}

static size_t count_lines(const fr__csv *csv) {
  size_t lines = 1;
  const char *p = csv->text + csv->at, *const end = csv->text + csv->size;
  for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
    lines++;
  const size_t fit = (csv->size - csv->at) / csv->header_count + 1;
  return lines < fit ? lines : fit;
}

static enum fr_status read_file(void *self, const char *name, char *text, size_t size,
                                fr_error *err) {
  reading *const r = self;
  fr__csv csv;
  float *room = NULL;
  fr__csv_init(&csv, name, text, size, ',');
  enum fr_status status = read_header(r, &csv, err);
  if (status == FR_OK)
    status = make_room(r, count_lines(&csv), &room, err);
  bool more = status == FR_OK;
  while (more) {
    status = fr__csv_next(&csv, &more, err);
    if (status == FR_OK && more)
      status = read_minute(r, &csv, room, err);
    more = more && status == FR_OK;
  }
  if (status == FR_OK)
    status = add_minutes(r, name, err);
  fr__csv_release(&csv);
  return status;
}

/* ---- the spec ---- */

static enum fr_status parse_options(reading *r, const fr__spec *spec, fr_error *err) {
  const char *const features = fr__spec_value(spec, "features");
  int64_t pocket = 0;
  r->only_subjects = fr__spec_value(spec, "subjects");
  if (features != NULL && strcmp(features, "motion") != 0 && strcmp(features, "all") != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "features: '%s' is not motion or all",
                    features);
  r->all_features = features != NULL && strcmp(features, "all") == 0;
  enum fr_status status = fr__spec_integer(spec, "pocket", 0, 1, 0, &pocket, err);
  r->pocket = pocket == 1;
  if (status == FR_OK)
    status = fr__spec_integer(spec, "min", 0, 1000000, r->pocket ? POCKET_MINUTES : 0,
                              &r->least, err);
  return status;
}

static enum fr_status read_extrasensory(const fr__spec *spec,
                                        const fr_data_options *options, fr_dataset **out,
                                        fr_error *err) {
  reading r = {0};
  const fr__visitor visitor = {.self = &r, .wanted = is_wanted, .file = read_file};
  enum fr_status status = parse_options(&r, spec, err);
  if (status == FR_OK)
    status =
        fr__builder_init(&r.builder, "extrasensory", "time:0.7", spec->whole, 0, err);
  if (status == FR_OK)
    status = fr__files_each(spec->path, &visitor, options, err);
  if (status == FR_OK)
    status = fr__builder_finish(&r.builder, out, err);
  fr__builder_release(&r.builder);
  free(r.channel);
  free(r.label);
  free(r.at);
  free(r.told);
  return status;
}

static const char *const keys[] = {"pocket", "min", "features", "subjects", NULL};

const fr__reader fr__reader_extrasensory = {.kind = "extrasensory",
                                            .keys = keys,
                                            .path = true,
                                            .read = read_extrasensory,
                                            .wanted = is_recording};
