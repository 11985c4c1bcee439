/* SPDX-License-Identifier: Apache-2.0 */
/* Counters to joules: wraps, gaps, and what cannot be true. */
#include "meter/sensor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* No package, memory or small machine takes more; a larger step is a reset that looks
 * like a wrap, or a counter that jumped. */
#define POWER_CEILING_W 5000.0
/* Limits hold over a window of time, peaks go beyond them. */
#define PEAK 2.0
/* So many steps beyond the limit, one after another, are no error of the counter: the
 * limit is wrong. */
#define ABOVE_BELIEVED 3
/* Without a limit, a counter that goes back has wrapped only if that took no more power
 * than this, or this many times the most that was seen. */
#define WRAP_W 1000.0
#define WRAP_TIMES 10.0
/* A reading may come so much later than the clock says: updates and scheduling. */
#define LATE_S 0.02
/* The first advance tells a power where the counter's period is so small a part of it. */
#define FIRST_PART 0.1
/* A slow counter's period is seen in whole steps between readings: below these it is one
 * step or two, beyond that part of itself it is not known. */
#define PERIOD_STEPS 1.2
#define PERIOD_PART 0.15
#define SLOW_PART 0.8
#define SPANS_TOLD 4

const fr__sensor_ops *const fr__sensor_table[FR__SENSORS] = {
    &fr__sensor_perf,  &fr__sensor_powercap, &fr__sensor_msr,
    &fr__sensor_hwmon, &fr__sensor_battery,  &fr__sensor_nvml,
    &fr__sensor_cards, &fr__sensor_exec,     &fr__sensor_model};

enum fr_status fr__sensor_open(const fr__sensor_ops *ops, const char *argument,
                               fr__world *world, fr__sensor *out, fr_error *err) {
  *out = (fr__sensor){.ops = ops, .argument = argument, .world = world};
  const enum fr_status status = ops->open(out, world, err);
  out->argument = NULL;
  if (status != FR_OK)
    fr__sensor_close(out);
  return status;
}

void fr__sensor_close(fr__sensor *sensor) {
  if (sensor->ops != NULL && sensor->ops->close != NULL)
    sensor->ops->close(sensor);
  sensor->own = NULL;
  for (size_t i = 0; i < sensor->count; i++)
    fr__channel_close(sensor->domain[i].channel);
  free(sensor->domain);
  sensor->domain = NULL;
  sensor->count = 0;
}

fr__domain *fr__sensor_add(fr__sensor *sensor) {
  if (sensor->count == FR__DOMAINS)
    return NULL;
  fr__domain *grown = realloc(sensor->domain, (sensor->count + 1) * sizeof *grown);
  if (grown == NULL)
    return NULL;
  sensor->domain = grown;
  fr__domain *added = &grown[sensor->count++];
  *added = (fr__domain){.kind = FR__DOMAIN_PART, .told_w = (double)NAN};
  return added;
}

void fr__domain_integrate(fr__domain *domain, double power_w, uint64_t t_ns,
                          uint64_t *raw) {
  if (domain->integral_ns != 0 && t_ns > domain->integral_ns)
    domain->integral_j +=
        (power_w + domain->integral_w) / 2 * (double)(t_ns - domain->integral_ns) * 1e-9;
  domain->integral_ns = t_ns != 0 ? t_ns : 1; /* 0: never */
  domain->integral_w = power_w;
  domain->steady = true;
  *raw = (uint64_t)(domain->integral_j * 1e9);
}

const char *fr__domain_kind_name(enum fr__domain_kind kind) {
  switch (kind) {
  case FR__DOMAIN_PLATFORM: return "platform";
  case FR__DOMAIN_PACKAGE: return "package";
  case FR__DOMAIN_DRAM: return "dram";
  case FR__DOMAIN_PART: return "part";
  case FR__DOMAIN_GPU: return "gpu";
  }
  return "part";
}

/* ---- one reading ---- */

static double seconds(uint64_t from_ns, uint64_t to_ns) {
  return to_ns > from_ns ? (double)(to_ns - from_ns) * 1e-9 : 0;
}

/* Counts from the last good reading to `raw`; false where the way is not known. */
static bool step_of(const fr__domain *domain, uint64_t raw, uint64_t *step) {
  /* modulus 0 is 2^64: unsigned arithmetic has it built in */
  *step = raw >= domain->last ? raw - domain->last : raw - domain->last + domain->modulus;
  const bool inside = domain->modulus == 0 || raw < domain->modulus;
  return inside && (raw >= domain->last || domain->modulus_known);
}

static double ceiling_w(const fr__domain *domain) {
  return domain->ceiling_w > 0 ? domain->ceiling_w : POWER_CEILING_W;
}

