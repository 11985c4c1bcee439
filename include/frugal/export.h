/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: a model for other runtimes, and weights from elsewhere.
 *
 * Both exports take the network with full-length sequences (no lengths) and hold the
 * model's normaliser, so that raw recordings go in.
 */
#ifndef FRUGAL_EXPORT_H
#define FRUGAL_EXPORT_H

#include "frugal/model.h"

/*
 * ONNX (https://github.com/onnx/onnx/blob/main/docs/IR.md), opset 17, IR version 8. Input
 * "input" (batch, T, C) float32, output "output" (batch, K): logits, as the network gives
 * them. Class names, task and rate are in metadata_props. Writes beside and renames.
 */
enum fr_status fr_export_onnx(const fr_model *model, const char *path, fr_error *err);

#endif
