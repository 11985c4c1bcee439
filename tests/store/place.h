/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for each test, gone afterwards. */
#ifndef TESTS_STORE_PLACE_H
#define TESTS_STORE_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "frugal/store.h"

typedef struct place {
  char directory[64];
  char path[96];
} place;

static int place_make(void **state) {
  place *p = calloc(1, sizeof *p);
  if (p == NULL)
    return -1;
  strcpy(p->directory, "/tmp/frugal-test-XXXXXX");
  if (mkdtemp(p->directory) == NULL)
    return -1;
  snprintf(p->path, sizeof p->path, "%s/deep/runs.sqlite", p->directory);
  *state = p;
  return 0;
}

static int place_remove(void **state) {
  place *p = *state;
  static const char *const names[] = {"deep/runs.sqlite", "deep/runs.sqlite-wal",
                                      "deep/runs.sqlite-shm", "deep", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", p->directory, names[i]);
    remove(path);
  }
  free(p);
  return 0;
}

static inline fr_store *place_open(const place *p) {
  fr_store *store = NULL;
  fr_error err = {0};
  if (fr_store_open(p->path, &store, &err) != FR_OK)
    fail_msg("%s", err.text);
  return store;
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)

#endif
