/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of quantization share. */
#ifndef FR_ADAPT_QUANTIZE_H
#define FR_ADAPT_QUANTIZE_H

#include "frugal/quantize.h"

/* All in integers: int8, int8-aware. */
bool fr__scheme_is_integer(enum fr_scheme scheme);

/* Up to FR__QUANTIZE_SAMPLES samples of full length, spread evenly; how many. */
#define FR__QUANTIZE_SAMPLES 512
size_t fr__quantize_samples(const fr_samples *samples,
                            const float *x[FR__QUANTIZE_SAMPLES]);

/* Trains `net`, which is folded, for int8; *ranges are those that it learned for,
 * *operations what the training executed. */
enum fr_status fr__quantize_aware(fr_net *net, const fr_samples *train,
                                  const fr_samples *validate,
                                  const fr_train_options *options,
                                  const fr_observer *observer, const fr_budget *budget,
                                  fr_int8_ranges *ranges, uint64_t *operations,
                                  fr_error *err);

#endif
