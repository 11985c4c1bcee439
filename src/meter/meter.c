/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler: a thread that sleeps until the next sample is due, and what it adds up. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "meter/phase.h"
#include "meter/sensor.h"
#include "meter/ledger.h"

#define INTERVAL_LEAST_S 0.001
#define INTERVAL_MOST_S 10.0

struct fr_meter {
  fr_meter_options options; /* its strings are not used after fr_meter_new */
  char *root;               /* owned */
  fr__sensor sensor;
  fr_cpu_power cpu;
  bool cpu_known;
  fr__host host;
  fr__phases phases;
  pthread_mutex_t control; /* one start or stop at a time */
  pthread_t thread;        /* under control, while running */
  pthread_mutex_t lock;    /* of everything below */
  pthread_cond_t wake;
  bool started; /* ever */
  bool running;
  bool stopping;
  fr__ledger ledger;
};

fr_meter_options fr_meter_default_options(void) {
  return (fr_meter_options){.interval_s = 0.1};
}

/* ---- new and free ---- */

/* A domain that is forbidden can be helped; else the first one speaks for all. */
static const fr__domain *telling_domain(const fr__sensor *sensor) {
  for (size_t i = 0; i < sensor->count; i++) {
    if (sensor->domain[i].state == FR_SENSOR_FORBIDDEN)
      return &sensor->domain[i];
  }
  return &sensor->domain[0];
}

/* The sentence for "no sensor", of the one that was asked for. */
static enum fr_status no_sensor(const fr__sensor *sensor, fr_error *err) {
  if (sensor->count == 0)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "sensor '%s' is absent: %s",
                    sensor->ops->name, sensor->reason);
  const fr__domain *domain = telling_domain(sensor);
  if (domain->state == FR_SENSOR_FORBIDDEN)
    return fr__fail(err, FR_ERR_PERMISSION,
                    "sensor '%s' is forbidden: %s; this grants it: %s", domain->name,
                    domain->reason, domain->fix);
  return fr__fail(err, FR_ERR_UNSUPPORTED, "sensor '%s' is %s: %s", domain->name,
                  fr_sensor_state_name(domain->state), domain->reason);
}

/* The first of `table` that works, open; the others are closed again. */
static enum fr_status choose(const fr__sensor_ops *const *table, size_t count,
                             const char *root, fr__sensor *out, fr_error *err) {
  fr__sensor sensor[FR__SENSORS];
  size_t chosen;
  enum fr_status status = fr__sensor_try(table, count, root, sensor, &chosen, err);
  if (status != FR_OK)
    return status;
  if (chosen == count)
    status = no_sensor(&sensor[count - 1], err);
  for (size_t i = 0; i < count; i++) {
    if (i == chosen)
      *out = sensor[i];
    else
      fr__sensor_close(&sensor[i]);
  }
  return status;
}

static enum fr_status choose_named(const char *name, const char *root, fr__sensor *out,
                                   fr_error *err) {
  if (name == NULL)
    return choose(fr__sensor_table, FR__SENSORS, root, out, err);
  for (size_t i = 0; i < FR__SENSORS; i++) {
    if (strcmp(fr__sensor_table[i]->name, name) == 0)
      return choose(&fr__sensor_table[i], 1, root, out, err);
  }
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' is not a sensor; the sensors are perf, powercap and model", name);
}

/* A condition variable on the monotonic clock: setting the time must not disturb
 * sampling. */
static void init_wake(pthread_cond_t *wake) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(wake, &attr);
  pthread_condattr_destroy(&attr);
}

enum fr_status fr_meter_new(const fr_meter_options *options, fr_meter **out,
                            fr_error *err) {
  const double interval_s = options->interval_s;
  if (!(interval_s >= INTERVAL_LEAST_S && interval_s <= INTERVAL_MOST_S))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an interval of %g s is not between 1 ms and 10 s", interval_s);
  fr_meter *meter = calloc(1, sizeof *meter);
  if (meter == NULL)
    return fr__fail_memory(err, "a meter");
  meter->host.stat = -1;
  meter->options = *options;
  fr__phases_init(&meter->phases);
  pthread_mutex_init(&meter->control, NULL);
  pthread_mutex_init(&meter->lock, NULL);
  init_wake(&meter->wake);
  enum fr_status status = FR_OK;
  meter->root = strdup(options->root != NULL ? options->root : "");
  if (meter->root == NULL)
    status = fr__fail_memory(err, "a meter's root");
  if (status == FR_OK)
    status = choose_named(options->sensor, meter->root, &meter->sensor, err);
  if (status != FR_OK) {
    fr_meter_free(meter);
    return status;
  }
  meter->cpu_known = fr_cpu_power_find(meter->root, &meter->cpu, NULL) == FR_OK;
  *out = meter;
  return FR_OK;
}

