/* SPDX-License-Identifier: Apache-2.0 */
/* Short pieces of work are measured again until their cost is known. */
#include "study/study.h"

#include <math.h>

#define LONG_CORE_S 1.0  /* one measurement of so much work is enough */
#define TOTAL_CORE_S 6.0 /* more is not spent on measuring one piece again */
#define SPREAD_ENOUGH 0.05
#define COUNT_ENOUGH 3

static void add(fr_measure *sum, fr_measure more) {
  *sum = sum->source == FR_SOURCE_NONE ? more : fr_measure_add(*sum, more);
}

static fr_measure per(fr_measure a, fr_measure b, double times) {
  const fr_measure d = fr__measure_difference(a, b);
  return fr_measure_known(d) ? fr_measure_scale(d, 1.0 / times, d.unit) : d;
}

void fr__bill_add(fr__bill *tally, const fr_meter_report *before,
                  const fr_meter_report *after, size_t times) {
  const double n = (double)times;
  if (tally->count == FR__BILL_CEILING)
    return;
  const fr_measure core = per(after->core_seconds, before->core_seconds, n);
  if (tally->count == 0) {
    tally->energy = per(after->energy, before->energy, n);
    tally->program = per(after->program, before->program, n);
    tally->core_seconds = core;
  } else {
    add(&tally->energy, per(after->energy, before->energy, n));
    add(&tally->program, per(after->program, before->program, n));
    add(&tally->core_seconds, core);
  }
  tally->duration_s += (after->duration_s - before->duration_s) / n;
  tally->core_s[tally->count++] = core.value;
}

double fr__bill_spread(const fr__bill *tally) {
  const fr_interval x = fr_interval_mean(tally->core_s, tally->count);
  return x.n < 2 || !(x.mean > 0.0) ? NAN : (x.high - x.low) / x.mean;
}

bool fr__bill_enough(const fr__bill *tally) {
  double total = 0.0;
  for (size_t i = 0; i < tally->count; i++)
    total += tally->core_s[i];
  if (tally->count == 0)
    return false;
  if (tally->core_s[0] >= LONG_CORE_S || total >= TOTAL_CORE_S ||
      tally->count == FR__BILL_CEILING)
    return true;
  return tally->count >= COUNT_ENOUGH && fr__bill_spread(tally) < SPREAD_ENOUGH;
}

static json_t *mean_of(fr_measure sum, double factor) {
  return fr__json_measure(fr_measure_known(sum) ? fr_measure_scale(sum, factor, sum.unit)
                                                : sum);
}

void fr__bill_write(const fr__bill *tally, double factor, json_t *to) {
  const double n = (double)tally->count;
  json_object_set_new(to, "program", mean_of(tally->program, factor / n));
  json_object_set_new(to, "energy", mean_of(tally->energy, factor / n));
  json_object_set_new(to, "core_seconds", mean_of(tally->core_seconds, factor / n));
  json_object_set_new(to, "duration_s", fr__json_number(tally->duration_s * factor / n));
  json_object_set_new(to, "repetitions", json_integer((json_int_t)tally->count));
  json_object_set_new(to, "spread", fr__json_number(fr__bill_spread(tally)));
}
