/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that are renewed less often than they are read: no power that never was. */
#include "tape.h"

#include <math.h>

#include "../test.h"
#include "frugal/power.h"

#define ZONE "intel-rapl:0"
#define ROOM 256

typedef struct heard {
  size_t count;
  fr_power_sample sample[ROOM];
} heard;

static void hear(void *self, const fr_power_sample *sample) {
  heard *h = self;
  if (h->count < ROOM)
    h->sample[h->count++] = *sample;
}

/* Release the report. */
static fr_meter_report play(tape *tp, double interval_s, heard *h) {
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = interval_s;
  options.sample = hear;
  options.self = h;
  fr_meter_report report;
  fr_error err = {0};
  if (tape_try(tp, &options, &report, &err) != FR_OK)
    fail_msg("replay: %s", err.text);
  return report;
}

/* 20 W: 10 J at once each half second, the first soon after the start. */
static void tape_slow(tape *tp, double from_s, double to_s) {
  tape_init(tp);
  tape_zone(tp, ZONE, "package-0", TAPE_RANGE, 0, 1000);
  for (int i = 0; from_s + 0.5 * i < to_s; i++)
    tape_energy(tp, from_s + 0.5 * i, ZONE, 1000 + 10000000u * (unsigned)(i + 1));
  tape_text(tp, to_s, "sys/end", "0");
}

/* What comes at once is the energy of half a second, of which some was before the
 * start. */
static void power_is_that_of_whole_advances(void **state) {
  (void)state;
  static const double first_s[] = {0.05, 0.1, 0.25, 0.45};
  for (size_t i = 0; i < sizeof first_s / sizeof *first_s; i++) {
    tape tp;
    heard h = {0};
    tape_slow(&tp, first_s[i], 5);
    fr_meter_report r = play(&tp, 0.1, &h);
    assert_true(isnan(h.sample[0].power_w)); /* not 0, and not 100 W */
    for (size_t s = 0; s < h.count; s++) {
      const double t_s = (double)h.sample[s].t_ns * 1e-9;
      if (t_s < first_s[i] + 0.5 - 1e-6) /* one whole advance tells 0.4 to 0.6 s */
        assert_true(isnan(h.sample[s].power_w));
      else if (t_s > first_s[i] + 1.1 + 1e-6)
        assert_near(h.sample[s].power_w, 20, 0.1);
    }
    assert_near(r.power_max_w, 20, 0.1);
    /* over 5 s the edges are half a second at 20 W each */
    assert_true(r.energy.low > 100 - 20 && r.energy.high < 100 + 20);
    assert_true(r.energy.low <= 100 && r.energy.high >= 100);
    fr_meter_report_release(&r);
    tape_release(&tp);
  }
}

/* Runs of less than two periods, in which no whole advance was seen: 10 or 20 J at once.
 */
static void the_bounds_of_short_runs_hold_the_truth(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    const double first_s = 0.02 + 0.05 * i;
    for (double to_s = first_s + 0.08; to_s < 0.95; to_s += 0.05) {
      tape tp;
      heard h = {0};
      tape_slow(&tp, first_s, to_s);
      fr_meter_report r = play(&tp, 0.01, &h);
      if (!(r.energy.low <= 20 * to_s && 20 * to_s <= r.energy.high))
        fail_msg("first at %g s of %g s: %g to %g J", first_s, to_s, r.energy.low,
                 r.energy.high);
      assert_true(r.too_short);
      fr_meter_report_release(&r);
      tape_release(&tp);
    }
  }
}

/* Read at times that the counter's period is no multiple of. */
static void reading_at_odd_times_makes_no_steps(void **state) {
  (void)state;
  static const double interval_s[] = {0.07, 0.13, 0.2, 0.3, 0.37};
  for (size_t i = 0; i < sizeof interval_s / sizeof *interval_s; i++) {
    tape tp;
    heard h = {0};
    tape_slow(&tp, 0.03, 12);
    fr_meter_report r = play(&tp, interval_s[i], &h);
    assert_true(r.power_max_w < 24 && r.power_min_w > 16);
    fr_meter_report_release(&r);
    tape_release(&tp);
  }
}

static void count_spike(void *self, const fr_spike *spike) {
  (void)spike;
  ++*(size_t *)self;
}

