/* SPDX-License-Identifier: Apache-2.0 */
/* Readings over time to stretches of energy: shape and sum, many of them, hostile files.
 */
#include <math.h>

#include "../allocations.h"
#include "../test.h"
#include "base/rng.h"
#include "cli/course.h"

#define NS UINT64_C(1000000000)

static void assert_near(double value, double by_hand) {
  if (!(fabs(value - by_hand) <= 1e-9 * fabs(by_hand)))
    fail_msg("%.17g is not %.17g", value, by_hand);
}

static fr_measure joules(double j) {
  return (fr_measure){j, j / 2, 2 * j, FR_UNIT_JOULE, FR_SOURCE_PERF};
}

static cli_course_total total_of(double energy, double delta, double program) {
  return (cli_course_total){joules(energy), joules(delta), joules(program), 5,
                            5 + 10 * NS};
}

/* 1 J in 2 s, nothing in 3 s, 3 J in 5 s. */
static cli_course made(void) {
  cli_course course = {0};
  cli_course_add(&course, &(cli_reading){0, 0, 0});
  cli_course_add(&course, &(cli_reading){2 * NS, 1, (double)NAN});
  cli_course_add(&course, &(cli_reading){5 * NS, 1, 1});
  cli_course_add(&course, &(cli_reading){4 * NS, 9, 9}); /* the clock does not go back */
  cli_course_add(&course, &(cli_reading){10 * NS, 4, 1});
  return course;
}

static void shape_has_the_sum(void **state) {
  (void)state;
  cli_course course = made();
  const cli_course_total total = total_of(8, 3, 6);
  fr_load load = {0};
  ASSERT_OK(cli_course_load(&course, &total, CLI_OF_ENERGY, &load, err));
  assert_int_equal(load.count, 3);
  assert_near(load.stretch[0].energy_j, 2);
  assert_near(load.stretch[2].energy_j, 6);
  assert_near(load.stretch[2].high_j, 12);
  assert_int_equal(load.stretch[0].start_ns, 5);
  assert_int_equal(load.stretch[2].end_ns, 5 + 10 * NS);
  fr_load_release(&load);
  ASSERT_OK(cli_course_load(&course, &total, CLI_OF_PROGRAM, &load, err));
  assert_int_equal(load.count, 2); /* from 0 to 5 s: in between it is not known */
  assert_near(load.stretch[0].energy_j, 6);
  fr_load_release(&load);
  cli_course_release(&course);
}

/* 8 J of energy, 3 of delta: 0.5 W of normal power. 2 - 1, 0 - 1.5, 6 - 2.5. */
static void delta_is_above_the_normal_power(void **state) {
  (void)state;
  cli_course course = made();
  const cli_course_total total = total_of(8, 3, 6);
  fr_load load = {0};
  ASSERT_OK(cli_course_load(&course, &total, CLI_OF_DELTA, &load, err));
  assert_near(load.stretch[0].energy_j, 1);
  assert_near(load.stretch[1].energy_j, -1.5);
  assert_near(load.stretch[2].energy_j, 3.5);
  assert_near(fr_load_energy(&load).low, 1.5);
  assert_near(fr_load_energy(&load).high, 6);
  fr_load_release(&load);
  cli_course_release(&course);
}

static void without_readings_it_is_even(void **state) {
  (void)state;
  const cli_course none = {0};
  cli_course_total total = total_of(8, 3, 6);
  fr_load load = {0};
  assert_false(cli_course_has_shape(&none, CLI_OF_ENERGY));
  ASSERT_OK(cli_course_load(&none, &total, CLI_OF_DELTA, &load, err));
  assert_int_equal(load.count, 1);
  assert_near(load.stretch[0].energy_j, 3);
  fr_load_release(&load);
  total.program = fr_measure_absent(FR_UNIT_JOULE);
  assert_int_equal(cli_course_load(&none, &total, CLI_OF_PROGRAM, &load, NULL),
                   FR_ERR_NOT_FOUND);
}

/* 5 million, of a power that rises: thinned out, the sum is whole and the shape there. */
static void many_are_thinned_out(void **state) {
  (void)state;
  const size_t count = 5000000;
  cli_course course = {0};
  cli_course_total total = total_of(1, 1, 1);
  fr_load load = {0};
  for (size_t i = 0; i <= count; i++) {
    const double at = (double)i / (double)count;
    cli_course_add(&course, &(cli_reading){i * 1000, at * at, at});
  }
  assert_true(course.count <= CLI_COURSE_CEILING &&
              course.count > CLI_COURSE_CEILING / 4);
  ASSERT_OK(cli_course_load(&course, &total, CLI_OF_ENERGY, &load, err));
  assert_near(fr_load_energy(&load).value, 1);
  double first_half = 0;
  for (size_t i = 0; i < load.count; i++)
    if (load.stretch[i].end_ns <= 5 + (int64_t)count * 500)
      first_half += load.stretch[i].energy_j;
  assert_true(fabs(first_half - 0.25) < 1e-4);
  assert_int_equal(load.stretch[load.count - 1].end_ns, 5 + (int64_t)count * 1000);
  fr_load_release(&load);
  cli_course_release(&course);
}

