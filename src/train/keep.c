/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the cache: head, zeros up to the first page's end, floats in this machine's
 * byte order. A file that differs from that in anything is not there.
 */
#include "train/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define HEAD_SIZE ((size_t)4096) /* bytes: floats begin on a page */
#define ORDER 0x01020304u
#define SHARE 4 /* of this machine's memory that may be taken unless a limit is told */
#define NO_MEMORY_TOLD ((size_t)1 << 30) /* bytes, where the machine does not tell */

static const char magic[8] = "frfroze\n";

typedef struct head {
  char magic[8];
  uint32_t layout, order;
  uint64_t key, count, hash; /* XXH64 of the floats */
} head;

static const char *const names[] = {[FR_KEEP_AUTO] = "auto",
                                    [FR_KEEP_MEMORY] = "memory",
                                    [FR_KEEP_MAPPED] = "mapped",
                                    [FR_KEEP_CACHE] = "cache"};

bool fr_keep_parse(const char *name, enum fr_keep *out) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (enum fr_keep)i;
      return true;
    }
  return false;
}

const char *fr_keep_name(enum fr_keep keep) { return names[keep]; }

/* ---- how much ---- */

/* This machine's memory in bytes, or that of the control group that the process is alone
 * with (cgroup v2, seen from inside). */
static size_t memory_size(void) {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  size_t all = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : NO_MEMORY_TOLD;
  char *text = NULL;
  size_t size;
  if (fr__file_read("/sys/fs/cgroup/memory.max", 64, &text, &size, NULL) == FR_OK) {
    char *end;
    const unsigned long long most = strtoull(text, &end, 10);
    if (end != text && most < all)
      all = (size_t)most;
  }
  free(text);
  return all;
}

static bool fits_memory(const fr_keep_options *options, size_t bytes, size_t others) {
  const size_t limit = options->limit > 0 ? options->limit : memory_size() / SHARE;
  return bytes <= limit && others <= limit - bytes;
}

/* ---- files ---- */

static enum fr_status fail_room(int number, const char *folder, size_t bytes,
                                fr_error *err) {
  return fr__fail_errno(err, number,
                        "the outputs of the frozen layers (%zu MiB) find no room in '%s'",
                        (bytes >> 20) + 1, folder);
}

/* Blocks are there before anything is written: a page that finds no room later would end
 * the process. */
static enum fr_status reserve(int file, size_t bytes, const char *folder, fr_error *err) {
  const int number = posix_fallocate(file, 0, (off_t)bytes);
  return number == 0 ? FR_OK : fail_room(number, folder, bytes, err);
}

