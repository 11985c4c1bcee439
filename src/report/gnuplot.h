/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_REPORT_GNUPLOT_H
#define FR_REPORT_GNUPLOT_H

#include "base/buf.h"
#include "frugal/base.h"

/* Runs gnuplot (found by $PATH, without a shell and without its user's settings) on
 * `script` and appends what it draws on its standard output to *out. FR_ERR_NOT_FOUND
 * where there is no gnuplot; its first message where it fails. */
enum fr_status fr__gnuplot_run(const char *script, fr__buf *out, fr_error *err);

/* FR__SVG_NARROW: inside a page on a phone; of timelines alone. */
enum fr__medium { FR__SVG_FILE, FR__SVG_INLINE, FR__SVG_NARROW, FR__PNG };

/* What is drawn on, in pixels of SVG and points of letters. A PNG has twice the pixels.
 */
typedef struct fr__canvas {
  enum fr__medium medium;
  int width, height, font;
  double font_scale, point_scale; /* of a PNG */
} fr__canvas;

/* Sets gnuplot's terminal; pages have backgrounds of their own. */
void fr__gnuplot_canvas(const fr__canvas *canvas, fr__buf *script);

/* `text` as a gnuplot string in which nothing is an escape or a substitution. */
void fr__gnuplot_quote(fr__buf *out, const char *text);

#endif
