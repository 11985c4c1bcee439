/* SPDX-License-Identifier: Apache-2.0 */
/* A program's steps as constants and calls, float32. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/export_c.h"

/* The step at hand. */
typedef struct stage {
  fr__csource *c;
  const fr__program *program;
  const fr__program_step *step;
  const fr__layer *layer;
  char name[FR__C_NAME]; /* "layer_3" */
} stage;

static const float *tensor(const stage *s, size_t index) {
  return s->layer->tensor[index].value;
}

/* "values + 128" */
static void add_value(const stage *s, size_t value) {
  fr__buf_printf(&s->c->calls, "values + %zu", s->program->value[value].offset);
}

/* "  function(&layer_3, values + 0, values + 128" */
static void begin_call(const stage *s, const char *function, bool told) {
  fr__buf_printf(&s->c->calls, "  %s(", function);
  if (told)
    fr__buf_printf(&s->c->calls, "&%s, ", s->name);
  add_value(s, s->step->in);
  fr__buf_add(&s->c->calls, ", ");
  if (s->step->kind == FR__PROGRAM_ADD) {
    add_value(s, s->step->other);
    fr__buf_add(&s->c->calls, ", ");
  }
  add_value(s, s->step->out);
}

static void end_call(const stage *s) { fr__buf_add(&s->c->calls, ");\n"); }

static void call(const stage *s, const char *function) {
  begin_call(s, function, true);
  end_call(s);
}

static void call_with_room(const stage *s, const char *function, size_t floats) {
  begin_call(s, function, true);
  fr__buf_add(&s->c->calls, ", room");
  end_call(s);
  s->c->room = floats > s->c->room ? floats : s->c->room;
}

/* "static const struct conv1d layer_3 = {" */
static fr__buf *begin_struct(const stage *s, const char *type) {
  fr__buf_printf(&s->c->constants, "static const struct %s %s = {", type, s->name);
  return &s->c->constants;
}

/* ---- products ---- */

static void emit_dense(stage *s) {
  const fr__layer *l = s->layer;
  const size_t inputs = fr__shape_elements(l->in);
  fr__c_floats_turned(s->c, s->name, "weight", tensor(s, 0), inputs, l->units);
  fr__c_floats(s->c, s->name, "bias", tensor(s, 1), l->units);
  fr__buf_printf(begin_struct(s, "dense"),
                 "\n    %s_weight, %s_bias, .inputs = %zu, .units = %zu};\n\n", s->name,
                 s->name, inputs, l->units);
  call(s, "dense");
}

static void tell_conv1d(stage *s, size_t width, size_t stride, size_t dilation,
                        size_t groups, size_t left) {
  const fr__layer *l = s->layer;
  fr__buf_printf(begin_struct(s, "conv1d"),
                 "\n    %s_weight, %s_bias,\n    .steps = %zu, .channels = %zu, "
                 ".out_steps = %zu, .units = %zu,\n    .width = %zu, .stride = %zu, "
                 ".dilation = %zu, .groups = %zu, .left = %zu};\n\n",
                 s->name, s->name, l->in.steps, l->in.channels, l->out.steps,
                 l->out.channels, width, stride, dilation, groups, left);
  call(s, "conv1d");
}

static void emit_conv1d(stage *s) {
  const fr__layer *l = s->layer;
  const size_t inputs = l->width * (l->in.channels / l->groups);
  fr__c_floats_turned(s->c, s->name, "weight", tensor(s, 0), inputs, l->units);
  fr__c_floats(s->c, s->name, "bias", tensor(s, 1), l->units);
  tell_conv1d(s, l->width, l->stride, l->dilation, l->groups, fr__conv1d_left(l));
}

static void emit_shortcut(stage *s) {
  const size_t outputs = s->layer->out.channels;
  fr__c_floats_turned(s->c, s->name, "weight", tensor(s, 0), s->layer->in.channels,
                      outputs);
  fr__buf_printf(&s->c->constants, "static const float %s_bias[%zu] = {0};\n", s->name,
                 outputs);
  s->c->bytes += outputs * sizeof(float);
  fr__c_need(s->c, "conv1d");
  tell_conv1d(s, 1, 1, 1, 1, 0);
}

/* ---- recurrent layers, attention ---- */