void fr_meter_free(fr_meter *meter) {
  if (meter == NULL)
    return;
  fr_meter_stop(meter);
  fr__sensor_close(&meter->sensor);
  fr__host_release(&meter->host);
  fr__phases_release(&meter->phases);
  pthread_cond_destroy(&meter->wake);
  pthread_mutex_destroy(&meter->lock);
  pthread_mutex_destroy(&meter->control);
  free(meter->root);
  free(meter);
}

/* ---- sampling ---- */

/* Under the lock. */
static void take_sample(fr_meter *meter) {
  fr__load load;
  fr__reading reading;
  fr__host_read(&meter->host, &load);
  fr__sensor_read(&meter->sensor, &load, &reading);
  const fr__step step = fr__ledger_add(&meter->ledger, &meter->sensor, &load, &reading);
  fr__phases_share(&meter->phases, &step);
}

/* What the sampling thread hands on; samples taken in between on demand fall into its
 * steps. */
typedef struct mark {
  double t_s, energy_j;
} mark;

static fr_power_sample sample_since(const fr_meter *meter, mark *before) {
  const fr__ledger *ledger = &meter->ledger;
  const uint64_t t_ns = ledger->load.t_ns - ledger->start_ns;
  const mark now = {(double)t_ns * 1e-9, ledger->reading.energy_j};
  const double span_s = now.t_s - before->t_s;
  const double power_w = span_s > 0 ? (now.energy_j - before->energy_j) / span_s : 0;
  *before = now;
  return (fr_power_sample){.t_ns = t_ns,
                           .power_w = power_w,
                           .energy_j = now.energy_j,
                           .program_j = ledger->program_j,
                           .core_s = ledger->load.process_s};
}

static void wait_until(fr_meter *meter, uint64_t deadline_ns) {
  const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                    .tv_nsec = (long)(deadline_ns % 1000000000u)};
  while (!meter->stopping &&
         pthread_cond_timedwait(&meter->wake, &meter->lock, &deadline) != ETIMEDOUT)
    continue;
}

/* One sample under the lock, then the sink without it: a sink may ask for figures. */
static void sample_and_hand_on(fr_meter *meter, mark *before) {
  take_sample(meter);
  const double before_s = before->t_s;
  const fr_power_sample sample = sample_since(meter, before);
  /* the rest that stop cuts off is too short for a minimum or maximum */
  if (before->t_s - before_s >= meter->options.interval_s / 2)
    fr__ledger_power(&meter->ledger, sample.power_w);
  if (meter->options.sample == NULL)
    return;
  pthread_mutex_unlock(&meter->lock);
  meter->options.sample(meter->options.self, &sample);
  pthread_mutex_lock(&meter->lock);
}

static void *sample_until_stopped(void *argument) {
  fr_meter *meter = argument;
  const uint64_t interval_ns = (uint64_t)(meter->options.interval_s * 1e9);
  pthread_mutex_lock(&meter->lock);
  uint64_t deadline_ns = meter->ledger.start_ns + interval_ns;
  mark before = {0};
  while (!meter->stopping) {
    wait_until(meter, deadline_ns);
    sample_and_hand_on(meter, &before);
    const uint64_t now_ns = fr__clock_ns();
    do /* deadlines that were missed are not made up for */
      deadline_ns += interval_ns;
    while (deadline_ns <= now_ns);
  }
  pthread_mutex_unlock(&meter->lock);
  return NULL;
}

/* The sampling thread takes no signal: those are the program's. */
static int start_thread(fr_meter *meter) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&meter->thread, NULL, sample_until_stopped, meter);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

/* Under the lock: everything counts from here on. */
static enum fr_status restart(fr_meter *meter, fr_error *err) {
  fr__host_release(&meter->host);
  enum fr_status status = fr__host_init(&meter->host, meter->root, err);
  if (status != FR_OK)
    return status;
  const fr__load load = {.t_ns = fr__clock_ns()};
  status = fr__sensor_start(&meter->sensor, &load, err);
  if (status != FR_OK)
    return status;
  fr__ledger_init(&meter->ledger, load.t_ns, meter->cpu_known ? &meter->cpu : NULL);
  fr__phases_restart(&meter->phases);
  return FR_OK;
}

