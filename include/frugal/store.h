/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what was run, in SQLite (WAL). A run is one command; a study's cells are runs
 * whose parent is the study's run. Figures are measures under a name. One process may
 * have it open many times; a handle is used by one thread at a time.
 */
#ifndef FRUGAL_STORE_H
#define FRUGAL_STORE_H

#include "frugal/base.h"

typedef struct fr_store fr_store;

/* Opens or makes `path`; NULL: $XDG_DATA_HOME/frugal/runs.sqlite. An older schema is
 * brought up to this one, a newer one is refused. */
enum fr_status fr_store_open(const char *path, fr_store **out, fr_error *err);
/* For reading alone: makes and changes nothing, so that a folder without the right to
 * write will do; FR_ERR_NOT_FOUND where there is no store yet. */
enum fr_status fr_store_open_read(const char *path, fr_store **out, fr_error *err);
void fr_store_close(fr_store *store);
const char *fr_store_path(const fr_store *store);

typedef struct fr_run {
  int64_t id;
  int64_t parent; /* 0: none */
  char *command;  /* "study", "cell", "train" */
  char *name;     /* of the study, of the cell ("RMB"); "" where there is none */
  char *key;   /* what identifies a cell: hash of everything that matters; "" elsewhere */
  char *state; /* "running", "done", "failed"; "cut off": neither ended nor alive */
  char *argv;  /* the command line as JSON array */
  char *version, *host, *cpu;
  int64_t started_utc_ns, ended_utc_ns; /* 0: not ended */
  char *result; /* JSON; NULL: none yet; of a run not ended: what is known so far */
} fr_run;

void fr_run_release(fr_run *run);

/* Fields id, state, started and ended of `run` are ignored; NULL strings are stored as
 * "". */
enum fr_status fr_store_run_begin(fr_store *store, const fr_run *run, int64_t *id,
                                  fr_error *err);
enum fr_status fr_store_run_end(fr_store *store, int64_t id, const char *state,
                                const char *result, fr_error *err);
/* The result up to now of a run that goes on: what is left of it where it is cut off. */
enum fr_status fr_store_run_so_far(fr_store *store, int64_t id, const char *result,
                                   fr_error *err);
enum fr_status fr_store_figure(fr_store *store, int64_t run, const char *name,
                               fr_measure m, fr_error *err);

/* ---- openings: each look at what a protocol keeps for the end ---- */

typedef struct fr_opening {
  int64_t id;
  const char *protocol; /* what is tested and how it is cut, whatever network and seed: 16
                           hexadecimal digits (fr_prepared_protocol) */
  int64_t run;          /* that opened it; 0: not known, or removed since */
  int64_t opened_utc_ns;
  const char *command; /* "train" */
  const char *data;    /* SPEC */
  const char *terms;   /* task, split and windows, for people */
  const char *network; /* its text */
  const char *model;   /* digest of text and weights: 16 hexadecimal digits */
  uint64_t seed;
  double accuracy, macro_f1, weighted_f1, balanced_accuracy; /* NaN: not known */
} fr_opening;

/* Logs an opening, before anything is looked at: fields id, opened and the figures are
 * ignored, NULL texts stored as "". *count: the protocol's openings up to this one. */
enum fr_status fr_store_opening_add(fr_store *store, const fr_opening *opening,
                                    int64_t *id, size_t *count, fr_error *err);
/* What it found: the figures of `opening`, under its id. */
enum fr_status fr_store_opening_found(fr_store *store, const fr_opening *opening,
                                      fr_error *err);
/* In the order in which they were opened; `protocol` NULL: all. What `each` is given is
 * valid during the call alone. */
enum fr_status fr_store_openings_each(fr_store *store, const char *protocol,
                                      bool (*each)(void *self, const fr_opening *opening),
                                      void *self, fr_error *err);

/* ---- the timeline of a metered run ---- */

#define FR_STORE_DOMAINS 64 /* ceiling */

typedef struct fr_store_sample {
  uint64_t t_ns;                       /* since the run's start */
  double power_w, energy_j, program_j; /* mean since the sample before; since start */
  bool marked;                         /* bridged: not read, or could not be true */
  size_t domains;                      /* 0: not told */
  const double *domain_w;              /* (domains) borrowed; NaN: not known */
} fr_store_sample;

/* A stretch of a phase, for the bands of a chart. */
typedef struct fr_store_phase {
  int64_t number; /* the caller's, one for each stretch of a run: it may be told again */
  const char *path;          /* "train/forward"; borrowed */
  uint64_t begin_ns, end_ns; /* since the run's start; end 0: not ended yet */
} fr_store_phase;

/* Names of domain_w, in its order; once, before the samples. */
enum fr_status fr_store_domains(fr_store *store, int64_t run, const char *const *name,
                                size_t count, fr_error *err);
/* All in one transaction: all are in or none (a full disk: keep them, try again). */
enum fr_status fr_store_samples(fr_store *store, int64_t run,
                                const fr_store_sample *sample, size_t count,
                                fr_error *err);
/* Likewise; a number told before is replaced. */
enum fr_status fr_store_phases(fr_store *store, int64_t run, const fr_store_phase *phase,
                               size_t count, fr_error *err);

enum fr_status fr_store_run_get(fr_store *store, int64_t id, fr_run *run, fr_error *err);
/* The newest finished cell with that key; FR_ERR_NOT_FOUND where there is none. */
enum fr_status fr_store_cell_find(fr_store *store, const char *key, fr_run *run,
                                  fr_error *err);
/* Newest first; `parent` 0: those without a parent; -1: all. `each` returns false to
 * stop. */
enum fr_status fr_store_runs(fr_store *store, int64_t parent,
                             bool (*each)(void *self, const fr_run *run), void *self,
                             fr_error *err);
enum fr_status fr_store_figures(fr_store *store, int64_t run,
                                bool (*each)(void *self, const char *name, fr_measure m),
                                void *self, fr_error *err);
/* In order of time. What `each` is given is valid during the call alone. */
enum fr_status fr_store_samples_each(fr_store *store, int64_t run,
                                     bool (*each)(void *self,
                                                  const fr_store_sample *sample),
                                     void *self, fr_error *err);
enum fr_status fr_store_phases_each(fr_store *store, int64_t run,
                                    bool (*each)(void *self, const fr_store_phase *phase),
                                    void *self, fr_error *err);
enum fr_status fr_store_domains_each(fr_store *store, int64_t run,
                                     bool (*each)(void *self, const char *name),
                                     void *self, fr_error *err);

typedef struct fr_store_power {
  size_t count;                /* samples; 0: none, and the rest means nothing */
  uint64_t last_ns;            /* of the last sample */
  double min_w, mean_w, max_w; /* mean over time; NaN: never known. Least and most are of
                                  the samples that fr_meter_report takes them of */
  double energy_j, program_j;  /* at the last sample */
  size_t marked;
} fr_store_power;
/* Of a run's samples, however it ended. */
enum fr_status fr_store_power_of(fr_store *store, int64_t run, fr_store_power *out,
                                 fr_error *err);

#endif
