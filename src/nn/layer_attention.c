/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention(heads): multi-head self-attention (Vaswani et al. 2017, sections 3.2.1 and
 * 3.2.2). With x (T, C), E heads of D = C / E channels:
 *
 *   q k v = x W + b                          W (C, 3C), b (3C)
 *   P_e = softmax(q_e k_e^T / sqrt(D))       (T, T); e takes its D columns of q, k, v
 *   y = [P_0 v_0, P_1 v_1, …] O + o          O (C, C), o (C)
 *
 * Keys behind a sample's end have no weight in its softmax.
 *
 * What needs room for T * T numbers but is not kept is done for some samples at a time:
 * P in testing, and its gradient in training.
 */
#include <math.h>
#include <string.h>

#include "nn/layer.h"

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 1, 1, err);
  if (status == FR_OK)
    status = fr__argument_count(arguments, 0, "the count of heads", &layer->heads, err);
  if (status == FR_OK)
    fr__layer_set_text(layer, "attention(%zu)", layer->heads);
  return status;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  const size_t steps = layer->in.steps, channels = layer->in.channels;
  if (channels % layer->heads != 0)
    return fr__layer_fail(layer, err, "%zu channels cannot be shared by %zu heads",
                          channels, layer->heads);
  if (steps * steps > FR__ELEMENT_CEILING / layer->heads)
    return fr__layer_fail(layer, err,
                          "%zu heads of %zu x %zu steps exceed the ceiling of %zu",
                          layer->heads, steps, steps, FR__ELEMENT_CEILING);
  return FR_OK;
}

enum { WEIGHT, BIAS, OUTPUT, OUTPUT_BIAS };

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  const size_t channels = layer->in.channels;
  need[WEIGHT] = (fr__tensor_need){"weight", 2, {channels, 3 * channels}, true};
  need[BIAS] = (fr__tensor_need){"bias", 1, {3 * channels}, true};
  need[OUTPUT] = (fr__tensor_need){"output", 2, {channels, channels}, true};
  need[OUTPUT_BIAS] = (fr__tensor_need){"output_bias", 1, {channels}, true};
  return 4;
}

/* Products with W and O; with k and with v, for all heads together; each score is divided
 * and goes through the softmax. */
static uint64_t operations(const fr__layer *layer) {
  const uint64_t steps = layer->in.steps, channels = layer->in.channels;
  return 2 * steps * channels * (4 * channels) + 2 * steps * steps * (2 * channels) +
         2 * layer->heads * steps * steps;
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  const size_t channels = layer->in.channels;
  const fr_tensor *weight = &layer->tensor[WEIGHT], *output = &layer->tensor[OUTPUT];
  fr__init_weights(weight->value, weight->count, channels, channels, false, rng);
  fr__init_weights(output->value, output->count, channels, channels, rectified, rng);
}

/* ---- room ---- */

#define GROUP_FLOATS ((size_t)1 << 20) /* scores that are dealt with at once */

/* The pieces of the workspace, for a batch of B. */
typedef struct pieces {
  size_t group;   /* samples that `some` has room for */
  float *qkv;     /* (B, T, 3C) */
  float *context; /* (B, T, C) in front of O, rows ld_context apart */
  size_t ld_context;
  float *scores; /* (B, E, T, T): P; NULL in testing */
  float *some;   /* (group, E, T, T): P in testing, dP in training */
} pieces;

/* Numbers of P in one sample. */
static size_t score_count(const fr__layer *layer) {
  return layer->heads * layer->in.steps * layer->in.steps;
}

static size_t group_size(const fr__layer *layer, size_t batch) {
  const size_t fitting = GROUP_FLOATS / score_count(layer);
  return fitting > batch ? batch : fitting > 1 ? fitting : 1;
}

