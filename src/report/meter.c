/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a metered run: a page, and its timeline as pictures and as rows. */
#include "frugal/report.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "report/gnuplot.h"
#include "report/timeline.h"

#define PICTURE_CEILING ((size_t)16 << 20) /* bytes */
#define ROWS_CEILING ((size_t)1 << 30)     /* bytes of timeline.csv */
#define PAGE_CEILING ((size_t)64 << 20)    /* bytes of index.html */

static enum fr_status write_file(const char *directory, const char *name,
                                 const fr__buf *bytes, fr_error *err) {
  char *path = fr__path_join(directory, name);
  if (path == NULL)
    return fr__fail_memory(err, "the path of a report");
  const enum fr_status status =
      fr__file_write(path, fr__buf_text(bytes), bytes->length, err);
  free(path);
  return status;
}

/* False where gnuplot fails: *why says so. */
static bool paint(const fr__timeline *line, enum fr__medium medium, fr__buf *picture,
                  fr_error *why) {
  fr__buf script;
  fr__buf_init(&script, 0);
  fr__timeline_script(line, medium, &script);
  const bool drawn = script.status == FR_OK &&
                     fr__gnuplot_run(fr__buf_text(&script), picture, why) == FR_OK;
  if (script.status != FR_OK)
    fr__fail(why, script.status, "%s", fr_status_text(script.status));
  fr__buf_release(&script);
  return drawn;
}

/* gnuplot's failure goes to *why and leaves *drawn false, a disk's is an error. */
static enum fr_status draw(const fr__timeline *line, enum fr__medium medium,
                           const char *directory, const char *name, bool *drawn,
                           fr_error *why, fr_error *err) {
  fr__buf picture;
  enum fr_status status = FR_OK;
  fr__buf_init(&picture, PICTURE_CEILING);
  *drawn = paint(line, medium, &picture, why);
  if (*drawn)
    status = write_file(directory, name, &picture, err);
  fr__buf_release(&picture);
  return status;
}

static enum fr_status draw_files(const fr__timeline *line, const char *directory,
                                 bool *drawn, fr_error *why, fr_error *err) {
  enum fr_status status =
      draw(line, FR__SVG_FILE, directory, "timeline.svg", drawn, why, err);
  if (status == FR_OK && *drawn)
    status = draw(line, FR__PNG, directory, "timeline.png", drawn, why, err);
  return status;
}

/* For inside the page; the caller's (free), NULL where it cannot be drawn. */
static char *inline_chart(const fr__timeline *line, enum fr__medium medium,
                          const char *prefix, fr_error *why) {
  fr__buf picture;
  fr__buf_init(&picture, PICTURE_CEILING);
  char *svg = paint(line, medium, &picture, why)
                  ? fr__svg_inline(fr__buf_text(&picture), prefix, "Power over time")
                  : NULL;
  fr__buf_release(&picture);
  return svg;
}

static enum fr_status write_page(const fr__timeline *line, const char *directory,
                                 bool charts, const fr_error *why, fr_error *err) {
  fr_error own = {0};
  char *broad = charts ? inline_chart(line, FR__SVG_INLINE, "b", &own) : NULL;
  char *narrow = charts ? inline_chart(line, FR__SVG_NARROW, "n", &own) : NULL;
  const fr__meter_page page = {line, broad, narrow, charts ? own.text : why->text};
  fr__buf text;
  fr__buf_init(&text, PAGE_CEILING);
  fr__meter_page_write(&page, &text);
  const enum fr_status status =
      text.status == FR_OK
          ? write_file(directory, "index.html", &text, err)
          : fr__fail(err, text.status, "'index.html' cannot be composed: %s",
                     fr_status_text(text.status));
  fr__buf_release(&text);
  free(broad);
  free(narrow);
  return status;
}

static enum fr_status write_rows(fr_store *store, int64_t run, const char *directory,
                                 fr_error *err) {
  fr__buf rows;
  fr__buf_init(&rows, ROWS_CEILING);
  enum fr_status status = fr__timeline_csv(store, run, &rows, err);
  if (status == FR_OK)
    status = write_file(directory, "timeline.csv", &rows, err);
  fr__buf_release(&rows);
  return status;
}

enum fr_status fr_report_meter(fr_store *store, int64_t run, const char *directory,
                               bool *charts, fr_error *why, fr_error *err) {
  fr__timeline *line = malloc(sizeof *line);
  fr_error own = {0}, *const reason = why != NULL ? why : &own;
  bool drawn = false;
  if (line == NULL)
    return fr__fail_memory(err, "a timeline");
  enum fr_status status = fr__timeline_load(store, run, line, err);
  if (status != FR_OK) {
    free(line);
    return status;
  }
  status = fr__dir_make(directory, err);
  if (status == FR_OK)
    status = write_rows(store, run, directory, err);
  if (status == FR_OK)
    status = draw_files(line, directory, &drawn, reason, err);
  if (status == FR_OK)
    status = write_page(line, directory, drawn, reason, err);
  if (status == FR_OK && charts != NULL)
    *charts = drawn;
  fr__timeline_release(line);
  free(line);
  return status;
}
