/* SPDX-License-Identifier: Apache-2.0 */
/* Operations in integers as constants and calls. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/export_c.h"

/* The operation at hand. */
typedef struct stage {
  fr__csource *c;
  const fr_int8 *int8;
  const fr__int8_op *op;
  char name[FR__C_NAME + 32]; /* "layer_3" */
} stage;

/* "static const struct conv1d layer_3 = {\n    " */
static fr__buf *begin_struct(const stage *s, const char *type) {
  fr__buf_printf(&s->c->constants, "static const struct %s %s = {\n    ", type, s->name);
  return &s->c->constants;
}

static void call(const stage *s, const char *function, const char *rest) {
  fr__buf_printf(&s->c->calls, "  %s(&%s, values + %zu, values + %zu%s);\n", function,
                 s->name, s->op->in, s->op->out, rest);
}

/* weight, mul, add: (outputs, inputs), (outputs), (outputs) */
static void add_product(const stage *s, const int8_t *weight, const int32_t *mul,
                        const int64_t *add, size_t inputs, size_t outputs) {
  fr__c_int8(s->c, s->name, "weight", weight, inputs * outputs);
  fr__c_int32(s->c, s->name, "mul", mul, outputs);
  fr__c_int64(s->c, s->name, "add", add, outputs);
}

static void tell_product(const stage *s, const char *type) {
  fr__buf_printf(begin_struct(s, type), "%s_weight, %s_mul, %s_add,\n    ", s->name,
                 s->name, s->name);
}

static void emit_dense(stage *s) {
  const struct fr__int8_dense *d = &s->op->of.dense;
  add_product(s, d->weight, d->mul, d->add, (size_t)d->inputs, (size_t)d->units);
  tell_product(s, "dense");
  fr__buf_printf(&s->c->constants,
                 ".inputs = %d, .units = %d, .zero = %d, .shift = %d};\n\n", d->inputs,
                 d->units, d->zero, d->shift);
  call(s, "dense", "");
}

static void emit_logits(stage *s) {
  const struct fr__int8_logits *d = &s->op->of.logits;
  add_product(s, d->weight, d->mul, d->add, (size_t)d->inputs, (size_t)d->units);
  tell_product(s, "logits");
  fr__buf_printf(&s->c->constants,
                 ".inputs = %d, .units = %d, .zero = %d, .shift = %d};\n\n", d->inputs,
                 d->units, d->zero, d->shift);
  fr__buf_printf(&s->c->calls, "  logits(&%s, values + %zu, outputs);\n", s->name,
                 s->op->in);
}

static void emit_conv1d(stage *s) {
  const struct fr__int8_conv1d *p = &s->op->of.conv1d;
  const size_t inputs = (size_t)p->width * (size_t)(p->channels / p->groups);
  add_product(s, p->weight, p->mul, p->add, inputs, (size_t)p->units);
  tell_product(s, "conv1d");
  fr__buf_printf(&s->c->constants,
                 ".steps = %d, .channels = %d, .out_steps = %d, .units = %d,\n"
                 "    .width = %d, .stride = %d, .dilation = %d, .groups = %d,\n"
                 "    .left = %d, .zero = %d, .shift = %d};\n\n",
                 p->steps, p->channels, p->out_steps, p->units, p->width, p->stride,
                 p->dilation, p->groups, p->left, p->zero, p->shift);
  call(s, "conv1d", "");
}

static void emit_affine(stage *s) {
  const struct fr__int8_affine *p = &s->op->of.affine;
  fr__c_int32(s->c, s->name, "mul", p->mul, (size_t)p->channels);
  fr__c_int64(s->c, s->name, "add", p->add, (size_t)p->channels);
  fr__buf_printf(begin_struct(s, "affine"),
                 "%s_mul, %s_add, .rows = %d, .channels = %d, .shift = %d};\n\n", s->name,
                 s->name, p->rows, p->channels, p->shift);
  call(s, "affine", "");
}

static void emit_place(stage *s) {
  const struct fr__int8_place *p = &s->op->of.place;
  (void)snprintf(s->name + strlen(s->name), 24, "_column_%d", p->column);
  fr__buf_printf(begin_struct(s, "place"),
                 ".rows = %d, .channels = %d, .out_channels = %d, .column = %d,\n"
                 "    .mul = %d, .shift = %d, .add = %" PRId64 "};\n\n",
                 p->rows, p->channels, p->out_channels, p->column, p->mul, p->shift,
                 p->add);
  call(s, "place", "");
}

