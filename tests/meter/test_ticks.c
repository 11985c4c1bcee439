/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/stat counts in ticks of 10 ms and the meter may look each millisecond: the model
 * tells no power that the machine cannot have, and loses nothing. */
#include "tape.h"

#include <stdatomic.h>

#include "../test.h"

typedef struct range {
  size_t count, within; /* within 30 % of `about_w` */
  double least_w, most_w, about_w;
} range;

static void hear(void *self, const fr_power_sample *sample) {
  range *r = self;
  const double w = sample->power_w;
  r->least_w = r->count == 0 || w < r->least_w ? w : r->least_w;
  r->most_w = r->count == 0 || w > r->most_w ? w : r->most_w;
  r->within += w > 0.7 * r->about_w && w < 1.3 * r->about_w;
  r->count++;
}

/* One of two processors is busy: a tick each 10 ms. */
static void tape_ticks(tape *tp, double seconds) {
  tape_init(tp);
  tree_machine(&tp->t); /* 200 ticks */
  for (int i = 1; 0.01 * i < seconds + 1e-6; i++) {
    char text[80];
    snprintf(text, sizeof text, "cpu  %d 0 100 1000 0 0 0 0 0 0", 100 + i);
    tape_text(tp, 0.01 * i, "proc/stat", text);
  }
}

static void power_is_one_that_the_machine_can_have(void **state) {
  (void)state;
  static const double interval_s[] = {0.001, 0.003, 0.01, 0.025, 0.1};
  for (size_t i = 0; i < sizeof interval_s / sizeof *interval_s; i++) {
    tape tp;
    fr_cpu_power cpu;
    tape_ticks(&tp, 1);
    ASSERT_OK(fr_cpu_power_find(tp.t.root, &cpu, err));
    const double idle_w = 2 * cpu.idle_w.value;
    const double full_w = idle_w + 2 * cpu.core_w.value;
    range heard = {.about_w = idle_w + cpu.core_w.value};
    fr_meter_options options = fr_meter_default_options();
    options.interval_s = interval_s[i];
    options.sensor = "model";
    options.sample = hear;
    options.self = &heard;
    fr_meter_report r;
    ASSERT_OK(tape_try(&tp, &options, &r, err));
    assert_true(heard.least_w >= idle_w - 1e-9 && heard.most_w <= full_w + 1e-9);
    assert_true(r.power_max_w <= full_w + 1e-9 && r.power_min_w >= idle_w - 1e-9);
    assert_true(r.power_min_w <= r.power_mean_w && r.power_mean_w <= r.power_max_w);
    /* 100 ticks are a core-second, however they came */
    assert_near(r.energy.value, idle_w + cpu.core_w.value, 1e-6);
    if (interval_s[i] < 0.01) /* steady load looks steady */
      assert_true(heard.within > heard.count * 9 / 10);
    fr_meter_report_release(&r);
    tape_release(&tp);
  }
}

/* All ticks of a busy machine at once, as where the kernel was late to count. */
static void a_burst_of_ticks_is_no_peak(void **state) {
  (void)state;
  tape tp;
  fr_cpu_power cpu;
  tape_init(&tp);
  tree_machine(&tp.t);
  ASSERT_OK(fr_cpu_power_find(tp.t.root, &cpu, err));
  tape_text(&tp, 0.5, "proc/stat", "cpu  140 0 100 1000 0 0 0 0 0 0"); /* 0.4 s */
  tape_text(&tp, 1, "proc/stat", "cpu  140 0 100 1100 0 0 0 0 0 0");
  const double idle_w = 2 * cpu.idle_w.value;
  const double full_w = idle_w + 2 * cpu.core_w.value;
  range heard = {.about_w = 1};
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.05;
  options.sensor = "model";
  options.sample = hear;
  options.self = &heard;
  fr_meter_report r;
  ASSERT_OK(tape_try(&tp, &options, &r, err));
  assert_near(heard.most_w, full_w, 1e-6);
  assert_near(r.energy.value, idle_w + 0.4 * cpu.core_w.value, 1e-6);
  fr_meter_report_release(&r);
  tape_release(&tp);
}

