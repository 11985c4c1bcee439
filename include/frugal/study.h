/* SPDX-License-Identifier: Apache-2.0 */
/*
 * study: a matrix of experiments, repeated, resumable, and what follows from it.
 *
 * Every (data, network, mechanism, repeat) is a cell run in the store, found again by a
 * hash of everything that matters; the aggregate is the study run's `result`, the JSON
 * object that
 * `--json` prints and that report draws from.
 */
#ifndef FRUGAL_STUDY_H
#define FRUGAL_STUDY_H

#include "frugal/base.h"
#include "frugal/meter.h"
#include "frugal/store.h"

typedef struct fr_study fr_study; /* what a YAML file says, checked */

/* Reads and checks `path`; `$FRUGAL_DATA` in data specs is replaced. Errors carry line
 * numbers. */
enum fr_status fr_study_load(const char *path, fr_study **out, fr_error *err);
enum fr_status fr_study_parse(const char *name, const char *yaml, size_t size,
                              fr_study **out, fr_error *err);
void fr_study_free(fr_study *study);
/* "f32", "bf16" or "auto" in place of what the file says; false: another name. */
bool fr_study_set_precision(fr_study *study, const char *name);
const char *fr_study_name(const fr_study *study);

typedef struct fr_study_progress {
  size_t done, cells; /* cell runs, repeats included */
  size_t reused;      /* of done: found in the store */
  const char *cell;   /* "RMB transferred, repeat 3"; of several jobs "…; …" */
  double cell_done;   /* 0 to 1; of several jobs their sum */
  double power_w;     /* now */
  fr_measure energy;  /* so far, machine */
  double eta_s;       /* negative: not known yet */
} fr_study_progress;

#define FR_STUDY_JOBS 64 /* ceiling */
#define FR_STUDY_JOBS_AUTO SIZE_MAX

/* What a study may spend, 0: no limit of that kind; whichever is met first. Counted is
 * what its runs took, those found in the store included, so that a study that is resumed
 * ends where it would have ended. */
typedef struct fr_study_budget {
  double energy_j;   /* of the program */
  double grams;      /* CO2 equivalent of that energy, by the study's intensity and PUE */
  double duration_s; /* of runs; of N side by side each counts an N-th */
  bool anew;         /* what was found in the store does not count */
} fr_study_budget;

typedef struct fr_study_options {
  fr_store *store;   /* borrowed */
  const char *cache; /* of prepared data; NULL: none */
  const char *argv;  /* JSON array, for the store */
  size_t jobs; /* cells that run side by side, each in a process forked from this one, on
                  a core of its own, to the same bits; FR_STUDY_JOBS_AUTO: as many as
                  cores are idle when it begins; 0 or 1: one at a time, in this process */
  fr_study_budget budget;  /* with any limit, the order of runs and how often each cell is
                              repeated follow the widest intervals (docs/study.md) */
  const fr_cpu_power *cpu; /* as in fr_meter_options; a calibration of the model makes
                              other cells than the table, or another calibration */
  void (*progress)(void *self, const fr_study_progress *progress);
  bool (*may_go_on)(
      void *self); /* asked often; false stops after what is running is dropped */
  void *self;
} fr_study_options;

/* Runs what the store does not hold, aggregates, and stores the result under *run. */
enum fr_status fr_study_run(const fr_study *study, const fr_study_options *options,
                            int64_t *run, fr_error *err);

/* What fr_study_run would do: a JSON object (docs/json.md, study --list), the caller's
 * (free). Reads the data, runs nothing. */
enum fr_status fr_study_list(const fr_study *study, const fr_study_options *options,
                             char **json, fr_error *err);

/* ---- statistics that the study uses ---- */

typedef struct fr_interval {
  double mean, low, high; /* 95 %; low = high = mean where n < 2 */
  size_t n;
} fr_interval;

/* Student's t. */
fr_interval fr_interval_mean(const double *x, size_t n);

/* Ratio of paired values a[i] / b[i]: geometric mean with the t interval of the log
 * ratios. */
fr_interval fr_interval_ratio(const double *a, const double *b, size_t n);

enum fr_verdict { FR_HOLDS, FR_DOES_NOT_HOLD, FR_UNDECIDED };
const char *fr_verdict_name(enum fr_verdict verdict);

/* Inside [low, high]: holds; outside: does not; across a bound, or n < 2: undecided. */
enum fr_verdict fr_verdict_of(fr_interval x, double low, double high);

#endif
