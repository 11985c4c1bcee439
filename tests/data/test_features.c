/* SPDX-License-Identifier: Apache-2.0 */
/* Motion features agree with NumPy's and with what can be said by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../golden/motion_features.h"
#include "made.h"

#define PI 3.14159265358979323846

static fr_dataset motion(double rate_hz, size_t steps) {
  static const char *const names[] = {
      "gravity.x",          "gravity.y",          "gravity.z",
      "userAcceleration.x", "userAcceleration.y", "userAcceleration.z",
      "rotationRate.x",     "rotationRate.y",     "rotationRate.z"};
  fr_dataset data = made_dataset("synthetic", rate_hz, 9, 2, 1, 1, 2);
  for (size_t i = 0; i < 9; i++) {
    free(data.channels.name[i]);
    data.channels.name[i] = strdup(names[i]);
  }
  made_add(&data, 1, 0, 0, 100, (double)steps / rate_hz, steps);
  memset(data.record[0].values, 0, steps * 9 * sizeof(float));
  return data;
}

/* The signal of tests/golden/motion_features.py. */
static void fill_golden(float *x, size_t steps) {
  const double step = 2 * PI * 1.85;
  for (size_t i = 0; i < steps; i++, x += 9) {
    const double t = (double)i / 40, noise = sin(fmod(12.9898 * (double)(i * i), 1000));
    const double row[9] = {
        0.3,
        -0.9,
        0.316,
        0.10 * sin(step / 2 * t + 0.3) + 0.05 * sin(2 * step * t),
        0.35 * sin(step * t) + 0.12 * sin(2 * step * t + 1.1) + 0.04 * noise,
        0.20 * cos(step * t + 0.4) * (1 + 0.3 * sin(0.7 * t)),
        1.2 * sin(step / 2 * t) + 0.2 * noise,
        0.6 * cos(step * t + 0.9),
        0.4 * sin(step / 2 * t + 0.5) + 0.1 * t / 20,
    };
    for (size_t c = 0; c < 9; c++)
      x[c] = (float)row[c];
  }
}

static void check_row(const float *row, const double *golden, const fr_dataset *data) {
  for (size_t i = 0; i < 52; i++) {
    if (fabs(row[i] - golden[i]) > 2e-5 * (1 + fabs(golden[i])))
      print_error("%s: %.7g, not %.7g\n", data->channels.name[i], (double)row[i],
                  golden[i]);
    assert_true(fabs(row[i] - golden[i]) <= 2e-5 * (1 + fabs(golden[i])));
  }
}

static void agree_with_numpy(void **state) {
  (void)state;
  fr_dataset data = motion(40, 840);
  fill_golden(data.record[0].values, 840);
  fr_dataset *out = NULL;
  assert_int_equal(fr_dataset_features(&data, 20, 1, &out, NULL), FR_OK);
  assert_int_equal(out->count, 2);
  assert_int_equal(out->channels.count, 52);
  assert_string_equal(out->channels.name[0], "raw_acc:magnitude_stats:mean");
  assert_string_equal(out->channels.name[51], "proc_gyro:3d:ro_yz");
  for (size_t i = 0; i < 2; i++) {
    const fr_record *r = &out->record[i];
    assert_true(r->start_s == 100 + (double)i && r->span_s == 20 && r->steps == 1);
    assert_string_equal(out->subjects.name[r->subject], "2");
    check_row(r->values, golden_features[i], out);
  }
  assert_true(out->rate_hz == 0);
  assert_string_equal(out->kind, "synthetic");
  fr_data_free(out);
  made_free(&data);
}

/* Windows that move take another way to the autocorrelation than the first one does. */
static void every_window_is_as_if_alone(void **state) {
  (void)state;
  enum { STEPS = 1400 };
  fr_dataset data = motion(40, STEPS);
  fill_golden(data.record[0].values, STEPS);
  data.record[0].values[9 * 900 + 4] = NAN; /* acceleration misses one step */
  fr_dataset *all = NULL;
  assert_int_equal(fr_dataset_features(&data, 10, 1, &all, NULL), FR_OK);
  assert_int_equal(all->count, 26);
  for (size_t i = 0; i < all->count; i++) {
    fr_dataset one = motion(40, 400);
    memcpy(one.record[0].values, data.record[0].values + 9 * 40 * i,
           400 * 9 * sizeof(float));
    fr_dataset *alone = NULL;
    assert_int_equal(fr_dataset_features(&one, 10, 1, &alone, NULL), FR_OK);
    const bool gap = 40 * i <= 900 && 900 < 40 * i + 400;
    for (size_t c = 0; c < 52; c++) {
      const float a = all->record[i].values[c], b = alone->record[0].values[c];
      assert_int_equal(isnan(a) != 0, gap && c < 26);
      assert_true(isnan(a) ? isnan(b) : fabsf(a - b) <= 1e-5f * (1 + fabsf(b)));
    }
    fr_data_free(alone);
    made_free(&one);
  }
  fr_data_free(all);
  made_free(&data);
}

