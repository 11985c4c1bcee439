/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ts: files of the UEA and UCR archives. A case is a record; who moved is not told, so
 * that the subject is the file, and a trial is a case's number among those of its class
 * in that file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/files.h"
#include "data/ts.h"

#define ENDING ".ts"

typedef struct reading {
  fr__builder builder;
  char *problem; /* of the first file: its name without _TRAIN and _TEST; owned */
  bool train, test;
  size_t *cases; /* of the present file, by class; the last: without one; owned */
  uint32_t subject;
} reading;

/* ---- files' names ---- */

static bool ends_with(const char *text, size_t length, const char *end) {
  const size_t n = strlen(end);
  return length >= n && memcmp(text + length - n, end, n) == 0;
}

static bool is_ts(void *self, const char *name) {
  (void)self;
  const size_t n = strlen(name);
  return ends_with(name, n, ENDING) || ends_with(name, n, ENDING ".gz");
}

/* "a/NATOPS_TRAIN.ts" -> "NATOPS_TRAIN", in place of its text. */
static size_t stem_of(const char **name) {
  const char *const slash = strrchr(*name, '/');
  *name = slash != NULL ? slash + 1 : *name;
  size_t length = strlen(*name);
  if (ends_with(*name, length, ".gz"))
    length -= strlen(".gz");
  return ends_with(*name, length, ENDING) ? length - strlen(ENDING) : length;
}

/* Notes which side of the published split a file is, and that all are of one problem. */
static enum fr_status note_file(reading *r, const char *path, fr_error *err) {
  const char *name = path;
  const size_t stem = stem_of(&name);
  const bool train = ends_with(name, stem, "_TRAIN"),
             test = ends_with(name, stem, "_TEST");
  const size_t length = stem - (train ? strlen("_TRAIN") : test ? strlen("_TEST") : 0);
  r->train = r->train || train;
  r->test = r->test || test;
  if (r->problem != NULL &&
      (strlen(r->problem) != length || memcmp(r->problem, name, length) != 0))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.*s' and '%s' are two problems: name one, such as ts:DIR/%s",
                    (int)length, name, r->problem, r->problem);
  if (r->problem == NULL)
    r->problem = strndup(name, length);
  if (r->problem == NULL)
    return fr__fail_memory(err, "a file's name");
  fr_names *const files = &r->builder.data->subjects;
  const size_t before = files->count;
  const enum fr_status status =
      fr__names_add(files, stem > 0 ? name : "1", stem > 0 ? stem : 1, &r->subject, err);
  return status != FR_OK || files->count > before
             ? status
             : fr__fail(err, FR_ERR_ARGUMENT, "there are two of '%s'", path);
}

/* ---- cases ---- */

static enum fr_status name_number(fr_names *names, size_t number, uint32_t *index,
                                  fr_error *err) {
  char text[24];
  const int length = snprintf(text, sizeof text, "%zu", number);
  return fr__names_add(names, text, (size_t)length, index, err);
}

/* Names of channels are their numbers; every file has as many. */
static enum fr_status name_channels(reading *r, const fr__ts *ts, fr_error *err) {
  fr_names *const channels = &r->builder.data->channels;
  enum fr_status status = FR_OK;
  if (channels->count != 0 && channels->count != ts->channels)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu channels in place of %zu", ts->name,
                    ts->line, ts->channels, channels->count);
  for (size_t c = channels->count; c < ts->channels && status == FR_OK; c++)
    status = name_number(channels, c + 1, NULL, err);
  return status;
}

/* Files of unequal lengths are padded by NaN in every channel: those steps are none. */
static size_t without_padding(const float *values, size_t steps, size_t channels) {
  while (steps > 0) {
    for (size_t c = 0; c < channels; c++)
      if (!isnan(values[(steps - 1) * channels + c]))
        return steps;
    steps--;
  }
  return 0;
}

/* Trials are numbered in each class, so that a share of them is one of each class. */
static enum fr_status name_case(reading *r, const fr__ts *ts, uint32_t label,
                                fr_record *about, fr_error *err) {
  fr_dataset *const data = r->builder.data;
  const size_t number = r->cases[label != FR_NONE ? label : FR__TS_CLASSES]++;
  enum fr_status status = FR_OK;
  about->subject = r->subject;
  about->activity = FR_NONE;
  about->trial = (uint32_t)number; /* names of trials are 1, 2, ... */
  if (label != FR_NONE)
    status = fr__names_add(&data->activities, ts->classes.name[label],
                           strlen(ts->classes.name[label]), &about->activity, err);
  if (status == FR_OK && number == data->trials.count)
    status = name_number(&data->trials, number + 1, NULL, err);
  return status;
}

