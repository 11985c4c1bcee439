/* SPDX-License-Identifier: Apache-2.0 */
/* Spikes are found, and nothing else is taken for one. */
#include "test.h"

#include "frugal/power.h"
#include "meter/power_sim.h"

static void near(double value, double expected, double slack) {
  if (!(fabs(value - expected) <= slack))
    fail_msg("%g is not %g within %g", value, expected, slack);
}

#define RUN_S 600.0

typedef struct scenery {
  const char *name;
  double deviation_w, correlation_s;
  bool heavy;
  double wave_w, wave_s, slope_w;
  bool steps;  /* to another level for half a minute and longer */
  bool bursts; /* too short, too long or too flat to be spikes; dips */
} scenery;

static const scenery scenes[] = {
    {"quiet", 0.3, 0.2, false, 0, 1, 0, false, false},
    {"autocorrelated", 1.5, 1.0, false, 0, 1, 0, false, false},
    {"heavy tails", 1.5, 0.5, true, 0, 1, 0, false, false},
    {"drift", 1.0, 0.5, false, 8, 120, 40, false, false},
    {"steps", 1.0, 0.5, false, 0, 1, 0, true, false},
    {"bursts", 0.7, 0.5, false, 0, 1, 0, false, true},
    {"waves", 0.5, 0.5, false, 4, 25, 0, false, false},
    {"all", 1.2, 0.8, true, 5, 150, -25, true, true},
};

#define SPIKES 200 /* ceiling in one run */

/* What is no spike; it and the pause after it take the returned time. Steps are further
 * apart than a spike is long: else the time between two is one. */
static double disturb(simulation *sim, const scenery *scene, double at, double *level_s) {
  const double kind = fr__rng_uniform(&sim->rng);
  const double height = sim_between(sim, 8, 40);
  if (scene->steps && kind < 0.4) {
    if (at < *level_s)
      return 0;
    const double length = sim_between(sim, 25, 60);
    *level_s = at + length + 14;
    sim_rise(sim, at, length, fr__rng_uniform(&sim->rng) < 0.5 ? height : -height / 2,
             sim_between(sim, 0.01, 0.5));
    return fr__rng_uniform(&sim->rng) < 0.5 ? 4 : length + 4;
  }
  if (!scene->bursts)
    return 0;
  if (kind < 0.6) { /* a blip */
    sim_rise(sim, at, sim_between(sim, 0.01, 0.18), height, 0.004);
    return 2;
  }
  if (kind < 0.7) { /* too long */
    const double length = sim_between(sim, 12.5, 30);
    sim_rise(sim, at, length, height, 0.1);
    return length + 4;
  }
  if (kind < 0.8) { /* too flat: a hump */
    const double length = sim_between(sim, 40, 60);
    sim_rise(sim, at + length / 2, 1, height / 2, length);
    return length + 4;
  }
  sim_rise(sim, at, sim_between(sim, 0.2, 1.5), -sim_between(sim, 5, 20), 0.02);
  return 3;
}

static size_t fill(simulation *sim, const scenery *scene, truth *spike) {
  const double least = fmax(5, 3 * scene->deviation_w);
  size_t count = 0;
  double level_s = 0;
  for (double at = 20; at < RUN_S - 20 && count < SPIKES;) {
    if (fr__rng_uniform(&sim->rng) < 0.4)
      at += disturb(sim, scene, at, &level_s);
    const double length = 0.3 * pow(10 / 0.3, fr__rng_uniform(&sim->rng));
    if (at + length > RUN_S - 5)
      break;
    sim_rise(sim, at, length, sim_between(sim, least, 40),
             fmin(0.2 * length, sim_between(sim, 0.01, 0.4)));
    spike[count++] = (truth){at, at + length};
    at += length + sim_between(sim, 3, 15);
  }
  if (scene->wave_w > 0)
    sim_wave(sim, scene->wave_w, scene->wave_s);
  sim_slope(sim, scene->slope_w);
  sim_noise(sim, scene->deviation_w, scene->correlation_s, scene->heavy);
  return count;
}

/* What both have is at least half of what either has. */
static bool same(const truth *a, const fr_spike *b) {
  const double b_end = b->start_s + b->duration_s;
  const double both = fmin(a->end_s, b_end) - fmax(a->start_s, b->start_s);
  const double either = fmax(a->end_s, b_end) - fmin(a->start_s, b->start_s);
  return both >= 0.5 * either;
}

typedef struct score {
  size_t there, found, matched;
} score;

static void compare(const truth *there, size_t count, const fr_spike *found,
                    size_t found_count, score *sum) {
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < found_count; k++)
      if (same(&there[i], &found[k])) {
        sum->matched++;
        break;
      }
  sum->there += count;
  sum->found += found_count;
}

