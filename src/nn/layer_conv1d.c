/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv1d(channels,width[,stride][,pad=same|causal|none]), W (width, in, out):
 *
 *   y[t] = b + Σ_w x[t stride + w - left] W[w]
 *
 * Channels lie last, so that the `width` steps that one output sees are one run of width
 * * C floats: the convolution is a product whose rows of A overlap, without a copy.
 */
#include <string.h>

#include "nn/layer.h"

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
  const bool plain = layer->padding == FR__PAD_NONE && layer->path.count == 1;
  const char *pad = plain ? "" : pads[layer->padding];
  if (layer->stride == 1)
    fr__layer_set_text(layer, "conv1d(%zu,%zu%s)", layer->units, layer->width, pad);
  else
    fr__layer_set_text(layer, "conv1d(%zu,%zu,%zu%s)", layer->units, layer->width,
                       layer->stride, pad);
}

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 2, 4, err);
  if (status == FR_OK)
    status =
        fr__argument_count(arguments, 0, "the count of channels", &layer->units, err);
  if (status == FR_OK)
    status = fr__argument_count(arguments, 1, "width", &layer->width, err);
  size_t next = 2;
  layer->stride = 1;
  layer->padding = default_padding(layer);
  if (status == FR_OK && next < arguments->count &&
      !padding_word(arguments->text[next], &layer->padding))
    status = fr__argument_count(arguments, next, "stride", &layer->stride, err);
  next++;
  if (status == FR_OK && next < arguments->count &&
      !padding_word(arguments->text[next], &layer->padding))
    status = fr__layer_fail(layer, err, "padding '%s' is not same, causal or none",
                            arguments->text[next]);
  if (status == FR_OK)
    normal_form(layer);
  return status;
}

/* Steps of zeros in front of the sequence and behind it. */
static size_t pad_total(const fr__layer *layer) {
  if (layer->padding == FR__PAD_NONE)
    return 0;
  if (layer->padding == FR__PAD_CAUSAL)
    return layer->width - 1;
  const size_t reach = (layer->out.steps - 1) * layer->stride + layer->width;
  return reach > layer->in.steps ? reach - layer->in.steps : 0;
}

static size_t pad_left(const fr__layer *layer) {
  const size_t total = pad_total(layer);
  return layer->padding == FR__PAD_SAME ? total / 2 : total;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  const size_t steps = layer->in.steps;
  if (layer->padding == FR__PAD_NONE && layer->width > steps)
    return fr__layer_fail(layer, err, "width %zu exceeds the %zu steps it is given",
                          layer->width, steps);
  const size_t places = layer->padding == FR__PAD_NONE ? steps - layer->width : steps - 1;
  layer->out = (fr_shape){places / layer->stride + 1, layer->units};
  return FR_OK;
}

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  need[0] = (fr__tensor_need){
      "weight", 3, {layer->width, layer->in.channels, layer->units}, true};
  need[1] = (fr__tensor_need){"bias", 1, {layer->units}, true};
  return 2;
}

static uint64_t operations(const fr__layer *layer) {
  return 2 * (uint64_t)layer->width * layer->in.channels * fr__shape_elements(layer->out);
}

/* The padded input (B, left + T + right, C), whose margins stay the zeros of the arena.
 */
static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  (void)train;
  const size_t total = pad_total(layer);
  return total > 0 ? batch * (layer->in.steps + total) * layer->in.channels : 0;
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  const fr_tensor *weight = &layer->tensor[0];
  fr__init_weights(weight->value, weight->count, weight->shape[0] * weight->shape[1],
                   weight->shape[0] * weight->shape[2], rectified, rng);
}

/* What the product reads: the input itself, or its padded copy. */
static const float *source(const fr__layer *layer) {
  return layer->workspace ? layer->workspace : layer->x;
}

static size_t source_stride(const fr__layer *layer) {
  return (layer->in.steps + pad_total(layer)) * layer->in.channels;
}

