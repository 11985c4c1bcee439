/* SPDX-License-Identifier: Apache-2.0 */
/* Adds samples up to energy, program and their bounds. */
#ifndef FR_METER_LEDGER_H
#define FR_METER_LEDGER_H

#include "frugal/power.h"
#include "meter/sensor.h"

/* One step between two samples. */
typedef struct fr__step {
  double span_s;    /* awake */
  double process_s; /* CPU time of this program */
  double energy_j;
  double program_j;
} fr__step;

typedef struct fr__ledger {
  uint64_t start_ns, start_awake_ns;
  fr__load load;       /* at the last sample, since start */
  fr__reading reading; /* likewise */
  double idle_w;       /* the machine at rest; 0 where it is not known */
  double idle_high_w;
  double beside_band; /* relative error of what GPUs' sensors count */
  double program_j;
  double program_low_j;            /* with the highest idle power taken off */
  double program_high_j;           /* with none taken off */
  bool power_known;                /* a whole interval was */
  double power_min_w, power_max_w; /* over those */
} fr__ledger;

/* `cpu` may be NULL: then a counter's idle power is not known and taken as 0, within
 * bounds. */
void fr__ledger_init(fr__ledger *ledger, const fr__load *start, const fr_cpu_power *cpu);

/* Adds the way from the last sample to this one. */
fr__step fr__ledger_add(fr__ledger *ledger, const fr__sensor *sensor,
                        const fr__load *load, const fr__reading *reading);

/* A whole sampling interval had this power. */
void fr__ledger_power(fr__ledger *ledger, double power_w);

fr_measure fr__ledger_energy(const fr__ledger *ledger, const fr__sensor *sensor,
                             double tick_s);
/* What makes a counter's total uncertain, the highest power at both edges. */
fr_bounds fr__ledger_bounds(const fr__ledger *ledger, const fr__sensor *sensor);

/* A counter alone. */
fr_measure fr__ledger_domain(const fr__ledger *ledger, const fr__sensor *sensor,
                             const fr__domain *domain);
fr_measure fr__ledger_program(const fr__ledger *ledger, const fr__sensor *sensor);

/*
 * A phase's part of a measure. `shared_j` of it comes from samples that several phases
 * shared in proportion to CPU time: a second of one code may draw other watts than one of
 * another. `edges_j`: of fr__ledger_edges, in proportion to the measure.
 */
fr_measure fr__ledger_part(fr_measure whole, double part_j, double shared_j,
                           double edges_j);

/*
 * Where a counter is renewed each `update_s`, what was spent since it was is in the phase
 * that comes: 95 % half width of a phase of `duration_s` that begins and ends `edges`
 * times in all, at `power_w` at most. More often than twice in a renewal it has no edges.
 */
double fr__ledger_edges(double update_s, double power_w, double edges, double duration_s);

#endif
