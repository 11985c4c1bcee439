/* SPDX-License-Identifier: Apache-2.0 */
/* When a run writes checkpoints, which of them stay, and from which it is taken up. */
#ifndef FR_TRAIN_CHECKPOINT_H
#define FR_TRAIN_CHECKPOINT_H

#include <jansson.h>

#include "frugal/train.h"

struct fr__run;

typedef struct fr__checkpoints {
  const fr_checkpoint_options *options; /* NULL: none are written */
  json_t *identity;                     /* owned */
  bool locked;                          /* the folder is ours as long as ... */
  int lock;                             /* ... this file is open */
  uint64_t newest, before;              /* steps of the two good ones; 0: none */
  uint64_t saved_ns;                    /* when one was last tried */
  bool failing; /* the last one could not be written, and that was told */
} fr__checkpoints;

#define FR__CHECKPOINTS_KEPT 288

/* After fr__run_init: makes the folder and, where that is asked for, puts the run where
 * its newest good checkpoint left it. */
enum fr_status fr__checkpoints_init(struct fr__run *r, fr_error *err);
void fr__checkpoints_release(fr__checkpoints *checkpoints);

/* Writes one: at once, as phase train/checkpoint; where none has this step; in a phase
 * "train" already, where it is time. A failure is a warning, and the older stay. */
void fr__checkpoints_save(struct fr__run *r);
void fr__checkpoints_save_new(struct fr__run *r);
void fr__checkpoints_save_due(struct fr__run *r);

/* "; the last good checkpoint is kept: PATH", cut at its end; "" where there is none. */
const char *fr__checkpoints_kept(const fr__checkpoints *checkpoints,
                                 char text[FR__CHECKPOINTS_KEPT]);

#endif
