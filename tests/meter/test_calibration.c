/* SPDX-License-Identifier: Apache-2.0 */
/* The watts of a busy core are found against a sensor, under all that sensors do. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "frugal/calibration.h"
#include "frugal/power.h"

enum { STEPS = 18 };
#define TICK_S 0.02 /* of the simulation */

static void near(double value, double expected, double slack) {
  if (!(fabs(value - expected) <= slack))
    fail_msg("%.9g is not %.9g within %g", value, expected, slack);
}

/* ---- a machine and its sensor ---- */

typedef struct machine {
  size_t cores;
  double idle_w, core_w;
  double noise_w, noise_s;    /* AR(1): deviation and correlation time */
  double drift_w;             /* over the whole, a root of time: fans, leakage */
  double update_s, quantum_w; /* of the sensor */
  double other_cores;         /* other programs, on and off */
  double turbo;               /* the first core draws more by this, the last less */
  double memory;              /* reading memory draws more by this */
  double spike_w;             /* in one step of nine, at random, and not of a core */
} machine;

/* What the machine is told to do, as in docs/meter.md. */
static void load_of(size_t step, size_t cores, double *busy, bool *memory,
                    size_t *group) {
  const size_t level[] = {cores, 1, (cores + 1) / 2};
  const size_t levels = cores < 3 ? cores : 3, length = 3 * levels;
  const size_t at = (step / length) % 2 == 0 ? step % length : length - 1 - step % length;
  const size_t load = at / 3 * 2 + at % 3 - 1; /* rest, load, load, rest, … */
  *busy = at % 3 == 0 ? 0 : (double)level[load % levels];
  *memory = at % 3 != 0 && (load / levels + load) % 2 == 1;
  *group = at % 3 == 0 ? 0 : 1 + 2 * (load % levels) + *memory;
}

static double power_of(const machine *m, double busy, double other, bool memory) {
  const double part = busy / (double)m->cores;
  const double bend = m->turbo * m->core_w * busy * (1 - part);
  return m->idle_w + m->core_w * (busy + other) + bend +
         (memory ? m->memory * m->core_w * busy : 0);
}

/* One calibration of `seconds`, seen by a sensor that is renewed now and then. */
static void look_at(const machine *m, double seconds, fr__rng *rng,
                    fr_calibration_look look[STEPS]) {
  const double keep = exp(-TICK_S / m->noise_s), renew = sqrt(1 - keep * keep);
  const double step_s = seconds / STEPS;
  double noise = fr__rng_normal(rng), shown = m->idle_w, sum = 0, since = 0, other = 0;
  double next_s = fr__rng_uniform(rng) * m->update_s;
  for (size_t i = 0; i < STEPS; i++) {
    fr_calibration_look *l = &look[i];
    double busy, n = 0;
    bool memory;
    *l = (fr_calibration_look){.t_s = ((double)i + 0.7) * step_s};
    load_of(i, m->cores, &busy, &memory, &l->group);
    const double spike_w = fr__rng_uniform(rng) < 1.0 / 9 ? m->spike_w : 0;
    for (double t = (double)i * step_s; t < ((double)i + 1) * step_s; t += TICK_S) {
      noise = keep * noise + renew * fr__rng_normal(rng);
      if (fr__rng_uniform(rng) < TICK_S) /* others change their mind once a second */
        other = m->other_cores * 2 * fr__rng_uniform(rng);
      sum += power_of(m, busy, other, memory) + spike_w + m->noise_w * noise +
             m->drift_w * sqrt(t / seconds);
      since++;
      if (t >= next_s) {
        const double quantum = fmax(m->quantum_w, 1e-9);
        shown = floor(sum / since / quantum + 0.5) * quantum;
        sum = since = 0;
        next_s += m->update_s;
      }
      if (t < ((double)i + 0.4) * step_s)
        continue;
      l->power_w += shown;
      l->busy_cores += busy + other;
      l->other_cores += other;
      n++;
    }
    l->power_w /= n;
    l->busy_cores /= n;
    l->other_cores /= n;
  }
}

typedef struct held {
  double core, idle, core_width, core_off, bent;
} held;