enum fr_status fr_meter_start(fr_meter *meter, fr_error *err) {
  enum fr_status status = FR_OK;
  pthread_mutex_lock(&meter->control);
  pthread_mutex_lock(&meter->lock);
  if (!meter->running) {
    status = restart(meter, err);
    meter->stopping = false;
    const int failed = status == FR_OK ? start_thread(meter) : 0;
    if (failed != 0)
      status = fr__fail_errno(err, failed, "the sampling thread cannot be started");
    meter->running = status == FR_OK;
    meter->started |= meter->running;
  }
  pthread_mutex_unlock(&meter->lock);
  pthread_mutex_unlock(&meter->control);
  return status;
}

void fr_meter_stop(fr_meter *meter) {
  if (meter == NULL)
    return;
  pthread_mutex_lock(&meter->control);
  if (meter->running) {
    pthread_mutex_lock(&meter->lock);
    meter->stopping = true;
    pthread_cond_signal(&meter->wake);
    pthread_mutex_unlock(&meter->lock);
    pthread_join(meter->thread, NULL);
    pthread_mutex_lock(&meter->lock);
    meter->running = false;
    pthread_mutex_unlock(&meter->lock);
  }
  pthread_mutex_unlock(&meter->control);
}

void fr_meter_sample(fr_meter *meter) {
  pthread_mutex_lock(&meter->lock);
  if (meter->running && !meter->stopping)
    take_sample(meter);
  pthread_mutex_unlock(&meter->lock);
}

/* ---- phases ---- */

void fr_phase_begin(fr_meter *meter, const char *name) {
  if (meter != NULL && name != NULL)
    fr__phases_begin(&meter->phases, name);
}

void fr_phase_end(fr_meter *meter) {
  if (meter != NULL)
    fr__phases_end(&meter->phases);
}

/* ---- report ---- */

static void fill_power(const fr_meter *meter, fr_meter_report *report) {
  const fr__ledger *ledger = &meter->ledger;
  const double duration_s = report->duration_s;
  report->power_mean_w = duration_s > 0 ? ledger->reading.energy_j / duration_s : 0;
  const double mean_w = report->power_mean_w;
  const bool known = ledger->power_max_w > 0;
  /* the mean has the cut-off rest in it, minimum and maximum do not */
  report->power_min_w = known ? fmin(ledger->power_min_w, mean_w) : mean_w;
  report->power_max_w = known ? fmax(ledger->power_max_w, mean_w) : mean_w;
}

/* Under the lock. */
static enum fr_status fill(const fr_meter *meter, fr_meter_report *report,
                           fr_error *err) {
  const fr__ledger *ledger = &meter->ledger;
  const double core_s = ledger->load.process_s;
  report->duration_s = (double)(ledger->load.t_ns - ledger->start_ns) * 1e-9;
  report->core_seconds = (fr_measure){.value = core_s,
                                      .low = core_s,
                                      .high = core_s,
                                      .unit = FR_UNIT_CORE_SECOND,
                                      .source = FR_SOURCE_CLOCK};
  report->energy = fr__ledger_energy(ledger, &meter->sensor, meter->host.tick_s);
  report->program = fr__ledger_program(ledger, &meter->sensor);
  fill_power(meter, report);
  return fr__phases_report(&meter->phases, report->duration_s, core_s, report->energy,
                           report->program, &report->phase, &report->count, err);
}

enum fr_status fr_meter_read(fr_meter *meter, fr_meter_report *report, fr_error *err) {
  fr_meter_report filled = {.core_seconds = fr_measure_absent(FR_UNIT_CORE_SECOND),
                            .energy = fr_measure_absent(FR_UNIT_JOULE),
                            .program = fr_measure_absent(FR_UNIT_JOULE)};
  fr__sensor_describe(&meter->sensor, filled.sensor);
  if (meter->sensor.ops == &fr__sensor_model)
    snprintf(filled.rule, sizeof filled.rule, "%s", meter->sensor.cpu.rule);
  enum fr_status status = FR_OK;
  pthread_mutex_lock(&meter->lock);
  if (meter->running && !meter->stopping)
    take_sample(meter);
  if (meter->started)
    status = fill(meter, &filled, err);
  pthread_mutex_unlock(&meter->lock);
  if (status == FR_OK)
    *report = filled;
  return status;
}

void fr_meter_report_release(fr_meter_report *report) {
  free(report->phase);
  report->phase = NULL;
  report->count = 0;
}
