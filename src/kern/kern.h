/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numeric kernels: row-major float32, one source built per instruction set, one table
 * of functions chosen at start. Results do not depend on time, address, thread or number
 * of threads; between instruction sets they agree within rounding.
 */
#ifndef FR_KERN_KERN_H
#define FR_KERN_KERN_H

#include "base/pool.h"
#include "frugal/base.h"

typedef struct fr__kern_ops fr__kern_ops;
typedef struct fr__products fr__products;
typedef struct fr__sparse fr__sparse; /* sparse.h */

/* What the operands of products are rounded to; sums are float32. */
enum fr__format { FR__FORMAT_F32, FR__FORMAT_BF16, FR__FORMAT_INT8, FR__FORMATS };

/* One a network: the chosen kernels and the scratch that they pack into. */
typedef struct fr__kern {
  const fr__kern_ops *ops;
  const fr__products *products; /* of the format that was set */
  const fr__products *bf16;     /* by an instruction for it; NULL: there is none */
  const fr__products *int8;     /* by way of bytes */
  const char *int8_name;        /* of the set that multiplies bytes; NULL: none does */
  const char *name;             /* of the highest set in use */
  float *scratch; /* owned; FR__ALIGN-aligned; a piece for each thread of the pool */
  fr__pool *pool; /* not owned; NULL: everything in the caller */
} fr__kern;

/* Chooses by what this CPU has: avx512, avx2 (with FMA), else the compiler's own, and for
 * bf16 amx or avx512bf16. FRUGAL_CPU=avx512|avx2|sse2|scalar in the environment holds it
 * down (kern/choice.h). */
enum fr_status fr__kern_init(fr__kern *kern, fr_error *err);
void fr__kern_release(fr__kern *kern);

/*
 * From now on big work is shared with the threads of `pool` (NULL: with none), which has
 * to live as long as the kern or until it is told another. Small work stays in the
 * caller: what is big depends on sizes alone, and no result depends on it. Allocates
 * scratch for each thread, so not inside a training step; where that fails, all is as
 * before. Tasks of this pool may use the kern, too, each on its own thread; nobody else
 * beside them.
 */
enum fr_status fr__kern_set_pool(fr__kern *kern, fr__pool *pool, fr_error *err);

/* The kern as a task of its pool on thread `worker` may use it beside other tasks: with
 * that thread's scratch, and alone. */
fr__kern fr__kern_of_thread(const fr__kern *kern, size_t worker);

/* Work of a layer's own on `samples` of `elements` each, treated alone: in ranges of them
 * over the pool, each with the kern that it may use. */
typedef void fr__kern_range(void *self, const fr__kern *own, size_t first, size_t count);
void fr__kern_each(const fr__kern *kern, fr__kern_range *range, void *self,
                   size_t samples, size_t elements);

/* How many equal parts of `multiply_adds` are worth a thread each: at most as many as
 * there are threads, 1 where it is little. */
size_t fr__kern_shares(const fr__kern *kern, double multiply_adds);

const char *fr__kern_name(const fr__kern *kern); /* "avx512" */

/*
 * From now on products have operands of that format: float32 at first. bf16 (8 bits of
 * significand; round to nearest, ties to even) is done by avx512bf16 where the CPU has it
 * and FRUGAL_CPU does not hold it down; else operands are rounded and multiplied as
 * float32, which saves nothing. int8: products whose B is packed, of a k of up to 65,536,
 * are done by way of bytes, B with a scale for each column, A with a scale and a zero for
 * each row, or for each item of the batch where rows overlap; the others in float32. What
 * was packed before does not fit afterwards.
 */
void fr__kern_set_format(fr__kern *kern, enum fr__format format);
/* Name of the set that does products of that format faster than float32's; NULL: none. */
const char *fr__kern_fast(const fr__kern *kern, enum fr__format format);

/*
 * C_i = A_i B_i [+ C_i] [+ bias], i = 0 .. batch-1; op(A) is (m, k), op(B) is (k, n), C
 * (m, n). A_i begins at a + i * stride_a, and so on. Rows of A may overlap (lda < k): a
 * convolution over channels-last data is such a product. stride_b 0: one B, packed once.
 * stride_c 0 with batch > 1: all products are added into one C, in order of i (the first
 * sets C unless accumulate). C overlaps neither A nor B.
 */
