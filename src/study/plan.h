/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's own parts: data, keys, what the store holds. */
#ifndef FR_STUDY_PLAN_H
#define FR_STUDY_PLAN_H

#include "study/study.h"

#include "base/buf.h"

/* Reads data set `i` and prepares its first fold. */
enum fr_status fr__plan_open_set(fr__plan *plan, size_t i, fr_error *err);
void fr__plan_release_sets(fr__plan *plan);
/* Everything that a run's figures depend on, as lines; the processor and the sensor too,
 * since figures of two of them are not one sample. Keys of what it needs come first. */
void fr__plan_identity(const fr__plan *plan, size_t run, const char *sensor,
                       fr__buf *text);
/* Fills the key of `run`; keys of its sources come first. `sensor` is the meter's. */
enum fr_status fr__plan_key(fr__plan *plan, size_t run, const char *sensor,
                            fr_error *err);
/* Which cells come to the same, once all keys are there. */
void fr__plan_find_twins(fr__plan *plan);
/* Gives the result of `run` to all that come to the same, but have none. */
void fr__plan_share(fr__plan *plan, size_t run);
/* Whether one that comes to the same is at work. */
bool fr__plan_twin_runs(const fr__plan *plan, size_t run);
/* Takes the result of `run` from the store, where there is one. */
enum fr_status fr__plan_look_up(fr__plan *plan, size_t run, fr_error *err);

#endif
