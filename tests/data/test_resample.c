/* SPDX-License-Identifier: Apache-2.0 */
/* Resampling keeps what the lower rate can hold, at its place and size, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "made.h"

#define PI 3.14159265358979323846

/* One record of `seconds` of sines of `hertz` and, as channel 2, cosines on top of 3. */
static fr_dataset sines(double rate_hz, double seconds, double hertz) {
  const size_t steps = (size_t)(rate_hz * seconds);
  fr_dataset data = made_dataset("csv", rate_hz, 2, 1, 1, 1, 1);
  made_add(&data, 0, 0, 0, 5, seconds, steps);
  for (size_t t = 0; t < steps; t++) {
    const double angle = 2 * PI * hertz * (double)t / rate_hz;
    data.record[0].values[2 * t] = (float)sin(angle);
    data.record[0].values[2 * t + 1] = (float)(3 + cos(angle));
  }
  return data;
}

/* The largest distance from `gain` times the analytic sines, a second away from the ends.
 */
static double worst_error(const fr_dataset *data, double hertz, double gain) {
  const size_t margin = (size_t)data->rate_hz, steps = data->record[0].steps;
  double worst = 0;
  for (size_t t = margin; t + margin < steps; t++) {
    const double angle = 2 * PI * hertz * (double)t / data->rate_hz;
    const float *x = data->record[0].values + 2 * t;
    worst = fmax(worst, fabs(x[0] - gain * sin(angle)));
    worst = fmax(worst, fabs(x[1] - 3 - gain * cos(angle)));
  }
  return worst;
}

static void check_rate(double from_hz, double to_hz, double hertz, double gain) {
  fr_dataset data = sines(from_hz, 10, hertz);
  fr_dataset *out = NULL;
  assert_int_equal(fr_dataset_resample(&data, to_hz, &out, NULL), FR_OK);
  assert_true(out->rate_hz == to_hz);
  const size_t steps = (size_t)((from_hz * 10 - 1) * to_hz / from_hz + 1e-9) + 1;
  assert_int_equal(out->record[0].steps, steps);
  assert_true(fabs(out->record[0].span_s - (double)steps / to_hz) < 1e-9);
  assert_true(out->record[0].start_s == 5);
  const double error = worst_error(out, hertz, gain);
  if (error > 2e-3)
    print_error("%g Hz to %g Hz, sine of %g Hz: error %g\n", from_hz, to_hz, hertz,
                error);
  assert_true(error <= 2e-3);
  fr_data_free(out);
  made_free(&data);
}

static void low_frequencies_pass(void **state) {
  (void)state;
  check_rate(50, 40, 1.8, 1);
  check_rate(50, 40, 14, 1);
  check_rate(50, 100, 18, 1);
  check_rate(100, 20, 3, 1);
  check_rate(50, 33.3, 5, 1); /* no few phases: weights between two rows */
}

static void what_would_alias_is_taken_away(void **state) {
  (void)state;
  check_rate(50, 40, 22, 0);
  check_rate(100, 20, 15, 0);
  check_rate(100, 20, 43, 0);
}

static void a_constant_stays_to_the_very_ends(void **state) {
  (void)state;
  fr_dataset data = sines(50, 4, 0);
  fr_dataset *out = NULL;
  assert_int_equal(fr_dataset_resample(&data, 40, &out, NULL), FR_OK);
  for (size_t t = 0; t < out->record[0].steps; t++)
    assert_true(fabsf(out->record[0].values[2 * t + 1] - 4) < 1e-5f);
  fr_data_free(out);
  made_free(&data);
}

static void missing_values_are_bridged_or_stay_missing(void **state) {
  (void)state;
  fr_dataset data = sines(50, 10, 0);
  float *x = data.record[0].values;
  x[2 * 250 + 1] = NAN;
  for (size_t t = 100; t < 180; t++)
    x[2 * t + 1] = NAN;
  fr_dataset *out = NULL;
  assert_int_equal(fr_dataset_resample(&data, 40, &out, NULL), FR_OK);
  const float *y = out->record[0].values;
  assert_true(fabsf(y[2 * 199 + 1] - 4) < 1e-5f); /* beside step 250 */
  assert_true(isnan(y[2 * 112 + 1]) != 0);        /* in the midst of 100 to 179 */
  assert_true(fabsf(y[2 * 112]) < 1e-5f);         /* the other channel is there */
  fr_data_free(out);
  made_free(&data);
}

static void refuses_rates_that_make_no_sense(void **state) {
  (void)state;
  fr_dataset data = sines(50, 1, 1);
  fr_dataset *out = NULL;
  fr_error err;
  assert_int_equal(fr_dataset_resample(&data, 0, &out, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_dataset_resample(&data, NAN, &out, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_dataset_resample(&data, 1e9, &out, &err), FR_ERR_ARGUMENT);
  data.rate_hz = 0;
  assert_int_equal(fr_dataset_resample(&data, 40, &out, &err), FR_ERR_ARGUMENT);
  assert_null(out);
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(low_frequencies_pass),
      cmocka_unit_test(what_would_alias_is_taken_away),
      cmocka_unit_test(a_constant_stays_to_the_very_ends),
      cmocka_unit_test(missing_values_are_bridged_or_stay_missing),
      cmocka_unit_test(refuses_rates_that_make_no_sense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
