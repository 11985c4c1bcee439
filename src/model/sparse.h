/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors that are mostly zeros, in a model's file: safetensors has no type for them, so
 * a tensor "0.weight" is two, which every reader opens:
 *
 *   0.weight.bitmap  U8 (ceil(n / 8))  bit i % 8 of byte i / 8: number i is not 0
 *   0.weight.values  F32 (m)           those m numbers, in order
 */
#ifndef FR_MODEL_SPARSE_H
#define FR_MODEL_SPARSE_H

#include "frugal/model.h"
#include "model/safetensors.h"

/* Whether any of the tensors is smaller so. */
bool fr__sparse_pays(const fr_tensor *tensor, size_t count);

/* Writes each tensor in the form that is smaller. */
enum fr_status fr__sparse_write(const char *path, const json_t *metadata,
                                const fr_tensor *tensor, size_t count, fr_error *err);

/* Whether the file holds a tensor of the network's in two parts. */
bool fr__sparse_is(const fr__safetensors *file, const fr_tensor *tensor, size_t count);

/* As fr__safetensors_fill, of tensors in either form. */
enum fr_status fr__sparse_fill(const fr__safetensors *file, const fr_tensor *tensor,
                               size_t count, fr_error *err);

#endif