static double limit_w(const fr__domain *domain) {
  const double limit = domain->power_limit_w * PEAK;
  return limit > 0 ? fmin(limit, ceiling_w(domain)) : ceiling_w(domain);
}

static double wrap_limit_w(const fr__domain *domain) {
  if (domain->power_limit_w > 0)
    return limit_w(domain);
  return fmin(POWER_CEILING_W, fmax(WRAP_W, WRAP_TIMES * domain->most_w));
}

/*
 * Is it true? Forward, from its last advance on, at the most that the machine allows: a
 * slow counter brings many readings' energy at once. Back, as a wrap, within the time
 * that the machine was awake: a suspend may have reset it.
 */
static bool possible(const fr__domain *domain, const fr__load *load, bool back,
                     double joules) {
  if (back) {
    const double span_s = seconds(domain->moved_awake_ns, load->awake_ns);
    return joules <= wrap_limit_w(domain) * (span_s + LATE_S);
  }
  return joules <= limit_w(domain) * (seconds(domain->moved_ns, load->t_ns) + LATE_S);
}

/* The gap since the last good reading, at the power before it; where none is known yet,
 * once it is. */
static void bridge(fr__sensor *sensor, fr__domain *domain, const fr__load *load) {
  const double span_s = seconds(domain->good_awake_ns, load->awake_ns);
  sensor->marked++;
  domain->disputed_j += domain->power_w * span_s;
  if (domain->power_w > 0 || (domain->steady && domain->advances > 0))
    domain->bridged_j += domain->power_w * span_s;
  else
    domain->owed_s += span_s;
  domain->pending_j = 0;
  domain->good_ns = domain->moved_ns = load->t_ns;
  domain->good_awake_ns = domain->moved_awake_ns = load->awake_ns;
}

/*
 * The first advance since the start began before it, nobody knows when: energy of a whole
 * period would pass for that of the part since then. Only where the counter is known to
 * be renewed far more often is that its power.
 */
static bool is_cut(const fr__sensor *sensor, const fr__domain *domain, double span_s) {
  if (domain->advances > 0 || domain->steady)
    return false;
  const double period_s =
      fmax(sensor->ops->update_s, fmax(domain->update_s, domain->apart_s));
  return period_s <= 0 || period_s > FIRST_PART * span_s ||
         domain->good_ns > domain->moved_ns; /* it was seen to stand still */
}

/* It stood still up to the reading before, and moved some time after it; two readings at
 * once tell little. */
static void note_still(fr__domain *domain, double span_s) {
  const double still_s = fmin(span_s, 2 * seconds(domain->moved_ns, domain->good_ns));
  if (still_s > domain->still_s && !domain->steady)
    domain->still_s = still_s;
}

/* It is renewed no more often than it is read, as far as is known. */
static bool is_slow(const fr__domain *domain, double step_s) {
  return domain->still_s > 0 ||
         fmax(domain->update_s, domain->apart_s) > SLOW_PART * step_s;
}

static size_t spans_of(const fr__domain *domain) {
  return domain->spans < FR__SPANS ? domain->spans : FR__SPANS;
}

static double mean_span_s(const fr__domain *domain) {
  double sum_s = 0;
  for (size_t i = 0; i < spans_of(domain); i++)
    sum_s += domain->span_s[i];
  return domain->spans > 0 ? sum_s / (double)spans_of(domain) : 0;
}

/* The mean time between the last advances. One that took much longer is a gap and not of
 * them, unless that goes on. */
static double period_s(fr__domain *domain, double span_s) {
  const double mean_s = mean_span_s(domain);
  const bool gap = domain->spans >= SPANS_TOLD && span_s > SPANS_TOLD * mean_s;
  if (gap && ++domain->gaps < SPANS_TOLD)
    return mean_s;
  if (gap)
    domain->spans = 0;
  domain->gaps = 0;
  domain->span_s[domain->spans++ % FR__SPANS] = span_s;
  return mean_span_s(domain);
}

/*
 * The time that an advance took. A counter that is renewed each 0.5 s and read each 0.3 s
 * advances after 0.3 or 0.6 s, as far as can be seen, by what 0.5 s bring. Where this one
 * is as if there were a period, it is that. *vague: by so few advances it cannot be told.
 */
static double advance_s(fr__domain *domain, double span_s, double step_s, bool *vague) {
  *vague = false;
  if (domain->steady || !is_slow(domain, step_s))
    return span_s;
  const double mean_s = period_s(domain, span_s);
  *vague = step_s > PERIOD_PART * (double)spans_of(domain) * mean_s;
  const bool regular =
      mean_s >= PERIOD_STEPS * step_s && fabs(span_s - mean_s) <= 1.01 * step_s;
  return regular ? mean_s : span_s;
}

