/* SPDX-License-Identifier: Apache-2.0 */
/* Signs as a window that slides over them sees them: too early or too late. */
#ifndef FR_DATA_SHIFTED_H
#define FR_DATA_SHIFTED_H

#include "frugal/data.h"

/*
 * Adds `count` further records of each recorded sign to raw key points, before anything
 * is derived of them: the sign shifted by 3 to 30 % of its length, earlier or later, and
 * in the room of what is lost movement from or to another sign, rest, or out of the
 * picture, as in fr__no_sign_add, whose sources, refusals and seed these are; after it,
 * where both are wanted. *data is replaced; on failure it is as it was.
 */
enum fr_status fr__shifted_add(fr_dataset **data, size_t count, uint64_t seed,
                               fr_error *err);

#endif
