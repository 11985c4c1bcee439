/* SPDX-License-Identifier: Apache-2.0 */
/* The text files of an input, unpacked: of a folder, of a zip, or one alone, gzipped or
 * not. */
#ifndef FR_DATA_FILES_H
#define FR_DATA_FILES_H

#include "frugal/data.h"

/* Ceilings against hostile archives. */
#define FR__FILE_CEILING ((size_t)1 << 30)    /* bytes of one unpacked file */
#define FR__INPUT_CEILING ((uint64_t)8 << 30) /* bytes of all of them */
#define FR__RATIO_CEILING 100                 /* unpacked bytes per packed one ... */
#define FR__RATIO_FREE ((size_t)16 << 20)     /* ... once so many are unpacked */
#define FR__FILES_CEILING ((size_t)1000000)   /* files in a folder or archive */
#define FR__FOLDER_DEPTH 8

typedef struct fr__visitor {
  void *self;
  /* Whether the file of that name, relative to the input, is read; NULL: all are. */
  bool (*wanted)(void *self, const char *name);
  /* `text` of `size` bytes is writable, has a NUL behind it and lives until the call
   * ends. */
  enum fr_status (*file)(void *self, const char *name, char *text, size_t size,
                         fr_error *err);
} fr__visitor;

/* Whether `name` ends so, with something in front of it: "x.npy" in ".npy". */
bool fr__name_ends(const char *name, const char *end);

/* Every wanted file below `path`, a folder's in order of their names, an archive's in its
 * own order. An archive in a folder is looked into where the folder
 * holds no other file that is wanted. Hidden files and __MACOSX are passed over; "x.gz"
 * is given unpacked. A file alone is given whatever its name is. */
enum fr_status fr__files_each(const char *path, const fr__visitor *visitor,
                              const fr_data_options *options, fr_error *err);

/* How many files fr__files_each would give. */
enum fr_status fr__files_count(const char *path,
                               bool (*wanted)(void *self, const char *name), void *self,
                               size_t *count, fr_error *err);

/* The files themselves, as they lie in the file system (an archive is one file). */
typedef struct fr__file {
  char *path; /* owned */
  uint64_t size;
  int64_t mtime_ns;
} fr__file;

typedef struct fr__files {
  size_t count;
  fr__file *at; /* (count), by path; owned */
  bool folder;  /* `path` is one; else there is one file: itself */
} fr__files;

enum fr_status fr__files_init(fr__files *files, const char *path, fr_error *err);
void fr__files_release(fr__files *files);

#endif
