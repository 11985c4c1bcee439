/* SPDX-License-Identifier: Apache-2.0 */
/* Grams follow from joules, intensity and PUE; what is unknown stays unknown. */
#include <math.h>

#include "../test.h"
#include "base/rng.h"
#include "frugal/footprint.h"

static fr_intensity intensity_of(const char *spec) {
  fr_intensity found = {0};
  assert_int_equal(fr_intensity_find(spec, &found, NULL), FR_OK);
  return found;
}

/* 7.2 MJ are 2 kWh; times 100 g/kWh, times a PUE of 1.5: 300 g. */
static void grams_follow(void **state) {
  (void)state;
  const fr_intensity at = intensity_of("100");
  const fr_measure energy = {7.2e6, 3.6e6, 14.4e6, FR_UNIT_JOULE, FR_SOURCE_PERF};
  const fr_measure grams = fr_carbon_grams(energy, &at, 1.5);
  assert_true(fabs(grams.value - 300.0) < 1e-9);
  assert_true(fabs(grams.low - 150.0) < 1e-9);
  assert_true(fabs(grams.high - 600.0) < 1e-9);
  assert_int_equal(grams.unit, FR_UNIT_GRAM_CO2E);
  assert_int_equal(grams.source, FR_SOURCE_PERF);
}

static void unknown_stays_unknown(void **state) {
  (void)state;
  fr_intensity at = intensity_of("100");
  const fr_measure one = {1, 1, 1, FR_UNIT_JOULE, FR_SOURCE_PERF};
  const fr_measure none = fr_measure_absent(FR_UNIT_JOULE);
  assert_false(fr_measure_known(fr_carbon_grams(none, &at, 1.0)));
  assert_false(fr_measure_known(fr_carbon_grams(one, &at, 0.5)));
  assert_false(fr_measure_known(fr_carbon_grams(one, &at, (double)NAN)));
  at.g_per_kwh = fr_measure_absent(FR_UNIT_GRAM_CO2E_PER_KWH);
  const fr_measure grams = fr_carbon_grams(one, &at, 1.0);
  assert_false(fr_measure_known(grams));
  assert_int_equal(grams.unit, FR_UNIT_GRAM_CO2E);
}

/* The poster's table; its text: 284 tons are about five lifetimes of a car. */
static void equivalents_are_the_posters(void **state) {
  (void)state;
  static const double pounds[] = {11023, 36156, 126000, 39, 78468, 192, 626155};
  size_t count = 0;
  const fr_equivalent *row = fr_equivalents(&count);
  assert_int_equal(count, 7);
  for (size_t i = 0; i < count; i++) {
    assert_true(row[i].pounds == pounds[i]);
    assert_true(fabs(row[i].grams / row[i].pounds - 453.59237) < 1e-9);
    assert_non_null(strstr(row[i].source, "2019"));
  }
  assert_true(fabs(row[6].grams / 284e6 - 1.0) < 0.001);
  assert_true(fabs(row[6].grams / row[2].grams - 5.0) < 0.05);
}

/* ---- energy over time at an intensity over time ---- */

#define HOUR 3600
#define NS INT64_C(1000000000)
#define T0 INT64_C(1700000000) /* not at the beginning of anything */

static void add_step(fr_series *series, int64_t from_s, int64_t to_s, double low,
                     double value, double high, unsigned marks) {
  series->source = FR_SOURCE_IMPORT;
  ASSERT_OK(fr_series_add(
      series, &(fr_intensity_step){T0 + from_s, T0 + to_s, value, low, high, marks},
      err));
}

static void add_hour(fr_series *series, int64_t hour, double g_per_kwh) {
  add_step(series, hour * HOUR, (hour + 1) * HOUR, g_per_kwh, g_per_kwh, g_per_kwh, 0);
}

