/* SPDX-License-Identifier: Apache-2.0 */
/* A study's result written by hand: the poster's sixteen cells and one group more. */
#ifndef FR_TEST_REPORT_FIXTURE_H
#define FR_TEST_REPORT_FIXTURE_H

#include <string.h>

#include "base/buf.h"

typedef struct fixture_cell {
  const char *name, *group, *mechanism;
  double energy, half; /* J and half of its interval */
  double accuracy, accuracy_half;
  int operations;
} fixture_cell;

static const fixture_cell fixture_cells[] = {
    {"RMB", "poster", "scratch", 182.4, 73, 0.981, 0.004, 181248},
    {"RMB", "poster", "append", 23.1, 9.2, 0.962, 0.006, 199680},
    {"RMS", "poster", "scratch", 21.7, 8.7, 0.913, 0.011, 6272},
    {"RMS", "poster", "append", 3.94, 1.6, 0.884, 0.014, 7424},
    {"REB", "poster", "scratch", 96.3, 38.5, 0.874, 0.012, 181248},
    {"REB", "poster", "append", 14.8, 5.9, 0.421, 0.031, 199680},
    {"RES", "poster", "scratch", 12.2, 4.9, 0.742, 0.018, 6272},
    {"RES", "poster", "append", 2.08, 0.83, 0.336, 0.042, 7424},
    {"EMB", "poster", "scratch", 0.412, 0.165, 0.931, 0.007, 181248},
    {"EMB", "poster", "append", 0.523, 0.209, 0.897, 0.012, 199680},
    {"EMS", "poster", "scratch", 0.0301, 0.0120, 0.862, 0.015, 6272},
    {"EMS", "poster", "append", 0.0322, 0.0129, 0.841, 0.019, 7424},
    {"EEB", "poster", "scratch", 0.409, 0.164, 0.612, 0.034, 181248},
    {"EEB", "poster", "append", 0.519, 0.207, 0.274, 0.038, 199680},
    {"EES", "poster", "scratch", 0.0298, 0.0119, 0.533, 0.029, 6272},
    {"EES", "poster", "append", 0.0321, 0.0128, 0.218, 0.047, 7424},
    {"RMB", "raw", "scratch", 1240, 496, 0.988, 0.003, 2400000},
    {"RMB", "raw", "replace", 318, 127, 0.951, 0.008, 2400000},
    {"EMB", "raw", "scratch", 6.2, 2.5, 0.942, 0.009, 2400000},
    {"EMB", "raw", "replace", 6.1, 2.4, 0.923, 0.011, 2400000},
};
#define FIXTURE_CELLS (sizeof fixture_cells / sizeof *fixture_cells)

static inline void fixture_measure(fr__buf *out, const char *key, double v, double half,
                                   const char *unit, const char *source) {
  fr__buf_printf(out,
                 "\"%s\":{\"value\":%.9g,\"unit\":\"%s\",\"low\":%.9g,\"high\":%.9g,"
                 "\"source\":\"%s\",\"band_low\":%.9g,\"band_high\":%.9g},",
                 key, v, unit, v - half, v + half, source, v * 0.4, v * 3.5);
}

static inline void fixture_put_cell(fr__buf *out, const fixture_cell *c) {
  const bool train = c->name[0] == 'R', motion = c->name[1] == 'M';
  fr__buf_printf(out,
                 "{\"name\":\"%s\",\"group\":\"%s\",\"phase\":\"%s\",\"data\":\"%c\","
                 "\"data_name\":\"%s\",\"net\":\"%s\",\"mechanism\":\"%s\",",
                 c->name, c->group, train ? "train" : "test", c->name[1],
                 motion ? "MotionSense" : "ExtraSensory",
                 c->name[2] == 'B' ? "big" : "small", c->mechanism);
  fixture_measure(out, "program", c->energy, c->half, "J", "model");
  fixture_measure(out, "energy", c->energy * 1.31, c->half * 1.31, "J", "model");
  fixture_measure(out, "core_seconds", c->energy / 4.1, c->energy / 150, "core-s",
                  "clock");
  fixture_measure(out, "accuracy", c->accuracy, c->accuracy_half, "1", "exec");
  fixture_measure(out, "macro_f1", c->accuracy - 0.011, c->accuracy_half, "1", "exec");
  if (train)
    fixture_measure(out, "epochs", 23.4, 4.1, "1", "exec");
  fr__buf_printf(out,
                 "\"operations\":%d,\"parameters\":%d,\"chance\":%.4f,"
                 "\"transferred\":%s,\"n\":5}",
                 c->operations, c->operations / 2, motion ? 1.0 / 24 : 1.0 / 36,
                 strcmp(c->mechanism, "scratch") == 0 ? "false" : "true");
}

