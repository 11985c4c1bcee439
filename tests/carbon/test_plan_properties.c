/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of every plan, whatever the hours ahead are. */
#include "../test.h"

#include "frugal/forecast.h"
#include "plan_cases.h"

#define HOUR 3600
#define DAY (24 * HOUR)

/* Ten days of hours in grams of two decimals, as waves and noise. */
static fr_series wavy(fr__rng *rng, double scale) {
  fr_series series = {0};
  double noise = 0;
  for (int64_t i = 0; i < 240; i++) {
    noise = 0.9 * noise + 20 * fr__rng_normal(rng);
    const double wave = 100 * cos(2 * 3.14159265358979 * (double)i / 24);
    add_step(&series, i * HOUR, (i + 1) * HOUR,
             scale * round(fmax(0, 300 + wave + noise) * 100) / 100);
  }
  return series;
}

static fr_job random_job(fr__rng *rng) {
  fr_job job = {.energy_j = joules(3.6e6),
                .duration_s = between(rng, 1, 20 * HOUR),
                .now_s = between(rng, 0, 3 * HOUR),
                .interruptible = true,
                .min_piece_s = between(rng, 0, 3 * HOUR),
                .most_pieces = (size_t)between(rng, 0, 4)};
  if (between(rng, 0, 1) == 0)
    job.resume_s = between(rng, 0, 600);
  if (between(rng, 0, 1) == 0)
    job.resume_j = (double)between(rng, 0, 50000);
  job.deadline_s = job.now_s + job.duration_s + between(rng, 0, 5 * DAY);
  return job;
}

static double least_grams(const fr_series *series, const fr_job *job) {
  fr_timetable s = {0};
  fr_error err = {0};
  if (fr_timetable_best(series, job, 1.1, &s, &err) != FR_OK)
    fail_msg("%s", err.text);
  assert_near(s.loss_g, 0, 0);
  const double grams = s.grams.value;
  fr_timetable_release(&s);
  return grams;
}

/* Intensities are rounded to some 1e-7 g/kWh where schedules are compared. */
static void assert_no_more(double grams, double than) {
  if (!(grams <= than * (1 + 1e-9) + 1e-9))
    fail_msg("%.12g is more than %.12g", grams, than);
}

static void more_freedom_never_costs_more(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 8, 4);
  for (int round = 0; round < 300; round++) {
    fr_series series = wavy(&rng, 1);
    const fr_job job = random_job(&rng);
    const double grams = least_grams(&series, &job);
    fr_job other = job;
    other.deadline_s += between(&rng, 1, DAY);
    assert_no_more(least_grams(&series, &other), grams);
    other = job;
    other.most_pieces = job.most_pieces > 0 ? job.most_pieces + 1 : 0;
    assert_no_more(least_grams(&series, &other), grams);
    other = job;
    other.min_piece_s = job.min_piece_s / 2;
    assert_no_more(least_grams(&series, &other), grams);
    other = job;
    other.resume_s = job.resume_s / 2;
    assert_no_more(least_grams(&series, &other), grams);
    other = job;
    other.interruptible = false;
    assert_no_more(grams, least_grams(&series, &other));
    fr_series_release(&series);
  }
}

static void grams_grow_with_the_intensity(void **state) {
  (void)state;
  for (uint64_t round = 0; round < 100; round++) {
    fr__rng a, b, c;
    fr__rng_init(&a, round, 5);
    b = a;
    fr_series one = wavy(&a, 1), three = wavy(&b, 3);
    fr__rng_init(&c, round, 6);
    const fr_job job = random_job(&c);
    assert_near(least_grams(&three, &job), 3 * least_grams(&one, &job), 1e-8);
    fr_series_release(&one);
    fr_series_release(&three);
  }
}

/* Means over local days of Berlin, whose clocks went on at 2023-03-26 and back at
 * 2023-10-29: days of 23 and 25 hours. Times from `date -d`. */
static void days_of_23_and_25_hours(void **state) {
  (void)state;
  const int64_t spring[] = {1679698800, 1679785200, 1679868000, 1679954400};
  const int64_t autumn[] = {1698444000, 1698530400, 1698620400, 1698706800};
  fr_series series = {0};
  for (size_t i = 0; i < 3; i++)
    add_step(&series, spring[i], spring[i + 1], (double[]){300, 100, 200}[i]);
  for (size_t i = 0; i < 3; i++)
    add_step(&series, autumn[i], autumn[i + 1], (double[]){300, 100, 200}[i]);
  fr_job job = {.energy_j = joules(3.6e6),
                .duration_s = 24 * HOUR,
                .now_s = spring[0],
                .deadline_s = spring[3]};
  fr_timetable s = {0};
  assert_int_equal(fr_timetable_best(&series, &job, 1, &s, NULL), FR_OK);
  assert_int_equal(s.piece[0].start_s, spring[1]);
  assert_near(s.grams.value, (23 * 100 + 200) / 24.0, 1e-12);
  fr_timetable_release(&s);
  job.now_s = autumn[0];
  job.deadline_s = autumn[3];
  job.duration_s = 26 * HOUR;
  assert_int_equal(fr_timetable_best(&series, &job, 1, &s, NULL), FR_OK);
  assert_int_equal(s.piece[0].start_s, autumn[1]);
  assert_int_equal(s.piece[0].end_s, autumn[2] + HOUR);
  assert_near(s.grams.value, (25 * 100 + 200) / 26.0, 1e-12);
  fr_timetable_release(&s);
  fr_series_release(&series);
}

