/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a plan takes: 40 regions, a year of hours ahead, one core. Medians of ROUNDS.
 *   bench_plan [FILE.csv ...]   years of hours, in turn; without any, made ones: days and
 *                               weeks as waves, and noise that lasts some hours
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "frugal/carbon.h"
#include "frugal/plan.h"

enum { ROUNDS = 7, REGIONS = 40 };

#define HOUR ((int64_t)3600)
#define DAY (24 * HOUR)
#define BEGIN ((int64_t)1672531200) /* 2023-01-01T00:00:00Z */
#define PI 3.14159265358979323846

typedef struct bench_case {
  const char *name;
  int64_t duration_s, deadline_s, step_s;
  int64_t late_s;      /* now, after a full hour */
  int64_t min_piece_s; /* 0: whole; 1: pieces of any length */
  size_t most_pieces;
  int64_t resume_s;
  double resume_j;
  bool forecasts; /* are made, of 60 days, in the time that is taken */
} bench_case;

#define YEAR (365 * DAY)
static const bench_case cases[] = {
    {"3 h whole", 3 * HOUR, YEAR, HOUR, 0, 0, 0, 0, 0, false},
    {"48 h whole, now at 12:34:56", 48 * HOUR, YEAR, HOUR, 2096, 0, 0, 0, 0, false},
    {"3 h in pieces of any length", 3 * HOUR, YEAR, HOUR, 0, 1, 0, 0, 0, false},
    {"3 h in pieces of 20 min", 3 * HOUR, YEAR, HOUR, 0, 1200, 0, 0, 0, false},
    {"3 h in pieces of 20 min, now at 12:34:56", 3 * HOUR, YEAR, HOUR, 2096, 1200, 0, 0,
     0, false},
    {"12 h in pieces of 2 h", 12 * HOUR, YEAR, HOUR, 0, 7200, 0, 0, 0, false},
    {"48 h in pieces of 90 min, now at 12:34:56", 48 * HOUR, YEAR, HOUR, 2096, 5400, 0, 0,
     0, false},
    {"12 h in pieces of 1 h, 5 min and 50 kJ to resume", 12 * HOUR, YEAR, HOUR, 0, HOUR,
     0, 300, 5e4, false},
    {"48 h in pieces of 1 h, 5 min and 50 kJ to resume", 48 * HOUR, YEAR, HOUR, 2096,
     HOUR, 0, 300, 5e4, false},
    {"12 h in 3 pieces of 1 h at most", 12 * HOUR, YEAR, HOUR, 0, HOUR, 3, 0, 0, false},
    {"3 h whole, 7 days of 5 min", 3 * HOUR, 7 * DAY, 300, 0, 0, 0, 0, 0, false},
    {"3 h in pieces of 20 min, 7 days of 5 min", 3 * HOUR, 7 * DAY, 300, 100, 1200, 0, 0,
     0, false},
    {"3 h in pieces of 20 min, 2 min to resume, 7 days of 5 min", 3 * HOUR, 7 * DAY, 300,
     100, 1200, 0, 120, 0, false},
    {"3 h whole in a day, forecasts made of 60 days", 3 * HOUR, DAY, HOUR, 0, 0, 0, 0, 0,
     true},
    {"3 h in pieces of 1 h in 7 days, forecasts made of 60 days", 3 * HOUR, 7 * DAY, HOUR,
     0, HOUR, 0, 0, 0, true},
};

/* ---- hours ---- */

static double made(fr__rng *rng, int64_t t, double *noise) {
  const double day = cos(2 * PI * (double)t / (double)DAY);
  const double week = cos(2 * PI * (double)t / (double)(7 * DAY));
  *noise = 0.95 * *noise + 12 * fr__rng_normal(rng);
  const double g = 350 + 90 * day + 40 * week + *noise;
  return round(fmin(fmax(g, 5), 1200) * 100) / 100;
}

static bool make_series(fr_series *series, size_t region, int64_t step_s, int64_t end_s) {
  fr__rng rng;
  double noise = 0;
  fr__rng_init(&rng, 8, region);
  series->source = FR_SOURCE_IMPORT;
  for (int64_t t = BEGIN; t < end_s; t += step_s) {
    const double g = made(&rng, t, &noise);
    const fr_intensity_step step = {t, t + step_s, g, g, g, 0};
    if (fr_series_add(series, &step, NULL) != FR_OK)
      return false;
  }
  return true;
}