/* Of `trials` calibrations: how often the intervals hold the truth; their width and the
 * figure's distance from the truth, as medians would have it: means. */
static held try(const machine *m, double seconds, size_t trials, fr__rng *rng) {
  held h = {0};
  for (size_t i = 0; i < trials; i++) {
    fr_calibration_look look[STEPS];
    fr_calibration c;
    const double n = (double)trials;
    look_at(m, seconds, rng, look);
    ASSERT_OK(fr_calibration_fit(look, STEPS, FR_SOURCE_EXEC, 0, 0, &c, err));
    /* drift is not idle power: its mean is what is asked for */
    const double idle_w = m->idle_w + m->drift_w * 2 / 3;
    h.core += (c.core_w.low <= m->core_w && m->core_w <= c.core_w.high) / n;
    h.idle += (c.idle_w.low <= idle_w && idle_w <= c.idle_w.high) / n;
    h.core_width += (c.core_w.high - c.core_w.low) / 2 / m->core_w / n;
    h.core_off += fabs(c.core_w.value - m->core_w) / m->core_w / n;
    h.bent += c.bent / n;
  }
  return h;
}

/* ---- tests ---- */

static void the_interval_holds_the_truth(void **state) {
  (void)state;
  static const struct {
    const char *name;
    machine m;
    double seconds, widest; /* half width, relative */
  } settings[] = {
      {"quiet", {2, 20, 7, 0.3, 0.3, 0, 0.1, 0, 0, 0, 0, 0}, 90, 0.02},
      {"slow noise", {2, 20, 7, 1, 3, 0, 0.1, 0, 0, 0, 0, 0}, 90, 0.12},
      {"slower noise", {8, 20, 5, 1, 10, 0, 0.1, 0, 0, 0, 0, 0}, 90, 0.045},
      {"wall meter", {2, 60, 7, 0.5, 1, 0, 1, 0.1, 0, 0, 0, 0}, 90, 0.05},
      {"whole watts", {4, 60, 7, 0.5, 1, 0, 1, 1, 0, 0, 0, 0}, 90, 0.03},
      {"drift", {4, 60, 7, 0.5, 1, 4, 1, 0.1, 0, 0, 0, 0}, 90, 0.03},
      {"others", {4, 30, 7, 0.5, 1, 1, 0.1, 0, 0.3, 0, 0, 0}, 90, 0.03},
      {"spikes", {4, 30, 7, 0.5, 1, 0, 0.1, 0, 0, 0, 0, 8}, 90, 0.05},
      {"one core", {1, 5, 2, 0.1, 1, 0, 0.1, 0, 0, 0, 0, 0}, 90, 0.06},
      {"many cores", {64, 100, 3, 4, 1, 5, 1, 0.1, 0.5, 0, 0, 0}, 90, 0.04},
      {"short", {2, 20, 7, 0.5, 0.3, 0, 0.1, 0, 0, 0, 0, 0}, 20, 0.05},
  };
  fr__rng rng;
  fr__rng_init(&rng, 2026, 1);
  for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
    const held h = try(&settings[k].m, settings[k].seconds, 1000, &rng);
    print_message("%s: core %.3f, idle %.3f, +-%.1f %%, off by %.1f %%, bent %.3f\n",
                  settings[k].name, h.core, h.idle, 100 * h.core_width, 100 * h.core_off,
                  h.bent);
    assert_true(h.core >= 0.94 && h.idle >= 0.94);
    assert_true(h.core_off <= 0.03);
    assert_true(h.core_width <= settings[k].widest);
    assert_true(h.bent <= 0.05);
  }
}

/* What each load draws above rest, over its busy cores: how many are in the interval. */
static double held_of_loads(const machine *m, const fr_calibration *c) {
  double inside = 0, loads = 0;
  for (size_t i = 0; i < STEPS; i++) {
    double busy;
    bool memory;
    size_t group;
    load_of(i, m->cores, &busy, &memory, &group);
    if (busy <= 0)
      continue;
    const double core_w = (power_of(m, busy, 0, memory) - m->idle_w) / busy;
    inside += c->core_w.low <= core_w && core_w <= c->core_w.high;
    loads++;
  }
  return inside / loads;
}