typedef struct fr__gemm {
  size_t m, n, k;
  const float *a;
  size_t lda;
  bool trans_a; /* a is stored (k, m) */
  const float *b;
  size_t ldb;
  bool trans_b; /* b is stored (n, k) */
  float *c;
  size_t ldc;
  bool accumulate;   /* add to what C holds */
  const float *bias; /* (n) added to each row once; NULL: none */
  bool rectify;      /* at last, what is below 0 becomes 0: relu */
  size_t batch;      /* 0 stands for 1 */
  size_t stride_a, stride_b, stride_c;
  /* op(B) as fr__gemm_pack laid it out: `b` is then not read, and stride_b is 0; NULL:
   * read from `b`. packed_n is the n that it was packed with, packed_at the column of it
   * that is this product's first: a multiple of 32. */
  const float *packed;
  size_t packed_n, packed_at;
  /* What is left of B where most of it is 0: neither `b` nor `packed` is then read, and A
   * is not transposed; NULL: all of it. */
  const fr__sparse *sparse;
} fr__gemm;

void fr__gemm_run(const fr__kern *kern, const fr__gemm *gemm);

/* A B that several products share need be packed but once: the floats that this takes, at
 * most fr__gemm_packed_ceiling in any set and format, and doing it, into `to`, aligned to
 * FR__ALIGN. The result of a product is the same bits. */
size_t fr__gemm_packed_floats(const fr__kern *kern, size_t n, size_t k);
size_t fr__gemm_packed_ceiling(size_t n, size_t k);
void fr__gemm_pack(const fr__kern *kern, const fr__gemm *gemm, float *to);

/* Element-wise, n elements; x and y may be the same array. Errors of exp-like functions
 * are below 2e-6 relative (sigmoid, exp) or absolute (tanh). */
void fr__exp(const fr__kern *kern, const float *x, float *y, size_t n);
void fr__sigmoid(const fr__kern *kern, const float *x, float *y, size_t n);
void fr__tanh(const fr__kern *kern, const float *x, float *y, size_t n);
void fr__relu(const fr__kern *kern, const float *x, float *y, size_t n);
/* dx = dy where y > 0, else 0 */
void fr__relu_backward(const fr__kern *kern, const float *y, const float *dy, float *dx,
                       size_t n);
/* No number is infinite or NaN. */
bool fr__all_finite(const fr__kern *kern, const float *x, size_t n);
/* sum[c] = Σ_r x[r, c]: gradient of a bias; in order of r within a fixed blocking */
void fr__column_sum(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                    float *sum);
/* Takes `rows` more rows of x (rows, columns) into the statistics of the n rows before:
 * mean (columns) and squares (columns), Σ_r (x[r, c] - mean[c])². With n 0 what they held
 * does not count. rows may be 0. */
void fr__column_moments(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                        size_t n, float *mean, float *squares);
/* sum[c] = Σ_r x[r, c] and product[c] = Σ_r x[r, c] (y[r, c] - centre[c]) */
void fr__column_products(const fr__kern *kern, const float *x, const float *y,
                         size_t rows, size_t columns, const float *centre, float *sum,
                         float *product);
/* y[r, c] = scale[c] x[r, c] + shift[c]; y may be x. */
void fr__scale_shift(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                     const float *scale, const float *shift, float *y);
/* dx[r, c] = scale[c] dy[r, c] - slope[c] (x[r, c] - mean[c]) - level[c]; dx may be dy.
 */
typedef struct fr__normalize_back {
  size_t rows, columns;
  const float *x, *dy;                       /* (rows, columns) */
  const float *mean, *scale, *slope, *level; /* (columns) */
  float *dx;
} fr__normalize_back;
void fr__normalize_backward(const fr__kern *kern, const fr__normalize_back *back);
/* y += a x */
void fr__axpy(const fr__kern *kern, float a, const float *x, float *y, size_t n);

/*
 * One step of an LSTM over a batch (Hochreiter and Schmidhuber 1997; forget gate of Gers
 * et al. 2000), gates in the order i, f, g, o. `gates` (B, 4H) holds the sums of products
 * and bias; on return the activated gates, which backward needs. c_out and h_out (B, H);
 * tanh_c (B, H) keeps tanh(c_out). Rows of gates, c_in, c_out, h_out and tanh_c are ld_*
 * floats apart.
 */
typedef struct fr__lstm_step {
  size_t batch, units;
  float *gates;
  size_t ld_gates;
  const float *c_in; /* NULL: zeros */
  size_t ld_c_in;
  float *c_out;
  size_t ld_c_out;
  float *h_out;
  size_t ld_h_out;
  float *tanh_c;
  size_t ld_tanh_c;
} fr__lstm_step;
void fr__lstm_forward(const fr__kern *kern, const fr__lstm_step *step);

/*
 * The step back: dh (B, H) = d loss / d h_out and dc (B, H, in and out) = d loss / d
 * c_out, which becomes d loss / d c_in; d_gates (B, 4H), before activation, may be the
 * array of `gates`.
 */