static void emit_add(stage *s) {
  const struct fr__int8_add *p = &s->op->of.add;
  (void)snprintf(s->name + strlen(s->name), 8, "_sum");
  fr__buf_printf(begin_struct(s, "add"),
                 ".count = %d, .mul = %d, .mul_other = %d, .shift = %d,\n    .add = "
                 "%" PRId64 "};\n\n",
                 p->count, p->mul, p->mul_other, p->shift, p->add);
  fr__buf_printf(&s->c->calls, "  add(&%s, values + %zu, values + %zu, values + %zu);\n",
                 s->name, s->op->in, s->op->other, s->op->out);
}

static void emit_table(stage *s) {
  const struct fr__int8_table *p = &s->op->of.table;
  fr__c_int8(s->c, s->name, "table", p->table, 256);
  fr__buf_printf(begin_struct(s, "table"), "%s_table, .count = %d};\n\n", s->name,
                 p->count);
  call(s, "table", "");
}

static void emit_maxpool(stage *s) {
  const struct fr__int8_maxpool *p = &s->op->of.maxpool;
  fr__buf_printf(begin_struct(s, "maxpool"),
                 ".out_steps = %d, .channels = %d, .width = %d};\n\n", p->out_steps,
                 p->channels, p->width);
  call(s, "maxpool", "");
}

static void emit_avgpool(stage *s) {
  const struct fr__int8_avgpool *p = &s->op->of.avgpool;
  fr__buf_printf(begin_struct(s, "avgpool"),
                 ".out_steps = %d, .channels = %d, .width = %d,\n    .mul = %d, .shift = "
                 "%d, .add = %" PRId64 "};\n\n",
                 p->out_steps, p->channels, p->width, p->mul, p->shift, p->add);
  call(s, "avgpool", "");
}

static void emit_softmax(stage *s) {
  const struct fr__int8_softmax *p = &s->op->of.softmax;
  fr__buf_printf(begin_struct(s, "softmax"),
                 "exp_whole, exp_part, .rows = %d, .channels = %d,\n    .mul = %d, "
                 ".shift = %d};\n\n",
                 p->rows, p->channels, p->mul, p->shift);
  call(s, "softmax", "");
}

static void emit_layernorm(stage *s) {
  const struct fr__int8_layernorm *p = &s->op->of.layernorm;
  fr__c_int32(s->c, s->name, "mul", p->mul, (size_t)p->channels);
  fr__c_int64(s->c, s->name, "add", p->add, (size_t)p->channels);
  fr__buf_printf(begin_struct(s, "layernorm"),
                 "%s_mul, %s_add, .epsilon = %" PRIu64 "u,\n    .rows = %d, .channels = "
                 "%d, .shift = %d};\n\n",
                 s->name, s->name, p->epsilon, p->rows, p->channels, p->shift);
  call(s, "layernorm", "");
}

static void emit_lstm(stage *s) {
  const struct fr__int8_lstm *p = &s->op->of.lstm;
  const size_t all = 4 * (size_t)p->units;
  if (p->reverse)
    strcat(s->name, "_reverse");
  add_product(s, p->weight, p->mul, p->add, (size_t)p->channels, all);
  fr__c_int8(s->c, s->name, "recurrent", p->recurrent, all * (size_t)p->units);
  fr__c_int32(s->c, s->name, "mul_h", p->mul_h, all);
  fr__buf_printf(begin_struct(s, "lstm"),
                 "%s_weight, %s_recurrent, %s_mul, %s_mul_h, %s_add,\n    sigmoid_table, "
                 "tanh_table,\n    .steps = %d, .channels = %d, .units = %d,\n    .zero "
                 "= %d, .zero_h = %d, .shift = %d, .cell = %d,\n",
                 s->name, s->name, s->name, s->name, s->name, p->steps, p->channels,
                 p->units, p->zero, p->zero_h, p->shift, p->cell);
  fr__buf_printf(&s->c->constants,
                 "    .mul_y = %d, .shift_y = %d, .add_y = %" PRId64
                 ",\n    .all = %d, .reverse = %d, .out_channels = %d, .column = "
                 "%d};\n\n",
                 p->mul_y, p->shift_y, p->add_y, p->all, p->reverse, p->out_channels,
                 p->column);
  call(s, "lstm", ", room16, room8");
}

