/* SPDX-License-Identifier: Apache-2.0 */
/* A step of a GRU, forward and back, against the formulas in double precision. */
#include "each_isa.h"

#include <math.h>

/* Rows of every array are `units` (gates: 3 units) plus `gap` floats apart. */
typedef struct gru {
  size_t batch, units, gap;
  float *before; /* x_gates before the step */
  float *x, *h, *h_in, *h_out, *dh, *dh_in, *d_x, *d_h;
} gru;

static size_t ld_of(const gru *s) { return s->units + s->gap; }

static size_t ld_gates_of(const gru *s) { return 3 * s->units + s->gap; }

static void gru_init(gru *s, size_t batch, size_t units, size_t gap) {
  *s = (gru){.batch = batch, .units = units, .gap = gap};
  const size_t n = batch * ld_of(s), gates = batch * ld_gates_of(s);
  s->before = random_floats(gates);
  s->h = random_floats(gates);
  for (size_t i = 0; i < gates; i++) {
    s->before[i] *= 4.0f;
    s->h[i] *= 4.0f;
  }
  s->x = copy_floats(s->before, gates);
  s->d_x = random_floats(gates);
  s->d_h = random_floats(gates);
  s->h_in = random_floats(n);
  s->h_out = random_floats(n);
  s->dh = random_floats(n);
  s->dh_in = random_floats(n);
}

static void gru_release(gru *s) {
  float *const all[] = {s->before, s->x,   s->h,     s->h_in, s->h_out,
                        s->dh,     s->d_x, s->dh_in, s->d_h};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    free(all[i]);
}

static double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

/* One unit in double precision, in the letters of the header. */
typedef struct unit {
  double r, z, n, hn, h_in;
} unit;

static unit unit_of(const gru *s, const float *h_in, size_t b, size_t j) {
  const float *x = s->before + b * ld_gates_of(s), *h = s->h + b * ld_gates_of(s);
  const size_t z = s->units + j, n = 2 * s->units + j;
  unit u = {.r = sigmoid((double)x[j] + (double)h[j]),
            .z = sigmoid((double)x[z] + (double)h[z]),
            .hn = (double)h[n],
            .h_in = h_in != NULL ? (double)h_in[b * ld_of(s) + j] : 0.0};
  u.n = tanh((double)x[n] + u.r * u.hn);
  return u;
}

static void near(float got, double want) {
  assert_true(fabs((double)got - want) <= 3e-6);
}

static fr__gru_step step_of(gru *s, const float *h_in, float *h_out) {
  return (fr__gru_step){.batch = s->batch,
                        .units = s->units,
                        .x_gates = s->x,
                        .ld_x_gates = ld_gates_of(s),
                        .h_gates = s->h,
                        .ld_h_gates = ld_gates_of(s),
                        .h_in = h_in,
                        .ld_h_in = ld_of(s),
                        .h_out = h_out,
                        .ld_h_out = ld_of(s)};
}

static void check_forward(const fr__kern *kern, gru *s, const float *h_in) {
  const size_t gates = s->batch * ld_gates_of(s), n = s->batch * ld_of(s);
  float *h_before = copy_floats(s->h, gates), *mark = copy_floats(s->h_out, n);
  const fr__gru_step step = step_of(s, h_in, s->h_out);
  fr__gru_forward(kern, &step);
  for (size_t b = 0; b < s->batch; b++)
    for (size_t j = 0; j < s->units; j++) {
      const unit u = unit_of(s, h_in, b, j);
      const float *x = s->x + b * ld_gates_of(s);
      const size_t at = b * ld_of(s) + j;
      near(x[j], u.r);
      near(x[s->units + j], u.z);
      near(x[2 * s->units + j], u.n);
      near(s->h_out[at], (1.0 - u.z) * u.n + u.z * u.h_in);
      mark[at] = s->h_out[at];
    }
  assert_memory_equal(h_before, s->h, gates * sizeof *h_before);
  assert_memory_equal(mark, s->h_out, n * sizeof *mark); /* the gaps are left alone */
  free(h_before);
  free(mark);
}

/* Into the arrays given, which may be those that are read. */
static void check_backward(const fr__kern *kern, const gru *s, const float *h_in,
                           float *dh_in, float *d_x, float *d_h) {
  const size_t ld = ld_of(s), ld_gates = ld_gates_of(s), h = s->units;
  float *dh = copy_floats(s->dh, s->batch * ld);
  unit *units = malloc((s->batch * h + 1) * sizeof *units);
  assert_non_null(units);
  for (size_t i = 0; i < s->batch * h; i++)
    units[i] = unit_of(s, h_in, i / h, i % h);
  const fr__gru_back back = {.batch = s->batch,
                             .units = h,
                             .gates = s->x,
                             .ld_gates = ld_gates,
                             .h_gates = s->h,
                             .ld_h_gates = ld_gates,
                             .h_in = h_in,
                             .ld_h_in = ld,
                             .dh = s->dh,
                             .ld_dh = ld,
                             .dh_in = dh_in,
                             .ld_dh_in = ld,
                             .d_x_gates = d_x,
                             .ld_d_x_gates = ld_gates,
                             .d_h_gates = d_h,
                             .ld_d_h_gates = ld_gates};
  fr__gru_backward(kern, &back);
  for (size_t b = 0; b < s->batch; b++)
    for (size_t j = 0; j < h; j++) {
      const unit u = units[b * h + j];
      const double d = (double)dh[b * ld + j];
      const double d_n = d * (1.0 - u.z) * (1.0 - u.n * u.n);
      const double d_z = d * (u.h_in - u.n) * u.z * (1.0 - u.z);
      const double d_r = d_n * u.hn * u.r * (1.0 - u.r);
      const float *x_row = d_x + b * ld_gates, *h_row = d_h + b * ld_gates;
      near(x_row[j], d_r);
      near(h_row[j], d_r);
      near(x_row[h + j], d_z);
      near(h_row[h + j], d_z);
      near(x_row[2 * h + j], d_n);
      near(h_row[2 * h + j], d_n * u.r);
      near(dh_in[b * ld + j], d * u.z);
    }
  free(dh);
  free(units);
}

