/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live chart of `frugal meter --watch`: power over time in braille, now, min, mean
 * and max, a line per domain. cli_watch_render is a function of what was seen and the
 * window's size alone; cli_watch keeps samples, the terminal and a thread that sleeps
 * until there is something new or the window has another size.
 */
#ifndef FR_CLI_WATCH_H
#define FR_CLI_WATCH_H

#include "base/buf.h"
#include "frugal/base.h"

#define CLI_WATCH_DOMAINS 16   /* ceiling; further ones are not shown */
#define CLI_WATCH_SAMPLES 4096 /* that the chart can look back */

/* ---- the picture ---- */

typedef struct cli_watch_series {
  const char *name;            /* "package-0" */
  double now_w;                /* NaN: not known */
  double min_w, mean_w, max_w; /* since start; NaN: not known */
} cli_watch_series;

typedef struct cli_watch_view {
  const char *title;  /* the command, or "this machine" */
  const char *sensor; /* "perf, 1 package"; may be "" */
  double elapsed_s;
  double energy_j;
  double normal_w; /* NaN: not known; else a line across the chart */
  cli_watch_series total;
  const cli_watch_series *domain; /* (domains) */
  size_t domains;
  const char *phase; /* "train/forward"; NULL: none */
  const char *note; /* the last thing to tell: "spike: +31 W by transcribe"; NULL: none */
  /* The chart: power of the total at times, the oldest first. */
  const double *t_s;
  const double *power_w; /* NaN: not known */
  size_t count;
  double span_s; /* of time that the chart shows; 0: as much as the samples have */
} cli_watch_view;

/* `rows` lines of at most `columns` characters, each ended by a line feed but the last;
 * without control sequences. Any size from 1 × 1 on. `utf8`: braille, else ASCII. */
void cli_watch_render(const cli_watch_view *view, size_t columns, size_t rows, bool utf8,
                      fr__buf *out);

/* ---- the terminal ---- */

typedef struct cli_watch cli_watch;

typedef struct cli_watch_options {
  int fd;            /* the terminal: STDERR_FILENO */
  const char *title; /* copied, like all texts */
  const char *sensor;
  const char *const *domain; /* (domains) */
  size_t domains;
  double normal_w;   /* NaN: not known */
  double span_s;     /* 60: of the chart, less while the run is younger */
  bool whole_screen; /* the terminal's other screen, restored at the end; else the chart
                      * is drawn over itself below what stands there */
} cli_watch_options;

cli_watch_options cli_watch_default_options(void);

/* Takes the terminal over. FR_ERR_UNSUPPORTED where fd is none. One at a time. */
enum fr_status cli_watch_new(const cli_watch_options *options, cli_watch **out,
                             fr_error *err);
/* Draws a last time where not on the whole screen and gives the terminal back; NULL is
 * none. The caller catches signals that would end the program (cli_catch_interrupts). */
void cli_watch_free(cli_watch *watch);

/* From any thread; never waits for the terminal. */
void cli_watch_add(cli_watch *watch, double t_s, double power_w, double energy_j,
                   bool marked, const double *domain_w /* (domains) or NULL */);
void cli_watch_phase(cli_watch *watch, const char *path);
void cli_watch_note(cli_watch *watch, const char *text);
void cli_watch_normal(cli_watch *watch, double normal_w);

#endif