static pieces cut(const fr__layer *layer, size_t batch) {
  const size_t channels = layer->in.channels, rows = batch * layer->in.steps;
  pieces p = {.group = group_size(layer, batch), .qkv = layer->workspace};
  p.some = p.qkv + rows * 3 * channels;
  p.context = p.qkv; /* q of a head is not needed any more when its context is there */
  p.ld_context = 3 * channels;
  if (layer->kept) {
    p.context = p.some + p.group * score_count(layer);
    p.ld_context = channels;
    p.scores = p.context + rows * channels;
  }
  return p;
}

static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  const size_t input = fr__shape_elements(layer->in), scores = score_count(layer);
  return batch * 3 * input + group_size(layer, batch) * scores +
         (train ? batch * (input + scores) : 0);
}

/* ---- products of the heads, for `count` samples from `first` on ---- */

typedef struct group {
  const fr__layer *layer;
  const fr__pass *pass;
  const pieces *p;
  size_t first, count;
  float *scores; /* (count, E, T, T): P of these samples */
} group;

static group group_at(const fr__layer *layer, const fr__pass *pass, const pieces *p,
                      size_t first) {
  group g = {.layer = layer, .pass = pass, .p = p, .first = first, .count = p->group};
  if (pass->batch - first < g.count)
    g.count = pass->batch - first;
  g.scores = p->scores ? p->scores + first * score_count(layer) : p->some;
  return g;
}

enum part { Q, K, V };

/* Where an operand of a head's product begins, and how far apart its rows and samples
 * are. */
typedef struct operand {
  float *begin;
  size_t ld, stride;
} operand;

static operand head_of(const group *g, enum part part, size_t head) {
  const size_t channels = g->layer->in.channels, steps = g->layer->in.steps;
  const size_t column = part * channels + head * (channels / g->layer->heads);
  return (operand){g->p->qkv + g->first * steps * 3 * channels + column, 3 * channels,
                   steps * 3 * channels};
}

static operand context_of(const group *g, size_t head) {
  const size_t steps = g->layer->in.steps, ld = g->p->ld_context;
  const size_t column = head * (g->layer->in.channels / g->layer->heads);
  return (operand){g->p->context + g->first * steps * ld + column, ld, steps * ld};
}

static operand scores_of(const group *g, float *scores, size_t head) {
  const size_t steps = g->layer->in.steps;
  return (operand){scores + head * steps * steps, steps, score_count(g->layer)};
}

/* c = a b^T over the channels of a head: (T, T) */
static void across(const group *g, operand a, operand b, operand c) {
  const fr__gemm product = {.m = g->layer->in.steps,
                            .n = g->layer->in.steps,
                            .k = g->layer->in.channels / g->layer->heads,
                            .a = a.begin,
                            .lda = a.ld,
                            .b = b.begin,
                            .ldb = b.ld,
                            .trans_b = true,
                            .c = c.begin,
                            .ldc = c.ld,
                            .batch = g->count,
                            .stride_a = a.stride,
                            .stride_b = b.stride,
                            .stride_c = c.stride};
  fr__gemm_run(g->pass->kern, &product);
}

/* c = s b, or with `transposed` c = s^T b: s (T, T), b and c the channels of a head */
static void along(const group *g, operand s, bool transposed, operand b, operand c) {
  const fr__gemm product = {.m = g->layer->in.steps,
                            .n = g->layer->in.channels / g->layer->heads,
                            .k = g->layer->in.steps,
                            .a = s.begin,
                            .lda = s.ld,
                            .trans_a = transposed,
                            .b = b.begin,
                            .ldb = b.ld,
                            .c = c.begin,
                            .ldc = c.ld,
                            .batch = g->count,
                            .stride_a = s.stride,
                            .stride_b = b.stride,
                            .stride_c = c.stride};
  fr__gemm_run(g->pass->kern, &product);
}

/* ---- rows of P ---- */

#define LANES                                                                            \
  8 /* sums in parallel, always the same: the compiler makes vectors of them */

