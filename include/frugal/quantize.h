/* SPDX-License-Identifier: Apache-2.0 */
/* quantize: a trained network in fewer bits, and what that does to its answers. */
#ifndef FRUGAL_QUANTIZE_H
#define FRUGAL_QUANTIZE_H

#include "frugal/int8.h"
#include "frugal/scheme.h"
#include "frugal/train.h"

/* A network that runs in its scheme. */
typedef struct fr_quantized fr_quantized;

/*
 * A copy of `net` in that scheme; `net` stays as it is. Batch norms behind a dense or
 * conv1d are folded into it. `train` sets the ranges of int8, and is what int8-aware
 * trains on, by `options` (NULL: fr_quantize_options of the defaults), with `validate`
 * choosing the epoch, and int8 as calibrated where no epoch is better (may be NULL or
 * empty: the last epoch); other schemes need neither. FR_ERR_NUMERIC where a weight does
 * not fit f16; else as fr_int8_new and fr_train. Phases: quantize, and those of training.
 * *out is the caller's.
 */
enum fr_status fr_quantize(const fr_net *net, enum fr_scheme scheme,
                           const fr_samples *train, const fr_samples *validate,
                           const fr_train_options *options, const fr_observer *observer,
                           const fr_budget *budget, fr_quantized **out, fr_error *err);
void fr_quantized_free(fr_quantized *q);

/* What int8-aware trains by, from what the network was trained by: a tenth of the
 * learning rate and at most ten epochs, with the schedule constant. */
fr_train_options fr_quantize_options(const fr_train_options *trained);

/* As fr_test. Phase: test. */
enum fr_status fr_quantized_test(fr_quantized *q, const fr_samples *samples,
                                 const fr_loss_options *loss, size_t batch,
                                 const fr_observer *observer, fr_metrics *metrics,
                                 fr_error *err);

/* From what a model file keeps: a network whose weights are those of the scheme, and its
 * ranges where it is all in integers (else ignored, may be NULL). Both stay as they are.
 * Runs to the same bits as what was saved. */
enum fr_status fr_quantized_open(const fr_net *net, enum fr_scheme scheme,
                                 const fr_int8_ranges *ranges, fr_quantized **out,
                                 fr_error *err);

/* What a model file keeps; they belong to q. `ranges`: NULL where the scheme has none. */
fr_net *fr_quantized_net(const fr_quantized *q);
const fr_int8_ranges *fr_quantized_ranges(const fr_quantized *q);
/* NULL where the scheme is not all in integers. */
const fr_int8 *fr_quantized_int8(const fr_quantized *q);

enum fr_scheme fr_quantized_scheme(const fr_quantized *q);
/* Of weights as stored. */
size_t fr_quantized_bytes(const fr_quantized *q);
/* FLOP that training for it and choosing executed, counted; 0 where it was not trained
 * for. */
uint64_t fr_quantized_trained(const fr_quantized *q);
/* FLOP or integer operations of one sample, as executed. */
uint64_t fr_quantized_operations(const fr_quantized *q);

#endif
