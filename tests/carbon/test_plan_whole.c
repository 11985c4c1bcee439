/* SPDX-License-Identifier: Apache-2.0 */
/* A job that runs whole starts where it emits least: as every second tried in turn. */
#include "../test.h"

#include "frugal/carbon.h"
#include "plan_cases.h"

/* Grams × 3.6e6 / W of [start, start + length), second by second; -1 over a gap. */
static double count_up(const fr_series *series, int64_t start_s, int64_t length) {
  double sum = 0;
  for (int64_t t = start_s; t < start_s + length; t++) {
    const fr_intensity_step *step = fr_series_at(series, t);
    if (step == NULL)
      return -1;
    sum += step->g_per_kwh;
  }
  return sum;
}

static void it_agrees_with_every_second_tried(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 8, 1);
  size_t found = 0;
  for (int round = 0; round < 4000; round++) {
    const int64_t now = between(&rng, -50, 1000), slack = between(&rng, 0, 80);
    const fr_job job = {.energy_j = joules(7200),
                        .duration_s = between(&rng, 1, 40),
                        .now_s = now,
                        .deadline_s = now + 40 + slack};
    fr_series series =
        random_series(&rng, now, job.deadline_s - between(&rng, 0, 20),
                      between(&rng, 1, 30), between(&rng, 0, 5), round % 3 == 0);
    int64_t best_start = 0;
    double best = -1;
    for (int64_t s = now; s + job.duration_s <= job.deadline_s; s++) {
      const double cost = count_up(&series, s, job.duration_s);
      if (cost >= 0 && (best < 0 || cost < best)) {
        best = cost;
        best_start = s;
      }
    }
    fr_timetable schedule = {0};
    fr_error err = {0};
    const enum fr_status status = fr_timetable_best(&series, &job, 1.0, &schedule, &err);
    if (best < 0) {
      assert_int_equal(status, FR_ERR_NOT_FOUND);
      assert_non_null(strstr(err.text, "without a gap"));
      assert_null(schedule.piece);
    } else {
      assert_int_equal(status, FR_OK);
      assert_int_equal(schedule.count, 1);
      assert_int_equal(schedule.piece[0].start_s, best_start);
      assert_int_equal(schedule.piece[0].end_s, best_start + job.duration_s);
      assert_near(schedule.mean_g_per_kwh, best / (double)job.duration_s, 1e-12);
      assert_near(schedule.loss_g, 0, 0);
      found++;
    }
    fr_timetable_release(&schedule);
    fr_series_release(&series);
  }
  assert_in_range(found, 2000, 3990);
}

static fr_series hours(const double *g, size_t count) {
  fr_series series = {.zone = "X"};
  for (size_t i = 0; i < count; i++)
    add_step(&series, (int64_t)i * 3600, (int64_t)(i + 1) * 3600, g[i]);
  return series;
}

/* 300 200 100 400: two hours from half past midnight on: 200 × 1 h 30 min ... by hand. */
static void a_start_may_lie_inside_an_hour(void **state) {
  (void)state;
  fr_series series = hours((double[]){300, 200, 100, 400}, 4);
  const fr_job job = {.energy_j = joules(3.6e6),
                      .duration_s = 5400,
                      .now_s = 1800,
                      .deadline_s = 4 * 3600};
  fr_timetable schedule = {0};
  assert_int_equal(fr_timetable_best(&series, &job, 1.2, &schedule, NULL), FR_OK);
  assert_int_equal(schedule.piece[0].start_s, 5400); /* half an hour of 200, then 100 */
  assert_near(schedule.mean_g_per_kwh, 400.0 / 3, 1e-9);
  assert_near(schedule.grams.value, 1.2 * 400 / 3, 1e-9);
  fr_timetable_release(&schedule);
  assert_int_equal(fr_timetable_from(&series, &job, 1.2, 1800, &schedule, NULL), FR_OK);
  assert_near(schedule.grams.value, 1.2 * (300 * 0.5 + 200) / 1.5, 1e-9);
  fr_timetable_release(&schedule);
  fr_series_release(&series);
}

static void the_deadline_may_be_the_duration(void **state) {
  (void)state;
  fr_series series = hours((double[]){300, 200, 100, 400}, 4);
  fr_job job = {
      .energy_j = joules(1), .duration_s = 7200, .now_s = 100, .deadline_s = 7300};
  fr_timetable schedule = {0};
  fr_error err = {0};
  assert_int_equal(fr_timetable_best(&series, &job, 1, &schedule, NULL), FR_OK);
  assert_int_equal(schedule.piece[0].start_s, 100);
  fr_timetable_release(&schedule);
  job.deadline_s = 7299;
  assert_int_equal(fr_timetable_best(&series, &job, 1, &schedule, &err), FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "the job takes 2 h, and the deadline is in 7199 s");
  fr_series_release(&series);
}

