/* SPDX-License-Identifier: Apache-2.0 */
/* From values' ranges to operations in integers: all but products and recurrences. */
#include "nn/int8_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define SHIFT_CEILING 50

/* ---- integers for real factors ---- */

void *fr__int8_constants(fr_int8 *made, size_t count, size_t size) {
  void *array = calloc(count > 0 ? count : 1, size);
  void **more = realloc(made->array, (made->array_count + 1) * sizeof *more);
  if (more)
    made->array = more;
  if (!array || !more) {
    free(array);
    return NULL;
  }
  made->array[made->array_count++] = array;
  made->constants += count * size;
  return array;
}

int32_t fr__int8_shift(double greatest) {
  int exponent = 0;
  (void)frexp(greatest, &exponent);
  const int shift = 30 - exponent;
  return greatest <= 0 || shift > SHIFT_CEILING ? SHIFT_CEILING : shift < 1 ? 1 : shift;
}

static double clamp(double x, double size) { return fmax(-size, fmin(x, size)); }

int32_t fr__int8_mul(double m, int32_t shift) {
  return (int32_t)lround(clamp(ldexp(m, shift), ldexp(1, 30)));
}

int64_t fr__int8_add(double b, int32_t shift) {
  return (int64_t)llround(clamp(ldexp(b, shift), ldexp(1, 60))) +
         ((int64_t)1 << (shift - 1));
}

enum fr_status fr__int8_affine_new(fr__int8_build *build, size_t count, const double *m,
                                   const double *b, fr__int8_affine_form *out,
                                   fr_error *err) {
  double greatest = 0;
  for (size_t i = 0; i < count; i++)
    greatest = fmax(greatest, fabs(m[i]));
  out->shift = fr__int8_shift(greatest);
  out->mul = fr__int8_constants(build->made, count, sizeof *out->mul);
  out->add = fr__int8_constants(build->made, count, sizeof *out->add);
  if (!out->mul || !out->add)
    return fr__fail_memory(err, "the integers of a layer");
  for (size_t i = 0; i < count; i++) {
    out->mul[i] = fr__int8_mul(m[i], out->shift);
    out->add[i] = fr__int8_add(b[i], out->shift);
  }
  return FR_OK;
}

/* ---- scales ---- */

static fr__int8_scale asymmetric(fr__int8_range range) {
  const double width = (double)range.high - (double)range.low;
  if (width <= 0)
    return (fr__int8_scale){1, 0};
  const double scale = width / 255;
  return (fr__int8_scale){scale, (int32_t)lround(-128 - (double)range.low / scale)};
}

fr__int8_scale fr__int8_symmetric(float size) {
  return (fr__int8_scale){size > 0 ? (double)size / 127 : 1, 0};
}

/* A pool of greatest numbers keeps the scale of its input, a softmax has its own. */
static void set_scales(fr__int8_build *build, const fr__int8_range *range) {
  const fr__program *program = build->program;
  for (size_t v = 0; v < program->value_count; v++)
    build->scale[v] = asymmetric(range[v]);
  for (size_t s = 0; s < program->step_count; s++) {
    const fr__program_step *step = &program->step[s];
    if (step->kind == FR__PROGRAM_LAYER && fr__layer_named(step->layer, "maxpool"))
      build->scale[step->out] = build->scale[step->in];
    if (step->kind == FR__PROGRAM_LAYER && fr__layer_named(step->layer, "softmax"))
      build->scale[step->out] = (fr__int8_scale){1.0 / 256, -128};
  }
}

/* ---- operations ---- */

static const char *kind_text(const fr__program_step *step) {
  static const char *const texts[] = {[FR__PROGRAM_LAYER] = "",
                                      [FR__PROGRAM_SHORTCUT] = "shortcut of ",
                                      [FR__PROGRAM_ADD] = "sum of ",
                                      [FR__PROGRAM_PLACE] = "columns of "};
  return texts[step->kind];
}