static float row_greatest(const float *x, size_t n) {
  float most[LANES];
  for (size_t l = 0; l < LANES; l++)
    most[l] = x[l < n ? l : 0];
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++)
      most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
  for (; i < n; i++)
    most[0] = x[i] > most[0] ? x[i] : most[0];
  for (size_t l = 1; l < LANES; l++)
    most[0] = most[l] > most[0] ? most[l] : most[0];
  return most[0];
}

static float lanes_sum(const float part[LANES]) {
  return ((part[0] + part[4]) + (part[2] + part[6])) +
         ((part[1] + part[5]) + (part[3] + part[7]));
}

static float row_sum(const float *x, size_t n) {
  float part[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++)
      part[l] += x[i + l];
  for (; i < n; i++)
    part[i % LANES] += x[i];
  return lanes_sum(part);
}

static float row_dot(const float *x, const float *y, size_t n) {
  float part[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++)
      part[l] += x[i + l] * y[i + l];
  for (; i < n; i++)
    part[i % LANES] += x[i] * y[i];
  return lanes_sum(part);
}

static float score_scale(const fr__layer *layer) {
  return 1.0f / sqrtf((float)(layer->in.channels / layer->heads));
}

/* x = softmax(scale x), n > 0 */
static void softmax_row(const fr__kern *kern, float scale, float *x, size_t n) {
  const float greatest = row_greatest(x, n);
  for (size_t i = 0; i < n; i++)
    x[i] = scale * (x[i] - greatest);
  fr__exp(kern, x, x, n);
  const float part = 1.0f / row_sum(x, n);
  for (size_t i = 0; i < n; i++)
    x[i] *= part;
}

static size_t sample_length(const group *g, size_t sample) {
  return g->pass->length ? g->pass->length[g->first + sample] : g->layer->in.steps;
}

/* Scores of one head of a sample to P: zeros wherever the key or the query is behind the
 * sample's end. */
static void softmax_head(const group *g, size_t length, float *scores) {
  const size_t steps = g->layer->in.steps;
  const float scale = score_scale(g->layer);
  for (size_t t = 0; t < length; t++) {
    softmax_row(g->pass->kern, scale, scores + t * steps, length);
    memset(scores + t * steps + length, 0, (steps - length) * sizeof(float));
  }
  memset(scores + length * steps, 0, (steps - length) * steps * sizeof(float));
}

static void softmax_group(const group *g) {
  const size_t heads = g->layer->heads, steps = g->layer->in.steps;
  for (size_t i = 0; i < g->count * heads; i++)
    softmax_head(g, sample_length(g, i / heads), g->scores + i * steps * steps);
}

/* dP to d loss / d (q k^T): P (dP - Σ_k dP_k P_k), times the scale */
static void softmax_group_backward(const group *g, float *d) {
  const size_t steps = g->layer->in.steps;
  const float scale = score_scale(g->layer);
  const size_t rows = g->count * g->layer->heads * steps;
  for (size_t r = 0; r < rows; r++) {
    const float *p = g->scores + r * steps;
    float *row = d + r * steps;
    const float dot = row_dot(row, p, steps);
    for (size_t i = 0; i < steps; i++)
      row[i] = scale * p[i] * (row[i] - dot);
  }
}

/* ---- forward, backward ---- */

/* c = a w + bias over all rows of the batch; w is tensor `weight`, bias the one behind
 * it. */
static void project(const fr__layer *layer, const fr__pass *pass, const float *a,
                    size_t lda, size_t weight, float *c) {
  const size_t outputs = layer->tensor[weight].shape[1];
  const fr__gemm product = {.m = pass->batch * layer->in.steps,
                            .n = outputs,
                            .k = layer->in.channels,
                            .a = a,
                            .lda = lda,
                            .b = layer->tensor[weight].value,
                            .ldb = outputs,
                            .c = c,
                            .ldc = outputs,
                            .bias = layer->tensor[weight + 1].value};
  fr__gemm_run(pass->kern, &product);
}