static void given_pieces_are_weighed(void **state) {
  (void)state;
  fr_series series = {0};
  add_step(&series, 0, 100, 100);
  add_step(&series, 100, 200, 400);
  const fr_job job = {
      .energy_j = joules(3.6e6), .duration_s = 100, .resume_s = 10, .resume_j = 3.6e5};
  const fr_piece pieces[] = {{20, 70}, {90, 150}};
  fr_timetable s = {0};
  assert_int_equal(fr_timetable_of(&series, &job, 1, pieces, 2, &s, NULL), FR_OK);
  /* 36 kW: 60 s at 100, 50 s at 400; and 0.1 kWh at 100 */
  assert_near(s.grams.value, 0.6 * 100 + 0.5 * 400 + 0.1 * 100, 1e-12);
  assert_near(s.energy_j.value, 3.6e6 * 1.1 + 3.6e5, 1e-12);
  fr_timetable_release(&s);
  const fr_piece wrong[] = {{90, 150}, {20, 70}};
  assert_int_equal(fr_timetable_of(&series, &job, 1, wrong, 2, &s, NULL),
                   FR_ERR_ARGUMENT);
  fr_series_release(&series);
}

/* Five days of odd seconds at whole grams of 0 to 5: more ways than can be looked at.
 * Each answer tells how far it may be from the least, and freedom still costs no more
 * than that. */
static void what_is_not_looked_at_is_told(void **state) {
  (void)state;
  fr__rng rng;
  size_t told = 0;
  fr__rng_init(&rng, 8, 10);
  for (int round = 0; round < 8; round++) {
    fr_series series = random_series(&rng, 0, 5 * DAY, 7200, 5, false);
    fr_job job = {.energy_j = joules(3.6e6),
                  .duration_s = between(&rng, 55000, 70000),
                  .deadline_s = 5 * DAY,
                  .interruptible = true,
                  .min_piece_s = between(&rng, 700, 1100),
                  .most_pieces = 4,
                  .resume_j = 8511};
    fr_timetable s = {0}, more = {0};
    assert_int_equal(fr_timetable_best(&series, &job, 1, &s, NULL), FR_OK);
    assert_true(s.loss_g >= 0 && s.loss_g <= s.grams.value);
    told += s.loss_g > 0;
    job.most_pieces = 3; /* less freedom: its best costs no less than the other's least */
    assert_int_equal(fr_timetable_best(&series, &job, 1, &more, NULL), FR_OK);
    assert_no_more(s.grams.value - s.loss_g, more.grams.value);
    fr_timetable_release(&more);
    fr_timetable_release(&s);
    fr_series_release(&series);
  }
  assert_true(told > 0);
}

/* ---- nothing later than now is seen ---- */

/* A plan as text, all of it. */
static void write_plan(const fr_series *past, int64_t now_s, char *text, size_t size) {
  fr_forecast f = {0};
  fr_plan plan = {0};
  fr_error err = {0};
  fr_plan_options options;
  fr_plan_options_init(&options);
  const fr_job job = {.energy_j = joules(3.6e6),
                      .duration_s = 3 * HOUR,
                      .now_s = now_s,
                      .deadline_s = now_s + DAY,
                      .interruptible = true,
                      .min_piece_s = 1200};
  if (fr_forecast_make(past, now_s, job.deadline_s, &f, &err) != FR_OK)
    fail_msg("%s", err.text);
  const fr_place place = {.forecast = &f, .pue = 1};
  if (fr_plan_make(&place, 1, 0, &job, &options, &plan, &err) != FR_OK)
    fail_msg("%s", err.text);
  size_t used = (size_t)snprintf(text, size, "%s", plan.why);
  for (size_t i = 0; i <= plan.alternatives; i++) {
    const fr_option *o = i == 0 ? plan.option : &plan.alternative[i - 1];
    used += (size_t)snprintf(text + used, size - used, "\n%a %a %a %a", o->grams.value,
                             o->gain.low, o->gain.high, o->chance);
    for (size_t k = 0; k < o->schedule.count; k++)
      used += (size_t)snprintf(text + used, size - used, " %lld-%lld",
                               (long long)o->schedule.piece[k].start_s,
                               (long long)o->schedule.piece[k].end_s);
  }
  assert_true(used < size);
  fr_plan_release(&plan);
  fr_forecast_release(&f);
}

static void absurd_values_after_now_change_nothing(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 8, 7);
  for (int round = 0; round < 20; round++) {
    fr_series past = wavy(&rng, 1);
    /* Some hours into a step that has not ended: its value is not known either. */
    const int64_t now_s = between(&rng, 4 * DAY, 9 * DAY);
    char honest[4096], told[4096];
    write_plan(&past, now_s, honest, sizeof honest);
    for (int planted = 0; planted < 2; planted++) {
      for (size_t i = 0; i < past.count; i++)
        if (past.step[i].end_s > now_s)
          past.step[i].g_per_kwh = past.step[i].low = past.step[i].high =
              planted == 0 ? 9e3 : 0;
      write_plan(&past, now_s, told, sizeof told);
      assert_string_equal(told, honest);
    }
    for (size_t i = 0; i < past.count; i++) /* it can fail */
      if (past.step[i].end_s > now_s - 2 * HOUR)
        past.step[i].g_per_kwh = past.step[i].low = past.step[i].high = 9e3;
    write_plan(&past, now_s, told, sizeof told);
    assert_string_not_equal(told, honest);
    fr_series_release(&past);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(more_freedom_never_costs_more),
      cmocka_unit_test(grams_grow_with_the_intensity),
      cmocka_unit_test(days_of_23_and_25_hours),
      cmocka_unit_test(given_pieces_are_weighed),
      cmocka_unit_test(what_is_not_looked_at_is_told),
      cmocka_unit_test(absurd_values_after_now_change_nothing),
  };
  return cmocka_run_group_tests_name("carbon/plan_properties", tests, NULL, NULL);
}