static void pad_input(fr__layer *layer, size_t batch) {
  const size_t sample = fr__shape_elements(layer->in), padded = source_stride(layer);
  float *to = layer->workspace + pad_left(layer) * layer->in.channels;
  for (size_t b = 0; b < batch; b++)
    memcpy(to + b * padded, layer->x + b * sample, sample * sizeof(float));
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  if (layer->workspace)
    pad_input(layer, pass->batch);
  const fr__gemm product = {.m = layer->out.steps,
                            .n = layer->units,
                            .k = layer->width * layer->in.channels,
                            .a = source(layer),
                            .lda = layer->stride * layer->in.channels,
                            .b = layer->tensor[0].value,
                            .ldb = layer->units,
                            .c = layer->y,
                            .ldc = layer->units,
                            .bias = layer->tensor[1].value,
                            .batch = pass->batch,
                            .stride_a = source_stride(layer),
                            .stride_c = fr__shape_elements(layer->out)};
  fr__gemm_run(pass->kern, &product);
}

/* dW = Σ_b A_b^T dy_b with the overlapping rows of the forward product */
static void backward_weight(const fr__layer *layer, const fr__pass *pass,
                            const float *dy) {
  const fr__gemm product = {.m = layer->width * layer->in.channels,
                            .n = layer->units,
                            .k = layer->out.steps,
                            .a = source(layer),
                            .lda = layer->stride * layer->in.channels,
                            .trans_a = true,
                            .b = dy,
                            .ldb = layer->units,
                            .c = layer->tensor[0].gradient,
                            .ldc = layer->units,
                            .batch = pass->batch,
                            .stride_a = source_stride(layer),
                            .stride_b = fr__shape_elements(layer->out)};
  fr__gemm_run(pass->kern, &product);
}

/* The outputs t in [low, high) for which t s + w - left falls inside the input. */
static void reach(const fr__layer *layer, size_t w, size_t *low, size_t *high) {
  const size_t left = pad_left(layer), s = layer->stride, steps = layer->in.steps;
  *low = w >= left ? 0 : (left - w + s - 1) / s;
  *high = steps + left > w ? (steps + left - w - 1) / s + 1 : 0;
  if (*high > layer->out.steps)
    *high = layer->out.steps;
}

/* dx[t s + w - left] += dy[t] W[w]^T, one product for each w; what is padding is left
 * out. */
static void backward_input(const fr__layer *layer, const fr__pass *pass, const float *dy,
                           float *dx) {
  const size_t channels = layer->in.channels, units = layer->units;
  const size_t sample = fr__shape_elements(layer->in);
  memset(dx, 0, pass->batch * sample * sizeof(float));
  for (size_t w = 0; w < layer->width; w++) {
    size_t low, high;
    reach(layer, w, &low, &high);
    if (low >= high)
      continue;
    const size_t first = low * layer->stride + w - pad_left(layer);
    const fr__gemm product = {.m = high - low,
                              .n = channels,
                              .k = units,
                              .a = dy + low * units,
                              .lda = units,
                              .b = layer->tensor[0].value + w * channels * units,
                              .ldb = units,
                              .trans_b = true,
                              .c = dx + first * channels,
                              .ldc = layer->stride * channels,
                              .accumulate = true,
                              .batch = pass->batch,
                              .stride_a = fr__shape_elements(layer->out),
                              .stride_c = sample};
    fr__gemm_run(pass->kern, &product);
  }
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  backward_weight(layer, pass, dy);
  fr__column_sum(pass->kern, dy, pass->batch * layer->out.steps, layer->units,
                 layer->tensor[1].gradient);
  if (dx)
    backward_input(layer, pass, dy, dx);
}

const fr__layer_ops fr__layer_conv1d = {
    .name = "conv1d",
    .usage = "conv1d(channels,width[,stride][,pad=same|causal|none])",
    .place = FR__PLACE_NEW,
    .takes_sequence = true,
    .parse = parse,
    .shape = shape,
    .tensors = tensors,
    .operations = operations,
    .workspace = workspace,
    .init = init,
    .forward = forward,
    .backward = backward,
};
