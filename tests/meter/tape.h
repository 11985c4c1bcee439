/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings as a machine with known joules would have left them. */
#ifndef FR_TEST_METER_TAPE_H
#define FR_TEST_METER_TAPE_H

#include "tree.h"

#include <inttypes.h>

#include "frugal/meter.h"

#define TAPE_CLASS "sys/class/powercap/"
#define TAPE_RANGE UINT64_C(262143328850) /* of a counter of 2^32 units of 2^-14 J */

typedef struct tape {
  tree t;
  FILE *timeline;
} tape;

static inline void tape_init(tape *tp) {
  tree_init(&tp->t);
  char path[256];
  tree_path(&tp->t, "timeline.csv", path);
  tp->timeline = fopen(path, "w");
  assert_non_null(tp->timeline);
  fputs("t_ns,path,value\n", tp->timeline);
}

static inline void tape_release(tape *tp) {
  if (tp->timeline != NULL)
    fclose(tp->timeline);
  tree_release(&tp->t);
}

static inline void tape_text(tape *tp, double t_s, const char *path, const char *value) {
  fprintf(tp->timeline, "%.0f,%s,%s\n", t_s * 1e9, path, value);
}

static inline void tape_number(tape *tp, double t_s, const char *path, uint64_t value) {
  fprintf(tp->timeline, "%.0f,%s,%" PRIu64 "\n", t_s * 1e9, path, value);
}

/* A powercap zone whose counter stands at `uj`; limit_w 0: none told. */
static inline void tape_zone(tape *tp, const char *zone, const char *name, uint64_t range,
                             double limit_w, uint64_t uj) {
  char path[160], text[64];
  snprintf(path, sizeof path, TAPE_CLASS "%s/name", zone);
  snprintf(text, sizeof text, "%s\n", name);
  tree_write(&tp->t, path, text);
  snprintf(path, sizeof path, TAPE_CLASS "%s/max_energy_range_uj", zone);
  tree_number(&tp->t, path, range);
  snprintf(path, sizeof path, TAPE_CLASS "%s/energy_uj", zone);
  tree_number(&tp->t, path, uj);
  if (limit_w <= 0)
    return;
  snprintf(path, sizeof path, TAPE_CLASS "%s/constraint_0_power_limit_uw", zone);
  tree_number(&tp->t, path, (uint64_t)(limit_w * 1e6));
}

static inline void tape_energy(tape *tp, double t_s, const char *zone, uint64_t uj) {
  char path[160];
  snprintf(path, sizeof path, TAPE_CLASS "%s/energy_uj", zone);
  tape_number(tp, t_s, path, uj);
}

static inline void tape_error(tape *tp, double t_s, const char *zone, const char *error) {
  char path[160];
  snprintf(path, sizeof path, TAPE_CLASS "%s/energy_uj", zone);
  tape_text(tp, t_s, path, error);
}

/* Steady power from from_s to to_s, a row each step_s; returns where the counter stands.
 */
static inline uint64_t tape_run(tape *tp, const char *zone, double from_s, double to_s,
                                double step_s, double power_w, uint64_t uj) {
  for (double t = step_s; t < to_s - from_s + step_s / 2; t += step_s)
    tape_energy(tp, from_s + t, zone, uj + (uint64_t)(power_w * t * 1e6 + 0.5));
  return uj + (uint64_t)(power_w * (to_s - from_s) * 1e6 + 0.5);
}

static inline void tape_close(tape *tp) {
  assert_int_equal(fclose(tp->timeline), 0);
  tp->timeline = NULL;
}

static inline enum fr_status tape_try(tape *tp, const fr_meter_options *options,
                                      fr_meter_report *report, fr_error *err) {
  if (tp->timeline != NULL)
    tape_close(tp);
  return fr_meter_replay(options, tp->t.root, report, err);
}

/* Release the report. */
static inline fr_meter_report tape_play(tape *tp, double interval_s) {
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = interval_s;
  fr_meter_report report;
  fr_error err = {0};
  if (tape_try(tp, &options, &report, &err) != FR_OK)
    fail_msg("replay: %s", err.text);
  return report;
}

/* The same, done with: the domains are gone. */
static inline fr_meter_report tape_figures(tape *tp, double interval_s) {
  fr_meter_report report = tape_play(tp, interval_s);
  fr_meter_report_release(&report);
  return report;
}

#endif
