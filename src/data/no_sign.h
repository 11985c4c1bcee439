/* SPDX-License-Identifier: Apache-2.0 */
/* The class "no sign", made of the signs themselves. */
#ifndef FR_DATA_NO_SIGN_H
#define FR_DATA_NO_SIGN_H

#include "frugal/data.h"

/*
 * Adds records of the activity FR_NO_SIGN to raw key points (width 42, 63, 126, 258 or
 * 1662), before anything is derived of them. *data is replaced; on failure it is as it
 * was.
 *
 * Each is made of records of one person and one trial and inherits both, so that no made
 * record crosses from side to side of a split by people, trials or blocks; where a
 * person's signs have not the same trials, the largest group of signs that have lends.
 * Each person gets as many for each trial as `share` signs have there on average,
 * rounded, and at least one: no_sign=1 makes "no sign" as frequent as any sign. Kinds, in
 * turn, four of ten of them rest:
 *
 * - rest: hands lowered, in a shape between those of up to three signs, of which one or
 *   two have bent fingers, or not there; they tremble as the signer's do
 * - transition: the end of a sign, movement to another, and its beginning
 * - partial: the first or the last third of a sign, behind or before rest
 * - shuffled: a sign that moves with its frames or blocks in another order; of signs that
 *   are a held shape, which any order leaves what they are, short pieces of several
 * - away: hands that leave the picture behind the end of a sign, or come into it
 * - roam: movement from a frame of one sign to one of another, and on
 * - hold: one frame of a sign that moves, held; of others, rest
 *
 * No sign is played backwards: "come" played so is "go".
 *
 * Deterministic per `seed`. FR_ERR_ARGUMENT where the records are single frames, have no
 * trials or no such width; FR_ERR_NOT_FOUND where there is no sign.
 */
enum fr_status fr__no_sign_add(fr_dataset **data, double share, uint64_t seed,
                               fr_error *err);

#endif
