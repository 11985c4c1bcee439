/* SPDX-License-Identifier: Apache-2.0 */
/* What the store says of some data, way by way. */
#ifndef FR_STUDY_ADVISE_H
#define FR_STUDY_ADVISE_H

#include "frugal/advise.h"
#include "study/study.h"

#define FR__ADVISE_SEEDS 100 /* of a way, at most */
#define FR__ADVISE_WAYS 4096

typedef struct fr__seen { /* one seed of a way */
  json_int_t seed;
  double train_j, before_j, test_j; /* NAN: not known; before: 0 where there is none */
  double reached, validated;
} fr__seen;

typedef struct fr__way {
  char *identity; /* owned: everything that makes it another way */
  fr_advice_way is;
  fr__seen seen[FR__ADVISE_SEEDS];
  size_t count;
} fr__way;

typedef struct fr__ways {
  fr__way *way; /* owned */
  size_t count, capacity;
  char machine[320]; /* "cpu\nsensor\nwatts" of the runs that are counted */
} fr__ways;

void fr__ways_release(fr__ways *ways);
/* Reads all studies of the store, the newest first; `digest` is that of the data and
 * `split` their own. Counts in *out what it leaves out. */
enum fr_status fr__ways_read(fr_store *store, const fr_advise_options *options,
                             uint64_t digest, const char *split, fr__ways *ways,
                             fr_advice *out, fr_error *err);

#endif
