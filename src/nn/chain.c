/* SPDX-License-Identifier: Apache-2.0 */
/* A chain from its text: layers, shapes, normal form, initial values. */
#include "nn/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static fr__path path_of(const fr__layer *holder, size_t branch, size_t number) {
  fr__path path = {0};
  if (holder) {
    path = holder->path;
    path.depth++;
    if (holder->branch_count > 1)
      path.number[path.count++] = branch;
  }
  path.number[path.count++] = number;
  return path;
}

/* Room for one more, in powers of two. */
static enum fr_status grow(fr__chain *chain, fr_error *err) {
  const size_t count = chain->count;
  if (count == FR__CHAIN_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "the network has more than %d layers",
                    FR__CHAIN_CEILING);
  if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
    return FR_OK;
  const size_t capacity = count < 4 ? 4 : 2 * count;
  fr__layer *layer = realloc(chain->layer, capacity * sizeof *layer);
  if (!layer)
    return fr__fail_memory(err, "the network's layers");
  chain->layer = layer;
  return FR_OK;
}

enum fr_status fr__chain_init(fr__chain *chain, fr__source *source,
                              const fr__layer *holder, size_t branch, fr_error *err) {
  *chain = (fr__chain){0};
  if (holder && holder->path.depth == FR__LAYER_DEPTH)
    return fr__layer_fail(holder, err, "more than %d layers inside one another",
                          FR__LAYER_DEPTH);
  for (;;) {
    enum fr_status status = grow(chain, err);
    if (status != FR_OK)
      return status;
    fr__layer *layer = &chain->layer[chain->count];
    *layer = (fr__layer){.path = path_of(holder, branch, chain->count)};
    bool more = false;
    status = fr__parse_layer(source, layer, &more, err);
    if (status == FR_OK && !more)
      return FR_OK;
    chain->count++; /* a layer that failed may own branches */
    if (status != FR_OK)
      return status;
  }
}

void fr__chain_release(fr__chain *chain) {
  for (size_t i = 0; i < chain->count; i++) {
    fr__layer *layer = &chain->layer[i];
    for (size_t b = 0; b < layer->branch_count; b++)
      fr__chain_release(&layer->branch[b]);
    free(layer->branch);
  }
  free(chain->layer);
  *chain = (fr__chain){0};
}

/* Whether layers from `from` on take a sequence, seen past those that keep the shape,
 * such as relu and bn, branches of such layers included; where nothing else is left,
 * `beyond`. */
static bool takes_sequence(const fr__chain *chain, size_t from, bool beyond) {
  for (size_t i = from; i < chain->count; i++) {
    const fr__layer *layer = &chain->layer[i];
    if (layer->ops->takes_sequence)
      return true;
    if (layer->branch_count > 0) {
      const bool behind = takes_sequence(chain, i + 1, beyond);
      bool taken = false;
      for (size_t b = 0; b < layer->branch_count && !taken; b++)
        taken = takes_sequence(&layer->branch[b], 0, behind);
      return taken;
    }
    if (layer->ops->shape)
      return false;
  }
  return beyond;
}

static enum fr_status set_shape(fr__layer *layer, fr_shape in, fr_error *err) {
  layer->in = in;
  layer->out = in;
  const enum fr_status status = layer->ops->shape ? layer->ops->shape(layer, err) : FR_OK;
  if (status != FR_OK)
    return status;
  if (fr__shape_elements(layer->out) > FR__ELEMENT_CEILING)
    return fr__layer_fail(layer, err,
                          "its output of %zu steps of %zu channels is too large",
                          layer->out.steps, layer->out.channels);
  return FR_OK;
}

enum fr_status fr__chain_shape(fr__chain *chain, fr_shape in, bool beyond,
                               fr_error *err) {
  chain->in = in;
  for (size_t i = 0; i < chain->count; i++) {
    fr__layer *layer = &chain->layer[i];
    if (layer->ops->before)
      layer->ops->before(layer, takes_sequence(chain, i + 1, beyond));
    const enum fr_status status = set_shape(layer, in, err);
    if (status != FR_OK)
      return status;
    in = layer->out;
  }
  chain->out = in;
  return FR_OK;
}

void fr__chain_text(const fr__chain *chain, fr__buf *buf) {
  for (size_t i = 0; i < chain->count; i++)
    fr__buf_printf(buf, "%s%s", i > 0 ? " " : "", chain->layer[i].text);
}

uint64_t fr__chain_operations(const fr__chain *chain) {
  uint64_t sum = 0;
  for (size_t i = 0; i < chain->count; i++)
    sum += fr__layer_operations(&chain->layer[i]);
  return sum;
}

enum fr_status fr__chain_each(fr__chain *chain, fr__visit *visit, void *self,
                              fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < chain->count && status == FR_OK; i++) {
    fr__layer *layer = &chain->layer[i];
    for (size_t b = 0; b < layer->branch_count && status == FR_OK; b++)
      status = fr__chain_each(&layer->branch[b], visit, self, err);
    if (status == FR_OK)
      status = visit(self, layer, err);
  }
  return status;
}

/* What follows layer i, past what lets the variance through, is of relu's kind; at the
 * end of a branch: what follows the layer that holds it. */
static bool rectifier_follows(const fr__chain *chain, size_t i, bool beyond) {
  for (i++; i < chain->count; i++)
    if (chain->layer[i].ops->kin != FR__KIN_TRANSPARENT)
      return chain->layer[i].ops->kin == FR__KIN_RECTIFIER;
  return beyond;
}

void fr__chain_init_layer(fr__chain *chain, size_t index, fr__rng *rng, bool beyond) {
  fr__layer *layer = &chain->layer[index];
  const bool rectified = rectifier_follows(chain, index, beyond);
  for (size_t i = 0; i < layer->tensor_count; i++)
    memset(layer->tensor[i].value, 0, layer->tensor[i].count * sizeof(float));
  for (size_t b = 0; b < layer->branch_count; b++)
    for (size_t i = 0; i < layer->branch[b].count; i++)
      fr__chain_init_layer(&layer->branch[b], i, rng, rectified);
  if (layer->ops->init)
    layer->ops->init(layer, rng, rectified);
}
