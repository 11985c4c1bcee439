/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/ledger.h"

#include <math.h>

/* How far watts per core-second may differ between phases of one program (vector
 * arithmetic against waiting for memory): assumed, 95 %. */
#define SHARING_BAND 0.30

void fr__ledger_init(fr__ledger *ledger, const fr__load *start, const fr_cpu_power *cpu) {
  *ledger = (fr__ledger){.start_ns = start->t_ns,
                         .start_awake_ns = start->awake_ns,
                         .load = {.t_ns = start->t_ns, .awake_ns = start->awake_ns}};
  if (cpu != NULL) {
    ledger->idle_w = cpu->idle_w.value * (double)cpu->cores;
    ledger->idle_high_w = cpu->idle_w.high * (double)cpu->cores;
  }
}

/* energy above the idle floor × this program's share of the busy time */
static double above(double energy_j, double idle_j, double share) {
  return fmax(energy_j - idle_j, 0) * share;
}

fr__step fr__ledger_add(fr__ledger *ledger, const fr__sensor *sensor,
                        const fr__load *load, const fr__reading *reading) {
  const double process_s = load->process_s - ledger->load.process_s;
  const double busy_s = load->busy_s - ledger->load.busy_s;
  fr__step step = {.span_s = (double)(load->awake_ns - ledger->load.awake_ns) * 1e-9,
                   .process_s = process_s,
                   .energy_j = reading->energy_j - ledger->reading.energy_j};
  if (sensor->ops == &fr__sensor_model) {
    step.program_j = process_s * sensor->cpu.core_w.value;
    ledger->program_low_j += process_s * sensor->cpu.core_w.low;
    ledger->program_high_j += process_s * sensor->cpu.core_w.high;
  } else {
    const double share = busy_s > 0 ? fmin(process_s / busy_s, 1) : 0;
    const double own_j =
        step.energy_j - (reading->beside_j - ledger->reading.beside_j); /* no GPU's */
    step.program_j = above(own_j, ledger->idle_w * step.span_s, share);
    ledger->program_low_j += above(own_j, ledger->idle_high_w * step.span_s, share);
    ledger->program_high_j += above(own_j, 0, share);
  }
  ledger->program_j += step.program_j;
  ledger->load = *load;
  ledger->reading = *reading;
  return step;
}

void fr__ledger_power(fr__ledger *ledger, double power_w) {
  const bool first = !ledger->power_known;
  ledger->power_known = true;
  ledger->power_min_w = first ? power_w : fmin(ledger->power_min_w, power_w);
  ledger->power_max_w = first ? power_w : fmax(ledger->power_max_w, power_w);
}

static double span_s(const fr__ledger *ledger) {
  return (double)(ledger->load.awake_ns - ledger->start_awake_ns) * 1e-9;
}

static fr_measure joules(const fr__sensor *sensor, double low, double value,
                         double high) {
  return (fr_measure){.value = value,
                      .low = fmax(fmin(low, value), 0),
                      .high = fmax(high, value),
                      .unit = FR_UNIT_JOULE,
                      .source = sensor->ops->source};
}

static double band_of(const fr__sensor *sensor) {
  return sensor->ops->band > 0 ? sensor->ops->band
                               : fr_sensor_accuracy(sensor->ops->source, NULL);
}

/* Where no whole advance of a slow counter was seen, its energy came in the time up to
 * its last advance, or in a period: the mean, which has the time after that, too, is too
 * low. */
static double advanced_w(const fr__ledger *ledger, const fr__sensor *sensor) {
  double power_w = 0;
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *const domain = &sensor->domain[i];
    if (!domain->counted || domain->steady || domain->advances == 0 ||
        domain->moved_ns <= ledger->start_ns)
      continue;
    const double moved_s = (double)(domain->moved_ns - ledger->start_ns) * 1e-9;
    power_w +=
        fr__domain_energy_j(domain) / fmax(moved_s, fr__domain_update_s(sensor, domain));
  }
  return power_w;
}

static double highest_w(const fr__ledger *ledger, const fr__sensor *sensor) {
  const double mean_w =
      span_s(ledger) > 0 ? ledger->reading.energy_j / span_s(ledger) : 0;
  const double most_w =
      ledger->power_known ? ledger->power_max_w : advanced_w(ledger, sensor);
  return fmax(most_w, mean_w);
}

fr_bounds fr__ledger_bounds(const fr__ledger *ledger, const fr__sensor *sensor) {
  const fr__reading *reading = &ledger->reading;
  const double own_j = band_of(sensor) * (reading->energy_j - reading->beside_j);
  const double beside_j = ledger->beside_band * reading->beside_j;
  const double value_j = reading->energy_j;
  return (fr_bounds){.value_j = value_j,
                     .duration_s = span_s(ledger),
                     .source = sensor->ops->source,
                     .accuracy = value_j > 0 ? hypot(own_j, beside_j) / value_j : 0,
                     .update_s = fr__sensor_update_s(sensor),
                     .power_start_w = highest_w(ledger, sensor),
                     .power_end_w = highest_w(ledger, sensor),
                     .quantum_j = reading->quantum_j,
                     .bridged_j = sensor->bridged_j};
}

