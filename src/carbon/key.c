/* SPDX-License-Identifier: Apache-2.0 */
#include "carbon/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define FILE_CEILING 4096
#define MASKED 8 /* bytes of a key in a row that tell too much of it */

void fr__key_wipe(void *bytes, size_t size) { explicit_bzero(bytes, size); }

/* What stands in a header is one line: a line feed in a key would begin another. */
static bool is_printable(const char *text) {
  for (const char *c = text; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
      return false;
  return *text != '\0';
}

static enum fr_status take(const char *text, const char *where, char key[FR__KEY_SIZE],
                           fr_error *err) {
  if (strlen(text) >= FR__KEY_SIZE)
    return fr__fail(err, FR_ERR_LIMIT, "the key in '%s' is longer than %d bytes", where,
                    FR__KEY_SIZE - 1);
  if (!is_printable(text))
    return fr__fail(err, FR_ERR_FORMAT,
                    "the key in '%s' is not one line of printable characters", where);
  memcpy(key, text, strlen(text) + 1);
  return FR_OK;
}

/* ---- a file ---- */

/* The open file is looked at, not its name: what is checked is what is read. */
static enum fr_status check_file(int fd, const char *path, fr_error *err) {
  struct stat file, link;
  if (fstat(fd, &file) != 0 || lstat(path, &link) != 0)
    return fr__fail_errno(err, errno, "'%s'", path);
  if (!S_ISREG(file.st_mode))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not a file", path);
  if (file.st_uid != geteuid() || link.st_uid != geteuid())
    return fr__fail(err, FR_ERR_PERMISSION, "'%s' belongs to someone else", path);
  if ((file.st_mode & 077) != 0)
    return fr__fail(err, FR_ERR_PERMISSION,
                    "'%s' is open to others (mode %03o): chmod 600 makes it a key's",
                    path, (unsigned)file.st_mode & 0777);
  if (file.st_size > FILE_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "'%s' is larger than %d bytes", path,
                    FILE_CEILING);
  return FR_OK;
}

static enum fr_status read_line(int fd, const char *path, char text[FILE_CEILING + 1],
                                fr_error *err) {
  size_t size = 0;
  ssize_t got;
  do {
    got = read(fd, text + size, FILE_CEILING - size);
    size += got > 0 ? (size_t)got : 0;
  } while ((got > 0 && size < FILE_CEILING) || (got < 0 && errno == EINTR));
  if (got < 0)
    return fr__fail_errno(err, errno, "'%s' cannot be read", path);
  if (size > 0 && text[size - 1] == '\n')
    size--;
  if (size > 0 && text[size - 1] == '\r')
    size--;
  text[size] = '\0';
  if (strlen(text) != size)
    return fr__fail(err, FR_ERR_FORMAT,
                    "the key in '%s' is not one line of printable characters", path);
  return FR_OK;
}

/* Not blocked by a pipe that stands in its place. */
static enum fr_status read_file(const char *path, char key[FR__KEY_SIZE], fr_error *err) {
  char text[FILE_CEILING + 1];
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return fr__fail_errno(err, errno, "'%s' cannot be opened", path);
  enum fr_status status = check_file(fd, path, err);
  if (status == FR_OK)
    status = read_line(fd, path, text, err);
  if (status == FR_OK)
    status = take(text, path, key, err);
  close(fd);
  fr__key_wipe(text, sizeof text);
  return status;
}

/* "…/frugal/electricitymaps.key"; NULL where there is no home. */
static char *file_of(const char *name) {
  char file[64];
  char *const folder = fr__path_user("XDG_CONFIG_HOME", ".config");
  (void)snprintf(file, sizeof file, "%s.key", name);
  char *const path = folder != NULL ? fr__path_join(folder, file) : NULL;
  free(folder);
  return path;
}

enum fr_status fr__key_find(const char *variable, const char *name,
                            char key[FR__KEY_SIZE], fr_error *err) {
  const char *const given = getenv(variable);
  if (given != NULL && *given != '\0')
    return take(given, variable, key, err);
  char *const path = file_of(name);
  struct stat info;
  enum fr_status status;
  if (path == NULL || (lstat(path, &info) != 0 && errno == ENOENT))
    status = fr__fail(err, FR_ERR_NOT_FOUND,
                      "no key for %s: it is looked for in %s and in '%s' (mode 600)",
                      name, variable, path != NULL ? path : "~/.config/frugal");
  else
    status = read_file(path, key, err);
  free(path);
  return status;
}

/* ---- what a server says ---- */

static bool repeats(const char *text, const char *key, size_t length) {
  for (const char *k = key; strlen(k) >= length; k++)
    if (strncmp(text, k, length) == 0)
      return true;
  return false;
}

void fr__key_mask(const char *text, const char *key, char *out, size_t size) {
  const size_t all = strlen(key);
  const size_t run = all < MASKED ? all : MASKED;
  size_t masked = 0, length = 0;
  for (const char *c = text; *c != '\0' && length + 1 < size; c++) {
    if (run > 0 && repeats(c, key, run))
      masked = run;
    if ((unsigned char)*c >= 0x20 && (unsigned char)*c <= 0x7e)
      out[length++] = masked > 0 ? '*' : *c;
    masked -= masked > 0;
  }
  out[length] = '\0';
}
