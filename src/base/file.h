/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, in and out, and the few paths that the rooms need. */
#ifndef FR_BASE_FILE_H
#define FR_BASE_FILE_H

#include "frugal/base.h"

/* The whole of `path`, at most `ceiling` bytes, with a NUL behind it. *bytes is the
 * caller's (free). Works on files whose size the kernel does not tell (/proc, /sys). */
enum fr_status fr__file_read(const char *path, size_t ceiling, char **bytes, size_t *size,
                             fr_error *err);

/* Writes beside `path`, syncs, renames: `path` holds the old content or the new, whole. A
 * link is followed; a device or a pipe is written to as it is. */
enum fr_status fr__file_write(const char *path, const void *bytes, size_t size,
                              fr_error *err);

/* For caches, whose reader finds out what is damaged: mode 0600, renamed but not synced;
 * a link in its place is replaced. */
enum fr_status fr__file_keep(const char *path, const void *bytes, size_t size,
                             fr_error *err);

/* `path` and its missing parents; no error where it exists. */
enum fr_status fr__dir_make(const char *path, fr_error *err);

/* "a/b", the caller's (free); NULL out of memory. */
char *fr__path_join(const char *directory, const char *name);

/* What follows the last '/'; points into `path`. */
const char *fr__path_name(const char *path);

/* `$variable/frugal`, else `$HOME/fallback/frugal` (XDG Base Directory 0.8: a relative
 * path in the variable is ignored); the caller's (free); NULL where neither is set. */
char *fr__path_user(const char *variable, const char *fallback);

#endif
