/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds hold the truth in 94 of 100 runs and are no wider than they must be. */
#include "test.h"

#include <math.h>

#include "base/rng.h"
#include "frugal/power.h"

static void near(double value, double expected, double slack) {
  if (!(fabs(value - expected) <= slack))
    fail_msg("%.9g is not %.9g within %g", value, expected, slack);
}

/* ---- formulas, by hand ---- */

static void parts_add_as_squares(void **state) {
  (void)state;
  const fr_bounds bounds = {.value_j = 1000,
                            .duration_s = 10,
                            .source = FR_SOURCE_POWERCAP,
                            .accuracy = 0.015, /* 15 J */
                            .bridged_j = 8};
  const fr_measure energy = fr_bounds_energy(&bounds);
  near(energy.low, 983, 1e-9); /* 8, 15, 17 */
  near(energy.high, 1017, 1e-9);
  assert_int_equal(energy.unit, FR_UNIT_JOULE);
  assert_int_equal(energy.source, FR_SOURCE_POWERCAP);
}

static void an_edge_is_one_update_period_at_its_power(void **state) {
  (void)state;
  fr_bounds bounds = {.value_j = 50,
                      .duration_s = 0.5,
                      .update_s = 0.001,
                      .power_start_w = 100,
                      .power_end_w = 100,
                      .source = FR_SOURCE_PERF};
  near(fr_bounds_energy(&bounds).high, 50 + 1.96 * 0.1 / sqrt(6), 1e-9);
  near(fr_bounds_energy(&bounds).low, 50 - 1.96 * 0.1 / sqrt(6), 1e-9);
  bounds.power_start_w = 0; /* what came before was nothing: the truth is only higher */
  near(fr_bounds_energy(&bounds).high, 50 + 0.05 + 1.96 * 0.1 / sqrt(12), 1e-9);
  near(fr_bounds_energy(&bounds).low, 50 + 0.05 - 1.96 * 0.1 / sqrt(12), 1e-9);
}

static void a_count_is_cut_off_at_both_edges(void **state) {
  (void)state;
  const fr_bounds bounds = {
      .value_j = 50, .duration_s = 0.5, .quantum_j = 6, .source = FR_SOURCE_EXEC};
  near(fr_bounds_energy(&bounds).high, 50 + 1.96 * 6 / sqrt(6), 1e-9);
  near(fr_bounds_energy(&bounds).low, 50 - 1.96 * 6 / sqrt(6), 1e-9);
}

static void the_models_band_may_lean(void **state) {
  (void)state;
  const fr_bounds bounds = {.value_j = 100,
                            .duration_s = 10,
                            .source = FR_SOURCE_MODEL,
                            .model_low_j = 60,
                            .model_high_j = 150};
  near(fr_bounds_energy(&bounds).low, 40, 1e-9);
  near(fr_bounds_energy(&bounds).high, 250, 1e-9);
}

static void no_energy_is_below_nothing_or_made_of_nothing(void **state) {
  (void)state;
  fr_bounds bounds = {.value_j = 0.001,
                      .duration_s = 0.001,
                      .update_s = 0.001,
                      .power_start_w = 50,
                      .power_end_w = 50,
                      .source = FR_SOURCE_PERF};
  near(fr_bounds_energy(&bounds).low, 0, 0);
  assert_true(fr_bounds_too_short(&bounds));
  bounds.value_j = (double)NAN;
  assert_false(fr_measure_known(fr_bounds_energy(&bounds)));
}

static void a_run_too_short_for_its_sensor_says_so(void **state) {
  (void)state;
  fr_bounds bounds = {.value_j = 5,
                      .duration_s = 0.1,
                      .update_s = 0.001,
                      .power_start_w = 50,
                      .power_end_w = 50,
                      .source = FR_SOURCE_PERF};
  /* 1.96 × 0.05 J / sqrt(6) = 0.040 J, of which 5 % of 50 W are 16 ms */
  near(fr_bounds_needed_s(&bounds, 0.05), 0.0160, 1e-4);
  assert_false(fr_bounds_too_short(&bounds));
  bounds.value_j = 0.6;
  bounds.duration_s = 0.012;
  assert_true(fr_bounds_too_short(&bounds));
  bounds.value_j = 0; /* the counter has not moved */
  assert_true(isinf(fr_bounds_needed_s(&bounds, 0.05)));
  assert_true(fr_bounds_too_short(&bounds));
}

