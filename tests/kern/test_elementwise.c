/* SPDX-License-Identifier: Apache-2.0 */
/* exp, sigmoid, tanh, relu, sums against the C library in double precision. */
#include "each_isa.h"

#include <float.h>
#include <math.h>

typedef void kernel(const fr__kern *kern, const float *x, float *y, size_t n);

#define SWEEP ((size_t)200001)

static float *sweep(float low, float high) {
  float *x = random_floats(SWEEP);
  for (size_t i = 0; i < SWEEP; i++)
    x[i] = low + (high - low) * ((float)i / (float)(SWEEP - 1));
  return x;
}

static double reference_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

/* Largest error of `f` on [low, high], relative where the result is a normal float. */
static double worst(const fr__kern *kern, kernel *f, double (*reference)(double),
                    float low, float high) {
  float *x = sweep(low, high);
  float *y = copy_floats(x, SWEEP);
  double most = 0.0;
  f(kern, x, y, SWEEP);
  for (size_t i = 0; i < SWEEP; i++) {
    const double want = reference((double)x[i]);
    const double error = fabs((double)y[i] - want) / fmax(fabs(want), (double)FLT_MIN);
    if (!(error <= most)) /* so that a result that is not a number shows */
      most = isnan(error) ? (double)INFINITY : error;
  }
  free(x);
  free(y);
  return most;
}

static void check_exp(const fr__kern *kern) {
  assert_true(worst(kern, fr__exp, exp, -104.0f, 88.72f) < 3e-7);
  assert_true(worst(kern, fr__exp, exp, -1.0f, 1.0f) < 2e-7);
  const float x[] = {0.0f, -200.0f, 89.0f, INFINITY, -INFINITY, NAN};
  float y[6];
  fr__exp(kern, x, y, 6);
  assert_true(y[0] == 1.0f && y[1] == 0.0f && y[2] == INFINITY && y[3] == INFINITY);
  assert_true(y[4] == 0.0f && isnan(y[5]));
}

static void test_exp(void **state) {
  (void)state;
  each_isa(check_exp);
}

static void check_sigmoid(const fr__kern *kern) {
  assert_true(worst(kern, fr__sigmoid, reference_sigmoid, -87.0f, 90.0f) < 4e-7);
  const float x[] = {0.0f, -INFINITY, INFINITY, NAN};
  float y[4];
  fr__sigmoid(kern, x, y, 4);
  assert_true(y[0] == 0.5f && y[1] == 0.0f && y[2] == 1.0f && isnan(y[3]));
}

static void test_sigmoid(void **state) {
  (void)state;
  each_isa(check_sigmoid);
}

static void check_tanh(const fr__kern *kern) {
  assert_true(worst(kern, fr__tanh, tanh, -20.0f, 20.0f) < 5e-7);
  assert_true(worst(kern, fr__tanh, tanh, -0.5f, 0.5f) < 5e-7);
  assert_true(worst(kern, fr__tanh, tanh, -1e-6f, 1e-6f) < 2e-7);
  const float x[] = {0.0f, -INFINITY, INFINITY, NAN};
  float y[4];
  fr__tanh(kern, x, y, 4);
  assert_true(y[0] == 0.0f && y[1] == -1.0f && y[2] == 1.0f && isnan(y[3]));
}

static void test_tanh(void **state) {
  (void)state;
  each_isa(check_tanh);
}

/* Every length up to four vectors and a bit, in place and not, at every offset of a
 * vector: the same bits as one element alone, and nothing beyond the end is written. */
static void check_lengths(const fr__kern *kern) {
  kernel *const all[] = {fr__exp, fr__sigmoid, fr__tanh, fr__relu};
  float *x = random_floats(100);
  float alone[100], y[100];
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    for (size_t i = 0; i < 100; i++)
      all[k](kern, x + i, alone + i, 1);
    for (size_t n = 0; n <= 67; n++) {
      const size_t at = n % 17;
      memset(y, 0x7f, sizeof y);
      all[k](kern, x + at, y + at, n);
      assert_memory_equal(y + at, alone + at, n * sizeof *y);
      for (size_t i = at + n; i < 100; i++)
        assert_int_equal(((const unsigned char *)(y + i))[0], 0x7f);
      memcpy(y + at, x + at, n * sizeof *y);
      all[k](kern, y + at, y + at, n);
      assert_memory_equal(y + at, alone + at, n * sizeof *y);
    }
  }
  free(x);
}

