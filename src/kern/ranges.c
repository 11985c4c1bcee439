/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that treat each element, column or row alone, in ranges over the pool.
 */
#include "kern/ops.h"
#include "kern/split.h"

/* Elements of a piece that is worth a thread: 2 to 3 us of the widest instruction set
 * (product.c says why). */
#define LIGHT ((size_t)1 << 15) /* one sum or comparison */
#define HEAVY ((size_t)1 << 14) /* an exponential, an update of a parameter */
#define STEP ((size_t)1 << 11)  /* a unit's step of an LSTM or GRU */

/* Elements that lie on one side of each cut together: a multiple of every vector, and of
 * the rounds that the compiler makes of plain loops. */
#define GRAIN ((size_t)1024)
/* Columns that are summed at once: fewer would wait for each sum. */
#define COLUMN_GRAIN ((size_t)32)

/* One call: which range of it is done is all that a piece is told. */
typedef void range_function(const fr__kern_ops *ops, const void *call, fr__range range);

typedef struct ranges {
  const fr__kern_ops *ops;
  range_function *run;
  const void *call;
  size_t total, grain, pieces;
} ranges;

static void run_range(void *self, size_t index, size_t worker) {
  const ranges *r = self;
  (void)worker;
  r->run(r->ops, r->call, fr__split_range(r->total, r->grain, r->pieces, index));
}

/* `total` of `each` elements, in pieces of at least `least` elements. */
static void over_pool(const fr__kern *kern, range_function *run, const void *call,
                      size_t total, size_t each, size_t grain, size_t least) {
  const double work = (double)total * (double)each;
  size_t pieces = fr__split_pieces(kern, work, (double)least);
  if (pieces > total / grain)
    pieces = total / grain;
  ranges r = {kern->ops, run, call, total, grain, pieces};
  if (pieces > 1)
    fr__pool_run(kern->pool, run_range, &r, pieces);
  else
    run(kern->ops, call, (fr__range){0, total});
}

/* ---- samples ---- */

typedef struct samples_call {
  const fr__kern *kern;
  fr__kern_range *range;
  void *self;
  size_t samples, pieces;
} samples_call;

static void run_samples(void *self, size_t index, size_t worker) {
  const samples_call *c = self;
  const fr__kern own = fr__kern_of_thread(c->kern, worker);
  const fr__range r = fr__split_range(c->samples, 1, c->pieces, index);
  c->range(c->self, &own, r.first, r.count);
}

void fr__kern_each(const fr__kern *kern, fr__kern_range *range, void *self,
                   size_t samples, size_t elements) {
  const double work = (double)samples * (double)elements;
  samples_call call = {kern, range, self, samples,
                       fr__split_pieces(kern, work, (double)LIGHT)};
  if (call.pieces > samples)
    call.pieces = samples;
  if (call.pieces > 1)
    fr__pool_run(kern->pool, run_samples, &call, call.pieces);
  else
    range(self, kern, 0, samples);
}

/* ---- elements ---- */

typedef struct map_call {
  void (*map)(const float *x, float *y, size_t n);
  const float *x;
  float *y;
} map_call;

static void map_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const map_call *c = call;
  (void)ops;
  c->map(c->x + range.first, c->y + range.first, range.count);
}

static void map(const fr__kern *kern, void (*function)(const float *, float *, size_t),
                const float *x, float *y, size_t n, size_t least) {
  const map_call call = {function, x, y};
  over_pool(kern, map_range, &call, n, 1, GRAIN, least);
}

void fr__exp(const fr__kern *kern, const float *x, float *y, size_t n) {
  map(kern, kern->ops->exp, x, y, n, HEAVY);
}

void fr__sigmoid(const fr__kern *kern, const float *x, float *y, size_t n) {
  map(kern, kern->ops->sigmoid, x, y, n, HEAVY);
}

void fr__tanh(const fr__kern *kern, const float *x, float *y, size_t n) {
  map(kern, kern->ops->tanh, x, y, n, HEAVY);
}

void fr__relu(const fr__kern *kern, const float *x, float *y, size_t n) {
  map(kern, kern->ops->relu, x, y, n, LIGHT);
}

bool fr__all_finite(const fr__kern *kern, const float *x, size_t n) {
  return kern->ops->all_finite(x, n);
}

typedef struct relu_call {
  const float *y, *dy;
  float *dx;
} relu_call;

