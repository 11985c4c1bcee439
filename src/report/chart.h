/* SPDX-License-Identifier: Apache-2.0 */
/* The charts of one group of cells, as gnuplot scripts and as pictures. */
#ifndef FR_REPORT_CHART_H
#define FR_REPORT_CHART_H

#include "base/buf.h"
#include "report/gnuplot.h"
#include "report/result.h"

enum fr__plot { FR__PLOT_ENERGY, FR__PLOT_ACCURACY, FR__PLOT_TRADE, FR__PLOTS };

/* Training and testing differ by orders of magnitude: each has a panel with its own axis.
 */
enum fr__panel { FR__PANEL_TRAIN, FR__PANEL_TEST, FR__PANELS };

/* Whether there is anything to draw there. */
bool fr__panel_has(const fr__grid *grid, enum fr__plot plot, enum fr__panel panel);

/* A script that draws panels [first, last] side by side, those that have something. */
void fr__chart_script(const fr__grid *grid, enum fr__plot plot, enum fr__panel first,
                      enum fr__panel last, enum fr__medium medium, fr__buf *script);

typedef struct fr__chart {
  const fr__grid *grid;
  enum fr__plot plot;
  char stem[80];           /* "energy", "accuracy-raw": names the files */
  char *panel[FR__PANELS]; /* owned; SVG for inside a page; NULL: none */
  bool drawn;
  fr_error why; /* where it was not drawn */
} fr__chart;

/* Draws the chart into directory/STEM.svg and .png and the panels into memory. That
 * gnuplot fails is no error: drawn is false then, and `why` says it. Only files that
 * cannot be written are. */
enum fr_status fr__chart_draw(fr__chart *chart, const char *directory, fr_error *err);
/* directory/STEM.EXTENSION. */
enum fr_status fr__chart_write(const char *directory, const char *stem,
                               const char *extension, const fr__buf *picture,
                               fr_error *err);
void fr__chart_release(fr__chart *chart);

/* gnuplot's SVG made fit for a page: no prolog, colours that follow the page's,
 * identities that begin with `prefix`, a title for those who hear it. The caller's
 * (free); NULL where it is no SVG or memory is out. */
char *fr__svg_inline(const char *svg, const char *prefix, const char *title);

#endif