/* To the bit: whatever the schedule, energy × intensity × PUE. */
static void constant_intensity_is_a_product(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 9, 1);
  for (int round = 0; round < 500; round++) {
    const double g = 0.1 + 700 * fr__rng_uniform(&rng), pue = 1 + fr__rng_uniform(&rng);
    fr_series series = {0};
    for (int64_t at = 0, next; at < 100000; at = next) {
      next = at + between(&rng, 1, 9000);
      add_step(&series, at, next, g);
    }
    const fr_job job = {.energy_j = joules(1e7 * fr__rng_uniform(&rng)),
                        .duration_s = between(&rng, 1, 50000),
                        .deadline_s = 99000,
                        .interruptible = round % 2 == 0,
                        .min_piece_s = between(&rng, 0, 3000)};
    const fr_intensity flat = {
        .g_per_kwh = {g, g, g, FR_UNIT_GRAM_CO2E_PER_KWH, FR_SOURCE_IMPORT}};
    fr_timetable best = {0}, other = {0};
    assert_int_equal(fr_timetable_best(&series, &job, pue, &best, NULL), FR_OK);
    assert_int_equal(
        fr_timetable_from(&series, &job, pue, between(&rng, 0, 40000), &other, NULL),
        FR_OK);
    const double product = fr_carbon_grams(job.energy_j, &flat, pue).value;
    assert_true(best.grams.value == product && other.grams.value == product);
    assert_int_equal(best.piece[0].start_s, 0);
    assert_int_equal(best.count, 1);
    fr_timetable_release(&best);
    fr_timetable_release(&other);
    fr_series_release(&series);
  }
}

static void bounds_are_the_energys_and_the_steps(void **state) {
  (void)state;
  fr_series series = {.source = FR_SOURCE_API};
  const fr_intensity_step steps[] = {{0, 100, 100, 80, 150, 0},
                                     {100, 300, 40, 40, 70, 0}};
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(fr_series_add(&series, &steps[i], NULL), FR_OK);
  const fr_job job = {.energy_j = {3.6e6, 1.8e6, 7.2e6, FR_UNIT_JOULE, FR_SOURCE_MODEL},
                      .duration_s = 200};
  fr_timetable schedule = {0};
  assert_int_equal(fr_timetable_from(&series, &job, 1, 0, &schedule, NULL), FR_OK);
  assert_near(schedule.grams.value, 70, 1e-12);
  assert_near(schedule.grams.low, 0.5 * 60, 1e-12);
  assert_near(schedule.grams.high, 2 * 110, 1e-12);
  assert_int_equal(schedule.grams.source, FR_SOURCE_MODEL);
  fr_timetable_release(&schedule);
  fr_series_release(&series);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  fr_series series = hours((double[]){300, 200, 100, 400}, 4);
  const fr_job good = {
      .energy_j = joules(1), .duration_s = 60, .now_s = 0, .deadline_s = 7200};
  fr_job bad[10];
  for (size_t i = 0; i < 10; i++)
    bad[i] = good;
  bad[0].energy_j = joules(0);
  bad[1].energy_j = joules((double)NAN);
  bad[2].energy_j = joules((double)INFINITY);
  bad[3].energy_j = fr_measure_absent(FR_UNIT_JOULE);
  bad[4].duration_s = 0;
  bad[5].deadline_s = INT64_MAX;
  bad[6].deadline_s = -1;
  bad[7].resume_j = -1;
  bad[8].min_piece_s = -1;
  bad[9].now_s = INT64_MIN;
  for (size_t i = 0; i < 10; i++) {
    fr_timetable schedule = {0};
    fr_error err = {0};
    assert_int_equal(fr_timetable_best(&series, &bad[i], 1, &schedule, &err),
                     FR_ERR_ARGUMENT);
    assert_true(strlen(err.text) > 0);
  }
  fr_timetable schedule = {0};
  assert_int_equal(fr_timetable_best(&series, &good, 0.9, &schedule, NULL),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_timetable_best(&series, &good, (double)NAN, &schedule, NULL),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_timetable_from(&series, &good, 1, INT64_MAX, &schedule, NULL),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_timetable_from(&series, &good, 1, 14380, &schedule, NULL),
                   FR_ERR_NOT_FOUND);
  fr_series_release(&series);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_agrees_with_every_second_tried),
      cmocka_unit_test(a_start_may_lie_inside_an_hour),
      cmocka_unit_test(the_deadline_may_be_the_duration),
      cmocka_unit_test(constant_intensity_is_a_product),
      cmocka_unit_test(bounds_are_the_energys_and_the_steps),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests_name("carbon/plan_whole", tests, NULL, NULL);
}