static void relu_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const relu_call *c = call;
  const size_t at = range.first;
  ops->relu_backward(c->y + at, c->dy + at, c->dx + at, range.count);
}

void fr__relu_backward(const fr__kern *kern, const float *y, const float *dy, float *dx,
                       size_t n) {
  const relu_call call = {y, dy, dx};
  over_pool(kern, relu_range, &call, n, 1, GRAIN, LIGHT);
}

typedef struct axpy_call {
  float a;
  const float *x;
  float *y;
} axpy_call;

static void axpy_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const axpy_call *c = call;
  ops->axpy(c->a, c->x + range.first, c->y + range.first, range.count);
}

void fr__axpy(const fr__kern *kern, float a, const float *x, float *y, size_t n) {
  const axpy_call call = {a, x, y};
  over_pool(kern, axpy_range, &call, n, 1, GRAIN, LIGHT);
}

/* ---- columns ---- */

typedef struct sum_call {
  const float *x;
  size_t rows, columns;
  float *sum;
} sum_call;

static void sum_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const sum_call *c = call;
  ops->column_sum(c->x + range.first, c->columns, c->rows, range.count,
                  c->sum + range.first);
}

void fr__column_sum(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                    float *sum) {
  const sum_call call = {x, rows, columns, sum};
  over_pool(kern, sum_range, &call, columns, rows, COLUMN_GRAIN, LIGHT);
}

typedef struct moments_call {
  const float *x;
  size_t rows, columns, n;
  float *mean, *squares;
} moments_call;

static void moments_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const moments_call *c = call;
  float *mean = c->mean + range.first, *squares = c->squares + range.first;
  for (size_t i = 0; i < range.count && c->n == 0; i++)
    mean[i] = squares[i] = 0.0f;
  ops->column_moments(c->x + range.first, c->columns, c->rows, range.count, c->n, mean,
                      squares);
}

void fr__column_moments(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                        size_t n, float *mean, float *squares) {
  const moments_call call = {x, rows, columns, n, mean, squares};
  over_pool(kern, moments_range, &call, columns, rows, COLUMN_GRAIN, LIGHT);
}

typedef struct products_call {
  const float *x, *y;
  size_t rows, columns;
  const float *centre;
  float *sum, *product;
} products_call;

static void products_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const products_call *c = call;
  const size_t at = range.first;
  ops->column_products(c->x + at, c->y + at, c->columns, c->rows, range.count,
                       c->centre + at, c->sum + at, c->product + at);
}

void fr__column_products(const fr__kern *kern, const float *x, const float *y,
                         size_t rows, size_t columns, const float *centre, float *sum,
                         float *product) {
  const products_call call = {x, y, rows, columns, centre, sum, product};
  over_pool(kern, products_range, &call, columns, rows, COLUMN_GRAIN, LIGHT);
}

/* ---- rows ---- */

typedef struct shift_call {
  const float *x;
  size_t columns;
  const float *scale, *shift;
  float *y;
} shift_call;

static void shift_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const shift_call *c = call;
  const size_t at = range.first * c->columns;
  ops->scale_shift(c->x + at, range.count, c->columns, c->scale, c->shift, c->y + at);
}

void fr__scale_shift(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                     const float *scale, const float *shift, float *y) {
  const shift_call call = {x, columns, scale, shift, y};
  over_pool(kern, shift_range, &call, rows, columns, 1, LIGHT);
}

static void back_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  fr__normalize_back b = *(const fr__normalize_back *)call;
  const size_t at = range.first * b.columns;
  b.rows = range.count;
  b.x += at;
  b.dy += at;
  b.dx += at;
  ops->normalize_backward(&b);
}

void fr__normalize_backward(const fr__kern *kern, const fr__normalize_back *back) {
  over_pool(kern, back_range, back, back->rows, back->columns, 1, LIGHT);
}

/* ---- rows of a batch ---- */

static const float *row_of(const float *x, size_t row, size_t ld) {
  return x != NULL ? x + row * ld : NULL;
}

static void lstm_forward_range(const fr__kern_ops *ops, const void *call,
                               fr__range range) {
  fr__lstm_step s = *(const fr__lstm_step *)call;
  const size_t b = range.first;
  s.batch = range.count;
  s.gates += b * s.ld_gates;
  s.c_in = row_of(s.c_in, b, s.ld_c_in);
  s.c_out += b * s.ld_c_out;
  s.h_out += b * s.ld_h_out;
  s.tanh_c += b * s.ld_tanh_c;
  ops->lstm_forward(&s);
}

