/* SPDX-License-Identifier: Apache-2.0 */
/* What must be the same for a run to be taken up where another left it, as texts for
 * people. */
#ifndef FR_TRAIN_IDENTITY_H
#define FR_TRAIN_IDENTITY_H

#include <jansson.h>

#include "train/feed.h"

struct fr__run;

#define FR__IDENTITY_PRECISION "precision" /* the key of what it computes in */

/* An object of strings, the caller's (json_decref): options, architecture, kernels, and
 * digests of samples, weights before training and the teacher; NULL out of memory. Before
 * anything was trained or frozen. */
json_t *fr__identity_new(const struct fr__run *r);

#endif
