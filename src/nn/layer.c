/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layer families, and what they share. */
#include "nn/layer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "nn/chain.h"

static const fr__layer_ops *const families[] = {
    &fr__layer_dense,          &fr__layer_conv1d,
    &fr__layer_lstm,           &fr__layer_gru,
    &fr__layer_attention,      &fr__layer_maxpool,
    &fr__layer_avgpool,        &fr__layer_bn,
    &fr__layer_layernorm,      &fr__layer_dropout,
    &fr__layer_spatialdropout, &fr__layer_relu,
    &fr__layer_leaky,          &fr__layer_gelu,
    &fr__layer_hardswish,      &fr__layer_sigmoid,
    &fr__layer_tanh,           &fr__layer_softmax,
    &fr__layer_flatten,        &fr__layer_residual,
    &fr__layer_parallel,
};

#define FAMILY_COUNT (sizeof families / sizeof families[0])

/* Put into networks by the library while it trains them, and taken out again. */
static const fr__layer_ops *const inner = &fr__layer_fakequant;

const fr__layer_ops *fr__layer_find(const char *name) {
  for (size_t i = 0; i < FAMILY_COUNT; i++)
    if (strcmp(families[i]->name, name) == 0)
      return families[i];
  return strcmp(inner->name, name) == 0 ? inner : NULL;
}

void fr__layer_names(char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < FAMILY_COUNT && used < size; i++) {
    const int n =
        snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", families[i]->name);
    used += n > 0 ? (size_t)n : 0;
  }
}

enum fr_status fr__layer_fail(const fr__layer *layer, fr_error *err, const char *format,
                              ...) {
  char why[320];
  va_list list;
  va_start(list, format);
  (void)vsnprintf(why, sizeof why, format, list);
  va_end(list);
  char where[8 * FR__LAYER_DEPTH * 8];
  size_t used = 0;
  for (size_t i = 0; i < layer->path.count; i++)
    used += (size_t)snprintf(where + used, sizeof where - used, "%s%zu", i > 0 ? "." : "",
                             layer->path.number[i] + 1);
  return fr__fail(err, FR_ERR_FORMAT, "layer %s '%.96s': %s", where, layer->text, why);
}

void fr__layer_set_text(fr__layer *layer, const char *format, ...) {
  va_list list;
  va_start(list, format);
  (void)vsnprintf(layer->text, sizeof layer->text, format, list);
  va_end(list);
}

enum fr_status fr__branches_text(fr__layer *layer, fr_error *err) {
  fr__buf buf;
  fr__buf_init(&buf, 0);
  fr__buf_printf(&buf, "%s(", layer->ops->name);
  for (size_t b = 0; b < layer->branch_count; b++) {
    fr__buf_add(&buf, b > 0 ? " | " : "");
    fr__chain_text(&layer->branch[b], &buf);
  }
  fr__buf_add(&buf, ")");
  enum fr_status status = buf.status;
  if (status != FR_OK)
    status = fr__fail_memory(err, "the text of a branch");
  else if (buf.length >= sizeof layer->text)
    status = fr__layer_fail(layer, err, "its text is longer than %d bytes",
                            FR__LAYER_TEXT - 1);
  else
    memcpy(layer->text, buf.text, buf.length + 1);
  fr__buf_release(&buf);
  return status;
}

size_t fr__shape_elements(fr_shape shape) { return shape.steps * shape.channels; }

enum fr_status fr__layer_parse_bare(fr__layer *layer, const fr__arguments *arguments,
                                    fr_error *err) {
  const enum fr_status status = fr__arguments_between(arguments, 0, 0, err);
  if (status == FR_OK)
    fr__layer_set_text(layer, "%s", layer->ops->name);
  return status;
}

enum fr_status fr__layer_parse_epsilon(fr__layer *layer, const fr__arguments *arguments,
                                       fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 0, 1, err);
  layer->epsilon = FR__EPSILON;
  if (status == FR_OK && arguments->count == 1)
    status = fr__argument_number(arguments, 0, "epsilon", 1e-12, 1, &layer->epsilon, err);
  if (status != FR_OK)
    return status;
  if (layer->epsilon == FR__EPSILON)
    fr__layer_set_text(layer, "%s", layer->ops->name);
  else
    fr__layer_set_text(layer, "%s(%.7g)", layer->ops->name, (double)layer->epsilon);
  return FR_OK;
}

const fr__sparse *fr__layer_sparse(const fr__layer *layer, size_t operand) {
  return layer->sparse[operand].begin != NULL ? &layer->sparse[operand] : NULL;
}

uint64_t fr__layer_operations(const fr__layer *layer) {
  fr__gemm operand[FR__LAYER_OPERANDS];
  uint64_t operations = layer->ops->operations(layer);
  const size_t count = layer->ops->operands ? layer->ops->operands(layer, operand) : 0;
  for (size_t i = 0; i < count; i++) {
    const uint64_t calls = operand[i].batch > 0 ? operand[i].batch : 1;
    const uint64_t all = (uint64_t)operand[i].n * operand[i].k;
    if (layer->sparse[i].begin != NULL)
      operations -= 2 * operand[i].m * calls * (all - layer->sparse[i].numbers);
  }
  return operations;
}

uint64_t fr__layer_operations_each(const fr__layer *layer) {
  return fr__shape_elements(layer->out);
}

void fr__init_weights(float *value, size_t count, size_t fan_in, size_t fan_out,
                      bool rectified, fr__rng *rng) {
  if (rectified) { /* He et al. 2015, equation 10: variance 2 / fan_in */
    const double deviation = sqrt(2.0 / (double)fan_in);
    for (size_t i = 0; i < count; i++)
      value[i] = (float)(deviation * fr__rng_normal(rng));
    return;
  }
  /* Glorot and Bengio 2010, equation 16 */
  const double bound = sqrt(6.0 / ((double)fan_in + (double)fan_out));
  for (size_t i = 0; i < count; i++)
    value[i] = (float)(bound * (2.0 * fr__rng_uniform(rng) - 1.0));
}

bool fr__layer_is_random(const fr__layer *layer) {
  for (size_t b = 0; b < layer->branch_count; b++)
    for (size_t i = 0; i < layer->branch[b].count; i++)
      if (fr__layer_is_random(&layer->branch[b].layer[i]))
        return true;
  return layer->ops->random;
}