static void a_bend_widens_the_interval(void **state) {
  (void)state;
  static const machine machines[] = {
      {8, 20, 6, 0.2, 0.5, 0, 0.1, 0, 0, 0.5, 0, 0},    /* turbo */
      {8, 20, 6, 0.2, 0.5, 0, 0.1, 0, 0, -0.3, 0, 0},   /* rising */
      {4, 20, 6, 0.2, 0.5, 0, 0.1, 0, 0, 0, 0.4, 0},    /* memory costs more */
      {2, 20, 6, 0.2, 0.5, 1, 1, 0.1, 0, 0.3, -0.2, 0}, /* all of it */
  };
  fr__rng rng;
  fr__rng_init(&rng, 7, 1);
  for (size_t k = 0; k < sizeof machines / sizeof *machines; k++) {
    double share = 0;
    for (size_t i = 0; i < 200; i++) {
      fr_calibration_look look[STEPS];
      fr_calibration c;
      look_at(&machines[k], 90, &rng, look);
      ASSERT_OK(fr_calibration_fit(look, STEPS, FR_SOURCE_EXEC, 0, 0, &c, err));
      assert_true(c.bent);
      assert_true(c.bend_w > 0);
      share += held_of_loads(&machines[k], &c) / 200;
    }
    print_message("bend %zu: %.3f of the loads held\n", k, share);
    assert_true(share >= 0.98);
  }
}

/* A plug that tells whole watts of a machine without noise: no look differs from its
 * like, and the rounding is a bend. */
static void whole_watts_without_noise_are_held(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 8, 1);
  double found = 0;
  for (size_t i = 0; i < 500; i++) {
    const machine m = {4,
                       40 + fr__rng_uniform(&rng),
                       5 + 5 * fr__rng_uniform(&rng),
                       0,
                       1,
                       0,
                       1,
                       1,
                       0,
                       0,
                       0,
                       0};
    fr_calibration_look look[STEPS];
    fr_calibration c;
    look_at(&m, 90, &rng, look);
    ASSERT_OK(fr_calibration_fit(look, STEPS, FR_SOURCE_EXEC, 0, m.quantum_w, &c, err));
    found += (c.core_w.low <= m.core_w && m.core_w <= c.core_w.high) / 500.0;
  }
  print_message("whole watts without noise: held %.3f\n", found);
  assert_true(found >= 0.94);
}

/* The line, its scale and the variance (HC3 is the greater one here) as statsmodels' RLM
 * with HuberT(1.345) and NumPy have them; 2.131 is t of 15 degrees, by SciPy. */
static void the_line_is_hubers(void **state) {
  (void)state;
  static const double busy[STEPS] = {.012,  2.004, 1.016, .004,  1.02,  2.036,
                                     2.008, 1.024, .02,   1.012, 2.02,  .032,
                                     .036,  2.028, 1.036, .012,  1.008, 2.012};
  static const double power_w[STEPS] = {21.493, 34.808, 28.41,  21.798, 28.328, 35.858,
                                        35.235, 37.116, 21.708, 28.873, 35.648, 21.501,
                                        18.248, 35.563, 28.538, 21.943, 28.485, 35.683};
  fr_calibration_look look[STEPS] = {{0}};
  for (size_t i = 0; i < STEPS; i++)
    look[i] = (fr_calibration_look){.t_s = 2.5 + 5 * (double)i,
                                    .busy_cores = busy[i],
                                    .power_w = power_w[i],
                                    .group = (size_t)(busy[i] + 0.5)};
  fr_calibration c;
  ASSERT_OK(fr_calibration_fit(look, STEPS, FR_SOURCE_EXEC, 0, 0, &c, err));
  near(c.core_w.value, 6.918736520, 1e-7);
  near(c.idle_w.value, 21.525359787, 1e-7);
  near(c.drift_w, 0.221233013, 1e-7);
  near(c.residual_w, 0.313315040, 1e-6);
  near(c.core_spread_w, 0.235285785, 1e-6); /* 1.08 × 2.131 × deviation */
  assert_false(c.bent);
  assert_int_equal(c.looks, STEPS);
}

