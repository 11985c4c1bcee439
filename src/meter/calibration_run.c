/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration's protocol: the machine under known loads, one after another, while a
 * sensor and /proc/stat are read. */
#include "frugal/calibration.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "frugal/power.h"
#include "meter/burner.h"
#include "meter/host.h"

#define SECONDS_LEAST 10.0
#define SECONDS_MOST 3600.0
#define SETTLING 0.4  /* of a step: the sensor and the clocks follow the load */
#define NAP_S 0.1     /* between looks at the clock */
#define NOT_QUIET 0.5 /* of the processors, busy with other programs: refused */

enum { STEPS = 18, EARLY = 3, LEVELS = 3 };

/* Sensors for people round: the steps that a power may come in, watts. */
enum { STEPS_OF_POWER = 10 };
static const double step_of_power[STEPS_OF_POWER] = {10,  5,   2,    1,    0.5,
                                                     0.2, 0.1, 0.05, 0.02, 0.01};

typedef struct step {
  size_t busy; /* burners; 0: rest */
  enum fr__burn kind;
  size_t group;
} step;

/* What is seen of one step; sums over the samples that lie wholly inside of it. */
typedef struct window {
  bool open, inside; /* inside: the sample before was in it, too */
  double seconds, joules, busy_s, other_s;
} window;

typedef struct run {
  const fr_calibration_options *options;
  fr_meter *meter;
  fr_meter *cards; /* NULL: there are none */
  fr__world *world;
  fr__host host; /* of the sampling thread, once it runs */
  fr__burners *burners;
  fr_cpu_power cpu;
  step step[STEPS];
  uint64_t start_ns;
  double step_s;
  fr_calibration_look look[STEPS];
  size_t looks;
  bool gpu[FR_CALIBRATION_GROUPS]; /* of the domains of `cards`, which are cards */
  size_t domains;
  pthread_mutex_t lock; /* of all below */
  window window;
  fr_power_sample last;
  double busy_s, process_s;             /* at the last sample */
  size_t seen, rounded[STEPS_OF_POWER]; /* samples; those that are whole numbers of it */
} run;

fr_calibration_options fr_calibration_default_options(void) {
  return (fr_calibration_options){.meter = fr_meter_default_options(), .seconds = 90};
}

/* ---- samples ---- */

/* What cards draw; NaN where it is not known yet. */
static double cards_w(const run *r) {
  fr_domain_power power[FR_CALIBRATION_GROUPS];
  const size_t count =
      r->cards != NULL ? fr_meter_domains(r->cards, power, FR_CALIBRATION_GROUPS) : 0;
  double sum = 0;
  for (size_t i = 0; i < count && i < r->domains; i++)
    sum += r->gpu[i] ? power[i].power_w : 0;
  return sum;
}

/* Halves count: a sample may be the mean of two lines. */
static void see_rounding(run *r, double power_w) {
  r->seen++;
  for (size_t i = 0; i < STEPS_OF_POWER; i++) {
    const double halves = 2 * power_w / step_of_power[i];
    r->rounded[i] += fabs(halves - round(halves)) < 1e-4;
  }
}

/* The greatest step that nearly all samples are whole numbers of; 0: finer than all. */
static double quantum_w(const run *r) {
  for (size_t i = 0; i < STEPS_OF_POWER; i++)
    if (r->rounded[i] * 10 >= r->seen * 9)
      return step_of_power[i];
  return 0;
}

/* On the sampling thread. */
static void take_sample(void *self, const fr_power_sample *sample) {
  run *r = self;
  fr__load load;
  fr__host_read(&r->host, &load);
  const double power_w = sample->power_w - cards_w(r);
  pthread_mutex_lock(&r->lock);
  window *w = &r->window;
  const double span_s = (double)(sample->t_ns - r->last.t_ns) * 1e-9;
  const double busy_s = load.busy_s - r->busy_s;
  if (w->open && w->inside && !sample->marked && power_w > 0) {
    w->seconds += span_s;
    w->joules += power_w * span_s;
    w->busy_s += busy_s;
    w->other_s += fmax(busy_s - (load.process_s - r->process_s), 0);
    see_rounding(r, power_w);
  }
  w->inside = w->open;
  r->last = *sample;
  r->busy_s = load.busy_s;
  r->process_s = load.process_s;
  pthread_mutex_unlock(&r->lock);
}

