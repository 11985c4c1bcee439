/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: a model for other runtimes, and weights from elsewhere.
 *
 * Both exports take the network with full-length sequences (no lengths) and hold the
 * model's normaliser, so that raw recordings go in.
 */
#ifndef FRUGAL_EXPORT_H
#define FRUGAL_EXPORT_H

#include "frugal/int8.h"
#include "frugal/model.h"

/* What was written. */
typedef struct fr_export_facts {
  size_t bytes;     /* of the file */
  size_t operators; /* nodes of the graph */
} fr_export_facts;

/*
 * ONNX (https://github.com/onnx/onnx/blob/main/docs/IR.md), opset 17, IR version 8. Input
 * "input" (batch, T, C) float32, output "output" (batch, K): logits, as the network gives
 * them in testing. Class names, task, rate and architecture are in metadata_props. The
 * same model gives the same bytes. Writes beside and renames. FR_ERR_UNSUPPORTED names a
 * layer without a form in ONNX, FR_ERR_LIMIT a graph of more than 2 GiB; what
 * fr_model_save refuses is refused, too. *facts (may be NULL) is filled where the call
 * succeeds.
 */
enum fr_status fr_export_onnx(const fr_model *model, const char *path,
                              fr_export_facts *facts, fr_error *err);

/* What the exported C takes. */
typedef struct fr_export_c_facts {
  size_t bytes;            /* of both files */
  size_t weight_bytes;     /* of constants: flash */
  size_t activation_bytes; /* of static buffers: RAM */
} fr_export_c_facts;

/*
 * C99 without any library: `path` ("gesture.c") and a header beside it ("gesture.h"),
 * whose identifiers begin with the file's name. In float32, or (`int8` not NULL, made
 * from the model's network) in integers that give fr_int8_run's outputs to the last bit.
 * docs/export-c.md has the interface. FR_ERR_ARGUMENT for a name that does not end in
 * ".c", FR_ERR_UNSUPPORTED names a layer without a form in C; what fr_model_save refuses
 * is refused, too. The same model gives the same bytes. *facts (may be NULL) is filled
 * where the call succeeds.
 */
enum fr_status fr_export_c(const fr_model *model, const fr_int8 *int8, const char *path,
                           fr_export_c_facts *facts, fr_error *err);

#endif