static void the_sensors_accuracy_widens_both(void **state) {
  (void)state;
  fr_calibration_look look[STEPS];
  fr_calibration plain, c;
  const machine m = {2, 20, 7, 0.3, 0.3, 0, 0.1, 0, 0, 0, 0, 0};
  fr__rng rng;
  fr__rng_init(&rng, 3, 1);
  look_at(&m, 90, &rng, look);
  ASSERT_OK(fr_calibration_fit(look, STEPS, FR_SOURCE_EXEC, 0, 0, &plain, err));
  ASSERT_OK(fr_calibration_fit(look, STEPS, FR_SOURCE_EXEC, 0.02, 0, &c, err));
  near(c.core_w.value, plain.core_w.value, 1e-12);
  near(c.core_w.high - c.core_w.value,
       hypot(plain.core_w.high - plain.core_w.value, 0.02 * c.core_w.value), 1e-9);
  near(c.idle_w.value - c.idle_w.low,
       hypot(plain.idle_w.value - plain.idle_w.low, 0.02 * c.idle_w.value), 1e-9);
}

static void expect(fr_calibration_look *look, size_t n, enum fr_source source,
                   enum fr_status status, const char *text) {
  fr_calibration c;
  fr_error err = {0};
  assert_int_equal(fr_calibration_fit(look, n, source, 0.02, 0, &c, &err), status);
  if (strstr(err.text, text) == NULL)
    fail_msg("'%s' does not say '%s'", err.text, text);
}

static void what_is_no_calibration_is_refused(void **state) {
  (void)state;
  fr_calibration_look look[STEPS];
  const machine deaf = {2, 20, 0, 0.3, 0.3, 0, 0.1, 0, 0, 0, 0, 0};
  const machine m = {2, 20, 7, 0.3, 0.3, 0, 0.1, 0, 0, 0, 0, 0};
  fr__rng rng;
  fr__rng_init(&rng, 4, 1);
  look_at(&deaf, 90, &rng, look);
  expect(look, STEPS, FR_SOURCE_EXEC, FR_ERR_NUMERIC, "does not react to load");
  look_at(&m, 90, &rng, look);
  expect(look, STEPS, FR_SOURCE_MODEL, FR_ERR_ARGUMENT, "against itself");
  expect(look, 7, FR_SOURCE_EXEC, FR_ERR_ARGUMENT, "there are 7");
  look[3].group = FR_CALIBRATION_GROUPS;
  expect(look, STEPS, FR_SOURCE_EXEC, FR_ERR_ARGUMENT, "of load");
  look[3].group = 0;
  look[4].power_w = NAN;
  expect(look, STEPS, FR_SOURCE_EXEC, FR_ERR_NUMERIC, "look 5");
  look_at(&m, 90, &rng, look);
  for (size_t i = 0; i < STEPS; i++)
    look[i].busy_cores = 1.9 + 0.001 * (double)i;
  expect(look, STEPS, FR_SOURCE_EXEC, FR_ERR_ARGUMENT, "never at rest");
  for (size_t i = 0; i < STEPS; i++) {
    look[i].busy_cores = (double)(i % 3);
    look[i].power_w = 50 - 7 * look[i].busy_cores; /* the wrong way round */
  }
  expect(look, STEPS, FR_SOURCE_EXEC, FR_ERR_NUMERIC, "does not react to load");
}

/* ---- in the model's place ---- */

static fr_calibration example(void) {
  fr_calibration c = {
      .cores = 4,
      .source = FR_SOURCE_EXEC,
      .utc_ns = 1795305600000000000, /* 2026-11-22 00:00:00 UTC */
      .core_w = {5.1, 4.8, 5.4, FR_UNIT_WATT, FR_SOURCE_EXEC},
      .idle_w = {21.2, 20, 22, FR_UNIT_WATT, FR_SOURCE_EXEC},
  };
  strcpy(c.cpu, "A Processor");
  strcpy(c.sensor, "exec:read-my-plug");
  strcpy(c.of, "the whole machine");
  return c;
}

