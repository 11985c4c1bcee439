/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layer families, and what they share. */
#include "nn/layer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const fr__layer_ops *const families[] = {
    &fr__layer_dense,   &fr__layer_conv1d,  &fr__layer_lstm,    &fr__layer_maxpool,
    &fr__layer_avgpool, &fr__layer_bn,      &fr__layer_dropout, &fr__layer_relu,
    &fr__layer_leaky,   &fr__layer_gelu,    &fr__layer_sigmoid, &fr__layer_tanh,
    &fr__layer_softmax, &fr__layer_flatten,
};

#define FAMILY_COUNT (sizeof families / sizeof families[0])

const fr__layer_ops *fr__layer_find(const char *name) {
  for (size_t i = 0; i < FAMILY_COUNT; i++)
    if (strcmp(families[i]->name, name) == 0)
      return families[i];
  return NULL;
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
  return fr__fail(err, FR_ERR_FORMAT, "layer %zu '%s': %s", layer->number + 1,
                  layer->text, why);
}

void fr__layer_set_text(fr__layer *layer, const char *format, ...) {
  va_list list;
  va_start(list, format);
  (void)vsnprintf(layer->text, sizeof layer->text, format, list);
  va_end(list);
}

size_t fr__shape_elements(fr_shape shape) { return shape.steps * shape.channels; }

enum fr_status fr__layer_parse_bare(fr__layer *layer, const fr__arguments *arguments,
                                    fr_error *err) {
  const enum fr_status status = fr__arguments_between(arguments, 0, 0, err);
  if (status == FR_OK)
    fr__layer_set_text(layer, "%s", layer->ops->name);
  return status;
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
