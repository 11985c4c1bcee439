/* SPDX-License-Identifier: Apache-2.0 */
/* Transfer from the first step to the last: builds, chooses, trains. */
#include <stdlib.h>

#include "adapt/transfer.h"
#include "base/error.h"

void fr_transfer_result_release(fr_transfer_result *result) {
  fr_train_result_release(&result->trained);
  free(result->depth);
  *result = (fr_transfer_result){0};
}

/* The choice is made: what fr_train is told of it. */
static enum fr_status train_rest(fr_net *net, size_t kept, const fr_samples *train,
                                 const fr_samples *validate,
                                 const fr_train_options *options,
                                 const fr_transfer_options *transfer,
                                 const fr_observer *observer, const fr_budget *budget,
                                 fr_transfer_result *result, fr_error *err) {
  const size_t floor = fr__transfer_floor(kept, transfer);
  fr_train_options told = *options;
  float *rates = calloc(fr_net_layer_count(net), sizeof *rates);
  if (rates == NULL)
    return fr__fail_memory(err, "learning rates");
  fr_transfer_rates(net, kept, transfer, rates);
  if (told.rate_scale == NULL)
    told.rate_scale = rates;
  told.first_trained = transfer->unfreeze > 0 ? kept : floor;
  told.unfreeze = transfer->unfreeze;
  told.unfreeze_to = floor;
  const enum fr_status status =
      fr_train(net, train, validate, &told, observer, budget, &result->trained, err);
  free(rates);
  return status;
}

enum fr_status fr_transfer_adjust(fr_net *net, const fr_net *source,
                                  const fr_samples *train, const fr_samples *validate,
                                  const fr_train_options *options,
                                  const fr_transfer_options *transfer,
                                  const fr_observer *observer, const fr_budget *budget,
                                  fr_transfer_result *result, fr_error *err) {
  fr_transfer_options chosen = *transfer;
  fr_transfer_result made = {.kept = fr_transfer_kept(source, transfer)};
  enum fr_status status = FR_OK;
  if (transfer->freeze == FR_FREEZE_AUTO)
    status = fr__transfer_choose(net, made.kept, train, validate, options, &chosen,
                                 observer, budget, &made, err);
  made.frozen = fr__transfer_floor(made.kept, &chosen);
  if (status == FR_OK)
    status = train_rest(net, made.kept, train, validate, options, &chosen, observer,
                        budget, &made, err);
  if (status == FR_OK)
    *result = made;
  else
    fr_transfer_result_release(&made);
  return status;
}

enum fr_status fr_transfer_train(const fr_net *source, size_t classes,
                                 const fr_samples *train, const fr_samples *validate,
                                 const fr_train_options *options,
                                 const fr_transfer_options *transfer,
                                 const fr_observer *observer, const fr_budget *budget,
                                 fr_net **out, fr_transfer_result *result,
                                 fr_error *err) {
  fr_net *net = NULL;
  size_t first;
  enum fr_status status =
      fr_transfer_new(source, transfer, classes, options->seed, &net, &first, err);
  if (status == FR_OK)
    status = fr_transfer_adjust(net, source, train, validate, options, transfer, observer,
                                budget, result, err);
  if (status == FR_OK)
    *out = net;
  else
    fr_net_free(net);
  return status;
}