static void open_window(run *r) {
  pthread_mutex_lock(&r->lock);
  r->window = (window){.open = true};
  pthread_mutex_unlock(&r->lock);
}

static double now_s(const run *r) {
  return (double)(fr__clock_ns() - r->start_ns) * 1e-9;
}

/* A step of which less than half could be read is left out. */
static void close_window(run *r, const step *one) {
  pthread_mutex_lock(&r->lock);
  const window w = r->window;
  r->window = (window){0};
  pthread_mutex_unlock(&r->lock);
  const double wanted_s = (1 - SETTLING) * r->step_s;
  if (w.seconds < wanted_s / 2)
    return;
  r->look[r->looks++] = (fr_calibration_look){.t_s = now_s(r) - wanted_s / 2,
                                              .power_w = w.joules / w.seconds,
                                              .busy_cores = w.busy_s / w.seconds,
                                              .other_cores = w.other_s / w.seconds,
                                              .group = one->group};
}

/* ---- the protocol ---- */

/*
 * One processor, half of them and all, each with arithmetic and with reading memory, and
 * a rest after every second load; then backwards, and so on: what drifts, and what lags,
 * is told apart from load.
 */
static void plan(run *r) {
  const size_t all = fr__burners_count(r->burners);
  const size_t level[LEVELS] = {all, 1, (all + 1) / 2};
  const size_t levels = all < LEVELS ? all : LEVELS;
  step round[STEPS];
  size_t length = 0;
  for (size_t i = 0; i < 2 * levels; i++) {
    if (i % 2 == 0)
      round[length++] = (step){0};
    const size_t l = i % levels;
    const bool memory = (i / levels + i) % 2 == 1;
    round[length++] = (step){.busy = level[l],
                             .kind = memory ? FR__BURN_MEMORY : FR__BURN_ARITHMETIC,
                             .group = 1 + 2 * l + memory};
  }
  for (size_t i = 0; i < STEPS; i++) {
    const size_t at = i % length;
    r->step[i] = round[(i / length) % 2 == 0 ? at : length - 1 - at];
  }
}

static bool may_go_on(const run *r) {
  const fr_calibration_options *o = r->options;
  return o->may_go_on == NULL || o->may_go_on(o->self);
}

static void tell(run *r) {
  const fr_calibration_options *o = r->options;
  const double gone_s = now_s(r), whole_s = r->step_s * STEPS;
  pthread_mutex_lock(&r->lock);
  const double power_w = r->last.power_w;
  pthread_mutex_unlock(&r->lock);
  if (o->progress != NULL)
    o->progress(o->self, fmin(gone_s / whole_s, 1), fmax(whole_s - gone_s, 0), power_w);
}

static enum fr_status wait_until(run *r, double until_s, fr_error *err) {
  for (double left_s; (left_s = until_s - now_s(r)) > 0;) {
    if (!may_go_on(r))
      return fr__fail(err, FR_ERR_CANCELLED, "the calibration was stopped");
    tell(r);
    const struct timespec nap = {.tv_nsec = (long)(fmin(left_s, NAP_S) * 1e9)};
    (void)nanosleep(&nap, NULL);
  }
  return FR_OK;
}

static double other_cores(const run *r) {
  double sum = 0;
  for (size_t i = 0; i < r->looks; i++)
    sum += r->look[i].other_cores;
  return r->looks > 0 ? sum / (double)r->looks : 0;
}

static enum fr_status check_quiet(const run *r, fr_error *err) {
  const double other = other_cores(r);
  if (other <= NOT_QUIET * (double)r->cpu.cores)
    return FR_OK;
  return fr__fail(err, FR_ERR_UNSUPPORTED,
                  "the machine is not quiet: other programs keep %.1f of %zu processors "
                  "busy; calibrate when it is at rest",
                  other, r->cpu.cores);
}

