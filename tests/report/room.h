/* SPDX-License-Identifier: Apache-2.0 */
/* A store with one study in it, in a folder of its own that goes away afterwards. */
#ifndef FR_TEST_REPORT_ROOM_H
#define FR_TEST_REPORT_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "frugal/report.h"

typedef struct room {
  char folder[64];
  char output[96];
  fr_store *store;
  int64_t run;
} room;

static inline char *room_word(const char *text) { return strdup(text); }

/* `result` NULL: a study that has none yet. */
static inline void room_open(room *r, const char *command, const char *result) {
  char path[96];
  fr_error err = {0};
  snprintf(r->folder, sizeof r->folder, "/tmp/frugal-report-XXXXXX");
  assert_non_null(mkdtemp(r->folder));
  snprintf(path, sizeof path, "%s/runs.sqlite", r->folder);
  snprintf(r->output, sizeof r->output, "%s/out/deep", r->folder);
  assert_int_equal(fr_store_open(path, &r->store, &err), FR_OK);
  fr_run run = {.command = room_word(command), .name = room_word("fixture")};
  assert_int_equal(fr_store_run_begin(r->store, &run, &r->run, &err), FR_OK);
  free(run.command);
  free(run.name);
  if (result != NULL)
    assert_int_equal(fr_store_run_end(r->store, r->run, "done", result, &err), FR_OK);
}

static inline void room_empty(const char *folder) {
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
      continue;
    char *path = fr__path_join(folder, e->d_name);
    assert_non_null(path);
    if (e->d_type == DT_DIR)
      room_empty(path);
    else
      unlink(path);
    free(path);
  }
  if (dir != NULL)
    closedir(dir);
  rmdir(folder);
}

static inline void room_close(room *r) {
  fr_store_close(r->store);
  room_empty(r->folder);
}

/* The report's file, the caller's (free); fails the test where it is missing. */
static inline char *room_read(const room *r, const char *name, size_t *size) {
  char path[192];
  char *bytes = NULL;
  fr_error err = {0};
  size_t length;
  snprintf(path, sizeof path, "%s/%s", r->output, name);
  if (fr__file_read(path, (size_t)64 << 20, &bytes, &length, &err) != FR_OK)
    fail_msg("%s", err.text);
  if (size != NULL)
    *size = length;
  return bytes;
}

static inline bool room_has(const room *r, const char *name) {
  char path[192];
  snprintf(path, sizeof path, "%s/%s", r->output, name);
  return access(path, R_OK) == 0;
}

static inline bool room_has_gnuplot(void) {
  return access("/usr/bin/gnuplot", X_OK) == 0 ||
         access("/usr/local/bin/gnuplot", X_OK) == 0;
}

static inline size_t count_of(const char *text, const char *word) {
  size_t n = 0;
  for (; (text = strstr(text, word)) != NULL; text += strlen(word))
    n++;
  return n;
}

#endif
