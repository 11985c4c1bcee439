/* SPDX-License-Identifier: Apache-2.0 */
/* report: tables, charts and one HTML file, drawn from the store and nothing else. */
#ifndef FRUGAL_REPORT_H
#define FRUGAL_REPORT_H

#include "frugal/base.h"
#include "frugal/store.h"

/*
 * Writes the study run `run` into `directory` (made where it is missing): index.html (one
 * file, charts inside as SVG), energy.svg/.png, accuracy.svg/.png and the other charts,
 * results.json, results.csv. Charts need gnuplot; where it is missing the report says so
 * in place of each and *charts (which may be NULL) is false.
 */
enum fr_status fr_report_study(fr_store *store, int64_t run, const char *directory,
                               bool *charts, fr_error *err);

/* The study's tables as text for a terminal of `columns`; the caller's (free). */
enum fr_status fr_report_study_text(fr_store *store, int64_t run, size_t columns,
                                    char **text, fr_error *err);

/*
 * Writes the report of a metered run into `directory`: index.html (one file: the chart
 * inside, what it cost with intervals, phases, spikes and who caused them, processes,
 * warnings), timeline.svg and timeline.png (power over time, by domain, with normal
 * power, spikes and phases) and timeline.csv (a row per sample), of a run that was cut
 * off too. FR_ERR_NOT_FOUND where it has no samples. Without gnuplot *charts is false and
 * *why says so, as the page does; both may be NULL.
 */
enum fr_status fr_report_meter(fr_store *store, int64_t run, const char *directory,
                               bool *charts, fr_error *why, fr_error *err);

#endif