static enum fr_status map(int file, size_t bytes, bool write, const char *folder,
                          char **out, fr_error *err) {
  void *at =
      mmap(NULL, bytes, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
  if (at == MAP_FAILED)
    return fail_room(errno, folder, bytes, err);
  *out = at;
  return FR_OK;
}

static const char *temporary_folder(void) {
  const char *folder = getenv("TMPDIR");
  return folder != NULL && folder[0] == '/' ? folder : "/var/tmp";
}

/* Without a name from the beginning, or from the next moment on where the file system
 * knows no such files. */
static int open_nameless(const char *folder) {
  const int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
    return file;
  char *path = fr__path_join(folder, "frugal-XXXXXX");
  const int named = path == NULL ? -1 : mkostemp(path, O_CLOEXEC);
  if (named >= 0)
    (void)unlink(path);
  free(path);
  return named;
}

static enum fr_status init_mapped(fr__keep *keep, size_t bytes, fr_error *err) {
  const char *folder = temporary_folder();
  const int file = open_nameless(folder);
  if (file < 0)
    return fail_room(errno, folder, bytes, err);
  char *at = NULL;
  enum fr_status status = reserve(file, bytes, folder, err);
  if (status == FR_OK)
    status = map(file, bytes, true, folder, &at, err);
  (void)close(file); /* the mapping holds it */
  if (status != FR_OK)
    return status;
  keep->at = (float *)(void *)at;
  keep->where = FR_KEEP_MAPPED;
  return FR_OK;
}

/* ---- the cache ---- */

static head head_of(const fr__keep *keep) {
  head h = {.layout = 1, .order = ORDER, .key = keep->key, .count = keep->count};
  memcpy(h.magic, magic, sizeof magic);
  h.hash = fr__hash_bytes(keep->at, keep->count * sizeof *keep->at);
  return h;
}

/* False where it is not there, or not whole. */
static bool find(fr__keep *keep) {
  const size_t bytes = HEAD_SIZE + keep->count * sizeof *keep->at;
  const int file = open(keep->path, O_RDONLY | O_CLOEXEC);
  struct stat about;
  char *at = NULL;
  if (file < 0)
    return false;
  const bool fits = fstat(file, &about) == 0 && (uint64_t)about.st_size == bytes &&
                    map(file, bytes, false, keep->path, &at, NULL) == FR_OK;
  (void)close(file);
  if (!fits)
    return false;
  keep->at = (float *)(void *)(at + HEAD_SIZE);
  const head want = head_of(keep);
  keep->found = memcmp(at, &want, sizeof want) == 0;
  if (!keep->found) {
    (void)munmap(at, bytes);
    keep->at = NULL;
  }
  return keep->found;
}

static enum fr_status make(fr__keep *keep, const char *folder, fr_error *err) {
  const size_t bytes = HEAD_SIZE + keep->count * sizeof *keep->at;
  char *at = NULL;
  keep->file = open_nameless(folder);
  if (keep->file < 0)
    return fail_room(errno, folder, bytes, err);
  enum fr_status status = reserve(keep->file, bytes, folder, err);
  if (status == FR_OK)
    status = map(keep->file, bytes, true, folder, &at, err);
  if (status == FR_OK)
    keep->at = (float *)(void *)(at + HEAD_SIZE);
  return status;
}

static enum fr_status init_cache(fr__keep *keep, const char *folder, fr_error *err) {
  char name[64];
  (void)snprintf(name, sizeof name, "frozen-%016" PRIx64 ".cache", keep->key);
  if (folder == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "a cache of frozen outputs needs a folder");
  enum fr_status status = fr__dir_make(folder, err);
  if (status != FR_OK)
    return status;
  keep->path = fr__path_join(folder, name);
  if (keep->path == NULL)
    return fr__fail_memory(err, folder);
  keep->where = FR_KEEP_CACHE;
  return find(keep) ? FR_OK : make(keep, folder, err);
}

/* The file without a name gets one; what stands there is not whole, or the same. */
static bool give_name(const fr__keep *keep) {
  char self[48];
  (void)snprintf(self, sizeof self, "/proc/self/fd/%d", keep->file);
  if (linkat(AT_FDCWD, self, AT_FDCWD, keep->path, AT_SYMLINK_FOLLOW) == 0)
    return true;
  return errno == EEXIST && unlink(keep->path) == 0 &&
         linkat(AT_FDCWD, self, AT_FDCWD, keep->path, AT_SYMLINK_FOLLOW) == 0;
}

/* Not synced: what a loss of power leaves half written has another checksum. */
enum fr_status fr__keep_seal(fr__keep *keep, fr_error *err) {
  if (keep->where != FR_KEEP_CACHE || keep->found)
    return FR_OK;
  const head h = head_of(keep);
  memcpy((char *)(void *)keep->at - HEAD_SIZE, &h, sizeof h);
  return give_name(keep)
             ? FR_OK
             : fr__fail_errno(err, errno, "frozen outputs are not kept as '%s'",
                              keep->path);
}

/* ---- all of them ---- */

static enum fr_status init_memory(fr__keep *keep, size_t bytes, fr_error *err) {
  keep->at = malloc(bytes);
  keep->where = FR_KEEP_MEMORY;
  return keep->at != NULL ? FR_OK
                          : fr__fail_memory(err, "the outputs of the frozen layers");
}

enum fr_status fr__keep_init(fr__keep *keep, const fr_keep_options *options, size_t count,
                             size_t others, uint64_t key, fr_error *err) {
  enum fr_keep where = options->where;
  size_t bytes;
  if (__builtin_mul_overflow(count, sizeof(float), &bytes) ||
      bytes > SIZE_MAX / 2 - HEAD_SIZE)
    return fr__fail_memory(err, "the outputs of the frozen layers");
  *keep = (fr__keep){.count = count, .key = key, .file = -1};
  if (where == FR_KEEP_AUTO)
    where = fits_memory(options, bytes, others) ? FR_KEEP_MEMORY : FR_KEEP_MAPPED;
  const enum fr_status status = where == FR_KEEP_MEMORY ? init_memory(keep, bytes, err)
                                : where == FR_KEEP_MAPPED
                                    ? init_mapped(keep, bytes, err)
                                    : init_cache(keep, options->folder, err);
  if (status != FR_OK)
    fr__keep_release(keep);
  return status;
}

void fr__keep_release(fr__keep *keep) {
  const size_t bytes = keep->count * sizeof *keep->at;
  if (keep->where == FR_KEEP_MEMORY)
    free(keep->at);
  else if (keep->where == FR_KEEP_MAPPED)
    (void)munmap(keep->at, bytes);
  else if (keep->where == FR_KEEP_CACHE && keep->at != NULL)
    (void)munmap((char *)(void *)keep->at - HEAD_SIZE, bytes + HEAD_SIZE);
  if (keep->where == FR_KEEP_CACHE && keep->file >= 0)
    (void)close(keep->file);
  free(keep->path);
  *keep = (fr__keep){0};
}
