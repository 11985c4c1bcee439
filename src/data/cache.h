/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared copies of what was read: safe to delete, never trusted without their checksum.
 */
#ifndef FR_DATA_CACHE_H
#define FR_DATA_CACHE_H

#include "data/reader.h"

/* The file in `directory` that would hold what `spec` gives now: its name depends on the
 * spec and on path, size and time of change of every input file. The caller's (free);
 * NULL where the input cannot be looked at. */
char *fr__cache_path(const char *directory, const fr__spec *spec);

/* NULL where there is no whole, fitting copy at `path`. */
fr_dataset *fr__cache_load(const char *path, const fr__spec *spec,
                           const fr__reader *reader);

/* Failing to write is no error: the next open reads the input again. */
void fr__cache_save(const char *path, const fr_dataset *data);

#endif
