/* SPDX-License-Identifier: Apache-2.0 */
/* The meter as a study uses it: always running, read before and after each piece of work.
 */
#include "study/study.h"

#include "base/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_CEILING ((size_t)1 << 20) /* a day at 0.1 s; later ones are not kept */

struct fr__gauge {
  fr_meter *meter;
  pthread_mutex_t lock;    /* guards what follows: the sampling thread writes it */
  fr_store_sample *sample; /* owned */
  size_t count, capacity;
  fr_power_sample last;
  size_t jobs; /* processes that share the machine's energy; 0 as 1 */
};

static void keep(fr__gauge *gauge, const fr_power_sample *sample) {
  if (gauge->count == gauge->capacity) {
    const size_t capacity = gauge->capacity != 0 ? 2 * gauge->capacity : 256;
    if (capacity > SAMPLES_CEILING)
      return;
    fr_store_sample *more = realloc(gauge->sample, capacity * sizeof *more);
    if (more == NULL)
      return;
    gauge->sample = more;
    gauge->capacity = capacity;
  }
  gauge->sample[gauge->count++] = (fr_store_sample){.t_ns = sample->t_ns,
                                                    .power_w = sample->power_w,
                                                    .energy_j = sample->energy_j,
                                                    .program_j = sample->program_j};
}

static void on_sample(void *self, const fr_power_sample *sample) {
  fr__gauge *gauge = self;
  pthread_mutex_lock(&gauge->lock);
  keep(gauge, sample);
  gauge->last = *sample;
  pthread_mutex_unlock(&gauge->lock);
}

enum fr_status fr__gauge_new(const fr_cpu_power *cpu, fr__gauge **out, fr_error *err) {
  fr__gauge *gauge = calloc(1, sizeof *gauge);
  if (gauge == NULL)
    return fr__fail_memory(err, "a meter");
  pthread_mutex_init(&gauge->lock, NULL);
  fr_meter_options options = fr_meter_default_options();
  options.cpu = cpu;
  options.sample = on_sample;
  options.self = gauge;
  enum fr_status status = fr_meter_new(&options, &gauge->meter, err);
  if (status == FR_OK)
    status = fr_meter_start(gauge->meter, err);
  if (status == FR_OK)
    *out = gauge;
  else
    fr__gauge_free(gauge);
  return status;
}

void fr__gauge_free(fr__gauge *gauge) {
  if (gauge == NULL)
    return;
  if (gauge->meter != NULL) {
    fr_meter_stop(gauge->meter);
    fr_meter_free(gauge->meter);
  }
  pthread_mutex_destroy(&gauge->lock);
  free(gauge->sample);
  free(gauge);
}

void fr__gauge_phase_begin(void *gauge, const char *name) {
  fr_phase_begin(((fr__gauge *)gauge)->meter, name);
}

void fr__gauge_phase_end(void *gauge) { fr_phase_end(((fr__gauge *)gauge)->meter); }

void fr__gauge_share(fr__gauge *gauge, size_t jobs) { gauge->jobs = jobs; }

/* All of it was ours where no other job ran at the time. */
static fr_measure shared(fr_measure m, size_t jobs) {
  if (fr_measure_known(m)) {
    m.value /= (double)jobs;
    m.low /= (double)jobs;
  }
  return m;
}

enum fr_status fr__gauge_read(fr__gauge *gauge, fr_meter_report *out, fr_error *err) {
  fr_meter_sample(gauge->meter);
  const enum fr_status status = fr_meter_read(gauge->meter, out, err);
  if (status != FR_OK || gauge->jobs < 2)
    return status;
  out->energy = shared(out->energy, gauge->jobs);
  for (size_t i = 0; i < out->count; i++)
    out->phase[i].energy = shared(out->phase[i].energy, gauge->jobs);
  return status;
}

fr_measure fr__measure_difference(fr_measure a, fr_measure b) {
  if (!fr_measure_known(a) || !fr_measure_known(b))
    return fr_measure_absent(a.unit);
  fr_measure d = {.value = a.value - b.value,
                  .low = a.low - b.low,
                  .high = a.high - b.high,
                  .unit = a.unit,
                  .source = a.source};
  d.low = d.low < d.value ? d.low : d.value;
  d.high = d.high > d.value ? d.high : d.value;
  return d;
}

static void take_away(fr_phase_report *phase, const fr_meter_report *before) {
  for (size_t i = 0; i < before->count; i++) {
    const fr_phase_report *old = &before->phase[i];
    if (strcmp(old->path, phase->path) != 0)
      continue;
    phase->count -= old->count;
    phase->duration_s -= old->duration_s;
    phase->core_s -= old->core_s;
    phase->energy = fr__measure_difference(phase->energy, old->energy);
    phase->program = fr__measure_difference(phase->program, old->program);
  }
}

enum fr_status fr__gauge_difference(const fr_meter_report *before,
                                    const fr_meter_report *after, fr_meter_report *out,
                                    fr_error *err) {
  fr_meter_report d = *after;
  d.phase = calloc(after->count + 1, sizeof *d.phase);
  if (d.phase == NULL)
    return fr__fail_memory(err, "a reading of the meter");
  d.count = 0;
  d.domain = NULL; /* whose energies are asked for of a whole run alone */
  d.domain_count = 0;
  for (size_t i = 0; i < after->count; i++) {
    fr_phase_report phase = after->phase[i];
    take_away(&phase, before);
    if (phase.count > 0 || phase.duration_s > 0.0 || phase.core_s > 0.0)
      d.phase[d.count++] = phase;
  }
  d.duration_s = after->duration_s - before->duration_s;
  d.core_seconds = fr__measure_difference(after->core_seconds, before->core_seconds);
  d.energy = fr__measure_difference(after->energy, before->energy);
  d.program = fr__measure_difference(after->program, before->program);
  *out = d;
  return FR_OK;
}

fr_power_sample fr__gauge_last(fr__gauge *gauge) {
  pthread_mutex_lock(&gauge->lock);
  const fr_power_sample last = gauge->last;
  pthread_mutex_unlock(&gauge->lock);
  return last;
}

fr_store_sample *fr__gauge_take(fr__gauge *gauge, size_t *count) {
  pthread_mutex_lock(&gauge->lock);
  fr_store_sample *sample = gauge->sample;
  *count = gauge->count;
  gauge->sample = NULL;
  gauge->count = gauge->capacity = 0;
  pthread_mutex_unlock(&gauge->lock);
  return sample;
}

enum fr_status fr__gauge_flush(fr__gauge *gauge, fr_store *store, int64_t run,
                               fr_error *err) {
  size_t count = 0;
  fr_store_sample *sample = fr__gauge_take(gauge, &count);
  const enum fr_status status =
      count == 0 ? FR_OK : fr_store_samples(store, run, sample, count, err);
  free(sample);
  return status;
}
