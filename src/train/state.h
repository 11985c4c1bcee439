/* SPDX-License-Identifier: Apache-2.0 */
/* A run at one moment, between two updates, as a file (docs/train.md has its format). */
#ifndef FR_TRAIN_STATE_H
#define FR_TRAIN_STATE_H

#include <jansson.h>

#include "frugal/base.h"

struct fr__run;

/* Writes where `r` is, with `identity` and the caller's `note`, to `path`: whole or not.
 */
enum fr_status fr__state_write(const struct fr__run *r, const char *path,
                               const json_t *identity, const char *note, fr_error *err);

/* Puts `r`, which has done nothing yet, where the file left it; *note is the caller's
 * (free). FR_ERR_ARGUMENT where the file is whole but of another run, with what differs;
 * after each failure `r` is as it was. */
enum fr_status fr__state_read(struct fr__run *r, const char *path, const json_t *identity,
                              char **note, fr_error *err);

#endif
