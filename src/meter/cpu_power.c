/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watts of a busy core, from what the kernel says about the processor.
 *
 * A rule gives W, the thermal design power of one core with all cores busy (W_low to
 * W_high). With s threads per core and i the idle fraction, a busy logical processor adds
 *     core_w = (1 - i) * W * 2 / (1 + s),   from (1 - i) * W_low / s  to  W_high,
 * since it has its core alone (W) or shares it with s - 1 others (W / s), and nobody
 * tells which; and at rest it costs idle_w = i * W / s. With s = 1 all processors busy
 * add up to the package's design power. With s = 2 the middle is a third too low for one
 * busy thread per core and a quarter too high for two.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "frugal/calibration.h"
#include "frugal/meter.h"
#include "meter/cpu_info.h"
#include "meter/cpu_table.h"

/*
 * The package at rest over its design power. It rests on SPECpower_ssj2008 results as the
 * Cloud Carbon Footprint project averages them for the clouds' processors (watts per
 * thread at rest over watts at full load: AWS 0.74 / 3.50 = 0.21, Google 0.71 / 4.26 =
 * 0.17, Azure 0.78 / 3.76 = 0.21). Those are whole servers, so that a package alone, and
 * a laptop's above all, may well lie far below, and a server with deep sleep disabled far
 * above: hence the band.
 */
#define IDLE_FRACTION 0.20
#define IDLE_FRACTION_LOW 0.05
#define IDLE_FRACTION_HIGH 0.45

/* By name: makers hold a package to its design power with all cores busy, but boards may
 * set another limit (AMD's cTDP moves by -20 to +15 %, boards' defaults by more). */
#define NAME_BAND 0.30
/* By family: at least this, and half way (in ratio) to the ends of the family's range,
 * where products are few: a 16-core part among those of 64 to 128. */
#define FAMILY_BAND 0.50

#define CALIBRATED_MOST_W 1e5 /* of a core, or of a machine at rest: more is none */

typedef struct rule {
  double low_w, typical_w, high_w; /* design power per core */
  double threads;                  /* per core, 1 to 2 */
  char text[256];
} rule;

typedef struct class_row {
  const char *name;
  double w; /* per core */
  double factor;
} class_row;

/* What lies in the middle of the products of that class in tables/cpu_tdp.txt: servers 3
 * to 15 W a core, desktops 65 to 125 W over 6 to 16 cores, laptops 15 to 45 W over 4 to
 * 10, Arm servers 2 to 3 W, boards and phones 0.5 to 2 W. The factor spans nearly all of
 * them. */
enum { SERVER, DESKTOP, LAPTOP, ARM_SERVER, ARM_BOARD, OTHER };
static const class_row classes[] = {
    [SERVER] = {"server", 6, 2.5},     [DESKTOP] = {"desktop", 10, 2.5},
    [LAPTOP] = {"laptop", 4, 2.5},     [ARM_SERVER] = {"Arm server", 2.3, 2.5},
    [ARM_BOARD] = {"Arm board", 1, 3}, [OTHER] = {"unknown processor", 5, 3},
};

/* Threads per core; a guest's topology is made up, so there the maker's number counts. */
static double threads_of(const fr__cpu_info *cpu, double by_family) {
  if (!cpu->virtual_machine && cpu->package_cores > 0 &&
      cpu->package_threads >= cpu->package_cores &&
      cpu->package_threads <= 2 * cpu->package_cores)
    return (double)cpu->package_threads / (double)cpu->package_cores;
  return by_family;
}

/* Cores of the package that the name speaks of; 0 where nobody can know: a guest of 2
 * cores on a processor of 64 says "cpu cores: 2", and 280 W / 2 would be wrong by 32
 * times. */
static size_t cores_of(const fr__cpu_info *cpu) {
  const size_t named = fr__cpu_name_cores(cpu->name);
  if (named > 0)
    return named;
  return cpu->virtual_machine ? 0 : cpu->package_cores;
}

/* All rows of that name: the list has some processors twice, now and then with other
 * watts. */