static void steady_power_has_no_spikes(void **state) {
  (void)state;
  tape tp;
  heard h = {0};
  tape_slow(&tp, 0.05, 20);
  fr_meter_report r = play(&tp, 0.1, &h);
  size_t spikes = 0;
  const fr_spike_options options = {
      .source = FR_SOURCE_POWERCAP, .found = count_spike, .self = &spikes};
  fr_spikes *search;
  ASSERT_OK(fr_spikes_new(&options, &search, err));
  for (size_t s = 0; s < h.count; s++)
    fr_spikes_add(search, (double)h.sample[s].t_ns * 1e-9, h.sample[s].power_w);
  fr_spikes_end(search);
  assert_int_equal(spikes, 0);
  fr_spikes_free(search);
  fr_meter_report_release(&r);
  tape_release(&tp);
}

/* A run that ends before the counter is renewed has measured nothing, which is not 0 J.
 */
static void a_counter_that_never_moved_is_not_zero(void **state) {
  (void)state;
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.05;
  options.sensor = "exec:echo 1000 J; sleep 30";
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  rest(0.2);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  assert_false(fr_measure_known(r.energy));
  assert_non_null(strstr(r.notes, "did not advance"));
  fr_meter_report_release(&r);
  fr_meter_free(meter);
}

/* The energy of a gap came in it, not in the sample after it. */
static void what_comes_after_a_gap_is_the_power_in_it(void **state) {
  (void)state;
  tape tp;
  heard h = {0};
  tape_init(&tp);
  tape_zone(&tp, ZONE, "package-0", TAPE_RANGE, 0, 0);
  uint64_t uj = tape_run(&tp, ZONE, 0, 2, 0.01, 10, 0);
  tape_error(&tp, 2.005, ZONE, "!EIO");
  uj += 40 * 3 * 1000000u; /* 40 W for three seconds that nobody saw */
  uj = tape_run(&tp, ZONE, 5, 8, 0.01, 10, uj);
  fr_meter_report r = play(&tp, 0.1, &h);
  assert_true(r.marked > 20);
  assert_true(r.power_max_w < 41);
  for (size_t s = 0; s < h.count; s++)
    assert_true(h.sample[s].power_w < 41);
  assert_near(r.energy.value, 170, 0.5);
  fr_meter_report_release(&r);
  tape_release(&tp);
}

/* 0 W of a meter that prints watts is a power, and no counter that stands still. */
static void no_watts_are_a_power(void **state) {
  (void)state;
  heard h = {0};
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.02;
  options.sensor = "exec:for i in 0 1 2 3 4 5 6 7 8 9; do echo 0 W; sleep 0.02; done; "
                   "while echo 30 W; do sleep 0.02; done";
  options.sample = hear;
  options.self = &h;
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  rest(0.6);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  assert_true(h.sample[0].power_w < 1e-9);
  assert_true(r.power_min_w < 1e-9);
  assert_true(r.power_max_w < 30.1);
  assert_true(r.update_s < 0.15);
  fr_meter_report_release(&r);
  fr_meter_free(meter);
}

/* 10 J more each 0.2 s are 50 W, from the first that is told on. */
static void a_commands_joules_have_the_power_of_their_advances(void **state) {
  (void)state;
  heard h = {0};
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.02;
  options.sensor = "exec:j=0; while echo $j J; do j=$((j+10)); sleep 0.2; done";
  options.sample = hear;
  options.self = &h;
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  rest(1.3);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  assert_true(isnan(h.sample[0].power_w));
  for (size_t s = 0; s < h.count; s++)
    assert_false(h.sample[s].power_w > 60 || h.sample[s].power_w < 20);
  assert_true(r.power_max_w <= 60 && r.power_max_w > 40);
  assert_true(r.update_s > 0.15 && r.update_s < 0.4);
  assert_true(r.energy.high < 100 && r.energy.low > 20);
  fr_meter_report_release(&r);
  fr_meter_free(meter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(power_is_that_of_whole_advances),
      cmocka_unit_test(the_bounds_of_short_runs_hold_the_truth),
      cmocka_unit_test(reading_at_odd_times_makes_no_steps),
      cmocka_unit_test(steady_power_has_no_spikes),
      cmocka_unit_test(a_counter_that_never_moved_is_not_zero),
      cmocka_unit_test(what_comes_after_a_gap_is_the_power_in_it),
      cmocka_unit_test(no_watts_are_a_power),
      cmocka_unit_test(a_commands_joules_have_the_power_of_their_advances),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
