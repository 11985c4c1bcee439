/* SPDX-License-Identifier: Apache-2.0 */
/* What every test includes: cmocka with the headers that it wants, and a folder of its
 * own. */
#ifndef FR_TESTS_TEST_H
#define FR_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frugal/base.h"

#define ASSERT_OK(call)                                                                  \
  do {                                                                                   \
    fr_error assert_ok_error = {0};                                                      \
    fr_error *const err = &assert_ok_error;                                              \
    if ((call) != FR_OK)                                                                 \
      fail_msg("%s: %s", #call, assert_ok_error.text);                                   \
  } while (0)

/* A new empty folder, the caller's name (free after test_folder_remove). */
static inline char *test_folder_make(void) {
  const char *base = getenv("TMPDIR");
  char room[512];
  snprintf(room, sizeof room, "%s/frugal-test-XXXXXX", base != NULL ? base : "/tmp");
  char *path = mkdtemp(room);
  assert_non_null(path);
  return strdup(path);
}

/* The folder and all below it. */
static inline void test_folder_remove(char *path) {
  char command[600];
  snprintf(command, sizeof command, "rm -rf '%s'", path);
  assert_int_equal(system(command), 0);
  free(path);
}

/* The folder of real recordings, or NULL with a line that says so. */
static inline const char *test_shared(void) {
  const char *path = getenv("FRUGAL_SHARED");
  FILE *readme = NULL;
  if (path != NULL) {
    char name[1024];
    snprintf(name, sizeof name, "%s/README.md", path);
    readme = fopen(name, "r");
  }
  if (readme == NULL) {
    print_message(
        "skipped: the folder of real recordings ($FRUGAL_SHARED) is not there\n");
    return NULL;
  }
  fclose(readme);
  return path;
}

#endif