fr__int8_op *fr__int8_op_new(fr__int8_build *build, enum fr__int8_kind kind) {
  fr_int8 *made = build->made;
  const fr__program_step *step = build->step;
  const fr__layer *layer = step->layer;
  if (made->op_count == made->op_capacity) {
    const size_t capacity = made->op_capacity > 0 ? 2 * made->op_capacity : 16;
    fr__int8_op *op = realloc(made->op, capacity * sizeof *op);
    if (!op)
      return NULL;
    made->op = op;
    made->op_capacity = capacity;
  }
  fr__int8_op *op = &made->op[made->op_count++];
  *op = (fr__int8_op){.kind = kind,
                      .in = build->program->value[step->in].offset,
                      .other = build->program->value[step->other].offset,
                      .out = build->program->value[step->out].offset};
  fr__layer_number(layer, op->number, sizeof op->number);
  (void)snprintf(op->note, sizeof op->note, "%s%.80s%s%s: (%zu, %zu) -> (%zu, %zu)",
                 kind_text(step), layer->text, step->bn ? " bn" : "",
                 step->relu ? " relu" : "", layer->in.steps, layer->in.channels,
                 layer->out.steps, layer->out.channels);
  return op;
}

static enum fr_status no_memory(fr_error *err) {
  return fr__fail_memory(err, "the operations of int8");
}

enum fr_status fr__int8_too_wide(const fr__layer *layer, fr_error *err) {
  return fr__fail(err, FR_ERR_UNSUPPORTED,
                  "layer '%.96s' is too wide for the sums of int8 inference",
                  layer->text);
}

static fr__int8_scale scale_in(const fr__int8_build *build) {
  return build->scale[build->step->in];
}

static fr__int8_scale scale_out(const fr__int8_build *build) {
  return build->scale[build->step->out];
}

/* What one number of `in` brings to `out`: factor (q - zero), as m q + b. */
static double share_of(fr__int8_scale in, fr__int8_scale out, double factor, double *b) {
  const double m = factor * in.scale / out.scale;
  *b -= m * in.zero;
  return m;
}

static enum fr_status build_add(fr__int8_build *build, fr_error *err) {
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_ADD);
  if (!op)
    return no_memory(err);
  const fr__int8_scale out = scale_out(build);
  double b = out.zero;
  const double m = share_of(scale_in(build), out, 1, &b);
  const double other = share_of(build->scale[build->step->other], out, 1, &b);
  const int32_t shift = fr__int8_shift(fmax(m, other));
  op->of.add =
      (struct fr__int8_add){.count = (int32_t)fr__shape_elements(build->step->layer->out),
                            .mul = fr__int8_mul(m, shift),
                            .mul_other = fr__int8_mul(other, shift),
                            .shift = shift,
                            .add = fr__int8_add(b, shift)};
  return FR_OK;
}

static enum fr_status build_place(fr__int8_build *build, fr_error *err) {
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_PLACE);
  if (!op)
    return no_memory(err);
  const fr__layer *layer = build->step->layer;
  double b = scale_out(build).zero;
  const double m = share_of(scale_in(build), scale_out(build), 1, &b);
  const int32_t shift = fr__int8_shift(m);
  op->of.place = (struct fr__int8_place){.rows = (int32_t)layer->out.steps,
                                         .channels = (int32_t)build->step->channels,
                                         .out_channels = (int32_t)layer->out.channels,
                                         .column = (int32_t)build->step->column,
                                         .mul = fr__int8_mul(m, shift),
                                         .shift = shift,
                                         .add = fr__int8_add(b, shift)};
  return FR_OK;
}

static enum fr_status build_maxpool(fr__int8_build *build, fr_error *err) {
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_MAXPOOL);
  if (!op)
    return no_memory(err);
  const fr__layer *layer = build->step->layer;
  op->of.maxpool = (struct fr__int8_maxpool){.out_steps = (int32_t)layer->out.steps,
                                             .channels = (int32_t)layer->in.channels,
                                             .width = (int32_t)layer->width};
  return FR_OK;
}

static enum fr_status build_avgpool(fr__int8_build *build, fr_error *err) {
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_AVGPOOL);
  if (!op)
    return no_memory(err);
  const fr__layer *layer = build->step->layer;
  const fr__int8_scale in = scale_in(build), out = scale_out(build);
  const double m = in.scale / out.scale / (double)layer->width;
  const int32_t shift = fr__int8_shift(m);
  const double b = out.zero - m * (double)layer->width * in.zero;
  op->of.avgpool = (struct fr__int8_avgpool){.out_steps = (int32_t)layer->out.steps,
                                             .channels = (int32_t)layer->in.channels,
                                             .width = (int32_t)layer->width,
                                             .mul = fr__int8_mul(m, shift),
                                             .shift = shift,
                                             .add = fr__int8_add(b, shift)};
  return FR_OK;
}

