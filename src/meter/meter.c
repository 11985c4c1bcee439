/* SPDX-License-Identifier: Apache-2.0 */
/* The meter: a thread that sleeps until the next sample is due, and the phases. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "meter/phase.h"
#include "meter/sampler.h"

struct fr_meter {
  fr_meter_options options; /* its strings are not used after fr_meter_new */
  fr__phases phases;
  pthread_mutex_t control; /* one start or stop at a time */
  pthread_t thread;        /* under control, while running */
  pthread_mutex_t lock;    /* of everything below */
  pthread_cond_t wake;
  bool started; /* ever */
  bool running;
  bool stopping;
  uint64_t start_ns; /* of the clock that sampling waits on */
  fr__sampler sampler;
};

fr_meter_options fr_meter_default_options(void) {
  return (fr_meter_options){.interval_s = 0.1};
}

/* ---- new and free ---- */

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
  fr_meter *meter = calloc(1, sizeof *meter);
  if (meter == NULL)
    return fr__fail_memory(err, "a meter");
  meter->options = *options;
  fr__phases_init(&meter->phases);
  pthread_mutex_init(&meter->control, NULL);
  pthread_mutex_init(&meter->lock, NULL);
  init_wake(&meter->wake);
  fr__world *world = NULL;
  enum fr_status status = fr__world_new(options->root, &world, err);
  if (status == FR_OK)
    status = fr__sampler_init(&meter->sampler, options, world, err);
  if (status == FR_OK)
    *out = meter;
  else
    fr_meter_free(meter);
  return status;
}

void fr_meter_free(fr_meter *meter) {
  if (meter == NULL)
    return;
  fr_meter_stop(meter);
  fr__sampler_release(&meter->sampler);
  fr__phases_release(&meter->phases);
  pthread_cond_destroy(&meter->wake);
  pthread_mutex_destroy(&meter->lock);
  pthread_mutex_destroy(&meter->control);
  free(meter);
}

/* ---- sampling ---- */

/* Under the lock. */
static void take_sample(fr_meter *meter) {
  const fr__step step = fr__sampler_take(&meter->sampler);
  fr__phases_share(&meter->phases, &step);
}

static void wait_until(fr_meter *meter, uint64_t deadline_ns) {
  const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                    .tv_nsec = (long)(deadline_ns % 1000000000u)};
  while (!meter->stopping &&
         pthread_cond_timedwait(&meter->wake, &meter->lock, &deadline) != ETIMEDOUT)
    continue;
}

/* One sample under the lock, then the sink without it: a sink may ask for figures. */
static void sample_and_hand_on(fr_meter *meter, bool last) {
  take_sample(meter);
  fr_power_sample sample = fr__sampler_hand_on(&meter->sampler);
  fr__step rest;
  if (last && fr__sampler_settle(&meter->sampler, &sample, &rest))
    fr__phases_share(&meter->phases, &rest);
  if (meter->options.sample == NULL)
    return;
  pthread_mutex_unlock(&meter->lock);
  meter->options.sample(meter->options.self, &sample);
  pthread_mutex_lock(&meter->lock);
}

static void *sample_until_stopped(void *argument) {
  fr_meter *meter = argument;
  const uint64_t interval_ns = (uint64_t)(meter->sampler.interval_s * 1e9);
  pthread_mutex_lock(&meter->lock);
  uint64_t deadline_ns = meter->start_ns + interval_ns;
  for (bool last = false; !last;) {
    wait_until(meter, deadline_ns);
    last = meter->stopping; /* one who stops during a sample gets another one */
    sample_and_hand_on(meter, last);
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
  meter->start_ns = fr__clock_ns();
  const enum fr_status status = fr__sampler_start(&meter->sampler, err);
  if (status == FR_OK)
    fr__phases_restart(&meter->phases);
  return status;
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

uint64_t fr_meter_clock(fr_meter *meter) {
  uint64_t since_ns = 0;
  pthread_mutex_lock(&meter->lock);
  if (meter->started)
    since_ns = fr__world_ns(meter->sampler.world) - meter->sampler.ledger.start_ns;
  pthread_mutex_unlock(&meter->lock);
  return since_ns;
}

void fr_meter_others(fr_meter *meter, double core_s) {
  pthread_mutex_lock(&meter->lock);
  if (meter->running && isfinite(core_s))
    fr__sampler_others(&meter->sampler, core_s);
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

/* ---- domains ---- */

/* As the last sample that was handed on had it, before the first one as it is. */
static double power_of(const fr__domain *domain) {
  return isnan(domain->told_w) && domain->power_w > 0 ? domain->power_w : domain->told_w;
}

/* Those of one sensor, from out[at] on; how many there are then. */
static size_t add_domains(const fr__sensor *sensor, size_t at, fr_domain_power *out,
                          size_t room) {
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (domain->state != FR_SENSOR_WORKING)
      continue;
    if (at < room)
      out[at] = (fr_domain_power){domain->name, power_of(domain)};
    at++;
  }
  return at;
}

size_t fr_meter_domains(fr_meter *meter, fr_domain_power *out, size_t room) {
  pthread_mutex_lock(&meter->lock);
  const fr__sampler *s = &meter->sampler;
  size_t count = add_domains(&s->sensor, 0, out, room);
  for (size_t i = 0; i < FR__BESIDE; i++)
    count = add_domains(&s->beside[i], count, out, room);
  pthread_mutex_unlock(&meter->lock);
  return count;
}

size_t fr_meter_cards(fr_meter *meter, fr_card_energy *out, size_t room) {
  size_t count = 0;
  pthread_mutex_lock(&meter->lock);
  for (size_t i = 0; i < FR__BESIDE; i++) {
    const fr__sensor *sensor = &meter->sampler.beside[i];
    for (size_t d = 0; d < sensor->count; d++) {
      const fr__domain *domain = &sensor->domain[d];
      if (!domain->counted)
        continue;
      if (count < room) {
        out[count].energy_j = fr__domain_energy_j(domain);
        memcpy(out[count].card, domain->card, sizeof out[count].card);
      }
      count++;
    }
  }
  pthread_mutex_unlock(&meter->lock);
  return count;
}

/* ---- report ---- */

/* Under the lock. */
static enum fr_status fill(const fr_meter *meter, fr_meter_report *report,
                           fr_error *err) {
  const enum fr_status status = fr__sampler_report(&meter->sampler, report, err);
  if (status != FR_OK)
    return status;
  return fr__phases_report(&meter->phases, report, &report->phase, &report->count, err);
}

enum fr_status fr_meter_read(fr_meter *meter, fr_meter_report *report, fr_error *err) {
  fr_meter_report filled;
  enum fr_status status = FR_OK;
  pthread_mutex_lock(&meter->lock);
  if (meter->running && !meter->stopping)
    take_sample(meter);
  fr__sampler_describe(&meter->sampler, &filled);
  if (meter->started)
    status = fill(meter, &filled, err);
  pthread_mutex_unlock(&meter->lock);
  if (status == FR_OK)
    *report = filled;
  else
    fr_meter_report_release(&filled);
  return status;
}

void fr_meter_report_release(fr_meter_report *report) {
  free(report->phase);
  free(report->domain);
  report->phase = NULL;
  report->domain = NULL;
  report->count = report->domain_count = 0;
}