static void note_power(const fr__sensor *sensor, fr__domain *domain, double joules,
                       const fr__load *load) {
  const double span_s = seconds(domain->moved_ns, load->t_ns);
  bool vague;
  note_still(domain, span_s);
  if (span_s <= 0)
    return;
  const bool cut = is_cut(sensor, domain, span_s);
  domain->advances++;
  if (cut)
    return;
  const double took_s =
      advance_s(domain, span_s, seconds(domain->good_ns, load->t_ns), &vague);
  domain->power_w = joules / took_s;
  if (vague && isnan(domain->told_w))
    return;
  domain->fresh_j += joules;
  domain->fresh_s += took_s;
  domain->most_w = fmax(domain->most_w, domain->power_w);
  domain->bridged_j += domain->owed_s * domain->power_w;
  domain->owed_s = 0;
}

/* A counter whose steps stay beyond the limit shows that the limit is wrong: then what
 * was bridged for it is replaced by what it counted. */
static bool believed(fr__domain *domain, bool back, uint64_t step, const fr__load *load) {
  const double joules = (double)step * domain->unit_j;
  const double span_s = seconds(domain->moved_ns, load->t_ns);
  if (back || joules > ceiling_w(domain) * (span_s + LATE_S)) {
    domain->above = 0;
    return false;
  }
  if (domain->above++ == 0) {
    domain->disputed_j = 0;
    domain->disputed = 0;
  }
  domain->disputed += step;
  if (domain->above < ABOVE_BELIEVED)
    return false;
  domain->total += domain->disputed - step;
  domain->bridged_j = fmax(domain->bridged_j - domain->disputed_j, 0);
  domain->owed_s = 0;
  domain->power_limit_w = 0;
  return true;
}

static void accept(const fr__sensor *sensor, fr__domain *domain, uint64_t raw,
                   uint64_t step, const fr__load *load) {
  domain->pending_j = 0;
  domain->total += step;
  if (step > 0 || domain->steady) {
    note_power(sensor, domain, (double)step * domain->unit_j, load);
    domain->moved_ns = load->t_ns;
    domain->moved_awake_ns = load->awake_ns;
  }
  domain->last = raw;
  domain->good_ns = load->t_ns;
  domain->good_awake_ns = load->awake_ns;
}

bool fr__domain_take(fr__sensor *sensor, fr__domain *domain, uint64_t raw,
                     const fr__load *load) {
  uint64_t step = 0;
  const bool back = raw < domain->last;
  const bool known = step_of(domain, raw, &step);
  const double joules = (double)step * domain->unit_j;
  if (known && possible(domain, load, back, joules)) {
    domain->above = 0;
    accept(sensor, domain, raw, step, load);
    return true;
  }
  if (known && believed(domain, back, step, load)) {
    accept(sensor, domain, raw, step, load);
    return true;
  }
  if (back)
    sensor->marks.back++;
  else
    sensor->marks.above++;
  bridge(sensor, domain, load);
  domain->last = raw;
  return false;
}

/* A failed read loses nothing while the counter goes on: the next good reading has it
 * all. Until then the gap counts at the power before. */
static void miss(fr__sensor *sensor, fr__domain *domain, int number,
                 const fr__load *load) {
  sensor->marked++;
  if (number == ENODEV)
    sensor->marks.unplugged++;
  else
    sensor->marks.failed++;
  domain->pending_j = domain->power_w * seconds(domain->good_awake_ns, load->awake_ns);
}

/* A gap in which the counter may have come round unseen. */
static void note_suspend(fr__sensor *sensor, const fr__domain *domain,
                         const fr__load *load) {
  const double asleep_s = seconds(domain->good_ns, load->t_ns) -
                          seconds(domain->good_awake_ns, load->awake_ns);
  if (asleep_s <= 0)
    return;
  sensor->marks.suspended++;
  sensor->marked++;
}

static void read_domain(fr__sensor *sensor, fr__domain *domain, const fr__load *load) {
  uint64_t raw;
  const int failed = sensor->ops->read(sensor, domain, load, &raw);
  if (failed != 0) {
    miss(sensor, domain, failed, load);
    return;
  }
  if (!sensor->ops->computed)
    note_suspend(sensor, domain, load);
  (void)fr__domain_take(sensor, domain, raw, load);
}

double fr__domain_energy_j(const fr__domain *domain) {
  return (double)domain->total * domain->unit_j + domain->bridged_j + domain->pending_j;
}

/* ---- all of them ---- */

