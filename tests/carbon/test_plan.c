/* SPDX-License-Identifier: Apache-2.0 */
/* Places × times are ranked, and the forecast's error reaches the advice. Worked out by
 * hand: 1 kWh over an hour, so that grams are g/kWh. */
#include "../test.h"

#include "frugal/forecast.h"
#include "plan_cases.h"

#define HOUR 3600

static const fr_job job = {
    .energy_j = {3.6e6, 3.6e6, 3.6e6, FR_UNIT_JOULE, FR_SOURCE_PERF},
    .duration_s = HOUR,
    .deadline_s = 4 * HOUR};

/* Steps of an hour; `error` (scenarios, count) is borrowed, never released. */
static fr_forecast hours(const double *g, size_t count, double *error, size_t scenarios) {
  fr_forecast f = {.scenarios = scenarios, .error = error};
  for (size_t i = 0; i < count; i++)
    add_step(&f.ahead, (int64_t)i * HOUR, (int64_t)(i + 1) * HOUR, g[i]);
  return f;
}

static fr_place at(const char *name, const fr_forecast *forecast, double pue) {
  fr_place place = {.forecast = forecast,
                    .pue = pue,
                    .latency_ms = (double)NAN,
                    .carbon_free = (double)NAN,
                    .price_per_h = (double)NAN};
  snprintf(place.name, sizeof place.name, "%s", name);
  return place;
}

static fr_plan_options usual(void) {
  fr_plan_options options;
  fr_plan_options_init(&options);
  return options;
}

static void places_are_ranked_by_grams(void **state) {
  (void)state;
  fr_forecast home = hours((double[]){400, 300, 200, 500}, 4, NULL, 0);
  fr_forecast away = hours((double[]){300, 160, 300, 300}, 4, NULL, 0);
  home.perfect = away.perfect = true;
  fr_place place[] = {at("home", &home, 1.5), at("away", &away, 1.0),
                      at("farther", &away, 1.25)};
  place[1].data_j = 3.6e6 / 2; /* half a kWh at (350 + 265) / 2 */
  const fr_plan_options options = usual();
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(place, 3, 0, &job, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.count, 3);
  assert_near(plan.now.grams.value, 600, 1e-12);
  assert_near(plan.now.gain.value, 0, 1e-12);
  assert_int_equal(plan.option[0].place, 2);
  assert_near(plan.option[0].grams.value, 200, 1e-12);
  assert_near(plan.option[0].gain.value, 400, 1e-12);
  assert_near(plan.option[0].chance, 1, 0);
  assert_int_equal(plan.option[1].place, 0);
  assert_near(plan.option[1].grams.value, 300, 1e-12);
  assert_int_equal(plan.option[1].schedule.piece[0].start_s, 2 * HOUR);
  assert_int_equal(plan.option[2].place, 1);
  assert_near(plan.option[2].data_grams.value, 0.5 * (350 + 265) / 2, 1e-12);
  assert_near(plan.option[2].grams.value, 160 + 0.25 * 615, 1e-12);
  assert_int_equal(plan.advice, FR_ADVICE_MOVE_AND_WAIT);
  assert_int_equal(plan.advised, 0);
  assert_string_equal(plan.why, "starting in farther in 60 min emits 200 g in place of "
                                "600 g now, 67 % less");
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
  fr_series_release(&away.ahead);
}

/* Errors of now -10, 0, 40, of two o'clock 20, 150, -50: of the gain -30, -150, 90, their
 * mean -30. Student's quantiles of 97.5 % from a table. */
static void the_error_of_the_difference_counts(void **state) {
  (void)state;
  double error[] = {-10, 7, 20, 9, 0, 7, 150, 9, 40, 7, -50, 9};
  fr_forecast home = hours((double[]){400, 500, 300, 500}, 4, error, 3);
  const fr_place place = at("home", &home, 1);
  const fr_plan_options options = usual();
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(&place, 1, 0, &job, &options, &plan, NULL), FR_OK);
  const fr_option *o = &plan.option[0];
  assert_true(o->error_known);
  const double now_half = 3.182446 * sqrt(1700.0 / 3);
  assert_near(plan.now.grams.value, 400, 1e-12);
  assert_near(plan.now.grams.low, 400 - now_half, 1e-6);
  assert_near(plan.now.grams.high, 400 + now_half, 1e-6);
  assert_near(o->grams.value, 300, 1e-12);
  assert_near(o->gain.value, 100, 1e-12);
  const double half = 3.182446 * sqrt(31500.0 / 3);
  assert_near(o->gain.low, 100 - half, 1e-6);
  assert_near(o->gain.high, 100 + half, 1e-6);
  assert_near(o->chance, 2.0 / 3, 1e-12); /* 100, -20, 220 */
  assert_int_equal(plan.advice, FR_ADVICE_WAIT);
  assert_string_equal(
      plan.why, "starting in 2 h emits 300 g in place of 400 g now, 25 % less; 95 % "
                "interval -57 to 107 %, a gain on 67 % of past days");
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
}