/* From tensor `first` on: weight, recurrent, bias, of a gru bias_h. */
static void emit_direction(stage *s, size_t gates, bool apart, bool reverse) {
  const fr__layer *l = s->layer;
  const char *type = l->ops->name;
  const size_t all = gates * l->units, first = reverse ? (apart ? 4 : 3) : 0;
  if (reverse)
    (void)snprintf(s->name + strlen(s->name), 16, "_reverse");
  fr__c_floats_turned(s->c, s->name, "weight", tensor(s, first), l->in.channels, all);
  fr__c_floats_turned(s->c, s->name, "recurrent", tensor(s, first + 1), l->units, all);
  fr__c_floats(s->c, s->name, "bias", tensor(s, first + 2), all);
  if (apart)
    fr__c_floats(s->c, s->name, "bias_h", tensor(s, first + 3), all);
  fr__buf_printf(begin_struct(s, type), "\n    %s_weight, %s_recurrent, %s_bias, ",
                 s->name, s->name, s->name);
  if (apart)
    fr__buf_printf(&s->c->constants, "%s_bias_h,", s->name);
  fr__buf_printf(&s->c->constants,
                 "\n    .steps = %zu, .channels = %zu, .units = %zu, .all = %d, "
                 ".reverse = %d,\n    .out_channels = %zu, .column = %zu};\n\n",
                 l->in.steps, l->in.channels, l->units, l->all, reverse, l->out.channels,
                 reverse ? l->units : 0);
  call_with_room(s, type, (apart ? 7 : 6) * l->units);
}

static void emit_lstm(stage *s) {
  emit_direction(s, 4, false, false);
  if (s->layer->both)
    emit_direction(s, 4, false, true);
}

static void emit_gru(stage *s) {
  emit_direction(s, 3, true, false);
  if (s->layer->both)
    emit_direction(s, 3, true, true);
}

static void emit_attention(stage *s) {
  const size_t channels = s->layer->in.channels, steps = s->layer->in.steps;
  char scale[32];
  fr__c_floats_turned(s->c, s->name, "weight", tensor(s, 0), channels, 3 * channels);
  fr__c_floats(s->c, s->name, "bias", tensor(s, 1), 3 * channels);
  fr__c_floats_turned(s->c, s->name, "output", tensor(s, 2), channels, channels);
  fr__c_floats(s->c, s->name, "output_bias", tensor(s, 3), channels);
  fr__c_number(1.0f / sqrtf((float)(channels / s->layer->heads)), scale);
  fr__buf_printf(begin_struct(s, "attention"),
                 "\n    %s_weight, %s_bias, %s_output, %s_output_bias,\n    .scale = %s, "
                 ".steps = %zu, .channels = %zu, .heads = %zu};\n\n",
                 s->name, s->name, s->name, s->name, scale, steps, channels,
                 s->layer->heads);
  call_with_room(s, "attention", 3 * steps * channels + channels + steps);
}

/* ---- pooling, normalisation ---- */

static void emit_pool(stage *s) {
  const fr__layer *l = s->layer;
  fr__buf_printf(begin_struct(s, l->ops->name),
                 ".out_steps = %zu, .channels = %zu, .width = %zu};\n\n", l->out.steps,
                 l->in.channels, l->width);
  call(s, l->ops->name);
}

/* As bn itself does in testing, in float32. */
static enum fr_status emit_scales(stage *s) {
  const size_t channels = s->layer->in.channels;
  float *scale = calloc(2 * channels, sizeof *scale);
  if (!scale)
    return FR_ERR_MEMORY;
  float *shift = scale + channels;
  for (size_t c = 0; c < channels; c++) {
    scale[c] = tensor(s, 0)[c] * (1.0f / sqrtf(tensor(s, 3)[c] + s->layer->epsilon));
    shift[c] = tensor(s, 1)[c] - tensor(s, 2)[c] * scale[c];
  }
  fr__c_floats(s->c, s->name, "scale", scale, channels);
  fr__c_floats(s->c, s->name, "shift", shift, channels);
  free(scale);
  return FR_OK;
}

static void emit_bn(stage *s) {
  const fr__layer *l = s->layer;
  if (emit_scales(s) != FR_OK)
    s->c->calls.status = FR_ERR_MEMORY;
  fr__buf_printf(begin_struct(s, "affine"),
                 "\n    %s_scale, %s_shift, .rows = %zu, .channels = %zu};\n\n", s->name,
                 s->name, l->in.steps, l->in.channels);
  call(s, "affine");
}

static void emit_layernorm(stage *s) {
  const fr__layer *l = s->layer;
  char epsilon[32];
  fr__c_floats(s->c, s->name, "scale", tensor(s, 0), l->in.channels);
  fr__c_floats(s->c, s->name, "shift", tensor(s, 1), l->in.channels);
  fr__buf_printf(begin_struct(s, "layernorm"),
                 "\n    %s_scale, %s_shift, .epsilon = %s, .rows = %zu, .channels = "
                 "%zu};\n\n",
                 s->name, s->name, fr__c_number(l->epsilon, epsilon), l->in.steps,
                 l->in.channels);
  call(s, "layernorm");
}

