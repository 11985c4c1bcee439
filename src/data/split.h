/* SPDX-License-Identifier: Apache-2.0 */
/* What split.c and side.c share: where each window lies, and moving whole runs of windows
 * from side to side. */
#ifndef FR_DATA_SPLIT_H
#define FR_DATA_SPLIT_H

#include "frugal/data.h"

/* Who, what and when of a window. */
typedef struct fr__place {
  uint32_t subject;
  uint32_t activity;
  uint32_t trial;
  double start_s;
  double end_s;
  size_t window;
} fr__place;

typedef struct fr__places {
  size_t count;
  fr__place *at; /* (count); owned */
  uint8_t *side; /* of windows, enum fr_side; borrowed */
} fr__places;

enum fr_status fr__places_init(fr__places *places, const fr_windows *windows,
                               uint8_t *side, fr_error *err);
void fr__places_release(fr__places *places);

/* By person and activity, and in it by trial and window: the order that something is done
 * in. */
void fr__places_by_history(fr__places *places);

/* The end of the run of one person and activity that begins at `from`, ordered by
 * history. */
size_t fr__places_run(const fr__places *places, size_t from);

/* By person, and in it by the clock: the order of a diary, which trials that each begin
 * at 0 do not have. */
void fr__places_by_diary(fr__places *places);

/* The end of the run of one person that begins at `from`, ordered as a diary. */
size_t fr__places_person(const fr__places *places, size_t from);

/* Moves the last round(share * n) of the n places in [from, to) that are on side `have`
 * to side `move`: at least one and not all, where there are two. */
void fr__places_move_last(fr__places *places, size_t from, size_t to, double share,
                          enum fr_side have, enum fr_side move);

/* Moves the last third of the trials (at least one, where there are two) among the places
 * in [from, to) that are on side `have`; with `one`, only the last trial. How many moved.
 */
size_t fr__places_move_trials(fr__places *places, size_t from, size_t to, bool one,
                              enum fr_side have, enum fr_side move);

/* Leaves out every window of side `lose` that shares time of one person, trial and
 * activity with a window of side `keep`. Reorders the places. */
void fr__places_part(fr__places *places, enum fr_side keep, enum fr_side lose);

/* ---- blocks.c: the trials of each person and activity, in order, cut into K runs that
 * are as long as each other, or one trial longer ---- */

/* K of "blocks:K", checked: somebody has so many trials of something. */
enum fr_status fr__blocks_count(const fr_windows *windows, const char *text,
                                size_t *blocks, fr_error *err);

/* Moves block `block` of each person and activity from side `have` to side `move`. */
void fr__places_move_block(fr__places *places, size_t blocks, size_t block,
                           enum fr_side have, enum fr_side move);

/* ---- folds.c: lists fold_K_test_android_uuids.txt and ..._iphone_... in a folder, K
 * from 0 ---- */

/* How many there are; FR_ERR_NOT_FOUND where there is none. */
enum fr_status fr__folds_count(const char *folder, size_t *folds, fr_error *err);

/* The people of fold `fold`'s lists, true in `chosen`, a zeroed (subjects) array. Those
 * whom the data does not have are passed over. */
enum fr_status fr__folds_people(const char *folder, size_t fold, const fr_names *subjects,
                                bool *chosen, fr_error *err);

#endif
