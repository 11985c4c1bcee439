/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

static enum fr_status read_all(int fd, const char *path, size_t ceiling, fr__buf *buf,
                               fr_error *err) {
  enum { PIECE = 1 << 16 };
  char *piece = malloc(PIECE);
  if (piece == NULL)
    return fr__fail_memory(err, path);
  enum fr_status status = FR_OK;
  for (;;) {
    const ssize_t got = read(fd, piece, PIECE);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      status = fr__fail_errno(err, errno, "'%s' cannot be read", path);
    if (got <= 0)
      break;
    fr__buf_add_bytes(buf, piece, (size_t)got);
    if (buf->status == FR_OK)
      continue;
    status =
        buf->status == FR_ERR_LIMIT
            ? fr__fail(err, FR_ERR_LIMIT, "'%s' is larger than %zu bytes", path, ceiling)
            : fr__fail_memory(err, path);
    break;
  }
  free(piece);
  return status;
}

enum fr_status fr__file_read(const char *path, size_t ceiling, char **bytes, size_t *size,
                             fr_error *err) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fr__fail_errno(err, errno, "'%s' cannot be opened", path);
  fr__buf buf;
  fr__buf_init(&buf, ceiling < SIZE_MAX ? ceiling + 1 : ceiling);
  enum fr_status status = read_all(fd, path, ceiling, &buf, err);
  close(fd);
  if (status == FR_OK) {
    *size = buf.length;
    *bytes = fr__buf_detach(&buf);
    if (*bytes == NULL)
      status = fr__fail_memory(err, path);
  }
  fr__buf_release(&buf);
  return status;
}

static int write_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    const ssize_t done = write(fd, bytes, size);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return errno;
    bytes += done;
    size -= (size_t)done;
  }
  return 0;
}

/* The rename itself must reach the disk too: best effort, since some file systems refuse.
 */
static void sync_directory_of(const char *path) {
  char *directory = strdup(path);
  if (directory == NULL)
    return;
  char *slash = strrchr(directory, '/');
  if (slash != NULL)
    slash[slash == directory] = '\0';
  const int fd =
      open(slash != NULL ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
  free(directory);
}

/* A new file beside `path`, its name the caller's; -1 and errno where it cannot be made.
 * Not mkstemp, whose mode 0600 could only be mended through the process-wide umask. */
static int open_beside(const char *path, mode_t mode, char **beside) {
  for (unsigned attempt = 0; attempt < 100; attempt++) {
    fr__buf name;
    fr__buf_init(&name, 0);
    fr__buf_printf(&name, "%s.%ld-%llx.tmp", path, (long)getpid(),
                   (unsigned long long)fr__clock_ns());
    *beside = fr__buf_detach(&name);
    if (*beside == NULL) {
      errno = ENOMEM;
      return -1;
    }
    const int fd = open(*beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0)
      return fd;
    free(*beside);
    *beside = NULL;
    if (errno != EEXIST)
      return -1;
  }
  return -1;
}

/* Beside, synced where wanted, renamed; errno's number, 0 done. `path` is a regular file
 * or none yet.
 */
static int replace_file(const char *path, const void *bytes, size_t size, mode_t mode,
                        bool sync) {
  char *beside = NULL;
  const int fd = open_beside(path, mode, &beside);
  if (fd < 0)
    return errno;
  int number = write_all(fd, bytes, size);
  if (number == 0 && sync && fsync(fd) != 0)
    number = errno;
  if (close(fd) != 0 && number == 0)
    number = errno;
  if (number == 0 && rename(beside, path) != 0)
    number = errno;
  if (number != 0)
    unlink(beside);
  else if (sync)
    sync_directory_of(path);
  free(beside);
  return number;
}

/* A device or a pipe is written to, never replaced. */
static int write_through(const char *path, const void *bytes, size_t size) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  int number = write_all(fd, bytes, size);
  if (close(fd) != 0 && number == 0)
    number = errno;
  return number;
}

enum fr_status fr__file_write(const char *path, const void *bytes, size_t size,
                              fr_error *err) {
  struct stat info;
  /* What a link points to is written, and the link stays. */
  char *target = realpath(path, NULL);
  const char *place = target != NULL ? target : path;
  const bool special = stat(place, &info) == 0 && !S_ISREG(info.st_mode);
  const int number = special && S_ISDIR(info.st_mode) ? EISDIR
                     : special                        ? write_through(place, bytes, size)
                               : replace_file(place, bytes, size, 0666, true);
  free(target);
  return number == 0 ? FR_OK
                     : fr__fail_errno(err, number, "'%s' cannot be written", path);
}

enum fr_status fr__file_keep(const char *path, const void *bytes, size_t size,
                             fr_error *err) {
  const int number = replace_file(path, bytes, size, 0600, false);
  return number == 0 ? FR_OK
                     : fr__fail_errno(err, number, "'%s' cannot be written", path);
}

enum fr_status fr__dir_make(const char *path, fr_error *err) {
  char *part = strdup(path);
  if (part == NULL)
    return fr__fail_memory(err, path);
  enum fr_status status = FR_OK;
  for (size_t i = 1; status == FR_OK && part[0] != '\0'; i++) {
    const char kept = part[i];
    if (kept != '/' && kept != '\0')
      continue;
    part[i] = '\0';
    struct stat info;
    if (mkdir(part, 0777) != 0) {
      const int number = errno;
      if (number != EEXIST || stat(part, &info) != 0 || !S_ISDIR(info.st_mode))
        status = fr__fail_errno(err, number, "directory '%s' cannot be made", part);
    }
    part[i] = kept;
    if (kept == '\0')
      break;
  }
  free(part);
  return status;
}

char *fr__path_join(const char *directory, const char *name) {
  const size_t length = strlen(directory);
  const bool slash = length > 0 && directory[length - 1] != '/';
  fr__buf buf;
  fr__buf_init(&buf, 0);
  fr__buf_printf(&buf, "%s%s%s", directory, slash ? "/" : "", name);
  return fr__buf_detach(&buf);
}

const char *fr__path_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

char *fr__path_user(const char *variable, const char *fallback) {
  const char *base = getenv(variable);
  if (base != NULL && base[0] == '/')
    return fr__path_join(base, "frugal");
  const char *home = getenv("HOME");
  if (home == NULL || home[0] == '\0')
    return NULL;
  char *middle = fr__path_join(home, fallback);
  char *path = middle != NULL ? fr__path_join(middle, "frugal") : NULL;
  free(middle);
  return path;
}
