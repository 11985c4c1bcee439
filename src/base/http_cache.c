/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in files, one each: what describes it in lines, an empty line, the body.
 * Written beside and renamed, so that processes never see halves of each other's; the
 * checksum finds what a crash or a person did to one. Nothing of a request but its
 * address is in it: no key.
 */
#include "base/http_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define MAGIC "frugal-http 1\n"
#define HEAD_CEILING ((size_t)8192)
#define LIMIT_SIZE 64
#define FILES_CEILING 4096

bool fr__http_fresh(const fr__http_entry *entry, int64_t now_s) {
  const int64_t here = now_s - entry->answered_s;
  return !entry->no_cache && here >= 0 && entry->age_s + here < entry->lifetime_s;
}

void fr__http_entry_release(fr__http_entry *entry) {
  free(entry->body);
  *entry = (fr__http_entry){0};
}

static char *file_of(const char *folder, const char *text, const char *ending) {
  char name[40];
  (void)snprintf(name, sizeof name, "%016" PRIx64 ".%s",
                 fr__hash_bytes(text, strlen(text)), ending);
  return fr__path_join(folder, name);
}

/* Ours, and no one else's to write to. */
static bool open_folder(const char *folder) {
  struct stat info;
  char *const parent = strdup(folder);
  if (parent == NULL)
    return false;
  char *const slash = strrchr(parent, '/');
  if (slash != NULL && slash != parent) {
    *slash = '\0';
    (void)fr__dir_make(parent, NULL);
  }
  free(parent);
  (void)mkdir(folder, 0700);
  if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid())
    return false;
  return (info.st_mode & 077) == 0 || chmod(folder, 0700) == 0;
}

/* ---- reading ---- */

/* A regular file of ours, whole; what is there in its place is not read. */
static char *read_own(const char *path, size_t ceiling, size_t *size) {
  struct stat info;
  char *bytes = NULL;
  if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid())
    return NULL;
  return fr__file_read(path, ceiling, &bytes, size, NULL) == FR_OK ? bytes : NULL;
}

/* The line at *at that begins with `name`, ended in place; NULL: it is another. */
static const char *take_line(char **at, const char *name) {
  const size_t length = strlen(name);
  char *const line = *at;
  char *const end = strchr(line, '\n');
  if (end == NULL || strncmp(line, name, length) != 0 || line[length] != ' ')
    return NULL;
  *end = '\0';
  *at = end + 1;
  return line + length + 1;
}

static bool take_number(char **at, const char *name, int64_t *out) {
  const char *const text = take_line(at, name);
  char *end = NULL;
  if (text == NULL || *text == '\0')
    return false;
  errno = 0;
  const long long value = strtoll(text, &end, 10);
  *out = value;
  /* far from overflow in every sum that is made of it */
  return errno == 0 && *end == '\0' && value >= 0 && value <= (long long)1 << 40;
}

static bool take_text(char **at, const char *name, char out[FR__HTTP_TEXT]) {
  const char *const text = take_line(at, name);
  if (text == NULL || strlen(text) >= FR__HTTP_TEXT)
    return false;
  (void)snprintf(out, FR__HTTP_TEXT, "%s", text);
  return true;
}

static bool parse_head(char **at, const char *url, fr__http_entry *out) {
  int64_t no_cache = 0, size = 0;
  const char *const address = take_line(at, "url");
  if (address == NULL || strcmp(address, url) != 0 ||
      !take_number(at, "answered", &out->answered_s) ||
      !take_number(at, "age", &out->age_s) ||
      !take_number(at, "lifetime", &out->lifetime_s) ||
      !take_number(at, "no-cache", &no_cache) || !take_text(at, "etag", out->etag) ||
      !take_text(at, "modified", out->modified) || !take_number(at, "size", &size))
    return false;
  out->no_cache = no_cache != 0;
  out->size = (size_t)size;
  return *(*at)++ == '\n';
}

/* The checksum, which stands first, is of all that follows its line. */
static bool parse(char *bytes, size_t size, const char *url, fr__http_entry *out) {
  const size_t magic = strlen(MAGIC);
  const size_t sum = strlen("hash 0123456789abcdef\n");
  char told[32];
  if (size < magic + sum || memcmp(bytes, MAGIC, magic) != 0)
    return false;
  char *at = bytes + magic + sum;
  (void)snprintf(told, sizeof told, "hash %016" PRIx64 "\n",
                 fr__hash_bytes(at, size - magic - sum));
  if (memcmp(bytes + magic, told, sum) != 0 || !parse_head(&at, url, out))
    return false;
  if (out->size != (size_t)(bytes + size - at))
    return false;
  out->body = malloc(out->size + 1);
  if (out->body == NULL)
    return false;
  memcpy(out->body, at, out->size);
  out->body[out->size] = '\0';
  return true;
}

bool fr__http_cache_read(const char *folder, const char *url, size_t ceiling,
                         fr__http_entry *out) {
  fr__http_entry found = {0};
  size_t size = 0;
  char *const path = file_of(folder, url, "http");
  char *const bytes = path != NULL ? read_own(path, ceiling + HEAD_CEILING, &size) : NULL;
  const bool good = bytes != NULL && parse(bytes, size, url, &found);
  if (bytes != NULL && !good)
    (void)unlink(path);
  free(bytes);
  free(path);
  if (good)
    *out = found;
  else
    fr__http_entry_release(&found);
  return good;
}

