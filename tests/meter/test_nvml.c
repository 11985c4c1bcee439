/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs through a library that stands for NVIDIA's (fake_nvml.c), and from recordings. */
#include "recorded.h"

#include "base/clock.h"
#include "meter/nvml.h"

typedef struct live {
  fr__world *world;
  fr__sensor sensor;
  fr__reading reading;
} live;

static void live_open(live *l, const char *library, const char *visible) {
  *l = (live){0};
  setenv("FRUGAL_NVML", library, 1);
  if (visible != NULL)
    setenv("CUDA_VISIBLE_DEVICES", visible, 1);
  else
    unsetenv("CUDA_VISIBLE_DEVICES");
  ASSERT_OK(fr__world_new(NULL, &l->world, err));
  ASSERT_OK(fr__sensor_open(&fr__sensor_nvml, NULL, l->world, &l->sensor, err));
}

static void live_start(live *l) {
  for (size_t i = 0; i < l->sensor.count; i++)
    l->sensor.domain[i].counted = l->sensor.domain[i].state == FR_SENSOR_WORKING;
  const fr__load load = fr__host_now(l->world);
  ASSERT_OK(fr__sensor_start(&l->sensor, &load, err));
}

static void live_read(live *l) {
  const fr__load load = fr__host_now(l->world);
  fr__sensor_read(&l->sensor, &load, &l->reading);
}

static void live_release(live *l) {
  fr__sensor_close(&l->sensor);
  fr__world_free(l->world);
}