static score play(const scenery *scene, double interval_s, uint64_t seed, size_t runs) {
  score sum = {0};
  for (size_t run = 0; run < runs; run++) {
    simulation sim;
    truth there[SPIKES];
    double *t_s, *power_w;
    fr_spike *found = NULL;
    size_t found_count;
    sim_init(&sim, seed + run, RUN_S, 40);
    const size_t count = fill(&sim, scene, there);
    const size_t n = sim_sample(&sim, interval_s, 61e-6, &t_s, &power_w);
    ASSERT_OK(fr_spikes_find(t_s, power_w, n, FR_SOURCE_POWERCAP, 0.015, &found,
                             &found_count, err));
    compare(there, count, found, found_count, &sum);
    free(found);
    free(t_s);
    free(power_w);
    sim_release(&sim);
  }
  return sum;
}

static void precision_and_recall_at(double interval_s, uint64_t seed) {
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    const score sum = play(&scenes[i], interval_s, seed + 1000 * i, 10);
    const double precision = (double)sum.matched / (double)sum.found;
    const double recall = (double)sum.matched / (double)sum.there;
    print_message("%s: %zu spikes, precision %.3f, recall %.3f\n", scenes[i].name,
                  sum.there, precision, recall);
    assert_true(sum.there > 250);
    assert_true(precision >= 0.95);
    assert_true(recall >= 0.95);
  }
}
static void at_10_hz(void **state) {
  (void)state;
  precision_and_recall_at(0.1, 20260);
}
static void at_100_hz(void **state) {
  (void)state;
  precision_and_recall_at(0.01, 50260);
}

/* A hundred minutes of noise that often is 5 W above its level. */
static void loud_noise_alone_makes_few(void **state) {
  (void)state;
  size_t count = 0;
  for (uint64_t run = 0; run < 10; run++) {
    simulation sim;
    double *t_s, *power_w;
    fr_spike *found = NULL;
    size_t now = 0;
    sim_init(&sim, 400 + run, RUN_S, 60);
    sim_noise(&sim, 4, 0.5, false);
    const size_t n = sim_sample(&sim, 0.1, 61e-6, &t_s, &power_w);
    ASSERT_OK(fr_spikes_find(t_s, power_w, n, FR_SOURCE_PERF, 0.015, &found, &now, err));
    count += now;
    free(found);
    free(t_s);
    free(power_w);
    sim_release(&sim);
  }
  print_message("%zu of noise\n", count);
  assert_true(count <= 12);
}

/* ---- known shapes, without noise but for a little that makes it no integer ---- */

#define ROOM 2000

typedef struct told {
  fr_spike spike[ROOM];
  size_t count;
} told;

static void keep(void *self, const fr_spike *spike) {
  told *const all = self;
  assert_true(all->count < ROOM);
  all->spike[all->count++] = *spike;
}

/* Samples every 0.1 s of 20 W, and of 20 + height between from and to. */
static size_t pulse(double seconds, double from_s, double to_s, double height_w,
                    double *t_s, double *power_w) {
  size_t n = 0;
  for (; 0.1 * (double)n <= seconds + 0.01; n++) {
    const double end = 0.1 * (double)n, start = end - 0.1;
    const double both = fmax(fmin(end, to_s) - fmax(start, from_s), 0);
    t_s[n] = end;
    power_w[n] = 20 + height_w * both / 0.1 + 0.01 * (double)(n % 3);
  }
  return n;
}

static void expect_pulse(double seconds, double from_s, double to_s, double height_w,
                         size_t expected) {
  static const double slack = 0.03;
  double t_s[ROOM], power_w[ROOM];
  const size_t n = pulse(seconds, from_s, to_s, height_w, t_s, power_w);
  fr_spike *spike = NULL;
  size_t count = 0;
  ASSERT_OK(fr_spikes_find(t_s, power_w, n, FR_SOURCE_PERF, 0.015, &spike, &count, err));
  assert_int_equal(count, expected);
  for (size_t i = 0; i < count; i++) {
    const double joules = height_w * (to_s - from_s);
    near(spike[i].start_s, from_s, slack);
    near(spike[i].duration_s, to_s - from_s, slack);
    near(spike[i].height_w, height_w, 0.02 * height_w);
    near(spike[i].energy.value, joules, 0.01 * joules);
    assert_true(spike[i].energy.low <= joules && joules <= spike[i].energy.high);
    assert_int_equal(spike[i].energy.source, FR_SOURCE_PERF);
  }
  free(spike);
}

static void pulses_are_measured_wherever_samples_fall(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    const double at = 30 + 0.013 * i;
    expect_pulse(60, at, at + 0.3, 35, 1);
    expect_pulse(60, at, at + 1.234, 5.5, 1);
    expect_pulse(60, at, at + 3, 30, 1);
    expect_pulse(60, at, at + 9.9, 12, 1);
  }
}

