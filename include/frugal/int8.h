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

/* Where the numbers between two layers lie, found on samples: as many values and steps as
 * fr_int8_ranges_shape tells (docs/int8.md has their order). Arrays are owned. */
typedef struct fr_int8_ranges {
  size_t values, steps;
  float *value;  /* (values, 2): low <= 0 <= high; the first is the input's */
  float *inside; /* (steps, FR_INT8_INSIDE) greatest sizes within a layer; 0: none */
} fr_int8_ranges;

#define FR_INT8_INSIDE 4

/* Copies what is in *from. */
enum fr_status fr_int8_ranges_copy(const fr_int8_ranges *from, fr_int8_ranges *out,
                                   fr_error *err);
void fr_int8_ranges_release(fr_int8_ranges *ranges);
/* How many a network has. */
enum fr_status fr_int8_ranges_shape(const fr_net *net, size_t *values, size_t *steps,
                                    fr_error *err);
/* On `count` samples (T, C) of full length, as fr_int8_new takes them. */
enum fr_status fr_int8_ranges_find(const fr_net *net, const float *const *x, size_t count,
                                   fr_int8_ranges *out, fr_error *err);

/*
 * From a network and its ranges, which stay as they are. Where its weights are those of
 * fr_net_round the same numbers give the same bits, whoever made them. FR_ERR_FORMAT for
 * ranges that are not of this network or no ranges; else as fr_int8_new.
 */
enum fr_status fr_int8_build(const fr_net *net, const fr_int8_ranges *ranges,
                             fr_int8 **out, fr_error *err);

/*
 * All at once: folds, rounds, finds ranges, and builds. `net` stays as it is. `x`:
 * `count` samples (T, C) of full length, normalised as the network takes them; they set
 * the ranges of the activations. The result depends on net and samples alone.
 * FR_ERR_UNSUPPORTED names a layer that has no integer form or is too wide for its sums;
 * FR_ERR_NUMERIC a sample that leads to numbers that are not finite. *out is the
 * caller's.
 */
enum fr_status fr_int8_new(const fr_net *net, const float *const *x, size_t count,
                           fr_int8 **out, fr_error *err);
void fr_int8_free(fr_int8 *int8);

/*
 * Training for int8 (Jacob et al. 2018): a copy of `net`, whose batch norms are folded
 * (fr_net_fold), with a layer `fakequant` behind every value that integers hold, which
 * rounds as they do, in the ranges given, and whose weights are rounded in every pass but
 * not in what is updated. Trained like any network; then _weights takes them back into
 * `net`, and _ranges what the ranges have become into those of `net`, where a layer knows
 * better than *ranges does. *out is the caller's.
 */
enum fr_status fr_net_aware(const fr_net *net, const fr_int8_ranges *ranges, fr_net **out,
                            fr_error *err);
void fr_net_aware_weights(fr_net *aware, fr_net *net);
enum fr_status fr_net_aware_ranges(fr_net *aware, const fr_net *net,
                                   fr_int8_ranges *ranges, fr_error *err);

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
