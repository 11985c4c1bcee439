/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each tensor is made of foreign ones. PyTorch's axes run the other way round: Linear
 * (out, in), Conv1d (out, in / groups, width), gates (gates * H, in), with two biases a
 * recurrent layer (torch.nn's pages). Keras's lie as frugal's but for the order of GRU's
 * gates, z r h, and the heads of attention, (C, heads, D) (keras.io/api/layers).
 */
#include <string.h>

#include "model/import.h"

/* ---- what shape a part has ---- */

static size_t same_shape(const fr__making *m, size_t shape[FR__FOREIGN_RANK]) {
  memcpy(shape, m->tensor->shape, m->tensor->rank * sizeof *shape);
  return m->tensor->rank;
}

static size_t turned_shape(const fr__making *m, size_t shape[FR__FOREIGN_RANK]) {
  const size_t rank = m->tensor->rank;
  for (size_t i = 0; i < rank; i++)
    shape[i] = m->tensor->shape[rank - 1 - i];
  return rank;
}

/* (2, 3H): the input's bias, then the recurrent one, with reset_after alone. */
static size_t two_rows_shape(const fr__making *m, size_t shape[FR__FOREIGN_RANK]) {
  shape[0] = 2;
  shape[1] = m->tensor->count;
  return 2;
}

static size_t heads_in_shape(const fr__making *m, size_t shape[FR__FOREIGN_RANK]) {
  shape[0] = m->layer->in.channels;
  shape[1] = m->layer->heads;
  shape[2] = m->layer->in.channels / m->layer->heads;
  return 3;
}

static size_t heads_bias_shape(const fr__making *m, size_t shape[FR__FOREIGN_RANK]) {
  shape[0] = m->layer->heads;
  shape[1] = m->layer->in.channels / m->layer->heads;
  return 2;
}

static size_t heads_out_shape(const fr__making *m, size_t shape[FR__FOREIGN_RANK]) {
  shape[2] = m->layer->in.channels;
  return heads_bias_shape(m, shape) + 1;
}

/* ---- what is made of it ---- */

/* Where row i of the first axis lies in the foreign tensor: t * C + c at c * T + t, where
 * a sequence was flattened channels first. */
static size_t row_of(const fr__making *m, size_t i) {
  const fr_shape flat = m->flat;
  return flat.steps == 0 ? i : i % flat.channels * flat.steps + i / flat.channels;
}

static void copy(const fr__making *m) {
  const size_t rows = m->tensor->shape[0], columns = m->tensor->count / rows;
  for (size_t i = 0; i < rows; i++)
    memcpy(m->to + i * columns, m->part[0] + row_of(m, i) * columns,
           columns * sizeof *m->to);
}

/* to[i, j, k] = from[k, j, i]; axes that are not there have one element. */
static void turn(const fr__making *m) {
  const fr_tensor *t = m->tensor;
  const size_t a = t->shape[0], c = t->rank > 1 ? t->shape[t->rank - 1] : 1;
  const size_t b = t->count / a / c;
  for (size_t i = 0; i < a; i++)
    for (size_t j = 0; j < b; j++)
      for (size_t k = 0; k < c; k++)
        m->to[(i * b + j) * c + k] = m->part[0][(k * b + j) * a + row_of(m, i)];
}

static void add_parts(const fr__making *m) {
  for (size_t i = 0; i < m->tensor->count; i++)
    m->to[i] = (m->part[0] != NULL ? m->part[0][i] : 0.0f) +
               (m->part[1] != NULL ? m->part[1][i] : 0.0f);
}

/* A row of gates z r h as r z n. */
static void swap_gates(const float *from, float *to, size_t units) {
  memcpy(to, from + units, units * sizeof *to);
  memcpy(to + units, from, units * sizeof *to);
  memcpy(to + 2 * units, from + 2 * units, units * sizeof *to);
}

static void swap_rows(const fr__making *m) {
  const size_t units = m->layer->units, columns = 3 * units;
  for (size_t at = 0; at < m->tensor->count; at += columns)
    swap_gates(m->part[0] + at, m->to + at, units);
}

static void swap_first(const fr__making *m) {
  swap_gates(m->part[0], m->to, m->layer->units);
}

static void swap_second(const fr__making *m) {
  swap_gates(m->part[0] + m->tensor->count, m->to, m->layer->units);
}

/* Three matrices, or rows, side by side: q | k | v. */
static void join(const fr__making *m) {
  const size_t width = m->layer->in.channels, rows = m->tensor->count / (3 * width);
  for (size_t i = 0; i < rows; i++)
    for (size_t p = 0; p < 3; p++)
      memcpy(m->to + (i * 3 + p) * width, m->part[p] + i * width, width * sizeof *m->to);
}

/* ---- the tables ---- */

/* clang-format off */
static const fr__recipe pytorch[] = {
  {"dense", "weight", {"weight"}, false, 0, true, turned_shape, turn},
  {"dense", "bias", {"bias"}, true, 0, false, same_shape, copy},
  {"conv1d", "weight", {"weight"}, false, 0, false, turned_shape, turn},
  {"conv1d", "bias", {"bias"}, true, 0, false, same_shape, copy},
  {"residual", "shortcut", {"weight"}, false, 0, true, turned_shape, turn},
  {"lstm", "weight", {"weight_ih"}, false, 0, false, turned_shape, turn},
  {"lstm", "recurrent", {"weight_hh"}, false, 0, false, turned_shape, turn},
  {"lstm", "bias", {"bias_ih", "bias_hh"}, true, 0, false, same_shape, add_parts},
  {"gru", "weight", {"weight_ih"}, false, 0, false, turned_shape, turn},
  {"gru", "recurrent", {"weight_hh"}, false, 0, false, turned_shape, turn},
  {"gru", "bias", {"bias_ih"}, true, 0, false, same_shape, copy},
  {"gru", "recurrent_bias", {"bias_hh"}, true, 0, false, same_shape, copy},
  {"bn", "weight", {"weight"}, true, 1, true, same_shape, copy},
  {"bn", "bias", {"bias"}, true, 0, true, same_shape, copy},
  {"bn", "running_mean", {"running_mean"}, false, 0, true, same_shape, copy},
  {"bn", "running_variance", {"running_var"}, false, 0, true, same_shape, copy},
  {"layernorm", "weight", {"weight"}, true, 1, true, same_shape, copy},
  {"layernorm", "bias", {"bias"}, true, 0, true, same_shape, copy},
  {"attention", "weight", {"in_proj_weight"}, false, 0, false, turned_shape, turn},
  {"attention", "bias", {"in_proj_bias"}, true, 0, false, same_shape, copy},
  {"attention", "output", {"out_proj.weight"}, false, 0, false, turned_shape, turn},
  {"attention", "output_bias", {"out_proj.bias"}, true, 0, false, same_shape, copy},
  {0},
};

static const fr__recipe keras[] = {
  {"dense", "weight", {"kernel"}, false, 0, true, same_shape, copy},
  {"dense", "bias", {"bias"}, true, 0, false, same_shape, copy},
  {"conv1d", "weight", {"kernel"}, false, 0, false, same_shape, copy},
  {"conv1d", "bias", {"bias"}, true, 0, false, same_shape, copy},
  {"residual", "shortcut", {"kernel"}, false, 0, true, same_shape, copy},
  {"lstm", "weight", {"kernel"}, false, 0, false, same_shape, copy},
  {"lstm", "recurrent", {"recurrent_kernel"}, false, 0, false, same_shape, copy},
  {"lstm", "bias", {"bias"}, true, 0, false, same_shape, copy},
  {"gru", "weight", {"kernel"}, false, 0, false, same_shape, swap_rows},
  {"gru", "recurrent", {"recurrent_kernel"}, false, 0, false, same_shape, swap_rows},
  {"gru", "bias", {"bias"}, true, 0, false, two_rows_shape, swap_first},
  {"gru", "recurrent_bias", {"bias"}, true, 0, false, two_rows_shape, swap_second},
  {"bn", "weight", {"gamma"}, true, 1, true, same_shape, copy},
  {"bn", "bias", {"beta"}, true, 0, true, same_shape, copy},
  {"bn", "running_mean", {"moving_mean"}, false, 0, true, same_shape, copy},
  {"bn", "running_variance", {"moving_variance"}, false, 0, true, same_shape, copy},
  {"layernorm", "weight", {"gamma"}, true, 1, true, same_shape, copy},
  {"layernorm", "bias", {"beta"}, true, 0, true, same_shape, copy},
  {"attention", "weight", {"query/kernel", "key/kernel", "value/kernel"},
   false, 0, false, heads_in_shape, join},
  {"attention", "bias", {"query/bias", "key/bias", "value/bias"},
   true, 0, false, heads_bias_shape, join},
  {"attention", "output", {"attention_output/kernel"},
   false, 0, false, heads_out_shape, copy},
  {"attention", "output_bias", {"attention_output/bias"},
   true, 0, false, same_shape, copy},
  {0},
};
/* clang-format on */

const fr__recipe *fr__recipe_find(enum fr_import_origin origin, const fr__layer *layer,
                                  const fr_tensor *tensor, bool *reverse) {
  static const char suffix[] = "_reverse";
  const char *name = strrchr(tensor->name, '.');
  name = name != NULL ? name + 1 : tensor->name;
  const size_t length = strlen(name), tail = sizeof suffix - 1;
  *reverse = length > tail && strcmp(name + length - tail, suffix) == 0;
  const size_t bare = *reverse ? length - tail : length;
  const fr__recipe *recipe = origin == FR_IMPORT_KERAS ? keras : pytorch;
  for (; recipe->family != NULL; recipe++)
    if (strcmp(recipe->family, layer->ops->name) == 0 && strlen(recipe->tensor) == bare &&
        strncmp(recipe->tensor, name, bare) == 0)
      return recipe;
  return NULL;
}
