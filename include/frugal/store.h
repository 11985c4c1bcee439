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

/* Opens or makes `path`; NULL: $XDG_DATA_HOME/frugal/runs.sqlite. A newer schema is
 * refused. */
enum fr_status fr_store_open(const char *path, fr_store **out, fr_error *err);
void fr_store_close(fr_store *store);
const char *fr_store_path(const fr_store *store);

typedef struct fr_run {
  int64_t id;
  int64_t parent; /* 0: none */
  char *command;  /* "study", "cell", "train" */
  char *name;     /* of the study, of the cell ("RMB"); "" where there is none */
  char *key;   /* what identifies a cell: hash of everything that matters; "" elsewhere */
  char *state; /* "running", "done", "failed" */
  char *argv;  /* the command line as JSON array */
  char *version, *host, *cpu;
  int64_t started_utc_ns, ended_utc_ns; /* 0: not ended */
  char *result;                         /* JSON; NULL: none yet */
} fr_run;

void fr_run_release(fr_run *run);

/* Fields id, state, started and ended of `run` are ignored; NULL strings are stored as
 * "". */
enum fr_status fr_store_run_begin(fr_store *store, const fr_run *run, int64_t *id,
                                  fr_error *err);
enum fr_status fr_store_run_end(fr_store *store, int64_t id, const char *state,
                                const char *result, fr_error *err);
enum fr_status fr_store_figure(fr_store *store, int64_t run, const char *name,
                               fr_measure m, fr_error *err);
typedef struct fr_store_sample {
  uint64_t t_ns;
  double power_w, energy_j, program_j;
} fr_store_sample;
/* All in one transaction. */
enum fr_status fr_store_samples(fr_store *store, int64_t run,
                                const fr_store_sample *sample, size_t count,
                                fr_error *err);

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
enum fr_status fr_store_samples_each(fr_store *store, int64_t run,
                                     bool (*each)(void *self,
                                                  const fr_store_sample *sample),
                                     void *self, fr_error *err);

#endif