static void check_step(const fr__kern *kern) {
  static const size_t units[] = {0, 1, 3, 4, 8, 15, 16, 17, 40, 64, 128};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    for (size_t from_zero = 0; from_zero < 2; from_zero++) {
      gru s;
      gru_init(&s, random_below(4), units[i], random_below(3));
      const float *h_in = from_zero != 0 ? NULL : s.h_in;
      check_forward(kern, &s, h_in);
      check_backward(kern, &s, h_in, s.dh_in, s.d_x, s.d_h);
      check_backward(kern, &s, h_in, s.dh, s.x, s.h); /* in place */
      gru_release(&s);
    }
}

static void test_step(void **state) {
  (void)state;
  each_isa(check_step);
}

/* h_out in the place of h_in is the same bits. */
static void check_in_place(const fr__kern *kern) {
  gru s;
  gru_init(&s, 3, 37, 2);
  const size_t n = 3 * ld_of(&s);
  float *h = copy_floats(s.h_in, n);
  memcpy(s.h_out, s.h_in, n * sizeof *h); /* with its gaps */
  fr__gru_step step = step_of(&s, s.h_in, s.h_out);
  fr__gru_forward(kern, &step);
  memcpy(s.x, s.before, 3 * ld_gates_of(&s) * sizeof *h);
  step = step_of(&s, h, h);
  fr__gru_forward(kern, &step);
  assert_memory_equal(h, s.h_out, n * sizeof *h);
  free(h);
  gru_release(&s);
}

static void test_output_in_place(void **state) {
  (void)state;
  each_isa(check_in_place);
}

/* Gates that are far from 0 saturate; nothing becomes not-a-number, and what is not a
 * number stays so. */
static void check_far(const fr__kern *kern) {
  float x[3] = {-1e30f, 1e30f, 1e30f}, h = 0.25f, out = 0.0f;
  const float none[3] = {0};
  fr__gru_step step = {
      .batch = 1, .units = 1, .x_gates = x, .h_gates = none, .h_in = &h, .h_out = &out};
  fr__gru_forward(kern, &step);
  assert_true(fabsf(x[0]) < 1e-18f && x[1] == 1.0f && x[2] == 1.0f && out == h);
  x[0] = x[1] = 0.0f;
  x[2] = NAN;
  fr__gru_forward(kern, &step);
  assert_true(isnan(out));
}

static void test_far_gates(void **state) {
  (void)state;
  each_isa(check_far);
}

/* h_out of one unit, from the kernel itself: p = xr, xz, xn, hr, hz, hn, h_in. */
static double forward_of(const fr__kern *kern, const float p[7]) {
  float x[3], h_out = 0.0f;
  memcpy(x, p, sizeof x);
  const fr__gru_step step = {.batch = 1,
                             .units = 1,
                             .x_gates = x,
                             .h_gates = p + 3,
                             .h_in = p + 6,
                             .h_out = &h_out};
  fr__gru_forward(kern, &step);
  return (double)h_out;
}

/* Slopes of the forward step are what backward gives. */
static void check_gradient(const fr__kern *kern) {
  const float p[7] = {0.3f, -0.8f, 0.5f, 0.4f, 0.6f, -1.1f, 0.7f}, one = 1.0f;
  float x[3], h_out = 0.0f, d[7];
  memcpy(x, p, sizeof x);
  const fr__gru_step step = {.batch = 1,
                             .units = 1,
                             .x_gates = x,
                             .h_gates = p + 3,
                             .h_in = p + 6,
                             .h_out = &h_out};
  fr__gru_forward(kern, &step);
  const fr__gru_back back = {.batch = 1,
                             .units = 1,
                             .gates = x,
                             .h_gates = p + 3,
                             .h_in = p + 6,
                             .dh = &one,
                             .dh_in = d + 6,
                             .d_x_gates = d,
                             .d_h_gates = d + 3};
  fr__gru_backward(kern, &back);
  for (size_t i = 0; i < 7; i++) {
    float up[7], down[7];
    memcpy(up, p, sizeof up);
    memcpy(down, p, sizeof down);
    up[i] += 0.02f;
    down[i] -= 0.02f;
    const double slope = (forward_of(kern, up) - forward_of(kern, down)) / 0.04;
    assert_true(fabs(slope - (double)d[i]) < 2e-4);
  }
}

static void test_gradient(void **state) {
  (void)state;
  each_isa(check_gradient);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_step),
      cmocka_unit_test(test_output_in_place),
      cmocka_unit_test(test_far_gates),
      cmocka_unit_test(test_gradient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
