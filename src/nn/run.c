/* SPDX-License-Identifier: Apache-2.0 */
/* Room for a batch, forward and backward. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "nn/gradient.h"
#include "nn/net.h"

static void lay_out_gradients(fr_net *net, const fr__room *room, fr__arena *arena) {
  for (size_t i = 0; i < net->tensor_count; i++) {
    fr_tensor *tensor = &net->tensor[i];
    float *gradient = NULL;
    if (room->train && tensor->layer >= room->first && tensor->trained)
      gradient = fr__arena_take(arena, tensor->count, sizeof(float));
    if (arena->base)
      tensor->gradient = gradient;
  }
}

static enum fr_status check_room(const fr_net *net, const fr__room *room, fr_error *err) {
  if (room->batch == 0 || room->batch > FR__NET_BATCH_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu is not a batch from 1 to %zu samples",
                    room->batch, FR__NET_BATCH_CEILING);
  if (room->train && room->first > net->chain.count)
    return fr__fail(err, FR_ERR_ARGUMENT, "training cannot begin at layer %zu of %zu",
                    room->first + 1, net->chain.count);
  return FR_OK;
}

static size_t size_of(const fr__arena *measure) {
  return measure->used > 0 ? measure->used : FR__ALIGN;
}

/* An arena of the size that `measure` found. */
static enum fr_status make_arena(fr__arena *arena, const fr__arena *measure,
                                 fr_error *err) {
  if (measure->used > FR__NET_MEMORY_CEILING)
    return fr__fail(err, FR_ERR_LIMIT,
                    "a batch takes %zu MiB, more than the ceiling of %zu",
                    measure->used >> 20, (size_t)(FR__NET_MEMORY_CEILING >> 20));
  return fr__arena_init(arena, size_of(measure), err);
}

/* An arena that is big enough, and not much bigger. */
static bool would_do(const fr__arena *arena, const fr__arena *measure) {
  return arena->base && arena->size >= size_of(measure) &&
         arena->size - size_of(measure) <= FR__ALIGN;
}

static void clear(fr__arena *arena) {
  memset(arena->base, 0, arena->size);
  arena->used = 0;
}

static void lay_out(fr_net *net, const fr__room *room) {
  fr__chain_lay_out(&net->chain, room, &net->activations);
  lay_out_gradients(net, room, &net->gradients);
  net->batch = room->batch;
}

/* Whoever tests again and again reserves the same each time, and would have the system
 * fetch and empty its pages anew: longer, of a hundred samples, than the test. */
static bool reuse(fr_net *net, const fr__room *room, const fr__arena *measure,
                  const fr__arena *measure_gradients) {
  if (!would_do(&net->activations, measure) ||
      !would_do(&net->gradients, measure_gradients))
    return false;
  clear(&net->activations);
  clear(&net->gradients);
  lay_out(net, room);
  return true;
}

enum fr_status fr_net_reserve(fr_net *net, size_t batch, bool train, size_t first,
                              fr_error *err) {
  const fr__room room = {batch, train, first};
  enum fr_status status = check_room(net, &room, err);
  if (status != FR_OK)
    return status;
  fr__arena measure = {0}, measure_gradients = {0}, activations = {0}, gradients = {0};
  fr__chain_lay_out(&net->chain, &room, &measure);
  lay_out_gradients(net, &room, &measure_gradients);
  if (reuse(net, &room, &measure, &measure_gradients))
    return FR_OK;
  status = make_arena(&activations, &measure, err);
  if (status == FR_OK)
    status = make_arena(&gradients, &measure_gradients, err);
  if (status != FR_OK) {
    fr__arena_release(&activations);
    return status;
  }
  fr__arena_release(&net->activations);
  fr__arena_release(&net->gradients);
  net->activations = activations;
  net->gradients = gradients;
  lay_out(net, &room);
  return FR_OK;
}

void fr_net_set_lengths(fr_net *net, const uint32_t *length) { net->length = length; }