static void what_is_too_low_short_or_long_is_no_spike(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    const double at = 30 + 0.013 * i;
    expect_pulse(70, at, at + 3, 4.5, 0);
    expect_pulse(70, at, at + 0.2, 40, 0);
    expect_pulse(70, at, at + 10.5, 40, 0);
    expect_pulse(70, at, at + 12, 40, 0);
    expect_pulse(70, at, at + 20, 40, 0);
  }
}

static void a_rise_without_a_start_or_an_end_is_none(void **state) {
  (void)state;
  expect_pulse(60, -1, 4, 30, 0);
  expect_pulse(60, 55, 61, 30, 0);
  expect_pulse(60, 30, 61, 30, 0);
  expect_pulse(60, -1, 30, 30, 0);
}

static void short_runs_have_spikes_too(void **state) {
  (void)state;
  expect_pulse(8, 3, 5, 30, 1);
  expect_pulse(13, 5, 10, 30, 1);
  expect_pulse(1, 0.4, 0.7, 30, 1);
}

/* Six every minute for two hours: each is told once, in order, at most 25 s late. */
static void a_long_run_tells_each_once_and_soon(void **state) {
  (void)state;
  static told all;
  all.count = 0;
  const fr_spike_options options = {FR_SOURCE_PERF, 0.015, keep, &all};
  fr_spikes *spikes;
  ASSERT_OK(fr_spikes_new(&options, &spikes, err));
  for (size_t i = 0; i < 72000; i++) {
    const double t = 0.1 * (double)i;
    const bool on = fmod(t + 1e-6, 10) > 5.05 && fmod(t + 1e-6, 10) < 7.05;
    fr_spikes_add(spikes, t, 30 + (on ? 25 : 0) + 0.1 * (double)(i * 7919 % 11));
    if (t > 60)
      assert_true(all.count >= (size_t)((t - 7 - 25.2) / 10));
  }
  fr_spikes_end(spikes);
  assert_int_equal(all.count, 720);
  for (size_t i = 0; i < all.count; i++)
    near(all.spike[i].start_s, 10.0 * (double)i + 5, 0.1);
  fr_spikes_free(spikes);
}

static void bad_samples_are_passed_over(void **state) {
  (void)state;
  static told all;
  all.count = 0;
  const fr_spike_options options = {FR_SOURCE_PERF, 0, keep, &all};
  fr_spikes *spikes;
  ASSERT_OK(fr_spikes_new(&options, &spikes, err));
  fr_spikes_end(spikes);
  for (size_t i = 0; i < 600; i++) {
    const double t = 0.1 * (double)i;
    const double power = i > 300 && i <= 330 ? 60 : 20;
    fr_spikes_add(spikes, t, (double)NAN);
    fr_spikes_add(spikes, t, power);
    fr_spikes_add(spikes, t, 1e9);
    fr_spikes_add(spikes, t - 5, 1e9);
    fr_spikes_add(spikes, (double)INFINITY, 1);
  }
  fr_spikes_add(spikes, 9000, 500); /* the machine slept */
  fr_spikes_add(spikes, 9000.1, 20);
  fr_spikes_end(spikes);
  assert_int_equal(all.count, 1);
  near(all.spike[0].start_s, 30, 0.15);
  near(all.spike[0].duration_s, 3, 0.15);
  fr_spikes_free(spikes);
}

static void other_rates(void **state) {
  (void)state;
  static const double interval_s[] = {0.001, 0.02, 0.07, 0.25, 0.5};
  for (size_t k = 0; k < sizeof interval_s / sizeof *interval_s; k++) {
    static told all;
    all.count = 0;
    const fr_spike_options options = {FR_SOURCE_PERF, 0, keep, &all};
    fr_spikes *spikes;
    ASSERT_OK(fr_spikes_new(&options, &spikes, err));
    for (size_t i = 0; interval_s[k] * (double)i < 120; i++) {
      const double t = interval_s[k] * (double)i;
      fr_spikes_add(spikes, t, t > 50 && t < 54 ? 40 : 10);
    }
    fr_spikes_end(spikes);
    assert_int_equal(all.count, 1);
    near(all.spike[0].duration_s, 4, 2 * interval_s[k] + 0.1);
    near(all.spike[0].height_w, 30, 1);
    fr_spikes_free(spikes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_10_hz),
      cmocka_unit_test(at_100_hz),
      cmocka_unit_test(loud_noise_alone_makes_few),
      cmocka_unit_test(pulses_are_measured_wherever_samples_fall),
      cmocka_unit_test(what_is_too_low_short_or_long_is_no_spike),
      cmocka_unit_test(a_rise_without_a_start_or_an_end_is_none),
      cmocka_unit_test(short_runs_have_spikes_too),
      cmocka_unit_test(a_long_run_tells_each_once_and_soon),
      cmocka_unit_test(bad_samples_are_passed_over),
      cmocka_unit_test(other_rates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