/* ---- functions of one number or one row ---- */

static void emit_each(stage *s) {
  const fr__layer *l = s->layer;
  begin_call(s, fr__layer_named(l, "tanh") ? "tanh_each" : l->ops->name, false);
  fr__buf_printf(&s->c->calls, ", %zu", fr__shape_elements(l->out));
  if (fr__layer_named(l, "leaky")) {
    char slope[32];
    fr__buf_printf(&s->c->calls, ", %s", fr__c_number(l->factor, slope));
  }
  end_call(s);
}

static void emit_softmax(stage *s) {
  begin_call(s, "softmax", false);
  fr__buf_printf(&s->c->calls, ", %zu, %zu", s->layer->in.steps, s->layer->in.channels);
  end_call(s);
}

/* ---- branches ---- */

static void emit_add(stage *s) {
  fr__c_need(s->c, "add");
  begin_call(s, "add", false);
  fr__buf_printf(&s->c->calls, ", %zu", fr__shape_elements(s->layer->out));
  end_call(s);
}

static void emit_place(stage *s) {
  fr__c_need(s->c, "place");
  (void)snprintf(s->name + strlen(s->name), 24, "_column_%zu", s->step->column);
  fr__buf_printf(begin_struct(s, "place"),
                 "\n    .rows = %zu, .channels = %zu, .out_channels = %zu, .column = "
                 "%zu};\n\n",
                 s->layer->out.steps, s->step->channels, s->layer->out.channels,
                 s->step->column);
  call(s, "place");
}

/* ---- families ---- */

typedef struct family {
  const char *name;
  const char *piece;
  void (*emit)(stage *s);
} family;

static const family families[] = {
    {"dense", "dense", emit_dense},
    {"conv1d", "conv1d", emit_conv1d},
    {"lstm", "lstm", emit_lstm},
    {"gru", "gru", emit_gru},
    {"attention", "attention", emit_attention},
    {"maxpool", "maxpool", emit_pool},
    {"avgpool", "avgpool", emit_pool},
    {"bn", "affine", emit_bn},
    {"layernorm", "layernorm", emit_layernorm},
    {"softmax", "softmax", emit_softmax},
    {"relu", "relu", emit_each},
    {"leaky", "leaky", emit_each},
    {"gelu", "gelu", emit_each},
    {"sigmoid", "sigmoid", emit_each},
    {"tanh", "tanh", emit_each},
    {"hardswish", "hardswish", emit_each},
};

static enum fr_status emit_layer(stage *s, fr_error *err) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (fr__layer_named(s->layer, families[i].name)) {
      fr__c_need(s->c, families[i].piece);
      families[i].emit(s);
      return FR_OK;
    }
  return fr__fail(err, FR_ERR_UNSUPPORTED, "layer '%.96s' has no form in exported C",
                  s->layer->text);
}

static enum fr_status emit_step(stage *s, fr_error *err) {
  switch (s->step->kind) {
  case FR__PROGRAM_SHORTCUT: emit_shortcut(s); return FR_OK;
  case FR__PROGRAM_ADD: emit_add(s); return FR_OK;
  case FR__PROGRAM_PLACE: emit_place(s); return FR_OK;
  default: return emit_layer(s, err);
  }
}

static const char *kind_text(enum fr__program_kind kind) {
  static const char *const texts[] = {[FR__PROGRAM_LAYER] = "",
                                      [FR__PROGRAM_SHORTCUT] = "shortcut of ",
                                      [FR__PROGRAM_ADD] = "sum of ",
                                      [FR__PROGRAM_PLACE] = "columns of "};
  return texts[kind];
}

enum fr_status fr__c_float_program(fr__csource *c, const fr__program *program,
                                   fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < program->step_count && status == FR_OK; i++) {
    stage s = {.c = c, .program = program, .step = &program->step[i]};
    s.layer = s.step->layer;
    char number[32];
    fr__layer_number(s.layer, number, sizeof number);
    (void)snprintf(s.name, sizeof s.name, "layer_%s", number);
    fr__buf_printf(&c->calls, "  /* %s%.60s: (%zu, %zu) -> (%zu, %zu) */\n",
                   kind_text(s.step->kind), s.layer->text, s.layer->in.steps,
                   s.layer->in.channels, s.layer->out.steps, s.layer->out.channels);
    status = emit_step(&s, err);
  }
  return status;
}
