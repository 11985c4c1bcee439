/* SPDX-License-Identifier: Apache-2.0 */
/* A network from its text: layers, shapes, tensors; what can be asked of it. */
#include "nn/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

/* Streams of one seed (base/rng.h): dropout's, then one for each layer's initial weights.
 */
#define STREAM_DROPOUT 0x6e6e0000u
#define STREAM_WEIGHTS 0x6e6e0001u

static enum fr_status check_arguments(const char *arch, fr_shape input, size_t classes,
                                      fr_error *err) {
  if (input.steps == 0 || input.channels == 0 || input.steps > FR__NET_STEP_CEILING ||
      input.channels > FR__COUNT_CEILING ||
      fr__shape_elements(input) > FR__ELEMENT_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "no network takes %zu steps of %zu channels",
                    input.steps, input.channels);
  if (classes == 0 || classes > FR__COUNT_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu is not a count of classes from 1 to %zu",
                    classes, FR__COUNT_CEILING);
  if (strnlen(arch, FR__NET_TEXT_CEILING) == FR__NET_TEXT_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "the network's text is longer than %zu bytes",
                    FR__NET_TEXT_CEILING - 1);
  return FR_OK;
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

static enum fr_status parse_layers(fr_net *net, const char *arch, fr_error *err) {
  fr_shape shape = net->input;
  size_t at = 0;
  for (;;) {
    fr__layer layer = {.number = net->count};
    bool more = false;
    enum fr_status status = fr__parse_layer(arch, &at, net->classes, &layer, &more, err);
    if (status != FR_OK || !more)
      return status;
    if (net->count == FR__NET_LAYER_CEILING)
      return fr__fail(err, FR_ERR_LIMIT, "the network has more than %d layers",
                      FR__NET_LAYER_CEILING);
    status = set_shape(&layer, shape, err);
    if (status != FR_OK)
      return status;
    shape = layer.out;
    net->layer[net->count++] = layer;
  }
}

static enum fr_status check_output(const fr_net *net, fr_error *err) {
  if (net->count == 0)
    return fr__fail(err, FR_ERR_FORMAT, "the network's text has no layer");
  const fr__layer *last = &net->layer[net->count - 1];
  if (last->out.steps == 1 && last->out.channels == net->classes)
    return FR_OK;
  return fr__layer_fail(last, err,
                        "a network ends in one number for each of %zu classes, "
                        "not in %zu steps of %zu channels",
                        net->classes, last->out.steps, last->out.channels);
}

static size_t needs(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  return layer->ops->tensors ? layer->ops->tensors(layer, need) : 0;
}

/* The product of the shape; past the ceiling: the ceiling and one more. */
static size_t need_count(const fr__tensor_need *need) {
  size_t count = 1;
  for (size_t i = 0; i < need->rank; i++) {
    if (need->shape[i] > FR__NET_PARAMETER_CEILING / count)
      return FR__NET_PARAMETER_CEILING + 1;
    count *= need->shape[i];
  }
  return count;
}

static enum fr_status count_tensors(fr_net *net, fr_error *err) {
  fr__tensor_need need[FR__LAYER_TENSORS];
  size_t total = 0;
  for (size_t i = 0; i < net->count; i++) {
    const size_t count = needs(&net->layer[i], need);
    net->tensor_count += count;
    for (size_t j = 0; j < count; j++) {
      total += need_count(&need[j]);
      if (total > FR__NET_PARAMETER_CEILING)
        return fr__layer_fail(&net->layer[i], err, "more than %zu parameters up to here",
                              FR__NET_PARAMETER_CEILING);
    }
  }
  return FR_OK;
}

static void set_tensor(fr_tensor *tensor, const fr__tensor_need *need, size_t layer) {
  (void)snprintf(tensor->name, sizeof tensor->name, "%zu.%s", layer, need->name);
  tensor->rank = need->rank;
  memcpy(tensor->shape, need->shape, sizeof tensor->shape);
  tensor->count = need_count(need);
  tensor->layer = layer;
}

static void name_tensors(fr_net *net) {
  fr__tensor_need need[FR__LAYER_TENSORS];
  fr_tensor *next = net->tensor;
  for (size_t i = 0; i < net->count; i++) {
    fr__layer *layer = &net->layer[i];
    layer->tensor = next;
    layer->tensor_count = needs(layer, need);
    for (size_t j = 0; j < layer->tensor_count; j++)
      set_tensor(next++, &need[j], i);
  }
}

static void take_values(fr_net *net, fr__arena *arena) {
  for (size_t i = 0; i < net->tensor_count; i++)
    net->tensor[i].value = fr__arena_take(arena, net->tensor[i].count, sizeof(float));
}

static enum fr_status make_tensors(fr_net *net, fr_error *err) {
  enum fr_status status = count_tensors(net, err);
  if (status != FR_OK)
    return status;
  net->tensor = calloc(net->tensor_count + 1, sizeof *net->tensor);
  if (!net->tensor)
    return fr__fail_memory(err, "the network's tensors");
  name_tensors(net);
  fr__arena measure = {0};
  take_values(net, &measure);
  status = fr__arena_init(&net->values, measure.used, err);
  if (status == FR_OK)
    take_values(net, &net->values);
  return status;
}

static enum fr_status join_text(fr_net *net, fr_error *err) {
  fr__buf buf;
  fr__buf_init(&buf, 0);
  for (size_t i = 0; i < net->count; i++)
    fr__buf_printf(&buf, "%s%s", i > 0 ? " " : "", net->layer[i].text);
  net->text = fr__buf_detach(&buf);
  fr__buf_release(&buf);
  return net->text ? FR_OK : fr__fail_memory(err, "the network's text");
}

enum fr_status fr_net_new(const char *arch, fr_shape input, size_t classes, fr_net **out,
                          fr_error *err) {
  const char *preset = fr_net_preset(arch, input);
  enum fr_status status = check_arguments(arch, input, classes, err);
  if (status != FR_OK)
    return status;
  fr_net *net = calloc(1, sizeof *net);
  if (!net)
    return fr__fail_memory(err, "the network");
  net->input = input;
  net->classes = classes;
  net->layer = calloc(FR__NET_LAYER_CEILING, sizeof *net->layer);
  if (!net->layer) {
    status = fr__fail_memory(err, "the network's layers");
    goto done;
  }
  status = parse_layers(net, preset ? preset : arch, err);
  if (status == FR_OK)
    status = check_output(net, err);
  if (status == FR_OK)
    status = make_tensors(net, err);
  if (status == FR_OK)
    status = join_text(net, err);
  if (status == FR_OK)
    status = fr__kern_init(&net->kern, err);
  if (status == FR_OK) {
    net->lowest = net->count;
    fr_net_seed(net, 0);
    *out = net;
    net = NULL;
  }
done:
  fr_net_free(net);
  return status;
}

void fr_net_free(fr_net *net) {
  if (!net)
    return;
  fr__kern_release(&net->kern);
  fr__arena_release(&net->values);
  fr__arena_release(&net->gradients);
  fr__arena_release(&net->activations);
  free(net->tensor);
  free(net->layer);
  free(net->text);
  free(net);
}

/* What follows layer i, past what lets the variance through, is of relu's kind. */
static bool rectifier_follows(const fr_net *net, size_t i) {
  for (i++; i < net->count; i++)
    if (net->layer[i].ops->kin != FR__KIN_TRANSPARENT)
      return net->layer[i].ops->kin == FR__KIN_RECTIFIER;
  return false;
}

void fr_net_init(fr_net *net, uint64_t seed, size_t first) {
  for (size_t i = first; i < net->count; i++) {
    fr__layer *layer = &net->layer[i];
    fr__rng rng; /* one stream a layer: its weights do not depend on the others */
    fr__rng_init(&rng, seed, STREAM_WEIGHTS + i);
    for (size_t j = 0; j < layer->tensor_count; j++)
      memset(layer->tensor[j].value, 0, layer->tensor[j].count * sizeof(float));
    if (layer->ops->init)
      layer->ops->init(layer, &rng, rectifier_follows(net, i));
  }
}

void fr_net_seed(fr_net *net, uint64_t seed) {
  fr__rng_init(&net->rng, seed, STREAM_DROPOUT);
}

const char *fr_net_text(const fr_net *net) { return net->text; }
size_t fr_net_classes(const fr_net *net) { return net->classes; }
fr_shape fr_net_input(const fr_net *net) { return net->input; }
size_t fr_net_layer_count(const fr_net *net) { return net->count; }

const char *fr_net_layer_text(const fr_net *net, size_t layer) {
  return net->layer[layer].text;
}

fr_shape fr_net_layer_shape(const fr_net *net, size_t layer) {
  return net->layer[layer].out;
}

/* Trained tensors come first in a layer (layer.h). */
static size_t trained_count(const fr__layer *layer) {
  fr__tensor_need need[FR__LAYER_TENSORS];
  const size_t count = needs(layer, need);
  size_t trained = 0;
  while (trained < count && need[trained].trained)
    trained++;
  return trained;
}

size_t fr_net_layer_parameters(const fr_net *net, size_t layer) {
  const size_t trained = trained_count(&net->layer[layer]);
  size_t sum = 0;
  for (size_t i = 0; i < trained; i++)
    sum += net->layer[layer].tensor[i].count;
  return sum;
}

uint64_t fr_net_layer_operations(const fr_net *net, size_t layer) {
  return net->layer[layer].ops->operations(&net->layer[layer]);
}

size_t fr_net_parameters(const fr_net *net) {
  size_t sum = 0;
  for (size_t i = 0; i < net->count; i++)
    sum += fr_net_layer_parameters(net, i);
  return sum;
}

uint64_t fr_net_operations(const fr_net *net) {
  uint64_t sum = 0;
  for (size_t i = 0; i < net->count; i++)
    sum += fr_net_layer_operations(net, i);
  return sum;
}

const fr_tensor *fr_net_tensors(const fr_net *net, size_t *count) {
  *count = net->tensor_count;
  return net->tensor;
}

static bool same_tensors(const fr__layer *a, const fr__layer *b) {
  if (a->ops != b->ops || a->tensor_count != b->tensor_count)
    return false;
  for (size_t i = 0; i < a->tensor_count; i++)
    if (a->tensor[i].rank != b->tensor[i].rank ||
        memcmp(a->tensor[i].shape, b->tensor[i].shape, sizeof a->tensor[i].shape) != 0)
      return false;
  return true;
}

enum fr_status fr_net_copy(fr_net *to, const fr_net *from, size_t layers, fr_error *err) {
  if (layers > to->count || layers > from->count)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu layers cannot be copied from a network of %zu to one of %zu",
                    layers, from->count, to->count);
  for (size_t i = 0; i < layers; i++)
    if (!same_tensors(&to->layer[i], &from->layer[i]))
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "layer %zu '%s' cannot take the parameters of '%s': "
                      "their shapes differ",
                      i + 1, to->layer[i].text, from->layer[i].text);
  for (size_t i = 0; i < layers; i++)
    for (size_t j = 0; j < to->layer[i].tensor_count; j++) {
      const fr_tensor *tensor = &from->layer[i].tensor[j];
      memcpy(to->layer[i].tensor[j].value, tensor->value, tensor->count * sizeof(float));
    }
  return FR_OK;
}
