/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking: every text file of an input, one after another, into one buffer. */
#include "data/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "data/reader.h"

#define BLOCK ((size_t)1 << 17) /* bytes asked of a file at once */
#define LARGE ((size_t)1 << 22) /* bytes of a file that large pages are worth for */
#define PAGE ((size_t)1 << 21)  /* bytes of a large page */

typedef struct buffer {
  char *bytes; /* owned; `size` of them used, one behind for a NUL */
  size_t size;
  size_t capacity;
} buffer;

typedef struct unpacking {
  const fr__visitor *visitor; /* whose `file` is NULL: files are only counted */
  const fr_data_options *options;
  uint64_t packed;   /* bytes of the input in the file system */
  uint64_t done;     /* of them, read */
  uint64_t unpacked; /* bytes given so far */
  size_t files;
  buffer text;
  buffer inner; /* of a gzip inside a zip */
} unpacking;

bool fr__name_ends(const char *name, const char *end) {
  const size_t n = strlen(name), m = strlen(end);
  return n > m && strcmp(name + n - m, end) == 0;
}

/* "a/.b/c", "__MACOSX/a": what file systems leave in archives. */
static bool is_litter(const char *name) {
  for (const char *p = name; p != NULL; p = strchr(p, '/')) {
    p += *p == '/';
    if (*p == '.' || strncmp(p, "__MACOSX/", 9) == 0)
      return true;
  }
  return false;
}

/* Room for more bytes behind what is there. */
static enum fr_status more_room(buffer *b, const char *name, fr_error *err) {
  if (b->size > FR__FILE_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "'%s': more than %zu bytes", name,
                    FR__FILE_CEILING);
  if (b->capacity - b->size > BLOCK)
    return FR_OK;
  const size_t capacity = 2 * b->capacity + 2 * BLOCK;
  char *const bytes = realloc(b->bytes, capacity);
  if (bytes == NULL)
    return fr__fail_memory(err, "a file's text");
  b->bytes = bytes;
  b->capacity = capacity;
  return FR_OK;
}

static enum fr_status check_ceilings(const unpacking *u, size_t more, const char *name,
                                     fr_error *err) {
  const uint64_t total = u->unpacked + more;
  if (total > FR__INPUT_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "'%s': the input unpacks to more than %llu bytes",
                    name, (unsigned long long)FR__INPUT_CEILING);
  if (total > FR__RATIO_FREE && (total - FR__RATIO_FREE) / FR__RATIO_CEILING > u->packed)
    return fr__fail(err, FR_ERR_LIMIT,
                    "'%s': the input unpacks to more than %d times its size", name,
                    FR__RATIO_CEILING);
  return FR_OK;
}

/* The rest of `archive`'s present entry into `b`. */
static enum fr_status unpack(const unpacking *u, struct archive *archive,
                             const char *name, buffer *b, fr_error *err) {
  b->size = 0;
  for (;;) {
    enum fr_status status = more_room(b, name, err);
    if (status == FR_OK)
      status = check_ceilings(u, b->size, name, err);
    if (status != FR_OK)
      return status;
    const la_ssize_t got =
        archive_read_data(archive, b->bytes + b->size, b->capacity - b->size - 1);
    if (got < 0)
      return fr__fail(err, FR_ERR_FORMAT, "'%s' cannot be unpacked: %s", name,
                      archive_error_string(archive));
    if (got == 0)
      break;
    b->size += (size_t)got;
  }
  b->bytes[b->size] = '\0';
  return FR_OK;
}

/* The gzip stream that `archive` was opened on with result `opened`, into `b`. */
static enum fr_status gunzip(const unpacking *u, struct archive *archive, int opened,
                             const char *name, buffer *b, fr_error *err) {
  struct archive_entry *entry = NULL;
  if (opened == ARCHIVE_OK)
    opened = archive_read_next_header(archive, &entry);
  if (opened != ARCHIVE_OK)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' cannot be unpacked: %s", name,
                    opened == ARCHIVE_EOF ? "it is empty"
                                          : archive_error_string(archive));
  return unpack(u, archive, name, b, err);
}

