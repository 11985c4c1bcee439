/* SPDX-License-Identifier: Apache-2.0 */
/* One sample after another, live or from a recording: chosen sensors, load and ledger.
 * Not for several threads: who has some, locks. */
#ifndef FR_METER_SAMPLER_H
#define FR_METER_SAMPLER_H

#include "meter/ledger.h"

#define FR__BESIDE 2

typedef struct fr__sampler {
  fr__world *world; /* owned */
  fr__sensor sensor;
  fr__sensor beside[FR__BESIDE]; /* GPUs; ops are NULL where there is none */
  fr_cpu_power cpu;
  bool cpu_known;
  fr__host host;
  fr__ledger ledger;
  double interval_s; /* wanted, or shorter where a counter wraps soon */
  bool marked;       /* since the last sample that was handed on */
  size_t samples, samples_marked;
  double told_s; /* when the last sample was handed on */
} fr__sampler;

/* Chooses and opens; `world` is the sampler's from here on, in failure too. Release it in
 * any case. */
enum fr_status fr__sampler_init(fr__sampler *sampler, const fr_meter_options *options,
                                fr__world *world, fr_error *err);
void fr__sampler_release(fr__sampler *sampler);

/* Everything counts from here on. */
enum fr_status fr__sampler_start(fr__sampler *sampler, fr_error *err);

fr__step fr__sampler_take(fr__sampler *sampler);

/* Others are known to have had so much CPU time since the start. */
void fr__sampler_others(fr__sampler *sampler, double core_s);

/* What the last `take` brought since the sample that was handed on before; a whole
 * interval enters minimum and maximum. */
fr_power_sample fr__sampler_hand_on(fr__sampler *sampler);

/* Behind the last `hand_on`: what the model still owes enters the energy of that sample,
 * but is no power of its own. True where there was a step. */
bool fr__sampler_settle(fr__sampler *sampler, fr_power_sample *last, fr__step *step);

/* All figures but the phases. Its domains are the caller's: fr_meter_report_release. */
enum fr_status fr__sampler_report(const fr__sampler *sampler, fr_meter_report *report,
                                  fr_error *err);
/* Sensor and rule alone, the measures absent: before the first start. */
void fr__sampler_describe(const fr__sampler *sampler, fr_meter_report *report);

#endif