/* 50 Hz; gravity 1 g up, acceleration 0.3 sin along it: magnitude 1 + 0.3 sin(2 pi 1.85
 * t), 37 whole turns in each window.
 */
static void a_sine_at_50_hz_by_hand(void **state) {
  (void)state;
  fr_dataset data = motion(50, 1200);
  for (size_t t = 0; t < 1200; t++) {
    float *x = data.record[0].values + 9 * t;
    x[2] = 1;
    x[5] = (float)(0.3 * sin(2 * PI * 1.85 * (double)t / 50));
    x[6] = 0.5f;
  }
  fr_dataset *out = NULL;
  assert_int_equal(fr_dataset_features(&data, 20, 1, &out, NULL), FR_OK);
  assert_int_equal(out->count, 4 + 1);
  const float *f = out->record[2].values; /* away from the ends */
  assert_true(fabsf(f[0] - 1) < 1e-4f);
  assert_true(fabs(f[1] - 0.3 / sqrt(2)) < 1e-3);
  assert_true(fabsf(f[2]) < 1e-2f);                        /* symmetric */
  assert_true(fabs(f[3] - 0.3 * pow(0.375, 0.25)) < 1e-3); /* mean of sin^4 is 3/8 */
  assert_true(fabs(f[4] - (1 - 0.3 * sqrt(0.5))) <
              3e-3); /* sine below -0.707: a quarter */
  assert_true(fabsf(f[5] - 1) < 1e-2f);
  assert_true(fabsf(f[15] - 0.55f) < 1e-6f); /* 22 steps: 1 / 1.85 is 21.6 */
  assert_true(fabs(f[16] - 778.0 / 800 * cos(2 * PI * 1.85 * 0.55)) < 2e-3);
  assert_true(fabsf(f[17]) < 1e-6f && fabsf(f[19] - 1) < 1e-4f);
  assert_true(isnan(f[23]) != 0); /* x does not vary */
  fr_data_free(out);
  made_free(&data);
}

/* The published columns of a sensor that stands still: docs/features.md. */
static void a_constant_gives_the_published_values(void **state) {
  (void)state;
  fr_dataset data = motion(40, 800);
  for (size_t t = 0; t < 800; t++) {
    float *x = data.record[0].values + 9 * t;
    x[1] = -1;
    x[7] = 0.0125f;
  }
  fr_dataset *out = NULL;
  assert_int_equal(fr_dataset_features(&data, 20, 1, &out, NULL), FR_OK);
  for (size_t s = 0; s < 2; s++) {
    const float *f = out->record[0].values + 26 * s;
    assert_true(f[1] == 0 && f[7] == 0);
    assert_true(fabs(f[8] - 6.684612) < 2e-6);  /* ln 800 */
    assert_true(fabs(f[9] - 5.043395) < 2e-6);  /* band 0 */
    assert_true(fabs(f[14] - 0.429579) < 2e-6); /* spectral entropy */
    assert_true(isnan(f[16]) && isnan(f[23]) && isnan(f[24]) && isnan(f[25]));
  }
  fr_data_free(out);
  made_free(&data);
}

static void refuses_what_has_no_motion(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 1, 1, 1, 100, 1);
  fr_dataset *out = NULL;
  fr_error err;
  assert_int_equal(fr_dataset_features(&data, 20, 1, &out, &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "gravity.x"));
  made_free(&data);
  fr_dataset moving = motion(40, 700);
  assert_int_equal(fr_dataset_features(&moving, 20, 1, &out, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(fr_dataset_features(&moving, 0.1, 1, &out, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_dataset_features(&moving, 10, 0, &out, &err), FR_ERR_ARGUMENT);
  assert_null(out);
  made_free(&moving);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agree_with_numpy),
      cmocka_unit_test(every_window_is_as_if_alone),
      cmocka_unit_test(a_sine_at_50_hz_by_hand),
      cmocka_unit_test(a_constant_gives_the_published_values),
      cmocka_unit_test(refuses_what_has_no_motion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
