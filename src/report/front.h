/* SPDX-License-Identifier: Apache-2.0 */
/* The energy-accuracy front of a data set as a chart: a panel each for training, testing
 * and a life. */
#ifndef FR_REPORT_FRONT_H
#define FR_REPORT_FRONT_H

#include "report/chart.h"

#define FR__FRONT_PANELS 3   /* "train", "test", "life" */
#define FR__FRONT_POINTS 512 /* that one panel draws */
#define FR__FRONT_NETS 6     /* colours; further networks share the last one */

typedef struct fr__front_point {
  const char *cell, *net, *mechanism;
  fr__figure energy, accuracy; /* J; a share */
  bool on_front;
  const json_t *by; /* what dominates it; NULL: nothing */
} fr__front_point;

typedef struct fr__front_panel {
  fr__front_point *point; /* owned; the cheapest first */
  size_t points;
  double tests; /* of a life */
} fr__front_panel;

typedef struct fr__front { /* of one data set */
  const char *data, *data_name;
  fr__front_panel panel[FR__FRONT_PANELS];
  const char *net[FR__FRONT_NETS]; /* names, in the order of colours */
  size_t nets;
  char stem[80];               /* "front", "front-E" */
  char *svg[FR__FRONT_PANELS]; /* owned; for inside a page; NULL: none */
  bool drawn;
  fr_error why;
} fr__front;

/* Of every data set that has one; the caller's (fr__fronts_free). */
enum fr_status fr__fronts_read(const fr__result *result, fr__front **out, size_t *count,
                               fr_error *err);
void fr__fronts_free(fr__front *front, size_t count);
/* "train": "Training" and so on. */
const char *fr__front_title(size_t panel);

/* ---- drawing ---- */

/* A script that draws panels [first, last] side by side, those that have points. */
void fr__front_script(const fr__front *front, size_t first, size_t last,
                      enum fr__medium medium, fr__buf *script);
/* As fr__chart_draw. */
enum fr_status fr__front_draw(fr__front *front, const char *directory, fr_error *err);

/* ---- labels that do not overlap ---- */

typedef struct fr__label { /* in pixels; the origin is the plot's lower left corner */
  const char *text;
  double at_x, at_y; /* of the point */
  double x, y;       /* where its middle stands on the left edge of the text */
  double width;
  bool placed;
  bool apart; /* far enough for a line to its point */
} fr__label;

/* Places as many as there is room for in width x height, the first ones first. */
void fr__labels_place(fr__label *label, size_t count, double width, double height);

#endif
