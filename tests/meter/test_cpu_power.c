/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule gives the watts of which processor, from what kernels print in
 * /proc/cpuinfo. */
#include "tree.h"

#include "frugal/meter.h"
#include "meter/cpu_info.h"

typedef struct example {
  const char *what;
  const char *cpuinfo; /* one processor's block */
  size_t processors;
  const char *rule; /* how the rule's text begins */
  /* Thermal design power of a core by hand, from the maker's page: the band must hold it.
   */
  double core_tdp_w;
} example;

#define X86(vendor, family, model, name, siblings, cores, flags)                         \
  "vendor_id\t: " vendor "\ncpu family\t: " family "\nmodel\t\t: " model                 \
  "\nmodel name\t: " name "\nsiblings\t: " siblings "\ncpu cores\t: " cores              \
  "\nflags\t\t: fpu vme " flags "\n"
#define ARM(implementer, part)                                                           \
  "BogoMIPS\t: 108.00\nCPU implementer\t: " implementer "\nCPU architecture: 8\n"        \
  "CPU variant\t: 0x0\nCPU part\t: " part "\n"

static const example examples[] = {
    {"a Xeon on bare metal",
     X86("GenuineIntel", "6", "85", "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "40",
         "20", "sse"),
     40, "name: Intel Xeon Gold 6248, 150 W over 20 cores", 7.5},
    {"a guest on an EPYC without number",
     X86("AuthenticAMD", "26", "2", "AMD EPYC", "2", "2", "hypervisor"), 2,
     "family: 5 W a core, EPYC 9005 (Turin)", 5.6},
    {"an EPYC on bare metal",
     X86("AuthenticAMD", "25", "1", "AMD EPYC 7763 64-Core Processor", "128", "64",
         "sse"),
     128, "name: AMD EPYC 7763, 280 W over 64 cores", 4.375},
    {"a guest of two on the same EPYC",
     X86("AuthenticAMD", "25", "1", "AMD EPYC 7763 64-Core Processor", "2", "2",
         "hypervisor"),
     2, "name: AMD EPYC 7763, 280 W over 64 cores", 4.375},
    {"a guest whose name is known, but not its cores",
     X86("GenuineIntel", "6", "79", "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "2", "1",
         "hypervisor"),
     2, "family: 8.1 W a core, Xeon E5 v4 (Broadwell-EP)", 8.06},
    {"a guest on a Xeon without number",
     X86("GenuineIntel", "6", "106", "Intel(R) Xeon(R) Processor @ 2.60GHz", "4", "2",
         "hypervisor"),
     4, "family: 7.6 W a core, Xeon Scalable 3 (Ice Lake-SP)", 6.75},
    {"a laptop",
     X86("GenuineIntel", "6", "142", "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", "8", "4",
         "sse"),
     8, "name: Intel Core i7-8550U, 15 W over 4 cores", 3.75},
    {"a laptop that begins with its generation",
     X86("GenuineIntel", "6", "140", "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz",
         "8", "4", "sse"),
     8, "name: Intel Core i7-1165G7, 28 W over 4 cores", 7},
    {"a laptop that nobody has listed",
     X86("GenuineIntel", "6", "222", "Intel(R) Core(TM) i7-99950U CPU @ 1.80GHz", "8",
         "4", "sse"),
     8, "class: laptop", 3.75},
    {"a desktop",
     X86("AuthenticAMD", "25", "33", "AMD Ryzen 9 5950X 16-Core Processor", "32", "16",
         "sse"),
     32, "name: AMD Ryzen 9 5950X, 105 W over 16 cores", 6.5625},
    {"an emulated processor",
     X86("AuthenticAMD", "15", "107", "QEMU Virtual CPU version 2.5+", "1", "1",
         "hypervisor"),
     1, "class: server", 6},
    {"a Raspberry Pi 4",
     ARM("0x41", "0xd08") "Model\t\t: Raspberry Pi 4 Model B Rev 1.4\n", 4,
     "family: 0.95 W a core, Cortex-A72 (Raspberry Pi 4)", 0.93},
    {"an Apple M1 under Linux", ARM("0x61", "0x022"), 8, "family: 2.8 W a core, Apple M1",
     2.8},
    {"a Graviton 3, whose watts nobody publishes", ARM("0x41", "0xd40"), 2,
     "class: Arm server", 2},
    {"something else", "hart\t: 0\nisa\t: rv64imafdc\n", 4, "class: unknown processor",
     5},
};

static void make(const tree *t, const example *e) {
  char text[4096] = "";
  size_t n = 0;
  for (size_t i = 0; i < (e->processors < 2 ? e->processors : 2); i++)
    n += (size_t)snprintf(text + n, sizeof text - n, "processor\t: %zu\n%s\n", i,
                          e->cpuinfo);
  for (size_t i = 2; i < e->processors; i++)
    n += (size_t)snprintf(text + n, sizeof text - n, "processor\t: %zu\n", i);
  tree_write(t, "proc/cpuinfo", text);
}

static fr_cpu_power find(const example *e) {
  tree t;
  tree_init(&t);
  make(&t, e);
  fr_cpu_power power;
  fr_error err;
  const enum fr_status status = fr_cpu_power_find(t.root, &power, &err);
  tree_release(&t);
  assert_int_equal(status, FR_OK);
  return power;
}

