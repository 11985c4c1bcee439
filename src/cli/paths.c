/* SPDX-License-Identifier: Apache-2.0 */
/* What a command is to write is looked at before its work begins. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  if (strcmp(a, b) == 0)
    return true;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) &&
         x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

enum fr_status cli_check_distinct(const char *const *path, size_t count, fr_error *err) {
  for (size_t i = 0; i < count; i++)
    for (size_t j = i + 1; j < count; j++)
      if (path[i] != NULL && path[j] != NULL && strcmp(path[i], "-") != 0 &&
          same_file(path[i], path[j]))
        return fr__fail(err, FR_ERR_ARGUMENT,
                        "'%s' and '%s' are one file: the second would replace the first",
                        path[i], path[j]);
  return FR_OK;
}

/* A file beside it is made and removed again: what it may write, no mode tells for sure.
 */
static int try_beside(const char *path) {
  const size_t size = strlen(path) + sizeof ".XXXXXX";
  char *name = malloc(size);
  if (name == NULL)
    return ENOMEM;
  (void)snprintf(name, size, "%s.XXXXXX", path);
  const int fd = mkstemp(name);
  const int failed = fd < 0 ? errno : 0;
  if (fd >= 0) {
    close(fd);
    unlink(name);
  }
  free(name);
  return failed;
}

enum fr_status cli_check_writable(const char *path, fr_error *err) {
  struct stat about;
  if (path == NULL || strcmp(path, "-") == 0)
    return FR_OK;
  if (path[0] == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "an empty name is no file to write to");
  if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is a folder, not a file to write to",
                    path);
  if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
    return FR_OK; /* a device or a pipe is written to as it is */
  const int failed = try_beside(path);
  return failed == 0 ? FR_OK
                     : fr__fail_errno(err, failed, "'%s' cannot be written", path);
}

enum fr_status cli_check_files(const char *const *path, size_t count, fr_error *err) {
  enum fr_status status = cli_check_distinct(path, count, err);
  for (size_t i = 0; status == FR_OK && i < count; i++)
    status = cli_check_writable(path[i], err);
  return status;
}

enum fr_status cli_check_outputs(const cli_output *output, const char *model,
                                 fr_error *err) {
  const char *const path[] = {model, output->json, output->store};
  enum fr_status status = cli_check_distinct(path, sizeof path / sizeof *path, err);
  if (status == FR_OK)
    status = cli_check_writable(model, err);
  return status == FR_OK ? cli_check_writable(output->json, err) : status;
}
