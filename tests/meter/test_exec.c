/* SPDX-License-Identifier: Apache-2.0 */
/* A command that prints watts or joules: what is believed, and that it never outlives the
 * sensor. */
#include "recorded.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

typedef struct live {
  fr__world *world;
  fr__sensor sensor;
  fr__reading reading;
} live;

static void live_open(live *l, const char *command) {
  *l = (live){0};
  ASSERT_OK(fr__world_new(NULL, &l->world, err));
  ASSERT_OK(fr__sensor_open(&fr__sensor_exec, command, l->world, &l->sensor, err));
  if (l->sensor.count == 0)
    return;
  l->sensor.domain[0].counted = true;
  const fr__load load = fr__host_now(l->world);
  ASSERT_OK(fr__sensor_start(&l->sensor, &load, err));
}

static void live_release(live *l) {
  fr__sensor_close(&l->sensor);
  fr__world_free(l->world);
}

static void live_read(live *l) {
  const fr__load load = fr__host_now(l->world);
  fr__sensor_read(&l->sensor, &load, &l->reading);
}

/* 40 W for as long as the test measures itself. */
static void watts_are_added_up(void **state) {
  (void)state;
  live l;
  live_open(&l, "while echo 0.04 kW; do sleep 0.02; done");
  assert_int_equal(l.sensor.count, 1);
  assert_int_equal(l.sensor.domain[0].kind, FR__DOMAIN_PLATFORM);
  const uint64_t start_ns = fr__clock_ns();
  for (int i = 0; i < 10; i++) {
    rest(0.03);
    live_read(&l);
  }
  const double elapsed_s = (double)(fr__clock_ns() - start_ns) * 1e-9;
  assert_near(l.reading.energy_j, 40 * elapsed_s, 40 * 0.02);
  assert_int_equal(l.sensor.marked, 0);
  assert_true(l.sensor.domain[0].update_s >= 0.02 && l.sensor.domain[0].update_s < 0.2);
  live_release(&l);
}

/* A line that is half a second old says nothing of the half second: the bounds have it.
 */
static void what_is_not_renewed_has_a_period_nonetheless(void **state) {
  (void)state;
  live l;
  live_open(&l, "echo 40 W; exec sleep 30");
  for (int i = 0; i < 5; i++) {
    rest(0.05);
    live_read(&l);
  }
  assert_true(l.sensor.domain[0].update_s >= 0.25);
  assert_int_equal(l.sensor.marked, 0);
  live_release(&l);
}

/* Several lines between two readings count with their mean: 10 and 30 W are 20. */
static void lines_between_two_readings_are_a_mean(void **state) {
  (void)state;
  live l;
  live_open(&l, "echo 20 W; sleep 0.15; echo 10 W; echo 30W; sleep 9");
  const uint64_t start_ns = fr__clock_ns();
  rest(0.4);
  live_read(&l);
  const double elapsed_s = (double)(fr__clock_ns() - start_ns) * 1e-9;
  assert_near(l.reading.energy_j, 20 * elapsed_s, 0.4);
  live_release(&l);
}

/* 1 Wh is 3,600 J; the counter starts somewhere, and what counts is the way. */
static void joules_are_a_counter(void **state) {
  (void)state;
  live l;
  live_open(&l, "echo 1000 J; sleep 0.15; echo 1012.5 J; sleep 9");
  rest(0.4);
  live_read(&l);
  assert_near(l.reading.energy_j, 12.5, 1e-6);
  assert_int_equal(l.sensor.marked, 0);
  live_release(&l);
}

static void joules_that_fall_are_marked(void **state) {
  (void)state;
  live l;
  live_open(&l, "echo 2 kJ; sleep 0.15; echo 3 J; sleep 9");
  rest(0.4);
  live_read(&l);
  assert_int_equal(l.sensor.marked, 1);
  assert_int_equal(l.sensor.marks.back, 1);
  assert_true(l.reading.energy_j >= 0 && l.reading.energy_j < 1);
  live_release(&l);
}

/* What the first readings were worth goes on, marked; it is not taken as 0. */
static void a_command_that_dies_is_marked_and_told(void **state) {
  (void)state;
  live l;
  live_open(&l, "echo 50 W; sleep 0.1; echo 50 W");
  rest(0.3);
  live_read(&l);
  assert_int_equal(l.sensor.marked, 0);
  rest(0.1);
  live_read(&l);
  assert_int_equal(l.sensor.marked, 1);
  assert_true(l.reading.marked);
  assert_non_null(strstr(l.sensor.domain[0].reason, "has ended"));
  assert_true(l.reading.energy_j > 50 * 0.35);
  live_release(&l);
}

/* One line and no more: it stands for the time since, as an estimate. */
static void a_command_that_tells_once_is_an_estimate(void **state) {
  (void)state;
  live l;
  live_open(&l, "echo 50 W");
  const uint64_t start_ns = fr__clock_ns();
  rest(0.2);
  live_read(&l);
  rest(0.2);
  live_read(&l);
  const double elapsed_s = (double)(fr__clock_ns() - start_ns) * 1e-9;
  assert_near(l.reading.energy_j, 50 * elapsed_s, 50 * 0.03);
  assert_true(l.reading.marked);
  assert_near(l.sensor.bridged_j, l.reading.energy_j, 50 * 0.03);
  live_release(&l);
}

