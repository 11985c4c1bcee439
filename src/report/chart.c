/* SPDX-License-Identifier: Apache-2.0 */
#include "report/chart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "report/gnuplot.h"

#define PICTURE_CEILING ((size_t)16 << 20) /* bytes */

/* Draws panels [first, last] into *out. */
static enum fr_status draw(const fr__chart *chart, enum fr__panel first,
                           enum fr__panel last, enum fr__medium medium, fr__buf *out,
                           fr_error *err) {
  fr__buf script;
  fr__buf_init(&script, 0);
  fr__chart_script(chart->grid, chart->plot, first, last, medium, &script);
  const enum fr_status status =
      script.status == FR_OK
          ? fr__gnuplot_run(fr__buf_text(&script), out, err)
          : fr__fail(err, script.status, "a chart's script is too long");
  fr__buf_release(&script);
  return status;
}

enum fr_status fr__chart_write(const char *directory, const char *stem,
                               const char *extension, const fr__buf *picture,
                               fr_error *err) {
  char name[96];
  snprintf(name, sizeof name, "%s.%s", stem, extension);
  char *path = fr__path_join(directory, name);
  if (path == NULL)
    return fr__fail_memory(err, "the path of a chart");
  const enum fr_status status =
      fr__file_write(path, fr__buf_text(picture), picture->length, err);
  free(path);
  return status;
}

/* gnuplot's failure goes to chart->why, a disk's to *err. */
static enum fr_status draw_file(fr__chart *chart, enum fr__medium medium,
                                const char *directory, fr_error *err) {
  fr__buf picture;
  enum fr_status status = FR_OK;
  fr__buf_init(&picture, PICTURE_CEILING);
  if (draw(chart, FR__PANEL_TRAIN, FR__PANEL_TEST, medium, &picture, &chart->why) !=
      FR_OK)
    chart->drawn = false;
  else
    status = fr__chart_write(directory, chart->stem, medium == FR__PNG ? "png" : "svg",
                             &picture, err);
  fr__buf_release(&picture);
  return status;
}

static const char *const plot_title[FR__PLOTS] = {
    [FR__PLOT_ENERGY] = "Energy of each cell with its 95 % interval",
    [FR__PLOT_ACCURACY] = "Accuracy of each cell with its 95 % interval",
    [FR__PLOT_TRADE] = "Training energy against accuracy in testing",
};

static void draw_panel(fr__chart *chart, enum fr__panel panel) {
  fr__buf picture;
  char prefix[96], title[160];
  if (!fr__panel_has(chart->grid, chart->plot, panel))
    return;
  fr__buf_init(&picture, PICTURE_CEILING);
  snprintf(prefix, sizeof prefix, "%s-%d-", chart->stem, (int)panel);
  snprintf(title, sizeof title, "%s: %s", plot_title[chart->plot],
           panel == FR__PANEL_TEST ? "testing" : "training");
  if (draw(chart, panel, panel, FR__SVG_INLINE, &picture, &chart->why) == FR_OK)
    chart->panel[panel] = fr__svg_inline(fr__buf_text(&picture), prefix, title);
  if (chart->panel[panel] == NULL)
    chart->drawn = false;
  fr__buf_release(&picture);
}

enum fr_status fr__chart_draw(fr__chart *chart, const char *directory, fr_error *err) {
  chart->drawn = true;
  enum fr_status status = draw_file(chart, FR__SVG_FILE, directory, err);
  if (status == FR_OK && chart->drawn)
    status = draw_file(chart, FR__PNG, directory, err);
  for (enum fr__panel p = FR__PANEL_TRAIN; chart->drawn && p < FR__PANELS; p++)
    draw_panel(chart, p);
  return status;
}

void fr__chart_release(fr__chart *chart) {
  for (int p = 0; p < FR__PANELS; p++)
    free(chart->panel[p]);
  *chart = (fr__chart){0};
}
