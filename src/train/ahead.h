/* SPDX-License-Identifier: Apache-2.0 */
/* The next batch of an epoch, copied together and augmented on a thread of its own while
 * the one before is trained on: the same bits, sooner. */
#ifndef FR_TRAIN_AHEAD_H
#define FR_TRAIN_AHEAD_H

#include "train/feed.h"

struct fr__run;

typedef struct fr__ahead fr__ahead; /* NULL: there is none */

/* Where another processor is free for it and a batch is large enough; else, and where
 * the thread cannot be started, *out is NULL. After r's arrays and feeds are there. */
enum fr_status fr__ahead_new(const struct fr__run *r, fr__ahead **out, fr_error *err);
void fr__ahead_free(fr__ahead *ahead);

/* Begins with samples [at, at + n) of epoch `epoch`, in r's order, which stays as it is
 * until they are taken or dropped. */
void fr__ahead_begin(fr__ahead *ahead, size_t epoch, size_t at, size_t n);

/* Whether these were begun: then waits for them and changes their arrays for those of
 * `batch`. Others are dropped. */
bool fr__ahead_take(fr__ahead *ahead, size_t epoch, size_t at, size_t n,
                    fr__batch *batch);

/* Waits for what was begun, and drops it. */
void fr__ahead_drop(fr__ahead *ahead);

#endif
