/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv1d(channels,width[,stride][,dilation=D][,groups=G][,pad=same|causal|none]),
 * W (width, in / G, out):
 *
 *   y[t] = b + Σ_w x[t stride + w D - left] W[w]
 *
 * Channels lie last, so that without dilation and groups the `width` steps that one
 * output sees are one run of width * C floats: the convolution is a product whose rows of
 * A overlap, without a copy. Else it is the sum of one product for each w and group. With
 * one input channel a group (depthwise) nothing is left of a product: plain loops.
 */
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "nn/conv1d.h"

/* "same" and "pad=same" */
static bool padding_word(const char *text, enum fr__padding *out) {
  static const char *const words[] = {
      [FR__PAD_NONE] = "none", [FR__PAD_SAME] = "same", [FR__PAD_CAUSAL] = "causal"};
  const char *word = strncmp(text, "pad=", 4) == 0 ? text + 4 : text;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(word, words[i]) == 0) {
      *out = (enum fr__padding)i;
      return true;
    }
  return false;
}

/* In a branch of another layer the length is kept by default, as sums need it. */
static enum fr__padding default_padding(const fr__layer *layer) {
  return layer->path.count > 1 ? FR__PAD_SAME : FR__PAD_NONE;
}

static void normal_form(fr__layer *layer) {
  static const char *const pads[] = {[FR__PAD_NONE] = ",pad=none",
                                     [FR__PAD_SAME] = ",pad=same",
                                     [FR__PAD_CAUSAL] = ",pad=causal"};
  const bool plain = layer->padding == default_padding(layer) && layer->path.depth == 0;
  char stride[32] = "", dilation[32] = "", groups[32] = "";
  if (layer->stride > 1)
    (void)snprintf(stride, sizeof stride, ",%zu", layer->stride);
  if (layer->dilation > 1)
    (void)snprintf(dilation, sizeof dilation, ",dilation=%zu", layer->dilation);
  if (layer->groups > 1)
    (void)snprintf(groups, sizeof groups, ",groups=%zu", layer->groups);
  fr__layer_set_text(layer, "conv1d(%zu,%zu%s%s%s%s)", layer->units, layer->width, stride,
                     dilation, groups, plain ? "" : pads[layer->padding]);
}

/* "key=count" into *out; false where the argument begins otherwise. */
static bool keyed_count(const fr__arguments *arguments, size_t index, const char *key,
                        size_t *out, enum fr_status *status, fr_error *err) {
  const char *text = fr__argument_value(arguments, index, key);
  int64_t value = 0;
  if (!text)
    return false;
  if (fr__parse_integer(text, 1, (int64_t)FR__COUNT_CEILING, &value))
    *out = (size_t)value;
  else
    *status = fr__layer_fail(arguments->layer, err,
                             "%s '%s' is not a whole number from 1 to %zu", key, text,
                             FR__COUNT_CEILING);
  return true;
}

/* What may follow the width; each at most once, the bare stride first. */
enum { STRIDE = 1, DILATION = 2, GROUPS = 4, PADDING = 8 };

