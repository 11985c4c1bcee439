/* SPDX-License-Identifier: Apache-2.0 */
/* hwmon: rails by driver and label, energy before power, cards beside the rest. */
#include "recorded.h"

#define CLASS "/sys/class/hwmon/"
#define OLD "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/"

/* A file that never changes; the recording's folder holds those. */
static void file(const recorded *r, const char *path, const char *text) {
  char name[128], line[128];
  snprintf(name, sizeof name, "sys/class/hwmon/%s", path);
  snprintf(line, sizeof line, "%s\n", text);
  tree_write(&r->t, name, line);
}

/* A Jetson Orin NX: 5 V times 2.4 A come in, of which two rails are parts. */
static void jetson(recorded *r) {
  static const char *const rails[] = {"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"};
  file(r, "hwmon3/name", "ina3221");
  for (int i = 1; i <= 3; i++) {
    char path[64];
    snprintf(path, sizeof path, "hwmon3/in%d_label", i);
    file(r, path, rails[i - 1]);
    snprintf(path, sizeof path, "hwmon3/in%d_input", i);
    file(r, path, "5000");
    snprintf(path, sizeof path, "hwmon3/curr%d_input", i);
    file(r, path, i == 1 ? "2400" : "600");
  }
  file(r, "hwmon3/in7_label", "sum of shunt voltages");
  file(r, "hwmon3/in7_input", "12");
  file(r, "hwmon3/curr4_input", "3600"); /* of the sum: no label in4 */
  file(r, "hwmon3/update_interval", "200");
}

static void a_jetson_counts_what_comes_in(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  jetson(&r);
  recorded_row(&r, 2, CLASS "hwmon3/curr1_input", "3400");
  recorded_row(&r, 4, CLASS "hwmon3/curr1_input", "3400");
  recorded_open(&r, &fr__sensor_hwmon);
  assert_int_equal(r.sensor.count, 3);
  assert_int_equal(recorded_domain(&r, "VDD_IN")->kind, FR__DOMAIN_PLATFORM);
  assert_int_equal(recorded_domain(&r, "VDD_CPU")->kind, FR__DOMAIN_PART);
  assert_int_equal(recorded_domain(&r, "VDD_SOC")->kind, FR__DOMAIN_PART);
  assert_near(recorded_domain(&r, "VDD_IN")->update_s, 0.2, 1e-12);
  recorded_start(&r);
  recorded_run(&r, 4, 1); /* 12, then 17 W: 12 + 14.5 + 17 + 17 */
  assert_near(recorded_joules(&r, "VDD_IN"), 60.5, 1e-6);
  assert_near(recorded_joules(&r, "VDD_SOC"), 12, 1e-6);
  recorded_release(&r);
}

/* An AGX has no rail at its input: those beside each other make up the module. */
static void an_agx_is_the_sum_of_its_rails(void **state) {
  (void)state;
  static const char *const rails[] = {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "NC"};
  recorded r;
  recorded_init(&r);
  file(&r, "hwmon0/name", "ina3221");
  for (int i = 1; i <= 4; i++) {
    char path[64];
    snprintf(path, sizeof path, "hwmon0/in%d_label", i);
    file(&r, path, rails[i - 1]);
    snprintf(path, sizeof path, "hwmon0/in%d_input", i);
    file(&r, path, "10000");
    snprintf(path, sizeof path, "hwmon0/curr%d_input", i);
    file(&r, path, "300");
  }
  recorded_row(&r, 1, CLASS "hwmon0/curr1_input", "300");
  recorded_open(&r, &fr__sensor_hwmon);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_int_equal(r.sensor.count, 3);
  assert_near(r.reading.energy_j, 9, 1e-6);
  for (size_t i = 0; i < r.sensor.count; i++)
    assert_int_equal(r.sensor.domain[i].kind, FR__DOMAIN_PACKAGE);
  recorded_release(&r);
}

/* JetPack 4 on a Nano: milliwatts by rail, all of them inside POM_5V_IN. */
static void an_old_jetson_tells_milliwatts(void **state) {
  (void)state;
  static const char *const rails[] = {"POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"};
  recorded r;
  recorded_init(&r);
  for (int i = 0; i < 3; i++) {
    char path[128];
    snprintf(path, sizeof path, OLD "rail_name_%d", i);
    tree_write(&r.t, path + 1, rails[i]);
    snprintf(path, sizeof path, OLD "in_power%d_input", i);
    tree_write(&r.t, path + 1, i == 0 ? "6000\n" : "1500\n");
  }
  recorded_row(&r, 0.5, OLD "in_power0_input", "8000");
  recorded_row(&r, 1, OLD "in_power0_input", "8000");
  recorded_open(&r, &fr__sensor_hwmon);
  assert_int_equal(r.sensor.count, 3);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_near(recorded_joules(&r, "POM_5V_IN"), 3.5 + 4, 1e-6);
  assert_int_equal(recorded_domain(&r, "POM_5V_IN")->kind, FR__DOMAIN_PLATFORM);
  assert_int_equal(recorded_domain(&r, "POM_5V_CPU")->kind, FR__DOMAIN_PART);
  recorded_release(&r);
}