/* Beside the relative error: edges, quantum and gaps. */
static double counter_slack_j(const fr__ledger *ledger, const fr__sensor *sensor) {
  fr_bounds bounds = fr__ledger_bounds(ledger, sensor);
  bounds.accuracy = 0;
  const fr_measure m = fr_bounds_energy(&bounds);
  return m.high - m.value;
}

/* The model's band, and one tick per core in the part that /proc/stat counts. */
static fr_measure model_energy(const fr__ledger *ledger, const fr__sensor *sensor,
                               double tick_s) {
  const fr_cpu_power *cpu = &sensor->cpu;
  const double own_s = ledger->load.process_s;
  const double other_s = ledger->load.busy_s - own_s;
  const double slack_s = tick_s * (double)cpu->cores;
  const double late_s = ledger->load.late_s;
  const double core_span_s = span_s(ledger) * (double)cpu->cores;
  const double low = (own_s + fmax(other_s - slack_s, 0)) * cpu->core_w.low +
                     core_span_s * cpu->idle_w.low;
  const double high = (own_s + other_s + late_s + slack_s) * cpu->core_w.high +
                      core_span_s * cpu->idle_w.high;
  return joules(sensor, low, ledger->reading.energy_j - ledger->reading.beside_j, high);
}

/* A counter of the total that gave nothing since the start, because it was not read or
 * because it has not been renewed, and no power to bridge that with: what it would have
 * counted is not 0, it is not known. */
static bool is_silent(const fr__ledger *ledger, const fr__sensor *sensor) {
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    const bool unread = domain->owed_s > 0 || domain->good_ns > domain->moved_ns ||
                        domain->good_awake_ns <= ledger->start_awake_ns;
    if (domain->counted && domain->total == 0 && domain->power_w <= 0 && unread &&
        span_s(ledger) > 0)
      return true;
  }
  return false;
}

fr_measure fr__ledger_energy(const fr__ledger *ledger, const fr__sensor *sensor,
                             double tick_s) {
  const double beside = ledger->beside_band * ledger->reading.beside_j;
  if (sensor->ops == &fr__sensor_model) {
    fr_measure m = model_energy(ledger, sensor, tick_s);
    m.value += ledger->reading.beside_j;
    m.low += ledger->reading.beside_j - beside;
    m.high += ledger->reading.beside_j + beside;
    return m;
  }
  if (is_silent(ledger, sensor))
    return fr_measure_absent(FR_UNIT_JOULE);
  const fr_bounds bounds = fr__ledger_bounds(ledger, sensor);
  const fr_measure m = fr_bounds_energy(&bounds);
  return joules(sensor, m.low, ledger->reading.energy_j, m.high);
}

fr_measure fr__ledger_domain(const fr__ledger *ledger, const fr__sensor *sensor,
                             const fr__domain *domain) {
  const double value = fr__domain_energy_j(domain);
  const double mean_w = span_s(ledger) > 0 ? value / span_s(ledger) : 0;
  const double most_w = fmax(domain->most_w, mean_w);
  const fr_bounds bounds = {.value_j = value,
                            .duration_s = span_s(ledger),
                            .source = sensor->ops->source,
                            .accuracy = band_of(sensor),
                            .update_s = fr__domain_update_s(sensor, domain),
                            .power_start_w = most_w,
                            .power_end_w = most_w,
                            .quantum_j = domain->unit_j,
                            .bridged_j = domain->bridged_j + domain->pending_j};
  const fr_measure m = fr_bounds_energy(&bounds);
  return joules(sensor, m.low, value, m.high);
}

fr_measure fr__ledger_program(const fr__ledger *ledger, const fr__sensor *sensor) {
  if (sensor->ops == &fr__sensor_model)
    return joules(sensor, ledger->program_low_j, ledger->program_j,
                  ledger->program_high_j);
  if (is_silent(ledger, sensor))
    return fr_measure_absent(FR_UNIT_JOULE);
  const double slack = counter_slack_j(ledger, sensor);
  return joules(sensor, ledger->program_low_j * (1 - band_of(sensor)) - slack,
                ledger->program_j,
                ledger->program_high_j * (1 + band_of(sensor)) + slack);
}

double fr__ledger_edges(double update_s, double power_w, double edges,
                        double duration_s) {
  if (!(update_s > 0))
    return 0;
  const double most = 2 + 2 * duration_s / update_s;
  /* each is anywhere in a width of update_s × power_w */
  return 1.96 * update_s * power_w * sqrt(fmin(edges, most) / 12);
}

fr_measure fr__ledger_part(fr_measure whole, double part_j, double shared_j,
                           double edges_j) {
  fr_measure part = whole;
  const double fraction =
      whole.value > 0 ? part_j / whole.value : 1; /* of nothing: all */
  const double sharing = hypot(SHARING_BAND * shared_j, edges_j);
  part.value = part_j;
  part.low = fmax(part_j - (whole.value - whole.low) * fraction - sharing, 0);
  part.high = part_j + (whole.high - whole.value) * fraction + sharing;
  part.high = fmax(fmin(part.high, whole.high), part_j);
  return part;
}