/* `kwh` from and to seconds behind T0. */
static void add_energy(fr_load *load, double from_s, double to_s, double kwh) {
  load->source = FR_SOURCE_PERF;
  ASSERT_OK(fr_load_add(load,
                        &(fr_stretch){T0 * NS + (int64_t)(from_s * 1e9),
                                      T0 * NS + (int64_t)(to_s * 1e9), kwh * 3.6e6,
                                      kwh * 3.6e6, kwh * 3.6e6},
                        err));
}

static fr_footprint reckon(fr_load *load, fr_series *series, double pue,
                           enum fr_fill fill) {
  fr_footprint out = {0};
  ASSERT_OK(fr_footprint_reckon(load, series, pue, fill, &out, err));
  fr_load_release(load);
  fr_series_release(series);
  return out;
}

static void assert_near(double value, double by_hand) {
  if (!(fabs(value - by_hand) <= 1e-12 * fabs(by_hand)))
    fail_msg("%.17g is not %.17g", value, by_hand);
}

/* Whatever the steps and the stretches: to the bit what one multiplication gives. */
static void constant_is_exact(void **state) {
  (void)state;
  static const double rates[] = {0, 1, 381.7, 0.1, 1234.56789};
  const fr_measure energy = {7.7e6 / 3, 1e6 / 7, 9.1e6, FR_UNIT_JOULE, FR_SOURCE_PERF};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    fr_load load = {0};
    fr_series series = {0};
    const fr_intensity at = {.g_per_kwh = {rates[i], rates[i], rates[i],
                                           FR_UNIT_GRAM_CO2E_PER_KWH, FR_SOURCE_API}};
    for (int64_t s = 0; s < 9000; s += 700) /* ragged: 700 s, then 11 s, … */
      add_step(&series, s, s + 689, rates[i], rates[i], rates[i], 0),
          add_step(&series, s + 689, s + 700, rates[i], rates[i], rates[i], 0);
    ASSERT_OK(
        fr_load_even(&load, energy, T0 * NS + 123456789, (T0 + 8000) * NS + 7, err));
    const fr_measure by_hand = fr_carbon_grams(energy, &at, 1.37);
    const fr_footprint f = reckon(&load, &series, 1.37, FR_FILL_NONE);
    assert_true(f.grams.value == by_hand.value && f.grams.low == by_hand.low &&
                f.grams.high == by_hand.high);
    assert_true(f.intensity.value == rates[i]);
    assert_int_equal(f.grams.source, FR_SOURCE_PERF);
  }
}

/* 1 kWh at 100 g, 3 kWh at 900 g, 1 kWh at 200 g: 3,000 g. Neither the last value times
 * the total (1,000 g) nor the mean of the hours times it (2,000 g). */
static void dirty_hours_weigh(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_hour(&series, 0, 100);
  add_hour(&series, 1, 900);
  add_hour(&series, 2, 200);
  add_energy(&load, 0, HOUR, 1);
  add_energy(&load, HOUR, 2 * HOUR, 3);
  add_energy(&load, 2 * HOUR, 3 * HOUR, 1);
  const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
  assert_near(f.grams.value, 3000);
  assert_near(f.intensity.value, 600);
  assert_near(f.hours.value, 400);
  assert_near(f.energy.value, 5 * 3.6e6);
}

/* 1 kWh evenly from 0:30 to 2:00 is a third in the first hour; 90 g, 300 g. Half a second
 * of a minute of 6 kWh falls into the hour after. */
static void steps_need_not_line_up(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_hour(&series, 0, 90);
  add_hour(&series, 1, 300);
  add_hour(&series, 2, 3000);
  add_energy(&load, HOUR / 2, 2 * HOUR, 1);
  add_energy(&load, 2 * HOUR - 59.5, 2 * HOUR + 0.5, 6);
  const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
  assert_near(f.grams.value,
              90 / 3.0 + 300 * 2 / 3.0 + 6 * (300 * 59.5 + 3000 * 0.5) / 60);
}

