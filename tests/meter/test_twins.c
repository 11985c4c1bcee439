/* SPDX-License-Identifier: Apache-2.0 */
/* One package, several counters: it counts once. */
#include "tape.h"

static const fr_domain_report *domain_of(const fr_meter_report *r, const char *part) {
  for (size_t i = 0; i < r->domain_count; i++) {
    if (strstr(r->domain[i].name, part) != NULL)
      return &r->domain[i];
  }
  fail_msg("no domain '%s'", part);
  return NULL;
}

/* Registers and memory show one package; the two counters started at different times. */
static void make_twins(tape *tp) {
  tape_zone(tp, "intel-rapl-mmio:0", "package-0", TAPE_RANGE, 50, 5000000);
  tape_zone(tp, "intel-rapl:0", "package-0", TAPE_RANGE, 50, 7000000);
}

static void run_twins(tape *tp) {
  for (int i = 1; i <= 20; i++) {
    tape_energy(tp, i * 0.1, "intel-rapl:0", 7000000 + (uint64_t)i * 1500000u);
    tape_energy(tp, i * 0.1, "intel-rapl-mmio:0", 5000000 + (uint64_t)i * 1500000u);
  }
}

static void the_same_package_through_msr_and_mmio_counts_once(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  make_twins(&tp);
  run_twins(&tp);
  fr_meter_report r = tape_play(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 30, 1e-9);
  assert_true(domain_of(&r, "intel-rapl:0 ")->counted);
  assert_false(domain_of(&r, "intel-rapl-mmio:0 ")->counted);
  fr_meter_report_release(&r);
}

static void where_one_way_is_closed_the_other_serves(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  make_twins(&tp);
  tape_error(&tp, 0, "intel-rapl:0", "!EACCES");
  for (int i = 1; i <= 20; i++)
    tape_energy(&tp, i * 0.1, "intel-rapl-mmio:0", 5000000 + (uint64_t)i * 1500000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_int_equal(r.energy.source, FR_SOURCE_POWERCAP);
  assert_near(r.energy.value, 30, 1e-9);
}

/* Memory shows packages only; DRAM below the registers' package still adds. */
static void dram_of_one_way_adds_to_the_package_once(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  make_twins(&tp);
  tape_zone(&tp, "intel-rapl:0:0", "dram", TAPE_RANGE, 0, 99);
  run_twins(&tp);
  for (int i = 1; i <= 20; i++)
    tape_energy(&tp, 2 + i * 0.1, "intel-rapl:0:0", 99 + (uint64_t)i * 200000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 34, 1e-9);
}

static void play_dies(const char *first, const char *second, uint64_t apart,
                      double expected_j) {
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", first, TAPE_RANGE, 100, 1000);
  tape_zone(&tp, "intel-rapl:1", second, TAPE_RANGE, 100, 1000);
  for (int i = 1; i <= 20; i++) {
    tape_energy(&tp, i * 0.1, "intel-rapl:0", 1000 + (uint64_t)i * 2000000u);
    tape_energy(&tp, i * 0.1, "intel-rapl:1",
                1000 + (uint64_t)i * 2000000u + (uint64_t)(i % 3) * apart);
  }
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, expected_j, 1e-9);
}

static void dies_that_mirror_one_counter_count_once(void **state) {
  (void)state;
  play_dies("package-0-die-0", "package-0-die-1", 0, 40);
  play_dies("package-0", "package-1", 0, 40);
}

static void dies_that_differ_count_each(void **state) {
  (void)state;
  play_dies("package-0-die-0", "package-0-die-1", 61, 80 + 2 * 61e-6);
}

static void psys_is_not_refused_for_what_twins_count_twice(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  make_twins(&tp);
  tape_zone(&tp, "intel-rapl:1", "psys", TAPE_RANGE, 0, 3);
  run_twins(&tp);
  for (int i = 1; i <= 20; i++) /* 20 W beside a package of 15 W shown twice */
    tape_energy(&tp, 2 + i * 0.1, "intel-rapl:1", 3 + (uint64_t)i * 2000000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 40, 1e-9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_package_through_msr_and_mmio_counts_once),
      cmocka_unit_test(where_one_way_is_closed_the_other_serves),
      cmocka_unit_test(dram_of_one_way_adds_to_the_package_once),
      cmocka_unit_test(dies_that_mirror_one_counter_count_once),
      cmocka_unit_test(dies_that_differ_count_each),
      cmocka_unit_test(psys_is_not_refused_for_what_twins_count_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
