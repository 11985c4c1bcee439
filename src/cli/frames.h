/* SPDX-License-Identifier: Apache-2.0 */
/* Which features of key points data is read as: what --parts says, and what a model
 * takes.
 */
#ifndef FR_CLI_FRAMES_H
#define FR_CLI_FRAMES_H

#include "frugal/model.h"

/*
 * `spec` with "parts=" where `parts` is told, and with the choices of `model` (may be
 * NULL) that it does not make itself; the caller's (free). FR_ERR_ARGUMENT where `parts`
 * is told of data that has no key points, or twice.
 */
enum fr_status cli_frames_spec(const char *spec, const char *parts, const fr_model *model,
                               char **out, fr_error *err);

/* Refuses data whose numbers were made of frames otherwise than the model's. */
enum fr_status cli_frames_check(const fr_dataset *data, const fr_model *model,
                                fr_error *err);

#endif
