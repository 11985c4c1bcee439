/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that come round: nothing is lost, and nothing is made up. */
#include "tape.h"

#define UNIT_J (1.0 / 16384) /* 2^-14 J, of 32 bits */

/* The hardware counts 2^32 units; the kernel shows microjoules, cut off. */
static uint64_t shown_uj(uint64_t units) {
  return ((units & 0xffffffffu) * 1000000u) >> 14;
}

static void a_400_w_counter_through_10000_wraps(void **state) {
  (void)state;
  enum { WRAPS = 10000, ROWS_PER_WRAP = 3 };
  const uint64_t step = UINT64_C(1431655765) + 7; /* a third of a wrap */
  const double step_s = (double)step * UNIT_J / 400;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", shown_uj(0xffffffffu), 400, shown_uj(1234));
  uint64_t units = 1234;
  for (int i = 1; i <= WRAPS * ROWS_PER_WRAP; i++) {
    units += step;
    tape_energy(&tp, i * step_s, "intel-rapl:0", shown_uj(units));
  }
  const fr_meter_report r = tape_figures(&tp, 10);
  tape_release(&tp);
  assert_near(r.energy.value, (double)(units - 1234) * UNIT_J, WRAPS * UNIT_J);
  assert_int_equal(r.marked, 0);
  assert_near(r.bridged_j, 0, 0);
  assert_near(r.power_max_w, 400, 20); /* rows 218 s apart, looked for each 10 s */
}

/* 100 J of range at 50 W and a limit of 100 W: round in 2 s, half of that at the limit in
 * half a second. */
static void a_counter_that_wraps_soon_is_read_sooner_than_asked(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  const uint64_t range = 100000000;
  tape_zone(&tp, "intel-rapl:0", "package-0", range - 1, 100, 0);
  for (int i = 1; i <= 600; i++)
    tape_energy(&tp, i * 0.1, "intel-rapl:0", (uint64_t)i * 5000000u % range);
  const fr_meter_report r = tape_figures(&tp, 10);
  tape_release(&tp);
  assert_near(r.interval_s, 0.5, 1e-9);
  assert_near(r.energy.value, 3000, 1e-6);
  assert_int_equal(r.marked, 0);
}

/* 20 W, once round; what happened at the wrap is not known, but 20 W is near. */
static void without_a_readable_range_a_wrap_is_bridged(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 262043000000u);
  tape_text(&tp, 0, TAPE_CLASS "intel-rapl:0/max_energy_range_uj", "!EACCES");
  for (int i = 1; i <= 100; i++)
    tape_energy(&tp, i * 0.1, "intel-rapl:0",
                (262043000000u + (uint64_t)i * 2000000u) % (TAPE_RANGE + 1));
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 0.01);
  assert_int_equal(r.marks.back, 1);
  assert_int_equal(r.marked, 1);
  assert_near(r.bridged_j, 2, 0.01);
  assert_true(r.power_max_w < 20.1 && r.power_min_w > 19.9);
  assert_non_null(strstr(r.notes, "max_energy_range_uj cannot be read"));
}

static void a_range_of_all_64_bits_wraps_at_2_64(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", UINT64_MAX, 100, UINT64_MAX - 3000000);
  for (int i = 1; i <= 10; i++)
    tape_energy(&tp, i * 0.1, "intel-rapl:0",
                UINT64_MAX - 3000000 + (uint64_t)i * 1000000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 10, 1e-9);
  assert_int_equal(r.marked, 0);
}

/* A wrap between two dies of one machine, at different times, DRAM's smaller range. */
static void each_counter_has_its_own_range(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  const uint64_t package = 262143328851u, dram = 65712999614u;
  tape_zone(&tp, "intel-rapl:0", "package-0", package - 1, 200, package - 50000000);
  tape_zone(&tp, "intel-rapl:0:0", "dram", dram - 1, 50, dram - 9000000);
  for (int i = 1; i <= 50; i++) {
    const uint64_t t = (uint64_t)i * 100000;
    tape_energy(&tp, i * 0.1, "intel-rapl:0", (package - 50000000 + 60 * t) % package);
    tape_energy(&tp, i * 0.1, "intel-rapl:0:0", (dram - 9000000 + 4 * t) % dram);
  }
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 5 * 64, 1e-6);
  assert_int_equal(r.marked, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_400_w_counter_through_10000_wraps),
      cmocka_unit_test(a_counter_that_wraps_soon_is_read_sooner_than_asked),
      cmocka_unit_test(without_a_readable_range_a_wrap_is_bridged),
      cmocka_unit_test(a_range_of_all_64_bits_wraps_at_2_64),
      cmocka_unit_test(each_counter_has_its_own_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