static void it_takes_the_tables_place(void **state) {
  (void)state;
  fr_cpu_power cpu = {.cpu = "A Processor", .cores = 4};
  const fr_calibration c = example();
  ASSERT_OK(fr_cpu_power_calibrate(&c, &cpu, err));
  near(cpu.core_w.value, 5.1, 0);
  near(cpu.core_w.low, 4.8, 0);
  near(cpu.core_w.high, 5.4, 0);
  near(cpu.idle_w.value * 4, 21.2, 1e-12);
  assert_int_equal(cpu.core_w.source, FR_SOURCE_MODEL);
  assert_string_equal(cpu.rule,
                      "calibration: 2026-11-22 with exec:read-my-plug, the whole machine "
                      "(5.1 W a core, 4.8-5.4; 21.2 W at rest, 20-22)");
}

static void only_its_own_machine_takes_it(void **state) {
  (void)state;
  fr_error err;
  fr_calibration c = example();
  fr_cpu_power cpu = {.cpu = "A Processor", .cores = 8, .rule = "as before"};
  assert_int_equal(fr_cpu_power_calibrate(&c, &cpu, &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "4 logical processors, there are 8"));
  c.cores = 8;
  strcpy(c.cpu, "Another");
  assert_int_equal(fr_cpu_power_calibrate(&c, &cpu, &err), FR_ERR_ARGUMENT);
  assert_string_equal(cpu.rule, "as before");
}

static void one_that_cannot_be_is_refused(void **state) {
  (void)state;
  fr_cpu_power cpu = {.cpu = "A Processor", .cores = 4, .rule = "as before"};
  fr_calibration bad[9];
  for (size_t i = 0; i < 9; i++)
    bad[i] = example();
  bad[0].core_w.value = NAN;
  bad[1].core_w.high = INFINITY;
  bad[2].core_w.low = -1;
  bad[3].core_w.low = 5.2;
  bad[4].core_w = (fr_measure){0, 0, 0, FR_UNIT_WATT, FR_SOURCE_EXEC};
  bad[5].idle_w.high = 1e9;
  memset(bad[6].sensor, 'x', sizeof bad[6].sensor); /* no end */
  strcpy(bad[7].sensor, "\033[2J");
  bad[8].utc_ns = -1;
  for (size_t i = 0; i < 9; i++) {
    if (fr_cpu_power_calibrate(&bad[i], &cpu, NULL) != FR_ERR_FORMAT)
      fail_msg("bad calibration %zu is taken", i);
    assert_string_equal(cpu.rule, "as before");
  }
}

static void the_model_takes_it(void **state) {
  (void)state;
  fr_meter_options options = fr_meter_default_options();
  fr_cpu_power cpu;
  fr_meter *meter;
  fr_meter_report report;
  ASSERT_OK(fr_cpu_power_find(NULL, &cpu, err));
  fr_calibration c = example();
  memcpy(c.cpu, cpu.cpu, sizeof c.cpu);
  c.cores = cpu.cores;
  ASSERT_OK(fr_cpu_power_calibrate(&c, &cpu, err));
  options.sensor = "model";
  options.cpu = &cpu;
  ASSERT_OK(fr_meter_new(&options, &meter, err));
  ASSERT_OK(fr_meter_start(meter, err));
  for (volatile int i = 0; i < 30000000; i++)
    continue;
  fr_meter_stop(meter);
  ASSERT_OK(fr_meter_read(meter, &report, err));
  assert_string_equal(report.rule, cpu.rule);
  const double core_s = report.core_seconds.value;
  near(report.program.value, 5.1 * core_s, 1e-6);
  near(report.program.high, 5.4 * core_s, 1e-6);
  assert_true(report.energy.value >= 21.2 * report.duration_s + 5.1 * core_s - 1e-3);
  fr_meter_report_release(&report);
  fr_meter_free(meter);
  cpu.core_w.value = NAN;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_ERR_ARGUMENT);
}

static bool never(void *self) {
  (void)self;
  return false;
}