static enum fr_status build_bn(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const size_t channels = layer->in.channels;
  double *m = build->work, *b = m + channels;
  for (size_t c = 0; c < channels; c++) {
    double shift;
    const double factor = fr__int8_bn(layer, c, &shift);
    b[c] = scale_out(build).zero + shift / scale_out(build).scale;
    m[c] = share_of(scale_in(build), scale_out(build), factor, &b[c]);
  }
  fr__int8_affine_form form;
  const enum fr_status status = fr__int8_affine_new(build, channels, m, b, &form, err);
  fr__int8_op *op = status == FR_OK ? fr__int8_op_new(build, FR__INT8_AFFINE) : NULL;
  if (!op)
    return status != FR_OK ? status : no_memory(err);
  op->of.affine = (struct fr__int8_affine){.mul = form.mul,
                                           .add = form.add,
                                           .rows = (int32_t)layer->in.steps,
                                           .channels = (int32_t)channels,
                                           .shift = form.shift};
  return FR_OK;
}

double fr__int8_bn(const fr__layer *bn, size_t c, double *shift) {
  const double deviation = sqrt((double)bn->tensor[3].value[c] + (double)bn->epsilon);
  const double factor = (double)bn->tensor[0].value[c] / deviation;
  *shift = (double)bn->tensor[1].value[c] - factor * (double)bn->tensor[2].value[c];
  return factor;
}

static enum fr_status build_layernorm(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const size_t channels = layer->in.channels;
  const fr__int8_scale out = scale_out(build);
  double *m = build->work, *b = m + channels;
  for (size_t c = 0; c < channels; c++) {
    m[c] = (double)layer->tensor[0].value[c] / out.scale / 65536;
    b[c] = out.zero + (double)layer->tensor[1].value[c] / out.scale;
  }
  fr__int8_affine_form form;
  const enum fr_status status = fr__int8_affine_new(build, channels, m, b, &form, err);
  fr__int8_op *op = status == FR_OK ? fr__int8_op_new(build, FR__INT8_LAYERNORM) : NULL;
  if (!op)
    return status != FR_OK ? status : no_memory(err);
  const double unit = (double)channels / scale_in(build).scale;
  op->of.layernorm = (struct fr__int8_layernorm){
      .mul = form.mul,
      .add = form.add,
      .epsilon =
          (uint64_t)llround(clamp((double)layer->epsilon * unit * unit, ldexp(1, 60))),
      .rows = (int32_t)layer->in.steps,
      .channels = (int32_t)channels,
      .shift = form.shift};
  return FR_OK;
}

static enum fr_status build_softmax(fr__int8_build *build, fr_error *err) {
  fr__int8_op *op = fr__int8_op_new(build, FR__INT8_SOFTMAX);
  if (!op)
    return no_memory(err);
  const double m = scale_in(build).scale * 256;
  const int32_t shift = fr__int8_shift(m);
  op->of.softmax =
      (struct fr__int8_softmax){.whole = build->made->tables.whole,
                                .part = build->made->tables.part,
                                .rows = (int32_t)build->step->layer->in.steps,
                                .channels = (int32_t)build->step->layer->in.channels,
                                .mul = fr__int8_mul(m, shift),
                                .shift = shift};
  return FR_OK;
}

/* ---- functions of one number: tables ---- */

static double relu(double x, double factor) {
  (void)factor;
  return fmax(x, 0);
}

static double leaky(double x, double factor) { return x > 0 ? x : factor * x; }

static double sigmoid(double x, double factor) {
  (void)factor;
  return 1 / (1 + exp(-x));
}

static double tanh_of(double x, double factor) {
  (void)factor;
  return tanh(x);
}

/* sqrt(2 / pi) = 0.7978845608 */
static double gelu(double x, double factor) {
  (void)factor;
  return x / 2 * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
}

static double hardswish(double x, double factor) {
  (void)factor;
  return x * fmin(fmax(x + 3, 0), 6) / 6;
}

static enum fr_status build_table(fr__int8_build *build, double (*f)(double, double),
                                  fr_error *err) {
  const fr__int8_scale in = scale_in(build), out = scale_out(build);
  int8_t *entry = fr__int8_constants(build->made, 256, 1);
  fr__int8_op *op = entry ? fr__int8_op_new(build, FR__INT8_TABLE) : NULL;
  if (!op)
    return no_memory(err);
  const fr__layer *layer = build->step->layer;
  for (int32_t q = -128; q < 128; q++) {
    const double y = f(in.scale * (q - in.zero), (double)layer->factor);
    entry[q + 128] = (int8_t)lround(fmax(-128, fmin(y / out.scale + out.zero, 127)));
  }
  op->of.table = (struct fr__int8_table){
      .table = entry, .count = (int32_t)fr__shape_elements(layer->out)};
  return FR_OK;
}

