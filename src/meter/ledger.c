/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/ledger.h"

#include <math.h>

/*
 * Systematic error of a running average power limit counter, relative. Makers state none;
 * studies against wall meters find package counters of Haswell and later within a few per
 * cent, and none gives an interval: 1.5 % is assumed here for what the counter covers.
 */
#define COUNTER_BAND 0.015

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
  const bool first = ledger->power_max_w <= 0;
  ledger->power_min_w = first ? power_w : fmin(ledger->power_min_w, power_w);
  ledger->power_max_w = fmax(ledger->power_max_w, power_w);
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

/* Two edges, each one update period at the highest power seen, the counters' quantum, and
 * all that was bridged. */
static double counter_slack_j(const fr__ledger *ledger, const fr__sensor *sensor) {
  const double mean_w =
      span_s(ledger) > 0 ? ledger->reading.energy_j / span_s(ledger) : 0;
  return 2 * fr__sensor_update_s(sensor) * fmax(ledger->power_max_w, mean_w) +
         2 * ledger->reading.quantum_j + sensor->bridged_j;
}

/* The model's band, and one tick per core in the part that /proc/stat counts. */
static fr_measure model_energy(const fr__ledger *ledger, const fr__sensor *sensor,
                               double tick_s) {
  const fr_cpu_power *cpu = &sensor->cpu;
  const double own_s = ledger->load.process_s;
  const double other_s = ledger->load.busy_s - own_s;
  const double slack_s = tick_s * (double)cpu->cores;
  const double core_span_s = span_s(ledger) * (double)cpu->cores;
  const double low = (own_s + fmax(other_s - slack_s, 0)) * cpu->core_w.low +
                     core_span_s * cpu->idle_w.low;
  const double high =
      (own_s + other_s + slack_s) * cpu->core_w.high + core_span_s * cpu->idle_w.high;
  return joules(sensor, low, ledger->reading.energy_j, high);
}

static double band_of(const fr__sensor *sensor) {
  return sensor->ops->band > 0 ? sensor->ops->band : COUNTER_BAND;
}

fr_measure fr__ledger_energy(const fr__ledger *ledger, const fr__sensor *sensor,
                             double tick_s) {
  const double beside = ledger->beside_band * ledger->reading.beside_j;
  if (sensor->ops == &fr__sensor_model) {
    fr_measure m = model_energy(ledger, sensor, tick_s);
    m.low += ledger->reading.beside_j - beside;
    m.high += ledger->reading.beside_j + beside;
    return m;
  }
  const double value = ledger->reading.energy_j;
  const double slack = counter_slack_j(ledger, sensor) +
                       band_of(sensor) * (value - ledger->reading.beside_j) + beside;
  return joules(sensor, value - slack, value, value + slack);
}

fr_measure fr__ledger_domain(const fr__ledger *ledger, const fr__sensor *sensor,
                             const fr__domain *domain) {
  const double value = fr__domain_energy_j(domain);
  const double mean_w = span_s(ledger) > 0 ? value / span_s(ledger) : 0;
  const double update_s =
      fmax(sensor->ops->update_s, fmax(domain->update_s, domain->still_s));
  const double slack = band_of(sensor) * value + 2 * domain->unit_j +
                       2 * update_s * fmax(domain->most_w, mean_w) + domain->bridged_j +
                       domain->pending_j;
  return joules(sensor, value - slack, value, value + slack);
}

fr_measure fr__ledger_program(const fr__ledger *ledger, const fr__sensor *sensor) {
  if (sensor->ops == &fr__sensor_model)
    return joules(sensor, ledger->program_low_j, ledger->program_j,
                  ledger->program_high_j);
  const double slack = counter_slack_j(ledger, sensor);
  return joules(sensor, ledger->program_low_j * (1 - band_of(sensor)) - slack,
                ledger->program_j,
                ledger->program_high_j * (1 + band_of(sensor)) + slack);
}

fr_measure fr__ledger_part(fr_measure whole, double part_j, double shared_j) {
  fr_measure part = whole;
  const double fraction = whole.value > 0 ? part_j / whole.value : 0;
  const double sharing = SHARING_BAND * shared_j;
  part.value = part_j;
  part.low = fmax(part_j - (whole.value - whole.low) * fraction - sharing, 0);
  part.high = part_j + (whole.high - whole.value) * fraction + sharing;
  return part;
}