/* ---- files ---- */

static void write_file(const char *path, const char *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static const char timeline[] = "t_s,power_w,energy_j,program_j,core_s,marked,phase\n"
                               "0.000000,,0,0,0.000000,0,\"unmarked\"\n"
                               "0.100123,5.5,0.55,0.25,0.05,0,\"train/forward\"\n"
                               "0.200123,5.5,1.1,0.5,0.10,0,\"train/forward\"\n"
                               "1.300000,7,8.8,0.75,0.15,1,\"a \"\"quoted\"\" one\"\n";

/* Whatever bytes a file has it is read or refused with a sentence, and what is read is in
 * order. */
static void mutated_files_are_read_or_refused(void **state) {
  (void)state;
  char *folder = test_folder_make(), path[600], bytes[sizeof timeline];
  fr__rng rng;
  size_t read = 0;
  fr__rng_init(&rng, 8, 1);
  snprintf(path, sizeof path, "%s/timeline.csv", folder);
  for (size_t i = 0; i < 3000; i++) {
    cli_course course = {0};
    cli_course_total total;
    fr_load load = {0};
    fr_error err = {0};
    memcpy(bytes, timeline, sizeof bytes);
    for (size_t k = fr__rng_below(&rng, 5); k > 0; k--)
      bytes[fr__rng_below(&rng, sizeof timeline - 1)] =
          fr__rng_below(&rng, 2) > 0 ? "0123456789.,-e\n\""[fr__rng_below(&rng, 16)]
                                     : (char)fr__rng_below(&rng, 256);
    write_file(path, bytes,
               fr__rng_below(&rng, 20) > 0 ? sizeof timeline - 1
                                           : fr__rng_below(&rng, sizeof timeline));
    if (cli_course_csv(path, 0, &course, &total, &err) != FR_OK) {
      assert_true(err.text[0] != '\0');
      continue;
    }
    read++;
    if (cli_course_load(&course, &total, CLI_OF_ENERGY, &load, &err) == FR_OK)
      assert_true(isfinite(fr_load_energy(&load).value));
    fr_load_release(&load);
    cli_course_release(&course);
  }
  assert_true(read > 500 && read < 2900);
  test_folder_remove(folder);
}

static void a_file_is_read_as_it_stands(void **state) {
  (void)state;
  char *folder = test_folder_make(), path[600];
  cli_course course = {0};
  cli_course_total total;
  snprintf(path, sizeof path, "%s/timeline.csv", folder);
  write_file(path, timeline, sizeof timeline - 1);
  ASSERT_OK(cli_course_csv(path, 7, &course, &total, err));
  assert_int_equal(course.count, 4);
  assert_near(total.energy.value, 8.8);
  assert_near(total.program.value, 0.75);
  assert_int_equal(total.end_ns, 7 + 1300000000);
  cli_course_release(&course);
  test_folder_remove(folder);
}

/* Each allocation in turn: a failure is told and nothing is left. */
static void failed_allocations_are_told(void **state) {
  (void)state;
  char *folder = test_folder_make(), path[600];
  enum fr_status status = FR_ERR_MEMORY;
  snprintf(path, sizeof path, "%s/timeline.csv", folder);
  write_file(path, timeline, sizeof timeline - 1);
  size_t at = 1;
  for (; status != FR_OK && at < 100; at++) {
    cli_course course = {0};
    cli_course_total total;
    fr_load load = {0};
    allocations = 0;
    fail_at = at;
    status = cli_course_csv(path, 0, &course, &total, NULL);
    if (status == FR_OK)
      status = cli_course_load(&course, &total, CLI_OF_ENERGY, &load, NULL);
    if (allocations >= at && status == FR_OK && course.count == 0)
      status = FR_ERR_MEMORY; /* a course without its shape: the sum is there */
    fail_at = 0;
    fr_load_release(&load);
    cli_course_release(&course);
  }
  assert_true(at > 3 && at < 100);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shape_has_the_sum),
      cmocka_unit_test(delta_is_above_the_normal_power),
      cmocka_unit_test(without_readings_it_is_even),
      cmocka_unit_test(many_are_thinned_out),
      cmocka_unit_test(a_file_is_read_as_it_stands),
      cmocka_unit_test(mutated_files_are_read_or_refused),
      cmocka_unit_test(failed_allocations_are_told),
  };
  return cmocka_run_group_tests_name("cli/course", tests, NULL, NULL);
}
