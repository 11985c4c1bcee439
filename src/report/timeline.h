/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline of a metered run, as much of it as a chart can show. */
#ifndef FR_REPORT_TIMELINE_H
#define FR_REPORT_TIMELINE_H

#include <jansson.h>

#include "base/buf.h"
#include "frugal/store.h"
#include "report/chart.h"

#define FR__TIMELINE_BINS 900   /* across a chart */
#define FR__TIMELINE_DOMAINS 6  /* lines beside the total */
#define FR__TIMELINE_DEPTH 4    /* rows of phases */
#define FR__TIMELINE_PATHS 64   /* phases told apart; further ones are "other phases" */
#define FR__TIMELINE_SPIKES 200 /* marked; the highest of them are labelled */
#define FR__TIMELINE_NAME 64

/* Power in one bin: its range, and its mean as joules over seconds. */
typedef struct fr__bin {
  double low_w, high_w, joules, seconds; /* seconds 0: nothing is known there */
} fr__bin;

/* The phase that a bin saw most of, in one row. */
typedef struct fr__bin_phase {
  size_t path; /* in path[], from 1; 0: none */
  double seconds;
} fr__bin_phase;

typedef struct fr__spike {
  double start_s, duration_s, height_w;
  char cause[FR__TIMELINE_NAME]; /* the first; "" where none is told */
} fr__spike;

typedef struct fr__timeline {
  fr_run run;
  json_t *result; /* owned; NULL: none */
  fr_store_power power;
  double span_s, bin_s;
  double normal_w; /* negative: not known */
  fr__bin total[FR__TIMELINE_BINS];
  char domain[FR__TIMELINE_DOMAINS][FR__TIMELINE_NAME];
  size_t domains, all_domains;
  fr__bin part[FR__TIMELINE_DOMAINS][FR__TIMELINE_BINS];
  char path[FR__TIMELINE_PATHS][FR__TIMELINE_NAME];
  size_t paths;
  fr__bin_phase phase[FR__TIMELINE_DEPTH][FR__TIMELINE_BINS];
  size_t depth;                         /* rows in use */
  fr__spike spike[FR__TIMELINE_SPIKES]; /* the highest, in order of time */
  size_t spikes, all_spikes;
} fr__timeline;

/* FR_ERR_NOT_FOUND where the run has no samples. Large: keep it off the stack. */
enum fr_status fr__timeline_load(fr_store *store, int64_t run, fr__timeline *out,
                                 fr_error *err);
void fr__timeline_release(fr__timeline *timeline);

void fr__timeline_script(const fr__timeline *timeline, enum fr__medium medium,
                         fr__buf *script);

typedef struct fr__meter_page {
  const fr__timeline *line;
  const char *broad, *narrow; /* SVG for inside a page; NULL: not drawn */
  const char *why;            /* where they were not */
} fr__meter_page;

/* index.html of the run. */
void fr__meter_page_write(const fr__meter_page *page, fr__buf *out);

/* "t_s,power_w,energy_j,program_j,marked,DOMAIN…", a row per sample. */
enum fr_status fr__timeline_csv(fr_store *store, int64_t run, fr__buf *out,
                                fr_error *err);

/* What the run is called in a title: its command line, else its name; at most `size`. */
void fr__timeline_title(const fr__timeline *timeline, char *text, size_t size);

#endif