void fr__lstm_forward(const fr__kern *kern, const fr__lstm_step *step) {
  over_pool(kern, lstm_forward_range, step, step->batch, step->units, 1, STEP);
}

static void lstm_backward_range(const fr__kern_ops *ops, const void *call,
                                fr__range range) {
  fr__lstm_back s = *(const fr__lstm_back *)call;
  const size_t b = range.first;
  s.batch = range.count;
  s.gates += b * s.ld_gates;
  s.c_in = row_of(s.c_in, b, s.ld_c_in);
  s.tanh_c += b * s.ld_tanh_c;
  s.dh += b * s.ld_dh;
  s.dc += b * s.units;
  s.d_gates += b * s.ld_d_gates;
  ops->lstm_backward(&s);
}

void fr__lstm_backward(const fr__kern *kern, const fr__lstm_back *back) {
  over_pool(kern, lstm_backward_range, back, back->batch, back->units, 1, STEP);
}

static void gru_forward_range(const fr__kern_ops *ops, const void *call,
                              fr__range range) {
  fr__gru_step s = *(const fr__gru_step *)call;
  const size_t b = range.first;
  s.batch = range.count;
  s.x_gates += b * s.ld_x_gates;
  s.h_gates += b * s.ld_h_gates;
  s.h_in = row_of(s.h_in, b, s.ld_h_in);
  s.h_out += b * s.ld_h_out;
  ops->gru_forward(&s);
}

void fr__gru_forward(const fr__kern *kern, const fr__gru_step *step) {
  over_pool(kern, gru_forward_range, step, step->batch, step->units, 1, STEP);
}

static void gru_backward_range(const fr__kern_ops *ops, const void *call,
                               fr__range range) {
  fr__gru_back s = *(const fr__gru_back *)call;
  const size_t b = range.first;
  s.batch = range.count;
  s.gates += b * s.ld_gates;
  s.h_gates += b * s.ld_h_gates;
  s.h_in = row_of(s.h_in, b, s.ld_h_in);
  s.dh += b * s.ld_dh;
  s.dh_in += b * s.ld_dh_in;
  s.d_x_gates += b * s.ld_d_x_gates;
  s.d_h_gates += b * s.ld_d_h_gates;
  ops->gru_backward(&s);
}

void fr__gru_backward(const fr__kern *kern, const fr__gru_back *back) {
  over_pool(kern, gru_backward_range, back, back->batch, back->units, 1, STEP);
}

/* ---- parameters ---- */

/* Arrays of an optimizer's step; which of them are used is its own. */
typedef struct update_call {
  const void *step;
  const float *gradient;
  float *value, *first, *second; /* NULL: not used */
} update_call;

static update_call update_from(const void *call, size_t at) {
  update_call c = *(const update_call *)call;
  c.gradient += at;
  c.value += at;
  c.first = c.first != NULL ? c.first + at : NULL;
  c.second = c.second != NULL ? c.second + at : NULL;
  return c;
}

static void adam_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const update_call c = update_from(call, range.first);
  ops->adam(c.step, c.gradient, c.value, c.first, c.second, range.count);
}

void fr__adam(const fr__kern *kern, const fr__adam_step *step, const float *gradient,
              float *value, float *m, float *v, size_t n) {
  const update_call call = {step, gradient, value, m, v};
  over_pool(kern, adam_range, &call, n, 1, GRAIN, HEAVY);
}

static void sgd_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const update_call c = update_from(call, range.first);
  ops->sgd(c.step, c.gradient, c.value, c.first, range.count);
}

void fr__sgd(const fr__kern *kern, const fr__sgd_step *step, const float *gradient,
             float *value, float *velocity, size_t n) {
  const update_call call = {step, gradient, value, velocity, NULL};
  over_pool(kern, sgd_range, &call, n, 1, GRAIN, HEAVY);
}

static void rmsprop_range(const fr__kern_ops *ops, const void *call, fr__range range) {
  const update_call c = update_from(call, range.first);
  ops->rmsprop(c.step, c.gradient, c.value, c.first, c.second, range.count);
}

void fr__rmsprop(const fr__kern *kern, const fr__rmsprop_step *step,
                 const float *gradient, float *value, float *v, float *velocity,
                 size_t n) {
  const update_call call = {step, gradient, value, v, velocity};
  over_pool(kern, rmsprop_range, &call, n, 1, GRAIN, HEAVY);
}