static void ragged_steps_are_cut(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_step(&series, 0, 7, 10, 10, 10, 0);
  add_step(&series, 7, 607, 20, 20, 20, 0);
  add_step(&series, 607, 900, 40, 40, 40, 0);
  add_energy(&load, 2, 612, 6.1); /* 0.01 kWh a second */
  const fr_footprint f = reckon(&load, &series, 2, FR_FILL_NONE);
  assert_near(f.grams.value, 2 * (0.05 * 10 + 6 * 20 + 0.05 * 40));
}

/* low × low … high × high, and low and high of the mean are the hours' own. */
static void bounds_are_carried(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_step(&series, 0, HOUR, 80, 100, 150, 0);
  add_step(&series, HOUR, 2 * HOUR, 300, 400, 500, 0);
  load.source = FR_SOURCE_MODEL;
  ASSERT_OK(fr_load_add(
      &load, &(fr_stretch){T0 * NS, (T0 + 2 * HOUR) * NS, 7.2e6, 3.6e6, 14.4e6}, err));
  const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
  assert_near(f.grams.value, 100 + 400);
  assert_near(f.grams.low, 0.5 * 80 + 0.5 * 300);
  assert_near(f.grams.high, 2 * 150 + 2 * 500);
  assert_near(f.intensity.low, 190);
  assert_near(f.intensity.high, 325);
}

/* -1 kWh at 80 to 150 g is -150 to -80 g. */
static void below_nothing_bounds_turn(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_step(&series, 0, HOUR, 80, 100, 150, 0);
  add_energy(&load, 0, HOUR, -1);
  const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
  assert_near(f.grams.value, -100);
  assert_near(f.grams.low, -150);
  assert_near(f.grams.high, -80);
}

static void marks_are_shares(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_step(&series, 0, HOUR, 1, 1, 1, FR_STEP_ESTIMATED);
  add_step(&series, HOUR, 2 * HOUR, 2, 2, 2, FR_STEP_ESTIMATED | FR_STEP_FORECAST);
  add_hour(&series, 2, 3);
  add_energy(&load, 0, HOUR, 1);
  add_energy(&load, HOUR, 3 * HOUR, 6);
  const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
  assert_near(f.estimated, 4.0 / 7);
  assert_near(f.forecast, 3.0 / 7);
  assert_near(f.grams.value, 1 + 6 + 9);
  assert_true(f.gaps == 0 && f.gap_to_s == 0);
}

/* 1 kWh in each of hours 0 (100 g), 1 (a gap), 2 (400 g); seven hours of 100 g after them
 * make the mean 1200 / 9. */
static fr_footprint with_gap(enum fr_fill fill) {
  fr_load load = {0};
  fr_series series = {0};
  add_hour(&series, 0, 100);
  add_step(&series, 2 * HOUR, 3 * HOUR, 390, 400, 420, 0);
  add_step(&series, 3 * HOUR, 10 * HOUR, 70, 100, 110, 0);
  add_energy(&load, 0, 3 * HOUR, 3);
  return reckon(&load, &series, 1, fill);
}

static void gaps_are_told(void **state) {
  (void)state;
  const fr_footprint none = with_gap(FR_FILL_NONE), last = with_gap(FR_FILL_LAST),
                     mean = with_gap(FR_FILL_MEAN);
  assert_false(fr_measure_known(none.grams));
  assert_near(none.gaps, 1 / 3.0);
  assert_near(none.intensity.value, 250); /* of what is covered */
  assert_int_equal(none.gap_from_s, T0 + HOUR);
  assert_int_equal(none.gap_to_s, T0 + 2 * HOUR);
  assert_near(last.grams.value, 100 + 100 + 400);
  assert_near(last.gaps, 1 / 3.0);
  assert_near(mean.grams.value, 100 + 1200 / 9.0 + 400);
  assert_near(mean.grams.low, 100 + 70 + 390);
  assert_near(mean.grams.high, 100 + 420 + 420);
  assert_near(mean.gaps, 1 / 3.0);
}

