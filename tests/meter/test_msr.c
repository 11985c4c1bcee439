/* SPDX-License-Identifier: Apache-2.0 */
/* Energy registers: units by model, 32 bits, one set a package. Units and registers are
 * those of Intel's SDM (vol. 4, and vol. 3B 15.10) and AMD's PPR of family 17h. */
#include "recorded.h"

static void cpuinfo(const recorded *r, const char *vendor, unsigned family,
                    unsigned model) {
  char text[256];
  snprintf(text, sizeof text,
           "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
           "model name\t: a processor\nflags\t\t: fpu\n\nprocessor\t: 1\n",
           vendor, family, model);
  tree_write(&r->t, "proc/cpuinfo", text);
}

static void place(const recorded *r, unsigned cpu, unsigned package, unsigned die) {
  char path[128];
  snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/physical_package_id",
           cpu);
  tree_number(&r->t, path, package);
  snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/die_id", cpu);
  tree_number(&r->t, path, die);
}

static void one_socket_counts_in_its_own_unit(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  cpuinfo(&r, "GenuineIntel", 6, 0x9e); /* Kaby Lake: DRAM as all else */
  place(&r, 0, 0, 0);
  place(&r, 1, 0, 0);
  recorded_row(&r, 0, "msr:0:0x606", "0xa0e03");          /* 2^-14 J, 2^-3 W */
  recorded_row(&r, 0, "msr:0:0x610", "0x4283e800dd8320"); /* PL1 100 W, PL2 125 W */
  recorded_row(&r, 0, "msr:0:0x611", "0x1000");
  recorded_row(&r, 0, "msr:0:0x619", "0x2000");
  recorded_row(&r, 0, "msr:0:0x639", "0x10");
  recorded_number(&r, 1, "msr:0:0x611", 0x1000 + 45 * 16384);
  recorded_number(&r, 1, "msr:0:0x619", 0x2000 + 3 * 16384);
  recorded_number(&r, 1, "msr:0:0x639", 0x10 + 30 * 16384);
  recorded_open(&r, &fr__sensor_msr);
  assert_int_equal(r.sensor.count, 3); /* no psys, no uncore: they fail */
  recorded_start(&r);
  recorded_run(&r, 1, 0.1);
  assert_near(recorded_joules(&r, "package-0"), 45, 1e-9);
  assert_near(recorded_joules(&r, "dram-0"), 3, 1e-9);
  assert_near(recorded_domain(&r, "package-0")->power_limit_w, 125, 1e-9);
  assert_int_equal(recorded_domain(&r, "package-0")->kind, FR__DOMAIN_PACKAGE);
  assert_int_equal(recorded_domain(&r, "dram-0")->kind, FR__DOMAIN_DRAM);
  assert_int_equal(recorded_domain(&r, "core-0")->kind, FR__DOMAIN_PART);
  recorded_release(&r);
}

static void the_dram_of_servers_counts_15_microjoules(void **state) {
  (void)state;
  static const unsigned models[] = {0x3f, 0x4f, 0x55, 0x6a, 0x8f};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    recorded r;
    recorded_init(&r);
    cpuinfo(&r, "GenuineIntel", 6, models[i]);
    recorded_row(&r, 0, "msr:0:0x606", "0xa0e03");
    recorded_row(&r, 0, "msr:0:0x611", "0");
    recorded_row(&r, 0, "msr:0:0x619", "0");
    recorded_row(&r, 0, "msr:0:0x64d", "0");
    recorded_number(&r, 1, "msr:0:0x619", 20 * 65536);
    recorded_number(&r, 1, "msr:0:0x64d", models[i] == 0x8f ? 300 : 300 * 16384);
    recorded_open(&r, &fr__sensor_msr);
    recorded_start(&r);
    recorded_run(&r, 1, 0.5);
    assert_near(recorded_joules(&r, "dram-0"), 20, 1e-9);
    assert_near(recorded_joules(&r, "psys-0"), 300, 1e-9);
    recorded_release(&r);
  }
}

static void silvermont_counts_in_microjoules(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  cpuinfo(&r, "GenuineIntel", 6, 0x37);
  recorded_row(&r, 0, "msr:0:0x606", "0x505"); /* 2^5 uJ */
  recorded_row(&r, 0, "msr:0:0x611", "0");
  recorded_number(&r, 1, "msr:0:0x611", 2 * 31250); /* of 32 uJ: 2 J */
  recorded_open(&r, &fr__sensor_msr);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_near(recorded_joules(&r, "package-0"), 2, 1e-9);
  recorded_release(&r);
}

