/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a store, for studies that are run: cmocka's set-up and tear-down. */
#ifndef TESTS_STUDY_PLACE_H
#define TESTS_STUDY_PLACE_H

#include "../test.h"
#include "yaml.h"

typedef struct place {
  char *directory; /* owned */
  char path[600];  /* of the store */
  fr_store *store;
} place;

static inline int place_make(void **state) {
  place *p = calloc(1, sizeof *p);
  if (p == NULL)
    return -1;
  p->directory = test_folder_make();
  snprintf(p->path, sizeof p->path, "%s/runs.sqlite", p->directory);
  *state = p;
  return fr_store_open(p->path, &p->store, NULL) == FR_OK ? 0 : -1;
}

static inline int place_remove(void **state) {
  place *p = *state;
  fr_store_close(p->store);
  test_folder_remove(p->directory);
  free(p);
  return 0;
}

#endif
