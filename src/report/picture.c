/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "report/gnuplot.h"
#include "report/table.h"

#define PICTURE_CEILING ((size_t)16 << 20) /* bytes */
#define NOTE_LETTER 7.8                    /* pixels of a letter at 11 points */

static bool ends_in(const char *path, const char *ending) {
  const size_t length = strlen(path), tail = strlen(ending);
  return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

enum fr_status fr__picture_medium(const char *path, enum fr__medium *out, fr_error *err) {
  if (!ends_in(path, ".svg") && !ends_in(path, ".png"))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.200s' is no picture's name: it ends in .svg or .png", path);
  *out = ends_in(path, ".png") ? FR__PNG : FR__SVG_FILE;
  return FR_OK;
}

double fr__picture_x(const fr__picture *picture, double pixels) {
  return pixels / picture->width;
}

double fr__picture_y(const fr__picture *picture, double pixels) {
  return pixels / picture->height;
}

void fr__picture_margins(const fr__picture *picture, double left, double right,
                         double top, double bottom, fr__buf *script) {
  fr__buf_printf(script,
                 "set lmargin at screen %.6g\nset rmargin at screen %.6g\n"
                 "set tmargin at screen %.6g\nset bmargin at screen %.6g\n",
                 fr__picture_x(picture, left), 1 - fr__picture_x(picture, right),
                 1 - fr__picture_y(picture, top), fr__picture_y(picture, bottom));
}

/* What fits into `room` pixels; an ellipsis tells that there was more. */
static void put_cut(const char *text, double room, double letter, fr__buf *out) {
  char cut[512];
  double used = 0;
  size_t at = 0;
  const size_t length = strlen(text);
  while (at < length && at < sizeof cut - 8) {
    uint32_t point;
    const size_t n = fr__utf8_next(text + at, length - at, &point);
    used += letter * (double)fr__text_width(text + at, n);
    if (used > room)
      break;
    at += n;
  }
  (void)snprintf(cut, sizeof cut, "%.*s%s", (int)at, text, at < length ? "…" : "");
  fr__gnuplot_quote(out, cut);
}

void fr__picture_begin(const fr__picture *picture, const char *title, const char *note,
                       fr__buf *script) {
  const double room = picture->width - 30;
  fr__gnuplot_canvas(
      &(fr__canvas){picture->medium, picture->width, picture->height, 13, 2, 1}, script);
  fr__buf_add(script, "set encoding utf8\nset border 3 lc rgb '" FR__PICTURE_INK "'\n"
                      "set tics nomirror out textcolor rgb '" FR__PICTURE_INK "'\n");
  fr__buf_add(script, "set label 1 ");
  put_cut(title, room, FR__PICTURE_LETTER, script);
  fr__buf_printf(script, " at screen 0.5, screen %.6g center textcolor rgb '%s'\n",
                 1 - fr__picture_y(picture, 18), FR__PICTURE_INK);
  if (note == NULL)
    return;
  fr__buf_add(script, "set label 2 ");
  put_cut(note, room, NOTE_LETTER, script);
  fr__buf_printf(script,
                 " at screen 0.5, screen %.6g center font ',11' textcolor rgb '%s'\n",
                 1 - fr__picture_y(picture, 38), FR__PICTURE_SOFT);
}

enum fr_status fr__picture_write(const fr__buf *script, const char *path, fr_error *err) {
  fr__buf picture;
  fr_error why = {0};
  fr__buf_init(&picture, PICTURE_CEILING);
  enum fr_status status = script->status;
  if (status == FR_OK)
    status = fr__gnuplot_run(fr__buf_text(script), &picture, &why);
  if (status != FR_OK)
    (void)fr__fail(err, status, "'%.200s' is not drawn: %s", path,
                   *why.text != '\0' ? why.text : fr_status_text(status));
  else
    status = fr__file_write(path, fr__buf_text(&picture), picture.length, err);
  fr__buf_release(&picture);
  return status;
}
