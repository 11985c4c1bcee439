/* SPDX-License-Identifier: Apache-2.0 */
/* From a spec to a data set: the readers' table. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/cache.h"
#include "data/files.h"
#include "data/reader.h"

static const fr__reader *const readers[] = {
    &fr__reader_motionsense, &fr__reader_extrasensory, &fr__reader_csv,
    &fr__reader_keypoints,   &fr__reader_synthetic,    &fr__reader_ts};
#define READERS (sizeof readers / sizeof *readers)

void fr__progress(const fr_data_options *options, double done) {
  if (options != NULL && options->progress != NULL)
    options->progress(options->self, done < 0 ? 0 : done > 1 ? 1 : done);
}

void fr__reading(const fr_data_options *options, const char *name) {
  if (options != NULL && options->phase != NULL)
    options->phase(options->self, name);
}

static enum fr_status unknown_kind(const fr__spec *spec, fr_error *err) {
  fr__buf known;
  fr__buf_init(&known, 0);
  for (size_t i = 0; i < READERS; i++)
    fr__buf_printf(&known, "%s%s", i == 0 ? "" : ", ", readers[i]->kind);
  const enum fr_status status =
      fr__fail(err, FR_ERR_ARGUMENT, "'%s': '%s' is no kind of data; known are %s",
               spec->whole, spec->kind, fr__buf_text(&known));
  fr__buf_release(&known);
  return status;
}

static enum fr_status find_reader(const fr__spec *spec, const fr__reader **out,
                                  fr_error *err) {
  for (size_t i = 0; i < READERS; i++)
    if (strcmp(readers[i]->kind, spec->kind) == 0) {
      *out = readers[i];
      return FR_OK;
    }
  return unknown_kind(spec, err);
}

static enum fr_status unknown_key(const fr__spec *spec, const fr__reader *reader,
                                  const char *key, fr_error *err) {
  fr__buf known;
  fr__buf_init(&known, 0);
  for (size_t i = 0; reader->keys[i] != NULL; i++)
    fr__buf_printf(&known, "%s%s", i == 0 ? "" : ", ", reader->keys[i]);
  const enum fr_status status =
      fr__fail(err, FR_ERR_ARGUMENT, "'%s': %s: knows no '%s'; known are %s", spec->whole,
               reader->kind, key, fr__buf_text(&known));
  fr__buf_release(&known);
  return status;
}

static bool has_key(const fr__reader *reader, const char *key) {
  for (size_t i = 0; reader->keys[i] != NULL; i++)
    if (strcmp(reader->keys[i], key) == 0)
      return true;
  return false;
}

static enum fr_status check_spec(const fr__spec *spec, const fr__reader *reader,
                                 fr_error *err) {
  for (size_t i = 0; i < spec->count; i++)
    if (!has_key(reader, spec->option[i].key))
      return unknown_key(spec, reader, spec->option[i].key, err);
  if (reader->path && spec->path[0] == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' names no file or folder", spec->whole);
  if (!reader->path && spec->path[0] != '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s': %s: takes no path", spec->whole,
                    reader->kind);
  return FR_OK;
}

static enum fr_status read_cached(const fr__spec *spec, const fr__reader *reader,
                                  const fr_data_options *options, fr_dataset **out,
                                  fr_error *err) {
  char *const path = fr__cache_path(options->cache, spec);
  fr_dataset *data = path != NULL ? fr__cache_load(path, spec, reader) : NULL;
  enum fr_status status = FR_OK;
  if (data == NULL) {
    status = reader->read(spec, options, &data, err);
    if (status == FR_OK && path != NULL)
      fr__cache_save(path, data);
  }
  free(path);
  *out = data;
  return status;
}

static enum fr_status open_one(const char *text, const fr_data_options *options,
                               fr_dataset **out, fr_error *err) {
  fr__spec spec;
  enum fr_status status = fr__spec_parse(text, &spec, err);
  if (status != FR_OK)
    return status;
  const fr__reader *reader = NULL;
  fr_dataset *data = NULL;
  status = find_reader(&spec, &reader, err);
  if (status == FR_OK)
    status = check_spec(&spec, reader, err);
  if (status == FR_OK && reader->path && !reader->fresh && options != NULL &&
      options->cache != NULL)
    status = read_cached(&spec, reader, options, &data, err);
  else if (status == FR_OK)
    status = reader->read(&spec, options, &data, err);
  if (status == FR_OK) {
    fr__progress(options, 1);
    *out = data;
  }
  fr__spec_release(&spec);
  return status;
}

/* *data with that of `text`, in its place. */
static enum fr_status open_more(const char *text, const fr_data_options *options,
                                fr_dataset **data, fr_error *err) {
  fr_dataset *more = NULL, *both = NULL;
  enum fr_status status = open_one(text, options, &more, err);
  if (status == FR_OK)
    status = fr_dataset_union(*data, more, &both, err);
  fr_data_free(more);
  if (status != FR_OK)
    return status;
  fr_data_free(*data);
  *data = both;
  return FR_OK;
}