/* A file's year, moved to BEGIN. */
static bool read_series(fr_series *series, const char *file, int64_t end_s) {
  char spec[1100];
  fr_error err = {0};
  fr_series all = {0};
  (void)snprintf(spec, sizeof spec, "csv:%s", file);
  const fr_intensity_query query = {
      .now_s = INT64_MAX / 4, .from_s = FR_TIME_EARLIEST, .to_s = FR_TIME_LATEST};
  if (fr_intensity_read(spec, &query, &all, &err) != FR_OK || all.count == 0) {
    fprintf(stderr, "%s\n", err.text);
    return false;
  }
  const int64_t move = BEGIN - all.step[0].start_s;
  bool done = true;
  for (size_t i = 0; done && i < all.count && all.step[i].end_s + move <= end_s; i++) {
    fr_intensity_step step = all.step[i];
    step.start_s += move;
    step.end_s += move;
    done = fr_series_add(series, &step, NULL) == FR_OK;
  }
  fr_series_release(&all);
  return done;
}

/* ---- one case ---- */

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct outcome {
  double s;
  size_t pieces; /* of the best */
  double loss;   /* greatest of all regions', a share */
} outcome;

static bool plan_once(const bench_case *c, const fr_series *series, outcome *out) {
  static fr_forecast forecast[REGIONS];
  fr_place place[REGIONS] = {0};
  const int64_t now_s = BEGIN + (c->forecasts ? 60 * DAY : 0) + c->late_s;
  const fr_job job = {.energy_j = {3.6e6, 3.6e6, 3.6e6, FR_UNIT_JOULE, FR_SOURCE_MODEL},
                      .duration_s = c->duration_s,
                      .now_s = now_s,
                      .deadline_s = now_s - c->late_s + c->deadline_s,
                      .interruptible = c->min_piece_s > 0,
                      .min_piece_s = c->min_piece_s,
                      .most_pieces = c->most_pieces,
                      .resume_s = c->resume_s,
                      .resume_j = c->resume_j};
  fr_plan_options options;
  fr_plan plan = {0};
  fr_error err = {0};
  fr_plan_options_init(&options);
  const double from = seconds_now();
  for (size_t i = 0; i < REGIONS; i++) {
    place[i] = (fr_place){.forecast = &forecast[i], .pue = 1.1};
    if (c->forecasts) {
      if (fr_forecast_make(&series[i], now_s, job.deadline_s, &forecast[i], &err) !=
          FR_OK)
        break;
    } else {
      forecast[i] = (fr_forecast){.ahead = series[i], .perfect = true};
    }
  }
  const bool done = err.text[0] == '\0' &&
                    fr_plan_make(place, REGIONS, 0, &job, &options, &plan, &err) == FR_OK;
  out->s = seconds_now() - from;
  if (!done)
    fprintf(stderr, "%s\n", err.text);
  for (size_t i = 0; i < plan.count; i++) {
    const fr_timetable *t = &plan.option[i].schedule;
    out->pieces = i == 0 || t->count > out->pieces ? t->count : out->pieces;
    out->loss = fmax(i == 0 ? 0 : out->loss, t->loss_g / t->grams.value);
  }
  for (size_t i = 0; c->forecasts && i < REGIONS; i++)
    fr_forecast_release(&forecast[i]);
  fr_plan_release(&plan);
  return done;
}

static bool run_case(const bench_case *c, int files, char *const *file) {
  static fr_series series[REGIONS];
  double s[ROUNDS];
  outcome taken = {0};
  bool done = true;
  const int64_t length = c->forecasts ? 70 * DAY : c->deadline_s;
  for (size_t i = 0; i < REGIONS && done; i++) {
    series[i] = (fr_series){0};
    done = files > 0 && c->step_s == HOUR
               ? read_series(&series[i], file[i % (size_t)files], BEGIN + length)
               : make_series(&series[i], i, c->step_s, BEGIN + length);
  }
  for (int i = 0; i < ROUNDS && done; i++) {
    done = plan_once(c, series, &taken);
    s[i] = taken.s;
  }
  if (done) {
    qsort(s, ROUNDS, sizeof *s, by_value);
    printf("%8.2f ms  (%.2f to %.2f)  %3zu pieces at most  loss %.1g  %s\n",
           1e3 * s[ROUNDS / 2], 1e3 * s[0], 1e3 * s[ROUNDS - 1], taken.pieces, taken.loss,
           c->name);
    fflush(stdout);
  }
  for (size_t i = 0; i < REGIONS; i++)
    fr_series_release(&series[i]);
  return done;
}

int main(int argc, char **argv) {
  printf("%d regions, median of %d plans, processor time, %s\n", REGIONS, ROUNDS,
         argc > 1 ? "years of hours from files" : "made hours");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!run_case(&cases[i], argc - 1, argv + 1))
      return 1;
  return 0;
}
