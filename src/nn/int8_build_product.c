/* SPDX-License-Identifier: Apache-2.0 */
/* Products with weights: dense, conv1d, a residual layer's shortcut, attention. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "nn/int8_build.h"

/* Numbers in one sum: |x - zero| <= 255 and |w| <= 127 keep it below 2^31. */
#define SUM_CEILING ((size_t)1 << 16)
/* Steps whose shares, and channels whose scores, stay in 32 bits. */
#define ATTENTION_CEILING ((size_t)1 << 14)

int8_t *fr__int8_weights(fr_int8 *made, const float *from, size_t inputs, size_t outputs,
                         size_t ld, const double *factor, double *scale) {
  int8_t *weight = fr__int8_constants(made, inputs * outputs, 1);
  for (size_t o = 0; weight && o < outputs; o++) {
    const double f = factor ? factor[o] : 1;
    double greatest = 0;
    for (size_t i = 0; i < inputs; i++)
      greatest = fmax(greatest, fabs(f * (double)from[i * ld + o]));
    scale[o] = greatest / 127;
    for (size_t i = 0; i < inputs && greatest > 0; i++)
      weight[o * inputs + i] = (int8_t)lround(f * (double)from[i * ld + o] / scale[o]);
  }
  return weight;
}

/* What a product needs, for the step at hand. */
typedef struct product {
  const float *weight;        /* (inputs, outputs), ld floats a row */
  const float *bias;          /* (outputs); NULL: none */
  const fr__layer *bn;        /* folded in; NULL: none */
  size_t inputs, outputs, ld; /* numbers in one sum */
  fr__int8_scale in, out;
  const fr__int8_scale *parts; /* of `outputs / 3` outputs each, in the place of out */
} product;

typedef struct integers {
  int8_t *weight;
  fr__int8_affine_form form;
} integers;

static enum fr_status make(fr__int8_build *build, const product *p, integers *out,
                           fr_error *err) {
  double *m = build->work, *b = m + p->outputs, *factor = b + p->outputs;
  if (p->inputs > SUM_CEILING)
    return fr__int8_too_wide(build->step->layer, err);
  for (size_t o = 0; o < p->outputs; o++) {
    factor[o] = 1;
    b[o] = 0;
    if (p->bn)
      factor[o] = fr__int8_bn(p->bn, o, &b[o]);
    b[o] += p->bias ? factor[o] * (double)p->bias[o] : 0;
  }
  out->weight =
      fr__int8_weights(build->made, p->weight, p->inputs, p->outputs, p->ld, factor, m);
  if (!out->weight)
    return fr__fail_memory(err, "the weights of int8");
  for (size_t o = 0; o < p->outputs; o++) {
    const fr__int8_scale to = p->parts ? p->parts[o / (p->outputs / 3)] : p->out;
    m[o] *= p->in.scale / to.scale;
    b[o] = b[o] / to.scale + to.zero;
  }
  return fr__int8_affine_new(build, p->outputs, m, b, &out->form, err);
}

/* The product of the step at hand, from its one input value to its output. */
static product product_of(const fr__int8_build *build, const fr_tensor *tensor,
                          size_t inputs, size_t outputs) {
  return (product){.weight = tensor[0].value,
                   .inputs = inputs,
                   .outputs = outputs,
                   .ld = outputs,
                   .in = build->scale[build->step->in],
                   .out = build->scale[build->step->out]};
}

static enum fr_status no_memory(fr_error *err) {
  return fr__fail_memory(err, "the operations of int8");
}

enum fr_status fr__int8_build_dense(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const size_t inputs = fr__shape_elements(layer->in);
  const bool wide = build->made->wide && build->step->out == build->program->output;
  product p = product_of(build, layer->tensor, inputs, layer->units);
  p.bias = layer->tensor[1].value;
  p.bn = build->step->bn;
  integers n;
  const enum fr_status status = make(build, &p, &n, err);
  if (status != FR_OK)
    return status;
  fr__int8_op *op = fr__int8_op_new(build, wide ? FR__INT8_LOGITS : FR__INT8_DENSE);
  if (!op)
    return no_memory(err);
  const struct fr__int8_dense d = {.weight = n.weight,
                                   .mul = n.form.mul,
                                   .add = n.form.add,
                                   .inputs = (int32_t)inputs,
                                   .units = (int32_t)layer->units,
                                   .zero = p.in.zero,
                                   .shift = n.form.shift};
  if (wide)
    op->of.logits = (struct fr__int8_logits){d.weight, d.mul,  d.add,  d.inputs,
                                             d.units,  d.zero, d.shift};
  else
    op->of.dense = d;
  return FR_OK;
}