/* Two packages, whose first processors are 1 and 0: each is asked through its own. */
static void sockets_are_asked_once_each_in_any_order(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  cpuinfo(&r, "AuthenticAMD", 0x19, 1);
  place(&r, 0, 1, 0);
  place(&r, 1, 0, 0);
  place(&r, 2, 1, 1);
  place(&r, 3, 0, 1);
  for (unsigned cpu = 0; cpu < 4; cpu++) {
    char path[64];
    snprintf(path, sizeof path, "msr:%u:0xc0010299", cpu);
    recorded_row(&r, 0, path, "0xa1003"); /* 2^-16 J */
    snprintf(path, sizeof path, "msr:%u:0xc001029b", cpu);
    recorded_row(&r, 0, path, "77");
    snprintf(path, sizeof path, "msr:%u:0xc001029a", cpu);
    recorded_row(&r, 0, path, "5");
  }
  recorded_number(&r, 1, "msr:0:0xc001029b", 77 + 90 * 65536);
  recorded_number(&r, 1, "msr:1:0xc001029b", 77 + 60 * 65536);
  recorded_open(&r, &fr__sensor_msr);
  assert_int_equal(r.sensor.count, 2); /* cores are left alone */
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_near(recorded_joules(&r, "package-1"), 90, 1e-9);
  assert_near(recorded_joules(&r, "package-0"), 60, 1e-9);
  recorded_release(&r);
}

/* Cascade Lake-AP: two dies in a package, each with a counter of its own. */
static void dies_of_intel_count_by_themselves(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  cpuinfo(&r, "GenuineIntel", 6, 0x55);
  for (unsigned cpu = 0; cpu < 4; cpu++) {
    char path[64];
    place(&r, cpu, 0, cpu / 2);
    snprintf(path, sizeof path, "msr:%u:0x606", cpu);
    recorded_row(&r, 0, path, "0xa0e03");
    snprintf(path, sizeof path, "msr:%u:0x611", cpu);
    recorded_row(&r, 0, path, cpu < 2 ? "100" : "200");
  }
  recorded_number(&r, 1, "msr:0:0x611", 100 + 50 * 16384);
  recorded_number(&r, 1, "msr:2:0x611", 200 + 70 * 16384);
  recorded_open(&r, &fr__sensor_msr);
  assert_int_equal(r.sensor.count, 2);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_near(r.reading.energy_j, 120, 1e-9);
  recorded_release(&r);
}

/* 400 W wrap 2^32 counts of 2^-14 J in 655 s; bits 63:32 are reserved, hence ignored. */
static void a_wrap_of_32_bits_loses_nothing(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  cpuinfo(&r, "GenuineIntel", 6, 0x9e);
  recorded_row(&r, 0, "msr:0:0x606", "0xa0e03");
  recorded_row(&r, 0, "msr:0:0x611", "0xfffff000");
  recorded_row(&r, 1, "msr:0:0x611", "0xdead0000000ff000"); /* 2^20 counts on: 64 J */
  recorded_open(&r, &fr__sensor_msr);
  recorded_start(&r);
  recorded_run(&r, 1, 0.5);
  assert_near(recorded_joules(&r, "package-0"), 64, 1e-9);
  assert_int_equal(r.sensor.marked, 0);
  recorded_release(&r);
}

static void what_is_forbidden_is_told_with_its_line(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  cpuinfo(&r, "GenuineIntel", 6, 0x9e);
  recorded_row(&r, 0, "msr:0:0x606", "!EACCES");
  recorded_row(&r, 1, "msr:0:0x606", "!EACCES");
  recorded_open(&r, &fr__sensor_msr);
  assert_int_equal(r.sensor.count, 1);
  assert_int_equal(r.sensor.domain[0].state, FR_SENSOR_FORBIDDEN);
  assert_non_null(strstr(r.sensor.domain[0].fix, "setcap cap_sys_rawio"));
  recorded_release(&r);
}

static void a_guest_and_another_processor_have_none(void **state) {
  (void)state;
  static const char *const rows[] = {"msr:0:0x606", "msr:0:0x10"};
  static const char *const vendors[] = {"GenuineIntel", "CentaurHauls"};
  for (size_t i = 0; i < 2; i++) {
    recorded r;
    recorded_init(&r);
    cpuinfo(&r, vendors[i], 6, 0x9e);
    recorded_row(&r, 0, rows[i], "!EIO");
    recorded_row(&r, 1, rows[i], "!EIO");
    recorded_open(&r, &fr__sensor_msr);
    assert_int_equal(r.sensor.count, 0);
    assert_non_null(strstr(r.sensor.reason, "energy registers"));
    recorded_release(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_socket_counts_in_its_own_unit),
      cmocka_unit_test(the_dram_of_servers_counts_15_microjoules),
      cmocka_unit_test(silvermont_counts_in_microjoules),
      cmocka_unit_test(sockets_are_asked_once_each_in_any_order),
      cmocka_unit_test(dies_of_intel_count_by_themselves),
      cmocka_unit_test(a_wrap_of_32_bits_loses_nothing),
      cmocka_unit_test(what_is_forbidden_is_told_with_its_line),
      cmocka_unit_test(a_guest_and_another_processor_have_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