/* Before the first step there is no last one; of an empty series there is no mean. */
static void nothing_fills_nothing(void **state) {
  (void)state;
  static const enum fr_fill fills[] = {FR_FILL_NONE, FR_FILL_LAST, FR_FILL_MEAN};
  for (size_t i = 0; i < 3; i++) {
    fr_load load = {0};
    fr_series series = {0};
    add_energy(&load, 0, HOUR, 1);
    const fr_footprint f = reckon(&load, &series, 1, fills[i]);
    assert_false(fr_measure_known(f.grams));
    assert_false(fr_measure_known(f.intensity));
    assert_near(f.gaps, 1);
    assert_near(f.energy.value, 3.6e6);
  }
}

/* No joule needs no intensity: 0 g, and no mean by energy. */
static void no_energy_costs_nothing(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  add_hour(&series, 0, 100);
  add_energy(&load, -HOUR, 2 * HOUR, 0);
  const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
  assert_true(fr_measure_known(f.grams) && f.grams.value == 0 && f.gaps == 0);
  assert_false(fr_measure_known(f.intensity));
}

/* The numbers of all times, as a yearly mean is told. */
static void a_number_is_of_all_times(void **state) {
  (void)state;
  fr_load load = {0};
  fr_series series = {0};
  const fr_intensity_query query = {0, FR_TIME_EARLIEST, FR_TIME_LATEST, .perfect = true};
  ASSERT_OK(fr_intensity_read("250", &query, &series, err));
  add_energy(&load, -1e9, 1e9, 4);
  assert_near(reckon(&load, &series, 1, FR_FILL_NONE).grams.value, 1000);
}

/* Ragged steps with gaps, stretches of whole seconds in any order: as many as second by
 * second. */
static void seconds_add_up_to_it(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 2026, 11);
  for (size_t round = 0; round < 300; round++) {
    fr_load load = {0};
    fr_series series = {0};
    double grams = 0, missing = 0, all = 0;
    for (int64_t at = 0; at < 900;) {
      const int64_t to = at + 1 + (int64_t)fr__rng_below(&rng, 90);
      const double rate = (double)fr__rng_below(&rng, 800);
      if (fr__rng_below(&rng, 8) > 0)
        add_step(&series, at, to, rate, rate, rate, 0);
      at = to;
    }
    for (size_t i = 0; i < 8; i++) {
      const int64_t from = (int64_t)fr__rng_below(&rng, 900) - 50;
      const int64_t length = 1 + (int64_t)fr__rng_below(&rng, 200);
      const double kwh = fr__rng_uniform(&rng);
      add_energy(&load, (double)from, (double)(from + length), kwh);
      for (int64_t s = from; s < from + length; s++) {
        const fr_intensity_step *step = fr_series_at(&series, T0 + s);
        grams += step != NULL ? kwh / (double)length * step->g_per_kwh : 0;
        missing += step == NULL ? kwh / (double)length : 0;
      }
      all += kwh;
    }
    const fr_footprint f = reckon(&load, &series, 1, FR_FILL_NONE);
    assert_true(fabs(f.gaps - missing / all) < 1e-12);
    assert_int_equal(fr_measure_known(f.grams), !(missing > 0));
    assert_true(fabs(f.intensity.value * (all - missing) - grams) < 1e-9 * (1 + grams));
    if (!(missing > 0))
      assert_true(fabs(f.grams.value - grams) < 1e-9 * (1 + grams));
  }
}