static enum fr_status parse_option(fr__layer *layer, const fr__arguments *arguments,
                                   size_t index, unsigned *seen, fr_error *err) {
  const char *text = arguments->text[index];
  enum fr_status status = FR_OK;
  unsigned option = 0;
  if (keyed_count(arguments, index, "dilation", &layer->dilation, &status, err))
    option = DILATION;
  else if (keyed_count(arguments, index, "groups", &layer->groups, &status, err))
    option = GROUPS;
  else if (padding_word(text, &layer->padding))
    option = PADDING;
  else if (fr__argument_value(arguments, index, "pad"))
    return fr__layer_fail(layer, err, "padding '%s' is not none, same or causal",
                          fr__argument_value(arguments, index, "pad"));
  else if (index > 2 || strchr(text, '='))
    return fr__layer_fail(layer, err,
                          "'%s' is not dilation=, groups=, same, causal or none", text);
  else
    status = fr__argument_count(arguments, index, "stride", &layer->stride, err);
  if (status == FR_OK && (*seen & option) != 0)
    return fr__layer_fail(layer, err, "'%s' says again what was said before", text);
  *seen |= option;
  return status;
}

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 2, 6, err);
  if (status == FR_OK)
    status =
        fr__argument_count(arguments, 0, "the count of channels", &layer->units, err);
  if (status == FR_OK)
    status = fr__argument_count(arguments, 1, "width", &layer->width, err);
  layer->stride = 1;
  layer->dilation = 1;
  layer->groups = 1;
  layer->padding = default_padding(layer);
  unsigned seen = 0;
  for (size_t i = 2; i < arguments->count && status == FR_OK; i++)
    status = parse_option(layer, arguments, i, &seen, err);
  if (status == FR_OK)
    normal_form(layer);
  return status;
}

/* Steps from the first that an output sees to the last, both included. */
size_t fr__conv1d_extent(const fr__layer *layer) {
  return (layer->width - 1) * layer->dilation + 1;
}

/* Steps of zeros in front of the sequence and behind it. */
size_t fr__conv1d_pad_total(const fr__layer *layer) {
  if (layer->padding == FR__PAD_NONE)
    return 0;
  if (layer->padding == FR__PAD_CAUSAL)
    return fr__conv1d_extent(layer) - 1;
  const size_t reach = (layer->out.steps - 1) * layer->stride + fr__conv1d_extent(layer);
  return reach > layer->in.steps ? reach - layer->in.steps : 0;
}

size_t fr__conv1d_pad_left(const fr__layer *layer) {
  const size_t total = fr__conv1d_pad_total(layer);
  return layer->padding == FR__PAD_SAME ? total / 2 : total;
}

static fr__span span(const fr__layer *layer) {
  return (fr__span){.extent = fr__conv1d_extent(layer),
                    .stride = layer->stride,
                    .left = fr__conv1d_pad_left(layer)};
}

/* Steps of the output for `steps` of the input. */
static size_t length(const fr__layer *layer, size_t steps) {
  const size_t needed = layer->padding == FR__PAD_NONE ? fr__conv1d_extent(layer) : 1;
  return steps < needed ? 0 : (steps - needed) / layer->stride + 1;
}

static enum fr_status check_shape(const fr__layer *layer, fr_error *err) {
  const size_t steps = layer->in.steps, channels = layer->in.channels;
  if (channels % layer->groups != 0 || layer->units % layer->groups != 0)
    return fr__layer_fail(layer, err,
                          "%zu channels to %zu cannot be parted into %zu groups",
                          channels, layer->units, layer->groups);
  if (layer->padding == FR__PAD_NONE && fr__conv1d_extent(layer) > steps) {
    if (layer->dilation > 1)
      return fr__layer_fail(layer, err,
                            "width %zu at dilation %zu exceeds the %zu steps it is given",
                            layer->width, layer->dilation, steps);
    return fr__layer_fail(layer, err, "width %zu exceeds the %zu steps it is given",
                          layer->width, steps);
  }
  if (layer->padding != FR__PAD_NONE &&
      steps + fr__conv1d_extent(layer) > FR__ELEMENT_CEILING / channels)
    return fr__layer_fail(layer, err, "its padded input is too large");
  return FR_OK;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  const enum fr_status status = check_shape(layer, err);
  if (status == FR_OK)
    layer->out = (fr_shape){length(layer, layer->in.steps), layer->units};
  return status;
}

/* Channels that one group takes and makes. */
size_t fr__conv1d_group_in(const fr__layer *layer) {
  return layer->in.channels / layer->groups;
}

size_t fr__conv1d_group_out(const fr__layer *layer) {
  return layer->units / layer->groups;
}

static bool is_depthwise(const fr__layer *layer) {
  return layer->groups > 1 && fr__conv1d_group_in(layer) == 1;
}