static void bounds_of_the_energy_widen_it(void **state) {
  (void)state;
  double error[] = {0, 0, 0, 0, -100, 0, 0, 0};
  fr_forecast home = hours((double[]){400, 500, 350, 500}, 4, error, 2);
  const fr_place place = at("home", &home, 1);
  const fr_plan_options options = usual();
  fr_job wide = job;
  wide.energy_j.low = 1.8e6;
  wide.energy_j.high = 7.2e6;
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(&place, 1, 0, &wide, &options, &plan, NULL), FR_OK);
  const fr_option *o = &plan.option[0];
  const double half = 4.302653 * sqrt(5000); /* 0 and -100 */
  assert_near(plan.now.grams.low, (400 - half) / 2, 1e-6);
  assert_near(plan.now.grams.high, 2 * (400 + half), 1e-6);
  assert_near(o->gain.value, 50, 1e-12);
  assert_near(o->gain.low, 2 * (50 - half), 1e-6);
  assert_near(o->gain.high, 2 * (50 + half), 1e-6);
  assert_near(o->chance, 0.5, 0); /* 100 and 0 */
  assert_int_equal(plan.advice, FR_ADVICE_NOW);
  assert_true(plan.advised == SIZE_MAX);
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
}

/* The k-th day of one place is the k-th of the other where both have as many: the same
 * wind blew. With other numbers of days each is set beside each. */
static void days_are_paired(void **state) {
  (void)state;
  double ours[] = {100, 0, -100, 0}, same[] = {100, 0, -100, 0},
         three[] = {0, 0, 0, 0, 0, 0};
  fr_forecast home = hours((double[]){400, 500}, 2, ours, 2);
  fr_forecast paired = hours((double[]){380, 500}, 2, same, 2);
  fr_forecast other = hours((double[]){380, 500}, 2, three, 3);
  fr_place place[] = {at("home", &home, 1), at("away", &paired, 1)};
  const fr_plan_options options = usual();
  fr_job two = job;
  two.deadline_s = 2 * HOUR;
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(place, 2, 0, &two, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.option[0].place, 1);
  assert_near(plan.option[0].chance, 1, 0);
  assert_near(plan.option[0].gain.low, 20, 1e-12);
  assert_near(plan.option[0].gain.high, 20, 1e-12);
  assert_int_equal(plan.advice, FR_ADVICE_MOVE);
  fr_plan_release(&plan);
  place[1].forecast = &other;
  assert_int_equal(fr_plan_make(place, 2, 0, &two, &options, &plan, NULL), FR_OK);
  assert_near(plan.option[0].chance, 0.5, 0);
  /* 120 and -80, three times each; but two days of the one */
  assert_near(plan.option[0].gain.low, 20 - 4.302653 * 100, 1e-6);
  assert_near(plan.option[0].gain.high, 20 + 4.302653 * 100, 1e-6);
  assert_int_equal(plan.advice, FR_ADVICE_NOW);
  assert_string_equal(plan.why, "no gain, start now: starting in away at once would save "
                                "5 %, but it did so on 50 % of past days alone");
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
  fr_series_release(&paired.ahead);
  fr_series_release(&other.ahead);
}

static void without_errors_it_says_so(void **state) {
  (void)state;
  fr_forecast home = hours((double[]){400, 500, 300, 500}, 4, NULL, 0);
  const fr_place place = at("home", &home, 1);
  const fr_plan_options options = usual();
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(&place, 1, 0, &job, &options, &plan, NULL), FR_OK);
  assert_false(plan.option[0].error_known);
  assert_true(isnan(plan.option[0].chance));
  assert_near(plan.option[0].gain.value, 100, 1e-12);
  assert_int_equal(plan.advice, FR_ADVICE_WAIT);
  assert_non_null(strstr(plan.why, "25 % less; how sure that is, the forecast does not"));
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
}

