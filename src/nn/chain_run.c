/* SPDX-License-Identifier: Apache-2.0 */
/* Room for a batch in a chain, forward and backward. */
#include <string.h>

#include "nn/chain.h"

static bool is_kept(const fr__room *room, size_t layer) {
  return room->train && layer >= room->first;
}

static bool has_trained(const fr__layer *layer) {
  for (size_t i = 0; i < layer->tensor_count; i++)
    if (layer->tensor[i].trained)
      return true;
  for (size_t b = 0; b < layer->branch_count; b++)
    for (size_t i = 0; i < layer->branch[b].count; i++)
      if (has_trained(&layer->branch[b].layer[i]))
        return true;
  return false;
}

/* The lowest layer that has something to train: below it no gradient is of use. */
static size_t find_lowest(const fr__chain *chain, const fr__room *room) {
  for (size_t i = 0; i < chain->count; i++)
    if (is_kept(room, i) && has_trained(&chain->layer[i]))
      return i;
  return chain->count;
}

/* Floats of the widest output among the layers that are not kept. */
static size_t widest_passed(const fr__chain *chain, const fr__room *room) {
  size_t widest = 0;
  for (size_t i = 0; i < chain->count; i++) {
    const size_t n = fr__shape_elements(chain->layer[i].out);
    if (!is_kept(room, i) && n > widest)
      widest = n;
  }
  return widest * room->batch;
}

/* A branch is as frozen as the layer that holds it. */
static void lay_out_branches(fr__layer *layer, const fr__room *room, bool kept,
                             fr__arena *arena) {
  const fr__room inside = {.batch = room->batch, .train = kept};
  for (size_t b = 0; b < layer->branch_count; b++)
    fr__chain_lay_out(&layer->branch[b], &inside, arena);
}

/* What a layer has for itself, beside its output. */
static void lay_out_layer(fr__layer *layer, const fr__room *room, bool kept, float *y,
                          fr__arena *arena) {
  const size_t floats =
      layer->ops->workspace ? layer->ops->workspace(layer, room->batch, kept) : 0;
  float *workspace = floats > 0 ? fr__arena_take(arena, floats, sizeof(float)) : NULL;
  uint32_t *length = fr__arena_take(arena, room->batch, sizeof *length);
  lay_out_branches(layer, room, kept, arena);
  if (arena->base == NULL)
    return;
  layer->y = y;
  layer->workspace = workspace;
  layer->length = length;
  layer->kept = kept;
}

/*
 * Layers that keep nothing write into two arrays in turn; the others have their own, or
 * write over their input where its numbers are needed by nobody's backward.
 */
static void lay_out_layers(fr__chain *chain, const fr__room *room, fr__arena *arena) {
  const size_t passed = widest_passed(chain, room);
  float *turn[2] = {fr__arena_take(arena, passed, sizeof(float)),
                    fr__arena_take(arena, passed, sizeof(float))};
  size_t next = 0;
  float *y = NULL;
  bool pinned = false; /* a backward reads what y holds */
  for (size_t i = 0; i < chain->count; i++) {
    fr__layer *layer = &chain->layer[i];
    const enum fr__place place = layer->ops->place;
    const bool kept = is_kept(room, i);
    const bool over =
        i > 0 && (place == FR__PLACE_SAME || (place == FR__PLACE_OVER && !pinned));
    if (!over) {
      pinned = false;
      y = kept ? fr__arena_take(arena, room->batch * fr__shape_elements(layer->out),
                                sizeof(float))
               : turn[next ^= 1];
    }
    pinned = pinned || (kept && layer->ops->reads_output);
    lay_out_layer(layer, room, kept, y, arena);
  }
}

/* ---- where gradients lie between two layers ----
 *
 * In the workspace of a layer above that has done with it, by the layer's number; else in
 * one of two arrays in turn, which count on behind the layers. */

#define PLACE_OF_CALLER SIZE_MAX /* the gradient that the chain is given */

static size_t gradient_floats(const fr__chain *chain, const fr__room *room, size_t i) {
  return room->batch * fr__shape_elements(chain->layer[i].in);
}

static bool lends(const fr__layer *layer, const fr__room *room, size_t floats) {
  return layer->ops->lends && layer->ops->workspace(layer, room->batch, true) >= floats;
}