enum fr_status fr_data_open(const char *text, const fr_data_options *options,
                            fr_dataset **out, fr_error *err) {
  char *parts = strdup(text);
  fr_dataset *data = NULL;
  if (parts == NULL)
    return fr__fail_memory(err, "a data spec");
  char *next = fr__spec_cut(parts);
  enum fr_status status = open_one(parts, options, &data, err);
  for (char *part = next; part != NULL && status == FR_OK; part = next) {
    next = fr__spec_cut(part);
    status = open_more(part, options, &data, err);
  }
  free(parts);
  if (status == FR_OK)
    *out = data;
  else
    fr_data_free(data);
  return status;
}

/* Of several, the first's. */
static enum fr_task task_of(const char *text) {
  fr__spec spec;
  const fr__reader *reader = NULL;
  enum fr_task task = FR_TASK_SUBJECT;
  char *first = text != NULL ? strdup(text) : NULL;
  if (first != NULL)
    (void)fr__spec_cut(first);
  const bool good = first != NULL && fr__spec_parse(first, &spec, NULL) == FR_OK;
  free(first);
  if (!good)
    return task;
  if (find_reader(&spec, &reader, NULL) == FR_OK)
    task = reader->signs != NULL && fr__spec_value(&spec, reader->signs) != NULL
               ? FR_TASK_GESTURE
               : reader->task;
  fr__spec_release(&spec);
  return task;
}

const char *fr_data_task(const char *text) { return fr_task_name(task_of(text)); }

static enum fr_status count_paths(const fr__spec *spec, const fr__reader *reader,
                                  size_t *count, fr_error *err) {
  fr_names paths = {0};
  enum fr_status status = reader->paths(spec, &paths, err);
  *count = 0;
  for (size_t i = 0; i < paths.count && status == FR_OK; i++) {
    size_t here = 0;
    status = fr__files_count(paths.name[i], reader->wanted, NULL, &here, err);
    *count += here;
  }
  fr_names_release(&paths);
  return status;
}

/* Added to *count. */
static enum fr_status count_files(const char *text, size_t *count, fr_error *err) {
  size_t files = 0;
  fr__spec spec;
  enum fr_status status = fr__spec_parse(text, &spec, err);
  if (status != FR_OK)
    return status;
  const fr__reader *reader = NULL;
  status = find_reader(&spec, &reader, err);
  if (status == FR_OK && reader->paths != NULL)
    status = count_paths(&spec, reader, &files, err);
  else if (status == FR_OK && reader->path)
    status = fr__files_count(spec.path, reader->wanted, NULL, &files, err);
  *count += files;
  fr__spec_release(&spec);
  return status;
}

enum fr_status fr_data_check(const char *spec, fr_data_facts *facts, fr_error *err) {
  fr_dataset *data = NULL;
  enum fr_status status = fr_data_open(spec, NULL, &data, err);
  if (status != FR_OK)
    return status;
  fr_data_facts found = {.subjects = data->subjects.count,
                         .records = data->count,
                         .activities = data->activities.count,
                         .window = data->window,
                         .digest = data->digest};
  for (size_t i = 0; i < data->count; i++) {
    found.rows += data->record[i].steps;
    found.shorter += data->record[i].steps < data->window;
  }
  fr_data_free(data);
  char *parts = strdup(spec), *next;
  if (parts == NULL)
    status = fr__fail_memory(err, "a data spec");
  for (char *part = parts; part != NULL && status == FR_OK; part = next) {
    next = fr__spec_cut(part);
    status = count_files(part, &found.files, err);
  }
  free(parts);
  if (status == FR_OK)
    *facts = found;
  return status;
}