/* ---- families ---- */

typedef struct family {
  const char *name;
  enum fr_status (*build)(fr__int8_build *build, fr_error *err);
  double (*table)(double x, double factor); /* where build is NULL */
} family;

static const family families[] = {
    {"dense", fr__int8_build_dense, NULL},
    {"conv1d", fr__int8_build_conv1d, NULL},
    {"lstm", fr__int8_build_lstm, NULL},
    {"gru", fr__int8_build_gru, NULL},
    {"attention", fr__int8_build_attention, NULL},
    {"maxpool", build_maxpool, NULL},
    {"avgpool", build_avgpool, NULL},
    {"bn", build_bn, NULL},
    {"layernorm", build_layernorm, NULL},
    {"softmax", build_softmax, NULL},
    {"relu", NULL, relu},
    {"leaky", NULL, leaky},
    {"gelu", NULL, gelu},
    {"sigmoid", NULL, sigmoid},
    {"tanh", NULL, tanh_of},
    {"hardswish", NULL, hardswish},
};

static enum fr_status build_layer(fr__int8_build *build, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (fr__layer_named(layer, families[i].name))
      return families[i].build ? families[i].build(build, err)
                               : build_table(build, families[i].table, err);
  return fr__fail(err, FR_ERR_UNSUPPORTED, "layer '%.96s' has no form in integers",
                  layer->text);
}

static enum fr_status build_step(fr__int8_build *build, fr_error *err) {
  switch (build->step->kind) {
  case FR__PROGRAM_SHORTCUT: return fr__int8_build_shortcut(build, err);
  case FR__PROGRAM_ADD: return build_add(build, err);
  case FR__PROGRAM_PLACE: return build_place(build, err);
  default: return build_layer(build, err);
  }
}

/* ---- the whole ---- */

static void fill_tables(fr__int8_tables *tables) {
  for (int32_t i = 0; i <= 256; i++) {
    const double x = (i - 128) / 16.0;
    tables->sigmoid[i] = (int16_t)lround(fmin(32768 / (1 + exp(-x)), 32767));
    tables->tanh[i] = (int16_t)lround(fmin(32768 * tanh(x), 32767));
  }
  for (int32_t i = 0; i < 16; i++)
    tables->whole[i] = (uint16_t)lround(32768 * exp(-i));
  for (int32_t i = 0; i < 256; i++)
    tables->part[i] = (uint16_t)lround(32768 * exp(-i / 256.0));
}

/* Where the last step is a dense layer its sums are given out with 16 bits: classes that
 * are close are told apart. */
static void widen_output(fr__int8_build *build, fr__int8_range range) {
  fr_int8 *made = build->made;
  const fr__program *program = build->program;
  const fr__program_step *last =
      program->step_count > 0 ? &program->step[program->step_count - 1] : NULL;
  fr__int8_scale *out = &build->scale[program->output];
  made->wide = last && last->kind == FR__PROGRAM_LAYER && !last->relu &&
               fr__layer_named(last->layer, "dense") && last->out == program->output &&
               program->value[program->output].readers == 1;
  if (made->wide) { /* twice the range that was seen */
    const double size = fmax(-(double)range.low, (double)range.high);
    *out = (fr__int8_scale){size > 0 ? 2 * size / 32767 : 1, 0};
  }
  made->scale_out = (float)out->scale;
  made->zero_out = out->zero;
  made->output = program->value[program->output].offset;
}

enum fr_status fr__int8_build_all(fr__int8_build *build, const fr__int8_range *range,
                                  const fr__int8_inside *inside, fr_error *err) {
  fr_int8 *made = build->made;
  enum fr_status status = FR_OK;
  set_scales(build, range);
  widen_output(build, range[build->program->output]);
  made->factor_in = (float)(2 / build->scale[0].scale);
  made->zero_in = build->scale[0].zero;
  made->in = build->program->value[0].offset;
  made->buffer = build->program->buffer;
  fill_tables(&made->tables);
  for (size_t s = 0; s < build->program->step_count && status == FR_OK; s++) {
    build->step = &build->program->step[s];
    build->inside = &inside[build->step->source];
    status = build_step(build, err);
  }
  return status;
}
