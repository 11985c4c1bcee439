/* SPDX-License-Identifier: Apache-2.0 */
/* Room for a batch, forward and backward. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "nn/net.h"

/* What fr_net_reserve was asked for. */
typedef struct room {
  size_t batch;
  bool train;
  size_t first;
} room;

static bool is_kept(const room *r, size_t layer) { return r->train && layer >= r->first; }

static bool is_trained(const fr__layer *layer) {
  fr__tensor_need need[FR__LAYER_TENSORS];
  return layer->ops->tensors && layer->ops->tensors(layer, need) > 0;
}

/* The lowest layer that has something to train: below it no gradient is of use. */
static size_t find_lowest(const fr_net *net, const room *r) {
  for (size_t i = 0; i < net->count; i++)
    if (is_kept(r, i) && is_trained(&net->layer[i]))
      return i;
  return net->count;
}

/* Floats of the widest output among the layers that are not kept. */
static size_t widest_passed(const fr_net *net, const room *r) {
  size_t widest = 0;
  for (size_t i = 0; i < net->count; i++) {
    const size_t n = fr__shape_elements(net->layer[i].out);
    if (!is_kept(r, i) && n > widest)
      widest = n;
  }
  return widest * r->batch;
}

/* Floats of the widest input whose gradient is wanted. */
static size_t widest_gradient(const fr_net *net, const room *r) {
  size_t widest = 0;
  for (size_t i = find_lowest(net, r) + 1; i < net->count; i++) {
    const size_t n = fr__shape_elements(net->layer[i].in);
    widest = n > widest ? n : widest;
  }
  return widest * r->batch;
}

/*
 * Lays the activations out; a measuring arena leaves the network as it is. Layers that
 * keep nothing write into two arrays in turn; the others have their own, or write over
 * their input where its numbers are needed by nobody's backward.
 */
static void lay_out(fr_net *net, const room *r, fr__arena *arena) {
  const bool take = arena->base != NULL;
  const size_t passed = widest_passed(net, r);
  float *turn[2] = {fr__arena_take(arena, passed, sizeof(float)),
                    fr__arena_take(arena, passed, sizeof(float))};
  size_t next = 0;
  float *y = NULL;
  bool pinned = false; /* a backward reads what y holds */
  for (size_t i = 0; i < net->count; i++) {
    fr__layer *layer = &net->layer[i];
    const enum fr__place place = layer->ops->place;
    const bool kept = is_kept(r, i);
    const bool over =
        i > 0 && (place == FR__PLACE_SAME || (place == FR__PLACE_OVER && !pinned));
    if (!over) {
      pinned = false;
      y = kept ? fr__arena_take(arena, r->batch * fr__shape_elements(layer->out),
                                sizeof(float))
               : turn[next ^= 1];
    }
    pinned = pinned || (kept && layer->ops->reads_output);
    const size_t floats =
        layer->ops->workspace ? layer->ops->workspace(layer, r->batch, kept) : 0;
    float *workspace = floats > 0 ? fr__arena_take(arena, floats, sizeof(float)) : NULL;
    if (take) {
      layer->y = y;
      layer->workspace = workspace;
      layer->kept = kept;
    }
  }
  for (size_t i = 0; i < 2; i++) {
    float *d = fr__arena_take(arena, widest_gradient(net, r), sizeof(float));
    if (take)
      net->d[i] = d;
  }
}

static void lay_out_gradients(fr_net *net, const room *r, fr__arena *arena) {
  fr__tensor_need need[FR__LAYER_TENSORS];
  for (size_t i = 0; i < net->count; i++) {
    fr__layer *layer = &net->layer[i];
    if (layer->tensor_count > 0)
      (void)layer->ops->tensors(layer, need);
    for (size_t j = 0; j < layer->tensor_count; j++) {
      float *gradient = NULL;
      if (is_kept(r, i) && need[j].trained)
        gradient = fr__arena_take(arena, layer->tensor[j].count, sizeof(float));
      if (arena->base || !r->train)
        layer->tensor[j].gradient = gradient;
    }
  }
}

static enum fr_status check_room(const fr_net *net, const room *r, fr_error *err) {
  if (r->batch == 0 || r->batch > FR__NET_BATCH_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu is not a batch from 1 to %zu samples",
                    r->batch, FR__NET_BATCH_CEILING);
  if (r->train && r->first > net->count)
    return fr__fail(err, FR_ERR_ARGUMENT, "training cannot begin at layer %zu of %zu",
                    r->first + 1, net->count);
  return FR_OK;
}

/* An arena of the size that `measure` found. */
static enum fr_status make_arena(fr__arena *arena, const fr__arena *measure,
                                 fr_error *err) {
  if (measure->used > FR__NET_MEMORY_CEILING)
    return fr__fail(err, FR_ERR_LIMIT,
                    "a batch takes %zu MiB, more than the ceiling of %zu",
                    measure->used >> 20, (size_t)(FR__NET_MEMORY_CEILING >> 20));
  return fr__arena_init(arena, measure->used > 0 ? measure->used : FR__ALIGN, err);
}

enum fr_status fr_net_reserve(fr_net *net, size_t batch, bool train, size_t first,
                              fr_error *err) {
  const room asked = {batch, train, first};
  enum fr_status status = check_room(net, &asked, err);
  if (status != FR_OK)
    return status;
  fr__arena measure = {0}, measure_gradients = {0}, activations = {0}, gradients = {0};
  lay_out(net, &asked, &measure);
  if (train)
    lay_out_gradients(net, &asked, &measure_gradients);
  status = make_arena(&activations, &measure, err);
  if (status == FR_OK)
    status = make_arena(&gradients, &measure_gradients, err);
  if (status != FR_OK) {
    fr__arena_release(&activations);
    return status;
  }
  fr__arena_release(&net->activations);
  fr__arena_release(&net->gradients);
  lay_out(net, &asked, &activations);
  lay_out_gradients(net, &asked, &gradients);
  net->activations = activations;
  net->gradients = gradients;
  net->batch = batch;
  net->lowest = find_lowest(net, &asked);
  return FR_OK;
}

const float *fr_net_forward(fr_net *net, const float *x, size_t batch, size_t from,
                            size_t to, bool train) {
  assert(batch <= net->batch && from <= to && to <= net->count);
  for (size_t i = from; i < to; i++) {
    fr__layer *layer = &net->layer[i];
    const fr__pass pass = {&net->kern, &net->rng, batch, train && layer->kept};
    layer->x = x;
    layer->ops->forward(layer, &pass);
    x = layer->y;
  }
  return x;
}

void fr_net_backward(fr_net *net, const float *d_output, size_t batch) {
  assert(batch <= net->batch);
  const fr__pass pass = {&net->kern, &net->rng, batch, true};
  const float *dy = d_output;
  size_t turn = 0; /* dy lies in d[turn], but for the caller's */
  for (size_t i = net->count; i-- > net->lowest;) {
    fr__layer *layer = &net->layer[i];
    float *dx = NULL;
    if (i > net->lowest) {
      const bool over = layer->ops->place != FR__PLACE_NEW && dy != d_output;
      turn = over ? turn : turn ^ 1;
      dx = net->d[turn];
    }
    layer->ops->backward(layer, &pass, dy, dx);
    dy = dx;
  }
}