typedef struct fr__lstm_back {
  size_t batch, units;
  const float *gates; /* activated */
  size_t ld_gates;
  const float *c_in; /* NULL: zeros */
  size_t ld_c_in;
  const float *tanh_c;
  size_t ld_tanh_c;
  const float *dh;
  size_t ld_dh;
  float *dc; /* (B, H), dense rows */
  float *d_gates;
  size_t ld_d_gates;
} fr__lstm_back;
void fr__lstm_backward(const fr__kern *kern, const fr__lstm_back *back);

/*
 * One step of a GRU over a batch (Cho et al. 2014, with the reset gate behind the
 * product, as cuDNN and PyTorch have it), gates in the order r, z, n. x_gates (B, 3H) is
 * the product of the input with its weights plus bias, h_gates (B, 3H) that of h_in with
 * its own:
 *
 *   r = sigmoid(xr + hr);  z = sigmoid(xz + hz);  n = tanh(xn + r hn)
 *
 *   h_out = (1 - z) n + z h_in
 *
 * On return x_gates holds r, z, n, which backward needs beside the last third of h_gates.
 * h_out may be the array of h_in. Rows of each array are ld_* floats apart.
 */
typedef struct fr__gru_step {
  size_t batch, units;
  float *x_gates;
  size_t ld_x_gates;
  const float *h_gates;
  size_t ld_h_gates;
  const float *h_in; /* (B, H); NULL: zeros */
  size_t ld_h_in;
  float *h_out; /* (B, H) */
  size_t ld_h_out;
} fr__gru_step;
void fr__gru_forward(const fr__kern *kern, const fr__gru_step *step);

/*
 * The step back: from dh (B, H) = d loss / d h_out to d_x_gates and d_h_gates (B, 3H),
 * both before activation, and to dh_in (B, H), set to dh z: the part of d loss / d h_in
 * that does not pass the recurrent weights; the product of d_h_gates with them is the
 * caller's to add. In place: d_x_gates may be the array of `gates`, d_h_gates that of
 * h_gates, dh_in that of dh.
 */
typedef struct fr__gru_back {
  size_t batch, units;
  const float *gates; /* (B, 3H): r, z, n, as forward left them in x_gates */
  size_t ld_gates;
  const float *h_gates; /* (B, 3H), of which only the last third is read */
  size_t ld_h_gates;
  const float *h_in; /* NULL: zeros */
  size_t ld_h_in;
  const float *dh;
  size_t ld_dh;
  float *dh_in;
  size_t ld_dh_in;
  float *d_x_gates;
  size_t ld_d_x_gates;
  float *d_h_gates;
  size_t ld_d_h_gates;
} fr__gru_back;
void fr__gru_backward(const fr__kern *kern, const fr__gru_back *back);

/*
 * Adam with decoupled weight decay (Kingma and Ba 2015, algorithm 1; Loshchilov and
 * Hutter 2019, algorithm 2) on n elements: `rate` is learning_rate * sqrt(1 - beta2^t) /
 * (1 - beta1^t) and `epsilon` is epsilon * sqrt(1 - beta2^t); `decay` is learning_rate *
 * weight_decay.
 */
typedef struct fr__adam_step {
  float rate, beta1, beta2, epsilon, decay;
} fr__adam_step;
void fr__adam(const fr__kern *kern, const fr__adam_step *step, const float *gradient,
              float *value, float *m, float *v, size_t n);

/*
 * Gradient descent with momentum (Polyak 1964; Nesterov's as in Sutskever et al. 2013) on
 * n elements, the rate outside of the velocity as in PyTorch: velocity = momentum
 * velocity
 * + gradient, and the step is rate * velocity; with `nesterov` rate * (gradient +
 * momentum velocity). `decay` as of Adam. Momentum 0 leaves velocity alone, and it may be
 * NULL.
 */
typedef struct fr__sgd_step {
  float rate, momentum, decay;
  bool nesterov;
} fr__sgd_step;
void fr__sgd(const fr__kern *kern, const fr__sgd_step *step, const float *gradient,
             float *value, float *velocity, size_t n);

/*
 * RMSprop (Tieleman and Hinton 2012, lecture 6.5) on n elements, epsilon and momentum as
 * PyTorch has them: v = alpha v + (1 - alpha) gradient^2, u = gradient / (sqrt(v) +
 * epsilon), velocity = momentum velocity + u, and the step is rate * velocity. `decay` as
 * of Adam. Momentum 0 steps by rate * u, and velocity may be NULL.
 */
typedef struct fr__rmsprop_step {
  float rate, alpha, epsilon, momentum, decay;
} fr__rmsprop_step;
void fr__rmsprop(const fr__kern *kern, const fr__rmsprop_step *step,
                 const float *gradient, float *value, float *v, float *velocity,
                 size_t n);

#endif
