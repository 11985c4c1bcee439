/* SPDX-License-Identifier: Apache-2.0 */
#include "train/thaw.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "nn/net.h" /* for the name of the kernels, on which the last bits depend */
#include "train/run.h"
#include "train/watch.h"

/* ---- the plan ---- */

static bool has_tensors(const fr_net *net, size_t layer, size_t rank) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].layer == layer && tensor[i].rank >= rank)
      return true;
  return false;
}

bool fr__thaw_has_matrix(const fr_net *net, size_t layer) {
  return has_tensors(net, layer, 2);
}

size_t fr__thaw_below(const fr_net *net, size_t first, size_t floor) {
  for (size_t layer = first; layer > floor; layer--)
    if (has_tensors(net, layer - 1, 2))
      return layer - 1;
  for (size_t layer = first; layer > floor; layer--) /* a norm alone */
    if (has_tensors(net, layer - 1, 1))
      return floor;
  return SIZE_MAX;
}

/* The first trained layer after `thaws`, or after as many as there can be; *thaws is how
 * many that were. */
static size_t first_after(const fr_net *net, const fr_train_options *o, size_t *thaws) {
  size_t first = o->first_trained, done = 0;
  while (done < *thaws) {
    const size_t next = fr__thaw_below(net, first, o->unfreeze_to);
    if (next == SIZE_MAX)
      break;
    first = next;
    done++;
  }
  *thaws = done;
  return first;
}

/*
 * Layers without parameters behind the frozen ones give the same output in every epoch,
 * too: they are run once a sample with them. Dropout is not, for its output changes.
 */
static size_t skip_constant_layers(const fr_net *net, size_t first) {
  if (first == 0)
    return 0;
  const size_t last = fr_net_layer_count(net) - 1;
  while (first < last && !has_tensors(net, first, 0) &&
         !fr_net_layer_is_random(net, first))
    first++;
  return first;
}

static size_t thaws_before(const fr_train_options *o, size_t epoch) {
  return o->unfreeze > 0 && epoch > 0 ? (epoch - 1) / o->unfreeze : 0;
}

size_t fr__thaw_first(const fr_net *net, const fr_train_options *options, size_t epoch) {
  size_t thaws = thaws_before(options, epoch);
  return skip_constant_layers(net, first_after(net, options, &thaws));
}

size_t fr__thaw_last(const struct fr__run *r, size_t epoch) {
  size_t thaws = thaws_before(r->options, epoch);
  (void)first_after(r->net, r->options, &thaws);
  return thaws * r->options->unfreeze;
}

bool fr__thaw_is_due(const struct fr__run *r, size_t epoch) {
  size_t thaws = thaws_before(r->options, epoch);
  const size_t first = first_after(r->net, r->options, &thaws);
  return r->options->unfreeze > 0 &&
         fr__thaw_below(r->net, first, r->options->unfreeze_to) != SIZE_MAX;
}

/* ---- frozen outputs ---- */

/* All that they depend on, to the bit. */
static uint64_t key_of(const fr__run *r, const fr__feed *feed) {
  const char *kernels = fr__kern_name(&r->net->kern);
  const uint64_t numbers[] = {(uint64_t)fr_net_precision(r->net), r->first, r->batch.size,
                              feed->count, feed->width};
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(r->net, &count);
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, FR_VERSION, sizeof FR_VERSION);
  fr__hash_add(&hash, kernels, strlen(kernels) + 1);
  fr__hash_add(&hash, numbers, sizeof numbers);
  for (size_t layer = 0; layer < r->first; layer++) {
    const char *text = fr_net_layer_text(r->net, layer);
    fr__hash_add(&hash, text, strlen(text) + 1);
  }
  for (size_t i = 0; i < count && tensor[i].layer < r->first; i++)
    fr__hash_add(&hash, tensor[i].value, tensor[i].count * sizeof(float));
  for (size_t i = 0; i < feed->count; i++)
    fr__hash_add(&hash, feed->x[i], feed->width * sizeof(float));
  if (feed->length != NULL)
    fr__hash_add(&hash, feed->length, feed->count * sizeof *feed->length);
  return fr__hash_value(&hash);
}

/* Where the cache fails, there is still memory. */
static enum fr_status reserve(const fr__run *r, const fr__feed *feed, size_t width,
                              fr__keep *keep, fr_error *err) {
  fr_keep_options options = r->options->keep;
  const bool cached = options.where == FR_KEEP_CACHE;
  const size_t others =
      r->train.kept.where == FR_KEEP_MEMORY ? r->train.kept.count * sizeof(float) : 0;
  const uint64_t key = cached ? key_of(r, feed) : 0;
  fr_error why = {.status = FR_OK};
  size_t count;
  if (__builtin_mul_overflow(feed->count, width, &count))
    return fr__fail_memory(err, "the outputs of the frozen layers");
  if (!cached)
    return fr__keep_init(keep, &options, count, others, key, err);
  if (fr__keep_init(keep, &options, count, others, key, &why) == FR_OK)
    return FR_OK;
  fr__warn(r->observer, why.text);
  options.where = FR_KEEP_AUTO;
  return fr__keep_init(keep, &options, count, others, key, err);
}

