/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people: as many digits as the interval deserves. */
#ifndef FR_REPORT_FORMAT_H
#define FR_REPORT_FORMAT_H

#include "report/result.h"

#define FR__TEXT 96
#define FR__NOT_MEASURED "not measured"

/* A figure in two pieces, so that a page may set the interval apart: "12.4 J" and
 * "(11.9–12.9)"; the interval is "" where there is none. */
typedef struct fr__number_text {
  char value[FR__TEXT];
  char interval[FR__TEXT];
} fr__number_text;

/* With its unit and, far from 1, an SI prefix; joules, grams, seconds, counts. */
fr__number_text fr__format_figure(const fr__figure *figure);
/* A share as percent: 0.934 is "93.4 %". */
fr__number_text fr__format_share(const fr__figure *figure);
/* By its quantity: accuracy and F1 are shares. Absent: "not measured". */
fr__number_text fr__format_quantity(const fr__figure *figure, enum fr__quantity quantity);
/* Both pieces with a space between. */
void fr__format_join(const fr__number_text *number, char text[2 * FR__TEXT]);

/* "1 234 567" with thin spaces between thousands, no unit; three significant digits below
 * a thousand. */
void fr__format_count(double value, char text[FR__TEXT]);

#endif