static inline void fixture_put_ratios(fr__buf *out) {
  fr__buf_add(out, "\"ratios\":[");
  for (size_t i = 1; i < FIXTURE_CELLS; i += 2) {
    const fixture_cell *of = &fixture_cells[i], *to = &fixture_cells[i - 1];
    const double ratio = of->energy / to->energy;
    fr__buf_printf(out,
                   "%s{\"of\":\"%s transferred\",\"to\":\"%s\",\"group\":\"%s\","
                   "\"quantity\":\"program\",\"value\":%.4f,\"low\":%.4f,\"high\":%.4f,"
                   "\"n\":5}",
                   i == 1 ? "" : ",", of->name, to->name, of->group, ratio, ratio * 0.93,
                   ratio * 1.08);
  }
  fr__buf_add(out, "],");
}

static const char fixture_tail[] =
    "\"claims\":["
    "{\"text\":\"training a transferred network takes 7 to 26 % of the energy\","
    "\"range\":[0.07,0.26],\"value\":0.151,\"low\":0.122,\"high\":0.187,"
    "\"verdict\":\"holds\"},"
    "{\"text\":\"testing the big transferred network takes 20 to 50 % more\","
    "\"range\":[1.2,1.5],\"value\":1.268,\"low\":1.17,\"high\":1.36,"
    "\"verdict\":\"undecided\"},"
    "{\"text\":\"testing the small transferred network takes less\","
    "\"range\":[0,1],\"value\":1.073,\"low\":1.02,\"high\":1.13,"
    "\"verdict\":\"does not hold\"}],"
    "\"break_even\":[{\"cell\":\"MB\",\"tests\":1435135,\"reason\":\"\"},"
    "{\"cell\":\"MS\",\"tests\":null,\"reason\":\"testing costs no more when "
    "transferred\"}],"
    "\"grams\":{\"value\":0.0231,\"unit\":\"gCO2e\",\"low\":0.0139,\"high\":0.0323,"
    "\"source\":\"model\"},"
    "\"intensity\":{\"value\":381,\"unit\":\"gCO2e/kWh\",\"low\":381,\"high\":381,"
    "\"source\":\"table\",\"zone\":\"DE\",\"origin\":\"Ember 2024\"},"
    "\"equivalents\":[{\"name\":\"Human life, avg, 1 year\",\"grams\":4999000,"
    "\"share\":4.6e-9},{\"name\":\"Car, avg incl. fuel, 1 lifetime\",\"grams\":57150000,"
    "\"share\":4.0e-10}],"
    "\"phases\":[{\"path\":\"read\",\"count\":4,\"duration_s\":1.31,"
    "\"energy\":{\"value\":5.1,\"unit\":\"J\",\"low\":3.1,\"high\":7.2,\"source\":"
    "\"model\"}},"
    "{\"path\":\"train/forward\",\"count\":9120,\"duration_s\":61.2,"
    "\"energy\":{\"value\":251,\"unit\":\"J\",\"low\":150,\"high\":352,"
    "\"source\":\"model\"}},"
    "{\"path\":\"train/update\",\"count\":9120,\"duration_s\":7.7,\"energy\":null}],"
    "\"runs\":[{\"id\":2,\"name\":\"RMB\",\"repeat\":1},{\"id\":3,\"name\":\"RMB\","
    "\"repeat\":2}],"
    "\"warnings\":[\"no sensor counts here, energy is modelled from busy "
    "core-seconds\"]}";

/* The caller's (free). `extra` is put among the keys: "" or "\"key\":value,". */
static inline char *fixture_json(const char *extra) {
  fr__buf out;
  fr__buf_init(&out, 0);
  fr__buf_printf(
      &out,
      "{\"name\":\"poster\",\"description\":\"Sixteen cells on 52 features, and "
      "raw windows beside them.\",\"repeats\":5,\"seed\":1,%s"
      "\"machine\":{\"cpu\":\"Example CPU 3 GHz\",\"cores\":2,\"sensor\":\"model\","
      "\"rule\":\"by class: server core, 4.1 W per busy core, ±40 %%\","
      "\"source\":\"model\"},"
      "\"settings\":{\"epochs\":60,\"patience\":8,\"batch\":64,"
      "\"learning_rate\":0.002,\"validate\":\"0.1\"},"
      "\"groups\":[{\"name\":\"poster\",\"title\":\"The poster's cells\"},"
      "{\"name\":\"raw\",\"title\":\"MotionSense, raw windows, people 1–12 to "
      "13–24\"}],\"cells\":[",
      extra);
  for (size_t i = 0; i < FIXTURE_CELLS; i++) {
    if (i > 0)
      fr__buf_add(&out, ",");
    fixture_put_cell(&out, &fixture_cells[i]);
  }
  fr__buf_add(&out, "],");
  fixture_put_ratios(&out);
  fr__buf_add(&out, fixture_tail);
  return fr__buf_detach(&out);
}

#endif
