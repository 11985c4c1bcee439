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

static enum fr_status parse_layers(fr_net *net, const char *arch, fr_error *err) {
  fr__source source = {.text = arch, .end = strlen(arch), .classes = net->classes};
  const enum fr_status status = fr__chain_init(&net->chain, &source, NULL, 0, err);
  return status == FR_OK ? fr__chain_shape(&net->chain, net->input, false, err) : status;
}

static enum fr_status check_output(const fr_net *net, fr_error *err) {
  const fr__chain *chain = &net->chain;
  if (chain->count == 0)
    return fr__fail(err, FR_ERR_FORMAT, "the network's text has no layer");
  if (chain->out.steps == 1 && chain->out.channels == net->classes)
    return FR_OK;
  return fr__layer_fail(&chain->layer[chain->count - 1], err,
                        "a network ends in one number for each of %zu classes, "
                        "not in %zu steps of %zu channels",
                        net->classes, chain->out.steps, chain->out.channels);
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

typedef struct tally {
  size_t tensors, values;
} tally;

static enum fr_status count_tensors(void *self, fr__layer *layer, fr_error *err) {
  tally *sum = self;
  fr__tensor_need need[FR__LAYER_TENSORS];
  layer->tensor_count = needs(layer, need);
  sum->tensors += layer->tensor_count;
  for (size_t j = 0; j < layer->tensor_count; j++) {
    sum->values += need_count(&need[j]);
    if (sum->values > FR__NET_PARAMETER_CEILING)
      return fr__layer_fail(layer, err, "more than %zu parameters up to here",
                            FR__NET_PARAMETER_CEILING);
  }
  return FR_OK;
}

static void name_tensor(char *name, size_t size, const fr__path *path, const char *what) {
  size_t used = 0;
  for (size_t i = 0; i < path->count; i++)
    used += (size_t)snprintf(name + used, size - used, "%zu.", path->number[i]);
  (void)snprintf(name + used, size - used, "%s", what);
}

static enum fr_status set_tensors(void *self, fr__layer *layer, fr_error *err) {
  fr_tensor **next = self;
  fr__tensor_need need[FR__LAYER_TENSORS];
  (void)err;
  (void)needs(layer, need);
  layer->tensor = *next;
  for (size_t j = 0; j < layer->tensor_count; j++) {
    fr_tensor *tensor = (*next)++;
    name_tensor(tensor->name, sizeof tensor->name, &layer->path, need[j].name);
    tensor->rank = need[j].rank;
    memcpy(tensor->shape, need[j].shape, sizeof tensor->shape);
    tensor->count = need_count(&need[j]);
    tensor->layer = layer->path.number[0];
    tensor->trained = need[j].trained;
  }
  return FR_OK;
}

static void take_values(fr_net *net, fr__arena *arena) {
  for (size_t i = 0; i < net->tensor_count; i++)
    net->tensor[i].value = fr__arena_take(arena, net->tensor[i].count, sizeof(float));
}

static enum fr_status make_tensors(fr_net *net, fr_error *err) {
  tally sum = {0};
  enum fr_status status = fr__chain_each(&net->chain, count_tensors, &sum, err);
  if (status != FR_OK)
    return status;
  net->tensor = calloc(sum.tensors + 1, sizeof *net->tensor);
  if (!net->tensor)
    return fr__fail_memory(err, "the network's tensors");
  net->tensor_count = sum.tensors;
  fr_tensor *next = net->tensor;
  (void)fr__chain_each(&net->chain, set_tensors, &next, err);
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
  fr__chain_text(&net->chain, &buf);
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
    net->chain.lowest = net->chain.count;
    fr_net_seed(net, 0);
    *out = net;
    net = NULL;
  }
  fr_net_free(net);
  return status;
}

void fr_net_free(fr_net *net) {
  if (!net)
    return;
  fr__kern_release(&net->kern);
  fr__pool_free(net->pool);
  fr__arena_release(&net->values);
  fr__arena_release(&net->gradients);
  fr__arena_release(&net->activations);
  fr__arena_release(&net->packed);
  fr__arena_release(&net->fake.arena);
  fr__chain_release(&net->chain);
  free(net->tensor);
  free(net->text);
  free(net);
}

void fr_net_init(fr_net *net, uint64_t seed, size_t first) {
  fr__net_forget(net);
  for (size_t i = first; i < net->chain.count; i++) {
    fr__rng rng; /* one stream a layer: its weights do not depend on the others */
    fr__rng_init(&rng, seed, STREAM_WEIGHTS + i);
    fr__chain_init_layer(&net->chain, i, &rng, false);
  }
}