/* A sensor that is renewed less often than a step settles says what was before. */
static enum fr_status check_period(run *r, fr_error *err) {
  fr_meter_report report;
  const enum fr_status status = fr_meter_read(r->meter, &report, err);
  if (status != FR_OK)
    return status;
  const double update_s = report.update_s;
  fr_meter_report_release(&report);
  if (update_s <= SETTLING * r->step_s)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "the sensor is renewed each %.2g s: calibrate for %.0f s or longer",
                  update_s, ceil(update_s / SETTLING * STEPS));
}

/* What would be refused in the end is refused at once. */
static enum fr_status check_early(run *r, fr_error *err) {
  const enum fr_status status = check_period(r, err);
  return status == FR_OK ? check_quiet(r, err) : status;
}

static enum fr_status run_steps(run *r, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < STEPS && status == FR_OK; i++) {
    const double start_s = (double)i * r->step_s;
    fr__burners_set(r->burners, r->step[i].busy, r->step[i].kind);
    status = wait_until(r, start_s + SETTLING * r->step_s, err);
    if (status == FR_OK) {
      open_window(r);
      status = wait_until(r, start_s + r->step_s, err);
    }
    if (status == FR_OK) {
      close_window(r, &r->step[i]);
      status = i + 1 == EARLY ? check_early(r, err) : FR_OK;
    }
  }
  fr__burners_set(r->burners, 0, FR__BURN_ARITHMETIC);
  return status;
}

/* ---- what was measured ---- */

static bool counts(const fr_meter_report *report, const char *kind) {
  for (size_t i = 0; i < report->domain_count; i++)
    if (report->domain[i].counted && strcmp(report->domain[i].kind, kind) == 0)
      return true;
  return false;
}