/* Over the input of the layer, one output a step. */
static enum fr_status add_conv1d(fr__int8_build *build, const product *p,
                                 struct fr__int8_conv1d shape, fr_error *err) {
  integers n;
  const enum fr_status status = make(build, p, &n, err);
  if (status != FR_OK)
    return status;
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_CONV1D);
  if (!op)
    return no_memory(err);
  const fr__layer *layer = build->step->layer;
  op->of.conv1d = shape;
  op->of.conv1d.weight = n.weight;
  op->of.conv1d.mul = n.form.mul;
  op->of.conv1d.add = n.form.add;
  op->of.conv1d.steps = (int32_t)layer->in.steps;
  op->of.conv1d.channels = (int32_t)layer->in.channels;
  op->of.conv1d.out_steps = (int32_t)layer->out.steps;
  op->of.conv1d.units = (int32_t)p->outputs;
  op->of.conv1d.zero = p->in.zero;
  op->of.conv1d.shift = n.form.shift;
  return FR_OK;
}

enum fr_status fr__int8_build_conv1d(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const size_t inputs = layer->width * (layer->in.channels / layer->groups);
  product p = product_of(build, layer->tensor, inputs, layer->units);
  p.bias = layer->tensor[1].value;
  p.bn = build->step->bn;
  const struct fr__int8_conv1d shape = {.width = (int32_t)layer->width,
                                        .stride = (int32_t)layer->stride,
                                        .dilation = (int32_t)layer->dilation,
                                        .groups = (int32_t)layer->groups,
                                        .left = (int32_t)fr__conv1d_left(layer)};
  return add_conv1d(build, &p, shape, err);
}

enum fr_status fr__int8_build_shortcut(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const product p =
      product_of(build, layer->tensor, layer->in.channels, layer->out.channels);
  const struct fr__int8_conv1d shape = {
      .width = 1, .stride = 1, .dilation = 1, .groups = 1};
  return add_conv1d(build, &p, shape, err);
}

/* ---- attention ---- */

static void set_attention(fr__int8_build *build, const integers *qkv,
                          const integers *output, const fr__int8_scale *parts,
                          fr__int8_scale gathered, struct fr__int8_attention *a) {
  const fr__layer *layer = build->step->layer;
  const double width = (double)(layer->in.channels / layer->heads);
  const double score = parts[0].scale * parts[1].scale / sqrt(width) * 256;
  const double gather = parts[2].scale / gathered.scale / 65536;
  *a = (struct fr__int8_attention){.weight = qkv->weight,
                                   .mul = qkv->form.mul,
                                   .add = qkv->form.add,
                                   .output = output->weight,
                                   .mul_output = output->form.mul,
                                   .add_output = output->form.add,
                                   .whole = build->made->tables.whole,
                                   .part = build->made->tables.part,
                                   .steps = (int32_t)layer->in.steps,
                                   .channels = (int32_t)layer->in.channels,
                                   .heads = (int32_t)layer->heads,
                                   .zero = build->scale[build->step->in].zero,
                                   .shift = qkv->form.shift,
                                   .shift_output = output->form.shift,
                                   .shift_score = fr__int8_shift(score),
                                   .shift_gather = fr__int8_shift(gather)};
  a->mul_score = fr__int8_mul(score, a->shift_score);
  a->mul_gather = fr__int8_mul(gather, a->shift_gather);
}

enum fr_status fr__int8_build_attention(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const size_t channels = layer->in.channels, steps = layer->in.steps;
  if (channels > ATTENTION_CEILING || steps > ATTENTION_CEILING)
    return fr__int8_too_wide(layer, err);
  const float *size = build->inside->size;
  const fr__int8_scale parts[3] = {fr__int8_symmetric(size[FR__INSIDE_Q]),
                                   fr__int8_symmetric(size[FR__INSIDE_K]),
                                   fr__int8_symmetric(size[FR__INSIDE_V])};
  const fr__int8_scale gathered = fr__int8_symmetric(size[FR__INSIDE_GATHERED]);
  product p = product_of(build, layer->tensor, channels, 3 * channels);
  p.bias = layer->tensor[1].value;
  p.parts = parts;
  product q = product_of(build, layer->tensor + 2, channels, channels);
  q.bias = layer->tensor[3].value;
  q.in = gathered;
  integers qkv, output;
  enum fr_status status = make(build, &p, &qkv, err);
  if (status == FR_OK)
    status = make(build, &q, &output, err);
  if (status != FR_OK)
    return status;
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_ATTENTION);
  if (!op)
    return no_memory(err);
  set_attention(build, &qkv, &output, parts, gathered, &op->of.attention);
  const size_t room = (3 * steps + 1) * channels;
  fr_int8 *made = build->made;
  made->room8 = room > made->room8 ? room : made->room8;
  made->room32 = steps > made->room32 ? steps : made->room32;
  return FR_OK;
}