static void test_lengths_and_offsets(void **state) {
  (void)state;
  each_isa(check_lengths);
}

static void check_relu(const fr__kern *kern) {
  const float x[] = {-1.0f, 2.0f, 0.0f, NAN, INFINITY},
              dy[] = {5.0f, 6.0f, 7.0f, 8.0f, 9.0f};
  float y[5], dx[5];
  fr__relu(kern, x, y, 5);
  assert_true(y[0] == 0.0f && y[1] == 2.0f && y[2] == 0.0f && isnan(y[3]));
  assert_true(y[4] == INFINITY);
  fr__relu_backward(kern, y, dy, dx, 5);
  assert_true(dx[0] == 0.0f && dx[1] == 6.0f && dx[2] == 0.0f && dx[3] == 0.0f);
  assert_true(dx[4] == 9.0f);
}

static void test_relu(void **state) {
  (void)state;
  each_isa(check_relu);
}

static void check_sum(const fr__kern *kern, size_t rows, size_t columns) {
  float *x = random_floats(rows * columns);
  float *sum = random_floats(columns);
  fr__column_sum(kern, x, rows, columns, sum);
  for (size_t c = 0; c < columns; c++) {
    double want = 0.0;
    for (size_t r = 0; r < rows; r++)
      want += (double)x[r * columns + c];
    assert_true(fabs((double)sum[c] - want) <= 6e-5);
  }
  free(x);
  free(sum);
}

static void check_sums(const fr__kern *kern) {
  for (size_t i = 0; i < 60; i++)
    check_sum(kern, random_below(300), random_below(140));
  check_sum(kern, 5000, 64);
  check_sum(kern, 0, 33);
}

static void test_column_sum(void **state) {
  (void)state;
  each_isa(check_sums);
}

/* Columns with a mean a thousand times their deviation, in three pieces. */
static void check_moments(const fr__kern *kern) {
  for (size_t i = 0; i < 40; i++) {
    const size_t rows = 1 + random_below(700), columns = 1 + random_below(140);
    const size_t first = random_below(rows + 1), second = random_below(rows - first + 1);
    float *x = random_floats(rows * columns), *mean = random_floats(columns);
    float *squares = random_floats(columns);
    for (size_t k = 0; k < rows * columns; k++)
      x[k] = 500.0f * (float)(k % columns % 3) + x[k];
    fr__column_moments(kern, x, first, columns, 0, mean, squares);
    fr__column_moments(kern, x + first * columns, second, columns, first, mean, squares);
    fr__column_moments(kern, x + (first + second) * columns, rows - first - second,
                       columns, first + second, mean, squares);
    for (size_t c = 0; c < columns; c++) {
      double sum = 0.0, want = 0.0;
      for (size_t r = 0; r < rows; r++)
        sum += (double)x[r * columns + c];
      for (size_t r = 0; r < rows; r++)
        want += pow((double)x[r * columns + c] - sum / (double)rows, 2.0);
      assert_true(fabs((double)mean[c] - sum / (double)rows) <= 1e-3);
      assert_true(fabs((double)squares[c] - want) <= 2e-3 * (want + 1.0));
    }
    free(x);
    free(mean);
    free(squares);
  }
}

static void test_column_moments(void **state) {
  (void)state;
  each_isa(check_moments);
}

static void check_product_sum(const fr__kern *kern, size_t rows, size_t columns) {
  float *x = random_floats(rows * columns), *y = random_floats(rows * columns);
  float *centre = random_floats(columns), *sum = random_floats(columns);
  float *product = random_floats(columns);
  fr__column_products(kern, x, y, rows, columns, centre, sum, product);
  for (size_t c = 0; c < columns; c++) {
    double want_sum = 0.0, want = 0.0;
    for (size_t at = c; at < rows * columns; at += columns) {
      want_sum += (double)x[at];
      want += (double)x[at] * ((double)y[at] - (double)centre[c]);
    }
    assert_true(fabs((double)sum[c] - want_sum) <= 6e-5);
    assert_true(fabs((double)product[c] - want) <= 6e-5);
  }
  free(x);
  free(y);
  free(centre);
  free(sum);
  free(product);
}

