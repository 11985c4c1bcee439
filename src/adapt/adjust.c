/* SPDX-License-Identifier: Apache-2.0 */
/* Transfer from the first step to the last: builds, chooses, trains. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/transfer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

void fr_transfer_result_release(fr_transfer_result *result) {
  fr_train_result_release(&result->trained);
  free(result->depth);
  *result = (fr_transfer_result){0};
}

/* ---- a choice is made once a run, however often that is taken up ---- */

#define CHOICE "frozen-layers" /* beside the checkpoints */
enum { CHOICE_CEILING = 64 };  /* bytes */

/* All that the choice depends on but what it costs. */
static uint64_t key_of(const fr_net *net, const fr_samples *train,
                       const fr_transfer_options *transfer,
                       const fr_train_options *options) {
  const double numbers[] = {(double)transfer->refine, (double)transfer->decay,
                            (double)options->optimizer.learning_rate};
  const uint64_t counts[] = {train->count, options->seed, options->batch};
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, fr_net_text(net), strlen(fr_net_text(net)));
  for (size_t i = 0; i < count; i++)
    fr__hash_add(&hash, tensor[i].value, tensor[i].count * sizeof(float));
  fr__hash_add(&hash, numbers, sizeof numbers);
  fr__hash_add(&hash, counts, sizeof counts);
  if (transfer->choice.held != NULL)
    fr__hash_add(&hash, transfer->choice.held, train->count);
  return fr__hash_value(&hash);
}

static char *choice_path(const fr_train_options *options) {
  const fr_checkpoint_options *checkpoint = options->checkpoint;
  return checkpoint != NULL && checkpoint->folder != NULL
             ? fr__path_join(checkpoint->folder, CHOICE)
             : NULL;
}

/* False where none was kept, or of another run. */
static bool read_choice(const fr_train_options *options, uint64_t key, size_t kept,
                        size_t *freeze) {
  char *path = choice_path(options), *text = NULL;
  size_t size;
  uint64_t found;
  bool good = path != NULL && options->checkpoint->resume &&
              fr__file_read(path, CHOICE_CEILING, &text, &size, NULL) == FR_OK &&
              sscanf(text, "%" SCNx64 " %zu", &found, freeze) == 2 && found == key &&
              *freeze <= kept;
  free(text);
  free(path);
  return good;
}

/* Best effort: without it a run that is taken up chooses again. */
static void keep_choice(const fr_train_options *options, uint64_t key, size_t freeze) {
  char *path = choice_path(options), text[CHOICE_CEILING];
  const int size = snprintf(text, sizeof text, "%016" PRIx64 " %zu\n", key, freeze);
  if (path != NULL && fr__dir_make(options->checkpoint->folder, NULL) == FR_OK)
    (void)fr__file_write(path, text, (size_t)size, NULL);
  free(path);
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
  const bool asked = transfer->freeze == FR_FREEZE_AUTO;
  bool whole = true;
  const uint64_t key = asked ? key_of(net, train, transfer, options) : 0;
  enum fr_status status = FR_OK;
  if (asked && !read_choice(options, key, made.kept, &chosen.freeze)) {
    status = fr__transfer_choose(net, made.kept, train, validate, options, &chosen,
                                 observer, budget, &made, &whole, err);
    if (status == FR_OK && whole)
      keep_choice(options, key, chosen.freeze);
  }
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