static enum fr_status add_case(reading *r, const fr__ts *ts, const fr__ts_case *it,
                               fr_error *err) {
  enum fr_status status = name_channels(r, ts, err);
  if (status != FR_OK)
    return status;
  float *const room = fr__builder_room(&r->builder, it->steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  status = fr__ts_values(ts, it, room, err);
  if (status != FR_OK)
    return status;
  fr_record about = {.steps = without_padding(room, it->steps, ts->channels)};
  if (about.steps == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: every value is missing", ts->name,
                    ts->line);
  about.span_s = (double)about.steps / r->builder.data->rate_hz;
  status = name_case(r, ts, it->label, &about, err);
  if (about.steps > r->builder.data->window)
    r->builder.data->window = about.steps;
  return status == FR_OK ? fr__builder_add(&r->builder, &about, NULL, err) : status;
}

static enum fr_status read_cases(reading *r, fr__ts *ts, fr_error *err) {
  enum fr_status status = FR_OK;
  bool more = true;
  size_t cases = 0;
  for (; more && status == FR_OK; cases += more) {
    fr__ts_case it;
    status = fr__ts_next(ts, &it, &more, err);
    if (status == FR_OK && more)
      status = add_case(r, ts, &it, err);
  }
  if (status == FR_OK && cases == 0)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: no cases behind @data", ts->name);
  return status;
}

static enum fr_status read_file(void *self, const char *name, char *text, size_t size,
                                fr_error *err) {
  reading *const r = self;
  fr__ts ts;
  enum fr_status status = note_file(r, name, err);
  if (status == FR_OK)
    status = fr__ts_init(&ts, name, text, size, err);
  if (status != FR_OK)
    return status;
  free(r->cases);
  r->cases = calloc(FR__TS_CLASSES + 1, sizeof *r->cases);
  status = r->cases != NULL ? read_cases(r, &ts, err) : fr__fail_memory(err, "cases");
  fr__ts_release(&ts);
  return status;
}

/* ---- paths ---- */

static bool exists(const char *path) { return access(path, F_OK) == 0; }

/* `path`, or where there is none what begins with it: PATH_TRAIN.ts and PATH_TEST.ts, or
 * one of them. */
static enum fr_status add_path(const char *path, fr_names *paths, fr_error *err) {
  static const char *const sides[] = {"_TRAIN", "_TEST"};
  const size_t before = paths->count;
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < 2 && status == FR_OK && !exists(path); i++) {
    fr__buf side;
    fr__buf_init(&side, 0);
    fr__buf_printf(&side, "%s%s%s", path, sides[i], ENDING);
    const char *const name = fr__buf_text(&side);
    if (side.status != FR_OK)
      status = fr__fail_memory(err, "a path");
    else if (exists(name))
      status = fr__names_add(paths, name, strlen(name), NULL, err);
    fr__buf_release(&side);
  }
  return paths->count > before || status != FR_OK
             ? status
             : fr__names_add(paths, path, strlen(path), NULL, err);
}

static enum fr_status find_paths(const fr__spec *spec, fr_names *paths, fr_error *err) {
  fr_names told = {0};
  enum fr_status status = fr__spec_paths(spec, &told, err);
  for (size_t i = 0; i < told.count && status == FR_OK; i++)
    status = add_path(told.name[i], paths, err);
  fr_names_release(&told);
  return status;
}

static enum fr_status read_paths(const fr__spec *spec, const fr__visitor *visitor,
                                 const fr_data_options *options, fr_error *err) {
  fr_names paths = {0};
  enum fr_status status = find_paths(spec, &paths, err);
  for (size_t i = 0; i < paths.count && status == FR_OK; i++)
    status = fr__files_each(paths.name[i], visitor, options, err);
  fr_names_release(&paths);
  return status;
}

static enum fr_status read_ts(const fr__spec *spec, const fr_data_options *options,
                              fr_dataset **out, fr_error *err) {
  reading r = {0};
  const fr__visitor visitor = {.self = &r, .wanted = is_ts, .file = read_file};
  double rate_hz = 1; /* the format tells none */
  enum fr_status status = fr__spec_number(spec, "rate", 1e-6, 1e6, 1, &rate_hz, err);
  if (status == FR_OK)
    status = fr__builder_init(&r.builder, "ts", "trial", spec->whole, rate_hz, err);
  if (status == FR_OK)
    status = read_paths(spec, &visitor, options, err);
  if (status == FR_OK && r.train && r.test)
    r.builder.data->split = "published";
  if (status == FR_OK)
    status = fr__builder_finish(&r.builder, out, err);
  fr__builder_release(&r.builder);
  free(r.problem);
  free(r.cases);
  return status;
}

static const char *const keys[] = {"rate", NULL};

const fr__reader fr__reader_ts = {.kind = "ts",
                                  .keys = keys,
                                  .path = true,
                                  .paths = find_paths,
                                  .task = FR_TASK_GESTURE,
                                  .read = read_ts,
                                  .wanted = is_ts};