/* 45 J of a socket; power of the same label is the same rail again. */
static void energy_is_taken_before_power_and_average_before_input(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  file(&r, "hwmon1/name", "amd_energy");
  file(&r, "hwmon1/energy1_label", "Ecore000");
  file(&r, "hwmon1/energy1_input", "5");
  file(&r, "hwmon1/energy2_label", "Esocket0");
  file(&r, "hwmon1/energy2_input", "1000000");
  file(&r, "hwmon1/power2_label", "Esocket0");
  file(&r, "hwmon1/power2_input", "99000000");
  file(&r, "hwmon2/name", "power_meter");
  file(&r, "hwmon2/power1_average", "200000000");
  file(&r, "hwmon2/power1_input", "250000000");
  file(&r, "hwmon2/power1_average_interval", "1000");
  recorded_row(&r, 1, CLASS "hwmon1/energy2_input", "46000000");
  recorded_open(&r, &fr__sensor_hwmon);
  assert_int_equal(r.sensor.count, 3);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_near(recorded_joules(&r, "Esocket0"), 45, 1e-9);
  assert_int_equal(recorded_domain(&r, "Esocket0")->kind, FR__DOMAIN_PACKAGE);
  assert_int_equal(recorded_domain(&r, "Ecore000")->kind, FR__DOMAIN_PART);
  assert_near(recorded_joules(&r, "power_meter"), 200, 1e-6);
  assert_int_equal(recorded_domain(&r, "power_meter")->kind, FR__DOMAIN_PLATFORM);
  assert_near(recorded_domain(&r, "power_meter")->update_s, 1, 1e-12);
  recorded_release(&r);
}

/* Two cards of one power, and built-in graphics that tell the package's. */
static void amdgpu(recorded *r) {
  file(r, "hwmon4/name", "amdgpu");
  file(r, "hwmon4/power1_label", "PPT");
  file(r, "hwmon4/power1_average", "30000000");
  file(r, "hwmon4/power1_cap_max", "220000000");
  file(r, "hwmon5/name", "amdgpu");
  file(r, "hwmon5/power1_label", "PPT");
  file(r, "hwmon5/power1_average", "30000000");
  file(r, "hwmon6/name", "amdgpu");
  file(r, "hwmon6/in1_label", "vddnb");
  file(r, "hwmon6/power1_label", "PPT");
  file(r, "hwmon6/power1_input", "12000000");
  recorded_row(r, 2, CLASS "hwmon4/power1_average", "30000000");
}

/* Two sockets of NVIDIA's Grace; ACPI's meters have their files below the device, and
 * their names in oem_info (Documentation/hwmon/acpi_power_meter.rst). */
static void a_grace_counts_its_sockets(void **state) {
  (void)state;
  static const struct {
    const char *info, *microwatts;
    enum fr__domain_kind kind;
  } meters[] = {{"Module Power Socket 0", "600000000", FR__DOMAIN_PART},
                {"Grace Power Socket 0", "150000000", FR__DOMAIN_PACKAGE},
                {"CPU Power Socket 0", "120000000", FR__DOMAIN_PART},
                {"SysIO Power Socket 0", "9000000", FR__DOMAIN_PART},
                {"Grace Power Socket 1", "160000000", FR__DOMAIN_PACKAGE},
                {"Another vendor", "900000000", FR__DOMAIN_PLATFORM}};
  recorded r;
  recorded_init(&r);
  for (size_t i = 0; i < sizeof meters / sizeof *meters; i++) {
    char path[64];
    snprintf(path, sizeof path, "hwmon%zu/device/name", i);
    file(&r, path, "power_meter");
    snprintf(path, sizeof path, "hwmon%zu/device/power1_average", i);
    file(&r, path, meters[i].microwatts);
    snprintf(path, sizeof path, "hwmon%zu/device/power1_oem_info", i);
    file(&r, path, meters[i].info);
  }
  recorded_row(&r, 1, "proc/stat", "cpu 0 0 0 0");
  recorded_open(&r, &fr__sensor_hwmon);
  assert_int_equal(r.sensor.count, 6);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  for (size_t i = 0; i < sizeof meters / sizeof *meters; i++)
    assert_int_equal(recorded_domain(&r, meters[i].info)->kind, meters[i].kind);
  assert_near(recorded_joules(&r, "Grace Power Socket 0"), 150, 1e-6);
  assert_near(recorded_joules(&r, "Grace Power Socket 1"), 160, 1e-6);
  recorded_release(&r);
}