static void a_run_is_refused_and_stopped(void **state) {
  (void)state;
  fr_calibration_options options = fr_calibration_default_options();
  fr_calibration c;
  fr_error err;
  options.meter.sensor = "model";
  assert_int_equal(fr_calibration_run(&options, &c, &err), FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "against itself"));
  options.meter.sensor = "exec:while echo 30 W; do sleep 0.1; done";
  options.seconds = 9;
  assert_int_equal(fr_calibration_run(&options, &c, &err), FR_ERR_ARGUMENT);
  options.seconds = 90;
  options.may_go_on = never;
  assert_int_equal(fr_calibration_run(&options, &c, &err), FR_ERR_CANCELLED);
}

static void put(const char *folder, const char *name, const char *text) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

/* The sensor tells 20 W, 30 W of a card and 7 W for each processor that this process
 * keeps busy. The machine's /proc/stat stands still, so that nothing else that runs here
 * matters. */
static void a_run_finds_the_sensors_watts(void **state) {
  (void)state;
  char *folder = test_folder_make(), command[2048], path[600];
  snprintf(path, sizeof path, "mkdir -p '%s/proc' '%s/sys/class/hwmon/hwmon0'", folder,
           folder);
  assert_int_equal(system(path), 0);
  put(folder, "proc/stat", "cpu  100 0 100 1000 0 0 0 0 0 0\n");
  put(folder, "proc/cpuinfo", "processor : 0\nmodel name : A Processor\nprocessor : 1\n");
  put(folder, "sys/class/hwmon/hwmon0/name", "amdgpu\n");
  put(folder, "sys/class/hwmon/hwmon0/power1_average", "30000000\n");
  snprintf(command, sizeof command,
           "exec:exec python3 -c '\n"
           "import os, time\n"
           "def busy():\n"
           "  f = open(\"/proc/%d/stat\").read().rsplit(\")\")[-1].split()\n"
           "  return (int(f[11]) + int(f[12])) / os.sysconf(\"SC_CLK_TCK\")\n"
           "then, before = time.monotonic(), busy()\n"
           "while True:\n"
           "  time.sleep(0.05)\n"
           "  now, after = time.monotonic(), busy()\n"
           "  print(50 + 7 * (after - before) / (now - then), \"W\", flush=True)\n"
           "  then, before = now, after\n'",
           (int)getpid());
  fr_calibration_options options = fr_calibration_default_options();
  fr_calibration c;
  options.meter.root = folder;
  options.meter.sensor = command;
  options.seconds = 15;
  ASSERT_OK(fr_calibration_run(&options, &c, err));
  print_message("%.3f W (%.3f to %.3f), %.3f W at rest (%.3f to %.3f)\n", c.core_w.value,
                c.core_w.low, c.core_w.high, c.idle_w.value, c.idle_w.low, c.idle_w.high);
  near(c.core_w.value, 7, 2 * (c.core_w.high - c.core_w.value)); /* 4 deviations */
  near(c.idle_w.value, 20, 2 * (c.idle_w.high - c.idle_w.value));
  near(c.core_w.value, 7, 2);
  near(c.idle_w.value, 20, 1.5);
  near(c.other_cores, 0, 1e-9);
  assert_string_equal(c.cpu, "A Processor");
  assert_string_equal(c.sensor, "exec:exec"); /* and no more of the command */
  assert_string_equal(c.of, "the machine without cards");
  assert_int_equal(c.source, FR_SOURCE_EXEC);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_interval_holds_the_truth),
      cmocka_unit_test(a_bend_widens_the_interval),
      cmocka_unit_test(whole_watts_without_noise_are_held),
      cmocka_unit_test(the_line_is_hubers),
      cmocka_unit_test(the_sensors_accuracy_widens_both),
      cmocka_unit_test(what_is_no_calibration_is_refused),
      cmocka_unit_test(it_takes_the_tables_place),
      cmocka_unit_test(only_its_own_machine_takes_it),
      cmocka_unit_test(one_that_cannot_be_is_refused),
      cmocka_unit_test(the_model_takes_it),
      cmocka_unit_test(a_run_is_refused_and_stopped),
      cmocka_unit_test(a_run_finds_the_sensors_watts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
