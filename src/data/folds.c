/* SPDX-License-Identifier: Apache-2.0 */
/* Folds that a publisher has drawn up: lists of the people who test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "data/reader.h"
#include "data/split.h"

#define FOLDS_CEILING 1000
#define LIST_CEILING ((size_t)1 << 20) /* bytes */

/* ExtraSensory's two kinds of phone; a fold's people stand in both lists together. */
static const char *const systems[] = {"android", "iphone"};
#define SYSTEMS (sizeof systems / sizeof *systems)

/* The caller's (free); NULL out of memory. */
static char *list_path(const char *folder, size_t fold, const char *phones) {
  char name[64];
  snprintf(name, sizeof name, "fold_%zu_test_%s_uuids.txt", fold, phones);
  return fr__path_join(folder, name);
}

static enum fr_status list_exists(const char *folder, size_t fold, bool *exists,
                                  fr_error *err) {
  *exists = false;
  for (size_t i = 0; i < SYSTEMS; i++) {
    char *const path = list_path(folder, fold, systems[i]);
    if (path == NULL)
      return fr__fail_memory(err, "a path");
    *exists |= access(path, F_OK) == 0;
    free(path);
  }
  return FR_OK;
}

enum fr_status fr__folds_count(const char *folder, size_t *folds, fr_error *err) {
  bool more = true;
  enum fr_status status = FR_OK;
  for (*folds = 0; more && *folds < FOLDS_CEILING && status == FR_OK; *folds += more)
    status = list_exists(folder, *folds, &more, err);
  if (status == FR_OK && *folds == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "folds:%s: no list such as fold_0_test_%s_uuids.txt is there", folder,
                    systems[0]);
  return status;
}

/* One id a line; one whom the data does not have is passed over. */
static void choose_listed(char *text, const fr_names *subjects, bool *chosen) {
  char *rest = NULL;
  for (char *id = strtok_r(text, " \t\r\n", &rest); id != NULL;
       id = strtok_r(NULL, " \t\r\n", &rest)) {
    const uint32_t at = fr__names_find(subjects, id, strlen(id));
    if (at != FR_NONE)
      chosen[at] = true;
  }
}

enum fr_status fr__folds_people(const char *folder, size_t fold, const fr_names *subjects,
                                bool *chosen, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < SYSTEMS && status == FR_OK; i++) {
    char *const path = list_path(folder, fold, systems[i]);
    if (path == NULL)
      return fr__fail_memory(err, "a path");
    char *text = NULL;
    size_t size = 0;
    if (access(path, F_OK) == 0)
      status = fr__file_read(path, LIST_CEILING, &text, &size, err);
    if (text != NULL)
      choose_listed(text, subjects, chosen);
    free(text);
    free(path);
  }
  return status;
}
