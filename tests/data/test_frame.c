/* SPDX-License-Identifier: Apache-2.0 */
/* Motion in the frame of gravity does not depend on how the phone lies. */
#include "../test.h"

#include <math.h>

#include "base/rng.h"
#include "made.h"

enum { STEPS = 200, CHANNELS = 9 };

static const char *const names[CHANNELS] = {
    "rotationRate.x", "gravity.x", "userAcceleration.x",
    "rotationRate.y", "gravity.y", "userAcceleration.y",
    "rotationRate.z", "gravity.z", "userAcceleration.z"};

static fr_dataset recording(void) {
  fr_dataset data = made_dataset("motionsense", 50, CHANNELS, 1, 1, 1, 1);
  for (size_t c = 0; c < CHANNELS; c++) {
    free(data.channels.name[c]);
    data.channels.name[c] = strdup(names[c]);
  }
  made_add(&data, 0, 0, 0, 0, STEPS / 50.0, STEPS);
  return data;
}

/* sensor: 0 rotation, 1 gravity, 2 acceleration */
static float *at(fr_dataset *data, size_t t, size_t sensor, size_t axis) {
  return &data->record[0].values[t * CHANNELS + axis * 3 + sensor];
}

static void along_and_across_gravity(void **state) {
  (void)state;
  fr_dataset data = recording();
  const float gravity[3] = {0, -2, 0}, acceleration[3] = {3, 5, 4},
              rotation[3] = {0, 1, 0};
  for (size_t t = 0; t < STEPS; t++)
    for (size_t i = 0; i < 3; i++) {
      *at(&data, t, 0, i) = rotation[i];
      *at(&data, t, 1, i) = gravity[i];
      *at(&data, t, 2, i) = acceleration[i];
    }
  fr_dataset *out = NULL;
  ASSERT_OK(fr_dataset_gravity_frame(&data, &out, err));
  assert_int_equal(out->channels.count, 4);
  assert_string_equal(out->channels.name[0], "userAcceleration.vertical");
  assert_int_equal(out->record[0].steps, STEPS);
  const float *x = out->record[0].values;
  assert_true(x[0] == -5 && x[1] == 5); /* 3, 4, 5 */
  assert_true(x[2] == -1 && x[3] == 0);
  fr_data_free(out);
  made_free(&data);
}

/* Rotation by angle a about z, then by b about x. */
static void turn(float v[3], double a, double b) {
  const double x = cos(a) * v[0] - sin(a) * v[1], y = sin(a) * v[0] + cos(a) * v[1];
  const double z = v[2];
  v[0] = (float)x;
  v[1] = (float)(cos(b) * y - sin(b) * z);
  v[2] = (float)(sin(b) * y + cos(b) * z);
}

static void a_turned_phone_gives_the_same(void **state) {
  (void)state;
  fr_dataset upright = recording(), turned = recording();
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t s = 0; s < 3; s++) {
      float v[3];
      for (size_t i = 0; i < 3; i++)
        *at(&upright, t, s, i) = v[i] = (float)fr__rng_normal(&rng);
      turn(v, 0.7, 2.1);
      for (size_t i = 0; i < 3; i++)
        *at(&turned, t, s, i) = v[i];
    }
  fr_dataset *a = NULL, *b = NULL;
  ASSERT_OK(fr_dataset_motion_frame(&upright, &a, err));
  ASSERT_OK(fr_dataset_motion_frame(&turned, &b, err));
  for (size_t i = 0; i < 11 * STEPS; i++)
    assert_true(fabsf(a->record[0].values[i] - b->record[0].values[i]) < 2e-2f);
  fr_data_free(a);
  fr_data_free(b);
  ASSERT_OK(fr_dataset_body_frame(&upright, &a, err));
  ASSERT_OK(fr_dataset_body_frame(&turned, &b, err));
  for (size_t i = 0; i < 6 * STEPS; i++)
    assert_true(fabsf(a->record[0].values[i] - b->record[0].values[i]) < 2e-2f);
  fr_data_free(a);
  fr_data_free(b);
  ASSERT_OK(fr_dataset_gravity_frame(&upright, &a, err));
  ASSERT_OK(fr_dataset_gravity_frame(&turned, &b, err));
  for (size_t i = 0; i < 4 * STEPS; i++)
    assert_true(fabsf(a->record[0].values[i] - b->record[0].values[i]) < 2e-3f);
  fr_data_free(a);
  fr_data_free(b);
  made_free(&upright);
  made_free(&turned);
}

/* The long axis at 60 degrees to the vertical: cos 60 = 1/2, whichever end is up. */
static void a_pocket_tells_how_upright(void **state) {
  (void)state;
  fr_dataset data = recording();
  for (size_t t = 0; t < STEPS; t++) {
    *at(&data, t, 1, 0) = t % 4 < 2 ? 1.7320508f : 0;
    *at(&data, t, 1, 1) = t % 2 == 0 ? 1 : -1;
    *at(&data, t, 1, 2) = t % 4 < 2 ? 0 : -1.7320508f;
    *at(&data, t, 2, 0) = 3;
  }
  *at(&data, STEPS - 1, 1, 0) = *at(&data, STEPS - 1, 1, 1) =
      *at(&data, STEPS - 1, 1, 2) = 0;
  fr_dataset *gravity = NULL, *pocket = NULL;
  ASSERT_OK(fr_dataset_gravity_frame(&data, &gravity, err));
  ASSERT_OK(fr_dataset_pocket_frame(&data, &pocket, err));
  assert_int_equal(pocket->channels.count, 5);
  assert_string_equal(pocket->channels.name[4], "gravity.long");
  for (size_t t = 0; t < STEPS; t++) {
    const float *x = pocket->record[0].values + 5 * t;
    assert_memory_equal(x, gravity->record[0].values + 4 * t, 4 * sizeof *x);
    assert_true(fabsf(x[4] - (t + 1 < STEPS ? 0.5f : 0)) < 1e-6f);
  }
  fr_data_free(gravity);
  fr_data_free(pocket);
  made_free(&data);
}