static void each_class_tells_its_accuracy_and_who_says_so(void **state) {
  (void)state;
  const char *why = NULL;
  near(fr_sensor_accuracy(FR_SOURCE_NVML, &why), 0.05, 0);
  assert_non_null(strstr(why, "NVML"));
  assert_true(fr_sensor_accuracy(FR_SOURCE_PERF, NULL) < 0.02);
  near(fr_sensor_accuracy(FR_SOURCE_MODEL, &why), 0, 0);
  assert_non_null(why);
}

/* ---- coverage ---- */

#define PIECE_S 0.01
#define PIECES 6002
#define UPDATE_S 0.001
#define OFFSET_S 2e-5
#define QUANTUM_J 61e-6
#define IDLE_W 12.0

typedef struct counter {
  fr__rng rng;
  double power_w[PIECES];
  double energy_j[PIECES]; /* at the start of each piece */
  double phase_s;
  double gain;
} counter;

/* A run of AR(1) power between two spells at rest of a piece each. */
static void start(counter *it, size_t pieces, double gain_error) {
  double state = fr__rng_normal(&it->rng), energy = 0;
  const double level = 30 + 100 * fr__rng_uniform(&it->rng);
  for (size_t i = 0; i <= pieces + 1; i++) {
    state = 0.97 * state + sqrt(1 - 0.97 * 0.97) * fr__rng_normal(&it->rng);
    const bool idle = i == 0 || i == pieces + 1;
    it->power_w[i] = idle ? IDLE_W : fmax(level * (1 + 0.15 * state), 1);
    it->energy_j[i] = energy;
    energy += it->power_w[i] * PIECE_S;
  }
  it->phase_s = UPDATE_S * fr__rng_uniform(&it->rng);
  it->gain = 1 + gain_error / 1.96 * fr__rng_normal(&it->rng);
}

static double energy_at(const counter *it, double t_s) {
  const size_t piece = (size_t)(t_s / PIECE_S);
  return it->energy_j[piece] + it->power_w[piece] * (t_s - (double)piece * PIECE_S);
}