static const fr__cpu_tdp *find_tdp(const char *name, double *low_w, double *high_w) {
  char wanted[FR__CPU_KEY], key[FR__CPU_KEY];
  fr__cpu_key(name, wanted);
  if (wanted[0] == '\0')
    return NULL;
  const fr__cpu_tdp *found = NULL;
  for (size_t i = 0; i < fr__cpu_tdp_count; i++) {
    const fr__cpu_tdp *row = &fr__cpu_tdp_table[i];
    fr__cpu_key(row->name, key);
    if (strcmp(key, wanted) != 0)
      continue;
    *low_w = found == NULL || row->tdp_w < *low_w ? row->tdp_w : *low_w;
    *high_w = found == NULL || row->tdp_w > *high_w ? row->tdp_w : *high_w;
    found = row;
  }
  return found;
}

static const fr__cpu_family *find_family(const fr__cpu_info *cpu) {
  for (size_t i = 0; i < fr__cpu_family_count; i++) {
    const fr__cpu_family *row = &fr__cpu_family_table[i];
    if (strcmp(row->vendor, cpu->vendor) == 0 && row->family == cpu->family &&
        cpu->model >= row->model_low && cpu->model <= row->model_high)
      return row;
  }
  return NULL;
}

static bool by_name(const fr__cpu_info *cpu, rule *out) {
  double low_w = 0, high_w = 0;
  const fr__cpu_tdp *row = find_tdp(cpu->name, &low_w, &high_w);
  const size_t cores = cores_of(cpu);
  if (row == NULL || cores == 0)
    return false;
  const fr__cpu_family *family = find_family(cpu);
  out->low_w = low_w / (double)cores * (1 - NAME_BAND);
  out->typical_w = (low_w + high_w) / 2 / (double)cores;
  out->high_w = high_w / (double)cores * (1 + NAME_BAND);
  out->threads = threads_of(cpu, family != NULL ? family->threads : cpu->arm ? 1 : 2);
  snprintf(out->text, sizeof out->text, "name: %s, %g W over %zu cores (%s, %d)",
           row->name, (low_w + high_w) / 2, cores, row->source, row->year);
  return true;
}

static bool by_family(const fr__cpu_info *cpu, rule *out) {
  const fr__cpu_family *row = find_family(cpu);
  if (row == NULL)
    return false;
  out->typical_w = row->typical_w;
  out->low_w =
      fmin(row->typical_w * (1 - FAMILY_BAND), sqrt(row->typical_w * row->low_w));
  out->high_w =
      fmax(row->typical_w * (1 + FAMILY_BAND), sqrt(row->typical_w * row->high_w));
  out->threads = threads_of(cpu, row->threads);
  snprintf(out->text, sizeof out->text, "family: %g W a core, %s (%s, %d)",
           row->typical_w, row->name, row->source, row->year);
  return true;
}

static bool any_of(const char *text, const char *const *word) {
  for (; *word != NULL; word++) {
    if (strcasestr(text, *word) != NULL)
      return true;
  }
  return false;
}

/* Makers end the model number of a laptop's processor in U, H, P or Y, then perhaps a
 * letter or digit more: i7-8550U, i9-13900HX, 7840HS, 1165G7. */
static bool is_mobile(const fr__cpu_info *cpu) {
  char key[FR__CPU_KEY];
  fr__cpu_key(cpu->name, key);
  const char *word = strrchr(key, ' ');
  word = word != NULL ? word + 1 : key;
  const char *digits = strpbrk(word, "0123456789");
  const size_t tail = digits == NULL ? 0 : strcspn(digits, "uhpyg");
  return cpu->battery || (digits != NULL && tail >= 3 && digits[tail] != '\0' &&
                          strlen(digits + tail) <= 2);
}

static size_t class_of(const fr__cpu_info *cpu) {
  static const char *const server[] = {"xeon", "epyc", "opteron", "neoverse", NULL};
  static const char *const desktop[] = {"core", "ryzen", "athlon", "pentium", "fx", NULL};
  if (any_of(cpu->name, server))
    return SERVER;
  if (cpu->arm) /* boards name themselves, a cloud's guests do not */
    return cpu->online >= 16 || cpu->name[0] == '\0' ? ARM_SERVER : ARM_BOARD;
  if (is_mobile(cpu))
    return LAPTOP;
  if (any_of(cpu->name, desktop))
    return DESKTOP;
  return cpu->virtual_machine ? SERVER : cpu->vendor[0] != '\0' ? DESKTOP : OTHER;
}

