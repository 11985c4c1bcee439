/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command while it is metered. One loop on the main thread waits for the command's end,
 * hands signals on, takes marks of phases and answers Prometheus; the meter's own thread
 * samples. What both touch stands under a lock.
 */
#ifndef FR_CLI_METERING_H
#define FR_CLI_METERING_H

#include <pthread.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/course.h"
#include "cli/marks.h"
#include "cli/prometheus.h"
#include "cli/run_command.h"
#include "cli/spiking.h"
#include "cli/watch.h"
#include "cli/wire.h"

typedef struct cli_metering_options {
  cli_output output;
  double interval_s;
  const char *sensor, *root;            /* NULL: the best; this machine */
  const char *csv;                      /* NULL: none */
  const char *listen;                   /* NULL: none */
  const char *pattern;                  /* NULL: none */
  const char *replay, *import, *column; /* NULL: none */
  bool watch;
  double baseline_s;     /* 0: none */
  double calibrate_s;    /* 0: none */
  bool forget;           /* the calibration that is kept */
  size_t repeat;         /* times; 0: until it is known well enough */
  const char *intensity; /* of the grid; NULL: no grams are told */
  double pue;
  char **command; /* ends with NULL; NULL: the machine, until interrupted */
} cli_metering_options;

#define CLI_METERING_DOMAINS                                                             \
  8 /* in the timeline; further ones are in the report alone                             \
     */

typedef struct cli_kept_sample {
  fr_power_sample sample;
  size_t row;                            /* of the phase at its end */
  double domain_w[CLI_METERING_DOMAINS]; /* NaN: not known */
} cli_kept_sample;

#define CLI_KEPT_SAMPLES ((size_t)1 << 20) /* ceiling of what waits to be written */

typedef struct cli_queue {
  cli_kept_sample *sample; /* owned */
  size_t count, room;
  uint64_t lost;
} cli_queue;

typedef struct cli_metering {
  const cli_metering_options *options;
  cli_result *result; /* for warnings */
  size_t opened;      /* of the warnings, those of opening: each run begins with them */
  fr_meter *meter;
  fr_meter_report taken; /* of the last run of the command; owned */
  fr_cpu_power cpu;
  bool cpu_known;
  fr_store *store;                          /* NULL: none */
  int64_t run;                              /* in the store; 0: none */
  FILE *csv;                                /* NULL: none */
  size_t repetition;                        /* of the command, from 1 */
  const char *domain[CLI_METERING_DOMAINS]; /* (domains) the meter's */
  size_t domains;                           /* 0: fewer than two, which are the total */
  cli_prometheus prometheus;
  cli_signals signals;
  int due; /* an eventfd: there is something for the loop to write */
  cli_wire wire;
  cli_tap tap;
  cli_child child;
  fr_processes *processes; /* NULL: none */
  enum fr_source source;   /* of the machine's energy */
  cli_watch *watch;        /* NULL: none */
  fr_baseline baseline;    /* seconds 0: none */
  double *quiet_w;         /* (quiet_room) of a baseline that is being taken; owned */
  size_t quiet_count, quiet_room;
  fr_processes_report shares;        /* while it is reported on */
  fr_measure energy, delta, program; /* of the last run, once reported */
  int64_t start_utc_ns;              /* of the run: time 0 of its samples */
  double edges_j;                    /* of their bounds: what is that run's alone */
  bool stop;                         /* without a command: asked to */
  uint64_t flushed_ns, told_ns;      /* samples, figures so far: last into the store */
  cli_queue writing;                 /* the loop's: taken from `fresh`, not yet written */
  bool written_failed;
  pthread_mutex_t lock; /* of all below */
  cli_marks marks;
  cli_queue fresh;
  cli_spiking spiking;
  fr_power_sample last;
  size_t noted;      /* spikes that the chart tells */
  double bin_s;      /* when processes were last looked at */
  bool ending;       /* what comes now may be the last sample */
  cli_course course; /* for grams; empty where none are told */
  double core_s;     /* of the command so far */
  double program_j;  /* likewise */
} cli_metering;

/* Opens meter, store, CSV and endpoint. `result` takes the warnings. On failure nothing
 * is left open. */
enum fr_status cli_metering_init(cli_metering *metering,
                                 const cli_metering_options *options, cli_result *result,
                                 fr_error *err);
void cli_metering_release(cli_metering *metering);

/* Runs the command once, metered; its exit code in *code (126 and 127 where it could not
 * be run, with `err` filled and FR_OK returned: there is nothing to report then). After
 * it the figures stand until the next one. */
enum fr_status cli_metering_run(cli_metering *metering, int argc, char **argv, int *code,
                                fr_error *err);

/* Ends the run in the store; `result` is JSON, NULL: it failed. */
enum fr_status cli_metering_keep(cli_metering *metering, const char *result,
                                 fr_error *err);

/* The normal power of the machine, seen for so long; joined with one that was taken
 * before. */
enum fr_status cli_metering_baseline(cli_metering *metering, double seconds,
                                     fr_error *err);

/* Takes up what was kept of this machine and sensor within a day; false: nothing. */
bool cli_metering_baseline_kept(cli_metering *metering);
void cli_metering_baseline_keep(const cli_metering *metering);

/* What was measured, into result and text; `code` < 0: there was no command. */
enum fr_status cli_metering_report(cli_metering *metering, int code, cli_result *result,
                                   fr__buf *text, fr_error *err);

/* Before a command: whether the intensity can be had at all, as far as that can be known
 * by now. */
enum fr_status cli_metering_grid_check(const cli_metering_options *options,
                                       fr_error *err);
/* Grams of the last run's energies, at the intensity while it ran; that they are not
 * known is a warning. */
void cli_metering_grams(const cli_metering *metering, double duration_s,
                        cli_result *result, fr__buf *text);

/* The figures of `report` alone; `code` as above. */
void cli_metering_figures(cli_metering *metering, const fr_meter_report *report, int code,
                          cli_result *result, fr__buf *text);

/* What is known by now into the store, once a second: what is left of the run where it is
 * cut off. On the loop's thread. */
void cli_metering_so_far(cli_metering *metering);

/* The result with its warnings as the store keeps it; the caller's (free); NULL out of
 * memory. */
char *cli_metering_stored(const cli_result *result);

/* Samples and phases into store and CSV. */
enum fr_status cli_metering_flush(cli_metering *metering, fr_error *err);
enum fr_status cli_metering_csv_open(cli_metering *metering, fr_error *err);
/* A row of the open CSV; what is NaN stays empty; `phase` NULL: it is not known. */
void cli_metering_csv_row(cli_metering *metering, const fr_power_sample *sample,
                          const char *phase);
/* --replay and --import: an exit code. `argv` is the command line, for the store. */
int cli_meter_recorded(const cli_metering_options *options, int argc, char **argv,
                       cli_result *result);

/* The text of GET /metrics; `self` is the metering. */
void cli_metering_metrics(void *self, fr__buf *out);

#endif