static void hostile_loads_are_refused(void **state) {
  (void)state;
  fr_load load = {0};
  fr_footprint out;
  const fr_series series = {0};
  const fr_stretch wrong[] = {{0, 0, 1, 1, 1},
                              {5, 4, 1, 1, 1},
                              {0, 9, 1, 2, 3},
                              {0, 9, 3, 2, 2.5},
                              {0, 9, (double)NAN, 0, 1},
                              {0, 9, 1, (double)NAN, 1},
                              {0, 9, 1, 1, (double)INFINITY},
                              {0, 9, -(double)INFINITY, -(double)INFINITY, 1},
                              {0, 9, 1e300, 1e300, 1e300},
                              {INT64_MIN, 0, 1, 1, 1},
                              {0, INT64_MAX, 1, 1, 1}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(fr_load_add(&load, &wrong[i], NULL), FR_ERR_ARGUMENT);
  assert_int_equal(load.count, 0);
  assert_int_equal(fr_load_even(&load, fr_measure_absent(FR_UNIT_JOULE), 0, 9, NULL),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_footprint_reckon(&load, &series, 1, FR_FILL_NONE, &out, NULL),
                   FR_ERR_ARGUMENT);
  add_energy(&load, 0, 1, 1);
  static const double pues[] = {0, 0.99, -1, 10.5, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof pues / sizeof *pues; i++)
    assert_int_equal(
        fr_footprint_reckon(&load, &series, pues[i], FR_FILL_NONE, &out, NULL),
        FR_ERR_ARGUMENT);
  fr_load_release(&load);
}

/* 1, 3 and 0 J with a meter's sum of 8 (6 to 12) J: 2, 6, 0, in shape. */
static void a_shape_takes_a_sum(void **state) {
  (void)state;
  const fr_measure sum = {8, 6, 12, FR_UNIT_JOULE, FR_SOURCE_POWERCAP};
  fr_load load = {0}, flat = {0};
  add_energy(&load, 0, 1, 1 / 3.6e6);
  add_energy(&load, 1, 2, 3 / 3.6e6);
  add_energy(&load, 2, 9, 0);
  fr_load_fit(&load, sum);
  assert_near(load.stretch[0].energy_j, 2);
  assert_near(load.stretch[1].low_j, 4.5);
  assert_near(load.stretch[1].high_j, 9);
  assert_true(load.stretch[2].high_j == 0);
  assert_near(fr_load_energy(&load).high, 12);
  assert_int_equal(fr_load_energy(&load).source, FR_SOURCE_POWERCAP);
  add_energy(&flat, 0, 1, 0); /* no shape: by time */
  add_energy(&flat, 1, 4, 0);
  fr_load_fit(&flat, sum);
  assert_near(flat.stretch[0].energy_j, 2);
  assert_near(flat.stretch[1].low_j, 4.5);
  fr_load_release(&load);
  fr_load_release(&flat);
}

static void spans_are_whole_seconds(void **state) {
  (void)state;
  fr_load load = {0};
  int64_t from_s, to_s;
  assert_false(fr_load_span(&load, &from_s, &to_s));
  ASSERT_OK(fr_load_add(&load, &(fr_stretch){-1, 1, 1, 1, 1}, err));
  assert_true(fr_load_span(&load, &from_s, &to_s) && from_s == -1 && to_s == 1);
  ASSERT_OK(fr_load_add(&load, &(fr_stretch){-5 * NS, 7 * NS, 1, 1, 1}, err));
  assert_true(fr_load_span(&load, &from_s, &to_s) && from_s == -5 && to_s == 7);
  fr_load_release(&load);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grams_follow),
      cmocka_unit_test(unknown_stays_unknown),
      cmocka_unit_test(equivalents_are_the_posters),
      cmocka_unit_test(constant_is_exact),
      cmocka_unit_test(dirty_hours_weigh),
      cmocka_unit_test(steps_need_not_line_up),
      cmocka_unit_test(ragged_steps_are_cut),
      cmocka_unit_test(bounds_are_carried),
      cmocka_unit_test(below_nothing_bounds_turn),
      cmocka_unit_test(marks_are_shares),
      cmocka_unit_test(gaps_are_told),
      cmocka_unit_test(nothing_fills_nothing),
      cmocka_unit_test(no_energy_costs_nothing),
      cmocka_unit_test(a_number_is_of_all_times),
      cmocka_unit_test(seconds_add_up_to_it),
      cmocka_unit_test(hostile_loads_are_refused),
      cmocka_unit_test(a_shape_takes_a_sum),
      cmocka_unit_test(spans_are_whole_seconds),
  };
  return cmocka_run_group_tests_name("carbon/footprint", tests, NULL, NULL);
}