static void by_class(const fr__cpu_info *cpu, rule *out) {
  const class_row *row = &classes[class_of(cpu)];
  out->low_w = row->w / row->factor;
  out->typical_w = row->w;
  out->high_w = row->w * row->factor;
  out->threads = threads_of(cpu, cpu->arm ? 1 : 2);
  snprintf(out->text, sizeof out->text, "class: %s, %g W a core within a factor of %g",
           row->name, row->w, row->factor);
}

static fr_measure watts(double low, double value, double high) {
  return (fr_measure){.value = value,
                      .low = low,
                      .high = high,
                      .unit = FR_UNIT_WATT,
                      .source = FR_SOURCE_MODEL};
}

enum fr_status fr_cpu_power_find(const char *root, fr_cpu_power *out, fr_error *err) {
  fr__cpu_info cpu;
  const enum fr_status status = fr__cpu_info_read(root != NULL ? root : "", &cpu, err);
  if (status != FR_OK)
    return status;
  rule r = {0};
  if (!by_name(&cpu, &r) && !by_family(&cpu, &r))
    by_class(&cpu, &r);
  const double s = r.threads;
  memset(out, 0, sizeof *out);
  snprintf(out->cpu, sizeof out->cpu, "%s", cpu.name[0] != '\0' ? cpu.name : "unnamed");
  out->cores = cpu.online;
  out->core_w = watts((1 - IDLE_FRACTION) * r.low_w / s,
                      (1 - IDLE_FRACTION) * r.typical_w * 2 / (1 + s), r.high_w);
  out->idle_w = watts(IDLE_FRACTION_LOW * r.low_w / s, IDLE_FRACTION * r.typical_w / s,
                      IDLE_FRACTION_HIGH * r.high_w / s);
  snprintf(out->rule, sizeof out->rule, "%s", r.text);
  return FR_OK;
}

/* ---- calibrated ---- */

static bool is_watts(fr_measure m) {
  return isfinite(m.value) && isfinite(m.high) && m.low >= 0 && m.low <= m.value &&
         m.value <= m.high && m.high <= CALIBRATED_MOST_W;
}

/* What a terminal would obey, and text without an end, is in no calibration. */
static bool is_text(const char *text, size_t size) {
  const size_t length = strnlen(text, size);
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      return false;
  }
  return length > 0 && length < size;
}

static enum fr_status check(const fr_calibration *c, const fr_cpu_power *cpu,
                            fr_error *err) {
  if (!is_text(c->cpu, sizeof c->cpu) || !is_text(c->sensor, sizeof c->sensor) ||
      !is_text(c->of, sizeof c->of) || !is_watts(c->core_w) || !is_watts(c->idle_w) ||
      c->core_w.value <= 0 || c->utc_ns < 0)
    return fr__fail(err, FR_ERR_FORMAT, "the calibration is none that can be true");
  if (strcmp(c->cpu, cpu->cpu) != 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the calibration is of another processor, '%s', not '%s'", c->cpu,
                    cpu->cpu);
  if (c->cores != cpu->cores)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the calibration is of %zu logical processors, there are %zu",
                    c->cores, cpu->cores);
  return FR_OK;
}

enum fr_status fr_cpu_power_calibrate(const fr_calibration *calibration,
                                      fr_cpu_power *cpu, fr_error *err) {
  const fr_calibration *c = calibration;
  const enum fr_status status = check(c, cpu, err);
  if (status != FR_OK)
    return status;
  char date[FR__TIME_TEXT];
  fr__time_format(c->utc_ns, date);
  const fr_measure idle = fr_measure_scale(c->idle_w, 1 / (double)c->cores, FR_UNIT_WATT);
  cpu->core_w = watts(c->core_w.low, c->core_w.value, c->core_w.high);
  cpu->idle_w = watts(idle.low, idle.value, idle.high);
  snprintf(cpu->rule, sizeof cpu->rule,
           "calibration: %.10s with %s, %s (%.3g W a core, %.3g-%.3g; %.3g W at rest, "
           "%.3g-%.3g)",
           date, c->sensor, c->of, c->core_w.value, c->core_w.low, c->core_w.high,
           c->idle_w.value, c->idle_w.low, c->idle_w.high);
  return FR_OK;
}
