/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an input as they lie in the file system. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "data/files.h"

/* Takes `path` over. */
static enum fr_status add_file(fr__files *files, char *path, const struct stat *about,
                               fr_error *err) {
  const size_t n = files->count;
  if (n >= FR__FILES_CEILING) {
    free(path);
    return fr__fail(err, FR_ERR_LIMIT, "more than %zu files", FR__FILES_CEILING);
  }
  if ((n & (n - 1)) == 0) {
    fr__file *const at = realloc(files->at, (n == 0 ? 1 : 2 * n) * sizeof *at);
    if (at == NULL) {
      free(path);
      return fr__fail_memory(err, "a list of files");
    }
    files->at = at;
  }
  files->at[files->count++] =
      (fr__file){path, (uint64_t)about->st_size,
                 (int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec};
  return FR_OK;
}

static enum fr_status add_folder(fr__files *files, const char *path, int depth,
                                 fr_error *err);

static enum fr_status add_entry(fr__files *files, const char *folder, const char *name,
                                int depth, fr_error *err) {
  if (name[0] == '.' || strcmp(name, "__MACOSX") == 0)
    return FR_OK;
  char *const path = fr__path_join(folder, name);
  if (path == NULL)
    return fr__fail_memory(err, "a path");
  struct stat about = {0}; /* a dangling link is neither file nor folder */
  if (stat(path, &about) == 0 && S_ISREG(about.st_mode))
    return add_file(files, path, &about, err);
  enum fr_status status = FR_OK;
  if (S_ISDIR(about.st_mode) && depth < FR__FOLDER_DEPTH)
    status = add_folder(files, path, depth + 1, err);
  free(path);
  return status;
}

static enum fr_status add_folder(fr__files *files, const char *path, int depth,
                                 fr_error *err) {
  DIR *const folder = opendir(path);
  if (folder == NULL)
    return fr__fail_errno(err, errno, "'%s'", path);
  enum fr_status status = FR_OK;
  const struct dirent *entry = NULL;
  while (status == FR_OK && (entry = readdir(folder)) != NULL)
    status = add_entry(files, path, entry->d_name, depth, err);
  closedir(folder);
  return status;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const fr__file *)a)->path, ((const fr__file *)b)->path);
}

enum fr_status fr__files_init(fr__files *files, const char *path, fr_error *err) {
  *files = (fr__files){0};
  struct stat about;
  if (stat(path, &about) != 0)
    return fr__fail_errno(err, errno, "'%s'", path);
  files->folder = S_ISDIR(about.st_mode);
  enum fr_status status = FR_OK;
  if (files->folder) {
    status = add_folder(files, path, 1, err);
  } else if (S_ISREG(about.st_mode)) {
    char *const copy = strdup(path);
    status = copy != NULL ? add_file(files, copy, &about, err)
                          : fr__fail_memory(err, "a path");
  } else {
    status = fr__fail(err, FR_ERR_ARGUMENT, "'%s' is neither a file nor a folder", path);
  }
  if (status != FR_OK)
    fr__files_release(files);
  else if (files->count > 0)
    qsort(files->at, files->count, sizeof *files->at, by_path);
  return status;
}

void fr__files_release(fr__files *files) {
  for (size_t i = 0; i < files->count; i++)
    free(files->at[i].path);
  free(files->at);
  *files = (fr__files){0};
}