static void check_product_sums(const fr__kern *kern) {
  for (size_t i = 0; i < 60; i++)
    check_product_sum(kern, random_below(300), random_below(140));
}

static void test_column_products(void **state) {
  (void)state;
  each_isa(check_product_sums);
}

static void check_normalize(const fr__kern *kern) {
  for (size_t i = 0; i < 60; i++) {
    const size_t rows = random_below(30), columns = 1 + random_below(90);
    const size_t n = rows * columns;
    float *x = random_floats(n), *dy = random_floats(n), *out = random_floats(n);
    float *of[4]; /* mean, scale, slope, level */
    for (size_t k = 0; k < 4; k++)
      of[k] = random_floats(columns);
    const fr__normalize_back back = {rows,  columns, x,     dy, of[0],
                                     of[1], of[2],   of[3], out};
    fr__normalize_backward(kern, &back);
    for (size_t k = 0; k < n; k++) {
      const size_t c = k % columns;
      const double want = (double)of[1][c] * (double)dy[k] -
                          (double)of[2][c] * ((double)x[k] - (double)of[0][c]) -
                          (double)of[3][c];
      assert_true(fabs((double)out[k] - want) <= 6e-7);
    }
    fr__scale_shift(kern, x, rows, columns, of[1], of[3], out);
    for (size_t k = 0; k < n; k++)
      assert_true(fabs((double)out[k] - ((double)of[1][k % columns] * (double)x[k] +
                                         (double)of[3][k % columns])) <= 3e-7);
    for (size_t k = 0; k < 4; k++)
      free(of[k]);
    free(x);
    free(dy);
    free(out);
  }
}

static void test_normalize(void **state) {
  (void)state;
  each_isa(check_normalize);
}

static void check_axpy(const fr__kern *kern) {
  for (size_t n = 0; n < 70; n++) {
    float *x = random_floats(n), *y = random_floats(n), *before = copy_floats(y, n);
    fr__axpy(kern, -0.7f, x, y, n);
    for (size_t i = 0; i < n; i++)
      assert_true(fabs((double)y[i] - (before[i] + (double)-0.7f * x[i])) <= 1.2e-7);
    free(x);
    free(y);
    free(before);
  }
}

static void test_axpy(void **state) {
  (void)state;
  each_isa(check_axpy);
}

/* Any of these, anywhere, is seen; the greatest and the least numbers are not. */
static void check_all_finite(const fr__kern *kern) {
  const float endless[] = {INFINITY, -INFINITY, NAN, -NAN};
  float room[1 + 150] = {0};
  for (size_t n = 0; n <= 150; n += n < 70 ? 1 : 16) {
    float *x = room + n % 2; /* at any address */
    for (size_t i = 0; i < n; i++)
      x[i] = (float[]){FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -0.0f, 1.0f}[i % 5];
    assert_true(fr__all_finite(kern, x, n));
    for (size_t i = 0; i < n; i++) {
      const float before = x[i];
      x[i] = endless[i % 4];
      assert_false(fr__all_finite(kern, x, n));
      x[i] = before;
    }
  }
}

static void test_all_finite(void **state) {
  (void)state;
  each_isa(check_all_finite);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exp),
      cmocka_unit_test(test_sigmoid),
      cmocka_unit_test(test_tanh),
      cmocka_unit_test(test_lengths_and_offsets),
      cmocka_unit_test(test_relu),
      cmocka_unit_test(test_column_sum),
      cmocka_unit_test(test_axpy),
      cmocka_unit_test(test_column_moments),
      cmocka_unit_test(test_column_products),
      cmocka_unit_test(test_normalize),
      cmocka_unit_test(test_all_finite),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
