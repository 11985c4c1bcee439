/* SPDX-License-Identifier: Apache-2.0 */
/* The publishers' files, fetched and compared with what the publishers say of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "data/download.h"
#include "data/reader.h"

typedef struct published {
  const char *name; /* and kind, and folder */
  const char *file;
  const char *url;
  const char *variable; /* of the environment, names another address */
  uint64_t ceiling;     /* bytes */
  fr_data_facts facts;  /* 0: not known */
} published;

static const published sets[] = {
    {.name = "motionsense",
     .file = "A_DeviceMotion_data.zip",
     .url = "https://github.com/mmalekzadeh/motion-sense/raw/master/data/"
            "A_DeviceMotion_data.zip",
     .variable = "FRUGAL_MOTIONSENSE_URL",
     .ceiling = (uint64_t)256 << 20,
     .facts = {.files = 360,
               .rows = 1412865,
               .subjects = 24,
               .digest = UINT64_C(0xa707f48f042745d9)}},
    {.name = "extrasensory",
     .file = "ExtraSensory.per_uuid_features_labels.zip",
     .url = "http://extrasensory.ucsd.edu/data/primary_data_files/"
            "ExtraSensory.per_uuid_features_labels.zip",
     .variable = "FRUGAL_EXTRASENSORY_URL",
     .ceiling = (uint64_t)1 << 30,
     .facts = {.files = 60, .subjects = 60}},
};
#define SETS (sizeof sets / sizeof *sets)

static enum fr_status find_set(const char *name, const published **out, fr_error *err) {
  for (size_t i = 0; i < SETS; i++)
    if (strcmp(sets[i].name, name) == 0) {
      *out = &sets[i];
      return FR_OK;
    }
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' cannot be fetched; known are motionsense, extrasensory", name);
}

static char *joined(const char *a, const char *b) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "%s%s", a, b);
  return fr__buf_detach(&text);
}

static enum fr_status look(const published *set, const char *path, fr_data_facts *facts,
                           fr_error *err) {
  char *const kind = joined(set->name, ":");
  char *const spec = kind != NULL ? joined(kind, path) : NULL;
  enum fr_status status = FR_OK;
  if (spec == NULL)
    status = fr__fail_memory(err, "a data spec");
  else if (strchr(path, '?') != NULL)
    status = fr__fail(err, FR_ERR_ARGUMENT, "'%s': a data set's path has no '?'", path);
  else
    status = fr_data_check(spec, facts, err);
  free(spec);
  free(kind);
  return status;
}

static enum fr_status compare(const char *path, const char *what, uint64_t is,
                              uint64_t expected, fr_error *err) {
  if (expected == 0 || is == expected)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "'%s' is not what was published: %" PRIu64 " %s in place of %" PRIu64,
                  path, is, what, expected);
}

static enum fr_status compare_digest(const char *path, uint64_t is, uint64_t expected,
                                     fr_error *err) {
  if (expected == 0 || is == expected)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "'%s' has changed: digest %016" PRIx64 " in place of %016" PRIx64, path,
                  is, expected);
}

/* What is written beside a data set whose digest its publisher does not tell; 0 where
 * there is nothing. */
static uint64_t recorded_digest(const char *beside) {
  char *text = NULL;
  size_t size = 0;
  uint64_t digest = 0;
  if (fr__file_read(beside, 4096, &text, &size, NULL) != FR_OK)
    return 0;
  const char *const line = strstr(text, "digest ");
  if (line != NULL && sscanf(line, "digest %16" SCNx64, &digest) != 1)
    digest = 0;
  free(text);
  return digest;
}

static enum fr_status record_digest(const char *beside, const fr_data_facts *facts,
                                    fr_error *err) {
  char text[200];
  const int length = snprintf(
      text, sizeof text, "files %zu\nrows %zu\nsubjects %zu\ndigest %016" PRIx64 "\n",
      facts->files, facts->rows, facts->subjects, facts->digest);
  return fr__file_write(beside, text, (size_t)length, err);
}

/* Whether `path` holds what it should; `beside` is where its digest is recorded. */
static enum fr_status check(const published *set, const char *path, const char *beside,
                            fr_data_facts *facts, fr_error *err) {
  const fr_data_facts *const known = &set->facts;
  enum fr_status status = look(set, path, facts, err);
  if (status == FR_OK)
    status = compare(path, "files", facts->files, known->files, err);
  if (status == FR_OK)
    status = compare(path, "rows", facts->rows, known->rows, err);
  if (status == FR_OK)
    status = compare(path, "subjects", facts->subjects, known->subjects, err);
  if (status != FR_OK)
    return status;
  if (known->digest != 0)
    return compare_digest(path, facts->digest, known->digest, err);
  const uint64_t before = recorded_digest(beside);
  return before != 0 ? compare_digest(path, facts->digest, before, err)
                     : record_digest(beside, facts, err);
}

static enum fr_status fetch(const published *set, const char *path, const char *beside,
                            const char *part, void (*progress)(void *self, double done),
                            void *self, fr_data_facts *facts, fr_error *err) {
  const char *const other = getenv(set->variable);
  const char *const url = other != NULL && other[0] != '\0' ? other : set->url;
  enum fr_status status = fr__download(url, part, set->ceiling, progress, self, err);
  if (status != FR_OK)
    return status;
  status = check(set, part, beside, facts, err);
  if (status == FR_OK && rename(part, path) != 0)
    status = fr__fail_errno(err, errno, "'%s'", path);
  if (status == FR_ERR_FORMAT || status == FR_ERR_LIMIT)
    unlink(part); /* what is wrong is not to be resumed */
  return status;
}

enum fr_status fr_data_fetch(const char *name, const char *directory,
                             void (*progress)(void *self, double done), void *self,
                             fr_data_facts *facts, fr_error *err) {
  const published *set = NULL;
  enum fr_status status = find_set(name, &set, err);
  if (status != FR_OK)
    return status;
  char *const folder = fr__path_join(directory, set->name);
  char *const path = folder != NULL ? fr__path_join(folder, set->file) : NULL;
  char *const part = path != NULL ? joined(path, ".part") : NULL;
  char *const beside = path != NULL ? joined(path, ".digest") : NULL;
  fr_data_facts found = {0};
  if (part == NULL || beside == NULL)
    status = fr__fail_memory(err, "a path");
  else
    status = fr__dir_make(folder, err);
  if (status == FR_OK && access(path, F_OK) == 0)
    status = check(set, path, beside, &found, err);
  else if (status == FR_OK)
    status = fetch(set, path, beside, part, progress, self, &found, err);
  if (status == FR_OK && facts != NULL)
    *facts = found;
  free(beside);
  free(part);
  free(path);
  free(folder);
  return status;
}