/* ---- a ceiling for the folder ---- */

typedef struct kept_file {
  char name[32];
  int64_t changed_s;
  size_t size;
} kept_file;

static int by_age(const void *a, const void *b) {
  const kept_file *x = a, *y = b;
  return x->changed_s < y->changed_s ? -1 : x->changed_s > y->changed_s;
}

static bool ends_in(const char *name, const char *ending) {
  const size_t length = strlen(name), tail = strlen(ending);
  return length >= tail && strcmp(name + length - tail, ending) == 0;
}

/* What a process that was killed left beside an answer or a state. */
static void drop_leftover(int folder, const char *name) {
  struct stat info;
  if (ends_in(name, ".tmp") && fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
      info.st_mtime < fr__clock_utc_ns() / 1000000000 - 3600)
    (void)unlinkat(folder, name, 0);
}

static size_t list_files(DIR *dir, kept_file *files, size_t *total) {
  size_t count = 0;
  *total = 0;
  for (const struct dirent *e = readdir(dir); e != NULL && count < FILES_CEILING;
       e = readdir(dir)) {
    struct stat info;
    drop_leftover(dirfd(dir), e->d_name);
    if (!ends_in(e->d_name, ".http") || strlen(e->d_name) >= sizeof files->name ||
        fstatat(dirfd(dir), e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode))
      continue;
    kept_file *const file = &files[count++];
    (void)snprintf(file->name, sizeof file->name, "%s", e->d_name);
    file->changed_s = info.st_mtime;
    file->size = (size_t)info.st_size;
    *total += file->size;
  }
  return count;
}

/* The oldest go, until three quarters of the ceiling are left, so that not every new
 * answer costs another sorting. */
static void thin_out(const char *folder, size_t ceiling) {
  DIR *const dir = opendir(folder);
  kept_file *const files = calloc(FILES_CEILING, sizeof *files);
  size_t total = 0;
  if (dir != NULL && files != NULL) {
    size_t count = list_files(dir, files, &total);
    if (total > ceiling || count == FILES_CEILING) {
      qsort(files, count, sizeof *files, by_age);
      for (size_t i = 0;
           i < count && (total > ceiling / 4 * 3 || count - i > FILES_CEILING / 4 * 3);
           i++) {
        (void)unlinkat(dirfd(dir), files[i].name, 0);
        total -= files[i].size;
      }
    }
  }
  if (dir != NULL)
    closedir(dir);
  free(files);
}

/* ---- writing ---- */

static void describe(fr__buf *buf, const char *url, const fr__http_entry *entry) {
  fr__buf_printf(buf,
                 "url %s\nanswered %" PRId64 "\nage %" PRId64 "\nlifetime %" PRId64
                 "\nno-cache %d\netag %s\nmodified %s\nsize %zu\n\n",
                 url, entry->answered_s, entry->age_s, entry->lifetime_s, entry->no_cache,
                 entry->etag, entry->modified, entry->size);
  fr__buf_add_bytes(buf, entry->body, entry->size);
}

void fr__http_cache_write(const char *folder, const char *url,
                          const fr__http_entry *entry, size_t ceiling) {
  fr__buf rest, all;
  if (entry->size > ceiling / 2 || !open_folder(folder))
    return;
  fr__buf_init(&rest, 0);
  fr__buf_init(&all, 0);
  describe(&rest, url, entry);
  fr__buf_printf(&all, MAGIC "hash %016" PRIx64 "\n",
                 fr__hash_bytes(fr__buf_text(&rest), rest.length));
  fr__buf_add_bytes(&all, fr__buf_text(&rest), rest.length);
  char *const path = file_of(folder, url, "http");
  if (path != NULL && rest.status == FR_OK && all.status == FR_OK &&
      fr__file_keep(path, all.text, all.length, NULL) == FR_OK)
    thin_out(folder, ceiling);
  free(path);
  fr__buf_release(&rest);
  fr__buf_release(&all);
}

void fr__http_cache_forget(const char *folder, const char *url) {
  char *const path = file_of(folder, url, "http");
  if (path != NULL)
    (void)unlink(path);
  free(path);
}

/* ---- what is known of a server for a while ---- */

static char *state_file(const char *folder, const char *url, enum fr__http_state state) {
  char server[128];
  fr__http_server(url, server, sizeof server);
  return file_of(folder, server, state == FR__HTTP_QUIET ? "quiet" : "down");
}

int64_t fr__http_state_read(const char *folder, const char *url,
                            enum fr__http_state state) {
  size_t size = 0;
  int64_t until_s = 0;
  char *const path = state_file(folder, url, state);
  char *const bytes = path != NULL ? read_own(path, LIMIT_SIZE, &size) : NULL;
  char *at = bytes;
  if (bytes != NULL && !take_number(&at, "until", &until_s)) {
    until_s = 0;
    (void)unlink(path);
  }
  free(bytes);
  free(path);
  return until_s;
}

void fr__http_state_write(const char *folder, const char *url, enum fr__http_state state,
                          int64_t until_s) {
  char text[LIMIT_SIZE];
  char *const path = open_folder(folder) ? state_file(folder, url, state) : NULL;
  const int length = snprintf(text, sizeof text, "until %" PRId64 "\n", until_s);
  if (path != NULL)
    (void)fr__file_keep(path, text, (size_t)length, NULL);
  free(path);
}