static struct archive *gzip_reader(void) {
  struct archive *const archive = archive_read_new();
  if (archive != NULL) {
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_raw(archive);
  }
  return archive;
}

static bool is_wanted(const unpacking *u, const char *name) {
  return u->visitor->wanted == NULL || u->visitor->wanted(u->visitor->self, name);
}

/* Hands a file's text over, gunzipped first where it is a gzip stream. */
static enum fr_status give(unpacking *u, const char *name, buffer *b, fr_error *err) {
  if (b->size >= 2 && memcmp(b->bytes, "\x1f\x8b", 2) == 0) {
    struct archive *const archive = gzip_reader();
    if (archive == NULL)
      return fr__fail_memory(err, "unpacking");
    const int opened = archive_read_open_memory(archive, b->bytes, b->size);
    const enum fr_status status = gunzip(u, archive, opened, name, &u->inner, err);
    archive_read_free(archive);
    if (status != FR_OK)
      return status;
    b = &u->inner;
  }
  u->unpacked += b->size;
  fr__progress(u->options, u->packed > 0 ? (double)u->done / (double)u->packed : 1);
  if (b->size == 0)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' is empty", name);
  return u->visitor->file(u->visitor->self, name, b->bytes, b->size, err);
}

/* Room for a large file at once, in large pages where there are such: that the kernel
 * clears small ones costs more than reading. Without it the buffer grows. */
static void expect(buffer *b, uint64_t size) {
  if (size < LARGE || size > FR__FILE_CEILING || b->capacity > size + 2 * BLOCK)
    return;
  const size_t capacity = ((size_t)size + 2 * BLOCK + PAGE) / PAGE * PAGE;
  char *const bytes = aligned_alloc(PAGE, capacity);
  if (bytes == NULL)
    return;
  (void)madvise(bytes, capacity, MADV_HUGEPAGE);
  free(b->bytes);
  b->bytes = bytes;
  b->capacity = capacity;
}