static void run_frozen(fr__run *r, const fr__feed *feed, size_t width, float *to) {
  for (size_t at = 0; at < feed->count; at += r->batch.size) {
    const size_t left = feed->count - at, n = left < r->batch.size ? left : r->batch.size;
    fr__feed_gather(feed, NULL, at, n, &r->batch, r->net);
    const float *output = fr_net_forward(r->net, r->batch.x, n, 0, r->first, false);
    memcpy(to + at * width, output, n * width * sizeof *to);
  }
  r->result.operations += r->cost.frozen * feed->count;
}

static void tell(fr__run *r, const fr__keep *keep) {
  fr_kept *kept = &r->result.kept;
  const size_t bytes = keep->count * sizeof(float);
  kept->bytes += bytes;
  kept->reused += keep->found ? bytes : 0;
  if (kept->where == FR_KEEP_AUTO || keep->where != FR_KEEP_MEMORY)
    kept->where = keep->where;
}

static enum fr_status freeze(fr__run *r, fr__feed *feed, fr_error *err) {
  const fr_shape shape = fr_net_layer_shape(r->net, r->first - 1);
  const size_t width = shape.steps * shape.channels;
  fr__keep keep = {0};
  fr_error why = {.status = FR_OK};
  if (feed->count == 0)
    return FR_OK;
  fr__phase_begin(r->observer, "frozen");
  const enum fr_status status = reserve(r, feed, width, &keep, err);
  if (status == FR_OK && !keep.found)
    run_frozen(r, feed, width, keep.at);
  if (status == FR_OK && fr__keep_seal(&keep, &why) != FR_OK)
    fr__warn(r->observer, why.text);
  fr__phase_end(r->observer);
  if (status != FR_OK)
    return status;
  tell(r, &keep);
  feed->kept = keep;
  feed->flat = keep.at;
  feed->width = width;
  return FR_OK;
}

static void feed_inputs(fr__run *r, fr__feed *feed) {
  const fr_shape input = fr_net_input(r->net);
  fr__keep_release(&feed->kept);
  feed->flat = NULL;
  feed->width = input.steps * input.channels;
}

enum fr_status fr__thaw_feed(struct fr__run *r, fr_error *err) {
  const size_t reused = r->result.kept.reused;
  feed_inputs(r, &r->train);
  feed_inputs(r, &r->validate);
  r->result.kept = (fr_kept){.reused = reused};
  if (r->first == 0)
    return FR_OK;
  const enum fr_status status = freeze(r, &r->train, err);
  return status == FR_OK ? freeze(r, &r->validate, err) : status;
}

/* ---- thawing ---- */

/* Gradients of accumulated batches have as many numbers as layers are trained. */
static enum fr_status reserve_from_first(fr__run *r, fr_error *err) {
  enum fr_status status = fr_net_reserve(r->net, r->batch.size, true, r->first, err);
  if (status != FR_OK)
    return status;
  r->cost = fr__cost_of(r->net, r->first, &r->options->optimizer);
  if (r->options->accumulate <= 1)
    return FR_OK;
  fr__gradients_release(&r->gradients);
  return fr__gradients_init(&r->gradients, r->net, err);
}

/* Each thaw's layers count the optimizer's steps from their own first on. */
static void set_starts(fr__run *r) {
  const fr_train_options *o = r->options;
  const size_t most = o->unfreeze > 0 ? (o->epochs - 1) / o->unfreeze : 0;
  size_t above = o->first_trained;
  for (size_t k = 1; k <= most; k++) {
    size_t thaws = k;
    const size_t first = first_after(r->net, o, &thaws);
    if (thaws < k)
      return;
    fr_optimizer_set_start(r->optimizer, first, above,
                           k * o->unfreeze * fr__run_steps_per_epoch(r));
    above = first;
  }
}

enum fr_status fr__thaw_init(struct fr__run *r, fr_error *err) {
  set_starts(r);
  return reserve_from_first(r, err);
}

static enum fr_status move_to(fr__run *r, size_t first, fr_error *err) {
  assert(first < r->first);
  r->first = first;
  return reserve_from_first(r, err);
}

enum fr_status fr__thaw(struct fr__run *r, fr_error *err) {
  const size_t first = fr__thaw_first(r->net, r->options, r->now.epoch);
  if (first == r->first)
    return FR_OK;
  fr__ahead_free(r->ahead); /* it holds a batch of the old width */
  r->ahead = NULL;
  enum fr_status status = move_to(r, first, err);
  if (status == FR_OK)
    status = fr__thaw_feed(r, err);
  return status == FR_OK ? fr__ahead_new(r, &r->ahead, err) : status;
}

/* A thaw between the epochs that the run was left between is not in its operations yet;
 * those before are. */
enum fr_status fr__thaw_resume(struct fr__run *r, fr_error *err) {
  const size_t done = r->result.epochs, now = done + 1;
  const size_t first = fr__thaw_first(r->net, r->options, now);
  const bool counted =
      r->at > 0 || first == fr__thaw_first(r->net, r->options, done > 0 ? done : 1);
  const uint64_t operations = r->result.operations;
  enum fr_status status = first != r->first ? move_to(r, first, err) : FR_OK;
  if (status == FR_OK)
    status = fr__thaw_feed(r, err);
  if (counted)
    r->result.operations = operations;
  return status;
}
