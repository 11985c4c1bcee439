/* SPDX-License-Identifier: Apache-2.0 */
/* Where the outputs of frozen layers lie while a run needs them: in memory, in a file
 * without a name, or in one that the next run finds again. */
#ifndef FR_TRAIN_KEEP_H
#define FR_TRAIN_KEEP_H

#include "frugal/train.h"

typedef struct fr__keep {
  float *at; /* (count); owned as `where` says; to be read only where it was found */
  size_t count;
  enum fr_keep where; /* FR_KEEP_AUTO: nothing is kept */
  bool found;         /* in the cache: an earlier run has filled it */
  uint64_t key;       /* names it in the cache */
  char *path;         /* of the cache's file; owned */
  int file;           /* of the cache, without a name until it is sealed; -1: none */
} fr__keep;

/* Room for `count` floats, of which `others` bytes in memory are taken already. `key`
 * names them in the cache. FR_ERR_IO, with how much was wanted where, if a disk is full.
 */
enum fr_status fr__keep_init(fr__keep *keep, const fr_keep_options *options, size_t count,
                             size_t others, uint64_t key, fr_error *err);

/* All is filled: the cache keeps it under its name from now on. A failure is one of the
 * cache alone. */
enum fr_status fr__keep_seal(fr__keep *keep, fr_error *err);

void fr__keep_release(fr__keep *keep);

#endif