static void emit_gru(stage *s) {
  const struct fr__int8_gru *p = &s->op->of.gru;
  const size_t all = 3 * (size_t)p->units;
  if (p->reverse)
    strcat(s->name, "_reverse");
  add_product(s, p->weight, p->mul, p->add, (size_t)p->channels, all);
  fr__c_int8(s->c, s->name, "recurrent", p->recurrent, all * (size_t)p->units);
  fr__c_int32(s->c, s->name, "mul_h", p->mul_h, all);
  fr__c_int64(s->c, s->name, "add_h", p->add_h, (size_t)p->units);
  fr__buf_printf(begin_struct(s, "gru"),
                 "%s_weight, %s_recurrent, %s_mul, %s_mul_h, %s_add,\n    %s_add_h, "
                 "sigmoid_table, tanh_table,\n    .steps = %d, .channels = %d, .units = "
                 "%d,\n    .zero = %d, .zero_h = %d, .shift = %d,\n",
                 s->name, s->name, s->name, s->name, s->name, s->name, p->steps,
                 p->channels, p->units, p->zero, p->zero_h, p->shift);
  fr__buf_printf(&s->c->constants,
                 "    .mul_y = %d, .shift_y = %d, .add_y = %" PRId64
                 ",\n    .all = %d, .reverse = %d, .out_channels = %d, .column = "
                 "%d};\n\n",
                 p->mul_y, p->shift_y, p->add_y, p->all, p->reverse, p->out_channels,
                 p->column);
  call(s, "gru", ", room16, room8");
}

static void emit_attention(stage *s) {
  const struct fr__int8_attention *p = &s->op->of.attention;
  const size_t channels = (size_t)p->channels;
  add_product(s, p->weight, p->mul, p->add, channels, 3 * channels);
  fr__c_int8(s->c, s->name, "output", p->output, channels * channels);
  fr__c_int32(s->c, s->name, "mul_output", p->mul_output, channels);
  fr__c_int64(s->c, s->name, "add_output", p->add_output, channels);
  fr__buf_printf(begin_struct(s, "attention"),
                 "%s_weight, %s_mul, %s_add,\n    %s_output, %s_mul_output, "
                 "%s_add_output,\n    exp_whole, exp_part,\n",
                 s->name, s->name, s->name, s->name, s->name, s->name);
  fr__buf_printf(&s->c->constants,
                 "    .steps = %d, .channels = %d, .heads = %d,\n    .zero = %d, .shift "
                 "= %d, .shift_output = %d,\n    .mul_score = %d, .shift_score = %d,\n   "
                 " .mul_gather = %d, .shift_gather = %d};\n\n",
                 p->steps, p->channels, p->heads, p->zero, p->shift, p->shift_output,
                 p->mul_score, p->shift_score, p->mul_gather, p->shift_gather);
  call(s, "attention", ", room8, room32");
}

/* ---- the table ---- */

static const struct {
  const char *piece;
  void (*emit)(stage *s);
} kinds[FR__INT8_KINDS] = {
    [FR__INT8_DENSE] = {"dense", emit_dense},
    [FR__INT8_LOGITS] = {"logits", emit_logits},
    [FR__INT8_CONV1D] = {"conv1d", emit_conv1d},
    [FR__INT8_AFFINE] = {"affine", emit_affine},
    [FR__INT8_PLACE] = {"place", emit_place},
    [FR__INT8_ADD] = {"add", emit_add},
    [FR__INT8_TABLE] = {"table", emit_table},
    [FR__INT8_MAXPOOL] = {"maxpool", emit_maxpool},
    [FR__INT8_AVGPOOL] = {"avgpool", emit_avgpool},
    [FR__INT8_SOFTMAX] = {"softmax", emit_softmax},
    [FR__INT8_LAYERNORM] = {"layernorm", emit_layernorm},
    [FR__INT8_LSTM] = {"lstm", emit_lstm},
    [FR__INT8_GRU] = {"gru", emit_gru},
    [FR__INT8_ATTENTION] = {"attention", emit_attention},
};

/* Those that operations share, in front of them. */
static void add_tables(fr__csource *c, const fr_int8 *int8) {
  bool gates = false, shares = false;
  for (size_t i = 0; i < int8->op_count; i++) {
    const enum fr__int8_kind kind = int8->op[i].kind;
    gates = gates || kind == FR__INT8_LSTM || kind == FR__INT8_GRU;
    shares = shares || kind == FR__INT8_SOFTMAX || kind == FR__INT8_ATTENTION;
  }
  if (gates) {
    fr__c_int16(c, "sigmoid_table", int8->tables.sigmoid, 257);
    fr__c_int16(c, "tanh_table", int8->tables.tanh, 257);
  }
  if (shares) {
    fr__c_uint16(c, "exp_whole", int8->tables.whole, 16);
    fr__c_uint16(c, "exp_part", int8->tables.part, 256);
  }
}

void fr__c_int8_ops(fr__csource *c, const fr_int8 *int8) {
  add_tables(c, int8);
  for (size_t i = 0; i < int8->op_count; i++) {
    const fr__int8_op *op = &int8->op[i];
    stage s = {.c = c, .int8 = int8, .op = op};
    (void)snprintf(s.name, sizeof s.name - 24, "layer_%s", op->number);
    fr__c_need(c, kinds[op->kind].piece);
    fr__buf_printf(&c->calls, "  /* %s */\n", op->note);
    kinds[op->kind].emit(&s);
  }
}