static enum fr_status read_whole(int file, uint64_t size, const char *name, buffer *b,
                                 fr_error *err) {
  b->size = 0;
  expect(b, size);
  for (;;) {
    const enum fr_status status = more_room(b, name, err);
    if (status != FR_OK)
      return status;
    const ssize_t got = read(file, b->bytes + b->size, b->capacity - b->size - 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fr__fail_errno(err, errno, "'%s'", name);
    if (got == 0)
      break;
    b->size += (size_t)got;
  }
  b->bytes[b->size] = '\0';
  return FR_OK;
}

static enum fr_status give_file(unpacking *u, const fr__file *file, const char *name,
                                fr_error *err) {
  u->files++;
  u->done += file->size;
  if (u->visitor->file == NULL)
    return FR_OK;
  const int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fr__fail_errno(err, errno, "'%s'", file->path);
  enum fr_status status = read_whole(descriptor, file->size, name, &u->text, err);
  close(descriptor);
  return status == FR_OK ? give(u, name, &u->text, err) : status;
}

static enum fr_status give_entry(unpacking *u, struct archive *archive,
                                 struct archive_entry *entry, fr_error *err) {
  const char *const name = archive_entry_pathname(entry);
  if (name == NULL || archive_entry_filetype(entry) != AE_IFREG || is_litter(name) ||
      !is_wanted(u, name))
    return FR_OK;
  u->files++;
  if (u->visitor->file == NULL)
    return FR_OK;
  u->done = (uint64_t)archive_filter_bytes(archive, -1);
  const enum fr_status status = unpack(u, archive, name, &u->text, err);
  return status == FR_OK ? give(u, name, &u->text, err) : status;
}

static enum fr_status each_entry(unpacking *u, struct archive *archive, const char *path,
                                 fr_error *err) {
  if (archive_read_open_filename(archive, path, BLOCK) != ARCHIVE_OK)
    return fr__fail(err, FR_ERR_FORMAT, "'%s': %s", path, archive_error_string(archive));
  for (size_t entries = 0;; entries++) {
    struct archive_entry *entry = NULL;
    const int next = archive_read_next_header(archive, &entry);
    if (next == ARCHIVE_EOF)
      return FR_OK;
    if (next != ARCHIVE_OK && next != ARCHIVE_WARN)
      return fr__fail(err, FR_ERR_FORMAT, "'%s': %s", path,
                      archive_error_string(archive));
    if (entries >= FR__FILES_CEILING)
      return fr__fail(err, FR_ERR_LIMIT, "'%s': more than %zu files", path,
                      FR__FILES_CEILING);
    const enum fr_status status = give_entry(u, archive, entry, err);
    if (status != FR_OK)
      return status;
  }
}

static enum fr_status each_of_zip(unpacking *u, const char *path, fr_error *err) {
  struct archive *const archive = archive_read_new();
  if (archive == NULL)
    return fr__fail_memory(err, "unpacking");
  archive_read_support_format_zip(archive);
  const enum fr_status status = each_entry(u, archive, path, err);
  archive_read_free(archive);
  return status;
}

static bool is_zip(const char *path) {
  char magic[4] = {0};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  const ssize_t got = read(file, magic, sizeof magic);
  close(file);
  return got == 4 && (memcmp(magic, "PK\3\4", 4) == 0 || memcmp(magic, "PK\5\6", 4) == 0);
}

/* The files of a folder; archives in it where there is nothing else, as a fetch leaves
 * it. */
static enum fr_status each_of_folder(unpacking *u, const fr__files *files,
                                     const char *path, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < files->count && status == FR_OK; i++) {
    const char *name = files->at[i].path + strlen(path);
    name += strspn(name, "/");
    if (!fr__name_ends(name, ".zip") && is_wanted(u, name))
      status = give_file(u, &files->at[i], name, err);
  }
  if (u->files > 0 || status != FR_OK)
    return status;
  for (size_t i = 0; i < files->count && status == FR_OK; i++)
    if (fr__name_ends(files->at[i].path, ".zip"))
      status = each_of_zip(u, files->at[i].path, err);
  return status;
}

static enum fr_status each_of(unpacking *u, const fr__files *files, const char *path,
                              fr_error *err) {
  for (size_t i = 0; i < files->count; i++)
    u->packed += files->at[i].size;
  if (!files->folder && (is_zip(path) || fr__name_ends(path, ".zip")))
    return each_of_zip(u, path, err);
  if (!files->folder) {
    const char *const slash = strrchr(path, '/');
    return give_file(u, &files->at[0], slash != NULL ? slash + 1 : path, err);
  }
  return each_of_folder(u, files, path, err);
}

static enum fr_status visit(const char *path, unpacking *u, fr_error *err) {
  fr__files files;
  enum fr_status status = fr__files_init(&files, path, err);
  if (status == FR_OK)
    status = each_of(u, &files, path, err);
  fr__files_release(&files);
  free(u->text.bytes);
  free(u->inner.bytes);
  return status;
}

enum fr_status fr__files_each(const char *path, const fr__visitor *visitor,
                              const fr_data_options *options, fr_error *err) {
  unpacking u = {.visitor = visitor, .options = options};
  return visit(path, &u, err);
}

enum fr_status fr__files_count(const char *path,
                               bool (*wanted)(void *self, const char *name), void *self,
                               size_t *count, fr_error *err) {
  const fr__visitor visitor = {.self = self, .wanted = wanted};
  unpacking u = {.visitor = &visitor};
  const enum fr_status status = visit(path, &u, err);
  if (status == FR_OK)
    *count = u.files;
  return status;
}
