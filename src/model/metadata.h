/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says beside its weights, as JSON strings by key (docs/model.md lists
 * them). */
#ifndef FR_MODEL_METADATA_H
#define FR_MODEL_METADATA_H

#include <jansson.h>

#include "frugal/model.h"
#include "model/safetensors.h"

/* An object of strings, the caller's (json_decref). `path` is for messages. */
enum fr_status fr__metadata_write(const fr_model *model, const char *path, json_t **out,
                                  fr_error *err);

/* Fills everything in *model, with a network whose weights are still to come. After a
 * failure *model holds a part: release it. */
enum fr_status fr__metadata_read(const fr__safetensors *file, fr_model *model,
                                 fr_error *err);

#endif