enum fr_status fr_net_set_threads(fr_net *net, size_t threads, fr_error *err) {
  fr__pool *pool = NULL;
  if (threads == 0 || threads > FR_THREADS_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu is not a count of threads from 1 to %d",
                    threads, FR_THREADS_CEILING);
  enum fr_status status = threads > 1 ? fr__pool_new(threads, &pool, err) : FR_OK;
  if (status == FR_OK)
    status = fr__kern_set_pool(&net->kern, pool, err);
  if (status != FR_OK) {
    fr__pool_free(pool);
    return status;
  }
  fr__pool_free(net->pool);
  net->pool = pool;
  return FR_OK;
}

void fr_net_seed(fr_net *net, uint64_t seed) {
  fr__rng_init(&net->rng, seed, STREAM_DROPOUT);
}

void fr_net_get_random(const fr_net *net, uint64_t state[4]) {
  memcpy(state, net->rng.s, sizeof net->rng.s);
}

void fr_net_set_random(fr_net *net, const uint64_t state[4]) {
  memcpy(net->rng.s, state, sizeof net->rng.s);
}

const char *fr_net_text(const fr_net *net) { return net->text; }
size_t fr_net_classes(const fr_net *net) { return net->classes; }
fr_shape fr_net_input(const fr_net *net) { return net->input; }
size_t fr_net_layer_count(const fr_net *net) { return net->chain.count; }

const char *fr_net_layer_text(const fr_net *net, size_t layer) {
  return net->chain.layer[layer].text;
}

fr_shape fr_net_layer_shape(const fr_net *net, size_t layer) {
  return net->chain.layer[layer].out;
}

bool fr_net_layer_is_random(const fr_net *net, size_t layer) {
  return fr__layer_is_random(&net->chain.layer[layer]);
}

size_t fr_net_layer_parameters(const fr_net *net, size_t layer) {
  size_t sum = 0;
  for (size_t i = 0; i < net->tensor_count; i++)
    if (net->tensor[i].layer == layer && net->tensor[i].trained)
      sum += net->tensor[i].count;
  return sum;
}

uint64_t fr_net_layer_operations(const fr_net *net, size_t layer) {
  return fr__layer_operations(&net->chain.layer[layer]);
}

size_t fr_net_parameters(const fr_net *net) {
  size_t sum = 0;
  for (size_t i = 0; i < net->chain.count; i++)
    sum += fr_net_layer_parameters(net, i);
  return sum;
}

uint64_t fr_net_operations(const fr_net *net) {
  return fr__chain_operations(&net->chain);
}

const fr_tensor *fr_net_tensors(const fr_net *net, size_t *count) {
  *count = net->tensor_count;
  return net->tensor;
}

/* The tensors of one layer and its branches lie together. */
static const fr_tensor *tensors_of(const fr_net *net, size_t layer, size_t *count) {
  size_t begin = 0;
  while (begin < net->tensor_count && net->tensor[begin].layer < layer)
    begin++;
  *count = 0;
  while (begin + *count < net->tensor_count && net->tensor[begin + *count].layer == layer)
    (*count)++;
  return net->tensor + begin;
}

static bool same_layers(const fr_net *a, const fr_net *b, size_t layer) {
  size_t count, other;
  const fr_tensor *x = tensors_of(a, layer, &count), *y = tensors_of(b, layer, &other);
  if (a->chain.layer[layer].ops != b->chain.layer[layer].ops || count != other)
    return false;
  for (size_t i = 0; i < count; i++)
    if (x[i].rank != y[i].rank || strcmp(x[i].name, y[i].name) != 0 ||
        memcmp(x[i].shape, y[i].shape, sizeof x[i].shape) != 0)
      return false;
  return true;
}

enum fr_status fr_net_copy(fr_net *to, const fr_net *from, size_t layers, fr_error *err) {
  fr__net_forget(to);
  if (layers > to->chain.count || layers > from->chain.count)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu layers cannot be copied from a network of %zu to one of %zu",
                    layers, from->chain.count, to->chain.count);
  for (size_t i = 0; i < layers; i++)
    if (!same_layers(to, from, i))
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "layer %zu '%s' cannot take the parameters of '%s': "
                      "their shapes differ",
                      i + 1, fr_net_layer_text(to, i), fr_net_layer_text(from, i));
  for (size_t i = 0; i < from->tensor_count && from->tensor[i].layer < layers; i++)
    memcpy(to->tensor[i].value, from->tensor[i].value,
           from->tensor[i].count * sizeof(float));
  return FR_OK;
}
