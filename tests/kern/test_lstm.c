/* SPDX-License-Identifier: Apache-2.0 */
/* A step of an LSTM, forward and back, against the formulas in double precision. */
#include "each_isa.h"

#include <math.h>

/* Rows of every array are `units` (gates: 4 units) plus `gap` floats apart. */
typedef struct lstm {
  size_t batch, units, gap;
  float *before; /* gates before activation */
  float *gates, *c_in, *c_out, *h_out, *tanh_c, *dh, *dc, *d_gates;
} lstm;

static void lstm_init(lstm *l, size_t batch, size_t units, size_t gap) {
  const size_t n = batch * (units + gap), gates = batch * (4 * units + gap);
  *l = (lstm){.batch = batch, .units = units, .gap = gap};
  l->before = random_floats(gates);
  for (size_t i = 0; i < gates; i++)
    l->before[i] *= 4.0f;
  l->gates = copy_floats(l->before, gates);
  l->d_gates = random_floats(gates);
  l->c_in = random_floats(n);
  l->c_out = random_floats(n);
  l->h_out = random_floats(n);
  l->tanh_c = random_floats(n);
  l->dh = random_floats(n);
  l->dc = random_floats(batch * units);
}

static void lstm_release(lstm *l) {
  float *const all[] = {l->before, l->gates, l->c_in, l->c_out,  l->h_out,
                        l->tanh_c, l->dh,    l->dc,   l->d_gates};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    free(all[i]);
}

static double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

/* One unit in double precision, in the letters of the header. */
typedef struct unit {
  double i, f, g, o, c_in, c, t;
} unit;

static unit unit_of(const lstm *l, const float *c_in, size_t b, size_t j) {
  const float *z = l->before + b * (4 * l->units + l->gap);
  unit u = {.i = sigmoid((double)z[j]),
            .f = sigmoid((double)z[l->units + j]),
            .g = tanh((double)z[2 * l->units + j]),
            .o = sigmoid((double)z[3 * l->units + j]),
            .c_in = c_in != NULL ? (double)c_in[b * (l->units + l->gap) + j] : 0.0};
  u.c = u.f * u.c_in + u.i * u.g;
  u.t = tanh(u.c);
  return u;
}

static void near(float got, double want) {
  assert_true(fabs((double)got - want) <= 3e-6);
}

static void check_forward(const fr__kern *kern, lstm *l, const float *c_in) {
  const size_t ld = l->units + l->gap, ld_gates = 4 * l->units + l->gap, h = l->units;
  const fr__lstm_step step = {.batch = l->batch,
                              .units = h,
                              .gates = l->gates,
                              .ld_gates = ld_gates,
                              .c_in = c_in,
                              .ld_c_in = ld,
                              .c_out = l->c_out,
                              .ld_c_out = ld,
                              .h_out = l->h_out,
                              .ld_h_out = ld,
                              .tanh_c = l->tanh_c,
                              .ld_tanh_c = ld};
  fr__lstm_forward(kern, &step);
  for (size_t b = 0; b < l->batch; b++)
    for (size_t j = 0; j < h; j++) {
      const unit u = unit_of(l, c_in, b, j);
      const float *gates = l->gates + b * ld_gates;
      near(gates[j], u.i);
      near(gates[h + j], u.f);
      near(gates[2 * h + j], u.g);
      near(gates[3 * h + j], u.o);
      near(l->c_out[b * ld + j], u.c);
      near(l->tanh_c[b * ld + j], u.t);
      near(l->h_out[b * ld + j], u.o * u.t);
    }
}

static void check_backward(const fr__kern *kern, lstm *l, const float *c_in,
                           float *d_gates) {
  const size_t ld = l->units + l->gap, ld_gates = 4 * l->units + l->gap, h = l->units;
  float *dc = copy_floats(l->dc, l->batch * h);
  const fr__lstm_back back = {.batch = l->batch,
                              .units = h,
                              .gates = l->gates,
                              .ld_gates = ld_gates,
                              .c_in = c_in,
                              .ld_c_in = ld,
                              .tanh_c = l->tanh_c,
                              .ld_tanh_c = ld,
                              .dh = l->dh,
                              .ld_dh = ld,
                              .dc = dc,
                              .d_gates = d_gates,
                              .ld_d_gates = ld_gates};
  fr__lstm_backward(kern, &back);
  for (size_t b = 0; b < l->batch; b++)
    for (size_t j = 0; j < h; j++) {
      const unit u = unit_of(l, c_in, b, j);
      const float *d = d_gates + b * ld_gates;
      const double dh = (double)l->dh[b * ld + j];
      const double d_cell = (double)l->dc[b * h + j] + dh * u.o * (1.0 - u.t * u.t);
      near(d[j], d_cell * u.g * u.i * (1.0 - u.i));
      near(d[h + j], d_cell * u.c_in * u.f * (1.0 - u.f));
      near(d[2 * h + j], d_cell * u.i * (1.0 - u.g * u.g));
      near(d[3 * h + j], dh * u.t * u.o * (1.0 - u.o));
      near(dc[b * h + j], d_cell * u.f);
    }
  free(dc);
}

static void check_step(const fr__kern *kern) {
  static const size_t units[] = {0, 1, 3, 4, 8, 15, 16, 17, 40, 64, 128};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    for (size_t from_zero = 0; from_zero < 2; from_zero++) {
      lstm l;
      lstm_init(&l, random_below(4), units[i], random_below(3));
      const float *c_in = from_zero != 0 ? NULL : l.c_in;
      check_forward(kern, &l, c_in);
      check_backward(kern, &l, c_in, l.d_gates);
      check_backward(kern, &l, c_in, l.gates); /* in the place of the gates */
      lstm_release(&l);
    }
}

static void test_step(void **state) {
  (void)state;
  each_isa(check_step);
}

/* The derivative of L = Σ h + 2 Σ c by one gate, from the kernel itself forward. */
static double loss(const fr__kern *kern, float gates[4], float c_in) {
  float c = 0.0f, h = 0.0f, t = 0.0f;
  const fr__lstm_step step = {.batch = 1,
                              .units = 1,
                              .gates = gates,
                              .c_in = &c_in,
                              .c_out = &c,
                              .h_out = &h,
                              .tanh_c = &t};
  fr__lstm_forward(kern, &step);
  return (double)h + 2.0 * (double)c;
}

static void check_gradient(const fr__kern *kern) {
  const float z[4] = {0.3f, -0.8f, 0.5f, 1.1f}, c_in = 0.7f, one = 1.0f;
  float gates[4], c = 0.0f, h = 0.0f, t = 0.0f, dc = 2.0f, d[4];
  memcpy(gates, z, sizeof gates);
  const fr__lstm_step step = {.batch = 1,
                              .units = 1,
                              .gates = gates,
                              .c_in = &c_in,
                              .c_out = &c,
                              .h_out = &h,
                              .tanh_c = &t};
  fr__lstm_forward(kern, &step);
  const fr__lstm_back back = {.batch = 1,
                              .units = 1,
                              .gates = gates,
                              .c_in = &c_in,
                              .tanh_c = &t,
                              .dh = &one,
                              .dc = &dc,
                              .d_gates = d};
  fr__lstm_backward(kern, &back);
  for (size_t i = 0; i < 4; i++) {
    float up[4], down[4];
    memcpy(up, z, sizeof up);
    memcpy(down, z, sizeof down);
    up[i] += 0.02f;
    down[i] -= 0.02f;
    const double slope = (loss(kern, up, c_in) - loss(kern, down, c_in)) / 0.04;
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
      cmocka_unit_test(test_gradient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