static void forward_group(const group *g) {
  for (size_t e = 0; e < g->layer->heads; e++)
    across(g, head_of(g, Q, e), head_of(g, K, e), scores_of(g, g->scores, e));
  softmax_group(g);
  for (size_t e = 0; e < g->layer->heads; e++)
    along(g, scores_of(g, g->scores, e), false, head_of(g, V, e), context_of(g, e));
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  const pieces p = cut(layer, pass->batch);
  project(layer, pass, layer->x, layer->in.channels, WEIGHT, p.qkv);
  for (size_t first = 0; first < pass->batch; first += p.group) {
    const group g = group_at(layer, pass, &p, first);
    forward_group(&g);
  }
  project(layer, pass, p.context, p.ld_context, OUTPUT, layer->y);
}

/* Gradients of the weight and its bias from d, that of their product: dw = a^T d. */
static void backward_tensors(const fr__layer *layer, const fr__pass *pass, const float *a,
                             const float *d, size_t weight) {
  const size_t outputs = layer->tensor[weight].shape[1];
  const size_t rows = pass->batch * layer->in.steps;
  const fr__gemm product = {.m = layer->in.channels,
                            .n = outputs,
                            .k = rows,
                            .a = a,
                            .lda = layer->in.channels,
                            .trans_a = true,
                            .b = d,
                            .ldb = outputs,
                            .c = layer->tensor[weight].gradient,
                            .ldc = outputs};
  fr__gemm_run(pass->kern, &product);
  fr__column_sum(pass->kern, d, rows, outputs, layer->tensor[weight + 1].gradient);
}

/* da = d w^T */
static void backward_product(const fr__layer *layer, const fr__pass *pass, const float *d,
                             size_t weight, float *da) {
  const size_t outputs = layer->tensor[weight].shape[1];
  const fr__gemm product = {.m = pass->batch * layer->in.steps,
                            .n = layer->in.channels,
                            .k = outputs,
                            .a = d,
                            .lda = outputs,
                            .b = layer->tensor[weight].value,
                            .ldb = outputs,
                            .trans_b = true,
                            .c = da,
                            .ldc = layer->in.channels};
  fr__gemm_run(pass->kern, &product);
}

/* From the gradient of the context to those of q, k and v, each in the place of the first
 * array that is not needed any more: dv over v, dq over the context's, dk over k. */
static void backward_group(const group *g) {
  float *d = g->p->some;
  for (size_t e = 0; e < g->layer->heads; e++)
    across(g, context_of(g, e), head_of(g, V, e), scores_of(g, d, e));
  softmax_group_backward(g, d);
  for (size_t e = 0; e < g->layer->heads; e++) {
    const operand scores = scores_of(g, d, e), context = context_of(g, e);
    along(g, scores_of(g, g->scores, e), true, context, head_of(g, V, e));
    along(g, scores, false, head_of(g, K, e), context);
    along(g, scores, true, head_of(g, Q, e), head_of(g, K, e));
  }
}

/* dq to its place in qkv. */
static void move_query(const fr__layer *layer, const fr__pass *pass, const pieces *p) {
  const size_t channels = layer->in.channels;
  for (size_t row = 0; row < pass->batch * layer->in.steps; row++)
    memcpy(p->qkv + row * 3 * channels, p->context + row * channels,
           channels * sizeof(float));
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  const pieces p = cut(layer, pass->batch);
  backward_tensors(layer, pass, p.context, dy, OUTPUT);
  backward_product(layer, pass, dy, OUTPUT, p.context);
  for (size_t first = 0; first < pass->batch; first += p.group) {
    const group g = group_at(layer, pass, &p, first);
    backward_group(&g);
  }
  move_query(layer, pass, &p);
  backward_tensors(layer, pass, layer->x, p.qkv, WEIGHT);
  if (dx)
    backward_product(layer, pass, p.qkv, WEIGHT, dx);
}

const fr__layer_ops fr__layer_attention = {
    .name = "attention",
    .usage = "attention(heads)",
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
