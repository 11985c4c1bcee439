/* SPDX-License-Identifier: Apache-2.0 */
/* The text files that say what others' rows are, read before them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "data/files.h"
#include "data/read_keypoints.h"

#define BESIDES_CEILING ((size_t)1000)    /* such files of one path */
#define BESIDE_CEILING ((size_t)16 << 20) /* bytes of each */

static bool is_beside(void *self, const char *name) {
  (void)self;
  return fr__is_index(name) || fr__is_label_list(name);
}

void fr__gestures_forget_beside(fr__gestures *g) {
  for (size_t i = 0; i < g->besides; i++) {
    free(g->beside[i].name);
    free(g->beside[i].text);
  }
  free(g->beside);
  g->beside = NULL;
  g->besides = 0;
}

static enum fr_status keep(void *self, const char *name, char *text, size_t size,
                           fr_error *err) {
  fr__gestures *const g = self;
  if (g->besides == BESIDES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %zu index files", BESIDES_CEILING);
  if (size > BESIDE_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s: more than %zu bytes", name, BESIDE_CEILING);
  fr__beside *const beside = realloc(g->beside, (g->besides + 1) * sizeof *beside);
  if (beside == NULL)
    return fr__fail_memory(err, "an index");
  g->beside = beside;
  fr__beside *const b = &g->beside[g->besides];
  *b = (fr__beside){strdup(name), malloc(size + 1), size};
  if (b->name == NULL || b->text == NULL) {
    free(b->name);
    free(b->text);
    return fr__fail_memory(err, "an index");
  }
  memcpy(b->text, text, size);
  b->text[size] = '\0';
  g->besides++;
  return FR_OK;
}

static enum fr_status keep_file(fr__gestures *g, const char *folder, const char *name,
                                fr_error *err) {
  char *const path = fr__path_join(folder, name), *text = NULL;
  size_t size = 0;
  enum fr_status status = path != NULL
                              ? fr__file_read(path, BESIDE_CEILING, &text, &size, err)
                              : fr__fail_memory(err, "a path");
  if (status == FR_OK)
    status = keep(g, name, text, size, err);
  free(text);
  free(path);
  return status;
}

/* Those of a file that is read alone: their names begin as its own does. */
static enum fr_status look_around(fr__gestures *g, const char *path, fr_error *err) {
  const char *const name = fr__path_name(path);
  const size_t stem = strcspn(name, ".");
  char *const folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
  DIR *const entries = folder != NULL ? opendir(folder) : NULL;
  const struct dirent *entry = NULL;
  enum fr_status status = FR_OK;
  if (folder == NULL)
    return fr__fail_memory(err, "a path");
  if (entries == NULL)
    status = fr__fail_errno(err, errno, "'%s'", folder);
  while (status == FR_OK && (entry = readdir(entries)) != NULL)
    if (strncmp(entry->d_name, name, stem) == 0 && is_beside(NULL, entry->d_name))
      status = keep_file(g, folder, entry->d_name, err);
  if (entries != NULL)
    closedir(entries);
  free(folder);
  return status;
}

const fr__beside *fr__gestures_beside(const fr__gestures *g, const char *name,
                                      const char *end, const char *other) {
  const size_t n = strlen(name);
  const size_t stem = fr__name_ends(name, end) ? n - strlen(end) : n;
  for (size_t i = 0; i < g->besides; i++)
    if (strncmp(g->beside[i].name, name, stem) == 0 &&
        strcmp(g->beside[i].name + stem, other) == 0)
      return &g->beside[i];
  return NULL;
}

enum fr_status fr__gestures_look_beside(fr__gestures *g, const char *path,
                                        fr_error *err) {
  const fr__visitor visitor = {.self = g, .wanted = is_beside, .file = keep};
  struct stat about;
  if (stat(path, &about) != 0)
    return fr__fail_errno(err, errno, "'%s'", path);
  const bool file = S_ISREG(about.st_mode) && !fr__name_ends(path, ".zip");
  return file ? look_around(g, path, err) : fr__files_each(path, &visitor, NULL, err);
}