/* Its last update was up to a period ago, give or take a tenth; it is read late. */
static double reading(counter *it, double t_s) {
  const double read_s = t_s + OFFSET_S * fr__rng_uniform(&it->rng);
  const double periods = floor((read_s - it->phase_s) / UPDATE_S);
  const double jitter = 0.1 * UPDATE_S * (fr__rng_uniform(&it->rng) - 0.5);
  const double update_s = it->phase_s + periods * UPDATE_S + jitter;
  const double energy = energy_at(it, fmin(update_s, read_s)) * it->gain;
  return floor(energy / QUANTUM_J) * QUANTUM_J;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

#define TRIALS 2000

typedef struct coverage {
  double held;  /* of the trials */
  double half;  /* mean width / 2, relative */
  double ideal; /* half of the narrowest interval around the value that holds 95 % */
} coverage;

static coverage study(size_t pieces, double accuracy, uint64_t seed) {
  static counter it;
  static double error[TRIALS];
  coverage sum = {0, 0, 0};
  fr__rng_init(&it.rng, seed, pieces);
  for (size_t i = 0; i < TRIALS; i++) {
    start(&it, pieces, accuracy);
    const double from = PIECE_S, to = PIECE_S * (double)(pieces + 1);
    const double truth = energy_at(&it, to) - energy_at(&it, from);
    const double begin = reading(&it, from);
    const double value = reading(&it, to) - begin;
    const fr_measure energy =
        fr_bounds_energy(&(fr_bounds){.value_j = value,
                                      .duration_s = to - from,
                                      .source = FR_SOURCE_POWERCAP,
                                      .accuracy = accuracy,
                                      .update_s = UPDATE_S,
                                      .offset_s = OFFSET_S,
                                      .power_start_w = it.power_w[0],
                                      .power_end_w = it.power_w[pieces],
                                      .quantum_j = QUANTUM_J});
    sum.held += (energy.low <= truth && truth <= energy.high) / (double)TRIALS;
    sum.half += (energy.high - energy.low) / 2 / truth / TRIALS;
    error[i] = fabs(value - truth) / truth;
  }
  qsort(error, TRIALS, sizeof *error, ascending);
  sum.ideal = error[TRIALS * 95 / 100];
  return sum;
}

static void bounds_hold_the_truth(void **state) {
  (void)state;
  static const size_t pieces[] = {1, 2, 10, 100, 1000, 6000};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    for (int exact = 0; exact < 2; exact++) {
      const coverage sum = study(pieces[i], exact ? 0 : 0.015, 11);
      print_message("%.2f s, class +-%.1f %%: held %.3f, half width %.4f %%, least "
                    "possible %.4f %%\n",
                    (double)pieces[i] * PIECE_S, exact ? 0 : 1.5, sum.held,
                    100 * sum.half, 100 * sum.ideal);
      assert_true(sum.held >= 0.94);
      assert_true(sum.half <= 1.25 * sum.ideal);
      if (pieces[i] == 6000)
        assert_true(sum.half <= 0.02);
    }
}

/* ---- repeats ---- */

static fr_measure joules(double value, double half) {
  return (fr_measure){value, value - half, value + half, FR_UNIT_JOULE, FR_SOURCE_PERF};
}

static void repeats_go_on_until_the_mean_is_known(void **state) {
  (void)state;
  const fr_repeat_rule rule = fr_repeat_default_rule();
  fr_measure mean;
  fr_measure x[5] = {joules(100, 0), joules(102, 0), joules(98, 0)};
  assert_int_equal(fr_repeat_next(&rule, x, NULL, 0, &mean), FR_REPEAT_MORE);
  assert_false(fr_measure_known(mean));
  assert_int_equal(fr_repeat_next(&rule, x, NULL, 2, &mean), FR_REPEAT_MORE);
  /* t(0.975, 2) = 4.302653 × 2 / sqrt(3) = 4.9683 */
  assert_int_equal(fr_repeat_next(&rule, x, NULL, 3, &mean), FR_REPEAT_ENOUGH);
  near(mean.low, 100 - 4.9683, 1e-4);
  near(mean.high, 100 + 4.9683, 1e-4);
  x[1] = joules(103, 0);
  x[2] = joules(97, 0); /* 7.45 */
  assert_int_equal(fr_repeat_next(&rule, x, NULL, 3, NULL), FR_REPEAT_MORE);
  const fr_repeat_rule few = {0.05, 3, 3};
  assert_int_equal(fr_repeat_next(&few, x, NULL, 3, NULL), FR_REPEAT_GAVE_UP);
}

static void what_repeats_share_stays_in_the_bounds(void **state) {
  (void)state;
  const fr_repeat_rule rule = fr_repeat_default_rule();
  const fr_measure x[4] = {joules(100, 20), joules(100, 20), joules(100, 20),
                           joules(100, 20)};
  fr_measure mean;
  assert_int_equal(fr_repeat_next(&rule, x, NULL, 4, &mean), FR_REPEAT_ENOUGH);
  near(mean.high - mean.low, 40, 1e-9);
  fr_measure gone[3] = {x[0], fr_measure_absent(FR_UNIT_JOULE), x[2]};
  assert_int_equal(fr_repeat_next(&rule, gone, NULL, 3, &mean), FR_REPEAT_MORE);
  assert_false(fr_measure_known(mean));
}

/* Each run's edges make the repeats scatter; they are not counted once more. */
static void a_runs_own_edges_are_in_the_scatter(void **state) {
  (void)state;
  const fr_repeat_rule rule = fr_repeat_default_rule();
  /* an accuracy of 3 and edges of 4: 5 */
  const fr_measure x[3] = {joules(100, 5), joules(102, 5), joules(98, 5)};
  const double edges_j[3] = {4, 4, 4};
  fr_measure mean;
  assert_int_equal(fr_repeat_next(&rule, x, edges_j, 3, &mean), FR_REPEAT_ENOUGH);
  near(mean.high - mean.value, hypot(4.9683, 3), 1e-4);
  near(mean.value - mean.low, hypot(4.9683, 3), 1e-4);
  (void)fr_repeat_next(&rule, x, edges_j, 1, &mean);
  near(mean.high, 105, 1e-9);        /* nothing scatters yet */
  const double all_j[3] = {9, 9, 9}; /* more than there is */
  (void)fr_repeat_next(&rule, x, all_j, 3, &mean);
  near(mean.high - mean.value, 4.9683, 1e-4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_add_as_squares),
      cmocka_unit_test(an_edge_is_one_update_period_at_its_power),
      cmocka_unit_test(a_count_is_cut_off_at_both_edges),
      cmocka_unit_test(the_models_band_may_lean),
      cmocka_unit_test(no_energy_is_below_nothing_or_made_of_nothing),
      cmocka_unit_test(a_run_too_short_for_its_sensor_says_so),
      cmocka_unit_test(each_class_tells_its_accuracy_and_who_says_so),
      cmocka_unit_test(bounds_hold_the_truth),
      cmocka_unit_test(repeats_go_on_until_the_mean_is_known),
      cmocka_unit_test(what_repeats_share_stays_in_the_bounds),
      cmocka_unit_test(a_runs_own_edges_are_in_the_scatter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
