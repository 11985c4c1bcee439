/* SPDX-License-Identifier: Apache-2.0 */
/* FR_TRAIN_AUTO: in which precision a run computes, by what the CPU has and what the
 * validation side shows. */
#ifndef FR_TRAIN_PRECISION_H
#define FR_TRAIN_PRECISION_H

#include "train/run.h"

/* Sets what was told, or what needs no trial to be known; else r->undecided. After
 * fr__run_init, before checkpoints are read. */
void fr__precision_begin(fr__run *r);

/* An undecided run is taken up where that precision ("f32", "bf16") was chosen; `path` is
 * for the message. */
enum fr_status fr__precision_adopt(fr__run *r, const char *name, const char *path,
                                   fr_error *err);

/* An undecided run, which has done nothing yet, goes its first steps in float32 and in
 * bf16, keeps bf16 where it is as accurate on the validation side, and is as it was.
 * Phase: train/trial. */
enum fr_status fr__precision_try(fr__run *r, fr_error *err);

/* With its final weights in r->net: a run that chose bf16 leaves the network in float32
 * where these are more accurate so. */
void fr__precision_check_end(fr__run *r);

#endif