/* By hand: g = (0, -2, 0), a = (3, 5, 4), w = (1, 7, 2): across gravity (3, 0, 4) and
 * (1, 0, 2), so 3 + 8; with g of length 1, g·(a × w) = -(4·1 - 3·2) = 2. */
static void how_acceleration_lies_to_turning(void **state) {
  (void)state;
  fr_dataset data = recording(), *body = NULL, *gravity = NULL;
  const float g[3] = {0, -2, 0}, a[3] = {3, 5, 4}, w[3] = {1, 7, 2};
  for (size_t t = 0; t < STEPS; t++)
    for (size_t i = 0; i < 3; i++) {
      *at(&data, t, 0, i) = w[i];
      *at(&data, t, 1, i) = t + 1 < STEPS ? g[i] : 0;
      *at(&data, t, 2, i) = a[i];
    }
  ASSERT_OK(fr_dataset_body_frame(&data, &body, err));
  ASSERT_OK(fr_dataset_gravity_frame(&data, &gravity, err));
  assert_int_equal(body->channels.count, 6);
  const float *x = body->record[0].values;
  assert_memory_equal(x, gravity->record[0].values, 4 * sizeof *x);
  assert_true(fabs((double)x[4] - sqrt(11)) < 1e-6);
  assert_true(fabs((double)x[5] - cbrt(2)) < 1e-6);
  x += (STEPS - 1) * 6; /* falling freely, all is across: 3 + 35 + 8 */
  assert_true(fabs((double)x[4] - sqrt(46)) < 1e-6 && x[5] == 0);
  fr_data_free(body);
  fr_data_free(gravity);
  made_free(&data);
}

/* By hand: a = (3, 0, 0) and then (0, 4, 0), w = (0, 0, 5) and then (0, 5, 0). */
static void products_of_motion(void **state) {
  (void)state;
  fr_dataset data = recording(), *out = NULL;
  for (size_t t = 0; t < STEPS; t++)
    for (size_t i = 0; i < 3; i++) {
      *at(&data, t, 0, i) = i == (t == 0 ? 2 : 1) ? 5 : 0;
      *at(&data, t, 2, i) = t == 0 && i == 0 ? 3 : t > 0 && i == 1 ? 4 : 0;
    }
  ASSERT_OK(fr_dataset_motion_frame(&data, &out, err));
  assert_int_equal(out->channels.count, 11);
  /* da = (-3, 4, 0), dw = (0, 5, -5): a·da = -9, w·dw = -25, a·dw = 0, w·da = 0;
   * w × dw = (-25, 0, 0), a × da = (0, 0, 12) */
  const double first[] = {3, 5, 0, 5, sqrt(50), -3, -5, 0, 0, -cbrt(75), cbrt(60)};
  /* step 1: a·w = 20, da = (-3, 4, 0), dw = (0, 5, -5), a·da = 16, w·dw = 25, a·dw = 20,
   * w·da = 20; w × dw = (-25, 0, 0), a × da = (0, 0, 12): nothing along a or w */
  const double second[] = {4, 5, sqrt(20), 5, sqrt(50), 4, 5, sqrt(20), sqrt(20), 0, 0};
  for (size_t i = 0; i < 11; i++) {
    assert_true(fabs((double)out->record[0].values[i] - first[i]) < 1e-6);
    assert_true(fabs((double)out->record[0].values[11 + i] - second[i]) < 1e-6);
  }
  fr_data_free(out);
  made_free(&data);
}

static void what_it_needs_is_named(void **state) {
  (void)state;
  fr_dataset data = made_dataset("csv", 50, 2, 1, 1, 1, 1);
  made_add(&data, 0, 0, 0, 0, 1, 50);
  fr_dataset *out = NULL;
  fr_error error;
  assert_int_equal(fr_dataset_gravity_frame(&data, &out, &error), FR_ERR_ARGUMENT);
  assert_non_null(strstr(error.text, "gravity.x"));
  assert_null(out);
  made_free(&data);
  const fr_data_options none = {0};
  assert_int_equal(fr_data_open("synthetic:frame=tilted", &none, &out, &error),
                   FR_ERR_ARGUMENT);
  assert_string_equal(error.text,
                      "frame: 'tilted' is not gravity, pocket, body or motion");
  ASSERT_OK(fr_data_open("synthetic:subjects=1&trials=2&seconds=5&frame=gravity", &none,
                         &out, err));
  assert_int_equal(out->channels.count, 4);
  fr_data_free(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(along_and_across_gravity),
      cmocka_unit_test(a_turned_phone_gives_the_same),
      cmocka_unit_test(a_pocket_tells_how_upright),
      cmocka_unit_test(how_acceleration_lies_to_turning),
      cmocka_unit_test(products_of_motion),
      cmocka_unit_test(what_it_needs_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
