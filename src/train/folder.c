/* SPDX-License-Identifier: Apache-2.0 */
#include "train/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define LIST_CEILING ((size_t)1 << 16)

static const char begin[] = "checkpoint-", end[] = ".safetensors", unfinished[] = ".tmp";

/* The file stays: a lock on one that is removed would be held by nobody else's name. */
enum fr_status fr__folder_lock(const char *folder, int *lock, fr_error *err) {
  *lock = -1;
  char *path = fr__path_join(folder, ".lock");
  if (path == NULL)
    return fr__fail_memory(err, folder);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  free(path);
  if (fd < 0)
    return FR_OK;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
    *lock = fd;
    return FR_OK;
  }
  const bool held = errno == EWOULDBLOCK;
  close(fd);
  if (!held)
    return FR_OK;
  return fr__fail(
      err, FR_ERR_ARGUMENT,
      "another run keeps its checkpoints in '%s' right now: wait for its end, "
      "or name another folder",
      folder);
}

char *fr__folder_path(const char *folder, uint64_t steps) {
  char name[sizeof begin + sizeof end + 24];
  (void)snprintf(name, sizeof name, "%s%" PRIu64 "%s", begin, steps, end);
  return fr__path_join(folder, name);
}

/* The steps that the name of a checkpoint states, and what follows it; false where it
 * is none. Numbers are read as they are written: without signs or leading zeros. */
static bool read_name(const char *name, uint64_t *steps, const char **rest) {
  enum { DIGITS = 19 }; /* fewer than 2^64 */
  if (strncmp(name, begin, sizeof begin - 1) != 0)
    return false;
  const char *number = name + sizeof begin - 1;
  const size_t digits = strspn(number, "0123456789");
  if (digits == 0 || digits > DIGITS || (number[0] == '0' && digits > 1) ||
      strncmp(number + digits, end, sizeof end - 1) != 0)
    return false;
  *steps = strtoull(number, NULL, 10);
  *rest = number + digits + sizeof end - 1;
  return true;
}

static int newest_first(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x < y) - (x > y);
}

/* Room for one more; false out of memory. */
static bool grow(uint64_t **steps, size_t count, size_t *room) {
  if (count < *room)
    return true;
  const size_t wanted = *room * 2 + 8;
  uint64_t *grown = realloc(*steps, wanted * sizeof *grown);
  if (grown == NULL)
    return false;
  *steps = grown;
  *room = wanted;
  return true;
}

/* A pipe or device of that name would be waited for. A folder is told as damaged. */
static bool can_be_opened(DIR *at, const char *name) {
  struct stat about;
  return fstatat(dirfd(at), name, &about, 0) == 0 &&
         (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
}

enum fr_status fr__folder_list(const char *folder, uint64_t **steps, size_t *count,
                               fr_error *err) {
  DIR *at = opendir(folder);
  if (at == NULL)
    return fr__fail_errno(err, errno, "the folder '%s' cannot be read", folder);
  uint64_t *found = NULL;
  size_t n = 0, room = 0;
  const struct dirent *entry;
  enum fr_status status = FR_OK;
  while (status == FR_OK && n < LIST_CEILING && (entry = readdir(at)) != NULL) {
    const char *rest;
    uint64_t number;
    if (!read_name(entry->d_name, &number, &rest) || *rest != '\0' ||
        !can_be_opened(at, entry->d_name))
      continue;
    if (grow(&found, n, &room))
      found[n++] = number;
    else
      status = fr__fail_memory(err, folder);
  }
  closedir(at);
  if (status != FR_OK) {
    free(found);
    return status;
  }
  if (n > 0)
    qsort(found, n, sizeof *found, newest_first);
  *steps = found;
  *count = n;
  return FR_OK;
}

static bool is_unfinished(const char *rest) {
  const size_t length = strlen(rest), tail = sizeof unfinished - 1;
  return rest[0] == '.' && length > tail && strcmp(rest + length - tail, unfinished) == 0;
}

void fr__folder_clean(const char *folder, uint64_t newest, uint64_t before) {
  DIR *at = opendir(folder);
  if (at == NULL)
    return;
  const struct dirent *entry;
  while ((entry = readdir(at)) != NULL) {
    const char *rest;
    uint64_t number;
    if (!read_name(entry->d_name, &number, &rest))
      continue;
    const bool old = *rest == '\0' && number != newest && number != before;
    if (old || is_unfinished(rest))
      (void)unlinkat(dirfd(at), entry->d_name, 0);
  }
  closedir(at);
}
