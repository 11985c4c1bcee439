/* SPDX-License-Identifier: Apache-2.0 */
/*
 * int8: a trained network in integers: weights of eight bits with a scale for each output
 * channel, activations of eight bits with a range found on samples. docs/int8.md has the
 * arithmetic. Exported C (export.h) gives the same outputs to the last bit.
 */
#ifndef FRUGAL_INT8_H
#define FRUGAL_INT8_H

#include "frugal/nn.h"

typedef struct fr_int8 fr_int8;

/*
 * Quantizes a copy of `net`, which stays as it is. `x`: `count` samples (T, C) of full
 * length, normalised as the network takes them; they set the ranges of the activations.
 * The result depends on net and samples alone. FR_ERR_UNSUPPORTED names a layer that has
 * no integer form or is too wide for its sums; FR_ERR_NUMERIC a sample that leads to
 * numbers that are not finite. *out is the caller's.
 */
enum fr_status fr_int8_new(const fr_net *net, const float *const *x, size_t count,
                           fr_int8 **out, fr_error *err);
void fr_int8_free(fr_int8 *int8);

/* x (T, C), normalised, to output (K). Allocates nothing; works in memory of `int8`, so
 * one thread at a time. FRUGAL_CPU=avx512vnni|avx512|avxvnni|avx2|baseline, when `int8`
 * was made, holds its instructions down; the outputs are the same bits. */
void fr_int8_run(const fr_int8 *int8, const float *x, float *output);
/* The same of several samples: x (batch, T, C) to output (batch, K). */
void fr_int8_run_batch(const fr_int8 *int8, const float *x, size_t batch, float *output);

fr_shape fr_int8_input(const fr_int8 *int8);
size_t fr_int8_classes(const fr_int8 *int8);
/* Bytes of all constants (weights, multipliers, tables), and of the buffers that a run
 * works in. */
size_t fr_int8_weight_bytes(const fr_int8 *int8);
size_t fr_int8_activation_bytes(const fr_int8 *int8);

#endif
