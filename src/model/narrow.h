/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors of a model in fewer bits, in its file and from it (docs/model.md). */
#ifndef FR_MODEL_NARROW_H
#define FR_MODEL_NARROW_H

#include "frugal/model.h"
#include "model/safetensors.h"

/* Writes the tensors in the model's scheme, with its ranges where it has some. */
enum fr_status fr__narrow_write(const fr_model *model, const json_t *metadata,
                                const char *path, fr_error *err);

/* Fills model->net and model->ranges by model->scheme: these tensors, no other. */
enum fr_status fr__narrow_fill(const fr__safetensors *file, fr_model *model,
                               fr_error *err);

#endif