/* A rack draws more than a machine can: nothing of it is marked. */
static void the_meter_of_a_rack_is_believed(void **state) {
  (void)state;
  live l;
  live_open(&l, "while echo 40 kW; do sleep 0.02; done");
  const uint64_t start_ns = fr__clock_ns();
  for (int i = 0; i < 4; i++) {
    rest(0.1);
    live_read(&l);
  }
  const double elapsed_s = (double)(fr__clock_ns() - start_ns) * 1e-9;
  assert_near(l.reading.energy_j, 4e4 * elapsed_s, 4e4 * 0.02);
  assert_int_equal(l.sensor.marked, 0);
  live_release(&l);
}

/* Each is no reading, and the reason quotes the first. */
static void what_is_no_reading_is_refused(void **state) {
  (void)state;
  static const char *const lines[] = {"12.5",    "W",      "12.5 X", "12.5 W extra",
                                      "-3 W",    "1e11 W", "nan W",  "inf W",
                                      "1e300 W", "12,5 W", "0x10 W", "power: 3 W"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char command[64];
    snprintf(command, sizeof command, "echo '%s'", lines[i]);
    live l;
    live_open(&l, command);
    assert_int_equal(l.sensor.count, 0);
    assert_non_null(strstr(l.sensor.reason, lines[i]));
    live_release(&l);
  }
}

/* Endless lines, bytes of any kind, a line without end: passed over, in bounded time. */
static void hostile_output_is_bounded(void **state) {
  (void)state;
  live l;
  live_open(&l, "yes 7 W & head -c 300000 /dev/urandom; head -c 300000 /dev/zero; wait");
  assert_int_equal(l.sensor.count, 1);
  const uint64_t start_ns = fr__clock_ns();
  for (int i = 0; i < 20; i++) {
    rest(0.005);
    live_read(&l);
  }
  assert_true(fr__clock_ns() - start_ns < 5000000000u);
  live_release(&l);
}

static void nothing_is_started_without_a_command(void **state) {
  (void)state;
  static const char *const commands[] = {NULL, ""};
  for (size_t i = 0; i < 2; i++) {
    live l;
    live_open(&l, commands[i]);
    assert_int_equal(l.sensor.count, 0);
    assert_non_null(strstr(l.sensor.reason, "--sensor exec:COMMAND"));
    live_release(&l);
  }
}

static bool is_running(pid_t pid) {
  char path[64], text[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *f = fopen(path, "r");
  if (f == NULL)
    return false;
  const bool got = fgets(text, sizeof text, f) != NULL;
  fclose(f);
  const char *at = strrchr(text, ')');
  return got && at != NULL && at[2] != 'Z';
}

/* The shell ignores SIGTERM, and has a child of its own that does, too: it writes its
 * number into the folder. */
static void stubborn(const char *folder, char command[256]) {
  snprintf(command, 256,
           "trap '' TERM; (echo 5 W; exec sleep 30) & echo $! > %s/pid; wait; sleep 30",
           folder);
}

static pid_t wait_for_pid(const char *folder) {
  char path[128];
  snprintf(path, sizeof path, "%s/pid", folder);
  int pid = 0;
  for (int i = 0; i < 500 && pid == 0; i++) {
    FILE *f = fopen(path, "r");
    if (f != NULL && fscanf(f, "%d", &pid) != 1)
      pid = 0;
    if (f != NULL)
      fclose(f);
    rest(0.01);
  }
  return pid;
}

static void assert_ends(pid_t pid) {
  for (int i = 0; i < 500 && is_running(pid); i++)
    rest(0.01);
  assert_false(is_running(pid));
}

static void the_whole_group_ends_with_the_sensor(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char command[256];
  stubborn(folder, command);
  live l;
  live_open(&l, command);
  assert_int_equal(l.sensor.count, 1);
  const pid_t pid = wait_for_pid(folder);
  assert_true(pid > 0 && is_running(pid));
  live_release(&l);
  assert_ends(pid);
  test_folder_remove(folder);
}

/* Nothing of it runs on when the process that reads it is killed. */
static void the_whole_group_ends_with_a_killed_process(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char command[256];
  stubborn(folder, command);
  const pid_t reader = fork();
  if (reader == 0) {
    live l;
    live_open(&l, command);
    for (;;)
      rest(1);
  }
  assert_true(reader > 0);
  const pid_t pid = wait_for_pid(folder);
  assert_true(pid > 0 && is_running(pid));
  rest(0.1); /* the sensor is open */
  assert_int_equal(kill(reader, SIGKILL), 0);
  assert_int_equal(waitpid(reader, NULL, 0), reader);
  assert_ends(pid);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(watts_are_added_up),
      cmocka_unit_test(what_is_not_renewed_has_a_period_nonetheless),
      cmocka_unit_test(lines_between_two_readings_are_a_mean),
      cmocka_unit_test(joules_are_a_counter),
      cmocka_unit_test(joules_that_fall_are_marked),
      cmocka_unit_test(a_command_that_dies_is_marked_and_told),
      cmocka_unit_test(a_command_that_tells_once_is_an_estimate),
      cmocka_unit_test(the_meter_of_a_rack_is_believed),
      cmocka_unit_test(what_is_no_reading_is_refused),
      cmocka_unit_test(hostile_output_is_bounded),
      cmocka_unit_test(nothing_is_started_without_a_command),
      cmocka_unit_test(the_whole_group_ends_with_the_sensor),
      cmocka_unit_test(the_whole_group_ends_with_a_killed_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