void fr__sensor_read(fr__sensor *sensor, const fr__load *load, fr__reading *out) {
  const size_t marked = sensor->marked;
  *out = (fr__reading){0};
  sensor->bridged_j = 0;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (domain->state != FR_SENSOR_WORKING)
      continue;
    const size_t before = sensor->marked;
    const fr_mark_counts marks = sensor->marks;
    read_domain(sensor, domain, load);
    if (!domain->counted) { /* what is not counted is shown, but marks nothing */
      sensor->marked = before;
      sensor->marks = marks;
      continue;
    }
    out->energy_j += fr__domain_energy_j(domain);
    out->quantum_j += domain->unit_j;
    sensor->bridged_j += domain->bridged_j + domain->pending_j;
  }
  out->marked = sensor->marked > marked;
  /* a bridge that was too long is not taken back: energy never falls */
  out->energy_j = sensor->floor_j = fmax(sensor->floor_j, out->energy_j);
}

static void start_domain(fr__domain *domain, const fr__load *load) {
  domain->total = 0;
  domain->power_w = domain->most_w = domain->still_s = 0;
  domain->advances = domain->spans = domain->gaps = 0;
  domain->fresh_j = domain->fresh_s = 0;
  domain->told_w = (double)NAN;
  domain->owed_s = domain->bridged_j = domain->pending_j = 0;
  domain->above = 0;
  domain->good_ns = domain->moved_ns = load->t_ns;
  domain->good_awake_ns = domain->moved_awake_ns = load->awake_ns;
}

enum fr_status fr__sensor_start(fr__sensor *sensor, const fr__load *load, fr_error *err) {
  sensor->bridged_j = sensor->floor_j = 0;
  sensor->marked = 0;
  sensor->marks = (fr_mark_counts){0};
  sensor->start_ns = load->awake_ns;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (domain->state != FR_SENSOR_WORKING)
      continue;
    domain->integral_ns = 0;
    domain->integral_j = 0;
    const int failed = sensor->ops->read(sensor, domain, load, &domain->last);
    if (failed != 0 && domain->counted)
      return fr__fail_errno(err, failed, "sensor '%s' cannot be read", domain->name);
    if (failed != 0)
      domain->state = FR_SENSOR_DEAD;
    start_domain(domain, load);
  }
  return FR_OK;
}

double fr__domain_wrap_s(const fr__domain *domain) {
  const double range_j = (double)domain->modulus * domain->unit_j;
  return range_j /
         fmax(domain->power_limit_w > 0 ? domain->power_limit_w : POWER_CEILING_W, 1);
}

double fr__sensor_patience_s(const fr__sensor *sensor) {
  double least_s = INFINITY;
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (!domain->counted || !domain->modulus_known || domain->modulus == 0)
      continue;
    least_s = fmin(least_s, fr__domain_wrap_s(domain) / 2);
  }
  return least_s;
}

/* One that stands still has a period of at least so long. */
double fr__domain_update_s(const fr__sensor *sensor, const fr__domain *domain) {
  const double still_s =
      domain->steady ? 0
                     : fmax(domain->still_s, seconds(domain->moved_ns, domain->good_ns));
  return fmax(sensor->ops->update_s, fmax(domain->update_s, still_s));
}

double fr__sensor_update_s(const fr__sensor *sensor) {
  double update_s = sensor->ops->update_s;
  for (size_t i = 0; i < sensor->count; i++) {
    if (sensor->domain[i].counted)
      update_s = fmax(update_s, fr__domain_update_s(sensor, &sensor->domain[i]));
  }
  return update_s;
}

void fr__sensor_hand_on(fr__sensor *sensor) {
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (domain->fresh_s > 0)
      domain->told_w = domain->fresh_j / domain->fresh_s;
    domain->fresh_j = domain->fresh_s = 0;
  }
}

double fr__sensor_power_w(const fr__sensor *sensor) {
  double power_w = 0;
  for (size_t i = 0; i < sensor->count; i++)
    power_w += sensor->domain[i].counted ? sensor->domain[i].told_w : 0;
  return power_w;
}

static size_t counted(const fr__sensor *sensor, enum fr__domain_kind kind) {
  size_t n = 0;
  for (size_t i = 0; i < sensor->count; i++)
    n += sensor->domain[i].counted && sensor->domain[i].kind == kind;
  return n;
}

void fr__sensor_describe(const fr__sensor *sensor, char text[64]) {
  const size_t packages = counted(sensor, FR__DOMAIN_PACKAGE);
  const size_t dram = counted(sensor, FR__DOMAIN_DRAM);
  if (sensor->ops->computed)
    snprintf(text, 64, "%s", sensor->ops->name);
  else if (packages == 0)
    snprintf(text, 64, "%s, platform", sensor->ops->name);
  else if (dram == 0)
    snprintf(text, 64, "%s, %zu package%s, DRAM not measured", sensor->ops->name,
             packages, packages == 1 ? "" : "s");
  else
    snprintf(text, 64, "%s, %zu package%s + %zu DRAM", sensor->ops->name, packages,
             packages == 1 ? "" : "s", dram);
}