/* Depthwise there is no product. */
static bool rectifies(const fr__layer *layer) { return !is_depthwise(layer); }

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  need[0] = (fr__tensor_need){
      "weight", 3, {layer->width, fr__conv1d_group_in(layer), layer->units}, true};
  need[1] = (fr__tensor_need){"bias", 1, {layer->units}, true};
  return 2;
}

static uint64_t operations(const fr__layer *layer) {
  return 2 * (uint64_t)layer->width * fr__conv1d_group_in(layer) *
         fr__shape_elements(layer->out);
}

/* Steps of the input with its margins. */
static size_t padded_steps(const fr__layer *layer) {
  return layer->in.steps + fr__conv1d_pad_total(layer);
}

/* The padded input (B, left + T + right, C), whose margins stay the zeros of the arena;
 * in front of it what the way back needs: the sums of a depthwise convolution (channels),
 * or the weights turned round. */
static size_t back_floats(const fr__layer *layer, bool train) {
  if (!train)
    return 0;
  if (is_depthwise(layer))
    return layer->units;
  return fr__conv1d_turns(layer) ? layer->width * layer->in.channels * layer->units : 0;
}

static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  const size_t padded = batch * padded_steps(layer) * layer->in.channels;
  return back_floats(layer, train) + (fr__conv1d_pad_total(layer) > 0 ? padded : 0);
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  const fr_tensor *weight = &layer->tensor[0];
  fr__init_weights(weight->value, weight->count, weight->shape[0] * weight->shape[1],
                   weight->shape[0] * fr__conv1d_group_out(layer), rectified, rng);
}

static float *padded_input(const fr__layer *layer) {
  return layer->workspace + back_floats(layer, layer->kept);
}

/* What the product reads: the input itself, or its padded copy. */
const float *fr__conv1d_source(const fr__layer *layer) {
  return fr__conv1d_pad_total(layer) > 0 ? padded_input(layer) : layer->x;
}

size_t fr__conv1d_source_stride(const fr__layer *layer) {
  return padded_steps(layer) * layer->in.channels;
}

static void pad_input(const fr__layer *layer, size_t batch) {
  const size_t sample = fr__shape_elements(layer->in),
               padded = fr__conv1d_source_stride(layer);
  float *to = padded_input(layer) + fr__conv1d_pad_left(layer) * layer->in.channels;
  for (size_t b = 0; b < batch; b++)
    memcpy(to + b * padded, layer->x + b * sample, sample * sizeof(float));
}

/* ---- both ---- */

static void forward(fr__layer *layer, const fr__pass *pass) {
  if (fr__conv1d_pad_total(layer) > 0)
    pad_input(layer, pass->batch);
  if (is_depthwise(layer))
    fr__depthwise_forward(layer, pass);
  else
    fr__conv1d_forward(layer, pass);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  fr__column_sum(pass->kern, dy, pass->batch * layer->out.steps, layer->units,
                 layer->tensor[1].gradient);
  if (is_depthwise(layer))
    fr__depthwise_weight(layer, pass, dy);
  else
    fr__conv1d_weight(layer, pass, dy);
  if (!dx)
    return;
  if (is_depthwise(layer))
    fr__depthwise_input(layer, pass, dy, dx);
  else
    fr__conv1d_input(layer, pass, dy, dx);
}

const fr__layer_ops fr__layer_conv1d = {
    .name = "conv1d",
    .usage = "conv1d(channels,width[,stride][,dilation=D][,groups=G]"
             "[,pad=same|causal|none])",
    .place = FR__PLACE_NEW,
    .takes_sequence = true,
    .flow = FR__FLOW_SPANS,
    .span = span,
    .parse = parse,
    .shape = shape,
    .tensors = tensors,
    .operations = operations,
    .length = length,
    .workspace = workspace,
    .init = init,
    .rectifies = rectifies,
    .operands = fr__conv1d_operands,
    .forward = forward,
    .backward = backward,
};