/* Lengths in front of layer `from`; NULL: none. */
static const uint32_t *lengths_at(fr_net *net, size_t from, size_t batch) {
  if (!net->length || from == 0)
    return net->length;
  uint32_t *length = net->chain.layer[from - 1].length;
  for (size_t b = 0; b < batch; b++)
    length[b] = (uint32_t)fr__chain_length(&net->chain, from, net->length[b]);
  return length;
}

const float *fr_net_forward(fr_net *net, const float *x, size_t batch, size_t from,
                            size_t to, bool train) {
  assert(batch <= net->batch && from <= to && to <= net->chain.count);
  if (train)
    fr__net_forget(net); /* a step will follow */
  fr__fake_begin(net);
  const fr__pass pass = {.kern = &net->kern,
                         .rng = &net->rng,
                         .batch = batch,
                         .train = train,
                         .length = lengths_at(net, from, batch)};
  const float *y = fr__chain_forward(&net->chain, &pass, x, from, to);
  if (!train) /* else backward needs them as they were */
    fr__fake_end(net);
  return y;
}

void fr_net_backward(fr_net *net, const float *d_output, size_t batch) {
  assert(batch <= net->batch);
  const fr__pass pass = {.kern = &net->kern,
                         .rng = &net->rng,
                         .batch = batch,
                         .train = true,
                         .length = net->length};
  fr__chain_backward(&net->chain, &pass, d_output, NULL);
  fr__fake_end(net);
}

/* ---- precision ---- */

static enum fr__format format_of(enum fr_precision precision) {
  static const enum fr__format formats[FR_PRECISIONS] = {FR__FORMAT_F32, FR__FORMAT_BF16,
                                                         FR__FORMAT_INT8};
  return formats[precision];
}

void fr_net_set_precision(fr_net *net, enum fr_precision precision) {
  fr__net_forget(net);
  net->precision = precision;
  fr__kern_set_format(&net->kern, format_of(precision));
}

enum fr_precision fr_net_precision(const fr_net *net) { return net->precision; }

bool fr_net_precision_is_fast(const fr_net *net, enum fr_precision precision,
                              const char **set) {
  const char *fast = fr__kern_fast(&net->kern, format_of(precision));
  if (set != NULL)
    *set = fast;
  return fast != NULL;
}

/* ---- what is not finite ---- */

bool fr_net_gradients_finite(const fr_net *net) {
  for (size_t i = 0; i < net->tensor_count; i++)
    if (net->tensor[i].gradient &&
        !fr__all_finite(&net->kern, net->tensor[i].gradient, net->tensor[i].count))
      return false;
  return true;
}

/* The lowest layer whose weights, else whose output of the last forward pass, are not
 * finite, else the highest whose gradient is not: where it began. */
void fr_net_describe_infinite(const fr_net *net, size_t batch, char *text, size_t size) {
  const fr__chain *chain = &net->chain;
  const char *what = NULL;
  size_t where = 0;
  for (size_t i = 0; i < net->tensor_count && !what; i++)
    if (!fr__all_finite(&net->kern, net->tensor[i].value, net->tensor[i].count)) {
      what = "a weight";
      where = net->tensor[i].layer;
    }
  for (size_t i = 0; i < chain->count && !what; i++)
    if (chain->layer[i].kept &&
        !fr__all_finite(&net->kern, chain->layer[i].y,
                        batch * fr__shape_elements(chain->layer[i].out))) {
      what = "the output";
      where = i;
    }
  for (size_t i = net->tensor_count; i-- > 0 && !what;)
    if (net->tensor[i].gradient &&
        !fr__all_finite(&net->kern, net->tensor[i].gradient, net->tensor[i].count)) {
      what = "the gradient";
      where = net->tensor[i].layer;
    }
  if (what)
    (void)snprintf(text, size, "%s of layer %zu '%s'", what, where + 1,
                   chain->layer[where].text);
  else
    (void)snprintf(text, size, "the loss");
}
