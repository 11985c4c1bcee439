/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs for tests of the readers: files, zips and gzips in a folder of the test's own.
 */
#ifndef TESTS_DATA_INPUT_H
#define TESTS_DATA_INPUT_H

#include "../test.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/file.h"
#include "frugal/data.h"

static char *input_folder; /* made by input_setup */

static inline int input_setup(void **state) {
  (void)state;
  input_folder = test_folder_make();
  return 0;
}

static inline int input_teardown(void **state) {
  (void)state;
  test_folder_remove(input_folder);
  return 0;
}

/* input_folder/name in a room that lasts until the eighth call after. */
static inline const char *input_path(const char *name) {
  static char room[8][512];
  static size_t next;
  char *const path = room[next++ % 8];
  snprintf(path, sizeof room[0], "%s/%s", input_folder, name);
  return path;
}

static inline void input_write(const char *name, const void *bytes, size_t size) {
  char folder[512];
  snprintf(folder, sizeof folder, "%s", input_path(name));
  *strrchr(folder, '/') = '\0';
  ASSERT_OK(fr__dir_make(folder, err));
  /* a new file each time: truncating one makes some file systems wait for the disk */
  unlink(input_path(name));
  FILE *const file = fopen(input_path(name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static inline void input_text(const char *name, const char *text) {
  input_write(name, text, strlen(text));
}

typedef struct input_entry {
  const char *name;
  const void *bytes;
  size_t size; /* 0: a text */
} input_entry;

static inline void input_add(struct archive *archive, const input_entry *entry) {
  const size_t size = entry->size > 0 ? entry->size : strlen(entry->bytes);
  struct archive_entry *const about = archive_entry_new();
  archive_entry_set_pathname(about, entry->name);
  archive_entry_set_filetype(about, AE_IFREG);
  archive_entry_set_perm(about, 0644);
  archive_entry_set_size(about, (la_int64_t)size);
  assert_int_equal(archive_write_header(archive, about), ARCHIVE_OK);
  assert_int_equal(archive_write_data(archive, entry->bytes, size), size);
  archive_entry_free(about);
}

static inline void input_zip(const char *name, const input_entry *entry, size_t count) {
  struct archive *const archive = archive_write_new();
  archive_write_set_format_zip(archive);
  assert_int_equal(archive_write_open_filename(archive, input_path(name)), ARCHIVE_OK);
  for (size_t i = 0; i < count; i++)
    input_add(archive, &entry[i]);
  assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
  archive_write_free(archive);
}

static inline void input_gzip(const char *name, const void *bytes, size_t size) {
  struct archive *const archive = archive_write_new();
  const input_entry entry = {.name = "x", .bytes = bytes, .size = size};
  archive_write_add_filter_gzip(archive);
  archive_write_set_format_raw(archive);
  assert_int_equal(archive_write_open_filename(archive, input_path(name)), ARCHIVE_OK);
  input_add(archive, &entry);
  assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
  archive_write_free(archive);
}

/* "KIND:input_folder/name?options", in a room as input_path's. */
static inline const char *input_spec(const char *kind, const char *name,
                                     const char *options) {
  static char room[4][700];
  static size_t next;
  char *const spec = room[next++ % 4];
  snprintf(spec, sizeof room[0], "%s:%s%s%s", kind, input_path(name),
           options[0] != '\0' ? "?" : "", options);
  return spec;
}

static inline fr_dataset *input_open(const char *spec) {
  fr_dataset *data = NULL;
  ASSERT_OK(fr_data_open(spec, NULL, &data, err));
  return data;
}

/* `sentence` may begin with '*': then the error has to end in what follows. */
static inline void input_refused(const char *spec, enum fr_status status,
                                 const char *sentence) {
  fr_error error = {0};
  fr_dataset *data = NULL;
  assert_int_equal(fr_data_open(spec, NULL, &data, &error), status);
  assert_null(data);
  assert_int_equal(error.status, status);
  const char *text = error.text;
  if (sentence[0] == '*' && strlen(text) >= strlen(sentence + 1))
    text += strlen(text) - strlen(++sentence);
  assert_string_equal(text, sentence);
}

#define MOTION_HEADER                                                                    \
  ",attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,"            \
  "rotationRate.x,rotationRate.y,rotationRate.z,userAcceleration.x,"                     \
  "userAcceleration.y,userAcceleration.z\n"
#define MOTION_ROW(n) n ",1,2,3,4,5,6,7,8,9,10,11.5,-12\n"

#endif
