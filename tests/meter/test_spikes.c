/* SPDX-License-Identifier: Apache-2.0 */
/* Spikes of known shapes are found and measured, and told once, in time. */
#include "test.h"

#include "frugal/power.h"
#include "meter/power_sim.h"

static void near(double value, double expected, double slack) {
  if (!(fabs(value - expected) <= slack))
    fail_msg("%g is not %g within %g", value, expected, slack);
}

#define RUN_S 600.0

/* A hundred minutes of noise that often is 5 W above its level. */
static void loud_noise_alone_makes_few(void **state) {
  (void)state;
  size_t count = 0;
  for (uint64_t run = 0; run < 10; run++) {
    simulation sim;
    double *t_s, *power_w;
    fr_spike *found = NULL;
    size_t now = 0;
    sim_init(&sim, 400 + run, RUN_S, 0.002, 60);
    sim_noise(&sim, 4, 0.5, false);
    const size_t n = sim_sample(&sim, &(sim_meter){0.1, 61e-6, 0, 0}, &t_s, &power_w);
    ASSERT_OK(fr_spikes_find(t_s, power_w, n, FR_SOURCE_PERF, 0.015, &found, &now, err));
    count += now;
    free(found);
    free(t_s);
    free(power_w);
    sim_release(&sim);
  }
  print_message("%zu of noise\n", count);
  assert_true(count <= 18); /* rises of 12 W and more that last, by chance */
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