static void each_processor_finds_its_rule(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    const example *e = &examples[i];
    const fr_cpu_power power = find(e);
    if (strncmp(power.rule, e->rule, strlen(e->rule)) != 0)
      fail_msg("%s: '%s', not '%s'", e->what, power.rule, e->rule);
    assert_int_equal(power.cores, e->processors);
    assert_int_equal(power.core_w.source, FR_SOURCE_MODEL);
    assert_int_equal(power.core_w.unit, FR_UNIT_WATT);
  }
}

/* A core alone may take all of its share of the design power; with its sibling busy,
 * half. */
static void the_band_holds_a_core_alone_and_shared(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    const fr_cpu_power power = find(&examples[i]);
    assert_true(power.core_w.low > 0);
    assert_true(power.core_w.low <= power.core_w.value);
    assert_true(power.core_w.value <= power.core_w.high);
    assert_true(power.core_w.high >= examples[i].core_tdp_w);
    assert_true(power.core_w.low <= examples[i].core_tdp_w / 2);
    assert_true(power.idle_w.low > 0 && power.idle_w.low < power.idle_w.value);
    assert_true(power.idle_w.value < power.core_w.value);
  }
}

static double band(const fr_cpu_power *power) {
  return power->core_w.high / power->core_w.low;
}

static void a_name_deserves_a_narrower_band_than_a_family_and_a_class(void **state) {
  (void)state;
  const fr_cpu_power name = find(&examples[2]), family = find(&examples[1]),
                     class = find(&examples[10]);
  assert_true(band(&name) < band(&family));
  assert_true(band(&family) < band(&class));
}

/* 280 W (amd.com) with two threads on each core, about 280 W with one. */
static void all_busy_processors_come_near_the_design_power(void **state) {
  (void)state;
  const fr_cpu_power power = find(&examples[2]);
  const double idle_w = 128 * power.idle_w.value;
  const double all_w = 128 * power.core_w.value + idle_w;
  const double one_per_core_w = 64 * power.core_w.value + idle_w;
  assert_true(all_w > 280 && all_w < 280 * 1.3);
  assert_true(one_per_core_w < 280 && one_per_core_w > 280 * 0.67);
  assert_true(128 * (power.core_w.low + power.idle_w.low) < 280);
  assert_true(64 * power.core_w.high > 280);
}

static void one_thread_per_core_adds_up_to_the_design_power(void **state) {
  (void)state;
  const example arm = {"an Ampere Altra", ARM("0x41", "0xd0c"), 80, "family", 2.625};
  const fr_cpu_power power = find(&arm); /* Q80-30: 210 W (Ampere) */
  assert_near(80 * (power.core_w.value + power.idle_w.value), 210, 5);
}

static void a_guest_gets_the_watts_of_its_share_not_of_the_package(void **state) {
  (void)state;
  const fr_cpu_power host = find(&examples[2]), guest = find(&examples[3]);
  assert_near(host.core_w.value, guest.core_w.value, 1e-9);
}

static void names_lose_what_differs_between_lists(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"Intel(R) Core(TM)2 Duo CPU     E7300  @ 2.66GHz", "Intel Core 2 Duo E7300"},
      {"AMD FX(tm)-8350 Eight-Core Processor", "FX-8350"},
      {"AMD Ryzen 7 PRO 4750U with Radeon Graphics", "AMD Ryzen 7 PRO 4750U"},
      {"AMD A10-7850K Radeon R7, 12 Compute Cores 4C+8G", "A10-7850K"},
      {"INTEL(R) XEON(R) PLATINUM 8592+", "Intel Xeon Platinum 8592+"},
      {"Intel(R) Core(TM) i9-10980XE CPU @ 3.00GHz",
       "Intel Core i9-10980XE Extreme Edition"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    char kernel[FR__CPU_KEY], list[FR__CPU_KEY];
    fr__cpu_key(pairs[i][0], kernel);
    fr__cpu_key(pairs[i][1], list);
    assert_string_equal(kernel, list);
  }
  assert_int_equal(fr__cpu_name_cores("AMD EPYC 9654 96-Core Processor"), 96);
  assert_int_equal(fr__cpu_name_cores("AMD FX(tm)-8350 Eight-Core Processor"), 0);
}

static void a_text_without_processors_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"\n", "processor", "processor\t:\n:::\n", "x: y\n"};
  fr_cpu_power power;
  fr_error err;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    tree t;
    tree_init(&t);
    tree_write(&t, "proc/cpuinfo", texts[i]);
    const enum fr_status status = fr_cpu_power_find(t.root, &power, &err);
    tree_release(&t);
    assert_int_equal(status, FR_ERR_FORMAT);
    assert_non_null(strstr(err.text, "proc/cpuinfo"));
  }
  assert_int_equal(fr_cpu_power_find("/nowhere", &power, &err), FR_ERR_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_processor_finds_its_rule),
      cmocka_unit_test(the_band_holds_a_core_alone_and_shared),
      cmocka_unit_test(a_name_deserves_a_narrower_band_than_a_family_and_a_class),
      cmocka_unit_test(all_busy_processors_come_near_the_design_power),
      cmocka_unit_test(one_thread_per_core_adds_up_to_the_design_power),
      cmocka_unit_test(a_guest_gets_the_watts_of_its_share_not_of_the_package),
      cmocka_unit_test(names_lose_what_differs_between_lists),
      cmocka_unit_test(a_text_without_processors_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
