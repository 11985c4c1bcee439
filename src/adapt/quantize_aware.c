/* SPDX-License-Identifier: Apache-2.0 */
#include "adapt/quantize.h"
#include "base/error.h"
#include "train/watch.h"

/* Ranges of float32's values first; those that training moved after it. */
static enum fr_status find(const fr_net *net, const fr_samples *train,
                           const fr_observer *observer, fr_int8_ranges *ranges,
                           fr_error *err) {
  const float *x[FR__QUANTIZE_SAMPLES];
  fr__phase_begin(observer, "quantize");
  const enum fr_status status =
      fr_int8_ranges_find(net, x, fr__quantize_samples(train, x), ranges, err);
  fr__phase_end(observer);
  return status;
}

static enum fr_status run_training(fr_net *aware, const fr_samples *train,
                                   const fr_samples *validate,
                                   const fr_train_options *options,
                                   const fr_observer *observer, const fr_budget *budget,
                                   uint64_t *operations, fr_error *err) {
  const fr_train_options usual = fr_train_default_options();
  const fr_train_options own = fr_quantize_options(&usual);
  fr_train_result result = {0};
  enum fr_status status = fr_train(aware, train, validate, options ? options : &own,
                                   observer, budget, &result, err);
  if (status == FR_OK && result.stop == FR_STOP_INTERRUPTED)
    status = fr__fail(err, FR_ERR_CANCELLED, "interrupted after %zu epochs of int8-aware",
                      result.epochs);
  *operations = result.operations;
  fr_train_result_release(&result);
  return status;
}

enum fr_status fr__quantize_aware(fr_net *net, const fr_samples *train,
                                  const fr_samples *validate,
                                  const fr_train_options *options,
                                  const fr_observer *observer, const fr_budget *budget,
                                  fr_int8_ranges *ranges, uint64_t *operations,
                                  fr_error *err) {
  fr_net *aware = NULL;
  fr_int8_ranges first = {0};
  enum fr_status status = find(net, train, observer, &first, err);
  if (status == FR_OK)
    status = fr_net_aware(net, &first, &aware, err);
  if (status == FR_OK)
    status =
        run_training(aware, train, validate, options, observer, budget, operations, err);
  if (status == FR_OK) {
    fr_net_aware_weights(aware, net);
    status = fr_net_round(net, FR_SCHEME_INT8_AWARE, err);
  }
  if (status == FR_OK)
    status = find(net, train, observer, ranges, err);
  if (status == FR_OK)
    status = fr_net_aware_ranges(aware, net, ranges, err);
  fr_int8_ranges_release(&first);
  fr_net_free(aware);
  return status;
}
