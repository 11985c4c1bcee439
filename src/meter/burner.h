/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that keep processors busy, as many as they are told to. */
#ifndef FR_METER_BURNER_H
#define FR_METER_BURNER_H

#include "frugal/base.h"

enum fr__burn { FR__BURN_ARITHMETIC, FR__BURN_MEMORY };

typedef struct fr__burners fr__burners;

/* One for each processor that this process may run on, `most` at most; all wait. */
enum fr_status fr__burners_new(size_t most, fr__burners **out, fr_error *err);
/* Stops and joins them; NULL is none. */
void fr__burners_free(fr__burners *burners);
size_t fr__burners_count(const fr__burners *burners);
/* The first `busy` of them burn from now on, the others wait. */
void fr__burners_set(fr__burners *burners, size_t busy, enum fr__burn kind);

#endif
