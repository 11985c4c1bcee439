/* SPDX-License-Identifier: Apache-2.0 */
/* One picture in one file: what those of carbon intensity share. */
#ifndef FR_REPORT_PICTURE_H
#define FR_REPORT_PICTURE_H

#include "base/buf.h"
#include "report/chart.h"

#define FR__PICTURE_INK "#222222"
#define FR__PICTURE_SOFT "#59636e"
#define FR__PICTURE_LINES "#d0d0d0"
#define FR__PICTURE_LETTER 9.0 /* pixels of a letter at 13 points */
#define FR__PICTURE_HEAD 60    /* pixels of title and note */

typedef struct fr__picture {
  enum fr__medium medium; /* FR__SVG_FILE or FR__PNG */
  int width, height;      /* in pixels; of a PNG half of them */
} fr__picture;

/* By the ending of the file's name. */
enum fr_status fr__picture_medium(const char *path, enum fr__medium *out, fr_error *err);

/* Terminal, title, the note below it in smaller letters, colours of the axes. */
void fr__picture_begin(const fr__picture *picture, const char *title, const char *note,
                       fr__buf *script);

/* The area of the plot, in pixels between it and the edges of the picture. */
void fr__picture_margins(const fr__picture *picture, double left, double right,
                         double top, double bottom, fr__buf *script);

/* Where so many pixels from the left or the bottom are, as a share of the whole. */
double fr__picture_x(const fr__picture *picture, double pixels);
double fr__picture_y(const fr__picture *picture, double pixels);

/* Runs gnuplot, and writes what it draws. */
enum fr_status fr__picture_write(const fr__buf *script, const char *path, fr_error *err);

#endif