/* What somebody knows of others in nanoseconds is more than no tick yet. */
static void others_are_as_busy_as_they_are_known_to_be(void **state) {
  (void)state;
  tree t;
  fr_cpu_power cpu;
  tree_init(&t);
  tree_machine(&t);
  ASSERT_OK(fr_cpu_power_find(t.root, &cpu, err));
  fr_meter_options options = fr_meter_default_options();
  options.root = t.root;
  options.sensor = "model";
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  rest(0.01);
  fr_meter_others(meter, 0.003);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  const double busy_s = 0.003 + r.core_seconds.value;
  assert_near(r.energy.value,
              busy_s * cpu.core_w.value + 2 * r.duration_s * cpu.idle_w.value, 1e-6);
  fr_meter_report_release(&r);
  fr_meter_free(meter);
  tree_release(&t);
}

/* Clocks that were read later than ours may know more than there was time for. */
static void others_have_no_more_than_all_processors(void **state) {
  (void)state;
  tree t;
  fr_cpu_power cpu;
  tree_init(&t);
  tree_machine(&t);
  ASSERT_OK(fr_cpu_power_find(t.root, &cpu, err));
  fr_meter_options options = fr_meter_default_options();
  options.root = t.root;
  options.sensor = "model";
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  rest(0.01);
  fr_meter_others(meter, 1000);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  assert_true(r.energy.value <=
              2 * r.duration_s * (cpu.core_w.value + cpu.idle_w.value) * 1.001);
  fr_meter_report_release(&r);
  fr_meter_free(meter);
  tree_release(&t);
}

static void a_live_meter_at_1_ms_stays_within_the_machine(void **state) {
  (void)state;
  fr_cpu_power cpu;
  ASSERT_OK(fr_cpu_power_find(NULL, &cpu, err));
  const double idle_w = (double)cpu.cores * cpu.idle_w.value;
  const double full_w = idle_w + (double)cpu.cores * cpu.core_w.value;
  range heard = {.about_w = 1};
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.001;
  options.sensor = "model";
  options.sample = hear;
  options.self = &heard;
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  burn(0.1);
  rest(0.1);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  assert_true(heard.count > 20);
  assert_true(heard.least_w >= idle_w - 1e-9 && heard.most_w <= full_w + 1e-9);
  assert_true(r.power_min_w <= r.power_mean_w && r.power_mean_w <= r.power_max_w);
  assert_true(r.power_max_w <= full_w * 1.01); /* own time is read after the clock */
  fr_meter_report_release(&r);
  fr_meter_free(meter);
}

typedef struct slow_sink {
  _Atomic int count;
  fr_power_sample last;
} slow_sink;

static void dawdle(void *self, const fr_power_sample *sample) {
  slow_sink *sink = self;
  sink->last = *sample;
  atomic_fetch_add(&sink->count, 1);
  rest(0.05);
}

/* Who stops while a sample is being handed on does not lose what comes after it. */
static void the_last_sample_is_that_of_the_stop(void **state) {
  (void)state;
  slow_sink sink = {0};
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.02;
  options.sensor = "model";
  options.sample = dawdle;
  options.self = &sink;
  fr_meter *meter;
  fr_meter_report r;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  while (atomic_load(&sink.count) == 0)
    rest(0.001);
  burn(0.02);
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &r, err));
  assert_true(r.duration_s > 0.035);
  assert_near((double)sink.last.t_ns * 1e-9, r.duration_s, 1e-9);
  assert_near(sink.last.energy_j, r.energy.value, 1e-9);
  fr_meter_report_release(&r);
  fr_meter_free(meter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(power_is_one_that_the_machine_can_have),
      cmocka_unit_test(a_burst_of_ticks_is_no_peak),
      cmocka_unit_test(others_are_as_busy_as_they_are_known_to_be),
      cmocka_unit_test(others_have_no_more_than_all_processors),
      cmocka_unit_test(a_live_meter_at_1_ms_stays_within_the_machine),
      cmocka_unit_test(the_last_sample_is_that_of_the_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