static void little_gain_is_no_gain(void **state) {
  (void)state;
  fr_forecast home = hours((double[]){400, 500, 397, 500}, 4, NULL, 0);
  const fr_place place = at("home", &home, 1);
  fr_plan_options options = usual();
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(&place, 1, 0, &job, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.advice, FR_ADVICE_NOW);
  assert_string_equal(plan.why, "no gain, start now: starting in 2 h saves 0.75 %, which "
                                "is not above 1 %");
  fr_plan_release(&plan);
  options.least_gain = 0;
  assert_int_equal(fr_plan_make(&place, 1, 0, &job, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.advice, FR_ADVICE_WAIT);
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
}

#define NO_HOUR                                                                          \
  "between 1970-01-01T00:00:00Z and 1970-01-01T04:00:00Z there is no 1 h without a gap " \
  "in the intensities"

static void what_is_left_out_is_told(void **state) {
  (void)state;
  fr_forecast home = hours((double[]){400, 500, 300, 500}, 4, NULL, 0);
  fr_forecast gone = {0};
  add_step(&gone.ahead, 0, 1800, 5);
  fr_place place[] = {at("home", &home, 1),      at("slow", &home, 1),
                      at("who knows", &home, 1), at("told", &home, 1),
                      at("gone", &gone, 1),      at("dirty", &home, 1)};
  const double latency[] = {1, 100, (double)NAN, 1, 1, 1};
  const double carbon_free[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.25};
  for (size_t i = 0; i < 6; i++) {
    place[i].latency_ms = latency[i];
    place[i].carbon_free = carbon_free[i];
  }
  snprintf(place[3].left_out, sizeof place[3].left_out, "it is not in the EU");
  fr_plan_options options = usual();
  options.latency_ms_most = 80;
  options.carbon_free_least = 0.5;
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(place, 6, 0, &job, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.count, 1);
  assert_int_equal(plan.left_out_count, 5);
  const char *why[] = {"its latency in ms of 100 is above 80",
                       "its latency in ms is not known", "it is not in the EU", NO_HOUR,
                       "its carbon-free share of 0.25 is below 0.5"};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(plan.left_out[i].place, i + 1);
    assert_string_equal(plan.left_out[i].why, why[i]);
  }
  fr_plan_release(&plan);
  fr_error err = {0};
  assert_int_equal(fr_plan_make(&place[4], 1, 0, &job, &options, &plan, &err),
                   FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "no intensity is known from 1970-01-01T00:30:00Z"));
  fr_series_release(&home.ahead);
  fr_series_release(&gone.ahead);
}

static void further_starts_lie_apart(void **state) {
  (void)state;
  fr_forecast home = hours((double[]){400, 100, 300, 200}, 4, NULL, 0);
  const fr_place place = at("home", &home, 1);
  fr_plan_options options = usual();
  options.alternatives = 9;
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(&place, 1, 0, &job, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.alternatives, 3);
  const int64_t start[] = {3 * HOUR, 2 * HOUR, 0};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(plan.alternative[i].schedule.piece[0].start_s, start[i]);
  assert_near(plan.alternative[0].gain.value, 200, 1e-12);
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
}

static void nowhere_better_is_now(void **state) {
  (void)state;
  fr_forecast home = hours((double[]){400, 500, 400, 500}, 4, NULL, 0);
  const fr_place place = at("home", &home, 1);
  const fr_plan_options options = usual();
  fr_plan plan = {0};
  assert_int_equal(fr_plan_make(&place, 1, 0, &job, &options, &plan, NULL), FR_OK);
  assert_int_equal(plan.advice, FR_ADVICE_NOW);
  assert_non_null(strstr(plan.why, "no gain, start now: nowhere and at no time"));
  assert_string_equal(fr_plan_advice_name(plan.advice), "now");
  fr_plan_release(&plan);
  fr_series_release(&home.ahead);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_are_ranked_by_grams),
      cmocka_unit_test(the_error_of_the_difference_counts),
      cmocka_unit_test(bounds_of_the_energy_widen_it),
      cmocka_unit_test(days_are_paired),
      cmocka_unit_test(without_errors_it_says_so),
      cmocka_unit_test(little_gain_is_no_gain),
      cmocka_unit_test(what_is_left_out_is_told),
      cmocka_unit_test(further_starts_lie_apart),
      cmocka_unit_test(nowhere_better_is_now),
  };
  return cmocka_run_group_tests_name("carbon/plan", tests, NULL, NULL);
}