/* Of a command the first word alone: what follows may be a password. */
static void name_sensor(const run *r, const fr_meter_report *report, char text[96]) {
  const char *asked = r->options->meter.sensor;
  const bool command = asked != NULL && strncmp(asked, "exec:", 5) == 0;
  const size_t length = command ? 5 + strcspn(asked + 5, " \t;|&<>()'\"$`\n") : 0;
  snprintf(text, 96, "%s", report->sensor);
  if (command && length > 5 && memchr(asked, '=', length) == NULL)
    snprintf(text, 96, "%.*s", (int)(length < 60 ? length : 60), asked);
  for (char *p = text; *p != '\0'; p++) /* a command may hold anything */
    *p = (char)((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
}

static void describe(const run *r, const fr_meter_report *report, fr_calibration *out) {
  const bool dram = counts(report, "dram");
  snprintf(out->cpu, sizeof out->cpu, "%s", r->cpu.cpu);
  out->cores = r->cpu.cores;
  name_sensor(r, report, out->sensor);
  const char *whole =
      r->cards != NULL ? "the machine without cards" : "the whole machine";
  snprintf(out->of, sizeof out->of, "%s",
           !counts(report, "package") ? whole
           : dram                     ? "packages and DRAM"
                                      : "packages");
  out->utc_ns = fr__clock_utc_ns();
  out->seconds = now_s(r);
}

static enum fr_status conclude(run *r, fr_calibration *out, fr_error *err) {
  if (r->looks < FR_CALIBRATION_LOOKS_LEAST)
    return fr__fail(err, FR_ERR_IO,
                    "only %zu of %d steps could be read: the sensor failed, or does not "
                    "tell a card's power",
                    r->looks, STEPS);
  fr_meter_report report;
  enum fr_status status = check_quiet(r, err);
  if (status == FR_OK)
    status = fr_meter_read(r->meter, &report, err);
  if (status != FR_OK)
    return status;
  fr_calibration found = {0};
  const enum fr_source source = report.energy.source;
  status = fr_calibration_fit(r->look, r->looks, source, fr_sensor_accuracy(source, NULL),
                              quantum_w(r), &found, err);
  if (status == FR_OK) {
    describe(r, &report, &found);
    *out = found;
  }
  fr_meter_report_release(&report);
  return status;
}

/* ---- opening ---- */

static enum fr_status open_meter(run *r, fr_error *err) {
  fr_meter_options options = r->options->meter;
  fr_meter_report report;
  options.sample = take_sample;
  options.self = r;
  enum fr_status status = fr_meter_new(&options, &r->meter, err);
  if (status == FR_OK)
    status = fr_meter_read(r->meter, &report, err);
  if (status != FR_OK)
    return status;
  const bool model = strcmp(report.sensor, "model") == 0;
  fr_meter_report_release(&report);
  if (!model)
    return FR_OK;
  return fr__fail(err, FR_ERR_UNSUPPORTED,
                  "the model cannot be calibrated against itself: it takes a counter "
                  "that works, or a meter that prints watts (--sensor exec:COMMAND)");
}

/* Which of the domains are cards; how many domains there are, 0 where none is one. */
static size_t find_cards(fr_meter *meter, bool gpu[FR_CALIBRATION_GROUPS]) {
  fr_meter_report report;
  bool any = false;
  size_t i = 0;
  if (fr_meter_read(meter, &report, NULL) != FR_OK)
    return 0;
  for (; i < report.domain_count && i < FR_CALIBRATION_GROUPS; i++) {
    gpu[i] = strcmp(report.domain[i].kind, "gpu") == 0;
    any |= gpu[i];
  }
  fr_meter_report_release(&report);
  return any ? i : 0;
}

/* Cards have sensors of their own beside the model: what they draw is not its, whether
 * it was added to what the sensor says or is in it. A sensor that is named comes without
 * them, so that they have a meter of their own. */
static void open_cards(run *r) {
  fr_meter_options options = r->options->meter;
  options.sensor = NULL;
  options.sample = NULL;
  if (fr_meter_new(&options, &r->cards, NULL) != FR_OK) {
    r->cards = NULL;
    return;
  }
  if (fr_meter_start(r->cards, NULL) == FR_OK)
    r->domains = find_cards(r->cards, r->gpu);
  if (r->domains > 0)
    return;
  fr_meter_free(r->cards);
  r->cards = NULL;
}

static enum fr_status open_run(run *r, fr_error *err) {
  const double seconds = r->options->seconds;
  const char *root = r->options->meter.root;
  if (!(seconds >= SECONDS_LEAST && seconds <= SECONDS_MOST))
    return fr__fail(err, FR_ERR_ARGUMENT, "a calibration takes %g to %g s, not %g",
                    SECONDS_LEAST, SECONDS_MOST, seconds);
  r->step_s = seconds / STEPS;
  enum fr_status status = fr_cpu_power_find(root, &r->cpu, err);
  if (status == FR_OK)
    status = fr__world_new(root, &r->world, err);
  if (status == FR_OK)
    status = fr__host_init(&r->host, r->world, true, err);
  if (status == FR_OK)
    status = open_meter(r, err);
  if (status == FR_OK)
    status = fr__burners_new(r->cpu.cores, &r->burners, err);
  if (status == FR_OK)
    open_cards(r);
  return status;
}

static enum fr_status run_all(run *r, fr_error *err) {
  plan(r);
  enum fr_status status = fr_meter_start(r->meter, err);
  r->start_ns = fr__clock_ns();
  if (status == FR_OK)
    status = run_steps(r, err);
  fr_meter_stop(r->meter);
  return status;
}

enum fr_status fr_calibration_run(const fr_calibration_options *options,
                                  fr_calibration *out, fr_error *err) {
  run r = {.options = options};
  pthread_mutex_init(&r.lock, NULL);
  enum fr_status status = open_run(&r, err);
  if (status == FR_OK)
    status = run_all(&r, err);
  fr__burners_free(r.burners);
  if (status == FR_OK)
    status = conclude(&r, out, err);
  fr_meter_free(r.meter);
  fr_meter_free(r.cards);
  fr__host_release(&r.host);
  fr__world_free(r.world);
  pthread_mutex_destroy(&r.lock);
  return status;
}
