/* SPDX-License-Identifier: Apache-2.0 */
#include "adapt/quantize.h"
#include "base/error.h"

enum fr_status fr__quantize_aware(fr_net *net, const fr_samples *train,
                                  const fr_samples *validate,
                                  const fr_train_options *options,
                                  const fr_observer *observer, const fr_budget *budget,
                                  fr_int8_ranges *ranges, fr_error *err) {
  (void)net, (void)train, (void)validate, (void)options, (void)observer, (void)budget,
      (void)ranges;
  return fr__fail(err, FR_ERR_UNSUPPORTED, "int8-aware is not there yet");
}