static int fresh(void **state) {
  (void)state;
  static const char *const names[] = {
      "FAKE_INIT", "FAKE_LOST", "FAKE_MJ_0",        "FAKE_MJ_2",       "FAKE_MW",
      "FAKE_GPUS", "FAKE_RUDE", "FAKE_ENERGY_CODE", "FAKE_POWER_CODE", "FAKE_SHUT_DOWN"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unsetenv(names[i]);
  return 0;
}

static void energy_counts_where_there_is_a_counter(void **state) {
  (void)state;
  live l;
  setenv("FAKE_MJ_0", "5000000", 1);
  live_open(&l, FAKE_NVML, "0");
  live_start(&l);
  setenv("FAKE_MJ_0", "5042500", 1);
  rest(0.15);
  live_read(&l);
  assert_int_equal(l.sensor.count, 3);
  assert_string_equal(l.sensor.domain[0].name, "nvml gpu0 (Fake 0)");
  assert_int_equal(l.sensor.domain[0].kind, FR__DOMAIN_GPU);
  assert_near(l.reading.energy_j, 42.5, 1e-9);
  live_release(&l);
  assert_string_equal(getenv("FAKE_SHUT_DOWN"), "1");
}

static void power_is_added_up_elsewhere(void **state) {
  (void)state;
  live l;
  setenv("FAKE_MW", "120000", 1);
  live_open(&l, FAKE_NVML, "GPU-aab");
  live_start(&l);
  const uint64_t start_ns = fr__clock_ns();
  rest(0.2);
  live_read(&l);
  const double elapsed_s = (double)(fr__clock_ns() - start_ns) * 1e-9;
  assert_near(l.reading.energy_j, 120 * elapsed_s, 120 * 0.01);
  assert_int_equal(l.sensor.domain[0].state, FR_SENSOR_ABSENT);
  assert_int_equal(l.sensor.domain[2].state, FR_SENSOR_ABSENT);
  assert_non_null(strstr(l.sensor.domain[1].reason, "its power is added up"));
  live_release(&l);
}

static void who_records_is_told_the_counter_itself(void **state) {
  (void)state;
  live l;
  setenv("FAKE_MJ_0", "77000", 1);
  setenv("FAKE_MW", "120000", 1);
  live_open(&l, FAKE_NVML, "0,1");
  char path[FR__NVML_NAME];
  uint64_t value;
  assert_int_equal(fr__nvml_tell(&l.sensor, &l.sensor.domain[0], path, &value), 0);
  assert_string_equal(path, "nvml:0:energy_mj");
  assert_int_equal(value, 77000);
  assert_int_equal(fr__nvml_tell(&l.sensor, &l.sensor.domain[1], path, &value), 0);
  assert_string_equal(path, "nvml:1:power_mw");
  assert_int_equal(value, 120000);
  live_release(&l);
}

static void a_recording_of_this_machine_holds_its_gpus(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char path[256], text[65536];
  setenv("FRUGAL_NVML", FAKE_NVML, 1);
  setenv("CUDA_VISIBLE_DEVICES", "1,0", 1);
  setenv("FAKE_MJ_0", "77000", 1);
  setenv("FAKE_MW", "120000", 1);
  snprintf(path, sizeof path, "%s/recording", folder);
  ASSERT_OK(fr_doctor_record(NULL, path, 0.1, err));
  snprintf(path, sizeof path, "%s/recording/timeline.csv", folder);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  text[fread(text, 1, sizeof text - 1, f)] = '\0';
  fclose(f);
  assert_non_null(strstr(text, "\n0,nvml:0:energy_mj,77000\n"));
  assert_non_null(strstr(text, "\n0,nvml:1:power_mw,120000\n"));
  assert_null(strstr(text, "nvml:2"));
  snprintf(path, sizeof path, "%s/recording", folder);
  fr__world *world;
  fr__sensor sensor;
  ASSERT_OK(fr__world_new_replay(path, &world, err));
  ASSERT_OK(fr__sensor_open(&fr__sensor_nvml, NULL, world, &sensor, err));
  assert_int_equal(sensor.count, 2);
  fr__sensor_close(&sensor);
  fr__world_free(world);
  test_folder_remove(folder);
}

static void a_mig_instance_is_its_whole_gpu(void **state) {
  (void)state;
  static const char *const names[] = {"MIG-1234", "MIG-GPU-cccc-2222/1/0"};
  for (size_t i = 0; i < 2; i++) {
    live l;
    live_open(&l, FAKE_NVML, names[i]);
    assert_int_equal(l.sensor.domain[0].state, FR_SENSOR_ABSENT);
    assert_int_equal(l.sensor.domain[2].state, FR_SENSOR_WORKING);
    assert_non_null(strstr(l.sensor.domain[2].reason, "divided by MIG"));
    live_release(&l);
  }
}

static void a_gpu_that_is_lost_is_marked(void **state) {
  (void)state;
  live l;
  setenv("FAKE_MJ_0", "1000", 1);
  live_open(&l, FAKE_NVML, "0");
  live_start(&l);
  setenv("FAKE_LOST", "1", 1);
  live_read(&l);
  assert_int_equal(l.sensor.marked, 1);
  assert_int_equal(l.sensor.marks.unplugged, 1);
  live_release(&l);
}

/* "N/A": neither is supported; a counter that fails leaves the power. */
static void what_a_card_does_not_tell_is_not_0(void **state) {
  (void)state;
  live l;
  setenv("FAKE_ENERGY_CODE", "3", 1);
  setenv("FAKE_POWER_CODE", "3", 1);
  live_open(&l, FAKE_NVML, "0");
  assert_int_equal(l.sensor.domain[0].state, FR_SENSOR_ABSENT);
  assert_non_null(strstr(l.sensor.domain[0].reason, "neither its energy nor its power"));
  live_release(&l);
  setenv("FAKE_ENERGY_CODE", "999", 1);
  setenv("FAKE_POWER_CODE", "0", 1);
  setenv("FAKE_MW", "50000", 1);
  live_open(&l, FAKE_NVML, "0");
  assert_int_equal(l.sensor.domain[0].state, FR_SENSOR_WORKING);
  live_release(&l);
  setenv("FAKE_ENERGY_CODE", "4", 1);
  setenv("FAKE_POWER_CODE", "4", 1);
  live_open(&l, FAKE_NVML, "0");
  assert_int_equal(l.sensor.domain[0].state, FR_SENSOR_FORBIDDEN);
  assert_non_null(strstr(l.sensor.domain[0].fix, "/dev/nvidia"));
  live_release(&l);
}

/* More cards than there can be, names without an end and with a terminal's commands. */
static void a_rude_driver_is_survived(void **state) {
  (void)state;
  live l;
  setenv("FAKE_RUDE", "1", 1);
  setenv("FAKE_GPUS", "4294967295", 1);
  live_open(&l, FAKE_NVML, NULL);
  assert_int_equal(l.sensor.count, FR__NVML_GPUS);
  assert_null(strchr(l.sensor.domain[0].name, '\033'));
  assert_non_null(strstr(l.sensor.domain[0].name, "gpu0 (????"));
  assert_int_equal(l.sensor.domain[63].state, FR_SENSOR_ABSENT);
  live_start(&l);
  live_read(&l);
  live_release(&l);
  setenv("FAKE_GPUS", "0", 1);
  live_open(&l, FAKE_NVML, NULL);
  assert_int_equal(l.sensor.count, 0);
  live_release(&l);
}

/* 100 W; the driver is loaded anew at 3 s and counts from 0. */
static void a_counter_that_begins_anew_is_bridged(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  recorded_row(&r, 0, "nvml:0:energy_mj", "7000000");
  recorded_row(&r, 1, "nvml:0:energy_mj", "7100000");
  recorded_row(&r, 2, "nvml:0:energy_mj", "7200000");
  recorded_row(&r, 3, "nvml:0:energy_mj", "40");
  recorded_row(&r, 4, "nvml:0:energy_mj", "100040");
  recorded_open(&r, &fr__sensor_nvml);
  recorded_start(&r);
  recorded_run(&r, 4, 1);
  assert_near(r.reading.energy_j, 400, 1e-9);
  assert_int_equal(r.sensor.marks.back, 1);
  assert_near(r.sensor.bridged_j, 100, 1e-9);
  recorded_release(&r);
}

/* Lost at 2 s, for good: marked, and at the power before. */
static void a_card_that_is_lost_amid_a_run_goes_on_at_its_power(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  recorded_row(&r, 0, "nvml:0:energy_mj", "0");
  recorded_row(&r, 1, "nvml:0:energy_mj", "100000");
  recorded_row(&r, 2, "nvml:0:energy_mj", "!ENODEV");
  recorded_row(&r, 4, "proc/stat", "cpu 0 0 0 0");
  recorded_open(&r, &fr__sensor_nvml);
  recorded_start(&r);
  recorded_run(&r, 4, 1);
  assert_near(r.reading.energy_j, 400, 1e-9);
  assert_near(r.sensor.bridged_j, 300, 1e-9);
  assert_int_equal(r.sensor.marks.unplugged, 3);
  recorded_release(&r);
}

/* Old drivers tell 2^32 - 1 mW for "not known". */
static void watts_that_cannot_be_are_a_failed_reading(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  recorded_row(&r, 0, "nvml:0:power_mw", "10000");
  recorded_row(&r, 1, "nvml:0:power_mw", "4294967295");
  recorded_row(&r, 2, "nvml:0:power_mw", "10000");
  recorded_row(&r, 3, "nvml:0:power_mw", "10000");
  recorded_open(&r, &fr__sensor_nvml);
  recorded_start(&r);
  recorded_run(&r, 3, 0.5);
  assert_near(r.reading.energy_j, 30, 1e-6);
  assert_int_equal(r.sensor.marks.failed, 2);
  recorded_release(&r);
}

static void a_driver_that_fails_or_is_missing_says_why(void **state) {
  (void)state;
  live l;
  live_open(&l, "/nonexistent/libnvidia-ml.so.1", NULL);
  assert_int_equal(l.sensor.count, 0);
  assert_non_null(strstr(l.sensor.reason, "no driver of NVIDIA's"));
  live_release(&l);
  setenv("FAKE_INIT", "9", 1);
  live_open(&l, FAKE_NVML, NULL);
  assert_int_equal(l.sensor.count, 0);
  assert_non_null(strstr(l.sensor.reason, "does not start"));
  live_release(&l);
  live_open(&l, "libc.so.6", NULL);
  assert_non_null(strstr(l.sensor.reason, "too old"));
  live_release(&l);
}

/* By CUDA's own rules (CUDA C++ Programming Guide, "CUDA Environment Variables"): order
 * and blanks do not matter, an unknown entry hides itself and all that follow. */
static void the_visible_gpus_are_those_that_cuda_shows(void **state) {
  (void)state;
  static const char uuid[3][FR__NVML_NAME] = {"GPU-aaaa-0000", "GPU-aabb-1111",
                                              "GPU-cccc-2222"};
  static const struct {
    const char *text;
    bool seen[3];
  } cases[] = {
      {NULL, {true, true, true}},
      {"", {false, false, false}},
      {"2,0", {true, false, true}},
      {" 1 , 2", {false, true, true}},
      {"0,7,1", {true, false, false}},
      {"-1,0", {false, false, false}},
      {"0,,1", {true, false, false}},
      {"NoDevFiles", {false, false, false}},
      {"GPU-c,0", {true, false, true}},
      {"GPU-aa", {false, false, false}}, /* of two GPUs */
      {"GPU-aaaa-0000,GPU-aabb", {true, true, false}},
      {"MIG-GPU-cccc-2222/3/0", {false, false, true}},
      {"MIG-unknown,0", {false, false, false}},
      {"1x", {false, false, false}},
      {"99999999999999999999", {false, false, false}},
      {"-1", {false, false, false}},
      {"1,junk,0", {false, true, false}},
      {",", {false, false, false}},
      {"1,1,1", {false, true, false}},
      {"MIG-GPU-cccc-2222/1/0,MIG-GPU-aaaa-0000/0/0", {true, false, true}},
      {"MIG-GPU-aa/1/0", {false, false, false}},
      {"gpu-aaaa-0000", {false, false, false}},
      {"+1,0x1", {false, false, false}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bool seen[3];
    fr__nvml_visible(cases[i].text, 3, uuid, NULL, NULL, seen);
    assert_memory_equal(seen, cases[i].seen, sizeof seen);
  }
}

static void recordings_hold_gpus_too(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  recorded_row(&r, 0, "nvml:0:energy_mj", "1000");
  recorded_row(&r, 0, "nvml:0:name", "A card");
  recorded_row(&r, 0, "nvml:5:power_mw", "10000"); /* 1 to 4 were hidden */
  recorded_row(&r, 1, "nvml:0:energy_mj", "91000");
  recorded_row(&r, 2, "nvml:0:energy_mj", "!ENODEV");
  recorded_row(&r, 3, "nvml:0:energy_mj", "151000"); /* what it counted meanwhile */
  recorded_open(&r, &fr__sensor_nvml);
  assert_int_equal(r.sensor.count, 2);
  assert_string_equal(r.sensor.domain[0].name, "nvml gpu0 (A card)");
  recorded_start(&r);
  recorded_run(&r, 3, 1);
  assert_near(recorded_joules(&r, "gpu0"), 150, 1e-9);
  assert_near(recorded_joules(&r, "gpu5"), 30, 1e-6);
  assert_int_equal(r.sensor.marked, 1);
  recorded_release(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(energy_counts_where_there_is_a_counter, fresh),
      cmocka_unit_test_setup(power_is_added_up_elsewhere, fresh),
      cmocka_unit_test_setup(who_records_is_told_the_counter_itself, fresh),
      cmocka_unit_test_setup(a_recording_of_this_machine_holds_its_gpus, fresh),
      cmocka_unit_test_setup(a_mig_instance_is_its_whole_gpu, fresh),
      cmocka_unit_test_setup(a_gpu_that_is_lost_is_marked, fresh),
      cmocka_unit_test_setup(what_a_card_does_not_tell_is_not_0, fresh),
      cmocka_unit_test_setup(a_rude_driver_is_survived, fresh),
      cmocka_unit_test(a_counter_that_begins_anew_is_bridged),
      cmocka_unit_test(a_card_that_is_lost_amid_a_run_goes_on_at_its_power),
      cmocka_unit_test(watts_that_cannot_be_are_a_failed_reading),
      cmocka_unit_test_setup(a_driver_that_fails_or_is_missing_says_why, fresh),
      cmocka_unit_test(the_visible_gpus_are_those_that_cuda_shows),
      cmocka_unit_test(recordings_hold_gpus_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