static void cards_are_a_sensor_of_their_own(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  amdgpu(&r);
  file(&r, "hwmon4/device/uevent",
       "DRIVER=amdgpu\nPCI_ID=1002:73BF\nPCI_SLOT_NAME=0000:0B:00.0\nMODALIAS=x");
  recorded_open(&r, &fr__sensor_cards);
  assert_string_equal(r.sensor.domain[0].card, "0000:0B:00.0");
  recorded_start(&r);
  recorded_run(&r, 2, 0.5);
  assert_int_equal(r.sensor.count, 2);
  assert_int_equal(r.sensor.domain[0].kind, FR__DOMAIN_GPU);
  assert_near(r.sensor.domain[0].power_limit_w, 220, 1e-9);
  assert_near(r.reading.energy_j, 120, 1e-6);
  assert_true(r.sensor.domain[0].last != r.sensor.domain[1].last); /* no mirrors */
  recorded_release(&r);
}

static void built_in_graphics_tell_the_package(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  amdgpu(&r);
  recorded_open(&r, &fr__sensor_hwmon);
  recorded_start(&r);
  recorded_run(&r, 2, 0.5);
  assert_int_equal(r.sensor.count, 1);
  assert_int_equal(r.sensor.domain[0].kind, FR__DOMAIN_PACKAGE);
  assert_near(r.reading.energy_j, 24, 1e-6);
  recorded_release(&r);
}

/* Fails for a while, as a card that is switched off does; a sign, and what is no number.
 * None of it is taken as 0 W. */
static void what_cannot_be_read_is_marked(void **state) {
  (void)state;
  static const char *const bad[] = {
      "!EPERM", "-5000000", "", "12.5", "1e6", "0x10", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    recorded r;
    recorded_init(&r);
    file(&r, "hwmon2/name", "power_meter");
    recorded_row(&r, 0, CLASS "hwmon2/power1_average", "100000000");
    file(&r, "hwmon2/power1_average", "1");
    recorded_row(&r, 2, CLASS "hwmon2/power1_average", bad[i]);
    recorded_row(&r, 3, CLASS "hwmon2/power1_average", "100000000");
    recorded_row(&r, 4, CLASS "hwmon2/power1_average", "100000000");
    recorded_open(&r, &fr__sensor_hwmon);
    recorded_start(&r);
    recorded_run(&r, 4, 1);
    assert_int_equal(r.sensor.marked, 1);
    assert_near(r.reading.energy_j, 400, 1e-6);
    recorded_release(&r);
  }
}

static void batteries_and_silent_chips_are_passed_over(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  file(&r, "hwmon0/name", "BAT0");
  file(&r, "hwmon0/device/type", "Battery");
  file(&r, "hwmon0/power1_input", "9000000");
  file(&r, "hwmon1/name", "coretemp");
  file(&r, "hwmon1/temp1_input", "42000");
  recorded_row(&r, 1, CLASS "hwmon1/temp1_input", "43000");
  recorded_open(&r, &fr__sensor_hwmon);
  assert_int_equal(r.sensor.count, 0);
  assert_non_null(strstr(r.sensor.reason, "/sys/class/hwmon"));
  recorded_release(&r);
}

static void a_forbidden_rail_is_told_with_its_line(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  file(&r, "hwmon1/name", "amd_energy");
  file(&r, "hwmon1/energy1_label", "Esocket0");
  file(&r, "hwmon1/energy1_input", "5");
  recorded_row(&r, 0, CLASS "hwmon1/energy1_input", "!EACCES");
  recorded_row(&r, 1, CLASS "hwmon1/energy1_input", "!EACCES");
  recorded_open(&r, &fr__sensor_hwmon);
  assert_int_equal(r.sensor.domain[0].state, FR_SENSOR_FORBIDDEN);
  assert_string_equal(r.sensor.domain[0].fix,
                      "sudo chmod a+r /sys/class/hwmon/hwmon1/energy1_input");
  recorded_release(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_jetson_counts_what_comes_in),
      cmocka_unit_test(an_agx_is_the_sum_of_its_rails),
      cmocka_unit_test(an_old_jetson_tells_milliwatts),
      cmocka_unit_test(energy_is_taken_before_power_and_average_before_input),
      cmocka_unit_test(a_grace_counts_its_sockets),
      cmocka_unit_test(cards_are_a_sensor_of_their_own),
      cmocka_unit_test(built_in_graphics_tell_the_package),
      cmocka_unit_test(what_cannot_be_read_is_marked),
      cmocka_unit_test(batteries_and_silent_chips_are_passed_over),
      cmocka_unit_test(a_forbidden_rail_is_told_with_its_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