/* Where layer i puts its dx, whose dy lies in `place`. */
static size_t next_place(const fr__chain *chain, const fr__room *room, size_t i,
                         size_t place) {
  if (place != PLACE_OF_CALLER && chain->layer[i].ops->place != FR__PLACE_NEW)
    return place;
  for (size_t j = i + 1; j < chain->count; j++)
    if (j != place && lends(&chain->layer[j], room, gradient_floats(chain, room, i)))
      return j;
  return chain->count + (place == chain->count);
}

static void lay_out_gradients(fr__chain *chain, const fr__room *room, fr__arena *arena) {
  const size_t count = chain->count, end = room->train ? room->first + 1 : count;
  size_t floats[2] = {0}, place = PLACE_OF_CALLER;
  for (size_t i = count; i-- > end;) {
    const size_t n = gradient_floats(chain, room, i);
    place = next_place(chain, room, i, place);
    if (place >= count && floats[place - count] < n)
      floats[place - count] = n;
  }
  float *turn[2] = {fr__arena_take(arena, floats[0], sizeof(float)),
                    fr__arena_take(arena, floats[1], sizeof(float))};
  place = PLACE_OF_CALLER;
  for (size_t i = count; arena->base && i-- > end;) {
    place = next_place(chain, room, i, place);
    chain->layer[i].dx =
        place < count ? chain->layer[place].workspace : turn[place - count];
  }
}

void fr__chain_lay_out(fr__chain *chain, const fr__room *room, fr__arena *arena) {
  lay_out_layers(chain, room, arena);
  lay_out_gradients(chain, room, arena);
  if (arena->base)
    chain->lowest = find_lowest(chain, room);
}

/* ---- lengths ---- */

/* A single step is there for every sample, even one that is too short for the layer: what
 * zeros give. */
static size_t layer_length(const fr__layer *layer, size_t length) {
  if (layer->out.steps == 1)
    return 1;
  return layer->ops->length ? layer->ops->length(layer, length) : length;
}

size_t fr__chain_length(const fr__chain *chain, size_t to, size_t length) {
  for (size_t i = 0; i < to; i++)
    length = layer_length(&chain->layer[i], length);
  return length;
}

/* x (B, T, C): zero from each sample's length on. */
static void clear_tails(float *x, fr_shape shape, const uint32_t *length, size_t batch) {
  for (size_t b = 0; b < batch && shape.steps > 1; b++)
    if (length[b] < shape.steps)
      memset(x + (b * shape.steps + length[b]) * shape.channels, 0,
             (shape.steps - length[b]) * shape.channels * sizeof(float));
}

static void set_lengths(fr__layer *layer, const fr__pass *pass) {
  for (size_t b = 0; b < pass->batch; b++)
    layer->length[b] = (uint32_t)layer_length(layer, pass->length[b]);
}

/* ---- forward, backward ---- */

/* Whether layer i does the work of the next one, a relu that writes over its output. */
static bool does_next(const fr__chain *chain, size_t i, size_t to) {
  const fr__layer *layer = &chain->layer[i];
  return i + 1 < to && layer->ops->rectifies && layer->ops->rectifies(layer) &&
         layer[1].ops->rectifier && layer[1].y == layer->y;
}

const float *fr__chain_forward(fr__chain *chain, const fr__pass *pass, const float *x,
                               size_t from, size_t to) {
  fr__pass here = *pass;
  here.rectify = false;
  for (size_t i = from; i < to; i++) {
    fr__layer *layer = &chain->layer[i];
    const bool done = here.rectify;
    here.rectify = does_next(chain, i, to);
    here.train = pass->train && layer->kept;
    layer->x = x;
    if (here.length)
      set_lengths(layer, &here);
    if (!done)
      layer->ops->forward(layer, &here);
    if (here.length) {
      clear_tails(layer->y, layer->out, layer->length, pass->batch);
      here.length = layer->length;
    }
    x = layer->y;
  }
  return x;
}

void fr__chain_backward(fr__chain *chain, const fr__pass *pass, const float *dy,
                        float *dx) {
  const size_t lowest = dx ? 0 : chain->lowest;
  fr__pass here = *pass;
  for (size_t i = chain->count; i-- > lowest;) {
    fr__layer *layer = &chain->layer[i];
    float *to = i > lowest ? layer->dx : dx;
    here.length = i > 0 && pass->length ? chain->layer[i - 1].length : pass->length;
    layer->ops->backward(layer, &here, dy, to);
    if (to && here.length)
      clear_tails(to, layer->in, here.length, pass->batch);
    dy = to;
  }
}
